//! What every directory has to do: one list of behaviours, run on the built-in one and on the real servers, from the signed
//! command to a real sign-in at the directory itself.

mod privileged;
mod self_write;
mod user_names;

use relatch::app::Admins;
use relatch::directory::Backend;
use relatch::domain::{Span, State};
use relatch::flow::pins;
use relatch::store::HistoryFilter;

use crate::support::TestBot;
use crate::support::directories::builtin::Builtin;
use crate::support::directories::ldap::{Kind, Server};
use crate::support::directories::proxy;
use crate::support::directories::web::{self, Blind, Fake};
use crate::support::directories::{CHOSEN, OLD, SignIn, Trouble, World, example};
use crate::support::slack::{button_value, shown_password, text_of};

const JO: &str = "jo@acme.example";
const NOTHING: &str = "Nothing was changed.";

fn email(name: &str) -> String {
    format!("{name}@corp.example")
}

/// What the administrator reads when they name a member.
async fn card_text(bot: &TestBot, name: &str) -> String {
    text_of(&bot.command(JO, &email(name)).await.json())
}

/// From the command by e-mail to the end by Copy.
async fn reset(bot: &TestBot, name: &str) -> serde_json::Value {
    let mut card = bot.command(JO, &email(name)).await.json();
    assert!(
        button_value(&card, "cancel").is_some(),
        "no card for {name}: {}",
        text_of(&card)
    );
    if button_value(&card, "deliver_copy").is_none() {
        bot.click(JO, &card, "reachable").await;
        card = bot.slack.last();
    }
    bot.click(JO, &card, "deliver_copy").await;
    bot.click(JO, &bot.slack.last(), "confirm").await;
    bot.slack.last()
}

async fn ended(bot: &TestBot) -> (State, bool) {
    let past = bot
        .app
        .store
        .history(&HistoryFilter::default())
        .await
        .unwrap();
    (past[0].reset.state, past[0].is_slot_returned)
}

/// S17, S29, S32, S34: the new password works and has to be changed, the old one is dead at once, and after the change the
/// temporary one is dead too. What is told is what was read back.
async fn a_reset_is_proved_by_a_real_sign_in(world: &impl World) {
    let (bot, traits) = (world.bot().await, world.traits());
    assert_eq!(world.sign_in("eli", OLD).await, SignIn::In);
    let card = card_text(&bot, "eli").await;
    assert!(
        card.contains("eli Corp") && card.contains(traits.name),
        "{card}"
    );
    assert_eq!(
        card.contains("can't sign people out"),
        !traits.can_sign_out,
        "{card}"
    );
    assert_eq!(
        card.contains("can't make them set a new password"),
        !traits.must_change,
        "{card}"
    );

    let result = reset(&bot, "eli").await;
    let (password, told) = (
        shown_password(&result).expect("a password"),
        text_of(&result),
    );
    assert_eq!(
        told.contains("✓ password changed, must set a new one"),
        traits.must_change,
        "{told}"
    );
    assert_eq!(
        told.contains("signed out everywhere"),
        traits.can_sign_out,
        "{told}"
    );
    assert_eq!(ended(&bot).await, (State::Delivered, false));
    assert_eq!(
        world.sign_in("eli", OLD).await,
        SignIn::Refused,
        "the old password works"
    );
    let expected = if traits.must_change {
        SignIn::MustChange
    } else {
        SignIn::In
    };
    assert_eq!(world.sign_in("eli", &password).await, expected);
    world.change_own("eli", &password).await;
    assert_eq!(world.sign_in("eli", CHOSEN).await, SignIn::In);
    assert_eq!(
        world.sign_in("eli", &password).await,
        SignIn::Refused,
        "the temporary password works"
    );
}

/// S16: an account out of use is refused before anything is written: in some directories the reset itself would wake it.
async fn an_account_out_of_use_is_refused(world: &impl World) {
    let bot = world.bot().await;
    let before = world.changes().await;
    let told = card_text(&bot, "adm").await;
    assert!(
        told.contains("is Suspended") && told.contains(NOTHING),
        "{told}"
    );
    assert_eq!(world.changes().await, before);
    assert_eq!(world.sign_in("adm", OLD).await, SignIn::Refused);
}

