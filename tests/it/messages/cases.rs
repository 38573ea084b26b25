//! What a text says in one case and leaves out in the next: each sentence stands only where it is true.

use relatch::surface::chat::{Action, Button, Message, Style};
use relatch::surface::directory::Capabilities;
use relatch::surface::domain::channel::DestinationDenied;
use relatch::surface::domain::contacts::{AddedAs, AddedContact, Method, Methods};
use relatch::surface::domain::delivery::Refusal;
use relatch::surface::domain::{
    Carries, Channel, Delivery, Destination, Member, MemberId, SecondFactor, SecondFactors, State,
    Step, StepOutcome,
};
use relatch::surface::flow::messages as say;
use relatch::surface::flow::messages::{
    AboutContacts, AnotherWay, Card, ContactAdder, Ending, LastLook, NotReadyAt,
};
use relatch::surface::store::{Past, ResetRow, StepRow};

use super::samples::World;
use super::samples::results::ending;
use super::{MINA, member, recorded};
use crate::support::TestBot;

/// Everything that a message says.
fn all(message: &Message) -> String {
    std::iter::once(message.title.clone())
        .chain(message.paragraphs())
        .collect::<Vec<_>>()
        .join("\n")
}

fn has(message: &Message, action: Action) -> bool {
    message.buttons.iter().any(|button| button.action == action)
}

/// Holds a test in the world of Mina Park.
async fn in_the_world(held: impl FnOnce(&World<'_>)) {
    let bot = TestBot::new().await;
    let (row, value) = recorded(&bot).await;
    let (email, about) = (MINA.parse().unwrap(), (&member(), &row));
    let names = ("Mina Park", "mina");
    held(&World::new(
        names,
        &email,
        about,
        &bot.app.organization,
        &value,
    ));
}

fn card<'a>(world: &'a World<'a>, contacts: &'a AboutContacts) -> Card<'a> {
    Card {
        member: &world.member,
        capabilities: Capabilities {
            must_change: true,
            has_our_pages: true,
            ..Capabilities::default()
        },
        directory: "the directory",
        quota: None,
        earlier: None,
        reason: None,
        own_link: None,
        channels: &world.channels,
        is_private: true,
        contacts,
        is_reachable: true,
        has_guide: true,
        until: world.row.expires_at,
        reset_id: world.row.reset_id,
        value: world.value,
        zone: &world.zone,
        now: world.now,
    }
}

/// Where nobody else may read along, a card offers typed addresses and asks whether the administrator can reach the member.
#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_others_read_wants_a_contact_on_record() {
    in_the_world(|world| {
        let contacts = AboutContacts::default();
        let without = Member {
            phone: None,
            personal_email: None,
            ..world.member.clone()
        };
        for is_private in [true, false] {
            let card = Card {
                is_private,
                ..card(world, &contacts)
            };
            let told = say::offer_card(&card);
            assert_eq!(has(&told, Action::DeliverOther), is_private);
            let told = say::offer_card(&Card {
                member: &without,
                is_reachable: false,
                ..card
            });
            let text = all(&told);
            assert_eq!(
                text.contains("Can you reach them another way?"),
                is_private,
                "{text}"
            );
            assert_eq!(text.contains("A password needs one"), !is_private, "{text}");
        }
    })
    .await;
}

/// A card says what its directory cannot do, and nothing of that where it can.
#[tokio::test(flavor = "multi_thread")]
async fn a_card_says_what_its_directory_cannot_do() {
    in_the_world(|world| {
        let contacts = AboutContacts::default();
        let member = Member {
            second_factors: SecondFactors {
                held: vec![SecondFactor::SecurityKey],
                ..SecondFactors::default()
            },
            ..world.member.clone()
        };
        for is_able in [true, false] {
            let plain = card(world, &contacts);
            let text = all(&say::offer_card(&Card {
                member: &member,
                capabilities: Capabilities {
                    must_change: is_able,
                    has_our_pages: is_able,
                    ..plain.capabilities
                },
                ..plain
            }));
            let forced = "This directory can't make them set a new password";
            assert_eq!(text.contains(forced), !is_able, "{text}");
            let lets_in = "the password alone lets anybody in";
            assert_eq!(text.contains(lets_in), !is_able, "{text}");
        }
    })
    .await;
}

