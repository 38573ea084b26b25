//! "This wasn't me": who still gets its alarm by e-mail, and which administrators have heard it in chat.

use super::engine::{Table, Tx, params, sql, table};
use super::{MemberRow, ResetRow, Store, StoreError, resets};
use crate::domain::{MemberId, Moment, ResetId, Span};

/// How long after it was said administrators still hear it at a command. `log` shows it for as long as the reset is kept.
const HEARD_FOR: Span = Span::hours(30 * 24);

/// How long an attempt to send the alarm may take, before another one may begin.
pub(super) const SEND_LEASE: Span = Span::minutes(5);

table! {
    /// What a member said of a reset.
    pub(super) struct NotMeRow in "not_me" {
        key {
            reset_id: ResetId,
        }
        fixed {
            said_at: Moment,
        }
        changing {
            /// When the alarm goes out next; none once all have it.
            send_at: Option<Moment>,
            /// The keyed digests of those who have it, with spaces.
            told: String,
        }
    }
}

table! {
    /// An administrator heard it in chat.
    struct HeardRow in "not_me_heard" {
        key {
            reset_id: ResetId,
            person_id: MemberId,
        }
        fixed {
            heard_at: Moment,
        }
        changing {}
    }
}

impl NotMeRow {
    fn add_told(&mut self, digest: &str) {
        if !self.told.split_whitespace().any(|one| one == digest) {
            if !self.told.is_empty() {
                self.told.push(' ');
            }
            self.told.push_str(digest);
        }
    }
}

pub(super) const BY_ID: &str = sql!(
    "select ",
    NotMeRow::COLUMNS,
    "
    from not_me
    where reset_id = $1"
);

pub(super) const DUE: &str = sql!(
    "select ",
    NotMeRow::COLUMNS,
    "
    from not_me
    where send_at <= $1
    order by send_at
    limit 20"
);

/// `$1` is the administrator, and `$2` is 1 for one who hears of everybody's resets. The oldest come first; the others are
/// told at the next command.
pub(super) const UNHEARD: &str = sql!(
    "select ",
    ResetRow::QUALIFIED,
    "
    from not_me
    join reset on reset.reset_id = not_me.reset_id
    where not_me.said_at > $3
        and ($2 = 1 or reset.admin_id = $1)
        and reset.member_id <> $1
        and not exists (
            select 1
            from not_me_heard
            where not_me_heard.reset_id = not_me.reset_id
                and not_me_heard.person_id = $1
        )
    order by not_me.said_at
    limit 3"
);

pub(super) const FORGET_HEARD: &str = "
    delete from not_me_heard
    where reset_id = $1
        and person_id = $2";

/// A last look from before it was said does not tell of it, so it can no longer be confirmed. `expires_at` picks the
/// index of open cards.
pub(super) const OUTDATE_CARDS: &str = "
    update reset
    set edition = edition + 1
    where state = 'offered'
        and expires_at > 0
        and member_id = $1";

/// More are not told by e-mail.
pub(super) const PRIMARY_ADMINS: &str = sql!(
    "select ",
    MemberRow::COLUMNS,
    "
    from member
    where role = 'primary_admin'
        and status in ('active', 'inactive')
    order by member_id
    limit 20"
);

/// An alarm that goes out now.
#[derive(Clone, Debug)]
pub(crate) struct DueAlarm {
    /// The reset that the member did not ask for.
    pub reset: ResetRow,
    pub said_at: Moment,
    /// The keyed digests of those who have it.
    pub told: Vec<String>,
}

impl Store {
    /// The alarms that are due. Each is taken: another process finds it only after the time that an attempt may take.
    pub(crate) async fn due_alarms(&self) -> Result<Vec<DueAlarm>, StoreError> {
        let due: Vec<NotMeRow> = {
            let mut connection = self.slow_reader().await?;
            let now = connection.now();
            connection.all(DUE, params![now]).await?
        };
        if due.is_empty() {
            return Ok(Vec::new());
        }
        self.write(due, take_due).await
    }

    /// Notes that this recipient has the alarm, at once: a stop or a crash before the others have it tells nobody twice.
    pub(crate) async fn note_alarmed(&self, id: ResetId, digest: String) -> Result<(), StoreError> {
        self.write(
            (id, digest),
            async |tx: &mut Tx, (id, digest): &(ResetId, String)| {
                let found: Option<NotMeRow> = tx.maybe(BY_ID, params![id]).await?;
                if let Some(mut row) = found {
                    row.add_told(digest);
                    tx.put(&row).await?;
                }
                Ok::<_, StoreError>(())
            },
        )
        .await
    }

