//! Lark and Feishu as a directory: the system that the rules describe.
//!
//! The newer call forces a change and signs out by a call beside it. Where the app may not use it, the older one is tried:
//! it does neither, and that is told. Lark has no call that says when a password was set.
//!
//! Sources: Lark's pages "Reset password" (passport/v1 and admin/v1), "Log out", "Obtain user ID via email or phone",
//! "Get single user information".

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use reqwest::Method;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::homes::id_prefix;
use super::{Backend, By, Capabilities, Enforced, Match, ResetFailed, Unavailable};
use crate::domain::member::clean_name;
use crate::domain::{EmailAddress, LoginMethod, Member, MemberId, Moment, Password, Role, Status};
use crate::lark_api::{LarkApi, LarkError};
use crate::settings::Section;
use crate::store::Reservation;

/// The name that a directory has where the settings give none.
pub const DEFAULT_NAME: &str = "Lark directory";

const LARKS_API: &str = "https://open.larksuite.com/open-apis/";

/// `logout_type`: everywhere. `logout_reason`: an administrator's decision.
const LOG_OUT: (i64, i64) = (1, 34);

/// The settings of a tenant.
#[derive(Clone, Debug)]
pub struct Config {
    /// As administrators know it.
    pub name: String,
    /// The app, which may be that of `[lark]`.
    pub app_id: String,
    /// Its secret.
    pub app_secret: SecretString,
    /// The cloud, with a slash at its end.
    pub api_url: Url,
    /// The e-mail domains of the directory.
    pub domains: Vec<String>,
    /// Whom `relatch check` looks up.
    pub check_account: Option<EmailAddress>,
}

/// Reads the settings of this kind.
pub(crate) fn read(mut section: Section<'_>, name: String, domains: Vec<String>) -> Option<Config> {
    let app_id = section.required("app_id");
    let app_secret = section.required_secret("app_secret", "app_secret_file", true);
    let api_url = section.api_url(LARKS_API);
    let check_account = section.parsed("check_account");
    section.end();
    Some(Config {
        name,
        app_id: app_id?,
        app_secret: app_secret?,
        api_url: api_url?,
        domains,
        check_account,
    })
}

#[derive(Debug, Deserialize)]
struct User {
    open_id: String,
    name: Option<String>,
    email: Option<String>,
    enterprise_email: Option<String>,
    mobile: Option<String>,
    #[serde(default)]
    is_tenant_manager: bool,
    status: Option<Flags>,
}

#[derive(Debug, Default, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "these are Lark's own flags")]
#[serde(default)]
struct Flags {
    is_frozen: bool,
    is_resigned: bool,
    is_activated: bool,
    is_exited: bool,
    is_unjoin: bool,
}

impl Flags {
    fn status(&self) -> Status {
        if self.is_frozen {
            Status::Suspended
        } else if self.is_resigned || self.is_exited {
            Status::Resigned
        } else if self.is_unjoin {
            Status::Pending
        } else if self.is_activated {
            Status::Active
        } else {
            Status::Inactive
        }
    }
}

/// One tenant.
pub struct LarkDirectory {
    config: Config,
    api: Arc<LarkApi>,
    /// Members whose last reset was made by the older call.
    not_forced: Mutex<HashSet<MemberId>>,
}

impl LarkDirectory {
    /// The tenant of these settings, spoken to by `api`.
    pub fn new(config: Config, api: Arc<LarkApi>) -> Self {
        Self {
            config,
            api,
            not_forced: Mutex::default(),
        }
    }

    fn down(&self, error: &LarkError) -> Unavailable {
        tracing::error!(
            directory = self.config.name,
            error = error as &dyn std::error::Error,
            "the directory could not be asked"
        );
        Unavailable
    }

