//! The pretend workspace: it posts signed requests to the real routes, and keeps what can be seen in all its chats.

use std::net::SocketAddr;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rand::RngExt;
use tokio::sync::watch;
use url::Url;

use super::error::{ActionRefused, DemoError};
use super::exchange::{HttpExchange, ShownAnswer, ShownRequest, time_of_day};
use super::people::{DemoPerson, PEOPLE};
use super::profile::Profile;
use super::signers::{DiscordKey, LarkApp, TriggerKey};
use super::state::{ShownMessage, WorkspaceState};
use crate::chance::{Chance, NoEntropy};
use crate::chat::Chat;
use crate::chat::slack::{Config, Slack};
use crate::clock::Clock;
use crate::delivery::Outbox;
use crate::domain::{Moment, Platform};
use crate::net;
use crate::secret::Keys;

pub(super) const TEAM: &str = "T0DEMO";
pub(super) const APP: &str = "A0DEMO";
const SECRET: &str = "4f6cc4b1a2d94c7c9d0b6d7f6a1e2c3b";
/// The app's token, which every call to the Web API must carry.
pub(super) const TOKEN: &str = "xoxb-demo-0123456789abcdef";

/// Slack waits three seconds for the answer to an interaction.
const ANSWER_DEADLINE: Duration = Duration::from_secs(3);

/// How long relatch waits for an answer of a chat's API.
const API_DEADLINE: Duration = Duration::from_secs(5);

/// The demo waits longer than Slack: a late answer on a busy machine is shown as a broken rule, and the visitor goes on.
const CALL_DEADLINE: Duration = Duration::from_mins(1);

pub(super) struct Workspace {
    pub(super) base: String,
    pub(super) clock: Clock,
    state: Mutex<WorkspaceState>,
    pub(super) slack: Slack,
    pub(super) discord: DiscordKey,
    pub(super) mattermost: TriggerKey,
    /// A part of every response URL of Slack.
    pub(super) reply_key: String,
    http: reqwest::Client,
    server: OnceLock<SocketAddr>,
    outbox: Outbox,
    /// What members are sent.
    pub(super) profile: Profile,
    /// Tells one start of the workspace from another: for the page, and for the ids.
    pub(super) run: u32,
    restart: watch::Sender<Option<Profile>>,
}

impl Workspace {
    /// A workspace whose Web API is at `base`.
    pub(super) fn new(
        base: String,
        clock: Clock,
        outbox: Outbox,
        profile: Profile,
    ) -> Result<Self, DemoError> {
        let http = net::client(CALL_DEADLINE)?;
        // 32 bits: a script reads such a number exactly.
        let run = Chance::System.rng()?.random();
        let state = WorkspaceState::of_start(run);
        Ok(Self {
            slack: adapter(&base, &http, clock.clone())?,
            discord: DiscordKey::new()?,
            mattermost: TriggerKey::new()?,
            reply_key: unguessable()?,
            base,
            clock,
            state: Mutex::new(state),
            http,
            server: OnceLock::new(),
            outbox,
            profile,
            run,
            restart: watch::Sender::new(None),
        })
    }

    /// The adapters that trust this workspace, one for each chat. Mattermost posts to `own_url`.
    pub(super) fn adapters(&self, own_url: &Url, keys: &Keys) -> Result<Vec<Chat>, DemoError> {
        let (http, clock) = (net::client(API_DEADLINE)?, self.clock.clone());
        let (base, own_url, keys) = (&self.base, own_url.clone(), keys.clone());
        let lark = LarkApp::adapter(base, keys.clone(), http.clone(), clock.clone())?;
        let slack = adapter(base, &http, clock.clone())?;
        let discord = self.discord.adapter(base, http.clone(), clock.clone())?;
        let mattermost = TriggerKey::adapter(base, own_url, keys, (http, clock))?;
        Ok(vec![
            Chat::Slack(slack),
            Chat::Discord(discord),
            Chat::Lark(lark),
            Chat::Mattermost(mattermost),
        ])
    }

    /// Asks to start everything anew with this profile.
    pub(super) fn ask_to_restart(&self, profile: Profile) {
        self.restart.send_replace(Some(profile));
    }

    /// Waits until somebody asks to start everything anew.
    pub(super) async fn restart_wanted(&self) -> Profile {
        let mut asked = self.restart.subscribe();
        let wanted = asked.wait_for(Option::is_some).await;
        // The sender lives as long as `self`.
        wanted.map_or(self.profile, |wanted| wanted.unwrap_or(self.profile))
    }

    pub(super) fn set_server(&self, server: SocketAddr) {
        if self.server.set(server).is_err() {
            tracing::debug!("the workspace knows its server already");
        }
    }

    /// Reads or changes what can be seen, after new deliveries were added.
    pub(super) fn state<T>(&self, act: impl FnOnce(&mut WorkspaceState) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.receive(self.outbox.take(), self.clock.now());
        act(&mut state)
    }

    /// A message, if this person sees it.
    pub(super) fn message(&self, user: &str, id: &str) -> Option<ShownMessage> {
        self.state(|state| {
            state
                .messages
                .iter()
                .find(|shown| shown.id == id && shown.to == user)
                .cloned()
        })
    }

    /// Posts a signed request to the real routes. Returns the body of the answer.
    pub(super) async fn post(
        &self,
        title: &'static str,
        route: &str,
        headers: Vec<(&'static str, String)>,
        body: String,
    ) -> Result<String, ActionRefused> {
        let server = self.server.get().ok_or("relatch is not up yet.")?;
        let now = self.clock.now();
        let headers: Vec<(String, String)> = headers
            .into_iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value))
            .collect();
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
        let request = ShownRequest {
            line: format!("POST {route}"),
            headers,
            body,
        };
        let answer = ShownAnswer {
            status,
            ms: took.as_millis(),
            body: text.clone(),
        };
        self.record(title, request, answer, (now, took));
        if status == 200 {
            Ok(text)
        } else {
            Err(format!("relatch answered {status}."))
        }
    }

    /// Records a request to relatch and its answer, and warns of one that came too late.
    fn record(
        &self,
        title: &'static str,
        request: ShownRequest,
        answer: ShownAnswer,
        (now, took): (Moment, Duration),
    ) {
        let (ms, line) = (answer.ms, request.line.clone());
        self.state(|state| {
            let exchange = HttpExchange {
                id: state.next_id('w'),
                at: time_of_day(now),
                direction: "to relatch",
                title,
                request,
                answer,
            };
            state.record(exchange);
            if took > ANSWER_DEADLINE {
                let chat = chat_of(&line);
                state.was_late(
                    chat,
                    format!("an answer took {ms} ms; 3 seconds are the most"),
                    now,
                );
            }
        });
    }
}

/// The chat that a request to relatch came from, by its route.
fn chat_of(line: &str) -> Platform {
    let is_named = |chat: &&Platform| line.contains(chat.as_str());
    Platform::ALL
        .iter()
        .find(is_named)
        .copied()
        .unwrap_or(Platform::Slack)
}

/// A text that nobody can guess.
pub(super) fn unguessable() -> Result<String, NoEntropy> {
    let random: [u8; 16] = Chance::System.rng()?.random();
    Ok(hex::encode(random))
}

/// A person whom the visitor can be.
pub(super) fn actor(user: &str) -> Result<&'static DemoPerson, ActionRefused> {
    let found = PEOPLE
        .iter()
        .find(|person| person.id() == user && !person.plays.is_empty());
    found.ok_or_else(|| "You can't be this person here.".to_owned())
}

fn adapter(base: &str, http: &reqwest::Client, clock: Clock) -> Result<Slack, DemoError> {
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
