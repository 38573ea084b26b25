//! What an SMS has room for: 160 characters, the link first, and names cut only where they do not fit.

use rand::{SeedableRng, rngs::StdRng};
use relatch::surface::clock::Zone;
use relatch::surface::domain::Password;
use relatch::surface::domain::code_alone::CodeUse;
use relatch::surface::flow::messages::{
    Guide, Handover, Notice, code_use_sms, guide_sms, link_sms,
};

use crate::support::{START, TestBot};

const LIMIT: usize = 160;

/// The link "this wasn't me" is in the SMS of a notice wherever it fits, and an SMS never has more than it may.
#[tokio::test(flavor = "multi_thread")]
async fn a_notice_has_its_link_where_it_fits() {
    let bot = TestBot::new().await;
    let sms = |link: Option<&str>, admin_name: &str, is_long: bool| {
        let notice = Notice {
            organization: &bot.app.organization,
            admin_name,
            at: bot.clock.now(),
            is_certain: !is_long,
            was_signed_out: is_long,
            has_our_pages: is_long,
            link,
            sign_in_at: None,
            zone: &bot.app.zone,
        };
        assert!(
            notice
                .mail()
                .text
                .contains("Get help at https://help.acme.example/password"),
            "{}",
            *notice.mail().text
        );
        notice.sms().text
    };
    for (length, has_link) in [(20, true), (90, true), (115, true), (150, false)] {
        let link = "x".repeat(length);
        let text = sms(Some(&link), "Jo Lim", true);
        assert_eq!(text.contains(&link), has_link, "{length}");
        assert!(text.len() <= LIMIT, "{}", *text);
    }
    // The whole name where there is room for it.
    let name = "Maximilian Schmidt";
    assert!(sms(None, name, false).contains(name));
    let cut = sms(None, name, true);
    assert!(cut.contains("Maximilian") && cut.len() <= LIMIT, "{}", *cut);
}

/// The SMS with a one-time link says until when it can be used, and that nobody is told, with the longest address that the
/// settings allow.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_has_its_end() {
    let bot = TestBot::new().await;
    let sms = |length: usize| {
        let link = "x".repeat(length);
        let (organization, zone) = (&bot.app.organization, &bot.app.zone);
        let text = link_sms(organization, &link, bot.clock.now(), zone);
        assert!(text.contains(&link), "{}", *text);
        assert!(
            text.contains(" 23 Nov 10:00") && text.ends_with(" Tell nobody."),
            "{}",
            *text
        );
        text.contains("Acme IT") && text.len() <= LIMIT
    };
    assert!(sms(60));
    assert!(!sms(117));
}

/// The guide names the page that it leads to, and says less where that has too long an address.
#[tokio::test(flavor = "multi_thread")]
async fn the_guide_by_sms_names_the_page() {
    let bot = TestBot::new().await;
    let page = |length: usize| format!("https://help.acme.example/{}", "x".repeat(length));
    for length in [0, 10, 200] {
        let ours = Guide::OurPages {
            account: page(length),
            sign_in: None,
        };
        for guide in [ours, Guide::HelpPage(page(length))] {
            let text = guide_sms(&bot.app.organization, &guide).text;
            assert!(text.len() <= LIMIT, "{}", *text);
            assert_eq!(text.contains(&page(length)), length < 200, "{}", *text);
        }
    }
}

/// An organization whose name no phone surely shows is "IT", once.
#[tokio::test(flavor = "multi_thread")]
async fn the_guide_by_sms_names_it_once() {
    let bot = TestBot::new().await;
    let guide = Guide::HelpPage("https://help.acme.example/".to_owned());
    for (name, begin) in [("Acme", "Acme IT: how"), ("아크메", "IT: how")] {
        let mut organization = bot.app.organization.clone();
        organization.name = name.to_owned();
        let text = guide_sms(&organization, &guide).text;
        assert!(text.starts_with(begin), "{}", *text);
    }
}

