//! Cards, last looks, forms, help and lists.

use relatch::surface::chat::FormKind;
use relatch::surface::directory::Capabilities;
use relatch::surface::domain::channel::DestinationDenied;
use relatch::surface::domain::country::Country;
use relatch::surface::domain::phone::phone_on_record;
use relatch::surface::domain::policy::Rule;
use relatch::surface::domain::{
    Carries, Delivery, Denied, Destination, LogLine, Member, Platform, Quota, Span, State,
};
use relatch::surface::flow::messages as say;
use relatch::surface::flow::messages::{AboutContacts, Card, ContactAdder, LastLook};
use relatch::surface::store::{Earlier, LogLineRow, Past, ResetRow, Why};

use super::{Samples, World};

/// Everybody who may have to add a contact.
const ADDERS: [ContactAdder; 3] = [
    ContactAdder::AskedAdmin,
    ContactAdder::SomeAdmin,
    ContactAdder::Operator,
];

pub(super) fn add(world: &World<'_>, samples: &mut Samples) {
    cards(world, samples);
    last_looks(world, samples);
    forms(world, samples);
    lists(world, samples);
}

fn cards(world: &World<'_>, samples: &mut Samples) {
    let all = Capabilities {
        can_sign_out: true,
        must_change: true,
        asks_nobody: false,
        forces_change_apart: false,
        unlocks_apart: false,
        has_our_pages: true,
        signs_members_in: false,
        own_link: Some(Span::hours(1)),
    };
    let none = Capabilities {
        own_link: Some(Span::hours(1)),
        ..Capabilities::default()
    };
    let unknown = Member {
        phone: None,
        personal_email: None,
        never_expires: true,
        ..world.member.clone()
    };
    let earlier = |is_certain| Earlier {
        changed_at: world.now - Span::hours(1),
        admin_name: world.name.to_owned(),
        is_certain,
        is_disowned: false,
        is_own: false,
        is_since_card: false,
    };
    let (certain, uncertain) = (earlier(true), earlier(false));
    let plain = AboutContacts::default();
    let card = Card {
        member: &world.member,
        capabilities: all,
        directory: world.name,
        quota: Some(card_quota(world)),
        earlier: Some(&certain),
        reason: Some(world.name),
        own_link: None,
        channels: &world.channels,
        is_private: true,
        contacts: &plain,
        is_reachable: true,
        has_guide: true,
        until: world.row.expires_at,
        reset_id: world.row.reset_id,
        value: world.value,
        zone: &world.zone,
        now: world.now,
    };
    cards_with_contacts(world, &card, samples);
    cards_with_phone_remarks(&card, &unknown, samples);
    cards_of_a_directory_with_pages(world, &card, samples);
    cards_of_another_set_up(&card, samples);
    cards_after_not_me(&card, samples);
    warnings(world, &card, samples);
    for (member, capabilities, is_private, channels) in [
        (&world.member, none, true, &world.channels),
        (&unknown, all, true, &world.channels),
        (&unknown, none, false, &world.channels),
        (&unknown, all, false, &world.strict),
        (&unknown, none, true, &world.strict),
    ] {
        let card = Card {
            member,
            capabilities,
            is_private,
            channels,
            quota: None,
            earlier: Some(&uncertain),
            is_reachable: is_private && !channels.ways.is_strict,
            ..card
        };
        samples.say("offer_card", say::offer_card(&card));
        samples.say(
            "offer_card",
            say::offer_card(&Card {
                is_reachable: false,
                ..card
            }),
        );
    }
}

/// Wherever codes may go, and whoever can add a contact for them.
fn cards_with_contacts(world: &World<'_>, card: &Card<'_>, samples: &mut Samples) {
    for methods in world.methods() {
        let differing = [
            world.member.phone.clone().map(Destination::Phone),
            world.member.personal_email.clone().map(Destination::Email),
        ];
        for adder in ADDERS {
            let contacts = AboutContacts {
                adder,
                methods: methods.clone(),
                differing: differing
                    .iter()
                    .flatten()
                    .map(|to| (to.clone(), world.now))
                    .collect(),
            };
            samples.say(
                "offer_card",
                say::offer_card(&Card {
                    contacts: &contacts,
                    ..*card
                }),
            );
        }
    }
}

