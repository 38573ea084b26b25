//! Each call of a chat's and of Lark's API stands in a table with the example that answers it.

use super::{root, sources};

/// A source, and each place in it that calls an API, in order: the method, and how a test of `tests/it/vendors` answers the
/// call. One place may make several calls.
type Calls = (
    &'static str,
    &'static [(&'static str, &'static [&'static str])],
);

/// Of the answer to these only the status is read.
const BY_STATUS: &[&str] = &[];

/// Of the answer to these only `id` is read, which every object of the API has.
const BY_ID: &[&str] = &[];

const CALLS: &[Calls] = &[
    (
        "src/chat/discord/commands.rs",
        &[
            (
                "GET",
                &["GET /api/v10/applications/{APPLICATION}/guilds/{GUILD}/commands"],
            ),
            ("PUT", BY_STATUS),
        ],
    ),
    (
        "src/chat/discord/mod.rs",
        &[("GET", &["GET /api/v10/applications/@me"])],
    ),
    (
        "src/chat/discord/api.rs",
        &[
            ("POST", BY_ID),
            ("POST", BY_STATUS),
            ("GET", &["GET /api/v10/guilds/{GUILD}/members/{NELLY}"]),
        ],
    ),
    (
        "src/chat/mattermost/commands.rs",
        &[
            ("GET", &["GET /api/v4/commands"]),
            ("GET", &["GET /api/v4/teams/5xxzt146eax4tul69409opqjlf"]),
            ("POST", &["POST /api/v4/commands"]),
            ("PUT", &["PUT /api/v4/commands/ke4uhgz97pn6xq1ibepry4o5oc"]),
        ],
    ),
    (
        "src/chat/mattermost/account.rs",
        &[
            (
                "GET",
                &[
                    "GET /api/v4/users/4xp9fdt77pncbef59f4k1qe83o",
                    "GET /api/v4/users/username/jo",
                    "GET /api/v4/users/email/jo@acme.example",
                ],
            ),
            ("GET", &["GET /api/v4/config"]),
            ("GET", &["GET /api/v4/config/client"]),
        ],
    ),
    (
        "src/chat/mattermost/server.rs",
        &[
            ("http.get", &["GET /api/v4/config/client"]),
            ("GET", &["GET /api/v4/users/me"]),
            ("POST", &["POST /api/v4/roles/names"]),
            ("GET", &["GET /api/v4/users/me"]),
            ("POST", BY_ID),
            ("POST", BY_STATUS),
            ("http.post", BY_STATUS),
            ("http.post", BY_STATUS),
        ],
    ),
    (
        "src/chat/mattermost/mod.rs",
        &[("http.post", &["POST /api/v4/actions/dialogs/open"])],
    ),
    (
        "src/chat/mattermost/check.rs",
        &[
            ("GET", &["GET /api/v4/users/me"]),
            ("POST", &["POST /api/v4/roles/names"]),
            ("GET", &["GET /api/v4/config/client"]),
            ("GET", &["GET /api/v4/users/email/jo@acme.example"]),
        ],
    ),
    (
        "src/chat/mattermost/check_commands.rs",
        &[
            ("GET", &["GET /api/v4/users/me/teams"]),
            ("GET", &["GET /api/v4/teams"]),
            ("GET", &["GET /api/v4/commands"]),
        ],
    ),
    (
        "src/chat/lark/commands.rs",
        &[
            ("GET", &["GET application/v7/app_slash_commands"]),
            ("PATCH", &["PATCH {PATH}/id2"]),
            ("POST", &["POST {PATH}"]),
        ],
    ),
    (
        "src/chat/lark/account.rs",
        &[
            ("GET", &["GET /open-apis/contact/v3/users/{ZHANG}"]),
            ("POST", &["POST /open-apis/contact/v3/users/batch_get_id"]),
        ],
    ),
    (
        "src/chat/lark/mod.rs",
        &[("GET", &["GET /open-apis/bot/v3/info"])],
    ),
    (
        "src/chat/lark/reply.rs",
        &[
            ("POST", &["POST ephemeral/v1/send"]),
            ("POST", &["POST im/v1/messages"]),
            ("POST", &["POST interactive/v1/card/update"]),
            ("POST", &["POST ephemeral/v1/delete"]),
            ("PATCH", &["PATCH im/v1/messages/om_card1"]),
        ],
    ),
    (
        "src/directory/lark/mod.rs",
        &[
            ("POST", &["POST /open-apis/contact/v3/users/batch_get_id"]),
            ("GET", &["GET /open-apis/contact/v3/users/{ZHANG}"]),
            ("PUT", &["PUT passport/v1/password"]),
            ("POST", &["POST admin/v1/password/reset"]),
            ("POST", &["POST passport/v1/sessions/logout"]),
            ("POST", &["POST /open-apis/contact/v3/users/batch_get_id"]),
        ],
    ),
    (
        "src/lark_api.rs",
        &[(
            "POST",
            &["POST /open-apis/auth/v3/tenant_access_token/internal"],
        )],
    ),
];

/// The methods of the calls in a source, in order, without its tests.
fn called(source: &str) -> Vec<String> {
    let (source, _) = source.split_once("#[cfg(test)]").unwrap_or((source, ""));
    let mut found: Vec<(usize, String)> = source
        .match_indices("Method::")
        .map(|(at, start)| {
            let name = source[at + start.len()..].chars();
            (at, name.take_while(char::is_ascii_uppercase).collect())
        })
        // Not the names of another type, such as `LoginMethod`.
        .filter(|(_, name): &(usize, String)| name.len() > 1)
        .collect();
    for call in ["http.get", "http.post"] {
        let calls = source.match_indices(call);
        found.extend(calls.map(|(at, _)| (at, call.to_owned())));
    }
    found.sort();
    found.into_iter().map(|(_, method)| method).collect()
}

#[test]
fn every_call_has_its_example() {
    let tests = sources("tests/it/vendors").concat();
    for (file, calls) in CALLS {
        let source = std::fs::read_to_string(root().join(file)).unwrap();
        let known: Vec<&str> = calls.iter().map(|(method, _)| *method).collect();
        assert_eq!(called(&source), known, "{file}");
        for answer in calls.iter().flat_map(|(_, answers)| *answers) {
            assert!(tests.contains(&format!("\"{answer}\"")), "{file}: {answer}");
        }
    }
}

/// A new source of these parts that calls an API is in the table too.
#[test]
fn every_source_that_calls_is_in_the_table() {
    let mut missing = Vec::new();
    for folder in [
        "src/chat/discord",
        "src/chat/lark",
        "src/chat/mattermost",
        "src/directory/lark",
    ] {
        for file in super::files_below(&root().join(folder)) {
            let name = file.strip_prefix(root()).unwrap().display().to_string();
            let source = std::fs::read_to_string(&file).unwrap();
            let is_known = CALLS.iter().any(|(known, _)| *known == name);
            if !is_known && !name.ends_with("tests.rs") && !called(&source).is_empty() {
                missing.push(name);
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}
