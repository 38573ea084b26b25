//! Calls to Lark's and Feishu's Open API, with the tenant access token that they need.
//!
//! The chat adapter and the directory share it.
//!
//! Sources: Lark's pages "Server API calls", "Get tenant access token (custom app)", "Generic error codes".

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use url::Url;

use crate::clock::Clock;
use crate::domain::{Moment, Span};
use crate::net::{self, CallError, Unreachable};

/// How long Lark may take for a call.
const CALL_DEADLINE: Duration = Duration::from_secs(5);
/// A token is replaced this long before it expires.
const TOKEN_MARGIN: Span = Span::minutes(5);
/// The token is not valid, or not any more.
const STALE_TOKEN: [i64; 3] = [99_991_661, 99_991_663, 99_991_668];
/// A scope is missing.
const MISSING_SCOPE: i64 = 99_991_672;
/// No app has this `app_id`, its secret is another one, or the app is disabled or not installed: the gateway's codes, for
/// every call (larksuite/cli, `internal/output/lark_errors.go`).
const BAD_APP: [i64; 3] = [99_991_543, 99_991_662, 99_991_673];
/// The same where a token is asked for. Elsewhere the first one is any wrong parameter.
const BAD_CREDENTIALS: [i64; 2] = [10_003, 10_014];
/// Rate limits: of the app, of the tenant, of a chat.
const LIMITED: [i64; 4] = [99_991_400, 11_232, 230_020, 11_233];

/// Why a call did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum LarkError {
    /// Certainly nothing was done: Lark was not reached, or gave no token.
    #[error("Lark could not be reached")]
    NotSent,
    /// The same, and it stays so: the certificate is not accepted, or there is no TLS.
    #[error("Lark cannot be reached: {0}")]
    Untrusted(Unreachable),
    /// The same: Lark gives the app no token.
    #[error("Lark gives the app no token, with code {0}; look at app_id and app_secret")]
    NoToken(i64),
    /// The call may have had its effect.
    #[error("Lark did not answer")]
    NoAnswer,
    /// A rate limit; try again after this time.
    #[error("Lark asks to wait {0}")]
    Limited(Span),
    /// The app lacks a scope.
    #[error("Lark's app lacks the permission {0}")]
    MissingScope(String),
    /// Refused, with Lark's own code; nothing was done.
    #[error("Lark refuses with code {0}")]
    Refused(i64),
}

impl LarkError {
    /// True where it stays so until somebody changes something, in Lark's console or in the settings. A token that has
    /// expired is none of these, and neither is a code that nobody knows.
    pub fn is_lasting(&self) -> bool {
        match self {
            Self::Untrusted(_) | Self::MissingScope(_) => true,
            Self::NoToken(code) => BAD_APP.contains(code) || BAD_CREDENTIALS.contains(code),
            Self::Refused(code) => BAD_APP.contains(code),
            Self::NotSent | Self::NoAnswer | Self::Limited(_) => false,
        }
    }
}

/// An app of Lark as settings name it.
#[derive(Clone, Copy)]
pub struct LarkAppSettings<'a> {
    /// The cloud, with a slash at its end.
    pub api_url: &'a Url,
    pub app_id: &'a str,
    pub app_secret: &'a SecretString,
}

/// One client for each app in use: parts that use the same app share its token.
#[derive(Clone, Default)]
pub struct LarkApis(Arc<std::sync::Mutex<ClientsByApp>>);

/// Clients by cloud and app id.
type ClientsByApp = HashMap<(Url, String), Arc<LarkApi>>;

impl LarkApis {
    /// The app with this id, in the cloud at `api_url`.
    pub fn app(
        &self,
        api_url: &Url,
        app_id: &str,
        app_secret: &SecretString,
        http: &reqwest::Client,
        clock: &Clock,
    ) -> Arc<LarkApi> {
        let make = || {
            let (url, secret) = (api_url.clone(), app_secret.clone());
            Arc::new(LarkApi::new(
                url,
                app_id.to_owned(),
                secret,
                http.clone(),
                clock.clone(),
            ))
        };
        match self.0.lock() {
            Ok(mut known) => Arc::clone(
                known
                    .entry((api_url.clone(), app_id.to_owned()))
                    .or_insert_with(make),
            ),
            Err(_) => make(),
        }
    }
}

/// One app of one tenant.
pub struct LarkApi {
    api_url: Url,
    app_id: String,
    app_secret: SecretString,
    http: reqwest::Client,
    clock: Clock,
    token: Mutex<Option<(SecretString, Moment)>>,
}

impl LarkApi {
    /// The app with this id and secret, in the cloud at `api_url` (with a slash at its end).
    pub fn new(
        api_url: Url,
        app_id: String,
        app_secret: SecretString,
        http: reqwest::Client,
        clock: Clock,
    ) -> Self {
        Self {
            api_url,
            app_id,
            app_secret,
            http,
            clock,
            token: Mutex::default(),
        }
    }

