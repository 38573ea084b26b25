//! What administrators tried: look-ups and refusals are limited, so that the bot tells nobody who exists.

use super::engine::{Connection, Table, Tx, WriteError, params, sql, table};
use super::replays::ReplayKey;
use super::{AuditRow, ResetRow, Store, StoreError};
use crate::domain::look_up::{COUNT_FOR, TooMany, Tried, may_command, may_look_up, paused_until};
use crate::domain::{MemberId, Moment};

table! {
    /// What an administrator tried, as far as it is limited.
    pub(super) struct LookUpRow in "look_up" {
        key {
            person_id: MemberId,
            looked_at: Moment,
            replay_key: String,
        }
        fixed {
            /// What it was, and whether it was refused.
            tried: Tried,
        }
        changing {}
    }
}

pub(super) const OF_PERSON: &str = sql!(
    "select ",
    LookUpRow::COLUMNS,
    "
    from look_up
    where person_id = $1
        and looked_at > $2
    order by looked_at"
);

/// What one administrator tried in the last day.
pub(super) struct Tries {
    admin: MemberId,
    rows: Vec<LookUpRow>,
}

impl Tries {
    pub(super) async fn of(
        connection: &mut Connection,
        admin: &MemberId,
    ) -> Result<Self, StoreError> {
        let since = connection.now() - COUNT_FOR;
        Ok(Self {
            admin: admin.clone(),
            rows: connection.all(OF_PERSON, params![admin, since]).await?,
        })
    }

    /// When each was, and what.
    pub(super) fn list(&self) -> Vec<(Moment, Tried)> {
        let list = self.rows.iter().map(|row| (row.looked_at, row.tried));
        list.collect()
    }

    /// Counts one more, once for a request. The refusal that begins a pause has a line of its own in the audit.
    pub(super) async fn count(
        &mut self,
        tx: &mut Tx,
        request: &str,
        tried: Tried,
    ) -> Result<(), StoreError> {
        if self.rows.iter().any(|row| row.replay_key == request) {
            return Ok(());
        }
        let before = paused_until(&self.list());
        let row = LookUpRow {
            person_id: self.admin.clone(),
            looked_at: tx.now(),
            replay_key: request.to_owned(),
            tried,
        };
        tx.insert_new(&row).await?;
        self.rows.push(row);
        if paused_until(&self.list()) != before {
            let line = AuditRow {
                admin_id: Some(self.admin.clone()),
                ..AuditRow::of_operator("pause", "too_many_refusals", tx.now())
            };
            tx.insert(&line).await?;
        }
        Ok(())
    }
}

/// Why an administrator may not look somebody up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookUpRefused {
    #[error("too many look-ups")]
    TooMany(TooMany),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<TooMany> for LookUpRefused {
    fn from(too_many: TooMany) -> Self {
        Self::TooMany(too_many)
    }
}

impl WriteError for LookUpRefused {
    fn failure(&self) -> Option<StoreError> {
        match self {
            Self::TooMany(_) => None,
            Self::Store(error) => Some(*error),
        }
    }
}

/// Decides from what an administrator tried whether one more look-up is allowed.
type LookUpRule = fn(&[(Moment, Tried)], Moment) -> Result<(), TooMany>;

impl Store {
    /// Counts a command that acts at once as a look-up, before it acts. What was already too many is not counted.
    pub async fn count_command(
        &self,
        admin: &MemberId,
        replay: &ReplayKey,
    ) -> Result<(), LookUpRefused> {
        self.count(admin, replay, may_command).await
    }

    /// Counts a typed address as a look-up: the mail server tells whether it exists. Forms of open cards go on during a
    /// pause.
    pub async fn count_typed(
        &self,
        admin: &MemberId,
        replay: &ReplayKey,
    ) -> Result<(), LookUpRefused> {
        self.count(admin, replay, may_look_up).await
    }

    /// Refuses an administrator who tried too much to look somebody up now. It is counted later, with its
    /// outcome.
    pub async fn may_look_up_now(&self, admin: &MemberId) -> Result<(), LookUpRefused> {
        let mut connection = self.reader().await?;
        let tries = Tries::of(&mut connection, admin).await?;
        Ok(may_command(&tries.list(), connection.now())?)
    }

    /// Counts that a mail server said of a typed address that it does not exist: a refusal, once for each choice.
    pub async fn count_refused_address(&self, card: &ResetRow) -> Result<(), StoreError> {
        let request = format!("address {} {}", card.reset_id, card.edition);
        self.write(
            (card.admin_id.clone(), request),
            async |tx: &mut Tx, (admin, request): &(MemberId, String)| {
                let mut tries = Tries::of(tx, admin).await?;
                tries.count(tx, request, Tried::RefusedClick).await
            },
        )
        .await
    }

    async fn count(
        &self,
        admin: &MemberId,
        replay: &ReplayKey,
        may: LookUpRule,
    ) -> Result<(), LookUpRefused> {
        self.write(
            (admin.clone(), replay.clone(), may),
            async |tx: &mut Tx, (admin, replay, may): &(MemberId, ReplayKey, LookUpRule)| {
                let mut tries = Tries::of(tx, admin).await?;
                may(&tries.list(), tx.now())?;
                Ok(tries.count(tx, replay.counted_as(), Tried::LookUp).await?)
            },
        )
        .await
    }
}
