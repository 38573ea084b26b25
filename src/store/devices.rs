//! Browsers that signed in to an account before. Each has a budget of wrong passwords of its own.

use super::engine::{Tx, params};
use super::{AuditRow, Store, StoreError};
use crate::domain::sign_in::{DEVICE_LIFE, DEVICES_AT_ONCE, TRIES_OF_A_DEVICE};
use crate::domain::{MemberId, Moment};

/// A device counts until it is too old, or the member says "this wasn't me" about a reset after it was remembered.
pub(super) const TRIES: &str = "
    select failed_tries
    from device
    where device_key = $1
        and member_id = $2
        and expires_at > $3
        and not exists (
            select 1
            from reset
            where reset.member_id = device.member_id
                and reset.changing_at is not null
                and reset.disowned_at >= device.began_at
        )";

/// Only while the session that it comes from lives, so that a device cannot outlive a sign-out.
pub(super) const REMEMBER: &str = "
    insert into device (
        device_key,
        member_id,
        began_at,
        expires_at
    )
    select $1, session.member_id, $3, $4
    from session
    join member on member.member_id = session.member_id
    where session.session_key = $2
        and session.ended_at is null
        and (member.signed_out_at is null or session.began_at > member.signed_out_at)";

pub(super) const COUNT_FAILED: &str = "
    update device
    set failed_tries = failed_tries + 1
    where device_key = $1
    returning failed_tries";

pub(super) const OF_MEMBER: &str = "
    select
        device_key,
        expires_at
    from device
    where member_id = $1
    order by began_at desc";

pub(super) const FORGET: &str = "
    delete from device
    where device_key = $1
        and member_id = $2";

pub(super) const FORGET_OTHERS: &str = "
    delete from device
    where member_id = $1
        and device_key is distinct from $2";

/// True for one that began before the cookie of sessions had the prefix `__Host-`.
pub(super) const HAS_OLD_COOKIE: &str = "
    select 1
    from session
    where session_key = $1
        and has_old_cookie = 1
        and ended_at is null";

impl Store {
    /// How many wrong passwords came from a device since it signed in last; none where it is not known for this member.
    pub async fn device_tries(
        &self,
        device_key: &str,
        member: &MemberId,
    ) -> Result<Option<u32>, StoreError> {
        let mut session = self.reader().await?;
        let now = session.now();
        let found: Option<(u32,)> = session
            .maybe(TRIES, params![device_key, member, now])
            .await?;
        Ok(found.map(|(tries,)| tries))
    }

    /// Counts a wrong password of a device; the last one that it may type ends it.
    pub async fn device_failed(
        &self,
        device_key: &str,
        member: &MemberId,
    ) -> Result<(), StoreError> {
        self.write((device_key.to_owned(), member.clone()), device_failed)
            .await
    }

    /// Remembers the browser of a session that was opened; `earlier` is the device that this browser was before.
    pub async fn remember_device(
        &self,
        device_key: &str,
        session_key: &str,
        member: &MemberId,
        earlier: Option<&str>,
    ) -> Result<(), StoreError> {
        let device = Remembered {
            device_key: device_key.to_owned(),
            session_key: session_key.to_owned(),
            member: member.clone(),
            earlier: earlier.map(str::to_owned),
        };
        self.write(device, remember).await
    }

    /// Forgets every device of a member but `except`.
    pub async fn forget_devices(
        &self,
        member: &MemberId,
        except: Option<&str>,
    ) -> Result<(), StoreError> {
        self.write(
            (member.clone(), except.map(str::to_owned)),
            async |tx: &mut Tx, (member, except): &(MemberId, Option<String>)| {
                tx.run(FORGET_OTHERS, params![member, except])
                    .await
                    .map(drop)
            },
        )
        .await
    }

    /// True for a session that began before the cookie of sessions had the prefix `__Host-`, until its member ends it.
    pub async fn has_old_cookie(&self, session_key: &str) -> Result<bool, StoreError> {
        let mut session = self.reader().await?;
        let found: Option<(i64,)> = session.maybe(HAS_OLD_COOKIE, params![session_key]).await?;
        Ok(found.is_some())
    }
}

async fn device_failed(
    tx: &mut Tx,
    (device_key, member): &(String, MemberId),
) -> Result<(), StoreError> {
    count_failed(tx, device_key, member).await
}

/// A wrong password or code; the last one that the device may type ends it.
pub(super) async fn count_failed(
    tx: &mut Tx,
    device_key: &str,
    member: &MemberId,
) -> Result<(), StoreError> {
    let tries: Option<(u32,)> = tx.maybe(COUNT_FAILED, params![device_key]).await?;
    if tries == Some((TRIES_OF_A_DEVICE,)) {
        let line = AuditRow::of_member("device", "ended", member, tx.now());
        tx.insert(&line).await?;
    }
    Ok(())
}

struct Remembered {
    device_key: String,
    session_key: String,
    member: MemberId,
    earlier: Option<String>,
}

async fn remember(tx: &mut Tx, device: &Remembered) -> Result<(), StoreError> {
    let Remembered {
        device_key,
        session_key,
        member,
        earlier,
    } = device;
    if let Some(earlier) = earlier {
        tx.run(FORGET, params![earlier, member]).await?;
    }
    let now = tx.now();
    let values = params![device_key, session_key, now, now + DEVICE_LIFE];
    tx.run(REMEMBER, values).await?;
    forget_oldest(tx, member).await
}

/// The oldest devices make room, and those that are too old go.
async fn forget_oldest(tx: &mut Tx, member: &MemberId) -> Result<(), StoreError> {
    let now = tx.now();
    let devices: Vec<(String, Moment)> = tx.all(OF_MEMBER, params![member]).await?;
    for ((device_key, expires_at), newer) in devices.iter().zip(0..) {
        if *expires_at <= now || newer >= DEVICES_AT_ONCE {
            tx.run(FORGET, params![device_key, member]).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use sqlx::migrate::Migrator;
    use sqlx::sqlite::SqliteConnectOptions;
    use sqlx::{ConnectOptions, Executor, Row};

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
        let older = crate::store::migrations::migrations()
            .into_iter()
            .filter(|migration| migration.version < 12)
            .collect();
        Migrator::with_migrations(older)
            .run(&mut connection)
            .await
            .unwrap();
        connection.execute(BEFORE).await.unwrap();
        crate::store::migrations::migrate(&mut connection)
            .await
            .unwrap();
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
}
