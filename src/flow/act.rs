//! The act: prepare, change, sign out, deliver. The intent of each effect is recorded before it, its outcome after it.
//!
//! [`run`] is the sequence. Around it: a queued reset that gets a worker, one that times out in the queue, and an
//! undelivered password that is delivered another way.

mod change;
mod channels;
mod checks;
mod deliver;
mod redeliver;
mod reporter;
mod stop;

use std::sync::Arc;

use tokio::time::Instant;

use self::deliver::SetPassword;
use self::reporter::Reporter;
pub(super) use self::reporter::say_working;
use self::stop::{Obstacle, StopReason};
use super::reaction::Redelivery;
use super::{looks, messages, steps};
use crate::app::{App, ProgressTold, QueuedReset, WORKING_AFTER};
use crate::chat::Chat;
use crate::domain::{Member, Password, Platform, Quota, State, Step, StepOutcome};
use crate::store::{BeginRefused, MoveRefused, Reservation, ResetRow, StepRow, StoreError};

/// Takes a queued reset to its named end.
pub(super) async fn run_queued(app: &Arc<App>, chat: &Chat, queued: QueuedReset) {
    let id = queued.reservation.reset_id();
    let reporter = Reporter::of(chat, &queued);
    let QueuedReset {
        reservation,
        quota,
        since,
        ..
    } = queued;
    let _in_progress = app.queue.begin(reservation.admin(), reservation.member());
    let act = async {
        // The record decides what is done.
        match app.store.reset(id).await {
            Ok(Some(row)) if row.state == State::Claimed => {
                Box::pin(run(app, &reporter, reservation, row, quota)).await
            }
            // Recovery has ended it, and told that.
            Ok(Some(_)) => Err(MoveRefused::Fenced),
            Ok(None) | Err(_) => {
                let reason = StopReason::store_down(id);
                // Boxed, because it is rare and large.
                Box::pin(stop::refuse_and_tell(app, &reporter, &reservation, reason)).await
            }
        }
    };
    to_the_end(app, &reporter, since, act).await;
}

/// Delivers an undelivered password another way, to its named end.
pub(super) async fn run_redelivery(app: &Arc<App>, chat: &Chat, redelivery: Redelivery) {
    let Redelivery {
        held,
        row,
        member,
        reply,
    } = redelivery;
    let reporter = Reporter::new(chat, reply);
    let _in_progress = app.queue.begin(&row.admin_id, &row.member_id);
    let since = Instant::now();
    let act = async {
        // The password is set already, so after the queue timeout it is delivered without a worker.
        let _worker = app.queue.worker_in_time().await;
        Box::pin(redeliver::redeliver(app, &reporter, held, row, member)).await
    };
    to_the_end(app, &reporter, since, act).await;
}

/// A confirmed reset that got no worker in time. The record says that it was refused; the administrator is not told yet.
pub(super) struct TimedOut {
    queued: QueuedReset,
    reason: StopReason,
}

impl TimedOut {
    pub(super) fn platform(&self) -> Platform {
        self.queued.platform
    }

    /// The span of the request that confirmed it.
    pub(super) fn span(&self) -> tracing::Span {
        self.queued.span.clone()
    }
}

/// Refuses a reset that got no worker in time: nothing was changed, and the slot is returned. None if that could not be
/// recorded; then recovery ends it.
pub(super) async fn refuse_timed_out(app: &App, queued: QueuedReset) -> Option<TimedOut> {
    let id = queued.reservation.reset_id();
    let reason = if app.queue.is_closed() {
        StopReason::new("stopping", messages::stopping(&id.reference()))
    } else {
        StopReason::new("overloaded", messages::overloaded(&id.reference()))
    };
    // From here on no "Working …" may be sent.
    *queued.told.lock().await = ProgressTold::Result;
    match stop::end_refused(app, &queued.reservation, &reason).await {
        Ok(()) => Some(TimedOut { queued, reason }),
        Err(error) => {
            log_halted(Err(error));
            None
        }
    }
}

/// Tells the administrator that the reset got no worker in time.
pub(super) async fn tell_timed_out(app: &App, chat: &Chat, timed_out: TimedOut) {
    let TimedOut { queued, reason } = timed_out;
    let reservation = &queued.reservation;
    let _in_progress = app.queue.begin(reservation.admin(), reservation.member());
    let reporter = Reporter::of(chat, &queued);
    log_halted(stop::tell_refused(app, &reporter, reservation, &reason).await);
}

/// Runs a reset, and sends "Working …" if it takes long.
async fn to_the_end(
    app: &App,
    reporter: &Reporter<'_>,
    since: Instant,
    act: impl Future<Output = Result<(), MoveRefused>>,
) {
    let act = async {
        log_halted(act.await);
        reporter.close().await;
    };
    // A reset that waited long already had its "Working …" in the queue, so the delay starts anew.
    let since = if since.elapsed() < WORKING_AFTER {
        since
    } else {
        Instant::now()
    };
    let working = async {
        tokio::time::sleep_until(since + WORKING_AFTER).await;
        if reporter.has_told_nothing().await {
            let _notice = app.queue.notice().await;
            reporter.say_working().await;
        }
    };
    let mut act = std::pin::pin!(act);
    tokio::select! {
        () = &mut act => {}
        // Boxed, because most resets never send it.
        () = Box::pin(working) => act.await,
    }
}

