//! `relatch link` and `unlink`: which chat accounts belong to which people.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;

use super::csv_file::{Columns, CsvFile};
use super::linked_people::{LinkedPeople, Reaches};
use super::{Failure, build, say};
use crate::chat::account_ids;
use crate::clock::Clock;
use crate::config::Settings;
use crate::directory::{self, Directories};
use crate::domain::{EmailAddress, Platform};
use crate::store::{Linked, MovedLink, Moving, NewLink, NotLinked, Store, Use};

/// The columns of the file.
const COLUMNS: Columns = Columns {
    required: &["platform", "user_id", "business_email"],
    optional: &[],
    is_complete: false,
};

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
    /// Take accounts from the people whom they are linked to now.
    #[arg(long = "move")]
    moves: bool,
    /// Only show what the file would change.
    #[arg(long, requires = "csv")]
    dry_run: bool,
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

/// A link that somebody asks for.
struct AskedLink {
    /// Where it stands in a file.
    line: Option<u64>,
    platform: Platform,
    user: String,
    email: EmailAddress,
}

impl AskedLink {
    /// What is wrong, and where.
    fn problem(&self, what: &str) -> String {
        self.line
            .map_or(what.to_owned(), |line| format!("line {line}: {what}"))
    }
}

/// The links that are asked for, and the file that they stand in.
struct AskedLinks {
    links: Vec<AskedLink>,
    file: Option<CsvFile>,
}

/// Makes links, all or none.
pub(super) async fn link(settings: Settings, options: LinkOptions) -> Result<(), Failure> {
    // First of all, because what is wrong with them must make no database.
    let asked = AskedLinks::read(&options)?;
    let is_ours =
        |link: &AskedLink| directory::Config::is_builtin_for(&settings.directories, &link.email);
    if asked.links.iter().any(is_ours) && build::is_before_the_first(&settings).await? {
        let text = "the built-in directory has no members yet whom an account could be linked to. Nothing was changed. \
            `relatch members import FILE.csv` adds them.";
        return Err(Failure::Said(text.to_owned()));
    }
    let moving = if options.moves {
        Moving::Allowed
    } else {
        Moving::Refused
    };
    if options.dry_run && build::is_before_the_first(&settings).await? {
        let store = Store::absent(Clock::System, settings.limit);
        let directories = build::command_directories(settings, &store)?;
        return asked.plan(None, &directories, moving).await;
    }
    let how = build::use_for(options.dry_run);
    let (store, tasks) = build::open_store(&settings, how).await?;
    let made = async {
        let directories = build::command_directories(settings, &store)?;
        if options.dry_run {
            asked.plan(Some(&store), &directories, moving).await
        } else {
            asked.make(&store, &directories, moving).await
        }
    }
    .await;
    drop(store);
    tasks.finish().await;
    made
}

impl AskedLinks {
    /// The links of the file, or the one of the command line.
    fn read(options: &LinkOptions) -> Result<Self, Failure> {
        let one = (options.platform, &options.user_id, &options.email);
        match (&options.csv, one) {
            (Some(path), _) => {
                let file = CsvFile::open(path, &COLUMNS)?;
                Ok(Self {
                    links: read_links(&file)?,
                    file: Some(file),
                })
            }
            (None, (Some(platform), Some(user), Some(email))) => {
                check_form(platform, user)
                    .map_err(|wrong| Failure::Said(format!("{wrong}. Nothing was changed.")))?;
                Ok(Self {
                    links: vec![AskedLink {
                        line: None,
                        platform,
                        user: user.clone(),
                        email: email.clone(),
                    }],
                    file: None,
                })
            }
            (None, _) => Ok(Self {
                links: Vec::new(),
                file: None,
            }),
        }
    }

    /// Looks everybody up, links, and says what was done.
    async fn make(
        &self,
        store: &Store,
        directories: &Directories,
        moving: Moving,
    ) -> Result<(), Failure> {
        let links = self.new_links();
        let people = self.look_up(directories).await?;
        // Before the links are made: no directory may keep what was done from being said.
        let former = look_up_former(&store.plan_links(&links).await?, directories).await;
        match store.link_all(links, moving).await {
            Ok(linked) => self.say(&linked, &moves(&linked.moved, &former, &people), &people),
            Err(NotLinked::Taken(moved)) => Err(not_moved(&moves(&moved, &former, &people))),
            Err(NotLinked::Store(error)) => Err(error.into()),
        }
    }