/// A password goes to contacts of the directory alone, so that only there the code can go the same way.
#[tokio::test(flavor = "multi_thread")]
async fn only_a_contact_of_the_directory_gets_password_and_code() {
    in_the_world(|world| {
        let to = Destination::Email("mina@mail.example".parse().unwrap());
        let added = AddedContact {
            to: to.clone(),
            by: MemberId("operator".to_owned()),
            by_name: String::new(),
            added_as: AddedAs::Operator,
            added_at: world.now,
            answered_at: None,
        };
        for added in [None, Some(added)] {
            let is_of_directory = added.is_none();
            let usable = vec![Method {
                to: to.clone(),
                added,
                counts: true,
                got_password: false,
            }];
            let contacts = AboutContacts {
                adder: ContactAdder::default(),
                methods: Methods {
                    usable,
                    waiting: vec![],
                },
                differing: vec![],
            };
            let text = all(&say::offer_card(&card(world, &contacts)));
            assert!(
                text.contains("The code at sign-in goes to m···@mail.example"),
                "{text}"
            );
            assert_eq!(
                text.contains("password and code go to the same mailbox"),
                is_of_directory,
                "{text}"
            );
        }
    })
    .await;
}

/// Where one channel has no settings, the other one is named; and the form of a code says where the code went.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_is_asked_for_by_name() {
    in_the_world(|world| {
        let off = |channel| say::destination_denied(&DestinationDenied::ChannelOff(channel), "");
        assert_eq!(
            off(Channel::Sms),
            "I can't send SMS here. Type an email. Nothing was changed."
        );
        assert_eq!(
            off(Channel::Email),
            "I can't send email here. Type a phone number. Nothing was changed."
        );
        let form = say::contact_code_form("Mina Park", "+82 ··· ··99", world.value.to_owned());
        assert!(
            form.hint
                .starts_with("It goes to +82 ··· ··99. Six digits."),
            "{}",
            form.hint
        );
    })
    .await;
}

/// The last look names what is switched on, and nothing besides.
#[tokio::test(flavor = "multi_thread")]
async fn a_last_look_names_what_is_switched_on() {
    in_the_world(|world| {
        for (delivery, also_show, is_named) in [
            (Delivery::Phone, false, false),
            (Delivery::Phone, true, true),
            (Delivery::Copy, true, false),
        ] {
            let row = ResetRow {
                delivery: Some(delivery),
                also_show,
                ..world.row.clone()
            };
            let text = all(&say::last_look(&LastLook {
                row: &row,
                earlier: None,
                own_link: None,
                differing: &[],
                quota: None,
                capabilities: Capabilities {
                    can_sign_out: true,
                    ..Capabilities::default()
                },
                length: 8,
                copy_to: None,
                can_mail: true,
                is_private: true,
                codes: None,
                adder: ContactAdder::default(),
                zone: &world.zone,
                now: world.now,
                value: world.value,
                confirm_value: world.value,
            }));
            assert_eq!(
                text.contains("Also shown to you: here, once"),
                is_named,
                "{text}"
            );
        }
    })
    .await;
}

/// The log tells of a link only where one was sent.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_tells_of_a_link_where_one_was_sent() {
    in_the_world(|world| {
        for (carries, is_sent) in [
            (Carries::Link, true),
            (Carries::Link, false),
            (Carries::Password, true),
        ] {
            let reset = ResetRow {
                carries,
                delivering_at: is_sent.then_some(world.now),
                ..world.row.clone()
            };
            let past = Past {
                reset,
                steps: vec![],
                is_slot_returned: false,
            };
            let text = all(&say::history(&[past], &[], None, &world.zone, world.now));
            assert_eq!(
                text.contains(", link not used"),
                carries == Carries::Link && is_sent,
                "{text}"
            );
        }
    })
    .await;
}

/// A result says why the password did not arrive, what went wrong besides, and who stopped half-way.
#[tokio::test(flavor = "multi_thread")]
async fn a_result_names_the_step_that_failed() {
    in_the_world(|world| {
        let row = |state| ResetRow {
            state,
            delivery: Some(Delivery::Phone),
            changed_at: Some(world.now),
            ..world.row.clone()
        };
        let step = |step, outcome, detail: Option<&str>| StepRow {
            reset_id: world.row.reset_id,
            step,
            outcome,
            detail: detail.map(str::to_owned),
            noted_at: world.now,
        };
        let undelivered = row(State::Undelivered);
        let refused = [
            step(Step::Change, StepOutcome::Done, None),
            step(Step::Deliver, StepOutcome::Failed, Some("address")),
        ];
        let text = all(&say::result(&ending(world, &undelivered, &refused)));
        assert!(
            text.contains("The SMS was not accepted (not reachable there)."),
            "{text}"
        );

        let delivered = row(State::Delivered);
        for (outcome, title) in [
            (
                StepOutcome::Impossible,
                "Done: Mina Park has a new password",
            ),
            (StepOutcome::Failed, "⚠ Signing out failed."),
        ] {
            let steps = [step(Step::SignOut, outcome, None)];
            let text = all(&say::result(&ending(world, &delivered, &steps)));
            assert!(text.contains(title), "{text}");
        }

        for (failure, who) in [
            ("process_died", "relatch was interrupted"),
            ("unknown", "The directory stopped answering"),
        ] {
            let unknown = ResetRow {
                failure: Some(failure.to_owned()),
                ..row(State::Unknown)
            };
            let told = say::result(&ending(world, &unknown, &[]));
            assert!(told.title.starts_with(who), "{}", told.title);
        }
    })
    .await;
}

