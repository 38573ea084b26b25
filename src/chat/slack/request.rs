//! Parsing Slack's requests: slash commands, clicks and forms (Slack, "Slash commands", "Interaction payloads").

use axum::http::HeaderMap;

use super::verify::is_ssl_check;
use super::{COMMANDS_ROUTE, INTERACTIONS_ROUTE, Slack, blocks, wire};
use crate::chat::interaction::{Ask, Trigger, Word};
use crate::chat::signature::{NO_INPUT, UNASKED_TYPE, check_content_type};
use crate::chat::{
    Action, Boxes, Click, Command, FormSubmitted, Interaction, NamedMember, NotVerified, Origin,
    Verified,
};
use crate::domain::{ChatUser, Moment, Platform, visible};
use crate::form::Fields;
use crate::store::ReplayKey;

/// Mentions of several people. `group` is an older name of `channel`.
const GROUPS: [&str; 4] = ["channel", "everyone", "group", "here"];

/// Clicks and forms have a field `payload`, commands a field `command` (Slack, "Slash commands", "Interaction payloads"): each
/// has its own address in the app's settings, and the two are easily taken for each other.
fn check_address(route: &str, fields: &Fields<'_>) -> Result<(), NotVerified> {
    let (has_payload, has_command) = (
        fields.get("payload").is_some(),
        fields.get("command").is_some(),
    );
    let (reason, advice) = if route == COMMANDS_ROUTE && has_payload && !has_command {
        (
            "a click at the address of commands",
            "set Interactivity & Shortcuts, Request URL to the address that ends in /slack/interactions",
        )
    } else if route == INTERACTIONS_ROUTE && has_command && !has_payload {
        (
            "a command at the address of clicks",
            "set Slash Commands, Request URL to the address that ends in /slack/commands",
        )
    } else {
        return Ok(());
    };
    Err(NotVerified::Misplaced { reason, advice })
}

impl Slack {
    /// Verifies and parses one request.
    pub(super) fn read_request(
        &self,
        route: &str,
        headers: &HeaderMap,
        body: &[u8],
        now: Moment,
    ) -> Result<Verified<Interaction>, NotVerified> {
        check_content_type(headers, "application/x-www-form-urlencoded")?;
        // The certificate check is not signed. It is answered only if it is the whole request, and it has no effect.
        if is_ssl_check(body) {
            return Ok(Verified::new(Interaction::Ping));
        }
        let key = self.verify(headers, body, now)?;
        let fields = Fields::read(body)?;
        check_address(route, &fields)?;
        let interaction = match route {
            COMMANDS_ROUTE => self.read_command(&fields, key, now)?,
            INTERACTIONS_ROUTE => self.read_payload(fields.required("payload")?, key, now)?,
            _ => return Err(NotVerified::Unsigned("route")),
        };
        Ok(Verified::new(interaction))
    }

    fn read_command(
        &self,
        fields: &Fields<'_>,
        replay: ReplayKey,
        now: Moment,
    ) -> Result<Interaction, NotVerified> {
        let team = fields.required("team_id")?;
        self.check_pins(team, fields.get("enterprise_id"), fields.get("api_app_id"))?;
        let user = self.user(fields.required("user_id")?)?;
        let reply = fields
            .get("response_url")
            .map(|url| self.reply_address(url, now))
            .transpose()?;
        let words = read_words(fields.get("text").unwrap_or_default());
        let origin = Origin {
            user,
            replay,
            reply,
            received_at: now,
        };
        Ok(Interaction::Command(Command {
            origin,
            ask: read_ask(&words),
        }))
    }

    fn read_payload(
        &self,
        payload: &str,
        replay: ReplayKey,
        now: Moment,
    ) -> Result<Interaction, NotVerified> {
        let payload =
            serde_json::from_str(payload).map_err(NotVerified::malformed("the payload"))?;
        match payload {
            wire::Payload::BlockActions(pressed) => self.read_click(pressed, replay, now),
            wire::Payload::ViewSubmission(submitted) => self.read_form(submitted, replay, now),
            wire::Payload::Other => Err(NotVerified::Malformed(UNASKED_TYPE)),
        }
    }

