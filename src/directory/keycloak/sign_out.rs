//! Signing out, and lifting the lock of failed sign-ins.
//!
//! A logout ends the sessions and leaves offline tokens alive, with which an application goes on for months. A token that
//! is refreshed in the same second survives it, so what is left is read again.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::Value;

use super::Keycloak;
use super::api::NotTold;
use super::wire::Consent;
use crate::directory::Unavailable;
use crate::domain::member::clean_name;

/// How long a logout may take. Keycloak waits 5 seconds for each application that it tells.
const LOGOUT_DEADLINE: Duration = Duration::from_secs(7);

/// How long to wait before a logout is sent again that Keycloak certainly did not take.
const RETRY_PAUSE: Duration = Duration::from_millis(300);

/// How often offline tokens are ended until none is left.
const OFFLINE_ROUNDS: usize = 3;

/// How often, and after which pause, sessions are looked at after a logout that gave no answer. With the logout itself that
/// is 18 seconds or more, longer than three applications take that hang.
const LOOKS: usize = 12;
const LOOK_PAUSE: Duration = Duration::from_secs(1);

impl Keycloak {
    /// Ends the sessions and the offline tokens. Returns the applications that keep one.
    pub(super) async fn end_sessions(&self, id: &str) -> Result<Vec<String>, Unavailable> {
        let path = ["users", id, "logout"];
        let mut told = self.api.tell(Method::POST, &path, LOGOUT_DEADLINE).await;
        if matches!(told, Err(NotTold::Refused(Unavailable::ForNow))) {
            tokio::time::sleep(RETRY_PAUSE).await;
            told = self.api.tell(Method::POST, &path, LOGOUT_DEADLINE).await;
        }
        let ended = async {
            match told {
                Ok(()) => Ok(()),
                // An application that hangs keeps the answer, not the sessions.
                Err(NotTold::NoAnswer) => self.has_no_session(id).await,
                Err(refused @ NotTold::Refused(_)) => Err(refused.into()),
            }
        };
        // Also where the logout failed: each one that is ended is one less. Meanwhile, because an application that hangs must
        // not keep the tokens of all others until the deadline.
        let (ended, offline) = tokio::join!(ended, self.end_offline_tokens(id));
        ended.and(offline)
    }

    async fn has_no_session(&self, id: &str) -> Result<(), Unavailable> {
        for look in 0..LOOKS {
            if look > 0 {
                tokio::time::sleep(LOOK_PAUSE).await;
            }
            let left: Result<Option<Vec<Value>>, Unavailable> =
                self.api.get(&["users", id, "sessions"], &[]).await;
            match left.map(Option::unwrap_or_default) {
                Ok(left) if left.is_empty() => return Ok(()),
                // The look itself may fail while Keycloak is busy with the logout.
                Ok(_) | Err(Unavailable::ForNow) => {}
                Err(lasting @ Unavailable::Misconfigured) => return Err(lasting),
            }
        }
        Err(self
            .api
            .unavailable("sessions are left after a logout without an answer", None))
    }

    async fn end_offline_tokens(&self, id: &str) -> Result<Vec<String>, Unavailable> {
        let mut left = self.offline_clients(id).await?;
        for _ in 0..OFFLINE_ROUNDS {
            if left.is_empty() {
                break;
            }
            let ends = left.iter().map(|client| async move {
                let path = ["users", id, "consents", client];
                self.api
                    .tell(Method::DELETE, &path, super::api::CALL_DEADLINE)
                    .await
                    .ok()
            });
            join_all(ends).await;
            // If the list cannot be read again, the earlier tokens count as still alive.
            let Ok(read_again) = self.offline_clients(id).await else {
                break;
            };
            left = read_again;
        }
        Ok(left.iter().map(|client| clean_name(client)).collect())
    }

    /// The applications that hold an offline token of the user.
    pub(super) async fn offline_clients(&self, id: &str) -> Result<Vec<String>, Unavailable> {
        let consents: Option<Vec<Consent>> = self.api.get(&["users", id, "consents"], &[]).await?;
        let consents = consents.unwrap_or_default().into_iter();
        Ok(consents
            .filter(Consent::is_offline)
            .map(|consent| consent.client_id)
            .collect())
    }

    /// Lifts the lock of failed sign-ins, which a reset alone does not (Q13).
    pub(super) async fn lift_lock(&self, id: &str) -> Result<(), Unavailable> {
        let path = ["attack-detection", "brute-force", "users", id];
        let told = self
            .api
            .tell(Method::DELETE, &path, super::api::CALL_DEADLINE)
            .await;
        told.map_err(Unavailable::from)
    }
}
