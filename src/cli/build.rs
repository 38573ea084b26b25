//! The composition root: builds all parts of the program from the settings.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::Failure;
use super::ownership::{folder_of, given_to_owner};
use crate::app::{App, Living, Organization};
use crate::chance::Chance;
use crate::chat::{self, Adapter, Chat, ChatParts};
use crate::clock::Clock;
use crate::config::Settings;
use crate::delivery::Deliveries;
use crate::directory::{self, Directories, Hasher};
use crate::domain::CompanyDomains;
use crate::domain::country::Country;
use crate::lark_api::LarkApis;
use crate::net;
use crate::secret::Keys;
use crate::store::{Store, StoreTasks, Use};

/// The deadline of outgoing calls that do not set their own.
pub(super) const CALL_DEADLINE: Duration = Duration::from_secs(15);

/// Opens the record. If the key file exists, there was a record, so an empty one is not created.
pub(crate) async fn open_store(
    settings: &Settings,
    how: Use,
) -> Result<(Store, StoreTasks), Failure> {
    let mut rng = Chance::System
        .rng()
        .map_err(|error| Failure::Said(error.to_string()))?;
    let (path, limit) = (&settings.database, settings.limit);
    if has_key(&settings.key_file)? {
        let opened = Store::open_existing(path, how, Clock::System, limit, &mut rng).await;
        return opened.map_err(|error| {
            if error.is_no_record() {
                let (database, key_file) = (path.clone(), settings.key_file.clone());
                Failure::NoRecord { database, key_file }
            } else {
                Failure::open(path, &settings.key_file, error)
            }
        });
    }
    let is_new = matches!(path.try_exists(), Ok(false));
    let opened = Store::open(path, how, Clock::System, limit, &mut rng)
        .await
        .map_err(|error| Failure::open(path, &settings.key_file, error))?;
    if is_new && how != Use::Look {
        tell_of_new(settings, how);
    }
    Ok(opened)
}

/// In the wrong folder a command begins a record of its own: whoever reads the path notices.
fn tell_of_new(settings: &Settings, how: Use) {
    let database = &settings.database;
    let database = std::path::absolute(database).unwrap_or_else(|_| database.to_owned());
    let begun = format!(
        "there was no database, so one was made: {}",
        database.display()
    );
    if how == Use::Serve {
        tracing::info!("{begun}");
        return;
    }
    let owner = given_to_owner(&database, folder_of(&database), &settings.key_file);
    let told = owner.map_or(begun.clone(), |owner| format!("{begun}. It {owner}"));
    // If standard error is closed, the command has done its work all the same.
    writeln!(std::io::stderr(), "relatch: {told}").ok();
}

/// True where there is a key file.
pub(super) fn has_key(file: &Path) -> Result<bool, Failure> {
    file.try_exists()
        .map_err(|error| Failure::key(file, error.into()))
}

/// True where there is no record and no sign of an earlier one.
pub(super) async fn is_before_the_first(settings: &Settings) -> Result<bool, Failure> {
    if has_key(&settings.key_file)? {
        return Ok(false);
    }
    let database = &settings.database;
    let has_record = Store::has_record(database).await;
    Ok(!has_record.map_err(|error| Failure::open(database, &settings.key_file, error))?)
}

/// How a command opens the record. A dry run changes nothing of it, so it does not bring it up to date either.
pub(super) fn use_for(is_dry_run: bool) -> Use {
    if is_dry_run { Use::Look } else { Use::Beside }
}

/// Opens the record as it is, for `check`; none where there is none yet.
pub(crate) async fn open_for_check(
    settings: &Settings,
) -> Result<Option<(Store, StoreTasks)>, Failure> {
    if is_before_the_first(settings).await? {
        return Ok(None);
    }
    open_store(settings, Use::Look).await.map(Some)
}

