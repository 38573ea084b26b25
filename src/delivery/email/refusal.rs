//! What a mail server's "no" means: about the recipient, about how relatch is set up, or for now only.

use std::error::Error;
use std::fmt;

use lettre::transport::smtp::Error as SmtpError;
use rustls::Error::InvalidMessage;
use rustls::InvalidMessage::InvalidContentType;

use crate::domain::delivery::Refusal;
use crate::net::Unreachable;

/// What the mail server was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SmtpPhase {
    /// The connection, its greeting and EHLO.
    Greeting,
    /// STARTTLS.
    Encryption,
    /// AUTH.
    SignIn,
    /// MAIL FROM.
    Sender,
    /// RCPT TO.
    Recipient,
    /// DATA and the content.
    Content,
}

/// Why a mail server cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SmtpProblem {
    /// No connection, or one that broke off.
    NoAnswer(Unreachable),
    /// A connection, and no answer within the deadline.
    Silence,
    /// TLS is spoken to a port that answers in plain text, or the other way round.
    WrongPort,
    /// Its certificate is not trusted.
    Untrusted(Unreachable),
    /// No TLS connection for another reason, such as a `ca_file` that cannot be read.
    NoTls,
    /// STARTTLS is not offered.
    NoStartTls,
    /// No way to sign in is offered that relatch knows.
    NoWayToSignIn,
    /// The address is not one that SMTP takes.
    NotAnAddress,
    /// It answered with a no.
    No(SmtpPhase, SmtpAnswer),
}

/// The codes of an answer. Its text is left out, because it repeats addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SmtpAnswer {
    /// RFC 5321, section 4.2.
    code: u16,
    /// Class, subject and detail (RFC 3463), where the server sends them.
    enhanced: Option<[u16; 3]>,
}

impl fmt::Display for SmtpAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        match self.enhanced {
            Some([class, subject, detail]) => write!(f, " {class}.{subject}.{detail}"),
            None => Ok(()),
        }
    }
}

impl SmtpAnswer {
    fn read(error: &SmtpError) -> Option<Self> {
        let code = error.status()?.to_string().parse().ok()?;
        let text = error.source().map(ToString::to_string).unwrap_or_default();
        Some(Self {
            code,
            enhanced: enhanced(&text),
        })
    }

    /// True where the answer to RCPT is about the recipient: a bad or unknown mailbox (5.1.x, without those of the sender),
    /// a mailbox that takes no mail (5.2.x), and Microsoft 365's word for an unknown one (5.4.1).
    fn is_about_the_recipient(&self) -> bool {
        match self.enhanced {
            Some([5, 1, 7 | 8]) => false,
            Some([5, 1 | 2, _] | [5, 4, 1]) => true,
            Some(_) => false,
            None => matches!(self.code, 550 | 551 | 553),
        }
    }

    /// True for the answer of Postfix to RCPT from whoever may not send through it (postconf(5), `defer_unauth_destination`,
    /// which is in the default of `smtpd_relay_restrictions`). It is no greylisting, which answers 450 or 451.
    fn is_denied_relay(&self) -> bool {
        self.code == 454 && self.enhanced == Some([4, 7, 1])
    }

    fn refusal(&self, phase: SmtpPhase) -> Refusal {
        match phase {
            // A server that refuses to encrypt goes on doing so, whatever code it says it with.
            SmtpPhase::Encryption => Refusal::Tls,
            SmtpPhase::Recipient if self.is_denied_relay() => Refusal::SetUp,
            _ if self.code < 500 => Refusal::Later,
            SmtpPhase::Recipient if self.is_about_the_recipient() => Refusal::Address,
            SmtpPhase::Content if self.enhanced.is_some() && self.is_about_the_recipient() => {
                Refusal::Address
            }
            // RFC 4954, section 6: 534 and 538 are about the mechanism.
            SmtpPhase::SignIn if self.code == 535 => Refusal::Credentials,
            SmtpPhase::Content if self.enhanced.is_none_or(|[_, subject, _]| subject != 7) => {
                Refusal::Message
            }
            SmtpPhase::Greeting
            | SmtpPhase::SignIn
            | SmtpPhase::Sender
            | SmtpPhase::Recipient
            | SmtpPhase::Content => Refusal::SetUp,
        }
    }
}

