//! Who lives in the benchmark: twenty thousand administrators, so that nobody confirms
//! more often than a person would, and twenty thousand members, and what they type and press.

use std::cell::Cell;
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::Full;
use hyper::Request;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use relatch::surface::chance::Chance;
use relatch::surface::secret::Keys;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::load::{self, Load, Ready};
use crate::peers::program;

pub(crate) const SECRET: &str = "5bd2e0c3a9174f6e8d1b2c3a4f5e6d7c";
const MEMBERS: usize = 20_000;
const ADMINS: usize = 20_000;
/// So many administrators share the load of one round.
const CREW: usize = 6_000;

pub(crate) struct World {
    folder: PathBuf,
    slack: SocketAddr,
    serial: Cell<usize>,
    /// Which administrators work now.
    crew: Cell<usize>,
    keyed: Hmac<Sha256>,
}

impl World {
    /// Imports everybody into two databases, with the program's own command.
    pub(crate) fn new(slack: SocketAddr) -> Self {
        let folder = std::env::temp_dir().join(format!("relatch-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let keyed = Hmac::new_from_slice(SECRET.as_bytes()).unwrap();
        let world = Self {
            folder,
            slack,
            serial: Cell::new(0),
            crew: Cell::new(0),
            keyed,
        };
        let mut people =
            "name,business_email,login_method,status,phone,personal_email,role,department,manager_email\n".to_owned();
        for n in 0..ADMINS {
            writeln!(
                people,
                "Admin {n},a{n}@acme.example,business_email,active,,,primary_admin,IT,"
            )
            .unwrap();
        }
        for n in 0..MEMBERS {
            let contacts = format!("+8210{:08},m{n}@mail.example", 10_000_000 + n);
            writeln!(
                people,
                "Member {n},m{n}@acme.example,business_email,active,{contacts},member,Sales,"
            )
            .unwrap();
        }
        std::fs::write(world.folder.join("people.csv"), people).unwrap();
        for name in ["real", "cheap"] {
            let settings = format!(
                "listen = \"127.0.0.1:0\"\ndatabase = \"sqlite://{folder}/{name}.db\"\nkey_file = \"{folder}/{name}.key\"\n\
                log = \"warn\"\n[policy]\nresets_per_admin = 100\n[slack]\nsigning_secret = \"{SECRET}\"\n\
                bot_token = \"xoxb-bench-0123456789\"\nteam_id = \"T0BENCH\"\napi_url = \"http://{slack}/api/\"\n\
                response_origins = [\"http://{slack}\"]\n",
                folder = world.folder.display(),
            );
            // The real one says where it listens, which is a line of the level info.
            let settings = if name == "real" {
                settings.replace("\"warn\"", "\"info\"")
            } else {
                settings
            };
            std::fs::write(world.file(name), settings).unwrap();
            let mut import = Command::new(program());
            import
                .args(["members", "import"])
                .arg(world.folder.join("people.csv"))
                .arg("--config")
                .arg(world.file(name));
            let ended = import.output().unwrap();
            assert!(
                ended.status.success(),
                "{}",
                String::from_utf8_lossy(&ended.stderr)
            );
        }
        world
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.toml"))
    }

    pub(crate) fn settings(&self) -> PathBuf {
        self.file("real")
    }

    pub(crate) fn cheap_settings(&self) -> &'static Path {
        Box::leak(self.file("cheap").into_boxed_path())
    }

    fn next(&self) -> usize {
        self.serial.replace(self.serial.get() + 1)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "Slack signs by the machine's clock"
    )]
    fn signed(&self, path: &str, body: String) -> Ready {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_secs()
            .to_string();
        let mut mac = self.keyed.clone();
        for part in ["v0:", &now, ":", &body] {
            mac.update(part.as_bytes());
        }
        Request::post(path)
            .header("host", "reset.acme.example")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-slack-request-timestamp", now)
            .header(
                "x-slack-signature",
                format!("v0={}", hex::encode(mac.finalize().into_bytes())),
            )
            .body(Full::new(Bytes::from(body)))
            .unwrap()
    }

    fn typed(&self, serial: usize, admin: usize, text: &str) -> Ready {
        let text = utf8_percent_encode(text, NON_ALPHANUMERIC);
        let reply = utf8_percent_encode(
            &format!("http://{}/reply?{serial}", self.slack),
            NON_ALPHANUMERIC,
        )
        .to_string();
        let body = format!(
            "token=gIkuvaNzQIHg97ATvDxqgjtO&team_id=T0BENCH&team_domain=acme&channel_id=C024BE7LR&channel_name=it\
            &user_id=UA{admin}&user_name=jo&command=%2Freset-password&text={text}&api_app_id=A0123\
            &is_enterprise_install=false&response_url={reply}&trigger_id={serial}.1395872398.cafe"
        );
        self.signed("/slack/commands", body)
    }

