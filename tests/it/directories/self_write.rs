//! `relatch check` on real servers: members who may write what relatch trusts are a warning, and never a failure.

use std::process::Command;

use super::*;
use crate::support::directories::ldap::Server;

/// What is warned of with these settings.
async fn warnings(settings: &str) -> Vec<String> {
    let bot = TestBot::with_directory(settings).await;
    let home = bot.app.directories.remote().next().unwrap();
    assert_eq!(home.probe().await, Ok(()));
    home.warnings().await
}

/// Runs `relatch check` as an operator does: whether it ended with 0, and what it printed.
async fn check(server: &Server) -> (bool, String) {
    let settings = format!(
        "listen = \"127.0.0.1:0\"\nhelp_url = \"https://help.corp.example\"\n[admins]\nsource = \"list\"\nprimary = [\"eli@corp.example\"]\n\
         [[directory]]\n{}\n[[directory]]\nkind = \"builtin\"\n",
        server.own_settings()
    );
    std::fs::write(server.folder.join("relatch.toml"), settings).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_relatch"));
    command.arg("check").current_dir(&server.folder).env_clear();
    // What stands between the program and the server runs on this thread.
    let ran = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    (ran.status.success(), String::from_utf8(ran.stdout).unwrap())
}

/// Active Directory lets everybody write their own mobile number and country, and not their e-mail; here one group lets them join, too.
pub(super) async fn active_directory_tells_by_its_descriptors(server: &Server) {
    let told = warnings(&server.own_settings()).await;
    assert!(
        matches!(&*told, [one] if one.contains(" may write mobile and c of their own entry")),
        "{told:?}"
    );
    let told =
        warnings(&server.settings_protecting(&["CN=joinable,CN=Users,DC=corp,DC=example"])).await;
    assert!(
        told.iter()
            .any(|one| one.contains("may write member of CN=joinable,")),
        "{told:?}"
    );
    let settings = server.own_settings();
    let unnamed: Vec<&str> = settings
        .lines()
        .filter(|line| !line.starts_with("check_account"))
        .collect();
    let told = warnings(&unnamed.join("\n")).await;
    assert!(
        matches!(&*told, [one] if one.starts_with("unknown ") && one.contains("check_account")),
        "{told:?}"
    );

    let (is_good, printed) = check(server).await;
    assert!(
        is_good && printed.contains("ok    directory[1]: Corp directory"),
        "{printed}"
    );
    assert!(
        printed.contains("warn  directory[1]: Corp directory: ")
            && printed.contains("may write mobile"),
        "{printed}"
    );
}

/// The server tells the rights of others only to its own administrator: relatch's account hears nothing, and says so. As
/// the administrator nothing is warned of until a rule lets members write, and then exactly that.
pub(super) async fn server_389_tells_by_its_effective_rights(server: &Server) {
    let told = warnings(&server.own_settings()).await;
    assert_eq!(
        told.len(),
        2,
        "one for the entry, one for the group: {told:?}"
    );
    assert!(
        told.iter()
            .all(|one| one.starts_with("unknown ") && one.contains("Directory Manager")),
        "{told:?}"
    );
    let (is_good, printed) = check(server).await;
    assert!(
        is_good && printed.contains("warn  directory[1]: Corp directory: unknown "),
        "{printed}"
    );

    let told_to_root = async || {
        let bot = TestBot::with_directory(&server.settings_as_root()).await;
        bot.app
            .directories
            .remote()
            .next()
            .unwrap()
            .warnings()
            .await
    };
    assert_eq!(told_to_root().await, Vec::<String>::new());
    let rule = "(targetattr = \"mail || member\")(version 3.0; acl \"own\"; allow (write) userdn = \"ldap:///all\";)";
    let places = [
        "ou=people,dc=corp,dc=example",
        "cn=guarded,dc=corp,dc=example",
    ];
    for place in places {
        server.add_value(place, "aci", rule).await;
    }
    let told = told_to_root().await;
    for place in places {
        server.remove_value(place, "aci", rule).await;
    }
    let [entry, group] = &*told else {
        panic!("{told:?}")
    };
    assert!(
        entry.contains(" may write mail of their own entry"),
        "{entry}"
    );
    assert!(
        group.contains(" may write member of cn=guarded,dc=corp,dc=example"),
        "{group}"
    );
}

/// OpenLDAP has no way to ask for the rights of somebody else.
pub(super) async fn openldap_does_not_tell(server: &Server) {
    let told = warnings(&server.own_settings()).await;
    assert!(
        matches!(&*told, [one] if one.starts_with("unknown ") && one.contains("does not tell")),
        "{told:?}"
    );
    let (is_good, printed) = check(server).await;
    assert!(
        is_good && printed.contains("warn  directory[1]: Corp directory: unknown "),
        "{printed}"
    );
}
