//! Notices about contacts that an import changed: to each member's previous contacts, and to the security address.

use std::collections::HashMap;

use super::build::CALL_DEADLINE;
use super::{Failure, build, say};
use crate::app::Organization;
use crate::chance::Chance;
use crate::clock::Clock;
use crate::config::Settings;
use crate::delivery::Deliveries;
use crate::directory::to_member;
use crate::domain::delivery::{Outcome, Refusal};
use crate::domain::{Channel, CompanyDomains, Destination, EmailAddress, draw_id};
use crate::flow::contacts::{known_of, told_of_change};
use crate::flow::messages;
use crate::net;
use crate::store::ChangedContacts;

/// How many members one notice to the security address names at most.
const NAMED: usize = 50;

/// After so many failures of its server in a row, a channel is not tried any more.
const FAILURES_IN_A_ROW: usize = 5;

/// Tells everybody, one after the other, and then the security address. The import is done, so what fails is said and
/// counted, and nothing more.
pub(super) async fn tell(
    settings: Settings,
    company: &CompanyDomains,
    changed: Vec<ChangedContacts>,
) -> Result<(), Failure> {
    let http = net::client(CALL_DEADLINE).map_err(|error| Failure::Said(error.to_string()))?;
    let mut rng = Chance::System
        .rng()
        .map_err(|error| Failure::Said(error.to_string()))?;
    // The settings are large, and are kept while everybody is told.
    let organization = Box::new(build::organization(&settings));
    let Settings {
        security_email,
        channels,
        ways,
        default_country,
        ..
    } = settings;
    let deliveries = Deliveries::open(channels, ways, default_country, &http);
    let mut notices = Notices {
        organization: &organization,
        company,
        // A gateway may drop what looks like a repetition, so each import has its own id.
        name: draw_id(&mut rng, Clock::System.now()),
        failures: SendFailures::default(),
        deliveries: &deliveries,
    };
    let mut told = Vec::new();
    for (at, one) in changed.iter().enumerate() {
        told.push(notices.tell_member(at, one).await);
    }
    let unheard = match security_email {
        Some(security) if deliveries.has(Channel::Email) => {
            notices.tell_security(security, &changed, &told).await
        }
        Some(_) | None => None,
    };
    say_all(&changed, &told, unheard)
}

/// What the operator reads, once everybody was tried.
fn say_all(
    changed: &[ChangedContacts],
    told: &[bool],
    unheard: Option<String>,
) -> Result<(), Failure> {
    let count = told.iter().filter(|is_told| **is_told).count();
    say(&format!(
        "contacts on record changed: {}, told: {count}",
        messages::members(changed.len())
    ))?;
    for (one, _) in changed.iter().zip(told).filter(|(_, is_told)| !**is_told) {
        say(&format!(
            "{} ({}) could not be told that their contacts on record changed",
            one.before.name, one.before.business_email
        ))?;
    }
    if count < changed.len() {
        say("tell them yourself")?;
    }
    unheard.map_or(Ok(()), |unheard| say(&unheard))
}

/// The messages of one import.
struct Notices<'a> {
    deliveries: &'a Deliveries,
    organization: &'a Organization,
    company: &'a CompanyDomains,
    name: String,
    failures: SendFailures,
}