    fn pressed(&self, admin: usize, action: &str, value: &str) -> Ready {
        let serial = self.next();
        let unticked = json!({ "type": "checkboxes", "selected_options": [] });
        let payload = json!({
            "type": "block_actions", "api_app_id": "A0123", "trigger_id": format!("{serial}.1395872398.cafe"),
            "user": { "id": format!("UA{admin}"), "username": "jo", "team_id": "T0BENCH" },
            "team": { "id": "T0BENCH", "domain": "acme" }, "container": { "type": "message", "is_ephemeral": true },
            "channel": { "id": "C024BE7LR", "name": "it" }, "response_url": format!("http://{}/reply?{serial}", self.slack),
            "state": { "values": { value: { "copy_to_self": unticked, "also_show": unticked } } },
            "actions": [{ "action_id": action, "block_id": "b", "type": "button", "value": value, "action_ts": "1" }],
        });
        let body = format!(
            "payload={}",
            utf8_percent_encode(&payload.to_string(), NON_ALPHANUMERIC)
        );
        self.signed("/slack/interactions", body)
    }

    /// A card for the next member, who is named by their work e-mail; administrators are known from a moment ago. Each
    /// lap through the members gives them to other administrators, so that nobody asks for the same member twice.
    pub(crate) fn command(&self) -> Ready {
        let serial = self.next();
        let admin = self.crew.get() * CREW + serial % CREW;
        self.typed(
            serial,
            admin,
            &format!("m{}@acme.example", (serial + serial / MEMBERS) % MEMBERS),
        )
    }

    /// Every rule with pass or fail, which changes nothing.
    pub(crate) fn why(&self) -> Ready {
        let serial = self.next();
        self.typed(
            serial,
            self.crew.get() * CREW + serial % CREW,
            &format!("why m{}@acme.example", serial % MEMBERS),
        )
    }

    /// The next administrators take over, and ask once each, so that relatch knows their chat accounts: nobody may look up
    /// more than thirty members in ten minutes.
    pub(crate) fn next_crew(&self) -> Vec<Ready> {
        self.crew.set((self.crew.get() + 1) % (ADMINS / CREW));
        let first = self.crew.get() * CREW;
        let asks = |admin| self.typed(self.next(), admin, &format!("why m{admin}@acme.example"));
        (first..first + CREW).map(asks).collect()
    }

    pub(crate) fn help(&self) -> Ready {
        let serial = self.next();
        self.typed(serial, 0, "help")
    }

    /// Confirming clicks on fresh cards, each of another member, Copy chosen.
    pub(crate) async fn ready_cards(
        &self,
        server: SocketAddr,
        name: &str,
        count: usize,
    ) -> Vec<Ready> {
        let serials: Vec<usize> = (0..count).map(|_| self.next()).collect();
        let asking = serials
            .iter()
            .map(|at| self.typed(*at, at % ADMINS, &format!("m{}@acme.example", at % MEMBERS)))
            .collect();
        // The last look comes through the follow-up; its button is made here, with the server's own key.
        let mut rng = Chance::System.rng().unwrap();
        let keys =
            Keys::load_or_create(&self.folder.join(format!("{name}.key")), &mut rng).unwrap();
        let (mut chosen, mut confirming) = (Vec::new(), Vec::new());
        for (at, card) in serials
            .iter()
            .zip(Load::new(server, 16).ask_all(asking).await)
        {
            let card: Value = serde_json::from_slice(&card).unwrap();
            let value = value_of(&card);
            chosen.push(self.pressed(at % ADMINS, "deliver_copy", &value));
            let (id, _) = keys.read_button_value(&value).unwrap();
            confirming.push(self.pressed(at % ADMINS, "confirm", &keys.confirm_value(id, 1)));
        }
        Load::new(server, 16).run_all(&mut chosen).await;
        confirming
    }

    /// How many resets were told as done.
    pub(crate) async fn told(&self) -> usize {
        let request = Request::get("/told")
            .header("host", "slack")
            .body(Full::default())
            .unwrap();
        let (_, body) = load::send(&mut load::connect(self.slack).await, request).await;
        std::str::from_utf8(&body).unwrap().parse().unwrap()
    }

    /// Waits until that many resets were told as done. One that never is ends the benchmark.
    pub(crate) async fn wait_until_told(&self, count: usize) {
        let patience = Instant::now() + Duration::from_mins(2);
        while self.told().await < count {
            assert!(
                Instant::now() < patience,
                "{} of {count}",
                self.told().await
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// The opaque value on the buttons of a card.
fn value_of(card: &Value) -> String {
    let blocks = card["blocks"]
        .as_array()
        .unwrap_or_else(|| panic!("no card: {card}"));
    let actions = blocks
        .iter()
        .find(|block| block["type"] == "actions")
        .unwrap_or_else(|| panic!("no buttons: {card}"));
    actions["elements"][0]["value"].as_str().unwrap().to_owned()
}

impl Drop for World {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).ok();
    }
}