/// A member who did not ask for their last reset.
fn cards_after_not_me(card: &Card<'_>, samples: &mut Samples) {
    let earlier = card.earlier.map(|earlier| Earlier {
        is_disowned: true,
        ..earlier.clone()
    });
    let told = Card {
        earlier: earlier.as_ref(),
        ..*card
    };
    samples.say("offer_card", say::offer_card(&told));
}

/// Each warning alone, on a card whose other lines do not matter.
fn warnings(world: &World<'_>, card: &Card<'_>, samples: &mut Samples) {
    let (zone, now) = (&world.zone, world.now);
    let mut told = say::offer_card(card);
    let directory = Capabilities {
        signs_members_in: true,
        ..Capabilities::default()
    };
    for bits in 0..16_u8 {
        let is = |bit: u8| bits & 1 << bit != 0;
        let earlier = Earlier {
            changed_at: now,
            admin_name: world.name.to_owned(),
            is_certain: is(0),
            is_disowned: is(1),
            is_own: is(2),
            is_since_card: is(3),
        };
        told.warnings = vec![say::earlier_reset(
            &earlier,
            (world.name, directory),
            zone,
            now,
        )];
        samples.say("earlier_reset", told.clone());
    }
    told.warnings = vec![say::disowned_code(world.name, now, zone, now)];
    samples.say("disowned_code", told.clone());
    let limits = [0, 1, 2].map(|left| {
        let quota = Quota {
            used: 5 - left,
            left,
            next_at: Some(now),
            window: Span::hours(24),
        };
        say::limit(quota, zone, now)
    });
    told.warnings = limits.into_iter().flatten().collect();
    assert_eq!(told.warnings.len(), 2);
    samples.say("limit", told);
}

/// A directory that asks nobody for a new password, and a password beside that of another system.
fn cards_of_another_set_up(card: &Card<'_>, samples: &mut Samples) {
    let member = Member {
        has_other_password: true,
        ..card.member.clone()
    };
    let told = Card {
        member: &member,
        directory: "Keycloak",
        capabilities: Capabilities {
            must_change: false,
            asks_nobody: true,
            ..card.capabilities
        },
        ..*card
    };
    samples.say("offer_card", say::offer_card(&told));
}

/// What its sign-in asks for, a passkey, an earlier reset whose pages may be open, and a link that was sent.
fn cards_of_a_directory_with_pages(world: &World<'_>, card: &Card<'_>, samples: &mut Samples) {
    let capabilities = Capabilities {
        has_our_pages: false,
        signs_members_in: true,
        ..card.capabilities
    };
    for (second_factors, is_certain) in super::second_factors()
        .into_iter()
        .zip([true, false].into_iter().cycle())
    {
        let member = Member {
            second_factors,
            ..world.member.clone()
        };
        let link = world.own_link(is_certain);
        let told = Card {
            member: &member,
            capabilities,
            own_link: Some(&link),
            ..*card
        };
        samples.say("offer_card", say::offer_card(&told));
    }
}

/// Phones that were read with the default country or with 00 for the plus, and one that could not be read.
fn cards_with_phone_remarks(card: &Card<'_>, without_phone: &Member, samples: &mut Samples) {
    let told = ["0151 23456789", "010-1234-5642", "0049 151 23456789"].map(|text| {
        let (phone, phone_remarks) =
            phone_on_record(std::iter::once(text), "KR".parse::<Country>().ok());
        Member {
            phone,
            phone_remarks,
            ..without_phone.clone()
        }
    });
    for member in &told {
        samples.say("offer_card", say::offer_card(&Card { member, ..*card }));
    }
}

fn card_quota(world: &World<'_>) -> Quota {
    Quota {
        used: 1,
        left: 4,
        next_at: Some(world.now + Span::hours(23)),
        window: Span::hours(24),
    }
}

