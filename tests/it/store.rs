//! What every store must do, one list of behaviours: races on a slot and on a card, fencing, recovery from each state,
//! one process at a time, and no way back from a newer database. SQLite is the one member so far.

use std::sync::Arc;
use std::time::Duration;

use relatch::surface::chance::Chance;
use relatch::surface::clock::Clock;
use relatch::surface::domain::policy::{self, Case, Party};
use relatch::surface::domain::quota::Limit;
use relatch::surface::domain::{
    Carries, Delivery, MemberId, Permit, ResetId, Span, State, Step, StepOutcome,
};
use relatch::surface::flow::sweep;
use relatch::surface::store::{
    CardClick, Choice, ClickRefused, HistoryFilter, MemberRow, MoveRefused, OpenError, ReplayKey,
    Reservation, StepNote, StepRow, Store, StoreTasks, Use,
};
use tokio::time::timeout;

use crate::support::fresh_folder;
use crate::support::slack::{button_value, user_id};
use crate::support::{Left, PEOPLE, START, TEAM, TestBot};

const JO: &str = "jo@acme.example";
const MINA: &str = "mina.park@acme.example";
const NOA: &str = "noa@acme.example";

/// Long enough for what is not stuck.
const SOON: Duration = Duration::from_secs(20);

/// A permit as the policy gives it to Jo for a member.
async fn permit(bot: &TestBot, member: &str) -> Permit {
    use relatch::surface::directory::{Backend, By, Match};

    let by = [
        By::Email(JO.parse().unwrap()),
        By::Email(member.parse().unwrap()),
    ];
    let found = bot.directory.find(&by).await.unwrap();
    let [Match::One(admin), Match::One(member)] = found.as_slice() else {
        panic!("{found:?}")
    };
    let case = Case {
        admin: Party {
            member: admin,
            role: admin.role,
        },
        member: Party {
            member,
            role: member.role,
        },
    };
    policy::approve(&case).unwrap()
}

/// A card on which Copy was chosen, by its id.
async fn chosen(bot: &TestBot, member: &str) -> ResetId {
    let ready = bot.last_look(JO, member, "deliver_copy").await;
    bot.app
        .keys
        .read_button_value(&button_value(&ready, "confirm").unwrap())
        .unwrap()
        .0
}

/// The same for a member who may still be able to sign in.
async fn chosen_for_anybody(bot: &TestBot, member: &str) -> ResetId {
    bot.slack.know(member);
    let card = bot.card(JO, member).await;
    if button_value(&card, "reachable").is_some() {
        bot.click(JO, &card, "reachable").await;
    }
    let value = button_value(&card, "cancel").unwrap();
    bot.click_value(JO, "deliver_copy", &value).await;
    bot.app.keys.read_button_value(&value).unwrap().0
}

/// A click of Jo's on a card.
fn click(reset_id: ResetId, key: &str) -> CardClick {
    let clicker = relatch::surface::domain::ChatUser {
        platform: relatch::surface::domain::Platform::Slack,
        tenant: TEAM.to_owned(),
        user: user_id(JO),
    };
    CardClick {
        reset_id,
        replay: ReplayKey::new(key.to_owned()),
        clicker,
        follow_up: None,
    }
}

async fn reserve(
    bot: &TestBot,
    id: ResetId,
    member: &str,
    key: &str,
) -> Result<Reservation, ClickRefused> {
    let click = click(id, key);
    let edition = bot
        .app
        .store
        .reset(id)
        .await
        .unwrap()
        .map(|row| row.edition);
    let reserved = bot
        .app
        .store
        .reserve(permit(bot, member).await, edition, click)
        .await;
    match reserved {
        Ok((reservation, ..)) => Ok(reservation),
        Err(error) => Err(error.refusal().unwrap()),
    }
}

async fn recover(bot: &TestBot) {
    sweep::end_left_behind(&bot.app).await.unwrap();
    sweep::catch_up(&bot.app).await.unwrap();
}

