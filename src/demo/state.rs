//! What can be seen in the pretend workspace: messages, forms, SMS and e-mails, the HTTP exchanges, and broken rules.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use serde::Serialize;
use serde_json::{Value, json};

use super::boxes;
use super::exchange::HttpExchange;
use super::people::DemoPerson;
use crate::clock::{Zone, rfc3339};
use crate::delivery::Delivered;
use crate::domain::{Channel, Moment, Platform};

/// How many messages and exchanges are kept.
const KEPT: usize = 100;

/// One message, as one person sees it.
#[derive(Clone, Serialize)]
pub(super) struct ShownMessage {
    pub(super) id: String,
    chat: Platform,
    pub(super) to: String,
    pub(super) from: String,
    at: String,
    pub(super) ephemeral: bool,
    pub(super) message: Value,
    /// What is ticked in it, by block and action.
    pub(super) ticked: Value,
}

/// A form that a person has open.
#[derive(Clone, Serialize)]
pub(super) struct OpenView {
    pub(super) id: String,
    pub(super) view: Value,
    pub(super) errors: BTreeMap<String, String>,
    /// The message whose button opened it, where the chat tells that.
    #[serde(skip)]
    pub(super) message: Option<String>,
}

impl OpenView {
    pub(super) fn new(id: String, view: Value) -> Self {
        Self {
            id,
            view,
            errors: BTreeMap::new(),
            message: None,
        }
    }
}

/// An SMS or an e-mail.
#[derive(Clone, Serialize)]
pub(super) struct InboxMessage {
    id: String,
    at: String,
    pub(super) to: String,
    owner: &'static str,
    pub(super) subject: String,
    pub(super) text: String,
    #[serde(skip)]
    pub(super) channel: Channel,
}

/// A line that a chat shows one person for a moment.
#[derive(Clone, Serialize)]
struct Toast {
    id: String,
    chat: Platform,
    to: String,
    text: String,
}

/// A rule of a chat that was broken.
#[derive(Clone, Serialize)]
struct BrokenRule {
    id: String,
    /// Whose rule it is.
    chat: Platform,
    at: String,
    text: String,
    /// True where only the time was exceeded, which a busy machine does as well.
    #[serde(skip)]
    is_lateness: bool,
}

/// A URL that takes answers to one interaction of Slack.
pub(super) struct ResponseUrl {
    pub(super) user: String,
    pub(super) message: Option<String>,
    pub(super) uses: u32,
    pub(super) made_at: Moment,
}

/// What answers to one interaction need.
#[derive(Clone)]
pub(super) struct Reply {
    pub(super) user: String,
    /// The message that an edit changes.
    pub(super) message: Option<String>,
    pub(super) made_at: Moment,
    /// False until the interaction itself was answered.
    pub(super) is_answered: bool,
    uses: u32,
}

impl Reply {
    pub(super) fn new(user: String, message: Option<String>, made_at: Moment) -> Self {
        Self {
            user,
            message,
            made_at,
            is_answered: false,
            uses: 0,
        }
    }
}

/// The right to open one form in Slack.
pub(super) struct FormTrigger {
    pub(super) user: String,
    pub(super) made_at: Instant,
    pub(super) was_used: bool,
}

#[derive(Default)]
pub(super) struct WorkspaceState {
    /// Changes with everything that can be seen, so that the page fetches only what is new.
    pub(super) version: u64,
    /// True where the database outlives the demo.
    pub(super) is_kept: bool,
    last_id: u64,
    minute: String,
    pub(super) messages: Vec<ShownMessage>,
    pub(super) views: BTreeMap<(Platform, String), OpenView>,
    /// What the chats say above everything for a moment.
    toasts: Vec<Toast>,
    /// Discord's interactions and Lark's clicks by their tokens, Mattermost's by their triggers.
    tokens: HashMap<String, Reply>,
    pub(super) inbox: Vec<InboxMessage>,
    pub(super) exchanges: Vec<HttpExchange>,
    broken: Vec<BrokenRule>,
    pub(super) response_urls: HashMap<String, ResponseUrl>,
    pub(super) triggers: HashMap<String, FormTrigger>,
}

/// 20 bits are about a million ids for one start. With the 32 bits of `run` an id has at most 16 digits; Discord's has room
/// for 17.
const ROOM_FOR_IDS: u32 = 20;

impl WorkspaceState {
    /// The empty state of a start of the workspace. With `--data` the database knows the ids of earlier starts, so the ids of
    /// a start begin at a number of its own.
    pub(super) fn of_start(run: u32) -> Self {
        Self {
            last_id: u64::from(run) << ROOM_FOR_IDS,
            ..Self::default()
        }
    }

    /// A new id that begins with this letter.
    pub(super) fn next_id(&mut self, letter: char) -> String {
        self.last_id += 1;
        format!("{letter}{}", self.last_id)
    }

    /// A new minute can be seen too.
    pub(super) fn set_time(&mut self, now: Moment) {
        let minute: String = rfc3339(now).chars().take(16).collect();
        if self.minute != minute {
            self.minute = minute;
            self.version += 1;
        }
    }

    /// Shows a message to one person. Returns its id.
    pub(super) fn show(
        &mut self,
        chat: Platform,
        to: &str,
        from: &str,
        message: Value,
        now: Moment,
    ) -> String {
        let id = self.next_id('m');
        let shown = ShownMessage {
            id: id.clone(),
            chat,
            to: to.to_owned(),
            from: from.to_owned(),
            at: Zone::utc().tell(now, now),
            ephemeral: true,
            ticked: boxes::ticked(&message, &Value::Null),
            message,
        };
        self.messages.push(shown);
        let surplus = self.messages.len().saturating_sub(KEPT);
        self.messages.drain(..surplus);
        id
    }

