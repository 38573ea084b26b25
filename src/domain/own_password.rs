//! A password that a person chose, in the one form in which it is hashed: `OpaqueString` of RFC 8265, section 4.2.

use icu_normalizer::ComposingNormalizerBorrowed;
use zeroize::Zeroizing;

/// By how much a text in UTF-8 grows at most when it is composed (Unicode Standard Annex #15, "Maximum Expansion Factors").
const MOST_EXPANSION: usize = 3;

/// A chosen password: every space is U+0020, and letters are composed with their marks (NFC). Width and case are kept.
///
/// Of what the string class of RFC 8264 refuses, only control characters are refused here: the other rules would take
/// emoji and letters away from people, by a table that knows one version of Unicode. No `Debug`, wiped on drop.
pub struct OwnPassword(Zeroizing<String>);

/// Why a text is no password in any form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAPassword {
    #[error("a password is not empty")]
    Empty,
    #[error("a password has no control characters, such as a tab")]
    ControlCharacter,
}

impl OwnPassword {
    /// The normal form of what was typed.
    pub fn chosen(typed: &str) -> Result<Self, NotAPassword> {
        if typed.is_empty() {
            return Err(NotAPassword::Empty);
        }
        if typed.chars().any(char::is_control) {
            return Err(NotAPassword::ControlCharacter);
        }
        let with_spaces = typed.chars().map(|typed| match typed {
            space if is_space(space) => ' ',
            other => other,
        });
        // As large as it can become from the start: a buffer that grows leaves copies behind.
        let capacity = typed.len().saturating_mul(MOST_EXPANSION);
        let mut normal = Zeroizing::new(String::with_capacity(capacity));
        normal.extend(ComposingNormalizerBorrowed::new_nfc().normalize_iter(with_spaces));
        Ok(Self(normal))
    }

    /// The characters, for the one expression that checks, rates or hashes them.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

/// The spaces of Unicode (general category Zs).
fn is_space(character: char) -> bool {
    matches!(
        character,
        ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chosen(typed: &str) -> Result<String, NotAPassword> {
        OwnPassword::chosen(typed).map(|own| own.expose().to_owned())
    }

    /// RFC 8265, section 4.3, table 3, but for what only the string class refuses.
    #[test]
    fn the_examples_of_the_standard_are_prepared_as_it_says() {
        for (typed, prepared) in [
            (
                "correct horse battery staple",
                "correct horse battery staple",
            ),
            (
                "Correct Horse Battery Staple",
                "Correct Horse Battery Staple",
            ),
            ("πßå", "πßå"),
            ("Jack of ♦s", "Jack of ♦s"),
            ("foo\u{1680}bar", "foo bar"),
        ] {
            assert_eq!(chosen(typed).as_deref(), Ok(prepared));
        }
        assert_eq!(chosen(""), Err(NotAPassword::Empty));
        assert_eq!(
            chosen("my cat is a \tby"),
            Err(NotAPassword::ControlCharacter)
        );
    }

    #[test]
    fn letters_are_composed_and_width_is_kept() {
        assert_eq!(chosen("A\u{30a}e\u{301}").as_deref(), Ok("Åé"));
        assert_eq!(chosen("\u{1112}\u{1161}\u{11ab}").as_deref(), Ok("한"));
        assert_eq!(chosen("ｗｉｄｅ ﾊﾟ").as_deref(), Ok("ｗｉｄｅ ﾊﾟ"));
        assert_eq!(chosen("a\u{2003}b").as_deref(), Ok("a b"));
        for control in ['\0', '\u{1f}', '\u{7f}', '\u{85}', '\u{9f}'] {
            assert_eq!(
                chosen(&format!("long enough{control}")),
                Err(NotAPassword::ControlCharacter)
            );
        }
    }

    proptest! {
        /// What is normal already stays as it is, and the buffer never grows.
        #[test]
        fn a_normal_form_is_its_own(typed in "\\PC{1,80}") {
            let own = OwnPassword::chosen(&typed).unwrap();
            prop_assert!(own.expose().len() <= typed.len() * MOST_EXPANSION);
            prop_assert_eq!(chosen(own.expose()).unwrap(), own.expose());
        }
    }
}
