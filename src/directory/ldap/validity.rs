//! From when until when an account and its password are valid, in the attributes of each server.
//!
//! Sources: draft-behera-ldap-password-policy-10 (5.3.8 `pwdStartTime`, 5.3.9 `pwdEndTime`; OpenLDAP), `krbPrincipalExpiration`
//! and `krbPasswordExpiration` in FreeIPA's schema. These servers refuse the sign-in of an account that is out of date, and set
//! its password all the same.

use super::entry::LdapEntry;
use super::time::generalized_time;
use crate::domain::{Guard, Moment};

const BEGINS: &[&str] = &["pwdStartTime"];
const ENDS: &[&str] = &["pwdEndTime", "krbPrincipalExpiration"];

/// A date of the account is written in a way that relatch does not know. It may have passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct UnreadableTime;

/// Why the account cannot be used at this time; None where it can.
pub(super) fn guard(entry: &LdapEntry, now: Moment) -> Result<Option<Guard>, UnreadableTime> {
    let ends = dates(entry, ENDS)?.into_iter().min();
    let begins = dates(entry, BEGINS)?.into_iter().max();
    let expired = ends.filter(|at| *at <= now).map(Guard::Expired);
    let not_yet = begins.filter(|at| *at > now).map(Guard::NotYetValid);
    Ok(expired.or(not_yet))
}

/// True where FreeIPA asks for a new password: one that somebody else set expires at the moment it is set. By the server's
/// clock that may lie ahead, so the time of the last change counts too, where relatch may read it.
pub(super) fn password_has_expired(entry: &LdapEntry, now: Moment) -> bool {
    let time = |name| entry.first(name).and_then(generalized_time);
    time("krbPasswordExpiration").is_some_and(|expires_at| {
        expires_at <= now || time("krbLastPwdChange").is_some_and(|set_at| expires_at <= set_at)
    })
}

fn dates(entry: &LdapEntry, names: &[&str]) -> Result<Vec<Moment>, UnreadableTime> {
    let values = names.iter().flat_map(|name| entry.all(name));
    let date = |text: &String| {
        generalized_time(text).ok_or_else(|| {
            tracing::error!(dn = entry.dn, text, "a date of an account cannot be read");
            UnreadableTime
        })
    };
    values.map(date).collect()
}
