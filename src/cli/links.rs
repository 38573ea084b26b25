//! `relatch link` and `unlink`: which chat accounts belong to which people.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;

use super::import::{csv_problem, line_of, read_file};
use super::{Failure, build, say};
use crate::config::Settings;
use crate::domain::{EmailAddress, Platform};
use crate::store::Use;

/// A link to make.
#[derive(Args)]
pub(super) struct LinkOptions {
    /// slack, discord, lark or mattermost.
    #[arg(required_unless_present = "csv")]
    platform: Option<Platform>,
    /// The platform's id of the account.
    #[arg(required_unless_present = "csv")]
    user_id: Option<String>,
    /// The business e-mail.
    #[arg(required_unless_present = "csv", value_parser = EmailAddress::typed)]
    email: Option<EmailAddress>,
    /// A CSV with the header `platform,user_id,business_email`.
    #[arg(long, value_name = "FILE", conflicts_with = "platform")]
    csv: Option<PathBuf>,
}

/// A link to take away.
#[derive(Args)]
pub(super) struct UnlinkOptions {
    /// slack, discord, lark or mattermost.
    platform: Platform,
    /// The platform's id of the account.
    user_id: String,
}

#[derive(Deserialize)]
struct LinkLine {
    platform: String,
    user_id: String,
    business_email: String,
}

/// Makes links. Of a CSV, all or none.
pub(super) async fn link(settings: Settings, options: LinkOptions) -> Result<(), Failure> {
    let links = match (
        &options.csv,
        options.platform,
        options.user_id,
        options.email,
    ) {
        (Some(path), ..) => read_links(path)?,
        (None, Some(platform), Some(user), Some(email)) => vec![(platform, user, email)],
        (None, ..) => Vec::new(),
    };
    let (store, tasks) = build::open_store(&settings, Use::Beside).await?;
    let linked = links.len();
    store
        .link(
            links
                .into_iter()
                .map(|(platform, user, email)| (platform, user, email.key()))
                .collect(),
        )
        .await?;
    drop(store);
    tasks.finish().await;
    say(&format!("{linked} linked"))
}

/// Reads all links of a file, or names every bad line.
fn read_links(path: &Path) -> Result<Vec<(Platform, String, EmailAddress)>, Failure> {
    let text = read_file(path)?;
    let (mut links, mut problems) = (Vec::new(), Vec::new());
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headers = reader.headers().cloned().unwrap_or_default();
    for record in reader.records() {
        let number = record
            .as_ref()
            .map_or(0, |record| line_of(&text, record.position()));
        match record.and_then(|record| record.deserialize::<LinkLine>(Some(&headers))) {
            Err(error) => problems.push(csv_problem(&text, &error)),
            Ok(line) => match read_link(&line) {
                Ok(link) => links.push(link),
                Err(wrong) => problems.push(format!("line {number}: {wrong}")),
            },
        }
    }
    if problems.is_empty() {
        return Ok(links);
    }
    Err(Failure::Said(format!(
        "the file cannot be used. Nothing was changed. Mend these lines:\n{}",
        problems.join("\n")
    )))
}

fn read_link(line: &LinkLine) -> Result<(Platform, String, EmailAddress), String> {
    let user = line.user_id.trim();
    match (
        line.platform.parse::<Platform>(),
        line.business_email.parse::<EmailAddress>(),
    ) {
        (Ok(platform), Ok(email)) if !user.is_empty() => Ok((platform, user.to_owned(), email)),
        (Ok(_), Ok(_)) => Err("user_id is empty".to_owned()),
        (platform, email) => {
            let wrong = [
                platform.err().map(|error| format!("platform {error}")),
                email.err().map(|error| format!("business_email {error}")),
            ];
            Err(wrong.into_iter().flatten().collect::<Vec<_>>().join("; "))
        }
    }
}

/// Takes a link away.
pub(super) async fn unlink(settings: Settings, options: UnlinkOptions) -> Result<(), Failure> {
    let (store, tasks) = build::open_store(&settings, Use::Beside).await?;
    let was_linked = store.unlink(options.platform, &options.user_id).await?;
    drop(store);
    tasks.finish().await;
    if was_linked {
        say("unlinked")
    } else {
        Err(Failure::Said(
            "there is no such link. Nothing was changed.".to_owned(),
        ))
    }
}
