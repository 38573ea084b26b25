//! The lowest layer by its public surface: what `scripts/mutants.sh domain` found that no unit test noticed.
//!
//! The script runs this file with the layer alone, so it uses nothing but `relatch::surface::domain`.

use std::collections::BTreeSet;

use relatch::surface::domain::company::CompanyDomains;
use relatch::surface::domain::delivery::{Extra, ExtraDenied, Plan, Refusal, Way};
use relatch::surface::domain::look_up::{
    LOOK_UPS, PAUSE, REFUSALS_WITHIN, TooMany, Tried, paused_until,
};
use relatch::surface::domain::member::Guard;
use relatch::surface::domain::person::{Traits, difference};
use relatch::surface::domain::phone::PhoneNumber;
use relatch::surface::domain::reset::SlotAfter;
use relatch::surface::domain::sign_in::DEVICE_LIFE;
use relatch::surface::domain::sms_countries::SmsCountries;
use relatch::surface::domain::{
    Carries, Denied, Destination, EmailAddress, LoginMethod, Member, MemberId, Moment, ResetId,
    Role, SecondFactors, Span, State, Status,
};

fn mina() -> Member {
    Member {
        id: MemberId("m-1".to_owned()),
        name: "Mina Park".to_owned(),
        business_email: "mina.park@acme.example".parse().unwrap(),
        aliases: vec!["mina@acme.example".parse().unwrap()],
        login_method: LoginMethod::BusinessEmail,
        status: Status::Active,
        phone: None,
        personal_email: None,
        role: Role::Member,
        department: None,
        manager_email: None,
        guard: None,
        phone_remarks: Vec::new(),
        never_expires: false,
        has_other_password: false,
        second_factors: SecondFactors::default(),
    }
}

/// The words of the record: each says something, and no two are the same.
fn assert_codes(codes: &[&str]) {
    let is_word = |code: &&str| {
        code.contains('_') || (code.len() > 2 && code.bytes().all(|byte| byte.is_ascii_lowercase()))
    };
    assert!(codes.iter().all(is_word), "{codes:?}");
    assert_eq!(
        codes.iter().collect::<BTreeSet<_>>().len(),
        codes.len(),
        "{codes:?}"
    );
}

#[test]
fn what_is_recorded_tells_reasons_apart() {
    assert_codes(&[
        Refusal::Unreachable.code(),
        Refusal::Address.code(),
        Refusal::Later.code(),
        Refusal::Credentials.code(),
        Refusal::SetUp.code(),
        Refusal::OptedOut.code(),
        Refusal::Message.code(),
        Refusal::Tls.code(),
    ]);
    assert_codes(&[ExtraDenied::Strict.code(), ExtraDenied::NotPrivate.code()]);
    assert_eq!(ExtraDenied::WithLink.code(), ExtraDenied::Strict.code());
    assert_codes(&[
        Denied::NotAdmin.code(),
        Denied::Oneself.code(),
        Denied::Outranked.code(),
        Denied::LoginMethod(LoginMethod::Sso).code(),
        Denied::Status(Status::Suspended).code(),
        Denied::Guarded(Guard::Protected).code(),
        Denied::Guarded(Guard::Expired(Moment(0))).code(),
        Denied::Guarded(Guard::NotYetValid(Moment(0))).code(),
        Denied::Disowned.code(),
        Denied::Busy {
            admin_name: "Jo Lim".to_owned(),
        }
        .code(),
    ]);
    let next_at = Moment(0);
    assert_codes(&[
        TooMany::LookUps {
            of: LOOK_UPS[0],
            next_at,
        }
        .code(),
        TooMany::Refusals { next_at }.code(),
    ]);
}

/// Only the registered address of the administrator is safe where somebody else may read the chat or have typed in it.
#[test]
fn what_the_chat_shows_or_takes_needs_private_replies() {
    for extra in [Extra::Copy, Extra::Typed, Extra::CopyElsewhere, Extra::Show] {
        assert!(extra.needs_private_replies(), "{extra:?}");
    }
    assert!(!Extra::CopyToSelf.needs_private_replies());
}

