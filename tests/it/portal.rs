//! The member's pages, over HTTP as a browser sends it.

mod disowned;
mod first_sign_in;
mod guarded;
mod own_contacts;
mod public_path;
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