    fn native<'a>(&self, member: &'a MemberId) -> Option<&'a str> {
        let native = member.0.strip_prefix(&id_prefix(&self.config.name))?;
        let is_id = !native.is_empty()
            && native
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        is_id.then_some(native)
    }

    /// The ids behind an e-mail, also of those who left.
    async fn ids(&self, email: &EmailAddress) -> Result<Vec<String>, Unavailable> {
        let body = json!({ "emails": [email.key()], "include_resigned": true });
        let answer = self
            .api
            .call(
                Method::POST,
                "contact/v3/users/batch_get_id?user_id_type=open_id",
                Some(&body),
            )
            .await;
        let answer = answer.map_err(|error| self.down(&error))?;
        let list = answer
            .pointer("/data/user_list")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let id = |one: &Value| {
            one.get("user_id")
                .and_then(Value::as_str)
                .filter(|id| !id.is_empty())
                .map(str::to_owned)
        };
        let mut ids: Vec<String> = list.iter().filter_map(id).collect();
        ids.sort();
        ids.dedup();
        Ok(ids)
    }

    async fn user(&self, id: &str) -> Result<Option<User>, Unavailable> {
        let path = format!("contact/v3/users/{id}?user_id_type=open_id");
        let answer = match self.api.call(Method::GET, &path, None).await {
            Ok(answer) => answer,
            // Nobody, or nobody whom the app may see.
            Err(LarkError::Refused(41_012 | 41_050)) => return Ok(None),
            Err(error) => return Err(self.down(&error)),
        };
        let user = answer.pointer("/data/user").cloned().unwrap_or_default();
        let user: User =
            serde_json::from_value(user).map_err(|_| self.down(&LarkError::NoAnswer))?;
        Ok(Some(user).filter(|user| user.open_id == id))
    }

    async fn one(&self, by: &By) -> Result<Match, Unavailable> {
        let id = match by {
            By::Id(member) => self.native(member).map(str::to_owned),
            By::Email(email) => {
                let mut ids = self.ids(email).await?;
                if ids.len() > 1 {
                    return Ok(Match::Several(ids));
                }
                ids.pop()
                    .filter(|id| self.native(&self.outward(id)).is_some())
            }
        };
        let Some(id) = id else {
            return Ok(Match::Nobody);
        };
        let Some(user) = self.user(&id).await? else {
            return Ok(Match::Nobody);
        };
        let member = self.member(&user);
        // Lark finds people by their private e-mail too; only the business e-mail is a sign-in name.
        let is_asked = |member: &Member| match by {
            By::Email(email) => member.business_email.key() == email.key(),
            By::Id(_) => true,
        };
        Ok(member
            .filter(is_asked)
            .map_or(Match::Nobody, |member| Match::One(Box::new(member))))
    }

    fn outward(&self, id: &str) -> MemberId {
        MemberId(format!("{}{id}", id_prefix(&self.config.name)))
    }

    fn member(&self, user: &User) -> Option<Member> {
        let business_email: EmailAddress = user.enterprise_email.as_deref()?.parse().ok()?;
        let personal: Option<EmailAddress> =
            user.email.as_deref().and_then(|text| text.parse().ok());
        let is_own = |email: &EmailAddress| {
            self.config.domains.contains(&email.domain())
                || email.is_within(&business_email.domain())
        };
        let name = user
            .name
            .as_deref()
            .map(clean_name)
            .filter(|name| !name.is_empty());
        Some(Member {
            id: self.outward(&user.open_id),
            name: name.unwrap_or_else(|| business_email.to_string()),
            login_method: LoginMethod::BusinessEmail,
            status: user
                .status
                .as_ref()
                .map_or(Status::Suspended, Flags::status),
            phone: user.mobile.as_deref().and_then(|text| text.parse().ok()),
            aliases: personal.clone().filter(is_own).into_iter().collect(),
            personal_email: personal.filter(|email| !is_own(email)),
            role: if user.is_tenant_manager {
                Role::PrimaryAdmin
            } else {
                Role::Member
            },
            department: None,
            manager_email: None,
            guard: None,
            never_expires: false,
            business_email,
        })
    }
}

/// Lark's code of a definite no in a sentence. None where nobody can say that nothing was done.
fn refusal(code: i64) -> Option<String> {
    let words = match code {
        1_082_003 | 1_050_023 => "its own limit of resets is reached; wait as its console says",
        1_088_002 | 1_050_022 => {
            "the generated password does not fit its password policy; policy.password_length can be raised"
        }
        1_089_004 => "the state of the account does not allow it",
        1_050_024 => "the member's business e-mail is not what they sign in with",
        // Parameters, people whom the app may not see, and everything that the gateway refuses by itself.
        1_050_001 | 1_084_005 | 41_012 | 41_050 | 99_991_000..=99_991_999 => {
            return Some(format!("it answers with code {code}"));
        }
        _ => return None,
    };
    Some(words.to_owned())
}

fn failed(error: &LarkError) -> ResetFailed {
    match error {
        LarkError::NotSent | LarkError::Limited(_) => ResetFailed::NotSent,
        LarkError::NoAnswer => ResetFailed::Unknown,
        LarkError::MissingScope(scope) => ResetFailed::Refused(format!(
            "relatch's app there has no right to reset this member: it lacks {scope}"
        )),
        LarkError::Refused(code) => {
            refusal(*code).map_or(ResetFailed::Unknown, ResetFailed::Refused)
        }
    }
}

