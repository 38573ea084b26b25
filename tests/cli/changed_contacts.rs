//! An import that changes contacts tells of it: a code may go there.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use super::*;

/// A mail server on a port of its own that takes everything but what goes to `dead…`: of each message the address and the
/// text.
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

    /// What came since the last call.
    fn take_in_order(&self) -> Vec<(String, String)> {
        std::mem::take(&mut *self.taken.lock().unwrap())
    }

    /// The same by address.
    fn take(&self) -> Vec<(String, String)> {
        let mut taken = self.take_in_order();
        taken.sort();
        taken
    }
}

/// Settings with a security address and a mail server.
fn place_with_mail() -> (Place, MailSink) {
    let sink = MailSink::start();
    let place = Place::new(&format!(
        "organization = \"Acme\"\nsecurity_email = \"security@acme.example\"\n[email]\nsmtp_url = \"smtp://127.0.0.1:{}\"\n\
        from = \"it@acme.example\"\n",
        sink.port
    ));
    (place, sink)
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
        } else if line.starts_with("RCPT TO:<dead") {
            "550 5.1.1 no such user"
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
            taken.lock().unwrap().push((to.clone(), body_of(&text)));
            stream.write_all(b"250 ok\r\n").unwrap();
        }
    }
}

/// The text of a letter, which goes as it is or as quoted-printable (RFC 2045, section 6.7).
fn body_of(letter: &[String]) -> String {
    let is_encoded = letter.contains(&"Content-Transfer-Encoding: quoted-printable".to_owned());
    assert!(
        is_encoded || letter.contains(&"Content-Transfer-Encoding: 7bit".to_owned()),
        "{letter:?}"
    );
    let body: Vec<&str> = letter
        .iter()
        .map(String::as_str)
        .skip_while(|line| !line.is_empty())
        .collect();
    let body = body.join("\n");
    if !is_encoded {
        return body;
    }
    let mut parts = body.split('=');
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        if let Some(rest) = part.strip_prefix('\n') {
            bytes.extend(rest.as_bytes());
        } else {
            bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
            bytes.extend(&part.as_bytes()[2..]);
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// Told are the addresses that were there before, else the business address, and the security address; of a new member
/// nobody, and of a contact that stays the same neither.
#[test]
fn an_import_tells_of_changed_contacts() {
    let (place, sink) = place_with_mail();
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
        ran.out, "0 added, 2 updated\ncontacts on record changed: 1 member, told: 1\n",
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
            && ran.out.contains(
                "1 member, told: 0\nMina Park (mina.park@acme.example) could not be told"
            ),
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
        (ran.code, ran.out.matches("could not be told that").count()),
        (0, 7),
        "each is named: {}",
        ran.out
    );
    assert!(ran.out.contains("7 members, told: 0"), "{}", ran.out);
}

/// Mailboxes that are gone say nothing of the mail server: everybody else is told, and the security address hears of all
/// of them, last.
#[test]
fn dead_mailboxes_silence_nobody_else() {
    let (place, sink) = place_with_mail();
    let import = |contact: &dyn Fn(u32) -> String| {
        let (header, _) = PEOPLE.split_once('\n').unwrap();
        let line = |at: u32| {
            let contact = contact(at);
            format!("Lee Han{at},lee{at}@acme.example,business_email,active,,{contact},member,,\n")
        };
        let lines: String = (100..161).map(line).collect();
        place.write("people.csv", &format!("{header}\n{lines}"));
        place.run(&["members", "import", "people.csv"])
    };
    import(&|at| match at {
        100..106 => format!("dead{at}@home.example"),
        _ => format!("lee{at}@home.example"),
    });
    sink.take();
    let ran = import(&|at| format!("eve{at}@home.example"));
    assert!(ran.out.contains("61 members, told: 55\n"), "{}", ran.out);
    for at in 100..106 {
        let line = format!(
            "Lee Han{at} (lee{at}@acme.example) could not be told that their contacts on record changed\n"
        );
        assert!(ran.out.contains(&line), "{}", ran.out);
    }
    let mails = sink.take_in_order();
    let to: Vec<&str> = mails.iter().map(|(to, _)| to.as_str()).collect();
    assert_eq!(to.len(), 57);
    assert_eq!(to[55..], ["security@acme.example"; 2], "last");
    let told = format!("{}{}", mails[55].1, mails[56].1);
    for at in 100..161 {
        assert!(told.contains(&format!("(lee{at}@acme.example): ")), "{at}");
    }
    assert!(
        told.contains("(part 1 of 2)") && told.contains("61 members in all, 55 of them told"),
        "{told}"
    );
    assert_eq!(told.matches("(not told)").count(), 6, "{told}");
}

/// A tag makes another address, which need not be the same mailbox. Who moves to another business address hears of it
/// there, because the one from before may be somebody else's now. A contact that goes with a resignation hears of it too.
#[test]
fn the_right_addresses_are_told() {
    let (place, sink) = place_with_mail();
    let import = |rows: &[&str]| {
        let (header, _) = PEOPLE.split_once('\n').unwrap();
        let text = format!("{header},employee_id\n{}\n", rows.join("\n"));
        place.write("people.csv", &text);
        let ran = place.run(&["members", "import", "people.csv"]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        let to: Vec<String> = sink.take().into_iter().map(|(to, _)| to).collect();
        to
    };
    let mina = "Mina Park,mina@acme.example,business_email,active,,mina@mail.example,member,,,7";
    let lee = "Lee Han,lee@acme.example,business_email,active,,,member,,,8";
    assert_eq!(import(&[mina, lee]), [""; 0]);
    let tagged = mina.replace("mina@mail", "mina+eve@mail");
    assert_eq!(
        import(&[&tagged, lee]),
        ["mina@mail.example", "security@acme.example"]
    );

    let swapped = [
        tagged.replace("mina@acme", "lee@acme"),
        lee.replace("lee@acme", "mina@acme")
            .replace(",active,,,", ",active,,eve@home.example,"),
    ];
    assert_eq!(
        import(&[&swapped[0], &swapped[1]]),
        ["mina@acme.example", "security@acme.example"]
    );

    let added = [
        "members",
        "contact",
        "mina@acme.example",
        "own@home.example",
    ];
    assert_eq!(place.run(&added).code, 0);
    sink.take();
    let resigned = swapped[1].replace(",active,,eve@", ",resigned,,lee@");
    assert_eq!(
        import(&[&swapped[0], &resigned]),
        [
            "eve@home.example",
            "own@home.example",
            "security@acme.example"
        ]
    );
}

/// A gateway that takes every message, and keeps the body of each.
fn gateway() -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let taken: Arc<Mutex<Vec<String>>> = Arc::default();
    let bodies = Arc::clone(&taken);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = BufReader::new(stream.try_clone().unwrap());
            let mut length = 0;
            loop {
                let mut line = String::new();
                request.read_line(&mut line).unwrap();
                let line = line.trim().to_ascii_lowercase();
                if let Some(told) = line.strip_prefix("content-length:") {
                    length = told.trim().parse().unwrap();
                }
                if line.is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            request.read_exact(&mut body).unwrap();
            bodies
                .lock()
                .unwrap()
                .push(String::from_utf8(body).unwrap());
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    (port, taken)
}

/// A phone that is replaced hears of it, and the new one does not.
#[test]
fn the_phone_from_before_is_told() {
    let (port, taken) = gateway();
    let place = Place::new(&format!(
        "[sms]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:{port}/\"\ntoken = \"a-token-of-the-gateway\"\n"
    ));
    for people in [PEOPLE, &PEOPLE.replace("45642", "45699")] {
        place.write("people.csv", people);
        let ran = place.run(&["members", "import", "people.csv"]);
        assert_eq!(ran.code, 0, "{}", ran.err);
    }
    let bodies = taken.lock().unwrap().clone();
    let [body] = bodies.as_slice() else {
        panic!("{bodies:#?}")
    };
    assert!(
        body.contains("+821012345642") && !body.contains("12345699"),
        "{body}"
    );
}
