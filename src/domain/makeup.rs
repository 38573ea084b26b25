//! How a generated password is made up: what the settings ask for, and what the member's directory asks for beside it.

/// The default length, which is also the shortest (S19).
pub const DEFAULT_LENGTH: u8 = 8;

/// The longest length that settings can ask for. A longer password would not fit into one SMS with its sentence.
pub(crate) const MAX_LENGTH: u8 = 24;

/// Characters of any kind that are added where a directory asks for many of given kinds, so that the password is harder to
/// guess.
const LEAST_FREE: u32 = 3;

/// What a directory asks of every password, as far as it can be read. Zero is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PasswordNeeds {
    pub least_length: u32,
    pub most_length: Option<u32>,
    pub lower: u32,
    pub upper: u32,
    pub digits: u32,
    /// Characters that are neither letters nor digits.
    pub symbols: u32,
}

/// What no generated password can meet, with who can change that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unmet {
    #[error(
        "asks for at least {0} characters, and relatch's longest has {MAX_LENGTH}; only whoever runs the directory can change that"
    )]
    TooLong(u32),
    #[error(
        "allows at most {0} characters, and relatch's shortest has {DEFAULT_LENGTH}; only whoever runs the directory can change that"
    )]
    TooShort(u32),
    #[error("allows at most {0} characters; policy.password_length can be lowered to {0}")]
    Length(u32),
    #[error("asks for symbols; policy.password_symbols = true adds them")]
    Symbols,
    #[error(
        "asks for at least {least} characters and allows at most {most}; only whoever runs the directory can change that"
    )]
    Contradiction { least: u32, most: u32 },
    #[error(
        "asks for {asked} characters of given kinds, and {room} have room; only whoever runs the directory can change that"
    )]
    Kinds { asked: u32, room: u32 },
}

/// How many characters of which kind a password has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Makeup {
    length: u8,
    lower: u32,
    upper: u32,
    digits: u32,
    symbols: u32,
}

impl Makeup {
    /// What the settings ask for, whatever the directory asks for.
    pub fn of_settings(length: u8, has_symbols: bool) -> Self {
        Self {
            length: length.clamp(DEFAULT_LENGTH, MAX_LENGTH),
            lower: 1,
            upper: 1,
            digits: 1,
            symbols: u32::from(has_symbols),
        }
    }

    /// The same with what the directory asks for. It is never shorter than the settings ask for, and has symbols only where
    /// they allow them.
    pub fn of(length: u8, has_symbols: bool, needs: &PasswordNeeds) -> Result<Self, Unmet> {
        let settings = Self::of_settings(length, has_symbols);
        let longest = u32::from(MAX_LENGTH);
        if needs.least_length > longest {
            return Err(Unmet::TooLong(needs.least_length));
        }
        if let Some(most) = needs.most_length {
            if most < u32::from(DEFAULT_LENGTH) {
                return Err(Unmet::TooShort(most));
            }
            if most < u32::from(settings.length) {
                return Err(Unmet::Length(most));
            }
        }
        if needs.symbols > 0 && !has_symbols {
            return Err(Unmet::Symbols);
        }
        let kinds = Self {
            lower: needs.lower.max(1),
            upper: needs.upper.max(1),
            digits: needs.digits.max(1),
            symbols: needs.symbols.max(settings.symbols),
            ..settings
        };
        let room = needs.most_length.map_or(longest, |most| most.min(longest));
        if needs.least_length > room {
            return Err(Unmet::Contradiction {
                least: needs.least_length,
                most: room,
            });
        }
        let (asked, least) = (kinds.asked(), needs.least_length);
        if asked > room {
            return Err(Unmet::Kinds { asked, room });
        }
        // Each character of a given kind makes the password easier to guess, so some are of any kind where they have room.
        let with_free = asked.saturating_add(LEAST_FREE).min(room);
        let length = u32::from(settings.length).max(least).max(with_free);
        // It is not above the longest.
        let length = u8::try_from(length).unwrap_or(MAX_LENGTH);
        Ok(Self { length, ..kinds })
    }

    pub fn length(&self) -> u8 {
        self.length
    }

    pub(super) fn lower(&self) -> u32 {
        self.lower
    }

    pub(super) fn upper(&self) -> u32 {
        self.upper
    }

    pub(super) fn digits(&self) -> u32 {
        self.digits
    }

    /// How many characters are of a given kind.
    pub(super) fn asked(&self) -> u32 {
        let letters = self.lower.saturating_add(self.upper);
        letters
            .saturating_add(self.digits)
            .saturating_add(self.symbols)
    }

    /// The length, and whether there is a symbol, where no kind is asked for more than once.
    pub(super) fn plain(&self) -> Option<(u8, bool)> {
        let is_plain = self.lower <= 1 && self.upper <= 1 && self.digits <= 1 && self.symbols <= 1;
        is_plain.then_some((self.length, self.symbols == 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: PasswordNeeds = PasswordNeeds {
        least_length: 0,
        most_length: None,
        lower: 0,
        upper: 0,
        digits: 0,
        symbols: 0,
    };

    #[test]
    fn a_directory_can_ask_for_more_and_not_for_less() {
        let made = |length, needs| Makeup::of(length, false, &needs).map(|made| made.length());
        assert_eq!(made(8, NONE), Ok(8));
        let least_length = |least_length| PasswordNeeds {
            least_length,
            ..NONE
        };
        assert_eq!(made(8, least_length(12)), Ok(12));
        assert_eq!(made(16, least_length(12)), Ok(16));
        assert_eq!(made(8, least_length(25)), Err(Unmet::TooLong(25)));
        let most = |most| PasswordNeeds {
            most_length: Some(most),
            ..NONE
        };
        assert_eq!(made(8, most(7)), Err(Unmet::TooShort(7)));
        assert_eq!(made(8, most(8)), Ok(8));
        assert_eq!(made(12, most(10)), Err(Unmet::Length(10)));
        let digits = PasswordNeeds { digits: 10, ..NONE };
        assert_eq!(made(8, digits), Ok(15));
        let few = |digits| PasswordNeeds { digits, ..NONE };
        assert_eq!((made(8, few(3)), made(8, few(4))), (Ok(8), Ok(9)));
        let tight = PasswordNeeds {
            most_length: Some(13),
            ..digits
        };
        assert_eq!(made(8, tight), Ok(13));
        let contradicting = PasswordNeeds {
            most_length: Some(10),
            ..least_length(12)
        };
        let told = Unmet::Contradiction {
            least: 12,
            most: 10,
        };
        assert_eq!(made(8, contradicting), Err(told));
        let narrow = PasswordNeeds {
            most_length: Some(9),
            ..digits
        };
        assert_eq!(made(8, narrow), Err(Unmet::Kinds { asked: 12, room: 9 }));
        let huge = PasswordNeeds {
            digits: u32::MAX,
            ..NONE
        };
        assert!(matches!(made(8, huge), Err(Unmet::Kinds { .. })));
    }

    #[test]
    fn symbols_come_only_where_the_settings_allow_them() {
        let needs = PasswordNeeds { symbols: 2, ..NONE };
        assert_eq!(Makeup::of(8, false, &needs), Err(Unmet::Symbols));
        assert!(Makeup::of(8, true, &needs).is_ok_and(|made| made.symbols == 2));
    }
}
