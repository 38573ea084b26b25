//! What opening does beside another process, and beside a read that does not end.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::migrate::Migrator;

use super::super::engine::params;
use super::super::migrations::migrations;
use super::*;
use crate::domain::Moment;

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

/// SQLite goes on with a statement for which nobody waits. The program ends nevertheless, and what was written stays.
#[tokio::test]
async fn a_read_that_does_not_end_keeps_nobody_from_closing() {
    let folder = std::env::temp_dir().join(format!("relatch-endless-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("relatch.db");
    let file = Arc::new(DatabaseFile::open(&path, Absent::Begin).unwrap());
    // The statement waits in this comparison until the test lets it go on, or has failed to.
    let (go_on, waits) = std::sync::mpsc::channel::<()>();
    let (waits, has_ended) = (Mutex::new(waits), Arc::new(AtomicBool::new(false)));
    let ended = Arc::clone(&has_ended);
    let slow = options(&path).collation("slow", move |one: &str, other: &str| {
        if !ended.load(Ordering::SeqCst) {
            let waited = waits.lock().unwrap().recv_timeout(Duration::from_mins(1));
            ended.store(waited.is_err(), Ordering::SeqCst);
        }
        one.cmp(other)
    });
    let writing = options(&path).journal_mode(SqliteJournalMode::Wal);
    let mut writer = writing.connect().await.unwrap();
    for statement in [
        "create table kept (name text)",
        "insert into kept values ('a'), ('b')",
    ] {
        sqlx::query(statement).execute(&mut writer).await.unwrap();
    }
    let (give_up, closing) = Closing::new();
    let opening = Arc::new(Opening {
        options: slow,
        file: path.clone(),
        opened: file.identity().unwrap(),
    });
    let [slow_readers, readers] = [
        Readers::open(1, &opening, &give_up).await.unwrap(),
        Readers::open(1, &opening, &give_up).await.unwrap(),
    ];
    drop(give_up);
    let mut reading = engine::Connection::reader(&slow_readers, Moment(0))
        .await
        .unwrap();
    let sorted = "select name from kept order by name collate slow limit 1";
    let asked = reading.one::<(String,)>(sorted, params![]);
    assert!(
        tokio::time::timeout(Duration::from_millis(200), asked)
            .await
            .is_err()
    );
    drop(reading);
    let (_running, task) = tokio::sync::watch::channel(());
    let tasks = StoreTasks {
        writer: spawn(std::future::ready((Some(writer), Arc::clone(&file)))),
        readers: [slow_readers, readers],
        closing: spawn(close_given_up(closing, Arc::clone(&file))),
        watch: Watch::new(&path, task).unwrap(),
        was_brought_up_to_date: false,
        file,
    };
    tasks.finish().await;
    assert!(
        !has_ended.load(Ordering::SeqCst),
        "the end waited for the read"
    );
    go_on.send(()).unwrap();
    let mut next = options(&path).connect().await.unwrap();
    let count = sqlx::query("select count(*) from kept")
        .fetch_one(&mut next)
        .await;
    assert_eq!(count.unwrap().get::<i64, _>(0), 2);
    next.close().await.unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
}
