//! What every directory has to do: one list of behaviours, run on the built-in one and on the real servers, from the signed
//! command to a real sign-in at the directory itself.

mod forced_change;
mod keycloak;
mod lark;
mod ldap;
mod ldap_connections;
mod ldap_faults;
mod ldap_servers;
mod lldap;
mod phones;
mod privileged;
mod self_write;
mod user_names;

use relatch::surface::directory::Backend;
use relatch::surface::domain::{Span, State};
use relatch::surface::store::HistoryFilter;

use crate::support::TestBot;
use crate::support::directories::builtin::Builtin;
use crate::support::directories::web::Fake;
use crate::support::directories::{CHOSEN, OLD, SignIn, Trouble, World, example, proxy, web};
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
        !traits.must_change && !world.shows_a_policy_that_is_not_in_force(),
        "{card}"
    );

    let result = reset(&bot, "eli").await;
    let (password, told) = (
        shown_password(&result).expect("a password"),
        text_of(&result),
    );
    assert_eq!(
        told.contains("must set a new one ✓"),
        traits.must_change,
        "{told}"
    );
    assert_eq!(told.contains("signed out ✓"), traits.can_sign_out, "{told}");
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
    if !world.can_put_out_of_use() {
        return;
    }
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
        let is_told = world.traits().tells_changes && (is_changed || world.keeps_every_time());
        let seen = match (is_told, is_changed) {
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
    let name = world.traits().name;
    assert!(
        told.contains(&format!("can't use {name} as it is set up.")),
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
        told.contains("can't use Corp directory as it is set up.") && told.contains(NOTHING),
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
            .unwrap_err()
            .text;
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

async fn sessions_are_ended(fake: &Fake) {
    assert_eq!(fake.sessions("inj"), 2);
    reset(&fake.bot().await, "inj").await;
    assert_eq!(fake.sessions("inj"), 0);
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
