//! One whole reset in the terminal, as the people in it see it.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::error::DemoError;
use super::people::APP_NAME;
use super::state::ShownMessage;
use super::terminal::print;
use super::workspace::Workspace;
use crate::flow::messages;

/// How long the story waits for a message: longer than a busy machine takes.
const MESSAGE_DEADLINE: Duration = Duration::from_mins(2);

/// The command that begins a whole reset.
pub(super) const COMMAND: &str = "/reset-password @Mina Park forgot it on holiday";

pub(super) async fn play(workspace: &Workspace) -> Result<(), DemoError> {
    print(&format!("Jo Lim (primary admin) types:  {COMMAND}\n"))?;
    let card = say(workspace, "UJO", COMMAND).await?;
    show("Jo sees", &card.message)?;

    print("Jo presses \"Phone +82 ··· ··42\".\n")?;
    let ready = click(workspace, &card, "deliver_phone").await?;
    show("Jo sees", &ready.message)?;

    print("Jo presses \"Reset and send\".\n")?;
    let ended = click(workspace, &ready, "confirm").await?;
    show("Jo sees", &ended.message)?;
    for sent in workspace.state(|state| std::mem::take(&mut state.inbox)) {
        let channel = sent.channel.facts().message;
        let heading = if sent.subject.is_empty() {
            String::new()
        } else {
            format!(" · {}", sent.subject)
        };
        print(&format!(
            "── {channel} to {}{heading}\n{}\n",
            sent.to,
            indent(sent.text.trim_end())
        ))?;
    }

    print("Lee Han (no administrator) tries the same:\n")?;
    let refused = say(workspace, "ULEE", "/reset-password @Mina Park").await?;
    show("Lee sees", &refused.message)?;
    match workspace
        .state(|state| state.rules_broken_at_any_speed())
        .as_slice()
    {
        [] => Ok(()),
        broken => Err(format!("Slack's rules were broken: {}", broken.join("; ")).into()),
    }
}

/// Types a command, and waits for what relatch says to it.
async fn say(workspace: &Workspace, user: &str, text: &str) -> Result<ShownMessage, DemoError> {
    workspace.say(user, text).await?;
    wait_for(workspace, |shown| {
        shown.to == user && shown.from == APP_NAME
    })
    .await
}

/// Presses a button, and waits until its message is replaced.
async fn click(
    workspace: &Workspace,
    said: &ShownMessage,
    action: &str,
) -> Result<ShownMessage, DemoError> {
    workspace.click(&said.to, &said.id, action).await?;
    wait_for(workspace, |shown| {
        shown.id == said.id && shown.message != said.message
    })
    .await
}

/// The newest such message, as soon as it is there; "Working …" only stands in for one.
async fn wait_for(
    workspace: &Workspace,
    is_meant: impl Fn(&ShownMessage) -> bool,
) -> Result<ShownMessage, DemoError> {
    let until = Instant::now() + MESSAGE_DEADLINE;
    loop {
        let found = workspace.state(|state| {
            let mut newest = state.messages.iter().rev();
            newest
                .find(|shown| is_meant(shown) && !is_working(&shown.message))
                .cloned()
        });
        if let Some(found) = found {
            return Ok(found);
        }
        if Instant::now() > until {
            let seconds = MESSAGE_DEADLINE.as_secs();
            return Err(format!("no message came within {seconds} seconds").into());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn is_working(message: &Value) -> bool {
    message["text"]
        .as_str()
        .is_some_and(|text| text.starts_with(&messages::working().title))
}

/// Prints a message as it looks in the chat.
fn show(who: &str, message: &Value) -> Result<(), DemoError> {
    let mut lines = Vec::new();
    let mut buttons = Vec::new();
    for block in message["blocks"].as_array().into_iter().flatten() {
        lines.extend(
            block
                .pointer("/text/text")
                .and_then(Value::as_str)
                .map(str::to_owned),
        );
        let elements = block["elements"].as_array().into_iter().flatten();
        let labels =
            elements.filter_map(|button| button.pointer("/text/text").and_then(Value::as_str));
        buttons.extend(labels.map(|label| format!("[{label}]")));
    }
    if !buttons.is_empty() {
        lines.push(buttons.join(" "));
    }
    print(&format!(
        "── {who} (only they can see it)\n{}\n",
        indent(&lines.join("\n"))
    ))?;
    Ok(())
}

fn indent(text: &str) -> String {
    text.lines()
        .map(|line| format!("   {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}
