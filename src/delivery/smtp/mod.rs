//! E-mail through SMTP: prepared up to an accepted recipient before anything changes, then one message.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use lettre::message::header::{ContentTransferEncoding, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, SinglePart};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension};
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::Note;
use crate::domain::EmailAddress;
use crate::domain::delivery::{Outcome, Refusal};
use crate::net;

/// How long one phase of the conversation may take.
const PHASE_DEADLINE: Duration = Duration::from_secs(10);

/// How a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte (`smtps://`).
    Implicit,
    /// STARTTLS, required (`smtp://`).
    Starttls,
    /// STARTTLS where the server offers it: only to this machine itself (`smtp://localhost`).
    Loopback,
}

/// What relatch must know of a mail server.
pub struct Config {
    host: String,
    port: u16,
    security: Security,
    credentials: Option<(String, SecretString)>,
    from: Mailbox,
    ca_file: Option<PathBuf>,
}

impl Config {
    /// Reads `smtps://user:password@host[:port]` or `smtp://…`. The error never holds the address.
    pub fn read(
        smtp_url: &SecretString,
        from: &str,
        ca_file: Option<PathBuf>,
    ) -> Result<Self, &'static str> {
        let url = Url::parse(smtp_url.expose_secret())
            .map_err(|_| "is not an address such as smtps://user:password@host")?;
        // The scheme is unknown to the URL standard, so its host is text and no parsed address.
        let host = url
            .host_str()
            .unwrap_or_default()
            .trim_matches(['[', ']'])
            .to_owned();
        if host.is_empty() {
            return Err("names no host");
        }
        let is_loopback = host == "localhost"
            || host
                .parse::<IpAddr>()
                .is_ok_and(|address| address.is_loopback());
        let (security, port) = match (url.scheme(), is_loopback) {
            ("smtps", _) => (Security::Implicit, 465),
            ("smtp", false) => (Security::Starttls, 587),
            ("smtp", true) => (Security::Loopback, 587),
            _ => return Err("must begin with smtps:// or smtp://"),
        };
        let decode = |text: &str| {
            percent_decode_str(text)
                .decode_utf8()
                .map(std::borrow::Cow::into_owned)
        };
        let credentials = match (url.username(), url.password()) {
            ("", None) => None,
            (user, Some(password)) if !user.is_empty() && !password.is_empty() => {
                let user = decode(user).map_err(|_| "holds a user name that is not UTF-8")?;
                let password =
                    decode(password).map_err(|_| "holds a password that is not UTF-8")?;
                Some((user, password.into()))
            }
            _ => return Err("holds a user name or a password, but not both"),
        };
        let from = from
            .parse()
            .map_err(|_| "has no sender such as Acme IT <it@acme.example>")?;
        Ok(Self {
            host,
            port: url.port().unwrap_or(port),
            security,
            credentials,
            from,
            ca_file,
        })
    }
}

/// A mail server.
pub struct Smtp {
    config: Config,
    deadline: Duration,
}

/// A connection with an accepted recipient.
pub struct Ready {
    connection: AsyncSmtpConnection,
    from: Mailbox,
    to: Mailbox,
    deadline: Duration,
}

impl Smtp {
    /// The adapter for one mail server.
    pub fn new(config: Config) -> Self {
        Self {
            config,
            deadline: PHASE_DEADLINE,
        }
    }

    #[cfg(test)]
    fn impatient(config: Config) -> Self {
        Self {
            config,
            deadline: Duration::from_millis(300),
        }
    }

