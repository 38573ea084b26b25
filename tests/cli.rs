//! The command line: help texts, exit codes, and what the commands print, run as an operator runs them.

#[path = "cli/changed_contacts.rs"]
mod changed_contacts;
#[path = "cli/lost_requests.rs"]
mod lost_requests;
#[path = "cli/mattermost_check.rs"]
mod mattermost_check;
#[path = "cli/open_files.rs"]
mod open_files;
#[path = "cli/record_and_key.rs"]
mod record_and_key;
#[path = "cli/reload.rs"]
mod reload;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

const PEOPLE: &str = "name,business_email,login_method,status,phone,personal_email,role,department,manager_email
Jo Lim,jo@acme.example,business_email,active,,,primary_admin,IT,
Mina Park,mina.park@acme.example,business_email,active,+821012345642,mina@mail.example,member,Sales,jo@acme.example
";

/// A folder of its own with settings in it.
struct Place(PathBuf);

impl Place {
    fn new(settings: &str) -> Self {
        static SERIAL: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "relatch-cli-{}-{}",
            std::process::id(),
            SERIAL.fetch_add(1, Ordering::SeqCst)
        );
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("relatch.toml"), settings).unwrap();
        Self(folder)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).unwrap();
    }

    /// Changes the database behind the program's back.
    fn sql(&self, statement: &'static str) {
        self.sql_in("relatch.db", statement);
    }

    fn sql_in(&self, database: &str, statement: &'static str) {
        use sqlx::{ConnectOptions, Connection, Executor};

        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self.0.join(database));
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let mut connection = options.connect().await.unwrap();
            connection.execute(statement).await.unwrap();
            connection.close().await.unwrap();
        });
    }

    /// The first column of what is selected.
    fn look(&self, select: &'static str) -> Vec<String> {
        use sqlx::{ConnectOptions, Row};

        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self.0.join("relatch.db"));
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let mut connection = options.connect().await.unwrap();
            let rows = sqlx::query(select)
                .fetch_all(&mut connection)
                .await
                .unwrap();
            rows.iter().map(|row| row.get(0)).collect()
        })
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_relatch"));
        command
            .args(words)
            .current_dir(&self.0)
            .env_clear()
            .stdin(Stdio::null());
        command
    }

    fn run(&self, words: &[&str]) -> Ran {
        Ran::of(self.command(words).output().unwrap())
    }

    fn run_with_input(&self, words: &[&str], input: &str) -> Ran {
        let mut command = self.command(words);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        Ran::of(child.wait_with_output().unwrap())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code().unwrap(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

#[test]
fn help_names_every_command() {
    insta::assert_snapshot!("help", Place::new("").run(&["--help"]).out);
}

/// Every problem at once, each with its key, none with its value; exit 78.
#[test]
fn wrong_settings_are_all_named() {
    let place = Place::new(
        "listen = \"nowhere\"\nunheard_of = 1\n[policy]\nwindow = \"soon\"\n[slack]\nsigning_secret = \"canary\"\n\
        bot_token = \"xoxb-canary-token-123456\"\nteam_id = \"acme\"\n[sms]\nkind = \"pigeon\"\n",
    );
    for words in [
        ["serve"].as_slice(),
        &["check"],
        &["members", "list"],
        &["resets"],
    ] {
        let ran = place.run(words);
        assert_eq!(ran.code, 78, "{words:?}");
        for key in [
            "listen",
            "unheard_of",
            "policy.window",
            "slack.signing_secret",
            "slack.team_id",
            "sms.kind",
        ] {
            assert!(ran.err.contains(key), "{words:?} {key}: {}", ran.err);
        }
        assert!(!ran.err.contains("canary"), "{}", ran.err);
    }
}

/// Without the key whoever has seen one event of Lark could forge all others, so nothing starts; the text says where the
/// key is made. A key that is there and bad is told as that alone.
#[test]
fn lark_does_not_start_without_its_encrypt_key() {
    const SETTINGS: &str = "listen = \"127.0.0.1:0\"\n[admins]\nsource = \"list\"\nprimary = [\"jo@acme.example\"]\n\
        [lark]\napp_id = \"cli_a1b2\"\napp_secret = \"8f742231b10e8888abcd99yyyzzz85a5\"\n\
        verification_token = \"9e853342c21f9999bcde00zzzaaa96b6\"\ntenant_key = \"t1\"\n";
    let place = Place::new(SETTINGS);
    for words in ["serve", "check"] {
        let ran = place.run(&[words]);
        assert_eq!(ran.code, 78, "{words}: {}", ran.err);
        for told in [
            "lark.encrypt_key is missing",
            "Events & Callbacks, Encryption Strategy",
            "encrypt_key_file",
        ] {
            assert!(
                ran.err.replace(": ", " ").contains(told),
                "{words}: {}",
                ran.err
            );
        }
    }
    place.write(
        "relatch.toml",
        &format!("{SETTINGS}encrypt_key = \"canary\"\n"),
    );
    let ran = place.run(&["serve"]);
    assert_eq!(ran.code, 78);
    assert!(
        ran.err.contains("shorter than 16") && !ran.err.contains("is missing"),
        "{}",
        ran.err
    );
}

/// What is named but not built says so and does nothing.
#[test]
fn what_is_not_built_ends_with_78() {
    let place = Place::new("");
    for words in [
        ["audit", "verify"].as_slice(),
        &["audit", "export"],
        &["backup", "copy.db"],
    ] {
        let ran = place.run(words);
        assert_eq!(ran.code, 78, "{words:?}");
        assert!(ran.err.contains("not built yet"), "{words:?}: {}", ran.err);
    }
    for platform in ["discord", "lark", "mattermost"] {
        place.write(
            "recorded.http",
            &format!("POST /{platform}/x HTTP/1.1\nhost: x\n\n{{}}\n"),
        );
        let ran = place.run(&["replay", "recorded.http", "--to", "http://127.0.0.1:1"]);
        assert_eq!(ran.code, 78, "{platform}");
        assert!(
            ran.err.contains("not built yet") && ran.err.contains(platform),
            "{}",
            ran.err
        );
    }
    for settings in ["database = \"postgres://x/y\"\n", "admin_listen = \"x\"\n"] {
        let ran = Place::new(settings).run(&["members", "list"]);
        assert_eq!(ran.code, 78, "{settings}");
        assert!(ran.err.contains("not built yet"), "{settings}: {}", ran.err);
    }
}

/// `relatch config` prints settings that `relatch` reads.
#[test]
fn the_printed_settings_can_be_used() {
    let place = Place::new("");
    let printed = place.run(&["config"]).out;
    place.write("printed.toml", &printed);
    assert_eq!(
        place
            .run(&["members", "list", "--config", "printed.toml"])
            .code,
        0
    );
    insta::assert_snapshot!("config", printed);
}

#[test]
fn environment_wins_over_the_file() {
    let place = Place::new("[policy]\nwindow = \"soon\"\n");
    let ran = Ran::of(
        place
            .command(&["members", "list"])
            .env("RELATCH_POLICY__WINDOW", "1h")
            .output()
            .unwrap(),
    );
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let ran = Ran::of(
        place
            .command(&["members", "list"])
            .env("RELATCH_POLICY__WINDOW", "late")
            .output()
            .unwrap(),
    );
    assert_eq!(ran.code, 78);
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
        "link done slack UX n···@elsewhere.example",
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

#[test]
fn resets_are_listed_in_three_formats() {
    let place = Place::new("");
    assert_eq!(place.run(&["resets", "--format", "json"]).out.trim(), "[]");
    let csv = place
        .run(&["resets", "--format", "csv", "--since", "24h"])
        .out;
    assert!(
        csv.starts_with("ref,id,admin,member,platform,delivery,state,reserved_at,changed_at,slot"),
        "{csv}"
    );
    assert_eq!(place.run(&["resets"]).code, 0);
    assert_ne!(place.run(&["resets", "--since", "soon"]).code, 0);
}

/// Nothing is left out at the end of a page, also where several resets were confirmed in the same millisecond.
#[test]
fn resets_are_listed_to_the_last() {
    let place = Place::new("");
    place.run(&["resets"]);
    place.sql(
        "insert into reset (reset_id, platform, tenant, chat_user, admin_id, admin_name, admin_email, member_id,
            member_name, member_email, state, edition, is_typed, also_show, offered_at, expires_at, claimed_at)
        with recursive one(n) as (select 1 union all select n + 1 from one where n < 2500)
        select printf('%032d', n), 'slack', 'T', 'UJO', 'a', 'Jo Lim', 'jo@acme.example', 'm', 'Mina Park',
            'mina@acme.example', 'delivered', 1, 0, 0, 1, 2, n / 7 from one",
    );
    let listed: serde_json::Value =
        serde_json::from_str(&place.run(&["resets", "--format", "json"]).out).unwrap();
    let ids: Vec<&str> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_str().unwrap())
        .collect();
    let all: Vec<String> = (1..=2500).rev().map(|n| format!("{n:032}")).collect();
    assert_eq!(ids, all);
    assert_eq!(
        place
            .run(&["resets", "--format", "csv"])
            .out
            .lines()
            .count(),
        2501
    );
    assert_eq!(place.run(&["resets"]).out.lines().count(), 2500);
}

#[test]
fn the_manifest_has_the_address_filled_in() {
    let place = Place::new("");
    let ran = place.run(&["manifest", "slack", "--url", "https://reset.acme.example/"]);
    assert!(
        ran.out
            .contains("https://reset.acme.example/slack/commands"),
        "{}",
        ran.out
    );
    assert!(!ran.out.contains("relatch.example"));
    assert_ne!(
        place
            .run(&["manifest", "slack", "--url", "http://reset.acme.example"])
            .code,
        0
    );
}

/// The lock is the file's own: it goes when the process dies, however it dies.
#[test]
fn a_second_process_on_one_database_ends_with_75() {
    let place = Place::new("listen = \"127.0.0.1:0\"\n");
    let mut first = place
        .command(&["serve"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for_line(&mut first, "listening");
    let second = place.run(&["serve"]);
    assert_eq!(second.code, 75, "{}", second.err);
    assert_eq!(place.run(&["members", "list"]).code, 0);
    first.kill().unwrap();
    first.wait().unwrap();
    let mut third = place
        .command(&["serve"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for_line(&mut third, "listening");
    third.kill().unwrap();
    third.wait().unwrap();
}

/// One database has one lock, by whichever name it is opened: a symbolic link, or a hard link in another folder.
#[test]
fn a_database_has_one_lock_under_every_name() {
    let place = Place::new("listen = \"127.0.0.1:0\"\n");
    assert_eq!(place.run(&["members", "list"]).code, 0);
    std::fs::create_dir(place.0.join("elsewhere")).unwrap();
    let [hard, soft] = ["elsewhere/hard.db", "soft.db"].map(|name| place.0.join(name));
    std::os::unix::fs::symlink("relatch.db", soft).unwrap();
    let command = |words: &[&str], name: &str| {
        let mut command = place.command(words);
        command.env("RELATCH_DATABASE", format!("sqlite://{name}"));
        command
    };
    for name in ["relatch.db", "soft.db"] {
        let mut first = command(&["serve"], name)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        wait_for_line(&mut first, "listening");
        std::fs::hard_link(place.0.join("relatch.db"), &hard).unwrap();
        for other in ["relatch.db", "soft.db", "elsewhere/hard.db"] {
            let mut second = command(&["serve"], other)
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            assert_eq!(wait_for_end(&mut second), Some(75), "{other} beside {name}");
        }
        std::fs::remove_file(&hard).unwrap();
        first.kill().unwrap();
        first.wait().unwrap();
    }
}

/// Under another hard link SQLite would write another log: what a command wrote there was gone after the next restart.
#[test]
fn a_database_with_a_second_hard_link_is_refused() {
    let place = Place::new("listen = \"127.0.0.1:0\"\n");
    assert_eq!(place.run(&["members", "list"]).code, 0);
    std::fs::hard_link(place.0.join("relatch.db"), place.0.join("hard.db")).unwrap();
    for name in ["relatch.db", "hard.db"] {
        for words in [["serve"].as_slice(), &["members", "list"]] {
            let mut command = place.command(words);
            let ran = Ran::of(
                command
                    .env("RELATCH_DATABASE", format!("sqlite://{name}"))
                    .output()
                    .unwrap(),
            );
            assert!(
                ran.code == 78 && ran.err.contains("hard link"),
                "{words:?} {name}: {} {}",
                ran.code,
                ran.err
            );
        }
    }
    assert!(!place.0.join("hard.db-wal").exists());
}

/// Its exit code, if it ends by itself within ten seconds.
fn wait_for_end(child: &mut std::process::Child) -> Option<i32> {
    for _ in 0..100 {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    None
}

/// Whoever holds the database works on the tables that it knows.
#[test]
fn an_older_database_that_another_process_holds_is_left_alone() {
    let place = Place::new("");
    assert_eq!(place.run(&["members", "list"]).code, 0);
    place.sql(
        "delete from _sqlx_migrations where version = (select max(version) from _sqlx_migrations)",
    );
    let lock = std::fs::File::create(place.0.join("relatch.db.lock")).unwrap();
    lock.lock().unwrap();
    let before = place.look("select count(*) || '' from _sqlx_migrations");
    let ran = place.run(&["members", "list"]);
    assert_eq!((ran.code, ran.out.as_str()), (75, ""));
    assert!(ran.err.contains("nothing was changed"), "{}", ran.err);
    assert_eq!(
        place.look("select count(*) || '' from _sqlx_migrations"),
        before
    );
}

/// Reads log lines until one holds the message.
fn wait_for_line(child: &mut std::process::Child, message: &str) {
    use std::io::BufRead;

    let reader = std::io::BufReader::new(child.stderr.as_mut().unwrap());
    for line in reader.lines() {
        let line: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        if line["message"] == message {
            assert!(
                line["addr"]
                    .as_str()
                    .unwrap()
                    .parse::<std::net::SocketAddr>()
                    .unwrap()
                    .port()
                    > 0
            );
            return;
        }
    }
    panic!("it ended without saying {message}");
}

/// What lies in the folder of `serve` is not the demo's, even where the demo is told to use that folder.
#[test]
fn the_demo_leaves_the_files_of_serve_alone() {
    use std::io::BufRead;

    let place = Place::new("");
    for name in ["relatch.db", "relatch.key"] {
        place.write(name, "as it was");
    }
    let mut demo = place
        .command(&["demo", "--data", "."])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let told: Vec<String> = std::io::BufReader::new(demo.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap)
        .take_while(|line| !line.starts_with("Play it yourself"))
        .collect();
    let is_there = ["demo.db", "demo.key"].map(|name| place.0.join(name).exists());
    demo.kill().unwrap();
    demo.wait().unwrap();
    assert_eq!(is_there, [true, true], "{told:#?}");
    for name in ["relatch.db", "relatch.key"] {
        assert_eq!(
            std::fs::read_to_string(place.0.join(name)).unwrap(),
            "as it was"
        );
    }
}

/// A key file that others can read, or that holds no key, is refused, not repaired; `check` says so too.
#[test]
fn an_exposed_or_malformed_key_is_refused() {
    use std::os::unix::fs::PermissionsExt;

    let place = Place::new("listen = \"127.0.0.1:0\"\n");
    assert!(
        !place.run(&["check"]).out.contains("key file"),
        "there is none yet"
    );
    let key: &Path = &place.0.join("relatch.key");
    for (text, mode, why) in [
        ("00".repeat(32), 0o644, "chmod 600"),
        ("canary".to_owned(), 0o600, "64 hexadecimal"),
    ] {
        std::fs::write(key, text).unwrap();
        std::fs::set_permissions(key, std::fs::Permissions::from_mode(mode)).unwrap();
        let ran = place.run(&["serve"]);
        assert_eq!(ran.code, 78);
        assert!(
            ran.err.contains(why) && !ran.err.contains("canary"),
            "{}",
            ran.err
        );
        let ran = place.run(&["check"]);
        assert_eq!(ran.code, 78);
        assert!(
            ran.out.contains("failed  key file: ") && ran.out.contains(why),
            "{}",
            ran.out
        );
    }
    std::fs::write(key, "00".repeat(32)).unwrap();
    let ran = place.run(&["check"]);
    assert!(
        ran.code == 0 && ran.out.contains("ok      key file"),
        "{}",
        ran.out
    );
}

/// Whoever may write the settings may name their own directory and administrators: such a file is refused.
#[test]
fn settings_that_others_may_write_are_refused() {
    use std::os::unix::fs::PermissionsExt;

    let place = Place::new("listen = \"127.0.0.1:0\"\n");
    place.write("other.toml", "listen = \"127.0.0.1:0\"\n");
    let linked = place.0.join("linked.toml");
    std::os::unix::fs::symlink("other.toml", linked).unwrap();
    for (file, options) in [
        ("relatch.toml", [].as_slice()),
        ("other.toml", &["--config", "other.toml"]),
        ("other.toml", &["--config", "linked.toml"]),
    ] {
        for mode in [0o666, 0o602, 0o620] {
            let permissions = |mode| {
                std::fs::set_permissions(place.0.join(file), PermissionsExt::from_mode(mode))
                    .unwrap();
            };
            permissions(mode);
            for words in [["check"].as_slice(), &["members", "list"], &["serve"]] {
                let ran = place.run(&[words, options].concat());
                assert_eq!(
                    (ran.code, ran.out.as_str()),
                    (78, ""),
                    "{file} {mode:o} {words:?}: {}",
                    ran.err
                );
                assert!(
                    ran.err
                        .contains("may be written by others; run chmod go-w on it"),
                    "{}",
                    ran.err
                );
            }
            permissions(0o644);
            assert_eq!(
                place
                    .run(&[["members", "list"].as_slice(), options].concat())
                    .code,
                0
            );
        }
    }
}

/// A file that cannot be used is told with the reason.
#[test]
fn why_a_file_cannot_be_used_is_told() {
    let place = Place::new(
        "listen = \"127.0.0.1:0\"\ndatabase = \"sqlite://folder\"\nkey_file = \"folder\"\n",
    );
    std::fs::create_dir(place.0.join("folder")).unwrap();
    std::fs::set_permissions(
        place.0.join("folder"),
        std::os::unix::fs::PermissionsExt::from_mode(0o700),
    )
    .unwrap();
    let ran = place.run(&["check"]);
    let told = ran.out;
    assert!(
        told.contains("failed  database: ") && told.contains("failed  key file: "),
        "{told}"
    );
    assert_eq!(told.matches(": Is a directory").count(), 2, "{told}");
    assert_eq!(ran.code, 78, "{told}");
    assert!(place.run(&["serve"]).err.contains(": Is a directory"));
    // Nor is another kind of file a database, or one whose migrations were others.
    let place = Place::new("");
    let check = || place.run(&["check"]);
    assert_eq!(check().code, 0);
    place.sql("update _sqlx_migrations set checksum = x'00'");
    assert_eq!(check().code, 78, "{}", check().out);
    for name in ["relatch.db-wal", "relatch.db-shm"] {
        std::fs::remove_file(place.0.join(name)).ok();
    }
    place.write("relatch.db", &"no database ".repeat(99));
    assert_eq!(check().code, 78, "{}", check().out);
}

/// The reasons behind what `check` prints are in its log.
#[test]
fn check_says_why() {
    let place = Place::new(
        "[admins]\nsource = \"list\"\nprimary = [\"jo@acme.example\"]\n[[directory]]\nkind = \"lark\"\napp_id = \"cli_a1b2\"\n\
        app_secret = \"8f742231b10e8888abcd99yyyzzz85a5\"\napi_url = \"http://127.0.0.1:1/\"\n",
    );
    let ran = place.run(&["check"]);
    assert!(
        ran.code == 1 && ran.out.contains("failed  Lark directory"),
        "{}",
        ran.out
    );
    let log: Vec<&str> = ran
        .err
        .lines()
        .filter(|line| line.starts_with('{'))
        .collect();
    assert!(
        log.iter()
            .any(|line| line.contains("Lark could not be asked")),
        "{}",
        ran.err
    );
}

/// The database is made for its owner alone, and is not used once others can read it.
#[test]
fn an_exposed_database_is_refused() {
    use std::os::unix::fs::PermissionsExt;

    let place = Place::new("");
    place.write("people.csv", PEOPLE);
    assert_eq!(place.run(&["members", "import", "people.csv"]).code, 0);
    let database = place.0.join("relatch.db");
    let mode = || std::fs::metadata(&database).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    std::fs::set_permissions(&database, std::fs::Permissions::from_mode(0o640)).unwrap();
    let ran = place.run(&["members", "list"]);
    assert_eq!((ran.code, ran.out.as_str()), (78, ""));
    assert!(ran.err.contains("chmod 600"), "{}", ran.err);
}

/// Settings that are there and cannot be read do not become the defaults.
#[test]
fn unreadable_settings_are_not_taken_for_none() {
    let place = Place::new("");
    std::fs::write(place.0.join("relatch.toml"), b"organization = \"\xff\"").unwrap();
    let ran = place.run(&["members", "list"]);
    assert_eq!(ran.code, 78);
    assert!(ran.err.contains("relatch.toml"), "{}", ran.err);
    std::fs::remove_file(place.0.join("relatch.toml")).unwrap();
    assert_eq!(place.run(&["members", "list"]).code, 0);
}

/// Ranks of the chat go with links too. Of Discord none are read.
#[test]
fn ranks_of_the_chat_need_a_chat_that_has_them() {
    let linked = "public_url = \"http://127.0.0.1:8080\"\n[admins]\nsource = \"chat\"\n[identity]\nmatch = \"linked\"\n";
    let place = Place::new(linked);
    let ran = place.run(&["members", "list"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    // RFC 8032, section 7.1, test 1.
    let key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let place = Place::new(&format!(
        "{linked}[discord]\napplication_id = \"845027738276462632\"\npublic_key = \"{key}\"\nbot_token = \"a-token-that-is-long-enough\"\nguild_id = \"290926798626357999\"\n"
    ));
    let ran = place.run(&["members", "list"]);
    assert_eq!(ran.code, 78);
    assert!(ran.err.contains("admins.source"), "{}", ran.err);
}

/// Whoever runs relatch adds a contact: it counts like the import, and no mailbox of the organisation is one.
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
        place.look("select added_as || ' ' || address from contact"),
        ["operator +821012345699"]
    );
    assert_eq!(
        place.look("select outcome from audit where event = 'contact'"),
        ["added_by_operator"]
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

/// The settings of contacts, with what is wrong in them.
#[test]
fn the_settings_of_contacts_are_checked() {
    for (settings, wrong) in [
        ("company_domains = [\"acme\"]\n", "company_domains"),
        (
            "[policy]\nseparate_code = \"never\"\n",
            "policy.separate_code",
        ),
        (
            "[policy]\nprofile = \"strict\"\nseparate_code = \"prefer\"\n",
            "policy.separate_code",
        ),
        ("[policy]\ncontact_age = \"99d\"\n", "policy.contact_age"),
    ] {
        let ran = Place::new(settings).run(&["members", "list"]);
        assert!(
            ran.code == 78 && ran.err.contains(wrong),
            "{settings}: {}",
            ran.err
        );
    }
}

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
            .contains("ok      primary_admin jo@acme.example: would be pinned to Jo Lim ("),
        "{}",
        ran.out
    );
    assert!(
        ran.out
            .contains("warning member_and_department kim@acme.example: finds nobody"),
        "{}",
        ran.out
    );
    assert_eq!((ran.code, pins(&place)), (0, Vec::new()));
    assert_eq!(place.run(&["admins", "accept", "jo@acme.example"]).code, 0);
    let ran = place.run(&["check"]);
    assert!(
        ran.out
            .contains("ok      primary_admin jo@acme.example: pinned to Jo Lim ("),
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
            "[admins]\nsource = \"list\"\nprimary = [\"jo@acme.example\"]\n[[directory]]\nkind = \"lark\"\napp_id = \"cli_a1b2\"\n\
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
    let place = Place::new(&format!("{LISTED}{others}"));
    place.write("people.csv", PEOPLE);
    assert_eq!(
        place.run(&["members", "import", "people.csv"]).out,
        "2 added, 0 updated\n"
    );
    assert_eq!(pins(&place), [""; 0]);
}
