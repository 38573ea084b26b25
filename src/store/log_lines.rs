//! Lines of the audit that people are shown: tries that were refused, and contacts that were added.

use super::engine::{Connection, Table, params, sql, table};
use super::{Store, StoreError};
use crate::domain::{LogLine, MemberId, Moment, Platform};

/// The most that [`Store::log_line_page`] gives at once.
const PAGE: u32 = 1000;

table! {
    /// The part of a line of the audit that is shown.
    pub struct LogLineRow in "audit" {
        key {
            /// Lines are numbered in the order in which they were written.
            seq: i64,
        }
        fixed {
            /// When it was written.
            noted_at: Moment,
            /// What was tried: a command, or a button.
            event: String,
            /// The code of the refusal; what became of a contact.
            outcome: String,
            /// The short name told in the message.
            reference: Option<String>,
            /// The chat; none on the command line and on the member's pages.
            platform: Option<Platform>,
            /// The chat account that tried it.
            chat_user: Option<String>,
            /// Whoever tried it, or added the contact; none where nobody knows which person the chat account is.
            admin_name: Option<String>,
            /// Theirs at that time.
            admin_email: Option<String>,
            /// Whom it was about; none where nobody was found.
            member_name: Option<String>,
            /// Theirs at that time.
            member_email: Option<String>,
            /// The masked contact, or the way of delivery.
            detail: Option<String>,
            /// The reason that was given for the reset.
            reason: Option<String>,
            /// Why the line is shown.
            log_line: LogLine,
        }
        changing {}
    }
}

pub(super) const NEWEST: &str = sql!(
    "select ",
    LogLineRow::COLUMNS,
    "
    from audit
    where log_line = $1
    order by seq desc
    limit $2"
);

pub(super) const OF_ADMIN: &str = sql!(
    "select ",
    LogLineRow::COLUMNS,
    "
    from audit
    where log_line = $1
        and admin_id = $2
        and ($3 is null or member_id = $3)
    order by seq desc
    limit $4"
);

pub(super) const OF_MEMBER: &str = sql!(
    "select ",
    LogLineRow::COLUMNS,
    "
    from audit
    where log_line = $1
        and member_id = $2
    order by seq desc
    limit $3"
);

/// For the command line, page by page.
const FILTERED: &str = sql!(
    "select ",
    LogLineRow::COLUMNS,
    "
    from audit
    where log_line is not null
        and ($1 is null or lower(admin_email) = $1)
        and ($2 is null or lower(member_email) = $2 or member_id = $3)
        and noted_at >= $4
        and seq < $5
    order by seq desc
    limit $6"
);

/// Whose lines are shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct WhoseLines {
    /// By this administrator; of everybody where there is none.
    pub admin: Option<MemberId>,
    /// About this member.
    pub member: Option<MemberId>,
}

/// Which lines the command line lists.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogLineFilter {
    /// Business e-mails in lower case.
    pub admin_email: Option<String>,
    pub member_email: Option<String>,
    /// The member who has that address now, whatever it was then.
    pub member: Option<MemberId>,
    pub since: Option<Moment>,
    /// Continue before this line.
    pub before: Option<i64>,
}

impl Store {
    /// The newest lines of one kind, the newest first.
    pub(crate) async fn log_lines(
        &self,
        kind: LogLine,
        whose: &WhoseLines,
        limit: u32,
    ) -> Result<Vec<LogLineRow>, StoreError> {
        let mut connection = self.slow_reader().await?;
        of(&mut connection, kind, whose, limit).await
    }

    /// Lines of both kinds for the command line, the newest first.
    pub(crate) async fn log_line_page(
        &self,
        filter: &LogLineFilter,
    ) -> Result<Vec<LogLineRow>, StoreError> {
        let values = params![
            filter.admin_email,
            filter.member_email,
            filter.member,
            filter.since.unwrap_or(Moment(0)),
            filter.before.unwrap_or(i64::MAX),
            PAGE
        ];
        self.slow_reader().await?.all(FILTERED, values).await
    }
}

