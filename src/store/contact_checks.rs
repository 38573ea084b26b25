//! Codes that an administrator sends to an added contact and takes from the member: each is a transaction of its own.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, Sqlite, Transaction};

use super::codes::times_of;
use super::history::failed;
use super::{ReplayKey, SealedReply, Store, StoreError};
use crate::domain::sign_in::{CODE_LIFE, CODE_TRIES, CODES_COUNT_FOR, CodeDenied, may_send_code};
use crate::domain::{
    Channel, ChatUser, Destination, EmailAddress, MemberId, Moment, PhoneNumber, Platform, ResetId,
};

/// The right to send a code to one added contact, for the administrator who added it.
#[derive(Clone, Debug)]
pub struct ContactCheck {
    /// Its id, which the button carries.
    pub check_id: ResetId,
    /// Whose contact.
    pub member_id: MemberId,
    /// Their full name.
    pub member_name: String,
    /// Their business e-mail.
    pub member_email: EmailAddress,
    /// The contact.
    pub to: Destination,
    /// Who added it.
    pub admin_id: MemberId,
    /// Their chat account.
    pub user: ChatUser,
    /// Until when a code can be sent.
    pub expires_at: Moment,
    /// Where the answer goes.
    pub reply: Option<SealedReply>,
}

/// What became of the wish to send a code to a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContactCodeSent {
    /// It may be sent now.
    Yes,
    /// The same bytes were seen before.
    Replayed,
    /// The contact was removed meanwhile.
    Gone,
    /// Too soon, or too many codes to this member.
    Denied(CodeDenied),
}

/// What became of a code that the administrator typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContactAnswer {
    /// Right: the contact has answered.
    Right,
    /// Wrong; so many tries are left.
    Wrong(u32),
    /// No code works any more.
    Over,
    /// The contact was removed meanwhile.
    Gone,
    /// The same bytes were seen before; how many tries are left, if the code was wrong.
    Replayed(Option<u32>),
}

