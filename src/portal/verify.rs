//! `/verify`: the code that proves the person, after the password of a reset or too many wrong passwords.

use askama::Template;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::code::{self, CodeNotSent, SIGN_IN};
use super::code_sign_in;
use super::new_session::new_token;
use super::page::{Frame, redirect};
use super::session::key_of;
use super::state::PortalState;
use super::texts::{self, HelpDesk};
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
    /// The session comes from a reset, and not from the member's own password after too many wrong ones.
    is_reset: bool,
    /// Where "Send another code" sends it; none where no contact can receive one.
    next: Option<NamedContact>,
    /// The other contacts that a code can go to.
    others: Vec<NamedContact>,
}

/// A contact that a code can be sent to.
#[derive(Clone)]
struct NamedContact {
    to: Destination,
    /// Its mask, with a number where another one has the same.
    mask: String,
    /// Its keyed digest, which tells nothing about it.
    name: String,
}

/// Where the code of a page went.
#[derive(Default)]
struct SentTo {
    /// Empty where none is on its way.
    mask: String,
    /// The contact's keyed digest. Without a mask the last code was refused there.
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
    let contacts = usable_now(&visit, found).await?;
    Ok(Asked::of(&visit, found, contacts).show(StatusCode::OK, frame, sent_to))
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
    if !fields.text("leave").is_empty() {
        return visit.leave(found).await;
    }
    // Before anything is done: the page after it needs no further answer from the store.
    let contacts = usable_now(&visit, found).await?;
    let asked = Asked::of(&visit, found, contacts);
    match fields.text("again") {
        "" => asked.prove(&code::digits(fields.text("code"))).await,
        wanted => asked.send_another(wanted).await,
    }
}

/// A member who is asked for a code.
struct Asked<'a> {
    visit: &'a Visit<'a>,
    found: &'a SignedIn,
    /// Where a code can go, the contact to begin with first.
    contacts: Vec<NamedContact>,
}

impl<'a> Asked<'a> {
    fn of(visit: &'a Visit<'a>, found: &'a SignedIn, contacts: Vec<NamedContact>) -> Self {
        Self {
            visit,
            found,
            contacts,
        }
    }

    /// Checks a typed code. A right one continues the session under a new key.
    async fn prove(&self, typed: &str) -> Result<Response, Response> {
        let Self { visit, found, .. } = self;
        let (session_key, token) = (found.session.session_key.clone(), new_token(visit)?);
        let digest = code::digest(visit.portal, &session_key, SIGN_IN.1, typed);
        let member = &found.session.member_id;
        let store = &visit.portal.app.store;
        let proof = store
            .prove(member, session_key, digest, key_of(&token))
            .await;
        let again = |problem: String| {
            let frame = visit.frame_with(problem);
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(self.show(status, frame, SentTo::of(found)))
        };
        match proof.map_err(|error| visit.unavailable(&error))? {
            Proof::Right if is_reset(found) => {
                Ok(visit.redirect_with_session("/new-password", &token))
            }
            Proof::Right => {
                let mut response = visit.redirect_with_session("/account", &token);
                visit.remember_device(&mut response, member, &token).await;
                Ok(response)
            }
            Proof::Wrong(left) => again(messages::wrong_code(left)),
            Proof::Over | Proof::TooMany => again(texts::CODE_OVER.to_owned()),
            Proof::NoSession => Ok(redirect("/signin")),
        }
    }

    /// Sends another code, and shows the page again. `wanted` is the name of a contact, or anything else for the one
    /// before.
    async fn send_another(&self, wanted: &str) -> Result<Response, Response> {
        let Self { visit, found, .. } = self;
        let not_sent = |why: &str, sent_to: SentTo| {
            let (status, frame) = (StatusCode::TOO_MANY_REQUESTS, visit.frame_with(why));
            Ok(self.show(status, frame, sent_to))
        };
        let Some(chosen) = self.chosen(wanted) else {
            return not_sent(texts::NO_CONTACT_NOW, SentTo::of(found));
        };
        let notice = match code::send(visit.portal, &found.session, &chosen.to, SIGN_IN).await {
            Ok(sent) => sent.notice(&found.session),
            Err(CodeNotSent::NoSession) => return Ok(redirect("/signin")),
            Err(CodeNotSent::NotMade(why)) => return not_sent(&why, SentTo::of(found)),
            Err(CodeNotSent::Refused(why)) => {
                let refused = SentTo {
                    mask: String::new(),
                    digest: Some(chosen.name.clone()),
                };
                return not_sent(texts::code_refused(&why), refused);
            }
        };
        let frame = Frame {
            notice: notice.to_owned(),
            ..visit.frame()
        };
        let sent_to = SentTo {
            mask: chosen.mask.clone(),
            digest: Some(chosen.name.clone()),
        };
        Ok(self.show(StatusCode::OK, frame, sent_to))
    }

    fn named(&self, name: &str) -> Option<&NamedContact> {
        self.contacts.iter().find(|contact| contact.name == name)
    }

    /// The contact for the next code: the wanted one, else the one before, else the first.
    fn chosen(&self, wanted: &str) -> Option<&NamedContact> {
        let before = self.found.session.code_to_digest.as_deref();
        self.named(wanted)
            .or_else(|| before.and_then(|name| self.named(name)))
            .or_else(|| self.contacts.first())
    }

    fn show(&self, status: StatusCode, frame: Frame, sent_to: SentTo) -> Response {
        let SentTo { mask, digest } = sent_to;
        let present = digest.and_then(|name| self.named(&name));
        let next = present.or_else(|| self.contacts.first());
        let is_other = |one: &&NamedContact| next.is_none_or(|next| next.name != one.name);
        let help = HelpDesk {
            question: texts::cannot_use(self.contacts.len()),
            ..frame.help
        };
        let page = VerifyPage {
            frame: Frame { help, ..frame },
            mask: match present {
                // It may have a number beside another one.
                Some(present) if !mask.is_empty() => present.mask.clone(),
                _ => mask,
            },
            is_reset: is_reset(self.found),
            next: next.cloned(),
            others: self.contacts.iter().filter(is_other).cloned().collect(),
        };
        self.visit.page(status, &page)
    }
}

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
    Ok(
        match admit(&member, state, &destinations, app.clock.now()) {
            Admission::Code(_) => named(&destinations, |to| contacts::digest(app, &member.id, to)),
            Admission::Open | Admission::NoMethod | Admission::Ended(_) | Admission::Refused => {
                Vec::new()
            }
        },
    )
}

/// Names contacts for the page. Two with one mask get numbers.
fn named(
    destinations: &[Destination],
    digest: impl Fn(&Destination) -> String,
) -> Vec<NamedContact> {
    let masks: Vec<String> = destinations.iter().map(Destination::masked).collect();
    let numbered = |at: usize, mask: &String| {
        let same = |masks: &[String]| masks.iter().filter(|other| *other == mask).count();
        match same(&masks) {
            1 => mask.clone(),
            _ => format!("{mask} ({})", same(masks.get(..=at).unwrap_or_default())),
        }
    };
    let pairs = destinations.iter().zip(&masks).enumerate();
    pairs
        .map(|(at, (to, mask))| NamedContact {
            to: to.clone(),
            mask: numbered(at, mask),
            name: digest(to),
        })
        .collect()
}

/// True if the password was that of a reset.
fn is_reset(found: &SignedIn) -> bool {
    found.account.temporary_until.is_some()
}
