//! Rules of docs/rules.md that whole conversations show: S4, S5, S6, S17, S18, S21 and S44.

use std::path::{Path, PathBuf};

use axum::http::StatusCode;
use rand::SeedableRng;
use rand::rngs::StdRng;
use relatch::surface::chance::Chance;
use relatch::surface::chat::FormKind;
use relatch::surface::directory::{NextReset, ResetFailed};
use relatch::surface::domain::delivery::{Outcome, Refusal};
use relatch::surface::domain::password::{ALPHABET, DEFAULT_LENGTH};
use relatch::surface::domain::{Password, Platform, Span, State};
use relatch::surface::store::HistoryFilter;

use crate::support::slack::{button_value, shown_password, text_of, user_id};
use crate::support::{OWN, TestBot, on};

const JO: &str = "jo@acme.example";
const LEE: &str = "lee@acme.example";
const MINA: &str = "mina.park@acme.example";
const NOA: &str = "noa@acme.example";

/// The rows that are not in both, without those of the second that stand for the same member.
fn changed(before: &[String], after: &[String]) -> Vec<String> {
    let is_new = |row: &&String| !before.contains(row);
    after.iter().filter(is_new).cloned().collect()
}

/// S4: one command resets one member's login password. Nobody else's row changes, and of the member's own row nothing but
/// the password, its age and its end, and since when earlier sessions are over; contacts, devices and links stay.
#[tokio::test(flavor = "multi_thread")]
async fn a_reset_touches_one_login_password_and_no_other_credential() {
    const OTHERS: [&str; 5] = ["contact", "contact_seen", "device", "link", "admin_pin"];
    let bot = TestBot::new().await;
    bot.set_password(LEE, "nine loud otters sleep").await;
    bot.signed_in(MINA).await;
    // The whole row as an import leaves it, whatever setting a password did to it.
    bot.alter(MINA, "status", "active").await;
    bot.command(JO, &format!("contact <@{}> +821012345699", user_id(MINA)))
        .await;
    bot.settle().await;
    bot.card(JO, MINA).await;
    assert_eq!(bot.count("contact").await, 1);
    assert_eq!(bot.count("device").await, 1);
    let of_the_password = [
        "credential",
        "credential_set_at",
        "temporary_until",
        "signed_out_at",
    ];
    let mut others = Vec::new();
    for table in OTHERS {
        others.push(bot.rows(table, &[]).await);
    }
    let people = bot.rows("member", &[]).await;
    let but_passwords = bot.rows("member", &of_the_password).await;

    for (at, platform) in Platform::ALL.iter().enumerate() {
        bot.on(*platform).reset(JO, MINA, "deliver_copy").await;
        let now = bot.rows("member", &[]).await;
        let [mina] = changed(&people, &now).try_into().expect("one row");
        assert!(mina.contains("member_id='id-mina.park'"), "{mina}");
        assert_eq!(bot.rows("member", &of_the_password).await, but_passwords);
        for (table, before) in OTHERS.iter().zip(&others) {
            assert_eq!(&bot.rows(table, &[]).await, before, "{table}");
        }
        assert_eq!(bot.count("slot").await, i64::try_from(at).unwrap() + 1);
        bot.clock.advance(Span::seconds(1));
    }
    assert!(bot.signs_in(LEE, "nine loud otters sleep").await);
    bot.outbox.take();
}

/// S5: no third party and no queue. When the administrator reads the result the new password is in the directory, although
/// no clock moved and nothing but the click was done; and nobody but the member hears of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_reset_takes_effect_within_the_interaction() {
    for platform in Platform::ALL {
        on(*platform, async {
            let bot = TestBot::new().await;
            bot.set_password(MINA, OWN).await;
            let ready = bot.last_look(JO, MINA, "deliver_copy").await;
            bot.outbox.take();
            let (before, said) = (bot.rows("member", &[]).await, bot.slack.said().len());
            // The platform acknowledges late, so whatever comes after the reply has not happened yet when it is read here.
            bot.slack
                .delay_acknowledgements(std::time::Duration::from_secs(2));
            let value = button_value(&ready, "confirm").unwrap();
            bot.click_and_go(JO, "confirm", &value).await;
            while bot.slack.said().len() == said {
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
            let at_the_reply = bot.rows("member", &[]).await;
            let reply = bot.slack.last();
            bot.slack.delay_acknowledgements(std::time::Duration::ZERO);
            bot.settle().await;
            assert_eq!(changed(&before, &at_the_reply).len(), 1, "{platform}");
            let password = shown_password(&reply).expect("the first reply is the result");
            assert!(bot.signs_in(MINA, &password).await, "{platform}");
            assert_eq!(bot.rows("member", &[]).await, at_the_reply, "{platform}");
            for sent in bot.outbox.take() {
                let is_members = ["+821012345642", "mina@mail.example"].contains(&sent.to.as_str());
                assert!(is_members, "{platform}: {} was told too", sent.to);
            }
        })
        .await;
    }
}

