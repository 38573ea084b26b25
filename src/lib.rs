//! Resets members' passwords from team chat, safely. This page is the plan of the crate.
//!
//! # Layers
//!
//! A file uses its own layer and those below, never one above; `tests/layers.rs` holds every file to it.
//!
//! | layer | modules | what is there |
//! |---|---|---|
//! | 7 | [`cli`], [`config`], [`surface`] | commands and settings; what the tests reach into |
//! | 6 | [`server`], [`demo`] | joins all routes, starts and stops what runs; pretend chats that play whole conversations |
//! | 5 | [`http`], [`portal`] | connections, deadlines, webhooks; the member's pages |
//! | 4 | [`flow`] | the conversation: offer, choice, act, result, and every sentence |
//! | 3 | [`app`] | what a request needs, built once |
//! | 2 | [`chat`], [`directory`], [`delivery`], [`store`] | adapters, and the record |
//! | 1 | [`clock`], [`chance`], `fault`, [`form`], [`net`], [`lark_api`], [`recent`], [`secret`], [`settings`], [`telemetry`] | time, randomness, faults for tests of the debug program, the form parser, outgoing HTTP, a vendor's API, what is remembered for a while, keys, sections of settings, logs |
//! | 0 | [`domain`] | the rules: no I/O, no async |
//!
//! # The chain of proofs
//!
//! Each value can only be made by the step before it, so a step that is skipped does not compile:
//!
//! 1. [`chat::Verified`]: raw bytes and headers carried a fresh signature of the platform.
//! 2. [`domain::Permit`]: [`domain::policy::approve`] held every rule against administrator and member. A permit is
//!    made anew at every click and never carried over from a card.
//! 3. [`store::Reservation`]: [`store::Store::reserve`] has taken one of the five slots and the intent is on disk.
//! 4. [`domain::Password`]: made after that, moved and never cloned, shown and sent once, wiped when it is dropped.
//!
//! # A confirmed click
//!
//! It passes each module once, but for the permit: a reset may wait for a worker, so the right is read once more just
//! before the change (S3). Every step is a tracing span of this name in this file; `tests/it/trace.rs` compares a recorded
//! trace with the table.
//!
//! | step | span | file | function |
//! |---|---|---|---|
//! | 1 | `webhook` | `src/http/webhook.rs` | `handle` reads the body and answers within the platform's deadline |
//! | 2 | `verified` | `src/chat/dispatch.rs` | `receive` checks the signature and parses the request |
//! | 3 | `permit` | `src/flow/permit.rs` | `of_click` reads administrator and member and checks every rule |
//! | 4 | `reservation` | `src/flow/confirm.rs` | `confirm` takes a slot and records the intent; then the click is acknowledged |
//! | 5 | `act` | `src/flow/act.rs` | `run` prepares, changes, signs out and delivers, when a worker is free |
//! | 6 | `permit_again` | `src/flow/act/checks.rs` | `read_anew` reads both past every cache and checks every rule again, inside the act |
//! | 7 | `ending` | `src/flow/ending.rs` | `ending` writes the result from the record |
//!
//! # The life of a reset
//!
//! `offered → claimed → changing → changed → delivering → delivered | undelivered | delivery_unknown`. The intent is on
//! disk before an effect and its outcome after it, so that whatever dies is named at the next start
//! ([`flow::sweep`]): a claimed reset is refused and its slot comes back; one that was changing is unknown and keeps
//! it; one that was changed but not delivered is lost. Every move is a compare-and-set on state and owner.
//!
//! # Recipes
//!
//! * a chat platform: [`chat`]; a directory: [`directory`]; a way of delivery: [`delivery`];
//! * a rule: [`domain::policy`], and the compiler asks [`flow::messages`] for its sentence;
//! * a table: [`store`]; a setting: [`config`].
#![warn(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod domain;

mod app;
mod chance;
mod clock;
#[cfg(debug_assertions)]
mod fault;
mod flow;
mod form;
mod http;
mod lark_api;
mod net;
mod portal;
mod recent;
mod secret;
mod server;
mod settings;
mod telemetry;

mod chat;
mod cli;
mod config;
mod delivery;
mod demo;
mod directory;
mod store;

#[doc(hidden)]
pub mod surface;

pub use cli::main;
