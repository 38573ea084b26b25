//! Time: an injected clock, and texts for moments in the time zone of the settings.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::tz::TimeZone;

use crate::domain::{Moment, Span};

/// Where the time comes from.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// Stands still until it is moved. For tests.
    Fixed(Arc<AtomicI64>),
    /// The machine's clock, moved forward by so many milliseconds. For the demo.
    Moved(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `now`.
    pub fn fixed(now: Moment) -> Self {
        Self::Fixed(Arc::new(AtomicI64::new(now.0)))
    }

    /// The present moment. Ask once in a request, and pass it down.
    #[expect(clippy::disallowed_methods, reason = "everything else asks this clock")]
    pub fn now(&self) -> Moment {
        match self {
            Self::System => {
                let since = std::time::SystemTime::now()
                    .duration_since(std::time::UNIX_EPOCH)
                    .unwrap_or_default();
                Moment(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
            }
            Self::Fixed(at) => Moment(at.load(Ordering::SeqCst)),
            Self::Moved(_) => Self::System.now() + self.moved(),
        }
    }

    /// The machine's clock, until it is moved.
    pub fn movable() -> Self {
        Self::Moved(Arc::default())
    }

    /// How far it is ahead of the machine's clock.
    pub fn moved(&self) -> Span {
        match self {
            Self::Moved(by) => Span(by.load(Ordering::SeqCst)),
            Self::System | Self::Fixed(_) => Span(0),
        }
    }

    /// Moves the clock forward; the machine's own cannot be moved.
    pub fn advance(&self, span: Span) {
        if let Self::Fixed(at) | Self::Moved(at) = self {
            at.fetch_add(span.0, Ordering::SeqCst);
        }
    }
}

/// The time zone of texts.
#[derive(Clone, Debug)]
pub struct Zone(TimeZone);

/// No time zone of that name is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not a time zone such as Asia/Seoul")]
pub struct UnknownZone;

impl Zone {
    /// A zone of the built-in IANA database.
    pub fn named(name: &str) -> Result<Self, UnknownZone> {
        // The cause names the search paths of the database, which is built in.
        TimeZone::get(name).map(Self).map_err(|_| UnknownZone)
    }

    /// Coordinated universal time.
    pub const fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// `10:05`, `tomorrow 10:05` or `24 Nov 10:05`, seen from `now`.
    pub fn tell(&self, at: Moment, now: Moment) -> String {
        let (then, today) = (self.civil(at), self.civil(now));
        let clock = format!("{:02}:{:02}", then.hour(), then.minute());
        if then.date() == today.date() {
            clock
        } else if today
            .date()
            .tomorrow()
            .is_ok_and(|tomorrow| then.date() == tomorrow)
        {
            format!("tomorrow {clock}")
        } else {
            format!("{} {clock}", then.strftime("%-d %b"))
        }
    }

    /// `24 Nov 10:05`: always with the date, for texts that are read later.
    pub fn tell_with_date(&self, at: Moment) -> String {
        self.civil(at).strftime("%-d %b %H:%M").to_string()
    }

    /// `today at 10:05` or `on 24 Nov at 10:05`: when something was done, seen from `now`.
    pub fn tell_past(&self, at: Moment, now: Moment) -> String {
        let then = self.civil(at);
        let clock = format!("{:02}:{:02}", then.hour(), then.minute());
        if then.date() == self.civil(now).date() {
            format!("today at {clock}")
        } else {
            format!("on {} at {clock}", self.day(at))
        }
    }

    /// `at 10:05`, `tomorrow at 10:05` or `on 24 Nov at 10:05`: when something will be, in a sentence, seen from `now`.
    pub fn tell_at(&self, at: Moment, now: Moment) -> String {
        let (then, today) = (self.civil(at), self.civil(now));
        let clock = format!("{:02}:{:02}", then.hour(), then.minute());
        let tomorrow = today.date().tomorrow().ok();
        if then.date() == today.date() {
            format!("at {clock}")
        } else if tomorrow == Some(then.date()) {
            format!("tomorrow at {clock}")
        } else {
            format!("on {} at {clock}", self.day(at))
        }
    }

    /// `24 Nov 10:05 KST`: for texts that are read elsewhere. A zone without an abbreviation has its offset: `+04`.
    pub fn tell_with_zone(&self, at: Moment) -> String {
        self.zoned(at).strftime("%-d %b %H:%M %Z").to_string()
    }

    /// `24 Nov 2026 10:05`: for what may be years away.
    pub fn full_date(&self, at: Moment) -> String {
        self.civil(at).strftime("%-d %b %Y %H:%M").to_string()
    }

    /// `24 Nov`.
    pub fn day(&self, at: Moment) -> String {
        self.civil(at).strftime("%-d %b").to_string()
    }

    fn civil(&self, at: Moment) -> jiff::civil::DateTime {
        self.zoned(at).datetime()
    }

    fn zoned(&self, at: Moment) -> jiff::Zoned {
        let stamp = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
        stamp.to_zoned(self.0.clone())
    }
}

/// RFC 3339 in UTC with milliseconds, for JSON: `2026-11-23T10:05:00.000Z`.
pub(crate) fn rfc3339(at: Moment) -> String {
    let stamp = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    format!("{stamp:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_told_in_the_zone_with_the_date_when_it_is_not_today() {
        let zone = Zone::named("Asia/Seoul").unwrap();
        let now = Moment(1_795_399_200_000); // 2026-11-23 02:00 UTC, 11:00 in Seoul
        assert_eq!(zone.tell(now + Span::hours(5), now), "16:00");
        assert_eq!(zone.tell(now + Span::hours(24), now), "tomorrow 11:00");
        assert_eq!(zone.tell(now + Span::hours(48), now), "25 Nov 11:00");
        assert_eq!(zone.tell(now - Span::hours(24), now), "22 Nov 11:00");
        assert_eq!(zone.tell_at(now + Span::hours(5), now), "at 16:00");
        assert_eq!(
            zone.tell_at(now + Span::hours(24), now),
            "tomorrow at 11:00"
        );
        assert_eq!(
            zone.tell_at(now + Span::hours(48), now),
            "on 25 Nov at 11:00"
        );
        assert_eq!(zone.full_date(now), "23 Nov 2026 11:00");
        assert_eq!(zone.tell_with_zone(now), "23 Nov 11:00 KST");
        assert_eq!(Zone::utc().tell_with_zone(now), "23 Nov 02:00 UTC");
        assert_eq!(rfc3339(now), "2026-11-23T02:00:00.000Z");
        assert!(Zone::named("Mars/Olympus").is_err());
    }

    #[test]
    fn a_fixed_clock_moves_only_when_it_is_told_to() {
        let clock = Clock::fixed(Moment(5));
        clock.advance(Span(3));
        assert_eq!(clock.now(), Moment(8));
        let clock = Clock::movable();
        let before = clock.now();
        clock.advance(Span::hours(24));
        assert!(clock.now() - before >= Span::hours(24) && clock.moved() == Span::hours(24));
    }
}
