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

/// How many characters of a masked address are told, for the same reason: a domain can be long.
const LONGEST_MASK: usize = 120;

/// What to do where the only contact was refused, and no other way is allowed.
const NO_OTHER_WAY: &str = "They need another phone or email on record.";

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
    /// The channel that was not ready.
    pub channel: Channel,
    /// The masked address, where one is known.
    pub to: Option<&'a str>,
    /// True where the delivery should have gone to the contact on record.
    pub is_on_record: bool,
    /// True where the member needs a code at sign-in.
    pub has_codes: bool,
}

impl NotReadyAt<'_> {
    /// True for a button that leads to the refused address again, where only its owner can change the answer.
    fn is_in_vain(&self, why: &Refusal, action: Action) -> bool {
        self.is_lasting(why) && action == Action::Choose(self.channel.delivery())
    }

    /// True where the contact on record takes nothing until its owner acts.
    fn is_lasting(&self, why: &Refusal) -> bool {
        self.is_on_record && matches!(why, Refusal::Address | Refusal::OptedOut)
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
    let to = at.to.map(|to| shorten(to, LONGEST_MASK));
    let to = to.map(|to| format!("{to}{copy}"));
    let ways = offered.map(|(member, value)| {
        let mut ways = delivery_buttons(member, channels, is_private, value);
        ways.retain(|way| !at.is_in_vain(why, way.action));
        (ways, value)
    });
    let instead = match &ways {
        Some((ways, _)) if ways.is_empty() && at.is_lasting(why) => NO_OTHER_WAY.to_owned(),
        Some(_) | None => instead_of_channel(why, is_copy),
    };
    let next = if at.is_lasting(why) && at.has_codes {
        format!("The code at sign-in can't go there either. {instead}")
    } else {
        instead
    };
    let mut told = refusal_without_slot(
        &format!("{}, so I stopped.", fault(why, at.channel, to.as_deref())),
        &next,
        reference,
    );
    if let Some((mut ways, value)) = ways {
        if let Some(contact) = ways.first_mut().filter(|first| !first.starts_row) {
            contact.style = Style::Primary;
        }
        told.buttons = ways;
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
