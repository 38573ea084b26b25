//! An OpenLDAP, or an Active Directory, as far as `relatch check` goes without naming an account.

use std::net::SocketAddr;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use super::ldap_wire::{Reader, element, entry, result};
use super::proxy::read_message;

const SUCCESS: u8 = 0;
const NO_SUCH_OBJECT: u8 = 32;
const INVALID_CREDENTIALS: u8 = 49;
const INSUFFICIENT_ACCESS: u8 = 50;

/// The extended operation that changes a password (RFC 3062).
const PASSWORD_MODIFY: &str = "1.3.6.1.4.1.4203.1.11.1";

/// How the server is set up.
#[derive(Clone, Copy)]
pub(crate) enum SetUpAs {
    /// Takes changes.
    Writable,
    /// Its database is read-only: 53 (OpenLDAP, `servers/slapd/passwd.c`, `slap_passwd_extop`, which asks
    /// `backend_check_restrictions` before it looks for the entry).
    ReadOnly,
    /// A copy that refers changes to its provider: 10 (the same function, after the restrictions).
    Copy,
    /// Active Directory: capabilities instead of the extended operation ([MS-ADTS] 3.1.1.3.4.3).
    ActiveDirectory,
    /// The same on a read-only domain controller.
    ReadOnlyController,
}

/// The entries that there are.
const ENTRIES: [&str; 3] = [
    "ou=people,dc=corp,dc=example",
    "cn=guarded,ou=groups,dc=corp,dc=example",
    "cn=helpdesk,ou=groups,dc=corp,dc=example",
];

pub(crate) async fn start(how: SetUpAs) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    super::super::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            super::super::spawn(serve(stream, how));
        }
    });
    address
}

async fn serve(mut stream: TcpStream, how: SetUpAs) {
    let mut is_bound = false;
    while let Some(message) = read_message(&mut stream).await {
        let mut parts = Reader(Reader(&message).next().1);
        let id = element(0x02, parts.next().1);
        let (tag, request) = parts.next();
        let answers = match tag {
            0x60 => {
                is_bound = is_own_account(request);
                let code = if is_bound {
                    SUCCESS
                } else {
                    INVALID_CREDENTIALS
                };
                vec![result(0x61, code, "")]
            }
            0x63 => search(request, is_bound, how),
            0x77 => vec![result(0x78, change(request, is_bound, how), "")],
            // UnbindRequest.
            0x42 => return,
            _ => panic!("an operation that check does not use: {tag:#x}"),
        };
        for answer in answers {
            let message = element(0x30, &[id.clone(), answer].concat());
            if stream.write_all(&message).await.is_err() {
                return;
            }
        }
    }
}

/// A simple bind (RFC 4513, 5.1.3) with the one password that there is.
fn is_own_account(request: &[u8]) -> bool {
    let mut request = Reader(request);
    request.next();
    request.text() == "cn=relatch,dc=corp,dc=example" && request.text() == "Service-account-1"
}

/// RFC 4511, 4.5: the root DSE is for everybody, the rest for whoever has bound; a base that is not there is 32.
fn search(request: &[u8], is_bound: bool, how: SetUpAs) -> Vec<Vec<u8>> {
    let base = Reader(request).text();
    let done = |code| result(0x65, code, "");
    if base.is_empty() {
        return vec![entry("", &root_dse(how)), done(SUCCESS)];
    }
    if !is_bound {
        return vec![done(INSUFFICIENT_ACCESS)];
    }
    match ENTRIES.iter().find(|own| **own == base) {
        Some(own) => vec![entry(own, &[]), done(SUCCESS)],
        None => vec![done(NO_SUCH_OBJECT)],
    }
}

fn root_dse(how: SetUpAs) -> Vec<(String, Vec<String>)> {
    let values = |name: &str, values: &[&str]| {
        let values = values.iter().map(|value| (*value).to_owned());
        (name.to_owned(), values.collect())
    };
    match how {
        SetUpAs::Writable | SetUpAs::ReadOnly | SetUpAs::Copy => vec![
            values("objectClass", &["top", "OpenLDAProotDSE"]),
            values("supportedExtension", &[PASSWORD_MODIFY]),
        ],
        SetUpAs::ActiveDirectory => vec![values(
            "supportedCapabilities",
            &["1.2.840.113556.1.4.800", "1.2.840.113556.1.4.1670"],
        )],
        SetUpAs::ReadOnlyController => vec![values(
            "supportedCapabilities",
            &["1.2.840.113556.1.4.800", "1.2.840.113556.1.4.1920"],
        )],
    }
}

/// Nobody's password is changed: `check` names an entry that is not there.
fn change(request: &[u8], is_bound: bool, how: SetUpAs) -> u8 {
    let mut request = Reader(request);
    assert_eq!(request.text(), PASSWORD_MODIFY);
    let parts = Reader(Reader(request.next().1).next().1).rest();
    let dn = parts.iter().find(|(tag, _)| *tag == 0x80);
    let dn = String::from_utf8_lossy(dn.unwrap().1).into_owned();
    assert!(
        dn.ends_with(",ou=people,dc=corp,dc=example") && dn.starts_with("cn=relatch-check-"),
        "{dn}"
    );
    match how {
        _ if !is_bound => INSUFFICIENT_ACCESS,
        SetUpAs::ReadOnly => 53,
        SetUpAs::Copy => 10,
        SetUpAs::Writable | SetUpAs::ActiveDirectory | SetUpAs::ReadOnlyController => {
            NO_SUCH_OBJECT
        }
    }
}
