//! Every message that a chat is sent: each function of `flow/messages`, in every case that it tells apart.

mod cards;
mod directory_refusals;
pub(crate) mod notes;
mod refusals;
pub(crate) mod results;

use relatch::surface::app::Organization;
use relatch::surface::chat::{Form, Message};
use relatch::surface::clock::Zone;
use relatch::surface::delivery::{Deliveries, Outbox};
use relatch::surface::domain::contacts::{AddedAs, AddedContact, Method, Methods};
use relatch::surface::domain::delivery::{Refusal, Ways};
use relatch::surface::domain::sms_countries::SmsCountries;
use relatch::surface::domain::{
    AsksForMore, Carries, Destination, EmailAddress, Member, MemberId, Moment, Reference, ResetId,
    SecondFactor, SecondFactors, Span,
};
use relatch::surface::store::{OwnLink, ResetRow};

/// Every reason for which a channel takes no message.
const REFUSALS: &[Refusal] = &[
    Refusal::Unreachable,
    Refusal::Address,
    Refusal::Later,
    Refusal::Credentials,
    Refusal::SetUp,
    Refusal::OptedOut,
    Refusal::Message,
    Refusal::Tls,
];

/// What is said, and where it stands.
pub(crate) enum Told {
    /// A message of its own.
    Message(Message),
    /// A form.
    Form(Form),
    /// A line at the input of a form.
    FormError(String),
}

/// What one function says in one case.
pub(crate) struct Sample {
    /// The function.
    pub(crate) name: &'static str,
    pub(crate) told: Told,
}

/// Collects samples.
#[derive(Default)]
pub(crate) struct Samples(pub(crate) Vec<Sample>);

impl Samples {
    fn say(&mut self, name: &'static str, message: Message) {
        let told = Told::Message(message);
        self.0.push(Sample { name, told });
    }

    fn ask(&mut self, name: &'static str, form: Form) {
        let told = Told::Form(form);
        self.0.push(Sample { name, told });
    }

    fn at_input(&mut self, name: &'static str, line: String) {
        let told = Told::FormError(line);
        self.0.push(Sample { name, told });
    }
}

/// Who and what the messages are about.
pub(crate) struct World<'a> {
    /// The name of the member, of the administrator and of the directory.
    pub(crate) name: &'a str,
    /// What somebody typed where a member was expected.
    pub(crate) typed: &'a str,
    /// The business e-mail of both.
    pub(crate) email: EmailAddress,
    /// A member with both contacts.
    pub(crate) member: Member,
    /// A reset as it was recorded.
    pub(crate) row: ResetRow,
    pub(crate) organization: &'a Organization,
    /// All channels, in the profile "standard".
    pub(crate) channels: Deliveries,
    /// The same in the profile "strict".
    pub(crate) strict: Deliveries,
    pub(crate) zone: Zone,
    pub(crate) now: Moment,
    pub(crate) value: &'a str,
    pub(crate) reference: Reference,
}

impl<'a> World<'a> {
    /// A member and an administrator of this name and this address.
    pub(crate) fn new(
        (name, typed): (&'a str, &'a str),
        email: &EmailAddress,
        (member, row): (&Member, &ResetRow),
        organization: &'a Organization,
        value: &'a str,
    ) -> Self {
        let name_of = || name.to_owned();
        let channels = |is_strict| {
            let carries = if is_strict {
                Carries::Link
            } else {
                Carries::Password
            };
            let ways = Ways { is_strict, carries };
            Deliveries::in_memory(&Outbox::default(), ways, SmsCountries::default())
        };
        Self {
            name,
            typed,
            email: email.clone(),
            member: Member {
                name: name_of(),
                business_email: email.clone(),
                department: Some(name_of()),
                ..member.clone()
            },
            row: ResetRow {
                member_name: name_of(),
                admin_name: name_of(),
                member_email: email.to_string(),
                admin_email: email.to_string(),
                ..row.clone()
            },
            organization,
            channels: channels(false),
            strict: channels(true),
            zone: Zone::utc(),
            now: row.offered_at + Span::minutes(3),
            value,
            reference: ResetId([7; 16]).reference(),
        }
    }

    fn contact(&self, added_as: Option<AddedAs>, counts: bool, got_password: bool) -> Method {
        let to = Destination::Email(self.email.clone());
        Method {
            added: added_as.map(|added_as| self.added(added_as)),
            to,
            counts,
            got_password,
        }
    }

    fn own_link(&self, is_certain: bool) -> OwnLink {
        OwnLink {
            sent_at: self.now,
            until: self.now + Span::hours(1),
            is_certain,
        }
    }

    fn added(&self, added_as: AddedAs) -> AddedContact {
        AddedContact {
            to: Destination::Email(self.email.clone()),
            by: MemberId("id-jo".to_owned()),
            by_name: self.name.to_owned(),
            added_as,
            added_at: self.now,
            answered_at: None,
        }
    }

    /// Where the code of a reset may go, in every case that texts tell apart.
    fn methods(&self) -> Vec<Methods> {
        use AddedAs::{Administrator, Member, Operator, Proven};

        let waiting = [Operator, Proven, Member, Administrator]
            .map(|added_as| (self.added(added_as), self.now + Span::hours(72)))
            .to_vec();
        let usable = [
            vec![],
            vec![self.contact(Some(Administrator), false, false)],
            vec![self.contact(None, true, true)],
            vec![self.contact(Some(Operator), true, false)],
            vec![
                self.contact(None, true, false),
                self.contact(Some(Member), true, true),
            ],
            vec![
                self.contact(None, true, false),
                self.contact(Some(Member), true, true),
                self.contact(Some(Operator), true, true),
            ],
            vec![
                self.contact(None, true, false),
                Method {
                    to: Destination::Phone("+821055556666".parse().unwrap()),
                    ..self.contact(None, true, false)
                },
            ],
        ];
        let of = |usable, waiting| Methods { usable, waiting };
        let mut methods: Vec<Methods> = usable.map(|usable| of(usable, vec![])).into();
        methods.push(of(vec![], waiting));
        methods
    }
}

/// What a directory's own sign-in may ask for, in every case that texts tell apart.
fn second_factors() -> Vec<SecondFactors> {
    use SecondFactor::{OneTimeCode, RecoveryCode, SecurityKey};

    let held = [vec![], vec![OneTimeCode, SecurityKey, RecoveryCode]];
    let cases = held.into_iter().flat_map(|held| {
        [AsksForMore::No, AsksForMore::Yes, AsksForMore::Unknown].map(|asks| SecondFactors {
            has_passkey: !held.is_empty(),
            held: held.clone(),
            asks,
        })
    });
    let is_possible = |one: &SecondFactors| !(one.held.is_empty() && one.asks == AsksForMore::Yes);
    cases.filter(is_possible).collect()
}

/// Every message about these people.
pub(crate) fn of(world: &World<'_>) -> Vec<Sample> {
    let mut samples = Samples::default();
    cards::add(world, &mut samples);
    refusals::add(world, &mut samples);
    results::add(world, &mut samples);
    samples.0
}
