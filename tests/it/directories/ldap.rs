//! OpenLDAP, 389 Directory Server and Active Directory, on real servers.

use relatch::surface::app::Admins;
use relatch::surface::domain::{Span, State};
use relatch::surface::flow::pins;

use super::ldap_faults::MISCONFIGURED;
use super::{
    JO, NOTHING, all, card_text, email, ended, ldap_connections, phones, privileged, reset,
    self_write, user_names,
};
use crate::support::TestBot;
use crate::support::directories::ldap::{Kind, Server};
use crate::support::directories::{OLD, SignIn, World};
use crate::support::slack::{button_value, shown_password, text_of};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs slapd"]
async fn openldap() {
    let server = Server::start(Kind::OpenLdap).await;
    a_reset_needs_few_answers_in_sequence(&server, "cn=helpdesk,dc=corp,dc=example", "hlp").await;
    nothing_becomes_part_of_a_filter(&server).await;
    a_name_is_no_part_of_a_dn(&server).await;
    a_group_that_is_not_there_stops_everything(&server).await;
    a_group_without_members_to_be_seen_stops_everything(&server).await;
    a_unix_group_protects_its_members(&server).await;
    a_change_that_the_policy_does_not_ask_for_is_told(&server).await;
    a_refused_account_is_not_tried_again(&server).await;
    a_fault_of_the_settings_is_told_as_one(&server).await;
    a_second_address_is_the_same_person(&server).await;
    an_own_mail_makes_nobody_an_administrator(&server).await;
    user_names::an_entry_is_an_administrator_by_its_name(&server).await;
    user_names::the_name_of_somebody_who_left_gives_no_role(&server).await;
    user_names::a_copied_name_leaves_the_owner_their_role(&server).await;
    user_names::a_check_tells_that_memberuid_gives_no_role(&server).await;
    starttls_is_as_good(&server).await;
    who_has_expired_is_refused_with_the_date(&server, "end").await;
    who_is_not_valid_yet_is_refused_with_the_date(&server).await;
    a_policy_that_asks_for_the_old_password_is_named(&server).await;
    a_policy_that_wants_less_is_named(&server).await;
    phones::a_phone_is_read_with_the_country_of_its_entry(&server, &["ger"]).await;
    phones::a_phone_that_cannot_be_read_is_told_beside_another(&server).await;
    user_names::an_expired_administrator_resets_nobody(&server).await;
    assert!(
        card_text(&server.bot().await, "yet")
            .await
            .contains("yet Corp")
    );
    self_write::openldap_does_not_tell(&server).await;
    all(server).await;
}

/// Without its password policy OpenLDAP would keep a written password as it is, for everybody who sees a copy of its data.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs slapd"]
async fn openldap_without_a_policy() {
    let server = Server::start(Kind::PlainOpenLdap).await;
    a_server_that_cannot_hash_is_not_used(&server).await;

    let password = shown_password(&reset(&server.bot().await, "inj").await).expect("a password");
    let kept = server.kept_password("inj").await;
    assert!(
        kept.starts_with('{') && !kept.contains(&password),
        "the password is kept readable"
    );
    assert_eq!(server.sign_in("inj", &password).await, SignIn::In);
    assert_eq!(server.sign_in("inj", OLD).await, SignIn::Refused);
    all(server).await;
}

/// Where it shows no operation that hashes, nothing is sent to it, whether it shows which server it is or not.
async fn a_server_that_cannot_hash_is_not_used(server: &Server) {
    for account in ["blind", "mute"] {
        let bot = TestBot::with_directory(&server.settings_as(account)).await;
        let before = server.changes().await;
        let told = text_of(&reset(&bot, "auth").await);
        assert!(
            told.contains("refuses this reset: it could keep the password readable")
                && told.contains("whoever runs the directory has to show it"),
            "{account}: {told}"
        );
        assert!(
            told.contains(NOTHING) && told.contains("No reset was used"),
            "{account}: {told}"
        );
        assert_eq!(
            (server.changes().await, ended(&bot).await),
            (before, (State::Refused, true)),
            "{account}"
        );
        assert_eq!(server.sign_in("auth", OLD).await, SignIn::In, "{account}");
    }
}

