//! Contacts on cards and results: where the code at sign-in goes, and who added that contact.

use super::words::button;
use crate::chat::{Action, Button, Style, Warning};
use crate::clock::Zone;
use crate::domain::contacts::{AddedAs, AddedContact, Method, Methods, of_directory};
use crate::domain::{Carries, Destination, Member, Moment};
use crate::store::ResetRow;

/// Who can add a contact for the code of a reset, beside the administrator who makes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ContactAdder {
    /// Another administrator, whom a button asks.
    AskedAdmin,
    /// Another administrator, whom no button asks: relatch can't list them here, or one was asked already.
    SomeAdmin,
    /// Whoever runs relatch, and nobody else.
    #[default]
    Operator,
    /// The same, but what is added for codes alone is not enough: what carries the password needs a contact on record, and
    /// the card says how that comes.
    Import,
}

impl ContactAdder {
    /// What to do first, as the end of a sentence.
    fn first_step(self, member_email: &str) -> Option<String> {
        let (typed, operator) = (
            format!("/reset-password contact {member_email} …"),
            format!("relatch members contact {member_email} ADDRESS"),
        );
        Some(match self {
            Self::Import => return None,
            Self::AskedAdmin => format!(
                "another administrator adds one: ask one with the button below, or they type {typed}"
            ),
            Self::SomeAdmin => format!(
                "another administrator adds one with {typed}, or whoever runs relatch with {operator}"
            ),
            Self::Operator => format!("whoever runs relatch adds one: {operator}"),
        })
    }

    /// The button that asks another administrator, where no contact surely receives the code.
    pub(super) fn button(self, methods: &Methods, value: &str) -> Option<Button> {
        let is_needed = self == Self::AskedAdmin && methods.counting() == 0;
        is_needed.then(|| {
            let label = "Ask an admin for a contact";
            button(Action::AskContact, label, value, Style::Plain)
        })
    }
}

/// What a card says about its member's contacts.
#[derive(Clone, Debug, Default)]
pub struct AboutContacts {
    /// Who can add one.
    pub adder: ContactAdder,
    /// Where the code can go.
    pub methods: Methods,
    /// The directory's contacts that differ from those on an earlier card, with the time of that card.
    pub differing: Vec<(Destination, Moment)>,
}

/// The contacts on record that were others on an earlier card, with the day of that card.
pub(super) fn differing(member: &Member, about: &AboutContacts, zone: &Zone) -> Vec<Warning> {
    let of = |to: &Destination| differs(to, &about.differing, zone);
    of_directory(member).iter().filter_map(of).collect()
}

/// The same of one contact, if it is among the differing ones.
pub(super) fn differs(
    to: &Destination,
    differing: &[(Destination, Moment)],
    zone: &Zone,
) -> Option<Warning> {
    let (_, at) = differing.iter().find(|(one, _)| one == to)?;
    let (kind, day) = (to.channel().facts().contact, zone.day(*at));
    let what = format!(
        "Their {kind} {} differs from what was on record on {day}.",
        to.masked()
    );
    Some(Warning::new(what, ""))
}

/// The lines about the code at sign-in, before a way of delivery is chosen.
pub(super) fn code_on_card(
    member: &Member,
    about: &AboutContacts,
    zone: &Zone,
    now: Moment,
) -> Vec<String> {
    let methods = &about.methods;
    let first_step = about.adder.first_step(member.business_email.as_str());
    let names: Vec<String> = methods
        .usable
        .iter()
        .filter(|one| one.counts)
        .map(|one| named(one, zone))
        .collect();
    let first = match (names.as_slice(), methods.usable.first()) {
        ([], None) => {
            let next = first_step.map(|step| {
                format!(
                    " Before {} can sign in, {step}. The reset can come before or after that.",
                    member.name
                )
            });
            format!(
                "No contact can receive the code at sign-in yet.{}",
                next.unwrap_or_default()
            )
        }
        ([], Some(one)) => format!(
            "The code at sign-in goes to {}, which has not answered a code yet.{}",
            named(one, zone),
            otherwise(first_step)
        ),
        // A password never goes to a contact that was added for codes.
        ([only], Some(one)) if one.added.is_none() => format!(
            "The code at sign-in goes to {only}. If the password goes there too, password and code go to the same {}.",
            one.to.channel().facts().inbox
        ),
        ([only], _) => format!("The code at sign-in goes to {only}."),
        (several, _) => {
            let to = match several {
                [first, second] => format!("{first}; if the password goes there, to {second}"),
                _ => format!(
                    "the first of these that does not get the password: {}",
                    several.join(", ")
                ),
            };
            format!("At sign-in they also need a code. It goes to {to}.")
        }
    };
    std::iter::once(first)
        .chain(waiting(methods, zone, now))
        .collect()
}

