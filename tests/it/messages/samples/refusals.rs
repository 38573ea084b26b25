//! Refusals, clicks that do nothing, and contacts for codes.

use relatch::surface::chat::interaction::MemberCommand;
use relatch::surface::chat::{AccountKind, ApiError, FormKind};
use relatch::surface::domain::channel::DestinationDenied;
use relatch::surface::domain::delivery::ExtraDenied;
use relatch::surface::domain::look_up::{Allowance, TooMany};
use relatch::surface::domain::phone::NotAPhone;
use relatch::surface::domain::sms_countries::NotThisCountry;
use relatch::surface::domain::{
    Channel, ChatUser, Denied, Destination, Guard, LoginMethod, Member, Platform, Quota, Span,
    State, Status,
};
use relatch::surface::flow::messages as say;
use relatch::surface::store::{ClickRefused, ResetRow};

use super::{REFUSALS, Samples, World};

pub(super) fn add(world: &World<'_>, samples: &mut Samples) {
    who(world, samples);
    rules(world, samples);
    clicks(world, samples);
    destinations(world, samples);
    contacts(world, samples);
    contact_refusals(world, samples);
}

fn who(world: &World<'_>, samples: &mut Samples) {
    let r = &world.reference;
    for kind in [
        AccountKind::Member,
        AccountKind::Guest,
        AccountKind::Bot,
        AccountKind::Deleted,
        AccountKind::Stranger,
    ] {
        samples.say("outsider", say::outsider(kind, world.name, r));
        for name in [Some(world.typed), Some(world.name), None] {
            samples.say("named_outsider", say::named_outsider(kind, name, r));
        }
    }
    for (platform, user) in [
        (Platform::Slack, "W0123456789ABCDEFGHIJ"),
        (Platform::Mattermost, "u1d9eiunhbgz8ekq8h63ykbxyr"),
        (Platform::Lark, "ou_f53fe4a2b7a9c1d0e8b6a5c4d3e2f1a0"),
        (Platform::Discord, "18446744073709551615"),
    ] {
        let user = ChatUser {
            platform,
            tenant: "W".repeat(32),
            user: user.to_owned(),
        };
        for is_linked in [true, false] {
            samples.say(
                "unresolved_caller",
                say::unresolved_caller(&user, is_linked, r),
            );
        }
    }
    samples.say("unresolved_member", say::unresolved_member(r));
    samples.say("no_such_member", say::no_such_member(world.typed, r));
    samples.say(
        "no_such_member",
        say::no_such_member(world.email.as_str(), r),
    );
    samples.say("unclear", say::unclear(world.typed, r));
    samples.say("bare_name", say::bare_name(world.typed, r));
    samples.say("group_mention", say::group_mention(world.typed, r));
    for command in [MemberCommand::Why, MemberCommand::Contact] {
        samples.say("no_member", say::no_member(command, r));
    }
    samples.say("no_address", say::no_address(r));
    let help = say::help(Span::minutes(15), 5, Span::hours(24));
    samples.say(
        "mistyped",
        say::mistyped((world.typed, "log refused"), help, r),
    );
    samples.say("several_members", say::several_members(r));
    for error in [
        ApiError::NotFound,
        ApiError::RateLimited(Span::seconds(30)),
        ApiError::MissingScope("users:read.email".to_owned()),
        ApiError::Refused("token_revoked".to_owned()),
        ApiError::TooLate,
        ApiError::Unavailable,
    ] {
        samples.say("who_failed", say::who_failed(&error, r));
        for kind in FormKind::ALL {
            let told = say::form_not_opened(*kind, &error, r);
            samples.say("form_not_opened", told);
        }
    }
    samples.say("not_pinned", say::not_pinned(&world.email, r));
}

fn too_many(world: &World<'_>) -> Vec<TooMany> {
    let next_at = world.now + Span::minutes(5);
    let of = |within| TooMany::LookUps {
        of: Allowance {
            look_ups: 30,
            within,
        },
        next_at,
    };
    vec![
        of(Span::minutes(10)),
        of(Span::hours(24)),
        TooMany::Refusals { next_at },
        TooMany::Refusals {
            next_at: next_at + Span::hours(24),
        },
    ]
}

