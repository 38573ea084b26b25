//! SMS through HTTP gateways: a generic webhook, Twilio and Kannel. One request each, never sent again by itself.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use crate::domain::PhoneNumber;
use crate::domain::delivery::{Outcome, Refusal};
use crate::net::{self, Answer, CallError};

/// How long a gateway may take (section 4 of the design).
const DEADLINE: Duration = Duration::from_secs(15);

/// What relatch must know of a gateway.
pub enum Config {
    /// POST JSON `{"id","to","text"}` with a bearer token.
    Webhook {
        /// Where to.
        url: Url,
        /// The bearer token.
        token: SecretString,
    },
    /// Twilio's Messages resource.
    Twilio {
        /// `AC…`.
        account_sid: String,
        /// The account's token.
        auth_token: SecretString,
        /// Our number or sender name.
        from: String,
        /// The API; another one only in tests.
        api_url: Url,
    },
    /// Kannel's `sendsms`.
    Kannel {
        /// The whole address, such as `http://127.0.0.1:13013/cgi-bin/sendsms`.
        url: Url,
        /// The sendsms user.
        username: String,
        /// Its password.
        password: SecretString,
    },
}

/// One gateway.
pub struct Gateway {
    config: Config,
    http: reqwest::Client,
    deadline: Duration,
}

impl Gateway {
    /// The adapter for one gateway.
    pub fn new(config: Config, http: reqwest::Client) -> Self {
        Self {
            config,
            http,
            deadline: DEADLINE,
        }
    }

    /// Submits one SMS.
    pub(super) async fn send(&self, to: &PhoneNumber, text: &str, id: &str) -> Outcome {
        let outcome = match net::call(self.request(to, text, id).timeout(self.deadline)).await {
            Ok(answer) => self.judge(&answer),
            Err(CallError::NotSent(_)) => Outcome::Refused(Refusal::Unreachable),
            Err(CallError::NoAnswer(_) | CallError::TooLong | CallError::Malformed) => {
                Outcome::Unknown
            }
        };
        if outcome != Outcome::Accepted {
            tracing::warn!(to = %to.masked(), ?outcome, "the SMS gateway did not accept a message");
        }
        outcome
    }

    fn request(&self, to: &PhoneNumber, text: &str, id: &str) -> reqwest::RequestBuilder {
        match &self.config {
            Config::Webhook { url, token } => self
                .http
                .post(url.clone())
                .bearer_auth(token.expose_secret())
                .json(&json!({ "id": id, "to": to.as_str(), "text": text })),
            Config::Twilio {
                account_sid,
                auth_token,
                from,
                api_url,
            } => {
                let mut url = api_url.clone();
                url.set_path(&format!("/2010-04-01/Accounts/{account_sid}/Messages.json"));
                self.http
                    .post(url)
                    .basic_auth(account_sid, Some(auth_token.expose_secret()))
                    .form(&[("To", to.as_str()), ("From", from.as_str()), ("Body", text)])
            }
            Config::Kannel {
                url,
                username,
                password,
            } => {
                let mut url = url.clone();
                url.query_pairs_mut()
                    .append_pair("username", username)
                    .append_pair("password", password.expose_secret())
                    .append_pair("to", to.as_str())
                    .append_pair("text", text);
                if !text.is_ascii() {
                    url.query_pairs_mut()
                        .append_pair("coding", "2")
                        .append_pair("charset", "UTF-8");
                }
                self.http.get(url)
            }
        }
    }

    fn judge(&self, answer: &Answer) -> Outcome {
        match &self.config {
            Config::Webhook { .. } => by_status(answer.status),
            Config::Twilio { .. } => match by_status(answer.status) {
                Outcome::Refused(Refusal::Address) => {
                    Outcome::Refused(twilio_refusal(&answer.body))
                }
                outcome @ (Outcome::Accepted | Outcome::Refused(_) | Outcome::Unknown) => outcome,
            },
            // "3: Queued for later" is taken too: it leaves as soon as the operator's line is back.
            Config::Kannel { .. } if answer.status == 202 => match answer.body.first() {
                Some(b'0' | b'3') => Outcome::Accepted,
                _ => Outcome::Unknown,
            },
            Config::Kannel { .. } if answer.status == 503 => Outcome::Refused(Refusal::Later),
            Config::Kannel { .. } => match by_status(answer.status) {
                // Another 2xx is none of Kannel's answers.
                Outcome::Accepted | Outcome::Unknown => Outcome::Unknown,
                outcome @ Outcome::Refused(_) => outcome,
            },
        }
    }

