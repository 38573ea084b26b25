//! What Keycloak answers, as far as it is read.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use super::policy::RealmPolicy;
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
    #[serde(default)]
    pub(super) username: String,
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

    /// True for the account of an application: Keycloak reserves this beginning for them
    /// ("Server Administration Guide", "Using a service account").
    pub(super) fn is_service_account(&self) -> bool {
        self.username.starts_with("service-account-")
    }

    /// True where too many failed sign-ins have disabled the account until somebody enables it.
    pub(super) fn is_locked_for_good(&self) -> bool {
        !self.enabled && self.attribute("disabledReason") == Some("permanentLockout")
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
    /// Set where another system has the password.
    federation_link: Option<String>,
}

impl KeycloakCredential {
    pub(super) fn is_of(&self, kind: &str) -> bool {
        self.r#type == kind
    }

    pub(super) fn is_password(&self) -> bool {
        self.is_of("password")
    }

    /// True for a password that Keycloak itself keeps.
    pub(super) fn is_own_password(&self) -> bool {
        let is_elsewhere = self
            .federation_link
            .as_deref()
            .is_some_and(|link| !link.is_empty());
        self.is_password() && !is_elsewhere
    }
}

/// The lock of failed sign-ins.
#[derive(Debug, Deserialize)]
pub(super) struct BruteForceStatus {
    /// True while it is locked.
    #[serde(default)]
    pub(super) disabled: bool,
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

/// The settings of the realm, of which relatch reads what concerns a reset.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RealmSettings {
    /// Left out where relatch's client may not see it.
    pub(super) smtp_server: Option<HashMap<String, Value>>,
    /// Absent where the realm has none.
    password_policy: Option<String>,
    /// True where people can have rights over users without holding a role.
    #[serde(default)]
    pub(super) admin_permissions_enabled: bool,
    /// The flow by which people sign in.
    pub(super) browser_flow: Option<String>,
}

/// A step of a flow; those of a flow within it follow it at the next level.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FlowExecution {
    pub(super) requirement: String,
    /// Of what the step does; none where it is a flow.
    pub(super) provider_id: Option<String>,
    #[serde(default)]
    pub(super) level: usize,
}

impl RealmSettings {
    pub(super) fn policy(&self) -> RealmPolicy {
        RealmPolicy::read(self.password_policy.as_deref().unwrap_or_default())
    }
}

/// Which attributes users have.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserProfile {
    #[serde(default)]
    attributes: Vec<DeclaredAttribute>,
    /// What happens to the others; they are dropped where it is missing.
    unmanaged_attribute_policy: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct DeclaredAttribute {
    name: String,
    /// Who may do what with it.
    #[serde(default)]
    permissions: HashMap<String, Vec<String>>,
}

impl UserProfile {
    /// True where the realm drops an attribute, or does not show it to administrators.
    pub(super) fn hides(&self, name: &str) -> bool {
        let declared = self.attributes.iter().find(|one| one.name == name);
        let Some(declared) = declared else {
            let policy = self.unmanaged_attribute_policy.as_deref();
            return !matches!(policy, Some("ENABLED" | "ADMIN_VIEW" | "ADMIN_EDIT"));
        };
        let mut allowed = declared.permissions.values().flatten();
        !declared.permissions.is_empty() && !allowed.any(|who| who == "admin")
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct RequiredAction {
    #[serde(default)]
    pub(super) enabled: bool,
}

/// What a user granted to an application.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Consent {
    pub(super) client_id: String,
    #[serde(default)]
    additional_grants: Vec<Value>,
}

impl Consent {
    /// True where the application holds an offline token.
    pub(super) fn is_offline(&self) -> bool {
        let is_offline = |grant: &Value| grant.get("key").is_some_and(|key| key == "Offline Token");
        self.additional_grants.iter().any(is_offline)
    }
}
