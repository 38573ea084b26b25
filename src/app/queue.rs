//! The queue of confirmed resets, and the limit on how many are in progress at once.
//!
//! A burst can confirm thousands of resets within seconds. A reset that waits is half a kilobyte of data; it becomes a
//! task only when a worker is free. `flow/dispatch.rs` runs the queue.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

use crate::chat::ReplyAddress;
use crate::domain::{MemberId, Platform, Quota, ResetId};
use crate::store::Reservation;

/// How many resets are in progress at once. More would slow each other down, and the answers to clicks with them, which
/// have three seconds. Resets also need fewer places for password hashing than sign-ins leave free.
pub(crate) const WORKERS: usize = 24;

/// How many "Working …" notices are sent at once. In a burst most resets end before their notice is due.
const NOTICES: usize = 4;

/// How long a confirmed reset waits for a worker. After that it is refused, and its slot is returned.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(20);

/// After this time a waiting administrator is told "Working …".
pub(crate) const WORKING_AFTER: Duration = Duration::from_secs(1);

/// A confirmed reset in the queue. The record holds the rest.
#[derive(Debug)]
pub struct QueuedReset {
    /// The slot and the recorded intent.
    pub reservation: Reservation,
    /// The chat that tells its result.
    pub platform: Platform,
    /// The administrator's quota after it.
    pub quota: Quota,
    /// Where to send the result.
    pub reply: Option<ReplyAddress>,
    /// When it was confirmed; the timeout and "Working …" count from here.
    pub since: Instant,
    /// What the administrator was told last; locked while a message is being sent.
    pub told: Arc<tokio::sync::Mutex<ProgressTold>>,
    /// The span of the request that confirmed it.
    pub span: tracing::Span,
}

/// What the administrator was told since the confirming click. "Working …" is sent once, and never after the result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProgressTold {
    /// Neither: "Working …" may still be sent.
    #[default]
    Nothing,
    /// "Working …" was sent, or is being sent.
    Working,
    /// The result, or it is being sent.
    Result,
}

/// Every confirmed reset of this process that has not ended: the queue, and what is in progress.
pub struct ResetQueue {
    /// Administrators and members of the resets in progress. A message that shows a password is sent before its end is
    /// recorded, so the administrator's next command can come too early; it waits for this set.
    in_progress: watch::Sender<HashSet<(MemberId, MemberId)>>,
    waiting: Mutex<WaitingResets>,
    workers: Arc<Semaphore>,
    notices: Arc<Semaphore>,
    timeout: Duration,
}

#[derive(Default)]
struct WaitingResets {
    resets: VecDeque<QueuedReset>,
    /// How many at the front were told "Working …", or are about to be.
    notified: usize,
    is_dispatched: bool,
    /// Shutdown: no reset gets a worker any more.
    is_closed: bool,
}

impl WaitingResets {
    fn pop(&mut self) -> Option<QueuedReset> {
        let first = self.resets.pop_front()?;
        self.notified = self.notified.saturating_sub(1);
        Some(first)
    }
}

impl Default for ResetQueue {
    fn default() -> Self {
        Self::with(WORKERS, QUEUE_TIMEOUT)
    }
}

/// Marks a reset as in progress until it is dropped.
pub struct InProgress<'a> {
    queue: &'a ResetQueue,
    pair: (MemberId, MemberId),
}

impl Drop for InProgress<'_> {
    fn drop(&mut self) {
        self.queue.in_progress.send_modify(|pairs| {
            pairs.remove(&self.pair);
        });
    }
}

impl ResetQueue {
    /// A queue with this many workers and this timeout.
    pub fn with(workers: usize, timeout: Duration) -> Self {
        let [workers, notices] = [workers, NOTICES].map(|count| Arc::new(Semaphore::new(count)));
        Self {
            in_progress: watch::Sender::default(),
            waiting: Mutex::default(),
            workers,
            notices,
            timeout,
        }
    }

