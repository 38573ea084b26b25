//! Channels that were made ready for a delivery, and are closed on drop if nothing was sent.

use std::time::Duration;

use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::delivery::{NotReady, Note, Prepared};
use crate::domain::delivery::Outcome;
use crate::domain::{Plan, Step};

/// How long the channels may take to get ready.
const PREPARE_DEADLINE: Duration = Duration::from_secs(40);

/// Open connections with accepted recipients. Dropping them closes the connections in the background.
pub(super) struct ReadyChannels<'a> {
    prepared: Option<Prepared<'a>>,
    tasks: &'a TaskTracker,
}

impl<'a> ReadyChannels<'a> {
    /// Makes ready what the plan needs.
    pub(super) async fn of(app: &'a App, plan: &Plan) -> Result<Self, NotReady> {
        let ready = tokio::time::timeout(PREPARE_DEADLINE, app.deliveries.prepare(plan)).await;
        let prepared = ready.unwrap_or_else(|_elapsed| Err(NotReady::timed_out(plan)))?;
        Ok(Self {
            prepared: Some(prepared),
            tasks: &app.tasks,
        })
    }

    /// Sends every output, and names how each ended.
    pub(super) async fn send(
        mut self,
        mail: &Note,
        sms: &str,
        copy: &Note,
        id: &str,
    ) -> Vec<(Step, Outcome)> {
        match self.prepared.take() {
            Some(prepared) => Box::pin(prepared.send(mail, sms, copy, id)).await,
            None => Vec::new(),
        }
    }
}

impl Drop for ReadyChannels<'_> {
    fn drop(&mut self) {
        let Some(prepared) = self.prepared.take() else {
            return;
        };
        let open = prepared.closing();
        // Without a runtime the process is ending, and the connections end with it.
        if !open.is_empty()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let close = async move {
                for connection in open {
                    connection.await;
                }
            };
            self.tasks.spawn_on(close, &runtime);
        }
    }
}
