//! A sign-in by a code alone (`policy.code_sign_in`), from `/signin` to `/verify`. It opens `/new-password` and nothing else.
//!
//! Nobody learns which addresses have accounts. Every address gets the same answer, after the same work: one row is
//! written. What depends on the address is done after the answer, and writes once whatever comes of it. Typed codes are
//! counted and answered alike, whether a code was sent or not.

use std::error::Error;
use std::sync::Arc;

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use tracing::Instrument;

use super::code;
use super::new_session::new_token;
use super::page::{Frame, redirect};
use super::session::key_of;
use super::state::Portal;
use super::texts;
use super::throttle::{ClientNetwork, CodeSignInsFull};
use super::visit::Visit;
use crate::app::App;
use crate::directory::to_member;
use crate::domain::code_alone::CodeSignInDenied;
use crate::domain::delivery::Outcome;
use crate::domain::sign_in::{TRIES_OF_A_DEVICE, draw_code};
use crate::domain::{CodeUseId, Destination, MemberId, Moment, ResetId};
use crate::flow::{code_uses, contacts, messages};
use crate::store::{
    AccountRow, CodeSignInRow, CodeToNote, MemberRow, Proof, SignInCode, SignInCodeError,
    StoreError, TypedSignInCode,
};

/// The purpose of the code: it is worth nothing for another.
const PURPOSE: &str = "sign in by a code";

#[derive(Template)]
#[template(path = "code_sign_in.html")]
struct CodePage {
    frame: Frame,
}

/// The answer to `with=code`.
pub(super) enum CodeSignInBegun {
    /// The redirect to the page for the code.
    Yes(Response),
    /// The setting is off.
    Off,
    /// Too many began in this network, or in all; the next one may begin then.
    TooMany(Moment),
}

/// Begins a sign-in by a code for this address, whether or not anybody has it.
pub(super) async fn begin(
    portal: &Arc<Portal>,
    visit: &Visit<'_>,
    network: ClientNetwork,
    email_key: String,
) -> Result<CodeSignInBegun, Response> {
    let app = &portal.app;
    if !app.organization.code_sign_in {
        return Ok(CodeSignInBegun::Off);
    }
    let now = app.clock.now();
    let mut counted = portal.code_sign_ins.count(network, false, now);
    if matches!(counted, Err(CodeSignInsFull::All(_))) && is_known(visit, &email_key).await? {
        counted = portal.code_sign_ins.count(network, true, now);
    }
    if let Err(CodeSignInsFull::Network(until) | CodeSignInsFull::All(until)) = counted {
        return Ok(CodeSignInBegun::TooMany(until));
    }
    let token = new_token(visit)?;
    let begun = app.store.begin_code_sign_in(key_of(&token)).await;
    begun.map_err(|error| visit.unavailable(&error))?;
    let request = CodeRequest {
        portal: Arc::clone(portal),
        sign_in_key: key_of(&token),
        email_key,
        device_cookie: visit.device_cookie.clone(),
    };
    app.tasks
        .spawn(async move { request.answer().await }.in_current_span());
    let response = visit.redirect_with_session("/verify", &token);
    Ok(CodeSignInBegun::Yes(response))
}

/// True for a browser that the account of this address knows. Without a cookie nobody is looked for.
async fn is_known(visit: &Visit<'_>, email_key: &str) -> Result<bool, Response> {
    if visit.device_cookie.is_none() {
        return Ok(false);
    }
    let store = &visit.portal.app.store;
    let found = store.account(email_key).await;
    let Some((member, _)) = found.map_err(|error| visit.unavailable(&error))? else {
        return Ok(false);
    };
    let device = known_device(
        visit.portal,
        visit.device_cookie.as_deref(),
        &member.member_id,
    );
    let device = device.await.map_err(|error| visit.unavailable(&error))?;
    Ok(device.is_some())
}

/// The key of a browser, if it signed in to the account before and has tries left.
async fn known_device(
    portal: &Portal,
    cookie: Option<&str>,
    member: &MemberId,
) -> Result<Option<String>, StoreError> {
    let app = &portal.app;
    let known = cookie.filter(|cookie| app.keys.is_device_token(member, cookie));
    let Some(device_key) = known.map(key_of) else {
        return Ok(None);
    };
    let tries = app.store.device_tries(&device_key, member).await?;
    let has_tries = tries.is_some_and(|tries| tries < TRIES_OF_A_DEVICE);
    Ok(has_tries.then_some(device_key))
}

/// `GET /verify` in a browser that has begun one.
pub(super) fn page(visit: &Visit<'_>) -> Response {
    let frame = visit.frame();
    visit.page(StatusCode::OK, &CodePage { frame })
}

