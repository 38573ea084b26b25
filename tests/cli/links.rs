//! `relatch link` and `links`: which chat accounts stand for which people.

use super::{PEOPLE, Place, Ran};

const HEADER: &str = "platform,user_id,business_email\n";

/// Jo and Mina in the built-in directory.
fn place() -> Place {
    let place = Place::new("");
    place.write("people.csv", PEOPLE);
    assert_eq!(place.run(&["members", "import", "people.csv"]).code, 0);
    place
}

fn link_file(place: &Place, lines: &str) -> Ran {
    place.write("links.csv", &format!("{HEADER}{lines}"));
    place.run(&["link", "--csv", "links.csv"])
}

fn links(place: &Place) -> Vec<String> {
    place.look("select concat_ws(' ', platform, chat_user, business_email_key) from link order by platform, chat_user")
}

/// The command did nothing, says so, and tells why.
fn assert_refused(place: &Place, ran: &Ran, told: &[&str]) {
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (1, ""),
        "{} {}",
        ran.out,
        ran.err
    );
    assert_eq!(
        ran.err.matches("Nothing was changed.").count(),
        1,
        "{}",
        ran.err
    );
    for told in told {
        assert!(ran.err.contains(told), "{told}: {}", ran.err);
    }
    assert_eq!(links(place), Vec::<String>::new());
}

/// An account is one person: a file that gives it to two is refused whole. The same line twice is one link.
#[test]
fn a_file_gives_an_account_to_one_person() {
    let place = place();
    let two = "slack,UMINA,mina.park@acme.example\nslack,UJO,jo@acme.example\nslack,UMINA,jo@acme.example\n";
    let ran = link_file(&place, two);
    assert_refused(&place, &ran, &["line 4", "UMINA", "line 2"]);
    let ran = link_file(
        &place,
        "slack,UJO,jo@acme.example\nslack,UJO,JO@acme.example\n",
    );
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (0, "1 linked, 0 moved, 0 unchanged\n"),
        "{}",
        ran.err
    );
    let ran = link_file(
        &place,
        "slack,UJO,jo@acme.example\nslack,UMINA,mina.park@acme.example\n",
    );
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (0, "1 linked, 0 moved, 1 unchanged\n"),
        "{}",
        ran.err
    );
    let ran = place.run(&["link", "slack", "UJO", "jo@acme.example"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.out.contains("already") && ran.out.contains("Nothing was changed."),
        "{}",
        ran.out
    );
    assert_eq!(
        place.look("select outcome from audit where event = 'link'"),
        ["done", "done"],
        "an unchanged link is no new one"
    );
}

