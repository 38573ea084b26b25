//! `relatch manifest PLATFORM --url URL`: the app manifest with our addresses in it.

use clap::{Args, ValueEnum};
use url::Url;

use super::{Failure, say};
use crate::chat::{discord, mattermost};
use crate::net;

/// The manifest as it lies in the repository, with a stand-in for our address.
const SLACK: &str = include_str!("../../manifests/slack.yaml");

/// The stand-in.
const STAND_IN: &str = "https://relatch.example";

/// What to print.
#[derive(Args)]
pub(super) struct Options {
    /// The platform.
    platform: Name,
    /// Our own address from outside, https.
    #[arg(long)]
    url: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum Name {
    Slack,
    Discord,
    Lark,
    Mattermost,
}

/// Prints it.
pub(super) fn run(options: &Options) -> Result<(), Failure> {
    let manifest = match options.platform {
        Name::Slack => SLACK,
        Name::Discord => discord::MANIFEST,
        Name::Mattermost => mattermost::MANIFEST,
        Name::Lark => {
            return Err(Failure::NotBuilt("this platform is not built yet; nothing was done".to_owned()));
        }
    };
    let url = Url::parse(&options.url).ok().filter(|url| {
        net::is_acceptable_url(url) && url.query().is_none() && url.fragment().is_none() && url.username().is_empty()
    });
    let Some(url) = url else {
        return Err(Failure::Said("--url must be an https:// address such as https://reset.acme.example".to_owned()));
    };
    say(&manifest.replace(STAND_IN, url.as_str().trim_end_matches('/')))
}
