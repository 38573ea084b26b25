//! Whether the bot may write to one user alone: what its roles say, until the server refuses such a post.

use std::sync::{Mutex, PoisonError};

use super::learned::Learned;
use crate::domain::{Moment, Span};

/// How soon after a refusal the next post is tried.
const TRY_AGAIN_AFTER: Span = Span::minutes(1);

/// The permission to post to one user alone. Roles can say yes where the server says no, so after a refused post only a
/// post that was taken counts.
#[derive(Default)]
pub(super) struct Permission {
    pub(super) by_roles: Learned<bool>,
    /// After a refusal: when another post may be tried.
    try_again_at: Mutex<Option<Moment>>,
}

impl Permission {
    /// What is known; none before the first answer.
    pub(super) fn get(&self) -> Option<bool> {
        if self.is_refused() {
            Some(false)
        } else {
            self.by_roles.get()
        }
    }

    /// True after a refused post, until one is taken.
    pub(super) fn is_refused(&self) -> bool {
        self.try_again_at().is_some()
    }

    /// A post was refused.
    pub(super) fn refuse(&self, now: Moment) {
        *self.try_again_at() = Some(now + TRY_AGAIN_AFTER);
    }

    /// A post was taken.
    pub(super) fn allow(&self) {
        *self.try_again_at() = None;
        self.by_roles.set(true);
    }

    /// True for one caller a minute after a refusal: their post is tried, and shows whether the permission is there now.
    pub(super) fn may_try_again(&self, now: Moment) -> bool {
        let mut try_again_at = self.try_again_at();
        // A clock that was set back does not make anybody wait longer.
        let is_time = try_again_at.is_some_and(|at| now >= at || at - now > TRY_AGAIN_AFTER);
        if is_time {
            *try_again_at = Some(now + TRY_AGAIN_AFTER);
        }
        is_time
    }

    fn try_again_at(&self) -> std::sync::MutexGuard<'_, Option<Moment>> {
        self.try_again_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_refused_post_only_a_taken_one_counts() {
        let permission = Permission::default();
        assert_eq!(permission.get(), None);
        permission.by_roles.set(true);
        assert!(permission.get() == Some(true) && !permission.may_try_again(Moment(0)));
        permission.refuse(Moment(0));
        permission.by_roles.set(true);
        assert_eq!(
            permission.get(),
            Some(false),
            "the roles do not count any more"
        );
        let after = Moment(0) + TRY_AGAIN_AFTER;
        assert!(!permission.may_try_again(Moment(1)) && permission.may_try_again(after));
        assert!(!permission.may_try_again(after), "one a minute");
        permission.allow();
        assert_eq!(permission.get(), Some(true));
    }
}
