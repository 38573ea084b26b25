//! What people do in the chat: commands, clicks, forms, and whole resets.

use std::time::Duration;

use axum::http::StatusCode;
use relatch::surface::domain::{Platform, Span};

use super::post::Answer;
use super::{TestBot, discord, is_group, lark, mattermost, slack};

/// How often something is tried that a busy machine can make late.
const TRIES: u32 = 3;

/// Tries something that is about time: a busy machine is late now and then, a fault is late every time.
pub(crate) async fn one_try_of_three<T: Future<Output = Result<(), String>>>(
    try_it: impl Fn() -> T,
) {
    let mut failed = Vec::new();
    for _ in 0..TRIES {
        match try_it().await {
            Ok(()) => return,
            Err(why) => failed.push(why),
        }
    }
    panic!("each time: {failed:#?}");
}

/// The heading of what comes beside an answer.
pub(crate) const NEWS: &str = "Since your last command";

/// The last of these messages that is no news beside another one.
pub(super) fn without_news(said: &[serde_json::Value]) -> Vec<u8> {
    let mut answers = said
        .iter()
        .filter(|said| !slack::text_of(said).starts_with(NEWS));
    let answer = answers.next_back();
    answer.map_or_else(Vec::new, |said| said.to_string().into_bytes())
}

/// Nothing yet, or "Working …": the answer follows.
fn is_stand_in(answer: &Answer) -> bool {
    answer.body.is_empty() || answer.text().starts_with("Working")
}

impl TestBot {
    /// The same people, from now on on this platform.
    pub(crate) fn on(&self, platform: Platform) -> &Self {
        *self.platform.lock().unwrap() = platform;
        self
    }

    pub(crate) fn platform(&self) -> Platform {
        *self.platform.lock().unwrap()
    }

    pub(super) fn next(&self) -> u32 {
        self.serial
            .fetch_add(1, std::sync::atomic::Ordering::SeqCst)
    }

    /// Types a command as the person with this work e-mail. What came in place of "Working …", if that came first.
    pub(crate) async fn command(&self, who: &str, text: &str) -> Answer {
        let before = self.slack.said().len();
        let answer = Box::pin(self.first_answer(who, text)).await;
        if answer.status != StatusCode::OK || !is_stand_in(&answer) {
            return answer;
        }
        self.settle().await;
        let said = self.slack.said().split_off(before);
        Answer {
            body: without_news(&said),
            ..answer
        }
    }

    /// What came beside the answer to a command: the text of the message after it, which has no buttons. None if nothing came.
    pub(crate) async fn news_beside(&self, who: &str, text: &str) -> Option<String> {
        let before = self.slack.said().len();
        self.command(who, text).await;
        self.settle().await;
        let said = self.slack.said().split_off(before);
        let last = said.last()?;
        let text = slack::text_of(last);
        text.starts_with(NEWS).then_some(text)
    }

