//! Codes that took the place of a password: who is told of one, and what "this wasn't me" does about it.

use super::engine::{Connection, Table, Tx, params, sql, table};
use super::{AccountRow, AuditRow, Store, StoreError, accounts, contacts, devices, not_me};
use crate::domain::code_alone::CodeUse;
use crate::domain::contacts::AddedAs;
use crate::domain::sign_in::LockedBy;
use crate::domain::{CodeUseId, LogLine, MemberId, Moment, Span};

/// The outcome of the audit for a contact that "this wasn't me" takes off.
pub(crate) const REMOVED_BY_NOT_ME: &str = "removed_by_not_me";

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
            /// Where the code had gone, as a keyed digest.
            to_digest: Option<String>,
            /// The fingerprint of the key.
            to_key: String,
        }
        changing {
            /// When the contacts are told, or told again; none once they were.
            tell_at: Option<Moment>,
            /// The keyed digests of those who were, with spaces.
            told: String,
            /// When the member said that it was not them.
            disowned_at: Option<Moment>,
            /// Since when its link closes nothing any more: because it did, or that of another one, or because an operator
            /// has set a password.
            closed_at: Option<Moment>,
        }
    }
}

/// Where a code had gone.
pub(super) struct CodeWentTo {
    /// The keyed digest of the contact.
    pub(super) digest: Option<String>,
    pub(super) key_fingerprint: String,
}

