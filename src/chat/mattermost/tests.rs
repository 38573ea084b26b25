//! Mattermost's requests as it sends them, and requests that must be refused.

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use wiremock::matchers::{body_json, header as has_header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use serde_json::Value;

use super::account::{EmailTrust, profile_of};
use super::*;
use crate::chat::interaction::{Ask, NamedMember};
use crate::chat::{AccountKind, Asking, FormKind, Interaction, NotVerified, Verified};
use crate::domain::{Moment, Password, ResetId, Role};

const NOW: Moment = Moment(1_795_428_000_000);
const JO: &str = "jojojojojojojojojojojojo01";
const MINA: &str = "minaminaminaminaminamina02";
const TOKEN: &str = "canaryttokenofthecommand01";

fn keys() -> Keys {
    Keys::from_master(&[7; 32]).unwrap()
}

fn key_pair() -> &'static EcdsaKeyPair {
    static KEY: std::sync::OnceLock<EcdsaKeyPair> = std::sync::OnceLock::new();
    KEY.get_or_init(fresh_key)
}

fn fresh_key() -> EcdsaKeyPair {
    let (rng, algorithm) = (SystemRandom::new(), &ECDSA_P256_SHA256_ASN1_SIGNING);
    EcdsaKeyPair::from_pkcs8(
        algorithm,
        EcdsaKeyPair::generate_pkcs8(algorithm, &rng)
            .unwrap()
            .as_ref(),
        &rng,
    )
    .unwrap()
}

/// `AsymmetricSigningPublicKey`.
fn public(key: &EcdsaKeyPair) -> String {
    let before = hex::decode("3059301306072a8648ce3d020106082a8648ce3d030107034200").unwrap();
    STANDARD.encode([&before, key.public_key().as_ref()].concat())
}

fn at(url: &str) -> Mattermost {
    let config = Config {
        url: url.parse().unwrap(),
        command_tokens: vec![
            "token-of-another-team-1".to_owned().into(),
            TOKEN.to_owned().into(),
        ],
        bot_token: "canary-bot-token-0123456789".to_owned().into(),
        trusted_auth_services: Vec::new(),
        own_url: "https://reset.acme.example".parse().unwrap(),
    };
    Mattermost::new(
        config,
        keys(),
        net::client(CALL_DEADLINE).unwrap(),
        Clock::fixed(NOW),
    )
}

/// A server that does not answer, after it has told its key and that the bot may post to one user alone.
fn mattermost() -> Mattermost {
    let mattermost = at("http://127.0.0.1:1/");
    mattermost
        .signing_key
        .set(SigningKey::read(&public(key_pair())), Moment(0));
    mattermost.may_post.allow();
    mattermost
}

fn trigger_by(key: &EcdsaKeyPair, user: &str, at: i64) -> String {
    let text = format!("{}:{user}:{at}:", "t".repeat(26));
    let signature = key.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
    STANDARD.encode(text + &STANDARD.encode(signature))
}

/// The same trigger every time, although ECDSA signatures differ.
fn trigger(user: &str, at: i64) -> String {
    static MADE: std::sync::Mutex<Vec<(String, i64, String)>> = std::sync::Mutex::new(Vec::new());
    let mut made = MADE.lock().unwrap();
    if let Some((.., trigger)) = made
        .iter()
        .find(|(known, when, _)| known == user && *when == at)
    {
        return trigger.clone();
    }
    let trigger = trigger_by(key_pair(), user, at);
    made.push((user.to_owned(), at, trigger.clone()));
    trigger
}

fn in_form(trigger: &str) -> String {
    trigger
        .replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D")
}

fn headers(kind: &str) -> HeaderMap {
    HeaderMap::from_iter([(header::CONTENT_TYPE, kind.parse().unwrap())])
}

fn receive(route: &str, kind: &str, body: &str) -> Result<Interaction, NotVerified> {
    receive_with(route, &headers(kind), body)
}

fn receive_with(route: &str, headers: &HeaderMap, body: &str) -> Result<Interaction, NotVerified> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mattermost = mattermost();
    let received = runtime.block_on(mattermost.read_request(
        route,
        headers,
        body.as_bytes(),
        (NOW, Asking::Allowed),
    ));
    received.map(Verified::into_inner)
}

