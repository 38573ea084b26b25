//! "Ask an admin for a contact": another administrator is asked, in a message to them alone, to add a contact for the code
//! of a reset (S42, Q7). Nothing is changed by it.

use std::sync::Arc;

use super::other_admins::{self, OfReset};
use super::people::ResetPair;
use super::permit::{self, NotPermitted};
use super::reaction::{Halt, Next, Reaction};
use super::refuse::{card_click, refuse, refuse_and_count};
use super::reply::{address, halt_with_refusal, seal, tell_unless_last};
use super::{contacts, ending, identity, messages, not_me, trace};
use crate::app::{App, Identity};
use crate::chat::{Adapter, Chat, Freshness, Message, Origin, Placement, ReplyAddress};
use crate::domain::delivery::Outcome;
use crate::domain::{ChatUser, EmailAddress, MemberId, Moment, ResetId, policy};
use crate::store::{ResetRow, StoreError};

/// How many administrators are asked at most.
const ASKED: usize = 2;

/// How many are looked up for that at most.
const LOOKED_UP: usize = 8;

/// A click on the button, below the card, the last look or the result. It writes to somebody else, so right and member are
/// read past every cache.
pub(super) async fn click(
    app: &Arc<App>,
    chat: &Chat,
    origin: &Origin,
    id: ResetId,
) -> Result<Reaction, Halt> {
    let found = app.store.reset(id).await?;
    if let Some(row) = found.filter(|row| row.is_of(&origin.user)) {
        trace::record_admin(&row.admin_id);
        let how = (Freshness::Now, origin.received_at);
        match permit::of_card(app, chat, &origin.user, &row, how).await {
            Ok((pair, _permit)) => check_need(app, origin, &row, &pair).await?,
            Err(refused) => return Err(not_permitted(app, origin, &row, refused).await),
        }
    }
    let reply = seal(app, id, origin.reply.as_ref())?;
    match app.store.ask_contact(card_click(origin, id, reply)).await {
        Ok(row) => {
            let to = address(app, origin, &row);
            Ok(Reaction::Work(Next::AskContact(Box::new(row), to)))
        }
        Err(error) => {
            let why = error.refusal()?;
            let row = app.store.reset(id).await?;
            let row = row.filter(|row| row.is_of(&origin.user));
            Err(halt_with_refusal(app, origin, id, &why, row.as_ref()))
        }
    }
}

/// Refuses where a contact may receive the code by now, and where there is nobody to ask.
async fn check_need(
    app: &Arc<App>,
    origin: &Origin,
    row: &ResetRow,
    pair: &ResetPair,
) -> Result<(), Halt> {
    let member = &pair.member.member;
    let methods = if row.changing_at.is_some() {
        contacts::methods_now(app, member).await?
    } else {
        contacts::methods_of(app, member, row).await?
    };
    if let Some((code, told)) = over(app, row, origin.received_at).await? {
        return Err(refused(app, origin, row, (code, false), told).await);
    }
    if !contacts::are_lacking(app, member, &methods) {
        let there = methods.usable.iter().find(|one| one.counts);
        let mask = there.map_or_else(String::new, |one| one.to.masked());
        let reference = row.reset_id.reference();
        let told = messages::contact_there(&member.name, &mask, &reference);
        return Err(refused(app, origin, row, ("contact_there", false), told).await);
    }
    // The store says if one was asked already.
    let of_reset = OfReset {
        has_asked: false,
        ..OfReset::of(row)
    };
    let adder = other_admins::adder(app, member, of_reset, &methods).await?;
    if adder != messages::ContactAdder::AskedAdmin {
        let told = messages::nobody_to_ask(row);
        return Err(refused(app, origin, row, ("nobody_to_ask", false), told).await);
    }
    Ok(())
}

/// Why no contact is added any more for a reset that has changed the password.
async fn over(
    app: &App,
    row: &ResetRow,
    now: Moment,
) -> Result<Option<(&'static str, Message)>, StoreError> {
    let Some(changed_at) = row.changed_at else {
        return Ok(None);
    };
    let last = app.store.last_changes(&row.member_id).await?;
    Ok(if row.disowned_at.is_some() {
        Some(("disowned", messages::contact_of_disowned(row)))
    } else if !last.iter().any(|one| one.reset_id == row.reset_id) {
        Some(("reset_again", messages::contact_of_earlier(row)))
    } else if changed_at + app.organization.password_lifetime <= now {
        Some(("password_ended", messages::contact_of_ended(row)))
    } else {
        None
    })
}

async fn not_permitted(app: &Arc<App>, origin: &Origin, row: &ResetRow, why: NotPermitted) -> Halt {
    refused(app, origin, row, (why.code, why.is_counted), why.told).await
}

