//! Members, links and contacts of the built-in directory.

use relatch::surface::directory::Hasher;

use super::{PEOPLE, Place};

/// An international domain is one domain in whatever spelling; a domain of mixed scripts is none.
#[test]
fn an_international_domain_is_one_in_every_spelling() {
    let place = Place::new("");
    place.write(
        "people.csv",
        &PEOPLE.replace("acme.example", "bücher.example"),
    );
    let ran = place.run(&["members", "import", "people.csv"]);
    assert_eq!(ran.out, "2 added, 0 updated\n", "{}", ran.err);
    for written in [
        "mina.park@BÜCHER.example",
        "mina.park@xn--bcher-kva.example",
    ] {
        let ran = place.run(&["members", "show", written, "--format", "json"]);
        let shown: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(shown["business_email"], "mina.park@xn--bcher-kva.example");
    }
    // The second letter of the domain is Cyrillic.
    let mixed = PEOPLE.replace("mina@mail.example", "mina@m\u{430}il.example");
    place.write("people.csv", &mixed);
    let ran = place.run(&["members", "import", "people.csv"]);
    assert_eq!(ran.code, 1, "{}", ran.out);
    assert!(
        ran.err.contains("mixes letters of several scripts"),
        "{}",
        ran.err
    );
}

#[test]
fn members_are_imported_listed_and_verified() {
    let place = Place::new("");
    place.write("people.csv", PEOPLE);
    assert_eq!(
        place.run(&["members", "import", "people.csv"]).out,
        "2 added, 0 updated\n"
    );
    assert_eq!(
        place.run(&["members", "import", "people.csv"]).out,
        "0 added, 2 updated\n"
    );
    let listed: serde_json::Value =
        serde_json::from_str(&place.run(&["members", "list", "--format", "json"]).out).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 2);
    let shown: serde_json::Value = serde_json::from_str(
        &place
            .run(&[
                "members",
                "show",
                "MINA.PARK@acme.example",
                "--format",
                "json",
            ])
            .out,
    )
    .unwrap();
    assert_eq!(shown["phone"], "+821012345642");
    assert_eq!(
        place.run(&["members", "show", "nobody@acme.example"]).code,
        1
    );

    let mina = "mina.park@acme.example";
    assert_eq!(
        place
            .run_with_input(&["members", "verify", mina], "anything\n")
            .code,
        1
    );
    assert_eq!(
        place
            .run_with_input(&["members", "set-password", mina], "right horse battery\n")
            .code,
        0
    );
    assert_eq!(
        place
            .run_with_input(&["members", "verify", mina], "right horse battery\n")
            .code,
        0
    );
    assert_eq!(
        place
            .run_with_input(&["members", "verify", mina], "right horse battery")
            .code,
        0
    );
    assert_eq!(
        place
            .run_with_input(&["members", "verify", mina], "wrong horse battery\n")
            .code,
        1
    );
    // Import again keeps the credential.
    place.run(&["members", "import", "people.csv"]);
    assert_eq!(
        place
            .run_with_input(&["members", "verify", mina], "right horse battery\n")
            .code,
        0
    );
    assert!(
        !std::fs::read(place.0.join("relatch.db"))
            .unwrap()
            .windows(11)
            .any(|part| part == b"right horse")
    );
}

/// RFC 8265: macOS sends letters and marks apart, Windows together, and both are one password. A hash of the version before
/// is made anew at the first check.
#[test]
fn a_password_is_set_and_verified_in_every_form() {
    let (apart, together) = ("cafe\u{301} au lait\n", "caf\u{e9} au\u{a0}lait\n");
    let place = Place::new("");
    place.write("people.csv", PEOPLE);
    place.run(&["members", "import", "people.csv"]);
    let mina = "mina.park@acme.example";
    let code = |what, input| place.run_with_input(&["members", what, mina], input).code;
    for (set, typed) in [(apart, together), (together, apart)] {
        place.sql("update member set credential = null");
        assert_eq!(code("set-password", set), 0);
        assert_eq!((code("verify", typed), code("verify", set)), (0, 0));
        assert_eq!(code("verify", "cafe au lait\n"), 1);
    }
    let refused = place.run_with_input(&["members", "set-password", mina], "right\thorse\n");
    assert_eq!(refused.code, 1);
    assert!(
        refused
            .err
            .contains("no control characters, such as a tab. Nothing was changed."),
        "{}",
        refused.err
    );
    assert_eq!(code("verify", together), 0);

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let older = runtime.block_on(async {
        let hasher = Hasher::start().unwrap();
        hasher.hash(apart.trim(), [7; 16]).await.unwrap()
    });
    let older = format!("update member set credential = '{older}' where name = 'Mina Park'");
    place.sql(older.leak());
    assert_eq!(code("verify", together), 1, "this is another hash");
    assert_eq!(code("verify", apart), 0);
    assert_eq!((code("verify", together), code("verify", apart)), (0, 0));
}