const FORM: &str = "application/x-www-form-urlencoded";
const HOOK: &str = "hookhookhookhookhookhook01";
const CHANNEL: &str = "channelchannelchannelcha01";

fn command(text: &str, more: &str) -> String {
    let trigger = in_form(&trigger(JO, NOW.0));
    format!(
        "user_id={JO}&command=%2Freset-password&text={text}&token={TOKEN}&trigger_id={trigger}&channel_id={CHANNEL}\
        &response_url=https%3A%2F%2Fchat.acme.example%2Fhooks%2Fcommands%2F{HOOK}{more}"
    )
}

fn try_command(body: &str) -> Result<Interaction, NotVerified> {
    receive(COMMANDS_ROUTE, FORM, body)
}

fn ask(text: &str, more: &str) -> Ask {
    let Ok(Interaction::Command(command)) = try_command(&command(text, more)) else {
        panic!("no command")
    };
    command.ask
}

#[test]
fn a_mention_is_whom_mattermost_says_it_is() {
    let mina = || NamedMember::Mention(MINA.to_owned());
    let both = format!(
        "&user_mentions=mina.park&user_mentions_ids={MINA}&user_mentions=jo&user_mentions_ids={JO}"
    );
    assert_eq!(
        ask("%40mina.park+lost+it", &both),
        Ask::Reset(mina(), Some("lost it".to_owned()))
    );
    assert_eq!(
        ask("%40mina.park%2C", &both),
        Ask::Reset(mina(), None),
        "a comma belongs to the sentence"
    );
    assert_eq!(
        ask("%40Mina.Park", &both),
        Ask::Reset(mina(), None),
        "names have no case there"
    );
    assert_eq!(
        ask("%40mina.park.......", &both),
        Ask::Reset(mina(), None),
        "the eighth candidate"
    );
    // No more candidates are tried than of a name that is looked up: the text may be 64 KB of points.
    let many = "@mina.park........";
    assert_eq!(ask(many, &both), Ask::Unclear(many.to_owned()));
    assert_eq!(ask("%40..", &both), Ask::Unclear("@..".to_owned()));
    assert_eq!(ask("%40mina.park+%40jo", &both), Ask::Several);
    assert_eq!(
        ask("%40noa", &both),
        Ask::Reset(NamedMember::Name("noa".to_owned()), None),
        "looked up by name"
    );
    assert_eq!(
        ask("mina%40acme.example", ""),
        Ask::Reset(
            NamedMember::Email("mina@acme.example".parse().unwrap()),
            None
        )
    );
    assert_eq!(ask("why+%40mina.park", &both), Ask::Why(mina()));
    assert_eq!(
        ask("%40..%2F..%2Fme", ""),
        Ask::Unclear("@../../me".to_owned())
    );
    assert_eq!(ask("", ""), Ask::Help);
}

/// Checked as far as Mattermost allows: token, user, time, and the response address.
#[test]
fn only_our_command_s_token_counts_for_its_user_and_in_time() {
    let good = command("help", "");
    let Ok(Interaction::Command(read)) = try_command(&good) else {
        panic!("no command")
    };
    let place = MattermostReply::read(read.origin.reply.unwrap().expose()).unwrap();
    assert_eq!(
        (
            place.user.as_str(),
            place.channel.as_str(),
            place.hook.unwrap().id.as_str()
        ),
        (JO, CHANNEL, HOOK)
    );
    let unsigned = |body: &str| {
        matches!(
            try_command(body),
            Err(NotVerified::Unsigned(_) | NotVerified::Stale { .. })
        )
    };
    assert!(unsigned(&good.replace(TOKEN, "canaryttokenofthecommand02")));
    assert!(unsigned(&good.replace(&format!("token={TOKEN}&"), "")));
    assert!(
        unsigned(&good.replace(&format!("user_id={JO}"), &format!("user_id={MINA}"))),
        "another's trigger"
    );
    let ours = in_form(&trigger(JO, NOW.0));
    for late in [-301_000, 301_000] {
        assert!(unsigned(
            &good.replace(&ours, &in_form(&trigger(JO, NOW.0 + late)))
        ));
    }
    for edge in [-300_000, 300_000] {
        assert!(!unsigned(
            &good.replace(&ours, &in_form(&trigger(JO, NOW.0 + edge)))
        ));
    }
    for wrong in [
        "hooks%2Fcommands%2Fabc".to_owned(),
        "api%2Fv4%2Fx".to_owned(),
        format!("hooks%2F{HOOK}"),
    ] {
        let body = good.replace(&format!("hooks%2Fcommands%2F{HOOK}"), &wrong);
        assert!(
            matches!(try_command(&body), Err(NotVerified::Malformed(_))),
            "{wrong}"
        );
    }
    assert!(matches!(
        try_command(&good.replace(CHANNEL, "c")),
        Err(NotVerified::Malformed(_))
    ));
    assert!(
        matches!(
            try_command(&format!("{good}&text=x")),
            Err(NotVerified::Malformed(_))
        ),
        "a key twice"
    );
    let json = receive(COMMANDS_ROUTE, "application/json", &good);
    assert!(matches!(json, Err(NotVerified::ContentType)));
    for (bearer, is_taken) in [
        ("Token wrong-token-wrong-01", false),
        (&format!("Token {TOKEN}"), true),
        ("Bearer x", true),
    ] {
        let mut headers = headers(FORM);
        headers.insert(header::AUTHORIZATION, bearer.parse().unwrap());
        assert_eq!(
            receive_with(COMMANDS_ROUTE, &headers, &good).is_ok(),
            is_taken,
            "{bearer}"
        );
    }
}

