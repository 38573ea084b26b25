//! What there is to see in the pretend workspace: messages, forms, the member's phone and mailboxes, and the wire.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::Value;

use super::people::Person;
use super::rules;
use crate::clock::{Zone, rfc3339};
use crate::delivery::Delivered;
use crate::domain::{Channel, Moment, Span};

/// A response address works five times in thirty minutes (Slack, "Handling user interaction").
const REPLY_USES: u32 = 5;
const REPLY_LIFE: Span = Span::minutes(30);

/// A trigger opens one view within three seconds (Slack, "Modals").
const TRIGGER_LIFE: Duration = Duration::from_secs(3);

/// How many exchanges and messages are kept.
const KEPT: usize = 100;

/// One message, as one person sees it.
#[derive(Clone, Serialize)]
pub(super) struct Said {
    pub(super) id: String,
    pub(super) to: String,
    from: String,
    at: String,
    ephemeral: bool,
    pub(super) message: Value,
}

/// A form in front of a person.
#[derive(Clone, Serialize)]
pub(super) struct Opened {
    pub(super) id: String,
    pub(super) view: Value,
    pub(super) errors: BTreeMap<String, String>,
}

/// An SMS or an e-mail that arrived.
#[derive(Clone, Serialize)]
pub(super) struct Arrived {
    id: String,
    at: String,
    pub(super) to: String,
    owner: &'static str,
    pub(super) subject: String,
    pub(super) text: String,
    #[serde(skip)]
    pub(super) channel: Channel,
}

/// A request with its answer, in either direction.
#[derive(Clone, Serialize)]
pub(super) struct Exchange {
    pub(super) id: String,
    pub(super) at: String,
    pub(super) direction: &'static str,
    pub(super) title: &'static str,
    pub(super) request: Asked,
    pub(super) answer: Answered,
}

/// The request.
#[derive(Clone, Serialize)]
pub(super) struct Asked {
    pub(super) line: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

/// Its answer.
#[derive(Clone, Serialize)]
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) ms: u128,
    pub(super) body: String,
}

/// A rule of Slack's that was broken.
#[derive(Clone, Serialize)]
struct BrokenRule {
    id: String,
    at: String,
    text: String,
}

/// Where an answer to one interaction may go.
struct Address {
    user: String,
    message: Option<String>,
    uses: u32,
    made_at: Moment,
}

struct Ticket {
    user: String,
    made_at: Instant,
    was_used: bool,
}

/// Everything that changes.
#[derive(Default)]
pub(super) struct Desk {
    pub(super) version: u64,
    serial: u64,
    minute: String,
    pub(super) messages: Vec<Said>,
    pub(super) views: BTreeMap<String, Opened>,
    pub(super) arrived: Vec<Arrived>,
    pub(super) wire: Vec<Exchange>,
    broken: Vec<BrokenRule>,
    addresses: HashMap<String, Address>,
    triggers: HashMap<String, Ticket>,
}

impl Desk {
    /// A new id with this letter before it.
    pub(super) fn next_id(&mut self, letter: char) -> String {
        self.serial += 1;
        format!("{letter}{}", self.serial)
    }

    /// Notes the time; a new minute is something to see.
    pub(super) fn look_at_the_clock(&mut self, now: Moment) {
        let minute: String = rfc3339(now).chars().take(16).collect();
        if self.minute != minute {
            self.minute = minute;
            self.version += 1;
        }
    }

    /// A message appears.
    pub(super) fn show(&mut self, to: &str, from: &str, message: Value, now: Moment) -> String {
        let id = self.next_id('m');
        let said = Said {
            id: id.clone(),
            to: to.to_owned(),
            from: from.to_owned(),
            at: Zone::utc().tell(now, now),
            ephemeral: true,
            message,
        };
        self.messages.push(said);
        let surplus = self.messages.len().saturating_sub(KEPT);
        self.messages.drain(..surplus);
        id
    }

    /// A new response address; `message` is what a click on it stands in.
    pub(super) fn new_address(
        &mut self,
        user: &str,
        message: Option<String>,
        now: Moment,
    ) -> String {
        let id = self.next_id('r');
        let address = Address {
            user: user.to_owned(),
            message,
            uses: 0,
            made_at: now,
        };
        self.addresses.insert(id.clone(), address);
        id
    }

    /// The message that answers to this address.
    pub(super) fn bind(&mut self, address: &str, message: String) {
        if let Some(address) = self.addresses.get_mut(address) {
            address.message = Some(message);
        }
    }

    /// A new trigger.
    pub(super) fn new_trigger(&mut self, user: &str) -> String {
        let id = self.next_id('t');
        let ticket = Ticket {
            user: user.to_owned(),
            made_at: Instant::now(),
            was_used: false,
        };
        self.triggers.insert(id.clone(), ticket);
        id
    }

    /// A rule was broken.
    pub(super) fn broke(&mut self, text: impl Into<String>, now: Moment) {
        let id = self.next_id('b');
        let at = Zone::utc().tell(now, now);
        self.broken.push(BrokenRule {
            id,
            at,
            text: text.into(),
        });
        self.version += 1;
    }

    /// The sentences of all broken rules.
    pub(super) fn broken_rules(&self) -> Vec<String> {
        self.broken.iter().map(|rule| rule.text.clone()).collect()
    }

