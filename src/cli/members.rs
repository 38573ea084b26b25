//! `relatch members …`, `link` and `unlink`: the people of the built-in directory.

use std::io::Read;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::import::{csv_problem, line_of, read_file};
use super::{Failure, build, contact, say};
use crate::app::HOLD_FOR;
use crate::chance::Chance;
use crate::config::Settings;
use crate::directory::{Backend, Builtin, By, Hasher, Match};
use crate::domain::{EmailAddress, Member, PhoneNumber, Platform, State};
use crate::store::{NotDone, ResetUnderWay, Store, Use};

/// What to do with members.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Insert or update members by employee id, else by business e-mail; nothing is imported if any line is bad.
    Import(super::import::Options),
    /// List all members.
    List {
        /// table or json.
        #[arg(long, default_value = "table", value_parser = ["table", "json"])]
        format: String,
    },
    /// Show one member.
    Show {
        /// The business e-mail.
        email: EmailAddress,
        /// table or json.
        #[arg(long, default_value = "table", value_parser = ["table", "json"])]
        format: String,
    },
    /// Add a phone or a private e-mail for codes; it counts like one of the import, and is told like every added contact.
    Contact {
        /// The business e-mail.
        email: EmailAddress,
        /// A mobile number with its country code, or a private e-mail.
        #[arg(required = true)]
        address: Vec<String>,
    },
    /// Set a password, read from standard input.
    SetPassword {
        /// The business e-mail.
        email: EmailAddress,
    },
    /// Exit with 0 if the password on standard input is the member's, else with 1.
    Verify {
        /// The business e-mail.
        email: EmailAddress,
    },
    /// Remove a member with password, sessions, added contacts, chat links and open cards; the history stays.
    Remove {
        /// The business e-mail.
        email: EmailAddress,
    },
    /// Open an account that failed sign-ins have locked.
    Unlock {
        /// The business e-mail.
        email: EmailAddress,
    },
}

/// A link to make.
#[derive(Args)]
pub(super) struct Link {
    /// slack, discord, lark or mattermost.
    #[arg(required_unless_present = "csv")]
    platform: Option<Platform>,
    /// The platform's id of the account.
    #[arg(required_unless_present = "csv")]
    user_id: Option<String>,
    /// The business e-mail.
    #[arg(required_unless_present = "csv")]
    email: Option<EmailAddress>,
    /// A CSV with the header `platform,user_id,business_email`.
    #[arg(long, value_name = "FILE", conflicts_with = "platform")]
    csv: Option<PathBuf>,
}

/// A link to take away.
#[derive(Args)]
pub(super) struct Unlink {
    /// slack, discord, lark or mattermost.
    platform: Platform,
    /// The platform's id of the account.
    user_id: String,
}

/// Runs one of the member commands.
pub(super) async fn run(settings: Settings, command: Command) -> Result<(), Failure> {
    let (store, tasks) = build::open_store(&settings, Use::Beside).await?;
    let ended = match command {
        Command::Import(options) => Box::pin(super::import::run(&store, options, settings)).await,
        Command::List { format } => list(&store, &format).await,
        Command::Show { email, format } => show(&store, &email, &format).await,
        Command::SetPassword { email } => set_password(&store, &email).await,
        Command::Verify { email } => verify(&directory(&store)?, &email).await,
        Command::Remove { email } => remove(&store, &email).await,
        Command::Unlock { email } => unlock(&store, &email).await,
        Command::Contact { email, address } => {
            contact::add(&store, settings, &email, &address.join(" ")).await
        }
    };
    drop(store);
    tasks.finish().await;
    ended
}

pub(super) fn directory(store: &Store) -> Result<Builtin, Failure> {
    Ok(Builtin::new(
        store.clone(),
        Hasher::start()?,
        Chance::System,
    ))
}

/// A member as JSON.
#[derive(Serialize)]
struct Shown<'a> {
    id: &'a str,
    /// Only where one member is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    employee_id: Option<String>,
    name: &'a str,
    business_email: &'a str,
    login_method: &'a str,
    status: &'a str,
    phone: Option<&'a str>,
    personal_email: Option<&'a str>,
    role: &'a str,
    department: Option<&'a str>,
    manager_email: Option<&'a str>,
}

