//! Signing in: the password, then the code where the password came from a reset, then a password of one's own.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use zeroize::Zeroizing;

use super::check::{Checked, Place, Right, check};
use super::tries::Network;
use super::visit::{Fields, Frame, Visit, go, key_of};
use super::{Portal, Shared};
use crate::directory::{Caller, Unavailable, to_member};
use crate::domain::delivery::Outcome;
use crate::domain::sign_in::{
    AccountState, Admission, CodeDenied, LockedBy, PROVING_LIFE, PasswordDenied, SESSION_LIFE,
    Stage, admit, check_length, draw_code,
};
use crate::domain::{Destination, Member, MemberId, Span};
use crate::flow::{self, contacts, messages};
use crate::net::ClientAddress;
use crate::store::{Begun, Proof, SessionRow, SignedIn};

/// What a code of the page `/verify` is for.
const SIGN_IN: &str = "sign in";

/// So many characters of a new password are judged; with each more it takes longer.
const JUDGED: usize = 40;

/// The same words for a wrong password, an unknown address, a locked account and one that is not in use.
const WRONG: &str = "That email and password do not match, or the account can't be used. After many wrong tries the right \
    password needs a code too. If you get no further, ask an administrator.";

#[derive(Template)]
#[template(path = "signin.html")]
struct SignInPage {
    frame: Frame,
    email: String,
}

#[derive(Template)]
#[template(path = "verify.html")]
struct CodePage {
    frame: Frame,
    mask: String,
    /// The password of a reset was typed, and not one of the member's own after too many wrong ones.
    is_reset: bool,
}

#[derive(Template)]
#[template(path = "new_password.html")]
struct PasswordPage {
    frame: Frame,
    email: String,
    least: usize,
}

/// `GET /signin`.
pub(super) async fn form(State(portal): Shared, headers: HeaderMap) -> Result<Response, Response> {
    let visit = Visit::of(&portal, &headers).await?;
    if visit.signed_in.is_some() {
        return Ok(visit.allowed());
    }
    Ok(visit.page(
        StatusCode::OK,
        &SignInPage {
            frame: visit.frame(),
            email: String::new(),
        },
    ))
}

