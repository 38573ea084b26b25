//! `relatch demo`: sample members, a pretend Slack and a memory outbox around the real server, played at `/demo`.
//!
//! To the server the pretend Slack is a platform like any other: it signs every request and posts it over HTTP to the
//! real routes, and it refuses what Slack refuses. Breaking one of its rules shows on the page and fails the tests.

mod api;
mod desk;
mod page;
mod people;
mod rules;
mod story;
mod workspace;

use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use rand::RngExt;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::DropGuard;
use tokio_util::task::TaskTracker;

use self::workspace::Workspace;
use crate::app::{Admins, App, Identity, Latest, Organization};
use crate::chance::Chance;
use crate::chat::Chat;
use crate::clock::{Clock, Zone};
use crate::delivery::{Deliveries, Outbox};
use crate::directory::{Builtin, Directories, Directory, Hasher, ResilientDirectory};
use crate::domain::contacts::ContactRules;
use crate::domain::country::SmsCountries;
use crate::domain::delivery::Ways;
use crate::domain::quota::Limit;
use crate::domain::{CompanyDomains, Span};
use crate::http::{Front, Server, TrustedProxies};
use crate::secret::Keys;
use crate::store::{Store, StoreTasks, Use};
use crate::telemetry;

/// The demo's own files, named like nobody else's, so that it never runs on what `serve` made.
const DATABASE: &str = "demo.db";
const KEY_FILE: &str = "demo.key";

/// How the demo runs.
#[derive(Args)]
pub struct Options {
    /// Where to listen; this machine only.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Keep the database in this folder; else it is a temporary one.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// End after the story in the terminal.
    #[arg(long)]
    once: bool,
}

/// What stops the demo; a sentence.
pub type Stop = Box<dyn std::error::Error + Send + Sync>;

/// Plays the story in the terminal; then starts everything anew, prints the address, and serves until Ctrl-C.
pub async fn run(options: Options) -> Result<(), Stop> {
    if !options.listen.ip().is_loopback() {
        return Err("the demo listens on this machine only, such as 127.0.0.1:8080".into());
    }
    telemetry::start(tracing::Level::WARN);
    // Nobody else can have made it, because nobody can guess it.
    let name: [u8; 16] = Chance::System.rng()?.random();
    let temporary = std::env::temp_dir().join(format!("relatch-demo-{}", hex::encode(name)));
    std::fs::DirBuilder::new().mode(0o700).create(&temporary)?;
    let ended = act(&options, &temporary).await;
    if temporary.exists() {
        std::fs::remove_dir_all(&temporary)?;
    }
    ended
}

async fn act(options: &Options, temporary: &Path) -> Result<(), Stop> {
    let mut stop = std::pin::pin!(stop_signal()?);
    let port = SocketAddr::from(([127, 0, 0, 1], 0));
    let story = Stage::open(
        &temporary.join("story"),
        port,
        Some("https://reset.acme.example"),
    )
    .await?;
    let is_stopped = tokio::select! {
        told = story::play(&story.workspace) => told.map(|()| false),
        () = &mut stop => Ok(true),
    };
    story.close().await;
    if is_stopped? || options.once {
        return Ok(());
    }
    let folder = options
        .data
        .clone()
        .unwrap_or_else(|| temporary.join("played"));
    let stage = Stage::open(&folder, options.listen, None).await?;
    say(&format!(
        "Play it yourself: http://{}/demo",
        stage.server.addr
    ))?;
    let mut watch = stage.store_tasks.watch();
    let stopped = tokio::select! {
        () = stop => Ok(()),
        lost = watch.task_ended() => Err(lost.into()),
    };
    stage.close().await;
    stopped
}

/// The whole program, with a pretend Slack beside it.
struct Stage {
    app: Arc<App>,
    server: Server,
    store_tasks: StoreTasks,
    workspace: Arc<Workspace>,
    guard: DropGuard,
}

impl Stage {
    /// Opens it in a folder; `public_url` is its own address where none is given.
    async fn open(
        folder: &Path,
        listen: SocketAddr,
        public_url: Option<&str>,
    ) -> Result<Self, Stop> {
        std::fs::create_dir_all(folder)?;
        let (tasks, clock, outbox) = (TaskTracker::new(), Clock::movable(), Outbox::default());
        let listener = TcpListener::bind(listen).await?;
        let (workspace, guard) = Workspace::start(&tasks, clock.clone(), outbox.clone()).await?;
        let url = public_url.map_or(format!("http://{}", listener.local_addr()?), str::to_owned);
        let (app, store_tasks) = build(folder, &url, clock, &workspace, &outbox, tasks).await?;
        people::move_in(&app).await?;
        // Browser and pretend chat come directly.
        let front = Front {
            trusted_proxies: TrustedProxies(Vec::new()),
            ..Front::default()
        };
        let server = Server::start_with(
            Arc::clone(&app),
            listener,
            front,
            page::router(Arc::clone(&workspace)),
        )
        .await?;
        workspace.is_served_at(server.addr);
        Ok(Self {
            app,
            server,
            store_tasks,
            workspace,
            guard,
        })
    }

