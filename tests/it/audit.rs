//! What is on record, whole: every line of the audit, a card after a refused reset, an added contact.

use relatch::surface::domain::delivery::{Carries, Outcome, Refusal, Ways};
use relatch::surface::domain::{Platform, Span};

use crate::support::slack::{button_value, user_id};
use crate::support::{Left, TestBot};

const JO: &str = "jo@acme.example";
const KIM: &str = "kim@acme.example";
const MINA: &str = "mina.park@acme.example";
const NOA: &str = "noa@acme.example";
const NUMBER: &str = "+82 10 1234 5699";

/// A reset from the refused commands before it to its end, and what is read about it afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn a_reset_is_written_down_from_command_to_end() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "what was sent");
    let before = bot.count("audit").await;
    bot.command(JO, "help").await;
    bot.command(JO, "nobody@acme.example").await;
    bot.command(JO, "sam@acme.example").await;
    bot.clock.advance(Span::seconds(5));
    let card = bot.card(JO, MINA).await;
    bot.click(JO, &card, "deliver_phone").await;
    let look = bot.slack.last();
    bot.click(JO, &look, "copy_to_self").await;
    let look = bot.slack.last();
    bot.click(JO, &look, "copy_to_self").await;
    let look = bot.slack.last();
    bot.click(JO, &look, "also_show").await;
    let look = bot.slack.last();
    bot.click(KIM, &look, "confirm").await;
    bot.clock.advance(Span::seconds(5));
    bot.click(JO, &look, "confirm").await;
    bot.click(JO, &bot.slack.last(), "done").await;
    let mina = format!("<@{}>", user_id(MINA));
    bot.command(JO, &format!("log {mina}")).await;
    bot.command(JO, &format!("why {mina}")).await;
    bot.command("lee@acme.example", &format!("why {mina}"))
        .await;
    assert_eq!(
        bot.audit_after(before).await,
        [
            "+0s help done slack/T1DC2JH3J/UJO ref",
            "+0s command no_such_member slack/T1DC2JH3J/UJO by id-jo ref",
            "+0s command status slack/T1DC2JH3J/UJO by id-jo of id-sam ref",
            "+5s command offered slack/T1DC2JH3J/UJO by id-jo of id-mina.park in #1 ref=#1",
            "+5s choose done slack/T1DC2JH3J/UJO by id-jo of id-mina.park in #1 ref=#1 (phone: +82 ··· ··42)",
            "+5s copy_to_self done slack/T1DC2JH3J/UJO by id-jo of id-mina.park in #1 ref=#1 (phone: +82 ··· ··42)",
            "+5s copy_to_self done slack/T1DC2JH3J/UJO by id-jo of id-mina.park in #1 ref=#1 (phone: +82 ··· ··42)",
            "+5s also_show done slack/T1DC2JH3J/UJO by id-jo of id-mina.park in #1 ref=#1 (phone: +82 ··· ··42)",
            "+5s click not_yours slack/T1DC2JH3J/UKIM of id-mina.park in #1 ref=#1",
            "+10s confirm claimed slack/T1DC2JH3J/UJO by id-jo of id-mina.park in #1 ref=#1 (phone: +82 ··· ··42)",
            "+10s reset changing slack/T1DC2JH3J/UJO by id-jo of id-mina.park in #1 ref=#1 (phone: +82 ··· ··42)",
            "+10s reset changed slack/T1DC2JH3J/UJO by id-jo of id-mina.park in #1 ref=#1 (phone: +82 ··· ··42)",
            "+10s reset delivering slack/T1DC2JH3J/UJO by id-jo of id-mina.park in #1 ref=#1 (phone: +82 ··· ··42)",
            "+10s reset delivered slack/T1DC2JH3J/UJO by id-jo of id-mina.park in #1 ref=#1 (phone: +82 ··· ··42)",
            "+10s done done slack/T1DC2JH3J/UJO by id-jo of id-mina.park in #1 ref=#1 (phone: +82 ··· ··42)",
            "+10s log done slack/T1DC2JH3J/UJO by id-jo of id-mina.park ref",
            "+10s why done slack/T1DC2JH3J/UJO by id-jo of id-mina.park ref",
            "+10s why not_admin slack/T1DC2JH3J/ULEE by id-lee ref",
        ]
    );
}

