//! Directories for tests: real servers started from Debian's packages, and what stands between them and the bot.

pub(crate) mod builtin;
pub(crate) mod keycloak;
pub(crate) mod ldap;
pub(crate) mod ldap_wire;
pub(crate) mod lldap;
pub(crate) mod mail;
pub(crate) mod openldap;
pub(crate) mod proxy;
pub(crate) mod realm;
pub(crate) mod web;

use super::TestBot;

/// How a sign-in at the directory itself ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignIn {
    /// The password is right.
    In,
    /// It is right, and has to be changed before anything else.
    MustChange,
    /// It is right, and a one-time code is asked for after it.
    AsksForCode,
    /// It is wrong, or the account is out of use.
    Refused,
}

/// What shall happen to the next change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It never reaches the directory, and nobody answers.
    HangBefore,
    /// It is made, and nobody answers.
    HangAfter,
    /// It is made, and the connection breaks.
    Die,
}

/// What members have for a password before anything is reset.
pub(crate) const OLD: &str = "Old-pass-1234";

/// What they choose themselves.
pub(crate) const CHOSEN: &str = "Seven-quiet-herons-7";

/// The settings of a kind of directory as the README shows them.
pub(crate) fn example(name: &str) -> String {
    let path =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/servers/{name}.toml"));
    std::fs::read_to_string(path).unwrap()
}

/// A directory under test, with the people of `corp.example` in it: `eli` and others to be reset, `adm` out of use, `pri` in
/// a protected group, `two` twice. Each behaviour has people of its own.
pub(crate) trait World {
    /// What it does by itself and cannot do.
    fn traits(&self) -> Traits;

    /// An account can be put out of use there.
    fn can_put_out_of_use(&self) -> bool {
        true
    }

    /// It shows that it knows a policy, and only a reset tells that none is in force.
    fn shows_a_policy_that_is_not_in_force(&self) -> bool {
        false
    }

    /// It keeps the time of every password, so that an older one shows that nothing was changed.
    fn keeps_every_time(&self) -> bool {
        true
    }

    /// A fresh bot in front of it.
    async fn bot(&self) -> TestBot;

    /// A bot whose account there may read and not reset.
    async fn bot_without_right(&self) -> Option<TestBot>;

    /// A bot whose account there is bound by the policy for passwords.
    async fn bot_bound_by_policy(&self) -> TestBot {
        self.bot().await
    }

    /// A bot that meets a server with a certificate of somebody else; how many bytes of it were understood.
    async fn bot_with_wrong_certificate(&self) -> Option<(TestBot, proxy::Seen)>;

    /// A bot that meets a server which refuses to encrypt; what it was told nevertheless.
    async fn bot_without_encryption(&self) -> Option<(TestBot, proxy::Seen)>;

    /// Signs in at the directory itself.
    async fn sign_in(&self, name: &str, password: &str) -> SignIn;

    /// Signs in with a password that has to be changed, and changes it to [`CHOSEN`].
    async fn change_own(&self, name: &str, password: &str);

    /// Fails to sign in until the account is locked.
    async fn lock(&self, name: &str) {
        for _ in 0..4 {
            assert_eq!(self.sign_in(name, "Wrong-pass-1").await, SignIn::Refused);
        }
    }

    /// The least length of passwords from now on.
    async fn set_least_length(&self, length: usize);

    /// What shall happen to the next change.
    fn next_change(&self, trouble: Trouble);

    /// How many changes the directory was sent by the bot.
    async fn changes(&self) -> usize;
}

/// What a kind of directory does by itself.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one thing that a directory does or does not"
)]
pub(crate) struct Traits {
    pub(crate) name: &'static str,
    pub(crate) must_change: bool,
    pub(crate) can_sign_out: bool,
    /// Failed sign-ins lock an account.
    pub(crate) locks: bool,
    /// An account may be excepted from every forced change.
    pub(crate) has_never_expires: bool,
    /// It knows groups of protected people.
    pub(crate) has_protected: bool,
    /// Two accounts can have one e-mail.
    pub(crate) can_hold_two: bool,
    /// It says whether an account may reset, without resetting.
    pub(crate) tells_rights: bool,
    /// It says when a password was set.
    pub(crate) tells_changes: bool,
    /// It has a policy for passwords.
    pub(crate) has_policy: bool,
}
