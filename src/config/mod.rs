//! Settings: TOML, environment over file over default, secrets from files, every problem at once.

mod changes;
mod policy;
mod together;

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;
use toml::{Table, Value};
use tracing::Level;
use url::Url;

pub use self::changes::{Changes, Reading, is_copied};
use crate::app::{Admins, Identity};
use crate::chat;
use crate::clock::Zone;
use crate::delivery::{sms, smtp};
use crate::directory;
use crate::domain::contacts::ContactRules;
use crate::domain::country::{Country, SmsCountries};
use crate::domain::delivery::Ways;
use crate::domain::quota::Limit;
use crate::domain::{Carries, EmailAddress, Platform, Span, password};
use crate::http::{ConnectionSettings, TrustedProxies};
use crate::settings::{Problem, Problems, Section};

/// The default settings with their comments.
pub const DEFAULT_TEXT: &str = include_str!("../config.default.toml");

/// Read where no file is named, if it is there.
pub const DEFAULT_FILE: &str = "relatch.toml";

/// Everything that an operator decides.
pub struct Settings {
    /// Where the server listens.
    pub listen: SocketAddr,
    /// How connections are treated.
    pub front: ConnectionSettings,
    /// Our own address from outside.
    pub public_url: Option<Url>,
    /// The SQLite file.
    pub database: PathBuf,
    /// Our own key.
    pub key_file: PathBuf,
    /// The organisation's name.
    pub organization: String,
    /// "Set or change your login password".
    pub help_url: Option<Url>,
    /// Whom a member tells.
    pub security_email: Option<EmailAddress>,
    /// The time zone of texts.
    pub zone: Zone,
    /// How much is logged.
    pub log: Level,
    /// The limit.
    pub limit: Limit,
    /// Length of generated passwords.
    pub password_length: u8,
    /// Life of a generated password.
    pub password_lifetime: Span,
    /// Life of a card.
    pub offer_lifetime: Span,
    /// The least length of a password that a member sets.
    pub own_password_least: usize,
    /// What leaves, and by which ways.
    pub ways: Ways,
    /// When a contact counts, and whether code and password need two.
    pub contact_rules: ContactRules,
    /// E-mail domains of the organisation besides those of the directories.
    pub company_domains: Vec<String>,
    /// Who is an administrator.
    pub admins: Admins,
    /// How a chat account becomes a person.
    pub identity: Identity,
    /// Where members and their passwords are.
    pub directories: Vec<directory::Config>,
    /// The chats that have a section.
    pub chats: Vec<chat::Config>,
    /// E-mail.
    pub email: Option<smtp::Config>,
    /// SMS.
    pub sms: Option<sms::Config>,
    /// Where SMS may go besides numbers on record.
    pub sms_countries: SmsCountries,
    /// What was read, to be compared at a reload.
    pub reading: Reading,
}

/// The environment variables that concern us, as (name, value).
pub fn environment() -> Vec<(String, String)> {
    let ours = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok()?;
        name.starts_with("RELATCH_")
            .then(|| (name, value.to_string_lossy().into_owned()))
    });
    ours.collect()
}

impl Settings {
    /// Reads the file and the environment. The file must be there when it is named.
    pub fn load(file: Option<&Path>, environment: &[(String, String)]) -> Result<Self, Problems> {
        let path = file.unwrap_or(Path::new(DEFAULT_FILE));
        let text = match read_file(path) {
            Ok(text) => text,
            Err(NotRead::Io(error)) if file.is_none() && error.kind() == ErrorKind::NotFound => {
                String::new()
            }
            // A file that is there and cannot be read must not become the defaults.
            Err(not_read) => {
                let problem = Problem {
                    key: path.display().to_string(),
                    text: not_read.to_string(),
                };
                return Err(Problems(vec![problem]));
            }
        };
        Self::read(&text, environment)
    }

