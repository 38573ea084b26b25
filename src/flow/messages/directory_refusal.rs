//! Why a directory refused a change, as a clause behind "refuses this reset:".

use crate::directory::{
    AccountFault, CharacterKind, MissingRight, PasswordFault, RuleHelp, ServerFault,
    WOULD_KEEP_READABLE, WhyRefused,
};
use crate::domain::makeup::MAX_LENGTH;

/// The clause, without a full stop.
pub(super) fn clause(why: &WhyRefused) -> String {
    match why {
        WhyRefused::Gone => "the account is gone".to_owned(),
        WhyRefused::Account(fault) => of_account(*fault).to_owned(),
        WhyRefused::Password(fault) => of_password(fault),
        WhyRefused::NoRight(missing) => of_right(missing),
        WhyRefused::Server(fault) => of_server(*fault).to_owned(),
        WhyRefused::Status(status) => format!("it answers with status {status}"),
        WhyRefused::Code(code) => format!("it answers with code {code}"),
    }
}

fn of_account(fault: AccountFault) -> &'static str {
    match fault {
        AccountFault::Locked => "the account is locked",
        AccountFault::Disabled => "the account is disabled",
        AccountFault::WithoutEmail => "the account has no e-mail there",
        AccountFault::LockedOrOutOfDate => {
            "the account was locked, is out of date, or has a date that cannot be read"
        }
        AccountFault::DisabledOrProtected => {
            "the account was disabled or protected meanwhile, or has expired"
        }
        AccountFault::ProtectionUnreadable => "what protects the account cannot be read any more",
        AccountFault::WrongState => "the state of the account does not allow it",
        AccountFault::OtherEmail => "the member's business e-mail is not what they sign in with",
    }
}

const TOO_SHORT: &str = "the generated password is too short for its password policy; policy.password_length can be raised";
const TOO_SHORT_FOR_DOMAIN: &str = "the generated password is too short for the domain's password policy; \
    policy.password_length can be raised";
const TOO_LONG: &str = "the generated password is too long for its password policy (pwdMaxLength); lower \
    policy.password_length, which is at least 8, or whoever runs the directory has to allow more";
const WANTS_OLD: &str = "its password policy asks for the old password too (pwdSafeModify TRUE), which nobody can tell \
    relatch; whoever runs the directory has to set it to FALSE";
const UNFIT: &str =
    "the generated password does not fit its password policy; policy.password_length can be raised";
const UNFIT_FOR_DOMAIN: &str = "the generated password does not fit the domain's password policy; policy.password_length can \
    be raised";
const UNFIT_AS_LOGGED: &str = "the generated password does not fit its password policy; relatch's log has what the server says \
    of it";
const TOO_SIMPLE: &str = "the generated password does not meet the complexity criteria of the domain's password policy; run \
    the command again. If that goes on, policy.password_symbols = true adds a symbol";
const NEEDS_SYMBOLS: &str = "its password policy asks for symbols or more kinds of characters; policy.password_symbols = true \
    adds one symbol, not more. If it is on, whoever runs the directory has to change that";
const NEEDS_MORE_OF_ONE_KIND: &str = "its password policy asks for more characters of one class; with a higher \
    policy.password_length there are usually more, and policy.password_symbols = true adds one symbol";
const NEEDS_BEYOND_ASCII: &str = "its password policy asks for characters outside ASCII, which relatch does not make; whoever \
    runs the directory has to change that";
const TOO_MANY_IN_A_ROW: &str = "the generated password has too many characters of one class in a row (passwordMaxClassChars \
    in 389-DS); run the command again, or whoever runs the directory has to allow more";
const FORBIDDEN_CHARACTER: &str = "the generated password has a character that its password policy forbids; run the command \
    again";
const GUESSABLE: &str = "the generated password has a word, a sequence or a part of the member's entry in it by chance, which \
    its password policy refuses; run the command again";
const REPEATS: &str = "the generated password repeats a character more often than its password policy allows; run the command \
    again";

