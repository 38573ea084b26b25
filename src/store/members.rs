//! Members of the built-in directory, their credentials, and the links of chat accounts to people.

use sqlx::{AssertSqlSafe, Row};

use super::history::failed;
use super::rows::{self, AuditRow, MemberRow, ResetRow, Table};
use super::writer::{Credential, Keys, SignOut};
use super::{LookUp, MemberKey, Store, StoreError};
use crate::domain::{EmailAddress, MemberId, Moment, Platform, State};

/// How an import ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportCount {
    /// Members that were not there before.
    pub added: usize,
    /// Members that were there.
    pub updated: usize,
}

/// A reset of the member is under way, and what it delivers must stay alive. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResetUnderWay {
    /// Whose.
    pub admin_name: String,
    /// How far it is.
    pub state: State,
}

impl Store {
    /// Inserts members, or updates them by business e-mail, whoever they are; for the demo and for tests. All or none.
    /// What an operator imports goes through [`Store::import`].
    pub async fn import_members(&self, members: Vec<MemberRow>) -> Result<ImportCount, StoreError> {
        let keys = members
            .iter()
            .map(|member| MemberKey::Email(member.business_email_key.clone()))
            .collect();
        let known = self
            .look_up(LookUp {
                members: keys,
                ..LookUp::default()
            })
            .await?;
        let updated = known.members.iter().flatten().count();
        let count = ImportCount {
            added: members.len().saturating_sub(updated),
            updated,
        };
        self.write(Keys::default(), move |page, now| {
            page.import(members);
            let detail = Some(format!("{} added, {} updated", count.added, count.updated));
            page.audit(AuditRow {
                detail,
                ..AuditRow::of_operator("import", "done", now)
            });
        })
        .await?;
        Ok(count)
    }

    /// All members, by business e-mail.
    pub async fn members(&self) -> Result<Vec<MemberRow>, StoreError> {
        let sql = format!(
            "select {} from member order by business_email_key",
            MemberRow::ROW
        );
        let found = sqlx::query(AssertSqlSafe(sql))
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
        found
            .iter()
            .map(|row| rows::read(row).map_err(failed))
            .collect()
    }

    /// The organisation's own number of a member.
    pub async fn employee_id(&self, member: &MemberId) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("select employee_id from member where member_id = $1")
            .bind(&member.0)
            .fetch_optional(&self.pool)
            .await
            .map_err(failed)?;
        row.map_or(Ok(None), |row| row.try_get(0).map_err(failed))
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
        row.map_or(Ok(None), |row| {
            Ok(row
                .try_get::<Option<i64>, _>(0)
                .map_err(failed)?
                .map(Moment))
        })
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
            page.set_credential(Credential {
                member_id,
                phc,
                set_at,
                temporary_until,
                signed_out_at,
            });
        })
        .await
    }

    /// Sets a lasting password for an operator and ends every session, unless a reset of the member is under way.
    pub async fn set_password(
        &self,
        member: &MemberId,
        phc: String,
    ) -> Result<Result<(), ResetUnderWay>, StoreError> {
        let member_id = member.clone();
        let keys = Keys {
            member: Some(member.clone()),
            ..Keys::default()
        };
        self.write(keys, move |page, now| {
            let is_under_way = |row: &&ResetRow| {
                row.member_id == member_id
                    && (row.is_waiting_for_another_way()
                        || row.state.is_active() && !row.is_given_up(now))
            };
            let under_way = page.resets().find(is_under_way);
            let under_way = under_way.map(|row| ResetUnderWay {
                admin_name: row.admin_name.clone(),
                state: row.state,
            });
            if let Some(under_way) = under_way {
                page.audit(AuditRow::of_member(
                    "set_password",
                    under_way.state.as_str(),
                    &member_id,
                    now,
                ));
                return Err(under_way);
            }
            page.audit(AuditRow::of_member("set_password", "done", &member_id, now));
            page.sign_out(SignOut {
                member_id: member_id.clone(),
                signed_out_at: now,
            });
            page.set_credential(Credential {
                member_id,
                phc,
                set_at: now,
                temporary_until: None,
                signed_out_at: None,
            });
            Ok(())
        })
        .await
    }

    /// Voids every session of the member that stands.
    pub async fn sign_out(&self, member: &MemberId) -> Result<(), StoreError> {
        let member_id = member.clone();
        self.write(Keys::default(), move |page, signed_out_at| {
            page.sign_out(SignOut {
                member_id,
                signed_out_at,
            });
        })
        .await
    }

    /// Links chat accounts, as (platform, account, business e-mail in lower case); a second link of an account replaces
    /// the first. All or none.
    pub async fn link(&self, links: Vec<(Platform, String, String)>) -> Result<(), StoreError> {
        // Of people in other directories no id is known here.
        let mask = |key: &str| key.parse().ok().map(|email: EmailAddress| email.masked());
        let links: Vec<_> = links
            .iter()
            .map(|(platform, user, key)| (platform, user, key, mask(key)))
            .collect();
        let links = serde_json::to_string(&links).map_err(|_| StoreError::Unavailable)?;
        let mut together = self.pool.begin().await.map_err(failed)?;
        for statement in [
            "insert into link (platform, chat_user, business_email_key, linked_at)
            select value ->> 0, value ->> 1, value ->> 2, $2 from json_each($1) where true
            on conflict (platform, chat_user) do update set
                business_email_key = excluded.business_email_key, linked_at = excluded.linked_at",
            "insert into audit (noted_at, event, outcome, platform, chat_user, member_id, detail)
            select $2, 'link', 'done', value ->> 0, value ->> 1,
                (select member_id from member where business_email_key = value ->> 2), value ->> 3 from json_each($1)",
        ] {
            let statement = sqlx::query(statement).bind(&links).bind(self.clock.now().0);
            statement.execute(&mut *together).await.map_err(failed)?;
        }
        together.commit().await.map_err(failed)
    }

    /// Takes a link away; false if there was none.
    pub async fn unlink(&self, platform: Platform, user: &str) -> Result<bool, StoreError> {
        let mut together = self.pool.begin().await.map_err(failed)?;
        let noted = sqlx::query(
            "insert into audit (noted_at, event, outcome, platform, chat_user, member_id)
            select $3, 'unlink', 'done', platform, chat_user,
                (select member_id from member where member.business_email_key = link.business_email_key)
            from link where platform = $1 and chat_user = $2",
        );
        let noted = noted
            .bind(platform.as_str())
            .bind(user)
            .bind(self.clock.now().0);
        noted.execute(&mut *together).await.map_err(failed)?;
        let done = sqlx::query("delete from link where platform = $1 and chat_user = $2");
        let done = done
            .bind(platform.as_str())
            .bind(user)
            .execute(&mut *together)
            .await
            .map_err(failed)?;
        together.commit().await.map_err(failed)?;
        Ok(done.rows_affected() > 0)
    }
}
