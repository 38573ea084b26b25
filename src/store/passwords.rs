//! What a right or a wrong password does to an account, and to the sessions of its member.

use super::accounts::{self, set_credential};
use super::engine::{Joined, Table, Tx, params, sql};
use super::sessions::{Live, end};
use super::{AccountRow, AuditRow, MemberRow, SessionRow, Store, StoreError};
use crate::domain::MemberId;
use crate::domain::sign_in::{LockedBy, Stage, TRIES_BEFORE_LOCK};

/// How the beginning of a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// Its cookie works from now on.
    Yes,
    /// The password was replaced, or the account locked, while it was being checked.
    Changed,
}

pub(super) const ACCOUNT_BY_EMAIL: &str = sql!(
    "select ",
    MemberRow::COLUMNS,
    ", ",
    AccountRow::COLUMNS,
    "
    from member
    where business_email_key = $1"
);

pub(super) const ACCOUNT_BY_ID: &str = sql!(
    "select ",
    MemberRow::COLUMNS,
    ", ",
    AccountRow::COLUMNS,
    "
    from member
    where member_id = $1"
);

/// True if somebody with the right password may go on. `passes_lock`: this browser has a budget of its own, so a lock by
/// wrong passwords does not stop it.
fn is_open(account: &AccountRow, passes_lock: bool) -> bool {
    match account.lock() {
        None => true,
        Some(LockedBy::Passwords) => passes_lock,
        Some(LockedBy::Codes | LockedBy::Member) => false,
    }
}

impl Store {
    /// A member of the built-in directory by business e-mail in lower case, with their account.
    pub async fn account(
        &self,
        email_key: &str,
    ) -> Result<Option<(MemberRow, AccountRow)>, StoreError> {
        let mut connection = self.reader().await?;
        let found = connection
            .maybe(ACCOUNT_BY_EMAIL, params![email_key])
            .await?;
        Ok(found.map(|Joined(account)| account))
    }

    /// The same by the immutable id, whatever the member's address is now.
    pub async fn account_of(
        &self,
        member: &MemberId,
    ) -> Result<Option<(MemberRow, AccountRow)>, StoreError> {
        let mut connection = self.reader().await?;
        let found = connection.maybe(ACCOUNT_BY_ID, params![member]).await?;
        Ok(found.map(|Joined(account)| account))
    }

    /// A wrong password; the hundredth in a row locks the account (Q13).
    pub async fn sign_in_failed(&self, member: &MemberId) -> Result<(), StoreError> {
        self.write(member.clone(), sign_in_failed).await
    }

    /// A right password: begins a session, if the credential is still the one that was checked. `passes_lock` is for a
    /// browser with a budget of its own, which a lock after wrong passwords does not concern.
    pub async fn begin_session(
        &self,
        session: SessionRow,
        checked: String,
        passes_lock: bool,
    ) -> Result<Begun, StoreError> {
        self.write((session, checked, passes_lock), begin_session)
            .await
    }

    /// The member's own password: it replaces the one that `checked` was, every other session ends, and this one goes on
    /// under another key. False if the password was replaced meanwhile, or the session ended. `passes_lock` as in
    /// [`Store::begin_session`].
    pub async fn set_own_password(
        &self,
        member: &MemberId,
        session_key: String,
        checked: Option<String>,
        phc: String,
        next_key: String,
        passes_lock: bool,
    ) -> Result<bool, StoreError> {
        let change = NewCredential {
            member: member.clone(),
            session_key,
            checked,
            phc,
            next_key,
            passes_lock,
        };
        self.write(change, set_own_password).await
    }
}

async fn sign_in_failed(tx: &mut Tx, member: &MemberId) -> Result<(), StoreError> {
    let Some(mut account) = accounts::find(tx, member).await? else {
        return Ok(());
    };
    account.failed_sign_ins = account.failed_sign_ins.saturating_add(1);
    let locks = account.failed_sign_ins >= TRIES_BEFORE_LOCK && account.locked_at.is_none();
    if locks {
        (account.locked_at, account.locked_by) = (Some(tx.now()), Some(LockedBy::Passwords));
    }
    let outcome = if locks { "locked" } else { "wrong_password" };
    tx.insert(&AuditRow::of_member("sign_in", outcome, member, tx.now()))
        .await?;
    accounts::save(tx, &account).await
}

async fn begin_session(
    tx: &mut Tx,
    (session, checked, passes_lock): &(SessionRow, String, bool),
) -> Result<Begun, StoreError> {
    let live = Live::of(tx, &session.member_id).await?;
    let Some(mut account) = live.account.clone() else {
        return Ok(Begun::Changed);
    };
    let is_open = is_open(&account, *passes_lock || session.stage == Stage::Code);
    let is_same = accounts::is_same_password(account.credential.as_deref(), Some(checked));
    if !is_same || !is_open {
        return Ok(Begun::Changed);
    }
    // A password that needs a code too proves nothing alone: what was tried before counts on until the code is
    // right. A known browser lifts no lock, because then others could guess a hundred times more.
    if session.stage == Stage::Open && account.locked_at.is_none() {
        (account.failed_sign_ins, account.wrong_codes) = (0, 0);
        account.forget_old_guesses(tx.now());
        accounts::save(tx, &account).await?;
    }
    let stage = session.stage.as_str();
    tx.insert(&AuditRow::of_member(
        "sign_in",
        stage,
        &session.member_id,
        tx.now(),
    ))
    .await?;
    live.start(tx, session).await?;
    Ok(Begun::Yes)
}

struct NewCredential {
    member: MemberId,
    session_key: String,
    checked: Option<String>,
    phc: String,
    next_key: String,
    passes_lock: bool,
}

async fn set_own_password(tx: &mut Tx, change: &NewCredential) -> Result<bool, StoreError> {
    let member = &change.member;
    let live = Live::of(tx, member).await?;
    let session = live.session(&change.session_key, &[Stage::NewPassword, Stage::Open]);
    let (Some(session), Some(account)) = (session, &live.account) else {
        return Ok(false);
    };
    // A lock holds inside a session too: else a guess that is right at last would lift it. After a code was right
    // there is nothing left to guess.
    let is_proven = session.stage == Stage::NewPassword;
    // After a sign-in by a code alone there is no password of a reset that could have ended.
    let is_over = is_proven
        && account
            .temporary_until
            .is_some_and(|until| until <= tx.now());
    let is_open = is_open(account, change.passes_lock || is_proven);
    let (present, checked) = (account.credential.as_deref(), change.checked.as_deref());
    let is_same = accounts::is_same_password(present, checked);
    if !is_same || !is_open || is_over {
        return Ok(false);
    }
    set_credential(tx, member, &change.phc, None).await?;
    for other in &live.sessions {
        end(tx, other).await?;
    }
    tx.insert(&AuditRow::of_member(
        "own_password",
        "set",
        member,
        tx.now(),
    ))
    .await?;
    live.go_on(tx, &session, &change.next_key, Stage::Open)
        .await?;
    Ok(true)
}
