//! The adapter against a scripted mail server: one conversation for every way it can end.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use super::*;

/// What the server answers at each verb, and what it saw.
#[derive(Clone)]
struct Script {
    answers: Vec<(&'static str, &'static str)>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Script {
    fn new(answers: &[(&'static str, &'static str)]) -> Self {
        Self {
            answers: answers.to_vec(),
            seen: Arc::default(),
        }
    }

    fn answer(&self, line: &str) -> Option<&'static str> {
        self.answers
            .iter()
            .find(|(verb, _)| line.starts_with(verb))
            .map(|(_, answer)| *answer)
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

/// Serves one connection. The answer "hang" stays silent, "drop" breaks off.
#[expect(clippy::disallowed_methods, reason = "a server of a test ends with it")]
async fn serve(script: Script) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        stream
            .write_all(b"220 mail.example ESMTP\r\n")
            .await
            .unwrap();
        let (mut line, mut in_data) = (String::new(), false);
        loop {
            line.clear();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            script.seen.lock().unwrap().push(line.trim_end().to_owned());
            let verb = if in_data {
                if line.trim_end() == "." {
                    "."
                } else {
                    continue;
                }
            } else {
                line.as_str()
            };
            let answer = script.answer(verb).unwrap_or(match verb {
                verb if verb.starts_with("EHLO") => "250-mail.example\r\n250 AUTH PLAIN",
                verb if verb.starts_with("DATA") => "354 go on",
                verb if verb.starts_with("AUTH") => "235 welcome",
                _ => "250 ok",
            });
            in_data = verb.starts_with("DATA") && answer.starts_with("354");
            match answer {
                "hang" => tokio::time::sleep(Duration::from_secs(5)).await,
                "drop" => return,
                answer => stream
                    .write_all(format!("{answer}\r\n").as_bytes())
                    .await
                    .unwrap(),
            }
        }
    });
    port
}

fn smtp_at(url: &str) -> Sender {
    Sender {
        config: Config {
            server: url.parse().unwrap(),
            from: "Acme IT <it@acme.example>".parse().unwrap(),
            reply_to: "helpdesk@acme.example".parse().ok(),
            ca_file: None,
        },
        deadline: Duration::from_millis(300),
    }
}

fn smtp(port: u16) -> Sender {
    smtp_at(&format!("smtp://it%40acme:canary-pass@127.0.0.1:{port}"))
}

fn mina() -> EmailAddress {
    "mina@mail.example".parse().unwrap()
}

fn text() -> OutgoingText<'static> {
    OutgoingText {
        subject: "Ünïcode Bcc: x@y.example",
        body: ".\nk7Rm4Tqx\n.\n",
        id: "id-1",
    }
}

async fn run(answers: &[(&'static str, &'static str)]) -> (Result<Outcome, Refusal>, Vec<String>) {
    let script = Script::new(answers);
    let port = serve(script.clone()).await;
    let smtp = smtp(port);
    let ended = match smtp.prepare(&mina()).await {
        Ok(ready) => Ok(ready.send(text()).await),
        Err(why) => Err(why),
    };
    (ended, script.seen())
}

/// One recipient, no name of this machine, and a text that cannot end the message early.
#[tokio::test]
async fn an_accepted_message_has_one_recipient_and_clean_headers() {
    let (ended, seen) = run(&[]).await;
    assert_eq!(ended, Ok(Outcome::Accepted));
    assert_eq!(
        seen.iter()
            .filter(|line| line.starts_with("RCPT TO:<mina@mail.example>"))
            .count(),
        1
    );
    assert_eq!(
        seen.iter().filter(|line| line.starts_with("RCPT")).count(),
        1
    );
    assert!(seen.contains(&"EHLO acme.example".to_owned()));
    assert!(
        seen.iter()
            .any(|line| line.starts_with("Message-ID: <") && line.ends_with("@acme.example>"))
    );
    assert!(seen.contains(&"Auto-Submitted: auto-generated".to_owned()));
    assert!(!seen.iter().any(|line| line.starts_with("Bcc")));
    assert!(seen.contains(&"Reply-To: helpdesk@acme.example".to_owned()));
    assert!(seen.contains(&"Content-Transfer-Encoding: 7bit".to_owned()));
    // The second dot is the one that SMTP adds (RFC 5321, section 4.5.2).
    let text: Vec<&str> = seen.iter().map(String::as_str).collect();
    assert!(
        text.windows(3)
            .any(|lines| lines == ["..", "k7Rm4Tqx", ".."]),
        "{seen:?}"
    );
}

/// Before the content everything is a refusal: surely nothing was sent.
#[tokio::test]
async fn what_goes_wrong_before_the_content_has_a_name() {
    for (verb, answer, why) in [
        ("RCPT", "550 no such user", Refusal::Address),
        ("RCPT", "450 try later", Refusal::Later),
        ("RCPT", "hang", Refusal::Unreachable),
        ("RCPT", "drop", Refusal::Unreachable),
        ("RCPT", "550 5.7.1 relaying denied", Refusal::SetUp),
        ("RCPT", "454 4.7.1 Relay access denied", Refusal::SetUp),
        ("RCPT", "550 5.4.1 access denied", Refusal::Address),
        ("MAIL", "530 5.7.0 sign in first", Refusal::SetUp),
        ("MAIL", "550 5.1.8 unknown domain", Refusal::SetUp),
        ("MAIL", "451 try later", Refusal::Later),
        ("AUTH", "535 wrong", Refusal::Credentials),
        ("EHLO", "drop", Refusal::Unreachable),
        ("EHLO", "250 mail.example", Refusal::SetUp),
    ] {
        let (ended, seen) = run(&[(verb, answer)]).await;
        assert_eq!(ended, Err(why), "{verb} {answer}");
        assert!(!seen.iter().any(|line| line.starts_with("DATA")));
    }
    assert_eq!(
        smtp(1).prepare(&mina()).await.err(),
        Some(Refusal::Unreachable)
    );
}

