//! Reads the phone that a directory has of a member, which may be written without its country code.

use std::fmt;

use super::{PhoneNumber, behind_zeros, is_plain};
use crate::domain::country::Country;

/// What an administrator has to know of a member's phone on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PhoneRemark {
    /// It has no country code there, so that of this country was added.
    CountryAdded(Country),
    /// It begins with 00 there, which was read as the plus before this country code.
    ZerosRead(u16),
    /// It cannot be used.
    Unreadable(UnreadablePhone),
}

/// A phone on record that cannot be used. Its text says so: `phone 0151… has no country code`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadablePhone {
    /// The first digits. The rest is nobody's business.
    beginning: String,
    why: Unreadable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unreadable {
    NoCountryCode,
    NotOfCountry(Country),
    Zeros,
    NoNumber,
    NotMobile,
}

/// How many characters of a phone that cannot be used are told, at most half of them.
const TOLD: usize = 4;

impl UnreadablePhone {
    fn new(text: &str, country: Option<Country>) -> Self {
        let is_told = |c: &char| c.is_ascii_digit() || *c == '+';
        let digits = text.chars().filter(char::is_ascii_digit).count();
        let why = match (text.parse::<PhoneNumber>(), country) {
            (Err(super::NotAPhone::NotMobile), _) => Unreadable::NotMobile,
            _ if digits == 0 || text.starts_with('+') || !is_plain(text) => Unreadable::NoNumber,
            _ if behind_zeros(text).is_some() => Unreadable::Zeros,
            (_, None) => Unreadable::NoCountryCode,
            (_, Some(country)) => match PhoneNumber::of(text, country) {
                Err(super::NotAPhone::NotMobile) => Unreadable::NotMobile,
                _ => Unreadable::NotOfCountry(country),
            },
        };
        Self {
            beginning: text
                .chars()
                .filter(is_told)
                .take(TOLD.min(digits / 2))
                .collect(),
            why,
        }
    }

    /// True where a country for all numbers without a country code would help.
    pub fn lacks_country(&self) -> bool {
        self.why == Unreadable::NoCountryCode
    }
}

impl fmt::Display for UnreadablePhone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let beginning = &self.beginning;
        match self.why {
            Unreadable::NoCountryCode => write!(f, "phone {beginning}… has no country code"),
            Unreadable::NotOfCountry(country) => {
                write!(
                    f,
                    "phone {beginning}… has no country code and is no number of {country}"
                )
            }
            Unreadable::Zeros => write!(
                f,
                "phone {beginning}… has to begin with + and the country code instead of 00"
            ),
            Unreadable::NoNumber => write!(f, "phone {beginning}… is not a complete phone number"),
            Unreadable::NotMobile => write!(f, "phone {beginning}… cannot receive an SMS"),
        }
    }
}

impl PhoneRemark {
    /// The phone that cannot be used.
    pub fn unreadable(&self) -> Option<&UnreadablePhone> {
        match self {
            Self::Unreadable(phone) => Some(phone),
            Self::CountryAdded(_) | Self::ZerosRead(_) => None,
        }
    }
}

/// The first of these numbers that an SMS can reach, and what has to be known of it and of one that cannot be read. Numbers
/// that have their country code go first; `country` is that of the others.
pub fn phone_on_record<'a>(
    texts: impl Iterator<Item = &'a str>,
    country: Option<Country>,
) -> (Option<PhoneNumber>, Vec<PhoneRemark>) {
    let texts: Vec<&str> = texts
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .collect();
    let whole = texts.iter().find_map(|text| text.parse().ok());
    let (phone, read_as) = match whole {
        Some(phone) => (Some(phone), None),
        None => country
            .and_then(|country| texts.iter().find_map(|text| completed(text, country)))
            .map_or((None, None), |(phone, read_as)| (Some(phone), read_as)),
    };
    let is_read = |text: &str| {
        text.parse::<PhoneNumber>().is_ok()
            || country.is_some_and(|country| PhoneNumber::of(text, country).is_ok())
    };
    let unread = texts.iter().filter(|text| !is_read(text));
    // A landline beside a mobile is nothing to correct.
    let unread = unread
        .map(|text| UnreadablePhone::new(text, country))
        .find(|unread| phone.is_none() || unread.why != Unreadable::NotMobile);
    let unread = unread.map(PhoneRemark::Unreadable);
    (phone, read_as.into_iter().chain(unread).collect())
}