/// S23, S38: the password is shown by Copy, and by "also show", and by nothing else.
#[test]
fn a_plan_shows_by_copy_or_besides() {
    let to_phone = Way::Send(Destination::Phone("+821012345642".parse().unwrap()));
    for (way, also_show, shows) in [
        (Way::Copy, false, true),
        (Way::Copy, true, true),
        (to_phone.clone(), false, false),
        (to_phone, true, true),
    ] {
        let plan = Plan {
            way,
            copy_to_self: None,
            also_show,
            carries: Carries::Password,
        };
        assert_eq!(plan.shows(), shows, "{plan:?}");
    }
}

/// S10, S43: a phone is an outside contact, and so is an email that does not lie with the organization; either is enough.
#[test]
fn one_outside_contact_is_enough() {
    let with = |phone: Option<&str>, email: Option<&str>| Member {
        phone: phone.map(|phone| phone.parse().unwrap()),
        personal_email: email.map(|email| email.parse().unwrap()),
        ..mina()
    };
    assert!(!with(None, None).has_outside_contact());
    assert!(with(Some("+821012345642"), None).has_outside_contact());
    assert!(with(None, Some("mina@mail.example")).has_outside_contact());
    assert!(!with(None, Some("mina@it.acme.example")).has_outside_contact());
}

/// S11: the member's own password opens the mailbox of each of their business addresses, however it is written.
#[test]
fn every_business_address_is_a_mailbox_of_the_member() {
    for (address, is_own) in [
        ("mina.park@acme.example", true),
        ("Mina.Park+x@ACME.example", true),
        ("mina@acme.example", true),
        ("kim@acme.example", false),
        ("mina.park@mail.example", false),
    ] {
        let is_found = mina().has_mailbox(&address.parse().unwrap());
        assert_eq!(is_found, is_own, "{address}");
    }
}

/// An administrator of a list, or an added contact, is found however its ASCII letters are written, and nobody else is.
#[test]
fn the_same_address_is_found_in_any_case() {
    let listed: EmailAddress = "jo@acme.example".parse().unwrap();
    for (address, is_same) in [
        ("jo@acme.example", true),
        ("Jo@ACME.example", true),
        ("jo+x@acme.example", false),
        ("kim@acme.example", false),
    ] {
        assert_eq!(
            listed.is_same(&address.parse().unwrap()),
            is_same,
            "{address}"
        );
    }
}

/// Where nobody can tell the country of the number on record, its calling code has to do.
#[test]
fn a_number_without_a_country_allows_its_calling_code() {
    let own = PhoneNumber::stored("+15552345678").unwrap();
    assert_eq!(own.country_of(), None);
    let member = Member {
        phone: Some(own),
        ..mina()
    };
    let countries = SmsCountries::default();
    let is_allowed = |to: &str| countries.check(&to.parse().unwrap(), &member).is_ok();
    assert!(is_allowed("+12025550123"));
    assert!(!is_allowed("+821012345642"));
}

/// A pause ends when it was said to end, and a window when it is over: what comes in that moment counts from anew.
#[test]
fn a_pause_and_its_window_end_on_time() {
    let refused = |at: &[Moment]| -> Vec<(Moment, Tried)> {
        at.iter().map(|at| (*at, Tried::RefusedClick)).collect()
    };
    let twenty = vec![Moment(0); 20];
    let until = Moment(0) + PAUSE;
    assert_eq!(paused_until(&refused(&twenty)), Some(until));
    let again = vec![until; 20];
    assert_eq!(
        paused_until(&refused(&[twenty, again].concat())),
        Some(until + PAUSE)
    );
    let mut spread = vec![Moment(0); 19];
    spread.push(Moment(0) + REFUSALS_WITHIN);
    assert_eq!(paused_until(&refused(&spread)), None);
    spread[19] = Moment(0) + Span(REFUSALS_WITHIN.0 - 1);
    assert!(paused_until(&refused(&spread)).is_some());
}

