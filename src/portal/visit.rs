//! One request to the member's pages: its cookies, its session, its form, and the answers it can get.

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::percent_decode;
use rand::RngExt;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{Portal, Shared};
use crate::domain::member::clean_name;
use crate::domain::sign_in::{DEVICE_LIFE, Stage};
use crate::domain::{MemberId, Status};
use crate::store::{MemberRow, SignedIn};

/// The cookie of a session, and of a browser that signed in before. Under the prefix no other host can set them, as below.
const SESSION: &str = "__Host-relatch_session";
const DEVICE: &str = "__Host-relatch_device";

/// The same where there is no TLS, or where the pages have a path and may share their host with others. The first is also
/// what the cookie was called before it had the prefix.
const PLAIN_SESSION: &str = "relatch_session";
const PLAIN_DEVICE: &str = "relatch_device";

/// The cookie that ties a form to the browser that asked for it. Under the first name no other host, not even a
/// neighbour under the same domain, can set it (RFC 6265bis, "The __Host- prefix"); it needs TLS.
const FORM: &str = "__Host-relatch_form";
const PLAIN_FORM: &str = "relatch_form";

/// What every page shows around its own part.
#[derive(Default)]
pub(super) struct Frame {
    pub(super) organization: String,
    pub(super) csrf: String,
    pub(super) problem: String,
    pub(super) notice: String,
}

/// A page that says one thing and leads back.
#[derive(Template)]
#[template(path = "stop.html")]
pub(super) struct Stop {
    pub(super) frame: Frame,
    pub(super) title: String,
    pub(super) text: String,
}

/// 303.
pub(super) fn go(path: &'static str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, path)]).into_response()
}

/// One request.
pub(super) struct Visit<'a> {
    pub(super) portal: &'a Portal,
    /// The session that stands, if there is one.
    pub(super) signed_in: Option<SignedIn>,
    /// What the browser calls itself.
    pub(super) agent: Option<String>,
    /// The session's cookie still has the name that it had before the prefix.
    has_old_cookie: bool,
    device_cookie: Option<String>,
    form_cookie: String,
    is_new_form_cookie: bool,
    is_cross_site: bool,
}

/// Active or inactive.
pub(super) fn is_in_use(member: &MemberRow) -> bool {
    member
        .status
        .parse()
        .is_ok_and(|status| matches!(status, Status::Active | Status::Inactive))
}

/// The key of the session that a browser names, whether it stands or not, and whether it comes by the name of before. That
/// name counts only where the browser sends no other, and only for sessions that began under it: a neighbouring host can set
/// it.
pub(super) async fn named_session(
    portal: &Portal,
    headers: &HeaderMap,
) -> Result<Option<(String, bool)>, Response> {
    let token = named_token(portal, headers).await?;
    Ok(token.map(|(token, is_old)| (key_of(&token), is_old)))
}

async fn named_token(
    portal: &Portal,
    headers: &HeaderMap,
) -> Result<Option<(String, bool)>, Response> {
    if !portal.has_prefix {
        return Ok(cookie(headers, PLAIN_SESSION).map(|token| (token, false)));
    }
    if values_of(headers, SESSION).next().is_some() {
        return Ok(cookie(headers, SESSION).map(|token| (token, false)));
    }
    let Some(token) = cookie(headers, PLAIN_SESSION) else {
        return Ok(None);
    };
    let is_known = portal
        .app
        .store
        .has_old_cookie(&key_of(&token))
        .await
        .map_err(|_| unavailable(portal))?;
    Ok(is_known.then_some((token, true)))
}

/// The digest under which a session is kept.
pub(super) fn key_of(token: &str) -> String {
    hex::encode(Sha256::digest(token))
}

