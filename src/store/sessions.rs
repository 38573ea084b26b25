//! Sessions of the member's pages, and what signing in does to an account. Each change is one decision of the writer.

use sqlx::{AssertSqlSafe, Row};

use super::cards::begun_at;
use super::contacts::{note_answer, room_for};
use super::history::failed;
use super::moves::finish;
use super::rows::{
    AccountRow, AuditRow, ContactRow, MemberRow, ResetRow, SessionRow, Table, read, read_all,
};
use super::writer::{Credential, Keys, Page, Removed, SignOut};
use super::{Store, StoreError};
use crate::domain::contacts::AddedAs;
use crate::domain::sign_in::{
    CODE_LIFE, CODE_TRIES, CODES_COUNT_FOR, CodeDenied, LockedBy, PROVING_LIFE, SESSION_LIFE,
    SESSIONS_AT_ONCE, Stage, TRIES_BEFORE_LOCK, WRONG_CODES_BEFORE_LOCK, may_send_code,
};
use crate::domain::{Carries, Destination, MemberId, Moment, Span, State};

/// A session with the person behind it.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The session.
    pub session: SessionRow,
    /// The member.
    pub member: MemberRow,
    /// Their account.
    pub account: AccountRow,
}

/// How the beginning of a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It stands.
    Yes,
    /// The password was replaced, or the account locked, while it was being checked.
    Changed,
}

/// What became of "this wasn't me".
#[derive(Clone, Debug)]
pub enum Disowned {
    /// The account is closed now.
    Now(Box<ResetRow>),
    /// It was said before.
    Before,
    /// There was another reset since; nothing was changed.
    Outdated,
}

/// What became of a one-time link.
#[derive(Clone, Debug)]
pub enum Claimed {
    /// It was used now, and the session stands.
    Now,
    /// It was used before.
    Before,
    /// It leads nowhere any more: its life is over, there was another reset, or the account was closed.
    Dead,
}

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

impl Store {
    /// A member of the built-in directory by business e-mail in lower case, with their account.
    pub async fn account(
        &self,
        email_key: &str,
    ) -> Result<Option<(MemberRow, AccountRow)>, StoreError> {
        let sql = format!(
            "select {}, {} from member where business_email_key = $1",
            MemberRow::ROWS,
            AccountRow::ROWS
        );
        let row = sqlx::query(AssertSqlSafe(sql))
            .bind(email_key)
            .fetch_one(&self.pool)
            .await
            .map_err(failed)?;
        let members: Vec<MemberRow> = read_all(&row, 0).map_err(failed)?;
        let accounts: Vec<AccountRow> = read_nth(&row, 1)?;
        Ok(members.into_iter().zip(accounts).next())
    }

    /// A session that stands now, by the digest of its cookie.
    pub async fn session(&self, session_key: &str) -> Result<Option<SignedIn>, StoreError> {
        let sql = format!(
            "select (select {} from session where session_key = $1),
                (select {} from member where member_id = (select member_id from session where session_key = $1)),
                (select {} from member where member_id = (select member_id from session where session_key = $1))",
            SessionRow::ROWS,
            MemberRow::ROWS,
            AccountRow::ROWS
        );
        let row = sqlx::query(AssertSqlSafe(sql))
            .bind(session_key)
            .fetch_one(&self.pool)
            .await
            .map_err(failed)?;
        let sessions: Vec<SessionRow> = read_nth(&row, 0)?;
        let (members, accounts): (Vec<MemberRow>, Vec<AccountRow>) =
            (read_nth(&row, 1)?, read_nth(&row, 2)?);
        let now = self.clock.now();
        Ok(sessions
            .into_iter()
            .zip(members)
            .zip(accounts)
            .map(|((session, member), account)| SignedIn {
                session,
                member,
                account,
            })
            .find(|found| found.session.is_live(found.account.signed_out_at, now)))
    }