/// The code at the beginning of an answer's text, such as 5.1.1.
fn enhanced(text: &str) -> Option<[u16; 3]> {
    let first = text.split_ascii_whitespace().next()?;
    let mut numbers = first.splitn(3, '.').map(|number| number.parse().ok());
    Some([numbers.next()??, numbers.next()??, numbers.next()??])
}

impl SmtpProblem {
    /// Reads an error of the mail library.
    pub(super) fn read(error: &SmtpError, phase: SmtpPhase) -> Self {
        if let Some(answer) = SmtpAnswer::read(error) {
            return Self::No(phase, answer);
        }
        // The library's own error: the server offers no mechanism that we know.
        if error.is_client() && phase == SmtpPhase::SignIn {
            return Self::NoWayToSignIn;
        }
        let why = Unreachable::of(error);
        match tls_error(error) {
            // The other side answers the handshake in plain text.
            Some(InvalidMessage(InvalidContentType)) => Self::WrongPort,
            Some(_) if why.is_certificate() => Self::Untrusted(why),
            Some(_) => Self::NoTls,
            None if error.is_timeout() => Self::Silence,
            None if error.is_tls() => Self::NoTls,
            None => Self::NoAnswer(why),
        }
    }

    pub(super) fn refusal(&self) -> Refusal {
        match self {
            Self::NoAnswer(_) | Self::Silence => Refusal::Unreachable,
            Self::WrongPort | Self::Untrusted(_) | Self::NoTls | Self::NoStartTls => Refusal::Tls,
            Self::NoWayToSignIn => Refusal::SetUp,
            Self::NotAnAddress => Refusal::Address,
            Self::No(phase, answer) => answer.refusal(*phase),
        }
    }

    /// The key of `[email]` that an operator looks at first.
    pub(super) fn key(&self) -> &'static str {
        match self {
            Self::Untrusted(_) | Self::NoTls => "ca_file",
            Self::No(SmtpPhase::Sender, _) => "from",
            Self::NoAnswer(_)
            | Self::Silence
            | Self::WrongPort
            | Self::NoStartTls
            | Self::NoWayToSignIn
            | Self::NotAnAddress
            | Self::No(..) => "smtp_url",
        }
    }

    /// For `relatch check`: what is wrong, and what to do where that is not said yet.
    pub(super) fn with_advice(&self) -> String {
        let advice = match self {
            // RFC 4954, section 6: 530 asks for a sign-in first.
            Self::No(SmtpPhase::Sender, answer) if answer.code == 530 => {
                "; write the user name and the password into smtp_url"
            }
            Self::No(SmtpPhase::Sender, answer) if answer.code >= 500 => {
                "; write an address there that the user of smtp_url may send as"
            }
            Self::No(SmtpPhase::SignIn, answer) if answer.code == 535 => {
                "; correct them in smtp_url"
            }
            Self::NoAnswer(_)
            | Self::Silence
            | Self::WrongPort
            | Self::Untrusted(_)
            | Self::NoTls
            | Self::NoStartTls
            | Self::NoWayToSignIn
            | Self::NotAnAddress
            | Self::No(..) => "",
        };
        format!("{self}{advice}")
    }

    /// The server's own code, for the log.
    pub(super) fn answer(&self) -> Option<&SmtpAnswer> {
        if let Self::No(_, answer) = self {
            Some(answer)
        } else {
            None
        }
    }
}

/// A sentence for `relatch check` and for the log.
impl fmt::Display for SmtpProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAnswer(why) => write!(f, "the mail server does not answer: {why}"),
            Self::Silence => f.write_str("the mail server does not answer in time"),
            Self::WrongPort => f.write_str(
                "the scheme and the port of smtp_url do not fit: smtps:// speaks TLS from the first byte (usually port \
                465), smtp:// begins in plain text (usually port 587)",
            ),
            Self::Untrusted(why) => write!(f, "the mail server cannot be trusted: {why}"),
            Self::NoTls => f.write_str("no encrypted connection to the mail server could be made"),
            Self::NoStartTls => f.write_str("the mail server offers no encryption (STARTTLS)"),
            Self::NoWayToSignIn => {
                f.write_str("the mail server offers no way to sign in that relatch knows (PLAIN, LOGIN)")
            }
            Self::NotAnAddress => f.write_str("the address is not one that mail servers take"),
            Self::No(phase, answer) => write!(f, "the mail server refuses {} ({answer})", what(*phase, answer)),
        }
    }
}

