//! Resets of the past: for the log, for `relatch resets`, and for the sweep.

use std::collections::{HashMap, HashSet};

use super::engine::{Connection, Param, Table, params, sql};
use super::resets::{self, GIVEN_UP_AFTER};
use super::{ResetRow, StepRow, Store, StoreError, steps};
use crate::domain::{MemberId, Moment, ResetId, Span};

/// The most that is listed at once; what is older comes with [`HistoryFilter::before`].
const LISTED: u32 = 1000;

/// Which resets to list. Only those that were confirmed count as resets.
#[derive(Clone, Debug, Default)]
pub struct HistoryFilter {
    /// By the administrator's id.
    pub admin: Option<MemberId>,
    /// By the administrator's business e-mail, in lower case.
    pub admin_email: Option<String>,
    /// By the member's id.
    pub member: Option<MemberId>,
    /// By the member's business e-mail, in lower case.
    pub member_email: Option<String>,
    /// Confirmed at or after.
    pub since: Option<Moment>,
    /// Listed behind this one: confirmed then, and of this name.
    pub before: Option<(Moment, ResetId)>,
    /// At most so many, the newest first.
    pub limit: Option<u32>,
}

impl HistoryFilter {
    fn params(&self, since: Moment, until: Moment) -> Vec<Param> {
        params![
            self.admin,
            self.admin_email,
            self.member,
            self.member_email,
            since,
            until
        ]
    }
}

/// A reset of the past.
#[derive(Clone, Debug)]
pub struct Past {
    /// What the record says of it.
    pub reset: ResetRow,
    /// How its effects outside ended, one row each.
    pub steps: Vec<StepRow>,
    /// True when the slot was given back.
    pub is_slot_returned: bool,
}

/// Whose resets are listed, and from when until when; the parameters are those of [`HistoryFilter::params`].
const FILTER: &str = "
    where claimed_at is not null
        and ($1 is null or admin_id = $1)
        and ($2 is null or lower(admin_email) = $2)
        and ($3 is null or member_id = $3)
        and ($4 is null or lower(member_email) = $4)
        and claimed_at >= $5
        and claimed_at <= $6";

const LISTED_RESETS: &str = sql!(
    "select ",
    ResetRow::COLUMNS,
    "
    from reset",
    FILTER,
    "
        and (claimed_at < $6 or reset_id < $7)
    order by claimed_at desc, reset_id desc
    limit $8"
);

const LISTED_STEPS: &str = sql!(
    "select ",
    StepRow::COLUMNS,
    "
    from step
    where reset_id in (
        select reset_id
        from reset",
    FILTER,
    "
    )
    order by noted_at, step"
);

const LISTED_RETURNS: &str = sql!(
    "select reset.reset_id
    from reset
    join slot on slot.person_id = reset.admin_id
        and slot.taken_at = reset.claimed_at
        and slot.reset_id = reset.reset_id
        and slot.returned_at is not null",
    FILTER
);

pub(super) const LAST_CHANGES: &str = sql!(
    "select ",
    ResetRow::COLUMNS,
    "
    from reset
    where member_id = $1
        and changing_at is not null
        and state <> 'refused'
        and changing_at >= coalesce(
            (
                select max(changing_at)
                from reset
                where member_id = $1
                    and changing_at is not null
                    and changed_at is not null
            ),
            0
        )
    order by changing_at desc, reset_id desc
    limit 100"
);

/// Unfinished resets of another process, or past their deadline.
const LEFT_AT_WORK: &str = sql!(
    "select ",
    ResetRow::COLUMNS,
    "
    from reset
    where state in ('claimed', 'changing', 'changed', 'delivering')
        and (owner is distinct from $1 or deadline_at <= $2)
    limit 200"
);

/// The password waits in the memory of another process, which is dead.
const LEFT_UNDELIVERED: &str = sql!(
    "select ",
    ResetRow::COLUMNS,
    "
    from reset
    where state = 'undelivered'
        and finished_at is null
        and owner is distinct from $1
    limit 200"
);

pub(super) const EXPIRED: &str = sql!(
    "select ",
    ResetRow::COLUMNS,
    "
    from reset
    where state = 'offered'
        and expires_at <= $1
    limit 200"
);

pub(super) const TO_HIDE: &str = sql!(
    "select ",
    ResetRow::COLUMNS,
    "
    from reset
    where hide_at is not null
        and hide_at <= $1
    limit 200"
);

pub(super) const STALE_REPLIES: &str = sql!(
    "select ",
    ResetRow::COLUMNS,
    "
    from reset
    where reply_until is not null
        and reply_until <= $1
    limit 200"
);

const TO_TELL: &str = sql!(
    "select ",
    ResetRow::COLUMNS,
    "
    from reset
    where told_at is null
        and claimed_at is not null
        and reply_until > $1
        and hide_at is null
        and coalesce(finished_at, case when state = 'undelivered' then delivering_at end) <= $1
    order by claimed_at desc
    limit 200"
);

