//! What `relatch check` tries: the token, the realm, and every right that a reset needs.

use serde_json::Value;

use super::Keycloak;
use super::realm::RealmFault;
use crate::directory::check_account::found_one;
use crate::directory::{Backend, By, Match, Unavailable};

impl Keycloak {
    /// What is wrong, in words.
    pub(super) async fn probe_all(&self) -> Result<(), String> {
        self.api.token().await.map_err(|fault| fault.to_string())?;
        // What was read before may have changed since.
        self.keep_facts(None);
        self.facts().await.map_err(|fault| match fault {
            RealmFault::Unavailable => {
                "the realm's roles cannot be read; the log says why".to_owned()
            }
            RealmFault::NoRole(name) => {
                format!("there is no role \"{name}\", which the settings name; nobody is reset without it")
            }
        })?;
        let count: Result<Option<Value>, Unavailable> =
            self.api.get(&["users", "count"], &[]).await;
        count.map_err(|Unavailable| {
            "the realm's users cannot be read; the log says why".to_owned()
        })?;
        let Some(email) = &self.config.check_account else {
            return Ok(());
        };
        let found = self.find(&[By::Email(email.clone())]).await;
        let id = match found.as_deref() {
            Ok([Match::One(member)]) => Some(member.id.clone()),
            _ => None,
        };
        found_one(found, email)?;
        let user = match id {
            Some(id) => self.user(&id).await.ok().flatten(),
            None => None,
        };
        let may = |right: &str| {
            user.as_ref()
                .is_some_and(|user| user.access.get(right) == Some(&true))
        };
        if may("manage") || may("resetPassword") {
            Ok(())
        } else {
            Err(format!(
                "relatch's client has no right to reset {}; it needs the role manage-users",
                email.masked()
            ))
        }
    }
}
