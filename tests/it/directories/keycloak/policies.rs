//! The realm's password policy: met where that is possible, told in advance where it is not.

use relatch::surface::directory::Backend;

use super::super::{NOTHING, email, reset};
use crate::support::TestBot;
use crate::support::directories::web::{Fake, Kind};
use crate::support::directories::{OLD, SignIn, World};
use crate::support::slack::{shown_password, text_of};
use crate::vendors::relatch;

/// Kinds of characters, and lengths up to 24.
#[tokio::test(flavor = "multi_thread")]
async fn a_generated_password_meets_the_realms_policy() {
    for (policy, length) in [
        ("length(12)", 12),
        ("digits(3)", 8),
        ("digits(4)", 9),
        ("upperCase(3) and lowerCase(2)", 9),
        (
            "length(14) and digits(2) and upperCase(2) and lowerCase(2)",
            14,
        ),
        ("digits(7) and maxLength(9)", 9),
        ("notUsername(undefined) and length(24)", 24),
    ] {
        let fake = Fake::start(Kind::Keycloak).await;
        fake.set_realm(|realm| policy.clone_into(&mut realm.policy));
        let result = reset(&fake.bot().await, "eli").await;
        let told = text_of(&result);
        let password = shown_password(&result).unwrap_or_else(|| panic!("{policy}: {told}"));
        assert_eq!(password.len(), length, "{policy}");
        assert_eq!(
            fake.sign_in("eli", &password).await,
            SignIn::MustChange,
            "{policy}"
        );
    }
}

/// As many as the realm asks for, where the settings allow symbols.
#[tokio::test(flavor = "multi_thread")]
async fn a_generated_password_has_as_many_symbols_as_are_asked_for() {
    let fake = Fake::start(Kind::Keycloak).await;
    fake.set_realm(|realm| "specialChars(3)".clone_into(&mut realm.policy));
    let bot = TestBot::with_directory_and_symbols(&fake.own_settings()).await;
    let result = reset(&bot, "eli").await;
    let password = shown_password(&result).unwrap_or_else(|| panic!("{}", text_of(&result)));
    assert_eq!(fake.sign_in("eli", &password).await, SignIn::MustChange);
}

/// What the administrator reads on the last look is the length that is generated.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_look_says_the_length_of_the_realm() {
    let fake = Fake::start(Kind::Keycloak).await;
    fake.set_realm(|realm| "length(15)".clone_into(&mut realm.policy));
    let bot = fake.bot().await;
    let card = bot.command(super::JO, &email("eli")).await.json();
    bot.click(super::JO, &card, "deliver_copy").await;
    let told = text_of(&bot.slack.last());
    assert!(
        told.contains("The new password has 15 characters"),
        "{told}"
    );
}

/// What cannot be met: Keycloak's own sentence, and the key or the person that can help. `relatch check` says it before.
#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_no_password_meets_is_told_with_who_can_help() {
    for (policy, own, helps, checked) in [
        (
            "maxLength(7)",
            "maximum length 7",
            "only whoever runs Keycloak",
            "at most 7 characters",
        ),
        (
            "length(30)",
            "minimum length 30",
            "only whoever runs Keycloak",
            "at least 30 characters",
        ),
        (
            "specialChars(2)",
            "at least 2 special characters",
            "policy.password_symbols = true",
            "policy.password_symbols = true",
        ),
        (
            "digits(7) and maxLength(8)",
            "at least 7 numerical digits",
            "24 characters are enough",
            "9 characters of given kinds",
        ),
    ] {
        let fake = Fake::start(Kind::Keycloak).await;
        fake.set_realm(|realm| policy.clone_into(&mut realm.policy));
        let told = text_of(&reset(&fake.bot().await, "eli").await);
        assert!(
            told.contains(own) && told.contains(helps) && told.contains(NOTHING),
            "{policy}: {told}"
        );
        assert!(!told.contains("can be raised"), "{policy}: {told}");
        assert!(told.chars().count() <= 350, "{policy}: {told}");
        assert_eq!(fake.sign_in("eli", OLD).await, SignIn::In, "{policy}");
        let ran = relatch(
            &format!("[[directory]]\n{}", fake.own_settings()),
            &["check"],
        )
        .await;
        assert!(
            ran.out.contains("nobody can be reset") && ran.out.contains(checked),
            "{policy}: {}{}",
            ran.out,
            ran.err
        );
    }
}

/// A regular expression may fit and may not: a warning, and Keycloak's own sentence.
#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_nobody_can_foresee_is_warned_of() {
    let fake = Fake::start(Kind::Keycloak).await;
    fake.set_realm(|realm| "length(8) and regexPattern(^x$)".clone_into(&mut realm.policy));
    let bot = fake.bot().await;
    let home = bot.app.directories.remote().next().unwrap();
    assert_eq!(home.probe().await, Ok(()));
    let warnings = home.warnings().await.join("\n");
    assert!(warnings.contains("regexPattern"), "{warnings}");
    let told = text_of(&reset(&bot, "eli").await);
    assert!(
        told.contains("fails to match regex pattern")
            && told.contains("only whoever runs Keycloak"),
        "{told}"
    );
}
