//! The record: SQLite, one connection for the hot path, and a second for everything that may take longer.
//!
//! To add a table: a migration, a `table!` in `rows.rs`, and a place in the writer's [`Page`](writer::Page). The SQL
//! keeps to what PostgreSQL shares (`$1`, integer times); what differs is the lock and the source of JSON rows.

mod cards;
mod contact_checks;
mod contacts;
mod devices;
mod file;
mod gone;
mod history;
mod import;
mod key;
mod members;
mod moves;
mod pins;
mod reader;
mod resets;
mod rows;
mod sessions;
mod standing;
mod turns;
mod watch;
mod writer;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rand::{CryptoRng, RngExt};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::pool::PoolOptions;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, Row, SqlSafeStr};
use tokio::sync::{mpsc, oneshot};

pub use self::cards::{
    Amend, Amended, CardClick, Choice, ClickRefused, Earlier, NewOffer, NotNoted, Noted, Offered,
    ReplayKey, SealedReply,
};
pub use self::contact_checks::{ContactAnswer, ContactCheck, ContactCodeSent};
pub use self::contacts::ContactAdded;
use self::file::DatabaseFile;
pub use self::gone::NotDone;
pub use self::history::{HistoryFilter, Past};
pub use self::import::{
    ChangedContacts, ImportRow, Imported, NEW_PERSONS_UNASKED, NewPerson, NotImported,
};
pub use self::members::{ImportCount, ResetUnderWay};
pub use self::pins::{AdminPin, Alarm, PinnedBy, Pins, UntoldPins};
pub use self::reader::{Found, LookUp, MemberKey};
pub use self::resets::{MoveRefused, Reservation, Shown, StepNote, Successor, after_change};
pub use self::rows::{
    AccountRow, AuditRow, ContactRow, MemberRow, OPERATOR, ResetRow, SessionRow, StepRow,
};
pub use self::sessions::{Begun, Claimed, Disowned, Proof, SignedIn};
pub use self::watch::{Lost, Watch};
use crate::clock::Clock;
use crate::domain::quota::Limit;

/// How long a move of a reset is tried again that was surely not written.
const MOVE_PATIENCE: Duration = Duration::from_secs(20);

/// The pause between two such tries.
const MOVE_PAUSE: Duration = Duration::from_millis(250);

/// Older versions of SQLite can corrupt a database in WAL mode when two connections checkpoint at once.
const OLDEST_SQLITE: [u32; 3] = [3, 51, 3];

/// Pages kept in memory by the connection of the hot path, and by the other; negative means KiB to SQLite. The other
/// forgets its own at every commit, so more would not be kept long.
const CACHES: [&str; 2] = ["-2048", "-1024"];

/// The record could not be read or written. Nothing was done (P6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It does not answer, is full, or the disk failed.
    #[error("the record cannot be read or written")]
    Unavailable,
    /// No transaction could be begun, so surely nothing was written.
    #[error("the record cannot be written")]
    NotBegun,
    /// Too many writes wait already.
    #[error("the record has too much to do")]
    Overloaded,
}

