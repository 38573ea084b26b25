//! What the pretend Lark answers.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::{Asked, AtChange, CLIENT, Memory, WEAK, refuse, set};

/// Lark's answer with a code of its own, and status 400, as the tables of its pages have it. Where a page has no code, the one
/// here is assumed: 99991663 and 99991672 (the gateway's, as public reports quote them), 10014 (the same), and 1050001.
fn coded(code: i64, msg: &str) -> Response {
    (
        StatusCode::BAD_REQUEST,
        Json(json!({ "code": code, "msg": msg })),
    )
        .into_response()
}

pub(super) fn outward(id: &str) -> String {
    format!("ou_{}", id.replace('-', ""))
}

/// "Get custom app tenant access token", "Obtain user ID via email or mobile number", "Obtain single user's information"
/// (41012), "Reset login password" (1082003, 1084005, 1088002, 1089004), "Password reset API" (1050022), "Log out" (1080001, 1084002).
#[expect(clippy::too_many_lines, reason = "one match of the vendor's routes")]
pub(super) fn lark(memory: &mut Memory, asked: &Asked) -> Response {
    let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
    let ["open-apis", rest @ ..] = path.as_slice() else {
        return refuse(memory, "no such path");
    };
    if rest == ["auth", "v3", "tenant_access_token", "internal"] {
        let Some(body) = asked.fields(&["app_id", "app_secret"]) else {
            return refuse(memory, "fields");
        };
        let app = (
            body["app_id"].as_str().unwrap(),
            body["app_secret"].as_str().unwrap(),
        );
        if let Some(code) = memory.codes.0 {
            return coded(code, "refused");
        }
        if ![CLIENT, WEAK].contains(&app) {
            return coded(10_014, "app secret invalid");
        }
        let token = format!("t-{}", app.0);
        return Json(
            json!({ "code": 0, "msg": "ok", "tenant_access_token": token, "expire": 7200 }),
        )
        .into_response();
    }
    let is_weak = match asked.token.as_deref() {
        Some("t-relatch") => false,
        Some("t-weak") => true,
        _ => return coded(99_991_663, "token invalid"),
    };
    if memory.at_change == Some(AtChange::LoseSecret) && rest == ["passport", "v1", "password"] {
        memory.codes.0 = Some(10_014);
        return coded(99_991_663, "token invalid");
    }
    if let Some(code) = memory.codes.1 {
        return coded(code, "refused");
    }
    if asked.query.len() != 1 || asked.query["user_id_type"] != "open_id" {
        return refuse(memory, "user_id_type is missing or not alone");
    }
    let done =
        |data: Value| Json(json!({ "code": 0, "msg": "success", "data": data })).into_response();
    let needs = |scope: &'static str, memory: &Memory| {
        (is_weak || memory.missing.contains(&scope))
            .then(|| coded(99_991_672, &format!("one of: [{scope}]")))
    };
    let person_of = |memory: &Memory, id: &Value| {
        memory
            .people
            .iter()
            .find(|(_, person)| Some(outward(&person.id).as_str()) == id.as_str())
            .map(|(name, person)| (name.clone(), person.clone()))
    };
    match (asked.method.as_str(), rest) {
        ("POST", ["contact", "v3", "users", "batch_get_id"]) => {
            let Some(body) = asked.fields(&["emails", "include_resigned"]) else {
                return refuse(memory, "fields");
            };
            let email = body["emails"][0].as_str().unwrap();
            let mut found: Vec<Value> = memory
                .people
                .values()
                // By the profile's e-mail, never by the mailbox ("Obtain user ID via email or mobile number", `emails`).
                .filter(|person| {
                    person.second_email.as_ref().unwrap_or(&person.email) == email
                        || memory.finds_mailboxes && person.email == email
                })
                .map(|person| json!({ "email": email, "user_id": outward(&person.id) }))
                .collect();
            if found.is_empty() {
                found.push(json!({ "email": email }));
            }
            done(json!({ "user_list": found }))
        }
        ("GET", ["contact", "v3", "users", id]) => match person_of(memory, &json!(id)) {
            Some((name, person)) => done(json!({ "user": {
                "open_id": id, "name": format!("{name} Corp"), "enterprise_email": person.email,
                "email": person.second_email.as_ref().unwrap_or(&person.email),
                "mobile": person.phone, "is_tenant_manager": false,
                "status": { "is_frozen": !person.is_enabled, "is_resigned": false, "is_activated": true, "is_exited": false,
                    "is_unjoin": false },
            } })),
            None => coded(41_012, "user id invalid"),
        },
        ("PUT", ["passport", "v1", "password"]) => {
            let Some(body) = asked.fields(&["user_id", "password", "require_reset"]) else {
                return refuse(memory, "fields");
            };
            if let Some(refusal) = needs("passport:password:full", memory) {
                return refusal;
            }
            let Some((_, person)) = person_of(memory, &body["user_id"]) else {
                return coded(1_084_005, "user");
            };
            let password = body["password"].as_str().unwrap();
            if password.len() < memory.least_length {
                return coded(1_088_002, "password format");
            }
            set(memory, &person.id, password, body["require_reset"] == true);
            done(json!({}))
        }
        ("POST", ["admin", "v1", "password", "reset"]) => {
            let Some(body) = asked.fields(&["user_id", "password"]) else {
                return refuse(memory, "fields");
            };
            if let Some(refusal) = needs("admin:ent_email_password", memory) {
                return refusal;
            }
            let Some((_, person)) = person_of(memory, &body["user_id"]) else {
                return coded(1_050_001, "user");
            };
            let password = body["password"]["ent_email_password"].as_str().unwrap();
            if password.len() < memory.least_length {
                return coded(1_050_022, "format");
            }
            set(memory, &person.id, password, false);
            done(json!({}))
        }
        ("POST", ["passport", "v1", "sessions", "logout"]) => {
            let Some(body) = asked.fields(&["logout_type", "user_id", "logout_reason"]) else {
                return refuse(memory, "fields");
            };
            if body["logout_type"] != 1 || body["logout_reason"] != 34 {
                return coded(1_084_002, "reason");
            }
            let Some((name, _)) = person_of(memory, &body["user_id"]) else {
                return coded(1_080_001, "user");
            };
            memory.people.get_mut(&name).unwrap().sessions = 0;
            done(json!({}))
        }
        _ => refuse(memory, "no such path"),
    }
}
