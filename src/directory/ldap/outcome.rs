//! What the result of a change means, by its code: a definite no, or an outcome that nobody can tell.

use ldap3::LdapResult;

use super::LdapFailure;
use super::code;
use crate::directory::{
    MissingRight, PasswordFault, ResetFailed, ServerFault, Unavailable, WhyRefused,
};
use crate::domain::Password;

/// The server answers, and does not tell what was asked. It is as sound as before, and asked again it would say the same.
pub(in crate::directory) const NOT_TOLD: Unavailable = Unavailable::Misconfigured;

/// Logs what a bind as a member answered that should have shown that the new password works.
pub(in crate::directory) fn warn_of_bind(directory: &str, code: u32) {
    tracing::warn!(
        directory,
        code,
        "could not confirm the new password by a test sign-in"
    );
}

/// Why a bind as a member proved nothing. It is made again only after a fault that may pass: each refused one may count towards
/// the member's lockout.
pub(in crate::directory) fn unproved(code: u32) -> Unavailable {
    if code::may_pass(code) {
        Unavailable::ForNow
    } else {
        NOT_TOLD
    }
}

/// The result of a change of a password. `refused` reads what a kind of server says with a definite no.
pub(in crate::directory) fn ended(
    answer: Result<LdapResult, LdapFailure>,
    password: &Password,
    refused: impl Fn(&LdapResult) -> Option<WhyRefused>,
) -> Result<(), ResetFailed> {
    ended_with(answer, Some(password), refused)
}

/// The result of a change that carries no password.
pub(super) fn ended_without_secret(
    answer: Result<LdapResult, LdapFailure>,
) -> Result<(), ResetFailed> {
    ended_with(answer, None, |_| None)
}

fn ended_with(
    answer: Result<LdapResult, LdapFailure>,
    password: Option<&Password>,
    refused: impl Fn(&LdapResult) -> Option<WhyRefused>,
) -> Result<(), ResetFailed> {
    let result = answer.map_err(|failure| match failure {
        LdapFailure::NotReached(_) => ResetFailed::NotSent,
        LdapFailure::Misconfigured(_) | LdapFailure::AccountRefused { .. } => {
            ResetFailed::Misconfigured
        }
        LdapFailure::NoAnswer | LdapFailure::Refused { .. } | LdapFailure::NoGroup => {
            ResetFailed::Unknown
        }
    })?;
    if result.rc == code::SUCCESS {
        return Ok(());
    }
    // A server may repeat the password in its text.
    let repeats = password.is_some_and(|password| result.text.contains(password.expose()));
    let text = if repeats { "" } else { result.text.as_str() };
    tracing::warn!(code = result.rc, text, "the directory refused a change");
    Err(match result.rc {
        code::BUSY => ResetFailed::NotSent,
        // The change may have been made, or a proxy forwarded it and got no answer.
        code::OPERATIONS_ERROR | code::TIME_LIMIT | code::UNAVAILABLE | code::OTHER => {
            ResetFailed::Unknown
        }
        _ => ResetFailed::Refused(refused(&result).unwrap_or_else(|| by_code(result.rc))),
    })
}

fn by_code(code: u32) -> WhyRefused {
    match code {
        code::REFERRAL => WhyRefused::Server(ServerFault::ReadOnlyCopy),
        code::UNDEFINED_ATTRIBUTE => WhyRefused::Server(ServerFault::UnknownAttribute),
        code::NO_SUCH_OBJECT => WhyRefused::Gone,
        code::INSUFFICIENT_ACCESS => WhyRefused::NoRight(MissingRight::Reset),
        code::CONSTRAINT_VIOLATION => WhyRefused::Password(PasswordFault::UnfitAsLogged),
        code => WhyRefused::Code(code.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A refused bind counts towards a lockout; one that a busy server did not look at does not.
    #[test]
    fn a_bind_is_made_again_only_after_a_fault_that_may_pass() {
        for code in [code::BUSY, code::UNAVAILABLE, code::OPERATIONS_ERROR] {
            assert_eq!(unproved(code), Unavailable::ForNow, "{code}");
        }
        for code in [code::INVALID_CREDENTIALS, code::CONSTRAINT_VIOLATION, 53] {
            assert_eq!(unproved(code), Unavailable::Misconfigured, "{code}");
        }
    }

    /// Only a definite refusal is reported as one.
    #[test]
    fn codes_are_definite_or_not() {
        let mut rng = crate::chance::Chance::seeded(1).rng().unwrap();
        let password = Password::generate(&mut rng, 8);
        let result = |rc: u32| LdapResult {
            rc,
            matched: String::new(),
            text: String::new(),
            refs: Vec::new(),
            ctrls: Vec::new(),
        };
        let told = |rc: u32| ended(Ok(result(rc)), &password, |_| None);
        assert_eq!(told(code::SUCCESS), Ok(()));
        assert_eq!(told(code::BUSY), Err(ResetFailed::NotSent));
        for unsure in [
            code::OPERATIONS_ERROR,
            code::TIME_LIMIT,
            code::UNAVAILABLE,
            code::OTHER,
        ] {
            assert_eq!(told(unsure), Err(ResetFailed::Unknown), "{unsure}");
        }
        for (no, why) in [
            (10, WhyRefused::Server(ServerFault::ReadOnlyCopy)),
            (17, WhyRefused::Server(ServerFault::UnknownAttribute)),
            (19, WhyRefused::Password(PasswordFault::UnfitAsLogged)),
            (32, WhyRefused::Gone),
            (50, WhyRefused::NoRight(MissingRight::Reset)),
            (53, WhyRefused::Code(53)),
        ] {
            assert_eq!(told(no), Err(ResetFailed::Refused(why)), "{no}");
        }
        assert_eq!(
            ended(Err(LdapFailure::NoAnswer), &password, |_| None),
            Err(ResetFailed::Unknown)
        );
        assert_eq!(
            ended(
                Err(LdapFailure::NotReached(String::new())),
                &password,
                |_| None
            ),
            Err(ResetFailed::NotSent)
        );
    }
}
