//! `relatch check`: the settings were read; now every dependency is tried, and all that fail are named.

use std::time::Duration;

use super::{Failure, admins, build, say};
use crate::chat::Adapter;
use crate::config::Settings;
use crate::directory::{Backend, Hasher};
use crate::net;
use crate::store::Use;
use crate::telemetry;

/// Tries everything, a line each. What an outcome keeps short, the log on standard error says in full.
pub(super) async fn run(settings: Settings) -> Result<(), Failure> {
    telemetry::start(settings.log);
    let http =
        net::client(Duration::from_secs(10)).map_err(|error| Failure::Said(error.to_string()))?;
    let mut tried: Vec<(String, Result<(), String>)> = Vec::new();
    let mut caveats: Vec<(&'static str, String)> = Vec::new();
    let opened = build::open_store(&settings, Use::Beside).await;
    let store = match &opened {
        Ok((store, _)) if store.is_writable().await => Ok(()),
        Ok(_) => Err("cannot be written".to_owned()),
        Err(error) => Err(error.in_full()),
    };
    tried.push(("database".to_owned(), store));
    let key = build::try_key(
        &settings.key_file,
        opened.as_ref().ok().map(|(store, _)| store),
    )
    .await;
    let is_unsound = [opened.as_ref().err(), key.as_ref().err()]
        .into_iter()
        .flatten()
        .any(Failure::is_of_settings);
    // Nothing is said of a key that the first `serve` will make.
    if key.is_err() || settings.key_file.try_exists().unwrap_or(true) {
        tried.push(("key file".to_owned(), key.map_err(|error| error.in_full())));
    }
    // Worth knowing, and no reason to fail.
    let mut warnings: Vec<(String, String)> = Vec::new();
    let mut listed = Ok(Vec::new());
    let parts = build::trial_parts(http.clone())?;
    if let Ok((store, _)) = &opened {
        let hasher = Hasher::start().map_err(|error| Failure::Said(error.to_string()))?;
        let company = build::company(&settings.directories, &settings.company_domains);
        let directories =
            build::directories(settings.directories, &company, store, hasher, &parts)?;
        for home in directories.elsewhere() {
            let probed = home.probe().await;
            if probed.is_ok() {
                warnings.extend(
                    home.warnings()
                        .await
                        .into_iter()
                        .map(|text| (home.name().to_owned(), text)),
                );
            }
            tried.push((home.name().to_owned(), probed));
        }
        listed = admins::checked(store, &settings.admins, &directories).await;
    }
    for config in settings.chats {
        let name = config.platform().as_str();
        let probed = match config.open(&parts) {
            Ok(chat) => {
                let probed = chat.probe().await;
                if probed.is_ok() {
                    caveats.extend(
                        chat.warnings()
                            .await
                            .into_iter()
                            .map(|caveat| (name, caveat)),
                    );
                }
                probed
            }
            Err(error) => Err(error.to_string()),
        };
        tried.push((name.to_owned(), probed));
    }
    let deliveries = build::deliveries(
        settings.email,
        settings.sms,
        settings.ways,
        settings.sms_countries,
        &http,
    );
    if let Some(email) = &deliveries.email {
        tried.push(("email".to_owned(), email.probe().await));
    }
    if let Some(sms) = &deliveries.sms {
        tried.push(("sms".to_owned(), sms.probe().await));
    }
    if let Ok((store, tasks)) = opened {
        drop(store);
        tasks.finish().await;
    }
    let mut failed = 0;
    for (name, outcome) in &tried {
        match outcome {
            Ok(()) => say(&format!("ok      {name}"))?,
            Err(why) => {
                failed += 1;
                say(&format!("failed  {name}: {why}"))?;
            }
        }
    }
    for (name, text) in &warnings {
        say(&format!("warning {name}: {text}"))?;
    }
    for (name, caveat) in &caveats {
        say(&format!("warning {name}: {caveat}"))?;
    }
    match listed {
        Ok(listed) => {
            for (is_fine, what) in listed {
                say(&format!(
                    "{} {what}",
                    if is_fine { "ok     " } else { "warning" }
                ))?;
            }
        }
        Err(error) => {
            failed += 1;
            say(&format!("failed  list of administrators: {error}"))?;
        }
    }
    let told = format!("{failed} of {} failed", tried.len());
    match failed {
        0 => Ok(()),
        _ if is_unsound => Err(Failure::Unsound(told)),
        _ => Err(Failure::Said(told)),
    }
}