    /// Marks a reset of this member by this administrator as in progress.
    pub fn begin(&self, admin: &MemberId, member: &MemberId) -> InProgress<'_> {
        let pair = (admin.clone(), member.clone());
        self.in_progress.send_modify(|pairs| {
            pairs.insert(pair.clone());
        });
        InProgress { queue: self, pair }
    }

    /// Waits until no reset of this member by this administrator is in progress, but no longer than `timeout`.
    pub async fn finished(&self, admin: &MemberId, member: &MemberId, timeout: Duration) {
        let mut pairs = self.in_progress.subscribe();
        let pair = (admin.clone(), member.clone());
        let finished =
            tokio::time::timeout(timeout, pairs.wait_for(|pairs| !pairs.contains(&pair))).await;
        if finished.is_err() {
            tracing::debug!(admin.id = %admin, member.id = %member, "a reset is still in progress; the record decides");
        }
    }

    /// Adds a reset at the end. True when no dispatcher is running: then the caller must start one, which runs until
    /// [`ResetQueue::stop_if_empty`] is true.
    #[must_use]
    pub fn push(&self, reset: QueuedReset) -> bool {
        let mut waiting = self.lock();
        waiting.resets.push_back(reset);
        !std::mem::replace(&mut waiting.is_dispatched, true)
    }

    /// Lets the dispatcher stop if the queue is empty. True means that it must stop: the next push starts another.
    #[must_use]
    pub fn stop_if_empty(&self) -> bool {
        let mut waiting = self.lock();
        waiting.is_dispatched = !waiting.resets.is_empty();
        !waiting.is_dispatched
    }

    /// Takes the first reset; none once the queue is closed.
    pub fn pop(&self) -> Option<QueuedReset> {
        let mut waiting = self.lock();
        if waiting.is_closed {
            None
        } else {
            waiting.pop()
        }
    }

    /// Takes out the resets whose timeout is over; all of them once the queue is closed.
    pub fn take_timed_out(&self) -> Vec<QueuedReset> {
        let mut waiting = self.lock();
        let is_closed = waiting.is_closed;
        let is_over = |first: &QueuedReset| is_closed || first.since.elapsed() >= self.timeout;
        let mut out = Vec::new();
        while waiting.resets.front().is_some_and(is_over) {
            out.extend(waiting.pop());
        }
        out
    }

    /// Takes one reset out of the queue, if it is there, because something else has ended it.
    pub fn remove(&self, id: ResetId) -> Option<QueuedReset> {
        let mut waiting = self.lock();
        let at = waiting
            .resets
            .iter()
            .position(|reset| reset.reservation.reset_id() == id)?;
        waiting.notified -= usize::from(at < waiting.notified);
        waiting.resets.remove(at)
    }

    /// Closes the queue for shutdown: resets that wait, and those that are still added, are refused. Resets in progress
    /// continue.
    pub fn close(&self) {
        self.lock().is_closed = true;
    }

    /// True after [`ResetQueue::close`]; it never opens again.
    pub fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// The next waiting administrator who should be told "Working …".
    pub fn next_to_notify(
        &self,
    ) -> Option<(
        Platform,
        ReplyAddress,
        Arc<tokio::sync::Mutex<ProgressTold>>,
        tracing::Span,
    )> {
        let mut waiting = self.lock();
        loop {
            let at = waiting.notified;
            let next = waiting
                .resets
                .get(at)
                .filter(|next| next.since.elapsed() >= WORKING_AFTER)?;
            let found = next.reply.clone().map(|reply| {
                (
                    next.platform,
                    reply,
                    Arc::clone(&next.told),
                    next.span.clone(),
                )
            });
            waiting.notified += 1;
            if found.is_some() {
                return found;
            }
        }
    }

    /// Waits for a free worker.
    pub async fn worker(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.workers).acquire_owned().await.ok()
    }

    /// Waits for a free worker, but no longer than the queue timeout.
    pub async fn worker_in_time(&self) -> Option<OwnedSemaphorePermit> {
        tokio::time::timeout(self.timeout, self.worker())
            .await
            .ok()?
    }

    /// Waits until a "Working …" notice may be sent.
    pub async fn notice(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.notices).acquire_owned().await.ok()
    }

    /// A place for a "Working …" notice, if one is free now.
    pub fn try_notice(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.notices).try_acquire_owned().ok()
    }

    fn lock(&self) -> MutexGuard<'_, WaitingResets> {
        // Each change is one step, so a panic elsewhere leaves the queue consistent.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