    /// True for a session that was ended from outside: by a reset, or by "this wasn't me".
    pub async fn was_signed_out(&self, session_key: &str) -> Result<bool, StoreError> {
        let sql = "select 1 from session join member using (member_id)
            where session_key = $1 and ended_at is null and signed_out_at >= began_at";
        let found = sqlx::query(sql)
            .bind(session_key)
            .fetch_optional(&self.pool)
            .await
            .map_err(failed)?;
        Ok(found.is_some())
    }

    /// The sessions of a member that stand now, the newest first.
    pub async fn sessions(&self, member: &MemberId) -> Result<Vec<SessionRow>, StoreError> {
        self.on_account(member, |page, member, now| {
            let mut live = all_live(page, &member, now);
            live.sort_by_key(|row| std::cmp::Reverse(row.began_at));
            live
        })
        .await
    }

    /// A wrong password; the hundredth in a row locks the account (Q13).
    pub async fn sign_in_failed(&self, member: &MemberId) -> Result<(), StoreError> {
        self.on_account(member, |page, member, now| {
            let Some(mut account) = page.account(&member).cloned() else {
                return;
            };
            account.failed_sign_ins = account.failed_sign_ins.saturating_add(1);
            let locks = account.failed_sign_ins >= TRIES_BEFORE_LOCK && account.locked_at.is_none();
            if locks {
                (account.locked_at, account.locked_by) = (Some(now), Some(LockedBy::Passwords));
            }
            page.audit(AuditRow::of_member(
                "sign_in",
                if locks { "locked" } else { "wrong_password" },
                &member,
                now,
            ));
            page.put_account(account);
        })
        .await
    }

    /// A right password: begins a session, if the credential is still the one that was checked. `passes_lock` is for a
    /// browser with a budget of its own, which a lock after wrong passwords does not concern.
    pub async fn begin_session(
        &self,
        session: SessionRow,
        checked: String,
        passes_lock: bool,
    ) -> Result<Begun, StoreError> {
        let member = session.member_id.clone();
        self.on_account(&member, move |page, member, now| {
            let Some(mut account) = page.account(&member).cloned() else {
                return Begun::Changed;
            };
            let is_open = match account.lock() {
                None => true,
                Some(LockedBy::Passwords) => passes_lock || session.stage == Stage::Code,
                Some(LockedBy::Codes | LockedBy::Member) => false,
            };
            if account.credential.as_deref() != Some(checked.as_str()) || !is_open {
                return Begun::Changed;
            }
            // A password that needs a code too proves nothing alone: what was tried before counts on until the code is
            // right. A known browser lifts no lock, because then others could guess a hundred times more.
            if session.stage == Stage::Open && account.locked_at.is_none() {
                (account.failed_sign_ins, account.wrong_codes) = (0, 0);
                page.put_account(account);
            }
            page.audit(AuditRow::of_member(
                "sign_in",
                session.stage.as_str(),
                &member,
                now,
            ));
            start(page, session, now);
            Begun::Yes
        })
        .await
    }

    /// A code is about to be sent: it takes the place of the one before, unless it is too soon or there were too many, or
    /// the session no longer stands where it stood when it asked.
    pub async fn new_code(
        &self,
        asking: &SessionRow,
        digest: String,
        to: &Destination,
    ) -> Result<Result<(), CodeDenied>, StoreError> {
        let (mask, to) = (to.masked(), to.full().to_owned());
        let (session_key, stage) = (asking.session_key.clone(), asking.stage);
        self.on_account(&asking.member_id, move |page, member, now| {
            let session = live(page, &session_key, now)
                .filter(|row| row.stage == stage)
                .ok_or(CodeDenied::NoSession)?;
            if stage == Stage::Code && !may_still_prove(page, &member, now) {
                return Err(CodeDenied::NoSession);
            }
            let mut account = page
                .account(&member)
                .cloned()
                .ok_or(CodeDenied::NoSession)?;
            let mut sent = times_of(account.codes_sent.as_deref());
            may_send_code(&sent, now)?;
            sent.retain(|at| now - *at < CODES_COUNT_FOR);
            sent.push(now);
            account.codes_sent = Some(
                sent.iter()
                    .map(|at| at.0.to_string())
                    .collect::<Vec<_>>()
                    .join(","),
            );
            page.put_account(account);
            page.audit(AuditRow::of_member("code", "sent", &member, now));
            let is_added = page.contacts(&member).any(|contact| contact.address == to);
            page.put_session(SessionRow {
                code_to: Some(to).filter(|_| is_added),
                code_digest: Some(digest),
                code_mask: Some(mask),
                code_sent_at: Some(now),
                code_tries: CODE_TRIES,
                ..session
            });
            Ok(())
        })
        .await
    }

