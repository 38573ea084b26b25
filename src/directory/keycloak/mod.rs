//! Keycloak, through its Admin REST API.
//!
//! A reset there ends no session and lifts no lock of failed sign-ins; both are calls of their own
//! ([`Backend::sign_out`], [`Backend::unlock`]), which can be repeated. A member whose password another system keeps, or who
//! signs in through an identity provider only, is recognised before anything is written. So is anybody who administers the
//! realm: by the effective roles, which include those of groups and of other roles. Newer servers leave out of a list what
//! the client may not view, so an empty list of roles is checked before it is believed.
//!
//! Sources: Keycloak's "Admin REST API" (users, clients, role mapper, client role mappings, attack detection) and "Server
//! administration guide" (service accounts, required actions).

mod api;
mod config;
mod factors;
mod kept;
mod member;
mod policy;
mod probe;
mod realm;
mod refusal;
mod sign_out;
mod token;
mod wire;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::try_join_all;
use serde_json::json;
use zeroize::Zeroizing;

use self::api::AdminApi;
pub(super) use self::config::Config;
use self::kept::KeptMembers;
use self::realm::RealmFacts;
use self::wire::{KeycloakCredential, KeycloakUser};
use super::backend::id_prefix;
use super::{
    Backend, By, Capabilities, Enforced, Match, ResetFailed, Unavailable, Wanted, phones,
    self_write,
};
use crate::clock::Clock;
use crate::domain::country::Country;
use crate::domain::makeup::PasswordNeeds;
use crate::domain::{EmailAddress, MemberId, Moment, Password, Span};
use crate::net::TlsError;
use crate::settings::Finding;
use crate::store::Reservation;

/// How long lifting the lock may take after a link was sent. With the calls before it this stays within the deadline of a
/// change, past which nobody could say that the link was sent.
const LINK_UNLOCK_DEADLINE: Duration = Duration::from_millis(1500);

/// What a member has to do at the next sign-in.
const UPDATE_PASSWORD: &str = "UPDATE_PASSWORD";

pub struct Keycloak {
    config: Config,
    api: AdminApi,
    clock: Clock,
    /// What was read of the realm last.
    facts: Mutex<Option<Arc<RealmFacts>>>,
    /// Held while the realm is read.
    reading: tokio::sync::Mutex<()>,
    /// When roles of the realm that the settings name were found.
    found_roles: Mutex<BTreeMap<String, Moment>>,
    kept: KeptMembers,
    /// The country of phones without a country code.
    default_country: Option<Country>,
}

impl Keycloak {
    /// The realm of these settings. It is asked when the first member is looked up.
    fn new(
        config: Config,
        clock: Clock,
        default_country: Option<Country>,
    ) -> Result<Self, TlsError> {
        Ok(Self {
            api: AdminApi::new(&config, clock.clone())?,
            config,
            clock,
            facts: Mutex::default(),
            reading: tokio::sync::Mutex::default(),
            found_roles: Mutex::default(),
            kept: KeptMembers::default(),
            default_country,
        })
    }

    fn native<'a>(&self, member: &'a MemberId) -> Option<&'a str> {
        let native = member
            .0
            .strip_prefix(&id_prefix(&self.config.common.name))?;
        // The id becomes part of an address: it must not be able to change the path.
        let is_id = !native.is_empty()
            && native
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_:".contains(&b));
        is_id.then_some(native)
    }

    async fn user(&self, member: &MemberId) -> Result<Option<KeycloakUser>, Unavailable> {
        let Some(native) = self.native(member) else {
            return Ok(None);
        };
        let user: Option<KeycloakUser> = self.api.get(&["users", native], &[]).await?;
        Ok(user.filter(|user| user.id == native))
    }

    async fn credentials(&self, id: &str) -> Result<Vec<KeycloakCredential>, Unavailable> {
        let found = self.api.get(&["users", id, "credentials"], &[]).await?;
        Ok(found.unwrap_or_default())
    }

    async fn users_with(&self, email: &EmailAddress) -> Result<Vec<KeycloakUser>, Unavailable> {
        let key = email.key();
        let asked = email.spellings().into_iter().map(|spelling| async move {
            let query = [
                ("email", spelling.as_str()),
                ("exact", "true"),
                ("max", "3"),
                ("briefRepresentation", "false"),
            ];
            let found: Option<Vec<KeycloakUser>> = self.api.get(&["users"], &query).await?;
            Ok::<_, Unavailable>(found.unwrap_or_default())
        });
        let found = try_join_all(asked).await?.into_iter();
        let mut users: Vec<KeycloakUser> = found.flatten().collect();
        // A server that ignores half of the question must not answer with somebody else.
        users.retain(|user| user.email().is_some_and(|own| own.key() == key));
        Ok(users)
    }
}

impl Backend for Keycloak {
    fn name(&self) -> &str {
        &self.config.common.name
    }