    /// Calls with the tenant's token; the whole answer. A token that is no longer valid is replaced once: a call that was
    /// refused for its token did nothing.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, LarkError> {
        let mut is_second = false;
        loop {
            let token = self.token().await?;
            let answer = self.send(method.clone(), path, body, Some(&token)).await;
            match answer {
                Err(LarkError::Refused(code)) if STALE_TOKEN.contains(&code) && !is_second => {
                    *self.token.lock().await = None;
                    is_second = true;
                }
                answer => return answer,
            }
        }
    }

    /// The tenant's token, cached while it is valid ("Get tenant access token": about two hours).
    async fn token(&self) -> Result<SecretString, LarkError> {
        let mut known = self.token.lock().await;
        if let Some((token, until)) = known.as_ref()
            && self.clock.now() < *until
        {
            return Ok(token.clone());
        }
        let body = json!({ "app_id": self.app_id, "app_secret": self.app_secret.expose_secret() });
        let answer = self
            .send(
                Method::POST,
                "auth/v3/tenant_access_token/internal",
                Some(&body),
                None,
            )
            .await;
        // Without a token the call that needed it was not made.
        let answer = answer.map_err(|error| match error {
            LarkError::NoAnswer => LarkError::NotSent,
            LarkError::Refused(code) => LarkError::NoToken(code),
            LarkError::NotSent
            | LarkError::Untrusted(_)
            | LarkError::NoToken(_)
            | LarkError::Limited(_)
            | LarkError::MissingScope(_) => error,
        })?;
        let token = answer
            .get("tenant_access_token")
            .and_then(Value::as_str)
            .ok_or(LarkError::NotSent)?;
        let token = SecretString::from(token.to_owned());
        let life = Span::seconds(
            answer
                .get("expire")
                .and_then(Value::as_i64)
                .unwrap_or_default(),
        );
        *known = Some((token.clone(), self.clock.now() + life - TOKEN_MARGIN));
        Ok(token)
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        token: Option<&SecretString>,
    ) -> Result<Value, LarkError> {
        let url = self.api_url.join(path).map_err(|error| {
            tracing::error!(
                error = &error as &dyn Error,
                "Lark's URL could not be built"
            );
            LarkError::NotSent
        })?;
        let mut call = self.http.request(method, url).timeout(CALL_DEADLINE);
        if let Some(token) = token {
            call = call.bearer_auth(token.expose_secret());
        }
        if let Some(body) = body {
            call = call.json(body);
        }
        let answer = net::call(call).await.map_err(|error| {
            tracing::warn!(
                platform = "lark",
                error = &error as &dyn Error,
                "Lark could not be asked"
            );
            let CallError::NotSent(cause) = error else {
                return LarkError::NoAnswer;
            };
            Some(Unreachable::of(&cause))
                .filter(|why| why.is_lasting())
                .map_or(LarkError::NotSent, LarkError::Untrusted)
        })?;
        let wait = || {
            Span::seconds(
                answer
                    .retry_after
                    .and_then(|wait| i64::try_from(wait).ok())
                    .unwrap_or(30),
            )
        };
        if answer.status == 429 {
            return Err(LarkError::Limited(wait()));
        }
        // Refusals have status 200 or 400 and a code in the body.
        let Ok(told) = serde_json::from_slice::<Value>(&answer.body) else {
            return Err(LarkError::NoAnswer);
        };
        match told.get("code").and_then(Value::as_i64) {
            Some(0) if (200..300).contains(&answer.status) => Ok(told),
            Some(code) if LIMITED.contains(&code) => Err(LarkError::Limited(wait())),
            Some(MISSING_SCOPE) => Err(LarkError::MissingScope(scopes(&told))),
            Some(code) if answer.status < 500 => Err(LarkError::Refused(code)),
            _ => Err(LarkError::NoAnswer),
        }
    }
}

/// The scopes that a refusal names, in its text or beside it; the rest of its text is dropped.
fn scopes(told: &Value) -> String {
    let text = told.get("msg").and_then(Value::as_str).unwrap_or_default();
    // `permission_violations` has them where the text is "Access denied." alone.
    let beside = told
        .pointer("/error/permission_violations")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|violation| violation.get("subject").and_then(Value::as_str));
    let is_part =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '.' | ':');
    let mut named: Vec<&str> = Vec::new();
    for word in std::iter::once(text)
        .chain(beside)
        .flat_map(|text| text.split(|c: char| !is_part(c)))
    {
        let is_scope = word.contains(':') && word.split(':').all(|part| !part.is_empty());
        if is_scope && !named.contains(&word) && named.len() < 3 {
            named.push(word);
        }
    }
    if named.is_empty() {
        "that the call needs".to_owned()
    } else {
        named.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_read_out_of_a_refusal() {
        let told = json!({ "msg": "Access denied. One of: [contact:user.base:readonly, contact:contact.base:readonly] \
            apply: https://open.larksuite.com/app/x/auth" });
        assert_eq!(
            scopes(&told),
            "contact:user.base:readonly, contact:contact.base:readonly"
        );
        assert_eq!(scopes(&json!({})), "that the call needs");
        let beside = json!({ "msg": "Access denied.", "error": { "permission_violations": [
            { "type": "action_scope_required", "subject": "im:message" }, { "subject": "im:message" }, { "subject": 5 },
        ] } });
        assert_eq!(scopes(&beside), "im:message");
    }

    /// The chat adapter and the directory of one app share one token.
    #[test]
    fn one_app_has_one_client() {
        let apis = LarkApis::default();
        let http = net::client(Duration::from_secs(1)).unwrap();
        let url = Url::parse("https://open.larksuite.com/open-apis/").unwrap();
        let secret = SecretString::from("secret".to_owned());
        let app = |id: &str| apis.app(&url, id, &secret, &http, &Clock::System);
        assert!(Arc::ptr_eq(&app("cli_1"), &app("cli_1")));
        assert!(!Arc::ptr_eq(&app("cli_1"), &app("cli_2")));
    }
}
