//! Every sentence that relatch says, each a function. To change a word, change it here and nowhere else.
//!
//! First what happened, then the state ("Nothing was changed." exactly when that is true), then what to do. Full
//! names, "they" for the member, contacts masked, times in the settings' zone, a short reference in every refusal.

mod admins;
mod card;
mod contacts;
mod notes;
mod refusal;
mod result;

pub use self::admins::{address_alarm, not_pinned, pin_line, pinned};
pub use self::card::{
    Card, LastLook, busy, busy_form, careful, directory_link_sent, directory_link_unknown,
    guide_sent, hidden, last_look, offer_card, stale, typed_form, working,
};
pub use self::contacts::{
    AboutContacts, contact_added, contact_answered, contact_code, contact_code_form,
    contact_code_too_soon, contact_gone, too_many_contact_commands, too_many_contacts,
    too_many_own_contacts, two_contacts_needed,
};
pub use self::notes::{
    Notice, alarm, code, contact_alarm, contact_dropped, contact_imported, contact_notice,
    contact_removed, contacts_imported, copy_to_self, guide, guide_sms, link_mail, link_sms,
    password_mail, password_sms, wrong_code,
};
pub use self::refusal::{
    after_change, cancelled, chosen_before_upgrade, click_failed, click_refused, contact_changed,
    contact_denied, contact_elsewhere, contact_not_private, contact_of_own_reset, contact_question,
    contact_question_over, denied, destination_denied, directory_down, directory_refused,
    extra_denied, guide_failed, guide_unknown, no_more_updates, no_such_member, not_prepared,
    nothing_to_do, outsider, overloaded, question_not_sent, several_members, stopping, store_down,
    too_many_look_ups, too_many_typed, unclear, unresolved_caller, unresolved_member, who_failed,
    with_slot_back,
};
pub use self::result::{Ending, disowned, help, history, result, rules, untold, used};

use crate::chat::{Action, Button, Message, Style};
use crate::domain::{LoginMethod, Quota, Status};

/// The words that state that nothing happened; checked by the tests of every refusal.
pub const NOTHING_CHANGED: &str = "Nothing was changed.";

/// Where no reset was counted either.
pub const NO_RESET_USED: &str = "No reset was used.";

/// Stands before the spoken form of a shown password.
pub const SAY_IT: &str = "Say it: ";

fn button(action: Action, label: impl Into<String>, value: &str, style: Style) -> Button {
    Button {
        action,
        label: label.into(),
        value: value.to_owned(),
        style,
    }
}

fn login_method(method: LoginMethod) -> &'static str {
    match method {
        LoginMethod::BusinessEmail => "business email",
        LoginMethod::PersonalEmail => "personal email and a code",
        LoginMethod::Phone => "phone and a code",
        LoginMethod::Sso => "single sign-on",
    }
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Active => "Active",
        Status::Inactive => "Inactive",
        Status::Suspended => "Suspended",
        Status::Pending => "Pending",
        Status::Resigned => "Resigned",
    }
}

fn count(quota: Quota) -> String {
    let all = quota.used + quota.left;
    format!("{} of {all} resets left", quota.left)
}

/// A message of one title and the lines that are not empty.
fn message(title: impl Into<String>, lines: impl IntoIterator<Item = String>) -> Message {
    Message {
        title: title.into(),
        lines: lines.into_iter().filter(|line| !line.is_empty()).collect(),
        buttons: Vec::new(),
    }
}