fn last_looks(world: &World<'_>, samples: &mut Samples) {
    let rows = [
        (Some(Delivery::Copy), Carries::Password),
        (Some(Delivery::Phone), Carries::Password),
        (Some(Delivery::Email), Carries::Password),
        (Some(Delivery::Email), Carries::Link),
    ];
    let copy_to = world.email.to_string();
    let differing = [(Destination::Email(world.email.clone()), world.now)];
    let disowned = Earlier {
        changed_at: world.now,
        admin_name: world.name.to_owned(),
        is_certain: true,
        is_disowned: true,
        is_own: false,
        is_since_card: false,
    };
    let since = Earlier {
        is_disowned: false,
        is_since_card: true,
        ..disowned.clone()
    };
    for (delivery, carries) in rows {
        let row = ResetRow {
            delivery,
            carries,
            reason: Some(world.name.to_owned()),
            destination: Some(world.email.to_string()),
            destination_mask: Some(world.email.masked()),
            is_typed: carries == Carries::Password,
            also_show: true,
            copy_to_self: Some(copy_to.clone()),
            ..world.row.clone()
        };
        for (methods, adder) in world
            .methods()
            .iter()
            .flat_map(|one| ADDERS.map(|adder| (one, adder)))
        {
            let look = LastLook {
                row: &row,
                earlier: match adder {
                    ContactAdder::Operator => Some(&disowned),
                    ContactAdder::SomeAdmin => Some(&since),
                    ContactAdder::AskedAdmin | ContactAdder::Import => None,
                },
                own_link: None,
                differing: &differing,
                quota: Some(card_quota(world)),
                capabilities: Capabilities::default(),
                length: 8,
                copy_to: Some(&copy_to),
                can_mail: true,
                is_private: true,
                codes: Some(methods),
                adder,
                zone: &world.zone,
                now: world.now,
                value: world.value,
                confirm_value: world.value,
            };
            samples.say("last_look", say::last_look(&look));
        }
    }
    let look = LastLook {
        row: &world.row,
        earlier: None,
        own_link: None,
        differing: &[],
        quota: None,
        capabilities: Capabilities::default(),
        length: 64,
        copy_to: None,
        can_mail: false,
        is_private: false,
        codes: None,
        adder: ContactAdder::default(),
        zone: &world.zone,
        now: world.now,
        value: world.value,
        confirm_value: world.value,
    };
    let mailbox = DestinationDenied::BusinessEmail;
    let why = say::destination_refused(&mailbox, world.name, &world.reference);
    let look_with_reason = say::with_reason(say::last_look(&look), why);
    samples.say("with_reason", look_with_reason);
    let mut stale = say::stale(say::last_look(&look), &world.reference);
    let link = world.own_link(true);
    stale
        .warnings
        .push(say::link_still_works(&link, &world.zone, world.now));
    samples.say("link_still_works", stale.clone());
    samples.say("stale", stale);
}

fn forms(world: &World<'_>, samples: &mut Samples) {
    let value = || world.value.to_owned();
    for kind in FormKind::ALL {
        samples.ask("typed_form", say::typed_form(*kind, world.name, value()));
    }
    let to = world.email.masked();
    samples.ask(
        "contact_code_form",
        say::contact_code_form(world.name, &to, value()),
    );
}

