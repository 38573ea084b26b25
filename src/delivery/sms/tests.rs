//! The gateways against mock servers: one list of behaviours, every gateway.

use url::Url;
use wiremock::matchers::{any, body_json, body_string_contains, header, method, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use serde_json::json;

use super::kannel::Kannel;
use super::twilio::Twilio;
use super::webhook::Webhook;
use super::*;

const KINDS: [&str; 3] = ["webhook", "twilio", "kannel"];

fn gateway(kind: &str, base: &str) -> Sender {
    let url: Url = base.parse().unwrap();
    let secret = "canary-token-of-sms".to_owned().into();
    let gateway = match kind {
        "webhook" => SmsGateway::Webhook(Webhook { url, token: secret }),
        "twilio" => SmsGateway::Twilio(Twilio {
            account_sid: "AC1".to_owned(),
            auth_token: secret,
            from: "+16502530001".to_owned(),
            api_url: url,
        }),
        _ => SmsGateway::Kannel(Kannel {
            url,
            username: "bot".to_owned(),
            password: secret,
        }),
    };
    Sender {
        gateway,
        http: net::client(Duration::from_secs(5)).unwrap(),
        deadline: Duration::from_millis(300),
    }
}

async fn submit(sender: &Sender, text: &str, id: &str) -> Outcome {
    let to = "+821012345642".parse().unwrap();
    let ready = sender.prepare(&to).await.unwrap();
    ready
        .send(OutgoingText {
            subject: "",
            body: text,
            id,
        })
        .await
}

async fn send(kind: &str, answer: ResponseTemplate) -> Outcome {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(answer)
        .expect(1)
        .mount(&server)
        .await;
    submit(&gateway(kind, &server.uri()), "k7Rm4Tqx", "id-1").await
}

fn accepted(kind: &str) -> ResponseTemplate {
    match kind {
        "webhook" => ResponseTemplate::new(204),
        "twilio" => {
            ResponseTemplate::new(201).set_body_json(json!({ "sid": "SM1", "status": "queued" }))
        }
        _ => ResponseTemplate::new(202).set_body_string("0: Accepted for delivery"),
    }
}

/// One list of behaviours, every gateway, one request each.
#[tokio::test]
async fn every_gateway_names_every_end() {
    for kind in KINDS {
        assert_eq!(
            send(kind, accepted(kind)).await,
            Outcome::Accepted,
            "{kind}"
        );
        // Twilio and Kannel say so where it is about the number.
        let bad_request = if kind == "webhook" {
            Refusal::Address
        } else {
            Refusal::SetUp
        };
        for (status, outcome) in [
            (400, Outcome::Refused(bad_request)),
            (404, Outcome::Refused(Refusal::SetUp)),
            (401, Outcome::Refused(Refusal::Credentials)),
            (403, Outcome::Refused(Refusal::Credentials)),
            (429, Outcome::Refused(Refusal::Later)),
            (500, Outcome::Unknown),
        ] {
            assert_eq!(
                send(kind, ResponseTemplate::new(status)).await,
                outcome,
                "{kind} {status}"
            );
        }
        let late = accepted(kind).set_delay(Duration::from_secs(5));
        assert_eq!(send(kind, late).await, Outcome::Unknown, "{kind} hangs");
        let dead = submit(&gateway(kind, "http://127.0.0.1:1/"), "x", "1").await;
        assert_eq!(
            dead,
            Outcome::Refused(Refusal::Unreachable),
            "{kind} is dead"
        );
        let server = MockServer::start().await;
        let plain = gateway(kind, &server.uri().replace("http://", "https://"));
        let no_tls = submit(&plain, "x", "1").await;
        assert_eq!(
            no_tls,
            Outcome::Refused(Refusal::Tls),
            "{kind} has no TLS at this port"
        );
    }
}

#[tokio::test]
async fn the_webhook_gets_the_agreed_request() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(header("authorization", "Bearer canary-token-of-sms"))
        .and(body_json(
            json!({ "id": "id-1", "to": "+821012345642", "text": "k7Rm4Tqx" }),
        ))
        .respond_with(ResponseTemplate::new(200))
        .expect(1)
        .mount(&server)
        .await;
    let sent = submit(&gateway("webhook", &server.uri()), "k7Rm4Tqx", "id-1").await;
    assert_eq!(sent, Outcome::Accepted);
}

/// The plus sign of a number survives forms and queries.
#[tokio::test]
async fn numbers_arrive_whole() {
    for (kind, matcher) in [("twilio", "To=%2B821012345642"), ("kannel", "")] {
        let server = MockServer::start().await;
        let mock = if matcher.is_empty() {
            Mock::given(query_param("to", "+821012345642"))
        } else {
            Mock::given(body_string_contains(matcher))
        };
        mock.respond_with(accepted(kind))
            .expect(1)
            .mount(&server)
            .await;
        let sent = submit(&gateway(kind, &server.uri()), "x", "1").await;
        assert_eq!(sent, Outcome::Accepted, "{kind}");
    }
}

#[tokio::test]
async fn codes_of_twilio_and_kannel_are_read() {
    let twilio = |code: u32| {
        send(
            "twilio",
            ResponseTemplate::new(400).set_body_json(json!({ "code": code })),
        )
    };
    for (code, why) in [
        (21211, Refusal::Address),
        (21614, Refusal::Address),
        (21610, Refusal::OptedOut),
        (20003, Refusal::Credentials),
        (21408, Refusal::SetUp),
        (21606, Refusal::SetUp),
        (21608, Refusal::SetUp),
        (20429, Refusal::Later),
    ] {
        assert_eq!(twilio(code).await, Outcome::Refused(why), "{code}");
    }
    for (status, code, outcome) in [
        ("queued", None, Outcome::Accepted),
        ("failed", None, Outcome::Refused(Refusal::Message)),
        ("failed", Some(30006), Outcome::Refused(Refusal::Address)),
        (
            "undelivered",
            Some(21610),
            Outcome::Refused(Refusal::OptedOut),
        ),
    ] {
        let body = json!({ "sid": "SM1", "status": status, "error_code": code });
        let answer = ResponseTemplate::new(201).set_body_json(body);
        assert_eq!(send("twilio", answer).await, outcome, "{status} {code:?}");
    }
    let odd = ResponseTemplate::new(201).set_body_string("no JSON");
    assert_eq!(send("twilio", odd).await, Outcome::Unknown);
    let kannel = |status, body: &str| {
        send(
            "kannel",
            ResponseTemplate::new(status).set_body_string(body),
        )
    };
    assert_eq!(
        kannel(202, "3: Queued for later delivery").await,
        Outcome::Accepted
    );
    assert_eq!(kannel(202, "no such answer").await, Outcome::Unknown);
    assert_eq!(kannel(200, "hello").await, Outcome::Unknown);
    assert_eq!(kannel(503, "busy").await, Outcome::Refused(Refusal::Later));
    let denied = "Number(s) has/have been denied by white- and/or black-lists.";
    assert_eq!(
        kannel(400, denied).await,
        Outcome::Refused(Refusal::Address)
    );
    assert_eq!(
        kannel(400, "Sender missing and no global set, rejected").await,
        Outcome::Refused(Refusal::SetUp)
    );
}
