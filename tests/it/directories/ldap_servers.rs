//! Several servers of one directory that speaks LDAP: which of them is asked, and which is sent a change.

use std::net::SocketAddr;

use relatch::surface::directory::{Backend, By};
use relatch::surface::domain::{MemberId, State};

use super::ldap_faults::with_urls;
use super::{NOTHING, card_text, ended, reset};
use crate::support::TestBot;
use crate::support::directories::lldap::Lldap;
use crate::support::directories::{OLD, SignIn, Trouble, World, ldap_wire, proxy};
use crate::support::slack::{shown_password, text_of};

/// The first server has a change whose end nobody knows, and may still make it. A newer password on the second would be
/// replaced by the older one when the first goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_with_an_open_change_is_changed_at_no_other_server() {
    let lldap = Lldap::start().await;
    let (first, at_first) = proxy::start_plain(lldap.address).await;
    let (second, at_second) = proxy::start_plain(lldap.address).await;
    let bot = TestBot::with_directory(&with_urls(&lldap, &[first, second])).await;
    at_first.next_change(Trouble::HangAfter);
    at_first.let_die_after_change();
    let told = text_of(&reset(&bot, "lost").await);
    assert!(told.contains("stopped answering half-way"), "{told}");

    let told = text_of(&reset(&bot, "lost").await);
    assert!(
        told.contains("Corp directory doesn't answer")
            && told.contains("Try again in a few minutes")
            && told.contains(NOTHING),
        "{told}"
    );
    assert_eq!(ended(&bot).await, (State::Refused, true));
    assert_eq!((at_first.changes(), at_second.changes()), (1, 0));

    // Everybody else is changed at the second.
    let password = shown_password(&reset(&bot, "eli").await).expect("a password");
    assert_eq!(lldap.sign_in("eli", &password).await, SignIn::In);
    assert_eq!((at_first.changes(), at_second.changes()), (1, 1));
}

/// RFC 4511, appendix A: unavailable, and it shows no operation that sets a password. The second one does both.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_unavailable_is_left_for_the_next() {
    for code in [1, 51, 52, 80] {
        let lldap = Lldap::start().await;
        let first = ldap_wire::answering(0, code).await;
        let bot = TestBot::with_directory(&with_urls(&lldap, &[first, lldap.address])).await;
        let result = reset(&bot, "eli").await;
        let password = shown_password(&result);
        assert!(password.is_some(), "{code}: {}", text_of(&result));
        assert_eq!(lldap.sign_in("eli", &password.unwrap()).await, SignIn::In);
    }
}

/// It may have counted the bind as refused: each further one could lock relatch's account.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_leaves_a_bind_without_an_answer_is_sent_no_other() {
    let lldap = Lldap::start().await;
    let (silent, seen) = proxy::hang().await;
    let bot = TestBot::with_directory(&with_urls(&lldap, &[silent])).await;
    for _ in 0..2 {
        let told = card_text(&bot, "eli").await;
        assert!(
            told.contains("Corp directory doesn't answer") && told.contains(NOTHING),
            "{told}"
        );
    }
    assert_eq!(seen.messages(), 1);
}

async fn probed(settings: &str) -> Result<(), String> {
    let bot = TestBot::with_directory(settings).await;
    let probed = bot.app.directories.remote().next().unwrap().probe().await;
    probed.map_err(|found| found.text)
}

/// Otherwise the second is tried for the first time when it is needed.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_tries_every_server_and_every_group() {
    let lldap = Lldap::start().await;
    let second = ldap_wire::answering(0, 32).await;
    let told = probed(&with_urls(&lldap, &[lldap.address, second])).await;
    let told = told.expect_err("a server without the base");
    assert!(
        told.starts_with(&format!("ldap://{second}: ")) && told.contains("cannot be read"),
        "{told}"
    );

    let nobody = "check_account = \"eli@corp.example\"\n";
    let settings = lldap.settings("relatch").replace(nobody, "");
    assert_eq!(probed(&settings).await, Ok(()));
    for (right, wrong) in [("cn=guarded", "cn=gaurded"), ("cn=helpdesk", "cn=helpdisk")] {
        let told = probed(&settings.replace(right, wrong)).await;
        let told = told.expect_err("a group that is not there");
        assert!(told.contains(wrong), "{told}");
    }
}

/// Active Directory looks at an account's groups when it binds, and lldap does too: a right that was given meanwhile counts
/// on a new connection.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_without_a_right_is_not_used_again() {
    let lldap = Lldap::start().await;
    let (proxy, seen) = proxy::start_plain(lldap.address).await;
    let bot = TestBot::with_directory(&Lldap::settings_at("weak", proxy)).await;
    let told = text_of(&reset(&bot, "eli").await);
    assert!(told.contains("no right to reset this member"), "{told}");
    let before = seen.connections();
    assert!(card_text(&bot, "eli").await.contains("eli Corp"));
    assert_eq!(seen.connections(), before + 1);
}

/// When somebody else asks, at these servers, when the member's password was set.
async fn set_at(lldap: &Lldap, servers: &[SocketAddr], member: &MemberId) -> Option<bool> {
    let bot = TestBot::with_directory(&with_urls(lldap, servers)).await;
    let home = bot.app.directories.of(member).unwrap();
    let told = home.last_change(member).await.ok()?;
    // Before the tests began, every password was set in January 2026.
    Some(told.is_some_and(|at| at.0 > 1_767_312_000_000))
}

/// A process that was started after the change does not know which server took it: one that lags shows none.
#[tokio::test(flavor = "multi_thread")]
async fn the_newest_change_of_all_servers_counts_after_a_crash() {
    let (lags, leads) = (Lldap::start().await, Lldap::start().await);
    let bot = leads.bot().await;
    let eli = By::Email("eli@corp.example".parse().unwrap());
    let found = bot.app.directories.find(&[eli]).await.unwrap();
    let relatch::surface::directory::Match::One(eli) = &found[0] else {
        panic!("eli is not found");
    };
    assert!(shown_password(&reset(&bot, "eli").await).is_some());
    assert_eq!(lags.sign_in("eli", OLD).await, SignIn::In);
    let servers = [lags.address, leads.address];
    assert_eq!(set_at(&lags, &servers, &eli.id).await, Some(true));
    // "No change" would be a claim about the one that does not answer.
    let nobody = "127.0.0.1:1".parse().unwrap();
    let servers = [lags.address, nobody];
    assert_eq!(set_at(&lags, &servers, &eli.id).await, None);
}
