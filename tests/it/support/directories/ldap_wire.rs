//! The part of LDAP's encoding (RFC 4511, appendix B; BER) that a pretend server needs.

use std::net::SocketAddr;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use super::proxy::read_message;

/// A server that answers every bind and every search below a base with a code (RFC 4511, 4.2.2 and 4.5.2). Its root DSE, as
/// far as it has to have one, is there.
pub(crate) async fn answering(bind: u8, search: u8) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    super::super::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            super::super::spawn(async move {
                while let Some(message) = read_message(&mut stream).await {
                    let mut parts = Reader(Reader(&message).next().1);
                    let id = element(0x02, parts.next().1);
                    let (tag, request) = parts.next();
                    let answers = match tag {
                        0x60 => vec![result(0x61, bind, "")],
                        _ if Reader(request).text().is_empty() => {
                            vec![entry("", &[]), result(0x65, 0, "")]
                        }
                        _ => vec![result(0x65, search, "")],
                    };
                    for answer in answers {
                        let message = element(0x30, &[id.clone(), answer].concat());
                        stream.write_all(&message).await.ok();
                    }
                }
            });
        }
    });
    address
}

/// Reads elements one after the other.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    /// The next element, as tag and content.
    pub(super) fn next(&mut self) -> (u8, &'a [u8]) {
        let (tag, first) = (self.0[0], self.0[1]);
        let (begin, length) = if first < 0x80 {
            (2, usize::from(first))
        } else {
            let digits = &self.0[2..2 + usize::from(first & 0x7f)];
            let length = digits
                .iter()
                .fold(0, |all, digit| all << 8 | usize::from(*digit));
            (2 + digits.len(), length)
        };
        let content = &self.0[begin..begin + length];
        self.0 = &self.0[begin + length..];
        (tag, content)
    }

    pub(super) fn text(&mut self) -> String {
        String::from_utf8(self.next().1.to_vec()).unwrap()
    }

    /// A number of one byte.
    pub(super) fn small(&mut self) -> u8 {
        self.next().1[0]
    }

    /// All elements that are left.
    pub(super) fn rest(&mut self) -> Vec<(u8, &'a [u8])> {
        let mut all = Vec::new();
        while !self.0.is_empty() {
            all.push(self.next());
        }
        all
    }
}

/// One element.
pub(super) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    match u8::try_from(content.len()) {
        Ok(short) if short < 0x80 => bytes.push(short),
        _ => {
            bytes.push(0x84);
            bytes.extend(u32::try_from(content.len()).unwrap().to_be_bytes());
        }
    }
    bytes.extend(content);
    bytes
}

/// An `LDAPResult` (4.1.9) as the answer with this tag.
pub(super) fn result(tag: u8, code: u8, text: &str) -> Vec<u8> {
    let parts = [
        element(0x0a, &[code]),
        element(0x04, b""),
        element(0x04, text.as_bytes()),
    ];
    element(tag, &parts.concat())
}

/// A `SearchResultEntry` (4.5.2).
pub(super) fn entry(dn: &str, attributes: &[(String, Vec<String>)]) -> Vec<u8> {
    let attributes = attributes.iter().map(|(name, values)| {
        let values: Vec<u8> = values
            .iter()
            .flat_map(|value| element(0x04, value.as_bytes()))
            .collect();
        let parts = [element(0x04, name.as_bytes()), element(0x31, &values)];
        element(0x30, &parts.concat())
    });
    let attributes: Vec<u8> = attributes.flatten().collect();
    let parts = [element(0x04, dn.as_bytes()), element(0x30, &attributes)];
    element(0x64, &parts.concat())
}

/// A filter (4.5.1.7), as far as one is understood.
pub(super) enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    Equal(String, String),
    Present(String),
    Other,
}

impl Filter {
    pub(super) fn read((tag, content): (u8, &[u8])) -> Self {
        let parts = || Reader(content).rest().into_iter().map(Self::read).collect();
        match tag {
            0xa0 => Self::And(parts()),
            0xa1 => Self::Or(parts()),
            0xa2 => Self::Not(Box::new(Self::read(Reader(content).next()))),
            0xa3 => {
                let mut pair = Reader(content);
                Self::Equal(pair.text().to_lowercase(), pair.text().to_lowercase())
            }
            0x87 => Self::Present(String::from_utf8_lossy(content).to_lowercase()),
            _ => Self::Other,
        }
    }
}