/// What a reset is about to deliver must not be dead when it arrives.
#[test]
fn no_password_is_set_beside_a_reset() {
    let place = Place::new("");
    place.write("people.csv", PEOPLE);
    place.run(&["members", "import", "people.csv"]);
    place.sql(
        "insert into reset (reset_id, platform, tenant, chat_user, admin_id, admin_name, admin_email, member_id,
            member_name, member_email, state, edition, is_typed, also_show, offered_at, expires_at, claimed_at,
            changing_at, changed_at, deadline_at)
        select '00000000000000000000000000000001', 'slack', 'T', 'UJO', 'a', 'Jo Lim', 'jo@acme.example', member_id,
            'Mina Park', 'mina.park@acme.example', 'delivering', 1, 0, 0, 1, 2, 3, 4, 5, 9999999999999
        from member where business_email = 'mina.park@acme.example'",
    );
    let mina = "mina.park@acme.example";
    let set = || place.run_with_input(&["members", "set-password", mina], "right horse battery\n");
    for (change, told) in [
        (
            "select 1",
            "Jo Lim is resetting Mina Park right now. Nothing was changed.",
        ),
        (
            "update reset set state = 'undelivered'",
            "is not delivered yet. Nothing was changed.",
        ),
    ] {
        place.sql(change);
        let ran = set();
        assert!(ran.code == 1 && ran.err.contains(told), "{}", ran.err);
        assert_eq!(
            place
                .run_with_input(&["members", "verify", mina], "right horse battery\n")
                .code,
            1
        );
    }
    // Nobody waits for a process that is dead.
    for change in [
        "update reset set finished_at = 6",
        "update reset set state = 'changing', finished_at = null, deadline_at = 5",
    ] {
        place.sql("update member set credential = null");
        place.sql(change);
        assert_eq!(set().code, 0, "{change}");
    }
}

/// What an operator does from the command line stands in the audit, without any secret.
#[test]
fn what_operators_do_is_written_down() {
    let place = Place::new("");
    place.write("people.csv", PEOPLE);
    let mina = "mina.park@acme.example";
    place.run(&["members", "import", "people.csv"]);
    place.run_with_input(&["members", "set-password", mina], "right horse battery\n");
    place.run(&["link", "slack", "UMINA", mina]);
    place.run(&["link", "slack", "UX", "nobody@elsewhere.example"]);
    place.run(&["link", "slack", "UJO", "jo@acme.example"]);
    place.run(&["unlink", "slack", "UMINA"]);
    place.run(&["unlink", "slack", "UMINA"]);
    let told = place.look(
        "select concat_ws(' ', event, outcome, platform, chat_user, detail, member.name)
        from audit left join member on member.member_id = audit.member_id order by seq",
    );
    let expected = [
        "import done 2 added, 0 updated",
        "set_password done Mina Park",
        "link done slack UMINA m···@acme.example Mina Park",
        "link done slack UJO j···@acme.example Jo Lim",
        "unlink done slack UMINA Mina Park",
    ];
    assert_eq!(told, expected);
}

/// Every bad line at once, and nothing imported if any is bad.
#[test]
fn one_bad_line_imports_nothing() {
    let place = Place::new("");
    place.write(
        "people.csv",
        &format!(
            "{PEOPLE}Noa,noa,business_email,active,,,member,,\nPia,pia@acme.example,pigeon,active,,,member,,\n\
            Ria,ria@acme.example,business_email,gone,,,member,,\nSam,sam@acme.example,business_email,active,12,,member,,\n\
            Twice,JO@acme.example,business_email,active,,,member,,\nShort,short@acme.example\n"
        ),
    );
    let ran = place.run(&["members", "import", "people.csv"]);
    assert_eq!(ran.code, 1);
    for line in 4..=9 {
        assert!(
            ran.err.contains(&format!("line {line}")),
            "line {line}: {}",
            ran.err
        );
    }
    assert!(ran.err.contains("Nothing was changed."), "{}", ran.err);
    assert_eq!(
        place
            .run(&["members", "list", "--format", "json"])
            .out
            .trim(),
        "[]"
    );
}

