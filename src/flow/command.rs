//! Commands: each is answered by the file of what it asks for.

use std::sync::Arc;

use super::answer::{Attempt, answer};
use super::reaction::{ReactError, Reaction};
use super::{contact_command, history, messages, offer, why};
use crate::app::App;
use crate::chat::{Ask, Chat, Command, Message};
use crate::domain::Reference;

/// Answers a command. Whatever comes of it is recorded in one transaction with its replay key.
pub(super) async fn command(
    app: &Arc<App>,
    chat: &Chat,
    command: Command,
) -> Result<Reaction, ReactError> {
    let Command { origin, ask } = command;
    let mut rng = app.chance.rng()?;
    let reference = Reference::draw(&mut rng);
    let reacted = match ask {
        Ask::Reset(named, reason) => {
            offer::reset(app, chat, origin, (&named, reason), reference, rng).await
        }
        Ask::Why(named) => why::why(app, chat, origin, &named, &reference).await,
        Ask::Log(named) => history::log(app, chat, origin, named, &reference).await,
        Ask::Refused(named) => history::refused(app, chat, origin, named, &reference).await,
        Ask::Contact(named, typed) => {
            contact_command::command(app, chat, origin, (&named, &typed), &reference).await
        }
        Ask::Help => {
            let attempt = Attempt::new("help", "done", &reference);
            return answer(app, &origin, attempt, help(app)).await;
        }
        Ask::Mistyped(typed, meant) => {
            let told = messages::mistyped((&typed, meant), help(app), &reference);
            let attempt = Attempt::new("command", "mistyped", &reference);
            return answer(app, &origin, attempt, told).await;
        }
        Ask::Unclear(text) => {
            let told = messages::unclear(&text, &reference);
            let attempt = Attempt::new("command", "unclear", &reference);
            return answer(app, &origin, attempt, told).await;
        }
        Ask::Group(name) => {
            let told = messages::group_mention(&name, &reference);
            let attempt = Attempt::new("command", "group_mention", &reference);
            return answer(app, &origin, attempt, told).await;
        }
        Ask::BareName(name) => {
            let told = messages::bare_name(&name, &reference);
            let attempt = Attempt::new("command", "bare_name", &reference);
            return answer(app, &origin, attempt, told).await;
        }
        Ask::NoMember(needs) => {
            let told = messages::no_member(needs, &reference);
            let attempt = Attempt::new("command", "no_member", &reference);
            return answer(app, &origin, attempt, told).await;
        }
        Ask::NoAddress => {
            let told = messages::no_address(&reference);
            let attempt = Attempt::new("command", "no_address", &reference);
            return answer(app, &origin, attempt, told).await;
        }
        Ask::Several => {
            let told = messages::several_members(&reference);
            let attempt = Attempt::new("command", "several", &reference);
            return answer(app, &origin, attempt, told).await;
        }
    };
    match reacted {
        Ok(reaction) => Ok(reaction),
        Err(halt) => halt.of_command(),
    }
}

fn help(app: &App) -> Message {
    let limit = app.store.limit();
    messages::help(app.organization.offer_lifetime, limit.resets, limit.window)
}
