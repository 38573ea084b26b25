//! Members of the built-in directory, their credentials, and the links of chat accounts to people.

use sqlx::{AssertSqlSafe, Row};

use super::history::failed;
use super::rows::{self, MemberRow, Table};
use super::writer::{Credential, Keys, SignOut};
use super::{LookUp, MemberKey, Store, StoreError};
use crate::domain::{MemberId, Moment, Platform};

/// How an import ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportCount {
    /// Members that were not there before.
    pub added: usize,
    /// Members that were there.
    pub updated: usize,
}

impl Store {
    /// Inserts members, or updates them by business e-mail; their ids and credentials stay. All or none.
    pub async fn import_members(&self, members: Vec<MemberRow>) -> Result<ImportCount, StoreError> {
        let keys = members.iter().map(|member| MemberKey::Email(member.business_email_key.clone())).collect();
        let known = self.look_up(LookUp { members: keys, ..LookUp::default() }).await?;
        let updated = known.members.iter().flatten().count();
        let count = ImportCount { added: members.len().saturating_sub(updated), updated };
        self.write(Keys::default(), move |page, _| page.import(members)).await?;
        Ok(count)
    }

    /// All members, by business e-mail.
    pub async fn members(&self) -> Result<Vec<MemberRow>, StoreError> {
        let sql = format!("select {} from member order by business_email_key", MemberRow::ROW);
        let found = sqlx::query(AssertSqlSafe(sql)).fetch_all(&self.pool).await.map_err(failed)?;
        found.iter().map(|row| rows::read(row).map_err(failed)).collect()
    }

    /// The stored credential of a member, as a PHC string.
    pub async fn credential(&self, member: &MemberId) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("select credential from member where member_id = $1")
            .bind(&member.0)
            .fetch_optional(&self.pool)
            .await
            .map_err(failed)?;
        row.map_or(Ok(None), |row| row.try_get("credential").map_err(failed))
    }

    /// When a member's credential was last set.
    pub async fn credential_set_at(&self, member: &MemberId) -> Result<Option<Moment>, StoreError> {
        let row = sqlx::query("select credential_set_at from member where member_id = $1")
            .bind(&member.0)
            .fetch_optional(&self.pool)
            .await
            .map_err(failed)?;
        row.map_or(Ok(None), |row| Ok(row.try_get::<Option<i64>, _>(0).map_err(failed)?.map(Moment)))
    }

    /// Sets a credential and lifts a lock that came from failed sign-ins; `temporary_until` marks a password that
    /// has to be changed. The status stays (S17).
    pub async fn set_credential(
        &self,
        member: &MemberId,
        phc: String,
        temporary_until: Option<Moment>,
    ) -> Result<(), StoreError> {
        let member_id = member.clone();
        self.write(Keys::default(), move |page, set_at| {
            let signed_out_at = temporary_until.map(|_| set_at);
            page.set_credential(Credential { member_id, phc, set_at, temporary_until, signed_out_at });
        })
        .await
    }

    /// Voids every session of the member that stands.
    pub async fn sign_out(&self, member: &MemberId) -> Result<(), StoreError> {
        let member_id = member.clone();
        self.write(Keys::default(), move |page, signed_out_at| {
            page.sign_out(SignOut { member_id, signed_out_at });
        })
        .await
    }

    /// Links chat accounts, as (platform, account, business e-mail in lower case); a second link of an account replaces
    /// the first. All or none.
    pub async fn link(&self, links: Vec<(Platform, String, String)>) -> Result<(), StoreError> {
        let links = serde_json::to_string(&links).map_err(|_| StoreError::Unavailable)?;
        sqlx::query(
            "insert into link (platform, chat_user, business_email_key, linked_at)
            select value ->> 0, value ->> 1, value ->> 2, $2 from json_each($1) where true
            on conflict (platform, chat_user) do update set
                business_email_key = excluded.business_email_key, linked_at = excluded.linked_at",
        )
        .bind(links)
        .bind(self.clock.now().0)
        .execute(&self.pool)
        .await
        .map(drop)
        .map_err(failed)
    }

    /// Takes a link away; false if there was none.
    pub async fn unlink(&self, platform: Platform, user: &str) -> Result<bool, StoreError> {
        let done = sqlx::query("delete from link where platform = $1 and chat_user = $2")
            .bind(platform.as_str())
            .bind(user)
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(done.rows_affected() > 0)
    }
}
