//! Lark and Feishu as a directory: the system that the rules describe.
//!
//! The newer call sets a password and forces a change; sessions are ended by another call. Where the app may not use the
//! newer call, the older one is tried: it forces no change, and that is told. No call says when a password was set.
//!
//! Sources: Lark's pages "Reset password" (passport/v1 and admin/v1), "Log out", "Obtain user ID via email or phone",
//! "Get single user information".

mod config;
mod refusal;
mod wire;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use reqwest::Method;
use serde_json::{Value, json};

pub(super) use self::config::Config;
use self::refusal::failed;
use self::wire::{LarkUser, StatusFlags};
use super::backend::id_prefix;
use super::check_account::found_one;
use super::phones::phone_of;
use super::{
    Backend, By, Capabilities, Enforced, Match, ResetFailed, Unavailable, phones, self_write,
};
use crate::domain::country::Country;
use crate::domain::member::clean_name;
use crate::domain::{
    EmailAddress, LoginMethod, Member, MemberId, Moment, Password, Role, SecondFactors, Status,
};
use crate::lark_api::{LarkApi, LarkError};
use crate::settings::Finding;
use crate::store::Reservation;

/// `logout_type`: the user with this id, on every device. `logout_reason`: the client says that the login password was
/// changed (Lark, "Log out").
const LOG_OUT: (i64, i64) = (1, 34);

const FIND_IDS: &str = "contact/v3/users/batch_get_id?user_id_type=open_id";
const LOGOUT: &str = "passport/v1/sessions/logout?user_id_type=open_id";
const SET_PASSWORD: &str = "passport/v1/password?user_id_type=open_id";
const SET_PASSWORD_OLDER: &str = "admin/v1/password/reset?user_id_type=open_id";

pub struct LarkDirectory {
    config: Config,
    api: Arc<LarkApi>,
    /// The country of phones without a country code.
    default_country: Option<Country>,
    /// Members whose last reset was made by the older call, which forces no change.
    not_forced: Mutex<HashSet<MemberId>>,
}

impl LarkDirectory {
    fn new(config: Config, api: Arc<LarkApi>, default_country: Option<Country>) -> Self {
        Self {
            config,
            api,
            default_country,
            not_forced: Mutex::default(),
        }
    }

    fn unavailable(&self, error: &LarkError) -> Unavailable {
        let is_lasting = error.is_lasting();
        tracing::error!(
            directory = self.config.common.name,
            error = error as &dyn std::error::Error,
            is_lasting,
            "the directory in Lark could not be asked"
        );
        if is_lasting {
            Unavailable::Misconfigured
        } else {
            Unavailable::ForNow
        }
    }

    fn native<'a>(&self, member: &'a MemberId) -> Option<&'a str> {
        let native = member
            .0
            .strip_prefix(&id_prefix(&self.config.common.name))?;
        let is_id = !native.is_empty()
            && native
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        is_id.then_some(native)
    }

    /// The ids of an e-mail, with those of members who left.
    async fn ids(&self, email: &EmailAddress) -> Result<Vec<String>, Unavailable> {
        let body = json!({ "emails": email.spellings(), "include_resigned": true });
        let answer = self.api.call(Method::POST, FIND_IDS, Some(&body)).await;
        let answer = answer.map_err(|error| self.unavailable(&error))?;
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

    async fn user(&self, id: &str) -> Result<Option<LarkUser>, Unavailable> {
        let path = format!("contact/v3/users/{id}?user_id_type=open_id");
        let answer = match self.api.call(Method::GET, &path, None).await {
            Ok(answer) => answer,
            // No such user, or one whom the app may not see.
            Err(LarkError::Refused(41_012 | 41_050)) => return Ok(None),
            Err(error) => return Err(self.unavailable(&error)),
        };
        let user = answer.pointer("/data/user").cloned().unwrap_or_default();
        let user: LarkUser = serde_json::from_value(user).map_err(|error| {
            // The error quotes values, so only its kind is logged.
            tracing::debug!(kind = ?error.classify(), "Lark answers with another form");
            self.unavailable(&LarkError::NoAnswer)
        })?;
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
        // Lark also finds users by their private e-mail, but only the business e-mail is a sign-in name.
        let is_asked = |member: &Member| match by {
            By::Email(email) => member.business_email.key() == email.key(),
            By::Id(_) => true,
        };
        Ok(member
            .filter(is_asked)
            .map_or(Match::Nobody, |member| Match::One(Box::new(member))))
    }

    /// Sets a password; true where the member has to change it at the next sign-in.
    async fn set_password(&self, id: &str, password: &Password) -> Result<bool, ResetFailed> {
        let body = json!({ "user_id": id, "password": password.expose(), "require_reset": true });
        let newer = self.api.call(Method::PUT, SET_PASSWORD, Some(&body)).await;
        let missing = match newer {
            Ok(_) => return Ok(true),
            // The app may not use the newer call, so nothing was done; it may still have the older one.
            Err(missing @ LarkError::MissingScope(_)) => missing,
            Err(error) => return Err(failed(&error)),
        };
        let password = json!({ "ent_email_password": password.expose() });
        let body = json!({ "user_id": id, "password": password });
        let older = self
            .api
            .call(Method::POST, SET_PASSWORD_OLDER, Some(&body))
            .await;
        match older {
            Ok(_) => Ok(false),
            Err(LarkError::MissingScope(_)) => Err(failed(&missing)),
            Err(error) => Err(failed(&error)),
        }
    }

    fn outward(&self, id: &str) -> MemberId {
        MemberId(format!("{}{id}", id_prefix(&self.config.common.name)))
    }

    fn member(&self, user: &LarkUser) -> Option<Member> {
        let business_email: EmailAddress = user.enterprise_email.as_deref()?.parse().ok()?;
        let personal: Option<EmailAddress> =
            user.email.as_deref().and_then(|text| text.parse().ok());
        let is_own = |email: &EmailAddress| {
            self.config.common.has(email) || email.is_within(&business_email.domain())
        };
        let name = user
            .name
            .as_deref()
            .map(clean_name)
            .filter(|name| !name.is_empty());
        let (directory, id) = (&self.config.common.name, &user.open_id);
        let phones = user.mobile.as_deref().into_iter();
        let (phone, phone_remarks) = phone_of(directory, id, phones, self.default_country);
        Some(Member {
            id: self.outward(&user.open_id),
            name: name.unwrap_or_else(|| business_email.to_string()),
            login_method: LoginMethod::BusinessEmail,
            status: user
                .status
                .as_ref()
                .map_or(Status::Suspended, StatusFlags::status),
            phone,
            phone_remarks,
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
            has_other_password: false,
            second_factors: SecondFactors::default(),
            business_email,
        })
    }
}

