//! What can be seen in the pretend workspace: messages, forms, SMS and e-mails, the HTTP exchanges, and broken rules.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Value, json};

use super::exchange::HttpExchange;
use super::people::{APP_NAME, DemoPerson, PEOPLE};
use super::{boxes, rules};
use crate::clock::{Zone, rfc3339};
use crate::delivery::Delivered;
use crate::domain::{Channel, Moment, Platform, Span};

/// A response URL works five times in thirty minutes (Slack, "Handling user interaction").
const RESPONSE_USES: u32 = 5;
const RESPONSE_LIFE: Span = Span::minutes(30);

/// A trigger opens one view within three seconds (Slack, "Modals").
const TRIGGER_LIFE: Duration = Duration::from_secs(3);

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
    ephemeral: bool,
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

/// A URL that takes answers to one interaction.
struct ResponseUrl {
    user: String,
    message: Option<String>,
    uses: u32,
    made_at: Moment,
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
}

impl Reply {
    pub(super) fn new(user: String, message: Option<String>, made_at: Moment) -> Self {
        Self {
            user,
            message,
            made_at,
            is_answered: false,
        }
    }
}

/// The right to open one form.
struct FormTrigger {
    user: String,
    made_at: Instant,
    was_used: bool,
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
    /// Discord's interactions by their tokens, Mattermost's by their triggers.
    tokens: HashMap<String, Reply>,
    pub(super) inbox: Vec<InboxMessage>,
    pub(super) exchanges: Vec<HttpExchange>,
    broken: Vec<BrokenRule>,
    response_urls: HashMap<String, ResponseUrl>,
    triggers: HashMap<String, FormTrigger>,
}

impl WorkspaceState {
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

    /// A new response URL; `message` is the one whose button was clicked.
    pub(super) fn new_response_url(
        &mut self,
        user: &str,
        message: Option<String>,
        now: Moment,
    ) -> String {
        let id = self.next_id('r');
        let url = ResponseUrl {
            user: user.to_owned(),
            message,
            uses: 0,
            made_at: now,
        };
        self.response_urls.insert(id.clone(), url);
        id
    }

    /// Makes a message the one that answers to this URL replace.
    pub(super) fn bind(&mut self, url: &str, message: String) {
        if let Some(url) = self.response_urls.get_mut(url) {
            url.message = Some(message);
        }
    }

    /// A new trigger. Returns its id.
    pub(super) fn new_trigger(&mut self, user: &str) -> String {
        let id = self.next_id('t');
        let trigger = FormTrigger {
            user: user.to_owned(),
            made_at: Instant::now(),
            was_used: false,
        };
        self.triggers.insert(id.clone(), trigger);
        id
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

    /// A follow-up to a response URL. Returns the status that Slack answers.
    pub(super) fn follow_up(&mut self, url: &str, mut message: Value, now: Moment) -> u16 {
        self.version += 1;
        let Some(known) = self.response_urls.get_mut(url) else {
            self.broke(
                Platform::Slack,
                "a follow-up went to an address that was never given out",
                now,
            );
            return 404;
        };
        known.uses += 1;
        let (uses, user, original) = (known.uses, known.user.clone(), known.message.clone());
        if now - known.made_at > RESPONSE_LIFE {
            self.broke(
                Platform::Slack,
                "a response address was used after 30 minutes",
                now,
            );
            return 404;
        }
        if uses > RESPONSE_USES {
            self.broke(
                Platform::Slack,
                "a response address was used more than five times",
                now,
            );
            return 404;
        }
        let is_set = |name: &str| {
            message
                .get(name)
                .and_then(Value::as_bool)
                .unwrap_or_default()
        };
        let (is_replacing, is_deleting) = (is_set("replace_original"), is_set("delete_original"));
        if let Some(fields) = message.as_object_mut() {
            fields.remove("replace_original");
        }
        if is_deleting {
            self.messages
                .retain(|shown| Some(&shown.id) != original.as_ref());
            return 200;
        }
        for rule in rules::of_message(&message) {
            self.broke(Platform::Slack, rule, now);
        }
        let original = original.filter(|_| is_replacing);
        if let Some(shown) = self
            .messages
            .iter_mut()
            .find(|shown| Some(&shown.id) == original.as_ref())
        {
            shown.ticked = boxes::ticked(&message, &shown.ticked);
            shown.message = message;
            return 200;
        }
        let id = self.show(Platform::Slack, &user, APP_NAME, message, now);
        if is_replacing {
            self.bind(url, id);
        }
        200
    }

    /// `chat.postMessage` to a person: a message that stays. The error is Slack's own.
    pub(super) fn write_to(
        &mut self,
        user: &str,
        message: Value,
        now: Moment,
    ) -> Result<(), &'static str> {
        self.version += 1;
        if !PEOPLE.iter().any(|person| person.id() == user) {
            return Err("channel_not_found");
        }
        for rule in rules::of_message(&message) {
            self.broke(Platform::Slack, rule, now);
        }
        let id = self.show(Platform::Slack, user, APP_NAME, message, now);
        self.stays(&id);
        Ok(())
    }

