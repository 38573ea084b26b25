//! People who cannot be matched with a directory account.

use super::words::{ADD_PERMISSION, TELL_OPERATOR, refusal};
use crate::chat::interaction::MemberCommand;
use crate::chat::{AccountKind, ApiError, Message};
use crate::domain::shorten::shorten;
use crate::domain::{ChatUser, Reference};

/// The longest name in a heading, in characters.
const NAME_LIMIT: usize = 24;

/// The account is not a full member of the workspace.
pub fn outsider(kind: AccountKind, organization: &str, reference: &Reference) -> Message {
    let who = match kind {
        AccountKind::Member | AccountKind::Stranger => "another workspace",
        AccountKind::Guest => "a guest account",
        AccountKind::Bot => "a bot",
        AccountKind::Deleted => "a deactivated account",
    };
    let what = format!("This command works only for members of {organization}, and this is {who}.");
    refusal(&what, "Ask a full member of the workspace.", reference)
}

/// The account that was named is no full member's. Its name is what its owner chose.
pub fn named_outsider(
    kind: AccountKind,
    shown_name: Option<&str>,
    reference: &Reference,
) -> Message {
    let is_stranger = matches!(kind, AccountKind::Member | AccountKind::Stranger);
    if is_stranger && shown_name.is_none() {
        return unresolved_member(reference);
    }
    let who = shown_name.map_or("The account that you named".to_owned(), |name| {
        shorten(name, NAME_LIMIT)
    });
    let what = match kind {
        AccountKind::Member | AccountKind::Stranger => {
            format!("{who} is not in this workspace.")
        }
        AccountKind::Guest => format!("{who} is a guest of this workspace."),
        AccountKind::Bot => {
            let next = "It has no password. Mention the person whose password you want to reset.";
            return refusal(&format!("{who} is a bot."), next, reference);
        }
        AccountKind::Deleted => format!("{who} has a deactivated chat account."),
    };
    let next = "I can reset full members only. If this person has a work account, type their work email: /reset-password name@company.example";
    refusal(&what, next, reference)
}

/// The caller's chat account matches no directory account, or several. Whoever runs relatch needs the account's id to link
/// it, which counts where `is_linked`; else the confirmed e-mail counts.
pub fn unresolved_caller(user: &ChatUser, is_linked: bool, reference: &Reference) -> Message {
    let ChatUser { platform, user, .. } = user;
    let link = format!("relatch link {platform} {user} WORK-EMAIL");
    let next = if is_linked {
        format!("Ask whoever runs relatch to link it: {link}")
    } else {
        format!(
            "Ask whoever runs relatch to check its confirmed email, or to set identity.match = \"linked\" and link it: {link}"
        )
    };
    refusal(
        "I can't tell who you are: your chat account does not match exactly one person in the directory.",
        &next,
        reference,
    )
}

/// The named member's chat account matches no directory account, or several, or is not of our workspace.
pub fn unresolved_member(reference: &Reference) -> Message {
    refusal(
        "I can't find exactly one account for the person you named.",
        "Try their work email: /reset-password name@company.example",
        reference,
    )
}

/// No account has this work e-mail.
pub fn no_such_member(named: &str, reference: &Reference) -> Message {
    not_one_account(named, "Check the work email.", reference)
}

/// The text names no member for certain (S15).
pub fn unclear(text: &str, reference: &Reference) -> Message {
    let next =
        "Mention the member with @, or try the work email: /reset-password name@company.example";
    not_one_account(text, next, reference)
}

fn not_one_account(text: &str, next: &str, reference: &Reference) -> Message {
    let text = shorten(text, 60);
    let what = format!("I can't find exactly one account for \"{text}\".");
    refusal(&what, next, reference)
}

/// S15: the mention is of several people, or of nobody.
pub fn group_mention(name: &str, reference: &Reference) -> Message {
    let name = shorten(name, 60);
    let mut letters = name.chars();
    // It may be words of ours, such as "a role".
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    let name: String = first.into_iter().chain(letters).collect();
    refusal(
        &format!("{name} is not a member."),
        "Mention one member with @, or try the work email: /reset-password name@company.example",
        reference,
    )
}

/// Slack passed on a name as it was typed, so it may be anybody's.
pub fn bare_name(name: &str, reference: &Reference) -> Message {
    let name = shorten(name, 40);
    refusal(
        &format!("Slack passed on \"{name}\" as plain text, so I can't tell who it is."),
        "The command's should_escape (\"Escape channels, users, and links\") is off, or nobody has that name. The work email works too: /reset-password name@company.example",
        reference,
    )
}

/// A subcommand was typed without the member that it needs.
pub fn no_member(needs: MemberCommand, reference: &Reference) -> Message {
    let (what, next) = match needs {
        MemberCommand::Why => (
            "Whom? /reset-password why @member",
            "Their work email works too.",
        ),
        MemberCommand::Contact => (
            "Whom? /reset-password contact @member +82…",
            "A private email works in place of the phone.",
        ),
    };
    refusal(what, next, reference)
}

/// `contact` was typed without the address that it needs.
pub fn no_address(reference: &Reference) -> Message {
    refusal(
        "Add a phone or a private email.",
        "For example: /reset-password contact @member +82 10 1234 5678",
        reference,
    )
}

/// A subcommand was mistyped: the one that was probably meant, and the help below it.
pub fn mistyped((typed, meant): (&str, &str), help: Message, reference: &Reference) -> Message {
    let typed = shorten(typed, 20);
    let what = format!("I don't know \"{typed}\". Did you mean \"{meant}\"?");
    let mut told = refusal(&what, "", reference);
    told.lines.extend(help.lines);
    told
}

/// S15: the command names several members.
pub fn several_members(reference: &Reference) -> Message {
    refusal(
        "I reset one member at a time.",
        "Run the command again with one of them.",
        reference,
    )
}

/// The chat platform does not say who somebody is.
pub fn who_failed(error: &ApiError, reference: &Reference) -> Message {
    match error {
        ApiError::RateLimited(wait) => refusal(
            "The chat asks me to slow down.",
            &format!("Try again in {wait}."),
            reference,
        ),
        ApiError::MissingScope(scope) => refusal(
            &format!("relatch's app lacks the permission {scope}, so I can't check who you are."),
            ADD_PERMISSION,
            reference,
        ),
        ApiError::Refused(_) => refusal(
            "The chat refuses relatch's token, so I can't check who you are.",
            TELL_OPERATOR,
            reference,
        ),
        ApiError::NotFound => unresolved_member(reference),
        ApiError::Unavailable | ApiError::TooLate => refusal(
            "The chat doesn't answer, so I can't check who you are.",
            "Try again in a minute.",
            reference,
        ),
    }
}
