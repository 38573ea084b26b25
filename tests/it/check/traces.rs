//! `check` leaves nothing behind, whatever it finds, and says the same in a list for people.

use std::path::Path;

use super::fakes::{Slack, whole, with_ldap};
use super::set_up::{SetUp, names_below};

/// Whoever runs it first, also as root, leaves no database that the service's user could not open.
#[test]
fn a_first_check_makes_no_database() {
    let set_up = SetUp::of("listen = \"127.0.0.1:0\"\nkey_file = \"keys/relatch.key\"\n");
    let folder = set_up.folder();
    std::fs::create_dir(folder.join("keys")).unwrap();
    let before = names_below(&folder);
    let checked = set_up.run(&folder, &["check"]);
    assert_eq!(checked.code, Some(0), "{}", checked.out);
    assert_eq!(names_below(&folder), before);
    std::fs::remove_dir_all(&folder).unwrap();
}

/// A backup that was put back has neither a log nor a lock beside it.
#[test]
fn a_check_of_a_database_makes_no_file_beside_it() {
    let set_up = SetUp {
        has_members: true,
        ..SetUp::of("listen = \"127.0.0.1:0\"\n")
    };
    let folder = set_up.folder();
    std::fs::remove_file(folder.join("relatch.db.lock")).unwrap();
    let before = names_below(&folder);
    let checked = set_up.run(&folder, &["check"]);
    assert_eq!(checked.code, Some(0), "{}", checked.out);
    assert!(
        checked.out.contains("ok    database: can be written"),
        "{}",
        checked.out
    );
    assert_eq!(names_below(&folder), before);
    std::fs::remove_dir_all(&folder).unwrap();
}

/// A copy that was made with another journal mode keeps it: the file says so at two places of its header.
#[test]
fn a_check_leaves_the_journal_mode_as_it_is() {
    let set_up = SetUp {
        has_members: true,
        ..SetUp::of("listen = \"127.0.0.1:0\"\n")
    };
    let folder = set_up.folder();
    let database = folder.join("relatch.db");
    change(&database, "pragma journal_mode = delete");
    let before = names_below(&folder);
    assert_eq!(&std::fs::read(&database).unwrap()[18..20], [1, 1]);
    let checked = set_up.run(&folder, &["check"]);
    assert!(
        checked.out.contains("ok    database: can be written"),
        "{}",
        checked.out
    );
    assert_eq!(&std::fs::read(&database).unwrap()[18..20], [1, 1]);
    assert_eq!(names_below(&folder), before);
    std::fs::remove_dir_all(&folder).unwrap();
}

/// A row is inserted, deleted and committed: each of them alone can fail while the folder still has room.
#[test]
fn a_database_that_takes_no_row_cannot_be_written() {
    for refusal in [
        "create trigger refuse before insert on replay_key begin select raise(abort, 'full'); end",
        "create trigger refuse before delete on replay_key begin select raise(abort, 'full'); end",
        // Noticed at the commit only.
        "create table parent (id integer primary key);
        create table child (parent integer references parent (id) deferrable initially deferred);
        create trigger refuse after delete on replay_key begin insert into child values (1); end",
    ] {
        let set_up = SetUp {
            has_members: true,
            ..SetUp::of("listen = \"127.0.0.1:0\"\n")
        };
        let folder = set_up.folder();
        change(&folder.join("relatch.db"), refusal);
        let checked = set_up.run(&folder, &["check"]);
        let told = "fail  database: cannot be written; the log says why";
        assert!(checked.out.contains(told), "{refusal}: {}", checked.out);
        assert_eq!(checked.code, Some(78), "{refusal}");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}

/// The next `serve` brings it up to date; `check` does not, because another version may still serve it.
#[test]
fn an_older_database_is_left_as_it_is() {
    let set_up = SetUp {
        has_members: true,
        ..SetUp::of(
            "listen = \"127.0.0.1:0\"\n[admins]\nsource = \"list\"\nprimary = [\"jo@acme.example\"]\n",
        )
    };
    let folder = set_up.folder();
    let database = folder.join("relatch.db");
    change(&database, FORGET_NEWEST);
    let (before, bytes) = (names_below(&folder), std::fs::read(&database).unwrap());
    let checked = set_up.run(&folder, &["check"]);
    assert_eq!(checked.code, Some(0), "{}", checked.out);
    let told = "warn  database: the database is of an older relatch";
    assert!(checked.out.contains(told), "{}", checked.out);
    let told = "jo@acme.example: cannot be looked up until the database can be opened";
    assert!(checked.out.contains(told), "{}", checked.out);
    assert_eq!(names_below(&folder), before);
    assert!(std::fs::read(&database).unwrap() == bytes);
    std::fs::remove_dir_all(&folder).unwrap();
}

/// As if the database had been made by the version before.
const FORGET_NEWEST: &str =
    "delete from _sqlx_migrations where version = (select max(version) from _sqlx_migrations)";

/// Changes a database that nobody has open.
fn change(database: &Path, statements: &'static str) {
    use sqlx::{ConnectOptions, Connection, Executor};

    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(database);
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let mut connection = options.connect().await.unwrap();
        connection.execute(statements).await.unwrap();
        connection.close().await.unwrap();
    });
}

/// One line a key: how it is, which it is, and what to do.
#[tokio::test(flavor = "multi_thread")]
async fn people_read_a_list_of_keys() {
    let settings = whole(Slack::good()).await;
    let set_up = SetUp {
        has_members: true,
        ..SetUp::of(settings).with("jo@acme.example", "joe@acme.example")
    };
    let checked = tokio::task::spawn_blocking(move || {
        let folder = set_up.folder();
        let checked = set_up.run(&folder, &["check"]);
        std::fs::remove_dir_all(&folder).unwrap();
        checked
    });
    let checked = checked.await.unwrap();
    let lines: Vec<&str> = checked.out.lines().collect();
    assert_eq!(
        lines,
        [
            "ok    database: can be written",
            "fail  admins.primary: joe@acme.example: finds nobody: the directory has nobody with this address; correct it, or \
             add them there",
            "ok    slack",
            "ok    email",
        ]
    );
    assert_eq!(checked.code, Some(1));
    assert!(
        checked.err.ends_with("relatch: 1 of 4 failed\n"),
        "{}",
        checked.err
    );
}

/// A page for the guide that is missing is a matter of `check`: the other commands go on.
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_page_for_the_guide_stops_no_other_command() {
    let settings = with_ldap("127.0.0.1:9".parse().unwrap()).await;
    let set_up = SetUp::of(settings).with("help_url = \"https://help.acme.example\"\n", "");
    let codes = tokio::task::spawn_blocking(move || {
        let folder = set_up.folder();
        let words = [&["resets"][..], &["check"]];
        let codes = words.map(|words| set_up.run(&folder, words).code);
        std::fs::remove_dir_all(&folder).unwrap();
        codes
    });
    assert_eq!(codes.await.unwrap(), [Some(0), Some(78)]);
}
