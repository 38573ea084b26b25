//! One whole reset in the terminal, as the people in it see it.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::error::DemoError;
use super::state::ShownMessage;
use super::terminal::print;
use super::workspace::Workspace;

/// How long the story waits for a message.
const MESSAGE_DEADLINE: Duration = Duration::from_secs(10);

/// Plays the story.
pub(super) async fn play(workspace: &Workspace) -> Result<(), DemoError> {
    print("Jo Lim (primary admin) types:  /reset-password @Mina Park forgot it on holiday\n")?;
    workspace
        .say("UJO", "/reset-password @Mina Park forgot it on holiday")
        .await?;
    let card = last(workspace, "UJO")?;
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
    workspace.say("ULEE", "/reset-password @Mina Park").await?;
    show("Lee sees", &last(workspace, "ULEE")?.message)?;
    match workspace.state(|state| state.broken_rules()).as_slice() {
        [] => Ok(()),
        broken => Err(format!("Slack's rules were broken: {}", broken.join("; ")).into()),
    }
}

fn last(workspace: &Workspace, user: &str) -> Result<ShownMessage, DemoError> {
    let found =
        workspace.state(|state| state.messages.iter().rfind(|said| said.to == user).cloned());
    found.ok_or_else(|| "no message came".into())
}

/// Presses a button, and waits until its message is replaced.
async fn click(
    workspace: &Workspace,
    said: &ShownMessage,
    action: &str,
) -> Result<ShownMessage, DemoError> {
    workspace.click(&said.to, &said.id, action).await?;
    let until = Instant::now() + MESSAGE_DEADLINE;
    loop {
        let now = workspace
            .message(&said.to, &said.id)
            .ok_or("the message is gone")?;
        let text = now
            .message
            .get("text")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if now.message != said.message && !text.starts_with("Working") {
            return Ok(now);
        }
        if Instant::now() > until {
            return Err("no message came".into());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
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
