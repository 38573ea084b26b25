//! Codes that an administrator sends to an added contact, and types in when the member has read them out.

use super::engine::{Table, Tx, params, sql, table};
use super::{
    AuditRow, ReplayKey, SealedReply, Store, StoreError, accounts, codes, contacts, replays,
};
use crate::domain::sign_in::{CODE_LIFE, CODE_TRIES, CodeDenied, may_send_code};
use crate::domain::{
    Channel, ChatUser, CheckId, Destination, EmailAddress, MemberId, Moment, Platform,
};

table! {
    /// One [`ContactCheck`], with the code that was sent last.
    pub(super) struct CheckRow in "contact_check" {
        key {
            check_id: CheckId,
        }
        fixed {
            member_id: MemberId,
            channel: Channel,
            address: String,
            admin_id: MemberId,
            platform: Platform,
            tenant: String,
            chat_user: String,
            member_name: String,
            member_email: String,
            expires_at: Moment,
            reply: Option<String>,
            reply_until: Option<Moment>,
        }
        changing {
            /// The keyed digest of the code; none before one was sent, and once it was used.
            code_digest: Option<String>,
            code_sent_at: Option<Moment>,
            /// How often a code may still be typed.
            code_tries: u32,
        }
    }
}

pub(super) const BY_ID: &str = sql!(
    "select ",
    CheckRow::COLUMNS,
    "
    from contact_check
    where check_id = $1"
);

/// The right to send a code to one added contact, for the administrator who added it.
#[derive(Clone, Debug)]
pub struct ContactCheck {
    /// Its id, which the button carries.
    pub check_id: CheckId,
    pub member_id: MemberId,
    pub member_name: String,
    pub member_email: EmailAddress,
    pub to: Destination,
    pub admin_id: MemberId,
    pub user: ChatUser,
    /// Until when a code can be sent.
    pub expires_at: Moment,
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

/// Why a code was not sent that had been counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContactCodeNotSent {
    /// The administrator has lost the right, or it could not be read. Nothing was asked of a mail server or gateway, so
    /// it does not count against the member's own codes.
    NotAllowed,
    /// The mail server or gateway refused it. It still counts, so that nobody can have one asked without a pause.
    Refused,
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
    /// The same bytes were seen before; of a form that may be submitted again, they were right.
    Replayed,
}

impl Store {
    /// Notes that a code may be sent to a contact that was just added.
    pub async fn offer_contact_check(&self, check: &ContactCheck) -> Result<(), StoreError> {
        self.write(check.clone(), async |tx: &mut Tx, check: &ContactCheck| {
            tx.insert(&CheckRow::of(check)).await
        })
        .await
    }

    /// The check behind a button.
    pub async fn contact_check(&self, id: CheckId) -> Result<Option<ContactCheck>, StoreError> {
        let found: Option<CheckRow> = self.reader().await?.maybe(BY_ID, params![id]).await?;
        Ok(found.and_then(CheckRow::check))
    }

    /// A code is about to be sent to the contact; the earlier one no longer works. It counts like every code to the member.
    pub async fn send_contact_code(
        &self,
        check: &ContactCheck,
        replay: &ReplayKey,
        digest: &str,
    ) -> Result<ContactCodeSent, StoreError> {
        self.write(
            (check.clone(), replay.clone(), digest.to_owned()),
            send_code,
        )
        .await
    }

    /// Takes back a code that was not sent: it no longer works.
    pub async fn take_back_contact_code(
        &self,
        check: &ContactCheck,
        digest: &str,
        why: ContactCodeNotSent,
    ) -> Result<(), StoreError> {
        self.write((check.clone(), digest.to_owned(), why), take_back)
            .await
    }

    /// A code that was read out to the administrator. A right one works once, and the contact counts from then on, whoever
    /// added it.
    pub async fn answer_contact_check(
        &self,
        check: &ContactCheck,
        replay: &ReplayKey,
        digest: &str,
    ) -> Result<ContactAnswer, StoreError> {
        self.write((check.clone(), replay.clone(), digest.to_owned()), answer)
            .await
    }
}

async fn send_code(
    tx: &mut Tx,
    (check, replay, digest): &(ContactCheck, ReplayKey, String),
) -> Result<ContactCodeSent, StoreError> {
    if !replays::take(tx, replay).await? {
        return Ok(ContactCodeSent::Replayed);
    }
    if !is_on_record(tx, check).await? {
        note(tx, check, "contact_gone").await?;
        return Ok(ContactCodeSent::Gone);
    }
    let account = accounts::find(tx, &check.member_id).await?;
    let codes_sent = account
        .as_ref()
        .and_then(|account| account.codes_sent.as_deref());
    let sent = codes::sent_codes(codes_sent);
    if let Err(denied) = may_send_code(&sent, None, tx.now()) {
        note(tx, check, "code_denied").await?;
        return Ok(ContactCodeSent::Denied(denied));
    }
    note(tx, check, "code_sent").await?;
    if let Some(mut account) = account {
        account.codes_sent = Some(codes::with_one_more(sent, None, tx.now()));
        accounts::save(tx, &account).await?;
    }
    if let Some(mut row) = find(tx, check).await? {
        row.code_digest = Some(digest.clone());
        row.code_sent_at = Some(tx.now());
        row.code_tries = CODE_TRIES;
        tx.put(&row).await?;
    }
    Ok(ContactCodeSent::Yes)
}

