//! The first sign-in after a reset: password, code, and a password of the member's own.

use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use relatch::surface::domain::Span;
use relatch::surface::domain::delivery::{Outcome, Refusal};

use super::{JO, KIM, MINA, NOA, code};
use crate::support::sent::password_in_sms;
use crate::support::slack::user_id;
use crate::support::{OWN, TestBot};

/// S32, S33, S39, S40: the password of a reset, the code, a password of one's own; each step once, nothing else before.
#[tokio::test(flavor = "multi_thread")]
async fn a_reset_is_used_with_a_code_and_ends_in_a_password_of_ones_own() {
    let bot = TestBot::new().await;
    let temporary = bot.reset_by_copy(JO, MINA).await;
    let browser = bot.browser();
    assert_eq!(browser.sign_in(MINA, &temporary).await.to(), "/verify");
    for path in ["/account", "/new-password", "/signin", "/account/events"] {
        assert_eq!(browser.open(path).await.to(), "/verify", "{path}");
    }
    let page = browser.open("/verify").await;
    assert!(
        page.text.contains("+82 ··· ··42") && !page.text.contains("1012345642"),
        "{}",
        page.text
    );
    let (code, to) = code(&bot);
    assert_eq!(to, "+821012345642");
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let page = browser
        .submit("/verify", "/verify", &[("code", wrong)])
        .await;
    assert!(
        page.status == StatusCode::UNPROCESSABLE_ENTITY && page.text.contains("4 tries left"),
        "{}",
        page.text
    );
    let before = browser.cookies.lock().unwrap()["relatch_session"].clone();
    assert_eq!(
        browser
            .submit("/verify", "/verify", &[("code", &code)])
            .await
            .to(),
        "/new-password"
    );

    for path in ["/account", "/verify", "/signin", "/account/events"] {
        assert_eq!(browser.open(path).await.to(), "/new-password", "{path}");
    }
    for (password, why) in [
        (temporary.as_str(), "Too short"),
        ("short", "Too short"),
        ("password1234", "Too easy to guess"),
        ("mina.park@acme.example", "Too easy to guess"),
        (&"x".repeat(129), "Too long"),
    ] {
        let page = browser
            .submit("/new-password", "/new-password", &[("password", password)])
            .await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            page.text.contains(why) && page.text.contains("Nothing was changed."),
            "{password}: {}",
            page.text
        );
    }
    assert_eq!(
        browser
            .submit("/new-password", "/new-password", &[("password", OWN)])
            .await
            .to(),
        "/account"
    );
    let page = browser.open("/account").await;
    assert!(
        page.status == StatusCode::OK && page.text.contains("Mina Park"),
        "{}",
        page.text
    );
    bot.settle().await;
    assert!(
        bot.slack
            .last_text()
            .contains("Mina Park signed in and set a new password at 10:00."),
        "{}",
        bot.slack.last_text()
    );

    // What was worth something before is worth nothing now: the older cookie, the code, the password of the reset.
    let older = bot.browser();
    older
        .cookies
        .lock()
        .unwrap()
        .insert("relatch_session".to_owned(), before);
    assert_eq!(older.open("/account").await.to(), "/signin");
    assert_eq!(
        bot.browser().sign_in(MINA, &temporary).await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(bot.browser().sign_in(MINA, OWN).await.to(), "/account");
}

/// S33: a password of the length that is asked for, and still the one of the reset.
#[tokio::test(flavor = "multi_thread")]
async fn the_present_password_is_no_new_one() {
    let bot = TestBot::new().await;
    let browser = bot.signed_in(MINA).await;
    let fields = [("current", OWN), ("password", OWN)];
    let page = browser
        .submit("/account", "/account/password", &fields)
        .await;
    assert!(
        page.text.contains("the password that you have now"),
        "{}",
        page.text
    );
    let fields = [
        ("current", "something else"),
        ("password", "nine loud otters sleep"),
    ];
    let page = browser
        .submit("/account", "/account/password", &fields)
        .await;
    assert!(
        page.text.contains("not your current password"),
        "{}",
        page.text
    );
    let fields = [("current", OWN), ("password", "nine loud otters sleep")];
    assert_eq!(
        browser
            .submit("/account", "/account/password", &fields)
            .await
            .to(),
        "/account"
    );
    assert_eq!(browser.open("/account").await.status, StatusCode::OK);
    assert_eq!(
        bot.browser().sign_in(MINA, OWN).await.status,
        StatusCode::UNAUTHORIZED
    );
}