/// 200 e-mails that are well-formed and full of what means something in a filter; the server's own log is read.
async fn nothing_becomes_part_of_a_filter(server: &Server) {
    let bot = server.bot().await;
    let begin = server.logged_filters().len();
    let mut asked = 0;
    for number in 0..200 {
        let marks: String = (0..4)
            .map(|place| char::from(b"*|&!=~'`/{}%$#+-"[(number * 7 + place * 5) % 16]))
            .collect();
        let told = text_of(
            &bot.command(JO, &email(&format!("{marks}x{number}")))
                .await
                .json(),
        );
        assert!(
            told.contains("I can't find exactly one account") && told.contains(NOTHING),
            "{marks}: {told}"
        );
        asked += 1;
        // So that the limits of look-ups do not end it.
        bot.clock.advance(Span::minutes(30));
    }
    // With what no e-mail has, nobody is looked up at all.
    for hostile in [
        "eli)(mail=*@corp.example",
        "*)(uid=*))(|(uid=*@corp.example",
        "eli\\2a@corp.example",
        "eli\u{7f}@corp.example",
    ] {
        let told = text_of(&bot.command(JO, hostile).await.json());
        assert!(told.contains(NOTHING), "{hostile}: {told}");
    }
    let filters: Vec<String> = server
        .logged_filters()
        .split_off(begin)
        .into_iter()
        .filter(|filter| filter.contains("(mail="))
        .collect();
    assert!(
        filters.len() >= asked,
        "{} searches for {asked} members",
        filters.len()
    );
    for filter in filters {
        assert_eq!(filter.matches('(').count(), 5, "{filter}");
        assert!(
            !filter.contains('*') && filter.ends_with("@corp.example))"),
            "{filter}"
        );
    }
}

/// The DN of a member has everything in it that a filter is made of, and stands in the filter of the protected groups.
async fn a_name_is_no_part_of_a_dn(server: &Server) {
    let bot = server.bot().await;
    let card = card_text(&bot, "par").await;
    assert!(card.contains("Par"), "{card}");
    let result = reset(&bot, "par").await;
    assert!(shown_password(&result).is_some(), "{}", text_of(&result));
    let filters = server.logged_filters();
    let of_groups: Vec<&String> = filters
        .iter()
        .filter(|filter| filter.contains("par"))
        .collect();
    assert!(
        of_groups.iter().any(|filter| filter.contains("member=")),
        "{of_groups:?}"
    );
    for filter in of_groups
        .into_iter()
        .filter(|filter| filter.contains("member="))
    {
        assert_eq!(filter.matches('(').count(), 4, "{filter}");
        assert!(!filter.contains('*'), "{filter}");
    }
}

/// A protected group that is misspelt protects nobody, so nobody is reset until it is put right.
async fn a_group_that_is_not_there_stops_everything(server: &Server) {
    let bot =
        TestBot::with_directory(&server.own_settings().replace("=guarded,", "=gaurded,")).await;
    let told = card_text(&bot, "eli").await;
    assert!(
        told.contains(MISCONFIGURED) && told.contains(NOTHING),
        "{told}"
    );
}

/// Nor does what is no group at all, or a group whose members relatch may not read. For a role that is enough: it gives
/// nobody anything.
async fn a_group_without_members_to_be_seen_stops_everything(server: &Server) {
    for group in [
        "ou=people,dc=corp,dc=example",
        "cn=hidden,dc=corp,dc=example",
    ] {
        let bot = TestBot::with_directory(&server.settings_protecting(&[group])).await;
        let told = card_text(&bot, "eli").await;
        assert!(
            told.contains(MISCONFIGURED) && told.contains(NOTHING),
            "{group}: {told}"
        );

        let settings = format!(
            "{}\nprimary_admin_groups = [{group:?}]",
            server.own_settings()
        );
        let told = card_text(&TestBot::with_directory(&settings).await, "eli").await;
        assert!(told.contains("eli Corp"), "{group}: {told}");
    }
}

/// A group of Unix has its members by their user names.
async fn a_unix_group_protects_its_members(server: &Server) {
    let bot =
        TestBot::with_directory(&server.settings_protecting(&["cn=unix,dc=corp,dc=example"])).await;
    for name in ["auth", "par"] {
        let told = card_text(&bot, name).await;
        assert!(
            told.contains("is protected") && told.contains(NOTHING),
            "{told}"
        );
    }
    assert!(!card_text(&bot, "eli").await.contains("is protected"));
}

/// Relatch's own mark is no proof: only the answer to a real sign-in is.
async fn a_change_that_the_policy_does_not_ask_for_is_told(server: &Server) {
    let bot = server.bot().await;
    server.set_policy("pwdMustChange", "FALSE").await;
    let result = reset(&bot, "ali").await;
    let told = text_of(&result);
    assert!(
        told.contains("must set a new one: not enforced by the directory"),
        "{told}"
    );
    assert_eq!(
        server
            .sign_in("ali", &shown_password(&result).unwrap())
            .await,
        SignIn::In
    );
    server.set_policy("pwdMustChange", "TRUE").await;
}