    /// Says what the links would come to. Where there is no record yet, all of them are new.
    async fn plan(
        &self,
        store: Option<&Store>,
        directories: &Directories,
        moving: Moving,
    ) -> Result<(), Failure> {
        let links = self.new_links();
        let people = self.look_up(directories).await?;
        let planned = match store {
            Some(store) => store.plan_links(&links).await?,
            None => Linked {
                new: links,
                ..Linked::default()
            },
        };
        let former = look_up_former(&planned, directories).await;
        let moves = moves(&planned.moved, &former, &people);
        if moving == Moving::Refused && !moves.is_empty() {
            return Err(not_moved(&moves));
        }
        say_planned(&planned, &moves, &people)
    }

    fn new_links(&self) -> Vec<NewLink> {
        let links = self.links.iter().map(|link| NewLink {
            platform: link.platform,
            chat_user: link.user.clone(),
            email_key: link.email.key(),
        });
        links.collect()
    }

    /// Whom the links are for; refuses addresses that reach nobody.
    async fn look_up(&self, directories: &Directories) -> Result<LinkedPeople, Failure> {
        let emails = self.links.iter().map(|link| link.email.clone());
        let people = LinkedPeople::look_up(directories, emails).await;
        self.check_people(&people)?;
        Ok(people)
    }

    /// Refuses addresses that reach nobody, and a file of which the directory told only a part.
    fn check_people(&self, people: &LinkedPeople) -> Result<(), Failure> {
        let problems: Vec<String> = self
            .links
            .iter()
            .filter_map(|link| Some(link.problem(&reaches_nobody(&link.email, people)?)))
            .collect();
        match (&self.file, &problems[..]) {
            (_, []) => self.check_all_asked(people),
            (Some(file), problems) => Err(file.refused(problems)),
            (None, problems) => Err(Failure::Said(format!(
                "{}. Nothing was changed.",
                problems.join("; ")
            ))),
        }
    }

    /// Refuses a file of whose addresses a directory told some and not others: these would be linked unchecked.
    fn check_all_asked(&self, people: &LinkedPeople) -> Result<(), Failure> {
        let left: Vec<String> = self
            .links
            .iter()
            .filter_map(|link| Some(link.problem(&people.left_out(&link.email.key())?)))
            .collect();
        if self.file.is_none() || left.is_empty() {
            return Ok(());
        }
        Err(Failure::Said(format!(
            "the directory told of some lines, and not of these:\n{}\nNothing was changed. Run it again when it tells of all, \
            or take these lines out.",
            left.join("\n")
        )))
    }

    fn say(
        &self,
        linked: &Linked,
        moves: &[MoveLine],
        people: &LinkedPeople,
    ) -> Result<(), Failure> {
        for line in people.unknown() {
            say(&line)?;
        }
        for one in moves {
            say(&format!(
                "{} was moved from {} to {}",
                one.account, one.from, one.to
            ))?;
        }
        let Linked { new, unchanged, .. } = linked;
        let new = new.len();
        match (&self.file, &self.links[..]) {
            (None, [link]) => {
                let (account, who) = (
                    format!("{} {}", link.platform, link.user),
                    people.named(&link.email.key()),
                );
                match (new, unchanged) {
                    (1, _) => say(&format!("{account} is linked to {who}")),
                    (_, 1) => say(&format!(
                        "{account} is linked to {who} already. Nothing was changed."
                    )),
                    _ => Ok(()),
                }
            }
            _ => say(&format!(
                "{new} linked, {} moved, {unchanged} unchanged",
                moves.len()
            )),
        }
    }
}

/// Why a link to this address would reach nobody.
fn reaches_nobody(email: &EmailAddress, people: &LinkedPeople) -> Option<String> {
    match people.of(&email.key()) {
        Reaches::One(_) | Reaches::Unknown(_) => None,
        Reaches::Nobody => Some(format!("nobody has the business e-mail {email}")),
        Reaches::Several(entries) => Some(format!(
            "more than one entry has the business e-mail {email}: {}",
            entries.join("; ")
        )),
    }
}