/// Loads our own key, which must be the one of the database. On the first start the key is made after the database, so a
/// start that was interrupted in between counts as a first start again.
pub(crate) async fn keys(file: &Path, store: &Store) -> Result<Keys, Failure> {
    if is_key_lost(file, store).await? {
        return Err(Failure::lost_key(file));
    }
    let mut rng = Chance::System
        .rng()
        .map_err(|error| Failure::Said(error.to_string()))?;
    let keys = Keys::load_or_create(file, &mut rng).map_err(|error| Failure::key(file, error))?;
    let fingerprint = keys.fingerprint();
    if store.keep_key_fingerprint(&fingerprint).await? == fingerprint {
        Ok(keys)
    } else {
        Err(Failure::other_key(file))
    }
}

/// True if the key file is missing although the database belongs to a key.
async fn is_key_lost(file: &Path, store: &Store) -> Result<bool, Failure> {
    Ok(!has_key(file)? && store.belongs_to_a_key().await?)
}

/// Checks if the key file can be used with this database, and writes nothing. If neither was used yet, the first `serve`
/// makes the key.
pub(crate) async fn try_key(file: &Path, store: Option<&Store>) -> Result<(), Failure> {
    if let Some(store) = store
        && is_key_lost(file, store).await?
    {
        return Err(Failure::lost_key(file));
    }
    let known = match store {
        Some(store) => store.key_fingerprint().await?,
        None => None,
    };
    try_key_of(file, known.as_deref())
}

/// The same for a database whose fingerprint is known.
pub(super) fn try_key_of(file: &Path, known: Option<&str>) -> Result<(), Failure> {
    match (has_key(file)?, known) {
        (false, Some(_)) => Err(Failure::lost_key(file)),
        (false, None) => Ok(()),
        (true, known) => {
            let fingerprint = load_key(file)?.fingerprint();
            if known.is_some_and(|known| known != fingerprint) {
                Err(Failure::other_key(file))
            } else {
                Ok(())
            }
        }
    }
}

/// Reads the key file.
pub(super) fn load_key(file: &Path) -> Result<Keys, Failure> {
    Keys::load(file).map_err(|error| Failure::key(file, error))
}

/// The e-mail domains of all directories and the further ones of the settings. S43 applies to all of them, not only to the
/// member's own.
pub(super) fn company(configs: &[directory::Config], more: &[String]) -> CompanyDomains {
    let domains = configs.iter().flat_map(directory::Config::domains);
    CompanyDomains::new(domains.chain(more).cloned())
}

/// The directories as the settings say.
pub(crate) fn directories(
    configs: Vec<directory::Config>,
    company: &CompanyDomains,
    store: &Store,
    hasher: Hasher,
    default_country: Option<Country>,
    parts: &ChatParts,
) -> Result<Directories, Failure> {
    let ChatParts {
        http, clock, lark, ..
    } = parts.clone();
    let parts = directory::DirectoryParts {
        store: store.clone(),
        hasher,
        company: company.clone(),
        http,
        clock,
        chance: Chance::System,
        default_country,
        lark,
    };
    let opened = configs
        .into_iter()
        .map(|config| config.open(&parts))
        .collect::<Result<_, _>>();
    opened
        .map(|all| Directories::new(all).in_company(company.clone()))
        .map_err(|error| Failure::Said(error.to_string()))
}

/// The directories for a command that asks them without serving.
pub(super) fn command_directories(
    settings: Settings,
    store: &Store,
) -> Result<Directories, Failure> {
    let http = net::client(CALL_DEADLINE).map_err(|error| Failure::Said(error.to_string()))?;
    let company = company(&settings.directories, &settings.company_domains);
    directories(
        settings.directories,
        &company,
        store,
        Hasher::start()?,
        settings.default_country,
        &trial_parts(http)?,
    )
}

/// The parts for a command that tries adapters without serving. Nothing reads the values that they make, so any key works.
pub(crate) fn trial_parts(http: reqwest::Client) -> Result<ChatParts, Failure> {
    let keys = Keys::from_master(&[0; 32]).map_err(|error| Failure::Said(error.to_string()))?;
    Ok(chat_parts(keys, http))
}

fn chat_parts(keys: Keys, http: reqwest::Client) -> ChatParts {
    ChatParts {
        keys,
        http,
        clock: Clock::System,
        lark: LarkApis::default(),
    }
}

fn chats(configs: Vec<chat::Config>, parts: &ChatParts) -> Result<Vec<Chat>, Failure> {
    configs
        .into_iter()
        .map(|config| config.open(parts))
        .collect::<Result<_, _>>()
        .map_err(|error| Failure::Said(error.to_string()))
}