impl Backend for LarkDirectory {
    fn name(&self) -> &str {
        &self.config.common.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            can_sign_out: true,
            must_change: true,
            asks_nobody: false,
            forces_change_apart: false,
            unlocks_apart: false,
            has_our_pages: false,
            signs_members_in: false,
            own_link: None,
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
        let id = self.native(member).ok_or_else(ResetFailed::gone)?;
        let is_forced = self.set_password(id, password).await?;
        if let Ok(mut not_forced) = self.not_forced.lock() {
            if is_forced {
                not_forced.remove(member);
            } else {
                not_forced.insert(member.clone());
            }
        }
        Ok(())
    }

    /// Lark cannot be asked, so what counts is which of the two calls it accepted.
    async fn enforced(
        &self,
        member: &MemberId,
        _password: &Password,
    ) -> Result<Enforced, Unavailable> {
        let not_forced = self
            .not_forced
            .lock()
            .map_err(|_poisoned| Unavailable::ForNow)?;
        Ok(if not_forced.contains(member) {
            Enforced::NotInForce
        } else {
            Enforced::MustChange
        })
    }

    /// Lark does not say when a password was set; "no change" would be a claim.
    async fn last_change(&self, _member: &MemberId) -> Result<Option<Moment>, Unavailable> {
        Err(Unavailable::ForNow)
    }

    async fn sign_out(&self, member: &MemberId) -> Result<Vec<String>, Unavailable> {
        let id = self.native(member).ok_or(Unavailable::ForNow)?;
        let (logout_type, logout_reason) = LOG_OUT;
        let body =
            json!({ "logout_type": logout_type, "user_id": id, "logout_reason": logout_reason });
        let ended = self.api.call(Method::POST, LOGOUT, Some(&body)).await;
        ended
            .map(|_| Vec::new())
            .map_err(|error| self.unavailable(&error))
    }

    async fn warnings(&self) -> Vec<String> {
        let mut warnings = vec![self_write::unknown(self_write::NOT_TOLD)];
        if let Some(email) = &self.config.check_account {
            let by = [By::Email(email.clone())];
            warnings.extend(phones::warnings(self.name(), self.find(&by).await, email));
        }
        warnings
    }

    async fn probe(&self) -> Result<(), Finding> {
        if let Some(email) = &self.config.check_account {
            let by = [By::Email(email.clone())];
            return found_one(self.find(&by).await, email);
        }
        let body = json!({ "emails": ["nobody@relatch.invalid"] });
        let found = self.api.call(Method::POST, FIND_IDS, Some(&body)).await;
        found
            .map(drop)
            .map_err(|error| Finding::from(error.to_string()))
    }
}