async fn state_and_slot(bot: &TestBot) -> (State, bool) {
    let past = bot
        .app
        .store
        .history(&HistoryFilter::default())
        .await
        .unwrap();
    (past[0].reset.state, past[0].is_slot_returned)
}

/// P1: two confirmations of one card at once, with different bytes.
#[tokio::test(flavor = "multi_thread")]
async fn one_card_is_reserved_once() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Resets, "the reservation is all that is tried");
    let id = chosen(&bot, MINA).await;
    let (one, two) = tokio::join!(reserve(&bot, id, MINA, "a"), reserve(&bot, id, MINA, "b"));
    let refused = [one, two]
        .into_iter()
        .filter_map(Result::err)
        .collect::<Vec<_>>();
    assert_eq!(refused, [ClickRefused::InProgress]);
}

/// P2: reservations of six members by one administrator at once, one slot each.
#[tokio::test(flavor = "multi_thread")]
async fn six_reservations_at_once_take_five_slots() {
    let bot = Arc::new(TestBot::new().await);
    bot.leaves(Left::Resets, "the reservations are all that is tried");
    let members =
        ["kim", "lee", "mina.park", "noa", "jo2", "jo3"].map(|name| format!("{name}@acme.example"));
    for extra in ["jo2", "jo3"] {
        bot.add_member(extra).await;
    }
    let mut cards = Vec::new();
    for member in &members {
        cards.push(chosen_for_anybody(&bot, member).await);
    }
    let tries: Vec<_> = cards
        .into_iter()
        .zip(members)
        .map(|(id, member)| {
            let (bot, tasks) = (Arc::clone(&bot), bot.app.tasks.clone());
            tasks.spawn(async move { reserve(&bot, id, &member, &member).await.err() })
        })
        .collect();
    let mut refused = Vec::new();
    for one in tries {
        refused.extend(one.await.unwrap());
    }
    assert_eq!(
        refused.iter().map(ClickRefused::code).collect::<Vec<_>>(),
        ["limit"]
    );
}

/// The same member twice at once: one is in the middle, the other is told so.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_is_reset_by_one_at_a_time() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Resets, "the reservation is all that is tried");
    let id = chosen(&bot, MINA).await;
    reserve(&bot, id, MINA, "a").await.unwrap();
    let told = bot.command("kim@acme.example", "<@UMINAPARK>").await.json()["text"].to_string();
    assert!(
        told.contains("Jo Lim is resetting Mina Park right now. Nothing was changed."),
        "{told}"
    );
    let why = async |member| bot.command("kim@acme.example", member).await.text();
    let told = why("why <@UMINAPARK>").await;
    assert!(
        told.contains("✗ Jo Lim is resetting them right now"),
        "{told}"
    );
    let told = why("why <@UNOA>").await;
    assert!(told.contains("✓ nobody else is resetting them"), "{told}");
}

/// How far a reset goes before its process dies.
async fn go(bot: &TestBot, reservation: &Reservation, until: State) {
    for state in [
        State::Changing,
        State::Changed,
        State::Delivering,
        State::Undelivered,
    ] {
        if until == State::Claimed {
            return;
        }
        let steps = if state == State::Changed {
            [Step::Change, Step::SignOut, Step::Notice]
                .map(|step| StepNote {
                    step,
                    outcome: if step == Step::Change {
                        StepOutcome::Done
                    } else {
                        StepOutcome::Pending
                    },
                    detail: None,
                })
                .to_vec()
        } else {
            Vec::new()
        };
        let store = &bot.app.store;
        if state == State::Changing {
            store.begin_change(reservation).await.unwrap();
        } else {
            let moved = store.advance(reservation, state, None, steps);
            moved.await.unwrap();
        }
        if state == until {
            return;
        }
    }
}