    /// Reads a text and the environment.
    pub fn read(text: &str, environment: &[(String, String)]) -> Result<Self, Problems> {
        let file = parse(text).map_err(|problem| Problems(vec![problem]))?;
        let mut table = parse(DEFAULT_TEXT).map_err(|problem| Problems(vec![problem]))?;
        let mut problems = Vec::new();
        merge(&mut table, file);
        for (name, value) in environment {
            overlay(&mut table, name, value, &mut problems);
        }
        // Before the secrets are read: should one change in between, the next reload finds the difference.
        let reading = Reading::of(&table);
        let settings = build(table, &mut problems);
        match settings {
            Some(settings) if problems.is_empty() => Ok(Self {
                reading,
                ..settings
            }),
            _ => Err(Problems(problems)),
        }
    }
}

/// Why the file of the settings is not read.
#[derive(Debug, thiserror::Error)]
enum NotRead {
    #[error("may be written by others; run chmod go-w on it")]
    Exposed,
    #[error("cannot be read: {}", .0.kind())]
    Io(#[from] std::io::Error),
}

/// Reads a file that only its owner may write: whoever else could would name their own directory and administrators.
fn read_file(path: &Path) -> Result<String, NotRead> {
    let mut file = File::open(path)?;
    if file.metadata()?.mode() & 0o022 != 0 {
        return Err(NotRead::Exposed);
    }
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(text)
}

fn parse(text: &str) -> Result<Table, Problem> {
    text.parse::<Table>().map_err(|error| {
        let before = error
            .span()
            .and_then(|span| text.get(..span.start))
            .unwrap_or_default();
        let line = before
            .matches('\n')
            .count()
            .saturating_add(1)
            .min(text.lines().count())
            .max(1);
        // The parser's own message may quote the line, and the line may hold a secret.
        Problem {
            key: format!("line {line}"),
            text: "is not TOML".to_owned(),
        }
    })
}

/// What stands in `over` wins; sections are merged key by key.
fn merge(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(base)), Value::Table(over)) => merge(base, over),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// `RELATCH_POLICY__WINDOW=1h` is `policy.window = "1h"`, and `RELATCH_DIRECTORY__1__PASSWORD=…` is `password` of the first
/// `[[directory]]`.
fn overlay(table: &mut Table, name: &str, value: &str, problems: &mut Vec<Problem>) {
    let Some(path) = name.strip_prefix("RELATCH_").map(str::to_ascii_lowercase) else {
        return;
    };
    let value = Value::String(value.to_owned());
    match path.split_once("__") {
        None => {
            table.insert(path, value);
        }
        Some(("directory", key)) => {
            let place = key
                .split_once("__")
                .and_then(|(number, key)| Some((number.parse::<usize>().ok()?, key)));
            let list = table.get_mut("directory").and_then(Value::as_array_mut);
            let one = list.zip(place).and_then(|(list, (number, key))| {
                Some((list.get_mut(number.checked_sub(1)?)?.as_table_mut()?, key))
            });
            match one {
                Some((one, key)) => {
                    one.insert(key.to_owned(), value);
                }
                None => problems.push(Problem {
                    key: name.to_owned(),
                    text: "names no [[directory]]".to_owned(),
                }),
            }
        }
        Some((section, key)) => {
            let section = table
                .entry(section.to_owned())
                .or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(section) = section {
                section.insert(key.to_owned(), value);
            } else {
                problems.push(Problem {
                    key: name.to_owned(),
                    text: "names no section".to_owned(),
                });
            }
        }
    }
}

fn section(table: &mut Table, name: &str, problems: &mut Vec<Problem>) -> Option<Table> {
    let value = table.remove(name)?;
    if let Value::Table(section) = value {
        return Some(section);
    }
    problems.push(Problem {
        key: name.to_owned(),
        text: "must be a section, written [name]".to_owned(),
    });
    None
}

