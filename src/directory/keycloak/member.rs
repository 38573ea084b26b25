//! Who a user is: the member, their role, and whether they administer the realm.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use serde_json::Value;

use super::Keycloak;
use super::realm::{RealmFacts, RoleRef, UNSEEN_ADMINISTRATION};
use super::wire::{BruteForceStatus, KeycloakCredential, KeycloakUser, RoleName};
use crate::directory::backend::id_prefix;
use crate::directory::phones::phone_of;
use crate::directory::{By, Match, Unavailable};
use crate::domain::member::clean_name;
use crate::domain::{EmailAddress, Guard, LoginMethod, Member, MemberId, Role, Status};

/// Logged where an answer leaves out roles that must be there.
const UNSEEN_ROLES: &str = "the roles of an account cannot be seen; the client needs view-realm";

/// Leaves out of a role what is not read.
const BRIEF: [(&str, &str); 1] = [("briefRepresentation", "true")];

/// What is asked about a user beside the user.
struct AboutUser {
    credentials: Vec<KeycloakCredential>,
    /// The names of the effective roles of the realm.
    realm_roles: Vec<String>,
    /// Those of the clients of [`RealmFacts`].
    client_roles: BTreeMap<String, Vec<String>>,
}

impl AboutUser {
    fn has_one_of<'a>(&self, named: impl IntoIterator<Item = &'a str>) -> bool {
        named.into_iter().any(|named| match RoleRef::of(named) {
            RoleRef::Realm(wanted) => self.realm_roles.iter().any(|role| role == wanted),
            RoleRef::Client(client, wanted) => {
                let roles = self.client_roles.get(client);
                roles.is_some_and(|roles| roles.iter().any(|role| role == wanted))
            }
        })
    }

    /// True where the account has any role that administers a realm.
    fn administers(&self, facts: &RealmFacts) -> bool {
        let of_client = |name| self.client_roles.get(name);
        facts
            .administering
            .iter()
            .filter_map(of_client)
            .any(|roles| !roles.is_empty())
    }
}

impl Keycloak {
    /// The one member that a question means. What does not need another answer is asked at the same time.
    pub(super) async fn one(&self, by: &By) -> Result<Match, Unavailable> {
        let (user, about, facts) = match by {
            By::Email(email) => {
                let facts = async { Ok(self.facts().await?) };
                let (mut users, facts) = tokio::try_join!(self.users_with(email), facts)?;
                if users.len() > 1 {
                    let ids = users.into_iter().map(|user| user.id);
                    return Ok(Match::Several(ids.collect()));
                }
                let Some(user) = users.pop() else {
                    return Ok(Match::Nobody);
                };
                let about = self.about(&user.id, &facts).await?;
                (user, about, facts)
            }
            By::Id(id) => {
                let Some(native) = self.native(id) else {
                    return Ok(Match::Nobody);
                };
                let about = async {
                    let facts = self.facts().await?;
                    Ok::<_, Unavailable>((self.about(native, &facts).await?, facts))
                };
                let (user, about) = tokio::join!(self.user(id), about);
                let Some(user) = user? else {
                    return Ok(Match::Nobody);
                };
                let (about, facts) = about?;
                (self.as_listed(user).await?, about, facts)
            }
        };
        let member = self.member(user, &about, &facts).await?;
        Ok(member.map_or(Match::Nobody, |member| Match::One(Box::new(member))))
    }

    async fn about(&self, id: &str, facts: &RealmFacts) -> Result<AboutUser, Unavailable> {
        let asked = tokio::try_join!(
            self.credentials(id),
            self.realm_roles(id),
            self.client_roles(id, facts)
        );
        // A realm that was made anew has other clients.
        let (credentials, realm_roles, client_roles) =
            asked.inspect_err(|_| self.read_facts_anew())?;
        Ok(AboutUser {
            credentials,
            realm_roles,
            client_roles,
        })
    }

    /// Until 26.2 an account that is locked for a while is `enabled: false` where it is asked for by id, and true in a list.
    async fn as_listed(&self, user: KeycloakUser) -> Result<KeycloakUser, Unavailable> {
        let Some(email) = user
            .email()
            .filter(|_| !user.enabled && !user.is_locked_for_good())
        else {
            return Ok(user);
        };
        let path = ["attack-detection", "brute-force", "users", &user.id];
        let lock: Option<BruteForceStatus> = self.api.get(&path, &[]).await?;
        if !lock.is_some_and(|lock| lock.disabled) {
            return Ok(user);
        }
        let listed = self.users_with(&email).await?.into_iter();
        let enabled = listed
            .filter(|one| one.id == user.id)
            .any(|one| one.enabled);
        Ok(KeycloakUser { enabled, ..user })
    }