impl<'a> Visit<'a> {
    /// Reads the cookies and finds the session.
    pub(super) async fn of(portal: &'a Portal, headers: &HeaderMap) -> Result<Self, Response> {
        let (signed_in, has_old_cookie) = match named_session(portal, headers).await? {
            Some((key, is_old)) => (
                portal
                    .app
                    .store
                    .session(&key)
                    .await
                    .map_err(|_| unavailable(portal))?,
                is_old,
            ),
            None => (None, false),
        };
        // An account that was suspended meanwhile has no pages any more.
        let signed_in = signed_in.filter(|found| is_in_use(&found.member));
        let form_name = if portal.is_secure { FORM } else { PLAIN_FORM };
        let known = cookie(headers, form_name).filter(|value| value.len() == 22);
        let is_new_form_cookie = known.is_none();
        let form_cookie = if let Some(known) = known {
            known
        } else {
            let mut rng = portal.app.chance.rng().map_err(|_| unavailable(portal))?;
            URL_SAFE_NO_PAD.encode(rng.random::<[u8; 16]>())
        };
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        Ok(Self {
            portal,
            signed_in,
            agent: text("user-agent").map(known_as),
            has_old_cookie,
            device_cookie: cookie(
                headers,
                if portal.has_prefix {
                    DEVICE
                } else {
                    PLAIN_DEVICE
                },
            ),
            form_cookie,
            is_new_form_cookie,
            is_cross_site: match (text("sec-fetch-site"), text("origin")) {
                // "same-site" is a neighbour under the same domain, and none of ours.
                (Some(site), _) => !matches!(site, "same-origin" | "none"),
                (None, Some(origin)) => !portal.is_own_origin(origin),
                (None, None) => false,
            },
        })
    }

    /// The frame of a page, with the token of its forms.
    pub(super) fn frame(&self) -> Frame {
        Frame {
            organization: self.portal.app.organization.name.clone(),
            csrf: self.csrf(),
            ..Frame::default()
        }
    }

    /// The same with a sentence about what is wrong.
    pub(super) fn frame_with(&self, problem: impl Into<String>) -> Frame {
        Frame {
            problem: problem.into(),
            ..self.frame()
        }
    }

    fn csrf(&self) -> String {
        hex::encode(
            self.portal
                .app
                .keys
                .tag(&[b"csrf", self.form_cookie.as_bytes()]),
        )
    }

