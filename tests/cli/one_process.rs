//! One process on one database, and the files that others must not read.

use std::path::Path;
use std::process::Stdio;

use super::{PEOPLE, Place, Ran, wait_for_line};

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
        !place.run(&["check"]).out.contains("key_file"),
        "there is none yet"
    );
    // A key without a database is another fault.
    place.run(&["members", "list"]);
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
            ran.out.contains("fail  key_file: ") && ran.out.contains(why),
            "{}",
            ran.out
        );
    }
    std::fs::write(key, "00".repeat(32)).unwrap();
    let ran = place.run(&["check"]);
    assert!(
        ran.code == 0 && ran.out.contains("ok    key_file"),
        "{}",
        ran.out
    );
}

/// The reasons behind what `check` prints are in its log.
#[test]
fn check_says_why() {
    let place = Place::new(
        "help_url = \"https://help.acme.example\"\n[admins]\nsource = \"list\"\nprimary = [\"jo@acme.example\"]\n\
            [[directory]]\nkind = \"lark\"\napp_id = \"cli_a1b2\"\n\
        app_secret = \"8f742231b10e8888abcd99yyyzzz85a5\"\napi_url = \"http://127.0.0.1:1/\"\n",
    );
    let ran = place.run(&["check"]);
    assert!(
        ran.code == 78 && ran.out.contains("fail  directory: Lark directory"),
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

/// In another folder than that of its settings it would begin a second record.
#[test]
fn serve_refuses_where_nothing_is_set_and_makes_no_file() {
    let place = Place::new("");
    let ran = place.run(&["serve"]);
    assert_eq!(ran.code, 78, "{}", ran.err);
    assert!(ran.err.contains("settings: nothing is set"), "{}", ran.err);
    assert!(!place.0.join("relatch.db").exists(), "it made a database");
}

/// What keeps `serve` from listening is told with the key and the way out.
#[test]
fn an_address_that_cannot_be_used_is_told_with_its_key() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap();
    for (listen, told) in [
        (
            taken.to_string(),
            format!("listen: another program uses {taken}; stop it, or choose another port"),
        ),
        (
            "192.0.2.7:8080".to_owned(),
            "listen: 192.0.2.7 is no address of this machine; behind a proxy on it write 127.0.0.1:8080".to_owned(),
        ),
    ] {
        let place = Place::new(&format!("listen = \"{listen}\"\npublic_url = \"https://reset.acme.example\"\n"));
        let ran = place.run(&["serve"]);
        assert_eq!((ran.code, ran.err.contains(&told)), (1, true), "{}", ran.err);
    }
}

/// A command in the wrong folder, or before `serve`, begins a record: the path says where.
#[test]
fn whoever_makes_the_database_is_told_where() {
    let place = Place::new("organization = \"Acme\"\n");
    place.write("people.csv", PEOPLE);
    let made = place.run(&["members", "import", "people.csv"]);
    let path = place.0.canonicalize().unwrap().join("relatch.db");
    let told = format!("there was no database, so one was made: {}", path.display());
    assert!(made.code == 0 && made.err.contains(&told), "{}", made.err);
    let there = place.run(&["members", "list"]);
    assert!(!there.err.contains("one was made"), "{}", there.err);
}
