//! Group commit: one task runs all writes that wait in the queue in one transaction, and answers them after its commit.
//!
//! A write is an async function over [`Tx`] and its input:
//!
//! ```ignore
//! self.write((id, state), async |tx: &mut Tx, (id, state): &(ResetId, State)| Ok(())).await
//! ```
//!
//! It may run more than once: when one write of a batch fails, the batch is rolled back and each write runs in a
//! transaction of its own. So a write has no effect outside of `tx` and draws nothing random. When it decides something,
//! a refusal included, what it wrote is committed. When it fails, what it wrote is rolled back.

use std::pin::Pin;

use sqlx::sqlite::SqliteConnection;
use tokio::sync::{mpsc, oneshot};

use super::Tx;
use crate::clock::Clock;
use crate::store::StoreError;

/// How many writes one transaction takes at most; with more, the first would wait too long for the last.
const BATCH: usize = 256;

/// The length of the queue. A write that finds it full is refused at once with [`StoreError::Overloaded`].
pub(in crate::store) const QUEUE: usize = 4096;

/// The error type of a write: a refusal that was decided, or a failure of the record.
pub(in crate::store) trait WriteError: From<StoreError> + Send + 'static {
    /// The failure; none for a refusal.
    fn failure(&self) -> Option<StoreError>;
}

impl WriteError for StoreError {
    fn failure(&self) -> Option<StoreError> {
        Some(*self)
    }
}

/// The function of a write: `AsyncFn(&mut Tx, &Input) -> Output`, whose future is `Send`. Stable Rust cannot say that in
/// a bound on `AsyncFn`.
pub(in crate::store) trait WriteFn<'a, Input: 'a, Output>:
    Fn(&'a mut Tx, &'a Input) -> Self::Future + Send + Sync + 'static
{
    type Future: Future<Output = Output> + Send + 'a;
}

impl<'a, Input: 'a, Output, Run, Ran> WriteFn<'a, Input, Output> for Run
where
    Run: Fn(&'a mut Tx, &'a Input) -> Ran + Send + Sync + 'static,
    Ran: Future<Output = Output> + Send + 'a,
{
    type Future = Ran;
}

/// A queued write without its types.
pub(in crate::store) trait Write: Send {
    /// Runs it, again if it ran before; an error where the record failed.
    fn run<'a>(
        &'a mut self,
        tx: &'a mut Tx,
    ) -> Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 'a>>;

    /// Sends the answer to the caller: what was decided, or why nothing was committed.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Waiting<Input, Run, Done, Refused> {
    input: Input,
    run: Run,
    decided: Option<Result<Done, Refused>>,
    answer: oneshot::Sender<Result<Done, Refused>>,
}

impl<Input, Run, Done, Refused> Write for Waiting<Input, Run, Done, Refused>
where
    Input: Send + Sync + 'static,
    Run: for<'a> WriteFn<'a, Input, Result<Done, Refused>>,
    Done: Send + 'static,
    Refused: WriteError,
{
    fn run<'a>(
        &'a mut self,
        tx: &'a mut Tx,
    ) -> Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 'a>> {
        Box::pin(async move {
            let decided = (self.run)(&mut *tx, &self.input).await;
            let failure = match &decided {
                Ok(_) => None,
                Err(refused) => refused.failure(),
            };
            self.decided = Some(decided);
            // A statement may have failed without the write passing it on.
            failure.or(tx.failure()).map_or(Ok(()), Err)
        })
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let Self {
            decided, answer, ..
        } = *self;
        let told = match committed {
            Ok(()) => decided.unwrap_or_else(|| Err(StoreError::Unavailable.into())),
            Err(error) => Err(error.into()),
        };
        // The caller may have given up; what was committed stays.
        drop(answer.send(told));
    }
}

/// Boxes a write for the queue, with the receiver of its answer.
pub(in crate::store) fn write<Input, Run, Done, Refused>(
    input: Input,
    run: Run,
) -> (Box<dyn Write>, oneshot::Receiver<Result<Done, Refused>>)
where
    Input: Send + Sync + 'static,
    Run: for<'a> WriteFn<'a, Input, Result<Done, Refused>>,
    Done: Send + 'static,
    Refused: WriteError,
{
    let (answer, answered) = oneshot::channel();
    let waiting = Waiting {
        input,
        run,
        decided: None,
        answer,
    };
    (Box::new(waiting), answered)
}

