//! What was not sent, or came too late: the pages, the chat and the record say so, and it is told another time.

use std::time::Duration;

use axum::http::StatusCode;
use relatch::surface::domain::delivery::{Outcome, Refusal};
use relatch::surface::domain::sign_in::CODE_PAUSE;
use relatch::surface::domain::{Platform, Span};

use crate::support::slack::{button_value, text_of, user_id};
use crate::support::{Left, OWN, TestBot, on};

const JO: &str = "jo@acme.example";
const KIM: &str = "kim@acme.example";
const MINA: &str = "mina.park@acme.example";
const NOA: &str = "noa@acme.example";

fn mention(email: &str) -> String {
    format!("<@{}>", user_id(email))
}

/// S40: a code that the mail server refused is on no page, works for nobody, and the page says what became of it.
#[tokio::test(flavor = "multi_thread")]
async fn the_page_claims_no_code_that_was_refused() {
    let bot = TestBot::new().await;
    let temporary = bot.reset_by_copy(JO, MINA).await;
    bot.outbox.take();
    let browser = bot.browser();
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Later));
    let asked = browser.sign_in(MINA, &temporary).await;
    let page = browser.open(asked.to()).await.text;
    assert!(page.contains("No code could be sent."), "{page}");
    let page = browser.open("/verify").await.text;
    assert!(!page.contains("code of 6 digits"), "{page}");
    assert!(page.contains("No code is on its way"), "{page}");

    // One that works, and then one that is refused: the earlier one is gone, and the page says that.
    bot.clock.advance(Span::seconds(30));
    let again = [("again", "1")];
    let page = browser.submit("/verify", "/verify", &again).await.text;
    assert!(page.contains("A code is on its way"), "{page}");
    let (earlier, _) = bot.codes().pop().expect("a code");
    bot.clock.advance(Span::seconds(30));
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Later));
    let page = browser.submit("/verify", "/verify", &again).await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(!page.text.contains("code of 6 digits"), "{}", page.text);
    assert!(
        page.text.contains("No code could be sent") && page.text.contains("Earlier ones no longer"),
        "{}",
        page.text
    );
    let code = [("code", earlier.as_str())];
    let page = browser.submit("/verify", "/verify", &code).await;
    assert!(page.text.contains("no longer works"), "{}", page.text);
}

/// A fault that lasts is no reason to wait: the page and the chat do not say so, and name who can mend it.
#[tokio::test(flavor = "multi_thread")]
async fn a_lasting_fault_is_no_reason_to_try_again() {
    let bot = TestBot::new().await;
    let temporary = bot.reset_by_copy(JO, MINA).await;
    bot.outbox.take();
    let browser = bot.browser();
    browser.sign_in(MINA, &temporary).await;
    bot.outbox.take();
    bot.clock.advance(Span::seconds(30));
    bot.outbox
        .end_next_send(Outcome::Refused(Refusal::Credentials));
    let page = browser
        .submit("/verify", "/verify", &[("again", "1")])
        .await
        .text;
    assert!(page.contains("No code can be sent at present"), "{page}");
    assert!(
        !page.contains("few minutes") && page.contains("Tell an administrator"),
        "{page}"
    );

    // The guide of a reset whose password waits would not be sent at all.
    let bot = TestBot::new().await;
    let card = bot.card(JO, MINA).await;
    bot.outbox
        .end_next_send(Outcome::Refused(Refusal::Credentials));
    bot.click(JO, &card, "send_guide").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("can't use the mail server as it is set up"),
        "{told}"
    );
    assert!(
        told.contains("Tell whoever runs relatch") && !told.contains("again"),
        "{told}"
    );
}

