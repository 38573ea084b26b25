//! The whole program with the pretend chats beside it, built in a folder.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::error::{DemoError, NotOpened, UnusableFiles};
use super::profile::Profile;
use super::workspace::Workspace;
use super::{api, discord, lark, mattermost, page, people};
use crate::app::{Admins, App, Identity, Latest, Organization};
use crate::chance::Chance;
use crate::clock::{Clock, Zone};
use crate::delivery::{Deliveries, Outbox};
use crate::directory::{Builtin, Directories, Directory, Hasher, ResilientDirectory};
use crate::domain::quota::Limit;
use crate::domain::sms_countries::SmsCountries;
use crate::domain::{CompanyDomains, Span};
use crate::http::{ConnectionSettings, TrustedProxies};
use crate::secret::Keys;
use crate::server::Server;
use crate::store::{Store, StoreTasks, Use};

/// The demo's own file names, so that it never runs on the files of `serve`.
const DATABASE: &str = "demo.db";
const KEY_FILE: &str = "demo.key";

/// The whole program, with the pretend chats beside it.
pub(super) struct RunningDemo {
    app: Arc<App>,
    pub(super) server: Server,
    pub(super) store_tasks: StoreTasks,
    pub(super) workspace: Arc<Workspace>,
    /// Ends the Web API of the workspace when it is dropped.
    api: DropGuard,
}

impl RunningDemo {
    /// Starts in a folder. Without a `public_url` the pages are at the address of the server.
    pub(super) async fn start(
        folder: &Path,
        listen: SocketAddr,
        public_url: Option<&str>,
        profile: Profile,
    ) -> Result<Self, DemoError> {
        std::fs::create_dir_all(folder)?;
        let (tasks, clock, outbox) = (TaskTracker::new(), Clock::movable(), Outbox::default());
        let listener = TcpListener::bind(listen).await?;
        let (workspace, api) =
            start_workspace(&tasks, clock.clone(), outbox.clone(), profile).await?;
        let url = public_url.map_or(format!("http://{}", listener.local_addr()?), str::to_owned);
        let (app, store_tasks) = build(folder, &url, clock, &workspace, &outbox, tasks).await?;
        people::import(&app).await?;
        // The browser and the pretend chats connect without a proxy.
        let settings = ConnectionSettings {
            trusted_proxies: TrustedProxies(Vec::new()),
            ..ConnectionSettings::default()
        };
        // The page is there as soon as the server is, and then people may act.
        workspace.set_server(listener.local_addr()?);
        let server = Server::start_with(
            Arc::clone(&app),
            listener,
            settings,
            page::router(Arc::clone(&workspace)),
        )
        .await?;
        Ok(Self {
            app,
            server,
            store_tasks,
            workspace,
            api,
        })
    }

    /// Lets running work finish, and closes the database.
    pub(super) async fn stop(self) {
        let Self {
            app,
            server,
            store_tasks,
            workspace,
            api,
        } = self;
        drop(api);
        let is_drained = server.stop().await;
        drop((workspace, app));
        if is_drained {
            store_tasks.finish().await;
        } else {
            tracing::warn!("stopped with work unfinished");
        }
    }
}

/// Starts the Web API of a new workspace on a port of its own; it ends when the guard is dropped.
async fn start_workspace(
    tasks: &TaskTracker,
    clock: Clock,
    outbox: Outbox,
    profile: Profile,
) -> Result<(Arc<Workspace>, DropGuard), DemoError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}", listener.local_addr()?);
    let workspace = Arc::new(Workspace::new(base, clock, outbox, profile)?);
    let stop = CancellationToken::new();
    let router = api::router(Arc::clone(&workspace))
        .merge(discord::api::router(Arc::clone(&workspace)))
        .merge(lark::api::router(Arc::clone(&workspace)))
        .merge(mattermost::api::router(Arc::clone(&workspace)));
    tasks.spawn(api::serve(listener, router, tasks.clone(), stop.clone()));
    Ok((workspace, stop.drop_guard()))
}

async fn build(
    folder: &Path,
    url: &str,
    clock: Clock,
    workspace: &Workspace,
    outbox: &Outbox,
    tasks: TaskTracker,
) -> Result<(Arc<App>, StoreTasks), DemoError> {
    let limit = Limit {
        resets: 5,
        window: Span::hours(24),
    };
    let (store, store_tasks) = open_store(folder, clock.clone(), limit).await?;
    let keys = open_keys(&folder.join(KEY_FILE), &store).await?;
    let builtin = Builtin::new(store.clone(), Hasher::start()?, Chance::System);
    let chats = workspace.adapters(&url.parse()?, &keys)?;
    let app = App {
        zone: Zone::utc(),
        keys,
        store,
        directories: Directories::new(vec![ResilientDirectory::builtin(
            Directory::Builtin(Box::new(builtin)),
            Vec::new(),
        )]),
        deliveries: Deliveries::in_memory(
            outbox,
            workspace.profile.ways(),
            SmsCountries::default(),
        ),
        chats,
        organization: Organization {
            name: "Acme".to_owned(),
            company: CompanyDomains::default(),
            help_url: "https://help.acme.example/password".parse().ok(),
            help_phone: "+82 2 555 0100".parse().ok(),
            sign_in_url: None,
            security_email: "security@acme.example".parse().ok(),
            public_url: url.parse().ok(),
            is_framed: true,
            own_password_least: 12,
            password_length: 8,
            password_symbols: false,
            password_lifetime: Span::hours(24),
            offer_lifetime: Span::minutes(10),
            admins: Admins::Directory,
            identity: Identity::Email,
            contact_rules: workspace.profile.contact_rules(),
            notify_manager: false,
            code_sign_in: false,
        },
        held: Arc::default(),
        recent_requests: Arc::default(),
        card_locks: Arc::default(),
        queue: Arc::default(),
        unsigned: Arc::default(),
        chance: Chance::System,
        clock,
        tasks,
        latest: Latest::default(),
    };
    Ok((Arc::new(app), store_tasks))
}

/// Opens the database by the rules of `serve`: if there is a key file, a missing database is not created anew.
async fn open_store(
    folder: &Path,
    clock: Clock,
    limit: Limit,
) -> Result<(Store, StoreTasks), DemoError> {
    let (database, key_file) = (folder.join(DATABASE), folder.join(KEY_FILE));
    let mut rng = Chance::System.rng()?;
    let opened = if key_file.try_exists()? {
        Store::open_existing(&database, Use::Serve, clock, limit, &mut rng).await
    } else {
        Store::open(&database, Use::Serve, clock, limit, &mut rng).await
    };
    opened.map_err(|error| {
        if error.is_no_record() {
            UnusableFiles::without_database(&database, &key_file).into()
        } else {
            NotOpened {
                database,
                key_file,
                error,
            }
            .into()
        }
    })
}

/// Reads or makes the key. The database knows its fingerprint.
async fn open_keys(key_file: &Path, store: &Store) -> Result<Keys, DemoError> {
    if !key_file.try_exists()? && store.belongs_to_a_key().await? {
        return Err(UnusableFiles::without_key(key_file).into());
    }
    let keys = Keys::load_or_create(key_file, &mut Chance::System.rng()?)?;
    if store.keep_key_fingerprint(&keys.fingerprint()).await? == keys.fingerprint() {
        return Ok(keys);
    }
    Err(UnusableFiles::with_another_key(key_file).into())
}
