//! Answers to commands. Each is recorded first. Results that the administrator has not seen yet go beside it.

use std::sync::Arc;

use super::messages;
use super::not_me::{self, Heard, Hearer};
use super::reaction::{Halt, Next, ReactError, Reaction};
use super::unresolved::Unresolved;
use crate::app::App;
use crate::chat::{Adapter, Assurance, Message, Origin, Placement};
use crate::domain::look_up::Tried;
use crate::domain::{LogLine, Member, Moment, Reference, Role};
use crate::store::{AuditRow, Noted, ResetRow};

/// A command that ends without a card, as it is recorded.
#[derive(Clone, Copy)]
pub(super) struct Attempt<'a> {
    pub(super) event: &'static str,
    pub(super) outcome: &'static str,
    pub(super) admin: Option<&'a Member>,
    /// Theirs, as far as it is known.
    pub(super) role: Role,
    pub(super) member: Option<&'a Member>,
    pub(super) reference: &'a Reference,
    /// The reason that was given for the reset.
    pub(super) reason: Option<&'a str>,
    /// How it counts against the administrator's limit of look-ups, if it does.
    pub(super) counts_as: Option<Tried>,
    /// A right, a rule or a limit stands against it, so `log refused` shows it.
    pub(super) is_refused: bool,
}

impl<'a> Attempt<'a> {
    /// An attempt about nobody that counts as nothing.
    pub(super) fn new(
        event: &'static str,
        outcome: &'static str,
        reference: &'a Reference,
    ) -> Self {
        Self {
            event,
            outcome,
            admin: None,
            role: Role::Member,
            member: None,
            reference,
            reason: None,
            counts_as: None,
            is_refused: false,
        }
    }

    /// The same with another outcome.
    pub(super) fn ended(self, outcome: &'static str) -> Self {
        Self { outcome, ..self }
    }

    /// The same, refused for this reason.
    pub(super) fn refused(self, outcome: &'static str) -> Self {
        Self {
            outcome,
            is_refused: true,
            ..self
        }
    }

    /// Its entry in the audit. Names are in it only where they are shown.
    pub(super) fn audit(&self, origin: &Origin) -> AuditRow {
        let line = AuditRow {
            reference: Some(self.reference.to_string()),
            admin_id: self.admin.map(|admin| admin.id.clone()),
            member_id: self.member.map(|member| member.id.clone()),
            reason: self.reason.map(str::to_owned),
            ..AuditRow::of_chat(self.event, self.outcome, &origin.user, origin.received_at)
        };
        if !self.is_refused {
            return line;
        }
        let line = match self.admin {
            Some(admin) => line.by(admin),
            None => line,
        };
        let line = match self.member {
            Some(member) => line.about(member),
            None => line,
        };
        line.in_log(LogLine::Refused)
    }

    /// Who reads the answer, where that is known.
    pub(super) fn hearer(&self) -> Option<Hearer<'a>> {
        self.admin.map(|admin| Hearer {
            id: &admin.id,
            role: self.role,
        })
    }
}

/// Records an attempt and answers it. If it is one look-up too many, the answer says only that.
pub(super) async fn answer(
    app: &Arc<App>,
    origin: &Origin,
    attempt: Attempt<'_>,
    message: Message,
) -> Result<Reaction, ReactError> {
    let noted = app
        .store
        .note(
            origin.replay.clone(),
            attempt.audit(origin),
            attempt.counts_as,
        )
        .await?;
    let (told, untold) = match noted {
        Noted::Replayed => return Ok(Reaction::Replayed),
        Noted::Done { untold, .. } => (message, untold),
        Noted::TooMany { too_many, untold } => {
            let (zone, now) = (&app.zone, origin.received_at);
            let told = messages::too_many_look_ups(too_many, zone, now, attempt.reference);
            (told, untold)
        }
    };
    Ok(with_untold(app, origin, told, &untold, attempt.hearer()).await)
}

/// The same for a command that goes no further.
pub(super) async fn halt(
    app: &Arc<App>,
    origin: &Origin,
    attempt: Attempt<'_>,
    message: Message,
) -> Halt {
    match answer(app, origin, attempt, message).await {
        Ok(reaction) => Halt::Answered(reaction),
        Err(error) => Halt::Failed(error),
    }
}

/// Records and answers a command whose caller or member matches no directory account. A member who was not found counts
/// as a refused look-up, unless chat or directory did not answer.
pub(super) async fn unresolved(
    app: &Arc<App>,
    origin: &Origin,
    unresolved: &Unresolved,
    (reference, reason): (&Reference, Option<&str>),
) -> Halt {
    let why = unresolved.code();
    if unresolved.is_caller() {
        tracing::info!(why, "a caller matches no directory account");
    } else {
        tracing::info!(why, "a named member matches no directory account");
    }
    let attempt = Attempt {
        admin: unresolved.admin(),
        counts_as: unresolved.is_answer().then_some(Tried::RefusedLookUp),
        reason,
        ..Attempt::new("command", why, reference).refused(why)
    };
    let told = unresolved.told(app, &origin.user, reference);
    halt(app, origin, attempt, told).await
}

/// The answer to a command. What members said of resets, and the results of earlier resets, go beside it as far as the
/// administrator has not seen them. Where the platform does not prove who sent the command, all that goes to the
/// administrator alone, not to whoever waits for the answer.
pub(super) async fn with_untold(
    app: &App,
    origin: &Origin,
    mut message: Message,
    untold: &[ResetRow],
    hearer: Option<Hearer<'_>>,
) -> Reaction {
    add_news(app, &mut message, untold, hearer, origin.received_at).await;
    if message.news.is_none() && message.heard.is_empty() {
        return Reaction::Say(message);
    }
    let (Some(chat), Some(to)) = (app.chat(origin.user.platform), &origin.reply) else {
        return Reaction::Say(message);
    };
    match chat.assurance().await {
        Assurance::WholeRequest => Reaction::Say(message),
        Assurance::PrivateReply => Reaction::Work(Next::Tell {
            to: to.clone(),
            message,
            placement: Placement::Add,
        }),
        // Whoever sent the command named the address of what follows, too.
        Assurance::PersonOnly => Reaction::Say(message.with_news_below()),
    }
}

/// P4: adds what the administrator has not heard yet: results that could not be sent as their own message, and what members
/// said. What the message itself says is not said again.
pub(super) async fn add_news(
    app: &App,
    message: &mut Message,
    untold: &[ResetRow],
    hearer: Option<Hearer<'_>>,
    now: Moment,
) {
    let heard = match hearer {
        Some(hearer) => not_me::unheard(app, hearer, now).await,
        None => Heard::default(),
    };
    let untold_lines = untold
        .iter()
        .map(|row| messages::untold(row, &app.zone, now));
    let lines = heard.lines.into_iter().chain(untold_lines);
    let lines: Vec<String> = lines.filter(|line| !message.lines.contains(line)).collect();
    if lines.is_empty() {
        message.heard = heard.ids;
        return;
    }
    message.news = Some(Box::new(Message {
        results: untold.iter().map(|row| row.reset_id).collect(),
        heard: heard.ids,
        ..messages::news(lines)
    }));
}
