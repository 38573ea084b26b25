//! `/contacts`: the contacts to which codes may go. The member adds and removes them in a live session, with the current
//! password (S42, Q7). A new one counts when the code that was sent to it came back.

use std::collections::HashSet;

use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::code::{self, CodeFor, CodeNotSent};
use super::done::Done;
use super::page::{Frame, redirect};
use super::password_check::{Confirmation, confirm};
use super::state::PortalState;
use super::texts;
use super::visit::Visit;
use crate::directory::to_member;
use crate::domain::contacts::{AddedAs, of_directory};
use crate::domain::sign_in::{CodePurpose, Stage};
use crate::domain::{Channel, Destination, Member, visible};
use crate::flow::contacts::{known, known_of, tell_of_contact, tell_of_removed_contact};
use crate::flow::messages;
use crate::form::Fields;
use crate::store::{ContactRow, Proof, SignedIn};

#[derive(Template)]
#[template(path = "contacts.html")]
struct ContactsPage {
    frame: Frame,
    contacts: Vec<ListedContact>,
    /// The contact that waits for its code; empty if none does.
    value: String,
    /// What was typed as a new contact and not taken.
    typed: String,
    takes_email: bool,
    takes_phone: bool,
}

struct ListedContact {
    mask: String,
    /// The value with which the form removes it; empty for a contact of the directory itself.
    address: String,
}

/// The signed-in member, whose contacts the page shows.
struct Owner<'a> {
    visit: &'a Visit<'a>,
    found: &'a SignedIn,
    member: &'a Member,
}

