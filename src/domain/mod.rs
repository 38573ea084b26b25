//! The rules of a reset, without I/O: who may reset whom, how often, and where a password may go.
//!
//! Nothing here waits, reads a clock or draws random numbers by itself: the time comes in as a [`Moment`], randomness as
//! an `rng` argument. The defaults follow the edition of 2025-01-23 of the help page "Admin | Reset member passwords" (see
//! [`policy`]).

pub(crate) mod channel;
pub(crate) mod code_alone;
pub(crate) mod company;
pub(crate) mod contacts;
pub(crate) mod country;
pub(crate) mod delivery;
mod domain_name;
pub(crate) mod email;
pub(crate) mod look_up;
pub(crate) mod looks;
pub(crate) mod makeup;
pub(crate) mod member;
pub(crate) mod moment;
pub(crate) mod own_password;
pub(crate) mod password;
pub(crate) mod person;
pub(crate) mod phone;
pub(crate) mod platform;
pub(crate) mod policy;
pub(crate) mod quota;
pub(crate) mod reset;
pub(crate) mod second_factors;
pub(crate) mod shorten;
pub(crate) mod sign_in;
pub(crate) mod sms_countries;
pub(crate) mod visible;
pub(crate) mod written;

pub use channel::{Channel, Delivery, Destination};
pub(crate) use code_alone::CodeUseId;
pub use company::CompanyDomains;
pub use delivery::Carries;
pub(crate) use delivery::Plan;
pub use email::EmailAddress;
pub use member::{Guard, LoginMethod, Member, MemberId, Role, Status};
pub use moment::{Moment, Span};
pub(crate) use own_password::NotAPassword;
pub use own_password::OwnPassword;
pub use password::Password;
pub(crate) use phone::PhoneNumber;
pub use platform::{ChatUser, Platform};
pub use policy::{Denied, Permit};
pub use quota::Quota;
pub(crate) use reset::{CheckId, draw_id};
pub use reset::{LogLine, Reference, ResetId, State, Step, StepOutcome};
pub use second_factors::{AsksForMore, SecondFactor, SecondFactors};
pub(crate) use visible::{has_mark, visible, without_marks};
pub(crate) use written::written_enum;
