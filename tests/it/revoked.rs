//! What changed between the card and a click counts: at every button and at every form, on every platform.
//!
//! Buttons and forms come from the code's own lists, and each `match` below is exhaustive, so a new one fails to compile
//! here until it has an arm.

use relatch::surface::chat::{Action, FormKind};
use relatch::surface::domain::delivery::{Outcome, Refusal};
use relatch::surface::domain::{Platform, Span};
use serde_json::json;

use crate::support::slack::{button_value, shown_password, text_of, user_id};
use crate::support::{OWN, TestBot, in_private, on};

const JO: &str = "jo@acme.example";
const MINA: &str = "mina.park@acme.example";
const NOA: &str = "noa@acme.example";
const SOL: &str = "sol@acme.example";
const FON: &str = "fon@acme.example";

/// What takes the reset away, and its way back.
#[derive(Clone, Copy)]
enum Change {
    /// A column of a row of the directory: of this person, or of the member of the card.
    Column {
        whose: Option<&'static str>,
        name: &'static str,
        to: &'static str,
        from: &'static str,
        told: &'static str,
    },
    /// The administrator's rank in the chat, where the chat names the administrators, and how long ago.
    Rank(Span),
}

const IN_DIRECTORY: [Change; 3] = [
    // S3
    Change::Column {
        whose: Some(JO),
        name: "role",
        to: "member",
        from: "primary_admin",
        told: "You can't reset passwords",
    },
    // S9
    Change::Column {
        whose: None,
        name: "login_method",
        to: "sso",
        from: "business_email",
        told: "single sign-on",
    },
    // S16. Noa is Inactive at first, which is as good.
    Change::Column {
        whose: None,
        name: "status",
        to: "suspended",
        from: "active",
        told: "is Suspended",
    },
];

/// Longer ago than an account is remembered where a click only changes the card.
const IN_CHAT: [Change; 1] = [Change::Rank(Span::seconds(31))];

/// A moment ago: only what is read past every cache knows it.
const JUST_NOW: [Change; 1] = [Change::Rank(Span::seconds(0))];

impl Change {
    /// A bot whose administrators come from where these changes are made.
    async fn bot(changes: &[Self]) -> TestBot {
        if !matches!(changes, [Self::Rank(_)]) {
            return TestBot::new().await;
        }
        let bot = TestBot::with_admins_of_the_chat().await;
        bot.slack.change(JO, "is_owner", json!(true));
        bot
    }

    async fn make(self, bot: &TestBot, member: &str) {
        match self {
            Self::Column {
                whose, name, to, ..
            } => bot.alter(whose.unwrap_or(member), name, to).await,
            Self::Rank(ago) => rank(bot, false, ago),
        }
    }

    async fn undo(self, bot: &TestBot, member: &str) {
        match self {
            Self::Column {
                whose, name, from, ..
            } => bot.alter(whose.unwrap_or(member), name, from).await,
            Self::Rank(ago) => rank(bot, true, ago),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Column { name, .. } => name,
            Self::Rank(_) => "rank in the chat",
        }
    }

    /// The words of the refusal.
    fn told(self) -> &'static str {
        match self {
            Self::Column { told, .. } => told,
            Self::Rank(_) => "You can't reset passwords",
        }
    }
}

fn rank(bot: &TestBot, is_owner: bool, ago: Span) {
    bot.slack.change(JO, "is_owner", json!(is_owner));
    bot.clock.advance(ago);
}

/// What a button does for an administrator who may no longer reset this member.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Then {
    /// The click is refused.
    Refused,
    /// It opens a form without a look-up, because the permission to open one lives three seconds. The form is refused.
    Form(FormKind),
    /// It takes away what is shown, and changes nothing else.
    Closes,
    /// The platform has no such button.
    NoButton,
}

fn then(action: Action, platform: Platform) -> Then {
    match action {
        Action::Choose(_)
        | Action::DirectoryLink
        | Action::SendGuide
        | Action::Reachable
        | Action::CopyToSelf
        | Action::AlsoShow
        | Action::Confirm
        | Action::Back
        | Action::RetrySignOut
        | Action::AskContact => Then::Refused,
        Action::DeliverOther => Then::Form(FormKind::Destination),
        Action::CopyToSelfChange => Then::Form(FormKind::CopyAddress),
        Action::ContactCode => Then::Form(FormKind::ContactCode),
        Action::Cancel | Action::Done => Then::Closes,
        // Only where the command itself proves too little is the contact asked for by a button.
        Action::ContactAdd if platform == Platform::Mattermost => Then::Refused,
        Action::ContactAdd => Then::NoButton,
    }
}

