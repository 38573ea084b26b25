//! An address that is given to a new person keeps nothing of the old one: `members import`, `remove` and `unlock`, run
//! beside a bot that is at work on the same database.

use axum::http::StatusCode;
use relatch::surface::domain::delivery::{Carries, Outcome, Refusal, Ways};
use relatch::surface::domain::{Platform, Span};
use relatch::surface::store::HistoryFilter;

use crate::support::browser::Browser;
use crate::support::slack::{button_value, user_id};
use crate::support::{Left, OWN, TestBot};

const JO: &str = "jo@acme.example";
const KIM: &str = "kim@acme.example";
const MINA: &str = "mina.park@acme.example";
const NOA: &str = "noa@acme.example";

/// Mina as the directory knows her, with another status.
fn mina(status: &str) -> String {
    format!(
        "Mina Park,{MINA},business_email,{status},+821012345642,mina@mail.example,member,Sales,"
    )
}

/// Somebody else under Mina's address.
const ARI: &str = "Ari Seo,mina.park@acme.example,business_email,active,+821099998877,ari@mail.example,member,Sales,";

/// Everything that Mina has: a password, an open session, a contact that Kim added, a chat link and a card on Jo's screen.
async fn everything(bot: &TestBot) -> (Browser, serde_json::Value) {
    let browser = bot.signed_in(MINA).await;
    let told = bot
        .command(
            KIM,
            &format!("contact <@{}> +82 10 1234 5699", user_id(MINA)),
        )
        .await
        .text();
    assert!(told.contains("+82"), "{told}");
    let card = bot.card(JO, MINA).await;
    bot.settle().await;
    bot.outbox.take();
    (browser, card)
}

/// True when nothing of [`everything`] is left.
async fn is_all_gone(bot: &TestBot, browser: &Browser, card: &serde_json::Value) {
    assert_eq!(
        browser.open("/account").await.to(),
        "/signin",
        "the session"
    );
    assert_eq!(
        bot.browser().sign_in(MINA, OWN).await.status,
        StatusCode::UNAUTHORIZED,
        "the password"
    );
    assert_eq!(bot.count("contact").await, 0, "the contact");
    assert_eq!(
        bot.count(&format!("link where business_email_key = '{MINA}'"))
            .await,
        0,
        "the link"
    );
    bot.click(JO, card, "deliver_phone").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("removed or given to somebody else") && told.contains("Nothing was changed."),
        "{told}"
    );
    assert!(
        told.contains("Run /reset-password again.") && told.len() <= 350,
        "{told}"
    );
    assert_eq!(
        bot.count("reset where state = 'offered'").await,
        0,
        "the card"
    );
    assert!(
        bot.audited("click").await.ends_with("member_gone"),
        "{}",
        bot.audited("click").await
    );
}

/// The address goes to somebody else, first as resigned and then active, or at once, or the person comes back: the old
/// password opens nothing, the old session does not live again, and no code goes to the old phone.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_person_under_an_old_address_has_nothing_of_the_old_one() {
    for rows in [
        vec![mina("resigned"), ARI.to_owned()],
        vec![ARI.to_owned()],
        vec![mina("resigned"), mina("active")],
    ] {
        let bot = TestBot::new().await;
        let (browser, card) = everything(&bot).await;
        for row in &rows {
            let ran = bot.import(&[row], &[]);
            assert_eq!(ran.code, 0, "{}", ran.err);
        }
        is_all_gone(&bot, &browser, &card).await;
        // Jo resets whoever is there now: the code goes to the phone of that person.
        let phone = if rows.last().unwrap() == ARI {
            "+821099998877"
        } else {
            "+821012345642"
        };
        let temporary = bot.reset_by_copy(JO, MINA).await;
        bot.outbox.take();
        assert_eq!(
            bot.browser().sign_in(MINA, &temporary).await.to(),
            "/verify"
        );
        let codes = bot.codes();
        assert!(
            matches!(codes.as_slice(), [(_, to)] if to == phone),
            "{codes:?}"
        );
    }
}

