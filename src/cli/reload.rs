//! SIGHUP: reads settings and secrets again, and uses them for all later requests.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Failure, build};
use crate::app::App;
use crate::config::{self, Changes, Reading, Settings};
use crate::directory::Hasher;
use crate::flow::pins;
use crate::settings::{Problem, Problems};
use crate::telemetry;

/// Where the settings come from.
pub(super) struct Source {
    /// The file named on the command line.
    pub(super) file: Option<PathBuf>,
}

impl Source {
    /// Once the default file exists, treats it as named. If it is missing at the next reload, that is then an error instead
    /// of a silent return to the defaults.
    pub(super) fn settle(&mut self) {
        let default = Path::new(config::DEFAULT_FILE);
        if self.file.is_none() && default.try_exists().unwrap_or(true) {
            self.file = Some(default.to_owned());
        }
    }

    /// Reads file and environment anew.
    pub(super) fn load(&self) -> Result<Settings, Problems> {
        Settings::load(self.file.as_deref(), &config::environment())
    }
}

/// The present state of `serve`, which the next reload is compared with.
pub(super) struct Running {
    source: Source,
    hasher: Hasher,
    app: Arc<App>,
    /// The settings at the start. Some keys keep these values until a restart.
    at_start: Reading,
    in_use: Reading,
}

/// What came of a reload.
struct Reread {
    changes: Changes,
    /// The keys that change at the next restart only.
    at_restart: String,
    warnings: Vec<Problem>,
}

/// Why a reload changed nothing.
enum Refused {
    /// The settings have these problems.
    Settings(Problems),
    /// These keys cannot change without a restart.
    Impossible(Vec<String>),
    /// Something could not be opened with the settings.
    Failure(Failure),
    /// The reload could not be recorded.
    Unrecorded(Failure),
}

impl Running {
    pub(super) fn new(source: Source, hasher: Hasher, app: &Arc<App>, reading: Reading) -> Self {
        Self {
            source,
            hasher,
            app: Arc::clone(app),
            at_start: reading.clone(),
            in_use: reading,
        }
    }

    /// Reads everything again and logs the result. If anything is wrong, the previous settings stay in use.
    pub(super) async fn reload(&mut self) {
        match self.try_reload().await {
            Ok(Reread {
                changes,
                at_restart,
                warnings,
            }) if changes.keys.is_empty() => {
                tracing::info!(
                    at_restart,
                    "the settings were read again; they are the same"
                );
                tell_warnings(&warnings);
            }
            Ok(Reread {
                changes,
                at_restart,
                warnings,
            }) => {
                tracing::info!(
                    changed = changes.keys.join(" "),
                    "the settings were read again and are in use"
                );
                if !at_restart.is_empty() {
                    tracing::warn!(at_restart, "these settings change at the next restart only");
                }
                tell_warnings(&warnings);
            }
            Err(Refused::Settings(problems)) => {
                let keys: Vec<&str> = problems
                    .0
                    .iter()
                    .map(|problem| problem.key.as_str())
                    .collect();
                log_unusable(&Failure::Settings(problems.clone()));
                self.note("refused", keys.join(" "))
                    .await
                    .unwrap_or_else(|failure| unrecorded(&failure));
            }
            Err(Refused::Impossible(keys)) => {
                let keys = keys.join(" ");
                tracing::error!(
                    keys,
                    "the settings cannot be used without a restart; nothing was changed"
                );
                self.note("refused", keys)
                    .await
                    .unwrap_or_else(|failure| unrecorded(&failure));
            }
            Err(Refused::Unrecorded(failure)) => {
                let error = &failure as &dyn std::error::Error;
                tracing::error!(
                    error,
                    "the settings cannot be used: the reload could not be recorded; nothing was changed"
                );
            }
            Err(Refused::Failure(failure)) => {
                log_unusable(&failure);
                self.note("refused", String::new())
                    .await
                    .unwrap_or_else(|failure| unrecorded(&failure));
            }
        }
        self.tell_what_is_copied();
    }

    async fn try_reload(&mut self) -> Result<Reread, Refused> {
        self.source.settle();
        let settings = self.source.load().map_err(Refused::Settings)?;
        let changes = self.in_use.changes(&settings.reading);
        let since_start = self.at_start.changes(&settings.reading);
        if !since_start.impossible.is_empty() {
            return Err(Refused::Impossible(since_start.impossible));
        }
        let at_restart = since_start.at_restart.join(" ");
        if changes.keys.is_empty() {
            self.note("unchanged", String::new())
                .await
                .map_err(Refused::Unrecorded)?;
            return Ok(Reread {
                changes,
                at_restart,
                warnings: settings.warnings,
            });
        }
        let warnings = settings.warnings.clone();
        let (reading, level) = (settings.reading.clone(), settings.log);
        let app =
            build::next_app(settings, self.hasher.clone(), &self.app).map_err(Refused::Failure)?;
        // The audit comes first, because who may reset whom must not change without a record.
        self.note("done", changes.keys.join(" "))
            .await
            .map_err(Refused::Unrecorded)?;
        app.latest.replace(&app);
        (self.app, self.in_use) = (app, reading);
        // In a task of its own, because a directory that does not answer must not delay SIGTERM.
        let app = Arc::clone(&self.app);
        self.app
            .tasks
            .spawn(async move { pins::pin_listed(&app).await });
        telemetry::set_level(level);
        Ok(Reread {
            changes,
            at_restart,
            warnings,
        })
    }

    async fn note(&self, outcome: &'static str, keys: String) -> Result<(), Failure> {
        Ok(self
            .app
            .store
            .note_operation("reload", outcome, keys)
            .await?)
    }

    /// Warns about credentials that systemd copied at the start: a change of the original files has no effect.
    fn tell_what_is_copied(&self) {
        let mut copied: Vec<&str> = self.in_use.copied().collect();
        if self.source.file.as_deref().is_some_and(config::is_copied) {
            copied.insert(0, "the settings file");
        }
        if !copied.is_empty() {
            tracing::warn!(
                copied = copied.join(" "),
                "unchanged since start; restart the service to rotate"
            );
        }
    }
}

fn log_unusable(failure: &Failure) {
    tracing::error!(
        problems = failure.in_full(),
        "the settings cannot be used; nothing was changed"
    );
}

/// Logs what the operator should look at, though the settings can be used.
pub(super) fn tell_warnings(warnings: &[Problem]) {
    for warning in warnings {
        tracing::warn!(key = warning.key, "{}", warning.text);
    }
}

fn unrecorded(failure: &Failure) {
    tracing::error!(
        error = failure as &dyn std::error::Error,
        "could not record that the settings were read again"
    );
}