fn of_password(fault: &PasswordFault) -> String {
    let words = match fault {
        PasswordFault::TooShort => TOO_SHORT,
        PasswordFault::TooShortForDomain => TOO_SHORT_FOR_DOMAIN,
        PasswordFault::TooLong => TOO_LONG,
        PasswordFault::TooSoon => "its password policy does not allow another change so soon",
        PasswordFault::InHistory => "the generated password was used before",
        PasswordFault::WantsOld => WANTS_OLD,
        PasswordFault::Fixed => "its password policy does not allow the password to be changed",
        PasswordFault::Weak => {
            "the generated password is not strong enough for its password policy"
        }
        PasswordFault::Unfit => UNFIT,
        PasswordFault::UnfitForDomain => UNFIT_FOR_DOMAIN,
        PasswordFault::UnfitAsLogged => UNFIT_AS_LOGGED,
        PasswordFault::TooSimple => TOO_SIMPLE,
        PasswordFault::NeedsSymbols => NEEDS_SYMBOLS,
        PasswordFault::NeedsMoreOf(kind) => return needs_more_of(*kind),
        PasswordFault::NeedsMoreOfOneKind => NEEDS_MORE_OF_ONE_KIND,
        PasswordFault::NeedsBeyondAscii => NEEDS_BEYOND_ASCII,
        PasswordFault::TooManyInARow => TOO_MANY_IN_A_ROW,
        PasswordFault::ForbiddenCharacter => FORBIDDEN_CHARACTER,
        PasswordFault::Guessable => GUESSABLE,
        PasswordFault::Repeats => REPEATS,
        PasswordFault::Says { rule, help } => return says(rule.as_deref(), *help),
    };
    words.to_owned()
}

fn needs_more_of(kind: CharacterKind) -> String {
    let kind = match kind {
        CharacterKind::Digit => "digit",
        CharacterKind::Alphabetic => "alphabetic",
        CharacterKind::Uppercase => "uppercase",
        CharacterKind::Lowercase => "lowercase",
    };
    format!(
        "its password policy asks for more {kind} characters; with a higher policy.password_length there are usually more"
    )
}

fn says(rule: Option<&str>, help: RuleHelp) -> String {
    let rule = rule.unwrap_or("the generated password does not fit");
    let help = match help {
        RuleHelp::RaiseLength(least) => format!("policy.password_length can be raised to {least}"),
        RuleHelp::LowerLength(most) => format!("policy.password_length can be lowered to {most}"),
        RuleHelp::AddSymbols => "policy.password_symbols = true adds symbols".to_owned(),
        RuleHelp::ReadPolicy => format!(
            "relatch meets that where its client may read the policy (role view-realm) and {MAX_LENGTH} characters are enough"
        ),
        RuleHelp::RunAgain => {
            "another generated password will do, so run the command again".to_owned()
        }
        RuleHelp::Operator => "only whoever runs Keycloak can change that".to_owned(),
    };
    format!("its password policy says: {rule}; {help}")
}

fn of_right(missing: &MissingRight) -> String {
    match missing {
        MissingRight::Reset => {
            "relatch's account there has no right to reset this member".to_owned()
        }
        MissingRight::ResetOfProtected => {
            "relatch's account there has no right to reset this member, who may be protected"
                .to_owned()
        }
        MissingRight::RoleToReset(role) => format!(
            "relatch's client there has no right to reset this member: it lacks the role {role}"
        ),
        MissingRight::RoleToSendLink(role) => {
            format!("relatch's client there has no right to send a link: it lacks the role {role}")
        }
        MissingRight::Scope(scope) => {
            format!("relatch's app there has no right to reset this member: it lacks {scope}")
        }
    }
}

fn of_server(fault: ServerFault) -> &'static str {
    match fault {
        ServerFault::ReadOnlyCopy => {
            "this server is a read-only copy; relatch has to be pointed at one that takes changes"
        }
        ServerFault::UnknownAttribute => "the server does not know an attribute of the change",
        ServerFault::WouldKeepReadable => WOULD_KEEP_READABLE,
        ServerFault::TakesNoChange => {
            "it does not accept this change, as where another system keeps the password"
        }
        ServerFault::MailNotTaken => {
            "its mail server does not take the mail with the link; the log says why"
        }
        ServerFault::LimitReached => "its own limit of resets is reached; wait as its console says",
        ServerFault::NotHashed => "the password could not be hashed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_password_is_advised_only_where_it_may_help() {
        for (fault, is_longer) in [
            (PasswordFault::TooShort, true),
            (PasswordFault::TooShortForDomain, true),
            (PasswordFault::Unfit, true),
            (PasswordFault::UnfitForDomain, true),
            (PasswordFault::NeedsMoreOf(CharacterKind::Digit), true),
            (PasswordFault::NeedsMoreOfOneKind, true),
            (PasswordFault::TooSimple, false),
            (PasswordFault::InHistory, false),
            (PasswordFault::TooSoon, false),
            (PasswordFault::NeedsSymbols, false),
            (PasswordFault::Guessable, false),
            (PasswordFault::UnfitAsLogged, false),
        ] {
            let told = clause(&WhyRefused::Password(fault));
            assert_eq!(told.contains("password_length"), is_longer, "{told}");
        }
    }
}
