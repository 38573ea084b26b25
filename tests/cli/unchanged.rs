//! "Nothing was changed." on the command line: said by every command that was refused, and by none that did something.

use super::*;

/// What a command could have changed.
const RECORD: [&str; 4] = [
    "select coalesce(group_concat(business_email || name || status || coalesce(phone, '') || coalesce(personal_email, '')
        || coalesce(credential, '')), '') from member",
    "select count(*) || '' from link",
    "select count(*) || '' from contact",
    "select count(*) || '' from admin_pin",
];

fn record(place: &Place) -> Vec<String> {
    RECORD
        .iter()
        .flat_map(|select| place.look(select))
        .collect()
}

const SETTINGS: &str = "listen = \"127.0.0.1:0\"\norganization = \"Acme\"\n";

#[test]
fn a_command_that_was_refused_says_that_nothing_was_changed() {
    let place = Place::new(SETTINGS);
    place.write("people.csv", PEOPLE);
    place.write("broken.csv", &PEOPLE.replace("active", "awake"));
    place.write(
        "links.csv",
        "platform,user_id,business_email\nteams,U1,mina.park@acme.example\n",
    );
    assert_eq!(place.run(&["members", "import", "people.csv"]).code, 0);
    let mut wrong = Vec::new();
    let (mina, nobody) = ("mina.park@acme.example", "nobody@acme.example");
    for (words, typed) in [
        (&["members", "set-password", nobody][..], ""),
        (&["members", "set-password", mina], ""),
        (&["members", "remove", nobody], ""),
        (&["members", "unlock", nobody], ""),
        (&["members", "unlock", mina], ""),
        (&["members", "contact", mina, "+821099998877"], ""),
        (&["members", "contact", mina, "mina.park@acme.example"], ""),
        (&["members", "contact", mina, "+82", "12"], ""),
        (&["members", "contact", nobody, "+821099998877"], ""),
        (&["members", "import", "broken.csv"], ""),
        (&["members", "import", "missing.csv"], ""),
        (&["admins", "accept", mina], ""),
        (&["link", "--csv", "links.csv"], ""),
        (&["link", "--csv", "missing.csv"], ""),
        (&["unlink", "slack", "U0MINA"], ""),
        (&["new-database"], ""),
        (&["register", "discord"], ""),
        (&["backup", "copy.db"], ""),
        (&["audit", "verify"], ""),
    ] {
        let before = record(&place);
        let ran = place.run_with_input(words, typed);
        let times = ran
            .err
            .to_lowercase()
            .matches("nothing was changed")
            .count();
        if ran.code == 0 || times != 1 || record(&place) != before {
            wrong.push(format!("{words:?} ({}): {}{}", ran.code, ran.out, ran.err));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_command_that_did_something_does_not_say_that_nothing_was_changed() {
    let place = Place::new(SETTINGS);
    place.write("people.csv", PEOPLE);
    // Makes the database.
    assert_eq!(place.run(&["members", "list"]).code, 0);
    let mina = "mina.park@acme.example";
    for (words, typed) in [
        (&["members", "import", "people.csv"][..], ""),
        (
            &["members", "set-password", mina],
            "seven quiet herons dance\n",
        ),
        (&["link", "slack", "U0MINA", mina], ""),
        (&["unlink", "slack", "U0MINA"], ""),
        (&["members", "remove", mina], ""),
    ] {
        let before = record(&place);
        let ran = place.run_with_input(words, typed);
        assert_eq!(ran.code, 0, "{words:?}: {}", ran.err);
        let told = [ran.out, ran.err].concat().to_lowercase();
        assert!(!told.contains("nothing was changed"), "{words:?}: {told}");
        assert_ne!(record(&place), before, "{words:?}");
    }
}

/// The database as the version before last left it.
const OLDER: &str = "alter table contact_seen drop column key_fingerprint;
    delete from _sqlx_migrations where version = 27";

/// A dry run brings no database up to date: it says who does.
#[test]
fn a_dry_run_leaves_an_older_database_alone() {
    let place = Place::new(SETTINGS);
    place.write("people.csv", PEOPLE);
    place.write(
        "links.csv",
        "platform,user_id,business_email\nslack,UMINA,mina.park@acme.example\n",
    );
    assert_eq!(place.run(&["members", "import", "people.csv"]).code, 0);
    place.sql(OLDER);
    let before = place.look("select group_concat(version) from _sqlx_migrations");
    for words in [
        &["members", "import", "people.csv", "--dry-run"][..],
        &["link", "--csv", "links.csv", "--dry-run"],
    ] {
        let ran = place.run(words);
        assert_eq!(
            (ran.code, ran.out.as_str()),
            (75, ""),
            "{words:?} {}",
            ran.err
        );
        for told in [
            "relatch.db",
            "older relatch",
            "`relatch serve`",
            "Nothing was changed.",
        ] {
            assert!(ran.err.contains(told), "{words:?} {told}: {}", ran.err);
        }
        assert_eq!(
            place.look("select group_concat(version) from _sqlx_migrations"),
            before
        );
    }
}

/// A command that was refused after it had brought the database to this version says that it did.
#[test]
fn a_key_that_stays_is_not_all_that_was_done_to_an_older_database() {
    let place = Place::new(SETTINGS);
    place.serve_once();
    let ran = place.run(&["new-key"]);
    assert!(
        ran.code == 1 && ran.err.contains("Nothing was changed."),
        "{}",
        ran.err
    );
    place.sql(OLDER);
    let ran = place.run(&["new-key"]);
    assert!(
        ran.code == 1
            && ran
                .err
                .contains("The database was brought to this version.")
            && !ran.err.to_lowercase().contains("nothing was changed"),
        "{}",
        ran.err
    );
    assert_eq!(
        place.look("select version || '' from _sqlx_migrations where version = 27"),
        ["27"]
    );
}

/// The hash can fail: by a fault of the program, and by a stored hash that cannot be read.
#[test]
fn a_password_that_cannot_be_hashed_changes_nothing() {
    use std::io::Write;

    let place = Place::new(SETTINGS);
    place.write("people.csv", PEOPLE);
    assert_eq!(place.run(&["members", "import", "people.csv"]).code, 0);
    for (credential, fault) in [("null", "hasher-panics"), ("'$argon2id$broken'", "none")] {
        let altered = format!("update member set credential = {credential}");
        place.sql(altered.leak());
        let before = record(&place);
        let mut command = place.command(&["members", "set-password", "mina.park@acme.example"]);
        command
            .env("FAULT_IN_RELATCH", fault)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let typed = b"seven quiet herons dance\n";
        child.stdin.take().unwrap().write_all(typed).unwrap();
        let ran = Ran::of(child.wait_with_output().unwrap());
        assert_eq!(ran.code, 1, "{fault}: {} {}", ran.out, ran.err);
        assert_eq!(
            ran.err.matches("Nothing was changed.").count(),
            1,
            "{fault}: {}",
            ran.err
        );
        assert_eq!(record(&place), before);
    }
}
