//! `public_url` with a path: everything is served with it and without it, and everything that is written carries it.

use std::path::Path;

use axum::http::StatusCode;
use relatch::surface::domain::Platform;
use relatch::surface::domain::delivery::{Carries, Ways};

use super::{JO, MINA, code};
use crate::support::browser::{Browser, Page};
use crate::support::{Left, OWN, TestBot, slack};

const URL: &str = "https://acme.example/reset";
const LINKS: Ways = Ways {
    is_strict: false,
    carries: Carries::Link,
};

/// What a proxy passes on: the path as it came, or without the prefix.
const PROXIES: [&str; 2] = ["/reset", ""];

/// A browser in front of a proxy. It opens what the pages lead to, so a link without the prefix is found.
struct Visitor<'a> {
    browser: &'a Browser,
    /// What the proxy leaves of the prefix.
    kept: &'static str,
}

impl Visitor<'_> {
    /// What the proxy makes of a public path. Other paths of that host are none of ours.
    fn passed(&self, public: &str) -> String {
        let rest = public.strip_prefix("/reset");
        let rest = rest.unwrap_or_else(|| panic!("{public} leads elsewhere"));
        format!("{}{rest}", self.kept)
    }

    async fn open(&self, public: &str) -> Page {
        let page = self.browser.open(&self.passed(public)).await;
        self.check(public, &page).await;
        page
    }

    /// Opens a page and sends its form to where the form says.
    async fn submit(&self, at: &str, fields: &[(&str, &str)]) -> Page {
        let page = self.open(at).await;
        let (name, _) = fields.first().copied().unwrap_or_default();
        let form = page
            .text
            .split("<form")
            .skip(1)
            .find(|form| form.contains(&format!("name=\"{name}\"")) || name.is_empty())
            .unwrap_or_else(|| panic!("no form at {at} has {name}: {}", page.text));
        // A form without an address is sent to that of its page.
        let to = form
            .split('>')
            .next()
            .and_then(|head| head.split("action=\"").nth(1)?.split('"').next())
            .unwrap_or(at);
        let csrf = page.csrf();
        let fields = [&[("csrf", csrf.as_str())], fields].concat();
        let answer = self.browser.post(&self.passed(to), &fields).await;
        self.check(to, &answer).await;
        answer
    }

    async fn check(&self, at: &str, page: &Page) {
        if let Some(to) = page.headers.get("location") {
            let to = to.to_str().unwrap();
            assert!(to.starts_with("/reset/"), "{at} redirects to {to}");
        }
        for cookie in page.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            // One from before, of which the browser is freed.
            let is_removal = cookie.contains("=;") && cookie.contains("; Max-Age=0");
            let path =
                if cookie.starts_with("__Host-") || is_removal && cookie.contains("; Path=/;") {
                    // The prefix demands it (RFC 6265bis, "The __Host- prefix").
                    "; Path=/;"
                } else {
                    "; Path=/reset;"
                };
            assert!(cookie.contains(path), "{at} sets {cookie}");
        }
        // The help desk is elsewhere.
        let links = links(&page.text).into_iter();
        for link in links.filter(|link| !link.starts_with("https://help.acme.example/")) {
            assert!(link.starts_with("/reset/"), "{at} leads to {link}");
            let there = self.browser.open(&self.passed(&link)).await;
            assert_ne!(there.status, StatusCode::NOT_FOUND, "{at} leads to {link}");
        }
    }
}

/// The addresses in a page.
fn links(html: &str) -> Vec<String> {
    ["href=\"", "src=\"", "action=\""]
        .iter()
        .flat_map(|attribute| html.split(attribute).skip(1))
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect()
}

/// From the first sign-in after a reset to the sign-out, behind a proxy that keeps the prefix and one that strips it.
#[tokio::test(flavor = "multi_thread")]
async fn every_page_redirect_and_cookie_carries_the_path() {
    for kept in PROXIES {
        let bot = TestBot::with_public_url(URL).await;
        bot.leaves(Left::Messages, "the notice of the reset");
        let temporary = bot.reset_by_copy(JO, MINA).await;
        let browser = bot.browser();
        let visitor = Visitor {
            browser: &browser,
            kept,
        };
        for path in ["/reset/verify", "/reset/account", "/reset/contacts"] {
            assert_eq!(visitor.open(path).await.to(), "/reset/signin", "{path}");
        }
        let sign_in = [("email", MINA), ("password", temporary.as_str())];
        assert_eq!(
            visitor.submit("/reset/signin", &sign_in).await.to(),
            "/reset/verify"
        );
        let (code, _) = code(&bot);
        assert_eq!(
            visitor
                .submit("/reset/verify", &[("code", &code)])
                .await
                .to(),
            "/reset/new-password"
        );
        assert_eq!(
            visitor
                .submit("/reset/new-password", &[("password", OWN)])
                .await
                .to(),
            "/reset/account"
        );
        visitor.open("/reset/account").await;
        visitor.open("/reset/contacts").await;
        let contact = [("value", "+821099998877"), ("password", OWN)];
        visitor.submit("/reset/contacts", &contact).await;
        assert_eq!(
            visitor
                .submit("/reset/account", &[("end", "this")])
                .await
                .to(),
            "/reset/signin"
        );
        bot.settle().await;
        bot.outbox.take();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_in_messages_carry_the_path_and_open() {
    for kept in PROXIES {
        let bot = TestBot::with_links_to(URL, LINKS).await;
        bot.reset(JO, MINA, "deliver_email").await;
        let told = bot.slack.last_text();
        assert!(told.contains("The link works once"), "{told}");
        let sent = bot.outbox.take();
        let paths: Vec<String> = ["claim", "not-me"]
            .iter()
            .map(|kind| {
                let marker = format!("{URL}/{kind}/");
                let text = sent.iter().find(|sent| sent.text.contains(&marker));
                let text = text.unwrap_or_else(|| panic!("no text has {marker}"));
                let (_, token) = text.text.split_once(&marker).unwrap();
                let token = token.split_whitespace().next().unwrap();
                format!("/reset/{kind}/{token}")
            })
            .collect();
        let browser = bot.browser();
        let visitor = Visitor {
            browser: &browser,
            kept,
        };
        assert_eq!(visitor.submit(&paths[0], &[]).await.to(), "/reset/verify");
        let closed = visitor.submit(&paths[1], &[]).await;
        assert!(
            closed.text.contains("The new password is blocked"),
            "{kept}"
        );
        bot.settle().await;
        bot.outbox.take();
    }
}

/// The open page's own script asks for events and leads to the sign-in.
#[test]
fn the_pages_and_their_script_name_no_path_without_the_prefix() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/portal/pages");
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        for begin in ["=\"/", "\"/", "'/", "`/", "url(/"] {
            assert!(!text.contains(begin), "{}: {begin}", path.display());
        }
        files += 1;
    }
    assert!(files > 8, "only {files} files");
}

