//! Why a server or a connection was of no use.

use ldap3::LdapError;

/// Why the server was of no use. The texts are for operators and hold no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::directory) enum LdapFailure {
    /// No connection, no safe connection, or the bind failed: nothing was asked.
    #[error("{0}")]
    NotReached(String),
    /// It was asked, and did not answer.
    #[error("the server broke off or did not answer in time")]
    NoAnswer,
    #[error("the server refuses with code {code}")]
    Refused { code: u32 },
    #[error("a group of the settings is not there, or relatch's account cannot see its members")]
    NoGroup,
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
