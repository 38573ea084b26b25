//! Verifying Slack's requests (Slack, "Verifying requests from Slack"), and signing as Slack does.

use axum::http::HeaderMap;
use url::Url;

use super::{Slack, wire};
use crate::chat::signature::{fresh_timestamp, only_header, replay_key};
use crate::chat::{NotVerified, ReplyAddress};
use crate::domain::{Moment, Platform, Span};
use crate::form::Fields;
use crate::net;
use crate::store::ReplayKey;

/// How long a response address works (Slack, "Handling user interaction": 30 minutes), less a minute as a margin.
const REPLY_LIFE: Span = Span::minutes(29);

impl Slack {
    /// The headers that Slack would send with `body` now, for `relatch replay` and the demo.
    pub fn sign(&self, body: &[u8], now: Moment) -> [(&'static str, String); 2] {
        let timestamp = now.unix_seconds().to_string();
        let signature = self
            .secrets
            .sign(&[b"v0:", timestamp.as_bytes(), b":", body])
            .map(hex::encode)
            .unwrap_or_default();
        [
            ("X-Slack-Request-Timestamp", timestamp),
            ("X-Slack-Signature", format!("v0={signature}")),
        ]
    }

    /// Checks the signature and its time, and gives the replay key of the request.
    pub(super) fn verify(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: Moment,
    ) -> Result<ReplayKey, NotVerified> {
        let timestamp = only_header(headers, "x-slack-request-timestamp")?;
        let signature = only_header(headers, "x-slack-signature")?;
        let signed_at = fresh_timestamp(timestamp, now)?;
        let digits = signature
            .strip_prefix("v0=")
            .ok_or(NotVerified::Unsigned("form"))?;
        let is_lower_hex = digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        let mut bytes = [0; 32];
        if !is_lower_hex || hex::decode_to_slice(digits, &mut bytes).is_err() {
            return Err(NotVerified::Unsigned("form"));
        }
        let signed: [&[u8]; 4] = [b"v0:", timestamp.as_bytes(), b":", body];
        self.secrets.verify(&signed, &bytes)?;
        Ok(replay_key(Platform::Slack, signed_at, &signed))
    }

    /// Checks that the request is for our workspace, our organization and our app, as far as the settings pin them.
    pub(super) fn check_pins(
        &self,
        team: &str,
        enterprise: Option<&str>,
        app: Option<&str>,
    ) -> Result<(), NotVerified> {
        let fits = |pinned: &Option<String>, given: Option<&str>| {
            pinned.is_none() || pinned.as_deref() == given
        };
        if team != self.config.team_id {
            return Err(NotVerified::Unsigned("workspace"));
        }
        if !fits(&self.config.enterprise_id, enterprise) {
            return Err(NotVerified::Unsigned("enterprise"));
        }
        if fits(&self.config.app_id, app) {
            Ok(())
        } else {
            Err(NotVerified::Unsigned("app"))
        }
    }

    pub(super) fn check_payload_pins(
        &self,
        team: Option<&wire::SlackTeam>,
        enterprise: Option<&wire::SlackEnterprise>,
        user: &wire::SlackUser,
        app: Option<&str>,
    ) -> Result<(), NotVerified> {
        // `team` is null if the app is installed for a whole organization. Then the user's own workspace counts.
        let team_id = team
            .map(|team| team.id.as_str())
            .or(user.team_id.as_deref())
            .ok_or(NotVerified::Unsigned("workspace"))?;
        let enterprise_id = team
            .and_then(|team| team.enterprise_id.as_deref())
            .or(enterprise.map(|it| it.id.as_str()));
        self.check_pins(team_id, enterprise_id, app)
    }

    /// Takes a response address. One outside the allow-list makes the whole request malformed; nothing is ever sent there.
    pub(super) fn reply_address(
        &self,
        url: &str,
        now: Moment,
    ) -> Result<ReplyAddress, NotVerified> {
        if self.is_allowed(url) {
            Ok(ReplyAddress::new(url.to_owned(), now + REPLY_LIFE))
        } else {
            Err(NotVerified::Malformed(
                "a response address of somebody else",
            ))
        }
    }

    /// True if the address is on the allow-list.
    pub(super) fn is_allowed(&self, url: &str) -> bool {
        Url::parse(url).is_ok_and(|url| {
            url.username().is_empty()
                && url.password().is_none()
                && net::is_acceptable_url(&url)
                && self
                    .config
                    .response_origins
                    .iter()
                    .any(|origin| origin.origin() == url.origin())
        })
    }
}

/// True if `ssl_check=1` is the whole request, alone or with the old verification token.
pub(super) fn is_ssl_check(body: &[u8]) -> bool {
    body.len() <= 256
        && Fields::read(body).is_ok_and(|fields| {
            fields.get("ssl_check") == Some("1") && fields.has_only(&["ssl_check", "token"])
        })
}