/// S6: whoever can still sign in keeps their sessions: the guide resets nothing and uses no slot.
#[tokio::test(flavor = "multi_thread")]
async fn the_guide_keeps_sessions_and_password() {
    for platform in Platform::ALL {
        on(*platform, async {
            let bot = TestBot::new().await;
            let browser = bot.signed_in(MINA).await;
            let card = bot.card(JO, MINA).await;
            let (people, sessions) = (
                bot.rows("member", &[]).await,
                bot.rows("session", &[]).await,
            );
            assert_eq!(sessions.len(), 1, "{platform}");
            bot.click(JO, &card, "send_guide").await;
            assert!(bot.slack.last_text().contains("Guide sent"), "{platform}");
            assert_eq!(bot.outbox.take().len(), 1, "{platform}");
            assert_eq!(browser.open("/account").await.status, StatusCode::OK);
            assert_eq!(bot.rows("session", &[]).await, sessions, "{platform}");
            assert_eq!(bot.rows("member", &[]).await, people, "{platform}");
            let taken = (
                bot.count("slot").await,
                bot.count("reset where claimed_at is not null").await,
            );
            assert_eq!(taken, (0, 0), "{platform}");
        })
        .await;
    }
}

async fn statuses(bot: &TestBot) -> Vec<(String, String)> {
    let people = bot.app.store.members().await.unwrap();
    people
        .into_iter()
        .map(|row| (row.business_email, row.status))
        .collect()
}

/// S17: whatever becomes of a reset, the account status stays as it was, of an active member and of an inactive one.
#[tokio::test(flavor = "multi_thread")]
async fn no_end_of_a_reset_changes_the_status() {
    let ends = [
        (NextReset::Real, Outcome::Accepted, State::Delivered),
        (
            NextReset::Real,
            Outcome::Refused(Refusal::Address),
            State::Undelivered,
        ),
        (NextReset::Real, Outcome::Unknown, State::DeliveryUnknown),
        (
            NextReset::ChangeAndLoseTheAnswer,
            Outcome::Accepted,
            State::Unknown,
        ),
        (
            NextReset::Fail(ResetFailed::NotSent),
            Outcome::Accepted,
            State::Refused,
        ),
    ];
    for member in [MINA, NOA] {
        for (next, outcome, state) in ends.clone() {
            let bot = TestBot::new().await;
            bot.alter(member, "phone", "+821012345699").await;
            let before = statuses(&bot).await;
            let ready = bot.last_look(JO, member, "deliver_phone").await;
            bot.directory.next_reset(next);
            bot.outbox.end_next_send(outcome);
            bot.click(JO, &ready, "confirm").await;
            let past = bot
                .app
                .store
                .history(&HistoryFilter::default())
                .await
                .unwrap();
            assert_eq!(past[0].reset.state, state, "{member}");
            assert_eq!(statuses(&bot).await, before, "{member}: {state}");
            bot.outbox.take();
        }
    }
}

/// What a form asks for; never a password.
fn asks_for(kind: FormKind) -> &'static str {
    match kind {
        FormKind::Destination => "Phone or email of",
        FormKind::CopyAddress => "Email for your copy",
        FormKind::ContactCode => "The code that",
    }
}