/// Section 3: what a dead process left behind is named, its slot is kept or given back, the administrator is told at
/// their next command, the steps that can be repeated are done, and the dead hand can move nothing any more.
#[tokio::test(flavor = "multi_thread")]
async fn every_state_has_its_recovery() {
    for (died_in, named, is_slot_returned, told) in [
        (
            State::Claimed,
            State::Refused,
            true,
            "nothing was changed and no reset was used",
        ),
        (
            State::Changing,
            State::Unknown,
            false,
            "nobody can say whether it was changed",
        ),
        (
            State::Changed,
            State::Lost,
            false,
            "changed but not delivered, and the old password no longer works",
        ),
        (
            State::Delivering,
            State::DeliveryUnknown,
            false,
            "nobody can say whether it arrived",
        ),
        (
            State::Undelivered,
            State::Undelivered,
            false,
            "changed but not delivered, and the old password no longer",
        ),
    ] {
        let bot = TestBot::new().await;
        let id = chosen(&bot, MINA).await;
        let reservation = reserve(&bot, id, MINA, "a").await.unwrap();
        go(&bot, &reservation, died_in).await;
        // The address of the follow-up is dead by then, so that only the next command can tell.
        bot.app.store.forget_reply(id).await.unwrap();
        let bot = bot.restart().await;
        recover(&bot).await;
        assert_eq!(
            state_and_slot(&bot).await,
            (named, is_slot_returned),
            "{died_in}"
        );
        let next = bot.command_with_news(JO, "noa@acme.example").await;
        assert!(next.contains(told), "{died_in}: {next}");
        let moved = bot
            .app
            .store
            .advance(&reservation, State::Delivered, None, Vec::new())
            .await;
        assert!(matches!(moved, Err(MoveRefused::Fenced)), "{died_in}");
        let steps = bot.app.store.steps(id).await.unwrap();
        assert!(
            steps
                .iter()
                .all(|step| step.outcome != StepOutcome::Pending),
            "{died_in}: {steps:?}"
        );
        // What follows a change is done where there may have been one, and there alone.
        assert_eq!(steps.is_empty(), died_in == State::Claimed, "{steps:?}");
        // Recovery again moves nothing, however it comes to be asked for.
        recover(&bot).await;
        let moved = bot.app.store.recover(id).await.unwrap();
        assert!(moved.is_none(), "{died_in}");
        assert_eq!(
            state_and_slot(&bot).await,
            (named, is_slot_returned),
            "{died_in}"
        );
        assert_eq!(bot.audited("recovery").await, named.as_str(), "{died_in}");
    }
}

/// A second process on the same record starts while a reset is under way: its steps are the first one's to do.
#[tokio::test(flavor = "multi_thread")]
async fn a_starting_process_leaves_a_living_reset_alone() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Resets, "the first process would end it");
    let id = chosen(&bot, MINA).await;
    let reservation = reserve(&bot, id, MINA, "a").await.unwrap();
    go(&bot, &reservation, State::Changed).await;
    let bot = bot.restart().await;
    let before = bot.app.store.steps(id).await.unwrap();
    assert!(
        before
            .iter()
            .any(|step| step.outcome == StepOutcome::Pending)
    );
    sweep::catch_up(&bot.app).await.unwrap();
    let steps = bot.app.store.steps(id).await.unwrap();
    let outcomes = |steps: &[StepRow]| steps.iter().map(|step| step.outcome).collect::<Vec<_>>();
    assert_eq!(outcomes(&steps), outcomes(&before));
}