/// What is made of a reset whose process died: the slot comes back only where surely nothing was changed. Whoever is at work
/// on a member keeps others away, and nobody else does.
#[test]
fn what_is_at_work_is_recovered_and_nothing_else() {
    for state in State::ALL {
        let recovered = match state {
            State::Claimed => Some((State::Refused, SlotAfter::Returned)),
            State::Changing => Some((State::Unknown, SlotAfter::Kept)),
            State::Changed => Some((State::Lost, SlotAfter::Kept)),
            State::Delivering => Some((State::DeliveryUnknown, SlotAfter::Kept)),
            State::Offered
            | State::Delivered
            | State::Undelivered
            | State::DeliveryUnknown
            | State::Cancelled
            | State::Expired
            | State::Superseded
            | State::Refused
            | State::Unknown
            | State::Lost => None,
        };
        assert_eq!(state.recovered(), recovered, "{state}");
        assert_eq!(state.is_active(), recovered.is_some(), "{state}");
    }
}

#[test]
fn a_browser_is_remembered_for_half_a_year() {
    assert_eq!(DEVICE_LIFE.to_string(), "180 days");
}

/// A reference is the last 20 bits of an id, five to a character, without I, L, O and U.
#[test]
fn a_reference_is_the_end_of_an_id() {
    let mut id = [0; 16];
    for (end, reference) in [
        ([0x12, 0x34, 0x56], "4D2P"),
        ([0xf0, 0, 0x1f], "000Z"),
        ([0x0f, 0xff, 0xff], "ZZZZ"),
    ] {
        id[13..].copy_from_slice(&end);
        assert_eq!(ResetId(id).reference().to_string(), reference);
    }
}

/// What is written out is the whole: requests to the directory and messages to the member are made of it.
#[test]
fn ids_and_addresses_are_written_as_they_are() {
    assert_eq!(MemberId("id-mina".to_owned()).to_string(), "id-mina");
    let email: EmailAddress = "Mina@mail.example".parse().unwrap();
    assert_eq!(email.to_string(), "Mina@mail.example");
    let phone: PhoneNumber = "+82 10 1234 5642".parse().unwrap();
    assert_eq!(phone.to_string(), "+821012345642");
}

/// What stands in the record as a phone is 7 to 15 digits behind a plus, and nothing else.
#[test]
fn a_stored_phone_has_the_form_of_one() {
    for (text, is_one) in [
        ("+821012345642", true),
        ("+1234567", true),
        ("+123456", false),
        ("+1234567890123456", false),
        ("+82101234564x", false),
        ("821012345642", false),
    ] {
        assert_eq!(PhoneNumber::stored(text).is_ok(), is_one, "{text}");
    }
}

/// Every unit that the settings and their comments name.
#[test]
fn every_unit_of_time_is_read() {
    for (text, span) in [
        ("250ms", Span(250)),
        ("10s", Span::seconds(10)),
        ("15m", Span::minutes(15)),
        ("24h", Span::hours(24)),
        ("7d", Span::hours(7 * 24)),
    ] {
        assert_eq!(text.parse(), Ok(span), "{text}");
    }
}

/// Letters with a stroke have no decomposition, so two spellings of one name meet only here; another letter is another name.
#[test]
fn a_stroke_makes_no_other_name() {
    let named = |name| Traits {
        name,
        business_email: "mina@acme.example",
        employee_id: None,
        phone: None,
        personal_email: None,
    };
    for (one, other, is_same) in [
        ("Sørén Łaska", "Soren Laska", true),
        ("Đặng Işık", "Dang Isik", true),
        ("Ħamŧa", "Hamta", true),
        ("Søren", "Saren", false),
        ("Ðora", "Hora", false),
    ] {
        let difference = difference(&named(one), &named(other), &CompanyDomains::default());
        assert_eq!(difference.is_none(), is_same, "{one} and {other}");
    }
}

#[test]
fn seconds_are_rounded_down() {
    for (milliseconds, seconds) in [
        (0, 0),
        (999, 0),
        (1_795_428_000_999, 1_795_428_000),
        (-1, -1),
    ] {
        assert_eq!(Moment(milliseconds).unix_seconds(), seconds);
    }
}