impl Store {
    /// Notes that a code may be sent to a contact that was just added.
    pub async fn offer_contact_check(&self, check: &ContactCheck) -> Result<(), StoreError> {
        let sql =
            "insert into contact_check (check_id, member_id, channel, address, admin_id, platform, tenant, chat_user,
                member_name, member_email, expires_at, reply, reply_until, code_tries)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0)";
        let query = sqlx::query(sql)
            .bind(check.check_id.to_string())
            .bind(&check.member_id.0)
            .bind(check.to.channel().as_str())
            .bind(check.to.full())
            .bind(&check.admin_id.0)
            .bind(check.user.platform.as_str())
            .bind(&check.user.tenant)
            .bind(&check.user.user)
            .bind(&check.member_name)
            .bind(check.member_email.as_str())
            .bind(check.expires_at.0)
            .bind(check.reply.as_ref().map(|reply| reply.sealed.clone()))
            .bind(check.reply.as_ref().map(|reply| reply.until.0));
        query.execute(&self.pool).await.map(drop).map_err(failed)
    }

    /// One of them.
    pub async fn contact_check(&self, id: ResetId) -> Result<Option<ContactCheck>, StoreError> {
        let found =
            sqlx::query("select * from contact_check where check_id = $1").bind(id.to_string());
        let found = found.fetch_optional(&self.pool).await.map_err(failed)?;
        found
            .map(|row| read_check(id, &row).map_err(failed))
            .transpose()
            .map(Option::flatten)
    }

    /// A code is about to be sent to the contact; the earlier one no longer works. It counts like every code to the member.
    pub async fn send_contact_code(
        &self,
        check: &ContactCheck,
        replay: &ReplayKey,
        digest: &str,
    ) -> Result<ContactCodeSent, StoreError> {
        let now = self.clock.now();
        let mut together = self
            .pool
            .begin_with("begin immediate")
            .await
            .map_err(failed)?;
        if !is_new(&mut together, replay, now).await? {
            return Ok(ContactCodeSent::Replayed);
        }
        if !is_on_record(&mut together, check).await? {
            note(&mut together, check, "contact_gone", now).await?;
            together.commit().await.map_err(failed)?;
            return Ok(ContactCodeSent::Gone);
        }
        let sent: Option<String> =
            sqlx::query_scalar("select codes_sent from member where member_id = $1")
                .bind(&check.member_id.0)
                .fetch_optional(&mut *together)
                .await
                .map_err(failed)?
                .flatten();
        let mut sent = times_of(sent.as_deref());
        let denied = may_send_code(&sent, now).err();
        note(
            &mut together,
            check,
            if denied.is_none() {
                "code_sent"
            } else {
                "code_denied"
            },
            now,
        )
        .await?;
        if denied.is_none() {
            sent.retain(|at| now - *at < CODES_COUNT_FOR);
            sent.push(now);
            let sent = sent
                .iter()
                .map(|at| at.0.to_string())
                .collect::<Vec<_>>()
                .join(",");
            let counted = sqlx::query("update member set codes_sent = $2 where member_id = $1");
            counted
                .bind(&check.member_id.0)
                .bind(sent)
                .execute(&mut *together)
                .await
                .map_err(failed)?;
            let sql = "update contact_check set code_digest = $2, code_sent_at = $3, code_tries = $4 where check_id = $1";
            let noted = sqlx::query(sql)
                .bind(check.check_id.to_string())
                .bind(digest)
                .bind(now.0)
                .bind(CODE_TRIES);
            noted.execute(&mut *together).await.map_err(failed)?;
        }
        together.commit().await.map_err(failed)?;
        Ok(denied.map_or(ContactCodeSent::Yes, ContactCodeSent::Denied))
    }

    /// A code that was read out to the administrator. A right one works once, and the contact counts from then on, whoever
    /// added it.
    pub async fn answer_contact_check(
        &self,
        check: &ContactCheck,
        replay: &ReplayKey,
        digest: &str,
    ) -> Result<ContactAnswer, StoreError> {
        let now = self.clock.now();
        let id = check.check_id.to_string();
        let mut together = self
            .pool
            .begin_with("begin immediate")
            .await
            .map_err(failed)?;
        let is_there = is_on_record(&mut together, check).await?;
        if !is_new(&mut together, replay, now).await? {
            if !is_there {
                return Ok(ContactAnswer::Gone);
            }
            // A code that was right is no longer there, so what was sent again was wrong.
            let sql = "select code_tries from contact_check where check_id = $1 and code_digest is not null";
            let left = sqlx::query_scalar(sql)
                .bind(&id)
                .fetch_optional(&mut *together)
                .await
                .map_err(failed)?;
            return Ok(ContactAnswer::Replayed(left));
        }
        if !is_there {
            note(&mut together, check, "contact_gone", now).await?;
            together.commit().await.map_err(failed)?;
            return Ok(ContactAnswer::Gone);
        }
        let sql =
            "select code_digest, code_sent_at, code_tries from contact_check where check_id = $1
            and code_digest is not null and code_tries > 0 and code_sent_at > $2";
        let found = sqlx::query(sql)
            .bind(&id)
            .bind((now - CODE_LIFE).0)
            .fetch_optional(&mut *together)
            .await;
        let Some(row) = found.map_err(failed)? else {
            note(&mut together, check, "code_over", now).await?;
            together.commit().await.map_err(failed)?;
            return Ok(ContactAnswer::Over);
        };
        let (expected, tries): (String, u32) = (
            row.try_get(0).map_err(failed)?,
            row.try_get(2).map_err(failed)?,
        );
        let (answer, statement) = if expected == digest {
            let sql = "update contact set answered_at = $1 where member_id = $2 and channel = $3 and address = $4";
            let answered = sqlx::query(sql).bind(now.0).bind(&check.member_id.0);
            let answered = answered
                .bind(check.to.channel().as_str())
                .bind(check.to.full());
            answered.execute(&mut *together).await.map_err(failed)?;
            (
                ContactAnswer::Right,
                "update contact_check set code_digest = null where check_id = $1",
            )
        } else {
            let left = tries.saturating_sub(1);
            let answer = if left == 0 {
                ContactAnswer::Over
            } else {
                ContactAnswer::Wrong(left)
            };
            (
                answer,
                "update contact_check set code_tries = code_tries - 1 where check_id = $1",
            )
        };
        sqlx::query(statement)
            .bind(&id)
            .execute(&mut *together)
            .await
            .map_err(failed)?;
        let outcome = if answer == ContactAnswer::Right {
            "answered"
        } else {
            "code_wrong"
        };
        note(&mut together, check, outcome, now).await?;
        together.commit().await.map_err(failed)?;
        Ok(answer)
    }
}

