//! `relatch members contact EMAIL ADDRESS`: whoever runs relatch adds a contact for codes.

use super::build::CALL_DEADLINE;
use super::members::{directory, find};
use super::{Failure, build, say};
use crate::chance::Chance;
use crate::clock::Clock;
use crate::config::Settings;
use crate::domain::contacts::{AddedAs, CONTACTS_PER_MEMBER};
use crate::domain::delivery::Outcome;
use crate::domain::{Destination, EmailAddress, MemberId, ResetId};
use crate::flow::contacts::{known_of, told_of_change};
use crate::flow::messages;
use crate::net;
use crate::store::{ContactAdded, ContactRow, OPERATOR, Store};

/// Who is named as having added it, in texts to people.
const OPERATOR_NAME: &str = "whoever runs relatch";

/// Adds the contact, and tells the contacts that were there before and the security address.
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
    let http = net::client(CALL_DEADLINE).map_err(|error| Failure::Said(error.to_string()))?;
    let deliveries = build::deliveries(
        settings.email,
        settings.sms,
        settings.ways,
        settings.sms_countries,
        &http,
    );
    if !deliveries.has(to.channel()) {
        let missing = match to {
            Destination::Phone(_) => "[sms]",
            Destination::Email(_) => "[email]",
        };
        return Err(Failure::Said(format!(
            "no code can go to {}: the settings have no {missing}. Nothing was changed.",
            to.masked()
        )));
    }
    let before = known_of(&member, &store.contacts(&member.id).await?);
    let row = ContactRow {
        member_id: member.id.clone(),
        channel: to.channel(),
        address: to.full().to_owned(),
        added_by: MemberId(OPERATOR.to_owned()),
        added_at: Clock::System.now(),
        added_as: AddedAs::Operator,
        added_by_name: OPERATOR_NAME.to_owned(),
        answered_at: None,
    };
    let ContactAdded::Yes { dropped, .. } = store.add_contact_of_operator(row).await? else {
        return Err(Failure::Said(format!(
            "{} has {CONTACTS_PER_MEMBER} added contacts already. Nothing was changed. They can remove one on their account page.",
            member.name
        )));
    };
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
    let others = before
        .into_iter()
        .filter(|known| !known.to.is_same(&to))
        .collect();
    let note = messages::contact_notice(&settings.organization, OPERATOR_NAME, &mask);
    let alarm =
        messages::contact_alarm(&settings.organization, OPERATOR_NAME, &member, &mask, true);
    let told = told_of_change(others, &member, |to| deliveries.has(to.channel()));
    let security = settings
        .security_email
        .map(Destination::Email)
        .filter(|to| deliveries.has(to.channel()));
    let mut rng = Chance::System
        .rng()
        .map_err(|error| Failure::Said(error.to_string()))?;
    let name = ResetId::draw(&mut rng, Clock::System.now());
    let gone = dropped.map(|to| {
        let mask = to.masked();
        let note = messages::contact_dropped(&settings.organization, OPERATOR_NAME, &mask);
        (
            note,
            messages::contact_alarm(&settings.organization, OPERATOR_NAME, &member, &mask, false),
        )
    });
    let of_dropped = gone.iter().flat_map(|(note, alarm)| {
        told.iter()
            .map(move |to| (to, note))
            .chain(security.iter().map(move |to| (to, alarm)))
    });
    let notes = told
        .iter()
        .map(|to| (to, &note))
        .chain(security.iter().map(|to| (to, &alarm)))
        .chain(of_dropped);
    let mut is_anybody_told = false;
    for (at, (to, note)) in notes.enumerate() {
        match deliveries
            .tell(to, note, &format!("contact-{name}-{at}"))
            .await
        {
            Outcome::Accepted => is_anybody_told = true,
            Outcome::Refused(_) | Outcome::Unknown => {
                say(&format!("{} could not be told", to.masked()))?
            }
        }
    }
    if !is_anybody_told {
        say("nobody could be told of it: tell the member yourself")?;
    }
    Ok(())
}
