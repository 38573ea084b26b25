//! A database without its key: it is refused and no key is made, until somebody accepts that the old one is gone.

use std::os::unix::fs::MetadataExt;

use super::record_and_key::A_RESET;
use super::*;

const LISTEN: &str = "listen = \"127.0.0.1:0\"\n";

impl Place {
    fn key(&self) -> String {
        std::fs::read_to_string(self.0.join("relatch.key")).unwrap()
    }

    fn fingerprint(&self) -> String {
        self.look("select fingerprint from key_fingerprint")
            .join("")
    }

    /// `serve` and `check` refuse the database and make no key.
    fn assert_key_is_gone(&self) {
        let before = self.fingerprint();
        let had_key = self.has("relatch.key").then(|| self.key());
        let served = self.run(&["serve"]);
        let told = served.err.lines().last().unwrap();
        assert_eq!(served.code, 78, "{told}");
        assert!(
            told.contains("the key of this database is gone: ")
                && told.contains("relatch.key")
                && told.contains("`relatch new-key`, which accepts that all cards and links die"),
            "{told}"
        );
        assert!(told.len() <= 350, "{}: {told}", told.len());
        let checked = self.run(&["check"]);
        assert_eq!(checked.code, 78, "{}", checked.out);
        assert!(
            checked.out.contains("the key of this database is gone"),
            "{}",
            checked.out
        );
        assert_eq!(self.fingerprint(), before);
        assert_eq!(self.has("relatch.key").then(|| self.key()), had_key);
    }
}

