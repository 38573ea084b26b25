//! Who is resetting whom in this process, how many at once, and the line of those who wait for their turn.
//!
//! A burst can confirm thousands of resets within seconds. Whoever waits is data, half a kilobyte each, and becomes a
//! task with everything that it needs only when a hand is free.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

use crate::chat::ReplyAddress;
use crate::domain::{MemberId, Platform, Quota, ResetId};
use crate::store::Reservation;

/// How many resets are at work at once. More would only slow each other, and what counts in seconds: the answers to
/// clicks. Of the places for passwords to be hashed, sign-ins leave more than these need.
pub const HANDS: usize = 24;

/// How many administrators are told at once that theirs is still at work. In a burst most are done before it is their
/// turn to hear that.
const VOICES: usize = 4;

/// How long a confirmed reset waits for its turn; after that it is refused and its slot comes back.
const TURN_PATIENCE: Duration = Duration::from_secs(20);

/// When somebody who waits hears "Working …".
pub const WORKING_AFTER: Duration = Duration::from_secs(1);

/// A confirmed reset and all that is kept of it while it waits; the rest is on disk.
#[derive(Debug)]
pub struct Ticket {
    /// The slot and the intent.
    pub reservation: Reservation,
    /// Where it was asked for.
    pub platform: Platform,
    /// Where the administrator stands after it.
    pub quota: Quota,
    /// Where to tell the end.
    pub reply: Option<ReplyAddress>,
    /// When it was confirmed.
    pub since: Instant,
    /// What was said about it; held while something is being said.
    pub heard: Arc<tokio::sync::Mutex<Heard>>,
}

/// What an administrator has heard of a reset since they confirmed it: "Working …" comes once, and never after the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Heard {
    /// Nothing yet.
    #[default]
    Nothing,
    /// "Working …".
    Working,
    /// How it ended, or it is on its way.
    End,
}

/// Everything that is confirmed and not at its end in this process: who works on whom, who waits in the line, and the
/// hands and voices that are free.
pub struct AtWork {
    /// A message that shows a password goes out before its end is on disk, so an administrator who has read it may run
    /// the next command a moment too early; that command waits for the moment.
    pairs: watch::Sender<HashSet<(MemberId, MemberId)>>,
    line: Mutex<Line>,
    hands: Arc<Semaphore>,
    voices: Arc<Semaphore>,
    patience: Duration,
}

#[derive(Default)]
struct Line {
    waiting: VecDeque<Ticket>,
    /// How many of the first have heard "Working …", or are about to.
    heard: usize,
    /// Somebody hands out turns.
    is_kept: bool,
    /// No turn is handed out any more: the program is about to end.
    is_closed: bool,
}

impl Line {
    fn take_first(&mut self) -> Option<Ticket> {
        let first = self.waiting.pop_front()?;
        self.heard = self.heard.saturating_sub(1);
        Some(first)
    }
}

impl Default for AtWork {
    fn default() -> Self {
        Self::with(HANDS, TURN_PATIENCE)
    }
}

/// One reset at work, until it is dropped.
pub struct WorkMark<'a> {
    all: &'a AtWork,
    pair: (MemberId, MemberId),
}

impl AtWork {
    /// So many at once, each waiting so long for its turn.
    pub fn with(hands: usize, patience: Duration) -> Self {
        let [hands, voices] = [hands, VOICES].map(|count| Arc::new(Semaphore::new(count)));
        Self {
            pairs: watch::Sender::default(),
            line: Mutex::default(),
            hands,
            voices,
            patience,
        }
    }

