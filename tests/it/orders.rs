//! S39: with the password of a reset and everybody else's codes, in every order of requests, nothing opens.

use axum::http::StatusCode;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use relatch::surface::domain::Span;

use crate::support::browser::Browser;
use crate::support::{OWN, TestBot};

const JO: &str = "jo@acme.example";
const KIM: &str = "kim@acme.example";
const MINA: &str = "mina.park@acme.example";
const LEE: &str = "lee@acme.example";

/// What somebody can do who has the password of the reset, and codes that are not theirs to use.
struct Attacker {
    browser: Browser,
    password: String,
    /// Of another member, of an older reset, of the member's own browser.
    codes: Vec<String>,
    /// Cookies that were worth something once, or never.
    cookies: Vec<String>,
}

/// The number of different acts.
const ACTS: usize = 24;

impl Attacker {
    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> StatusCode {
        // The token of a form is no secret to the browser that asks for it; it is the same on every page.
        let csrf = self
            .browser
            .cookies
            .lock()
            .unwrap()
            .get("csrf")
            .cloned()
            .unwrap_or_default();
        self.browser
            .post(path, &[&[("csrf", csrf.as_str())], fields].concat())
            .await
            .status
    }

    /// One act; what it was answered.
    async fn act(&self, act: usize) -> StatusCode {
        const PAGES: [&str; 8] = [
            "/account",
            "/account/events",
            "/new-password",
            "/contacts",
            "/verify",
            "/signin",
            "/claim/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "/not-me/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ];
        let password = self.password.as_str();
        match act {
            0..8 => self.browser.open(PAGES[act]).await.status,
            8 => self.post("/new-password", &[("password", OWN)]).await,
            9 => {
                self.post(
                    "/account/password",
                    &[("current", password), ("password", OWN)],
                )
                .await
            }
            10 => self.post("/account/sessions", &[("end", "others")]).await,
            11 => {
                self.post(
                    "/contacts",
                    &[("kind", "phone"), ("value", "+821099998877")],
                )
                .await
            }
            12 => {
                let fields = [
                    ("kind", "phone"),
                    ("value", "+821099998877"),
                    ("code", self.codes[0].as_str()),
                ];
                self.post("/contacts", &fields).await
            }
            13..16 => {
                self.post("/verify", &[("code", self.codes[act - 13].as_str())])
                    .await
            }
            16 => self.post("/verify", &[("code", "")]).await,
            17 => self.post("/verify", &[("again", "1")]).await,
            18 => {
                self.post(
                    "/verify",
                    &[("again", "1"), ("code", self.codes[2].as_str())],
                )
                .await
            }
            19 => {
                self.post("/claim/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", &[])
                    .await
            }
            20..23 => {
                let cookie = self.cookies[act - 20].clone();
                self.browser
                    .cookies
                    .lock()
                    .unwrap()
                    .insert("relatch_session".to_owned(), cookie);
                StatusCode::OK
            }
            _ => {
                self.post("/signin", &[("email", MINA), ("password", password)])
                    .await
            }
        }
    }

    /// Still outside: neither the account nor a page behind it, and nobody's password was changed.
    async fn is_outside(&self) -> bool {
        let mut is_outside = true;
        for path in ["/account", "/new-password", "/contacts"] {
            is_outside &= self.browser.open(path).await.status != StatusCode::OK;
        }
        is_outside
    }
}

fn code(bot: &TestBot) -> String {
    bot.codes().pop().expect("a code").0
}

/// A reset, and as much later as the pause between two codes.
async fn reset(bot: &TestBot, admin: &str, member: &str) -> String {
    let password = bot.reset_by_copy(admin, member).await;
    bot.clock.advance(Span::seconds(30));
    password
}

fn session(browser: &Browser) -> String {
    browser.cookies.lock().unwrap()["relatch_session"].clone()
}

/// The administrator of the reset, with codes of another member, of an older reset and of the member's own browser.
async fn attacker(bot: &TestBot) -> (Attacker, Browser) {
    bot.alter(LEE, "phone", "+821012345699").await;
    let lees = reset(bot, KIM, LEE).await;
    let of_lee = bot.browser();
    of_lee.sign_in(LEE, &lees).await;
    let code_of_lee = code(bot);

    let older = reset(bot, KIM, MINA).await;
    let of_older = bot.browser();
    of_older.sign_in(MINA, &older).await;
    let code_of_older = code(bot);
    let stale = session(&of_older);

    let password = reset(bot, JO, MINA).await;
    let own = bot.browser();
    own.sign_in(MINA, &password).await;
    let code_of_own = code(bot);
    bot.clock.advance(Span::seconds(31));
    let browser = bot.browser();
    let csrf = browser.open("/signin").await.csrf();
    browser
        .cookies
        .lock()
        .unwrap()
        .insert("csrf".to_owned(), csrf);
    let codes = vec![code_of_lee, code_of_older, code_of_own];
    let cookies = vec![stale, "A".repeat(43), "../../etc".to_owned()];
    (
        Attacker {
            browser,
            password,
            codes,
            cookies,
        },
        own,
    )
}

/// Every two acts one after the other, each from a fresh sign-in.
#[tokio::test(flavor = "multi_thread")]
async fn no_two_requests_open_what_the_code_opens() {
    let bot = TestBot::new().await;
    let (attacker, own) = attacker(&bot).await;
    assert_eq!(
        attacker.act(23).await,
        StatusCode::SEE_OTHER,
        "the password is right"
    );
    assert_eq!(
        attacker.act(14).await,
        StatusCode::UNPROCESSABLE_ENTITY,
        "the form is taken, the code is not"
    );
    let fresh = session(&attacker.browser);
    for first in 0..ACTS - 1 {
        for second in 0..ACTS - 1 {
            attacker
                .browser
                .cookies
                .lock()
                .unwrap()
                .insert("relatch_session".to_owned(), fresh.clone());
            attacker.act(first).await;
            attacker.act(second).await;
            assert!(attacker.is_outside().await, "{first}, {second}");
        }
    }
    bot.outbox.take();
    assert!(
        bot.signs_in(MINA, &attacker.password).await,
        "it is still the password of the reset"
    );
    // And the member is not kept out by it.
    let page = own
        .submit("/verify", "/verify", &[("code", &attacker.codes[2])])
        .await;
    assert_eq!(page.to(), "/new-password");
}

/// Long walks, with time passing between the steps.
#[tokio::test(flavor = "multi_thread")]
async fn no_walk_opens_what_the_code_opens() {
    for seed in 0..4 {
        let bot = TestBot::new().await;
        let (attacker, _own) = attacker(&bot).await;
        let mut rng = StdRng::seed_from_u64(seed);
        let mut walk = Vec::new();
        for _ in 0..80 {
            walk.push(rng.random_range(0..ACTS));
            attacker.act(*walk.last().unwrap()).await;
            bot.clock.advance(Span::seconds(rng.random_range(0..40)));
            assert!(attacker.is_outside().await, "seed {seed}: {walk:?}");
        }
        bot.outbox.take();
        assert!(bot.signs_in(MINA, &attacker.password).await, "seed {seed}");
    }
}
