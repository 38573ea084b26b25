//! What vendors send is read by types that were tried with the vendor's own examples.
//!
//! Each type below `src/chat`, `src/directory`, `src/delivery` and `src/lark_api` that is made from JSON stands in
//! [`EXAMPLES`] with the files of `tests/fixtures/vendors/` that hold it, and each of its fields is in one of them. So
//! a field that no vendor sends cannot be read, and a type cannot be added without its example.

#[path = "examples/calls.rs"]
mod calls;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Attribute, Fields, ItemEnum, ItemStruct, Meta, Token};

/// Each type that is made from a vendor's JSON, and the examples that hold it.
const EXAMPLES: &[(&str, &[&str])] = &[
    // Slack
    (
        "ApiVerdict",
        &[
            "slack/auth.test.json",
            "slack/auth.test-refused.json",
            "slack/views.open.json",
            "slack/views.open-refused.json",
            "slack/users.info-refused.json",
            "slack/users.lookupByEmail-refused.json",
            "slack/users.info-every-field.json",
        ],
    ),
    (
        "TokenOwner",
        &["slack/auth.test.json", "slack/auth.test-organization.json"],
    ),
    (
        "UserAnswer",
        &["slack/users.info.json", "slack/users.lookupByEmail.json"],
    ),
    ("SlackAccount", &["slack/users.info-every-field.json"]),
    ("SlackProfile", &["slack/users.info.json"]),
    ("EnterpriseUser", &["slack/users.info-every-field.json"]),
    (
        "Payload",
        &["slack/block-actions.json", "slack/view-submission.json"],
    ),
    ("BlockActions", BLOCK_ACTIONS),
    ("BlockAction", BLOCK_ACTIONS),
    ("ViewSubmission", VIEW_SUBMISSION),
    ("SlackView", VIEW_SUBMISSION),
    ("ViewState", VIEW_SUBMISSION),
    ("SlackInput", VIEW_SUBMISSION),
    ("SlackUser", BLOCK_ACTIONS),
    ("SlackTeam", VIEW_SUBMISSION),
    ("SlackEnterprise", VIEW_SUBMISSION),
    // Discord
    ("DiscordInteraction", INTERACTIONS),
    ("InteractionData", INTERACTIONS),
    ("CommandOption", &["discord/slash-command.json"]),
    ("ModalPart", &["discord/modal-submit.json"]),
    ("ModalInput", &["discord/modal-submit.json"]),
    (
        "GuildMember",
        &["discord/guild-member.json", "discord/slash-command.json"],
    ),
    ("DiscordUser", &["discord/guild-member.json"]),
    // Lark
    ("EncryptedBody", &["lark/encrypted.json"]),
    (
        "LarkEvent",
        &[
            "lark/message-received.json",
            "lark/url-verification.json",
            "lark/old-message.json",
        ],
    ),
    ("EventHeader", &["lark/message-received.json"]),
    ("MessageEvent", &["lark/message-received.json"]),
    ("MessageSender", &["lark/message-received.json"]),
    ("LarkIds", &["lark/message-received.json"]),
    ("LarkMessage", &["lark/message-received.json"]),
    ("Mention", &["lark/message-received.json"]),
    ("MenuEvent", &["lark/bot-menu.json"]),
    ("MenuOperator", &["lark/bot-menu.json"]),
    ("CardEvent", &["lark/card-action.json"]),
    ("CardOperator", &["lark/card-action.json"]),
    ("CardAction", &["lark/card-action.json"]),
    ("CardContext", &["lark/card-action.json"]),
    ("LarkAccount", &["lark/user.json"]),
    ("LarkAccountStatus", &["lark/user.json"]),
    ("LarkUser", &["lark/user.json"]),
    ("StatusFlags", &["lark/user.json", "lark/batch-get-id.json"]),
    // Mattermost
    (
        "PostAction",
        &[
            "mattermost/action.json",
            "mattermost/action-every-field.json",
        ],
    ),
    ("DialogSubmission", &["mattermost/dialog-submission.json"]),
    (
        "MattermostUser",
        &[
            "mattermost/user.json",
            "mattermost/user-of-others.json",
            "mattermost/user-of-another-server.json",
        ],
    ),
    ("Team", &["mattermost/teams.json"]),
    ("TeamCommand", &["mattermost/command.json"]),
    // Keycloak
    (
        "KeycloakUser",
        &["keycloak/user.json", "keycloak/user-federated.json"],
    ),
    (
        "KeycloakCredential",
        &[
            "keycloak/credentials.json",
            "keycloak/credentials-federated.json",
        ],
    ),
    ("RealmSettings", &["keycloak/realm.json"]),
    ("FlowExecution", &["keycloak/executions.json"]),
    ("UserProfile", &["keycloak/user-profile.json"]),
    ("DeclaredAttribute", &["keycloak/user-profile.json"]),
    ("RequiredAction", &["keycloak/required-action.json"]),
    ("Consent", &["keycloak/consents.json"]),
    ("BruteForceStatus", &["keycloak/brute-force.json"]),
    ("TokenRefusal", &["keycloak/token-refused.json"]),
    ("RoleName", &["keycloak/roles.json"]),
    ("RealmClient", &["keycloak/clients.json"]),
    ("TokenAnswer", &["keycloak/token.json"]),
    // Twilio
    (
        "TwilioError",
        &["twilio/error.json", "twilio/error-authenticate.json"],
    ),
    ("TwilioMessage", &["twilio/message.json"]),
];

