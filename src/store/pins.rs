//! Which entry of a directory each listed administrator is: pins, and what is still to be told about them.

use std::collections::HashMap;

use super::engine::{Connection, Table, Tx, Written, params, sql, table};
use super::{AuditRow, Store, StoreError};
use crate::domain::written_enum;
use crate::domain::{EmailAddress, MemberId, Moment, Span};

/// After this time the same alarm about an address is told again.
const ALARM_AGAIN: Span = Span::hours(24);

/// How many alarms about one address are noted in that time, so that one that moves from entry to entry fills no mailbox.
const ALARMS: u32 = 3;

table! {
    /// An address of the list of administrators.
    pub(super) struct PinRow in "admin_pin" {
        key {
            /// In lower case.
            email_key: String,
        }
        fixed {}
        changing {
            /// The directory's immutable id; none where no entry is pinned.
            member_id: Option<MemberId>,
            /// The name of the entry when it was pinned.
            member_name: Option<String>,
            how: PinnedBy,
            noted_at: Moment,
            /// When the security address was told of the pin.
            told_at: Option<Moment>,
            /// What was last wrong with the address.
            alarm: Option<String>,
            alarmed_at: Option<Moment>,
            alarm_told_at: Option<Moment>,
            /// The entries that the alarm was about.
            alarm_about: Option<String>,
            /// How many alarms were noted since `alarm_since`.
            alarm_count: u32,
            alarm_since: Option<Moment>,
        }
    }
}

written_enum! {
    /// How an address of the list came to its entry, or to none.
    pub PinnedBy {
        /// It was looked up for the first time and found exactly one entry.
        First = "first",
        /// The import brought it into the built-in directory.
        Import = "import",
        /// An operator ran `relatch admins accept`.
        Accepted = "accepted",
        /// It found nobody when it was first looked up; an entry that appears later has to be accepted by an operator.
        Nobody = "nobody",
        /// It found several entries when it was first looked up.
        Several = "several",
    }
}

impl Written for PinnedBy {}

/// What is known of one address of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminPin {
    /// The address, in lower case.
    pub email_key: String,
    /// The directory's immutable id and the name of the entry; none where no entry is pinned.
    pub entry: Option<(MemberId, String)>,
    /// How it came to this entry.
    pub how: PinnedBy,
    /// When it was pinned.
    pub noted_at: Moment,
}

/// The pins of some addresses, as they are at this moment.
#[derive(Clone, Debug, Default)]
pub struct Pins(HashMap<String, Option<MemberId>>);

impl Pins {
    /// The entry that an address is pinned to.
    pub fn of(&self, email: &EmailAddress) -> Option<&MemberId> {
        self.0.get(&email.key())?.as_ref()
    }
}

/// What the security address has not been told yet.
#[derive(Clone, Debug, Default)]
pub struct UntoldPins {
    pub pins: Vec<AdminPin>,
    pub alarms: Vec<Alarm>,
}

/// What is wrong with an address of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// The address, in lower case.
    pub email_key: String,
    /// The text of the alarm.
    pub text: String,
    pub noted_at: Moment,
}

pub(super) const BY_EMAIL: &str = sql!(
    "select ",
    PinRow::COLUMNS,
    "
    from admin_pin
    where email_key = $1"
);

/// All: there are no more of them than addresses that were ever listed, and one statement reads them as they are at one
/// moment.
const ENTRIES: &str = "
    select
        email_key,
        member_id
    from admin_pin";

const ALL: &str = sql!(
    "select ",
    PinRow::COLUMNS,
    "
    from admin_pin
    order by email_key"
);

pub(super) const SET_TOLD: &str = "
    update admin_pin
    set told_at = $3
    where email_key = $1
        and noted_at = $2";

pub(super) const SET_ALARM_TOLD: &str = "
    update admin_pin
    set alarm_told_at = $3
    where email_key = $1
        and alarmed_at = $2";

impl Store {
    /// The pins of those among these addresses that were ever looked up to be pinned.
    pub async fn pins_of(&self, emails: &[String]) -> Result<Pins, StoreError> {
        let mut entries: HashMap<String, Option<MemberId>> = self
            .reader()
            .await?
            .all(ENTRIES, params![])
            .await?
            .into_iter()
            .collect();
        entries.retain(|email_key, _| emails.contains(email_key));
        Ok(Pins(entries))
    }

