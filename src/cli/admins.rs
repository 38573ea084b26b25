//! `relatch admins accept`, and the lines of the import about the list of administrators.

use clap::Subcommand;

use super::linked_people::reason;
use super::{Failure, build, say};
use crate::app::Admins;
use crate::clock::Clock;
use crate::config::Settings;
use crate::directory::{self, By, Directories, Match, Unavailable};
use crate::domain::{EmailAddress, Member};
use crate::flow::messages;
use crate::store::{AdminPin, MemberKey, PinnedBy, Store, Use};

/// What to do with listed administrators.
#[derive(Subcommand)]
pub(super) enum AdminsCommand {
    /// Pin a listed address to the entry of the directory that it finds now; only that entry has the right then.
    Accept {
        /// An address of `admins.primary` or `admins.member_and_department`.
        #[arg(value_parser = EmailAddress::typed)]
        email: EmailAddress,
    },
}

/// Accepts the entry that a listed address finds now.
pub(super) async fn run(
    settings: Settings,
    AdminsCommand::Accept { email }: AdminsCommand,
) -> Result<(), Failure> {
    is_listed(&settings.admins, &email)?;
    // Only to find nobody, no database is made.
    if directory::Config::is_builtin_for(&settings.directories, &email)
        && build::is_before_the_first(&settings).await?
    {
        return Err(no_entry(&email));
    }
    let (store, tasks) = build::open_store(&settings, Use::Beside).await?;
    let accepted = async {
        let directories = build::command_directories(settings, &store)?;
        accept(&store, &directories, &email).await
    }
    .await;
    drop(store);
    tasks.finish().await;
    accepted
}

fn is_listed(admins: &Admins, email: &EmailAddress) -> Result<(), Failure> {
    let why = match admins {
        Admins::Directory | Admins::Chat => {
            "admins.source is not \"list\", so no address gives a right. Nothing was changed."
                .to_owned()
        }
        Admins::List { .. } if !admins.listed().any(|(listed, _)| listed.is_same(email)) => {
            format!(
                "{email} is neither in admins.primary nor in admins.member_and_department. Nothing was changed. Add it there first."
            )
        }
        Admins::List { .. } => return Ok(()),
    };
    Err(Failure::Said(why))
}

async fn accept(
    store: &Store,
    directories: &Directories,
    email: &EmailAddress,
) -> Result<(), Failure> {
    let member = only_entry(directories, email).await?;
    let before = store
        .admin_pins()
        .await?
        .into_iter()
        .find(|pin| pin.email_key == email.key());
    let before = before.and_then(|pin| pin.entry);
    let told = format!("{email} is pinned to {} ({})", member.name, member.id);
    if before.as_ref().is_some_and(|(id, _)| *id == member.id) {
        return say(&format!("{told} already. Nothing was changed."));
    }
    let entry = Some((member.id.clone(), member.name.clone()));
    let pin = AdminPin {
        email_key: email.key(),
        entry,
        how: PinnedBy::Accepted,
        noted_at: Clock::System.now(),
    };
    store.accept_pin(pin).await?;
    let before = before.map_or("nobody".to_owned(), |(id, name)| format!("{name} ({id})"));
    say(&format!(
        "{told}. Before: {before}. A running serve goes by it at once, and tells the security address."
    ))
}

/// Finds the one entry with this address.
async fn only_entry(
    directories: &Directories,
    email: &EmailAddress,
) -> Result<Box<Member>, Failure> {
    let why = match directories
        .find(&[By::Email(email.clone())])
        .await
        .map(|mut found| found.pop())
    {
        Ok(Some(Match::One(member))) => return Ok(member),
        Ok(Some(Match::Nobody | Match::Unreadable) | None) => return Err(no_entry(email)),
        Ok(Some(Match::Several(entries))) => format!(
            "more than one entry of the directory has the address {email}: {}. Take it out of all but one.",
            entries.join("; ")
        ),
        Err(down) => match down.why {
            Unavailable::ForNow => format!("{}. Try again later.", reason(&down)),
            Unavailable::Misconfigured => format!("{}.", reason(&down)),
        },
    };
    Err(Failure::Said(format!("{why} Nothing was changed.")))
}

fn no_entry(email: &EmailAddress) -> Failure {
    Failure::Said(format!(
        "no entry of the directory has the address {email}. Nothing was changed."
    ))
}

/// Pins the listed addresses of an import that were never looked up before, and prints them. `keys` are the imported
/// addresses in lower case. Addresses of other directories are left out.
pub(super) async fn pin_imported(
    store: &Store,
    settings: &Settings,
    keys: &[String],
) -> Result<(), Failure> {
    let listed = settings.admins.listed().map(|(email, _)| email);
    let listed =
        listed.filter(|email| directory::Config::is_builtin_for(&settings.directories, email));
    let mut listed: Vec<String> = listed
        .map(EmailAddress::key)
        .filter(|key| keys.contains(key))
        .collect();
    listed.sort();
    listed.dedup();
    if listed.is_empty() {
        return Ok(());
    }
    let keys: Vec<_> = listed.iter().cloned().map(MemberKey::Email).collect();
    let found = store.find_members(&keys).await?;
    let noted_at = Clock::System.now();
    let pin = |row: &crate::store::MemberRow| AdminPin {
        email_key: row.business_email_key.clone(),
        entry: Some((row.member_id.clone(), row.name.clone())),
        how: PinnedBy::Import,
        noted_at,
    };
    let members: Vec<_> = found.into_iter().flatten().collect();
    for pin in store
        .pin_imported(members.iter().map(pin).collect())
        .await?
    {
        say(&format!("administrator {}", messages::pin_line(&pin)))?;
    }
    let pins = store.admin_pins().await?;
    for row in members {
        let pin = pins
            .iter()
            .find(|pin| pin.email_key == row.business_email_key);
        let is_pinned = pin
            .and_then(|pin| pin.entry.as_ref())
            .is_some_and(|(id, _)| *id == row.member_id);
        if !is_pinned {
            say(&format!(
                "{} is in the list of administrators, but gives {} no right: run relatch admins accept {}",
                row.business_email, row.name, row.business_email
            ))?;
        }
    }
    Ok(())
}
