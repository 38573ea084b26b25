//! A command: who asks, about whom, and the card that comes of it.

use std::sync::Arc;
use std::time::Duration;

use rand::CryptoRng;

use super::contacts::{self, add_contact};
use super::identity::{self, Asked, Limits, Pair, Unresolved};
use super::messages::{self, Card};
use super::question::{self, Question};
use super::{Failure, Next, Reaction, history, seal_by};
use crate::app::App;
use crate::chat::interaction::NamedMember as Named;
use crate::chat::{Adapter, Ask, Assurance, Chat, Command, Freshness, Message, Origin, Placement};
use crate::domain::look_up::Tried;
use crate::domain::{
    Denied, Destination, Member, MemberId, Moment, Permit, Reference, ResetId, policy,
};
use crate::store::{AuditRow, ClickRefused, NewOffer, NotNoted, ResetRow, StoreError};

/// How long a command waits for the administrator's own reset of the same member to be finished.
const OWN_PATIENCE: Duration = Duration::from_secs(1);

/// Answers a command. Whatever comes of it is written down in the same transaction as its replay key.
pub(super) async fn command(
    app: &Arc<App>,
    chat: &Chat,
    command: Command,
) -> Result<Reaction, Failure> {
    let Command { origin, ask } = command;
    let mut rng = app.chance.rng()?;
    let reference = Reference::draw(&mut rng);
    match ask {
        Ask::Help => {
            let limit = app.store.limit();
            let help = messages::help(app.organization.offer_lifetime, limit.resets, limit.window);
            note(
                app,
                &origin,
                ("help", "done"),
                (None, None),
                &reference,
                None,
                help,
            )
            .await
        }
        Ask::Reset(named, reason) => {
            reset(app, chat, origin, (&named, reason), reference, rng).await
        }
        Ask::Why(named) => why(app, chat, origin, &named, &reference).await,
        Ask::Log(named) => history::log(app, chat, origin, named, &reference).await,
        Ask::Contact(named, typed) => {
            contact(app, chat, origin, (&named, &typed), reference, None).await
        }
        Ask::Unclear(text) => {
            let told = messages::unclear(&text, &reference);
            note(
                app,
                &origin,
                ("command", "unclear"),
                (None, None),
                &reference,
                None,
                told,
            )
            .await
        }
        Ask::Several => {
            let told = messages::several_members(&reference);
            note(
                app,
                &origin,
                ("command", "several"),
                (None, None),
                &reference,
                None,
                told,
            )
            .await
        }
    }
}

async fn reset(
    app: &Arc<App>,
    chat: &Chat,
    origin: Origin,
    (named, reason): (&Named, Option<String>),
    reference: Reference,
    mut rng: impl CryptoRng,
) -> Result<Reaction, Failure> {
    let now = origin.received_at;
    let (pair, _permit) = match permitted(
        app,
        chat,
        &origin,
        named,
        (Freshness::Cached, Limits::Yes),
        &reference,
    )
    .await?
    {
        Ok(permitted) => permitted,
        Err(reaction) => return Ok(reaction),
    };
    let (admin, member) = (&pair.admin.member, &pair.member.member);
    if let Some(count) = contacts::lacks_a_second(app, member, &admin.id).await? {
        let told =
            messages::two_contacts_needed(&member.name, &member.business_email, count, &reference);
        let (about, tried) = ((Some(admin), Some(member)), Some(Tried::RefusedLookUp));
        return note(
            app,
            &origin,
            ("command", "one_contact"),
            about,
            &reference,
            tried,
            told,
        )
        .await;
    }
    let about = about_contacts(app, &admin.id, member).await?;
    let reset_id = ResetId::draw(&mut rng, now);
    let offer = NewOffer {
        reset_id,
        requester: origin.user.clone(),
        admin: pair.admin.member.clone(),
        member: pair.member.member.clone(),
        member_chat_user: pair.member_chat_user.clone(),
        reason,
        reply: seal_by(app, reset_id, origin.reply.as_ref(), &mut rng)?,
        lifetime: app.organization.offer_lifetime,
    };
    app.at_work
        .finished(&pair.admin.member.id, &pair.member.member.id, OWN_PATIENCE)
        .await;
    let noted = app
        .store
        .offer(offer, origin.replay.clone(), reference.clone())
        .await?;
    let message = match noted.decided {
        Ok(offered) => {
            let member = &pair.member.member;
            messages::offer_card(&Card {
                quota: Some(offered.quota),
                earlier: offered.earlier.as_ref(),
                value: &app.keys.button_value(reset_id),
                is_private: chat.assurance().await.is_private(),
                ..card(app, member, member.has_outside_contact(), &about, now)
            })
        }
        Err(ClickRefused::Replayed) => return Ok(Reaction::Replayed),
        Err(refused) => {
            tracing::info!(admin.id = %pair.admin.member.id, refused = refused.code(), "a command was refused");
            if let ClickRefused::Denied(denied) = refused {
                messages::denied(
                    &denied,
                    &pair.member.member.name,
                    &app.organization,
                    &app.zone,
                    now,
                    &reference,
                )
            } else {
                messages::click_refused(
                    &refused,
                    None,
                    &app.organization,
                    &app.zone,
                    now,
                    &reference,
                )
            }
        }
    };
    Ok(said(app, &origin, message, &noted.untold).await)
}

