//! Which key file belongs to the database, and what operators did to the whole program.

use super::engine::{Tx, params};
use super::{AuditRow, Store, StoreError};

const FINGERPRINT: &str = "
    select fingerprint
    from key_fingerprint";

const KEEP: &str = "
    insert into key_fingerprint (
        place,
        fingerprint,
        noted_at
    )
    values (1, $1, $2)
    on conflict (place) do nothing";

const FINGERPRINT_OR_RESET: &str = "
    select 1
    from key_fingerprint
    union all
    select 1
    from reset
    limit 1";

impl Store {
    /// The fingerprint of the key that this database was served with; none before its first `serve`.
    pub async fn key_fingerprint(&self) -> Result<Option<String>, StoreError> {
        let found: Option<(String,)> = self.reader().await?.maybe(FINGERPRINT, params![]).await?;
        Ok(found.map(|(fingerprint,)| fingerprint))
    }

    /// Keeps the fingerprint of the key, if none is there, and gives back the one that is.
    pub async fn keep_key_fingerprint(&self, fingerprint: &str) -> Result<String, StoreError> {
        self.write(fingerprint.to_owned(), async |tx: &mut Tx, new: &String| {
            let now = tx.now();
            if tx.run(KEEP, params![new, now]).await? > 0 {
                tx.insert(&AuditRow::of_operator("key", "taken", now))
                    .await?;
            }
            let (kept,): (String,) = tx.one(FINGERPRINT, params![]).await?;
            Ok::<_, StoreError>(kept)
        })
        .await
    }

    /// True where this database belongs to a key. A record of the version before has no fingerprint; but what has resets was
    /// served, and so had one.
    pub async fn belongs_to_a_key(&self) -> Result<bool, StoreError> {
        let mut connection = self.reader().await?;
        let any: Option<(i64,)> = connection.maybe(FINGERPRINT_OR_RESET, params![]).await?;
        Ok(any.is_some())
    }

    /// Writes down what an operator did to the whole program, such as reading the settings again. `detail` holds no
    /// values of settings.
    pub async fn note_operation(
        &self,
        event: &'static str,
        outcome: &'static str,
        detail: String,
    ) -> Result<(), StoreError> {
        self.write(
            (event, outcome, detail),
            async |tx: &mut Tx, (event, outcome, detail): &(&'static str, &'static str, String)| {
                let line = AuditRow {
                    detail: Some(detail.clone()).filter(|detail| !detail.is_empty()),
                    ..AuditRow::of_operator(event, outcome, tx.now())
                };
                tx.insert(&line).await
            },
        )
        .await
    }
}
