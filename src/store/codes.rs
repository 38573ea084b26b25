//! Codes of the member's pages: sending one, what a typed one opens, and the contacts that a member adds and removes.

use super::engine::{Tx, WriteError};
use super::sessions::Live;
use super::{AccountRow, AuditRow, ContactRow, SessionRow, Store, StoreError, accounts, contacts};
use crate::domain::contacts::AddedAs;
use crate::domain::sign_in::{
    CODE_TRIES, CODES_COUNT_FOR, CodeDenied, CodePurpose, LockedBy, SentCode, Stage,
    WRONG_CODES_BEFORE_LOCK, may_send_code,
};
use crate::domain::{Destination, LogLine, MemberId, Moment};

/// What became of a typed code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Right; the session goes on under its next key.
    Right,
    /// Wrong; so many tries are left.
    Wrong(u32),
    /// No code works any more: too old, used, or typed wrong too often.
    Over,
    /// A contact is to be added, and the member has as many as there may be.
    TooMany,
    /// The session itself has ended.
    NoSession,
}

/// Why no code may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// A rule forbids it, such as the limit of codes per hour.
    #[error("no code may be sent now")]
    Denied(CodeDenied),
    /// The record failed, so no code was made.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl WriteError for CodeError {
    fn failure(&self) -> Option<StoreError> {
        match self {
            Self::Denied(_) => None,
            Self::Store(error) => Some(*error),
        }
    }
}

impl From<CodeDenied> for CodeError {
    fn from(denied: CodeDenied) -> Self {
        Self::Denied(denied)
    }
}

/// A code that is about to be sent.
#[derive(Clone, Debug)]
pub struct MadeCode {
    /// Its keyed digest.
    pub digest: String,
    /// What it is for.
    pub purpose: CodePurpose,
    /// Where it goes.
    pub to: Destination,
    /// The keyed digest of `to`.
    pub to_digest: String,
}

struct NewCode {
    member: MemberId,
    session_key: String,
    stage: Stage,
    made: MadeCode,
}

impl Store {
    /// A code is about to be sent: it replaces the one before, unless it is too soon or there were too many, or the
    /// session is no longer at the stage at which it asked.
    pub async fn new_code(&self, asking: &SessionRow, made: MadeCode) -> Result<(), CodeError> {
        let code = NewCode {
            member: asking.member_id.clone(),
            session_key: asking.session_key.clone(),
            stage: asking.stage,
            made,
        };
        self.write(code, new_code).await
    }

    /// Takes back a code that the mail server or gateway refused: it is worth nothing, and no page says that it was sent. It
    /// still counts, so that nobody can have a mail server asked without a pause.
    pub async fn take_back_code(
        &self,
        asking: &SessionRow,
        digest: String,
    ) -> Result<(), StoreError> {
        self.write((asking.clone(), digest), take_back).await
    }

    /// A typed code. A right one works once; the session goes on under another key, at the next stage.
    pub async fn prove(
        &self,
        member: &MemberId,
        session_key: String,
        digest: String,
        next_key: String,
    ) -> Result<Proof, StoreError> {
        self.write((member.clone(), session_key, digest, next_key), prove)
            .await
    }