/// Q13: a lock of failed sign-ins is lifted by the reset.
async fn a_lock_of_failed_sign_ins_is_lifted(world: &impl World) {
    let (bot, traits) = (world.bot().await, world.traits());
    if !traits.locks {
        return;
    }
    world.lock("loc").await;
    // Ours asks for a code then.
    assert_ne!(
        world.sign_in("loc", OLD).await,
        SignIn::In,
        "the account is not locked"
    );
    let password = shown_password(&reset(&bot, "loc").await).expect("a password");
    assert_eq!(world.sign_in("loc", &password).await, SignIn::MustChange);
}

/// Q5: a forced change that is not in force is told, before and after.
async fn a_password_that_never_expires_is_told(world: &impl World) {
    let (bot, traits) = (world.bot().await, world.traits());
    if !traits.has_never_expires {
        return;
    }
    assert!(card_text(&bot, "nev").await.contains("never expires"));
    let result = reset(&bot, "nev").await;
    let told = text_of(&result);
    assert!(
        told.contains("must set a new one: not enforced, the account's password never expires"),
        "{told}"
    );
    assert_eq!(
        world
            .sign_in("nev", &shown_password(&result).unwrap())
            .await,
        SignIn::In
    );
    assert_eq!(world.sign_in("nev", OLD).await, SignIn::Refused);
}

async fn a_protected_account_is_refused(world: &impl World) {
    let (bot, traits) = (world.bot().await, world.traits());
    if !traits.has_protected {
        return;
    }
    let before = world.changes().await;
    let told = card_text(&bot, "pri").await;
    assert!(
        told.contains("is protected") && told.contains(NOTHING),
        "{told}"
    );
    assert_eq!(world.changes().await, before);
    assert_eq!(world.sign_in("pri", OLD).await, SignIn::In);
}

/// S15: neither nobody nor two are narrowed down.
async fn only_exactly_one_match_is_gone_on_with(world: &impl World) {
    let bot = world.bot().await;
    let names: &[&str] = if world.traits().can_hold_two {
        &["two", "nobody"]
    } else {
        &["nobody"]
    };
    for name in names {
        let told = card_text(&bot, name).await;
        assert!(
            told.contains("I can't find exactly one account") && told.contains(NOTHING),
            "{told}"
        );
    }
}

/// The directory's own policy is a definite no: nothing was changed, the slot comes back, the old password lives.
async fn a_refusal_by_policy_changes_nothing(world: &impl World) {
    let (bot, traits) = (world.bot_bound_by_policy().await, world.traits());
    if !traits.has_policy {
        return;
    }
    world.set_least_length(14).await;
    let told = text_of(&reset(&bot, "pol").await);
    world.set_least_length(8).await;
    assert!(
        told.contains(&format!("{} refuses this reset", traits.name)),
        "{told}"
    );
    assert!(
        told.contains("policy") && told.contains(NOTHING) && told.contains("No reset was used"),
        "{told}"
    );
    assert_eq!(ended(&bot).await, (State::Refused, true));
    assert_eq!(world.sign_in("pol", OLD).await, SignIn::In);
}

/// P1, P4: silence in the middle of a change is an unknown end, whatever happened behind it; the directory is looked at,
/// what is seen is told, and nothing is sent a second time.
async fn silence_in_the_middle_of_a_change_is_an_unknown_end(world: &impl World) {
    for (name, trouble, is_changed) in [
        ("hung", Trouble::HangBefore, false),
        ("lost", Trouble::HangAfter, true),
        ("died", Trouble::Die, true),
    ] {
        let bot = world.bot().await;
        let before = world.changes().await;
        world.next_change(trouble);
        let told = text_of(&reset(&bot, name).await);
        assert!(
            told.contains("stopped answering half-way"),
            "{trouble:?}: {told}"
        );
        assert!(
            !told.contains(NOTHING) && told.contains("Run the command again to be sure"),
            "{trouble:?}: {told}"
        );
        let seen = match (world.traits().tells_changes, is_changed) {
            (true, true) => "The directory shows a change",
            (true, false) => "No change is seen",
            (false, _) => "The password may have been changed",
        };
        assert!(told.contains(seen), "{trouble:?}: {told}");
        assert_eq!(ended(&bot).await, (State::Unknown, false), "{trouble:?}");
        assert_eq!(
            world.changes().await - before,
            usize::from(is_changed),
            "{trouble:?}: a change was sent twice"
        );
        assert_eq!(
            world.sign_in(name, OLD).await,
            if is_changed {
                SignIn::Refused
            } else {
                SignIn::In
            },
            "{trouble:?}"
        );
    }
}