/// The button that opens a form.
fn opens(kind: FormKind) -> Action {
    match kind {
        FormKind::Destination => Action::DeliverOther,
        FormKind::CopyAddress => Action::CopyToSelfChange,
        FormKind::ContactCode => Action::ContactCode,
    }
}

/// The value of a button that works now.
struct Live {
    value: String,
    member: &'static str,
}

/// Goes to the message on which the button stands, as an administrator who may.
async fn live(bot: &TestBot, action: Action, platform: Platform) -> Live {
    let member = if matches!(action, Action::Reachable | Action::AskContact) {
        NOA
    } else {
        MINA
    };
    let contact = format!("contact <@{}> +821012345699", user_id(member));
    let message = match action {
        Action::Choose(_)
        | Action::DeliverOther
        | Action::DirectoryLink
        | Action::SendGuide
        | Action::Cancel
        | Action::Reachable
        | Action::AskContact => bot.card(JO, member).await,
        Action::CopyToSelf
        | Action::CopyToSelfChange
        | Action::AlsoShow
        | Action::Confirm
        | Action::Back => bot.last_look(JO, member, "deliver_phone").await,
        Action::RetrySignOut => {
            bot.directory.fail_sign_outs(1);
            bot.reset(JO, member, "deliver_phone").await
        }
        Action::Done => {
            let ready = bot.last_look(JO, member, "deliver_copy").await;
            bot.click(JO, &ready, "confirm").await;
            let shown = bot.slack.last();
            // What Mattermost shows cannot be hidden, so no button says so there.
            if platform == Platform::Mattermost {
                ready
            } else {
                shown
            }
        }
        Action::ContactAdd => bot.command(JO, &contact).await.json(),
        Action::ContactCode => {
            let told = bot.command(JO, &contact).await.json();
            bot.settle().await;
            match button_value(&told, "contact_add") {
                Some(value) => {
                    bot.click_value(JO, "contact_add", &value).await;
                    bot.slack.last()
                }
                None => told,
            }
        }
    };
    // The built-in directory sends no link of its own, and where the chat names the administrators nobody can list the
    // others; the click is tried with the value of the same card.
    let has_none = matches!(action, Action::DirectoryLink | Action::AskContact)
        || (action == Action::Done && platform == Platform::Mattermost);
    let name = if has_none { "cancel" } else { action.as_str() };
    let value = button_value(&message, name)
        .unwrap_or_else(|| panic!("no button {name} on {platform} in {message:#}"));
    Live { value, member }
}

/// Everything that a refused click must leave alone: people, sessions, contacts, slots, and the card itself, but for where
/// its follow-ups go.
async fn record(bot: &TestBot) -> Vec<String> {
    let mut rows = record_without_card(bot).await;
    rows.extend(bot.rows("reset", &["reply", "reply_until"]).await);
    rows
}

/// The same for a button that closes the card or opens a form of it.
async fn record_without_card(bot: &TestBot) -> Vec<String> {
    let mut rows = Vec::new();
    for table in ["member", "session", "device", "contact", "slot", "step"] {
        rows.extend(bot.rows(table, &[]).await);
    }
    rows
}

/// Fails with the rows that differ, and not with all of them.
fn assert_same(before: &[String], after: &[String], what: &str) {
    let differ = |one: &[String], other: &[String]| -> Vec<String> {
        one.iter()
            .filter(|row| !other.contains(row))
            .cloned()
            .collect()
    };
    let (gone, new) = (differ(before, after), differ(after, before));
    assert!(
        gone.is_empty() && new.is_empty(),
        "{what}: {gone:#?} became {new:#?}"
    );
}

/// Passwords, codes and guides that went out since, and passwords that were shown.
fn went_out(bot: &TestBot, said_before: usize) -> Vec<String> {
    let said = bot.slack.said().split_off(said_before);
    let shown = said.iter().filter_map(shown_password);
    let sent = bot.outbox.take().into_iter().map(|sent| sent.text);
    shown.chain(sent).collect()
}