    /// Marks an administrator and a member until the mark is dropped.
    pub fn begin(&self, admin: &MemberId, member: &MemberId) -> WorkMark<'_> {
        let pair = (admin.clone(), member.clone());
        self.pairs.send_modify(|all| {
            all.insert(pair.clone());
        });
        WorkMark { all: self, pair }
    }

    /// Waits until this administrator is not at work on this member, at most for `patience`.
    pub async fn finished(&self, admin: &MemberId, member: &MemberId, patience: Duration) {
        let mut all = self.pairs.subscribe();
        let pair = (admin.clone(), member.clone());
        let finished =
            tokio::time::timeout(patience, all.wait_for(|all| !all.contains(&pair))).await;
        if finished.is_err() {
            tracing::debug!(admin.id = %admin, member.id = %member, "still at work; the record decides");
        }
    }

    /// Puts a ticket at the end of the line. True when nobody hands out turns: then the caller must, until
    /// [`AtWork::resigns`] is true.
    #[must_use]
    pub fn join(&self, ticket: Ticket) -> bool {
        let mut line = self.line();
        line.waiting.push_back(ticket);
        !std::mem::replace(&mut line.is_kept, true)
    }

    /// Whoever hands out turns asks this after each: true when nobody waits any more, and then they hand out no more.
    #[must_use]
    pub fn resigns(&self) -> bool {
        let mut line = self.line();
        line.is_kept = !line.waiting.is_empty();
        !line.is_kept
    }

    /// The first of the line, while turns are handed out.
    pub fn next(&self) -> Option<Ticket> {
        let mut line = self.line();
        if line.is_closed {
            None
        } else {
            line.take_first()
        }
    }

    /// Takes those out who have waited for too long; all of them once the line is closed.
    pub fn out_of_patience(&self) -> Vec<Ticket> {
        let mut line = self.line();
        let mut out = Vec::new();
        let is_closed = line.is_closed;
        while line
            .waiting
            .front()
            .is_some_and(|first| is_closed || first.since.elapsed() >= self.patience)
        {
            out.extend(line.take_first());
        }
        out
    }

    /// The ticket of a reset leaves the line, if it is there: somebody else has named its end.
    pub fn leave(&self, id: ResetId) -> Option<Ticket> {
        let mut line = self.line();
        let at = line
            .waiting
            .iter()
            .position(|ticket| ticket.reservation.reset_id() == id)?;
        line.heard -= usize::from(at < line.heard);
        line.waiting.remove(at)
    }

    /// From now on nobody gets a turn: those who wait, and whoever still comes, are turned away. What is begun goes on.
    pub fn close(&self) {
        self.line().is_closed = true;
    }

    /// True once turns are no longer handed out.
    pub fn is_closed(&self) -> bool {
        self.line().is_closed
    }

    /// The next of those who wait for so long that they should hear "Working …", and have not.
    pub fn unheard(&self) -> Option<(Platform, ReplyAddress, Arc<tokio::sync::Mutex<Heard>>)> {
        let mut line = self.line();
        loop {
            let at = line.heard;
            let next = line
                .waiting
                .get(at)
                .filter(|next| next.since.elapsed() >= WORKING_AFTER)?;
            let told = next
                .reply
                .clone()
                .map(|reply| (next.platform, reply, Arc::clone(&next.heard)));
            line.heard += 1;
            if told.is_some() {
                return told;
            }
        }
    }

    /// Waits for a free hand.
    pub async fn hand(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.hands).acquire_owned().await.ok()
    }

    /// The same, for no longer than a reset waits for its turn.
    pub async fn hand_in_time(&self) -> Option<OwnedSemaphorePermit> {
        tokio::time::timeout(self.patience, self.hand())
            .await
            .ok()?
    }

    /// Waits for a turn to say that a reset is still at work.
    pub async fn voice(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.voices).acquire_owned().await.ok()
    }

    /// A turn to say so, if there is one now.
    pub fn free_voice(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.voices).try_acquire_owned().ok()
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        // No ticket is ever half in the line, so a panic elsewhere leaves nothing wrong behind.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for WorkMark<'_> {
    fn drop(&mut self) {
        self.all.pairs.send_modify(|all| {
            all.remove(&self.pair);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket(n: u8, waits: Duration) -> Ticket {
        Ticket {
            reservation: Reservation::sample(ResetId([n; 16])),
            platform: Platform::Slack,
            quota: Quota {
                used: 1,
                left: 4,
                next_at: None,
                window: crate::domain::Span::hours(24),
            },
            reply: Some(ReplyAddress::new(
                format!("https://chat.example/{n}"),
                crate::domain::Moment(0),
            )),
            since: Instant::now().checked_sub(waits).unwrap(),
            heard: Arc::default(),
        }
    }

    /// A line of those who came so long ago, named from 1.
    fn line(waits: &[u64]) -> AtWork {
        let at_work = AtWork::with(1, Duration::from_secs(20));
        for (n, secs) in (1..).zip(waits) {
            let is_first = at_work.join(ticket(n, Duration::from_secs(*secs)));
            assert_eq!(
                is_first,
                n == 1,
                "one hands out turns, and the first who comes sees to that"
            );
        }
        at_work
    }

    fn names(tickets: impl IntoIterator<Item = Ticket>) -> Vec<u8> {
        tickets
            .into_iter()
            .map(|ticket| ticket.reservation.reset_id().0[0])
            .collect()
    }

    fn hears(at_work: &AtWork) -> Option<String> {
        at_work
            .unheard()
            .map(|(_, reply, _)| reply.expose().to_owned())
    }

    #[test]
    fn turns_come_in_order_of_arrival() {
        let at_work = line(&[3, 2, 1]);
        assert_eq!(names(at_work.next()), [1]);
        assert!(!at_work.resigns());
        assert!(!at_work.join(ticket(4, Duration::ZERO)));
        assert_eq!(names(std::iter::from_fn(|| at_work.next())), [2, 3, 4]);
        assert!(at_work.resigns());
        assert!(
            at_work.join(ticket(5, Duration::ZERO)),
            "and the next who comes sees to it again"
        );
    }

    #[test]
    fn everybody_who_waits_hears_so_once() {
        let at_work = line(&[5, 4, 3, 2, 0]);
        assert_eq!(hears(&at_work).as_deref(), Some("https://chat.example/1"));
        assert_eq!(hears(&at_work).as_deref(), Some("https://chat.example/2"));
        assert_eq!(names(at_work.next()), [1]);
        assert_eq!(
            names(at_work.leave(ResetId([3; 16]))),
            [3],
            "who has not heard"
        );
        assert_eq!(names(at_work.leave(ResetId([2; 16]))), [2], "who has");
        assert_eq!(hears(&at_work).as_deref(), Some("https://chat.example/4"));
        assert_eq!(hears(&at_work), None, "the last one has just come");
        assert!(at_work.leave(ResetId([2; 16])).is_none());
        assert_eq!(names(std::iter::from_fn(|| at_work.next())), [4, 5]);
    }

    #[test]
    fn patience_ends_for_those_who_came_first() {
        let at_work = line(&[21, 20, 19]);
        assert_eq!(names(at_work.out_of_patience()), [1, 2]);
        assert!(at_work.out_of_patience().is_empty());
        assert_eq!(names(at_work.next()), [3]);
    }

    #[test]
    fn a_closed_line_turns_everybody_away() {
        let at_work = line(&[2, 1]);
        at_work.close();
        assert!(!at_work.join(ticket(3, Duration::ZERO)));
        assert!(at_work.next().is_none());
        assert_eq!(names(at_work.out_of_patience()), [1, 2, 3]);
        assert!(at_work.resigns());
    }
}