const BLOCK_ACTIONS: &[&str] = &[
    "slack/block-actions.json",
    "slack/view-submission-every-field.json",
];
const VIEW_SUBMISSION: &[&str] = &[
    "slack/view-submission.json",
    "slack/view-submission-every-field.json",
];
const INTERACTIONS: &[&str] = &[
    "discord/ping.json",
    "discord/slash-command.json",
    "discord/user-command.json",
    "discord/button.json",
    "discord/modal-submit.json",
];

/// What relatch wrote itself: a follow-up address, and values of buttons that a vendor brings back unread.
const OURS: &[&str] = &["LarkReply", "ButtonValue", "PostActionContext"];

/// Fields that a vendor documents and shows in no example. Each is optional where it is read.
const SHOWN_NOWHERE: &[(&str, &[&str])] = &[
    // Discord, "Interaction Object"; "User Object", `bot?` and `system?`; "Guild Member Object", `pending?`.
    (
        "DiscordInteraction",
        &["context", "authorizing_integration_owners"],
    ),
    ("DiscordUser", &["bot", "system"]),
    // Slack, "Checkbox group": named with what a click sends, but its page shows no whole payload.
    ("BlockAction", &["selected_options"]),
    ("SlackInput", &["selected_options"]),
    // Mattermost's `model/user.go`: sent for bots alone.
    ("MattermostUser", &["is_bot"]),
];

/// Examples of answers that are read without a type of their own: by their status, or as a JSON value.
const WITHOUT_TYPE: &[&str] = &[
    "discord/application.json",
    "discord/commands.json",
    "discord/error.json",
    "discord/rate-limit.json",
    "keycloak/count.json",
    "keycloak/error-representation.json",
    "keycloak/error.json",
    "keycloak/federated-identity.json",
    "lark/bot-info.json",
    "lark/card-updated.json",
    "lark/ephemeral-deleted.json",
    "lark/ephemeral-refused.json",
    "lark/ephemeral-sent.json",
    "lark/message-changed.json",
    "lark/message-sent.json",
    "lark/password-refused.json",
    "lark/password-reset.json",
    "lark/password-set.json",
    "lark/post-content.json",
    "lark/rate-limit.json",
    "lark/scope-missing.json",
    "lark/session-ended.json",
    "lark/slash-command-changed.json",
    "lark/slash-command-made.json",
    "lark/slash-commands.json",
    "lark/tenant-token.json",
    "lark/token-refused.json",
    "lark/user-refused.json",
    "mattermost/config-client.json",
    "mattermost/config.json",
    "mattermost/error.json",
    "mattermost/rate-limit.txt",
    "mattermost/roles.json",
    "mattermost/slash-command.form",
    "slack/slash-command.form",
    "slack/ssl-check.form",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.push(path);
        }
    }
    found
}

fn sources(folder: &str) -> Vec<String> {
    let mut files = files_below(&root().join(folder));
    files.retain(|file| file.extension().is_some_and(|extension| extension == "rs"));
    let read = |file: &PathBuf| std::fs::read_to_string(file).unwrap();
    files.iter().map(read).collect()
}

/// The types of a source that derive `Deserialize`, each with the names of its fields in JSON.
#[derive(Default)]
struct Types(BTreeMap<String, BTreeSet<String>>);

impl<'ast> Visit<'ast> for Types {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_struct(&mut self, item: &'ast ItemStruct) {
        if is_read(&item.attrs) {
            let names = names(&item.fields, &item.attrs);
            self.0.insert(item.ident.to_string(), names);
        }
    }

    fn visit_item_enum(&mut self, item: &'ast ItemEnum) {
        if is_read(&item.attrs) {
            let tag = serde(&item.attrs, "tag").into_iter().collect();
            self.0.insert(item.ident.to_string(), tag);
        }
    }
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && matches!(&attribute.meta, Meta::List(list) if list.tokens.to_string() == "test")
    })
}

fn is_read(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("derive")
            && matches!(&attribute.meta, Meta::List(list) if list.tokens.to_string().contains("Deserialize"))
    })
}

