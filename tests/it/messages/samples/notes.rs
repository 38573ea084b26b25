//! Every e-mail and SMS that relatch sends, in every case that it tells apart.

use relatch::surface::app::Organization;
use relatch::surface::clock::Zone;
use relatch::surface::delivery::Note;
use relatch::surface::domain::code_alone::CodeUse;
use relatch::surface::domain::{Channel, Destination, Member, MemberId, Moment, Password, Span};
use relatch::surface::flow::messages as say;
use relatch::surface::flow::messages::{Guide, Handover, Notice};
use relatch::surface::store::{AdminPin, PinnedBy, ResetRow};

const BOTH: &[Channel] = &[Channel::Email, Channel::Sms];
const MAIL: &[Channel] = &[Channel::Email];
const SMS: &[Channel] = &[Channel::Sms];

/// What one function makes in one case.
pub(crate) struct SampleNote {
    /// The function.
    pub(crate) name: &'static str,
    /// How it goes out.
    pub(crate) channels: &'static [Channel],
    pub(crate) note: Note,
}

/// Who and what they are about.
pub(crate) struct NoteWorld<'a> {
    pub(crate) organization: &'a Organization,
    pub(crate) member: Member,
    pub(crate) row: ResetRow,
    /// An added contact.
    pub(crate) contact: Destination,
    /// The address of a page of ours with a token.
    pub(crate) link: &'a str,
    /// Where the member signs in.
    pub(crate) sign_in_at: &'a str,
    pub(crate) password: Password,
    pub(crate) code: &'a str,
    pub(crate) zone: Zone,
    pub(crate) now: Moment,
}

#[derive(Default)]
struct Notes(Vec<SampleNote>);

impl Notes {
    fn add(&mut self, name: &'static str, channels: &'static [Channel], note: Note) {
        self.0.push(SampleNote {
            name,
            channels,
            note,
        });
    }

    fn add_sms(&mut self, name: &'static str, text: zeroize::Zeroizing<String>) {
        self.add(name, SMS, Note::new("", text));
    }
}

/// All of them.
pub(crate) fn of(world: &NoteWorld<'_>) -> Vec<SampleNote> {
    let mut notes = Notes::default();
    handovers(world, &mut notes);
    notices(world, &mut notes);
    codes(world, &mut notes);
    contacts(world, &mut notes);
    alarms(world, &mut notes);
    notes.0
}

fn handovers(world: &NoteWorld<'_>, notes: &mut Notes) {
    let until = world.now + Span::hours(24);
    for until in [Some(until), None] {
        for (sign_in_at, has_code) in [
            (Some(world.sign_in_at), Some(true)),
            (None, Some(false)),
            (None, None),
        ] {
            let handover = Handover {
                organization: world.organization,
                member_name: &world.member.name,
                until,
                sign_in_at,
                has_code,
                zone: &world.zone,
            };
            notes.add_sms("Handover::sms", handover.sms(&world.password));
            notes.add("Handover::mail", MAIL, handover.mail(&world.password));
            let copy = handover.copy_to_self(&world.password);
            notes.add("Handover::copy_to_self", MAIL, copy);
        }
    }
    let (organization, zone) = (world.organization, &world.zone);
    let name = &world.member.name;
    for has_code in [Some(true), Some(false), None] {
        let mail = say::link_mail(organization, name, world.link, (until, zone), has_code);
        notes.add("link_mail", MAIL, mail);
    }
    let sms = say::link_sms(organization, world.link, until, zone);
    notes.add_sms("link_sms", sms);
}

fn notices(world: &NoteWorld<'_>, notes: &mut Notes) {
    let yes_and_no = [true, false];
    for (is_certain, was_signed_out) in yes_and_no
        .into_iter()
        .flat_map(|one| yes_and_no.map(|other| (one, other)))
    {
        // Without a link: the pages have no public address; without pages: another directory.
        for (has_our_pages, link, is_known) in [
            (true, Some(world.link), true),
            (true, None, false),
            (false, None, true),
            (false, None, false),
        ] {
            let notice = Notice {
                organization: world.organization,
                admin_name: &world.row.admin_name,
                at: world.now,
                is_certain,
                was_signed_out,
                has_our_pages,
                link,
                sign_in_at: is_known.then(|| world.sign_in_at.to_owned()),
                zone: &world.zone,
            };
            notes.add("Notice::mail", MAIL, notice.mail());
            notes.add("Notice::sms", SMS, notice.sms());
            let to_manager = notice.to_manager(&world.member.name);
            notes.add("Notice::to_manager", MAIL, to_manager);
        }
    }
}

