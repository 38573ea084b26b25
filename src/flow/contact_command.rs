//! `/reset-password contact` (S42, Q7): an administrator adds a contact for codes. Whoever made the member's last reset
//! cannot add one.

use std::sync::Arc;

use super::answer::{self, Attempt};
use super::contact_add::add_contact;
use super::people::ResetPair;
use super::permit::{self, LookUpLimits};
use super::question::{self, ContactQuestion};
use super::reaction::{Halt, ReactError, Reaction};
use super::reply::beside;
use super::{messages, not_me};
use crate::app::App;
use crate::chat::interaction::NamedMember;
use crate::chat::{Adapter, Assurance, Chat, Click, Freshness, Message, Origin};
use crate::domain::{Destination, LogLine, Member, Reference};
use crate::store::{AuditRow, LookUpRefused};

/// Answers `contact @member ADDRESS`. Where the platform proves who asks but not what was asked, the answer is a question
/// with a button.
pub(super) async fn command(
    app: &Arc<App>,
    chat: &Chat,
    origin: Origin,
    (named, typed): (&NamedMember, &str),
    reference: &Reference,
) -> Result<Reaction, Halt> {
    let pair = permitted_pair(app, chat, &origin, named, LookUpLimits::Apply, reference).await?;
    let (admin, member) = (&pair.admin.member, &pair.member.member);
    let attempt = attempt(&pair, reference);
    match app.store.count_command(&admin.id, &origin.replay).await {
        Ok(()) => {}
        Err(LookUpRefused::Store(error)) => return Err(error.into()),
        Err(LookUpRefused::TooMany(too_many)) => {
            let now = origin.received_at;
            let told = messages::too_many_look_ups(too_many, &app.zone, now, reference);
            let attempt = attempt.refused(too_many.code());
            return Err(answer::halt(app, &origin, attempt, told).await);
        }
    }
    let assurance = check_place(app, chat, &origin, attempt, member).await?;
    let (to, warnings) = check_contact(app, &origin, attempt, (admin, member), typed).await?;
    if assurance == Assurance::PrivateReply {
        return Ok(question::ask(app, chat, &origin, &pair, (&to, warnings), reference).await?);
    }
    let added = add_contact(app, &origin, (admin, member), &to, reference).await?;
    let added = warned(added, warnings);
    if let Reaction::Say(told) = added {
        Ok(answer::with_untold(app, &origin, told, &[], attempt.hearer()).await)
    } else {
        Ok(added)
    }
}

/// Answers the question's button: everything is checked again, and the contact is added.
pub(super) async fn confirmed(app: &Arc<App>, chat: &Chat, click: Click) -> Result<Reaction, Halt> {
    let (origin, value) = (click.origin, &click.value);
    let reference = Reference::draw(&mut app.chance.rng()?);
    let question = ContactQuestion::read(app, &origin, value);
    if !record_press(app, &origin, question.is_some(), &reference).await? {
        return Ok(Reaction::Replayed);
    }
    let over = || beside(&origin, messages::contact_question_over(&reference));
    let Some((question, email)) = question else {
        return Ok(over());
    };
    // From here on the question is the idempotency key: it takes effect once, however often its button is pressed.
    let once = Origin {
        replay: question.replay_key(),
        ..origin.clone()
    };
    let named = NamedMember::Email(email);
    match add(app, chat, once, &named, &question, &reference).await {
        Ok(Reaction::Say(message)) | Err(Halt::Answered(Reaction::Say(message))) => {
            Ok(beside(&origin, message))
        }
        Ok(Reaction::Replayed) | Err(Halt::Answered(Reaction::Replayed)) => Ok(over()),
        other => other,
    }
}

async fn add(
    app: &Arc<App>,
    chat: &Chat,
    origin: Origin,
    named: &NamedMember,
    question: &ContactQuestion,
    reference: &Reference,
) -> Result<Reaction, Halt> {
    let pair = permitted_pair(app, chat, &origin, named, LookUpLimits::Skip, reference).await?;
    let (admin, member) = (&pair.admin.member, &pair.member.member);
    let attempt = attempt(&pair, reference);
    check_place(app, chat, &origin, attempt, member).await?;
    if !question.is_about(admin, member) {
        let told = messages::contact_question_over(reference);
        let attempt = attempt.refused("question_over");
        return Err(answer::halt(app, &origin, attempt, told).await);
    }
    let address = &question.address;
    let (to, warnings) = check_contact(app, &origin, attempt, (admin, member), address).await?;
    let added = add_contact(app, &origin, (admin, member), &to, reference).await?;
    Ok(warned(added, warnings))
}

