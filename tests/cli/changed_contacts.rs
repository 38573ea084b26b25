//! An import that changes contacts tells of it: a code may go there.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;

/// A mail server on a port of its own that takes everything: of each message the address and the text.
struct MailSink {
    port: u16,
    taken: Arc<Mutex<Vec<(String, String)>>>,
}

impl MailSink {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let taken: Arc<Mutex<Vec<_>>> = Arc::default();
        let sink = Arc::clone(&taken);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                serve(&stream.unwrap(), &sink);
            }
        });
        Self { port, taken }
    }

    /// What came since the last call, by address.
    fn take(&self) -> Vec<(String, String)> {
        let mut taken = std::mem::take(&mut *self.taken.lock().unwrap());
        taken.sort();
        taken
    }
}

/// One connection (RFC 5321).
fn serve(mut stream: &TcpStream, taken: &Mutex<Vec<(String, String)>>) {
    stream.write_all(b"220 mail.example ESMTP\r\n").unwrap();
    let mut lines = BufReader::new(stream).lines();
    let mut to = String::new();
    while let Some(Ok(line)) = lines.next() {
        if let Some(rest) = line.strip_prefix("RCPT TO:<") {
            rest.split('>').next().unwrap().clone_into(&mut to);
        }
        let answer = if line == "DATA" {
            "354 go on"
        } else {
            "250 ok"
        };
        stream
            .write_all(format!("{answer}\r\n").as_bytes())
            .unwrap();
        if line == "DATA" {
            let text: Vec<String> = lines
                .by_ref()
                .map(Result::unwrap)
                .take_while(|line| line != ".")
                .collect();
            let body: Vec<&str> = text
                .iter()
                .map(String::as_str)
                .skip_while(|line| !line.is_empty())
                .collect();
            let body = String::from_utf8(STANDARD.decode(body.concat()).unwrap()).unwrap();
            taken.lock().unwrap().push((to.clone(), body));
            stream.write_all(b"250 ok\r\n").unwrap();
        }
    }
}

/// Told are the addresses that were there before, else the business address, and the security address; of a new member
/// nobody, and of a contact that stays the same neither.
#[test]
fn an_import_tells_of_changed_contacts() {
    let sink = MailSink::start();
    let email = format!(
        "[email]\nsmtp_url = \"smtp://127.0.0.1:{}\"\nfrom = \"it@acme.example\"\n",
        sink.port
    );
    let place = Place::new(&format!(
        "organization = \"Acme\"\nsecurity_email = \"security@acme.example\"\n{email}"
    ));
    let import = |people: &str| {
        place.write("people.csv", people);
        place.run(&["members", "import", "people.csv"])
    };
    assert_eq!(import(PEOPLE).out, "2 added, 0 updated\n");
    let same = PEOPLE.replace("mina@mail.example", "Mina@mail.example");
    assert_eq!(import(&same).out, "0 added, 2 updated\n");
    assert_eq!(sink.take(), []);

    let ran = import(&PEOPLE.replace(
        "+821012345642,mina@mail.example",
        "+821012345699,eve@home.example",
    ));
    assert_eq!(
        ran.out, "0 added, 2 updated\ncontacts on record changed: 1 members, of whom 1 are told\n",
        "{}",
        ran.err
    );
    let mails = sink.take();
    let to: Vec<&str> = mails.iter().map(|(to, _)| to.as_str()).collect();
    assert_eq!(to, ["Mina@mail.example", "security@acme.example"]);
    assert!(
        mails[0]
            .1
            .contains("changed your phone number and private email on record"),
        "{}",
        mails[0].1
    );
    assert!(
        mails[1].1.contains("Mina Park (mina.park@acme.example)"),
        "{}",
        mails[1].1
    );
    assert!(
        mails
            .iter()
            .all(|(_, text)| !text.contains("eve@") && !text.contains("12345699")),
        "masked"
    );

    // Nothing was there before: the business address hears of it. Who has resigned may come back, and hears of it too.
    import(
        &PEOPLE
            .replace("active,,,primary", "active,,jo@home.example,primary")
            .replace("active,+", "resigned,+"),
    );
    let to: Vec<String> = sink.take().into_iter().map(|(to, _)| to).collect();
    assert_eq!(
        to,
        [
            "eve@home.example",
            "jo@acme.example",
            "security@acme.example"
        ]
    );
    assert_eq!(
        place.look("select outcome from audit where event = 'contact'"),
        ["changed_by_import"; 5]
    );

    // Without mail the import is done all the same.
    let place = Place::new("");
    place.write("people.csv", PEOPLE);
    place.run(&["members", "import", "people.csv"]);
    place.write("people.csv", &PEOPLE.replace("45642", "45699"));
    let ran = place.run(&["members", "import", "people.csv"]);
    assert!(
        ran.code == 0
            && ran
                .out
                .contains("1 members, of whom 0 are told\ntell the others yourself"),
        "{}",
        ran.out
    );
}

/// A mail server that is down does not keep the import waiting for every member.
#[test]
fn a_mail_server_that_is_down_is_not_tried_for_everybody() {
    let email = "[email]\nsmtp_url = \"smtp://127.0.0.1:9\"\nfrom = \"it@acme.example\"\n";
    let place = Place::new(email);
    let import = |contact: &str| {
        let (header, _) = PEOPLE.split_once('\n').unwrap();
        let line = |at: u32| {
            format!("Lee Han{at},lee{at}@acme.example,business_email,active,,{contact},member,,\n")
        };
        place.write(
            "people.csv",
            &format!("{header}\n{}", (0..7).map(line).collect::<String>()),
        );
        place.run(&["members", "import", "people.csv"])
    };
    import("");
    let ran = import("lee@home.example");
    assert_eq!(
        (ran.code, ran.out.matches("could not be told").count()),
        (0, 5),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains("7 members, of whom 0 are told"),
        "{}",
        ran.out
    );
}
