//! Where codes go: never to a contact that whoever knows the password has a hand in, while there is another one.

use axum::http::StatusCode;
use relatch::domain::contacts::ContactRules;
use relatch::domain::delivery::{Outcome, Refusal, Ways};
use relatch::domain::{Carries, Platform, Span};

use crate::support::slack::{button_value, shown_password, text_of, user_id};
use crate::support::{Left, OWN, TestBot, on};

const JO: &str = "jo@acme.example";
const KIM: &str = "kim@acme.example";
const MINA: &str = "mina.park@acme.example";
const NOA: &str = "noa@acme.example";

const PHONE: &str = "+821012345642";
const EMAIL: &str = "mina@mail.example";
const NUMBER: &str = "+821012345699";

/// The password out of what was sent to an address, and nothing else left unread.
fn sent_password(bot: &TestBot, to: &str) -> String {
    let sent = bot.outbox.take();
    let text = sent
        .iter()
        .find(|sent| sent.to == to && sent.text.contains("password is"))
        .expect("the password");
    let (_, rest) = text.text.split_once("password is ").expect("a password");
    rest.chars().take(8).collect()
}

/// Where the code for this password goes; none where there is no way in.
async fn code_goes_to(bot: &TestBot, member: &str, password: &str) -> Option<String> {
    bot.clock.advance(Span::seconds(31));
    bot.outbox.take();
    match bot.browser().sign_in(member, password).await.to() {
        "/verify" => Some(bot.codes().pop().expect("a code").1),
        _ => None,
    }
}

async fn add(bot: &TestBot, who: &str, member: &str, address: &str) -> String {
    text_of(
        &added(
            bot,
            who,
            &format!("contact <@{}> {address}", user_id(member)),
        )
        .await,
    )
}

/// What comes of the command that adds a contact. Mattermost asks by a button first.
async fn added(bot: &TestBot, who: &str, words: &str) -> serde_json::Value {
    let told = bot.command(who, words).await.json();
    bot.settle().await;
    let Some(value) = button_value(&told, "contact_add") else {
        return told;
    };
    bot.click_value(who, "contact_add", &value).await;
    bot.slack.last()
}

fn assert_refused(told: &str, what: &str) {
    assert!(
        told.contains(what) && told.contains("Nothing was changed.") && told.contains("(ref "),
        "{told}"
    );
    assert!(
        told.chars().count() <= 350,
        "{} characters: {told}",
        told.chars().count()
    );
}

const PLATFORMS: [Platform; 4] = [
    Platform::Slack,
    Platform::Discord,
    Platform::Lark,
    Platform::Mattermost,
];

/// S40, S41: whoever holds the phone to which the password went does not get the code there, while the member has a private
/// email; and card, last look and result say where it goes. On every platform.
#[tokio::test(flavor = "multi_thread")]
async fn password_and_code_go_to_two_contacts() {
    for platform in PLATFORMS {
        on(platform, async {
            let bot = TestBot::new().await;
            let card = bot.card(JO, MINA).await;
            let told = text_of(&card);
            assert!(
                told.contains("the first of these that does not get the password: +82 ··· ··42, m···@mail.example"),
                "{told}"
            );
            bot.click(JO, &card, "deliver_phone").await;
            let look = bot.slack.last_text();
            assert!(look.contains("is asked for a code sent to m···@mail.example."), "{platform}: {look}");
            bot.click(JO, &bot.slack.last(), "confirm").await;
            assert!(bot.slack.last_text().contains("is asked for a code sent to m···@mail.example."), "{platform}");
            let password = sent_password(&bot, PHONE);
            assert_eq!(code_goes_to(&bot, MINA, &password).await.as_deref(), Some(EMAIL), "{platform}");
        })
        .await;
    }
}

/// Where there is one contact only, both go there, and everybody is told so before and after.
#[tokio::test(flavor = "multi_thread")]
async fn one_contact_gets_both_and_it_is_said() {
    let bot = TestBot::new().await;
    bot.alter(NOA, "phone", NUMBER).await;
    let card = bot.card(JO, NOA).await;
    assert!(
        text_of(&card).contains("password and code go to the same phone"),
        "{card:#}"
    );
    bot.click(JO, &card, "deliver_phone").await;
    assert!(
        bot.slack
            .last_text()
            .contains("password and code go to the same phone"),
        "{}",
        bot.slack.last_text()
    );
    bot.click(JO, &bot.slack.last(), "confirm").await;
    assert!(
        bot.slack
            .last_text()
            .contains("password and code go to the same phone"),
        "{}",
        bot.slack.last_text()
    );
    let password = sent_password(&bot, NUMBER);
    assert_eq!(
        code_goes_to(&bot, NOA, &password).await.as_deref(),
        Some(NUMBER)
    );
}

