//! Checks a typed password, at the sign-in and inside a session: with its pauses, its budgets and its order of service.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use tracing::Instrument;

use super::running_tries::RunningTry;
use super::session::is_in_use;
use super::texts;
use super::throttle::{ClientNetwork, CountedTry, ThrottleKey};
use super::visit::Visit;
use crate::directory::{Caller, Checked};
use crate::domain::sign_in::{LockedBy, TRIES_BEFORE_LOCK, TRIES_OF_A_DEVICE};
use crate::domain::{Moment, OwnPassword};
use crate::store::{AccountRow, MemberRow, SignedIn};

/// Where a password was typed.
pub(super) enum TypedAt<'a> {
    /// At the sign-in, from this network.
    SignIn(ClientNetwork),
    /// In the session with this key.
    Session(&'a str),
}

impl TypedAt<'_> {
    /// True if a right password opens nothing here.
    fn is_closed_by(&self, lock: Option<LockedBy>) -> bool {
        match self {
            Self::SignIn(_) => matches!(lock, Some(LockedBy::Codes | LockedBy::Member)),
            // Only the sign-in can ask for the code that opens a lock after wrong passwords.
            Self::Session(_) => lock.is_some(),
        }
    }
}

/// The result of a check.
pub(super) enum PasswordCheck {
    /// The password was not checked; the next try is allowed then.
    TooSoon(Moment),
    /// Wrong, or right for an account that it cannot open. The try was counted.
    Wrong,
    /// Right, and the account is in use.
    Right(Box<RightPassword>),
}

/// A right password, with the account that it was checked against.
pub(super) struct RightPassword {
    pub(super) row: MemberRow,
    pub(super) account: AccountRow,
    /// The lock that holds for this browser. It can only be one after wrong passwords.
    pub(super) lock: Option<LockedBy>,
    /// The browser is a known device with a budget of its own, so a lock that others caused does not hold for it.
    pub(super) is_known: bool,
    device: Option<KnownDevice>,
    counted: Option<CountedTry>,
    running: RunningTry,
    /// The form in which it is to be hashed anew; none where it is hashed so already.
    to_hash_anew: Option<OwnPassword>,
}

impl RightPassword {
    /// It opens something: the pauses after earlier tries end. An older hash is made anew in a task of its own: the time
    /// of the answer must not tell that it was one.
    pub(super) fn accept(&mut self, visit: &Visit<'_>) {
        if let Some(counted) = &self.counted {
            visit.portal.throttle.reset(counted);
        }
        if let (Some(own), Some(older)) = (self.to_hash_anew.take(), &self.account.credential) {
            let (builtin, member) = (visit.portal.builtin.clone(), self.row.member_id.clone());
            let older = older.clone();
            let again = async move { builtin.hash_anew(&member, older, &own).await };
            visit.portal.app.tasks.spawn(again.in_current_span());
        }
    }

    /// It opens nothing. It counts like a wrong one, so that nobody learns that it was right.
    pub(super) fn refuse(self, visit: &Visit<'_>) {
        record_failure(visit, self.row, self.device, self.running);
    }
}

/// Checks a password for the account with this address. An address without an account is answered alike and as fast.
pub(super) async fn check(
    visit: &Visit<'_>,
    email_key: &str,
    typed_at: TypedAt<'_>,
    typed: &str,
) -> Result<PasswordCheck, Response> {
    let portal = visit.portal;
    let running = portal.running_tries.begin(format!("account {email_key}"));
    let found = portal
        .app
        .store
        .account(email_key)
        .await
        .map_err(|error| visit.unavailable(&error))?;
    let device = match &found {
        Some((row, _)) => KnownDevice::of(visit, row).await?,
        None => None,
    };
    let typed = match &found {
        Some((_, account)) => as_compared(account, typed),
        None => typed,
    };
    let source = TrySource::of(visit, device.as_ref(), &typed_at, email_key);
    let counted = match source.count(visit) {
        Ok(counted) => counted,
        Err(until) => return Ok(PasswordCheck::TooSoon(until)),
    };
    let credential = found
        .as_ref()
        .and_then(|(_, account)| account.credential.clone());
    let caller = source.caller();
    let checked = hashed(
        visit,
        caller,
        typed,
        credential.as_deref(),
        counted.as_ref(),
    )
    .await?;
    let Some((row, account)) = found else {
        return Ok(PasswordCheck::Wrong);
    };
    let is_known = device.is_some();
    let lock = lock_for(&account, is_known, running.count);
    // A right password that opens nothing is answered like a wrong one, and as fast.
    let is_closed = !is_in_use(&row) || typed_at.is_closed_by(lock);
    let to_hash_anew = match checked {
        Checked::Right if !is_closed => None,
        Checked::RightAsTyped(own) if !is_closed => Some(own),
        Checked::Wrong | Checked::Right | Checked::RightAsTyped(_) => {
            record_failure(visit, row, device, running);
            return Ok(PasswordCheck::Wrong);
        }
    };
    Ok(PasswordCheck::Right(Box::new(RightPassword {
        row,
        account,
        lock,
        is_known,
        device,
        counted,
        running,
        to_hash_anew,
    })))
}

/// What is compared with the credential. Who copies a generated password often copies the blanks around it, and it has none
/// of its own.
pub(super) fn as_compared<'a>(account: &AccountRow, typed: &'a str) -> &'a str {
    if account.temporary_until.is_some() {
        typed.trim()
    } else {
        typed
    }
}

