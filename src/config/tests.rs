//! Settings: defaults, precedence, and every mistake told at once without a secret in it.

use std::time::Duration;

use super::*;

fn problems(text: &str) -> Vec<String> {
    match Settings::read(text, &[]) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.0.iter().map(ToString::to_string).collect(),
    }
}

fn slack(extra: &str) -> String {
    format!(
        "[slack]\nsigning_secret = \"8f742231b10e8888abcd99yyyzzz85a5\"\nbot_token = \"xoxb-1234567890-abcdef\"\nteam_id = \"T1\"\n{extra}"
    )
}

#[test]
fn the_defaults_load() {
    let settings = Settings::read("", &[]).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(
        settings.limit,
        Limit {
            resets: 5,
            window: Span::hours(24)
        }
    );
    assert!(settings.chats.is_empty() && settings.channels.is_empty());
}

#[test]
fn environment_stands_over_file_over_default() {
    let environment = [
        ("RELATCH_POLICY__WINDOW".to_owned(), "3h".to_owned()),
        ("RELATCH_LISTEN".to_owned(), "127.0.0.1:1".to_owned()),
    ];
    let text = "organization = \"Big Acme\"\n[policy]\nwindow = \"2h\"\nresets_per_admin = 3\n";
    let settings =
        Settings::read(text, &environment).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(
        settings.limit,
        Limit {
            resets: 3,
            window: Span::hours(3)
        }
    );
    assert_eq!(
        (settings.organization.as_str(), settings.listen.port()),
        ("Big Acme", 1)
    );
}

/// One mistake or more in every section.
const MISTAKES: &str = r#"
        listen = "nowhere"
        public_url = "http://reset.acme.example"
        database = "postgres://x"
        organization = ""
        help_url = "ftp://x"
        security_email = "nobody"
        time_zone = "Mars/Olympus"
        log = "loud"
        admin_listen = "127.0.0.1:9090"
        databse = "x"
        [policy]
        profile = "lax"
        send = "post"
        resets_per_admin = 0
        window = "24x"
        password_length = 7
        password_lifetime = "0s"
        offer_lifetime = 10
        new_password_min_length = 4
        windwo = "1h"
        [admins]
        source = "list"
        primary = ["nobody"]
        [identity]
        match = "name"
        [slack]
        signing_secret = "canary-changeme-secret"
        bot_token = "canary"
        team_id = "X1"
        response_origins = ["https://hooks.slack.com/path"]
        [email]
        smtp_url = "http://canary:canary@mail"
        from = "it@acme.example"
        [sms]
        kind = "pigeon"
        [discord]
        application_id = "x"
        public_key = "x"
        bot_token = "canary"
        [mattermost]
        url = "https://chat.acme.example"
        command_tokens = ["x"]
        [lark]
        app_id = "x"
        [[directory]]
        kind = "ldap"
        "#;

/// All mistakes at once, each with its key.
#[test]
fn every_mistake_is_told_at_once_with_its_key() {
    let told = problems(MISTAKES);
    for key in [
        "listen",
        "public_url",
        "database",
        "organization",
        "help_url",
        "security_email",
        "time_zone",
        "log",
        "admin_listen",
        "databse",
        "policy.profile",
        "policy.send",
        "policy.resets_per_admin",
        "policy.window",
        "policy.password_length",
        "policy.password_lifetime",
        "policy.offer_lifetime",
        "policy.new_password_min_length",
        "policy.windwo",
        "admins.primary",
        "identity.match",
        "slack.signing_secret",
        "slack.bot_token",
        "slack.team_id",
        "slack.response_origins",
        "email.smtp_url",
        "sms.kind",
        "discord.application_id",
        "discord.guild_id",
        "discord.public_key",
        "discord.bot_token",
        "mattermost.command_tokens",
        "mattermost.bot_token",
        "lark.app_secret",
        "lark.encrypt_key",
        "lark.verification_token",
        "lark.tenant_key",
        "directory.url",
        "directory.bind_dn",
        "directory.password",
        "directory.base",
    ] {
        assert!(
            told.iter()
                .any(|line| line.starts_with(&format!("{key}: "))),
            "{key} is not told in {told:#?}"
        );
    }
    assert!(
        told.iter()
            .any(|line| line.contains("did you mean window?")),
        "{told:#?}"
    );
    assert!(
        told.iter()
            .any(|line| line.contains("did you mean database?")),
        "{told:#?}"
    );
    assert!(
        !told.concat().contains("canary"),
        "a secret was told: {told:#?}"
    );
}

