//! The contacts of a member: which of them may receive the code of a reset, and which of those comes first.

use super::written_enum;
use super::{Channel, CompanyDomains, Destination, Member, MemberId, Moment, Span};

/// The most contacts that can be added for one member.
pub const CONTACTS_PER_MEMBER: usize = 5;

/// How often one administrator may add a contact within [`COMMANDS_COUNT_FOR`].
pub const CONTACTS_PER_ADMIN: usize = 10;

/// How long an added contact counts against that.
pub const COMMANDS_COUNT_FOR: Span = Span::hours(24);

/// What the settings say about contacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContactRules {
    /// How old a contact must be that an administrator added (`policy.contact_age`).
    pub age: Span,
    /// True where code and password must go to two contacts (`policy.separate_code = "require"`).
    pub needs_two: bool,
}

impl Default for ContactRules {
    fn default() -> Self {
        Self {
            age: Span::hours(72),
            needs_two: false,
        }
    }
}

written_enum! {
    /// Who added a contact, as far as it decides what the contact may receive.
    AddedAs {
        /// Whoever runs relatch, on the command line: counts like the import.
        Operator = "operator",
        /// The member, in a session that a code had opened.
        Proven = "proven",
        /// The member, in a session that a password alone had opened.
        Member = "member",
        /// An administrator.
        Administrator = "administrator",
    }
}

/// A contact that was added, beside those of the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    /// The contact.
    pub to: Destination,
    /// Who added it.
    pub by: MemberId,
    /// Their full name at that time.
    pub by_name: String,
    /// In which role.
    pub added_as: AddedAs,
    /// When it was added last.
    pub added_at: Moment,
    /// When a code that was sent to it came back.
    pub answered_at: Option<Moment>,
}

impl Added {
    /// A contact of the operator is as good as one of the directory; every other one counts once it has answered a code.
    pub fn counts(&self) -> bool {
        self.added_as == AddedAs::Operator || self.answered_at.is_some()
    }

    /// Until when it waits; none where it never does, or no longer.
    fn waits_until(&self, rules: ContactRules, now: Moment) -> Option<Moment> {
        match self.added_as {
            AddedAs::Operator | AddedAs::Proven => None,
            AddedAs::Member | AddedAs::Administrator => {
                Some(self.added_at + rules.age).filter(|until| *until > now)
            }
        }
    }
}

/// Where a password comes from: the resets that may have made it. Addresses are keyed digests, because masks are too
/// coarse: two addresses can have one mask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The administrators of those resets.
    pub admins: Vec<MemberId>,
    /// When the newest of them began; none for a reset that has not begun.
    pub began_at: Option<Moment>,
    /// Addresses that were typed for the delivery, or got the administrator's copy.
    pub typed: Vec<String>,
    /// The same as masks, for resets that were made before digests were kept.
    pub typed_masks: Vec<String>,
    /// Contacts on record that got the password or the link.
    pub carried: Vec<String>,
    /// The same as masks, for resets that were made before digests were kept.
    pub carried_masks: Vec<String>,
}

/// What decides besides the member.
pub struct Surroundings<'a> {
    /// The organisation's own domains: none of their mailboxes gets a code.
    pub company: &'a CompanyDomains,
    /// The settings.
    pub rules: ContactRules,
    /// True for the profile "strict".
    pub is_strict: bool,
    /// The channels that have settings.
    pub has: &'a dyn Fn(Channel) -> bool,
    /// The keyed digest of an address.
    pub digest: &'a dyn Fn(&Destination) -> String,
    /// The present.
    pub now: Moment,
}

/// A contact that may receive the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Method {
    /// The contact.
    pub to: Destination,
    /// Who added it, and when; none for a contact of the directory.
    pub added: Option<Added>,
    /// True for one that counts as a method of its own; false for an added one that has not answered a code yet.
    pub counts: bool,
    /// True where the password or the link went there too.
    pub got_password: bool,
}

/// Where the code of a reset may go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Methods {
    /// The contacts, the one that is used first.
    pub usable: Vec<Method>,
    /// Added contacts that do not serve yet, with the time from which they will.
    pub waiting: Vec<(Added, Moment)>,
}

