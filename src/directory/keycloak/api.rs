//! Calls to the Admin REST API with the token of the service account.

use std::error::Error;
use std::time::Duration;

use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;
use url::Url;

use super::Config;
use super::refusal;
use super::token::{self, TokenFault};
use crate::clock::Clock;
use crate::directory::{ResetFailed, Unavailable, WhyRefused};
use crate::domain::{Moment, Span};
use crate::net::{self, Answer, TlsError};

/// How long Keycloak may take for a call.
pub(super) const CALL_DEADLINE: Duration = Duration::from_secs(4);

/// How long it may take for the change.
const CHANGE_DEADLINE: Duration = Duration::from_secs(8);

/// A token is replaced this long before it expires, and after half its life where that is sooner.
const TOKEN_MARGIN: Span = Span::seconds(10);

/// The largest answer that is read: a realm can have many roles.
const ANSWER_LIMIT: usize = 4 * 1024 * 1024;

/// Logged with a 403.
const LACKS_A_ROLE: &str = "the client lacks a role";

/// Why an idempotent call was not made.
pub(super) enum NotTold {
    /// Keycloak did not answer; it may still be at it.
    NoAnswer,
    /// It answered with an error, or nothing was sent.
    Refused(Unavailable),
}

impl From<NotTold> for Unavailable {
    fn from(not_told: NotTold) -> Self {
        match not_told {
            NotTold::NoAnswer => Self::ForNow,
            NotTold::Refused(why) => why,
        }
    }
}

/// Why a call gave no answer. It was logged.
enum NoAnswer {
    /// Nothing was sent, or Keycloak gave no token for it.
    NotSent(Unavailable),
    /// The call may have had its effect.
    Unknown,
}

impl From<TokenFault> for NoAnswer {
    fn from(fault: TokenFault) -> Self {
        Self::NotSent(fault.into())
    }
}

impl From<NoAnswer> for Unavailable {
    fn from(no_answer: NoAnswer) -> Self {
        match no_answer {
            NoAnswer::NotSent(why) => why,
            NoAnswer::Unknown => Self::ForNow,
        }
    }
}

/// The API of one realm.
pub(super) struct AdminApi {
    directory: String,
    base: Url,
    realm: String,
    client_id: String,
    client_secret: SecretString,
    http: reqwest::Client,
    clock: Clock,
    token: Mutex<Option<(SecretString, Moment)>>,
}

impl AdminApi {
    pub(super) fn new(config: &Config, clock: Clock) -> Result<Self, TlsError> {
        Ok(Self {
            directory: config.common.name.clone(),
            base: config.url.clone(),
            realm: config.realm.clone(),
            client_id: config.client_id.clone(),
            client_secret: config.client_secret.clone(),
            http: net::client_trusting(CHANGE_DEADLINE, config.ca_file.as_deref())?,
            clock,
            token: Mutex::default(),
        })
    }