async fn list(store: &Store, format: &str) -> Result<(), Failure> {
    let members = store.members().await?;
    if format == "json" {
        let shown: Vec<Shown<'_>> = members
            .iter()
            .map(|row| Shown {
                id: &row.member_id.0,
                employee_id: None,
                name: &row.name,
                business_email: &row.business_email,
                login_method: &row.login_method,
                status: &row.status,
                phone: row.phone.as_deref(),
                personal_email: row.personal_email.as_deref(),
                role: &row.role,
                department: row.department.as_deref(),
                manager_email: row.manager_email.as_deref(),
            })
            .collect();
        return say(&to_json(&shown)?);
    }
    for row in &members {
        say(&format!(
            "{:<36} {:<24} {:<10} {:<15} {}",
            row.business_email, row.name, row.status, row.login_method, row.role
        ))?;
    }
    Ok(())
}

async fn show(store: &Store, email: &EmailAddress, format: &str) -> Result<(), Failure> {
    let member = find(&directory(store)?, email).await?;
    let shown = Shown {
        id: &member.id.0,
        employee_id: store.employee_id(&member.id).await?,
        name: &member.name,
        business_email: member.business_email.as_str(),
        login_method: member.login_method.as_str(),
        status: member.status.as_str(),
        phone: member.phone.as_ref().map(PhoneNumber::as_str),
        personal_email: member.personal_email.as_ref().map(EmailAddress::as_str),
        role: member.role.as_str(),
        department: member.department.as_deref(),
        manager_email: member.manager_email.as_ref().map(EmailAddress::as_str),
    };
    if format == "json" {
        return say(&to_json(&shown)?);
    }
    let or_none = |text: Option<&str>| text.unwrap_or("–").to_owned();
    for (name, text) in [
        ("name", shown.name.to_owned()),
        ("employee id", or_none(shown.employee_id.as_deref())),
        ("business e-mail", shown.business_email.to_owned()),
        ("signs in with", shown.login_method.to_owned()),
        ("status", shown.status.to_owned()),
        ("phone", or_none(shown.phone)),
        ("personal e-mail", or_none(shown.personal_email)),
        ("role", shown.role.to_owned()),
        ("department", or_none(shown.department)),
        ("manager", or_none(shown.manager_email)),
    ] {
        say(&format!("{name:<16} {text}"))?;
    }
    Ok(())
}

pub(super) fn to_json(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(value).map_err(|error| Failure::Said(error.to_string()))
}

pub(super) async fn find(directory: &Builtin, email: &EmailAddress) -> Result<Member, Failure> {
    let found = directory
        .find(&[By::Email(email.clone())])
        .await
        .map_err(|error| Failure::Said(error.to_string()))?;
    match found.into_iter().next() {
        Some(Match::One(member)) => Ok(*member),
        Some(Match::Nobody | Match::Several(_) | Match::Unreadable) | None => Err(Failure::Said(
            format!("no member has the business e-mail {email}"),
        )),
    }
}

async fn set_password(store: &Store, email: &EmailAddress) -> Result<(), Failure> {
    let directory = directory(store)?;
    let member = find(&directory, email).await?;
    let password = read_password()?;
    let phc = directory
        .hash(&password)
        .await
        .map_err(|error| Failure::Said(error.to_string()))?;
    // Whoever was in with the password before is out.
    store.set_password(&member.id, phc).await?.map_err(|ResetUnderWay { admin_name, state }| {
        let name = &member.name;
        Failure::Said(if state == State::Undelivered {
            format!(
                "the password that {admin_name} has set for {name} is not delivered yet. Nothing was changed. Wait until \
                it is; a running serve gives it up after {HOLD_FOR}."
            )
        } else {
            format!("{admin_name} is resetting {name} right now. Nothing was changed.")
        })
    })
}

