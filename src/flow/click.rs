//! Clicks: the button's name is read once into what it asks for, and each kind of ask has its own file.

use std::sync::Arc;

use super::permit::{self, extra_of};
use super::reaction::{Halt, ReactError, Reaction};
use super::{
    after, amend, ask_contact, choose, confirm, contact_code, contact_command, forms, instead,
    refuse,
};
use crate::app::App;
use crate::chat::interaction::{AfterAct, ButtonAsk, CardAct, CardAsk, ContactAsk};
use crate::chat::{Adapter, Chat, Click};
use crate::domain::Carries;

/// Hands a click to the file of what its button asks for.
pub(super) async fn click(
    app: &Arc<App>,
    chat: &Chat,
    click: Click,
) -> Result<Reaction, ReactError> {
    let origin = click.origin.clone();
    let reacted = match click.action.asks() {
        ButtonAsk::Contact(ContactAsk::Add) => contact_command::confirmed(app, chat, click).await,
        ButtonAsk::Contact(ContactAsk::SendCode) => contact_code::click(app, click).await,
        ButtonAsk::Card(ask) => on_card(app, chat, click, ask).await,
    };
    match reacted {
        Ok(reaction) => Ok(reaction),
        Err(halt) => halt.of_click(&origin),
    }
}

async fn on_card(
    app: &Arc<App>,
    chat: &Chat,
    click: Click,
    ask: CardAsk,
) -> Result<Reaction, Halt> {
    let origin = &click.origin;
    let Some((id, edition)) = app.keys.read_button_value(&click.value) else {
        return Err(refuse::forged(app, origin).await);
    };
    // What the settings forbid is refused before anything is looked up. The handler checks again, with what the card
    // carries.
    if let Some(extra) = extra_of(ask) {
        let is_private = chat.assurance().await.is_private();
        permit::check_extra(
            app,
            origin,
            id,
            Some(extra),
            (Carries::Password, is_private),
        )
        .await?;
    }
    match ask {
        CardAsk::Choose(delivery) => choose::on_record(app, chat, origin, id, delivery).await,
        CardAsk::Amend(change) => {
            let seen = (change, edition, click.boxes);
            amend::change(app, chat, origin, id, seen).await
        }
        CardAsk::OpenForm(form) => forms::open(app, click, id, form).await,
        CardAsk::Close => amend::close(app, origin, id).await,
        CardAsk::Act(CardAct::Confirm) => {
            confirm::confirm(app, chat, origin, id, (edition, click.boxes)).await
        }
        CardAsk::Act(CardAct::SendGuide) => instead::guide(app, chat, origin, id).await,
        CardAsk::Act(CardAct::SendDirectoryLink) => {
            instead::directory_link(app, chat, origin, id).await
        }
        CardAsk::After(AfterAct::SignOut) => after::sign_out(app, chat, origin, id).await,
        CardAsk::After(AfterAct::Hide) => after::hide(app, origin, id).await,
        CardAsk::AskContact => ask_contact::click(app, chat, origin, id).await,
    }
}
