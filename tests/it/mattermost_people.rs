//! Mattermost: whom an account stands for, and whom a mention names. Its server tells no confirmed e-mails, and resolves
//! mentions for members of the command's team alone.

use relatch::surface::app::{Admins, Identity};
use relatch::surface::domain::{Platform, Span};
use serde_json::json;

use crate::support::mattermost::{Server, id_of};
use crate::support::slack::user_id;
use crate::support::{TestBot, lark, mattermost};

const JO: &str = "jo@acme.example";
const KIM: &str = "kim@acme.example";
const LEE: &str = "lee@acme.example";
const MINA: &str = "mina.park@acme.example";
const NOA: &str = "noa@acme.example";
const NOTHING: &str = "Nothing was changed.";
const CARD: &str = "Reset Mina Park's password?";

/// Changes how the pretend server is set up.
fn set_up(bot: &TestBot, change: impl FnOnce(&mut Server)) {
    change(&mut bot.slack.memory.mattermost.lock().unwrap());
}

async fn linked_with(admins: Admins, people: &[&str]) -> TestBot {
    let bot = TestBot::identified_by(Identity::Linked, admins).await;
    link(&bot, people).await;
    bot.on(Platform::Mattermost);
    bot
}

async fn link(bot: &TestBot, people: &[&str]) {
    let link = |email: &&str| (Platform::Mattermost, id_of(email), (*email).to_owned());
    let links = people.iter().map(link).collect();
    bot.app.store.link(links).await.unwrap();
}

/// What Jo is told, who wants to reset Mina.
async fn told(bot: &TestBot) -> String {
    bot.on(Platform::Mattermost).command(JO, MINA).await.text()
}

/// The refusal of a caller whom nobody knows: their own id, for the operator.
fn assert_unknown(told: &str, case: &str) {
    assert!(told.contains("I can't tell who you are"), "{case}: {told}");
    let command = format!("relatch link mattermost {}", id_of(JO));
    assert!(told.contains(&command), "{case}: {told}");
    assert!(
        told.contains(NOTHING) && told.contains("(ref "),
        "{case}: {told}"
    );
    assert!(
        !told.contains("Mina") && told.chars().count() <= 350,
        "{told}"
    );
}

/// The permission that a look-up by e-mail lacks is named, and nothing is done without it.
#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_may_not_see_accounts_is_told_of() {
    let bot = TestBot::identified_by(Identity::Email, Admins::Chat).await;
    bot.slack.change(JO, "is_owner", json!(true));
    set_up(&bot, |server| server.sees_members = false);
    let told = told(&bot).await;
    assert!(
        told.contains("lacks the permission view_members") && told.contains(NOTHING),
        "{told}"
    );
}

/// An account with a password of the server's own: its e-mail counts where the server has addresses verified.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_the_server_has_verified_counts() {
    let bot = TestBot::new().await;
    let card = told(&bot).await;
    assert!(card.contains(CARD), "{card}");
    set_up(&bot, |server| server.requires_verification = "false");
    bot.clock.advance(Span::minutes(1));
    assert_unknown(&told(&bot).await, "RequireEmailVerification");
}

/// LDAP and SAML bring the organization's address. Other services count only where the settings trust them.
#[tokio::test(flavor = "multi_thread")]
async fn the_service_that_somebody_signs_in_by_decides() {
    for (service, counts) in [
        ("ldap", true),
        ("saml", true),
        ("gitlab", false),
        ("openid", false),
        ("google", false),
        ("office365", false),
        ("email", false),
        ("LDAP", false),
    ] {
        let bot = TestBot::new().await;
        set_up(&bot, |server| server.requires_verification = "false");
        bot.slack.change(JO, "auth_service", json!(service));
        let told = told(&bot).await;
        if counts {
            assert!(told.contains(CARD), "{service}: {told}");
        } else {
            assert_unknown(&told, service);
        }
    }
    let bot = TestBot::trusting(&["gitlab"]).await;
    bot.slack.change(JO, "auth_service", json!("gitlab"));
    let card = told(&bot).await;
    assert!(card.contains(CARD), "{card}");
    bot.slack.change(JO, "auth_service", json!("openid"));
    bot.clock.advance(Span::minutes(1));
    assert_unknown(&told(&bot).await, "another service");
}

