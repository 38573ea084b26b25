//! Small programs with a violation each, and some that only look like one.

use std::collections::BTreeSet;

use crate::resolve::Program;
use crate::{cycles, external_crates, violations};

fn program(sources: &[(&str, &str)]) -> Program {
    Program::read(sources.iter().copied(), &external_crates())
}

/// What is found in one file.
fn found(file: &str, source: &str) -> BTreeSet<String> {
    violations(&program(&[(file, source)]))
}

fn assert_one(file: &str, source: &str) {
    let wrong = found(file, source);
    assert_eq!(wrong.len(), 1, "{file}: {source}: {wrong:?}");
}

fn assert_none(file: &str, source: &str) {
    let wrong = found(file, source);
    assert!(wrong.is_empty(), "{file}: {source}: {wrong:?}");
}

fn summaries(sources: &[(&str, &str)]) -> Vec<String> {
    cycles::find(&program(sources))
        .into_iter()
        .map(|cycle| cycle.summary)
        .collect()
}

#[test]
fn imports_from_above_are_found() {
    assert_one("domain/policy.rs", "use crate::store::Store;");
    assert_one("domain/policy.rs", "use super::super::store::Store;");
    assert_one("domain/mod.rs", "use super::clock;");
    assert_one(
        "store/mod.rs",
        "use crate::{clock::Clock, domain::{Member, Role}, app::App};",
    );
    assert_one("store/mod.rs", "use crate::{\n    app,\n};");
    assert_one("store/mod.rs", "use crate::\n    flow::react;");
    assert_one("chat/slack/mod.rs", "use super::super::flow;");
    assert_one("http/mod.rs", "use crate::demo;");
    assert_one("app.rs", "use crate::flow::*;");
    assert_one("clock.rs", "fn f() { use crate::flow::react; }");
}

#[test]
fn paths_from_above_are_found() {
    assert_one("clock.rs", "fn f() { crate::chat::slack::Slack::new() }");
    assert_one("clock.rs", "fn f(app: &crate::app::App) {}");
    assert_one("clock.rs", "struct Clock(Vec<crate::app::App>);");
    assert_one("clock.rs", "impl crate::flow::Act for Clock {}");
    assert_one("flow/offer.rs", "pub(in crate::http) fn f() {}");
    assert_one(
        "clock.rs",
        "mod inner { fn f() { super::super::app::go() } }",
    );
    assert_one(
        "clock.rs",
        "mod inner { fn f() { deeper::f() } use super::super::app; }",
    );
}

#[test]
fn renamed_imports_are_followed() {
    assert_one("clock.rs", "use crate as top; fn f() { top::app::go() }");
    assert_one("clock.rs", "use crate as top; use top::app::App;");
    assert_one(
        "clock.rs",
        "use crate::{self as top}; fn f() { top::app::go() }",
    );
    assert_one("clock.rs", "use crate::{app as below};");
    assert_one("clock.rs", "use super as up; type A = up::app::App;");
    assert_one(
        "clock.rs",
        "extern crate self as own; fn f() { own::app::go() }",
    );
    assert_one(
        "clock.rs",
        "use crate::*; fn f() { self::app::go() } mod app { use super::super::app; }",
    );
}

#[test]
fn the_crate_by_its_own_name_is_followed() {
    assert_one("clock.rs", "use ::relatch::app::App;");
    assert_one("clock.rs", "fn f() { relatch::app::go() }");
    assert_none("main.rs", "fn main() { relatch::cli::main() }");
}

#[test]
fn globs_and_re_exports_are_followed() {
    let wrong = violations(&program(&[
        ("lib.rs", "mod app; mod clock;"),
        ("app.rs", "pub struct App;"),
        ("clock.rs", "use crate::*; fn f() { app::go() }"),
    ]));
    assert_eq!(wrong.len(), 1, "{wrong:?}");
}

#[test]
fn raw_identifiers_are_the_same_names() {
    assert_one("clock.rs", "use crate::r#app::App;");
    assert_one("clock.rs", "fn f() { crate::r#flow::react() }");
    assert_one("domain/policy.rs", "use r#sqlx::Row;");
}

#[test]
fn macros_are_looked_into() {
    assert_one("clock.rs", "macro_rules! m { () => { $crate::app::go() } }");
    assert_one("clock.rs", "fn f() { format!(\"{}\", crate::app::NAME) }");
    assert_one(
        "clock.rs",
        "macro_rules! m { () => { use crate::{clock::Clock, app::{App, AtWork}}; } }",
    );
    assert_one("clock.rs", "#[derive(crate::app::Derive)] struct S;");
    assert_one("domain/policy.rs", "fn f() { tokio::join!(a, b) }");
    assert_one(
        "domain/policy.rs",
        "fn f() { matches!(x, Some(sqlx::Error::RowNotFound)) }",
    );
}

#[test]
fn modules_without_a_layer_are_found() {
    assert_one("attic.rs", "use std::fs;");
}

