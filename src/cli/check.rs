//! `relatch check`: probes every dependency and names all that fail.

use std::path::Path;
use std::time::Duration;

use super::{Failure, admins, build, say};
use crate::chat::{self, Adapter, ChatParts};
use crate::config::Settings;
use crate::directory::{Backend, Directories, Hasher};
use crate::net;
use crate::store::{Store, StoreError, StoreTasks, Use};
use crate::telemetry;

/// Probes everything and prints a line for each. The log on standard error has the details of short outcomes.
pub(super) async fn run(settings: Settings) -> Result<(), Failure> {
    telemetry::start(settings.log);
    let http =
        net::client(Duration::from_secs(10)).map_err(|error| Failure::Said(error.to_string()))?;
    let opened = build::open_store(&settings, Use::Beside).await;
    let mut report = CheckReport::default();
    report.probe_record(&settings.key_file, &opened).await;
    let mut listed = Ok(Vec::new());
    let parts = build::trial_parts(http.clone())?;
    if let Ok((store, _)) = &opened {
        let hasher = Hasher::start().map_err(|error| Failure::Said(error.to_string()))?;
        let company = build::company(&settings.directories, &settings.company_domains);
        let directories =
            build::directories(settings.directories, &company, store, hasher, &parts)?;
        report.probe_directories(&directories).await;
        listed = admins::checked(store, &settings.admins, &directories).await;
    }
    report.probe_chats(settings.chats, &parts).await;
    let deliveries = build::deliveries(
        settings.email,
        settings.sms,
        settings.ways,
        settings.sms_countries,
        &http,
    );
    if let Some(email) = &deliveries.email {
        report.note("email", email.probe().await);
    }
    if let Some(sms) = &deliveries.sms {
        report.note("sms", sms.probe().await);
    }
    if let Ok((store, tasks)) = opened {
        drop(store);
        tasks.finish().await;
    }
    report.print(listed)
}

/// What was probed, and how it ended.
#[derive(Default)]
struct CheckReport {
    /// The outcome of each probe, by the name of what was probed.
    outcomes: Vec<(String, Result<(), String>)>,
    /// Limitations that are no failures.
    warnings: Vec<(String, String)>,
    /// True if the database or the key is wrong in itself, so that another try cannot succeed.
    is_unsound: bool,
}

impl CheckReport {
    fn note(&mut self, name: &str, outcome: Result<(), String>) {
        self.outcomes.push((name.to_owned(), outcome));
    }

    fn warn(&mut self, name: &str, warnings: Vec<String>) {
        let warnings = warnings.into_iter().map(|text| (name.to_owned(), text));
        self.warnings.extend(warnings);
    }

    async fn probe_record(
        &mut self,
        key_file: &Path,
        opened: &Result<(Store, StoreTasks), Failure>,
    ) {
        let store = match opened {
            Ok((store, _)) if store.is_writable().await => Ok(()),
            Ok(_) => Err("cannot be written".to_owned()),
            Err(error) => Err(error.in_full()),
        };
        self.note("database", store);
        let key = build::try_key(key_file, opened.as_ref().ok().map(|(store, _)| store)).await;
        self.is_unsound = [opened.as_ref().err(), key.as_ref().err()]
            .into_iter()
            .flatten()
            .any(Failure::is_of_settings);
        // A key file that does not exist yet is not mentioned: the first `serve` makes it.
        if key.is_err() || key_file.try_exists().unwrap_or(true) {
            self.note("key file", key.map_err(|error| error.in_full()));
        }
    }

    async fn probe_directories(&mut self, directories: &Directories) {
        for home in directories.elsewhere() {
            let probed = home.probe().await;
            if probed.is_ok() {
                self.warn(home.name(), home.warnings().await);
            }
            self.note(home.name(), probed);
        }
    }

    async fn probe_chats(&mut self, configs: Vec<chat::Config>, parts: &ChatParts) {
        for config in configs {
            let name = config.platform().as_str();
            let probed = match config.open(parts) {
                Ok(chat) => {
                    let probed = chat.probe().await;
                    if probed.is_ok() {
                        self.warn(name, chat.warnings().await);
                    }
                    probed
                }
                Err(error) => Err(error.to_string()),
            };
            self.note(name, probed);
        }
    }

    /// Prints everything; `listed` are the lines about the list of administrators.
    fn print(self, listed: Result<Vec<(bool, String)>, StoreError>) -> Result<(), Failure> {
        let mut failed = 0;
        for (name, outcome) in &self.outcomes {
            match outcome {
                Ok(()) => say(&format!("ok      {name}"))?,
                Err(why) => {
                    failed += 1;
                    say(&format!("failed  {name}: {why}"))?;
                }
            }
        }
        for (name, text) in &self.warnings {
            say(&format!("warning {name}: {text}"))?;
        }
        match listed {
            Ok(listed) => {
                for (is_fine, what) in listed {
                    let word = if is_fine { "ok     " } else { "warning" };
                    say(&format!("{word} {what}"))?;
                }
            }
            Err(error) => {
                failed += 1;
                say(&format!("failed  list of administrators: {error}"))?;
            }
        }
        let told = format!("{failed} of {} failed", self.outcomes.len());
        match failed {
            0 => Ok(()),
            _ if self.is_unsound => Err(Failure::Unsound(told)),
            _ => Err(Failure::Said(told)),
        }
    }
}
