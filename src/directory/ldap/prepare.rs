//! The look-up right before a change, with its deadline.

use std::time::Duration;

use crate::directory::ResetFailed;

/// How long the look-up before a change may take; together with the change it stays below the deadline of a change.
const PREPARE_DEADLINE: Duration = Duration::from_secs(6);

/// What is looked up; not sent where that takes too long.
pub(in crate::directory) async fn prepared<T>(
    directory: &str,
    look_up: impl Future<Output = Result<T, ResetFailed>>,
) -> Result<T, ResetFailed> {
    prepared_within(PREPARE_DEADLINE, directory, look_up).await
}

async fn prepared_within<T>(
    deadline: Duration,
    directory: &str,
    look_up: impl Future<Output = Result<T, ResetFailed>>,
) -> Result<T, ResetFailed> {
    let ended = tokio::time::timeout(deadline, look_up).await;
    ended.unwrap_or_else(|_elapsed| {
        tracing::warn!(
            directory,
            ?deadline,
            "the look-up before a change took too long"
        );
        Err(ResetFailed::NotSent)
    })
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek};

    use super::*;

    #[tokio::test]
    async fn a_look_up_that_takes_too_long_is_logged_and_nothing_is_sent() {
        let path = std::env::temp_dir().join(format!("relatch-prepare-{}", std::process::id()));
        let mut log = std::fs::File::options()
            .create(true)
            .truncate(true)
            .read(true)
            .write(true)
            .open(&path)
            .unwrap();
        let writer = log.try_clone().unwrap();
        let lines = tracing_subscriber::fmt()
            .with_writer(move || writer.try_clone().unwrap())
            .with_ansi(false)
            .finish();
        let guard = tracing::subscriber::set_default(lines);
        let never = std::future::pending::<Result<(), ResetFailed>>();
        let ended = prepared_within(Duration::ZERO, "Corp directory", never).await;
        drop(guard);
        assert_eq!(ended, Err(ResetFailed::NotSent));
        let mut text = String::new();
        log.rewind().unwrap();
        log.read_to_string(&mut text).unwrap();
        assert!(
            text.contains("took too long directory=\"Corp directory\""),
            "{text}"
        );
        std::fs::remove_file(&path).unwrap();
    }
}