/// `POST /signin`.
pub(super) async fn sign_in(
    State(portal): Shared,
    client: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Response> {
    let visit = Visit::of(&portal, &headers).await?;
    let fields = visit.form(&headers, &body)?;
    // No address is longer (RFC 5321, 4.5.3.1.3), and what is remembered of tries is bounded.
    let key: String = fields
        .get("email")
        .trim()
        .chars()
        .take(254)
        .collect::<String>()
        .to_ascii_lowercase();
    let now = portal.app.clock.now();
    let again = |status, problem: &str| {
        let email = fields.get("email").chars().take(254).collect();
        Ok(visit.page(
            status,
            &SignInPage {
                frame: visit.frame_with(problem),
                email,
            },
        ))
    };
    let client = client.map_or(ClientAddress(None), |Extension(client)| client);
    let right = match check(
        &visit,
        &key,
        Place::SignIn(Network::of(client)),
        fields.get("password"),
    )
    .await?
    {
        Checked::TooSoon(until) => {
            let text = format!(
                "Too many tries. Nothing was changed. Wait {} and try again.",
                until - now
            );
            return again(StatusCode::TOO_MANY_REQUESTS, &text);
        }
        Checked::Wrong => return again(StatusCode::UNAUTHORIZED, WRONG),
        Checked::Right(right) => right,
    };
    let member = to_member(&right.row, &portal.app.organization.company)
        .map_err(|Unavailable| visit.unavailable())?;
    let standing = AccountState {
        temporary_until: right.account.temporary_until,
        lock: right.lock,
    };
    match admit(&member, standing, &methods_of(&visit, &member).await?, now) {
        Admission::Refused => {
            right.refuse(&visit);
            again(StatusCode::UNAUTHORIZED, WRONG)
        }
        Admission::Ended(at) => {
            let text = format!(
                "This password stopped working at {}. Ask an administrator for a new one.",
                portal.app.zone.tell(at, now)
            );
            Ok(visit.stop(StatusCode::FORBIDDEN, "This password has ended", &text))
        }
        Admission::NoMethod => Ok(no_method(&visit)),
        Admission::Open => {
            right.accept(&visit);
            begin(&visit, &right, Stage::Open, SESSION_LIFE, None).await
        }
        Admission::Code(to) => {
            right.accept(&visit);
            begin(&visit, &right, Stage::Code, PROVING_LIFE, Some(&to)).await
        }
    }
}

/// S42: nothing opens the account before a contact is there that may receive the code.
pub(super) fn no_method(visit: &Visit<'_>) -> Response {
    let app = &visit.portal.app;
    let who = if app.deliveries.ways.is_strict {
        "Ask whoever runs this service to add it."
    } else {
        "Ask an administrator other than the one who reset your password to add it."
    };
    let text = format!(
        "Before you can use this password, a phone or a private email must be on record for you, so that we can check that \
        it is you. Your business email does not count, because an administrator can move it, nor does a contact that an \
        administrator added in the last {} before the reset, nor an address to which the administrator had the password or \
        a copy sent. {who}",
        app.organization.contact_rules.age
    );
    visit.stop(StatusCode::FORBIDDEN, "One more thing is needed", &text)
}

/// Where a code can go now, for the password that is set now.
pub(super) async fn methods_of(
    visit: &Visit<'_>,
    member: &Member,
) -> Result<Vec<Destination>, Response> {
    let methods = contacts::methods_now(&visit.portal.app, member)
        .await
        .map_err(|_| visit.unavailable())?;
    Ok(methods.usable.into_iter().map(|method| method.to).collect())
}

async fn begin(
    visit: &Visit<'_>,
    right: &Right,
    stage: Stage,
    life: Span,
    code_to: Option<&Destination>,
) -> Result<Response, Response> {
    let app = &visit.portal.app;
    let token = visit.new_token()?;
    let session = new_session(
        visit,
        key_of(&token),
        right.row.member_id.clone(),
        stage,
        life,
    );
    let checked = right.account.credential.clone().unwrap_or_default();
    match app
        .store
        .begin_session(session.clone(), checked, right.is_known)
        .await
        .map_err(|_| visit.unavailable())?
    {
        Begun::Changed => {
            let page = SignInPage {
                frame: visit.frame_with(WRONG),
                email: String::new(),
            };
            Ok(visit.page(StatusCode::UNAUTHORIZED, &page))
        }
        Begun::Yes => {
            if let Some(to) = code_to {
                send_first_code(visit.portal, &session, to).await?;
            }
            if stage != Stage::Open {
                return Ok(visit.go_with("/verify", &token));
            }
            let mut response = visit.go_with("/account", &token);
            visit
                .remember_device(&mut response, &right.row.member_id, &token)
                .await;
            Ok(response)
        }
    }
}

/// A session that begins now in this browser.
pub(super) fn new_session(
    visit: &Visit<'_>,
    session_key: String,
    member_id: MemberId,
    stage: Stage,
    life: Span,
) -> SessionRow {
    let now = visit.portal.app.clock.now();
    SessionRow {
        session_key,
        member_id,
        stage,
        began_at: now,
        expires_at: now + life,
        ended_at: None,
        agent: visit.agent.clone(),
        code_digest: None,
        code_mask: None,
        code_sent_at: None,
        code_tries: 0,
        is_proven: false,
        code_to: None,
    }
}

/// Why no code was sent.
pub(super) enum NotSent {
    /// The session ended meanwhile: signing in begins anew.
    NoSession,
    /// What is told to the member.
    Told(String),
}

/// Sends a code to the contact on record in a session that has just begun.
pub(super) async fn send_first_code(
    portal: &Portal,
    session: &SessionRow,
    to: &Destination,
) -> Result<(), Response> {
    match deliver_code(portal, session, to, SIGN_IN).await {
        Ok(()) => Ok(()),
        Err(NotSent::NoSession) => Err(go("/signin")),
        Err(NotSent::Told(why)) => {
            // The session stands; its page offers to send one.
            tracing::info!(member.id = %session.member_id, why, "no code was sent");
            Ok(())
        }
    }
}

/// Sends a code for a purpose; it is worth nothing for another one.
pub(super) async fn deliver_code(
    portal: &Portal,
    session: &SessionRow,
    to: &Destination,
    purpose: &str,
) -> Result<(), NotSent> {
    let app = &portal.app;
    let sorry = || {
        NotSent::Told("No code could be sent at the moment. Try again in a few minutes.".to_owned())
    };
    let code = app
        .chance
        .rng()
        .map(|mut rng| draw_code(&mut rng))
        .map_err(|_| sorry())?;
    let digest = digest_of(portal, &session.session_key, purpose, &code);
    // A gateway may drop what it takes for a repetition, so every code has a name of its own, which tells nothing of it.
    let name = format!(
        "code-{}",
        hex::encode(app.keys.tag(&[b"code name", digest.as_bytes()]))
    );
    match app
        .store
        .new_code(session, digest, to)
        .await
        .map_err(|_| sorry())?
    {
        Ok(()) => {}
        Err(CodeDenied::NoSession) => return Err(NotSent::NoSession),
        Err(CodeDenied::Wait(until) | CodeDenied::TooMany(until)) => {
            let wait = until - app.clock.now();
            let told =
                format!("No further code can be sent yet. The next one can be sent in {wait}.");
            return Err(NotSent::Told(told));
        }
    }
    let note = messages::code(&app.organization, &code);
    match app.deliveries.tell(to, &note, &name).await {
        Outcome::Accepted | Outcome::Unknown => Ok(()),
        Outcome::Refused(_) => Err(sorry()),
    }
}

/// A code is kept as a keyed digest that is worth nothing for another session.
pub(super) fn digest_of(portal: &Portal, session_key: &str, purpose: &str, code: &str) -> String {
    let parts = ["code", session_key, purpose, code].map(str::as_bytes);
    hex::encode(portal.app.keys.tag(&parts))
}

/// `GET /verify`.
pub(super) async fn code_form(
    State(portal): Shared,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let visit = Visit::of(&portal, &headers).await?;
    let found = visit.at(Stage::Code)?;
    let mask = found.session.code_mask.clone().unwrap_or_default();
    let frame = if mask.is_empty() {
        visit.frame_with("No code was sent yet. Ask for one below.")
    } else {
        visit.frame()
    };
    Ok(visit.page(
        StatusCode::OK,
        &CodePage {
            frame,
            mask,
            is_reset: is_reset(found),
        },
    ))
}

/// True where the password was one of a reset.
fn is_reset(found: &SignedIn) -> bool {
    found.account.temporary_until.is_some()
}

/// `POST /verify`: a typed code, or the wish for another one.
pub(super) async fn verify(
    State(portal): Shared,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Response> {
    let visit = Visit::of(&portal, &headers).await?;
    let found = visit.at(Stage::Code)?;
    let fields = visit.form(&headers, &body)?;
    let mask = found.session.code_mask.clone().unwrap_or_default();
    let again = |status, frame| {
        Ok(visit.page(
            status,
            &CodePage {
                frame,
                mask: mask.clone(),
                is_reset: is_reset(found),
            },
        ))
    };
    if !fields.get("again").is_empty() {
        return match another_code(&visit, found).await {
            Ok(to) => {
                let frame = Frame {
                    notice: "A new code is on its way. Earlier ones no longer work.".to_owned(),
                    ..visit.frame()
                };
                Ok(visit.page(
                    StatusCode::OK,
                    &CodePage {
                        frame,
                        mask: to.masked(),
                        is_reset: is_reset(found),
                    },
                ))
            }
            Err(NotSent::NoSession) => Ok(go("/signin")),
            Err(NotSent::Told(why)) => again(StatusCode::TOO_MANY_REQUESTS, visit.frame_with(why)),
        };
    }
    let code: String = fields
        .get("code")
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    let (session_key, token) = (found.session.session_key.clone(), visit.new_token()?);
    let digest = digest_of(&portal, &session_key, SIGN_IN, &code);
    let member = &found.session.member_id;
    let proof = portal
        .app
        .store
        .prove(member, session_key, digest, key_of(&token))
        .await;
    match proof.map_err(|_| visit.unavailable())? {
        Proof::Right if is_reset(found) => Ok(visit.go_with("/new-password", &token)),
        Proof::Right => {
            let mut response = visit.go_with("/account", &token);
            visit.remember_device(&mut response, member, &token).await;
            Ok(response)
        }
        Proof::Wrong(left) => again(
            StatusCode::UNPROCESSABLE_ENTITY,
            visit.frame_with(messages::wrong_code(left)),
        ),
        Proof::Over | Proof::TooMany => {
            let frame = visit.frame_with("This code no longer works. Ask for another one below.");
            again(StatusCode::UNPROCESSABLE_ENTITY, frame)
        }
        Proof::NoSession => Ok(go("/signin")),
    }
}

/// The contact is read from the record again: one that was taken away meanwhile gets nothing.
async fn another_code(visit: &Visit<'_>, found: &SignedIn) -> Result<Destination, NotSent> {
    let portal = visit.portal;
    let no = || {
        NotSent::Told(
            "No contact of yours can receive a code now. Ask an administrator.".to_owned(),
        )
    };
    let member =
        to_member(&found.member, &portal.app.organization.company).map_err(|Unavailable| no())?;
    // Where the lock was lifted meanwhile, the session still asks for the code.
    let lock = found
        .account
        .lock()
        .or((!is_reset(found)).then_some(LockedBy::Passwords));
    let standing = AccountState {
        temporary_until: found.account.temporary_until,
        lock,
    };
    let methods = methods_of(visit, &member).await.map_err(|_| no())?;
    match admit(&member, standing, &methods, portal.app.clock.now()) {
        Admission::Code(to) => deliver_code(portal, &found.session, &to, SIGN_IN)
            .await
            .map(|()| to),
        Admission::Open | Admission::NoMethod | Admission::Ended(_) | Admission::Refused => {
            Err(no())
        }
    }
}

/// `GET /new-password`.
pub(super) async fn password_form(
    State(portal): Shared,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let visit = Visit::of(&portal, &headers).await?;
    let email = visit.at(Stage::NewPassword)?.member.business_email.clone();
    let page = PasswordPage {
        frame: visit.frame(),
        email,
        least: portal.app.organization.own_password_least,
    };
    Ok(visit.page(StatusCode::OK, &page))
}

/// `POST /new-password`.
pub(super) async fn new_password(
    State(portal): Shared,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Response> {
    let visit = Visit::of(&portal, &headers).await?;
    let found = visit.at(Stage::NewPassword)?;
    let fields = visit.form(&headers, &body)?;
    match set_own(&visit, found, &fields, false).await? {
        Ok(token) => {
            let (app, member) = (Arc::clone(&portal.app), found.session.member_id.clone());
            portal
                .app
                .tasks
                .spawn(async move { flow::tell_that_it_was_used(&app, &member).await });
            let mut response = visit.go_with("/account", &token);
            visit
                .remember_device(&mut response, &found.session.member_id, &token)
                .await;
            Ok(response)
        }
        Err(denied) => {
            let frame = visit.frame_with(denied_words(denied));
            let email = found.member.business_email.clone();
            let page = PasswordPage {
                frame,
                email,
                least: portal.app.organization.own_password_least,
            };
            Ok(visit.page(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
    }
}

/// Checks the field `password` and sets it; the token of the session that goes on. `passes_lock` as [`confirm`] found it.
///
/// [`confirm`]: super::check::confirm
pub(super) async fn set_own(
    visit: &Visit<'_>,
    found: &SignedIn,
    fields: &Fields,
    passes_lock: bool,
) -> Result<Result<String, PasswordDenied>, Response> {
    let portal = visit.portal;
    let member = to_member(&found.member, &portal.app.organization.company)
        .map_err(|Unavailable| visit.unavailable())?;
    let password = fields.get("password");
    if let Err(denied) = check_length(password, portal.app.organization.own_password_least) {
        return Ok(Err(denied));
    }
    if is_guessable(portal, password, &member)
        .await
        .map_err(|Unavailable| visit.unavailable())?
    {
        return Ok(Err(PasswordDenied::Common));
    }
    let present = found.account.credential.clone();
    let caller = Caller::Known(&found.session.session_key);
    let is_same = portal
        .builtin
        .check(caller, password, present.as_deref())
        .await;
    if is_same.map_err(|Unavailable| visit.unavailable())? {
        return Ok(Err(PasswordDenied::Same));
    }
    let phc = portal
        .builtin
        .hash(password)
        .await
        .map_err(|Unavailable| visit.unavailable())?;
    let token = visit.new_token()?;
    let (member, session_key) = (&found.session.member_id, found.session.session_key.clone());
    let set = portal
        .app
        .store
        .set_own_password(
            member,
            session_key,
            present,
            phc,
            key_of(&token),
            passes_lock,
        )
        .await;
    if set.map_err(|_| visit.unavailable())? {
        Ok(Ok(token))
    } else {
        Err(go("/signin"))
    }
}

/// True for what somebody who knows the member would try first. It is found out beside the threads that answer, because it
/// takes long, and within the places of sign-ins.
async fn is_guessable(
    portal: &Portal,
    password: &str,
    member: &Member,
) -> Result<bool, Unavailable> {
    // Whoever waits for the turn holds no place of those who sign in.
    let turn = Arc::clone(&portal.judge)
        .acquire_owned()
        .await
        .map_err(|_| Unavailable)?;
    let place = portal.builtin.turn(Caller::Known(&member.id.0)).await?;
    let end = password
        .char_indices()
        .nth(JUDGED)
        .map_or(password.len(), |(at, _)| at);
    let password = Zeroizing::new(password.get(..end).unwrap_or_default().to_owned());
    let own = [
        member.name.clone(),
        member.business_email.to_string(),
        portal.app.organization.name.clone(),
    ];
    let judged = portal.app.tasks.spawn_blocking(move || {
        // Who gave up waiting still has the place and the turn until this ends.
        let _held = (place, turn);
        let parts = own
            .iter()
            .flat_map(|text| text.split([' ', '@', '.']))
            .filter(|word| word.len() > 2);
        let words: Vec<&str> = parts.chain(own.iter().map(String::as_str)).collect();
        zxcvbn::zxcvbn(&password, &words).score() <= zxcvbn::Score::One
    });
    judged.await.map_err(|_| Unavailable)
}

/// What is told when a password cannot be set.
pub(super) fn denied_words(denied: PasswordDenied) -> String {
    let why = match denied {
        PasswordDenied::TooShort(least) => format!("Too short: {least} characters or more are needed."),
        PasswordDenied::TooLong => "Too long: 128 characters are the most.".to_owned(),
        PasswordDenied::Common => {
            "Too easy to guess: it is common, or made of your name. Several unusual words are better.".to_owned()
        }
        PasswordDenied::Same => "This is the password that you have now. Choose another one.".to_owned(),
    };
    format!("{why} Nothing was changed.")
}
