//! The grammar of a command: what its words ask for.

use crate::domain::shorten::shorten;
use crate::domain::{EmailAddress, without_marks};
use crate::settings::nearest::nearest_within;

/// What a command asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    Help,
    /// The log, of everybody or of one member.
    Log(Option<NamedMember>),
    /// Tries that were refused, and contacts that were added, of everybody or of one member.
    Refused(Option<NamedMember>),
    /// Which rules would allow a reset.
    Why(NamedMember),
    /// A reset, with the further words as the reason.
    Reset(NamedMember, Option<String>),
    /// S42: add a phone or an e-mail to which codes for this member may go.
    Contact(NamedMember, String),
    /// Not understood. The text, without marks of direction, stands where a member was expected.
    Unclear(String),
    /// A name as it was typed, on a platform that passes on a mention instead if it is set up so.
    BareName(String),
    /// A mistyped subcommand, and the one that was probably meant. The text is without marks of direction.
    Mistyped(String, &'static str),
    /// A subcommand without the member that it needs.
    NoMember(MemberCommand),
    /// `contact @member` without the address that it needs.
    NoAddress,
    /// A mention that names no member, such as of everybody in the channel, without marks of direction.
    Group(String),
    Several,
}

/// A subcommand that is nothing without a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberCommand {
    /// `why @member`.
    Why,
    /// `contact @member ADDRESS`.
    Contact,
}

/// How a command names a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamedMember {
    /// A mention: the platform's own id.
    Mention(String),
    /// A mention that the platform did not resolve: the account's name.
    Name(String),
    Email(EmailAddress),
}

/// One word of a command, as the adapter read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// A mention or a work e-mail.
    Member(NamedMember),
    /// A mention that names no member, in words that mention nobody and fit into a sentence.
    Group(String),
    Text(String),
}

/// The subcommands.
const SUBCOMMANDS: [&str; 4] = ["contact", "help", "log", "why"];

/// The maximum length of a reason, in characters.
const REASON_LIMIT: usize = 200;

impl Ask {
    /// Parses the words after the command. The grammar is the same on every platform.
    pub fn read(words: &[Word]) -> Self {
        let Some((first, rest)) = words.split_first() else {
            return Self::Help;
        };
        match first {
            Word::Member(member) => Self::reset(member, rest),
            Word::Group(name) => Self::group(name),
            Word::Text(text) => match text.to_ascii_lowercase().as_str() {
                "help" => Self::Help,
                "contact" if rest.is_empty() => Self::NoMember(MemberCommand::Contact),
                "contact" => Self::contact(rest),
                "log" => match rest {
                    [] => Self::Log(None),
                    // In this order where a platform has an option for the member.
                    [Word::Member(member), Word::Text(text)]
                        if text.eq_ignore_ascii_case("refused") =>
                    {
                        Self::Refused(Some(member.clone()))
                    }
                    [Word::Text(text), rest @ ..] if text.eq_ignore_ascii_case("refused") => {
                        match rest {
                            [] => Self::Refused(None),
                            rest => Self::one_member(rest).map_or_else(
                                |unclear| unclear,
                                |member| Self::Refused(Some(member)),
                            ),
                        }
                    }
                    [Word::Text(text), ..] if is_near(text, "refused") => {
                        Self::Mistyped(without_marks(text), "log refused")
                    }
                    rest => Self::one_member(rest)
                        .map_or_else(|unclear| unclear, |member| Self::Log(Some(member))),
                },
                "why" if rest.is_empty() => Self::NoMember(MemberCommand::Why),
                "why" => Self::one_member(rest).map_or_else(|unclear| unclear, Self::Why),
                _ => match nearest_subcommand(text) {
                    Some(meant) => Self::Mistyped(without_marks(text), meant),
                    None => Self::unclear(text),
                },
            },
        }
    }

    /// The answer shows the text, so nothing in it may change the order of the answer.
    fn unclear(text: &str) -> Self {
        Self::Unclear(without_marks(text))
    }

    /// A name of a group may be anybody's text, and the answer shows it as well.
    fn group(name: &str) -> Self {
        Self::Group(without_marks(name))
    }

    fn reset(member: &NamedMember, rest: &[Word]) -> Self {
        let mut reason = Vec::new();
        for word in rest {
            match word {
                // A second mention is never part of the reason.
                Word::Member(_) => return Self::Several,
                Word::Text(text) | Word::Group(text) => reason.push(text.as_str()),
            }
        }
        let reason = without_marks(&reason.join(" "));
        // It goes into e-mails and to terminals, too.
        let shown: String = reason.chars().filter(|c| !c.is_control()).collect();
        let reason = shorten(&shown, REASON_LIMIT);
        Self::Reset(
            member.clone(),
            Some(reason).filter(|reason| !reason.is_empty()),
        )
    }

    /// A member and an address. A work e-mail as the address looks like a second member.
    fn contact(words: &[Word]) -> Self {
        let Some((Word::Member(member), address)) = words.split_first() else {
            return Self::one_member(words)
                .map_or_else(|unclear| unclear, |_member| Self::NoAddress);
        };
        if address.is_empty() {
            return Self::NoAddress;
        }
        if let [Word::Member(NamedMember::Email(email))] = address {
            return Self::Contact(member.clone(), email.to_string());
        }
        let mut typed = Vec::new();
        for word in address {
            match word {
                Word::Member(_) => return Self::Several,
                Word::Text(text) | Word::Group(text) => typed.push(text.as_str()),
            }
        }
        Self::Contact(member.clone(), typed.join(" "))
    }

