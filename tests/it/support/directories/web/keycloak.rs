//! What the pretend Keycloak answers.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::{Asked, AtChange, Blind, CLIENT, Memory, Person, WEAK, refuse, set};

#[expect(clippy::too_many_lines, reason = "one match of the vendor's routes")]
pub(super) fn keycloak(memory: &mut Memory, asked: &Asked) -> Response {
    let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
    if path == ["realms", "corp", "protocol", "openid-connect", "token"] {
        let form: BTreeMap<String, String> = url::form_urlencoded::parse(&asked.body)
            .into_owned()
            .collect();
        let is_known =
            [CLIENT, WEAK].contains(&(form["client_id"].as_str(), form["client_secret"].as_str()));
        if let Some((status, error, told)) = memory.token_refusal {
            let told = json!({ "error": error, "error_description": told });
            return (StatusCode::from_u16(status).unwrap(), Json(told)).into_response();
        }
        if form["grant_type"] != "client_credentials" || !is_known {
            let told = json!({ "error": "unauthorized_client",
                "error_description": "Invalid client or Invalid client credentials" });
            return (StatusCode::UNAUTHORIZED, Json(told)).into_response();
        }
        let token = format!("token-of-{}", form["client_id"]);
        return Json(
            json!({ "access_token": token, "expires_in": memory.realm.token_life, "refresh_expires_in": 0,
            "token_type": "Bearer", "not-before-policy": 0, "scope": "profile email" }),
        )
        .into_response();
    }
    let may_manage = match asked.token.as_deref() {
        Some("token-of-relatch") => true,
        Some("token-of-weak") => false,
        _ => return told(401, "HTTP 401 Unauthorized"),
    };
    let ["admin", "realms", "corp", rest @ ..] = path.as_slice() else {
        return refuse(memory, "no such path");
    };
    match memory.realm.refusal {
        Some(401) => return told(401, "HTTP 401 Unauthorized"),
        Some(403) => return told(403, "HTTP 403 Forbidden"),
        Some(status) => return told(status, "unknown_error"),
        None => {}
    }
    let method = asked.method.as_str();
    if let ("GET", ["users"]) = (method, rest) {
        return users(memory, asked, may_manage);
    }
    if let ("GET", ["users", "profile"]) = (method, rest) {
        return Json(json!({ "attributes": [{ "name": "phoneNumber", "permissions": { "view": ["admin"], "edit": ["admin"] } }], "groups": [] }))
            .into_response();
    }
    if let ("GET", ["users", "count"]) = (method, rest) {
        return Json(memory.people.len()).into_response();
    }
    if let ("GET", ["clients"]) = (method, rest) {
        return clients(memory, asked);
    }
    if let ("GET", ["clients", client, "roles", name]) = (method, rest) {
        if *client != memory.administration || !["manage-users", "query-users"].contains(name) {
            return told(404, "Could not find role");
        }
        return Json(json!({ "id": name, "name": name, "clientRole": true })).into_response();
    }
    if let ("GET", []) = (method, rest) {
        if memory.blind == Some(Blind::Realm) {
            return Json(json!({ "realm": "corp", "bruteForceProtected": true })).into_response();
        }
        let flow = memory.flow.as_ref().map_or("browser", |(name, _)| name);
        let mail = if memory.realm.has_mail {
            json!({ "host": "mail.corp.example" })
        } else {
            json!({})
        };
        return Json(json!({ "realm": "corp", "smtpServer": mail,
            "passwordPolicy": memory.realm.policy, "browserFlow": flow }))
        .into_response();
    }
    if let ("GET", ["authentication", "flows", name, "executions"]) = (method, rest) {
        return match &memory.flow {
            _ if memory.blind == Some(Blind::Realm) => told(403, "HTTP 403 Forbidden"),
            Some((own, executions)) if *own == name.replace("%20", " ") => {
                Json(executions.clone()).into_response()
            }
            _ if *name == "browser" => Json(default_flow()).into_response(),
            _ => told(404, "Flow not found"),
        };
    }
    if let ("GET", ["authentication", "required-actions", "UPDATE_PASSWORD"]) = (method, rest) {
        if memory.blind == Some(Blind::Realm) {
            return told(403, "HTTP 403 Forbidden");
        }
        return Json(json!({ "alias": "UPDATE_PASSWORD", "enabled": memory.realm.asks }))
            .into_response();
    }
    // Ours, so that a realm with many roles is not read in full.
    let is_role_list = matches!(
        rest,
        ["roles"] | ["users", _, "role-mappings", .., "composite"]
    );
    if is_role_list && asked.query.get("briefRepresentation").map(String::as_str) != Some("true") {
        return refuse(memory, "roles with all their attributes");
    }
    if let ("GET", ["roles"]) = (method, rest) {
        return roles(&["default-roles-corp"]);
    }
    if let ("GET", ["roles", name]) = (method, rest) {
        if !["admin", "default-roles-corp", "it-admins"].contains(name) {
            return told(404, "Could not find role");
        }
        return Json(json!({ "id": name, "name": name })).into_response();
    }
    if let (method, ["attack-detection", "brute-force", "users", id]) = (method, rest) {
        let person = memory.people.values_mut().find(|person| person.id == *id);
        return match method {
            "GET" => {
                let is_locked = person.is_some_and(|person| person.failures >= 3);
                Json(json!({ "numFailures": 3, "disabled": is_locked })).into_response()
            }
            "DELETE" if memory.realm.unlock_refusal.is_some() => {
                told(memory.realm.unlock_refusal.unwrap_or(500), "unknown_error")
            }
            "DELETE" if may_manage => {
                // Nobody there is no error.
                if let Some(person) = person {
                    person.failures = 0;
                }
                StatusCode::NO_CONTENT.into_response()
            }
            "DELETE" => told(403, "HTTP 403 Forbidden"),
            _ => refuse(memory, "no such path"),
        };
    }
    let ["users", id, rest @ ..] = rest else {
        return refuse(memory, "no such path");
    };
    let known = memory.people.iter().find(|(_, person)| person.id == *id);
    let Some((name, mut person)) = known.map(|(name, person)| (name.clone(), person.clone()))
    else {
        return told(404, "User not found");
    };
    let name = name.as_str();
    match (method, rest) {
        ("GET", []) => {
            if memory.tells_locked_as_disabled && person.failures >= 3 {
                person.is_enabled = false;
            }
            Json(user(name, &person, may_manage, true)).into_response()
        }
        ("GET", ["credentials"]) => {
            memory.credentials_asked += 1;
            if memory.blind == Some(Blind::CredentialsAfterReset) && person.must_change {
                return StatusCode::BAD_GATEWAY.into_response();
            }
            // One that was set here stands beside the other system's (run on 26.7.3 with a directory in the mode UNSYNCED).
            let elsewhere = person.federation.map(
                |link| json!({ "type": "password", "createdDate": -1, "federationLink": link }),
            );
            let has_own = person.has_own_password && person.providers.is_empty();
            let own = has_own
                .then(|| json!({ "id": "c1", "type": "password", "createdDate": person.set_at }));
            let factor = |kind: &&str| json!({ "id": "c2", "type": kind, "createdDate": 1_700_000_000_000_i64 });
            let passwords = own.into_iter().chain(elsewhere);
            let factors = person.factors.iter().map(factor);
            Json(passwords.chain(factors).collect::<Vec<_>>()).into_response()
        }
        ("GET", ["federated-identity"]) => {
            let one = |provider: &&str| json!({ "identityProvider": provider, "userId": "1", "userName": "x" });
            Json(person.providers.iter().map(one).collect::<Vec<_>>()).into_response()
        }
        ("GET", ["role-mappings", "realm", "composite"]) => match memory.blind {
            Some(Blind::GoneBeforeRealmRoles) => told(404, "User not found"),
            _ if memory.realm.roles_beside > 0 => {
                many_roles(&person.realm_roles, memory.realm.roles_beside)
            }
            _ => roles(&person.realm_roles),
        },
        ("GET", ["role-mappings", "clients", client, "composite"]) => match memory.blind {
            Some(Blind::GoneBeforeClientRoles) => told(404, "User not found"),
            Some(Blind::Clients | Blind::ViewOfClients) => told(403, "HTTP 403 Forbidden"),
            _ if *client != memory.administration => told(404, "Client not found"),
            _ => roles(&person.client_roles),
        },
        ("PUT", ["reset-password"]) => {
            let Some(body) = asked.fields(&["type", "value", "temporary"]) else {
                return refuse(memory, "fields");
            };
            if !may_manage {
                return told(403, "HTTP 403 Forbidden");
            }
            if body["type"] != "password" || !person.has_own_password {
                return refuse(memory, "a password that is not Keycloak's own");
            }
            let password = body["value"].as_str().unwrap();
            if let Some(told) = memory.realm.refusal_of(password) {
                return (StatusCode::BAD_REQUEST, Json(told)).into_response();
            }
            set(memory, id, password, body["temporary"] == true);
            if let Some(own) = memory.own_after_reset {
                // As `set_by_an_open_page`, and before anything else is asked.
                set(memory, id, own, false);
            }
            if memory.at_change == Some(AtChange::Redirect) {
                return (StatusCode::FOUND, [("location", "https://status.example/")])
                    .into_response();
            }
            StatusCode::NO_CONTENT.into_response()
        }
        ("PUT", ["execute-actions-email"]) if may_manage => {
            if asked.json() != json!(["UPDATE_PASSWORD"])
                || asked.query.len() != 1
                || asked.query["lifespan"] != "3600"
            {
                return refuse(memory, "another action");
            }
            if let Some((status, message)) = memory.link_refusal {
                let told = Json(json!({ "errorMessage": message }));
                return (StatusCode::from_u16(status).unwrap(), told).into_response();
            }
            memory.links.push(name.to_owned());
            StatusCode::NO_CONTENT.into_response()
        }
        // Offline tokens survive it.
        ("POST", ["logout"]) if may_manage => {
            memory.people.get_mut(name).unwrap().sessions = 0;
            StatusCode::NO_CONTENT.into_response()
        }
        ("GET", ["sessions"]) => Json(vec![json!({ "id": "s1" }); person.sessions]).into_response(),
        ("POST", ["logout"]) => told(403, "HTTP 403 Forbidden"),
        ("GET", ["consents"]) => {
            let one = |client: &&str| {
                json!({ "clientId": client, "grantedClientScopes": [],
                "additionalGrants": [{ "client": "0b7f1a52", "key": "Offline Token" }] })
            };
            Json(person.offline.iter().map(one).collect::<Vec<_>>()).into_response()
        }
        ("DELETE", ["consents", client]) if may_manage => {
            if !memory.realm.keeps_offline_tokens {
                let own = memory.people.get_mut(name).unwrap();
                own.offline.retain(|held| held != client);
            }
            StatusCode::NO_CONTENT.into_response()
        }
        _ => refuse(memory, "no such path"),
    }
}

