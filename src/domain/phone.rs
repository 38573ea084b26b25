//! Phone numbers that an SMS can reach.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// A complete phone number in E.164 form: `+821012345678`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct PhoneNumber(String);

/// The text is not a complete phone number that an SMS can reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAPhone {
    /// No country code, too short, or no such number range.
    #[error("is not a complete phone number such as +82 10 1234 5678")]
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

    /// The country code. No code is a prefix of another one (E.164, section 6.2.1).
    pub(super) fn calling_code(&self) -> &str {
        let prefix = |digits| self.0.get(1..=digits);
        let is_known = |code: &&str| {
            code.parse()
                .is_ok_and(|code: u16| phonenumber::metadata::DATABASE.by_code(&code).is_some())
        };
        (1..=3)
            .filter_map(prefix)
            .find(is_known)
            .filter(|code| !code.starts_with('0'))
            .unwrap_or("0")
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

/// Codes that belong to no country: freephone, shared cost, Inmarsat, personal numbers, satellites and other networks, relief, premium
/// rate (ITU-T, "List of ITU-T Recommendation E.164 assigned country codes").
const GLOBAL_CODES: [&str; 9] = [
    "800", "808", "870", "878", "881", "882", "883", "888", "979",
];

impl FromStr for PhoneNumber {
    type Err = NotAPhone;

    fn from_str(text: &str) -> Result<Self, NotAPhone> {
        use phonenumber::{Mode, Type};

        let text = text.trim();
        let plain = text.len() <= 32
            && text
                .bytes()
                .all(|b| b.is_ascii_digit() || b" +-().".contains(&b));
        if !plain || !text.starts_with('+') {
            return Err(NotAPhone::Incomplete);
        }
        // The parser's reasons are told as one, with an example of what is accepted.
        let number = phonenumber::parse(None, text).map_err(|_| NotAPhone::Incomplete)?;
        if !number.is_valid() {
            return Err(NotAPhone::Incomplete);
        }
        if GLOBAL_CODES.contains(&number.code().value().to_string().as_str()) {
            return Err(NotAPhone::NotMobile);
        }
        match number.number_type(&phonenumber::metadata::DATABASE) {
            Type::Mobile | Type::FixedLineOrMobile => {
                Ok(Self(number.format().mode(Mode::E164).to_string()))
            }
            Type::FixedLine
            | Type::TollFree
            | Type::PremiumRate
            | Type::SharedCost
            // The sender pays for the forwarding to wherever its owner is (E.168).
            | Type::PersonalNumber
            | Type::Voip
            | Type::Pager
            | Type::Uan
            | Type::Emergency
            | Type::Voicemail
            | Type::ShortCode
            | Type::StandardRate
            | Type::Carrier
            | Type::NoInternational
            | Type::Unknown => Err(NotAPhone::NotMobile),
        }
    }
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
}
