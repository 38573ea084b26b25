//! Results of resets, and resets that stopped before the change.

use relatch::surface::directory::{Capabilities, WhyRefused};
use relatch::surface::domain::{
    Carries, Channel, Delivery, Destination, Member, Quota, ResetId, Span, State, Step, StepOutcome,
};
use relatch::surface::flow::messages as say;
use relatch::surface::flow::messages::{AnotherWay, CodeDoubt, ContactAdder, Ending, NotReadyAt};
use relatch::surface::store::{ResetRow, StepRow, Wiped};

use super::{REFUSALS, Samples, World, directory_refusals};

pub(super) fn add(world: &World<'_>, samples: &mut Samples) {
    results(world, samples);
    results_of_a_directory_with_pages(world, samples);
    stopped(world, samples);
    instead(world, samples);
}

fn steps(world: &World<'_>, outcome: StepOutcome, detail: Option<&str>) -> Vec<StepRow> {
    let step = |step: &Step| StepRow {
        reset_id: ResetId([7; 16]),
        step: *step,
        outcome,
        detail: detail.map(str::to_owned),
        noted_at: world.now,
    };
    Step::ALL.iter().map(step).collect()
}

/// With the change done, so that what follows it is told.
fn changed(mut steps: Vec<StepRow>) -> Vec<StepRow> {
    for step in steps.iter_mut().filter(|step| step.step == Step::Change) {
        step.outcome = StepOutcome::Done;
    }
    steps
}

fn results(world: &World<'_>, samples: &mut Samples) {
    // Whoever manages the directory names its applications.
    let offline = format!("offline:{}, mail-app", world.name);
    let codes = [
        None,
        Some("never_expires"),
        Some("not_asked"),
        Some("here_only"),
        Some(offline.as_str()),
        Some("set_again"),
        Some("other_time"),
        Some("kept_back"),
        Some("unreachable"),
        Some("address"),
        Some("later"),
        Some("credentials"),
        Some("opted_out"),
        Some("tls"),
        Some("not_allowed"),
        Some("other"),
    ];
    for state in State::ALL {
        for (outcome, detail) in StepOutcome::ALL
            .iter()
            .map(|outcome| (*outcome, None))
            .chain(codes.map(|code| (StepOutcome::Failed, code)))
        {
            for (delivery, carries) in [
                (Delivery::Phone, Carries::Password),
                (Delivery::Email, Carries::Link),
                (Delivery::Copy, Carries::Password),
            ] {
                // Of the other states no step is told.
                let tells_steps =
                    [State::Delivered, State::DeliveryUnknown, State::Undelivered].contains(state);
                let is_first = outcome == StepOutcome::ALL[0] && delivery == Delivery::Phone;
                if !tells_steps && !is_first {
                    continue;
                }
                let row = ResetRow {
                    state: *state,
                    delivery: Some(delivery),
                    carries,
                    changed_at: Some(world.now),
                    failure: detail.map(str::to_owned),
                    disowned_at: is_first.then_some(world.now),
                    reason: Some(world.name.to_owned()),
                    ..world.row.clone()
                };
                let all = steps(world, outcome, detail);
                let steps = if detail.is_none() { all } else { changed(all) };
                samples.say("result", say::result(&ending(world, &row, &steps)));
                let updated = Ending {
                    is_updated: true,
                    ..ending(world, &row, &steps)
                };
                samples.say("result", say::result(&updated));
            }
        }
    }
    more_results(world, samples);
}

pub(crate) fn ending<'a>(
    world: &'a World<'a>,
    row: &'a ResetRow,
    steps: &'a [StepRow],
) -> Ending<'a> {
    Ending {
        row,
        steps,
        are_steps_known: true,
        quota: Some(Quota {
            used: 1,
            left: 4,
            next_at: None,
            window: Span::hours(24),
        }),
        lifetime: Span::hours(24),
        capabilities: Capabilities {
            can_sign_out: true,
            must_change: true,
            asks_nobody: false,
            forces_change_apart: false,
            unlocks_apart: false,
            has_our_pages: true,
            signs_members_in: false,
            own_link: Some(Span::hours(1)),
        },
        observed: None,
        shows_password: None,
        retry_for: Some(&world.member),
        retry_until: Some(world.now + Span::minutes(10)),
        is_updated: false,
        is_private: true,
        codes: None,
        adder: ContactAdder::AskedAdmin,
        second_factors: None,
        own_link: None,
        channels: &world.channels,
        value: world.value,
        zone: &world.zone,
        now: world.now,
    }
}