    fn capabilities(&self) -> Capabilities {
        // As of the last look-up; whoever asks has looked a member up.
        let facts = self.known_facts();
        let asks = facts
            .as_ref()
            .is_none_or(|facts| facts.asks_for_new_password != Some(false));
        let has_mail = facts.is_some_and(|facts| !facts.has_no_mail());
        Capabilities {
            can_sign_out: true,
            must_change: asks,
            asks_nobody: !asks,
            forces_change_apart: false,
            unlocks_apart: true,
            has_our_pages: false,
            // Where nobody is asked for a new password, the link ends without a form for one.
            signs_members_in: true,
            own_link: (asks && has_mail).then_some(self.config.link_lifetime),
        }
    }

    fn password_needs(&self) -> PasswordNeeds {
        let facts = self.known_facts();
        let settings = facts.as_ref().and_then(|facts| facts.settings.as_ref());
        settings.map_or_else(PasswordNeeds::default, |settings| settings.policy().needs)
    }

    async fn find(&self, by: &[By]) -> Result<Vec<Match>, Unavailable> {
        let wanted: Vec<Wanted> = by.iter().cloned().map(Wanted::whole).collect();
        self.find_wanted(&wanted).await
    }

    async fn find_wanted(&self, wanted: &[Wanted]) -> Result<Vec<Match>, Unavailable> {
        // Boxed, because each holds several calls.
        try_join_all(wanted.iter().map(|wanted| Box::pin(self.one(wanted)))).await
    }

    async fn reset(
        &self,
        reservation: &Reservation,
        password: &Password,
        _until: Moment,
    ) -> Result<(), ResetFailed> {
        let native = self
            .native(reservation.member())
            .ok_or_else(ResetFailed::gone)?;
        let url = self
            .api
            .admin_url(&["users", native, "reset-password"])
            .ok_or_else(ResetFailed::gone)?;
        let body = json!({ "type": "password", "temporary": true, "value": password.expose() });
        let body = Zeroizing::new(body.to_string().into_bytes());
        self.api.put(url, &body, refusal::of_change).await
    }

    /// "Execute actions email": Keycloak's own page asks for the new password.
    async fn send_link(&self, member: &MemberId) -> Result<Span, ResetFailed> {
        let native = self.native(member).ok_or_else(ResetFailed::gone)?;
        let mut url = self
            .api
            .admin_url(&["users", native, "execute-actions-email"])
            .ok_or_else(ResetFailed::gone)?;
        let life = self.config.link_lifetime;
        url.query_pairs_mut()
            .append_pair("lifespan", &(life.0 / 1000).to_string());
        let actions = json!([UPDATE_PASSWORD]).to_string();
        self.api
            .put(url, actions.as_bytes(), refusal::of_link)
            .await?;
        // The lock would refuse the member whom the link has let set a password. What fails is logged, and the link is sent
        // however long this takes.
        let lifted = tokio::time::timeout(LINK_UNLOCK_DEADLINE, self.lift_lock(native)).await;
        if !matches!(lifted, Ok(Ok(()))) {
            tracing::warn!(member.id = %member, "a link was sent, and the lock may still be there");
        }
        Ok(life)
    }

    async fn enforced(
        &self,
        member: &MemberId,
        _password: &Password,
    ) -> Result<Enforced, Unavailable> {
        // Past what is kept of the realm: this is told as it is now.
        let asks = Box::pin(async { Ok(self.asks_for_new_password().await?) });
        let (user, asks) = tokio::try_join!(self.user(member), asks)?;
        let user = user.ok_or(Unavailable::ForNow)?;
        let is_marked = user
            .required_actions
            .iter()
            .any(|action| action == UPDATE_PASSWORD);
        // The mark alone asks nobody: the realm can have the action switched off.
        // Asked again, the client would not see it either.
        let asks = asks.ok_or(Unavailable::Misconfigured)?;
        if asks {
            Ok(Enforced::if_asked(is_marked))
        } else {
            Ok(Enforced::NotAsked)
        }
    }

    async fn last_change(&self, member: &MemberId) -> Result<Option<Moment>, Unavailable> {
        let Some(native) = self.native(member) else {
            return Ok(None);
        };
        let credentials = self.credentials(native).await?;
        let set_at = credentials
            .iter()
            .filter(|credential| credential.is_own_password());
        Ok(set_at
            .filter_map(|credential| credential.created_date)
            .max()
            .map(Moment))
    }

    async fn sign_out(&self, member: &MemberId) -> Result<Vec<String>, Unavailable> {
        let native = self.native(member).ok_or(Unavailable::ForNow)?;
        Box::pin(self.end_sessions(native)).await
    }

    async fn unlock(&self, member: &MemberId) -> Result<(), Unavailable> {
        let native = self.native(member).ok_or(Unavailable::ForNow)?;
        self.lift_lock(native).await
    }

    async fn warnings(&self) -> Vec<String> {
        let mut warnings = vec![self_write::unknown(self_write::NOT_TOLD)];
        warnings.extend(Box::pin(self.realm_warnings()).await);
        if let Some(email) = &self.config.check_account {
            let by = [By::Email(email.clone())];
            warnings.extend(phones::warnings(self.name(), self.find(&by).await, email));
        }
        warnings
    }

    async fn probe(&self) -> Result<(), Finding> {
        Box::pin(self.probe_all()).await
    }
}
