//! Keycloak, through its Admin REST API.
//!
//! A reset there ends no session and lifts no lock of failed sign-ins; both are calls of their own, made together by
//! [`Backend::sign_out`], which can be repeated. A member whose password another system keeps, or who signs in through an
//! identity provider only, is told apart before anything is written. So is who administers the realm: by the effective
//! roles, which count those of groups and of other roles as well. Newer servers leave out of a list what the client may
//! not view; roles that cannot be seen are never taken for none.
//!
//! Sources: Keycloak's "Admin REST API" (users, clients, role mapper, client role mappings, attack detection) and "Server
//! administration guide" (service accounts, required actions).

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use url::Url;
use zeroize::Zeroizing;

use super::homes::id_prefix;
use super::{Backend, By, Capabilities, Enforced, Match, ResetFailed, Unavailable};
use crate::clock::Clock;
use crate::domain::member::clean_name;
use crate::domain::{
    EmailAddress, Guard, LoginMethod, Member, MemberId, Moment, Password, Role, Span, Status,
};
use crate::net::{self, Answer, CallError, TlsError};
use crate::settings::Section;
use crate::store::Reservation;

/// The name that a directory has where the settings give none.
pub const DEFAULT_NAME: &str = "Keycloak";

/// How long Keycloak may take for a call.
const CALL_DEADLINE: Duration = Duration::from_secs(4);

/// How long it may take for the change.
const CHANGE_DEADLINE: Duration = Duration::from_secs(8);

/// A token is not used in the last seconds of its life.
const TOKEN_MARGIN: Span = Span::seconds(10);

/// Written where an answer has no roles in it that must be there.
const UNSEEN_ROLES: &str = "the roles of an account cannot be seen; the client needs view-realm";

/// Likewise, of the roles that administer the realm.
const UNSEEN_ADMINISTRATION: &str =
    "the roles that administer the realm cannot be seen; the client needs view-clients";

/// What a member has to do at the next sign-in.
const UPDATE_PASSWORD: &str = "UPDATE_PASSWORD";

/// The settings of a realm.
#[derive(Clone, Debug)]
pub struct Config {
    /// As administrators know it.
    pub name: String,
    /// The server, with a slash at its end.
    pub url: Url,
    /// The realm.
    pub realm: String,
    /// The client with the service account.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// The CA of the server's certificate, where it is none of the machine's.
    pub ca_file: Option<PathBuf>,
    /// The attribute with the mobile phone.
    pub phone_attribute: String,
    /// The attribute with the private e-mail; none by default.
    pub personal_email_attribute: Option<String>,
    /// The attribute with the department.
    pub department_attribute: String,
    /// Realm roles whose members are not reset from here.
    pub protected_roles: Vec<String>,
    /// Realm roles of primary administrators, where `admins.source` is "directory".
    pub primary_admin_roles: Vec<String>,
    /// Realm roles of administrators with "Member and Department", likewise.
    pub member_and_department_roles: Vec<String>,
    /// The e-mail domains of the directory.
    pub domains: Vec<String>,
    /// Whom `relatch check` looks up.
    pub check_account: Option<EmailAddress>,
}

