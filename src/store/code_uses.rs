//! Codes that took the place of a password: who is told of one, and what "this wasn't me" does about it.

use super::engine::{Table, Tx, params, sql, table};
use super::{AccountRow, AuditRow, Store, StoreError, accounts, devices};
use crate::domain::code_alone::CodeUse;
use crate::domain::sign_in::LockedBy;
use crate::domain::{CodeUseId, MemberId, Moment, Span};

/// How long whoever noted a code has to tell of it, before the sweep does.
const TELL_GRACE: Span = Span::minutes(3);

/// How many the sweep takes at once.
const TOLD_AT_ONCE: u32 = 64;

table! {
    /// One code that took the place of a password.
    pub(crate) struct CodeUseRow in "code_use" {
        key {
            use_id: CodeUseId,
        }
        fixed {
            member_id: MemberId,
            used_at: Moment,
            kind: CodeUse,
        }
        changing {
            /// When the contacts are told, or told again; none once they were.
            tell_at: Option<Moment>,
            /// When the member said that it was not them.
            disowned_at: Option<Moment>,
        }
    }
}

impl CodeUseRow {
    /// One that the contacts are to be told of.
    pub(super) fn new(use_id: CodeUseId, member: &MemberId, kind: CodeUse, now: Moment) -> Self {
        Self {
            use_id,
            member_id: member.clone(),
            used_at: now,
            kind,
            tell_at: Some(now + TELL_GRACE),
            disowned_at: None,
        }
    }
}

pub(super) const BY_ID: &str = sql!(
    "select ",
    CodeUseRow::COLUMNS,
    "
    from code_use
    where use_id = $1"
);

pub(super) const TO_TELL: &str = sql!(
    "select ",
    CodeUseRow::COLUMNS,
    "
    from code_use
    where tell_at <= $1
    order by tell_at
    limit $2"
);

/// A later reset of the member that changed the password, or may have.
pub(super) const RESET_SINCE: &str = "
    select 1
    from reset
    where member_id = $1
        and changing_at > $2
        and state <> 'refused'
    limit 1";

/// What became of "this wasn't me" about a code.
#[derive(Clone, Debug)]
pub(crate) enum CodeDisowned {
    /// The account is closed now.
    Now(CodeUseRow),
    /// The same, since then.
    Before(Moment),
    /// An administrator has reset the password since; nothing was changed.
    Outdated,
}

impl Store {
    pub(crate) async fn code_use(&self, id: CodeUseId) -> Result<Option<CodeUseRow>, StoreError> {
        self.reader().await?.maybe(BY_ID, params![id]).await
    }

    /// Those whose contacts are to be told now.
    pub(crate) async fn code_uses_to_tell(&self) -> Result<Vec<CodeUseRow>, StoreError> {
        let mut connection = self.reader().await?;
        let now = connection.now();
        connection.all(TO_TELL, params![now, TOLD_AT_ONCE]).await
    }

    /// Notes when the contacts are told again; none where that was the last time.
    pub(crate) async fn set_code_use_told(
        &self,
        id: CodeUseId,
        tell_at: Option<Moment>,
    ) -> Result<(), StoreError> {
        self.write((id, tell_at), set_told).await
    }

    /// "This wasn't me": the password is dead, every session ends, and no browser is known any more.
    pub(crate) async fn disown_code_use(&self, id: CodeUseId) -> Result<CodeDisowned, StoreError> {
        self.write(id, disown).await
    }
}

async fn set_told(
    tx: &mut Tx,
    (id, tell_at): &(CodeUseId, Option<Moment>),
) -> Result<(), StoreError> {
    let found: Option<CodeUseRow> = tx.maybe(BY_ID, params![id]).await?;
    let Some(row) = found else { return Ok(()) };
    let told = CodeUseRow {
        tell_at: *tell_at,
        ..row
    };
    tx.put(&told).await
}

async fn disown(tx: &mut Tx, id: &CodeUseId) -> Result<CodeDisowned, StoreError> {
    let found: Option<CodeUseRow> = tx.maybe(BY_ID, params![id]).await?;
    let Some(mut row) = found else {
        return Ok(CodeDisowned::Outdated);
    };
    let member = row.member_id.clone();
    let since: Option<(i64,)> = tx.maybe(RESET_SINCE, params![member, row.used_at]).await?;
    let account = accounts::find(tx, &member).await?;
    let (None, Some(account)) = (since, account) else {
        return Ok(CodeDisowned::Outdated);
    };
    if let Some(disowned_at) = row.disowned_at {
        // An operator may have set a password since, which opened the account again.
        let has_newer_password = account.credential_set_at.is_some_and(|at| at > disowned_at);
        return Ok(if has_newer_password {
            CodeDisowned::Outdated
        } else {
            CodeDisowned::Before(disowned_at)
        });
    }
    row.disowned_at = Some(tx.now());
    let locked = AccountRow {
        locked_at: Some(tx.now()),
        locked_by: Some(LockedBy::Member),
        ..account
    };
    accounts::save(tx, &locked).await?;
    accounts::sign_out(tx, &member).await?;
    tx.run(devices::FORGET_OTHERS, params![member, None::<String>])
        .await?;
    let line = AuditRow::of_member("not_me", "closed_after_code", &member, tx.now());
    tx.insert(&line).await?;
    tx.put(&row).await?;
    Ok(CodeDisowned::Now(row))
}
