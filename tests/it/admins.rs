//! Whom the list of administrators in the settings stands for: a right goes with an entry of the directory, not with an
//! address that somebody has written into their own or was given after somebody else.

use std::sync::Arc;
use std::time::Duration;

use relatch::surface::app::Admins;
use relatch::surface::domain::delivery::Refusal;
use relatch::surface::domain::{MemberId, Span};
use relatch::surface::flow::pins;
use relatch::surface::store::{AdminPin, PinnedBy};

use crate::support::directories::web::{self, Blind, Fake};
use crate::support::slack::{button_value, shown_password, text_of};
use crate::support::{Left, TestBot};

const ANN: &str = "ann@corp.example";
const MAL: &str = "mal@corp.example";
const ELI: &str = "eli@corp.example";
const NEW: &str = "new@corp.example";
const NOTHING: &str = "Nothing was changed.";

fn list(primary: &[&str], delegated: &[&str]) -> Admins {
    let read = |emails: &[&str]| emails.iter().map(|email| email.parse().unwrap()).collect();
    Admins::List {
        primary: read(primary),
        member_and_department: read(delegated),
    }
}

/// A bot before this directory, whose list has these primary administrators.
async fn bot(fake: &Fake, primary: &[&str]) -> TestBot {
    let bot = TestBot::with_directory_and_admins(&fake.own_settings(), list(primary, &[])).await;
    for email in [ANN, MAL, NEW] {
        bot.slack.know(email);
    }
    bot
}

/// What somebody hears who wants to reset a member of the fake directory, and whether it is a card.
async fn asked(bot: &TestBot, who: &str) -> (bool, String) {
    let told = bot.command(who, ELI).await.json();
    (button_value(&told, "cancel").is_some(), text_of(&told))
}

async fn has_right(bot: &TestBot, who: &str) {
    let (is_card, told) = asked(bot, who).await;
    assert!(is_card, "{who} has no right: {told}");
}

/// The refusal of somebody who has an address of the list and not its pin.
async fn is_not_pinned(bot: &TestBot, who: &str, listed: &str) {
    let (is_card, told) = asked(bot, who).await;
    assert!(!is_card, "{who} has a card: {told}");
    assert!(told.contains(NOTHING) && told.contains("(ref "), "{told}");
    assert!(
        told.contains(&format!("relatch admins accept {listed} ")),
        "{told}"
    );
    assert!(told.chars().count() <= 350, "{told}");
    assert!(
        bot.audited("command").await.ends_with("not_pinned"),
        "{}",
        bot.audited("command").await
    );
}

/// What the security address was sent since.
async fn alarms(bot: &TestBot) -> Vec<String> {
    pins::report(&bot.app).await;
    let sent = bot
        .outbox
        .take()
        .into_iter()
        .filter(|sent| sent.to == "security@acme.example");
    sent.map(|sent| sent.text.clone()).collect()
}

/// What `relatch admins accept` writes.
async fn accept(bot: &TestBot, email: &str, id: &str) {
    let entry = Some((MemberId(id.to_owned()), "Somebody".to_owned()));
    let noted_at = bot.clock.now();
    let pin = AdminPin {
        email_key: email.to_owned(),
        entry,
        how: PinnedBy::Accepted,
        noted_at,
    };
    bot.app.store.accept_pin(pin).await.unwrap();
}

/// A member of Lark can give themselves a second e-mail in a domain of the organization; the administrator whose it is keeps
/// the right, and the member has their own rights, which are none.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_of_lark_does_not_become_an_administrator_by_a_second_email() {
    let fake = Fake::start(web::Kind::Lark).await;
    let bot = bot(&fake, &[ANN]).await;
    alarms(&bot).await;
    fake.find_mailboxes();
    fake.set_second_email("mal", ANN);

    is_not_pinned(&bot, MAL, ANN).await;
    has_right(&bot, ANN).await;
    let told = alarms(&bot).await;
    assert!(
        matches!(told.as_slice(), [one] if one.contains("More than one entry") && one.contains(ANN)),
        "{told:?}"
    );
    let ids = [&fake.outward("ann"), &fake.outward("mal")];
    assert!(
        ids.iter().all(|id| told[0].contains(*id)),
        "{told:?} does not name {ids:?}"
    );
}

