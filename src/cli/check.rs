//! `relatch check`: the settings were read; now every dependency is tried, and all that fail are named.

use std::time::Duration;

use super::{Failure, house, say};
use crate::chat::discord::Discord;
use crate::chat::mattermost::Mattermost;
use crate::chat::slack::Slack;
use crate::chat::{Adapter, Chat};
use crate::clock::Clock;
use crate::config::Settings;
use crate::net;
use crate::secret::Keys;
use crate::store::Use;

/// Tries everything, a line each.
pub(super) async fn run(settings: Settings) -> Result<(), Failure> {
    let http = net::client(Duration::from_secs(10)).map_err(|error| Failure::Said(error.to_string()))?;
    let mut tried: Vec<(&str, Result<(), String>)> = Vec::new();
    let opened = house::open_store(&settings, Use::Beside).await;
    let store = match &opened {
        Ok((store, _)) if store.is_writable().await => Ok(()),
        Ok(_) => Err("cannot be written".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    tried.push(("database", store));
    if let Some(config) = settings.slack {
        let probed = match Slack::new(config, http.clone(), Clock::System) {
            Ok(slack) => Chat::Slack(slack).probe().await,
            Err(error) => Err(error.to_string()),
        };
        tried.push(("slack", probed));
    }
    if let Some(config) = settings.discord {
        tried.push(("discord", Chat::Discord(Discord::new(config, http.clone(), Clock::System)).probe().await));
    }
    if let Some(config) = settings.mattermost {
        // The probe makes no value, so any key does.
        let probed = match Keys::from_master(&[0; 32]) {
            Ok(keys) => Chat::Mattermost(Mattermost::new(config, keys, http.clone(), Clock::System)).probe().await,
            Err(error) => Err(error.to_string()),
        };
        tried.push(("mattermost", probed));
    }
    let deliveries = house::deliveries(settings.email, settings.sms, settings.ways, &http);
    if let Some(email) = &deliveries.email {
        tried.push(("email", email.probe().await));
    }
    if let Some(sms) = &deliveries.sms {
        tried.push(("sms", sms.probe().await));
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
    if failed == 0 { Ok(()) } else { Err(Failure::Said(format!("{failed} of {} failed", tried.len()))) }
}