/// Why the record could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another `serve` or `demo` holds it.
    #[error("another relatch is running on this database")]
    Locked,
    /// It is of an older version, and another `serve` or `demo` is at work on it as it is.
    #[error(
        "the database has to be brought up to date, and another relatch is running on it; nothing was changed; \
        restart that one with this version first"
    )]
    Outdated,
    /// There is no file, and there should be one.
    #[error("the database is missing")]
    Missing,
    /// There is a file without our tables, and there should be a record.
    #[error("the database is empty")]
    Empty,
    /// The file was exchanged while it was being opened.
    #[error("the database was replaced while it was opened; start again")]
    Exchanged,
    /// Others than its owner may read it.
    #[error("the database file may be read by others; run chmod 600 on it")]
    Exposed,
    /// It has a second hard link.
    #[error(
        "the database file has a second name, a hard link, and what is written under one name could be lost under the \
        other; remove one of them (a symbolic link is fine)"
    )]
    Linked,
    /// It was written by a newer version.
    #[error("the database was written by a newer relatch; use that version")]
    Newer,
    /// A migration that was applied is not the one of this program.
    #[error("the database does not match this program's migrations")]
    Migration(#[source] sqlx::migrate::MigrateError),
    /// The SQLite library is too old to be safe.
    #[error("SQLite {0} is too old; {oldest} is needed", oldest = OLDEST_SQLITE.map(|part| part.to_string()).join("."))]
    OldSqlite(String),
    /// The file cannot be used.
    #[error("the database file cannot be opened")]
    Io(#[from] std::io::Error),
    /// SQLite refuses it.
    #[error("the database cannot be opened")]
    Sqlite(#[from] sqlx::Error),
}

impl OpenError {
    /// True where there is no record, and one was asked for.
    pub fn is_no_record(&self) -> bool {
        matches!(self, Self::Missing | Self::Empty)
    }

    fn when_outdated(self) -> Self {
        if matches!(self, Self::Locked) {
            Self::Outdated
        } else {
            self
        }
    }
}

/// The open record. Cheap to clone; the last one closes it.
#[derive(Clone)]
pub struct Store {
    look_ups: mpsc::Sender<reader::Job>,
    writes: mpsc::Sender<writer::Job>,
    pool: SqlitePool,
    owner: Arc<str>,
    clock: Clock,
    limit: Limit,
}

/// What works behind an open record; it ends when every [`Store`] is gone.
#[derive(Debug)]
pub struct StoreTasks {
    turns: tokio::task::JoinHandle<(SqliteConnection, Arc<DatabaseFile>)>,
    pool: SqlitePool,
    watch: Watch,
    /// Held here too, because a panic of the task must not give up the lock while the pool still has a connection.
    file: Arc<DatabaseFile>,
}

impl StoreTasks {
    /// Notices when nothing can be recorded any more.
    pub fn watch(&self) -> Watch {
        self.watch.clone()
    }

    /// Waits until everything that was queued is committed, and closes the database. Drop every [`Store`] first. The last
    /// connection of all to be closed moves what is in the log into the file, and the next start has nothing to recover.
    pub async fn finish(self) {
        self.pool.close().await;
        let closed = match self.turns.await {
            Ok((connection, file)) => {
                let closed = connection.close().await;
                drop(file);
                closed
            }
            Err(error) => Err(sqlx::Error::AnyDriverError(error.into())),
        };
        if let Err(error) = closed {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the database was not closed well"
            );
        }
        drop(self.file);
    }
}

/// Where there is no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Absent {
    /// One is begun.
    Begin,
    /// It is an error: everybody would have all their slots again.
    Refuse,
}

/// How a process means to use the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// `serve` and `demo`: one at a time, they own the life of resets.
    Serve,
    /// All other commands: beside a running `serve`.
    Beside,
}

impl Store {
    /// Opens the file, makes it if it is missing, and brings it up to date; never under another process that holds it.
    pub async fn open(
        path: &Path,
        how: Use,
        clock: Clock,
        limit: Limit,
        rng: &mut impl CryptoRng,
    ) -> Result<(Self, StoreTasks), OpenError> {
        Self::open_as(path, how, Absent::Begin, clock, limit, rng).await
    }

    /// The same where there must be a record already: one that is missing or empty is refused and stays as it is.
    pub async fn open_existing(
        path: &Path,
        how: Use,
        clock: Clock,
        limit: Limit,
        rng: &mut impl CryptoRng,
    ) -> Result<(Self, StoreTasks), OpenError> {
        Self::open_as(path, how, Absent::Refuse, clock, limit, rng).await
    }

