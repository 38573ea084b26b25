//! Pins the addresses of the administrators' list to directory entries, and reports to the security address.
//!
//! An address is pinned when it is looked up for the first time: at the start, at a reload, or by the import that brings
//! it. If it found nobody or several entries, an entry that appears later needs `relatch admins accept`. A reset never
//! pins.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt, stream};
use tokio::sync::watch;
use tokio::time::Instant;

use super::{messages, security};
use crate::app::App;
use crate::delivery::Note;
use crate::directory::{By, Directories, Down, Match};
use crate::domain::delivery::Outcome;
use crate::domain::{EmailAddress, Member, MemberId};
use crate::store::{AdminPin, PinnedBy, StoreError};

/// The first pause before an address is looked up again whose directory did not answer.
const FIRST_RETRY: Duration = Duration::from_secs(2);

/// The longest such pause.
const LONGEST_RETRY: Duration = Duration::from_mins(1);

/// How often a round looks for news to report.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// The longest pause before a report is tried again that the mail server refused.
const LONGEST_TELL_PAUSE: Duration = Duration::from_hours(1);

/// How many addresses are looked up concurrently.
const CONCURRENT: usize = 4;

/// The maximum number of entries in an alarm.
const ENTRIES: usize = 5;

/// How often it is checked whether the pinned addresses still lead to their entries.
const COMPARE_EVERY: Duration = Duration::from_hours(1);

/// Pins every listed address that was never looked up. Called at the start, and at a reload, which may bring new
/// addresses. True when none is left: addresses whose directory does not answer are left for [`run`].
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
            // Before the first import the built-in directory is empty, so finding nobody means nothing.
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

/// The background task: pins what could not be pinned at the start, checks now and then whether the addresses still lead
/// to their entries, and reports news, until shutdown.
pub async fn run(app: Arc<App>, mut stopped: watch::Receiver<bool>) {
    let now = Instant::now();
    let mut schedule = Schedule {
        pause: FIRST_RETRY,
        compare_at: now,
        tell_at: now,
        tell_pause: LOOK_EVERY,
    };
    loop {
        tokio::select! {
            () = tokio::time::sleep(schedule.pause) => {}
            _ = stopped.changed() => return,
        }
        // A reload may bring another list, or none.
        let app = app.present();
        // A panic is logged already. It must not end this task.
        if AssertUnwindSafe(round(&app, &mut schedule))
            .catch_unwind()
            .await
            .is_err()
        {
            schedule.pause = LONGEST_RETRY;
        }
    }
}

/// When the next round comes, and what it does.
struct Schedule {
    /// How long to wait before the next round.
    pause: Duration,
    compare_at: Instant,
    tell_at: Instant,
    /// Before a report is tried again.
    tell_pause: Duration,
}

async fn round(app: &App, schedule: &mut Schedule) {
    if app.organization.admins.listed().next().is_none() {
        schedule.pause = LOOK_EVERY;
    } else {
        schedule.pause = next_pause(pin_listed(app).await, schedule.pause, LONGEST_RETRY);
        if schedule.compare_at <= Instant::now() {
            compare(app).await;
            schedule.compare_at = Instant::now() + COMPARE_EVERY;
        }
    }
    // Even without a list: earlier news may be unreported.
    if schedule.tell_at <= Instant::now() {
        schedule.tell_pause =
            next_pause(report(app).await, schedule.tell_pause, LONGEST_TELL_PAUSE);
        schedule.tell_at = Instant::now() + schedule.tell_pause;
    }
}

/// Backoff: the pause doubles with every failure up to the longest, and is short again after a success.
fn next_pause(is_done: bool, pause: Duration, longest: Duration) -> Duration {
    if is_done {
        LOOK_EVERY
    } else {
        (pause * 2).min(longest)
    }
}

/// Reports new pins and alarms to the security address. True when nothing is left; what could not be reported is tried at a
/// later round. Without a security address the log must do.
pub async fn report(app: &App) -> bool {
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
            // One id for all attempts, so that a mailbox recognizes the repetition.
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
            "could not report news about administrators"
        );
        false
    })
}

