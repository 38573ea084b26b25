//! `relatch members import`: reads the CSV, names every bad line, and prints who is a new person with a known address.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;

use super::{Failure, admins, build, imported, say};
use crate::chance::Chance;
use crate::clock::Clock;
use crate::config::Settings;
use crate::domain::member::clean_name;
use crate::domain::{EmailAddress, LoginMethod, MemberId, PhoneNumber, Role, Status, draw_id};
use crate::store::{ImportRow, MemberRow, NewPerson, NotDone, NotImported, Store};

/// The size limit of the file, in bytes.
const FILE_LIMIT: u64 = 64 * 1024 * 1024;

/// The longest employee id, in characters.
const EMPLOYEE_ID_LIMIT: usize = 64;

/// What to import.
#[derive(Args)]
pub(super) struct ImportOptions {
    /// A CSV with the header `name,business_email,login_method,status,phone,personal_email,role,department,manager_email`,
    /// and `employee_id` at its end where members are known by a number.
    file: PathBuf,
    /// How many members are replaced by new persons; needed where they are more than ten.
    #[arg(long, value_name = "N")]
    wipe: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MemberLine {
    name: String,
    business_email: String,
    login_method: String,
    status: String,
    phone: String,
    personal_email: String,
    role: String,
    department: String,
    manager_email: String,
    #[serde(default)]
    employee_id: String,
}

/// Imports the whole file or nothing.
pub(super) async fn run(
    store: &Store,
    options: ImportOptions,
    settings: Settings,
) -> Result<(), Failure> {
    let rows = read_rows(&read_file(&options.file)?)?;
    let keys: Vec<String> = rows
        .iter()
        .map(|row| row.member.business_email_key.clone())
        .collect();
    let company = build::company(&settings.directories, &settings.company_domains);
    let told = store
        .import(rows, options.wipe, &company)
        .await
        .map_err(|why| not_imported(&why))?;
    for moved in &told.moved {
        say(&format!(
            "{} has {} now, before {}",
            moved.name, moved.to, moved.from
        ))?;
    }
    for person in &told.new_persons {
        say(&tell(person))?;
    }
    let new = match told.new_persons.len() {
        0 => String::new(),
        count => format!(" (new persons: {count})"),
    };
    say(&format!(
        "{} added, {} updated{new}",
        told.added, told.updated
    ))?;
    let pinned = admins::pin_imported(store, &settings, &keys).await;
    if !told.changed.is_empty()
        && let Err(failure) = imported::tell(settings, &company, told.changed).await
    {
        say(&format!(
            "the import is done; but those whose contacts changed could not be told: {failure}"
        ))?;
    }
    pinned.map_err(|failure| {
        Failure::Said(format!(
            "the import is done; but the administrators of the list could not be pinned: {failure}. A running serve, or \
            the next start, pins those that were never looked up; look with relatch check"
        ))
    })
}

fn tell(person: &NewPerson) -> String {
    let NewPerson {
        name,
        email,
        former,
        why,
        ..
    } = person;
    format!("new person: {name} ({email}) in place of {former}: {why}")
}

const WITHOUT_WIPE: &str = "If that is right, run the import again without --wipe.";

/// Tells why nothing was imported and what to do.
fn not_imported(why: &NotImported) -> Failure {
    Failure::Said(match why {
        NotImported::AddressTaken { line, email, owner } => format!(
            "one line cannot be imported. Nothing was changed. Mend it:\nline {line}: {email} belongs to {owner}, who \
            is not moved to another address in this file; run `relatch members remove {email}` first if they left"
        ),
        NotImported::NewPersons { count: 0, persons } if !persons.is_empty() => {
            let persons: Vec<String> = persons.iter().map(tell).collect();
            format!(
                "{}\nNew persons who have resigned need no number, and lose passwords, sessions, contacts and chat links \
                of before all the same. Nothing was changed. {WITHOUT_WIPE}",
                persons.join("\n")
            )
        }
        NotImported::NewPersons { count: 0, .. } => {
            format!(
                "nobody in the file is a new person under an old address. Nothing was changed. {WITHOUT_WIPE}"
            )
        }
        NotImported::NewPersons { count, persons } => {
            let persons: Vec<String> = persons.iter().map(tell).collect();
            format!(
                "{}\n{count} members would be replaced by new persons, and lose their passwords, sessions, contacts and \
                chat links. Nothing was changed. If that is right, run the import again with --wipe {count}.",
                persons.join("\n")
            )
        }
        NotImported::NotDone(NotDone::Store(error)) => return Failure::from(*error),
        NotImported::NotDone(why) => {
            format!("{why}. Nothing was changed. Import the file again in two minutes.")
        }
    })
}

/// Reads all rows, or names every bad line.
fn read_rows(text: &str) -> Result<Vec<ImportRow>, Failure> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let mut rng = Chance::System
        .rng()
        .map_err(|error| Failure::Said(error.to_string()))?;
    let now = Clock::System.now();
    let (mut rows, mut problems): (Vec<ImportRow>, Vec<String>) = (Vec::new(), Vec::new());
    let (mut emails, mut ids): (HashMap<String, u64>, HashMap<String, u64>) =
        (HashMap::new(), HashMap::new());
    let headers = reader.headers().cloned().unwrap_or_default();
    for record in reader.records() {
        let number = record
            .as_ref()
            .map_or(0, |record| line_of(text, record.position()));
        match record.and_then(|record| record.deserialize::<MemberLine>(Some(&headers))) {
            Err(error) => problems.push(csv_problem(text, &error)),
            Ok(line) => {
                let mut bad = Vec::new();
                let member = read_line(&line, draw_id(&mut rng, now), &mut bad);
                let employee_id = read_employee_id(&line, &mut bad);
                if let Some(first) = emails.insert(member.business_email_key.clone(), number) {
                    bad.push(format!("business_email stands already on line {first}"));
                }
                if let Some(id) = &employee_id
                    && let Some(first) = ids.insert(id.clone(), number)
                {
                    bad.push(format!(
                        "employee_id \"{id}\" stands already on line {first}"
                    ));
                }
                if bad.is_empty() {
                    rows.push(ImportRow {
                        member,
                        employee_id,
                        line: number,
                    });
                } else {
                    problems.push(format!("line {number}: {}", bad.join("; ")));
                }
            }
        }
    }
    if problems.is_empty() {
        return Ok(rows);
    }
    Err(Failure::Said(format!(
        "the file cannot be imported. Nothing was changed. Mend these lines:\n{}",
        problems.join("\n")
    )))
}

