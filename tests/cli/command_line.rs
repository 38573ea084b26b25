//! What the commands say: help, tables, empty lists, passwords that operators set, and errors of the database.

use std::io::{Read, Write};
use std::net::TcpListener;

use super::{PEOPLE, Place};

const MINA: &str = "mina.park@acme.example";

fn place_with_people(settings: &str) -> Place {
    let place = Place::new(settings);
    place.write("people.csv", PEOPLE);
    assert_eq!(place.run(&["members", "import", "people.csv"]).code, 0);
    place
}

#[test]
fn help_is_a_command_too() {
    let place = Place::new("");
    let help = place.run(&["help"]);
    assert_eq!((help.code, help.err.as_str()), (0, ""));
    assert_eq!(help.out, place.run(&["--help"]).out);
    for code in ["0", "1", "2", "70", "75", "78"] {
        assert!(
            help.out
                .lines()
                .any(|line| line.trim_start().starts_with(&format!("{code} "))),
            "{code}: {}",
            help.out
        );
    }
    let help = place.run(&["help", "members", "import"]);
    assert!(help.out.contains("--dry-run"), "{} {}", help.out, help.err);
}

/// The first line says what the columns are, and a list without rows says so in words. JSON and CSV stay as programs
/// expect them.
#[test]
fn tables_have_headers_and_empty_lists_a_sentence() {
    let place = Place::new("");
    for (words, told) in [
        (["members", "list"].as_slice(), "There are no members yet."),
        (&["resets"], "No reset is on record.\n"),
        (
            &["resets", "--member", MINA],
            "No reset on record fits these options.\n",
        ),
    ] {
        let ran = place.run(words);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert!(ran.out.starts_with(told), "{words:?}: {}", ran.out);
        let json = place.run(&[words, &["--format", "json"]].concat());
        assert_eq!(json.out.trim(), "[]", "{words:?}");
    }
    let place = place_with_people("");
    insta::assert_snapshot!(place.run(&["members", "list"]).out, @r"
    business e-mail                       name                      status      signs in with    role
    jo@acme.example                       Jo Lim                    active      business_email   primary_admin
    mina.park@acme.example                Mina Park                 active      business_email   member
    ");
    place.sql(
        "insert into reset (reset_id, platform, tenant, chat_user, admin_id, admin_name, admin_email, member_id,
            member_name, member_email, state, edition, delivery, is_typed, also_show, offered_at, expires_at, claimed_at)
        values ('00000000000000000000000000000001', 'slack', 'T', 'UJO', 'a', 'Jo Lim', 'jo@acme.example', 'm',
            'Mina Park', 'mina@acme.example', 'delivered', 1, 'copy', 0, 0, 1, 2, 1795428000000)",
    );
    let listed = place.run(&["resets"]).out;
    let lines: Vec<&str> = listed.lines().collect();
    let words: Vec<&str> = lines[0].split_whitespace().collect();
    assert_eq!(lines.len(), 2, "{listed}");
    for word in [
        "ref",
        "confirmed",
        "administrator",
        "member",
        "state",
        "slot",
    ] {
        assert!(words.contains(&word), "{word}: {listed}");
    }
    for column in ["administrator", "member", "state"] {
        let at = lines[0].find(column).unwrap();
        let cell = lines[1][at..].chars().next();
        assert!(
            cell.is_some_and(|cell| cell != ' ') && lines[1][..at].ends_with(' '),
            "{column} stands above its values: {listed}"
        );
    }
}

/// The rules of the member's own pages hold for an operator too.
#[test]
fn an_operator_sets_passwords_by_the_rules() {
    let place = place_with_people("[policy]\nnew_password_min_length = 14\n");
    let set = |input: &str| place.run_with_input(&["members", "set-password", MINA], input);
    for (input, told) in [
        ("short words1\n", "at least 14 characters"),
        ("passwordpassword\n", "easy to guess"),
        ("mina.park@acme.example\n", "easy to guess"),
        ("aaaaaaaaaaaaaaaa\n", "easy to guess"),
        (
            &format!("{}\n", "long ".repeat(40)),
            "at most 128 characters",
        ),
        ("\n", "no password on standard input"),
    ] {
        let ran = set(input);
        assert_eq!(
            (ran.code, ran.out.as_str()),
            (1, ""),
            "{input}: {}",
            ran.err
        );
        assert!(
            ran.err.contains(told) && ran.err.matches("Nothing was changed.").count() == 1,
            "{input}: {}",
            ran.err
        );
    }
    assert_eq!(
        place.look("select count(*) || '' from member where credential is not null"),
        ["0"]
    );
    let ran = set("seven quiet herons dance\n");
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (
            0,
            "The password of Mina Park (mina.park@acme.example) is set. All their sessions have ended.\n"
        ),
        "{}",
        ran.err
    );
    place.sql("update member set locked_at = 1, locked_by = 'passwords' where name = 'Mina Park'");
    let ran = set("nine loud otters sleep\n");
    assert!(
        ran.code == 0
            && ran
                .out
                .ends_with(" The account was locked and is open again.\n"),
        "{} {}",
        ran.out,
        ran.err
    );
    place.sql("update member set status = 'suspended' where name = 'Mina Park'");
    let ran = set("seven quiet herons dance\n");
    assert!(
        ran.code == 0
            && ran
                .out
                .ends_with(" They cannot sign in: the account is suspended.\n"),
        "{} {}",
        ran.out,
        ran.err
    );
}