const WITH_PENDING_STEPS: &str = sql!(
    "select ",
    ResetRow::COLUMNS,
    "
    from reset
    where reset_id in (
        select reset_id
        from step
        where outcome = 'pending'
            and noted_at <= $1
    )
    limit 200"
);

impl Store {
    /// Lists resets, the newest first, all as they are at one moment.
    pub async fn history(&self, filter: &HistoryFilter) -> Result<Vec<Past>, StoreError> {
        let mut connection = self.slow_reader().await?;
        connection.begin_read().await?;
        let past = list(&mut connection, filter).await?;
        connection.end_read().await?;
        Ok(past)
    }

    /// The steps of a reset.
    pub async fn steps(&self, id: ResetId) -> Result<Vec<StepRow>, StoreError> {
        steps::of_reset(&mut self.reader().await?, id).await
    }

    /// The resets of which a member's present password may come, the newest first: the last one that surely changed it,
    /// and every later one of which nobody can say.
    pub async fn last_changes(&self, member: &MemberId) -> Result<Vec<ResetRow>, StoreError> {
        self.reader()
            .await?
            .all(LAST_CHANGES, params![member])
            .await
    }

    /// A reset by its id.
    pub async fn reset(&self, id: ResetId) -> Result<Option<ResetRow>, StoreError> {
        resets::find(&mut self.reader().await?, id).await
    }

    /// Resets that a dead process left: unfinished, or undelivered with the password lost.
    pub async fn left_behind(&self) -> Result<Vec<ResetRow>, StoreError> {
        let mut connection = self.slow_reader().await?;
        let given_up = connection.now() - GIVEN_UP_AFTER;
        let owner = &*self.owner;
        connection.begin_read().await?;
        let mut left: Vec<ResetRow> = connection
            .all(LEFT_AT_WORK, params![owner, given_up])
            .await?;
        left.extend(
            connection
                .all::<ResetRow>(LEFT_UNDELIVERED, params![owner])
                .await?,
        );
        connection.end_read().await?;
        Ok(left)
    }

    /// Open cards whose lifetime is over.
    pub async fn expired_offers(&self) -> Result<Vec<ResetRow>, StoreError> {
        self.due(EXPIRED, Span(0)).await
    }

    /// Messages that show a password longer than they should.
    pub async fn to_hide(&self) -> Result<Vec<ResetRow>, StoreError> {
        self.due(TO_HIDE, Span(0)).await
    }

    /// Follow-up addresses that the platform no longer accepts.
    pub async fn stale_replies(&self) -> Result<Vec<ResetRow>, StoreError> {
        self.due(STALE_REPLIES, Span(0)).await
    }

    /// Resets that ended at least so long ago, or wait for another way, whose administrator has not heard of it and whose
    /// follow-up address may still work; the newest first. A message that shows the password is left alone.
    pub async fn to_tell(&self, age: Span) -> Result<Vec<ResetRow>, StoreError> {
        self.due(TO_TELL, age).await
    }

    /// Resets with a step that is still to do, older than `age`.
    pub async fn with_pending_steps(&self, age: Span) -> Result<Vec<ResetRow>, StoreError> {
        self.due(WITH_PENDING_STEPS, age).await
    }

    async fn due(&self, sql: &'static str, age: Span) -> Result<Vec<ResetRow>, StoreError> {
        let mut connection = self.slow_reader().await?;
        let until = connection.now() - age;
        connection.all(sql, params![until]).await
    }
}

async fn list(
    connection: &mut Connection,
    filter: &HistoryFilter,
) -> Result<Vec<Past>, StoreError> {
    let since = filter.since.unwrap_or(Moment(0));
    let until = filter.before.map_or(Moment(i64::MAX), |(at, _)| at);
    let mut values = filter.params(since, until);
    values.extend(params![
        filter.before.map(|(_, id)| id),
        filter.limit.unwrap_or(LISTED)
    ]);
    let resets: Vec<ResetRow> = connection.all(LISTED_RESETS, values).await?;
    let (Some(newest), Some(oldest)) = (resets.first(), resets.last()) else {
        return Ok(Vec::new());
    };
    // Between those two, so that a reset that is confirmed meanwhile moves nothing out of the list.
    let between = |row: &ResetRow| row.claimed_at.unwrap_or(until);
    let values = filter.params(between(oldest), between(newest));
    let steps: Vec<StepRow> = connection.all(LISTED_STEPS, values.clone()).await?;
    let returned: Vec<(ResetId,)> = connection.all(LISTED_RETURNS, values).await?;
    let returned: HashSet<ResetId> = returned.into_iter().map(|(id,)| id).collect();
    let mut steps_of: HashMap<ResetId, Vec<StepRow>> = HashMap::new();
    for step in steps {
        steps_of.entry(step.reset_id).or_default().push(step);
    }
    let past = resets.into_iter().map(|reset| Past {
        steps: steps_of.remove(&reset.reset_id).unwrap_or_default(),
        is_slot_returned: returned.contains(&reset.reset_id),
        reset,
    });
    Ok(past.collect())
}
