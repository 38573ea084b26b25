//! Slack's signature, command texts and API answers, with the published vector and hostile requests.

use axum::http::HeaderValue;
use proptest::prelude::*;
use wiremock::matchers::{body_string, header as has_header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::request::read_words;
use super::*;
use crate::chat::interaction::Word;
use crate::chat::{AccountKind, Ask, Command, NamedMember};
use crate::domain::delivery::Refusal;
use crate::domain::{Role, Span};
use crate::net;

/// The vector of "Verifying requests from Slack".
const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
const AT: i64 = 1_531_420_618;
const BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
const SIGNATURE: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";

fn config(api: &str) -> Config {
    Config {
        signing_secret: SECRET.to_owned().into(),
        previous_signing_secret: None,
        bot_token: "xoxb-canary-token-of-the-bot".to_owned().into(),
        team_id: "T1DC2JH3J".to_owned(),
        enterprise_id: None,
        app_id: None,
        api_url: api.parse().unwrap(),
        response_origins: vec![
            "https://hooks.slack.com".parse().unwrap(),
            api.parse().unwrap(),
        ],
    }
}

fn slack_at(api: &str) -> Slack {
    let clock = Clock::fixed(Moment(AT * 1000));
    Slack::new(
        config(api),
        net::client(Duration::from_millis(500)).unwrap(),
        clock,
    )
    .unwrap()
}

fn slack() -> Slack {
    slack_at("http://127.0.0.1:1/api/")
}

fn headers(timestamp: &str, signature: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(
        "content-type",
        HeaderValue::from_static("application/x-www-form-urlencoded"),
    );
    headers.insert("x-slack-request-timestamp", timestamp.parse().unwrap());
    headers.insert("x-slack-signature", signature.parse().unwrap());
    headers
}

fn receive(slack: &Slack, headers: &HeaderMap, body: &str) -> Result<Interaction, NotVerified> {
    let now = Moment(AT * 1000);
    slack
        .read_request(COMMANDS_ROUTE, headers, body.as_bytes(), now)
        .map(Verified::into_inner)
}

fn receive_signed(slack: &Slack, route: &str, body: &str) -> Result<Interaction, NotVerified> {
    let now = Moment(AT * 1000);
    let [(_, timestamp), (_, signature)] = slack.sign(body.as_bytes(), now);
    slack
        .read_request(
            route,
            &headers(&timestamp, &signature),
            body.as_bytes(),
            now,
        )
        .map(Verified::into_inner)
}

#[test]
fn the_published_vector_is_accepted() {
    let read = receive(&slack(), &headers(&AT.to_string(), SIGNATURE), BODY);
    assert!(
        matches!(
            read,
            Ok(Interaction::Command(Command { ask: Ask::Help, .. }))
        ),
        "{read:?}"
    );
}

/// Every bit of the signature, the body and the timestamp counts.
#[test]
fn one_changed_bit_is_refused() {
    let slack = slack();
    for at in 0..SIGNATURE.len() {
        for bit in 0..7 {
            let mut forged = SIGNATURE.as_bytes().to_vec();
            forged[at] ^= 1 << bit;
            if let Ok(value) = HeaderValue::from_bytes(&forged) {
                let mut sent = headers(&AT.to_string(), SIGNATURE);
                sent.insert("x-slack-signature", value);
                assert!(
                    matches!(
                        receive(&slack, &sent, BODY),
                        Err(NotVerified::Unsigned(_) | NotVerified::Stale { .. })
                    ),
                    "{at} {bit}"
                );
            }
        }
    }
    for at in (0..BODY.len()).step_by(7) {
        let mut forged = BODY.as_bytes().to_vec();
        forged[at] ^= 1;
        let forged = String::from_utf8(forged).unwrap();
        assert!(
            receive(&slack, &headers(&AT.to_string(), SIGNATURE), &forged).is_err(),
            "{at}"
        );
    }
    assert!(receive(&slack, &headers("1531420619", SIGNATURE), BODY).is_err());
}

/// Signatures that are not exactly one `v0=` and 64 lower-case digits.
#[test]
fn other_forms_of_a_signature_are_refused() {
    let slack = slack();
    let digits = SIGNATURE.strip_prefix("v0=").unwrap();
    let mut wrong: Vec<String> = (0..64)
        .map(|length| format!("v0={}", &digits[..length]))
        .collect();
    wrong.extend([
        digits.to_owned(),
        format!("v1={digits}"),
        format!("v0={}", digits.to_uppercase()),
        format!("v0={digits}00"),
        format!(" v0={digits}"),
        format!("v0={digits},v0={digits}"),
    ]);
    for signature in wrong {
        assert!(
            receive(&slack, &headers(&AT.to_string(), &signature), BODY).is_err(),
            "{signature}"
        );
    }
    for name in ["x-slack-signature", "x-slack-request-timestamp"] {
        for second in [SIGNATURE, "1531420618", ""] {
            let mut twice = headers(&AT.to_string(), SIGNATURE);
            twice.append(name, second.parse().unwrap());
            assert_eq!(
                receive(&slack, &twice, BODY).unwrap_err(),
                NotVerified::Unsigned("twice")
            );
        }
        let mut none = headers(&AT.to_string(), SIGNATURE);
        none.remove(name);
        assert_eq!(
            receive(&slack, &none, BODY).unwrap_err(),
            NotVerified::Unsigned("missing")
        );
    }
}

/// During a rotation both secrets are accepted, and the same bytes stay the same request.
#[test]
fn both_secrets_work_during_a_rotation() {
    let new = "0123456789abcdef0123456789abcdef";
    let rotating = Config {
        signing_secret: new.to_owned().into(),
        previous_signing_secret: Some(SECRET.to_owned().into()),
        ..config("http://127.0.0.1:1/api/")
    };
    let slack = Slack::new(
        rotating,
        net::client(Duration::from_secs(1)).unwrap(),
        Clock::System,
    )
    .unwrap();
    let old = receive(&slack, &headers(&AT.to_string(), SIGNATURE), BODY).unwrap();
    let new = receive_signed(&slack, COMMANDS_ROUTE, BODY).unwrap();
    let (Interaction::Command(old), Interaction::Command(new)) = (old, new) else {
        panic!()
    };
    assert_eq!(old.origin.replay, new.origin.replay);
}

#[test]
fn other_content_types_and_encodings_are_refused() {
    for other in [
        "application/json",
        "text/plain",
        "multipart/form-data; boundary=x",
        "",
    ] {
        let mut sent = headers(&AT.to_string(), SIGNATURE);
        sent.insert("content-type", other.parse().unwrap());
        assert_eq!(
            receive(&slack(), &sent, BODY).unwrap_err(),
            NotVerified::ContentType,
            "{other}"
        );
    }
    let mut zipped = headers(&AT.to_string(), SIGNATURE);
    zipped.insert("content-encoding", HeaderValue::from_static("gzip"));
    assert_eq!(
        receive(&slack(), &zipped, BODY).unwrap_err(),
        NotVerified::ContentType
    );
}

/// Nothing else gets in as the unsigned certificate check.
#[test]
fn ssl_check_is_answered_only_when_it_is_the_whole_request() {
    let mut unsigned = HeaderMap::new();
    unsigned.insert(
        "content-type",
        HeaderValue::from_static("application/x-www-form-urlencoded"),
    );
    let slack = slack();
    assert!(matches!(
        receive(&slack, &unsigned, "ssl_check=1"),
        Ok(Interaction::Ping)
    ));
    assert!(matches!(
        receive(&slack, &unsigned, "ssl_check=1&token=x"),
        Ok(Interaction::Ping)
    ));
    for body in [
        format!("ssl_check=1&{BODY}"),
        format!("{BODY}&ssl_check=1"),
        "ssl_check=0".into(),
        "ssl_check=true".into(),
    ] {
        assert!(
            matches!(
                receive(&slack, &unsigned, &body),
                Err(NotVerified::Unsigned(_) | NotVerified::Stale { .. })
            ),
            "{body}"
        );
    }
}

/// Another workspace, organization or app is refused, though the signature is correct.
#[test]
fn other_tenants_are_refused() {
    let pinned = Config {
        enterprise_id: Some("E1".into()),
        app_id: Some("A1".into()),
        ..config("http://127.0.0.1:1/api/")
    };
    let slack = Slack::new(
        pinned,
        net::client(Duration::from_secs(1)).unwrap(),
        Clock::System,
    )
    .unwrap();
    let body = |team: &str, enterprise: &str, app: &str| {
        format!("team_id={team}&enterprise_id={enterprise}&api_app_id={app}&user_id=U1&text=")
    };
    assert!(receive_signed(&slack, COMMANDS_ROUTE, &body("T1DC2JH3J", "E1", "A1")).is_ok());
    for (team, enterprise, app) in [
        ("T2", "E1", "A1"),
        ("T1DC2JH3J", "E2", "A1"),
        ("T1DC2JH3J", "E1", "A2"),
        ("T1DC2JH3J", "", ""),
    ] {
        let refused =
            receive_signed(&slack, COMMANDS_ROUTE, &body(team, enterprise, app)).unwrap_err();
        assert!(
            matches!(refused, NotVerified::Unsigned(_)),
            "{team} {enterprise} {app}"
        );
    }
}

#[test]
fn response_addresses_outside_the_list_are_refused() {
    for url in [
        "https://evil.example/x",
        "https://hooks.slack.com@evil.example/",
        "https://hooks.slack.com.evil.example/",
        "http://hooks.slack.com/",
        "https://user:pass@hooks.slack.com/",
        "https://hooks.slack.com:444/",
        "http://169.254.169.254/latest",
        "not a url",
    ] {
        let body = format!(
            "team_id=T1DC2JH3J&user_id=U1&text=&response_url={}",
            percent_encoding::utf8_percent_encode(url, percent_encoding::NON_ALPHANUMERIC)
        );
        let refused = receive_signed(&slack(), COMMANDS_ROUTE, &body).unwrap_err();
        assert!(matches!(refused, NotVerified::Malformed(_)), "{url}");
    }
}

/// S14: mentions and work e-mails name a member; bare ids and names do not.
#[test]
fn words_of_a_command() {
    let mention = |id: &str| Word::Member(NamedMember::Mention(id.to_owned()));
    let text = |text: &str| Word::Text(text.to_owned());
    let email = || {
        Word::Member(NamedMember::Email(
            "mina.park@acme.example".parse().unwrap(),
        ))
    };
    assert_eq!(read_words("<@U024BE7LH|bob>"), [mention("U024BE7LH")]);
    assert_eq!(
        read_words(" <@W1>  lost his phone"),
        [mention("W1"), text("lost"), text("his"), text("phone")]
    );
    assert_eq!(
        read_words("<@U1|Mina Park>,<@U2>"),
        [mention("U1"), text(","), mention("U2")]
    );
    assert_eq!(
        read_words("<mailto:mina.park@acme.example|mina.park@acme.example>"),
        [email()]
    );
    assert_eq!(read_words("mina.park@acme.example"), [email()]);
    assert_eq!(
        read_words("U024BE7LH @bob bob"),
        [text("U024BE7LH"), text("@bob"), text("bob")]
    );
    assert_eq!(read_words("&lt;@U1&gt;"), [text("<@U1>")]);
    assert_eq!(
        read_words("<!channel> <#C1|general> <@U1"),
        [
            Word::Group("@channel".to_owned()),
            text("<#C1|general>"),
            text("<@U1")
        ]
    );
    for plain in ["<!date^1|now>", "<!subteam>", "<!>", "@heres"] {
        assert_eq!(read_words(plain), [text(plain)]);
    }
    // A label is anybody's text, and stays one name.
    assert_eq!(
        read_words("<!subteam^S1|@a &lt;!here&gt; b> <!subteam^S1|@>"),
        [
            Word::Group("@a <!here> b".to_owned()),
            Word::Group("a user group".to_owned())
        ]
    );
}

proptest! {
    #[test]
    fn any_text_is_cut_into_words_that_end(text in "\\PC{0,80}") {
        let words = read_words(&text);
        prop_assert!(words.len() <= text.chars().count());
    }

    /// A signed payload is read or refused, whatever it contains. It never panics.
    #[test]
    fn any_signed_payload_is_read_or_refused(payload in "\\PC{0,120}") {
        let body = format!("payload={}", percent_encoding::utf8_percent_encode(&payload, percent_encoding::NON_ALPHANUMERIC));
        prop_assert!(receive_signed(&slack(), INTERACTIONS_ROUTE, &body).is_err());
    }
}

fn account(changes: &serde_json::Value) -> serde_json::Value {
    let mut user = json!({ "id": "U1", "team_id": "T1DC2JH3J", "is_email_confirmed": true, "profile": { "email": "jo@acme.example" } });
    for (key, value) in changes.as_object().unwrap() {
        user[key] = value.clone();
    }
    json!({ "ok": true, "user": user })
}

async fn who(answer: ResponseTemplate) -> Result<Profile, ApiError> {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/api/users.info"))
        .and(has_header(
            "authorization",
            "Bearer xoxb-canary-token-of-the-bot",
        ))
        .and(body_string("user=U1"))
        .respond_with(answer)
        .expect(1)
        .mount(&server)
        .await;
    let slack = slack_at(&format!("{}/api/", server.uri()));
    slack
        .profile(&slack.user("U1").unwrap(), Freshness::Now)
        .await
}

/// The kind of account, the confirmed e-mail and the role.
#[tokio::test]
async fn accounts_are_judged_by_their_flags() {
    for (changes, standing, has_email) in [
        (json!({}), AccountKind::Member, true),
        (
            json!({ "is_email_confirmed": false }),
            AccountKind::Member,
            false,
        ),
        (json!({ "profile": {} }), AccountKind::Member, false),
        (json!({ "is_restricted": true }), AccountKind::Guest, true),
        (
            json!({ "is_ultra_restricted": true }),
            AccountKind::Guest,
            true,
        ),
        (json!({ "is_bot": true }), AccountKind::Bot, true),
        (json!({ "deleted": true }), AccountKind::Deleted, true),
        (json!({ "is_stranger": true }), AccountKind::Stranger, true),
        (json!({ "team_id": "T9" }), AccountKind::Stranger, true),
        (json!({ "team_id": null }), AccountKind::Stranger, true),
    ] {
        let profile = who(ResponseTemplate::new(200).set_body_json(account(&changes)))
            .await
            .unwrap();
        assert_eq!(
            (profile.kind, profile.confirmed_email.is_some()),
            (standing, has_email),
            "{changes}"
        );
    }
    for (changes, role) in [
        (json!({}), Role::Member),
        (json!({ "is_admin": true }), Role::MemberAndDepartment),
        (
            json!({ "is_admin": true, "is_owner": true }),
            Role::PrimaryAdmin,
        ),
        (
            json!({ "enterprise_user": { "is_owner": true } }),
            Role::PrimaryAdmin,
        ),
    ] {
        assert_eq!(
            who(ResponseTemplate::new(200).set_body_json(account(&changes)))
                .await
                .unwrap()
                .role,
            role,
            "{changes}"
        );
    }
}

#[tokio::test]
async fn refusals_of_slack_have_names() {
    let error = |body: serde_json::Value| who(ResponseTemplate::new(200).set_body_json(body));
    assert_eq!(
        error(json!({ "ok": false, "error": "user_not_found" }))
            .await
            .unwrap_err(),
        ApiError::NotFound
    );
    assert_eq!(
        error(json!({ "ok": false, "error": "missing_scope", "needed": "users:read.email" }))
            .await
            .unwrap_err(),
        ApiError::MissingScope("users:read.email".to_owned())
    );
    // What says of a message that it goes to nobody says nothing of an account.
    for word in [
        "channel_not_found",
        "not_in_channel",
        "is_archived",
        "messages_tab_disabled",
        "restricted_action",
        "no_permission",
        "ekm_access_denied",
    ] {
        assert_eq!(
            error(json!({ "ok": false, "error": word }))
                .await
                .unwrap_err(),
            ApiError::Unavailable,
            "{word}"
        );
    }
    assert_eq!(
        error(json!({ "ok": false, "error": "token_revoked" }))
            .await
            .unwrap_err(),
        ApiError::Refused("token_revoked".to_owned())
    );
    assert_eq!(
        who(ResponseTemplate::new(429).insert_header("retry-after", "7"))
            .await
            .unwrap_err(),
        ApiError::RateLimited(Span::seconds(7))
    );
    assert_eq!(
        who(ResponseTemplate::new(500)).await.unwrap_err(),
        ApiError::Unavailable
    );
    assert_eq!(
        who(ResponseTemplate::new(200).set_body_string("{\"ok\":"))
            .await
            .unwrap_err(),
        ApiError::Unavailable
    );
    let slow = ResponseTemplate::new(200).set_delay(Duration::from_secs(30));
    // The deadline of `users.info` is 5 s. The test waits for the real time-out.
    assert_eq!(who(slow).await.unwrap_err(), ApiError::Unavailable);
    assert_eq!(
        error(account(&json!({ "id": "U2" }))).await.unwrap_err(),
        ApiError::Unavailable,
        "an answer about somebody else is no answer"
    );
}

#[tokio::test]
async fn follow_ups_end_with_a_name() {
    for (status, outcome) in [
        (200, Outcome::Accepted),
        (302, Outcome::Refused(Refusal::Message)),
        (404, Outcome::Refused(Refusal::Message)),
        (429, Outcome::Refused(Refusal::Later)),
        (500, Outcome::Unknown),
    ] {
        let server = MockServer::start().await;
        Mock::given(method("POST"))
            .respond_with(ResponseTemplate::new(status))
            .expect(1)
            .mount(&server)
            .await;
        let slack = slack_at(&format!("{}/api/", server.uri()));
        let to = slack
            .reply_address(&format!("{}/reply", server.uri()), Moment(AT * 1000))
            .unwrap();
        assert_eq!(
            slack
                .follow_up(&to, &Message::default(), Placement::Replace)
                .await,
            outcome,
            "{status}"
        );
        assert_eq!(slack.uses_left(&to), REPLY_USES - 1, "{status}");
    }
    let slack = slack();
    let dead = slack
        .reply_address("http://127.0.0.1:1/reply", Moment(AT * 1000))
        .unwrap();
    let unreachable = Outcome::Refused(Refusal::Unreachable);
    assert_eq!(
        slack
            .follow_up(&dead, &Message::default(), Placement::Add)
            .await,
        unreachable
    );
    assert_eq!(slack.uses_left(&dead), REPLY_USES, "it was not sent");
    let old = ReplyAddress::new("http://127.0.0.1:1/reply".to_owned(), Moment(0));
    assert_eq!(
        slack
            .follow_up(&old, &Message::default(), Placement::Add)
            .await,
        unreachable
    );
}