fn build(mut table: Table, problems: &mut Vec<Problem>) -> Option<Settings> {
    let declared = table
        .get("directory")
        .and_then(Value::as_array)
        .map_or(1, Vec::len);
    let directories = directories(table.remove("directory"), problems);
    let policy = section(&mut table, "policy", problems).unwrap_or_default();
    let admins = section(&mut table, "admins", problems).unwrap_or_default();
    let identity = section(&mut table, "identity", problems).unwrap_or_default();
    let chats: Vec<(Platform, Table)> = Platform::ALL
        .iter()
        .filter_map(|platform| Some((*platform, section(&mut table, platform.as_str(), problems)?)))
        .collect();
    let email = section(&mut table, "email", problems);
    let sms = section(&mut table, "sms", problems);

    let policy = read_policy(Section::new("policy", policy, problems));
    let admins = read_admins(Section::new("admins", admins, problems));
    let identity = read_identity(Section::new("identity", identity, problems));
    let email = email.map(|table| read_email(Section::new("email", table, problems)));
    let has_sms = sms.is_some();
    let (sms, sms_countries) = match sms {
        Some(table) => read_sms(Section::new("sms", table, problems)),
        None => (None, Vec::new()),
    };

    let mut top = Section::new("", table, problems);
    if top.take("admin_listen").is_some() {
        top.problem("admin_listen", "is not built yet; take it out");
    }
    let listen = top.parsed("listen");
    let front = read_front(&mut top);
    let public_url = top.url("public_url");
    let database = top
        .required("database")
        .and_then(|text| match text.strip_prefix("sqlite://") {
            Some(path) if !path.is_empty() => Some(PathBuf::from(path)),
            _ if text.starts_with("postgres") => {
                top.problem("database", "PostgreSQL is not built yet; use sqlite://FILE");
                None
            }
            _ => {
                top.problem("database", "must be sqlite://FILE");
                None
            }
        });
    let key_file = top.path("key_file");
    let organization = top.required("organization");
    let help_url = top.url("help_url");
    let security_email = top.parsed("security_email");
    let default_country = top.parsed("default_country");
    let zone = top.required("time_zone").and_then(|name| {
        Zone::named(&name)
            .map_err(|error| top.problem("time_zone", format!("\"{name}\" {error}")))
            .ok()
    });
    let log = top.parsed("log");
    let company_domains = policy::read_domains(&mut top);
    top.end();
    let chats: Vec<chat::Config> = chats
        .into_iter()
        .filter_map(|(platform, table)| {
            let section = Section::new(platform.as_str(), table, problems);
            chat::Config::read(platform, section, public_url.as_ref())
        })
        .collect();

    together::administrators(
        admins.as_ref(),
        identity,
        &chats,
        &directories,
        declared == directories.len(),
        problems,
    );
    together::lark_apps(&chats, &directories, problems);
    let Policy {
        limit,
        password_length,
        password_lifetime,
        offer_lifetime,
        own_password_least,
        ways,
        contact_rules,
    } = policy?;
    if ways.carries == Carries::Link {
        together::links(
            &directories,
            public_url.as_ref(),
            email.is_some() || has_sms,
            problems,
        );
    }
    Some(Settings {
        listen: listen?,
        front: front?,
        public_url,
        database: database?,
        key_file: key_file?,
        organization: organization?,
        help_url,
        security_email,
        zone: zone?,
        log: log?,
        limit,
        password_length,
        password_lifetime,
        offer_lifetime,
        own_password_least,
        ways,
        contact_rules,
        company_domains,
        admins: admins?,
        identity: identity?,
        directories,
        chats,
        email: email.flatten(),
        sms,
        sms_countries: SmsCountries::new(sms_countries, default_country),
        reading: Reading::default(),
    })
}

