//! A database of version 0.1.0 is opened by this version: nobody is signed out or locked by that, and no contact gets a
//! right that it did not have.

use axum::http::StatusCode;
use relatch::surface::chance::Chance;
use relatch::surface::directory::Hasher;
use relatch::surface::domain::Platform;
use sha2::{Digest, Sha256};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
use sqlx::{ConnectOptions, Connection, Executor, SqlSafeStr};

use crate::support::sent::password_in_sms;
use crate::support::{Left, OWN, START, TEAM, TestBot, slack};

const JO: &str = "jo@acme.example";
const KIM: &str = "kim@acme.example";
const LEE: &str = "lee@acme.example";
const MINA: &str = "mina.park@acme.example";
const NOA: &str = "noa@acme.example";

/// The cookie of Mina's session.
const TOKEN: &str = "a-cookie-that-was-made-by-the-version-before";

/// The card that Jo opened for Mina.
const CARD: &str = "00000000000000000000000000000001";

/// The migrations of that version, which are for good.
const BEFORE: [(&str, &str); 7] = [
    (
        "start",
        include_str!("../../migrations/sqlite/0001_start.sql"),
    ),
    (
        "portal",
        include_str!("../../migrations/sqlite/0002_portal.sql"),
    ),
    (
        "links",
        include_str!("../../migrations/sqlite/0003_links.sql"),
    ),
    (
        "codes",
        include_str!("../../migrations/sqlite/0004_codes.sql"),
    ),
    (
        "indexes",
        include_str!("../../migrations/sqlite/0005_indexes.sql"),
    ),
    (
        "sessions",
        include_str!("../../migrations/sqlite/0006_sessions.sql"),
    ),
    (
        "standing",
        include_str!("../../migrations/sqlite/0007_standing.sql"),
    ),
];

/// What that version wrote: people with passwords, one of them locked and one nearly; Mina's session; contacts that Jo and
/// Kim added for Noa; a card; a chat link.
async fn fill(connection: &mut SqliteConnection) {
    let hasher = Hasher::start().unwrap();
    let salt = Hasher::salt(&mut Chance::System.rng().unwrap());
    let phc = hasher.hash(OWN, salt).await.unwrap();
    let now = START.0;
    let people = [
        ("jo", "Jo Lim", JO, "primary_admin", "null", "null", 0),
        (
            "kim",
            "Kim Cho",
            KIM,
            "member_and_department",
            "null",
            "null",
            0,
        ),
        ("lee", "Lee Han", LEE, "member", "null", "null", 9),
        (
            "mina.park",
            "Mina Park",
            MINA,
            "member",
            "'+821012345642'",
            "null",
            0,
        ),
        (
            "noa",
            "Noa Bae",
            NOA,
            "member",
            "null",
            &now.to_string(),
            10,
        ),
    ];
    for (id, name, email, role, phone, locked_at, failed) in people {
        let row = format!(
            "insert into member (member_id, name, business_email, business_email_key, login_method, status, phone, role,
                credential, credential_set_at, locked_at, failed_sign_ins)
            values ('id-{id}', '{name}', '{email}', '{email}', 'business_email', 'active', {phone}, '{role}', '{phc}',
                {now} - 1000000, {locked_at}, {failed})"
        );
        connection.execute(sqlx::AssertSqlSafe(row)).await.unwrap();
    }
    let key = hex::encode(Sha256::digest(TOKEN));
    let rest = format!(
        "insert into session (session_key, member_id, stage, began_at, expires_at, code_tries)
            values ('{key}', 'id-mina.park', 'open', {now} - 1000, {now} + 36000000, 0);
        insert into contact (member_id, channel, address, added_by, added_at) values
            ('id-noa', 'sms', '+821012345699', 'id-jo', {now} - 1000000000),
            ('id-noa', 'email', 'noa@home.example', 'id-jo', {now} - 1000);
        insert into link values ('discord', '{discord}', '{JO}', {now} - 1000);
        insert into reset (reset_id, platform, tenant, chat_user, admin_id, admin_name, admin_email, member_id, member_name,
            member_email, state, edition, is_typed, carries, also_show, offered_at, expires_at)
            values ('{CARD}', 'slack', '{TEAM}', '{jo}', 'id-jo', 'Jo Lim', '{JO}', 'id-mina.park', 'Mina Park', '{MINA}',
            'offered', 0, 0, 'password', 0, {now} - 1000, {now} + 599000);",
        discord = crate::support::discord::id_of(JO),
        jo = slack::user_id(JO),
    );
    connection.execute(sqlx::AssertSqlSafe(rest)).await.unwrap();
}

