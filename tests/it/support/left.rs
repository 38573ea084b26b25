//! What no test may leave behind without saying why.

use std::time::Duration;

use super::TestBot;
use super::start::BotParts;

/// What nobody may leave behind at the end of a test without saying why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// SMS and e-mails that the test did not read.
    Messages,
    /// Background work.
    Tasks,
    /// Resets that were confirmed and have no end.
    Resets,
}

impl TestBot {
    /// The test leaves this behind, for a reason.
    pub(crate) fn leaves(&self, what: Left, reason: &str) {
        assert!(!reason.is_empty());
        self.left.lock().unwrap().push(what);
    }

    /// Another bot goes on with the same database and outbox, and is checked at its own end.
    pub(super) fn hand_over(self) -> BotParts {
        let everything = vec![Left::Messages, Left::Tasks, Left::Resets];
        let left = std::mem::replace(&mut *self.left.lock().unwrap(), everything);
        BotParts {
            left,
            ..self.parts.clone()
        }
    }

    /// Whether background work ends by itself soon.
    fn tasks_end(&self) -> bool {
        self.app.tasks.close();
        // Only this kind of runtime can be waited for here.
        let runtime = tokio::runtime::Handle::try_current()
            .ok()
            .filter(|at| at.runtime_flavor() == tokio::runtime::RuntimeFlavor::MultiThread);
        if let Some(runtime) = runtime {
            tokio::task::block_in_place(|| {
                let ended = async {
                    tokio::time::timeout(Duration::from_secs(10), self.app.tasks.wait()).await
                };
                runtime.block_on(ended).is_ok()
            })
        } else {
            self.app.tasks.is_empty()
        }
    }

    /// What is left behind, and was not meant to be.
    pub(crate) fn left_behind(&self) -> Vec<String> {
        let left = self.left.lock().unwrap();
        let mut found = Vec::new();
        if !left.contains(&Left::Tasks) && !self.tasks_end() {
            found.push(format!("{} tasks are at work", self.app.tasks.len()));
        }
        let states = states_of_resets(&self.parts.folder.join("relatch.db"));
        let unfinished = ["claimed", "changing", "changed", "delivering"];
        if !left.contains(&Left::Resets) {
            let without_end = states
                .iter()
                .filter(|state| unfinished.contains(&&***state));
            found.extend(without_end.map(|state| format!("a reset is {state}")));
        }
        if !left.contains(&Left::Messages) {
            found.extend(unread(&self.outbox.take(), states.len()));
        }
        found
    }
}

/// At the end of every test: the platforms' rules were kept, and nothing is left behind.
impl Drop for TestBot {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let broken = self.slack.broken();
        assert!(
            broken.is_empty(),
            "a rule of the platform was broken: {broken:#?}"
        );
        let left = self.left_behind();
        assert!(left.is_empty(), "the test leaves behind: {left:#?}");
    }
}

/// The messages that a test should have read. Every reset sends a notice to each contact of the member, which only the
/// tests of notices read; more notices than there were resets are never in order.
fn unread(sent: &[relatch::surface::delivery::Delivered], resets: usize) -> Vec<String> {
    let is_notice = |sent: &relatch::surface::delivery::Delivered| {
        let text = if sent.subject.is_empty() {
            &sent.text
        } else {
            &sent.subject
        };
        text.starts_with("Your Acme password was reset")
            || text.starts_with("Your Acme password may have been reset")
    };
    let (notices, others): (Vec<_>, Vec<_>) = sent.iter().partition(|sent| is_notice(sent));
    let to_same = |to: &str| notices.iter().filter(|sent| sent.to == to).count();
    let too_many = notices.iter().filter(|sent| to_same(&sent.to) > resets);
    too_many
        .chain(&others)
        .map(|sent| format!("unread: to {}: {} {}", sent.to, sent.subject, sent.text))
        .collect()
}

/// The states of all resets that were confirmed. They are read on a thread of their own, because `drop` cannot wait for
/// the runtime of the test.
fn states_of_resets(database: &std::path::Path) -> Vec<String> {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(database);
    let read = async move {
        let mut connection = sqlx::ConnectOptions::connect(&options).await.unwrap();
        let rows = sqlx::query("select state from reset where claimed_at is not null")
            .fetch_all(&mut connection)
            .await
            .unwrap();
        rows.iter().map(|row| sqlx::Row::get(row, 0)).collect()
    };
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(read)
    })
    .join()
    .unwrap()
}
