//! The command line: commands, their options, and the exit codes (0 done, 1 failed, 70 internal error, 75 busy,
//! 78 settings).

mod admins;
mod audit;
pub(crate) mod build;
mod builtin;
mod check;
mod contact;
mod import;
mod imported;
mod links;
mod manifest;
mod members;
mod new_database;
mod register;
mod reload;
mod replay;
mod resets;
mod serve;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use serde::Serialize;

use crate::config;
use crate::secret::KeyError;
use crate::settings::Problems;
use crate::store::{Lost, OpenError};

/// A part of the program failed, and only a restart helps (`EX_SOFTWARE` of sysexits).
const SOFTWARE: u8 = 70;
/// Another process uses the database (`EX_TEMPFAIL` of sysexits).
const BUSY: u8 = 75;
/// The settings cannot be used (`EX_CONFIG` of sysexits).
const SETTINGS: u8 = 78;

/// Resets members' passwords from team chat, safely.
#[derive(Parser)]
#[command(name = "relatch", version, disable_help_subcommand = true)]
struct Cli {
    /// The settings file; relatch.toml where it is there.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: CliCommand,
}

#[derive(Subcommand)]
enum CliCommand {
    /// Serve the webhooks.
    Serve,
    /// Show a whole reset on sample members, then serve until Ctrl-C.
    Demo(crate::demo::DemoOptions),
    /// Read the settings, then try every dependency.
    Check,
    /// Print the default settings with their comments.
    Config,
    /// The members of the built-in directory.
    #[command(subcommand)]
    Members(members::MembersCommand),
    /// Administrators of the list in the settings.
    #[command(subcommand)]
    Admins(admins::AdminsCommand),
    /// Let a chat account stand for a person: `PLATFORM USER_ID EMAIL`, or `--csv FILE`.
    Link(links::LinkOptions),
    /// Take a link away.
    Unlink(links::UnlinkOptions),
    /// List resets.
    Resets(resets::ResetsOptions),
    /// The audit: not built yet.
    Audit(audit::IgnoredArgs),
    /// Print an app manifest with the addresses filled in.
    Manifest(manifest::ManifestOptions),
    /// Register our commands with a platform.
    Register(register::RegisterOptions),
    /// Send a recorded webhook again, signed anew.
    Replay(replay::ReplayOptions),
    /// Copy the database: not built yet.
    Backup(audit::IgnoredArgs),
    /// Begin an empty record where the old one is gone.
    NewDatabase,
}

/// Why a command failed; each kind has its exit code.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Every problem of the settings, a line each.
    #[error("the settings cannot be used:\n{0}")]
    Settings(#[from] Problems),
    /// The command is documented but not built yet.
    #[error("{0}")]
    NotBuilt(String),
    /// The record cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Our own key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The key file shows that there was a record, but there is none.
    #[error(
        "the database {} is missing or has none of our tables, but the key file {} is there, so there was a record. \
        Nothing was changed. Restore the database from a backup, or correct `database` / `key_file`, or run `relatch new-database` to begin an \
        empty one",
        database.display(), key_file.display()
    )]
    NoRecord {
        /// Where the database should be.
        database: PathBuf,
        /// The key file that exists.
        key_file: PathBuf,
    },
    /// The database belongs to a key, and the key file is missing.
    #[error("the key file {} is missing, and this database has been served with one; restore it from a backup, or correct `database` / `key_file`", .0.display())]
    LostKey(PathBuf),
    /// The database belongs to another key.
    #[error("the key file {} is not the one that belongs to this database; restore the one that does, or correct `database` / `key_file`", .0.display())]
    OtherKey(PathBuf),
    /// The files of the demo do not belong together.
    #[error(transparent)]
    Unusable(crate::demo::UnusableFiles),
    /// The running server cannot write to its record any more. The log says so already.
    #[error("{0}")]
    Lost(Lost),
    /// What `check` found to be wrong in itself, not at a service that it needs.
    #[error("{0}")]
    Unsound(String),
    /// Any other failure, as a sentence.
    #[error("{0}")]
    Said(String),
    /// The exit code alone is the answer.
    #[error("no")]
    No,
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Self::Settings(_)
            | Self::NotBuilt(_)
            | Self::Key(KeyError::Exposed | KeyError::Malformed)
            | Self::NoRecord { .. }
            | Self::LostKey(_)
            | Self::OtherKey(_)
            | Self::Unusable(_)
            | Self::Unsound(_)
            | Self::Open(
                OpenError::Newer
                | OpenError::OldSqlite(_)
                | OpenError::Exposed
                | OpenError::Linked
                | OpenError::OtherLog
                | OpenError::LostBesideLog
                | OpenError::Missing
                | OpenError::Empty,
            ) => SETTINGS,
            Self::Lost(lost) => serve::lost_code(*lost),
            Self::Open(
                OpenError::Locked
                | OpenError::Outdated
                | OpenError::Exchanged
                | OpenError::NotServed,
            ) => BUSY,
            Self::Open(OpenError::Migration(_) | OpenError::Io(_) | OpenError::Sqlite(_))
            | Self::Key(KeyError::Io(_))
            | Self::Said(_)
            | Self::No => 1,
        }
    }

    /// True where the database or the key file is at fault, and another try changes nothing.
    fn is_of_files(&self) -> bool {
        match self {
            Self::Open(error) => error.is_of_file() || self.code() == SETTINGS,
            Self::Key(_) => true,
            Self::Settings(_)
            | Self::NotBuilt(_)
            | Self::NoRecord { .. }
            | Self::LostKey(_)
            | Self::OtherKey(_)
            | Self::Unusable(_)
            | Self::Unsound(_)
            | Self::Lost(_)
            | Self::Said(_)
            | Self::No => self.code() == SETTINGS,
        }
    }

    /// The text for the operator. For a file that cannot be used it includes the cause.
    fn in_full(&self) -> String {
        let cause = match self {
            Self::Open(_) | Self::Key(_) => std::error::Error::source(self),
            Self::Settings(_)
            | Self::NotBuilt(_)
            | Self::NoRecord { .. }
            | Self::LostKey(_)
            | Self::OtherKey(_)
            | Self::Unusable(_)
            | Self::Unsound(_)
            | Self::Lost(_)
            | Self::Said(_)
            | Self::No => None,
        };
        cause.map_or(self.to_string(), |cause| format!("{self}: {cause}"))
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Said(error.to_string())
    }
}

