//! `relatch check`: says of every key whether it works, and what to do where it does not. Leaves nothing behind.

mod administrators;
mod files;
mod report;
mod set_up;

use std::time::Duration;

use clap::Args;

use self::files::Record;
use self::report::{Level, Report};
use super::reload::Source;
use super::{Failure, build};
use crate::app::Identity;
use crate::chat::{self, Adapter, ChatParts, Examination, Matching};
use crate::clock::Clock;
use crate::config::Settings;
use crate::delivery::Deliveries;
use crate::directory::{self, Backend, Directories, Hasher};
use crate::domain::makeup::{Makeup, PasswordNeeds};
use crate::net;
use crate::settings::Finding;
use crate::store::Store;
use crate::telemetry;

/// How the list is printed.
#[derive(Args)]
pub(super) struct CheckOptions {
    /// text or json.
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    format: String,
}

/// Reads the settings, then tries everything. Exits with 78 for what is wrong in itself, with 1 where another service cannot
/// do its part, with 0 where there are warnings only.
pub(super) async fn run(source: &Source, options: CheckOptions) -> Result<(), Failure> {
    let mut report = Report::default();
    match source.load() {
        Ok(settings) => {
            if let Err(failure) = examine(settings, &mut report).await {
                add_failure(&failure, &mut report);
            }
        }
        Err(problems) => {
            for problem in problems.0 {
                let advice = problem.advice();
                report.add_unsound(problem.key, advice);
            }
        }
    }
    report.print(options.format == "json")?;
    report.ended()
}

/// What ends the examination is a line of the list as well, after those that were found before.
fn add_failure(failure: &Failure, report: &mut Report) {
    if failure.is_of_files() {
        report.add_unsound("check", failure.in_full());
    } else {
        report.add(Level::Fail, "check", failure.in_full());
    }
}

/// The log on standard error has the details of short lines.
async fn examine(settings: Settings, report: &mut Report) -> Result<(), Failure> {
    telemetry::start(settings.log);
    set_up::examine(&settings, report);
    let record = files::try_files(&settings, report).await;
    let examined = examine_services(settings, &record, report).await;
    // However that ended: a database that is not closed keeps files beside it.
    if let Record::Open(store, tasks) = record {
        drop(store);
        tasks.finish().await;
    }
    examined
}

/// Tries what the settings name beyond our own files.
async fn examine_services(
    settings: Settings,
    record: &Record,
    report: &mut Report,
) -> Result<(), Failure> {
    let said = |error: &dyn std::error::Error| Failure::Said(error.to_string());
    let http = net::client(Duration::from_secs(10)).map_err(|error| said(&error))?;
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
    let names = settings.names_of_remote_directories();
    let company = build::company(&settings.directories, &settings.company_domains);
    let directories = build::directories(
        settings.directories,
        &company,
        &match record {
            Record::Open(store, _) => store.as_ref().clone(),
            Record::NotYet | Record::Closed(_) => Store::absent(Clock::System, settings.limit),
        },
        Hasher::start().map_err(|error| said(&error))?,
        settings.default_country,
        &parts,
    )?;
    let failed = try_directories(&directories, &names, asked, report).await;
    match administrators::examine(record, &settings.admins, &directories, &failed).await {
        Ok(listed) => {
            for (level, key, text) in listed {
                report.add(level, key, text);
            }
        }
        Err(error) => report.add(Level::Fail, "database", error.to_string()),
    }
    try_chats(settings.chats, &parts, &matching, report).await;
    let (channels, ways) = (settings.channels, settings.ways);
    try_channels(
        &Deliveries::open(channels, ways, settings.default_country, &http),
        report,
    )
    .await;
    Ok(())
}

/// Fails where the directory's password policy refuses every password that these settings give: their length, and whether
/// there are symbols.
fn can_be_met((length, has_symbols): (u8, bool), needs: &PasswordNeeds) -> Result<(), Finding> {
    let made = Makeup::of(length, has_symbols, needs);
    made.map(drop).map_err(|unmet| {
        format!("nobody can be reset: its password policy {unmet}; policy.password_length and policy.password_symbols say what a \
            password is made of")
            .into()
    })
}

/// The names of the directories that cannot be used.
async fn try_directories(
    directories: &Directories,
    names: &[String],
    asked: (u8, bool),
    report: &mut Report,
) -> Vec<String> {
    let mut failed = Vec::new();
    for (section, directory) in names.iter().zip(directories.remote()) {
        let name = directory.name();
        let mut warnings = Vec::new();
        let mut probed = directory.probe().await;
        if probed.is_ok() {
            warnings = directory.warnings().await;
            probed = can_be_met(asked, &directory.password_needs());
        }
        match probed {
            Ok(()) => report.add_found(Level::Ok, section, name, String::new().into()),
            Err(found) => {
                failed.push(name.to_owned());
                report.add_found(Level::Fail, section, name, found);
            }
        }
        for warning in warnings {
            report.add_found(Level::Warn, section, name, warning.into());
        }
    }
    failed
}

async fn try_chats(
    configs: Vec<chat::Config>,
    parts: &ChatParts,
    matching: &Matching,
    report: &mut Report,
) {
    for config in configs {
        let section = config.platform().as_str();
        let Examination {
            failures,
            warnings,
            notes,
        } = match config.open(parts) {
            Ok(chat) => chat.examine(matching).await,
            Err(error) => Examination {
                failures: vec![error.to_string().into()],
                ..Examination::default()
            },
        };
        let fine = failures.is_empty().then(|| String::new().into());
        for (level, all) in [
            (Level::Ok, fine.into_iter().chain(notes).collect()),
            (Level::Warn, warnings),
            (Level::Fail, failures),
        ] {
            let all: Vec<Finding> = all;
            for found in all {
                report.add_found(level, section, "", found);
            }
        }
    }
}

async fn try_channels(deliveries: &Deliveries, report: &mut Report) {
    for (channel, probed) in deliveries.probe().await {
        let (level, found) = match probed {
            Ok(()) => (Level::Ok, String::new().into()),
            Err(found) => (Level::Fail, found),
        };
        report.add_found(level, channel.as_str(), "", found);
    }
}
