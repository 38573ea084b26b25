//! Phones that a directory has without a country code: read with the country of their entry, else told.

use relatch::surface::directory::Backend;

use super::{card_text, email};
use crate::logs::Log;
use crate::support::TestBot;
use crate::support::directories::World;
use crate::support::directories::ldap::Server;
use crate::support::directories::web::{self, Fake};

/// Their phone is a German one without its country code.
pub(super) async fn a_phone_is_read_with_the_country_of_its_entry(server: &Server, who: &[&str]) {
    for name in who {
        let card = card_text(&server.bot().await, name).await;
        assert!(
            card.contains("+49 ··· ··89") && card.contains("I read it as a number of DE."),
            "{name}: {card}"
        );
    }
}

/// Then it is read with `default_country`.
pub(super) async fn a_country_of_zero_is_none(server: &Server) {
    let card = card_text(&server.bot().await, "nul").await;
    assert!(
        card.contains("+82 ··· ··42") && card.contains("I read it as a number of KR."),
        "{card}"
    );
}

/// The first of two cannot be read, the second one is used.
pub(super) async fn a_phone_that_cannot_be_read_is_told_beside_another(server: &Server) {
    let card = card_text(&server.bot().await, "tel").await;
    assert!(
        card.contains("+82 ··· ··88")
            && card.contains("Their phone 0151… has no country code and is no number of KR."),
        "{card}"
    );
    let warnings = warnings_about(&server.own_settings(), "tel").await;
    assert!(
        warnings.contains("phone 0151… has no country code")
            && !warnings.contains("no SMS can reach"),
        "{warnings}"
    );
}

/// What `relatch check` warns of with this member as its account.
async fn warnings_about(settings: &str, name: &str) -> String {
    let line = |line: &str| match line.split_once(" = ") {
        Some(("check_account", _)) => format!("check_account = \"{}\"", email(name)),
        _ => line.to_owned(),
    };
    let settings: Vec<String> = settings.lines().map(line).collect();
    let bot = TestBot::with_directory(&settings.join("\n")).await;
    let directory = bot.app.directories.remote().next().unwrap();
    directory.warnings().await.join("\n")
}

/// Once for a card and once for a check, without the rest of the number.
#[tokio::test]
async fn a_phone_that_cannot_be_read_is_in_the_log() {
    let fake = Fake::start(web::Kind::Keycloak).await;
    fake.set_phone("mal", "0151 23456789");
    let bot = fake.bot().await;
    let logged = |log: &Log| {
        let lines = log.lines_with("phone cannot be used");
        let is_right = |line: &String| {
            line.contains(" WARN ") && line.contains("0151…") && !line.contains("23456")
        };
        assert!(lines.iter().all(is_right), "{lines:#?}");
        lines.len()
    };
    {
        let (log, _guard) = Log::start();
        card_text(&bot, "mal").await;
        assert_eq!(logged(&log), 1);
    }
    let (log, _guard) = Log::start();
    warnings_about(&fake.own_settings(), "mal").await;
    assert_eq!(logged(&log), 1);
}