/// The link "this wasn't me" is in the SMS about a code as long as it fits at all; the date goes first.
#[tokio::test(flavor = "multi_thread")]
async fn the_sms_about_a_code_keeps_its_link() {
    let bot = TestBot::new().await;
    let (organization, zone) = (&bot.app.organization, &bot.app.zone);
    for kind in [CodeUse::SignIn, CodeUse::NewPassword] {
        for (length, has_link) in [(40, true), (115, true), (150, false)] {
            let link = "x".repeat(length);
            let text = code_use_sms(organization, kind, START, Some(&link), zone).text;
            assert!(text.len() <= LIMIT, "{}", *text);
            assert_eq!(text.contains(&link), has_link, "{}", *text);
            assert_eq!(text.contains("Get help at"), !has_link, "{}", *text);
        }
    }
}

/// The SMS with a password leaves out what it has no room for, the least needed first: the zone, "and set your own", ", not
/// even IT", the organization. The password, its end, the address and "Tell nobody" stay, and nothing touches them.
#[tokio::test(flavor = "multi_thread")]
async fn the_password_its_end_and_the_address_stay_in_the_sms() {
    let bot = TestBot::new().await;
    let zone = Zone::named("Asia/Seoul").unwrap();
    let password = Password::generate(&mut StdRng::seed_from_u64(3), 24);
    let mut left_out = Vec::new();
    for length in 20..=66 {
        let address = format!("https://{}/signin", "x".repeat(length - 15));
        let handover = Handover {
            organization: &bot.app.organization,
            member_name: "Mina Park",
            until: Some(bot.clock.now()),
            sign_in_at: Some(&address),
            has_code: Some(true),
            zone: &zone,
        };
        let sms = handover.sms(&password);
        assert!(sms.len() <= LIMIT, "{}", *sms);
        for part in [
            format!(
                "{} is your new password (until 23 Nov 19:00",
                password.expose()
            ),
            format!(" at {address} "),
            " Tell nobody".to_owned(),
        ] {
            assert!(sms.contains(&part), "{part}: {}", *sms);
        }
        let has = ["KST", "and set your own", "not even IT", "Acme"].map(|part| sms.contains(part));
        left_out.push(has);
    }
    left_out.dedup();
    let steps = [
        [true, true, true, true],
        [false, true, true, true],
        [false, false, true, true],
        [false, false, false, true],
        [false, false, false, false],
    ];
    assert!(
        steps.windows(left_out.len()).any(|some| some == left_out),
        "{left_out:?}"
    );
    assert!(
        left_out.contains(&steps[4]) && left_out.len() > 2,
        "{left_out:?}"
    );
}

/// An address that no SMS has room for is left out, and nothing else is cut.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_no_sms_has_room_for_is_left_out() {
    let bot = TestBot::new().await;
    let password = Password::generate(&mut StdRng::seed_from_u64(3), 24);
    let address = format!("https://{}.example/signin", "w".repeat(90));
    let handover = Handover {
        organization: &bot.app.organization,
        member_name: "Mina Park",
        until: Some(bot.clock.now()),
        sign_in_at: Some(&address),
        has_code: Some(true),
        zone: &bot.app.zone,
    };
    let sms = handover.sms(&password);
    let told = "Sign in and set your own. Tell nobody, not even IT.";
    assert!(
        sms.len() <= LIMIT && !sms.contains("http") && sms.ends_with(told),
        "{}",
        *sms
    );
}

/// A name that is too long loses whole words, never part of one; letters that every phone shows stay.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_in_an_sms_loses_whole_words() {
    let bot = TestBot::new().await;
    for (admin_name, told) in [
        ("Wilhelmina Featherstonehaugh", "Wilhelmina"),
        ("Jürgen Müller", "Jürgen Müller"),
        ("박 Kim", "Kim"),
        ("Hubertwolfeschlegelsteinhausen", "an admin"),
    ] {
        let notice = Notice {
            organization: &bot.app.organization,
            admin_name,
            at: bot.clock.now(),
            is_certain: true,
            was_signed_out: true,
            has_our_pages: true,
            link: None,
            sign_in_at: None,
            zone: &bot.app.zone,
        };
        let text = notice.sms().text;
        assert!(text.contains(&format!("reset by {told} (IT)")), "{}", *text);
    }
}