    /// Types a command. The text of the answer, and of the news beside it.
    pub(crate) async fn command_with_news(&self, who: &str, text: &str) -> String {
        let before = self.slack.said().len();
        let answer = self.command(who, text).await.text();
        self.settle().await;
        let said = self.slack.said().split_off(before);
        let news = said.iter().map(slack::text_of);
        let news = news.filter(|said| said.starts_with(NEWS));
        std::iter::once(answer)
            .chain(news)
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// Types a command without waiting for more than the answer in which the platform shows something.
    pub(crate) async fn first_answer(&self, who: &str, text: &str) -> Answer {
        let serial = self.next();
        match self.platform() {
            Platform::Discord => {
                self.post_to_discord(discord::command_body(&discord::id_of(who), text, serial))
                    .await
            }
            Platform::Mattermost => {
                let (who, reply) = (
                    mattermost::id_of(who),
                    format!(
                        "{}/mm/hooks/commands/{}",
                        self.slack.base,
                        mattermost::hook_id(serial)
                    ),
                );
                let body = mattermost::command_body(&who, text, &reply, serial, self.clock.now());
                let before = self.slack.said().len();
                let answer = self.post_to_mattermost("/mattermost/commands", body).await;
                if !answer.body.is_empty() || answer.status != StatusCode::OK {
                    return answer;
                }
                // What is for nobody else comes by a post of its own.
                self.settle().await;
                let said = self.slack.said().split_off(before);
                Answer {
                    body: without_news(&said),
                    ..answer
                }
            }
            Platform::Lark => {
                let (who, now) = (lark::id_of(who), self.clock.now());
                self.post_to_lark(&lark::command_body(&who, text, is_group(), serial, now))
                    .await
            }
            Platform::Slack => {
                let body = slack::command_body(
                    &slack::user_id(who),
                    &slack::escaped(text),
                    &self.slack.reply_url(serial),
                );
                self.post("/slack/commands", &body).await
            }
        }
    }

    /// Waits until something like this was said after the first `before` messages.
    pub(crate) async fn wait_until_said(
        &self,
        before: usize,
        is_meant: impl Fn(&serde_json::Value) -> bool,
    ) {
        let said = async {
            while !self.slack.said()[before..].iter().any(&is_meant) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let in_time = tokio::time::timeout(Duration::from_mins(1), said).await;
        in_time.expect("it was never said");
    }

    /// Presses a button of a message, and waits for everything that follows.
    pub(crate) async fn click(
        &self,
        who: &str,
        message: &serde_json::Value,
        action: &str,
    ) -> Answer {
        let value = slack::button_value(message, action)
            .unwrap_or_else(|| panic!("no button {action} in {message:#}"));
        if self.platform() != Platform::Slack {
            return self.click_value(who, action, &value).await;
        }
        let (who, serial) = (slack::user_id(who), self.next());
        let reply = self.slack.reply_url(serial);
        let body =
            slack::click_on_body(&self.slack.memory, &who, message, action, (&reply, serial));
        let answer = self.post("/slack/interactions", &body).await;
        self.settle().await;
        answer
    }

    pub(crate) async fn click_value(&self, who: &str, action: &str, value: &str) -> Answer {
        let answer = self.click_and_go(who, action, value).await;
        self.settle().await;
        answer
    }

    /// Presses a button without waiting for what follows.
    pub(crate) async fn click_and_go(&self, who: &str, action: &str, value: &str) -> Answer {
        let serial = self.next();
        match self.platform() {
            Platform::Discord => {
                return self
                    .post_to_discord(discord::click_body(
                        &discord::id_of(who),
                        action,
                        value,
                        serial,
                    ))
                    .await;
            }
            Platform::Mattermost => {
                let body = mattermost::click_body(
                    &mattermost::id_of(who),
                    action,
                    value,
                    serial,
                    self.clock.now(),
                );
                return self.post_to_mattermost("/mattermost/actions", body).await;
            }
            Platform::Lark => {
                let (who, now) = (lark::id_of(who), self.clock.now());
                return self
                    .send_to_lark(&lark::click_body(
                        &who,
                        action,
                        value,
                        is_group(),
                        serial,
                        now,
                    ))
                    .await;
            }
            Platform::Slack => {}
        }
        let body = slack::click_with_boxes_body(
            &self.slack.memory,
            &slack::user_id(who),
            (action, value),
            &self.slack.reply_url(serial),
            serial,
        );
        self.post("/slack/interactions", &body).await
    }

    /// Sends the form that was opened last.
    pub(crate) async fn submit(&self, who: &str, typed: &str) -> Answer {
        let (view, serial) = (self.slack.last_view(), self.next());
        let answer = match self.platform() {
            Platform::Discord => {
                let is_older = serial.is_multiple_of(2);
                self.post_to_discord(discord::form_body(
                    &discord::id_of(who),
                    &view,
                    typed,
                    serial,
                    is_older,
                ))
                .await
            }
            Platform::Mattermost => {
                let body = mattermost::form_body(&mattermost::id_of(who), &view, typed);
                self.post_to_mattermost("/mattermost/dialogs", body).await
            }
            Platform::Lark => {
                let (who, now) = (lark::id_of(who), self.clock.now());
                self.send_to_lark(&lark::form_body(
                    &who,
                    &view,
                    typed,
                    is_group(),
                    serial,
                    now,
                ))
                .await
            }
            Platform::Slack => {
                self.post(
                    "/slack/interactions",
                    &slack::form_body(&slack::user_id(who), &view, typed, serial),
                )
                .await
            }
        };
        self.settle().await;
        answer
    }

    /// The card for a member, from the command.
    pub(crate) async fn card(&self, who: &str, member: &str) -> serde_json::Value {
        let answer = self
            .command(who, &format!("<@{}|someone>", slack::user_id(member)))
            .await;
        assert_eq!(answer.status, StatusCode::OK);
        answer.json()
    }

    /// Chooses another way after a failed delivery, and confirms it.
    pub(crate) async fn another_way(&self, who: &str, message: &serde_json::Value, action: &str) {
        self.click(who, message, action).await;
        self.click(who, &self.slack.last(), "confirm").await;
    }

    /// From the command to the last look by a way of delivery.
    pub(crate) async fn last_look(
        &self,
        who: &str,
        member: &str,
        action: &str,
    ) -> serde_json::Value {
        let card = self.card(who, member).await;
        // What comes beside the card comes before the click.
        self.settle().await;
        self.click(who, &card, action).await;
        self.slack.last()
    }

    /// A whole reset; the message at its end.
    pub(crate) async fn reset(&self, who: &str, member: &str, action: &str) -> serde_json::Value {
        let ready = self.last_look(who, member, action).await;
        self.click(who, &ready, "confirm").await;
        self.slack.last()
    }

    /// A reset by Copy, and a second later: the password.
    pub(crate) async fn reset_by_copy(&self, admin: &str, member: &str) -> String {
        let card = self.card(admin, member).await;
        let card = if slack::button_value(&card, "deliver_copy").is_some() {
            card
        } else {
            self.click(admin, &card, "reachable").await;
            self.slack.last()
        };
        self.click(admin, &card, "deliver_copy").await;
        self.click(admin, &self.slack.last(), "confirm").await;
        let password = slack::shown_password(&self.slack.last()).expect("the password is shown");
        self.clock.advance(Span::seconds(1));
        password
    }
}