/// "A second phone is another method", once it has answered a code.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_phone_is_another_method_once_it_has_answered() {
    let bot = TestBot::new().await;
    bot.alter(NOA, "phone", "+821012345698").await;
    add(&bot, KIM, NOA, NUMBER).await;
    bot.clock.advance(Span::hours(72));
    bot.reset(JO, NOA, "deliver_phone").await;
    let password = sent_password(&bot, "+821012345698");
    assert_eq!(
        code_goes_to(&bot, NOA, &password).await.as_deref(),
        Some("+821012345698"),
        "it has not answered"
    );

    bot.alter(NOA, "phone", "").await;
    let browser = bot.browser();
    bot.clock.advance(Span::minutes(1));
    assert_eq!(browser.sign_in(NOA, &password).await.to(), "/verify");
    let (code, to) = bot.codes().pop().expect("a code");
    assert_eq!(to, NUMBER);
    assert_eq!(
        browser
            .submit("/verify", "/verify", &[("code", &code)])
            .await
            .to(),
        "/new-password"
    );
    bot.alter(NOA, "phone", "+821012345698").await;
    bot.reset(JO, NOA, "deliver_phone").await;
    assert!(
        bot.slack
            .last_text()
            .contains("code sent to +82 ··· ··99 (added by Kim Cho on 23 Nov)"),
        "{}",
        bot.slack.last_text()
    );
    let password = sent_password(&bot, "+821012345698");
    assert_eq!(
        code_goes_to(&bot, NOA, &password).await.as_deref(),
        Some(NUMBER)
    );
}

/// S41 without exception: the contact on record gets no code where the administrator's copy went there.
#[tokio::test(flavor = "multi_thread")]
async fn no_code_follows_a_copy_to_a_contact_on_record() {
    let bot = TestBot::new().await;
    bot.alter(NOA, "personal_email", "noa@mail.example").await;
    bot.last_look(JO, NOA, "deliver_copy").await;
    bot.click(JO, &bot.slack.last(), "copy_to_self_change")
        .await;
    bot.submit(JO, "Noa+x@mail.example").await;
    assert!(
        bot.slack
            .last_text()
            .contains("has no phone or private email for the code yet"),
        "{}",
        bot.slack.last_text()
    );
    bot.click(JO, &bot.slack.last(), "confirm").await;
    let password = shown_password(&bot.slack.last()).expect("the password is shown");
    assert_eq!(code_goes_to(&bot, NOA, &password).await, None);
}

/// S41: nor where a typed address became the one on record later, or was tried before another way was chosen.
#[tokio::test(flavor = "multi_thread")]
async fn no_code_follows_an_address_that_was_typed() {
    let bot = TestBot::new().await;
    let card = bot.card(JO, MINA).await;
    bot.click(JO, &card, "deliver_other").await;
    bot.submit(JO, "jo.private@home.example").await;
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Address));
    bot.click(JO, &bot.slack.last(), "confirm").await;
    bot.click(JO, &bot.slack.last(), "deliver_email").await;
    let sent = bot.outbox.take();
    let mail = sent
        .iter()
        .find(|sent| sent.to == EMAIL && sent.text.contains("new one is"))
        .expect("the password");
    let password: String = mail
        .text
        .split("\n\n    ")
        .nth(1)
        .unwrap()
        .chars()
        .take(8)
        .collect();
    bot.alter(MINA, "phone", "").await;
    let mut row = bot
        .app
        .store
        .members()
        .await
        .unwrap()
        .into_iter()
        .find(|row| row.business_email == MINA)
        .unwrap();
    (row.phone, row.personal_email) = (None, Some("jo.private@home.example".to_owned()));
    bot.app.store.import_members(vec![row]).await.unwrap();
    assert_eq!(code_goes_to(&bot, MINA, &password).await, None);
}

