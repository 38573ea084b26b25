//! The administrators of the settings' list: who of them is there, and who has the right.

use super::report::Level;
use crate::app::Admins;
use crate::directory::{Directories, Match};
use crate::domain::{EmailAddress, MemberId, Role};
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

/// What to do where nobody is found.
const NOBODY: &str = "the directory has nobody with this address; correct it, or add them there";

fn told_of(pin: Option<&AdminPin>, found: Option<&Match>) -> (Level, String) {
    match pin.and_then(|pin| pin.entry.as_ref()) {
        Some((id, name)) => {
            let (level, what) = of_pinned(id, found);
            (level, format!("pinned to {name} ({id}){what}"))
        }
        None => of_unpinned(pin.is_some(), found),
    }
}

/// What became of a pinned address.
fn of_pinned(id: &MemberId, found: Option<&Match>) -> (Level, String) {
    match found {
        Some(Match::One(member)) if *id == member.id => (Level::Ok, String::new()),
        Some(Match::One(member)) => {
            let (name, other) = (&member.name, &member.id);
            let told = format!(", but now finds {name} ({other}), who has no right");
            (Level::Warn, told)
        }
        Some(Match::Several(entries)) => {
            let told = format!(", but more than one entry has it: {}", entries.join("; "));
            (Level::Warn, told)
        }
        Some(Match::Nobody) => (Level::Fail, format!(", but finds nobody now: {NOBODY}")),
        Some(Match::Unreadable) => {
            let told = ", but cannot be read in full now; the log says why";
            (Level::Warn, told.to_owned())
        }
        None => (Level::Warn, ", but the directory doesn't answer".to_owned()),
    }
}

/// Who an address finds that is pinned to nobody; `was_looked_up` before.
fn of_unpinned(was_looked_up: bool, found: Option<&Match>) -> (Level, String) {
    match found {
        Some(Match::One(member)) => {
            let (name, id) = (&member.name, &member.id);
            if was_looked_up {
                let told = format!(
                    "finds {name} ({id}), who has no right until relatch admins accept is run"
                );
                (Level::Warn, told)
            } else {
                (
                    Level::Ok,
                    format!("would be pinned to {name} ({id}) by serve"),
                )
            }
        }
        Some(Match::Several(entries)) => {
            let told = format!(
                "more than one entry has it, and none has the right: {}; take it out of all but one",
                entries.join("; ")
            );
            (Level::Fail, told)
        }
        Some(Match::Nobody) => (Level::Fail, format!("finds nobody: {NOBODY}")),
        Some(Match::Unreadable) => {
            let told = "cannot be read in full, so they have no right; the log says why";
            (Level::Fail, told.to_owned())
        }
        None => {
            let told = "not pinned, and the directory doesn't answer";
            (Level::Warn, told.to_owned())
        }
    }
}
