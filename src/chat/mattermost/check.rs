//! `relatch check`: the server's settings, the bot's rights, and whom an e-mail makes known.

use reqwest::Method;
use serde_json::{Value, json};

use super::account::{
    CLIENT_CONFIG, EmailTrust, LONG_ANSWER, ServicesOn, is_on, lacking, profile_of,
};
use super::refusal::{MFA_REQUIRED, error_id};
use super::server::{BotRights, MANAGE_SYSTEM, POST_EPHEMERAL, role_names};
use super::{Mattermost, wire};
use crate::chat::api::{read_rest, read_value};
use crate::chat::{AccountKind, ApiError, Examination, Matching};
use crate::domain::EmailAddress;

/// Why a call for `check` did not succeed.
#[derive(Debug, thiserror::Error)]
pub(super) enum CheckError {
    /// `MfaRequired` (`web/context.go`) answers it to people without MFA, but not for `users/me`.
    #[error(
        "bot_token belongs to a person, and the server wants MFA of people, so it answers users/me and little else; use the token of a bot account"
    )]
    MfaRequired,
    /// `EnableCommands` is off (`api.command.disabled.app_error`).
    #[error("slash commands are off on the server; set EnableCommands")]
    CommandsOff,
    #[error(transparent)]
    Api(#[from] ApiError),
}

/// What decides whom an e-mail makes known.
#[derive(Clone, Copy)]
struct EmailRules {
    is_by_email: bool,
    is_bot_admin: bool,
    is_verified: bool,
    services: ServicesOn,
}

impl Mattermost {
    /// Everything that is known to be wrong, as far as the bot may see it.
    pub(super) async fn examine_server(&self, matching: &Matching) -> Examination {
        let mut found = Examination::default();
        if self.config.command_tokens.is_empty() {
            found.fail(
                "command_tokens",
                "command_tokens is empty; run `relatch register mattermost`",
            );
        }
        match self.fetch_signing_key().await {
            Ok(Some(_)) => {}
            Ok(None) => found.fail("url", "the server tells no key (AsymmetricSigningPublicKey), so no command is taken; check mattermost.url and the server's version"),
            Err(error) => found.fail("url", format!("its key for triggers: {error}")),
        }
        if let Err(error) = self.examine_as_bot(matching, &mut found).await {
            found.fail("", error.to_string());
        }
        found
    }

    async fn examine_as_bot(
        &self,
        matching: &Matching,
        found: &mut Examination,
    ) -> Result<(), CheckError> {
        let me = self.read((Method::GET, "users/me"), None).await?;
        let names = role_names(&me)?;
        let roles = self
            .read((Method::POST, "roles/names"), Some(&json!(names)))
            .await?;
        let rights = BotRights::read(&names, &roles)?;
        let config = self.read((Method::GET, CLIENT_CONFIG), None).await?;
        let settings = self.server_config().await?;
        let rules = EmailRules {
            is_by_email: matching.is_by_email,
            is_bot_admin: rights.is_system_admin,
            is_verified: is_on(&config, "RequireEmailVerification") == Some(true),
            services: ServicesOn::read(settings.as_ref()),
        };
        examine_rights(rights, rules, found);
        self.examine_settings(&config, found);
        self.say_who_is_recognised(rules, found);
        for email in &matching.accounts {
            self.examine_account(email, rules, found).await;
        }
        self.examine_address(settings.as_ref(), found).await;
        if is_on(&config, "EnableCommands") == Some(false) {
            return Err(CheckError::CommandsOff);
        }
        self.examine_commands(rights, found).await
    }

    /// Calls the API. The server's own name for a refusal is kept where it says what to do.
    pub(super) async fn read(
        &self,
        (method, path): (Method, &str),
        body: Option<&Value>,
    ) -> Result<Value, CheckError> {
        let answer = self
            .api_answer_up_to(LONG_ANSWER, (method, path), body)
            .await?;
        match (answer.status, error_id(&answer).as_str()) {
            (403, MFA_REQUIRED) => Err(CheckError::MfaRequired),
            (501, _) => Err(CheckError::CommandsOff),
            (_, _) => Ok(read_rest(&answer, "view_members")?),
        }
    }

    fn examine_settings(&self, config: &Value, found: &mut Examination) {
        let ours = self.config.url.as_str().trim_end_matches('/');
        match config.get("SiteURL").and_then(Value::as_str) {
            Some("") => found.fail("url", "the server has no SiteURL, so it runs no command; set it to mattermost.url",
            ),
            Some(site) if site.trim_end_matches('/') != ours => found.warn("url", format!(
                "the server's SiteURL is {site}, and mattermost.url is {ours}; make both the address that people use"
            )),
            Some(_) | None => {}
        }
        if is_on(config, "EnablePostUsernameOverride") == Some(false) {
            found.warn("", "EnablePostUsernameOverride is off, so cards stand under the administrator's own name",
            );
        }
    }

