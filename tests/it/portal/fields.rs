//! The fields of the pages are right for phones, password managers and people with big thumbs; and what was typed stays.

use std::path::Path;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use relatch::surface::domain::Span;

use super::{JO, MINA, NOA, code};
use crate::support::browser::Browser;
use crate::support::{Left, OWN, TestBot};

/// As the settings of the tests have it.
const HELP: &str = "https://help.acme.example/password";

const WRONG: &str = "wrong horse battery";

/// What a browser accepts that opens a page.
const HTML: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

/// The value of an attribute in a tag.
fn value<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split('"').next()
}

/// What is wrong with a field that people type in.
fn faults(tag: &str) -> Vec<&'static str> {
    let is = |name, expected: &[&str]| value(tag, name).is_some_and(|one| expected.contains(&one));
    let (complete, mode) = match value(tag, "name") {
        Some("email") => (&["username"][..], Some("email")),
        Some("value") if is("autocomplete", &["tel"]) => (&["tel"][..], Some("tel")),
        // It takes a phone or an e-mail, so a keyboard or a suggestion for one of them is in the way.
        Some("value") if is("autocomplete", &["off"]) => (&["off"][..], None),
        Some("value") => (&["email"][..], Some("email")),
        Some("code") => (&["one-time-code"][..], Some("numeric")),
        Some("password") => (&["current-password", "new-password"][..], None),
        Some("current") => (&["current-password"][..], None),
        _ => (&[][..], None),
    };
    let is_password = mode.is_none() && value(tag, "name") != Some("value");
    [
        ("spellcheck", is("spellcheck", &["false"])),
        ("autocapitalize", is("autocapitalize", &["none"])),
        ("autocomplete", is("autocomplete", complete)),
        ("inputmode", value(tag, "inputmode") == mode),
        ("type", is_password == is("type", &["password"])),
    ]
    .into_iter()
    .filter_map(|(name, is_right)| (!is_right).then_some(name))
    .collect()
}

/// The tags of the fields that people type in, each with whether it stands where the button "Show" goes.
fn fields(html: &str) -> Vec<(&str, bool)> {
    let tags = html.match_indices("<input").filter_map(|(at, name)| {
        let (before, rest) = html.split_at(at);
        // No template compares anything inside a tag, so the next bracket is its end.
        let tag = rest[name.len()..].split('>').next()?;
        let is_hidden = tag.contains("type=\"hidden\"") || tag.ends_with(" hidden");
        let is_secret = before.ends_with("<div class=\"secret\">");
        (!is_hidden).then_some((tag, is_secret))
    });
    tags.collect()
}

/// Every form of every page, also of one that is added later.
#[test]
fn every_field_is_right_for_phones_and_password_managers() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/portal/pages");
    let mut seen = 0;
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "html") {
            continue;
        }
        let html = std::fs::read_to_string(&path).unwrap();
        for (tag, is_secret) in fields(&html) {
            seen += 1;
            assert_eq!(faults(tag), [""; 0], "{}: <input{tag}>", path.display());
            let is_password = value(tag, "type") == Some("password");
            assert_eq!(is_secret, is_password, "{}: {tag}", path.display());
        }
    }
    assert!(seen >= 12, "only {seen} fields were found");
}

#[test]
fn a_field_that_lacks_something_is_found() {
    for (tag, expected) in [
        (
            r#" name="code" spellcheck="false" autocapitalize="none" autocomplete="one-time-code""#,
            &["inputmode"][..],
        ),
        (
            r#" name="password" type="password" autocomplete="off""#,
            &["spellcheck", "autocapitalize", "autocomplete"],
        ),
        (
            r#" name="new" spellcheck="false" autocapitalize="none" autocomplete="tel" inputmode="tel""#,
            &["autocomplete", "inputmode", "type"],
        ),
    ] {
        assert_eq!(faults(tag), expected, "{tag}");
    }
}

/// A refused form comes back with its status and what was typed, never with a password or a code.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_form_keeps_what_was_typed_and_no_secret() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the code that was sent");
    let browser = bot.signed_in(NOA).await;
    let page = bot.browser().sign_in(NOA, WRONG).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    assert!(page.text.contains("value=\"noa@acme.example\"") && !page.text.contains(WRONG));
    for (typed, password, status) in [
        ("+82 12", OWN, StatusCode::UNPROCESSABLE_ENTITY),
        ("noa@acme.example", OWN, StatusCode::UNPROCESSABLE_ENTITY),
        ("noa@home.example", WRONG, StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let fields = [("value", typed), ("password", password)];
        let page = browser.submit("/contacts", "/contacts", &fields).await;
        assert_eq!(page.status, status, "{typed}");
        let kept = format!("value=\"{typed}\"");
        assert!(
            page.text.contains(&kept) && !page.text.contains(password),
            "{}",
            page.text
        );
    }
    let fields = [("value", "noa@home.example"), ("password", OWN)];
    browser.submit("/contacts", "/contacts", &fields).await;
    let (right, _) = code(&bot);
    let wrong = if right == "135791" {
        "135792"
    } else {
        "135791"
    };
    let fields = [("value", "noa@home.example"), ("code", wrong)];
    let page = browser.submit("/contacts", "/contacts", &fields).await;
    assert!(page.text.contains("Wrong code") && !page.text.contains(wrong));
}

