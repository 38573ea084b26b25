//! The token of the service account, and what each refusal of it means.

use std::error::Error;

use serde::Deserialize;

use crate::directory::Unavailable;
use crate::net::{Answer, CallError, Unreachable};

/// Why Keycloak gives no token. Each says what is wrong in the settings there or here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TokenFault {
    #[error("Keycloak refuses client_secret")]
    WrongSecret,
    #[error("the realm has no client of the name in client_id, or it is disabled")]
    UnknownClient,
    #[error("the client of client_id has no service account; switch \"Service account roles\" on")]
    ServiceAccountOff,
    #[error("the server has no realm of the name in realm")]
    RealmMissing,
    #[error("the realm is disabled")]
    RealmDisabled,
    #[error("the realm asks for https, and url has http")]
    HttpsRequired,
    #[error("the server at url is not Keycloak, or its path is missing in url")]
    NotKeycloak,
    #[error("url leads elsewhere: write the address to which it redirects")]
    Redirects,
    #[error("Keycloak cannot be reached: {0}")]
    Unreachable(Unreachable),
    #[error("Keycloak does not answer in time")]
    NoAnswer,
    #[error("Keycloak answers with status {0}")]
    Status(u16),
}

impl TokenFault {
    /// The key of the `[[directory]]` that it is about.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::WrongSecret => "client_secret",
            Self::UnknownClient | Self::ServiceAccountOff => "client_id",
            Self::RealmMissing | Self::RealmDisabled => "realm",
            Self::HttpsRequired
            | Self::NotKeycloak
            | Self::Redirects
            | Self::Unreachable(_)
            | Self::NoAnswer
            | Self::Status(_) => "url",
        }
    }
}

impl From<TokenFault> for Unavailable {
    /// Lasting is what somebody has to put right, there or here.
    fn from(fault: TokenFault) -> Self {
        match fault {
            TokenFault::WrongSecret
            | TokenFault::UnknownClient
            | TokenFault::ServiceAccountOff
            | TokenFault::RealmMissing
            | TokenFault::RealmDisabled
            | TokenFault::HttpsRequired
            | TokenFault::NotKeycloak
            | TokenFault::Redirects
            // 408, 425 and 429 pass by themselves.
            | TokenFault::Status(400..=407 | 409..=424 | 426..=428 | 430..=499) => {
                Self::Misconfigured
            }
            TokenFault::Unreachable(why) if why.is_lasting() => Self::Misconfigured,
            TokenFault::Unreachable(_) | TokenFault::NoAnswer | TokenFault::Status(_) => {
                Self::ForNow
            }
        }
    }
}

/// Why nothing could be sent; None where something may have been.
pub(super) fn not_sent(error: &CallError) -> Option<TokenFault> {
    matches!(error, CallError::NotSent(_))
        .then(|| TokenFault::Unreachable(Unreachable::of(error as &dyn Error)))
}

#[derive(Deserialize)]
pub(super) struct TokenAnswer {
    pub(super) access_token: String,
    pub(super) expires_in: i64,
}

/// A refusal of the token endpoint.
#[derive(Default, Deserialize)]
pub(super) struct TokenRefusal {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
}

/// The token in an answer, or why there is none.
pub(super) fn read(answer: &Result<Answer, CallError>) -> Result<TokenAnswer, TokenFault> {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return Err(not_sent(error).unwrap_or(TokenFault::NoAnswer)),
    };
    if answer.status == 200 {
        return serde_json::from_slice(&answer.body).map_err(|error| {
            // Where it failed, and nothing of the answer.
            let (line, column) = (error.line(), error.column());
            tracing::debug!(
                line,
                column,
                "the answer of Keycloak with the token has another form"
            );
            TokenFault::NotKeycloak
        });
    }
    let told: TokenRefusal = serde_json::from_slice(&answer.body).unwrap_or_default();
    let words = (told.error.as_str(), told.error_description.as_str());
    Err(match (answer.status, words) {
        (_, (_, "Client not enabled to retrieve service account")) => TokenFault::ServiceAccountOff,
        (401, ("unauthorized_client", _)) => TokenFault::WrongSecret,
        (401, ("invalid_client", _)) => TokenFault::UnknownClient,
        (404, ("Realm does not exist", _)) => TokenFault::RealmMissing,
        (403, (_, "Realm not enabled")) => TokenFault::RealmDisabled,
        (403, (_, "HTTPS required")) => TokenFault::HttpsRequired,
        (404, _) => TokenFault::NotKeycloak,
        (300..=399, _) => TokenFault::Redirects,
        (status, _) => TokenFault::Status(status),
    })
}
