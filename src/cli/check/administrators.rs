//! The administrators of the settings' list: who of them is there, and who has the right.

use super::report::Level;
use crate::app::Admins;
use crate::directory::{Directories, Match};
use crate::domain::{EmailAddress, Role};
use crate::flow::pins;
use crate::store::{AdminPin, Store, StoreError};

/// What `check` says of the list of administrators, each with the key that names them. Writes nothing. Without a record
/// nobody is in the built-in directory yet.
pub(super) async fn examine(
    store: Option<&Store>,
    admins: &Admins,
    directories: &Directories,
) -> Result<Vec<(Level, &'static str, String)>, StoreError> {
    let pins = match store {
        Some(store) => store.admin_pins().await?,
        None => Vec::new(),
    };
    let is_there = |email: &EmailAddress| store.is_some() || !directories.is_builtin(email);
    let listed = admins.listed().map(|(email, _)| email.clone());
    let listed: Vec<EmailAddress> = listed.filter(is_there).collect();
    let looked_up = pins::look_up(directories, &listed).await;
    let mut told = Vec::new();
    for (email, role) in admins.listed() {
        let found = looked_up
            .iter()
            .find(|(asked, _)| asked.is_same(email))
            .map(|(_, found)| found);
        let pin = pins.iter().find(|pin| pin.email_key == email.key());
        let (level, what) = if is_there(email) {
            told_of(pin, found)
        } else {
            let what = "cannot be looked up without a database; relatch members import FILE.csv brings the members";
            (Level::Warn, what.to_owned())
        };
        let key = if role == Role::PrimaryAdmin {
            "admins.primary"
        } else {
            "admins.member_and_department"
        };
        told.push((level, key, format!("{email}: {what}")));
    }
    Ok(told)
}

fn told_of(pin: Option<&AdminPin>, found: Option<&Match>) -> (Level, String) {
    const NOBODY: &str =
        "the directory has nobody with this address; correct it, or add them there";

    let pinned = pin.and_then(|pin| pin.entry.as_ref());
    match (pin, pinned, found) {
        (_, Some((id, name)), Some(Match::One(member))) if *id == member.id => {
            (Level::Ok, format!("pinned to {name} ({id})"))
        }
        (_, Some((id, name)), Some(Match::One(member))) => (
            Level::Warn,
            format!(
                "pinned to {name} ({id}), but now finds {} ({}), who has no right",
                member.name, member.id
            ),
        ),
        (_, Some((id, name)), Some(Match::Several(entries))) => (
            Level::Warn,
            format!(
                "pinned to {name} ({id}), but more than one entry has it: {}",
                entries.join("; ")
            ),
        ),
        (_, Some((id, name)), Some(Match::Nobody)) => (
            Level::Fail,
            format!("pinned to {name} ({id}), but finds nobody now: {NOBODY}"),
        ),
        (_, Some((id, name)), Some(Match::Unreadable)) => (
            Level::Warn,
            format!("pinned to {name} ({id}), but cannot be read in full now; the log says why"),
        ),
        (_, Some((id, name)), None) => (
            Level::Warn,
            format!("pinned to {name} ({id}), but the directory doesn't answer"),
        ),
        (None, None, Some(Match::One(member))) => (
            Level::Ok,
            format!(
                "would be pinned to {} ({}) by serve",
                member.name, member.id
            ),
        ),
        (Some(_), None, Some(Match::One(member))) => (
            Level::Warn,
            format!(
                "finds {} ({}), who has no right until relatch admins accept is run",
                member.name, member.id
            ),
        ),
        (_, None, Some(Match::Several(entries))) => (
            Level::Fail,
            format!(
                "more than one entry has it, and none has the right: {}; take it out of all but one",
                entries.join("; ")
            ),
        ),
        (_, None, Some(Match::Nobody)) => (Level::Fail, format!("finds nobody: {NOBODY}")),
        (_, None, Some(Match::Unreadable)) => (
            Level::Fail,
            "cannot be read in full, so they have no right; the log says why".to_owned(),
        ),
        (_, None, None) => (
            Level::Warn,
            "not pinned, and the directory doesn't answer".to_owned(),
        ),
    }
}
