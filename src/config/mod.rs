//! The settings: TOML, with environment over file over defaults, secrets from files, and every problem reported at once.
//!
//! To add a setting, write it with its comment into `config.default.toml`, and
//!
//! * of a platform, a directory or a channel: read it in the `Config` of that adapter. No other file changes.
//! * of a section here: read it in `policy.rs` or `admins.rs`; else in `top_level.rs`. Then add the field to [`Settings`],
//!   and fill it in `build`, which also checks what two sections say together.

mod admins;
mod changes;
mod misplaced;
mod policy;
mod text;
mod together;
mod top_level;
mod variables;

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use toml::{Table, Value};
use tracing::Level;
use url::Url;

pub(crate) use self::changes::{Changes, Reading, is_copied};
use self::policy::Policy;
use self::text::{NotRead, directory_name, merge, overlay, parse, read_file};
use self::top_level::TopLevel;
use self::variables::Variables;
use crate::app::{Admins, Identity};
use crate::chat;
use crate::clock::Zone;
use crate::delivery;
use crate::directory;
use crate::domain::contacts::ContactRules;
use crate::domain::country::Country;
use crate::domain::delivery::Ways;
use crate::domain::phone::HelpPhone;
use crate::domain::quota::Limit;
use crate::domain::{Carries, Channel, EmailAddress, Platform, Span};
use crate::http::ConnectionSettings;
use crate::settings::{Problem, Problems, Section};

/// The default settings with their comments.
pub(crate) const DEFAULT_TEXT: &str = include_str!("../config.default.toml");

/// The file that is read where none is named, if it exists.
pub(crate) const DEFAULT_FILE: &str = "relatch.toml";

/// Everything that an operator decides.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one key of the settings, or one fact about them"
)]
pub struct Settings {
    /// The address that the server listens on.
    pub listen: SocketAddr,
    /// Deadlines and limits of connections, and trusted proxies.
    pub front: ConnectionSettings,
    /// Our own address as browsers and platforms reach it.
    pub public_url: Option<Url>,
    /// The SQLite file.
    pub database: PathBuf,
    /// The file of our own key.
    pub key_file: PathBuf,
    /// The name of the organization as texts have it.
    pub organization: String,
    /// The organization's page on setting or changing a login password.
    pub help_url: Option<Url>,
    /// The phone of those who help.
    pub help_phone: Option<HelpPhone>,
    /// Where members of other directories than the built-in one sign in.
    pub sign_in_url: Option<Url>,
    /// Who is told of alarms.
    pub security_email: Option<EmailAddress>,
    /// The time zone of texts.
    pub zone: Zone,
    /// How much is logged; changes when the settings are read again.
    pub log: Level,
    /// How many resets an administrator may make in which time.
    pub limit: Limit,
    /// Length of generated passwords, in characters.
    pub password_length: u8,
    /// Whether a generated password has a symbol.
    pub password_symbols: bool,
    /// How long a generated password is valid.
    pub password_lifetime: Span,
    /// How long a card is valid.
    pub offer_lifetime: Span,
    /// The shortest password that a member may set.
    pub own_password_least: usize,
    /// What policy lets be sent, and in which ways.
    pub ways: Ways,
    /// When a contact counts, and whether code and password need two contacts.
    pub contact_rules: ContactRules,
    /// Whether a member's manager is told of a reset.
    pub notify_manager: bool,
    /// Whether a code alone lets members in to set a new password.
    pub code_sign_in: bool,
    /// E-mail domains of the organization besides those of the directories.
    pub company_domains: Vec<String>,
    /// What makes somebody an administrator: the directory's roles, a list, or the chat's owners.
    pub admins: Admins,
    /// How a chat account is matched to a person.
    pub identity: Identity,
    /// Where members and their passwords are.
    pub directories: Vec<directory::Config>,
    /// The platforms that have a section.
    pub chats: Vec<chat::Config>,
    /// The delivery channels that have a section.
    pub channels: Vec<delivery::Config>,
    /// The country of phone numbers without a country code.
    pub default_country: Option<Country>,
    /// False where neither a file nor a variable sets anything.
    pub is_anything_set: bool,
    /// What the operator should look at, though the settings can be used.
    pub warnings: Vec<Problem>,
    /// A digest of what was read, compared at a reload.
    pub reading: Reading,
}

/// The environment variables that begin with `RELATCH_`, as (name, value).
pub(crate) fn environment() -> Vec<(String, String)> {
    let ours = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok()?;
        name.starts_with("RELATCH_")
            .then(|| (name, value.to_string_lossy().into_owned()))
    });
    ours.collect()
}