#[test]
fn a_file_that_is_no_toml_is_told_by_line_without_its_text() {
    let told = problems("listen = \"x\"\nbot_token = canary-without-quotes\n");
    assert!(
        told.len() == 1 && told[0].starts_with("line 2: is not TOML: "),
        "{told:?}"
    );
    for (text, line) in [
        ("log = \"info\"\nlisten = \"x\"\nlog = \"info\"\n", 3),
        ("= 1\n", 1),
        ("log = \"info\"\n[policy\n", 2),
    ] {
        let line = format!("line {line}: is not TOML: ");
        assert!(problems(text)[0].starts_with(&line), "{text}");
    }
}

#[test]
fn secrets_come_from_files_too() {
    let path = std::env::temp_dir().join(format!("relatch-secret-{}", std::process::id()));
    std::fs::write(&path, "8f742231b10e8888abcd99yyyzzz85a5\n").unwrap();
    let text = format!(
        "[slack]\nsigning_secret_file = \"{}\"\nbot_token = \"xoxb-1234567890-abcdef\"\nteam_id = \"T1\"\n",
        path.display()
    );
    assert_eq!(problems(&text), Vec::<String>::new());
    assert_eq!(
        problems(&format!(
            "{text}signing_secret = \"8f742231b10e8888abcd99yyyzzz85a5\"\n"
        ))
        .len(),
        1
    );
    std::fs::remove_file(&path).unwrap();
    assert!(problems(&text)[0].starts_with("slack.signing_secret_file: "));
}

#[test]
fn each_gateway_has_its_own_settings() {
    for good in [
        "kind = \"webhook\"\nurl = \"https://sms.example/\"\ntoken = \"1234567890abcdef\"",
        "kind = \"twilio\"\naccount_sid = \"AC1\"\nauth_token = \"1234567890abcdef\"\nfrom = \"+16502530000\"",
        "kind = \"kannel\"\nurl = \"http://127.0.0.1:13013/cgi-bin/sendsms\"\nusername = \"bot\"\npassword = \"x\"",
    ] {
        assert_eq!(problems(&format!("[sms]\n{good}\n")), Vec::<String>::new());
    }
    assert_eq!(problems("[sms]\nkind = \"webhook\"\n").len(), 2);
    assert_eq!(problems(&slack("")), Vec::<String>::new());
}

/// Links need pages to lead to and a channel to go by; "strict" sends nothing else.
#[test]
fn one_time_links_need_pages_and_a_channel() {
    let sms =
        "[sms]\nkind = \"webhook\"\nurl = \"https://sms.example/\"\ntoken = \"1234567890abcdef\"\n";
    let url = "public_url = \"https://reset.acme.example\"\n";
    for policy in [
        "profile = \"strict\"",
        "send = \"link\"",
        "profile = \"strict\"\nsend = \"link\"",
    ] {
        let policy = format!("[policy]\n{policy}\n");
        assert_eq!(
            problems(&format!("{url}{policy}{sms}")),
            Vec::<String>::new()
        );
        assert!(problems(&format!("{policy}{sms}"))[0].starts_with("public_url: is missing"));
        assert!(problems(&format!("{url}{policy}"))[0].starts_with("policy.send: "));
        let long = format!("public_url = \"https://{}.example\"\n", "a".repeat(60));
        assert!(
            problems(&format!("{long}{policy}{sms}"))[0].starts_with("public_url: is too long")
        );
    }
    assert!(
        problems(&format!(
            "{url}[policy]\nprofile = \"strict\"\nsend = \"password\"\n{sms}"
        ))
        .len()
            == 1
    );
    let strict = Settings::read(&format!("{url}[policy]\nprofile = \"strict\"\n{sms}"), &[]);
    let ways = strict.unwrap_or_else(|problems| panic!("{problems}")).ways;
    assert_eq!(
        ways,
        Ways {
            is_strict: true,
            carries: Carries::Link
        }
    );
}