    /// Connects, encrypts, signs in, and gets the recipient accepted.
    pub(super) async fn prepare(&self, to: &EmailAddress) -> Result<Ready, Refusal> {
        let to: lettre::Address = to.as_str().parse().map_err(|_| Refusal::Address)?;
        let mut connection = self.connect().await?;
        let from = self.config.from.email.clone();
        for is_recipient in [false, true] {
            let command = async {
                if is_recipient {
                    connection.command(Rcpt::new(to.clone(), Vec::new())).await
                } else {
                    connection
                        .command(Mail::new(Some(from.clone()), Vec::new()))
                        .await
                }
            };
            let about = if is_recipient {
                Refusal::Address
            } else {
                Refusal::Message
            };
            if let Err(why) = self.phase(command, about).await {
                close(connection).await;
                return Err(why);
            }
        }
        let to = Mailbox::new(None, to);
        Ok(Ready {
            connection,
            from: self.config.from.clone(),
            to,
            deadline: self.deadline,
        })
    }

    /// For `relatch check`: connects, encrypts and signs in.
    pub(super) async fn probe(&self) -> Result<(), String> {
        match self.connect().await {
            Ok(connection) => {
                close(connection).await;
                Ok(())
            }
            Err(Refusal::Credentials) => {
                Err("the mail server refuses the user name or the password".to_owned())
            }
            Err(Refusal::Tls) => {
                Err("the mail server offers no encrypted connection that can be trusted".to_owned())
            }
            Err(Refusal::Unreachable) => Err("the mail server does not answer".to_owned()),
            Err(why @ (Refusal::Address | Refusal::Later | Refusal::Message)) => Err(format!(
                "the mail server refuses the connection ({})",
                why.code()
            )),
        }
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Refusal> {
        let Config {
            host,
            port,
            security,
            credentials,
            ..
        } = &self.config;
        let hello = ClientId::Domain(self.config.from.email.domain().to_owned());
        let wrapped = match security {
            Security::Implicit => Some(self.tls()?),
            Security::Starttls | Security::Loopback => None,
        };
        let open = AsyncSmtpConnection::connect_tokio1(
            (host.as_str(), *port),
            Some(net::CONNECT_DEADLINE.min(self.deadline)),
            &hello,
            wrapped,
            None,
        );
        let mut connection = self.phase(open, Refusal::Message).await?;
        let offers_tls = connection
            .server_info()
            .supports_feature(Extension::StartTls);
        let upgrade = match security {
            Security::Implicit => false,
            Security::Starttls if !offers_tls => {
                close(connection).await;
                return Err(Refusal::Tls);
            }
            Security::Starttls => true,
            Security::Loopback => offers_tls,
        };
        if upgrade {
            let tls = self.tls()?;
            let secured =
                tokio::time::timeout(self.deadline, connection.starttls(tls, &hello)).await;
            match secured {
                Ok(Ok(())) => {}
                Ok(Err(error)) if error.is_timeout() => return Err(Refusal::Unreachable),
                Ok(Err(_)) => return Err(Refusal::Tls),
                Err(_) => return Err(Refusal::Unreachable),
            }
        }
        if let Some((user, password)) = credentials {
            let credentials = Credentials::new(user.clone(), password.expose_secret().to_owned());
            let signed_in = {
                let sign_in = connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials);
                self.phase(sign_in, Refusal::Credentials).await
            };
            if let Err(why) = signed_in {
                close(connection).await;
                return Err(why);
            }
        }
        Ok(connection)
    }

    fn tls(&self) -> Result<TlsParameters, Refusal> {
        let mut builder = TlsParameters::builder(self.config.host.clone());
        if let Some(path) = &self.config.ca_file {
            let pem = std::fs::read(path).map_err(|_| Refusal::Tls)?;
            builder = builder
                .add_root_certificate(Certificate::from_pem(&pem).map_err(|_| Refusal::Tls)?);
        }
        builder.build_rustls().map_err(|_| Refusal::Tls)
    }

    /// One phase before the content: whatever goes wrong, surely nothing was sent.
    async fn phase<T>(
        &self,
        phase: impl Future<Output = Result<T, lettre::transport::smtp::Error>>,
        on_permanent: Refusal,
    ) -> Result<T, Refusal> {
        match tokio::time::timeout(self.deadline, phase).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                let why = sort(&error, on_permanent);
                tracing::warn!(
                    smtp.code = error.status().map(|code| code.to_string()),
                    why = why.code(),
                    "the mail server said no"
                );
                Err(why)
            }
            Err(_) => Err(Refusal::Unreachable),
        }
    }
}