/// The composition root of `serve`: opens the record and builds the [`App`] from the settings.
pub async fn app(settings: Settings, hasher: Hasher) -> Result<(Arc<App>, StoreTasks), Failure> {
    let (store, tasks) = open_store(&settings, Use::Serve).await?;
    let keys = keys(&settings.key_file, &store).await?;
    Ok((
        Arc::new(assemble(settings, hasher, store, keys, Living::default())?),
        tasks,
    ))
}

/// Builds it anew from other settings, with the record, the key and the running state of the present one.
pub(crate) fn next_app(settings: Settings, hasher: Hasher, old: &App) -> Result<Arc<App>, Failure> {
    let mut app = assemble(
        settings,
        hasher,
        old.store.clone(),
        old.keys.clone(),
        old.living(),
    )?;
    for chat in &mut app.chats {
        if let Some(old) = old.chat(chat.platform()) {
            chat.take_state_from(old);
        }
    }
    Ok(Arc::new(app))
}

fn assemble(
    settings: Settings,
    hasher: Hasher,
    store: Store,
    keys: Keys,
    living: Living,
) -> Result<App, Failure> {
    let clock = Clock::System;
    let http = net::client(CALL_DEADLINE).map_err(|error| Failure::Said(error.to_string()))?;
    let parts = chat_parts(keys.clone(), http.clone());
    let organization = organization(&settings);
    let company = &organization.company;
    let directories = directories(
        settings.directories,
        company,
        &store,
        hasher,
        settings.default_country,
        &parts,
    )?;
    let chats = chats(settings.chats, &parts)?;
    let Living {
        held,
        recent_requests,
        card_locks,
        queue,
        unsigned,
        tasks,
        latest,
    } = living;
    Ok(App {
        clock,
        chance: Chance::System,
        zone: settings.zone,
        keys,
        store,
        directories,
        deliveries: Deliveries::open(
            settings.channels,
            settings.ways,
            settings.default_country,
            &http,
        ),
        chats,
        organization,
        held,
        recent_requests,
        card_locks,
        queue,
        unsigned,
        tasks,
        latest,
    })
}

/// What the settings say about the organization.
pub(super) fn organization(settings: &Settings) -> Organization {
    Organization {
        name: settings.organization.clone(),
        company: company(&settings.directories, &settings.company_domains),
        help_url: settings.help_url.clone(),
        help_phone: settings.help_phone.clone(),
        sign_in_url: settings.sign_in_url.clone(),
        security_email: settings.security_email.clone(),
        public_url: settings.public_url.clone(),
        is_framed: false,
        own_password_least: settings.own_password_least,
        password_length: settings.password_length,
        password_symbols: settings.password_symbols,
        password_lifetime: settings.password_lifetime,
        offer_lifetime: settings.offer_lifetime,
        admins: settings.admins.clone(),
        identity: settings.identity,
        contact_rules: settings.contact_rules,
        notify_manager: settings.notify_manager,
        code_sign_in: settings.code_sign_in,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S43: an address at any of the domains belongs to the company, whichever directory the member is in.
    #[test]
    fn the_company_has_the_domains_of_all_directories() {
        let keycloak =
            "kind = \"keycloak\"\nurl = \"https://sso.acme.example\"\nrealm = \"acme\"\nclient_id = \"relatch\"
            client_secret = \"0f9b8e7d6c5a4b3c2d1e\"\ndomains = [\"Acme.org\"]";
        let builtin = "kind = \"builtin\"\ndomains = [\"acme.example\", \"acme.co\"]";
        let configs = [keycloak, builtin].map(|text| directory::read_text(text).unwrap());
        let company = company(&configs, &["acme.net".to_owned()]);
        for (address, is_ours) in [
            ("mina@acme.example", true),
            ("mina@ACME.co", true),
            ("mina@acme.org", true),
            ("mina@mail.acme.net", true),
            ("mina@mail.example", false),
        ] {
            assert_eq!(company.has(&address.parse().unwrap()), is_ours, "{address}");
        }
    }
}