/// The settings with a page for the guide, which every directory but the built-in one needs.
fn helped(text: &str) -> String {
    format!("help_url = \"https://help.acme.example\"\n{text}")
}

fn with_help(text: &str) -> Vec<String> {
    problems(&helped(text))
}

fn ldap(extra: &str) -> String {
    format!(
        "[[directory]]\nkind = \"ldap\"\nurl = \"ldaps://ldap.acme.example\"\nbind_dn = \"cn=relatch\"\nbase = \"ou=people\"\nprimary_admin_groups = [\"cn=admins\"]\n{extra}\n"
    )
}

/// Several directories, each for its domains; a secret may come from the environment.
#[test]
fn directories_stand_side_by_side() {
    let text = format!(
        "{}{}[[directory]]\nkind = \"builtin\"\n",
        ldap("name = \"One\"\npassword = \"x\"\ndomains = [\"One.example\"]"),
        ldap("name = \"Two\"\ndomains = [\"two.example\"]"),
    );
    let secret = [(
        "RELATCH_DIRECTORY__2__PASSWORD".to_owned(),
        "from the environment".to_owned(),
    )];
    let settings =
        Settings::read(&helped(&text), &secret).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(settings.directories.len(), 3);
    assert_eq!(
        with_help(&text),
        ["directory[2].password: is missing; give it here or as password_file"]
    );
    let nowhere = [("RELATCH_DIRECTORY__9__PASSWORD".to_owned(), "x".to_owned())];
    assert!(Settings::read(&helped(&text), &nowhere).is_err());
}

/// What would leave in the clear, what two directories would share, and what only our own pages can do.
#[test]
fn directories_that_cannot_be_are_told() {
    let alone = |extra: &str| with_help(&ldap(&format!("password = \"x\"\n{extra}")));
    assert_eq!(alone(""), Vec::<String>::new());
    assert!(alone("tls = \"none\"")[0].starts_with("directory.tls: may be \"none\" only"));
    assert!(
        alone("filter = \"objectClass=*\"")[0]
            .starts_with("directory.filter: must be an LDAP filter")
    );
    assert!(alone("email_attribute = \"mail)(uid\"")[0].starts_with("directory.email_attribute: "));
    assert!(alone("name = \"a/b\"")[0].starts_with("directory.name: "));
    assert!(alone("domains = [\"not a domain\"]")[0].starts_with("directory.domains: "));
    assert!(alone("ca_file = \"/dev/null\"")[0].starts_with("directory.ca_file: "));
    assert!(alone("bind = \"x\"")[0].starts_with("directory.bind: is no setting"));
    let plain = ldap("password = \"x\"\ntls = \"none\"")
        .replace("ldaps://ldap.acme.example", "ldap://127.0.0.1:3890");
    assert_eq!(with_help(&plain), Vec::<String>::new());

    let one = ldap("password = \"x\"\ndomains = [\"acme.example\"]");
    let twice = with_help(&format!("{one}{one}"));
    assert!(
        twice
            .iter()
            .any(|told| told.starts_with("directory.name: \"LDAP directory\" is given to two")),
        "{twice:?}"
    );
    assert!(
        twice
            .iter()
            .any(|told| told.starts_with("directory.domains: acme.example is given to two")),
        "{twice:?}"
    );
    let first = with_help(&format!("[[directory]]\nkind = \"builtin\"\n{one}"));
    assert!(
        first[0].starts_with("directory.domains: is missing; only the last"),
        "{first:?}"
    );
    assert_eq!(with_help("[[directory]]\nkind = \"nis\"\n").len(), 1);
    assert_eq!(
        with_help("directory = \"ldap\"\n"),
        ["directory: must be written [[directory]]"]
    );

    let sms =
        "[sms]\nkind = \"webhook\"\nurl = \"https://sms.example/\"\ntoken = \"1234567890abcdef\"\n";
    let link = format!(
        "public_url = \"https://reset.acme.example\"\n[policy]\nsend = \"link\"\n{sms}{one}"
    );
    assert!(
        with_help(&link)[0].starts_with("policy.send: must be \"password\""),
        "{:?}",
        with_help(&link)
    );
}