/// Records a refusal: before the change as every other of a card, after it as a click on the result.
async fn refused(
    app: &Arc<App>,
    origin: &Origin,
    row: &ResetRow,
    (code, is_counted): (&'static str, bool),
    told: Message,
) -> Halt {
    let id = row.reset_id;
    if row.changed_at.is_none() {
        return if is_counted {
            refuse_and_count(app, origin, row, code, told).await
        } else {
            refuse(app, origin, id, code, told).await
        };
    }
    let click = card_click(origin, id, None);
    match app
        .store
        .refuse_after_change(click, "ask_contact", code)
        .await
    {
        Ok(row) => {
            let now = origin.received_at;
            Halt::Refused(messages::after_change(told, &row, &app.zone, now))
        }
        Err(error) => match error.refusal() {
            Ok(why) => halt_with_refusal(app, origin, id, &why, Some(row)),
            Err(error) => error.into(),
        },
    }
}

/// Who was asked, and how that ended.
#[derive(Default)]
struct Asked {
    names: Vec<String>,
    /// Those of whom nobody can say whether the message reached them.
    perhaps: Vec<String>,
}

/// Writes to other administrators, and tells the one who asked for it.
pub(super) async fn ask(app: &App, chat: &Chat, row: &ResetRow, to: Option<&ReplyAddress>) {
    let asked = ask_others(app, chat, row).await;
    let (outcome, told) = if !asked.names.is_empty() {
        ("sent", messages::contact_asked(&asked.names, row))
    } else if !asked.perhaps.is_empty() {
        (
            "unknown",
            messages::contact_perhaps_asked(&asked.perhaps, row),
        )
    } else {
        let told = messages::nobody_to_ask(row);
        let now = app.clock.now();
        ("nobody", messages::after_change(told, row, &app.zone, now))
    };
    if let Err(error) = app.store.note_contact_asked(row, outcome).await {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            outcome,
            "could not record that an administrator was asked for a contact"
        );
    }
    tell_unless_last(chat, to, &told, Placement::Add).await;
}

async fn ask_others(app: &App, chat: &Chat, row: &ResetRow) -> Asked {
    let mut asked = Asked::default();
    let Some(member) = ending::member_of(app, row).await else {
        return asked;
    };
    let Ok(others) = other_admins::of_member(app, &member, OfReset::of(row)).await else {
        // The store has logged it.
        return asked;
    };
    let Ok(last) = app.store.last_changes(&member.id).await else {
        return asked;
    };
    let Ok(warnings) = not_me::warnings(app, &member, &last, app.clock.now()).await else {
        return asked;
    };
    let wanted = messages::contact_wanted(row, warnings);
    // One address may lead to the same person as another.
    let mut seen: Vec<MemberId> = Vec::new();
    let mut looked_up = 0;
    for email in &others.emails {
        let accounts = accounts_of(app, chat, email).await;
        // To read links costs nothing.
        if accounts.is_empty() && !is_by_email(app, chat) {
            continue;
        }
        looked_up += 1;
        if looked_up > LOOKED_UP {
            break;
        }
        let Some((user, pair)) = helper(app, chat, row, accounts).await else {
            continue;
        };
        let admin = pair.admin.member;
        if seen.contains(&admin.id) {
            continue;
        }
        seen.push(admin.id);
        match chat.send_direct(&user.user, &wanted).await {
            Outcome::Accepted => asked.names.push(admin.name),
            Outcome::Unknown => asked.perhaps.push(admin.name),
            Outcome::Refused(why) => tracing::warn!(
                why = why.code(),
                "an administrator could not be asked for a contact"
            ),
        }
        if asked.names.len() == ASKED {
            break;
        }
    }
    asked
}

/// The account of these that belongs to another administrator who may reset this member now, as every command of theirs
/// would be checked.
async fn helper(
    app: &App,
    chat: &Chat,
    row: &ResetRow,
    accounts: Vec<ChatUser>,
) -> Option<(ChatUser, ResetPair)> {
    for user in accounts {
        let pair = identity::pair_of_card(app, chat, &user, row, Freshness::Now).await;
        let Ok(pair) = pair else { continue };
        let is_another = pair.admin.member.id != row.admin_id;
        let is_theirs = pair.member.member.id == row.member_id;
        if is_another && is_theirs && policy::approve(&pair.case()).is_ok() {
            return Some((user, pair));
        }
    }
    None
}

fn is_by_email(app: &App, chat: &Chat) -> bool {
    app.organization.identity == Identity::Email && chat.tells_emails()
}

/// The accounts of an address on this platform: the one that has it as its confirmed e-mail, or those that are linked.
async fn accounts_of(app: &App, chat: &Chat, email: &EmailAddress) -> Vec<ChatUser> {
    let ids: Vec<String> = if is_by_email(app, chat) {
        match chat.profile_by_email(email).await {
            Ok(found) => found.into_iter().map(|(id, _)| id).collect(),
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the chat does not tell an administrator's account"
                );
                Vec::new()
            }
        }
    } else {
        // Where the record does not answer, the store has logged it.
        let linked = app.store.accounts_linked_to(vec![email.key()]).await;
        let platform = chat.platform();
        linked
            .unwrap_or_default()
            .into_iter()
            .filter(|(on, _)| on == platform.as_str())
            .map(|(_, id)| id)
            .collect()
    };
    ids.iter().map(|id| chat.own_account(id)).collect()
}
