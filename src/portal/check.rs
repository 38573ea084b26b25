//! Looks at a password that somebody typed: how fast, how often and by which budget, the same at sign-in and in a session.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;

use super::tries::{Counted, Network, Pair, Taken};
use super::visit::{Visit, is_in_use};
use crate::directory::Caller;
use crate::domain::Moment;
use crate::domain::sign_in::{LockedBy, TRIES_BEFORE_LOCK, TRIES_OF_A_DEVICE};
use crate::store::{AccountRow, MemberRow, SignedIn};

/// Where a password was typed.
pub(super) enum Place<'a> {
    /// At the page to sign in, from this network.
    SignIn(Network),
    /// In a session, by its key.
    Session(&'a str),
}

/// What a typed password turned out to be.
pub(super) enum Checked {
    /// It was not looked at: the next try is allowed then.
    TooSoon(Moment),
    /// Wrong, or right and worth nothing. It was counted.
    Wrong,
    /// Right, of an account in use.
    Right(Box<Right>),
}

/// A right password.
pub(super) struct Right {
    pub(super) row: MemberRow,
    pub(super) account: AccountRow,
    /// The lock that concerns this browser, which can only be one after wrong passwords.
    pub(super) lock: Option<LockedBy>,
    /// The browser has a budget of its own, so a lock that others caused does not concern it.
    pub(super) is_known: bool,
    device: Option<Device>,
    /// None where nothing slows the try down.
    taken: Option<Taken>,
    counted: Counted,
}

impl Right {
    /// It opens something: the pauses of earlier tries end.
    pub(super) fn accept(&self, visit: &Visit<'_>) {
        if let Some(taken) = &self.taken {
            visit.portal.throttle.succeeded(taken);
        }
    }

    /// It opens nothing, and counts like a wrong one, so that nobody learns that it was right.
    pub(super) fn refuse(self, visit: &Visit<'_>) {
        note_wrong(visit, self.row, self.device, self.counted);
    }
}

/// Looks at a password for the account with this address. Whoever has no account is answered alike and as soon.
pub(super) async fn check(
    visit: &Visit<'_>,
    email_key: &str,
    place: Place<'_>,
    typed: &str,
) -> Result<Checked, Response> {
    let portal = visit.portal;
    // Before the record is read, so that tries side by side do not see the same number.
    let counted = portal.under_way.count(format!("account {email_key}"));
    let found = portal
        .app
        .store
        .account(email_key)
        .await
        .map_err(|_| visit.unavailable())?;
    let device = match &found {
        Some((row, _)) => Device::of(visit, row).await?,
        None => None,
    };
    let (pair, name) = match (&device, &place) {
        (Some(device), _) => (
            Some(pair_of(visit, "device", &device.key)),
            device.key.clone(),
        ),
        (None, Place::Session(key)) => (Some(pair_of(visit, "session", key)), (*key).to_owned()),
        (None, Place::SignIn(network)) => match network.name() {
            Some(network) => (
                Some(pair_of(visit, "network", &format!("{network} {email_key}"))),
                network,
            ),
            // Clients that nobody can tell apart are not slowed down, because one would hold up all others; and they
            // take turns by account.
            None => (None, format!("account {email_key}")),
        },
    };
    let now = portal.app.clock.now();
    let taken = match pair.map(|pair| portal.throttle.take(pair, now)).transpose() {
        Ok(taken) => taken,
        Err(until) => return Ok(Checked::TooSoon(until)),
    };
    let caller = match (&device, &place) {
        (Some(_), _) | (None, Place::Session(_)) => Caller::Known(&name),
        (None, Place::SignIn(_)) => Caller::Stranger(&name),
    };
    let credential = found
        .as_ref()
        .and_then(|(_, account)| account.credential.clone());
    let Ok(is_right) = portal
        .builtin
        .check(caller, typed, credential.as_deref())
        .await
    else {
        if let Some(taken) = &taken {
            portal.throttle.give_back(taken);
        }
        return Err(visit.unavailable());
    };
    let Some((row, account)) = found else {
        return Ok(Checked::Wrong);
    };
    let is_known = device.is_some();
    let lock = match account.lock() {
        Some(LockedBy::Passwords) if is_known => None,
        None if !is_known
            && account.failed_sign_ins.saturating_add(counted.count) > TRIES_BEFORE_LOCK =>
        {
            Some(LockedBy::Passwords)
        }
        lock => lock,
    };
    // What no right password opens is answered like a wrong one, and as soon.
    let is_locked = match place {
        Place::SignIn(_) => matches!(lock, Some(LockedBy::Codes | LockedBy::Member)),
        // A code is asked for at sign-in alone.
        Place::Session(_) => lock.is_some(),
    };
    if !is_right || !is_in_use(&row) || is_locked {
        note_wrong(visit, row, device, counted);
        return Ok(Checked::Wrong);
    }
    Ok(Checked::Right(Box::new(Right {
        row,
        account,
        lock,
        is_known,
        device,
        taken,
        counted,
    })))
}

