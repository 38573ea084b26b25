//! Why a chat account, or a named member, matches no directory account, and what is told about it.

use super::messages;
use crate::app::{App, Identity};
use crate::chat::{AccountKind, Adapter, ApiError, Message, Profile};
use crate::domain::look_up::TooMany;
use crate::domain::{ChatUser, EmailAddress, Member, Reference};
use crate::store::StoreError;

/// A caller with a listed address whose entry is not the pinned one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NotPinned {
    pub(super) member: Member,
    pub(super) email: EmailAddress,
}

/// Why an account matches no person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoMatch {
    /// Not a full member of our workspace; with the name that people see there, where the platform tells it.
    Outsider(AccountKind, Option<String>),
    /// No confirmed e-mail and no link, or nobody or several people in the directory.
    Unknown,
    /// No directory account has this work e-mail.
    NoSuchEmail(String),
    /// The caller has an address of the administrators' list, but the address is pinned to another entry.
    NotPinned(Box<NotPinned>),
    /// The caller has used up their look-ups, so the member was not looked up.
    TooMany(Box<Member>, TooMany),
    /// The chat does not say.
    ChatFailed(ApiError),
    /// The directory with this name does not answer.
    DirectoryDown(String),
    /// The directory with this name cannot be used as it is set up.
    DirectoryMisconfigured(String),
    /// The record does not answer.
    StoreDown,
}

impl From<StoreError> for NoMatch {
    fn from(_: StoreError) -> Self {
        // The store has logged it.
        Self::StoreDown
    }
}

impl NoMatch {
    /// For an account that is no full member's.
    pub(super) fn outsider(profile: Profile) -> Self {
        Self::Outsider(profile.kind, profile.shown_name)
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Outsider(..) => "outsider",
            Self::Unknown => "unresolved",
            Self::NoSuchEmail(_) => "no_such_member",
            Self::NotPinned(_) => "not_pinned",
            Self::TooMany(_, too_many) => too_many.code(),
            Self::ChatFailed(_) => "chat_unavailable",
            Self::DirectoryDown(_) => "directory_down",
            Self::DirectoryMisconfigured(_) => "directory_misconfigured",
            Self::StoreDown => "store_down",
        }
    }

    /// True where chat and directory answered, so that the refusal says something about the named person.
    fn is_answer(&self) -> bool {
        match self {
            Self::Outsider(..)
            | Self::Unknown
            | Self::NoSuchEmail(_)
            | Self::ChatFailed(ApiError::NotFound) => true,
            Self::NotPinned(_)
            | Self::TooMany(..)
            | Self::ChatFailed(_)
            | Self::DirectoryDown(_)
            | Self::DirectoryMisconfigured(_)
            | Self::StoreDown => false,
        }
    }

    /// The caller's entry, where it is known.
    fn caller(&self) -> Option<&Member> {
        match self {
            Self::NotPinned(not_pinned) => Some(&not_pinned.member),
            Self::TooMany(member, _) => Some(member),
            Self::Outsider(..)
            | Self::Unknown
            | Self::NoSuchEmail(_)
            | Self::ChatFailed(_)
            | Self::DirectoryDown(_)
            | Self::DirectoryMisconfigured(_)
            | Self::StoreDown => None,
        }
    }
}

/// Who could not be matched, and why.
#[derive(Debug)]
pub(super) struct Unresolved {
    who: Unmatched,
    why: NoMatch,
}

/// The person who could not be matched.
#[derive(Debug)]
enum Unmatched {
    Caller,
    /// The member; with the administrator, where they were matched before.
    Member(Option<Box<Member>>),
}

impl Unresolved {
    pub(super) fn for_caller(why: NoMatch) -> Self {
        let who = Unmatched::Caller;
        Self { who, why }
    }

    pub(super) fn for_member(why: NoMatch) -> Self {
        let who = Unmatched::Member(None);
        Self { who, why }
    }

    /// The member, after the administrator was matched.
    pub(super) fn for_member_of(admin: &Member, why: NoMatch) -> Self {
        let who = Unmatched::Member(Some(Box::new(admin.clone())));
        Self { who, why }
    }

    /// A short fixed word for the audit.
    pub(super) fn code(&self) -> &'static str {
        self.why.code()
    }

    /// True where the caller could not be matched.
    pub(super) fn is_caller(&self) -> bool {
        matches!(self.who, Unmatched::Caller)
    }

    /// True where the refusal tells the administrator something about the member.
    pub(super) fn is_answer(&self) -> bool {
        !self.is_caller() && self.why.is_answer()
    }

    /// True where chat, directory or record did not answer, so that another try may end otherwise.
    pub(super) fn is_temporary(&self) -> bool {
        match &self.why {
            NoMatch::ChatFailed(error) => *error != ApiError::NotFound,
            NoMatch::DirectoryDown(_) | NoMatch::DirectoryMisconfigured(_) | NoMatch::StoreDown => {
                true
            }
            NoMatch::Outsider(..)
            | NoMatch::Unknown
            | NoMatch::NoSuchEmail(_)
            | NoMatch::NotPinned(_)
            | NoMatch::TooMany(..) => false,
        }
    }

    /// The caller's entry, where it is known.
    pub(super) fn admin(&self) -> Option<&Member> {
        match &self.who {
            Unmatched::Caller => self.why.caller(),
            Unmatched::Member(admin) => admin.as_deref(),
        }
    }

    /// What the caller, whose chat account this is, is told.
    pub(super) fn told(&self, app: &App, user: &ChatUser, reference: &Reference) -> Message {
        match &self.why {
            NoMatch::Outsider(kind, _) if self.is_caller() => {
                messages::outsider(*kind, &app.organization.name, reference)
            }
            NoMatch::Outsider(kind, shown_name) => {
                messages::named_outsider(*kind, shown_name.as_deref(), reference)
            }
            NoMatch::Unknown | NoMatch::ChatFailed(ApiError::NotFound) if self.is_caller() => {
                unknown_caller(app, user, reference)
            }
            NoMatch::Unknown => messages::unresolved_member(reference),
            NoMatch::NoSuchEmail(email) => messages::no_such_member(email, reference),
            NoMatch::NotPinned(not_pinned) => messages::not_pinned(&not_pinned.email, reference),
            NoMatch::TooMany(_, too_many) => {
                messages::too_many_look_ups(*too_many, &app.zone, app.clock.now(), reference)
            }
            NoMatch::ChatFailed(error) => messages::who_failed(error, reference),
            NoMatch::DirectoryDown(name) => messages::directory_down(name, reference),
            NoMatch::DirectoryMisconfigured(name) => {
                messages::directory_misconfigured(name, reference)
            }
            NoMatch::StoreDown => messages::store_down(reference),
        }
    }
}

/// What is told to the owner of a chat account that matches no directory account, or another one than before.
pub(super) fn unknown_caller(app: &App, user: &ChatUser, reference: &Reference) -> Message {
    let mut of_platform = app
        .chats
        .iter()
        .filter(|chat| chat.platform() == user.platform);
    let is_linked = match app.organization.identity {
        Identity::Linked => true,
        Identity::Email => of_platform.any(|chat| !chat.tells_emails()),
    };
    messages::unresolved_caller(user, is_linked, reference)
}
