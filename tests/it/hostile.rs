//! Bad input of every kind: a clear refusal or a bare 4xx, never a 5xx, never a panic, and nothing on disk from
//! whoever cannot sign.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use proptest::prelude::*;
use serde_json::json;

use crate::support::slack::{click_body, command_body, form_body, user_id};
use crate::support::{Answer, START, TestBot, one_try_of_three};

const JO: &str = "jo@acme.example";
const ROUTES: [&str; 2] = ["/slack/commands", "/slack/interactions"];

fn payload(payload: &str) -> String {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    format!("payload={}", utf8_percent_encode(payload, NON_ALPHANUMERIC))
}

/// What is not even signed never reaches the disk, whatever it looks like.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_refused_bare() {
    let bot = TestBot::new().await;
    let before = bot.trace().await;
    let form = "application/x-www-form-urlencoded";
    let post = |route: &str| Request::post(route).header("content-type", form);
    for route in ROUTES {
        let large = vec![b'a'; 65 * 1024];
        for (request, status) in [
            (Request::post(route).body(Body::empty()), 415),
            (
                Request::post(route)
                    .header("content-type", "application/json")
                    .body(Body::from("{}")),
                415,
            ),
            (
                Request::post(route)
                    .header("content-type", "multipart/form-data; boundary=x")
                    .body(Body::empty()),
                415,
            ),
            (
                post(route).header("content-type", form).body(Body::empty()),
                415,
            ),
            (post(route).body(Body::empty()), 401),
            (post(route).body(Body::from("text=unsigned")), 401),
            (post(route).body(Body::from(large)), 413),
            (
                post(route)
                    .header("content-length", "70000")
                    .body(Body::empty()),
                413,
            ),
            (Request::get(route).body(Body::empty()), 405),
            (Request::put(route).body(Body::empty()), 405),
            (Request::post(format!("{route}/x")).body(Body::empty()), 404),
        ] {
            let request = request.unwrap();
            let shown = format!("{request:?}");
            let answer = bot.send(request).await;
            assert_eq!(
                (answer.status.as_u16(), answer.body.as_slice()),
                (status, b"".as_slice()),
                "{shown}"
            );
        }
    }
    assert_eq!(bot.trace().await, before);
    assert!(bot.app.unsigned.total() > 0);
}

/// Headers that could be read in two ways.
#[tokio::test(flavor = "multi_thread")]
async fn headers_must_be_exactly_right() {
    let bot = TestBot::new().await;
    let body = command_body(&user_id(JO), "help", &bot.slack.reply_url(1));
    let [(_, timestamp), (_, signature)] = bot.sign(&body);
    let digits = signature.strip_prefix("v0=").unwrap();
    let later = (START.unix_seconds() + 1).to_string();
    for (name, timestamps, signatures) in [
        ("no timestamp", vec![], vec![signature.clone()]),
        (
            "two timestamps",
            vec![timestamp.clone(), timestamp.clone()],
            vec![signature.clone()],
        ),
        (
            "two signatures",
            vec![timestamp.clone()],
            vec![signature.clone(), signature.clone()],
        ),
        ("another timestamp", vec![later], vec![signature.clone()]),
        (
            "a space",
            vec![format!(" {timestamp}x")],
            vec![signature.clone()],
        ),
        (
            "upper case",
            vec![timestamp.clone()],
            vec![format!("v0={}", digits.to_uppercase())],
        ),
        (
            "another version",
            vec![timestamp.clone()],
            vec![format!("v1={digits}")],
        ),
        (
            "no version",
            vec![timestamp.clone()],
            vec![digits.to_owned()],
        ),
        (
            "cut short",
            vec![timestamp.clone()],
            vec![signature[..signature.len() - 2].to_owned()],
        ),
        (
            "too long",
            vec![timestamp.clone()],
            vec![format!("{signature}00")],
        ),
        ("empty", vec![timestamp.clone()], vec!["v0=".to_owned()]),
    ] {
        let mut request =
            Request::post(ROUTES[0]).header("content-type", "application/x-www-form-urlencoded");
        for timestamp in timestamps {
            request = request.header("x-slack-request-timestamp", timestamp);
        }
        for signature in signatures {
            request = request.header("x-slack-signature", signature);
        }
        let answer = bot
            .send(request.body(Body::from(body.clone())).unwrap())
            .await;
        assert_eq!(
            (answer.status, answer.body.len()),
            (StatusCode::UNAUTHORIZED, 0),
            "{name}"
        );
    }
}

