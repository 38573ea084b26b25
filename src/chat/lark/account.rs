//! Who an account is, by Lark's contacts API.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Lark, is_id, wire};
use crate::chat::account::shown_name;
use crate::chat::api::read_value;
use crate::chat::{AccountKind, ApiError, Profile};
use crate::domain::{EmailAddress, Role};
use crate::lark_api::LarkError;

/// The id is not one of ours, or not visible to the app.
const NOBODY: [i64; 4] = [41_012, 41_050, 99_992_351, 99_992_352];

impl Lark {
    /// Reads the account with this id.
    pub(super) async fn account(&self, user: &str) -> Result<Profile, ApiError> {
        let path = format!("contact/v3/users/{user}?user_id_type=open_id");
        let mut answer = self.api.call(Method::GET, &path, None).await?;
        let account = answer
            .pointer_mut("/data/user")
            .map(Value::take)
            .unwrap_or_default();
        let account: wire::LarkAccount = read_value(account)?;
        if account.open_id != user {
            return Err(ApiError::Unavailable);
        }
        Ok(profile_of(&account))
    }

    /// Finds the account with this e-mail, with its id.
    pub(super) async fn account_by_email(
        &self,
        email: &EmailAddress,
    ) -> Result<Option<(String, Profile)>, ApiError> {
        let body = json!({ "emails": [email.as_str()], "include_resigned": false });
        let path = "contact/v3/users/batch_get_id?user_id_type=open_id";
        let answer = self.api.call(Method::POST, path, Some(&body)).await?;
        let found = answer
            .pointer("/data/user_list")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let mut ids = found
            .filter_map(|one| one.get("user_id").and_then(Value::as_str))
            .filter(|id| is_id(id, "ou_"));
        match (ids.next(), ids.next()) {
            (None, _) => Ok(None),
            (Some(id), None) => Ok(Some((id.to_owned(), self.account(id).await?))),
            (Some(_), Some(_)) => Err(ApiError::Unavailable),
        }
    }
}

/// What an account's fields mean. Only the mailbox that the organization gave counts as a confirmed e-mail: people type
/// the other addresses of a profile themselves.
pub(super) fn profile_of(account: &wire::LarkAccount) -> Profile {
    let status = &account.status;
    let is_gone = status.is_frozen || status.is_resigned || status.is_exited;
    let email = account
        .enterprise_email
        .as_deref()
        .filter(|email| !email.is_empty());
    Profile {
        kind: if is_gone {
            AccountKind::Deleted
        } else {
            AccountKind::Member
        },
        shown_name: shown_name([account.name.as_deref()]),
        confirmed_email: email.and_then(|email| email.parse().ok()),
        role: if account.is_tenant_manager {
            Role::PrimaryAdmin
        } else {
            Role::Member
        },
    }
}

impl From<LarkError> for ApiError {
    fn from(error: LarkError) -> Self {
        match error {
            LarkError::NotSent | LarkError::Untrusted(_) | LarkError::NoAnswer => Self::Unavailable,
            LarkError::Limited(wait) => Self::RateLimited(wait),
            LarkError::MissingScope(scope) => Self::MissingScope(scope),
            LarkError::Refused(code) if NOBODY.contains(&code) => Self::NotFound,
            LarkError::NoToken(code) | LarkError::Refused(code) => Self::Refused(code.to_string()),
        }
    }
}
