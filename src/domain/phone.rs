//! Phone numbers that an SMS can reach.

mod help_phone;
pub(super) mod numbering;
mod on_record;

use std::fmt::{self, Write as _};
use std::str::FromStr;

use phonenumber::Mode;
use phonenumber::country::Source;
use serde::Serialize;

pub use self::help_phone::HelpPhone;
use self::numbering::Kind;
pub use self::on_record::{PhoneRemark, UnreadablePhone, phone_on_record};
use super::country::Country;

/// A complete phone number in E.164 form: `+821012345678`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct PhoneNumber(String);

/// The text is not a complete phone number that an SMS can reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAPhone {
    /// No country code, too short, or no such number range.
    #[error("is not a complete phone number with its country code, such as +82 10 1234 5678")]
    Incomplete,
    /// A landline, a pager or a premium number.
    #[error("cannot receive an SMS; a mobile number is needed")]
    NotMobile,
}

impl PhoneNumber {
    /// The number in E.164 form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Country code and last two digits, for cards and logs: `+82 ··· ··42`.
    pub fn masked(&self) -> String {
        let tail = self
            .0
            .get(self.0.len().saturating_sub(2)..)
            .unwrap_or_default();
        format!("+{} ··· ··{tail}", self.calling_code())
    }

    /// The number as people write it, in groups of digits, so that a typing error is seen: `+82 10 5555 6666`.
    pub fn in_groups(&self) -> String {
        let plain = || self.0.clone();
        let Ok(number) = phonenumber::parse(None, &self.0) else {
            return plain();
        };
        let mut grouped = String::new();
        let international = number.format().mode(Mode::International);
        // A country without rules is an error of the formatter.
        if write!(grouped, "{international}").is_err() {
            return plain();
        }
        let digits = |text: &str| {
            text.chars()
                .filter(char::is_ascii_digit)
                .collect::<String>()
        };
        if digits(&grouped) == digits(&self.0) {
            grouped.replace('-', " ")
        } else {
            plain()
        }
    }

    /// Country code and the rest; None for a code that no country has.
    pub(super) fn parts(&self) -> Option<(u16, &str)> {
        numbering::split(self.0.get(1..)?)
    }

    /// The country code, 0 where no country has it.
    pub(super) fn calling_code(&self) -> u16 {
        self.parts().map_or(0, |(code, _)| code)
    }

    /// The country of the number. None if several countries share the calling code and the digits do not tell which.
    pub fn country_of(&self) -> Option<Country> {
        let (code, national) = self.parts()?;
        let (region, _) = numbering::plan_of(code, national)?;
        region.id().parse().ok()
    }