/// The line of a delivery says whether the address was typed, and whether a link went there.
#[tokio::test(flavor = "multi_thread")]
async fn the_way_of_delivery_is_written_down() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "what was sent");
    let before = bot.count("audit").await;
    let card = bot.card(JO, MINA).await;
    bot.click(JO, &card, "deliver_other").await;
    bot.submit(JO, "mina.private@home.example").await;
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Address));
    bot.click(JO, &bot.slack.last(), "confirm").await;
    bot.another_way(JO, &bot.slack.last(), "deliver_email")
        .await;
    assert_eq!(
        bot.audit_after(before).await,
        [
            "+0s command offered slack/T1DC2JH3J/UJO by id-jo of id-mina.park in #1 ref=#1",
            "+0s open_form done slack/T1DC2JH3J/UJO by id-jo of id-mina.park in #1 ref=#1",
            "+0s choose done slack/T1DC2JH3J/UJO by id-jo of id-mina.park in #1 ref=#1 (email, typed: m···@home.example)",
            "+0s confirm claimed slack/T1DC2JH3J/UJO by id-jo of id-mina.park in #1 ref=#1 (email, typed: m···@home.example)",
            "+0s reset changing slack/T1DC2JH3J/UJO by id-jo of id-mina.park in #1 ref=#1 (email, typed: m···@home.example)",
            "+0s reset changed slack/T1DC2JH3J/UJO by id-jo of id-mina.park in #1 ref=#1 (email, typed: m···@home.example)",
            "+0s reset delivering slack/T1DC2JH3J/UJO by id-jo of id-mina.park in #1 ref=#1 (email, typed: m···@home.example)",
            "+0s reset undelivered slack/T1DC2JH3J/UJO by id-jo of id-mina.park in #1 ref=#1 (address)",
            "+0s propose done slack/T1DC2JH3J/UJO by id-jo of id-mina.park in #1 ref=#1 (address)",
            "+0s deliver_again delivering slack/T1DC2JH3J/UJO by id-jo of id-mina.park in #1 ref=#1 (email: m···@mail.example)",
            "+0s reset delivered slack/T1DC2JH3J/UJO by id-jo of id-mina.park in #1 ref=#1 (email: m···@mail.example)",
        ]
    );

    let bot = TestBot::with_ways(Ways {
        is_strict: false,
        carries: Carries::Link,
    })
    .await;
    bot.leaves(Left::Messages, "what was sent");
    let before = bot.count("audit").await;
    bot.reset(JO, MINA, "deliver_phone").await;
    assert_eq!(
        bot.audit_after(before).await,
        [
            "+0s command offered slack/T1DC2JH3J/UJO by id-jo of id-mina.park in #1 ref=#1",
            "+0s choose done slack/T1DC2JH3J/UJO by id-jo of id-mina.park in #1 ref=#1 (phone, link: +82 ··· ··42)",
            "+0s confirm claimed slack/T1DC2JH3J/UJO by id-jo of id-mina.park in #1 ref=#1 (phone, link: +82 ··· ··42)",
            "+0s reset changing slack/T1DC2JH3J/UJO by id-jo of id-mina.park in #1 ref=#1 (phone, link: +82 ··· ··42)",
            "+0s reset changed slack/T1DC2JH3J/UJO by id-jo of id-mina.park in #1 ref=#1 (phone, link: +82 ··· ··42)",
            "+0s reset delivering slack/T1DC2JH3J/UJO by id-jo of id-mina.park in #1 ref=#1 (phone, link: +82 ··· ··42)",
            "+0s reset delivered slack/T1DC2JH3J/UJO by id-jo of id-mina.park in #1 ref=#1 (phone, link: +82 ··· ··42)",
        ]
    );
}

