//! OpenLDAP, 389 Directory Server and Samba, each started in a folder of its own on loopback.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ldap3::exop::PasswordModify;
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, Mod, Scope, SearchEntry};
use relatch::surface::net;

use super::proxy::{self, Seen};
use super::{CHOSEN, SignIn, TestBot, Traits, Trouble, World};

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    OpenLdap,
    /// Its policy does not hash what a Modify writes.
    UnhashedOpenLdap,
    /// The policy's module is loaded, and there is no overlay on the members' database.
    OpenLdapModule,
    /// Without the overlay for a password policy.
    PlainOpenLdap,
    Server389,
    Samba,
}

/// OpenLDAP's policy for passwords.
const POLICY: &str = "cn=policy,dc=corp,dc=example";

/// A running server, ended when it is dropped.
pub(crate) struct Server {
    kind: Kind,
    child: Child,
    pub(crate) folder: PathBuf,
    /// Where it listens for TLS.
    address: SocketAddr,
    /// Where the bot is sent to.
    proxy: SocketAddr,
    pub(crate) seen: Seen,
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/servers")
        .join(name)
}

impl Server {
    pub(crate) async fn start(kind: Kind) -> Self {
        let folder = crate::support::fresh_folder();
        assert!(
            Command::new(script("pki.sh"))
                .arg(&folder)
                .status()
                .unwrap()
                .success(),
            "openssl is needed"
        );
        // Each server has a port of its own, so that all can run at once.
        let (name, how, address): (_, &[&str], _) = match kind {
            Kind::OpenLdap => ("slapd.sh", &["3890"], "127.0.0.1:3891"),
            Kind::UnhashedOpenLdap => ("slapd.sh", &["3870", "unhashed"], "127.0.0.1:3871"),
            Kind::OpenLdapModule => ("slapd.sh", &["3860", "module"], "127.0.0.1:3861"),
            Kind::PlainOpenLdap => ("slapd.sh", &["3880", "plain"], "127.0.0.1:3881"),
            Kind::Server389 => ("ds389.sh", &["3990"], "127.0.0.1:3991"),
            Kind::Samba => ("samba.sh", &[""], "127.0.0.88:636"),
        };
        let log = std::fs::File::create(folder.join("start.log")).unwrap();
        // The server goes with the tests, however they end.
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "TERM"])
            .arg(script(name))
            .arg(&folder)
            .args(how)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("setpriv of util-linux is needed");
        let address: SocketAddr = address.parse().unwrap();
        let (proxy, seen) = proxy::start(&folder, "ours", address).await;
        let server = Self {
            kind,
            child,
            folder,
            address,
            proxy,
            seen,
        };
        server.wait().await;
        server
    }

    async fn wait(&self) {
        let patience = Instant::now() + Duration::from_mins(2);
        while Instant::now() < patience {
            let is_ready = self.is_openldap() || self.folder.join("ready").exists();
            if is_ready
                && self
                    .bind(&self.dn("relatch"), "Service-account-1")
                    .await
                    .is_some_and(|(_, rc)| rc == 0)
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let log = std::fs::read_to_string(self.folder.join("start.log")).unwrap_or_default();
        panic!("{:?} did not start: {log}", self.kind);
    }

    fn is_openldap(&self) -> bool {
        !matches!(self.kind, Kind::Server389 | Kind::Samba)
    }

    /// Its password policy is in force.
    fn has_policy(&self) -> bool {
        !matches!(self.kind, Kind::OpenLdapModule | Kind::PlainOpenLdap)
    }

    pub(crate) fn dn(&self, name: &str) -> String {
        let is_account = matches!(
            name,
            "relatch" | "plain" | "weak" | "half" | "mute" | "blind"
        );
        match self.kind {
            Kind::Samba => format!("{name}@corp.example"),
            _ if is_account => format!("cn={name},dc=corp,dc=example"),
            Kind::OpenLdap
            | Kind::UnhashedOpenLdap
            | Kind::OpenLdapModule
            | Kind::PlainOpenLdap
            | Kind::Server389 => format!("uid={name},ou=people,dc=corp,dc=example"),
        }
    }

    fn root(&self) -> (&'static str, &'static str) {
        match self.kind {
            Kind::Server389 => ("cn=Directory Manager", "root-of-the-test"),
            Kind::Samba => ("administrator@corp.example", "Root-of-the-test-1"),
            Kind::OpenLdap
            | Kind::UnhashedOpenLdap
            | Kind::OpenLdapModule
            | Kind::PlainOpenLdap => ("cn=root,dc=corp,dc=example", "root-of-the-test"),
        }
    }

    /// Binds over TLS; the connection and the result code.
    async fn bind(&self, dn: &str, password: &str) -> Option<(Ldap, u32)> {
        let tls = net::tls_config(Some(&self.folder.join("ours-ca.pem"))).unwrap();
        let settings = LdapConnSettings::new()
            .set_config(Arc::new(tls))
            .set_conn_timeout(Duration::from_secs(3));
        let url = format!("ldaps://{}", self.address);
        let (connection, mut ldap) = LdapConnAsync::with_settings(settings, &url).await.ok()?;
        super::super::spawn(async move { drop(connection.drive().await) });
        let rc = ldap.simple_bind(dn, password).await.ok()?.rc;
        Some((ldap, rc))
    }

    /// The `[[directory]]` with which the bot works: the README's, at this address and as this account.
    fn settings(&self, account: &str, address: SocketAddr) -> String {
        let example = super::example(if self.kind == Kind::Samba {
            "active-directory"
        } else {
            "openldap"
        });
        let ca_file = self.folder.join("ours-ca.pem");
        let line = |line: &str| match line.split_once(" = ") {
            Some(("url", _)) => format!("url = \"ldaps://localhost:{}\"", address.port()),
            Some(("ca_file", _)) => format!("ca_file = \"{}\"", ca_file.display()),
            Some(("bind_dn", _)) => format!("bind_dn = \"{}\"", self.dn(account)),
            Some(("password_file", _)) => "password = \"Service-account-1\"".to_owned(),
            _ => line.to_owned(),
        };
        example.lines().map(line).collect::<Vec<_>>().join("\n")
    }

    /// The same with StartTLS.
    pub(crate) fn starttls_settings(&self) -> String {
        let plain = SocketAddr::new(self.address.ip(), self.address.port() - 1);
        self.settings("relatch", plain)
            .replace("ldaps://", "ldap://")
    }

    /// The filters of all searches for members, as the server's own log has them.
    pub(crate) fn logged_filters(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.folder.join("log")).unwrap();
        let filter = |line: &str| {
            let (_, rest) = line.split_once("SRCH base=")?;
            let (_, filter) = rest.split_once("filter=\"")?;
            filter.split_once('"').map(|(filter, _)| filter.to_owned())
        };
        log.lines().filter_map(filter).collect()
    }

    /// The settings that the bot works with.
    pub(crate) fn own_settings(&self) -> String {
        self.settings("relatch", self.proxy)
    }

    /// The same with other protected groups.
    pub(crate) fn settings_protecting(&self, groups: &[&str]) -> String {
        let settings = self.own_settings();
        let line = |line: &str| match line.split_once(" = ") {
            Some(("protected_groups", _)) => format!("protected_groups = {groups:?}"),
            _ => line.to_owned(),
        };
        settings.lines().map(line).collect::<Vec<_>>().join("\n")
    }

    /// The same as another account.
    pub(crate) fn settings_as(&self, account: &str) -> String {
        self.settings(account, self.proxy)
    }

    /// The same as the server's own administrator.
    pub(crate) fn settings_as_root(&self) -> String {
        let (root, password) = self.root();
        let line = |line: &str| match line.split_once(" = ") {
            Some(("bind_dn", _)) => format!("bind_dn = {root:?}"),
            Some(("password", _)) => format!("password = {password:?}"),
            _ => line.to_owned(),
        };
        self.own_settings()
            .lines()
            .map(line)
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// Adds a value to an attribute of an entry.
    pub(crate) async fn add_value(&self, dn: &str, name: &str, value: &str) {
        self.modify(dn, Mod::Add(name.to_owned(), [value.to_owned()].into()))
            .await;
    }

    /// Removes one.
    pub(crate) async fn remove_value(&self, dn: &str, name: &str, value: &str) {
        self.modify(dn, Mod::Delete(name.to_owned(), [value.to_owned()].into()))
            .await;
    }

    async fn modify(&self, dn: &str, change: Mod<String>) {
        self.as_root()
            .await
            .modify(dn, vec![change])
            .await
            .unwrap()
            .success()
            .unwrap();
    }

    async fn as_root(&self) -> Ldap {
        let (root, password) = self.root();
        let (ldap, rc) = self.bind(root, password).await.unwrap();
        assert_eq!(rc, 0);
        ldap
    }

    /// A member adds a value to their own entry, by their own right.
    pub(crate) async fn add_own(&self, name: &str, attribute: &str, value: &str) {
        let (mut ldap, rc) = self.bind(&self.dn(name), super::OLD).await.unwrap();
        assert_eq!(rc, 0);
        let change = vec![Mod::Add(attribute.to_owned(), [value.to_owned()].into())];
        ldap.modify(&self.dn(name), change)
            .await
            .unwrap()
            .success()
            .unwrap();
    }

    /// What the server answers to a member who gives their own entry another name.
    pub(crate) async fn rename_own(&self, name: &str, new: &str) -> u32 {
        let (mut ldap, rc) = self.bind(&self.dn(name), super::OLD).await.unwrap();
        assert_eq!(rc, 0);
        ldap.modifydn(&self.dn(name), new, false, None)
            .await
            .unwrap()
            .rc
    }

    /// An entry gets another name.
    pub(crate) async fn rename(&self, dn: &str, new: &str) {
        self.as_root()
            .await
            .modifydn(dn, new, true, None)
            .await
            .unwrap()
            .success()
            .unwrap();
    }

    /// An entry is taken away.
    pub(crate) async fn remove(&self, name: &str) {
        self.as_root()
            .await
            .delete(&self.dn(name))
            .await
            .unwrap()
            .success()
            .unwrap();
    }

    /// What the server keeps of somebody's password.
    pub(crate) async fn kept_password(&self, name: &str) -> String {
        let found = self
            .as_root()
            .await
            .search(
                &self.dn(name),
                Scope::Base,
                "(objectClass=*)",
                ["userPassword"],
            )
            .await;
        let entry = found.unwrap().success().unwrap().0.remove(0);
        let entry = SearchEntry::construct(entry);
        // Behind an Argon2 hash slapd keeps a byte that was never set; with it the value is not always text.
        let bytes = entry
            .bin_attrs
            .get("userPassword")
            .map(|values| values[0].clone());
        let text = || entry.attrs["userPassword"][0].clone();
        bytes.map_or_else(text, |bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Sets an attribute of OpenLDAP's policy.
    pub(crate) async fn set_policy(&self, name: &str, value: &str) {
        self.set(POLICY, name, Some(value)).await;
    }

    /// Gives an attribute one value, or none.
    pub(crate) async fn set(&self, dn: &str, name: &str, value: Option<&str>) {
        let values = value.map(str::to_owned).into_iter().collect();
        self.modify(dn, Mod::Replace(name.to_owned(), values)).await;
    }

    /// The first value of an attribute of somebody's entry, as the server's own administrator reads it.
    pub(crate) async fn value_of(&self, name: &str, attribute: &str) -> Option<String> {
        let dn = self.dn(name);
        let found = self
            .as_root()
            .await
            .search(&dn, Scope::Base, "(objectClass=*)", [attribute])
            .await;
        let entry = found.unwrap().success().unwrap().0.remove(0);
        let mut values = SearchEntry::construct(entry).attrs.remove(attribute)?;
        values.pop()
    }

    /// How often relatch's account was refused for its password, as OpenLDAP's own log has it.
    pub(crate) fn refused_binds(&self) -> usize {
        let log = std::fs::read_to_string(self.folder.join("log")).unwrap();
        log.lines()
            .filter(|line| line.contains("RESULT tag=97 err=49"))
            .count()
    }

    fn kinit(&self, name: &str, lines: &[&str]) -> (bool, String) {
        use std::io::Write;

        let mut child = Command::new("kinit")
            .arg(format!("{name}@CORP.EXAMPLE"))
            .env("KRB5_CONFIG", self.folder.join("krb5.conf"))
            .env(
                "KRB5CCNAME",
                format!("FILE:{}", self.folder.join("ticket").display()),
            )
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("kinit of krb5-user is needed");
        child
            .stdin
            .take()
            .unwrap()
            .write_all((lines.join("\n") + "\n").as_bytes())
            .unwrap();
        let ended = child.wait_with_output().unwrap();
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&ended.stdout),
            String::from_utf8_lossy(&ended.stderr)
        );
        (ended.status.success(), said)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // TERM, so that scripts clean up behind them.
        Command::new("kill")
            .arg(self.child.id().to_string())
            .status()
            .ok();
        self.child.wait().ok();
    }
}

