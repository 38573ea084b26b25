//! The phone of those who help, as messages and pages show it.

use std::fmt;
use std::str::FromStr;

use super::{is_plain, numbering};

/// A complete number of any kind, as the settings write it: `+82 2 555 0100`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HelpPhone(String);

/// The text is no number that people can dial from anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a complete phone number with its country code, such as +82 2 555 0100")]
pub struct NotAHelpPhone;

impl FromStr for HelpPhone {
    type Err = NotAHelpPhone;

    fn from_str(text: &str) -> Result<Self, NotAHelpPhone> {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let is_in_a_plan = numbering::split(&digits)
            .is_some_and(|(code, national)| numbering::plan_of(code, national).is_some());
        if text.starts_with('+') && is_plain(&text) && is_in_a_plan {
            Ok(Self(text))
        } else {
            Err(NotAHelpPhone)
        }
    }
}

impl fmt::Display for HelpPhone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_any_kind_is_kept_as_it_is_written() {
        for (text, shown) in [
            ("+82 2 555 0100", "+82 2 555 0100"),
            (" +82\u{a0}2  555-0100 ", "+82 2 555-0100"),
            ("+49 (30) 90180", "+49 (30) 90180"),
            ("+821012345642", "+821012345642"),
            ("+800 1234 5678", "+800 1234 5678"),
        ] {
            let phone: HelpPhone = text.parse().unwrap();
            assert_eq!(phone.to_string(), shown);
        }
    }

    #[test]
    fn what_nobody_can_dial_from_anywhere_is_refused() {
        for text in [
            "",
            "4711",
            "02 555 0100",
            "+82",
            "+82 12",
            "+82 2 555 0100 ext. 4",
            "82 2 555 0100",
            "ask Kim",
            "+0 2 555 0100",
        ] {
            assert_eq!(text.parse::<HelpPhone>(), Err(NotAHelpPhone), "{text}");
        }
    }
}
