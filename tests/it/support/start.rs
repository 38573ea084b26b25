//! How a bot is started, alone or unlike the usual one, and started again.

use std::path::PathBuf;
use std::time::Duration;

use relatch::surface::app::{Admins, Identity, ResetQueue};
use relatch::surface::clock::Clock;
use relatch::surface::delivery::Outbox;
use relatch::surface::domain::contacts::ContactRules;
use relatch::surface::domain::delivery::Ways;
use relatch::surface::domain::quota::Limit;
use relatch::surface::domain::sms_countries::SmsCountries;
use relatch::surface::domain::{Moment, Platform, Span};
use relatch::surface::flow::pins;
use relatch::surface::net;

use super::left::Left;
use super::people::{PEOPLE, Person, member_row};
use super::{RECORDED_ORIGIN, START, TestBot, discord, slack};

/// The limit of the design.
const FIVE_A_DAY: Limit = Limit {
    resets: 5,
    window: Span::hours(24),
};

/// What a bot stands on, and what stays when it is started again.
#[derive(Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one thing that a test may set"
)]
pub(super) struct BotParts {
    pub(super) folder: PathBuf,
    pub(super) clock: Clock,
    pub(super) limit: Limit,
    pub(super) slack: slack::FakeSlack,
    pub(super) http: reqwest::Client,
    pub(super) outbox: Outbox,
    /// How many resets are in progress at once, and how long the others wait for a worker.
    pub(super) workers: Option<(usize, Duration)>,
    pub(super) is_recorded: bool,
    pub(super) admins: Admins,
    pub(super) identity: Identity,
    /// `mattermost.trusted_auth_services`.
    pub(super) trusted: &'static [&'static str],
    pub(super) ways: Ways,
    pub(super) countries: SmsCountries,
    /// A directory beside the built-in one, as its settings.
    pub(super) directory: Option<String>,
    /// The company's e-mail domains.
    pub(super) company: &'static [&'static str],
    /// Where the member's pages are.
    pub(super) public_url: &'static str,
    /// How long contacts wait, and whether code and password need two.
    pub(super) contact_rules: ContactRules,
    /// Members may sign in by a code alone.
    pub(super) code_sign_in: bool,
    /// Generated passwords have a symbol.
    pub(super) password_symbols: bool,
    /// What the key file holds.
    pub(super) master_key: [u8; 32],
    /// `help_url`, `help_phone`, `sign_in_url` and `security_email`.
    pub(super) help_url: Option<&'static str>,
    pub(super) help_phone: Option<&'static str>,
    pub(super) sign_in_url: Option<&'static str>,
    pub(super) security_email: Option<&'static str>,
    /// `policy.notify_manager`.
    pub(super) notify_manager: bool,
    /// What the test means to leave behind, said before a restart.
    pub(super) left: Vec<Left>,
}

impl BotParts {
    pub(super) fn new(
        at: Moment,
        limit: Limit,
        slack: slack::FakeSlack,
        http: reqwest::Client,
    ) -> Self {
        let (folder, clock) = (super::fresh_folder(), Clock::fixed(at));
        Self {
            folder,
            clock,
            limit,
            slack,
            http,
            outbox: Outbox::default(),
            workers: None,
            is_recorded: false,
            admins: Admins::Directory,
            identity: Identity::Email,
            trusted: &[],
            ways: Ways::default(),
            countries: SmsCountries::default(),
            directory: None,
            company: &[],
            public_url: "http://127.0.0.1",
            contact_rules: ContactRules::default(),
            code_sign_in: false,
            password_symbols: false,
            master_key: [9; 32],
            help_url: Some("https://help.acme.example/password"),
            help_phone: None,
            sign_in_url: None,
            security_email: Some("security@acme.example"),
            notify_manager: false,
            left: Vec::new(),
        }
    }

    /// The server's address, which stands in what was recorded.
    pub(super) fn mattermost(&self) -> String {
        let base = if self.is_recorded {
            RECORDED_ORIGIN
        } else {
            self.slack.base.as_str()
        };
        format!("{base}/mm/")
    }

    pub(super) fn queue(&self) -> ResetQueue {
        self.workers
            .map_or_else(ResetQueue::default, |(workers, timeout)| {
                ResetQueue::with(workers, timeout)
            })
    }
}

impl TestBot {
    pub(crate) async fn new() -> Self {
        Self::with_limit(FIVE_A_DAY).await
    }