fn click(value: &str, user: &str, trigger: &str) -> String {
    let context = json!({ "action": "confirm", "value": value });
    json!({ "user_id": user, "channel_id": CHANNEL, "trigger_id": trigger, "context": context })
        .to_string()
}

fn try_click(body: &str) -> Result<Interaction, NotVerified> {
    receive(ACTIONS_ROUTE, "application/json", body)
}

/// A click needs a value that only we can make, and a trigger that only the server can sign.
#[test]
fn a_click_needs_our_value_and_the_server_s_signature() {
    let value = keys().button_value(ResetId([7; 16]));
    let now = trigger(JO, NOW.0);
    assert!(matches!(
        try_click(&click(&value, JO, &now)),
        Ok(Interaction::Click(_))
    ));
    let signed_again = trigger_by(key_pair(), JO, NOW.0);
    let replay = |trigger: &str| match try_click(&click(&value, JO, trigger)) {
        Ok(Interaction::Click(click)) => click.origin.replay,
        other => panic!("{other:?}"),
    };
    assert!(
        signed_again != now && replay(&signed_again) == replay(&now),
        "two forms of one trigger are one request"
    );
    for wrong in [
        click(&"A".repeat(43), JO, &now),
        click("", JO, &now),
        click(&value, MINA, &now),
        click(&value, JO, &trigger(JO, NOW.0 - 301_000)),
        click(&value, JO, &trigger_by(&fresh_key(), JO, NOW.0)),
        click(&value, JO, "not-base64!"),
        click(&value, JO, ""),
    ] {
        assert!(
            matches!(
                try_click(&wrong),
                Err(NotVerified::Unsigned(_) | NotVerified::Stale { .. })
            ),
            "{wrong}"
        );
    }
}

/// A dialog needs the state that was made when a signed click opened it.
#[test]
fn a_dialog_needs_its_own_state() {
    let value = keys().button_value(ResetId([7; 16]));
    let form = |kind| Form {
        kind,
        value: value.clone(),
        title: String::new(),
        label: String::new(),
        hint: String::new(),
        submit: String::new(),
    };
    let opened = SignedTrigger::read(&trigger(JO, NOW.0)).unwrap();
    let state = DialogState::new(&form(FormKind::Destination), &opened).write(&keys());
    let dialog = |user: &str, state: &str, typed: &str| {
        json!({ "user_id": user, "state": state, "submission": { "destination": typed } })
            .to_string()
    };
    let try_dialog = |body: &str| receive(DIALOGS_ROUTE, "application/json", body);
    let Ok(Interaction::Form(form)) = try_dialog(&dialog(JO, &state, "x")) else {
        panic!("no form")
    };
    assert_eq!(
        (form.kind, form.value, form.typed.as_str()),
        (FormKind::Destination, value.clone(), "x")
    );
    assert_eq!(form.origin.user.user, JO);
    assert!(form.origin.replay.is_freed_by_refusal());
    for wrong in [
        dialog(MINA, &state, "x"),
        dialog(JO, &value, "x"),
        dialog(JO, &format!("deliver_other:{value}"), "x"),
        dialog(
            JO,
            &state.replace("deliver_other", "copy_to_self_change"),
            "x",
        ),
        dialog(JO, "", "x"),
    ] {
        assert!(
            matches!(
                try_dialog(&wrong),
                Err(NotVerified::Unsigned(_) | NotVerified::Stale { .. })
            ),
            "{wrong}"
        );
    }
    // A request of one route is refused at the others.
    assert!(
        receive(
            DIALOGS_ROUTE,
            "application/json",
            &click(&value, JO, &trigger(JO, NOW.0))
        )
        .is_err()
    );
    assert!(
        receive(
            "/discord/interactions",
            "application/json",
            &click(&value, JO, &trigger(JO, NOW.0))
        )
        .is_err()
    );
}