impl Notices<'_> {
    /// True where one of the member's addresses took it.
    async fn tell_member(&mut self, number: usize, changed: &ChangedContacts) -> bool {
        let Ok(member) = to_member(&changed.before, self.company) else {
            return false;
        };
        let known = known_of(&member, &changed.added);
        let addresses = told_of_change(known, &member, |to| self.deliveries.has(to.channel()));
        let note = messages::contact_imported(self.organization, &what(changed));
        let mut is_told = false;
        for (at, to) in addresses.iter().enumerate() {
            if self.failures.is_down(to.channel()) {
                continue;
            }
            let id = format!("imported-{}-{number}-{at}", self.name);
            let outcome = self.deliveries.tell(to, &note, &id).await;
            self.failures.count(to.channel(), &outcome);
            is_told |= outcome == Outcome::Accepted;
        }
        is_told
    }

    /// Names all members, in several messages where they are many. Gives back a sentence where one of them was not taken;
    /// the further ones are not tried then.
    async fn tell_security(
        &self,
        security: EmailAddress,
        changed: &[ChangedContacts],
        told: &[bool],
    ) -> Option<String> {
        let to = Destination::Email(security);
        let lines: Vec<String> = changed
            .iter()
            .zip(told)
            .map(|(one, is_told)| line(one, *is_told))
            .collect();
        let count = told.iter().filter(|is_told| **is_told).count();
        let parts = lines.len().div_ceil(NAMED);
        for (at, lines) in lines.chunks(NAMED).enumerate() {
            let part = (at + 1, parts);
            let note = messages::contacts_imported(
                &self.organization.name,
                lines,
                part,
                (changed.len(), count),
            );
            let id = format!("imported-{}-security-{at}", self.name);
            if self.deliveries.tell(&to, &note, &id).await != Outcome::Accepted {
                let masked = to.masked();
                return Some(format!(
                    "{masked} could not be told (message {} of {parts})",
                    at + 1
                ));
            }
        }
        None
    }
}

/// How often in a row the server of each channel failed. What it says of one address or one message is no such failure.
#[derive(Default)]
struct SendFailures(HashMap<Channel, usize>);

impl SendFailures {
    fn count(&mut self, channel: Channel, outcome: &Outcome) {
        let in_a_row = self.0.entry(channel).or_default();
        match outcome {
            Outcome::Accepted
            | Outcome::Refused(Refusal::Address | Refusal::OptedOut | Refusal::Message) => {
                *in_a_row = 0;
            }
            // It is about everybody, or about one number: gateways do not tell.
            Outcome::Refused(Refusal::SetUp) => {}
            Outcome::Refused(
                Refusal::Unreachable | Refusal::Credentials | Refusal::Tls | Refusal::Later,
            )
            | Outcome::Unknown => *in_a_row += 1,
        }
    }

    fn is_down(&self, channel: Channel) -> bool {
        self.0
            .get(&channel)
            .is_some_and(|in_a_row| *in_a_row >= FAILURES_IN_A_ROW)
    }
}

/// Which contacts an import changed, in words.
fn what(changed: &ChangedContacts) -> String {
    let contacts = changed.contacts.iter();
    let fields: Vec<&str> = contacts
        .filter_map(|(from, to)| from.as_ref().or(to.as_ref()))
        .map(|contact| contact.channel().facts().field)
        .collect();
    fields.join(" and ")
}

/// The line about a member in the notice to the security address.
fn line(changed: &ChangedContacts, is_told: bool) -> String {
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
        "{} ({}): {}{}",
        changed.before.name,
        changed.before.business_email,
        contacts.join(", "),
        if is_told { "" } else { " (not told)" }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Dead mailboxes do not silence a channel; a server that fails does, and only its own one.
    #[test]
    fn only_failures_of_the_server_count() {
        let mut failures = SendFailures::default();
        for _ in 0..9 {
            for refusal in [Refusal::Address, Refusal::OptedOut, Refusal::Message] {
                failures.count(Channel::Email, &Outcome::Refused(refusal));
            }
        }
        // A gateway says it of one number too, so it does not close the channel, nor does it show that the server works.
        for _ in 0..FAILURES_IN_A_ROW {
            failures.count(Channel::Email, &Outcome::Refused(Refusal::SetUp));
        }
        assert!(!failures.is_down(Channel::Email));
        for outcome in [
            Outcome::Unknown,
            Outcome::Refused(Refusal::Unreachable),
            Outcome::Refused(Refusal::Credentials),
            Outcome::Refused(Refusal::Tls),
            Outcome::Refused(Refusal::Later),
        ] {
            let mut failures = SendFailures::default();
            for _ in 0..FAILURES_IN_A_ROW {
                assert!(!failures.is_down(Channel::Email), "{outcome:?}");
                failures.count(Channel::Email, &outcome);
                failures.count(Channel::Email, &Outcome::Refused(Refusal::SetUp));
            }
            assert!(failures.is_down(Channel::Email), "{outcome:?}");
            assert!(!failures.is_down(Channel::Sms));
        }
    }
}