/// Asks for the present password inside a session. A wrong one counts like a wrong one at sign-in; the inner error is what
/// the form says then. The value is whether a lock after wrong passwords may be passed.
pub(super) async fn confirm(
    visit: &Visit<'_>,
    found: &SignedIn,
    typed: &str,
) -> Result<Result<bool, (StatusCode, String)>, Response> {
    let place = Place::Session(&found.session.session_key);
    match check(visit, &found.member.business_email_key, place, typed).await? {
        Checked::TooSoon(until) => {
            let wait = until - visit.portal.app.clock.now();
            let text = format!("Too many tries. Nothing was changed. Wait {wait} and try again.");
            Ok(Err((StatusCode::TOO_MANY_REQUESTS, text)))
        }
        Checked::Right(right) if right.row.member_id == found.session.member_id => {
            right.accept(visit);
            Ok(Ok(right.is_known))
        }
        // A lock holds inside a session too, and looks like a wrong password: nobody learns that a guess was right.
        Checked::Right(_) | Checked::Wrong => {
            let text =
                "That is not your current password, or the account is locked after too many wrong tries. Nothing was \
                changed. If you are sure of it, sign out and sign in again."
                    .to_owned();
            Ok(Err((StatusCode::UNPROCESSABLE_ENTITY, text)))
        }
    }
}

/// A browser that signed in to the account before, and may still try.
struct Device {
    key: String,
    /// Holds the try in the count until it is written.
    _counted: Counted,
}

impl Device {
    async fn of(visit: &Visit<'_>, row: &MemberRow) -> Result<Option<Self>, Response> {
        let Some(key) = visit.device_key(&row.member_id) else {
            return Ok(None);
        };
        let counted = visit.portal.under_way.count(format!("device {key}"));
        let tries = visit
            .portal
            .app
            .store
            .device_tries(&key, &row.member_id)
            .await
            .map_err(|_| visit.unavailable())?;
        let may_try = |tries: u32| tries.saturating_add(counted.count) <= TRIES_OF_A_DEVICE;
        Ok(tries.is_some_and(may_try).then_some(Self {
            key,
            _counted: counted,
        }))
    }
}

fn pair_of(visit: &Visit<'_>, kind: &str, name: &str) -> Pair {
    Pair(
        visit
            .portal
            .app
            .keys
            .tag(&[b"tries", kind.as_bytes(), name.as_bytes()]),
    )
}

/// Behind the answer, so that its time does not tell who has an account. Until it is written, the try counts as under way.
fn note_wrong(visit: &Visit<'_>, row: MemberRow, device: Option<Device>, counted: Counted) {
    let app = Arc::clone(&visit.portal.app);
    visit.portal.app.tasks.spawn(async move {
        let noted = app.store.sign_in_failed(&row.member_id).await;
        let noted_of_device = match &device {
            Some(device) => app.store.device_failed(&device.key, &row.member_id).await,
            None => Ok(()),
        };
        if let Err(error) = noted.and(noted_of_device) {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a failed sign-in was not counted"
            );
        }
        drop((device, counted));
    });
}
