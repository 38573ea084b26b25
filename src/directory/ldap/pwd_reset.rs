//! `pwdReset` of OpenLDAP: makes a member replace a password that relatch has set, and no other.
//!
//! Sources: draft-behera-ldap-password-policy-10 (5.3.2 `pwdChangedTime`, 5.3.5 `pwdReset`), RFC 4528 (assertion control).

use std::ops::RangeInclusive;

use ldap3::controls::{Assertion, RawControl};

use super::entry::LdapEntry;
use super::outcome::{code, ended_without_secret};
use super::session::LdapSession;
use super::time::generalized_time;
use crate::directory::{ForcedChange, ResetFailed};
use crate::domain::Moment;

/// Writes `pwdReset`, unless the password was set at another time than `set_within`. The server compares the time again in
/// the same operation: the member may be setting a password at this moment.
pub(super) async fn write(
    session: &mut LdapSession,
    entry: &LdapEntry,
    set_within: Option<RangeInclusive<Moment>>,
) -> Result<ForcedChange, ResetFailed> {
    // The policy keeps this time of every password. Where it is missing no policy applies, and the mark would begin to count
    // on the day on which one is set up.
    let Some(set_at) = entry.first("pwdChangedTime") else {
        return Ok(ForcedChange::NoPolicy);
    };
    if set_within.is_some_and(|within| !is_within(set_at, &within)) {
        return Ok(ForcedChange::SetAgain);
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

/// Compares in whole seconds, as the server counts. A server whose clock is wrong has set it at another time: then the
/// password is left alone.
fn is_within(set_at: &str, within: &RangeInclusive<Moment>) -> bool {
    let begin = within.start().0.div_euclid(1000);
    let end = within.end().0.div_euclid(1000);
    generalized_time(set_at).is_some_and(|at| (begin..=end).contains(&at.0.div_euclid(1000)))
}
