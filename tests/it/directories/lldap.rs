//! lldap, which answers a base search that matches nothing with `noSuchObject`.

use super::ldap_faults::MISCONFIGURED;
use super::{
    NOTHING, a_check_finds_what_is_missing, a_protected_account_is_refused,
    a_reset_is_proved_by_a_real_sign_in, an_account_without_the_right_is_told, card_text, email,
    only_exactly_one_match_is_gone_on_with, reset,
    silence_in_the_middle_of_a_change_is_an_unknown_end,
};
use crate::support::TestBot;
use crate::support::directories::lldap::Lldap;
use crate::support::directories::{OLD, SignIn, World};
use crate::support::slack::{button_value, shown_password, text_of};

/// The list of behaviours, but for what it has not: a lock, an account out of use, a policy, encryption in the fake.
#[tokio::test(flavor = "multi_thread")]
async fn a_directory_like_the_others() {
    let lldap = Lldap::start().await;
    a_reset_is_proved_by_a_real_sign_in(&lldap).await;
    a_protected_account_is_refused(&lldap).await;
    only_exactly_one_match_is_gone_on_with(&lldap).await;
    an_account_without_the_right_is_told(&lldap).await;
    a_check_finds_what_is_missing(&lldap).await;
    silence_in_the_middle_of_a_change_is_an_unknown_end(&lldap).await;
}

/// The members of a group of lldap administer, and nobody else does.
#[tokio::test(flavor = "multi_thread")]
async fn its_groups_make_administrators() {
    let lldap = Lldap::start().await;
    let bot = lldap.bot().await;
    for name in ["ann", "mal"] {
        bot.slack.know(&email(name));
    }
    let card = bot.command(&email("ann"), &email("eli")).await.json();
    assert!(
        button_value(&card, "cancel").is_some(),
        "{}",
        text_of(&card)
    );
    bot.click(&email("ann"), &card, "deliver_copy").await;
    bot.click(&email("ann"), &bot.slack.last(), "confirm").await;
    let password = shown_password(&bot.slack.last()).expect("a password");
    assert_eq!(lldap.sign_in("eli", &password).await, SignIn::In);

    let told = text_of(&bot.command(&email("mal"), &email("ann")).await.json());
    assert!(
        told.contains("You can't reset passwords") && told.contains(NOTHING),
        "{told}"
    );
}

/// Its password managers reset everybody but its administrators.
#[tokio::test(flavor = "multi_thread")]
async fn its_own_administrators_are_refused_by_itself() {
    let lldap = Lldap::start().await;
    let told = text_of(&reset(&lldap.bot().await, "boss").await);
    assert!(
        told.contains("has no right to reset this member") && told.contains(NOTHING),
        "{told}"
    );
    assert_eq!(lldap.sign_in("boss", OLD).await, SignIn::In);
}

/// A group that was not found before is not one without members: it might protect anybody.
#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_not_there_stops_everything() {
    let lldap = Lldap::start().await;
    let settings = lldap
        .settings("relatch")
        .replace("cn=guarded", "cn=gaurded");
    let told = card_text(&TestBot::with_directory(&settings).await, "eli").await;
    assert!(
        told.contains(MISCONFIGURED) && told.contains(NOTHING),
        "{told}"
    );
}
