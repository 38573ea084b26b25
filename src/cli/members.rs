//! `relatch members …`, `link` and `unlink`: the people of the built-in directory.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Failure, admins, house, say};
use crate::app::HOLD_FOR;
use crate::chance::Chance;
use crate::clock::Clock;
use crate::config::Settings;
use crate::directory::{Backend, Builtin, By, Hasher, Match};
use crate::domain::member::clean_name;
use crate::domain::{EmailAddress, LoginMethod, Member, MemberId, PhoneNumber, Platform, ResetId, Role, State, Status};
use crate::store::{MemberRow, ResetUnderWay, Store, Use};

/// The largest file that is read, in bytes.
const FILE_LIMIT: u64 = 64 * 1024 * 1024;

/// What to do with members.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Insert or update members by business e-mail; nothing is imported if any line is bad.
    Import {
        /// A CSV with the header `name,business_email,login_method,status,phone,personal_email,role,department,manager_email`.
        file: PathBuf,
    },
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
    let (store, tasks) = house::open_store(&settings, Use::Beside).await?;
    let ended = match command {
        Command::Import { file } => import(&store, &settings, &file).await,
        Command::List { format } => list(&store, &format).await,
        Command::Show { email, format } => show(&directory(&store)?, &email, &format).await,
        Command::SetPassword { email } => set_password(&store, &email).await,
        Command::Verify { email } => verify(&directory(&store)?, &email).await,
    };
    drop(store);
    tasks.finish().await;
    ended
}

fn directory(store: &Store) -> Result<Builtin, Failure> {
    Ok(Builtin::new(store.clone(), Hasher::start()?, Chance::System))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    name: String,
    business_email: String,
    login_method: String,
    status: String,
    phone: String,
    personal_email: String,
    role: String,
    department: String,
    manager_email: String,
}

async fn import(store: &Store, settings: &Settings, file: &Path) -> Result<(), Failure> {
    let text = read_file(file)?;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let mut rng = Chance::System.rng().map_err(|error| Failure::Said(error.to_string()))?;
    let now = Clock::System.now();
    let (mut rows, mut problems): (Vec<MemberRow>, Vec<String>) = (Vec::new(), Vec::new());
    let mut seen: HashMap<String, u64> = HashMap::new();
    let headers = reader.headers().cloned().unwrap_or_default();
    for record in reader.records() {
        let number = record.as_ref().map_or(0, |record| line_of(&text, record.position()));
        match record.and_then(|record| record.deserialize::<Line>(Some(&headers))) {
            Err(error) => problems.push(csv_problem(&text, &error)),
            Ok(line) => {
                let mut bad = Vec::new();
                let row = read_line(&line, ResetId::draw(&mut rng, now), &mut bad);
                if let Some(first) = seen.insert(row.business_email_key.clone(), number) {
                    bad.push(format!("business_email stands already on line {first}"));
                }
                if bad.is_empty() {
                    rows.push(row);
                } else {
                    problems.push(format!("line {number}: {}", bad.join("; ")));
                }
            }
        }
    }
    if !problems.is_empty() {
        return Err(Failure::Said(format!(
            "the file cannot be imported. Nothing was changed. Mend these lines:\n{}",
            problems.join("\n")
        )));
    }
    let keys: Vec<String> = rows.iter().map(|row| row.business_email_key.clone()).collect();
    let count = store.import_members(rows).await?;
    say(&format!("{} added, {} updated", count.added, count.updated))?;
    admins::pin_imported(store, settings, &keys).await
}

/// The line on which a record begins. What the reader tells is where it began to look for it: blank lines come first.
fn line_of(text: &str, position: Option<&csv::Position>) -> u64 {
    let Some(position) = position else { return 1 };
    let rest = usize::try_from(position.byte()).ok().and_then(|byte| text.get(byte..)).unwrap_or_default();
    let skipped = rest.bytes().take_while(|byte| matches!(byte, b'\r' | b'\n')).filter(|byte| *byte == b'\n').count();
    position.line() + skipped as u64
}

fn csv_problem(text: &str, error: &csv::Error) -> String {
    let line = line_of(text, error.position());
    if let csv::ErrorKind::Deserialize { err, .. } = error.kind() {
        return format!("line {line}: {err}");
    }
    if let csv::ErrorKind::UnequalLengths { expected_len, len, .. } = error.kind() {
        return format!("line {line}: {len} fields instead of {expected_len}");
    }
    format!("line {line}: cannot be read")
}

