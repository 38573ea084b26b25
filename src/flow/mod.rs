//! The conversation: command → card → choice → last look → act → result.
//!
//! [`react`] decides quickly what to answer. What takes longer is returned as [`Next`], which the web server runs in the
//! background with [`carry_out`].
//!
//! | what | files |
//! |---|---|
//! | commands | `command.rs`, and one file each: `offer.rs`, `why.rs`, `history.rs`, `contact_command.rs` |
//! | clicks and forms | `click.rs`, and one file each: `choose.rs` (with `another_way.rs`), `amend.rs`, `forms.rs`, `confirm.rs`, `instead.rs`, `after.rs`, `contact_code.rs` |
//! | who may go on | `permit.rs`, on `identity.rs` (with `people.rs`, `listed.rs`, `unresolved.rs`); `pins.rs` pins listed administrators |
//! | the card | `card.rs`; `guide.rs` for where its guide leads |
//! | the act and what follows it | `dispatch.rs`, `act.rs` (with `steps.rs`), `aftermath.rs`, `ending.rs`, `sweep.rs`; `notices.rs` and `manager_notice.rs` tell the member and their manager |
//! | contacts for codes | `contacts.rs`; `other_admins.rs` for who else can add one, `ask_contact.rs` to ask them; `question.rs` before one is added, `contact_add.rs` for the addition, `contact_notices.rs` for who is told |
//! | what the member does later | `member_report.rs` and `code_uses.rs`, on the links of `pages.rs`; `not_me.rs` for who hears of it; `looks.rs` looks whether a password was set again |
//! | replies and texts | `reaction.rs`, `answer.rs` (commands), `refuse.rs` (clicks and forms), `reply.rs`, `messages/`; `security.rs` for alarms |
//! | log lines | `trace.rs` |
//!
//! To add a button: its name in [`Action`](crate::chat::Action) and what it asks for in `Action::asks`, then the arm that
//! the compiler asks for in `click.rs`, its sentence in `messages/`, and what the chat must prove for it in
//! `permit::extra_of`.

mod act;
mod after;
mod aftermath;
mod amend;
mod another_way;
mod answer;
mod ask_contact;
mod card;
mod choice;
mod choose;
mod click;
pub(crate) mod code_uses;
mod command;
mod confirm;
mod contact_add;
mod contact_code;
mod contact_command;
mod contact_notices;
pub(crate) mod contacts;
mod dispatch;
mod ending;
mod forms;
mod guide;
mod history;
mod identity;
mod instead;
mod listed;
mod looks;
mod manager_notice;
mod member_report;
pub mod messages;
mod not_me;
mod notices;
mod offer;
mod other_admins;
mod pages;
mod people;
mod permit;
pub(crate) mod pins;
mod question;
mod reaction;
mod refuse;
mod reply;
mod security;
mod steps;
pub(crate) mod sweep;
mod trace;
mod unresolved;
mod why;
mod wiped;

use std::sync::Arc;

use futures_util::future::BoxFuture;

pub(crate) use self::member_report::{tell_of_disowned, tell_that_it_was_used};
use self::reaction::ReactError;
pub(crate) use self::reaction::{Next, Reaction};
pub(crate) use self::reply::tell_beside_card;
use self::reply::{at_input, beside, draw_card, tell, tell_unless_last};
pub(crate) use self::trace::request_span;
use crate::app::App;
use crate::chat::interaction::Trigger;
use crate::chat::{
    Adapter, ApiError, Chat, Form, Interaction, Message, Origin, Placement, ReplyAddress, Verified,
};
use crate::domain::{Reference, ResetId};
use crate::store::ResetRow;

/// Decides what to answer to an interaction. Everything that must be recorded before the answer is recorded when it
/// returns.
pub(crate) async fn react(
    app: &Arc<App>,
    chat: &Chat,
    interaction: Verified<Interaction>,
) -> Reaction {
    match interaction.into_inner() {
        Interaction::Ping => Reaction::Acknowledged,
        Interaction::Challenge(text) => Reaction::Challenge(text),
        Interaction::Command(command) => {
            let origin = command.origin.clone();
            if !is_new(app, &origin) {
                return Reaction::Replayed;
            }
            Box::pin(command::command(app, chat, command))
                .await
                // A command can be sure that nothing was changed.
                .unwrap_or_else(|error| failed(app, &origin, &error, messages::store_down))
        }
        Interaction::Click(click) => {
            let origin = click.origin.clone();
            if !is_new(app, &origin) {
                return Reaction::Replayed;
            }
            Box::pin(click::click(app, chat, click))
                .await
                .unwrap_or_else(|error| failed(app, &origin, &error, messages::click_failed))
        }
        Interaction::Form(form) => {
            let origin = form.origin.clone();
            // A form that can be submitted again gets its reason again; the record knows if it was accepted.
            if !origin.replay.is_freed_by_refusal() && !is_new(app, &origin) {
                return Reaction::Replayed;
            }
            let reaction = Box::pin(forms::submitted(app, chat, form))
                .await
                .unwrap_or_else(|error| failed(app, &origin, &error, messages::click_failed));
            // Whoever submitted a form looks at its input.
            if let Reaction::Say(message) = reaction {
                at_input(message)
            } else {
                reaction
            }
        }
    }
}

