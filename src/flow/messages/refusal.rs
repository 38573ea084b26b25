//! Every refusal and every failure before a change: what, that nothing was changed, and what to do next.

use super::{NO_RESET_USED, NOTHING_CHANGED, button, card, login_method, message, status};
use crate::app::Organization;
use crate::chat::{AccountKind, Action, ApiError, Message, Style};
use crate::clock::Zone;
use crate::delivery::Deliveries;
use crate::domain::delivery::{DestinationDenied, ExtraDenied, Refusal};
use crate::domain::look_up::{REFUSALS, REFUSALS_WITHIN, TooMany};
use crate::domain::phone::NotAPhone;
use crate::domain::{
    Channel, Denied, Destination, Guard, Member, Moment, Reference, Span, State, Step,
};
use crate::store::{ClickRefused, ResetRow};

/// The frame of them all.
pub(super) fn refusal(what: &str, next: &str, reference: &Reference) -> Message {
    let next = if next.is_empty() {
        String::new()
    } else {
        format!(" {next}")
    };
    message(what, [format!("{NOTHING_CHANGED}{next} (ref {reference})")])
}

/// The same where a slot was spared.
fn spared(what: &str, next: &str, reference: &Reference) -> Message {
    refusal(what, &format!("{NO_RESET_USED} {next}"), reference)
}

/// A rule that does not hold.
pub fn denied(
    denied: &Denied,
    member_name: &str,
    organization: &Organization,
    zone: &Zone,
    now: Moment,
    reference: &Reference,
) -> Message {
    match denied {
        Denied::NotAdmin => refusal(
            "You can't reset passwords. It needs a primary admin, or an admin with the Member and Department permission.",
            "Ask your IT team.",
            reference,
        ),
        Denied::Oneself => {
            let link = organization
                .help_url
                .as_ref()
                .map(|url| format!(": {url}"))
                .unwrap_or_default();
            refusal(
                "You can't reset your own password here.",
                &format!("Use \"Change password\" in your account{link}."),
                reference,
            )
        }
        Denied::Outranked => refusal(
            &format!("{member_name} is a primary admin."),
            "Only another primary admin can reset them.",
            reference,
        ),
        Denied::LoginMethod(method) => refusal(
            &format!(
                "{member_name} doesn't sign in with a business email, so there is no password for you to reset."
            ),
            &format!("They sign in with: {}.", login_method(*method)),
            reference,
        ),
        Denied::Status(found) => refusal(
            &format!(
                "{member_name}'s account is {}. Only Active or Inactive accounts can be reset.",
                status(*found)
            ),
            "Ask whoever manages accounts.",
            reference,
        ),
        Denied::Guarded(guard) => match guard {
            Guard::Protected => refusal(
                &format!(
                    "{member_name}'s account is protected: it belongs to those who run the directory."
                ),
                "Whoever runs the directory has to reset it there.",
                reference,
            ),
            Guard::ManagedElsewhere => refusal(
                &format!(
                    "{member_name}'s password is kept by another system, and the directory only follows it."
                ),
                "Reset it where it is kept; ask whoever runs the directory.",
                reference,
            ),
            Guard::SmartCard => refusal(
                &format!(
                    "{member_name} signs in with a smart card, so there is no password for you to reset."
                ),
                "Ask whoever gives out the cards.",
                reference,
            ),
        },
        Denied::Limit(quota) => {
            let opens = quota.next_at.map_or_else(String::new, |at| {
                format!(
                    " Your next one opens {} (in {}).",
                    with_today(zone, at, now),
                    at - now
                )
            });
            refusal(
                &format!(
                    "You used all {} resets of the last {}.{opens}",
                    quota.used, quota.window
                ),
                "Another admin can do it now.",
                reference,
            )
        }
        Denied::TooMany(too_many) => too_many_look_ups(*too_many, zone, now, reference),
        Denied::Disowned => refusal(
            &format!("{member_name} said that they did not ask for your last reset."),
            "Talk to them; another admin has to make the next one.",
            reference,
        ),
        Denied::Busy { admin_name } => refusal(
            &format!("{admin_name} is resetting {member_name} right now."),
            "Ask them, or wait for their result.",
            reference,
        ),
    }
}

