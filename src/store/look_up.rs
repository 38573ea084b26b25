//! What one request wants to know of the record: a reset, members, linked chat accounts, pins of administrators.

use std::sync::Arc;

use super::engine::Session;
use super::{MemberRow, Pins, ResetRow, Store, StoreError, links, members, pins, resets};
use crate::domain::{MemberId, ResetId};

/// How a member of the built-in directory is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MemberKey {
    /// By business e-mail, in lower case.
    Email(String),
    /// By immutable id.
    Id(MemberId),
}

/// What one request wants to know.
#[derive(Clone, Debug, Default)]
pub struct LookUp {
    /// A reset.
    pub reset: Option<ResetId>,
    /// Members of the built-in directory.
    pub members: Vec<MemberKey>,
    /// Linked chat accounts, as (platform, id).
    pub links: Vec<(String, String)>,
    /// Business e-mails in lower case whose linked chat accounts are wanted.
    pub linked_to: Vec<String>,
    /// Addresses of listed administrators, in lower case.
    pub admin_pins: Vec<String>,
}

/// What was found, in the order asked.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The reset.
    pub reset: Option<Arc<ResetRow>>,
    /// The members.
    pub members: Vec<Option<Arc<MemberRow>>>,
    /// The lower-case business e-mail a chat account is linked to.
    pub links: Vec<Option<String>>,
    /// The chat accounts that are linked to any of the e-mails, as (platform, id).
    pub linked_to: Vec<(String, String)>,
    /// The pins of the addresses that were ever looked up to be pinned.
    pub admin_pins: Pins,
}

impl Store {
    /// Answers one look-up.
    pub async fn look_up(&self, look_up: LookUp) -> Result<Found, StoreError> {
        let mut session = self.reader().await?;
        let mut found = Found::default();
        if let Some(id) = look_up.reset {
            found.reset = resets::find(&mut session, id).await?.map(Arc::new);
        }
        for key in &look_up.members {
            let member = member(&mut session, key).await?;
            found.members.push(member.map(Arc::new));
        }
        for (platform, user) in &look_up.links {
            let email = links::email_of(&mut session, platform, user).await?;
            found.links.push(email);
        }
        for email_key in &look_up.linked_to {
            let accounts = links::accounts_of(&mut session, email_key).await?;
            found.linked_to.extend(accounts);
        }
        found.admin_pins = pins::of(&mut session, &look_up.admin_pins).await?;
        Ok(found)
    }
}

async fn member(session: &mut Session, key: &MemberKey) -> Result<Option<MemberRow>, StoreError> {
    match key {
        MemberKey::Email(email_key) => members::by_email(session, email_key).await,
        MemberKey::Id(id) => members::by_id(session, id).await,
    }
}
