//! A fair queue in front of the password hasher: callers take turns, so that one that asks a lot delays mostly itself.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::oneshot;

/// How long a caller waits for its turn; then it is told that the service is busy.
const PATIENCE: Duration = Duration::from_secs(4);

/// How many requests of one caller may wait.
const WAITING_OF_ONE: usize = 16;

/// How many requests may wait in all. Beyond that the caller with the most requests loses its newest one.
const WAITING: usize = 128;

/// Too many requests wait already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

/// Lets a fixed number of requests run at once, and picks the next one from the callers in turn.
#[derive(Clone)]
pub(super) struct FairQueue(Arc<Mutex<State>>);

struct State {
    /// Requests that may start at once.
    free: usize,
    /// Callers that wait, the next one first, each with its requests in order of arrival.
    callers: VecDeque<(String, VecDeque<oneshot::Sender<Turn>>)>,
}

/// The right to run; the next request runs when it is dropped.
pub(super) struct Turn {
    /// None once the right was passed on.
    queue: Option<FairQueue>,
}

impl FairQueue {
    /// With so many turns at once.
    pub(super) fn new(turns: usize) -> Self {
        Self(Arc::new(Mutex::new(State {
            free: turns,
            callers: VecDeque::new(),
        })))
    }

    /// Waits for a turn of this caller.
    pub(super) async fn turn(&self, caller: &str) -> Result<Turn, Full> {
        let waiting = {
            let mut state = self.0.lock().map_err(|_| Full)?;
            if state.free > 0 {
                state.free -= 1;
                return Ok(Turn {
                    queue: Some(self.clone()),
                });
            }
            state.wait(caller)?
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) | Err(_) => Err(Full),
        }
    }
}

impl State {
    /// Puts a request into the queue of its caller.
    fn wait(&mut self, caller: &str) -> Result<oneshot::Receiver<Turn>, Full> {
        // Requests whose client gave up make room.
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
        if own >= WAITING_OF_ONE {
            return Err(Full);
        }
        if self.callers.iter().map(|(_, all)| all.len()).sum::<usize>() >= WAITING {
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

    /// The next request; its caller goes to the end of the line.
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
            // Outside of the lock: a receiver that is gone gives the turn back, and the next request is tried.
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

    /// Callers take turns, whoever came first with many requests.
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
        for number in 0..WAITING * 2 {
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
            WAITING + 1,
            "as many were refused as had no room"
        );
    }

    /// A client that goes away while it waits takes no turn with it.
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