impl Methods {
    /// How many methods of their own there are.
    pub fn counting(&self) -> usize {
        self.usable.iter().filter(|method| method.counts).count()
    }
}

/// Finds where the code of a reset may go, and in which order.
///
/// Never to a mailbox of the organisation (S43), to an address that was typed for the delivery or got a copy (S41), or to a
/// contact that an administrator of the reset added (Q7). The contact on record that got the password comes into question
/// only where no other one counts, and never where two are required. A contact that an administrator added waits, unless it
/// was added after the reset began by another administrator and the member has no older method (S42). An older contact that
/// has not answered a code is no such method, because it may be nobody's.
pub fn methods(
    member: &Member,
    added: &[Added],
    origin: &Origin,
    around: &Surroundings<'_>,
) -> Methods {
    let may_receive = |to: &Destination| {
        let is_outside = to.clone().outside(member, around.company).is_ok();
        is_outside && (around.has)(to.channel()) && !origin.typed.contains(&(around.digest)(to))
    };
    let of_directory = of_directory(member).into_iter().filter(may_receive);
    let method = |to: Destination, added: Option<Added>| Method {
        got_password: origin.carried.contains(&(around.digest)(&to))
            || (added.is_none()
                && origin
                    .carried_masks
                    .iter()
                    .any(|mask| mask.eq_ignore_ascii_case(&to.masked()))),
        counts: added.as_ref().is_none_or(Added::counts),
        to,
        added,
    };
    let mut ready: Vec<Method> = of_directory.map(|to| method(to, None)).collect();
    let (mut fresh, mut waiting) = (Vec::new(), Vec::new());
    for one in added {
        let is_vouched_by_admin =
            one.added_as != AddedAs::Operator && origin.admins.contains(&one.by);
        let is_typed = origin
            .typed_masks
            .iter()
            .any(|mask| mask.eq_ignore_ascii_case(&one.to.masked()));
        if is_vouched_by_admin || is_typed || !may_receive(&one.to) {
            continue;
        }
        match one.waits_until(around.rules, around.now) {
            None => ready.push(method(one.to.clone(), Some(one.clone()))),
            Some(until) => {
                let is_after = origin
                    .began_at
                    .is_some_and(|began_at| one.added_at > began_at);
                if is_after && one.added_as == AddedAs::Administrator && !around.is_strict {
                    fresh.push(method(one.to.clone(), Some(one.clone())));
                }
                waiting.push((one.clone(), until));
            }
        }
    }
    let (mut usable, rest): (Vec<_>, Vec<_>) = ready
        .into_iter()
        .partition(|one| one.counts && !one.got_password);
    if usable.is_empty() {
        let (carried, mut unanswered): (Vec<_>, Vec<_>) =
            rest.into_iter().partition(|one| one.counts);
        // The oldest first, so that nobody takes over the code by adding a further contact.
        unanswered.sort_by_key(|one| one.added.as_ref().map(|added| added.added_at));
        // Where two are required, what got the password is no method of this reset.
        usable.extend(carried.into_iter().filter(|_| !around.rules.needs_two));
        if usable.is_empty() {
            fresh.sort_by_key(order_of_fresh);
            usable = fresh;
        }
        usable.extend(unanswered);
    }
    let mut methods = Methods {
        usable: Vec::new(),
        waiting,
    };
    for one in usable {
        // Several people may have vouched for the same contact.
        if !methods.usable.iter().any(|other| other.to.is_same(&one.to)) {
            methods.usable.push(one);
        }
    }
    methods
        .waiting
        .retain(|(one, _)| !methods.usable.iter().any(|other| other.to.is_same(&one.to)));
    methods
}

/// The order of contacts that were added after the reset. One that has answered counts, and comes before later ones; of
/// those that have not, the newest comes first, so that a number that was mistyped can be put right.
fn order_of_fresh(one: &Method) -> (bool, i64) {
    let added_at = one.added.as_ref().map_or(0, |added| added.added_at.0);
    if one.counts {
        (false, added_at)
    } else {
        (true, -added_at)
    }
}