/// A record may have blank lines before it and line breaks in it; the line that is told is the one it begins on.
#[test]
fn bad_lines_are_told_as_an_editor_counts_them() {
    let place = Place::new("");
    let header = PEOPLE.lines().next().unwrap();
    let records = [
        "\n\nNoa,noa,business_email,active,,,member,,",
        "\"Pia\nLong\",pia@acme.example,business_email,active,,,member,\"a\nb\",",
        "Sam,sam@acme.example,pigeon,active,,,member,,",
        "\nPia,pia@acme.example,business_email,active,,,member,,",
        "\nShort,short@acme.example",
    ];
    for end in ["\n", "\r\n"] {
        let text = format!("{header}\n{}\n", records.join("\n")).replace('\n', end);
        place.write("people.csv", &text);
        let told = place.run(&["members", "import", "people.csv"]).err;
        for (line, what) in [
            (4, "business_email"),
            (8, "login_method"),
            (10, "stands already on line 5"),
            (12, "2 fields"),
        ] {
            assert!(
                told.contains(&format!("line {line}: ")) && told.contains(what),
                "line {line}: {told}"
            );
        }
        place.write(
            "links.csv",
            &"platform,user_id,business_email\n\npigeon,U1,x@acme.example\n".replace('\n', end),
        );
        assert!(
            place
                .run(&["link", "--csv", "links.csv"])
                .err
                .contains("line 3: ")
        );
    }
}