    /// A typed code that came from a contact which the member adds in a live session (Q7).
    pub async fn prove_contact(
        &self,
        session_key: String,
        digest: String,
        contact: ContactRow,
    ) -> Result<Proof, StoreError> {
        self.write((session_key, digest, contact), prove_contact)
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
}

async fn new_code(tx: &mut Tx, code: &NewCode) -> Result<(), CodeError> {
    let live = Live::of(tx, &code.member).await?;
    let session = live.session(&code.session_key, &[code.stage]);
    let (Some(session), Some(mut account)) = (session, live.account) else {
        return Err(CodeDenied::NoSession.into());
    };
    if code.stage == Stage::Code && !may_still_prove(&account, tx.now()) {
        return Err(CodeDenied::NoSession.into());
    }
    let made = &code.made;
    let contact = contact_of(&made.to_digest);
    let sent = sent_codes(account.codes_sent.as_deref());
    may_send_code(&sent, contact, tx.now())?;
    account.codes_sent = Some(with_one_more(sent, contact, tx.now()));
    accounts::save(tx, &account).await?;
    let line = AuditRow {
        detail: Some(made.to.masked()),
        ..AuditRow::of_member("code", "sent", &code.member, tx.now())
    };
    tx.insert(&line).await?;
    let known = contacts::of_member(tx, &code.member).await?;
    let to = made.to.full();
    let is_added = known.iter().any(|contact| contact.address == to);
    let session = SessionRow {
        code_to: is_added.then(|| to.to_owned()),
        code_digest: Some(made.digest.clone()),
        code_purpose: Some(made.purpose),
        code_mask: Some(made.to.masked()),
        code_to_digest: Some(made.to_digest.clone()),
        code_sent_at: Some(tx.now()),
        code_tries: CODE_TRIES,
        ..session
    };
    Ok(tx.put(&session).await?)
}

async fn take_back(tx: &mut Tx, (asking, digest): &(SessionRow, String)) -> Result<(), StoreError> {
    let member = &asking.member_id;
    tx.insert(&AuditRow::of_member("code", "not_sent", member, tx.now()))
        .await?;
    let live = Live::of(tx, member).await?;
    let session = live
        .session(&asking.session_key, &[asking.stage])
        // A later code may have taken its place.
        .filter(|row| row.code_digest.as_ref() == Some(digest));
    let Some(session) = session else {
        return Ok(());
    };
    let without = SessionRow {
        code_to: None,
        code_digest: None,
        code_purpose: None,
        code_mask: None,
        code_to_digest: None,
        code_sent_at: None,
        code_tries: 0,
        ..session
    };
    tx.put(&without).await
}

async fn prove(
    tx: &mut Tx,
    (member, session_key, digest, next_key): &(MemberId, String, String, String),
) -> Result<Proof, StoreError> {
    let live = Live::of(tx, member).await?;
    let session = live.session(session_key, &[Stage::Code]);
    let (Some(mut session), Some(account)) = (session, live.account.clone()) else {
        return Ok(Proof::NoSession);
    };
    if !may_still_prove(&account, tx.now()) {
        return Ok(Proof::NoSession);
    }
    let stage = if account.temporary_until.is_some() {
        Stage::NewPassword
    } else {
        Stage::Open
    };
    let tries = session.code_tries;
    let proof = check_code(tx, &mut session, (CodePurpose::SignIn, digest)).await?;
    if proof == Proof::Right {
        // Beside a password that a code alone may have set, it proves nothing that its contact does not.
        session.is_proven = account.temporary_until.is_some();
        count_right(tx, account).await?;
        if let Some(address) = &session.code_to {
            contacts::set_answered(tx, member, address).await?;
        }
        live.go_on(tx, &session, next_key, stage).await?;
    } else {
        if session.code_tries < tries {
            count_wrong(tx, account).await?;
        }
        tx.put(&session).await?;
    }
    Ok(proof)
}

async fn prove_contact(
    tx: &mut Tx,
    (session_key, digest, contact): &(String, String, ContactRow),
) -> Result<Proof, StoreError> {
    let member = &contact.member_id;
    let live = Live::of(tx, member).await?;
    let Some(mut session) = live.session(session_key, &[Stage::Open]) else {
        return Ok(Proof::NoSession);
    };
    let known = contacts::of_member(tx, member).await?;
    let Some(contact) = contacts::room_for(&known, contact.clone()) else {
        return Ok(Proof::TooMany);
    };
    let proof = check_code(tx, &mut session, (CodePurpose::Contact, digest)).await?;
    if proof == Proof::Right {
        let line = AuditRow {
            detail: contact.added().map(|added| added.to.masked()),
            admin_name: Some(contact.added_by_name.clone()),
            member_name: Some(contact.added_by_name.clone()),
            ..AuditRow::of_member("contact", "added", member, tx.now())
        };
        tx.insert(&line.in_log(LogLine::Contact)).await?;
        // What counts already is not made younger, or less, by typing it again.
        let proven = known.iter().find(|one| {
            one.added_as == AddedAs::Proven
                && one.added_by == contact.added_by
                && (one.channel, &one.address) == (contact.channel, &contact.address)
        });
        let (added_as, added_at) = match proven {
            Some(one) => (AddedAs::Proven, one.added_at),
            None if session.is_proven => (AddedAs::Proven, tx.now()),
            None => (AddedAs::Member, tx.now()),
        };
        let contact = ContactRow {
            added_at,
            answered_at: Some(tx.now()),
            added_as,
            ..contact
        };
        tx.put(&contact).await?;
    }
    tx.put(&session).await?;
    Ok(proof)
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

/// A code can still open the account: its temporary password has not ended, and neither codes nor the member locked it.
pub(super) fn may_still_prove(account: &AccountRow, now: Moment) -> bool {
    matches!(account.lock(), None | Some(LockedBy::Passwords))
        && account.temporary_until.is_none_or(|until| until > now)
}

/// Compares a typed code; a right one is used up, a wrong one costs a try.
pub(super) async fn check_code(
    tx: &mut Tx,
    session: &mut SessionRow,
    (purpose, digest): (CodePurpose, &str),
) -> Result<Proof, StoreError> {
    let now = tx.now();
    let Some(expected) = session.usable_code(purpose, now).map(str::to_owned) else {
        return Ok(Proof::Over);
    };
    let is_right = expected == digest;
    let outcome = if is_right { "right" } else { "wrong" };
    tx.insert(&AuditRow::of_member(
        "code",
        outcome,
        &session.member_id,
        now,
    ))
    .await?;
    if is_right {
        session.code_digest = None;
        return Ok(Proof::Right);
    }
    session.code_tries = session.code_tries.saturating_sub(1);
    Ok(if session.code_tries == 0 {
        Proof::Over
    } else {
        Proof::Wrong(session.code_tries)
    })
}

/// A right code ends a lock that came from wrong passwords.
pub(super) async fn count_right(tx: &mut Tx, mut account: AccountRow) -> Result<(), StoreError> {
    (account.failed_sign_ins, account.wrong_codes) = (0, 0);
    account.forget_old_guesses(tx.now());
    if account.lock() == Some(LockedBy::Passwords) {
        (account.locked_at, account.locked_by) = (None, None);
        let line = AuditRow::of_member("code", "unlocked", &account.member_id, tx.now());
        tx.insert(&line).await?;
    }
    accounts::save(tx, &account).await
}

/// Too many wrong codes lock the account, also across several codes. A reset lifts that lock (Q13).
pub(super) async fn count_wrong(tx: &mut Tx, mut account: AccountRow) -> Result<(), StoreError> {
    account.wrong_codes = account.wrong_codes.saturating_add(1);
    let is_closed = matches!(account.lock(), Some(LockedBy::Codes | LockedBy::Member));
    if account.wrong_codes >= WRONG_CODES_BEFORE_LOCK && !is_closed {
        (account.locked_at, account.locked_by) = (Some(tx.now()), Some(LockedBy::Codes));
        let line = AuditRow::of_member("code", "locked", &account.member_id, tx.now());
        tx.insert(&line).await?;
    }
    accounts::save(tx, &account).await
}

/// How much of a contact's digest stands beside the time of a code: enough to tell a member's contacts apart.
const DIGEST_KEPT: usize = 16;

/// The contact of a code as it stands beside its time.
pub(super) fn contact_of(to_digest: &str) -> Option<&str> {
    to_digest.get(..DIGEST_KEPT)
}

/// Parses the codes that were sent: milliseconds with commas, each with `:` and the contact where that is known.
pub(super) fn sent_codes(text: Option<&str>) -> Vec<SentCode> {
    let parse = |one: &str| {
        let (at, to) = match one.split_once(':') {
            Some((at, to)) => (at, Some(to.to_owned())),
            None => (one, None),
        };
        at.parse().ok().map(|at| SentCode { at: Moment(at), to })
    };
    text.unwrap_or_default()
        .split(',')
        .filter_map(parse)
        .collect()
}

/// Takes out a code that was counted then and not sent after all, and gives the stored form; none without any code.
pub(super) fn without(mut sent: Vec<SentCode>, counted_at: Moment) -> Option<String> {
    if let Some(at) = sent.iter().position(|one| one.at == counted_at) {
        sent.remove(at);
    }
    (!sent.is_empty()).then(|| stored(&sent))
}

/// Adds a code that is sent now to these, drops those that no longer count, and gives the stored form.
pub(super) fn with_one_more(mut sent: Vec<SentCode>, to: Option<&str>, now: Moment) -> String {
    sent.retain(|one| now - one.at < CODES_COUNT_FOR);
    sent.push(SentCode {
        at: now,
        to: to.map(str::to_owned),
    });
    stored(&sent)
}

fn stored(sent: &[SentCode]) -> String {
    let stored = |one: &SentCode| match &one.to {
        Some(to) => format!("{}:{to}", one.at.0),
        None => one.at.0.to_string(),
    };
    sent.iter().map(stored).collect::<Vec<_>>().join(",")
}