/// The value of a setting of `#[serde(…)]`.
fn serde(attributes: &[Attribute], wanted: &str) -> Option<String> {
    let settings = attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("serde"))
        .filter_map(|attribute| {
            attribute
                .parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
                .ok()
        });
    settings.flatten().find_map(|setting| {
        let Meta::NameValue(pair) = setting else {
            return None;
        };
        let syn::Expr::Lit(literal) = pair.value else {
            return None;
        };
        let syn::Lit::Str(text) = literal.lit else {
            return None;
        };
        pair.path.is_ident(wanted).then(|| text.value())
    })
}

fn names(fields: &Fields, attributes: &[Attribute]) -> BTreeSet<String> {
    let is_camel = serde(attributes, "rename_all").as_deref() == Some("camelCase");
    let name = |field: &syn::Field| {
        let name = field.ident.as_ref().unwrap().to_string();
        let name = name.trim_start_matches("r#").to_owned();
        serde(&field.attrs, "rename").unwrap_or(if is_camel { camel(&name) } else { name })
    };
    fields.iter().map(name).collect()
}

fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |name, part| {
        let (head, rest) = part.split_at(1);
        name + &head.to_uppercase() + rest
    })
}

/// Every type that reads what a vendor sends.
fn types() -> Types {
    let mut types = Types::default();
    let mut all: Vec<String> = ["src/chat", "src/directory", "src/delivery"]
        .into_iter()
        .flat_map(sources)
        .collect();
    all.push(std::fs::read_to_string(root().join("src/lark_api.rs")).unwrap());
    for source in all {
        types.visit_file(&syn::parse_file(&source).unwrap());
    }
    types
}

fn folder() -> PathBuf {
    root().join("tests/fixtures/vendors")
}

/// Every key of a value, however deep.
fn keys(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                found.insert(key.clone());
                keys(value, found);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| keys(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_type_that_is_read_has_its_examples() {
    let found = types();
    assert!(found.0.len() > 40, "only {} types are found", found.0.len());
    let known: BTreeSet<&str> = EXAMPLES
        .iter()
        .map(|(name, _)| *name)
        .chain(OURS.iter().copied())
        .collect();
    let found: BTreeSet<&str> = found.0.keys().map(String::as_str).collect();
    let (new, gone): (Vec<_>, Vec<_>) = (
        found.difference(&known).collect(),
        known.difference(&found).collect(),
    );
    assert!(
        new.is_empty() && gone.is_empty(),
        "without an example: {new:?}; not there any more: {gone:?}"
    );
}

#[test]
fn every_field_that_is_read_is_in_an_example() {
    let mut missing = Vec::new();
    let types = types().0;
    for (name, examples) in EXAMPLES {
        let mut sent = BTreeSet::new();
        for example in *examples {
            let text = std::fs::read_to_string(folder().join(example)).unwrap();
            keys(&serde_json::from_str(&text).unwrap(), &mut sent);
        }
        let shown_nowhere = SHOWN_NOWHERE.iter().find(|(known, _)| known == name);
        let absent = types[*name].difference(&sent);
        missing.extend(
            absent
                .filter(|field| {
                    !shown_nowhere.is_some_and(|(_, fields)| fields.contains(&field.as_str()))
                })
                .map(|field| format!("{name}: {field}")),
        );
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_example_has_a_source_and_a_test() {
    let listed = std::fs::read_to_string(folder().join("SOURCES.md")).unwrap();
    let tests = [sources("tests/it/vendors"), sources("src/chat/lark")]
        .concat()
        .concat();
    let typed: BTreeSet<&str> = EXAMPLES
        .iter()
        .flat_map(|(_, examples)| *examples)
        .copied()
        .collect();
    let mut wrong = Vec::new();
    for file in files_below(&folder()) {
        let name = file
            .strip_prefix(folder())
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        let Some((vendor, short)) = name.split_once('/') else {
            continue;
        };
        let section = listed
            .split("\n## ")
            .find(|section| section.starts_with(vendor));
        if !section.is_some_and(|section| section.contains(&format!("`{short}`"))) {
            wrong.push(format!("{name} has no source"));
        }
        if !tests.contains(&name) {
            wrong.push(format!("{name} is tried by no test"));
        }
        if typed.contains(name.as_str()) == WITHOUT_TYPE.contains(&name.as_str()) {
            wrong.push(format!("{name} is read by a type or by none, and not both"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn names_of_fields_are_read_as_serde_does() {
    let source = r#"
        #[derive(Debug, Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct A { created_date: i64, r#type: String, #[serde(rename = "x_y", default)] z: u8 }
        #[cfg(test)]
        mod tests { #[derive(Deserialize)] struct B { a: u8 } }
        fn f() { #[derive(Deserialize)] struct C { b: u8 } }
        #[derive(Serialize)]
        struct D { c: u8 }
    "#;
    let mut types = Types::default();
    types.visit_file(&syn::parse_file(source).unwrap());
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let expected = [
        ("A".to_owned(), names(&["createdDate", "type", "x_y"])),
        ("C".to_owned(), names(&["b"])),
    ];
    assert_eq!(types.0, BTreeMap::from(expected));
}
