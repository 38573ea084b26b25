//! Mattermost's API for slash commands and teams, as its server answers the bot.

use std::collections::HashMap;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::answers::app_error;
use super::{BOT, Memory, TEAM, is_bot, server};

/// Permission to make commands and to change one's own.
pub(crate) const OWN: &str = "manage_own_slash_commands";
/// Permission to see and change those of others too.
pub(crate) const OTHERS: &str = "manage_others_slash_commands";

/// `SetPermissionError` in `web/context.go`.
fn forbidden() -> Response {
    app_error(StatusCode::FORBIDDEN, "api.context.permissions.app_error")
}

fn disabled() -> Response {
    app_error(
        StatusCode::NOT_IMPLEMENTED,
        "api.command.disabled.app_error",
    )
}

/// `SetCommandNotFoundError` in `web/context.go`.
fn not_found() -> Response {
    app_error(
        StatusCode::NOT_FOUND,
        "store.sql_command.save.get.app_error",
    )
}

fn answer(status: StatusCode, body: &Value) -> Response {
    (
        status,
        [(header::CONTENT_TYPE, "application/json")],
        body.to_string(),
    )
        .into_response()
}

/// `SessionHasPermissionToTeam` in `app/authorization.go`: a role of the whole system counts for every team id, also for
/// one that does not exist.
fn may(memory: &Memory, permission: &str) -> bool {
    server(memory).permissions.contains(&permission)
}

fn trigger_of(command: &Value) -> String {
    command["trigger"]
        .as_str()
        .unwrap_or_default()
        .to_lowercase()
}

/// `view_team`, which a member of the team has, and a system administrator.
fn sees_team(memory: &Memory) -> bool {
    server(memory).is_in_team || may(memory, super::MANAGE_SYSTEM)
}

/// `listCommands` in `api4/command.go`: with `custom_only`, and without the permission for others' commands, only one's own.
pub(super) async fn list(
    State(memory): State<Memory>,
    Query(asked): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    is_bot(&headers);
    let team = asked.get("team_id").cloned().unwrap_or_default();
    assert_eq!(asked.get("custom_only").map(String::as_str), Some("true"));
    if !sees_team(&memory) || !may(&memory, OWN) {
        return forbidden();
    }
    let sees_all = may(&memory, OTHERS);
    let mut server = server(&memory);
    if let Some(lost) = server.lost_after_list {
        server.permissions.retain(|held| *held != lost);
    }
    if !server.enable_commands {
        return disabled();
    }
    let seen: Vec<&Value> = server
        .commands
        .iter()
        .filter(|one| one["team_id"] == team.as_str())
        .filter(|one| sees_all || one["creator_id"] == BOT)
        .collect();
    answer(StatusCode::OK, &json!(seen))
}

/// `createCommand` in `api4/command.go` and `app/command.go`.
pub(super) async fn create(
    State(memory): State<Memory>,
    headers: HeaderMap,
    body: String,
) -> Response {
    is_bot(&headers);
    let mut command: Value = serde_json::from_str(&body).unwrap();
    if !may(&memory, OWN) {
        return forbidden();
    }
    let mut server = server(&memory);
    if !server.enable_commands {
        return disabled();
    }
    // `validateCommandTriggerUniqueness` in `app/command.go`: in all commands of the team, seen by the bot or not.
    let is_same = |one: &Value| {
        one["team_id"] == command["team_id"] && trigger_of(one) == trigger_of(&command)
    };
    if server.commands.iter().any(is_same) {
        return app_error(
            StatusCode::BAD_REQUEST,
            "api.command.duplicate_trigger.app_error",
        );
    }
    command["creator_id"] = BOT.into();
    command["id"] = format!("command{:019}", server.commands.len()).into();
    command["token"] = super::TOKEN.into();
    server.commands.push(command.clone());
    answer(StatusCode::CREATED, &command)
}

/// `updateCommand` in `api4/command.go`: 404 also where commands are off or the permission is missing; the token and the
/// creator stay (`UpdateCommand` in `app/command.go`).
pub(super) async fn update(
    State(memory): State<Memory>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: String,
) -> Response {
    is_bot(&headers);
    let changed: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(changed["id"], id.as_str());
    let (may_own, may_others) = (may(&memory, OWN), may(&memory, OTHERS));
    let mut server = server(&memory);
    let enable_commands = server.enable_commands;
    let known = server
        .commands
        .iter_mut()
        .find(|one| one["id"] == id.as_str());
    match known.filter(|_| may_own && enable_commands) {
        None => not_found(),
        Some(known) if known["creator_id"] != BOT && !may_others => forbidden(),
        Some(known) => {
            let kept = ["token", "creator_id"].map(|name| (name, known[name].clone()));
            *known = changed;
            for (name, value) in kept {
                known[name] = value;
            }
            answer(StatusCode::OK, known)
        }
    }
}

/// `getTeam` in `api4/team.go`: 404 for none, 403 for a team that is not open to all and that the bot may not see; an
/// archived one is told with the time at which it was archived.
pub(super) async fn team(
    State(memory): State<Memory>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    is_bot(&headers);
    let delete_at = server(&memory).team_deleted_at;
    if id == TEAM && !sees_team(&memory) {
        forbidden()
    } else if id == TEAM {
        let team = json!({
            "id": TEAM, "create_at": 1, "update_at": 1, "delete_at": delete_at, "display_name": "Acme", "name": "acme",
            "type": "O", "allow_open_invite": false,
        });
        answer(StatusCode::OK, &team)
    } else {
        app_error(StatusCode::NOT_FOUND, "app.team.get.find.app_error")
    }
}
