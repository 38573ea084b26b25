//! After a failed delivery: the question before the password goes another way, and why none is left.

use super::contacts::{about_code_on_another_way, code_fact, differs};
use super::destination::typed_address;
use super::words::{
    NOT_ONCE_MORE, RUN_AGAIN, TELL_OPERATOR, button, in_heading, message, with_reference,
};
use crate::chat::{Action, Message, Style, Warning};
use crate::clock::Zone;
use crate::domain::contacts::Methods;
use crate::domain::{Carries, Delivery, Destination, Moment, Reference};
use crate::store::{ResetRow, Wiped};

/// What the question is made of.
#[derive(Clone, Copy)]
pub struct AnotherWay<'a> {
    /// The reset whose password reached nobody.
    pub row: &'a ResetRow,
    /// The way that is asked about.
    pub delivery: Delivery,
    /// Where it leads; none for Copy.
    pub to: Option<&'a Destination>,
    /// True where that address was typed and is not the one on record.
    pub is_typed: bool,
    /// The directory's contacts that differ from those on an earlier card, with the time of that card.
    pub differing: &'a [(Destination, Moment)],
    /// True where nobody else can read it.
    pub is_private: bool,
    /// What goes there.
    pub carries: Carries,
    /// Where the code will go then; none where no code is asked for.
    pub codes: Option<&'a Methods>,
    /// Why the code may not arrive there; none where nothing speaks against it.
    pub doubt: Option<CodeDoubt>,
    /// When the password is wiped.
    pub until: Moment,
    /// The time zone of texts.
    pub zone: &'a Zone,
    /// Times are told relative to it.
    pub now: Moment,
    /// The opaque value of the buttons.
    pub value: &'a str,
    /// The opaque value of the confirming button.
    pub confirm_value: &'a str,
}

/// Why the code may not arrive, after a delivery that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeDoubt {
    /// The delivery was refused for the contact that the code goes to.
    Contact,
    /// What has to send the code has just failed.
    Server,
    /// The same, until somebody changes how it is set up.
    SetUp,
}

/// The longest title: platforms cut what is longer.
const LONGEST_TITLE: usize = 60;

/// Asks once before the password goes this way.
pub fn another_way(asked: &AnotherWay<'_>) -> Message {
    let row = asked.row;
    let (verb, label) = match asked.delivery {
        Delivery::Copy => ("Show", "Show it"),
        Delivery::Phone => ("Text", "Text it"),
        Delivery::Email => ("Email", "Email it"),
    };
    let what = match asked.carries {
        Carries::Password => "it",
        Carries::Link => "a one-time link",
    };
    let to = asked.to.map(|to| {
        if asked.is_typed {
            typed_address(to, asked.is_private)
        } else {
            to.masked()
        }
    });
    let title = match &to {
        None => "Show it to you here?".to_owned(),
        Some(to) => format!("{verb} {what} to {to}?"),
    };
    let is_long = title.chars().count() > LONGEST_TITLE;
    let (title, address) = if is_long {
        (format!("{verb} {what} to this address?"), to)
    } else {
        (title, None)
    };
    let until = asked.zone.tell(asked.until, asked.now);
    let how_long = format!(
        "{} has no password that works: the old one is gone, and the new one has not reached them. Press \"{label}\" by {until}. After that it is wiped, and it takes another reset.",
        row.member_name
    );
    let offline = asked.to.is_none().then(|| {
        format!(
            "Tell {} outside this chat. The password is shown once.",
            row.member_name
        )
    });
    let is_password = asked.carries == Carries::Password;
    let shows = row.also_show && asked.to.is_some() && is_password;
    let shows = shows.then(|| "It is also shown to you here.".to_owned());
    let lines = [address, Some(how_long), offline, shows];
    let code = asked
        .codes
        .map(|codes| about_code_on_another_way(codes, asked.carries, asked.zone, asked.now));
    let lines = lines
        .into_iter()
        .flatten()
        .chain(code.into_iter().flatten());
    let differs = asked
        .to
        .and_then(|to| differs(to, asked.differing, asked.zone));
    Message {
        warnings: differs.into_iter().chain(doubtful_code(asked)).collect(),
        facts: asked.codes.map(code_fact).into_iter().collect(),
        buttons: vec![
            button(Action::Confirm, label, asked.confirm_value, Style::Primary),
            button(Action::Back, "Back", asked.value, Style::Plain),
        ],
        small_print: vec![format!("ref {}", row.reset_id.reference())],
        is_for_one: asked.is_private && asked.is_typed,
        ..message(title, lines)
    }
    .unmarked_if_it_warns()
}

/// What stands above the question where the code may not arrive.
fn doubtful_code(asked: &AnotherWay<'_>) -> Option<Warning> {
    let codes = asked.codes?;
    let first = &codes.usable.first()?.to;
    let message = first.channel().facts().message;
    let by_channel = format!("The code at sign-in goes by {message}, which has just failed.");
    let (bold, next) = match asked.doubt? {
        CodeDoubt::Contact => (
            format!(
                "The code goes to {}, where the {message} failed.",
                first.masked()
            ),
            "If they can't receive it there, press \"Back\".",
        ),
        CodeDoubt::Server => (
            by_channel,
            "Have them wait a few minutes before they sign in.",
        ),
        CodeDoubt::SetUp => (by_channel, TELL_OPERATOR),
    };
    let mut others = codes.clone().on_offer().skip(1);
    let other = others.find(|to| to.channel() != first.channel());
    let next = other.map_or_else(
        || next.to_owned(),
        |to| format!("They can have it sent to {} instead.", to.masked()),
    );
    Some(Warning::new(bold, next))
}

/// The question, or the list of ways, once more, because it has changed since the pressed button was drawn.
pub fn asked_again(mut present: Message) -> Message {
    let changed = "What you pressed was out of date. Nothing was sent. Read this before you go on.";
    present.lines.insert(0, changed.to_owned());
    present
}

/// The contact that was asked about is not on record any more.
pub fn contact_changed_since(member: &str, until: &str, reference: &Reference) -> Message {
    message(
        "That contact is not on record any more",
        [format!(
            "The contact of {member} was changed after you chose it. Go back and choose another way by {until}. This click sent nothing. (ref {reference})"
        )],
    )
}

/// What was chosen cannot be asked about or shown here any more.
pub fn choose_on_record(until: &str, reference: &Reference) -> Message {
    message(
        NOT_ONCE_MORE,
        [format!(
            "Choose a contact on record by {until}. This click sent nothing. (ref {reference})"
        )],
    )
}

/// The password reached nobody and is gone.
pub fn wiped(why: Wiped, member: &str, reference: &Reference) -> Message {
    let without_password = format!("Nothing was sent. They have no password now. {RUN_AGAIN}");
    let (why, next) = match why {
        Wiped::InTime => (
            format!(
                "The password of {member} was wiped, because no other way was confirmed in time."
            ),
            without_password,
        ),
        Wiped::WithProcess => (
            format!("The password of {member} was lost, because relatch was restarted."),
            without_password,
        ),
        Wiped::Replaced => (
            format!("The password of {member} was wiped, because they were reset once more."),
            "Nothing was sent. The newest password is that of the later reset.".to_owned(),
        ),
    };
    let title = format!("That password of {} is gone", in_heading(member));
    with_reference(reference, message(title, [why, next]))
}