/// S13, S29, S30, S31: every session ends at the reset, and an open page says so within two seconds.
#[tokio::test(flavor = "multi_thread")]
async fn a_reset_ends_every_session_and_an_open_page_says_so() {
    let bot = TestBot::new().await;
    let (one, two) = (bot.signed_in(MINA).await, bot.browser());
    two.sign_in(MINA, OWN).await;
    assert_eq!(
        two.open("/account")
            .await
            .text
            .matches("Firefox on a test, since")
            .count(),
        2
    );
    let mut events = one
        .send(Request::get("/account/events"), String::new())
        .await
        .into_body();
    events
        .frame()
        .await
        .expect("how soon to come back")
        .unwrap();
    assert_eq!(
        bot.reset(JO, MINA, "deliver_copy").await["response_type"],
        "ephemeral"
    );
    let told = tokio::time::timeout(std::time::Duration::from_secs(2), events.frame()).await;
    let told = told
        .expect("within two seconds")
        .expect("an event")
        .unwrap()
        .into_data()
        .unwrap();
    let told = String::from_utf8_lossy(&told).into_owned();
    assert!(
        told.contains("event: reset") && told.contains("reset by an administrator. Please verify"),
        "{told}"
    );
    for browser in [&one, &two] {
        assert_eq!(browser.open("/account").await.to(), "/signin");
    }
    assert_eq!(
        bot.browser().sign_in(MINA, OWN).await.status,
        StatusCode::UNAUTHORIZED
    );
}

/// S39, S41: whoever has the password and not the code gets nothing, in any order; the code goes to the record.
#[tokio::test(flavor = "multi_thread")]
async fn the_password_alone_opens_nothing() {
    let bot = TestBot::new().await;
    let card = bot.card(JO, MINA).await;
    bot.click(JO, &card, "deliver_other").await;
    bot.submit(JO, "jo.private@home.example").await;
    bot.click(JO, &bot.slack.last(), "confirm").await;
    let sent = bot.outbox.take();
    let mail = sent
        .iter()
        .find(|sent| sent.to == "jo.private@home.example")
        .expect("the password");
    let password: String = mail
        .text
        .split("\n\n    ")
        .nth(1)
        .unwrap()
        .chars()
        .take(8)
        .collect();
    bot.clock.advance(Span::seconds(1));
    let admin = bot.browser();
    assert_eq!(admin.sign_in(MINA, &password).await.to(), "/verify");
    assert_eq!(code(&bot).1, "+821012345642");
    let csrf = admin.open("/verify").await.csrf();
    let csrf = ("csrf", csrf.as_str());
    for (path, fields) in [
        ("/new-password", vec![csrf, ("password", OWN)]),
        (
            "/account/password",
            vec![csrf, ("current", password.as_str()), ("password", OWN)],
        ),
        ("/account/sessions", vec![csrf, ("end", "others")]),
        ("/verify", vec![csrf, ("code", "")]),
        ("/verify", vec![csrf, ("code", "12345")]),
        ("/verify", vec![csrf]),
    ] {
        let page = admin.post(path, &fields).await;
        assert!(
            page.to() == "/verify" || page.status == StatusCode::UNPROCESSABLE_ENTITY,
            "{path}: {}",
            page.status
        );
        assert_eq!(admin.open("/account").await.to(), "/verify");
    }
    assert_eq!(bot.browser().open("/account").await.to(), "/signin");
    assert!(
        bot.signs_in(MINA, &password).await,
        "it is still the password of the reset"
    );
}