/// The first line of a result claims what the way did, and no more.
#[tokio::test(flavor = "multi_thread")]
async fn a_result_claims_only_what_the_way_did() {
    in_the_world(|world| {
        let mina = "Mina Park";
        let (phone, copy) = (Delivery::Phone, Delivery::Copy);
        let (password, link) = (Carries::Password, Carries::Link);
        for (delivery, carries, shows, is_disowned, title) in [
            (phone, password, None, false, "Done: {} has a new password"),
            (phone, link, None, false, "Done: {} was sent a link"),
            (
                copy,
                password,
                Some(true),
                false,
                "New password for {}: tell them now",
            ),
            (
                copy,
                password,
                None,
                false,
                "{} was reset; you have the password",
            ),
            (copy, password, None, true, "{}'s new password is blocked"),
            (phone, link, None, true, "{}'s new password is blocked"),
        ] {
            let row = ResetRow {
                state: State::Delivered,
                delivery: Some(delivery),
                carries,
                changed_at: Some(world.now),
                disowned_at: is_disowned.then_some(world.now),
                ..world.row.clone()
            };
            let told = say::result(&Ending {
                shows_password: shows,
                ..ending(world, &row, &[])
            });
            assert_eq!(told.title, title.replace("{}", mina));
        }
    })
    .await;
}

/// With Copy the facts say whether the administrator was shown the password.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_says_whether_it_was_shown() {
    in_the_world(|world| {
        for (state, outcome, fact) in [
            (State::Delivered, StepOutcome::Done, "shown to you ✓"),
            (
                State::Undelivered,
                StepOutcome::Failed,
                "not shown to you ✗",
            ),
        ] {
            let row = ResetRow {
                state,
                delivery: Some(Delivery::Copy),
                changed_at: Some(world.now),
                ..world.row.clone()
            };
            let steps = [step(world, Step::Deliver, outcome)];
            let told = say::result(&ending(world, &row, &steps));
            assert_eq!(told.facts, [fact]);
        }
    })
    .await;
}

/// Where the delivery failed, the member has nothing to sign in with before the administrator has told them.
#[tokio::test(flavor = "multi_thread")]
async fn what_comes_next_begins_with_whoever_has_the_password() {
    in_the_world(|world| {
        let row = ResetRow {
            state: State::Delivered,
            delivery: Some(Delivery::Phone),
            changed_at: Some(world.now),
            ..world.row.clone()
        };
        for (delivered, by, next) in [
            (StepOutcome::Done, Step::CopyToSelf, "Next: they sign in by"),
            (
                StepOutcome::Failed,
                Step::CopyToSelf,
                "Next: tell Mina Park the password from your copy, outside this chat. It works until",
            ),
            (
                StepOutcome::Failed,
                Step::Show,
                "Next: tell Mina Park the password that you were shown, outside this chat.",
            ),
            (
                StepOutcome::Unknown,
                Step::CopyToSelf,
                "Next: ask Mina Park whether it arrived. If not, tell them the password from your copy",
            ),
        ] {
            let steps = [
                step(world, Step::Deliver, delivered),
                step(world, by, StepOutcome::Done),
            ];
            let text = all(&say::result(&ending(world, &row, &steps)));
            assert!(text.contains(next), "{text}");
            let signs_in = text.contains("Next: they sign in");
            assert_eq!(signs_in, delivered == StepOutcome::Done, "{text}");
        }
        let text = all(&say::result(&Ending {
            are_steps_known: false,
            ..ending(world, &row, &[])
        }));
        let next = "Ask them whether they have it. It works until";
        assert!(text.contains(next) && !text.contains("sign in by"), "{text}");
    })
    .await;
}

fn step(world: &World<'_>, step: Step, outcome: StepOutcome) -> StepRow {
    StepRow {
        reset_id: world.row.reset_id,
        step,
        outcome,
        detail: None,
        noted_at: world.now,
    }
}

