//! The limit of resets per administrator in a sliding window, exact to the millisecond (S36, S37, Q1).

use super::{Moment, Span};

/// How many resets an administrator may make in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Resets in one window.
    pub resets: u32,
    /// The length of the window.
    pub window: Span,
}

/// The quota of an administrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Slots used in the window.
    pub used: u32,
    /// Never below zero, even when the limit was lowered.
    pub left: u32,
    /// When the next slot is free again; none if none is used.
    pub next_at: Option<Moment>,
    /// The length of the window.
    pub window: Span,
}

impl Limit {
    /// Counts the slots that are used at `now`. A slot is free again when it is exactly one window old. One in the future
    /// counts, because the clock may have been set back.
    pub fn measure(self, taken_at: &[Moment], now: Moment) -> Quota {
        let mut in_window: Vec<Moment> = taken_at
            .iter()
            .copied()
            .filter(|at| now - *at < self.window)
            .collect();
        in_window.sort_unstable();
        let used = u32::try_from(in_window.len()).unwrap_or(u32::MAX);
        // If the limit was lowered, more slots may be used than it allows; then several must expire first.
        let waits_for = used.saturating_sub(self.resets) as usize;
        let next_at = in_window.get(waits_for).map(|at| *at + self.window);
        Quota {
            used,
            left: self.resets.saturating_sub(used),
            next_at,
            window: self.window,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMIT: Limit = Limit {
        resets: 5,
        window: Span::hours(24),
    };

    /// S36: refused at 86 399.999 s, allowed at 86 400.000 s.
    #[test]
    fn a_slot_opens_exactly_one_window_after_the_oldest() {
        let taken: Vec<Moment> = (0..5).map(|i| Moment(1_000_000 + i)).collect();
        let before = LIMIT.measure(&taken, Moment(1_000_000 + 86_399_999));
        assert_eq!(
            (before.left, before.next_at),
            (0, Some(Moment(1_000_000 + 86_400_000)))
        );
        assert_eq!(
            LIMIT.measure(&taken, Moment(1_000_000 + 86_400_000)).left,
            1
        );
    }

    #[test]
    fn a_slot_in_the_future_counts() {
        assert_eq!(LIMIT.measure(&[Moment(9_999_999)], Moment(0)).used, 1);
    }

    #[test]
    fn a_lowered_limit_waits_for_the_right_slot() {
        let limit = Limit {
            resets: 1,
            window: Span(100),
        };
        let quota = limit.measure(&[Moment(30), Moment(10), Moment(20)], Moment(50));
        assert_eq!((quota.left, quota.next_at), (0, Some(Moment(130))));
    }

    proptest! {
        /// Taking a slot whenever one is left never gives more than five in any window.
        #[test]
        fn no_window_ever_holds_more_than_the_limit(steps in prop::collection::vec(0_i64..20_000_000, 1..60)) {
            let (mut now, mut taken) = (Moment(0), Vec::new());
            for step in steps {
                now = now + Span(step);
                if LIMIT.measure(&taken, now).left > 0 {
                    taken.push(now);
                }
            }
            for end in &taken {
                let inside = taken.iter().filter(|at| **at <= *end && *end - **at < LIMIT.window).count();
                prop_assert!(inside <= 5);
            }
        }

        #[test]
        fn the_promised_moment_opens_a_slot(ages in prop::collection::vec(0_i64..86_400_000, 5..9)) {
            let taken: Vec<Moment> = ages.iter().map(|age| Moment(100_000_000 - age)).collect();
            let quota = LIMIT.measure(&taken, Moment(100_000_000));
            prop_assert_eq!(quota.left, 0);
            let opens = quota.next_at.unwrap();
            prop_assert_eq!(LIMIT.measure(&taken, opens - Span(1)).left, 0);
            prop_assert!(LIMIT.measure(&taken, opens).left >= 1);
        }
    }
}
