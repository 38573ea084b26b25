//! Requests as the platforms post them, and their answers.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::talk::without_news;
use super::{TestBot, discord, lark, mattermost, sent, slack};

/// An answer of the router.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// What a form is refused with: at its input, or as a message where the platform has no place there.
    pub(crate) fn refusal_of_form(&self) -> String {
        let answer = self.json();
        let errors = &answer["errors"];
        match errors["destination"]
            .as_str()
            .or_else(|| errors["contact"].as_str())
        {
            Some(text) if answer["response_action"] == "errors" => text.to_owned(),
            _ => slack::text_of(&answer),
        }
    }

    pub(crate) fn text(&self) -> String {
        slack::text_of(&self.json())
    }
}

impl TestBot {
    /// Signs and posts an interaction as Discord would, now.
    pub(crate) async fn post_to_discord(&self, body: String) -> Answer {
        discord::note_request(&self.slack.memory, self.clock.now(), body.as_bytes());
        let timestamp = self.clock.now().unix_seconds().to_string();
        let request = Request::post(discord::ROUTE)
            .header("content-type", "application/json")
            .header(
                "x-signature-ed25519",
                discord::sign(&timestamp, body.as_bytes()),
            )
            .header("x-signature-timestamp", timestamp)
            .body(Body::from(body))
            .unwrap();
        let answer = self.send(request).await;
        Answer {
            body: discord::read_answer(&self.slack.memory, &answer.body),
            ..answer
        }
    }

    /// Encrypts, signs and posts an event as Lark would, now. What is said comes by a call of its own, so it is waited for.
    pub(crate) async fn post_to_lark(&self, event: &str) -> Answer {
        let before = self.slack.said().len();
        let answer = self.send_to_lark(event).await;
        self.settle().await;
        let said = self.slack.said();
        if answer.body.is_empty() && said.len() > before {
            return Answer {
                body: without_news(&said[before..]),
                ..answer
            };
        }
        answer
    }

    /// The same without waiting.
    pub(crate) async fn send_to_lark(&self, event: &str) -> Answer {
        let body = lark::seal(event);
        let timestamp = self.clock.now().unix_seconds().to_string();
        let mut request =
            Request::post(lark::ROUTE).header("content-type", "application/json; charset=utf-8");
        for (name, value) in lark::sign(&timestamp, &format!("n{}", self.next()), &body) {
            request = request.header(name, value);
        }
        let answer = self.send(request.body(Body::from(body)).unwrap()).await;
        let sent: serde_json::Value = serde_json::from_str(event).unwrap();
        if let Some(token) = sent["event"]["token"].as_str() {
            self.slack.memory.note_answered(token.to_owned());
        }
        Answer {
            body: lark::read_answer(&self.slack.memory, &answer.body),
            ..answer
        }
    }

    /// Posts as Mattermost would.
    pub(crate) async fn post_to_mattermost(&self, route: &str, body: String) -> Answer {
        mattermost::note_request(&self.slack.memory, route, body.as_bytes());
        let mut request = Request::post(route);
        for (name, value) in mattermost::headers(route) {
            request = request.header(name, value);
        }
        let answer = self.send(request.body(Body::from(body)).unwrap()).await;
        mattermost::read_answer(&self.slack.memory, route, answer)
    }

    /// Signs and posts a body as Slack would, now.
    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        self.post_bytes(path, body.as_bytes().to_vec()).await
    }

    /// The headers with which Slack would send a body now.
    pub(crate) fn sign(&self, body: &str) -> [(&'static str, String); 2] {
        self.signer.sign(body.as_bytes(), self.clock.now())
    }

    /// The same for bytes that may be anything.
    pub(crate) async fn post_bytes(&self, path: &str, body: Vec<u8>) -> Answer {
        let [(timestamp_name, timestamp), (signature_name, signature)] =
            self.signer.sign(&body, self.clock.now());
        let request = Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header(timestamp_name, timestamp)
            .header(signature_name, signature)
            .body(Body::from(body))
            .unwrap();
        self.send(request).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let route = request.uri().path().to_owned();
        let asked_at = std::time::Instant::now();
        let response = relatch::surface::server::routes(&self.app)
            .oneshot(request)
            .await
            .unwrap();
        let status = response.status();
        let body = response
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes()
            .to_vec();
        // Every platform waits three seconds, Lark's challenge one. A busy machine may need longer; what waits for somebody
        // who hangs needs longer still. `hostile.rs` holds the three seconds themselves.
        if asked_at.elapsed() > Duration::from_secs(20) {
            self.slack.memory.note_broken(vec![format!(
                "{route} was answered after {:?}",
                asked_at.elapsed()
            )]);
        }
        if status == StatusCode::OK {
            sent::keep("POST", &route, &body);
        }
        Answer { status, body }
    }
}
