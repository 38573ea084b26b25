//! A command that changes something at once, on a platform that proves who asks but not what was asked: the change waits
//! for a button, which is sent to the proven person alone.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::messages;
use super::offer::{audit_line, contact, with_untold};
use super::{Failure, Reaction, beside};
use crate::app::App;
use crate::chat::interaction::{CONTACT_QUESTION, NamedMember as Named};
use crate::chat::{Adapter, Chat, Origin};
use crate::domain::delivery::{Outcome, Refusal};
use crate::domain::{ChatUser, Destination, Member, Moment, Reference, ResetId, Span};
use crate::store::{AuditRow, ReplayKey};

/// How long the button works.
const LIFE: Span = Span::minutes(10);

/// What the button stands for. Sealed by our key, it is the button's value; it works once.
#[derive(Serialize, Deserialize)]
pub(super) struct Question {
    /// Makes two questions two, even about the same contact.
    id: String,
    platform: String,
    tenant: String,
    user: String,
    admin_id: String,
    member_id: String,
    member_email: String,
    address: String,
    until: i64,
}

impl Question {
    fn is_of(&self, user: &ChatUser, now: Moment) -> bool {
        let same_user = self.platform == user.platform.as_str()
            && self.tenant == user.tenant
            && self.user == user.user;
        same_user && now < Moment(self.until)
    }

    /// The accounts may stand for other people than when it was asked.
    pub(super) fn is_about(&self, admin: &Member, member: &Member) -> bool {
        self.admin_id == admin.id.0 && self.member_id == member.id.0
    }

    /// The key of the change, which happens once however often the button is pressed.
    fn once(&self) -> ReplayKey {
        ReplayKey(format!(
            "{:010}-question-{}",
            Moment(self.until).unix_seconds(),
            self.id
        ))
    }
}

/// Sends the button, and changes nothing. What follows is known before the command is answered, because the answer is the only
/// place left where the private message cannot be sent.
pub(super) async fn ask(
    app: &Arc<App>,
    chat: &Chat,
    origin: &Origin,
    (admin, member): (&Member, &Member),
    to: &Destination,
    reference: &Reference,
) -> Result<Reaction, Failure> {
    let mut rng = app.chance.rng()?;
    let ChatUser {
        platform,
        tenant,
        user,
    } = &origin.user;
    let question = Question {
        id: ResetId::draw(&mut rng, origin.received_at).to_string(),
        platform: platform.as_str().to_owned(),
        tenant: tenant.clone(),
        user: user.clone(),
        admin_id: admin.id.0.clone(),
        member_id: member.id.0.clone(),
        member_email: member.business_email.to_string(),
        address: to.full().to_owned(),
        until: (origin.received_at + LIFE).0,
    };
    let text = serde_json::to_string(&question).map_err(|_| crate::secret::NotSealed)?;
    let value = app.keys.seal(&text, CONTACT_QUESTION, &mut rng)?;
    let question = messages::contact_question(member, to, &value, reference);
    let line = audit_line(
        origin,
        "contact",
        "asked",
        (Some(admin), Some(member)),
        reference,
    );
    let noted = app.store.note(origin.replay.clone(), line, None).await?;
    if noted.decided.is_err() {
        return Ok(Reaction::Replayed);
    }
    let with_untold = |message| with_untold(app, message, &noted.untold, origin.received_at);
    let Some(reply) = &origin.reply else {
        return Ok(Reaction::Taken);
    };
    // Neither in the answer to the command nor at its response address, because somebody else may have sent it.
    Ok(
        match chat.follow_up_alone(reply, &with_untold(question)).await {
            Outcome::Accepted => Reaction::Taken,
            // The bot has no private replies, so everything else goes to whoever waits for the answer, too.
            Outcome::Refused(Refusal::Credentials) => Reaction::Say(with_untold(
                messages::contact_not_private(member, reference),
            )),
            outcome @ (Outcome::Refused(_) | Outcome::Unknown) => {
                tracing::warn!(platform = %chat.platform(), ?outcome, "a question was not accepted");
                Reaction::Say(messages::question_not_sent(
                    outcome == Outcome::Unknown,
                    reference,
                ))
            }
        },
    )
}

/// The button was pressed: everything is checked again, and the contact is added.
pub(super) async fn answer(
    app: &Arc<App>,
    chat: &Chat,
    origin: Origin,
    value: &str,
) -> Result<Reaction, Failure> {
    let reference = Reference::draw(&mut app.chance.rng()?);
    let opened = app.keys.open(value, CONTACT_QUESTION).ok();
    let question: Option<Question> = opened.and_then(|text| serde_json::from_str(&text).ok());
    let question = question.filter(|question| question.is_of(&origin.user, origin.received_at));
    let pressed = if question.is_some() {
        "pressed"
    } else {
        "question_over"
    };
    let audit = AuditRow {
        reference: Some(reference.to_string()),
        ..AuditRow::of_chat("contact", pressed, &origin.user, origin.received_at)
    };
    if app
        .store
        .note(origin.replay.clone(), audit, None)
        .await?
        .decided
        .is_err()
    {
        return Ok(Reaction::Replayed);
    }
    let over = || messages::contact_question_over(&reference);
    let Some(question) = question else {
        return Ok(beside(&origin, over()));
    };
    let Ok(email) = question.member_email.parse() else {
        return Ok(beside(&origin, over()));
    };
    let once = Origin {
        replay: question.once(),
        ..origin.clone()
    };
    let named = Named::Email(email);
    let added = contact(
        app,
        chat,
        once,
        (&named, &question.address),
        reference.clone(),
        Some(&question),
    )
    .await?;
    Ok(match added {
        Reaction::Say(message) => beside(&origin, message),
        Reaction::Replayed => beside(&origin, over()),
        sent @ (Reaction::Taken
        | Reaction::Open(..)
        | Reaction::Challenge(_)
        | Reaction::FormError(_)
        | Reaction::Then(_)) => sent,
    })
}
