//! What a card can do instead of a reset: send the guide (S6), or let the directory send its own link. The password
//! stays as it is.

use std::sync::Arc;

use super::ending::member_of;
use super::guide::FoundGuide;
use super::messages::Guide;
use super::permit;
use super::reaction::{Halt, Next, Reaction};
use super::refuse::{card_click, refuse};
use super::reply::{address, answer_refusal, tell};
use super::{guide, messages};
use crate::app::App;
use crate::chat::{Chat, Freshness, Message, Origin, Placement, ReplyAddress};
use crate::directory::{Backend, ResetFailed};
use crate::domain::code_alone::GUIDE_PAUSE;
use crate::domain::delivery::Outcome;
use crate::domain::{Channel, Destination, Member, ResetId};
use crate::store::{Amend, Amended, LinkOrder, ResetRow, StoreError};

/// A click on "send the guide".
pub(super) async fn guide(
    app: &Arc<App>,
    chat: &Chat,
    origin: &Origin,
    id: ResetId,
) -> Result<Reaction, Halt> {
    // Nothing confirms it, so rights and member are read past every cache.
    let permitted = permit::of_click(app, chat, origin, id, Freshness::Now).await?;
    let member = &permitted.pair.member.member;
    match guide::find(app, member).await? {
        FoundGuide::Ready(_) => {}
        FoundGuide::NoPage => {
            let told = messages::guide_leads_nowhere(&id.reference());
            return Err(refuse(app, origin, id, "no_guide", told).await);
        }
        FoundGuide::NoContact => {
            let told = messages::guide_without_code(member, &id.reference());
            return Err(refuse(app, origin, id, "no_contact_for_guide", told).await);
        }
        FoundGuide::NeedsReset => {
            let told = messages::guide_needs_reset(&member.name, &id.reference());
            return Err(refuse(app, origin, id, "guide_needs_reset", told).await);
        }
    }
    close_with(app, origin, &permitted.row, Amend::Guide, Next::Guide).await
}

/// A click on "let the directory send its own link".
pub(super) async fn directory_link(
    app: &Arc<App>,
    chat: &Chat,
    origin: &Origin,
    id: ResetId,
) -> Result<Reaction, Halt> {
    let permitted = permit::of_click(app, chat, origin, id, Freshness::Now).await?;
    let row = &permitted.row;
    let directory = app.directories.describe(&row.member_id);
    let Some(life) = directory.capabilities.own_link else {
        // The button was drawn before the settings changed, or the directory's own.
        let told = messages::directory_link_gone(directory.name, &id.reference());
        return Err(refuse(app, origin, id, "no_own_link", told).await);
    };
    // Recorded before it is sent: a later card has to tell of it, whatever dies.
    let change = Amend::DirectoryLink(life);
    close_with(app, origin, row, change, Next::DirectoryLink).await
}

/// Records that the card ends this way, and does it.
async fn close_with(
    app: &Arc<App>,
    origin: &Origin,
    card: &ResetRow,
    change: Amend,
    next: fn(Box<ResetRow>, Option<ReplyAddress>) -> Next,
) -> Result<Reaction, Halt> {
    let id = card.reset_id;
    let click = card_click(origin, id, None);
    match app.store.amend(click, change).await {
        Ok(Amended { row, .. }) => {
            let to = address(app, origin, &row);
            Ok(Reaction::Work(next(Box::new(row), to)))
        }
        Err(error) => Ok(answer_refusal(
            app,
            origin,
            id,
            &error.refusal()?,
            Some(card),
        )),
    }
}

/// S6: sends the member the guide to change the password themselves, and tells the administrator where it went.
pub(super) async fn send_guide(app: &App, chat: &Chat, row: &ResetRow, to: Option<&ReplyAddress>) {
    let reference = row.reset_id.reference();
    let nowhere = |name| messages::guide_failed(name, None, &reference);
    let (outcome, is_sent, message) = match member_of(app, row).await {
        Some(member) => match (
            guide_destination(app, &member),
            guide_now(app, &member).await,
        ) {
            (Some(destination), Some(guide)) => {
                guide_to(app, (&member, &guide), &destination, row).await
            }
            (None, _) | (_, None) => ("nowhere", false, nowhere(&member.name)),
        },
        None => ("nobody", false, nowhere(&row.member_name)),
    };
    let noted = app.store.note_guide(row.reset_id, outcome, is_sent).await;
    log_unrecorded(noted, "guide", outcome);
    tell(chat, to, &message, Placement::Replace).await;
}

