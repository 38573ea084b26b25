//! E-mail through SMTP: prepared up to an accepted recipient before anything changes, then one message.

mod config;
mod message;
#[cfg(test)]
mod tests;

use futures_util::future::BoxFuture;
use std::error::Error;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension};
use secrecy::ExposeSecret;

pub(crate) use self::config::Config;
use self::config::{MailServer, Security};
use super::OutgoingText;
use crate::domain::EmailAddress;
use crate::domain::delivery::{Outcome, Refusal};
use crate::net;

/// How long one phase of the conversation may take.
const PHASE_DEADLINE: Duration = Duration::from_secs(10);

pub(crate) struct Sender {
    config: Config,
    deadline: Duration,
}

/// A connection with an accepted recipient.
pub(crate) struct Ready<'a> {
    smtp: &'a Sender,
    connection: AsyncSmtpConnection,
    to: Mailbox,
}

impl Sender {
    /// The adapter with these settings.
    pub(super) fn open(config: Config, _http: &reqwest::Client) -> Self {
        Self {
            config,
            deadline: PHASE_DEADLINE,
        }
    }

    /// Connects, encrypts, signs in, and gets the recipient accepted.
    pub(super) async fn prepare(&self, to: &EmailAddress) -> Result<Ready<'_>, Refusal> {
        let to: lettre::Address = to.as_str().parse().map_err(|error| {
            tracing::debug!(error = &error as &dyn Error, "not an address for SMTP");
            Refusal::Address
        })?;
        let mut connection = self.connect().await?;
        let from = Mail::new(Some(self.config.from.email.clone()), Vec::new());
        let mut ended = self
            .phase(connection.command(from), Refusal::Message)
            .await
            .map(drop);
        if ended.is_ok() {
            let rcpt = Rcpt::new(to.clone(), Vec::new());
            ended = self
                .phase(connection.command(rcpt), Refusal::Address)
                .await
                .map(drop);
        }
        if let Err(why) = ended {
            close(connection).await;
            return Err(why);
        }
        Ok(Ready {
            smtp: self,
            connection,
            to: Mailbox::new(None, to),
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
        let MailServer {
            host,
            port,
            security,
            ..
        } = &self.config.server;
        let hello = ClientId::Domain(self.config.from.email.domain().to_owned());
        let tls_from_the_start = match security {
            Security::Implicit => Some(self.tls()?),
            Security::Starttls | Security::Loopback => None,
        };
        let open = AsyncSmtpConnection::connect_tokio1(
            (host.as_str(), *port),
            Some(net::CONNECT_DEADLINE.min(self.deadline)),
            &hello,
            tls_from_the_start,
            None,
        );
        let mut connection = self.phase(open, Refusal::Message).await?;
        let offers_tls = connection
            .server_info()
            .supports_feature(Extension::StartTls);
        match security {
            Security::Starttls if !offers_tls => {
                close(connection).await;
                return Err(Refusal::Tls);
            }
            Security::Loopback if !offers_tls => {}
            Security::Starttls | Security::Loopback => {
                self.start_tls(&mut connection, &hello).await?;
            }
            Security::Implicit => {}
        }
        if let Err(why) = self.sign_in(&mut connection).await {
            close(connection).await;
            return Err(why);
        }
        Ok(connection)
    }

    async fn start_tls(
        &self,
        connection: &mut AsyncSmtpConnection,
        hello: &ClientId,
    ) -> Result<(), Refusal> {
        let tls = self.tls()?;
        match tokio::time::timeout(self.deadline, connection.starttls(tls, hello)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) if !error.is_timeout() => Err(Refusal::Tls),
            Ok(Err(_)) | Err(_) => Err(Refusal::Unreachable),
        }
    }