/// Nobody else is told the account's password, and a member is not reset by a server that only says it is ours.
async fn a_wrong_certificate_is_no_directory(world: &impl World) {
    let Some((bot, seen)) = world.bot_with_wrong_certificate().await else {
        return;
    };
    let told = card_text(&bot, "cert").await;
    assert!(
        told.contains(&format!("{} doesn't answer.", world.traits().name)),
        "{told}"
    );
    assert!(
        told.contains(NOTHING) && told.contains("No reset was used"),
        "{told}"
    );
    assert_eq!(seen.messages(), 0, "something was said to a stranger");
}

/// A server that does not encrypt hears nothing of us, the account's password least of all.
async fn nothing_is_said_in_the_clear(world: &impl World) {
    let Some((bot, seen)) = world.bot_without_encryption().await else {
        return;
    };
    let told = card_text(&bot, "cert").await;
    assert!(
        told.contains("doesn't answer.") && told.contains(NOTHING),
        "{told}"
    );
    assert_eq!(seen.messages(), 0, "something was said in the clear");
}

/// `relatch check` tries everything up to the right to reset, and changes nothing.
async fn a_check_finds_what_is_missing(world: &impl World) {
    let bot = world.bot().await;
    let before = world.changes().await;
    for home in bot.app.directories.remote() {
        assert_eq!(home.probe().await, Ok(()));
    }
    if let Some(bot) = world
        .bot_without_right()
        .await
        .filter(|_| world.traits().tells_rights)
    {
        let told = bot
            .app
            .directories
            .remote()
            .next()
            .unwrap()
            .probe()
            .await
            .unwrap_err();
        assert!(
            told.contains("no right to reset") || told.contains("may not write"),
            "{told}"
        );
    }
    if let Some((bot, _)) = world.bot_with_wrong_certificate().await {
        assert!(
            bot.app
                .directories
                .remote()
                .next()
                .unwrap()
                .probe()
                .await
                .is_err()
        );
    }
    assert_eq!(world.changes().await, before);
}

async fn an_account_without_the_right_is_told(world: &impl World) {
    let Some(bot) = world.bot_without_right().await else {
        return;
    };
    let told = text_of(&reset(&bot, "auth").await);
    assert!(
        told.contains("has no right to reset this member") && told.contains(NOTHING),
        "{told}"
    );
    assert_eq!(ended(&bot).await, (State::Refused, true));
    assert_eq!(world.sign_in("auth", OLD).await, SignIn::In);
}

/// Runs the list. Whatever is added here runs on every directory.
async fn all(world: impl World) {
    a_reset_is_proved_by_a_real_sign_in(&world).await;
    an_account_out_of_use_is_refused(&world).await;
    a_lock_of_failed_sign_ins_is_lifted(&world).await;
    a_password_that_never_expires_is_told(&world).await;
    a_protected_account_is_refused(&world).await;
    only_exactly_one_match_is_gone_on_with(&world).await;
    a_refusal_by_policy_changes_nothing(&world).await;
    an_account_without_the_right_is_told(&world).await;
    a_check_finds_what_is_missing(&world).await;
    a_wrong_certificate_is_no_directory(&world).await;
    nothing_is_said_in_the_clear(&world).await;
    silence_in_the_middle_of_a_change_is_an_unknown_end(&world).await;
}