fn every_denied(world: &World<'_>) -> Vec<Denied> {
    let limit = |next_at| {
        Denied::Limit(Quota {
            used: 5,
            left: 0,
            next_at,
            window: Span::hours(24),
        })
    };
    let mut all = vec![
        Denied::NotAdmin,
        Denied::Oneself,
        Denied::Outranked,
        Denied::Disowned,
        Denied::Busy {
            admin_name: world.name.to_owned(),
        },
        limit(None),
        limit(Some(world.now + Span::hours(3))),
        limit(Some(world.now + Span::hours(23))),
    ];
    all.extend(LoginMethod::ALL.iter().copied().map(Denied::LoginMethod));
    all.extend(Status::ALL.iter().copied().map(Denied::Status));
    let guards = [
        Guard::Protected,
        Guard::ManagedElsewhere,
        Guard::SmartCard,
        Guard::Locked,
        Guard::ServiceAccount,
        Guard::Expired(world.now - Span::hours(1000)),
        Guard::NotYetValid(world.now + Span::hours(1000)),
    ];
    all.extend(guards.map(Denied::Guarded));
    all.extend(too_many(world).into_iter().map(Denied::TooMany));
    all
}

fn rules(world: &World<'_>, samples: &mut Samples) {
    let (zone, now, r) = (&world.zone, world.now, &world.reference);
    for denied in every_denied(world) {
        let told = say::denied(&denied, world.name, world.organization, zone, now, r);
        samples.say("denied", told);
    }
    for many in too_many(world) {
        samples.say(
            "too_many_look_ups",
            say::too_many_look_ups(many, zone, now, r),
        );
        samples.say("too_many_typed", say::too_many_typed(many, zone, now, r));
    }
}

fn clicks(world: &World<'_>, samples: &mut Samples) {
    let (zone, now, r) = (&world.zone, world.now, &world.reference);
    let mut all = vec![
        ClickRefused::Replayed,
        ClickRefused::NoSuchCard,
        ClickRefused::NotYours {
            admin_name: world.name.to_owned(),
        },
        ClickRefused::Expired,
        ClickRefused::Superseded,
        ClickRefused::Cancelled,
        ClickRefused::MemberGone,
        ClickRefused::InProgress,
        ClickRefused::NothingChosen,
        ClickRefused::Stale,
        ClickRefused::Overtaken,
        ClickRefused::NotReachable,
        ClickRefused::ContactAsked(now),
        ClickRefused::ContactBeingAsked,
        ClickRefused::Guided {
            at: now,
            admin_name: world.name.to_owned(),
        },
    ];
    for changed_at in [None, Some(now)] {
        all.extend(State::ALL.iter().map(|state| ClickRefused::AlreadyDone {
            state: *state,
            changed_at,
        }));
    }
    all.extend(every_denied(world).into_iter().map(ClickRefused::Denied));
    for refused in &all {
        let row = Some(&world.row);
        let told = say::click_refused(refused, row, world.organization, zone, now, r);
        samples.say("click_refused", told.clone());
        for (state, changed_at) in [(State::Changed, Some(now)), (State::Unknown, None)] {
            let row = ResetRow {
                state,
                changed_at,
                ..world.row.clone()
            };
            samples.say(
                "after_change",
                say::after_change(told.clone(), &row, zone, now),
            );
        }
    }
    samples.say(
        "click_refused",
        say::click_refused(
            &ClickRefused::Expired,
            None,
            world.organization,
            zone,
            now,
            r,
        ),
    );
    samples.say("cancelled", say::cancelled(r));
    samples.say("no_more_updates", say::no_more_updates(r));
    samples.say("click_failed", say::click_failed(r));
    samples.say("working", say::working());
    samples.say("busy", say::busy());
    samples.at_input("busy_form", say::busy_form());
    samples.say("overloaded", say::overloaded(r));
    samples.say("stopping", say::stopping(r));
    samples.say("nothing_to_do", say::nothing_to_do());
    samples.say("hidden", say::hidden());
}