/// "directory" is the default, and a directory that is not ours names nobody by itself.
#[test]
fn some_directory_must_name_administrators() {
    let bare = |text: &str| text.replace("primary_admin_groups = [\"cn=admins\"]\n", "");
    let ldap = ldap("password = \"x\"\ndomains = [\"acme.example\"]");
    let keycloak = "[[directory]]\nkind = \"keycloak\"\nurl = \"https://login.acme.example\"\nrealm = \"acme\"\n\
        client_id = \"relatch\"\nclient_secret = \"8f742231b10e8888abcd99yyyzzz85a5\"\ndomains = [\"b.example\"]\n";
    for nobody in [
        bare(&ldap),
        keycloak.to_owned(),
        format!("{}{keycloak}", bare(&ldap)),
    ] {
        let told = with_help(&nobody);
        assert!(
            matches!(&*told, [one] if one.starts_with("admins.source: is \"directory\"")),
            "{nobody}: {told:?}"
        );
        let list =
            format!("[admins]\nsource = \"list\"\nprimary = [\"jo@acme.example\"]\n{nobody}");
        assert_eq!(with_help(&list), Vec::<String>::new());
        assert_eq!(
            with_help(&format!("{nobody}[[directory]]\nkind = \"builtin\"\n")),
            Vec::<String>::new()
        );
    }
    assert_eq!(
        with_help(&format!(
            "{}{keycloak}primary_admin_roles = [\"it\"]\n",
            bare(&ldap)
        )),
        Vec::<String>::new()
    );
    assert_eq!(
        with_help(&format!(
            "{}{keycloak}member_and_department_roles = [\"desk\"]\n",
            bare(&ldap)
        )),
        Vec::<String>::new()
    );
    // Of a directory that cannot be read nobody knows what it names.
    assert!(
        !with_help("[[directory]]\nkind = \"ldap\"\n")
            .concat()
            .contains("admins.source")
    );
}

/// Who speaks to one app shares its token: a second secret would never be used.
#[test]
fn one_app_of_lark_has_one_secret() {
    let chat = "[lark]\napp_id = \"cli_a1b2\"\napp_secret = \"8f742231b10e8888abcd99yyyzzz85a5\"\n\
        encrypt_key = \"8f742231b10e8888abcd99yyyzzz85a5\"\nverification_token = \"8f742231b10e8888abcd99yyyzzz85a5\"\n\
        tenant_key = \"t1\"\n";
    let directory = |id: &str, secret: &str| {
        format!(
            "{chat}[[directory]]\nkind = \"lark\"\napp_id = \"{id}\"\napp_secret = \"{secret}\"\n"
        )
    };
    assert_eq!(
        with_help(&directory("cli_a1b2", "8f742231b10e8888abcd99yyyzzz85a5")),
        Vec::<String>::new()
    );
    assert_eq!(
        with_help(&directory("cli_c3d4", "an-other-secret-of-canary")),
        Vec::<String>::new()
    );
    let told = with_help(&directory("cli_a1b2", "an-other-secret-of-canary"));
    assert!(
        matches!(&*told, [one] if one.starts_with("lark.app_secret: ")),
        "{told:?}"
    );
    assert!(!told.concat().contains("canary"));
    let other_cloud = directory("cli_a1b2", "an-other-secret-of-canary")
        + "api_url = \"https://open.feishu.cn/open-apis/\"\n";
    assert_eq!(with_help(&other_cloud), Vec::<String>::new());
}