fn codes(world: &NoteWorld<'_>, notes: &mut Notes) {
    let (organization, zone, code) = (world.organization, &world.zone, world.code);
    notes.add("code", BOTH, say::code(organization, code));
    let contact_code = say::contact_code(&organization.name, code);
    notes.add("contact_code", BOTH, contact_code);
    for kind in [CodeUse::SignIn, CodeUse::NewPassword] {
        for link in [Some(world.link), None] {
            let mail = say::code_use_mail(organization, kind, world.now, link, zone);
            notes.add("code_use_mail", MAIL, mail);
            let sms = say::code_use_sms(organization, kind, world.now, link, zone);
            notes.add("code_use_sms", SMS, sms);
        }
        for has_closed in [true, false] {
            let about = (world.member.name.as_str(), kind, has_closed);
            let alarm = say::code_use_alarm(organization, about, world.now, zone);
            notes.add("code_use_alarm", MAIL, alarm);
        }
    }
    let guessed = say::guessed_codes_alarm(organization, &world.member.name, world.now, zone);
    notes.add("guessed_codes_alarm", MAIL, guessed);
    let account = world.sign_in_at.replace("signin", "account");
    // Longer than an SMS.
    let long = format!("{account}/{}", "x".repeat(160));
    for (account, sign_in) in [
        (&account, Some(world.sign_in_at.to_owned())),
        (&account, None),
        (&long, None),
    ] {
        let ours = Guide::OurPages {
            account: account.clone(),
            sign_in,
        };
        for guide in [ours, Guide::HelpPage(account.clone())] {
            let mail = say::guide(organization, &world.member.name, &guide);
            notes.add("guide", MAIL, mail);
            notes.add("guide_sms", SMS, say::guide_sms(organization, &guide));
        }
    }
}

fn contacts(world: &NoteWorld<'_>, notes: &mut Notes) {
    let organization = world.organization;
    let (member, who) = (&world.member, &world.row.admin_name);
    let masked = world.contact.masked();
    let notice = say::contact_notice(organization, who, &masked);
    notes.add("contact_notice", BOTH, notice);
    let dropped = say::contact_dropped(organization, who, &masked);
    notes.add("contact_dropped", BOTH, dropped);
    notes.add("contact_removed", BOTH, say::contact_removed(organization));
    for is_added in [true, false] {
        let alarm = say::contact_alarm(&organization.name, who, member, &masked, is_added);
        notes.add("contact_alarm", MAIL, alarm);
    }
    for what in [
        "phone number",
        "private email",
        "phone number and private email",
    ] {
        let imported = say::contact_imported(organization, what);
        notes.add("contact_imported", BOTH, imported);
    }
    let line = format!(
        "{} ({}): {masked} → none",
        member.name, member.business_email
    );
    for (lines, parts) in [(1, (1, 1)), (50, (2, 3))] {
        let lines = vec![line.clone(); lines];
        let mail = say::contacts_imported(&organization.name, &lines, parts, (lines.len(), 1));
        notes.add("contacts_imported", MAIL, mail);
    }
}

fn alarms(world: &NoteWorld<'_>, notes: &mut Notes) {
    let organization = world.organization;
    for reason in [world.row.reason.clone(), None] {
        let row = ResetRow {
            reason,
            ..world.row.clone()
        };
        let alarm = say::alarm(organization, &row, &world.zone);
        notes.add("alarm", MAIL, alarm);
    }
    let email = world.member.business_email.key();
    let id = MemberId("id-mina".to_owned());
    let entry = || Some((id.clone(), world.member.name.clone()));
    let pins = [
        (PinnedBy::Accepted, entry()),
        (PinnedBy::Import, entry()),
        (PinnedBy::First, entry()),
        (PinnedBy::Nobody, None),
        (PinnedBy::Several, None),
    ]
    .map(|(how, entry)| AdminPin {
        email_key: email.clone(),
        entry,
        how,
        noted_at: world.now,
    });
    notes.add("pinned", MAIL, say::pinned(organization, &pins));
    let name = &world.member.name;
    for pinned in [Some(&id), None] {
        for what in [
            say::several_entries(&format!("{name} (id-1), {name} (id-2)"), pinned),
            say::another_entry(name, &MemberId("id-other".to_owned()), pinned),
        ] {
            let alarm = say::address_alarm(organization, &email, &what);
            notes.add("address_alarm", MAIL, alarm);
        }
    }
}