impl Settings {
    /// What problems call the sections of the directories that are not built in, in their order.
    pub(crate) fn names_of_remote_directories(&self) -> Vec<String> {
        let is_alone = self.directories.len() == 1;
        let all = self.directories.iter().zip(1..);
        all.filter(|(config, _)| !config.is_builtin())
            .map(|(_, number)| directory_name(is_alone, number))
            .collect()
    }

    /// Reads the file and the environment. A file that is named must exist.
    pub fn load(file: Option<&Path>, environment: &[(String, String)]) -> Result<Self, Problems> {
        let path = file.unwrap_or(Path::new(DEFAULT_FILE));
        let text = match read_file(path) {
            Ok(text) => text,
            Err(NotRead::Io(error)) if file.is_none() && error.kind() == ErrorKind::NotFound => {
                String::new()
            }
            // A file that exists but cannot be read must not be replaced by the defaults.
            Err(not_read) => {
                let problem = Problem::new(path.display().to_string(), not_read.to_string());
                return Err(Problems(vec![problem]));
            }
        };
        Self::read_named(&text, Some(path), environment)
    }

    /// Reads a text and the environment.
    pub fn read(text: &str, environment: &[(String, String)]) -> Result<Self, Problems> {
        Self::read_named(text, None, environment)
    }

    /// The same; a complaint about a line names the file.
    fn read_named(
        text: &str,
        path: Option<&Path>,
        environment: &[(String, String)],
    ) -> Result<Self, Problems> {
        let file = parse(text).map_err(|mut problem| {
            if let Some(path) = path {
                problem.key = format!("{}, {}", path.display(), problem.key);
            }
            Problems(vec![problem])
        })?;
        let mut table = parse(DEFAULT_TEXT).map_err(|problem| Problems(vec![problem]))?;
        let (mut problems, mut variables) = (Vec::new(), Variables::default());
        let mut is_anything_set = !file.is_empty();
        merge(&mut table, file);
        for (name, value) in environment {
            if let Some(key) = overlay(&mut table, name, value, &mut problems) {
                variables.note(key, name);
                is_anything_set = true;
            }
        }
        // Before the secrets are read: if one changes in between, the next reload sees the difference.
        let reading = Reading::of(&table);
        let settings = build(table, &mut problems);
        for problem in &mut problems {
            variables.name_in(problem);
            misplaced::name_place(problem);
        }
        let (warnings, wrong): (Vec<_>, Vec<_>) =
            problems.into_iter().partition(|problem| problem.is_warning);
        match settings {
            Some(settings) if wrong.is_empty() => Ok(Self {
                is_anything_set,
                warnings,
                reading,
                ..settings
            }),
            _ => Err(Problems(wrong)),
        }
    }
}

/// Takes a section out of the table.
fn take_section(table: &mut Table, name: &str, problems: &mut Vec<Problem>) -> Option<Table> {
    let value = table.remove(name)?;
    if let Value::Table(section) = value {
        return Some(section);
    }
    let told = format!("must be a section, written [{name}]");
    problems.push(Problem::new(name, told));
    None
}

/// A section that may be missing.
fn section<'a>(table: &mut Table, name: &str, problems: &'a mut Vec<Problem>) -> Section<'a> {
    let own = take_section(table, name, problems).unwrap_or_default();
    Section::new(name, own, problems)
}

/// What is outside of every section, with the names of all sections.
fn top_section(table: Table, problems: &mut Vec<Problem>) -> Section<'_> {
    let mut top = Section::new("", table, problems);
    top.know_sections(&["admins", "directory", "identity", "policy"]);
    for channel in Channel::ALL {
        top.know_sections(&[channel.as_str()]);
    }
    for platform in Platform::ALL {
        top.know_sections(&[platform.as_str()]);
    }
    top
}

fn build(mut table: Table, problems: &mut Vec<Problem>) -> Option<Settings> {
    let directories = DirectorySections::read(table.remove("directory"), problems);
    let policy = policy::read(section(&mut table, "policy", problems));
    let admins = admins::read(section(&mut table, "admins", problems));
    let identity = admins::read_identity(section(&mut table, "identity", problems));
    let channels = ChannelSections::read(&mut table, problems);
    let chats: Vec<(Platform, Table)> = Platform::ALL
        .iter()
        .filter_map(|platform| {
            let own = take_section(&mut table, platform.as_str(), problems)?;
            Some((*platform, own))
        })
        .collect();
    let top = top_level::read(top_section(table, problems));
    let has_mattermost = chats
        .iter()
        .any(|(platform, _)| *platform == Platform::Mattermost);
    let chats: Vec<chat::Config> = chats
        .into_iter()
        .filter_map(|(platform, own)| {
            let section = Section::new(platform.as_str(), own, problems);
            chat::Config::read(platform, section, top.public_url.as_ref())
        })
        .collect();
    if has_mattermost && top.public_url.is_none() {
        together::mattermost(problems);
    }

    together::administrators(
        admins.as_ref(),
        &chats,
        &directories.configs,
        directories.are_all_read,
        problems,
    );
    together::lark_apps(&chats, &directories.configs, problems);
    together::guide(&directories.configs, top.help_url.as_ref(), problems);
    let policy = policy?;
    if policy.code_sign_in {
        together::code_sign_in(
            &directories.configs,
            top.public_url.as_ref(),
            channels.is_any_set,
            problems,
        );
    }
    if policy.ways.carries == Carries::Password && channels.has_sms {
        together::sign_in_by_sms(
            &directories.configs,
            top.public_url.as_ref(),
            policy.password_length,
            problems,
        );
    }
    if policy.ways.carries == Carries::Link {
        together::links(
            &directories.configs,
            top.public_url.as_ref(),
            channels.is_any_set,
            problems,
        );
    }
    if policy.notify_manager {
        together::managers(
            &directories.configs,
            directories.are_all_read,
            channels.has_email,
            problems,
        );
    }
    assemble(
        top,
        policy,
        admins?,
        identity?,
        directories,
        channels,
        chats,
    )
}

