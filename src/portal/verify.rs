//! `/verify`: the code that proves the person, after the password of a reset or too many wrong passwords.

use askama::Template;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::code::{self, CodeNotSent, CodeSent, SIGN_IN};
use super::code_sign_in;
use super::new_session::new_token;
use super::page::{Frame, redirect};
use super::session::key_of;
use super::state::PortalState;
use super::texts;
use super::visit::Visit;
use crate::directory::to_member;
use crate::domain::Destination;
use crate::domain::sign_in::{AccountState, Admission, LockedBy, Stage, admit};
use crate::flow::{contacts, messages};
use crate::store::{Proof, SignedIn};

#[derive(Template)]
#[template(path = "verify.html")]
struct VerifyPage {
    frame: Frame,
    /// Where the code goes, masked; empty where none is on its way.
    mask: String,
    /// The password of a reset was typed, and not the member's own after too many wrong ones.
    is_reset: bool,
    /// The other contacts that a code can go to.
    others: Vec<OtherContact>,
    cannot_use: &'static str,
    help_phone: Option<String>,
    /// The same as it is dialled.
    help_number: String,
    help_url: Option<String>,
}

/// A contact that a code can be sent to instead.
struct OtherContact {
    mask: String,
    /// Its keyed digest, which tells nothing about it.
    name: String,
}

/// Where the code of a page went.
#[derive(Default)]
struct SentTo {
    /// Empty where none is on its way.
    mask: String,
    /// The contact's keyed digest.
    digest: Option<String>,
}

impl SentTo {
    fn of(found: &SignedIn) -> Self {
        Self {
            mask: found.session.code_mask.clone().unwrap_or_default(),
            digest: found.session.code_to_digest.clone(),
        }
    }
}

/// `GET /verify`.
pub(super) async fn page(
    State(portal): PortalState,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let visit = Visit::of(&portal, &headers).await?;
    if visit.code_sign_in.is_some() {
        return Ok(code_sign_in::page(&visit));
    }
    let found = visit.at(Stage::Code)?;
    let sent_to = SentTo::of(found);
    let frame = if sent_to.mask.is_empty() {
        let refused = code::refusal_at(query.as_deref());
        visit.frame_with(refused.as_ref().map_or(texts::NO_CODE, texts::code_refused))
    } else {
        visit.frame()
    };
    show(&visit, found, StatusCode::OK, frame, sent_to).await
}

