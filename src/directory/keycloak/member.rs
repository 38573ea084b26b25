//! Who a user is: the member, their role, and whether they administer the realm.

use serde_json::Value;

use super::Keycloak;
use super::wire::{KeycloakCredential, KeycloakUser, RealmClient, RoleName};
use crate::directory::Unavailable;
use crate::directory::backend::id_prefix;
use crate::directory::phones::phone_of;
use crate::domain::member::clean_name;
use crate::domain::{EmailAddress, Guard, LoginMethod, Member, MemberId, Role, Status};

/// Logged where an answer leaves out roles that must be there.
const UNSEEN_ROLES: &str = "the roles of an account cannot be seen; the client needs view-realm";

/// Logged where it leaves out the roles that administer the realm.
const UNSEEN_ADMINISTRATION: &str =
    "the roles that administer the realm cannot be seen; the client needs view-clients";

impl Keycloak {
    /// The id of the client whose roles administer the realm.
    pub(super) async fn administration(&self) -> Result<String, Unavailable> {
        let mut known = self.administration.lock().await;
        if let Some(id) = known.as_ref() {
            return Ok(id.clone());
        }
        let name = administration_of(&self.config.realm);
        // A client that can be listed but not viewed does not help: answers may leave out its roles.
        let query = [("clientId", name), ("viewableOnly", "true")];
        let found: Vec<RealmClient> = self
            .api
            .list(&["clients"], &query, UNSEEN_ADMINISTRATION)
            .await?;
        let own = found.into_iter().find(|client| client.client_id == name);
        let id = own
            .ok_or_else(|| self.api.unavailable(UNSEEN_ADMINISTRATION))?
            .id;
        *known = Some(id.clone());
        Ok(id)
    }

    /// True where the account has any effective role that administers the realm.
    async fn administers(&self, id: &str) -> Result<bool, Unavailable> {
        let client = self.administration().await?;
        let path = [
            "users",
            id,
            "role-mappings",
            "clients",
            &client,
            "composite",
        ];
        let roles: Result<Vec<RoleName>, Unavailable> =
            self.api.list(&path, &[], UNSEEN_ADMINISTRATION).await;
        if roles.as_ref().is_ok_and(|roles| !roles.is_empty()) {
            return Ok(true);
        }
        // A realm that was recreated has another client, and "no roles" is believed only while the client can be seen.
        *self.administration.lock().await = None;
        roles?;
        self.administration().await.map(|_| false)
    }

    /// The names of the account's effective realm roles. Nearly everybody has one, the realm's default role; "no roles" is
    /// believed only while the realm's roles can be seen.
    async fn realm_roles(&self, id: &str) -> Result<Vec<String>, Unavailable> {
        let path = ["users", id, "role-mappings", "realm", "composite"];
        let roles: Vec<RoleName> = self.api.list(&path, &[], UNSEEN_ROLES).await?;
        if roles.is_empty() {
            let all: Vec<RoleName> = self
                .api
                .list(&["roles"], &[("first", "0"), ("max", "1")], UNSEEN_ROLES)
                .await?;
            if all.is_empty() {
                return Err(self.api.unavailable(UNSEEN_ROLES));
            }
        }
        Ok(roles.into_iter().map(|role| role.name).collect())
    }

    /// The member's role, and why the account must not be reset from here, if it must not.
    async fn role_and_guard(
        &self,
        user: &KeycloakUser,
    ) -> Result<(Role, Option<Guard>), Unavailable> {
        let config = &self.config;
        let roles = self.realm_roles(&user.id).await?;
        let administers = self.administers(&user.id).await?;
        let has_one_of = |wanted: &[String]| roles.iter().any(|role| wanted.contains(role));
        let role = if has_one_of(&config.primary_admin_roles) {
            Role::PrimaryAdmin
        } else if has_one_of(&config.member_and_department_roles) {
            Role::MemberAndDepartment
        } else {
            Role::Member
        };
        let is_elsewhere = user.federation_link.is_some();
        let guard = if administers || has_one_of(&config.protected_roles) {
            Some(Guard::Protected)
        } else {
            is_elsewhere.then_some(Guard::ManagedElsewhere)
        };
        Ok((role, guard))
    }

    /// The member that a user is; None where the user has no e-mail.
    pub(super) async fn member(&self, user: KeycloakUser) -> Result<Option<Member>, Unavailable> {
        let Some(business_email) = user.email() else {
            return Ok(None);
        };
        let (id, config) = (user.id.as_str(), &self.config);
        let credentials = self.credentials(id).await?;
        let has_password = credentials.iter().any(KeycloakCredential::is_password);
        let providers: Option<Vec<Value>> = self
            .api
            .get(&["users", id, "federated-identity"], &[])
            .await?;
        let has_provider = providers.is_some_and(|all| !all.is_empty());
        let (role, guard) = self.role_and_guard(&user).await?;
        let name = [user.first_name.as_deref(), user.last_name.as_deref()];
        let name = clean_name(&name.into_iter().flatten().collect::<Vec<_>>().join(" "));
        let attribute = |name: &str| user.attribute(name);
        let personal_email = config
            .personal_email_attribute
            .as_deref()
            .and_then(attribute)
            .and_then(|text| text.parse::<EmailAddress>().ok())
            .filter(|email| !config.common.has(email));
        let phones = attribute(&config.phone_attribute).into_iter();
        let (phone, phone_remark) = phone_of(&config.common.name, id, phones, self.default_country);
        Ok(Some(Member {
            id: MemberId(format!("{}{id}", id_prefix(&config.common.name))),
            name: if name.is_empty() {
                business_email.to_string()
            } else {
                name
            },
            login_method: if !has_password && has_provider {
                LoginMethod::Sso
            } else {
                LoginMethod::BusinessEmail
            },
            status: match (user.enabled, has_password) {
                (false, _) => Status::Suspended,
                (true, true) => Status::Active,
                (true, false) => Status::Inactive,
            },
            phone,
            phone_remark,
            personal_email,
            role,
            department: attribute(&config.department_attribute).map(clean_name),
            aliases: Vec::new(),
            manager_email: None,
            guard,
            never_expires: false,
            business_email,
        }))
    }
}

/// The client whose roles administer a realm. The master realm, from which all others are administered, has one of another
/// name.
fn administration_of(realm: &str) -> &'static str {
    if realm == "master" {
        "master-realm"
    } else {
        "realm-management"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_master_realm_is_administered_by_a_client_of_another_name() {
        assert_eq!(administration_of("corp"), "realm-management");
        assert_eq!(administration_of("master"), "master-realm");
    }
}