/// A base that is not there and a stranger's certificate are still so in a few minutes.
async fn a_fault_of_the_settings_is_told_as_one(server: &Server) {
    let nowhere = server.own_settings().replace("ou=people,", "ou=poeple,");
    let told = card_text(&TestBot::with_directory(&nowhere).await, "eli").await;
    assert!(
        told.contains(MISCONFIGURED) && told.contains(NOTHING),
        "{told}"
    );
    let (bot, _) = server.bot_with_wrong_certificate().await.unwrap();
    let told = card_text(&bot, "eli").await;
    assert!(
        told.contains(MISCONFIGURED) && told.contains(NOTHING),
        "{told}"
    );
}

/// A wrong password in the settings must not lock relatch's account, however often it is asked for somebody.
async fn a_refused_account_is_not_tried_again(server: &Server) {
    let before = server.refused_binds();
    let bot = TestBot::with_directory(
        &server
            .own_settings()
            .replace("Service-account-1", "Wrong-account-1"),
    )
    .await;
    for _ in 0..2 {
        let told = card_text(&bot, "eli").await;
        assert!(
            told.contains(MISCONFIGURED) && told.contains(NOTHING),
            "{told}"
        );
    }
    assert_eq!(server.refused_binds() - before, 1);
}

/// Whoever is in the list of administrators by one address is protected by every other, and a password is not sent to the
/// mailbox that it opens, by whatever name.
async fn a_second_address_is_the_same_person(server: &Server) {
    let bot = TestBot::with_directory(&server.own_settings()).await;
    let card = bot.command(JO, &email("ali")).await.json();
    bot.click(JO, &card, "deliver_other").await;
    let refused = bot.submit(JO, &email("ali.as")).await.refusal_of_form();
    assert!(
        refused.contains("business email") || refused.contains("work email"),
        "{refused}"
    );

    let list = Admins::List {
        primary: vec![JO.parse().unwrap(), email("ali.as").parse().unwrap()],
        member_and_department: vec!["kim@acme.example".parse().unwrap()],
    };
    let bot = TestBot::with_directory_and_admins(&server.own_settings(), list).await;
    for name in ["ali", "ali.as"] {
        let told = text_of(&bot.command("kim@acme.example", &email(name)).await.json());
        assert!(
            told.contains("is a primary admin") && told.contains(NOTHING),
            "{name}: {told}"
        );
    }
}

/// With `by self write` a member adds an administrator's address to their own entry. They get no right by it, the
/// administrator keeps theirs, and the security address hears of both entries.
async fn an_own_mail_makes_nobody_an_administrator(server: &Server) {
    let list = Admins::List {
        primary: vec![email("ann").parse().unwrap()],
        member_and_department: Vec::new(),
    };
    let bot = TestBot::with_directory_and_admins(&server.own_settings(), list).await;
    for name in ["ann", "mal"] {
        bot.slack.know(&email(name));
    }
    server.add_own("mal", "mail", &email("ann")).await;

    let told = bot.command(&email("mal"), &email("ali")).await.json();
    assert!(
        button_value(&told, "cancel").is_none(),
        "a member has a card: {}",
        text_of(&told)
    );
    assert!(
        text_of(&told).contains(&format!("relatch admins accept {}", email("ann"))),
        "{}",
        text_of(&told)
    );
    let card = bot.command(&email("ann"), &email("ali")).await.json();
    assert!(
        button_value(&card, "cancel").is_some(),
        "the administrator is shut out: {}",
        text_of(&card)
    );
    bot.click(&email("ann"), &card, "deliver_copy").await;
    bot.click(&email("ann"), &bot.slack.last(), "confirm").await;
    assert!(
        shown_password(&bot.slack.last()).is_some(),
        "{}",
        bot.slack.last_text()
    );
    pins::report(&bot.app).await;
    let told: String = bot
        .outbox
        .take()
        .iter()
        .map(|sent| sent.text.clone())
        .collect();
    let entries = ["ann", "mal"].map(|name| format!("uid={name},ou=people,dc=corp,dc=example"));
    assert!(
        told.contains(&entries.join("; "))
            && told.contains("The right stays with the pinned entry"),
        "{told}"
    );

    // With the administrator gone it is the member's alone, and still gives no right.
    server.remove("ann").await;
    let told = text_of(&bot.command(&email("mal"), &email("ali")).await.json());
    assert!(
        told.contains("relatch admins accept") && told.contains(NOTHING),
        "{told}"
    );
    let told = text_of(&bot.command(&email("ann"), &email("ali")).await.json());
    assert!(
        told.contains("relatch admins accept") && told.contains(NOTHING),
        "{told}"
    );
}

