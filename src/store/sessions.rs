//! Sessions of the member's pages: how they begin, go on and end.

use super::accounts::{self, set_credential};
use super::engine::{Connection, Joined, Table, Tx, params, sql, table};
use super::{AccountRow, AuditRow, MemberRow, Store, StoreError, contacts};
use crate::domain::sign_in::{
    LockedBy, PROVING_LIFE, SESSION_LIFE, SESSIONS_AT_ONCE, Stage, TRIES_BEFORE_LOCK,
};
use crate::domain::{MemberId, Moment, Span};

table! {
    /// A session of the member's pages.
    pub struct SessionRow in "session" {
        key {
            /// The digest of its cookie.
            session_key: String,
        }
        fixed {
            /// The member who signs in.
            member_id: MemberId,
            /// When it began; a sign-out at or after that ends it.
            began_at: Moment,
        }
        changing {
            /// How far it has come.
            stage: Stage,
            /// When it ends by itself.
            expires_at: Moment,
            /// When it was ended before its time, as by a sign-out.
            ended_at: Option<Moment>,
            /// What the browser calls itself.
            agent: Option<String>,
            /// The code that was sent last, as a keyed digest; none once it was used.
            code_digest: Option<String>,
            /// The masked contact it went to.
            code_mask: Option<String>,
            /// When the last code was sent.
            code_sent_at: Option<Moment>,
            /// How often it may still be typed.
            code_tries: u32,
            /// True once a code has opened it.
            is_proven: bool,
            /// The added contact that the last code went to, in full; none for a contact of the directory.
            code_to: Option<String>,
        }
    }
}

impl SessionRow {
    /// A session that begins at this stage and lives so long, before any code was sent for it.
    pub fn new(
        session_key: String,
        member_id: MemberId,
        stage: Stage,
        agent: Option<String>,
        (began_at, life): (Moment, Span),
    ) -> Self {
        Self {
            session_key,
            member_id,
            stage,
            began_at,
            expires_at: began_at + life,
            ended_at: None,
            agent,
            code_digest: None,
            code_mask: None,
            code_sent_at: None,
            code_tries: 0,
            is_proven: false,
            code_to: None,
        }
    }

    /// True while the session lives: not ended, not over, and begun after the member was last signed out.
    pub fn is_live(&self, signed_out_at: Option<Moment>, now: Moment) -> bool {
        let is_younger = signed_out_at.is_none_or(|at| self.began_at > at);
        self.ended_at.is_none() && self.expires_at > now && is_younger
    }
}

/// A session with the person behind it.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub session: SessionRow,
    pub member: MemberRow,
    pub account: AccountRow,
}

/// How the beginning of a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// Its cookie works from now on.
    Yes,
    /// The password was replaced, or the account locked, while it was being checked.
    Changed,
}

/// A session with the member and their account.
pub(super) const SIGNED_IN: &str = sql!(
    "select ",
    SessionRow::QUALIFIED,
    ", ",
    MemberRow::QUALIFIED,
    ", ",
    AccountRow::QUALIFIED,
    "
    from session
    join member on member.member_id = session.member_id
    where session_key = $1"
);

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

pub(super) const NOT_OVER: &str = sql!(
    "select ",
    SessionRow::COLUMNS,
    "
    from session
    where member_id = $1
        and ended_at is null
        and expires_at > $2"
);

/// The sessions of a member that live.
pub(super) const LIVE: &str = sql!(
    "select ",
    SessionRow::QUALIFIED,
    "
    from session
    join member on member.member_id = session.member_id
    where session.member_id = $1
        and ended_at is null
        and expires_at > $2
        and (signed_out_at is null or began_at > signed_out_at)"
);

pub(super) const SIGNED_OUT: &str = "
    select 1
    from session
    join member on member.member_id = session.member_id
    where session_key = $1
        and ended_at is null
        and signed_out_at >= began_at";

/// An account and the sessions of its member that live.
pub(super) struct Live {
    pub(super) account: Option<AccountRow>,
    pub(super) sessions: Vec<SessionRow>,
}

impl Live {
    pub(super) async fn of(
        connection: &mut Connection,
        member: &MemberId,
    ) -> Result<Self, StoreError> {
        let account = accounts::find(connection, member).await?;
        let now = connection.now();
        let mut sessions: Vec<SessionRow> = connection.all(NOT_OVER, params![member, now]).await?;
        let signed_out_at = account.as_ref().and_then(|account| account.signed_out_at);
        sessions.retain(|row| row.is_live(signed_out_at, now));
        Ok(Self { account, sessions })
    }

    /// The session of this key, if it is at one of these stages.
    pub(super) fn session(&self, key: &str, stages: &[Stage]) -> Option<SessionRow> {
        let mut sessions = self.sessions.iter();
        sessions
            .find(|row| row.session_key == key && stages.contains(&row.stage))
            .cloned()
    }

    /// When a session begins: after the last sign-out, even one in the same millisecond, or before the clock was set back.
    fn begins_at(&self, now: Moment) -> Moment {
        let account = self.account.as_ref();
        let signed_out_at = account.and_then(|account| account.signed_out_at);
        signed_out_at.map_or(now, |at| now.max(at + Span(1)))
    }