    /// A typed code. A right one works once; the session goes on under another key, at the next stage.
    pub async fn prove(
        &self,
        member: &MemberId,
        session_key: String,
        digest: String,
        next_key: String,
    ) -> Result<Proof, StoreError> {
        self.on_account(member, move |page, _, now| {
            let Some(mut session) =
                live(page, &session_key, now).filter(|row| row.stage == Stage::Code)
            else {
                return Proof::NoSession;
            };
            if !may_still_prove(page, &session.member_id, now) {
                return Proof::NoSession;
            }
            let tries = session.code_tries;
            let proof = check_code(page, &mut session, &digest, now);
            count_try(
                page,
                &session,
                proof == Proof::Right,
                session.code_tries < tries,
                now,
            );
            if proof == Proof::Right {
                note_answer(page, &session, now);
                let session = SessionRow {
                    is_proven: true,
                    ..session
                };
                let is_temporary = page
                    .account(&session.member_id)
                    .is_some_and(|row| row.temporary_until.is_some());
                let stage = if is_temporary {
                    Stage::NewPassword
                } else {
                    Stage::Open
                };
                go_on(page, session, next_key, stage, now);
            } else {
                page.put_session(session);
            }
            proof
        })
        .await
    }

    /// A typed code that came from a contact which the member adds in a live session (Q7).
    pub async fn prove_contact(
        &self,
        session_key: String,
        digest: String,
        contact: ContactRow,
    ) -> Result<Proof, StoreError> {
        let member = contact.member_id.clone();
        self.on_account(&member, move |page, member, now| {
            let Some(mut session) =
                live(page, &session_key, now).filter(|row| row.stage == Stage::Open)
            else {
                return Proof::NoSession;
            };
            let Some(contact) = room_for(page, contact) else {
                return Proof::TooMany;
            };
            let proof = check_code(page, &mut session, &digest, now);
            if proof == Proof::Right {
                let line = AuditRow::of_member("contact", "added", &member, now);
                let added_as = if session.is_proven {
                    AddedAs::Proven
                } else {
                    AddedAs::Member
                };
                page.audit(AuditRow {
                    detail: contact.added().map(|added| added.to.masked()),
                    ..line
                });
                page.put_contact(ContactRow {
                    added_at: now,
                    answered_at: Some(now),
                    added_as,
                    ..contact
                });
            }
            page.put_session(session);
            proof
        })
        .await
    }

    /// Takes a contact away that was added for codes. False if there is none, or the session has ended.
    pub async fn remove_contact(
        &self,
        member: &MemberId,
        session_key: String,
        address: String,
    ) -> Result<bool, StoreError> {
        if !self
            .contacts(member)
            .await?
            .iter()
            .any(|contact| contact.address == address)
        {
            return Ok(false);
        }
        self.on_account(member, move |page, member, now| {
            let is_open = live(page, &session_key, now).is_some_and(|row| row.stage == Stage::Open);
            if is_open {
                page.audit(AuditRow::of_member("contact", "removed", &member, now));
                page.remove_contact(Removed {
                    member_id: member,
                    address,
                });
            }
            is_open
        })
        .await
    }