/// Reads the settings of this kind.
pub(crate) fn read(mut section: Section<'_>, name: String, domains: Vec<String>) -> Option<Config> {
    let url = section.url("url").map(crate::settings::with_slash);
    if url.is_none() {
        section.missing("url");
    }
    let (realm, client_id) = (section.required("realm"), section.required("client_id"));
    let client_secret = section.required_secret("client_secret", "client_secret_file", true);
    let ca_file = section.path("ca_file");
    if let Some(path) = &ca_file
        && let Err(error) = net::tls_config(Some(path))
    {
        section.problem("ca_file", error.to_string());
    }
    let phone_attribute = section
        .text("phone_attribute")
        .unwrap_or_else(|| "phoneNumber".to_owned());
    let personal_email_attribute = section.text("personal_email_attribute");
    let department_attribute = section
        .text("department_attribute")
        .unwrap_or_else(|| "department".to_owned());
    let protected_roles = section
        .list("protected_roles")
        .unwrap_or_else(|| vec!["admin".to_owned()]);
    let primary_admin_roles = section.list("primary_admin_roles").unwrap_or_default();
    let member_and_department_roles = section
        .list("member_and_department_roles")
        .unwrap_or_default();
    let check_account = section.parsed("check_account");
    section.end();
    Some(Config {
        name,
        url: url?,
        realm: realm?,
        client_id: client_id?,
        client_secret: client_secret?,
        ca_file,
        phone_attribute,
        personal_email_attribute,
        department_attribute,
        protected_roles,
        primary_admin_roles,
        member_and_department_roles,
        domains,
        check_account,
    })
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct User {
    id: String,
    email: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    #[serde(default)]
    enabled: bool,
    federation_link: Option<String>,
    #[serde(default)]
    required_actions: Vec<String>,
    #[serde(default)]
    attributes: HashMap<String, Vec<String>>,
    #[serde(default)]
    access: HashMap<String, bool>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credential {
    r#type: String,
    created_date: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct Named {
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Client {
    id: String,
    client_id: String,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
    expires_in: i64,
}

/// One realm.
pub struct Keycloak {
    config: Config,
    http: reqwest::Client,
    clock: Clock,
    token: Mutex<Option<(SecretString, Moment)>>,
    /// The id of the client whose roles administer the realm, once it was found.
    administration: Mutex<Option<String>>,
}

/// Why a call gave no answer that helps.
enum Trouble {
    /// Nothing was sent, or Keycloak gave no token for it.
    NotSent,
    /// It may have had its effect.
    NoAnswer,
}

impl Keycloak {
    /// The realm of these settings. It is first asked when somebody is looked up.
    pub fn new(config: Config, clock: Clock) -> Result<Self, TlsError> {
        let http = net::client_trusting(CHANGE_DEADLINE, config.ca_file.as_deref())?;
        Ok(Self {
            config,
            http,
            clock,
            token: Mutex::default(),
            administration: Mutex::default(),
        })
    }

    fn url(&self, front: &[&str], path: &[&str]) -> Option<Url> {
        let mut url = self.config.url.clone();
        url.path_segments_mut()
            .ok()?
            .pop_if_empty()
            .extend(front)
            .push(&self.config.realm)
            .extend(path);
        Some(url)
    }

    fn down(&self, what: &str) -> Unavailable {
        tracing::error!(
            directory = self.config.name,
            what,
            "the directory could not be asked"
        );
        Unavailable
    }

    async fn token(&self) -> Result<SecretString, Trouble> {
        let mut known = self.token.lock().await;
        if let Some((token, until)) = known.as_ref()
            && self.clock.now() < *until
        {
            return Ok(token.clone());
        }
        let url = self
            .url(&["realms"], &["protocol", "openid-connect", "token"])
            .ok_or(Trouble::NotSent)?;
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &self.config.client_id),
            ("client_secret", self.config.client_secret.expose_secret()),
        ];
        let answer = net::call(self.http.post(url).form(&form).timeout(CALL_DEADLINE)).await;
        // Whatever went wrong, the call that needed the token was not made.
        let answer = answer.ok().filter(|answer| answer.status == 200);
        let token = answer.and_then(|answer| serde_json::from_slice::<Token>(&answer.body).ok());
        let Some(Token {
            access_token,
            expires_in,
        }) = token
        else {
            tracing::error!(
                directory = self.config.name,
                "Keycloak gives no token for the client of the settings"
            );
            return Err(Trouble::NotSent);
        };
        let access_token = SecretString::from(access_token);
        *known = Some((
            access_token.clone(),
            self.clock.now() + Span::seconds(expires_in) - TOKEN_MARGIN,
        ));
        Ok(access_token)
    }

    /// One call. A token that Keycloak no longer takes is fetched anew, once: what was refused for it was not done.
    async fn call(
        &self,
        method: Method,
        url: Url,
        body: Option<&[u8]>,
        deadline: Duration,
    ) -> Result<Answer, Trouble> {
        let mut is_second = false;
        loop {
            let token = self.token().await?;
            let mut call = self
                .http
                .request(method.clone(), url.clone())
                .timeout(deadline);
            call = call.bearer_auth(token.expose_secret());
            if let Some(body) = body {
                call = call
                    .header("content-type", "application/json")
                    .body(body.to_vec());
            }
            let answer = net::call(call).await.map_err(|error| {
                tracing::warn!(
                    directory = self.config.name,
                    error = &error as &dyn std::error::Error,
                    "Keycloak did not answer"
                );
                if matches!(error, CallError::NotSent(_)) {
                    Trouble::NotSent
                } else {
                    Trouble::NoAnswer
                }
            })?;
            if answer.status == 401 && !is_second {
                *self.token.lock().await = None;
                is_second = true;
                continue;
            }
            return Ok(answer);
        }
    }

    /// What a question is answered with; None where it is not there.
    async fn get<T: serde::de::DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Option<T>, Unavailable> {
        self.ask(path, query, "the client lacks a role").await
    }

    /// A list without which nobody is reset: one that is not there or may not be seen is not an empty one. `unseen` is
    /// what operators read then.
    async fn list<T: serde::de::DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        unseen: &str,
    ) -> Result<Vec<T>, Unavailable> {
        self.ask(path, query, unseen)
            .await?
            .ok_or_else(|| self.down(unseen))
    }

    async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        forbidden: &str,
    ) -> Result<Option<T>, Unavailable> {
        let mut url = self
            .url(&["admin", "realms"], path)
            .ok_or_else(|| self.down("no such address"))?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let answer = self
            .call(Method::GET, url, None, CALL_DEADLINE)
            .await
            .map_err(|_| self.down("no answer"))?;
        match answer.status {
            200 => serde_json::from_slice(&answer.body)
                .map(Some)
                .map_err(|_| self.down("an answer of another form")),
            404 => Ok(None),
            403 => Err(self.down(forbidden)),
            _ => Err(self.down("an error")),
        }
    }

    /// The id of the client whose roles administer the realm.
    async fn administration(&self) -> Result<String, Unavailable> {
        let mut known = self.administration.lock().await;
        if let Some(id) = known.as_ref() {
            return Ok(id.clone());
        }
        let name = administration_of(&self.config.realm);
        // A client that can be listed and not viewed is of no use: its roles may be left out of every answer.
        let query = [("clientId", name), ("viewableOnly", "true")];
        let found: Vec<Client> = self
            .list(&["clients"], &query, UNSEEN_ADMINISTRATION)
            .await?;
        let own = found.into_iter().find(|client| client.client_id == name);
        let id = own.ok_or_else(|| self.down(UNSEEN_ADMINISTRATION))?.id;
        *known = Some(id.clone());
        Ok(id)
    }

    /// True where the account has any role that administers the realm, by whatever way.
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
        let roles: Result<Vec<Named>, Unavailable> =
            self.list(&path, &[], UNSEEN_ADMINISTRATION).await;
        if roles.as_ref().is_ok_and(|roles| !roles.is_empty()) {
            return Ok(true);
        }
        // A realm that was made anew has another one, and "none" is believed only while the client can be seen.
        *self.administration.lock().await = None;
        roles?;
        self.administration().await.map(|_| false)
    }

    /// The names of the account's effective roles of the realm. Nearly everybody has one, that of the realm's defaults; "none"
    /// is believed only while the realm's roles can be seen.
    async fn realm_roles(&self, id: &str) -> Result<Vec<String>, Unavailable> {
        let path = ["users", id, "role-mappings", "realm", "composite"];
        let roles: Vec<Named> = self.list(&path, &[], UNSEEN_ROLES).await?;
        if roles.is_empty() {
            let all: Vec<Named> = self
                .list(&["roles"], &[("first", "0"), ("max", "1")], UNSEEN_ROLES)
                .await?;
            if all.is_empty() {
                return Err(self.down(UNSEEN_ROLES));
            }
        }
        Ok(roles.into_iter().map(|role| role.name).collect())
    }

    fn native<'a>(&self, member: &'a MemberId) -> Option<&'a str> {
        let native = member.0.strip_prefix(&id_prefix(&self.config.name))?;
        // Nothing that could lead to another address.
        let is_id = !native.is_empty()
            && native
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_:".contains(&b));
        is_id.then_some(native)
    }

    async fn user(&self, member: &MemberId) -> Result<Option<User>, Unavailable> {
        let Some(native) = self.native(member) else {
            return Ok(None);
        };
        let user: Option<User> = self.get(&["users", native], &[]).await?;
        Ok(user.filter(|user| user.id == native))
    }

    async fn credentials(&self, id: &str) -> Result<Vec<Credential>, Unavailable> {
        Ok(self
            .get(&["users", id, "credentials"], &[])
            .await?
            .unwrap_or_default())
    }

    async fn one(&self, by: &By) -> Result<Match, Unavailable> {
        let user = match by {
            By::Id(id) => self.user(id).await?,
            By::Email(email) => {
                let key = email.key();
                let query = [
                    ("email", key.as_str()),
                    ("exact", "true"),
                    ("max", "3"),
                    ("briefRepresentation", "false"),
                ];
                let found: Vec<User> = self.get(&["users"], &query).await?.unwrap_or_default();
                // A server that ignores half of the question must not answer with somebody else.
                let mut found = found
                    .into_iter()
                    .filter(|user| email_of(user).is_some_and(|own| own.key() == key));
                let first = found.next();
                let others: Vec<User> = found.collect();
                if let Some(first) = first.as_ref().filter(|_| !others.is_empty()) {
                    let ids = std::iter::once(&first.id).chain(others.iter().map(|user| &user.id));
                    return Ok(Match::Several(ids.cloned().collect()));
                }
                first
            }
        };
        let Some(user) = user else {
            return Ok(Match::Nobody);
        };
        Ok(self
            .member(user)
            .await?
            .map_or(Match::Nobody, |member| Match::One(Box::new(member))))
    }

    async fn member(&self, user: User) -> Result<Option<Member>, Unavailable> {
        let Some(business_email) = email_of(&user) else {
            return Ok(None);
        };
        let id = user.id.as_str();
        let credentials = self.credentials(id).await?;
        let has_password = credentials
            .iter()
            .any(|credential| credential.r#type == "password");
        let providers: Vec<Value> = self
            .get(&["users", id, "federated-identity"], &[])
            .await?
            .unwrap_or_default();
        let roles = self.realm_roles(id).await?;
        let administers = self.administers(id).await?;
        let has_one_of = |wanted: &[String]| roles.iter().any(|role| wanted.contains(role));
        let role = if has_one_of(&self.config.primary_admin_roles) {
            Role::PrimaryAdmin
        } else if has_one_of(&self.config.member_and_department_roles) {
            Role::MemberAndDepartment
        } else {
            Role::Member
        };
        let guard = if administers || has_one_of(&self.config.protected_roles) {
            Some(Guard::Protected)
        } else {
            user.federation_link
                .as_ref()
                .map(|_| Guard::ManagedElsewhere)
        };
        let first = |name: &str| {
            user.attributes
                .get(name)
                .and_then(|values| values.first())
                .map(String::as_str)
        };
        let name = [user.first_name.as_deref(), user.last_name.as_deref()];
        let name = clean_name(&name.into_iter().flatten().collect::<Vec<_>>().join(" "));
        let personal_email = self
            .config
            .personal_email_attribute
            .as_deref()
            .and_then(first);
        let personal_email = personal_email.and_then(|text| text.parse::<EmailAddress>().ok());
        Ok(Some(Member {
            id: MemberId(format!("{}{id}", id_prefix(&self.config.name))),
            name: if name.is_empty() {
                business_email.to_string()
            } else {
                name
            },
            login_method: if !has_password && !providers.is_empty() {
                LoginMethod::Sso
            } else {
                LoginMethod::BusinessEmail
            },
            status: match (user.enabled, has_password) {
                (false, _) => Status::Suspended,
                (true, true) => Status::Active,
                (true, false) => Status::Inactive,
            },
            phone: first(&self.config.phone_attribute).and_then(|text| text.parse().ok()),
            personal_email: personal_email
                .filter(|email| !self.config.domains.contains(&email.domain())),
            role,
            department: first(&self.config.department_attribute).map(clean_name),
            aliases: Vec::new(),
            manager_email: None,
            guard,
            never_expires: false,
            business_email,
        }))
    }

    /// A call that is made once, whatever comes of it.
    async fn put(&self, url: Url, body: &[u8]) -> Result<(), ResetFailed> {
        let answer = self
            .call(Method::PUT, url, Some(body), CHANGE_DEADLINE)
            .await
            .map_err(|trouble| match trouble {
                Trouble::NotSent => ResetFailed::NotSent,
                Trouble::NoAnswer => ResetFailed::Unknown,
            })?;
        match answer.status {
            200..=299 => Ok(()),
            429 => Err(ResetFailed::NotSent),
            400..=499 => Err(ResetFailed::Refused(refusal(&answer))),
            _ => Err(ResetFailed::Unknown),
        }
    }

    /// A call that may be repeated and whose answer is only yes or no.
    async fn tell(&self, method: Method, path: &[&str]) -> Result<(), Unavailable> {
        let url = self
            .url(&["admin", "realms"], path)
            .ok_or_else(|| self.down("no such address"))?;
        let answer = self
            .call(method, url, None, CALL_DEADLINE)
            .await
            .map_err(|_| self.down("no answer"))?;
        match answer.status {
            200..=299 => Ok(()),
            403 => Err(self.down("the client lacks a role")),
            _ => Err(self.down("an error")),
        }
    }
}

