//! A bot in a box: the real router over a real database, a fixed clock, a seeded generator, memory delivery, and a
//! Slack that signs, tells who is who and keeps every follow-up.

pub(crate) mod browser;
pub(crate) mod directories;
pub(crate) mod discord;
pub(crate) mod lark;
pub(crate) mod mattermost;
pub(crate) mod sent;
pub(crate) mod slack;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use relatch::app::{Admins, App, Identity, Latest, Organization, ResetQueue};
use relatch::chance::Chance;
use relatch::chat::Chat;
use relatch::chat::discord::Discord;
use relatch::chat::lark::Lark;
use relatch::chat::mattermost::Mattermost;
use relatch::chat::slack::{Config, Slack};
use relatch::clock::{Clock, Zone};
use relatch::delivery::{Deliveries, Outbox};
use relatch::directory::{
    self, Builtin, Directories, Directory, Hasher, ResilientDirectory, ScriptedDirectory,
};
use relatch::domain::contacts::ContactRules;
use relatch::domain::country::SmsCountries;
use relatch::domain::delivery::Ways;
use relatch::domain::quota::Limit;
use relatch::domain::{CompanyDomains, MemberId, Moment, Platform, ResetId, Span};
use relatch::flow::{pins, sweep};
use relatch::net;
use relatch::secret::Keys;
use relatch::store::{MemberRow, OpenError, Store, Use};
use tower::ServiceExt;

pub(crate) const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
pub(crate) const BOT_TOKEN: &str = "xoxb-canary-bot-token-1234567890";
pub(crate) const TEAM: &str = "T1DC2JH3J";
/// The origin of the response addresses in the fixtures; what goes there arrives at the pretend Slack.
pub(crate) const RECORDED_ORIGIN: &str = "http://127.0.0.1:9";
/// Monday, 2026-11-23 10:00 UTC.
pub(crate) const START: Moment = Moment(1_795_428_000_000);

/// What members set for themselves.
pub(crate) const OWN: &str = "seven quiet herons dance";

/// The limit of the design.
const FIVE_A_DAY: Limit = Limit {
    resets: 5,
    window: Span::hours(24),
};

/// Lets a pretend server go on beside a test.
#[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
pub(crate) fn spawn(work: impl Future<Output = ()> + Send + 'static) {
    drop(tokio::spawn(work));
}

tokio::task_local! {
    /// On which platform a conversation is held.
    static PLATFORM: Platform;
    /// In Lark: with the bot alone, and not in a group.
    static IS_PRIVATE: bool;
}

/// Holds a conversation of Lark with the bot alone.
pub(crate) async fn in_private(platform: Platform, conversation: impl Future<Output = ()>) {
    IS_PRIVATE.scope(true, on(platform, conversation)).await;
}

/// Whether Lark's people are in a group.
fn is_group() -> bool {
    !IS_PRIVATE
        .try_with(|is_private| *is_private)
        .unwrap_or_default()
}

/// Holds a conversation on a platform.
pub(crate) async fn on(platform: Platform, conversation: impl Future<Output = ()>) {
    PLATFORM.scope(platform, conversation).await;
}

/// An answer of the router.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
}

/// How a command of the program ended.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Answer {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// What a form is refused with: at its input, or as a message where the platform has no place there.
    pub(crate) fn refusal_of_form(&self) -> String {
        let answer = self.json();
        let errors = &answer["errors"];
        match errors["destination"]
            .as_str()
            .or_else(|| errors["contact"].as_str())
        {
            Some(text) if answer["response_action"] == "errors" => text.to_owned(),
            _ => slack::text_of(&answer),
        }
    }

    pub(crate) fn text(&self) -> String {
        slack::text_of(&self.json())
    }
}

/// The bot, its surroundings, and the people of Acme.
pub(crate) struct TestBot {
    pub(crate) app: Arc<App>,
    pub(crate) clock: Clock,
    pub(crate) outbox: Outbox,
    pub(crate) directory: ScriptedDirectory,
    pub(crate) builtin: Builtin,
    pub(crate) slack: slack::FakeSlack,
    /// On which platform the people of this test are.
    platform: std::sync::Mutex<Platform>,
    signer: Slack,
    parts: BotParts,
    serial: std::sync::atomic::AtomicU32,
    /// What the test means to leave behind.
    left: std::sync::Mutex<Vec<Left>>,
}

/// What nobody may leave behind at the end of a test without saying why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// SMS and e-mails that the test did not read.
    Messages,
    /// Background work.
    Tasks,
    /// Resets that were confirmed and have no end.
    Resets,
}

type Person = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    Option<&'static str>,
    Option<&'static str>,
    &'static str,
);

