//! The state of a dialog. A submission has neither a token nor a trigger, and all of it except the user comes from the client
//! (`api4/integration_action.go`). So only the state proves who may submit which form, for which card, and when.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;

use super::trigger::SignedTrigger;
use super::{is_id, reply};
use crate::chat::signature::replay_key;
use crate::chat::{Form, FormKind, NotVerified};
use crate::domain::{Moment, Platform, Span};
use crate::secret::Keys;
use crate::store::ReplayKey;

/// How long a dialog may stay open. With the default settings its card expires earlier.
const LIFE: Span = Span::minutes(30);

/// The state that a dialog got when a signed click opened it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DialogState {
    pub(super) kind: FormKind,
    /// The value that leads to the card.
    pub(super) value: String,
    /// The user who opened it.
    pub(super) user: String,
    /// The id that the server signed for the opening click. It is unique.
    id: String,
    opened_at: Moment,
}

impl DialogState {
    /// The state of the dialog that this click opens.
    pub(super) fn new(form: &Form, opened_by: &SignedTrigger) -> Self {
        Self {
            kind: form.kind,
            value: form.value.clone(),
            user: opened_by.user.clone(),
            id: opened_by.id.clone(),
            opened_at: opened_by.at,
        }
    }

    /// The state as text, with a MAC.
    pub(super) fn write(&self, keys: &Keys) -> String {
        let Self {
            kind,
            value,
            user,
            id,
            opened_at,
        } = self;
        let tag = URL_SAFE_NO_PAD.encode(self.tag(keys));
        format!("{kind}:{value}:{user}:{id}:{}:{tag}", opened_at.0)
    }

    /// Reads a state back, if we made it and it is not too old. The value of a button is not a state.
    pub(super) fn read(text: &str, keys: &Keys, now: Moment) -> Result<Self, NotVerified> {
        let state = Self::parse(text, keys).ok_or(NotVerified::Unsigned("state"))?;
        let age = now - state.opened_at;
        if age < LIFE && age > Span(-LIFE.0) {
            Ok(state)
        } else {
            Err(NotVerified::Unsigned("a form that was opened too long ago"))
        }
    }

    fn parse(text: &str, keys: &Keys) -> Option<Self> {
        let parts: Vec<&str> = text.split(':').collect();
        let [kind, value, user, id, opened_at, tag] = parts.as_slice() else {
            return None;
        };
        let state = Self {
            kind: kind.parse().ok()?,
            value: (*value).to_owned(),
            user: (*user).to_owned(),
            id: (*id).to_owned(),
            opened_at: reply::millis(opened_at)?,
        };
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        let is_ours = bool::from(state.tag(keys).as_slice().ct_eq(&tag));
        (is_ours && is_id(user) && is_id(id)).then_some(state)
    }

    fn tag(&self, keys: &Keys) -> [u8; 16] {
        let opened_at = self.opened_at.0.to_be_bytes();
        let Self {
            kind,
            value,
            user,
            id,
            ..
        } = self;
        let parts = [kind.as_str(), value, user, id].map(str::as_bytes);
        let [kind, value, user, id] = parts;
        keys.tag(&[b"dialog", kind, value, user, id, &opened_at])
    }

    /// The key of a submission. A dialog is accepted once, whatever is typed; the same text in it is the same attempt.
    pub(super) fn replay(&self, typed: &str) -> ReplayKey {
        let key = |more: &[&[u8]]| {
            let parts = [&[b"dialog".as_slice(), self.id.as_bytes()], more].concat();
            let key = replay_key(Platform::Mattermost, self.opened_at.unix_seconds(), &parts);
            key.as_str().to_owned()
        };
        ReplayKey::of_form(key(&[]), key(&[b"typed", typed.as_bytes()]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ResetId;

    const OPENED: Moment = Moment(1_795_428_000_000);

    fn keys() -> Keys {
        Keys::from_master(&[7; 32]).unwrap()
    }

    fn state() -> DialogState {
        DialogState {
            kind: FormKind::Destination,
            value: keys().button_value(ResetId([1; 16])),
            user: "u".repeat(26),
            id: "i".repeat(26),
            opened_at: OPENED,
        }
    }

    #[test]
    fn a_state_is_bound_to_user_kind_card_and_time() {
        let text = state().write(&keys());
        assert_eq!(DialogState::read(&text, &keys(), OPENED), Ok(state()));
        let other = Keys::from_master(&[8; 32]).unwrap();
        assert!(DialogState::read(&text, &other, OPENED).is_err());
        for (part, instead) in [
            ("deliver_other", "copy_to_self_change"),
            (
                state().value.as_str(),
                keys().button_value(ResetId([2; 16])).as_str(),
            ),
            (&"u".repeat(26), &"v".repeat(26)),
            (&"i".repeat(26), &"j".repeat(26)),
            ("1795428000000", "1795428000001"),
        ] {
            let changed = text.replacen(part, instead, 1);
            assert!(
                changed != text && DialogState::read(&changed, &keys(), OPENED).is_err(),
                "{part}"
            );
        }
        for late in [LIFE, Span(-LIFE.0)] {
            assert_eq!(
                DialogState::read(&text, &keys(), OPENED + late),
                Err(NotVerified::Unsigned("a form that was opened too long ago"))
            );
        }
    }

    #[test]
    fn a_button_s_value_is_no_state() {
        let value = keys().button_value(ResetId([1; 16]));
        for text in [
            value.clone(),
            format!("deliver_other:{value}"),
            format!("deliver_other:{value}:28faf5940a8b7b41"),
        ] {
            assert!(DialogState::read(&text, &keys(), OPENED).is_err(), "{text}");
        }
    }

    #[test]
    fn a_dialog_acts_once_and_each_text_is_one_try() {
        let (one, other) = (
            state(),
            DialogState {
                id: "j".repeat(26),
                ..state()
            },
        );
        assert_eq!(one.replay("a"), state().replay("a"));
        assert_ne!(one.replay("a"), one.replay("b"));
        assert_eq!(one.replay("a").as_str(), one.replay("b").as_str());
        assert_ne!(one.replay("a").as_str(), other.replay("a").as_str());
        assert!(one.replay("").is_freed_by_refusal());
    }
}