impl World for Server {
    fn traits(&self) -> Traits {
        Traits {
            name: "Corp directory",
            must_change: self.has_policy(),
            can_sign_out: false,
            locks: self.has_policy(),
            has_never_expires: self.kind == Kind::Samba,
            has_protected: true,
            can_hold_two: true,
            tells_changes: self.has_policy(),
            tells_rights: !self.is_openldap(),
            has_policy: self.has_policy(),
        }
    }

    fn can_put_out_of_use(&self) -> bool {
        self.has_policy()
    }

    fn shows_a_policy_that_is_not_in_force(&self) -> bool {
        self.kind == Kind::OpenLdapModule
    }

    /// OpenLDAP has no time of what was loaded without its policy, and 389 Directory Server of what was not reset.
    fn keeps_every_time(&self) -> bool {
        self.kind == Kind::Samba
    }

    async fn bot(&self) -> TestBot {
        TestBot::with_directory(&self.own_settings()).await
    }

    async fn bot_without_right(&self) -> Option<TestBot> {
        Some(TestBot::with_directory(&self.settings("weak", self.proxy)).await)
    }

    /// The password administrator of 389 Directory Server is not.
    async fn bot_bound_by_policy(&self) -> TestBot {
        match self.kind {
            Kind::Server389 => TestBot::with_directory(&self.settings("plain", self.proxy)).await,
            Kind::OpenLdap
            | Kind::UnhashedOpenLdap
            | Kind::OpenLdapModule
            | Kind::PlainOpenLdap
            | Kind::Samba => self.bot().await,
        }
    }

