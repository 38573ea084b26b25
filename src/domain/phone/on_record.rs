//! Reads the phone that a directory has of a member, which may be written without its country code.

use std::fmt;

use super::PhoneNumber;
use crate::domain::country::Country;

/// What an administrator has to know of a member's phone on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PhoneRemark {
    /// It has no country code there, so that of this country was added.
    CountryAdded(Country),
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
    NoNumber,
    NotMobile,
}

/// How many characters of a phone that cannot be used are told.
const TOLD: usize = 4;

impl UnreadablePhone {
    fn new(text: &str, country: Option<Country>) -> Self {
        let is_told = |c: &char| c.is_ascii_digit() || *c == '+';
        let why = match (text.parse::<PhoneNumber>(), country) {
            (Err(super::NotAPhone::NotMobile), _) => Unreadable::NotMobile,
            _ if !text.chars().any(|c| c.is_ascii_digit()) || text.starts_with('+') => {
                Unreadable::NoNumber
            }
            (_, None) => Unreadable::NoCountryCode,
            (_, Some(country)) => match PhoneNumber::of(text, country) {
                Err(super::NotAPhone::NotMobile) => Unreadable::NotMobile,
                _ => Unreadable::NotOfCountry(country),
            },
        };
        Self {
            beginning: text.chars().filter(is_told).take(TOLD).collect(),
            why,
        }
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
            Unreadable::NoNumber => write!(f, "phone {beginning}… is not a complete phone number"),
            Unreadable::NotMobile => write!(f, "phone {beginning}… cannot receive an SMS"),
        }
    }
}

/// The first of these numbers that an SMS can reach, and what has to be known of it. Numbers that have their country code go
/// first; `country` is that of the others.
pub fn phone_on_record<'a>(
    texts: impl Iterator<Item = &'a str>,
    country: Option<Country>,
) -> (Option<PhoneNumber>, Option<PhoneRemark>) {
    let texts: Vec<&str> = texts
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .collect();
    if let Some(phone) = texts.iter().find_map(|text| text.parse().ok()) {
        return (Some(phone), None);
    }
    if let Some(country) = country
        && let Some(phone) = texts
            .iter()
            .find_map(|text| PhoneNumber::of(text, country).ok())
    {
        // A number may also bring the code of another country behind the digits with which one dials abroad.
        let is_added = country.calling_code() == Some(phone.calling_code());
        return (
            Some(phone),
            is_added.then_some(PhoneRemark::CountryAdded(country)),
        );
    }
    let unreadable = texts
        .first()
        .map(|text| PhoneRemark::Unreadable(UnreadablePhone::new(text, country)));
    (None, unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(texts: &[&str], country: Option<&str>) -> (Option<String>, Option<String>) {
        let country = country.map(|country| country.parse().unwrap());
        let (phone, remark) = phone_on_record(texts.iter().copied(), country);
        let remark = remark.map(|remark| match remark {
            PhoneRemark::CountryAdded(country) => country.to_string(),
            PhoneRemark::Unreadable(unreadable) => unreadable.to_string(),
        });
        (phone.map(|phone| phone.to_string()), remark)
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
                None,
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
                None,
            ),
            (
                &["+49 151"],
                Some("DE"),
                None,
                some("phone +491… is not a complete phone number"),
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
}
