//! Times as LDAP servers write them.

use crate::domain::Moment;

/// A `GeneralizedTime` (RFC 4517, 3.3.13): minutes and seconds may be missing, the smallest unit may have a fraction, and the
/// time is in UTC (`Z`) or so many hours and minutes ahead of it.
pub(in crate::directory) fn generalized_time(text: &str) -> Option<Moment> {
    let zone_at = text.find(['Z', '+', '-'])?;
    let (local, zone) = text.split_at_checked(zone_at)?;
    let (whole, fraction) = match local.split_once(['.', ',']) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (local, None),
    };
    // Year, month, day, hour, and what there is of minute and second.
    let number = |from: usize, to: usize| digits(whole.get(from..to)?);
    let has_minute = whole.len() >= 12;
    let has_second = whole.len() == 14;
    if !matches!(whole.len(), 10 | 12 | 14) {
        return None;
    }
    let minute = if has_minute { number(10, 12)? } else { 0 };
    // A leap second is told as the second before it.
    let second = if has_second {
        number(12, 14)?.min(59)
    } else {
        0
    };
    let small = |number: i64| i8::try_from(number).ok();
    let time = jiff::civil::DateTime::new(
        i16::try_from(number(0, 4)?).ok()?,
        small(number(4, 6)?)?,
        small(number(6, 8)?)?,
        small(number(8, 10)?)?,
        small(minute)?,
        small(second)?,
        0,
    );
    let utc = time.ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    let unit = if has_second {
        1_000
    } else if has_minute {
        60_000
    } else {
        3_600_000
    };
    let part = fraction.map_or(Some(0), |fraction| milliseconds(fraction, unit))?;
    let ahead = ahead_of_utc(zone)?;
    Some(Moment(utc.timestamp().as_millisecond() + part - ahead))
}

/// A number of digits only.
fn digits(text: &str) -> Option<i64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

/// A decimal fraction of a unit.
fn milliseconds(fraction: &str, unit: i64) -> Option<i64> {
    let known = fraction.get(..fraction.len().min(9))?;
    digits(
        fraction
            .get(known.len()..)
            .filter(|rest| !rest.is_empty())
            .unwrap_or("0"),
    )?;
    let scale = 10_i64.checked_pow(u32::try_from(known.len()).ok()?)?;
    Some(digits(known)? * unit / scale)
}

/// `Z`, `+09`, `-0330`, in milliseconds.
fn ahead_of_utc(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let hours = digits(zone.get(1..3)?)?;
    let minutes = match zone.get(3..)? {
        "" => 0,
        minutes if minutes.len() == 2 => digits(minutes)?,
        _ => return None,
    };
    Some(sign * (hours * 60 + minutes) * 60_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        assert_eq!(
            generalized_time("20261123100000Z"),
            Some(Moment(1_795_428_000_000))
        );
        assert_eq!(
            generalized_time("20261123100000.123456Z"),
            Some(Moment(1_795_428_000_123))
        );
        for (written, at) in [
            ("202611231000Z", 1_795_428_000_000),
            ("2026112310Z", 1_795_428_000_000),
            ("2026112310.5Z", 1_795_429_800_000),
            ("20261123190000+0900", 1_795_428_000_000),
            ("20261123063000,25-0330", 1_795_428_000_250),
            ("20261123115960Z", 1_795_435_199_000),
        ] {
            assert_eq!(generalized_time(written), Some(Moment(at)), "{written}");
        }
        assert!(generalized_time("000001010000Z").is_some_and(|at| at < Moment(0)));
        for wrong in [
            "",
            "Z",
            "20261123100000",
            "20261399100000Z",
            "202611231000000Z",
            "20261123100000.Z",
            "20261123100000.1234567890xZ",
            "20261123100000+9",
            "20261123100000+09000",
            "2026112310000é",
            "+0261123100000Z",
        ] {
            assert_eq!(generalized_time(wrong), None, "{wrong}");
        }
    }
}
