//! Profile "strict": every refusal names a way that then works.

use relatch::surface::domain::Carries;
use relatch::surface::domain::contacts::ContactRules;
use relatch::surface::domain::delivery::Ways;

use super::{JO, MINA, NOA, NUMBER, PLATFORMS, assert_refused};
use crate::support::slack::{button_value, text_of, user_id};
use crate::support::{TestBot, on};

const STRICT: Ways = Ways {
    is_strict: true,
    carries: Carries::Link,
};

/// Noa as a line of the import, with a phone.
fn line() -> String {
    format!("Noa Bae,{NOA},business_email,inactive,{NUMBER},,member,Sales,")
}

/// Without a contact on record the way is the import, also for a button of an older card. The way works: the next card
/// sends the link there.
#[tokio::test(flavor = "multi_thread")]
async fn strict_names_the_import_and_the_import_works() {
    for platform in PLATFORMS {
        on(platform, async {
            let bot = TestBot::with_ways(STRICT).await;
            let card = bot.card(JO, NOA).await;
            let told = text_of(&card);
            assert!(
                told.contains("relatch members import") && !told.contains("another way?"),
                "{platform}: {told}"
            );
            // The button of a card that was made before the contact went.
            let value = button_value(&card, "cancel").unwrap();
            bot.click_value(JO, "deliver_phone", &value).await;
            let told = bot.slack.last_text();
            assert_refused(&told, "relatch members import");
            assert!(!told.contains("another way"), "{platform}: {told}");

            let ran = bot.import(&[&line()], &[]);
            assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
            let card = bot.card(JO, NOA).await;
            bot.click(JO, &card, "deliver_phone").await;
            bot.click(JO, &bot.slack.last(), "confirm").await;
            let told = bot.slack.last_text();
            assert!(
                told.contains("SMS accepted") && told.contains("The link works once"),
                "{platform}: {told}"
            );
            let sent = bot.outbox.take();
            assert!(
                sent.iter()
                    .any(|sent| sent.to == NUMBER && sent.text.contains("/claim/")),
                "{platform}"
            );
        })
        .await;
    }
}

/// Where two contacts are required and none is on record, one has to come by the import: no link goes to an added contact.
#[tokio::test(flavor = "multi_thread")]
async fn where_two_are_required_the_first_comes_by_the_import() {
    let rules = ContactRules {
        needs_two: true,
        ..ContactRules::default()
    };
    let bot = TestBot::with_contact_rules(STRICT, rules).await;
    let mention = |who: &str| format!("<@{}|someone>", user_id(who));
    let told = bot.command(JO, &mention(NOA)).await.text();
    assert_refused(
        &told,
        "Password and code need two contacts; Noa Bae has none.",
    );
    assert!(told.contains("relatch members import"), "{told}");

    bot.execute("update member set personal_email = null where member_id = 'id-mina.park'")
        .await;
    let told = bot.command(JO, &mention(MINA)).await.text();
    assert_refused(
        &told,
        "Password and code need two contacts; Mina Park has one.",
    );
    assert!(
        told.contains("relatch members contact mina.park@acme.example") && !told.contains("import"),
        "{told}"
    );
}
