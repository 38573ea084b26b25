//! Resets members' passwords from team chat, safely. This page is the plan of the house.
#![warn(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr
)]

pub mod domain;

pub mod app;
pub mod chance;
pub mod clock;
pub mod flow;
pub mod http;
pub mod net;
pub mod secret;
pub mod telemetry;

pub mod chat;
pub mod cli;
pub mod config;
pub mod delivery;
pub mod demo;
pub mod directory;
pub mod store;
