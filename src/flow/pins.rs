//! Pins the addresses of the list of administrators to entries of the directory, and tells the security address.
//!
//! An address is pinned the first time that it is looked up: at the start, at a reload, or by the import that brings it. If
//! it found nobody or several then, whoever appears later needs `relatch admins accept`. An act never pins.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt, stream};
use tokio::sync::watch;
use tokio::time::Instant;

use super::{messages, send_security};
use crate::app::App;
use crate::delivery::Note;
use crate::directory::{By, Directories, Match};
use crate::domain::delivery::Outcome;
use crate::domain::{EmailAddress, Member, MemberId};
use crate::store::{AdminPin, PinnedBy, StoreError};

/// How soon an address is looked up again whose directory did not answer, and how long the pause may grow.
const RETRY: (Duration, Duration) = (Duration::from_secs(2), Duration::from_mins(1));

/// How often it is looked whether something is to be told.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// How long the pause may grow before it is told again what the mail server did not take.
const TELL_AGAIN: Duration = Duration::from_hours(1);

/// How many addresses are looked up at the same time.
const AT_ONCE: usize = 4;

/// How many entries an alarm names.
const ENTRIES: usize = 5;

/// How often the pinned addresses are looked up to see whether they still lead to their entries.
const COMPARE_EVERY: Duration = Duration::from_hours(1);

/// Pins every listed address that was never looked up. True when none is left; a directory that does not answer leaves
/// its addresses for [`keep`]. For the start, and for a reload that brings other addresses.
pub async fn pin_listed(app: &App) -> bool {
    let pinned = async {
        let unseen = unseen(app).await?;
        if unseen.is_empty() {
            return Ok(true);
        }
        let looked_up = look_up(&app.directories, &unseen).await;
        let is_complete = looked_up.len() == unseen.len();
        let mut pins = Vec::new();
        for (email, found) in &looked_up {
            // Before the first import the built-in directory says nothing about anybody.
            let is_too_early = *found == Match::Nobody
                && app.directories.is_builtin(email)
                && app.store.has_no_members().await?;
            if !is_too_early {
                pins.push(first_pin(app, email, found));
            }
        }
        for pin in app.store.pin_first(pins).await? {
            log(&pin);
        }
        for (email, found) in &looked_up {
            if let Match::Several(entries) = found {
                alarm_of_several(app, email, None, entries).await;
            }
        }
        Ok::<bool, StoreError>(is_complete)
    };
    pinned.await.unwrap_or_else(|error| {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "the list of administrators could not be pinned"
        );
        false
    })
}

/// Pins what could not be pinned at the start, looks now and then whether the addresses still lead to their entries, and
/// tells what is to be told, until the stop.
pub async fn keep(app: Arc<App>, mut stopped: watch::Receiver<bool>) {
    let now = Instant::now();
    let mut when = When {
        pause: RETRY.0,
        compare_at: now,
        tell_at: now,
        tell_pause: LOOK_EVERY,
    };
    loop {
        tokio::select! {
            () = tokio::time::sleep(when.pause) => {}
            _ = stopped.changed() => return,
        }
        // A reload may bring another list, or none.
        let app = app.present();
        // A panic is in the log already; it must not end what later rounds do.
        if AssertUnwindSafe(round(&app, &mut when))
            .catch_unwind()
            .await
            .is_err()
        {
            when.pause = RETRY.1;
        }
    }
}

/// When a round does what.
struct When {
    /// Before the next round.
    pause: Duration,
    compare_at: Instant,
    tell_at: Instant,
    /// Before it is told again what could not be told.
    tell_pause: Duration,
}

async fn round(app: &App, when: &mut When) {
    if app.organization.admins.listed().next().is_none() {
        when.pause = LOOK_EVERY;
    } else {
        when.pause = next_pause(pin_listed(app).await, when.pause, RETRY.1);
        if when.compare_at <= Instant::now() {
            compare(app).await;
            when.compare_at = Instant::now() + COMPARE_EVERY;
        }
    }
    // Also where the list is gone: what happened before is to be told.
    if when.tell_at <= Instant::now() {
        when.tell_pause = next_pause(tell(app).await, when.tell_pause, TELL_AGAIN);
        when.tell_at = Instant::now() + when.tell_pause;
    }
}