/// Whoever signed in by a service with a claimed address can switch to a password of the server's own, and keeps the
/// address as confirmed: `CreateOAuthUser` (`app/user.go`) sets `EmailVerified`, and `UpdatePassword` of the user store,
/// which `SwitchOAuthToEmail` (`app/oauth.go`) calls, empties `AuthService` alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_set_after_a_claimed_address_confirms_nothing() {
    let services: [(&str, &'static [&'static str]); 4] = [
        ("GitLab", &["gitlab"]),
        ("Google", &["google"]),
        ("Office365", &["office365"]),
        ("OpenId", &["openid"]),
    ];
    for (setting, service) in services {
        let bot = TestBot::new().await;
        set_up(&bot, |server| server.sign_up_services = vec![setting]);
        bot.slack.change(JO, "auth_service", json!(service[0]));
        assert_unknown(&told(&bot).await, setting);
        // Jo's claimed account has a password now.
        bot.slack.change(JO, "auth_service", json!(""));
        bot.clock.advance(Span::minutes(1));
        assert_unknown(&told(&bot).await, setting);

        let bot = TestBot::trusting(service).await;
        set_up(&bot, |server| server.sign_up_services = vec![setting]);
        let card = told(&bot).await;
        assert!(card.contains(CARD), "{setting} is trusted: {card}");
        let another = if setting == "GitLab" {
            "OpenId"
        } else {
            "GitLab"
        };
        set_up(&bot, |server| server.sign_up_services.push(another));
        bot.clock.advance(Span::minutes(1));
        assert_unknown(&told(&bot).await, another);
    }
    // What the organization's directory set counts all the same.
    let bot = TestBot::new().await;
    set_up(&bot, |server| server.sign_up_services = vec!["OpenId"]);
    bot.slack.change(JO, "auth_service", json!("ldap"));
    let card = told(&bot).await;
    assert!(card.contains(CARD), "{card}");
}

/// Without a licence the client configuration calls Google, Office 365 and `OpenID` Connect off, and the server lets people
/// sign in by them all the same if their settings are on.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_needs_a_licence_counts_without_one() {
    for setting in ["GitLab", "Google", "Office365", "OpenId"] {
        let bot = TestBot::new().await;
        set_up(&bot, |server| {
            server.has_licence = false;
            server.sign_up_services = vec![setting];
        });
        assert_unknown(&told(&bot).await, setting);
        set_up(&bot, |server| server.sign_up_services.clear());
        bot.clock.advance(Span::minutes(1));
        let card = told(&bot).await;
        assert!(card.contains(CARD), "{setting} is off: {card}");
    }
}

/// A service that is switched on after the card stops the reset, which reads it anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_switched_on_stops_a_begun_reset() {
    let bot = TestBot::new().await;
    let ready = bot
        .on(Platform::Mattermost)
        .last_look(JO, MINA, "deliver_phone")
        .await;
    set_up(&bot, |server| server.sign_up_services = vec!["GitLab"]);
    bot.click(JO, &ready, "confirm").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("I can't tell who you are") && told.contains(NOTHING),
        "{told}"
    );
    assert_eq!(bot.count("slot where returned_at is null").await, 0);
}

/// A bot without `manage_system` sees no service of anybody, so that nothing tells a password of the server's own from an
/// address that somebody claimed. A reset that was begun before the bot lost the permission stops as well.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_bot_may_not_see_counts_for_nothing() {
    let bot = TestBot::new().await;
    set_up(&bot, |server| server.permissions.clear());
    bot.slack.change(JO, "auth_service", json!("gitlab"));
    assert_unknown(&told(&bot).await, "a hidden service");

    let bot = TestBot::new().await;
    let ready = bot
        .on(Platform::Mattermost)
        .last_look(JO, MINA, "deliver_phone")
        .await;
    set_up(&bot, |server| server.permissions.clear());
    bot.click(JO, &ready, "confirm").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("I can't tell who you are") && told.contains(NOTHING),
        "{told}"
    );
    assert_eq!(bot.count("slot where returned_at is null").await, 0);
}