    async fn bot_with_wrong_certificate(&self) -> Option<(TestBot, Seen)> {
        let (address, seen) = proxy::start(&self.folder, "stranger", self.address).await;
        Some((
            TestBot::with_directory(&self.settings("relatch", address)).await,
            seen,
        ))
    }

    async fn bot_without_encryption(&self) -> Option<(TestBot, Seen)> {
        let (address, seen) = proxy::refuse_encryption().await;
        let settings = self
            .settings("relatch", address)
            .replace("ldaps://", "ldap://");
        Some((TestBot::with_directory(&settings).await, seen))
    }

    async fn sign_in(&self, name: &str, password: &str) -> SignIn {
        if self.kind == Kind::Samba {
            let (is_in, said) = self.kinit(name, &[password]);
            return match (is_in, said.contains("Password expired")) {
                (true, _) => SignIn::In,
                (false, true) => SignIn::MustChange,
                (false, false) => SignIn::Refused,
            };
        }
        let dn = self.dn(name);
        let (mut ldap, rc) = self.bind(&dn, password).await.unwrap();
        if rc != 0 {
            return SignIn::Refused;
        }
        let found = ldap
            .search(&dn, Scope::Base, "(objectClass=*)", ["cn"])
            .await
            .unwrap();
        if found.1.rc == 0 {
            SignIn::In
        } else {
            SignIn::MustChange
        }
    }

