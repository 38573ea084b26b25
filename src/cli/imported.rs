//! Notices about contacts that an import changed: to each member's previous contacts, and to the security address.

use super::build::CALL_DEADLINE;
use super::{Failure, say};
use crate::chance::Chance;
use crate::clock::Clock;
use crate::config::Settings;
use crate::delivery::Deliveries;
use crate::directory::to_member;
use crate::domain::delivery::Outcome;
use crate::domain::{Channel, CompanyDomains, Destination, EmailAddress, ResetId};
use crate::flow::contacts::{known_of, told_of_change};
use crate::flow::messages;
use crate::net;
use crate::store::{ChangedContacts, Store};

/// How many members the notice to the security address names at most.
const NAMED: usize = 50;

/// After this number of failures in a row the mail server or the gateway is considered down, and no more is sent.
const FAILURES_IN_A_ROW: usize = 5;

/// Sends all notices, one after the other. The import is done, so failures are only printed and counted.
pub(super) async fn tell(
    store: &Store,
    settings: Settings,
    company: &CompanyDomains,
    changed: Vec<ChangedContacts>,
) -> Result<(), Failure> {
    let http = net::client(CALL_DEADLINE).map_err(|error| Failure::Said(error.to_string()))?;
    let Settings {
        organization,
        security_email,
        channels,
        ways,
        default_country,
        ..
    } = settings;
    let deliveries = Deliveries::open(channels, ways, default_country, &http);
    let count = changed.len();
    let told = tell_by(
        &deliveries,
        store,
        &organization,
        security_email,
        company,
        changed,
    )
    .await?;
    say(&format!(
        "contacts on record changed: {count} members, of whom {told} are told"
    ))?;
    if told < count {
        say("tell the others yourself; the audit names them")?;
    }
    Ok(())
}

/// Sends the notices, and returns how many members could be told.
async fn tell_by(
    deliveries: &Deliveries,
    store: &Store,
    organization: &str,
    security: Option<EmailAddress>,
    company: &CompanyDomains,
    changed: Vec<ChangedContacts>,
) -> Result<usize, Failure> {
    let mut rng = Chance::System
        .rng()
        .map_err(|error| Failure::Said(error.to_string()))?;
    // A gateway may drop what looks like a repetition, so each import has its own id.
    let name = ResetId::draw(&mut rng, Clock::System.now());
    let more = changed.len().saturating_sub(NAMED);
    let lines: Vec<String> = changed.iter().take(NAMED).map(line).collect();
    if let Some(security) = security
        .map(Destination::Email)
        .filter(|_| deliveries.has(Channel::Email))
    {
        let note = messages::contacts_imported(organization, &lines, more);
        if deliveries
            .tell(&security, &note, &format!("imported-{name}"))
            .await
            != Outcome::Accepted
        {
            say(&format!("{} could not be told", security.masked()))?;
        }
    }
    let (mut told, mut failed) = (0, 0);
    for (at, one) in changed.into_iter().enumerate() {
        if failed >= FAILURES_IN_A_ROW {
            break;
        }
        let Ok(member) = to_member(&one.before, company) else {
            continue;
        };
        let known = known_of(
            &member,
            &store.contacts(&member.id).await.unwrap_or_default(),
        );
        let to = told_of_change(known, &member, |to| deliveries.has(to.channel()));
        let id = format!("imported-{name}-{at}");
        if tell_one(deliveries, organization, &one, &to, &id).await {
            (told, failed) = (told + 1, 0);
        } else if !to.is_empty() {
            say(&format!(
                "{} could not be told that their contacts on record changed",
                member.business_email
            ))?;
            failed += 1;
        }
    }
    Ok(told)
}

/// Sends the notice of one member. True if it was accepted for at least one address.
async fn tell_one(
    deliveries: &Deliveries,
    organization: &str,
    changed: &ChangedContacts,
    to: &[Destination],
    id: &str,
) -> bool {
    let note = messages::contact_imported(organization, what(changed));
    let mut is_told = false;
    for (at, to) in to.iter().enumerate() {
        is_told |= deliveries.tell(to, &note, &format!("{id}-{at}")).await == Outcome::Accepted;
    }
    is_told
}

/// Which contacts changed.
fn what(changed: &ChangedContacts) -> &'static str {
    match changed.contacts.as_slice() {
        [(Some(Destination::Phone(_)), _) | (_, Some(Destination::Phone(_)))] => "phone number",
        [_] => "private email",
        _ => "phone number and private email",
    }
}

/// The line about a member in the notice to the security address.
fn line(changed: &ChangedContacts) -> String {
    let masked = |to: &Option<Destination>| {
        to.as_ref()
            .map_or_else(|| "none".to_owned(), Destination::masked)
    };
    let contacts: Vec<String> = changed
        .contacts
        .iter()
        .map(|(from, to)| format!("{} → {}", masked(from), masked(to)))
        .collect();
    format!(
        "{} ({}): {}",
        changed.before.name,
        changed.before.business_email,
        contacts.join(", ")
    )
}
