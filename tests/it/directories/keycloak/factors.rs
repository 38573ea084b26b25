//! Second factors: "the password alone lets anybody in" is said only where that is so.

use serde_json::{Value, json};

use super::{card_text, reset};
use crate::support::directories::web::{self, Blind, Fake, default_flow};
use crate::support::directories::{SignIn, World};
use crate::support::slack::{shown_password, text_of};
use relatch::surface::domain::Span;

const ALONE: &str =
    "This directory does not ask them for a code at sign-in: the password alone lets anybody in.";
const NOT_SEEN: &str = "the password alone may let anybody in";
const PASSKEY: &str = "They have a passkey. A reset leaves it as it is";

/// The default flow with another requirement of these executions.
fn flow_with(changes: &[(&str, &str)]) -> Value {
    let mut flow = default_flow();
    for (name, requirement) in changes {
        let all = flow.as_array_mut().unwrap();
        let is_it = |one: &&mut Value| one["providerId"] == *name || one["displayName"] == *name;
        let found = all.iter_mut().filter(is_it);
        found.for_each(|one| one["requirement"] = json!(requirement));
    }
    flow
}

/// A flow of these executions: level, requirement, and what they do, or nothing for a flow.
fn flow_of(executions: &[(u64, &str, &str)]) -> Value {
    let one = |(level, requirement, provider): &(u64, &str, &str)| {
        let mut one = json!({ "level": level, "requirement": requirement, "index": 0 });
        if provider.is_empty() {
            one["authenticationFlow"] = json!(true);
        } else {
            one["providerId"] = json!(provider);
        }
        one
    };
    executions.iter().map(one).collect()
}

/// What the card says, in the realm's default flow.
#[tokio::test(flavor = "multi_thread")]
async fn a_card_tells_what_is_asked_beside_the_password() {
    let fake = Fake::start(web::Kind::Keycloak).await;
    for (name, told, is_alone, has_passkey) in [
        ("eli", ALONE, true, false),
        (
            "otp",
            "The sign-in of Corp directory also asks them for a one-time code, which a reset leaves as it is.",
            false,
            false,
        ),
        (
            "key",
            "They have a security key in Corp directory, but its sign-in does not ask for it: the password alone lets \
            anybody in.",
            true,
            false,
        ),
        ("psk", ALONE, true, true),
    ] {
        let card = card_text(&fake.bot().await, name).await;
        assert!(card.contains(told), "{name}: {card}");
        assert_eq!(card.contains("lets anybody in"), is_alone, "{name}: {card}");
        assert_eq!(card.contains(PASSKEY), has_passkey, "{name}: {card}");
    }
}

/// The result says the same, also once the message that showed the password is replaced.
#[tokio::test(flavor = "multi_thread")]
async fn a_result_tells_what_is_asked_beside_the_password() {
    let fake = Fake::start(web::Kind::Keycloak).await;
    for (name, told, has_passkey, sign_in) in [
        ("eli", "and no code is asked for", false, SignIn::MustChange),
        (
            "otp",
            "and is asked for a one-time code too",
            false,
            SignIn::AsksForCode,
        ),
        ("key", "and no code is asked for", false, SignIn::MustChange),
        ("psk", "and no code is asked for", true, SignIn::MustChange),
    ] {
        let bot = fake.bot().await;
        let result = reset(&bot, name).await;
        let password = shown_password(&result).expect("a password");
        assert_eq!(fake.sign_in(name, &password).await, sign_in, "{name}");
        bot.clock.advance(Span::minutes(3));
        bot.sweep().await;
        let hidden = bot.slack.last();
        assert!(shown_password(&hidden).is_none());
        for text in [text_of(&result), text_of(&hidden)] {
            assert!(text.contains(told), "{name}: {text}");
            assert_eq!(text.contains(PASSKEY), has_passkey, "{name}: {text}");
        }
    }
}

