//! The settings outside of sections: where relatch listens, where its files are, and what the organization is called.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tracing::Level;
use url::{Host, Url};

use crate::clock::Zone;
use crate::domain::country::Country;
use crate::domain::phone::HelpPhone;
use crate::domain::{EmailAddress, Span};
use crate::http::{ConnectionSettings, TrustedProxies};
use crate::settings::Section;

/// The longest `keep_alive`: no proxy keeps an idle connection for longer, and each costs an open file.
const LONGEST_KEEP_ALIVE: Span = Span::hours(1);

/// The longest `sign_in_url` that fits into one SMS beside a password.
const LONGEST_SIGN_IN_URL: usize = 80;

/// What the paths of webhooks and pages begin with. A proxy may strip the path of `public_url` or keep it, so it must begin
/// with none of them.
const OWN_PATHS: &[&str] = &[
    "account",
    "check",
    "claim",
    "confirm",
    "contacts",
    "demo",
    "discord",
    "lark",
    "mattermost",
    "new-password",
    "not-me",
    "portal.css",
    "portal.js",
    "signin",
    "slack",
    "verify",
];

/// The settings outside of sections; None where one is missing or wrong.
pub(super) struct TopLevel {
    pub(super) listen: Option<SocketAddr>,
    pub(super) front: Option<ConnectionSettings>,
    pub(super) public_url: Option<Url>,
    pub(super) database: Option<PathBuf>,
    pub(super) key_file: Option<PathBuf>,
    pub(super) organization: Option<String>,
    pub(super) help_url: Option<Url>,
    pub(super) help_phone: Option<HelpPhone>,
    pub(super) sign_in_url: Option<Url>,
    pub(super) security_email: Option<EmailAddress>,
    pub(super) default_country: Option<Country>,
    pub(super) zone: Option<Zone>,
    pub(super) log: Option<Level>,
    pub(super) company_domains: Vec<String>,
}

/// Reads them; what is wrong is noted there.
pub(super) fn read(mut top: Section<'_>) -> TopLevel {
    if top.take("admin_listen").is_some() {
        top.problem("admin_listen", "is not built yet; take it out");
    }
    let read = TopLevel {
        listen: top.parsed_like("listen", "127.0.0.1:8080"),
        front: read_front(&mut top),
        public_url: read_public_url(&mut top),
        database: read_database(&mut top),
        key_file: top.path("key_file"),
        organization: top.required("organization"),
        help_url: top.url("help_url"),
        help_phone: top.parsed("help_phone"),
        sign_in_url: read_sign_in_url(&mut top),
        security_email: top.parsed("security_email"),
        default_country: top.parsed("default_country"),
        zone: read_zone(&mut top),
        log: top.parsed_like("log", "info"),
        company_domains: read_company_domains(&mut top),
    };
    top.end();
    read
}

/// Reads `public_url`. Its path is taken off requests and stands in cookies and links.
fn read_public_url(top: &mut Section<'_>) -> Option<Url> {
    let url = top.url("public_url")?;
    let path = url.path().trim_start_matches('/');
    let path = path.strip_suffix('/').unwrap_or(path);
    let first = path.split('/').next().unwrap_or_default();
    let is_plain = |part: &str| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        !part.is_empty() && part.bytes().all(is_plain)
    };
    let problem = if url.query().is_some() || url.fragment().is_some() {
        "must have no ? and no #, such as https://acme.example/reset".to_owned()
    } else if url.path().starts_with("//") || !(path.is_empty() || path.split('/').all(is_plain)) {
        "must have a path of letters, digits and - . _ ~ only, such as https://acme.example/reset"
            .to_owned()
    } else if OWN_PATHS.contains(&first) {
        format!(
            "must not begin with /{first}: relatch answers there itself, so it could not tell which part is the path"
        )
    } else {
        return Some(url);
    };
    top.problem("public_url", problem);
    None
}

fn read_database(top: &mut Section<'_>) -> Option<PathBuf> {
    let text = top.required("database")?;
    match text.strip_prefix("sqlite://") {
        Some(path) if !path.is_empty() => return Some(PathBuf::from(path)),
        _ if text.starts_with("postgres") => {
            top.problem(
                "database",
                "PostgreSQL is not built yet; use sqlite://FILE, such as sqlite://relatch.db",
            );
        }
        _ => top.problem(
            "database",
            "must be sqlite://FILE, such as sqlite://relatch.db",
        ),
    }
    None
}

fn read_sign_in_url(top: &mut Section<'_>) -> Option<Url> {
    let url = top.url("sign_in_url")?;
    if url.as_str().len() > LONGEST_SIGN_IN_URL {
        let text = format!(
            "is too long for the SMS with a password; {LONGEST_SIGN_IN_URL} characters are the most"
        );
        top.problem("sign_in_url", text);
    }
    Some(url)
}

fn read_zone(top: &mut Section<'_>) -> Option<Zone> {
    let name = top.required("time_zone")?;
    Zone::named(&name)
        .map_err(|error| top.problem("time_zone", format!("\"{name}\" {error}")))
        .ok()
}

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

/// Reads `company_domains`. A name in other letters is converted to the form that addresses use (IDNA).
fn read_company_domains(top: &mut Section<'_>) -> Vec<String> {
    let ascii = |name: &String| match Host::parse(name.trim().trim_end_matches('.')) {
        Ok(Host::Domain(domain)) if domain.contains('.') => Some(domain),
        Ok(_) | Err(_) => None,
    };
    let names = top.list("company_domains").unwrap_or_default();
    let domains: Vec<String> = names.iter().filter_map(ascii).collect();
    if domains.len() < names.len() {
        top.problem(
            "company_domains",
            "must be a list of e-mail domains, such as [\"acme.com\"]",
        );
    }
    domains
}