#[test]
fn crates_that_a_module_may_not_use_are_found() {
    for name in ["axum", "sqlx", "tokio", "reqwest", "tracing"] {
        assert_one("domain/policy.rs", &format!("use {name}::x;"));
        assert_one("domain/policy.rs", &format!("fn f() {{ ::{name}::x() }}"));
        assert_one(
            "domain/policy.rs",
            &format!("use {name} as other; fn f() {{ other::x() }}"),
        );
        assert_one("domain/policy.rs", &format!("extern crate {name};"));
    }
    assert_one("flow/offer.rs", "use sqlx::SqlitePool;");
    assert_one("store/mod.rs", "use axum::Router;");
    assert_one("cli/mod.rs", "use proptest::prelude;");
}

#[test]
fn what_only_looks_like_a_violation_is_none() {
    assert_none(
        "domain/policy.rs",
        "/// See [`crate::store`].\nuse super::Member; // crate::app",
    );
    assert_none(
        "domain/policy.rs",
        "const TEXT: &str = \"crate::app \\\" crate::flow\";",
    );
    assert_none(
        "domain/policy.rs",
        "const TEXT: &str = r#\"use crate::app;\"#;",
    );
    assert_none(
        "domain/policy.rs",
        "/* crate::app /* crate::flow */ sqlx::x */ struct S;",
    );
    assert_none(
        "domain/policy.rs",
        "fn f() { format!(\"crate::app::X tokio::spawn\") }",
    );
    assert_none(
        "flow/offer.rs",
        "use super::messages; use crate::app::App; use crate::domain::{self, policy};",
    );
    assert_none(
        "chat/slack/mod.rs",
        "use super::form::Fields; use super::super::store::ReplayKey;",
    );
    assert_none("store/mod.rs", "use my_crate::app::App;");
    assert_none(
        "domain/policy.rs",
        "enum E { A } fn f() { let tokio = 1; E::A; Self::sqlx(); }",
    );
    assert_none(
        "domain/policy.rs",
        "#[cfg(test)] mod tests { use proptest::prelude::*; }",
    );
}

#[test]
fn tests_keep_to_their_layer_too() {
    assert_one(
        "clock.rs",
        "#[cfg(test)] mod tests { use crate::app::App; }",
    );
    assert_one("clock.rs", "#[cfg(test)] fn f() { crate::app::go() }");
}

#[test]
fn files_of_a_module_in_a_cycle_are_found() {
    let cards = "use super::moves::Move; pub struct Card;";
    let moves = "use crate::store::cards::Card; pub struct Move;";
    let cycle = ["store: cards, moves"];
    let module = ("store/mod.rs", "mod cards; mod moves;");
    let pair = [module, ("store/cards.rs", cards), ("store/moves.rs", moves)];
    assert_eq!(summaries(&pair), cycle);

    // Behind the re-export of the module around them.
    let module = (
        "store/mod.rs",
        "mod cards; mod moves; pub use cards::Card; pub use moves::*;",
    );
    let cards = "use super::Move; pub struct Card;";
    let moves = "fn f(card: super::Card) {} pub struct Move;";
    let pair = [module, ("store/cards.rs", cards), ("store/moves.rs", moves)];
    assert_eq!(summaries(&pair), cycle);
}

#[test]
fn longer_cycles_and_those_of_folders_are_found() {
    let three = [
        ("flow/mod.rs", "mod a; mod b; mod c; mod d;"),
        ("flow/a.rs", "use super::b;"),
        ("flow/b.rs", "fn f() { super::c::g() }"),
        ("flow/c.rs", "use crate::flow::a;"),
        ("flow/d.rs", "use crate::flow::{a, b};"),
    ];
    assert_eq!(summaries(&three), ["flow: a, b, c"]);

    let folders = [
        ("http/webhook.rs", "use crate::portal::page;"),
        ("http/front.rs", ""),
        ("portal/page.rs", "use crate::http::front;"),
    ];
    assert_eq!(summaries(&folders), ["crate: http, portal"]);
}

#[test]
fn what_is_no_cycle_is_not_found() {
    let parent_and_child = [
        ("flow/mod.rs", "mod a; mod b; use a::A; pub struct Flow;"),
        ("flow/a.rs", "use super::{Flow, b}; pub struct A;"),
        ("flow/b.rs", "use super::Flow;"),
    ];
    assert_eq!(summaries(&parent_and_child), [""; 0]);

    let in_tests = [
        ("flow/mod.rs", "mod a; mod b; #[cfg(test)] mod c;"),
        (
            "flow/a.rs",
            "use super::b; #[cfg(test)] mod tests { use super::super::c; }",
        ),
        ("flow/b.rs", "#[cfg(test)] use super::a;"),
        ("flow/c.rs", "use super::b; use super::a;"),
    ];
    assert_eq!(summaries(&in_tests), [""; 0]);
}
