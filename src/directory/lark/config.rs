//! The settings of a tenant.

use secrecy::SecretString;
use url::Url;

use super::LarkDirectory;
use crate::directory::config::{DirectoryConfig, DirectoryParts, NameAndDomains};
use crate::domain::EmailAddress;
use crate::lark_api::LarkAppSettings;
use crate::net::TlsError;
use crate::settings::{SecretForm, Section};

const LARKS_API: &str = "https://open.larksuite.com/open-apis/";

/// The settings of a tenant.
#[derive(Clone, Debug)]
pub struct Config {
    pub(super) common: NameAndDomains,
    /// The app, which may be that of `[lark]`.
    app_id: String,
    app_secret: SecretString,
    /// The cloud, with a slash at its end.
    api_url: Url,
    /// The account that `relatch check` looks up.
    pub(super) check_account: Option<EmailAddress>,
}

impl DirectoryConfig for Config {
    type Opened = LarkDirectory;

    fn read(mut section: Section<'_>, is_alone: bool) -> Option<Self> {
        let common = NameAndDomains::read(&mut section, is_alone, "Lark directory");
        let app_id = section.required("app_id");
        let app_secret =
            section.required_secret("app_secret", "app_secret_file", SecretForm::Strong);
        let api_url = section.api_url(LARKS_API);
        let check_account = section.parsed("check_account");
        section.end();
        Some(Self {
            common,
            app_id: app_id?,
            app_secret: app_secret?,
            api_url: api_url?,
            check_account,
        })
    }

    fn name(&self) -> &str {
        &self.common.name
    }

    fn domains(&self) -> &[String] {
        &self.common.domains
    }

    fn check_account(&self) -> Option<&EmailAddress> {
        self.check_account.as_ref()
    }

    /// Its super administrators are primary administrators.
    fn names_administrators(&self) -> bool {
        true
    }

    fn lark_app(&self) -> Option<LarkAppSettings<'_>> {
        Some(LarkAppSettings {
            api_url: &self.api_url,
            app_id: &self.app_id,
            app_secret: &self.app_secret,
        })
    }

    fn open(self, parts: &DirectoryParts) -> Result<LarkDirectory, TlsError> {
        let (url, id, secret) = (&self.api_url, &self.app_id, &self.app_secret);
        let api = parts.lark.app(url, id, secret, &parts.http, &parts.clock);
        Ok(LarkDirectory::new(self, api, parts.default_country))
    }
}
