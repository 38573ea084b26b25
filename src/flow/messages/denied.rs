//! Rules and limits that forbid a reset or a look-up.

use super::not_me::ANOTHER_MAKES_NEXT;
use super::words::{login_method, refusal, status};
use crate::app::Organization;
use crate::chat::Message;
use crate::clock::Zone;
use crate::domain::look_up::{REFUSALS, REFUSALS_WITHIN, TooMany};
use crate::domain::{Denied, Guard, Moment, Quota, Reference, Span};

/// A rule forbids the reset.
pub fn denied(
    denied: &Denied,
    member_name: &str,
    organization: &Organization,
    zone: &Zone,
    now: Moment,
    reference: &Reference,
) -> Message {
    match denied {
        Denied::NotAdmin => refusal(
            "You can't reset passwords. It needs a primary admin, or an admin with the Member and Department permission.",
            "Ask your IT team.",
            reference,
        ),
        Denied::Oneself => oneself(organization, reference),
        Denied::Outranked => refusal(
            &format!("{member_name} is a primary admin."),
            "Only another primary admin can reset them.",
            reference,
        ),
        Denied::LoginMethod(method) => refusal(
            &format!(
                "{member_name} doesn't sign in with a business email, so there is no password for you to reset."
            ),
            &format!("They sign in with: {}.", login_method(*method)),
            reference,
        ),
        Denied::Status(found) => refusal(
            &format!(
                "{member_name}'s account is {}. Only Active or Inactive accounts can be reset.",
                status(*found)
            ),
            "Ask whoever can change the status of an account.",
            reference,
        ),
        Denied::Guarded(guard) => guarded(*guard, member_name, zone, reference),
        Denied::Limit(quota) => limit(*quota, zone, now, reference),
        Denied::TooMany(too_many) => too_many_look_ups(*too_many, zone, now, reference),
        Denied::Disowned => refusal(
            &format!("{member_name} said that they did not ask for your last reset."),
            ANOTHER_MAKES_NEXT,
            reference,
        ),
        Denied::Busy { admin_name } => refusal(
            &format!("{admin_name} is resetting {member_name} right now."),
            "Ask them, or wait for their result.",
            reference,
        ),
    }
}

fn oneself(organization: &Organization, reference: &Reference) -> Message {
    let link = organization
        .help_url
        .as_ref()
        .map(|url| format!(": {url}"))
        .unwrap_or_default();
    refusal(
        "You can't reset your own password here.",
        &format!("Use \"Change password\" in your account{link}."),
        reference,
    )
}

fn guarded(guard: Guard, member_name: &str, zone: &Zone, reference: &Reference) -> Message {
    match guard {
        Guard::Protected => refusal(
            &format!(
                "{member_name}'s account is protected: it belongs to those who run the directory."
            ),
            "Whoever runs the directory has to reset it there.",
            reference,
        ),
        Guard::ManagedElsewhere => refusal(
            &format!("{member_name}'s password is kept by another system."),
            "Reset it where it is kept; ask whoever runs the directory.",
            reference,
        ),
        Guard::SmartCard => refusal(
            &format!(
                "{member_name} signs in with a smart card, so there is no password for you to reset."
            ),
            "Ask whoever gives out the cards.",
            reference,
        ),
        Guard::Locked => refusal(
            &format!("{member_name}'s account is locked after too many failed sign-ins."),
            "Whoever manages accounts unlocks it; a reset would not.",
            reference,
        ),
        Guard::ServiceAccount => refusal(
            &format!(
                "{member_name} is the account of an application, so there is no password for you to reset."
            ),
            "Ask whoever runs the directory.",
            reference,
        ),
        Guard::Expired(at) => refusal(
            &format!("{member_name}'s account expired on {}.", zone.full_date(at)),
            "Whoever manages accounts can extend it; then run the command again.",
            reference,
        ),
        Guard::NotYetValid(from) => refusal(
            &format!(
                "{member_name}'s account is not valid before {}.",
                zone.full_date(from)
            ),
            "Run the command again after that, or ask whoever manages accounts.",
            reference,
        ),
    }
}

fn limit(quota: Quota, zone: &Zone, now: Moment, reference: &Reference) -> Message {
    let opens = quota.next_at.map_or_else(String::new, |at| {
        format!(
            " Your next one opens {} (in {}).",
            with_today(zone, at, now),
            at - now
        )
    });
    refusal(
        &format!(
            "You used all {} resets of the last {}.{opens}",
            quota.used, quota.window
        ),
        "Another admin can do it now.",
        reference,
    )
}

/// The limit of look-ups, which keeps administrators from listing who exists.
pub fn too_many_look_ups(
    too_many: TooMany,
    zone: &Zone,
    now: Moment,
    reference: &Reference,
) -> Message {
    let go_on = |at| {
        let told = zone.tell(at, now);
        let at = if told.contains(' ') { "" } else { "at " };
        format!("You can go on {at}{told}.")
    };
    match too_many {
        TooMany::LookUps { of, next_at } => {
            let what = format!(
                "You looked up {} members in {}.",
                of.look_ups,
                in_words(of.within)
            );
            refusal(&what, &go_on(next_at), reference)
        }
        TooMany::Refusals { next_at } => refusal(
            &format!(
                "{REFUSALS} of your tries were refused in {}, so I take no new commands.",
                in_words(REFUSALS_WITHIN)
            ),
            &format!("{} Your open cards work.", go_on(next_at)),
            reference,
        ),
    }
}

/// The same for typed addresses, because the mail server tells which exist.
pub fn too_many_typed(
    too_many: TooMany,
    zone: &Zone,
    now: Moment,
    reference: &Reference,
) -> Message {
    let mut told = too_many_look_ups(too_many, zone, now, reference);
    told.lines
        .push("Contacts on record, phone numbers and Copy still work.".to_owned());
    told
}

/// "10 minutes", "24 hours".
fn in_words(span: Span) -> String {
    if span.0 % Span::hours(1).0 == 0 {
        format!("{} hours", span.0 / Span::hours(1).0)
    } else {
        format!("{} minutes", span.0 / Span::minutes(1).0)
    }
}

fn with_today(zone: &Zone, at: Moment, now: Moment) -> String {
    let told = zone.tell(at, now);
    if told.contains(' ') {
        told
    } else {
        format!("today at {told}")
    }
}