#[test]
fn a_key_that_is_gone_is_replaced_on_demand_only() {
    let place = Place::new(LISTEN);
    place.serve_once();
    place.sql(A_RESET);
    let (old_key, old) = (place.key(), place.fingerprint());
    std::fs::remove_file(place.0.join("relatch.key")).unwrap();
    place.assert_key_is_gone();

    let ran = place.run(&["new-key"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.out.contains("relatch.key")
            && ran
                .out
                .contains("Cards and links of relatch from before are dead"),
        "{}",
        ran.out
    );
    assert!(
        ran.out.starts_with("A new key was made: ")
            && ran
                .out
                .contains("nobody has used yet have ended: these members need another reset."),
        "{}",
        ran.out
    );
    assert!(place.key() != old_key && place.fingerprint() != old);
    let mode = place.0.join("relatch.key").metadata().unwrap().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(
        place.look("select event || ' ' || outcome from audit where event = 'key' order by seq"),
        ["key taken", "key replaced"]
    );
    place.serve_once();
    assert_eq!(place.look("select reset_id from reset").len(), 1);
}

/// The file may be another database's key, so it is never overwritten: it is taken as it is.
#[test]
fn a_key_of_another_database_is_taken_on_demand_only() {
    let place = Place::new(LISTEN);
    place.serve_once();
    let other = "ab".repeat(32);
    place.write_private("relatch.key", &other);
    place.assert_key_is_gone();
    let ran = place.run(&["new-key"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(place.key(), other);
    assert!(
        ran.out.starts_with("The key was taken from the file: ")
            && !ran.out.contains("A new key was made"),
        "{}",
        ran.out
    );
    place.serve_once();
}

/// Only our own database holds passwords that can be ended here. What another directory made goes on, and that is said.
#[test]
fn what_other_directories_made_goes_on() {
    let lark = "help_url = \"https://help.acme.example\"\n[[directory]]\nkind = \"lark\"\napp_id = \"cli_a1b2\"\napp_secret = \"8f742231b10e8888abcd99yyyzzz85a5\"\n\
        api_url = \"http://127.0.0.1:1/\"\ndomains = [\"acme.example\"]\n";
    let builtin = "[[directory]]\nkind = \"builtin\"\n";
    for (directories, has_builtin) in [(lark.to_owned(), false), (format!("{lark}{builtin}"), true)]
    {
        let place = Place::new(LISTEN);
        place.serve_once();
        std::fs::remove_file(place.0.join("relatch.key")).unwrap();
        place.write("relatch.toml", &format!("{LISTEN}{directories}"));
        let ran = place.run(&["new-key"]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        let goes_on = "Passwords and links of resets that Lark directory made go on";
        assert!(
            ran.out.contains(goes_on) && ran.out.contains("reset those members again."),
            "{}",
            ran.out
        );
        assert_eq!(
            ran.out.contains("have ended in the built-in directory"),
            has_builtin,
            "{}",
            ran.out
        );
        assert_eq!(ran.out.contains("have ended"), has_builtin, "{}", ran.out);
    }
}

/// Nothing is replaced that is there, and nothing is made that `serve` makes.
#[test]
fn no_key_is_replaced_without_need() {
    let place = Place::new(LISTEN);
    let refused = |why: &str, code: i32| {
        let ran = place.run(&["new-key"]);
        assert_eq!(
            (ran.code, ran.out.as_str()),
            (code, ""),
            "{why}: {}",
            ran.err
        );
        assert!(
            ran.err.contains(why) && ran.err.matches("Nothing was changed.").count() == 1,
            "{why}: {}",
            ran.err
        );
    };
    refused("there is no database", 1);
    assert!(!place.has("relatch.db") && !place.has("relatch.key"));
    place.run(&["members", "list"]);
    refused("has not been served yet", 1);
    assert!(!place.has("relatch.key"));
    place.serve_once();
    let key = place.key();
    refused("is the key of this database", 1);
    assert_eq!(place.key(), key);
    place.remove_database();
    refused("new-database", 78);
    assert!(!place.has("relatch.db"));
}

/// It holds the old key in memory, and would go on to make cards with it.
#[test]
fn no_key_is_replaced_beside_a_running_serve() {
    let place = Place::new(LISTEN);
    let mut serving = place
        .command(&["serve"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for_line(&mut serving, "listening");
    let before = place.fingerprint();
    std::fs::remove_file(place.0.join("relatch.key")).unwrap();
    let ran = place.run(&["new-key"]);
    serving.kill().unwrap();
    serving.wait().unwrap();
    assert_eq!(ran.code, 75, "{}", ran.err);
    assert!(!place.has("relatch.key"));
    assert_eq!(place.fingerprint(), before);
}

/// Root makes it for the user who serves the database.
#[test]
fn the_new_key_belongs_to_the_owner_of_the_database() {
    let place = Place::new(LISTEN);
    place.serve_once();
    std::fs::remove_file(place.0.join("relatch.key")).unwrap();
    let database = place.0.join("relatch.db").metadata().unwrap();
    let mut owner = (database.uid(), database.gid());
    if owner.0 == 0 {
        owner = (12_345, 12_346);
        for name in std::fs::read_dir(&place.0).unwrap() {
            let name = name.unwrap().path();
            std::os::unix::fs::chown(name, Some(owner.0), Some(owner.1)).unwrap();
        }
    }
    let ran = place.run(&["new-key"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let made = place.0.join("relatch.key").metadata().unwrap();
    assert_eq!(
        (made.uid(), made.gid(), made.mode() & 0o777),
        (owner.0, owner.1, 0o600)
    );
}

/// S41: what a reset's addresses were is known by keyed digests. Where these are of another key, masks decide, as for a
/// reset of a version without digests; and a password that waits for its code ends, because masks are too coarse for that.
#[test]
fn digests_of_the_old_key_go_and_masks_stay() {
    let place = Place::new(LISTEN);
    place.write("people.csv", PEOPLE);
    place.run(&["members", "import", "people.csv"]);
    place.serve_once();
    place.sql(A_RESET);
    place.sql(
        "update member set temporary_until = case name when 'Jo Lim' then 4102444800000 end;
        update reset set destination_mask = 'e···@evil.example', destination_digest = 'a', copy_digest = 'b',
            typed_digests = 'c d', reply = 'sealed', reply_until = 9;
        insert into code_sign_in (sign_in_key, began_at, expires_at, code_digest, code_tries) values ('k', 1, 2, 'e', 5)",
    );
    std::fs::remove_file(place.0.join("relatch.key")).unwrap();
    assert_eq!(place.run(&["new-key"]).code, 0);
    assert_eq!(
        place.look(
            "select concat_ws(' ', destination_mask, destination_digest, copy_digest, typed_digests, reply, reply_until)
            from reset"
        ),
        ["e···@evil.example"]
    );
    assert_eq!(
        place.look(
            "select name from member where temporary_until < 1000 * unixepoch('now', '1 minute')"
        ),
        ["Jo Lim"]
    );
    assert_eq!(
        place.look("select concat_ws(' ', sign_in_key, code_digest) from code_sign_in"),
        ["k"]
    );
}
