//! Strict reading of `application/x-www-form-urlencoded` bodies: UTF-8 only, and no key twice.

use std::borrow::Cow;
use std::collections::HashSet;

use percent_encoding::percent_decode;

use super::NotVerified;

/// How many fields the platforms send, about.
const FIELDS: usize = 16;

/// The fields of a form body, in their order; what needs no decoding is not copied.
pub(super) struct Fields<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Fields<'a> {
    /// Reads a body. A broken escape, invalid UTF-8 or a repeated key is refused: somebody else might read it differently.
    pub(super) fn read(body: &'a [u8]) -> Result<Self, NotVerified> {
        Self::read_with_lists(body, &[])
    }

    /// The same where some keys are lists, which the platform writes by repeating the key.
    pub(super) fn read_with_lists(body: &'a [u8], lists: &[&str]) -> Result<Self, NotVerified> {
        let mut fields = Self(Vec::with_capacity(FIELDS));
        let mut once = HashSet::with_capacity(FIELDS);
        for pair in body
            .split(|byte| *byte == b'&')
            .filter(|pair| !pair.is_empty())
        {
            let mut sides = pair.splitn(2, |byte| *byte == b'=');
            let mut side = || decode(sides.next().unwrap_or_default());
            let (key, value) = (side()?, side()?);
            if !lists.contains(&key.as_ref()) && !once.insert(key.clone()) {
                return Err(NotVerified::Malformed("a key stands twice"));
            }
            fields.0.push((key, value));
        }
        Ok(fields)
    }

    /// A field that must be there.
    pub(super) fn required(&self, key: &'static str) -> Result<&str, NotVerified> {
        self.get(key)
            .filter(|value| !value.is_empty())
            .ok_or(NotVerified::Malformed("a field is missing"))
    }

    /// A field that may be there.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.list(key).next()
    }

    /// The values of a list, in order.
    pub(super) fn list(&self, key: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(other, _)| other == key)
            .map(|(_, value)| value.as_ref())
    }

    /// True when there are no other keys than these.
    pub(super) fn has_only(&self, keys: &[&str]) -> bool {
        self.0.iter().all(|(key, _)| keys.contains(&key.as_ref()))
    }
}

fn decode(text: &[u8]) -> Result<Cow<'_, str>, NotVerified> {
    let escapes_are_whole = text
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'%')
        .all(|(at, _)| {
            text.get(at + 1..at + 3)
                .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
        });
    if !escapes_are_whole {
        return Err(NotVerified::Malformed("a broken escape"));
    }
    let utf8 =
        |bytes: Vec<u8>| String::from_utf8(bytes).map_err(|_| NotVerified::Malformed("not UTF-8"));
    let decoded = if text.contains(&b'+') {
        let spaced: Vec<u8> = text
            .iter()
            .map(|byte| if *byte == b'+' { b' ' } else { *byte })
            .collect();
        Cow::Owned(utf8(percent_decode(&spaced).collect())?)
    } else {
        percent_decode(text)
            .decode_utf8()
            .map_err(|_| NotVerified::Malformed("not UTF-8"))?
    };
    if decoded.contains('\0') {
        Err(NotVerified::Malformed("a NUL"))
    } else {
        Ok(decoded)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for body in [
            "a=1&a=2",
            "a=%zz",
            "a=%f",
            "a=%ff",
            "a=%00",
            "a=+%ff",
            "%61=1&a=2",
            "a+b=1&a%20b=2",
            "a%2Bb=1&a%2bb=2",
            "%zz=1",
            "%ff=1",
            "+%ff=1",
            "%00=1",
        ] {
            assert!(Fields::read(body.as_bytes()).is_err(), "{body}");
        }
        let fields = Fields::read(b"a+b=1+2&a%2Bb=1%2B2").unwrap_or_else(|_| panic!());
        assert_eq!(
            (fields.get("a b"), fields.get("a+b")),
            (Some("1 2"), Some("1+2"))
        );
        let fields =
            Fields::read(b"text=%3C%40U1%7Cbob%3E+x&empty=&&flag").unwrap_or_else(|_| panic!());
        assert_eq!(fields.get("text"), Some("<@U1|bob> x"));
        assert_eq!(
            (fields.get("empty"), fields.get("flag")),
            (Some(""), Some(""))
        );
        assert!(fields.required("empty").is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Fields::read(&body).is_ok_and(|fields| fields.0.len() <= body.len()) || Fields::read(&body).is_err());
        }
    }
}