impl CodeUseRow {
    /// One that the contacts are to be told of.
    pub(super) fn new(
        use_id: CodeUseId,
        member: &MemberId,
        (kind, to): (CodeUse, CodeWentTo),
        now: Moment,
    ) -> Self {
        Self {
            use_id,
            member_id: member.clone(),
            used_at: now,
            kind,
            to_digest: to.digest,
            to_key: to.key_fingerprint,
            tell_at: Some(now + TELL_GRACE),
            told: String::new(),
            disowned_at: None,
            closed_at: None,
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

pub(super) const DISOWNED: &str = sql!(
    "select ",
    CodeUseRow::COLUMNS,
    "
    from code_use
    where member_id = $1
        and disowned_at is not null"
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
    Now(Box<DisownedCode>),
    /// A reset or an operator has set another password since. That stays, and so do its sessions; the rest is done.
    Noted(Box<DisownedCode>),
    /// The account is closed, since then.
    Before(Moment),
    /// It was said before, and another password was set; nothing was changed.
    Outdated,
}

/// What the button behind a link about a code would do now.
#[derive(Clone, Copy, Debug)]
pub(crate) enum CodeLink {
    Closes,
    /// All but closing the account, because another password was set since.
    Notes,
    /// Nothing: the account is closed since then.
    Before(Moment),
    /// Nothing: it was said, and another password was set.
    Outdated,
}

/// A code that its member did not use.
#[derive(Clone, Debug)]
pub(crate) struct DisownedCode {
    pub code: CodeUseRow,
    pub member_name: String,
    pub member_email: String,
}

impl DisownedCode {
    /// True if that closed the account: no newer password was set before it was said.
    pub(crate) fn has_closed(&self) -> bool {
        self.code.closed_at >= self.code.disowned_at
    }
}

const NAME: &str = "
    select
        name,
        business_email
    from member
    where member_id = $1";

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

    /// Notes who was told, by their keyed digests, and when the others are told again; none where that was the last time.
    pub(crate) async fn set_code_use_told(
        &self,
        id: CodeUseId,
        told: Vec<String>,
        tell_at: Option<Moment>,
    ) -> Result<(), StoreError> {
        self.write((id, told, tell_at), set_told).await
    }

    /// The codes of a member that they did not use.
    pub(crate) async fn disowned_code_uses(
        &self,
        member: &MemberId,
    ) -> Result<Vec<CodeUseRow>, StoreError> {
        self.reader().await?.all(DISOWNED, params![member]).await
    }

    /// What the button behind its link would do now. Nothing is changed.
    pub(crate) async fn code_link(&self, row: &CodeUseRow) -> Result<CodeLink, StoreError> {
        let found = present(&mut self.reader().await?, row).await?;
        let Some((account, has_newer_password)) = found else {
            return Ok(CodeLink::Outdated);
        };
        Ok(match (row.disowned_at, has_newer_password, row.closed_at) {
            (Some(_), true, _) => CodeLink::Outdated,
            (None, true, _) => CodeLink::Notes,
            (Some(_), false, Some(closed_at)) => {
                CodeLink::Before(account.locked_at.unwrap_or(closed_at))
            }
            // Another link may have closed the account, and this code is still to be noted.
            (None, false, _) | (Some(_), false, None) => CodeLink::Closes,
        })
    }

    /// "This wasn't me": the password is dead, every session ends, no browser is known any more, and the contacts go that
    /// were added on the pages since the code was used. A password that was set since then stays, with its sessions.
    pub(crate) async fn disown_code_use(&self, id: CodeUseId) -> Result<CodeDisowned, StoreError> {
        self.write(id, disown).await
    }
}

async fn set_told(
    tx: &mut Tx,
    (id, told, tell_at): &(CodeUseId, Vec<String>, Option<Moment>),
) -> Result<(), StoreError> {
    let found: Option<CodeUseRow> = tx.maybe(BY_ID, params![id]).await?;
    let Some(row) = found else { return Ok(()) };
    let told = CodeUseRow {
        tell_at: *tell_at,
        told: told.join(" "),
        ..row
    };
    tx.put(&told).await
}

async fn disown(tx: &mut Tx, id: &CodeUseId) -> Result<CodeDisowned, StoreError> {
    let found: Option<CodeUseRow> = tx.maybe(BY_ID, params![id]).await?;
    let Some(mut row) = found else {
        return Ok(CodeDisowned::Outdated);
    };
    let (member, now) = (row.member_id.clone(), tx.now());
    let Some((account, has_newer_password)) = present(tx, &row).await? else {
        return Ok(CodeDisowned::Outdated);
    };
    if row.disowned_at.is_some() && has_newer_password {
        return Ok(CodeDisowned::Outdated);
    }
    if row.disowned_at.is_none() {
        // Its contact gets no code alone either.
        row.disowned_at = Some(now);
        take_back_contacts(tx, &member, row.used_at).await?;
    }
    if let (Some(closed_at), false) = (row.closed_at, has_newer_password) {
        tx.put(&row).await?;
        return Ok(CodeDisowned::Before(account.locked_at.unwrap_or(closed_at)));
    }
    if !has_newer_password {
        row.closed_at = Some(now);
        close(tx, account).await?;
    }
    tx.put(&row).await?;
    tx.run(devices::FORGET_OTHERS, params![member, None::<String>])
        .await?;
    let Some(disowned) = with_name(tx, row).await? else {
        return Ok(CodeDisowned::Outdated);
    };
    not_me::said(tx, id.0, &member).await?;
    let outcome = if has_newer_password {
        "noted_after_code"
    } else {
        "closed_after_code"
    };
    let line = AuditRow {
        member_name: Some(disowned.member_name.clone()),
        member_email: Some(disowned.member_email.clone()),
        ..AuditRow::of_member("not_me", outcome, &member, now)
    };
    tx.insert(&line.in_log(LogLine::NotMe)).await?;
    let disowned = Box::new(disowned);
    Ok(if has_newer_password {
        CodeDisowned::Noted(disowned)
    } else {
        CodeDisowned::Now(disowned)
    })
}

/// The account, and whether a reset or an operator has set another password since; none where the account is gone.
async fn present(
    connection: &mut Connection,
    row: &CodeUseRow,
) -> Result<Option<(AccountRow, bool)>, StoreError> {
    let member = &row.member_id;
    let values = params![member, row.used_at];
    let since: Option<(i64,)> = connection.maybe(RESET_SINCE, values).await?;
    let account = accounts::find(connection, member).await?;
    Ok(account.map(|account| {
        let is_closed = account.lock() == Some(LockedBy::Member);
        let has_newer_password = since.is_some() || (row.closed_at.is_some() && !is_closed);
        (account, has_newer_password)
    }))
}

/// Nothing opens the account any more but a new password.
async fn close(tx: &mut Tx, account: AccountRow) -> Result<(), StoreError> {
    let (member, now) = (account.member_id.clone(), tx.now());
    let locked = AccountRow {
        locked_at: Some(now),
        locked_by: Some(LockedBy::Member),
        ..account
    };
    accounts::save(tx, &locked).await?;
    accounts::sign_out(tx, &member).await?;
    tx.run(accounts::CLOSE_CODES, params![member, now])
        .await
        .map(drop)
}

/// The same with the name of its member; none where they are gone.
pub(super) async fn with_name(
    tx: &mut Tx,
    code: CodeUseRow,
) -> Result<Option<DisownedCode>, StoreError> {
    let found: Option<(String, String)> = tx.maybe(NAME, params![code.member_id]).await?;
    Ok(found.map(|(member_name, member_email)| DisownedCode {
        code,
        member_name,
        member_email,
    }))
}

/// What was added on the pages since then may be somebody else's.
async fn take_back_contacts(
    tx: &mut Tx,
    member: &MemberId,
    since: Moment,
) -> Result<(), StoreError> {
    let found: Option<(String, String)> = tx.maybe(NAME, params![member]).await?;
    let member_name = found.map(|(name, _)| name);
    for row in contacts::of_member(tx, member).await? {
        let is_of_pages = matches!(row.added_as, AddedAs::Proven | AddedAs::Member);
        if !is_of_pages || row.added_at < since {
            continue;
        }
        let line = AuditRow {
            detail: row.added().map(|added| added.to.masked()),
            admin_name: member_name.clone(),
            member_name: member_name.clone(),
            ..AuditRow::of_member("contact", REMOVED_BY_NOT_ME, member, tx.now())
        };
        tx.insert(&line.in_log(LogLine::Contact)).await?;
        contacts::delete_row(tx, &row).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use sqlx::migrate::Migrator;
    use sqlx::sqlite::SqliteConnectOptions;
    use sqlx::{ConnectOptions, Executor, Row, SqliteConnection};

    /// A record of before version 26: imports have left lines of the audit. One contact was seen before the key was noted, one
    /// at the same moment.
    const BEFORE: &str = "
        insert into member (member_id, name, business_email, business_email_key, login_method, status, role) values
            ('mina', 'a', 'a@x.example', 'a@x.example', 'business_email', 'active', 'member'),
            ('kim', 'b', 'b@x.example', 'b@x.example', 'business_email', 'active', 'member');
        insert into audit (noted_at, event, outcome, member_id, detail) values
            (1, 'contact', 'changed_by_import', 'mina', '+82 ··· ··42 → +82 ··· ··00'),
            (2, 'contact', 'changed_by_import', 'mina', '+82 ··· ··00 → none'),
            (3, 'contact', 'changed_by_import', 'mina', 'none → m··@mail.example'),
            (4, 'contact', 'added', 'mina', '+82 ··· ··42'),
            (5, 'contact', 'added', 'kim', 'k··@mail.example');
        insert into key_fingerprint (place, fingerprint, noted_at) values (1, 'key', 10);
        insert into contact_seen (member_id, channel, digest, seen_at) values ('mina', 'sms', 'x', 9), ('mina', 'email', 'y', 10);";

    async fn upgraded() -> SqliteConnection {
        let mut connection = SqliteConnectOptions::new()
            .in_memory(true)
            .connect()
            .await
            .unwrap();
        let older = crate::store::migrations::migrations()
            .into_iter()
            .filter(|migration| migration.version < 26)
            .collect();
        Migrator::with_migrations(older)
            .run(&mut connection)
            .await
            .unwrap();
        connection.execute(BEFORE).await.unwrap();
        crate::store::migrations::migrate(&mut connection)
            .await
            .unwrap();
        connection
    }

    async fn rows(sql: &'static str) -> Vec<String> {
        let rows = upgraded().await.fetch_all(sql).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// What an import changed a short time before the upgrade waits like what one changes after it.
    #[tokio::test]
    async fn the_upgrade_knows_since_when_a_contact_is_on_record() {
        let sql = "select member_id || ' ' || coalesce(phone_since, '-') || ' ' || coalesce(personal_email_since, '-')
            from member order by member_id";
        assert_eq!(rows(sql).await, ["kim - -", "mina 2 3"]);
    }

    /// A digest from before the key was noted may be of another key.
    #[tokio::test]
    async fn the_upgrade_takes_no_older_digest_for_one_of_this_key() {
        let sql = "select channel || ' ' || coalesce(key_fingerprint, '-') from contact_seen order by channel";
        assert_eq!(rows(sql).await, ["email key", "sms -"]);
    }
}
