//! A password that a person chose is one password, however a keyboard writes its characters.

use axum::http::StatusCode;
use relatch::surface::directory::Hasher;
use relatch::surface::domain::{MemberId, Span};

use super::{JO, MINA, code};
use crate::support::{OWN, TestBot};

/// "Åé weiß Übermut kühn", decomposed as macOS writes it.
const APART: &str = "A\u{30a}e\u{301} weiß U\u{308}bermut ku\u{308}hn";
/// The same, composed as Windows writes it.
const TOGETHER: &str = "\u{c5}\u{e9} weiß \u{dc}bermut k\u{fc}hn";

fn mina() -> MemberId {
    MemberId("id-mina.park".to_owned())
}

/// Stores a hash of exactly these characters, as the version before did.
async fn store_older_hash(bot: &TestBot, password: &str) -> String {
    let hasher = Hasher::start().unwrap();
    let phc = hasher.hash(password, [7; 16]).await.unwrap();
    let store = &bot.app.store;
    let set = store.set_credential(&mina(), phc.clone(), None).await;
    set.unwrap();
    bot.clock.advance(Span::seconds(1));
    phc
}

async fn opens(bot: &TestBot, typed: &str) -> bool {
    let page = bot.browser().sign_in(MINA, typed).await;
    if page.status == StatusCode::UNAUTHORIZED {
        return false;
    }
    assert_eq!(page.to(), "/account");
    true
}

/// RFC 8265, 4.2.2: both forms are stored as the composed one, every other space as U+0020, and nothing else is changed.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_set_in_one_form_opens_in_every_other() {
    for (set, typed) in [
        (APART, TOGETHER),
        (TOGETHER, APART),
        (
            "nine\u{a0}loud\u{3000}otters sleep",
            "nine loud otters sleep",
        ),
        ("nine loud otters sleep", "nine\u{2007}loud otters sleep"),
    ] {
        let bot = TestBot::new().await;
        let temporary = bot.reset_by_copy(JO, MINA).await;
        let browser = bot.browser();
        browser.sign_in(MINA, &temporary).await;
        let (code, _) = code(&bot);
        browser
            .submit("/verify", "/verify", &[("code", &code)])
            .await;
        let page = browser
            .submit("/new-password", "/new-password", &[("password", set)])
            .await;
        assert_eq!(page.to(), "/account");
        bot.settle().await;
        assert!(opens(&bot, typed).await, "set {set:?}, typed {typed:?}");
        assert!(opens(&bot, set).await, "typed as it was set: {set:?}");
        let stored = bot.app.store.credential(&mina()).await.unwrap().unwrap();
        let hasher = Hasher::start().unwrap();
        let normal = if set == APART { TOGETHER } else { set };
        let normal = normal.replace(['\u{a0}', '\u{3000}'], " ");
        assert_eq!(hasher.verify(&normal, &stored).await, Ok(true));
    }
}

/// Letters of another width and of another case are other letters.
#[tokio::test(flavor = "multi_thread")]
async fn width_and_case_are_kept() {
    let bot = TestBot::new().await;
    bot.set_password(MINA, "Ｎine loud otters sleep").await;
    bot.clock.advance(Span::seconds(1));
    assert!(opens(&bot, "Ｎine loud otters sleep").await);
    for other in ["Nine loud otters sleep", "ｎine loud otters sleep"] {
        assert!(!opens(&bot, other).await, "{other}");
    }
}

/// Nobody is locked out by the upgrade: a hash of the characters as they were typed opens once as such, and is then that
/// of the normal form. The password was not changed by that: sessions go on, and it is as old as before.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_hash_opens_and_is_then_made_anew() {
    let bot = TestBot::new().await;
    let older = store_older_hash(&bot, APART).await;
    let set_at = bot.app.store.credential_set_at(&mina()).await.unwrap();
    assert!(!opens(&bot, "A\u{30a}e\u{301} weiß Ubermut kuhn").await);
    bot.settle().await;
    let stored = async || bot.app.store.credential(&mina()).await.unwrap().unwrap();
    assert_eq!(stored().await, older, "a wrong one changes nothing");

    let browser = bot.browser();
    assert_eq!(browser.sign_in(MINA, APART).await.to(), "/account");
    bot.settle().await;
    let newer = stored().await;
    assert_ne!(newer, older);
    let hasher = Hasher::start().unwrap();
    assert_eq!(hasher.verify(TOGETHER, &newer).await, Ok(true));
    assert_eq!(browser.open("/account").await.status, StatusCode::OK);
    let now = bot.app.store.credential_set_at(&mina()).await.unwrap();
    assert_eq!(now, set_at);
    assert!(opens(&bot, TOGETHER).await && opens(&bot, APART).await);
    bot.settle().await;
    assert_eq!(stored().await, newer, "once is enough");
}