/// What the member said of their last reset, and of a code, comes first.
fn warned(mut reaction: Reaction, warnings: Vec<String>) -> Reaction {
    if let Reaction::Say(message) = &mut reaction {
        message.lines.splice(0..0, warnings);
    }
    reaction
}

/// Nothing else confirms the change, so rights and member are read past every cache.
async fn permitted_pair(
    app: &Arc<App>,
    chat: &Chat,
    origin: &Origin,
    named: &NamedMember,
    limits: LookUpLimits,
    reference: &Reference,
) -> Result<ResetPair, Halt> {
    let how = (Freshness::Now, limits);
    permit::of_command(app, chat, origin, named, how, (reference, None)).await
}

fn attempt<'a>(pair: &'a ResetPair, reference: &'a Reference) -> Attempt<'a> {
    Attempt {
        admin: Some(&pair.admin.member),
        role: pair.admin.role,
        member: Some(&pair.member.member),
        ..Attempt::new("contact", "added", reference)
    }
}

/// Refuses where the directory keeps the contacts itself, and where somebody else may read the replies.
async fn check_place(
    app: &Arc<App>,
    chat: &Chat,
    origin: &Origin,
    attempt: Attempt<'_>,
    member: &Member,
) -> Result<Assurance, Halt> {
    let reference = attempt.reference;
    let home = app.directories.describe(&member.id);
    let (directory, capabilities) = (home.name, home.capabilities);
    let assurance = chat.assurance().await;
    let (outcome, told) = if !capabilities.has_our_pages {
        let told = messages::contact_elsewhere(&member.name, directory, reference);
        ("elsewhere", told)
    } else if assurance == Assurance::PersonOnly {
        let told = messages::contact_not_private(member, reference);
        ("not_private", told)
    } else {
        return Ok(assurance);
    };
    Err(answer::halt(app, origin, attempt.refused(outcome), told).await)
}

/// Reads the address, and what the member said of their last reset and of a code. Refuses what cannot be a contact. The
/// administrator of the last reset is refused too.
async fn check_contact(
    app: &Arc<App>,
    origin: &Origin,
    attempt: Attempt<'_>,
    (admin, member): (&Member, &Member),
    typed: &str,
) -> Result<(Destination, Vec<String>), Halt> {
    let reference = attempt.reference;
    let refuse = async |outcome: &'static str, told: Message| {
        Err(answer::halt(app, origin, attempt.refused(outcome), told).await)
    };
    let to = Destination::contact(typed, member, &app.organization.company)
        .and_then(|to| app.deliveries.check_typed(&to, member).map(|()| to));
    let to = match to {
        Ok(to) => to,
        Err(denied) => {
            let told = messages::contact_denied(&denied, &member.name, reference);
            return refuse("destination", told).await;
        }
    };
    let last = app.store.last_changes(&member.id).await?;
    if last.iter().any(|row| row.admin_id == admin.id) {
        let told = messages::contact_of_own_reset(&member.name, reference);
        return refuse("own_reset", told).await;
    }
    let warnings = not_me::warnings(app, member, &last, origin.received_at).await?;
    Ok((to, warnings))
}

/// Records that the button was pressed. False for a replay.
async fn record_press(
    app: &Arc<App>,
    origin: &Origin,
    is_open: bool,
    reference: &Reference,
) -> Result<bool, ReactError> {
    let outcome = if is_open { "pressed" } else { "question_over" };
    let audit = AuditRow {
        reference: Some(reference.to_string()),
        log_line: (!is_open).then_some(LogLine::Refused),
        ..AuditRow::of_chat("contact", outcome, &origin.user, origin.received_at)
    };
    let noted = app.store.note(origin.replay.clone(), audit, None).await?;
    Ok(!noted.is_replayed())
}
