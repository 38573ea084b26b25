//! Members who leave, and accounts that an operator opens: what is wiped with them, and the commands that do it.

use sqlx::{AssertSqlSafe, Row, Sqlite, Transaction};

use super::history::{GIVEN_UP_AFTER, failed};
use super::members::ResetUnderWay;
use super::rows::{AuditRow, Table, json};
use super::{Store, StoreError};
use crate::domain::{EmailAddress, MemberId, Moment};

/// Why a card was closed whose member or administrator has left.
pub(super) const MEMBER_GONE: &str = "member_gone";

/// Takes everything from members that would let somebody act as them, or for them: `$1` is a JSON array of member ids, `$2`
/// the time. Whatever new table gives a member a right belongs here. History and audit stay.
const WIPE: &str = "
    update member set credential = null, credential_set_at = null, temporary_until = null, codes_sent = null
        where member_id in (select value from json_each($1));
    delete from session where member_id in (select value from json_each($1));
    delete from device where member_id in (select value from json_each($1));
    delete from contact where member_id in (select value from json_each($1));
    delete from contact_check where member_id in (select value from json_each($1));
    delete from contact_seen where member_id in (select value from json_each($1));
    delete from link where business_email_key in
        (select business_email_key from member where member_id in (select value from json_each($1)));
    insert into audit (noted_at, event, outcome, platform, tenant, chat_user, admin_id, member_id, reset_id)
        select $2, 'card', 'member_gone', platform, tenant, chat_user, admin_id, member_id, reset_id from reset
        where state = 'offered' and expires_at > 0
            and (member_id in (select value from json_each($1)) or admin_id in (select value from json_each($1)));
    update reset set state = 'cancelled', failure = 'member_gone', finished_at = $2,
            destination = null, copy_to_self = null, copy_address = null
        where state = 'offered' and expires_at > 0
            and (member_id in (select value from json_each($1)) or admin_id in (select value from json_each($1)));
    update reset set finished_at = $2, destination = null, copy_to_self = null, copy_address = null
        where state = 'undelivered' and finished_at is null and member_id in (select value from json_each($1))";

/// Ends the sessions of the members in `$1` at `$2`; their passwords stay.
const END_SESSIONS: &str = "update session set ended_at = $2, code_digest = null
    where ended_at is null and member_id in (select value from json_each($1))";

/// The first reset that is at work on one of the members in `$1`, unless its process is taken for dead at `$2`.
const AT_WORK: &str = "select admin_name, state, member_name from reset
    where state in ('claimed', 'changing', 'changed', 'delivering')
        and member_id in (select value from json_each($1)) and deadline_at > $2 limit 1";

/// Lifts the lock that came from failed sign-ins of the member `$1`.
const UNLOCK: &str =
    "update member set locked_at = null, locked_by = null, failed_sign_ins = 0, wrong_codes = 0
    where member_id = $1";

/// Why an operator's command about a member did nothing. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    /// No member has this address.
    #[error("no member has this business e-mail")]
    NoSuchMember,
    /// A reset is at work on the member.
    #[error("{} is resetting {member_name} right now", under_way.admin_name)]
    UnderWay {
        /// Whose password is being reset.
        member_name: String,
        /// By whom, and how far it is.
        under_way: ResetUnderWay,
    },
    /// The account is not locked.
    #[error("the account is not locked")]
    NotLocked,
    /// The member said that they did not ask for their last reset: somebody else may know the password.
    #[error("the member has disowned their last reset")]
    Disowned,
    /// The record cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A transaction of an operator's command.
pub(super) type Tx = Transaction<'static, Sqlite>;

impl Store {
    /// Removes a member with everything that is theirs; the audit and the resets of the past keep their id. The name of
    /// whoever was removed.
    pub async fn remove_member(&self, email: &EmailAddress) -> Result<String, NotDone> {
        let now = self.clock.now();
        let mut tx = self.begin().await?;
        let (member, name) = find(&mut tx, email).await?;
        let ids = vec![member.clone()];
        wipe(&mut tx, &ids, now).await?;
        delete(&mut tx, &ids).await?;
        note(
            &mut tx,
            &[AuditRow::of_member("remove", "done", &member, now)],
        )
        .await?;
        tx.commit().await.map_err(failed)?;
        Ok(name)
    }

