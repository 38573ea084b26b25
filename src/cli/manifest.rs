//! `relatch manifest PLATFORM --url URL`: prints the app manifest with our address.

use clap::Args;
use url::Url;

use super::{Failure, say};
use crate::chat;
use crate::domain::Platform;
use crate::net;

/// Stands in the manifests; the address of `--url` takes its place.
const PLACEHOLDER: &str = "https://relatch.example";

/// What to print.
#[derive(Args)]
pub(super) struct ManifestOptions {
    /// slack, discord, lark or mattermost.
    platform: Platform,
    /// Our own address from outside, https.
    #[arg(long)]
    url: String,
}

/// Prints the manifest.
pub(super) fn run(options: &ManifestOptions) -> Result<(), Failure> {
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
    say(&chat::manifest(options.platform).replace(PLACEHOLDER, url.as_str().trim_end_matches('/')))
}
