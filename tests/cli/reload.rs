//! SIGHUP to a running `serve`: what a reload refuses, and that the settings from before stay in use.

use std::io::{BufRead, BufReader};
use std::process::Child;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::*;

const SETTINGS: &str = "listen = \"127.0.0.1:0\"\norganization = \"Acme\"\n";

/// A running `serve`, killed at the end.
pub(super) struct Serving {
    child: Child,
    log: Receiver<String>,
    /// Where it listens.
    pub(super) addr: String,
}

impl Serving {
    pub(super) fn start(place: &Place) -> Self {
        let mut child = place
            .command(&["serve"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (lines, log) = channel();
        let written = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            written
                .lines()
                .try_for_each(|line| lines.send(line.unwrap()))
        });
        let addr = String::new();
        let mut serving = Self { child, log, addr };
        let listening = serving.hears("listening");
        listening["addr"]
            .as_str()
            .unwrap()
            .clone_into(&mut serving.addr);
        serving
    }

    /// The next line of the log whose message begins like this.
    pub(super) fn hears(&mut self, beginning: &str) -> serde_json::Value {
        loop {
            let line = self
                .log
                .recv_timeout(Duration::from_mins(1))
                .unwrap_or_else(|_| panic!("it ended, or waits, without saying {beginning}"));
            let line: serde_json::Value = serde_json::from_str(&line).unwrap();
            if line["message"].as_str().unwrap().starts_with(beginning) {
                return line;
            }
        }
    }

    /// SIGHUP; the line that says what came of it.
    fn reload(&mut self) -> serde_json::Value {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-HUP", &pid])
                .status()
                .unwrap()
                .success()
        );
        self.hears("the settings ")
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// An editor that replaces the file, or a deployment that moves it, must not make everything the default.
#[test]
fn a_default_file_that_is_gone_at_a_reload_changes_nothing() {
    let place = Place::new(SETTINGS);
    let mut serving = Serving::start(&place);
    let [here, away] = ["relatch.toml", "away.toml"].map(|name| place.0.join(name));
    std::fs::rename(&here, &away).unwrap();
    let line = serving.reload();
    assert_eq!(
        line["message"],
        "the settings cannot be used; nothing was changed"
    );
    assert!(
        line["problems"].as_str().unwrap().contains("relatch.toml"),
        "{line}"
    );
    std::fs::rename(&away, &here).unwrap();
    assert_eq!(
        serving.reload()["message"],
        "the settings were read again; they are the same"
    );
}

/// The routes of a platform and the members' pages are made at the start: half of such a change would be none.
#[test]
fn what_needs_a_restart_is_refused_with_all_that_comes_with_it() {
    let place = Place::new(SETTINGS);
    let mut serving = Serving::start(&place);
    let slack = "[slack]\nsigning_secret = \"0123456789abcdef0123456789abcdef\"\nteam_id = \"TACME\"\n\
        bot_token = \"xoxb-1234567890-abcdefghij\"\n";
    place.write(
        "relatch.toml",
        &format!("{}{slack}", SETTINGS.replace("Acme", "Umbrella")),
    );
    for _ in 0..2 {
        let line = serving.reload();
        assert_eq!(
            line["message"], "the settings cannot be used without a restart; nothing was changed",
            "{line}"
        );
        assert_eq!(line["keys"], "slack");
    }
    place.write("relatch.toml", SETTINGS);
    assert_eq!(
        serving.reload()["message"],
        "the settings were read again; they are the same"
    );
    assert_eq!(
        place.look("select outcome || ' ' || coalesce(detail, '') from audit where event = 'reload' order by seq"),
        ["refused slack", "refused slack", "unchanged "]
    );
}

/// A reload moves the pages too.
#[test]
fn the_path_of_public_url_follows_a_reload() {
    use std::io::{Read, Write};

    let place = Place::new(SETTINGS);
    let mut serving = Serving::start(&place);
    let get = |serving: &Serving, path: &str| {
        let mut stream = std::net::TcpStream::connect(&serving.addr).unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    assert!(get(&serving, "/it/reset/account").starts_with("HTTP/1.1 404"));
    let url = "public_url = \"https://acme.example/it/reset\"\n";
    place.write("relatch.toml", &format!("{url}{SETTINGS}"));
    assert_eq!(
        serving.reload()["message"],
        "the settings were read again and are in use"
    );
    for path in ["/it/reset/account", "/account"] {
        let answer = get(&serving, path);
        assert!(
            answer.starts_with("HTTP/1.1 303") && answer.contains("location: /it/reset/signin\r\n"),
            "{answer}"
        );
    }
}

/// A secret is rotated by a new file and SIGHUP; what its file gets wrong is said then, as at the start.
#[test]
fn what_is_odd_in_a_new_secret_is_said_after_a_reload() {
    let settings =
        format!("{SETTINGS}[email]\nfrom = \"it@acme.example\"\nsmtp_url_file = \"secret\"\n");
    let place = Place::new(&settings);
    place.write("secret", "smtp://it:canary@127.0.0.1:1\n");
    let mut serving = Serving::start(&place);
    place.write("secret", "smtp://it:canary@127.0.0.1:1/ \n");
    // Also where nothing has changed since.
    for message in [
        "the settings were read again and are in use",
        "the settings were read again; they are the same",
    ] {
        assert_eq!(serving.reload()["message"], message);
        let line = serving.hears("secret begins or ends with a blank");
        assert_eq!(
            (line["key"].as_str(), line["level"].as_str()),
            (Some("email.smtp_url_file"), Some("WARN"))
        );
    }
}