    /// For `relatch check`: is anybody there? A request that sends nothing.
    pub(super) async fn probe(&self) -> Result<(), String> {
        let url = match &self.config {
            Config::Webhook { url, .. } | Config::Kannel { url, .. } => url,
            Config::Twilio { api_url, .. } => api_url,
        };
        let host = url
            .host_str()
            .unwrap_or_default()
            .trim_matches(['[', ']'])
            .to_owned();
        let port = url.port_or_known_default().unwrap_or(443);
        let connect = tokio::net::TcpStream::connect((host, port));
        match tokio::time::timeout(net::CONNECT_DEADLINE, connect).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err("the SMS gateway does not answer".to_owned()),
        }
    }
}

/// 2xx accepted; 401 and 403 about us; 429 to wait; other 4xx about the number. A redirect, a conflict ("this id was
/// sent before"), a time-out and everything else say nothing of what became of the message.
fn by_status(status: u16) -> Outcome {
    match status {
        200..=299 => Outcome::Accepted,
        401 | 403 => Outcome::Refused(Refusal::Credentials),
        429 => Outcome::Refused(Refusal::Later),
        300..=399 | 408 | 409 | 425 => Outcome::Unknown,
        400..=499 => Outcome::Refused(Refusal::Address),
        _ => Outcome::Unknown,
    }
}

/// Twilio's error codes ("Error and Warning Dictionary").
fn twilio_refusal(body: &[u8]) -> Refusal {
    #[derive(Deserialize)]
    struct Error {
        code: u32,
    }
    match serde_json::from_slice::<Error>(body).map(|error| error.code) {
        Ok(20003 | 21606) => Refusal::Credentials,
        Ok(20429) => Refusal::Later,
        _ => Refusal::Address,
    }
}

#[cfg(test)]
mod tests {
    use wiremock::matchers::{any, body_json, body_string_contains, header, method, query_param};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;

    const KINDS: [&str; 3] = ["webhook", "twilio", "kannel"];

    fn gateway(kind: &str, base: &str) -> Gateway {
        let url: Url = base.parse().unwrap();
        let config = match kind {
            "webhook" => Config::Webhook {
                url,
                token: "canary-token-of-sms".to_owned().into(),
            },
            "twilio" => Config::Twilio {
                account_sid: "AC1".to_owned(),
                auth_token: "canary-token-of-sms".to_owned().into(),
                from: "+16502530001".to_owned(),
                api_url: url,
            },
            _ => Config::Kannel {
                url,
                username: "bot".to_owned(),
                password: "canary-token-of-sms".to_owned().into(),
            },
        };
        Gateway {
            deadline: Duration::from_millis(300),
            ..Gateway::new(config, net::client(Duration::from_secs(5)).unwrap())
        }
    }

    async fn send(kind: &str, answer: ResponseTemplate) -> Outcome {
        let server = MockServer::start().await;
        Mock::given(any())
            .respond_with(answer)
            .expect(1)
            .mount(&server)
            .await;
        gateway(kind, &server.uri())
            .send(&"+821012345642".parse().unwrap(), "k7Rm4Tqx", "id-1")
            .await
    }

    fn accepted(kind: &str) -> ResponseTemplate {
        match kind {
            "webhook" => ResponseTemplate::new(204),
            "twilio" => ResponseTemplate::new(201)
                .set_body_json(json!({ "sid": "SM1", "status": "queued" })),
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
            for (status, outcome) in [
                (400, Outcome::Refused(Refusal::Address)),
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
            let dead = gateway(kind, "http://127.0.0.1:1/")
                .send(&"+821012345642".parse().unwrap(), "x", "1")
                .await;
            assert_eq!(
                dead,
                Outcome::Refused(Refusal::Unreachable),
                "{kind} is dead"
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
        let sent = gateway("webhook", &server.uri())
            .send(&"+821012345642".parse().unwrap(), "k7Rm4Tqx", "id-1")
            .await;
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
            let sent = gateway(kind, &server.uri())
                .send(&"+821012345642".parse().unwrap(), "x", "1")
                .await;
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
        assert_eq!(twilio(21211).await, Outcome::Refused(Refusal::Address));
        assert_eq!(twilio(21606).await, Outcome::Refused(Refusal::Credentials));
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
    }
}