/// Each kind of fault has its own sentence, for the first code of a sign-in as for another one.
#[tokio::test(flavor = "multi_thread")]
async fn the_page_says_why_a_code_was_refused() {
    let wrongly = "something is set up wrongly here";
    for (why, told) in [
        (Refusal::Unreachable, "Try again in a few minutes"),
        (Refusal::Later, "Try again in a few minutes"),
        (Refusal::OptedOut, "answered with STOP"),
        (Refusal::Address, "this contact was refused"),
        (Refusal::Credentials, wrongly),
        (Refusal::SetUp, wrongly),
        (Refusal::Tls, wrongly),
        (Refusal::Message, wrongly),
    ] {
        let bot = TestBot::new().await;
        let temporary = bot.reset_by_copy(JO, MINA).await;
        bot.outbox.take();
        let browser = bot.browser();
        bot.outbox.end_next_send(Outcome::Refused(why.clone()));
        let asked = browser.sign_in(MINA, &temporary).await;
        let first = browser.open(asked.to()).await.text;
        assert!(first.contains(told), "{why:?}: {first}");
        bot.clock.advance(Span::seconds(30));
        bot.outbox.end_next_send(Outcome::Refused(why.clone()));
        let another = [("again", "1")];
        let page = browser.submit("/verify", "/verify", &another).await.text;
        assert!(page.contains(told), "{why:?}: {page}");
        // What is no word of ours is not shown, and nothing is said of a code that is on its way.
        let page = browser.open("/verify?refused=canary").await.text;
        assert!(
            page.contains("No code is on its way") && !page.contains("canary"),
            "{page}"
        );
        bot.clock.advance(Span::seconds(30));
        browser.submit("/verify", "/verify", &another).await;
        bot.outbox.take();
        let page = browser.open(asked.to()).await.text;
        assert!(
            page.contains("code of 6 digits") && !page.contains(told),
            "{why:?}: {page}"
        );
    }
}

/// The same where nobody can say whether the code was taken: it may arrive, and works then.
#[tokio::test(flavor = "multi_thread")]
async fn the_page_says_that_a_code_may_be_on_its_way() {
    let bot = TestBot::new().await;
    let temporary = bot.reset_by_copy(JO, MINA).await;
    bot.outbox.take();
    let browser = bot.browser();
    browser.sign_in(MINA, &temporary).await;
    bot.outbox.take();
    bot.clock.advance(Span::seconds(30));
    bot.outbox.end_next_send(Outcome::Unknown);
    let page = browser
        .submit("/verify", "/verify", &[("again", "1")])
        .await
        .text;
    assert!(page.contains("may be on its way"), "{page}");
    assert!(!page.contains("We sent"), "{page}");
}

/// A contact to which no code could be sent waits for none.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_contact_waits_for_no_code_that_was_refused() {
    let bot = TestBot::new().await;
    let browser = bot.signed_in(MINA).await;
    bot.outbox.take();
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Later));
    let fields = [("value", "new@mail.example"), ("password", OWN)];
    let page = browser.submit("/contacts", "/contacts", &fields).await.text;
    assert!(page.contains("No code could be sent"), "{page}");
    let row = bot.rows("session", &["began_at", "expires_at"]).await;
    assert!(
        row.iter().all(|row| row.contains("code_digest=NULL")),
        "{row:?}"
    );
}

/// Where the contacts cannot be read, the member is not told that there are none.
#[tokio::test(flavor = "multi_thread")]
async fn a_failed_record_is_not_called_a_missing_contact() {
    let bot = TestBot::new().await;
    let temporary = bot.reset_by_copy(JO, MINA).await;
    bot.outbox.take();
    let browser = bot.browser();
    browser.sign_in(MINA, &temporary).await;
    bot.outbox.take();
    bot.clock.advance(Span::seconds(30));
    let csrf = browser.open("/verify").await.csrf();
    bot.execute("alter table contact rename to contact_away")
        .await;
    let fields = [("csrf", csrf.as_str()), ("again", "1")];
    let page = browser.post("/verify", &fields).await;
    bot.execute("alter table contact_away rename to contact")
        .await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!page.text.contains("No contact"), "{}", page.text);
}

