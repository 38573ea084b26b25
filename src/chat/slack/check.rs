//! `relatch check`: whether the token is the one of the settings' workspace, and may do what relatch does.
//!
//! Sources: Slack, "auth.test method"; Slack's Node SDK, `buildResult` of `WebClient.ts`, which reads the scopes of a token from
//! the header `x-oauth-scopes` of every answer.

use super::{Slack, wire};
use crate::chat::{ApiError, Examination, Matching};

/// The scopes of the manifest, each with what does not work without it.
const SCOPES: [(&str, &str); 4] = [
    ("commands", "nobody can type /reset-password"),
    ("users:read", "nobody's account can be looked up"),
    ("users:read.email", "nobody is recognised by e-mail"),
    (
        "chat:write",
        "no other administrator can be asked for a contact",
    ),
];

impl Slack {
    pub(super) async fn examine_token(&self, matching: &Matching) -> Examination {
        let mut found = Examination::default();
        let tested = self.api_with_scopes("auth.test", |call| call).await;
        let (token, scopes): (wire::TokenOwner, _) = match tested {
            Ok(tested) => tested,
            Err(error) => {
                let (key, told) = advice(&error);
                found.fail(key, told);
                return found;
            }
        };
        self.examine_owner(&token, &mut found);
        match scopes {
            Some(scopes) => examine_scopes(&scopes, matching, &mut found),
            None => found.warn(
                "bot_token",
                "Slack does not say which scopes the token has; make sure that it has those of the manifest",
            ),
        }
        found
    }

    fn examine_owner(&self, token: &wire::TokenOwner, found: &mut Examination) {
        let wanted = &self.config.team_id;
        // A token of a whole organization is of no one workspace.
        let is_elsewhere = token.team_id.as_ref().is_some_and(|own| own != wanted);
        if is_elsewhere && token.is_enterprise_install != Some(true) {
            let own = token.team_id.as_deref().unwrap_or_default();
            let told = format!(
                "is {wanted}, and bot_token is of the workspace {own}; correct team_id, or take the token from {wanted}"
            );
            found.fail("team_id", told);
        }
        let Some(pinned) = &self.config.enterprise_id else {
            return;
        };
        if token.enterprise_id.as_ref() != Some(pinned) {
            let own = token.enterprise_id.as_deref().unwrap_or("none");
            let told =
                format!("is {pinned}, and the organization of bot_token is {own}; correct it");
            found.fail("enterprise_id", told);
        }
    }
}

fn examine_scopes(told: &str, matching: &Matching, found: &mut Examination) {
    let held: Vec<&str> = told.split(',').map(str::trim).collect();
    for (scope, effect) in SCOPES.iter().filter(|(scope, _)| !held.contains(scope)) {
        let told = format!(
            "the token lacks the scope {scope}, so {effect}; add it under OAuth & Permissions, Bot Token Scopes, then reinstall \
            the app and copy the token again"
        );
        // Where links decide who somebody is, only typed e-mails need it.
        if *scope == "users:read.email" && !matching.is_by_email {
            let told = "the token lacks the scope users:read.email, so a member cannot be named by a typed work e-mail";
            found.warn("bot_token", told);
        } else if *scope == "chat:write" {
            // One button, and its answer says what to do instead. Apps from before it have the other scopes.
            found.warn("bot_token", told);
        } else {
            found.fail("bot_token", told);
        }
    }
}

/// What an operator looks at first, and what to do there.
fn advice(error: &ApiError) -> (&'static str, String) {
    match error {
        ApiError::MissingScope(_) | ApiError::Refused(_) => {
            let told = format!(
                "{error}; copy the Bot User OAuth Token again, which is under OAuth & Permissions"
            );
            ("bot_token", told)
        }
        ApiError::Unavailable => {
            let told = format!(
                "{error}, or not as Slack does; can this machine connect to it, and is it the right address? The log says more"
            );
            ("api_url", told)
        }
        ApiError::NotFound | ApiError::RateLimited(_) | ApiError::TooLate => {
            ("", error.to_string())
        }
    }
}