/// Answers one request with this status.
fn answer_once(status: &'static str) -> (String, std::thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut read = [0; 4096];
        let mut request = String::new();
        while !request.contains("text=help") {
            let length = stream.read(&mut read).unwrap();
            assert!(length > 0, "{request}");
            request.push_str(&String::from_utf8_lossy(&read[..length]));
        }
        stream
            .write_all(
                format!(
                    "HTTP/1.1 {status}\r\ncontent-length: 9\r\nconnection: close\r\n\r\nas it was"
                )
                .as_bytes(),
            )
            .unwrap();
    });
    (url, answering)
}

/// A script that replays a request sees in the exit code whether it was taken.
#[test]
fn a_replay_that_is_not_taken_fails() {
    let place = Place::new(
        "[slack]\nsigning_secret = \"0123456789abcdef0123456789abcdef\"\nteam_id = \"TACME\"\n\
        bot_token = \"xoxb-1234567890-abcdefghij\"\n",
    );
    place.write(
        "help.http",
        "POST /slack/commands HTTP/1.1\nhost: x\ncontent-type: application/x-www-form-urlencoded\n\ntext=help\n",
    );
    for (status, code) in [
        ("200 OK", 0),
        ("204 No Content", 0),
        ("302 Found", 1),
        ("401 Unauthorized", 1),
        ("409 Conflict", 1),
        ("503 Service Unavailable", 1),
    ] {
        let (url, answering) = answer_once(status);
        let ran = place.run(&["replay", "help.http", "--to", &url]);
        answering.join().unwrap();
        assert_eq!(ran.code, code, "{status}: {} {}", ran.out, ran.err);
        assert!(
            ran.out.starts_with(&status[..3]),
            "the answer is shown: {}",
            ran.out
        );
        if code != 0 {
            assert!(ran.err.contains(&status[..3]), "{}", ran.err);
        }
    }
}

/// Whoever has several databases, or starts in another folder, sees which one is meant.
#[test]
fn an_error_of_the_database_names_its_path() {
    use std::os::unix::fs::PermissionsExt;

    let assert_named = |place: &Place, words: &[&str], path: &str| {
        let ran = place.run(words);
        let whole = place.0.join(path);
        assert_ne!(ran.code, 0, "{words:?}");
        assert!(
            ran.err.contains(whole.to_str().unwrap()),
            "{words:?} {path}: {}",
            ran.err
        );
    };
    let commands = [
        ["serve"].as_slice(),
        &["members", "list"],
        &["resets"],
        &["links"],
        &["new-database"],
    ];
    let settings = "listen = \"127.0.0.1:0\"\ndatabase = \"sqlite://data/x.db\"\n";
    // No folder, a folder in the place of the file, no database at all, one that others may read.
    let place = Place::new(settings);
    for words in &commands[..4] {
        assert_named(&place, words, "data/x.db");
    }
    let place = Place::new(settings);
    std::fs::create_dir_all(place.0.join("data/x.db")).unwrap();
    for words in commands {
        assert_named(&place, words, "data/x.db");
    }
    let place = Place::new(settings);
    std::fs::create_dir(place.0.join("data")).unwrap();
    let database = place.0.join("data/x.db");
    for (text, mode) in [("no database ".repeat(99), 0o600), (String::new(), 0o644)] {
        std::fs::write(&database, text).unwrap();
        std::fs::set_permissions(&database, PermissionsExt::from_mode(mode)).unwrap();
        for words in &commands[..4] {
            assert_named(&place, words, "data/x.db");
        }
    }
    // One whose tables are broken, so that a command fails after it was opened.
    let place = place_with_people("");
    place.sql("alter table member rename to members");
    for words in [
        ["members", "list"].as_slice(),
        &["members", "show", MINA],
        &["members", "unlock", MINA],
    ] {
        assert_named(&place, words, "relatch.db");
    }
    // And the key file, where the database is fine.
    let place = Place::new("listen = \"127.0.0.1:0\"\nkey_file = \"its.key\"\n");
    assert_eq!(place.run(&["members", "list"]).code, 0);
    let key_file = place.0.join("its.key");
    for (text, mode) in [("no key", 0o600), ("", 0o644)] {
        std::fs::write(&key_file, text).unwrap();
        std::fs::set_permissions(&key_file, PermissionsExt::from_mode(mode)).unwrap();
        assert_named(&place, &["serve"], "its.key");
    }
}
