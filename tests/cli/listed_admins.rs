//! Administrators from a list: who is pinned, and who is accepted.

use std::process::Stdio;

use super::{PEOPLE, Place, wait_for_line};

const LISTED: &str = "listen = \"127.0.0.1:0\"
[admins]
source = \"list\"
primary = [\"jo@acme.example\", \"Mina.Park@acme.example\"]
member_and_department = [\"kim@acme.example\"]
";

/// Pins as they stand in the database.
fn pins(place: &Place) -> Vec<String> {
    place.look(
        "select concat_ws(' ', email_key, how, member_name) from admin_pin order by email_key",
    )
}

/// The import pins the administrators that it brings, once; what is only listed has no pin.
#[test]
fn an_import_pins_listed_administrators() {
    let place = Place::new(LISTED);
    place.write("people.csv", PEOPLE);
    let ran = place.run(&["members", "import", "people.csv"]);
    assert!(
        ran.out.contains("administrator jo@acme.example: Jo Lim ("),
        "{}",
        ran.out
    );
    let expected = [
        "jo@acme.example import Jo Lim",
        "mina.park@acme.example import Mina Park",
    ];
    assert_eq!(pins(&place), expected);
    assert_eq!(
        place.run(&["members", "import", "people.csv"]).out,
        "0 added, 2 updated\n"
    );

    // A new person under the address has another id.
    place.sql(
        "update member set member_id = 'another' where business_email_key = 'jo@acme.example'",
    );
    let ran = place.run(&["members", "import", "people.csv"]);
    assert!(
        ran.out
            .contains("gives Jo Lim no right: run relatch admins accept jo@acme.example"),
        "{}",
        ran.out
    );
    assert_eq!(pins(&place), expected);
    let audited = place
        .look("select concat_ws(' ', event, outcome, detail) from audit where event = 'pin_admin'");
    assert_eq!(
        audited,
        [
            "pin_admin import j···@acme.example",
            "pin_admin import m···@acme.example"
        ]
    );
}

/// `check` says whom the list stands for and whom the start would pin, and pins nobody.
#[test]
fn check_prints_pins_and_writes_none() {
    let place = Place::new("");
    place.write("people.csv", PEOPLE);
    place.run(&["members", "import", "people.csv"]);
    place.write("relatch.toml", LISTED);
    let ran = place.run(&["check"]);
    assert!(
        ran.out
            .contains("ok    admins.primary: jo@acme.example: would be pinned to Jo Lim ("),
        "{}",
        ran.out
    );
    assert!(
        ran.out
            .contains("fail  admins.member_and_department: kim@acme.example: finds nobody"),
        "{}",
        ran.out
    );
    assert_eq!((ran.code, pins(&place)), (1, Vec::new()));
    assert_eq!(place.run(&["admins", "accept", "jo@acme.example"]).code, 0);
    let ran = place.run(&["check"]);
    assert!(
        ran.out
            .contains("ok    admins.primary: jo@acme.example: pinned to Jo Lim ("),
        "{}",
        ran.out
    );
    place.sql(
        "update member set member_id = 'another' where business_email_key = 'jo@acme.example'",
    );
    let told = place.run(&["check"]).out;
    assert!(
        told.contains("but now finds Jo Lim (another), who has no right"),
        "{told}"
    );
}

/// The start pins, and beside it the import whoever it brings under an address that found nobody. A new person is accepted
/// by an operator. Whoever is accepted is shown.
#[test]
fn an_administrator_who_came_later_is_accepted_beside_serve() {
    let place = Place::new("");
    place.write("people.csv", PEOPLE);
    place.run(&["members", "import", "people.csv"]);
    place.write("relatch.toml", LISTED);
    let mut serve = place
        .command(&["serve"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for_line(&mut serve, "listening");
    let started = [
        "jo@acme.example first Jo Lim",
        "kim@acme.example nobody",
        "mina.park@acme.example first Mina Park",
    ];
    assert_eq!(pins(&place), started);

    let kim = "Kim Cho,kim@acme.example,business_email,active,,,member,IT,\n";
    place.write(
        "kim.csv",
        &format!("{}\n{kim}", PEOPLE.lines().next().unwrap()),
    );
    let ran = place.run(&["members", "import", "kim.csv"]);
    assert!(
        ran.out
            .contains("administrator kim@acme.example: Kim Cho ("),
        "{}",
        ran.out
    );
    assert_eq!(pins(&place)[1], "kim@acme.example import Kim Cho");

    // A new person under the address has another id.
    place.sql(
        "update member set member_id = 'another' where business_email_key = 'kim@acme.example'",
    );
    let ran = place.run(&["members", "import", "kim.csv"]);
    assert!(
        ran.out
            .contains("gives Kim Cho no right: run relatch admins accept kim@acme.example"),
        "{}",
        ran.out
    );
    let ran = place.run(&["admins", "accept", "KIM@acme.example"]);
    assert!(
        ran.code == 0
            && ran.out.contains("is pinned to Kim Cho (another)")
            && ran.out.contains("Before: Kim Cho ("),
        "{}",
        ran.out
    );
    let ran = place.run(&["admins", "accept", "kim@acme.example"]);
    assert!(
        ran.code == 0 && ran.out.contains("already. Nothing was changed."),
        "{}",
        ran.out
    );
    assert_eq!(pins(&place)[1], "kim@acme.example accepted Kim Cho");
    let audited = place.look(
        "select concat_ws(' ', event, outcome, detail) from audit where event = 'accept_admin'",
    );
    assert_eq!(audited, ["accept_admin accepted k···@acme.example"]);
    serve.kill().unwrap();
    serve.wait().unwrap();
}

/// What is not in the list, finds nobody, or cannot be looked up is not accepted, and the sentence says what to do.
#[test]
fn what_cannot_be_accepted_is_told() {
    let place = Place::new(LISTED);
    for (settings, email, told) in [
        (
            LISTED,
            "lee@acme.example",
            "is neither in admins.primary nor in admins.member_and_department",
        ),
        (
            LISTED,
            "jo@acme.example",
            "no entry of the directory has the address jo@acme.example",
        ),
        ("", "jo@acme.example", "admins.source is not \"list\""),
        (
            "help_url = \"https://help.acme.example\"\n[admins]\nsource = \"list\"\nprimary = [\"jo@acme.example\"]\n\
            [[directory]]\nkind = \"lark\"\napp_id = \"cli_a1b2\"\n\
            app_secret = \"8f742231b10e8888abcd99yyyzzz85a5\"\napi_url = \"http://127.0.0.1:1/\"\n",
            "jo@acme.example",
            "Lark directory doesn't answer. Try again later.",
        ),
    ] {
        place.write("relatch.toml", settings);
        let ran = place.run(&["admins", "accept", email]);
        assert!(
            ran.code == 1 && ran.err.contains(told),
            "{email}: {}",
            ran.err
        );
        assert!(ran.err.contains("Nothing was changed."), "{}", ran.err);
    }
    assert_eq!(pins(&place), [""; 0]);
}

/// An address of another directory is not pinned to whom an import brings under it.
#[test]
fn an_import_pins_only_its_own_directory() {
    let others = "[[directory]]\nkind = \"lark\"\napp_id = \"cli_a1b2\"\napp_secret = \"8f742231b10e8888abcd99yyyzzz85a5\"\n\
        api_url = \"http://127.0.0.1:1/\"\ndomains = [\"acme.example\"]\n[[directory]]\nkind = \"builtin\"\n";
    let place = Place::new(&format!(
        "help_url = \"https://help.acme.example\"\n{LISTED}{others}"
    ));
    place.write("people.csv", PEOPLE);
    assert_eq!(
        place.run(&["members", "import", "people.csv"]).out,
        "2 added, 0 updated\n"
    );
    assert_eq!(pins(&place), [""; 0]);
}
