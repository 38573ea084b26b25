//! Where members and their passwords live: one file a directory, all behind [`Directory`].
//!
//! To add a directory: write `directory/NAME.rs` with its own `Config`, limits, wire types and tests, implement
//! [`Backend`], add a variant here, and follow the compiler. It must say honestly what it cannot do ([`Capabilities`]).

mod builtin;
mod hasher;
mod rehearsed;

pub use self::builtin::{Builtin, to_member};
pub use self::hasher::{HashError, Hasher};
pub use self::rehearsed::{NextReset, Rehearsed};
use crate::domain::{EmailAddress, Member, MemberId, Moment, Password};
use crate::store::Reservation;

/// How a member is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// By business e-mail.
    Email(EmailAddress),
    /// By the directory's immutable id.
    Id(MemberId),
}

/// What a look-up found. More than one match is never narrowed down by guessing (S15).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// Nobody.
    Nobody,
    /// Exactly one member.
    One(Box<Member>),
    /// Several.
    Several,
}

/// The directory does not answer; nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the directory does not answer")]
pub struct Unavailable;

/// Why a password was not set, or may not have been.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResetFailed {
    /// A definite no: the directory's own rules are against this password or this member.
    #[error("the directory refused: {0}")]
    Refused(String),
    /// Surely nothing was sent or begun.
    #[error("the directory could not be reached")]
    NotSent,
    /// A time-out, a broken connection or a server error: it may have happened.
    #[error("the directory stopped answering half-way")]
    Unknown,
}

/// What a directory can enforce, told on the card where something is missing (Q5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Ends the member's open sessions.
    pub can_sign_out: bool,
    /// Makes the member set a new password at the next sign-in.
    pub must_change: bool,
    /// Asks for a code on the member's own phone or e-mail at the next sign-in (S40).
    pub asks_for_code: bool,
}

/// What every directory does for a reset.
pub trait Backend {
    /// The name that administrators know it by.
    fn name(&self) -> &str;

    /// What it can enforce.
    fn capabilities(&self) -> Capabilities;

    /// Finds members, in the order asked. Reads past every cache of its own.
    fn find(&self, by: &[By]) -> impl Future<Output = Result<Vec<Match>, Unavailable>> + Send;

    /// Sets the password of the member of the reservation in one operation: new password, must change, and the lock
    /// of failed sign-ins lifted (Q13). Never touches the status (S17). `until` is the end of the password's life.
    fn reset(
        &self,
        reservation: &Reservation,
        password: &Password,
        until: Moment,
    ) -> impl Future<Output = Result<(), ResetFailed>> + Send;

    /// When the member's password was last set, as far as the directory tells; looked at after an unknown end.
    fn last_change(&self, member: &MemberId) -> impl Future<Output = Result<Option<Moment>, Unavailable>> + Send;

    /// Ends every open session of the member. Idempotent.
    fn sign_out(&self, member: &MemberId) -> impl Future<Output = Result<(), Unavailable>> + Send;
}

/// The directories that exist.
#[derive(Clone)]
pub enum Directory {
    /// Members and credentials in our own database.
    Builtin(Builtin),
    /// The built-in one, told to misbehave at the next reset; for the demo and for tests.
    Rehearsed(Rehearsed),
}

impl Directory {
    /// The built-in directory, where it is the one: only its members have pages here.
    pub fn builtin(&self) -> Option<&Builtin> {
        match self {
            Self::Builtin(builtin) => Some(builtin),
            Self::Rehearsed(rehearsed) => Some(rehearsed.builtin()),
        }
    }
}

/// Hands a call to the directory at hand.
macro_rules! delegate {
    ($self:ident, $directory:ident => $call:expr) => {
        match $self {
            Self::Builtin($directory) => $call,
            Self::Rehearsed($directory) => $call,
        }
    };
}

impl Backend for Directory {
    fn name(&self) -> &str {
        delegate!(self, directory => directory.name())
    }

    fn capabilities(&self) -> Capabilities {
        delegate!(self, directory => directory.capabilities())
    }

    async fn find(&self, by: &[By]) -> Result<Vec<Match>, Unavailable> {
        delegate!(self, directory => directory.find(by).await)
    }

    async fn reset(&self, reservation: &Reservation, password: &Password, until: Moment) -> Result<(), ResetFailed> {
        delegate!(self, directory => directory.reset(reservation, password, until).await)
    }

    async fn last_change(&self, member: &MemberId) -> Result<Option<Moment>, Unavailable> {
        delegate!(self, directory => directory.last_change(member).await)
    }

    async fn sign_out(&self, member: &MemberId) -> Result<(), Unavailable> {
        delegate!(self, directory => directory.sign_out(member).await)
    }
}