/// Signed, and still not what Slack would send.
#[tokio::test(flavor = "multi_thread")]
async fn signed_nonsense_is_refused_bare() {
    let bot = TestBot::new().await;
    let before = bot.trace().await;
    let (jo, reply) = (user_id(JO), bot.slack.reply_url(1));
    let command = command_body(&jo, "help", &reply);
    let click = |action: &str, value: &str| click_body(&jo, action, value, &reply, 1);
    let view = json!({ "callback_id": "unheard_of", "private_metadata": "x" });
    let deep = format!("{}{}", "[".repeat(8_000), "]".repeat(8_000));
    let foreign = command.replace(crate::support::TEAM, "T0000000X");
    let elsewhere = command_body(&jo, "help", "https://evil.example/reply/1");
    let with_login = command_body(&jo, "help", &reply.replace("http://", "http://user@"));
    for (route, body, status) in [
        (0, String::new(), 400),
        (0, "text=%ff%fe".to_owned(), 400),
        (0, format!("{command}&text=again"), 400),
        (0, format!("{command}&%74ext=again"), 400),
        (0, format!("{command}&x=%zz"), 400),
        (0, format!("{command}&x=%00"), 400),
        (0, command.replace(&jo, "%3C%40U1%3E"), 400),
        (0, foreign, 401),
        (0, elsewhere, 400),
        (0, with_login, 400),
        (1, command.clone(), 400),
        (1, "payload=".to_owned(), 400),
        (1, payload("{"), 400),
        (1, payload("[]"), 400),
        (1, payload("{}"), 400),
        (1, payload(&deep), 400),
        (1, payload("{\"type\":\"shortcut\"}"), 400),
        (1, payload("{\"type\":\"block_actions\"}"), 400),
        (1, click("unheard_of", "x"), 400),
        (1, click("", "x"), 400),
        (
            1,
            click("confirm", "x").replace("%22actions%22%3A%5B", "%22actions%22%3A%5B%7B%7D%2C"),
            400,
        ),
        (1, form_body(&jo, &view, "x", 1), 400),
    ] {
        let answer = bot.post(ROUTES[route], &body).await;
        let shown: String = body.chars().take(120).collect();
        assert_eq!(
            (answer.status.as_u16(), answer.body.len()),
            (status, 0),
            "{shown}"
        );
    }
    bot.settle().await;
    assert_eq!(bot.trace().await, before);
    assert!(bot.slack.said().is_empty());
}

/// The certificate check of Slack is the only request that is answered without a signature, and does nothing.
#[tokio::test(flavor = "multi_thread")]
async fn ssl_check_is_answered_and_does_nothing() {
    let bot = TestBot::new().await;
    let before = bot.trace().await;
    let ask = |body: &str| {
        let request =
            Request::post(ROUTES[0]).header("content-type", "application/x-www-form-urlencoded");
        bot.send(request.body(Body::from(body.to_owned())).unwrap())
    };
    assert_eq!(ask("ssl_check=1&token=x").await.status, StatusCode::OK);
    let command = command_body(&user_id(JO), "<@UMINAPARK>", &bot.slack.reply_url(1));
    assert_eq!(
        ask(&format!("ssl_check=1&{command}")).await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(bot.trace().await, before);
}

/// Long and odd texts of an administrator are answered as such.
#[tokio::test(flavor = "multi_thread")]
async fn odd_texts_get_an_answer() {
    let bot = TestBot::new().await;
    for text in [
        "x".repeat(3000),
        "<@".to_owned(),
        "<@>".to_owned(),
        "<@U1|".to_owned(),
        "<@|x>".to_owned(),
        "<!channel> <!here>".to_owned(),
        "<mailto:|>".to_owned(),
        "\u{202e}drowssap\u{0000}".replace('\0', ""),
        "why why why".to_owned(),
        "🔑 🔑".to_owned(),
        "'; drop table reset; --".to_owned(),
    ] {
        let Answer { status, body } = bot.command(JO, &text).await;
        let text = String::from_utf8(body).unwrap();
        assert_eq!(status, StatusCode::OK);
        assert!(
            text.contains("Nothing was changed.") && text.len() < 4000,
            "{text}"
        );
        assert!(
            !text.contains("<!channel>") || text.contains("plain_text"),
            "{text}"
        );
    }
}

/// Whatever is signed, and whatever is not: no 5xx, ever.
#[test]
fn any_bytes_get_less_than_500() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let bot = runtime.block_on(TestBot::new());
    let mutated = click_body(&user_id(JO), "confirm", "value", &bot.slack.reply_url(1), 1);
    let strategy = (
        prop::collection::vec(any::<u8>(), 0..300),
        any::<bool>(),
        0..2_usize,
        0..mutated.len(),
    );
    let config = ProptestConfig {
        cases: 200,
        ..ProptestConfig::default()
    };
    let ran = proptest::test_runner::TestRunner::new(config).run(
        &strategy,
        |(bytes, is_inside, route, at)| {
            // Either noise, or noise in the middle of what Slack would send.
            let body = if is_inside {
                let (head, tail) = mutated.as_bytes().split_at(at);
                [head, bytes.as_slice(), tail].concat()
            } else {
                bytes
            };
            let answer = runtime.block_on(bot.post_bytes(ROUTES[route], body));
            prop_assert!(answer.status.as_u16() < 500);
            Ok(())
        },
    );
    ran.unwrap();
}

/// S-platform: whoever is slow, Slack hears something within its three seconds, and the card follows.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_look_up_is_answered_in_time_and_followed_up() {
    one_try_of_three(async || {
        let bot = TestBot::new().await;
        bot.slack.delay_who(Duration::from_millis(3800));
        let begun = std::time::Instant::now();
        let answer = bot.first_answer(JO, "<@UMINAPARK>").await;
        let took = begun.elapsed();
        bot.settle().await;
        let followed = bot.slack.last_text();
        if took < Duration::from_secs(3)
            && answer.text().contains("Working")
            && followed.contains("Reset Mina Park's password?")
        {
            Ok(())
        } else {
            Err(format!("{} after {took:?}, then {followed}", answer.text()))
        }
    })
    .await;
}