/// The pause doubles with every failure, up to the longest, and is short again after a success.
fn next_pause(is_done: bool, pause: Duration, longest: Duration) -> Duration {
    if is_done {
        LOOK_EVERY
    } else {
        (pause * 2).min(longest)
    }
}

/// Tells the security address which pins are new and what is wrong with a listed address. True where nothing is left: what
/// could not be told is told at a later round; without a security address the log has to do.
pub async fn tell(app: &App) -> bool {
    let told = async {
        let mut is_all = true;
        let untold = app.store.untold_pins().await?;
        if let Some(newest) = untold.pins.iter().map(|pin| pin.noted_at).max() {
            let note = messages::pinned(&app.organization, &untold.pins);
            if is_told(app, &note, &format!("pins-{}", newest.0)).await {
                app.store.pins_told(&untold.pins).await?;
            } else {
                is_all = false;
            }
        }
        for alarm in &untold.alarms {
            let note = messages::address_alarm(&app.organization, &alarm.email_key, &alarm.text);
            // One id for all tries, so that a mailbox can tell that it is the same.
            let id = format!("admin-{}-{}", alarm.email_key, alarm.noted_at.0);
            if is_told(app, &note, &id).await {
                app.store.alarm_told(alarm).await?;
            } else {
                is_all = false;
            }
        }
        Ok::<bool, StoreError>(is_all)
    };
    told.await.unwrap_or_else(|error| {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "could not tell what is new about administrators"
        );
        false
    })
}

/// True unless the note surely was not sent. One that may have been is not sent again and again.
async fn is_told(app: &App, note: &Note, id: &str) -> bool {
    match send_security(app, note, id).await {
        Some(Outcome::Accepted | Outcome::Unknown) | None => true,
        Some(Outcome::Refused(_)) => false,
    }
}

/// Two entries, or more, have an address of the list.
pub(super) async fn alarm_of_several(
    app: &App,
    email: &EmailAddress,
    pinned: Option<&MemberId>,
    entries: &[String],
) {
    let mut entries = entries.to_vec();
    entries.sort();
    entries.truncate(ENTRIES);
    let right = match pinned {
        Some(id) => {
            format!("The right stays with the pinned entry, {id}. First take the address out of the other entry.")
        }
        None => {
            "No entry is pinned to it, so none of them has the right. First take the address out of the other entry."
                .to_owned()
        }
    };
    let what = format!(
        "More than one entry of the directory has it: {}. {right}",
        entries.join("; ")
    );
    alarm(app, email, &entries.join("; "), &what).await;
}

/// An entry that is not the pinned one has an address of the list.
pub(super) async fn alarm_of_another(
    app: &App,
    email: &EmailAddress,
    pinned: Option<&MemberId>,
    found: &Member,
) {
    let id = &found.id;
    let pinned = match pinned {
        Some(pinned) if pinned == id => return,
        Some(pinned) => format!("It is pinned to another one, {pinned}."),
        None => "No entry was pinned to it.".to_owned(),
    };
    // Who has no name is called by their address, which is not for the log.
    let name = if found.name == found.business_email.as_str() {
        found.business_email.masked()
    } else {
        found.name.clone()
    };
    let what = format!("An entry without the right has it: {name} ({id}). {pinned}");
    alarm(app, email, &id.0, &what).await;
}

/// Notes an alarm, to be told by [`tell`]: once for each change of the entries, and once a day.
async fn alarm(app: &App, email: &EmailAddress, about: &str, what: &str) {
    match app.store.note_alarm(email, about, what).await {
        Ok(true) => {
            tracing::warn!(address = %email.masked(), what, "an address of the list of administrators is in doubt");
        }
        Ok(false) => {}
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                what,
                "an alarm about an administrator is not noted"
            );
        }
    }
}

