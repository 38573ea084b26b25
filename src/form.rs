//! The one parser of `application/x-www-form-urlencoded` bodies: strict, and it wipes what it decoded.
//!
//! Our own, and not `url::form_urlencoded`: that one replaces what is malformed, keeps repeated keys, and leaves copies of
//! a typed password behind in memory.

use std::collections::HashSet;
use std::ops::Deref;
use std::str::Utf8Error;

use zeroize::Zeroizing;

/// The media type of these bodies.
pub(crate) const MEDIA_TYPE: &str = "application/x-www-form-urlencoded";

/// How many fields the chat platforms send, about.
const USUAL_FIELDS: usize = 16;

/// Why a body was refused: another parser might read it differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FormError {
    /// `%` without two hexadecimal digits.
    BrokenEscape,
    /// A key or a value is not UTF-8.
    NotUtf8(Utf8Error),
    /// No person can type a NUL, and C libraries end the text there.
    Nul,
    /// A key that is no list was sent twice.
    RepeatedKey,
    /// A required field is missing or empty.
    MissingField,
}

impl FormError {
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::BrokenEscape => "a broken escape",
            Self::NotUtf8(_) => "not UTF-8",
            Self::Nul => "a NUL",
            Self::RepeatedKey => "a key stands twice",
            Self::MissingField => "a field is missing",
        }
    }
}

impl From<Utf8Error> for FormError {
    fn from(error: Utf8Error) -> Self {
        Self::NotUtf8(error)
    }
}

/// A key or a value.
enum FieldText<'a> {
    /// It needed no decoding, so it was not copied. The owner of the body wipes it.
    InBody(&'a str),
    /// Our own copy, which is wiped when it is dropped.
    Decoded(Zeroizing<String>),
}

impl Deref for FieldText<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::InBody(text) => text,
            Self::Decoded(text) => text,
        }
    }
}

/// The fields of a body, in their order.
pub(crate) struct Fields<'a>(Vec<(FieldText<'a>, FieldText<'a>)>);

impl<'a> Fields<'a> {
    /// Reads a body in which every key appears once.
    pub(crate) fn read(body: &'a [u8]) -> Result<Self, FormError> {
        Self::read_with_lists(body, &[])
    }

    /// Reads a body in which the keys of `lists` may repeat: so Mattermost sends the values of a list.
    pub(crate) fn read_with_lists(body: &'a [u8], lists: &[&str]) -> Result<Self, FormError> {
        let mut fields = Vec::with_capacity(USUAL_FIELDS);
        for pair in body
            .split(|byte| *byte == b'&')
            .filter(|pair| !pair.is_empty())
        {
            let mut sides = pair.splitn(2, |byte| *byte == b'=');
            let mut side = || decode(sides.next().unwrap_or_default());
            fields.push((side()?, side()?));
        }
        let fields = Self(fields);
        let mut keys = HashSet::with_capacity(fields.0.len());
        let mut single = fields.keys().filter(|key| !lists.contains(key));
        if single.all(|key| keys.insert(key)) {
            drop(single);
            Ok(fields)
        } else {
            Err(FormError::RepeatedKey)
        }
    }

    /// The value of a field that must be there and not be empty.
    pub(crate) fn required(&self, key: &str) -> Result<&str, FormError> {
        self.get(key)
            .filter(|value| !value.is_empty())
            .ok_or(FormError::MissingField)
    }

    /// The value of a field, if it was sent.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.list(key).next()
    }

    /// The value of a field; empty where it was not sent.
    pub(crate) fn text(&self, key: &str) -> &str {
        self.get(key).unwrap_or_default()
    }

    /// The values of a list, in their order.
    pub(crate) fn list(&self, key: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(other, _)| **other == *key)
            .map(|(_, value)| &**value)
    }

    /// True when no other keys than these were sent.
    pub(crate) fn has_only(&self, keys: &[&str]) -> bool {
        self.keys().all(|key| keys.contains(&key))
    }

    fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(key, _)| &**key)
    }
}

