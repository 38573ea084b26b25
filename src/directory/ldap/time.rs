//! Times as LDAP servers write them.

use crate::domain::Moment;

/// A `GeneralizedTime` (RFC 4517, 3.3.13) in UTC, with or without a fraction.
pub(in crate::directory) fn generalized_time(text: &str) -> Option<Moment> {
    let digits = text.strip_suffix('Z')?;
    let whole = digits.split(['.', ',']).next()?;
    let time = jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", whole).ok()?;
    Some(Moment(
        time.to_zoned(jiff::tz::TimeZone::UTC)
            .ok()?
            .timestamp()
            .as_millisecond(),
    ))
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
            Some(Moment(1_795_428_000_000))
        );
        for wrong in [
            "",
            "Z",
            "20261123100000",
            "20261399100000Z",
            "000001010000Z",
        ] {
            assert_eq!(generalized_time(wrong), None, "{wrong}");
        }
    }
}