/// Where the code goes, as a fact of the last look.
pub(super) fn code_fact(methods: &Methods) -> String {
    let to = methods.usable.first().map(|first| first.to.masked());
    let to = to.unwrap_or_else(|| "no contact for it yet".to_owned());
    format!("Code at sign-in: {to}")
}

/// What has to be known of the code, after a way of delivery is chosen: who added the contact, whether it is sure and
/// separate, and what to do first where there is none.
pub(super) fn about_code(
    row: &ResetRow,
    methods: &Methods,
    adder: ContactAdder,
    zone: &Zone,
    now: Moment,
) -> Vec<String> {
    let who = adder.first_step(&row.member_email);
    let Some(first) = methods.usable.first() else {
        let next = who.map(|who| format!(" Before they can sign in, {who}."));
        let none = format!(
            "{} has no phone or private email that may receive the code.{}",
            row.member_name,
            next.unwrap_or_default()
        );
        return std::iter::once(none)
            .chain(waiting(methods, zone, now))
            .collect();
    };
    let next = if first.counts {
        String::new()
    } else {
        otherwise(who)
    };
    about_first(first, &next, zone)
        .into_iter()
        .chain(same_inbox(row.carries, first))
        .collect()
}

/// What has to be known of the code before the password goes another way, after one that failed.
pub(super) fn about_code_on_another_way(
    methods: &Methods,
    carries: Carries,
    zone: &Zone,
    now: Moment,
) -> Vec<String> {
    match methods.usable.first() {
        None => waiting(methods, zone, now),
        Some(first) => about_first(first, "", zone)
            .into_iter()
            .chain(same_inbox(carries, first))
            .collect(),
    }
}

/// Who added the contact that the code goes to, and whether it has answered a code, with what to do `next`. None where
/// there is nothing to say.
fn about_first(first: &Method, next: &str, zone: &Zone) -> Option<String> {
    let added = first.added.as_ref().map(|added| added_by(added, zone));
    let added = added.map(|added| format!("was {added}"));
    let unsure = (!first.counts).then(|| "has not answered a code yet".to_owned());
    let what: Vec<String> = added.into_iter().chain(unsure).collect();
    (!what.is_empty()).then(|| {
        format!(
            "{}, where the code goes, {}.{next}",
            first.to.masked(),
            what.join(" and ")
        )
    })
}

/// Says that the code goes to the same inbox as the password or the link.
fn same_inbox(carries: Carries, first: &Method) -> Option<String> {
    let what = match carries {
        Carries::Password => "password",
        Carries::Link => "link",
    };
    let inbox = first.to.channel().facts().inbox;
    first
        .got_password
        .then(|| format!("The {what} and code go to the same {inbox}."))
}

/// What to do where the code does not arrive.
fn otherwise(first_step: Option<String>) -> String {
    first_step.map_or_else(String::new, |step| format!(" If it does not work, {step}."))
}

fn waiting(methods: &Methods, zone: &Zone, now: Moment) -> Vec<String> {
    let line = |(added, until): &(AddedContact, Moment)| {
        let by = added_by(added, zone);
        format!(
            "{}, {by}, does not count before {}.",
            added.to.masked(),
            zone.tell(*until, now)
        )
    };
    methods.waiting.iter().map(line).collect()
}

fn named(method: &Method, zone: &Zone) -> String {
    let added = method
        .added
        .as_ref()
        .map(|added| format!(" ({})", added_by(added, zone)))
        .unwrap_or_default();
    format!("{}{added}", method.to.masked())
}

/// Who added a contact, and when. An answered code does not prove whose contact it is.
fn added_by(added: &AddedContact, zone: &Zone) -> String {
    let who = match added.added_as {
        AddedAs::Operator => "whoever runs relatch",
        AddedAs::Proven | AddedAs::Member => "themselves",
        AddedAs::Administrator => added.by_name.as_str(),
    };
    format!("added by {who} on {}", zone.day(added.added_at))
}