/// Where only the refused contact could be used, its button is not drawn and the text says what is needed.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_only_contact_leaves_no_button_but_cancel() {
    in_the_world(|world| {
        let without_phone = Member {
            phone: None,
            ..world.member.clone()
        };
        let long = format!("m···@{}.example", "a".repeat(300));
        for (why, has_codes) in [
            (Refusal::Address, true),
            (Refusal::OptedOut, false),
            (Refusal::Later, true),
        ] {
            let at = NotReadyAt {
                step: Step::Deliver,
                channel: Channel::Email,
                to: Some(&long),
                is_on_record: true,
                has_codes,
            };
            let offered = Some((&without_phone, world.value));
            let channels = (&world.channels, false);
            let told = say::channel_not_ready(at, &why, offered, channels, &world.reference);
            let text = all(&told);
            assert!(text.chars().count() <= 350, "{text}");
            let is_lasting = why != Refusal::Later;
            let needed = text.contains("They need another phone or email on record.");
            assert_eq!(needed, is_lasting, "{text}");
            let no_code = text.contains("The code at sign-in can't go there either.");
            assert_eq!(no_code, is_lasting && has_codes, "{text}");
            let buttons = told.buttons.iter().map(|one| one.action);
            let buttons: Vec<Action> = buttons.collect();
            let again = Action::Choose(Delivery::Email);
            assert_eq!(buttons.contains(&again), !is_lasting, "{buttons:?}");
            assert_eq!(buttons.last(), Some(&Action::Cancel));
        }
    })
    .await;
}

/// A contact that differs from the record of before is told of wherever something is about to go there.
#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_was_another_is_told_of_before_it_is_used() {
    in_the_world(|world| {
        let to = |text: &str| Destination::Email(text.parse().unwrap());
        let mina = to("mina@mail.example");
        let row = ResetRow {
            delivery: Some(Delivery::Email),
            destination: Some("mina@mail.example".to_owned()),
            copy_to_self: Some("jo@acme.example".to_owned()),
            also_show: true,
            ..world.row.clone()
        };
        let said = "Their email m···@mail.example differs from what was on record on";
        for (differing, is_told) in [
            (vec![(mina.clone(), world.now)], true),
            (vec![(to("other@mail.example"), world.now)], false),
        ] {
            for carries in [Carries::Password, Carries::Link] {
                let asked = say::another_way(&AnotherWay {
                    row: &row,
                    delivery: Delivery::Email,
                    to: Some(&mina),
                    is_typed: false,
                    is_private: true,
                    differing: &differing,
                    carries,
                    codes: None,
                    doubt: None,
                    until: world.now,
                    zone: &world.zone,
                    now: world.now,
                    value: world.value,
                    confirm_value: world.value,
                });
                assert_eq!(all(&asked).contains(said), is_told, "{asked:?}");
                let is_marked = |one: &Button| one.style == Style::Primary;
                assert_eq!(asked.buttons.iter().any(is_marked), !is_told, "{asked:?}");
                // With a link there is nothing to show.
                let is_shown_too = all(&asked).contains("It is also shown to you here.");
                assert_eq!(is_shown_too, carries == Carries::Password, "{asked:?}");
            }
            let look = all(&say::last_look(&LastLook {
                row: &row,
                earlier: None,
                own_link: None,
                differing: &differing,
                quota: None,
                capabilities: Capabilities::default(),
                length: 8,
                copy_to: None,
                can_mail: true,
                is_private: true,
                codes: None,
                adder: ContactAdder::default(),
                zone: &world.zone,
                now: world.now,
                value: world.value,
                confirm_value: world.value,
            }));
            assert_eq!(look.contains(said), is_told, "{look}");
        }
    })
    .await;
}

/// No label that is always the same is cut.
#[tokio::test(flavor = "multi_thread")]
async fn only_what_names_somebody_is_cut_on_a_button() {
    in_the_world(|world| {
        for sample in super::samples::of(world) {
            let super::samples::Told::Message(message) = &sample.told else {
                continue;
            };
            for label in super::labels(message) {
                let is_cut = label.trim_end_matches(" …").contains('…');
                let has_address = label.contains('@') || label.contains("Email me a copy (");
                assert!(!is_cut || has_address, "{}: {label}", sample.name);
            }
        }
    })
    .await;
}

/// News that have no message of their own are text, which is never cut as small print is.
#[test]
fn news_below_are_no_small_print() {
    let news = Message {
        lines: vec!["About your reset".to_owned()],
        ..Message::default()
    };
    let told = Message {
        lines: vec!["Own text".to_owned()],
        small_print: vec!["ref 8BEV".to_owned()],
        news: Some(Box::new(news)),
        ..Message::default()
    }
    .with_news_below();
    assert_eq!(told.lines, ["Own text", "About your reset"]);
    assert_eq!(told.small_print, ["ref 8BEV"]);
}