/// The guide, if it can still be made; what is missing was told at the click.
async fn guide_now(app: &App, member: &Member) -> Option<Guide> {
    match guide::find(app, member).await {
        Ok(FoundGuide::Ready(guide)) => Some(guide),
        Ok(FoundGuide::NoPage | FoundGuide::NoContact | FoundGuide::NeedsReset) => None,
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "could not read where a guide leads"
            );
            None
        }
    }
}

/// The personal e-mail, else the phone, else the business e-mail.
fn guide_destination(app: &App, member: &Member) -> Option<Destination> {
    let contacts = Channel::ALL.iter().rev();
    contacts
        .filter_map(|channel| channel.on_record(member))
        .chain([Destination::Email(member.business_email.clone())])
        .find(|to| app.deliveries.has(to.channel()))
}

/// Sends it: the outcome for the record, whether it went out or may have, and what the administrator is told.
async fn guide_to(
    app: &App,
    (member, guide): (&Member, &Guide),
    to: &Destination,
    row: &ResetRow,
) -> (&'static str, bool, Message) {
    let reference = &row.reset_id.reference();
    let note = if to.channel().facts().is_short {
        messages::guide_sms(&app.organization, guide)
    } else {
        messages::guide(&app.organization, &member.name, guide)
    };
    let id = format!("guide-{reference}");
    match app.deliveries.tell(to, &note, &id).await {
        Outcome::Accepted => (
            "sent",
            true,
            messages::guide_sent(&member.name, &to.masked()),
        ),
        Outcome::Refused(why) => (
            why.code(),
            false,
            messages::guide_failed(&member.name, Some((&why, to.channel())), reference),
        ),
        Outcome::Unknown => {
            let now = app.clock.now();
            let next_at = row.guided_at.unwrap_or(now) + GUIDE_PAUSE;
            let next = app.zone.tell(next_at, now);
            let told = messages::guide_unknown(&member.name, &to.masked(), &next, reference);
            ("unknown", true, told)
        }
    }
}

/// Lets the directory send its own link. The member sets a password with it that nobody else knows.
pub(super) async fn send_directory_link(
    app: &App,
    chat: &Chat,
    row: &ResetRow,
    to: Option<&ReplyAddress>,
) {
    let reference = row.reset_id.reference();
    let name = app.directories.describe(&row.member_id).name;
    let sent = match app.directories.of(&row.member_id) {
        Some(home) => home.send_link(&row.member_id).await,
        None => Err(ResetFailed::NotSent),
    };
    let (order, outcome, message) = match sent {
        Ok(life) => {
            let now = app.clock.now();
            let until = app.zone.tell(now + life, now);
            let told = messages::directory_link_sent(name, &row.member_name, &until, &reference);
            (LinkOrder::Sent(life), "sent", told)
        }
        Err(ResetFailed::Refused(why)) => {
            let told = messages::directory_refused(name, &why, &reference);
            (LinkOrder::NotSent, "refused", told)
        }
        Err(ResetFailed::NotSent) => {
            let told = messages::directory_down(name, &reference);
            (LinkOrder::NotSent, "not_sent", told)
        }
        Err(ResetFailed::Unknown) => {
            let told = messages::directory_link_unknown(name, &row.member_name, &reference);
            (LinkOrder::Unknown, "unknown", told)
        }
        Err(ResetFailed::Misconfigured) => {
            let told = messages::directory_misconfigured(name, &reference);
            (LinkOrder::NotSent, "not_sent", told)
        }
    };
    let noted = app.store.note_own_link(row.reset_id, order, outcome).await;
    log_unrecorded(noted, "directory_link", outcome);
    tell(chat, to, &message, Placement::Replace).await;
}

fn log_unrecorded(noted: Result<(), StoreError>, event: &'static str, outcome: &'static str) {
    if let Err(error) = noted {
        tracing::error!(
            event,
            outcome,
            error = &error as &dyn std::error::Error,
            "could not record an outcome"
        );
    }
}