async fn tells(server: &MockServer, key: &Value, times: u64) {
    Mock::given(method("GET"))
        .and(path("/api/v4/config/client"))
        .and(query_param("format", "old"))
        // This configuration needs no sign-in.
        .and(|request: &wiremock::Request| !request.headers.contains_key("authorization"))
        .respond_with(
            ResponseTemplate::new(200).set_body_json(json!({ "AsymmetricSigningPublicKey": key })),
        )
        .expect(times)
        .mount(server)
        .await;
}

/// The server may get a new key. It is fetched again, at most once a minute, by one request at a time.
#[tokio::test]
async fn the_key_is_asked_for_again_when_a_signature_fails() {
    let server = MockServer::start().await;
    let mattermost = at(&server.uri());
    mattermost
        .signing_key
        .set(SigningKey::read(&public(&fresh_key())), Moment(0));
    tells(&server, &public(key_pair()).into(), 1).await;
    let good = SignedTrigger::read(&trigger(JO, NOW.0)).unwrap();
    let foreign = SignedTrigger::read(&trigger_by(&fresh_key(), JO, NOW.0)).unwrap();
    let check =
        async |signed: &SignedTrigger| mattermost.check_signature(signed, Asking::Allowed).await;
    assert!(
        mattermost.check_signature(&good, Asking::No).await.is_err(),
        "nobody is asked"
    );
    let (of_good, of_foreign) = tokio::join!(check(&good), check(&foreign));
    assert_eq!(
        (of_good, of_foreign),
        (Ok(()), Err(NotVerified::Unsigned("trigger signature")))
    );
    for seconds in [0, 30, 29] {
        mattermost.clock.advance(Span::seconds(seconds));
        assert!(check(&foreign).await.is_err());
    }
    server.verify().await;
    server.reset().await;
    // A minute later it is fetched once more. The server has no key now, so every request is refused.
    tells(&server, &Value::Null, 1).await;
    mattermost.clock.advance(Span::seconds(1));
    assert!(check(&foreign).await.is_err());
    assert!(check(&good).await.is_err());
}

/// A key that is not a P-256 key, a failure, and a malformed body: every request is refused.
#[tokio::test]
async fn without_a_key_nothing_is_taken() {
    for answer in [
        ResponseTemplate::new(200).set_body_json(json!({ "AsymmetricSigningPublicKey": "MFkw" })),
        ResponseTemplate::new(200).set_body_json(json!({})),
        ResponseTemplate::new(200).set_body_string("no JSON"),
        ResponseTemplate::new(501),
        ResponseTemplate::new(500),
    ] {
        let server = MockServer::start().await;
        Mock::given(method("GET"))
            .respond_with(answer)
            .expect(1)
            .mount(&server)
            .await;
        let good = SignedTrigger::read(&trigger(JO, NOW.0)).unwrap();
        let refused = at(&server.uri())
            .check_signature(&good, Asking::Allowed)
            .await;
        assert_eq!(refused, Err(NotVerified::Unsigned("trigger signature")));
    }
}

fn reply() -> ReplyAddress {
    let hook = Some(reply::ResponseHook {
        id: HOOK.to_owned(),
        until: NOW + HOOK_LIFE,
    });
    let place = MattermostReply {
        user: JO.to_owned(),
        channel: CHANNEL.to_owned(),
        hook,
    };
    ReplyAddress::new(place.write(), NOW + REPLY_LIFE)
}

