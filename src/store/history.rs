//! What was: resets with their steps for the log, for `relatch resets`, and for the sweep.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::{AssertSqlSafe, Row};

use super::rows::{self, ResetRow, StepRow, Table};
use super::{Store, StoreError};
use crate::domain::contacts::COMMANDS_COUNT_FOR;
use crate::domain::look_up::COUNT_FOR;
use crate::domain::{MemberId, Moment, ResetId, Span};

/// The most that is listed at once; what is older comes with [`HistoryFilter::before`].
const LISTED: i64 = 1000;

/// The most that one round of the sweep takes.
const SWEPT: i64 = 200;

/// How long after its deadline a process is taken for dead (section 3 of the design).
pub(super) const GIVEN_UP_AFTER: Span = Span::seconds(30);

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

/// A reset of the past.
#[derive(Clone, Debug)]
pub struct Past {
    /// The reset.
    pub reset: ResetRow,
    /// Its steps.
    pub steps: Vec<StepRow>,
    /// True when the slot was given back.
    pub is_slot_returned: bool,
}

impl Store {
    /// Lists resets, the newest first.
    pub async fn history(&self, filter: &HistoryFilter) -> Result<Vec<Past>, StoreError> {
        let sql = format!(
            "select {}, (select returned_at from slot where slot.person_id = admin_id and slot.taken_at = claimed_at
                and slot.reset_id = reset.reset_id) as returned_at from reset
            where claimed_at is not null
            and ($1 is null or admin_id = $1) and ($2 is null or lower(admin_email) = $2)
            and ($3 is null or member_id = $3) and ($4 is null or lower(member_email) = $4)
            and claimed_at >= $5 and claimed_at <= $7 and (claimed_at < $7 or reset_id < $8)
            order by claimed_at desc, reset_id desc limit $6",
            ResetRow::ROW
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(filter.admin.as_ref().map(|id| id.0.clone()))
            .bind(filter.admin_email.clone())
            .bind(filter.member.as_ref().map(|id| id.0.clone()))
            .bind(filter.member_email.clone())
            .bind(filter.since.map_or(0, |at| at.0))
            .bind(filter.limit.map_or(LISTED, i64::from))
            .bind(filter.before.map_or(i64::MAX, |(at, _)| at.0))
            .bind(filter.before.map(|(_, id)| id.to_string()))
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
        let mut past = Vec::with_capacity(rows.len());
        for row in &rows {
            let returned: Option<i64> = row.try_get("returned_at").map_err(failed)?;
            past.push(Past {
                reset: rows::read(row).map_err(failed)?,
                steps: Vec::new(),
                is_slot_returned: returned.is_some(),
            });
        }
        let ids: Vec<ResetId> = past.iter().map(|past| past.reset.reset_id).collect();
        let mut steps = self.steps(&ids).await?;
        for one in &mut past {
            one.steps = steps.remove(&one.reset.reset_id).unwrap_or_default();
        }
        Ok(past)
    }

    /// The steps of some resets.
    pub async fn steps(
        &self,
        ids: &[ResetId],
    ) -> Result<HashMap<ResetId, Vec<StepRow>>, StoreError> {
        let sql = format!(
            "select {} from step where reset_id in (select value from json_each($1)) order by noted_at, step",
            StepRow::ROW
        );
        let ids = serde_json::to_string(ids).map_err(|_| StoreError::Unavailable)?;
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(ids)
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
        let mut steps: HashMap<ResetId, Vec<StepRow>> = HashMap::new();
        for row in &rows {
            let step = rows::read::<StepRow>(row).map_err(failed)?;
            steps.entry(step.reset_id).or_default().push(step);
        }
        Ok(steps)
    }

    /// The resets of which a member's present password may come, the newest first: the last one that surely changed it,
    /// and every later one of which nobody can say.
    pub async fn last_changes(&self, member: &MemberId) -> Result<Vec<ResetRow>, StoreError> {
        let sql = format!(
            "select {} from reset where member_id = $1 and changing_at is not null and state <> 'refused'
                and changing_at >= coalesce(
                    (select max(changing_at) from reset
                        where member_id = $1 and changing_at is not null and changed_at is not null), 0)
            order by changing_at desc, reset_id desc limit 100",
            ResetRow::ROW
        );
        let found = sqlx::query(AssertSqlSafe(sql))
            .bind(&member.0)
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
        found
            .iter()
            .map(|row| rows::read(row).map_err(failed))
            .collect()
    }

    /// One reset.
    pub async fn reset(&self, id: ResetId) -> Result<Option<ResetRow>, StoreError> {
        let found = self
            .look_up(super::LookUp {
                reset: Some(id),
                ..super::LookUp::default()
            })
            .await?;
        Ok(found.reset.map(Arc::unwrap_or_clone))
    }