    fn read_click(
        &self,
        pressed: wire::BlockActions,
        replay: ReplayKey,
        now: Moment,
    ) -> Result<Interaction, NotVerified> {
        self.check_payload_pins(
            pressed.team.as_ref(),
            pressed.enterprise.as_ref(),
            &pressed.user,
            pressed.api_app_id.as_deref(),
        )?;
        let [action] = pressed.actions.as_slice() else {
            return Err(NotVerified::Malformed("not exactly one action"));
        };
        let origin = Origin {
            user: self.user(&pressed.user.id)?,
            replay,
            reply: pressed
                .response_url
                .as_deref()
                .map(|url| self.reply_address(url, now))
                .transpose()?,
            received_at: now,
        };
        let pressed_action: Action = action
            .action_id
            .parse()
            .map_err(NotVerified::malformed("an unknown action"))?;
        let mut boxes = boxes_of(pressed.state.as_ref());
        let value = match &action.selected_options {
            None => action.value.as_ref(),
            Some(selected) if boxes.note(pressed_action, !selected.is_empty()) => {
                action.block_id.as_ref()
            }
            Some(_) => return Err(NotVerified::Malformed("a checkbox that is none of ours")),
        };
        Ok(Interaction::Click(Click {
            origin,
            action: pressed_action,
            value: value
                .cloned()
                .ok_or(NotVerified::Malformed("a button without a value"))?,
            boxes,
            trigger: Trigger::new(pressed.trigger_id),
        }))
    }

    fn read_form(
        &self,
        submitted: wire::ViewSubmission,
        replay: ReplayKey,
        now: Moment,
    ) -> Result<Interaction, NotVerified> {
        let wire::ViewSubmission {
            user,
            team,
            enterprise,
            api_app_id,
            view,
        } = submitted;
        self.check_payload_pins(
            team.as_ref(),
            enterprise.as_ref(),
            &user,
            api_app_id.as_deref(),
        )?;
        let kind = view
            .callback_id
            .parse()
            .map_err(NotVerified::malformed("an unknown form"))?;
        let (block_id, action_id) = blocks::input(kind);
        let input = view
            .state
            .values
            .get(block_id)
            .and_then(|block| block.get(action_id));
        let typed = input
            .ok_or(NotVerified::Malformed(NO_INPUT))?
            .value
            .clone()
            .unwrap_or_default();
        Ok(Interaction::Form(FormSubmitted {
            origin: Origin {
                user: self.user(&user.id)?,
                replay,
                reply: None,
                received_at: now,
            },
            kind,
            value: view.private_metadata,
            typed,
        }))
    }

    pub(super) fn user(&self, id: &str) -> Result<ChatUser, NotVerified> {
        if !is_user_id(id) {
            return Err(NotVerified::Malformed("a user id"));
        }
        Ok(ChatUser {
            platform: Platform::Slack,
            tenant: self.config.team_id.clone(),
            user: id.to_owned(),
        })
    }
}

/// What the boxes of a message say. Slack sends the state of all of them with every click (Slack, "Block actions payload",
/// "state").
fn boxes_of(state: Option<&wire::ViewState>) -> Boxes {
    let mut boxes = Boxes::default();
    let inputs = state.into_iter().flat_map(|state| state.values.values());
    for (name, input) in inputs.flatten() {
        if let (Ok(action), Some(selected)) = (name.parse(), &input.selected_options) {
            boxes.note(action, !selected.is_empty());
        }
    }
    boxes
}