/// S18: the system makes the password. No form asks for one, what looks like one is refused, and words behind the command
/// are a reason.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_types_the_new_password() {
    const TYPED: &str = "Winter2026";
    for platform in Platform::ALL {
        on(*platform, async {
            let bot = TestBot::new().await;
            bot.set_password(MINA, OWN).await;
            for kind in FormKind::ALL {
                let message = match kind {
                    FormKind::Destination => bot.card(JO, MINA).await,
                    FormKind::CopyAddress => bot.last_look(JO, MINA, "deliver_phone").await,
                    FormKind::ContactCode => {
                        let words = format!("contact <@{}> +821012345699", user_id(MINA));
                        let told = bot.command(JO, &words).await.json();
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
                bot.click(JO, &message, kind.as_str()).await;
                let view = bot.slack.last_view();
                let inputs = view["blocks"].as_array().unwrap();
                let label = inputs[0]["label"]["text"].as_str().unwrap();
                assert!(
                    label.contains(asks_for(*kind)),
                    "{kind} on {platform}: {label}"
                );
                assert!(!label.to_lowercase().contains("password"), "{label}");
                let refused = bot.submit(JO, TYPED).await.refusal_of_form();
                assert!(
                    refused.contains("Nothing was changed."),
                    "{kind}: {refused}"
                );
                assert!(bot.signs_in(MINA, OWN).await && !bot.signs_in(MINA, TYPED).await);
            }
            let card = bot
                .command(JO, &format!("<@{}> {TYPED}", user_id(MINA)))
                .await;
            bot.click(JO, &card.json(), "deliver_copy").await;
            bot.click(JO, &bot.slack.last(), "confirm").await;
            let shown = bot.slack.last();
            let password = shown_password(&shown).unwrap_or_else(|| panic!("{}", text_of(&shown)));
            assert_eq!(password.len(), usize::from(DEFAULT_LENGTH));
            assert!(password.bytes().all(|byte| ALPHABET.contains(&byte)));
            assert!(bot.signs_in(MINA, &password).await && !bot.signs_in(MINA, TYPED).await);
            bot.outbox.take();
        })
        .await;
    }
}

/// Q11: letters and digits but those that look alike, written out here once more.
fn letters_and_digits() -> Vec<u8> {
    (b'0'..=b'z')
        .filter(u8::is_ascii_alphanumeric)
        .filter(|byte| !b"0O1lI".contains(byte))
        .collect()
}

/// Which of the three kinds a character is.
fn kind_of(byte: u8) -> usize {
    usize::from(byte.is_ascii_uppercase()) + 2 * usize::from(byte.is_ascii_lowercase())
}

/// The value below which chi-square stays but once in a thousand million times (Wilson and Hilferty).
fn chi_square_limit(freedom: f64) -> f64 {
    let spread = 2.0 / (9.0 * freedom);
    freedom * (1.0 - spread + 6.0 * spread.sqrt()).powi(3)
}

/// S19–S21: what the operating system's source gives, drawn as a reset draws it: each password by a generator of its own.
/// At every position each character is as frequent as it is among all passwords that have all three kinds.
#[test]
fn passwords_of_the_system_are_spread_evenly() {
    const SAMPLES: u32 = 100_000;
    let alphabet = letters_and_digits();
    let mut sizes = [0_i32; 3];
    for byte in &alphabet {
        sizes[kind_of(*byte)] += 1;
    }
    assert_eq!((alphabet.len(), sizes), (57, [8, 24, 25]));
    // With this character first, seven more in which both other kinds are found: all, less those without one or the other.
    let strings = |characters: i32| f64::from(characters).powi(7);
    let weights: Vec<f64> = alphabet
        .iter()
        .map(|byte| {
            let own = sizes[kind_of(*byte)];
            let [one, other] = [1, 2].map(|step| sizes[(kind_of(*byte) + step) % 3]);
            strings(57) - strings(57 - one) - strings(57 - other) + strings(own)
        })
        .collect();
    let whole: f64 = weights.iter().sum();

    let mut counts = vec![[0_u32; 8]; 128];
    let mut seen = std::collections::HashSet::new();
    for _ in 0..SAMPLES {
        let mut rng = Chance::System.rng().unwrap();
        let password = Password::generate(&mut rng, DEFAULT_LENGTH);
        assert_eq!(password.expose().len(), 8);
        for (position, byte) in password.expose().bytes().enumerate() {
            counts[usize::from(byte)][position] += 1;
        }
        seen.insert(password.expose().to_owned());
    }
    // Of 10¹⁴ there are seldom two alike among so few: once in twenty thousand runs, and then there is one pair.
    assert!(seen.len() + 1 >= usize::try_from(SAMPLES).unwrap());
    let outside: u32 = (0_u8..128)
        .filter(|byte| !alphabet.contains(byte))
        .flat_map(|byte| counts[usize::from(byte)])
        .sum();
    assert_eq!(outside, 0, "characters outside the alphabet");
    for position in 0..8 {
        let chi_square: f64 = alphabet
            .iter()
            .zip(&weights)
            .map(|(byte, weight)| {
                let expected = f64::from(SAMPLES) * weight / whole;
                let counted = counts[usize::from(*byte)].get(position).copied();
                (f64::from(counted.unwrap()) - expected).powi(2) / expected
            })
            .sum();
        assert!(
            chi_square < chi_square_limit(56.0),
            "chi-square {chi_square} at position {position}"
        );
    }
}

/// S21: the way from a generator to a password is fixed: another alphabet, order, or way of drawing shows here.
#[test]
fn a_seed_draws_these_passwords() {
    let mut rng = StdRng::seed_from_u64(2026);
    let drawn: Vec<String> = [8, 8, 12]
        .map(|length| Password::generate(&mut rng, length).expose().to_owned())
        .into();
    assert_eq!(drawn, ["3QK7ohNe", "retSH4aT", "RcieSyhs9RaT"]);
    assert_eq!(
        ALPHABET.as_slice(),
        letters_and_digits(),
        "in the order of the character codes"
    );
}

/// The files below a folder with this ending.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path
            .extension()
            .is_some_and(|extension| extension == ending)
        {
            found.push(path);
        }
    }
    found
}