    /// The member's own password: it takes the place of the one that `checked` was, every other session ends, and this
    /// one goes on under another key. False if the password was replaced meanwhile, or the session ended. `passes_lock` as
    /// in [`Store::begin_session`].
    pub async fn set_own_password(
        &self,
        member: &MemberId,
        session_key: String,
        checked: Option<String>,
        phc: String,
        next_key: String,
        passes_lock: bool,
    ) -> Result<bool, StoreError> {
        self.on_account(member, move |page, member, now| {
            let is_same = page
                .account(&member)
                .is_some_and(|account| account.credential == checked);
            let Some(session) =
                live(page, &session_key, now).filter(|row| is_same && row.stage != Stage::Code)
            else {
                return false;
            };
            // A lock holds inside a session too: else a guess that is right at last would lift it. After a code was right
            // there is nothing left to guess.
            let is_proven = session.stage == Stage::NewPassword;
            let is_open = page
                .account(&member)
                .is_some_and(|account| match account.lock() {
                    None => true,
                    Some(LockedBy::Passwords) => passes_lock || is_proven,
                    Some(LockedBy::Codes | LockedBy::Member) => false,
                });
            let is_over = is_proven
                && page
                    .account(&member)
                    .is_none_or(|account| account.temporary_until <= Some(now));
            if !is_open || is_over {
                return false;
            }
            let member_id = member.clone();
            page.set_credential(Credential {
                member_id,
                phc,
                set_at: now,
                temporary_until: None,
                signed_out_at: None,
            });
            for other in all_live(page, &member, now) {
                page.put_session(SessionRow {
                    ended_at: Some(now),
                    ..other
                });
            }
            page.audit(AuditRow::of_member("own_password", "set", &member, now));
            go_on(page, session, next_key, Stage::Open, now);
            true
        })
        .await
    }

    /// Ends this session, or every other one of the member.
    pub async fn end_sessions(
        &self,
        member: &MemberId,
        this: String,
        others: bool,
    ) -> Result<(), StoreError> {
        self.on_account(member, move |page, member, now| {
            let live = all_live(page, &member, now);
            for session in live
                .into_iter()
                .filter(|row| (row.session_key == this) != others)
            {
                page.put_session(SessionRow {
                    ended_at: Some(now),
                    ..session
                });
            }
            page.audit(AuditRow::of_member(
                "sign_out",
                if others { "others" } else { "own" },
                &member,
                now,
            ));
        })
        .await
    }

    /// "This wasn't me": the password is dead, every session ends, and the same administrator cannot make the next reset.
    pub async fn disown(&self, reset: &ResetRow) -> Result<Disowned, StoreError> {
        let (id, member) = (reset.reset_id, reset.member_id.clone());
        let keys = Keys {
            reset: Some(id),
            member: Some(member.clone()),
            account: Some(member.clone()),
            ..Keys::default()
        };
        self.write(keys, move |page, now| {
            let Some(mut row) = page.reset(id) else {
                return Disowned::Outdated;
            };
            let is_newer = |other: &ResetRow| {
                other.member_id == member
                    && other.reset_id != id
                    && begun_at(other) > begun_at(&row)
            };
            if page.resets().any(is_newer) {
                return Disowned::Outdated;
            }
            if row.disowned_at.is_some() {
                return Disowned::Before;
            }
            row.disowned_at = Some(now);
            if row.is_waiting_for_another_way() {
                finish(&mut row, now);
            }
            if let Some(account) = page.account(&member).cloned() {
                let locked_by = Some(LockedBy::Member);
                page.put_account(AccountRow {
                    locked_at: Some(now),
                    locked_by,
                    ..account
                });
            }
            page.sign_out(SignOut {
                member_id: member.clone(),
                signed_out_at: now,
            });
            let mut line = AuditRow::of_member("not_me", "closed", &member, now);
            (line.reset_id, line.admin_id) = (Some(id), Some(row.admin_id.clone()));
            page.audit(line);
            page.put(row.clone());
            Disowned::Now(Box::new(row))
        })
        .await
    }