    /// Notes who has the alarm now, and when it goes out to the others; none where nobody is left.
    pub(crate) async fn note_sent(
        &self,
        id: ResetId,
        told: Vec<String>,
        next: Option<Span>,
    ) -> Result<(), StoreError> {
        self.write((id, told, next), note_sent).await
    }

    /// What members said of resets and this administrator has not heard: of their own, and of everybody's where
    /// `is_primary`, but for what they said themselves. True beside one after which the member was reset again. It counts
    /// as heard from now on.
    pub(crate) async fn hear(
        &self,
        person: &MemberId,
        is_primary: bool,
    ) -> Result<Vec<(ResetRow, bool)>, StoreError> {
        let mut unheard = Vec::new();
        {
            let mut connection = self.reader().await?;
            let since = connection.now() - HEARD_FOR;
            let is_primary = i64::from(is_primary);
            let rows: Vec<ResetRow> = connection
                .all(UNHEARD, params![person, is_primary, since])
                .await?;
            for row in rows {
                let newest = resets::newest_change(&mut connection, &row).await?;
                let is_over = newest.is_some_and(|newest| newest.changing_at > row.changing_at);
                unheard.push((row, is_over));
            }
        }
        if unheard.is_empty() {
            return Ok(unheard);
        }
        let heard = unheard
            .iter()
            .map(|(row, _)| (row.reset_id, person.clone()))
            .collect();
        self.note_heard(heard).await?;
        Ok(unheard)
    }

    /// Notes which administrators heard of which reset.
    pub(crate) async fn note_heard(
        &self,
        heard: Vec<(ResetId, MemberId)>,
    ) -> Result<(), StoreError> {
        self.write(
            heard,
            async |tx: &mut Tx, heard: &Vec<(ResetId, MemberId)>| {
                for (reset_id, person_id) in heard {
                    let row = HeardRow {
                        reset_id: *reset_id,
                        person_id: person_id.clone(),
                        heard_at: tx.now(),
                    };
                    tx.insert_new(&row).await?;
                }
                Ok::<_, StoreError>(())
            },
        )
        .await
    }

    /// The primary administrators that the built-in directory names.
    pub(crate) async fn primary_admins(&self) -> Result<Vec<MemberRow>, StoreError> {
        self.reader().await?.all(PRIMARY_ADMINS, params![]).await
    }
}

/// A member says it now: the alarm is about to go out, and last looks of open cards are out of date.
pub(super) async fn said(tx: &mut Tx, row: &ResetRow) -> Result<(), StoreError> {
    let said = NotMeRow {
        reset_id: row.reset_id,
        said_at: tx.now(),
        send_at: Some(tx.now() + SEND_LEASE),
        told: String::new(),
    };
    tx.insert_new(&said).await?;
    tx.run(OUTDATE_CARDS, params![row.member_id])
        .await
        .map(drop)
}

async fn take_due(tx: &mut Tx, due: &Vec<NotMeRow>) -> Result<Vec<DueAlarm>, StoreError> {
    let mut taken = Vec::new();
    for seen in due {
        let present: Option<NotMeRow> = tx.maybe(BY_ID, params![seen.reset_id]).await?;
        let Some(mut row) = present.filter(|row| row.send_at == seen.send_at) else {
            continue;
        };
        let reset = resets::find(tx, row.reset_id).await?;
        row.send_at = reset.as_ref().map(|_| tx.now() + SEND_LEASE);
        tx.put(&row).await?;
        taken.extend(reset.map(|reset| DueAlarm {
            reset,
            said_at: row.said_at,
            told: row.told.split_whitespace().map(str::to_owned).collect(),
        }));
    }
    Ok(taken)
}

async fn note_sent(
    tx: &mut Tx,
    (id, told, next): &(ResetId, Vec<String>, Option<Span>),
) -> Result<(), StoreError> {
    let found: Option<NotMeRow> = tx.maybe(BY_ID, params![id]).await?;
    let Some(mut row) = found else {
        return Ok(());
    };
    for digest in told {
        row.add_told(digest);
    }
    row.send_at = next.map(|next| tx.now() + next);
    tx.put(&row).await
}
