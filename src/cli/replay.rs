//! `relatch replay FILE.http --to URL`: sends a recorded webhook, signed again with the settings' secret and the present
//! time.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use url::Url;

use super::{Failure, say};
use crate::chat::{self, slack::Slack};
use crate::clock::Clock;
use crate::config::Settings;
use crate::domain::Platform;
use crate::net;

/// What to send, and where.
#[derive(Args)]
pub(super) struct ReplayOptions {
    /// Request line, headers, a blank line, the body as received.
    file: PathBuf,
    /// The server, such as <http://127.0.0.1:8080>.
    #[arg(long)]
    to: Url,
}

/// Headers of the recording that are replaced.
const OWN_HEADERS: [&str; 5] = [
    "host",
    "content-length",
    "connection",
    "x-slack-signature",
    "x-slack-request-timestamp",
];

/// Sends the request and prints the answer. Any answer but 2xx is a failure.
pub(super) async fn run(settings: Settings, options: ReplayOptions) -> Result<(), Failure> {
    let said = |error: &dyn std::error::Error| Failure::Said(error.to_string());
    let text = std::fs::read_to_string(&options.file).map_err(|error| {
        Failure::Said(format!(
            "{} cannot be read: {error}",
            options.file.display()
        ))
    })?;
    let recorded = Recorded::read(&text)?;
    let slack = settings
        .chats
        .into_iter()
        .find_map(chat::Config::into_slack);
    let config = slack
        .ok_or_else(|| Failure::Said("the settings have no [slack] to sign with".to_owned()))?;
    if !net::is_acceptable_url(&options.to) {
        return Err(Failure::Said(
            "--to must be https, or http to this machine".to_owned(),
        ));
    }
    let http = net::client(Duration::from_secs(10)).map_err(|error| said(&error))?;
    let slack = Slack::new(config, http.clone(), Clock::System).map_err(|error| said(&error))?;
    let url = options
        .to
        .join(recorded.path)
        .map_err(|error| said(&error))?;
    let mut request = http.post(url);
    for (name, value) in recorded.headers {
        request = request.header(name, value);
    }
    for (name, value) in slack.sign(recorded.body.as_bytes(), Clock::System.now()) {
        request = request.header(name, value);
    }
    let answer = net::call(request.body(recorded.body.to_owned()))
        .await
        .map_err(|error| said(&error))?;
    say(&format!(
        "{}\n{}",
        answer.status,
        String::from_utf8_lossy(&answer.body)
    ))?;
    if (200..300).contains(&answer.status) {
        Ok(())
    } else {
        Err(Failure::Said(format!(
            "the request was not taken: the answer is {}",
            answer.status
        )))
    }
}

/// A recorded request to Slack's routes.
struct Recorded<'a> {
    path: &'a str,
    headers: Vec<(String, &'a str)>,
    body: &'a str,
}

impl<'a> Recorded<'a> {
    fn read(text: &'a str) -> Result<Self, Failure> {
        let (head, body) = text
            .split_once("\n\n")
            .or_else(|| text.split_once("\r\n\r\n"))
            .unwrap_or((text, ""));
        let mut lines = head.lines();
        let path = lines
            .next()
            .and_then(|line| line.strip_prefix("POST "))
            .and_then(|rest| rest.split(' ').next());
        let is_of = |platform: &Platform| {
            path.is_some_and(|path| path.starts_with(&format!("/{platform}/")))
        };
        if let Some(platform) = Platform::ALL
            .iter()
            .find(|platform| **platform != Platform::Slack && is_of(platform))
        {
            return Err(Failure::NotBuilt(format!(
                "`replay` is not built yet for {platform}; nothing was sent"
            )));
        }
        let path = path
            .filter(|path| path.starts_with("/slack/"))
            .ok_or_else(|| Failure::Said("the file must begin with POST /slack/…".to_owned()))?;
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim()))
            .filter(|(name, _)| !OWN_HEADERS.contains(&name.as_str()));
        Ok(Self {
            path,
            headers: headers.collect(),
            body: body.trim_end_matches(['\r', '\n']),
        })
    }
}