/// However many a dead process left, all are named before the first request, and told through the follow-up address.
#[tokio::test(flavor = "multi_thread")]
async fn recovery_leaves_nothing_out() {
    const MANY: u32 = 205;
    let bot = TestBot::with_limit(Limit {
        resets: MANY,
        window: Span::hours(24),
    })
    .await;
    for n in 0..MANY {
        let name = format!("many{n}");
        bot.add_member(&name).await;
        // More members than one person may look up in a day.
        bot.execute("delete from look_up").await;
        let member = format!("{name}@acme.example");
        let id = chosen_for_anybody(&bot, &member).await;
        reserve(&bot, id, &member, &name).await.unwrap();
    }
    let bot = bot.restart().await;
    let before = bot.slack.said().len();
    sweep::end_left_behind(&bot.app).await.unwrap();
    let past = bot
        .app
        .store
        .history(&HistoryFilter::default())
        .await
        .unwrap();
    assert_eq!(past.len(), MANY as usize);
    assert!(
        past.iter()
            .all(|one| one.reset.state == State::Refused && one.is_slot_returned)
    );
    sweep::catch_up(&bot.app).await.unwrap();
    assert_eq!(bot.slack.said().len() - before, MANY as usize);
}

/// The same through the follow-up address, while it lives; then the next command is silent about it.
#[tokio::test(flavor = "multi_thread")]
async fn recovery_tells_through_the_follow_up_while_it_lives() {
    let bot = TestBot::new().await;
    let id = chosen(&bot, MINA).await;
    let reservation = reserve(&bot, id, MINA, "a").await.unwrap();
    go(&bot, &reservation, State::Changed).await;
    let bot = bot.restart().await;
    recover(&bot).await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("Password changed, but not delivered") && told.contains("again."),
        "{told}"
    );
    assert!(
        told.contains("signed out ✓") || !told.contains("✓"),
        "{told}"
    );
    let next = bot.card(JO, "noa@acme.example").await;
    assert!(!crate::support::slack::text_of(&next).contains("About your reset"));
}

/// The first key of a database is written down, and no later one takes its place.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_takes_its_key_once() {
    let bot = TestBot::new().await;
    for key in ["first", "second"] {
        let kept = bot.app.store.keep_key_fingerprint(key).await.unwrap();
        assert_eq!(kept, "first");
    }
    assert_eq!(bot.audited("key").await, "taken");
}

/// What a dead process left to do is done, and the notice says of the sign-out what came of it.
#[tokio::test(flavor = "multi_thread")]
async fn the_notice_after_a_recovery_tells_of_the_sign_out() {
    for failing in [0, 1] {
        let bot = TestBot::new().await;
        let id = chosen(&bot, MINA).await;
        let reservation = reserve(&bot, id, MINA, "a").await.unwrap();
        go(&bot, &reservation, State::Changed).await;
        let bot = bot.restart().await;
        bot.directory.fail_sign_outs(failing);
        recover(&bot).await;
        let sent = bot.outbox.take();
        assert_eq!(sent.len(), 2, "to phone and email");
        let says_so = |text: &str| text.contains("and you were signed out");
        let told = sent.iter().filter(|sent| says_so(&sent.text)).count();
        assert_eq!(told > 0, failing == 0);
    }
}

/// Whatever comes of another way, what came of the first says nothing of it; also when the process dies in the middle.
#[tokio::test(flavor = "multi_thread")]
async fn another_way_begins_with_nothing_known() {
    let bot = TestBot::new().await;
    bot.leaves(
        Left::Resets,
        "the move to the second delivery is all that is tried",
    );
    let id = chosen(&bot, MINA).await;
    let reservation = reserve(&bot, id, MINA, "a").await.unwrap();
    go(&bot, &reservation, State::Undelivered).await;
    let failed = StepNote {
        step: Step::Deliver,
        outcome: StepOutcome::Failed,
        detail: Some("address".into()),
    };
    bot.app.store.note_steps(id, vec![failed]).await.unwrap();
    bot.app
        .store
        .deliver_again(&reservation, click(id, "b"), None, by(Delivery::Copy))
        .await
        .unwrap();
    let steps = bot.app.store.steps(id).await.unwrap();
    let delivered = steps
        .iter()
        .find(|step| step.step == Step::Deliver)
        .unwrap();
    assert_eq!(
        (delivered.outcome, delivered.detail.as_deref()),
        (StepOutcome::Unknown, None)
    );
}