/// Where the server does not say how people sign in, the caller is told that the chat does not answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_say_who_somebody_is_is_told() {
    let bot = TestBot::new().await;
    set_up(&bot, |server| server.tells_roles = false);
    let told = told(&bot).await;
    assert!(
        told.contains("The chat doesn't answer") && told.contains(NOTHING),
        "{told}"
    );
}

/// What the server said before does not count while it says nothing: the bot may have lost its rights meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_said_before_counts_for_a_minute() {
    let bot = TestBot::new().await;
    let card = told(&bot).await;
    assert!(card.contains(CARD), "{card}");
    set_up(&bot, |server| server.tells_roles = false);
    for seconds in [60, 1, 60] {
        bot.clock.advance(Span::seconds(seconds));
        let told = told(&bot).await;
        assert!(
            told.contains("The chat doesn't answer") && told.contains(NOTHING),
            "{seconds}: {told}"
        );
    }
    set_up(&bot, |server| server.tells_roles = true);
    bot.clock.advance(Span::minutes(1));
    let card = told(&bot).await;
    assert!(card.contains(CARD), "{card}");
}

/// An account of another server, known through a shared channel, is a stranger, whatever its e-mail.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_of_another_server_is_a_stranger() {
    let bot = TestBot::new().await;
    bot.slack.change(MINA, "remote_id", json!("r".repeat(26)));
    let mention = format!("<@{}>", user_id(MINA));
    let told = bot
        .on(Platform::Mattermost)
        .command(JO, &mention)
        .await
        .text();
    assert!(
        told.contains("is not in this workspace.") && told.contains(NOTHING),
        "{told}"
    );
    bot.slack.change(JO, "remote_id", json!("r".repeat(26)));
    bot.clock.advance(Span::minutes(1));
    let told = bot.command(JO, MINA).await.text();
    assert!(told.contains("this is another workspace"), "{told}");
}

/// Whoever is not linked is told their id, and nothing is said of e-mails, which do not count.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_not_linked_is_told_their_id() {
    let bot = linked_with(Admins::Directory, &[KIM]).await;
    let refused = told(&bot).await;
    assert_unknown(&refused, "not linked");
    assert!(!refused.contains("email of your chat account"), "{refused}");
    link(&bot, &[JO]).await;
    let card = told(&bot).await;
    assert!(card.contains(CARD), "{card}");
}

/// A mention of somebody outside the team of the channel is looked up by name, and the link of their id counts.
#[tokio::test(flavor = "multi_thread")]
async fn a_mention_from_outside_the_team_names_the_account() {
    let name = user_id(MINA).to_lowercase();
    for identity in [Identity::Linked, Identity::Email] {
        let bot = TestBot::identified_by(identity, Admins::Directory).await;
        link(&bot, &[JO, MINA]).await;
        let card = bot
            .on(Platform::Mattermost)
            .command(JO, &format!("@{name} lost it"))
            .await
            .json();
        let text = crate::support::slack::text_of(&card);
        assert!(text.contains(CARD), "{identity:?}: {text}");
        // The card means the account, whoever has the name later.
        set_up(&bot, |server| {
            server.usernames.insert(id_of(MINA), "married".to_owned());
            server.usernames.insert(id_of(NOA), name.clone());
        });
        bot.clock.advance(Span::minutes(1));
        bot.click(JO, &card, "deliver_phone").await;
        bot.click(JO, &bot.slack.last(), "confirm").await;
        let done = bot.slack.last_text();
        assert!(
            done.contains("Done: Mina Park has a new password"),
            "{done}"
        );
        bot.outbox.take();
    }
}

/// What a sentence puts around a name, and whether the server resolves it for a member of the command's team.
const AROUND: &[(&str, bool)] = &[
    ("@NAME", true),
    ("(@NAME)", true),
    ("@NAME's", true),
    ("@NAME\u{2019}s", true),
    ("@NAME님", true),
    ("@NAMEさん", true),
    ("@NAME先生", true),
    ("**@NAME**", true),
    ("@NAME;lost", true),
    ("@NAME:", false),
    ("@NAME.", true),
    ("@NAME.-_", true),
    ("why @NAME?", true),
];

