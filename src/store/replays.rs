//! Signed requests that were seen: the same bytes count once.

use super::StoreError;
use super::engine::{Tx, table};
use crate::domain::Moment;

table! {
    /// A signed request that was seen.
    pub(super) struct ReplayRow in "replay_key" {
        key {
            /// Its key.
            replay_key: String,
        }
        fixed {
            /// When it was seen.
            seen_at: Moment,
        }
        changing {}
    }
}

/// The key under which a signed request is remembered: the same bytes again have the same key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReplayKey(pub String);

/// Notes a signed request; false if it was seen before.
pub(super) async fn take(tx: &mut Tx, replay: &ReplayKey) -> Result<bool, StoreError> {
    #[cfg(debug_assertions)]
    tx.mark_webhook();
    let row = ReplayRow {
        replay_key: replay.0.clone(),
        seen_at: tx.now(),
    };
    tx.insert_new(&row).await
}
