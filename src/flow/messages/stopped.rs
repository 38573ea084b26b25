//! A confirmed reset that stopped before the change, because something does not answer or has changed meanwhile.

use super::directory_refusal::clause;
use super::not_sent::{fault, instead_of_channel};
use super::ways::delivery_buttons;
use super::words::{
    NOTHING_CHANGED, RUN_AGAIN, TELL_OPERATOR, TRY_OR_TELL, button, refusal, refusal_without_slot,
    written,
};
use crate::chat::{Action, Message, Style};
use crate::delivery::Deliveries;
use crate::directory::WhyRefused;
use crate::domain::delivery::Refusal;
use crate::domain::shorten::shorten;
use crate::domain::{Channel, Member, Reference, Step};

/// The record cannot be written (P6).
pub fn store_down(reference: &Reference) -> Message {
    refusal(
        "I can't record this reset, so I don't do it.",
        TRY_OR_TELL,
        reference,
    )
}

/// The directory does not answer.
pub fn directory_down(directory: &str, reference: &Reference) -> Message {
    refusal_without_slot(
        &format!("{} doesn't answer.", capital(directory)),
        "Try again in a few minutes.",
        reference,
    )
}

/// The directory does not answer until somebody has changed its settings or relatch's.
pub fn directory_misconfigured(directory: &str, reference: &Reference) -> Message {
    refusal_without_slot(
        &format!("I can't use {directory} as it is set up."),
        "Trying again does not help; tell whoever runs relatch.",
        reference,
    )
}

/// How many characters of a directory's reason are told, so that the whole message stays below 350.
const LONGEST_REASON: usize = 200;

/// The directory refused the change.
pub fn directory_refused(directory: &str, why: &WhyRefused, reference: &Reference) -> Message {
    let reason = shorten(&clause(why), LONGEST_REASON);
    refusal_without_slot(
        &format!("{} refuses this reset: {reason}.", capital(directory)),
        TELL_OPERATOR,
        reference,
    )
}

/// A directory's name at the beginning of a sentence.
fn capital(directory: &str) -> String {
    let is_noun = directory.starts_with(|c: char| c.is_lowercase());
    if is_noun {
        format!("The {directory}")
    } else {
        directory.to_owned()
    }
}

/// The chosen contact is not on record any more.
pub fn contact_changed(member_name: &str, reference: &Reference) -> Message {
    refusal_without_slot(
        &format!(
            "The contact of {member_name} on record was changed after you chose it, so I stopped."
        ),
        RUN_AGAIN,
        reference,
    )
}

/// The way was chosen with an older version, which recorded less of it.
pub fn chosen_before_upgrade(reference: &Reference) -> Message {
    refusal(
        "relatch was upgraded after you chose this way.",
        RUN_AGAIN,
        reference,
    )
}

/// What could not be made ready.
#[derive(Clone, Copy, Debug)]
pub struct NotReadyAt<'a> {
    /// The delivery, or the administrator's copy.
    pub step: Step,
    /// What should have carried it.
    pub channel: Channel,
    /// The masked address, where one is known.
    pub to: Option<&'a str>,
    /// True where that is the contact on record.
    pub is_on_record: bool,
}

impl NotReadyAt<'_> {
    /// True for a button that would lead there again, where nothing but its owner can change the answer.
    fn is_button_in_vain(&self, why: &Refusal, action: Action) -> bool {
        self.step == Step::Deliver
            && self.is_on_record
            && matches!(why, Refusal::Address | Refusal::OptedOut)
            && action == Action::Choose(self.channel.delivery())
    }
}

/// A channel could not be made ready, so nothing was begun. The message offers the other ways.
pub fn channel_not_ready(
    at: NotReadyAt<'_>,
    why: &Refusal,
    offered: Option<(&Member, &str)>,
    (channels, is_private): (&Deliveries, bool),
    reference: &Reference,
) -> Message {
    let is_copy = at.step == Step::CopyToSelf;
    let copy = if is_copy { " for your copy" } else { "" };
    let to = at.to.map(|to| format!("{to}{copy}"));
    let mut told = refusal_without_slot(
        &format!("{}, so I stopped.", fault(why, at.channel, to.as_deref())),
        &instead_of_channel(why, is_copy),
        reference,
    );
    if let Some((member, value)) = offered {
        told.buttons = delivery_buttons(member, channels, is_private, value);
        if told.buttons.len() > 1 {
            told.buttons
                .retain(|button| !at.is_button_in_vain(why, button.action));
            if let Some(contact) = told.buttons.first_mut().filter(|first| !first.starts_row) {
                contact.style = Style::Primary;
            }
        }
        told.buttons
            .push(button(Action::Cancel, "Cancel", value, Style::Plain));
    }
    told
}

/// A refusal after the confirming click: the slot was returned.
pub fn with_slot_back(mut refusal: Message) -> Message {
    if let Some(parts) = refusal.refused.as_deref_mut() {
        parts.is_slot_told = true;
    }
    written(refusal, NOTHING_CHANGED)
}
