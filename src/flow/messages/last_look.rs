//! The last look: exactly what the confirming click will do.

use super::contacts::{ContactAdder, about_code, code_fact, differs};
use super::destination;
use super::warnings::{WarnedOf, warnings};
use super::ways::in_own_row;
use super::words::{
    NOTHING_CHANGED, button, card_small_print, count, in_heading, left_out_of_heading,
};
use crate::chat::{Action, Button, Message, Style, Tick, Warning};
use crate::clock::Zone;
use crate::directory::Capabilities;
use crate::domain::contacts::Methods;
use crate::domain::{Carries, Channel, Delivery, Destination, Moment, Quota, Reference};
use crate::store::{Earlier, OwnLink, ResetRow};

/// What a last look is made of.
#[derive(Clone, Copy)]
pub struct LastLook<'a> {
    /// The card with what was chosen.
    pub row: &'a ResetRow,
    /// The member's last reset, which it warns of.
    pub earlier: Option<&'a Earlier>,
    /// The directory's own link that was sent before and may still work.
    pub own_link: Option<&'a OwnLink>,
    /// The directory's contacts that differ from those on an earlier card, with the time of that card.
    pub differing: &'a [(Destination, Moment)],
    /// How many resets the administrator has left; it is warned of where it is nearly used up.
    pub quota: Option<Quota>,
    /// What the member's directory can enforce.
    pub capabilities: Capabilities,
    /// The length of the password.
    pub length: u8,
    /// The address of the administrator's copy, whether it is switched on or not.
    pub copy_to: Option<&'a str>,
    /// True where there is a mail server.
    pub can_mail: bool,
    /// True where nobody else can read it.
    pub is_private: bool,
    /// Where the code will go; none where no code is asked for.
    pub codes: Option<&'a Methods>,
    /// Who can add a contact for it.
    pub adder: ContactAdder,
    /// The time zone of texts.
    pub zone: &'a Zone,
    /// Times are told relative to it.
    pub now: Moment,
    /// The opaque value of the buttons.
    pub value: &'a str,
    /// The opaque value of the confirming button and of the boxes, which is new with each edition.
    pub confirm_value: &'a str,
}

/// The last look: only one of its buttons changes a password (S26–S28, S38).
pub fn last_look(look: &LastLook<'_>) -> Message {
    let LastLook { row, zone, now, .. } = *look;
    let (reason, reference) = (row.reason.as_deref(), row.reset_id.reference());
    Message {
        title: format!("Reset {} now?", in_heading(&row.member_name)),
        warnings: look_warnings(look),
        facts: facts(look),
        lines: lines(look),
        ticks: ticks(look),
        is_for_one: look.is_private && (row.is_typed || row.copy_address.is_some()),
        buttons: look_buttons(look),
        small_print: look
            .quota
            .map(count)
            .into_iter()
            .chain(card_small_print(
                reason,
                row.expires_at,
                &reference,
                (zone, now),
            ))
            .collect(),
        ..Message::default()
    }
}

fn look_warnings(look: &LastLook<'_>) -> Vec<Warning> {
    let LastLook { row, zone, now, .. } = *look;
    let mut all = warnings(&WarnedOf {
        member_name: &row.member_name,
        directory: look.capabilities,
        earlier: look.earlier,
        own_link: look.own_link,
        quota: look.quota,
        zone,
        now,
    });
    let to = channel(row)
        .zip(row.destination.as_deref())
        .and_then(|(channel, to)| channel.stored(to));
    all.extend(to.and_then(|to| differs(&to, look.differing, zone)));
    all
}

/// The channel that the plan sends the password or the link by; none where it is shown.
fn channel(row: &ResetRow) -> Option<Channel> {
    row.delivery.and_then(Delivery::channel)
}

fn is_password(row: &ResetRow) -> bool {
    row.carries == Carries::Password
}

fn facts(look: &LastLook<'_>) -> Vec<String> {
    let row = look.row;
    let signed_out = if look.capabilities.can_sign_out {
        "at once"
    } else {
        "no, open sessions end by themselves"
    };
    let copy = look.copy_to.filter(|_| row.copy_to_self.is_some());
    let is_shown_too = row.also_show && channel(row).is_some() && is_password(row);
    let name = left_out_of_heading(&row.member_name);
    name.map(str::to_owned)
        .into_iter()
        .chain([
            format!("Goes to: {}", goes_to(look)),
            format!("Signed out: {signed_out}"),
        ])
        .chain(look.codes.map(code_fact))
        .chain(copy.map(|to| format!("Copy to you: {to}")))
        .chain(is_shown_too.then(|| "Also shown to you: here, once".to_owned()))
        .collect()
}

