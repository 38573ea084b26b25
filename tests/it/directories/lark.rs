//! What only Lark does.

use super::{all, reset, sessions_are_ended};
use crate::support::directories::web::Fake;
use crate::support::directories::{SignIn, World, web};
use crate::support::slack::{shown_password, text_of};

#[tokio::test(flavor = "multi_thread")]
async fn lark() {
    let fake = Fake::start(web::Kind::Lark).await;
    sessions_are_ended(&fake).await;
    all(fake).await;
}

/// Where the app may not use Lark's newer call, the older one sets a password that need not be changed; that is told.
#[tokio::test(flavor = "multi_thread")]
async fn larks_older_call_is_told_for_what_it_is() {
    let fake = Fake::start(web::Kind::Lark).await;
    fake.take_scope("passport:password:full");
    let result = reset(&fake.bot().await, "eli").await;
    assert!(
        text_of(&result).contains("must set a new one: not enforced by the directory"),
        "{}",
        text_of(&result)
    );
    assert_eq!(
        fake.sign_in("eli", &shown_password(&result).unwrap()).await,
        SignIn::In
    );
}

/// Lark looks nobody up by the mailbox. Whose profile has another e-mail is not found, and nothing is changed.
#[tokio::test(flavor = "multi_thread")]
async fn whose_profile_has_another_email_is_not_found() {
    let fake = Fake::start(web::Kind::Lark).await;
    fake.set_second_email("eli", "eli@elsewhere.example");
    let told = fake
        .bot()
        .await
        .command("jo@acme.example", "eli@corp.example")
        .await;
    let told = told.text();
    assert!(
        told.contains("exactly one account") && told.contains("Nothing was changed."),
        "{told}"
    );
}
