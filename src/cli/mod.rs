//! The command line: commands and their options.

mod admins;
mod audit;
pub(crate) mod build;
mod builtin;
mod check;
mod contact;
mod csv_file;
mod failure;
mod formats;
mod import;
mod import_plan;
mod imported;
mod linked_people;
mod links;
mod listed_links;
mod manifest;
mod members;
mod new_database;
mod new_key;
mod ownership;
mod refused;
mod register;
mod reload;
mod replay;
mod resets;
mod serve;
mod set_password;
mod shown_contacts;
mod table;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use serde::Serialize;

pub(crate) use self::failure::Failure;
use crate::config::{self, Settings};

/// The end of the help.
const EXIT_CODES: &str = "\
Exit codes:
  0   done
  1   failed, refused, or a service that it needs does not answer
  2   the command line cannot be read
  70  a fault of relatch itself; a restart may help
  75  another relatch uses the database; try again later
  78  the settings, the database or the key file cannot be used as they are";

/// Of settings without any key. `serve` in another folder than that of its settings would begin a second record there.
const NOTHING_SET: &str = "nothing is set, so there is nothing to serve. Is this the folder of relatch.toml? `relatch config` \
    prints every key; begin with the section of a chat, such as [slack]";

/// Resets members' passwords from team chat, safely.
#[derive(Parser)]
#[command(name = "relatch", version, after_help = EXIT_CODES)]
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
    Check(check::CheckOptions),
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
    /// List the links with whom they reach.
    Links(listed_links::LinksOptions),
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
    /// Begin a new key where the old one is gone: all cards and links of relatch die.
    NewKey,
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
    match cli.command {
        CliCommand::Serve => run_async(serve::run(source)),
        CliCommand::Demo(options) => {
            run_async(async { crate::demo::run(options).await.map_err(Failure::of_demo) })
        }
        CliCommand::Check(options) => run_async(check::run(&source, options)),
        CliCommand::Config => say(config::DEFAULT_TEXT),
        CliCommand::Members(command) => {
            with_settings(&source, |settings| members::run(settings, command))
        }
        CliCommand::Admins(command) => {
            with_settings(&source, |settings| admins::run(settings, command))
        }
        CliCommand::Link(link) => with_settings(&source, |settings| links::link(settings, link)),
        CliCommand::Unlink(unlink) => {
            with_settings(&source, |settings| links::unlink(settings, unlink))
        }
        CliCommand::Links(options) => {
            with_settings(&source, |settings| listed_links::list(settings, options))
        }
        CliCommand::Resets(options) => {
            with_settings(&source, |settings| resets::run(settings, options))
        }
        CliCommand::Manifest(options) => manifest::run(&options),
        CliCommand::Replay(options) => {
            with_settings(&source, |settings| replay::run(settings, options))
        }
        CliCommand::Audit(_) => Err(not_built("audit")),
        CliCommand::Register(options) => {
            with_settings(&source, |settings| register::run(settings, options))
        }
        CliCommand::Backup(_) => Err(not_built("backup")),
        CliCommand::NewDatabase => with_settings(&source, new_database::run),
        CliCommand::NewKey => with_settings(&source, new_key::run),
    }
}

/// Runs a command with the settings. An error of the record then names the database.
fn with_settings<Running>(
    source: &reload::Source,
    command: impl FnOnce(Settings) -> Running,
) -> Result<(), Failure>
where
    Running: Future<Output = Result<(), Failure>>,
{
    let settings = source.load()?;
    let database = settings.database.clone();
    run_async(command(settings)).map_err(|failure| failure.of_database(&database))
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