    /// Everything a dead process may have left: at work, or undelivered with the password gone.
    pub async fn left_behind(&self) -> Result<Vec<ResetRow>, StoreError> {
        let given_up = (self.clock.now() - GIVEN_UP_AFTER).0;
        let at_work = "state in ('claimed', 'changing', 'changed', 'delivering') and (owner is not $1 or deadline_at <= $2)";
        let mut left = self.pick(at_work, given_up, &self.owner).await?;
        let undelivered =
            "state = 'undelivered' and finished_at is null and owner is not $1 and $2 is not null";
        left.extend(self.pick(undelivered, given_up, &self.owner).await?);
        Ok(left)
    }

    /// Cards whose time has come.
    pub async fn expired_offers(&self) -> Result<Vec<ResetRow>, StoreError> {
        self.pick(
            "state = 'offered' and expires_at <= $2",
            self.clock.now().0,
            "",
        )
        .await
    }

    /// Messages that show a password longer than they should.
    pub async fn to_hide(&self) -> Result<Vec<ResetRow>, StoreError> {
        self.pick(
            "hide_at is not null and hide_at <= $2",
            self.clock.now().0,
            "",
        )
        .await
    }

    /// Follow-up addresses that the platform no longer accepts.
    pub async fn stale_replies(&self) -> Result<Vec<ResetRow>, StoreError> {
        self.pick(
            "reply_until is not null and reply_until <= $2",
            self.clock.now().0,
            "",
        )
        .await
    }

    /// Resets that ended at least so long ago, or wait for another way, whose administrator has not heard of it and whose
    /// follow-up address may still work; the newest first. A message that shows the password is left alone.
    pub async fn to_tell(&self, age: Span) -> Result<Vec<ResetRow>, StoreError> {
        let condition =
            "told_at is null and claimed_at is not null and reply_until > $2 and hide_at is null
            and coalesce(finished_at, case when state = 'undelivered' then delivering_at end) <= $2
            order by claimed_at desc";
        self.pick(condition, (self.clock.now() - age).0, "").await
    }

    /// Resets with a step that is still to do, older than `age`.
    pub async fn with_pending_steps(&self, age: Span) -> Result<Vec<ResetRow>, StoreError> {
        let condition =
            "reset_id in (select reset_id from step where outcome = 'pending' and noted_at <= $2)";
        self.pick(condition, (self.clock.now() - age).0, "").await
    }

    /// Deletes what has been kept long enough: finished offers 7 days, replay keys 9 hours, audit and resets 400 days.
    pub async fn purge(&self) -> Result<u64, StoreError> {
        let now = self.clock.now();
        let mut gone = 0;
        for (sql, age) in [
            ("delete from replay_key where seen_at < $1", Span::hours(9)),
            (
                "delete from reset where claimed_at is null and finished_at < $1",
                Span::hours(7 * 24),
            ),
            (
                "delete from contact_command where noted_at < $1",
                COMMANDS_COUNT_FOR,
            ),
            (
                "delete from contact_check where expires_at < $1",
                Span::hours(1),
            ),
            (
                "delete from session where expires_at < $1",
                Span::hours(7 * 24),
            ),
            // Lines come in the order of time, so that no index of their times is needed: all before the first that stays.
            (
                "delete from audit where seq < coalesce(
                    (select seq from audit where noted_at >= $1 order by seq limit 1),
                    (select max(seq) + 1 from audit))",
                Span::hours(400 * 24),
            ),
            (
                "delete from slot where taken_at < $1",
                Span::hours(400 * 24),
            ),
            ("delete from look_up where looked_at < $1", COUNT_FOR),
            (
                "delete from step where noted_at < $1",
                Span::hours(400 * 24),
            ),
            (
                "delete from reset where claimed_at < $1",
                Span::hours(400 * 24),
            ),
        ] {
            gone += sqlx::query(sql)
                .bind((now - age).0)
                .execute(&self.pool)
                .await
                .map_err(failed)?
                .rows_affected();
        }
        Ok(gone)
    }

    async fn pick(
        &self,
        condition: &str,
        at: i64,
        owner: &str,
    ) -> Result<Vec<ResetRow>, StoreError> {
        let sql = format!(
            "select {} from reset where {condition} limit {SWEPT}",
            ResetRow::ROW
        );
        let found = sqlx::query(AssertSqlSafe(sql))
            .bind(owner)
            .bind(at)
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
        found
            .iter()
            .map(|row| rows::read(row).map_err(failed))
            .collect()
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "used as a function in map_err"
)]
pub(super) fn failed(error: sqlx::Error) -> StoreError {
    tracing::error!(
        error = &error as &dyn std::error::Error,
        "could not read the record"
    );
    StoreError::Unavailable
}