/// The question before an undelivered password goes another way, and what is said where it is gone.
fn other_ways(world: &World<'_>, samples: &mut Samples) {
    let row = ResetRow {
        state: State::Undelivered,
        also_show: true,
        copy_to_self: Some(world.email.to_string()),
        changed_at: Some(world.now),
        ..world.row.clone()
    };
    let phone = world.member.phone.clone().map(Destination::Phone);
    let email = Some(Destination::Email(world.email.clone()));
    let long = format!("{}@mail.example", "a".repeat(60));
    let long = Some(Destination::Email(long.parse().unwrap()));
    let differing: Vec<_> = phone.iter().map(|to| (to.clone(), world.now)).collect();
    for (delivery, to) in [
        (Delivery::Email, long.as_ref()),
        (Delivery::Copy, None),
        (Delivery::Phone, phone.as_ref()),
        (Delivery::Email, email.as_ref()),
    ] {
        for (is_typed, carries) in [
            (false, Carries::Password),
            (true, Carries::Password),
            (false, Carries::Link),
        ] {
            let asked = AnotherWay {
                row: &row,
                delivery,
                to,
                is_typed,
                differing: &differing,
                is_private: true,
                carries,
                codes: None,
                doubt: None,
                until: world.now + Span::minutes(10),
                zone: &world.zone,
                now: world.now,
                value: world.value,
                confirm_value: world.value,
            };
            samples.say("another_way", say::another_way(&asked));
            samples.say("asked_again", say::asked_again(say::another_way(&asked)));
            for methods in world.methods() {
                for doubt in [
                    None,
                    Some(CodeDoubt::Contact),
                    Some(CodeDoubt::Server),
                    Some(CodeDoubt::SetUp),
                ] {
                    let told = AnotherWay {
                        codes: Some(&methods),
                        doubt,
                        ..asked
                    };
                    samples.say("another_way", say::another_way(&told));
                }
            }
        }
    }
    for why in [Wiped::InTime, Wiped::WithProcess, Wiped::Replaced] {
        samples.say("wiped", say::wiped(why, world.name, &world.reference));
    }
    let (until, r) = (world.zone.tell(world.now, world.now), &world.reference);
    let gone = say::contact_changed_since(world.name, &until, r);
    samples.say("contact_changed_since", gone);
    samples.say("choose_on_record", say::choose_on_record(&until, r));
}

fn more_results(world: &World<'_>, samples: &mut Samples) {
    other_ways(world, samples);
    let row = |state| ResetRow {
        state,
        delivery: Some(Delivery::Phone),
        changed_at: Some(world.now),
        ..world.row.clone()
    };
    let done = steps(world, StepOutcome::Done, None);
    let mut unsure = changed(steps(world, StepOutcome::Unknown, None));
    unsure.retain(|step| step.step != Step::Deliver);
    let delivered = row(State::Delivered);
    let mut locked = done.clone();
    for step in locked.iter_mut().filter(|step| step.step == Step::Unlock) {
        step.outcome = StepOutcome::Failed;
    }
    samples.say("result", say::result(&ending(world, &delivered, &locked)));
    for (steps, shows_password) in [(&done, true), (&unsure, false)] {
        let told = Ending {
            shows_password: Some(shows_password),
            retry_for: None,
            ..ending(world, &delivered, steps)
        };
        samples.say("result", say::result(&told));
        let elsewhere = Ending {
            capabilities: Capabilities {
                has_our_pages: false,
                ..told.capabilities
            },
            ..told
        };
        samples.say("result", say::result(&elsewhere));
    }
    handed_over(world, &delivered, &done, samples);
    let linked = ResetRow {
        carries: Carries::Link,
        ..delivered.clone()
    };
    for methods in world.methods() {
        for row in [&delivered, &linked] {
            let told = Ending {
                codes: Some(&methods),
                ..ending(world, row, &done)
            };
            samples.say("result", say::result(&told));
        }
    }
    let unknown = ResetRow {
        failure: Some("process_died".to_owned()),
        ..row(State::Unknown)
    };
    for observed in [None, Some(None), Some(Some(world.now))] {
        let told = Ending {
            observed,
            ..ending(world, &unknown, &done)
        };
        samples.say("result", say::result(&told));
    }
    let steps = changed(steps(world, StepOutcome::Impossible, None));
    samples.say("result", say::result(&ending(world, &delivered, &steps)));
    for state in [State::Delivered, State::Undelivered, State::DeliveryUnknown] {
        let row = row(state);
        let unread = Ending {
            are_steps_known: false,
            ..ending(world, &row, &[])
        };
        samples.say("result", say::result(&unread));
    }
    let waiting = self::steps(world, StepOutcome::Pending, Some("told"));
    samples.say("result", say::result(&ending(world, &delivered, &waiting)));
    let undelivered = row(State::Undelivered);
    let told = Ending {
        retry_for: None,
        ..ending(world, &undelivered, &done)
    };
    samples.say("result", say::result(&told));
}