/// Name, business e-mail, login method, status, phone, personal e-mail, role
pub(crate) const PEOPLE: &[Person] = &[
    (
        "Jo Lim",
        "jo@acme.example",
        "business_email",
        "active",
        None,
        None,
        "primary_admin",
    ),
    (
        "Kim Cho",
        "kim@acme.example",
        "business_email",
        "active",
        None,
        None,
        "member_and_department",
    ),
    (
        "Lee Han",
        "lee@acme.example",
        "business_email",
        "active",
        None,
        None,
        "member",
    ),
    (
        "Mina Park",
        "mina.park@acme.example",
        "business_email",
        "active",
        Some("+821012345642"),
        Some("mina@mail.example"),
        "member",
    ),
    (
        "Noa Bae",
        "noa@acme.example",
        "business_email",
        "inactive",
        None,
        None,
        "member",
    ),
    (
        "Sam Suspended",
        "sam@acme.example",
        "business_email",
        "suspended",
        Some("+821012345643"),
        None,
        "member",
    ),
    (
        "Pia Pending",
        "pia@acme.example",
        "business_email",
        "pending",
        None,
        None,
        "member",
    ),
    (
        "Ria Resigned",
        "ria@acme.example",
        "business_email",
        "resigned",
        None,
        None,
        "member",
    ),
    (
        "Sol Sso",
        "sol@acme.example",
        "sso",
        "active",
        None,
        None,
        "member",
    ),
    (
        "Fon Phone",
        "fon@acme.example",
        "phone",
        "active",
        Some("+821012345644"),
        None,
        "member",
    ),
];

/// What a bot stands on, and what stays when it is started again.
#[derive(Clone)]
struct BotParts {
    folder: PathBuf,
    clock: Clock,
    limit: Limit,
    slack: slack::FakeSlack,
    http: reqwest::Client,
    outbox: Outbox,
    /// How many resets are in progress at once, and how long the others wait for a worker.
    workers: Option<(usize, Duration)>,
    is_recorded: bool,
    admins: Admins,
    ways: Ways,
    countries: SmsCountries,
    /// A directory beside the built-in one, as its settings.
    directory: Option<String>,
    /// The company's e-mail domains.
    company: &'static [&'static str],
    /// Where the member's pages are.
    public_url: &'static str,
    /// How long contacts wait, and whether code and password need two.
    contact_rules: ContactRules,
    /// What the test means to leave behind, said before a restart.
    left: Vec<Left>,
}