    pub(crate) async fn with_limit(limit: Limit) -> Self {
        Self::unlike(|parts| parts.limit = limit).await
    }

    /// This many workers and this queue timeout, so that no test waits twenty seconds to see what becomes of the others.
    pub(crate) async fn with_workers(workers: usize, timeout: Duration) -> Self {
        Self::unlike(|parts| parts.workers = Some((workers, timeout))).await
    }

    /// The chat says who is an administrator.
    pub(crate) async fn with_admins_of_the_chat() -> Self {
        Self::unlike(|parts| parts.admins = Admins::Chat).await
    }

    /// Other ways out than a password by every one.
    pub(crate) async fn with_ways(ways: Ways) -> Self {
        Self::unlike(|parts| parts.ways = ways).await
    }

    /// SMS go to these countries alone, besides numbers on record.
    pub(crate) async fn with_sms_countries(listed: &[&str]) -> Self {
        let listed = listed
            .iter()
            .map(|country| country.parse().unwrap())
            .collect();
        Self::unlike(|parts| parts.countries = SmsCountries::new(listed, None)).await
    }

    /// A company with several e-mail domains.
    pub(crate) async fn with_domains(domains: &'static [&'static str]) -> Self {
        Self::unlike(|parts| parts.company = domains).await
    }

    /// With the member's pages somewhere else.
    pub(crate) async fn with_public_url(public_url: &'static str) -> Self {
        Self::unlike(|parts| parts.public_url = public_url).await
    }

    /// The same, and one-time links go out instead of passwords.
    pub(crate) async fn with_links_to(public_url: &'static str, ways: Ways) -> Self {
        Self::unlike(|parts| (parts.public_url, parts.ways) = (public_url, ways)).await
    }

    /// With another directory beside the built-in one, whose people sign in there.
    pub(crate) async fn with_directory_and_sign_in(
        settings: &str,
        sign_in_url: &'static str,
    ) -> Self {
        Self::unlike(|parts| {
            parts.clock = Clock::fixed(Clock::System.now());
            parts.directory = Some(settings.to_owned());
            parts.sign_in_url = Some(sign_in_url);
        })
        .await
    }

    /// The same people without public pages, and with a phone to call.
    pub(crate) async fn with_help_phone(help_phone: &'static str) -> Self {
        Self::unlike(|parts| {
            parts.public_url = "";
            parts.help_phone = Some(help_phone);
        })
        .await
    }

    /// The same people with a phone to call.
    pub(crate) async fn with_help_phone_and_pages(help_phone: &'static str) -> Self {
        Self::unlike(|parts| parts.help_phone = Some(help_phone)).await
    }

    /// The same people without public pages, so that no message has a link.
    pub(crate) async fn without_pages(
        help_url: Option<&'static str>,
        security_email: Option<&'static str>,
    ) -> Self {
        Self::unlike(|parts| {
            parts.public_url = "";
            (parts.help_url, parts.security_email) = (help_url, security_email);
        })
        .await
    }

    /// Managers are told of resets.
    pub(crate) async fn with_managers() -> Self {
        Self::unlike(|parts| parts.notify_manager = true).await
    }

    /// Where members may sign in by a code alone.
    pub(crate) async fn with_code_sign_in() -> Self {
        Self::unlike(|parts| parts.code_sign_in = true).await
    }

    /// With another directory beside the built-in one, whose `[[directory]]` this is. Its server lives in the present, so
    /// the bot does too.
    pub(crate) async fn with_directory(settings: &str) -> Self {
        Self::unlike(|parts| {
            parts.clock = Clock::fixed(Clock::System.now());
            parts.directory = Some(settings.to_owned());
        })
        .await
    }

    /// The same with a symbol in every generated password.
    pub(crate) async fn with_directory_and_symbols(settings: &str) -> Self {
        Self::unlike(|parts| {
            parts.clock = Clock::fixed(Clock::System.now());
            parts.directory = Some(settings.to_owned());
            parts.password_symbols = true;
        })
        .await
    }

    /// The same with the machine's clock, by which the directory goes too.
    pub(crate) async fn with_directory_in_real_time(settings: &str) -> Self {
        Self::unlike(|parts| {
            parts.clock = Clock::movable();
            parts.directory = Some(settings.to_owned());
        })
        .await
    }

    /// The same, with administrators from a list.
    pub(crate) async fn with_directory_and_admins(settings: &str, admins: Admins) -> Self {
        Self::unlike(|parts| {
            parts.clock = Clock::fixed(Clock::System.now());
            parts.directory = Some(settings.to_owned());
            parts.admins = admins;
        })
        .await
    }

    /// Other rules for contacts.
    pub(crate) async fn with_contact_rules(ways: Ways, contact_rules: ContactRules) -> Self {
        Self::unlike(|parts| (parts.ways, parts.contact_rules) = (ways, contact_rules)).await
    }

    async fn unlike(change: impl FnOnce(&mut BotParts)) -> Self {
        let http = net::client(Duration::from_secs(5)).unwrap();
        let mut parts = BotParts::new(START, FIVE_A_DAY, slack::FakeSlack::start().await, http);
        change(&mut parts);
        let bot = Self::open(parts, 7).await;
        bot.settle_in().await;
        bot
    }

    /// On a database that is there already; the chat knows these people.
    pub(crate) async fn on_folder(folder: PathBuf, people: &[&str]) -> Self {
        let http = net::client(Duration::from_secs(5)).unwrap();
        let parts = BotParts::new(START, FIVE_A_DAY, slack::FakeSlack::start().await, http);
        let bot = Self::open(BotParts { folder, ..parts }, 7).await;
        for email in people {
            bot.slack.know(email);
        }
        bot
    }

    /// For requests that were recorded: the time is theirs, and their response addresses lead to the pretend Slack.
    pub(crate) async fn recorded(at: Moment) -> Self {
        let slack = slack::FakeSlack::start().await;
        let http = slack.client();
        let bot = Self::open(
            BotParts {
                is_recorded: true,
                ..BotParts::new(at, FIVE_A_DAY, slack, http)
            },
            7,
        )
        .await;
        bot.settle_in().await;
        bot
    }

    /// The process ends and a new one starts on the same file: what was in memory only is gone.
    pub(crate) async fn restart(self) -> Self {
        self.settle().await;
        Self::open(self.hand_over(), 8).await
    }

    /// The same with another key file.
    pub(crate) async fn restart_with_another_key(self) -> Self {
        self.settle().await;
        let parts = BotParts {
            master_key: [10; 32],
            ..self.hand_over()
        };
        Self::open(parts, 8).await
    }

    /// The same with another list of administrators.
    pub(crate) async fn restart_with_admins(self, admins: Admins) -> Self {
        self.settle().await;
        let parts = BotParts {
            admins,
            ..self.hand_over()
        };
        let bot = Self::open(parts, 8).await;
        pins::pin_listed(&bot.app).await;
        bot
    }

    /// The same, but the directory beside the built-in one has left the settings.
    pub(crate) async fn restart_without_directory(self) -> Self {
        self.settle().await;
        let parts = BotParts {
            directory: None,
            ..self.hand_over()
        };
        Self::open(parts, 8).await
    }

    /// Administrators from a list, in the built-in directory.
    pub(crate) async fn with_admins(admins: Admins) -> Self {
        Self::unlike(|parts| parts.admins = admins).await
    }

    /// Chat accounts stand for people in this way.
    pub(crate) async fn identified_by(identity: Identity, admins: Admins) -> Self {
        Self::unlike(|parts| {
            parts.identity = identity;
            parts.admins = admins;
        })
        .await
    }

    /// Mattermost's accounts that sign in by these services count as well.
    pub(crate) async fn trusting(trusted: &'static [&'static str]) -> Self {
        Self::unlike(|parts| parts.trusted = trusted).await
    }

    /// The same with other settings.
    pub(crate) async fn restart_with(self, ways: Ways) -> Self {
        self.settle().await;
        let parts = BotParts {
            ways,
            ..self.hand_over()
        };
        Self::open(parts, 8).await
    }

    async fn settle_in(&self) {
        self.app
            .store
            .import_members(PEOPLE.iter().map(member_row).collect())
            .await
            .unwrap();
        for (_, email, ..) in PEOPLE {
            self.slack.know(email);
        }
        // As the start does it.
        pins::pin_listed(&self.app).await;
        let link = |(_, email, ..): &Person| {
            (
                Platform::Discord,
                discord::id_of(email),
                (*email).to_owned(),
            )
        };
        self.app
            .store
            .link(PEOPLE.iter().map(link).collect())
            .await
            .unwrap();
    }
}
