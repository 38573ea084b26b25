//! What Lark's error codes mean for a reset: a definite no, or an outcome that nobody can tell.

use crate::directory::{
    AccountFault, MissingRight, PasswordFault, ResetFailed, ServerFault, WhyRefused,
};
use crate::lark_api::LarkError;

/// What a code that is a definite no means; None where the change may have been made.
fn refusal(code: i64) -> Option<WhyRefused> {
    Some(match code {
        1_082_003 | 1_050_023 => WhyRefused::Server(ServerFault::LimitReached),
        1_088_002 | 1_050_022 => WhyRefused::Password(PasswordFault::Unfit),
        1_089_004 => WhyRefused::Account(AccountFault::WrongState),
        1_050_024 => WhyRefused::Account(AccountFault::OtherEmail),
        // Wrong parameters, users whom the app may not see, and everything that the API gateway refuses.
        1_050_001 | 1_084_005 | 41_012 | 41_050 | 99_991_000..=99_991_999 => WhyRefused::Code(code),
        _ => return None,
    })
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
        LarkError::MissingScope(scope) => {
            ResetFailed::Refused(WhyRefused::NoRight(MissingRight::Scope(scope.clone())))
        }
        LarkError::Refused(code) => {
            refusal(*code).map_or(ResetFailed::Unknown, ResetFailed::Refused)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every code of Lark's pages is a definite no with a meaning; any other code is told as it is.
    #[test]
    fn codes_are_a_definite_no_or_no_promise() {
        let limit = WhyRefused::Server(ServerFault::LimitReached);
        let unfit = WhyRefused::Password(PasswordFault::Unfit);
        for (code, why) in [
            (1_082_003, limit.clone()),
            (1_050_023, limit),
            (1_088_002, unfit.clone()),
            (1_050_022, unfit),
            (1_089_004, WhyRefused::Account(AccountFault::WrongState)),
            (1_050_024, WhyRefused::Account(AccountFault::OtherEmail)),
            (99_991_671, WhyRefused::Code(99_991_671)),
        ] {
            let told = failed(&LarkError::Refused(code));
            assert_eq!(told, ResetFailed::Refused(why), "{code}");
        }
        assert_eq!(
            failed(&LarkError::MissingScope("scope".to_owned())),
            ResetFailed::Refused(WhyRefused::NoRight(MissingRight::Scope("scope".to_owned())))
        );
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
