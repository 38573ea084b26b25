//! The migrations of the database. Each is final once it was released, its comments too, because the checksum
//! covers them: a change is a new one.

use std::borrow::Cow;
use std::collections::HashMap;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::SqliteConnection;
use sqlx::{Row, SqlSafeStr};

use super::open_error::OpenError;

/// Version, name and text of each file in `migrations/sqlite`, as the build script lists them.
const FILES: &[(i64, &str, &str)] = &include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

/// All migrations, in order. To add one: a file.
pub(super) fn migrations() -> Vec<Migration> {
    FILES
        .iter()
        .map(|(version, name, sql)| {
            let name = Cow::Borrowed(*name);
            Migration::new(
                *version,
                name,
                MigrationType::Simple,
                sql.into_sql_str(),
                false,
            )
        })
        .collect()
}

/// True where a migration is still to be made. A record of another program, or of a newer one, is an error before anything
/// is made.
pub(super) async fn is_outdated(connection: &mut SqliteConnection) -> Result<bool, OpenError> {
    let made = sqlx::query(
        "select 1 from sqlite_schema where type = 'table' and name = '_sqlx_migrations'",
    );
    if made.fetch_optional(&mut *connection).await?.is_none() {
        return Ok(true);
    }
    let rows = sqlx::query("select version, checksum from _sqlx_migrations where success")
        .fetch_all(connection)
        .await?;
    let mut made: HashMap<i64, Vec<u8>> = HashMap::new();
    for row in rows {
        made.insert(row.try_get(0)?, row.try_get(1)?);
    }
    let mut is_outdated = false;
    for migration in migrations() {
        // Numbers are not handed out in the order of releases, so one below the newest can be missing.
        match made.remove(&migration.version) {
            None => is_outdated = true,
            Some(checksum) if checksum == *migration.checksum => {}
            Some(_) => {
                let other = MigrateError::VersionMismatch(migration.version);
                return Err(OpenError::Migration(other));
            }
        }
    }
    if made.is_empty() {
        Ok(is_outdated)
    } else {
        Err(OpenError::Newer)
    }
}

/// Applies those that are missing.
pub(super) async fn migrate(connection: &mut SqliteConnection) -> Result<(), OpenError> {
    Migrator::with_migrations(migrations())
        .run(connection)
        .await
        .map_err(|error| {
            if matches!(error, MigrateError::VersionMissing(_)) {
                OpenError::Newer
            } else {
                OpenError::Migration(error)
            }
        })
}

#[cfg(test)]
mod tests {
    use sqlx::sqlite::SqliteConnectOptions;
    use sqlx::{ConnectOptions, Executor};

    use super::*;
    use crate::domain::{Carries, State};
    use crate::store::ResetRow;
    use crate::store::engine::{Table, Tx, sql};

    /// A migration that a released program has made is never another one: the record would no longer open. A new one gets
    /// a line.
    #[test]
    fn no_released_migration_is_altered() {
        let sums: Vec<String> = migrations()
            .iter()
            .map(|migration| {
                let sum = hex::encode(&*migration.checksum);
                format!("{:04} {sum}", migration.version)
            })
            .collect();
        let known: Vec<&str> = include_str!("../../migrations/checksums.txt")
            .lines()
            .collect();
        assert_eq!(sums, known);
    }

    /// What was made by another program is told before anything is made.
    #[tokio::test]
    async fn an_altered_migration_is_refused_before_any_is_made() {
        let mut connection = SqliteConnectOptions::new()
            .in_memory(true)
            .connect()
            .await
            .unwrap();
        let older = migrations().into_iter().take(3).collect();
        Migrator::with_migrations(older)
            .run(&mut connection)
            .await
            .unwrap();
        sqlx::query("update _sqlx_migrations set checksum = x'00' where version = 2")
            .execute(&mut connection)
            .await
            .unwrap();
        let refused = is_outdated(&mut connection).await;
        assert!(matches!(
            refused,
            Err(OpenError::Migration(MigrateError::VersionMismatch(2)))
        ));
        sqlx::query("update _sqlx_migrations set version = 9999 where version = 2")
            .execute(&mut connection)
            .await
            .unwrap();
        let refused = is_outdated(&mut connection).await;
        assert!(matches!(refused, Err(OpenError::Newer)));
    }

