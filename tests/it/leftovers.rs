//! The check at the end of every test finds what it is there for.

use crate::support::{Left, TestBot};

const JO: &str = "jo@acme.example";
const MINA: &str = "mina.park@acme.example";

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_test_leaves_nothing_behind() {
    let bot = TestBot::new().await;
    bot.reset(JO, MINA, "deliver_copy").await;
    assert_eq!(bot.left_behind(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unread_message_is_found() {
    let bot = TestBot::new().await;
    bot.reset(JO, MINA, "deliver_phone").await;
    let found = bot.left_behind();
    assert!(
        found.len() == 1 && found[0].contains("to +821012345642"),
        "{found:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_without_an_end_is_found() {
    let bot = TestBot::new().await;
    bot.app.tasks.spawn(std::future::pending::<()>());
    assert_eq!(bot.left_behind(), ["1 tasks are at work"]);
    bot.leaves(Left::Tasks, "it is what this test is about");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_without_an_end_is_found() {
    let bot = TestBot::new().await;
    bot.reset(JO, MINA, "deliver_copy").await;
    bot.execute("update reset set state = 'changing'").await;
    assert_eq!(bot.left_behind(), ["a reset is changing"]);
    bot.leaves(Left::Resets, "it is what this test is about");
}
