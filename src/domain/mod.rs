//! The rules of a reset, without I/O: who may reset whom, how often, and where a password may go.
//!
//! Nothing here waits, reads a clock or draws random numbers by itself: the time comes in as a [`Moment`], randomness as
//! an `rng` argument. The defaults follow the edition of 2025-01-23 of the help page "Admin | Reset member passwords" (see
//! [`policy`]).

pub mod channel;
pub mod company;
pub mod contacts;
pub mod country;
pub mod delivery;
pub mod email;
pub mod look_up;
pub mod member;
pub mod moment;
pub mod password;
pub mod person;
pub mod phone;
pub mod platform;
pub mod policy;
pub mod quota;
pub mod reset;
pub mod sign_in;
pub mod visible;
pub mod written;

pub use channel::{Channel, Delivery, Destination};
pub use company::CompanyDomains;
pub use delivery::{Carries, Plan};
pub use email::EmailAddress;
pub use member::{Guard, LoginMethod, Member, MemberId, Role, Status};
pub use moment::{Moment, Span};
pub use password::Password;
pub use phone::PhoneNumber;
pub use platform::{ChatUser, Platform};
pub use policy::{Denied, Permit};
pub use quota::Quota;
pub use reset::{CheckId, Reference, ResetId, State, Step, StepOutcome, draw_id};
pub use visible::{has_mark, visible, without_marks};
pub(crate) use written::written_enum;