/// `members remove` leaves nothing, and the history keeps its names.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_who_is_removed_is_gone() {
    let bot = TestBot::new().await;
    let (browser, card) = everything(&bot).await;
    let ran = bot.relatch(&["members", "remove", MINA]);
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (0, "Mina Park (mina.park@acme.example) was removed\n"),
        "{}",
        ran.err
    );
    is_all_gone(&bot, &browser, &card).await;
    assert_eq!(
        bot.count(&format!("member where business_email_key = '{MINA}'"))
            .await,
        0
    );
    assert_eq!(bot.audited("remove").await, "done");
    let again = bot.relatch(&["members", "remove", MINA]);
    assert!(
        again.code == 1 && again.err.contains("no member has the business e-mail"),
        "{}",
        again.err
    );
    assert!(
        bot.command(JO, MINA)
            .await
            .text()
            .contains("I can't find exactly one account")
    );
}

/// An administrator who left confirms nothing any more: the cards on their screen are closed as well.
#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_who_is_removed_has_no_cards() {
    let bot = TestBot::new().await;
    let ready = bot.last_look(KIM, MINA, "deliver_copy").await;
    assert_eq!(bot.relatch(&["members", "remove", KIM]).code, 0);
    bot.click(KIM, &ready, "confirm").await;
    let told = bot.slack.last_text();
    assert!(told.contains("Nothing was changed."), "{told}");
    assert_eq!(bot.count("slot").await, 0);
    assert_eq!(
        bot.count("reset where state = 'cancelled' and failure = 'member_gone'")
            .await,
        1
    );
}

/// An undelivered password that waits for another way is not delivered to whoever has the address now.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_waits_does_not_reach_a_new_person() {
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.click(JO, &ready, "copy_to_self").await;
    let ready = bot.slack.last();
    for _ in 0..2 {
        bot.outbox.end_next_send(Outcome::Refused(Refusal::Address));
    }
    bot.click(JO, &ready, "confirm").await;
    let waiting = bot.slack.last();
    assert!(
        button_value(&waiting, "deliver_email").is_some(),
        "{waiting:#}"
    );
    let ran = bot.import(&[ARI], &[]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(bot.audited("card").await, "member_gone");
    // S41: where the copy went stays known, and only the mask of it.
    let past = bot.app.store.history(&HistoryFilter::default()).await;
    let reset = &past.unwrap()[0].reset;
    assert!(
        reset.copy_to_self.is_none() && !reset.typed_addresses().is_empty(),
        "{reset:?}"
    );
    bot.settle().await;
    bot.outbox.take();
    bot.click(JO, &waiting, "deliver_email").await;
    assert!(
        bot.slack
            .last_text()
            .contains("The password of Mina Park was wiped"),
        "{}",
        bot.slack.last_text()
    );
    assert!(bot.outbox.take().is_empty());
}

/// What a reset is about to deliver must not be dead when it arrives: the import waits for its end.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_replaced_in_the_middle_of_a_reset() {
    let bot = TestBot::new().await;
    bot.leaves(
        Left::Resets,
        "a reset that is under way is what the import meets",
    );
    bot.card(JO, MINA).await;
    let at_work = "update reset set state = 'changing', claimed_at = 1, changing_at = 2, deadline_at = 9999999999999";
    bot.sql(at_work).await;
    let removed = bot.relatch(&["members", "remove", MINA]);
    for ran in [
        bot.import(&[ARI], &[]),
        bot.import(&[&mina("resigned")], &[]),
        removed,
    ] {
        let told = "Jo Lim is resetting Mina Park right now. Nothing was changed.";
        assert!(
            ran.code == 1 && ran.err.contains(told),
            "{} {}",
            ran.out,
            ran.err
        );
    }
    assert_eq!(bot.relatch(&["members", "show", MINA]).code, 0);
    // Nobody waits for a process that is dead, nor to stop an account for a while.
    assert_eq!(bot.import(&[&mina("suspended")], &[]).code, 0);
    bot.sql("update reset set deadline_at = 5").await;
    assert_eq!(bot.import(&[ARI], &[]).code, 0);
}