impl Backend for LarkDirectory {
    fn name(&self) -> &str {
        &self.config.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            can_sign_out: true,
            must_change: true,
            has_our_pages: false,
            sends_own_link: false,
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
        let member = reservation.member();
        let id = self
            .native(member)
            .ok_or_else(|| ResetFailed::Refused("the account is gone".to_owned()))?;
        let body = json!({ "user_id": id, "password": password.expose(), "require_reset": true });
        let changed = self
            .api
            .call(
                Method::PUT,
                "passport/v1/password?user_id_type=open_id",
                Some(&body),
            )
            .await;
        let is_forced = match changed {
            Ok(_) => true,
            // The app may not use the newer call, so nothing was done; it may still have the older one.
            Err(LarkError::MissingScope(scope)) => {
                let body = json!({ "user_id": id, "password": { "ent_email_password": password.expose() } });
                let older = self
                    .api
                    .call(
                        Method::POST,
                        "admin/v1/password/reset?user_id_type=open_id",
                        Some(&body),
                    )
                    .await;
                match older {
                    Ok(_) => false,
                    Err(LarkError::MissingScope(_)) => {
                        return Err(failed(&LarkError::MissingScope(scope)));
                    }
                    Err(error) => return Err(failed(&error)),
                }
            }
            Err(error) => return Err(failed(&error)),
        };
        if let Ok(mut not_forced) = self.not_forced.lock() {
            if is_forced {
                not_forced.remove(member);
            } else {
                not_forced.insert(member.clone());
            }
        }
        Ok(())
    }

    /// Lark tells nothing back, so what counts is which of its calls it confirmed.
    async fn enforced(
        &self,
        member: &MemberId,
        _password: &Password,
    ) -> Result<Enforced, Unavailable> {
        let not_forced = self.not_forced.lock().map_err(|_| Unavailable)?;
        Ok(if not_forced.contains(member) {
            Enforced::NotInForce
        } else {
            Enforced::MustChange
        })
    }

    /// Lark does not say; "no change" would be a claim.
    async fn last_change(&self, _member: &MemberId) -> Result<Option<Moment>, Unavailable> {
        Err(Unavailable)
    }

    async fn sign_out(&self, member: &MemberId) -> Result<(), Unavailable> {
        let id = self.native(member).ok_or(Unavailable)?;
        let (logout_type, logout_reason) = LOG_OUT;
        let body =
            json!({ "logout_type": logout_type, "user_id": id, "logout_reason": logout_reason });
        let ended = self
            .api
            .call(
                Method::POST,
                "passport/v1/sessions/logout?user_id_type=open_id",
                Some(&body),
            )
            .await;
        ended.map(|_| ()).map_err(|error| self.down(&error))
    }

    async fn probe(&self) -> Result<(), String> {
        if let Some(email) = &self.config.check_account {
            return super::ldap_common::found_one(
                self.find(&[By::Email(email.clone())]).await,
                email,
            );
        }
        let path = "contact/v3/users/batch_get_id?user_id_type=open_id";
        let body = json!({ "emails": ["nobody@relatch.invalid"] });
        self.api
            .call(Method::POST, path, Some(&body))
            .await
            .map(|_| ())
            .map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::lark_api::LarkApis;
    use crate::net;

    fn flags(text: &str) -> Status {
        serde_json::from_str::<Flags>(text).unwrap().status()
    }

    /// S16: what Lark's flags mean together; whoever is out of use is so whatever else is said.
    #[test]
    fn flags_are_read_as_a_status() {
        assert_eq!(flags(r#"{"is_activated":true}"#), Status::Active);
        assert_eq!(flags("{}"), Status::Inactive);
        assert_eq!(
            flags(r#"{"is_activated":true,"is_frozen":true}"#),
            Status::Suspended
        );
        assert_eq!(
            flags(r#"{"is_activated":true,"is_resigned":true}"#),
            Status::Resigned
        );
        assert_eq!(flags(r#"{"is_exited":true}"#), Status::Resigned);
        assert_eq!(flags(r#"{"is_unjoin":true}"#), Status::Pending);
    }

    /// Every code of Lark's pages is a definite no with a sentence; what is not a code is told for what it is.
    #[test]
    fn codes_become_sentences() {
        for code in [
            1_082_003, 1_088_002, 1_089_004, 1_050_022, 1_050_023, 1_050_024,
        ] {
            let ResetFailed::Refused(told) = failed(&LarkError::Refused(code)) else {
                panic!("{code}")
            };
            assert!(!told.contains("code"), "{code}: {told}");
        }
        assert!(matches!(
            failed(&LarkError::Refused(99_991_671)),
            ResetFailed::Refused(_)
        ));
        assert_eq!(
            failed(&LarkError::Refused(7)),
            ResetFailed::Unknown,
            "a code that nobody knows is no promise"
        );
        assert_eq!(failed(&LarkError::NoAnswer), ResetFailed::Unknown);
        assert_eq!(failed(&LarkError::NotSent), ResetFailed::NotSent);
    }

    /// The chat adapter and the directory of one app use one token.
    #[test]
    fn one_app_is_spoken_to_by_one_client() {
        let (apis, http) = (
            LarkApis::default(),
            net::client(std::time::Duration::from_secs(1)).unwrap(),
        );
        let (url, secret) = (
            Url::parse(LARKS_API).unwrap(),
            SecretString::from("secret".to_owned()),
        );
        let app = |id: &str| apis.app(&url, id, &secret, &http, &Clock::System);
        assert!(Arc::ptr_eq(&app("cli_1"), &app("cli_1")));
        assert!(!Arc::ptr_eq(&app("cli_1"), &app("cli_2")));
    }
}