/// A bot that has just opened such a database.
async fn upgraded() -> TestBot {
    let folder = crate::support::fresh_folder();
    let path = folder.join("relatch.db");
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::File::create(&path)
        .unwrap()
        .set_permissions(private)
        .unwrap();
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .journal_mode(SqliteJournalMode::Wal);
    let mut connection = options.connect().await.unwrap();
    let migrations = (1..).zip(BEFORE).map(|(version, (name, sql))| {
        Migration::new(
            version,
            name.into(),
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        )
    });
    Migrator::with_migrations(migrations.collect())
        .run(&mut connection)
        .await
        .unwrap();
    fill(&mut connection).await;
    connection.close().await.unwrap();
    TestBot::on_folder(folder, &[JO, KIM, LEE, MINA, NOA]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_signed_out() {
    let bot = upgraded().await;
    let browser = bot.browser();
    browser
        .cookies
        .lock()
        .unwrap()
        .insert("relatch_session".to_owned(), TOKEN.to_owned());
    let page = browser.open("/account").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    assert!(page.text.contains("Mina Park"), "{}", page.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_locked() {
    let bot = upgraded().await;
    bot.leaves(Left::Messages, "the code that was sent");
    for email in [MINA, LEE] {
        assert_eq!(
            bot.browser().sign_in(email, OWN).await.to(),
            "/account",
            "{email}"
        );
    }
    // Who was locked before is opened by a reset, as before.
    let temporary = bot.reset_by_copy(KIM, NOA).await;
    let page = bot.browser().sign_in(NOA, &temporary).await;
    assert_ne!(page.status, StatusCode::UNAUTHORIZED, "{}", page.text);
}

/// Q7: what Jo added serves no code of Jo's resets, whatever its age, and no delivery.
#[tokio::test(flavor = "multi_thread")]
async fn no_contact_gets_a_right() {
    let bot = upgraded().await;
    let card = bot.card(JO, NOA).await;
    for way in ["deliver_phone", "deliver_email"] {
        assert_eq!(slack::button_value(&card, way), None, "{card:#}");
    }
    let temporary = bot.reset_by_copy(JO, NOA).await;
    bot.outbox.take();
    let page = bot.browser().sign_in(NOA, &temporary).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.text);
    bot.settle().await;
    let codes = bot.codes();
    assert!(codes.is_empty(), "{codes:?}");
}

/// A last look that was drawn before has no digest of its address: it is refused at the act, and nothing is changed.
#[tokio::test(flavor = "multi_thread")]
async fn a_way_that_was_chosen_before_is_chosen_anew() {
    for chosen in [
        "update reset set delivery = 'phone', destination = '+821012345642', destination_mask = '+82 ··· ··42', edition = 1",
        "update reset set delivery = 'copy', copy_to_self = 'jo@acme.example', edition = 1",
    ] {
        let bot = upgraded().await;
        bot.execute(chosen).await;
        let value = bot.app.keys.confirm_value(CARD.parse().unwrap(), 1);
        // The old last look had no boxes, so it is shown once more.
        bot.click_value(JO, "confirm", &value).await;
        bot.click(JO, &bot.slack.last(), "confirm").await;
        let told = bot.slack.last_text();
        assert!(
            told.contains("Run the command again.") && told.contains("Nothing was changed."),
            "{told}"
        );
        assert_eq!(
            bot.count("slot where returned_at is null").await,
            0,
            "{told}"
        );
        bot.outbox.take();
        assert_eq!(bot.browser().sign_in(MINA, OWN).await.to(), "/account");
    }
}

/// The code for a password that went out before does not follow it, while there is another contact.
#[tokio::test(flavor = "multi_thread")]
async fn the_code_of_a_finished_reset_goes_elsewhere() {
    let bot = upgraded().await;
    bot.alter(MINA, "phone", "+821012345642").await;
    let value = bot.app.keys.button_value(CARD.parse().unwrap());
    bot.click_value(JO, "deliver_phone", &value).await;
    bot.click(JO, &bot.slack.last(), "confirm").await;
    let sent = bot.outbox.take();
    let text = &sent
        .iter()
        .find(|sent| sent.text.contains(" is your new password"))
        .expect("the password")
        .text;
    let password = password_in_sms(text).expect("a password");
    bot.execute("update reset set destination_digest = null")
        .await;
    assert_eq!(bot.browser().sign_in(MINA, &password).await.to(), "/verify");
    assert_eq!(bot.codes().pop().unwrap().1, "mina@mail.example");
}

/// The card on the screen goes on to its end, and the link stands for the same person.
#[tokio::test(flavor = "multi_thread")]
async fn open_cards_and_links_go_on() {
    let bot = upgraded().await;
    let value = bot.app.keys.button_value(CARD.parse().unwrap());
    bot.click_value(JO, "deliver_phone", &value).await;
    bot.click(JO, &bot.slack.last(), "confirm").await;
    assert!(
        bot.outbox
            .take()
            .iter()
            .any(|sent| sent.to == "+821012345642"),
        "{}",
        bot.slack.last_text()
    );
    let told = bot.on(Platform::Discord).command(JO, "help").await.text();
    assert!(told.contains("/reset-password"), "{told}");
}
