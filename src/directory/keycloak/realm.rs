//! What is known of the realm beside its users: what it can do, and where the roles of the settings are.
//!
//! It is read with the first look-up and again when it is older than [`FACTS_LIFE`], so that a change there is seen without a
//! question at every click.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use futures_util::future::{BoxFuture, try_join_all};

use super::factors::{AskedFactors, DEFAULT_FLOW};
use super::wire::{RealmClient, RealmSettings, RequiredAction, RoleName};
use super::{Keycloak, UPDATE_PASSWORD};
use crate::directory::Unavailable;
use crate::domain::{Moment, Span};

/// How long what was read of the realm is used.
const FACTS_LIFE: Span = Span::seconds(60);

/// The realm from which all others are administered.
const MASTER: &str = "master";

/// Realm roles of `master` that administer every realm, or can make new ones.
const MASTER_ROLES: [&str; 2] = ["admin", "create-realm"];

/// Logged where an answer leaves out the roles that administer the realm.
pub(super) const UNSEEN_ADMINISTRATION: &str =
    "the roles that administer the realm cannot be seen; the client needs view-clients";

/// A role of the settings: of the realm, or `client/role`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RoleRef<'a> {
    Realm(&'a str),
    Client(&'a str, &'a str),
}

impl<'a> RoleRef<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        // The name of a client can be an address (SAML), and has slashes then.
        match text.rsplit_once('/') {
            Some((client, role)) => Self::Client(client, role),
            None => Self::Realm(text),
        }
    }
}

/// Why the realm cannot be used.
#[derive(Debug)]
pub(super) enum RealmFault {
    Unavailable(Unavailable),
    /// The settings name a role that does not exist.
    NoRole(String),
}

impl From<Unavailable> for RealmFault {
    fn from(why: Unavailable) -> Self {
        Self::Unavailable(why)
    }
}

impl From<RealmFault> for Unavailable {
    fn from(fault: RealmFault) -> Self {
        match fault {
            RealmFault::Unavailable(why) => why,
            RealmFault::NoRole(_) => Self::Misconfigured,
        }
    }
}

/// Whether what was read at a time still counts. If the clock was set back, nothing does.
fn is_young(read_at: Moment, now: Moment) -> bool {
    (now - read_at).0.abs() < FACTS_LIFE.0
}

/// The ids of clients by their names, and which of them administer a realm.
type Clients = (BTreeMap<String, String>, BTreeSet<String>);

/// What is known of the realm.
#[derive(Clone, Debug)]
pub(super) struct RealmFacts {
    read_at: Moment,
    /// False where the realm asks nobody for a new password; None where relatch's client may not see that.
    pub(super) asks_for_new_password: Option<bool>,
    /// None where relatch's client may not see the realm's settings.
    pub(super) settings: Option<RealmSettings>,
    /// None where relatch's client may not see what the sign-in asks for, or cannot read it.
    pub(super) asked_factors: Option<AskedFactors>,
    /// The ids of the clients whose roles are asked for, by their names.
    pub(super) clients: BTreeMap<String, String>,
    /// Those of them of which every role administers a realm.
    pub(super) administering: BTreeSet<String>,
}

impl RealmFacts {
    /// True where the realm surely cannot send mail.
    pub(super) fn has_no_mail(&self) -> bool {
        self.settings
            .as_ref()
            .is_some_and(|settings| settings.smtp_server.as_ref().is_some_and(HashMap::is_empty))
    }
}

impl Keycloak {
    /// What is known of the realm now.
    pub(super) async fn facts(&self) -> Result<Arc<RealmFacts>, RealmFault> {
        let now = self.clock.now();
        if let Some(facts) = self.young_facts(now) {
            return Ok(facts);
        }
        // Who comes meanwhile waits for this reading, and uses it.
        let _reading = self.reading.lock().await;
        match self.young_facts(now) {
            Some(facts) => Ok(facts),
            None => self.read_facts(now).await,
        }
    }

    fn young_facts(&self, now: Moment) -> Option<Arc<RealmFacts>> {
        self.known_facts()
            .filter(|facts| is_young(facts.read_at, now))
    }

