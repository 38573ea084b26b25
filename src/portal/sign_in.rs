//! `/signin`: the business e-mail and a password. What a right password opens is decided by
//! [`crate::domain::sign_in::admit`].

use askama::Template;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::code;
use super::code_sign_in::{self, CodeSignInBegun};
use super::new_session::{new_session, new_token};
use super::page::Frame;
use super::password_check::{PasswordCheck, RightPassword, TypedAt, check};
use super::state::PortalState;
use super::texts;
use super::throttle::ClientNetwork;
use super::visit::Visit;
use crate::directory::to_member;
use crate::domain::sign_in::{AccountState, Admission, PROVING_LIFE, SESSION_LIFE, Stage, admit};
use crate::domain::{Destination, EmailAddress, Span, visible};
use crate::net::ClientAddress;
use crate::store::Begun;

/// No address is longer (RFC 5321, 4.5.3.1.3). A limit bounds what is remembered of tries.
const LONGEST_EMAIL: usize = 254;

#[derive(Template)]
#[template(path = "signin.html")]
struct SignInPage {
    frame: Frame,
    email: String,
    /// A code alone may let members in.
    has_code: bool,
}

/// `GET /signin`.
pub(super) async fn page(
    State(portal): PortalState,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let visit = Visit::of(&portal, &headers).await?;
    if visit.signed_in.is_some() {
        return Ok(visit.redirect_to_allowed());
    }
    let app = &portal.app;
    let why = visit
        .session_end()
        .await?
        .map(|(_, end)| texts::session_ended(end, &app.zone, app.clock.now()));
    let page = SignInPage {
        frame: match why {
            Some(notice) => Frame {
                notice,
                ..visit.frame()
            },
            None => visit.frame_with_done(),
        },
        email: String::new(),
        has_code: portal.app.organization.code_sign_in,
    };
    Ok(visit.page(StatusCode::OK, &page))
}

/// `POST /signin`.
pub(super) async fn submit(
    State(portal): PortalState,
    client: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Response> {
    let visit = Visit::of(&portal, &headers).await?;
    let fields = visit.form(&headers, &body)?;
    let cut = |text: &str| text.chars().take(LONGEST_EMAIL).collect::<String>();
    let email = &visible(fields.text("email"));
    let email_key = key_of(&cut(email.trim()));
    let client = client.map_or(ClientAddress(None), |Extension(client)| client);
    let network = ClientNetwork::of(client);
    if fields.text("with") == "code" {
        let begun = code_sign_in::begin(&portal, &visit, network, email_key).await?;
        let (status, problem) = match begun {
            CodeSignInBegun::Yes(response) => return Ok(response),
            CodeSignInBegun::Off => (StatusCode::FORBIDDEN, texts::NO_CODE_SIGN_IN.to_owned()),
            CodeSignInBegun::TooMany(until) => (
                StatusCode::TOO_MANY_REQUESTS,
                texts::too_many_code_sign_ins(until - portal.app.clock.now()),
            ),
        };
        return Ok(again(&visit, status, problem, cut(email)));
    }
    let typed_at = TypedAt::SignIn(network);
    match check(&visit, &email_key, typed_at, fields.text("password")).await? {
        PasswordCheck::TooSoon(until) => {
            let problem = texts::too_many_tries(until - portal.app.clock.now());
            Ok(again(
                &visit,
                StatusCode::TOO_MANY_REQUESTS,
                problem,
                cut(email),
            ))
        }
        PasswordCheck::Wrong => Ok(refused(&visit, cut(email))),
        PasswordCheck::Right(right) => open(&visit, right, cut(email)).await,
    }
}

/// The key on record. An international domain is in its ASCII form there, and is typed in its letters. The time that this
/// takes depends on the typed text alone.
fn key_of(typed: &str) -> String {
    typed.parse::<EmailAddress>().map_or_else(
        // A domain may be older than the check of its letters.
        |_| typed.to_ascii_lowercase(),
        |email| email.key(),
    )
}

/// The form again, with what is wrong.
fn again(
    visit: &Visit<'_>,
    status: StatusCode,
    problem: impl Into<String>,
    email: String,
) -> Response {
    let frame = visit.frame_with(problem);
    let has_code = visit.portal.app.organization.code_sign_in;
    let page = SignInPage {
        frame,
        email,
        has_code,
    };
    visit.page(status, &page)
}

fn refused(visit: &Visit<'_>, email: String) -> Response {
    again(visit, StatusCode::UNAUTHORIZED, texts::NOT_SIGNED_IN, email)
}

/// Opens what the right password opens.
async fn open(
    visit: &Visit<'_>,
    mut right: Box<RightPassword>,
    email: String,
) -> Result<Response, Response> {
    let app = &visit.portal.app;
    let now = app.clock.now();
    let member = to_member(&right.row, &app.organization.company)
        .map_err(|error| visit.unavailable(&error))?;
    let state = AccountState {
        temporary_until: right.account.temporary_until,
        lock: right.lock,
    };
    let destinations = code::destinations(visit, &member).await?;
    match admit(&member, state, &destinations, now) {
        Admission::Refused => {
            right.refuse(visit);
            Ok(refused(visit, email))
        }
        Admission::Ended(at) => Ok(visit.plain(
            StatusCode::FORBIDDEN,
            texts::password_ended(&app.zone.tell(at, now)),
        )),
        Admission::NoMethod => Ok(code::no_destination(visit)),
        Admission::Open => {
            right.accept(visit);
            begin(visit, &right, email, (Stage::Open, SESSION_LIFE), None).await
        }
        Admission::Code(to) => {
            right.accept(visit);
            begin(visit, &right, email, (Stage::Code, PROVING_LIFE), Some(&to)).await
        }
    }
}

/// Begins the session, unless the password was changed since it was checked.
async fn begin(
    visit: &Visit<'_>,
    right: &RightPassword,
    email: String,
    (stage, life): (Stage, Span),
    code_to: Option<&Destination>,
) -> Result<Response, Response> {
    let member = &right.row.member_id;
    let token = new_token(visit)?;
    let session = new_session(visit, &token, member.clone(), stage, life);
    let checked = right.account.credential.clone().unwrap_or_default();
    let begun = visit
        .portal
        .app
        .store
        .begin_session(session.clone(), checked, right.is_known)
        .await;
    match begun.map_err(|error| visit.unavailable(&error))? {
        Begun::Changed => Ok(refused(visit, email)),
        Begun::Yes => {
            if let Some(to) = code_to {
                let next = code::send_first(visit.portal, &session, to).await?;
                return Ok(visit.redirect_with_session(next, &token));
            }
            let mut response = visit.redirect_with_session("/account", &token);
            visit.remember_device(&mut response, member, &token).await;
            Ok(response)
        }
    }
}
