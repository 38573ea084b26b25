//! What fits into one SMS, and how names are shortened for it.

/// The maximum length of one SMS in the default alphabet (GSM 03.38).
pub(super) const SEPTETS: usize = 160;

/// The maximum length of one SMS in any other letters, which are sent as UCS-2.
const UCS2: usize = 70;

/// Visible characters of ASCII that the default alphabet has only behind an escape: each takes two places.
const ESCAPED: &str = "^{}\\[]~|";

/// True if it goes as one SMS.
pub(super) fn fits_one_sms(text: &str) -> bool {
    if text.chars().all(is_in_alphabet) {
        let places = |c| if ESCAPED.contains(c) { 2 } else { 1 };
        text.chars().map(places).sum::<usize>() <= SEPTETS
    } else {
        text.encode_utf16().count() <= UCS2
    }
}

/// The letters beside those of ASCII that the default alphabet has.
const SHOWN: &str = "ÄÅÆÇÉÑÖØÜßàäåæèéìñòöøùü";

/// The characters of ASCII, and other letters, that the default alphabet has.
fn is_in_alphabet(c: char) -> bool {
    (c.is_ascii_graphic() && c != '`') || c == ' ' || SHOWN.contains(c)
}

/// The first of these texts that fits into one SMS, else the last. Each leaves out more than the one before.
pub(super) fn first_that_fits(texts: impl IntoIterator<Item = String>) -> String {
    let mut last = String::new();
    for text in texts {
        last = text;
        if fits_one_sms(&last) {
            break;
        }
    }
    last
}

/// As many whole words of a name as an SMS has room for, of letters that every phone shows; it may have none.
fn words(name: &str, limit: usize) -> Option<String> {
    let is_shown = |word: &&str| word.chars().all(is_in_alphabet);
    let mut length = 0;
    let has_room = |word: &&str| {
        length += word.chars().count();
        let fits = length <= limit;
        length += 1;
        fits
    };
    let mut kept: Vec<&str> = name
        .split_whitespace()
        .filter(is_shown)
        .take_while(has_room)
        .collect();
    // The "&" of "Smith & Sons" says nothing where "Sons" is left out.
    while kept
        .pop_if(|word| !word.contains(char::is_alphanumeric))
        .is_some()
    {}
    Some(kept.join(" ")).filter(|kept| !kept.is_empty())
}

/// The name of an organization in an SMS. One without such words becomes "IT".
pub(super) fn short(organization: &str, limit: usize) -> String {
    words(organization, limit).unwrap_or_else(|| "IT".to_owned())
}

/// The same for an administrator, who becomes "an admin".
pub(super) fn short_admin(name: &str, limit: usize) -> String {
    words(name, limit).unwrap_or_else(|| "an admin".to_owned())
}

/// "Acme IT", or "IT".
pub(super) fn short_it(organization: &str, limit: usize) -> String {
    words(organization, limit).map_or_else(|| "IT".to_owned(), |name| format!("{name} IT"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_sms_has_160_places_and_other_letters_have_70() {
        assert!(fits_one_sms(&"x".repeat(160)) && !fits_one_sms(&"x".repeat(161)));
        assert!(fits_one_sms(&"~".repeat(80)) && !fits_one_sms(&"~".repeat(81)));
        assert!(fits_one_sms(&"한".repeat(70)) && !fits_one_sms(&"한".repeat(71)));
        assert!(fits_one_sms(&"`".repeat(70)) && !fits_one_sms(&"`".repeat(71)));
    }

    #[test]
    fn a_name_has_letters_that_every_phone_shows() {
        assert_eq!(short("Zo`e é Ång", 20), "é Ång");
        assert_eq!(short("Smith & Sons", 9), "Smith");
        assert_eq!(short("아크메", 20), "IT");
        assert_eq!(short("Featherstonehaugh", 12), "IT");
        assert_eq!(short_admin("박민아", 12), "an admin");
        assert_eq!(short_it("Acme", 20), "Acme IT");
        assert_eq!(short_it("아크메", 20), "IT");
    }
}
