//! Which contact gets the code, case by case.

use super::*;
use crate::domain::{LoginMethod, Role, SecondFactors, Status};

const NOW: Moment = Moment(1_000_000_000);
const OWN_PHONE: &str = "+821012345642";
const OWN_EMAIL: &str = "mina@mail.example";

fn mina() -> Member {
    Member {
        id: MemberId("mina".to_owned()),
        name: "Mina Park".to_owned(),
        business_email: "mina.park@acme.example".parse().unwrap(),
        login_method: LoginMethod::BusinessEmail,
        status: Status::Active,
        phone: Some(OWN_PHONE.parse().unwrap()),
        personal_email: Some(OWN_EMAIL.parse().unwrap()),
        role: Role::Member,
        department: None,
        manager_email: None,
        aliases: Vec::new(),
        guard: None,
        phone_remarks: Vec::new(),
        never_expires: false,
        has_other_password: false,
        second_factors: SecondFactors::default(),
    }
}

fn bare() -> Member {
    Member {
        phone: None,
        personal_email: None,
        ..mina()
    }
}

fn to(text: &str) -> Destination {
    if text.contains('@') {
        Destination::Email(text.parse().unwrap())
    } else {
        Destination::Phone(text.parse().unwrap())
    }
}

fn added(by: &str, address: &str, hours_ago: i64) -> AddedContact {
    AddedContact {
        to: to(address),
        by: MemberId(by.to_owned()),
        by_name: by.to_owned(),
        added_as: AddedAs::Administrator,
        added_at: NOW - Span::hours(hours_ago),
        answered_at: None,
    }
}

fn answered(one: AddedContact) -> AddedContact {
    AddedContact {
        answered_at: Some(one.added_at),
        ..one
    }
}

/// A reset of Jo's that began an hour ago.
fn of_jo() -> PasswordOrigin {
    PasswordOrigin {
        admins: vec![MemberId("jo".to_owned())],
        contacts_from: Some(NOW - Span::hours(1)),
        ..PasswordOrigin::default()
    }
}

fn carried(address: &str) -> PasswordOrigin {
    PasswordOrigin {
        carried: vec![to(address).key()],
        ..of_jo()
    }
}

fn typed(address: &str) -> PasswordOrigin {
    PasswordOrigin {
        typed: vec![to(address).key()],
        ..of_jo()
    }
}

fn found(
    member: &Member,
    added: &[AddedContact],
    origin: &PasswordOrigin,
    rules: ContactRules,
    is_strict: bool,
) -> Methods {
    let company = CompanyDomains::new(["acme.co".to_owned()]);
    let (has, digest) = (|_| true, |to: &Destination| to.key());
    let context = CodeContext {
        company: &company,
        rules,
        is_strict,
        has: &has,
        digest: &digest,
        now: NOW,
    };
    methods(member, added, origin, &context)
}

/// The usable contacts in order. One that got the password too is marked "same".
fn usable(member: &Member, added: &[AddedContact], origin: &PasswordOrigin) -> Vec<String> {
    let found = found(member, added, origin, ContactRules::default(), false).usable;
    let told = |one: Method| {
        format!(
            "{}{}",
            one.to.full(),
            if one.got_password { " same" } else { "" }
        )
    };
    found.into_iter().map(told).collect()
}

/// S40, S41: the code goes to another contact than the password, if one counts.
#[test]
fn the_contact_that_got_the_password_comes_last() {
    let mina = mina();
    let phone_only = Member {
        personal_email: None,
        ..mina.clone()
    };
    let second = "+821012345699";
    for (name, member, others, origin, expected) in [
        ("Copy", &mina, vec![], of_jo(), vec![OWN_PHONE, OWN_EMAIL]),
        (
            "by phone",
            &mina,
            vec![],
            carried(OWN_PHONE),
            vec![OWN_EMAIL],
        ),
        (
            "by email",
            &mina,
            vec![],
            carried(OWN_EMAIL),
            vec![OWN_PHONE],
        ),
        (
            "one only",
            &phone_only,
            vec![],
            carried(OWN_PHONE),
            vec!["+821012345642 same"],
        ),
        (
            "a second phone that has answered",
            &phone_only,
            vec![answered(added("kim", second, 80))],
            carried(OWN_PHONE),
            vec![second],
        ),
        (
            "one that has not",
            &phone_only,
            vec![added("kim", second, 80)],
            carried(OWN_PHONE),
            vec!["+821012345642 same", second],
        ),
        (
            "the same mailbox with a tag is no second one",
            &Member {
                phone: None,
                ..mina.clone()
            },
            vec![answered(added("kim", "Mina+x@mail.example", 80))],
            carried(OWN_EMAIL),
            vec!["mina@mail.example same"],
        ),
        (
            "copied to the contact on record",
            &mina,
            vec![],
            typed(OWN_PHONE),
            vec![OWN_EMAIL],
        ),
        (
            "and to the only one",
            &phone_only,
            vec![],
            typed(OWN_PHONE),
            vec![],
        ),
    ] {
        assert_eq!(usable(member, &others, &origin), expected, "{name}");
    }
}

