//! Browsers that signed in to an account before. Each has a budget of wrong passwords of its own.

use sqlx::{Row, SqliteConnection};

use super::history::failed;
use super::{Store, StoreError};
use crate::domain::MemberId;
use crate::domain::sign_in::{DEVICE_LIFE, DEVICES_AT_ONCE, TRIES_OF_A_DEVICE};

/// A device counts until it is too old, or the member says "this wasn't me" about a reset after it was remembered.
const LIVE: &str = "select failed_tries from device where device_key = $1 and member_id = $2 and expires_at > $3
    and not exists (select 1 from reset where reset.member_id = device.member_id and reset.changing_at is not null
        and reset.disowned_at >= device.began_at)";

/// Only as long as the session that it comes from stands, so that a device cannot outlive the end of all sessions.
const INSERT: &str = "insert into device (device_key, member_id, began_at, expires_at)
    select $1, session.member_id, $3, $4 from session join member using (member_id)
    where session.session_key = $2 and session.ended_at is null
        and (member.signed_out_at is null or session.began_at > member.signed_out_at)";

/// The oldest devices make room, and those that are too old go.
const TRIM: &str =
    "delete from device where member_id = $1 and (expires_at <= $2 or device_key in (
    select device_key from device where member_id = $1 order by began_at desc limit -1 offset $3))";

impl Store {
    /// How many wrong passwords came from a device since it signed in last; none where it is not known for this member.
    pub async fn device_tries(
        &self,
        device_key: &str,
        member: &MemberId,
    ) -> Result<Option<u32>, StoreError> {
        let asked = sqlx::query(LIVE)
            .bind(device_key)
            .bind(&member.0)
            .bind(self.clock.now().0);
        let found = asked.fetch_optional(&self.pool).await.map_err(failed)?;
        found.map(|row| row.try_get(0).map_err(failed)).transpose()
    }

    /// Counts a wrong password of a device; the last one that it may type ends it.
    pub async fn device_failed(
        &self,
        device_key: &str,
        member: &MemberId,
    ) -> Result<(), StoreError> {
        let mut together = self
            .pool
            .begin_with("begin immediate")
            .await
            .map_err(failed)?;
        let connection: &mut SqliteConnection = &mut together;
        let sql = "update device set failed_tries = failed_tries + 1 where device_key = $1 returning failed_tries";
        let counted = sqlx::query(sql)
            .bind(device_key)
            .fetch_optional(&mut *connection)
            .await
            .map_err(failed)?;
        let tries: Option<u32> = counted
            .map(|row| row.try_get(0).map_err(failed))
            .transpose()?;
        if tries == Some(TRIES_OF_A_DEVICE) {
            let sql = "insert into audit (noted_at, event, outcome, member_id) values ($1, 'device', 'ended', $2)";
            let line = sqlx::query(sql).bind(self.clock.now().0).bind(&member.0);
            line.execute(&mut *connection).await.map_err(failed)?;
        }
        together.commit().await.map_err(failed)
    }

    /// Remembers the browser of a session that was opened; `earlier` is the device that this browser was before.
    pub async fn remember_device(
        &self,
        device_key: &str,
        session_key: &str,
        member: &MemberId,
        earlier: Option<&str>,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut together = self
            .pool
            .begin_with("begin immediate")
            .await
            .map_err(failed)?;
        let connection: &mut SqliteConnection = &mut together;
        if let Some(earlier) = earlier {
            let sql = "delete from device where device_key = $1 and member_id = $2";
            sqlx::query(sql)
                .bind(earlier)
                .bind(&member.0)
                .execute(&mut *connection)
                .await
                .map_err(failed)?;
        }
        let insert = sqlx::query(INSERT)
            .bind(device_key)
            .bind(session_key)
            .bind(now.0)
            .bind((now + DEVICE_LIFE).0);
        insert.execute(&mut *connection).await.map_err(failed)?;
        let trim = sqlx::query(TRIM)
            .bind(&member.0)
            .bind(now.0)
            .bind(DEVICES_AT_ONCE);
        trim.execute(&mut *connection).await.map_err(failed)?;
        together.commit().await.map_err(failed)
    }

    /// Forgets every device of a member except the one at hand.
    pub async fn forget_devices(
        &self,
        member: &MemberId,
        except: Option<&str>,
    ) -> Result<(), StoreError> {
        let sql = "delete from device where member_id = $1 and device_key is not $2";
        sqlx::query(sql)
            .bind(&member.0)
            .bind(except)
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(failed)
    }

