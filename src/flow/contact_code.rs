//! The button that sends a code to an added contact, and the form that takes what the member reads out.

use std::sync::Arc;

use super::identity::{self, Asked, Pair};
use super::{Failure, Next, Reaction, at_input, beside, messages, seal};
use crate::app::App;
use crate::chat::interaction::NamedMember as Named;
use crate::chat::{
    Chat, Click, FormKind, FormSubmitted, Freshness, Message, Origin, Placement, ReplyAddress,
};
use crate::domain::sign_in::{CodeDenied, draw_code};
use crate::domain::{Destination, Member, Reference, ResetId, policy};
use crate::store::{AuditRow, ClickRefused, ContactAnswer, ContactCheck, ContactCodeSent};

/// Makes it possible to send a code to a contact that was just added; the value of the button.
pub(super) async fn offer(
    app: &App,
    origin: &Origin,
    (admin, member): (&Member, &Member),
    to: &Destination,
) -> Result<String, Failure> {
    let now = app.clock.now();
    let check_id = ResetId::draw(&mut app.chance.rng()?, now);
    let check = ContactCheck {
        check_id,
        member_id: member.id.clone(),
        member_name: member.name.clone(),
        member_email: member.business_email.clone(),
        to: to.clone(),
        admin_id: admin.id.clone(),
        user: origin.user.clone(),
        expires_at: now + app.organization.offer_lifetime,
        reply: seal(app, check_id, origin.reply.as_ref())?,
    };
    app.store.offer_contact_check(&check).await?;
    Ok(app.keys.button_value(check_id))
}

/// The check behind a value, if it is this person's and still open; else what is told, written down.
async fn open_check(
    app: &App,
    origin: &Origin,
    value: &str,
    may_be_sent_again: bool,
) -> Result<Result<ContactCheck, Reaction>, Failure> {
    let id = app.keys.read_button_value(value).map(|(id, _)| id);
    let found = match id {
        Some(id) => app.store.contact_check(id).await?,
        None => None,
    };
    let reference = id.map_or_else(|| ResetId([0; 16]).reference(), ResetId::reference);
    let refused = match found {
        Some(check) if check.user == origin.user && check.expires_at > origin.received_at => {
            return Ok(Ok(check));
        }
        Some(check) if check.user == origin.user => ClickRefused::Expired,
        Some(_) | None => ClickRefused::NoSuchCard,
    };
    let audit = AuditRow::of_chat(
        "contact_code",
        refused.code(),
        &origin.user,
        origin.received_at,
    );
    let noted = app
        .store
        .note(origin.replay.clone(), audit, None)
        .await?
        .decided;
    if noted.is_err() && !may_be_sent_again {
        return Ok(Err(Reaction::Replayed));
    }
    let told = messages::click_refused(
        &refused,
        None,
        &app.organization,
        &app.zone,
        origin.received_at,
        &reference,
    );
    Ok(Err(Reaction::Say(told)))
}

/// Answers the button: the form is opened at once, and the code is sent beside it.
pub(super) async fn click(app: &Arc<App>, click: Click) -> Result<Reaction, Failure> {
    let Click {
        origin,
        trigger,
        value,
        ..
    } = click;
    let check = match open_check(app, &origin, &value, false).await? {
        Ok(check) => check,
        Err(Reaction::Say(told)) => return Ok(beside(&origin, told)),
        Err(other) => return Ok(other),
    };
    let Some(trigger) = trigger else {
        return Ok(Reaction::Taken);
    };
    let code = draw_code(&mut app.chance.rng()?);
    let digest = digest(app, check.check_id, &code);
    match app
        .store
        .send_contact_code(&check, &origin.replay, &digest)
        .await?
    {
        ContactCodeSent::Replayed => return Ok(Reaction::Replayed),
        ContactCodeSent::Denied(CodeDenied::Wait(until) | CodeDenied::TooMany(until)) => {
            let wait = until - origin.received_at;
            let told = messages::contact_code_too_soon(
                &check.member_name,
                wait,
                &check.check_id.reference(),
            );
            return Ok(beside(&origin, told));
        }
        ContactCodeSent::Gone => {
            let (name, to) = (&check.member_name, check.to.masked());
            return Ok(beside(
                &origin,
                messages::contact_gone(name, &to, &check.check_id.reference()),
            ));
        }
        ContactCodeSent::Denied(CodeDenied::NoSession) => return Ok(Reaction::Taken),
        ContactCodeSent::Yes => {}
    }
    let form = messages::contact_code_form(&check.member_name, &check.to.masked(), value);
    let to = origin.reply.clone().or_else(|| reply_of(app, &check));
    let (worker, user) = (Arc::clone(app), origin.user.clone());
    app.tasks.spawn(async move {
        let Some(chat) = worker.chat(user.platform) else { return };
        // Beside the form, whose permission lives a few seconds only; the rights are read again when the code is typed.
        if permitted(&worker, chat, &check, &check.check_id.reference()).await.is_ok() {
            let note = messages::contact_code(&worker.organization.name, &code);
            let name = format!("contact-code-{}", hex::encode(worker.keys.tag(&[b"code name", digest.as_bytes()])));
            worker.deliveries.tell(&check.to, &note, &name).await;
        } else {
            tracing::info!(member.id = %check.member_id, "no code was sent to a contact: the administrator lost the right");
        }
    });
    Ok(Reaction::Then(Next::Open {
        trigger,
        form,
        to,
        about: None,
    }))
}

