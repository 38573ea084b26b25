//! Members who write their own `uid`: which user names make somebody an administrator by `memberUid`, and which protect them.

use super::*;
use crate::support::directories::ldap::Server;
use relatch::surface::app::Admins;

const KIM: &str = "kim@acme.example";
const INSUFFICIENT_ACCESS: u32 = 50;

fn settings(server: &Server) -> String {
    format!(
        "{}\nprimary_admin_groups = [\"cn=helpdesk,dc=corp,dc=example\"]",
        server.own_settings()
    )
}

/// A bot that has its administrators from the directory, and these of its people in the chat.
async fn bot(server: &Server, people: &[&str]) -> TestBot {
    let bot = TestBot::with_directory_and_admins(&settings(server), Admins::Directory).await;
    for name in people {
        bot.slack.know(&email(name));
    }
    bot
}

/// What somebody gets who wants to reset a member: a card, or a refusal.
async fn asks(bot: &TestBot, who: &str) -> (bool, serde_json::Value) {
    let told = bot.command(&email(who), &email("ali")).await.json();
    (button_value(&told, "cancel").is_some(), told)
}

async fn is_protected(bot: &TestBot, name: &str) {
    let told = text_of(&bot.command(KIM, &email(name)).await.json());
    assert!(
        told.contains("is protected") && told.contains(NOTHING),
        "{name}: {told}"
    );
}

/// The user name may stand beside another attribute, in another case, and under the other name of its attribute. Where the
/// entry is named by something else, or two are named the same, nobody can say whom the group means.
pub(super) async fn an_entry_is_an_administrator_by_its_name(server: &Server) {
    let bot = bot(server, &["hlp", "mul", "cas", "cee", "dup.one", "dup.two"]).await;
    for name in ["hlp", "mul", "cas"] {
        let (has_card, told) = asks(&bot, name).await;
        assert!(has_card, "{name} has no card: {}", text_of(&told));
    }
    for name in ["cee", "dup.one", "dup.two"] {
        let (has_card, told) = asks(&bot, name).await;
        assert!(!has_card, "{name} has a card: {}", text_of(&told));
        is_protected(&bot, name).await;
    }
}

/// Their group still names them.
pub(super) async fn an_expired_administrator_resets_nobody(server: &Server) {
    let bot = bot(server, &["end"]).await;
    let (has_card, told) = asks(&bot, "end").await;
    assert!(!has_card, "they have a card: {}", text_of(&told));
    let told = text_of(&told);
    assert!(
        told.contains("You can't reset passwords") && told.contains(NOTHING),
        "{told}"
    );
}

/// `memberUid` goes on naming somebody who left until it is taken out. A member who writes that name into their own entry
/// gets no role by it, and cannot rename the entry.
pub(super) async fn the_name_of_somebody_who_left_gives_no_role(server: &Server) {
    server.add_own("mal", "uid", "gone").await;
    assert_eq!(
        server.rename_own("mal", "uid=gone").await,
        INSUFFICIENT_ACCESS
    );
    let bot = bot(server, &["mal"]).await;
    let (has_card, told) = asks(&bot, "mal").await;
    assert!(!has_card, "a member has a card: {}", text_of(&told));
    is_protected(&bot, "mal").await;
}

/// A member who copies an administrator's user name gets no role and is protected, by the name of a protected account as
/// well; the administrator goes on as before.
pub(super) async fn a_copied_name_leaves_the_owner_their_role(server: &Server) {
    for name in ["hlp", "auth"] {
        server.add_own("mal", "uid", name).await;
    }
    let bot = bot(server, &["hlp", "mal"]).await;
    let (has_card, told) = asks(&bot, "mal").await;
    assert!(!has_card, "a member has a card: {}", text_of(&told));
    is_protected(&bot, "mal").await;

    let told = text_of(&bot.command(KIM, &email("hlp")).await.json());
    assert!(
        told.contains("is a primary admin") && told.contains(NOTHING),
        "{told}"
    );
    let (has_card, card) = asks(&bot, "hlp").await;
    assert!(
        has_card,
        "the administrator is shut out: {}",
        text_of(&card)
    );
    bot.click(&email("hlp"), &card, "deliver_copy").await;
    bot.click(&email("hlp"), &bot.slack.last(), "confirm").await;
    let password =
        shown_password(&bot.slack.last()).unwrap_or_else(|| panic!("{}", bot.slack.last_text()));
    assert_eq!(server.sign_in("ali", &password).await, SignIn::MustChange);

    let bot =
        TestBot::with_directory(&server.settings_protecting(&["cn=unix,dc=corp,dc=example"])).await;
    assert!(card_text(&bot, "mal").await.contains("is protected"));
}

/// Only where a group that gives a role has such members, and the entry that is looked at is named otherwise.
pub(super) async fn a_check_tells_that_memberuid_gives_no_role(server: &Server) {
    for (account, group, is_told) in [
        ("cee", "helpdesk", true),
        ("eli", "helpdesk", false),
        ("cee", "guarded", false),
    ] {
        let settings = settings(server)
            .replace(
                "check_account = \"eli@",
                &format!("check_account = \"{account}@"),
            )
            .replace("cn=helpdesk,", &format!("cn={group},"));
        let bot = TestBot::with_directory(&settings).await;
        let told = bot
            .app
            .directories
            .remote()
            .next()
            .unwrap()
            .warnings()
            .await;
        let begin = format!("memberUid of cn={group},dc=corp,dc=example gives no role");
        assert_eq!(
            told.iter().any(|one| one.starts_with(&begin)),
            is_told,
            "{account} {group}: {told:?}"
        );
    }
}

/// On 389 Directory Server, which does not ask for a right on the entry above. The README's rule takes it away.
pub(super) async fn who_may_write_uid_there_may_rename_the_entry(server: &Server) {
    let place = "ou=people,dc=corp,dc=example";
    let own = "(targetattr = \"uid\")(version 3.0; acl \"own\"; allow (write) userdn = \"ldap:///self\";)";
    let readme =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let denied = readme.lines().find_map(|line| {
        line.strip_prefix("aci: ")
            .filter(|rule| rule.contains("not by oneself"))
    });
    server.add_value(place, "aci", own).await;
    server.add_value(place, "aci", denied.unwrap()).await;
    assert_eq!(
        server.rename_own("auth", "uid=gone").await,
        INSUFFICIENT_ACCESS
    );
    server.remove_value(place, "aci", denied.unwrap()).await;
    assert_eq!(server.rename_own("auth", "uid=gone").await, 0);
    server.remove_value(place, "aci", own).await;
    server
        .rename(&format!("uid=gone,{place}"), "uid=auth")
        .await;
}
