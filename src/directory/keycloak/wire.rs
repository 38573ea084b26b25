//! What Keycloak answers, as far as it is read.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use crate::domain::EmailAddress;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct KeycloakUser {
    pub(super) id: String,
    pub(super) email: Option<String>,
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    #[serde(default)]
    pub(super) enabled: bool,
    /// Set where another system keeps the account.
    pub(super) federation_link: Option<String>,
    #[serde(default)]
    pub(super) required_actions: Vec<String>,
    /// The API does not say what form each has, and only those of the settings are read.
    #[serde(default)]
    pub(super) attributes: HashMap<String, Value>,
    /// What relatch's client may do with the user.
    #[serde(default)]
    pub(super) access: HashMap<String, bool>,
}

impl KeycloakUser {
    pub(super) fn email(&self) -> Option<EmailAddress> {
        self.email.as_deref()?.parse().ok()
    }

    /// The first value of an attribute.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name)?.get(0)?.as_str()
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct KeycloakCredential {
    r#type: String,
    pub(super) created_date: Option<i64>,
}

impl KeycloakCredential {
    pub(super) fn is_password(&self) -> bool {
        self.r#type == "password"
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct RoleName {
    pub(super) name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RealmClient {
    pub(super) id: String,
    pub(super) client_id: String,
}

#[derive(Deserialize)]
pub(super) struct TokenAnswer {
    pub(super) access_token: String,
    pub(super) expires_in: i64,
}
