//! A key file and its database belong together: neither is served without the other, and an empty record begins only when
//! somebody says so.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use super::reload::Serving;
use super::*;

const LISTEN: &str = "listen = \"127.0.0.1:0\"\n";

/// A reset that was done.
pub(super) const A_RESET: &str =
    "insert into reset (reset_id, platform, tenant, chat_user, admin_id, admin_name, admin_email, member_id,
        member_name, member_email, state, edition, is_typed, also_show, offered_at, expires_at, claimed_at)
    values ('0', 'slack', 'T', 'UJO', 'a', 'Jo Lim', 'jo@acme.example', 'm', 'Mina Park', 'mina@acme.example',
        'delivered', 1, 0, 0, 1, 2, 3)";

impl Place {
    /// Starts `serve`, which must come to listen, and kills it.
    pub(super) fn serve_once(&self) {
        let mut serving = self
            .command(&["serve"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        wait_for_line(&mut serving, "listening");
        serving.kill().unwrap();
        serving.wait().unwrap();
    }

    pub(super) fn remove_database(&self) {
        for name in ["relatch.db", "relatch.db-wal", "relatch.db-shm"] {
            std::fs::remove_file(self.0.join(name)).ok();
        }
    }

    pub(super) fn write_private(&self, name: &str, text: &str) {
        self.write(name, text);
        std::fs::set_permissions(self.0.join(name), PermissionsExt::from_mode(0o600)).unwrap();
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.join(name).exists()
    }
}

/// Everybody would have five resets again. It is refused by whatever would make the database, wherever the key lies, and
/// a file without our tables is as good as none.
#[test]
fn no_record_is_begun_where_the_key_tells_that_there_was_one() {
    let place = Place::new(&format!("{LISTEN}key_file = \"elsewhere/relatch.key\"\n"));
    std::fs::create_dir(place.0.join("elsewhere")).unwrap();
    place.write("people.csv", PEOPLE);
    place.serve_once();
    place.remove_database();
    for words in [
        ["serve"].as_slice(),
        &["members", "import", "people.csv"],
        &["resets"],
        &["link", "slack", "U012AB3CD", "a@b.example"],
    ] {
        let ran = place.run(words);
        assert_eq!(ran.code, 78, "{words:?}: {}", ran.err);
        assert_eq!(
            ran.err.matches("Nothing was changed.").count(),
            1,
            "{}",
            ran.err
        );
        let told = ran.err.lines().last().unwrap();
        assert!(
            told.contains("relatch new-database") && told.len() <= 350,
            "{}",
            ran.err
        );
        assert!(!place.has("relatch.db"), "{words:?}");
    }
    let checked = place.run(&["check"]);
    assert!(
        checked.code == 78 && checked.out.contains("fail  database: ") && !place.has("relatch.db"),
        "{}",
        checked.out
    );

    place.write_private("relatch.db", "");
    assert_eq!(place.run(&["serve"]).code, 78);
    assert_eq!(
        place.0.join("relatch.db").metadata().unwrap().len(),
        0,
        "it stays as it is"
    );
    place.sql("create table somebody_elses (x)");
    assert_eq!(place.run(&["serve"]).code, 78);
}

#[test]
fn a_new_database_is_begun_on_demand_for_the_owner_of_the_key() {
    let place = Place::new(LISTEN);
    let ran = place.run(&["new-database"]);
    assert!(
        ran.code == 1 && ran.err.contains("Nothing was changed.") && !place.has("relatch.db"),
        "{}",
        ran.err
    );
    place.write("people.csv", PEOPLE);
    place.serve_once();
    place.run(&["members", "import", "people.csv"]);
    let ran = place.run(&["new-database"]);
    assert!(
        ran.code == 1 && ran.err.contains("Nothing was changed."),
        "{}",
        ran.err
    );
    assert_eq!(
        place.look("select name from member").len(),
        2,
        "the record is still there"
    );

    place.remove_database();
    std::fs::remove_file(place.0.join("relatch.db.lock")).unwrap();
    let key = place.0.join("relatch.key");
    let mine = (key.metadata().unwrap().uid(), key.metadata().unwrap().gid());
    let mut owner = mine;
    // Root begins it for the service's own user, where that user could have made it by themselves.
    if mine.0 == 0 {
        owner = (12_345, 12_346);
        let give =
            |path: &Path| std::os::unix::fs::chown(path, Some(owner.0), Some(owner.1)).unwrap();
        give(&key);
        let ran = place.run(&["new-database"]);
        assert!(
            ran.code == 1 && ran.err.contains("Nothing was changed.") && !place.has("relatch.db"),
            "{}",
            ran.err
        );
        give(&place.0);
        let elsewhere = place.0.with_extension("elsewhere");
        std::os::unix::fs::symlink(&elsewhere, place.0.join("relatch.db")).unwrap();
        assert_ne!(place.run(&["new-database"]).code, 0);
        assert!(!elsewhere.exists(), "nothing is made where a link leads");
        std::fs::remove_file(place.0.join("relatch.db")).unwrap();
    }
    let ran = place.run(&["new-database"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    for name in ["relatch.db", "relatch.db.lock"] {
        let made = place.0.join(name).metadata().unwrap();
        assert_eq!(
            (made.uid(), made.gid(), made.mode() & 0o777),
            (owner.0, owner.1, 0o600),
            "{name}"
        );
    }
    assert_eq!(
        place.look("select event || ' ' || outcome from audit order by seq"),
        ["key taken", "new_database done"]
    );
    place.serve_once();
}

/// A first start that was interrupted before there was a key is a first start again.
#[test]
fn a_half_made_database_without_a_key_is_finished() {
    let place = Place::new(LISTEN);
    place.write_private("relatch.db", "");
    place.serve_once();
    assert!(place.has("relatch.key"));
    // Or after the database was made, or after the key, before the database knew it.
    for (removed, change) in [
        ("relatch.key", "delete from key_fingerprint"),
        ("none", "delete from key_fingerprint"),
    ] {
        std::fs::remove_file(place.0.join(removed)).ok();
        place.sql(change);
        place.serve_once();
        assert_eq!(
            place.look("select fingerprint from key_fingerprint").len(),
            1
        );
    }
}

/// What was made before any `serve` takes the key that it is first served with, and knows it from then on.
#[test]
fn a_database_is_served_with_its_own_key_only() {
    let place = Place::new(LISTEN);
    place.write("people.csv", PEOPLE);
    assert_eq!(place.run(&["members", "import", "people.csv"]).code, 0);
    assert_eq!(
        place.look("select fingerprint from key_fingerprint"),
        Vec::<String>::new()
    );
    place.serve_once();
    let key = std::fs::read_to_string(place.0.join("relatch.key")).unwrap();
    let [fingerprint] = place
        .look("select fingerprint from key_fingerprint")
        .try_into()
        .unwrap();
    assert!(!key.contains(&fingerprint), "it says nothing about the key");

    place.write_private("relatch.key", &"ab".repeat(32));
    let ran = place.run(&["serve"]);
    assert!(
        ran.code == 78
            && ran
                .err
                .contains("not the one that belongs to this database"),
        "{}",
        ran.err
    );
    let checked = place.run(&["check"]);
    assert!(
        checked.code == 78 && checked.out.contains("fail  key_file: "),
        "{}",
        checked.out
    );

    std::fs::remove_file(place.0.join("relatch.key")).unwrap();
    let ran = place.run(&["serve"]);
    assert!(
        ran.code == 78 && ran.err.contains("is missing") && !place.has("relatch.key"),
        "{}",
        ran.err
    );
    let told = place.run(&["check"]);
    assert!(
        told.code == 78 && told.out.contains("fail  key_file: "),
        "{} {}",
        told.out,
        told.err
    );

    place.write_private("relatch.key", &key);
    place.serve_once();
}

/// Also where it has no fingerprint yet, as in the version before: whoever was reset was reset with a key.
#[test]
fn a_database_with_resets_is_not_given_another_key() {
    let place = Place::new(LISTEN);
    place.serve_once();
    place.sql("delete from key_fingerprint");
    place.sql(A_RESET);
    std::fs::remove_file(place.0.join("relatch.key")).unwrap();
    let ran = place.run(&["serve"]);
    assert!(
        ran.code == 78 && ran.err.contains("is missing") && !place.has("relatch.key"),
        "{}",
        ran.err
    );
    assert!(
        ran.err.contains("correct `database` / `key_file`"),
        "{}",
        ran.err
    );
    let ran = place.run(&["new-database"]);
    assert!(
        ran.code == 1 && ran.err.contains("its key is missing. Nothing was changed."),
        "{}",
        ran.err
    );
}

/// The version before had no fingerprints.
#[test]
fn a_database_of_the_version_before_takes_the_key_that_is_there() {
    let place = Place::new(LISTEN);
    place.serve_once();
    place.sql("drop table key_fingerprint");
    place.sql("delete from _sqlx_migrations where version = 13");
    place.serve_once();
    assert_eq!(
        place.look("select fingerprint from key_fingerprint").len(),
        1
    );
}

#[test]
fn the_demo_keeps_to_the_same_rules() {
    use std::io::BufRead;

    let place = Place::new("");
    let play = || {
        let mut demo = place
            .command(&["demo", "--data", "kept"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let told = std::io::BufReader::new(demo.stdout.take().unwrap())
            .lines()
            .map(Result::unwrap);
        assert!(
            told.into_iter()
                .any(|line| line.starts_with("Play it yourself"))
        );
        demo.kill().unwrap();
        demo.wait().unwrap();
    };
    play();
    play();
    for name in ["demo.db", "demo.db-wal", "demo.db-shm"] {
        std::fs::remove_file(place.0.join("kept").join(name)).ok();
    }
    let ran = place.run(&["demo", "--data", "kept"]);
    assert_eq!(ran.code, 78, "{}", ran.err);
    assert!(
        ran.err.contains("Nothing was changed.") && !place.has("kept/demo.db"),
        "{}",
        ran.err
    );
    std::fs::remove_file(place.0.join("kept/demo.key")).unwrap();
    play();
    let key = place.0.join("kept/demo.key");
    std::fs::remove_file(&key).unwrap();
    let ran = place.run(&["demo", "--data", "kept"]);
    assert!(
        ran.code == 78 && ran.err.contains("demo.key is missing"),
        "{}",
        ran.err
    );
    // Also where the version before left no fingerprint: what has resets had a key.
    place.sql_in("kept/demo.db", "delete from key_fingerprint");
    place.sql_in("kept/demo.db", A_RESET);
    let mut demo = place
        .command(&["demo", "--data", "kept"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = std::io::BufReader::new(demo.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let is_played = told.any(|line| line.starts_with("Play it yourself"));
    if is_played {
        demo.kill().unwrap();
    }
    assert_eq!(
        (is_played, demo.wait().unwrap().code(), key.exists()),
        (false, Some(78), false)
    );
}

/// The people of a backup, and those who came after it.
const LATER: &str =
    "name,business_email,login_method,status,phone,personal_email,role,department,manager_email
Noa Sol,noa@acme.example,business_email,active,,,member,Sales,jo@acme.example
";

impl Place {
    /// A database whose log has what is not in the backup, and a `serve` that runs on it.
    fn served_with_a_backup(&self) -> std::process::Child {
        self.write("people.csv", PEOPLE);
        self.write("later.csv", LATER);
        let mut serving = self
            .command(&["serve"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        wait_for_line(&mut serving, "listening");
        assert_eq!(self.run(&["members", "import", "people.csv"]).code, 0);
        self.sql("pragma wal_checkpoint(truncate)");
        std::fs::copy(self.0.join("relatch.db"), self.0.join("backup.db")).unwrap();
        let later = self.run(&["members", "import", "later.csv"]);
        assert_eq!(later.code, 0, "{}", later.err);
        serving
    }

    fn put_the_backup_back(&self) {
        std::fs::rename(self.0.join("backup.db"), self.0.join("relatch.db")).unwrap();
    }

    /// The log and its index, by their own names and by others.
    fn logs(&self) -> Vec<String> {
        let names = std::fs::read_dir(&self.0).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut logs: Vec<String> = names
            .filter(|name| name.contains("-wal") || name.contains("-shm"))
            .collect();
        logs.sort();
        logs
    }

    fn is_the_backup(&self) -> bool {
        let names = self.look("select name from member order by name");
        names == ["Jo Lim", "Mina Park"] && self.look("pragma integrity_check") == ["ok"]
    }
}

/// A backup is moved to the place of the database that is being served. Nobody works on it beside that `serve`, and its log
/// does not get into the backup.
#[test]
fn the_log_of_a_served_database_does_not_get_into_a_backup() {
    let place = Place::new(LISTEN);
    let mut serving = place.served_with_a_backup();
    place.put_the_backup_back();
    let beside = place.run(&["members", "list"]);
    let ended = serving.wait().unwrap().code();
    assert_eq!(ended, Some(78));
    assert!(
        beside.code == 75 && beside.err.contains("nothing was changed"),
        "{} {}",
        beside.out,
        beside.err
    );
    let logs = place.logs();
    assert!(
        logs.len() == 2 && logs.iter().all(|name| name.contains(".replaced-")),
        "{logs:?}"
    );
    place.serve_once();
    assert!(place.is_the_backup());
}

/// The same after the process was killed: nobody was there to move the log away.
#[test]
fn a_backup_beside_the_log_of_a_killed_process_is_refused() {
    let place = Place::new(LISTEN);
    let mut serving = place.served_with_a_backup();
    serving.kill().unwrap();
    serving.wait().unwrap();
    place.put_the_backup_back();
    let log = std::fs::read(place.0.join("relatch.db-wal")).unwrap();
    assert!(!log.is_empty());
    for words in [
        ["serve"].as_slice(),
        &["members", "list"],
        &["new-database"],
    ] {
        let ran = place.run(words);
        let told = ran.err.lines().last().unwrap();
        assert!(
            ran.code == 78 && told.contains("Nothing was changed.") && told.len() <= 350,
            "{words:?} {} {}",
            ran.code,
            ran.err
        );
    }
    assert!(std::fs::read(place.0.join("relatch.db-wal")).unwrap() == log);
    for name in ["relatch.db-wal", "relatch.db-shm"] {
        std::fs::remove_file(place.0.join(name)).unwrap();
    }
    place.serve_once();
    assert!(place.is_the_backup());
}

/// A database that is copied with its log keeps what is in it, and a log alone is not given to an empty database.
#[test]
fn a_log_that_was_copied_with_its_database_is_its_own() {
    let place = Place::new(LISTEN);
    let mut serving = place.served_with_a_backup();
    serving.kill().unwrap();
    serving.wait().unwrap();
    for name in ["relatch.db", "relatch.db-wal"] {
        let (from, copy) = (place.0.join(name), place.0.join(format!("copy-{name}")));
        std::fs::copy(&from, &copy).unwrap();
        std::fs::rename(copy, from).unwrap();
    }
    assert_eq!(place.run(&["members", "show", "noa@acme.example"]).code, 0);
    let mut serving = place
        .command(&["serve"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for_line(&mut serving, "listening");
    assert_eq!(place.run(&["members", "import", "later.csv"]).code, 0);
    serving.kill().unwrap();
    serving.wait().unwrap();
    // Nobody is told that this is the log of another database: there is none.
    std::fs::remove_file(place.0.join("relatch.db")).unwrap();
    for words in [
        ["serve"].as_slice(),
        &["members", "list"],
        &["new-database"],
    ] {
        let ran = place.run(words);
        let told = ran.err.lines().last().unwrap();
        assert!(
            ran.code == 78
                && told.contains("is missing or empty")
                && told.contains("Nothing was changed.")
                && told.len() <= 350,
            "{words:?} {} {}",
            ran.code,
            ran.err
        );
        assert!(!place.has("relatch.db") && place.has("relatch.db-wal"));
    }
}

/// A link that leads to no database: the log that lies where it leads is not given to a database that would be made there.
#[test]
fn a_log_at_the_end_of_a_link_is_not_given_to_a_new_database() {
    let place = Place::new(LISTEN);
    place.write("people.csv", PEOPLE);
    std::os::unix::fs::symlink("real.db", place.0.join("relatch.db")).unwrap();
    place.write_private("real.db-wal", "what is not in the database yet");
    let ran = place.run(&["members", "import", "people.csv"]);
    assert!(
        ran.code == 78 && ran.err.contains("Nothing was changed."),
        "{} {}",
        ran.code,
        ran.err
    );
    assert!(place.has("real.db-wal") && !place.has("real.db"));
}

/// A link to the database is changed while it is served. The database still lies beside its log, which it needs.
#[test]
fn a_database_that_a_link_no_longer_leads_to_keeps_its_log() {
    for (link, [first, second]) in [
        ("current", ["first", "second"]),
        ("current/relatch.db", ["first.db", "second.db"]),
    ] {
        let place = Place::new(&format!(
            "{LISTEN}database = \"sqlite://current/relatch.db\"\n"
        ));
        place.write("people.csv", PEOPLE);
        let lead_to = |target: &str| {
            let next = place.0.join("next");
            std::os::unix::fs::symlink(target, &next).unwrap();
            std::fs::rename(next, place.0.join(link)).unwrap();
        };
        for folder in ["first", "second"] {
            std::fs::create_dir(place.0.join(folder)).unwrap();
        }
        if link == "current/relatch.db" {
            std::fs::create_dir(place.0.join("current")).unwrap();
        }
        for target in [second, first] {
            lead_to(target);
            assert_eq!(place.run(&["members", "list"]).code, 0);
        }
        let mut serving = place
            .command(&["serve"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        wait_for_line(&mut serving, "listening");
        assert_eq!(place.run(&["members", "import", "people.csv"]).code, 0);
        lead_to(second);
        assert_eq!(serving.wait().unwrap().code(), Some(78), "{link}");
        lead_to(first);
        let shown = place.run(&["members", "show", "mina.park@acme.example"]);
        assert_eq!(shown.code, 0, "{link}: {}", shown.err);
    }
}

/// What is past its time goes while the program serves.
#[test]
fn what_is_old_is_deleted_while_serving() {
    let place = Place::new(LISTEN);
    place.serve_once();
    place.sql("insert into replay_key (replay_key, seen_at) values ('old', 1)");
    let _serving = Serving::start(&place);
    let until = Instant::now() + Duration::from_mins(1);
    while !place.look("select replay_key from replay_key").is_empty() {
        assert!(Instant::now() < until, "it is still there");
        std::thread::sleep(Duration::from_millis(100));
    }
}