/// A contact that an administrator adds, and the code by which it answers.
#[tokio::test(flavor = "multi_thread")]
async fn an_added_contact_is_written_down() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "what was sent");
    let before = bot.count("audit").await;
    let noa = format!("contact <@{}>", user_id(NOA));
    bot.command(KIM, &format!("{noa} noa@acme.example")).await;
    let told = bot.command(KIM, &format!("{noa} {NUMBER}")).await.json();
    bot.settle().await;
    bot.outbox.take();
    let value = button_value(&told, "contact_code").expect("the button");
    bot.clock.advance(Span::seconds(5));
    bot.click_value(JO, "contact_code", &value).await;
    bot.click_value(KIM, "contact_code", &value).await;
    let (code, _) = bot.codes().pop().expect("a code");
    let wrong = if code == "000000" { "000001" } else { "000000" };
    bot.submit(KIM, wrong).await;
    bot.submit(KIM, &code).await;
    assert_eq!(
        bot.audit_after(before).await,
        [
            "+0s contact destination slack/T1DC2JH3J/UKIM by id-kim of id-noa ref",
            "+0s contact added slack/T1DC2JH3J/UKIM by id-kim of id-noa ref (+82 ··· ··99)",
            "+5s contact_code no_such_card slack/T1DC2JH3J/UJO",
            "+5s contact code_sent slack/T1DC2JH3J/UKIM by id-kim of id-noa (+82 ··· ··99)",
            "+5s contact code_wrong slack/T1DC2JH3J/UKIM by id-kim of id-noa (+82 ··· ··99)",
            "+5s contact answered slack/T1DC2JH3J/UKIM by id-kim of id-noa (+82 ··· ··99)",
        ]
    );

    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "what was sent");
    bot.on(Platform::Mattermost);
    let before = bot.count("audit").await;
    let told = bot
        .command(KIM, "contact noa@acme.example +82 10 1234 5699")
        .await
        .json();
    let value = button_value(&told, "contact_add").expect("the question");
    bot.clock.advance(Span::seconds(5));
    bot.click_value(KIM, "contact_add", &value).await;
    bot.click_value(KIM, "contact_add", &value).await;
    assert_eq!(
        bot.audit_after(before).await,
        [
            "+0s contact asked mattermost/127.0.0.1/ukim0000000000000000000000 by id-kim of id-noa ref",
            "+5s contact pressed mattermost/127.0.0.1/ukim0000000000000000000000 ref",
            "+5s contact added mattermost/127.0.0.1/ukim0000000000000000000000 by id-kim of id-noa ref (+82 ··· ··99)",
            "+5s contact pressed mattermost/127.0.0.1/ukim0000000000000000000000 ref",
        ]
    );
}

/// A contact that a member adds at their pages, and the member who did not ask for a reset.
#[tokio::test(flavor = "multi_thread")]
async fn what_members_do_is_written_down() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "what was sent");
    let browser = bot.signed_in(MINA).await;
    let before = bot.count("audit").await;
    let form = [("value", NUMBER), ("password", crate::support::OWN)];
    browser.submit("/contacts", "/contacts", &form).await;
    let (code, _) = bot.codes().pop().expect("a code");
    browser
        .submit(
            "/contacts",
            "/contacts",
            &[("value", NUMBER), ("code", &code)],
        )
        .await;
    assert_eq!(
        bot.audit_after(before).await,
        [
            "+1s code sent of id-mina.park (+82 ··· ··99)",
            "+1s code right of id-mina.park",
            "+1s contact added of id-mina.park (+82 ··· ··99)",
        ]
    );

    let before = bot.count("audit").await;
    bot.reset_by_copy(JO, MINA).await;
    let sent = bot.outbox.take();
    let told = sent
        .iter()
        .rfind(|sent| sent.text.contains("/not-me/"))
        .expect("a link");
    let link = told.text.split("http://127.0.0.1").nth(1).unwrap();
    let link = link.split_whitespace().next().unwrap();
    bot.browser().submit(link, link, &[]).await;
    bot.settle().await;
    assert_eq!(
        bot.audit_after(before).await,
        [
            "+1s command offered slack/T1DC2JH3J/UJO by id-jo of id-mina.park in #1 ref=#1",
            "+1s choose done slack/T1DC2JH3J/UJO by id-jo of id-mina.park in #1 ref=#1 (copy)",
            "+1s confirm claimed slack/T1DC2JH3J/UJO by id-jo of id-mina.park in #1 ref=#1 (copy)",
            "+1s reset changing slack/T1DC2JH3J/UJO by id-jo of id-mina.park in #1 ref=#1 (copy)",
            "+1s reset changed slack/T1DC2JH3J/UJO by id-jo of id-mina.park in #1 ref=#1 (copy)",
            "+1s reset delivering slack/T1DC2JH3J/UJO by id-jo of id-mina.park in #1 ref=#1 (copy)",
            "+1s reset delivered slack/T1DC2JH3J/UJO by id-jo of id-mina.park in #1 ref=#1 (copy)",
            "+2s not_me closed by id-jo of id-mina.park in #1",
        ]
    );
}