async fn of(
    connection: &mut Connection,
    kind: LogLine,
    whose: &WhoseLines,
    limit: u32,
) -> Result<Vec<LogLineRow>, StoreError> {
    match (&whose.admin, &whose.member) {
        (Some(admin), member) => {
            connection
                .all(OF_ADMIN, params![kind, admin, member, limit])
                .await
        }
        (None, Some(member)) => {
            connection
                .all(OF_MEMBER, params![kind, member, limit])
                .await
        }
        (None, None) => connection.all(NEWEST, params![kind, limit]).await,
    }
}

#[cfg(test)]
mod tests {
    use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
    use sqlx::{AssertSqlSafe, ConnectOptions, Executor};

    use super::*;
    use crate::store::engine::Tx;

    /// Refusals and contacts from before are listed with the names that the record still has; what succeeded, what was not
    /// understood and what led to a new last look is not.
    #[tokio::test]
    async fn the_upgrade_lists_what_was_refused_before() {
        const ALL: &str = sql!(
            "select ",
            LogLineRow::COLUMNS,
            " from audit where log_line is not null order by seq"
        );
        let mut connection: SqliteConnection = SqliteConnectOptions::new()
            .in_memory(true)
            .connect()
            .await
            .unwrap();
        let before = crate::store::migrations::migrations()
            .into_iter()
            .filter(|one| one.version < 25)
            .collect();
        sqlx::migrate::Migrator::with_migrations(before)
            .run(&mut connection)
            .await
            .unwrap();
        let rows = "insert into member (member_id, name, business_email, business_email_key, login_method, status, role)
                values ('kim', 'Kim Cho', 'kim@acme.example', 'kim@acme.example', 'business_email', 'active', 'member');
            insert into reset (reset_id, platform, tenant, chat_user, admin_id, admin_name, admin_email, member_id,
                member_name, member_email, state, edition, is_typed, also_show, offered_at, expires_at, disowned_at)
                values ('r', 'slack', 'T', 'UJO', 'jo', 'Jo Lim', 'jo@x.example', 'mina', 'Mina Park', 'm@x.example',
                'delivered', 0, 0, 0, 1, 2, 9);
            insert into audit (noted_at, event, outcome, admin_id, member_id, reset_id) values
                (1, 'command', 'offered', 'jo', 'mina', 'r'), (2, 'command', 'unclear', null, null, null),
                (3, 'command', 'outranked', 'kim', 'jo', null), (4, 'confirm', 'stale', 'jo', 'mina', 'r'),
                (5, 'confirm', 'limit', 'jo', 'mina', 'r'), (6, 'click', 'not_yours', null, null, 'r'),
                (7, 'contact', 'added', 'jo', 'kim', null), (8, 'contact', 'removed', null, 'kim', null),
                (9, 'command', 'directory_down', 'kim', null, null), (10, 'click', 'chat_unavailable', 'jo', 'mina', 'r');";
        connection
            .execute(AssertSqlSafe(rows.to_owned()))
            .await
            .unwrap();
        crate::store::migrations::migrate(&mut connection)
            .await
            .unwrap();
        let mut tx = Tx::of_writer(connection);
        let listed: Vec<LogLineRow> = tx.all(ALL, params![]).await.unwrap();
        let told: Vec<_> = listed
            .iter()
            .map(|row| {
                (
                    row.noted_at.0,
                    row.log_line,
                    row.admin_name.as_deref(),
                    row.member_name.as_deref(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                (3, LogLine::Refused, Some("Kim Cho"), None),
                (5, LogLine::Refused, Some("Jo Lim"), Some("Mina Park")),
                (6, LogLine::Refused, None, None),
                (7, LogLine::Contact, None, Some("Kim Cho")),
            ]
        );
        let said: Vec<(String, Moment)> = tx
            .all(
                "select reset_id, said_at from not_me where send_at is null",
                params![],
            )
            .await
            .unwrap();
        assert_eq!(
            said,
            [("r".to_owned(), Moment(9))],
            "no alarm goes out again"
        );
    }
}