/// A way of delivery that needs no address.
fn by(delivery: Delivery) -> Choice {
    Choice {
        delivery,
        to: None,
        is_typed: false,
        carries: Carries::Password,
        digest: None,
    }
}

/// A password goes another way under its own card, once, and has as long for it as the whole reset had.
#[tokio::test(flavor = "multi_thread")]
async fn another_way_belongs_to_one_reset_and_has_its_time() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Resets, "the moves are all that is tried");
    let mut waiting = Vec::new();
    for (member, key) in [(MINA, "a"), (NOA, "b")] {
        let id = chosen_for_anybody(&bot, member).await;
        let reservation = reserve(&bot, id, member, key).await.unwrap();
        go(&bot, &reservation, State::Undelivered).await;
        waiting.push(reservation);
    }
    let [mina, noa] = waiting.as_slice() else {
        panic!("two resets wait")
    };
    let (store, id) = (&bot.app.store, mina.reset_id());
    let another_s = store.deliver_again(mina, click(noa.reset_id(), "c"), None, by(Delivery::Copy));
    another_s.await.expect_err("the card of somebody else");
    let again = store.deliver_again(mina, click(id, "d"), None, by(Delivery::Copy));
    again.await.unwrap();
    let twice = store.deliver_again(mina, click(id, "e"), None, by(Delivery::Copy));
    twice.await.expect_err("it is on its way");
    let state = async || store.reset(id).await.unwrap().unwrap().state;
    bot.clock.advance(Span::seconds(149));
    bot.sweep().await;
    assert_eq!(state().await, State::Delivering);
    bot.clock.advance(Span::seconds(1));
    bot.sweep().await;
    assert_eq!(state().await, State::DeliveryUnknown);
}

/// While another reset of the member is at work no earlier password goes out.
#[tokio::test(flavor = "multi_thread")]
async fn another_way_waits_for_a_newer_reset() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Resets, "the moves are all that is tried");
    let earlier = chosen(&bot, MINA).await;
    let reservation = reserve(&bot, earlier, MINA, "a").await.unwrap();
    go(&bot, &reservation, State::Undelivered).await;
    bot.clock.advance(Span::seconds(1));
    let newer = chosen(&bot, MINA).await;
    reserve(&bot, newer, MINA, "b").await.unwrap();
    let store = &bot.app.store;
    let again = store.deliver_again(&reservation, click(earlier, "c"), None, by(Delivery::Copy));
    let refused = again.await.unwrap_err().refusal().unwrap();
    assert!(matches!(refused, ClickRefused::Denied(_)), "{refused:?}");
}

/// Where the password is shown too, another way begins with nothing known of the showing; by Copy there is none besides.
#[tokio::test(flavor = "multi_thread")]
async fn another_way_begins_with_nothing_shown() {
    for (delivery, begun) in [
        (Delivery::Phone, vec![Step::Deliver, Step::Show]),
        (Delivery::Copy, vec![Step::Deliver]),
    ] {
        let bot = TestBot::new().await;
        bot.leaves(Left::Resets, "the move is all that is tried");
        let id = chosen(&bot, MINA).await;
        let reservation = reserve(&bot, id, MINA, "a").await.unwrap();
        go(&bot, &reservation, State::Undelivered).await;
        bot.execute("update reset set also_show = 1").await;
        let store = &bot.app.store;
        let again = store.deliver_again(&reservation, click(id, "b"), None, by(delivery));
        again.await.unwrap();
        let mut unknown = store.steps(id).await.unwrap();
        unknown.retain(|step| step.outcome == StepOutcome::Unknown);
        let unknown: Vec<Step> = unknown.iter().map(|step| step.step).collect();
        assert_eq!(unknown, begun, "{delivery:?}");
    }
}

