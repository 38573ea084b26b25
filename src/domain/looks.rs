//! When relatch looks whether a password was set again after a reset.

use super::{Moment, Span};

/// How long after the change it looks.
const LOOKS: [Span; 3] = [Span::minutes(1), Span::minutes(10), Span::minutes(60)];

/// The pause before it asks again a directory that did not answer.
const RETRY_PAUSE: Span = Span::minutes(1);

/// How long after the change it goes on to ask one.
const RETRY_FOR: Span = Span::hours(24);

/// The next look after `now`; none after the last one.
pub(crate) fn next_look(changed_at: Moment, now: Moment) -> Option<Moment> {
    let all = LOOKS.map(|after| changed_at + after);
    all.into_iter().find(|at| *at > now)
}

/// The same where the directory did not answer the look that was due.
pub(crate) fn look_again(changed_at: Moment, now: Moment) -> Option<Moment> {
    (now - changed_at < RETRY_FOR).then(|| now + RETRY_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_three_and_end() {
        let changed_at = Moment(0);
        let next = |now: Span| next_look(changed_at, changed_at + now);
        let minutes = |count| Some(changed_at + Span::minutes(count));
        assert_eq!(next(Span(0)), minutes(1));
        assert_eq!(next(Span::minutes(1)), minutes(10));
        // Those that a stopped process missed are one.
        assert_eq!(next(Span::minutes(25)), minutes(60));
        assert_eq!(next(Span::minutes(60)), None);
    }

    #[test]
    fn a_silent_directory_is_asked_for_a_day() {
        let after = |now: Span| look_again(Moment(0), Moment(0) + now);
        assert_eq!(
            after(Span::minutes(60)),
            Some(Moment(0) + Span::minutes(61))
        );
        assert_eq!(after(Span::hours(24)), None);
    }
}