/// What the README tells operators to write and to grant is what these tests run with.
#[test]
fn the_readme_shows_what_is_tested() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let readme = read("README.md");
    for name in ["openldap", "active-directory", "keycloak", "lark"] {
        assert!(
            readme.contains(&example(name)),
            "the README has other settings for {name}"
        );
    }
    // The rights, line by line, without what the tests need beside them.
    for (script, begin) in [
        ("slapd.sh", "access to attrs=userPassword"),
        ("ds389.sh", "aci: (targetattr = \"*\")"),
        ("samba.sh", "CR;00299570"),
    ] {
        let (_, rest) = readme
            .split_once(begin)
            .unwrap_or_else(|| panic!("no rights for {script}"));
        let tested = read(&format!("tests/servers/{script}"));
        let shown = rest.split("```").next().unwrap();
        for line in shown
            .lines()
            .skip(1)
            .map(str::trim)
            .filter(|line| !line.is_empty())
        {
            assert!(tested.contains(line), "{script} does not have: {line}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn builtin() {
    all(Builtin::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keycloak() {
    let fake = Fake::start(web::Kind::Keycloak).await;
    a_password_kept_elsewhere_is_refused_with_where_to_go(&fake).await;
    who_administers_the_realm_by_a_group_is_protected(&fake).await;
    a_realm_made_anew_is_found_again(&fake).await;
    sessions_are_ended(&fake).await;
    all(fake).await;
}

async fn who_administers_the_realm_by_a_group_is_protected(fake: &Fake) {
    let told = card_text(&fake.bot().await, "grp").await;
    assert!(
        told.contains("is protected") && told.contains(NOTHING),
        "{told}"
    );
    assert_eq!(
        (fake.changes().await, fake.sign_in("grp", OLD).await),
        (0, SignIn::In)
    );
}

/// The id of the client that administers a realm is kept, and is another one in a realm that was imported again.
async fn a_realm_made_anew_is_found_again(fake: &Fake) {
    let bot = fake.bot().await;
    assert!(card_text(&bot, "grp").await.contains("is protected"));
    fake.make_realm_anew();
    assert!(card_text(&bot, "grp").await.contains("is protected"));
}

/// Also where nobody is named whom it could look up.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_finds_that_keycloaks_clients_cannot_be_seen() {
    for (blind, is_fine) in [
        (None, true),
        (Some(Blind::Clients), false),
        (Some(Blind::ViewOfClients), false),
    ] {
        let fake = Fake::start(web::Kind::Keycloak).await;
        if let Some(blind) = blind {
            fake.make_blind(blind);
        }
        let settings = fake.own_settings();
        let unnamed: Vec<&str> = settings
            .lines()
            .filter(|line| !line.starts_with("check_account"))
            .collect();
        let bot = TestBot::with_directory(&unnamed.join("\n")).await;
        let checked = bot.app.directories.remote().next().unwrap().probe().await;
        assert_eq!(checked.is_ok(), is_fine, "{blind:?}: {checked:?}");
    }
}

/// Roles that cannot be seen are not taken for none: they might protect the account.
#[tokio::test(flavor = "multi_thread")]
async fn keycloak_without_its_roles_is_no_directory() {
    for blind in [
        Blind::Clients,
        Blind::ViewOfClients,
        Blind::RealmRoles,
        Blind::GoneBeforeRealmRoles,
        Blind::GoneBeforeClientRoles,
    ] {
        let fake = Fake::start(web::Kind::Keycloak).await;
        fake.make_blind(blind);
        let bot = fake.bot().await;
        let told = card_text(&bot, "eli").await;
        assert!(
            told.contains("Corp directory doesn't answer.") && told.contains(NOTHING),
            "{blind:?}: {told}"
        );
        assert_eq!(
            (fake.changes().await, fake.sign_in("eli", OLD).await),
            (0, SignIn::In),
            "{blind:?}"
        );
        assert!(
            bot.app
                .directories
                .remote()
                .next()
                .unwrap()
                .probe()
                .await
                .is_err(),
            "{blind:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lark() {
    let fake = Fake::start(web::Kind::Lark).await;
    sessions_are_ended(&fake).await;
    all(fake).await;
}

/// Where the app may not use Lark's newer call, the older one sets a password that need not be changed; that is told.
#[tokio::test(flavor = "multi_thread")]
async fn larks_older_call_is_told_for_what_it_is() {
    let fake = Fake::start(web::Kind::Lark).await;
    fake.take_scope("passport:password:full");
    let result = reset(&fake.bot().await, "eli").await;
    assert!(
        text_of(&result).contains("must set a new one: not enforced by the directory"),
        "{}",
        text_of(&result)
    );
    assert_eq!(
        fake.sign_in("eli", &shown_password(&result).unwrap()).await,
        SignIn::In
    );
}

/// Keycloak sends its own link: nobody knows a password, nothing is changed, and the button works once.
#[tokio::test(flavor = "multi_thread")]
async fn keycloak_sends_its_own_link() {
    let fake = Fake::start(web::Kind::Keycloak).await;
    let bot = fake.bot().await;
    let card = bot.command(JO, &email("eli")).await.json();
    bot.click(JO, &card, "deliver_directory_link").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("Corp directory sends eli Corp its own link") && told.contains(NOTHING),
        "{told}"
    );
    assert_eq!(fake.links(), ["eli"]);
    assert_eq!(fake.sign_in("eli", OLD).await, SignIn::In);
    bot.click(JO, &card, "deliver_directory_link").await;
    assert_eq!(fake.links(), ["eli"], "a second link was sent");
    assert!(
        bot.app
            .store
            .history(&HistoryFilter::default())
            .await
            .unwrap()
            .is_empty(),
        "a reset was counted"
    );
    // The others' cards do not have it.
    let card = bot.command(JO, "mina.park@acme.example").await.json();
    assert!(button_value(&card, "deliver_directory_link").is_none());
    // Nor can the button of one card be pressed on another's.
    let value = button_value(&card, "cancel").unwrap();
    bot.click_value(JO, "deliver_directory_link", &value).await;
    assert_eq!(fake.links(), ["eli"]);
}

async fn sessions_are_ended(fake: &Fake) {
    assert_eq!(fake.sessions("inj"), 2);
    reset(&fake.bot().await, "inj").await;
    assert_eq!(fake.sessions("inj"), 0);
}

/// S9: whose password lies in another system, or who has none.
async fn a_password_kept_elsewhere_is_refused_with_where_to_go(fake: &Fake) {
    let bot = fake.bot().await;
    let told = card_text(&bot, "fed").await;
    assert!(
        told.contains("kept by another system") && told.contains("Reset it where it is kept"),
        "{told}"
    );
    let told = card_text(&bot, "idp").await;
    assert!(
        told.contains("single sign-on") && told.contains(NOTHING),
        "{told}"
    );
}

/// A directory that is silent is not asked again and again: after three failures the answer comes at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_silent_directory_is_left_alone_for_a_while() {
    let (address, seen) = proxy::hang_up().await;
    let fake = Fake::start(web::Kind::Keycloak).await;
    let url = format!("url = \"http://{address}\"");
    let settings = fake.own_settings();
    let dead = settings.lines().map(|line| {
        if line.starts_with("url") {
            url.as_str()
        } else {
            line
        }
    });
    let bot = TestBot::with_directory(&dead.collect::<Vec<_>>().join("\n")).await;
    for _ in 0..3 {
        assert!(
            card_text(&bot, "eli")
                .await
                .contains("Corp directory doesn't answer")
        );
    }
    let before = seen.messages();
    assert!(before >= 3);
    assert!(
        card_text(&bot, "eli")
            .await
            .contains("Corp directory doesn't answer")
    );
    assert_eq!(seen.messages(), before, "the silent directory was asked");
    bot.clock.advance(Span::seconds(20));
    card_text(&bot, "eli").await;
    assert!(seen.messages() > before, "the directory was given up");
    // The other directory is not touched by it.
    assert!(text_of(&bot.command(JO, "mina.park@acme.example").await.json()).contains("Mina Park"));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs slapd"]
async fn openldap() {
    let server = Server::start(Kind::OpenLdap).await;
    nothing_becomes_part_of_a_filter(&server).await;
    a_name_is_no_part_of_a_dn(&server).await;
    a_group_that_is_not_there_stops_everything(&server).await;
    a_group_without_members_to_be_seen_stops_everything(&server).await;
    a_unix_group_protects_its_members(&server).await;
    a_change_that_the_policy_does_not_ask_for_is_told(&server).await;
    a_refused_account_is_not_tried_again(&server).await;
    a_second_address_is_the_same_person(&server).await;
    an_own_mail_makes_nobody_an_administrator(&server).await;
    user_names::an_entry_is_an_administrator_by_its_name(&server).await;
    user_names::the_name_of_somebody_who_left_gives_no_role(&server).await;
    user_names::a_copied_name_leaves_the_owner_their_role(&server).await;
    user_names::a_check_tells_that_memberuid_gives_no_role(&server).await;
    starttls_is_as_good(&server).await;
    self_write::openldap_does_not_tell(&server).await;
    all(server).await;
}

/// Without its password policy OpenLDAP would keep a written password as it is, for everybody who sees a copy of its data.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs slapd"]
async fn openldap_without_a_policy() {
    let server = Server::start(Kind::PlainOpenLdap).await;
    a_server_that_cannot_hash_is_not_used(&server).await;
    a_reset_is_proved_by_a_real_sign_in(&server).await;

    let password = shown_password(&reset(&server.bot().await, "inj").await).expect("a password");
    let kept = server.kept_password("inj").await;
    assert!(
        kept.starts_with('{') && !kept.contains(&password),
        "the password is kept readable"
    );
    assert_eq!(server.sign_in("inj", &password).await, SignIn::In);
    assert_eq!(server.sign_in("inj", OLD).await, SignIn::Refused);
}

/// Where it shows no operation that hashes, nothing is sent to it.
async fn a_server_that_cannot_hash_is_not_used(server: &Server) {
    let (bot, before) = (
        server.bot_without_right().await.unwrap(),
        server.changes().await,
    );
    let told = text_of(&reset(&bot, "auth").await);
    assert!(
        told.contains("refuses this reset: the server would keep the password readable"),
        "{told}"
    );
    assert!(
        told.contains(NOTHING) && told.contains("No reset was used"),
        "{told}"
    );
    assert_eq!(
        (server.changes().await, ended(&bot).await),
        (before, (State::Refused, true))
    );
    assert_eq!(server.sign_in("auth", OLD).await, SignIn::In);
}

/// 200 e-mails that are well-formed and full of what means something in a filter; the server's own log is read.
async fn nothing_becomes_part_of_a_filter(server: &Server) {
    let bot = server.bot().await;
    let begin = server.logged_filters().len();
    let mut asked = 0;
    for number in 0..200 {
        let marks: String = (0..4)
            .map(|place| char::from(b"*|&!=~'`/{}%$#+-"[(number * 7 + place * 5) % 16]))
            .collect();
        let told = text_of(
            &bot.command(JO, &email(&format!("{marks}x{number}")))
                .await
                .json(),
        );
        assert!(
            told.contains("I can't find exactly one account") && told.contains(NOTHING),
            "{marks}: {told}"
        );
        asked += 1;
        // So that the limits of look-ups do not end it.
        bot.clock.advance(Span::minutes(30));
    }
    // With what no e-mail has, nobody is looked up at all.
    for hostile in [
        "eli)(mail=*@corp.example",
        "*)(uid=*))(|(uid=*@corp.example",
        "eli\\2a@corp.example",
        "eli\u{7f}@corp.example",
    ] {
        let told = text_of(&bot.command(JO, hostile).await.json());
        assert!(told.contains(NOTHING), "{hostile}: {told}");
    }
    let filters: Vec<String> = server
        .logged_filters()
        .split_off(begin)
        .into_iter()
        .filter(|filter| filter.contains("(mail="))
        .collect();
    assert!(
        filters.len() >= asked,
        "{} searches for {asked} members",
        filters.len()
    );
    for filter in filters {
        assert_eq!(filter.matches('(').count(), 3, "{filter}");
        assert!(
            !filter.contains('*') && filter.ends_with("@corp.example))"),
            "{filter}"
        );
    }
}

/// The DN of a member has everything in it that a filter is made of, and stands in the filter of the protected groups.
async fn a_name_is_no_part_of_a_dn(server: &Server) {
    let bot = server.bot().await;
    let card = card_text(&bot, "par").await;
    assert!(card.contains("Par"), "{card}");
    let result = reset(&bot, "par").await;
    assert!(shown_password(&result).is_some(), "{}", text_of(&result));
    let filters = server.logged_filters();
    let of_groups: Vec<&String> = filters
        .iter()
        .filter(|filter| filter.contains("par"))
        .collect();
    assert!(
        of_groups.iter().any(|filter| filter.contains("member=")),
        "{of_groups:?}"
    );
    for filter in of_groups
        .into_iter()
        .filter(|filter| filter.contains("member="))
    {
        assert_eq!(filter.matches('(').count(), 4, "{filter}");
        assert!(!filter.contains('*'), "{filter}");
    }
}

/// A protected group that is misspelt protects nobody, so nobody is reset until it is put right.
async fn a_group_that_is_not_there_stops_everything(server: &Server) {
    let bot =
        TestBot::with_directory(&server.own_settings().replace("=guarded,", "=gaurded,")).await;
    let told = card_text(&bot, "eli").await;
    assert!(
        told.contains("Corp directory doesn't answer.") && told.contains(NOTHING),
        "{told}"
    );
}

/// Nor does what is no group at all, or a group whose members relatch may not read. For a role that is enough: it gives
/// nobody anything.
async fn a_group_without_members_to_be_seen_stops_everything(server: &Server) {
    for group in [
        "ou=people,dc=corp,dc=example",
        "cn=hidden,dc=corp,dc=example",
    ] {
        let bot = TestBot::with_directory(&server.settings_protecting(&[group])).await;
        let told = card_text(&bot, "eli").await;
        assert!(
            told.contains("Corp directory doesn't answer.") && told.contains(NOTHING),
            "{group}: {told}"
        );

        let settings = format!(
            "{}\nprimary_admin_groups = [{group:?}]",
            server.own_settings()
        );
        let told = card_text(&TestBot::with_directory(&settings).await, "eli").await;
        assert!(told.contains("eli Corp"), "{group}: {told}");
    }
}

/// A group of Unix has its members by their user names.
async fn a_unix_group_protects_its_members(server: &Server) {
    let bot =
        TestBot::with_directory(&server.settings_protecting(&["cn=unix,dc=corp,dc=example"])).await;
    for name in ["auth", "par"] {
        let told = card_text(&bot, name).await;
        assert!(
            told.contains("is protected") && told.contains(NOTHING),
            "{told}"
        );
    }
    assert!(!card_text(&bot, "eli").await.contains("is protected"));
}

/// Relatch's own mark is no proof: only the answer to a real sign-in is.
async fn a_change_that_the_policy_does_not_ask_for_is_told(server: &Server) {
    let bot = server.bot().await;
    server.set_must_change(false).await;
    let result = reset(&bot, "ali").await;
    let told = text_of(&result);
    assert!(
        told.contains("must set a new one: not enforced by the directory"),
        "{told}"
    );
    assert_eq!(
        server
            .sign_in("ali", &shown_password(&result).unwrap())
            .await,
        SignIn::In
    );
    server.set_must_change(true).await;
}

/// A wrong password in the settings must not lock relatch's account, however often it is asked for somebody.
async fn a_refused_account_is_not_tried_again(server: &Server) {
    let before = server.refused_binds();
    let bot = TestBot::with_directory(
        &server
            .own_settings()
            .replace("Service-account-1", "Wrong-account-1"),
    )
    .await;
    for _ in 0..2 {
        let told = card_text(&bot, "eli").await;
        assert!(
            told.contains("Corp directory doesn't answer.") && told.contains(NOTHING),
            "{told}"
        );
    }
    assert_eq!(server.refused_binds() - before, 1);
}

/// Whoever is in the list of administrators by one address is protected by every other, and a password is not sent to the
/// mailbox that it opens, by whatever name.
async fn a_second_address_is_the_same_person(server: &Server) {
    let bot = TestBot::with_directory(&server.own_settings()).await;
    let card = bot.command(JO, &email("ali")).await.json();
    bot.click(JO, &card, "deliver_other").await;
    let refused = bot.submit(JO, &email("ali.as")).await.refusal_of_form();
    assert!(
        refused.contains("business email") || refused.contains("work email"),
        "{refused}"
    );

    let list = Admins::List {
        primary: vec![JO.parse().unwrap(), email("ali.as").parse().unwrap()],
        member_and_department: vec!["kim@acme.example".parse().unwrap()],
    };
    let bot = TestBot::with_directory_and_admins(&server.own_settings(), list).await;
    for name in ["ali", "ali.as"] {
        let told = text_of(&bot.command("kim@acme.example", &email(name)).await.json());
        assert!(
            told.contains("is a primary admin") && told.contains(NOTHING),
            "{name}: {told}"
        );
    }
}

/// With `by self write` a member adds an administrator's address to their own entry. They get no right by it, the
/// administrator keeps theirs, and the security address hears of both entries.
async fn an_own_mail_makes_nobody_an_administrator(server: &Server) {
    let list = Admins::List {
        primary: vec![email("ann").parse().unwrap()],
        member_and_department: Vec::new(),
    };
    let bot = TestBot::with_directory_and_admins(&server.own_settings(), list).await;
    for name in ["ann", "mal"] {
        bot.slack.know(&email(name));
    }
    server.add_own("mal", "mail", &email("ann")).await;

    let told = bot.command(&email("mal"), &email("ali")).await.json();
    assert!(
        button_value(&told, "cancel").is_none(),
        "a member has a card: {}",
        text_of(&told)
    );
    assert!(
        text_of(&told).contains(&format!("relatch admins accept {}", email("ann"))),
        "{}",
        text_of(&told)
    );
    let card = bot.command(&email("ann"), &email("ali")).await.json();
    assert!(
        button_value(&card, "cancel").is_some(),
        "the administrator is shut out: {}",
        text_of(&card)
    );
    bot.click(&email("ann"), &card, "deliver_copy").await;
    bot.click(&email("ann"), &bot.slack.last(), "confirm").await;
    assert!(
        shown_password(&bot.slack.last()).is_some(),
        "{}",
        bot.slack.last_text()
    );
    pins::tell(&bot.app).await;
    let told: String = bot
        .outbox
        .take()
        .iter()
        .map(|sent| sent.text.clone())
        .collect();
    let entries = ["ann", "mal"].map(|name| format!("uid={name},ou=people,dc=corp,dc=example"));
    assert!(
        told.contains(&entries.join("; "))
            && told.contains("The right stays with the pinned entry"),
        "{told}"
    );

    // With the administrator gone it is the member's alone, and still gives no right.
    server.remove("ann").await;
    let told = text_of(&bot.command(&email("mal"), &email("ali")).await.json());
    assert!(
        told.contains("relatch admins accept") && told.contains(NOTHING),
        "{told}"
    );
    let told = text_of(&bot.command(&email("ann"), &email("ali")).await.json());
    assert!(
        told.contains("relatch admins accept") && told.contains(NOTHING),
        "{told}"
    );
}

async fn starttls_is_as_good(server: &Server) {
    let bot = TestBot::with_directory(&server.starttls_settings()).await;
    let result = reset(&bot, "inj").await;
    assert_eq!(
        server
            .sign_in("inj", &shown_password(&result).unwrap())
            .await,
        SignIn::MustChange
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs 389-ds-base"]
async fn server_389() {
    let server = Server::start(Kind::Server389).await;
    self_write::server_389_tells_by_its_effective_rights(&server).await;
    user_names::who_may_write_uid_there_may_rename_the_entry(&server).await;
    nothing_becomes_part_of_a_filter(&server).await;
    a_change_that_is_not_forced_is_told(&server).await;
    a_group_that_is_not_there_stops_everything(&server).await;
    all(server).await;
}

/// There the server forces a change only when its password administrator reset it; what is told is what was read back.
async fn a_change_that_is_not_forced_is_told(server: &Server) {
    let bot = server.bot_bound_by_policy().await;
    let result = reset(&bot, "inj").await;
    assert!(
        text_of(&result).contains("must set a new one: not enforced by the directory"),
        "{}",
        text_of(&result)
    );
    assert_eq!(
        server
            .sign_in("inj", &shown_password(&result).unwrap())
            .await,
        SignIn::In
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs samba and krb5-user"]
async fn active_directory() {
    let server = Server::start(Kind::Samba).await;
    privileged::who_administers_the_domain_is_reset_by_nobody(&server).await;
    privileged::who_became_privileged_meanwhile_is_not_reset(&server).await;
    privileged::a_primary_group_gives_a_role(&server).await;
    privileged::groups_that_cannot_be_seen_stop_everything(&server).await;
    self_write::active_directory_tells_by_its_descriptors(&server).await;
    a_group_that_is_not_there_stops_everything(&server).await;
    all(server).await;
}