    /// A boxed future, because the compiler gives up on checking how deep the calls in it are nested.
    fn read_facts(&self, now: Moment) -> BoxFuture<'_, Result<Arc<RealmFacts>, RealmFault>> {
        Box::pin(self.facts_of(now))
    }

    async fn facts_of(&self, now: Moment) -> Result<Arc<RealmFacts>, RealmFault> {
        let (asks_for_new_password, (settings, asked_factors), (clients, administering)) = tokio::try_join!(
            self.asks_for_new_password(),
            self.settings_and_factors(),
            self.clients(),
        )?;
        let facts = Arc::new(RealmFacts {
            read_at: now,
            asks_for_new_password,
            settings,
            asked_factors,
            clients,
            administering,
        });
        self.keep_facts(Arc::clone(&facts));
        Ok(facts)
    }

    /// The flow is read beside the settings that name it: the one that the realm had last, else the default one.
    async fn settings_and_factors(
        &self,
    ) -> Result<(Option<RealmSettings>, Option<AskedFactors>), RealmFault> {
        let known = self
            .known_facts()
            .and_then(|facts| facts.settings.as_ref()?.browser_flow.clone());
        let likely = known.as_deref().unwrap_or(DEFAULT_FLOW);
        let (settings, by_likely) =
            tokio::try_join!(self.settings(), async { Ok(self.asked_by(likely).await) })?;
        let flow = settings
            .as_ref()
            .and_then(|settings| settings.browser_flow.as_deref());
        let asked_factors = match flow {
            Some(flow) if flow == likely => by_likely,
            Some(other) => self.asked_by(other).await,
            None => None,
        };
        Ok((settings, asked_factors))
    }

    /// What was read last, however long ago.
    pub(super) fn known_facts(&self) -> Option<Arc<RealmFacts>> {
        self.facts.lock().ok().and_then(|known| known.clone())
    }

    fn keep_facts(&self, facts: Arc<RealmFacts>) {
        if let Ok(mut known) = self.facts.lock() {
            *known = Some(facts);
        }
    }

    /// Lets the next look-up read the realm anew. Until then what is known stays for the texts of cards.
    pub(super) fn read_facts_anew(&self) {
        if let Ok(mut found) = self.found_roles.lock() {
            found.clear();
        }
        if let Some(known) = self.known_facts() {
            self.keep_facts(Arc::new(RealmFacts {
                read_at: Moment(0),
                ..RealmFacts::clone(&known)
            }));
        }
    }

    /// Whether the realm asks for a new password at the next sign-in; None where relatch's client may not see that.
    pub(super) async fn asks_for_new_password(&self) -> Result<Option<bool>, RealmFault> {
        let path = ["authentication", "required-actions", UPDATE_PASSWORD];
        let action: Option<Option<RequiredAction>> = self.api.get_if_seen(&path).await?;
        // Without the action in the realm nobody is asked.
        Ok(action.map(|action| action.is_some_and(|action| action.enabled)))
    }

    /// None where relatch's client may not see them: it is answered all the same then, with names alone.
    async fn settings(&self) -> Result<Option<RealmSettings>, RealmFault> {
        let read: Option<RealmSettings> = self.api.get_if_seen(&[]).await?.flatten();
        Ok(read.filter(|settings| settings.smtp_server.is_some()))
    }

    /// The roles that make somebody an administrator.
    pub(super) fn administrators_roles(&self) -> impl Iterator<Item = &str> {
        let config = &self.config;
        let primary = config.primary_admin_roles.iter();
        primary
            .chain(&config.member_and_department_roles)
            .map(String::as_str)
    }

    /// A role that does not exist protects nobody and makes nobody an administrator: then nobody is reset. Of a caller the
    /// roles of administrators count, of a member the protected ones too; the default of `protected_roles` need not exist.
    /// A role that the account has is there, and so is one that was found lately.
    pub(super) async fn named_roles_exist(
        &self,
        is_caller: bool,
        has: &[String],
    ) -> Result<(), RealmFault> {
        let now = self.clock.now();
        let named = self.named_realm_roles(is_caller);
        for name in named
            .iter()
            .filter(|name| has.iter().any(|own| own == *name))
        {
            self.note_found(name, now);
        }
        let asked = named
            .into_iter()
            .filter(|name| !self.was_found(name, now))
            .map(|name| async move {
                self.exists(&["roles", name], name, name).await?;
                self.note_found(name, now);
                Ok(())
            });
        try_join_all(asked).await.map(drop)
    }

    fn named_realm_roles(&self, is_caller: bool) -> BTreeSet<&str> {
        let administrators = self.administrators_roles();
        let protecting = self.protecting_roles().filter(|_| !is_caller);
        administrators
            .chain(protecting)
            .filter(|name| matches!(RoleRef::of(name), RoleRef::Realm(_)))
            .collect()
    }

    fn protecting_roles(&self) -> impl Iterator<Item = &str> {
        let protected = self.config.protected_roles.iter().flatten();
        protected.map(String::as_str)
    }

    fn was_found(&self, role: &str, now: Moment) -> bool {
        let found = self.found_roles.lock();
        found.is_ok_and(|found| found.get(role).is_some_and(|at| is_young(*at, now)))
    }

    fn note_found(&self, role: &str, now: Moment) {
        if let Ok(mut found) = self.found_roles.lock() {
            found.insert(role.to_owned(), now);
        }
    }

    /// A database that ignores case answers with a role of another name.
    async fn exists(&self, path: &[&str], role: &str, named: &str) -> Result<(), RealmFault> {
        let found: Option<RoleName> = self.api.get(path, &[]).await?;
        found
            .filter(|found| found.name == role)
            .map(drop)
            .ok_or_else(|| self.role_is_missing(named))
    }

    fn role_is_missing(&self, named: &str) -> RealmFault {
        self.api.misconfigured(
            &format!("there is no role \"{named}\", which the settings name"),
            None,
        );
        RealmFault::NoRole(named.to_owned())
    }

    /// The clients whose roles are asked for, with their ids; and those of which every role administers a realm.
    async fn clients(&self) -> Result<Clients, RealmFault> {
        let is_master = self.config.realm == MASTER;
        let (own, named) = tokio::try_join!(self.administering(is_master), self.named_clients())?;
        let administering = own.iter().map(|client| client.client_id.clone()).collect();
        let all = own.into_iter().chain(named);
        Ok((
            all.map(|client| (client.client_id, client.id)).collect(),
            administering,
        ))
    }

    /// The client whose roles administer the realm; in `master` one for each realm.
    async fn administering(&self, is_master: bool) -> Result<Vec<RealmClient>, RealmFault> {
        let name = if is_master {
            "-realm"
        } else {
            "realm-management"
        };
        // A client that can be listed but not viewed does not help: answers may leave out its roles.
        let mut query = vec![("clientId", name), ("viewableOnly", "true")];
        if is_master {
            query.push(("search", "true"));
        }
        let mut found: Vec<RealmClient> = self
            .api
            .list(&["clients"], &query, UNSEEN_ADMINISTRATION)
            .await?;
        found.retain(|client| {
            if is_master {
                client.client_id.ends_with(name)
            } else {
                client.client_id == name
            }
        });
        let own = if is_master { "master-realm" } else { name };
        if found.iter().any(|client| client.client_id == own) {
            Ok(found)
        } else {
            Err(self.api.misconfigured(UNSEEN_ADMINISTRATION, None).into())
        }
    }

    async fn named_clients(&self) -> Result<Vec<RealmClient>, RealmFault> {
        let mut roles: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
        for named in self.protecting_roles().chain(self.administrators_roles()) {
            if let RoleRef::Client(client, role) = RoleRef::of(named) {
                roles.entry(client).or_default().push((role, named));
            }
        }
        let asked = roles.into_iter().map(|(name, roles)| async move {
            let query = [("clientId", name), ("viewableOnly", "true")];
            let found: Vec<RealmClient> = self
                .api
                .list(&["clients"], &query, UNSEEN_ADMINISTRATION)
                .await?;
            let client = found.into_iter().find(|client| client.client_id == name);
            let named = roles.first().map_or(name, |(_, named)| *named);
            let client = client.ok_or_else(|| self.role_is_missing(named))?;
            let id = client.id.as_str();
            let each = roles.into_iter().map(|(role, named)| async move {
                self.exists(&["clients", id, "roles", role], role, named)
                    .await
            });
            try_join_all(each).await?;
            Ok(client)
        });
        try_join_all(asked).await
    }

    /// The roles whose holders are not reset from here.
    pub(super) fn protected_roles(&self) -> Vec<&str> {
        match &self.config.protected_roles {
            Some(named) => named.iter().map(String::as_str).collect(),
            None => vec!["admin"],
        }
        .into_iter()
        .chain(
            MASTER_ROLES
                .into_iter()
                .filter(|_| self.config.realm == MASTER),
        )
        .collect()
    }
}
