//! What people do in a chat, and what they are shown, without a platform's shape.

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::domain::written_enum;
use crate::domain::{ChatUser, EmailAddress, Moment, Password, ResetId};
use crate::store::ReplayKey;

/// Proof that a platform signed the request for our app and workspace, within the window. Only this folder makes one.
#[derive(Debug)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    pub(in crate::chat) fn new(inner: T) -> Self {
        Self(inner)
    }

    /// What was signed.
    pub fn inner(&self) -> &T {
        &self.0
    }

    /// The same, giving the proof up.
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// What a person did.
#[derive(Debug)]
pub enum Interaction {
    /// The platform asks whether we are there; nothing follows.
    Ping,
    /// The platform asks for this text back, to see that the address is ours.
    Challenge(String),
    /// Typed a command.
    Command(Command),
    /// Pressed a button.
    Click(Click),
    /// Sent a form.
    Form(FormSubmitted),
}

/// Where an interaction came from.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The account.
    pub user: ChatUser,
    /// The key of the signed bytes.
    pub replay: ReplayKey,
    /// Where follow-ups go, if the platform gave an address with it.
    pub reply: Option<ReplyAddress>,
    /// When it came in.
    pub received_at: Moment,
}

/// The address of follow-ups: whoever has it can write to the administrator, so it is a secret.
#[derive(Clone, Debug)]
pub struct ReplyAddress {
    url: SecretString,
    /// When the platform stops accepting it.
    pub until: Moment,
}

impl ReplyAddress {
    /// An address that the adapter has checked against its allow-list.
    pub fn new(url: String, until: Moment) -> Self {
        Self {
            url: url.into(),
            until,
        }
    }

    /// The address, for the one expression that calls or seals it.
    pub fn expose(&self) -> &str {
        self.url.expose_secret()
    }
}

/// The permission to open a form, which came with a click: short-lived and good for one use.
#[derive(Clone, Debug)]
pub struct Trigger(SecretString);

impl Trigger {
    /// Wraps the platform's text.
    pub fn new(text: String) -> Self {
        Self(text.into())
    }

    /// The text, for the one expression that sends it back.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// A command with what was asked.
#[derive(Debug)]
pub struct Command {
    /// From whom.
    pub origin: Origin,
    /// What is wanted.
    pub ask: Ask,
}

/// A pressed button.
#[derive(Debug)]
pub struct Click {
    /// By whom.
    pub origin: Origin,
    /// Which.
    pub action: Action,
    /// The opaque value that the button carried.
    pub value: String,
    /// The permission to open a form.
    pub trigger: Option<Trigger>,
}

/// A form that was sent.
#[derive(Debug)]
pub struct FormSubmitted {
    /// By whom.
    pub origin: Origin,
    /// Which.
    pub kind: FormKind,
    /// On a platform where a form may be sent again after a refusal: the key of what it does, which it does once,
    /// whatever is typed. `origin.replay` is then the key of one try.
    pub once: Option<ReplayKey>,
    /// The opaque value that the form carried.
    pub value: String,
    /// What was typed.
    pub typed: String,
}

written_enum! {
    /// The buttons, by the names of the outside contract.
    Action {
        /// Show the password to me; I tell them.
        DeliverCopy = "deliver_copy",
        /// SMS to the phone on record.
        DeliverPhone = "deliver_phone",
        /// E-mail to the private address on record.
        DeliverEmail = "deliver_email",
        /// Type another phone or e-mail.
        DeliverOther = "deliver_other",
        /// Let the directory send its own link.
        DirectoryLink = "deliver_directory_link",
        /// They can still sign in: send the guide.
        SendGuide = "send_guide",
        /// Give up.
        Cancel = "cancel",
        /// I can reach them another way.
        Reachable = "reachable",
        /// Also send a copy to me.
        CopyToSelf = "copy_to_self",
        /// Another address for the copy.
        CopyToSelfChange = "copy_to_self_change",
        /// Also show it here.
        AlsoShow = "also_show",
        /// Reset and send: the only button that changes anything.
        Confirm = "confirm",
        /// Back to the choice.
        Back = "back",
        /// Try again to sign the member out.
        RetrySignOut = "retry_sign_out",
        /// Hide the password.
        Done = "done",
        /// Add the contact that a command named.
        ContactAdd = "contact_add",
        /// Send a code to a contact that was added.
        ContactCode = "contact_code",
    }
}

written_enum! {
    /// The forms, each with one input; named after the button that opens it.
    FormKind {
        /// Another phone or e-mail for the delivery.
        Destination = "deliver_other",
        /// Another address for the copy.
        CopyAddress = "copy_to_self_change",
        /// The code that was sent to an added contact.
        ContactCode = "contact_code",
    }
}

/// What a command wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// How it works.
    Help,
    /// What happened, to everybody or to one member.
    Log(Option<NamedMember>),
    /// Which rules would hold.
    Why(NamedMember),
    /// A reset, with the further words as the reason.
    Reset(NamedMember, Option<String>),
    /// S42: add a phone or an e-mail to which codes for this member may go.
    Contact(NamedMember, String),
    /// Not understood; the text is what was meant as a member.
    Unclear(String),
    /// More than one member.
    Several,
}