    /// Begins a session. Where there are too many already, one of those that came least far makes room, the oldest first.
    pub(super) async fn start(&self, tx: &mut Tx, session: &SessionRow) -> Result<(), StoreError> {
        let mut others: Vec<&SessionRow> = self.sessions.iter().collect();
        others.sort_by_key(|row| std::cmp::Reverse((row.stage, row.began_at)));
        for other in others.into_iter().skip(SESSIONS_AT_ONCE - 1) {
            let line = AuditRow::of_member("sign_out", "oldest", &session.member_id, tx.now());
            tx.insert(&line).await?;
            end(tx, other).await?;
        }
        let row = SessionRow {
            began_at: self.begins_at(session.began_at.max(tx.now())),
            ..session.clone()
        };
        tx.insert(&row).await
    }

    /// Continues a session under another key, so that a key that leaked before is worthless after.
    pub(super) async fn go_on(
        &self,
        tx: &mut Tx,
        session: &SessionRow,
        next_key: &str,
        stage: Stage,
    ) -> Result<(), StoreError> {
        let life = if stage == Stage::Open {
            SESSION_LIFE
        } else {
            PROVING_LIFE
        };
        let next = SessionRow {
            session_key: next_key.to_owned(),
            stage,
            began_at: self.begins_at(tx.now()),
            expires_at: tx.now() + life,
            ended_at: None,
            code_digest: None,
            ..session.clone()
        };
        end(tx, session).await?;
        tx.insert(&next).await
    }
}

/// Ends a session, and the code that was sent for it.
pub(super) async fn end(tx: &mut Tx, session: &SessionRow) -> Result<(), StoreError> {
    let ended = SessionRow {
        ended_at: Some(tx.now()),
        code_digest: None,
        ..session.clone()
    };
    tx.put(&ended).await
}

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

    /// A session that lives now, by the digest of its cookie.
    pub async fn session(&self, session_key: &str) -> Result<Option<SignedIn>, StoreError> {
        let mut connection = self.reader().await?;
        let found = connection.maybe(SIGNED_IN, params![session_key]).await?;
        let now = connection.now();
        Ok(found
            .map(|Joined((session, member, account))| SignedIn {
                session,
                member,
                account,
            })
            .filter(|found| found.session.is_live(found.account.signed_out_at, now)))
    }

    /// True for a session that was ended from outside: by a reset, or by "this wasn't me".
    pub async fn was_signed_out(&self, session_key: &str) -> Result<bool, StoreError> {
        let found: Option<(i64,)> = self
            .reader()
            .await?
            .maybe(SIGNED_OUT, params![session_key])
            .await?;
        Ok(found.is_some())
    }

    /// The sessions of a member that live now, the newest first.
    pub async fn sessions(&self, member: &MemberId) -> Result<Vec<SessionRow>, StoreError> {
        let mut connection = self.reader().await?;
        let now = connection.now();
        let mut live: Vec<SessionRow> = connection.all(LIVE, params![member, now]).await?;
        live.sort_by_key(|row| std::cmp::Reverse(row.began_at));
        Ok(live)
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

    /// Takes a contact away that was added for codes. False if there is none, or the session has ended.
    pub async fn remove_contact(
        &self,
        member: &MemberId,
        session_key: String,
        address: String,
    ) -> Result<bool, StoreError> {
        self.write((member.clone(), session_key, address), remove_contact)
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
        let change = OwnPassword {
            member: member.clone(),
            session_key,
            checked,
            phc,
            next_key,
            passes_lock,
        };
        self.write(change, set_own_password).await
    }

    /// Ends this session, or every other one of the member.
    pub async fn end_sessions(
        &self,
        member: &MemberId,
        this: String,
        others: bool,
    ) -> Result<(), StoreError> {
        self.write((member.clone(), this, others), end_sessions)
            .await
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

async fn remove_contact(
    tx: &mut Tx,
    (member, session_key, address): &(MemberId, String, String),
) -> Result<bool, StoreError> {
    let known = contacts::of_member(tx, member).await?;
    if !known.iter().any(|contact| contact.address == *address) {
        return Ok(false);
    }
    let live = Live::of(tx, member).await?;
    if live.session(session_key, &[Stage::Open]).is_none() {
        return Ok(false);
    }
    tx.insert(&AuditRow::of_member("contact", "removed", member, tx.now()))
        .await?;
    contacts::delete(tx, member, address).await?;
    Ok(true)
}

struct OwnPassword {
    member: MemberId,
    session_key: String,
    checked: Option<String>,
    phc: String,
    next_key: String,
    passes_lock: bool,
}

async fn set_own_password(tx: &mut Tx, change: &OwnPassword) -> Result<bool, StoreError> {
    let member = &change.member;
    let live = Live::of(tx, member).await?;
    let session = live.session(&change.session_key, &[Stage::NewPassword, Stage::Open]);
    let (Some(session), Some(account)) = (session, &live.account) else {
        return Ok(false);
    };
    // A lock holds inside a session too: else a guess that is right at last would lift it. After a code was right
    // there is nothing left to guess.
    let is_proven = session.stage == Stage::NewPassword;
    let is_over = is_proven && account.temporary_until <= Some(tx.now());
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

async fn end_sessions(
    tx: &mut Tx,
    (member, this, others): &(MemberId, String, bool),
) -> Result<(), StoreError> {
    let live = Live::of(tx, member).await?;
    for session in &live.sessions {
        if (session.session_key == *this) != *others {
            end(tx, session).await?;
        }
    }
    let outcome = if *others { "others" } else { "own" };
    tx.insert(&AuditRow::of_member("sign_out", outcome, member, tx.now()))
        .await
}