/// The administrator who asked for a contact's code hears that it could not be sent. It counts like one that was sent, so
/// that no mail server is asked without a pause.
#[tokio::test(flavor = "multi_thread")]
async fn a_contact_code_that_was_refused_is_told() {
    for &platform in Platform::ALL {
        on(platform, async {
            let bot = TestBot::new().await;
            let words = format!("contact <@{}> +821012345699", user_id(NOA));
            let mut told = bot.command(KIM, &words).await.json();
            bot.settle().await;
            if let Some(value) = button_value(&told, "contact_add") {
                bot.click_value(KIM, "contact_add", &value).await;
                told = bot.slack.last();
            }
            let value = button_value(&told, "contact_code").expect("the button");
            bot.outbox.take();
            bot.outbox.end_next_send(Outcome::Refused(Refusal::Later));
            bot.click_value(KIM, "contact_code", &value).await;
            let told = bot.slack.last_text();
            assert!(
                told.contains("No code could be sent to +82 ··· ··99")
                    && told.contains("Nothing was changed.")
                    && told.contains("(ref "),
                "{platform}: {told}"
            );
            bot.click_value(KIM, "contact_code", &value).await;
            let told = bot.slack.last_text();
            assert!(
                told.contains("No further code can be sent to Noa Bae yet."),
                "{platform}: {told}"
            );
            for _ in 1..6 {
                bot.clock.advance(CODE_PAUSE);
                bot.outbox.end_next_send(Outcome::Refused(Refusal::Later));
                bot.click_value(KIM, "contact_code", &value).await;
                let told = bot.slack.last_text();
                assert!(told.contains("No code could be sent"), "{platform}: {told}");
            }
            bot.clock.advance(CODE_PAUSE);
            bot.click_value(KIM, "contact_code", &value).await;
            assert!(bot.codes().is_empty(), "{platform}: the seventh in an hour");
        })
        .await;
    }
}

/// A form that is opened by the answer to a click cannot be opened after the deadline; the administrator is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_comes_too_late_is_told() {
    for platform in [Platform::Discord, Platform::Lark] {
        on(platform, async {
            let bot = TestBot::new().await;
            let card = bot.card(JO, MINA).await;
            let value = button_value(&card, "deliver_other").unwrap();
            let before = bot.slack.said().len();
            let click = async {
                tokio::time::sleep(Duration::from_millis(100)).await;
                bot.click_and_go(JO, "deliver_other", &value).await;
            };
            let busy = bot.keep_the_record_busy(Duration::from_secs(3));
            tokio::join!(busy, click);
            bot.settle().await;
            let said = bot.slack.said().split_off(before);
            let told = said.iter().map(text_of).collect::<Vec<_>>().join("\n");
            assert!(
                told.contains("The form could not be opened in time.")
                    && told.contains("Nothing was changed.")
                    && told.contains("(ref "),
                "{platform}: {told}"
            );
            // The same button works.
            bot.click_value(JO, "deliver_other", &value).await;
            bot.slack.last_view();
        })
        .await;
    }
}

/// A contact's code is sent while its form opens. Where the form does not open, nobody is told that nothing was changed, nor
/// to press again before the pause between two codes is over.
#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_a_contact_code_that_comes_too_late_is_told() {
    for platform in [Platform::Slack, Platform::Discord, Platform::Lark] {
        on(platform, async {
            let bot = TestBot::new().await;
            let words = format!("contact <@{}> +821012345699", user_id(NOA));
            let told = bot.command(KIM, &words).await.json();
            bot.settle().await;
            let value = button_value(&told, "contact_code").expect("the button");
            bot.outbox.take();
            let before = bot.slack.said().len();
            if platform == Platform::Slack {
                bot.slack.refuse_forms_with("expired_trigger_id");
                bot.click_value(KIM, "contact_code", &value).await;
            } else {
                let click = async {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    bot.click_and_go(KIM, "contact_code", &value).await;
                };
                let busy = bot.keep_the_record_busy(Duration::from_secs(3));
                tokio::join!(busy, click);
                bot.settle().await;
            }
            assert_eq!(bot.codes().len(), 1, "{platform}");
            let said = bot.slack.said().split_off(before);
            let told = said.iter().map(text_of).collect::<Vec<_>>().join("\n");
            assert!(
                told.contains("The form could not be opened in time.")
                    && told.contains("A code may have been sent all the same.")
                    && told.contains("Press the button again in 30 s.")
                    && told.contains("\nref ")
                    && !told.contains("Nothing was changed."),
                "{platform}: {told}"
            );
        })
        .await;
    }
}

