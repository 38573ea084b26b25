//! What `relatch check` tries: the token, the realm, and every right that a reset needs.

use serde_json::Value;

use super::Keycloak;
use super::realm::RealmFault;
use super::wire::{RealmSettings, UserProfile};
use crate::directory::check_account::found_one;
use crate::directory::{Backend, By, Match, Unavailable};

impl Keycloak {
    /// What of the realm makes a reset do less than it could, in words.
    pub(super) async fn realm_warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        // The probe before it has told what is wrong.
        let Ok(facts) = self.facts().await else {
            return warnings;
        };
        match &facts.settings {
            None => warnings.push(
                "relatch's client cannot read the realm's settings, so nobody knows whether the realm has a mail server, \
                 fine-grained admin permissions or a password policy; \
                 the role view-realm lets it"
                    .to_owned(),
            ),
            Some(settings) if settings.admin_permissions_enabled => warnings.push(
                "the realm has fine-grained admin permissions on: who holds one is not protected, unless protected_roles \
                 names a role of theirs"
                    .to_owned(),
            ),
            Some(_) => {}
        }
        if facts.asks_for_new_password == Some(false) {
            warnings.push(
                "the required action \"Update Password\" is off in the realm: nobody is asked for a new password, and \
                 Keycloak's own link is not offered"
                    .to_owned(),
            );
        }
        if facts.has_no_mail() {
            warnings.push(
                "the realm has no mail server, so Keycloak's own link is not offered".to_owned(),
            );
        }
        let policy = facts.settings.as_ref().map(RealmSettings::policy);
        let unforeseen = policy.unwrap_or_default().unforeseen;
        if !unforeseen.is_empty() {
            warnings.push(format!(
                "nobody can say in advance whether a generated password meets the realm's password policy: {}",
                unforeseen.join(", ")
            ));
        }
        let attribute = &self.config.phone_attribute;
        let profile: Result<Option<Option<UserProfile>>, Unavailable> =
            self.api.get_if_seen(&["users", "profile"]).await;
        if let Ok(Some(Some(profile))) = profile
            && profile.hides(attribute)
        {
            warnings.push(format!(
                "the realm's user profile does not declare the attribute {attribute} or does not show it to \
                 administrators, so nobody has a phone"
            ));
        }
        warnings
    }

    /// What is wrong, in words.
    pub(super) async fn probe_all(&self) -> Result<(), String> {
        self.api.token().await.map_err(|fault| fault.to_string())?;
        // What was read before may have changed since.
        self.read_facts_anew();
        self.facts().await.map_err(|fault| match fault {
            RealmFault::Unavailable(_) => {
                "the realm's roles cannot be read; the log says why".to_owned()
            }
            RealmFault::NoRole(name) => {
                format!("there is no role \"{name}\", which the settings name; nobody is reset without it")
            }
        })?;
        let count: Result<Option<Value>, Unavailable> =
            self.api.get(&["users", "count"], &[]).await;
        count.map_err(|_logged| "the realm's users cannot be read; the log says why".to_owned())?;
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
        // The sign-out and the lock need "manage" too.
        let may_set = user
            .as_ref()
            .is_some_and(|user| user.access.get("resetPassword") != Some(&false));
        if may("manage") && may_set {
            Ok(())
        } else {
            Err(format!(
                "relatch's client has no right to reset {}; it needs the role manage-users",
                email.masked()
            ))
        }
    }
}
