//! Every reason for which a directory refuses a change, but that the account is gone.

use relatch::surface::directory::{
    AccountFault, CharacterKind, MissingRight, PasswordFault, RuleHelp, ServerFault, WhyRefused,
};

/// Each of them, with this text where a directory gives its own words.
pub(super) fn of(text: &str) -> Vec<WhyRefused> {
    let text = format!("constraint violation\n# {text}");
    let mut all = vec![WhyRefused::Status(409), WhyRefused::Code(99_991_671)];
    all.extend(account_faults().map(WhyRefused::Account));
    all.extend(password_faults(&text).into_iter().map(WhyRefused::Password));
    all.extend(missing_rights(text).map(WhyRefused::NoRight));
    all.extend(server_faults().map(WhyRefused::Server));
    all
}

fn account_faults() -> impl Iterator<Item = AccountFault> {
    [
        AccountFault::Locked,
        AccountFault::Disabled,
        AccountFault::WithoutEmail,
        AccountFault::LockedOrOutOfDate,
        AccountFault::DisabledOrProtected,
        AccountFault::ProtectionUnreadable,
        AccountFault::WrongState,
        AccountFault::OtherEmail,
    ]
    .into_iter()
}

fn password_faults(text: &str) -> Vec<PasswordFault> {
    let mut all = vec![
        PasswordFault::TooShort,
        PasswordFault::TooShortForDomain,
        PasswordFault::TooLong,
        PasswordFault::TooSoon,
        PasswordFault::InHistory,
        PasswordFault::WantsOld,
        PasswordFault::Fixed,
        PasswordFault::Weak,
        PasswordFault::Unfit,
        PasswordFault::UnfitForDomain,
        PasswordFault::UnfitAsLogged,
        PasswordFault::TooSimple,
        PasswordFault::NeedsSymbols,
        PasswordFault::NeedsMoreOfOneKind,
        PasswordFault::NeedsBeyondAscii,
        PasswordFault::TooManyInARow,
        PasswordFault::ForbiddenCharacter,
        PasswordFault::Guessable,
        PasswordFault::Repeats,
    ];
    let kinds = [
        CharacterKind::Digit,
        CharacterKind::Alphabetic,
        CharacterKind::Uppercase,
        CharacterKind::Lowercase,
    ];
    all.extend(kinds.map(PasswordFault::NeedsMoreOf));
    let helps = [
        RuleHelp::RaiseLength(12),
        RuleHelp::LowerLength(10),
        RuleHelp::AddSymbols,
        RuleHelp::ReadPolicy,
        RuleHelp::RunAgain,
        RuleHelp::Operator,
    ];
    for rule in [None, Some(text.to_owned())] {
        all.extend(helps.map(|help| PasswordFault::Says {
            rule: rule.clone(),
            help,
        }));
    }
    all
}

fn missing_rights(scope: String) -> impl Iterator<Item = MissingRight> {
    [
        MissingRight::Reset,
        MissingRight::ResetOfProtected,
        MissingRight::RoleToReset("manage-users"),
        MissingRight::RoleToSendLink("manage-users"),
        MissingRight::Scope(scope),
    ]
    .into_iter()
}

fn server_faults() -> impl Iterator<Item = ServerFault> {
    [
        ServerFault::ReadOnlyCopy,
        ServerFault::UnknownAttribute,
        ServerFault::WouldKeepReadable,
        ServerFault::TakesNoChange,
        ServerFault::MailNotTaken,
        ServerFault::LimitReached,
        ServerFault::NotHashed,
    ]
    .into_iter()
}
