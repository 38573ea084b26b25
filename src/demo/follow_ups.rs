//! Slack's response URLs and triggers: what an app may do with them, how often, and for how long.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::people::{APP_NAME, PEOPLE};
use super::state::{FormTrigger, OpenView, ResponseUrl, WorkspaceState};
use super::{boxes, rules};
use crate::domain::{Moment, Platform, Span};

/// A response URL works five times in thirty minutes (Slack, "Handling user interaction").
const RESPONSE_USES: u32 = 5;
const RESPONSE_LIFE: Span = Span::minutes(30);

/// A trigger opens one view within three seconds (Slack, "Modals").
const TRIGGER_LIFE: Duration = Duration::from_secs(3);

impl WorkspaceState {
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

    /// From now on, answers to this URL replace this message.
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
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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