fn read_employee_id(line: &MemberLine, bad: &mut Vec<String>) -> Option<String> {
    let id = line.employee_id.trim();
    if id.chars().count() > EMPLOYEE_ID_LIMIT {
        bad.push(format!(
            "employee_id is longer than {EMPLOYEE_ID_LIMIT} characters"
        ));
    }
    if id.chars().any(char::is_control) {
        bad.push("employee_id holds a control character".to_owned());
    }
    Some(id.to_owned()).filter(|id| !id.is_empty())
}

/// The line on which a record begins. The reader's position is before the blank lines in front of it.
pub(super) fn line_of(text: &str, position: Option<&csv::Position>) -> u64 {
    let Some(position) = position else { return 1 };
    let rest = usize::try_from(position.byte())
        .ok()
        .and_then(|byte| text.get(byte..))
        .unwrap_or_default();
    let skipped = rest
        .bytes()
        .take_while(|byte| matches!(byte, b'\r' | b'\n'))
        .filter(|byte| *byte == b'\n')
        .count();
    position.line() + skipped as u64
}

/// The problem of a record that cannot be read.
pub(super) fn csv_problem(text: &str, error: &csv::Error) -> String {
    let line = line_of(text, error.position());
    if let csv::ErrorKind::Deserialize { err, .. } = error.kind() {
        return format!("line {line}: {err}");
    }
    if let csv::ErrorKind::UnequalLengths {
        expected_len, len, ..
    } = error.kind()
    {
        return format!("line {line}: {len} fields instead of {expected_len}");
    }
    format!("line {line}: cannot be read")
}

/// Reads one line and notes every bad field.
fn read_line(line: &MemberLine, id: String, bad: &mut Vec<String>) -> MemberRow {
    let mut check = |name: &str, text: &str, error: Option<String>| {
        if let Some(error) = error {
            bad.push(format!("{name} \"{text}\" {error}"));
        }
    };
    let error = |result: Result<(), String>| result.err();
    check(
        "business_email",
        &line.business_email,
        error(parse::<EmailAddress>(&line.business_email)),
    );
    check(
        "login_method",
        &line.login_method,
        error(parse::<LoginMethod>(&line.login_method)),
    );
    check("status", &line.status, error(parse::<Status>(&line.status)));
    check("role", &line.role, error(parse::<Role>(&line.role)));
    for (name, text) in [
        ("personal_email", &line.personal_email),
        ("manager_email", &line.manager_email),
    ] {
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
    let maybe = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let business_email = address(&line.business_email);
    MemberRow {
        member_id: MemberId(id),
        name,
        business_email_key: business_email.to_ascii_lowercase(),
        business_email,
        login_method: line.login_method.clone(),
        status: line.status.clone(),
        phone: number.ok().map(|number| number.to_string()),
        personal_email: maybe(&address(&line.personal_email)),
        role: line.role.clone(),
        department: maybe(&clean_name(&line.department)),
        manager_email: maybe(&address(&line.manager_email)),
    }
}

/// An address in the form that is compared; another text as it is.
fn address(text: &str) -> String {
    text.parse::<EmailAddress>()
        .map_or_else(|_| text.trim().to_owned(), |email| email.to_string())
}

fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<(), String> {
    text.parse::<T>()
        .map(drop)
        .map_err(|error| error.to_string())
}

/// Reads a file up to the size limit.
pub(super) fn read_file(path: &Path) -> Result<String, Failure> {
    let said = |error: std::io::Error| {
        Failure::Said(format!(
            "{} cannot be read: {error}; nothing was changed",
            path.display()
        ))
    };
    let mut text = String::new();
    let length = std::fs::File::open(path)
        .map_err(said)?
        .take(FILE_LIMIT + 1)
        .read_to_string(&mut text)
        .map_err(said)?;
    if length as u64 > FILE_LIMIT {
        return Err(Failure::Said(format!(
            "{} is larger than 64 MiB. Nothing was changed.",
            path.display()
        )));
    }
    Ok(text)
}