/// The administrator left, and the address is only a second one of somebody else.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_email_that_nobody_else_has_gives_no_right() {
    let fake = Fake::start(web::Kind::Lark).await;
    let bot = bot(&fake, &[ANN]).await;
    fake.find_mailboxes();
    fake.set_second_email("mal", ANN);
    fake.remove("ann");
    is_not_pinned(&bot, MAL, ANN).await;
    assert!(alarms(&bot).await.concat().contains(&fake.outward("mal")));
}

/// The address of an administrator who left is given to somebody else, who gets no right by it until an operator says so.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_over_an_address_has_no_right_until_it_is_accepted() {
    let fake = Fake::start(web::Kind::Keycloak).await;
    let bot = bot(&fake, &[ANN]).await;
    has_right(&bot, ANN).await;
    fake.remove("ann");
    fake.set_email("mal", ANN);
    is_not_pinned(&bot, ANN, ANN).await;
    let told = alarms(&bot).await.concat();
    assert!(
        told.contains("An entry without the right has it: mal Corp")
            && told.contains("pinned to another"),
        "{told}"
    );

    accept(&bot, ANN, &format!("Corp directory/{}", fake.id("mal"))).await;
    has_right(&bot, ANN).await;
    assert!(
        alarms(&bot)
            .await
            .concat()
            .contains("accepted by an operator")
    );
}

/// An address that found nobody at the start does not wait for the first who comes.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_appears_under_an_address_that_found_nobody_has_no_right() {
    let fake = Fake::start(web::Kind::Keycloak).await;
    let bot = bot(&fake, &[ANN, NEW]).await;
    let told = alarms(&bot).await.concat();
    assert!(told.contains("new@corp.example: nobody has it"), "{told}");
    fake.hire("new");
    pins::pin_listed(&bot.app).await;
    is_not_pinned(&bot, NEW, NEW).await;
    let bot = bot.restart_with_admins(list(&[ANN, NEW], &[])).await;
    is_not_pinned(&bot, NEW, NEW).await;
    has_right(&bot, ANN).await;
}

/// Two entries with a listed address, and none of them pinned: neither has the right, and both are named.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_entries_without_a_pin_none_has_the_right() {
    let fake = Fake::start(web::Kind::Keycloak).await;
    fake.set_email("mal", ANN);
    let bot = bot(&fake, &[ANN]).await;
    let (is_card, told) = asked(&bot, ANN).await;
    assert!(
        !is_card && told.contains("exactly one person") && told.contains(NOTHING),
        "{told}"
    );
    let told = alarms(&bot).await.concat();
    assert!(told.contains("none of them has the right"), "{told}");
    assert!(
        ["ann", "mal"]
            .iter()
            .all(|name| told.contains(&fake.id(name))),
        "{told}"
    );

    // The one that is left then was not pinned either.
    fake.remove("ann");
    is_not_pinned(&bot, ANN, ANN).await;
}

/// Nobody shuts an administrator out by taking their address as well: from the command to the password.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_entries_the_pinned_one_keeps_its_right() {
    let fake = Fake::start(web::Kind::Keycloak).await;
    let bot = bot(&fake, &[ANN]).await;
    let card = bot.command(ANN, ELI).await.json();
    fake.set_email("mal", ANN);
    bot.click(ANN, &card, "deliver_copy").await;
    bot.click(ANN, &bot.slack.last(), "confirm").await;
    assert!(
        shown_password(&bot.slack.last()).is_some(),
        "{}",
        bot.slack.last_text()
    );
    assert!(
        !bot.slack.last_text().contains("for the code"),
        "relatch asks for no code here: {}",
        bot.slack.last_text()
    );
    has_right(&bot, ANN).await;
}

/// S3: the pin is read at each click, not only for the card.
#[tokio::test(flavor = "multi_thread")]
async fn a_pin_that_was_given_to_another_entry_stops_the_click() {
    let fake = Fake::start(web::Kind::Keycloak).await;
    let bot = bot(&fake, &[ANN]).await;
    let card = bot.command(ANN, ELI).await.json();
    bot.click(ANN, &card, "deliver_copy").await;
    accept(&bot, ANN, "Corp directory/somebody-else").await;
    bot.click(ANN, &bot.slack.last(), "confirm").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("relatch admins accept") && told.contains(NOTHING),
        "{told}"
    );
    assert_eq!(bot.count("slot").await, 0);
}

