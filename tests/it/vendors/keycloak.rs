//! Keycloak, by the fields of its Admin REST API and the examples of its Server Administration Guide.

use relatch::surface::directory::{Backend, By, Match};
use relatch::surface::domain::{Guard, LoginMethod, MemberId, Status};
use serde_json::json;

use super::{Answers, example_with, relatch, text, vendor};
use crate::support::TestBot;

const JO: &str = "jo@acme.example";
const ELI: &str = "2f0aa5d8-2f5e-4c9e-9c1e-6a4a3c1d9a10";
const CLIENT: &str = "5d2c0001-3b0a-4e55-8f5e-0d4c1a0b9c80";

fn section(base: &str) -> String {
    format!(
        "[[directory]]\nkind = \"keycloak\"\nname = \"Corp directory\"\ndomains = [\"corp.example\"]\n\
         url = \"{base}\"\nrealm = \"corp\"\nclient_id = \"relatch\"\nclient_secret = \"of-the-documents-0001\"\n\
         phone_attribute = \"phoneNumber\"\n"
    )
}

/// What the server answers about one user, with the user as `name` has it.
fn answers(name: &str) -> Answers {
    let credentials = if name.ends_with("federated.json") {
        "keycloak/credentials-federated.json"
    } else {
        "keycloak/credentials.json"
    };
    answers_about(text(name), credentials)
}

fn answers_about(user: String, credentials: &str) -> Answers {
    let of_client = format!("/users/{ELI}/role-mappings/clients/{CLIENT}/composite");
    let realm = [
        ("/users".to_owned(), format!("[{user}]")),
        ("/users/count".to_owned(), text("keycloak/count.json")),
        (
            "/users/profile".to_owned(),
            text("keycloak/user-profile.json"),
        ),
        (format!("/users/{ELI}"), user),
        (format!("/users/{ELI}/credentials"), text(credentials)),
        (
            format!("/users/{ELI}/federated-identity"),
            text("keycloak/federated-identity.json"),
        ),
        (
            format!("/users/{ELI}/role-mappings/realm/composite"),
            text("keycloak/roles.json"),
        ),
        (of_client, "[]".to_owned()),
        ("/clients".to_owned(), text("keycloak/clients.json")),
        (String::new(), text("keycloak/realm.json")),
        (
            "/authentication/required-actions/UPDATE_PASSWORD".to_owned(),
            text("keycloak/required-action.json"),
        ),
        (
            "/authentication/flows/browser/executions".to_owned(),
            text("keycloak/executions.json"),
        ),
    ];
    let mut answers = realm
        .map(|(path, body)| (format!("GET /admin/realms/corp{path}"), 200, body))
        .to_vec();
    let token = "POST /realms/corp/protocol/openid-connect/token".to_owned();
    answers.push((token, 200, text("keycloak/token.json")));
    answers
}

