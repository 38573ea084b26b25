//! Whether the bot may post to one user alone: as its roles say, until the server refuses such a post.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::{Moment, Span};

/// The pause between a refused post and the next try.
const TRY_AGAIN_AFTER: Span = Span::minutes(1);

/// The permission to post to one user alone. The server can refuse what the roles allow, so after a refused post only an
/// accepted post counts.
#[derive(Default)]
pub(super) struct PostPermission {
    /// As the roles said last, or an accepted post after that.
    is_given: Mutex<Option<bool>>,
    /// Set after a refusal: when another post may be tried.
    try_again_at: Mutex<Option<Moment>>,
}

impl PostPermission {
    /// What is known so far; none before the first answer.
    pub(super) fn get(&self) -> Option<bool> {
        if self.is_refused() {
            Some(false)
        } else {
            *self.is_given()
        }
    }

    /// True after a refused post, until one is accepted.
    pub(super) fn is_refused(&self) -> bool {
        self.try_again_at().is_some()
    }

    /// Notes what the roles say.
    pub(super) fn set_by_roles(&self, is_given: bool) {
        *self.is_given() = Some(is_given);
    }

    pub(super) fn refuse(&self, now: Moment) {
        *self.try_again_at() = Some(now + TRY_AGAIN_AFTER);
    }

    pub(super) fn allow(&self) {
        *self.try_again_at() = None;
        *self.is_given() = Some(true);
    }

    /// True for one caller a minute after a refusal: their post is tried, and shows if the bot has the permission now.
    pub(super) fn may_try_again(&self, now: Moment) -> bool {
        let mut try_again_at = self.try_again_at();
        // If the clock was set back, nobody waits longer than that.
        let is_time = try_again_at.is_some_and(|at| now >= at || at - now > TRY_AGAIN_AFTER);
        if is_time {
            *try_again_at = Some(now + TRY_AGAIN_AFTER);
        }
        is_time
    }

    fn is_given(&self) -> MutexGuard<'_, Option<bool>> {
        self.is_given.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_again_at(&self) -> MutexGuard<'_, Option<Moment>> {
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
        let permission = PostPermission::default();
        assert_eq!(permission.get(), None);
        permission.set_by_roles(true);
        assert!(permission.get() == Some(true) && !permission.may_try_again(Moment(0)));
        permission.refuse(Moment(0));
        permission.set_by_roles(true);
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
