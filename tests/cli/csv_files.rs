//! CSV files as spreadsheets write them: their encodings, separators and blank rows, and what is wrong with a file as a
//! whole.

use super::{PEOPLE, Place, Ran};

/// What spreadsheets save under another encoding than UTF-8.
fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(unit).collect()
}

fn import(place: &Place, bytes: &[u8]) -> Ran {
    std::fs::write(place.0.join("people.csv"), bytes).unwrap();
    place.run(&["members", "import", "people.csv"])
}

fn names(place: &Place) -> Vec<String> {
    place.look("select name from member order by name")
}

/// The file as a whole is refused in a few words.
fn assert_refused(ran: &Ran, told: &[&str]) {
    assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{}", ran.err);
    assert_eq!(
        ran.err.matches("Nothing was changed.").count(),
        1,
        "{}",
        ran.err
    );
    assert!(ran.err.len() <= 400, "{}", ran.err);
    for told in told {
        assert!(ran.err.contains(told), "{told}: {}", ran.err);
    }
}

#[test]
fn files_are_read_as_spreadsheets_write_them() {
    let people = PEOPLE.replace("Mina Park", "Mina Pärk");
    let marked = format!("\u{feff}{people}");
    let blank = "\n,,,,,,,,\n  , ,,,,,,,\n   \n";
    let (header, rows) = people.split_once('\n').unwrap();
    for (what, bytes) in [
        ("a byte-order mark", marked.clone().into_bytes()),
        ("UTF-16, little-endian", utf16(&marked, u16::to_le_bytes)),
        ("UTF-16, big-endian", utf16(&marked, u16::to_be_bytes)),
        ("UTF-16 without a mark", utf16(&people, u16::to_le_bytes)),
        (
            "UTF-16 without a mark, big-endian",
            utf16(&people, u16::to_be_bytes),
        ),
        ("semicolons", people.replace(',', ";").into_bytes()),
        ("tabs", people.replace(',', "\t").into_bytes()),
        (
            "tabs in UTF-16",
            utf16(&marked.replace(',', "\t"), u16::to_le_bytes),
        ),
        (
            "lines that end with CR and LF",
            people.replace('\n', "\r\n").into_bytes(),
        ),
        (
            "blank rows",
            format!("{header}{blank}{rows}{blank}").into_bytes(),
        ),
        (
            "blank rows before the header",
            format!("{blank}{people}").into_bytes(),
        ),
        ("unused columns", people.replace('\n', ",,\n").into_bytes()),
        (
            "a header in capitals with blanks",
            people
                .replace("name,business_email", "Name, Business_Email")
                .into_bytes(),
        ),
    ] {
        let place = Place::new("");
        let ran = import(&place, &bytes);
        assert_eq!(
            (ran.code, ran.out.as_str()),
            (0, "2 added, 0 updated\n"),
            "{what}: {}",
            ran.err
        );
        assert_eq!(names(&place), ["Jo Lim", "Mina Pärk"], "{what}");
    }
}

/// A field may hold the separators that the file does not use.
#[test]
fn the_header_alone_tells_the_separator() {
    let place = Place::new("");
    let people = "name;business_email;login_method;status;phone;personal_email;role;department;manager_email\n\
        \"Jo; Lim\";jo@acme.example;business_email;active;;;member;IT, Support, Desk, Help, Team, Room, 1, 2, 3;\n";
    let ran = import(&place, people.as_bytes());
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(
        place.look("select name || ' / ' || department from member"),
        ["Jo; Lim / IT, Support, Desk, Help, Team, Room, 1, 2, 3"]
    );
}