/// P4: a definite answer is believed, silence after the content is unknown.
#[tokio::test]
async fn the_end_of_the_content_has_a_name() {
    for (verb, answer, outcome) in [
        ("DATA", "451 later", Outcome::Refused(Refusal::Later)),
        (".", "550 refused", Outcome::Refused(Refusal::Message)),
        (".", "452 full", Outcome::Refused(Refusal::Later)),
        (".", "drop", Outcome::Unknown),
        (".", "hang", Outcome::Unknown),
    ] {
        assert_eq!(
            run(&[(verb, answer)]).await.0,
            Ok(outcome),
            "{verb} {answer}"
        );
    }
}

#[tokio::test]
async fn a_server_without_starttls_is_refused_unless_it_is_this_machine() {
    let port = serve(Script::new(&[])).await;
    let mut smtp = smtp_at(&format!("smtp://u:p@127.0.0.1:{port}"));
    smtp.config.server.security = Security::Starttls;
    assert_eq!(smtp.prepare(&mina()).await.err(), Some(Refusal::Tls));
}

/// `relatch check` asks everything that comes before the recipient, and blames the password only where it was tried.
#[tokio::test]
async fn a_check_goes_to_the_sender() {
    for (verb, answer, told) in [
        (
            "AUTH",
            "535 5.7.8 wrong",
            "user name or the password (535 5.7.8)",
        ),
        ("AUTH", "454 4.7.0 later", "refuses the sign-in (454 4.7.0)"),
        (
            "MAIL",
            "530 5.7.0 sign in first",
            "refuses the sender of email.from (530 5.7.0)",
        ),
        (
            "MAIL",
            "550 5.7.60 not yours",
            "refuses the sender of email.from (550 5.7.60)",
        ),
        ("EHLO", "250 mail.example", "offers no way to sign in"),
    ] {
        let script = Script::new(&[(verb, answer)]);
        let port = serve(script.clone()).await;
        let ended = smtp(port).probe().await.unwrap_err().text;
        assert!(ended.contains(told), "{verb} {answer}: {ended}");
    }
    let script = Script::new(&[]);
    let port = serve(script.clone()).await;
    assert_eq!(smtp(port).probe().await, Ok(()));
    let seen = script.seen();
    assert!(
        seen.contains(&"MAIL FROM:<it@acme.example>".to_owned()),
        "{seen:?}"
    );
    assert!(
        !seen.iter().any(|line| line.starts_with("RCPT")),
        "{seen:?}"
    );
}

/// A server that answers in plain text is not one that nobody trusts.
#[tokio::test]
async fn a_port_of_the_other_kind_is_named() {
    let port = serve(Script::new(&[])).await;
    let mut smtp = smtp_at(&format!("smtps://127.0.0.1:{port}"));
    smtp.deadline = Duration::from_secs(5);
    let ended = smtp.probe().await.unwrap_err().text;
    assert!(
        ended.contains("scheme and the port of smtp_url do not fit"),
        "{ended}"
    );
}

/// A TLS alert (RFC 8446, section 6) with the level "fatal" and the description 40 (the handshake failed).
const HANDSHAKE_FAILURE: [u8; 7] = [21, 3, 3, 0, 2, 2, 40];

/// Serves one connection: answers the handshake with these bytes, after STARTTLS or at once, and ends.
#[expect(clippy::disallowed_methods, reason = "a server of a test ends with it")]
async fn serve_handshake(is_after_starttls: bool, answer: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        if is_after_starttls {
            let mut line = String::new();
            for said in [
                "220 mail.example ESMTP\r\n",
                "250-mail.example\r\n250 STARTTLS\r\n",
                "220 go on\r\n",
            ] {
                stream.write_all(said.as_bytes()).await.unwrap();
                if !said.ends_with("go on\r\n") {
                    stream.read_line(&mut line).await.unwrap();
                }
            }
        }
        let hello = stream.fill_buf().await.unwrap().len();
        stream.consume(hello);
        stream.write_all(answer).await.unwrap();
    });
    port
}

/// A handshake that the server refuses is a matter of the set-up, in both schemes. A connection that breaks off is not.
#[tokio::test]
async fn a_refused_handshake_is_told_from_a_lost_connection() {
    for (scheme, security) in [("smtps", Security::Implicit), ("smtp", Security::Starttls)] {
        for (answer, why) in [
            (&HANDSHAKE_FAILURE[..], Refusal::Tls),
            (b"", Refusal::Unreachable),
        ] {
            let is_after_starttls = security == Security::Starttls;
            let port = serve_handshake(is_after_starttls, answer).await;
            let mut smtp = smtp_at(&format!("{scheme}://127.0.0.1:{port}"));
            smtp.config.server.security = security;
            smtp.deadline = Duration::from_secs(5);
            let ended = smtp.prepare(&mina()).await.err();
            assert_eq!(ended, Some(why), "{scheme} {answer:?}");
        }
    }
}
