//! `check` leaves nothing behind, whatever it finds, and says the same in a list for people.

use std::path::Path;

use super::fakes::{Slack, whole};
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

/// The next `serve` brings it up to date; `check` does not, because another version may still serve it.
#[test]
fn an_older_database_is_left_as_it_is() {
    let set_up = SetUp {
        has_members: true,
        ..SetUp::of("listen = \"127.0.0.1:0\"\n")
    };
    let folder = set_up.folder();
    let database = folder.join("relatch.db");
    forget_newest_migration(&database);
    let (before, bytes) = (names_below(&folder), std::fs::read(&database).unwrap());
    let checked = set_up.run(&folder, &["check"]);
    assert_eq!(checked.code, Some(0), "{}", checked.out);
    let told = "warn  database: the database is of an older relatch";
    assert!(checked.out.contains(told), "{}", checked.out);
    assert_eq!(names_below(&folder), before);
    assert!(std::fs::read(&database).unwrap() == bytes);
    std::fs::remove_dir_all(&folder).unwrap();
}

/// As if the database had been made by the version before.
fn forget_newest_migration(database: &Path) {
    use sqlx::{ConnectOptions, Connection, Executor};

    const NEWEST: &str =
        "delete from _sqlx_migrations where version = (select max(version) from _sqlx_migrations)";

    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(database);
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let mut connection = options.connect().await.unwrap();
        connection.execute(NEWEST).await.unwrap();
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
