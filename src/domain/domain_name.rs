//! Domains of e-mail addresses: the ASCII form that is stored and compared, and the letters that people read (IDNA).

use icu_properties::props::Script;
use icu_properties::script::ScriptWithExtensions;

use super::visible::has_mark;

/// How an international label begins in its ASCII form (RFC 5890, section 2.3.2.1).
const ACE_PREFIX: &str = "xn--";

/// Why a text is no domain of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotADomain {
    /// Not what IDNA allows.
    Form,
    /// A label has letters of several scripts, as look-alikes of other domains do.
    MixedScripts,
}

/// The ASCII form. A domain that has it already is left as it is written.
pub(super) fn in_ascii(domain: &str) -> Result<String, NotADomain> {
    if domain.is_ascii() && !is_international(domain) {
        return Ok(domain.to_owned());
    }
    if has_mark(domain) {
        return Err(NotADomain::Form);
    }
    let ascii = idna::domain_to_ascii(domain).or(Err(NotADomain::Form))?;
    let (letters, checked) = idna::domain_to_unicode(&ascii);
    checked.or(Err(NotADomain::Form))?;
    if letters.split('.').all(is_of_one_script) {
        Ok(ascii)
    } else {
        Err(NotADomain::MixedScripts)
    }
}

/// An international domain in the letters that people read; None where its ASCII form is all there is.
pub(super) fn in_letters(ascii: &str) -> Option<String> {
    is_international(ascii).then(|| idna::domain_to_unicode(ascii).0)
}

fn is_international(domain: &str) -> bool {
    domain.split('.').any(|label| {
        label
            .get(..ACE_PREFIX.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(ACE_PREFIX))
    })
}

/// Single script in the sense of Unicode Technical Standard #39, section 5.1: some script is left that all letters belong to.
fn is_of_one_script(label: &str) -> bool {
    let mut shared: Option<Vec<Script>> = None;
    for letter in label.chars() {
        let Some(scripts) = scripts_of(letter) else {
            continue;
        };
        let left = match shared {
            None => scripts,
            Some(before) => before
                .into_iter()
                .filter(|script| scripts.contains(script))
                .collect(),
        };
        shared = Some(left);
    }
    shared.is_none_or(|shared| !shared.is_empty())
}

/// The scripts that a character is used in, with the writing systems that have several; None for one of all scripts, such as
/// a digit.
fn scripts_of(letter: char) -> Option<Vec<Script>> {
    let mut all: Vec<Script> = ScriptWithExtensions::new()
        .get_script_extensions_val(letter)
        .iter()
        .collect();
    if all.contains(&Script::Common) || all.contains(&Script::Inherited) {
        return None;
    }
    let has = |one: Script| all.contains(&one);
    let is_japanese = has(Script::Han) || has(Script::Hiragana) || has(Script::Katakana);
    let is_korean = has(Script::Han) || has(Script::Hangul);
    let is_bopomofo = has(Script::Han) || has(Script::Bopomofo);
    let systems = [
        (is_japanese, Script::Japanese),
        (is_korean, Script::Korean),
        (is_bopomofo, Script::HanWithBopomofo),
    ];
    all.extend(systems.iter().filter(|(is, _)| *is).map(|(_, one)| *one));
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_has_one_ascii_form() {
        for (written, ascii) in [
            ("mail.example", "mail.example"),
            ("Mail.Example", "Mail.Example"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("BÜCHER.example", "xn--bcher-kva.example"),
            ("bu\u{308}cher.example", "xn--bcher-kva.example"),
            ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
            ("bücher。example", "xn--bcher-kva.example"),
            ("straße.example", "xn--strae-oqa.example"),
        ] {
            assert_eq!(in_ascii(written), Ok(ascii.to_owned()), "{written}");
        }
        assert_eq!(
            in_letters("mail.xn--bcher-kva.example").as_deref(),
            Some("mail.bücher.example")
        );
        assert_eq!(in_letters("mail.example"), None);
    }

    #[test]
    fn scripts_are_not_mixed_in_a_label() {
        for fine in [
            "почта.example",
            "почта.рф",
            "ドメイン名例.example",
            "한국어漢字.example",
            "中文ㄅ.example",
            "büro-24.example",
            "mail.почта.example",
        ] {
            assert!(in_ascii(fine).is_ok(), "{fine}");
        }
        for (mixed, why) in [
            // A Cyrillic letter among Latin ones, a Latin one among Cyrillic ones, and one in its ASCII form.
            ("p\u{430}ypal.example", NotADomain::MixedScripts),
            ("почтa.example", NotADomain::MixedScripts),
            ("xn--pypal-4ve.example", NotADomain::MixedScripts),
            ("acmeジャパン.example", NotADomain::MixedScripts),
            ("ひら한.example", NotADomain::MixedScripts),
            ("bü\u{200b}cher.example", NotADomain::Form),
            ("bü\u{202e}cher.example", NotADomain::Form),
            ("xn--a.example", NotADomain::Form),
        ] {
            assert_eq!(in_ascii(mixed), Err(why), "{mixed}");
        }
    }
}
