//! `relatch check`: the command of each team, and whether the server may post to us.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::Method;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::Value;
use url::{Host, Url};

use super::check::CheckError;
use super::server::{BotRights, MANAGE_OWN_COMMANDS};
use super::{COMMAND_NAME, COMMANDS_ROUTE, Mattermost};
use crate::chat::Examination;
use crate::chat::api::{read_rest, read_value};

/// How many teams one call asks for (Mattermost, "Get teams": 200 at most).
const TEAMS: usize = 200;
/// How many pages of teams are read.
const PAGES: usize = 50;
/// What the server does not connect to by itself (`IsReservedIP` in `server/public/shared/httpservice/client.go`).
const RESERVED: [&str; 25] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/128",
    "::1/128",
    "64:ff9b::/96",
    "100::/64",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "fc00::/7",
    "fe80::/10",
    "ff00::/8",
];
/// The deadline for resolving the name of our own address.
const LOOK_UP_DEADLINE: Duration = Duration::from_secs(2);

#[derive(Debug, Deserialize)]
struct Team {
    id: String,
    #[serde(default)]
    name: String,
    /// When the team was archived; 0 for one that is not.
    #[serde(default)]
    delete_at: i64,
}

/// A slash command of a team, as its creator sees it, and whoever has `manage_others_slash_commands`.
#[derive(Debug, Deserialize)]
struct TeamCommand {
    #[serde(default)]
    token: String,
    #[serde(default)]
    trigger: String,
    #[serde(default)]
    method: String,
    #[serde(default)]
    url: String,
}

/// What was seen of all teams.
#[derive(Default)]
struct SeenCommands {
    tokens: Vec<String>,
    teams_without: Vec<String>,
    /// False where the bot may not see all commands.
    is_complete: bool,
}

