//! What a platform tells about an account, and a cache of it for cards.

use std::sync::Mutex;

use crate::domain::member::clean_name;
use crate::domain::{EmailAddress, Moment, Role, Span};
use crate::recent::Recent;

/// What the platform knows about an account.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Only a full member of our workspace may go on.
    pub kind: AccountKind,
    /// The name that people see in the chat, where the platform tells one. Whoever has the account may choose it, so it
    /// proves nothing.
    pub shown_name: Option<String>,
    /// The e-mail, only if the platform says that it is confirmed.
    pub confirmed_email: Option<EmailAddress>,
    /// The role that the platform's own roles give, for `admins.source = "chat"`.
    pub role: Role,
}

impl Profile {
    /// Somebody of another workspace, of whom nothing else counts.
    pub(super) fn of_stranger() -> Self {
        Self {
            kind: AccountKind::Stranger,
            shown_name: None,
            confirmed_email: None,
            role: Role::Member,
        }
    }
}

/// The first of an account's names that is not empty, cleaned for a sentence.
pub(super) fn shown_name<'a>(names: impl IntoIterator<Item = Option<&'a str>>) -> Option<String> {
    let mut names = names.into_iter().flatten().map(clean_name);
    names.find(|name| !name.is_empty())
}

/// How a platform writes the ids of accounts.
pub(crate) struct AccountIds {
    /// True for a text of that form; whether there is such an account is not known.
    pub is_one: fn(&str) -> bool,
    /// Says the form to whoever types an id, with an example.
    pub form: &'static str,
}

/// The kind of an account in the chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountKind {
    /// A full member of our workspace.
    Member,
    /// A guest of our workspace: may not use the bot.
    Guest,
    /// A bot or an app.
    Bot,
    /// Deactivated, so that nobody can use it.
    Deleted,
    /// Of another workspace, seen through a shared channel.
    Stranger,
}

/// How fresh a profile must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// A few seconds old is good enough: for a card.
    Cached,
    /// Read now, past every cache: before the reset.
    Now,
}

/// How long a cached profile is good enough for a card.
const CACHE_LIFE: Span = Span::seconds(30);
/// How many of the latest profiles are kept at least.
const CACHE_SIZE: usize = 10_000;

/// The profiles of the last half minute, for cards. A reset reads them anew.
pub(super) struct ProfileCache(Mutex<Recent<String, (Moment, Profile)>>);

impl Default for ProfileCache {
    fn default() -> Self {
        Self(Mutex::new(Recent::new(CACHE_LIFE, CACHE_SIZE)))
    }
}

impl ProfileCache {
    pub(super) fn get(&self, user: &str, now: Moment) -> Option<Profile> {
        let cached = self.0.lock().ok()?;
        cached
            .get(user)
            .filter(|(at, _)| now - *at < CACHE_LIFE && now >= *at)
            .map(|(_, profile)| profile.clone())
    }

    pub(super) fn keep(&self, user: &str, profile: &Profile, now: Moment) {
        if let Ok(mut cached) = self.0.lock() {
            cached.insert(user.to_owned(), (now, profile.clone()), now);
        }
    }
}
