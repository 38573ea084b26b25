//! Settings in environment variables: a complaint names the variable, and what Kubernetes sets is none of ours.

use super::{Place, Ran};

fn run(settings: &str, variables: &[(&str, &str)]) -> Ran {
    let place = Place::new(settings);
    let mut command = place.command(&["members", "list"]);
    command.envs(variables.iter().copied());
    Ran::of(command.output().unwrap())
}

#[test]
fn a_complaint_names_the_variable() {
    for (name, value, told) in [
        (
            "RELATCH_POLICY__WINDOW",
            "soon",
            "policy.window (RELATCH_POLICY__WINDOW): \"soon\" is not a length of time; write it like 10s, 15m, 24h or 7d",
        ),
        (
            "RELATCH_POLICY__RESETS_PER_ADMIN",
            "many",
            "policy.resets_per_admin (RELATCH_POLICY__RESETS_PER_ADMIN): must be a whole number",
        ),
        (
            "RELATCH_LISTEN",
            "localhost",
            "listen (RELATCH_LISTEN): \"localhost\" cannot be used (invalid socket address syntax); write it like 127.0.0.1:8080",
        ),
        (
            "RELATCH_POLICY__SEND",
            "link",
            "policy.send (RELATCH_POLICY__SEND): is \"link\", and there is neither",
        ),
        (
            "RELATCH_POLCY__WINDOW",
            "1h",
            "polcy (RELATCH_POLCY__WINDOW): is no setting; did you mean RELATCH_POLICY__WINDOW?",
        ),
        (
            "RELATCH_POLICY__WINDWO",
            "1h",
            "policy.windwo (RELATCH_POLICY__WINDWO): is no setting; did you mean RELATCH_POLICY__WINDOW?",
        ),
        (
            "RELATCH_POLICY_WINDOW",
            "1h",
            "policy_window (RELATCH_POLICY_WINDOW): is no setting; did you mean RELATCH_POLICY__WINDOW?",
        ),
        (
            "RELATCH_SMS__TOKEN_FILE",
            "/nowhere",
            "sms.token_file (RELATCH_SMS__TOKEN_FILE): /nowhere is not there",
        ),
        (
            "RELATCH_DIRECTORY__2__NAME",
            "a/b",
            "directory[2].name (RELATCH_DIRECTORY__2__NAME): must be 1 to 40 characters",
        ),
        (
            "RELATCH_DIRECTORY__2__PASWORD",
            "canary",
            "directory[2].pasword (RELATCH_DIRECTORY__2__PASWORD): is no setting; did you mean RELATCH_DIRECTORY__2__PASSWORD?",
        ),
        (
            "RELATCH_DIRECTORY__9__PASSWORD",
            "canary",
            "RELATCH_DIRECTORY__9__PASSWORD: names no [[directory]]; RELATCH_DIRECTORY__1__PASSWORD is the password of the first",
        ),
    ] {
        let ldap = "[[directory]]\nkind = \"ldap\"\ndomains = [\"a.example\"]\nurl = \"ldaps://ldap.acme.example\"\n\
            bind_dn = \"cn=relatch\"\npassword = \"x\"\nbase = \"ou=people\"\nprimary_admin_groups = [\"cn=admins\"]\n";
        let other = ldap
            .replace("a.example", "b.example")
            .replace("bind_dn", "name = \"Two\"\nbind_dn");
        let sms = "[sms]\nkind = \"webhook\"\nurl = \"https://sms.acme.example/\"\n";
        let settings = if name.contains("SMS") {
            sms.to_owned()
        } else if name.contains("DIRECTORY") {
            format!("{ldap}{other}")
        } else {
            String::new()
        };
        let ran = run(&settings, &[(name, value)]);
        assert_eq!(ran.code, 78, "{name}: {}", ran.err);
        assert!(ran.err.contains(told), "{name}: {}", ran.err);
        assert!(!ran.err.contains("canary"), "a secret: {}", ran.err);
    }
}

/// Kubernetes describes every service of a namespace to every pod of it; one may be called relatch.
#[test]
fn what_kubernetes_sets_is_ignored() {
    let address = "tcp://10.43.7.7:8080";
    let variables = [
        ("RELATCH_SERVICE_HOST", "10.43.7.7"),
        ("RELATCH_SERVICE_PORT", "8080"),
        ("RELATCH_SERVICE_PORT_HTTP", "8080"),
        ("RELATCH_PORT", address),
        ("RELATCH_PORT_8080_TCP", address),
        ("RELATCH_PORT_8080_TCP_PROTO", "tcp"),
        ("RELATCH_PORT_8080_TCP_PORT", "8080"),
        ("RELATCH_PORT_8080_TCP_ADDR", "10.43.7.7"),
    ];
    let ran = run("", &variables);
    assert!(
        ran.code == 0 && !ran.err.contains("RELATCH_"),
        "{}",
        ran.err
    );
    // Others that begin so are ours, or nobody's.
    for name in ["RELATCH_PORTS", "RELATCH_SERVICE", "RELATCH_SERVICE__PORT"] {
        let ran = run("", &[(name, "x")]);
        assert!(
            ran.code == 78 && ran.err.contains(name),
            "{name}: {}",
            ran.err
        );
    }
}

/// A complaint about the file names it and the line, and shows how the line is written.
#[test]
fn a_line_that_is_not_understood_is_named_with_its_file() {
    for (settings, told) in [
        (
            "listen = \"127.0.0.1:0\"\norganization = Acme\n",
            "relatch.toml, line 2: is not TOML: a text stands in quotes, such as organization = \"Acme\"",
        ),
        (
            "log = \"info\"\nlog = \"warn\"\n",
            "relatch.toml, line 2: is not TOML: this key stands in the section twice",
        ),
        (
            "[policy\nwindow = \"1h\"\n",
            "relatch.toml, line 1: is not TOML: the name of a section stands in brackets, such as [policy]",
        ),
        (
            "[admins]\nprimary = [\"jo@acme.example\" \"kim@acme.example\"]\n",
            "relatch.toml, line 2: is not TOML: write a line as log = \"info\", a section as [policy], a list as",
        ),
    ] {
        let ran = run(settings, &[]);
        assert_eq!(ran.code, 78);
        assert!(ran.err.contains(told), "{}", ran.err);
    }
    // An editor for Windows puts a mark before it.
    let ran = run("\u{feff}listen = \"127.0.0.1:0\"\r\n", &[]);
    assert_eq!(ran.code, 0, "{}", ran.err);
}