async fn remove(store: &Store, email: &EmailAddress) -> Result<(), Failure> {
    let name = store
        .remove_member(email)
        .await
        .map_err(|why| not_done(&why, email))?;
    say(&format!("{name} ({email}) was removed"))
}

async fn unlock(store: &Store, email: &EmailAddress) -> Result<(), Failure> {
    store
        .unlock(email)
        .await
        .map_err(|why| not_done(&why, email))?;
    say(&format!("{email} is unlocked"))
}

/// What an operator is told whose command did nothing.
fn not_done(why: &NotDone, email: &EmailAddress) -> Failure {
    Failure::Said(match why {
        NotDone::NoSuchMember => {
            format!("no member has the business e-mail {email}. Nothing was changed.")
        }
        NotDone::UnderWay { .. } => {
            format!("{why}. Nothing was changed. Run the command again in two minutes.")
        }
        NotDone::NotLocked => format!("{email} is not locked. Nothing was changed."),
        NotDone::Disowned => format!(
            "the owner of {email} did not ask for their last reset, so somebody else may know the password. Nothing was \
            changed. Let another administrator reset it, or run `relatch members set-password {email}`."
        ),
        NotDone::Store(error) => error.to_string(),
    })
}

async fn verify(directory: &Builtin, email: &EmailAddress) -> Result<(), Failure> {
    let member = find(directory, email).await?;
    let password = read_password()?;
    match directory.verify(&member.id, &password).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(Failure::No),
        Err(error) => Err(Failure::Said(error.to_string())),
    }
}

/// The first line of standard input, without its end.
fn read_password() -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::with_capacity(1024));
    std::io::stdin().take(1024).read_to_string(&mut text)?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        return Err(Failure::Said(
            "no password on standard input. Nothing was changed.".to_owned(),
        ));
    }
    Ok(Zeroizing::new(line.to_owned()))
}

#[derive(Deserialize)]
struct LinkLine {
    platform: String,
    user_id: String,
    business_email: String,
}

/// Makes links; with a CSV all or none.
pub(super) async fn link(settings: Settings, link: Link) -> Result<(), Failure> {
    let (mut links, mut problems) = (Vec::new(), Vec::new());
    if let Some(path) = &link.csv {
        let text = read_file(path)?;
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let headers = reader.headers().cloned().unwrap_or_default();
        for record in reader.records() {
            let number = record
                .as_ref()
                .map_or(0, |record| line_of(&text, record.position()));
            match record.and_then(|record| record.deserialize::<LinkLine>(Some(&headers))) {
                Err(error) => problems.push(csv_problem(&text, &error)),
                Ok(line) => match (
                    line.platform.parse::<Platform>(),
                    line.business_email.parse::<EmailAddress>(),
                ) {
                    (Ok(platform), Ok(email)) if !line.user_id.trim().is_empty() => {
                        links.push((platform, line.user_id.trim().to_owned(), email));
                    }
                    (platform, email) => {
                        let wrong = [
                            platform.err().map(|e| format!("platform {e}")),
                            email.err().map(|e| format!("business_email {e}")),
                        ];
                        let wrong: Vec<String> = wrong.into_iter().flatten().collect();
                        let wrong = if wrong.is_empty() {
                            "user_id is empty".to_owned()
                        } else {
                            wrong.join("; ")
                        };
                        problems.push(format!("line {number}: {wrong}"));
                    }
                },
            }
        }
    } else if let (Some(platform), Some(user), Some(email)) =
        (link.platform, link.user_id, link.email)
    {
        links.push((platform, user, email));
    }
    if !problems.is_empty() {
        return Err(Failure::Said(format!(
            "the file cannot be used. Nothing was changed. Mend these lines:\n{}",
            problems.join("\n")
        )));
    }
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

/// Takes a link away.
pub(super) async fn unlink(settings: Settings, unlink: Unlink) -> Result<(), Failure> {
    let (store, tasks) = build::open_store(&settings, Use::Beside).await?;
    let was_linked = store.unlink(unlink.platform, &unlink.user_id).await?;
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
