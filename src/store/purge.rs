//! Deletes what has been kept long enough, a few hundred rows a write, so that no other write waits long.

use super::engine::{Tx, params};
use super::{Store, StoreError};
use crate::domain::Span;
use crate::domain::code_alone::SIGN_IN_CODES_COUNT_FOR;
use crate::domain::contacts::COMMANDS_COUNT_FOR;
use crate::domain::look_up::COUNT_FOR;

/// How many rows one write deletes at most.
const STEP: u32 = 500;

/// Replay keys: no platform's signature is accepted after that.
const REPLAY_KEYS: &str = "
    delete from replay_key
    where replay_key in (
        select replay_key
        from replay_key
        where seen_at < $1
        limit $2
    )";

/// Cards that nobody confirmed.
pub(super) const CARDS: &str = "
    delete from reset
    where reset_id in (
        select reset_id
        from reset
        where claimed_at is null
            and finished_at < $1
        limit $2
    )";

const CONTACT_COMMANDS: &str = "
    delete from contact_command
    where (admin_id, noted_at, reference) in (
        select
            admin_id,
            noted_at,
            reference
        from contact_command
        where noted_at < $1
        limit $2
    )";

const CONTACT_CHECKS: &str = "
    delete from contact_check
    where check_id in (
        select check_id
        from contact_check
        where expires_at < $1
        limit $2
    )";

const CODE_SIGN_INS: &str = "
    delete from code_sign_in
    where sign_in_key in (
        select sign_in_key
        from code_sign_in
        where expires_at < $1
        limit $2
    )";

/// Codes that took the place of a password, with what their members said of them. A member may be locked for as long as one
/// was disowned.
const CODE_USES: [&str; 3] = [
    "
    delete from not_me_heard
    where reset_id in (
        select use_id
        from code_use
        where used_at < $1
        order by used_at, use_id
        limit $2
    )",
    "
    delete from not_me
    where reset_id in (
        select use_id
        from code_use
        where used_at < $1
        order by used_at, use_id
        limit $2
    )",
    "
    delete from code_use
    where use_id in (
        select use_id
        from code_use
        where used_at < $1
        order by used_at, use_id
        limit $2
    )",
];

const SESSIONS: &str = "
    delete from session
    where session_key in (
        select session_key
        from session
        where expires_at < $1
        limit $2
    )";

/// Only the oldest lines are looked at: they come in the order of time, so no index of their times is needed.
const AUDIT: &str = "
    delete from audit
    where seq in (
        select seq
        from (
            select
                seq,
                noted_at
            from audit
            order by seq
            limit $2
        ) as oldest
        where noted_at < $1
    )";

const LOOK_UPS: &str = "
    delete from look_up
    where (person_id, looked_at, replay_key) in (
        select
            person_id,
            looked_at,
            replay_key
        from look_up
        where looked_at < $1
        limit $2
    )";

/// Resets, with what belongs to them: these statements find the same resets, and the last one deletes them.
pub(super) const RESETS: [&str; 6] = [
    "
    delete from not_me_heard
    where reset_id in (
        select reset_id
        from reset
        where claimed_at < $1
        order by claimed_at, reset_id
        limit $2
    )",
    "
    delete from not_me
    where reset_id in (
        select reset_id
        from reset
        where claimed_at < $1
        order by claimed_at, reset_id
        limit $2
    )",
    "
    delete from notice
    where reset_id in (
        select reset_id
        from reset
        where claimed_at < $1
        order by claimed_at, reset_id
        limit $2
    )",
    "
    delete from step
    where reset_id in (
        select reset_id
        from reset
        where claimed_at < $1
        order by claimed_at, reset_id
        limit $2
    )",
    "
    delete from slot
    where (person_id, taken_at, reset_id) in (
        select
            admin_id,
            claimed_at,
            reset_id
        from reset
        where claimed_at < $1
        order by claimed_at, reset_id
        limit $2
    )",
    "
    delete from reset
    where reset_id in (
        select reset_id
        from reset
        where claimed_at < $1
        order by claimed_at, reset_id
        limit $2
    )",
];

/// What is deleted, and at which age. A new table whose rows grow old belongs here. What is kept for longer than some days
/// must use an index, since it blocks every other write.
const PURGES: [(&[&str], Span); 10] = [
    (&[REPLAY_KEYS], Span::hours(9)),
    (&[CARDS], Span::hours(7 * 24)),
    (&[CONTACT_COMMANDS], COMMANDS_COUNT_FOR),
    (&[CONTACT_CHECKS], Span::hours(1)),
    (&[CODE_SIGN_INS], SIGN_IN_CODES_COUNT_FOR),
    (&CODE_USES, Span::hours(400 * 24)),
    (&[SESSIONS], Span::hours(7 * 24)),
    (&[AUDIT], Span::hours(400 * 24)),
    (&[LOOK_UPS], COUNT_FOR),
    (&RESETS, Span::hours(400 * 24)),
];

impl Store {
    /// Deletes what has been kept long enough. Gives how many rows that were.
    pub async fn purge(&self) -> Result<u64, StoreError> {
        let mut deleted = 0;
        for purge in PURGES {
            loop {
                let (all, last) = self.write(purge, delete_some).await?;
                deleted += all;
                if last < u64::from(STEP) {
                    break;
                }
            }
        }
        Ok(deleted)
    }
}

/// Gives how many rows all statements deleted, and how many the last one did.
async fn delete_some(
    tx: &mut Tx,
    (statements, age): &(&'static [&'static str], Span),
) -> Result<(u64, u64), StoreError> {
    let before = tx.now() - *age;
    let (mut all, mut last) = (0, 0);
    for statement in *statements {
        last = tx.run(statement, params![before, STEP]).await?;
        all += last;
    }
    Ok((all, last))
}