    /// A migration whose number lies below one that was applied before it.
    #[tokio::test]
    async fn a_record_that_lacks_any_migration_is_outdated() {
        for missing in migrations() {
            let mut connection = SqliteConnectOptions::new()
                .in_memory(true)
                .connect()
                .await
                .unwrap();
            migrate(&mut connection).await.unwrap();
            assert!(!is_outdated(&mut connection).await.unwrap());
            sqlx::query("delete from _sqlx_migrations where version = $1")
                .bind(missing.version)
                .execute(&mut connection)
                .await
                .unwrap();
            let version = missing.version;
            assert!(is_outdated(&mut connection).await.unwrap(), "{version}");
        }
    }

    /// A record of any age, with rows of its time in it, is brought up to date and loses none of them but the steps of a
    /// reset that is gone.
    #[tokio::test]
    async fn every_older_record_is_brought_up_to_date_with_its_rows() {
        const ROWS: &str = "
            insert into member (member_id, name, business_email, business_email_key, login_method, status, role)
                values ('m', 'Mina Park', 'mina@acme.example', 'mina@acme.example', 'business_email', 'active', 'member');
            insert into link values ('slack', 'UMINA', 'mina@acme.example', 1);
            insert into reset (reset_id, platform, tenant, chat_user, admin_id, admin_name, admin_email, member_id,
                    member_name, member_email, state, edition, is_typed, also_show, offered_at, expires_at, claimed_at,
                    changing_at, changed_at, finished_at)
                values ('00000000000000000000000000000001', 'slack', 'T', 'UJO', 'a', 'Jo Lim', 'jo@acme.example', 'm',
                    'Mina Park', 'mina@acme.example', 'delivered', 1, 0, 0, 1, 2, 3, 4, 5, 6);
            insert into step values ('00000000000000000000000000000001', 'change', 'done', null, 5),
                ('00000000000000000000000000000002', 'notice', 'done', null, 5);
            insert into slot values ('a', 3, '00000000000000000000000000000001', null);
            insert into replay_key values ('0000000001-x', 1);
            insert into audit (noted_at, event, outcome) values (1, 'command', 'offered');";
        const CONTACT: &str =
            "insert into contact (member_id, channel, address, added_by, added_at)
            values ('m', 'email', 'mina@mail.example', 'a', 1)";
        // How many migrations come up to the one that deletes the steps of resets that are gone.
        const ORPHANS_GO: usize = 17;
        for age in 1..migrations().len() {
            let mut connection = SqliteConnectOptions::new()
                .in_memory(true)
                .connect()
                .await
                .unwrap();
            let older = migrations().into_iter().take(age).collect();
            Migrator::with_migrations(older)
                .run(&mut connection)
                .await
                .unwrap();
            connection.execute(ROWS).await.unwrap();
            if age > 1 {
                connection.execute(CONTACT).await.unwrap();
            }
            migrate(&mut connection).await.unwrap();
            for (table, rows) in [
                ("member", 1),
                ("link", 1),
                // One that was written after migration 21 is not looked for any more.
                ("step", if age < ORPHANS_GO { 1 } else { 2 }),
                ("slot", 1),
                ("replay_key", 1),
                ("audit", 1),
                ("contact", i64::from(age > 1)),
            ] {
                let count =
                    sqlx::query(sqlx::AssertSqlSafe(format!("select count(*) from {table}")));
                let found: i64 = count.fetch_one(&mut connection).await.unwrap().get(0);
                assert_eq!(found, rows, "{table} of age {age}");
            }
            let mut tx = Tx::of_writer(connection);
            let reset: ResetRow = tx
                .one(
                    sql!("select ", <ResetRow as Table>::COLUMNS, " from reset"),
                    Vec::new(),
                )
                .await
                .unwrap();
            let mut connection = tx.into_connection().unwrap();
            assert_eq!(
                (reset.state, reset.carries),
                (State::Delivered, Carries::Password)
            );
            let sound: String = sqlx::query("pragma integrity_check")
                .fetch_one(&mut connection)
                .await
                .unwrap()
                .get(0);
            assert_eq!(sound, "ok", "age {age}");
        }
    }
}
