//! Keycloak, through its Admin REST API.
//!
//! A reset there ends no session and lifts no lock of failed sign-ins; both are separate calls, made together by
//! [`Backend::sign_out`], which can be repeated. A member whose password another system keeps, or who signs in through an
//! identity provider only, is recognised before anything is written. So is anybody who administers the realm: by the
//! effective roles, which include those of groups and of other roles. Newer servers leave out of a list what the client may
//! not view, so an empty list of roles is checked before it is believed.
//!
//! Sources: Keycloak's "Admin REST API" (users, clients, role mapper, client role mappings, attack detection) and "Server
//! administration guide" (service accounts, required actions).

mod api;
mod config;
mod member;
mod refusal;
mod wire;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use self::api::AdminApi;
pub(super) use self::config::Config;
use self::wire::{KeycloakCredential, KeycloakUser};
use super::backend::id_prefix;
use super::check_account::found_one;
use super::{
    Backend, By, Capabilities, Enforced, Match, ResetFailed, Unavailable, phones, self_write,
};
use crate::clock::Clock;
use crate::domain::country::Country;
use crate::domain::{EmailAddress, MemberId, Moment, Password, Span};
use crate::net::TlsError;
use crate::store::Reservation;

/// What a member has to do at the next sign-in.
const UPDATE_PASSWORD: &str = "UPDATE_PASSWORD";

pub struct Keycloak {
    config: Config,
    api: AdminApi,
    /// The id of the client whose roles administer the realm, once it was found.
    administration: Mutex<Option<String>>,
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
            api: AdminApi::new(&config, clock)?,
            config,
            administration: Mutex::default(),
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
        let query = [
            ("email", key.as_str()),
            ("exact", "true"),
            ("max", "3"),
            ("briefRepresentation", "false"),
        ];
        let found: Option<Vec<KeycloakUser>> = self.api.get(&["users"], &query).await?;
        let mut users = found.unwrap_or_default();
        // A server that ignores half of the question must not answer with somebody else.
        users.retain(|user| user.email().is_some_and(|own| own.key() == key));
        Ok(users)
    }

    async fn one(&self, by: &By) -> Result<Match, Unavailable> {
        let mut users = match by {
            By::Id(id) => self.user(id).await?.into_iter().collect(),
            By::Email(email) => self.users_with(email).await?,
        };
        if users.len() > 1 {
            let ids = users.into_iter().map(|user| user.id);
            return Ok(Match::Several(ids.collect()));
        }
        let Some(user) = users.pop() else {
            return Ok(Match::Nobody);
        };
        let member = self.member(user).await?;
        Ok(member.map_or(Match::Nobody, |member| Match::One(Box::new(member))))
    }
}

impl Backend for Keycloak {
    fn name(&self) -> &str {
        &self.config.common.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            can_sign_out: true,
            must_change: true,
            forces_change_apart: false,
            has_our_pages: false,
            sends_own_link: true,
        }
    }

    async fn find(&self, by: &[By]) -> Result<Vec<Match>, Unavailable> {
        let mut found = Vec::with_capacity(by.len());
        for by in by {
            found.push(self.one(by).await?);
        }
        Ok(found)
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
        self.api.put(url, &body).await
    }

    /// "Execute actions email": Keycloak's own page asks for the new password.
    async fn send_link(&self, member: &MemberId, life: Span) -> Result<(), ResetFailed> {
        let native = self.native(member).ok_or_else(ResetFailed::gone)?;
        let mut url = self
            .api
            .admin_url(&["users", native, "execute-actions-email"])
            .ok_or_else(ResetFailed::gone)?;
        url.query_pairs_mut()
            .append_pair("lifespan", &(life.0 / 1000).to_string());
        self.api
            .put(url, json!([UPDATE_PASSWORD]).to_string().as_bytes())
            .await
    }

    async fn enforced(
        &self,
        member: &MemberId,
        _password: &Password,
    ) -> Result<Enforced, Unavailable> {
        let user = self.user(member).await?.ok_or(Unavailable)?;
        let is_asked = user
            .required_actions
            .iter()
            .any(|action| action == UPDATE_PASSWORD);
        Ok(Enforced::if_asked(is_asked))
    }

    async fn last_change(&self, member: &MemberId) -> Result<Option<Moment>, Unavailable> {
        let Some(native) = self.native(member) else {
            return Ok(None);
        };
        let credentials = self.credentials(native).await?;
        let set_at = credentials
            .iter()
            .filter(|credential| credential.is_password());
        Ok(set_at
            .filter_map(|credential| credential.created_date)
            .max()
            .map(Moment))
    }

    /// Ends the sessions, and lifts the lock of failed sign-ins, which a reset alone does not (Q13).
    async fn sign_out(&self, member: &MemberId) -> Result<(), Unavailable> {
        let native = self.native(member).ok_or(Unavailable)?;
        self.api
            .tell(Method::POST, &["users", native, "logout"])
            .await?;
        self.api
            .tell(
                Method::DELETE,
                &["attack-detection", "brute-force", "users", native],
            )
            .await
    }

    async fn warnings(&self) -> Vec<String> {
        let mut warnings = vec![self_write::unknown(self_write::NOT_TOLD)];
        if let Some(email) = &self.config.check_account {
            let by = [By::Email(email.clone())];
            warnings.extend(phones::warning(self.find(&by).await, email));
        }
        warnings
    }

    async fn probe(&self) -> Result<(), String> {
        let Some(email) = &self.config.check_account else {
            let count: Result<Option<Value>, Unavailable> =
                self.api.get(&["users", "count"], &[]).await;
            count.map_err(|Unavailable| {
                "the realm's users cannot be read; the log says why".to_owned()
            })?;
            let client = self.administration().await;
            let unseen =
                |Unavailable| "the realm's roles cannot be read; the log says why".to_owned();
            return client.map(|_| ()).map_err(unseen);
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