/// The look-ups of an administrator are limited, so that nobody reads from the bot who exists.
pub fn too_many_look_ups(
    too_many: TooMany,
    zone: &Zone,
    now: Moment,
    reference: &Reference,
) -> Message {
    let go_on = |at| {
        let told = zone.tell(at, now);
        let at = if told.contains(' ') { "" } else { "at " };
        format!("You can go on {at}{told}.")
    };
    match too_many {
        TooMany::LookUps { of, next_at } => {
            let what = format!(
                "You looked up {} members in {}.",
                of.look_ups,
                in_words(of.within)
            );
            refusal(&what, &go_on(next_at), reference)
        }
        TooMany::Refusals { next_at } => refusal(
            &format!(
                "{REFUSALS} of your tries were refused in {}, so I take no new commands.",
                in_words(REFUSALS_WITHIN)
            ),
            &format!("{} Your open cards work.", go_on(next_at)),
            reference,
        ),
    }
}

/// The same for a typed address, because the mail server tells which exist.
pub fn too_many_typed(
    too_many: TooMany,
    zone: &Zone,
    now: Moment,
    reference: &Reference,
) -> Message {
    let mut told = too_many_look_ups(too_many, zone, now, reference);
    told.lines
        .push("Contacts on record, phone numbers and Copy still work.".to_owned());
    told
}

/// "10 minutes", "24 hours".
fn in_words(span: Span) -> String {
    if span.0 % Span::hours(1).0 == 0 {
        format!("{} hours", span.0 / Span::hours(1).0)
    } else {
        format!("{} minutes", span.0 / Span::minutes(1).0)
    }
}

fn with_today(zone: &Zone, at: Moment, now: Moment) -> String {
    let told = zone.tell(at, now);
    if told.contains(' ') {
        told
    } else {
        format!("today at {told}")
    }
}

/// An account that is no full member of the workspace.
pub fn outsider(standing: AccountKind, organization: &str, reference: &Reference) -> Message {
    let who = match standing {
        AccountKind::Member | AccountKind::Stranger => "another workspace",
        AccountKind::Guest => "a guest account",
        AccountKind::Bot => "a bot",
        AccountKind::Deleted => "a deactivated account",
    };
    let what = format!("This command works only for members of {organization}, and this is {who}.");
    refusal(&what, "Ask a full member of the workspace.", reference)
}

/// The caller's chat account stands for nobody, or for several people.
pub fn unresolved_caller(reference: &Reference) -> Message {
    refusal(
        "I can't tell who you are: your chat account does not stand for exactly one person in the directory.",
        "Ask whoever runs relatch to check the confirmed email of your chat account, or to link it.",
        reference,
    )
}

/// The named member's chat account stands for nobody, or for several people, or is none of ours.
pub fn unresolved_member(reference: &Reference) -> Message {
    refusal(
        "I can't find exactly one account for the person you named.",
        "Try their work email: /reset-password mina.park@company.example",
        reference,
    )
}

/// No account has this work e-mail.
pub fn no_such_member(named: &str, reference: &Reference) -> Message {
    let named: String = named.chars().take(60).collect();
    refusal(
        &format!("I can't find exactly one account for \"{named}\"."),
        "Check the work email.",
        reference,
    )
}

/// What was typed names nobody for sure (S15, A9).
pub fn unclear(text: &str, reference: &Reference) -> Message {
    let text: String = text.chars().take(60).collect();
    refusal(
        &format!("I can't find exactly one account for \"{text}\"."),
        "Mention the member with @, or try the work email: /reset-password mina.park@company.example",
        reference,
    )
}

