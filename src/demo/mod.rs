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
use crate::app::{Admins, App, AtWork, Faces, Held, House, Identity, Seen};
use crate::chance::Chance;
use crate::chat::Chat;
use crate::clock::{Clock, Zone};
use crate::delivery::{Deliveries, EmailChannel, Outbox, SmsChannel};
use crate::directory::{Builtin, Directories, Directory, Hasher, Home};
use crate::domain::contacts::ContactRules;
use crate::domain::delivery::Ways;
use crate::domain::quota::Limit;
use crate::domain::{CompanyDomains, Span};
use crate::http::Server;
use crate::secret::Keys;
use crate::store::{Store, StoreTasks, Use};
use crate::telemetry::{self, UnsignedCounter};

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
    let port = SocketAddr::from(([127, 0, 0, 1], 0));
    let story = Stage::open(&temporary.join("story"), port, Some("https://reset.acme.example")).await?;
    let told = story::play(&story.workspace).await;
    story.close().await;
    told?;
    if options.once {
        return Ok(());
    }
    let folder = options.data.clone().unwrap_or_else(|| temporary.join("played"));
    let stage = Stage::open(&folder, options.listen, None).await?;
    say(&format!("Play it yourself: http://{}/demo", stage.server.addr))?;
    let stopped = wait_for_stop().await;
    stage.close().await;
    stopped
}

/// The whole house, with a pretend Slack beside it.
struct Stage {
    app: Arc<App>,
    server: Server,
    store_tasks: StoreTasks,
    workspace: Arc<Workspace>,
    guard: DropGuard,
}

impl Stage {
    /// Opens it in a folder; `public_url` is its own address where none is given.
    async fn open(folder: &Path, listen: SocketAddr, public_url: Option<&str>) -> Result<Self, Stop> {
        std::fs::create_dir_all(folder)?;
        let (tasks, clock, outbox) = (TaskTracker::new(), Clock::movable(), Outbox::default());
        let listener = TcpListener::bind(listen).await?;
        let (workspace, guard) = Workspace::start(&tasks, clock.clone(), outbox.clone()).await?;
        let url = public_url.map_or(format!("http://{}", listener.local_addr()?), str::to_owned);
        let (app, store_tasks) = build(folder, &url, clock, &workspace, &outbox, tasks).await?;
        people::move_in(&app).await?;
        let server = Server::start_with(Arc::clone(&app), listener, page::router(Arc::clone(&workspace))).await?;
        workspace.is_served_at(server.addr);
        Ok(Self { app, server, store_tasks, workspace, guard })
    }

    /// Lets what is at hand finish, and closes the database.
    async fn close(self) {
        let Self { app, server, store_tasks, workspace, guard } = self;
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

/// Waits for SIGTERM or Ctrl-C.
async fn wait_for_stop() -> Result<(), Stop> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

async fn build(
    folder: &Path,
    url: &str,
    clock: Clock,
    workspace: &Workspace,
    outbox: &Outbox,
    tasks: TaskTracker,
) -> Result<(Arc<App>, StoreTasks), Stop> {
    let mut rng = Chance::System.rng()?;
    let limit = Limit { resets: 5, window: Span::hours(24) };
    let (store, store_tasks) = Store::open(&folder.join(DATABASE), Use::Serve, clock.clone(), limit, &mut rng).await?;
    let builtin = Builtin::new(store.clone(), Hasher::start()?, Chance::System);
    let app = App {
        zone: Zone::utc(),
        keys: Keys::load_or_create(&folder.join(KEY_FILE), &mut rng)?,
        store,
        directories: Directories::new(vec![Home::builtin(Directory::Builtin(builtin), Vec::new())]),
        deliveries: Deliveries {
            email: Some(EmailChannel::Memory(outbox.clone())),
            sms: Some(SmsChannel::Memory(outbox.clone())),
            ways: Ways::default(),
        },
        chats: vec![Chat::Slack(workspace.adapter()?)],
        house: House {
            organization: "Acme".to_owned(),
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
        held: Held::default(),
        seen: Seen::default(),
        faces: Faces::default(),
        at_work: AtWork::default(),
        unsigned: UnsignedCounter::default(),
        chance: Chance::System,
        clock,
        tasks,
    };
    Ok((Arc::new(app), store_tasks))
}

fn say(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}