/// The reset itself would go through, and nobody could sign in with the new password.
async fn who_has_expired_is_refused_with_the_date(server: &Server, name: &str) {
    let (bot, before) = (server.bot().await, server.changes().await);
    let told = card_text(&bot, name).await;
    assert!(
        told.contains(&format!("{name} Corp's account expired on 1 Mar 2026"))
            && told.contains(NOTHING),
        "{told}"
    );
    assert!(!told.contains("Suspended"), "{told}");
    assert_eq!(server.changes().await, before);
}

async fn who_is_not_valid_yet_is_refused_with_the_date(server: &Server) {
    let told = card_text(&server.bot().await, "not").await;
    assert!(
        told.contains("not Corp's account is not valid before 31 Dec 2099")
            && told.contains(NOTHING),
        "{told}"
    );
}

/// The server answers as to a missing right, and names the cause in its text alone.
async fn a_policy_that_asks_for_the_old_password_is_named(server: &Server) {
    server.set_policy("pwdSafeModify", "TRUE").await;
    let bot = server.bot().await;
    let told = text_of(&reset(&bot, "pol").await);
    server.set_policy("pwdSafeModify", "FALSE").await;
    assert!(
        told.contains("asks for the old password too (pwdSafeModify TRUE)")
            && told.contains(NOTHING),
        "{told}"
    );
    assert_eq!(ended(&bot).await, (State::Refused, true));
    assert_eq!(server.sign_in("pol", OLD).await, SignIn::In);
}

/// A longer password does not help there.
async fn a_policy_that_wants_less_is_named(server: &Server) {
    server.set_policy("pwdMaxLength", "7").await;
    let told = text_of(&reset(&server.bot().await, "pol").await);
    server.set_policy("pwdMaxLength", "0").await;
    assert!(
        told.contains("too long for its password policy (pwdMaxLength)")
            && told.contains("lower policy.password_length")
            && told.contains(NOTHING),
        "{told}"
    );
    assert_eq!(server.sign_in("pol", OLD).await, SignIn::In);
}

/// As the README sets it up, with a group of administrators who are members too.
async fn a_reset_needs_few_answers_in_sequence(server: &Server, group: &str, admin: &str) {
    let settings = format!(
        "{}\nprimary_admin_groups = [{group:?}]",
        server.own_settings()
    );
    let bot = TestBot::with_directory(&settings).await;
    let needed = ldap_connections::what_a_reset_needs(&bot, &server.seen, (admin, "inj")).await;
    ldap_connections::few_are_needed(needed.1);
    assert_eq!(server.sign_in("inj", &needed.0).await, SignIn::MustChange);
}

