//! A browser without a screen: it keeps cookies, reads the token of a form, and follows nothing by itself.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Mutex;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use relatch::surface::clock::Clock;
use relatch::surface::domain::{Moment, Span};
use relatch::surface::net::ClientAddress;
use tower::ServiceExt;

/// A browser with cookies of its own.
pub(crate) struct Browser {
    routes: Router,
    clock: Clock,
    /// The address that the web server tells the pages; unknown at first.
    pub(crate) address: Mutex<Option<IpAddr>>,
    pub(crate) cookies: Mutex<BTreeMap<String, String>>,
    /// The path of each cookie: one of another path is another cookie (RFC 6265, 5.3).
    paths: Mutex<BTreeMap<String, String>>,
    /// When each cookie with a `Max-Age` is forgotten.
    ends: Mutex<BTreeMap<String, Moment>>,
}

/// What came back.
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Page {
    /// Where a redirect leads; empty where it is none.
    pub(crate) fn to(&self) -> &str {
        if self.status != StatusCode::SEE_OTHER {
            return "";
        }
        self.headers["location"].to_str().unwrap()
    }

    /// The token of the forms on the page.
    pub(crate) fn csrf(&self) -> String {
        let (_, rest) = self
            .text
            .split_once("name=\"csrf\" value=\"")
            .expect("a form");
        rest.split('"').next().unwrap().to_owned()
    }
}

impl Browser {
    pub(crate) fn new(routes: Router, clock: Clock) -> Self {
        Self {
            routes,
            clock,
            address: Mutex::default(),
            cookies: Mutex::default(),
            paths: Mutex::default(),
            ends: Mutex::default(),
        }
    }

    /// Forgets the cookies whose time is over.
    fn forget_old_cookies(&self) {
        let mut ends = self.ends.lock().unwrap();
        let (over, now) = (ends.clone(), self.clock.now());
        for (name, _) in over.iter().filter(|(_, until)| **until <= now) {
            ends.remove(name);
            self.cookies.lock().unwrap().remove(name);
        }
    }

    /// Notes how long a cookie that was just set is kept; without a `Max-Age`, until the browser is closed.
    fn note_end(&self, name: &str, attributes: &str) {
        let mut ends = self.ends.lock().unwrap();
        ends.remove(name);
        if let Some((_, age)) = attributes.split_once("; Max-Age=") {
            let seconds = age.split(';').next().unwrap().parse().unwrap();
            ends.insert(name.to_owned(), self.clock.now() + Span::seconds(seconds));
        }
    }

    /// The same browser at another address.
    pub(crate) fn at(&self, address: &str) -> &Self {
        *self.address.lock().unwrap() = Some(address.parse().unwrap());
        self
    }

    /// Sends a request with the cookies, and keeps those that come back.
    pub(crate) async fn send(
        &self,
        request: axum::http::request::Builder,
        body: String,
    ) -> axum::response::Response {
        self.forget_old_cookies();
        let jar: Vec<String> = self
            .cookies
            .lock()
            .unwrap()
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = request.header("user-agent", "Firefox on a test");
        let request = request.extension(ClientAddress(*self.address.lock().unwrap()));
        let request = if jar.is_empty() {
            request
        } else {
            request.header("cookie", jar.join("; "))
        };
        let response = self
            .routes
            .clone()
            .oneshot(request.body(Body::from(body)).unwrap())
            .await
            .unwrap();
        for cookie in response.headers().get_all("set-cookie") {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            let path = rest.split("; Path=").nth(1).unwrap();
            let path = path.split(';').next().unwrap().to_owned();
            let mut jar = self.cookies.lock().unwrap();
            let mut paths = self.paths.lock().unwrap();
            if !value.is_empty() {
                jar.insert(name.to_owned(), value.to_owned());
                self.note_end(name, rest);
                paths.insert(name.to_owned(), path);
            } else if paths.get(name).is_none_or(|known| *known == path) {
                jar.remove(name);
            }
        }
        response
    }

    async fn page(&self, request: axum::http::request::Builder, body: String) -> Page {
        let response = self.send(request, body).await;
        let (parts, body) = response.into_parts();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Page {
            status: parts.status,
            headers: parts.headers,
            text,
        }
    }

    /// Opens a page.
    pub(crate) async fn open(&self, path: &str) -> Page {
        self.page(Request::get(path), String::new()).await
    }

    /// Sends a form as it is, without a token of its own.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let body: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        let kind = "application/x-www-form-urlencoded";
        self.page(
            Request::post(path).header("content-type", kind),
            body.join("&"),
        )
        .await
    }

    /// Opens the page `at`, and sends its form to `path` with the token from there.
    pub(crate) async fn submit(&self, at: &str, path: &str, fields: &[(&str, &str)]) -> Page {
        let csrf = self.open(at).await.csrf();
        self.post(path, &[&[("csrf", csrf.as_str())], fields].concat())
            .await
    }

    /// Opens a link of a message and presses its button. A page that has none is what the member reads.
    pub(crate) async fn press(&self, link: &str) -> Page {
        let page = self.open(link).await;
        if page.text.contains("<form") {
            self.post(link, &[("csrf", &page.csrf())]).await
        } else {
            page
        }
    }

    /// Signs in; where it leads, or what it says.
    pub(crate) async fn sign_in(&self, email: &str, password: &str) -> Page {
        self.submit(
            "/signin",
            "/signin",
            &[("email", email), ("password", password)],
        )
        .await
    }
}
