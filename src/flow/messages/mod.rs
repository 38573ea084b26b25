//! Every sentence of chat, e-mail and SMS, each a function. To change a word, change it here and nowhere else. Only what
//! an adapter knows of its own platform comes from there, such as "a role", and why a phone on record cannot be used
//! ([`UnreadablePhone`](crate::domain::phone::UnreadablePhone)), which logs and `relatch check` say too. The member's
//! pages have texts of their own.
//!
//! A message says first what happened, then the state ("Nothing was changed." exactly when that is true), then what to do.
//! It uses full names, "they" for the member, masked contacts, the time zone of the settings, and a short reference in
//! every refusal.

mod admins;
mod another_way;
mod ask_contact;
mod card;
mod click;
mod code_uses;
mod contact_command;
mod contacts;
mod denied;
mod destination;
mod directory_refusal;
mod ending;
mod forms;
mod guide;
mod handover;
mod help;
mod instead;
mod last_look;
mod log;
mod not_me;
mod not_sent;
mod notes;
mod notice;
mod open_ways;
mod overview;
mod progress;
mod result;
mod result_steps;
mod second_factors;
mod sms;
mod stopped;
mod warnings;
mod ways;
mod who;
mod words;

pub use self::admins::{
    address_alarm, another_entry, not_pinned, pin_line, pinned, several_entries,
};
pub use self::another_way::{
    AnotherWay, CodeDoubt, another_way, asked_again, choose_on_record, contact_changed_since, wiped,
};
pub use self::ask_contact::{
    contact_asked, contact_of_disowned, contact_of_earlier, contact_of_ended,
    contact_perhaps_asked, contact_there, contact_wanted, nobody_to_ask,
};
pub use self::card::{Card, offer_card};
pub use self::click::{after_change, cancelled, click_failed, click_refused, no_more_updates};
pub use self::code_uses::{code_use_alarm, code_use_mail, code_use_sms, guessed_codes_alarm};
pub use self::contact_command::{
    contact_added, contact_answered, contact_code, contact_code_over, contact_code_too_soon,
    contact_code_wrong, contact_denied, contact_elsewhere, contact_gone, contact_not_private,
    contact_of_own_reset, contact_question, contact_question_over, question_not_sent,
    too_many_contact_commands, too_many_contacts, too_many_own_contacts, two_contacts_needed,
};
pub use self::contacts::{AboutContacts, ContactAdder};
pub use self::denied::{denied, too_many_look_ups, too_many_typed};
pub use self::destination::{
    destination_denied, destination_refused, extra_denied, own_destination_denied,
};
pub use self::ending::Ending;
pub use self::forms::{contact_code_form, form_not_opened, typed_form};
pub use self::guide::{Guide, guide, guide_sms};
pub use self::handover::{Handover, link_mail, link_sms, longest_sign_in_address};
pub use self::help::whom_to_call;
pub use self::instead::{
    directory_link_gone, directory_link_sent, directory_link_unknown, guide_leads_nowhere,
    guide_needs_reset, guide_sent, guide_unknown, guide_without_code,
};
pub use self::last_look::{LastLook, last_look, stale, with_reason};
pub use self::log::{history, refused};
pub use self::not_me::{alarm, code_not_me_line, not_me_line};
pub use self::not_sent::{contact_code_not_sent, guide_failed};
pub use self::notes::{
    code, contact_alarm, contact_dropped, contact_imported, contact_notice, contact_removed,
    contacts_imported, members, wrong_code,
};
pub use self::notice::Notice;
pub use self::open_ways::{link_still_works, set_again};
pub use self::overview::{disowned, help, news, rules, untold, used};
pub use self::progress::{busy, busy_form, hidden, nothing_to_do, overloaded, stopping, working};
pub use self::result::result;
pub use self::stopped::{
    NotReadyAt, channel_not_ready, chosen_before_upgrade, contact_changed, directory_down,
    directory_misconfigured, directory_refused, store_down, with_slot_back,
};
pub use self::warnings::{disowned_code, earlier_reset, limit};
pub use self::who::{
    bare_name, group_mention, mistyped, named_outsider, no_address, no_member, no_such_member,
    outsider, several_members, unclear, unresolved_caller, unresolved_member, who_failed,
};
pub use self::words::{NO_RESET_USED, NOTHING_CHANGED, SAY_IT};