fn destinations(world: &World<'_>, samples: &mut Samples) {
    let r = &world.reference;
    let allowed = ["KR", "GB", "DE", "US"].map(|country| country.parse().unwrap());
    for denied in [
        DestinationDenied::BusinessEmail,
        DestinationDenied::BusinessDomain,
        DestinationDenied::Organization,
        DestinationDenied::NotAnEmail,
        DestinationDenied::MixedScripts,
        DestinationDenied::NotAPhone(NotAPhone::Incomplete),
        DestinationDenied::NotAPhone(NotAPhone::NotMobile),
        DestinationDenied::Country(NotThisCountry {
            allowed: allowed.into(),
        }),
        DestinationDenied::EmailNeeded,
        DestinationDenied::ChannelOff(Channel::Sms),
        DestinationDenied::ChannelOff(Channel::Email),
    ] {
        let line = say::destination_denied(&denied, world.name);
        samples.at_input("destination_denied", line);
        let own = say::own_destination_denied(&denied);
        samples.at_input("own_destination_denied", own);
        let refused = say::destination_refused(&denied, world.name, r);
        samples.say("destination_refused", refused.clone());
        samples.say("with_slot_back", say::with_slot_back(refused));
        samples.say(
            "contact_denied",
            say::contact_denied(&denied, world.name, r),
        );
    }
    for denied in [
        ExtraDenied::Strict,
        ExtraDenied::WithLink,
        ExtraDenied::NotPrivate,
    ] {
        samples.say("extra_denied", say::extra_denied(denied, r));
    }
}

fn contacts(world: &World<'_>, samples: &mut Samples) {
    let (name, r) = (world.name, &world.reference);
    let to = Destination::Email(world.email.clone());
    let mask = to.masked();
    for is_strict in [true, false] {
        let value = Some(world.value).filter(|_| is_strict);
        let told = say::contact_added(name, &mask, "tomorrow 10:05", is_strict, r, value);
        samples.say("contact_added", told);
    }
    for not_me in [Vec::new(), vec!["What the member said.".to_owned()]] {
        samples.say("contact_wanted", say::contact_wanted(&world.row, not_me));
    }
    samples.say("contact_of_disowned", say::contact_of_disowned(&world.row));
    samples.say("contact_of_earlier", say::contact_of_earlier(&world.row));
    samples.say("contact_of_ended", say::contact_of_ended(&world.row));
    let changed = ResetRow {
        changing_at: Some(world.now),
        ..world.row.clone()
    };
    let one = vec![name.to_owned()];
    for (names, row) in [
        (one.clone(), &world.row),
        ([one.clone(), one].concat(), &changed),
    ] {
        samples.say("contact_asked", say::contact_asked(&names, row));
        let told = say::contact_perhaps_asked(&names, row);
        samples.say("contact_perhaps_asked", told);
    }
    let question = say::contact_question(&world.member, &to, world.value, r);
    samples.say("contact_question", question);
    samples.say("contact_answered", say::contact_answered(name, &mask, r));
    samples.say("contact_gone", say::contact_gone(name, &mask, r));
    samples.at_input("contact_code_over", say::contact_code_over());
    for left in 0..3 {
        samples.at_input("contact_code_wrong", say::contact_code_wrong(left));
    }
    samples.at_input("wrong_code", say::wrong_code(1));
}

fn contact_refusals(world: &World<'_>, samples: &mut Samples) {
    let (name, zone, now, r) = (world.name, &world.zone, world.now, &world.reference);
    for may_have_arrived in [true, false] {
        let told = say::question_not_sent(may_have_arrived, r);
        samples.say("question_not_sent", told);
        let told = say::too_many_contacts(name, &world.email, may_have_arrived, r);
        samples.say("too_many_contacts", told);
    }
    samples.say("contact_question_over", say::contact_question_over(r));
    samples.say("contact_elsewhere", say::contact_elsewhere(name, name, r));
    samples.say(
        "contact_not_private",
        say::contact_not_private(&world.member, r),
    );
    samples.say("contact_of_own_reset", say::contact_of_own_reset(name, r));
    let unknown = Member {
        phone: None,
        personal_email: None,
        ..world.member.clone()
    };
    for (member, is_strict) in [(&unknown, false), (&unknown, true), (&world.member, true)] {
        let count = usize::from(member.has_outside_contact());
        let told = say::two_contacts_needed(member, count, is_strict, r);
        samples.say("two_contacts_needed", told);
    }
    let mask = world.email.masked();
    samples.say("contact_there", say::contact_there(name, &mask, r));
    samples.say("nobody_to_ask", say::nobody_to_ask(&world.row));
    let told = say::too_many_contact_commands(zone, now + Span::hours(1), now, r);
    samples.say("too_many_contact_commands", told);
    for why in REFUSALS {
        let told =
            say::contact_code_not_sent(world.name, "+82 10-····-··42", (why, Channel::Sms), r);
        samples.say("contact_code_not_sent", told);
    }
    let told = say::contact_code_too_soon(name, Span::seconds(40), r);
    samples.say("contact_code_too_soon", told);
}