/// What people copy from a chat or a spreadsheet instead of the account's id.
#[test]
fn ids_of_another_form_are_refused() {
    let place = place();
    for (platform, id) in [
        ("slack", "<@U0E>"),
        ("slack", "@mina"),
        ("slack", "u0mina"),
        ("slack", "C0E1234"),
        ("slack", "mina.park@acme.example"),
        ("discord", "1.23457E+17"),
        ("discord", "<@123456789012345678>"),
        ("discord", "mina#1234"),
        ("discord", "99999999999999999999"),
        ("lark", "on_7dab8a3d3cdcc9da365777c7ad535d62"),
        ("lark", "7dab8a3d"),
        ("mattermost", "mina"),
        ("mattermost", "@mina"),
        ("mattermost", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    ] {
        let ran = place.run(&["link", platform, id, "mina.park@acme.example"]);
        assert_refused(&place, &ran, &[platform, id, "such as"]);
        let ran = link_file(&place, &format!("{platform},{id},mina.park@acme.example\n"));
        assert_refused(&place, &ran, &["line 2", platform, id, "such as"]);
    }
    for (platform, id) in [
        ("slack", "U012AB3CD"),
        ("slack", "W012A3CDE"),
        ("discord", "80351110224678912"),
        ("lark", "ou_7dab8a3d3cdcc9da365777c7ad535d62"),
        ("mattermost", "4xp9fdt77pncbef59f4k1qe83o"),
    ] {
        let ran = place.run(&["link", platform, id, "mina.park@acme.example"]);
        assert_eq!(ran.code, 0, "{platform} {id}: {}", ran.err);
        assert!(
            ran.out.contains("Mina Park (mina.park@acme.example)"),
            "{}",
            ran.out
        );
    }
    assert_eq!(links(&place).len(), 5);
}

/// The directory is asked, and an address that it does not have is a slip.
#[test]
fn an_address_of_nobody_is_refused() {
    let place = place();
    let ran = place.run(&["link", "slack", "UNOA", "noa@acme.example"]);
    assert_refused(&place, &ran, &["noa@acme.example"]);
    let ran = link_file(
        &place,
        "slack,UJO,jo@acme.example\nslack,UX,pia@acme.example\nslack,UY,ria@elsewhere.example\n",
    );
    assert_refused(
        &place,
        &ran,
        &[
            "line 3",
            "pia@acme.example",
            "line 4",
            "ria@elsewhere.example",
        ],
    );
}

/// A directory that does not answer is no reason to refuse; that nobody looked is said.
#[test]
fn a_directory_that_does_not_answer_is_said() {
    let place = Place::new(
        "help_url = \"https://help.acme.example\"\n[[directory]]\nkind = \"lark\"\napp_id = \"cli_a1b2\"\n\
        app_secret = \"8f742231b10e8888abcd99yyyzzz85a5\"\napi_url = \"http://127.0.0.1:1/\"\n",
    );
    let ran = place.run(&["link", "slack", "UMINA", "mina.park@acme.example"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.out.contains("Lark directory") && ran.out.contains("was not looked up"),
        "{}",
        ran.out
    );
    assert_eq!(links(&place), ["slack UMINA mina.park@acme.example"]);
    let listed = place.run(&["links"]);
    assert_eq!(listed.code, 0, "{}", listed.err);
    assert!(
        listed.out.contains("unknown") && listed.out.contains("Lark directory"),
        "{}",
        listed.out
    );
}

/// A pretend Lark that tells of Jo and of nobody else, and refuses to tell of addresses with `code` in them.
async fn lark() -> wiremock::MockServer {
    let server = wiremock::MockServer::start().await;
    wiremock::Mock::given(wiremock::matchers::any())
        .respond_with(lark_answer)
        .mount(&server)
        .await;
    server
}

fn lark_answer(request: &wiremock::Request) -> wiremock::ResponseTemplate {
    let path = request.url.path();
    let typed = String::from_utf8_lossy(&request.body).into_owned();
    let done = |data: serde_json::Value| {
        (
            200,
            serde_json::json!({ "code": 0, "msg": "ok", "data": data }),
        )
    };
    let (status, body) = if path.ends_with("tenant_access_token/internal") {
        let token = serde_json::json!({ "code": 0, "msg": "ok", "tenant_access_token": "t", "expire": 7200 });
        (200, token)
    } else if let Some((_, code)) = typed.split_once("code-") {
        let code: i64 = code[..8].parse().unwrap();
        (400, serde_json::json!({ "code": code, "msg": "refused" }))
    } else if path.ends_with("batch_get_id") && typed.contains("jo@acme.example") {
        done(
            serde_json::json!({ "user_list": [{ "email": "jo@acme.example", "user_id": "ou_jo" }] }),
        )
    } else if path.ends_with("batch_get_id") {
        done(serde_json::json!({ "user_list": [{ "email": "pia@acme.example" }] }))
    } else {
        done(serde_json::json!({ "user": {
            "open_id": "ou_jo", "name": "Jo Lim", "enterprise_email": "jo@acme.example", "email": "jo@acme.example",
            "mobile": "", "is_tenant_manager": false,
            "status": { "is_frozen": false, "is_resigned": false, "is_activated": true, "is_exited": false,
                "is_unjoin": false },
        } }))
    };
    wiremock::ResponseTemplate::new(status).set_body_json(body)
}

fn lark_settings(server: &str) -> String {
    format!(
        "help_url = \"https://help.acme.example\"\n[[directory]]\nkind = \"lark\"\napp_id = \"cli_a1b2\"\napp_secret = \"8f742231b10e8888abcd99yyyzzz85a5\"\n\
        api_url = \"{server}/open-apis/\"\n"
    )
}

/// Lines of which the directory does not tell are not linked with those of which it does, and end no asking: one slip
/// after three entries that cannot be read is found all the same.
#[test]
fn a_file_is_linked_only_where_the_directory_told_of_every_line() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(lark());
    let place = Place::new(&lark_settings(&server.uri()));
    // The app may not do that: a matter of set-up. Then a limit, which passes.
    let no_right = [1, 2, 3].map(|at| format!("slack,U{at},a{at}-code-99991672@acme.example\n"));
    let no_right = no_right.concat();
    let ran = link_file(&place, &format!("{no_right}slack,UPIA,pia@acme.example\n"));
    assert_refused(&place, &ran, &["line 5", "nobody", "pia@acme.example"]);
    for code in [99_991_672, 99_991_400] {
        let line = format!("slack,U1,a-code-{code}@acme.example\n");
        let ran = link_file(&place, &format!("{line}slack,UJO,jo@acme.example\n"));
        let told = format!("line 2: a-code-{code}@acme.example was not looked up");
        assert_refused(&place, &ran, &[&told, "Lark directory"]);
    }
    let ran = link_file(&place, "slack,UJO,jo@acme.example\n");
    assert_eq!(ran.code, 0, "{}", ran.err);
}

/// Whoever gets another person's link becomes that person, so it is never a side effect.
#[test]
fn a_link_is_moved_on_demand_only() {
    let place = place();
    place.run(&["link", "slack", "UMINA", "mina.park@acme.example"]);
    let before = links(&place);
    let from_to = [
        "Mina Park (mina.park@acme.example)",
        "Jo Lim (jo@acme.example)",
        "--move",
    ];
    place.write(
        "links.csv",
        &format!("{HEADER}slack,UJO,jo@acme.example\nslack,UMINA,jo@acme.example\n"),
    );
    for words in [
        ["link", "slack", "UMINA", "jo@acme.example"].as_slice(),
        &["link", "--csv", "links.csv"],
    ] {
        let ran = place.run(words);
        assert!(
            ran.code == 1 && ran.err.contains("Nothing was changed."),
            "{words:?} {}",
            ran.err
        );
        for told in from_to {
            assert!(ran.err.contains(told), "{words:?} {told}: {}", ran.err);
        }
        assert_eq!(links(&place), before);
    }
    let ran = place.run(&["link", "--move", "--csv", "links.csv"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(
        ran.out,
        "slack UMINA was moved from Mina Park (mina.park@acme.example) to Jo Lim (jo@acme.example)\n\
        1 linked, 1 moved, 0 unchanged\n"
    );
    assert_eq!(
        links(&place),
        ["slack UJO jo@acme.example", "slack UMINA jo@acme.example"]
    );
    assert_eq!(
        place.look(
            "select concat_ws(' ', outcome, chat_user, detail) from audit where event = 'link' order by seq"
        ),
        [
            "done UMINA m···@acme.example",
            "done UJO j···@acme.example",
            "moved UMINA m···@acme.example → j···@acme.example"
        ]
    );
}

/// What a file of links would do, without doing it: also before there is a database, which is not made for it.
#[test]
fn a_dry_run_of_links_shows_what_would_change() {
    let place = place();
    place.run(&["link", "slack", "UMINA", "mina.park@acme.example"]);
    let before = (links(&place), place.look("select event from audit"));
    place.write(
        "links.csv",
        &format!("{HEADER}slack,UJO,jo@acme.example\nslack,UMINA,jo@acme.example\n"),
    );
    let ran = place.run(&["link", "--csv", "links.csv", "--dry-run", "--move"]);
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (
            0,
            "slack UJO would be linked to Jo Lim (jo@acme.example)\n\
            slack UMINA would be moved from Mina Park (mina.park@acme.example) to Jo Lim (jo@acme.example)\n\
            1 would be linked, 1 moved, 0 unchanged. This was a dry run. Nothing was changed.\n"
        ),
        "{}",
        ran.err
    );
    // What would be refused is refused here too.
    let ran = place.run(&["link", "--csv", "links.csv", "--dry-run"]);
    assert!(
        ran.code == 1 && ran.err.contains("Nothing was changed.") && ran.err.contains("--move"),
        "{} {}",
        ran.out,
        ran.err
    );
    assert_eq!(
        (links(&place), place.look("select event from audit")),
        before
    );

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(lark());
    let new = Place::new(&lark_settings(&server.uri()));
    new.write("links.csv", &format!("{HEADER}slack,UJO,jo@acme.example\n"));
    let ran = new.run(&["link", "--csv", "links.csv", "--dry-run"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.out.contains("slack UJO would be linked to Jo Lim"),
        "{}",
        ran.out
    );
    assert!(!new.has("relatch.db"), "no database is made");
}

/// Whom the accounts belonged to is asked before they are moved: a directory that does not answer then keeps nobody from
/// reading what was done.
#[test]
fn no_directory_is_asked_after_a_move() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let place = std::sync::Arc::new(Place::new(""));
    let asked = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let server = runtime.block_on(wiremock::MockServer::start());
    let (looker, seen) = (std::sync::Arc::clone(&place), std::sync::Arc::clone(&asked));
    let answer = move |request: &wiremock::Request| {
        let typed = String::from_utf8_lossy(&request.body).into_owned();
        if typed.contains("mina.park@acme.example") {
            let looker = std::sync::Arc::clone(&looker);
            let now = std::thread::spawn(move || links(&looker));
            seen.lock().unwrap().extend(now.join().unwrap());
        }
        lark_answer(request)
    };
    runtime.block_on(
        wiremock::Mock::given(wiremock::matchers::any())
            .respond_with(answer)
            .mount(&server),
    );
    place.write("relatch.toml", &lark_settings(&server.uri()));
    assert_eq!(place.run(&["members", "list"]).code, 0);
    place.sql("insert into link values ('slack', 'UMINA', 'mina.park@acme.example', 1)");
    let ran = place.run(&["link", "--move", "slack", "UMINA", "jo@acme.example"]);
    assert!(
        ran.code == 0
            && ran
                .out
                .contains("was moved from mina.park@acme.example to Jo Lim"),
        "{} {}",
        ran.out,
        ran.err
    );
    assert_eq!(links(&place), ["slack UMINA jo@acme.example"]);
    let asked = asked.lock().unwrap();
    assert!(!asked.is_empty(), "nobody was asked for Mina");
    for at_that_time in asked.iter() {
        assert_eq!(at_that_time, "slack UMINA mina.park@acme.example");
    }
}

/// Also those that reach nobody any more, and accounts of a platform that this version does not know.
#[test]
fn all_links_are_listed_with_whom_they_reach() {
    let place = place();
    let none = place.run(&["links"]);
    assert_eq!(
        (none.code, none.out.as_str()),
        (0, "No chat account is linked.\n"),
        "{}",
        none.err
    );
    assert_eq!(place.run(&["links", "--format", "json"]).out.trim(), "[]");
    link_file(
        &place,
        "slack,UMINA,mina.park@acme.example\ndiscord,123456789012345678,jo@acme.example\n",
    );
    place.sql(
        "insert into link values ('slack', 'UGONE', 'gone@acme.example', 1795428000000), ('pigeon', 'P1', 'jo@acme.example', 1);
        update member set status = 'suspended' where name = 'Mina Park'",
    );
    let listed = place.run(&["links"]);
    assert_eq!(listed.code, 0, "{}", listed.err);
    insta::assert_snapshot!(listed.out, @r"
    platform    account                              business e-mail                       reaches
    discord     123456789012345678                   jo@acme.example                       Jo Lim
    pigeon      P1                                   jo@acme.example                       Jo Lim
    slack       UGONE                                gone@acme.example                     nobody
    slack       UMINA                                mina.park@acme.example                Mina Park (suspended)
    ");
    let listed: serde_json::Value =
        serde_json::from_str(&place.run(&["links", "--format", "json"]).out).unwrap();
    let gone = listed
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["user_id"] == "UGONE")
        .unwrap();
    assert_eq!(
        gone,
        &serde_json::json!({
            "platform": "slack", "user_id": "UGONE", "business_email": "gone@acme.example",
            "linked_at": "2026-11-23T10:00:00.000Z", "reaches": "nobody", "name": null, "status": null
        })
    );
}