/// P4: a result that went out with the answer to another command, which could not be sent, is told with the next one.
#[tokio::test(flavor = "multi_thread")]
async fn a_result_is_told_again_after_its_message_was_refused() {
    for platform in [Platform::Lark, Platform::Mattermost] {
        for command in ["card", "why", "log", "refused"] {
            on(platform, async {
                let bot = TestBot::new().await;
                bot.leaves(Left::Messages, "the password that was sent");
                let ready = bot.last_look(JO, MINA, "deliver_phone").await;
                bot.slack.answer_replies_with(Some(404));
                bot.click(JO, &ready, "confirm").await;
                let words = match command {
                    "card" => mention(NOA),
                    "refused" => mention("sam@acme.example"),
                    _ => format!("{command} {}", mention(NOA)),
                };
                bot.command(JO, &words).await;
                bot.settle().await;
                bot.slack.answer_replies_with(None);
                let next = bot.news_beside(JO, &mention(NOA)).await;
                assert!(
                    next.as_ref()
                        .is_some_and(|next| next.contains("About your reset of Mina Park")),
                    "{platform}, after {words}: {next:?}"
                );
                let next = bot.news_beside(JO, &mention(NOA)).await;
                assert_eq!(next, None, "{platform}: told twice");
            })
            .await;
        }
    }
}

/// The same where the answer was late, so that it was sent after the platform's deadline.
#[tokio::test(flavor = "multi_thread")]
async fn a_result_is_told_again_after_a_late_answer_was_refused() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the password that was sent");
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.slack.answer_replies_with(Some(404));
    bot.click(JO, &ready, "confirm").await;
    let command = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        bot.card(JO, NOA).await
    };
    let busy = bot.keep_the_record_busy(Duration::from_secs(3));
    tokio::join!(busy, command);
    bot.settle().await;
    bot.slack.answer_replies_with(None);
    let next = bot.news_beside(JO, &mention(NOA)).await.unwrap();
    assert!(next.contains("About your reset of Mina Park"), "{next}");
}

/// S30: the notice goes to every contact on record that did not carry the password, and to none that has answered nothing.
/// The contacts of the directory make the business address needless.
#[tokio::test(flavor = "multi_thread")]
async fn the_notice_goes_to_every_contact_that_did_not_carry_the_password() {
    let (phone, email) = ("+821012345642", "mina@mail.example");
    for (action, wanted) in [
        ("deliver_copy", vec![phone, email, "+821012345699"]),
        ("deliver_phone", vec![email, "+821012345699"]),
        ("deliver_email", vec![phone, "+821012345699"]),
    ] {
        let bot = TestBot::new().await;
        // One added contact has answered a code, and one may be nobody's.
        let add = async |address: &str| {
            let words = format!("contact <@{}> {address}", user_id(MINA));
            bot.command(KIM, &words).await;
            bot.settle().await;
        };
        add("+821012345699").await;
        bot.execute("update contact set answered_at = added_at")
            .await;
        add("stranger@mail.example").await;
        bot.outbox.take();
        bot.reset(JO, MINA, action).await;
        let sent = bot.outbox.take();
        let mut told: Vec<&str> = sent
            .iter()
            .filter(|sent| sent.text.contains("was reset by Jo Lim"))
            .map(|sent| sent.to.as_str())
            .collect();
        told.sort_unstable();
        let mut wanted = wanted;
        wanted.sort_unstable();
        assert_eq!(told, wanted, "{action}");
    }
}

