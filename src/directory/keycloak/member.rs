//! Who a user is: the member, their role, and whether they administer the realm.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::try_join_all;
use serde_json::Value;

use super::realm::{RealmFacts, RoleRef, UNSEEN_ADMINISTRATION};
use super::wire::{BruteForceStatus, KeycloakCredential, KeycloakUser, RoleName};
use super::{Keycloak, factors};
use crate::directory::backend::id_prefix;
use crate::directory::phones::phone_of;
use crate::directory::{By, Match, Unavailable, Wanted};
use crate::domain::member::clean_name;
use crate::domain::{EmailAddress, Guard, LoginMethod, Member, MemberId, Role, Status};

/// Logged where an answer leaves out roles that must be there.
const UNSEEN_ROLES: &str = "the roles of an account cannot be seen; the client needs view-realm";

/// Leaves out of a role what is not read.
const BRIEF: (&str, &str) = ("briefRepresentation", "true");

/// What is asked about a user beside the user. Of a caller only roles are asked, and only those that the settings name.
pub(super) struct AboutUser {
    credentials: Vec<KeycloakCredential>,
    /// True where there is no password and an identity provider signs the user in.
    has_provider_only: bool,
    /// The names of the effective roles of the realm.
    realm_roles: Vec<String>,
    /// The reading of the realm that named the clients below. Roles are judged by it, not by a newer one.
    facts: Arc<RealmFacts>,
    /// The effective roles in each of those clients.
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
    fn administers(&self) -> bool {
        let of_client = |name| self.client_roles.get(name);
        self.facts
            .administering
            .iter()
            .filter_map(of_client)
            .any(|roles| !roles.is_empty())
    }
}

impl Keycloak {
    /// The one member that a question means.
    pub(super) async fn one(&self, wanted: &Wanted) -> Result<Match, Unavailable> {
        let now = self.clock.now();
        if let Some(kept) = self.kept.get(wanted, now) {
            return Ok(Match::One(Box::new(kept)));
        }
        let found = match &wanted.by {
            By::Email(email) => self.by_email(email, wanted.is_caller).await,
            By::Id(id) => self.by_id(id, wanted.is_caller).await,
        }?;
        if let Match::One(member) = &found {
            self.kept.put(wanted, member, now);
        }
        Ok(found)
    }

    /// What does not need another answer is asked at the same time.
    async fn by_email(&self, email: &EmailAddress, is_caller: bool) -> Result<Match, Unavailable> {
        // The realm is read meanwhile, and kept for what follows.
        let realm = async { self.facts().await.map_err(Unavailable::from) };
        let (mut users, _) = tokio::try_join!(self.users_and_about(email, is_caller), realm)?;
        let Some((user, about)) = users.pop() else {
            return Ok(Match::Nobody);
        };
        let Some(about) = about else {
            let others = users.into_iter().map(|(user, _)| user.id);
            return Ok(Match::Several(others.chain([user.id]).collect()));
        };
        Ok(self.matched(&user, &about, is_caller))
    }

    /// Those with the e-mail; and what is asked about the user, where there is one.
    async fn users_and_about(
        &self,
        email: &EmailAddress,
        is_caller: bool,
    ) -> Result<Vec<(KeycloakUser, Option<AboutUser>)>, Unavailable> {
        let mut users = self.users_with(email).await?;
        if users.len() > 1 {
            return Ok(users.into_iter().map(|user| (user, None)).collect());
        }
        let Some(user) = users.pop() else {
            return Ok(Vec::new());
        };
        let about = self.about(&user.id, is_caller).await?;
        Ok(vec![(user, Some(about))])
    }

    async fn by_id(&self, id: &MemberId, is_caller: bool) -> Result<Match, Unavailable> {
        let Some(native) = self.native(id) else {
            return Ok(Match::Nobody);
        };
        let (user, about) = tokio::join!(self.user(id), self.about(native, is_caller));
        let Some(user) = user? else {
            return Ok(Match::Nobody);
        };
        let (about, user) = (about?, self.as_listed(user).await?);
        Ok(self.matched(&user, &about, is_caller))
    }

    fn matched(&self, user: &KeycloakUser, about: &AboutUser, is_caller: bool) -> Match {
        let member = self.member(user, about, is_caller);
        member.map_or(Match::Nobody, |member| Match::One(Box::new(member)))
    }