/// The writer's task. It ends when every [`Store`](crate::store::Store) is dropped and the queue is empty, and gives the
/// connection back to be closed.
pub(in crate::store) async fn run(
    connection: SqliteConnection,
    mut queue: mpsc::Receiver<Box<dyn Write>>,
    clock: &Clock,
) -> Option<SqliteConnection> {
    let mut tx = Tx::of_writer(connection);
    while let Some(first) = queue.recv().await {
        // Tasks that are ready can queue their writes first and join this commit.
        tokio::task::yield_now().await;
        let mut writes = vec![first];
        while writes.len() < BATCH
            && let Ok(write) = queue.try_recv()
        {
            writes.push(write);
        }
        commit(&mut tx, clock, writes).await;
        #[cfg(debug_assertions)]
        if tx.take_webhook_mark() {
            crate::fault::panic_once("store-panics");
        }
    }
    tx.into_connection()
}

/// Why a transaction was rolled back.
enum Undone {
    /// One of its writes failed; the others can be done without it.
    ByOne,
    /// It could not be begun or committed.
    Whole(StoreError),
}

/// Runs these writes in one transaction, or each in its own where one of them fails.
pub(in crate::store) async fn commit(tx: &mut Tx, clock: &Clock, mut writes: Vec<Box<dyn Write>>) {
    let outcome = match together(tx, clock, &mut writes).await {
        Err(Undone::ByOne) if writes.len() > 1 => {
            for write in writes {
                let mut alone = vec![write];
                let outcome = together(tx, clock, &mut alone).await;
                answer(alone, &outcome);
            }
            return;
        }
        outcome => outcome,
    };
    answer(writes, &outcome);
}

async fn together(tx: &mut Tx, clock: &Clock, writes: &mut [Box<dyn Write>]) -> Result<(), Undone> {
    let done = in_transaction(tx, clock, writes).await;
    if done.is_err() {
        tx.roll_back().await;
    }
    done
}

async fn in_transaction(
    tx: &mut Tx,
    clock: &Clock,
    writes: &mut [Box<dyn Write>],
) -> Result<(), Undone> {
    tx.begin(clock.now()).await.map_err(Undone::Whole)?;
    for write in writes {
        write.run(tx).await.map_err(|_rolled_back| Undone::ByOne)?;
    }
    tx.commit().await.map_err(Undone::Whole)
}