/// The notice says that the member was signed out where they were, and only there.
#[tokio::test(flavor = "multi_thread")]
async fn the_notice_tells_of_a_sign_out_that_was_done() {
    for failing in [0, 1] {
        let bot = TestBot::new().await;
        bot.directory.fail_sign_outs(failing);
        bot.reset(JO, MINA, "deliver_phone").await;
        let told = told_of(&bot, "and you were signed out");
        assert_eq!(told.len(), usize::from(failing == 0), "{told:?}");
    }
    // The same where it is sent later.
    for failing in [0, 1] {
        let bot = TestBot::new().await;
        bot.directory.fail_sign_outs(failing);
        let look = bot.last_look(JO, MINA, "deliver_phone").await;
        bot.outbox.end_next_send(Outcome::Accepted);
        bot.outbox.end_next_send(Outcome::Refused(Refusal::Later));
        bot.click(JO, &look, "confirm").await;
        bot.outbox.take();
        bot.clock.advance(Span::minutes(3));
        bot.sweep().await;
        let sent = bot.outbox.take();
        let [notice] = sent.as_slice() else {
            panic!("one notice")
        };
        let is_told = notice.text.contains("and you were signed out");
        assert_eq!(is_told, failing == 0, "{}", notice.text);
    }
}

/// An administrator can add a contact of their own and type its code. It never replaces the member's business address in
/// the notice of a reset.
#[tokio::test(flavor = "multi_thread")]
async fn a_contact_of_an_administrator_replaces_no_business_address() {
    let own = "kim@home.example";
    for (alter, is_surely_theirs) in [
        ("update contact set answered_at = added_at", false),
        (
            "update contact set answered_at = added_at, added_as = 'member'",
            false,
        ),
        (
            "update contact set answered_at = added_at, added_as = 'proven'",
            true,
        ),
        ("update contact set added_as = 'operator'", true),
    ] {
        let bot = TestBot::new().await;
        let words = format!("contact <@{}> {own}", user_id(NOA));
        bot.command(KIM, &words).await;
        bot.settle().await;
        bot.execute(alter).await;
        let mut wanted = vec![own];
        wanted.extend((!is_surely_theirs).then_some(NOA));
        bot.outbox.take();
        bot.reset_by_copy(KIM, NOA).await;
        let told = told_of(&bot, "was reset by Kim Cho");
        assert_eq!(told, wanted, "{alter}: the reset");
    }
}

/// Who got a message with these words, in the order of the alphabet.
fn told_of(bot: &TestBot, words: &str) -> Vec<String> {
    let sent = bot.outbox.take();
    let told = sent.into_iter().filter(|sent| sent.text.contains(words));
    let mut told: Vec<String> = told.map(|sent| sent.to).collect();
    told.sort_unstable();
    told
}

/// A gateway drops a message that it knows already. A notice that is tried again is known by its recipient: the next
/// recipient is not taken for an earlier one whose contact left the record meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_notice_is_not_taken_for_that_of_another_contact() {
    let bot = TestBot::new().await;
    bot.alter(NOA, "phone", "+821012345698").await;
    let words = format!("contact <@{}> +821012345699", user_id(NOA));
    bot.command(KIM, &words).await;
    bot.settle().await;
    bot.execute("update contact set answered_at = added_at, added_as = 'proven'")
        .await;
    bot.outbox.take();
    // The phone of the directory may have got it; the other one is to be asked later.
    bot.outbox.end_next_send(Outcome::Unknown);
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Later));
    bot.reset_by_copy(JO, NOA).await;
    assert!(told_of(&bot, "was reset by Jo Lim").is_empty());
    bot.alter(NOA, "phone", "").await;
    bot.clock.advance(Span::minutes(3));
    bot.sweep().await;
    assert_eq!(told_of(&bot, "was reset by Jo Lim"), ["+821012345699"]);
}

