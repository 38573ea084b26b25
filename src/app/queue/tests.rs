//! The order, the notices and the timeout of the queue.

use super::*;
use crate::domain::{Moment, Span};

fn reset(n: u8, waits: Duration) -> QueuedReset {
    QueuedReset {
        reservation: Reservation::sample(ResetId([n; 16])),
        platform: Platform::Slack,
        quota: Quota {
            used: 1,
            left: 4,
            next_at: None,
            window: Span::hours(24),
        },
        reply: Some(ReplyAddress::new(
            format!("https://chat.example/{n}"),
            Moment(0),
        )),
        since: Instant::now().checked_sub(waits).unwrap(),
        told: Arc::default(),
        span: tracing::Span::none(),
    }
}

/// A queue of resets that were confirmed this many seconds ago, numbered from 1.
fn queue(waits: &[u64]) -> ResetQueue {
    let queue = ResetQueue::with(1, Duration::from_secs(20));
    for (n, secs) in (1..).zip(waits) {
        let must_dispatch = queue.push(reset(n, Duration::from_secs(*secs)));
        assert_eq!(must_dispatch, n == 1, "only the first starts a dispatcher");
    }
    queue
}

fn numbers(resets: impl IntoIterator<Item = QueuedReset>) -> Vec<u8> {
    resets
        .into_iter()
        .map(|reset| reset.reservation.reset_id().0[0])
        .collect()
}

fn notified(queue: &ResetQueue) -> Option<String> {
    queue
        .next_to_notify()
        .map(|(_, reply, ..)| reply.expose().to_owned())
}

#[test]
fn resets_leave_in_order_of_arrival() {
    let queue = queue(&[3, 2, 1]);
    assert_eq!(numbers(queue.pop()), [1]);
    assert!(!queue.stop_if_empty());
    assert!(!queue.push(reset(4, Duration::ZERO)));
    assert_eq!(numbers(std::iter::from_fn(|| queue.pop())), [2, 3, 4]);
    assert!(queue.stop_if_empty());
    assert!(
        queue.push(reset(5, Duration::ZERO)),
        "the next one starts a dispatcher again"
    );
}

#[test]
fn everybody_who_waits_is_notified_once() {
    let queue = queue(&[5, 4, 3, 2, 0]);
    assert_eq!(notified(&queue).as_deref(), Some("https://chat.example/1"));
    assert_eq!(notified(&queue).as_deref(), Some("https://chat.example/2"));
    assert_eq!(numbers(queue.pop()), [1]);
    assert_eq!(
        numbers(queue.remove(ResetId([3; 16]))),
        [3],
        "not notified yet"
    );
    assert_eq!(
        numbers(queue.remove(ResetId([2; 16]))),
        [2],
        "notified already"
    );
    assert_eq!(notified(&queue).as_deref(), Some("https://chat.example/4"));
    assert_eq!(notified(&queue), None, "the last one has just come");
    assert!(queue.remove(ResetId([2; 16])).is_none());
    assert_eq!(numbers(std::iter::from_fn(|| queue.pop())), [4, 5]);
}

#[test]
fn the_oldest_time_out_first() {
    let queue = queue(&[21, 20, 19]);
    assert_eq!(numbers(queue.take_timed_out()), [1, 2]);
    assert!(queue.take_timed_out().is_empty());
    assert_eq!(numbers(queue.pop()), [3]);
}

#[test]
fn a_closed_queue_gives_up_all_that_wait() {
    let queue = queue(&[2, 1]);
    queue.close();
    assert!(!queue.push(reset(3, Duration::ZERO)));
    assert!(queue.pop().is_none());
    assert_eq!(numbers(queue.take_timed_out()), [1, 2, 3]);
    assert!(queue.stop_if_empty());
}