/// Suspended and pending: out at once, and what was open before does not open again with the account.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_suspended_or_pending_is_signed_out_for_good() {
    for status in ["suspended", "pending"] {
        let bot = TestBot::new().await;
        let browser = bot.signed_in(MINA).await;
        assert_eq!(bot.import(&[&mina(status)], &[]).code, 0);
        assert_eq!(browser.open("/account").await.to(), "/signin", "{status}");
        assert_eq!(
            bot.browser().sign_in(MINA, OWN).await.status,
            StatusCode::UNAUTHORIZED,
            "{status}"
        );
        assert_eq!(bot.import(&[&mina("active")], &[]).code, 0);
        assert_eq!(browser.open("/account").await.to(), "/signin", "{status}");
        assert_eq!(
            bot.browser().sign_in(MINA, OWN).await.to(),
            "/account",
            "the password stays"
        );
        assert_eq!(bot.audited("status").await, format!("{status} active"));
    }
}

/// An import that an older version wrote had ended nothing; the next one does.
#[tokio::test(flavor = "multi_thread")]
async fn what_an_older_import_left_open_is_closed_when_they_come_back() {
    for (status, signs_in) in [("suspended", "/account"), ("resigned", "")] {
        let bot = TestBot::new().await;
        let browser = bot.signed_in(MINA).await;
        bot.sql(&format!(
            "update member set status = '{status}' where business_email = '{MINA}'"
        ))
        .await;
        assert_eq!(bot.import(&[&mina("active")], &[]).code, 0);
        assert_eq!(browser.open("/account").await.to(), "/signin", "{status}");
        assert_eq!(
            bot.browser().sign_in(MINA, OWN).await.to(),
            signs_in,
            "{status}"
        );
    }
}

/// Who is the same person: without ids by name, however it is written, or by a contact of their own.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_or_a_contact_tells_who_is_the_same() {
    for (row, is_same) in [
        (
            format!("PARK MINA,{MINA},business_email,active,,,member,,"),
            true,
        ),
        (
            format!("\"Park, Mína\",{MINA},business_email,active,,,member,,"),
            true,
        ),
        (
            format!("Mina Kim,{MINA},business_email,active,+821012345642,,member,,"),
            true,
        ),
        (
            format!("Mina Kim,{MINA},business_email,active,,MINA@mail.example,member,,"),
            true,
        ),
        (
            format!("Mina Kim,{MINA},business_email,active,,,member,,"),
            false,
        ),
        (
            format!(
                "Mina Kim,{MINA},business_email,active,+821099998877,mina2@mail.example,member,,"
            ),
            false,
        ),
    ] {
        let bot = TestBot::new().await;
        bot.set_password(MINA, OWN).await;
        let ran = bot.import(&[&row], &[]);
        assert_eq!(ran.code, 0, "{row}: {}", ran.err);
        let expected = if is_same {
            StatusCode::SEE_OTHER
        } else {
            StatusCode::UNAUTHORIZED
        };
        assert_eq!(
            bot.browser().sign_in(MINA, OWN).await.status,
            expected,
            "{row}"
        );
        let told = "new person: Mina Kim (mina.park@acme.example) in place of Mina Park: another name, and no equal contact";
        assert_eq!(ran.out.contains(told), !is_same, "{row}: {}", ran.out);
    }
}

/// A mailbox of the organization is nobody's own: it goes to the new person with the address.
#[tokio::test(flavor = "multi_thread")]
async fn an_equal_mailbox_of_the_organization_proves_nothing() {
    let bot = TestBot::new().await;
    let with = |name: &str| format!("{name},{MINA},business_email,active,,{MINA},member,,");
    bot.import(&[&with("Mina Park")], &[]);
    bot.set_password(MINA, OWN).await;
    let ran = bot.import(&[&with("Ari Seo")], &[]);
    assert!(ran.out.contains("new person: Ari Seo"), "{}", ran.out);
    assert_eq!(
        bot.browser().sign_in(MINA, OWN).await.status,
        StatusCode::UNAUTHORIZED
    );
}

