//! Where members and their passwords live: one file a directory, all behind [`Directory`].
//!
//! A reset does not mean the same thing everywhere, so every directory is worked with in the same five steps: look up and
//! describe, refuse what must not be reset, set everything in one operation, read back what is in force, and report that
//! and no more. No change is ever tried twice.
//!
//! To add a directory: write `directory/NAME.rs` with its own `Config`, limits, wire types and tests, implement
//! [`Backend`], add it to [`Directory`] and to [`Config`] here, and follow the compiler. It must say honestly what it
//! cannot do ([`Capabilities`], [`Enforced`]), and `tests/it/directories.rs` runs its list of behaviours on it.

pub mod active_directory;
mod admission;
mod breaker;
mod builtin;
mod config;
mod hasher;
mod homes;
pub mod keycloak;
pub mod lark;
pub mod ldap;
mod ldap_common;
mod rehearsed;
mod self_write;

pub use self::builtin::{Builtin, Caller, to_member};
pub(crate) use self::config::conflicts;
pub use self::config::{Config, DirectoryParts, Kind, read_text};
pub use self::hasher::{HashError, Hasher};
pub use self::homes::{Directories, Down, Home};
pub use self::ldap_common::{Attributes, Config as LdapConfig, Groups};
pub use self::rehearsed::{NextReset, Rehearsed};
use crate::domain::{EmailAddress, Member, MemberId, Moment, Password, Span};
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
    /// Several, as the directory calls some of them: for the operator, never for the chat.
    Several(Vec<String>),
    /// One, of which relatch cannot read who it is or what protects it. [`Directories`] answers as if the directory did not;
    /// but the directory did, and goes on for everybody else.
    Unreadable,
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
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one thing that a directory can do or cannot"
)]
pub struct Capabilities {
    /// Ends the member's open sessions.
    pub can_sign_out: bool,
    /// Makes the member set a new password at the next sign-in.
    pub must_change: bool,
    /// The member signs in at our own pages, which ask for a code on their own phone or e-mail (S40) and end a
    /// generated password after its life (Q10).
    pub has_our_pages: bool,
    /// Sends a link of its own by which the member sets a password.
    pub sends_own_link: bool,
}

/// What was read back after a reset: is a new password asked for at the next sign-in?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enforced {
    /// It is.
    MustChange,
    /// It is not, because the account's password never expires.
    NeverExpires,
    /// It is not.
    NotInForce,
}

/// What every directory does for a reset.
pub trait Backend {
    /// The name that administrators know it by.
    fn name(&self) -> &str;

    /// What it can enforce.
    fn capabilities(&self) -> Capabilities;

    /// Finds members, in the order asked. Reads past every cache of its own, and compares what it gets with what was
    /// asked: a server that ignores half of a question must not answer with somebody else.
    fn find(&self, by: &[By]) -> impl Future<Output = Result<Vec<Match>, Unavailable>> + Send;

    /// Sets the password of the member of the reservation in one operation: new password, must change, and the lock
    /// of failed sign-ins lifted (Q13). Never touches the status (S17). `until` is the end of the password's life.
    /// Never tried twice, whatever the answer.
    fn reset(
        &self,
        reservation: &Reservation,
        password: &Password,
        until: Moment,
    ) -> impl Future<Output = Result<(), ResetFailed>> + Send;

    /// Reads back what is in force after a reset with this password. Signs nobody in.
    fn enforced(
        &self,
        member: &MemberId,
        password: &Password,
    ) -> impl Future<Output = Result<Enforced, Unavailable>> + Send;

    /// When the member's password was last set, as far as the directory tells; looked at after an unknown end.
    fn last_change(
        &self,
        member: &MemberId,
    ) -> impl Future<Output = Result<Option<Moment>, Unavailable>> + Send;

    /// Ends every open session of the member. Idempotent.
    fn sign_out(&self, member: &MemberId) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// Has the directory send its own link, which works for `life`, to the e-mail that it has. Changes nothing by itself.
    /// Where it cannot ([`Capabilities::sends_own_link`]) nothing is sent.
    fn send_link(
        &self,
        _member: &MemberId,
        _life: Span,
    ) -> impl Future<Output = Result<(), ResetFailed>> + Send {
        std::future::ready(Err(ResetFailed::NotSent))
    }

    /// Tries everything that a reset needs without changing anything, for `relatch check`: what is wrong, in words.
    fn probe(&self) -> impl Future<Output = Result<(), String>> + Send;

    /// What an operator should know though nothing is wrong, for `relatch check`, asked after a probe that went well: which
    /// attributes that relatch trusts members may write themselves, or that this is unknown.
    fn warnings(&self) -> impl Future<Output = Vec<String>> + Send {
        std::future::ready(vec![self_write::unknown("this directory does not tell")])
    }
}

/// The directories that exist.
pub enum Directory {
    /// Members and credentials in our own database.
    Builtin(Builtin),
    /// The built-in one, told to misbehave at the next reset; for the demo and for tests.
    Rehearsed(Rehearsed),
    /// OpenLDAP, 389 Directory Server, FreeIPA, and others.
    Ldap(Box<ldap::Ldap>),
    /// Active Directory.
    ActiveDirectory(Box<active_directory::ActiveDirectory>),
    /// A realm of Keycloak.
    Keycloak(Box<keycloak::Keycloak>),
    /// A tenant of Lark or Feishu.
    Lark(Box<lark::LarkDirectory>),
}

impl Directory {
    /// The built-in directory, where it is the one: only its members have pages here.
    pub fn builtin(&self) -> Option<&Builtin> {
        match self {
            Self::Builtin(builtin) => Some(builtin),
            Self::Rehearsed(rehearsed) => Some(rehearsed.builtin()),
            Self::Ldap(_) | Self::ActiveDirectory(_) | Self::Keycloak(_) | Self::Lark(_) => None,
        }
    }
}

/// Hands a call to the directory at hand.
macro_rules! delegate {
    ($self:ident, $directory:ident => $call:expr) => {
        match $self {
            Self::Builtin($directory) => $call,
            Self::Rehearsed($directory) => $call,
            Self::Ldap($directory) => $call,
            Self::ActiveDirectory($directory) => $call,
            Self::Keycloak($directory) => $call,
            Self::Lark($directory) => $call,
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

    async fn reset(
        &self,
        reservation: &Reservation,
        password: &Password,
        until: Moment,
    ) -> Result<(), ResetFailed> {
        delegate!(self, directory => directory.reset(reservation, password, until).await)
    }

    async fn enforced(
        &self,
        member: &MemberId,
        password: &Password,
    ) -> Result<Enforced, Unavailable> {
        delegate!(self, directory => directory.enforced(member, password).await)
    }

    async fn last_change(&self, member: &MemberId) -> Result<Option<Moment>, Unavailable> {
        delegate!(self, directory => directory.last_change(member).await)
    }

    async fn sign_out(&self, member: &MemberId) -> Result<(), Unavailable> {
        delegate!(self, directory => directory.sign_out(member).await)
    }

    async fn send_link(&self, member: &MemberId, life: Span) -> Result<(), ResetFailed> {
        delegate!(self, directory => directory.send_link(member, life).await)
    }

    async fn probe(&self) -> Result<(), String> {
        delegate!(self, directory => directory.probe().await)
    }

    async fn warnings(&self) -> Vec<String> {
        delegate!(self, directory => directory.warnings().await)
    }
}
