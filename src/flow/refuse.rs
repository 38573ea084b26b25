//! Refusals of clicks and forms. Each is recorded before it is told.

use std::sync::Arc;

use super::reaction::Halt;
use super::{messages, wiped};
use crate::app::App;
use crate::chat::{Message, Origin};
use crate::domain::{LogLine, MemberId, Reference, ResetId};
use crate::store::{AuditRow, CardClick, ClickRefused, ResetRow, SealedReply};

/// A click as the store needs to know it.
pub(super) fn card_click(
    origin: &Origin,
    reset_id: ResetId,
    follow_up: Option<SealedReply>,
) -> CardClick {
    CardClick {
        reset_id,
        replay: origin.replay.clone(),
        clicker: origin.user.clone(),
        follow_up,
    }
}

/// Records a refusal and returns it.
pub(super) async fn refuse(
    app: &Arc<App>,
    origin: &Origin,
    id: ResetId,
    code: &'static str,
    told: Message,
) -> Halt {
    record_refusal(app, origin, id, (code, None), |_| told).await
}

/// The same for a refusal that says something about the member or about a typed address: it counts against the
/// administrator's limit.
pub(super) async fn refuse_and_count(
    app: &Arc<App>,
    origin: &Origin,
    card: &ResetRow,
    code: &'static str,
    told: Message,
) -> Halt {
    let (id, admin) = (card.reset_id, Some(&card.admin_id));
    record_refusal(app, origin, id, (code, admin), |_| told).await
}

/// Records a refusal and returns it. Where the store knows a better reason (not yours, expired, already done), that is
/// told instead.
pub(super) async fn record_refusal(
    app: &Arc<App>,
    origin: &Origin,
    id: ResetId,
    (code, counted): (&'static str, Option<&MemberId>),
    told: impl FnOnce(&ResetRow) -> Message,
) -> Halt {
    let recorded = app
        .store
        .refuse_click(card_click(origin, id, None), code, counted.cloned())
        .await;
    let why = match recorded {
        Ok(row) => {
            log_refused(code);
            let now = origin.received_at;
            return Halt::Refused(messages::after_change(told(&row), &row, &app.zone, now));
        }
        Err(error) => match error.refusal() {
            Ok(ClickRefused::Replayed) => return Halt::Replayed,
            Ok(why) => why,
            Err(error) => return error.into(),
        },
    };
    let row = match app.store.reset(id).await {
        Ok(row) => row,
        Err(error) => return error.into(),
    };
    let why = match row.as_ref().filter(|_| why.is_of_wiped()) {
        Some(row) => match wiped::gone(app, row).await {
            Ok(why) => why,
            Err(error) => return error.into(),
        },
        None => why,
    };
    log_refused(why.code());
    let row = row.filter(|_| !matches!(why, ClickRefused::NotYours { .. }));
    Halt::Refused(refusal_text(
        app,
        origin,
        &why,
        row.as_ref(),
        &id.reference(),
    ))
}

fn log_refused(code: &str) {
    tracing::info!(refused = code, "a click was refused");
}

/// Records a button value that we did not make. It is told as an unknown card.
pub(super) async fn forged(app: &Arc<App>, origin: &Origin) -> Halt {
    let audit = AuditRow::of_chat("click", "forged_value", &origin.user, origin.received_at)
        .in_log(LogLine::Refused);
    match app.store.note_refusal(origin.replay.clone(), audit).await {
        Ok(false) => return Halt::Replayed,
        Ok(true) => {}
        Err(error) => return error.into(),
    }
    match app.chance.rng() {
        Ok(mut rng) => {
            let reference = Reference::draw(&mut rng);
            let why = ClickRefused::NoSuchCard;
            Halt::Refused(refusal_text(app, origin, &why, None, &reference))
        }
        Err(error) => error.into(),
    }
}

/// What the administrator is told about a click that the store refused.
pub(super) fn refusal_text(
    app: &App,
    origin: &Origin,
    why: &ClickRefused,
    row: Option<&ResetRow>,
    reference: &Reference,
) -> Message {
    messages::click_refused(
        why,
        row,
        &app.organization,
        &app.zone,
        origin.received_at,
        reference,
    )
}