/// Two browsers of one member sign in at once by the older hash: the first one's new hash does not make the second wrong.
#[tokio::test(flavor = "multi_thread")]
async fn who_signs_in_meanwhile_is_let_in_too() {
    let bot = TestBot::new().await;
    store_older_hash(&bot, APART).await;
    let two = [bot.browser(), bot.browser(), bot.browser()];
    let pages = futures_util::future::join_all(two.iter().map(|one| one.sign_in(MINA, APART)));
    for page in pages.await {
        assert_eq!(page.to(), "/account");
    }
}

/// Inside a session the older hash confirms too, and the password that replaces it stays.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_hash_confirms_inside_a_session() {
    let bot = TestBot::new().await;
    let browser = bot.signed_in(MINA).await;
    let older = Hasher::start().unwrap().hash(APART, [7; 16]).await.unwrap();
    let store = &bot.app.store;
    store.set_credential(&mina(), older, None).await.unwrap();
    let fields = [("current", APART), ("password", TOGETHER)];
    let page = browser
        .submit("/account", "/account/password", &fields)
        .await;
    assert_eq!(page.to(), "/account");
    bot.settle().await;
    let fields = [("current", APART), ("password", OWN)];
    let page = browser
        .submit("/account", "/account/password", &fields)
        .await;
    assert_eq!(page.to(), "/account");
    bot.settle().await;
    assert!(opens(&bot, OWN).await && !opens(&bot, APART).await);
}

/// RFC 8264, 9.1 and 9.11: no form of the string class has control characters. One that the version before took still opens.
#[tokio::test(flavor = "multi_thread")]
async fn control_characters_are_refused_and_an_older_hash_with_one_opens() {
    let bot = TestBot::new().await;
    let browser = bot.signed_in(MINA).await;
    for with_control in ["nine loud\totters sleep", "nine loud otters\u{7f} sleep"] {
        let fields = [("current", OWN), ("password", with_control)];
        let page = browser
            .submit("/account", "/account/password", &fields)
            .await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            page.text.contains("has a control character")
                && page.text.contains("Nothing was changed."),
            "{}",
            page.text
        );
        assert!(bot.signs_in(MINA, OWN).await);
    }
    let older = store_older_hash(&bot, "nine loud\totters sleep").await;
    assert!(opens(&bot, "nine loud\totters sleep").await);
    bot.settle().await;
    let stored = bot.app.store.credential(&mina()).await.unwrap();
    assert_eq!(stored, Some(older));
}

/// Who copies the password of a reset, or a code, copies the blanks around it too. A password that a person chose is theirs
/// with its blanks.
#[tokio::test(flavor = "multi_thread")]
async fn blanks_around_a_generated_password_and_a_code_are_taken_off() {
    let bot = TestBot::new().await;
    let temporary = bot.reset_by_copy(JO, MINA).await;
    bot.outbox.take();
    let browser = bot.browser();
    let typed = format!("\u{a0} {temporary}\n");
    assert_eq!(browser.sign_in(MINA, &typed).await.to(), "/verify");
    let (code, _) = code(&bot);
    let page = browser
        .submit("/verify", "/verify", &[("code", &format!(" {code}\t"))])
        .await;
    assert_eq!(page.to(), "/new-password");
    // S33: with blanks it opens the account, so with blanks it is no new one.
    let longer = format!(" {temporary}{}", " ".repeat(12));
    let page = browser
        .submit("/new-password", "/new-password", &[("password", &longer)])
        .await;
    assert!(
        page.text.contains("the password that you have now"),
        "{}",
        page.text
    );
    bot.set_password(MINA, OWN).await;
    let typed = format!("{OWN} ");
    let page = bot.browser().sign_in(MINA, &typed).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
}