    async fn change_own(&self, name: &str, password: &str) {
        if self.kind == Kind::Samba {
            let (is_in, said) = self.kinit(name, &[password, CHOSEN, CHOSEN]);
            assert!(is_in, "{said}");
            return;
        }
        let (mut ldap, rc) = self.bind(&self.dn(name), password).await.unwrap();
        assert_eq!(rc, 0);
        let change = PasswordModify {
            user_id: None,
            old_pass: None,
            new_pass: Some(CHOSEN),
        };
        ldap.extended(change).await.unwrap().1.success().unwrap();
    }

    async fn set_least_length(&self, length: usize) {
        let mut ldap = self.as_root().await;
        let length = length.to_string();
        let set = |name: &'static str, value: &str| {
            Mod::Replace(name.to_owned(), [value.to_owned()].into())
        };
        let (dn, changes) = match self.kind {
            Kind::Server389 => (
                "cn=config",
                vec![
                    set("passwordCheckSyntax", "on"),
                    set("passwordMinLength", &length),
                ],
            ),
            Kind::Samba => ("DC=corp,DC=example", vec![set("minPwdLength", &length)]),
            Kind::OpenLdap
            | Kind::UnhashedOpenLdap
            | Kind::OpenLdapModule
            | Kind::PlainOpenLdap => (POLICY, vec![set("pwdMinLength", &length)]),
        };
        ldap.modify(dn, changes).await.unwrap().success().unwrap();
    }

    fn next_change(&self, trouble: Trouble) {
        self.seen.next_change(trouble);
    }

    async fn changes(&self) -> usize {
        self.seen.changes()
    }
}