/// What is not the account's name, or is not seen as it, and whether the server resolves it all the same.
const NO_NAME: &[(&str, bool)] = &[
    ("@NAME@acme.example", true),
    ("@NAME:acme", false),
    ("x@NAME", false),
    ("@NAME@unoa", true),
    ("@NAME..........", true),
    // The server ends a name at the first letter that is not ASCII; whoever reads the word sees another name.
    ("@NAME\u{430}", true),
    ("@NAME\u{3b1}님", true),
    ("@NAME\u{e9}", true),
    ("@NAMEe\u{301}", false),
    ("@NAME\u{301}", true),
    ("@NAME\u{585}", true),
    // What shows nothing hides that the name goes on; others look like `-` or `_`.
    ("@NAME\u{fe0f}a", true),
    ("@NAME\u{1160}a", true),
    ("@NAME\u{3164}a", true),
    ("@NAME\u{2011}a", true),
    ("@NAME\u{ff3f}a", true),
];

/// Of somebody outside the command's team, and of a member of it, whom the server lists beside the text.
fn outside_and_inside(written: &str) -> [String; 2] {
    let id = user_id(MINA);
    [id.to_lowercase(), format!("<@{id}>")].map(|name| {
        let at = if name.starts_with('<') {
            "@NAME"
        } else {
            "NAME"
        };
        written.replace(at, &name)
    })
}

/// True where the server lists somebody beside the text.
fn is_listed(bot: &TestBot, text: &str) -> bool {
    mattermost::command_body(&id_of(JO), text, "", 1, bot.clock.now()).contains("user_mentions=")
}

/// A name with what a sentence puts around it, resolved by the server or looked up.
#[tokio::test(flavor = "multi_thread")]
async fn a_mention_is_read_out_of_a_sentence() {
    let bot = linked_with(Admins::Directory, &[JO, MINA]).await;
    // Here nobody is found by the name, so only the server's list tells who is meant.
    let renamed = linked_with(Admins::Directory, &[JO, MINA]).await;
    set_up(&renamed, |server| {
        server.usernames.insert(id_of(MINA), "married".to_owned());
    });
    for (written, is_resolved) in AROUND {
        let [outside, inside] = outside_and_inside(written);
        assert!(!is_listed(&bot, &outside), "{outside}");
        assert_eq!(is_listed(&bot, &inside), *is_resolved, "{inside}");
        let by_list = if *is_resolved { &renamed } else { &bot };
        for (bot, text) in [(&bot, outside), (by_list, inside)] {
            let told = bot.command(JO, &text).await.text();
            assert!(told.contains("Mina Park"), "{text}: {told}");
        }
    }
    let capitals = format!("\"@{}\",", user_id(MINA));
    let told = bot.command(JO, &capitals).await.text();
    assert!(told.contains("Mina Park"), "{capitals}: {told}");
    for (written, is_resolved) in NO_NAME {
        let [outside, inside] = outside_and_inside(written);
        assert_eq!(is_listed(&bot, &inside), *is_resolved, "{inside}");
        for text in [outside, inside] {
            let told = bot.command(JO, &text).await.text();
            assert!(
                told.contains("exactly one account") && told.contains(NOTHING),
                "{text}: {told}"
            );
        }
    }
    for both in ["@uminapark,@unoa", "<@UMINAPARK>,<@UNOA>"] {
        let text = bot.command(JO, both).await.text();
        assert!(text.contains("one member at a time"), "{both}: {text}");
    }
}

/// What stands for several people, or for the server itself, is no member, and is called so.
#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_no_member() {
    let bot = TestBot::new().await;
    for group in ["all", "channel", "here", "system", "All,", "here:"] {
        for before in ["", "why ", "log ", "contact "] {
            let told = bot
                .on(Platform::Mattermost)
                .command(JO, &format!("{before}@{group}"))
                .await
                .text();
            let name = group.trim_end_matches([',', ':']).to_lowercase();
            // The answer mentions nobody either.
            assert!(
                told.contains(&format!("@\u{200b}{name} is not a member.")),
                "{before}{group}: {told}"
            );
            assert!(
                told.contains(NOTHING) && told.contains("(ref ") && told.chars().count() <= 350,
                "{told}"
            );
        }
    }
    // In a reason it is a word like any other.
    let card = bot.command(JO, &format!("{MINA} asked @here")).await;
    assert!(card.text().contains(CARD), "{}", card.text());
}