/// S15: one member at a time.
pub fn several_members(reference: &Reference) -> Message {
    refusal(
        "I reset one member at a time.",
        "Run the command again with one of them.",
        reference,
    )
}

/// A way that was chosen before the upgrade to a version that keeps more of it.
pub fn chosen_before_upgrade(reference: &Reference) -> Message {
    refusal(
        "relatch was upgraded after you chose this way.",
        "Run the command again.",
        reference,
    )
}

/// S42: an address that cannot be a contact for codes.
pub fn contact_denied(
    denied: &DestinationDenied,
    member_name: &str,
    reference: &Reference,
) -> Message {
    let why = destination_denied(denied, member_name).replace(&format!(" {NOTHING_CHANGED}"), "");
    refusal(
        &why,
        "Write /reset-password contact @member, then a mobile number or a private email.",
        reference,
    )
}

/// S42: the directory keeps the contacts of its members itself.
pub fn contact_elsewhere(member_name: &str, directory: &str, reference: &Reference) -> Message {
    refusal(
        &format!(
            "The contacts of {member_name} are kept in {directory}, and no code is asked for here."
        ),
        "Add the phone or private email there.",
        reference,
    )
}

/// Q7: whoever made the reset may not say where its code goes.
pub fn contact_of_own_reset(member_name: &str, reference: &Reference) -> Message {
    refusal(
        &format!(
            "You made the last reset of {member_name}, so you can't add a contact for its code."
        ),
        "Another admin can.",
        reference,
    )
}

/// Nothing changes at once in a chat in which somebody else may read the replies.
pub fn contact_not_private(member: &Member, reference: &Reference) -> Message {
    refusal(
        "I can't write to you alone here, so contacts can't be added from this chat.",
        &format!(
            "Whoever runs relatch can add one: relatch members contact {} …",
            member.business_email
        ),
        reference,
    )
}

/// Asks before a contact is added, where the command alone is not enough.
/// It goes to that one person alone, and two addresses or two members can look alike, so both are told in full.
pub fn contact_question(
    member: &Member,
    to: &Destination,
    value: &str,
    reference: &Reference,
) -> Message {
    let told = message(
        format!(
            "Add {} for the codes of {} ({})?",
            to.full(),
            member.name,
            member.business_email
        ),
        [format!(
            "Nothing is added before you press the button. If you did not type this command, don't press it, and tell your security team. (ref {reference})"
        )],
    );
    let add = button(Action::ContactAdd, "Add this contact", value, Style::Danger);
    Message {
        buttons: vec![add],
        ..told
    }
}

/// The question went nowhere, or nobody knows whether it arrived. This may be read by somebody else, so it names nobody.
pub fn question_not_sent(may_have_arrived: bool, reference: &Reference) -> Message {
    let what = if may_have_arrived {
        "I could not send you a private message, or it came without my knowing."
    } else {
        "I could not send you a private message."
    };
    refusal(
        what,
        "Without its button no contact is added. If it is not there, run the command again in a minute.",
        reference,
    )
}

/// The button that adds a contact was pressed too late, a second time, or by somebody whose command it was not.
pub fn contact_question_over(reference: &Reference) -> Message {
    refusal(
        "This question is answered, too old, or not yours.",
        "Run /reset-password contact again.",
        reference,
    )
}

/// The chat does not say who somebody is.
pub fn who_failed(error: &ApiError, reference: &Reference) -> Message {
    match error {
        ApiError::RateLimited(wait) => refusal(
            "The chat asks me to slow down.",
            &format!("Try again in {wait}."),
            reference,
        ),
        ApiError::MissingScope(scope) => refusal(
            &format!("relatch's app lacks the permission {scope}, so I can't check who you are."),
            "Whoever runs relatch has to add it and install the app again.",
            reference,
        ),
        ApiError::Refused(_) => refusal(
            "The chat refuses relatch's token, so I can't check who you are.",
            "Tell whoever runs relatch.",
            reference,
        ),
        ApiError::NotFound => unresolved_member(reference),
        ApiError::Unavailable => refusal(
            "The chat doesn't answer, so I can't check who you are.",
            "Try again in a minute.",
            reference,
        ),
    }
}