/// `policy.separate_code = "require"`: who has one contact is refused on the card, before any change, and a code never
/// follows the password.
#[tokio::test(flavor = "multi_thread")]
async fn two_contacts_can_be_required() {
    for platform in PLATFORMS {
        on(platform, async {
            let rules = ContactRules {
                needs_two: true,
                ..ContactRules::default()
            };
            let bot = TestBot::with_contact_rules(Ways::default(), rules).await;
            bot.alter(NOA, "phone", NUMBER).await;
            let told = bot
                .command(JO, &format!("<@{}|someone>", user_id(NOA)))
                .await
                .text();
            assert_refused(
                &told,
                "Password and code need two contacts; Noa Bae has one.",
            );
            assert!(
                told.contains("relatch members contact noa@acme.example"),
                "{told}"
            );
            assert_eq!(
                (bot.count("reset").await, bot.audited("command").await),
                (0, "one_contact".to_owned())
            );
            assert!(button_value(&bot.card(JO, MINA).await, "deliver_phone").is_some());
        })
        .await;
    }
}

/// The same is asked at the act: a contact that went meanwhile stops the reset, and its slot comes back.
#[tokio::test(flavor = "multi_thread")]
async fn two_contacts_are_required_at_the_act_too() {
    let rules = ContactRules {
        needs_two: true,
        ..ContactRules::default()
    };
    let bot = TestBot::with_contact_rules(Ways::default(), rules).await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    let mut row = bot
        .app
        .store
        .members()
        .await
        .unwrap()
        .into_iter()
        .find(|row| row.business_email == MINA)
        .unwrap();
    row.personal_email = None;
    bot.app.store.import_members(vec![row]).await.unwrap();
    bot.click(JO, &ready, "confirm").await;
    let told = bot.slack.last_text();
    assert_refused(
        &told,
        "Password and code need two contacts; Mina Park has one.",
    );
    assert!(told.contains("No reset was used."), "{told}");
    assert!(bot.outbox.take().is_empty());
}

/// Kim plants a number, Jo resets: Jo is told what it is, and the code does not go there.
#[tokio::test(flavor = "multi_thread")]
async fn a_planted_contact_gets_no_code() {
    for platform in PLATFORMS {
        on(platform, async {
            let bot = TestBot::new().await;
            add(&bot, KIM, NOA, NUMBER).await;
            bot.clock.advance(Span::hours(71));
            let card = bot.card(JO, NOA).await;
            let told = text_of(&card);
            assert!(
                told.contains(
                    "+82 ··· ··99, added by Kim Cho on 23 Nov, does not count before 10:00."
                ),
                "{told}"
            );
            bot.click(JO, &card, "reachable").await;
            bot.click(JO, &bot.slack.last(), "deliver_copy").await;
            bot.click(JO, &bot.slack.last(), "confirm").await;
            let told = bot.slack.last_text();
            assert!(
                told.contains("Noa Bae has no phone or private email for the code yet.")
                    && !told.contains("their own"),
                "{told}"
            );
            let password = shown_password(&bot.slack.last()).expect("the password is shown");
            assert_eq!(code_goes_to(&bot, NOA, &password).await, None, "{platform}");
        })
        .await;
    }
}

/// An older contact that has never answered a code may be nobody's: it does not keep a newer one from serving. Once it has
/// answered it does.
#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_never_answered_keeps_no_other_one_away() {
    let bot = TestBot::new().await;
    add(&bot, KIM, NOA, "+821012345690").await;
    bot.clock.advance(Span::hours(80));
    let password = bot.reset_by_copy(JO, NOA).await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("which has not answered a code yet. If it does not work, another administrator adds one after the reset:"),
        "{told}"
    );
    let told = add(&bot, KIM, NOA, NUMBER).await;
    assert!(
        told.contains("it counts at once if no older contact counts."),
        "{told}"
    );
    assert_eq!(
        code_goes_to(&bot, NOA, &password).await.as_deref(),
        Some(NUMBER)
    );

    bot.execute("update contact set answered_at = 1 where address = '+821012345690'")
        .await;
    assert_eq!(
        code_goes_to(&bot, NOA, &password).await.as_deref(),
        Some("+821012345690")
    );
}