/// A contact that refused the first code: the other one gets one at once.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_refusal_the_code_goes_to_the_other_contact_at_once() {
    let bot = TestBot::new().await;
    let temporary = bot.reset_by_copy(JO, MINA).await;
    let browser = bot.browser();
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Address));
    let signed_in = browser.sign_in(MINA, &temporary).await;
    let page = browser.open(signed_in.to()).await.text;
    assert!(page.contains("this contact was refused"), "{page}");
    let others = other_contacts(&page);
    let (name, _) = others.last().expect("another contact");
    let page = browser
        .submit("/verify", "/verify", &[("again", name)])
        .await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert_eq!(code(&bot).1, "mina@mail.example");
}

/// On a shared computer: whoever finds somebody else's half-open session ends it, on both of its pages.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_another_person_signs_out() {
    let bot = TestBot::new().await;
    for path in ["/verify", "/new-password"] {
        let temporary = bot.reset_by_copy(JO, MINA).await;
        let browser = bot.browser();
        browser.sign_in(MINA, &temporary).await;
        let (code, _) = code(&bot);
        if path == "/new-password" {
            let fields = [("code", code.as_str())];
            browser.submit("/verify", "/verify", &fields).await;
        }
        let page = browser.open(path).await.text;
        assert!(page.contains(">Not you? Sign out</button>"), "{page}");
        let before = browser.cookies.lock().unwrap().clone();
        let left = browser.submit(path, path, &[("leave", "1")]).await;
        assert_eq!(left.to(), "/signin");
        assert_eq!(browser.open("/signin").await.status, StatusCode::OK);
        // The key of the session opens nothing any more, either.
        *browser.cookies.lock().unwrap() = before;
        assert_eq!(browser.open(path).await.to(), "/signin");
        bot.clock.advance(Span::minutes(1));
    }
}

/// The second press of "Set password": the first one's answer was lost, and the password is set.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_press_after_the_password_was_set_is_told_so() {
    let bot = TestBot::new().await;
    let temporary = bot.reset_by_copy(JO, MINA).await;
    let browser = bot.browser();
    browser.sign_in(MINA, &temporary).await;
    let fields = [("code", code(&bot).0)];
    let fields = fields.each_ref().map(|(name, code)| (*name, code.as_str()));
    browser.submit("/verify", "/verify", &fields).await;
    let csrf = browser.open("/new-password").await.csrf();
    let before = browser.cookies.lock().unwrap().clone();
    let fields = [("csrf", csrf.as_str()), ("password", OWN)];
    assert_eq!(
        browser.post("/new-password", &fields).await.to(),
        "/account"
    );
    bot.settle().await;
    *browser.cookies.lock().unwrap() = before;
    assert_eq!(browser.post("/new-password", &fields).await.to(), "/signin");
    let page = browser.open("/signin").await.text;
    assert!(
        page.contains("A new password was set for your account. Sign in with it."),
        "{page}"
    );
}

