//! Which key file belongs to the database, and what operators did to the whole program.

use sqlx::Row;

use super::history::failed;
use super::rows::AuditRow;
use super::writer::Keys;
use super::{Store, StoreError};

impl Store {
    /// The fingerprint of the key that this database was served with; none before its first `serve`.
    pub async fn key_fingerprint(&self) -> Result<Option<String>, StoreError> {
        let found = sqlx::query("select fingerprint from key_fingerprint")
            .fetch_optional(&self.pool)
            .await;
        found
            .map_err(failed)?
            .map_or(Ok(None), |row| row.try_get(0).map(Some).map_err(failed))
    }

    /// Keeps the fingerprint of the key, if none is there, and gives back the one that is.
    pub async fn keep_key_fingerprint(&self, fingerprint: &str) -> Result<String, StoreError> {
        let mut together = self
            .pool
            .begin_with("begin immediate")
            .await
            .map_err(failed)?;
        let now = self.clock.now().0;
        let kept = sqlx::query(
            "insert into key_fingerprint (place, fingerprint, noted_at) values (1, $1, $2) on conflict do nothing",
        );
        let kept = kept
            .bind(fingerprint)
            .bind(now)
            .execute(&mut *together)
            .await
            .map_err(failed)?;
        if kept.rows_affected() > 0 {
            let noted = sqlx::query(
                "insert into audit (noted_at, event, outcome) values ($1, 'key', 'taken')",
            );
            noted
                .bind(now)
                .execute(&mut *together)
                .await
                .map_err(failed)?;
        }
        let row = sqlx::query("select fingerprint from key_fingerprint")
            .fetch_one(&mut *together)
            .await;
        let fingerprint = row.and_then(|row| row.try_get(0)).map_err(failed)?;
        together.commit().await.map_err(failed)?;
        Ok(fingerprint)
    }

    /// True where this database belongs to a key. A record of the version before has no fingerprint; but what has resets was
    /// served, and so had one.
    pub async fn belongs_to_a_key(&self) -> Result<bool, StoreError> {
        Ok(self.key_fingerprint().await?.is_some() || self.has_resets().await?)
    }

    /// True where somebody was reset, or was about to be.
    pub async fn has_resets(&self) -> Result<bool, StoreError> {
        let any = sqlx::query("select 1 from reset limit 1")
            .fetch_optional(&self.pool)
            .await
            .map_err(failed)?;
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
        self.write(Keys::default(), move |page, now| {
            let detail = Some(detail).filter(|detail| !detail.is_empty());
            page.audit(AuditRow {
                detail,
                ..AuditRow::of_operator(event, outcome, now)
            });
        })
        .await
    }
}