/// How a member was named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamedMember {
    /// A mention: the platform's own id.
    Mention(String),
    /// A work e-mail.
    Email(EmailAddress),
}

/// One word of a command, as the platform's adapter read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// A mention or a work e-mail.
    Member(NamedMember),
    /// Anything else.
    Text(String),
}

/// Longest reason that is kept, in characters.
const REASON_LIMIT: usize = 200;

impl Ask {
    /// Reads the words behind the command. The same grammar on every platform.
    pub fn read(words: &[Word]) -> Self {
        let Some((first, rest)) = words.split_first() else {
            return Self::Help;
        };
        match first {
            Word::Member(member) => Self::reset(member, rest),
            Word::Text(text) => match text.to_ascii_lowercase().as_str() {
                "help" => Self::Help,
                "contact" => Self::contact(rest),
                "log" => match rest {
                    [] => Self::Log(None),
                    rest => Self::one_member(rest)
                        .map_or_else(|unclear| unclear, |member| Self::Log(Some(member))),
                },
                "why" => Self::one_member(rest).map_or_else(|unclear| unclear, Self::Why),
                _ => Self::Unclear(text.clone()),
            },
        }
    }

    fn reset(member: &NamedMember, rest: &[Word]) -> Self {
        let mut reason = Vec::new();
        for word in rest {
            match word {
                // A second mention is never taken for a part of the reason.
                Word::Member(_) => return Self::Several,
                Word::Text(text) => reason.push(text.as_str()),
            }
        }
        let reason: String = reason.join(" ").chars().take(REASON_LIMIT).collect();
        Self::Reset(
            member.clone(),
            Some(reason).filter(|reason| !reason.is_empty()),
        )
    }

    /// A member and an address; an e-mail may look like a second member.
    fn contact(words: &[Word]) -> Self {
        let Some((Word::Member(member), address)) = words.split_first() else {
            return Self::one_member(words).map_or_else(
                |unclear| unclear,
                |member| Self::Contact(member, String::new()),
            );
        };
        if let [Word::Member(NamedMember::Email(email))] = address {
            return Self::Contact(member.clone(), email.to_string());
        }
        let mut typed = Vec::new();
        for word in address {
            match word {
                Word::Member(_) => return Self::Several,
                Word::Text(text) => typed.push(text.as_str()),
            }
        }
        Self::Contact(member.clone(), typed.join(" "))
    }

    fn one_member(words: &[Word]) -> Result<NamedMember, Self> {
        match words {
            [Word::Member(member)] => Ok(member.clone()),
            [] => Err(Self::Unclear(String::new())),
            words if words.iter().all(|word| matches!(word, Word::Member(_))) => Err(Self::Several),
            [Word::Text(text), ..] | [_, Word::Text(text), ..] => Err(Self::Unclear(text.clone())),
            [_, ..] => Err(Self::Several),
        }
    }
}

/// What the value of [`Action::ContactAdd`] is sealed for.
pub const CONTACT_QUESTION: &str = "contact question";

/// A message to one administrator. All its texts are plain: no platform may read markup into them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The first line, shown strongest.
    pub title: String,
    /// The lines below.
    pub lines: Vec<String>,
    /// Buttons, in order.
    pub buttons: Vec<Button>,
}

/// The password in a message, with the text that introduces how it is said aloud.
#[derive(Clone, Copy)]
pub struct ShownPassword<'a> {
    /// The password.
    pub password: &'a Password,
    /// Stands before the spoken form. It is our own text, without markup.
    pub spoken_label: &'static str,
}

impl ShownPassword<'_> {
    /// The line that says how the password is said aloud.
    pub fn spoken_line(&self) -> Zeroizing<String> {
        let spoken = self.password.spoken();
        let mut line = Zeroizing::new(String::with_capacity(
            self.spoken_label.len() + spoken.len(),
        ));
        line.push_str(self.spoken_label);
        line.push_str(&spoken);
        line
    }
}

/// A button.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Button {
    /// What it does.
    pub action: Action,
    /// What stands on it.
    pub label: String,
    /// The opaque value that leads back to the reset.
    pub value: String,
    /// How it looks.
    pub style: Style,
}

/// How a button looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// As any other.
    Plain,
    /// The one that most people want.
    Primary,
    /// The one that changes something for good.
    Danger,
}

/// An opaque value that was read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target(pub ResetId);

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
        assert_eq!(Ask::read(&[text("contact"), mention("U1")]), contact(""));
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
            Ask::read(&[text("log"), text("mina")]),
            Ask::Unclear("mina".to_owned())
        );
        assert_eq!(Ask::read(&[text("why"), mention("U1")]), Ask::Why(mina));
        assert_eq!(
            Ask::read(&[text("why"), mention("U1"), mention("U2")]),
            Ask::Several
        );
        assert_eq!(Ask::read(&[text("why")]), Ask::Unclear(String::new()));
    }

    #[test]
    fn a_reason_is_cut() {
        let Ask::Reset(_, Some(reason)) = Ask::read(&[mention("U1"), text(&"x".repeat(500))])
        else {
            panic!()
        };
        assert_eq!(reason.len(), 200);
    }
}