async fn take_back(
    tx: &mut Tx,
    (check, digest, why): &(ContactCheck, String, ContactCodeNotSent),
) -> Result<(), StoreError> {
    note(tx, check, "code_not_sent").await?;
    let Some(mut row) = find(tx, check).await? else {
        return Ok(());
    };
    // A later code may have taken its place.
    if row.code_digest.as_ref() != Some(digest) {
        return Ok(());
    }
    let counted_at = row.code_sent_at.take();
    row.code_digest = None;
    tx.put(&row).await?;
    if *why == ContactCodeNotSent::Refused {
        return Ok(());
    }
    let account = accounts::find(tx, &check.member_id).await?;
    if let Some((mut account, counted_at)) = account.zip(counted_at) {
        let sent = codes::sent_codes(account.codes_sent.as_deref());
        account.codes_sent = codes::without(sent, counted_at);
        accounts::save(tx, &account).await?;
    }
    Ok(())
}

async fn answer(
    tx: &mut Tx,
    (check, replay, digest): &(ContactCheck, ReplayKey, String),
) -> Result<ContactAnswer, StoreError> {
    if !replays::take(tx, replay).await? {
        return Ok(ContactAnswer::Replayed);
    }
    let answer = judge(tx, check, digest).await?;
    if answer != ContactAnswer::Right {
        replays::free(tx, replay).await?;
    }
    Ok(answer)
}

/// Compares the code; a wrong one costs a try.
async fn judge(
    tx: &mut Tx,
    check: &ContactCheck,
    digest: &str,
) -> Result<ContactAnswer, StoreError> {
    if !is_on_record(tx, check).await? {
        note(tx, check, "contact_gone").await?;
        return Ok(ContactAnswer::Gone);
    }
    let oldest = tx.now() - CODE_LIFE;
    let found = find(tx, check).await?;
    let Some(mut row) = found.filter(|row| row.has_code(oldest)) else {
        note(tx, check, "code_over").await?;
        return Ok(ContactAnswer::Over);
    };
    if row.code_digest.as_deref() == Some(digest) {
        contacts::set_answered(tx, &check.member_id, check.to.full()).await?;
        row.code_digest = None;
        tx.put(&row).await?;
        note(tx, check, "answered").await?;
        return Ok(ContactAnswer::Right);
    }
    row.code_tries = row.code_tries.saturating_sub(1);
    tx.put(&row).await?;
    note(tx, check, "code_wrong").await?;
    Ok(match row.code_tries {
        0 => ContactAnswer::Over,
        left => ContactAnswer::Wrong(left),
    })
}

async fn find(tx: &mut Tx, check: &ContactCheck) -> Result<Option<CheckRow>, StoreError> {
    tx.maybe(BY_ID, params![check.check_id]).await
}

/// False where the contact was removed meanwhile, by the member or to make room for another one.
async fn is_on_record(tx: &mut Tx, check: &ContactCheck) -> Result<bool, StoreError> {
    let known = contacts::of_member(tx, &check.member_id).await?;
    Ok(known
        .iter()
        .any(|one| one.channel == check.to.channel() && one.address == check.to.full()))
}

async fn note(tx: &mut Tx, check: &ContactCheck, outcome: &str) -> Result<(), StoreError> {
    let line = AuditRow {
        admin_id: Some(check.admin_id.clone()),
        member_id: Some(check.member_id.clone()),
        detail: Some(check.to.masked()),
        ..AuditRow::of_chat("contact", outcome, &check.user, tx.now())
    };
    tx.insert(&line).await
}

impl CheckRow {
    fn of(check: &ContactCheck) -> Self {
        Self {
            check_id: check.check_id,
            member_id: check.member_id.clone(),
            channel: check.to.channel(),
            address: check.to.full().to_owned(),
            admin_id: check.admin_id.clone(),
            platform: check.user.platform,
            tenant: check.user.tenant.clone(),
            chat_user: check.user.user.clone(),
            member_name: check.member_name.clone(),
            member_email: check.member_email.to_string(),
            expires_at: check.expires_at,
            reply: check.reply.as_ref().map(|reply| reply.sealed.clone()),
            reply_until: check.reply.as_ref().map(|reply| reply.until),
            code_digest: None,
            code_sent_at: None,
            code_tries: 0,
        }
    }

    /// The check; none where its address can no longer be read.
    fn check(self) -> Option<ContactCheck> {
        let to = self.channel.stored(&self.address)?;
        Some(ContactCheck {
            check_id: self.check_id,
            member_id: self.member_id,
            member_name: self.member_name,
            member_email: EmailAddress::stored(&self.member_email).ok()?,
            to,
            admin_id: self.admin_id,
            user: ChatUser {
                platform: self.platform,
                tenant: self.tenant,
                user: self.chat_user,
            },
            expires_at: self.expires_at,
            reply: self
                .reply
                .zip(self.reply_until)
                .map(|(sealed, until)| SealedReply { sealed, until }),
        })
    }

    /// True where a code was sent after `oldest` that may still be typed.
    fn has_code(&self, oldest: Moment) -> bool {
        self.code_digest.is_some()
            && self.code_tries > 0
            && self.code_sent_at.is_some_and(|at| at > oldest)
    }
}
