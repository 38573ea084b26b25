//! `relatch links`: lists which chat accounts belong to which people.

use clap::Args;
use serde::Serialize;

use super::linked_people::LinkedPeople;
use super::table::TextTable;
use super::{Failure, build, say, to_json};
use crate::clock::rfc3339;
use crate::config::Settings;
use crate::domain::EmailAddress;
use crate::store::{ListedLink, Use};

const LISTED: TextTable<4> = TextTable([
    ("platform", 10),
    ("account", 35),
    ("business e-mail", 36),
    ("reaches", 0),
]);

/// How the links are listed.
#[derive(Args)]
pub(super) struct LinksOptions {
    /// table or json.
    #[arg(long, default_value = "table", value_parser = ["table", "json"])]
    format: String,
}

#[derive(Serialize)]
struct LinkJson<'a> {
    platform: &'a str,
    user_id: &'a str,
    business_email: &'a str,
    linked_at: String,
    reaches: &'static str,
    name: Option<&'a str>,
    status: Option<&'static str>,
}

/// Lists all links with whom they reach now.
pub(super) async fn list(settings: Settings, options: LinksOptions) -> Result<(), Failure> {
    let (store, tasks) = build::open_store(&settings, Use::Beside).await?;
    let listed = async {
        let links = store.links().await?;
        let directories = build::command_directories(settings, &store)?;
        let emails = links.iter();
        let emails = emails.filter_map(|link| EmailAddress::stored(&link.email_key).ok());
        let people = LinkedPeople::look_up(&directories, emails).await;
        print_links(&links, &people, &options.format)
    }
    .await;
    drop(store);
    tasks.finish().await;
    listed
}

fn print_links(links: &[ListedLink], people: &LinkedPeople, format: &str) -> Result<(), Failure> {
    if format == "json" {
        let rows = links.iter().map(|link| {
            let reaches = people.of(&link.email_key);
            LinkJson {
                platform: &link.platform,
                user_id: &link.chat_user,
                business_email: &link.email_key,
                linked_at: rfc3339(link.linked_at),
                reaches: reaches.word(),
                name: reaches.member().map(|member| member.name.as_str()),
                status: reaches.member().map(|member| member.status.as_str()),
            }
        });
        return say(&to_json(&rows.collect::<Vec<_>>())?);
    }
    if links.is_empty() {
        return say("No chat account is linked.");
    }
    say(&LISTED.header())?;
    links.iter().try_for_each(|link| {
        let reaches = people.of(&link.email_key).described();
        let cells = [&link.platform, &link.chat_user, &link.email_key, &reaches];
        say(&LISTED.row(cells.map(String::as_str)))
    })
}
