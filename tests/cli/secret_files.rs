//! Secrets in files: what an editor adds is taken off, what is no token is refused, and the file is named.

use std::os::unix::fs::PermissionsExt;

use super::Place;

const SLACK: &str = "[slack]\nteam_id = \"T0ACME\"\nsigning_secret = \"8f742231b10e8888abcd99yyyzzz85a5\"\nbot_token_file = \"secret\"\n";
// RFC 8032, section 7.1, test 1.
const DISCORD: &str = "[discord]\napplication_id = \"845027738276462632\"\nguild_id = \"290926798626357999\"\n\
    public_key = \"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a\"\nbot_token_file = \"secret\"\n";
const MATTERMOST: &str = "public_url = \"https://reset.acme.example\"\n[mattermost]\nurl = \"https://chat.acme.example\"\n\
    bot_token_file = \"secret\"\n";
const TWILIO: &str = "[sms]\nkind = \"twilio\"\naccount_sid = \"AC1\"\nfrom = \"+16502530000\"\nauth_token_file = \"secret\"\n";

/// What a command that reads the settings says of them, with this secret in a file.
fn told_of(settings: &str, secret: &[u8]) -> (i32, String) {
    let place = Place::new(settings);
    std::fs::write(place.0.join("secret"), secret).unwrap();
    let ran = place.run(&["members", "list"]);
    assert!(!ran.err.contains("canary"), "a secret: {}", ran.err);
    (ran.code, ran.err)
}

#[test]
fn one_mark_and_one_line_end_are_taken_off_a_token() {
    for settings in [SLACK, DISCORD, MATTERMOST, TWILIO] {
        for (before, after) in [("", ""), ("", "\n"), ("\u{feff}", "\r\n"), ("\u{feff}", "")] {
            let secret = format!("{before}xoxb-canary-token-0123456789{after}");
            let (code, told) = told_of(settings, secret.as_bytes());
            assert_eq!(code, 0, "{settings} {secret:?}: {told}");
        }
    }
}

#[test]
fn what_no_token_holds_is_refused_with_the_name_of_its_file() {
    for settings in [SLACK, DISCORD, MATTERMOST, TWILIO] {
        for (secret, why) in [
            ("xoxb-canary-token-0123456789 ", "a blank or a line end"),
            ("xoxb-canary-token-0123456789\n\n", "a blank or a line end"),
            ("xoxb-canary-token 0123456789", "a blank or a line end"),
            ("\"xoxb-canary-token-0123456789\"", "holds a quote"),
            ("TOKEN=xoxb-canary-token-0123456789", "name=value"),
            ("token: xoxb-canary-token-0123456789", "name=value"),
            (
                "\u{feff}\u{feff}xoxb-canary-token-0123456789",
                "in no such token",
            ),
            ("xoxb-canary-tökens-0123456789", "in no such token"),
            ("  \n", "is empty"),
            ("xoxb-canary", "shorter than 16 characters"),
        ] {
            let (code, told) = told_of(settings, secret.as_bytes());
            assert_eq!(code, 78, "{settings} {secret:?}: {told}");
            let line = told.lines().find(|line| line.contains("_file: secret "));
            let line = line.unwrap_or_else(|| panic!("the file is not named: {told}"));
            assert!(line.contains(why), "{secret:?}: {line}");
        }
        // What PowerShell writes with `>`.
        let (code, told) = told_of(settings, b"\xff\xfex\0o\0x\0b\0");
        assert!(
            code == 78 && told.contains("_file: secret is no UTF-8 text; save it as UTF-8"),
            "{told}"
        );
    }
}

/// They may hold anything, so blanks are kept and told, by `check` and by the log of `serve`.
#[test]
fn passwords_and_keys_are_taken_as_they_are() {
    let ldap = "help_url = \"https://help.acme.example\"\n[[directory]]\nkind = \"ldap\"\nurl = \"ldap://127.0.0.1:1\"\ntls = \"none\"\nbind_dn = \"cn=relatch\"\nbase = \"ou=people\"\n\
        primary_admin_groups = [\"cn=admins\"]\npassword_file = \"secret\"\n";
    let mail = "[email]\nfrom = \"it@acme.example\"\nsmtp_url_file = \"secret\"\n";
    let lark = "[lark]\napp_id = \"cli_a1b2\"\napp_secret = \"8f742231b10e8888abcd99yyyzzz85a5\"\n\
        verification_token = \"9e853342c21f9999bcde00zzzaaa96b6\"\ntenant_key = \"t1\"\nencrypt_key_file = \"secret\"\n\
        [admins]\nsource = \"list\"\nprimary = [\"jo@acme.example\"]\n";
    let sms = "[sms]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:1/\"\ntoken_file = \"secret\"\n";
    for (settings, key, secret) in [
        (ldap, "directory.password_file", "canary \"of\" a=password"),
        (mail, "email.smtp_url_file", "smtp://it:canary@127.0.0.1:1"),
        (lark, "lark.encrypt_key_file", "canary = \"an encrypt key\""),
        (sms, "sms.token_file", "canary = \"a token of ours\""),
    ] {
        for (text, is_warned) in [
            (format!("{secret}\n"), false),
            (format!("{secret} \n"), true),
            (format!("{secret}\n\n"), true),
        ] {
            let (code, told) = told_of(settings, text.as_bytes());
            assert_eq!(code, 0, "{key} {text:?}: {told}");
            let place = Place::new(settings);
            place.write("secret", &text);
            let ran = place.run(&["check"]);
            let warning = format!("warn  {key}: secret begins or ends with a blank");
            assert_eq!(ran.out.contains(&warning), is_warned, "{}", ran.out);
            let told = format!("{}{}", ran.out, ran.err);
            assert!(!told.contains("canary"), "a secret: {told}");
        }
    }
}

/// A placeholder or an open file is told with its name as well.
#[test]
fn every_complaint_about_a_secret_names_its_file() {
    let place = Place::new(SLACK);
    let told = place.run(&["members", "list"]).err;
    assert!(
        told.contains(
            "slack.bot_token_file: secret is not there; correct the path, or make the file"
        ),
        "{told}"
    );
    place.write("secret", "xoxb-canary-token-0123456789");
    let open = PermissionsExt::from_mode(0o666);
    std::fs::set_permissions(place.0.join("secret"), open).unwrap();
    let told = place.run(&["members", "list"]).err;
    assert!(
        told.contains(
            "slack.bot_token_file: secret may be written by others; run chmod go-w on it"
        ),
        "{told}"
    );
}

/// Everybody on the machine could use the token; a group may be meant.
#[test]
fn a_secret_that_everybody_may_read_is_a_warning() {
    let told = "warn  slack.bot_token_file: secret may be read by every user of this machine; run chmod o= on it";
    for (mode, is_told) in [(0o644, true), (0o640, false), (0o600, false)] {
        let place = Place::new(SLACK);
        place.write("secret", "xoxb-canary-token-0123456789");
        let mode = PermissionsExt::from_mode(mode);
        std::fs::set_permissions(place.0.join("secret"), mode).unwrap();
        let ran = place.run(&["check"]);
        assert_eq!(ran.out.contains(told), is_told, "{}", ran.out);
        assert_ne!(ran.code, 78, "{}", ran.out);
    }
}