    /// True where the file is there and holds our tables.
    pub async fn has_record(path: &Path) -> Result<bool, OpenError> {
        if path.try_exists()? {
            has_record(path).await
        } else {
            Ok(false)
        }
    }

    async fn open_as(
        path: &Path,
        how: Use,
        absent: Absent,
        clock: Clock,
        limit: Limit,
        rng: &mut impl CryptoRng,
    ) -> Result<(Self, StoreTasks), OpenError> {
        // Before SQLite opens the file, and until after it has closed it.
        let mut file = DatabaseFile::open(path, absent)?;
        if how == Use::Serve {
            file.lock()?;
        }
        // After the lock: whoever runs on the other name is told first.
        file.check_single_name()?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            // It was made above, so one that is missing was deleted meanwhile.
            .create_if_missing(false)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(5))
            .foreign_keys(true)
            // What a statement would need to undo itself stays in memory, not in a file that is made each time.
            .pragma("temp_store", "memory")
            // What is erased is overwritten.
            .pragma("secure_delete", "on")
            .disable_statement_logging();
        if absent == Absent::Refuse && !has_record(path).await? {
            return Err(OpenError::Empty);
        }
        let [taking_turns, browsing] =
            CACHES.map(|size| options.clone().pragma("cache_size", size));
        let mut connection = taking_turns.connect().await?;
        check_version(&mut connection).await?;
        let migrates_beside = how == Use::Beside && is_outdated(&mut connection).await?;
        if migrates_beside {
            file.lock().map_err(OpenError::when_outdated)?;
        }
        migrate(&mut connection).await?;
        if migrates_beside {
            file.unlock()?;
        }
        if file.is_new {
            keep_name(path)?;
        }
        let (running, task) = tokio::sync::watch::channel(());
        let watch = Watch::new(path, task)?;
        if !watch.is_of(&file.metadata()?) {
            return Err(OpenError::Exchanged);
        }
        let (look_ups, looking) = mpsc::channel(turns::QUEUE);
        let (writes, writing) = mpsc::channel(turns::QUEUE);
        let queues = turns::Queues {
            look_ups: looking,
            writes: writing,
        };
        let (reader, mut writer) = (
            reader::Reader::new(),
            writer::Writer::new(clock.clone(), limit),
        );
        if how == Use::Serve {
            writer.know_cards(&mut connection).await?;
        }
        let pool = PoolOptions::new()
            .max_connections(1)
            .min_connections(0)
            .idle_timeout(Duration::from_mins(1))
            .test_before_acquire(false)
            .connect_lazy_with(browsing);
        let file = Arc::new(file);
        let held = Arc::clone(&file);
        let tasks = StoreTasks {
            turns: spawn(async move {
                // Also a panic drops it, and then `watch` tells that the task has ended.
                let _running = running;
                // Another process may take over once everything is committed and this connection is closed.
                (turns::run(connection, queues, reader, writer).await, held)
            }),
            pool: pool.clone(),
            watch,
            file,
        };
        let owner = hex::encode(rng.random::<[u8; 8]>()).into();
        Ok((
            Self {
                look_ups,
                writes,
                pool,
                owner,
                clock,
                limit,
            },
            tasks,
        ))
    }

    /// The limit that the store keeps.
    pub fn limit(&self) -> Limit {
        self.limit
    }

    /// Answers one look-up of the hot path.
    pub async fn look_up(&self, look_up: LookUp) -> Result<Found, StoreError> {
        let (reply, found) = oneshot::channel();
        self.look_ups
            .send((look_up, reply))
            .await
            .map_err(|_| StoreError::Unavailable)?;
        found.await.map_err(|_| StoreError::Unavailable)?
    }

    /// True when the record can be written.
    pub async fn is_writable(&self) -> bool {
        self.write(writer::Keys::default(), |_, _| ()).await.is_ok()
    }

    /// The name of this process on what it is at work on.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// A move of a reset at work: what was surely not written is tried again for so long, because the world may have gone
    /// further than the record.
    async fn write_move<T: Send + 'static>(
        &self,
        patience: Duration,
        keys: impl Fn() -> writer::Keys,
        decide: impl FnOnce(&mut writer::Page, crate::domain::Moment) -> T + Clone + Send + 'static,
    ) -> Result<T, StoreError> {
        let give_up = tokio::time::Instant::now() + patience;
        loop {
            match self.write(keys(), decide.clone()).await {
                Err(StoreError::NotBegun | StoreError::Overloaded)
                    if tokio::time::Instant::now() < give_up =>
                {
                    tokio::time::sleep(MOVE_PAUSE).await;
                }
                ended => return ended,
            }
        }
    }

    async fn write<T: Send + 'static>(
        &self,
        keys: writer::Keys,
        decide: impl FnOnce(&mut writer::Page, crate::domain::Moment) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let (job, result) = writer::job(keys, decide);
        self.writes.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => StoreError::Unavailable,
        })?;
        result.await.map_err(|_| StoreError::Unavailable)?
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the store's task ends with its last handle and is awaited in StoreTasks"
)]
fn spawn<T: Send + 'static>(
    task: impl Future<Output = T> + Send + 'static,
) -> tokio::task::JoinHandle<T> {
    tokio::spawn(task)
}

