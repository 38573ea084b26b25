//! The question before a contact is added. Some platforms prove who sent a command but not what it said; there the change
//! waits for a button that is sent to the proven person alone.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::answer::{self, Attempt};
use super::messages;
use super::not_told;
use super::people::ResetPair;
use super::reaction::{ReactError, Reaction};
use crate::app::App;
use crate::chat::interaction::CONTACT_QUESTION;
use crate::chat::{Adapter, Chat, Message, Origin};
use crate::domain::delivery::{Outcome, Refusal};
use crate::domain::{
    ChatUser, Destination, EmailAddress, Member, Moment, Reference, Span, draw_id,
};
use crate::store::{Noted, ReplayKey};

/// How long the button works.
const LIFETIME: Span = Span::minutes(10);

/// What the button asks to add. Sealed with our key, it is the button's value.
#[derive(Serialize, Deserialize)]
pub(super) struct ContactQuestion {
    /// Tells two questions about the same contact apart.
    id: String,
    platform: String,
    tenant: String,
    user: String,
    admin_id: String,
    member_id: String,
    member_email: String,
    pub(super) address: String,
    until: i64,
}

impl ContactQuestion {
    /// Opens a button's value. None if it is not ours, not theirs, or too old. With the member's e-mail.
    pub(super) fn read(app: &App, origin: &Origin, value: &str) -> Option<(Self, EmailAddress)> {
        let text = app.keys.open(value, CONTACT_QUESTION).ok()?;
        let question: Self = serde_json::from_str(&text).ok()?;
        let user = &origin.user;
        let is_theirs = question.platform == user.platform.as_str()
            && question.tenant == user.tenant
            && question.user == user.user;
        let is_open = origin.received_at < Moment(question.until);
        let email = EmailAddress::stored(&question.member_email).ok()?;
        (is_theirs && is_open).then_some((question, email))
    }

    /// False where the accounts belong to other people than when the question was asked.
    pub(super) fn is_about(&self, admin: &Member, member: &Member) -> bool {
        self.admin_id == admin.id.0 && self.member_id == member.id.0
    }

    /// The idempotency key of the change.
    pub(super) fn replay_key(&self) -> ReplayKey {
        ReplayKey::new(format!(
            "{:010}-question-{}",
            Moment(self.until).unix_seconds(),
            self.id
        ))
    }
}

/// Sends the question; nothing is changed yet. It is sent before the command is answered: if it cannot be sent, only the
/// answer is left to say so.
pub(super) async fn ask(
    app: &Arc<App>,
    chat: &Chat,
    origin: &Origin,
    pair: &ResetPair,
    (to, warnings): (&Destination, Vec<String>),
    reference: &Reference,
) -> Result<Reaction, ReactError> {
    let (admin, member) = (&pair.admin.member, &pair.member.member);
    let value = sealed(app, origin, (admin, member), to)?;
    let mut question = messages::contact_question(member, to, &value, reference);
    let attempt = Attempt {
        admin: Some(admin),
        role: pair.admin.role,
        member: Some(member),
        ..Attempt::new("contact", "asked", reference)
    };
    let audit = attempt.audit(origin);
    let untold = match app.store.note(origin.replay.clone(), audit, None).await? {
        Noted::Replayed => return Ok(Reaction::Replayed),
        Noted::TooMany { untold, .. } | Noted::Done { untold, .. } => untold,
    };
    let Some(reply) = &origin.reply else {
        return Ok(Reaction::Acknowledged);
    };
    question.lines.splice(0..0, warnings);
    let now = origin.received_at;
    answer::add_news(app, &mut question, &untold, attempt.hearer(), now).await;
    let news = question.news.take();
    // Somebody else may have sent the command, so the question goes neither into the answer nor to the command's
    // response address.
    let outcome = chat.follow_up_alone(reply, &question).await;
    if outcome == Outcome::Accepted {
        if let Some(news) = news
            && chat.follow_up_alone(reply, &news).await != Outcome::Accepted
        {
            not_told(app, &news).await;
        }
        return Ok(Reaction::Acknowledged);
    }
    tracing::warn!(?outcome, "a question was not accepted");
    let may_have_arrived = outcome == Outcome::Unknown;
    let ended = if may_have_arrived {
        "perhaps_sent"
    } else {
        "not_sent"
    };
    let audit = Some(attempt.ended(ended).audit(origin));
    if outcome == Outcome::Refused(Refusal::Credentials) {
        // Without private replies everything goes into the answer, the results too.
        if let Err(error) = app.store.untell(&[], &[], audit).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "could not record that a question was not sent"
            );
        }
        let told = messages::contact_not_private(member, reference);
        let told = Message {
            news,
            heard: question.heard,
            ..told
        };
        return Ok(Reaction::Say(told.with_news_below()));
    }
    question.news = news;
    let Message { results, heard, .. } = question.with_news_below();
    app.store.untell(&results, &heard, audit).await?;
    let told = messages::question_not_sent(may_have_arrived, reference);
    Ok(Reaction::Say(told))
}

fn sealed(
    app: &App,
    origin: &Origin,
    (admin, member): (&Member, &Member),
    to: &Destination,
) -> Result<String, ReactError> {
    let mut rng = app.chance.rng()?;
    let ChatUser {
        platform,
        tenant,
        user,
    } = &origin.user;
    let question = ContactQuestion {
        id: draw_id(&mut rng, origin.received_at),
        platform: platform.as_str().to_owned(),
        tenant: tenant.clone(),
        user: user.clone(),
        admin_id: admin.id.0.clone(),
        member_id: member.id.0.clone(),
        member_email: member.business_email.to_string(),
        address: to.full().to_owned(),
        until: (origin.received_at + LIFETIME).0,
    };
    let text = serde_json::to_string(&question).map_err(|error| {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "could not serialize a question"
        );
        crate::secret::NotSealed
    })?;
    Ok(app.keys.seal(&text, CONTACT_QUESTION, &mut rng)?)
}