/// When it is old enough it serves, and everybody is told whose it is; adding it again begins anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_contact_of_an_administrator_serves_after_its_time() {
    let bot = TestBot::new().await;
    add(&bot, KIM, NOA, NUMBER).await;
    bot.clock.advance(Span::hours(71));
    add(&bot, KIM, NOA, NUMBER).await;
    bot.clock.advance(Span::hours(71));
    let password = bot.reset_by_copy(JO, NOA).await;
    assert_eq!(
        code_goes_to(&bot, NOA, &password).await,
        None,
        "added again: counted from then"
    );
    bot.clock.advance(Span::hours(1));
    assert_eq!(
        code_goes_to(&bot, NOA, &password).await.as_deref(),
        Some(NUMBER)
    );
    let password = bot.reset_by_copy(JO, NOA).await;
    assert!(
        bot.slack
            .last_text()
            .contains("+82 ··· ··99 (added by Kim Cho on 26 Nov)"),
        "{}",
        bot.slack.last_text()
    );
    assert_eq!(
        code_goes_to(&bot, NOA, &password).await.as_deref(),
        Some(NUMBER)
    );
    // Q7, whatever its age.
    let password = bot.reset_by_copy(KIM, NOA).await;
    assert_eq!(code_goes_to(&bot, NOA, &password).await, None);
}

/// S42: added after the reset by another administrator it serves at once, also when the same one added it before; not
/// where the member has an older method, and not in "strict".
#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_is_added_after_the_reset_serves_it() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the notices of the added contact");
    add(&bot, KIM, NOA, NUMBER).await;
    let password = bot.reset_by_copy(JO, NOA).await;
    assert_eq!(code_goes_to(&bot, NOA, &password).await, None);
    add(&bot, KIM, NOA, NUMBER).await;
    assert_eq!(
        code_goes_to(&bot, NOA, &password).await.as_deref(),
        Some(NUMBER)
    );

    let password = bot.reset_by_copy(JO, MINA).await;
    add(&bot, KIM, MINA, NUMBER).await;
    assert_eq!(
        code_goes_to(&bot, MINA, &password).await.as_deref(),
        Some(PHONE)
    );
    bot.alter(MINA, "phone", "").await;
    assert_eq!(
        code_goes_to(&bot, MINA, &password).await.as_deref(),
        Some(EMAIL)
    );

    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the notices of the added contact");
    let password = bot.reset_by_copy(JO, NOA).await;
    let strict = Ways {
        is_strict: true,
        carries: Carries::Link,
    };
    let bot = bot.restart_with(strict).await;
    add(&bot, KIM, NOA, NUMBER).await;
    let page = bot.browser().sign_in(NOA, &password).await;
    assert!(
        page.status == StatusCode::FORBIDDEN && page.text.contains("Ask whoever runs this service"),
        "{}",
        page.text
    );
}

/// A member's own contact waits like an administrator's, unless a code had opened their session.
#[tokio::test(flavor = "multi_thread")]
async fn a_contact_from_a_session_without_a_code_waits() {
    let bot = TestBot::new().await;
    let browser = bot.signed_in(NOA).await;
    let fields = [("value", NUMBER), ("password", OWN)];
    let page = browser.submit("/contacts", "/contacts", &fields).await;
    let (code, _) = bot.codes().pop().expect("a code");
    let csrf = page.csrf();
    let right = [
        ("csrf", csrf.as_str()),
        ("value", NUMBER),
        ("code", code.as_str()),
    ];
    assert_eq!(browser.post("/contacts", &right).await.to(), "/contacts");
    let password = bot.reset_by_copy(JO, NOA).await;
    assert!(
        bot.slack
            .last_text()
            .contains("added by themselves on 23 Nov, does not count"),
        "{}",
        bot.slack.last_text()
    );
    assert_eq!(code_goes_to(&bot, NOA, &password).await, None);

    // With a code of the phone on record the session is proven, and what is added in it counts at once.
    bot.alter(NOA, "phone", "+821012345698").await;
    let browser = bot.browser();
    bot.clock.advance(Span::minutes(1));
    bot.outbox.take();
    browser.sign_in(NOA, &password).await;
    let (code, _) = bot.codes().pop().expect("a code");
    assert_eq!(
        browser
            .submit("/verify", "/verify", &[("code", &code)])
            .await
            .to(),
        "/new-password"
    );
    let own = "nine loud otters sleep";
    assert_eq!(
        browser
            .submit("/new-password", "/new-password", &[("password", own)])
            .await
            .to(),
        "/account"
    );
    bot.clock.advance(Span::minutes(1));
    let fields = [("value", "+821012345697"), ("password", own)];
    let page = browser.submit("/contacts", "/contacts", &fields).await;
    let (code, _) = bot.codes().pop().expect("a code");
    let csrf = page.csrf();
    let right = [
        ("csrf", csrf.as_str()),
        ("value", "+821012345697"),
        ("code", code.as_str()),
    ];
    assert_eq!(browser.post("/contacts", &right).await.to(), "/contacts");
    bot.alter(NOA, "phone", "").await;
    let password = bot.reset_by_copy(JO, NOA).await;
    assert_eq!(
        code_goes_to(&bot, NOA, &password).await.as_deref(),
        Some("+821012345697")
    );
}

