//! The generated password: moved and never copied, and wiped when it is dropped.

use rand::{CryptoRng, RngExt};
use zeroize::Zeroizing;

use super::makeup::{DEFAULT_LENGTH, MAX_LENGTH, Makeup};

/// Letters and digits without `0 O 1 l I`: 57 characters (Q11).
pub const ALPHABET: &[u8; 57] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// Of which a password has one where the settings ask for it. None of them is markup in a code span, or read as a letter.
const SYMBOLS: &[u8; 4] = b"-#+=";

/// A password that exists in memory only. It has no `Debug`, `Display`, `Clone` or `Serialize`, and is wiped on drop.
/// The first example shows that the path is right, so the others fail for the missing trait alone.
///
/// ```
/// fn takes(_: relatch::surface::domain::Password) {}
/// ```
///
/// ```compile_fail,E0277
/// fn needs_clone<T: Clone>() {}
/// needs_clone::<relatch::surface::domain::Password>();
/// ```
///
/// ```compile_fail,E0277
/// fn needs_debug<T: std::fmt::Debug>() {}
/// needs_debug::<relatch::surface::domain::Password>();
/// ```
pub struct Password(Zeroizing<String>);

impl Password {
    /// Generates a password of `length` characters (at least [`DEFAULT_LENGTH`], at most [`MAX_LENGTH`]) with at least
    /// one lower-case letter, one upper-case letter and one digit (S19–S21, Q11).
    ///
    /// Every character is drawn uniformly. A draw without one of the three kinds is discarded as a whole, so all valid
    /// passwords are equally likely.
    pub fn generate(rng: &mut impl CryptoRng, length: u8) -> Self {
        Self(letters_and_digits(
            rng,
            usize::from(length.clamp(DEFAULT_LENGTH, MAX_LENGTH)),
        ))
    }

    /// The same with one character that is a symbol, neither the first nor the last: there it would be taken for
    /// punctuation.
    pub fn with_symbol(rng: &mut impl CryptoRng, length: u8) -> Self {
        let length = usize::from(length.clamp(DEFAULT_LENGTH, MAX_LENGTH));
        let mut text = letters_and_digits(rng, length.saturating_sub(1));
        let symbol = SYMBOLS.get(rng.random_range(0..SYMBOLS.len()));
        let place = rng.random_range(1..text.len());
        // It was made with capacity for this one.
        text.insert(place, symbol.copied().map_or('-', char::from));
        Self(text)
    }

    /// Generates a password that is made up so.
    ///
    /// Where a kind is asked for more than once, that many are drawn of it, the rest is drawn of all letters and digits, and
    /// the places are shuffled; a symbol is neither first nor last. Each draw is uniform; the passwords are not, because one
    /// can be drawn in several ways.
    pub fn made_up(rng: &mut impl CryptoRng, makeup: &Makeup) -> Self {
        match makeup.plain() {
            Some((length, false)) => return Self::generate(rng, length),
            Some((length, true)) => return Self::with_symbol(rng, length),
            None => {}
        }
        let mut bytes = drawn(rng, makeup);
        loop {
            shuffle(rng, &mut bytes);
            let ends = [bytes.first(), bytes.last()];
            if !ends.into_iter().flatten().any(|end| SYMBOLS.contains(end)) {
                break;
            }
        }
        let mut text = Zeroizing::new(String::with_capacity(bytes.len()));
        text.extend(bytes.iter().copied().map(char::from));
        Self(text)
    }

    /// The characters, for the one expression that hashes, sends or shows them.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// How to say it aloud: `kilo, seven, capital Romeo`.
    pub fn spoken(&self) -> Zeroizing<String> {
        // Enough capacity for all words: growing would leave a copy in freed memory.
        let mut line = Zeroizing::new(String::with_capacity(self.0.len().saturating_mul(20)));
        for character in self.0.chars() {
            if !line.is_empty() {
                line.push_str(", ");
            }
            if character.is_ascii_uppercase() {
                line.push_str("capital ");
            }
            let word = spoken_word(character.to_ascii_lowercase());
            match word.chars().next() {
                Some(first) if character.is_ascii_uppercase() => {
                    line.push(first.to_ascii_uppercase());
                    line.push_str(word.get(1..).unwrap_or_default());
                }
                _ => line.push_str(word),
            }
        }
        line
    }
}