    /// `views.open`. The error is Slack's own.
    pub(super) fn open(
        &mut self,
        trigger: &str,
        view: Value,
        now: Moment,
    ) -> Result<(), &'static str> {
        self.version += 1;
        let refused = match self.triggers.get_mut(trigger) {
            None => Some("invalid_trigger_id"),
            Some(trigger) if trigger.was_used => Some("exchanged_trigger_id"),
            Some(trigger) if trigger.made_at.elapsed() > TRIGGER_LIFE => Some("expired_trigger_id"),
            Some(trigger) => {
                trigger.was_used = true;
                None
            }
        };
        if let Some(word) = refused {
            self.broke(
                Platform::Slack,
                format!("views.open was refused: {word}"),
                now,
            );
            return Err(word);
        }
        for rule in rules::of_view(&view) {
            self.broke(Platform::Slack, rule, now);
        }
        let user = self
            .triggers
            .get(trigger)
            .map(|trigger| trigger.user.clone())
            .unwrap_or_default();
        let view = OpenView::new(self.next_id('V'), view);
        self.views.insert((Platform::Slack, user), view);
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment(1_795_399_200_000);

    fn message(text: &str) -> Value {
        json!({ "response_type": "ephemeral", "text": text, "replace_original": true })
    }

    /// The pretend Slack must be as strict as the real one, or it would prove nothing.
    #[test]
    fn a_response_address_works_five_times_in_thirty_minutes() {
        let mut state = WorkspaceState::default();
        let url = state.new_response_url("UJO", None, NOW);
        for count in 1..=5 {
            assert_eq!(
                state.follow_up(&url, message("x"), NOW + RESPONSE_LIFE),
                200,
                "{count}"
            );
        }
        assert_eq!(state.messages.len(), 1, "each replaced the one before");
        assert!(state.rules_broken_at_any_speed().is_empty());
        assert_eq!(state.follow_up(&url, message("x"), NOW), 404);
        assert_eq!(
            state.rules_broken_at_any_speed(),
            ["a response address was used more than five times"]
        );
        let other = state.new_response_url("UJO", None, NOW);
        assert_eq!(
            state.follow_up(&other, message("x"), NOW + RESPONSE_LIFE + Span(1)),
            404
        );
        assert_eq!(state.follow_up("r99", message("x"), NOW), 404);
        assert_eq!(state.rules_broken_at_any_speed().len(), 3);
    }

    #[test]
    fn a_trigger_opens_one_form() {
        let plain = json!({ "type": "plain_text", "text": "x" });
        let view = json!({ "type": "modal", "title": plain, "submit": plain, "blocks": [
            { "type": "input", "block_id": "a", "label": plain, "element": { "type": "plain_text_input" } },
        ]});
        let mut state = WorkspaceState::default();
        let trigger = state.new_trigger("UJO");
        assert_eq!(state.open(&trigger, view.clone(), NOW), Ok(()));
        assert!(
            state.rules_broken_at_any_speed().is_empty()
                && state
                    .views
                    .contains_key(&(Platform::Slack, "UJO".to_owned())),
            "{:?}",
            state.rules_broken_at_any_speed()
        );
        assert_eq!(
            state.open(&trigger, view.clone(), NOW),
            Err("exchanged_trigger_id")
        );
        assert_eq!(state.open("t99", view, NOW), Err("invalid_trigger_id"));
        assert_eq!(state.rules_broken_at_any_speed().len(), 2);
    }
}
