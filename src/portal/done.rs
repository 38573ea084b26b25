//! What a form has changed, as the page that it leads to says it once. A cookie carries it there: an address would say it
//! again at every reload.

use axum::http::HeaderMap;
use axum::response::Response;

use super::cookies::{self, DONE, SetCookie};
use super::state::Portal;

/// In seconds. A page that is opened later has nothing to say about it any more.
const LIFE: i64 = 60;

/// Something that was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// The member replaced the password of a reset, or set one after a sign-in by a code.
    PasswordSet,
    /// The member replaced their own password.
    PasswordChanged,
    /// The same by a code, after which every session goes on.
    PasswordChangedByCode,
    OthersSignedOut,
    SignedOut,
    ContactAdded,
    ContactRemoved,
}

impl Done {
    const ALL: [Self; 7] = [
        Self::PasswordSet,
        Self::PasswordChanged,
        Self::PasswordChangedByCode,
        Self::OthersSignedOut,
        Self::SignedOut,
        Self::ContactAdded,
        Self::ContactRemoved,
    ];

    /// The value of the cookie. Where a neighbouring host can set it, it chooses a sentence, and folds a form at most.
    const fn word(self) -> &'static str {
        match self {
            Self::PasswordSet => "password_set",
            Self::PasswordChanged => "password_changed",
            Self::PasswordChangedByCode => "password_by_code",
            Self::OthersSignedOut => "others_out",
            Self::SignedOut => "out",
            Self::ContactAdded => "contact_added",
            Self::ContactRemoved => "contact_removed",
        }
    }

    /// True where the member has just set a password of their own.
    pub(super) const fn is_new_password(self) -> bool {
        match self {
            Self::PasswordSet | Self::PasswordChanged | Self::PasswordChangedByCode => true,
            Self::OthersSignedOut | Self::SignedOut | Self::ContactAdded | Self::ContactRemoved => {
                false
            }
        }
    }

    /// What was done, as the browser's cookie has it.
    pub(super) fn of(portal: &Portal, headers: &HeaderMap) -> Option<Self> {
        let word = cookies::read(headers, DONE.get(portal.is_secure))?;
        Self::ALL.into_iter().find(|done| done.word() == word)
    }

    /// Has the next page say it.
    pub(super) fn say_next(self, mut response: Response, portal: &Portal) -> Response {
        let cookie = SetCookie {
            max_age: Some(LIFE),
            ..SetCookie::strict(DONE.get(portal.is_secure), self.word())
        };
        cookie.add_to(&mut response, portal);
        response
    }

    /// Has no other page say it.
    pub(super) fn forget(response: &mut Response, portal: &Portal) {
        SetCookie::removal(DONE.get(portal.is_secure)).add_to(response, portal);
    }
}