/// Codes of RFC 5321 and RFC 4954: 530, 534, 535 and 538 are about us, other 5xx about what was asked.
fn sort(error: &lettre::transport::smtp::Error, on_permanent: Refusal) -> Refusal {
    let code = error.status().map(|code| code.to_string());
    match code.as_deref() {
        Some("530" | "534" | "535" | "538") => Refusal::Credentials,
        Some(_) if error.is_permanent() => on_permanent,
        Some(_) => Refusal::Later,
        None if error.is_tls() => Refusal::Tls,
        // The library's own "no": the server offers no way to sign in that we know.
        None if error.is_client() && on_permanent == Refusal::Credentials => Refusal::Credentials,
        None if is_certificate_error(error) => Refusal::Tls,
        None => Refusal::Unreachable,
    }
}

/// A failed handshake comes as a connection error; its cause names the certificate.
fn is_certificate_error(error: &lettre::transport::smtp::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let text = inner.to_string();
        if inner.downcast_ref::<rustls::Error>().is_some()
            || text.contains("certificate")
            || text.contains("TLS")
        {
            return true;
        }
        cause = inner.source();
    }
    false
}

/// Says goodbye where the other side still listens.
async fn close(mut connection: AsyncSmtpConnection) {
    if tokio::time::timeout(Duration::from_secs(1), connection.quit())
        .await
        .is_err()
    {
        tracing::debug!("the mail server did not hear the goodbye");
    }
}

impl Ready {
    /// DATA and the content. A definite answer is believed; silence after the content began is unknown.
    pub(super) async fn send(mut self, note: &Note) -> Outcome {
        let Ok(content) = self.content(note) else {
            self.abandon().await;
            return Outcome::Refused(Refusal::Message);
        };
        match tokio::time::timeout(self.deadline, self.connection.command(Data)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Outcome::Refused(sort(&error, Refusal::Message)),
            Err(_) => return Outcome::Refused(Refusal::Unreachable),
        }
        let ended = tokio::time::timeout(self.deadline, self.connection.message(&content)).await;
        match ended {
            Ok(Ok(_)) => {
                close(self.connection).await;
                Outcome::Accepted
            }
            Ok(Err(error)) if error.status().is_some() => {
                Outcome::Refused(sort(&error, Refusal::Message))
            }
            Ok(Err(_)) | Err(_) => Outcome::Unknown,
        }
    }

    /// Ends the conversation without a message.
    pub(super) async fn abandon(self) {
        close(self.connection).await;
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the Date header is for the mail server, no rule hangs on it"
    )]
    fn content(&self, note: &Note) -> Result<zeroize::Zeroizing<Vec<u8>>, lettre::error::Error> {
        let mut id = [0; 16];
        rand::TryRng::try_fill_bytes(&mut rand::rngs::SysRng, &mut id)
            .map_err(|_| lettre::error::Error::MissingFrom)?;
        let part = SinglePart::builder()
            .header(lettre::message::header::ContentType::TEXT_PLAIN)
            .header(ContentTransferEncoding::Base64)
            .body(note.text.as_str().to_owned());
        // The name of this machine stays here: the identifier ends in the sender's domain.
        let message = Message::builder()
            .from(self.from.clone())
            .to(self.to.clone())
            .subject(note.subject.clone())
            .date(SystemTime::now())
            .message_id(Some(format!(
                "<{}@{}>",
                hex::encode(id),
                self.from.email.domain()
            )))
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ))
            .singlepart(part)?;
        Ok(zeroize::Zeroizing::new(message.formatted()))
    }
}

#[cfg(test)]
mod tests;
