//! Sends codes to contacts on record, and knows their digests.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::Response;
use tracing::Instrument;

use super::page::redirect;
use super::state::Portal;
use super::texts;
use super::visit::Visit;
use crate::app::App;
use crate::domain::delivery::{Outcome, Refusal};
use crate::domain::sign_in::{CodeDenied, CodePurpose, draw_code};
use crate::domain::{Destination, Member};
use crate::flow::{contacts, messages};
use crate::store::{CodeError, MadeCode, SessionRow};

/// What a code is for, and the words that make it worth nothing for anything else.
#[derive(Clone, Copy)]
pub(super) struct CodeFor<'a>(pub(super) CodePurpose, pub(super) &'a str);

/// A code that opens a session.
pub(super) const SIGN_IN: CodeFor<'_> = CodeFor(CodePurpose::SignIn, "sign in");

/// A code that went out. "Accepted" is all that a mail server or gateway says; nobody knows whether it arrived.
pub(super) enum CodeSent {
    Accepted,
    /// Nobody knows whether it was accepted.
    Perhaps,
}

impl CodeSent {
    /// What the page says. Of earlier codes it speaks where this session had one.
    pub(super) fn notice(&self, session: &SessionRow) -> &'static str {
        match self {
            Self::Accepted if session.code_digest.is_none() => texts::FIRST_CODE_SENT,
            Self::Accepted => texts::CODE_SENT,
            Self::Perhaps => texts::CODE_PERHAPS_SENT,
        }
    }
}

/// Why no code was sent.
pub(super) enum CodeNotSent {
    /// The session has ended, so signing in begins anew.
    NoSession,
    /// None was made, so an earlier one still works. With the sentence for the member.
    NotMade(String),
    /// The mail server or gateway refused it. It took the place of an earlier one, so none works.
    Refused(Refusal),
}

/// Where a code can go now, for the password that is set now: the contact to begin with, then those to choose instead.
pub(super) async fn destinations(
    visit: &Visit<'_>,
    member: &Member,
) -> Result<Vec<Destination>, Response> {
    let methods = contacts::methods_now(&visit.portal.app, member)
        .await
        .map_err(|error| visit.unavailable(&error))?;
    Ok(methods.on_offer().collect())
}

/// S42: nothing opens the account before there is a contact that may receive the code.
pub(super) fn no_destination(visit: &Visit<'_>) -> Response {
    let app = &visit.portal.app;
    let age = app.organization.contact_rules.age;
    visit.plain(
        StatusCode::FORBIDDEN,
        texts::no_contact_for_code(age, app.deliveries.ways.is_strict),
    )
}

/// How long the answer that begins a session waits for a mail server or gateway; after that the code is sent beside it. The
/// browser gets its session with the answer, and a link works once.
const WAIT_FOR_GATEWAY: Duration = Duration::from_secs(3);

/// Sends the first code of a session that has just begun, and gives back the page to go on with. If it cannot be sent, the
/// session stays: its page says why, and can send another.
pub(super) async fn send_first(
    portal: &Portal,
    session: &SessionRow,
    to: &Destination,
) -> Result<&'static str, Response> {
    let made = match make(portal, session, to, SIGN_IN).await {
        Ok(made) => made,
        Err(CodeNotSent::Refused(why)) => return Ok(page_after(&why)),
        Err(CodeNotSent::NoSession) => return Err(redirect("/signin")),
        Err(CodeNotSent::NotMade(why)) => {
            tracing::info!(member.id = %session.member_id, why, "no code was sent");
            return Ok("/verify");
        }
    };
    let (app, session, to) = (Arc::clone(&portal.app), session.clone(), to.clone());
    let sending = async move { deliver(&app, &session, &to, made).await };
    let sending = portal.app.tasks.spawn(sending.in_current_span());
    match tokio::time::timeout(WAIT_FOR_GATEWAY, sending).await {
        Ok(Ok(Err(CodeNotSent::Refused(why)))) => Ok(page_after(&why)),
        // It is sent, or may be; the page has the button for another one.
        Ok(Ok(_) | Err(_)) | Err(_) => Ok("/verify"),
    }
}