    /// True for a session that began before the cookie of sessions had the prefix `__Host-`, until its member ends it.
    pub async fn has_old_cookie(&self, session_key: &str) -> Result<bool, StoreError> {
        let sql = "select 1 from session where session_key = $1 and has_old_cookie = 1 and ended_at is null";
        let found = sqlx::query(sql)
            .bind(session_key)
            .fetch_optional(&self.pool)
            .await
            .map_err(failed)?;
        Ok(found.is_some())
    }
}

#[cfg(test)]
mod tests {
    use sqlx::migrate::Migrator;
    use sqlx::sqlite::SqliteConnectOptions;
    use sqlx::{ConnectOptions, Executor};

    use super::*;

    /// Accounts of the version before, which locked after ten wrong passwords, and a session of it.
    const BEFORE: &str = "
        insert into member (member_id, name, business_email, business_email_key, login_method, status, role, locked_at,
                failed_sign_ins) values
            ('free', 'a', 'a@x.example', 'a@x.example', 'business_email', 'active', 'member', null, 9),
            ('guessed', 'b', 'b@x.example', 'b@x.example', 'business_email', 'active', 'member', 100, 34),
            ('codes', 'c', 'c@x.example', 'c@x.example', 'business_email', 'active', 'member', 200, 20),
            ('closed', 'd', 'd@x.example', 'd@x.example', 'business_email', 'active', 'member', 300, 10),
            ('unsure', 'e', 'e@x.example', 'e@x.example', 'business_email', 'active', 'member', 400, 10);
        insert into audit (noted_at, event, outcome, member_id) values
            (100, 'sign_in', 'locked', 'guessed'), (101, 'sign_in', 'wrong_password', 'guessed'),
            (200, 'code', 'locked', 'codes'), (299, 'sign_in', 'locked', 'closed'), (300, 'not_me', 'closed', 'closed');
        insert into reset (reset_id, platform, tenant, chat_user, admin_id, admin_name, admin_email, member_id, member_name,
                member_email, state, edition, is_typed, also_show, offered_at, expires_at, changing_at, disowned_at)
            values ('00000000000000000000000000000001', 'slack', 'T', 'UJO', 'jo', 'Jo', 'jo@x.example', 'closed', 'd',
                'd@x.example', 'delivered', 1, 0, 0, 1, 2, 3, 300);
        insert into session (session_key, member_id, stage, began_at, expires_at, code_tries)
            values ('key', 'free', 'open', 1, 1000, 0);";

    /// Nobody is locked by the upgrade, nobody who closed their account is opened, and no session is left behind.
    #[tokio::test]
    async fn an_account_of_the_version_before_keeps_its_lock() {
        let mut connection = SqliteConnectOptions::new()
            .in_memory(true)
            .connect()
            .await
            .unwrap();
        let older = super::super::migrations()
            .into_iter()
            .filter(|migration| migration.version < 12)
            .collect();
        Migrator::with_migrations(older)
            .run(&mut connection)
            .await
            .unwrap();
        connection.execute(BEFORE).await.unwrap();
        super::super::migrate(&mut connection).await.unwrap();
        let sql = "select member_id || ' ' || coalesce(locked_at, '-') || ' ' || coalesce(locked_by, '-') || ' '
            || failed_sign_ins || ' ' || wrong_codes from member order by business_email";
        let rows = connection.fetch_all(sql).await.unwrap();
        let rows: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        let expected = [
            "free - - 9 9",
            "guessed 100 passwords 34 0",
            "codes 200 codes 20 20",
            "closed 300 member 10 10",
            "unsure 400 codes 10 10",
        ];
        assert_eq!(rows, expected);
        let old = connection
            .fetch_one("select has_old_cookie from session")
            .await
            .unwrap();
        assert_eq!(old.get::<i64, _>(0), 1);
        let insert =
            "insert into session (session_key, member_id, stage, began_at, expires_at, code_tries)
            values ('new', 'free', 'open', 1, 1000, 0)";
        connection.execute(insert).await.unwrap();
        let new = connection
            .fetch_one("select has_old_cookie from session where session_key = 'new'")
            .await
            .unwrap();
        assert_eq!(new.get::<i64, _>(0), 0);
    }

    /// What is read and written for a device, it is found by an index.
    #[tokio::test]
    async fn a_device_is_found_by_an_index() {
        let mut connection = SqliteConnectOptions::new()
            .in_memory(true)
            .connect()
            .await
            .unwrap();
        super::super::migrate(&mut connection).await.unwrap();
        for statement in [LIVE, INSERT, TRIM] {
            let plan = sqlx::AssertSqlSafe(format!("explain query plan {statement}"));
            let lines: Vec<String> = sqlx::query(plan)
                .fetch_all(&mut connection)
                .await
                .unwrap()
                .iter()
                .map(|row| row.get("detail"))
                .collect();
            assert!(
                !lines.iter().any(|line| line.starts_with("SCAN")),
                "{lines:#?}"
            );
        }
    }
}
