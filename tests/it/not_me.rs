//! "This wasn't me" reaches everybody whom it concerns: the next card, the log, the alarms, and administrators in chat.

use relatch::surface::app::Admins;
use relatch::surface::domain::delivery::{Outcome, Refusal};
use relatch::surface::domain::{Platform, Span};
use relatch::surface::store::HistoryFilter;

use crate::support::slack::{button_value, text_of, user_id};
use crate::support::{Left, TestBot};

const JO: &str = "jo@acme.example";
const KIM: &str = "kim@acme.example";
const LEE: &str = "lee@acme.example";
const MINA: &str = "mina.park@acme.example";
const NOA: &str = "noa@acme.example";

impl TestBot {
    /// Presses "this wasn't me" on the page of the last notice.
    async fn not_me(&self) {
        let link = self.link();
        self.press(&link).await;
    }

    /// The link of the last notice; everything that was sent is read.
    fn link(&self) -> String {
        let sent = self.outbox.take();
        let notice = sent.iter().rfind(|sent| sent.text.contains("/not-me/"));
        let text = &notice.expect("a notice").text;
        let path = text.split("http://127.0.0.1").nth(1).unwrap();
        path.split_whitespace().next().unwrap().to_owned()
    }

    async fn press(&self, link: &str) {
        let page = self.browser().press(link).await;
        assert!(
            page.text.contains("The new password is blocked"),
            "{}",
            page.text
        );
        self.settle().await;
    }

    /// Who got an alarm since, in order.
    fn alarmed(&self) -> Vec<String> {
        let sent = self.outbox.take();
        let mut to: Vec<String> = sent
            .into_iter()
            .filter(|sent| sent.subject.contains("this wasn't me"))
            .map(|sent| sent.to)
            .collect();
        to.sort();
        to
    }
}

fn mention(email: &str) -> String {
    format!("<@{}|someone>", user_id(email))
}

/// The card of the next administrator says it first, the last look repeats it, and its button says that the reset is made
/// all the same: in every chat.
#[tokio::test(flavor = "multi_thread")]
async fn the_next_card_and_last_look_say_that_it_was_disowned() {
    for &platform in Platform::ALL {
        let bot = TestBot::new().await;
        bot.leaves(Left::Messages, "the SMS with the password");
        bot.on(platform).reset(JO, MINA, "deliver_phone").await;
        bot.not_me().await;
        bot.outbox.take();
        // Long after a card stops warning of a reset.
        bot.clock.advance(Span::hours(72));

        let said = "Mina Park said of Jo Lim's reset at 23 Nov 10:00: this wasn't me.";
        let card = bot.card(KIM, MINA).await;
        assert!(
            text_of(&card).contains(said),
            "{platform}: {}",
            text_of(&card)
        );
        bot.click(KIM, &card, "deliver_phone").await;
        let look = bot.slack.last_text();
        assert!(
            look.contains(said) && look.contains("[Reset anyway]"),
            "{platform}: {look}"
        );
        bot.click(KIM, &bot.slack.last(), "confirm").await;
        let done = bot.slack.last_text();
        assert!(
            done.contains("Done: Mina Park has a new password"),
            "{platform}: {done}"
        );
        // Whoever is next hears of that reset, which nobody disowned.
        let card = text_of(&bot.card(JO, MINA).await);
        assert!(
            card.contains("Kim Cho reset Mina Park today at 10:00"),
            "{platform}: {card}"
        );
        assert!(!card.contains("wasn't me"), "{platform}: {card}");
    }
}

/// A last look from before it was said does not tell of it, so its button confirms nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_last_look_from_before_it_was_said_is_out_of_date() {
    let bot = TestBot::new().await;
    bot.reset(JO, MINA, "deliver_email").await;
    let link = bot.link();
    bot.clock.advance(Span::minutes(1));
    let look = bot.last_look(KIM, MINA, "deliver_phone").await;
    bot.press(&link).await;
    bot.outbox.take();
    bot.click(KIM, &look, "confirm").await;
    let again = bot.slack.last();
    let text = text_of(&again);
    assert!(
        text.contains("Nothing was changed.") && text.contains("this wasn't me"),
        "{text}"
    );
    let past = bot.app.store.history(&HistoryFilter::default()).await;
    assert_eq!(past.unwrap().len(), 1, "the click made a reset");
    assert!(button_value(&again, "confirm").is_some());
    bot.click(KIM, &again, "confirm").await;
    assert!(
        bot.slack
            .last_text()
            .contains("Done: Mina Park has a new password"),
        "{}",
        bot.slack.last_text()
    );
    bot.outbox.take();
}