/// A session alone neither adds nor removes a contact; a wrong password counts like one at sign-in.
#[tokio::test(flavor = "multi_thread")]
async fn contacts_are_changed_with_the_present_password_only() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the notices of the removed contact");
    add(&bot, KIM, NOA, NUMBER).await;
    let browser = bot.signed_in(NOA).await;
    bot.outbox.take();
    for fields in [
        vec![("value", "+821012345697")],
        vec![("value", "+821012345697"), ("password", "not this one")],
        vec![("remove", NUMBER)],
    ] {
        let page = browser.submit("/contacts", "/contacts", &fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{fields:?}");
        assert!(
            page.text
                .contains("That is not your current password, or the account is locked"),
            "{}",
            page.text
        );
    }
    let page = browser
        .submit("/contacts", "/contacts", &[("remove", NUMBER)])
        .await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS, "{}", page.text);
    bot.settle().await;
    assert!(bot.outbox.take().is_empty() && bot.count("contact").await == 1);
    bot.settle().await;
    assert!(
        bot.audited("sign_in")
            .await
            .contains("wrong_password wrong_password wrong_password")
    );
    bot.clock.advance(Span::minutes(2));
    assert_eq!(
        browser
            .submit(
                "/contacts",
                "/contacts",
                &[("remove", NUMBER), ("password", OWN)]
            )
            .await
            .to(),
        "/contacts"
    );
    assert_eq!(bot.count("contact").await, 0);
}

/// No mailbox of the organisation is a destination, sub-domains and other domains of it included, whatever is on record; the
/// administrator's own copy may go to one.
#[tokio::test(flavor = "multi_thread")]
async fn no_password_goes_to_a_mailbox_of_the_organisation() {
    for platform in PLATFORMS {
        on(platform, async {
            let bot = TestBot::with_domains(&["acme.example", "acme.co"]).await;
            for address in ["lee@acme.example", "noa@mail.acme.example", "x@sub.Acme.CO"] {
                let card = bot.card(JO, MINA).await;
                bot.click(JO, &card, "deliver_other").await;
                let told = bot.submit(JO, address).await.refusal_of_form();
                assert!(
                    told.contains("Type a private address or choose Copy.")
                        && told.contains("Nothing was changed."),
                    "{platform}, {address}: {told}"
                );
            }
            bot.alter(NOA, "personal_email", "noa@mail.acme.co").await;
            let card = bot.card(JO, NOA).await;
            assert!(
                button_value(&card, "deliver_email").is_none()
                    && button_value(&card, "reachable").is_some()
            );
            bot.last_look(JO, MINA, "deliver_copy").await;
            bot.click(JO, &bot.slack.last(), "copy_to_self_change")
                .await;
            bot.submit(JO, "helpdesk@acme.co").await;
            assert!(
                bot.slack.last_text().contains("a copy to helpdesk@acme.co"),
                "{}",
                bot.slack.last_text()
            );
        })
        .await;
    }
}

/// A contact of the directory that is another one than at an earlier card is named as such, also at the next card.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_contact_of_the_directory_is_named() {
    let bot = TestBot::new().await;
    let told = text_of(&bot.card(JO, MINA).await);
    assert!(
        !told.contains("differs"),
        "the first sight says nothing: {told}"
    );
    bot.clock.advance(Span::hours(48));
    bot.alter(MINA, "phone", NUMBER).await;
    for _ in 0..2 {
        let told = text_of(&bot.card(JO, MINA).await);
        assert!(
            told.contains("phone +82 ··· ··99 (differs from what was on record on 23 Nov), email m···@mail.example"),
            "{told}"
        );
    }
    bot.clock.advance(Span::hours(72));
    assert!(!text_of(&bot.card(JO, MINA).await).contains("differs"));
    let on_disk = bot.bytes_on_disk();
    assert!(bot.count("contact_seen").await == 2 && !on_disk.is_empty());
}