/// Two contacts that look alike when they are masked are told apart, and the buttons say where a code goes.
#[tokio::test(flavor = "multi_thread")]
async fn contacts_with_one_mask_have_numbers() {
    let bot = TestBot::new().await;
    let planted = format!("contact <@{}> +821099995642", user_id(MINA));
    bot.command(KIM, &planted).await;
    bot.settle().await;
    bot.execute("update contact set added_at = 1, answered_at = 1, added_as = 'proven'")
        .await;
    let temporary = bot.reset_by_copy(JO, MINA).await;
    let browser = bot.browser();
    browser.sign_in(MINA, &temporary).await;
    assert_eq!(code(&bot).1, "+821012345642");
    let page = browser.open("/verify").await.text;
    for told in [
        "<strong>+82 ··· ··42 (1)</strong>",
        "Send another code to +82 ··· ··42 (1)</button>",
        "Send it to +82 ··· ··42 (2) instead",
        "Send it to m···@mail.example instead",
        "use any of them? Ask your IT team",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
}

/// The names of the other contacts on the page for the code.
fn other_contacts(page: &str) -> Vec<(String, String)> {
    let forms = page.split("name=\"again\" value=\"").skip(1);
    let named = forms.filter_map(|form| {
        let (name, rest) = form.split_once('"')?;
        let (_, rest) = rest.split_once("Send it to ")?;
        let (mask, _) = rest.split_once(" instead")?;
        Some((name.to_owned(), mask.to_owned()))
    });
    let mut named: Vec<_> = named.filter(|(name, _)| name != "1").collect();
    named.dedup();
    named
}

/// A member who cannot use the contact has the code sent to another one; the next one goes there too.
#[tokio::test(flavor = "multi_thread")]
async fn the_code_goes_to_another_contact_on_request() {
    const PHONE: &str = "+82 ··· ··42";
    const EMAIL: &str = "m···@mail.example";
    let bot = TestBot::new().await;
    let temporary = bot.reset_by_copy(JO, MINA).await;
    let browser = bot.browser();
    browser.sign_in(MINA, &temporary).await;
    assert_eq!(code(&bot).1, "+821012345642");
    let page = browser.open("/verify").await.text;
    assert!(
        page.contains("t use either? Ask your IT team: <a href=\"https://help.acme.example/"),
        "{page}"
    );
    assert!(!page.contains("mina@mail.example"), "{page}");
    let others = other_contacts(&page);
    let [(name, mask)] = others.as_slice() else {
        panic!("{others:?}: {page}")
    };
    assert_eq!(mask, EMAIL);

    // At once: the pause is for each contact.
    let page = browser
        .submit("/verify", "/verify", &[("again", name)])
        .await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.text
            .contains(&format!("Look for a code of 6 digits at <strong>{EMAIL}")),
        "{}",
        page.text
    );
    assert_eq!(other_contacts(&page.text)[0].1, PHONE);
    let (first, to) = code(&bot);
    assert_eq!(to, "mina@mail.example");

    // "Send another code" stays with the contact that was chosen.
    bot.clock.advance(Span::seconds(30));
    browser
        .submit("/verify", "/verify", &[("again", "1")])
        .await;
    let (second, to) = code(&bot);
    assert_eq!(to, "mina@mail.example");
    if first != second {
        let page = browser
            .submit("/verify", "/verify", &[("code", &first)])
            .await;
        assert!(page.text.contains("Wrong code"), "{}", page.text);
    }
    let proven = browser
        .submit("/verify", "/verify", &[("code", &second)])
        .await;
    assert_eq!(proven.to(), "/new-password");
}

/// The contact that got the password is not offered for the code while there is another one, by whatever name it is asked
/// for.
#[tokio::test(flavor = "multi_thread")]
async fn the_contact_of_the_password_is_not_offered_for_the_code() {
    let bot = TestBot::new().await;
    bot.reset(JO, MINA, "deliver_phone").await;
    let sent = bot.outbox.take();
    let sms = sent.iter().find(|sent| sent.to == "+821012345642");
    let password = password_in_sms(&sms.unwrap().text).expect("a password");
    bot.clock.advance(Span::seconds(1));
    let browser = bot.browser();
    assert_eq!(browser.sign_in(MINA, &password).await.to(), "/verify");
    assert_eq!(code(&bot).1, "mina@mail.example");
    let page = browser.open("/verify").await.text;
    assert_eq!(other_contacts(&page), []);
    assert!(page.contains("use it? Ask your IT team"), "{page}");
    for name in ["+82 ··· ··42", "+821012345642", "2"] {
        bot.clock.advance(Span::seconds(30));
        browser
            .submit("/verify", "/verify", &[("again", name)])
            .await;
        assert_eq!(code(&bot).1, "mina@mail.example", "{name}");
    }
}