impl Mattermost {
    /// Looks at our command in every team: where it posts to, and whether its token is known.
    pub(super) async fn examine_commands(
        &self,
        rights: BotRights,
        found: &mut Examination,
    ) -> Result<(), CheckError> {
        let mut seen = SeenCommands {
            is_complete: rights.is_system_admin && rights.sees_all_commands,
            ..SeenCommands::default()
        };
        match self.look_at_teams(rights, &mut seen, found).await {
            Ok(()) => {}
            Err(CheckError::Api(error)) => {
                let text = format!("the commands of the teams could not be read: {error}");
                found.warn("", text);
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        let is_seen = |token: &str| seen.tokens.iter().any(|seen| seen == token);
        let known = &self.config.command_tokens;
        let stale = known.iter().filter(|known| !is_seen(known.expose_secret()));
        match stale.count() {
            0 => {}
            stale if seen.is_complete => found.fail("command_tokens", format!(
                "{stale} of {} command_tokens belong to no command any more; take the tokens from Integrations, Slash Commands",
                known.len()
            )),
            stale => found.warn("command_tokens", format!(
                "{stale} of {} command_tokens belong to no command that the bot may see",
                known.len()
            )),
        }
        if !seen.teams_without.is_empty() && !known.is_empty() {
            found.note("", format!(
                "{COMMAND_NAME} is not there for the teams {}: `relatch register mattermost --team TEAM_ID` makes it",
                seen.teams_without.join(", ")
            ));
        }
        Ok(())
    }

    async fn look_at_teams(
        &self,
        rights: BotRights,
        seen: &mut SeenCommands,
        found: &mut Examination,
    ) -> Result<(), CheckError> {
        let mut teams = if rights.is_system_admin {
            self.all_teams().await?
        } else {
            read_value(self.read((Method::GET, "users/me/teams"), None).await?)?
        };
        // In an archived team nobody types a command, and `register` does not take it.
        teams.retain(|team: &Team| team.delete_at == 0);
        for team in &teams {
            self.examine_team(team, seen, found).await?;
        }
        Ok(())
    }

    async fn all_teams(&self) -> Result<Vec<Team>, CheckError> {
        let mut teams: Vec<Team> = Vec::new();
        for page in 0..PAGES {
            let path = format!("teams?page={page}&per_page={TEAMS}");
            let more: Vec<Team> = read_value(self.read((Method::GET, &path), None).await?)?;
            let is_last = more.len() < TEAMS;
            teams.extend(more);
            if is_last {
                break;
            }
        }
        Ok(teams)
    }

    async fn examine_team(
        &self,
        team: &Team,
        seen: &mut SeenCommands,
        found: &mut Examination,
    ) -> Result<(), CheckError> {
        let Team { id, name, .. } = team;
        let path = format!("commands?team_id={id}&custom_only=true");
        let answer = self.api_answer(Method::GET, &path, None).await?;
        match answer.status {
            501 => return Err(CheckError::CommandsOff),
            403 => {
                seen.is_complete = false;
                found.fail("bot_token", format!(
                    "the bot lacks the permission {MANAGE_OWN_COMMANDS} in the team {name}, so its command cannot be read; make the bot a System Admin"
                ));
                return Ok(());
            }
            _ => {}
        }
        let commands: Vec<TeamCommand> = read_value(read_rest(&answer, MANAGE_OWN_COMMANDS)?)?;
        let trigger = COMMAND_NAME.trim_start_matches('/');
        let Some(command) = commands
            .into_iter()
            .find(|command| command.trigger == trigger)
        else {
            seen.teams_without.push(name.clone());
            return Ok(());
        };
        let own = self.own(COMMANDS_ROUTE);
        if command.url != own {
            found.fail("", format!(
                "the command of the team {name} posts to another address than {own}, on {}; run `relatch register mattermost --team {id}`",
                origin_of(&command.url)
            ));
        }
        // `CommandMethodPost` in `model/command.go`.
        if command.method != "P" {
            found.fail(
                "",
                format!("the command of the team {name} has the request method GET; set POST"),
            );
        }
        let is_known = |known: &str| known == command.token;
        let known = &self.config.command_tokens;
        if !known.iter().any(|known| is_known(known.expose_secret())) {
            found.fail("command_tokens", format!(
                "the token of the command of the team {name} is not in command_tokens, so what is typed there is refused; add it (Integrations, Slash Commands)"
            ));
        }
        seen.tokens.push(command.token);
        Ok(())
    }

    /// Warns where the server posts to us only if its settings name our address: it refuses a host without an address that it
    /// may connect to (`MakeTransport` and `dialContextFilter` in `server/public/shared/httpservice`), and counts those of its
    /// own machine among the refused ones (`IsOwnIP` there). The addresses of `mattermost.url` stand for these.
    pub(super) async fn examine_address(&self, settings: Option<&Value>, found: &mut Examination) {
        let (host, addresses) = addresses_of(&self.config.own_url).await;
        let (_, of_server) = addresses_of(&self.config.url).await;
        let allowed = settings
            .and_then(|settings| {
                settings.pointer("/ServiceSettings/AllowedUntrustedInternalConnections")
            })
            .and_then(Value::as_str)
            .unwrap_or_default();
        let named = || allowed.split(|c: char| c.is_whitespace() || c == ',');
        let may_connect = |address: &IpAddr| {
            !is_internal(*address) && !of_server.contains(address)
                || named().any(|entry| is_in_range(*address, entry))
        };
        let is_named = named().any(|entry| entry == host);
        if !is_named && !addresses.is_empty() && !addresses.iter().any(may_connect) {
            let why = if addresses.iter().all(|address| is_internal(*address)) {
                "is an internal address, and"
            } else {
                "has the same address as mattermost.url. If that is the server's own address, not that of a proxy in front of it,"
            };
            found.warn("", format!(
                "{host} (public_url) {why} the server posts there only if AllowedUntrustedInternalConnections names it"
            ));
        }
    }
}

/// The host of an address, and the IP addresses that it has here.
async fn addresses_of(url: &Url) -> (String, Vec<IpAddr>) {
    match url.host() {
        Some(Host::Ipv4(address)) => (address.to_string(), vec![address.into()]),
        Some(Host::Ipv6(address)) => (address.to_string(), vec![address.into()]),
        Some(Host::Domain(name)) => {
            let port = url.port_or_known_default().unwrap_or_default();
            let found =
                tokio::time::timeout(LOOK_UP_DEADLINE, tokio::net::lookup_host((name, port))).await;
            let addresses = match found {
                Ok(Ok(found)) => found.map(|address| address.ip()).collect(),
                // A name that is not known here is not known to be internal.
                Ok(Err(_)) | Err(_) => Vec::new(),
            };
            (name.to_owned(), addresses)
        }
        None => (String::new(), Vec::new()),
    }
}

/// True for an address that the server does not connect to by itself.
fn is_internal(address: IpAddr) -> bool {
    let address = address.to_canonical();
    RESERVED.iter().any(|range| is_in_range(address, range))
}

/// True for an address in a range such as `10.0.0.0/8`.
fn is_in_range(address: IpAddr, range: &str) -> bool {
    let Some((base, length)) = range.split_once('/') else {
        return false;
    };
    let (Ok(base), Ok(length)) = (base.parse::<IpAddr>(), length.parse::<u32>()) else {
        return false;
    };
    let (all, ours, base) = match (address, base) {
        (IpAddr::V4(ours), IpAddr::V4(base)) => {
            (32, u128::from(ours.to_bits()), u128::from(base.to_bits()))
        }
        (IpAddr::V6(ours), IpAddr::V6(base)) => (128, ours.to_bits(), base.to_bits()),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
    };
    let differing = ours ^ base;
    length <= all && differing.checked_shr(all - length).unwrap_or_default() == 0
}

/// An address without what may be a secret, such as the path of another webhook.
fn origin_of(address: &str) -> String {
    match address.parse::<Url>() {
        Ok(url) => url.origin().ascii_serialization(),
        Err(_) => "no address".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;
    use crate::clock::Clock;
    use crate::net;
    use crate::secret::Keys;

    /// What is said of relatch at one address and the server at another, both without a name to look up.
    async fn said_of(own: &str, server: &str, allowed: &str) -> Vec<String> {
        let config = Config {
            url: server.parse().unwrap(),
            command_tokens: Vec::new(),
            bot_token: "a-bot-token-0123456789".to_owned().into(),
            trusted_auth_services: Vec::new(),
            own_url: own.parse().unwrap(),
        };
        let settings = serde_json::json!({
            "ServiceSettings": { "AllowedUntrustedInternalConnections": allowed },
        });
        let mut found = Examination::default();
        let keys = Keys::from_master(&[7; 32]).unwrap();
        Mattermost::new(
            config,
            keys,
            net::client(LOOK_UP_DEADLINE).unwrap(),
            Clock::System,
        )
        .examine_address(Some(&settings), &mut found)
        .await;
        let warnings = found.warnings.into_iter();
        warnings.map(|warning| warning.text).collect()
    }

    /// Nothing listens at these addresses, and none of them is connected to.
    #[tokio::test]
    async fn an_address_of_the_server_s_own_machine_has_to_be_named() {
        let (here, there) = ("https://8.8.8.8:8443/", "https://8.8.8.8/");
        let warned = said_of(here, there, "").await;
        assert!(
            warned.len() == 1 && warned[0].contains("the same address as mattermost.url"),
            "{warned:?}"
        );
        for named in ["8.8.8.8", "8.8.8.0/24"] {
            assert_eq!(said_of(here, there, named).await, [""; 0], "{named}");
        }
        assert_eq!(said_of(here, "https://8.8.4.4/", "").await, [""; 0]);
    }

    #[test]
    fn an_address_is_in_the_ranges_that_hold_it() {
        let is_in = |address: &str, range| is_in_range(address.parse().unwrap(), range);
        for (address, range) in [
            ("10.1.2.3", "10.0.0.0/8"),
            ("127.0.0.1", "127.0.0.1/32"),
            ("127.0.0.1", "0.0.0.0/0"),
            ("fd00::1", "fc00::/7"),
            ("::1", "::1/128"),
            ("::1", "::/0"),
        ] {
            assert!(is_in(address, range), "{address} {range}");
        }
        for (address, range) in [
            ("11.1.2.3", "10.0.0.0/8"),
            ("127.0.0.2", "127.0.0.1/32"),
            ("127.0.0.1", "127.0.0.1"),
            ("127.0.0.1", "127.0.0.1/33"),
            ("127.0.0.1", "::1/0"),
            ("127.0.0.1", "x/8"),
        ] {
            assert!(!is_in(address, range), "{address} {range}");
        }
    }
}