impl From<crate::store::StoreError> for Failure {
    fn from(error: crate::store::StoreError) -> Self {
        Self::Said(error.to_string())
    }
}

/// Parses the command line, runs the command, and returns its exit code.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(told) => {
            // Help and version are no errors.
            let code = if told.use_stderr() { 2 } else { 0 };
            return if told.print().is_ok() {
                ExitCode::from(code)
            } else {
                ExitCode::FAILURE
            };
        }
    };
    protect_memory();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // If standard error is closed, the exit code remains.
            if !matches!(failure, Failure::No | Failure::Lost(_)) {
                writeln!(std::io::stderr(), "relatch: {}", failure.in_full()).ok();
            }
            ExitCode::from(failure.code())
        }
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    let source = reload::Source { file: cli.config };
    let load = || source.load().map_err(Failure::from);
    match cli.command {
        CliCommand::Serve => run_async(serve::run(source)),
        CliCommand::Demo(options) => {
            run_async(async { crate::demo::run(options).await.map_err(stopped) })
        }
        CliCommand::Check => run_async(check::run(load()?)),
        CliCommand::Config => say(config::DEFAULT_TEXT),
        CliCommand::Members(command) => run_async(members::run(load()?, command)),
        CliCommand::Admins(command) => run_async(admins::run(load()?, command)),
        CliCommand::Link(link) => run_async(links::link(load()?, link)),
        CliCommand::Unlink(unlink) => run_async(links::unlink(load()?, unlink)),
        CliCommand::Resets(options) => run_async(resets::run(load()?, options)),
        CliCommand::Manifest(options) => manifest::run(&options),
        CliCommand::Replay(options) => run_async(replay::run(load()?, options)),
        CliCommand::Audit(_) => Err(not_built("audit")),
        CliCommand::Register(options) => run_async(register::run(load()?, options)),
        CliCommand::Backup(_) => Err(not_built("backup")),
        CliCommand::NewDatabase => run_async(new_database::run(load()?)),
    }
}

/// Gives the demo the exit code that `serve` would have.
fn stopped(stop: crate::demo::DemoError) -> Failure {
    let stop = match stop.downcast::<OpenError>() {
        Ok(error) => return Failure::Open(*error),
        Err(stop) => stop,
    };
    let stop = match stop.downcast::<Lost>() {
        Ok(lost) => return Failure::Lost(*lost),
        Err(stop) => stop,
    };
    stop.downcast::<crate::demo::UnusableFiles>().map_or_else(
        |stop| Failure::Said(stop.to_string()),
        |unusable| Failure::Unusable(*unusable),
    )
}

fn not_built(command: &str) -> Failure {
    Failure::NotBuilt(format!("`{command}` is not built yet; nothing was changed"))
}

/// The runtime. Two threads are enough, because requests mostly wait and hashing has its own threads. On one core there is
/// one thread: a second one would only compete with it, and each switch makes a click slower.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut runtime = if cores == 1 {
        tokio::runtime::Builder::new_current_thread()
    } else {
        tokio::runtime::Builder::new_multi_thread()
    };
    runtime
        .worker_threads(2)
        .max_blocking_threads(8)
        .enable_all()
        .build()
}

fn run_async(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    runtime()?.block_on(command)
}

/// No core dump, and no other process of this user may read our memory.
fn protect_memory() {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let refused = setrlimit(Resource::Core, none).is_err()
        || set_dumpable_behavior(DumpableBehavior::NotDumpable).is_err();
    if refused {
        tracing::warn!("core dumps could not be turned off");
    }
}

/// Prints to standard output, and ends the line.
pub(crate) fn say(text: &str) -> Result<(), Failure> {
    print(text)?;
    if text.ends_with('\n') {
        Ok(())
    } else {
        print("\n")
    }
}

/// Writes JSON for people and programs.
fn to_json(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(value).map_err(|error| Failure::Said(error.to_string()))
}

/// Prints to standard output without adding a line end.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush().map_err(Failure::from)
}