/// True unless the note was certainly not sent. One that may have been sent is not repeated.
async fn is_told(app: &App, note: &Note, id: &str) -> bool {
    match security::send_alarm(app, note, id).await {
        Some(Outcome::Accepted | Outcome::Unknown) | None => true,
        Some(Outcome::Refused(_)) => false,
    }
}

/// Several entries have the same listed address.
pub(super) async fn alarm_of_several(
    app: &App,
    email: &EmailAddress,
    pinned: Option<&MemberId>,
    entries: &[String],
) {
    let mut entries = entries.to_vec();
    entries.sort();
    entries.truncate(ENTRIES);
    let entries = entries.join("; ");
    let what = messages::several_entries(&entries, pinned);
    alarm(app, email, &entries, &what).await;
}

/// An entry other than the pinned one has a listed address.
pub(super) async fn alarm_of_another(
    app: &App,
    email: &EmailAddress,
    pinned: Option<&MemberId>,
    found: &Member,
) {
    let id = &found.id;
    if pinned == Some(id) {
        return;
    }
    // An entry without a name is called by its address, which must be masked in the log.
    let name = if found.name == found.business_email.as_str() {
        found.business_email.masked()
    } else {
        found.name.clone()
    };
    let what = messages::another_entry(&name, id, pinned);
    alarm(app, email, &id.0, &what).await;
}

/// Records an alarm, which [`report`] sends: once for each change of the entries, and once a day.
async fn alarm(app: &App, email: &EmailAddress, about: &str, what: &str) {
    match app.store.note_alarm(email, about, what).await {
        Ok(true) => {
            tracing::warn!(address = %email.masked(), what, "a listed administrator's address is in doubt");
        }
        Ok(false) => {}
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                what,
                "could not record an alarm about an administrator"
            );
        }
    }
}

/// Checks whether the addresses still lead to their entries. A directory that does not answer raises no alarm.
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

/// The listed addresses without repetitions.
fn listed(app: &App) -> impl Iterator<Item = EmailAddress> {
    let by_key: BTreeMap<String, &EmailAddress> = app
        .organization
        .admins
        .listed()
        .map(|(email, _)| (email.key(), email))
        .collect();
    by_key.into_values().cloned()
}

/// The listed addresses that were never looked up.
async fn unseen(app: &App) -> Result<Vec<EmailAddress>, StoreError> {
    if app.organization.admins.listed().next().is_none() {
        return Ok(Vec::new());
    }
    let pins = app.store.admin_pins().await?;
    Ok(listed(app)
        .filter(|email| !pins.iter().any(|pin| pin.email_key == email.key()))
        .collect())
}

/// What these addresses find, without those that could not be looked up.
async fn look_up(directories: &Directories, emails: &[EmailAddress]) -> Vec<(EmailAddress, Match)> {
    let answers = ask_each(directories, emails).await;
    let found = |(email, answer): (EmailAddress, Result<Match, Down>)| Some((email, answer.ok()?));
    answers.into_iter().filter_map(found).collect()
}

/// What each of these addresses finds. Each is asked for alone, so that one failure does not fail the others.
pub(crate) async fn ask_each(
    directories: &Directories,
    emails: &[EmailAddress],
) -> Vec<(EmailAddress, Result<Match, Down>)> {
    let ask = async |email: EmailAddress| match directories.find(&[By::Email(email.clone())]).await
    {
        Ok(found) => {
            let found = found.into_iter().next().unwrap_or(Match::Nobody);
            (email, Ok(found))
        }
        Err(down) => {
            let address = email.masked();
            tracing::warn!(
                directory = down.name,
                error = &down as &dyn std::error::Error,
                address,
                "an administrator of the list could not be looked up"
            );
            (email, Err(down))
        }
    };
    stream::iter(emails.iter().cloned())
        .map(ask)
        .buffered(CONCURRENT)
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
            Some(next_pause(false, *pause, LONGEST_TELL_PAUSE))
        });
        let pauses: Vec<u64> = failures.map(|pause| pause.as_secs()).take(11).collect();
        assert_eq!(
            pauses,
            [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]
        );
        assert_eq!(
            next_pause(true, LONGEST_TELL_PAUSE, LONGEST_TELL_PAUSE),
            LOOK_EVERY
        );
    }
}