/// S3, S9, S16: the button is refused while the change stands, changes nothing, and works again without it.
async fn assert_button(action: Action, platform: Platform, changes: &[Change]) {
    let what = |change: Change| format!("{action} on {platform} after {}", change.name());
    let expected = then(action, platform);
    if expected == Then::NoButton {
        return;
    }
    let bot = Change::bot(changes).await;
    bot.set_password(MINA, OWN).await;
    let Live { mut value, member } = live(&bot, action, platform).await;
    bot.outbox.take();
    for change in changes {
        change.make(&bot, member).await;
        let (before, said) = (record(&bot).await, bot.slack.said().len());
        bot.click_value(JO, action.as_str(), &value).await;
        match expected {
            Then::Refused => {
                let told = bot.slack.last_text();
                assert!(
                    bot.slack.said().len() > said && told.contains(change.told()),
                    "{}: {told}",
                    what(*change)
                );
                assert_same(&before, &record(&bot).await, &what(*change));
            }
            Then::Form(_) | Then::Closes | Then::NoButton => {
                let after = record_without_card(&bot).await;
                assert_same(&before[..after.len()], &after, &what(*change));
            }
        }
        let out = went_out(&bot, said);
        assert!(out.is_empty(), "{}: {out:?}", what(*change));
        change.undo(&bot, member).await;
        // A question is asked once.
        if action == Action::ContactAdd {
            value = live(&bot, action, platform).await.value;
        }
    }
    if expected == Then::Refused {
        let said = bot.slack.said().len();
        bot.click_value(JO, action.as_str(), &value).await;
        let told: String = bot.slack.said()[said..].iter().map(text_of).collect();
        assert!(
            changes.iter().all(|change| !told.contains(change.told())),
            "{action} on {platform} is refused to everybody: {told}"
        );
        bot.outbox.take();
    }
}

/// S3, S9, S16: the form is refused while the change stands, changes nothing, and is taken without it.
async fn assert_form(kind: FormKind, platform: Platform, changes: &[Change]) {
    let action = opens(kind);
    assert_eq!(then(action, platform), Then::Form(kind));
    let bot = Change::bot(changes).await;
    bot.set_password(MINA, OWN).await;
    let Live { value, member } = live(&bot, action, platform).await;
    bot.outbox.take();
    bot.click_value(JO, action.as_str(), &value).await;
    let typed = match kind {
        FormKind::Destination => "friend@mail.example".to_owned(),
        FormKind::CopyAddress => "jo@home.example".to_owned(),
        FormKind::ContactCode => bot.codes().pop().expect("a code").0,
    };
    for change in changes {
        let what = format!("form {kind} on {platform} after {}", change.name());
        change.make(&bot, member).await;
        let (before, said) = (record(&bot).await, bot.slack.said().len());
        let told = bot.submit(JO, &typed).await.refusal_of_form();
        assert!(told.contains(change.told()), "{what}: {told}");
        assert_same(&before, &record(&bot).await, &what);
        let out = went_out(&bot, said);
        assert!(out.is_empty(), "{what}: {out:?}");
        change.undo(&bot, member).await;
    }
    let before = record(&bot).await;
    // On Mattermost the same bytes are the same request, so it is typed a little differently.
    let told = bot.submit(JO, &format!(" {typed}")).await.refusal_of_form();
    assert_ne!(
        record(&bot).await,
        before,
        "form {kind} on {platform} is refused to everybody: {told}"
    );
}

/// The same for what stands below a failed delivery: there each button delivers a password that was set already.
async fn assert_buttons_of_a_failed_delivery(platform: Platform, changes: &[Change]) {
    let bot = Change::bot(changes).await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Address));
    bot.click(JO, &ready, "confirm").await;
    let failed = bot.slack.last();
    bot.click(JO, &failed, "deliver_email").await;
    let question = bot.slack.last();
    let buttons: Vec<(Action, String)> = [&failed, &question]
        .into_iter()
        .flat_map(|message| Action::all().map(move |action| (message, action)))
        .filter_map(|(message, action)| Some((action, button_value(message, action.as_str())?)))
        .collect();
    assert!(buttons.len() > 4, "{failed:#} {question:#}");
    bot.outbox.take();
    for change in changes {
        change.make(&bot, MINA).await;
        let before = record_without_card(&bot).await;
        for (action, value) in &buttons {
            let what = format!("{action} on {platform} after {}", change.name());
            let said = bot.slack.said().len();
            bot.click_value(JO, action.as_str(), value).await;
            let told = match then(*action, platform) {
                Then::Form(_) => bot
                    .submit(JO, "friend@mail.example")
                    .await
                    .refusal_of_form(),
                Then::Refused | Then::Closes | Then::NoButton => bot.slack.last_text(),
            };
            assert!(told.contains(change.told()), "{what}: {told}");
            assert_same(&before, &record_without_card(&bot).await, &what);
            let out = went_out(&bot, said);
            assert!(out.is_empty(), "{what}: {out:?}");
        }
        change.undo(&bot, MINA).await;
    }
    bot.another_way(JO, &failed, "deliver_email").await;
    assert_eq!(bot.outbox.take()[0].to, "mina@mail.example");
}