/// Ranks of the chat go with links too: the linked owner has the right, and their rank protects them however they are named.
#[tokio::test(flavor = "multi_thread")]
async fn ranks_of_the_chat_follow_links() {
    let bot = linked_with(Admins::Chat, &[LEE, KIM, MINA]).await;
    // No e-mail of the chat leads to them, and the directory gives Lee no role.
    for who in [LEE, KIM, MINA] {
        bot.slack
            .change(who, "profile", json!({ "email": format!("private.{who}") }));
    }
    bot.slack.change(LEE, "is_owner", json!(true));
    bot.slack.change(KIM, "is_admin", json!(true));
    let card = bot.command(LEE, MINA).await.text();
    assert!(card.contains(CARD), "{card}");
    let mention = format!("<@{}>", user_id(LEE));
    for named in [LEE, mention.as_str()] {
        let refused = bot.command(KIM, named).await.text();
        assert!(
            refused.contains("primary admin") && refused.contains(NOTHING),
            "{named}: {refused}"
        );
    }
    let mina = bot.command(MINA, NOA).await.text();
    assert!(mina.contains("You can't reset passwords"), "{mina}");
    // Rights and protection are read anew at the click.
    let ready = bot.last_look(KIM, MINA, "deliver_phone").await;
    bot.slack.change(MINA, "is_owner", json!(true));
    bot.click(KIM, &ready, "confirm").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("primary admin") && told.contains(NOTHING),
        "{told}"
    );
    assert_eq!(bot.count("slot where returned_at is null").await, 0);
}

/// The rank that a linked account has in another chat protects as well.
#[tokio::test(flavor = "multi_thread")]
async fn a_rank_in_another_chat_protects() {
    for (platform, id) in [
        (Platform::Slack, user_id(LEE)),
        (Platform::Lark, lark::id_of(LEE)),
    ] {
        let bot = linked_with(Admins::Chat, &[KIM]).await;
        let link = (platform, id, LEE.to_owned());
        bot.app.store.link(vec![link]).await.unwrap();
        for who in [LEE, KIM] {
            bot.slack
                .change(who, "profile", json!({ "email": format!("private.{who}") }));
        }
        bot.slack.change(KIM, "is_admin", json!(true));
        let card = bot.command(KIM, LEE).await.text();
        assert!(
            card.contains("Reset Lee Han's password?"),
            "{platform}: {card}"
        );
        bot.slack.change(LEE, "is_owner", json!(true));
        bot.clock.advance(Span::minutes(1));
        let refused = bot.command(KIM, LEE).await.text();
        assert!(
            refused.contains("primary admin") && refused.contains(NOTHING),
            "{platform}: {refused}"
        );
    }
}

/// A response address is remembered by its id alone, so a `SiteURL` that is another address than ours answers commands too.
#[tokio::test(flavor = "multi_thread")]
async fn another_site_url_stops_no_command() {
    let bot = TestBot::new().await;
    let hook = format!(
        "https://other.example/hooks/commands/{}",
        mattermost::hook_id(1)
    );
    let body = mattermost::command_body(&id_of(JO), "help", &hook, 1, bot.clock.now());
    let answer = bot.post_to_mattermost("/mattermost/commands", body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// For a card the bot's rights are read once, whatever they are needed for, and kept for a minute. The act reads them anew.
#[tokio::test(flavor = "multi_thread")]
async fn the_rights_of_the_bot_are_read_once_for_a_card() {
    let bot = TestBot::new().await;
    let read = || bot.slack.memory.mattermost.lock().unwrap().rights_asked;
    bot.on(Platform::Mattermost).command(JO, MINA).await;
    assert_eq!(read(), 1, "a card");
    bot.command(JO, NOA).await;
    assert_eq!(read(), 1, "another one within the minute");
    bot.clock.advance(Span::minutes(1));
    let card = bot.command(JO, MINA).await.json();
    assert_eq!(read(), 2, "a minute later");
    bot.click(JO, &card, "deliver_copy").await;
    assert_eq!(read(), 2, "a click that only shows something");
    bot.click(JO, &bot.slack.last(), "confirm").await;
    assert!(read() > 2, "the act trusts nothing that is older");
}
