//! What `relatch check` tries: the token, the realm, and every right that a reset needs.

use reqwest::Method;
use serde_json::Value;

use super::Keycloak;
use super::api::CALL_DEADLINE;
use super::realm::RealmFault;
use super::wire::{KeycloakUser, RealmSettings, UserProfile};
use crate::directory::check_account::found_one;
use crate::directory::{Backend, By, Match, Unavailable};
use crate::settings::Finding;

/// An id that no user has.
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

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
                "relatch's client cannot read the realm's settings, so nobody knows whether the realm asks for a new password \
                 or a second factor, and whether it has a mail server, fine-grained admin permissions or a password policy; \
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
    pub(super) async fn probe_all(&self) -> Result<(), Finding> {
        let token = self.api.token().await;
        token.map_err(|fault| Finding::of(fault.key(), fault.to_string()))?;
        // What was read before may have changed since.
        self.read_facts_anew();
        self.facts().await.map_err(|fault| self.told(&fault))?;
        for is_caller in [true, false] {
            let exist = self.named_roles_exist(is_caller, &[]).await;
            exist.map_err(|fault| self.told(&fault))?;
        }
        let count: Result<Option<Value>, Unavailable> =
            self.api.get(&["users", "count"], &[]).await;
        count.map_err(|_logged| {
            Finding::of(
                "realm",
                "the realm's users cannot be read; the log says why",
            )
        })?;
        self.may_manage().await?;
        let Some(email) = &self.config.check_account else {
            return Ok(self.try_somebody().await?);
        };
        let found = self.find(&[By::Email(email.clone())]).await;
        let id = match found.as_deref() {
            Ok([Match::One(member)]) => Some(member.id.clone()),
            _ => None,
        };
        found_one(found, email)?;
        let native = id.as_ref().and_then(|id| self.native(id));
        match native {
            Some(native) => Ok(self.may_reset(native, &email.masked()).await?),
            None => Ok(()),
        }
    }

    /// Lifts the lock of nobody: it does nothing, and takes the right that the sign-out and the change take too.
    async fn may_manage(&self) -> Result<(), String> {
        let path = ["attack-detection", "brute-force", "users", NOBODY];
        let told = self.api.tell(Method::DELETE, &path, CALL_DEADLINE).await;
        told.map_err(Unavailable::from).map_err(|why| match why {
            Unavailable::Misconfigured => {
                "relatch's client has no right to reset anybody, to sign them out or to lift their lock; it needs the role \
                 manage-users"
                    .to_owned()
            }
            Unavailable::ForNow => "nobody's lock could be lifted; the log says why".to_owned(),
        })
    }

    /// Reads the first user of the realm as a look-up does, where the settings name nobody.
    async fn try_somebody(&self) -> Result<(), String> {
        const UNREADABLE: &str = "the realm's users cannot be read in full; the log says why";

        let first = [("first", "0"), ("max", "1")];
        let found: Result<Option<Vec<KeycloakUser>>, Unavailable> =
            self.api.get(&["users"], &first).await;
        let found = found.map_err(|_logged| UNREADABLE.to_owned())?;
        let Some(user) = found.unwrap_or_default().pop() else {
            return Ok(());
        };
        let about = self.about(&user.id, false).await;
        about.map_err(|_logged| UNREADABLE.to_owned())?;
        self.may_reset(&user.id, "the first user of the realm")
            .await
    }

    /// What the server itself says of the client's rights over a user; and what a sign-out reads.
    async fn may_reset(&self, id: &str, whom: &str) -> Result<(), String> {
        let user: Result<Option<KeycloakUser>, Unavailable> =
            self.api.get(&["users", id], &[]).await;
        let access = user.ok().flatten().map(|user| user.access);
        let access = access.unwrap_or_default();
        // The sign-out and the lock need "manage". Older versions do not tell "resetPassword".
        if access.get("manage") != Some(&true) || access.get("resetPassword") == Some(&false) {
            return Err(format!(
                "relatch's client has no right to reset {whom}; it needs the role manage-users"
            ));
        }
        let offline = self.offline_clients(id).await;
        offline.map(drop).map_err(|_logged| {
            format!("what {whom} granted to applications cannot be read; the log says why")
        })
    }

    fn told(&self, fault: &RealmFault) -> Finding {
        match fault {
            RealmFault::Unavailable(_) => Finding::of(
                "realm",
                "the realm's roles cannot be read; the log says why",
            ),
            RealmFault::NoRole(name) => {
                let lists = [
                    ("primary_admin_roles", &self.config.primary_admin_roles),
                    (
                        "member_and_department_roles",
                        &self.config.member_and_department_roles,
                    ),
                ];
                let named = lists.into_iter().find(|(_, roles)| roles.contains(name));
                let key = named.map_or("protected_roles", |(key, _)| key);
                let told = format!(
                    "there is no role \"{name}\", which the settings name; nobody is reset without it"
                );
                Finding::of(key, told)
            }
        }
    }
}
