//! Reads an e-mail as it went to the mail server: its subject, its text and its HTML part.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What the recipient's program shows of an e-mail.
pub(crate) struct Mail {
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: Option<String>,
}

impl Mail {
    /// Reads the content of DATA (RFC 5321, 4.5.2: a line that begins with a dot has one more).
    pub(crate) fn read(content: &str) -> Self {
        let content = content.strip_suffix("\r\n.\r\n").unwrap_or(content);
        let content = content.replace("\r\n..", "\r\n.");
        let whole = Part::read(&content);
        let parts = whole.parts();
        let of_kind = |kind: &str| {
            let mut parts = parts.iter();
            let part = parts.find(|part| part.header("content-type").starts_with(kind));
            part.map(Part::decoded)
        };
        Self {
            subject: words(&whole.header("subject")),
            text: of_kind("text/plain").expect("a text"),
            html: of_kind("text/html"),
        }
    }
}

/// Headers and what they are about (RFC 2045).
struct Part {
    headers: Vec<(String, String)>,
    body: String,
}

impl Part {
    fn read(text: &str) -> Self {
        let (headers, body) = text.split_once("\r\n\r\n").expect("headers and a body");
        let unfolded = headers.replace("\r\n ", " ").replace("\r\n\t", " ");
        let headers = unfolded.lines().filter_map(|line| line.split_once(": "));
        Self {
            headers: headers
                .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
                .collect(),
            body: body.to_owned(),
        }
    }

    fn header(&self, name: &str) -> String {
        let mut headers = self.headers.iter();
        let found = headers.find(|(own, _)| own == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    /// The parts of a message of several (RFC 2046, 5.1), or the one that it is.
    fn parts(&self) -> Vec<Self> {
        let kind = self.header("content-type");
        let Some((_, boundary)) = kind.split_once("boundary=\"") else {
            let (headers, body) = (self.headers.clone(), self.body.clone());
            return vec![Self { headers, body }];
        };
        let boundary = format!("--{}", boundary.split('"').next().unwrap());
        let between = self.body.split(boundary.as_str()).skip(1);
        between
            .filter(|part| !part.starts_with("--"))
            .map(|part| Self::read(part.trim_start_matches("\r\n")))
            .collect()
    }

    fn decoded(&self) -> String {
        let bytes = match self.header("content-transfer-encoding").as_str() {
            "base64" => STANDARD.decode(self.body.replace("\r\n", "")).unwrap(),
            "quoted-printable" => unquoted(&self.body.replace("=\r\n", "")),
            "7bit" => self.body.clone().into_bytes(),
            other => panic!("an encoding that this test does not know: {other}"),
        };
        String::from_utf8(bytes).unwrap().replace("\r\n", "\n")
    }
}

/// Quoted-printable (RFC 2045, 6.7), without its soft line breaks.
fn unquoted(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        if *first == b'=' {
            bytes.extend(hex::decode(&others[..2]).unwrap());
            rest = &others[2..];
        } else {
            bytes.push(*first);
            rest = others;
        }
    }
    bytes
}

/// A header with encoded words (RFC 2047).
fn words(header: &str) -> String {
    let mut text = String::new();
    let mut was_encoded = false;
    for (at, word) in header.split(' ').enumerate() {
        let encoded = word
            .strip_prefix("=?utf-8?b?")
            .and_then(|rest| rest.strip_suffix("?="));
        // Blanks between two encoded words are not part of the text.
        if at > 0 && !(was_encoded && encoded.is_some()) {
            text.push(' ');
        }
        was_encoded = encoded.is_some();
        match encoded {
            Some(encoded) => {
                let bytes = STANDARD.decode(encoded).unwrap();
                text.push_str(&String::from_utf8(bytes).unwrap());
            }
            None => text.push_str(word),
        }
    }
    text
}