/// The built-in directory gives a new person a new id; the address alone gives them nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_person_with_an_administrators_address_has_no_right() {
    let (jo, lee) = ("jo@acme.example", "lee@acme.example");
    let bot = TestBot::with_admins(list(&[jo], &[])).await;
    assert!(button_value(&bot.command(jo, lee).await.json(), "cancel").is_some());
    bot.replace_id(jo, "id-of-a-new-person").await;
    let told = text_of(&bot.command(jo, lee).await.json());
    assert!(
        told.contains("relatch admins accept jo@acme.example") && told.contains(NOTHING),
        "{told}"
    );
    for command in ["log", "why lee@acme.example"] {
        let told = text_of(&bot.command(jo, command).await.json());
        assert!(
            told.contains("relatch admins accept jo@acme.example"),
            "{command}: {told}"
        );
    }
    // Whoever has no address of the list learns nothing of it.
    let told = text_of(&bot.command(lee, "noa@acme.example").await.json());
    assert!(
        told.contains("You can't reset passwords") && !told.contains("admins accept"),
        "{told}"
    );
}

/// First pins are told once, all in one message, and written down.
#[tokio::test(flavor = "multi_thread")]
async fn first_pins_are_told_and_written_down() {
    let bot = TestBot::with_admins(list(
        &["Jo@ACME.example"],
        &["kim@acme.example", "jo@acme.example"],
    ))
    .await;
    let told = alarms(&bot).await;
    assert!(
        matches!(told.as_slice(), [one] if one.contains("jo@acme.example: Jo Lim (id-jo)")),
        "{told:?}"
    );
    assert!(
        told[0].contains("kim@acme.example: Kim Cho (id-kim)"),
        "{told:?}"
    );
    assert_eq!(bot.audited("pin_admin").await, "first first");
    let pinned = "audit where event = 'pin_admin' and (member_id, detail) in
        (values ('id-jo', 'j···@acme.example'), ('id-kim', 'k···@acme.example'))";
    assert_eq!(bot.count(pinned).await, 2);
    assert_eq!(alarms(&bot).await, [""; 0]);
    let bot = bot
        .restart_with_admins(list(&["Jo@ACME.example"], &["kim@acme.example"]))
        .await;
    assert_eq!(alarms(&bot).await, [""; 0]);
    assert!(
        button_value(
            &bot.command("jo@acme.example", "lee@acme.example")
                .await
                .json(),
            "cancel"
        )
        .is_some()
    );
}

/// What the mail server does not take is told later.
#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_told_is_told_later() {
    let bot = TestBot::with_admins(list(&["jo@acme.example"], &[])).await;
    bot.outbox.fail_next_prepare(Refusal::Unreachable);
    assert_eq!(alarms(&bot).await, [""; 0]);
    assert_eq!(alarms(&bot).await.len(), 1);
}

/// But not at every round: a mail server that is away is left alone for a while.
#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_told_waits_longer_than_a_round() {
    let bot = TestBot::with_admins(list(&["jo@acme.example"], &[])).await;
    for _ in 0..2 {
        bot.outbox.fail_next_prepare(Refusal::Unreachable);
    }
    // The rounds come after 2 s and 12 s; only the first tries.
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let keeping = tokio::time::timeout(
        Duration::from_secs(15),
        pins::run(Arc::clone(&bot.app), stopped),
    );
    assert!(keeping.await.is_err(), "it ended");
    assert_eq!(alarms(&bot).await, [""; 0], "the second try came too soon");
    assert_eq!(alarms(&bot).await.len(), 1);
}

