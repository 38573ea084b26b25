//! Why a server or a connection was of no use, and whether that passes by itself.

use std::error::Error;

use ldap3::LdapError;

use super::code;
use crate::directory::Unavailable;
use crate::settings::Finding;

/// Why the server was of no use. The texts are for operators and hold no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::directory) enum LdapFailure {
    /// No connection, or the bind had no answer: nothing was asked.
    #[error("{0}")]
    NotReached(String),
    /// Nothing was asked either, and nothing will be until somebody changes the settings of relatch or of the server.
    #[error("{0}")]
    Misconfigured(String),
    /// The same: the server refuses relatch's account.
    #[error("the server refuses the account {account} with code {code}{}", account_hint(*code))]
    AccountRefused { account: String, code: u32 },
    /// It was asked, and did not answer.
    #[error("the server broke off or did not answer in time")]
    NoAnswer,
    #[error("the server refuses with code {code}{}", hint(*code))]
    Refused { code: u32 },
    #[error("a group of the settings is not there, or relatch's account cannot see its members")]
    NoGroup,
}

impl LdapFailure {
    /// What it means for those who asked.
    pub(in crate::directory) fn unavailable(&self) -> Unavailable {
        match self {
            Self::NotReached(_) | Self::NoAnswer => Unavailable::ForNow,
            Self::Refused { code } if code::may_pass(*code) => Unavailable::ForNow,
            Self::Refused { .. }
            | Self::AccountRefused { .. }
            | Self::Misconfigured(_)
            | Self::NoGroup => Unavailable::Misconfigured,
        }
    }

    /// Why no connection was made, or none that is safe.
    pub(super) fn of_connection(error: &LdapError) -> Self {
        let told = format!("no safe connection: {}", plain(error));
        if lasts(error) {
            Self::Misconfigured(told)
        } else {
            Self::NotReached(told)
        }
    }

    /// Why the bind of relatch's account failed.
    pub(super) fn of_bind(account: &str, code: u32) -> Self {
        let account = account.to_owned();
        let refused = Self::AccountRefused { account, code };
        if code::may_pass(code) {
            Self::NotReached(refused.to_string())
        } else {
            refused
        }
    }

    /// The key of a `[[directory]]` that an operator looks at first.
    pub(in crate::directory) fn key(&self) -> &'static str {
        match self {
            Self::AccountRefused { .. } => "bind_dn",
            Self::NotReached(_) | Self::Misconfigured(_) | Self::NoAnswer => "url",
            Self::Refused { .. } | Self::NoGroup => "",
        }
    }
}

impl From<LdapFailure> for Finding {
    fn from(failure: LdapFailure) -> Self {
        Self::of(failure.key(), failure.to_string())
    }
}

/// What is probably wrong with the account or its password.
fn account_hint(code: u32) -> &'static str {
    if code == code::INVALID_CREDENTIALS {
        ": bind_dn or its password is wrong"
    } else {
        ""
    }
}

/// Where operators look first.
fn hint(code: u32) -> &'static str {
    match code {
        code::SIZE_LIMIT | code::ADMIN_LIMIT => ": it limits what relatch's account may search for",
        code::NO_SUCH_OBJECT => ": an entry that the settings name is not there, or not to be seen",
        code::INSUFFICIENT_ACCESS => ": relatch's account has no right to read there",
        _ => "",
    }
}

/// True where it is about the certificate, or StartTLS is refused.
fn lasts(error: &LdapError) -> bool {
    if let LdapError::Io { source } = error {
        source
            .get_ref()
            .is_some_and(|inner| (inner as &(dyn Error + 'static)).is::<rustls::Error>())
    } else if let LdapError::LdapResult { result } = error {
        !code::may_pass(result.rc)
    } else {
        matches!(error, LdapError::Rustls { .. } | LdapError::DNSName { .. })
    }
}

/// The text of an error of the connection, which never holds what was sent.
pub(super) fn plain(error: &LdapError) -> String {
    if let LdapError::Io { source } = error {
        source.to_string()
    } else if let LdapError::LdapResult { result } = error {
        format!("the server refuses StartTLS with code {}", result.rc)
    } else {
        "no answer in time, or the connection broke off".to_owned()
    }
}
