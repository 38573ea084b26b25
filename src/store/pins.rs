//! Which entry of a directory each listed administrator is: pins, and what is still to be told about them.

use std::collections::HashMap;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, Sqlite, Transaction};

use super::history::failed;
use super::{Store, StoreError};
use crate::domain::written_enum;
use crate::domain::{EmailAddress, MemberId, Moment, Span};

/// The same alarm about one address is told again after so long.
const ALARM_AGAIN: Span = Span::hours(24);

written_enum! {
    /// How an address of the list came to its entry, or to none.
    PinnedBy {
        /// It was looked up for the first time and found exactly one entry.
        First = "first",
        /// The import brought it into the built-in directory.
        Import = "import",
        /// An operator ran `relatch admins accept`.
        Accepted = "accepted",
        /// It found nobody when it was first looked up: whoever appears later needs an operator's word.
        Nobody = "nobody",
        /// It found several entries when it was first looked up.
        Several = "several",
    }
}

/// What is known of one address of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminPin {
    /// The address, in lower case.
    pub email_key: String,
    /// The directory's immutable id and the name of the entry; none where no entry is pinned.
    pub entry: Option<(MemberId, String)>,
    /// How that came.
    pub how: PinnedBy,
    /// When.
    pub noted_at: Moment,
}

/// The pins of some addresses, as they are at this moment.
#[derive(Clone, Debug, Default)]
pub struct Pins(HashMap<String, Option<MemberId>>);

impl Pins {
    pub(super) fn new(rows: impl IntoIterator<Item = (String, Option<MemberId>)>) -> Self {
        Self(rows.into_iter().collect())
    }

    /// The entry that an address is pinned to.
    pub fn of(&self, email: &EmailAddress) -> Option<&MemberId> {
        self.0.get(&email.key())?.as_ref()
    }
}

/// What the security address has not been told yet.
#[derive(Clone, Debug, Default)]
pub struct UntoldPins {
    /// Pins that are new.
    pub pins: Vec<AdminPin>,
    /// Alarms.
    pub alarms: Vec<Alarm>,
}

/// What is wrong with an address of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// The address, in lower case.
    pub email_key: String,
    /// In words.
    pub text: String,
    /// When it was noted.
    pub noted_at: Moment,
}

impl UntoldPins {
    /// True where nothing is to be told.
    pub fn is_empty(&self) -> bool {
        self.pins.is_empty() && self.alarms.is_empty()
    }
}

/// So many alarms about one address are noted in that time: whoever lets it wander from entry to entry fills no mailbox.
const ALARMS: i64 = 3;

/// Finds the address where an alarm is news: about other entries than before, or told long ago.
macro_rules! news {
    () => {
        "where email_key = $1 and (alarm_about is null or alarm_about <> $2 or alarmed_at <= $3)
            and (alarm_since is null or alarm_since <= $3 or alarm_count < $4)"
    };
}

const INSERT: &str = "insert into admin_pin (email_key, member_id, member_name, how, noted_at)
    values ($1, $2, $3, $4, $5) on conflict (email_key) do nothing";

const REPLACE: &str = "insert into admin_pin (email_key, member_id, member_name, how, noted_at)
    values ($1, $2, $3, $4, $5)
    on conflict (email_key) do update set
        member_id = excluded.member_id, member_name = excluded.member_name, how = excluded.how,
        noted_at = excluded.noted_at, told_at = null, alarm = null, alarmed_at = null, alarm_told_at = null,
        alarm_about = null, alarm_count = 0, alarm_since = null";

/// The import is an operator's word for whoever it brings, where the address found nobody before.
const INSERT_OR_FIND: &str =
    "insert into admin_pin (email_key, member_id, member_name, how, noted_at)
    values ($1, $2, $3, $4, $5)
    on conflict (email_key) do update set
        member_id = excluded.member_id, member_name = excluded.member_name, how = excluded.how,
        noted_at = excluded.noted_at, told_at = null
    where admin_pin.how = 'nobody' and admin_pin.member_id is null";

const AUDIT: &str =
    "insert into audit (noted_at, event, outcome, member_id, detail) values ($1, $2, $3, $4, $5)";