    /// True for premium, shared-cost and personal numbers. An import of an older version may have put them on record, and
    /// [`PhoneNumber::stored`] does not check the rules of their countries.
    pub fn is_costly(&self) -> bool {
        let plan = self
            .parts()
            .and_then(|(code, national)| numbering::plan_of(code, national));
        matches!(plan, Some((_, Kind::Costly)))
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PhoneNumber {
    /// A number from the record, which was parsed before it was stored. Only its form is checked, not its country's rules.
    pub fn stored(text: &str) -> Result<Self, NotAPhone> {
        let digits = text.strip_prefix('+').ok_or(NotAPhone::Incomplete)?;
        let is_e164 =
            (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_e164 {
            return Err(NotAPhone::Incomplete);
        }
        if GLOBAL_CODES.iter().any(|code| digits.starts_with(code)) {
            return Err(NotAPhone::NotMobile);
        }
        Ok(Self(text.to_owned()))
    }
}

/// Codes that belong to no country: freephone, shared cost, Inmarsat, personal numbers, satellites and other networks,
/// relief, premium rate (ITU-T, "List of ITU-T Recommendation E.164 assigned country codes").
const GLOBAL_CODES: [&str; 9] = [
    "800", "808", "870", "878", "881", "882", "883", "888", "979",
];

impl FromStr for PhoneNumber {
    type Err = NotAPhone;

    fn from_str(text: &str) -> Result<Self, NotAPhone> {
        let text = text.trim();
        let digits = text.strip_prefix('+').ok_or(NotAPhone::Incomplete)?;
        if !is_plain(text) {
            return Err(NotAPhone::Incomplete);
        }
        let digits: String = digits.chars().filter(char::is_ascii_digit).collect();
        // As it is written, before the library takes a zero of the number itself for one that is only dialled inside a country.
        if let Some((code, national)) = numbering::split(&digits)
            && let Ok(phone) = Self::planned(code, national)
        {
            return Ok(phone);
        }
        Self::parsed(text, None)
    }
}

impl PhoneNumber {
    /// Reads a number without a country code as one of this country.
    fn of(text: &str, country: Country) -> Result<Self, NotAPhone> {
        if !is_plain(text) {
            return Err(NotAPhone::Incomplete);
        }
        if let Some((before, rest)) = text.split_once('+') {
            let is_first = !before.contains(|c: char| c.is_ascii_digit());
            return if is_first {
                format!("+{rest}").parse()
            } else {
                Err(NotAPhone::Incomplete)
            };
        }
        let Some(rest) = behind_zeros(text) else {
            return Self::parsed(text, Some(country));
        };
        let phone: Self = format!("+{rest}").parse()?;
        // In some countries more digits than the zeros choose an operator for calls abroad. Then it may be another number.
        match Self::dialled_in(text, country) {
            Some(other) if other != phone.0 => Err(NotAPhone::Incomplete),
            Some(_) | None => Ok(phone),
        }
    }

    /// The number, a mobile or not, that this text reaches if it is dialled in this country with the digits for calls abroad.
    fn dialled_in(text: &str, Country(id): Country) -> Option<String> {
        let number = phonenumber::parse(Some(id), text).ok()?;
        let (code, national) = (number.code().value(), number.national().to_string());
        let is_one =
            number.code().source() == Source::Idd && numbering::plan_of(code, &national).is_some();
        is_one.then(|| format!("+{code}{national}"))
    }

    fn parsed(text: &str, country: Option<Country>) -> Result<Self, NotAPhone> {
        let country = country.map(|Country(id)| id);
        // The parser's reasons are told as one, with an example of what is accepted.
        let number = phonenumber::parse(country, text).map_err(|_| NotAPhone::Incomplete)?;
        // The digits for calls abroad of some countries swallow one of the country code.
        if country.is_some() && number.code().source() == Source::Idd {
            return Err(NotAPhone::Incomplete);
        }
        of_library(&number)
    }

    /// The number, if the plan of its country has it as a mobile.
    fn planned(code: u16, national: &str) -> Result<Self, NotAPhone> {
        if GLOBAL_CODES.contains(&code.to_string().as_str()) {
            return Err(NotAPhone::NotMobile);
        }
        match numbering::plan_of(code, national) {
            Some((_, Kind::Mobile)) => Ok(Self(format!("+{code}{national}"))),
            Some((_, Kind::Costly | Kind::Other)) => Err(NotAPhone::NotMobile),
            None => Err(NotAPhone::Incomplete),
        }
    }
}

fn of_library(number: &phonenumber::PhoneNumber) -> Result<PhoneNumber, NotAPhone> {
    PhoneNumber::planned(number.code().value(), &number.national().to_string())
}

/// What follows the zeros that stand for the plus: `49 151…` of `0049 151…`.
fn behind_zeros(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("00")?.trim_start();
    rest.starts_with(|c: char| c.is_ascii_digit() || c == '(')
        .then_some(rest)
}

/// True for digits and the marks between them, and nothing else.
fn is_plain(text: &str) -> bool {
    let is_mark = |c: char| " +-()./\u{a0}".contains(c);
    text.len() <= 32 && text.chars().all(|c| c.is_ascii_digit() || is_mark(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    /// S24.
    #[test]
    fn phone_numbers_are_complete_and_mobile() {
        assert_eq!(
            "+82 10-1234-5678".parse::<PhoneNumber>().unwrap().as_str(),
            "+821012345678"
        );
        for wrong in [
            "",
            "010 1234 5678",
            "+82 12",
            "82 10 1234 5678",
            "+15550100",
            "+82 10 1234 5678 ext 3",
            "+8210123456789999",
        ] {
            assert_eq!(
                wrong.parse::<PhoneNumber>(),
                Err(NotAPhone::Incomplete),
                "{wrong:?}"
            );
        }
        assert_eq!(
            "+442079460000".parse::<PhoneNumber>(),
            Err(NotAPhone::NotMobile)
        );
    }

    #[test]
    fn a_number_is_masked() {
        for (number, masked) in [
            ("+821012345642", "+82 ··· ··42"),
            ("+12025550123", "+1 ··· ··23"),
            ("+79161234567", "+7 ··· ··67"),
            ("+358401234567", "+358 ··· ··67"),
            ("+9990000000", "+0 ··· ··00"),
        ] {
            assert_eq!(PhoneNumber::stored(number).unwrap().masked(), masked);
        }
    }

    /// Satellite, premium, shared-cost and personal numbers never get an SMS, typed or on record.
    #[test]
    fn costly_numbers_are_no_phones() {
        let costly = [
            "+881612345678",
            "+870773111632",
            "+88216123456",
            "+883510012345",
            "+979123456789",
            "+80812345678",
        ];
        for number in costly.into_iter().chain([
            "+447012345678",
            "+448431234567",
            "+449012345678",
            "+19002345678",
        ]) {
            assert!(number.parse::<PhoneNumber>().is_err(), "{number}");
        }
        for number in costly {
            assert!(PhoneNumber::stored(number).is_err(), "{number}");
        }
        for number in ["+447012345678", "+448431234567", "+449012345678"] {
            assert!(PhoneNumber::stored(number).unwrap().is_costly(), "{number}");
        }
        assert!(!PhoneNumber::stored("+821012345642").unwrap().is_costly());
    }
}
