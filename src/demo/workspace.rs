//! A pretend Slack: it signs, answers `users.info`, takes follow-ups, and tells the story of one reset.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::people::PEOPLE;
use super::{Stop, say};
use crate::chat::slack::{COMMANDS_ROUTE, Config, INTERACTIONS_ROUTE, Slack};
use crate::clock::Clock;
use crate::delivery::Outbox;
use crate::net;

const TEAM: &str = "T0DEMO";
const SECRET: &str = "4f6cc4b1a2d94c7c9d0b6d7f6a1e2c3b";
const TOKEN: &str = "xoxb-demo-0123456789abcdef";

/// How long the story waits for a message.
const PATIENCE: Duration = Duration::from_secs(10);

/// The pretend workspace on a port of its own; it ends when it is dropped.
pub(super) struct Workspace {
    base: String,
    said: Mutex<mpsc::UnboundedReceiver<Value>>,
    _stop: DropGuard,
}

impl Workspace {
    /// Starts its server.
    pub(super) async fn start(tasks: &TaskTracker) -> Result<Self, Stop> {
        let (say, said) = mpsc::unbounded_channel();
        let router = Router::new()
            .route("/api/users.info", post(users_info))
            .route("/reply", post(reply))
            .with_state(Arc::new(say));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}", listener.local_addr()?);
        let stop = CancellationToken::new();
        tasks.spawn(serve(listener, router, tasks.clone(), stop.clone()));
        Ok(Self { base, said: Mutex::new(said), _stop: stop.drop_guard() })
    }

    /// The adapter that trusts this workspace.
    pub(super) fn adapter(&self, http: &reqwest::Client, clock: Clock) -> Result<Slack, Stop> {
        let config = Config {
            signing_secret: SECRET.to_owned().into(),
            previous_signing_secret: None,
            bot_token: TOKEN.to_owned().into(),
            team_id: TEAM.to_owned(),
            enterprise_id: None,
            app_id: None,
            api_url: format!("{}/api/", self.base).parse()?,
            response_origins: vec![self.base.parse()?],
        };
        Ok(Slack::new(config, http.clone(), clock)?)
    }

    /// One whole reset, printed as the people in it see it.
    pub(super) async fn story(&self, server: SocketAddr, outbox: &Outbox) -> Result<(), Stop> {
        let http = net::client(PATIENCE)?;
        let slack = self.adapter(&http, Clock::System)?;
        let player = Player { workspace: self, slack, http, server };

        say("Jo Lim (primary admin) types:  /reset-password @Mina Park forgot it on holiday\n")?;
        let card = player.command("<@UMINAPARK|mina> forgot it on holiday").await?;
        show("Jo sees", &card)?;

        say("Jo presses \"Phone +82 ··· ··42\".\n")?;
        let ready = player.click(&card, "deliver_phone").await?;
        show("Jo sees", &ready)?;

        say("Jo presses \"Reset and send\".\n")?;
        let ended = player.click(&ready, "confirm").await?;
        show("Jo sees", &ended)?;
        for sent in outbox.take() {
            let subject = if sent.subject.is_empty() { String::new() } else { format!(" · {}", sent.subject) };
            say(&format!("── {} to {}{subject}\n{}\n", sent.channel, sent.to, indent(sent.text.trim_end())))?;
        }

        say("Lee Han (no administrator) tries the same:\n")?;
        show("Lee sees", &player.command_as("ULEE", "<@UMINAPARK|mina>").await?)?;
        Ok(())
    }

    async fn next_said(&self) -> Result<Value, Stop> {
        let until = tokio::time::Instant::now() + PATIENCE;
        loop {
            let next = self.said.lock().map_err(|_| "the workspace is broken")?.try_recv().ok();
            match next {
                Some(said) => return Ok(said),
                None if tokio::time::Instant::now() > until => return Err("no message came".into()),
                None => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    }
}

/// Plays the people: signs what they do and posts it to the real routes.
struct Player<'a> {
    workspace: &'a Workspace,
    slack: Slack,
    http: reqwest::Client,
    server: SocketAddr,
}