/// Forms from before asked for the kind of a contact. What was typed decides, whatever they say.
#[tokio::test(flavor = "multi_thread")]
async fn the_kind_that_an_older_form_sends_changes_nothing() {
    let bot = TestBot::new().await;
    let browser = bot.signed_in(NOA).await;
    let page = browser.open("/contacts").await;
    assert!(!page.text.contains("type=\"radio\"") && !page.text.contains("<select"));
    let fields = [
        ("kind", "phone"),
        ("value", "noa@home.example"),
        ("password", OWN),
    ];
    let page = browser.submit("/contacts", "/contacts", &fields).await;
    assert!(
        page.text
            .contains("The code that was sent to noa@home.example")
    );
    assert_eq!(code(&bot).1, "noa@home.example");
}

/// What a form has changed is said by the page that it leads to, once.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_is_said_once() {
    let bot = TestBot::new().await;
    let temporary = bot.reset_by_copy(JO, MINA).await;
    let browser = bot.browser();
    browser.sign_in(MINA, &temporary).await;
    let (sent, _) = code(&bot);
    browser
        .submit("/verify", "/verify", &[("code", &sent)])
        .await;
    let fields = [("password", OWN)];
    browser
        .submit("/new-password", "/new-password", &fields)
        .await;
    said_once(
        &bot,
        &browser,
        "/account",
        "<strong>Your new password is set.</strong> You can close this page.",
    )
    .await;

    let fields = [("current", OWN), ("password", "nine loud otters sleep")];
    browser
        .submit("/account", "/account/password", &fields)
        .await;
    let said = "<strong>Your new password is set.</strong> All other browsers were signed out.";
    said_once(&bot, &browser, "/account", said).await;

    let fields = [("end", "others")];
    browser
        .submit("/account", "/account/sessions", &fields)
        .await;
    said_once(
        &bot,
        &browser,
        "/account",
        "<strong>All other browsers were signed out.</strong>",
    )
    .await;

    let password = "nine loud otters sleep";
    // The next code is not sent at once.
    bot.clock.advance(Span::minutes(1));
    let fields = [("value", "+82 10 1234 5699"), ("password", password)];
    browser.submit("/contacts", "/contacts", &fields).await;
    let (sent, _) = code(&bot);
    let fields = [("value", "+821012345699"), ("code", sent.as_str())];
    browser.submit("/contacts", "/contacts", &fields).await;
    said_once(
        &bot,
        &browser,
        "/contacts",
        "<strong>The contact is added.</strong>",
    )
    .await;
    let fields = [("remove", "+821012345699"), ("password", password)];
    browser.submit("/contacts", "/contacts", &fields).await;
    said_once(
        &bot,
        &browser,
        "/contacts",
        "<strong>The contact is removed.</strong>",
    )
    .await;

    let fields = [("end", "this")];
    browser
        .submit("/account", "/account/sessions", &fields)
        .await;
    said_once(
        &bot,
        &browser,
        "/signin",
        "<strong>You are signed out.</strong> You can close this page.",
    )
    .await;
    bot.settle().await;
    bot.outbox.take();
}

async fn said_once(bot: &TestBot, browser: &Browser, path: &str, said: &str) {
    bot.settle().await;
    let page = browser.open(path).await;
    assert!(page.text.contains(said), "{path}: {}", page.text);
    assert!(
        !browser.open(path).await.text.contains("class=\"notice\""),
        "{path} says it again"
    );
}

async fn asked(bot: &TestBot, method: &str, path: &str, accept: &str) -> (StatusCode, String) {
    let request = Request::builder().method(method).uri(path);
    let request = request.header("accept", accept);
    let answer = bot.browser().send(request, String::new()).await;
    let status = answer.status();
    if answer.headers().contains_key("content-type") {
        assert_eq!(answer.headers()["cache-control"], "no-store", "{path}");
        assert!(answer.headers().contains_key("content-security-policy"));
    }
    let body = Body::new(answer.into_body()).collect().await.unwrap();
    (status, String::from_utf8(body.to_bytes().to_vec()).unwrap())
}

/// Whoever lost their way in a browser reads a page that names the help desk and nothing of the address. Programs get
/// what they got before.
#[tokio::test(flavor = "multi_thread")]
async fn every_dead_end_is_a_page_that_names_the_help_desk() {
    let bot = TestBot::new().await;
    for (method, path, status) in [
        ("GET", "/nowhere-Zxq9", StatusCode::NOT_FOUND),
        ("GET", "/account/nowhere-Zxq9", StatusCode::NOT_FOUND),
        ("GET", "/claim/Zxq9", StatusCode::GONE),
        ("GET", "/not-me/Zxq9", StatusCode::NOT_FOUND),
        ("GET", "/claim/%FF", StatusCode::BAD_REQUEST),
        ("POST", "/signin", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("PUT", "/signin", StatusCode::METHOD_NOT_ALLOWED),
        ("GET", "/signin", StatusCode::OK),
    ] {
        let (told, page) = asked(&bot, method, path, HTML).await;
        assert_eq!(told, status, "{method} {path}");
        let shown = page.replace(&format!("href=\"{HELP}\""), "");
        assert_eq!(shown.matches(HELP).count(), 1, "{method} {path}: {page}");
        assert!(!page.contains("Zxq9"), "{path}: {page}");
    }
    for (method, path, accept) in [
        ("GET", "/nowhere", "*/*"),
        ("GET", "/nowhere", "application/json"),
        ("POST", "/nowhere", HTML),
        ("GET", "/slack/nowhere", HTML),
    ] {
        let told = asked(&bot, method, path, accept).await;
        assert_eq!(
            told,
            (StatusCode::NOT_FOUND, String::new()),
            "{method} {path}"
        );
    }
}