/// A new contact, as far as it has come.
#[derive(Clone, Copy)]
enum New<'a> {
    None,
    /// It was typed and not taken: the form has it again.
    Typed(&'a str),
    /// A code was sent to it.
    Waits(&'a Destination),
}

/// `GET /contacts`.
pub(super) async fn page(
    State(portal): PortalState,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let visit = Visit::of(&portal, &headers).await?;
    let found = visit.at(Stage::Open)?;
    let member = to_member(&found.member, &portal.app.organization.company)
        .map_err(|error| visit.unavailable(&error))?;
    let owner = Owner {
        visit: &visit,
        found,
        member: &member,
    };
    owner
        .show(StatusCode::OK, visit.frame_with_done(), New::None)
        .await
}

/// `POST /contacts`. `value` and `password` send a code to a new contact, `value` and `code` add it, `remove` and
/// `password` remove one. What was typed as the value says whether it is a phone or an e-mail.
pub(super) async fn submit(
    State(portal): PortalState,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Response> {
    let visit = Visit::of(&portal, &headers).await?;
    let found = visit.at(Stage::Open)?;
    let fields = visit.form(&headers, &body)?;
    let company = &portal.app.organization.company;
    let member = to_member(&found.member, company).map_err(|error| visit.unavailable(&error))?;
    let owner = Owner {
        visit: &visit,
        found,
        member: &member,
    };
    if !fields.text("remove").is_empty() {
        return owner.remove(&fields).await;
    }
    let to = Destination::contact(fields.text("value"), &member, company).and_then(|to| {
        portal.app.deliveries.check_typed(&to, &member)?;
        Ok(to)
    });
    let to = match to {
        Ok(to) => to,
        Err(denied) => {
            let why = messages::own_destination_denied(&denied);
            let typed = visible(fields.text("value"));
            return owner.refuse(why, New::Typed(&typed)).await;
        }
    };
    let code = code::digits(fields.text("code"));
    if code.is_empty() {
        owner.send_code(&fields, &to).await
    } else {
        owner.add(&to, &code).await
    }
}

impl Owner<'_> {
    /// Sends a code to a new contact.
    async fn send_code(&self, fields: &Fields<'_>, to: &Destination) -> Result<Response, Response> {
        let Self { visit, found, .. } = self;
        if let Confirmation::Refused(status, why) =
            confirm(visit, found, fields.text("password")).await?
        {
            let typed = New::Typed(to.full());
            return self.show(status, visit.frame_with(why), typed).await;
        }
        let words = words(to);
        let sent = code::send(
            visit.portal,
            &found.session,
            to,
            CodeFor(CodePurpose::Contact, &words),
        );
        let notice = match sent.await {
            Ok(sent) => sent.notice(&found.session),
            Err(CodeNotSent::NoSession) => return Ok(redirect("/signin")),
            Err(CodeNotSent::NotMade(why)) => return self.no_code(why, to).await,
            Err(CodeNotSent::Refused(why)) => {
                return self.no_code(texts::code_refused(&why), to).await;
            }
        };
        let frame = Frame {
            notice: notice.to_owned(),
            ..visit.frame()
        };
        self.show(StatusCode::OK, frame, New::Waits(to)).await
    }

    /// Adds a contact whose code came back.
    async fn add(&self, to: &Destination, code: &str) -> Result<Response, Response> {
        let Self {
            visit,
            found,
            member,
        } = self;
        let app = &visit.portal.app;
        let contact = ContactRow::new(
            &member.id,
            to,
            // The store corrects it by what the session has proven.
            AddedAs::Member,
            (&member.id, &member.name),
            app.clock.now(),
        );
        let before = known(app, member)
            .await
            .map_err(|error| visit.unavailable(&error))?;
        let session_key = &found.session.session_key;
        let digest = code::digest(visit.portal, session_key, &words(to), code);
        let typed = New::Typed(to.full());
        let proof = app
            .store
            .prove_contact(session_key.clone(), digest, contact)
            .await;
        match proof.map_err(|error| visit.unavailable(&error))? {
            Proof::Right => {
                tell_of_contact(app, &member.name, member, to, &before);
                Ok(visit.redirect_done("/contacts", Done::ContactAdded))
            }
            Proof::Wrong(left) => {
                let why = messages::wrong_code(left);
                self.refuse(why, New::Waits(to)).await
            }
            Proof::Over => self.refuse(texts::CONTACT_CODE_OVER, typed).await,
            Proof::TooMany => self.refuse(messages::too_many_own_contacts(), typed).await,
            Proof::NoSession => Ok(redirect("/signin")),
        }
    }

    /// Removes an added contact after the current password. Contacts of the directory stay.
    async fn remove(&self, fields: &Fields<'_>) -> Result<Response, Response> {
        let Self {
            visit,
            found,
            member,
        } = self;
        if let Confirmation::Refused(status, why) =
            confirm(visit, found, fields.text("password")).await?
        {
            return self.show(status, visit.frame_with(why), New::None).await;
        }
        let app = &visit.portal.app;
        let added = app
            .store
            .contacts(&member.id)
            .await
            .map_err(|error| visit.unavailable(&error))?;
        let before = known_of(member, &added);
        let wanted = added
            .iter()
            .find(|contact| contact.address == fields.text("remove"))
            .and_then(ContactRow::added);
        let Some(wanted) = wanted else {
            return Ok(redirect("/contacts"));
        };
        let key = found.session.session_key.clone();
        let address = wanted.to.full().to_owned();
        let removed = app.store.remove_contact(&member.id, key, address).await;
        if removed.map_err(|error| visit.unavailable(&error))? {
            tell_of_removed_contact(app, member, &wanted.to, before);
            return Ok(visit.redirect_done("/contacts", Done::ContactRemoved));
        }
        Ok(redirect("/contacts"))
    }

    /// The page again, because no code was sent.
    async fn no_code(
        &self,
        why: impl Into<String>,
        to: &Destination,
    ) -> Result<Response, Response> {
        let frame = self.visit.frame_with(why);
        let typed = New::Typed(to.full());
        self.show(StatusCode::TOO_MANY_REQUESTS, frame, typed).await
    }

    /// The page again, with what is wrong.
    async fn refuse(&self, why: impl Into<String>, new: New<'_>) -> Result<Response, Response> {
        let frame = self.visit.frame_with(why);
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        self.show(status, frame, new).await
    }

    async fn show(
        &self,
        status: StatusCode,
        frame: Frame,
        new: New<'_>,
    ) -> Result<Response, Response> {
        let Self { visit, member, .. } = self;
        let app = &visit.portal.app;
        let added = app
            .store
            .contacts(&member.id)
            .await
            .map_err(|error| visit.unavailable(&error))?;
        let (value, typed) = match new {
            New::None => (String::new(), String::new()),
            New::Typed(typed) => (String::new(), typed.to_owned()),
            New::Waits(to) => (to.full().to_owned(), String::new()),
        };
        let page = ContactsPage {
            frame,
            contacts: listed(member, &added),
            value,
            typed,
            takes_email: app.deliveries.has(Channel::Email),
            takes_phone: app.deliveries.has(Channel::Sms),
        };
        Ok(visit.page(status, &page))
    }
}

/// The contacts of the directory, then the added ones.
fn listed(member: &Member, added: &[ContactRow]) -> Vec<ListedContact> {
    let fixed = of_directory(member).into_iter().map(|to| ListedContact {
        mask: to.masked(),
        address: String::new(),
    });
    // Two administrators may have added the same one.
    let mut seen = HashSet::new();
    let added = added
        .iter()
        .filter_map(ContactRow::added)
        .map(|added| ListedContact {
            mask: added.to.masked(),
            address: added.to.full().to_owned(),
        })
        .filter(|contact| seen.insert(contact.address.clone()));
    fixed.chain(added).collect()
}

/// A code for one contact is worth nothing for another, nor for signing in.
fn words(to: &Destination) -> String {
    format!("contact {}", to.full())
}