fn decode(sent: &[u8]) -> Result<FieldText<'_>, FormError> {
    let text = if sent.contains(&b'+') || sent.contains(&b'%') {
        // As large as it can become from the start: a buffer that grows leaves copies behind.
        let mut decoded = Zeroizing::new(Vec::with_capacity(sent.len()));
        let mut bytes = sent.iter();
        while let Some(byte) = bytes.next() {
            decoded.push(match byte {
                b'+' => b' ',
                b'%' => escaped(bytes.next(), bytes.next()).ok_or(FormError::BrokenEscape)?,
                plain => *plain,
            });
        }
        FieldText::Decoded(Zeroizing::new(str::from_utf8(&decoded)?.to_owned()))
    } else {
        FieldText::InBody(str::from_utf8(sent)?)
    };
    if text.contains('\0') {
        Err(FormError::Nul)
    } else {
        Ok(text)
    }
}

/// The byte that two hexadecimal digits stand for.
fn escaped(high: Option<&u8>, low: Option<&u8>) -> Option<u8> {
    let digit = |byte: &u8| u8::try_from(char::from(*byte).to_digit(16)?).ok();
    Some(digit(high?)? << 4 | digit(low?)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::form_urlencoded;

    use super::*;

    fn pairs(fields: &Fields<'_>) -> Vec<(String, String)> {
        fields
            .0
            .iter()
            .map(|(key, value)| (key.to_string(), value.to_string()))
            .collect()
    }

    fn read(body: &[u8]) -> Result<Vec<(String, String)>, FormError> {
        Fields::read(body).map(|fields| pairs(&fields))
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for body in [
            "a=1&a=2",
            "a=%zz",
            "a=%f",
            "a=%",
            "a=%+1",
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
            "100%+%zz%4=1",
        ] {
            assert!(Fields::read(body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn fields_are_read_as_they_were_typed() {
        let fields = Fields::read(b"a+b=1+2&a%2Bb=1%2B2").unwrap();
        assert_eq!(
            (fields.get("a b"), fields.get("a+b")),
            (Some("1 2"), Some("1+2"))
        );
        let fields = Fields::read(b"text=%3C%40U1%7Cbob%3E+x&empty=&&flag&x=a=b").unwrap();
        assert_eq!(fields.get("text"), Some("<@U1|bob> x"));
        assert_eq!(
            (fields.get("empty"), fields.get("flag"), fields.get("x")),
            (Some(""), Some(""), Some("a=b"))
        );
        assert_eq!(fields.required("empty"), Err(FormError::MissingField));
        assert_eq!(fields.get("other"), None);
        assert!(!fields.has_only(&["text", "empty"]));
        let typed = Fields::read(b"password=nine+loud%20otters%2B%26%3D%C3%A9+").unwrap();
        assert_eq!(typed.get("password"), Some("nine loud otters+&=é "));
    }

    #[test]
    fn only_a_list_may_repeat() {
        let body = b"ids=1&ids=2&token=x";
        let fields = Fields::read_with_lists(body, &["ids"]).unwrap();
        assert_eq!(fields.list("ids").collect::<Vec<_>>(), ["1", "2"]);
        let refused = Fields::read_with_lists(body, &["token"]);
        assert_eq!(refused.err(), Some(FormError::RepeatedKey));
    }

    /// The largest webhook full of the smallest fields: as many fields as a sender can make us read.
    #[test]
    fn the_fullest_body_is_read() {
        let body: Vec<String> = (0..10_000).map(|number| format!("{number:x}")).collect();
        let body = body.join("&");
        assert!(body.len() < 64 * 1024);
        let fields = Fields::read(body.as_bytes()).unwrap();
        assert_eq!((fields.0.len(), fields.get("270f")), (10_000, Some("")));
        assert_eq!(
            read(format!("{body}&0").as_bytes()),
            Err(FormError::RepeatedKey)
        );
    }

    /// Texts with what matters to the format in them.
    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-z0-9]{0,8}",
            "[ +%&=a1\u{7f}é€😀;/?#\r\n\"'-]{0,12}",
            "%[0-9a-fA-F]{0,2}",
        ]
    }

    /// Fields that one body can carry: no key twice.
    fn distinct_fields() -> impl Strategy<Value = Vec<(String, String)>> {
        prop::collection::vec((text(), text()), 0..12).prop_map(|all| {
            let mut keys = HashSet::new();
            all.into_iter()
                .filter(|(key, _)| keys.insert(key.clone()))
                .collect()
        })
    }

    /// Encodes as differently as the format allows: `style` decides for each byte in turn.
    fn encode(text: &str, style: &mut impl Iterator<Item = u8>) -> String {
        let one = |byte: u8| match (byte, style.next().unwrap_or_default() % 3) {
            (b' ', 0) => "+".to_owned(),
            (b'a'..=b'z' | b'0'..=b'9', 0) => char::from(byte).to_string(),
            (_, 1) => format!("%{byte:02x}"),
            _ => format!("%{byte:02X}"),
        };
        text.bytes().map(one).collect()
    }

    /// Bytes that often make up escapes, pairs and characters.
    fn any_body() -> impl Strategy<Value = Vec<u8>> {
        let frequent = prop::sample::select(&b"%%++&&==09afAFz\xc3\xa9\0\xff"[..]);
        prop::collection::vec(prop_oneof![4 => frequent, 1 => any::<u8>()], 0..60)
    }

    fn has_broken_escape(body: &[u8]) -> bool {
        let is_whole = |rest: &[u8]| rest.len() >= 2 && rest[..2].iter().all(u8::is_ascii_hexdigit);
        body.split(|byte| *byte == b'%')
            .skip(1)
            .any(|rest| !is_whole(rest))
    }

    proptest! {
        /// The encoder is another crate's.
        #[test]
        fn what_a_browser_encodes_is_read_back(sent in distinct_fields()) {
            let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&sent).finish();
            prop_assert_eq!(read(body.as_bytes()), Ok(sent));
        }

        #[test]
        fn every_way_to_write_a_text_is_read_alike(
            sent in distinct_fields(),
            styles in prop::collection::vec(any::<u8>(), 1..40),
        ) {
            let mut style = styles.iter().copied().cycle();
            let body: Vec<String> = sent
                .iter()
                .map(|(key, value)| format!("{}={}", encode(key, &mut style), encode(value, &mut style)))
                .collect();
            prop_assert_eq!(read(body.join("&").as_bytes()), Ok(sent));
        }

        /// What is accepted means the same to the lenient parser of another crate.
        #[test]
        fn any_body_is_refused_or_means_the_same_to_another_parser(body in any_body()) {
            let other: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
            let has = |character: char| {
                other.iter().any(|(key, value)| key.contains(character) || value.contains(character))
            };
            match read(&body) {
                Ok(fields) => {
                    prop_assert!(!has_broken_escape(&body));
                    prop_assert_eq!(fields, other);
                }
                Err(FormError::RepeatedKey) => {
                    let keys: HashSet<&str> = other.iter().map(|(key, _)| key.as_str()).collect();
                    prop_assert!(keys.len() < other.len());
                }
                Err(FormError::Nul) => prop_assert!(has('\0')),
                Err(FormError::NotUtf8(_)) => prop_assert!(has(char::REPLACEMENT_CHARACTER)),
                Err(FormError::BrokenEscape) => prop_assert!(has_broken_escape(&body)),
                Err(FormError::MissingField) => prop_assert!(false, "reading asks for no field"),
            }
        }

        #[test]
        fn a_broken_escape_is_refused_wherever_it_stands(
            sent in distinct_fields(),
            at in any::<prop::sample::Index>(),
            broken in prop::sample::select(&["%", "%4", "%zz", "%4g", "%%41"][..]),
            in_key in any::<bool>(),
        ) {
            prop_assume!(!sent.is_empty());
            let at = at.index(sent.len());
            let body: Vec<String> = sent
                .iter()
                .enumerate()
                .map(|(number, (key, value))| {
                    let plain = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
                    let mark = |is_here: bool| if number == at && is_here { broken } else { "" };
                    format!("{}{}={}{}", plain(key), mark(in_key), plain(value), mark(!in_key))
                })
                .collect();
            prop_assert_eq!(read(body.join("&").as_bytes()), Err(FormError::BrokenEscape));
        }

        #[test]
        fn a_key_is_refused_the_second_time_however_it_is_written(
            sent in distinct_fields(),
            at in any::<prop::sample::Index>(),
            styles in prop::collection::vec(any::<u8>(), 1..40),
        ) {
            prop_assume!(!sent.is_empty());
            let mut style = styles.iter().copied().cycle();
            let (key, _) = &sent[at.index(sent.len())];
            let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&sent).finish();
            let body = format!("{body}&{}=again", encode(key, &mut style));
            prop_assert_eq!(read(body.as_bytes()), Err(FormError::RepeatedKey));
        }
    }
}