/// Only the whole prefix is taken off, once, and a path that merely begins like it is none of ours.
#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_begins_alike_is_not_served() {
    let bot = TestBot::with_public_url(URL).await;
    let browser = bot.browser();
    for path in ["/reset/signin", "/signin", "/reset/signin?a=b"] {
        assert_eq!(browser.open(path).await.status, StatusCode::OK, "{path}");
    }
    for path in [
        "/resetsignin",
        "/resets/signin",
        "/reset/reset/signin",
        "/RESET/signin",
        "/reset//signin",
        "//reset/signin",
        "/signin/reset",
    ] {
        let status = browser.open(path).await.status;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
}

/// Cookies had the path `/` before. The browser sends both, and one that was sent twice counts as none, so the old one goes
/// with the sign-in.
#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_from_before_does_not_shadow_the_session() {
    let bot = TestBot::with_public_url(URL).await;
    bot.set_password(MINA, OWN).await;
    let browser = bot.browser();
    let old = ("relatch_session".to_owned(), "x".repeat(43));
    browser.cookies.lock().unwrap().extend([old]);
    let page = browser.sign_in(MINA, OWN).await;
    assert_eq!(page.to(), "/reset/account");
    let set: Vec<&str> = page
        .headers
        .get_all("set-cookie")
        .iter()
        .map(|cookie| cookie.to_str().unwrap())
        .filter(|cookie| cookie.starts_with("relatch_session="))
        .collect();
    let [own, old] = set.as_slice() else {
        panic!("{set:?}")
    };
    assert!(own.contains("; Path=/reset;"), "{own}");
    assert!(
        old.starts_with("relatch_session=; Path=/;") && old.contains("; Max-Age=0"),
        "{old}"
    );
}

/// nginx holds back what it is sent until a buffer is full or the answer ends, unless the answer forbids it: how soon to
/// reconnect would come too late.
#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_is_told_not_to_hold_the_events_back() {
    let bot = TestBot::new().await;
    let browser = bot.signed_in(MINA).await;
    let request = axum::http::Request::get("/account/events");
    let answer = browser.send(request, String::new()).await;
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let told = answer.headers().get("x-accel-buffering");
    assert_eq!(told.map(|told| told.to_str().unwrap()), Some("no"));
}

/// Webhooks come through the same proxy.
#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_answered_with_the_path_and_without() {
    let bot = TestBot::with_public_url(URL).await;
    bot.on(Platform::Slack);
    for (serial, path) in ["/reset/slack/commands", "/slack/commands"]
        .into_iter()
        .enumerate()
    {
        let reply = bot.slack.reply_url(900 + u32::try_from(serial).unwrap());
        let body = slack::command_body(&slack::user_id(JO), "help", &reply);
        let answer = bot.post(path, &body).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert!(answer.text().contains("/reset-password"), "{path}");
    }
    let unsigned = bot.browser().post("/reset/slack/commands", &[]).await;
    assert_eq!(unsigned.status, StatusCode::UNAUTHORIZED);
}

/// "Only by https" holds for the whole host, so it is said only where the host is ours alone.
#[tokio::test(flavor = "multi_thread")]
async fn below_a_path_nothing_is_said_for_the_whole_host() {
    for (url, expected) in [
        ("https://reset.acme.example", Some("max-age=31536000")),
        ("https://reset.acme.example/", Some("max-age=31536000")),
        (URL, None),
    ] {
        let bot = TestBot::with_public_url(url).await;
        let page = bot.browser().open("/signin").await;
        let said = page.headers.get("strict-transport-security");
        let said = said.map(|value| value.to_str().unwrap());
        assert_eq!(said, expected, "{url}");
    }
}
