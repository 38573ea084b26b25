//! Links of chat accounts to people, by business e-mail.

use super::engine::{Connection, FromRow, Row, Tx, WriteError, params, read_column, table};
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

const ALL: &str = "
    select
        platform,
        chat_user,
        business_email_key,
        linked_at
    from link
    order by
        platform,
        chat_user";

/// A link as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedLink {
    /// Text, because a row may name a platform that this version does not know.
    pub platform: String,
    pub chat_user: String,
    /// The person's business e-mail in lower case.
    pub email_key: String,
    pub linked_at: Moment,
}

impl FromRow for ListedLink {
    fn from_row(row: &Row) -> Result<Self, sqlx::Error> {
        Ok(Self {
            platform: read_column(row, 0, "link")?,
            chat_user: read_column(row, 1, "link")?,
            email_key: read_column(row, 2, "link")?,
            linked_at: read_column(row, 3, "link")?,
        })
    }
}

/// A link to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLink {
    pub platform: Platform,
    pub chat_user: String,
    /// The person's business e-mail in lower case.
    pub email_key: String,
}

/// An account that belongs to another person so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovedLink {
    pub link: NewLink,
    /// The lower-case business e-mail of that person.
    pub from: String,
}

/// What became of links.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Linked {
    /// The accounts that had no link before.
    pub new: Vec<NewLink>,
    pub unchanged: usize,
    pub moved: Vec<MovedLink>,
}

/// Why no link was made.
#[derive(Debug, thiserror::Error)]
pub enum NotLinked {
    /// These accounts belong to other people, and nobody said that they move.
    #[error("{} accounts belong to other people", .0.len())]
    Taken(Vec<MovedLink>),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl WriteError for NotLinked {
    fn failure(&self) -> Option<StoreError> {
        match self {
            Self::Taken(_) => None,
            Self::Store(error) => Some(*error),
        }
    }
}

/// Whether a link may take an account from another person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moving {
    Allowed,
    Refused,
}

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

    /// Links chat accounts, as (platform, account, business e-mail in lower case), whoever had them before; for tests. What
    /// an operator links goes through [`Store::link_all`].
    pub async fn link(&self, links: Vec<(Platform, String, String)>) -> Result<(), StoreError> {
        let links = links.into_iter();
        let links = links.map(|(platform, chat_user, email_key)| NewLink {
            platform,
            chat_user,
            email_key,
        });
        let linked = self.link_all(links.collect(), Moving::Allowed).await;
        linked
            .map(drop)
            .map_err(|refused| refused.failure().unwrap_or(StoreError::Unavailable))
    }

    /// What linking these accounts would come to now.
    pub(crate) async fn plan_links(&self, links: &[NewLink]) -> Result<Linked, StoreError> {
        let mut connection = self.slow_reader().await?;
        sort(&mut connection, links).await
    }

    /// Links chat accounts, all or none. An account that another person has is taken from them only where that is allowed.
    pub async fn link_all(&self, links: Vec<NewLink>, moving: Moving) -> Result<Linked, NotLinked> {
        self.write((links, moving), link_all).await
    }

    /// All links, by platform and account.
    pub async fn links(&self) -> Result<Vec<ListedLink>, StoreError> {
        self.slow_reader().await?.all(ALL, params![]).await
    }

    /// Takes a link away; false if there was none.
    pub async fn unlink(&self, platform: Platform, user: &str) -> Result<bool, StoreError> {
        self.write((platform, user.to_owned()), unlink).await
    }
}

async fn link_all(
    tx: &mut Tx,
    (links, moving): &(Vec<NewLink>, Moving),
) -> Result<Linked, NotLinked> {
    // Before anything is written, because a refusal undoes nothing.
    let linked = sort(tx, links).await?;
    if *moving == Moving::Refused && !linked.moved.is_empty() {
        return Err(NotLinked::Taken(linked.moved));
    }
    for link in &linked.new {
        put(tx, link, "done", masked(&link.email_key)).await?;
    }
    for MovedLink { link, from } in &linked.moved {
        let detail = [masked(from), masked(&link.email_key)];
        let detail = detail.into_iter().flatten().collect::<Vec<_>>().join(" → ");
        put(tx, link, "moved", Some(detail)).await?;
    }
    Ok(linked)
}

/// Tells apart what is new, what stands already and what moves.
async fn sort(connection: &mut Connection, links: &[NewLink]) -> Result<Linked, StoreError> {
    let mut linked = Linked::default();
    for link in links {
        match email_of(connection, link.platform, &link.chat_user).await? {
            None => linked.new.push(link.clone()),
            Some(present) if present == link.email_key => linked.unchanged += 1,
            Some(from) => linked.moved.push(MovedLink {
                link: link.clone(),
                from,
            }),
        }
    }
    Ok(linked)
}

async fn put(
    tx: &mut Tx,
    link: &NewLink,
    outcome: &str,
    detail: Option<String>,
) -> Result<(), StoreError> {
    let row = LinkRow {
        platform: link.platform,
        chat_user: link.chat_user.clone(),
        business_email_key: link.email_key.clone(),
        linked_at: tx.now(),
    };
    tx.put(&row).await?;
    let line = AuditRow {
        outcome: outcome.to_owned(),
        detail,
        ..line(tx, "link", link.platform, &link.chat_user, &link.email_key).await?
    };
    tx.insert(&line).await
}

/// Of people in other directories no id is known here, so the audit has their address.
fn masked(email_key: &str) -> Option<String> {
    EmailAddress::stored(email_key)
        .ok()
        .map(|email| email.masked())
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
