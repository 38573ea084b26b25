//! The member's pages, over HTTP as a browser sends it.

mod code_alone_abused;
mod code_sign_in;
mod disowned;
mod fields;
mod first_sign_in;
mod forgotten;
mod guarded;
mod own_contacts;
mod public_path;
mod signed_out;
mod told_where;
mod typed_forms;

use crate::support::TestBot;

const JO: &str = "jo@acme.example";
const KIM: &str = "kim@acme.example";
const MINA: &str = "mina.park@acme.example";
const NOA: &str = "noa@acme.example";

/// The last code that was sent, and where to.
fn code(bot: &TestBot) -> (String, String) {
    bot.codes().pop().expect("a code")
}

/// The way of the link "this wasn't me" in the messages that were sent since.
fn not_me_link(bot: &TestBot) -> String {
    let sent = bot.outbox.take();
    let sent = sent.iter().rfind(|sent| sent.text.contains("/not-me/"));
    let (_, path) = sent
        .expect("a link")
        .text
        .split_once("http://127.0.0.1")
        .unwrap();
    path.split_whitespace().next().unwrap().to_owned()
}