    pub(super) fn broken_as_json(&self) -> Value {
        serde_json::to_value(&self.broken).unwrap_or_default()
    }

    /// A follow-up through a response address. The status that Slack answers.
    pub(super) fn follow_up(&mut self, address: &str, mut message: Value, now: Moment) -> u16 {
        self.version += 1;
        let Some(known) = self.addresses.get_mut(address) else {
            self.broke(
                "a follow-up went to an address that was never given out",
                now,
            );
            return 404;
        };
        known.uses += 1;
        let (uses, user, original) = (known.uses, known.user.clone(), known.message.clone());
        if now - known.made_at > REPLY_LIFE {
            self.broke("a response address was used after 30 minutes", now);
            return 404;
        }
        if uses > REPLY_USES {
            self.broke("a response address was used more than five times", now);
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
                .retain(|said| Some(&said.id) != original.as_ref());
            return 200;
        }
        for rule in rules::of_message(&message) {
            self.broke(rule, now);
        }
        let original = original.filter(|_| is_replacing);
        if let Some(said) = self
            .messages
            .iter_mut()
            .find(|said| Some(&said.id) == original.as_ref())
        {
            said.message = message;
            return 200;
        }
        let id = self.show(&user, "relatch", message, now);
        if is_replacing {
            self.bind(address, id);
        }
        200
    }

    /// `views.open`. The error is Slack's own word.
    pub(super) fn open(
        &mut self,
        trigger: &str,
        view: Value,
        now: Moment,
    ) -> Result<(), &'static str> {
        self.version += 1;
        let refused = match self.triggers.get_mut(trigger) {
            None => Some("invalid_trigger_id"),
            Some(ticket) if ticket.was_used => Some("exchanged_trigger_id"),
            Some(ticket) if ticket.made_at.elapsed() > TRIGGER_LIFE => Some("expired_trigger_id"),
            Some(ticket) => {
                ticket.was_used = true;
                None
            }
        };
        if let Some(word) = refused {
            self.broke(format!("views.open was refused: {word}"), now);
            return Err(word);
        }
        for rule in rules::of_view(&view) {
            self.broke(rule, now);
        }
        let user = self
            .triggers
            .get(trigger)
            .map(|ticket| ticket.user.clone())
            .unwrap_or_default();
        let id = self.next_id('V');
        self.views.insert(
            user,
            Opened {
                id,
                view,
                errors: BTreeMap::new(),
            },
        );
        Ok(())
    }

    /// SMS and e-mails that came since.
    pub(super) fn receive(&mut self, delivered: Vec<Delivered>, now: Moment) {
        for Delivered {
            channel,
            to,
            subject,
            text,
        } in delivered
        {
            let id = self.next_id(if channel == Channel::Sms { 's' } else { 'e' });
            let (at, owner) = (Zone::utc().tell(now, now), Person::owner_of(&to));
            self.arrived.push(Arrived {
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

    /// A request with its answer.
    pub(super) fn note(&mut self, exchange: Exchange) {
        self.wire.push(exchange);
        let surplus = self.wire.len().saturating_sub(KEPT);
        self.wire.drain(..surplus);
        self.version += 1;
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

    /// The pretend Slack is as strict as the real one; otherwise it would prove nothing.
    #[test]
    fn a_response_address_works_five_times_in_thirty_minutes() {
        let mut desk = Desk::default();
        let address = desk.new_address("UJO", None, NOW);
        for count in 1..=5 {
            assert_eq!(
                desk.follow_up(&address, message("x"), NOW + REPLY_LIFE),
                200,
                "{count}"
            );
        }
        assert_eq!(desk.messages.len(), 1, "each replaced the one before");
        assert!(desk.broken_rules().is_empty());
        assert_eq!(desk.follow_up(&address, message("x"), NOW), 404);
        assert_eq!(
            desk.broken_rules(),
            ["a response address was used more than five times"]
        );
        let other = desk.new_address("UJO", None, NOW);
        assert_eq!(
            desk.follow_up(&other, message("x"), NOW + REPLY_LIFE + Span(1)),
            404
        );
        assert_eq!(desk.follow_up("r99", message("x"), NOW), 404);
        assert_eq!(desk.broken_rules().len(), 3);
    }

    #[test]
    fn a_trigger_opens_one_form() {
        let plain = json!({ "type": "plain_text", "text": "x" });
        let view = json!({ "type": "modal", "title": plain, "submit": plain, "blocks": [
            { "type": "input", "block_id": "a", "label": plain, "element": { "type": "plain_text_input" } },
        ]});
        let mut desk = Desk::default();
        let trigger = desk.new_trigger("UJO");
        assert_eq!(desk.open(&trigger, view.clone(), NOW), Ok(()));
        assert!(
            desk.broken_rules().is_empty() && desk.views.contains_key("UJO"),
            "{:?}",
            desk.broken_rules()
        );
        assert_eq!(
            desk.open(&trigger, view.clone(), NOW),
            Err("exchanged_trigger_id")
        );
        assert_eq!(desk.open("t99", view, NOW), Err("invalid_trigger_id"));
        assert_eq!(desk.broken_rules().len(), 2);
    }
}
