//! A pretend Slack. It signs what its people do and posts it to the real routes, hosts `users.info`, `views.open` and the
//! response addresses on a port of its own, and notes every rule of Slack's that is broken.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::desk::{Answered, Asked, Desk, Exchange, Said};
use super::people::{PEOPLE, Person};
use super::{Stop, api, rules};
use crate::chat::slack::{COMMAND_NAME, COMMANDS_ROUTE, Config, INTERACTIONS_ROUTE, Slack};
use crate::clock::{Clock, rfc3339};
use crate::delivery::Outbox;
use crate::net;

/// The workspace's id.
pub(super) const TEAM: &str = "T0DEMO";
const APP: &str = "A0DEMO";
const SECRET: &str = "4f6cc4b1a2d94c7c9d0b6d7f6a1e2c3b";
/// The app's token, which every call to the Web API must carry.
pub(super) const TOKEN: &str = "xoxb-demo-0123456789abcdef";

/// Slack waits three seconds for the answer to an interaction.
const ANSWER_DEADLINE: Duration = Duration::from_secs(3);

/// What cannot be done in the workspace; a sentence.
pub(super) type Cannot = String;

/// The pretend workspace.
pub(super) struct Workspace {
    pub(super) base: String,
    pub(super) clock: Clock,
    desk: Mutex<Desk>,
    slack: Slack,
    http: reqwest::Client,
    server: OnceLock<SocketAddr>,
    outbox: Outbox,
}