/// A number without its country code, and how it was read.
fn completed(text: &str, country: Country) -> Option<(PhoneNumber, Option<PhoneRemark>)> {
    let phone = PhoneNumber::of(text, country).ok()?;
    let read_as = if text.contains('+') {
        None
    } else if behind_zeros(text).is_some() {
        Some(PhoneRemark::ZerosRead(phone.calling_code()))
    } else {
        Some(PhoneRemark::CountryAdded(country))
    };
    Some((phone, read_as))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(texts: &[&str], country: Option<&str>) -> (Option<String>, Option<String>) {
        let country = country.map(|country| country.parse().unwrap());
        let (phone, remarks) = phone_on_record(texts.iter().copied(), country);
        let told = remarks.iter().map(|remark| match remark {
            PhoneRemark::CountryAdded(country) => country.to_string(),
            PhoneRemark::ZerosRead(code) => format!("00 is +{code}"),
            PhoneRemark::Unreadable(unreadable) => unreadable.to_string(),
        });
        let told: Vec<String> = told.collect();
        let told = Some(told.join("; ")).filter(|told| !told.is_empty());
        (phone.map(|phone| phone.to_string()), told)
    }

    #[test]
    fn a_number_is_read_with_its_country_or_said_to_be_unreadable() {
        let some = |text: &str| Some(text.to_owned());
        for (texts, country, phone, remark) in [
            (
                &["+49 151 23456789"][..],
                Some("KR"),
                some("+4915123456789"),
                None,
            ),
            (
                &["0151/23456789"],
                Some("DE"),
                some("+4915123456789"),
                some("DE"),
            ),
            (
                &["010-1234-5642", "+82 10 1234 5699"],
                None,
                some("+821012345699"),
                some("phone 0101… has no country code"),
            ),
            (
                &["0151 23456789"],
                None,
                None,
                some("phone 0151… has no country code"),
            ),
            (
                &["0151 23456789"],
                Some("KR"),
                None,
                some("phone 0151… has no country code and is no number of KR"),
            ),
            (
                &["0049 151 23456789"],
                Some("FR"),
                some("+4915123456789"),
                some("00 is +49"),
            ),
            (
                &["+49 151"],
                Some("DE"),
                None,
                some("phone +4… is not a complete phone number"),
            ),
            (
                &["ask Mina"],
                Some("DE"),
                None,
                some("phone … is not a complete phone number"),
            ),
            (
                &["030 123456"],
                Some("DE"),
                None,
                some("phone 0301… cannot receive an SMS"),
            ),
            (
                &["+44 20 7946 0000"],
                None,
                None,
                some("phone +442… cannot receive an SMS"),
            ),
            (
                &["(+49) 151 23456789"],
                Some("KR"),
                some("+4915123456789"),
                None,
            ),
            (
                &["1234"],
                Some("DE"),
                None,
                some("phone 12… has no country code and is no number of DE"),
            ),
            (
                &["0151 23456789 (private)"],
                None,
                None,
                some("phone 0151… is not a complete phone number"),
            ),
            (&[" "], Some("DE"), None, None),
            (&[], Some("DE"), None, None),
        ] {
            assert_eq!(
                read(texts, country),
                (phone, remark),
                "{texts:?} {country:?}"
            );
        }
    }

    #[test]
    fn one_that_cannot_be_read_is_told_beside_the_one_that_is_used() {
        let some = |text: &str| Some(text.to_owned());
        for (texts, country, phone, remark) in [
            // A landline is read, and is nothing to correct.
            (
                &["010-1234-5642", "+82 10 1234 5699", "+82 2 555 0100"][..],
                Some("KR"),
                some("+821012345699"),
                None,
            ),
            (
                &["1234", "0151/23456789"],
                Some("DE"),
                some("+4915123456789"),
                some("DE; phone 12… has no country code and is no number of DE"),
            ),
        ] {
            assert_eq!(
                read(texts, country),
                (phone, remark),
                "{texts:?} {country:?}"
            );
        }
    }

    /// In these countries the library takes a digit of the country code for the choice of an operator (its metadata,
    /// `internationalPrefix`). What reaches another number there is not guessed at.
    #[test]
    fn zeros_for_the_plus_never_reach_another_number() {
        for (text, countries) in [
            ("0012202265607", &["KR", "HK", "TH", "SG"][..]),
            ("00918129698091", &["ID", "CO"]),
            ("001 658 223 4567", &["KR"]),
            // Landlines of Antwerp and Singapore, dialled with 001.
            ("001 32 3 234 56 78", &["HK", "KR"]),
            ("001 65 6612 3456", &["HK", "KR"]),
            ("011 49 151 23456789", &["US"]),
        ] {
            for country in countries {
                let (phone, remark) = read(&[text], Some(country));
                assert_eq!(phone, None, "{text} {country}");
                assert!(remark.is_some(), "{text} {country}");
            }
        }
        for (text, country, right) in [
            ("0063 917 123 4567", "TW", "+639171234567"),
            ("00918129698091", "BR", "+918129698091"),
            ("0049 151 23456789", "KR", "+4915123456789"),
            ("0049 (0)151 23456789", "DE", "+4915123456789"),
            ("0049 151 23456789", "US", "+4915123456789"),
        ] {
            let (phone, remark) = read(&[text], Some(country));
            assert!(
                phone.is_none() || phone.as_deref() == Some(right),
                "{text} {country}: {phone:?}"
            );
            let told = remark.unwrap_or_default();
            assert_eq!(
                phone.is_some(),
                told.starts_with("00 is +"),
                "{text} {country}: {told}"
            );
        }
    }
}