    /// Makes a message one that stays, in a chat of the app with one person.
    pub(super) fn stays(&mut self, message: &str) {
        for shown in self.messages.iter_mut().filter(|shown| shown.id == message) {
            shown.ephemeral = false;
        }
    }

    /// Puts another message in the place of this one. False if it is not there.
    pub(super) fn edit(&mut self, message: &str, new: Value) -> bool {
        let shown = self.messages.iter_mut().find(|shown| shown.id == message);
        shown.map(|shown| shown.message = new).is_some()
    }

    /// True for a message that is for one person alone.
    pub(super) fn is_ephemeral(&self, message: &str) -> bool {
        self.messages
            .iter()
            .any(|shown| shown.id == message && shown.ephemeral)
    }

    /// Deletes a message that is for one person alone. False if there is none.
    pub(super) fn delete(&mut self, message: &str) -> bool {
        self.version += 1;
        let before = self.messages.len();
        self.messages
            .retain(|shown| shown.id != message || !shown.ephemeral);
        self.messages.len() < before
    }

    /// Shows a line to one person for a moment.
    pub(super) fn toast(&mut self, chat: Platform, to: &str, text: &str) {
        let id = self.next_id('o');
        self.toasts.push(Toast {
            id,
            chat,
            to: to.to_owned(),
            text: text.to_owned(),
        });
    }

    pub(super) fn forget_toast(&mut self, chat: Platform, to: &str) {
        self.toasts
            .retain(|toast| toast.chat != chat || toast.to != to);
    }

    pub(super) fn toasts_as_json(&self) -> Value {
        json!(self.toasts)
    }

    /// Closes a form, unless another one was opened since.
    pub(super) fn close(&mut self, whose: &(Platform, String), view: &str) {
        self.version += 1;
        if self
            .views
            .get(whose)
            .is_some_and(|opened| opened.id == view)
        {
            self.views.remove(whose);
        }
    }

    /// The forms that are open, by chat and person.
    pub(super) fn views_as_json(&self) -> Value {
        let mut views: BTreeMap<Platform, BTreeMap<&String, &OpenView>> = BTreeMap::new();
        for ((chat, user), view) in &self.views {
            views.entry(*chat).or_default().insert(user, view);
        }
        json!(views)
    }

    /// The token of a new interaction.
    pub(super) fn keep_token(&mut self, token: String, reply: Reply) {
        self.tokens.insert(token, reply);
    }

    /// An interaction was answered; with the message that answers edit from now on.
    pub(super) fn answered(&mut self, token: &str, message: Option<String>) {
        if let Some(reply) = self.tokens.get_mut(token) {
            reply.is_answered = true;
            reply.message = message;
        }
    }

    /// Counts one use of a token. Returns how often it was used, with this one.
    pub(super) fn use_token(&mut self, token: &str) -> Option<u32> {
        let reply = self.tokens.get_mut(token)?;
        reply.uses += 1;
        Some(reply.uses)
    }

    pub(super) fn token(&self, token: &str) -> Option<Reply> {
        self.tokens.get(token).cloned()
    }

    /// A person ticked or unticked something in a message. The client shows it at once, before the app has answered.
    pub(super) fn tick(&mut self, message: &str, ticked: &Value) {
        self.version += 1;
        for shown in self.messages.iter_mut().filter(|shown| shown.id == message) {
            shown.ticked = ticked.clone();
        }
    }

    /// Records that relatch broke a rule of a chat.
    pub(super) fn broke(&mut self, chat: Platform, text: impl Into<String>, now: Moment) {
        self.note_broken(chat, text.into(), false, now);
    }

    /// Records that relatch, or this machine, was too slow for a chat.
    pub(super) fn was_late(&mut self, chat: Platform, text: String, now: Moment) {
        self.note_broken(chat, text, true, now);
    }

    fn note_broken(&mut self, chat: Platform, text: String, is_lateness: bool, now: Moment) {
        let id = self.next_id('b');
        let at = Zone::utc().tell(now, now);
        self.broken.push(BrokenRule {
            id,
            chat,
            at,
            text,
            is_lateness,
        });
        self.version += 1;
    }

    /// The sentences of the broken rules that are about more than time.
    pub(super) fn rules_broken_at_any_speed(&self) -> Vec<String> {
        let rules = self.broken.iter().filter(|rule| !rule.is_lateness);
        rules.map(|rule| rule.text.clone()).collect()
    }

    pub(super) fn broken_as_json(&self) -> Value {
        serde_json::to_value(&self.broken).unwrap_or_default()
    }

    /// Adds new SMS and e-mails.
    pub(super) fn receive(&mut self, delivered: Vec<Delivered>, now: Moment) {
        for Delivered {
            channel,
            to,
            subject,
            text,
        } in delivered
        {
            let id = self.next_id(if channel.facts().is_short { 's' } else { 'e' });
            let (at, owner) = (Zone::utc().tell(now, now), DemoPerson::owner_of(&to));
            self.inbox.push(InboxMessage {
                id,
                at,
                to,
                owner,
                subject,
                text,
                channel,
            });
            self.version += 1;
        }
    }

    pub(super) fn record(&mut self, exchange: HttpExchange) {
        self.exchanges.push(exchange);
        let surplus = self.exchanges.len().saturating_sub(KEPT);
        self.exchanges.drain(..surplus);
        self.version += 1;
    }
}