/// The client whose roles administer a realm; for the realm from which all others are administered it has another name.
fn administration_of(realm: &str) -> &'static str {
    if realm == "master" {
        "master-realm"
    } else {
        "realm-management"
    }
}

fn email_of(user: &User) -> Option<EmailAddress> {
    user.email.as_deref()?.parse().ok()
}

/// Keycloak's name of a policy in a sentence.
fn refusal(answer: &Answer) -> String {
    let told: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let error = told
        .get("error")
        .or_else(|| told.get("errorMessage"))
        .and_then(Value::as_str)
        .unwrap_or_default();
    let words = match (answer.status, error) {
        (403, _) => {
            "relatch's client there has no right to reset this member: it lacks the role manage-users"
        }
        (404, _) => "the account is gone",
        (_, "invalidPasswordMinLengthMessage") => {
            "the generated password is too short for its password policy; policy.password_length can be raised"
        }
        (_, "invalidPasswordHistoryMessage") => {
            "its password policy: the generated password was used before"
        }
        (_, error) if error.starts_with("invalidPassword") => {
            "the generated password does not fit its password policy; policy.password_length can be raised"
        }
        (400, _) => "it does not accept this change, as where another system keeps the password",
        (status, _) => return format!("it answers with status {status}"),
    };
    words.to_owned()
}