    /// A one-time link is used: once, while its reset is the member's last one and its life lasts. The session begins at
    /// the stage "code", so that the link alone opens nothing (S39).
    pub async fn claim(
        &self,
        reset: &ResetRow,
        session: SessionRow,
    ) -> Result<Claimed, StoreError> {
        let (id, member) = (reset.reset_id, reset.member_id.clone());
        let keys = Keys {
            reset: Some(id),
            member: Some(member.clone()),
            account: Some(member.clone()),
            ..Keys::default()
        };
        self.write(keys, move |page, now| {
            let Some(mut row) = page.reset(id).filter(|row| row.carries == Carries::Link) else {
                return Claimed::Dead;
            };
            if row.link_used_at.is_some() {
                return Claimed::Before;
            }
            let was_sent = matches!(
                row.state,
                State::Delivering | State::Delivered | State::DeliveryUnknown
            );
            let is_newer = |other: &ResetRow| {
                other.member_id == member
                    && other.reset_id != id
                    && other.changing_at > row.changing_at
            };
            let account = page.account(&member);
            // The code that follows opens what wrong passwords locked.
            let is_open = account.is_some_and(|account| {
                matches!(account.lock(), None | Some(LockedBy::Passwords))
                    && account.temporary_until.is_some_and(|until| until > now)
            });
            if !was_sent || !is_open || row.disowned_at.is_some() || page.resets().any(is_newer) {
                return Claimed::Dead;
            }
            row.link_used_at = Some(now);
            let mut line = AuditRow::of_member("claim", "used", &member, now);
            (line.reset_id, line.admin_id) = (Some(id), Some(row.admin_id.clone()));
            page.audit(line);
            page.put(row);
            start(page, session, now);
            Claimed::Now
        })
        .await
    }

    /// The contacts that were added for codes, the oldest first.
    pub async fn contacts(&self, member: &MemberId) -> Result<Vec<ContactRow>, StoreError> {
        let sql = format!(
            "select {} from contact where member_id = $1 order by added_at, address",
            ContactRow::ROW
        );
        let found = sqlx::query(AssertSqlSafe(sql))
            .bind(&member.0)
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
        found.iter().map(|row| read(row).map_err(failed)).collect()
    }

    async fn on_account<T: Send + 'static>(
        &self,
        member: &MemberId,
        decide: impl FnOnce(&mut Page, MemberId, Moment) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let keys = Keys {
            account: Some(member.clone()),
            ..Keys::default()
        };
        let member = member.clone();
        self.write(keys, move |page, now| decide(page, member, now))
            .await
    }
}

/// A code may still open the account: the password of a reset is alive, or the member's own needs a code because wrong
/// ones locked the account.
fn may_still_prove(page: &Page, member: &MemberId, now: Moment) -> bool {
    page.account(member).is_some_and(|account| {
        matches!(account.lock(), None | Some(LockedBy::Passwords))
            && account.temporary_until.is_none_or(|until| until > now)
    })
}

pub(super) fn times_of(text: Option<&str>) -> Vec<Moment> {
    text.unwrap_or_default()
        .split(',')
        .filter_map(|at| at.parse().ok().map(Moment))
        .collect()
}

fn live(page: &Page, session_key: &str, now: Moment) -> Option<SessionRow> {
    let session = page.sessions().find(|row| row.session_key == session_key)?;
    let signed_out_at = page.account(&session.member_id)?.signed_out_at;
    session.is_live(signed_out_at, now).then(|| session.clone())
}

/// The sessions of a member that stand.
fn all_live(page: &Page, member: &MemberId, now: Moment) -> Vec<SessionRow> {
    let signed_out_at = page
        .account(member)
        .and_then(|account| account.signed_out_at);
    page.sessions()
        .filter(|row| row.member_id == *member && row.is_live(signed_out_at, now))
        .cloned()
        .collect()
}