/// The same with what a check tries beside a look-up.
fn with_rights(mut answers: Answers) -> Answers {
    let consents = format!("GET /admin/realms/corp/users/{ELI}/consents");
    answers.push((consents, 200, "[]".to_owned()));
    let nobody = "/attack-detection/brute-force/users/00000000-0000-0000-0000-000000000000";
    let lock = format!("DELETE /admin/realms/corp{nobody}");
    answers.push((lock, 204, String::new()));
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_of_keycloak_succeeds() {
    let base = vendor(with_rights(answers("keycloak/user.json"))).await;
    for account in ["", "check_account = \"eli@corp.example\"\n"] {
        let ran = relatch(&format!("{}{account}", section(&base)), &["check"]).await;
        let ok = "ok    directory: Corp directory";
        assert!(ran.out.contains(ok), "{}{}", ran.out, ran.err);
        assert!(!ran.out.contains("user profile"), "{}", ran.out);
    }
}

/// A member with a password of the realm, and one whose password another system keeps.
#[tokio::test(flavor = "multi_thread")]
async fn a_user_of_keycloak_is_read() {
    for (name, guard) in [
        ("keycloak/user.json", None),
        (
            "keycloak/user-federated.json",
            Some(Guard::ManagedElsewhere),
        ),
    ] {
        let base = vendor(answers(name)).await;
        let bot =
            TestBot::with_directory(section(&base).trim_start_matches("[[directory]]\n")).await;
        let home = bot.app.directories.remote().next().unwrap();
        let by = [By::Email("eli@corp.example".parse().unwrap())];
        let mut found = home.find(&by).await.unwrap();
        let Some(Match::One(member)) = found.pop() else {
            panic!("{name} is not found")
        };
        assert!(member.id.0.ends_with(ELI), "{}", member.id.0);
        let phone = member.phone.as_ref().map(|phone| phone.as_str().to_owned());
        assert_eq!(
            (
                member.name.as_str(),
                member.status,
                member.login_method,
                member.guard,
                phone.as_deref()
            ),
            (
                "Eli Corp",
                Status::Active,
                LoginMethod::BusinessEmail,
                guard,
                Some("+821012345699")
            ),
            "{name}"
        );
        let set_at = guard.is_none().then_some(1_588_880_747_548);
        assert_eq!(
            home.last_change(&member.id).await.unwrap().map(|at| at.0),
            set_at,
            "{name}"
        );
    }
}

fn own(base: &str) -> String {
    section(base)
        .trim_start_matches("[[directory]]\n")
        .to_owned()
}

/// Applications whose offline tokens do not end are not "signed out ✓".
#[tokio::test(flavor = "multi_thread")]
async fn an_offline_token_that_does_not_end_is_told() {
    for (consents, left) in [
        (text("keycloak/consents.json"), vec!["mail-app"]),
        ("[]".to_owned(), Vec::new()),
    ] {
        let mut answers = answers("keycloak/user.json");
        let user = format!("/admin/realms/corp/users/{ELI}");
        let lock = format!("DELETE /admin/realms/corp/attack-detection/brute-force/users/{ELI}");
        answers.push((format!("POST {user}/logout"), 204, String::new()));
        answers.push((format!("GET {user}/consents"), 200, consents));
        answers.push((
            format!("DELETE {user}/consents/mail-app"),
            204,
            String::new(),
        ));
        answers.push((lock, 204, String::new()));
        let bot = TestBot::with_directory(&own(&vendor(answers).await)).await;
        let home = bot.app.directories.remote().next().unwrap();
        let member = MemberId(format!("Corp directory/{ELI}"));
        assert_eq!(home.sign_out(&member).await.unwrap(), left);
    }
}

/// An account that is disabled where it is asked for by id, and not locked, is suspended.
#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_user_without_a_lock_is_suspended() {
    let user = example_with("keycloak/user.json", &[("/enabled", json!(false))]);
    let mut answers = answers_about(user.to_string(), "keycloak/credentials.json");
    let lock = format!("GET /admin/realms/corp/attack-detection/brute-force/users/{ELI}");
    answers.push((lock, 200, text("keycloak/brute-force.json")));
    let bot = TestBot::with_directory(&own(&vendor(answers).await)).await;
    let home = bot.app.directories.remote().next().unwrap();
    let by = [By::Id(MemberId(format!("Corp directory/{ELI}")))];
    let found = home.find(&by).await.unwrap();
    let [Match::One(member)] = found.as_slice() else {
        panic!("the user is not found")
    };
    assert_eq!(member.status, Status::Suspended);
}

/// A wrong secret is told as that.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_of_keycloak_is_read() {
    let token = "POST /realms/corp/protocol/openid-connect/token";
    let base = vendor(vec![(token, 401, text("keycloak/token-refused.json"))]).await;
    let ran = relatch(&section(&base), &["check"]).await;
    assert!(
        ran.out.contains("Keycloak refuses client_secret"),
        "{}{}",
        ran.out,
        ran.err
    );
}

/// The API says nothing of the form of an attribute that relatch does not use.
#[tokio::test(flavor = "multi_thread")]
async fn an_attribute_of_another_form_hides_no_user() {
    let odd = [
        ("/attributes/locale", json!(null)),
        ("/attributes/badges", json!([{ "id": 7 }, null])),
    ];
    let user = example_with("keycloak/user.json", &odd);
    let answers = answers_about(user.to_string(), "keycloak/credentials.json");
    let base = vendor(with_rights(answers)).await;
    let account = "check_account = \"eli@corp.example\"\n";
    let ran = relatch(&format!("{}{account}", section(&base)), &["check"]).await;
    let ok = "ok    directory: Corp directory";
    assert!(ran.out.contains(ok), "{}{}", ran.out, ran.err);
}

/// A password that its policy refuses: nothing was changed, and the card says why. Keycloak answers in one of two forms.
#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_keycloak_are_read() {
    let path = format!("PUT /admin/realms/corp/users/{ELI}/reset-password");
    for (told, why) in [
        (
            text("keycloak/error.json"),
            "minimum length 12; policy.password_length can be raised to 12",
        ),
        (
            text("keycloak/error-representation.json"),
            "another generated password will do",
        ),
        (
            example_with("keycloak/error.json", &[("/error", json!("unknown_error"))]).to_string(),
            "it does not accept this change",
        ),
    ] {
        let mut answers = answers("keycloak/user.json");
        answers.push((path.clone(), 400, told));
        let base = vendor(answers).await;
        let bot =
            TestBot::with_directory(section(&base).trim_start_matches("[[directory]]\n")).await;
        let card = bot.command(JO, "eli@corp.example").await.json();
        bot.click(JO, &card, "deliver_copy").await;
        bot.click(JO, &bot.slack.last(), "confirm").await;
        let told = bot.slack.last_text();
        assert!(
            told.contains(why) && told.contains("Nothing was changed."),
            "{told}"
        );
    }
}
