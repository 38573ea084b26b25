//! E-mail through SMTP: prepared up to an accepted recipient before anything changes, then one message.

mod config;
mod html;
mod message;
mod refusal;
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
use self::message::Correspondents;
use self::refusal::{SmtpPhase, SmtpProblem};
use super::OutgoingText;
use crate::domain::EmailAddress;
use crate::domain::delivery::{Outcome, Refusal};
use crate::net;
use crate::settings::Finding;

/// How long one phase of the conversation may take.
const PHASE_DEADLINE: Duration = Duration::from_secs(10);

/// Where mail servers speak TLS from the first byte (RFC 8314, section 7.3).
const IMPLICIT_TLS_PORT: u16 = 465;

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
        let ready = self.up_to_recipient(to).await;
        ready.map_err(|problem| {
            let why = problem.refusal();
            let answer = problem.answer().map(ToString::to_string);
            tracing::warn!(
                smtp.answer = answer,
                why = why.code(),
                "no mail can be sent: {problem}"
            );
            why
        })
    }

    async fn up_to_recipient(&self, to: &EmailAddress) -> Result<Ready<'_>, SmtpProblem> {
        let to: lettre::Address = to.as_str().parse().map_err(|error| {
            tracing::debug!(error = &error as &dyn Error, "not an address for SMTP");
            SmtpProblem::NotAnAddress
        })?;
        let mut connection = self.up_to_sender().await?;
        let rcpt = Rcpt::new(to.clone(), Vec::new());
        let ended = self
            .phase(connection.command(rcpt), SmtpPhase::Recipient)
            .await;
        if let Err(problem) = ended {
            close(connection).await;
            return Err(problem);
        }
        Ok(Ready {
            smtp: self,
            connection,
            to: Mailbox::new(None, to),
        })
    }

    /// Connects, encrypts, signs in, and gets the sender accepted.
    async fn up_to_sender(&self) -> Result<AsyncSmtpConnection, SmtpProblem> {
        let mut connection = self.connect().await?;
        let from = Mail::new(Some(self.config.from.email.clone()), Vec::new());
        let ended = self
            .phase(connection.command(from), SmtpPhase::Sender)
            .await;
        if let Err(problem) = ended {
            close(connection).await;
            return Err(problem);
        }
        Ok(connection)
    }

    /// For `relatch check`: everything before the recipient.
    pub(super) async fn probe(&self) -> Result<(), Finding> {
        let connection = self.up_to_sender().await;
        let found = |problem: SmtpProblem| Finding::of(problem.key(), problem.with_advice());
        close(connection.map_err(found)?).await;
        Ok(())
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, SmtpProblem> {
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
        let is_plain = tls_from_the_start.is_none();
        let open = AsyncSmtpConnection::connect_tokio1(
            (host.as_str(), *port),
            Some(net::CONNECT_DEADLINE.min(self.deadline)),
            &hello,
            tls_from_the_start,
            None,
        );
        let opened = self.phase(open, SmtpPhase::Greeting).await;
        let mut connection = opened.map_err(|problem| {
            // A server that speaks TLS from the first byte waits for ours, and so do we for its greeting.
            if problem == SmtpProblem::Silence && is_plain && *port == IMPLICIT_TLS_PORT {
                SmtpProblem::WrongPort
            } else {
                problem
            }
        })?;
        let offers_tls = connection
            .server_info()
            .supports_feature(Extension::StartTls);
        match security {
            Security::Starttls if !offers_tls => {
                close(connection).await;
                return Err(SmtpProblem::NoStartTls);
            }
            Security::Loopback if !offers_tls => {}
            Security::Starttls | Security::Loopback => {
                let tls = self.tls()?;
                let started = connection.starttls(tls, &hello);
                self.phase(started, SmtpPhase::Encryption).await?;
            }
            Security::Implicit => {}
        }
        if let Err(problem) = self.sign_in(&mut connection).await {
            close(connection).await;
            return Err(problem);
        }
        Ok(connection)
    }

    async fn sign_in(&self, connection: &mut AsyncSmtpConnection) -> Result<(), SmtpProblem> {
        let Some((user, password)) = &self.config.server.credentials else {
            return Ok(());
        };
        let credentials = Credentials::new(user.clone(), password.expose_secret().to_owned());
        let auth = connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials);
        self.phase(auth, SmtpPhase::SignIn).await.map(drop)
    }

    fn tls(&self) -> Result<TlsParameters, SmtpProblem> {
        let refused = |error: &(dyn Error + 'static)| {
            tracing::warn!(error, "TLS could not be set up for the mail server");
            SmtpProblem::NoTls
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
        asked: impl Future<Output = Result<T, lettre::transport::smtp::Error>>,
        phase: SmtpPhase,
    ) -> Result<T, SmtpProblem> {
        match tokio::time::timeout(self.deadline, asked).await {
            Ok(answer) => answer.map_err(|error| {
                // Of an answer only the codes are logged: its text repeats addresses.
                if error.status().is_none() {
                    tracing::debug!(
                        error = &error as &dyn Error,
                        "the conversation with the mail server failed"
                    );
                }
                SmtpProblem::read(&error, phase)
            }),
            Err(_) => Err(SmtpProblem::Silence),
        }
    }
}

/// A definite no to DATA or to the content.
fn refused(error: &lettre::transport::smtp::Error) -> Outcome {
    let problem = SmtpProblem::read(error, SmtpPhase::Content);
    let answer = problem.answer().map(ToString::to_string);
    tracing::warn!(smtp.answer = answer, "a message was not sent: {problem}");
    Outcome::Refused(problem.refusal())
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
        let who = Correspondents {
            from: &config.from,
            reply_to: config.reply_to.as_ref(),
            to: &self.to,
        };
        let content = match message::formatted(&who, text.subject, text.body) {
            Ok(content) => content,
            Err(error) => {
                tracing::error!(error = &error as &dyn Error, "no e-mail could be made");
                self.closing().await;
                return Outcome::Refused(Refusal::Message);
            }
        };
        match tokio::time::timeout(*deadline, self.connection.command(Data)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return refused(&error),
            Err(_) => return Outcome::Refused(Refusal::Unreachable),
        }
        let ended = tokio::time::timeout(*deadline, self.connection.message(&content)).await;
        match ended {
            Ok(Ok(_)) => {
                close(self.connection).await;
                Outcome::Accepted
            }
            Ok(Err(error)) if error.status().is_some() => refused(&error),
            Ok(Err(_)) | Err(_) => Outcome::Unknown,
        }
    }

    /// Ends the conversation without a message.
    pub(super) fn closing(self) -> BoxFuture<'static, ()> {
        Box::pin(close(self.connection))
    }
}