/// What a card says of the member's contacts.
pub(super) async fn about_contacts(
    app: &App,
    admin: &MemberId,
    member: &Member,
) -> Result<messages::AboutContacts, StoreError> {
    let methods = contacts::methods_for_next(app, member, admin).await?;
    Ok(messages::AboutContacts {
        methods,
        differing: contacts::differing(app, member).await?,
    })
}

/// The parts of a card that every face of it shares.
pub(super) fn card<'a>(
    app: &'a App,
    member: &'a Member,
    is_reachable: bool,
    about: &'a messages::AboutContacts,
    now: Moment,
) -> Card<'a> {
    let (directory, capabilities) = app.directories.told(&member.id);
    Card {
        member,
        capabilities,
        directory,
        quota: None,
        earlier: None,
        channels: &app.deliveries,
        is_private: true,
        contacts: about,
        is_reachable,
        value: "",
        zone: &app.zone,
        now,
    }
}

/// The pair and its permit, or the refusal, written down.
async fn permitted(
    app: &Arc<App>,
    chat: &Chat,
    origin: &Origin,
    named: &Named,
    (freshness, limits): (Freshness, Limits),
    reference: &Reference,
) -> Result<Result<(Pair, Permit), Reaction>, Failure> {
    let now = origin.received_at;
    let pair = match resolved(app, chat, origin, named, (freshness, limits), reference).await? {
        Ok(pair) => pair,
        Err(reaction) => return Ok(Err(reaction)),
    };
    match policy::approve(&pair.case(), now) {
        Ok(permit) => Ok(Ok((pair, permit))),
        Err(denied) => {
            let told = messages::denied(
                &denied,
                &pair.member.member.name,
                &app.organization,
                &app.zone,
                now,
                reference,
            );
            let is_told_of_member = denied != Denied::NotAdmin;
            let about = (
                Some(&pair.admin.member),
                is_told_of_member.then_some(&pair.member.member),
            );
            let tried = is_told_of_member.then_some(Tried::RefusedLookUp);
            Ok(Err(note(
                app,
                origin,
                ("command", denied.code()),
                about,
                reference,
                tried,
                told,
            )
            .await?))
        }
    }
}

/// The pair, or the refusal, written down.
async fn resolved(
    app: &Arc<App>,
    chat: &Chat,
    origin: &Origin,
    named: &Named,
    (freshness, limits): (Freshness, Limits),
    reference: &Reference,
) -> Result<Result<Pair, Reaction>, Failure> {
    match identity::pair_within(app, chat, &origin.user, named, freshness, limits).await {
        Ok(Asked {
            admin,
            member: Ok((member, member_chat_user)),
        }) => Ok(Ok(Pair {
            admin,
            member,
            member_chat_user,
        })),
        Ok(Asked {
            admin,
            member: Err(why),
        }) => member_unresolved(app, origin, &admin.member, &why, reference)
            .await
            .map(Err),
        Err(why) => caller_unresolved(app, origin, &why, reference)
            .await
            .map(Err),
    }
}