/// The contacts that the directory has of a member.
pub fn of_directory(member: &Member) -> Vec<Destination> {
    let phone = member.phone.clone().map(Destination::Phone);
    let email = member.outside_email().cloned().map(Destination::Email);
    phone.into_iter().chain(email).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{LoginMethod, Role, Status};

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
            never_expires: false,
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

    fn added(by: &str, address: &str, hours_ago: i64) -> Added {
        Added {
            to: to(address),
            by: MemberId(by.to_owned()),
            by_name: by.to_owned(),
            added_as: AddedAs::Administrator,
            added_at: NOW - Span::hours(hours_ago),
            answered_at: None,
        }
    }

    fn answered(one: Added) -> Added {
        Added {
            answered_at: Some(one.added_at),
            ..one
        }
    }

    /// A reset of Jo's that began an hour ago.
    fn of_jo() -> Origin {
        Origin {
            admins: vec![MemberId("jo".to_owned())],
            began_at: Some(NOW - Span::hours(1)),
            ..Origin::default()
        }
    }

    fn carried(address: &str) -> Origin {
        Origin {
            carried: vec![to(address).key()],
            ..of_jo()
        }
    }

    fn typed(address: &str) -> Origin {
        Origin {
            typed: vec![to(address).key()],
            ..of_jo()
        }
    }

    fn found(
        member: &Member,
        added: &[Added],
        origin: &Origin,
        rules: ContactRules,
        is_strict: bool,
    ) -> Methods {
        let company = CompanyDomains::new(["acme.co".to_owned()]);
        let (has, digest) = (|_| true, |to: &Destination| to.key());
        let around = Surroundings {
            company: &company,
            rules,
            is_strict,
            has: &has,
            digest: &digest,
            now: NOW,
        };
        methods(member, added, origin, &around)
    }

    /// The usable contacts, in order; one that got the password too is marked.
    fn usable(member: &Member, added: &[Added], origin: &Origin) -> Vec<String> {
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

    /// S40, S41: the code goes to another contact than the password, while there is one that counts.
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

    /// S42, Q7: when a contact that was added serves.
    #[test]
    fn an_added_contact_serves_when_its_time_has_come() {
        let number = "+821012345699";
        let (mina, bare) = (mina(), bare());
        let one = |by: &str, hours| vec![added(by, number, hours)];
        let other = "+821012345688";
        let with_older = |hours, of_number| {
            let later = Added {
                added_at: NOW - Span::hours(hours) + Span::seconds(1),
                ..added("lee", other, 0)
            };
            vec![added("kim", number, of_number), later]
        };
        let as_who = |added_as, hours| {
            vec![Added {
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
                    answered(Added {
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
        // A reset that has not begun: whatever is young waits.
        let next = Origin {
            began_at: None,
            ..of_jo()
        };
        assert_eq!(usable(&bare, &one("kim", 0), &next), Vec::<String>::new());
    }

    /// S43: no mailbox of the organisation gets a code, whoever put it on record.
    #[test]
    fn a_mailbox_of_the_organisation_gets_no_code() {
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

    /// With "require" a code never follows the password, whatever is left.
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
        let unproven = [added("kim", "+821012345699", 99)];
        assert_eq!(
            found(&phone_only, &unproven, &Origin::default(), rules, false).counting(),
            1
        );
    }

    /// A record of the version before has masks only: they keep an added contact from the code, as they did.
    #[test]
    fn older_resets_are_known_by_masks() {
        let older = Origin {
            typed_masks: vec![to("kim.private@mail.example").masked()],
            ..of_jo()
        };
        assert_eq!(
            usable(&bare(), &[added("kim", "KIM@mail.example", 99)], &older),
            Vec::<String>::new()
        );
        assert_eq!(usable(&mina(), &[], &older), [OWN_PHONE, OWN_EMAIL]);
        let older = Origin {
            carried_masks: vec![to(OWN_PHONE).masked()],
            ..of_jo()
        };
        assert_eq!(usable(&mina(), &[], &older), [OWN_EMAIL]);
    }
}