/// The directory does not answer.
pub fn directory_down(directory: &str, reference: &Reference) -> Message {
    spared(
        &format!("{} doesn't answer.", capital(directory)),
        "Try again in a few minutes.",
        reference,
    )
}

/// A directory's name at the beginning of a sentence.
fn capital(directory: &str) -> String {
    let is_noun = directory.starts_with(|c: char| c.is_lowercase());
    if is_noun {
        format!("The {directory}")
    } else {
        directory.to_owned()
    }
}

/// The directory said no.
pub fn directory_refused(directory: &str, reason: &str, reference: &Reference) -> Message {
    let reason: String = reason.chars().take(100).collect();
    spared(
        &format!("{} refuses this reset: {reason}.", capital(directory)),
        "Tell whoever runs relatch.",
        reference,
    )
}

/// The record cannot be written (P6).
pub fn store_down(reference: &Reference) -> Message {
    refusal(
        "I can't record this reset, so I don't do it.",
        "Try again in a few minutes; tell whoever runs relatch.",
        reference,
    )
}

/// The same refusal after the confirming click: the reset that it took came back.
pub fn with_slot_back(mut refusal: Message) -> Message {
    for line in refusal
        .lines
        .iter_mut()
        .filter(|line| !line.contains(NO_RESET_USED))
    {
        *line = line.replace(
            NOTHING_CHANGED,
            &format!("{NOTHING_CHANGED} {NO_RESET_USED}"),
        );
    }
    refusal
}

/// Confirmed, and its turn did not come.
pub fn overloaded(reference: &Reference) -> Message {
    spared(
        "Too many resets are being done at this moment, so this one was not begun.",
        "Wait a minute and run the command again.",
        reference,
    )
}

/// A confirmed reset whose turn does not come, because the program is about to end.
pub fn stopping(reference: &Reference) -> Message {
    spared(
        "relatch is being stopped or started again, so this one was not begun.",
        "Wait a minute and run the command again.",
        reference,
    )
}

/// A refusal about a reset that has changed the password already: what was said of "nothing" is said of the click.
pub fn after_change(mut refusal: Message, row: &ResetRow, zone: &Zone, now: Moment) -> Message {
    let stands = match (row.changed_at, row.state) {
        (Some(at), _) => format!(
            "This click did nothing; the password was changed at {}.",
            zone.tell(at, now)
        ),
        (None, State::Changing | State::Unknown) => "This click did nothing.".to_owned(),
        (None, _) => return refusal,
    };
    for text in refusal.lines.iter_mut().chain([&mut refusal.title]) {
        *text = text
            .replace(NOTHING_CHANGED, &stands)
            .replace(&format!(" {NO_RESET_USED}"), "");
    }
    refusal
}

/// A click on a message whose work is done.
pub fn nothing_to_do() -> Message {
    message(
        "There is nothing left to do here.",
        ["For another reset run the command again.".to_owned()],
    )
}

/// The chat lets us answer only so often to one command.
pub fn no_more_updates(reference: &Reference) -> Message {
    refusal(
        "This chat does not let me show this card once more.",
        "Run the command again.",
        reference,
    )
}

/// A click that could not be recorded, on a card that could not be read.
pub fn click_failed(reference: &Reference) -> Message {
    message(
        "I can't record this click, so it did nothing.",
        [format!(
            "Try again in a few minutes; tell whoever runs relatch. (ref {reference})"
        )],
    )
}

/// The contact that was chosen is no longer the one on record.
pub fn contact_changed(member_name: &str, reference: &Reference) -> Message {
    spared(
        &format!(
            "The contact of {member_name} on record was changed after you chose it, so I stopped."
        ),
        "Run the command again.",
        reference,
    )
}

