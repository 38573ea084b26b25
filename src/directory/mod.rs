//! Where members and their passwords are: one file or folder a directory, all behind [`Directory`].
//!
//! A reset means something different in each directory, so each is used in the same five steps: look up and describe, refuse
//! what must not be reset, set the password, read back what is in force, and report only that. Everything is set in one
//! operation where the directory can do that; where the forced change needs a second one, it is a step of its own. A change
//! of the password is never retried.
//!
//! To add a directory, one new file or folder and a line or two below:
//!
//! 1. Write `directory/NAME.rs` with its limits, wire types and tests, a `Config` that implements [`DirectoryConfig`] and a
//!    type that implements [`Backend`]. It must say honestly what it cannot do ([`Capabilities`], [`Enforced`]).
//! 2. Add its `mod` and its line to the one list, `directories!` below.
//!
//! `tests/it/directories.rs` runs its list of behaviours on it.

mod active_directory;
mod backend;
mod breaker;
mod builtin;
mod check_account;
mod config;
mod directories;
mod fair_queue;
mod hasher;
mod keycloak;
mod lark;
mod ldap;
mod phones;
mod resilient;
mod scripted;
mod sections;
mod self_write;
mod why_refused;

use std::ops::RangeInclusive;

pub use self::backend::{Backend, By, Capabilities, Match, ResetFailed};
pub(crate) use self::backend::{Enforced, ForcedChange, Unavailable, Wanted};
pub use self::builtin::Builtin;
pub(crate) use self::builtin::{Caller, Checked, to_member};
use self::config::DirectoryConfig;
pub use self::config::DirectoryParts;
pub use self::directories::Directories;
pub(crate) use self::directories::Down;
pub(crate) use self::hasher::HashError;
pub use self::hasher::Hasher;
pub use self::resilient::ResilientDirectory;
pub use self::scripted::{NextReset, ScriptedDirectory};
pub(crate) use self::sections::conflicts;
pub use self::sections::read_text;
pub(crate) use self::why_refused::WOULD_KEEP_READABLE;
pub use self::why_refused::{
    AccountFault, CharacterKind, MissingRight, PasswordFault, RuleHelp, ServerFault, WhyRefused,
};
use crate::domain::makeup::PasswordNeeds;
use crate::domain::written_enum;
use crate::domain::{EmailAddress, MemberId, Moment, Password, Span};
use crate::lark_api::LarkAppSettings;
use crate::net::TlsError;
use crate::settings::{Finding, Section};
use crate::store::Reservation;