/// Everybody who could be reached before hears of a change, and the security address too.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_contact_is_told_to_all_that_were_there_before() {
    let bot = TestBot::new().await;
    let told_to = |bot: &TestBot| {
        let mut to: Vec<String> = bot.outbox.take().into_iter().map(|sent| sent.to).collect();
        to.sort();
        to
    };
    add(&bot, KIM, NOA, NUMBER).await;
    assert_eq!(
        told_to(&bot),
        [NOA, "security@acme.example"],
        "nobody was there before"
    );
    add(&bot, JO, NOA, "noa.second@mail.example").await;
    assert_eq!(
        told_to(&bot),
        [NUMBER, NOA, "security@acme.example"],
        "that number may be nobody's"
    );
    add(&bot, KIM, MINA, NUMBER).await;
    assert_eq!(told_to(&bot), [PHONE, EMAIL, "security@acme.example"]);
    add(&bot, JO, MINA, "mina.second@mail.example").await;
    assert_eq!(
        told_to(&bot),
        [PHONE, NUMBER, EMAIL, "security@acme.example"]
    );
    let browser = bot.signed_in(MINA).await;
    browser
        .submit(
            "/contacts",
            "/contacts",
            &[("remove", NUMBER), ("password", OWN)],
        )
        .await;
    bot.settle().await;
    assert_eq!(
        told_to(&bot),
        [
            PHONE,
            NUMBER,
            "mina.second@mail.example",
            EMAIL,
            "security@acme.example"
        ]
    );
}

/// At most five contacts a member, and ten commands an administrator a day, over all members.
#[tokio::test(flavor = "multi_thread")]
async fn contacts_are_limited() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the notices of the added contacts");
    for last in 0..5 {
        let told = add(&bot, KIM, NOA, &format!("+82101234569{last}")).await;
        assert!(told.contains("was added"), "{told}");
    }
    bot.execute("update contact set answered_at = added_at")
        .await;
    let told = add(&bot, JO, NOA, NUMBER).await;
    assert_refused(&told, "Noa Bae has 5 added contacts already");
    assert!(
        told.contains("relatch members contact noa@acme.example"),
        "{told}"
    );
    bot.execute("update contact set added_as = 'member'").await;
    let told = add(&bot, JO, NOA, NUMBER).await;
    assert!(
        told.contains("They can remove one on their account page."),
        "{told}"
    );
    bot.execute("update contact set answered_at = null, added_as = 'administrator'")
        .await;
    assert!(
        add(&bot, KIM, NOA, "+821012345690")
            .await
            .contains("was added"),
        "one that is there can be added again"
    );
    for last in 0..4 {
        assert!(
            add(&bot, KIM, MINA, &format!("+82101234569{last}"))
                .await
                .contains("was added")
        );
    }
    let told = add(&bot, KIM, "lee@acme.example", NUMBER).await;
    assert_refused(&told, "You added 10 contacts in 24 hours");
    assert!(
        told.contains("The next one is possible tomorrow 10:00."),
        "{told}"
    );
    let told = add(&bot, KIM, NOA, NUMBER).await;
    assert_refused(&told, "You added 10 contacts in 24 hours");
    assert_eq!(
        bot.count("contact").await,
        9,
        "a refused command takes nothing away"
    );
    assert!(bot.audited("contact").await.ends_with("too_often"));
    bot.clock.advance(Span::hours(24));
    assert!(
        add(&bot, KIM, "lee@acme.example", NUMBER)
            .await
            .contains("was added")
    );
}

/// One administrator cannot fill the places of a member, nor take the place of what another one added.
#[tokio::test(flavor = "multi_thread")]
async fn one_administrator_does_not_fill_the_places() {
    let bot = TestBot::new().await;
    assert!(add(&bot, JO, NOA, NUMBER).await.contains("was added"));
    for last in 0..6 {
        bot.clock.advance(Span::minutes(1));
        let told = add(&bot, KIM, NOA, &format!("+82101234568{last}")).await;
        assert!(told.contains("was added"), "{told}");
    }
    bot.outbox.take();
    let second = "+821012345677";
    assert!(add(&bot, JO, NOA, second).await.contains("was added"));
    let dropped = "+821012345682";
    let sent = bot.outbox.take();
    for to in [dropped, "security@acme.example"] {
        assert!(
            sent.iter()
                .any(|sent| sent.to == to && sent.text.contains("removed")),
            "{to}"
        );
    }
    for left in [
        second,
        "+821012345683",
        "+821012345684",
        "+821012345685",
        NUMBER,
    ] {
        assert_eq!(
            bot.count(&format!("contact where address = '{left}'"))
                .await,
            1,
            "{left}"
        );
    }
    assert!(bot.audited("contact").await.ends_with("made_room added"));
}