/// The name of a new file is on disk before anything is made that counts on it, such as the key file.
fn keep_name(path: &Path) -> Result<(), OpenError> {
    let real = path.canonicalize()?;
    if let Some(folder) = real.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// True where the file holds our tables. A file that holds nothing is not touched.
async fn has_record(path: &Path) -> Result<bool, OpenError> {
    if path.metadata()?.len() == 0 {
        return Ok(false);
    }
    let options = SqliteConnectOptions::new()
        .filename(path)
        .disable_statement_logging();
    let mut connection = options.connect().await?;
    let ours = "select 1 from sqlite_schema where type = 'table' and name in ('member', 'reset', 'slot', 'audit') limit 1";
    let found = sqlx::query(ours).fetch_optional(&mut connection).await?;
    connection.close().await?;
    Ok(found.is_some())
}

async fn check_version(connection: &mut SqliteConnection) -> Result<(), OpenError> {
    let version: String = sqlx::query("select sqlite_version()")
        .fetch_one(connection)
        .await?
        .try_get(0)?;
    let mut parts = version
        .split('.')
        .map(|part| part.parse::<u32>().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    if [next(), next(), next()] < OLDEST_SQLITE {
        Err(OpenError::OldSqlite(version))
    } else {
        Ok(())
    }
}

fn migration(version: i64, name: &'static str, sql: &'static str) -> Migration {
    Migration::new(
        version,
        name.into(),
        MigrationType::Simple,
        sql.into_sql_str(),
        false,
    )
}

/// All of them, in order. Each is for good once it was released.
fn migrations() -> Vec<Migration> {
    vec![
        migration(
            1,
            "start",
            include_str!("../../migrations/sqlite/0001_start.sql"),
        ),
        migration(
            2,
            "portal",
            include_str!("../../migrations/sqlite/0002_portal.sql"),
        ),
        migration(
            3,
            "links",
            include_str!("../../migrations/sqlite/0003_links.sql"),
        ),
        migration(
            4,
            "codes",
            include_str!("../../migrations/sqlite/0004_codes.sql"),
        ),
        migration(
            5,
            "indexes",
            include_str!("../../migrations/sqlite/0005_indexes.sql"),
        ),
        migration(
            6,
            "sessions",
            include_str!("../../migrations/sqlite/0006_sessions.sql"),
        ),
        migration(
            7,
            "standing",
            include_str!("../../migrations/sqlite/0007_standing.sql"),
        ),
        migration(
            8,
            "admin_pin",
            include_str!("../../migrations/sqlite/0008_admin_pin.sql"),
        ),
        migration(
            10,
            "employee_id",
            include_str!("../../migrations/sqlite/0010_employee_id.sql"),
        ),
        migration(
            11,
            "contacts",
            include_str!("../../migrations/sqlite/0011_contacts.sql"),
        ),
        migration(
            12,
            "sign_in",
            include_str!("../../migrations/sqlite/0012_sign_in.sql"),
        ),
        migration(
            13,
            "key",
            include_str!("../../migrations/sqlite/0013_key.sql"),
        ),
        migration(
            15,
            "look_ups",
            include_str!("../../migrations/sqlite/0015_look_ups.sql"),
        ),
        migration(
            18,
            "alarms",
            include_str!("../../migrations/sqlite/0018_alarms.sql"),
        ),
    ]
}

/// True where a migration is still to be made.
async fn is_outdated(connection: &mut SqliteConnection) -> Result<bool, OpenError> {
    let made = sqlx::query(
        "select 1 from sqlite_schema where type = 'table' and name = '_sqlx_migrations'",
    );
    if made.fetch_optional(&mut *connection).await?.is_none() {
        return Ok(true);
    }
    let newest = sqlx::query("select max(version) from _sqlx_migrations where success");
    let newest: Option<i64> = newest.fetch_one(connection).await?.try_get(0)?;
    Ok(newest < migrations().last().map(|last| last.version))
}

async fn migrate(connection: &mut SqliteConnection) -> Result<(), OpenError> {
    use sqlx::migrate::MigrateError;

    Migrator::with_migrations(migrations())
        .run(connection)
        .await
        .map_err(|error| {
            if matches!(error, MigrateError::VersionMissing(_)) {
                OpenError::Newer
            } else {
                OpenError::Migration(error)
            }
        })
}

#[cfg(test)]
mod tests {
    use sqlx::Executor;

    use super::*;
    use crate::domain::{Carries, State};

    /// Who works beside `serve` never changes the tables under it, and needs no lock where there is nothing to change.
    #[tokio::test]
    async fn nothing_is_migrated_under_another_process() {
        let folder = std::env::temp_dir().join(format!("relatch-outdated-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("relatch.db");
        let mut serving = DatabaseFile::open(&path, Absent::Begin).unwrap();
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .journal_mode(SqliteJournalMode::Wal);
        let mut older = options.connect().await.unwrap();
        let newest = migrations().len();
        Migrator::with_migrations(migrations().into_iter().take(newest - 1).collect())
            .run(&mut older)
            .await
            .unwrap();
        let limit = Limit {
            resets: 5,
            window: crate::domain::Span::hours(24),
        };
        let open = async || {
            let mut rng = crate::chance::Chance::System.rng().unwrap();
            let (store, tasks) =
                Store::open(&path, Use::Beside, Clock::System, limit, &mut rng).await?;
            drop(store);
            tasks.finish().await;
            Ok::<(), OpenError>(())
        };

        serving.lock().unwrap();
        assert!(matches!(open().await, Err(OpenError::Outdated)));
        assert!(is_outdated(&mut older).await.unwrap());
        serving.unlock().unwrap();
        open().await.unwrap();
        assert!(!is_outdated(&mut older).await.unwrap());
        serving.lock().unwrap();
        open().await.unwrap();
        older.close().await.unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
    }

    /// What a batch reads, it finds by an index: only the questions themselves are scanned. A look-up without one took
    /// eleven thousand times as long on ten million resets.
    #[tokio::test]
    async fn no_batch_reads_a_whole_table() {
        let mut connection = SqliteConnectOptions::new()
            .in_memory(true)
            .connect()
            .await
            .unwrap();
        migrate(&mut connection).await.unwrap();
        for statement in [reader::statement(), writer::everything_read()] {
            let plan = sqlx::query(sqlx::AssertSqlSafe(format!(
                "explain query plan {statement}"
            )));
            let lines: Vec<String> = plan
                .fetch_all(&mut connection)
                .await
                .unwrap()
                .iter()
                .map(|row| row.get("detail"))
                .collect();
            assert!(lines.len() > 10, "{lines:#?}");
            let scans = lines.iter().filter(|line| line.starts_with("SCAN"));
            let tables: Vec<&String> = scans
                .filter(|line| {
                    !line.starts_with("SCAN asked VIRTUAL") && *line != "SCAN CONSTANT ROW"
                })
                .collect();
            assert!(tables.is_empty(), "{tables:?} in {lines:#?}");
            assert!(
                !lines
                    .iter()
                    .any(|line| line.contains("AUTOMATIC") || line.contains("TEMP B-TREE")),
                "{lines:#?}"
            );
        }
    }

    /// A record of any age, with rows of its time in it, is brought up to date and loses none of them.
    #[tokio::test]
    async fn every_older_record_is_brought_up_to_date_with_its_rows() {
        const ROWS: &str = "
            insert into member (member_id, name, business_email, business_email_key, login_method, status, role)
                values ('m', 'Mina Park', 'mina@acme.example', 'mina@acme.example', 'business_email', 'active', 'member');
            insert into link values ('slack', 'UMINA', 'mina@acme.example', 1);
            insert into reset (reset_id, platform, tenant, chat_user, admin_id, admin_name, admin_email, member_id,
                    member_name, member_email, state, edition, is_typed, also_show, offered_at, expires_at, claimed_at,
                    changing_at, changed_at, finished_at)
                values ('00000000000000000000000000000001', 'slack', 'T', 'UJO', 'a', 'Jo Lim', 'jo@acme.example', 'm',
                    'Mina Park', 'mina@acme.example', 'delivered', 1, 0, 0, 1, 2, 3, 4, 5, 6);
            insert into step values ('00000000000000000000000000000001', 'change', 'done', null, 5);
            insert into slot values ('a', 3, '00000000000000000000000000000001', null);
            insert into replay_key values ('0000000001-x', 1);
            insert into audit (noted_at, event, outcome) values (1, 'command', 'offered');";
        const CONTACT: &str =
            "insert into contact (member_id, channel, address, added_by, added_at)
            values ('m', 'email', 'mina@mail.example', 'a', 1)";
        for age in 1..migrations().len() {
            let mut connection = SqliteConnectOptions::new()
                .in_memory(true)
                .connect()
                .await
                .unwrap();
            let older = migrations().into_iter().take(age).collect();
            Migrator::with_migrations(older)
                .run(&mut connection)
                .await
                .unwrap();
            connection.execute(ROWS).await.unwrap();
            if age > 1 {
                connection.execute(CONTACT).await.unwrap();
            }
            migrate(&mut connection).await.unwrap();
            for (table, rows) in [
                ("member", 1),
                ("link", 1),
                ("step", 1),
                ("slot", 1),
                ("replay_key", 1),
                ("audit", 1),
                ("contact", i64::from(age > 1)),
            ] {
                let count =
                    sqlx::query(sqlx::AssertSqlSafe(format!("select count(*) from {table}")));
                let found: i64 = count.fetch_one(&mut connection).await.unwrap().get(0);
                assert_eq!(found, rows, "{table} of age {age}");
            }
            let resets = format!("select {} from reset", <ResetRow as rows::Table>::ROW);
            let reset = sqlx::query(sqlx::AssertSqlSafe(resets))
                .fetch_one(&mut connection)
                .await
                .unwrap();
            let reset: ResetRow = rows::read(&reset).unwrap();
            assert_eq!(
                (reset.state, reset.carries),
                (State::Delivered, Carries::Password)
            );
            let sound: String = sqlx::query("pragma integrity_check")
                .fetch_one(&mut connection)
                .await
                .unwrap()
                .get(0);
            assert_eq!(sound, "ok", "age {age}");
        }
    }
}