/// Security and the primary administrators are told by e-mail, one mail each and one a reset, also where the chat no longer
/// takes messages. The reason is in it.
#[tokio::test(flavor = "multi_thread")]
async fn security_and_primary_administrators_get_one_mail_a_reset() {
    let bot = TestBot::new().await;
    bot.alter(NOA, "role", "primary_admin").await;
    let card = bot
        .command(KIM, &format!("{} ticket INC-2041", mention(MINA)))
        .await
        .json();
    bot.click(KIM, &card, "deliver_phone").await;
    bot.click(KIM, &bot.slack.last(), "confirm").await;
    let link = bot.link();
    bot.slack.answer_replies_with(Some(404));
    bot.press(&link).await;
    bot.slack.answer_replies_with(None);
    let sent = bot.outbox.take();
    let mut to: Vec<&str> = sent.iter().map(|sent| sent.to.as_str()).collect();
    to.sort_unstable();
    assert_eq!(to, [JO, NOA, "security@acme.example"]);
    for sent in &sent {
        assert!(
            sent.text
                .contains("The reason that Kim Cho gave: ticket INC-2041"),
            "{}",
            sent.text
        );
    }
    bot.press(&link).await;
    bot.clock.advance(Span::hours(1));
    bot.sweep().await;
    assert_eq!(bot.alarmed(), Vec::<String>::new(), "told twice");
}

/// Where the settings name the primary administrators, those are told; a member is never told of their own reset, because
/// somebody else may read their mailbox.
#[tokio::test(flavor = "multi_thread")]
async fn primary_administrators_of_the_list_are_told() {
    let emails = |all: &[&str]| all.iter().map(|email| email.parse().unwrap()).collect();
    let bot = TestBot::with_admins(Admins::List {
        primary: emails(&[KIM, LEE, MINA]),
        member_and_department: emails(&[JO]),
    })
    .await;
    bot.outbox.take();
    bot.reset(LEE, MINA, "deliver_phone").await;
    bot.not_me().await;
    assert_eq!(bot.alarmed(), [KIM, LEE, "security@acme.example"]);
}

/// Whom the chat could not reach hears it at the next command: the administrator of the reset, and every primary one. Others
/// never do, and nobody hears it twice.
#[tokio::test(flavor = "multi_thread")]
async fn administrators_hear_it_at_their_next_command() {
    for &platform in Platform::ALL {
        let bot = TestBot::new().await;
        bot.leaves(Left::Messages, "the notices and alarms");
        bot.on(platform).reset(KIM, MINA, "deliver_phone").await;
        let link = bot.link();
        bot.slack.answer_replies_with(Some(404));
        bot.press(&link).await;
        bot.slack.answer_replies_with(None);
        // Days later.
        bot.clock.advance(Span::hours(80));
        let log = bot.command(LEE, "log").await.text();
        assert!(!log.contains("Mina Park"), "{platform}: {log}");
        let why = format!("why {}", mention(NOA));
        for (who, said) in [
            (
                JO,
                "Mina Park said of Kim Cho's reset at 23 Nov 10:00: this wasn't me.",
            ),
            (
                KIM,
                "Mina Park said of your reset at 23 Nov 10:00: this wasn't me.",
            ),
        ] {
            let told = bot.news_beside(who, &why).await.unwrap_or_default();
            assert!(told.contains(said), "{platform}: {told}");
            let told = bot.news_beside(who, &why).await;
            assert_eq!(told, None, "{platform}");
        }
    }
}

/// Where the chat was reached, the administrator of the reset has heard it; where an answer is not taken, it is told again.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_hears_it_twice_and_nothing_is_lost() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the notices and alarms");
    bot.on(Platform::Mattermost);
    bot.reset(KIM, MINA, "deliver_phone").await;
    bot.not_me().await;
    assert!(
        bot.slack.last_text().contains("they did not ask for this"),
        "{}",
        bot.slack.last_text()
    );
    let told = bot.command(KIM, "log").await.text();
    assert!(!told.contains("this wasn't me."), "{told}");

    bot.slack.answer_replies_with(Some(500));
    bot.command(JO, "log").await;
    bot.slack.answer_replies_with(None);
    let told = bot.news_beside(JO, "log").await.unwrap();
    assert!(told.contains("Mina Park said of Kim Cho's reset"), "{told}");
}

