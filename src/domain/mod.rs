//! The rules of a reset, without input or output: who may, whom, how often, and where a password may go.
//!
//! Nothing here waits, reads a clock or draws a number by itself. Time comes in as [`Moment`], chance as an
//! `rng` argument. The defaults follow the edition of 2025-01-23 of the help page "Admin | Reset member
//! passwords" (see [`policy`]).

pub mod channel;
pub mod contacts;
pub mod country;
pub mod delivery;
pub mod look_up;
pub mod member;
pub mod moment;
pub mod password;
pub mod person;
pub mod policy;
pub mod quota;
pub mod reset;
pub mod sign_in;

pub use channel::{Channel, Delivery, Destination};
pub use delivery::{Carries, Plan};
pub use member::{
    ChatUser, CompanyDomains, EmailAddress, Guard, LoginMethod, Member, MemberId, PhoneNumber,
    Platform, Role, Status,
};
pub use moment::{Moment, Span};
pub use password::Password;
pub use policy::{Denied, Permit};
pub use quota::Quota;
pub use reset::{Reference, ResetId, State, Step, StepOutcome};
