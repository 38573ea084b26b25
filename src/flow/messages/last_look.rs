//! The last look: exactly what the confirming click will do.

use super::contacts::{ContactAdder, code_goes};
use super::destination::goes_to;
use super::warnings::{WarnedOf, warnings};
use super::words::{NOTHING_CHANGED, button, count, message, reason};
use crate::chat::{Action, Button, Message, Style};
use crate::clock::Zone;
use crate::directory::Capabilities;
use crate::domain::contacts::Methods;
use crate::domain::{Carries, Delivery, Moment, Quota, Reference};
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
    /// The administrator's quota.
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
    /// The opaque value of the confirming button.
    pub confirm_value: &'a str,
}

/// The last look: only one of its buttons changes a password (S26–S28, S38).
pub fn last_look(look: &LastLook<'_>) -> Message {
    let row = look.row;
    let mut lines = if row.carries == Carries::Link {
        what_link(look)
    } else {
        what_password(look)
    };
    lines.extend(
        look.codes
            .map(|codes| code_goes(row, codes, look.adder, look.zone, look.now)),
    );
    lines.extend(reason(row.reason.as_deref()));
    Message {
        warnings: warnings(&WarnedOf {
            member_name: &row.member_name,
            directory: look.capabilities,
            earlier: look.earlier,
            own_link: look.own_link,
            quota: look.quota,
            zone: look.zone,
            now: look.now,
        }),
        small_print: look.quota.map(count).into_iter().collect(),
        buttons: look_buttons(look),
        ..message(format!("Ready to reset {}.", row.member_name), lines)
    }
}

/// True where the plan sends the password or the link to the member.
fn sends(row: &ResetRow) -> bool {
    row.delivery.and_then(Delivery::channel).is_some()
}

fn way(row: &ResetRow) -> String {
    let to = goes_to(row);
    match row.delivery.and_then(Delivery::channel) {
        Some(channel) => format!("by {} to {to}", channel.facts().message),
        None => "shown to you here, once".to_owned(),
    }
}

fn what_link(look: &LastLook<'_>) -> Vec<String> {
    let row = look.row;
    let has_code = look.codes.is_none_or(|codes| !codes.usable.is_empty());
    let after = if has_code { " after a code" } else { "" };
    vec![
        format!(
            "A one-time link {}, with which {} sets a new password{after}.",
            way(row),
            row.member_name
        ),
        format!(
            "{} is signed out at once. The old password stops working.",
            row.member_name
        ),
    ]
}

fn what_password(look: &LastLook<'_>) -> Vec<String> {
    let row = look.row;
    let copy = look
        .copy_to
        .filter(|_| row.copy_to_self.is_some())
        .map(|to| format!(", a copy to {to}"))
        .unwrap_or_default();
    let show = if row.also_show && sends(row) {
        ", also shown to you here"
    } else {
        ""
    };
    vec![
        format!(
            "New {}-character password {}{copy}{show}.",
            look.length,
            way(row)
        ),
        format!(
            "{} is signed out at once. This password cannot be sent a second time.",
            row.member_name
        ),
    ]
}

fn look_buttons(look: &LastLook<'_>) -> Vec<Button> {
    let LastLook { row, value, .. } = *look;
    let plain = |action, label| button(action, label, value, Style::Plain);
    let mark = |on: bool| if on { "☑" } else { "☐" };
    let confirm = if look.earlier.is_some_and(|earlier| earlier.is_disowned) {
        "Reset anyway"
    } else if look.earlier.is_some_and(|earlier| earlier.is_since_card) {
        "Reset again"
    } else if sends(row) {
        "Reset and send"
    } else {
        "Reset and show"
    };
    let is_password = row.carries == Carries::Password;
    let mut buttons = vec![button(
        Action::Confirm,
        confirm,
        look.confirm_value,
        Style::Danger,
    )];
    if let Some(to) = look.copy_to.filter(|_| look.can_mail && is_password) {
        let mark = mark(row.copy_to_self.is_some());
        let label = format!("{mark} Also send a copy to {to}");
        buttons.push(plain(Action::CopyToSelf, label));
        if look.is_private {
            let label = "Copy to another address …".to_owned();
            buttons.push(plain(Action::CopyToSelfChange, label));
        }
    }
    if sends(row) && is_password && look.is_private {
        let label = format!("{} Also show it here", mark(row.also_show));
        buttons.push(plain(Action::AlsoShow, label));
    }
    buttons.extend(look.codes.and_then(|codes| look.adder.button(codes, value)));
    buttons.push(plain(Action::Back, "Back".to_owned()));
    let cancel = plain(Action::Cancel, "Cancel".to_owned());
    if look.earlier.is_some_and(|earlier| earlier.is_since_card) {
        // Somebody was quicker: going on is no longer the usual choice.
        buttons.insert(0, cancel);
    } else {
        buttons.push(cancel);
    }
    buttons
}

/// The last look once more, because it has changed since the pressed button was drawn.
pub fn stale(mut look: Message, reference: &Reference) -> Message {
    look.lines.insert(
        0,
        format!(
            "This changed meanwhile. Please look at it again. {NOTHING_CHANGED} (ref {reference})"
        ),
    );
    look
}