    fn one_member(words: &[Word]) -> Result<NamedMember, Self> {
        match words {
            [Word::Member(member)] => Ok(member.clone()),
            [] => Err(Self::Unclear(String::new())),
            words if words.iter().all(|word| matches!(word, Word::Member(_))) => Err(Self::Several),
            [Word::Group(name), ..] | [_, Word::Group(name), ..] => Err(Self::group(name)),
            [Word::Text(text), ..] | [_, Word::Text(text), ..] => Err(Self::unclear(text)),
            [_, ..] => Err(Self::Several),
        }
    }
}

/// The subcommand that a mistyped word probably means.
fn nearest_subcommand(typed: &str) -> Option<&'static str> {
    SUBCOMMANDS.into_iter().find(|known| is_near(typed, known))
}

/// True for a word with a typing error: one, or two in a long word. With more, names would be taken for commands.
fn is_near(typed: &str, known: &'static str) -> bool {
    let most = if known.len() > 5 { 2 } else { 1 };
    let is_word = typed.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_word && nearest_within([known], &typed.to_ascii_lowercase(), most).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mention(id: &str) -> Word {
        Word::Member(NamedMember::Mention(id.to_owned()))
    }

    fn text(text: &str) -> Word {
        Word::Text(text.to_owned())
    }

    /// S14, S15.
    #[test]
    fn one_command_names_one_member() {
        let mina = NamedMember::Mention("U1".to_owned());
        assert_eq!(Ask::read(&[]), Ask::Help);
        assert_eq!(Ask::read(&[text("HELP")]), Ask::Help);
        assert_eq!(Ask::read(&[mention("U1")]), Ask::Reset(mina.clone(), None));
        assert_eq!(
            Ask::read(&[mention("U1"), text("ticket"), text("INC-2041")]),
            Ask::Reset(mina.clone(), Some("ticket INC-2041".to_owned()))
        );
        assert_eq!(
            Ask::read(&[mention("U1"), text("and"), mention("U2")]),
            Ask::Several
        );
        assert_eq!(
            Ask::read(&[text("mina"), mention("U1")]),
            Ask::Unclear("mina".to_owned())
        );
        assert_eq!(Ask::read(&[text("log")]), Ask::Log(None));
        let contact = |to: &str| Ask::Contact(mina.clone(), to.to_owned());
        assert_eq!(
            Ask::read(&[text("contact"), mention("U1"), text("+82"), text("10")]),
            contact("+82 10")
        );
        assert_eq!(Ask::read(&[text("contact"), mention("U1")]), Ask::NoAddress);
        assert_eq!(
            Ask::read(&[text("contact"), mention("U1"), text("x"), mention("U2")]),
            Ask::Several
        );
        assert_eq!(
            Ask::read(&[text("contact"), text("mina")]),
            Ask::Unclear("mina".to_owned())
        );
        assert_eq!(
            Ask::read(&[text("log"), mention("U1")]),
            Ask::Log(Some(mina.clone()))
        );
        assert_eq!(
            Ask::read(&[text("log"), text("Refused")]),
            Ask::Refused(None)
        );
        assert_eq!(
            Ask::read(&[text("log"), text("refused"), mention("U1")]),
            Ask::Refused(Some(mina.clone()))
        );
        assert_eq!(
            Ask::read(&[text("log"), mention("U1"), text("refused")]),
            Ask::Refused(Some(mina.clone()))
        );
        assert_eq!(
            Ask::read(&[text("log"), text("mina")]),
            Ask::Unclear("mina".to_owned())
        );
        assert_eq!(Ask::read(&[text("why"), mention("U1")]), Ask::Why(mina));
        assert_eq!(
            Ask::read(&[text("why"), mention("U1"), mention("U2")]),
            Ask::Several
        );
        assert_eq!(
            [Ask::read(&[text("Why")]), Ask::read(&[text("contact")])],
            [MemberCommand::Why, MemberCommand::Contact].map(Ask::NoMember)
        );
    }

    /// Names and addresses are not taken for commands.
    #[test]
    fn a_mistyped_subcommand_is_recognized() {
        for (typed, meant) in [
            ("lgo", "log"),
            ("Logs", "log"),
            ("hepl", "help"),
            ("wyh", "why"),
            ("contcat", "contact"),
            ("cntact", "contact"),
        ] {
            let mistyped = Ask::Mistyped(typed.to_owned(), meant);
            assert_eq!(Ask::read(&[text(typed)]), mistyped);
            assert_eq!(Ask::read(&[text(typed), mention("U1")]), mistyped);
        }
        assert_eq!(
            Ask::read(&[text("log"), text("refsued"), mention("U1")]),
            Ask::Mistyped("refsued".to_owned(), "log refused")
        );
        for name in [
            "mina",
            "Helen",
            "Logan",
            "@log",
            "log1",
            "amy",
            "박민아",
            "",
        ] {
            assert_eq!(Ask::read(&[text(name)]), Ask::Unclear(name.to_owned()));
        }
    }

    #[test]
    fn a_reason_has_no_control_characters() {
        let Ask::Reset(_, reason) = Ask::read(&[mention("U1"), text("INC\u{1b}[2J-1\u{7}")]) else {
            panic!()
        };
        assert_eq!(reason.as_deref(), Some("INC[2J-1"));
    }

    #[test]
    fn a_reason_is_cut() {
        let Ask::Reset(_, Some(reason)) = Ask::read(&[mention("U1"), text(&"x".repeat(500))])
        else {
            panic!()
        };
        assert_eq!(reason.chars().count(), 200);
    }
}
