//! Which key file belongs to the database.

use sqlx::{Row, SqliteConnection};

use super::engine::{Tx, params};
use super::{AuditRow, Store, StoreError};

const FINGERPRINT: &str = "
    select fingerprint
    from key_fingerprint";

const HAS_TABLE: &str = "
    select 1
    from sqlite_schema
    where type = 'table' and name = 'key_fingerprint'";

const KEEP: &str = "
    insert into key_fingerprint (
        place,
        fingerprint,
        noted_at
    )
    values (1, $1, $2)
    on conflict (place) do nothing";

const REPLACE: &str = "
    insert into key_fingerprint (
        place,
        fingerprint,
        noted_at
    )
    values (1, $1, $2)
    on conflict (place) do update
    set
        fingerprint = excluded.fingerprint,
        noted_at = excluded.noted_at";

/// Where a password and a copy went is told by their masks from now on, as for resets of a version without digests. Which
/// addresses were typed and refused is forgotten: they have no masks. Sealed addresses cannot be opened.
const FORGET_DIGESTS: &str = "
    update reset
    set
        destination_digest = null,
        copy_digest = null,
        typed_digests = null,
        reply = null,
        reply_until = null
    where destination_digest is not null
        or copy_digest is not null
        or typed_digests is not null
        or reply is not null";

/// S41: nobody could tell any more which contacts must not get the code for such a password.
const END_TEMPORARY_PASSWORDS: &str = "
    update member
    set temporary_until = $1
    where temporary_until > $1";

/// A notice that is still to be sent goes to every contact, because nobody can tell who had it.
const FORGET_NOTICES: &str = "
    delete from notice";

/// A right code would count as a wrong one.
const FORGET_CODES: &str = "
    update session
    set code_digest = null
    where code_digest is not null";

/// The same of sign-ins by a code alone.
const FORGET_SIGN_IN_CODES: &str = "
    update code_sign_in
    set code_digest = null
    where code_digest is not null";

/// The same for codes to contacts, whose questions have sealed addresses too.
const FORGET_CONTACT_CHECKS: &str = "
    delete from contact_check";

/// An alarm that is still to be sent goes to everybody again, for the same reason.
const FORGET_ALARMED: &str = "
    update not_me
    set told = ''
    where told <> ''";

const FINGERPRINT_OR_RESET: &str = "
    select 1
    from key_fingerprint
    union all
    select 1
    from reset
    limit 1";

/// The fingerprint in a database that may be too old to have the table of it.
pub(super) async fn fingerprint_in(
    connection: &mut SqliteConnection,
) -> Result<Option<String>, sqlx::Error> {
    let has_table = sqlx::query(HAS_TABLE)
        .fetch_optional(&mut *connection)
        .await?;
    if has_table.is_none() {
        return Ok(None);
    }
    let found = sqlx::query(FINGERPRINT).fetch_optional(connection).await?;
    found.map(|row| row.try_get(0)).transpose()
}

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

    /// Takes another key in place of the one that is gone, and forgets what only that one could tell or open.
    pub async fn replace_key(&self, fingerprint: &str) -> Result<(), StoreError> {
        self.write(fingerprint.to_owned(), async |tx: &mut Tx, new: &String| {
            let now = tx.now();
            tx.run(REPLACE, params![new, now]).await?;
            tx.run(END_TEMPORARY_PASSWORDS, params![now]).await?;
            for statement in [
                FORGET_DIGESTS,
                FORGET_NOTICES,
                FORGET_CODES,
                FORGET_SIGN_IN_CODES,
                FORGET_CONTACT_CHECKS,
                FORGET_ALARMED,
            ] {
                tx.run(statement, params![]).await?;
            }
            tx.insert(&AuditRow::of_operator("key", "replaced", now))
                .await
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
}
