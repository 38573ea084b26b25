//! Members who leave, and accounts that an operator opens: what is wiped with them, and the commands that do it.

use super::engine::{Connection, Table, Tx, WriteError, params, sql};
use super::resets::{self, enter, finish};
use super::{AuditRow, ResetRow, ResetUnderWay, Store, StoreError, audit, members};
use crate::domain::{EmailAddress, MemberId, State};

/// Why a card was closed whose member or administrator has left.
pub(super) const MEMBER_GONE: &str = "member_gone";

/// Take everything from a member that would let somebody act as them, or for them: `$1` is the member. Whatever new table
/// gives a member a right belongs here. History and audit stay.
const WIPE: [&str; 11] = [
    "
    update member
    set credential = null,
        credential_set_at = null,
        temporary_until = null,
        codes_sent = null,
        wrong_sign_in_codes = 0,
        wrong_sign_in_code_at = null,
        wrong_code_noted_at = null,
        code_denied_at = null
    where member_id = $1",
    "
    delete from session
    where member_id = $1",
    "
    delete from device
    where member_id = $1",
    "
    delete from contact
    where member_id = $1",
    "
    delete from contact_check
    where member_id = $1",
    "
    delete from contact_seen
    where member_id = $1",
    "
    delete from code_sign_in
    where member_id = $1",
    "
    delete from not_me_heard
    where reset_id in (
        select use_id
        from code_use
        where member_id = $1
    )",
    "
    delete from not_me
    where reset_id in (
        select use_id
        from code_use
        where member_id = $1
    )",
    "
    delete from code_use
    where member_id = $1",
    "
    delete from link
    where business_email_key in (
        select business_email_key
        from member
        where member_id = $1
    )",
];

/// The open cards of a member, and those that they made as an administrator. `expires_at` picks the index of open cards.
const OPEN_CARDS: &str = sql!(
    "select ",
    ResetRow::COLUMNS,
    "
    from reset
    where state = 'offered'
        and expires_at > 0
        and (member_id = $1 or admin_id = $1)"
);

pub(super) const END_SESSIONS: &str = "
    update session
    set ended_at = $2,
        code_digest = null
    where ended_at is null
        and member_id = $1";

pub(super) const DELETE: &str = "
    delete from member
    where member_id = $1";

pub(super) const LOCK: &str = "
    select
        case when locked_at is not null or failed_sign_ins > 0 then 1 else 0 end,
        case
            when exists (
                select 1
                from reset
                where reset.member_id = member.member_id
                    and changing_at is not null
                    and disowned_at >= coalesce(member.credential_set_at, 0)
            ) then 1
            when exists (
                select 1
                from code_use
                where code_use.member_id = member.member_id
                    and code_use.disowned_at >= coalesce(member.credential_set_at, 0)
                    and code_use.closed_at >= code_use.disowned_at
            ) then 1
            else 0
        end
    from member
    where member_id = $1";

/// Lifts the lock that came from failed sign-ins.
pub(super) const UNLOCK: &str = "
    update member
    set locked_at = null,
        locked_by = null,
        failed_sign_ins = 0,
        wrong_codes = 0,
        wrong_sign_in_codes = 0
    where member_id = $1";

/// Why an operator's command about a member did nothing. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    /// No member has this address.
    #[error("no member has this business e-mail")]
    NoSuchMember,
    /// The member is being reset.
    #[error("{} is resetting {member_name} right now", under_way.admin_name)]
    UnderWay {
        member_name: String,
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

impl WriteError for NotDone {
    fn failure(&self) -> Option<StoreError> {
        match self {
            Self::NoSuchMember | Self::UnderWay { .. } | Self::NotLocked | Self::Disowned => None,
            Self::Store(error) => Some(*error),
        }
    }
}

impl Store {
    /// Removes a member with everything that is theirs; the audit and the resets of the past keep their id. The name of
    /// whoever was removed.
    pub async fn remove_member(&self, email: &EmailAddress) -> Result<String, NotDone> {
        self.write(email.clone(), remove).await
    }

    /// Lifts the lock that came from failed sign-ins. One that the member asked for ("this wasn't me") stays until another
    /// password is set, because somebody else may know this one.
    pub async fn unlock(&self, email: &EmailAddress) -> Result<(), NotDone> {
        self.write(email.clone(), unlock).await
    }
}

async fn remove(tx: &mut Tx, email: &EmailAddress) -> Result<String, NotDone> {
    let (member, name) = find(tx, email).await?;
    check_not_active(tx, &member).await?;
    wipe(tx, &member).await?;
    delete(tx, &member).await?;
    tx.insert(&AuditRow::of_member("remove", "done", &member, tx.now()))
        .await?;
    Ok(name)
}

async fn unlock(tx: &mut Tx, email: &EmailAddress) -> Result<(), NotDone> {
    let (member, _) = find(tx, email).await?;
    let (is_locked, is_disowned): (bool, bool) = tx.one(LOCK, params![member]).await?;
    let (refused, outcome) = match (is_disowned, is_locked) {
        (true, _) => (Some(NotDone::Disowned), "disowned"),
        (false, false) => (Some(NotDone::NotLocked), "not_locked"),
        (false, true) => (None, "done"),
    };
    if refused.is_none() {
        tx.run(UNLOCK, params![member]).await?;
    }
    tx.insert(&AuditRow::of_member("unlock", outcome, &member, tx.now()))
        .await?;
    refused.map_or(Ok(()), Err)
}

async fn find(
    connection: &mut Connection,
    email: &EmailAddress,
) -> Result<(MemberId, String), NotDone> {
    let found = members::by_email(connection, &email.key()).await?;
    let member = found.ok_or(NotDone::NoSuchMember)?;
    Ok((member.member_id, member.name))
}

/// Refuses where the member is being reset: the password that is delivered must keep working.
pub(super) async fn check_not_active(
    connection: &mut Connection,
    member: &MemberId,
) -> Result<(), NotDone> {
    let Some(row) = resets::active(connection, member).await? else {
        return Ok(());
    };
    Err(NotDone::UnderWay {
        member_name: row.member_name,
        under_way: ResetUnderWay {
            admin_name: row.admin_name,
            state: row.state,
        },
    })
}

/// Deletes everything of a member who is not being reset.
pub(super) async fn wipe(tx: &mut Tx, member: &MemberId) -> Result<(), StoreError> {
    for statement in WIPE {
        tx.run(statement, params![member]).await?;
    }
    let open: Vec<ResetRow> = tx.all(OPEN_CARDS, params![member]).await?;
    for mut row in open {
        enter(&mut row, State::Cancelled, tx.now());
        row.failure = Some(MEMBER_GONE.to_owned());
        audit::note(tx, &row, "card", MEMBER_GONE).await?;
        tx.put(&row).await?;
    }
    for mut row in resets::waiting(tx, member).await? {
        finish(&mut row, tx.now());
        audit::note(tx, &row, "card", MEMBER_GONE).await?;
        tx.put(&row).await?;
    }
    Ok(())
}

/// Deletes the row of a member.
pub(super) async fn delete(tx: &mut Tx, member: &MemberId) -> Result<(), StoreError> {
    tx.run(DELETE, params![member]).await.map(drop)
}

/// Ends the sessions of a member; their password stays.
pub(super) async fn end_sessions(tx: &mut Tx, member: &MemberId) -> Result<(), StoreError> {
    let now = tx.now();
    tx.run(END_SESSIONS, params![member, now]).await.map(drop)
}
