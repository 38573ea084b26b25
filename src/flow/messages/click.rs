//! Clicks that do nothing.

use super::another_way::wiped;
use super::denied::denied;
use super::words::{
    NOT_ONCE_MORE, RUN_AGAIN, TRY_OR_TELL, in_heading, message, no_contact_known, refusal,
    refusal_without_slot, with_reference, written,
};
use crate::app::Organization;
use crate::chat::Message;
use crate::clock::Zone;
use crate::domain::code_alone::GUIDE_PAUSE;
use crate::domain::{Moment, Reference, State};
use crate::store::{ClickRefused, ResetRow};

/// The store refused the click.
pub fn click_refused(
    refused: &ClickRefused,
    row: Option<&ResetRow>,
    organization: &Organization,
    zone: &Zone,
    now: Moment,
    reference: &Reference,
) -> Message {
    let member = row.map_or("this member", |row| row.member_name.as_str());
    let again = "Run /reset-password again.";
    match refused {
        ClickRefused::Replayed | ClickRefused::NoSuchCard => {
            refusal("I don't know this card.", again, reference)
        }
        ClickRefused::NotYours { admin_name } => refusal(
            &format!("This card belongs to {admin_name}."),
            "Start your own with /reset-password.",
            reference,
        ),
        ClickRefused::Expired => expired(organization, reference),
        ClickRefused::Superseded => refusal(
            "A newer card for this member took the place of this one.",
            "Use the newer one.",
            reference,
        ),
        ClickRefused::Cancelled => refusal("This card was closed.", again, reference),
        ClickRefused::MemberGone => refusal(
            "This card was closed: the account of its member or of its administrator was removed or given to somebody else.",
            again,
            reference,
        ),
        ClickRefused::InProgress => with_reference(
            reference,
            message(
                "I'm still working on this one",
                ["Please wait for the result.".to_owned()],
            ),
        ),
        ClickRefused::AlreadyDone { state, changed_at } => {
            already_done(*state, *changed_at, member, zone, now, reference)
        }
        ClickRefused::Wiped(why) => wiped(*why, member, reference),
        ClickRefused::NothingChosen => refusal(
            "No way of delivery was chosen.",
            "Choose one first.",
            reference,
        ),
        ClickRefused::Stale | ClickRefused::Overtaken => refusal(
            "You pressed a button of an older version of this card.",
            "Use the newest one.",
            reference,
        ),
        ClickRefused::NotReachable => refusal(
            &no_contact_known(member),
            "Say first that you can reach them another way.",
            reference,
        ),
        ClickRefused::ContactAsked(at) => refusal(
            &format!(
                "Another administrator was asked for a contact of {member} {} already.",
                zone.tell_at(*at, now)
            ),
            "If it is urgent, ask one yourself.",
            reference,
        ),
        ClickRefused::ContactBeingAsked => refusal(
            &format!("Another administrator is being asked for a contact of {member} right now."),
            "If you hear nothing of it, press the button again in five minutes.",
            reference,
        ),
        ClickRefused::Guided { at, admin_name } => refusal_without_slot(
            &format!(
                "{admin_name} sent {member} the guide {}. The next one can be sent {}.",
                zone.tell_at(*at, now),
                zone.tell_at(*at + GUIDE_PAUSE, now)
            ),
            "Ask them to look for it, or choose another way.",
            reference,
        ),
        ClickRefused::Denied(rule) => denied(rule, member, organization, zone, now, reference),
    }
}

fn expired(organization: &Organization, reference: &Reference) -> Message {
    let what = format!(
        "This card is older than {} and no longer works.",
        organization.offer_lifetime
    );
    refusal(&what, "Run /reset-password again.", reference)
}

fn already_done(
    state: State,
    changed_at: Option<Moment>,
    member: &str,
    zone: &Zone,
    now: Moment,
    reference: &Reference,
) -> Message {
    let again = "For a new one run the command again.";
    match (state, changed_at) {
        (_, Some(at)) => with_reference(
            reference,
            message(
                format!("Already done: you reset {}", in_heading(member)),
                [format!(
                    "The password of {member} was changed {} and can't be sent again. {again}",
                    zone.tell_at(at, now)
                )],
            ),
        ),
        (State::Unknown, None) => with_reference(
            reference,
            message(
                "Already tried: nobody knows how it ended",
                [format!(
                    "Nobody can say whether the password of {member} was changed. {again}"
                )],
            ),
        ),
        (_, None) => refusal("This reset was stopped before it began.", again, reference),
    }
}

/// A refusal about a reset that has changed the password already: the click did nothing, which is not the same.
pub fn after_change(mut refusal: Message, row: &ResetRow, zone: &Zone, now: Moment) -> Message {
    let now_true = match (row.changed_at, row.state) {
        (Some(at), _) => format!(
            "This click did nothing; the password was changed {}.",
            zone.tell_at(at, now)
        ),
        (None, State::Changing | State::Unknown) => "This click did nothing.".to_owned(),
        (None, _) => return refusal,
    };
    if let Some(parts) = refusal.refused.as_deref_mut() {
        parts.is_slot_told = false;
    }
    written(refusal, &now_true)
}

/// The administrator closed the card.
pub fn cancelled(reference: &Reference) -> Message {
    refusal_without_slot("Cancelled.", "", reference)
}

/// The chat allows only so many answers to one command.
pub fn no_more_updates(reference: &Reference) -> Message {
    refusal(NOT_ONCE_MORE, RUN_AGAIN, reference)
}

/// The click could not be recorded, and its card could not be read.
pub fn click_failed(reference: &Reference) -> Message {
    message(
        "I can't record this click, so it did nothing.",
        [format!("{TRY_OR_TELL} (ref {reference})")],
    )
}