/// Tells and writes down that the caller's chat account matches no directory account.
pub(super) async fn caller_unresolved(
    app: &Arc<App>,
    origin: &Origin,
    why: &Unresolved,
    reference: &Reference,
) -> Result<Reaction, Failure> {
    tracing::info!(platform = %origin.user.platform, why = why.code(), "a caller matches no directory account");
    let told = why.told(app, true, reference);
    note(
        app,
        origin,
        ("command", why.code()),
        (why.caller(), None),
        reference,
        None,
        told,
    )
    .await
}

/// The same for the member that an administrator named: a look-up that was refused, unless nobody could be asked.
pub(super) async fn member_unresolved(
    app: &Arc<App>,
    origin: &Origin,
    admin: &Member,
    why: &Unresolved,
    reference: &Reference,
) -> Result<Reaction, Failure> {
    tracing::info!(platform = %origin.user.platform, why = why.code(), "a named member matches no directory account");
    let told = why.told(app, false, reference);
    let tried = why.is_answer().then_some(Tried::RefusedLookUp);
    note(
        app,
        origin,
        ("command", why.code()),
        (Some(admin), None),
        reference,
        tried,
        told,
    )
    .await
}

/// S42, Q7: a contact for codes, added by an administrator other than the one whose password is waiting to be used.
/// `asked` is the question whose button was pressed, where the platform needs one.
pub(super) async fn contact(
    app: &Arc<App>,
    chat: &Chat,
    origin: Origin,
    (named, typed): (&Named, &str),
    reference: Reference,
    asked: Option<&Question>,
) -> Result<Reaction, Failure> {
    // Nothing confirms it, so rights and member are read past every cache.
    let limits = if asked.is_none() {
        Limits::Yes
    } else {
        Limits::No
    };
    let (pair, _permit) = match permitted(
        app,
        chat,
        &origin,
        named,
        (Freshness::Now, limits),
        &reference,
    )
    .await?
    {
        Ok(permitted) => permitted,
        Err(reaction) => return Ok(reaction),
    };
    let (admin, member) = (&pair.admin.member, &pair.member.member);
    let about = (Some(admin), Some(member));
    // The command was counted; the button that confirms it is none.
    if asked.is_none()
        && let Err(too_many) = app.store.count_command(&admin.id, &origin.replay).await?
    {
        let told = messages::too_many_look_ups(too_many, &app.zone, origin.received_at, &reference);
        return note(
            app,
            &origin,
            ("contact", too_many.code()),
            about,
            &reference,
            None,
            told,
        )
        .await;
    }
    let (directory, capabilities) = app.directories.told(&member.id);
    if !capabilities.has_our_pages {
        let told = messages::contact_elsewhere(&member.name, directory, &reference);
        return note(
            app,
            &origin,
            ("contact", "elsewhere"),
            about,
            &reference,
            None,
            told,
        )
        .await;
    }
    let assurance = chat.assurance().await;
    if assurance == Assurance::PersonOnly {
        let told = messages::contact_not_private(member, &reference);
        return note(
            app,
            &origin,
            ("contact", "not_private"),
            about,
            &reference,
            None,
            told,
        )
        .await;
    }
    if asked.is_some_and(|asked| !asked.is_about(admin, member)) {
        let told = messages::contact_question_over(&reference);
        return note(
            app,
            &origin,
            ("contact", "question_over"),
            about,
            &reference,
            None,
            told,
        )
        .await;
    }
    let to = Destination::contact(typed, member, &app.organization.company)
        .and_then(|to| app.deliveries.check_typed(&to, member).map(|()| to));
    let to = match to {
        Ok(to) => to,
        Err(denied) => {
            let told = messages::contact_denied(&denied, &member.name, &reference);
            return note(
                app,
                &origin,
                ("contact", "destination"),
                about,
                &reference,
                None,
                told,
            )
            .await;
        }
    };
    let last = app.store.last_changes(&member.id).await?;
    if last.iter().any(|row| row.admin_id == admin.id) {
        let told = messages::contact_of_own_reset(&member.name, &reference);
        return note(
            app,
            &origin,
            ("contact", "own_reset"),
            about,
            &reference,
            None,
            told,
        )
        .await;
    }
    if assurance == Assurance::PrivateReply && asked.is_none() {
        return question::ask(app, chat, &origin, (admin, member), &to, &reference).await;
    }
    add_contact(app, &origin, (admin, member), &to, &reference).await
}