/// With ids: a first one is recorded, a blank or a missing column keeps it, another one is another person.
#[tokio::test(flavor = "multi_thread")]
async fn an_employee_id_tells_who_is_the_same() {
    let bot = TestBot::new().await;
    bot.set_password(MINA, OWN).await;
    let with =
        |name: &str, id: &str| format!("{name},{MINA},business_email,active,,,member,,,{id}");
    let signs_in = async || bot.browser().sign_in(MINA, OWN).await.to() == "/account";
    for row in [
        with("Mina Park", "E-100"),
        with("Mina Park", ""),
        mina("active"),
        with("Mina Kim", " E-100 "),
    ] {
        let ran = bot.import(&[&row], &[]);
        assert!(
            ran.code == 0 && ran.out.starts_with("0 added, 1 updated"),
            "{row}: {} {}",
            ran.out,
            ran.err
        );
        assert!(signs_in().await, "{row}");
    }
    let shown = bot
        .relatch(&["members", "show", MINA, "--format", "json"])
        .out;
    assert!(shown.contains("\"employee_id\": \"E-100\""), "{shown}");
    let ran = bot.import(&[&with("Mina Kim", "E-200")], &[]);
    assert!(
        ran.out
            .contains("in place of Mina Kim: another employee_id"),
        "{} {}",
        ran.out,
        ran.err
    );
    assert!(!signs_in().await);
}