/// S42, Q7: when an added contact can be used.
#[test]
#[expect(clippy::too_many_lines, reason = "one table of cases")]
fn an_added_contact_serves_when_its_time_has_come() {
    let number = "+821012345699";
    let (mina, bare) = (mina(), bare());
    let one = |by: &str, hours| vec![added(by, number, hours)];
    let other = "+821012345688";
    let with_older = |hours, of_number| {
        let later = AddedContact {
            added_at: NOW - Span::hours(hours) + Span::seconds(1),
            ..added("lee", other, 0)
        };
        vec![added("kim", number, of_number), later]
    };
    let as_who = |added_as, hours| {
        vec![AddedContact {
            added_as,
            ..added("mina", number, hours)
        }]
    };
    for (name, member, others, expected) in [
        ("before the reset", &bare, one("kim", 2), vec![]),
        ("long before", &bare, one("kim", 72), vec![number]),
        ("after the reset", &bare, one("kim", 0), vec![number]),
        (
            "after it, with an older method",
            &mina,
            one("kim", 0),
            vec![OWN_PHONE, OWN_EMAIL],
        ),
        (
            "after it, with an older one that has not answered",
            &bare,
            with_older(80, 0),
            vec![number, other],
        ),
        (
            "after it, with an older one that has answered",
            &bare,
            vec![answered(added("lee", other, 80)), added("kim", number, 0)],
            vec![other],
        ),
        (
            "two after the reset, the older of which has answered",
            &bare,
            vec![
                answered(AddedContact {
                    added_at: NOW - Span::minutes(1),
                    ..added("lee", other, 0)
                }),
                added("kim", number, 0),
            ],
            vec![other, number],
        ),
        (
            "two that have not answered",
            &bare,
            with_older(80, 99),
            vec![number, other],
        ),
        (
            "two after the reset",
            &bare,
            with_older(0, 0),
            vec![other, number],
        ),
        (
            "by the administrator of the reset",
            &bare,
            one("jo", 0),
            vec![],
        ),
        ("the same, long before", &bare, one("jo", 999), vec![]),
        (
            "by the operator",
            &bare,
            as_who(AddedAs::Operator, 2),
            vec![number],
        ),
        (
            "by the member after a code",
            &bare,
            as_who(AddedAs::Proven, 2),
            vec![number],
        ),
        (
            "by the member with the password alone",
            &bare,
            as_who(AddedAs::Member, 2),
            vec![],
        ),
        (
            "the same, after the reset",
            &bare,
            as_who(AddedAs::Member, 0),
            vec![],
        ),
        (
            "the same, long before",
            &bare,
            as_who(AddedAs::Member, 72),
            vec![number],
        ),
        (
            "by two, of whom one made the reset",
            &bare,
            vec![added("jo", number, 999), added("kim", number, 0)],
            vec![number],
        ),
    ] {
        assert_eq!(usable(member, &others, &of_jo()), expected, "{name}");
    }
    let strict = found(
        &bare,
        &one("kim", 0),
        &of_jo(),
        ContactRules::default(),
        true,
    );
    assert_eq!((strict.usable.len(), strict.waiting.len()), (0, 1));
    // Before a reset has begun, every young contact must wait.
    let next = PasswordOrigin {
        contacts_from: None,
        ..of_jo()
    };
    assert_eq!(usable(&bare, &one("kim", 0), &next), Vec::<String>::new());
}