/// Where the password goes. What was typed stands in full, so that a typing error is seen.
fn goes_to(look: &LastLook<'_>) -> String {
    let row = look.row;
    let Some(channel) = channel(row) else {
        return "you, shown here once".to_owned();
    };
    let message = channel.facts().message;
    let what = if is_password(row) {
        String::new()
    } else {
        ", as a one-time link".to_owned()
    };
    let to = destination::goes_to(row, look.is_private);
    let record = if row.is_typed { "" } else { " (on record)" };
    format!("{message} {to}{record}{what}")
}

fn lines(look: &LastLook<'_>) -> Vec<String> {
    let row = look.row;
    let what = if is_password(row) {
        format!(
            "The new password has {} characters and can't be sent a second time.",
            look.length
        )
    } else {
        let has_code = look.codes.is_none_or(|codes| !codes.usable.is_empty());
        let after = if has_code { " after a code" } else { "" };
        format!("With the link they set a new password{after}. The old password stops working.")
    };
    let about = look
        .codes
        .map(|codes| about_code(row, codes, look.adder, look.zone, look.now));
    std::iter::once(what)
        .chain(about.into_iter().flatten())
        .collect()
}

fn ticks(look: &LastLook<'_>) -> Vec<Tick> {
    let row = look.row;
    let tick = |action, label, is_ticked| Tick {
        action,
        label,
        is_ticked,
        value: look.confirm_value.to_owned(),
    };
    let copy = copy_to(look).map(|to| {
        let label = format!("Email me a copy ({to})");
        tick(Action::CopyToSelf, label, row.copy_to_self.is_some())
    });
    let can_show = channel(row).is_some() && is_password(row) && look.is_private;
    let show = can_show.then(|| {
        let label = "Also show it here".to_owned();
        tick(Action::AlsoShow, label, row.also_show)
    });
    copy.into_iter().chain(show).collect()
}

/// Where a copy can go: with a link there is nothing to copy.
fn copy_to<'a>(look: &LastLook<'a>) -> Option<&'a str> {
    look.copy_to
        .filter(|_| look.can_mail && is_password(look.row))
}

fn look_buttons(look: &LastLook<'_>) -> Vec<Button> {
    let LastLook {
        row,
        value,
        confirm_value,
        ..
    } = *look;
    let plain = |action, label| button(action, label, value, Style::Plain);
    let is_overtaken = look.earlier.is_some_and(|earlier| earlier.is_since_card);
    let label = if look.earlier.is_some_and(|earlier| earlier.is_disowned) {
        "Reset anyway".to_owned()
    } else if is_overtaken {
        "Reset again".to_owned()
    } else {
        let what = channel(row).map_or("show it", |channel| channel.facts().send);
        format!("Reset and {what}")
    };
    let mut buttons = vec![button(Action::Confirm, label, confirm_value, Style::Danger)];
    if look.is_private && copy_to(look).is_some() {
        buttons.push(plain(Action::CopyToSelfChange, "Change copy …"));
    }
    buttons.push(plain(Action::Back, "Back"));
    let cancel = plain(Action::Cancel, "Cancel");
    if is_overtaken {
        // Somebody was quicker: going on is no longer the usual choice.
        buttons.insert(0, cancel);
    } else {
        buttons.push(cancel);
    }
    let ask = look.codes.and_then(|codes| look.adder.button(codes, value));
    buttons.extend(in_own_row(ask.into_iter().collect()));
    buttons
}

/// The last look once more, because it has changed since the pressed button was drawn. The note stands below the other
/// warnings, because one of them may be what changed.
pub fn stale(mut look: Message, reference: &Reference) -> Message {
    let rest = format!(
        "Your press did nothing. This is how it stands now; read it before you go on. {NOTHING_CHANGED} (ref {reference})"
    );
    look.warnings.push(Warning::new(
        "The card that you pressed was out of date.",
        rest,
    ));
    look
}

/// The last look once more, because one of its boxes could not be changed for this reason.
pub fn with_reason(mut look: Message, why: Message) -> Message {
    let warning = Warning::new(why.title, why.lines.join(" "));
    look.warnings.insert(0, warning);
    look
}