/// The directories; none at all means the built-in one.
fn directories(value: Option<Value>, problems: &mut Vec<Problem>) -> Vec<directory::Config> {
    let list = match value {
        None => return vec![directory::Config::Builtin(Vec::new())],
        Some(Value::Array(list)) => list,
        Some(_) => Vec::new(),
    };
    if list.is_empty() || !list.iter().all(Value::is_table) {
        problems.push(Problem {
            key: "directory".to_owned(),
            text: "must be written [[directory]]".to_owned(),
        });
        return Vec::new();
    }
    let is_alone = list.len() == 1;
    let mut configs = Vec::new();
    for (at, one) in list.into_iter().enumerate() {
        let Value::Table(table) = one else { continue };
        let name = if is_alone {
            "directory".to_owned()
        } else {
            format!("directory[{}]", at.saturating_add(1))
        };
        configs.extend(directory::Config::read(
            Section::new(name, table, problems),
            is_alone,
        ));
    }
    directory::conflicts(&configs, problems);
    configs
}

/// The longest `keep_alive`: no proxy keeps an idle connection for longer, and each costs an open file.
const LONGEST_KEEP_ALIVE: Span = Span::hours(1);

fn read_front(top: &mut Section<'_>) -> Option<ConnectionSettings> {
    let trusted_proxies = top.parsed_list("trusted_proxies").map(TrustedProxies);
    let keep_alive: Option<Span> = top.parsed("keep_alive");
    if keep_alive.is_some_and(|span| span < Span::seconds(1) || span > LONGEST_KEEP_ALIVE) {
        top.problem(
            "keep_alive",
            "must be from 1s to 1h, and longer than your proxy keeps idle connections to relatch",
        );
    }
    let keep_alive = u64::try_from(keep_alive?.0)
        .ok()
        .map(Duration::from_millis)?;
    Some(ConnectionSettings {
        trusted_proxies: trusted_proxies?,
        keep_alive,
        ..ConnectionSettings::default()
    })
}

/// What the section `policy` says.
struct Policy {
    limit: Limit,
    password_length: u8,
    password_lifetime: Span,
    offer_lifetime: Span,
    own_password_least: usize,
    ways: Ways,
    contact_rules: ContactRules,
}

fn read_policy(mut section: Section<'_>) -> Option<Policy> {
    let is_strict = match section.text("profile").as_deref() {
        Some("standard") | None => false,
        Some("strict") => true,
        Some(_) => {
            section.problem("profile", "must be \"standard\" or \"strict\"");
            false
        }
    };
    let carries = match section.text("send").as_deref() {
        None if is_strict => Carries::Link,
        None => Carries::Password,
        Some("password") if is_strict => {
            section.problem("send", "must be \"link\" where profile is \"strict\"");
            Carries::Link
        }
        Some(text) => text.parse().unwrap_or_else(|_| {
            section.problem("send", "must be \"password\" or \"link\"");
            Carries::Password
        }),
    };
    let resets = section.number("resets_per_admin", 1, 100);
    let window = lifetime(&mut section, "window");
    let length = section.number(
        "password_length",
        i64::from(password::DEFAULT_LENGTH),
        i64::from(password::MAX_LENGTH),
    );
    let password_lifetime = lifetime(&mut section, "password_lifetime");
    let offer_lifetime = lifetime(&mut section, "offer_lifetime");
    let own_least = section.number("new_password_min_length", 8, 128);
    let contact_rules = policy::read_contact_rules(&mut section, is_strict);
    section.end();
    Some(Policy {
        limit: Limit {
            resets: u32::try_from(resets?).ok()?,
            window: window?,
        },
        password_length: u8::try_from(length?).ok()?,
        password_lifetime: password_lifetime?,
        offer_lifetime: offer_lifetime?,
        own_password_least: usize::try_from(own_least?).ok()?,
        ways: Ways { is_strict, carries },
        contact_rules: contact_rules?,
    })
}

fn lifetime(section: &mut Section<'_>, key: &'static str) -> Option<Span> {
    let span: Span = section.parsed(key)?;
    if span.0 > 0 && span <= Span::hours(31 * 24) {
        return Some(span);
    }
    section.problem(key, "must be more than nothing and at most 31d");
    None
}

