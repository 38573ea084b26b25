//! The built-in directory as one among the others. Its sign-in is the member's pages.

use std::sync::{Arc, Mutex};

use relatch::surface::app::App;
use relatch::surface::clock::Clock;
use relatch::surface::delivery::Outbox;
use relatch::surface::directory::{NextReset, ResetFailed, ScriptedDirectory};
use relatch::surface::domain::{MemberId, OwnPassword, Span};
use relatch::surface::store::{MemberKey, MemberRow};

use super::proxy::Seen;
use super::{CHOSEN, OLD, SignIn, TestBot, Traits, Trouble, World};
use crate::support::Left;
use crate::support::browser::Browser;

/// The parts of the bot that was made last; each has a database of its own, which is the directory.
struct Inside {
    app: Arc<App>,
    clock: Clock,
    outbox: Outbox,
    directory: ScriptedDirectory,
}

/// The built-in directory.
#[derive(Default)]
pub(crate) struct Builtin(Mutex<Option<Arc<Inside>>>);

const NAMES: [&str; 8] = ["eli", "adm", "loc", "hung", "died", "lost", "pol", "auth"];

fn email(name: &str) -> String {
    format!("{name}@corp.example")
}

impl Builtin {
    fn inside(&self) -> Arc<Inside> {
        Arc::clone(
            self.0
                .lock()
                .unwrap()
                .as_ref()
                .expect("a bot was made before"),
        )
    }

    async fn browser(&self, name: &str, password: &str) -> (Browser, String) {
        let inside = self.inside();
        // Longer than guessing is held up.
        inside.clock.advance(Span::minutes(2));
        let browser = Browser::new(
            relatch::surface::server::routes(&inside.app),
            inside.clock.clone(),
        );
        let to = browser
            .sign_in(&email(name), password)
            .await
            .to()
            .to_owned();
        (browser, to)
    }
}

impl World for Builtin {
    fn traits(&self) -> Traits {
        Traits {
            name: "built-in directory",
            must_change: true,
            can_sign_out: true,
            locks: true,
            has_never_expires: false,
            has_protected: false,
            can_hold_two: false,
            tells_changes: true,
            tells_rights: false,
            has_policy: false,
        }
    }

    async fn bot(&self) -> TestBot {
        let bot = TestBot::new().await;
        bot.leaves(Left::Messages, "codes of sign-ins that go no further");
        let row = |name: &&str| MemberRow {
            member_id: MemberId(format!("id-{name}-corp")),
            name: format!("{name} Corp"),
            business_email: email(name),
            business_email_key: email(name),
            login_method: "business_email".to_owned(),
            status: if *name == "adm" {
                "suspended"
            } else {
                "active"
            }
            .to_owned(),
            phone: Some("+821012345699".to_owned()),
            personal_email: None,
            role: "member".to_owned(),
            department: None,
            manager_email: None,
        };
        bot.app
            .store
            .import_members(NAMES.iter().map(row).collect())
            .await
            .unwrap();
        for name in NAMES {
            bot.builtin
                .set_password(
                    &MemberId(format!("id-{name}-corp")),
                    &OwnPassword::chosen(OLD).unwrap(),
                )
                .await
                .unwrap();
        }
        bot.clock.advance(Span::seconds(1));
        *self.0.lock().unwrap() = Some(Arc::new(Inside {
            app: Arc::clone(&bot.app),
            clock: bot.clock.clone(),
            outbox: bot.outbox.clone(),
            directory: bot.directory.clone(),
        }));
        bot
    }

    /// It has no account of its own.
    async fn bot_without_right(&self) -> Option<TestBot> {
        None
    }

    async fn bot_with_wrong_certificate(&self) -> Option<(TestBot, Seen)> {
        None
    }

    async fn bot_without_encryption(&self) -> Option<(TestBot, Seen)> {
        None
    }

    async fn sign_in(&self, name: &str, password: &str) -> SignIn {
        match self.browser(name, password).await.1.as_str() {
            "/account" => SignIn::In,
            "/verify" | "/contacts" => SignIn::MustChange,
            _ => SignIn::Refused,
        }
    }

    async fn change_own(&self, name: &str, password: &str) {
        self.inside().outbox.take();
        let (browser, to) = self.browser(name, password).await;
        assert_eq!(to, "/verify");
        let sent = self.inside().outbox.take();
        let code = sent
            .iter()
            .find_map(|sent| sent.text.split_once(" code: "))
            .expect("a code")
            .1;
        let code: String = code.chars().take(6).collect();
        assert_eq!(
            browser
                .submit("/verify", "/verify", &[("code", &code)])
                .await
                .to(),
            "/new-password"
        );
        assert_eq!(
            browser
                .submit("/new-password", "/new-password", &[("password", CHOSEN)])
                .await
                .to(),
            "/account"
        );
    }

    async fn lock(&self, name: &str) {
        for _ in 0..100 {
            assert_eq!(self.sign_in(name, "Wrong-pass-1").await, SignIn::Refused);
        }
    }

    async fn set_least_length(&self, _length: usize) {}

    fn next_change(&self, trouble: Trouble) {
        self.inside().directory.next_reset(match trouble {
            Trouble::HangBefore => NextReset::Fail(ResetFailed::Unknown),
            Trouble::HangAfter | Trouble::Die => NextReset::ChangeAndLoseTheAnswer,
        });
    }

    async fn changes(&self) -> usize {
        let inside = self.inside();
        let keys: Vec<_> = NAMES
            .iter()
            .map(|name| MemberKey::Email(email(name)))
            .collect();
        let found = inside.app.store.find_members(&keys).await.unwrap();
        let mut changes = 0;
        for row in found.into_iter().flatten() {
            let set_at = inside
                .app
                .store
                .credential_set_at(&row.member_id)
                .await
                .unwrap();
            changes += usize::from(set_at.is_some_and(|at| at > crate::support::START));
        }
        changes
    }
}
