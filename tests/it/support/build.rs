//! Puts the whole program together for one bot.

use std::sync::Arc;
use std::time::Duration;

use relatch::surface::app::{App, Latest, Organization};
use relatch::surface::chance::Chance;
use relatch::surface::chat::discord::Discord;
use relatch::surface::chat::lark::Lark;
use relatch::surface::chat::mattermost::Mattermost;
use relatch::surface::chat::slack::{Config, Slack};
use relatch::surface::chat::{Chat, ChatParts};
use relatch::surface::clock::Zone;
use relatch::surface::delivery::Deliveries;
use relatch::surface::directory;
use relatch::surface::directory::{
    Builtin, Directories, Directory, Hasher, ResilientDirectory, ScriptedDirectory,
};
use relatch::surface::domain::{CompanyDomains, Platform, Span};
use relatch::surface::lark_api::LarkApis;
use relatch::surface::secret::Keys;
use relatch::surface::store::{OpenError, Store, Use};

use super::start::BotParts;
use super::{
    BOT_TOKEN, PLATFORM, RECORDED_ORIGIN, SECRET, TEAM, TestBot, discord, lark, mattermost, slack,
};

impl TestBot {
    #[expect(
        clippy::too_many_lines,
        reason = "the whole program is put together here"
    )]
    pub(super) async fn open(parts: BotParts, seed: u64) -> Self {
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
        let hasher = Hasher::start().unwrap();
        let builtin =
            Builtin::new(store.clone(), hasher.clone(), chance.clone()).in_company(company.clone());
        let directory = ScriptedDirectory::new(builtin.clone());
        let mut homes = Vec::new();
        if let Some(text) = &parts.directory {
            let elsewhere = directory::DirectoryParts {
                store: store.clone(),
                hasher: hasher.clone(),
                company: company.clone(),
                http: http.clone(),
                clock: clock.clone(),
                chance: chance.clone(),
                default_country: Some("KR".parse().unwrap()),
                lark: LarkApis::default(),
            };
            homes.push(
                directory::read_text(text)
                    .unwrap()
                    .open(&elsewhere)
                    .unwrap(),
            );
        }
        homes.push(ResilientDirectory::builtin(
            Directory::Scripted(Box::new(directory.clone())),
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
        let keys = Keys::from_master(&parts.master_key).unwrap();
        let chat_parts = ChatParts {
            keys: keys.clone(),
            http: http.clone(),
            clock: clock.clone(),
            lark: LarkApis::default(),
        };
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
                Chat::Lark(Lark::open(lark_config(&slack), &chat_parts).unwrap()),
                Chat::Mattermost(Mattermost::new(
                    mattermost_config(&parts.mattermost(), parts.trusted),
                    keys,
                    http.clone(),
                    clock.clone(),
                )),
            ],
            organization: Organization {
                name: "Acme".to_owned(),
                company,
                help_url: parts.help_url.map(|url| url.parse().unwrap()),
                help_phone: parts.help_phone.map(|phone| phone.parse().unwrap()),
                sign_in_url: parts.sign_in_url.map(|url| url.parse().unwrap()),
                security_email: parts.security_email.map(|email| email.parse().unwrap()),
                public_url: parts.public_url.parse().ok(),
                is_framed: false,
                own_password_least: 12,
                password_length: 8,
                password_symbols: parts.password_symbols,
                password_lifetime: Span::hours(24),
                offer_lifetime: Span::minutes(10),
                admins: parts.admins.clone(),
                identity: parts.identity,
                contact_rules: parts.contact_rules,
                notify_manager: parts.notify_manager,
                code_sign_in: parts.code_sign_in,
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
}

fn mattermost_config(url: &str, trusted: &[&str]) -> relatch::surface::chat::mattermost::Config {
    relatch::surface::chat::mattermost::Config {
        url: url.parse().unwrap(),
        command_tokens: vec![
            "another-team-s-token-01".to_owned().into(),
            mattermost::TOKEN.to_owned().into(),
        ],
        bot_token: BOT_TOKEN.to_owned().into(),
        trusted_auth_services: trusted.iter().map(|name| (*name).to_owned()).collect(),
        own_url: "http://127.0.0.1".parse().unwrap(),
    }
}

fn lark_config(slack: &slack::FakeSlack) -> relatch::surface::chat::lark::Config {
    relatch::surface::chat::lark::Config {
        app_id: lark::APP.to_owned(),
        app_secret: lark::APP_SECRET.to_owned().into(),
        encrypt_key: lark::ENCRYPT_KEY.to_owned().into(),
        verification_token: lark::VERIFICATION.to_owned().into(),
        tenant_key: lark::TENANT.to_owned(),
        api_url: format!("{}/lark/", slack.base).parse().unwrap(),
    }
}

fn discord_config(slack: &slack::FakeSlack) -> relatch::surface::chat::discord::Config {
    relatch::surface::chat::discord::Config {
        application_id: discord::APPLICATION.to_owned(),
        public_key: discord::public_key(),
        bot_token: BOT_TOKEN.to_owned().into(),
        guild_id: discord::GUILD.to_owned(),
        api_url: format!("{}/discord/", slack.base).parse().unwrap(),
    }
}