    /// Every address that was ever pinned or looked up for it.
    pub async fn admin_pins(&self) -> Result<Vec<AdminPin>, StoreError> {
        let rows: Vec<PinRow> = self.reader().await?.all(ALL, params![]).await?;
        Ok(rows.into_iter().map(PinRow::pin).collect())
    }

    /// Pins addresses that were never looked up before; of those that were, nothing is changed. Gives those that are new.
    pub async fn pin_first(&self, pins: Vec<AdminPin>) -> Result<Vec<AdminPin>, StoreError> {
        self.pin_new(pins, |_: &PinRow| false).await
    }

    /// Pins addresses that an import brought, and that were never looked up before or found nobody: the import is an
    /// operator's word for whoever it brings. Gives those.
    pub async fn pin_imported(&self, pins: Vec<AdminPin>) -> Result<Vec<AdminPin>, StoreError> {
        self.pin_new(pins, PinRow::found_nobody).await
    }

    async fn pin_new(
        &self,
        pins: Vec<AdminPin>,
        may_replace: fn(&PinRow) -> bool,
    ) -> Result<Vec<AdminPin>, StoreError> {
        if pins.is_empty() {
            return Ok(pins);
        }
        self.write((pins, may_replace), pin_new).await
    }

    /// Pins an address to another entry, or for the first time, by an operator's word.
    pub async fn accept_pin(&self, pin: AdminPin) -> Result<(), StoreError> {
        self.write(pin, async |tx: &mut Tx, pin: &AdminPin| {
            tx.put(&PinRow::new(pin)).await?;
            audit(tx, "accept_admin", pin).await
        })
        .await
    }

    /// Notes what is wrong with a listed address, `about` these entries. True where it is news: about other entries than
    /// before, or a day old, and not the fourth in a day. An address that was never looked up has nothing to compare with.
    pub async fn note_alarm(
        &self,
        email: &EmailAddress,
        about: &str,
        text: &str,
    ) -> Result<bool, StoreError> {
        // Most alarms are old, and a row of commands must not become a row of commits.
        let mut connection = self.reader().await?;
        let before = find(&mut connection, &email.key()).await?;
        let now = connection.now();
        drop(connection);
        if !before.is_some_and(|row| row.is_news(about, now)) {
            return Ok(false);
        }
        self.write(
            (email.clone(), about.to_owned(), text.to_owned()),
            note_alarm,
        )
        .await
    }

    /// What the security address is still to be told.
    pub async fn untold_pins(&self) -> Result<UntoldPins, StoreError> {
        let rows: Vec<PinRow> = self.reader().await?.all(ALL, params![]).await?;
        let mut untold = UntoldPins::default();
        for row in rows {
            untold.alarms.extend(row.untold_alarm());
            if row.told_at.is_none() {
                untold.pins.push(row.pin());
            }
        }
        Ok(untold)
    }

    /// Notes that these pins were told; a pin that was replaced meanwhile is still to be told.
    pub async fn pins_told(&self, pins: &[AdminPin]) -> Result<(), StoreError> {
        let told: Vec<(String, Moment)> = pins
            .iter()
            .map(|pin| (pin.email_key.clone(), pin.noted_at))
            .collect();
        self.write(told, async |tx: &mut Tx, told: &Vec<(String, Moment)>| {
            let now = tx.now();
            for (email_key, noted_at) in told {
                tx.run(SET_TOLD, params![email_key, noted_at, now]).await?;
            }
            Ok::<_, StoreError>(())
        })
        .await
    }

    /// Notes that this alarm was told, unless there is another one meanwhile.
    pub async fn alarm_told(&self, alarm: &Alarm) -> Result<(), StoreError> {
        self.write(alarm.clone(), async |tx: &mut Tx, alarm: &Alarm| {
            let now = tx.now();
            tx.run(
                SET_ALARM_TOLD,
                params![alarm.email_key, alarm.noted_at, now],
            )
            .await
            .map(drop)
        })
        .await
    }
}

async fn find(connection: &mut Connection, email_key: &str) -> Result<Option<PinRow>, StoreError> {
    connection.maybe(BY_EMAIL, params![email_key]).await
}

