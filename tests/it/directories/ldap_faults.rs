//! Faults that pass by themselves and faults that do not, as a server that speaks LDAP answers; and several servers.

use relatch::surface::directory;
use relatch::surface::domain::State;

use super::{NOTHING, card_text, ended, reset};
use crate::support::TestBot;
use crate::support::directories::lldap::Lldap;
use crate::support::directories::{OLD, SignIn, Trouble, World, ldap_wire, proxy};
use crate::support::slack::{shown_password, text_of};

/// What is told where trying again does not help.
pub(super) const MISCONFIGURED: &str = "can't use Corp directory as it is set up.";

const DOWN: &str = "Corp directory doesn't answer.";

/// A server that answers binds and searches with these codes, and what is told of it.
async fn told_of(bind: u8, search: u8) -> String {
    let address = ldap_wire::answering(bind, search).await;
    let settings = format!(
        "kind = \"ldap\"\nname = \"Corp directory\"\ndomains = [\"corp.example\"]\n\
         url = \"ldap://{address}\"\ntls = \"none\"\nbind_dn = \"cn=relatch\"\n\
         password = \"Service-account-1\"\nbase = \"dc=corp,dc=example\"\n"
    );
    card_text(&TestBot::with_directory(&settings).await, "eli").await
}

/// RFC 4511, appendix A. A limit (4, 11), a base that is not there (32), a missing right (50) and a control that the server
/// does not know (12) are still there in a few minutes; a busy server is not.
#[tokio::test(flavor = "multi_thread")]
async fn only_a_fault_that_may_pass_is_to_be_tried_again() {
    for code in [4, 11, 12, 32, 50, 53] {
        let told = told_of(0, code).await;
        assert!(
            told.contains(MISCONFIGURED) && told.contains(NOTHING) && told.contains("(ref "),
            "{code}: {told}"
        );
        assert!(told.contains("tell whoever runs relatch"), "{code}: {told}");
        assert!(!told.contains("Try again in"), "{code}: {told}");
    }
    for code in [1, 3, 51, 52, 80] {
        let told = told_of(0, code).await;
        assert!(
            told.contains(DOWN) && told.contains("Try again in a few minutes"),
            "{code}: {told}"
        );
    }
}

/// The account or its password was changed (49), or the server wants another way to sign in (8, 48, 53).
#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_refused_is_a_lasting_fault() {
    for code in [8, 48, 49, 53] {
        let told = told_of(code, 0).await;
        assert!(
            told.contains(MISCONFIGURED) && told.contains(NOTHING),
            "{code}: {told}"
        );
    }
    for code in [51, 52] {
        let told = told_of(code, 0).await;
        assert!(told.contains(DOWN), "{code}: {told}");
    }
}

/// The settings of a pretend lldap with these servers instead of its own.
pub(super) fn with_urls(lldap: &Lldap, servers: &[std::net::SocketAddr]) -> String {
    let urls: Vec<String> = servers
        .iter()
        .map(|server| format!("ldap://{server}"))
        .collect();
    lldap.settings("relatch").replace(
        &format!("url = \"ldap://{}\"", lldap.address),
        &format!("urls = {urls:?}"),
    )
}

/// The first listens and says nothing, or does not listen.
#[tokio::test(flavor = "multi_thread")]
async fn the_next_server_is_asked_where_the_first_is_of_no_use() {
    let lldap = Lldap::start().await;
    let (silent, seen) = proxy::hang().await;
    let nobody = "127.0.0.1:1".parse().unwrap();
    for first in [silent, nobody] {
        let bot = TestBot::with_directory(&with_urls(&lldap, &[first, lldap.address])).await;
        let result = reset(&bot, "eli").await;
        let password = shown_password(&result);
        assert!(password.is_some(), "{}", text_of(&result));
        assert_eq!(lldap.sign_in("eli", &password.unwrap()).await, SignIn::In);
    }
    assert_eq!(seen.messages(), 1, "the silent server was waited for twice");
}

/// The first took the change and says nothing more: the second is not sent it, and is not asked what became of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_with_an_unknown_end_is_sent_to_no_other_server() {
    let lldap = Lldap::start().await;
    let (first, at_first) = proxy::start_plain(lldap.address).await;
    let (second, at_second) = proxy::start_plain(lldap.address).await;
    let bot = TestBot::with_directory(&with_urls(&lldap, &[first, second])).await;
    for (name, trouble) in [("lost", Trouble::HangAfter), ("died", Trouble::Die)] {
        at_first.next_change(trouble);
        let told = text_of(&reset(&bot, name).await);
        assert!(
            told.contains("stopped answering half-way")
                && told.contains("The directory shows a change"),
            "{told}"
        );
        assert_eq!(ended(&bot).await, (State::Unknown, false));
        assert_eq!(lldap.sign_in(name, OLD).await, SignIn::Refused);
    }
    assert_eq!((at_first.changes(), at_second.messages()), (2, 0));
}

/// After the change the first server is the only one that surely has it.
#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_a_change_is_asked_where_it_was_sent() {
    let lldap = Lldap::start().await;
    let (first, at_first) = proxy::start_plain(lldap.address).await;
    let (second, at_second) = proxy::start_plain(lldap.address).await;
    let bot = TestBot::with_directory(&with_urls(&lldap, &[first, second])).await;
    // It takes the change, and no connection gets an answer from then on.
    at_first.next_change(Trouble::HangAfter);
    at_first.let_die_after_change();
    let told = text_of(&reset(&bot, "lost").await);
    assert!(told.contains("stopped answering half-way"), "{told}");
    // The second could answer, and may not have the change yet.
    for seen in ["No change is seen", "The directory shows a change"] {
        assert!(!told.contains(seen), "{told}");
    }
    assert_eq!((at_first.changes(), at_second.changes()), (1, 0));
    // Others are looked up at the second one.
    assert!(card_text(&bot, "eli").await.contains("eli Corp"));
    assert!(at_second.messages() > 0);
}

#[test]
fn one_server_or_several_are_named() {
    let settings = |servers: &str| {
        format!(
            "kind = \"ldap\"\nbind_dn = \"cn=relatch\"\npassword = \"Service-account-1\"\n\
             base = \"dc=corp,dc=example\"\n{servers}"
        )
    };
    let problem = |servers: &str| {
        let read = directory::read_text(&settings(servers));
        read.err().map(|problems| problems.to_string())
    };
    assert_eq!(problem("url = \"ldaps://a\""), None);
    assert_eq!(problem("urls = [\"ldaps://a\", \"ldap://b\"]"), None);
    for (servers, told) in [
        ("url = \"ldaps://a\"\nurls = [\"ldaps://b\"]", "beside urls"),
        ("urls = []", "must be ldaps://HOST"),
        (
            "urls = [\"ldaps://a\", \"https://b\"]",
            "must be ldaps://HOST",
        ),
        ("", "url: is missing"),
        (
            "urls = [\"ldap://localhost\", \"ldap://b\"]\ntls = \"none\"",
            "on this machine",
        ),
    ] {
        let problem = problem(servers).unwrap_or_default();
        assert!(problem.contains(told), "{servers}: {problem}");
    }
}