/// What an import changes of persons whom it knows, and whom it takes for somebody new.
#[tokio::test(flavor = "multi_thread")]
async fn what_an_import_changes_is_written_down() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "what was sent");
    let line = |name: &str, email: &str, phone: &str, id: &str| {
        format!("{name},{email},business_email,active,{phone},mina@mail.example,member,,,{id}")
    };
    let before = bot.count("audit").await;
    let imports = [
        line("Mina Park", MINA, "+821012345642", "E1"),
        line("Mina Park", "mina@acme.example", "+821012345643", "E1"),
        line("Mina Kim", "mina@acme.example", "+821012345643", "E2"),
    ];
    for line in imports {
        let ran = bot.import(&[&line], &[]);
        assert_eq!(ran.code, 0, "{}", ran.err);
    }
    let members = bot.app.store.members().await.unwrap();
    let new = members.iter().find(|row| row.name == "Mina Kim").unwrap();
    // The imports go by the machine's clock.
    let told: Vec<String> = bot.audit_after(before).await;
    let told = told
        .iter()
        .map(|line| line.replace(&new.member_id.0, "NEW"))
        .map(|line| line.split_once(' ').unwrap().1.to_owned());
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            "import done (0 added, 1 updated)",
            "moved done of id-mina.park (m···@acme.example → m···@acme.example)",
            "contact changed_by_import of id-mina.park (+82 ··· ··42 → +82 ··· ··43)",
            "import done (0 added, 1 updated)",
            "new_person done of NEW (in place of id-mina.park: another employee_id)",
            "import done (0 added, 1 updated)",
        ]
    );
}

/// A card after a refused reset keeps what was typed and known before: the reason, the member's chat account, the address
/// of the copy and that the member was said to be reachable. Its result can be told later too.
#[tokio::test(flavor = "multi_thread")]
async fn a_card_after_a_refused_reset_keeps_what_was_known() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "what was sent");
    let words = format!("<@{}|someone> lost the phone", user_id(NOA));
    let card = bot.command(JO, &words).await.json();
    assert_eq!(
        bot.count(
            "reset where reason = 'lost the phone' and member_chat_user = 'UNOA'
            and reply is not null and reply_until > offered_at"
        )
        .await,
        1
    );
    bot.click(JO, &card, "reachable").await;
    bot.click(JO, &bot.slack.last(), "deliver_copy").await;
    bot.click(JO, &bot.slack.last(), "copy_to_self_change")
        .await;
    bot.submit(JO, "jo.private@home.example").await;
    bot.outbox.fail_next_prepare(Refusal::Unreachable);
    bot.click(JO, &bot.slack.last(), "confirm").await;
    // The mail server said nothing about the address.
    assert_eq!(bot.count("look_up where tried like 'refused%'").await, 0);
    let same = "reset newer join reset older on newer.state = 'offered' and older.state = 'refused'
        and newer.reason = older.reason and newer.member_chat_user = older.member_chat_user
        and newer.copy_address = 'jo.private@home.example' and newer.copy_digest = older.copy_digest
        and newer.reachable_at = older.reachable_at
        and newer.reply is not null and newer.reply_until > newer.offered_at";
    let resets = bot.rows("reset", &[]).await;
    assert_eq!(bot.count(same).await, 1, "{resets:#?}");
}

/// An added contact has the time, the administrator and the way by which it was added.
#[tokio::test(flavor = "multi_thread")]
async fn a_contact_is_on_record_with_who_added_it_and_when() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "what was sent");
    bot.clock.advance(Span::seconds(5));
    let words = format!("contact <@{}> {NUMBER}", user_id(NOA));
    let told = bot.command(KIM, &words).await.text();
    assert!(told.contains("26 Nov 10:00"), "{told}");
    bot.settle().await;
    assert_eq!(
        bot.rows("contact", &[]).await,
        [
            "contact: member_id='id-noa' channel='sms' address='+821012345699' added_by='id-kim' added_at=1795428005000 added_as='administrator' added_by_name='Kim Cho' answered_at=NULL"
        ]
    );
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "what was sent");
    let browser = bot.signed_in(NOA).await;
    let form = [("value", NUMBER), ("password", crate::support::OWN)];
    browser.submit("/contacts", "/contacts", &form).await;
    let (code, _) = bot.codes().pop().expect("a code");
    let form = [("value", NUMBER), ("code", &code)];
    bot.clock.advance(Span::seconds(5));
    browser.submit("/contacts", "/contacts", &form).await;
    assert_eq!(
        bot.rows("contact", &[]).await,
        [
            "contact: member_id='id-noa' channel='sms' address='+821012345699' added_by='id-noa' added_at=1795428006000 added_as='member' added_by_name='Noa Bae' answered_at=1795428006000"
        ]
    );
}
