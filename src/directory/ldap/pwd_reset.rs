//! `pwdReset` of OpenLDAP: makes a member replace a password that relatch has set, and no other.
//!
//! Sources: draft-behera-ldap-password-policy-10 (5.3.2 `pwdChangedTime`, 5.3.5 `pwdReset`), RFC 4528 (assertion control).

use std::ops::RangeInclusive;

use ldap3::controls::{Assertion, RawControl};

use super::code;
use super::entry::LdapEntry;
use super::outcome::ended_without_secret;
use super::session::LdapSession;
use super::time::generalized_time;
use crate::directory::{ForcedChange, ResetFailed};
use crate::domain::Moment;

/// Writes `pwdReset`, unless the password was set at another time than `set_within`. The server compares the time again in
/// the same operation: the member may be setting a password at this moment.
pub(super) async fn write(
    session: &LdapSession,
    entry: &LdapEntry,
    set_within: Option<RangeInclusive<Moment>>,
) -> Result<ForcedChange, ResetFailed> {
    // The policy keeps this time of every password. Where it is missing no policy applies, and the mark would begin to count
    // on the day on which one is set up.
    let Some(set_at) = entry.first("pwdChangedTime") else {
        tracing::warn!(
            dn = entry.dn,
            "no pwdChangedTime: no policy applies, or relatch's account may not read it"
        );
        return Ok(ForcedChange::NoPolicy);
    };
    if let Some(another) = set_within.and_then(|within| set_otherwise(set_at, &within)) {
        return Ok(another);
    }
    let unchanged = RawControl {
        crit: true,
        ..Assertion::new(format!("(pwdChangedTime={})", ldap3::ldap_escape(set_at)))
    };
    let changes: [(&str, &[u8]); 1] = [("pwdReset", b"TRUE")];
    let answer = session.modify(&entry.dn, &changes, vec![unchanged]).await;
    if answer
        .as_ref()
        .is_ok_and(|result| result.rc == code::ASSERTION_FAILED)
    {
        return Ok(ForcedChange::SetAgain);
    }
    ended_without_secret(answer)?;
    Ok(ForcedChange::Sent)
}

/// Joins the answers of two servers that both did not take the mark. One that allows another try wins: the other server may
/// not have the password yet, so its refusal is not final.
pub(super) fn keep_retryable(
    before: Option<Result<ForcedChange, ResetFailed>>,
    one: Result<ForcedChange, ResetFailed>,
) -> Result<ForcedChange, ResetFailed> {
    let is_final = |ended: &Result<ForcedChange, ResetFailed>| {
        matches!(ended, Ok(_) | Err(ResetFailed::Refused(_)))
    };
    match before {
        Some(before) if is_final(&one) || !is_final(&before) => before,
        Some(_) | None => one,
    }
}

/// Why this time is not that of the reset; None where it is. Compares in whole seconds, as the server counts. Where the clocks
/// differ, the password is left alone.
fn set_otherwise(set_at: &str, within: &RangeInclusive<Moment>) -> Option<ForcedChange> {
    let seconds = |at: Moment| at.0.div_euclid(1000);
    let Some(at) = generalized_time(set_at).map(seconds) else {
        return Some(ForcedChange::OtherTime);
    };
    if at < seconds(*within.start()) {
        Some(ForcedChange::OtherTime)
    } else {
        (at > seconds(*within.end())).then_some(ForcedChange::SetAgain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that lags has an older time, which says nothing while the one that took the change does not answer.
    #[test]
    fn no_answer_is_final_while_another_server_is_silent() {
        let lags = || Ok(ForcedChange::OtherTime);
        let silent = || Err(ResetFailed::NotSent);
        assert_eq!(keep_retryable(None, lags()), lags());
        assert_eq!(keep_retryable(Some(lags()), silent()), silent());
        assert_eq!(keep_retryable(Some(silent()), lags()), silent());
        assert_eq!(
            keep_retryable(Some(lags()), Ok(ForcedChange::NoPolicy)),
            lags()
        );
    }

    #[test]
    fn a_time_before_the_reset_is_no_later_password() {
        let at = |text| generalized_time(text).unwrap();
        let within = at("20260102100000Z")..=at("20260102100005Z");
        for (set_at, told) in [
            ("20260102095959Z", Some(ForcedChange::OtherTime)),
            ("20260102100000Z", None),
            ("20260102100005.9Z", None),
            ("20260102100006Z", Some(ForcedChange::SetAgain)),
            ("yesterday", Some(ForcedChange::OtherTime)),
        ] {
            assert_eq!(set_otherwise(set_at, &within), told, "{set_at}");
        }
    }
}
