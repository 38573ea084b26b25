//! Rate limits of an administrator's look-ups, so that nobody can find out through the bot who exists and which contacts
//! they have.

use super::quota::Limit;
use super::written_enum;
use super::{Moment, Span};

/// A number of look-ups in a sliding window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// How many members may be looked up in the window.
    pub look_ups: u32,
    /// The length of the sliding window.
    pub within: Span,
}

/// The limits of one administrator.
pub const LOOK_UPS: [Allowance; 2] = [
    Allowance {
        look_ups: 30,
        within: Span::minutes(10),
    },
    Allowance {
        look_ups: 120,
        within: Span::hours(24),
    },
];

/// The number of refusals in [`REFUSALS_WITHIN`] that pauses an administrator's commands.
pub(crate) const REFUSALS: u32 = 20;

/// The window of [`REFUSALS`].
pub const REFUSALS_WITHIN: Span = Span::minutes(10);

/// The length of a pause.
pub const PAUSE: Span = Span::minutes(15);

/// How long look-ups and refusals count: the longest window.
pub(crate) const COUNT_FOR: Span = Span::hours(24);

written_enum! {
    /// What an administrator tried that counts against a limit.
    pub Tried {
        /// A member was looked up and shown.
        LookUp = "look_up",
        /// A member was looked up, and the reset was refused.
        RefusedLookUp = "refused_look_up",
        /// A click or a form was refused.
        RefusedClick = "refused_click",
    }
}

impl Tried {
    fn is_look_up(self) -> bool {
        matches!(self, Self::LookUp | Self::RefusedLookUp)
    }

    fn is_refused(self) -> bool {
        matches!(self, Self::RefusedLookUp | Self::RefusedClick)
    }
}

/// Why an administrator must wait before the next look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TooMany {
    /// Too many members were looked up.
    LookUps {
        /// The exhausted limit.
        of: Allowance,
        /// When the next one is possible.
        next_at: Moment,
    },
    /// Too many requests were refused.
    Refusals {
        /// When commands are accepted again.
        next_at: Moment,
    },
}

impl TooMany {
    /// The word in the audit.
    pub fn code(self) -> &'static str {
        match self {
            Self::LookUps { .. } => "too_many_look_ups",
            Self::Refusals { .. } => "paused",
        }
    }
}

/// Checks if another member may be looked up now; `tried` is everything of the last [`COUNT_FOR`]. Ignores pauses.
pub(crate) fn may_look_up(tried: &[(Moment, Tried)], now: Moment) -> Result<(), TooMany> {
    let at: Vec<Moment> = tried
        .iter()
        .filter(|(_, tried)| tried.is_look_up())
        .map(|(at, _)| *at)
        .collect();
    let closed = LOOK_UPS.iter().filter_map(|of| {
        let quota = Limit {
            resets: of.look_ups,
            window: of.within,
        }
        .measure(&at, now);
        let next_at = quota.next_at.filter(|_| quota.left == 0)?;
        Some(TooMany::LookUps { of: *of, next_at })
    });
    let last = closed.max_by_key(|closed| match closed {
        TooMany::LookUps { next_at, .. } | TooMany::Refusals { next_at } => *next_at,
    });
    last.map_or(Ok(()), Err)
}

/// Checks if a new command may be answered now: not during a pause, and not over a limit.
pub(crate) fn may_command(tried: &[(Moment, Tried)], now: Moment) -> Result<(), TooMany> {
    match paused_until(tried) {
        Some(next_at) if now < next_at => Err(TooMany::Refusals { next_at }),
        Some(_) | None => may_look_up(tried, now),
    }
}

/// The end of the last pause that these refusals caused. Refusals during a pause do not extend it, because the
/// administrator was told its end.
pub fn paused_until(tried: &[(Moment, Tried)]) -> Option<Moment> {
    let mut refused: Vec<Moment> = tried
        .iter()
        .filter(|(_, tried)| tried.is_refused())
        .map(|(at, _)| *at)
        .collect();
    refused.sort_unstable();
    let (mut recent, mut until) = (Vec::new(), None);
    for at in refused {
        if until.is_some_and(|until| at < until) {
            continue;
        }
        recent.retain(|earlier| at - *earlier < REFUSALS_WITHIN);
        recent.push(at);
        if recent.len() >= REFUSALS as usize {
            recent.clear();
            until = Some(at + PAUSE);
        }
    }
    until
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Moment {
        Moment(0) + Span::minutes(minutes)
    }

    fn times(count: i64, tried: Tried, from: Moment) -> Vec<(Moment, Tried)> {
        (0..count).map(|n| (from + Span(n), tried)).collect()
    }

    #[test]
    fn thirty_in_ten_minutes_and_a_hundred_and_twenty_a_day() {
        let thirty = times(30, Tried::LookUp, at(0));
        assert_eq!(may_look_up(&thirty[..29], at(1)), Ok(()));
        assert_eq!(
            may_look_up(&thirty, at(1)),
            Err(TooMany::LookUps {
                of: LOOK_UPS[0],
                next_at: at(10)
            })
        );
        assert_eq!(may_look_up(&thirty, at(10)), Ok(()));
        let day: Vec<_> = (0..4)
            .flat_map(|round| times(30, Tried::LookUp, at(20 * round)))
            .collect();
        let closed = Err(TooMany::LookUps {
            of: LOOK_UPS[1],
            next_at: at(24 * 60),
        });
        assert_eq!(may_look_up(&day, at(120)), closed);
        assert_eq!(may_look_up(&day, at(24 * 60)), Ok(()));
        // Where both are used up, the later end is told.
        assert_eq!(may_look_up(&day, at(61)), closed);
    }

    #[test]
    fn refused_look_ups_count_twice_and_clicks_once() {
        assert!(may_look_up(&times(30, Tried::RefusedLookUp, at(0)), at(1)).is_err());
        assert_eq!(
            may_look_up(&times(30, Tried::RefusedClick, at(0)), at(1)),
            Ok(())
        );
        assert_eq!(paused_until(&times(30, Tried::LookUp, at(0))), None);
    }

    #[test]
    fn twenty_refusals_pause_for_a_quarter_of_an_hour() {
        let refused = times(20, Tried::RefusedClick, at(0));
        let until = at(0) + Span(19) + PAUSE;
        assert_eq!(paused_until(&refused[..19]), None);
        assert_eq!(
            may_command(&refused, at(1)),
            Err(TooMany::Refusals { next_at: until })
        );
        assert_eq!(may_command(&refused, until), Ok(()));
        let slow: Vec<_> = (0..60)
            .map(|n| (Moment(0) + Span::seconds(32 * n), Tried::RefusedClick))
            .collect();
        assert_eq!(paused_until(&slow), None);
        // During the pause more is refused; its end stays where it was.
        let more = [refused, times(25, Tried::RefusedClick, at(2))].concat();
        assert_eq!(paused_until(&more), Some(until));
    }
}
