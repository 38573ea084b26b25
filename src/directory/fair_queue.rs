//! A fair queue in front of the password hasher: callers take turns, so that a caller with many requests mostly delays itself.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::oneshot;

/// How long a caller waits for its turn; after that it is told that the service is busy.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(4);

/// How many requests of one caller may wait.
const CALLER_LIMIT: usize = 16;

/// How many requests may wait in all. When it is reached, the caller with the most requests loses its newest one.
const QUEUE_LIMIT: usize = 128;

/// Too many requests wait already, or the wait was too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

/// Lets a fixed number of requests run at once, and picks the next one from the callers in turn.
#[derive(Clone)]
pub(super) struct FairQueue(Arc<Mutex<QueueState>>);

struct QueueState {
    /// Requests that may start at once.
    free: usize,
    /// Callers with waiting requests, the next one first; each caller's requests are in order of arrival.
    callers: VecDeque<(String, VecDeque<oneshot::Sender<Turn>>)>,
}

/// The right to run. When it is dropped, the next request runs.
pub struct Turn {
    /// None once the right was passed on or could not be.
    queue: Option<FairQueue>,
}

impl FairQueue {
    /// A queue that lets `turns` requests run at once.
    pub(super) fn new(turns: usize) -> Self {
        Self(Arc::new(Mutex::new(QueueState {
            free: turns,
            callers: VecDeque::new(),
        })))
    }

    /// Waits for a turn of this caller.
    pub(super) async fn turn(&self, caller: &str) -> Result<Turn, Full> {
        let waiting = {
            let Ok(mut state) = self.0.lock() else {
                return Err(Full);
            };
            if state.free > 0 {
                state.free -= 1;
                return Ok(Turn {
                    queue: Some(self.clone()),
                });
            }
            state.wait(caller)?
        };
        match tokio::time::timeout(QUEUE_TIMEOUT, waiting).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) | Err(_) => Err(Full),
        }
    }
}

impl QueueState {
    /// Adds a request to those of its caller.
    fn wait(&mut self, caller: &str) -> Result<oneshot::Receiver<Turn>, Full> {
        // Drop requests whose client gave up.
        for (_, requests) in &mut self.callers {
            requests.retain(|request| !request.is_closed());
        }
        self.callers.retain(|(_, requests)| !requests.is_empty());
        let of = |name: &str| {
            self.callers
                .iter()
                .find(|(known, _)| known == name)
                .map_or(0, |(_, all)| all.len())
        };
        let own = of(caller);
        if own >= CALLER_LIMIT {
            return Err(Full);
        }
        if self.callers.iter().map(|(_, all)| all.len()).sum::<usize>() >= QUEUE_LIMIT {
            let largest = self
                .callers
                .iter_mut()
                .max_by_key(|(_, all)| all.len())
                .ok_or(Full)?;
            if largest.1.len() <= own + 1 {
                return Err(Full);
            }
            largest.1.pop_back();
        }
        let (sender, receiver) = oneshot::channel();
        match self.callers.iter_mut().find(|(known, _)| known == caller) {
            Some((_, requests)) => requests.push_back(sender),
            None => self
                .callers
                .push_back((caller.to_owned(), VecDeque::from([sender]))),
        }
        Ok(receiver)
    }

    /// Takes the next request; its caller becomes the last one.
    fn next(&mut self) -> Option<oneshot::Sender<Turn>> {
        let (caller, mut requests) = self.callers.pop_front()?;
        let next = requests.pop_front();
        if !requests.is_empty() {
            self.callers.push_back((caller, requests));
        }
        next
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(queue) = self.queue.take() else {
            return;
        };
        loop {
            let next = {
                let Ok(mut state) = queue.0.lock() else {
                    return;
                };
                let Some(next) = state.next() else {
                    state.free += 1;
                    return;
                };
                next
            };
            // Outside the lock. If the receiver is gone, the turn comes back and the next request is tried.
            match next.send(Turn {
                queue: Some(queue.clone()),
            }) {
                Ok(()) => return,
                Err(mut unused) => unused.queue = None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Callers take turns, however many requests the first one brought.
    #[tokio::test]
    async fn a_caller_with_one_request_does_not_wait_for_all_of_another() {
        let queue = FairQueue::new(1);
        let running = queue.turn("flood").await.unwrap();
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut waiting = tokio::task::JoinSet::new();
        for caller in ["flood", "flood", "flood", "flood", "mina"] {
            let (queue, order) = (queue.clone(), Arc::clone(&order));
            waiting.spawn(async move {
                let turn = queue.turn(caller).await.unwrap();
                order.lock().unwrap().push(caller);
                drop(turn);
            });
            tokio::task::yield_now().await;
        }
        drop(running);
        waiting.join_all().await;
        assert_eq!(
            *order.lock().unwrap(),
            ["flood", "mina", "flood", "flood", "flood"]
        );
    }

    /// A full queue still takes a caller that has fewer requests in it than another.
    #[tokio::test]
    async fn a_full_queue_has_room_for_a_new_caller() {
        let queue = FairQueue::new(1);
        let running = queue.turn("flood 0").await.unwrap();
        let mut waiting = tokio::task::JoinSet::new();
        for number in 0..QUEUE_LIMIT * 2 {
            let queue = queue.clone();
            waiting
                .spawn(async move { queue.turn(&format!("flood {}", number % 8)).await.map(drop) });
            tokio::task::yield_now().await;
        }
        let mina = async { queue.turn("mina").await.map(drop) };
        let (mina, ()) = tokio::join!(mina, async { drop(running) });
        assert_eq!(mina, Ok(()));
        let ended = waiting.join_all().await;
        assert_eq!(
            ended.iter().filter(|one| one.is_err()).count(),
            QUEUE_LIMIT + 1,
            "as many were refused as had no room"
        );
    }

    /// A client that gives up while it waits does not keep a turn.
    #[tokio::test]
    async fn a_request_that_was_given_up_keeps_no_turn() {
        let queue = FairQueue::new(1);
        let running = queue.turn("one").await.unwrap();
        let mut given_up = Box::pin(queue.turn("two"));
        assert!(futures_util::poll!(&mut given_up).is_pending());
        drop(running);
        drop(given_up);
        assert!(queue.turn("three").await.is_ok());
    }
}
