//! One request to the pages: its session, its form, and the answers it can get.

use std::error::Error;

use askama::Template;
use axum::body::Bytes;
use axum::http::header::{self, HeaderMap};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngExt;
use subtle::ConstantTimeEq;

use super::cookies::{self, DEVICE, FORM, SESSION, SetCookie};
use super::done::Done;
use super::intake::record_member;
use super::page::{self, Frame, PlainPage, redirect};
use super::session::{is_in_use, key_of, token_of};
use super::state::Portal;
use super::texts::{self, HelpDesk, PageText};
use super::user_agent::browser_name;
use crate::domain::MemberId;
use crate::domain::sign_in::{DEVICE_LIFE, SESSION_LIFE, Stage};
use crate::form::{self, Fields};
use crate::store::{CodeSignInRow, SessionEnd, SignedIn};

/// The length of a form cookie's value: 16 bytes in base64.
const FORM_COOKIE_LENGTH: usize = 22;

/// One request to a page: who sends it, and from which browser.
pub(super) struct Visit<'a> {
    pub(super) portal: &'a Portal,
    /// The live session of the browser.
    pub(super) signed_in: Option<SignedIn>,
    /// The sign-in by a code that this browser has begun, where it has no session.
    pub(super) code_sign_in: Option<CodeSignInRow>,
    /// What a person calls the browser.
    pub(super) agent: Option<String>,
    /// The key of the browser's session, whether it lives or not.
    session_key: Option<String>,
    /// The session came in the cookie without the prefix.
    has_unprefixed_cookie: bool,
    /// The cookies without the prefix that the browser sent.
    plain_cookies: Vec<&'static str>,
    pub(super) device_cookie: Option<String>,
    form_cookie: String,
    is_new_form_cookie: bool,
    is_cross_site: bool,
    /// What a form of this browser has changed and no page has said yet.
    done: Option<Done>,
}