impl BotParts {
    fn new(at: Moment, limit: Limit, slack: slack::FakeSlack, http: reqwest::Client) -> Self {
        let (folder, clock) = (slack::fresh_folder(), Clock::fixed(at));
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
            ways: Ways::default(),
            countries: SmsCountries::default(),
            directory: None,
            company: &[],
            public_url: "http://127.0.0.1",
            contact_rules: ContactRules::default(),
            left: Vec::new(),
        }
    }

    /// The server's address, which stands in what was recorded.
    fn mattermost(&self) -> String {
        let base = if self.is_recorded {
            RECORDED_ORIGIN
        } else {
            self.slack.base.as_str()
        };
        format!("{base}/mm/")
    }

    fn queue(&self) -> ResetQueue {
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

    /// With another directory beside the built-in one, whose `[[directory]]` this is. Its server lives in the present, so
    /// the bot does too.
    pub(crate) async fn with_directory(settings: &str) -> Self {
        Self::unlike(|parts| {
            parts.clock = Clock::fixed(Clock::System.now());
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

    /// Administrators from a list, in the built-in directory.
    pub(crate) async fn with_admins(admins: Admins) -> Self {
        Self::unlike(|parts| parts.admins = admins).await
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

    #[expect(
        clippy::too_many_lines,
        reason = "the whole program is put together here"
    )]
    async fn open(parts: BotParts, seed: u64) -> Self {
        let BotParts {
            folder,
            clock,
            limit,
            slack,
            http,
            outbox,
            ..
        } = parts.clone();
        let chance = Chance::seeded(seed);
        let mut rng = Chance::System.rng().unwrap();
        let path = folder.join("relatch.db");
        let store = loop {
            match Store::open(&path, Use::Serve, clock.clone(), limit, &mut rng).await {
                Ok((store, _tasks)) => break store,
                // The one before may still be at its last commit.
                Err(OpenError::Locked) => tokio::time::sleep(Duration::from_millis(5)).await,
                Err(error) => panic!("{error}"),
            }
        };
        let company = CompanyDomains::new(parts.company.iter().map(|domain| (*domain).to_owned()));
        let builtin = Builtin::new(store.clone(), Hasher::start().unwrap(), chance.clone())
            .in_company(company.clone());
        let directory = ScriptedDirectory::new(builtin.clone());
        let mut homes = Vec::new();
        if let Some(text) = &parts.directory {
            let elsewhere = directory::DirectoryParts {
                builtin: builtin.clone(),
                http: http.clone(),
                clock: clock.clone(),
                chance: chance.clone(),
                lark: relatch::lark_api::LarkApis::default(),
            };
            homes.push(
                directory::read_text(text)
                    .unwrap()
                    .open(&elsewhere)
                    .unwrap(),
            );
        }
        homes.push(ResilientDirectory::builtin(
            Directory::Scripted(directory.clone()),
            Vec::new(),
        ));
        let config = || Config {
            signing_secret: SECRET.to_owned().into(),
            previous_signing_secret: None,
            bot_token: BOT_TOKEN.to_owned().into(),
            team_id: TEAM.to_owned(),
            enterprise_id: None,
            app_id: None,
            api_url: format!("{}/api/", slack.base).parse().unwrap(),
            response_origins: vec![
                slack.base.parse().unwrap(),
                RECORDED_ORIGIN.parse().unwrap(),
            ],
        };
        let keys = Keys::from_master(&[9; 32]).unwrap();
        let app = Arc::new(App {
            clock: clock.clone(),
            zone: Zone::utc(),
            keys: keys.clone(),
            store: store.clone(),
            directories: Directories::new(homes).in_company(company.clone()),
            deliveries: Deliveries::in_memory(&outbox, parts.ways, parts.countries.clone()),
            chats: vec![
                Chat::Slack(Slack::new(config(), http.clone(), clock.clone()).unwrap()),
                Chat::Discord(Discord::new(
                    discord_config(&slack),
                    http.clone(),
                    clock.clone(),
                )),
                Chat::Lark(Lark::new(lark_config(&slack), &http, clock.clone())),
                Chat::Mattermost(Mattermost::new(
                    mattermost_config(&parts.mattermost()),
                    keys,
                    http.clone(),
                    clock.clone(),
                )),
            ],
            organization: Organization {
                name: "Acme".to_owned(),
                company,
                help_url: Some("https://help.acme.example/password".parse().unwrap()),
                security_email: Some("security@acme.example".parse().unwrap()),
                public_url: parts.public_url.parse().ok(),
                is_framed: false,
                own_password_least: 12,
                password_length: 8,
                password_lifetime: Span::hours(24),
                offer_lifetime: Span::minutes(10),
                admins: parts.admins.clone(),
                identity: Identity::Email,
                contact_rules: parts.contact_rules,
            },
            held: Arc::default(),
            recent_requests: Arc::default(),
            card_locks: Arc::default(),
            queue: Arc::new(parts.queue()),
            unsigned: Arc::default(),
            chance,
            tasks: tokio_util::task::TaskTracker::new(),
            latest: Latest::default(),
        });
        let signer = Slack::new(config(), http, clock.clone()).unwrap();
        slack.memory.mattermost.lock().unwrap().clock = Some(clock.clone());
        let serial = u32::try_from(seed).unwrap() * 10_000;
        let platform = PLATFORM
            .try_with(|platform| *platform)
            .unwrap_or(Platform::Slack)
            .into();
        Self {
            platform,
            app,
            clock,
            outbox,
            directory,
            builtin,
            slack,
            signer,
            left: parts.left.clone().into(),
            parts,
            serial: serial.into(),
        }
    }

    /// The test leaves this behind, for a reason.
    pub(crate) fn leaves(&self, what: Left, reason: &str) {
        assert!(!reason.is_empty());
        self.left.lock().unwrap().push(what);
    }

    /// Another bot goes on with the same database and outbox, and is checked at its own end.
    fn hand_over(self) -> BotParts {
        let everything = vec![Left::Messages, Left::Tasks, Left::Resets];
        let left = std::mem::replace(&mut *self.left.lock().unwrap(), everything);
        BotParts {
            left,
            ..self.parts.clone()
        }
    }

    /// Whether background work ends by itself soon.
    fn tasks_end(&self) -> bool {
        self.app.tasks.close();
        // Only this kind of runtime can be waited for here.
        let runtime = tokio::runtime::Handle::try_current()
            .ok()
            .filter(|at| at.runtime_flavor() == tokio::runtime::RuntimeFlavor::MultiThread);
        if let Some(runtime) = runtime {
            tokio::task::block_in_place(|| {
                let ended = async {
                    tokio::time::timeout(Duration::from_secs(10), self.app.tasks.wait()).await
                };
                runtime.block_on(ended).is_ok()
            })
        } else {
            self.app.tasks.is_empty()
        }
    }

    /// What is left behind, and was not meant to be.
    pub(crate) fn left_behind(&self) -> Vec<String> {
        let left = self.left.lock().unwrap();
        let mut found = Vec::new();
        if !left.contains(&Left::Tasks) && !self.tasks_end() {
            found.push(format!("{} tasks are at work", self.app.tasks.len()));
        }
        let states = states_of_resets(&self.parts.folder.join("relatch.db"));
        let unfinished = ["claimed", "changing", "changed", "delivering"];
        if !left.contains(&Left::Resets) {
            let without_end = states
                .iter()
                .filter(|state| unfinished.contains(&&***state));
            found.extend(without_end.map(|state| format!("a reset is {state}")));
        }
        if !left.contains(&Left::Messages) {
            found.extend(unread(&self.outbox.take(), states.len()));
        }
        found
    }

    /// One more plain member, `NAME@acme.example`.
    pub(crate) async fn add_member(&self, name: &str) {
        let email = format!("{name}@acme.example");
        let plain = PEOPLE
            .iter()
            .find(|person| person.1 == "lee@acme.example")
            .map(member_row)
            .unwrap();
        let row = MemberRow {
            member_id: MemberId(format!("id-{name}")),
            name: name.to_owned(),
            business_email: email.clone(),
            business_email_key: email,
            ..plain
        };
        self.app.store.import_members(vec![row]).await.unwrap();
    }

    /// Runs a command of the program beside this bot, on its database, and what is typed into it.
    pub(crate) fn relatch(&self, words: &[&str]) -> Ran {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_relatch"));
        command
            .args(words)
            .current_dir(&self.parts.folder)
            .env_clear()
            .stdin(std::process::Stdio::null());
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ran {
            code: output.status.code().unwrap(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    /// `members import` of a CSV with these lines; the header is of their width.
    pub(crate) fn import(&self, lines: &[&str], options: &[&str]) -> Ran {
        const HEADER: &str = "name,business_email,login_method,status,phone,personal_email,role,department,manager_email,employee_id";
        let first = lines.first().unwrap_or(&"");
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(first.as_bytes());
        let has_ids = reader
            .records()
            .next()
            .is_some_and(|record| record.unwrap().len() == 10);
        let header = if has_ids {
            HEADER
        } else {
            HEADER.trim_end_matches(",employee_id")
        };
        let csv = [&[header], lines].concat().join("\n");
        std::fs::write(self.parts.folder.join("people.csv"), csv).unwrap();
        self.relatch(&[&["members", "import", "people.csv"], options].concat())
    }

    /// Changes the database behind the program's back.
    pub(crate) async fn sql(&self, statement: &str) {
        let mut connection = self.connection().await;
        sqlx::Executor::execute(&mut connection, sqlx::AssertSqlSafe(statement.to_owned()))
            .await
            .unwrap();
    }

    async fn connection(&self) -> sqlx::SqliteConnection {
        let options = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(self.parts.folder.join("relatch.db"));
        sqlx::ConnectOptions::connect(&options).await.unwrap()
    }

    /// Somebody else writes to the record for so long.
    pub(crate) async fn keep_the_record_busy(&self, span: Duration) {
        let mut connection = self.connection().await;
        sqlx::Executor::execute(&mut connection, "begin immediate")
            .await
            .unwrap();
        tokio::time::sleep(span).await;
        sqlx::Executor::execute(&mut connection, "rollback")
            .await
            .unwrap();
    }

    async fn look(&self, sql: &str) -> sqlx::sqlite::SqliteRow {
        let mut connection = self.connection().await;
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .fetch_one(&mut connection)
            .await
            .unwrap()
    }

    /// Changes the record behind the program's back.
    pub(crate) async fn execute(&self, sql: &'static str) {
        let mut connection = self.connection().await;
        sqlx::Executor::execute(&mut connection, sql).await.unwrap();
    }

    /// The only card that was made.
    pub(crate) async fn only_offer(&self) -> ResetId {
        assert_eq!(self.count("reset").await, 1);
        let row = self.look("select reset_id from reset").await;
        sqlx::Row::get::<String, _>(&row, 0).parse().unwrap()
    }

    /// What the audit says of one kind of event, in order.
    pub(crate) async fn audited(&self, event: &str) -> String {
        let sql = format!(
            "select coalesce(group_concat(outcome, ' '), '') from (select outcome from audit where event = '{event}' order by seq)"
        );
        sqlx::Row::get(&self.look(&sql).await, 0)
    }

    /// Gives a member of the built-in directory another id, as for a new person with the same address.
    pub(crate) async fn replace_id(&self, email: &str, id: &str) {
        self.look(&format!(
            "update member set member_id = '{id}' where business_email_key = '{email}' returning 1"
        ))
        .await;
    }

    /// The rows of a table.
    pub(crate) async fn count(&self, table: &str) -> i64 {
        sqlx::Row::get(
            &self.look(&format!("select count(*) from {table}")).await,
            0,
        )
    }

    /// Every row of a table, but for some columns: each as `table: name=value`, in order.
    pub(crate) async fn rows(&self, table: &str, without: &[&str]) -> Vec<String> {
        let mut connection = self.connection().await;
        let mut texts = async |sql: String| -> Vec<String> {
            sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
                .fetch_all(&mut connection)
                .await
                .unwrap()
        };
        let names = texts(format!("select name from pragma_table_info('{table}')")).await;
        let columns: Vec<String> = names
            .iter()
            .filter(|name| !without.contains(&name.as_str()))
            .map(|name| format!("' {name}=' || quote({name})"))
            .collect();
        let columns = columns.join(" || ");
        texts(format!(
            "select '{table}:' || {columns} from {table} order by 1"
        ))
        .await
    }

    /// Every byte that lies on disk.
    pub(crate) fn bytes_on_disk(&self) -> Vec<u8> {
        let files = std::fs::read_dir(&self.parts.folder)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        files
            .flat_map(|path| std::fs::read(path).unwrap())
            .collect()
    }

    /// What stands on disk, in a form that can be compared.
    pub(crate) async fn trace(&self) -> String {
        let sql = "select
            (select coalesce(group_concat(reset_id || state || coalesce(delivery, '')), '') from reset) || ' '
            || (select count(*) from slot) || ' ' || (select count(*) from slot where returned_at is not null) || ' '
            || (select count(*) from audit) || ' ' || (select count(*) from replay_key) || ' '
            || (select count(credential) from member)";
        sqlx::Row::get(&self.look(sql).await, 0)
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

    /// Changes one column of a member, as an import would.
    pub(crate) async fn alter(&self, email: &str, column: &str, value: &str) {
        let mut row = member_row(PEOPLE.iter().find(|person| person.1 == email).unwrap());
        match column {
            "role" => value.clone_into(&mut row.role),
            "personal_email" => row.personal_email = Some(value.to_owned()),
            "phone" => row.phone = Some(value.to_owned()).filter(|phone| !phone.is_empty()),
            "status" => value.clone_into(&mut row.status),
            "login_method" => value.clone_into(&mut row.login_method),
            other => panic!("{other}"),
        }
        self.app.store.import_members(vec![row]).await.unwrap();
    }

    /// Signs and posts an interaction as Discord would, now.
    pub(crate) async fn post_to_discord(&self, body: String) -> Answer {
        let timestamp = self.clock.now().unix_seconds().to_string();
        let request = Request::post(discord::ROUTE)
            .header("content-type", "application/json")
            .header(
                "x-signature-ed25519",
                discord::sign(&timestamp, body.as_bytes()),
            )
            .header("x-signature-timestamp", timestamp)
            .body(Body::from(body))
            .unwrap();
        let answer = self.send(request).await;
        Answer {
            body: discord::read_answer(&self.slack.memory, &answer.body),
            ..answer
        }
    }

    /// Encrypts, signs and posts an event as Lark would, now. What is said comes by a call of its own, so it is waited for.
    pub(crate) async fn post_to_lark(&self, event: &str) -> Answer {
        let before = self.slack.said().len();
        let answer = self.send_to_lark(event).await;
        self.settle().await;
        let said = self.slack.said();
        if answer.body.is_empty() && said.len() > before {
            return Answer {
                body: said.last().unwrap().to_string().into_bytes(),
                ..answer
            };
        }
        answer
    }

    /// The same without waiting.
    pub(crate) async fn send_to_lark(&self, event: &str) -> Answer {
        let body = lark::seal(event);
        let timestamp = self.clock.now().unix_seconds().to_string();
        let mut request =
            Request::post(lark::ROUTE).header("content-type", "application/json; charset=utf-8");
        for (name, value) in lark::sign(&timestamp, &format!("n{}", self.next()), &body) {
            request = request.header(name, value);
        }
        let answer = self.send(request.body(Body::from(body)).unwrap()).await;
        let sent: serde_json::Value = serde_json::from_str(event).unwrap();
        if let Some(token) = sent["event"]["token"].as_str() {
            self.slack.memory.note_answered(token.to_owned());
        }
        Answer {
            body: lark::read_answer(&self.slack.memory, &answer.body),
            ..answer
        }
    }

    /// Posts as Mattermost would.
    pub(crate) async fn post_to_mattermost(&self, route: &str, body: String) -> Answer {
        let kind = if route.ends_with("commands") {
            "application/x-www-form-urlencoded"
        } else {
            "application/json"
        };
        let request = Request::post(route)
            .header("content-type", kind)
            .body(Body::from(body))
            .unwrap();
        let answer = self.send(request).await;
        Answer {
            body: mattermost::read_answer(&self.slack.memory, &answer.body),
            ..answer
        }
    }

    /// Signs and posts a body as Slack would, now.
    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        self.post_bytes(path, body.as_bytes().to_vec()).await
    }

    /// The headers with which Slack would send a body now.
    pub(crate) fn sign(&self, body: &str) -> [(&'static str, String); 2] {
        self.signer.sign(body.as_bytes(), self.clock.now())
    }

    /// The same for bytes that may be anything.
    pub(crate) async fn post_bytes(&self, path: &str, body: Vec<u8>) -> Answer {
        let [(timestamp_name, timestamp), (signature_name, signature)] =
            self.signer.sign(&body, self.clock.now());
        let request = Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header(timestamp_name, timestamp)
            .header(signature_name, signature)
            .body(Body::from(body))
            .unwrap();
        self.send(request).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let route = request.uri().path().to_owned();
        let asked_at = std::time::Instant::now();
        let response = relatch::server::routes(&self.app)
            .oneshot(request)
            .await
            .unwrap();
        let status = response.status();
        let body = response
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes()
            .to_vec();
        // Every platform waits three seconds, Lark's challenge one.
        if asked_at.elapsed() > Duration::from_secs(3) {
            self.slack.memory.note_broken(vec![format!(
                "{route} was answered after {:?}",
                asked_at.elapsed()
            )]);
        }
        if status == StatusCode::OK {
            sent::keep("POST", &route, &body);
        }
        Answer { status, body }
    }

    /// A fresh browser at the member's pages.
    pub(crate) fn browser(&self) -> browser::Browser {
        browser::Browser::new(relatch::server::routes(&self.app))
    }

    /// The same people, from now on on this platform.
    pub(crate) fn on(&self, platform: Platform) -> &Self {
        *self.platform.lock().unwrap() = platform;
        self
    }

    fn platform(&self) -> Platform {
        *self.platform.lock().unwrap()
    }

    fn next(&self) -> u32 {
        self.serial
            .fetch_add(1, std::sync::atomic::Ordering::SeqCst)
    }

    /// Types a command as the person with this work e-mail.
    pub(crate) async fn command(&self, who: &str, text: &str) -> Answer {
        let serial = self.next();
        match self.platform() {
            Platform::Discord => {
                self.post_to_discord(discord::command_body(&discord::id_of(who), text, serial))
                    .await
            }
            Platform::Mattermost => {
                let (who, reply) = (
                    mattermost::id_of(who),
                    format!(
                        "{}/mm/hooks/commands/{}",
                        self.slack.base,
                        mattermost::hook_id(serial)
                    ),
                );
                let body = mattermost::command_body(&who, text, &reply, serial, self.clock.now());
                let before = self.slack.said().len();
                let answer = self.post_to_mattermost("/mattermost/commands", body).await;
                if !answer.body.is_empty() || answer.status != StatusCode::OK {
                    return answer;
                }
                // What is for nobody else comes by a post of its own.
                self.settle().await;
                let said = self.slack.said().split_off(before);
                Answer {
                    body: said
                        .last()
                        .map(|said| said.to_string().into_bytes())
                        .unwrap_or_default(),
                    ..answer
                }
            }
            Platform::Lark => {
                let (who, now) = (lark::id_of(who), self.clock.now());
                self.post_to_lark(&lark::command_body(&who, text, is_group(), serial, now))
                    .await
            }
            Platform::Slack => {
                let body = slack::command_body(
                    &slack::user_id(who),
                    &slack::escaped(text),
                    &self.slack.reply_url(serial),
                );
                self.post("/slack/commands", &body).await
            }
        }
    }

    /// Presses a button of a message, and waits for everything that follows.
    pub(crate) async fn click(
        &self,
        who: &str,
        message: &serde_json::Value,
        action: &str,
    ) -> Answer {
        let value = slack::button_value(message, action)
            .unwrap_or_else(|| panic!("no button {action} in {message:#}"));
        self.click_value(who, action, &value).await
    }

    pub(crate) async fn click_value(&self, who: &str, action: &str, value: &str) -> Answer {
        let answer = self.click_and_go(who, action, value).await;
        self.settle().await;
        answer
    }

    /// Presses a button without waiting for what follows.
    pub(crate) async fn click_and_go(&self, who: &str, action: &str, value: &str) -> Answer {
        let serial = self.next();
        match self.platform() {
            Platform::Discord => {
                return self
                    .post_to_discord(discord::click_body(
                        &discord::id_of(who),
                        action,
                        value,
                        serial,
                    ))
                    .await;
            }
            Platform::Mattermost => {
                let body = mattermost::click_body(
                    &mattermost::id_of(who),
                    action,
                    value,
                    serial,
                    self.clock.now(),
                );
                return self.post_to_mattermost("/mattermost/actions", body).await;
            }
            Platform::Lark => {
                let (who, now) = (lark::id_of(who), self.clock.now());
                return self
                    .send_to_lark(&lark::click_body(
                        &who,
                        action,
                        value,
                        is_group(),
                        serial,
                        now,
                    ))
                    .await;
            }
            Platform::Slack => {}
        }
        let body = slack::click_body(
            &slack::user_id(who),
            action,
            value,
            &self.slack.reply_url(serial),
            serial,
        );
        self.post("/slack/interactions", &body).await
    }

    /// Sends the form that was opened last.
    pub(crate) async fn submit(&self, who: &str, typed: &str) -> Answer {
        let (view, serial) = (self.slack.last_view(), self.next());
        let answer = match self.platform() {
            Platform::Discord => {
                let is_older = serial.is_multiple_of(2);
                self.post_to_discord(discord::form_body(
                    &discord::id_of(who),
                    &view,
                    typed,
                    serial,
                    is_older,
                ))
                .await
            }
            Platform::Mattermost => {
                let body = mattermost::form_body(&mattermost::id_of(who), &view, typed);
                self.post_to_mattermost("/mattermost/dialogs", body).await
            }
            Platform::Lark => {
                let (who, now) = (lark::id_of(who), self.clock.now());
                self.send_to_lark(&lark::form_body(
                    &who,
                    &view,
                    typed,
                    is_group(),
                    serial,
                    now,
                ))
                .await
            }
            Platform::Slack => {
                self.post(
                    "/slack/interactions",
                    &slack::form_body(&slack::user_id(who), &view, typed, serial),
                )
                .await
            }
        };
        self.settle().await;
        answer
    }

    /// Waits until nothing is at work.
    pub(crate) async fn settle(&self) {
        self.app.tasks.close();
        let settled = tokio::time::timeout(Duration::from_mins(2), self.app.tasks.wait()).await;
        settled.expect("something is at work for ever");
        self.app.tasks.reopen();
    }

    /// One round of everything that the sweep does.
    pub(crate) async fn sweep(&self) {
        sweep::keep_time(&self.app).await.unwrap();
        sweep::hide(&self.app).await.unwrap();
        sweep::tell(&self.app).await.unwrap();
        sweep::finish(&self.app).await.unwrap();
        self.settle().await;
    }

    /// The card for a member, from the command.
    pub(crate) async fn card(&self, who: &str, member: &str) -> serde_json::Value {
        let answer = self
            .command(who, &format!("<@{}|someone>", slack::user_id(member)))
            .await;
        assert_eq!(answer.status, StatusCode::OK);
        answer.json()
    }

    /// From the command to the last look by a way of delivery.
    pub(crate) async fn last_look(
        &self,
        who: &str,
        member: &str,
        action: &str,
    ) -> serde_json::Value {
        let card = self.card(who, member).await;
        self.click(who, &card, action).await;
        self.slack.last()
    }

    /// A whole reset; the message at its end.
    pub(crate) async fn reset(&self, who: &str, member: &str, action: &str) -> serde_json::Value {
        let ready = self.last_look(who, member, action).await;
        self.click(who, &ready, "confirm").await;
        self.slack.last()
    }

    /// A reset by Copy, and a second later: the password.
    pub(crate) async fn reset_by_copy(&self, admin: &str, member: &str) -> String {
        let card = self.card(admin, member).await;
        let card = if slack::button_value(&card, "deliver_copy").is_some() {
            card
        } else {
            self.click(admin, &card, "reachable").await;
            self.slack.last()
        };
        self.click(admin, &card, "deliver_copy").await;
        self.click(admin, &self.slack.last(), "confirm").await;
        let password = slack::shown_password(&self.slack.last()).expect("the password is shown");
        self.clock.advance(Span::seconds(1));
        password
    }

    /// The codes that were sent since, each with its address.
    pub(crate) fn codes(&self) -> Vec<(String, String)> {
        let code = |sent: relatch::delivery::Delivered| {
            Some((
                sent.text.split_once(" code: ")?.1.chars().take(6).collect(),
                sent.to,
            ))
        };
        self.outbox.take().into_iter().filter_map(code).collect()
    }

    /// A browser that is signed in with a password of the member's own, [`OWN`].
    pub(crate) async fn signed_in(&self, member: &str) -> browser::Browser {
        self.set_password(member, OWN).await;
        self.clock.advance(Span::seconds(1));
        let browser = self.browser();
        assert_eq!(browser.sign_in(member, OWN).await.to(), "/account");
        browser
    }

    /// True when the password is the member's present one.
    pub(crate) async fn signs_in(&self, member: &str, password: &str) -> bool {
        self.builtin
            .verify(
                &MemberId(format!("id-{}", member.split('@').next().unwrap())),
                password,
            )
            .await
            .unwrap()
    }

    pub(crate) async fn set_password(&self, member: &str, password: &str) {
        let id = MemberId(format!("id-{}", member.split('@').next().unwrap()));
        self.builtin.set_password(&id, password).await.unwrap();
    }
}

/// At the end of every test: the platforms' rules were kept, and nothing is left behind.
impl Drop for TestBot {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let broken = self.slack.broken();
        assert!(
            broken.is_empty(),
            "a rule of the platform was broken: {broken:#?}"
        );
        let left = self.left_behind();
        assert!(left.is_empty(), "the test leaves behind: {left:#?}");
    }
}

/// The messages that a test should have read. Every reset sends a notice to each contact of the member, which only the
/// tests of notices read; more notices than there were resets are never in order.
fn unread(sent: &[relatch::delivery::Delivered], resets: usize) -> Vec<String> {
    let is_notice = |sent: &relatch::delivery::Delivered| {
        let text = if sent.subject.is_empty() {
            &sent.text
        } else {
            &sent.subject
        };
        text.starts_with("Your Acme password was reset")
            || text.starts_with("Your Acme password may have been reset")
    };
    let (notices, others): (Vec<_>, Vec<_>) = sent.iter().partition(|sent| is_notice(sent));
    let to_same = |to: &str| notices.iter().filter(|sent| sent.to == to).count();
    let too_many = notices.iter().filter(|sent| to_same(&sent.to) > resets);
    too_many
        .chain(&others)
        .map(|sent| format!("unread: to {}: {} {}", sent.to, sent.subject, sent.text))
        .collect()
}

/// The states of all resets that were confirmed. They are read on a thread of their own, because `drop` cannot wait for
/// the runtime of the test.
fn states_of_resets(database: &std::path::Path) -> Vec<String> {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(database);
    let read = async move {
        let mut connection = sqlx::ConnectOptions::connect(&options).await.unwrap();
        let rows = sqlx::query("select state from reset where claimed_at is not null")
            .fetch_all(&mut connection)
            .await
            .unwrap();
        rows.iter().map(|row| sqlx::Row::get(row, 0)).collect()
    };
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(read)
    })
    .join()
    .unwrap()
}

fn mattermost_config(url: &str) -> relatch::chat::mattermost::Config {
    relatch::chat::mattermost::Config {
        url: url.parse().unwrap(),
        command_tokens: vec![
            "another-team-s-token-01".to_owned().into(),
            mattermost::TOKEN.to_owned().into(),
        ],
        bot_token: BOT_TOKEN.to_owned().into(),
        own_url: "http://127.0.0.1".parse().unwrap(),
    }
}

fn lark_config(slack: &slack::FakeSlack) -> relatch::chat::lark::Config {
    relatch::chat::lark::Config {
        app_id: lark::APP.to_owned(),
        app_secret: lark::APP_SECRET.to_owned().into(),
        encrypt_key: lark::ENCRYPT_KEY.to_owned().into(),
        verification_token: lark::VERIFICATION.to_owned().into(),
        tenant_key: lark::TENANT.to_owned(),
        api_url: format!("{}/lark/", slack.base).parse().unwrap(),
    }
}

fn discord_config(slack: &slack::FakeSlack) -> relatch::chat::discord::Config {
    relatch::chat::discord::Config {
        application_id: discord::APPLICATION.to_owned(),
        public_key: discord::public_key(),
        bot_token: BOT_TOKEN.to_owned().into(),
        guild_id: discord::GUILD.to_owned(),
        api_url: format!("{}/discord/", slack.base).parse().unwrap(),
    }
}

fn member_row((name, email, method, status, phone, personal, role): &Person) -> MemberRow {
    MemberRow {
        member_id: MemberId(format!("id-{}", email.split('@').next().unwrap())),
        name: (*name).to_owned(),
        business_email: (*email).to_owned(),
        business_email_key: (*email).to_owned(),
        login_method: (*method).to_owned(),
        status: (*status).to_owned(),
        phone: phone.map(str::to_owned),
        personal_email: personal.map(str::to_owned),
        role: (*role).to_owned(),
        department: Some("Sales".to_owned()),
        manager_email: None,
    }
}
