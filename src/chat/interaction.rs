//! What people do in a chat and what they are shown, in types that no platform shapes.

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::domain::{ChatUser, Delivery, EmailAddress, Moment, Password, written_enum};
use crate::store::ReplayKey;

/// Proof that a platform signed the request for our app and workspace, and that it is not stale. Only `chat/` can make
/// one.
#[derive(Debug)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    pub(in crate::chat) fn new(inner: T) -> Self {
        Self(inner)
    }

    /// The signed content.
    pub fn inner(&self) -> &T {
        &self.0
    }

    /// The content without the proof.
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// What a person did.
#[derive(Debug)]
pub enum Interaction {
    /// The platform checks that we answer.
    Ping,
    /// The platform wants this text back, to verify that the address is ours.
    Challenge(String),
    /// A typed command.
    Command(Command),
    /// A pressed button.
    Click(Click),
    /// A submitted form.
    Form(FormSubmitted),
}

/// Where an interaction came from.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The chat account.
    pub user: ChatUser,
    /// The key of the signed bytes.
    pub replay: ReplayKey,
    /// The address of follow-ups, if the platform sent one.
    pub reply: Option<ReplyAddress>,
    /// When we received it.
    pub received_at: Moment,
}

/// The address of follow-ups. Anybody who has it can write to the administrator, so it is a secret.
#[derive(Clone, Debug)]
pub struct ReplyAddress {
    url: SecretString,
    /// When the platform stops accepting it.
    pub until: Moment,
}

impl ReplyAddress {
    /// Wraps an address that the adapter has checked against its allow-list.
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

/// A platform's permission to open a form. It comes with a click, lives for seconds and works once.
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

/// A typed command.
#[derive(Debug)]
pub struct Command {
    /// Who sent it.
    pub origin: Origin,
    /// What it asks for.
    pub ask: Ask,
}

/// A pressed button.
#[derive(Debug)]
pub struct Click {
    /// Who pressed it.
    pub origin: Origin,
    /// The button.
    pub action: Action,
    /// The opaque value that the button carried.
    pub value: String,
    /// The permission to open a form, if the platform sent one.
    pub trigger: Option<Trigger>,
}

/// A submitted form.
#[derive(Debug)]
pub struct FormSubmitted {
    /// Who sent it.
    pub origin: Origin,
    /// The form.
    pub kind: FormKind,
    /// Set on a platform where a form can be submitted again after a refusal. It is the idempotency key of the effect,
    /// which happens once whatever is typed; `origin.replay` is then the key of one attempt.
    pub once: Option<ReplayKey>,
    /// The opaque value that the form carried.
    pub value: String,
    /// What was typed.
    pub typed: String,
}

written_enum! {
    /// The buttons. Their names are part of the outside contract. [`Action::asks`] says what each one asks for.
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
        /// Send the guide: they can still sign in.
        SendGuide = "send_guide",
        /// Close the card.
        Cancel = "cancel",
        /// I can reach them outside this chat.
        Reachable = "reachable",
        /// Also send a copy to me.
        CopyToSelf = "copy_to_self",
        /// Type another address for the copy.
        CopyToSelfChange = "copy_to_self_change",
        /// Also show it here.
        AlsoShow = "also_show",
        /// Reset and send. The only button that changes a password.
        Confirm = "confirm",
        /// Back to the ways of delivery.
        Back = "back",
        /// Sign the member out once more.
        RetrySignOut = "retry_sign_out",
        /// Hide the shown password.
        Done = "done",
        /// Add the contact that a command named: the answer to a question.
        ContactAdd = "contact_add",
        /// Send a code to a contact that was added.
        ContactCode = "contact_code",
    }
}

written_enum! {
    /// The forms. Each has one input and the name of the button that opens it.
    FormKind {
        /// Another phone or e-mail for the delivery.
        Destination = "deliver_other",
        /// Another address for the copy.
        CopyAddress = "copy_to_self_change",
        /// The code that was sent to an added contact.
        ContactCode = "contact_code",
    }
}

/// What a button asks for. Each button name is read into it once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ButtonAsk {
    /// Something about the contact that a command named.
    Contact(ContactAsk),
    /// Something about a card. Its value leads to a reset.
    Card(CardAsk),
}

/// What a button below a message about a contact asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContactAsk {
    /// Add it.
    Add,
    /// Send a code to it.
    SendCode,
}