/// An administrator plants a contact, answers its code and waits; with the password of a colleague's reset the code still
/// goes to the member alone, and what is written down says where.
#[tokio::test(flavor = "multi_thread")]
async fn a_contact_of_an_administrator_cannot_be_chosen() {
    let bot = TestBot::new().await;
    let planted = format!("contact <@{}> kim.alt@mail.example", user_id(MINA));
    bot.command(KIM, &planted).await;
    bot.settle().await;
    assert_eq!(bot.count("contact").await, 1);
    bot.execute("update contact set answered_at = added_at")
        .await;
    bot.clock.advance(Span::hours(73));
    let temporary = bot.reset_by_copy(JO, MINA).await;
    let before = bot.count("audit").await;
    let browser = bot.browser();
    assert_eq!(browser.sign_in(MINA, &temporary).await.to(), "/verify");
    assert_eq!(code(&bot).1, "+821012345642");
    let page = browser.open("/verify").await.text;
    let others = other_contacts(&page).into_iter().map(|(_, mask)| mask);
    assert_eq!(others.collect::<Vec<_>>(), ["m···@mail.example"], "{page}");
    let told = bot.audit_after(before).await;
    let sent = told.iter().find(|line| line.contains("code sent"));
    assert!(
        sent.is_some_and(|line| line.ends_with("(+82 ··· ··42)")),
        "{told:?}"
    );
    // Nor can it be chosen by its name, which an older page may still have.
    bot.execute("update contact set added_as = 'proven'").await;
    let page = browser.open("/verify").await.text;
    let mut others = other_contacts(&page).into_iter();
    let (name, _) = others.find(|(_, mask)| mask.starts_with('k')).expect("it");
    bot.execute("update contact set added_as = 'administrator'")
        .await;
    bot.clock.advance(Span::seconds(30));
    browser
        .submit("/verify", "/verify", &[("again", &name)])
        .await;
    assert_eq!(code(&bot).1, "+821012345642");
}

/// Where the settings name a phone, it can be called from the page.
#[tokio::test(flavor = "multi_thread")]
async fn the_page_for_the_code_names_whom_to_call() {
    let bot = TestBot::with_help_phone_and_pages("+82 2 555 0100").await;
    let temporary = bot.reset_by_copy(JO, MINA).await;
    let browser = bot.browser();
    browser.sign_in(MINA, &temporary).await;
    code(&bot);
    let page = browser.open("/verify").await.text;
    assert!(
        page.contains(r#"Call your IT team: <a href="tel:+8225550100">+82 2 555 0100</a>"#),
        "{page}"
    );
}

/// S40: a code works ten minutes, five times, once, for one session; another is sent with pauses.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_short_lived_and_belongs_to_one_session() {
    let bot = TestBot::new().await;
    let temporary = bot.reset_by_copy(JO, MINA).await;
    let (one, two) = (bot.browser(), bot.browser());
    one.sign_in(MINA, &temporary).await;
    let (first, _) = code(&bot);
    two.sign_in(MINA, &temporary).await;
    assert!(bot.outbox.take().is_empty(), "too soon for another code");
    assert!(
        two.open("/verify")
            .await
            .text
            .contains("No code is on its way")
    );
    // The code of one browser is nothing to the other.
    let page = two.submit("/verify", "/verify", &[("code", &first)]).await;
    assert!(page.text.contains("no longer works"), "{}", page.text);
    let page = one.submit("/verify", "/verify", &[("again", "1")]).await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    bot.clock.advance(Span::seconds(30));
    assert!(
        one.submit("/verify", "/verify", &[("again", "1")])
            .await
            .text
            .contains("on its way")
    );
    let (second, _) = code(&bot);
    if first != second {
        let page = one.submit("/verify", "/verify", &[("code", &first)]).await;
        assert!(page.text.contains("Wrong code"), "{}", page.text);
    }
    bot.clock.advance(Span::minutes(10));
    let page = one.submit("/verify", "/verify", &[("code", &second)]).await;
    assert!(page.text.contains("no longer works"), "{}", page.text);

    assert!(
        one.submit("/verify", "/verify", &[("again", "1")])
            .await
            .text
            .contains("on its way")
    );
    let (third, _) = code(&bot);
    let wrong = if third == "000000" {
        "000001"
    } else {
        "000000"
    };
    for _ in 0..5 {
        one.submit("/verify", "/verify", &[("code", wrong)]).await;
    }
    let page = one.submit("/verify", "/verify", &[("code", &third)]).await;
    assert!(
        page.text.contains("no longer works"),
        "right, but after five wrong ones: {}",
        page.text
    );
    assert_eq!(one.open("/account").await.to(), "/verify");
}