#[test]
fn links_are_read_in_the_same_way() {
    let place = Place::new("");
    assert_eq!(import(&place, PEOPLE.as_bytes()).code, 0);
    let links =
        "\u{feff}platform;user_id;business_email;seen by\n;;;\nslack;UJO;jo@acme.example;Kim\n";
    std::fs::write(place.0.join("links.csv"), utf16(links, u16::to_le_bytes)).unwrap();
    let ran = place.run(&["link", "--csv", "links.csv"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(place.look("select chat_user from link"), ["UJO"]);
}

/// Guessing the encoding would give people other names.
#[test]
fn another_encoding_or_a_workbook_is_refused_with_what_to_do() {
    let place = Place::new("");
    let mut windows = PEOPLE.replace("Mina Park", "Mina P?rk").into_bytes();
    let at = windows.iter().position(|byte| *byte == b'?').unwrap();
    windows[at] = 0xe4;
    assert_refused(
        &import(&place, &windows),
        &["people.csv", "line 3", "Windows-1252", "CSV UTF-8"],
    );
    for workbook in [
        b"PK\x03\x04\x14\x00\x06\x00\x08\x00".as_slice(),
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    ] {
        assert_refused(
            &import(&place, workbook),
            &["people.csv", "workbook", "CSV UTF-8"],
        );
    }
    let mut cut = utf16(&format!("\u{feff}{PEOPLE}"), u16::to_le_bytes);
    cut.pop();
    assert_refused(
        &import(&place, &cut),
        &["people.csv", "UTF-16", "CSV UTF-8"],
    );
    assert!(!place.0.join("relatch.db").exists());
}

/// One sentence, and not one for each of a thousand lines.
#[test]
fn a_wrong_header_is_told_once() {
    let place = Place::new("");
    let (header, rows) = PEOPLE.split_once('\n').unwrap();
    for (header, told) in [
        (
            header.replace("business_email", "bussiness_email"),
            ["\"bussiness_email\"", "business_email"].as_slice(),
        ),
        (header.replace(",role", ""), &["role"]),
        (
            format!("{header},employee_nr"),
            &["\"employee_nr\"", "employee_id"],
        ),
        (format!("{header},role"), &["role", "twice"]),
        (
            "Jo Lim,jo@acme.example".to_owned(),
            &["header", "\"jo lim\""],
        ),
    ] {
        let ran = import(&place, format!("{header}\n{}", rows.repeat(500)).as_bytes());
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{}", ran.err);
        assert_eq!(ran.err.matches("header").count(), 1, "{}", ran.err);
        assert!(
            ran.err.len() <= 500 && !ran.err.contains("line "),
            "{}",
            ran.err
        );
        for told in told {
            assert!(ran.err.contains(told), "{told}: {}", ran.err);
        }
    }
    place.write(
        "links.csv",
        "platform,user,business_email\nslack,UJO,jo@acme.example\n",
    );
    let ran = place.run(&["link", "--csv", "links.csv"]);
    assert_refused(&ran, &["header", "user_id"]);
}

#[test]
fn an_empty_file_is_an_error() {
    let place = Place::new("");
    let (header, _) = PEOPLE.split_once('\n').unwrap();
    for text in ["", "\u{feff}", "\n \n", ",,,\n"] {
        assert_refused(&import(&place, text.as_bytes()), &["people.csv is empty"]);
    }
    for text in [format!("{header}\n"), format!("{header}\n,,,,,,,,\n")] {
        assert_refused(&import(&place, text.as_bytes()), &["no rows"]);
    }
}

/// What an import would do, line by line, without doing it.
#[test]
fn a_dry_run_shows_what_would_change() {
    let place = Place::new("");
    place.write("people.csv", PEOPLE);
    let dry_run = || place.run(&["members", "import", "people.csv", "--dry-run"]);
    let ran = dry_run();
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.out.contains("Jo Lim (jo@acme.example) would be added")
            && ran.out.ends_with("2 would be added, 0 updated, 0 stay as they are. This was a dry run. Nothing was changed.\n"),
        "{}",
        ran.out
    );
    assert!(!place.0.join("relatch.db").exists(), "no database is made");

    place.run(&["members", "import", "people.csv"]);
    let audited = place.look("select count(*) || '' from audit");
    let ran = dry_run();
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (
            0,
            "0 would be added, 0 updated, 2 stay as they are. This was a dry run. Nothing was changed.\n"
        ),
        "{}",
        ran.err
    );
    let (header, _) = PEOPLE.split_once('\n').unwrap();
    place.write(
        "people.csv",
        &format!(
            "{header}\n\
            Mina Park,mina.park@acme.example,business_email,suspended,+821012345699,mina@mail.example,member,,jo@acme.example\n\
            Noa Sol,jo@acme.example,business_email,active,,,member,IT,\n\
            Pia Oh,pia@acme.example,business_email,active,,,member,,\n"
        ),
    );
    let ran = dry_run();
    assert_eq!(ran.code, 0, "{}", ran.err);
    insta::assert_snapshot!(ran.out, @r"
    Pia Oh (pia@acme.example) would be added
    Mina Park (mina.park@acme.example) would be updated: status active → suspended, department Sales → none, phone +82 ··· ··42 → +82 ··· ··99
    would be a new person: Noa Sol (jo@acme.example) in place of Jo Lim: another name, and no equal contact
    1 would be added, 2 updated (new persons: 1), 0 stay as they are. This was a dry run. Nothing was changed.
    ");
    assert!(
        !ran.out.contains("5699"),
        "contacts are masked: {}",
        ran.out
    );
    assert_eq!(names(&place), ["Jo Lim", "Mina Park"]);
    assert_eq!(
        place.look("select count(*) || '' from audit"),
        audited,
        "nothing is written down either"
    );
    place.write(
        "people.csv",
        &format!("{header}\nNoa,noa,business_email,active,,,member,,\n"),
    );
    let ran = dry_run();
    assert!(
        ran.code == 1 && ran.err.contains("line 2") && ran.err.contains("Nothing was changed."),
        "{}",
        ran.err
    );
}