/// Answered contacts count too: whoever holds the most, and has none of their own that could go, is refused. Adding another
/// administrator's contact once more gives no hold over it.
#[tokio::test(flavor = "multi_thread")]
async fn answered_contacts_push_out_nobody_else_s() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the notices of the added contacts");
    assert!(add(&bot, JO, NOA, NUMBER).await.contains("was added"));
    for last in 0..4 {
        assert!(
            add(&bot, KIM, NOA, &format!("+82101234568{last}"))
                .await
                .contains("was added")
        );
    }
    bot.execute("update contact set answered_at = added_at where address != '+821012345699'")
        .await;
    for attempt in ["at once", "after adding Jo's"] {
        let told = add(&bot, KIM, NOA, "+821012345677").await;
        assert_refused(&told, "Noa Bae has 5 added contacts already");
        assert!(
            told.contains("relatch members contact noa@acme.example"),
            "{told}"
        );
        assert!(
            bot.count(&format!("contact where address = '{NUMBER}'"))
                .await
                > 0,
            "{attempt}"
        );
        assert!(
            add(&bot, KIM, NOA, NUMBER).await.contains("was added"),
            "{attempt}"
        );
    }
    let second = "+821012345678";
    assert!(
        add(&bot, JO, NOA, second).await.contains("was added"),
        "Jo's own makes room"
    );
    assert_eq!(
        bot.count(&format!("contact where address = '{second}'"))
            .await,
        1
    );
}

/// Who adds the contacts of another administrator once more does not close the list for that one.
#[tokio::test(flavor = "multi_thread")]
async fn adding_the_same_contacts_closes_no_list() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the notices of the added contacts");
    for who in [JO, KIM] {
        for last in 0..5 {
            bot.clock.advance(Span::minutes(1));
            let told = add(&bot, who, NOA, &format!("+82101234568{last}")).await;
            assert!(told.contains("was added"), "{told}");
        }
    }
    let told = add(&bot, JO, NOA, NUMBER).await;
    assert!(told.contains("was added"), "{told}");
    assert_eq!(bot.count("(select distinct address from contact)").await, 5);
}

/// The button under an added contact sends a code there; who types what the member reads out shows that it works.
#[tokio::test(flavor = "multi_thread")]
async fn an_added_contact_answers_a_code_in_the_chat() {
    for platform in PLATFORMS {
        on(platform, async {
            let bot = TestBot::new().await;
            bot.alter(NOA, "phone", "+821012345698").await;
            let words = format!("contact <@{}> {NUMBER}", user_id(NOA));
            let told = added(&bot, KIM, &words).await;
            bot.outbox.take();
            let value = button_value(&told, "contact_code").expect("the button");
            // Somebody else's button does nothing.
            bot.click_value(JO, "contact_code", &value).await;
            assert!(bot.outbox.take().is_empty(), "{platform}");
            bot.click_value(KIM, "contact_code", &value).await;
            let sent = bot.outbox.take();
            assert!(
                sent.len() == 1
                    && sent[0].to == NUMBER
                    && sent[0].text.contains("It opens nothing."),
                "{platform}"
            );
            let code: String = sent[0]
                .text
                .split_once(" code: ")
                .unwrap()
                .1
                .chars()
                .take(6)
                .collect();
            let wrong = if code == "000000" { "000001" } else { "000000" };
            let refused = bot.submit(KIM, wrong).await.refusal_of_form();
            assert!(
                refused.contains("Wrong code. 4 tries left. Nothing was changed."),
                "{platform}: {refused}"
            );
            if platform == Platform::Mattermost {
                // The same text again is the next try, and without a reason the dialog would close.
                let again = bot.submit(KIM, wrong).await.refusal_of_form();
                assert!(again.contains("Wrong code. 3 tries left."), "{again}");
            }
            bot.submit(KIM, &code).await;
            assert!(
                bot.slack.last_text().contains("+82 ··· ··99 has answered"),
                "{}",
                bot.slack.last_text()
            );
            assert!(
                bot.audited("contact")
                    .await
                    .ends_with("code_wrong answered"),
                "{platform}"
            );
            bot.clock.advance(Span::hours(72));
            bot.reset(JO, NOA, "deliver_phone").await;
            let password = sent_password(&bot, "+821012345698");
            assert_eq!(
                code_goes_to(&bot, NOA, &password).await.as_deref(),
                Some(NUMBER),
                "{platform}"
            );
        })
        .await;
    }
}