impl Store {
    /// Every address that was ever pinned or looked up for it.
    pub async fn admin_pins(&self) -> Result<Vec<AdminPin>, StoreError> {
        let sql = "select email_key, member_id, member_name, how, noted_at from admin_pin order by email_key";
        let found = sqlx::query(sql)
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
        found.iter().map(|row| read(row).map_err(failed)).collect()
    }

    /// Pins addresses that were never looked up before; of those that were, nothing is changed. Gives those that are new.
    pub async fn pin_first(&self, pins: Vec<AdminPin>) -> Result<Vec<AdminPin>, StoreError> {
        self.pin_new(INSERT, pins).await
    }

    /// Pins addresses that an import brought, and that were never looked up before or found nobody. Gives those.
    pub async fn pin_imported(&self, pins: Vec<AdminPin>) -> Result<Vec<AdminPin>, StoreError> {
        self.pin_new(INSERT_OR_FIND, pins).await
    }

    async fn pin_new(
        &self,
        sql: &'static str,
        pins: Vec<AdminPin>,
    ) -> Result<Vec<AdminPin>, StoreError> {
        if pins.is_empty() {
            return Ok(pins);
        }
        let mut together = self
            .pool
            .begin_with("begin immediate")
            .await
            .map_err(failed)?;
        let mut new = Vec::new();
        for pin in pins {
            if write(&mut together, sql, &pin).await? {
                audit(&mut together, "pin_admin", &pin).await?;
                new.push(pin);
            }
        }
        together.commit().await.map_err(failed)?;
        Ok(new)
    }

    /// Pins an address to another entry, or for the first time, by an operator's word.
    pub async fn accept_pin(&self, pin: AdminPin) -> Result<(), StoreError> {
        let mut together = self
            .pool
            .begin_with("begin immediate")
            .await
            .map_err(failed)?;
        write(&mut together, REPLACE, &pin).await?;
        audit(&mut together, "accept_admin", &pin).await?;
        together.commit().await.map_err(failed)
    }

    /// Notes what is wrong with a listed address, `about` these entries. True where it is news: about other entries than
    /// before, or a day old, and not the fourth in a day. An address that was never looked up has nothing to compare with.
    pub async fn note_alarm(
        &self,
        email: &EmailAddress,
        about: &str,
        text: &str,
    ) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let long_ago = (now - ALARM_AGAIN).0;
        // Most are old, and whoever sends commands in a row shall not write in a row.
        let news = sqlx::query(concat!("select 1 from admin_pin ", news!()))
            .bind(email.key())
            .bind(about);
        let news = news
            .bind(long_ago)
            .bind(ALARMS)
            .fetch_optional(&self.pool)
            .await
            .map_err(failed)?;
        if news.is_none() {
            return Ok(false);
        }
        let mut together = self
            .pool
            .begin_with("begin immediate")
            .await
            .map_err(failed)?;
        let noted = sqlx::query(concat!(
            "update admin_pin set alarm = $5, alarm_about = $2, alarmed_at = $6, alarm_told_at = null,
                alarm_count = case when alarm_since > $3 then alarm_count + 1 else 1 end,
                alarm_since = case when alarm_since > $3 then alarm_since else $6 end ",
            news!()
        ));
        let noted = noted
            .bind(email.key())
            .bind(about)
            .bind(long_ago)
            .bind(ALARMS)
            .bind(text)
            .bind(now.0);
        let is_news = noted
            .execute(&mut *together)
            .await
            .map_err(failed)?
            .rows_affected()
            > 0;
        if is_news {
            let line = sqlx::query(AUDIT)
                .bind(now.0)
                .bind("admin_address")
                .bind("alarm")
                .bind(None::<String>);
            line.bind(email.masked())
                .execute(&mut *together)
                .await
                .map_err(failed)?;
        }
        together.commit().await.map_err(failed)?;
        Ok(is_news)
    }

    /// What the security address is still to be told.
    pub async fn untold_pins(&self) -> Result<UntoldPins, StoreError> {
        let pins = sqlx::query(
            "select email_key, member_id, member_name, how, noted_at from admin_pin
            where told_at is null order by email_key",
        );
        let pins = pins.fetch_all(&self.pool).await.map_err(failed)?;
        let alarms = sqlx::query(
            "select email_key, alarm, alarmed_at from admin_pin
            where alarm is not null and alarm_told_at is null order by email_key",
        );
        let alarms = alarms.fetch_all(&self.pool).await.map_err(failed)?;
        let alarm = |row: &SqliteRow| {
            let noted_at = Moment(row.try_get::<Option<i64>, _>(2)?.unwrap_or_default());
            Ok(Alarm {
                email_key: row.try_get(0)?,
                text: row.try_get(1)?,
                noted_at,
            })
        };
        Ok(UntoldPins {
            pins: pins
                .iter()
                .map(|row| read(row).map_err(failed))
                .collect::<Result<_, _>>()?,
            alarms: alarms
                .iter()
                .map(|row| alarm(row).map_err(failed))
                .collect::<Result<_, _>>()?,
        })
    }

    /// Notes that these pins were told; a pin that was replaced meanwhile is still to be told.
    pub async fn pins_told(&self, pins: &[AdminPin]) -> Result<(), StoreError> {
        for pin in pins {
            let told = sqlx::query(
                "update admin_pin set told_at = $3 where email_key = $1 and noted_at = $2",
            );
            let told = told
                .bind(&pin.email_key)
                .bind(pin.noted_at.0)
                .bind(self.clock.now().0);
            told.execute(&self.pool).await.map_err(failed)?;
        }
        Ok(())
    }

    /// Notes that this alarm was told, unless there is another one meanwhile.
    pub async fn alarm_told(&self, alarm: &Alarm) -> Result<(), StoreError> {
        let told = sqlx::query(
            "update admin_pin set alarm_told_at = $3 where email_key = $1 and alarmed_at = $2",
        );
        let told = told
            .bind(&alarm.email_key)
            .bind(alarm.noted_at.0)
            .bind(self.clock.now().0);
        told.execute(&self.pool).await.map_err(failed).map(drop)
    }

    /// True while the built-in directory has no members at all, as before the first import.
    pub async fn has_no_members(&self) -> Result<bool, StoreError> {
        let any = sqlx::query("select 1 from member limit 1")
            .fetch_optional(&self.pool)
            .await
            .map_err(failed)?;
        Ok(any.is_none())
    }
}