fn is_new(app: &App, origin: &Origin) -> bool {
    app.recent_requests
        .is_new(&origin.replay, origin.received_at)
}

/// Logs a failure and apologizes for it.
fn failed(
    app: &App,
    origin: &Origin,
    error: &ReactError,
    message: fn(&Reference) -> Message,
) -> Reaction {
    tracing::error!(error = error as &dyn std::error::Error, "could not react");
    beside(origin, message(&drawn_reference(app)))
}

/// Runs the work that follows a reaction, to its end. A confirmed reset is only queued; the dispatcher goes on with it.
pub(crate) fn carry_out<'a>(app: &'a Arc<App>, chat: &'a Chat, next: Next) -> BoxFuture<'a, ()> {
    match next {
        Next::Tell {
            to,
            message,
            placement,
        } => Box::pin(tell_with_news(app, chat, to, message, placement)),
        Next::DrawCard { row, to, content } => Box::pin(draw_card(app, chat, row, to, content)),
        Next::Open {
            trigger,
            form,
            to,
            about,
        } => Box::pin(open_form(app, chat, (trigger, form), to, about)),
        Next::Reset(queued) => {
            dispatch::queue(app, *queued);
            Box::pin(std::future::ready(()))
        }
        Next::Redeliver(redelivery) => Box::pin(act::run_redelivery(app, chat, *redelivery)),
        Next::SignOut(id, to) => Box::pin(aftermath::sign_out_again(app, chat, id, to)),
        Next::NothingToDo(to) => Box::pin(async move {
            let nothing = messages::nothing_to_do();
            tell(chat, to.as_ref(), &nothing, Placement::Add).await;
        }),
        Next::Hide(id, to) => {
            Box::pin(async move { aftermath::hide(app, chat, id, to.as_ref()).await })
        }
        Next::AskContact(row, to) => {
            Box::pin(async move { ask_contact::ask(app, chat, &row, to.as_ref()).await })
        }
        Next::Guide(row, to) => {
            Box::pin(async move { instead::send_guide(app, chat, &row, to.as_ref()).await })
        }
        Next::DirectoryLink(row, to) => Box::pin(async move {
            instead::send_directory_link(app, chat, &row, to.as_ref()).await;
        }),
    }
}

/// Sends a message, and then its news. Where that would take the last use of the address, the news stands below.
async fn tell_with_news(
    app: &App,
    chat: &Chat,
    to: ReplyAddress,
    mut message: Message,
    placement: Placement,
) {
    // One use for each, and one for the result of the reset.
    let news = if chat.uses_left(&to) > 2 {
        message.news.take()
    } else {
        message = message.with_news_below();
        None
    };
    if !tell(chat, Some(&to), &message, placement).await {
        not_told(app, &message).await;
    }
    if let Some(news) = news
        && !tell(chat, Some(&to), &news, Placement::Add).await
    {
        not_told(app, &news).await;
    }
}

/// A message was not accepted: the results of earlier resets that it held are told again (P4). One that arrived all the
/// same is told twice, which is better than never.
pub(crate) async fn not_told(app: &App, message: &Message) {
    if message.results.is_empty() && message.heard.is_empty() {
        return;
    }
    let untold = app.store.untell(&message.results, &message.heard, None);
    if let Err(error) = untold.await {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "could not record that results were not told"
        );
    }
}

/// What is told in place of a form that the answer to the click should have opened, after the platform's deadline.
pub(crate) fn form_too_late(app: &App, form: &Form, about: Option<&ResetRow>) -> Message {
    let reference = about.map_or_else(|| drawn_reference(app), |row| row.reset_id.reference());
    let told = messages::form_not_opened(form.kind, &ApiError::TooLate, &reference);
    match about {
        Some(row) => messages::after_change(told, row, &app.zone, app.clock.now()),
        None => told,
    }
}

/// A reference for a message about no reset in particular.
fn drawn_reference(app: &App) -> Reference {
    app.chance.rng().map_or_else(
        |_| ResetId([0; 16]).reference(),
        |mut rng| Reference::draw(&mut rng),
    )
}

/// Opens a form, or tells why it could not be opened.
async fn open_form(
    app: &App,
    chat: &Chat,
    (trigger, form): (Trigger, Form),
    to: Option<ReplyAddress>,
    about: Option<Box<ResetRow>>,
) {
    if let Err(error) = chat.open_form(&trigger, &form).await
        && let Ok(mut rng) = app.chance.rng()
    {
        let reference = Reference::draw(&mut rng);
        let message = messages::form_not_opened(form.kind, &error, &reference);
        let message = match &about {
            Some(about) => messages::after_change(message, about, &app.zone, app.clock.now()),
            None => message,
        };
        tell_unless_last(chat, to.as_ref(), &message, Placement::Add).await;
    }
}
