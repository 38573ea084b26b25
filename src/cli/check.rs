//! `relatch check`: probes every dependency and names all that fail.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use super::{Failure, admins, build, say};
use crate::app::Identity;
use crate::chat::{self, Adapter, ChatParts, Examination, Matching};
use crate::config::Settings;
use crate::delivery::Deliveries;
use crate::directory::{self, Backend, Directories, Hasher};
use crate::domain::makeup::{Makeup, PasswordNeeds};
use crate::net;
use crate::store::{Store, StoreError, StoreTasks, Use};
use crate::telemetry;

/// Fails where the directory's password policy refuses every password that these settings give: their length, and whether
/// there are symbols.
fn can_be_met((length, has_symbols): (u8, bool), needs: &PasswordNeeds) -> Result<(), String> {
    let made = Makeup::of(length, has_symbols, needs);
    made.map(drop)
        .map_err(|unmet| format!("nobody can be reset: its password policy {unmet}"))
}

/// The outcome of each probe, warnings that are no failures, and what holds.
#[derive(Default)]
struct Findings {
    tried: Vec<(String, Result<(), String>)>,
    warnings: Vec<(String, String)>,
    notes: Vec<(String, String)>,
}

impl Findings {
    fn note(&mut self, name: &str, ended: Result<(), String>) {
        self.tried.push((name.to_owned(), ended));
    }

    fn warn(&mut self, name: &str, texts: Vec<String>) {
        let texts = texts.into_iter();
        self.warnings
            .extend(texts.map(|text| (name.to_owned(), text)));
    }

    /// Probes the database and the key file. True where one of the files is at fault.
    async fn try_files(
        &mut self,
        opened: &Result<(Store, StoreTasks), Failure>,
        key_file: &Path,
    ) -> bool {
        let store = opened.as_ref().ok().map(|(store, _)| store);
        let is_writable = match (opened, store) {
            (_, Some(store)) if store.is_writable().await => Ok(()),
            (Err(error), _) => Err(error.in_full()),
            (Ok(_), _) => Err("cannot be written".to_owned()),
        };
        let is_read_only = opened.is_ok() && is_writable.is_err();
        self.note("database", is_writable);
        let key = build::try_key(key_file, store).await;
        let is_unsound = is_read_only
            || [opened.as_ref().err(), key.as_ref().err()]
                .into_iter()
                .flatten()
                .any(Failure::is_of_files);
        // A key file that does not exist yet is not mentioned: the first `serve` makes it.
        if key.is_err() || key_file.try_exists().unwrap_or(true) {
            self.note("key file", key.map_err(|error| error.in_full()));
        }
        is_unsound
    }

    async fn try_directories(&mut self, directories: &Directories, asked: (u8, bool)) {
        for directory in directories.remote() {
            let probed = directory.probe().await;
            if probed.is_ok() {
                self.warn(directory.name(), directory.warnings().await);
            }
            let needs = directory.password_needs();
            let probed = probed.and_then(|()| can_be_met(asked, &needs));
            self.note(directory.name(), probed);
        }
    }

    async fn try_chats(
        &mut self,
        configs: Vec<chat::Config>,
        parts: &ChatParts,
        matching: &Matching,
    ) {
        for config in configs {
            let name = config.platform().as_str();
            match config.open(parts) {
                Ok(chat) => self.note_examined(name, chat.examine(matching).await),
                Err(error) => self.note(name, Err(error.to_string())),
            }
        }
    }

    fn note_examined(&mut self, name: &str, examined: Examination) {
        let Examination {
            failures,
            warnings,
            notes,
        } = examined;
        if failures.is_empty() {
            self.note(name, Ok(()));
        }
        for failure in failures {
            self.note(name, Err(failure));
        }
        self.warn(name, warnings);
        let notes = notes.into_iter();
        self.notes.extend(notes.map(|text| (name.to_owned(), text)));
    }

    async fn try_channels(&mut self, deliveries: &Deliveries) {
        for (channel, probed) in deliveries.probe().await {
            self.note(channel.as_str(), probed);
        }
    }

    /// Prints a line for each, and returns how many failed.
    fn say(&self) -> Result<usize, Failure> {
        let mut failed = 0;
        for (name, ended) in &self.tried {
            match ended {
                Ok(()) => say(&format!("ok      {name}"))?,
                Err(why) => {
                    failed += 1;
                    say(&format!("failed  {name}: {why}"))?;
                }
            }
        }
        for (name, text) in &self.notes {
            say(&format!("ok      {name}: {text}"))?;
        }
        for (name, text) in &self.warnings {
            say(&format!("warning {name}: {text}"))?;
        }
        Ok(failed)
    }
}

/// Probes everything. The log on standard error has the details of short lines.
pub(super) async fn run(settings: Settings) -> Result<(), Failure> {
    telemetry::start(settings.log);
    let said = |error: &dyn Error| Failure::Said(error.to_string());
    let http = net::client(Duration::from_secs(10)).map_err(|error| said(&error))?;
    let mut findings = Findings::default();
    findings.warn("security_email", settings.security_warnings());
    let opened = build::open_store(&settings, Use::Beside).await;
    let store = opened.as_ref().ok().map(|(store, _)| store);
    let is_unsound = findings.try_files(&opened, &settings.key_file).await;
    let parts = build::trial_parts(http.clone())?;
    let accounts = settings
        .directories
        .iter()
        .filter_map(directory::Config::check_account);
    let matching = Matching {
        is_by_email: settings.identity == Identity::Email,
        accounts: accounts.cloned().collect(),
    };
    let asked = (settings.password_length, settings.password_symbols);
    let mut listed = Ok(Vec::new());
    if let Some(store) = store {
        let hasher = Hasher::start().map_err(|error| said(&error))?;
        let company = build::company(&settings.directories, &settings.company_domains);
        let directories = build::directories(
            settings.directories,
            &company,
            store,
            hasher,
            settings.default_country,
            &parts,
        )?;
        findings.try_directories(&directories, asked).await;
        listed = admins::checked(store, &settings.admins, &directories).await;
    }
    findings.try_chats(settings.chats, &parts, &matching).await;
    let (channels, ways) = (settings.channels, settings.ways);
    let deliveries = Deliveries::open(channels, ways, settings.default_country, &http);
    findings.try_channels(&deliveries).await;
    if let Ok((store, tasks)) = opened {
        drop(store);
        tasks.finish().await;
    }
    let failed = findings.say()? + say_listed(listed)?;
    let told = format!("{failed} of {} failed", findings.tried.len());
    match failed {
        0 => Ok(()),
        _ if is_unsound => Err(Failure::Unsound(told)),
        _ => Err(Failure::Said(told)),
    }
}

/// Says which administrators of the settings' list have the right. Returns how many checks failed: one or none.
fn say_listed(listed: Result<Vec<(bool, String)>, StoreError>) -> Result<usize, Failure> {
    match listed {
        Ok(listed) => {
            for (is_fine, what) in listed {
                let word = if is_fine { "ok     " } else { "warning" };
                say(&format!("{word} {what}"))?;
            }
            Ok(0)
        }
        Err(error) => {
            say(&format!("failed  list of administrators: {error}"))?;
            Ok(1)
        }
    }
}