/// Answers the form.
pub(super) async fn submitted(
    app: &Arc<App>,
    chat: &Chat,
    form: FormSubmitted,
) -> Result<Reaction, Failure> {
    let FormSubmitted {
        origin,
        once,
        value,
        typed,
        ..
    } = form;
    // A form that may be sent again gets its reason again, because the platform closes it otherwise.
    let may_be_sent_again = once.is_some();
    let check = match open_check(app, &origin, &value, may_be_sent_again).await? {
        Ok(check) => check,
        Err(Reaction::Say(told)) => return Ok(at_input(told)),
        Err(other) => return Ok(other),
    };
    let reference = check.check_id.reference();
    if let Err(told) = permitted(app, chat, &check, &reference).await {
        let audit = AuditRow::of_chat(
            "contact_code",
            "not_permitted",
            &origin.user,
            origin.received_at,
        );
        let noted = app
            .store
            .note(origin.replay.clone(), audit, None)
            .await?
            .decided;
        return Ok(if noted.is_ok() || may_be_sent_again {
            at_input(told)
        } else {
            Reaction::Replayed
        });
    }
    let code: String = typed.chars().filter(char::is_ascii_digit).collect();
    let digest = digest(app, check.check_id, &code);
    let title = match app
        .store
        .answer_contact_check(&check, &origin.replay, &digest)
        .await?
    {
        ContactAnswer::Wrong(left) => code_wrong(left),
        ContactAnswer::Replayed(Some(left)) if may_be_sent_again => code_wrong(left),
        ContactAnswer::Replayed(_) => return Ok(Reaction::Replayed),
        ContactAnswer::Gone => {
            return Ok(at_input(messages::contact_gone(
                &check.member_name,
                &check.to.masked(),
                &reference,
            )));
        }
        ContactAnswer::Over => code_over(),
        ContactAnswer::Right => {
            let message =
                messages::contact_answered(&check.member_name, &check.to.masked(), &reference);
            let to = origin.reply.clone().or_else(|| reply_of(app, &check));
            let Some(to) = to else {
                return Ok(Reaction::Taken);
            };
            return Ok(Reaction::Then(Next::Tell {
                to,
                message,
                placement: Placement::Add,
            }));
        }
    };
    Ok(at_input(Message {
        title,
        ..Message::default()
    }))
}

fn code_wrong(left: u32) -> String {
    if left == 0 {
        code_over()
    } else {
        format!(
            "{} {}",
            messages::wrong_code(left),
            messages::NOTHING_CHANGED
        )
    }
}

fn code_over() -> String {
    format!(
        "This code no longer works. {} Press the button again for another one.",
        messages::NOTHING_CHANGED
    )
}

/// True where this is the form of a contact's code.
pub(super) fn is_form(kind: FormKind) -> bool {
    kind == FormKind::ContactCode
}

/// Rights and member, past every cache; the error is what is told.
async fn permitted(
    app: &App,
    chat: &Chat,
    check: &ContactCheck,
    reference: &Reference,
) -> Result<(), Message> {
    let named = Named::Email(check.member_email.clone());
    let pair = match identity::pair(app, chat, &check.user, &named, Freshness::Now).await {
        Ok(Asked {
            admin,
            member: Ok((member, member_chat_user)),
        }) => Pair {
            admin,
            member,
            member_chat_user,
        },
        Ok(Asked {
            member: Err(unresolved),
            ..
        }) => return Err(unresolved.told(app, false, reference)),
        Err(unresolved) => return Err(unresolved.told(app, true, reference)),
    };
    if pair.admin.member.id != check.admin_id {
        return Err(messages::unresolved_caller(reference));
    }
    let now = app.clock.now();
    if let Err(denied) = policy::approve(&pair.case(), now) {
        return Err(messages::denied(
            &denied,
            &check.member_name,
            &app.organization,
            &app.zone,
            now,
            reference,
        ));
    }
    // The address may have been given to somebody else meanwhile.
    let is_same = pair.member.member.id == check.member_id;
    if is_same {
        Ok(())
    } else {
        Err(messages::unresolved_member(reference))
    }
}

fn reply_of(app: &App, check: &ContactCheck) -> Option<ReplyAddress> {
    let reply = check
        .reply
        .as_ref()
        .filter(|reply| reply.until > app.clock.now())?;
    let url = app
        .keys
        .open(&reply.sealed, &format!("reply {}", check.check_id))
        .ok()?;
    Some(ReplyAddress::new(url.to_string(), reply.until))
}

/// A code is kept as a keyed digest that is worth nothing for another contact, nor for signing in.
fn digest(app: &App, check_id: ResetId, code: &str) -> String {
    hex::encode(
        app.keys
            .tag(&[b"contact code", &check_id.0, code.as_bytes()]),
    )
}
