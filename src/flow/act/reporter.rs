//! Speaks to one administrator about one reset, so that "Working …" never comes after the result.

use std::sync::Arc;

use tokio::sync::Mutex;

use crate::app::{App, ProgressTold, QueuedReset};
use crate::chat::{Adapter, Chat, Message, Placement, ReplyAddress, ShownPassword};
use crate::domain::delivery::{Outcome, Refusal};
use crate::domain::{Password, ResetId};
use crate::flow::messages;
use crate::flow::reply::{tell, tell_unless_last};
use crate::store::{MoveRefused, ResetRow};

/// The administrator of one reset.
pub(super) struct Reporter<'a> {
    pub(super) chat: &'a Chat,
    pub(super) reply: Option<ReplyAddress>,
    told: Arc<Mutex<ProgressTold>>,
}

impl<'a> Reporter<'a> {
    pub(super) fn new(chat: &'a Chat, reply: Option<ReplyAddress>) -> Self {
        let told = Arc::default();
        Self { chat, reply, told }
    }

    pub(super) fn of(chat: &'a Chat, queued: &QueuedReset) -> Self {
        Self {
            told: Arc::clone(&queued.told),
            ..Self::new(chat, queued.reply.clone())
        }
    }

    /// True while neither "Working …" nor the result was sent.
    pub(super) async fn has_told_nothing(&self) -> bool {
        *self.told.lock().await == ProgressTold::Nothing
    }

    /// From here on no "Working …" may be sent.
    pub(super) async fn close(&self) {
        *self.told.lock().await = ProgressTold::Result;
    }

    pub(super) async fn say_working(&self) {
        say_working(self.chat, self.reply.as_ref(), &self.told).await;
    }

    /// True where a message can still be sent.
    pub(super) fn can_reply(&self) -> bool {
        self.reply
            .as_ref()
            .is_some_and(|to| self.chat.uses_left(to) > 0)
    }

    /// Sends the result with the password in it.
    pub(super) async fn show(&self, message: &Message, password: &Password) -> Outcome {
        self.close().await;
        match &self.reply {
            Some(to) => {
                let shown = ShownPassword {
                    password,
                    spoken_label: messages::SAY_IT,
                };
                self.chat.show(to, message, &shown).await
            }
            None => Outcome::Refused(Refusal::Unreachable),
        }
    }

    /// Tells how a refused reset ended, and records that it was told.
    pub(super) async fn tell_refused(
        &self,
        app: &App,
        id: ResetId,
        told: &Message,
    ) -> Result<(), MoveRefused> {
        if self.say(told).await {
            app.store.told(id).await?;
        }
        Ok(())
    }

    /// Same for a reset that went further. An undelivered one can continue as soon as the administrator has read this, so
    /// it is recorded for exactly this state.
    pub(super) async fn tell_ended(
        &self,
        app: &App,
        row: &ResetRow,
        told: &Message,
    ) -> Result<(), MoveRefused> {
        if self.say(told).await {
            app.store.told_as(row).await?;
        }
        Ok(())
    }

    async fn say(&self, message: &Message) -> bool {
        self.close().await;
        tell(self.chat, self.reply.as_ref(), message, Placement::Replace).await
    }
}

/// Says "Working …" to an administrator who was told nothing yet.
pub(in crate::flow) async fn say_working(
    chat: &Chat,
    reply: Option<&ReplyAddress>,
    told: &Mutex<ProgressTold>,
) {
    let mut told = told.lock().await;
    if *told == ProgressTold::Nothing {
        *told = ProgressTold::Working;
        tell_unless_last(chat, reply, &messages::working(), Placement::Replace).await;
    }
}
