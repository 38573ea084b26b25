//! `relatch members import`: reads the CSV, names every bad line, and prints who is a new person with a known address.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;

use super::csv_file::{Columns, CsvFile};
use super::import_plan::{new_persons, say_planned, tell};
use super::{Failure, admins, build, imported, say};
use crate::chance::Chance;
use crate::clock::Clock;
use crate::config::Settings;
use crate::domain::member::clean_name;
use crate::domain::{EmailAddress, LoginMethod, MemberId, PhoneNumber, Role, Status, draw_id};
use crate::store::{self, ImportRow, MemberRow, NotDone, NotImported, Store};

/// The columns of the file.
const COLUMNS: Columns = Columns {
    required: &[
        "name",
        "business_email",
        "login_method",
        "status",
        "phone",
        "personal_email",
        "role",
        "department",
        "manager_email",
    ],
    optional: &["employee_id"],
    is_complete: true,
};

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
    /// Only show what would change.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Deserialize)]
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

/// Imports the whole file or nothing, or shows what that would do. A bad file makes no database.
pub(super) async fn run(settings: Settings, options: ImportOptions) -> Result<(), Failure> {
    let rows = read_rows(&options.file)?;
    if options.dry_run && build::is_before_the_first(&settings).await? {
        let company = build::company(&settings.directories, &settings.company_domains);
        let planned = store::plan_first_import(rows, &company, Clock::System.now());
        return say_planned(&planned.map_err(|why| not_imported(&why))?);
    }
    let how = build::use_for(options.dry_run);
    let (store, tasks) = build::open_store(&settings, how).await?;
    let imported = import(&store, rows, &options, settings).await;
    drop(store);
    tasks.finish().await;
    imported
}

async fn import(
    store: &Store,
    rows: Vec<ImportRow>,
    options: &ImportOptions,
    settings: Settings,
) -> Result<(), Failure> {
    if options.dry_run {
        let company = build::company(&settings.directories, &settings.company_domains);
        let planned = store.plan_import(rows, options.wipe, &company).await;
        return say_planned(&planned.map_err(|why| not_imported(&why))?);
    }
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
    let new = new_persons(told.new_persons.len());
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
fn read_rows(path: &Path) -> Result<Vec<ImportRow>, Failure> {
    let mut rng = Chance::System
        .rng()
        .map_err(|error| Failure::Said(error.to_string()))?;
    let now = Clock::System.now();
    let (mut emails, mut ids): (HashMap<String, u64>, HashMap<String, u64>) =
        (HashMap::new(), HashMap::new());
    CsvFile::open(path, &COLUMNS)?.rows(|number, line: MemberLine| {
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
            Ok(ImportRow {
                member,
                employee_id,
                line: number,
            })
        } else {
            Err(bad.join("; "))
        }
    })
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