impl Workspace {
    /// Starts its Web API; it ends when the guard is dropped.
    pub(super) async fn start(
        tasks: &TaskTracker,
        clock: Clock,
        outbox: Outbox,
    ) -> Result<(Arc<Self>, DropGuard), Stop> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}", listener.local_addr()?);
        let http = net::client(ANSWER_DEADLINE + Duration::from_secs(1))?;
        let slack = adapter(&base, &http, clock.clone())?;
        let desk = Mutex::default();
        let workspace = Arc::new(Self {
            base,
            clock,
            desk,
            slack,
            http,
            server: OnceLock::new(),
            outbox,
        });
        let stop = CancellationToken::new();
        let router = api::router(Arc::clone(&workspace));
        tasks.spawn(api::serve(listener, router, tasks.clone(), stop.clone()));
        Ok((workspace, stop.drop_guard()))
    }

    /// The adapter that trusts this workspace.
    pub(super) fn adapter(&self) -> Result<Slack, Stop> {
        adapter(
            &self.base,
            &net::client(Duration::from_secs(5))?,
            self.clock.clone(),
        )
    }

    /// Where relatch listens.
    pub(super) fn is_served_at(&self, server: SocketAddr) {
        if self.server.set(server).is_err() {
            tracing::debug!("the workspace knows its server already");
        }
    }

    /// Looks at, or changes, what there is to see.
    pub(super) fn desk<T>(&self, act: impl FnOnce(&mut Desk) -> T) -> T {
        let mut desk = self.desk.lock().unwrap_or_else(PoisonError::into_inner);
        desk.receive(self.outbox.take(), self.clock.now());
        act(&mut desk)
    }

    /// Somebody types into the composer.
    pub(super) async fn say(&self, user: &str, text: &str) -> Result<(), Cannot> {
        let person = who(user)?;
        let text = text.trim();
        let rest = text
            .strip_prefix(COMMAND_NAME)
            .filter(|rest| rest.is_empty() || rest.starts_with(' '));
        let Some(rest) = rest else {
            return Err(format!(
                "Nobody reads messages here. Type {COMMAND_NAME} and a member."
            ));
        };
        let now = self.clock.now();
        let (address, trigger) = self.desk(|desk| {
            desk.version += 1;
            desk.show(user, user, json!({ "text": text }), now);
            (desk.new_address(user, None, now), desk.new_trigger(user))
        });
        let fields = [
            ("token", "not-used"),
            ("team_id", TEAM),
            ("team_domain", "acme"),
            ("channel_id", "C0DEMO"),
            ("channel_name", "it-desk"),
            ("user_id", user),
            ("user_name", person.handle()),
            ("command", COMMAND_NAME),
            ("text", &escaped(rest.trim())),
            ("api_app_id", APP),
            ("is_enterprise_install", "false"),
            ("response_url", &format!("{}/reply/{address}", self.base)),
            ("trigger_id", &trigger),
        ];
        let body: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", encode(value)))
            .collect();
        let answer = self
            .post("Slash command", COMMANDS_ROUTE, body.join("&"))
            .await?;
        if answer.is_empty() {
            return Ok(());
        }
        let Ok(message) = serde_json::from_str::<Value>(&answer) else {
            self.desk(|desk| desk.broke("the answer to a command is no JSON", now));
            return Ok(());
        };
        self.desk(|desk| {
            for rule in rules::of_message(&message) {
                desk.broke(rule, now);
            }
            let id = desk.show(user, "relatch", message, now);
            desk.bind(&address, id);
        });
        Ok(())
    }

    /// Somebody presses a button of a message that they see.
    pub(super) async fn click(
        &self,
        user: &str,
        message: &str,
        action: &str,
    ) -> Result<(), Cannot> {
        let person = who(user)?;
        let now = self.clock.now();
        let said = self.message(user, message).ok_or("This message is gone.")?;
        let button = button(&said.message, action).ok_or("This button is gone.")?;
        let (address, trigger) = self.desk(|desk| {
            (
                desk.new_address(user, Some(message.to_owned()), now),
                desk.new_trigger(user),
            )
        });
        let payload = json!({
            "type": "block_actions",
            "user": { "id": user, "username": person.handle(), "name": person.handle(), "team_id": TEAM },
            "api_app_id": APP,
            "token": "not-used",
            "container": { "type": "message", "message_ts": "0", "channel_id": "C0DEMO", "is_ephemeral": true },
            "trigger_id": trigger,
            "team": { "id": TEAM, "domain": "acme" },
            "enterprise": null,
            "is_enterprise_install": false,
            "channel": { "id": "C0DEMO", "name": "it-desk" },
            "response_url": format!("{}/reply/{address}", self.base),
            "actions": [{
                "action_id": action, "block_id": "b", "type": "button", "text": button["text"],
                "value": button["value"], "action_ts": "0",
            }],
        });
        let answer = self
            .post(
                "Click",
                INTERACTIONS_ROUTE,
                format!("payload={}", encode(&payload.to_string())),
            )
            .await?;
        if !answer.is_empty() {
            // Slack, "Block actions": the answer does not replace the message.
            self.desk(|desk| desk.broke("the answer to a click is not empty", now));
        }
        Ok(())
    }

    /// Somebody sends the form in front of them.
    pub(super) async fn submit(
        &self,
        user: &str,
        view: &str,
        values: &Value,
    ) -> Result<(), Cannot> {
        who(user)?;
        let now = self.clock.now();
        let opened = self.desk(|desk| {
            desk.views
                .get(user)
                .filter(|opened| opened.id == view)
                .cloned()
        });
        let opened = opened.ok_or("This form is closed.")?;
        let (mut state, shown) = (serde_json::Map::new(), &opened.view);
        for block in shown["blocks"].as_array().into_iter().flatten() {
            let action = block.pointer("/element/action_id").and_then(Value::as_str);
            let Some((id, action)) = block["block_id"].as_str().zip(action) else {
                continue;
            };
            let typed = json!({ action: { "type": "plain_text_input", "value": values[id] } });
            state.insert(id.to_owned(), typed);
        }
        let payload = json!({
            "type": "view_submission",
            "team": { "id": TEAM, "domain": "acme" },
            "user": { "id": user, "team_id": TEAM },
            "api_app_id": APP,
            "trigger_id": self.desk(|desk| desk.new_trigger(user)),
            "view": {
                "id": view, "type": "modal", "callback_id": shown["callback_id"],
                "private_metadata": shown["private_metadata"], "state": { "values": state },
            },
            "response_urls": [],
        });
        let answer = self
            .post(
                "Form",
                INTERACTIONS_ROUTE,
                format!("payload={}", encode(&payload.to_string())),
            )
            .await?;
        let told: Value = serde_json::from_str(&answer).unwrap_or_default();
        let errors = told.get("errors").filter(|_| {
            told.get("response_action")
                .is_some_and(|word| word == "errors")
        });
        self.desk(|desk| {
            desk.version += 1;
            if answer.is_empty() {
                desk.views.remove(user);
            } else if let Some(errors) = errors {
                if let Some(opened) = desk.views.get_mut(user) {
                    opened.errors = serde_json::from_value(errors.clone()).unwrap_or_default();
                }
            } else {
                desk.broke(
                    "the answer to a form is neither empty nor a response_action",
                    now,
                );
            }
        });
        Ok(())
    }

    /// Somebody closes the form in front of them; Slack tells nobody.
    pub(super) fn close(&self, user: &str) {
        self.desk(|desk| {
            desk.version += 1;
            desk.views.remove(user);
        });
    }

    /// A message that this person sees.
    pub(super) fn message(&self, user: &str, id: &str) -> Option<Said> {
        self.desk(|desk| {
            desk.messages
                .iter()
                .find(|said| said.id == id && said.to == user)
                .cloned()
        })
    }

    /// Signs and posts to the real routes. The body of the answer.
    async fn post(&self, title: &'static str, route: &str, body: String) -> Result<String, Cannot> {
        let server = self.server.get().ok_or("relatch is not up yet.")?;
        let now = self.clock.now();
        let form = (
            "content-type".to_owned(),
            "application/x-www-form-urlencoded".to_owned(),
        );
        let mut headers = vec![form];
        headers.extend(
            self.slack
                .sign(body.as_bytes(), now)
                .map(|(name, value)| (name.to_ascii_lowercase(), value)),
        );
        let mut request = self.http.post(format!("http://{server}{route}"));
        for (name, value) in &headers {
            request = request.header(name, value);
        }
        let began = Instant::now();
        let answer = net::call(request.body(body.clone())).await;
        let took = began.elapsed();
        let (status, text) = match answer {
            Ok(answer) => (
                answer.status,
                String::from_utf8_lossy(&answer.body).into_owned(),
            ),
            Err(error) => (0, error.to_string()),
        };
        let id = self.desk(|desk| desk.next_id('w'));
        let line = format!("POST {route}");
        let exchange = Exchange {
            id,
            at: rfc3339(now).chars().skip(11).take(8).collect(),
            direction: "to relatch",
            title,
            request: Asked {
                line,
                headers,
                body,
            },
            answer: Answered {
                status,
                ms: took.as_millis(),
                body: text.clone(),
            },
        };
        self.desk(|desk| {
            desk.note(exchange);
            if took > ANSWER_DEADLINE {
                desk.broke(
                    format!(
                        "an answer took {} ms; 3 seconds are the most",
                        took.as_millis()
                    ),
                    now,
                );
            }
        });
        if status == 200 {
            Ok(text)
        } else {
            Err(format!("relatch answered {status}."))
        }
    }
}