/// The characters that are asked for, in the order of drawing.
fn drawn(rng: &mut impl CryptoRng, makeup: &Makeup) -> Zeroizing<Vec<u8>> {
    let length = usize::from(makeup.length());
    let mut bytes = Zeroizing::new(Vec::with_capacity(length));
    let mut draw = |count: u32, kind: fn(&u8) -> bool| {
        let mut left = count;
        while left > 0 && bytes.len() < length {
            let byte = ALPHABET.get(rng.random_range(0..ALPHABET.len()));
            if let Some(byte) = byte.filter(|byte| kind(byte)) {
                bytes.push(*byte);
                left -= 1;
            }
        }
    };
    draw(makeup.lower(), u8::is_ascii_lowercase);
    draw(makeup.upper(), u8::is_ascii_uppercase);
    draw(makeup.digits(), u8::is_ascii_digit);
    let others = u32::from(makeup.length()).saturating_sub(makeup.asked());
    draw(others, |_| true);
    while bytes.len() < length {
        let symbol = SYMBOLS.get(rng.random_range(0..SYMBOLS.len()));
        bytes.extend(symbol);
    }
    bytes
}

/// Fisher and Yates: every order is equally likely.
fn shuffle(rng: &mut impl CryptoRng, bytes: &mut [u8]) {
    for last in (1..bytes.len()).rev() {
        bytes.swap(last, rng.random_range(0..=last));
    }
}

/// So many characters with at least one of each kind, and with room for one more.
fn letters_and_digits(rng: &mut impl CryptoRng, length: usize) -> Zeroizing<String> {
    loop {
        let mut text = Zeroizing::new(String::with_capacity(length.saturating_add(1)));
        while text.len() < length {
            if let Some(byte) = ALPHABET.get(rng.random_range(0..ALPHABET.len())) {
                text.push(char::from(*byte));
            }
        }
        let has = |kind: fn(&u8) -> bool| text.as_bytes().iter().any(kind);
        if has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_digit) {
            return text;
        }
    }
}

