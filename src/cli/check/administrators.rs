//! The administrators of the settings' list: who of them is there, and who has the right.

use super::files::Record;
use super::report::Level;
use crate::app::Admins;
use crate::directory::{Directories, Down, Match, Unavailable};
use crate::domain::{EmailAddress, Member, MemberId, Role};
use crate::flow::pins;
use crate::store::{AdminPin, StoreError};

/// What `check` says of the list of administrators, each with the key that names them. Writes nothing. `failed`
/// names the directories that cannot be used at all, which have lines of their own.
pub(super) async fn examine(
    record: &Record,
    admins: &Admins,
    directories: &Directories,
    failed: &[String],
) -> Result<Vec<(Level, &'static str, String)>, StoreError> {
    let (pins, unopened) = match record {
        Record::Open(store, _) => (store.admin_pins().await?, None),
        Record::NotYet => (Vec::new(), Some(NO_DATABASE)),
        Record::Closed(_) => (Vec::new(), Some(CLOSED_DATABASE)),
    };
    let why_not = |email: &EmailAddress| unopened.filter(|_| directories.is_builtin(email));
    let listed = admins.listed().map(|(email, _)| email.clone());
    let listed: Vec<EmailAddress> = listed.filter(|email| why_not(email).is_none()).collect();
    let looked_up = pins::ask_each(directories, &listed).await;
    let mut told = Vec::new();
    for (email, role) in admins.listed() {
        let found = looked_up
            .iter()
            .find(|(asked, _)| asked.is_same(email))
            .map_or(Found::NoAnswer, |(_, answer)| Found::of(answer, failed));
        let pin = pins.iter().find(|pin| pin.email_key == email.key());
        let (level, what) = match why_not(email) {
            None => told_of(pin, found),
            Some(what) => (Level::Warn, what.to_owned()),
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

/// There is no record, so nobody is in the built-in directory yet.
const NO_DATABASE: &str =
    "cannot be looked up without a database; relatch members import FILE.csv brings the members";

/// Its own line says why.
const CLOSED_DATABASE: &str = "cannot be looked up until the database can be opened";

/// What became of a question.
#[derive(Clone, Copy)]
enum Found<'answer> {
    One(&'answer Member),
    Several(&'answer [String]),
    Nobody,
    /// The directory can be used, and does not give this entry as relatch needs it.
    Unreadable,
    /// The directory cannot be used at all, which its own line says.
    DirectoryFailed,
    NoAnswer,
}

impl<'answer> Found<'answer> {
    fn of(answer: &'answer Result<Match, Down>, failed: &[String]) -> Self {
        match answer {
            Ok(Match::One(member)) => Self::One(member),
            Ok(Match::Several(entries)) => Self::Several(entries),
            Ok(Match::Nobody) => Self::Nobody,
            Err(down) if failed.contains(&down.name) => Self::DirectoryFailed,
            Ok(Match::Unreadable)
            | Err(Down {
                why: Unavailable::Misconfigured,
                ..
            }) => Self::Unreadable,
            Err(Down {
                why: Unavailable::ForNow,
                ..
            }) => Self::NoAnswer,
        }
    }
}

fn told_of(pin: Option<&AdminPin>, found: Found<'_>) -> (Level, String) {
    match pin.and_then(|pin| pin.entry.as_ref()) {
        Some((id, name)) => {
            let (level, what) = of_pinned(id, found);
            (level, format!("pinned to {name} ({id}){what}"))
        }
        None => of_unpinned(pin.is_some(), found),
    }
}

/// What became of a pinned address.
fn of_pinned(id: &MemberId, found: Found<'_>) -> (Level, String) {
    match found {
        Found::One(member) if *id == member.id => (Level::Ok, String::new()),
        Found::One(member) => {
            let (name, other) = (&member.name, &member.id);
            let told = format!(", but now finds {name} ({other}), who has no right");
            (Level::Warn, told)
        }
        Found::Several(entries) => {
            let told = format!(", but more than one entry has it: {}", entries.join("; "));
            (Level::Warn, told)
        }
        Found::Nobody => (Level::Fail, format!(", but finds nobody now: {NOBODY}")),
        Found::Unreadable => {
            let told = ", but cannot be read in full now; the log says why";
            (Level::Fail, told.to_owned())
        }
        Found::DirectoryFailed => (
            Level::Warn,
            ", but the directory cannot be used; its own line says why".to_owned(),
        ),
        Found::NoAnswer => (Level::Warn, ", but the directory doesn't answer".to_owned()),
    }
}

/// Who an address finds that is pinned to nobody; `was_looked_up` before.
fn of_unpinned(was_looked_up: bool, found: Found<'_>) -> (Level, String) {
    match found {
        Found::One(member) => {
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
        Found::Several(entries) => {
            let told = format!(
                "more than one entry has it, and none has the right: {}; take it out of all but one",
                entries.join("; ")
            );
            (Level::Fail, told)
        }
        Found::Nobody => (Level::Fail, format!("finds nobody: {NOBODY}")),
        Found::Unreadable => {
            let told = "cannot be read in full, so they have no right; the log says why";
            (Level::Fail, told.to_owned())
        }
        Found::DirectoryFailed => {
            let told = "not pinned, and the directory cannot be used; its own line says why";
            (Level::Warn, told.to_owned())
        }
        Found::NoAnswer => {
            let told = "not pinned, and the directory doesn't answer";
            (Level::Warn, told.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nobody should read a warning where an administrator has no right.
    #[test]
    fn an_entry_that_cannot_be_read_fails() {
        let down = |why| {
            let name = "Acme LDAP".to_owned();
            Err(Down { name, why })
        };
        let misconfigured = down(Unavailable::Misconfigured);
        let level = |answer, failed: &[String]| told_of(None, Found::of(answer, failed)).0;
        assert_eq!(level(&misconfigured, &[]), Level::Fail);
        // Its own line fails.
        let failed = ["Acme LDAP".to_owned()];
        assert_eq!(level(&misconfigured, &failed), Level::Warn);
        assert_eq!(level(&down(Unavailable::ForNow), &[]), Level::Warn);
    }
}