    /// A form's fields, each at most once, if it comes from our own page in this browser.
    pub(super) fn form(&self, headers: &HeaderMap, body: &Bytes) -> Result<Fields, Response> {
        let kind = headers
            .get(header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .unwrap_or_default();
        let media = kind.split(';').next().unwrap_or_default().trim();
        if !media.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response());
        }
        let mut fields = Vec::new();
        for field in body
            .split(|byte| *byte == b'&')
            .filter(|field| !field.is_empty())
        {
            let mut halves = field.splitn(2, |byte| *byte == b'=');
            let (name, value) = (
                halves.next().unwrap_or_default(),
                halves.next().unwrap_or_default(),
            );
            match decoded(name).zip(decoded(value)) {
                Some((name, value)) if fields.iter().all(|(known, _)| *known != name) => {
                    fields.push((name, value))
                }
                Some(_) | None => return Err(StatusCode::BAD_REQUEST.into_response()),
            }
        }
        let fields = Fields(fields);
        let is_ours = bool::from(fields.get("csrf").as_bytes().ct_eq(self.csrf().as_bytes()));
        if self.is_cross_site || self.is_new_form_cookie || !is_ours {
            let text = "This form is too old, or it came from somewhere else. Nothing was changed. Open the page again.";
            return Err(self.stop(StatusCode::FORBIDDEN, "Please try again", text));
        }
        Ok(fields)
    }

    /// The session at this stage, or the way to the page that is allowed.
    pub(super) fn at(&self, stage: Stage) -> Result<&SignedIn, Response> {
        self.signed_in
            .as_ref()
            .filter(|found| found.session.stage == stage)
            .ok_or_else(|| self.allowed())
    }

    /// Leads to the page that this session may see.
    pub(super) fn allowed(&self) -> Response {
        go(
            match self.signed_in.as_ref().map(|found| found.session.stage) {
                None => "/signin",
                Some(Stage::Code) => "/verify",
                Some(Stage::NewPassword) => "/new-password",
                Some(Stage::Open) => "/account",
            },
        )
    }

    /// 303 with the cookie of a session; an empty token takes it away.
    pub(super) fn go_with(&self, path: &'static str, token: &str) -> Response {
        let age = if token.is_empty() { "; Max-Age=0" } else { "" };
        let mut response = go(path);
        let name = if self.portal.has_prefix {
            SESSION
        } else {
            PLAIN_SESSION
        };
        self.set_cookie(
            &mut response,
            &format!("{name}={token}; Path=/; HttpOnly; SameSite=Lax{age}"),
        );
        if self.has_old_cookie {
            self.set_cookie(
                &mut response,
                &format!("{PLAIN_SESSION}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"),
            );
        }
        response
    }

    /// The key of this browser as a device of the member; none where it holds no cookie that we made for them.
    pub(super) fn device_key(&self, member: &MemberId) -> Option<String> {
        let token = self.device_cookie.as_deref()?;
        self.portal
            .app
            .keys
            .is_device_token(member, token)
            .then(|| key_of(token))
    }

    /// Lets the browser of a session that was opened be known at the next sign-in. Where that fails it is a stranger then,
    /// which is no reason to refuse the session.
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
                error = &error as &dyn std::error::Error,
                "a browser could not be remembered"
            );
            return;
        }
        let name = if self.portal.has_prefix {
            DEVICE
        } else {
            PLAIN_DEVICE
        };
        let age = DEVICE_LIFE.0 / 1000;
        self.set_cookie(
            response,
            &format!("{name}={device}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}"),
        );
    }

    /// A page.
    pub(super) fn page(&self, status: StatusCode, page: &impl Template) -> Response {
        let Ok(html) = page.render() else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        let mut response = (
            status,
            [(header::CONTENT_TYPE, "text/html; charset=utf-8")],
            html,
        )
            .into_response();
        if self.is_new_form_cookie {
            let name = if self.portal.is_secure {
                FORM
            } else {
                PLAIN_FORM
            };
            self.set_cookie(
                &mut response,
                &format!(
                    "{name}={}; Path=/; HttpOnly; SameSite=Strict",
                    self.form_cookie
                ),
            );
        }
        response
    }

    /// A page that says one thing.
    pub(super) fn stop(&self, status: StatusCode, title: &str, text: &str) -> Response {
        self.page(
            status,
            &Stop {
                frame: self.frame(),
                title: title.to_owned(),
                text: text.to_owned(),
            },
        )
    }

    /// The record or the directory does not answer.
    pub(super) fn unavailable(&self) -> Response {
        unavailable(self.portal)
    }

    /// A new token of a session, as opaque as it is random.
    pub(super) fn new_token(&self) -> Result<String, Response> {
        let mut rng = self
            .portal
            .app
            .chance
            .rng()
            .map_err(|_| self.unavailable())?;
        Ok(URL_SAFE_NO_PAD.encode(rng.random::<[u8; 32]>()))
    }

    fn set_cookie(&self, response: &mut Response, cookie: &str) {
        set_cookie(self.portal, response, cookie);
    }
}

/// The fields of a form; their memory is wiped.
pub(super) struct Fields(Vec<(Zeroizing<String>, Zeroizing<String>)>);

impl Fields {
    /// A field; empty where it is missing.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(known, _)| **known == name)
            .map_or("", |(_, value)| value)
    }
}

/// A name or a value as it was typed, if it is text. What it is made from is wiped too, and never grows: the parser of the
/// crate `url` leaves copies behind.
fn decoded(sent: &[u8]) -> Option<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(sent.len()));
    for (at, part) in sent.split(|byte| *byte == b'+').enumerate() {
        if at > 0 {
            bytes.push(b' ');
        }
        bytes.extend(percent_decode(part));
    }
    str::from_utf8(&bytes)
        .ok()
        .map(|text| Zeroizing::new(text.to_owned()))
}