fn lists(world: &World<'_>, samples: &mut Samples) {
    let (zone, now) = (&world.zone, world.now);
    samples.say("help", say::help(Span::minutes(10), 5, Span::hours(24)));
    let of = |state: State, carries, link_used_at| Past {
        reset: ResetRow {
            state,
            carries,
            link_used_at,
            delivery: Some(Delivery::Email),
            claimed_at: Some(now),
            delivering_at: Some(now),
            ..world.row.clone()
        },
        steps: vec![],
        is_slot_returned: state == State::Refused,
    };
    let mut past: Vec<Past> = State::ALL
        .iter()
        .map(|state| of(*state, Carries::Password, None))
        .collect();
    past.push(of(State::Delivered, Carries::Link, None));
    past.push(of(State::Delivered, Carries::Link, Some(now)));
    let mut again = of(State::Delivered, Carries::Password, None);
    again.reset.set_again_at = Some(now);
    past.push(again);
    let mut disowned = of(State::Delivered, Carries::Password, None);
    disowned.reset.disowned_at = Some(now);
    disowned.reset.reason = Some(world.name.to_owned());
    past.push(disowned);
    let lines = log_lines(world);
    samples.say(
        "history",
        say::history(&[], &[], Some(world.name), zone, now),
    );
    samples.say("history", say::history(&past, &[], None, zone, now));
    samples.say(
        "history",
        say::history(&past[past.len() - 3..], &lines, None, zone, now),
    );
    samples.say("refused", say::refused(&[], None, zone, now));
    samples.say("refused", say::refused(&lines, Some(world.name), zone, now));
    let quota = Quota {
        used: 5,
        left: 0,
        next_at: Some(now),
        window: Span::hours(24),
    };
    let outcomes: Vec<(Rule, Result<(), Denied>)> = Rule::ALL
        .iter()
        .flat_map(|rule| [(*rule, Ok(())), (*rule, Err(Denied::Oneself))])
        .collect();
    let earlier = Earlier {
        changed_at: now,
        admin_name: world.name.to_owned(),
        is_certain: true,
        is_disowned: true,
        is_own: false,
        is_since_card: false,
    };
    let name = || world.name.to_owned();
    for (busy, disowned) in [
        (Some(name()), Some((earlier.clone(), true))),
        (None, Some((earlier.clone(), false))),
        (None, None),
    ] {
        let why = Why {
            quota,
            busy,
            disowned,
        };
        let told = say::rules(world.name, &outcomes, &why, (zone, now), &world.reference);
        samples.say("rules", told);
    }
    let mut told = say::used(&world.row, zone, now);
    for failure in [None, Some("x".to_owned())] {
        told.lines.extend(State::ALL.iter().map(|state| {
            let row = ResetRow {
                state: *state,
                failure: failure.clone(),
                set_again_at: (*state == State::Delivered && failure.is_none()).then_some(now),
                second_factors: Some(String::new()),
                ..world.row.clone()
            };
            say::untold(&row, zone, now)
        }));
    }
    samples.say("used", told.clone());
    samples.say("news", say::news(told.lines.clone()));
    samples.say("untold", told);
    let mut not_me = say::used(&world.row, zone, now);
    not_me.lines = [(true, false), (false, false), (false, true)]
        .map(|(is_own, is_over)| say::not_me_line(&world.row, is_own, is_over, zone, now))
        .into();
    samples.say("not_me_line", not_me.clone());
    not_me.lines = [true, false]
        .map(|is_closed| say::code_not_me_line((world.name, is_closed), now, zone, now))
        .into();
    samples.say("code_not_me_line", not_me);
    for is_told in [true, false] {
        samples.say("disowned", say::disowned(&world.row, is_told));
    }
}

/// Refusals and contacts, with and without names.
fn log_lines(world: &World<'_>) -> Vec<LogLineRow> {
    let name = || Some(world.name.to_owned());
    let line = |log_line, is_named: bool| LogLineRow {
        seq: 1,
        noted_at: world.now,
        event: "command".to_owned(),
        outcome: "no_such_member".to_owned(),
        reference: is_named.then(|| world.reference.to_string()),
        platform: Some(Platform::Slack),
        chat_user: Some("U1".to_owned()),
        admin_name: name().filter(|_| is_named),
        admin_email: None,
        member_name: name().filter(|_| is_named),
        member_email: None,
        detail: Some(world.email.masked()),
        reason: Some(world.name.to_owned()).filter(|_| is_named),
        log_line,
    };
    let nobody = LogLineRow {
        platform: None,
        ..line(LogLine::Contact, false)
    };
    let taken = LogLineRow {
        outcome: "removed_by_not_me".to_owned(),
        ..line(LogLine::Contact, true)
    };
    let kinds = [LogLine::Refused, LogLine::Contact, LogLine::NotMe];
    let lines = kinds.map(|kind| [line(kind, true), line(kind, false)]);
    lines.into_iter().flatten().chain([nobody, taken]).collect()
}
