//! `relatch demo`: sample members, pretend chats and a memory outbox around the real server, played at `/demo`.
//!
//! To the server a pretend chat is a platform like any other: it signs every request and posts it over HTTP to the real
//! routes, and it refuses what the platform refuses. A broken rule shows on the page and fails the tests. Slack is in this
//! folder itself; Discord, Lark and Mattermost have folders of their own.

mod actions;
mod api;
mod boxes;
mod discord;
mod error;
mod exchange;
mod follow_ups;
mod lark;
mod mattermost;
mod page;
mod people;
mod profile;
mod rules;
mod running;
mod signers;
mod state;
mod story;
mod terminal;
mod workspace;

use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use clap::Args;
use rand::RngExt;

pub(crate) use self::error::{DemoError, NotOpened, UnusableFiles};
use self::profile::{Profile, Sent, Strictness};
use self::running::RunningDemo;
use self::terminal::{print, stop_signal};
use crate::chance::Chance;
use crate::telemetry;

/// The options of `relatch demo`.
#[derive(Args)]
pub(crate) struct DemoOptions {
    /// Where to listen; this machine only.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Keep the database in this folder; else it is a temporary one.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// End after the story in the terminal.
    #[arg(long)]
    once: bool,
    /// The profile, as `policy.profile` sets it; strict: one-time links to contacts on record only.
    #[arg(long, value_enum, default_value = "standard")]
    profile: Strictness,
    /// What members are sent, as `policy.send` sets it.
    #[arg(long, value_enum)]
    send: Option<Sent>,
}

/// Plays the story in the terminal, then starts everything anew and serves the page until Ctrl-C. Where the page asks for
/// another profile, everything starts anew once more, at the same address.
pub(crate) async fn run(options: DemoOptions) -> Result<(), DemoError> {
    if !options.listen.ip().is_loopback() {
        return Err("the demo listens on this machine only, such as 127.0.0.1:8080".into());
    }
    telemetry::start(tracing::Level::WARN);
    // Nobody else can have made this folder, because nobody can guess its name.
    let name: [u8; 16] = Chance::System.rng()?.random();
    let temporary = std::env::temp_dir().join(format!("relatch-demo-{}", hex::encode(name)));
    std::fs::DirBuilder::new().mode(0o700).create(&temporary)?;
    let ended = act(&options, &temporary).await;
    if temporary.exists() {
        std::fs::remove_dir_all(&temporary)?;
    }
    ended
}

async fn act(options: &DemoOptions, temporary: &Path) -> Result<(), DemoError> {
    let mut profile = Profile::of(options.profile, options.send)?;
    let mut stop = std::pin::pin!(stop_signal()?);
    let port = SocketAddr::from(([127, 0, 0, 1], 0));
    let story = RunningDemo::start(
        &temporary.join("story"),
        port,
        Some("https://reset.acme.example"),
        profile,
    )
    .await?;
    let is_stopped = tokio::select! {
        told = story::play(&story.workspace) => told.map(|()| false),
        () = &mut stop => Ok(true),
    };
    story.stop().await;
    if is_stopped? || options.once {
        return Ok(());
    }
    let mut listen = options.listen;
    for count in 0_u64.. {
        let folder = options
            .data
            .clone()
            .unwrap_or_else(|| temporary.join(format!("played{count}")));
        let demo = RunningDemo::start(&folder, listen, None, profile).await?;
        demo.workspace
            .state(|state| state.is_kept = options.data.is_some());
        if count == 0 {
            listen = demo.server.addr;
            print(&format!("Play it yourself: http://{listen}/demo"))?;
        }
        let mut watch = demo.store_tasks.watch();
        let next = tokio::select! {
            () = &mut stop => Ok(None),
            lost = watch.task_ended() => Err(lost),
            wanted = demo.workspace.restart_wanted() => Ok(Some(wanted)),
        };
        demo.stop().await;
        match next? {
            Some(wanted) => profile = wanted,
            None => break,
        }
    }
    Ok(())
}