/// A contact that asked to wait is asked again although another one was told, and nobody is told twice; also after a restart.
#[tokio::test(flavor = "multi_thread")]
async fn only_the_contact_that_asked_to_wait_gets_the_notice_again() {
    let bot = TestBot::new().await;
    bot.outbox.end_next_send(Outcome::Accepted);
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Later));
    bot.reset_by_copy(JO, MINA).await;
    assert_eq!(told_of(&bot, "was reset by Jo Lim").len(), 1);
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Later));
    bot.clock.advance(Span::minutes(3));
    bot.sweep().await;
    assert_eq!(told_of(&bot, "was reset by Jo Lim").len(), 0);
    assert_eq!(bot.count("notice").await, 2);
    let bot = bot.restart().await;
    bot.clock.advance(Span::minutes(3));
    bot.sweep().await;
    assert_eq!(told_of(&bot, "was reset by Jo Lim"), ["mina@mail.example"]);
    assert_eq!(bot.count("notice").await, 0);
    bot.clock.advance(Span::minutes(3));
    bot.sweep().await;
    assert!(told_of(&bot, "was reset by Jo Lim").is_empty());
}

/// What the operator can mend within a day, such as a certificate that expired, does not cost the member the notice.
#[tokio::test(flavor = "multi_thread")]
async fn a_notice_outlives_what_the_operator_mends() {
    for why in [Refusal::Tls, Refusal::Credentials] {
        let bot = TestBot::new().await;
        bot.outbox.end_next_send(Outcome::Refused(why.clone()));
        bot.outbox.end_next_send(Outcome::Refused(why.clone()));
        bot.reset_by_copy(JO, MINA).await;
        assert!(told_of(&bot, "was reset by Jo Lim").is_empty());
        bot.clock.advance(Span::hours(23));
        bot.sweep().await;
        let told = told_of(&bot, "was reset by Jo Lim");
        assert_eq!(told.len(), 2, "{why:?}: {told:?}");
    }
    // What a gateway says of one number or message is no reason to ask again; the business address is told instead.
    for why in [Refusal::SetUp, Refusal::Address, Refusal::Message] {
        let bot = TestBot::new().await;
        bot.outbox.end_next_send(Outcome::Refused(why.clone()));
        bot.outbox.end_next_send(Outcome::Refused(why.clone()));
        bot.reset_by_copy(JO, MINA).await;
        assert_eq!(told_of(&bot, "was reset by Jo Lim"), [MINA], "{why:?}");
        bot.clock.advance(Span::hours(23));
        bot.sweep().await;
        assert!(told_of(&bot, "was reset by Jo Lim").is_empty(), "{why:?}");
    }
    // Nor is anybody asked again after a day.
    let bot = TestBot::new().await;
    let refuse = || {
        for _ in 0..2 {
            bot.outbox.end_next_send(Outcome::Refused(Refusal::Later));
        }
    };
    refuse();
    bot.reset_by_copy(JO, MINA).await;
    refuse();
    bot.clock.advance(Span::hours(24));
    bot.sweep().await;
    assert_eq!(told_of(&bot, "was reset by Jo Lim"), [MINA]);
    bot.clock.advance(Span::hours(1));
    bot.sweep().await;
    assert!(told_of(&bot, "was reset by Jo Lim").is_empty());
}

/// Where the record can be read and not written, as on a full disk, no contact is mailed by every sweep.
#[tokio::test(flavor = "multi_thread")]
async fn no_notice_is_sent_again_while_the_record_cannot_be_written() {
    let bot = TestBot::new().await;
    bot.outbox.end_next_send(Outcome::Accepted);
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Later));
    bot.reset_by_copy(JO, MINA).await;
    assert_eq!(told_of(&bot, "was reset by Jo Lim").len(), 1);
    bot.execute("create trigger full before insert on step begin select raise(abort, 'full'); end")
        .await;
    bot.execute("create trigger same before update on step begin select raise(abort, 'full'); end")
        .await;
    bot.clock.advance(Span::minutes(3));
    for _ in 0..2 {
        bot.sweep().await;
        assert!(told_of(&bot, "was reset by Jo Lim").is_empty());
    }
    bot.execute("drop trigger full").await;
    bot.execute("drop trigger same").await;
    bot.sweep().await;
    assert_eq!(told_of(&bot, "was reset by Jo Lim"), ["mina@mail.example"]);
}