/// What a member calls the browser that names itself like this; the name itself where it is none of the usual ones.
fn known_as(agent: &str) -> String {
    const BROWSERS: [(&str, &str); 7] = [
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("CriOS/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    const SYSTEMS: [(&str, &str); 7] = [
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "Mac"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ];
    let known = |names: &[(&str, &'static str)]| {
        names
            .iter()
            .find(|(part, _)| agent.contains(part))
            .map(|(_, name)| *name)
    };
    match (known(&BROWSERS), known(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        _ => clean_name(agent),
    }
}

fn set_cookie(portal: &Portal, response: &mut Response, cookie: &str) {
    let secure = if portal.is_secure { "; Secure" } else { "" };
    if let Ok(value) = HeaderValue::from_str(&format!("{cookie}{secure}")) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// Gives the session of a browser the name with the prefix, at the first answer that does not replace the session itself.
pub(super) async fn renamed(State(portal): Shared, request: Request, next: Next) -> Response {
    let token = match named_token(&portal, request.headers()).await {
        Ok(Some((token, true))) => token,
        Ok(_) => return next.run(request).await,
        Err(unavailable) => return unavailable,
    };
    let mut response = next.run(request).await;
    let mut set = response.headers().get_all(header::SET_COOKIE).iter();
    if !set.any(|cookie| cookie.as_bytes().starts_with(SESSION.as_bytes())) {
        set_cookie(
            &portal,
            &mut response,
            &format!("{SESSION}={token}; Path=/; HttpOnly; SameSite=Lax"),
        );
        set_cookie(
            &portal,
            &mut response,
            &format!("{PLAIN_SESSION}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"),
        );
    }
    response
}

/// Every value of a cookie.
fn values_of<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    let lines = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok());
    let pairs = lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs
        .filter(move |(known, _)| *known == name)
        .map(|(_, value)| value)
}

/// A cookie that was sent exactly once.
fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut values = values_of(headers, name);
    match (values.next(), values.next()) {
        (Some(only), None) if !only.is_empty() && only.len() <= 64 => Some(only.to_owned()),
        (Some(_) | None, _) => None,
    }
}

/// The page where something that is needed does not answer, or is too busy.
pub(super) fn unavailable(portal: &Portal) -> Response {
    let frame = Frame {
        organization: portal.app.organization.name.clone(),
        ..Frame::default()
    };
    let text =
        "This page can't be served at the moment. Nothing was changed. Try again in a few minutes.";
    let page = Stop {
        frame,
        title: "Not available".to_owned(),
        text: text.to_owned(),
    };
    let html = page.render().unwrap_or_default();
    (
        StatusCode::SERVICE_UNAVAILABLE,
        [(header::CONTENT_TYPE, "text/html; charset=utf-8")],
        html,
    )
        .into_response()
}

macro_rules! policy {
    ($ancestors:literal) => {
        concat!(
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; \
            base-uri 'none'; frame-ancestors ",
            $ancestors
        )
    };
}

const UNFRAMED: &str = policy!("'none'");
const FRAMED: &str = policy!("'self'");

/// What every answer carries: nothing is kept, framed, guessed or told to others.
pub(super) async fn guarded(State(portal): Shared, mut response: Response) -> Response {
    let headers = response.headers_mut();
    let (policy, frame) = if portal.app.organization.is_framed {
        (FRAMED, "SAMEORIGIN")
    } else {
        (UNFRAMED, "DENY")
    };
    for (name, value) in [
        ("content-security-policy", policy),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", frame),
        ("x-robots-tag", "noindex"),
        (
            "strict-transport-security",
            if portal.is_secure {
                "max-age=31536000"
            } else {
                "max-age=0"
            },
        ),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_called_as_people_call_them() {
        let linux = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";
        assert_eq!(known_as(linux), "Chrome on Linux");
        assert_eq!(known_as(&format!("{linux} Edg/156.0")), "Edge on Linux");
        let phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/604.1";
        assert_eq!(known_as(phone), "Safari on iPhone");
        assert_eq!(known_as("curl/8\u{202e}evil"), "curl/8evil");
    }

    #[test]
    fn fields_are_read_as_they_were_typed() {
        let typed = |sent: &str| decoded(sent.as_bytes()).map(|text| text.to_string());
        assert_eq!(
            typed("nine+loud%20otters%2B%26%3D%C3%A9+"),
            Some("nine loud otters+&=é ".to_owned())
        );
        assert_eq!(typed("100%+%zz%4"), Some("100% %zz%4".to_owned()));
        assert_eq!(typed(""), Some(String::new()));
        assert_eq!(typed("%ff"), None);
    }
}
