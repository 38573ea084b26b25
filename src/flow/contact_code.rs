//! Checks that an added contact works: a button sends a code to it, and a form takes the code that the member reads out.

use std::sync::Arc;

use tracing::Instrument;

use super::reaction::{Halt, Next, ReactError, Reaction};
use super::reply::{at_input, beside, seal, tell_unless_last};
use super::unresolved::unknown_caller;
use super::{identity, messages, reply};
use crate::app::App;
use crate::chat::interaction::NamedMember;
use crate::chat::{
    Chat, Click, FormSubmitted, Freshness, Message, Origin, Placement, ReplyAddress,
};
use crate::domain::delivery::Outcome;
use crate::domain::sign_in::{CodeDenied, draw_code};
use crate::domain::{CheckId, Destination, LogLine, Member, Reference, ResetId, policy};
use crate::store::{
    AuditRow, ClickRefused, ContactAnswer, ContactCheck, ContactCodeNotSent, ContactCodeSent,
};

/// Prepares the check of a contact that was just added. Returns the value of the button that sends the code.
pub(super) async fn offer(
    app: &App,
    origin: &Origin,
    (admin, member): (&Member, &Member),
    to: &Destination,
) -> Result<String, ReactError> {
    let now = app.clock.now();
    let check_id = CheckId(ResetId::draw(&mut app.chance.rng()?, now));
    let check = ContactCheck {
        check_id,
        member_id: member.id.clone(),
        member_name: member.name.clone(),
        member_email: member.business_email.clone(),
        to: to.clone(),
        admin_id: admin.id.clone(),
        user: origin.user.clone(),
        expires_at: now + app.organization.offer_lifetime,
        reply: seal(app, check_id.0, origin.reply.as_ref())?,
    };
    app.store.offer_contact_check(&check).await?;
    Ok(app.keys.button_value(check_id.0))
}

/// The check behind a button's value, if it is theirs and still open. A refusal is recorded.
async fn open_check(app: &App, origin: &Origin, value: &str) -> Result<ContactCheck, Halt> {
    let id = app.keys.read_button_value(value).map(|(id, _)| CheckId(id));
    let found = match id {
        Some(id) => app.store.contact_check(id).await?,
        None => None,
    };
    let refused = match found {
        Some(check) if check.user == origin.user && check.expires_at > origin.received_at => {
            return Ok(check);
        }
        Some(check) if check.user == origin.user => ClickRefused::Expired,
        Some(_) | None => ClickRefused::NoSuchCard,
    };
    if !record_refusal(app, origin, refused.code()).await? {
        return Err(Halt::Replayed);
    }
    let reference = id.map_or_else(|| ResetId([0; 16]).reference(), CheckId::reference);
    Err(Halt::Refused(messages::click_refused(
        &refused,
        None,
        &app.organization,
        &app.zone,
        origin.received_at,
        &reference,
    )))
}

/// Records a refusal. False for a replay.
async fn record_refusal(app: &App, origin: &Origin, outcome: &str) -> Result<bool, ReactError> {
    let audit = AuditRow::of_chat("contact_code", outcome, &origin.user, origin.received_at)
        .in_log(LogLine::Refused);
    let replay = origin.replay.clone();
    Ok(app.store.note_refusal(replay, audit).await?)
}

/// Answers the button: the form opens at once, and the code is sent meanwhile.
pub(super) async fn click(app: &Arc<App>, click: Click) -> Result<Reaction, Halt> {
    let Click {
        origin,
        trigger,
        value,
        ..
    } = click;
    let check = open_check(app, &origin, &value).await?;
    let code = draw_code(&mut app.chance.rng()?);
    let digest = digest(app, check.check_id, &code);
    let (name, mask, reference) = (
        &check.member_name,
        check.to.masked(),
        check.check_id.reference(),
    );
    match app
        .store
        .send_contact_code(&check, &origin.replay, &digest)
        .await?
    {
        ContactCodeSent::Yes => {}
        ContactCodeSent::Replayed => return Ok(Reaction::Replayed),
        ContactCodeSent::Denied(CodeDenied::Wait(until) | CodeDenied::TooMany(until)) => {
            let wait = until - origin.received_at;
            let told = messages::contact_code_too_soon(name, wait, &reference);
            return Ok(beside(&origin, told));
        }
        ContactCodeSent::Gone => {
            let told = messages::contact_gone(name, &mask, &reference);
            return Ok(beside(&origin, told));
        }
        ContactCodeSent::Denied(CodeDenied::NoSession) => return Ok(Reaction::Acknowledged),
    }
    let form = messages::contact_code_form(name, &mask, value);
    let to = origin.reply.clone().or_else(|| reply_of(app, &check));
    let (worker, not_sent_to) = (Arc::clone(app), to.clone());
    let sent = async move { send_code(&worker, &check, &code, &digest, not_sent_to).await };
    app.tasks.spawn(sent.in_current_span());
    Ok(Reaction::Work(Next::Open {
        trigger,
        form,
        to,
        about: None,
    }))
}