/// The default browser flow, as 26.7.3 answered it.
pub(crate) fn default_flow() -> Value {
    let file = "tests/fixtures/vendors/keycloak/executions.json";
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// An error of the Admin REST API, as 26.7.3 answers it.
fn told(status: u16, error: &str) -> Response {
    let told = Json(json!({ "error": error }));
    (StatusCode::from_u16(status).unwrap(), told).into_response()
}

fn users(memory: &mut Memory, asked: &Asked, may_manage: bool) -> Response {
    // A page of all ("Get users"): `first` and `max` alone.
    if asked.query.len() == 2 && asked.query.contains_key("first") {
        let most = asked.query["max"].parse().unwrap();
        let all = memory.people.iter().take(most);
        let all: Vec<Value> = all
            .map(|(name, person)| user(name, person, may_manage, false))
            .collect();
        return Json(all).into_response();
    }
    let known = ["email", "exact", "max", "briefRepresentation"];
    if !asked.query.keys().all(|key| known.contains(&key.as_str()))
        || asked.query["exact"] != "true"
    {
        return refuse(memory, "unknown or loose query");
    }
    let email = &asked.query["email"];
    let found: Vec<Value> = memory
        .people
        .iter()
        .filter(|(_, person)| person.email.to_lowercase() == email.to_lowercase())
        .map(|(name, person)| user(name, person, may_manage, false))
        .collect();
    Json(found).into_response()
}

fn clients(memory: &mut Memory, asked: &Asked) -> Response {
    let asked: Vec<(&str, &str)> = asked
        .query
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    if asked != [("clientId", "realm-management"), ("viewableOnly", "true")] {
        return refuse(memory, "unknown or loose query");
    }
    let own =
        json!({ "id": memory.administration, "clientId": "realm-management", "enabled": true });
    match memory.blind {
        Some(Blind::Clients) => told(403, "HTTP 403 Forbidden"),
        Some(Blind::ViewOfClients) => Json(json!([])).into_response(),
        _ => Json(json!([own])).into_response(),
    }
}

fn roles(names: &[&str]) -> Response {
    Json(
        names
            .iter()
            .map(|role| json!({ "id": role, "name": role }))
            .collect::<Vec<_>>(),
    )
    .into_response()
}

/// The same with others that say nothing, each with the fields of a brief answer ("Admin REST API", `RoleRepresentation`).
fn many_roles(names: &[&str], others: usize) -> Response {
    let others = (0..others).map(|number| format!("team-{number:05}"));
    let all = names.iter().map(|name| (*name).to_owned()).chain(others);
    let one = |name: String| {
        json!({ "id": format!("7a1e0000-0000-4000-8000-{name}"), "name": name, "description": "${role}",
            "composite": false, "clientRole": false, "containerId": "corp" })
    };
    Json(all.map(one).collect::<Vec<_>>()).into_response()
}

/// By id there is more in it than in a list.
fn user(name: &str, person: &Person, may_manage: bool, is_by_id: bool) -> Value {
    let mut told = json!({
        "id": person.id, "username": name, "email": person.email.to_lowercase(), "emailVerified": true, "firstName": name,
        "lastName": "Corp", "enabled": person.is_enabled, "createdTimestamp": 1_600_000_000_000_i64, "totp": false,
        "requiredActions": if person.must_change { vec!["UPDATE_PASSWORD"] } else { Vec::new() },
        "attributes": { "phoneNumber": [person.phone] }, "notBefore": 0,
        "access": { "manage": may_manage },
    });
    if is_by_id {
        told["access"] = json!({ "manageGroupMembership": may_manage, "resetPassword": may_manage, "view": true,
            "mapRoles": may_manage, "impersonate": false, "manage": may_manage });
    }
    if let Some(link) = person.federation {
        told["federationLink"] = json!(link);
    }
    told
}
