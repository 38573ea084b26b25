//! Signed requests that were seen: the same bytes count once.

use super::engine::{Table, Tx, params, sql, table};
use super::{Store, StoreError};
use crate::domain::Moment;

table! {
    /// A signed request that was seen.
    pub(super) struct ReplayRow in "replay_key" {
        key {
            replay_key: String,
        }
        fixed {
            seen_at: Moment,
        }
        changing {}
    }
}

pub(super) const SEEN: &str = sql!(
    "select ",
    ReplayRow::COLUMNS,
    "
    from replay_key
    where replay_key = $1"
);

pub(super) const FREE: &str = "
    delete from replay_key
    where replay_key = $1";

/// The key under which a signed request is remembered: the same bytes again have the same key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReplayKey {
    key: String,
    /// See [`ReplayKey::of_form`].
    attempt: Option<String>,
}

impl ReplayKey {
    /// The key of a request that counts once.
    pub fn new(key: String) -> Self {
        Self { key, attempt: None }
    }

    /// The key of a form that stays open after a refusal and may be submitted again, with the same text too: a refusal
    /// frees the key. `attempt` names what was submitted, so that the same text is counted as one refusal.
    pub fn of_form(key: String, attempt: String) -> Self {
        Self {
            key,
            attempt: Some(attempt),
        }
    }

    /// The key as it is stored.
    pub fn as_str(&self) -> &str {
        &self.key
    }

    /// True for a form that may be submitted again after a refusal.
    pub fn is_freed_by_refusal(&self) -> bool {
        self.attempt.is_some()
    }

    /// The name under which a refusal or a look-up is counted.
    pub(super) fn counted_as(&self) -> &str {
        self.attempt.as_ref().unwrap_or(&self.key)
    }
}

impl Store {
    /// True when the record can be written. A row is written and deleted in one transaction, so that its commit needs room on
    /// the disk and leaves nothing behind.
    pub async fn is_writable(&self) -> bool {
        const TRIED: &str = "tried by check";

        let tried = async |tx: &mut Tx, (): &()| {
            tx.insert(&ReplayRow {
                replay_key: TRIED.to_owned(),
                seen_at: Moment(0),
            })
            .await?;
            tx.run(FREE, params![TRIED]).await?;
            Ok::<(), StoreError>(())
        };
        self.write((), tried).await.is_ok()
    }

    /// True if a request with this key is on record. A form that may be submitted again has been accepted then.
    pub async fn has_seen(&self, replay: &ReplayKey) -> Result<bool, StoreError> {
        let key = replay.key.clone();
        let found: Option<ReplayRow> = self.reader().await?.maybe(SEEN, params![key]).await?;
        Ok(found.is_some())
    }
}

/// Notes a signed request; false if it was seen before.
pub(super) async fn take(tx: &mut Tx, replay: &ReplayKey) -> Result<bool, StoreError> {
    #[cfg(debug_assertions)]
    tx.mark_webhook();
    let row = ReplayRow {
        replay_key: replay.key.clone(),
        seen_at: tx.now(),
    };
    tx.insert_new(&row).await
}

/// Forgets a form that may be submitted again, in the transaction that records why it was refused. Other requests stay
/// on record.
pub(super) async fn free(tx: &mut Tx, replay: &ReplayKey) -> Result<(), StoreError> {
    if replay.is_freed_by_refusal() {
        let key = replay.key.clone();
        tx.run(FREE, params![key]).await?;
    }
    Ok(())
}
