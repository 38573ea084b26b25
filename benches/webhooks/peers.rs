//! The processes of the benchmark: the real program, the same with a cheap hash, a bare handler, a pretend Slack.

use std::collections::HashSet;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use hmac::{Hmac, KeyInit, Mac};
use relatch::surface::config::Settings;
use relatch::surface::directory::Hasher;
use sha2::Sha256;

use crate::load;
use crate::world::{SECRET, World};

/// Keeps this process, and those that it starts from now on, on one core; on a machine with one core there is no choice.
pub(crate) fn pin(core: usize) {
    let mut set = rustix::thread::CpuSet::new();
    set.set(core);
    if rustix::thread::sched_setaffinity(None, &set).is_err() {
        eprintln!("there is no core {core}; all processes share what there is");
    }
}

/// Lets this process open as many sockets as it may.
pub(crate) fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let most = getrlimit(Resource::Nofile).maximum;
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: most,
            maximum: most,
        },
    )
    .unwrap();
}

/// The program: as `RELATCH` names it, or as it was built for this benchmark, which is larger by what only tests need.
pub(crate) fn program() -> OsString {
    std::env::var_os("RELATCH").unwrap_or_else(|| env!("CARGO_BIN_EXE_relatch").into())
}

/// Starts a server on the first core.
fn spawn_on_first_core(command: &mut Command) -> Child {
    pin(0);
    let child = command.spawn().unwrap();
    pin(1);
    child
}

/// Another process of this benchmark, or the program itself.
pub(crate) struct Peer {
    child: Child,
    pub(crate) addr: SocketAddr,
}

impl Peer {
    /// Another process of this benchmark.
    pub(crate) fn start(role: &str, settings: Option<&Path>) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg("--role").arg(role).args(settings);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = if role == "slack" {
            command.spawn().unwrap()
        } else {
            spawn_on_first_core(&mut command)
        };
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        Self {
            child,
            addr: line.trim().parse().unwrap(),
        }
    }

    /// `relatch serve`, as an operator starts it; and how long it took until the first answer.
    pub(crate) async fn serve_timed(world: &World) -> (Self, Duration) {
        Self::serve_timed_with(world, &[]).await
    }

    /// The same with further settings, as environment variables.
    pub(crate) async fn serve_timed_with(
        world: &World,
        settings: &[(&str, &str)],
    ) -> (Self, Duration) {
        let begun = Instant::now();
        let mut command = Command::new(program());
        command.envs(settings.iter().copied());
        command
            .arg("serve")
            .arg("--config")
            .arg(world.settings())
            .stderr(Stdio::piped());
        let mut child = spawn_on_first_core(&mut command);
        let addr = BufReader::new(child.stderr.take().unwrap())
            .lines()
            .find_map(|line| {
                let line: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
                (line["message"] == "listening")
                    .then(|| line["addr"].as_str().unwrap().parse().unwrap())
            })
            .unwrap();
        load::send(&mut load::connect(addr).await, world.help()).await;
        (Self { child, addr }, begun.elapsed())
    }

    /// What is resident in memory, in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// How long its threads have been at work, in the kernel too.
    pub(crate) fn worked(&self) -> Duration {
        let nanos = |task: std::fs::DirEntry| -> Option<u64> {
            let stat = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
            stat.split_whitespace().next()?.parse().ok()
        };
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        Duration::from_nanos(tasks.flatten().filter_map(nanos).sum())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// What a child process does, until it is killed.
pub(crate) fn play(role: &str, settings: Option<&str>) {
    let runtime = relatch::surface::cli::runtime().unwrap();
    match role {
        "slack" => runtime.block_on(serve(slack())),
        "bare" => runtime.block_on(serve(bare())),
        "cheap" => runtime.block_on(cheap(settings.unwrap())),
        other => panic!("{other}"),
    }
}

async fn serve(router: Router) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    announce(listener.local_addr().unwrap());
    axum::serve(listener, router).await.unwrap();
}

fn announce(addr: SocketAddr) {
    println!("{addr}");
    std::io::stdout().flush().unwrap();
}

/// The least that any handler of a signed webhook does.
fn bare() -> Router {
    let keyed = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    let card = Bytes::from(format!("{{\"blocks\":\"{}\"}}", "x".repeat(2200)));
    let handler = async move |headers: HeaderMap, body: Bytes| {
        let text = |name: &str| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
        };
        let mut mac = keyed.clone();
        for part in [
            b"v0:",
            text("x-slack-request-timestamp").as_bytes(),
            b":",
            body.as_ref(),
        ] {
            mac.update(part);
        }
        let signature =
            hex::decode(text("x-slack-signature").trim_start_matches("v0=")).unwrap_or_default();
        if mac.verify_slice(&signature).is_ok() {
            Ok(card.clone())
        } else {
            Err(StatusCode::UNAUTHORIZED)
        }
    };
    Router::new().route("/slack/commands", post(handler))
}

/// Everything of `relatch serve` but the cost of Argon2id.
async fn cheap(settings: &str) {
    let settings = Settings::read(&std::fs::read_to_string(settings).unwrap(), &[])
        .unwrap_or_else(|error| panic!("{error}"));
    let (app, _tasks) = relatch::surface::cli::build::app(settings, Hasher::cheap_for_benchmarks())
        .await
        .unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = relatch::surface::server::Server::start(
        app,
        listener,
        relatch::surface::http::ConnectionSettings::default(),
    )
    .await
    .unwrap();
    announce(server.addr);
    std::future::pending::<()>().await;
}

/// The clicks whose resets were told as done.
type Told = Mutex<HashSet<Option<String>>>;

/// Knows everybody as `NAME@acme.example`, takes every follow-up and counts the clicks that ended a reset.
fn slack() -> Router {
    let users_info = async |body: String| {
        let id = body.trim_start_matches("user=").to_owned();
        let email = format!(
            "{}@acme.example",
            id.to_ascii_lowercase().trim_start_matches('u')
        );
        let profile = serde_json::json!({ "email": email });
        let user = serde_json::json!({ "id": id, "team_id": "T0BENCH", "is_email_confirmed": true, "profile": profile });
        serde_json::json!({ "ok": true, "user": user }).to_string()
    };
    let told = Arc::new(Told::default());
    // The result may be drawn more than once, each time at the address of its click.
    let reply = async |State(told): State<Arc<Told>>, RawQuery(click): RawQuery, body: String| {
        if body.contains(": tell them now") {
            told.lock().unwrap().insert(click);
        }
    };
    let count = async |State(told): State<Arc<Told>>| told.lock().unwrap().len().to_string();
    Router::new()
        .route("/api/users.info", post(users_info))
        .route("/reply", post(reply))
        .route("/told", get(count))
        .with_state(told)
}