    fn say_who_is_recognised(&self, rules: EmailRules, found: &mut Examination) {
        if !rules.is_by_email {
            found.note("", "people are recognised by `relatch link mattermost USER_ID EMAIL` alone (identity.match = \"linked\")");
            return;
        }
        if !rules.is_bot_admin {
            return;
        }
        found.note("", "accounts of ldap and saml are recognised by e-mail");
        let trusted = &self.config.trusted_auth_services;
        let mut is_untrusted = false;
        for (service, section) in rules.services.untrusted(trusted) {
            is_untrusted = true;
            found.warn("", format!(
                "accounts with a password of this server are not recognised by e-mail, because {section}.Enable is not off and trusted_auth_services does not name {service}: whoever claims an address there may switch to a password; set identity.match = \"linked\", or name {service} if nobody can claim an address there"
            ));
        }
        if rules.is_verified && !is_untrusted {
            found.note("", "accounts with a password of this server are recognised by e-mail, because RequireEmailVerification is on");
        }
        if !rules.is_verified {
            found.warn("", "accounts with a password of this server are not recognised by e-mail, because RequireEmailVerification is off; turn it on and then revoke all sessions and personal access tokens, or set identity.match = \"linked\"");
        }
        for service in trusted {
            found.warn("trusted_auth_services", format!(
                "trusted_auth_services names {service}: whoever can give their account there the e-mail of an administrator is taken for that administrator"
            ));
        }
    }

    /// Says whether the e-mail makes this account known, and why.
    async fn examine_account(
        &self,
        email: &EmailAddress,
        rules: EmailRules,
        found: &mut Examination,
    ) {
        let who = email.masked();
        let account = match self.account_of(email).await {
            Ok(account) => account,
            Err(ApiError::NotFound) => {
                let text = format!("no account here has the e-mail of {who} (check_account)");
                found.warn("", text);
                return;
            }
            // Where links are enough, the bot need not see e-mails.
            Err(ApiError::MissingScope(_)) if !rules.is_by_email => return,
            Err(error) => {
                let text = format!("the account of {who} could not be read: {error}");
                found.fail("", text);
                return;
            }
        };
        if !rules.is_by_email {
            let id = &account.id;
            found.note("", format!("the user id of {who} is {id}"));
            return;
        }
        match self.judge(&account, rules) {
            Ok(why) => {
                let text = format!("{who} is recognised by e-mail: {why}");
                found.note("", text);
            }
            Err(why) => {
                let text = format!("{who} is not recognised by e-mail: {why}");
                found.fail("", text);
            }
        }
    }

    async fn account_of(&self, email: &EmailAddress) -> Result<wire::MattermostUser, ApiError> {
        let answer = self
            .api_answer(Method::GET, &self.path_of(email), None)
            .await?;
        if answer.status == 400 {
            return Err(ApiError::NotFound);
        }
        read_value(read_rest(&answer, lacking(&answer))?)
    }

    /// Why the e-mail of this account counts, or why it does not.
    fn judge(&self, account: &wire::MattermostUser, rules: EmailRules) -> Result<String, String> {
        if profile_of(account, false).kind != AccountKind::Member {
            return Err("the account is no full member of this server".to_owned());
        }
        let service = account.auth_service.as_deref().unwrap_or_default();
        match self.email_trust(account) {
            EmailTrust::Confirmed => Ok(format!("signs in by {service}")),
            EmailTrust::Claimed => Err(format!(
                "signs in by {service}, where people may claim an address; set identity.match = \"linked\", or trusted_auth_services if they may not"
            )),
            EmailTrust::AsServerSays if !rules.is_bot_admin => {
                Err("the bot may not see how the account signs in".to_owned())
            }
            EmailTrust::AsServerSays if !rules.is_verified => {
                Err("has a password of this server, and RequireEmailVerification is off".to_owned())
            }
            EmailTrust::AsServerSays => {
                let trusted = &self.config.trusted_auth_services;
                match rules.services.untrusted(trusted).next() {
                    Some((service, section)) => Err(format!(
                        "has a password of this server, and {section}.Enable is not off, so that people may claim an address there and then switch to a password; set identity.match = \"linked\", or name {service} in trusted_auth_services if they may not"
                    )),
                    None => Ok(
                        "has a password of this server, and RequireEmailVerification is on"
                            .to_owned(),
                    ),
                }
            }
        }
    }
}

fn examine_rights(rights: BotRights, rules: EmailRules, found: &mut Examination) {
    if !rights.posts_to_one {
        found.fail(
            "bot_token",
            format!("the bot lacks the permission {POST_EPHEMERAL}; make it a System Admin"),
        );
        found.warn("bot_token", format!(
            "the bot lacks the permission {POST_EPHEMERAL}, so Copy, showing, typed addresses, the copy to another address and contact are off; make the bot a System Admin"
        ));
    }
    if !rules.is_bot_admin && rules.is_by_email {
        found.fail("bot_token", format!(
            "the bot lacks the permission {MANAGE_SYSTEM}, so the server hides how people sign in (auth_service), and nobody is recognised by e-mail; make the bot a System Admin, or set identity.match = \"linked\""
        ));
    }
}