/// A password goes to the signed user alone or nowhere. Other messages may go to the response address, but only to our
/// server.
#[tokio::test]
async fn a_password_never_goes_to_the_response_address() {
    let server = MockServer::start().await;
    let mattermost = at(&server.uri());
    mattermost.may_post.allow();
    let body = json!({ "user_id": JO, "post": { "channel_id": CHANNEL, "message": "**Done**", "props": {} } });
    Mock::given(path("/api/v4/posts/ephemeral"))
        .and(has_header(
            "authorization",
            "Bearer canary-bot-token-0123456789",
        ))
        .respond_with(ResponseTemplate::new(403))
        .expect(2)
        .mount(&server)
        .await;
    let hook = format!("/hooks/commands/{HOOK}");
    Mock::given(path(hook.as_str()))
        .respond_with(ResponseTemplate::new(200))
        .expect(1)
        .mount(&server)
        .await;
    let message = Message {
        title: "Done".to_owned(),
        ..Message::default()
    };
    let mut rng = <rand::rngs::StdRng as rand::SeedableRng>::seed_from_u64(1);
    let password = Password::generate(&mut rng, 8);
    let shown = ShownPassword {
        password: &password,
        spoken_label: "Say it: ",
    };
    assert!(matches!(
        mattermost.show(&reply(), &message, &shown).await,
        Outcome::Refused(_)
    ));
    assert_eq!(mattermost.assurance().await, Assurance::PersonOnly);
    assert!(matches!(
        mattermost.show(&reply(), &message, &shown).await,
        Outcome::Refused(_)
    ));
    mattermost.may_post.allow();
    assert_eq!(
        mattermost
            .follow_up(&reply(), &message, Placement::Add)
            .await,
        Outcome::Accepted
    );
    assert_eq!(mattermost.uses_left(&reply()), REPLY_USES - 1);
    server.verify().await;
    server.reset().await;
    mattermost.may_post.allow();
    Mock::given(body_json(body))
        .respond_with(ResponseTemplate::new(201))
        .expect(1)
        .mount(&server)
        .await;
    assert_eq!(
        mattermost
            .follow_up(&reply(), &message, Placement::Add)
            .await,
        Outcome::Accepted
    );
    assert_eq!(
        (mattermost.uses_left(&reply()), mattermost.assurance().await),
        (u32::MAX, Assurance::PrivateReply)
    );
}

/// A message for the signed user alone does not go to the response address, and after a refused post the roles do not
/// count.
#[tokio::test]
async fn a_question_goes_to_the_signed_user_or_nowhere() {
    let server = MockServer::start().await;
    let mattermost = at(&server.uri());
    mattermost.may_post.set_by_roles(true);
    let post = || Mock::given(path("/api/v4/posts/ephemeral"));
    post()
        .respond_with(ResponseTemplate::new(403))
        .expect(1)
        .mount(&server)
        .await;
    let said = mattermost
        .follow_up_alone(&reply(), &Message::default())
        .await;
    assert_eq!(
        said,
        Outcome::Refused(crate::domain::delivery::Refusal::Credentials)
    );
    mattermost.clock.advance(Span::minutes(1));
    assert_eq!(mattermost.assurance().await, Assurance::PersonOnly);
    let asked = server.received_requests().await.unwrap_or_default();
    assert_eq!(asked.len(), 1, "neither the response address nor the roles");
    server.verify().await;
    server.reset().await;
    // A post is tried once a minute, and an accepted one restores the permission.
    post()
        .respond_with(ResponseTemplate::new(201))
        .expect(1)
        .mount(&server)
        .await;
    assert_eq!(
        mattermost
            .follow_up(&reply(), &Message::default(), Placement::Add)
            .await,
        Outcome::Accepted
    );
    assert_eq!(mattermost.assurance().await, Assurance::PrivateReply);
}

/// Without an answer, nothing goes to the response address.
#[tokio::test]
async fn what_failed_is_not_sent_to_the_response_address() {
    for status in [400, 401, 429, 500] {
        let server = MockServer::start().await;
        let mattermost = at(&server.uri());
        mattermost.may_post.allow();
        Mock::given(path("/api/v4/posts/ephemeral"))
            .respond_with(ResponseTemplate::new(status))
            .expect(1)
            .mount(&server)
            .await;
        let said = mattermost
            .follow_up(&reply(), &Message::default(), Placement::Add)
            .await;
        assert_ne!(said, Outcome::Accepted, "{status}");
    }
}