impl<'a> Visit<'a> {
    /// Reads the cookies and finds the session.
    pub(super) async fn of(portal: &'a Portal, headers: &HeaderMap) -> Result<Self, Response> {
        let unavailable = |error: &(dyn Error + 'static)| page::unavailable_for(portal, error);
        let token = token_of(portal, headers)
            .await
            .map_err(|error| unavailable(&error))?;
        let signed_in = match &token {
            Some(token) => portal
                .app
                .store
                .session(&token.key())
                .await
                .map_err(|error| unavailable(&error))?,
            None => None,
        };
        let code_sign_in = match &token {
            Some(token) if signed_in.is_none() && portal.app.organization.code_sign_in => portal
                .app
                .store
                .code_sign_in(&token.key())
                .await
                .map_err(|error| unavailable(&error))?,
            Some(_) | None => None,
        };
        let known_form = cookies::read(headers, FORM.get(portal.is_secure))
            .filter(|value| value.len() == FORM_COOKIE_LENGTH);
        let is_new_form_cookie = known_form.is_none();
        let form_cookie = if let Some(known) = known_form {
            known
        } else {
            let rng = portal.app.chance.rng();
            let mut rng = rng.map_err(|error| unavailable(&error))?;
            URL_SAFE_NO_PAD.encode(rng.random::<[u8; 16]>())
        };
        if let Some(found) = &signed_in {
            record_member(&found.session.member_id);
        }
        Ok(Self {
            portal,
            // An account that was suspended meanwhile has no pages any more.
            signed_in: signed_in.filter(|found| is_in_use(&found.member)),
            code_sign_in,
            agent: text_of(headers, header::USER_AGENT).map(browser_name),
            plain_cookies: [SESSION.plain, DEVICE.plain]
                .into_iter()
                .filter(|name| cookies::is_sent(headers, name))
                .collect(),
            has_unprefixed_cookie: token.as_ref().is_some_and(|token| token.is_unprefixed),
            session_key: token.map(|token| token.key()),
            device_cookie: cookies::read(headers, DEVICE.get(portal.has_prefix)),
            form_cookie,
            is_new_form_cookie,
            is_cross_site: is_cross_site(portal, headers),
            done: Done::of(portal, headers),
        })
    }

    /// The session at this stage, or a redirect to the page that the browser may see.
    pub(super) fn at(&self, stage: Stage) -> Result<&SignedIn, Response> {
        self.signed_in
            .as_ref()
            .filter(|found| found.session.stage == stage)
            .ok_or_else(|| self.redirect_to_allowed())
    }

    /// Why the browser's session is over, with its key; none where it lives or nothing is known of it.
    pub(super) async fn session_end(&self) -> Result<Option<(String, SessionEnd)>, Response> {
        let Some(key) = &self.session_key else {
            return Ok(None);
        };
        let end = self.portal.app.store.session_end(key).await;
        let mut end = end.map_err(|error| self.unavailable(&error))?;
        if end.is_none() && self.portal.app.organization.code_sign_in {
            let expired = self.portal.app.store.is_code_sign_in_expired(key).await;
            let expired = expired.map_err(|error| self.unavailable(&error))?;
            end = expired.then_some(SessionEnd::CodeSignInExpired);
        }
        Ok(end.map(|end| (key.clone(), end)))
    }

    /// A redirect to the page that the browser may see.
    pub(super) fn redirect_to_allowed(&self) -> Response {
        redirect(
            match self.signed_in.as_ref().map(|found| found.session.stage) {
                None if self.code_sign_in.is_some() => "/verify",
                None => "/signin",
                Some(Stage::Code) => "/verify",
                Some(Stage::NewPassword) => "/new-password",
                Some(Stage::Open) => "/account",
            },
        )
    }

    /// The fields of a form, if our own page in this browser sent it.
    pub(super) fn form<'b>(
        &self,
        headers: &HeaderMap,
        body: &'b Bytes,
    ) -> Result<Fields<'b>, Response> {
        let kind = text_of(headers, header::CONTENT_TYPE).unwrap_or_default();
        let media = kind.split(';').next().unwrap_or_default().trim();
        if !media.eq_ignore_ascii_case(form::MEDIA_TYPE) {
            return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response());
        }
        let fields = Fields::read(body).map_err(|error| {
            tracing::debug!(reason = error.reason(), "refused a malformed form");
            StatusCode::BAD_REQUEST.into_response()
        })?;
        let (sent, own) = (fields.text("csrf"), self.csrf());
        let is_ours = bool::from(sent.as_bytes().ct_eq(own.as_bytes()));
        if self.is_cross_site || self.is_new_form_cookie || !is_ours {
            return Err(self.plain(StatusCode::FORBIDDEN, texts::foreign_form()));
        }
        Ok(fields)
    }

    /// The frame of a page, with the token of its forms.
    pub(super) fn frame(&self) -> Frame {
        Frame {
            csrf: self.csrf(),
            events: self
                .signed_in
                .as_ref()
                .map_or("", |found| events_of(found.session.stage)),
            ..Frame::of(self.portal)
        }
    }

    /// The same for a page that says one thing.
    fn frame_about(&self, text: &PageText) -> Frame {
        let organization = &self.portal.app.organization;
        let frame = self.frame();
        let help = match text.question {
            Some(question) => HelpDesk::asked(organization, question),
            None => frame.help,
        };
        Frame { help, ..frame }
    }

    /// The same with a sentence about what is wrong.
    pub(super) fn frame_with(&self, problem: impl Into<String>) -> Frame {
        Frame {
            problem: problem.into(),
            ..self.frame()
        }
    }

    /// The frame of a page to which a form may have led: it says what that has changed.
    pub(super) fn frame_with_done(&self) -> Frame {
        let (done, notice) = self.done.map_or(("", ""), texts::done);
        Frame {
            done,
            notice: notice.to_owned(),
            ..self.frame()
        }
    }

    /// True where a form that led here has set a password of the member's own.
    pub(super) fn has_new_password(&self) -> bool {
        self.done.is_some_and(Done::is_new_password)
    }

    fn csrf(&self) -> String {
        let keys = &self.portal.app.keys;
        hex::encode(keys.tag(&[b"csrf", self.form_cookie.as_bytes()]))
    }

    /// A page, and the cookie that its forms need.
    pub(super) fn page(&self, status: StatusCode, page: &impl Template) -> Response {
        let mut response = page::html(status, page);
        if self.is_new_form_cookie {
            let name = FORM.get(self.portal.is_secure);
            SetCookie::strict(name, &self.form_cookie).add_to(&mut response, self.portal);
        }
        if self.done.is_some() {
            Done::forget(&mut response, self.portal);
        }
        response
    }

    /// A page that says one thing.
    pub(super) fn plain(&self, status: StatusCode, text: PageText) -> Response {
        let frame = self.frame_about(&text);
        self.page(status, &PlainPage { frame, text })
    }

    /// The same after the press that ended every session: it says so itself, and need not listen for it.
    pub(super) fn plain_after_the_end(&self, text: PageText) -> Response {
        let frame = Frame {
            events: "",
            ..self.frame_about(&text)
        };
        self.page(StatusCode::OK, &PlainPage { frame, text })
    }

    /// Logs why a page could not be served, and answers with the page that says so.
    pub(super) fn unavailable(&self, error: &(dyn Error + 'static)) -> Response {
        page::unavailable_for(self.portal, error)
    }

    /// A redirect that also gives the browser the token of its session.
    pub(super) fn redirect_with_session(&self, path: &'static str, token: &str) -> Response {
        self.redirect_with(
            path,
            &SetCookie::lax(SESSION.get(self.portal.has_prefix), token),
        )
    }

    /// A redirect to the page that says what was changed.
    pub(super) fn redirect_done(&self, path: &'static str, done: Done) -> Response {
        done.say_next(redirect(path), self.portal)
    }

    /// The same, where the session goes on with another token.
    pub(super) fn redirect_done_with_session(
        &self,
        path: &'static str,
        token: &str,
        done: Done,
    ) -> Response {
        done.say_next(self.redirect_with_session(path, token), self.portal)
    }

    /// A redirect that begins a session which outlives a closed browser: its stage opens nothing without a code. The cookie
    /// outlives the session, so that the pages can say why that is over.
    pub(super) fn redirect_with_kept_session(&self, path: &'static str, token: &str) -> Response {
        let cookie = SetCookie {
            max_age: Some(SESSION_LIFE.0 / 1000),
            ..SetCookie::lax(SESSION.get(self.portal.has_prefix), token)
        };
        self.redirect_with(path, &cookie)
    }

    /// A redirect to the sign-in that also removes the token.
    pub(super) fn redirect_signed_out(&self) -> Response {
        let removal = SetCookie::removal(SESSION.get(self.portal.has_prefix));
        let response = self.redirect_with("/signin", &removal);
        Done::SignedOut.say_next(response, self.portal)
    }

    /// Ends a half-open session, so that another person, or the same one anew, can sign in in this browser.
    pub(super) async fn leave(&self, found: &SignedIn) -> Result<Response, Response> {
        let (member, key) = (&found.session.member_id, &found.session.session_key);
        let ended = self
            .portal
            .app
            .store
            .end_sessions(member, key.clone(), false);
        ended.await.map_err(|error| self.unavailable(&error))?;
        Ok(self.redirect_signed_out())
    }

    fn redirect_with(&self, path: &'static str, session: &SetCookie<'_>) -> Response {
        let mut response = redirect(path);
        session.add_to(&mut response, self.portal);
        if self.has_unprefixed_cookie {
            SetCookie::removal(SESSION.plain).add_to(&mut response, self.portal);
        }
        self.remove_shadow(SESSION.plain, &mut response);
        response
    }

    /// Where the pages have a path, removes a cookie of this name that was set for the whole host: cookies had the path `/`
    /// before, and one that comes twice counts as none.
    fn remove_shadow(&self, name: &'static str, response: &mut Response) {
        let has_path = !self.portal.app.organization.public_path().is_empty();
        if has_path && self.plain_cookies.contains(&name) {
            SetCookie::removal_at_root(name).add_to(response, self.portal);
        }
    }

    /// The key of this browser as a device of the member, if it holds a device cookie that we made for them.
    pub(super) fn device_key(&self, member: &MemberId) -> Option<String> {
        let token = self.device_cookie.as_deref()?;
        let keys = &self.portal.app.keys;
        keys.is_device_token(member, token).then(|| key_of(token))
    }

    /// Makes the browser a known device of the member, once its session is open. If that fails it is a stranger at the
    /// next sign-in, which is no reason to refuse the session.
    pub(super) async fn remember_device(
        &self,
        response: &mut Response,
        member: &MemberId,
        token: &str,
    ) {
        let app = &self.portal.app;
        let Ok(mut rng) = app.chance.rng() else {
            return;
        };
        let device = app.keys.device_token(member, rng.random());
        let earlier = self.device_key(member);
        let kept = app
            .store
            .remember_device(&key_of(&device), &key_of(token), member, earlier.as_deref())
            .await;
        if let Err(error) = kept {
            tracing::warn!(
                error = &error as &dyn Error,
                "a browser could not be remembered"
            );
            return;
        }
        let cookie = SetCookie {
            max_age: Some(DEVICE_LIFE.0 / 1000),
            ..SetCookie::lax(DEVICE.get(self.portal.has_prefix), &device)
        };
        cookie.add_to(response, self.portal);
        self.remove_shadow(DEVICE.plain, response);
    }
}

/// The stream of a session at this stage.
fn events_of(stage: Stage) -> &'static str {
    match stage {
        Stage::Code => "/verify/events",
        Stage::NewPassword => "/new-password/events",
        Stage::Open => "/account/events",
    }
}

/// True if the browser says that another site sent the request. "same-site" is a neighbour under the same domain, and
/// none of ours.
fn is_cross_site(portal: &Portal, headers: &HeaderMap) -> bool {
    let site = text_of(headers, HeaderName::from_static("sec-fetch-site"));
    match (site, text_of(headers, header::ORIGIN)) {
        (Some(site), _) => !matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => !portal.is_own_origin(origin),
        (None, None) => false,
    }
}

fn text_of(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