/// S21: nothing but a test has a generator that repeats itself.
#[test]
fn only_tests_draw_from_a_seed() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut read = 0;
    for file in files(&source, "rs") {
        let text = std::fs::read_to_string(&file).unwrap();
        if file.ends_with("tests.rs") {
            continue;
        }
        let product = text.split("#[cfg(test)]").next().unwrap();
        if file.ends_with("src/chance.rs") {
            // The seed of a test, and no other; the rest is the operating system's.
            assert_eq!(product.matches("seed_from_u64(seed)").count(), 1);
            assert_eq!(product.matches("seed_from").count(), 1);
            assert!(product.contains("try_from_rng(&mut SysRng)"));
            continue;
        }
        for seed in [
            "Chance::seeded",
            "Chance::Seeded",
            "seed_from_u64",
            "from_seed",
        ] {
            assert!(!product.contains(seed), "{seed} in {}", file.display());
        }
        read += 1;
    }
    assert!(read > 100, "only {read} files were read");
}

/// S44: the documents name the edition of the rules, wherever they name one it is the same, and the defaults are its.
#[test]
fn documents_name_the_edition_that_the_defaults_follow() {
    const EDITION: &str = "2025-01-23";
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = root.join("README.md");
    let documents = [
        vec![readme.clone()],
        files(&root.join("docs"), "md"),
        files(&root.join("src/domain"), "rs"),
    ]
    .concat();
    let mut named = Vec::new();
    for file in documents {
        let text = std::fs::read_to_string(&file).unwrap();
        let words: Vec<&str> = text.split_whitespace().collect();
        for edition in words
            .windows(3)
            .filter(|words| words[..2] == ["edition", "of"])
        {
            assert!(
                edition[2].starts_with(EDITION),
                "{}: {edition:?}",
                file.display()
            );
            named.push(file.clone());
        }
    }
    assert!(named.contains(&readme), "the README names no edition");

    let defaults: toml::Table = include_str!("../../src/config.default.toml")
        .parse()
        .unwrap();
    let policy = &defaults["policy"];
    let number = |key: &str| policy[key].as_integer().unwrap();
    let text = |key: &str| policy[key].as_str().unwrap();
    assert_eq!(
        (
            number("resets_per_admin"),
            text("window"),
            number("password_length"),
            text("password_lifetime"),
            text("profile"),
        ),
        (5, "24h", 8, "24h", "standard")
    );
}