/// Flows of realms that differ from the default one.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_follows_the_realms_own_flow() {
    let key_is_asked = "also asks them for a security key";
    let code_is_asked = "also asks them for a one-time code";
    let code_is_not_asked =
        "They have a one-time code in Corp directory, but its sign-in does not ask for it";
    let depends_on_a_role = flow_of(&[
        (0, "REQUIRED", "auth-username-password-form"),
        (0, "CONDITIONAL", ""),
        (1, "REQUIRED", "conditional-user-role"),
        (1, "REQUIRED", "auth-otp-form"),
    ]);
    let one_or_the_other = flow_of(&[
        (0, "REQUIRED", "auth-username-form"),
        (0, "REQUIRED", ""),
        (1, "ALTERNATIVE", "auth-password-form"),
        (1, "ALTERNATIVE", "auth-otp-form"),
    ]);
    let after_the_name = flow_of(&[
        (0, "REQUIRED", "auth-username-form"),
        (0, "REQUIRED", "auth-password-form"),
        (0, "REQUIRED", "auth-otp-form"),
    ]);
    let before_the_password = flow_of(&[
        (0, "REQUIRED", "auth-username-form"),
        (0, "REQUIRED", "auth-otp-form"),
        (0, "REQUIRED", "auth-password-form"),
    ]);
    let both_or_none = flow_of(&[
        (0, "REQUIRED", "auth-username-password-form"),
        (0, "CONDITIONAL", ""),
        (1, "REQUIRED", "conditional-user-configured"),
        (1, "REQUIRED", "auth-otp-form"),
        (1, "REQUIRED", "webauthn-authenticator"),
    ]);
    let never_run = flow_of(&[
        (0, "REQUIRED", "auth-username-password-form"),
        (0, "CONDITIONAL", ""),
        (1, "REQUIRED", "auth-otp-form"),
    ]);
    let something_else = flow_of(&[
        (0, "REQUIRED", "auth-username-password-form"),
        (0, "REQUIRED", "sms-of-another-maker"),
    ]);
    let code_or_something_else = flow_of(&[
        (0, "REQUIRED", "auth-username-password-form"),
        (0, "REQUIRED", ""),
        (1, "ALTERNATIVE", "auth-otp-form"),
        (1, "ALTERNATIVE", "sms-of-another-maker"),
    ]);
    let two_ways = flow_of(&[
        (0, "ALTERNATIVE", ""),
        (1, "REQUIRED", "auth-username-password-form"),
        (1, "REQUIRED", "auth-otp-form"),
        (0, "ALTERNATIVE", ""),
        (1, "REQUIRED", "auth-username-password-form"),
    ]);
    let webauthn = flow_with(&[("webauthn-authenticator", "ALTERNATIVE")]);
    let no_code = flow_with(&[("Browser - Conditional 2FA", "DISABLED")]);
    let cases = [
        (&webauthn, "key", key_is_asked),
        (&webauthn, "otp", code_is_asked),
        (&no_code, "otp", code_is_not_asked),
        (&depends_on_a_role, "otp", NOT_SEEN),
        (&depends_on_a_role, "eli", ALONE),
        (&one_or_the_other, "otp", code_is_not_asked),
        (&after_the_name, "otp", code_is_asked),
        (&before_the_password, "otp", NOT_SEEN),
        (&both_or_none, "otp", NOT_SEEN),
        (&never_run, "otp", NOT_SEEN),
        (&something_else, "eli", "it alone may let anybody in"),
        (
            &code_or_something_else,
            "eli",
            "it alone may let anybody in",
        ),
        (&code_or_something_else, "otp", NOT_SEEN),
        (&two_ways, "otp", NOT_SEEN),
    ];
    let aliases = ["browser", "our own"].into_iter().cycle();
    for ((flow, name, told), alias) in cases.into_iter().zip(aliases) {
        let fake = Fake::start(web::Kind::Keycloak).await;
        fake.set_flow(alias, flow.clone());
        let card = card_text(&fake.bot().await, name).await;
        assert!(card.contains(told), "{name} {alias} {flow}: {card}");
        let is_alone = told == ALONE || told == code_is_not_asked;
        assert_eq!(card.contains("lets anybody in"), is_alone, "{card}");
    }
}

/// A client that may not see how people sign in claims nothing of it.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_seen_is_not_claimed() {
    let fake = Fake::start(web::Kind::Keycloak).await;
    fake.make_blind(Blind::Realm);
    for (name, told) in [("eli", "it alone may let anybody in"), ("otp", NOT_SEEN)] {
        let bot = fake.bot().await;
        let card = card_text(&bot, name).await;
        assert!(card.contains(told), "{name}: {card}");
        assert!(!card.contains("lets anybody in"), "{name}: {card}");
        let result = text_of(&reset(&bot, name).await);
        assert!(!result.contains("no code is asked for"), "{name}: {result}");
    }
}