/// A reload keeps what is known of the same server. Another server or another bot starts empty.
#[test]
fn a_reload_goes_on_with_what_is_known() {
    let old = mattermost();
    old.used.take(HOOK, NOW + HOOK_LIFE, NOW);
    old.may_post.refuse(NOW);
    let gone_on = |url: &str, token: &str| {
        let mut new = at(url);
        new.config.bot_token = token.to_owned().into();
        new.take_state_from(&old);
        (
            new.signing_key.get().is_some(),
            new.used.count(HOOK),
            new.may_post.get(),
        )
    };
    let token = "canary-bot-token-0123456789";
    assert_eq!(
        gone_on("http://127.0.0.1:1/", token),
        (true, 1, Some(false))
    );
    assert_eq!(
        gone_on("http://127.0.0.1:1/", "another-bot-token-0123456789"),
        (true, 1, None)
    );
    assert_eq!(gone_on("http://127.0.0.1:2/", token), (false, 0, None));
}

/// A missing field counts as the value that grants less.
#[test]
fn an_account_is_worth_what_is_said_of_it() {
    let read = |account: Value| serde_json::from_value::<wire::MattermostUser>(account).unwrap();
    let judged = |account: Value| profile_of(&read(account), true);
    let plain = profile_of(
        &read(json!({ "id": JO, "email": "jo@acme.example" })),
        false,
    );
    assert_eq!(
        (plain.kind, plain.confirmed_email.is_none(), plain.role),
        (AccountKind::Member, true, Role::Member)
    );
    let known = judged(
        json!({ "id": JO, "email": "jo@acme.example", "roles": "system_user system_admin" }),
    );
    assert_eq!(
        (known.confirmed_email.is_some(), known.role),
        (true, Role::PrimaryAdmin)
    );
    for (more, kind) in [
        (json!({ "roles": "system_guest" }), AccountKind::Guest),
        (json!({ "delete_at": 5 }), AccountKind::Deleted),
        (json!({ "is_bot": true }), AccountKind::Bot),
        (json!({ "remote_id": "r" }), AccountKind::Stranger),
        (json!({ "remote_id": "" }), AccountKind::Member),
    ] {
        let mut account = more.clone();
        account["id"] = JO.into();
        assert_eq!(judged(account).kind, kind, "{more}");
    }
    let mut trusting = at("http://127.0.0.1:1/");
    trusting.config.trusted_auth_services = vec!["gitlab".to_owned()];
    for (service, trust) in [
        (json!(""), EmailTrust::AsServerSays),
        (json!("ldap"), EmailTrust::Confirmed),
        (json!("gitlab"), EmailTrust::Confirmed),
        (json!("openid"), EmailTrust::Claimed),
        (Value::Null, EmailTrust::Claimed),
    ] {
        let account = json!({ "id": JO, "auth_service": service.clone() });
        assert_eq!(trusting.email_trust(&read(account)), trust, "{service}");
    }
    assert_eq!(
        trusting.email_trust(&read(json!({ "id": JO }))),
        EmailTrust::Claimed
    );
}

/// A server that takes its time does not hold up who knows something: the click goes on with that.
#[tokio::test]
async fn what_is_known_is_used_where_the_server_is_slow() {
    let server = MockServer::start().await;
    let delay = Duration::from_secs(4);
    let roles = json!({ "roles": "" });
    Mock::given(path("/api/v4/users/me"))
        .respond_with(
            ResponseTemplate::new(200)
                .set_delay(delay)
                .set_body_json(roles),
        )
        .mount(&server)
        .await;
    Mock::given(path("/api/v4/roles/names"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!([])))
        .mount(&server)
        .await;
    let mattermost = at(&server.uri());
    mattermost.may_post.allow();
    assert!(mattermost.surely_posts_to_one().await);
    assert!(!at(&server.uri()).surely_posts_to_one().await);
}

/// No client parses markup in the error of a dialog, so nothing is escaped there.
#[tokio::test]
async fn the_error_of_a_dialog_is_plain() {
    let message = Message {
        title: "Nobody has this_address (yet).".to_owned(),
        lines: vec!["Nothing was changed.".to_owned()],
        ..Message::default()
    };
    let kind = InteractionKind::Form(FormKind::Destination);
    let answer = mattermost().immediate(kind, Immediate::Say(&message));
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(
        answer,
        json!({ "error": "Nobody has this_address (yet). Nothing was changed." })
    );
}
