//! The buttons and forms by their names, and what each button asks for.

use crate::domain::written::UnknownWord;
use crate::domain::{Delivery, written_enum};

/// Makes [`Action`] from the buttons that are not a way of delivery.
macro_rules! buttons {
    ($($(#[$doc:meta])* $button:ident = $name:literal,)+) => {
        /// The buttons. Their names are part of the outside contract. [`Action::asks`] says what each one asks for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Action {
            /// Send the password this way.
            Choose(Delivery),
            $($(#[$doc])* $button,)+
        }

        impl Action {
            /// Every button, each way of delivery as one.
            pub fn all() -> impl Iterator<Item = Self> {
                let ways = Delivery::ALL.iter().copied().map(Self::Choose);
                ways.chain([$(Self::$button),+])
            }

            /// The name of the button.
            pub const fn as_str(self) -> &'static str {
                match self {
                    Self::Choose(delivery) => delivery.button(),
                    $(Self::$button => $name,)+
                }
            }
        }
    };
}

buttons! {
    /// Type another phone or e-mail.
    DeliverOther = "deliver_other",
    /// Let the directory send its own link.
    DirectoryLink = "deliver_directory_link",
    /// Send the guide: they can still sign in.
    SendGuide = "send_guide",
    /// Close the card without a reset.
    Cancel = "cancel",
    /// I can reach them outside this chat.
    Reachable = "reachable",
    /// Also send a copy to me.
    CopyToSelf = "copy_to_self",
    /// Type another address for the copy.
    CopyToSelfChange = "copy_to_self_change",
    /// S38: also show the password here.
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
    /// Ask another administrator to add a contact, so that the code can come.
    AskContact = "ask_contact",
}

written_enum! {
    /// The forms. Each has one input and the name of the button that opens it.
    pub FormKind {
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
    OpenForm(CardForm),
    Close,
    Act(CardAct),
    After(AfterAct),
    /// S42: ask another administrator to add a contact, before the act or after it.
    AskContact,
}

/// A change of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardChange {
    /// S10: the administrator can reach the member outside the chat.
    Reachable,
    /// Back from the last look to the ways of delivery.
    Back,
    /// S27: the administrator's copy, on or off.
    CopyToSelf,
    /// S38: showing the password as well, on or off.
    AlsoShow,
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
    Hide,
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Action {
    type Err = UnknownWord;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::all()
            .find(|action| action.as_str() == name)
            .ok_or_else(|| {
                let names: Vec<&str> = Self::all().map(Self::as_str).collect();
                UnknownWord(names.join(", "))
            })
    }
}

impl Action {
    /// What the button asks for.
    pub fn asks(self) -> ButtonAsk {
        ButtonAsk::Card(match self {
            Self::ContactAdd => return ButtonAsk::Contact(ContactAsk::Add),
            Self::ContactCode => return ButtonAsk::Contact(ContactAsk::SendCode),
            Self::Choose(delivery) => CardAsk::Choose(delivery),
            Self::DeliverOther => CardAsk::OpenForm(CardForm::Destination),
            Self::CopyToSelfChange => CardAsk::OpenForm(CardForm::CopyAddress),
            Self::Reachable => CardAsk::Amend(CardChange::Reachable),
            Self::Back => CardAsk::Amend(CardChange::Back),
            Self::CopyToSelf => CardAsk::Amend(CardChange::CopyToSelf),
            Self::AlsoShow => CardAsk::Amend(CardChange::AlsoShow),
            Self::Cancel => CardAsk::Close,
            Self::Confirm => CardAsk::Act(CardAct::Confirm),
            Self::SendGuide => CardAsk::Act(CardAct::SendGuide),
            Self::DirectoryLink => CardAsk::Act(CardAct::SendDirectoryLink),
            Self::RetrySignOut => CardAsk::After(AfterAct::SignOut),
            Self::Done => CardAsk::After(AfterAct::Hide),
            Self::AskContact => CardAsk::AskContact,
        })
    }
}

/// The context in which the value of [`Action::ContactAdd`] is sealed.
pub(crate) const CONTACT_QUESTION: &str = "contact question";

#[cfg(test)]
mod tests {
    use super::*;

    /// Each name leads back to its button, and those of the ways of delivery are as they were published.
    #[test]
    fn buttons_are_read_by_their_names() {
        for action in Action::all() {
            assert_eq!(action.as_str().parse(), Ok(action));
        }
        let names = Delivery::ALL.iter().map(|delivery| delivery.button());
        let published = ["deliver_copy", "deliver_phone", "deliver_email"];
        assert_eq!(names.collect::<Vec<_>>(), published);
        assert!("deliver_link".parse::<Action>().is_err());
    }
}