fn read_admins(mut section: Section<'_>) -> Option<Admins> {
    let source = section.text("source");
    let primary = section.parsed_list("primary");
    let delegated = section.parsed_list("member_and_department");
    let has_lists = primary.is_some() || delegated.is_some();
    let admins = match source.as_deref() {
        Some("list") => {
            let primary: Vec<EmailAddress> = primary.unwrap_or_default();
            if primary.is_empty() {
                section.problem("primary", "must name at least one primary administrator");
            }
            Some(Admins::List {
                primary,
                member_and_department: delegated.unwrap_or_default(),
            })
        }
        Some("directory") => Some(Admins::Directory),
        Some("chat") => Some(Admins::Chat),
        _ => {
            section.problem("source", "must be \"directory\", \"list\" or \"chat\"");
            None
        }
    };
    if has_lists && source.as_deref() != Some("list") {
        section.problem(
            "source",
            "must be \"list\" where primary or member_and_department is given",
        );
    }
    section.end();
    admins
}

fn read_identity(mut section: Section<'_>) -> Option<Identity> {
    let identity = match section.text("match").as_deref() {
        Some("email") => Some(Identity::Email),
        Some("linked") => Some(Identity::Linked),
        _ => {
            section.problem("match", "must be \"email\" or \"linked\"");
            None
        }
    };
    section.end();
    identity
}

fn read_email(mut section: Section<'_>) -> Option<smtp::Config> {
    let smtp_url: Option<SecretString> =
        section.required_secret("smtp_url", "smtp_url_file", false);
    let from = section.required("from");
    let ca_file = section.path("ca_file");
    if let Some(path) = &ca_file
        && let Err(error) = crate::net::tls_config(Some(path))
    {
        section.problem("ca_file", error.to_string());
    }
    let config =
        smtp_url.zip(from).and_then(
            |(url, from)| match smtp::Config::read(&url, &from, ca_file) {
                Ok(config) => Some(config),
                Err(text) => {
                    section.problem(
                        if text.contains("sender") {
                            "from"
                        } else {
                            "smtp_url"
                        },
                        text,
                    );
                    None
                }
            },
        );
    section.end();
    config
}

/// The gateway, and the countries that typed numbers may belong to.
fn read_sms(mut section: Section<'_>) -> (Option<sms::Config>, Vec<Country>) {
    let countries = section.parsed_list("countries").unwrap_or_default();
    let config = match section.required("kind").as_deref() {
        Some("webhook") => {
            let url = section.required_url("url");
            let token = section.required_secret("token", "token_file", true);
            url.zip(token)
                .map(|(url, token)| sms::Config::Webhook { url, token })
        }
        Some("twilio") => {
            let account_sid = section.required("account_sid");
            let auth_token = section.required_secret("auth_token", "auth_token_file", true);
            let from = section.required("from");
            let api_url = section
                .url("api_url")
                .or_else(|| Url::parse("https://api.twilio.com/").ok());
            match (account_sid, auth_token, from, api_url) {
                (Some(account_sid), Some(auth_token), Some(from), Some(api_url)) => {
                    Some(sms::Config::Twilio {
                        account_sid,
                        auth_token,
                        from,
                        api_url,
                    })
                }
                _ => None,
            }
        }
        Some("kannel") => {
            let url = section.required_url("url");
            let username = section.required("username");
            let password = section.required_secret("password", "password_file", false);
            match (url, username, password) {
                (Some(url), Some(username), Some(password)) => Some(sms::Config::Kannel {
                    url,
                    username,
                    password,
                }),
                _ => None,
            }
        }
        Some(_) => {
            section.problem("kind", "must be webhook, twilio or kannel");
            None
        }
        None => None,
    };
    section.end();
    (config, countries)
}

#[cfg(test)]
mod tests;
