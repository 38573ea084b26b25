//! Who an account is, by Mattermost's API.

use reqwest::Method;

use super::{Mattermost, wire};
use crate::chat::api::{read_rest, read_value};
use crate::chat::{AccountKind, ApiError, Profile};
use crate::domain::{EmailAddress, Role};

impl Mattermost {
    /// Reads the account at this path, with its id.
    pub(super) async fn account(&self, path: &str) -> Result<(String, Profile), ApiError> {
        let answer = self.api_answer(Method::GET, path, None).await?;
        // A name, an id or an address that nobody can have (`RequireUsername` and its neighbours in `web/context.go`).
        if answer.status == 400 {
            return Err(ApiError::NotFound);
        }
        let account: wire::MattermostUser = read_value(read_rest(&answer, "view_members")?)?;
        Ok((account.id.clone(), profile_of(&account)))
    }

    /// Finds the account with this e-mail, with its id.
    pub(super) async fn account_by_email(
        &self,
        email: &EmailAddress,
    ) -> Result<Option<(String, Profile)>, ApiError> {
        let mut url = self.config.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.clear().extend(["email", email.as_str()]);
        }
        match self.account(&format!("users{}", url.path())).await {
            Ok(found) => Ok(Some(found)),
            Err(ApiError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// What an account's fields mean. An e-mail counts as confirmed only if Mattermost says so.
pub(super) fn profile_of(account: &wire::MattermostUser) -> Profile {
    let has = |role: &str| account.roles.split_whitespace().any(|held| held == role);
    let kind = if account.delete_at > 0 {
        AccountKind::Deleted
    } else if account.is_bot {
        AccountKind::Bot
    } else if has("system_guest") {
        AccountKind::Guest
    } else {
        AccountKind::Member
    };
    let role = if has("system_admin") {
        Role::PrimaryAdmin
    } else if has("system_user_manager") {
        Role::MemberAndDepartment
    } else {
        Role::Member
    };
    let email = Some(account.email.as_str()).filter(|_| account.email_verified);
    Profile {
        kind,
        confirmed_email: email.and_then(|email| email.parse().ok()),
        role,
    }
}
