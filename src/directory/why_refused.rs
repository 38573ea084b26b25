//! Why a directory refuses a change for certain, as keys and values. `flow/messages` has the other words.

/// [`ServerFault::WouldKeepReadable`] in words, which `relatch check` says too.
pub(crate) const WOULD_KEEP_READABLE: &str = "it could keep the password readable: it shows relatch's account no operation \
    that hashes one (RFC 3062, supportedExtension in its root DSE); whoever runs the directory has to show it";

/// What an adapter understood of a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhyRefused {
    /// The account is not there any more.
    Gone,
    /// Another change of this account would be refused too.
    Account(AccountFault),
    /// Another password may be accepted.
    Password(PasswordFault),
    /// relatch's own account there may not do this.
    NoRight(MissingRight),
    /// The server, whoever is reset.
    Server(ServerFault),
    /// An HTTP status to which the adapter gives no other meaning.
    Status(u16),
    /// The same of a result code of LDAP or an error code of Lark.
    Code(i64),
}

/// What about the account stands against the change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountFault {
    /// By the password policy of an LDAP server.
    Locked,
    /// Keycloak sends it no link.
    Disabled,
    /// The directory has no address for its link.
    WithoutEmail,
    /// Read right before the change, in LDAP.
    LockedOrOutOfDate,
    /// Read right before the change, in a domain.
    DisabledOrProtected,
    /// The groups or rights that would protect it, in a domain.
    ProtectionUnreadable,
    /// Lark names no more than that.
    WrongState,
    /// The member signs in with another e-mail than the business one.
    OtherEmail,
}

/// What the directory has against the generated password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordFault {
    /// For the policy of an LDAP server.
    TooShort,
    /// For the policy of a domain.
    TooShortForDomain,
    /// For `pwdMaxLength`.
    TooLong,
    /// The last change was a short time ago.
    TooSoon,
    /// It was used before.
    InHistory,
    /// The policy asks for the old password as well.
    WantsOld,
    /// The policy allows no change at all.
    Fixed,
    /// Not strong enough; the server does not say in what.
    Weak,
    /// Lark names no rule. A longer one may fit.
    Unfit,
    /// The domain names no rule. A longer one may fit.
    UnfitForDomain,
    /// No adapter knows what the server says of it; the log has that.
    UnfitAsLogged,
    /// For the complexity criteria of a domain.
    TooSimple,
    /// It has no symbols, or too few kinds of characters.
    NeedsSymbols,
    /// It has too few characters of this kind.
    NeedsMoreOf(CharacterKind),
    /// The same where the server names the kind in a way that is not read.
    NeedsMoreOfOneKind,
    /// The policy asks for characters outside ASCII.
    NeedsBeyondAscii,
    /// It has too many characters of one kind in a row.
    TooManyInARow,
    /// It has a character that the policy forbids.
    ForbiddenCharacter,
    /// It has a word, a sequence or a part of the member's entry in it.
    Guessable,
    /// It repeats a character too often.
    Repeats,
    /// Keycloak says which rule it is.
    Says {
        /// Its own words, cleaned; none where it gives no words.
        rule: Option<String>,
        /// Read from the rule's key.
        help: RuleHelp,
    },
}

/// A kind of characters that a policy counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CharacterKind {
    /// 0 to 9.
    Digit,
    /// Letters of either case.
    Alphabetic,
    /// Capital letters.
    Uppercase,
    /// Small letters.
    Lowercase,
}

/// What helps against a rule of Keycloak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleHelp {
    /// To this many characters, which relatch can have.
    RaiseLength(u8),
    /// To this many characters, which relatch can have.
    LowerLength(u8),
    /// The setting that adds symbols.
    AddSymbols,
    /// relatch meets the rule by itself where it may read the policy.
    ReadPolicy,
    /// Another generated password.
    RunAgain,
    /// Whoever runs Keycloak, and nobody else.
    Operator,
}

/// What relatch's own account in the directory may not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MissingRight {
    /// To set the member's password.
    Reset,
    /// The same in a domain, where the reason may be that the member is protected.
    ResetOfProtected,
    /// To set a password, without the role of this name.
    RoleToReset(&'static str),
    /// To have a link sent, without the role of this name.
    RoleToSendLink(&'static str),
    /// To set a password, without the scope of this name, as Lark tells it.
    Scope(String),
}

/// What about the server stands against the change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerFault {
    /// It refers to another server.
    ReadOnlyCopy,
    /// It does not know an attribute of the change.
    UnknownAttribute,
    /// It shows no operation that hashes a password.
    WouldKeepReadable,
    /// As where another system keeps the password.
    TakesNoChange,
    /// Its mail server refuses the mail with the link.
    MailNotTaken,
    /// Its own limit of resets.
    LimitReached,
    /// The hasher of the built-in directory failed.
    NotHashed,
}
