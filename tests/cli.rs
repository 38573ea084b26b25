//! The command line: help texts, exit codes, and what the commands print, run as an operator runs them.

#[path = "cli/changed_contacts.rs"]
mod changed_contacts;
#[path = "cli/command_line.rs"]
mod command_line;
#[path = "cli/csv_files.rs"]
mod csv_files;
#[path = "it/support/fresh_folder.rs"]
mod fresh_folder;
#[path = "cli/links.rs"]
mod links;
#[path = "cli/listed_admins.rs"]
mod listed_admins;
#[path = "cli/lost_requests.rs"]
mod lost_requests;
#[path = "cli/mail_check.rs"]
mod mail_check;
#[path = "cli/mattermost_check.rs"]
mod mattermost_check;
#[path = "cli/mattermost_server.rs"]
mod mattermost_server;
#[path = "cli/members.rs"]
mod members;
#[path = "cli/new_key.rs"]
mod new_key;
#[path = "cli/one_process.rs"]
mod one_process;
#[path = "cli/open_files.rs"]
mod open_files;
#[path = "cli/record_and_key.rs"]
mod record_and_key;
#[path = "cli/reload.rs"]
mod reload;
#[path = "cli/secret_files.rs"]
mod secret_files;
#[path = "cli/settings.rs"]
mod settings;
#[path = "cli/shown.rs"]
mod shown;
#[path = "cli/unchanged.rs"]
mod unchanged;
#[path = "cli/variables.rs"]
mod variables;

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use fresh_folder::fresh_folder;

const PEOPLE: &str = "name,business_email,login_method,status,phone,personal_email,role,department,manager_email
Jo Lim,jo@acme.example,business_email,active,,,primary_admin,IT,
Mina Park,mina.park@acme.example,business_email,active,+821012345642,mina@mail.example,member,Sales,jo@acme.example
";

/// A folder of its own with settings in it.
struct Place(PathBuf);

impl Place {
    fn new(settings: &str) -> Self {
        let folder = fresh_folder();
        std::fs::write(folder.join("relatch.toml"), settings).unwrap();
        Self(folder)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).unwrap();
    }

    /// Changes the database behind the program's back.
    fn sql(&self, statement: &'static str) {
        self.sql_in("relatch.db", statement);
    }

    fn sql_in(&self, database: &str, statement: &'static str) {
        use sqlx::{ConnectOptions, Connection, Executor};

        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self.0.join(database));
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let mut connection = options.connect().await.unwrap();
            connection.execute(statement).await.unwrap();
            connection.close().await.unwrap();
        });
    }

    /// The first column of what is selected.
    fn look(&self, select: &'static str) -> Vec<String> {
        use sqlx::{ConnectOptions, Row};

        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self.0.join("relatch.db"));
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let mut connection = options.connect().await.unwrap();
            let rows = sqlx::query(select)
                .fetch_all(&mut connection)
                .await
                .unwrap();
            rows.iter().map(|row| row.get(0)).collect()
        })
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_relatch"));
        command
            .args(words)
            .current_dir(&self.0)
            .env_clear()
            .stdin(Stdio::null());
        command
    }

    fn run(&self, words: &[&str]) -> Ran {
        Ran::of(self.command(words).output().unwrap())
    }

    fn run_with_input(&self, words: &[&str], input: &str) -> Ran {
        let mut command = self.command(words);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        Ran::of(child.wait_with_output().unwrap())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code().unwrap(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

#[test]
fn help_names_every_command() {
    insta::assert_snapshot!("help", Place::new("").run(&["--help"]).out);
}

/// `relatch config` prints settings that `relatch` reads.
#[test]
fn the_printed_settings_can_be_used() {
    let place = Place::new("");
    let printed = place.run(&["config"]).out;
    place.write("printed.toml", &printed);
    assert_eq!(
        place
            .run(&["members", "list", "--config", "printed.toml"])
            .code,
        0
    );
    insta::assert_snapshot!("config", printed);
}

#[test]
fn resets_are_listed_in_three_formats() {
    let place = Place::new("");
    assert_eq!(place.run(&["resets", "--format", "json"]).out.trim(), "[]");
    let csv = place
        .run(&["resets", "--format", "csv", "--since", "24h"])
        .out;
    assert!(
        csv.starts_with("ref,id,admin,member,platform,delivery,state,reserved_at,changed_at,slot"),
        "{csv}"
    );
    assert_eq!(place.run(&["resets"]).code, 0);
    assert_ne!(place.run(&["resets", "--since", "soon"]).code, 0);
}

/// Nothing is left out at the end of a page, also where several resets were confirmed in the same millisecond.
#[test]
fn resets_are_listed_to_the_last() {
    let place = Place::new("");
    place.run(&["resets"]);
    place.sql(
        "insert into reset (reset_id, platform, tenant, chat_user, admin_id, admin_name, admin_email, member_id,
            member_name, member_email, state, edition, is_typed, also_show, offered_at, expires_at, claimed_at)
        with recursive one(n) as (select 1 union all select n + 1 from one where n < 2500)
        select printf('%032d', n), 'slack', 'T', 'UJO', 'a', 'Jo Lim', 'jo@acme.example', 'm', 'Mina Park',
            'mina@acme.example', 'delivered', 1, 0, 0, 1, 2, n / 7 from one",
    );
    let listed: serde_json::Value =
        serde_json::from_str(&place.run(&["resets", "--format", "json"]).out).unwrap();
    let ids: Vec<&str> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_str().unwrap())
        .collect();
    let all: Vec<String> = (1..=2500).rev().map(|n| format!("{n:032}")).collect();
    assert_eq!(ids, all);
    assert_eq!(
        place
            .run(&["resets", "--format", "csv"])
            .out
            .lines()
            .count(),
        2501
    );
    assert_eq!(place.run(&["resets"]).out.lines().count(), 2501);
}

/// Reads log lines until one holds the message.
fn wait_for_line(child: &mut std::process::Child, message: &str) {
    use std::io::BufRead;

    let reader = std::io::BufReader::new(child.stderr.as_mut().unwrap());
    for line in reader.lines() {
        let line: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        if line["message"] == message {
            assert!(
                line["addr"]
                    .as_str()
                    .unwrap()
                    .parse::<std::net::SocketAddr>()
                    .unwrap()
                    .port()
                    > 0
            );
            return;
        }
    }
    panic!("it ended without saying {message}");
}