/// None where something that must be there is missing, which was noted when it was read.
fn assemble(
    top: TopLevel,
    policy: Policy,
    admins: Admins,
    identity: Identity,
    directories: DirectorySections,
    channels: ChannelSections,
    chats: Vec<chat::Config>,
) -> Option<Settings> {
    Some(Settings {
        listen: top.listen?,
        front: top.front?,
        public_url: top.public_url,
        database: top.database?,
        key_file: top.key_file?,
        organization: top.organization?,
        help_url: top.help_url,
        help_phone: top.help_phone,
        sign_in_url: top.sign_in_url,
        security_email: top.security_email,
        zone: top.zone?,
        log: top.log?,
        limit: policy.limit,
        password_length: policy.password_length,
        password_symbols: policy.password_symbols,
        password_lifetime: policy.password_lifetime,
        offer_lifetime: policy.offer_lifetime,
        own_password_least: policy.own_password_least,
        ways: policy.ways,
        contact_rules: policy.contact_rules,
        notify_manager: policy.notify_manager,
        code_sign_in: policy.code_sign_in,
        company_domains: top.company_domains,
        admins,
        identity,
        directories: directories.configs,
        chats,
        channels: channels.configs,
        default_country: top.default_country,
        is_anything_set: true,
        warnings: Vec::new(),
        reading: Reading::default(),
    })
}

/// The sections of the delivery channels.
struct ChannelSections {
    configs: Vec<delivery::Config>,
    /// True where one has a section, also where something in it is wrong.
    is_any_set: bool,
    /// The same of `[email]`.
    has_email: bool,
    /// The same of `[sms]`.
    has_sms: bool,
}

impl ChannelSections {
    fn read(table: &mut Table, problems: &mut Vec<Problem>) -> Self {
        let (mut configs, mut is_any_set) = (Vec::new(), false);
        let (mut has_email, mut has_sms) = (false, false);
        for channel in Channel::ALL {
            let Some(own) = take_section(table, channel.as_str(), problems) else {
                continue;
            };
            is_any_set = true;
            has_email |= *channel == Channel::Email;
            has_sms |= *channel == Channel::Sms;
            let section = Section::new(channel.as_str(), own, problems);
            configs.extend(delivery::Config::read(*channel, section));
        }
        Self {
            configs,
            is_any_set,
            has_email,
            has_sms,
        }
    }
}

/// Every `[[directory]]`; none at all means the built-in one.
struct DirectorySections {
    configs: Vec<directory::Config>,
    are_all_read: bool,
}

impl DirectorySections {
    fn read(value: Option<Value>, problems: &mut Vec<Problem>) -> Self {
        let list = match value {
            None => {
                return Self {
                    configs: vec![directory::Config::builtin()],
                    are_all_read: true,
                };
            }
            Some(Value::Array(list)) => list,
            Some(_) => Vec::new(),
        };
        let count = list.len();
        let tables: Vec<Table> = list
            .into_iter()
            .filter_map(|one| {
                if let Value::Table(table) = one {
                    Some(table)
                } else {
                    None
                }
            })
            .collect();
        if count == 0 || tables.len() < count {
            problems.push(Problem::new("directory", "must be written [[directory]]"));
            return Self {
                configs: Vec::new(),
                are_all_read: false,
            };
        }
        let is_alone = count == 1;
        let mut configs = Vec::new();
        for (at, table) in tables.into_iter().enumerate() {
            let name = directory_name(is_alone, at.saturating_add(1));
            let section = Section::new(name, table, problems);
            configs.extend(directory::Config::read(section, is_alone));
        }
        directory::conflicts(&configs, problems);
        Self {
            are_all_read: configs.len() == count,
            configs,
        }
    }
}

#[cfg(test)]
mod tests;
