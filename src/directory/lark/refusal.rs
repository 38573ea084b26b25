//! What Lark's error codes mean for a reset: a definite no, or an outcome that nobody can tell.

use crate::directory::ResetFailed;
use crate::lark_api::LarkError;

/// The sentence for a code that is a definite no; None where the change may have been made.
fn refusal(code: i64) -> Option<String> {
    let words = match code {
        1_082_003 | 1_050_023 => "its own limit of resets is reached; wait as its console says",
        1_088_002 | 1_050_022 => {
            "the generated password does not fit its password policy; policy.password_length can be raised"
        }
        1_089_004 => "the state of the account does not allow it",
        1_050_024 => "the member's business e-mail is not what they sign in with",
        // Wrong parameters, users whom the app may not see, and everything that the API gateway refuses.
        1_050_001 | 1_084_005 | 41_012 | 41_050 | 99_991_000..=99_991_999 => {
            return Some(format!("it answers with code {code}"));
        }
        _ => return None,
    };
    Some(words.to_owned())
}

pub(super) fn failed(error: &LarkError) -> ResetFailed {
    match error {
        LarkError::Untrusted(_) | LarkError::NoToken(_) | LarkError::Refused(_)
            if error.is_lasting() =>
        {
            ResetFailed::Misconfigured
        }
        LarkError::NotSent
        | LarkError::Limited(_)
        | LarkError::Untrusted(_)
        | LarkError::NoToken(_) => ResetFailed::NotSent,
        LarkError::NoAnswer => ResetFailed::Unknown,
        LarkError::MissingScope(scope) => ResetFailed::Refused(format!(
            "relatch's app there has no right to reset this member: it lacks {scope}"
        )),
        LarkError::Refused(code) => {
            refusal(*code).map_or(ResetFailed::Unknown, ResetFailed::Refused)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every code of Lark's pages is a definite no with a sentence; any other code is told as it is.
    #[test]
    fn codes_become_sentences() {
        for code in [
            1_082_003, 1_088_002, 1_089_004, 1_050_022, 1_050_023, 1_050_024,
        ] {
            let ResetFailed::Refused(told) = failed(&LarkError::Refused(code)) else {
                panic!("{code}")
            };
            assert!(!told.contains("code"), "{code}: {told}");
        }
        assert!(matches!(
            failed(&LarkError::Refused(99_991_671)),
            ResetFailed::Refused(_)
        ));
        assert_eq!(
            failed(&LarkError::Refused(7)),
            ResetFailed::Unknown,
            "a code that nobody knows is no promise"
        );
        assert_eq!(failed(&LarkError::NoAnswer), ResetFailed::Unknown);
        assert_eq!(failed(&LarkError::NotSent), ResetFailed::NotSent);
        assert_eq!(
            failed(&LarkError::NoToken(10_014)),
            ResetFailed::Misconfigured
        );
        assert_eq!(failed(&LarkError::NoToken(7)), ResetFailed::NotSent);
    }
}