/// P5, S35: what an older reset opened, a newer one closes.
#[tokio::test(flavor = "multi_thread")]
async fn a_newer_reset_ends_what_an_older_one_began() {
    let bot = TestBot::new().await;
    let older = bot.reset_by_copy(JO, MINA).await;
    let browser = bot.browser();
    browser.sign_in(MINA, &older).await;
    let (code, _) = code(&bot);
    let csrf = browser.open("/verify").await.csrf();
    bot.reset_by_copy(KIM, MINA).await;
    assert_eq!(
        browser
            .post("/verify", &[("csrf", &csrf), ("code", &code)])
            .await
            .to(),
        "/signin"
    );
    assert_eq!(
        bot.browser().sign_in(MINA, &older).await.status,
        StatusCode::UNAUTHORIZED
    );
}

/// S42, S43: without a contact of their own the password of a reset opens nothing, and the business e-mail is none.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_second_method_there_is_no_way_in() {
    let bot = TestBot::new().await;
    let temporary = bot.reset_by_copy(JO, NOA).await;
    bot.outbox.take();
    let browser = bot.browser();
    let page = browser.sign_in(NOA, &temporary).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(
        page.text.contains("Your work email does not count"),
        "{}",
        page.text
    );
    assert!(
        !browser
            .cookies
            .lock()
            .unwrap()
            .contains_key("relatch_session")
            && bot.outbox.take().is_empty()
    );
    bot.alter(NOA, "phone", "+821012345699").await;
    assert_eq!(browser.sign_in(NOA, &temporary).await.to(), "/verify");
    assert_eq!(code(&bot).1, "+821012345699");
}

/// Q10: the password of a reset has an end, and says so.
#[tokio::test(flavor = "multi_thread")]
async fn the_password_of_a_reset_has_an_end() {
    let bot = TestBot::new().await;
    let temporary = bot.reset_by_copy(JO, MINA).await;
    bot.clock.advance(Span::hours(24));
    let page = bot.browser().sign_in(MINA, &temporary).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(
        page.text.contains("stopped working at") && page.text.contains("Ask an administrator"),
        "{}",
        page.text
    );
}

/// After the code there is half an hour for a password of one's own, and then the account is open for twelve hours.
#[tokio::test(flavor = "multi_thread")]
async fn after_the_code_there_is_half_an_hour_and_then_half_a_day() {
    let bot = TestBot::new().await;
    let temporary = bot.reset_by_copy(JO, MINA).await;
    let browser = bot.browser();
    let prove = async || {
        browser.sign_in(MINA, &temporary).await;
        let (code, _) = code(&bot);
        let page = browser
            .submit("/verify", "/verify", &[("code", &code)])
            .await;
        assert_eq!(page.to(), "/new-password");
    };
    prove().await;
    bot.clock.advance(Span::minutes(30));
    assert_eq!(browser.open("/new-password").await.to(), "/signin");
    prove().await;
    bot.clock.advance(Span::minutes(29));
    let page = browser
        .submit("/new-password", "/new-password", &[("password", OWN)])
        .await;
    assert_eq!(page.to(), "/account");
    bot.settle().await;
    bot.clock.advance(Span::minutes(12 * 60 - 1));
    assert_eq!(browser.open("/account").await.status, StatusCode::OK);
    bot.clock.advance(Span::minutes(1));
    assert_eq!(browser.open("/account").await.to(), "/signin");
}