/// Begins a session. Where too many stand already, one of those that came least far makes room, the oldest first.
fn start(page: &mut Page, session: SessionRow, now: Moment) {
    let mut others = all_live(page, &session.member_id, now);
    others.sort_by_key(|row| std::cmp::Reverse((row.stage, row.began_at)));
    for other in others.into_iter().skip(SESSIONS_AT_ONCE - 1) {
        page.audit(AuditRow::of_member(
            "sign_out",
            "oldest",
            &session.member_id,
            now,
        ));
        page.put_session(SessionRow {
            ended_at: Some(now),
            code_digest: None,
            ..other
        });
    }
    page.put_session(SessionRow {
        began_at: begins_at(page, &session.member_id, session.began_at.max(now)),
        ..session
    });
}

/// When a session begins: after the last sign-out, even one in the same millisecond, or before the clock was set back.
fn begins_at(page: &Page, member: &MemberId, now: Moment) -> Moment {
    let signed_out_at = page
        .account(member)
        .and_then(|account| account.signed_out_at);
    signed_out_at.map_or(now, |at| now.max(at + Span(1)))
}

/// Compares a typed code; a right one is used up, a wrong one costs a try.
fn check_code(page: &mut Page, session: &mut SessionRow, digest: &str, now: Moment) -> Proof {
    let is_fresh = session.code_sent_at.is_some_and(|at| now - at < CODE_LIFE);
    let Some(expected) = session
        .code_digest
        .clone()
        .filter(|_| is_fresh && session.code_tries > 0)
    else {
        return Proof::Over;
    };
    let is_right = expected == digest;
    page.audit(AuditRow::of_member(
        "code",
        if is_right { "right" } else { "wrong" },
        &session.member_id,
        now,
    ));
    if is_right {
        session.code_digest = None;
        return Proof::Right;
    }
    session.code_tries = session.code_tries.saturating_sub(1);
    if session.code_tries == 0 {
        Proof::Over
    } else {
        Proof::Wrong(session.code_tries)
    }
}

/// Wrong codes lock the account in the end, whoever asks for new ones: a reset lifts it (Q13). A right one ends a lock that
/// came from wrong passwords.
fn count_try(page: &mut Page, session: &SessionRow, is_right: bool, is_wrong: bool, now: Moment) {
    let member = &session.member_id;
    let Some(mut account) = page.account(member).cloned() else {
        return;
    };
    if is_right {
        (account.failed_sign_ins, account.wrong_codes) = (0, 0);
        if account.lock() == Some(LockedBy::Passwords) {
            (account.locked_at, account.locked_by) = (None, None);
            page.audit(AuditRow::of_member("code", "unlocked", member, now));
        }
    } else if is_wrong {
        account.wrong_codes = account.wrong_codes.saturating_add(1);
    } else {
        return;
    }
    let is_closed = matches!(account.lock(), Some(LockedBy::Codes | LockedBy::Member));
    if account.wrong_codes >= WRONG_CODES_BEFORE_LOCK && !is_closed {
        (account.locked_at, account.locked_by) = (Some(now), Some(LockedBy::Codes));
        page.audit(AuditRow::of_member("code", "locked", member, now));
    }
    page.put_account(account);
}

/// The same session under another key, so that one that somebody saw before is worth nothing after.
fn go_on(page: &mut Page, session: SessionRow, next_key: String, stage: Stage, now: Moment) {
    let next = SessionRow {
        session_key: next_key,
        stage,
        began_at: begins_at(page, &session.member_id, now),
        expires_at: now
            + if stage == Stage::Open {
                SESSION_LIFE
            } else {
                PROVING_LIFE
            },
        ended_at: None,
        code_digest: None,
        ..session.clone()
    };
    page.put_session(SessionRow {
        ended_at: Some(now),
        code_digest: None,
        ..session
    });
    page.put_session(next);
}

fn read_nth<T: serde::de::DeserializeOwned>(
    row: &sqlx::sqlite::SqliteRow,
    at: usize,
) -> Result<T, StoreError> {
    let text: &str = row.try_get(at).map_err(failed)?;
    serde_json::from_str(text).map_err(|error| failed(sqlx::Error::Decode(error.into())))
}