/// Logs a reset that could not go on. The secret was dropped; recovery and the next command go by the record.
fn log_halted(ended: Result<(), MoveRefused>) {
    match ended {
        Ok(()) => {}
        // Recovery has logged it as left behind, and tells its end.
        Err(MoveRefused::Fenced) => {
            tracing::info!("a reset was ended by recovery; its worker stops");
        }
        Err(error @ MoveRefused::Store(_)) => tracing::error!(
            error = &error as &dyn std::error::Error,
            "a reset stopped half-way: its state could not be recorded"
        ),
    }
}

/// The sequence of a confirmed reset.
#[tracing::instrument(name = "act", level = "debug", skip_all)]
async fn run(
    app: &Arc<App>,
    reporter: &Reporter<'_>,
    reservation: Reservation,
    row: ResetRow,
    quota: Quota,
) -> Result<(), MoveRefused> {
    let checks::ReadyReset {
        plan,
        channels,
        member,
    } = match checks::make_ready(app, reporter, &row).await {
        Ok(ready) => ready,
        Err(Obstacle::Refused(reason)) => {
            return stop::refuse_and_tell(app, reporter, &reservation, reason).await;
        }
        Err(Obstacle::NotReady(not_ready)) => {
            return stop::offer_another_way(app, reporter, &reservation, &row, not_ready).await;
        }
    };
    let mut rng = match app.chance.rng() {
        Ok(rng) => rng,
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the operating system gave no random bytes; the reset was refused"
            );
            let told = messages::store_down(&row.reset_id.reference());
            let reason = StopReason::new("no_entropy", told);
            return stop::refuse_and_tell(app, reporter, &reservation, reason).await;
        }
    };
    if let Err(refused) = app.store.begin_change(&reservation).await {
        drop(channels);
        return not_begun(app, reporter, &reservation, &row, refused).await;
    }
    app.held.forget(&row.member_id);
    // Made only now, so that no password exists that is not needed.
    let makeup = steps::makeup(app, &member.id);
    let password = Password::made_up(&mut rng, &makeup);
    if !change::change(app, reporter, &reservation, &password, (&row, &member)).await? {
        return Ok(());
    }
    let (row, steps) = sign_out(app, &reservation, &member, &password).await?;
    let set = SetPassword {
        reservation,
        password,
        channels,
        plan,
        row,
        member: &member,
        steps: Some(steps),
        quota: Some(quota),
        held_until: None,
    };
    Box::pin(deliver::deliver(app, reporter, set)).await
}

/// Forces the change where that is an operation of its own, reads back what the directory made of it and when it set the
/// password, signs the member out, and records that the delivery begins. Returns the reset, and its steps so far.
async fn sign_out(
    app: &App,
    reservation: &Reservation,
    member: &Member,
    password: &Password,
) -> Result<(ResetRow, Vec<StepRow>), MoveRefused> {
    let forced = steps::force_change(app, member).await;
    // Boxed, because each holds several calls.
    let (read_back, signed_out, ()) = tokio::join!(
        Box::pin(steps::read_back(app, member, password)),
        Box::pin(steps::sign_out(app, member)),
        Box::pin(looks::begin(app, reservation.reset_id(), member))
    );
    let mut done = vec![forced.or_else(read_back)];
    done.extend(signed_out);
    let row = app
        .store
        .advance(reservation, State::Delivering, None, done.clone())
        .await?;
    let change = [steps::changed(member)];
    let notice = [steps::note(Step::Notice, StepOutcome::Pending)];
    let noted = change.iter().chain(&done).chain(&notice);
    let now = app.clock.now();
    let steps = noted.map(|note| note.row(row.reset_id, now)).collect();
    Ok((row, steps))
}

/// The move to `changing` was not made.
async fn not_begun(
    app: &App,
    reporter: &Reporter<'_>,
    reservation: &Reservation,
    row: &ResetRow,
    refused: BeginRefused,
) -> Result<(), MoveRefused> {
    match refused {
        BeginRefused::Disowned => {
            let reason = StopReason::disowned(app, row);
            stop::tell_refused(app, reporter, reservation, &reason).await
        }
        // Certainly not recorded, so nothing was begun. The refusal waits until the record answers.
        BeginRefused::Move(MoveRefused::Store(StoreError::NotBegun | StoreError::Overloaded)) => {
            let reason = StopReason::store_down(row.reset_id);
            stop::refuse_and_tell(app, reporter, reservation, reason).await
        }
        BeginRefused::Move(
            refused @ (MoveRefused::Store(StoreError::Unavailable) | MoveRefused::Fenced),
        ) => Err(refused),
    }
}