/// A mistake here would trust a stranger's header, or nobody's.
#[test]
fn proxies_and_idle_times_that_cannot_be_are_told_with_an_example() {
    let settings = |text: &str| {
        Settings::read(text, &[])
            .unwrap_or_else(|problems| panic!("{problems}"))
            .front
    };
    let default = settings("");
    assert_eq!(default.keep_alive, Duration::from_secs(130));
    assert!(default.trusted_proxies.has("127.0.0.1".parse().unwrap()));
    let set = settings("trusted_proxies = [\"10.1.0.0/16\", \"fd00::5\"]\nkeep_alive = \"2m\"");
    assert!(
        set.trusted_proxies.has("10.1.2.3".parse().unwrap())
            && set.trusted_proxies.has("fd00::5".parse().unwrap())
    );
    assert!(!set.trusted_proxies.has("127.0.0.1".parse().unwrap()));
    assert_eq!(set.keep_alive, Duration::from_mins(2));
    assert!(
        !settings("trusted_proxies = []")
            .trusted_proxies
            .has("127.0.0.1".parse().unwrap())
    );
    let told = with_help(
        "trusted_proxies = [\"proxy\", \"10.0.0.1/8\", \"0.0.0.0/0\"]\nkeep_alive = \"0s\"",
    )
    .join("\n");
    for part in [
        "\"proxy\" is no network",
        "10.0.0.0/8",
        "\"0.0.0.0/0\" trusts everybody",
        "keep_alive: must be from 1s",
    ] {
        assert!(told.contains(part), "{part} is not in {told}");
    }
}

/// S6, S7: the guide leads members of another directory to `help_url`; the built-in one has pages of its own. Where it is
/// missing the guide is not offered: `serve` warns, `check` fails, and nothing else stops.
#[test]
fn another_directory_needs_a_page_for_the_guide() {
    let warnings = |text: &str| {
        let settings = Settings::read(text, &[]).unwrap_or_else(|problems| panic!("{problems}"));
        let warnings = settings.warnings.into_iter();
        warnings
            .map(|one| (one.fails_check, one.to_string()))
            .collect::<Vec<_>>()
    };
    let keycloak = "[admins]\nsource = \"list\"\nprimary = [\"jo@acme.example\"]\n[[directory]]\nkind = \"keycloak\"\n\
        url = \"https://login.acme.example\"\nrealm = \"acme\"\nclient_id = \"relatch\"\n\
        client_secret = \"8f742231b10e8888abcd99yyyzzz85a5\"\ndomains = [\"b.example\"]\n";
    for text in [
        keycloak.to_owned(),
        format!("{keycloak}[[directory]]\nkind = \"builtin\"\n"),
    ] {
        let told = warnings(&text);
        assert!(
            matches!(&*told, [(true, one)] if one.starts_with("help_url: is missing, so no card offers the guide")),
            "{told:?}"
        );
        assert_eq!(warnings(&helped(&text)), []);
    }
    assert_eq!(warnings("[[directory]]\nkind = \"builtin\"\n"), []);
}