/// The administrator has the password, and the member does not, or not surely: by Copy, by the copy of a delivery that failed,
/// and where a copy kept all back.
fn handed_over(world: &World<'_>, delivered: &ResetRow, done: &[StepRow], samples: &mut Samples) {
    let copy = ResetRow {
        delivery: Some(Delivery::Copy),
        ..delivered.clone()
    };
    let shown = Ending {
        shows_password: Some(true),
        retry_for: None,
        ..ending(world, &copy, done)
    };
    samples.say("result", say::result(&shown));
    let mut failed = done.to_vec();
    for step in failed.iter_mut().filter(|step| step.step == Step::Deliver) {
        (step.outcome, step.detail) = (StepOutcome::Failed, Some("kept_back".to_owned()));
    }
    for methods in world.methods() {
        let told = Ending {
            codes: Some(&methods),
            ..ending(world, delivered, &failed)
        };
        samples.say("result", say::result(&told));
    }
    let undelivered = ResetRow {
        state: State::Undelivered,
        ..delivered.clone()
    };
    let given_up = Ending {
        retry_for: None,
        ..ending(world, &undelivered, &failed)
    };
    samples.say("result", say::result(&given_up));
}

/// What its sign-in asks for, and what may still set a password.
fn results_of_a_directory_with_pages(world: &World<'_>, samples: &mut Samples) {
    let mut done = steps(world, StepOutcome::Done, None);
    let lost = done.iter_mut().filter(|step| step.step == Step::MustChange);
    lost.for_each(|step| {
        (step.outcome, step.detail) = (StepOutcome::Failed, Some("not_in_force".to_owned()));
    });
    let at = Some(world.now);
    let looks = [
        (None, None, None),
        (at, at, None),
        (at, None, None),
        (at, None, at),
        (None, None, at),
    ];
    let factors: Vec<_> = super::second_factors()
        .into_iter()
        .map(Some)
        .chain([None])
        .collect();
    for (number, factors) in factors.iter().enumerate() {
        for (password_set_at, look_at, set_again_at) in looks {
            let row = ResetRow {
                state: State::Delivered,
                delivery: Some(Delivery::Phone),
                changed_at: at,
                password_set_at,
                look_at,
                set_again_at,
                ..world.row.clone()
            };
            let link = world.own_link(number % 2 == 0);
            let plain = ending(world, &row, &done);
            let told = Ending {
                second_factors: factors.as_ref(),
                own_link: Some(&link),
                capabilities: Capabilities {
                    has_our_pages: false,
                    signs_members_in: true,
                    ..plain.capabilities
                },
                ..plain
            };
            samples.say("result", say::result(&told));
            samples.say("set_again", say::set_again(&row, &world.zone, world.now));
        }
    }
}

fn stopped(world: &World<'_>, samples: &mut Samples) {
    let (name, r) = (world.name, &world.reference);
    samples.say("store_down", say::store_down(r));
    for directory in [name, "directory"] {
        samples.say("directory_down", say::directory_down(directory, r));
        samples.say(
            "directory_misconfigured",
            say::directory_misconfigured(directory, r),
        );
        let gone = say::directory_refused(directory, &WhyRefused::Gone, r);
        samples.say("directory_refused", gone);
    }
    for why in directory_refusals::of(world.typed) {
        samples.say("directory_refused", say::directory_refused(name, &why, r));
    }
    samples.say("contact_changed", say::contact_changed(name, r));
    samples.say("chosen_before_upgrade", say::chosen_before_upgrade(r));
    for why in REFUSALS {
        for (step, channel) in [
            (Step::CopyToSelf, Channel::Email),
            (Step::Deliver, Channel::Sms),
            (Step::Deliver, Channel::Email),
        ] {
            let mask = match channel {
                Channel::Email => Some(world.email.masked()),
                Channel::Sms => None,
            };
            let at = NotReadyAt {
                step,
                channel,
                to: mask.as_deref(),
                is_on_record: step == Step::Deliver,
                has_codes: true,
            };
            let without_phone = Member {
                phone: None,
                ..world.member.clone()
            };
            // Where replies are not private, the contacts on record are the only ways.
            for (member, is_private) in [(&world.member, true), (&without_phone, false)] {
                let offered = Some((member, world.value));
                let channels = (&world.channels, is_private);
                let told = say::channel_not_ready(at, why, offered, channels, r);
                samples.say("channel_not_ready", told.clone());
                samples.say("with_slot_back", say::with_slot_back(told));
            }
        }
    }
}

fn instead(world: &World<'_>, samples: &mut Samples) {
    let (name, r) = (world.name, &world.reference);
    let to = world.email.masked();
    samples.say("guide_sent", say::guide_sent(name, &to));
    samples.say("guide_leads_nowhere", say::guide_leads_nowhere(r));
    samples.say("guide_unknown", say::guide_unknown(name, &to, "11:05", r));
    samples.say(
        "guide_without_code",
        say::guide_without_code(&world.member, r),
    );
    samples.say("guide_needs_reset", say::guide_needs_reset(name, r));
    samples.say("guide_failed", say::guide_failed(name, None, r));
    for why in REFUSALS {
        let told = say::guide_failed(name, Some((why, Channel::Email)), r);
        samples.say("guide_failed", told);
    }
    samples.say(
        "directory_link_sent",
        say::directory_link_sent(name, name, "11:05", r),
    );
    samples.say("directory_link_gone", say::directory_link_gone(name, r));
    let told = say::directory_link_unknown(name, name, r);
    samples.say("directory_link_unknown", told);
}
