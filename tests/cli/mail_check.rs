//! `relatch check` before a pretend mail server, and what is said of the section `[email]`.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use super::Place;

/// A mail server on this machine that answers some verbs like this, and what it hears.
fn mail_server(answers: &'static [(&'static str, &'static str)]) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (heard, hearing) = channel();
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut answering = stream.try_clone().unwrap();
        answering.write_all(b"220 mail.example ESMTP\r\n").unwrap();
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let answer = answers.iter().find(|(verb, _)| line.starts_with(verb));
            let answer = answer.map_or("250 ok", |(_, answer)| answer);
            // Not every test listens.
            heard.send(line).ok();
            answering
                .write_all(format!("{answer}\r\n").as_bytes())
                .unwrap();
        }
    });
    (port, hearing)
}

const OFFERS_AUTH: (&str, &str) = ("EHLO", "250-mail.example\r\n250 AUTH PLAIN");

/// The exit code of `check` with this address of the mail server, its lines about e-mail, and its complaints.
fn check(smtp_url: &str) -> (i32, String) {
    let place = Place::new(&format!(
        "[email]\nsmtp_url = \"{smtp_url}\"\nfrom = \"Acme IT <it@acme.example>\"\n"
    ));
    let ran = place.run(&["check"]);
    let told: Vec<&str> = ran
        .out
        .lines()
        .filter(|line| line.contains("mail"))
        .collect();
    let told = format!("{}\n{}", told.join("\n"), ran.err);
    assert!(!told.contains("canary"), "a secret: {told}");
    (ran.code, told)
}

/// Only an answer to AUTH blames the user name or the password, and a sender that is refused is seen before anybody needs it.
#[test]
fn check_names_what_the_mail_server_refuses() {
    for (answers, line) in [
        (
            [OFFERS_AUTH, ("AUTH", "535 5.7.8 invalid")].as_slice(),
            "the mail server refuses the user name or the password (535 5.7.8)",
        ),
        (
            &[OFFERS_AUTH, ("AUTH", "454 4.7.0 later")],
            "the mail server refuses the sign-in (454 4.7.0)",
        ),
        (
            &[],
            "the mail server offers no way to sign in that relatch knows",
        ),
        (
            &[
                OFFERS_AUTH,
                ("AUTH", "235 welcome"),
                ("MAIL", "553 5.7.1 not owned by user"),
            ],
            "the mail server refuses the sender of email.from (553 5.7.1)",
        ),
        (
            &[
                OFFERS_AUTH,
                ("AUTH", "235 welcome"),
                ("MAIL", "530 sign in first"),
            ],
            "the mail server refuses the sender of email.from (530)",
        ),
        (
            &[("EHLO", "554 5.7.1 your address is listed")],
            "the mail server refuses the connection (554 5.7.1)",
        ),
    ] {
        let (port, _) = mail_server(answers);
        let (code, told) = check(&format!("smtp://it:canary@127.0.0.1:{port}"));
        assert!(told.contains(line), "{line} is not in:\n{told}");
        assert_eq!(code, 1, "{told}");
    }
}

/// It goes to MAIL FROM and no further.
#[test]
fn check_names_the_sender_and_no_recipient() {
    let (port, heard) = mail_server(&[OFFERS_AUTH, ("AUTH", "235 welcome")]);
    let (_, told) = check(&format!("smtp://it:canary@127.0.0.1:{port}"));
    assert!(told.contains("ok    email"), "{told}");
    let heard: Vec<String> = heard.iter().collect();
    assert!(
        heard.contains(&"MAIL FROM:<it@acme.example>".to_owned()),
        "{heard:?}"
    );
    assert!(
        !heard.iter().any(|line| line.starts_with("RCPT")),
        "{heard:?}"
    );
}

/// A password with `/`, `?` or `#` in it ends the host's part too early; the text says what to write instead.
#[test]
fn an_address_that_is_more_than_a_host_is_refused() {
    for url in [
        "smtps://it:canary@mail.example/canary",
        "smtps://it:canary@mail.example?tls=canary",
        "smtps://it:canary@mail.example#canary",
        "smtps://it:12/canary@mail.example",
        "smtps://it:canary/canary@mail.example",
        "smtps://it:12?canary@mail.example",
    ] {
        let (code, told) = check(url);
        assert_eq!(code, 78, "{url}: {told}");
        assert!(
            told.contains("email.smtp_url")
                && told.contains("/ ? # @ % are percent-encoded, / as %2F"),
            "{url}: {told}"
        );
    }
    let (port, heard) = mail_server(&[OFFERS_AUTH, ("AUTH", "235 welcome")]);
    let (_, told) = check(&format!("smtp://it:a%2Fb%3Fc%23d%40e%25@127.0.0.1:{port}/"));
    assert!(told.contains("ok    email"), "{told}");
    // "\0it\0a/b?c#d@e%" in base64.
    assert!(
        heard
            .iter()
            .any(|line| line == "AUTH PLAIN AGl0AGEvYj9jI2RAZSU=")
    );
}

/// An international domain goes to servers in its ASCII form.
#[test]
fn a_sender_has_an_ascii_address() {
    let place = |from: &str, port: u16| {
        Place::new(&format!(
            "[email]\nsmtp_url = \"smtp://127.0.0.1:{port}\"\nfrom = \"{from}\"\nreply_to = \"{from}\"\n"
        ))
    };
    let (port, heard) = mail_server(&[]);
    let ran = place("Büro <it@bücher.example>", port).run(&["check"]);
    assert!(ran.out.contains("ok    email"), "{} {}", ran.out, ran.err);
    assert!(
        heard
            .iter()
            .any(|line| line == "MAIL FROM:<it@xn--bcher-kva.example>")
    );
    let ran = place("büro@bücher.example", port).run(&["check"]);
    assert_eq!(ran.code, 78, "{}", ran.out);
    for key in ["email.from", "email.reply_to"] {
        assert!(ran.out.contains(key), "{key}: {}", ran.out);
    }
}