    pub(super) async fn about(&self, id: &str, is_caller: bool) -> Result<AboutUser, Unavailable> {
        let realm_roles = async {
            let roles = self.realm_roles(id, is_caller).await?;
            self.named_roles_exist(is_caller, &roles).await?;
            Ok::<_, Unavailable>(roles)
        };
        let asked = tokio::try_join!(
            self.ways_in(id, is_caller),
            realm_roles,
            self.client_roles(id, is_caller)
        );
        // A realm that was made anew has other clients.
        let ((credentials, has_provider_only), realm_roles, (facts, client_roles)) =
            asked.inspect_err(|_| self.read_facts_anew())?;
        Ok(AboutUser {
            credentials,
            has_provider_only,
            realm_roles,
            facts,
            client_roles,
        })
    }

    /// The credentials, and whether an identity provider is the only way in.
    async fn ways_in(
        &self,
        id: &str,
        is_caller: bool,
    ) -> Result<(Vec<KeycloakCredential>, bool), Unavailable> {
        if is_caller {
            return Ok((Vec::new(), false));
        }
        let credentials = self.credentials(id).await?;
        let has_password = credentials.iter().any(KeycloakCredential::is_password);
        let has_provider_only = !has_password && self.has_provider(id).await?;
        Ok((credentials, has_provider_only))
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

    /// The effective roles of the clients whose roles matter, with the reading of the realm that says which those are.
    async fn client_roles(
        &self,
        id: &str,
        is_caller: bool,
    ) -> Result<(Arc<RealmFacts>, BTreeMap<String, Vec<String>>), Unavailable> {
        let facts = self.facts().await?;
        let matter = |name: &str| {
            !is_caller
                || self.administrators_roles().any(
                    |role| matches!(RoleRef::of(role), RoleRef::Client(client, _) if client == name),
                )
        };
        let clients = facts.clients.iter().filter(|(name, _)| matter(name));
        let asked = clients.map(|(name, client)| async move {
            let path = ["users", id, "role-mappings", "clients", client, "composite"];
            let roles: Vec<RoleName> = self
                .api
                .list(&path, &[BRIEF], UNSEEN_ADMINISTRATION)
                .await?;
            let names = roles.into_iter().map(|role| role.name).collect();
            Ok::<_, Unavailable>((name.clone(), names))
        });
        let roles = try_join_all(asked).await?.into_iter().collect();
        Ok((facts, roles))
    }

    /// The names of the account's effective realm roles. Nearly everybody has one, the realm's default role; "no roles" is
    /// believed only while the realm's roles can be seen.
    async fn realm_roles(&self, id: &str, is_caller: bool) -> Result<Vec<String>, Unavailable> {
        let of_realm = |role| matches!(RoleRef::of(role), RoleRef::Realm(_));
        if is_caller && !self.administrators_roles().any(of_realm) {
            return Ok(Vec::new());
        }
        let path = ["users", id, "role-mappings", "realm", "composite"];
        let roles: Vec<RoleName> = self.api.list(&path, &[BRIEF], UNSEEN_ROLES).await?;
        if roles.is_empty() {
            let one = [("first", "0"), ("max", "1"), BRIEF];
            let all: Vec<RoleName> = self.api.list(&["roles"], &one, UNSEEN_ROLES).await?;
            if all.is_empty() {
                return Err(self.api.misconfigured(UNSEEN_ROLES, None));
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
    fn guard(&self, user: &KeycloakUser, about: &AboutUser) -> Option<Guard> {
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
        } else if about.administers() || about.has_one_of(self.protected_roles()) {
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

    /// The member that a user is; None where the user has no e-mail. Of a caller neither password nor protection is known.
    fn member(&self, user: &KeycloakUser, about: &AboutUser, is_caller: bool) -> Option<Member> {
        let business_email = user.email()?;
        let (id, config) = (user.id.as_str(), &self.config);
        let has_password = is_caller
            || about
                .credentials
                .iter()
                .any(KeycloakCredential::is_password);
        let role = self.role(about);
        let guard = if is_caller {
            user.is_locked_for_good().then_some(Guard::Locked)
        } else {
            self.guard(user, about)
        };
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
        Some(Member {
            id: MemberId(format!("{}{id}", id_prefix(&config.common.name))),
            name: if name.is_empty() {
                business_email.to_string()
            } else {
                name
            },
            login_method: if about.has_provider_only {
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
            has_other_password: user.federation_link.is_some(),
            second_factors: factors::of_user(
                &about.credentials,
                about.facts.asked_factors.as_ref(),
            ),
            business_email,
        })
    }
}
