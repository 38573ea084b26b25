//! The contacts to which codes may go: seen, and added or removed by the member in a live session, with the present
//! password (S42, Q7). A new one counts when a code that was sent to it came back.

use std::collections::HashSet;

use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::Shared;
use super::check::confirm;
use super::sign_in::{NotSent, deliver_code};
use super::visit::{Fields, Frame, Visit, go};
use crate::directory::{Unavailable, to_member};
use crate::domain::contacts::AddedAs;
use crate::domain::sign_in::Stage;
use crate::domain::{Destination, Member};
use crate::flow::contacts::{known, known_of, tell_of_contact, tell_of_removed_contact};
use crate::flow::messages;
use crate::store::{ContactRow, Proof, SignedIn};

#[derive(Template)]
#[template(path = "contacts.html")]
struct ContactsPage {
    frame: Frame,
    contacts: Vec<Shown>,
    /// The contact that waits for its code; empty before.
    value: String,
}

/// One contact of the page.
struct Shown {
    mask: String,
    /// What takes it away; empty for a contact of the directory itself.
    address: String,
}

/// `GET /contacts`.
pub(super) async fn page(State(portal): Shared, headers: HeaderMap) -> Result<Response, Response> {
    let visit = Visit::of(&portal, &headers).await?;
    let found = visit.at(Stage::Open)?;
    show(&visit, found, StatusCode::OK, visit.frame(), None).await
}

/// `POST /contacts`: `value` and `password` send a code there, `value` and `code` add it; `remove` and `password` take one
/// away.
pub(super) async fn add(
    State(portal): Shared,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Response> {
    let visit = Visit::of(&portal, &headers).await?;
    let found = visit.at(Stage::Open)?;
    let fields = visit.form(&headers, &body)?;
    let member = to_member(&found.member, &portal.app.organization.company)
        .map_err(|Unavailable| visit.unavailable())?;
    if !fields.get("remove").is_empty() {
        return remove(&visit, found, &fields, &member).await;
    }
    let to = match Destination::contact(
        fields.get("value"),
        &member,
        &portal.app.organization.company,
    ) {
        Ok(to) => to,
        Err(denied) => {
            let frame = visit.frame_with(messages::destination_denied(&denied, &member.name));
            return show(&visit, found, StatusCode::UNPROCESSABLE_ENTITY, frame, None).await;
        }
    };
    if let Err(denied) = portal.app.deliveries.check_typed(&to, &member) {
        let frame = visit.frame_with(messages::destination_denied(&denied, &member.name));
        return show(&visit, found, StatusCode::UNPROCESSABLE_ENTITY, frame, None).await;
    }
    let code: String = fields
        .get("code")
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    if code.is_empty() {
        if let Err((status, why)) = confirm(&visit, found, fields.get("password")).await? {
            return show(&visit, found, status, visit.frame_with(why), None).await;
        }
        let (status, frame) = match deliver_code(&portal, &found.session, &to, &purpose(&to)).await
        {
            Ok(()) => (StatusCode::OK, visit.frame()),
            Err(NotSent::NoSession) => return Ok(go("/signin")),
            Err(NotSent::Told(why)) => (StatusCode::TOO_MANY_REQUESTS, visit.frame_with(why)),
        };
        let waits = (status == StatusCode::OK).then_some(&to);
        return show(&visit, found, status, frame, waits).await;
    }
    let contact = ContactRow {
        member_id: member.id.clone(),
        channel: to.channel(),
        address: to.full().to_owned(),
        added_by: member.id.clone(),
        added_at: portal.app.clock.now(),
        // What the session is worth is decided where it is added.
        added_as: AddedAs::Member,
        added_by_name: member.name.clone(),
        answered_at: None,
    };
    let before = known(&portal.app, &member)
        .await
        .map_err(|_| visit.unavailable())?;
    let digest =
        super::sign_in::digest_of(&portal, &found.session.session_key, &purpose(&to), &code);
    let proof = portal
        .app
        .store
        .prove_contact(found.session.session_key.clone(), digest, contact)
        .await;
    match proof.map_err(|_| visit.unavailable())? {
        Proof::Right => {
            tell_of_contact(&portal.app, &member.name, &member, &to, &before);
            Ok(go("/contacts"))
        }
        Proof::Wrong(left) => {
            let frame = visit.frame_with(messages::wrong_code(left));
            show(
                &visit,
                found,
                StatusCode::UNPROCESSABLE_ENTITY,
                frame,
                Some(&to),
            )
            .await
        }
        Proof::Over => {
            let frame = visit
                .frame_with("This code no longer works. Ask for another one. Nothing was changed.");
            show(&visit, found, StatusCode::UNPROCESSABLE_ENTITY, frame, None).await
        }
        Proof::TooMany => {
            let frame = visit.frame_with(messages::too_many_own_contacts());
            show(&visit, found, StatusCode::UNPROCESSABLE_ENTITY, frame, None).await
        }
        Proof::NoSession => Ok(go("/signin")),
    }
}

/// Takes an added contact away.
async fn remove(
    visit: &Visit<'_>,
    found: &SignedIn,
    fields: &Fields,
    member: &Member,
) -> Result<Response, Response> {
    if let Err((status, why)) = confirm(visit, found, fields.get("password")).await? {
        return show(visit, found, status, visit.frame_with(why), None).await;
    }
    let app = &visit.portal.app;
    let added = app
        .store
        .contacts(&member.id)
        .await
        .map_err(|_| visit.unavailable())?;
    let before = known_of(member, &added);
    let wanted = added
        .iter()
        .find(|contact| contact.address == fields.get("remove"))
        .and_then(ContactRow::added);
    let Some(wanted) = wanted else {
        return Ok(go("/contacts"));
    };
    let (key, address) = (
        found.session.session_key.clone(),
        wanted.to.full().to_owned(),
    );
    let removed = app.store.remove_contact(&member.id, key, address).await;
    if removed.map_err(|_| visit.unavailable())? {
        tell_of_removed_contact(app, member, &wanted.to, before);
    }
    Ok(go("/contacts"))
}

/// A code for one contact is worth nothing for another, nor for signing in.
fn purpose(to: &Destination) -> String {
    format!("contact {}", to.full())
}

async fn show(
    visit: &Visit<'_>,
    found: &SignedIn,
    status: StatusCode,
    frame: Frame,
    waits: Option<&Destination>,
) -> Result<Response, Response> {
    let added = visit
        .portal
        .app
        .store
        .contacts(&found.session.member_id)
        .await
        .map_err(|_| visit.unavailable())?;
    let company = &visit.portal.app.organization.company;
    let member = to_member(&found.member, company).map_err(|Unavailable| visit.unavailable())?;
    let phone = member.phone.clone().map(Destination::Phone);
    let email = member.outside_email().cloned().map(Destination::Email);
    let fixed = phone.into_iter().chain(email).map(|to| Shown {
        mask: to.masked(),
        address: String::new(),
    });
    let added = added
        .iter()
        .filter_map(ContactRow::added)
        .map(|added| added.to);
    let added = added.map(|to| Shown {
        mask: to.masked(),
        address: to.full().to_owned(),
    });
    let mut contacts: Vec<Shown> = fixed.chain(added).collect();
    // Two administrators may have vouched for the same one.
    let mut seen = HashSet::new();
    contacts.retain(|contact| contact.address.is_empty() || seen.insert(contact.address.clone()));
    let value = waits.map(|to| to.full().to_owned()).unwrap_or_default();
    Ok(visit.page(
        status,
        &ContactsPage {
            frame,
            contacts,
            value,
        },
    ))
}