async fn pin_new(
    tx: &mut Tx,
    (pins, may_replace): &(Vec<AdminPin>, fn(&PinRow) -> bool),
) -> Result<Vec<AdminPin>, StoreError> {
    let mut new = Vec::new();
    for pin in pins {
        let row = match find(tx, &pin.email_key).await? {
            None => PinRow::new(pin),
            Some(row) if may_replace(&row) => row.pinned_anew(pin),
            Some(_) => continue,
        };
        tx.put(&row).await?;
        audit(tx, "pin_admin", pin).await?;
        new.push(pin.clone());
    }
    Ok(new)
}

async fn note_alarm(
    tx: &mut Tx,
    (email, about, text): &(EmailAddress, String, String),
) -> Result<bool, StoreError> {
    let now = tx.now();
    let found = find(tx, &email.key()).await?;
    let Some(mut row) = found.filter(|row| row.is_news(about, now)) else {
        return Ok(false);
    };
    let counts_on = row
        .alarm_since
        .is_some_and(|since| since > now - ALARM_AGAIN);
    row.alarm_count = if counts_on { row.alarm_count + 1 } else { 1 };
    row.alarm_since = row.alarm_since.filter(|_| counts_on).or(Some(now));
    row.alarm = Some(text.clone());
    row.alarm_about = Some(about.clone());
    row.alarmed_at = Some(now);
    row.alarm_told_at = None;
    tx.put(&row).await?;
    let line = AuditRow {
        detail: Some(email.masked()),
        ..AuditRow::of_operator("admin_address", "alarm", now)
    };
    tx.insert(&line).await?;
    Ok(true)
}

async fn audit(tx: &mut Tx, event: &str, pin: &AdminPin) -> Result<(), StoreError> {
    let email = EmailAddress::stored(&pin.email_key).ok();
    let line = AuditRow {
        member_id: pin.entry.as_ref().map(|(id, _)| id.clone()),
        detail: email.map(|email| email.masked()),
        ..AuditRow::of_operator(event, pin.how.as_str(), pin.noted_at)
    };
    tx.insert(&line).await
}

impl PinRow {
    /// A pin without alarms that nobody was told of.
    fn new(pin: &AdminPin) -> Self {
        let (member_id, member_name) = pin.entry.clone().unzip();
        Self {
            email_key: pin.email_key.clone(),
            member_id,
            member_name,
            how: pin.how,
            noted_at: pin.noted_at,
            told_at: None,
            alarm: None,
            alarmed_at: None,
            alarm_told_at: None,
            alarm_about: None,
            alarm_count: 0,
            alarm_since: None,
        }
    }

    /// The address with another pin; its alarms stay.
    fn pinned_anew(self, pin: &AdminPin) -> Self {
        let new = Self::new(pin);
        Self {
            member_id: new.member_id,
            member_name: new.member_name,
            how: new.how,
            noted_at: new.noted_at,
            told_at: None,
            ..self
        }
    }

    fn found_nobody(&self) -> bool {
        self.how == PinnedBy::Nobody && self.member_id.is_none()
    }

    /// True for an alarm about other entries than the last one, or a day later, while fewer than [`ALARMS`] were noted
    /// within a day.
    fn is_news(&self, about: &str, now: Moment) -> bool {
        let is_long_ago = |at: Moment| at <= now - ALARM_AGAIN;
        let differs = self
            .alarm_about
            .as_ref()
            .is_none_or(|before| before != about);
        let may_count = self.alarm_since.is_none_or(is_long_ago) || self.alarm_count < ALARMS;
        (differs || self.alarmed_at.is_some_and(is_long_ago)) && may_count
    }

    fn pin(self) -> AdminPin {
        AdminPin {
            email_key: self.email_key,
            entry: self
                .member_id
                .map(|id| (id, self.member_name.unwrap_or_default())),
            how: self.how,
            noted_at: self.noted_at,
        }
    }

    fn untold_alarm(&self) -> Option<Alarm> {
        let text = self
            .alarm
            .clone()
            .filter(|_| self.alarm_told_at.is_none())?;
        Some(Alarm {
            email_key: self.email_key.clone(),
            text,
            noted_at: self.alarmed_at.unwrap_or(Moment(0)),
        })
    }
}