/// The same id under a new address is the same member: password, session and chat link come along.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_who_is_renamed_keeps_everything() {
    let bot = TestBot::new().await;
    let row = |name: &str, email: &str, id: &str| {
        format!("{name},{email},business_email,active,,,member,,,{id}")
    };
    bot.import(
        &[
            &row("Mina Park", MINA, "E-100"),
            &row("Noa Bae", NOA, "E-101"),
        ],
        &[],
    );
    let browser = bot.signed_in(MINA).await;
    let ran = bot.import(&[&row("Mina Kim", "mina.kim@acme.example", "E-100")], &[]);
    assert!(
        ran.out
            .contains("Mina Kim has mina.kim@acme.example now, before mina.park@acme.example"),
        "{}",
        ran.err
    );
    assert_eq!(browser.open("/account").await.status, StatusCode::OK);
    assert_eq!(
        bot.browser()
            .sign_in("mina.kim@acme.example", OWN)
            .await
            .to(),
        "/account"
    );
    let links = "link where business_email_key = 'mina.kim@acme.example' and platform = 'discord'";
    assert_eq!(bot.count(links).await, 1);

    // Two members swap their addresses; each keeps what is theirs.
    let swap = [
        row("Mina Kim", NOA, "E-100"),
        row("Noa Bae", "mina.kim@acme.example", "E-101"),
    ];
    let ran = bot.import(&[&swap[0], &swap[1]], &[]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(browser.open("/account").await.status, StatusCode::OK);
    assert_eq!(bot.browser().sign_in(NOA, OWN).await.to(), "/account");
    assert_eq!(
        bot.count("link where business_email_key in ('noa@acme.example', 'mina.kim@acme.example')")
            .await,
        2
    );

    // Who takes a freed address is new, and nobody is replaced.
    let ran = bot.import(
        &[
            &row("Mina Kim", MINA, "E-100"),
            &row("Eve New", NOA, "E-300"),
        ],
        &[],
    );
    assert!(
        ran.out.starts_with("1 added, 1 updated") || ran.out.contains("\n1 added, 1 updated"),
        "{}",
        ran.out
    );
    assert!(!ran.out.contains("new person"), "{}", ran.out);
    assert_eq!(
        bot.browser().sign_in(NOA, OWN).await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(browser.open("/account").await.status, StatusCode::OK);
}

/// One id on two rows is a mistake, and so is an address that somebody else still has.
#[tokio::test(flavor = "multi_thread")]
async fn ids_that_contradict_each_other_import_nothing() {
    let bot = TestBot::new().await;
    let row = |name: &str, email: &str, id: &str| {
        format!("{name},{email},business_email,active,,,member,,,{id}")
    };
    assert_eq!(bot.import(&[&row("Mina Park", MINA, "E-100")], &[]).code, 0);
    let before = bot.trace().await;
    for (rows, told) in [
        (
            vec![
                row("Mina Park", MINA, "E-100"),
                row("Noa Bae", NOA, "E-100"),
            ],
            "line 3: employee_id \"E-100\" stands already on line 2",
        ),
        (
            vec![row("Mina Kim", NOA, "E-100")],
            "line 2: noa@acme.example belongs to Noa Bae, who is not moved to another address in this file; \
            run `relatch members remove noa@acme.example` first if they left",
        ),
        (
            vec![row("Mina Kim", MINA, &"x".repeat(65))],
            "line 2: employee_id is longer than 64 characters",
        ),
    ] {
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let ran = bot.import(&rows, &[]);
        assert!(
            ran.code == 1 && ran.err.contains(told),
            "{told}: {}",
            ran.err
        );
        assert!(ran.err.contains("Nothing was changed."), "{}", ran.err);
        assert_eq!(bot.trace().await, before);
    }
}

/// A file of another organization, or with its columns moved, would wipe everybody: beyond ten the number must be named.
#[tokio::test(flavor = "multi_thread")]
async fn many_new_persons_need_their_number() {
    let bot = TestBot::new().await;
    let row = |at: usize, name: &str, status: &str| {
        format!(
            "{name} {},m{at}@acme.example,business_email,{status},,,member,,",
            ["Ay", "Bee", "Cee"][at % 3]
        )
    };
    let import = |name: &str, resigned: usize, options: &[&str]| {
        let status = |at| if at < resigned { "resigned" } else { "active" };
        let rows: Vec<String> = (0..12).map(|at| row(at, name, status(at))).collect();
        bot.import(
            &rows.iter().map(String::as_str).collect::<Vec<_>>(),
            options,
        )
    };
    assert_eq!(import("First", 0, &[]).out, "12 added, 0 updated\n");
    let members = async || bot.relatch(&["members", "list"]).out;
    let before = members().await;
    for options in [[].as_slice(), &["--wipe", "11"], &["--wipe", "13"]] {
        let ran = import("Second", 0, options);
        assert_eq!(ran.code, 1, "{options:?}");
        let told = "12 members would be replaced by new persons, and lose their passwords, sessions, contacts and chat links.";
        assert!(
            ran.err.contains(told) && ran.err.contains("Nothing was changed."),
            "{}",
            ran.err
        );
        assert!(ran.err.contains("--wipe 12"), "{}", ran.err);
        assert_eq!(
            ran.err.matches("new person: Second").count(),
            12,
            "{}",
            ran.err
        );
        assert_eq!(members().await, before);
    }
    // Ten need no number, and those who resigned do not count.
    let ran = import("Third", 2, &[]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.out.ends_with("0 added, 12 updated (new persons: 12)\n"),
        "{}",
        ran.out
    );
    let ran = import("Fourth", 0, &["--wipe", "12"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(bot.audited("new_person").await.matches("done").count(), 24);
}

/// Who resigned needs no number. Whoever names one all the same is told whom the import wipes, or that it wipes nobody.
#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_is_not_needed_is_refused_with_whom_the_import_wipes() {
    let bot = TestBot::new().await;
    bot.set_password(MINA, OWN).await;
    let before = bot.trace().await;
    let resigned = format!("Ari Seo,{MINA},business_email,resigned,,,member,Sales,");
    let told_of_ari = [
        "new person: Ari Seo (mina.park@acme.example) in place of Mina Park: ",
        "New persons who have resigned need no number, and lose passwords, sessions, contacts and chat links",
    ];
    let told_of_nobody = ["nobody in the file is a new person under an old address."];
    for (row, told) in [
        (&resigned, told_of_ari.as_slice()),
        (&mina("active"), &told_of_nobody),
    ] {
        let ran = bot.import(&[row], &["--wipe", "1"]);
        assert_eq!(ran.code, 1, "{row}");
        let always = [
            "Nothing was changed.",
            "run the import again without --wipe.",
        ];
        assert!(
            told.iter()
                .chain(&always)
                .all(|part| ran.err.contains(part)),
            "{row}: {}",
            ran.err
        );
        assert_eq!(bot.trace().await, before, "{row}");
    }
    let ran = bot.import(&[&resigned], &[]);
    assert!(
        ran.out.ends_with("(new persons: 1)\n"),
        "{} {}",
        ran.out,
        ran.err
    );
    assert_eq!(bot.count("member where credential is not null").await, 0);
}

/// A one-time link is its member's: it follows them to another address, and is nothing to the next owner of the old one.
#[tokio::test(flavor = "multi_thread")]
async fn a_one_time_link_is_its_members() {
    let with_id = |email: &str| {
        format!(
            "Mina Park,{email},business_email,active,+821012345642,mina@mail.example,member,,,E-100"
        )
    };
    for (row, is_same) in [
        (with_id("mina.kim@acme.example"), true),
        (ARI.to_owned(), false),
    ] {
        let bot = TestBot::with_ways(Ways {
            is_strict: false,
            carries: Carries::Link,
        })
        .await;
        bot.leaves(Left::Messages, "the code that was sent");
        assert_eq!(bot.import(&[&with_id(MINA)], &[]).code, 0);
        bot.reset(JO, MINA, "deliver_phone").await;
        bot.clock.advance(Span::seconds(1));
        let sent = bot
            .outbox
            .take()
            .into_iter()
            .find_map(|sent| Some(sent.text.split_once("/claim/")?.1.to_owned()));
        let link = format!(
            "/claim/{}",
            sent.expect("a link").split_whitespace().next().unwrap()
        );
        assert_eq!(bot.import(&[&row], &[]).code, 0);
        let page = bot.browser().submit("/signin", &link, &[]).await;
        assert_eq!(
            page.to(),
            if is_same { "/verify" } else { "" },
            "{row}: {}",
            page.text
        );
    }
}

/// The slots of an administrator are the person's: whoever follows under the address begins with their own.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_administrator_has_slots_of_their_own() {
    let bot = TestBot::new().await;
    bot.reset_by_copy(KIM, MINA).await;
    let ran = bot.import(
        &["Eve New,kim@acme.example,business_email,active,,,member_and_department,,"],
        &[],
    );
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(
        bot.count("slot join member on member_id = person_id").await,
        0
    );
    assert!(bot.command(KIM, MINA).await.text().contains("'s password?"));
}

/// The operator opens an account that wrong passwords locked, and no other lock.
#[tokio::test(flavor = "multi_thread")]
async fn an_operator_unlocks_an_account() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the alarm to the security address");
    bot.set_password(MINA, OWN).await;
    let unlock = || bot.relatch(&["members", "unlock", MINA]);
    let ran = unlock();
    assert!(
        ran.code == 1 && ran.err.contains("is not locked. Nothing was changed."),
        "{}",
        ran.err
    );
    let lock = format!(
        "update member set locked_at = 1, failed_sign_ins = 10 where business_email = '{MINA}'"
    );
    bot.sql(&lock).await;
    let ran = unlock();
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (0, "mina.park@acme.example is unlocked\n"),
        "{}",
        ran.err
    );
    assert_eq!(bot.browser().sign_in(MINA, OWN).await.to(), "/account");
    assert_eq!(bot.audited("unlock").await, "not_locked done");

    // "This wasn't me" locks out a password that somebody else knows.
    let temporary = bot.reset_by_copy(JO, MINA).await;
    let notice = bot
        .outbox
        .take()
        .into_iter()
        .find_map(|sent| Some(sent.text.split_once("/not-me/")?.1.to_owned()));
    let token: String = notice
        .unwrap()
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c))
        .collect();
    let link = format!("/not-me/{token}");
    bot.browser().submit(&link, &link, &[]).await;
    let ran = unlock();
    assert!(
        ran.code == 1 && ran.err.contains("Nothing was changed."),
        "{}",
        ran.err
    );
    assert!(
        ran.err.contains("did not ask for their last reset"),
        "{}",
        ran.err
    );
    assert_eq!(
        bot.browser().sign_in(MINA, &temporary).await.status,
        StatusCode::UNAUTHORIZED
    );
}

/// Chat links follow the person to another address, and do not stay for the next one.
#[tokio::test(flavor = "multi_thread")]
async fn a_chat_link_does_not_make_somebody_the_next_owner_of_the_address() {
    let bot = TestBot::new().await;
    let next = "Eve New,jo@acme.example,business_email,active,,,primary_admin,IT,";
    assert_eq!(bot.import(&[next], &[]).code, 0);
    // Jo's Discord account was linked to the address; now it stands for nobody.
    let told = bot.on(Platform::Discord).command(JO, MINA).await.text();
    assert!(
        told.contains("I can't tell who you are") && told.contains("Nothing was changed."),
        "{told}"
    );
}