/// `POST /verify`: a typed code, or the request for another one.
pub(super) async fn submit(
    State(portal): PortalState,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Response> {
    let visit = Visit::of(&portal, &headers).await?;
    if let Some(row) = &visit.code_sign_in {
        let typed = code::digits(visit.form(&headers, &body)?.text("code"));
        return code_sign_in::prove(&visit, row, &typed).await;
    }
    let found = visit.at(Stage::Code)?;
    let fields = visit.form(&headers, &body)?;
    match fields.text("again") {
        "" => prove(&visit, found, &code::digits(fields.text("code"))).await,
        wanted => send_another(&visit, found, wanted).await,
    }
}

/// Checks a typed code. A right one continues the session under a new key.
async fn prove(visit: &Visit<'_>, found: &SignedIn, typed: &str) -> Result<Response, Response> {
    let (session_key, token) = (found.session.session_key.clone(), new_token(visit)?);
    let digest = code::digest(visit.portal, &session_key, SIGN_IN.1, typed);
    let member = &found.session.member_id;
    let store = &visit.portal.app.store;
    let proof = store
        .prove(member, session_key, digest, key_of(&token))
        .await;
    let again = async |problem: String| {
        let frame = visit.frame_with(problem);
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        show(visit, found, status, frame, SentTo::of(found)).await
    };
    match proof.map_err(|error| visit.unavailable(&error))? {
        Proof::Right if is_reset(found) => Ok(visit.redirect_with_session("/new-password", &token)),
        Proof::Right => {
            let mut response = visit.redirect_with_session("/account", &token);
            visit.remember_device(&mut response, member, &token).await;
            Ok(response)
        }
        Proof::Wrong(left) => again(messages::wrong_code(left)).await,
        Proof::Over | Proof::TooMany => again(texts::CODE_OVER.to_owned()).await,
        Proof::NoSession => Ok(redirect("/signin")),
    }
}

/// Sends another code, and shows the page again. `wanted` is the name of another contact, or anything else for the one
/// before.
async fn send_another(
    visit: &Visit<'_>,
    found: &SignedIn,
    wanted: &str,
) -> Result<Response, Response> {
    let not_sent = async |why: &str, sent_to: SentTo| {
        let (status, frame) = (StatusCode::TOO_MANY_REQUESTS, visit.frame_with(why));
        show(visit, found, status, frame, sent_to).await
    };
    let usable = usable_now(visit, found).await?;
    let Some((to, digest)) = chosen(found, &usable, wanted) else {
        return not_sent(texts::NO_CONTACT_NOW, SentTo::of(found)).await;
    };
    let notice = match code::send(visit.portal, &found.session, to, SIGN_IN).await {
        Ok(CodeSent::Accepted) => texts::CODE_SENT,
        Ok(CodeSent::Perhaps) => texts::CODE_PERHAPS_SENT,
        Err(CodeNotSent::NoSession) => return Ok(redirect("/signin")),
        Err(CodeNotSent::NotMade(why)) => return not_sent(&why, SentTo::of(found)).await,
        Err(CodeNotSent::Refused(why)) => {
            return not_sent(texts::code_refused(&why), SentTo::default()).await;
        }
    };
    let frame = Frame {
        notice: notice.to_owned(),
        ..visit.frame()
    };
    let sent_to = SentTo {
        mask: to.masked(),
        digest: Some(digest.clone()),
    };
    show(visit, found, StatusCode::OK, frame, sent_to).await
}

/// A contact and its keyed digest.
type NamedContact = (Destination, String);

/// Where a code can go now, the contact to begin with first. The contacts are read again: one that was removed meanwhile
/// gets no code.
async fn usable_now(visit: &Visit<'_>, found: &SignedIn) -> Result<Vec<NamedContact>, Response> {
    let app = &visit.portal.app;
    let member = to_member(&found.member, &app.organization.company)
        .map_err(|error| visit.unavailable(&error))?;
    // If the lock was lifted meanwhile, the session still asks for the code.
    let lock = found
        .account
        .lock()
        .or((!is_reset(found)).then_some(LockedBy::Passwords));
    let state = AccountState {
        temporary_until: found.account.temporary_until,
        lock,
    };
    let destinations = code::destinations(visit, &member).await?;
    let named = |to| {
        let digest = contacts::digest(app, &member.id, &to);
        (to, digest)
    };
    Ok(
        match admit(&member, state, &destinations, app.clock.now()) {
            Admission::Code(_) => destinations.into_iter().map(named).collect(),
            Admission::Open | Admission::NoMethod | Admission::Ended(_) | Admission::Refused => {
                Vec::new()
            }
        },
    )
}

/// The contact for the next code: the wanted one, else the one before, else the first.
fn chosen<'a>(
    found: &SignedIn,
    usable: &'a [NamedContact],
    wanted: &str,
) -> Option<&'a NamedContact> {
    let named = |name: &str| usable.iter().find(|(_, digest)| digest == name);
    let before = found.session.code_to_digest.as_deref();
    named(wanted)
        .or_else(|| before.and_then(named))
        .or_else(|| usable.first())
}

async fn show(
    visit: &Visit<'_>,
    found: &SignedIn,
    status: StatusCode,
    frame: Frame,
    sent_to: SentTo,
) -> Result<Response, Response> {
    let usable = usable_now(visit, found).await?;
    let SentTo { mask, digest } = sent_to;
    // Without a code on its way the next one goes to the first.
    let present = digest.or_else(|| usable.first().map(|(_, digest)| digest.clone()));
    let others = usable
        .iter()
        .filter(|(_, digest)| Some(digest) != present.as_ref());
    let organization = &visit.portal.app.organization;
    let help_phone = organization.help_phone.as_ref().map(ToString::to_string);
    let page = VerifyPage {
        frame,
        mask,
        is_reset: is_reset(found),
        others: others
            .map(|(to, digest)| OtherContact {
                mask: to.masked(),
                name: digest.clone(),
            })
            .collect(),
        cannot_use: texts::cannot_use(usable.len()),
        help_number: help_phone.as_deref().map(dialled).unwrap_or_default(),
        help_phone,
        help_url: organization.help_url.as_ref().map(ToString::to_string),
    };
    Ok(visit.page(status, &page))
}

/// A phone number as it stands in a link: the plus and the digits.
fn dialled(number: &str) -> String {
    let is_dialled = |c: &char| *c == '+' || c.is_ascii_digit();
    number.chars().filter(is_dialled).collect()
}

/// True if the password was that of a reset.
fn is_reset(found: &SignedIn) -> bool {
    found.account.temporary_until.is_some()
}
