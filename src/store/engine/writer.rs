//! Writes: what waits in the queue is done in one transaction, and everybody is answered after its commit.
//!
//! A write is a function over [`Tx`] and the input it was asked with:
//!
//! ```ignore
//! self.write((id, state), async |tx: &mut Tx, (id, state): &(ResetId, State)| { … }).await
//! ```
//!
//! It may run more than once: when one write of a batch fails, all are undone and each is done alone. So it has no effect
//! outside of `tx`, and draws nothing random. What it answers is either decided, and then everything it wrote is
//! committed, also with a refusal; or it is a failure of the record, and then nothing is.

use std::pin::Pin;

use sqlx::sqlite::SqliteConnection;
use tokio::sync::{mpsc, oneshot};

use super::Tx;
use crate::clock::Clock;
use crate::store::StoreError;

/// The most that one transaction takes; more would only make the first wait for the last.
const BATCH: usize = 256;

/// How many writes may wait. Whoever comes after them is told of the overload at once.
pub(in crate::store) const QUEUE: usize = 4096;

/// Why a write ended without what was asked for.
pub(in crate::store) trait Refusal: From<StoreError> + Send + 'static {
    /// The failure of the record that it is; none for a refusal that was decided.
    fn failure(&self) -> Option<StoreError>;
}

impl Refusal for StoreError {
    fn failure(&self) -> Option<StoreError> {
        Some(*self)
    }
}

/// The function of a write. This is `AsyncFn(&mut Tx, &Input) -> Output` whose future can be sent to the writer's task,
/// which Rust has no shorter name for.
pub(in crate::store) trait WriteFn<'a, Input: 'a, Output>:
    Fn(&'a mut Tx, &'a Input) -> Self::Future + Send + Sync + 'static
{
    /// Its future.
    type Future: Future<Output = Output> + Send + 'a;
}

impl<'a, Input: 'a, Output, Run, Ran> WriteFn<'a, Input, Output> for Run
where
    Run: Fn(&'a mut Tx, &'a Input) -> Ran + Send + Sync + 'static,
    Ran: Future<Output = Output> + Send + 'a,
{
    type Future = Ran;
}

/// A write that waits, whatever its types.
pub(in crate::store) trait Write: Send {
    /// Does it once more; an error where the record failed.
    fn run<'a>(
        &'a mut self,
        tx: &'a mut Tx,
    ) -> Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 'a>>;

    /// Tells whoever asked for it, after the commit, or why there was none.
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
    Refused: Refusal,
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
            // Also a failure that the write did not pass on.
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
        // Nobody waits any more when a request was given up; what was committed stays all the same.
        drop(answer.send(told));
    }
}

/// A write to be queued, and the place where its answer will be found after the commit.
pub(in crate::store) fn write<Input, Run, Done, Refused>(
    input: Input,
    run: Run,
) -> (Box<dyn Write>, oneshot::Receiver<Result<Done, Refused>>)
where
    Input: Send + Sync + 'static,
    Run: for<'a> WriteFn<'a, Input, Result<Done, Refused>>,
    Done: Send + 'static,
    Refused: Refusal,
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

/// Runs until every handle of the store is gone and everything is committed; gives the connection back to be closed.
pub(in crate::store) async fn run(
    connection: SqliteConnection,
    mut queue: mpsc::Receiver<Box<dyn Write>>,
    clock: &Clock,
) -> Option<SqliteConnection> {
    let mut tx = Tx::of_writer(connection);
    while let Some(first) = queue.recv().await {
        // Whoever is ready at this moment can still join this commit.
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

/// Why a transaction came to nothing.
enum Undone {
    /// One of its writes failed; the others may be done without it.
    ByOne(StoreError),
    /// It could not be begun or committed.
    Whole(StoreError),
}

/// Does all of these in one transaction, or each in its own where one of them fails.
async fn commit(tx: &mut Tx, clock: &Clock, mut writes: Vec<Box<dyn Write>>) {
    let outcome = match together(tx, clock, &mut writes).await {
        Err(Undone::ByOne(_)) if writes.len() > 1 => {
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
        write.run(tx).await.map_err(Undone::ByOne)?;
    }
    tx.commit().await.map_err(Undone::Whole)
}

fn answer(writes: Vec<Box<dyn Write>>, outcome: &Result<(), Undone>) {
    for write in writes {
        write.answer(match outcome {
            Ok(()) => Ok(()),
            Err(Undone::ByOne(error) | Undone::Whole(error)) => Err(*error),
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::store::{Lost, OpenError, Store, StoreError, Tx, Use};
    use sqlx::ConnectOptions;
    use sqlx::sqlite::SqliteConnectOptions;

    use super::super::params;
    use super::{Refusal, commit};
    use crate::chance::Chance;
    use crate::clock::Clock;
    use crate::domain::quota::Limit;
    use crate::domain::{Moment, Span};

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

    /// A refusal of a test, which is written down.
    #[derive(Debug, PartialEq, thiserror::Error)]
    enum Refused {
        #[error("refused")]
        ByRule,
        #[error(transparent)]
        Store(#[from] StoreError),
    }

    impl Refusal for Refused {
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
        let failed = Err(StoreError::Unavailable);
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
            Ok::<bool, StoreError>(again.is_ok())
        });
        commit(&mut tx, &clock, vec![failed]).await;
        assert_eq!(second.await.unwrap(), Err(StoreError::Unavailable));
        assert_eq!(keys(&mut tx).await, ["refused"]);
    }
}