/// An alarm is told when it is news, and again after a day; not with every command.
#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_is_not_told_with_every_command() {
    let fake = Fake::start(web::Kind::Keycloak).await;
    let bot = bot(&fake, &[ANN]).await;
    alarms(&bot).await;
    fake.set_email("mal", ANN);
    let mut told = Vec::new();
    for hours in [0, 1, 22, 2] {
        bot.clock.advance(Span::hours(hours));
        asked(&bot, ANN).await;
        told.push(alarms(&bot).await.len());
    }
    assert_eq!(told, [1, 0, 0, 1]);
    fake.set_email("inj", ANN);
    asked(&bot, ANN).await;
    assert!(alarms(&bot).await.concat().contains(&fake.id("inj")));
    assert_eq!(bot.audited("admin_address").await, "alarm alarm alarm");
    let named = "audit where event = 'admin_address' and detail = 'a···@corp.example'";
    assert_eq!(bot.count(named).await, 3);
}

/// Nor does whoever lets the address wander fill a mailbox: a few a day are told.
#[tokio::test(flavor = "multi_thread")]
async fn alarms_about_one_address_stay_few() {
    let fake = Fake::start(web::Kind::Keycloak).await;
    let bot = bot(&fake, &[ANN]).await;
    alarms(&bot).await;
    let mut told = Vec::new();
    for n in 0..6 {
        let (on, off) = if n % 2 == 0 {
            ("mal", "inj")
        } else {
            ("inj", "mal")
        };
        fake.set_email(off, &format!("{off}@corp.example"));
        fake.set_email(on, ANN);
        bot.clock.advance(Span::hours(1));
        asked(&bot, ANN).await;
        told.push(alarms(&bot).await.len());
    }
    assert_eq!(told, [1, 1, 1, 0, 0, 0]);
    bot.clock.advance(Span::hours(24));
    asked(&bot, ANN).await;
    assert_eq!(alarms(&bot).await.len(), 1);
}

/// The import is an operator's word for whoever it brings under an address that found nobody; not for an address that was
/// somebody else's.
#[tokio::test(flavor = "multi_thread")]
async fn the_import_pins_an_address_that_found_nobody() {
    let bot = TestBot::with_admins(list(&["jo@acme.example", "late@acme.example"], &[])).await;
    assert!(
        alarms(&bot)
            .await
            .concat()
            .contains("late@acme.example: nobody has it")
    );
    let pin = |email: &str| AdminPin {
        email_key: email.to_owned(),
        entry: Some((MemberId("id-new".to_owned()), "Late Comer".to_owned())),
        how: PinnedBy::Import,
        noted_at: bot.clock.now(),
    };
    let pins = ["jo@acme.example", "late@acme.example"].map(pin);
    let pinned = bot.app.store.pin_imported(pins.to_vec()).await.unwrap();
    assert_eq!(pinned, pins[1..]);
    let told = alarms(&bot).await.concat();
    assert!(
        told.contains("late@acme.example: Late Comer (id-new), by the import"),
        "{told}"
    );
}

/// Q8: an administrator whose address was changed is still protected, and so is whoever has the address now.
#[tokio::test(flavor = "multi_thread")]
async fn a_pinned_administrator_stays_protected_without_the_address() {
    let fake = Fake::start(web::Kind::Keycloak).await;
    let admins = list(&[ANN], &[MAL]);
    let bot = TestBot::with_directory_and_admins(&fake.own_settings(), admins).await;
    bot.slack.know(MAL);
    fake.set_email("ann", "renamed@corp.example");
    fake.set_email("inj", ANN);
    for email in ["renamed@corp.example", ANN] {
        let told = text_of(&bot.command(MAL, email).await.json());
        assert!(
            told.contains("is a primary admin") && told.contains(NOTHING),
            "{email}: {told}"
        );
    }
}

/// Taken out of the list and put in again, an address still stands for the entry that it was pinned to.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_comes_back_to_the_list_keeps_its_pin() {
    let fake = Fake::start(web::Kind::Keycloak).await;
    let bot = bot(&fake, &[ANN]).await;
    let bot = bot.restart_with_admins(list(&[MAL], &[])).await;
    assert!(!asked(&bot, ANN).await.0);
    has_right(&bot, MAL).await;
    let back = || list(&["ANN@corp.example"], &[]);
    bot.clock.advance(Span::seconds(1));
    let bot = bot.restart_with_admins(back()).await;
    has_right(&bot, ANN).await;
    fake.remove("ann");
    fake.set_email("mal", ANN);
    bot.clock.advance(Span::seconds(1));
    let bot = bot.restart_with_admins(back()).await;
    is_not_pinned(&bot, ANN, "ANN@corp.example").await;
}