    /// An address below the realm.
    fn url(&self, front: &[&str], path: &[&str]) -> Option<Url> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .ok()?
            .pop_if_empty()
            .extend(front)
            .push(&self.realm)
            .extend(path);
        Some(url)
    }

    /// An address of the Admin REST API.
    pub(super) fn admin_url(&self, path: &[&str]) -> Option<Url> {
        self.url(&["admin", "realms"], path)
    }

    /// Logs why the directory is of no use now, with its answer's status where there is one.
    pub(super) fn unavailable(&self, what: &str, status: Option<u16>) -> Unavailable {
        tracing::error!(
            directory = self.directory,
            what,
            status,
            "Keycloak could not be asked"
        );
        Unavailable::ForNow
    }

    /// The same for what stays until somebody changes the settings, there or here.
    pub(super) fn misconfigured(&self, what: &str, status: Option<u16>) -> Unavailable {
        tracing::error!(
            directory = self.directory,
            what,
            status,
            "the directory cannot be used as it is set up"
        );
        Unavailable::Misconfigured
    }

    /// The same for an answer that is an error. A 401 is one that a fresh token did not end.
    fn refused(&self, status: u16, forbidden: &str) -> Unavailable {
        match status {
            401 => self.misconfigured("Keycloak refuses the token that it gave", Some(status)),
            403 => self.misconfigured(forbidden, Some(status)),
            300..=399 => self.misconfigured(&TokenFault::Redirects.to_string(), Some(status)),
            _ => self.unavailable("an error", Some(status)),
        }
    }

    /// The token for the next call; also for `relatch check`.
    pub(super) async fn token(&self) -> Result<SecretString, TokenFault> {
        let mut known = self.token.lock().await;
        if let Some((token, until)) = known.as_ref()
            && self.clock.now() < *until
        {
            return Ok(token.clone());
        }
        let path = ["protocol", "openid-connect", "token"];
        let url = self
            .url(&["realms"], &path)
            .ok_or(TokenFault::NotKeycloak)?;
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &self.client_id),
            ("client_secret", self.client_secret.expose_secret()),
        ];
        let answer = net::call(self.http.post(url).form(&form).timeout(CALL_DEADLINE)).await;
        let token = token::read(&answer).inspect_err(|fault| {
            tracing::error!(
                directory = self.directory,
                fault = fault as &dyn Error,
                error = answer.as_ref().err().map(|error| error as &dyn Error),
                "Keycloak gives no token for the client of the settings"
            );
        })?;
        let life = Span::seconds(token.expires_in);
        let margin = Span(TOKEN_MARGIN.0.min(life.0 / 2));
        let until = self.clock.now() + life - margin;
        let token = SecretString::from(token.access_token);
        *known = Some((token.clone(), until));
        Ok(token)
    }

    /// Forgets a token that is no longer accepted. Another call may have a newer one already.
    async fn forget(&self, refused: &SecretString) {
        let mut known = self.token.lock().await;
        let is_known = known
            .as_ref()
            .is_some_and(|(token, _)| token.expose_secret() == refused.expose_secret());
        if is_known {
            *known = None;
        }
    }

    /// One call. A token that Keycloak no longer accepts is replaced once: a call that was refused for it had no effect.
    async fn call(
        &self,
        method: Method,
        url: Url,
        body: Option<&[u8]>,
        deadline: Duration,
    ) -> Result<Answer, NoAnswer> {
        let mut is_second = false;
        loop {
            let token = self.token().await?;
            let mut call = self
                .http
                .request(method.clone(), url.clone())
                .timeout(deadline)
                .bearer_auth(token.expose_secret());
            if let Some(body) = body {
                call = call
                    .header("content-type", "application/json")
                    .body(body.to_vec());
            }
            let answer = net::call_up_to(ANSWER_LIMIT, call).await.map_err(|error| {
                tracing::warn!(
                    directory = self.directory,
                    error = &error as &dyn Error,
                    "Keycloak did not answer"
                );
                match token::not_sent(&error) {
                    Some(fault) => fault.into(),
                    None => NoAnswer::Unknown,
                }
            })?;
            if answer.status == 401 && !is_second {
                self.forget(&token).await;
                is_second = true;
                continue;
            }
            return Ok(answer);
        }
    }

    /// The answer to a question; None where it does not exist.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Option<T>, Unavailable> {
        self.ask(path, query, LACKS_A_ROLE).await
    }

    /// The same, where the answer may be kept from relatch's client: then the outer None.
    pub(super) async fn get_if_seen<T: DeserializeOwned>(
        &self,
        path: &[&str],
    ) -> Result<Option<Option<T>>, Unavailable> {
        let url = self
            .admin_url(path)
            .ok_or_else(|| self.misconfigured("no such address", None))?;
        let answer = self.call(Method::GET, url, None, CALL_DEADLINE).await?;
        if answer.status == 403 {
            return Ok(None);
        }
        self.read(&answer, LACKS_A_ROLE).map(Some)
    }

    /// A list without which nobody is reset: one that does not exist or may not be seen is not an empty one. `unseen` is
    /// what operators read then.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        unseen: &str,
    ) -> Result<Vec<T>, Unavailable> {
        self.ask(path, query, unseen)
            .await?
            .ok_or_else(|| self.unavailable("what was asked about is gone", Some(404)))
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        forbidden: &str,
    ) -> Result<Option<T>, Unavailable> {
        let mut url = self
            .admin_url(path)
            .ok_or_else(|| self.misconfigured("no such address", None))?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let answer = self.call(Method::GET, url, None, CALL_DEADLINE).await?;
        self.read(&answer, forbidden)
    }

    fn read<T: DeserializeOwned>(
        &self,
        answer: &Answer,
        forbidden: &str,
    ) -> Result<Option<T>, Unavailable> {
        match answer.status {
            200 => serde_json::from_slice(&answer.body)
                .map(Some)
                .map_err(|error| {
                    // Where it failed, and nothing of the answer.
                    let (line, column) = (error.line(), error.column());
                    tracing::debug!(line, column, "Keycloak's answer has another form");
                    self.unavailable("an answer of another form", Some(200))
                }),
            404 => Ok(None),
            status => Err(self.refused(status, forbidden)),
        }
    }

    /// A change, made once whatever comes of it. `refusal` tells a definite no; None where nobody can say what happened.
    pub(super) async fn put(
        &self,
        url: Url,
        body: &[u8],
        refusal: fn(&Answer) -> Option<WhyRefused>,
    ) -> Result<(), ResetFailed> {
        let answer = self
            .call(Method::PUT, url, Some(body), CHANGE_DEADLINE)
            .await
            .map_err(|no_answer| match no_answer {
                NoAnswer::NotSent(why) => why.into(),
                NoAnswer::Unknown => ResetFailed::Unknown,
            })?;
        match answer.status {
            200..=299 => Ok(()),
            429 => Err(ResetFailed::NotSent),
            401 => Err(self.refused(401, LACKS_A_ROLE).into()),
            // A redirect too may come after the change: a proxy sends it in place of Keycloak's own answer.
            status => {
                tracing::warn!(
                    directory = self.directory,
                    status,
                    reason = refusal::reason(&answer),
                    "Keycloak refuses a change"
                );
                Err(refusal(&answer).map_or(ResetFailed::Unknown, ResetFailed::Refused))
            }
        }
    }

    /// An idempotent call without a body.
    pub(super) async fn tell(
        &self,
        method: Method,
        path: &[&str],
        deadline: Duration,
    ) -> Result<(), NotTold> {
        let url = self
            .admin_url(path)
            .ok_or_else(|| NotTold::Refused(self.misconfigured("no such address", None)))?;
        let answer = match self.call(method, url, None, deadline).await {
            Ok(answer) => answer,
            Err(NoAnswer::Unknown) => return Err(NotTold::NoAnswer),
            Err(NoAnswer::NotSent(why)) => return Err(NotTold::Refused(why)),
        };
        match answer.status {
            200..=299 => Ok(()),
            status => Err(NotTold::Refused(self.refused(status, LACKS_A_ROLE))),
        }
    }
}