impl Backend for Keycloak {
    fn name(&self) -> &str {
        &self.config.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            can_sign_out: true,
            must_change: true,
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
        let gone = || ResetFailed::Refused("the account is gone".to_owned());
        let native = self.native(reservation.member()).ok_or_else(gone)?;
        let url = self
            .url(&["admin", "realms"], &["users", native, "reset-password"])
            .ok_or_else(gone)?;
        let body = json!({ "type": "password", "temporary": true, "value": password.expose() });
        let body = Zeroizing::new(serde_json::to_vec(&body).map_err(|_| ResetFailed::NotSent)?);
        self.put(url, &body).await
    }

    /// "Execute actions email": Keycloak's own page asks for the new password.
    async fn send_link(&self, member: &MemberId, life: Span) -> Result<(), ResetFailed> {
        let gone = || ResetFailed::Refused("the account is gone".to_owned());
        let native = self.native(member).ok_or_else(gone)?;
        let mut url = self
            .url(
                &["admin", "realms"],
                &["users", native, "execute-actions-email"],
            )
            .ok_or_else(gone)?;
        url.query_pairs_mut()
            .append_pair("lifespan", &(life.0 / 1000).to_string());
        self.put(url, json!([UPDATE_PASSWORD]).to_string().as_bytes())
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
        Ok(if is_asked {
            Enforced::MustChange
        } else {
            Enforced::NotInForce
        })
    }

