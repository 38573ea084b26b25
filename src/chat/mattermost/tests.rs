//! Mattermost's requests as they come, and everything that is not one.

use super::*;
use crate::chat::common::hostile_names;
use crate::domain::ResetId;

const NOW: Moment = Moment(1_795_428_000_000);
const JO: &str = "jojojojojojojojojojojojo01";
const MINA: &str = "minaminaminaminaminamina02";
const TOKEN: &str = "canaryttokenofthecommand01";

fn keys() -> Keys {
    Keys::from_master(&[7; 32]).unwrap()
}

fn mattermost() -> Mattermost {
    let config = Config {
        url: "https://chat.acme.example/".parse().unwrap(),
        command_tokens: vec!["token-of-another-team-1".to_owned().into(), TOKEN.to_owned().into()],
        bot_token: "canary-bot-token-0123456789".to_owned().into(),
        own_url: "https://reset.acme.example".parse().unwrap(),
    };
    Mattermost::new(config, keys(), net::client(CALL_DEADLINE).unwrap(), Clock::fixed(NOW))
}

fn trigger(user: &str, at: i64) -> String {
    STANDARD.encode(format!("abc:{user}:{at}:c2ln"))
}

fn receive(route: &str, kind: &str, body: &str) -> Result<Interaction, NotVerified> {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, kind.parse().unwrap());
    mattermost().receive(route, &headers, body.as_bytes(), NOW).map(Verified::into_inner)
}

fn command(text: &str, more: &str) -> String {
    let trigger = trigger(JO, NOW.0).replace('+', "%2B").replace('=', "%3D");
    format!(
        "user_id={JO}&command=%2Freset-password&text={text}&token={TOKEN}&trigger_id={trigger}\
        &response_url=https%3A%2F%2Fchat.acme.example%2Fhooks%2Fcommands%2Fabc{more}"
    )
}

fn try_command(body: &str) -> Result<Interaction, NotVerified> {
    receive(COMMANDS_ROUTE, "application/x-www-form-urlencoded", body)
}

fn ask(text: &str, more: &str) -> Ask {
    let Ok(Interaction::Command(command)) = try_command(&command(text, more)) else { panic!("no command") };
    command.ask
}

#[test]
fn a_mention_is_whom_mattermost_says_it_is() {
    let mina = || Member::Mention(MINA.to_owned());
    let both = format!("&user_mentions=mina.park&user_mentions_ids={MINA}&user_mentions=jo&user_mentions_ids={JO}");
    assert_eq!(ask("%40mina.park+lost+it", &both), Ask::Reset(mina(), Some("lost it".to_owned())));
    assert_eq!(ask("%40mina.park%2C", &both), Ask::Reset(mina(), None), "a comma belongs to the sentence");
    assert_eq!(ask("%40Mina.Park", &both), Ask::Reset(mina(), None), "names have no case there");
    assert_eq!(ask("%40..", &both), Ask::Unclear("@..".to_owned()));
    assert_eq!(ask("%40mina.park+%40jo", &both), Ask::Several);
    assert_eq!(ask("%40noa", &both), Ask::Reset(Member::Mention("@noa".to_owned()), None), "looked up by name");
    assert_eq!(ask("mina%40acme.example", ""), Ask::Reset(Member::Email("mina@acme.example".parse().unwrap()), None));
    assert_eq!(ask("why+%40mina.park", &both), Ask::Why(mina()));
    assert_eq!(ask("%40..%2F..%2Fme", ""), Ask::Unclear("@../../me".to_owned()));
    assert_eq!(ask("", ""), Ask::Help);
}

/// W1–W5, W18 as far as Mattermost lets: token, user, time, and where answers go.
#[test]
fn only_our_command_s_token_counts_for_its_user_and_in_time() {
    let good = command("help", "");
    assert!(matches!(try_command(&good), Ok(Interaction::Command(_))));
    let unsigned = |body: &str| matches!(try_command(body), Err(NotVerified::Unsigned(_)));
    assert!(unsigned(&good.replace(TOKEN, "canaryttokenofthecommand02")));
    assert!(unsigned(&good.replace(&format!("token={TOKEN}&"), "")));
    assert!(unsigned(&good.replace(&format!("user_id={JO}"), &format!("user_id={MINA}"))), "another's trigger");
    for late in [-301_000, 301_000] {
        let trigger = |at| trigger(JO, at).replace('+', "%2B").replace('=', "%3D");
        assert!(unsigned(&good.replace(&trigger(NOW.0), &trigger(NOW.0 + late))));
    }
    for wrong in
        ["https%3A%2F%2Fevil.example%2Fhooks%2Fcommands%2Fabc", "https%3A%2F%2Fchat.acme.example%2Fapi%2Fv4%2Fx"]
    {
        let body = good.replace("https%3A%2F%2Fchat.acme.example%2Fhooks%2Fcommands%2Fabc", wrong);
        assert!(matches!(try_command(&body), Err(NotVerified::Malformed(_))), "{wrong}");
    }
    assert!(matches!(try_command(&format!("{good}&text=x")), Err(NotVerified::Malformed(_))), "a key twice");
    let json = receive(COMMANDS_ROUTE, "application/json", &good);
    assert!(matches!(json, Err(NotVerified::ContentType)));
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, "application/x-www-form-urlencoded".parse().unwrap());
    for (bearer, is_taken) in
        [("Token wrong-token-wrong-01", false), (&format!("Token {TOKEN}"), true), ("Bearer x", true)]
    {
        headers.insert(header::AUTHORIZATION, bearer.parse().unwrap());
        let taken = mattermost().receive(COMMANDS_ROUTE, &headers, good.as_bytes(), NOW);
        assert_eq!(taken.is_ok(), is_taken, "{bearer}");
    }
}

