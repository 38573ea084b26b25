//! Strict reading of `application/x-www-form-urlencoded` bodies: UTF-8 only, and no key twice.

use std::collections::HashMap;

use percent_encoding::percent_decode;

use super::NotVerified;

/// The fields of a form body.
pub(super) struct Fields(HashMap<String, Vec<String>>);

impl Fields {
    /// Reads a body. A broken escape, invalid UTF-8 or a repeated key is refused: somebody else might read it differently.
    pub(super) fn read(body: &[u8]) -> Result<Self, NotVerified> {
        Self::read_with_lists(body, &[])
    }

    /// The same where some keys are lists, which the platform writes by repeating the key.
    pub(super) fn read_with_lists(body: &[u8], lists: &[&str]) -> Result<Self, NotVerified> {
        let mut fields: HashMap<String, Vec<String>> = HashMap::new();
        for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let (key, value) = match pair.iter().position(|byte| *byte == b'=') {
                Some(at) => (pair.get(..at), pair.get(at + 1..)),
                None => (Some(pair), Some([].as_slice())),
            };
            let key = decode(key.unwrap_or_default())?;
            let is_list = lists.contains(&key.as_str());
            let values = fields.entry(key).or_default();
            if !is_list && !values.is_empty() {
                return Err(NotVerified::Malformed("a key stands twice"));
            }
            values.push(decode(value.unwrap_or_default())?);
        }
        Ok(Self(fields))
    }

    /// A field that must be there.
    pub(super) fn required(&self, key: &'static str) -> Result<&str, NotVerified> {
        self.get(key).filter(|value| !value.is_empty()).ok_or(NotVerified::Malformed("a field is missing"))
    }

    /// A field that may be there.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|values| values.first()).map(String::as_str)
    }

    /// The values of a list, in order.
    pub(super) fn list(&self, key: &str) -> Vec<&str> {
        self.0.get(key).into_iter().flatten().map(String::as_str).collect()
    }

    /// True when there are no other keys than these.
    pub(super) fn has_only(&self, keys: &[&str]) -> bool {
        self.0.keys().all(|key| keys.contains(&key.as_str()))
    }
}

fn decode(text: &[u8]) -> Result<String, NotVerified> {
    let escapes_are_whole = text
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'%')
        .all(|(at, _)| text.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)));
    if !escapes_are_whole {
        return Err(NotVerified::Malformed("a broken escape"));
    }
    let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    let decoded = percent_decode(&spaced).decode_utf8().map_err(|_| NotVerified::Malformed("not UTF-8"))?;
    if decoded.contains('\0') { Err(NotVerified::Malformed("a NUL")) } else { Ok(decoded.into_owned()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for body in ["a=1&a=2", "a=%zz", "a=%f", "a=%ff", "a=%00", "%61=1&a=2"] {
            assert!(Fields::read(body.as_bytes()).is_err(), "{body}");
        }
        let fields = Fields::read(b"text=%3C%40U1%7Cbob%3E+x&empty=&&flag").unwrap_or_else(|_| panic!());
        assert_eq!(fields.get("text"), Some("<@U1|bob> x"));
        assert_eq!((fields.get("empty"), fields.get("flag")), (Some(""), Some("")));
        assert!(fields.required("empty").is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Fields::read(&body).is_ok_and(|fields| fields.0.len() <= body.len()) || Fields::read(&body).is_err());
        }
    }
}