/// What answers is the contact that is on record: as it is spelled there, and not one that was removed meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_contact_answers_only_while_it_is_on_record() {
    let bot = TestBot::new().await;
    add(&bot, JO, NOA, "noa@mail.example").await;
    let told = added(
        &bot,
        KIM,
        &format!("contact <@{}> Noa+work@mail.example", user_id(NOA)),
    )
    .await;
    let value = button_value(&told, "contact_code").expect("the button");
    bot.outbox.take();
    bot.click_value(KIM, "contact_code", &value).await;
    let (code, to) = bot.codes().pop().expect("a code");
    assert_eq!(to, "noa@mail.example");
    bot.submit(KIM, &code).await;
    assert_eq!(bot.count("contact where answered_at is not null").await, 2);

    bot.clock.advance(Span::minutes(1));
    bot.click_value(KIM, "contact_code", &value).await;
    let (code, _) = bot.codes().pop().expect("a code");
    bot.execute("delete from contact").await;
    let told = bot.submit(KIM, &code).await.refusal_of_form();
    assert_refused(&told, "is no added contact of Noa Bae any more");
    bot.clock.advance(Span::minutes(1));
    bot.click_value(KIM, "contact_code", &value).await;
    assert_refused(
        &bot.slack.last_text(),
        "is no added contact of Noa Bae any more",
    );
    assert!(
        bot.codes().is_empty()
            && bot
                .audited("contact")
                .await
                .ends_with("contact_gone contact_gone")
    );
}

/// The code of a contact is no code for signing in, is rights-checked when it is typed, and is sent with pauses.
#[tokio::test(flavor = "multi_thread")]
async fn the_code_of_a_contact_is_guarded() {
    let bot = TestBot::new().await;
    let told = bot
        .command(KIM, &format!("contact <@{}> {NUMBER}", user_id(NOA)))
        .await
        .json();
    bot.settle().await;
    bot.outbox.take();
    let value = button_value(&told, "contact_code").unwrap();
    bot.click_value(KIM, "contact_code", &value).await;
    let (code, _) = bot.codes().pop().expect("a code");
    bot.click_value(KIM, "contact_code", &value).await;
    assert_refused(
        &bot.slack.last_text(),
        "No further code can be sent to Noa Bae yet.",
    );
    assert!(bot.outbox.take().is_empty());
    bot.alter(KIM, "role", "member").await;
    assert_refused(
        &bot.submit(KIM, &code).await.refusal_of_form(),
        "You can't reset passwords.",
    );
    bot.clock.advance(Span::minutes(1));
    bot.click_value(KIM, "contact_code", &value).await;
    assert!(
        bot.outbox.take().is_empty(),
        "no code is sent for somebody without the right"
    );
    bot.clock.advance(Span::minutes(10));
    bot.click_value(KIM, "contact_code", &value).await;
    assert_refused(&bot.slack.last_text(), "This card is older than");
}

/// And before an undelivered password goes another way: it waits for one that is allowed.
#[tokio::test(flavor = "multi_thread")]
async fn two_contacts_are_required_for_another_way_too() {
    let rules = ContactRules {
        needs_two: true,
        ..ContactRules::default()
    };
    let bot = TestBot::with_contact_rules(Ways::default(), rules).await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Address));
    bot.click(JO, &ready, "confirm").await;
    let failed = bot.slack.last();
    let mut row = bot
        .app
        .store
        .members()
        .await
        .unwrap()
        .into_iter()
        .find(|row| row.business_email == MINA)
        .unwrap();
    row.personal_email = None;
    bot.app.store.import_members(vec![row]).await.unwrap();
    bot.outbox.take();
    bot.click(JO, &failed, "deliver_phone").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("Password and code need two contacts; Mina Park has one."),
        "{told}"
    );
    assert!(
        told.contains("The password was changed, but") && !told.contains("Nothing was changed."),
        "{told}"
    );
    assert!(bot.outbox.take().is_empty());
    assert_eq!(
        bot.count("reset where state = 'undelivered' and failure = 'one_contact'")
            .await,
        1
    );
}
