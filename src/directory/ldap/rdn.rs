//! The user names in the RDN of an entry, the first part of its DN. The right to write one's own attributes does not suffice
//! to change it.
//!
//! Sources: RFC 4514 (DNs as text), RFC 4518 (how values are prepared before they are compared), RFC 4519, 2.39 (`uid`).

use icu_normalizer::DecomposingNormalizerBorrowed;

use super::ber::element;

/// What `uid` is called in a DN.
const UID: [&str; 4] = [
    "uid",
    "userid",
    "0.9.2342.19200300.100.1.1",
    "oid.0.9.2342.19200300.100.1.1",
];

/// What a backslash may stand before (RFC 4514, section 3), besides two hexadecimal digits.
const ESCAPED: &[u8] = b" \"#+,;<=>\\";

/// The tags under which a name may be written in BER: an octet string, or text in UTF-8, of printable characters, or of ASCII.
const STRINGS: [u8; 4] = [0x04, 0x0c, 0x13, 0x16];

/// The values of `uid` in the first part of a DN, which may have several attributes; None where it cannot be read.
pub(super) fn user_names(dn: &str) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut next = Some(dn);
    while let Some(text) = next {
        let (kind, rest) = text.split_once('=')?;
        let kind = kind.trim();
        let is_kind = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
        if kind.is_empty() || !kind.chars().all(is_kind) {
            return None;
        }
        let (value, other) = split(rest)?;
        if UID.iter().any(|uid| uid.eq_ignore_ascii_case(kind)) {
            names.push(read(value)?);
        }
        next = other;
    }
    Some(names)
}

/// True where LDAP takes two user names for one: whatever their case, the form of their characters, and how many spaces are
/// between and around their words (caseIgnoreMatch).
pub(super) fn is_same(one: &str, other: &str) -> bool {
    prepared(one) == prepared(other)
}

fn prepared(name: &str) -> String {
    let plain: String = DecomposingNormalizerBorrowed::new_nfkd()
        .normalize_iter(name.to_lowercase().chars())
        .collect();
    plain
        .to_lowercase()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// A value as it stands in the DN, and what follows where the same part has another attribute. Quotes are of an older form,
/// which servers must not send (RFC 4514, appendix B).
fn split(text: &str) -> Option<(&str, Option<&str>)> {
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => {
                characters.next()?;
            }
            '"' => return None,
            '+' | ',' | ';' => {
                let (value, rest) = text.split_at_checked(at)?;
                return Some((value, rest.strip_prefix('+')));
            }
            _ => {}
        }
    }
    Some((text, None))
}

fn read(value: &str) -> Option<String> {
    let value = value.trim_matches(' ');
    if let Some(digits) = value.strip_prefix('#') {
        let bytes = hex::decode(digits).ok()?;
        let (tag, content, rest) = element(&bytes)?;
        let is_name = rest.is_empty() && STRINGS.contains(&tag);
        return String::from_utf8(content.to_vec()).ok().filter(|_| is_name);
    }
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        let mut pair = [0];
        match *behind {
            [high, low, ref behind @ ..]
                if hex::decode_to_slice([high, low], &mut pair).is_ok() =>
            {
                bytes.extend(pair);
                rest = behind;
            }
            // A space at the end was taken for one around the value; such spaces do not count in any case.
            [] => {}
            [escaped, ref behind @ ..] if ESCAPED.contains(&escaped) => {
                bytes.push(escaped);
                rest = behind;
            }
            _ => return None,
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn names(dn: &str) -> Vec<String> {
        user_names(dn).unwrap_or_else(|| panic!("{dn} cannot be read"))
    }

    #[test]
    fn only_the_first_part_of_a_dn_counts() {
        assert_eq!(names("uid=mina,ou=people,dc=corp"), ["mina"]);
        assert_eq!(names("cn=Mina Park,uid=mina,dc=corp"), [""; 0]);
        assert_eq!(names("uid=mina"), ["mina"]);
        assert_eq!(names("uid=mina;uid=jo,dc=corp"), ["mina"]);
        // Here a value has the name of another in it.
        assert_eq!(names(r"cn=a\,uid=jo\+uid=jo,dc=corp"), [""; 0]);
        assert_eq!(names("cn=a=uid=jo,dc=corp"), [""; 0]);
    }

    #[test]
    fn a_first_part_may_have_several_attributes() {
        assert_eq!(names("uid=mina+cn=Mina Park,dc=corp"), ["mina"]);
        assert_eq!(
            names(r"cn=Mina \+ uid=jo\, Park+uid=mina,dc=corp"),
            ["mina"]
        );
        assert_eq!(names("cn=#04026a6f+UID = mina ,dc=corp"), ["mina"]);
    }

    #[test]
    fn the_attribute_has_several_names() {
        for kind in [
            "uid",
            "UID",
            "userid",
            "userId",
            "0.9.2342.19200300.100.1.1",
            "OID.0.9.2342.19200300.100.1.1",
        ] {
            assert_eq!(names(&format!("{kind}=mina,dc=corp")), ["mina"], "{kind}");
        }
        for kind in ["uidNumber", "cn", "uid2", "0.9.2342.19200300.100.1.11"] {
            assert_eq!(names(&format!("{kind}=mina,dc=corp")), [""; 0], "{kind}");
        }
        assert_eq!(
            names("0.9.2342.19200300.100.1.1=#04046d696e61,dc=corp"),
            ["mina"]
        );
    }

    #[test]
    fn values_are_unescaped() {
        assert_eq!(names(r"uid=par(en)*s\2C co,dc=corp"), ["par(en)*s, co"]);
        assert_eq!(names(r"uid=par(en)*s\, co,dc=corp"), ["par(en)*s, co"]);
        assert_eq!(names(r"uid=\#a\+b\=c\;d\\\22,dc=corp"), [r#"#a+b=c;d\""#]);
        assert_eq!(names(r"uid=m\c3\a4r,dc=corp"), ["mär"]);
        assert_eq!(names("uid=mär,dc=corp"), ["mär"]);
        assert!(is_same(&names(r"uid=\ jo\ ,dc=corp")[0], "jo"));
    }

    #[test]
    fn what_cannot_be_read_is_none() {
        for dn in [
            "",
            "mina",
            "=mina,dc=corp",
            "u id=mina",
            "uid=\"mina\",dc=corp",
            "cn=\"a,uid=jo\",dc=corp",
            r"uid=mina\",
            r"uid=mi\na,dc=corp",
            r"uid=\ff,dc=corp",
            "uid=#04,dc=corp",
            "uid=#zz,dc=corp",
            "uid=#30026a6f,dc=corp",
            "uid=#04026a6f00,dc=corp",
            "uid=mina+,dc=corp",
        ] {
            assert_eq!(user_names(dn), None, "{dn}");
        }
    }

    #[test]
    fn names_are_compared_as_ldap_does() {
        for (one, other) in [
            ("jo", "JO"),
            (" jo  lee ", "Jo Lee"),
            ("ｊｏ", "jo"),
            ("m\u{e4}r", "MA\u{308}R"),
        ] {
            assert!(is_same(one, other), "{one} {other}");
        }
        for (one, other) in [
            ("jo", "jo2"),
            ("jo lee", "jolee"),
            ("mar", "m\u{e4}r"),
            ("", "jo"),
        ] {
            assert!(!is_same(one, other), "{one} {other}");
        }
    }
}