/// Is the contact still there? It may have been removed, by the member or for another one.
async fn is_on_record(
    together: &mut Transaction<'_, Sqlite>,
    check: &ContactCheck,
) -> Result<bool, StoreError> {
    let sql = "select count(*) from contact where member_id = $1 and channel = $2 and address = $3";
    let query = sqlx::query_scalar(sql)
        .bind(&check.member_id.0)
        .bind(check.to.channel().as_str());
    let found: i64 = query
        .bind(check.to.full())
        .fetch_one(&mut **together)
        .await
        .map_err(failed)?;
    Ok(found > 0)
}

/// Notes a signed request; false if it was seen before.
async fn is_new(
    together: &mut Transaction<'_, Sqlite>,
    replay: &ReplayKey,
    now: Moment,
) -> Result<bool, StoreError> {
    let sql = "insert into replay_key (replay_key, seen_at) values ($1, $2) on conflict (replay_key) do nothing";
    let noted = sqlx::query(sql)
        .bind(&replay.0)
        .bind(now.0)
        .execute(&mut **together)
        .await
        .map_err(failed)?;
    Ok(noted.rows_affected() > 0)
}

async fn note(
    together: &mut Transaction<'_, Sqlite>,
    check: &ContactCheck,
    outcome: &str,
    now: Moment,
) -> Result<(), StoreError> {
    let sql = "insert into audit (noted_at, event, outcome, platform, tenant, chat_user, admin_id, member_id, detail)
        values ($1, 'contact', $2, $3, $4, $5, $6, $7, $8)";
    let user = &check.user;
    let line = sqlx::query(sql)
        .bind(now.0)
        .bind(outcome)
        .bind(user.platform.as_str())
        .bind(&user.tenant);
    let line = line
        .bind(&user.user)
        .bind(&check.admin_id.0)
        .bind(&check.member_id.0)
        .bind(check.to.masked());
    line.execute(&mut **together)
        .await
        .map(drop)
        .map_err(failed)
}

/// None where the address cannot be read.
fn read_check(check_id: ResetId, row: &SqliteRow) -> Result<Option<ContactCheck>, sqlx::Error> {
    let text = |name: &str| row.try_get::<String, _>(name);
    let (address, reply) = (text("address")?, row.try_get::<Option<String>, _>("reply")?);
    let to = match text("channel")?.parse() {
        Ok(Channel::Sms) => PhoneNumber::stored(&address).ok().map(Destination::Phone),
        Ok(Channel::Email) => address.parse().ok().map(Destination::Email),
        Err(_) => None,
    };
    let platform: Option<Platform> = text("platform")?.parse().ok();
    let email: Option<EmailAddress> = text("member_email")?.parse().ok();
    let (Some(to), Some(platform), Some(member_email)) = (to, platform, email) else {
        return Ok(None);
    };
    let until: Option<i64> = row.try_get("reply_until")?;
    Ok(Some(ContactCheck {
        check_id,
        member_id: MemberId(text("member_id")?),
        member_name: text("member_name")?,
        member_email,
        to,
        admin_id: MemberId(text("admin_id")?),
        user: ChatUser {
            platform,
            tenant: text("tenant")?,
            user: text("chat_user")?,
        },
        expires_at: Moment(row.try_get("expires_at")?),
        reply: reply.zip(until).map(|(sealed, until)| SealedReply {
            sealed,
            until: Moment(until),
        }),
    }))
}