impl Player<'_> {
    async fn command(&self, text: &str) -> Result<Value, Stop> {
        self.command_as("UJO", text).await
    }

    async fn command_as(&self, user: &str, text: &str) -> Result<Value, Stop> {
        let reply = format!("{}/reply", self.workspace.base);
        let body = format!(
            "team_id={TEAM}&user_id={user}&command=%2Freset-password&text={}&response_url={}",
            encode(text),
            encode(&reply)
        );
        let answer = self.post(COMMANDS_ROUTE, body).await?;
        Ok(serde_json::from_slice(&answer)?)
    }

    async fn click(&self, message: &Value, action: &str) -> Result<Value, Stop> {
        let button =
            elements(message).into_iter().find(|element| element["action_id"] == action).ok_or("no such button")?;
        let payload = json!({
            "type": "block_actions",
            "user": { "id": "UJO", "team_id": TEAM },
            "team": { "id": TEAM },
            "response_url": format!("{}/reply", self.workspace.base),
            "actions": [{ "action_id": action, "value": button["value"] }],
        });
        self.post(INTERACTIONS_ROUTE, format!("payload={}", encode(&payload.to_string()))).await?;
        self.workspace.next_said().await
    }

    async fn post(&self, route: &str, body: String) -> Result<Vec<u8>, Stop> {
        let url = format!("http://{}{route}", self.server);
        let mut request = self.http.post(url).header("content-type", "application/x-www-form-urlencoded");
        for (name, value) in self.slack.sign(body.as_bytes(), Clock::System.now()) {
            request = request.header(name, value);
        }
        let answer = net::call(request.body(body)).await?;
        if answer.status == 200 {
            Ok(answer.body)
        } else {
            Err(format!("the server answered {}", answer.status).into())
        }
    }
}

async fn serve(listener: TcpListener, router: Router, tasks: TaskTracker, stop: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        let Ok((stream, _)) = accepted else { continue };
        let (service, stop) = (TowerToHyperService::new(router.clone()), stop.clone());
        tasks.spawn(async move {
            let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::select! {
                ended = connection => drop(ended.ok()),
                () = stop.cancelled() => {}
            }
        });
    }
}

type Said = Arc<mpsc::UnboundedSender<Value>>;

async fn users_info(body: String) -> String {
    let id = body.strip_prefix("user=").unwrap_or_default();
    let answer = match PEOPLE.iter().find(|person| user_id(person.1) == id) {
        Some((_, email, ..)) => json!({ "ok": true, "user": {
            "id": id, "team_id": TEAM, "is_email_confirmed": true, "profile": { "email": email },
        }}),
        None => json!({ "ok": false, "error": "user_not_found" }),
    };
    answer.to_string()
}

async fn reply(State(said): State<Said>, body: String) -> &'static str {
    let heard = serde_json::from_str(&body).is_ok_and(|message: Value| said.send(message).is_ok());
    if heard { "ok" } else { "invalid_payload" }
}

fn user_id(email: &str) -> String {
    let name = email.split('@').next().unwrap_or_default();
    format!("U{}", name.replace('.', "").to_uppercase())
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn elements(message: &Value) -> Vec<&Value> {
    let blocks = message["blocks"].as_array().into_iter().flatten();
    blocks.filter_map(|block| block["elements"].as_array()).flatten().collect()
}

/// Prints a message as it looks in the chat.
fn show(who: &str, message: &Value) -> Result<(), Stop> {
    let mut lines = Vec::new();
    for block in message["blocks"].as_array().into_iter().flatten() {
        lines.extend(block.pointer("/text/text").and_then(Value::as_str).map(str::to_owned));
    }
    let buttons: Vec<String> = elements(message)
        .iter()
        .filter_map(|button| button.pointer("/text/text").and_then(Value::as_str))
        .map(|label| format!("[{label}]"))
        .collect();
    if !buttons.is_empty() {
        lines.push(buttons.join(" "));
    }
    say(&format!("── {who} (only they can see it)\n{}\n", indent(&lines.join("\n"))))?;
    Ok(())
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("   {line}")).collect::<Vec<_>>().join("\n")
}
