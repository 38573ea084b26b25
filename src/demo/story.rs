//! One whole reset in the terminal, as the people in it see it.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::boxes;
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

    print(&format!(
        "Jo presses \"{}\".\n",
        label(&card, "deliver_phone")
    ))?;
    let ready = click(workspace, &card, "deliver_phone").await?;
    show("Jo sees", &ready.message)?;

    print(&format!("Jo presses \"{}\".\n", label(&ready, "confirm")))?;
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
    workspace.click(&said.to, &said.id, action, &[]).await?;
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

/// What stands on a button of a message.
fn label(said: &ShownMessage, action: &str) -> String {
    let button = boxes::pressables(&said.message).find(|one| one.element["action_id"] == action);
    let label = button.and_then(|one| one.element.pointer("/text/text").cloned());
    label
        .as_ref()
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn is_working(message: &Value) -> bool {
    message["text"]
        .as_str()
        .is_some_and(|text| text.starts_with(&messages::working().title))
}

/// Prints a message as it looks in the chat.
fn show(who: &str, message: &Value) -> Result<(), DemoError> {
    let blocks = message["blocks"].as_array().into_iter().flatten();
    let lines: Vec<String> = blocks.flat_map(lines_of).collect();
    print(&format!(
        "── {who} (only they can see it)\n{}\n",
        indent(&lines.join("\n"))
    ))?;
    Ok(())
}

/// The lines of one block. Two fields stand beside each other, and the elements of one block in one line.
fn lines_of(block: &Value) -> Vec<String> {
    let list = |name: &str| block[name].as_array().map_or(&[][..], Vec::as_slice);
    let mut lines: Vec<String> = block
        .pointer("/text/text")
        .and_then(Value::as_str)
        .map(str::to_owned)
        .into_iter()
        .collect();
    for pair in list("fields").chunks(2) {
        let pair: Vec<&str> = pair.iter().filter_map(|one| one["text"].as_str()).collect();
        lines.push(pair.join("  |  "));
    }
    let elements: String = list("elements").iter().map(label_of).collect();
    lines.extend(Some(elements.trim_end().to_owned()).filter(|line| !line.is_empty()));
    let beside = &block["accessory"];
    if !beside.is_null() {
        lines.push(label_of(beside).trim_end().to_owned());
    }
    lines
}

/// An element as text: a button, boxes, the words of a rich text, or small print.
fn label_of(element: &Value) -> String {
    let list = |name: &str| element[name].as_array().into_iter().flatten();
    match element["type"].as_str() {
        Some("button") => format!(
            "[{}] ",
            element
                .pointer("/text/text")
                .and_then(Value::as_str)
                .unwrap_or_default()
        ),
        Some("checkboxes") => {
            let ticked = &element["initial_options"];
            let is_ticked = |one| ticked.as_array().is_some_and(|ticked| ticked.contains(one));
            list("options")
                .flat_map(|one| {
                    let label = one
                        .pointer("/text/text")
                        .and_then(Value::as_str)
                        .unwrap_or_default();
                    [if is_ticked(one) { "☑ " } else { "☐ " }, label, "  "]
                })
                .collect()
        }
        Some("rich_text_section") => list("elements")
            .filter_map(|part| part["text"].as_str())
            .collect(),
        _ => format!("{} ", element["text"].as_str().unwrap_or_default()),
    }
}

fn indent(text: &str) -> String {
    text.lines()
        .map(|line| format!("   {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}