#[test]
fn links_are_made_and_taken_away() {
    let place = Place::new("");
    place.write("people.csv", PEOPLE);
    place.run(&["members", "import", "people.csv"]);
    assert_eq!(
        place.run(&["link", "slack", "UJO", "jo@acme.example"]).code,
        0
    );
    assert_eq!(place.run(&["unlink", "slack", "UJO"]).code, 0);
    assert_eq!(place.run(&["unlink", "slack", "UJO"]).code, 1);
    place.write(
        "links.csv",
        "platform,user_id,business_email\nslack,UJO,jo@acme.example\npigeon,U2,x\n",
    );
    let ran = place.run(&["link", "--csv", "links.csv"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.err.contains("line 3") && ran.err.contains("Nothing was changed."),
        "{}",
        ran.err
    );
    assert_eq!(place.run(&["unlink", "slack", "UJO"]).code, 1);
}

/// Whoever runs relatch adds a contact: it counts like the import, and no mailbox of the organization is one.
#[test]
fn the_operator_adds_a_contact() {
    let sms = "[sms]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:9/\"\ntoken = \"a-token-that-is-long-enough\"\n";
    let company = "company_domains = [\"Acme.com\", \"b\u{fc}cher.example\"]\n";
    let place = Place::new(company);
    place.write("people.csv", PEOPLE);
    place.run(&["members", "import", "people.csv"]);
    let ran = place.run(&[
        "members",
        "contact",
        "mina.park@acme.example",
        "+821012345699",
    ]);
    assert!(
        ran.code == 1
            && ran
                .err
                .contains("the settings have no [sms]. Nothing was changed."),
        "{}",
        ran.err
    );
    let place = Place::new(&format!("{company}{sms}"));
    place.write("people.csv", PEOPLE);
    place.run(&["members", "import", "people.csv"]);
    let ran = place.run(&[
        "members",
        "contact",
        "mina.park@acme.example",
        "+82",
        "10",
        "1234",
        "5699",
    ]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(
        ran.out
            .contains("+82 ··· ··99 was added for codes of Mina Park"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("nobody could be told"), "{}", ran.out);
    assert_eq!(
        place.look(
            "select concat_ws(' ', added_as, added_by, address) from contact where added_at > 1795000000000"
        ),
        ["operator operator +821012345699"]
    );
    assert_eq!(
        place.look("select concat_ws(' ', outcome, detail) from audit where event = 'contact'"),
        ["added_by_operator +82 ··· ··99"]
    );
    for address in [
        "x@mail.acme.com",
        "x@xn--bcher-kva.example",
        "x@acme.example",
        "12",
    ] {
        let ran = place.run(&["members", "contact", "mina.park@acme.example", address]);
        assert!(
            ran.code == 1 && ran.err.contains("Nothing was changed."),
            "{address}: {}",
            ran.err
        );
    }
    // One administrator has filled the places, and answered all codes.
    place.look(
        "insert into contact (member_id, channel, address, added_by, added_at, added_as, added_by_name, answered_at)
        select member_id, 'sms', '+82101234569' || value, 'kim', 1, 'administrator', 'Kim', 1
        from member, json_each('[0, 1, 2, 3]') where business_email = 'mina.park@acme.example' returning address",
    );
    for last in 0..4 {
        let ran = place.run(&[
            "members",
            "contact",
            "mina.park@acme.example",
            &format!("+82101234568{last}"),
        ]);
        assert!(
            ran.code == 0 && ran.out.contains("was removed to make room"),
            "{}{}",
            ran.out,
            ran.err
        );
    }
    let ran = place.run(&[
        "members",
        "contact",
        "mina.park@acme.example",
        "+821012345688",
    ]);
    assert!(
        ran.code == 1
            && ran
                .err
                .contains("5 added contacts already. Nothing was changed."),
        "{}",
        ran.err
    );
}

/// S40: whoever knows the password of a reset must not make it the member's lasting one, which asks for no code.
#[test]
fn the_present_password_is_not_set_again() {
    let place = Place::new("");
    place.write("people.csv", PEOPLE);
    place.run(&["members", "import", "people.csv"]);
    let mina = "mina.park@acme.example";
    let set = |typed: &str| place.run_with_input(&["members", "set-password", mina], typed);
    assert_eq!(set("right horse battery\n").code, 0);
    place.sql("update member set temporary_until = 4102444800000 where name = 'Mina Park'");
    let kept =
        "select concat_ws(' ', credential, temporary_until) from member where name = 'Mina Park'";
    let before = place.look(kept);
    let ran = set("right horse battery\n");
    assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{}", ran.err);
    assert!(
        ran.err.contains("this is the present password")
            && ran.err.contains("Nothing was changed."),
        "{}",
        ran.err
    );
    assert_eq!(place.look(kept), before);
    assert_eq!(set("wrong horse battery\n").code, 0);
}

/// A command that says "Nothing was changed." has made no database either, which root would then own.
#[test]
fn a_refused_command_makes_no_database() {
    let place = Place::new("[admins]\nsource = \"list\"\nprimary = [\"mina.park@acme.example\"]\n");
    place.write("wrong.csv", "name,mail\nJo,jo@acme.example\n");
    let links = "platform,user_id,business_email\nslack,@mina,mina@acme.example\n";
    place.write("links.csv", links);
    let mina = "mina.park@acme.example";
    for words in [
        ["link", "slack", "@mina", mina].as_slice(),
        &["link", "slack", "UMINA", mina],
        &["link", "--csv", "missing.csv"],
        &["link", "--csv", "wrong.csv"],
        &["link", "--csv", "links.csv"],
        &["unlink", "slack", "UMINA"],
        &["members", "import", "missing.csv"],
        &["members", "import", "wrong.csv"],
        &["admins", "accept", mina],
        &["members", "contact", mina, "mina@mail.example"],
        &["members", "set-password", mina],
        &["members", "remove", mina],
        &["members", "unlock", mina],
        &["members", "show", mina],
        &["members", "verify", mina],
    ] {
        let ran = place.run(words);
        assert_eq!(
            (ran.code, ran.out.as_str()),
            (1, ""),
            "{words:?} {}",
            ran.err
        );
        let told = if words.contains(&"missing.csv") {
            "missing.csv cannot be read"
        } else {
            "Nothing was changed."
        };
        assert!(ran.err.contains(told), "{words:?} {}", ran.err);
        let mut left: Vec<String> = std::fs::read_dir(&place.0)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(
            left,
            ["links.csv", "relatch.toml", "wrong.csv"],
            "{words:?}"
        );
    }
}
