//! A claimed reset that stops before the change: it is refused, its slot is returned, and the administrator is told that
//! nothing was changed.

use super::reporter::Reporter;
use crate::app::App;
use crate::chat::{Adapter, Message};
use crate::delivery::NotReady;
use crate::domain::delivery::Refusal;
use crate::domain::{Denied, Destination, Member, ResetId, Step};
use crate::flow::ending::member_of;
use crate::flow::reply::seal_with;
use crate::flow::{card, messages};
use crate::store::{ClickRefused, MoveRefused, Reservation, ResetRow, Successor};

/// Why a reset does not go on.
pub(super) enum Obstacle {
    /// A rule, the settings or the record forbids it.
    Refused(StopReason),
    /// A channel is not ready.
    NotReady(NotReady),
}

impl From<StopReason> for Obstacle {
    fn from(reason: StopReason) -> Self {
        Self::Refused(reason)
    }
}

/// Why a reset may not go on: a short word for the record, and what the administrator is told.
pub(super) struct StopReason {
    pub(super) code: &'static str,
    pub(super) told: Box<Message>,
}

impl StopReason {
    pub(super) fn new(code: &'static str, told: Message) -> Self {
        Self {
            code,
            told: Box::new(told),
        }
    }

    pub(super) fn store_down(id: ResetId) -> Self {
        Self::new("store_down", messages::store_down(&id.reference()))
    }

    /// The member disowned an earlier reset of the same administrator.
    pub(super) fn disowned(app: &App, row: &ResetRow) -> Self {
        let told = messages::denied(
            &Denied::Disowned,
            &row.member_name,
            &app.organization,
            &app.zone,
            app.clock.now(),
            &row.reset_id.reference(),
        );
        Self::new("disowned", told)
    }

    /// The record holds no plan that can be carried out.
    pub(super) fn nothing_chosen(app: &App, row: &ResetRow, code: &'static str) -> Self {
        let told = messages::click_refused(
            &ClickRefused::NothingChosen,
            Some(row),
            &app.organization,
            &app.zone,
            app.clock.now(),
            &row.reset_id.reference(),
        );
        Self::new(code, told)
    }
}

/// Refuses a claimed reset and tells the administrator.
pub(super) async fn refuse_and_tell(
    app: &App,
    reporter: &Reporter<'_>,
    reservation: &Reservation,
    reason: StopReason,
) -> Result<(), MoveRefused> {
    end_refused(app, reservation, &reason).await?;
    tell_refused(app, reporter, reservation, &reason).await
}

/// Claimed → refused. The slot is returned.
pub(super) async fn end_refused(
    app: &App,
    reservation: &Reservation,
    reason: &StopReason,
) -> Result<(), MoveRefused> {
    app.store
        .refuse(reservation, reason.code, Vec::new())
        .await?;
    tracing::info!(
        refused = reason.code,
        "a claimed reset was refused; its slot was returned"
    );
    Ok(())
}

/// Tells the administrator that nothing was changed and no slot was used.
pub(super) async fn tell_refused(
    app: &App,
    reporter: &Reporter<'_>,
    reservation: &Reservation,
    reason: &StopReason,
) -> Result<(), MoveRefused> {
    let told = messages::with_slot_back(reason.told.as_ref().clone());
    reporter
        .tell_refused(app, reservation.reset_id(), &told)
        .await
}

/// A channel was not ready: refuses the reset, and offers the other ways in the same message, which is a new card.
pub(super) async fn offer_another_way(
    app: &App,
    reporter: &Reporter<'_>,
    reservation: &Reservation,
    row: &ResetRow,
    not_ready: NotReady,
) -> Result<(), MoveRefused> {
    let NotReady { channel, step, why } = not_ready;
    let member = member_of(app, row).await;
    let successor = successor(app, reporter);
    let value = successor
        .as_ref()
        .map(|successor| app.keys.button_value(successor.reset_id));
    let taking_over = successor.as_ref().map(|successor| successor.reset_id);
    count_typed_refusal(app, row, step, &why).await;
    app.store
        .refuse_for_another(reservation, why.code(), successor)
        .await?;
    tracing::warn!(step = %step, why = why.code(), "a channel was not ready; nothing was changed");
    let reference = row.reset_id.reference();
    // Without the member there are no buttons to offer. The next command shows them again.
    let offered = member.as_ref().zip(value.as_deref());
    let is_private = reporter.chat.assurance().await.is_private();
    let channels = (&app.deliveries, is_private);
    let is_copy = step == Step::CopyToSelf;
    let to = if is_copy {
        &row.copy_to_self
    } else {
        &row.destination
    };
    let to = to.as_deref().and_then(|to| channel.stored(to));
    let mask = to.as_ref().map(Destination::masked);
    let on_record = member
        .as_ref()
        .and_then(|member| channel.on_record(member))
        .filter(|_| !is_copy);
    let capabilities = app.directories.describe(&row.member_id).capabilities;
    let at = messages::NotReadyAt {
        step,
        channel,
        to: mask.as_deref(),
        is_on_record: to.is_some() && on_record == to,
        has_codes: capabilities.has_our_pages,
    };
    let mut told = messages::channel_not_ready(at, &why, offered, channels, &reference);
    if let Some((member, id)) = member.as_ref().zip(taking_over)
        && let Some(card) = Box::pin(card_of(app, id, member, is_private)).await
    {
        told.warnings = card.warnings;
        // The text already has a reference, that of the reset that was stopped.
        let print = card.small_print.into_iter();
        told.small_print = print.filter(|part| !part.starts_with("ref ")).collect();
    }
    reporter
        .tell_refused(app, row.reset_id, &told.unmarked_if_it_warns())
        .await
}

/// The card that takes over as a message of its own: what has to be known before its buttons are pressed is told with them.
/// None where it cannot be read.
async fn card_of(app: &App, id: ResetId, member: &Member, is_private: bool) -> Option<Message> {
    let present = app.store.present_card(id).await.ok()??;
    let about = card::about_contacts(app, &present.row, member).await.ok()?;
    let own_link = card::own_link(app, &member.id).await.ok()?;
    let known = (&about, own_link.as_ref());
    let drawn = card::ways(app, member, &present, is_private, known, app.clock.now());
    card::with_code_warning(app, member, drawn).await.ok()
}

/// The card that takes over. Without randomness there is none.
fn successor(app: &App, reporter: &Reporter<'_>) -> Option<Successor> {
    let mut rng = app.chance.rng().ok()?;
    let reset_id = ResetId::draw(&mut rng, app.clock.now());
    // A sealed address opens for its own reset only, so it is sealed anew.
    let reply = seal_with(app, reset_id, reporter.reply.as_ref(), &mut rng)
        .ok()
        .flatten();
    Some(Successor {
        reset_id,
        reply,
        lifetime: app.organization.offer_lifetime,
    })
}

/// Counts a typed address that the mail server refused as unknown: the answer tells the administrator something.
pub(super) async fn count_typed_refusal(app: &App, row: &ResetRow, step: Step, why: &Refusal) {
    let is_typed = if step == Step::CopyToSelf {
        row.copy_to_self.is_some() && row.copy_to_self == row.copy_address
    } else {
        row.is_typed
    };
    // A server that does not know an address can say so by a rule of its own.
    if is_typed
        && matches!(why, Refusal::Address | Refusal::SetUp)
        && let Err(error) = app.store.count_refused_address(row).await
    {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "could not count a refused address"
        );
    }
}