/// A click that does nothing.
pub fn click_refused(
    refused: &ClickRefused,
    row: Option<&ResetRow>,
    organization: &Organization,
    zone: &Zone,
    now: Moment,
    reference: &Reference,
) -> Message {
    let member = row.map_or("this member", |row| row.member_name.as_str());
    let again = "Run /reset-password again.";
    match refused {
        ClickRefused::Replayed | ClickRefused::NoSuchCard => {
            refusal("I don't know this card.", again, reference)
        }
        ClickRefused::NotYours { admin_name } => refusal(
            &format!("This card belongs to {admin_name}."),
            "Start your own with /reset-password.",
            reference,
        ),
        ClickRefused::Expired => {
            let what = format!(
                "This card is older than {} and no longer works.",
                organization.offer_lifetime
            );
            refusal(&what, again, reference)
        }
        ClickRefused::Superseded => refusal(
            "A newer card for this member took the place of this one.",
            "Use the newer one.",
            reference,
        ),
        ClickRefused::Cancelled => refusal("This card was closed.", again, reference),
        ClickRefused::MemberGone => refusal(
            "This card was closed: the account of its member or of its administrator was removed or given to somebody else.",
            again,
            reference,
        ),
        ClickRefused::InProgress => message(
            "I'm still working on this one.",
            [format!("Please wait for the result. (ref {reference})")],
        ),
        ClickRefused::AlreadyDone { state, changed_at } => {
            already_done(*state, *changed_at, member, zone, now, reference)
        }
        ClickRefused::NothingChosen => refusal(
            "No way of delivery was chosen.",
            "Choose one first.",
            reference,
        ),
        ClickRefused::Stale(_) | ClickRefused::Overtaken(_) => refusal(
            "This card was changed after the button was shown.",
            "Look at it again.",
            reference,
        ),
        ClickRefused::NotReachable => refusal(
            &format!("I know no phone or private email for {member}."),
            "Say first that you can reach them another way.",
            reference,
        ),
        ClickRefused::Denied(rule) => denied(rule, member, organization, zone, now, reference),
    }
}

fn already_done(
    state: State,
    changed_at: Option<Moment>,
    member: &str,
    zone: &Zone,
    now: Moment,
    reference: &Reference,
) -> Message {
    let again = "For a new one run the command again.";
    match (state, changed_at) {
        (_, Some(at)) => message(
            format!(
                "Already done: you reset {member} at {} (ref {reference}).",
                zone.tell(at, now)
            ),
            [format!("The password can't be sent again. {again}")],
        ),
        (State::Unknown, None) => message(
            format!(
                "Already tried: nobody can say whether the password of {member} was changed (ref {reference})."
            ),
            [again.to_owned()],
        ),
        (_, None) => refusal(
            "Already done: this reset was stopped before anything happened.",
            again,
            reference,
        ),
    }
}

/// A typed destination that is not allowed (S11, S24, S25). It stands at the form's input, so it is one line.
pub fn destination_denied(denied: &DestinationDenied, member_name: &str) -> String {
    let why = match denied {
        DestinationDenied::BusinessEmail => {
            return format!(
                "That is {member_name}'s business email. They can't read it while locked out. Choose another. {NOTHING_CHANGED}"
            );
        }
        DestinationDenied::BusinessDomain => {
            "A business email doesn't count, because an administrator can move it. Choose a private one, or a phone."
        }
        DestinationDenied::Organization => {
            "That mailbox belongs to the organisation, so others may open it. Type a private address or choose Copy."
        }
        DestinationDenied::NotAnEmail => {
            "This is not a complete email address. Example: mina@mail.example."
        }
        DestinationDenied::NotAPhone(NotAPhone::Incomplete) => {
            "This is not a complete phone number. Example: +82 10 1234 5678."
        }
        DestinationDenied::NotAPhone(NotAPhone::NotMobile) => {
            "This number can't receive an SMS. A mobile number is needed."
        }
        DestinationDenied::Country(not_there) => {
            let allowed = not_there
                .allowed
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", ");
            return format!(
                "No SMS goes to the country of this number from here, only to {allowed} and to the phone on record. Type another number or an email, or ask whoever runs relatch. {NOTHING_CHANGED}"
            );
        }
        DestinationDenied::EmailNeeded => "An email address is needed here.",
        DestinationDenied::ChannelOff(Channel::Sms) => "I can't send SMS here. Type an email.",
        DestinationDenied::ChannelOff(Channel::Email) => {
            "I can't send email here. Type a phone number."
        }
    };
    format!("{why} {NOTHING_CHANGED}")
}