    /// The effective roles of the clients whose roles matter.
    async fn client_roles(
        &self,
        id: &str,
        facts: &RealmFacts,
    ) -> Result<BTreeMap<String, Vec<String>>, Unavailable> {
        let asked = facts.clients.iter().map(|(name, client)| async move {
            let path = ["users", id, "role-mappings", "clients", client, "composite"];
            let roles: Vec<RoleName> = self.api.list(&path, &BRIEF, UNSEEN_ADMINISTRATION).await?;
            let names = roles.into_iter().map(|role| role.name).collect();
            Ok::<_, Unavailable>((name.clone(), names))
        });
        Ok(try_join_all(asked).await?.into_iter().collect())
    }

    /// The names of the account's effective realm roles. Nearly everybody has one, the realm's default role; "no roles" is
    /// believed only while the realm's roles can be seen.
    async fn realm_roles(&self, id: &str) -> Result<Vec<String>, Unavailable> {
        let path = ["users", id, "role-mappings", "realm", "composite"];
        let roles: Vec<RoleName> = self.api.list(&path, &BRIEF, UNSEEN_ROLES).await?;
        if roles.is_empty() {
            let one = [("first", "0"), ("max", "1")];
            let all: Vec<RoleName> = self.api.list(&["roles"], &one, UNSEEN_ROLES).await?;
            if all.is_empty() {
                return Err(self.api.unavailable(UNSEEN_ROLES));
            }
        }
        Ok(roles.into_iter().map(|role| role.name).collect())
    }

    fn role(&self, about: &AboutUser) -> Role {
        let config = &self.config;
        let has = |named: &[String]| about.has_one_of(named.iter().map(String::as_str));
        if has(&config.primary_admin_roles) {
            Role::PrimaryAdmin
        } else if has(&config.member_and_department_roles) {
            Role::MemberAndDepartment
        } else {
            Role::Member
        }
    }

    /// Why the account must not be reset from here, if it must not.
    fn guard(&self, user: &KeycloakUser, about: &AboutUser, facts: &RealmFacts) -> Option<Guard> {
        // An account of another system has a password of its own here once somebody has set one (the mode UNSYNCED).
        let is_elsewhere = user.federation_link.is_some()
            && !about
                .credentials
                .iter()
                .any(KeycloakCredential::is_own_password);
        // A protected administrator whom Keycloak has locked administers nobody, so the lock goes first.
        if user.is_locked_for_good() {
            Some(Guard::Locked)
        } else if user.is_service_account() {
            Some(Guard::ServiceAccount)
        } else if about.administers(facts) || about.has_one_of(self.protected_roles()) {
            Some(Guard::Protected)
        } else {
            is_elsewhere.then_some(Guard::ManagedElsewhere)
        }
    }

    /// True where an identity provider signs the user in.
    async fn has_provider(&self, id: &str) -> Result<bool, Unavailable> {
        let path = ["users", id, "federated-identity"];
        let providers: Option<Vec<Value>> = self.api.get(&path, &[]).await?;
        Ok(providers.is_some_and(|all| !all.is_empty()))
    }

    /// The member that a user is; None where the user has no e-mail.
    async fn member(
        &self,
        user: KeycloakUser,
        about: &AboutUser,
        facts: &RealmFacts,
    ) -> Result<Option<Member>, Unavailable> {
        let Some(business_email) = user.email() else {
            return Ok(None);
        };
        let (id, config) = (user.id.as_str(), &self.config);
        let has_password = about
            .credentials
            .iter()
            .any(KeycloakCredential::is_password);
        let has_provider = !has_password && self.has_provider(id).await?;
        let (role, guard) = (self.role(about), self.guard(&user, about, facts));
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
        let (phone, phone_remarks) =
            phone_of(&config.common.name, id, phones, self.default_country);
        Ok(Some(Member {
            id: MemberId(format!("{}{id}", id_prefix(&config.common.name))),
            name: if name.is_empty() {
                business_email.to_string()
            } else {
                name
            },
            login_method: if has_provider {
                LoginMethod::Sso
            } else {
                LoginMethod::BusinessEmail
            },
            status: match (user.enabled || user.is_locked_for_good(), has_password) {
                (false, _) => Status::Suspended,
                (true, true) => Status::Active,
                (true, false) => Status::Inactive,
            },
            phone,
            phone_remarks,
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