/// Which rules would hold, with nothing changed.
async fn why(
    app: &Arc<App>,
    chat: &Chat,
    origin: Origin,
    named: &Named,
    reference: &Reference,
) -> Result<Reaction, Failure> {
    let pair = match resolved(
        app,
        chat,
        &origin,
        named,
        (Freshness::Cached, Limits::Yes),
        reference,
    )
    .await?
    {
        Ok(pair) => pair,
        Err(reaction) => return Ok(reaction),
    };
    let (admin, member) = (&pair.admin.member, &pair.member.member);
    if !pair.case().admin.may_administer() {
        let told = messages::denied(
            &Denied::NotAdmin,
            "",
            &app.organization,
            &app.zone,
            origin.received_at,
            reference,
        );
        return note(
            app,
            &origin,
            ("why", "not_admin"),
            (Some(admin), None),
            reference,
            None,
            told,
        )
        .await;
    }
    let outcomes: Vec<_> = policy::Rule::ALL
        .iter()
        .map(|rule| (*rule, pair.case().check(*rule)))
        .collect();
    let line = audit_line(
        &origin,
        "why",
        "done",
        (Some(admin), Some(member)),
        reference,
    );
    let noted = app
        .store
        .note_standing(origin.replay.clone(), line, &admin.id, &member.id)
        .await?;
    let now = origin.received_at;
    let told = match noted.decided {
        Ok((quota, busy)) => {
            messages::rules(&member.name, &outcomes, quota, busy.as_deref(), reference)
        }
        Err(NotNoted::TooMany(too_many)) => {
            messages::too_many_look_ups(too_many, &app.zone, now, reference)
        }
        Err(NotNoted::Replayed) => return Ok(Reaction::Replayed),
    };
    Ok(said(app, &origin, told, &noted.untold).await)
}

/// Writes a try down and answers it, with what is still to be told. As a look-up it counts for the administrator, and one
/// too many is answered by that alone.
pub(super) async fn note(
    app: &Arc<App>,
    origin: &Origin,
    (event, outcome): (&str, &str),
    about: (Option<&Member>, Option<&Member>),
    reference: &Reference,
    tried: Option<Tried>,
    message: Message,
) -> Result<Reaction, Failure> {
    let now = origin.received_at;
    let line = audit_line(origin, event, outcome, about, reference);
    let noted = app.store.note(origin.replay.clone(), line, tried).await?;
    let told = match noted.decided {
        Ok(()) => message,
        Err(NotNoted::TooMany(too_many)) => {
            messages::too_many_look_ups(too_many, &app.zone, now, reference)
        }
        Err(NotNoted::Replayed) => return Ok(Reaction::Replayed),
    };
    Ok(said(app, origin, told, &noted.untold).await)
}

/// The line of the audit about a try that ends without a card.
pub(super) fn audit_line(
    origin: &Origin,
    event: &str,
    outcome: &str,
    (admin, member): (Option<&Member>, Option<&Member>),
    reference: &Reference,
) -> AuditRow {
    AuditRow {
        reference: Some(reference.to_string()),
        admin_id: admin.map(|admin| admin.id.clone()),
        member_id: member.map(|member| member.id.clone()),
        ..AuditRow::of_chat(event, outcome, &origin.user, origin.received_at)
    }
}

/// The answer to a command, with the ends of earlier resets that are still to be told. Where the platform does not prove
/// that the command came from this person, such an end is sent to them and not to whoever waits for the answer.
async fn said(app: &App, origin: &Origin, message: Message, untold: &[ResetRow]) -> Reaction {
    let message = with_untold(app, message, untold, origin.received_at);
    let chat = app
        .chat(origin.user.platform)
        .filter(|_| !untold.is_empty());
    match (chat, &origin.reply) {
        (Some(chat), Some(to)) if chat.assurance().await == Assurance::PrivateReply => {
            Reaction::Then(Next::Tell {
                to: to.clone(),
                message,
                placement: Placement::Add,
            })
        }
        _ => Reaction::Say(message),
    }
}

/// P4: what could not be told through its own message is told now, first.
pub(super) fn with_untold(
    app: &App,
    mut message: Message,
    untold: &[ResetRow],
    now: Moment,
) -> Message {
    if !untold.is_empty() {
        let mut lines: Vec<String> = untold
            .iter()
            .map(|row| messages::untold(row, &app.zone, now))
            .collect();
        lines.append(&mut message.lines);
        message.lines = lines;
    }
    message
}