fn adapter(base: &str, http: &reqwest::Client, clock: Clock) -> Result<Slack, Stop> {
    let config = Config {
        signing_secret: SECRET.to_owned().into(),
        previous_signing_secret: None,
        bot_token: TOKEN.to_owned().into(),
        team_id: TEAM.to_owned(),
        enterprise_id: None,
        app_id: Some(APP.to_owned()),
        api_url: format!("{base}/api/").parse()?,
        response_origins: vec![base.parse()?],
    };
    Ok(Slack::new(config, http.clone(), clock)?)
}

/// A person whom one can be.
fn who(user: &str) -> Result<&'static Person, Cannot> {
    let found = PEOPLE
        .iter()
        .find(|person| person.id() == user && !person.plays.is_empty());
    found.ok_or_else(|| "You can't be this person here.".to_owned())
}

/// What Slack makes of `@Mina Park` where the manifest says `should_escape`: `<@UMINAPARK|mina.park>`.
fn escaped(text: &str) -> String {
    let mut text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    for person in &PEOPLE {
        let mention = format!("<@{}|{}>", person.id(), person.handle());
        text = text.replace(&format!("@{}", person.name), &mention);
    }
    text
}

/// The button of a message with this action.
pub(super) fn button<'a>(message: &'a Value, action: &str) -> Option<&'a Value> {
    let blocks = message["blocks"].as_array()?;
    blocks
        .iter()
        .filter_map(|block| block["elements"].as_array())
        .flatten()
        .find(|one| one["action_id"] == action)
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
