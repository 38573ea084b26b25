//! Whether two rows with the same address are the same person: by employee id, else by name or by a contact.

use icu_normalizer::DecomposingNormalizerBorrowed;

use super::written_enum;
use super::{CompanyDomains, EmailAddress};

/// What an import knows about a person.
#[derive(Clone, Copy, Debug)]
pub struct Traits<'a> {
    /// The full name as the row has it.
    pub name: &'a str,
    /// The address that both rows have.
    pub business_email: &'a str,
    /// The organization's own number of the person.
    pub employee_id: Option<&'a str>,
    /// In E.164 form.
    pub phone: Option<&'a str>,
    /// The address outside the organization.
    pub personal_email: Option<&'a str>,
}

written_enum! {
    /// Why two rows are different persons.
    pub Difference {
        /// Both have an employee id, and not the same one.
        EmployeeId = "another employee_id",
        /// At most one has an employee id, the names differ, and no contact is equal.
        Name = "another name, and no equal contact",
    }
}

/// None if both are the same person. If both have an employee id, it decides. Names are compared as [`words`] does.
pub fn difference(
    known: &Traits<'_>,
    imported: &Traits<'_>,
    company: &CompanyDomains,
) -> Option<Difference> {
    if let (Some(known), Some(imported)) = (known.employee_id, imported.employee_id) {
        return (known != imported).then_some(Difference::EmployeeId);
    }
    let has_equal_name = words(known.name) == words(imported.name);
    let has_equal_phone = known.phone.is_some() && known.phone == imported.phone;
    let known_email = own_email(known, company);
    let has_equal_email = known_email.is_some() && known_email == own_email(imported, company);
    let is_same = has_equal_name || has_equal_phone || has_equal_email;
    (!is_same).then_some(Difference::Name)
}

/// The key of the personal e-mail. A mailbox of the organization does not count: it can be given to other people (S43).
fn own_email(person: &Traits<'_>, company: &CompanyDomains) -> Option<String> {
    let personal = EmailAddress::stored(person.personal_email?).ok()?;
    let business = EmailAddress::stored(person.business_email).ok()?;
    let is_own = !personal.is_within(&business.domain()) && !company.has(&personal);
    is_own.then(|| personal.key())
}

/// The words of a name in alphabetical order, ignoring case, accents and punctuation.
fn words(name: &str) -> Vec<String> {
    let folded = name.to_uppercase().to_lowercase();
    let plain: String = DecomposingNormalizerBorrowed::new_nfkd()
        .normalize_iter(folded.chars())
        .filter(|c| !is_accent(*c) && !matches!(c, '\'' | '’' | 'ʼ' | '.'))
        .map(|c| {
            if is_punctuation(c) {
                ' '
            } else {
                without_stroke(c)
            }
        })
        .collect();
    let mut words: Vec<String> = plain.split_whitespace().map(str::to_owned).collect();
    words.sort_unstable();
    words
}

/// True for the blocks of combining diacritical marks. Vowel signs of Indian scripts and voicing marks of Japanese are not
/// accents: without them, different names would be equal.
fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

fn is_punctuation(c: char) -> bool {
    let is_in_block = c.is_ascii()
        || matches!(c, '\u{a0}'..='\u{bf}' | '\u{2000}'..='\u{206f}' | '\u{2e00}'..='\u{2e7f}' | '\u{3000}'..='\u{303f}' | '\u{30fb}');
    is_in_block && !c.is_alphanumeric()
}

/// Maps letters with a stroke and the dotless i, which Unicode does not decompose.
fn without_stroke(c: char) -> char {
    match c {
        'ł' => 'l',
        'ø' => 'o',
        'đ' | 'ð' => 'd',
        'ħ' => 'h',
        'ı' => 'i',
        'ŧ' => 't',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mina() -> Traits<'static> {
        Traits {
            name: "Mina Park",
            business_email: "mina@acme.example",
            employee_id: None,
            phone: Some("+821012345642"),
            personal_email: Some("mina@mail.example"),
        }
    }

    fn named(name: &str) -> Traits<'_> {
        Traits {
            name,
            phone: None,
            personal_email: None,
            ..mina()
        }
    }

    #[test]
    fn a_name_is_the_same_however_it_is_written() {
        for (one, other) in [
            ("Mina Park", "PARK, mina"),
            ("José Núñez", "Jose Nun\u{303}ez"),
            ("Łukasz Żak", "Lukasz Zak"),
            ("Jürgen Groß", "jurgen GROSS"),
            ("Sean O'Brien", "Sean O’Brien"),
            ("Kim-Lee Ji", "Ji Kim Lee"),
            ("J. R. Smith", "Smith J R"),
            (
                "박민아",
                "\u{1107}\u{1161}\u{11a8}\u{1106}\u{1175}\u{11ab}\u{110b}\u{1161}",
            ),
            ("ﬁona Ray", "Fiona Ray"),
        ] {
            assert_eq!(
                difference(&named(one), &named(other), &CompanyDomains::default()),
                None,
                "{one} {other}"
            );
        }
        for (one, other) in [
            ("Mina Park", "Mina Kim"),
            ("Mina Park", "Mina"),
            ("Mina Park", "Mina Mina Park"),
            ("राम", "रीमा"),
            ("かき", "がき"),
            ("佐藤", "佐々木"),
        ] {
            let found = difference(&named(one), &named(other), &CompanyDomains::default());
            assert_eq!(found, Some(Difference::Name), "{one} {other}");
        }
    }

    #[test]
    fn ids_decide_where_both_have_one() {
        let with = |name, employee_id| Traits {
            name,
            employee_id,
            ..mina()
        };
        for (known, imported, expected) in [
            (
                with("Mina Park", Some("1")),
                with("Ari Seo", Some("1")),
                None,
            ),
            (
                with("Mina Park", Some("1")),
                with("Mina Park", Some("2")),
                Some(Difference::EmployeeId),
            ),
            (with("Mina Park", Some("1")), with("Mina Park", None), None),
            (with("Mina Park", None), with("Mina Park", Some("2")), None),
        ] {
            assert_eq!(
                difference(&known, &imported, &CompanyDomains::default()),
                expected,
                "{known:?} {imported:?}"
            );
        }
        let other = Traits {
            employee_id: Some("2"),
            ..named("Ari Seo")
        };
        assert_eq!(
            difference(&mina(), &other, &CompanyDomains::default()),
            Some(Difference::Name)
        );
    }

    #[test]
    fn a_contact_of_their_own_is_the_same_person() {
        let ari = Traits {
            name: "Ari Seo",
            ..mina()
        };
        let with_email = |personal_email| Traits {
            phone: None,
            personal_email: Some(personal_email),
            ..ari
        };
        let company = CompanyDomains::new(["acme.org".to_owned()]);
        let tell = |known, imported| difference(&known, &imported, &company);
        assert_eq!(
            tell(
                mina(),
                Traits {
                    personal_email: None,
                    ..ari
                }
            ),
            None,
            "the phone"
        );
        assert_eq!(
            tell(mina(), with_email("MINA@mail.example")),
            None,
            "the e-mail"
        );
        for mailbox in ["mina@acme.example", "mina@acme.org"] {
            let known = Traits {
                personal_email: Some(mailbox),
                ..mina()
            };
            assert_eq!(
                tell(known, with_email(mailbox)),
                Some(Difference::Name),
                "{mailbox}"
            );
        }
        assert_eq!(
            tell(named("Mina Park"), named("Ari Seo")),
            Some(Difference::Name),
            "none is no equal contact"
        );
    }
}
