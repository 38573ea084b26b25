//! Active Directory: who administers the domain is reset by nobody, whatever names the group.

use super::ldap_faults::MISCONFIGURED;
use super::*;
use crate::support::directories::ldap::Server;
use relatch::surface::app::Admins;

const KIM: &str = "kim@acme.example";
const MAILING: &str = "CN=mailing,CN=Users,DC=corp,DC=example";

/// A member of Domain Admins, one of Account Operators, and one with `adminCount`; whose primary group is a group of the
/// settings, or is nested in one; and the members of a distribution list, also by their primary group. Samba sets no
/// `adminCount`, `memberOf` leaves out the primary group, and `tokenGroups` leaves out distribution lists.
pub(super) async fn who_administers_the_domain_is_reset_by_nobody(server: &Server) {
    let settings = server.settings_protecting(&["CN=guarded,CN=Users,DC=corp,DC=example", MAILING]);
    let bot = TestBot::with_directory(&settings).await;
    let before = server.changes().await;
    let mut reached = Vec::new();
    for name in ["dad", "aco", "cnt", "prm", "nst", "dst", "dpg"] {
        for admin in [JO, KIM] {
            let told = text_of(&bot.command(admin, &email(name)).await.json());
            if !(told.contains("is protected") && told.contains(NOTHING)) {
                reached.push(format!("{name} by {admin}: {told}"));
            }
        }
    }
    assert_eq!(reached, Vec::<String>::new());
    assert_eq!(server.changes().await, before);
    for name in ["dad", "prm", "dst"] {
        assert_eq!(server.sign_in(name, OLD).await, SignIn::In, "{name}");
    }
}

/// What was right when the card was drawn is looked at again before the change.
pub(super) async fn who_became_privileged_meanwhile_is_not_reset(server: &Server) {
    let bot = server.bot().await;
    let before = server.changes().await;
    let mut card = bot.command(JO, &email("act")).await.json();
    if button_value(&card, "deliver_copy").is_none() {
        bot.click(JO, &card, "reachable").await;
        card = bot.slack.last();
    }
    bot.click(JO, &card, "deliver_copy").await;
    let last_look = bot.slack.last();
    let group = "CN=Domain Admins,CN=Users,DC=corp,DC=example";
    server
        .add_value(group, "member", "CN=act Corp,OU=people,DC=corp,DC=example")
        .await;
    bot.click(JO, &last_look, "confirm").await;
    let told = text_of(&bot.slack.last());
    assert!(
        told.contains("protected") && told.contains(NOTHING),
        "{told}"
    );
    assert_eq!(server.changes().await, before);
    assert_eq!(server.sign_in("act", OLD).await, SignIn::In);
}

/// Whoever is a primary administrator by their primary group is one, and no delegated administrator resets them.
pub(super) async fn a_primary_group_gives_a_role(server: &Server) {
    let settings = format!(
        "{}\nprimary_admin_groups = [\"CN=chiefs,CN=Users,DC=corp,DC=example\"]",
        server.own_settings()
    );
    let bot = TestBot::with_directory_and_admins(&settings, Admins::Directory).await;
    let told = text_of(&bot.command(KIM, &email("rol")).await.json());
    assert!(
        told.contains("is a primary admin") && told.contains(NOTHING),
        "{told}"
    );
}

/// Where relatch cannot see a member's groups, nobody is reset; what `adminCount` says is looked at before.
pub(super) async fn groups_that_cannot_be_seen_stop_everything(server: &Server) {
    let before = server.changes().await;
    let bot = TestBot::with_directory(&server.settings_as("blind")).await;
    let told = card_text(&bot, "cnt").await;
    assert!(
        told.contains("is protected") && told.contains(NOTHING),
        "{told}"
    );
    // However often somebody asks for such an entry, the directory is not given up for the others.
    for _ in 0..4 {
        let told = card_text(&bot, "eli").await;
        assert!(
            told.contains(MISCONFIGURED) && told.contains(NOTHING),
            "{told}"
        );
    }
    let told = card_text(&bot, "cnt").await;
    assert!(
        told.contains("is protected") && told.contains(NOTHING),
        "{told}"
    );
    let checked = bot
        .app
        .directories
        .remote()
        .next()
        .unwrap()
        .probe()
        .await
        .unwrap_err()
        .text;
    assert!(checked.contains("tokenGroups"), "{checked}");
    // A distribution list without members to be seen.
    let settings = server.settings_protecting(&["CN=hollow,CN=Users,DC=corp,DC=example"]);
    let told = card_text(&TestBot::with_directory(&settings).await, "eli").await;
    assert!(
        told.contains(MISCONFIGURED) && told.contains(NOTHING),
        "{told}"
    );
    assert_eq!(server.changes().await, before);
    assert_eq!(server.sign_in("eli", OLD).await, SignIn::In);
}