/// A code alone signs members in only where they sign in here, can be sent one and can be told of it, and never where the
/// profile is "strict".
#[test]
fn a_code_alone_signs_in_only_where_the_rest_fits() {
    const SMS: &str =
        "[sms]\nkind = \"webhook\"\nurl = \"https://sms.example/\"\ntoken = \"1234567890abcdef\"\n";
    let on = |top: &str, policy: &str, rest: &str| {
        problems(&format!(
            "{top}[policy]\ncode_sign_in = true\n{policy}{rest}"
        ))
    };
    let url = "public_url = \"https://reset.acme.example\"\n";
    assert_eq!(on(url, "", SMS), Vec::<String>::new());
    let told = on(url, "profile = \"strict\"\n", SMS);
    assert!(
        matches!(&*told, [one] if one.starts_with("policy.code_sign_in: must be false where profile is \"strict\"")),
        "{told:?}"
    );
    let told = on("", "", SMS);
    assert!(
        matches!(&*told, [one] if one.starts_with("public_url: is missing")),
        "{told:?}"
    );
    let told = on(url, "", "");
    assert!(
        matches!(&*told, [one] if one.starts_with("policy.code_sign_in: is true, and there is neither")),
        "{told:?}"
    );
    let keycloak = format!(
        "{SMS}[admins]\nsource = \"list\"\nprimary = [\"jo@acme.example\"]\n[[directory]]\nkind = \"keycloak\"\n\
        url = \"https://login.acme.example\"\nrealm = \"acme\"\nclient_id = \"relatch\"\n\
        client_secret = \"8f742231b10e8888abcd99yyyzzz85a5\"\n"
    );
    let told = on(
        &format!("{url}help_url = \"https://help.acme.example\"\n"),
        "",
        &keycloak,
    );
    assert!(
        matches!(&*told, [one] if one.starts_with("policy.code_sign_in: must be false where no directory")),
        "{told:?}"
    );
    assert_eq!(
        problems("[policy]\ncode_sign_in = \"often\"\n"),
        ["policy.code_sign_in: must be true or false"]
    );
    let defaults = Settings::read("", &[]).unwrap_or_else(|problems| panic!("{problems}"));
    assert!(!defaults.code_sign_in);
}

/// People who need help dial it, from any country.
#[test]
fn a_help_phone_can_be_dialled() {
    for wrong in ["0555", "4711", "+82", "ask Kim"] {
        let told = problems(&format!("help_phone = \"{wrong}\"\n"));
        let wanted = format!(
            "help_phone: \"{wrong}\" is not a complete phone number with its country code, such as +82 2 555 0100"
        );
        assert!(told.contains(&wanted), "{told:?}");
    }
    let told = problems("help_phone = \"+82 2 555 0100\"\n");
    assert!(
        !told.iter().any(|one| one.starts_with("help_phone")),
        "{told:?}"
    );
}

/// The SMS with a password says where to sign in. Where `public_url` is too long for that, `serve` warns and `check` fails.
#[test]
fn the_address_of_the_sign_in_fits_into_the_sms() {
    let sms = "[sms]\nkind = \"webhook\"\nurl = \"https://sms.acme.example/send\"\ntoken = \"0123456789abcdef0123\"\n";
    let told = |length: usize, password_length: u8| {
        let url = format!("https://{}.example", "w".repeat(length - 16));
        let text = format!(
            "public_url = \"{url}\"\n[[directory]]\nkind = \"builtin\"\n[policy]\npassword_length = {password_length}\n{sms}"
        );
        let settings = Settings::read(&text, &[]).unwrap_or_else(|problems| panic!("{problems}"));
        let warnings = settings.warnings.into_iter();
        warnings
            .map(|one| (one.fails_check, one.to_string()))
            .collect::<Vec<_>>()
    };
    for (longest, password_length) in [(77, 8), (61, 24)] {
        assert_eq!(told(longest, password_length), []);
        let wanted = format!(
            "public_url: is too long for the SMS with a password of {password_length} characters, which leaves it out; \
            {longest} characters are the most"
        );
        assert_eq!(told(longest + 1, password_length), [(true, wanted)]);
    }
}