/// By then the directory has said yes: what surely was not written is written as soon as somebody else has ended.
#[tokio::test(flavor = "multi_thread")]
async fn a_move_waits_for_a_record_that_is_busy() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Resets, "the move is all that is tried");
    let id = chosen(&bot, MINA).await;
    let reservation = reserve(&bot, id, MINA, "a").await.unwrap();
    go(&bot, &reservation, State::Changing).await;
    // Longer than SQLite itself waits.
    let busy = bot.keep_the_record_busy(Duration::from_millis(5600));
    let moved = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        bot.app
            .store
            .advance(&reservation, State::Changed, None, Vec::new())
            .await
    };
    let ((), moved) = tokio::join!(busy, moved);
    assert_eq!(moved.unwrap().state, State::Changed);
}

/// A process that hangs is taken for dead by another one only after its deadline.
#[tokio::test(flavor = "multi_thread")]
async fn a_living_process_is_left_alone_until_its_deadline() {
    let bot = TestBot::new().await;
    let id = chosen(&bot, MINA).await;
    let reservation = reserve(&bot, id, MINA, "a").await.unwrap();
    bot.clock.advance(Span::seconds(149));
    bot.sweep().await;
    assert_eq!(state_and_slot(&bot).await, (State::Claimed, false));
    assert!(
        bot.app.store.recover(id).await.unwrap().is_none(),
        "however it came to be asked for"
    );
    bot.clock.advance(Span::seconds(1));
    bot.sweep().await;
    assert_eq!(state_and_slot(&bot).await, (State::Refused, true));
    assert!(bot.app.store.begin_change(&reservation).await.is_err());
}

async fn open(path: &std::path::Path, how: Use) -> Result<Store, OpenError> {
    let limit = Limit {
        resets: 5,
        window: Span::hours(24),
    };
    let mut rng = Chance::System.rng().unwrap();
    Store::open(path, how, Clock::fixed(START), limit, &mut rng)
        .await
        .map(|(store, _)| store)
}

/// A second `serve` is turned away; other commands work beside the first.
#[tokio::test(flavor = "multi_thread")]
async fn one_process_serves_a_database() {
    let path = fresh_folder().join("relatch.db");
    let first = open(&path, Use::Serve).await.unwrap();
    assert!(matches!(
        open(&path, Use::Serve).await,
        Err(OpenError::Locked)
    ));
    let beside = open(&path, Use::Beside).await.unwrap();
    assert!(beside.is_writable().await && first.is_writable().await);
    std::os::unix::fs::symlink(&path, path.with_file_name("other.db")).unwrap();
    assert!(matches!(
        open(&path.with_file_name("other.db"), Use::Serve).await,
        Err(OpenError::Locked)
    ));
    drop(first);
    drop(open_when_free(&path).await.unwrap());
}

/// A file that is put in the place of an open database is neither read nor written, and the log of the open one, which a
/// connection would find beside it by name, stays as it is. Also when the record is closed after that.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_in_the_place_of_the_database_is_left_alone() {
    let folder = fresh_folder();
    let (path, backup) = (folder.join("relatch.db"), folder.join("backup.db"));
    let (store, tasks) = open_with(&backup, &["mallory"]).await;
    drop(store);
    tasks.finish().await;
    let (store, tasks) = open_with(&path, &["mina", "noa"]).await;
    let log = folder.join("relatch.db-wal");
    let files = || [&path, &log].map(|file| std::fs::read(file).unwrap_or_default());
    std::fs::rename(&backup, &path).unwrap();
    let before = files();
    assert!(!before[1].is_empty(), "the log has what was written last");
    // More at once than there are connections for requests, and the one for slow reads.
    let requests = std::iter::repeat_with(|| store.has_no_members()).take(8);
    futures_util::future::join_all(requests).await;
    let read = store.members().await;
    assert!(files() == before, "reading touched a file");
    let names: Vec<String> = read.unwrap().into_iter().map(|row| row.name).collect();
    assert_eq!(names, ["mina", "noa"]);
    drop(store);
    tasks.finish().await;
    assert!(files() == before, "closing touched a file");
}