/// What a button of a card, or of the message that follows it, asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardAsk {
    /// Choose a way of delivery.
    Choose(Delivery),
    /// Change the card; nothing happens outside.
    Amend(CardChange),
    /// Open a form.
    OpenForm(CardForm),
    /// Close the card.
    Close,
    /// Do something outside.
    Act(CardAct),
    /// Something after the act.
    After(AfterAct),
}

/// A change of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardChange {
    /// S10: the administrator can reach the member outside the chat.
    Reachable,
    /// Back from the last look to the ways of delivery.
    Back,
    /// S27: the administrator's copy, on or off.
    ToggleCopy,
    /// S38: showing the password as well, on or off.
    ToggleShow,
}

/// A form that a card opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardForm {
    /// S24, S25: another phone or e-mail for the delivery.
    Destination,
    /// S28: another address for the administrator's copy.
    CopyAddress,
}

impl CardForm {
    /// The form's name in the outside contract.
    pub fn kind(self) -> FormKind {
        match self {
            Self::Destination => FormKind::Destination,
            Self::CopyAddress => FormKind::CopyAddress,
        }
    }
}

/// What a card can do outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardAct {
    /// Reset the password and deliver it.
    Confirm,
    /// S6: send the guide instead.
    SendGuide,
    /// Let the directory send its own link instead.
    SendDirectoryLink,
}

/// What can be asked after the act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterAct {
    /// Sign the member out once more.
    SignOut,
    /// Hide the shown password.
    Hide,
}

impl Action {
    /// What the button asks for.
    pub fn asks(self) -> ButtonAsk {
        ButtonAsk::Card(match self {
            Self::ContactAdd => return ButtonAsk::Contact(ContactAsk::Add),
            Self::ContactCode => return ButtonAsk::Contact(ContactAsk::SendCode),
            Self::DeliverCopy => CardAsk::Choose(Delivery::Copy),
            Self::DeliverPhone => CardAsk::Choose(Delivery::Phone),
            Self::DeliverEmail => CardAsk::Choose(Delivery::Email),
            Self::DeliverOther => CardAsk::OpenForm(CardForm::Destination),
            Self::CopyToSelfChange => CardAsk::OpenForm(CardForm::CopyAddress),
            Self::Reachable => CardAsk::Amend(CardChange::Reachable),
            Self::Back => CardAsk::Amend(CardChange::Back),
            Self::CopyToSelf => CardAsk::Amend(CardChange::ToggleCopy),
            Self::AlsoShow => CardAsk::Amend(CardChange::ToggleShow),
            Self::Cancel => CardAsk::Close,
            Self::Confirm => CardAsk::Act(CardAct::Confirm),
            Self::SendGuide => CardAsk::Act(CardAct::SendGuide),
            Self::DirectoryLink => CardAsk::Act(CardAct::SendDirectoryLink),
            Self::RetrySignOut => CardAsk::After(AfterAct::SignOut),
            Self::Done => CardAsk::After(AfterAct::Hide),
        })
    }
}

/// What a command asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// The help text.
    Help,
    /// The log, of everybody or of one member.
    Log(Option<NamedMember>),
    /// Which rules would allow a reset.
    Why(NamedMember),
    /// A reset, with the further words as the reason.
    Reset(NamedMember, Option<String>),
    /// S42: add a phone or an e-mail to which codes for this member may go.
    Contact(NamedMember, String),
    /// Not understood. The text stands where a member was expected.
    Unclear(String),
    /// More than one member.
    Several,
}

/// How a command names a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamedMember {
    /// A mention: the platform's own id.
    Mention(String),
    /// A work e-mail.
    Email(EmailAddress),
}

/// One word of a command, as the adapter read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// A mention or a work e-mail.
    Member(NamedMember),
    /// Anything else.
    Text(String),
}

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
                // A second mention is never part of the reason.
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

    /// A member and an address. A work e-mail as the address looks like a second member.
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

/// The context in which the value of [`Action::ContactAdd`] is sealed.
pub const CONTACT_QUESTION: &str = "contact question";

/// A message to one administrator. Its texts are plain: renderers must not let a platform read markup in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The first line, shown as a heading.
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
    /// Which button.
    pub action: Action,
    /// Its text.
    pub label: String,
    /// The opaque value that leads back to the reset.
    pub value: String,
    /// How it looks.
    pub style: Style,
}

/// How a button looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// No emphasis.
    Plain,
    /// The usual choice.
    Primary,
    /// It changes something for good.
    Danger,
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