/// What the page for the code offers: the first, and in its place nothing that an administrator could have planted.
#[test]
fn only_contacts_that_no_administrator_added_can_be_chosen() {
    let planted = "kim.alt@mail.example";
    let own = "+821012345699";
    let as_who = |added_as, address| AddedContact {
        added_as,
        ..added("mina", address, 99)
    };
    let on_offer = |member: &Member, added: &[AddedContact], origin: &PasswordOrigin| {
        let found = found(member, added, origin, ContactRules::default(), false);
        let full = |to: Destination| to.full().to_owned();
        found.on_offer().map(full).collect::<Vec<_>>()
    };
    let (mina, bare) = (mina(), bare());
    let phone_only = Member {
        personal_email: None,
        ..mina.clone()
    };
    for (name, member, others, origin, expected) in [
        (
            "of the directory",
            &mina,
            vec![],
            of_jo(),
            vec![OWN_PHONE, OWN_EMAIL],
        ),
        (
            "planted, answered and old",
            &phone_only,
            vec![answered(added("kim", planted, 99))],
            of_jo(),
            vec![OWN_PHONE],
        ),
        (
            "the same where it is the only one",
            &bare,
            vec![answered(added("kim", planted, 99))],
            of_jo(),
            vec![planted],
        ),
        (
            "unanswered",
            &phone_only,
            vec![added("kim", planted, 99)],
            carried(OWN_PHONE),
            vec![OWN_PHONE],
        ),
        (
            "two that have not answered",
            &bare,
            vec![added("kim", planted, 99), added("lee", own, 98)],
            of_jo(),
            vec![planted],
        ),
        (
            "two after the card",
            &bare,
            vec![
                answered(added("kim", planted, 0)),
                answered(added("lee", own, 0)),
            ],
            of_jo(),
            vec![planted],
        ),
        (
            "of the operator",
            &phone_only,
            vec![as_who(AddedAs::Operator, own)],
            of_jo(),
            vec![OWN_PHONE, own],
        ),
        (
            "proven by the member",
            &phone_only,
            vec![answered(as_who(AddedAs::Proven, own))],
            of_jo(),
            vec![OWN_PHONE, own],
        ),
        (
            "the member's own, past its age",
            &phone_only,
            vec![answered(as_who(AddedAs::Member, own))],
            of_jo(),
            vec![OWN_PHONE, own],
        ),
    ] {
        assert_eq!(on_offer(member, &others, &origin), expected, "{name}");
    }
}

/// S43: no mailbox of the organization gets a code, whoever put it on record.
#[test]
fn a_mailbox_of_the_organization_gets_no_code() {
    for address in [
        "mina@acme.co",
        "mina@sub.acme.co",
        "m@mail.acme.example",
        "Mina.Park+x@ACME.example",
    ] {
        let on_record = Member {
            personal_email: address.parse().ok(),
            ..bare()
        };
        assert_eq!(
            usable(&on_record, &[], &of_jo()),
            Vec::<String>::new(),
            "{address}"
        );
        assert_eq!(
            usable(&bare(), &[answered(added("kim", address, 99))], &of_jo()),
            Vec::<String>::new()
        );
    }
}

/// With "require" a code never goes to a contact that got the password.
#[test]
fn two_are_required_where_the_settings_say_so() {
    let rules = ContactRules {
        needs_two: true,
        ..ContactRules::default()
    };
    let phone_only = Member {
        personal_email: None,
        ..mina()
    };
    assert_eq!(found(&mina(), &[], &of_jo(), rules, false).counting(), 2);
    assert_eq!(
        found(&phone_only, &[], &of_jo(), rules, false).counting(),
        1
    );
    assert_eq!(
        found(&phone_only, &[], &carried(OWN_PHONE), rules, false).usable,
        []
    );
    // Nor where that contact is no more of the directory, and was added: after the reset, before it, or by the member.
    let bare = bare();
    let own = AddedContact {
        added_as: AddedAs::Proven,
        ..added("mina", OWN_PHONE, 99)
    };
    for again in [
        added("kim", OWN_PHONE, 0),
        answered(added("kim", OWN_PHONE, 0)),
        added("kim", OWN_PHONE, 99),
        own,
    ] {
        let origin = carried(OWN_PHONE);
        let lax = ContactRules::default();
        let again = [again];
        let usable = |rules| found(&bare, &again, &origin, rules, false).usable;
        assert!(usable(rules).is_empty(), "{again:?}");
        let told = usable(lax);
        assert!(
            told.len() == 1 && told.iter().all(|one| one.got_password),
            "{told:?}"
        );
    }
    let unproven = [added("kim", "+821012345699", 99)];
    assert_eq!(
        found(
            &phone_only,
            &unproven,
            &PasswordOrigin::default(),
            rules,
            false
        )
        .counting(),
        1
    );
}

/// A record of the previous version has only masks. They still keep an added contact from getting the code.
#[test]
fn older_resets_are_known_by_masks() {
    let older = PasswordOrigin {
        typed_masks: vec![to("kim.private@mail.example").masked()],
        ..of_jo()
    };
    assert_eq!(
        usable(&bare(), &[added("kim", "KIM@mail.example", 99)], &older),
        Vec::<String>::new()
    );
    assert_eq!(usable(&mina(), &[], &older), [OWN_PHONE, OWN_EMAIL]);
    let older = PasswordOrigin {
        carried_masks: vec![to(OWN_PHONE).masked()],
        ..of_jo()
    };
    assert_eq!(usable(&mina(), &[], &older), [OWN_EMAIL]);
}