    /// Lets what is at hand finish, and closes the database.
    async fn close(self) {
        let Self {
            app,
            server,
            store_tasks,
            workspace,
            guard,
        } = self;
        drop(guard);
        let is_drained = server.stop().await;
        drop((workspace, app));
        if is_drained {
            store_tasks.finish().await;
        } else {
            tracing::warn!("stopped with work unfinished");
        }
    }
}

/// Catches SIGTERM, Ctrl-C and the end of the terminal from now on, because the demo belongs to whoever watches it; what is
/// given back waits for one of them.
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let [mut terminate, mut interrupt, mut hangup] = [
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
        signal(SignalKind::hangup())?,
    ];
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {}
        }
    })
}

async fn build(
    folder: &Path,
    url: &str,
    clock: Clock,
    workspace: &Workspace,
    outbox: &Outbox,
    tasks: TaskTracker,
) -> Result<(Arc<App>, StoreTasks), Stop> {
    let limit = Limit {
        resets: 5,
        window: Span::hours(24),
    };
    let (store, store_tasks) = open_store(folder, clock.clone(), limit).await?;
    let keys = keys(&folder.join(KEY_FILE), &store).await?;
    let builtin = Builtin::new(store.clone(), Hasher::start()?, Chance::System);
    let app = App {
        zone: Zone::utc(),
        keys,
        store,
        directories: Directories::new(vec![ResilientDirectory::builtin(
            Directory::Builtin(Box::new(builtin)),
            Vec::new(),
        )]),
        deliveries: Deliveries::in_memory(&outbox, Ways::default(), SmsCountries::default()),
        chats: vec![Chat::Slack(workspace.adapter()?)],
        organization: Organization {
            name: "Acme".to_owned(),
            company: CompanyDomains::default(),
            help_url: "https://help.acme.example/password".parse().ok(),
            security_email: "security@acme.example".parse().ok(),
            public_url: url.parse().ok(),
            is_framed: true,
            own_password_least: 12,
            password_length: 8,
            password_lifetime: Span::hours(24),
            offer_lifetime: Span::minutes(10),
            admins: Admins::Directory,
            identity: Identity::Email,
            contact_rules: ContactRules::default(),
        },
        held: Arc::default(),
        seen: Arc::default(),
        card_locks: Arc::default(),
        at_work: Arc::default(),
        unsigned: Arc::default(),
        chance: Chance::System,
        clock,
        tasks,
        latest: Latest::default(),
    };
    Ok((Arc::new(app), store_tasks))
}

/// The demo's record, by the rules of `serve`: none is begun where the key tells that there was one.
async fn open_store(
    folder: &Path,
    clock: Clock,
    limit: Limit,
) -> Result<(Store, StoreTasks), Stop> {
    let (database, key_file) = (folder.join(DATABASE), folder.join(KEY_FILE));
    let mut rng = Chance::System.rng()?;
    if !key_file.try_exists()? {
        return Ok(Store::open(&database, Use::Serve, clock, limit, &mut rng).await?);
    }
    let opened = Store::open_existing(&database, Use::Serve, clock, limit, &mut rng).await;
    opened.map_err(|error| {
        if error.is_no_record() {
            Unusable::without_record(&database, &key_file).into()
        } else {
            error.into()
        }
    })
}

/// The demo's key; the database knows it again.
async fn keys(key_file: &Path, store: &Store) -> Result<Keys, Stop> {
    if key_file.try_exists()? || !store.belongs_to_a_key().await? {
        let keys = Keys::load_or_create(key_file, &mut Chance::System.rng()?)?;
        if store.keep_key_fingerprint(&keys.fingerprint()).await? == keys.fingerprint() {
            return Ok(keys);
        }
    }
    let text = "is not the one that belongs to the demo's database; restore it, or remove both to begin a new demo";
    Err(Unusable(format!("the key file {} {text}", key_file.display())).into())
}

/// The files of the demo do not belong together; a sentence.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(String);

impl Unusable {
    fn without_record(database: &Path, key_file: &Path) -> Self {
        Self(format!(
            "the demo's database {} is missing or empty, but its key file is there. Nothing was changed. Restore the \
            database, or remove {} to begin a new demo",
            database.display(),
            key_file.display()
        ))
    }
}

fn say(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}
