//! The section `[email]`: the mail server and the sender.

use std::borrow::Cow;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::{FromStr, Utf8Error};

use lettre::message::Mailbox;
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::domain::EmailAddress;
use crate::settings::{SecretForm, Section};

/// How a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Security {
    /// TLS from the first byte (`smtps://`).
    Implicit,
    Starttls,
    /// STARTTLS where the server offers it; only for a server on this machine (`smtp://localhost`).
    Loopback,
}

/// The mail server of `smtp_url`.
pub(super) struct MailServer {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: Security,
    pub(super) credentials: Option<(String, SecretString)>,
}

const PERCENT_ENCODED: &str =
    "in the user name and the password / ? # @ % are percent-encoded, / as %2F";

/// What is wrong with `smtp_url`. No text holds any of it, because it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SmtpUrlError {
    #[error(
        "is not an address such as smtps://user:password@host; {}",
        PERCENT_ENCODED
    )]
    Syntax(#[from] url::ParseError),
    #[error("names no host")]
    NoHost,
    #[error("has a path or a query; {}", PERCENT_ENCODED)]
    MoreThanAHost,
    #[error("must begin with smtps:// or smtp://")]
    Scheme,
    #[error("holds a user name that is not UTF-8")]
    UserName(#[source] Utf8Error),
    #[error("holds a password that is not UTF-8")]
    Password(#[source] Utf8Error),
    #[error("holds a user name or a password, but not both")]
    HalfOfTheCredentials,
}

impl FromStr for MailServer {
    type Err = SmtpUrlError;

    fn from_str(text: &str) -> Result<Self, SmtpUrlError> {
        let url = Url::parse(text)?;
        // The URL standard does not know the scheme, so the host is a text and no parsed address.
        let host = url
            .host_str()
            .unwrap_or_default()
            .trim_matches(['[', ']'])
            .to_owned();
        if host.is_empty() {
            return Err(SmtpUrlError::NoHost);
        }
        let is_bare =
            matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
        if !is_bare {
            return Err(SmtpUrlError::MoreThanAHost);
        }
        let is_loopback = host == "localhost"
            || host
                .parse::<IpAddr>()
                .is_ok_and(|address| address.is_loopback());
        let (security, port) = match (url.scheme(), is_loopback) {
            ("smtps", _) => (Security::Implicit, 465),
            ("smtp", false) => (Security::Starttls, 587),
            ("smtp", true) => (Security::Loopback, 587),
            _ => return Err(SmtpUrlError::Scheme),
        };
        Ok(Self {
            host,
            port: url.port().unwrap_or(port),
            security,
            credentials: credentials(&url)?,
        })
    }
}

fn credentials(url: &Url) -> Result<Option<(String, SecretString)>, SmtpUrlError> {
    let decode = |text| percent_decode_str(text).decode_utf8().map(Cow::into_owned);
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        (user, Some(password)) if !user.is_empty() && !password.is_empty() => {
            let user = decode(user).map_err(SmtpUrlError::UserName)?;
            let password = decode(password).map_err(SmtpUrlError::Password)?;
            Ok(Some((user, password.into())))
        }
        _ => Err(SmtpUrlError::HalfOfTheCredentials),
    }
}

/// The settings of a mail server.
pub struct Config {
    pub(super) server: MailServer,
    pub(super) from: Mailbox,
    /// Where answers go instead of to the sender.
    pub(super) reply_to: Option<Mailbox>,
    pub(super) ca_file: Option<PathBuf>,
}

impl Config {
    /// Reads the section; what is wrong is noted there.
    pub(in crate::delivery) fn read(mut section: Section<'_>) -> Option<Self> {
        let server = section
            .required_secret("smtp_url", "smtp_url_file", SecretForm::Password)
            .and_then(|url| {
                let server = url.expose_secret().parse();
                server
                    .map_err(|error: SmtpUrlError| section.problem("smtp_url", error.to_string()))
                    .ok()
            });
        let from = section
            .required("from")
            .and_then(|text| mailbox(&mut section, "from", &text));
        let reply_to = section
            .text("reply_to")
            .and_then(|text| mailbox(&mut section, "reply_to", &text));
        let ca_file = section.ca_file();
        section.end();
        Some(Self {
            server: server?,
            from: from?,
            reply_to,
            ca_file,
        })
    }
}

/// Reads a sender such as `Acme IT <it@acme.example>`. Mail servers without SMTPUTF8 take ASCII addresses only.
fn mailbox(section: &mut Section<'_>, key: &'static str, text: &str) -> Option<Mailbox> {
    let mailbox = text.parse().ok().and_then(in_ascii);
    if mailbox.is_none() {
        section.problem(key, "must be an address such as Acme IT <it@acme.example>");
    }
    mailbox
}

fn in_ascii(mailbox: Mailbox) -> Option<Mailbox> {
    if AsRef::<str>::as_ref(&mailbox.email).is_ascii() {
        return Some(mailbox);
    }
    let email: EmailAddress = mailbox.email.to_string().parse().ok()?;
    Some(Mailbox::new(mailbox.name, email.as_str().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plaintext only to this machine.
    #[test]
    fn security_follows_the_address() {
        let security = |url: &str| {
            let server: Result<MailServer, _> = url.parse();
            server.map(|server| (server.security, server.port))
        };
        assert_eq!(
            security("smtps://u:p@mail.example"),
            Ok((Security::Implicit, 465))
        );
        assert_eq!(
            security("smtp://u:p@mail.example"),
            Ok((Security::Starttls, 587))
        );
        assert_eq!(
            security("smtp://localhost:2525"),
            Ok((Security::Loopback, 2525))
        );
        assert_eq!(
            security("smtp://127.0.0.1:25"),
            Ok((Security::Loopback, 25))
        );
        assert_eq!(
            security("smtp://127.0.0.1.evil.example"),
            Ok((Security::Starttls, 587))
        );
        for wrong in [
            "http://mail.example",
            "smtp://",
            "smtps://u:p@mail.example/canary",
            "smtps://u:p@mail.example?starttls=canary",
            "smtps://u:canary/more@mail.example",
            "smtps://u:canary#more@mail.example",
            "smtp://canary@mail.example",
            "smtp://:canary@mail.example",
            "canary",
        ] {
            let error = security(wrong).unwrap_err();
            let told = format!("{error} {error:?}");
            assert!(!told.contains("canary"), "{wrong}: {told}");
        }
    }
}