fn answer(writes: Vec<Box<dyn Write>>, outcome: &Result<(), Undone>) {
    for write in writes {
        write.answer(match outcome {
            Ok(()) => Ok(()),
            // It was rolled back, so it can be tried again.
            Err(Undone::ByOne) => Err(StoreError::NotBegun),
            Err(Undone::Whole(error)) => Err(*error),
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::FutureExt as _;
    use sqlx::ConnectOptions;
    use sqlx::sqlite::SqliteConnectOptions;
    use tokio::sync::Semaphore;

    use super::super::params;
    use super::{WriteError, commit};
    use crate::chance::Chance;
    use crate::clock::Clock;
    use crate::domain::quota::Limit;
    use crate::domain::{Moment, Span};
    use crate::store::engine::Tx;
    use crate::store::{Lost, OpenError, Store, StoreError, Use};

    /// A panic in one write ends the task for everybody; whoever watches it hears so, also when they look later.
    #[tokio::test]
    async fn a_write_that_panics_is_told_to_whoever_watches() {
        let folder = std::env::temp_dir().join(format!("relatch-panic-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let limit = Limit {
            resets: 5,
            window: Span::hours(24),
        };
        let mut rng = Chance::System.rng().unwrap();
        let path = folder.join("relatch.db");
        let (store, tasks) = Store::open(&path, Use::Serve, Clock::System, limit, &mut rng)
            .await
            .unwrap();
        let (mut watch, mut later) = (tasks.watch(), tasks.watch());
        assert!(store.is_writable().await);
        let panicked = store
            .write(true, async |_: &mut Tx, is_mistaken: &bool| {
                assert!(!is_mistaken, "a mistake in a write");
                Ok(())
            })
            .await;
        assert_eq!(panicked, Err::<(), _>(StoreError::Unavailable));
        assert_eq!(watch.task_ended().await, Lost::Task);
        assert!(!store.is_writable().await);
        assert_eq!(later.task_ended().await, Lost::Task);
        // The pool still works, so nobody else may begin.
        let again = Store::open(&path, Use::Serve, Clock::System, limit, &mut rng).await;
        assert!(matches!(again, Err(OpenError::Locked)));
        drop(store);
        tasks.finish().await;
        std::fs::remove_dir_all(&folder).unwrap();
    }

    /// Nobody waits behind a full queue, and what was queued before is done.
    #[tokio::test]
    async fn whoever_finds_the_queue_full_is_told_at_once() {
        let folder = std::env::temp_dir().join(format!("relatch-overload-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let limit = Limit {
            resets: 5,
            window: Span::hours(24),
        };
        let mut rng = Chance::System.rng().unwrap();
        let path = folder.join("relatch.db");
        let (store, tasks) = Store::open(&path, Use::Serve, Clock::System, limit, &mut rng)
            .await
            .unwrap();
        let gates = [1, 0].map(|permits| Arc::new(Semaphore::new(permits)));
        let [begun, go_on] = gates.clone();
        let first = begun.acquire().await.unwrap();
        let mut held = Box::pin(store.write(
            gates,
            async |_: &mut Tx, gates: &[Arc<Semaphore>; 2]| {
                gates[0].add_permits(1);
                gates[1].acquire().await.unwrap().forget();
                Ok::<_, StoreError>(())
            },
        ));
        assert!((&mut held).now_or_never().is_none());
        // The first write runs and waits; whatever follows stays in the queue.
        begun.acquire().await.unwrap().forget();
        let nothing = || store.write((), async |_: &mut Tx, (): &()| Ok::<_, StoreError>(()));
        for _ in 0..super::QUEUE {
            assert_eq!(nothing().now_or_never(), None);
        }
        assert_eq!(nothing().now_or_never(), Some(Err(StoreError::Overloaded)));
        go_on.add_permits(1);
        assert_eq!(held.await, Ok(()));
        assert!(store.is_writable().await);
        first.forget();
        drop(store);
        tasks.finish().await;
        std::fs::remove_dir_all(&folder).unwrap();
    }

    /// A refusal of a test, which is written down.
    #[derive(Debug, PartialEq, thiserror::Error)]
    enum Refused {
        #[error("refused")]
        ByRule,
        #[error(transparent)]
        Store(#[from] StoreError),
    }

    impl WriteError for Refused {
        fn failure(&self) -> Option<StoreError> {
            match self {
                Self::ByRule => None,
                Self::Store(error) => Some(*error),
            }
        }
    }

    const INSERT: &str = "insert into replay_key (replay_key, seen_at) values ($1, $2)";

    async fn empty() -> Tx {
        let mut connection = SqliteConnectOptions::new()
            .in_memory(true)
            .connect()
            .await
            .unwrap();
        crate::store::migrations::migrate(&mut connection)
            .await
            .unwrap();
        Tx::of_writer(connection)
    }

    async fn keys(tx: &mut Tx) -> Vec<String> {
        let rows: Vec<(String,)> = tx
            .all("select replay_key from replay_key", Vec::new())
            .await
            .unwrap();
        rows.into_iter().map(|(key,)| key).collect()
    }

    /// One write of a batch fails: the others are done without it, and it is told alone.
    #[tokio::test]
    async fn a_write_that_fails_does_not_fail_its_neighbours() {
        let mut tx = empty().await;
        let clock = Clock::fixed(Moment(1));
        let (mut writes, mut answers) = (Vec::new(), Vec::new());
        for key in ["a", "b", "a", "c"] {
            let (write, answer) = super::write(key, async |tx: &mut Tx, key: &&str| {
                let now = tx.now();
                tx.run(INSERT, params![key, now]).await
            });
            writes.push(write);
            answers.push(answer);
        }
        commit(&mut tx, &clock, writes).await;
        let mut told = Vec::new();
        for answer in answers {
            told.push(answer.await.unwrap());
        }
        let failed = Err(StoreError::NotBegun);
        assert_eq!(told, [Ok(1), Ok(1), failed, Ok(1)]);
        assert_eq!(keys(&mut tx).await, ["a", "b", "c"]);
    }

    /// What a refusal wrote is committed; what a failure wrote is not, also where the write does not pass it on.
    #[tokio::test]
    async fn a_refusal_is_committed_and_a_failure_is_not() {
        let mut tx = empty().await;
        let clock = Clock::fixed(Moment(1));
        let (refused, first) = super::write((), async |tx: &mut Tx, (): &()| {
            tx.run(INSERT, params!["refused", Moment(1)]).await?;
            Err::<(), _>(Refused::ByRule)
        });
        commit(&mut tx, &clock, vec![refused]).await;
        assert_eq!(first.await.unwrap(), Err(Refused::ByRule));
        let (failed, second) = super::write((), async |tx: &mut Tx, (): &()| {
            tx.run(INSERT, params!["failed", Moment(1)]).await?;
            let again = tx.run(INSERT, params!["failed", Moment(1)]).await;
            assert_eq!(again, Err(StoreError::Unavailable));
            // SQLite may have ended the transaction, so nothing more is run in it.
            let next = tx.run(INSERT, params!["next", Moment(1)]).await;
            assert_eq!(next, Err(StoreError::Unavailable));
            Ok::<(), StoreError>(())
        });
        commit(&mut tx, &clock, vec![failed]).await;
        assert_eq!(second.await.unwrap(), Err(StoreError::NotBegun));
        assert_eq!(keys(&mut tx).await, ["refused"]);
    }
}