/// The one list of directories.
macro_rules! directories {
    ($($(#[$doc:meta])* $name:ident in $module:ident::$backend:ident = $kind:literal;)+) => {
        written_enum! {
            /// The kinds that a `[[directory]]` can have.
            pub(crate) DirectoryKind { $($(#[$doc])* $name = $kind),+ }
        }

        #[derive(Clone, Debug)]
        pub enum Config { $($(#[$doc])* $name($module::Config)),+ }

        /// An open directory of one of the kinds below.
        pub enum Directory {
            $($(#[$doc])* $name(Box<$module::$backend>),)+
            /// The built-in one, told how its next calls end; for the demo and for tests.
            Scripted(Box<ScriptedDirectory>),
        }

        impl Config {
            /// Reads one section; `is_alone` where there is no other.
            pub(crate) fn read(mut section: Section<'_>, is_alone: bool) -> Option<Self> {
                let text = section.required("kind")?;
                let kind: DirectoryKind = text
                    .parse()
                    .map_err(|error| section.problem("kind", format!("\"{text}\" {error}")))
                    .ok()?;
                match kind {
                    $(DirectoryKind::$name => $module::Config::read(section, is_alone).map(Self::$name)),+
                }
            }

            /// The name that administrators know it by.
            pub(crate) fn name(&self) -> &str {
                match self { $(Self::$name(config) => config.name()),+ }
            }

            /// The e-mail domains of its members; every other one where there are none.
            pub fn domains(&self) -> &[String] {
                match self { $(Self::$name(config) => config.domains()),+ }
            }

            /// True where it can tell who is an administrator, as it is set up.
            pub fn names_administrators(&self) -> bool {
                match self { $(Self::$name(config) => config.names_administrators()),+ }
            }

            /// The account that `relatch check` looks up, if one is set.
            pub fn check_account(&self) -> Option<&EmailAddress> {
                match self { $(Self::$name(config) => config.check_account()),+ }
            }

            /// The app of Lark that it uses, if any.
            pub fn lark_app(&self) -> Option<LarkAppSettings<'_>> {
                match self { $(Self::$name(config) => config.lark_app()),+ }
            }

            fn connect(self, parts: &DirectoryParts) -> Result<Directory, TlsError> {
                Ok(match self {
                    $(Self::$name(config) => Directory::$name(Box::new(config.open(parts)?))),+
                })
            }
        }

        /// The same call to whichever directory it is.
        macro_rules! each {
            ($directory:expr, $one:ident => $call:expr) => {
                match $directory {
                    $(Directory::$name($one) => $call,)+
                    Directory::Scripted($one) => $call,
                }
            };
        }
    };
}

directories! {
    /// Members and credentials in our own database.
    Builtin in builtin::Builtin = "builtin";
    /// OpenLDAP, 389 Directory Server, FreeIPA, and others.
    Ldap in ldap::LdapDirectory = "ldap";
    /// A domain of Active Directory, through LDAP.
    ActiveDirectory in active_directory::ActiveDirectory = "active-directory";
    /// A realm of Keycloak.
    Keycloak in keycloak::Keycloak = "keycloak";
    /// A tenant of Lark or Feishu.
    Lark in lark::LarkDirectory = "lark";
}

impl Directory {
    /// The built-in directory, where this is it.
    fn as_builtin(&self) -> Option<&Builtin> {
        if let Self::Builtin(one) = self {
            Some(one)
        } else if let Self::Scripted(one) = self {
            Some(one.as_builtin())
        } else {
            None
        }
    }
}

impl Backend for Directory {
    fn name(&self) -> &str {
        each!(self, one => one.name())
    }

    fn capabilities(&self) -> Capabilities {
        each!(self, one => one.capabilities())
    }

    fn password_needs(&self) -> PasswordNeeds {
        each!(self, one => one.password_needs())
    }

    async fn find(&self, by: &[By]) -> Result<Vec<Match>, Unavailable> {
        each!(self, one => one.find(by).await)
    }

    async fn find_wanted(&self, wanted: &[Wanted]) -> Result<Vec<Match>, Unavailable> {
        each!(self, one => one.find_wanted(wanted).await)
    }

    async fn reset(
        &self,
        reservation: &Reservation,
        password: &Password,
        until: Moment,
    ) -> Result<(), ResetFailed> {
        each!(self, one => one.reset(reservation, password, until).await)
    }

    async fn force_change(
        &self,
        member: &MemberId,
        set_within: Option<RangeInclusive<Moment>>,
    ) -> Result<ForcedChange, ResetFailed> {
        each!(self, one => one.force_change(member, set_within).await)
    }

    async fn enforced(
        &self,
        member: &MemberId,
        password: &Password,
    ) -> Result<Enforced, Unavailable> {
        each!(self, one => one.enforced(member, password).await)
    }

    async fn last_change(&self, member: &MemberId) -> Result<Option<Moment>, Unavailable> {
        each!(self, one => one.last_change(member).await)
    }

    async fn sign_out(&self, member: &MemberId) -> Result<Vec<String>, Unavailable> {
        each!(self, one => one.sign_out(member).await)
    }

    async fn unlock(&self, member: &MemberId) -> Result<(), Unavailable> {
        each!(self, one => one.unlock(member).await)
    }

    async fn send_link(&self, member: &MemberId) -> Result<Span, ResetFailed> {
        each!(self, one => one.send_link(member).await)
    }

    fn close_idle(&self) {
        each!(self, one => one.close_idle());
    }

    async fn probe(&self) -> Result<(), Finding> {
        each!(self, one => one.probe().await)
    }

    async fn warnings(&self) -> Vec<String> {
        each!(self, one => one.warnings().await)
    }
}