/// An open record with these members.
async fn open_with(path: &std::path::Path, members: &[&str]) -> (Store, StoreTasks) {
    let limit = Limit {
        resets: 5,
        window: Span::hours(24),
    };
    let mut rng = Chance::System.rng().unwrap();
    let (store, tasks) = Store::open(path, Use::Serve, Clock::System, limit, &mut rng)
        .await
        .unwrap();
    let rows = members.iter().map(|name| member_row(name)).collect();
    store.import_members(rows).await.unwrap();
    (store, tasks)
}

fn member_row(name: &str) -> MemberRow {
    MemberRow {
        member_id: MemberId(name.to_owned()),
        name: name.to_owned(),
        business_email: format!("{name}@acme.example"),
        business_email_key: format!("{name}@acme.example"),
        login_method: "business_email".to_owned(),
        status: "active".to_owned(),
        phone: None,
        personal_email: None,
        role: "member".to_owned(),
        department: None,
        manager_email: None,
    }
}

/// The process before may still be at its last commit.
async fn open_when_free(path: &std::path::Path) -> Result<Store, OpenError> {
    loop {
        match open(path, Use::Serve).await {
            Err(OpenError::Locked) => tokio::time::sleep(Duration::from_millis(5)).await,
            opened => return opened,
        }
    }
}

/// Which card a newer one replaces is known to the process that made neither.
#[tokio::test(flavor = "multi_thread")]
async fn a_card_is_replaced_after_a_restart_too() {
    let bot = TestBot::new().await;
    let older = bot.last_look(JO, MINA, "deliver_copy").await;
    let bot = bot.restart().await;
    let newer = bot.last_look(JO, MINA, "deliver_copy").await;
    bot.click(JO, &older, "confirm").await;
    assert!(
        bot.slack.last_text().contains("newer card"),
        "{}",
        bot.slack.last_text()
    );
    assert_eq!(bot.count("slot").await, 0);
    assert_eq!(bot.audited("card").await, "superseded");
    bot.click(JO, &newer, "confirm").await;
    assert_eq!(bot.count("slot").await, 1);
}

/// Look-ups go before writes and are asked again as soon as they are answered; neither waits for ever for the other.
#[tokio::test(flavor = "multi_thread")]
async fn look_ups_and_writes_take_turns() {
    let store = open(&fresh_folder().join("relatch.db"), Use::Serve)
        .await
        .unwrap();
    let look_up = async || store.has_no_members().await.is_ok();
    let write = async || store.is_writable().await;
    for _ in 0..50 {
        assert!(timeout(SOON, look_up()).await.expect("an answer"));
    }
    tokio::select! {
        () = for_ever(&look_up) => {}
        () = for_ever(&look_up) => {}
        is_written = timeout(SOON, write()) => assert!(is_written.expect("a turn")),
    }
    tokio::select! {
        () = for_ever(&write) => {}
        () = for_ever(&write) => {}
        is_found = timeout(SOON, look_up()) => assert!(is_found.expect("a turn")),
    }
}

async fn for_ever(one: &impl AsyncFn() -> bool) {
    while one().await {}
    panic!("the store gave up");
}

/// A database of tomorrow is left as it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_newer_database_is_refused() {
    let path = fresh_folder().join("relatch.db");
    drop(open(&path, Use::Serve).await.unwrap());
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
    let mut connection = sqlx::ConnectOptions::connect(&options).await.unwrap();
    sqlx::query("insert into _sqlx_migrations values (9999, 'tomorrow', 0, true, x'00', 0)")
        .execute(&mut connection)
        .await
        .unwrap();
    assert!(matches!(open_when_free(&path).await, Err(OpenError::Newer)));
}