async fn starttls_is_as_good(server: &Server) {
    let bot = TestBot::with_directory(&server.starttls_settings()).await;
    let result = reset(&bot, "inj").await;
    assert_eq!(
        server
            .sign_in("inj", &shown_password(&result).unwrap())
            .await,
        SignIn::MustChange
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs 389-ds-base"]
async fn server_389() {
    let server = Server::start(Kind::Server389).await;
    self_write::server_389_tells_by_its_effective_rights(&server).await;
    user_names::who_may_write_uid_there_may_rename_the_entry(&server).await;
    nothing_becomes_part_of_a_filter(&server).await;
    a_change_that_is_not_forced_is_told(&server).await;
    who_the_servers_own_tool_makes_is_found(&server).await;
    who_has_expired_is_refused_with_the_date(&server, "ipa").await;
    a_policy_that_asks_for_a_symbol_is_named_and_met(&server).await;
    a_policy_that_limits_a_class_of_characters_is_named(&server).await;
    a_password_that_has_expired_has_to_be_changed(&server).await;
    phones::a_phone_is_read_with_the_country_of_its_entry(&server, &["ger"]).await;
    phones::a_phone_that_cannot_be_read_is_told_beside_another(&server).await;
    assert!(
        card_text(&server.bot().await, "ipb")
            .await
            .contains("ipb Corp")
    );
    a_group_that_is_not_there_stops_everything(&server).await;
    all(server).await;
}

/// The rule is named in the text of the answer alone, with the setting that meets it.
async fn a_policy_that_asks_for_a_symbol_is_named_and_met(server: &Server) {
    server
        .set("cn=config", "passwordCheckSyntax", Some("on"))
        .await;
    server
        .set("cn=config", "passwordMinSpecials", Some("1"))
        .await;
    let told = text_of(&reset(&server.bot_bound_by_policy().await, "pol").await);
    assert!(
        told.contains("policy.password_symbols = true adds one symbol") && told.contains(NOTHING),
        "{told}"
    );
    let bot = TestBot::with_directory_and_symbols(&server.settings_as("plain")).await;
    let result = reset(&bot, "nsg").await;
    let password = shown_password(&result).expect("a password");
    assert!(password.contains(['-', '#', '+', '=']));
    let spoken = ["hyphen", "hash", "plus", "equals sign"];
    let told = text_of(&result);
    assert!(spoken.iter().any(|word| told.contains(word)), "{told}");
    assert_ne!(server.sign_in("nsg", &password).await, SignIn::Refused);
    server
        .set("cn=config", "passwordMinSpecials", Some("0"))
        .await;
    server
        .set("cn=config", "passwordCheckSyntax", Some("off"))
        .await;
}

/// Chance may keep to it the next time, a longer password never does so better.
async fn a_policy_that_limits_a_class_of_characters_is_named(server: &Server) {
    let set = async |name, value| server.set("cn=config", name, Some(value)).await;
    set("passwordCheckSyntax", "on").await;
    set("passwordMaxClassChars", "1").await;
    let told = text_of(&reset(&server.bot_bound_by_policy().await, "pol").await);
    set("passwordMaxClassChars", "0").await;
    set("passwordCheckSyntax", "off").await;
    assert!(
        told.contains("characters of one class in a row")
            && told.contains("passwordMaxClassChars")
            && told.contains("run the command again")
            && told.contains(NOTHING),
        "{told}"
    );
}

/// FreeIPA lets a password that somebody else set expire at once. What is compared are times, not texts, and the time of the
/// last change is not always there.
async fn a_password_that_has_expired_has_to_be_changed(server: &Server) {
    for (name, is_expired) in [("ipc", true), ("ipd", true), ("ipe", false)] {
        let bot = TestBot::with_directory(&server.settings_as("plain")).await;
        let told = text_of(&reset(&bot, name).await);
        assert_eq!(
            told.contains("must set a new one ✓"),
            is_expired,
            "{name}: {told}"
        );
        assert_eq!(
            told.contains("must set a new one: not enforced by the directory"),
            !is_expired,
            "{name}: {told}"
        );
    }
}

/// It makes members of `nsPerson`, and groups of `groupOfNames`; the settings name no filter.
async fn who_the_servers_own_tool_makes_is_found(server: &Server) {
    let result = reset(&server.bot().await, "nsp").await;
    let password = shown_password(&result).expect("a password");
    assert_eq!(server.sign_in("nsp", &password).await, SignIn::MustChange);
    let keys = ["cn=keys,ou=groups,dc=corp,dc=example"];
    let bot = TestBot::with_directory(&server.settings_protecting(&keys)).await;
    let told = card_text(&bot, "nsg").await;
    assert!(
        told.contains("is protected") && told.contains(NOTHING),
        "{told}"
    );
}

/// There the server forces a change only when its password administrator reset it; what is told is what was read back.
async fn a_change_that_is_not_forced_is_told(server: &Server) {
    let bot = server.bot_bound_by_policy().await;
    let result = reset(&bot, "inj").await;
    assert!(
        text_of(&result).contains("must set a new one: not enforced by the directory"),
        "{}",
        text_of(&result)
    );
    assert_eq!(
        server
            .sign_in("inj", &shown_password(&result).unwrap())
            .await,
        SignIn::In
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs samba and krb5-user"]
async fn active_directory() {
    let server = Server::start(Kind::Samba).await;
    privileged::who_administers_the_domain_is_reset_by_nobody(&server).await;
    privileged::who_became_privileged_meanwhile_is_not_reset(&server).await;
    privileged::a_primary_group_gives_a_role(&server).await;
    privileged::groups_that_cannot_be_seen_stop_everything(&server).await;
    self_write::active_directory_tells_by_its_descriptors(&server).await;
    who_has_expired_is_refused_with_the_date(&server, "exp").await;
    phones::a_phone_is_read_with_the_country_of_its_entry(&server, &["ger", "num"]).await;
    phones::a_country_of_zero_is_none(&server).await;
    a_group_that_is_not_there_stops_everything(&server).await;
    all(server).await;
}
