//! Links of chat accounts to people, by business e-mail.

use super::engine::{Connection, Tx, params, table};
use super::{AuditRow, Store, StoreError, members};
use crate::domain::{EmailAddress, Moment, Platform};

table! {
    /// A chat account and the person it belongs to.
    pub(super) struct LinkRow in "link" {
        key {
            platform: Platform,
            chat_user: String,
        }
        fixed {}
        changing {
            /// The person's business e-mail in lower case.
            business_email_key: String,
            linked_at: Moment,
        }
    }
}

pub(super) const EMAIL_OF: &str = "
    select business_email_key
    from link
    where platform = $1
        and chat_user = $2";

/// How many addresses [`ACCOUNTS_OF`] reads at once; hardly a member has more.
const ADDRESSES: usize = 2;

pub(super) const ACCOUNTS_OF: &str = "
    select
        platform,
        chat_user
    from link
    where business_email_key in ($1, $2)";

pub(super) const DELETE: &str = "
    delete from link
    where platform = $1
        and chat_user = $2";

/// The lower-case business e-mail that a chat account is linked to.
pub(super) async fn email_of(
    connection: &mut Connection,
    platform: Platform,
    user: &str,
) -> Result<Option<String>, StoreError> {
    let found: Option<(String,)> = connection.maybe(EMAIL_OF, params![platform, user]).await?;
    Ok(found.map(|(email_key,)| email_key))
}

impl Store {
    /// The lower-case business e-mail that a chat account is linked to.
    pub async fn linked_email(
        &self,
        platform: Platform,
        user: &str,
    ) -> Result<Option<String>, StoreError> {
        email_of(&mut self.reader().await?, platform, user).await
    }

    /// The chat accounts that are linked to any of these business e-mails in lower case, as (platform, id). The platform is
    /// text, because a row may name one that this version does not know.
    pub async fn accounts_linked_to(
        &self,
        email_keys: Vec<String>,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let mut connection = self.reader().await?;
        let mut accounts = Vec::new();
        let is_one_statement = email_keys.len() <= ADDRESSES;
        if !is_one_statement {
            connection.begin_read().await?;
        }
        for asked in email_keys.chunks(ADDRESSES) {
            let (one, other) = (asked.first().cloned(), asked.get(1).cloned());
            accounts.extend(connection.all(ACCOUNTS_OF, params![one, other]).await?);
        }
        if !is_one_statement {
            connection.end_read().await?;
        }
        Ok(accounts)
    }

    /// Links chat accounts, as (platform, account, business e-mail in lower case); a second link of an account replaces
    /// the first. All or none.
    pub async fn link(&self, links: Vec<(Platform, String, String)>) -> Result<(), StoreError> {
        self.write(
            links,
            async |tx: &mut Tx, links: &Vec<(Platform, String, String)>| {
                for (platform, user, email_key) in links {
                    link(tx, *platform, user, email_key).await?;
                }
                Ok::<_, StoreError>(())
            },
        )
        .await
    }

    /// Takes a link away; false if there was none.
    pub async fn unlink(&self, platform: Platform, user: &str) -> Result<bool, StoreError> {
        self.write((platform, user.to_owned()), unlink).await
    }
}

async fn link(
    tx: &mut Tx,
    platform: Platform,
    user: &str,
    email_key: &str,
) -> Result<(), StoreError> {
    let row = LinkRow {
        platform,
        chat_user: user.to_owned(),
        business_email_key: email_key.to_owned(),
        linked_at: tx.now(),
    };
    tx.put(&row).await?;
    // Of people in other directories no id is known here.
    let email = EmailAddress::stored(email_key).ok();
    let line = AuditRow {
        detail: email.map(|email| email.masked()),
        ..line(tx, "link", platform, user, email_key).await?
    };
    tx.insert(&line).await
}

async fn unlink(tx: &mut Tx, (platform, user): &(Platform, String)) -> Result<bool, StoreError> {
    let Some(email_key) = email_of(tx, *platform, user).await? else {
        return Ok(false);
    };
    let line = line(tx, "unlink", *platform, user, &email_key).await?;
    tx.insert(&line).await?;
    tx.run(DELETE, params![platform, user]).await?;
    Ok(true)
}

async fn line(
    tx: &mut Tx,
    event: &str,
    platform: Platform,
    user: &str,
    email_key: &str,
) -> Result<AuditRow, StoreError> {
    let member = members::by_email(tx, email_key).await?;
    Ok(AuditRow {
        platform: Some(platform),
        chat_user: Some(user.to_owned()),
        member_id: member.map(|member| member.member_id),
        ..AuditRow::of_operator(event, "done", tx.now())
    })
}