/// From 3.54 on, SQLite prepares two-table joins anew at every use when a driver clears its bindings, as ours does.
/// Before the bundled version moves there, count `SQLITE_STMTSTATUS_REPREPARE` of the reader's statements.
#[tokio::test(flavor = "multi_thread")]
async fn the_bundled_sqlite_keeps_prepared_statements() {
    let mut connection = <sqlx::SqliteConnection as sqlx::Connection>::connect("sqlite::memory:")
        .await
        .unwrap();
    let version: String = sqlx::query_scalar("select sqlite_version()")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    let minor: u32 = version.split('.').nth(1).unwrap().parse().unwrap();
    assert!(version.starts_with("3.") && minor < 54, "{version}");
}

/// What has been kept long enough goes, and what is younger stays.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_kept_long_enough_is_purged() {
    let bot = TestBot::new().await;
    bot.leaves(
        Left::Messages,
        "the notice of a reset that is purged by now",
    );
    bot.reset(JO, MINA, "deliver_copy").await;
    let card = bot.card(JO, "noa@acme.example").await;
    bot.click(JO, &card, "cancel").await;
    assert_eq!(bot.app.store.purge().await.unwrap(), 0);
    let count = async |table: &str| bot.count(table).await;
    let before = (
        count("reset").await,
        count("slot").await,
        count("audit").await,
    );
    bot.clock.advance(Span(Span::hours(9).0 + 1));
    bot.app.store.purge().await.unwrap();
    assert_eq!(
        (count("replay_key").await, count("reset").await),
        (0, before.0)
    );
    bot.clock.advance(Span::hours(7 * 24));
    bot.app.store.purge().await.unwrap();
    assert_eq!(
        (
            count("reset").await,
            count("slot").await,
            count("audit").await
        ),
        (1, before.1, before.2)
    );
    bot.clock.advance(Span::hours(400 * 24));
    bot.app.store.purge().await.unwrap();
    assert_eq!(
        (
            count("reset").await,
            count("slot").await,
            count("audit").await,
            count("step").await
        ),
        (0, 0, 0, 0)
    );
    assert_eq!(count("member").await, i64::try_from(PEOPLE.len()).unwrap());
}

/// A result whose steps cannot be read says so, and claims nothing of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_result_says_that_its_steps_cannot_be_read() {
    let bot = TestBot::new().await;
    let id = chosen(&bot, MINA).await;
    let reservation = reserve(&bot, id, MINA, "a").await.unwrap();
    go(&bot, &reservation, State::Delivering).await;
    bot.app
        .store
        .advance(&reservation, State::Delivered, None, Vec::new())
        .await
        .unwrap();
    bot.execute("update step set outcome = 'of a later version'")
        .await;
    let bot = bot.restart().await;
    recover(&bot).await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("I can't read every step") && !told.contains("Done: "),
        "{told}"
    );
}

/// What is listed is of one moment: a reset is refused and its slot given back in one commit.
#[tokio::test(flavor = "multi_thread")]
async fn the_history_shows_one_moment() {
    let bot = TestBot::new().await;
    let id = chosen(&bot, MINA).await;
    reserve(&bot, id, MINA, "a").await.unwrap();
    let toggle = async {
        for _ in 0..2000 {
            bot.execute(
                "begin immediate; update reset set state = 'refused'; update slot set returned_at = 1; commit;
                begin immediate; update reset set state = 'claimed'; update slot set returned_at = null; commit;",
            )
            .await;
        }
    };
    let read = async {
        loop {
            for past in bot
                .app
                .store
                .history(&HistoryFilter::default())
                .await
                .unwrap()
            {
                assert_eq!(past.is_slot_returned, past.reset.state == State::Refused);
            }
        }
    };
    tokio::select! {
        () = toggle => {}
        () = read => {}
    }
    bot.execute(
        "update reset set state = 'refused', finished_at = 1; update slot set returned_at = 1",
    )
    .await;
}