/// A move as it is said: the account, from whom, and to whom.
struct MoveLine {
    account: String,
    from: String,
    to: String,
}

/// The people whom accounts belong to so far.
async fn look_up_former(planned: &Linked, directories: &Directories) -> LinkedPeople {
    let former = planned
        .moved
        .iter()
        .filter_map(|moved| EmailAddress::stored(&moved.from).ok());
    LinkedPeople::look_up(directories, former).await
}

/// Somebody whose link was made meanwhile is named by the address alone.
fn moves(moved: &[MovedLink], from: &LinkedPeople, to: &LinkedPeople) -> Vec<MoveLine> {
    let told = moved
        .iter()
        .map(|MovedLink { link, from: before }| MoveLine {
            account: format!("{} {}", link.platform, link.chat_user),
            from: from.named(before),
            to: to.named(&link.email_key),
        });
    told.collect()
}

fn say_planned(planned: &Linked, moves: &[MoveLine], people: &LinkedPeople) -> Result<(), Failure> {
    for line in people.unknown() {
        say(&line)?;
    }
    for link in &planned.new {
        say(&format!(
            "{} {} would be linked to {}",
            link.platform,
            link.chat_user,
            people.named(&link.email_key)
        ))?;
    }
    for one in moves {
        say(&format!(
            "{} would be moved from {} to {}",
            one.account, one.from, one.to
        ))?;
    }
    say(&format!(
        "{} would be linked, {} moved, {} unchanged. This was a dry run. Nothing was changed.",
        planned.new.len(),
        moves.len(),
        planned.unchanged
    ))
}

fn not_moved(moves: &[MoveLine]) -> Failure {
    let lines: Vec<String> = moves
        .iter()
        .map(|one| {
            format!(
                "{} is linked to {}, not to {}",
                one.account, one.from, one.to
            )
        })
        .collect();
    Failure::Said(format!(
        "{}\nWhoever has the account would be another person. Nothing was changed. If that is right, run it again with --move.",
        lines.join("\n")
    ))
}

/// Refuses what cannot be an account of the platform.
fn check_form(platform: Platform, user: &str) -> Result<(), String> {
    let ids = account_ids(platform);
    if (ids.is_one)(user) {
        Ok(())
    } else {
        Err(format!(
            "{user:?} is no id of an account in {platform}: {}",
            ids.form
        ))
    }
}

/// Reads all links of a file, each account once, or names every bad line.
fn read_links(file: &CsvFile) -> Result<Vec<AskedLink>, Failure> {
    let mut seen: BTreeMap<(Platform, String), (u64, String)> = BTreeMap::new();
    let links = file.rows(|line, fields: LinkLine| {
        let link = read_link(line, &fields)?;
        let account = (link.platform, link.user.clone());
        match seen.get(&account) {
            Some((_, email_key)) if *email_key == link.email.key() => Ok(None),
            Some((first, _)) => Err(format!(
                "{} {} is given to another person on line {first}",
                link.platform, link.user
            )),
            None => {
                seen.insert(account, (line, link.email.key()));
                Ok(Some(link))
            }
        }
    })?;
    Ok(links.into_iter().flatten().collect())
}

fn read_link(line: u64, fields: &LinkLine) -> Result<AskedLink, String> {
    let user = fields.user_id.trim();
    let platform = fields.platform.trim().parse::<Platform>();
    let email = fields.business_email.parse::<EmailAddress>();
    match (platform, email) {
        (Ok(platform), Ok(email)) => {
            check_form(platform, user)?;
            Ok(AskedLink {
                line: Some(line),
                platform,
                user: user.to_owned(),
                email,
            })
        }
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
    // Only to find no link, no database is made.
    let was_linked = if build::is_before_the_first(&settings).await? {
        false
    } else {
        let (store, tasks) = build::open_store(&settings, Use::Beside).await?;
        let was_linked = store.unlink(options.platform, &options.user_id).await;
        drop(store);
        tasks.finish().await;
        was_linked?
    };
    if was_linked {
        say("unlinked")
    } else {
        Err(Failure::Said(
            "there is no such link. Nothing was changed. `relatch links` lists them.".to_owned(),
        ))
    }
}