/// An output that the organisation does not let out.
pub fn extra_denied(denied: ExtraDenied, reference: &Reference) -> Message {
    match denied {
        ExtraDenied::Strict => refusal(
            "Passwords are not shown, copied or sent to typed addresses here.",
            "Choose a contact on record: a one-time link goes there. Where there is none, add a phone or private email in the directory (built-in: relatch members import).",
            reference,
        ),
        ExtraDenied::WithLink => refusal(
            "A one-time link goes to the member, so there is no password to show or copy.",
            "Confirm, or go back.",
            reference,
        ),
        ExtraDenied::NotPrivate => refusal(
            "I can't write to you alone here, so Copy, showing and typed addresses are off.",
            "Choose a contact on record, or ask whoever runs relatch to give the bot the permission create_post_ephemeral.",
            reference,
        ),
    }
}

/// A channel that could not be made ready, so that nothing was begun; the same message offers another way.
pub fn not_prepared(
    step: Step,
    why: &Refusal,
    channel: Channel,
    offered: Option<(&Member, &str)>,
    (channels, is_private): (&Deliveries, bool),
    reference: &Reference,
) -> Message {
    let whose = if step == Step::CopyToSelf {
        " for your copy"
    } else {
        ""
    };
    let (server, address) = match channel {
        Channel::Email => ("The mail server", "email address"),
        Channel::Sms => ("The SMS gateway", "number"),
    };
    let what = match why {
        Refusal::Unreachable => format!("{server} doesn't answer, so I stopped."),
        Refusal::Address => format!("{server} refuses this {address}{whose}, so I stopped."),
        Refusal::Later => {
            format!(
                "{server} asks to wait some minutes before it takes this {address}{whose}, so I stopped."
            )
        }
        Refusal::Credentials => {
            format!(
                "{server} refuses relatch's credentials, so I stopped. Tell whoever runs relatch."
            )
        }
        Refusal::Message => {
            format!("{server} refuses relatch's messages, so I stopped. Tell whoever runs relatch.")
        }
        Refusal::Tls => {
            format!("{server} offers no safe connection, so I stopped. Tell whoever runs relatch.")
        }
    };
    let mut told = spared(&what, "Choose another way, or try later.", reference);
    if let Some((member, value)) = offered {
        told.buttons = card::delivery_buttons(member, channels, is_private, value);
        told.buttons
            .push(button(Action::Cancel, "Cancel", value, Style::Plain));
    }
    told
}

/// Given up by the administrator.
pub fn cancelled(reference: &Reference) -> Message {
    refusal("Cancelled.", NO_RESET_USED, reference)
}

/// S6: nobody can say whether the guide arrived.
pub fn guide_unknown(member_name: &str, to: &str, reference: &Reference) -> Message {
    spared(
        &format!("Nobody can say whether the guide reached {member_name} ({to})."),
        "Ask them, or send it again with the command.",
        reference,
    )
}

/// S6: the guide could not be sent.
pub fn guide_failed(member_name: &str, reference: &Reference) -> Message {
    spared(
        &format!("The guide could not be sent to {member_name}."),
        "Tell them yourself, or run the command again.",
        reference,
    )
}