/// A mail server that takes no mail for the moment gets the alarm again, and only for whom it did not take it.
#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_that_was_not_taken_goes_out_again() {
    let bot = TestBot::new().await;
    bot.reset(JO, MINA, "deliver_phone").await;
    let link = bot.link();
    bot.outbox
        .end_next_send(Outcome::Refused(Refusal::Unreachable));
    bot.press(&link).await;
    let first = bot.alarmed();
    assert_eq!(first.len(), 1, "{first:?}");
    bot.sweep().await;
    assert_eq!(bot.alarmed(), Vec::<String>::new(), "at once again");
    bot.clock.advance(Span::minutes(6));
    bot.sweep().await;
    let second = bot.alarmed();
    let all: std::collections::BTreeSet<&String> = first.iter().chain(&second).collect();
    assert_eq!((second.len(), all.len()), (1, 2), "{first:?} {second:?}");
    bot.clock.advance(Span::minutes(6));
    bot.sweep().await;
    assert_eq!(bot.alarmed(), Vec::<String>::new());
}

/// A process that ends between the member's word and the alarm sends it after the next start.
#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_survives_a_restart() {
    let bot = TestBot::new().await;
    bot.reset(JO, MINA, "deliver_phone").await;
    bot.outbox.take();
    let past = bot.app.store.history(&HistoryFilter::default()).await;
    // As the page does it; what follows in memory dies with the process.
    bot.app.store.disown(&past.unwrap()[0].reset).await.unwrap();
    let bot = bot.restart().await;
    bot.clock.advance(Span::minutes(5));
    bot.sweep().await;
    assert_eq!(bot.alarmed(), [JO, "security@acme.example"]);
    let told = bot.command_with_news(JO, "log").await;
    assert!(told.contains("Mina Park said of your reset"), "{told}");
}

/// `log` and `why` show it, for as long as the reset is on record.
#[tokio::test(flavor = "multi_thread")]
async fn log_and_why_show_it() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the notices and alarms");
    bot.reset(JO, MINA, "deliver_phone").await;
    bot.clock.advance(Span::minutes(5));
    bot.not_me().await;
    for who in [JO, KIM] {
        bot.command(who, "log").await;
    }
    bot.clock.advance(Span::hours(24 * 40));
    let log = bot.command(JO, "log").await.text();
    assert!(
        log.contains("Mina Park by Jo Lim by phone: delivered, \"this wasn't me\" 23 Nov 10:05"),
        "{log}"
    );
    let why = format!("why {}", mention(MINA));
    let told = bot.command(JO, &why).await.text();
    assert!(
        told.contains(
            "✗ Mina Park said of your reset at 23 Nov 10:00: this wasn't me. Talk to them; another admin"
        ),
        "{told}"
    );
    let told = bot.command(KIM, &why).await.text();
    assert!(
        told.contains(
            "Mina Park said of Jo Lim's reset at 23 Nov 10:00: this wasn't me. Talk to Mina Park"
        ),
        "{told}"
    );
}

/// After another reset nobody is told to talk before the next one. The member does not hear what they said themselves.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_is_said_as_over_and_not_to_the_member() {
    for &platform in Platform::ALL {
        let bot = TestBot::new().await;
        bot.alter(LEE, "role", "primary_admin").await;
        bot.on(platform).reset(JO, MINA, "deliver_email").await;
        bot.not_me().await;
        bot.clock.advance(Span::minutes(1));
        bot.reset(KIM, MINA, "deliver_email").await;
        bot.outbox.take();
        let told = bot.command_with_news(LEE, "log").await;
        assert!(
            told.contains("this wasn't me. There was another reset since. (ref ")
                && !told.contains("before any new reset"),
            "{platform}: {told}"
        );

        let bot = TestBot::new().await;
        bot.alter(LEE, "role", "primary_admin").await;
        bot.on(platform).reset_by_copy(JO, LEE).await;
        bot.not_me().await;
        bot.outbox.take();
        let told = bot.command(LEE, "log").await.text();
        assert!(!told.contains("Lee Han said of"), "{platform}: {told}");
    }
}