pub(super) fn is_user_id(id: &str) -> bool {
    (2..=32).contains(&id.len())
        && id.starts_with(['U', 'W'])
        && id
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// With `should_escape` a member arrives as `<@U…>`, so a bare `@name` is none that Slack knows, or the setting is off.
fn read_ask(words: &[Word]) -> Ask {
    let ask = Ask::read(words);
    if let Ask::Unclear(name) = &ask
        && name.starts_with('@')
    {
        return Ask::BareName(name.clone());
    }
    ask
}

/// Cuts a command's text into words. With `should_escape`, Slack writes a mention as `<@U…|name>` or `<@U…>`, one of several
/// people as `<!here>`, an e-mail as `<mailto:…|…>`, a phone number as `<tel:…|…>`, and a typed `<` as `&lt;`. So an angle
/// bracket always comes from Slack.
/// What a link leads to and its label can differ, and people see the label: such a link stays as it is, and is no address.
pub(super) fn read_words(text: &str) -> Vec<Word> {
    let text = visible(text);
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = if rest.starts_with('<') {
            rest.find('>').map_or(rest.len(), |at| at + 1)
        } else {
            rest.find(|c: char| c.is_whitespace() || c == '<')
                .unwrap_or(rest.len())
        };
        let (word, after) = rest.split_at(end);
        words.push(read_word(word));
        rest = after.trim_start();
    }
    words
}

fn read_word(word: &str) -> Word {
    let inside = word
        .strip_prefix('<')
        .and_then(|word| word.strip_suffix('>'));
    let Some(inside) = inside else {
        return read_text(unescape(word));
    };
    let (target, label) = match inside.split_once('|') {
        Some((target, label)) => (target, Some(label)),
        None => (inside, None),
    };
    let group = target
        .strip_prefix('!')
        .and_then(|name| group(name, label.unwrap_or_default()));
    if let Some(group) = group {
        return Word::Group(group);
    }
    if let Some(id) = target.strip_prefix('@').filter(|id| is_user_id(id)) {
        return Word::Member(NamedMember::Mention(id.to_owned()));
    }
    let is_seen = |target: &String, is_same: fn(&str, &str) -> bool| {
        !target.is_empty() && label.is_none_or(|label| is_same(target, &visible(label)))
    };
    let email = target
        .strip_prefix("mailto:")
        .map(visible)
        .filter(|email| is_seen(email, str::eq_ignore_ascii_case));
    let phone = target.strip_prefix("tel:").map(visible).filter(|phone| {
        is_seen(phone, |one, other| {
            one == other || is_same_phone(one, other)
        })
    });
    email.or(phone).map_or_else(
        || Word::Text(unescape(word)),
        |typed| read_text(unescape(&typed)),
    )
}

/// What a mention of several people is called; none if it is no such mention. Of a user group only the label tells its name
/// (Slack, "Formatting text for app surfaces").
fn group(name: &str, label: &str) -> Option<String> {
    if GROUPS.contains(&name) {
        return Some(format!("@{name}"));
    }
    name.strip_prefix("subteam^")?;
    let label = unescape(label.trim_start_matches('@'));
    Some(if label.is_empty() {
        "a user group".to_owned()
    } else {
        format!("@{label}")
    })
}

/// True for the same digits and `+`, with other signs of a phone number between them.
fn is_same_phone(one: &str, other: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_digit() || " +-().".contains(c);
    let digits =
        |text: &str| -> String { text.chars().filter(|c| !" -().".contains(*c)).collect() };
    other.chars().all(is_plain) && digits(one) == digits(other)
}

fn read_text(text: String) -> Word {
    // So without `should_escape`. Nobody else can have these names.
    let bare = text.trim_end_matches([',', '.', ';', ':', '!', '?']);
    if let Some(name) = bare.strip_prefix('@').filter(|name| GROUPS.contains(name)) {
        return Word::Group(format!("@{name}"));
    }
    match text.parse() {
        Ok(email) => Word::Member(NamedMember::Email(email)),
        Err(_) => Word::Text(text),
    }
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}