/// Looks whether the addresses still lead to their entries. A directory that does not answer says nothing.
async fn compare(app: &App) {
    let Ok(pins) = app.store.admin_pins().await else {
        return;
    };
    let listed: Vec<EmailAddress> = listed(app).collect();
    for (email, found) in look_up(&app.directories, &listed).await {
        let Some(pin) = pins.iter().find(|pin| pin.email_key == email.key()) else {
            continue;
        };
        let pinned = pin.entry.as_ref().map(|(id, _)| id);
        match &found {
            Match::Nobody | Match::Unreadable => {}
            Match::One(member) => alarm_of_another(app, &email, pinned, member).await,
            Match::Several(entries) => alarm_of_several(app, &email, pinned, entries).await,
        }
    }
}

/// Each listed address once.
fn listed(app: &App) -> impl Iterator<Item = EmailAddress> {
    let by_key: BTreeMap<String, &EmailAddress> = app
        .organization
        .admins
        .listed()
        .map(|(email, _)| (email.key(), email))
        .collect();
    by_key.into_values().cloned()
}

/// Listed addresses that were never looked up.
async fn unseen(app: &App) -> Result<Vec<EmailAddress>, StoreError> {
    if app.organization.admins.listed().next().is_none() {
        return Ok(Vec::new());
    }
    let pins = app.store.admin_pins().await?;
    Ok(listed(app)
        .filter(|email| !pins.iter().any(|pin| pin.email_key == email.key()))
        .collect())
}

/// What these addresses find; without those that could not be looked up. Each is a question of its own, because one that
/// cannot be answered must not take the others with it.
pub(crate) async fn look_up(
    directories: &Directories,
    emails: &[EmailAddress],
) -> Vec<(EmailAddress, Match)> {
    let ask = async |email: EmailAddress| match directories.find(&[By::Email(email.clone())]).await
    {
        Ok(found) => Some((email, found.into_iter().next().unwrap_or(Match::Nobody))),
        Err(down) => {
            let address = email.masked();
            tracing::warn!(
                directory = down.0,
                address,
                "an administrator of the list could not be looked up"
            );
            None
        }
    };
    stream::iter(emails.iter().cloned())
        .map(ask)
        .buffered(AT_ONCE)
        .filter_map(std::future::ready)
        .collect()
        .await
}

fn first_pin(app: &App, email: &EmailAddress, found: &Match) -> AdminPin {
    let (entry, how) = match found {
        Match::One(member) => (
            Some((member.id.clone(), member.name.clone())),
            PinnedBy::First,
        ),
        Match::Nobody | Match::Unreadable => (None, PinnedBy::Nobody),
        Match::Several(_) => (None, PinnedBy::Several),
    };
    AdminPin {
        email_key: email.key(),
        entry,
        how,
        noted_at: app.clock.now(),
    }
}

fn log(pin: &AdminPin) {
    let address = pin
        .email_key
        .parse()
        .map(|email: EmailAddress| email.masked())
        .unwrap_or_default();
    if let Some((id, _)) = &pin.entry {
        tracing::warn!(address, member.id = %id, "an administrator of the list was pinned");
    } else {
        let found = pin.how.as_str();
        tracing::warn!(
            address,
            found,
            "an address of the list of administrators gives no right until it is accepted"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_server_that_is_away_is_tried_less_and_less_often() {
        let failures = std::iter::successors(Some(LOOK_EVERY), |pause| {
            Some(next_pause(false, *pause, TELL_AGAIN))
        });
        let pauses: Vec<u64> = failures.map(|pause| pause.as_secs()).take(11).collect();
        assert_eq!(
            pauses,
            [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]
        );
        assert_eq!(next_pause(true, TELL_AGAIN, TELL_AGAIN), LOOK_EVERY);
    }
}