/// S9: a member who cannot be reset gets no button at all, and the reason is named.
async fn assert_no_button_for_the_ineligible(platform: Platform) {
    let bot = TestBot::new().await;
    for (member, told) in [(SOL, "single sign-on"), (FON, "phone and a code")] {
        for named in [format!("<@{}>", user_id(member)), member.to_owned()] {
            let answer = bot.command(JO, &named).await;
            assert!(
                answer.text().contains(told),
                "{platform}: {}",
                answer.text()
            );
            for action in Action::all() {
                assert_eq!(
                    button_value(&answer.json(), action.as_str()),
                    None,
                    "{action} on {platform} for {member}"
                );
            }
        }
    }
}

async fn every_button(platform: Platform) {
    for action in Action::all() {
        assert_button(action, platform, &IN_DIRECTORY).await;
    }
}

async fn every_form(platform: Platform) {
    for kind in FormKind::ALL {
        assert_form(*kind, platform, &IN_DIRECTORY).await;
    }
    assert_buttons_of_a_failed_delivery(platform, &IN_DIRECTORY).await;
    assert_no_button_for_the_ineligible(platform).await;
}

/// S3: the same where the chat names the administrators, and theirs is the right that ends.
#[tokio::test(flavor = "multi_thread")]
async fn no_button_and_no_form_works_after_the_rank_in_the_chat_is_lost() {
    on(Platform::Slack, async {
        for action in Action::all() {
            Box::pin(assert_button(action, Platform::Slack, &IN_CHAT)).await;
        }
        for kind in FormKind::ALL {
            Box::pin(assert_form(*kind, Platform::Slack, &IN_CHAT)).await;
        }
        Box::pin(assert_buttons_of_a_failed_delivery(
            Platform::Slack,
            &IN_CHAT,
        ))
        .await;
    })
    .await;
}

/// S3: what no later click confirms is read past every cache, so a rank that is lost this moment counts already. (A
/// confirming click reads it again when its reset begins; conversation.rs has that.)
#[tokio::test(flavor = "multi_thread")]
async fn what_acts_at_once_knows_of_a_rank_that_was_lost_just_now() {
    on(Platform::Slack, async {
        for action in [
            Action::SendGuide,
            Action::DirectoryLink,
            Action::RetrySignOut,
            Action::AskContact,
        ] {
            Box::pin(assert_button(action, Platform::Slack, &JUST_NOW)).await;
        }
        for kind in FormKind::ALL {
            Box::pin(assert_form(*kind, Platform::Slack, &JUST_NOW)).await;
        }
        Box::pin(assert_buttons_of_a_failed_delivery(
            Platform::Slack,
            &JUST_NOW,
        ))
        .await;
    })
    .await;
}

/// Makes the two tests of a platform.
macro_rules! hold {
    ($($module:ident on $platform:ident by $on:ident),+ $(,)?) => {$(
        mod $module {
            use super::{Platform, $on, every_button, every_form};

            #[tokio::test(flavor = "multi_thread")]
            async fn no_button_works_after_a_change() {
                $on(Platform::$platform, every_button(Platform::$platform)).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn no_form_is_taken_after_a_change() {
                $on(Platform::$platform, every_form(Platform::$platform)).await;
            }
        }
    )+
        /// A platform that is not on the list does not compile.
        const fn is_on_the_list(platform: Platform) -> bool {
            match platform {
                $(Platform::$platform => true,)+
            }
        }
        const _: () = assert!(is_on_the_list(Platform::Slack));
    };
}

hold! {
    slack on Slack by on,
    discord on Discord by on,
    lark on Lark by on,
    mattermost on Mattermost by on,
}

/// Lark's bot alone, where cards are placed in another way.
mod lark_in_private {
    use super::{Platform, every_button, every_form, in_private};

    #[tokio::test(flavor = "multi_thread")]
    async fn no_button_works_after_a_change() {
        Box::pin(in_private(Platform::Lark, every_button(Platform::Lark))).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn no_form_is_taken_after_a_change() {
        Box::pin(in_private(Platform::Lark, every_form(Platform::Lark))).await;
    }
}