    async fn sign_in(&self, connection: &mut AsyncSmtpConnection) -> Result<(), Refusal> {
        let Some((user, password)) = &self.config.server.credentials else {
            return Ok(());
        };
        let credentials = Credentials::new(user.clone(), password.expose_secret().to_owned());
        let auth = connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials);
        self.phase(auth, Refusal::Credentials).await.map(drop)
    }

    fn tls(&self) -> Result<TlsParameters, Refusal> {
        let refused = |error: &(dyn Error + 'static)| {
            tracing::warn!(error, "TLS could not be set up for the mail server");
            Refusal::Tls
        };
        let mut builder = TlsParameters::builder(self.config.server.host.clone());
        if let Some(path) = &self.config.ca_file {
            let pem = std::fs::read(path).map_err(|error| refused(&error))?;
            let own = Certificate::from_pem(&pem).map_err(|error| refused(&error))?;
            builder = builder.add_root_certificate(own);
        }
        builder.build_rustls().map_err(|error| refused(&error))
    }

    /// One phase before the content: whatever goes wrong, nothing was sent.
    async fn phase<T>(
        &self,
        phase: impl Future<Output = Result<T, lettre::transport::smtp::Error>>,
        on_permanent: Refusal,
    ) -> Result<T, Refusal> {
        match tokio::time::timeout(self.deadline, phase).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                let why = refusal(&error, on_permanent);
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

/// Reads the codes of RFC 5321 and RFC 4954: 530, 534, 535 and 538 concern our account, any other 5xx the command.
fn refusal(error: &lettre::transport::smtp::Error, on_permanent: Refusal) -> Refusal {
    let code = error.status().map(|code| code.to_string());
    match code.as_deref() {
        Some("530" | "534" | "535" | "538") => Refusal::Credentials,
        Some(_) if error.is_permanent() => on_permanent,
        Some(_) => Refusal::Later,
        None if error.is_tls() => Refusal::Tls,
        // The library's own error: the server offers no mechanism to sign in that we know.
        None if error.is_client() && on_permanent == Refusal::Credentials => Refusal::Credentials,
        None if is_certificate_error(error) => Refusal::Tls,
        None => Refusal::Unreachable,
    }
}

/// A failed handshake is reported as a connection error; only its cause names TLS or the certificate.
fn is_certificate_error(error: &lettre::transport::smtp::Error) -> bool {
    let mut cause = error.source();
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

/// Sends QUIT, and does not wait long for the answer.
async fn close(mut connection: AsyncSmtpConnection) {
    if tokio::time::timeout(Duration::from_secs(1), connection.quit())
        .await
        .is_err()
    {
        tracing::debug!("the mail server did not answer QUIT in time");
    }
}

impl Ready<'_> {
    /// DATA and the content. A definite answer is believed; silence after the content began is unknown.
    pub(super) async fn send(mut self, text: OutgoingText<'_>) -> Outcome {
        let Sender { config, deadline } = self.smtp;
        let content = match message::formatted(&config.from, &self.to, text.subject, text.body) {
            Ok(content) => content,
            Err(error) => {
                tracing::error!(error = &error as &dyn Error, "no e-mail could be made");
                self.closing().await;
                return Outcome::Refused(Refusal::Message);
            }
        };
        match tokio::time::timeout(*deadline, self.connection.command(Data)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Outcome::Refused(refusal(&error, Refusal::Message)),
            Err(_) => return Outcome::Refused(Refusal::Unreachable),
        }
        let ended = tokio::time::timeout(*deadline, self.connection.message(&content)).await;
        match ended {
            Ok(Ok(_)) => {
                close(self.connection).await;
                Outcome::Accepted
            }
            Ok(Err(error)) if error.status().is_some() => {
                Outcome::Refused(refusal(&error, Refusal::Message))
            }
            Ok(Err(_)) | Err(_) => Outcome::Unknown,
        }
    }

    /// Ends the conversation without a message.
    pub(super) fn closing(self) -> BoxFuture<'static, ()> {
        Box::pin(close(self.connection))
    }
}