/// Where the added contacts cannot be read for a moment, the one that asked to wait is still told later.
#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_cannot_be_read_for_a_moment_gets_the_notice_later() {
    let bot = TestBot::new().await;
    let words = format!("contact <@{}> +821012345699", user_id(MINA));
    bot.command(KIM, &words).await;
    bot.settle().await;
    bot.execute("update contact set answered_at = added_at")
        .await;
    bot.outbox.take();
    bot.outbox.end_next_send(Outcome::Accepted);
    bot.outbox.end_next_send(Outcome::Accepted);
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Later));
    bot.reset_by_copy(JO, MINA).await;
    assert_eq!(told_of(&bot, "was reset by Jo Lim").len(), 2);
    bot.execute("alter table contact rename to contact_away")
        .await;
    bot.clock.advance(Span::minutes(3));
    bot.sweep().await;
    bot.execute("alter table contact_away rename to contact")
        .await;
    assert!(told_of(&bot, "was reset by Jo Lim").is_empty());
    bot.clock.advance(Span::minutes(3));
    bot.sweep().await;
    assert_eq!(told_of(&bot, "was reset by Jo Lim"), ["+821012345699"]);
}

/// An added contact can become the business address later. It is one recipient then, and is told once.
#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_became_the_business_address_is_told_once() {
    let bot = TestBot::new().await;
    let words = format!("contact <@{}> noa@home.example", user_id(NOA));
    bot.command(KIM, &words).await;
    bot.settle().await;
    bot.execute("update contact set answered_at = added_at, address = 'noa+x@acme.example'")
        .await;
    bot.outbox.take();
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Later));
    bot.reset_by_copy(JO, NOA).await;
    assert!(told_of(&bot, "was reset by Jo Lim").is_empty());
    assert_eq!(bot.count("notice").await, 1);
    bot.clock.advance(Span::minutes(3));
    bot.sweep().await;
    assert_eq!(told_of(&bot, "was reset by Jo Lim"), ["noa+x@acme.example"]);
}

/// Each answer is noted when it comes. Whoever was told before a restart is not told again, although the end was not noted.
#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_was_told_before_an_interruption_is_not_told_again() {
    let bot = TestBot::new().await;
    let words = format!("contact <@{}> mina@added.example", user_id(MINA));
    bot.command(KIM, &words).await;
    bot.settle().await;
    bot.execute("update contact set answered_at = added_at")
        .await;
    bot.outbox.take();
    bot.execute(
        "create trigger no_end before insert on step
        when new.step = 'notice' and new.outcome = 'done'
        begin select raise(ignore); end;
        create trigger no_deletion before delete on notice begin select raise(ignore); end",
    )
    .await;
    bot.reset_by_copy(JO, MINA).await;
    assert_eq!(told_of(&bot, "was reset by Jo Lim").len(), 3);
    bot.execute("drop trigger no_end; drop trigger no_deletion")
        .await;
    bot.clock.advance(Span::minutes(3));
    bot.sweep().await;
    assert_eq!(told_of(&bot, "was reset by Jo Lim"), ["mina@added.example"]);
}

/// Where the steps cannot be read, the result claims nothing that only they tell: not that the password reached the member,
/// nor why it did not.
#[tokio::test(flavor = "multi_thread")]
async fn a_result_without_its_steps_claims_none_of_them() {
    for (outcome, wanted) in [
        (
            Outcome::Accepted,
            "not known here whether Mina Park got the password",
        ),
        (
            Outcome::Refused(Refusal::Address),
            "The password was changed, but it was not delivered",
        ),
    ] {
        let bot = TestBot::new().await;
        bot.leaves(Left::Messages, "the password that was sent");
        let ready = bot.last_look(JO, MINA, "deliver_phone").await;
        bot.outbox.end_next_send(outcome);
        bot.slack.answer_replies_with(Some(500));
        bot.click(JO, &ready, "confirm").await;
        bot.slack.answer_replies_with(None);
        bot.execute("update step set outcome = 'unreadable' where step = 'deliver'")
            .await;
        bot.clock.advance(Span::seconds(150));
        bot.sweep().await;
        let told = bot.slack.last_text();
        assert!(told.contains(wanted), "{told}");
    }
}