async fn write(
    together: &mut Transaction<'_, Sqlite>,
    sql: &'static str,
    pin: &AdminPin,
) -> Result<bool, StoreError> {
    let (id, name) = pin
        .entry
        .clone()
        .map_or((None, None), |(id, name)| (Some(id.0), Some(name)));
    let written = sqlx::query(sql)
        .bind(&pin.email_key)
        .bind(id)
        .bind(name)
        .bind(pin.how.as_str());
    let written = written
        .bind(pin.noted_at.0)
        .execute(&mut **together)
        .await
        .map_err(failed)?;
    Ok(written.rows_affected() > 0)
}

async fn audit(
    together: &mut Transaction<'_, Sqlite>,
    event: &str,
    pin: &AdminPin,
) -> Result<(), StoreError> {
    let masked = pin
        .email_key
        .parse()
        .ok()
        .map(|email: EmailAddress| email.masked());
    let line = sqlx::query(AUDIT)
        .bind(pin.noted_at.0)
        .bind(event)
        .bind(pin.how.as_str());
    let line = line
        .bind(pin.entry.as_ref().map(|(id, _)| id.0.as_str()))
        .bind(masked);
    line.execute(&mut **together)
        .await
        .map_err(failed)
        .map(drop)
}

fn read(row: &SqliteRow) -> Result<AdminPin, sqlx::Error> {
    let entry = match (
        row.try_get::<Option<String>, _>(1)?,
        row.try_get::<Option<String>, _>(2)?,
    ) {
        (Some(id), name) => Some((MemberId(id), name.unwrap_or_default())),
        (None, _) => None,
    };
    let how = row.try_get::<String, _>(3)?.parse();
    let how = how.map_err(|error: crate::domain::written::UnknownWord| {
        sqlx::Error::Decode(Box::new(error))
    })?;
    Ok(AdminPin {
        email_key: row.try_get(0)?,
        entry,
        how,
        noted_at: Moment(row.try_get(4)?),
    })
}
