//! `relatch members …`: the members of the built-in directory.

use clap::Subcommand;
use serde::Serialize;

use super::builtin::{directory, find, no_such_member};
use super::set_password::{self, read_password};
use super::shown_contacts::{ContactJson, contacts_of};
use super::table::TextTable;
use super::{Failure, build, contact, say, to_json};
use crate::clock::Clock;
use crate::config::Settings;
use crate::directory::{Builtin, to_member};
use crate::domain::code_alone::OnRecordSince;
use crate::domain::{CompanyDomains, EmailAddress, PhoneNumber};
use crate::store::{NotDone, Store, Use};

const LISTED: TextTable<5> = TextTable([
    ("business e-mail", 36),
    ("name", 24),
    ("status", 10),
    ("signs in with", 15),
    ("role", 0),
]);

/// What to do with members.
#[derive(Subcommand)]
pub(super) enum MembersCommand {
    /// Insert or update members by employee id, else by business e-mail; nothing is imported if any line is bad.
    Import(super::import::ImportOptions),
    #[command(flatten)]
    OfRecord(RecordCommand),
}

/// The commands about the members that are there.
#[derive(Subcommand)]
pub(super) enum RecordCommand {
    /// List all members.
    List {
        /// table or json.
        #[arg(long, default_value = "table", value_parser = ["table", "json"])]
        format: String,
    },
    /// Show one member.
    Show {
        /// The business e-mail.
        #[arg(value_parser = EmailAddress::typed)]
        email: EmailAddress,
        /// table or json.
        #[arg(long, default_value = "table", value_parser = ["table", "json"])]
        format: String,
    },
    /// Add a phone or a private e-mail for codes; it counts like one of the import, and is told like every added contact.
    Contact {
        /// The business e-mail.
        #[arg(value_parser = EmailAddress::typed)]
        email: EmailAddress,
        /// A mobile number with its country code, or a private e-mail.
        #[arg(required = true)]
        address: Vec<String>,
    },
    /// Set a password, read from standard input, by the rules for passwords of members; all sessions end.
    SetPassword {
        /// The business e-mail.
        #[arg(value_parser = EmailAddress::typed)]
        email: EmailAddress,
    },
    /// Exit with 0 if the password on standard input is the member's, else with 1.
    Verify {
        /// The business e-mail.
        #[arg(value_parser = EmailAddress::typed)]
        email: EmailAddress,
    },
    /// Remove a member with password, sessions, added contacts, chat links and open cards; the history stays.
    Remove {
        /// The business e-mail.
        #[arg(value_parser = EmailAddress::typed)]
        email: EmailAddress,
    },
    /// Open an account that failed sign-ins have locked.
    Unlock {
        /// The business e-mail.
        #[arg(value_parser = EmailAddress::typed)]
        email: EmailAddress,
    },
}

/// Runs one of the member commands.
pub(super) async fn run(settings: Settings, command: MembersCommand) -> Result<(), Failure> {
    match command {
        MembersCommand::Import(options) => Box::pin(super::import::run(settings, options)).await,
        MembersCommand::OfRecord(command) => Box::pin(run_with_record(settings, command)).await,
    }
}

/// Runs a command about members. Where there is no database, it makes none only to find nobody.
async fn run_with_record(settings: Settings, command: RecordCommand) -> Result<(), Failure> {
    if let Some(email) = command.member()
        && build::is_before_the_first(&settings).await?
    {
        return Err(no_such_member(email));
    }
    let (store, tasks) = build::open_store(&settings, Use::Beside).await?;
    let ended = match command {
        RecordCommand::List { format } => list(&store, &format).await,
        RecordCommand::Show { email, format } => show(&store, &email, &format).await,
        RecordCommand::SetPassword { email } => set_password::run(&store, &settings, &email).await,
        RecordCommand::Verify { email } => verify(&directory(&store)?, &email).await,
        RecordCommand::Remove { email } => remove(&store, &email).await,
        RecordCommand::Unlock { email } => unlock(&store, &email).await,
        RecordCommand::Contact { email, address } => {
            contact::add(&store, settings, &email, &address.join(" ")).await
        }
    };
    drop(store);
    tasks.finish().await;
    ended
}

impl RecordCommand {
    /// The one member whom it is about.
    fn member(&self) -> Option<&EmailAddress> {
        match self {
            Self::List { .. } => None,
            Self::Show { email, .. }
            | Self::Contact { email, .. }
            | Self::SetPassword { email }
            | Self::Verify { email }
            | Self::Remove { email }
            | Self::Unlock { email } => Some(email),
        }
    }
}

#[derive(Serialize)]
struct MemberJson<'a> {
    id: &'a str,
    /// Only when one member is shown.
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
    /// Only when one member is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    contacts: Option<Vec<ContactJson>>,
}

async fn list(store: &Store, format: &str) -> Result<(), Failure> {
    let members = store.members().await?;
    if format == "json" {
        let shown: Vec<MemberJson<'_>> = members
            .iter()
            .map(|row| MemberJson {
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
                contacts: None,
            })
            .collect();
        return say(&to_json(&shown)?);
    }
    if members.is_empty() {
        return say("There are no members yet. `relatch members import FILE.csv` adds them.");
    }
    say(&LISTED.header())?;
    members.iter().try_for_each(|row| {
        say(&LISTED.row([
            &row.business_email,
            &row.name,
            &row.status,
            &row.login_method,
            &row.role,
        ]))
    })
}

async fn show(store: &Store, email: &EmailAddress, format: &str) -> Result<(), Failure> {
    let found = store.member_with_number(&email.key()).await?;
    let (row, employee_id) = found.ok_or_else(|| no_such_member(email))?;
    let member = to_member(&row, &CompanyDomains::default())
        .map_err(|error| Failure::Said(error.to_string()))?;
    let account = store.account_of(&member.id).await?;
    let since = account.map_or_else(OnRecordSince::default, |(_, account)| {
        account.on_record_since()
    });
    let contacts = contacts_of(&member, since, &store.contacts(&member.id).await?);
    let shown = MemberJson {
        id: &member.id.0,
        employee_id,
        name: &member.name,
        business_email: member.business_email.as_str(),
        login_method: member.login_method.as_str(),
        status: member.status.as_str(),
        phone: member.phone.as_ref().map(PhoneNumber::as_str),
        personal_email: member.personal_email.as_ref().map(EmailAddress::as_str),
        role: member.role.as_str(),
        department: member.department.as_deref(),
        manager_email: member.manager_email.as_ref().map(EmailAddress::as_str),
        contacts: Some(contacts),
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
    let now = Clock::System.now();
    let contacts = shown.contacts.iter().flatten();
    contacts
        .map(|contact| contact.line(now))
        .try_for_each(|line| say(&format!("{:<16} {line}", "contact")))
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

/// Tells the operator why a command did nothing.
fn not_done(why: &NotDone, email: &EmailAddress) -> Failure {
    Failure::Said(match why {
        NotDone::Store(error) => return Failure::from(*error),
        NotDone::NoSuchMember => return no_such_member(email),
        NotDone::UnderWay { .. } => {
            format!("{why}. Nothing was changed. Run the command again in two minutes.")
        }
        NotDone::NotLocked => format!("{email} is not locked. Nothing was changed."),
        NotDone::Disowned => format!(
            "the owner of {email} did not ask for their last reset, so somebody else may know the password. Nothing was \
            changed. Let another administrator reset it, or run `relatch members set-password {email}`."
        ),
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