/// A click and a dialog prove themselves by what only we can make.
#[test]
fn a_click_and_a_dialog_need_our_own_value() {
    let value = keys().button_value(ResetId([7; 16]));
    let click = |value: &str, user: &str, trigger: &str| {
        json!({ "user_id": user, "trigger_id": trigger, "context": { "action": "confirm", "value": value } })
            .to_string()
    };
    let try_click = |body: &str| receive(ACTIONS_ROUTE, "application/json", body);
    let now = trigger(JO, NOW.0);
    assert!(matches!(try_click(&click(&value, JO, &now)), Ok(Interaction::Click(_))));
    for wrong in [
        click(&"A".repeat(43), JO, &now),
        click("", JO, &now),
        click(&value, MINA, &now),
        click(&value, JO, &trigger(JO, NOW.0 - 301_000)),
        click(&value, JO, "not-base64!"),
        click(&value, JO, ""),
    ] {
        assert!(matches!(try_click(&wrong), Err(NotVerified::Unsigned(_))), "{wrong}");
    }
    let dialog =
        |state: &str| json!({ "user_id": JO, "state": state, "submission": { "destination": "x" } }).to_string();
    let try_dialog = |body: &str| receive(DIALOGS_ROUTE, "application/json", body);
    let Ok(Interaction::Form(form)) = try_dialog(&dialog(&format!("deliver_other:{value}"))) else { panic!("no form") };
    assert_eq!((form.value, form.typed.as_str()), (value.clone(), "x"));
    // Two dialogs of one card are two requests, whatever is typed; one sent twice is one.
    let sent = |state: &str| match try_dialog(&dialog(state)) {
        Ok(Interaction::Form(form)) => form.origin.replay,
        other => panic!("{other:?}"),
    };
    let [one, again, other] = ["1a", "1a", "1b"].map(|opened_by| sent(&format!("deliver_other:{value}:{opened_by}")));
    assert!(one == again && one != other);
    for wrong in ["", "deliver_other", "deliver_other:", &format!("deliver_other:{}", "A".repeat(43))] {
        assert!(matches!(try_dialog(&dialog(wrong)), Err(NotVerified::Unsigned(_))), "{wrong}");
    }
    assert!(matches!(try_dialog(&dialog(&format!("destroy:{value}"))), Err(NotVerified::Malformed(_))));
    // What belongs to one route is nothing to another.
    assert!(receive(DIALOGS_ROUTE, "application/json", &click(&value, JO, &now)).is_err());
    assert!(receive("/discord/interactions", "application/json", &click(&value, JO, &now)).is_err());
}

/// A7, A8: what Mattermost does not say is not so.
#[test]
fn an_account_is_worth_what_is_said_of_it() {
    let judged = |account: Value| judge(&serde_json::from_value(account).unwrap());
    let plain = judged(json!({ "id": JO, "email": "jo@acme.example" }));
    assert_eq!((plain.standing, plain.confirmed_email.is_none(), plain.role), (Standing::Member, true, Role::Member));
    let known = judged(
        json!({ "id": JO, "email": "jo@acme.example", "email_verified": true, "roles": "system_user system_admin" }),
    );
    assert_eq!((known.confirmed_email.is_some(), known.role), (true, Role::PrimaryAdmin));
    assert_eq!(judged(json!({ "id": JO, "roles": "system_guest" })).standing, Standing::Guest);
    assert_eq!(judged(json!({ "id": JO, "delete_at": 5 })).standing, Standing::Deleted);
    assert_eq!(judged(json!({ "id": JO, "is_bot": true })).standing, Standing::Bot);
}

/// O2: no name becomes a mention, a link or markup.
#[test]
fn hostile_names_stay_names() {
    for name in hostile_names() {
        let message = Message { title: name, ..Message::default() };
        let text = render::text(&message);
        let inside = text.strip_prefix("**").and_then(|text| text.strip_suffix("**")).unwrap();
        let mut characters = inside.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '@' | ':' | '/' => assert_eq!(characters.next(), Some('\u{200b}'), "{text}"),
                '\\' => assert!(characters.next().unwrap().is_ascii_punctuation(), "{text}"),
                other => assert!(!other.is_ascii_punctuation(), "{text}"),
            }
        }
    }
}