/// `POST /verify` there: a typed code. A right one begins a session under a new key.
pub(super) async fn prove(
    visit: &Visit<'_>,
    row: &CodeSignInRow,
    typed: &str,
) -> Result<Response, Response> {
    let app = &visit.portal.app;
    let token = new_token(visit)?;
    let use_id = {
        let rng = app.chance.rng();
        let mut rng = rng.map_err(|error| visit.unavailable(&error))?;
        CodeUseId(ResetId::draw(&mut rng, app.clock.now()))
    };
    let typed = TypedSignInCode {
        sign_in_key: row.sign_in_key.clone(),
        digest: code::digest(visit.portal, &row.sign_in_key, PURPOSE, typed),
        next_key: key_of(&token),
        agent: visit.agent.clone(),
        use_id,
        key_fingerprint: app.keys.fingerprint(),
    };
    let again = |problem: String| {
        let frame = visit.frame_with(problem);
        Ok(visit.page(StatusCode::UNPROCESSABLE_ENTITY, &CodePage { frame }))
    };
    let typed = app.store.prove_code_sign_in(typed).await;
    let typed = typed.map_err(|error| visit.unavailable(&error))?;
    if typed.is_to_count {
        count_soon(app, row.sign_in_key.clone());
    }
    match typed.proof {
        Proof::Right => {
            code_uses::tell_soon(app, use_id);
            Ok(visit.redirect_with_session("/new-password", &token))
        }
        Proof::Wrong(left) => again(messages::wrong_code(left)),
        Proof::Over | Proof::TooMany => again(texts::SIGN_IN_CODE_OVER.to_owned()),
        Proof::NoSession => Ok(redirect("/signin")),
    }
}

/// Counts a wrong code after its answer, and tells the security address where strangers have guessed too often.
fn count_soon(app: &Arc<App>, sign_in_key: String) {
    let counter = Arc::clone(app);
    let counting = async move {
        match counter.store.count_wrong_sign_in_code(sign_in_key).await {
            Ok(None) => {}
            Ok(Some(member)) => code_uses::tell_of_guesses(&counter, &member).await,
            Err(error) => tracing::error!(
                error = &error as &dyn Error,
                "a wrong code of a sign-in could not be counted"
            ),
        }
    };
    app.tasks.spawn(counting.in_current_span());
}

/// What is done about a request after its answer.
struct CodeRequest {
    portal: Arc<Portal>,
    sign_in_key: String,
    email_key: String,
    device_cookie: Option<String>,
}

/// A code that may be sent, if the record agrees.
struct CodeToSend {
    code: String,
    to: Destination,
    note: SignInCode,
}

impl CodeRequest {
    async fn answer(self) {
        if let Err(error) = self.note_and_send().await {
            tracing::warn!(
                error = &*error,
                "the code of a sign-in could not be made or sent"
            );
        }
    }

    async fn note_and_send(&self) -> Result<(), Box<dyn Error + Send + Sync>> {
        let app = &self.portal.app;
        let (to_note, to_send) = match app.store.account(&self.email_key).await? {
            None => (CodeToNote::Nobody, None),
            Some((member, account)) => match self.code_for(&member, &account).await? {
                None => {
                    let why = CodeSignInDenied::NoContact;
                    (CodeToNote::Denied(member.member_id, why), None)
                }
                Some(to_send) => (CodeToNote::Code(to_send.note.clone()), Some(to_send)),
            },
        };
        let noted = app
            .store
            .note_sign_in_code(self.sign_in_key.clone(), to_note)
            .await;
        match (noted, to_send) {
            (Ok(()), Some(to_send)) => self.send(to_send).await,
            (Ok(()), None) => Ok(()),
            (Err(SignInCodeError::Denied(why)), _) => {
                tracing::info!(%why, "an account was sent no code for a sign-in");
                Ok(())
            }
            (Err(error), _) => Err(error.into()),
        }
    }

    /// The code for this account; none where no contact may receive it.
    async fn code_for(
        &self,
        row: &MemberRow,
        account: &AccountRow,
    ) -> Result<Option<CodeToSend>, Box<dyn Error + Send + Sync>> {
        let app = &self.portal.app;
        let member = to_member(row, &app.organization.company)?;
        let since = account.on_record_since();
        let Some(to) = contacts::destination_of_code_alone(app, &member, since).await? else {
            return Ok(None);
        };
        let device_key =
            known_device(&self.portal, self.device_cookie.as_deref(), &row.member_id).await?;
        let code = draw_code(&mut app.chance.rng()?);
        let note = SignInCode {
            member_id: row.member_id.clone(),
            device_key,
            to_digest: contacts::digest(app, &row.member_id, &to),
            digest: code::digest(&self.portal, &self.sign_in_key, PURPOSE, &code),
        };
        Ok(Some(CodeToSend { code, to, note }))
    }

    async fn send(&self, to_send: CodeToSend) -> Result<(), Box<dyn Error + Send + Sync>> {
        let CodeToSend { code, to, note } = to_send;
        let app: &App = &self.portal.app;
        let text = messages::code(&app.organization, &code);
        let id = hex::encode(app.keys.tag(&[b"code name", note.digest.as_bytes()]));
        let sent = app.deliveries.tell(&to, &text, &format!("code-{id}")).await;
        if let Outcome::Refused(why) = sent {
            tracing::info!(member.id = %note.member_id, why = why.code(), "a code was refused");
            let key = self.sign_in_key.clone();
            app.store.take_back_sign_in_code(key, note.digest).await?;
        }
        Ok(())
    }
}
