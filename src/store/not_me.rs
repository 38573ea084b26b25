//! "This wasn't me": who still gets its alarm by e-mail, and which administrators have heard it in chat.

use super::engine::{Table, Tx, params, sql, table};
use super::{MemberRow, ResetRow, Store, StoreError, resets};
use crate::domain::{CodeUseId, MemberId, Moment, ResetId, Span};

/// How long after it was said administrators still hear it at a command. `log` shows it for as long as the reset is kept.
const HEARD_FOR: Span = Span::hours(30 * 24);

/// How long an attempt to send the alarm may take, before another one may begin.
pub(super) const SEND_LEASE: Span = Span::minutes(5);

table! {
    /// What a member said of a reset, or of a code that took the place of their password.
    pub(super) struct NotMeRow in "not_me" {
        key {
            /// The id of the reset or of the code.
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

/// The same of codes. Primary administrators hear of them: nobody else has made them.
pub(super) const UNHEARD_CODES: &str = "
    select
        code_use.use_id,
        member.name,
        code_use.used_at,
        coalesce(code_use.closed_at >= code_use.disowned_at, 0)
            and coalesce(member.credential_set_at, 0) <= not_me.said_at
            and not exists (
                select 1
                from reset
                where reset.member_id = code_use.member_id
                    and reset.changing_at > not_me.said_at
                    and reset.state <> 'refused'
            )
    from not_me
    join code_use on code_use.use_id = not_me.reset_id
    join member on member.member_id = code_use.member_id
    where not_me.said_at > $2
        and code_use.member_id <> $1
        and not exists (
            select 1
            from not_me_heard
            where not_me_heard.reset_id = not_me.reset_id
                and not_me_heard.person_id = $1
        )
    order by not_me.said_at
    limit 3";

/// When the last code was used that the member disowned, as long as no password was set since.
pub(super) const DISOWNED_CODE: &str = "
    select max(code_use.used_at)
    from code_use
    join member on member.member_id = code_use.member_id
    where code_use.member_id = $1
        and code_use.disowned_at >= coalesce(member.credential_set_at, 0)";

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

/// A code that a primary administrator has not heard of.
#[derive(Clone, Debug)]
pub(crate) struct UnheardCode {
    pub use_id: CodeUseId,
    pub member_name: String,
    pub used_at: Moment,
    /// False where a password was set since the code was used, before or after it was said.
    pub is_closed: bool,
}

impl Store {
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

    /// The same of codes, for a primary administrator: of everybody's but their own.
    pub(crate) async fn hear_codes(
        &self,
        person: &MemberId,
    ) -> Result<Vec<UnheardCode>, StoreError> {
        let unheard: Vec<(CodeUseId, String, Moment, bool)> = {
            let mut connection = self.reader().await?;
            let since = connection.now() - HEARD_FOR;
            connection
                .all(UNHEARD_CODES, params![person, since])
                .await?
        };
        if unheard.is_empty() {
            return Ok(Vec::new());
        }
        let heard = unheard.iter().map(|(id, ..)| (id.0, person.clone()));
        self.note_heard(heard.collect()).await?;
        let codes = unheard
            .into_iter()
            .map(|(use_id, member_name, used_at, is_closed)| UnheardCode {
                use_id,
                member_name,
                used_at,
                is_closed,
            });
        Ok(codes.collect())
    }

    /// When a code was used that the member has disowned since, if no password was set after that.
    pub(crate) async fn disowned_code(
        &self,
        member: &MemberId,
    ) -> Result<Option<Moment>, StoreError> {
        let mut connection = self.reader().await?;
        let (used_at,): (Option<Moment>,) = connection.one(DISOWNED_CODE, params![member]).await?;
        Ok(used_at)
    }

    /// Notes which administrators heard of which reset or code.
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
pub(super) async fn said(tx: &mut Tx, id: ResetId, member: &MemberId) -> Result<(), StoreError> {
    let said = NotMeRow {
        reset_id: id,
        said_at: tx.now(),
        send_at: Some(tx.now() + SEND_LEASE),
        told: String::new(),
    };
    tx.insert_new(&said).await?;
    tx.run(OUTDATE_CARDS, params![member]).await.map(drop)
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
