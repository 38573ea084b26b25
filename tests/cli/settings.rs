//! Settings: what is refused, and what wins.

use super::{Place, Ran};

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
            // `check` has them in its list.
            let told = format!("{}{}", ran.out, ran.err);
            assert!(told.contains(key), "{words:?} {key}: {told}");
        }
        let told = format!("{}{}", ran.out, ran.err);
        assert!(!told.contains("canary"), "{told}");
    }
}

/// A number that nobody can dial from elsewhere is told with an example.
#[test]
fn check_complains_about_a_wrong_help_phone() {
    let place = Place::new("help_phone = \"0555\"\n");
    let ran = place.run(&["check"]);
    assert_eq!(ran.code, 78, "{}", ran.err);
    let told = format!("{}{}", ran.out, ran.err);
    assert!(
        told.contains("help_phone") && told.contains("such as +82 2 555 0100"),
        "{told}"
    );
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
            let all = format!("{}{}", ran.out, ran.err).replace(": ", " ");
            assert!(all.contains(told), "{words}: {all}");
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
    assert!(ran.code == 0 && !ran.err.contains("window"), "{}", ran.err);
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

/// Also where the address has a path, with a slash at its end or without.
#[test]
fn every_address_of_every_manifest_has_the_path() {
    let place = Place::new("");
    for (platform, routes) in [
        ("slack", &["/slack/commands", "/slack/interactions"][..]),
        ("discord", &["/discord/interactions"]),
        ("lark", &["/lark/events"]),
        ("mattermost", &["/mattermost/commands"]),
    ] {
        for url in ["https://acme.example/reset", "https://acme.example/reset/"] {
            let ran = place.run(&["manifest", platform, "--url", url]);
            assert_eq!(ran.code, 0, "{}", ran.err);
            let of_ours = ran.out.matches("https://acme.example").count();
            assert_eq!(of_ours, routes.len(), "{}", ran.out);
            for route in routes {
                let address = format!("https://acme.example/reset{route}");
                assert!(ran.out.contains(&address), "{}", ran.out);
            }
        }
    }
}

/// `public_url` may have a path that nobody can take for one of our own pages.
#[test]
fn a_public_url_that_cannot_work_is_refused() {
    for (url, why) in [
        ("https://acme.example/?a=b", "no ? and no #"),
        ("https://acme.example/reset#x", "no ? and no #"),
        ("https://acme.example/re;set", "letters, digits"),
        ("https://acme.example/re set", "letters, digits"),
        ("https://acme.example/r%2Fs", "letters, digits"),
        ("https://acme.example//reset", "letters, digits"),
        ("https://acme.example/reset//", "letters, digits"),
        ("https://acme.example/slack", "/slack"),
        ("https://acme.example/account/it", "/account"),
    ] {
        let ran = Place::new(&format!("public_url = \"{url}\"\n")).run(&["members", "list"]);
        assert_eq!(ran.code, 78, "{url}: {}", ran.err);
        assert!(
            ran.err.contains("public_url: ") && ran.err.contains(why),
            "{url}: {}",
            ran.err
        );
    }
    for url in [
        "https://acme.example",
        "https://acme.example/",
        "https://acme.example/reset/",
        "https://acme.example/it/Reset-2.0_~x",
        "https://acme.example/accounts",
    ] {
        let ran = Place::new(&format!("public_url = \"{url}\"\n")).run(&["members", "list"]);
        assert_eq!(ran.code, 0, "{url}: {}", ran.err);
    }
}

/// A page that begins with the path of `public_url` could not be told from one that a proxy stripped of it.
#[test]
fn no_route_of_ours_can_be_the_path_of_public_url() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let portal = std::fs::read_to_string(root.join("src/portal/mod.rs")).unwrap();
    let of_pages = portal
        .split("\"/")
        .skip(1)
        .map(|rest| rest.split(['/', '"']).next().unwrap().to_owned());
    let of_chats = ["slack", "discord", "lark", "mattermost"].map(str::to_owned);
    let mut routes: Vec<String> = of_pages.chain(of_chats).collect();
    routes.sort_unstable();
    routes.dedup();
    routes.retain(|route| !route.is_empty());
    assert!(routes.len() > 12, "{routes:?}");
    for route in routes {
        let settings = format!("public_url = \"https://acme.example/{route}\"\n");
        let ran = Place::new(&settings).run(&["members", "list"]);
        assert_eq!(ran.code, 78, "/{route} is a route, and may be the path");
    }
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
                let told = format!("{}{}", ran.out, ran.err);
                assert_eq!(ran.code, 78, "{file} {mode:o} {words:?}: {told}");
                assert!(
                    told.contains("may be written by others; run chmod go-w on it"),
                    "{told}"
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
        told.contains("fail  database: ") && told.contains("fail  key_file: "),
        "{told}"
    );
    assert_eq!(told.matches(": Is a directory").count(), 2, "{told}");
    assert_eq!(ran.code, 78, "{told}");
    assert!(place.run(&["serve"]).err.contains(": Is a directory"));
    // Nor is another kind of file a database, or one whose migrations were others.
    let place = Place::new("listen = \"127.0.0.1:0\"\n");
    place.run(&["members", "list"]);
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

/// A manager is told only where some directory names one and there is e-mail. An address that an SMS has no room for would be
/// missing in it.
#[test]
fn what_could_not_be_told_is_refused() {
    const LDAP: &str = "[[directory]]\nkind = \"ldap\"\nurl = \"ldaps://ldap.acme.example\"\nbind_dn = \"cn=relatch\"\n\
        password = \"canary\"\nbase = \"ou=people\"\nprimary_admin_groups = [\"cn=admins\"]\n";
    let manager = "[policy]\nnotify_manager = true\n";
    let long = format!("sign_in_url = \"https://{}.example/\"\n", "a".repeat(64));
    for (settings, told) in [
        (manager.to_owned(), "no [email] to tell a manager"),
        (
            format!("{manager}{LDAP}"),
            "only the built-in directory names managers",
        ),
        (long, "too long for the SMS with a password"),
        (
            "sign_in_url = \"http://login.acme.example/\"\n".to_owned(),
            "sign_in_url",
        ),
    ] {
        let ran = Place::new(&settings).run(&["check"]);
        assert_eq!(ran.code, 78, "{}", ran.err);
        assert!(ran.out.contains(told), "{told}: {}", ran.out);
        assert!(!ran.out.contains("canary"), "{}", ran.out);
    }
}

/// Where a directory is written wrongly, nobody knows whether it names managers: only what is wrong is said.
#[test]
fn a_directory_that_cannot_be_read_is_no_missing_one() {
    let settings = "[policy]\nnotify_manager = true\n[[directory]]\nkind = \"bultin\"\n";
    let ran = Place::new(settings).run(&["check"]);
    assert_eq!(ran.code, 78, "{}", ran.err);
    assert!(ran.out.contains("directory"), "{}", ran.out);
    assert!(
        !ran.out
            .contains("only the built-in directory names managers"),
        "{}",
        ran.out
    );
}