    /// Lifts the lock that came from failed sign-ins. One that the member asked for ("this wasn't me") stays until another
    /// password is set, because somebody else may know this one.
    pub async fn unlock(&self, email: &EmailAddress) -> Result<(), NotDone> {
        let now = self.clock.now();
        let mut tx = self.begin().await?;
        let (member, _) = find(&mut tx, email).await?;
        let sql = "select locked_at is not null or failed_sign_ins > 0, exists (
                select 1 from reset where reset.member_id = member.member_id and changing_at is not null
                    and disowned_at >= coalesce(member.credential_set_at, 0))
            from member where member_id = $1";
        let row = sqlx::query(sql)
            .bind(&member.0)
            .fetch_one(&mut *tx)
            .await
            .map_err(failed)?;
        let is_locked: bool = row.try_get(0).map_err(failed)?;
        let is_disowned: bool = row.try_get(1).map_err(failed)?;
        let refused = match (is_disowned, is_locked) {
            (true, _) => Some(NotDone::Disowned),
            (false, false) => Some(NotDone::NotLocked),
            (false, true) => None,
        };
        let outcome = match &refused {
            Some(NotDone::Disowned) => "disowned",
            Some(_) => "not_locked",
            None => "done",
        };
        if refused.is_none() {
            sqlx::query(UNLOCK)
                .bind(&member.0)
                .execute(&mut *tx)
                .await
                .map_err(failed)?;
        }
        note(
            &mut tx,
            &[AuditRow::of_member("unlock", outcome, &member, now)],
        )
        .await?;
        tx.commit().await.map_err(failed)?;
        refused.map_or(Ok(()), Err)
    }

    /// Begins a transaction that nobody else's write can come between.
    pub(super) async fn begin(&self) -> Result<Tx, StoreError> {
        self.pool
            .begin_with("begin immediate")
            .await
            .map_err(|error| {
                failed(error);
                StoreError::NotBegun
            })
    }
}

async fn find(tx: &mut Tx, email: &EmailAddress) -> Result<(MemberId, String), NotDone> {
    let sql = "select member_id, name from member where business_email_key = $1";
    let row = sqlx::query(sql)
        .bind(email.key())
        .fetch_optional(&mut **tx)
        .await
        .map_err(failed)?;
    let row = row.ok_or(NotDone::NoSuchMember)?;
    Ok((
        MemberId(row.try_get(0).map_err(failed)?),
        row.try_get(1).map_err(failed)?,
    ))
}

/// Takes everything from these members, unless a reset is at work on one of them: what it delivers must stay alive.
pub(super) async fn wipe(tx: &mut Tx, members: &[MemberId], now: Moment) -> Result<(), NotDone> {
    let members = json(&members).map_err(failed)?;
    let at_work = sqlx::query(AT_WORK)
        .bind(&members)
        .bind((now - GIVEN_UP_AFTER).0);
    if let Some(row) = at_work.fetch_optional(&mut **tx).await.map_err(failed)? {
        let text = |at: usize| row.try_get::<String, _>(at).map_err(failed);
        let state = text(1)?.parse().map_err(|_| StoreError::Unavailable)?;
        let under_way = ResetUnderWay {
            admin_name: text(0)?,
            state,
        };
        return Err(NotDone::UnderWay {
            member_name: text(2)?,
            under_way,
        });
    }
    run(tx, WIPE, members, now).await.map_err(NotDone::from)
}

/// Takes the rows of these members away.
pub(super) async fn delete(tx: &mut Tx, members: &[MemberId]) -> Result<(), StoreError> {
    let sql = "delete from member where member_id in (select value from json_each($1))";
    let members = json(&members).map_err(failed)?;
    sqlx::query(sql)
        .bind(members)
        .execute(&mut **tx)
        .await
        .map(drop)
        .map_err(failed)
}

/// Ends the sessions of these members.
pub(super) async fn end_sessions(
    tx: &mut Tx,
    members: &[MemberId],
    now: Moment,
) -> Result<(), StoreError> {
    run(tx, END_SESSIONS, json(&members).map_err(failed)?, now).await
}

/// Adds lines to the audit.
pub(super) async fn note(tx: &mut Tx, lines: &[AuditRow]) -> Result<(), StoreError> {
    let sql = AssertSqlSafe(AuditRow::insert_many("$1"));
    let lines = json(&lines).map_err(failed)?;
    sqlx::query(sql)
        .bind(lines)
        .execute(&mut **tx)
        .await
        .map(drop)
        .map_err(failed)
}

async fn run(
    tx: &mut Tx,
    sql: &'static str,
    members: String,
    now: Moment,
) -> Result<(), StoreError> {
    sqlx::query(sql)
        .bind(members)
        .bind(now.0)
        .execute(&mut **tx)
        .await
        .map(drop)
        .map_err(failed)
}
