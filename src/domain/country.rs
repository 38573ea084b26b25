//! Countries and territories by their two letters.

mod of_entry;

use std::fmt;
use std::str::FromStr;

/// A country or territory by its two-letter code (ISO 3166-1 alpha-2), such as `KR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Country(pub(super) phonenumber::country::Id);

/// The text is not the two letters of a country.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not the two letters of a country, such as KR")]
pub struct NotACountry;

impl FromStr for Country {
    type Err = NotACountry;

    fn from_str(text: &str) -> Result<Self, NotACountry> {
        text.trim()
            .to_ascii_uppercase()
            .parse()
            .map(Self)
            // The cause says no more.
            .map_err(|_| NotACountry)
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_are_two_letters() {
        assert_eq!(
            "kr".parse::<Country>().map(|country| country.to_string()),
            Ok("KR".to_owned())
        );
        for text in ["", "KOR", "Korea", "XX", "82"] {
            assert_eq!(text.parse::<Country>(), Err(NotACountry), "{text}");
        }
    }
}