/// What a "no" is to. Only an answer to AUTH blames the user name or the password.
fn what(phase: SmtpPhase, answer: &SmtpAnswer) -> &'static str {
    match phase {
        SmtpPhase::Greeting => "the connection",
        SmtpPhase::Encryption => "to encrypt the connection",
        SmtpPhase::SignIn if answer.refusal(phase) == Refusal::Credentials => {
            "the user name or the password"
        }
        SmtpPhase::SignIn => "the sign-in",
        SmtpPhase::Sender => "the sender of email.from",
        SmtpPhase::Recipient => "the recipient",
        SmtpPhase::Content => "the message",
    }
}

/// What the TLS library says. The mail library calls a handshake that fails a failed connection.
fn tls_error(error: &SmtpError) -> Option<&rustls::Error> {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(inner) = cause {
        if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
            return Some(tls);
        }
        let carried = inner
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        cause = match carried {
            Some(carried) => Some(carried),
            None => inner.source(),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(phase: SmtpPhase, code: u16, text: &str) -> Refusal {
        let answer = SmtpAnswer {
            code,
            enhanced: enhanced(text),
        };
        answer.refusal(phase)
    }

    #[test]
    fn passing_and_lasting_faults_are_told_apart() {
        use SmtpPhase::{Content, Recipient, Sender, SignIn};
        for (phase, code, text, why) in [
            (Recipient, 550, "5.1.1 no such user", Refusal::Address),
            (
                Recipient,
                550,
                "5.1.10 RESOLVER.ADR.RecipientNotFound",
                Refusal::Address,
            ),
            (
                Recipient,
                550,
                "5.1.8 sender's domain not found",
                Refusal::SetUp,
            ),
            (Recipient, 550, "5.1.7 bad sender", Refusal::SetUp),
            (Recipient, 552, "5.2.2 mailbox full", Refusal::Address),
            (Recipient, 550, "5.4.1 Access denied", Refusal::Address),
            (Recipient, 550, "5.7.1 relaying denied", Refusal::SetUp),
            (Recipient, 550, "no such user", Refusal::Address),
            (Recipient, 551, "", Refusal::Address),
            (Recipient, 553, "mailbox name not allowed", Refusal::Address),
            (Recipient, 554, "relay access denied", Refusal::SetUp),
            (Recipient, 450, "4.2.0 greylisted", Refusal::Later),
            (Recipient, 450, "4.7.1 greylisted", Refusal::Later),
            (Recipient, 451, "4.7.1 greylisted", Refusal::Later),
            (
                Recipient,
                454,
                "4.7.1 <mina@mail.example>: Relay access denied",
                Refusal::SetUp,
            ),
            (Sender, 454, "4.7.1 later", Refusal::Later),
            (Sender, 550, "5.1.8 unknown domain", Refusal::SetUp),
            (Sender, 530, "5.7.0 authentication required", Refusal::SetUp),
            (Sender, 451, "4.3.0 later", Refusal::Later),
            (SignIn, 535, "5.7.8 bad credentials", Refusal::Credentials),
            (SignIn, 534, "5.7.9 mechanism too weak", Refusal::SetUp),
            (SignIn, 504, "5.5.4 no such mechanism", Refusal::SetUp),
            (SignIn, 454, "4.7.0 temporary failure", Refusal::Later),
            (Content, 554, "5.7.1 blocked by policy", Refusal::SetUp),
            (Content, 552, "5.2.2 mailbox full", Refusal::Address),
            (Content, 554, "5.6.0 not conformant", Refusal::Message),
            (Content, 554, "refused", Refusal::Message),
            (Content, 550, "refused", Refusal::Message),
        ] {
            assert_eq!(refusal(phase, code, text), why, "{phase:?} {code} {text}");
        }
    }

    #[test]
    fn the_servers_codes_are_told_without_its_text() {
        let answer = SmtpAnswer {
            code: 550,
            enhanced: enhanced("5.1.1 <mina@mail.example> unknown"),
        };
        assert_eq!(answer.to_string(), "550 5.1.1");
        for text in [
            "",
            "mail.example ready",
            "5.1",
            "5.1.x",
            "1.2.3.4 is listed",
        ] {
            assert_eq!(enhanced(text), None, "{text}");
        }
    }
}