/// The word of the NATO alphabet for a lower-case letter or a digit, or the name of a symbol.
fn spoken_word(character: char) -> &'static str {
    const LETTERS: [&str; 26] = [
        "alfa", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india",
        "juliett", "kilo", "lima", "mike", "november", "oscar", "papa", "quebec", "romeo",
        "sierra", "tango", "uniform", "victor", "whiskey", "x-ray", "yankee", "zulu",
    ];
    const DIGITS: [&str; 10] = [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    ];
    let at = |words: &'static [&'static str], first: char| {
        words
            .get((u32::from(character).wrapping_sub(u32::from(first))) as usize)
            .copied()
    };
    let word = match character {
        '-' => Some("hyphen"),
        '#' => Some("hash"),
        '+' => Some("plus"),
        '=' => Some("equals sign"),
        '0'..='9' => at(&DIGITS, '0'),
        _ => at(&LETTERS, 'a'),
    };
    word.unwrap_or("?")
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;
    use crate::domain::makeup::PasswordNeeds;

    /// S19, S20, Q11: length, kinds and alphabet over 100 000 samples.
    #[test]
    fn every_password_has_all_kinds_and_no_look_alikes() {
        let mut rng = StdRng::seed_from_u64(1);
        for _ in 0..100_000 {
            let password = Password::generate(&mut rng, DEFAULT_LENGTH);
            let bytes = password.expose().as_bytes();
            assert_eq!(bytes.len(), 8);
            assert!(bytes.iter().all(|b| ALPHABET.contains(b)));
            assert!(bytes.iter().any(u8::is_ascii_digit));
            assert!(
                bytes.iter().any(u8::is_ascii_lowercase)
                    && bytes.iter().any(u8::is_ascii_uppercase)
            );
        }
        assert!(!ALPHABET.iter().any(|b| b"0O1lI".contains(b)));
    }

    /// One symbol, inside, and the three kinds still; the length is the one of the settings.
    #[test]
    fn a_symbol_is_one_of_the_characters() {
        let mut rng = StdRng::seed_from_u64(4);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..20_000 {
            let password = Password::with_symbol(&mut rng, DEFAULT_LENGTH);
            let bytes = password.expose().as_bytes();
            assert_eq!(bytes.len(), 8);
            let symbols: Vec<usize> = (0..8).filter(|at| SYMBOLS.contains(&bytes[*at])).collect();
            assert!(symbols.len() == 1 && (1..=6).contains(&symbols[0]));
            seen.insert((bytes[symbols[0]], symbols[0]));
            assert!(
                bytes.iter().any(u8::is_ascii_digit)
                    && bytes.iter().any(u8::is_ascii_lowercase)
                    && bytes.iter().any(u8::is_ascii_uppercase)
            );
        }
        assert_eq!(seen.len(), 4 * 6, "not every symbol is seen at every place");
    }

    /// Every kind as often as it is asked for, at the length that is asked for, and no symbol at an end.
    #[test]
    fn kinds_that_are_asked_for_more_than_once_are_all_there() {
        let mut rng = StdRng::seed_from_u64(5);
        for (least, lower, upper, digits, symbols, length) in [
            (8, 2, 2, 3, 0, 11),
            (12, 0, 0, 0, 0, 12),
            (0, 1, 1, 6, 0, 12),
            (14, 3, 3, 3, 3, 15),
            (8, 0, 0, 0, 5, 11),
            (0, 4, 4, 4, 2, 17),
        ] {
            let needs = PasswordNeeds {
                least_length: least,
                lower,
                upper,
                digits,
                symbols,
                ..PasswordNeeds::default()
            };
            let makeup = Makeup::of(8, true, &needs).unwrap();
            for _ in 0..2_000 {
                let password = Password::made_up(&mut rng, &makeup);
                let bytes = password.expose().as_bytes();
                let count = |kind: fn(&u8) -> bool| {
                    u32::try_from(bytes.iter().filter(|byte| kind(byte)).count()).unwrap()
                };
                assert_eq!(bytes.len(), length, "{needs:?}");
                assert!(
                    count(u8::is_ascii_lowercase) >= lower.max(1)
                        && count(u8::is_ascii_uppercase) >= upper.max(1)
                        && count(u8::is_ascii_digit) >= digits.max(1)
                        && count(|byte| SYMBOLS.contains(byte)) == symbols.max(1),
                    "{needs:?}"
                );
                assert!(
                    !SYMBOLS.contains(&bytes[0]) && !SYMBOLS.contains(&bytes[length - 1]),
                    "{needs:?}"
                );
            }
        }
    }

    /// S21: chi-square per position against the distribution that remains after draws without a kind are thrown away.
    #[test]
    fn characters_are_spread_evenly_at_every_position() {
        const SAMPLES: u32 = 200_000;
        let mut rng = StdRng::seed_from_u64(2);
        let mut counts = [[0_u32; 128]; 8];
        for _ in 0..SAMPLES {
            for (position, byte) in Password::generate(&mut rng, 8).expose().bytes().enumerate() {
                counts[position][usize::from(byte)] += 1;
            }
        }
        // Within one kind all characters are equally likely, so each kind is tested by itself.
        for position in &counts {
            for kind in [
                u8::is_ascii_digit,
                u8::is_ascii_lowercase,
                u8::is_ascii_uppercase,
            ] {
                let members: Vec<u8> = ALPHABET.iter().copied().filter(kind).collect();
                let total: u32 = members.iter().map(|b| position[usize::from(*b)]).sum();
                let expected = f64::from(total) / f64::from(u8::try_from(members.len()).unwrap());
                let chi: f64 = members
                    .iter()
                    .map(|b| (f64::from(position[usize::from(*b)]) - expected).powi(2) / expected)
                    .sum();
                // 7 to 24 degrees of freedom; 0.9999 of the distribution of 24 lies below 58.6.
                assert!(
                    chi < 58.6,
                    "chi-square {chi} over {} characters",
                    members.len()
                );
            }
        }
    }

    #[test]
    fn length_can_only_be_raised() {
        let mut rng = StdRng::seed_from_u64(3);
        assert_eq!(Password::generate(&mut rng, 4).expose().len(), 8);
        assert_eq!(Password::generate(&mut rng, 15).expose().len(), 15);
    }

    #[test]
    fn it_can_be_said_aloud() {
        let password = Password(Zeroizing::new("k7Rm4Tqx".to_owned()));
        assert_eq!(
            *password.spoken(),
            "kilo, seven, capital Romeo, mike, four, capital Tango, quebec, x-ray"
        );
        let password = Password(Zeroizing::new("k-R#4+q=x".to_owned()));
        assert_eq!(
            *password.spoken(),
            "kilo, hyphen, capital Romeo, hash, four, plus, quebec, equals sign, x-ray"
        );
    }
}
