//! `relatch manifest PLATFORM --url URL`: the app manifest with our addresses in it.

use clap::Args;
use url::Url;

use super::{Failure, say};
use crate::chat;
use crate::domain::Platform;
use crate::net;

/// The stand-in.
const STAND_IN: &str = "https://relatch.example";

/// What to print.
#[derive(Args)]
pub(super) struct Options {
    /// slack, discord, lark or mattermost.
    platform: Platform,
    /// Our own address from outside, https.
    #[arg(long)]
    url: String,
}

/// Prints it.
pub(super) fn run(options: &Options) -> Result<(), Failure> {
    let url = Url::parse(&options.url).ok().filter(|url| {
        net::is_acceptable_url(url)
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
    });
    let Some(url) = url else {
        return Err(Failure::Said(
            "--url must be an https:// address such as https://reset.acme.example".to_owned(),
        ));
    };
    say(&chat::manifest(options.platform).replace(STAND_IN, url.as_str().trim_end_matches('/')))
}
