//! `relatch members contact EMAIL ADDRESS`: the operator adds a contact for codes.

use super::build::CALL_DEADLINE;
use super::builtin::{directory, find};
use super::{Failure, build, say};
use crate::app::Organization;
use crate::chance::Chance;
use crate::clock::Clock;
use crate::config::Settings;
use crate::delivery::{Deliveries, Note};
use crate::domain::contacts::{AddedAs, CONTACTS_PER_MEMBER};
use crate::domain::delivery::Outcome;
use crate::domain::{Destination, EmailAddress, Member, MemberId, draw_id};
use crate::flow::contacts::{known_of, told_of_change};
use crate::flow::messages;
use crate::net;
use crate::store::{ContactAdded, ContactRow, OPERATOR, Store};

/// Who added the contact, in texts to people.
const OPERATOR_NAME: &str = "whoever runs relatch";

/// Adds the contact, and notifies the previous contacts and the security address.
pub(super) async fn add(
    store: &Store,
    settings: Settings,
    email: &EmailAddress,
    address: &str,
) -> Result<(), Failure> {
    let company = build::company(&settings.directories, &settings.company_domains);
    let member = find(&directory(store)?.in_company(company.clone()), email).await?;
    let to = Destination::contact(address, &member, &company)
        .map_err(|denied| Failure::Said(messages::destination_denied(&denied, &member.name)))?;
    let organization = build::organization(&settings);
    let http = net::client(CALL_DEADLINE).map_err(|error| Failure::Said(error.to_string()))?;
    let deliveries = Deliveries::open(
        settings.channels,
        settings.ways,
        settings.default_country,
        &http,
    );
    if !deliveries.has(to.channel()) {
        return Err(Failure::Said(format!(
            "no code can go to {}: the settings have no [{}]. Nothing was changed.",
            to.masked(),
            to.channel()
        )));
    }
    let before = known_of(&member, &store.contacts(&member.id).await?);
    let dropped = write(store, &member, &to).await?;
    let mask = to.masked();
    say(&format!(
        "{mask} was added for codes of {}; it counts from now on",
        member.name
    ))?;
    if let Some(dropped) = &dropped {
        say(&format!(
            "{} was removed to make room for it",
            dropped.masked()
        ))?;
    }
    let known: Vec<_> = before
        .into_iter()
        .filter(|known| !known.to.is_same(&to))
        .collect();
    let notified = Notified {
        contacts: told_of_change(known, &member, |to| deliveries.has(to.channel())),
        security: settings
            .security_email
            .map(Destination::Email)
            .filter(|to| deliveries.has(to.channel())),
    };
    let notes = notified.notes(&organization, &member, &mask, dropped.as_ref());
    send(&deliveries, &notes).await
}

/// Writes the contact. Returns the one that was removed to make room for it, if any.
async fn write(
    store: &Store,
    member: &Member,
    to: &Destination,
) -> Result<Option<Destination>, Failure> {
    let operator = MemberId(OPERATOR.to_owned());
    let row = ContactRow::new(
        &member.id,
        to,
        AddedAs::Operator,
        (&operator, OPERATOR_NAME),
        Clock::System.now(),
    );
    let ContactAdded::Yes { dropped, .. } = store.add_contact_of_operator(row, member).await?
    else {
        return Err(Failure::Said(format!(
            "{} has {CONTACTS_PER_MEMBER} added contacts already. Nothing was changed. The member can take one away at /contacts.",
            member.name
        )));
    };
    Ok(dropped)
}

/// Who is notified of a change.
struct Notified {
    /// The contacts that the member had before.
    contacts: Vec<Destination>,
    security: Option<Destination>,
}

impl Notified {
    /// The notices with their recipients, in the order of sending: first of the added contact, then of the removed one.
    fn notes(
        &self,
        organization: &Organization,
        member: &Member,
        added: &str,
        dropped: Option<&Destination>,
    ) -> Vec<(Vec<&Destination>, Note)> {
        let alarm = |mask: &str, is_added| {
            messages::contact_alarm(&organization.name, OPERATOR_NAME, member, mask, is_added)
        };
        let contacts = || self.contacts.iter().collect();
        let security = || self.security.iter().collect();
        let notice = messages::contact_notice(organization, OPERATOR_NAME, added);
        let mut notes = vec![(contacts(), notice), (security(), alarm(added, true))];
        if let Some(dropped) = dropped.map(Destination::masked) {
            let notice = messages::contact_dropped(organization, OPERATOR_NAME, &dropped);
            notes.extend([(contacts(), notice), (security(), alarm(&dropped, false))]);
        }
        notes
    }
}

/// Sends the notices, and says which could not be sent.
async fn send(deliveries: &Deliveries, notes: &[(Vec<&Destination>, Note)]) -> Result<(), Failure> {
    let mut rng = Chance::System
        .rng()
        .map_err(|error| Failure::Said(error.to_string()))?;
    // A gateway may drop what looks like a repetition, so each command has its own id.
    let name = draw_id(&mut rng, Clock::System.now());
    let mut is_anybody_told = false;
    let each = notes
        .iter()
        .flat_map(|(to, note)| to.iter().map(move |to| (to, note)));
    for (at, (to, note)) in each.enumerate() {
        match deliveries
            .tell(to, note, &format!("contact-{name}-{at}"))
            .await
        {
            Outcome::Accepted => is_anybody_told = true,
            Outcome::Refused(_) | Outcome::Unknown => {
                say(&format!("{} could not be told", to.masked()))?;
            }
        }
    }
    if !is_anybody_told {
        say("nobody could be told of it: tell the member yourself")?;
    }
    Ok(())
}