/// Sends the code, if the administrator still has the right. This runs beside the form, whose permission to open lives
/// for seconds only. The rights are read again when the code is typed.
async fn send_code(
    app: &App,
    check: &ContactCheck,
    code: &str,
    digest: &str,
    to: Option<ReplyAddress>,
) {
    let Some(chat) = app.chat(check.user.platform) else {
        return;
    };
    let reference = check.check_id.reference();
    if let Err(refused) = check_rights(app, chat, check, &reference).await {
        if refused.is_final {
            tracing::info!(member.id = %check.member_id, "no code was sent to a contact: the administrator lost the right");
        } else {
            tracing::warn!(member.id = %check.member_id, "no code was sent to a contact: the right could not be read");
        }
        return take_back(app, check, digest, ContactCodeNotSent::NotAllowed).await;
    }
    let note = messages::contact_code(&app.organization.name, code);
    let tag = app.keys.tag(&[b"code name", digest.as_bytes()]);
    let name = format!("contact-code-{}", hex::encode(tag));
    if let Outcome::Refused(why) = app.deliveries.tell(&check.to, &note, &name).await {
        tracing::info!(member.id = %check.member_id, why = why.code(), "a contact's code was refused");
        take_back(app, check, digest, ContactCodeNotSent::Refused).await;
        let told = messages::contact_code_not_sent(
            &check.member_name,
            &check.to.masked(),
            (&why, check.to.channel()),
            &reference,
        );
        tell_unless_last(chat, to.as_ref(), &told, Placement::Add).await;
    }
}

async fn take_back(app: &App, check: &ContactCheck, digest: &str, why: ContactCodeNotSent) {
    let taken_back = app.store.take_back_contact_code(check, digest, why);
    if let Err(error) = taken_back.await {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "could not take back a contact's code that was not sent"
        );
    }
}

/// Compares the code that the administrator typed. Rights and member are read again first.
pub(super) async fn submitted(
    app: &Arc<App>,
    chat: &Chat,
    form: FormSubmitted,
) -> Result<Reaction, Halt> {
    let FormSubmitted {
        origin,
        value,
        typed,
        ..
    } = form;
    let check = open_check(app, &origin, &value).await?;
    let reference = check.check_id.reference();
    if let Err(NotAllowed { told, is_final }) = check_rights(app, chat, &check, &reference).await {
        // What may hold a moment later uses nothing up: the same code can be submitted again.
        if !is_final {
            return Err(Halt::Refused(told));
        }
        let is_new = record_refusal(app, &origin, "not_permitted").await?;
        return Err(if is_new {
            Halt::Refused(told)
        } else {
            Halt::Replayed
        });
    }
    let code: String = typed.chars().filter(char::is_ascii_digit).collect();
    let digest = digest(app, check.check_id, &code);
    let (name, mask) = (&check.member_name, check.to.masked());
    let answered = app
        .store
        .answer_contact_check(&check, &origin.replay, &digest)
        .await?;
    match answered {
        ContactAnswer::Right => {
            let message = messages::contact_answered(name, &mask, &reference);
            let to = origin.reply.clone().or_else(|| reply_of(app, &check));
            Ok(to.map_or(Reaction::Acknowledged, |to| {
                Reaction::Work(Next::Tell {
                    to,
                    message,
                    placement: Placement::Add,
                })
            }))
        }
        ContactAnswer::Wrong(left) => Ok(code_refused(messages::contact_code_wrong(left))),
        ContactAnswer::Replayed => Ok(Reaction::Replayed),
        ContactAnswer::Gone => Ok(at_input(messages::contact_gone(name, &mask, &reference))),
        ContactAnswer::Over => Ok(code_refused(messages::contact_code_over())),
    }
}

fn code_refused(title: String) -> Reaction {
    at_input(Message {
        title,
        ..Message::default()
    })
}

/// Why a code is neither sent nor taken.
struct NotAllowed {
    told: Message,
    /// False where chat, directory or record did not answer, so that the same may be allowed a moment later.
    is_final: bool,
}

impl NotAllowed {
    fn by_rule(told: Message) -> Self {
        Self {
            told,
            is_final: true,
        }
    }
}

/// Reads rights and member past every cache.
async fn check_rights(
    app: &App,
    chat: &Chat,
    check: &ContactCheck,
    reference: &Reference,
) -> Result<(), NotAllowed> {
    let named = NamedMember::Email(check.member_email.clone());
    let (fresh, limits) = (Freshness::Now, identity::LookUpLimits::Skip);
    let pair = identity::pair(app, chat, &check.user, &named, fresh, limits)
        .await
        .map_err(|unresolved| NotAllowed {
            told: unresolved.told(app, &check.user, reference),
            is_final: !unresolved.is_temporary(),
        })?;
    if pair.admin.member.id != check.admin_id {
        let told = unknown_caller(app, &check.user, reference);
        return Err(NotAllowed::by_rule(told));
    }
    let now = app.clock.now();
    if let Err(denied) = policy::approve(&pair.case()) {
        return Err(NotAllowed::by_rule(messages::denied(
            &denied,
            &check.member_name,
            &app.organization,
            &app.zone,
            now,
            reference,
        )));
    }
    // The address may have been given to somebody else meanwhile.
    if pair.member.member.id == check.member_id {
        Ok(())
    } else {
        let told = messages::unresolved_member(reference);
        Err(NotAllowed::by_rule(told))
    }
}

fn reply_of(app: &App, check: &ContactCheck) -> Option<ReplyAddress> {
    reply::open(app, check.check_id.0, check.reply.as_ref()?)
}

/// A code is stored as a keyed digest, which is worth nothing for another contact or for signing in.
fn digest(app: &App, CheckId(id): CheckId, code: &str) -> String {
    hex::encode(app.keys.tag(&[b"contact code", &id.0, code.as_bytes()]))
}