/// A directory that is silent at the start is tried again beside the service, until the stop; till then nobody has a right.
#[tokio::test(flavor = "multi_thread")]
async fn a_silent_directory_is_tried_again() {
    let fake = Fake::start(web::Kind::Keycloak).await;
    fake.make_blind(Blind::Clients);
    let bot = bot(&fake, &[ANN]).await;
    bot.leaves(Left::Messages, "the news of the pin");
    assert_eq!(
        bot.count("admin_pin").await,
        0,
        "what a silent directory said was believed"
    );
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let keeping = tokio::time::timeout(
        Duration::from_mins(1),
        pins::run(Arc::clone(&bot.app), stopped),
    );
    let watching = async {
        fake.make_see();
        is_not_pinned(&bot, ANN, ANN).await;
        while bot.count("admin_pin").await == 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        has_right(&bot, ANN).await;
        stop.send(true).unwrap();
    };
    let (kept, ()) = tokio::join!(keeping, watching);
    kept.expect("it goes on after the stop");
}

/// The start tells of an address in doubt before anybody acts on it.
#[tokio::test(flavor = "multi_thread")]
async fn the_start_looks_whether_addresses_still_lead_to_their_entries() {
    let fake = Fake::start(web::Kind::Keycloak).await;
    let bot = bot(&fake, &[ANN]).await;
    bot.leaves(
        Left::Messages,
        "the alarm of the start, which the log shows",
    );
    alarms(&bot).await;
    fake.set_email("mal", ANN);
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let keeping = tokio::time::timeout(
        Duration::from_mins(1),
        pins::run(Arc::clone(&bot.app), stopped),
    );
    let watching = async {
        while bot.audited("admin_address").await.is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        stop.send(true).unwrap();
    };
    let (kept, ()) = tokio::join!(keeping, watching);
    kept.expect("it goes on after the stop");
}

/// Before the first import nobody is found, which means nothing. Afterwards it does: whoever comes later with a listed
/// address has to be accepted.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_not_pinned_before_the_first_import() {
    let bot = TestBot::with_admins(list(&["later@acme.example"], &[])).await;
    bot.execute("delete from admin_pin").await;
    bot.execute("delete from member").await;
    pins::pin_listed(&bot.app).await;
    assert_eq!(bot.count("admin_pin").await, 0);
    bot.add_member("other").await;
    pins::pin_listed(&bot.app).await;
    assert_eq!(bot.count("admin_pin").await, 1);
    // Another directory does not wait for an import.
    let fake = Fake::start(web::Kind::Keycloak).await;
    let bot = self::bot(&fake, &[ANN, NEW]).await;
    bot.execute("delete from admin_pin").await;
    bot.execute("delete from member").await;
    pins::pin_listed(&bot.app).await;
    assert_eq!(bot.count("admin_pin").await, 2);
}

/// An import speaks for an address that found nobody, and not for one that found several: that one an operator accepts.
#[tokio::test(flavor = "multi_thread")]
async fn an_import_pins_no_address_of_several_entries() {
    let bot = TestBot::new().await;
    let store = &bot.app.store;
    let pin = |email: &str, how, entry| AdminPin {
        email_key: email.to_owned(),
        entry,
        how,
        noted_at: bot.clock.now(),
    };
    let first = vec![
        pin(ANN, PinnedBy::Nobody, None),
        pin(MAL, PinnedBy::Several, None),
    ];
    assert_eq!(store.pin_first(first).await.unwrap().len(), 2);
    bot.clock.advance(Span::hours(1));
    let now = bot.clock.now().0;
    let by_import = |email: &str| {
        let entry = (MemberId(format!("id of {email}")), email.to_owned());
        pin(email, PinnedBy::Import, Some(entry))
    };
    let imported = store.pin_imported(vec![by_import(ANN), by_import(MAL)]);
    let pinned: Vec<String> = imported
        .await
        .unwrap()
        .into_iter()
        .map(|pin| pin.email_key)
        .collect();
    assert_eq!(pinned, [ANN]);
    let pinned_now = format!("admin_pin where how = 'import' and noted_at = {now}");
    assert_eq!(bot.count(&pinned_now).await, 1);
}