/// The page for a code that was refused. Its address has a fixed word, which [`refusal_at`] reads.
fn page_after(why: &Refusal) -> &'static str {
    match why {
        Refusal::Unreachable | Refusal::Later => "/verify?refused=later",
        Refusal::OptedOut => "/verify?refused=opted_out",
        Refusal::Address => "/verify?refused=address",
        Refusal::Credentials | Refusal::SetUp | Refusal::Tls | Refusal::Message => {
            "/verify?refused=set_up"
        }
    }
}

/// What the address of the page says about a code that was refused. Anybody can write it, so it chooses a sentence and
/// nothing more.
pub(super) fn refusal_at(query: Option<&str>) -> Option<Refusal> {
    match query? {
        "refused=later" => Some(Refusal::Later),
        "refused=opted_out" => Some(Refusal::OptedOut),
        "refused=address" => Some(Refusal::Address),
        "refused=set_up" => Some(Refusal::SetUp),
        _ => None,
    }
}

/// Sends a code for a purpose; it is worth nothing for another.
pub(super) async fn send(
    portal: &Portal,
    session: &SessionRow,
    to: &Destination,
    code_for: CodeFor<'_>,
) -> Result<CodeSent, CodeNotSent> {
    let code = make(portal, session, to, code_for).await?;
    deliver(&portal.app, session, to, code).await
}

/// A code that stands in the record and is not sent yet.
struct UnsentCode {
    code: String,
    digest: String,
}

/// Makes a code, and counts it.
async fn make(
    portal: &Portal,
    session: &SessionRow,
    to: &Destination,
    CodeFor(purpose, words): CodeFor<'_>,
) -> Result<UnsentCode, CodeNotSent> {
    let app = &portal.app;
    let failed = |error: &(dyn std::error::Error + 'static)| {
        tracing::warn!(error, "no code could be sent");
        CodeNotSent::NotMade(texts::CODE_FAILED.to_owned())
    };
    let mut rng = app.chance.rng().map_err(|error| failed(&error))?;
    let code = draw_code(&mut rng);
    let digest = digest(portal, &session.session_key, words, &code);
    let made = MadeCode {
        digest: digest.clone(),
        purpose,
        to: to.clone(),
        to_digest: contacts::digest(app, &session.member_id, to),
    };
    match app.store.new_code(session, made).await {
        Ok(()) => Ok(UnsentCode { code, digest }),
        Err(CodeError::Store(error)) => Err(failed(&error)),
        Err(CodeError::Denied(CodeDenied::NoSession)) => Err(CodeNotSent::NoSession),
        Err(CodeError::Denied(CodeDenied::Wait(until) | CodeDenied::TooMany(until))) => {
            let told = texts::next_code_in(until - app.clock.now());
            Err(CodeNotSent::NotMade(told))
        }
    }
}

/// Sends a code that was made, and takes it back where it was refused.
async fn deliver(
    app: &App,
    session: &SessionRow,
    to: &Destination,
    UnsentCode { code, digest }: UnsentCode,
) -> Result<CodeSent, CodeNotSent> {
    // A gateway may drop what it takes for a repetition, so every code has its own id, which tells nothing about it.
    let id = hex::encode(app.keys.tag(&[b"code name", digest.as_bytes()]));
    let note = messages::code(&app.organization, &code);
    match app.deliveries.tell(to, &note, &format!("code-{id}")).await {
        Outcome::Accepted => Ok(CodeSent::Accepted),
        Outcome::Unknown => Ok(CodeSent::Perhaps),
        Outcome::Refused(why) => {
            tracing::info!(member.id = %session.member_id, why = why.code(), "a code was refused");
            take_back(app, session, digest).await;
            Err(CodeNotSent::Refused(why))
        }
    }
}

/// Takes back a code that was stored and then refused: the pages must not say that it was sent.
async fn take_back(app: &App, session: &SessionRow, digest: String) {
    if let Err(error) = app.store.take_back_code(session, digest).await {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "a code that was not sent still stands in the record"
        );
    }
}

/// What is stored of a code: a keyed digest that is worth nothing for another session or purpose.
pub(super) fn digest(portal: &Portal, session_key: &str, words: &str, code: &str) -> String {
    let parts = ["code", session_key, words, code].map(str::as_bytes);
    hex::encode(portal.app.keys.tag(&parts))
}

/// The digits of a typed code; people type spaces between them.
pub(super) fn digits(typed: &str) -> String {
    typed.chars().filter(char::is_ascii_digit).collect()
}