/// Compares what was typed with the credential. A try that could not be compared is not counted.
async fn hashed(
    visit: &Visit<'_>,
    caller: Caller<'_>,
    typed: &str,
    credential: Option<&str>,
    counted: Option<&CountedTry>,
) -> Result<Checked, Response> {
    let checked = visit.portal.builtin.check(caller, typed, credential).await;
    checked.map_err(|error| {
        if let Some(counted) = counted {
            visit.portal.throttle.take_back(counted);
        }
        visit.unavailable(&error)
    })
}

/// The lock that holds for a browser: tries that still run count as wrong ones.
fn lock_for(account: &AccountRow, is_known: bool, running: u32) -> Option<LockedBy> {
    match account.lock() {
        Some(LockedBy::Passwords) if is_known => None,
        None if !is_known
            && account.failed_sign_ins.saturating_add(running) > TRIES_BEFORE_LOCK =>
        {
            Some(LockedBy::Passwords)
        }
        lock => lock,
    }
}

/// Where a try comes from: by this it is slowed down, and waits for the hasher.
struct TrySource {
    /// None where nothing slows the try down.
    throttle_key: Option<ThrottleKey>,
    /// Tries of one source wait for each other.
    name: String,
    is_stranger: bool,
}

impl TrySource {
    fn of(
        visit: &Visit<'_>,
        device: Option<&KnownDevice>,
        typed_at: &TypedAt<'_>,
        email_key: &str,
    ) -> Self {
        let key = |kind: &str, name: &str| {
            let keys = &visit.portal.app.keys;
            Some(ThrottleKey(keys.tag(&[
                b"tries",
                kind.as_bytes(),
                name.as_bytes(),
            ])))
        };
        let (throttle_key, name, is_stranger) = match (device, typed_at) {
            (Some(device), _) => (key("device", &device.key), device.key.clone(), false),
            (None, TypedAt::Session(session)) => {
                (key("session", session), (*session).to_owned(), false)
            }
            (None, TypedAt::SignIn(network)) => match network.name() {
                Some(network) => (
                    key("network", &format!("{network} {email_key}")),
                    network,
                    true,
                ),
                // Clients behind a proxy that does not name them cannot be told apart. They are not slowed down, because
                // one would hold up all others, and they wait for each other by account.
                None => (None, format!("account {email_key}"), true),
            },
        };
        Self {
            throttle_key,
            name,
            is_stranger,
        }
    }

    /// Counts the try; until when the next one has to wait, where this one comes too soon.
    fn count(&self, visit: &Visit<'_>) -> Result<Option<CountedTry>, Moment> {
        let now = visit.portal.app.clock.now();
        let key = self.throttle_key;
        key.map(|key| visit.portal.throttle.count(key, now))
            .transpose()
    }

    fn caller(&self) -> Caller<'_> {
        if self.is_stranger {
            Caller::Stranger(&self.name)
        } else {
            Caller::Known(&self.name)
        }
    }
}

/// The result of asking for the current password inside a session.
pub(super) enum Confirmation {
    Right {
        /// A lock after wrong passwords does not hold for this browser.
        passes_lock: bool,
    },
    /// The form is shown again with this status and sentence.
    Refused(StatusCode, String),
}

/// Asks for the current password inside a session. A wrong one counts as it does at the sign-in.
pub(super) async fn confirm(
    visit: &Visit<'_>,
    found: &SignedIn,
    typed: &str,
) -> Result<Confirmation, Response> {
    let typed_at = TypedAt::Session(&found.session.session_key);
    Ok(
        match check(visit, &found.member.business_email_key, typed_at, typed).await? {
            PasswordCheck::TooSoon(until) => {
                let text = texts::too_many_tries(until - visit.portal.app.clock.now());
                Confirmation::Refused(StatusCode::TOO_MANY_REQUESTS, text)
            }
            PasswordCheck::Right(mut right) if right.row.member_id == found.session.member_id => {
                right.accept(visit);
                Confirmation::Right {
                    passes_lock: right.is_known,
                }
            }
            // The address belongs to somebody else now, or the password was wrong.
            PasswordCheck::Right(_) | PasswordCheck::Wrong => Confirmation::Refused(
                StatusCode::UNPROCESSABLE_ENTITY,
                texts::NOT_CONFIRMED.to_owned(),
            ),
        },
    )
}

/// A browser that signed in to the account before and has tries left.
struct KnownDevice {
    key: String,
    _running: RunningTry,
}

impl KnownDevice {
    /// None for a stranger, and for a device whose budget is used up.
    async fn of(visit: &Visit<'_>, row: &MemberRow) -> Result<Option<Self>, Response> {
        let Some(key) = visit.device_key(&row.member_id) else {
            return Ok(None);
        };
        let running = visit.portal.running_tries.begin(format!("device {key}"));
        let tries = visit
            .portal
            .app
            .store
            .device_tries(&key, &row.member_id)
            .await
            .map_err(|error| visit.unavailable(&error))?;
        let may_try = |tries: u32| tries.saturating_add(running.count) <= TRIES_OF_A_DEVICE;
        Ok(tries.is_some_and(may_try).then_some(Self {
            key,
            _running: running,
        }))
    }
}

/// Records a failed try after the answer, whose time would tell who has an account. Until it is recorded, the try counts as
/// running.
fn record_failure(
    visit: &Visit<'_>,
    row: MemberRow,
    device: Option<KnownDevice>,
    running: RunningTry,
) {
    let app = Arc::clone(&visit.portal.app);
    let record = async move {
        let recorded = app.store.sign_in_failed(&row.member_id).await;
        let recorded_of_device = match &device {
            Some(device) => app.store.device_failed(&device.key, &row.member_id).await,
            None => Ok(()),
        };
        if let Err(error) = recorded.and(recorded_of_device) {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a failed sign-in was not counted"
            );
        }
        drop((device, running));
    };
    visit.portal.app.tasks.spawn(record.in_current_span());
}