    async fn last_change(&self, member: &MemberId) -> Result<Option<Moment>, Unavailable> {
        let Some(native) = self.native(member) else {
            return Ok(None);
        };
        let credentials = self.credentials(native).await?;
        let set_at = credentials
            .iter()
            .filter(|credential| credential.r#type == "password");
        Ok(set_at
            .filter_map(|credential| credential.created_date)
            .max()
            .map(Moment))
    }

    /// Ends the sessions, and lifts the lock of failed sign-ins, which a reset alone does not (Q13).
    async fn sign_out(&self, member: &MemberId) -> Result<(), Unavailable> {
        let native = self.native(member).ok_or(Unavailable)?;
        self.tell(Method::POST, &["users", native, "logout"])
            .await?;
        self.tell(
            Method::DELETE,
            &["attack-detection", "brute-force", "users", native],
        )
        .await
    }

    async fn probe(&self) -> Result<(), String> {
        let Some(email) = &self.config.check_account else {
            let count: Result<Option<Value>, Unavailable> =
                self.get(&["users", "count"], &[]).await;
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
        super::ldap_common::found_one(found, email)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_realm_of_all_realms_is_administered_by_a_client_of_another_name() {
        assert_eq!(administration_of("corp"), "realm-management");
        assert_eq!(administration_of("master"), "master-realm");
    }
}