/// Reads one line; every bad field of it is named.
fn read_line(line: &Line, id: ResetId, bad: &mut Vec<String>) -> MemberRow {
    let mut check = |name: &str, text: &str, error: Option<String>| {
        if let Some(error) = error {
            bad.push(format!("{name} \"{text}\" {error}"));
        }
    };
    let error = |result: Result<(), String>| result.err();
    check("business_email", &line.business_email, error(parse::<EmailAddress>(&line.business_email)));
    check("login_method", &line.login_method, error(parse::<LoginMethod>(&line.login_method)));
    check("status", &line.status, error(parse::<Status>(&line.status)));
    check("role", &line.role, error(parse::<Role>(&line.role)));
    for (name, text) in [("personal_email", &line.personal_email), ("manager_email", &line.manager_email)] {
        if !text.trim().is_empty() {
            check(name, text, error(parse::<EmailAddress>(text)));
        }
    }
    let phone = line.phone.trim();
    let number = phone.parse::<PhoneNumber>();
    if let (false, Err(wrong)) = (phone.is_empty(), &number) {
        check("phone", phone, Some(wrong.to_string()));
    }
    let name = clean_name(&line.name);
    if name.is_empty() {
        bad.push("name is empty".to_owned());
    }
    let email = line.business_email.trim();
    let maybe = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    MemberRow {
        member_id: MemberId(id.to_string()),
        name,
        business_email: email.to_owned(),
        business_email_key: email.to_ascii_lowercase(),
        login_method: line.login_method.clone(),
        status: line.status.clone(),
        phone: number.ok().map(|number| number.to_string()),
        personal_email: maybe(&line.personal_email),
        role: line.role.clone(),
        department: maybe(&clean_name(&line.department)),
        manager_email: maybe(&line.manager_email),
    }
}

fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<(), String> {
    text.parse::<T>().map(drop).map_err(|error| error.to_string())
}

fn read_file(path: &Path) -> Result<String, Failure> {
    let said = |error: std::io::Error| Failure::Said(format!("{} cannot be read: {error}", path.display()));
    let mut text = String::new();
    let length =
        std::fs::File::open(path).map_err(said)?.take(FILE_LIMIT + 1).read_to_string(&mut text).map_err(said)?;
    if length as u64 > FILE_LIMIT {
        return Err(Failure::Said(format!("{} is larger than 64 MiB. Nothing was changed.", path.display())));
    }
    Ok(text)
}

/// A member as JSON.
#[derive(Serialize)]
struct Shown<'a> {
    id: &'a str,
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

async fn show(directory: &Builtin, email: &EmailAddress, format: &str) -> Result<(), Failure> {
    let member = find(directory, email).await?;
    let shown = Shown {
        id: &member.id.0,
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

async fn find(directory: &Builtin, email: &EmailAddress) -> Result<Member, Failure> {
    let found = directory.find(&[By::Email(email.clone())]).await.map_err(|error| Failure::Said(error.to_string()))?;
    match found.into_iter().next() {
        Some(Match::One(member)) => Ok(*member),
        Some(Match::Nobody | Match::Several(_)) | None => {
            Err(Failure::Said(format!("no member has the business e-mail {email}")))
        }
    }
}

async fn set_password(store: &Store, email: &EmailAddress) -> Result<(), Failure> {
    let directory = directory(store)?;
    let member = find(&directory, email).await?;
    let password = read_password()?;
    let phc = directory.hash(&password).await.map_err(|error| Failure::Said(error.to_string()))?;
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
        return Err(Failure::Said("no password on standard input. Nothing was changed.".to_owned()));
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
            let number = record.as_ref().map_or(0, |record| line_of(&text, record.position()));
            match record.and_then(|record| record.deserialize::<LinkLine>(Some(&headers))) {
                Err(error) => problems.push(csv_problem(&text, &error)),
                Ok(line) => match (line.platform.parse::<Platform>(), line.business_email.parse::<EmailAddress>()) {
                    (Ok(platform), Ok(email)) if !line.user_id.trim().is_empty() => {
                        links.push((platform, line.user_id.trim().to_owned(), email));
                    }
                    (platform, email) => {
                        let wrong = [
                            platform.err().map(|e| format!("platform {e}")),
                            email.err().map(|e| format!("business_email {e}")),
                        ];
                        let wrong: Vec<String> = wrong.into_iter().flatten().collect();
                        let wrong = if wrong.is_empty() { "user_id is empty".to_owned() } else { wrong.join("; ") };
                        problems.push(format!("line {number}: {wrong}"));
                    }
                },
            }
        }
    } else if let (Some(platform), Some(user), Some(email)) = (link.platform, link.user_id, link.email) {
        links.push((platform, user, email));
    }
    if !problems.is_empty() {
        return Err(Failure::Said(format!(
            "the file cannot be used. Nothing was changed. Mend these lines:\n{}",
            problems.join("\n")
        )));
    }
    let (store, tasks) = house::open_store(&settings, Use::Beside).await?;
    let linked = links.len();
    store.link(links.into_iter().map(|(platform, user, email)| (platform, user, email.key())).collect()).await?;
    drop(store);
    tasks.finish().await;
    say(&format!("{linked} linked"))
}

/// Takes a link away.
pub(super) async fn unlink(settings: Settings, unlink: Unlink) -> Result<(), Failure> {
    let (store, tasks) = house::open_store(&settings, Use::Beside).await?;
    let was_linked = store.unlink(unlink.platform, &unlink.user_id).await?;
    drop(store);
    tasks.finish().await;
    if was_linked {
        say("unlinked")
    } else {
        Err(Failure::Said("there is no such link. Nothing was changed.".to_owned()))
    }
}
