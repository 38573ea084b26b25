//! What a sign-in asks for beside the password, and what the member has set up for it.

use std::fmt;
use std::str::FromStr;

use super::written::UnknownWord;
use super::written_enum;

written_enum! {
    /// Something that a sign-in can ask for after the password.
    pub SecondFactor {
        /// Of an app, by time or by counter.
        OneTimeCode = "one_time_code",
        /// A passkey or a security key.
        SecurityKey = "security_key",
        /// One of a printed list.
        RecoveryCode = "recovery_code",
    }
}

written_enum! {
    /// Whether the directory's usual sign-in asks this member for something after the password.
    pub AsksForMore {
        /// The password alone lets anybody in.
        No = "no",
        /// It asks for what the member has.
        Yes = "yes",
        /// It cannot be seen, or it depends on what relatch does not read.
        Unknown = "unknown",
    }
}

/// Stands in the written form for a passkey.
const PASSKEY: &str = "passkey";

/// What a member needs or has beside the password. A reset leaves all of it as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecondFactors {
    /// What the member has set up; where some of it is asked for, that alone.
    pub held: Vec<SecondFactor>,
    /// Whether they are asked for it.
    pub asks: AsksForMore,
    /// They have a passkey that lets them in without the password.
    pub has_passkey: bool,
}

impl Default for SecondFactors {
    /// Of a member of whom the directory knows a password alone.
    fn default() -> Self {
        Self {
            held: Vec::new(),
            asks: AsksForMore::No,
            has_passkey: false,
        }
    }
}

/// As in the record: `yes one_time_code passkey`.
impl fmt::Display for SecondFactors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.asks.as_str())?;
        for held in &self.held {
            write!(f, " {held}")?;
        }
        if self.has_passkey {
            write!(f, " {PASSKEY}")?;
        }
        Ok(())
    }
}

impl FromStr for SecondFactors {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let (asks, rest) = text.split_once(' ').unwrap_or((text, ""));
        let mut factors = Self {
            asks: asks.parse()?,
            ..Self::default()
        };
        for word in rest.split_whitespace() {
            if word == PASSKEY {
                factors.has_passkey = true;
            } else {
                factors.held.push(word.parse()?);
            }
        }
        Ok(factors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_written_form_is_read_back() {
        let all = SecondFactors {
            held: SecondFactor::ALL.to_vec(),
            asks: AsksForMore::Yes,
            has_passkey: true,
        };
        for factors in [SecondFactors::default(), all] {
            assert_eq!(factors.to_string().parse(), Ok(factors));
        }
        for text in ["", "perhaps", "yes hat"] {
            assert!(text.parse::<SecondFactors>().is_err(), "{text}");
        }
    }
}
