//! Every answer that relatch reads and every request that it receives, whole as its vendor documents it, tried by the code
//! that reads it.
//!
//! The examples are in `tests/fixtures/vendors/`, where `SOURCES.md` says what each was taken from. `tests/examples.rs`
//! holds the sources to them: a type that reads what a vendor sends has its examples there.

mod discord;
mod keycloak;
mod lark;
mod lark_cards;
mod lark_directory;
mod mattermost;
mod mattermost_calls;
mod slack;
mod twilio;

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use relatch::surface::chat::{Adapter, ApiError, Chat, ChatParts, Freshness, Profile};
use relatch::surface::clock::Clock;
use relatch::surface::config::Settings;
use relatch::surface::lark_api::LarkApis;
use relatch::surface::net;
use relatch::surface::secret::Keys;
use serde_json::Value;

use crate::support::{Ran, spawn};

/// What a vendor answers: method and path, status, and body.
type Answers = Vec<(String, u16, String)>;

/// The text of an example.
fn text(name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/vendors");
    std::fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// An example in JSON.
fn example(name: &str) -> Value {
    serde_json::from_str(&text(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// An example with what its vendor's document cannot know: our ids, and the values that relatch gave the vendor before.
fn example_with(name: &str, ours: &[(&str, Value)]) -> Value {
    let mut example = example(name);
    for (pointer, value) in ours {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let parent = example.pointer_mut(parent);
        let parent = parent.unwrap_or_else(|| panic!("{name} has no {pointer}"));
        match key.parse::<usize>() {
            Ok(at) if parent.is_array() => parent[at] = value.clone(),
            _ => parent[key] = value.clone(),
        }
    }
    example
}

/// An example of a form, the same way.
fn form_with(name: &str, ours: &[(&str, &str)]) -> String {
    let mut fields: Vec<(String, String)> =
        url::form_urlencoded::parse(text(name).trim().as_bytes())
            .into_owned()
            .collect();
    for (name, value) in ours {
        match fields.iter_mut().find(|(known, _)| known == name) {
            Some((_, field)) => (*value).clone_into(field),
            None => fields.push(((*name).to_owned(), (*value).to_owned())),
        }
    }
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields).finish()
}

/// Starts a server of a vendor with these answers, and gives its address. What is not in the list is answered with 500 and
/// a text that is no JSON.
async fn vendor(answers: Vec<(impl Into<String>, u16, String)>) -> String {
    let answers: Answers = answers
        .into_iter()
        .map(|(asked, status, body)| (asked.into(), status, body))
        .collect();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(answer).with_state(Arc::new(answers));
    spawn(async move { axum::serve(listener, router).await.unwrap() });
    base
}

async fn answer(State(answers): State<Arc<Answers>>, request: Request) -> (StatusCode, String) {
    let asked = format!("{} {}", request.method(), request.uri().path());
    match answers.iter().find(|(known, ..)| *known == asked) {
        Some((_, status, body)) => (StatusCode::from_u16(*status).unwrap(), body.clone()),
        None => (
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("no example for {asked}"),
        ),
    }
}

/// Settings with these sections.
fn settings(sections: &str) -> String {
    format!(
        "listen = \"127.0.0.1:0\"\npublic_url = \"https://reset.acme.example\"\n\
         help_url = \"https://help.acme.example\"\n\
         [admins]\nsource = \"list\"\nprimary = [\"jo@acme.example\"]\n{sections}"
    )
}

/// Runs a command of the program as an operator does.
pub(crate) async fn relatch(sections: &str, words: &'static [&'static str]) -> Ran {
    static SERIAL: AtomicU32 = AtomicU32::new(0);
    let serial = SERIAL.fetch_add(1, Ordering::SeqCst);
    let folder =
        std::env::temp_dir().join(format!("relatch-vendor-{}-{serial}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("relatch.toml"), settings(sections)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_relatch"));
    command.args(words).current_dir(&folder).env_clear();
    // The vendor runs on this thread.
    let output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran {
        code: output.status.code().unwrap(),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

/// The adapter that these settings make.
fn chat(section: &str) -> Chat {
    let parts = ChatParts {
        keys: Keys::from_master(&[9; 32]).unwrap(),
        http: net::client(Duration::from_secs(5)).unwrap(),
        clock: Clock::System,
        lark: LarkApis::default(),
    };
    let settings = Settings::read(&settings(section), &[]);
    let config = settings
        .unwrap_or_else(|problems| panic!("{problems}"))
        .chats
        .pop();
    config.unwrap().open(&parts).unwrap()
}

/// Who the platform says that an account is.
async fn profile(chat: &Chat, id: &str) -> Result<Profile, ApiError> {
    chat.profile(&chat.own_account(id), Freshness::Now).await
}
