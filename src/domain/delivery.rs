//! How a password may leave: what policy allows, the plan of one reset, and how each output ended.

use super::EmailAddress;
use super::channel::{Delivery, Destination};
use super::written_enum;

written_enum! {
    /// What an SMS or an e-mail to the member carries.
    pub Carries {
        /// The new password.
        Password = "password",
        /// A link that works once, with which the member sets their own (Q4).
        Link = "link",
    }
}

/// An output by which the administrator sees the password or decides where it goes; policy can forbid each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extra {
    /// The administrator is shown the password and tells it to the member.
    Copy,
    /// The password goes to an address that the administrator types.
    Typed,
    /// A copy goes to the administrator's registered address.
    CopyToSelf,
    /// A copy goes to an address that the administrator types.
    CopyElsewhere,
    /// The administrator is also shown the password.
    Show,
}

/// Why policy does not allow an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtraDenied {
    /// The profile is "strict".
    Strict,
    /// A link is sent, so there is no password to show or copy.
    WithLink,
    /// The chat is not private: somebody else may read our replies or have typed the address.
    NotPrivate,
}

impl ExtraDenied {
    /// A short fixed word for the record.
    pub fn code(self) -> &'static str {
        match self {
            Self::Strict | Self::WithLink => "profile",
            Self::NotPrivate => "not_private",
        }
    }
}

impl Extra {
    /// True where the output is shown in the chat or goes to an address typed there, so that it is only as safe as the chat.
    pub fn needs_private_replies(self) -> bool {
        match self {
            Self::Copy | Self::Typed | Self::CopyElsewhere | Self::Show => true,
            Self::CopyToSelf => false,
        }
    }
}

/// What the organization allows to be sent (`policy.profile`, `policy.send`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ways {
    /// Links to contacts on record are the only way (OWASP ASVS 5.0, 6.4.6: an administrator must not know the password).
    pub is_strict: bool,
    /// What an SMS or an e-mail to the member carries.
    pub carries: Carries,
}

impl Default for Ways {
    fn default() -> Self {
        Self {
            is_strict: false,
            carries: Carries::Password,
        }
    }
}

impl Ways {
    /// What a delivery of this kind carries.
    pub fn carried_by(self, delivery: Delivery) -> Carries {
        if delivery.channel().is_some() {
            self.carries
        } else {
            Carries::Password
        }
    }

    /// Checks an output of a plan that carries a password or a link.
    pub fn allow(self, extra: Extra, carried: Carries) -> Result<(), ExtraDenied> {
        match (extra, carried) {
            _ if self.is_strict => Err(ExtraDenied::Strict),
            (Extra::CopyToSelf | Extra::CopyElsewhere | Extra::Show, Carries::Link) => {
                Err(ExtraDenied::WithLink)
            }
            (Extra::Copy | Extra::Typed, _)
            | (Extra::CopyToSelf | Extra::CopyElsewhere | Extra::Show, Carries::Password) => Ok(()),
        }
    }
}

/// How the password reaches the member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// The administrator is shown the password and tells it to the member.
    Copy,
    /// It is sent to an address.
    Send(Destination),
}

/// All outputs of one reset (S38): the delivery to the member, and up to two outputs for the administrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The delivery to the member.
    pub way: Way,
    /// S27, S28: where the administrator's copy goes.
    pub copy_to_self: Option<EmailAddress>,
    /// S38: whether the administrator is also shown the password.
    pub also_show: bool,
    /// What goes to the member.
    pub carries: Carries,
}

impl Plan {
    /// True when the administrator is shown the password in the chat.
    pub fn shows(&self) -> bool {
        self.also_show || self.way == Way::Copy
    }

    /// Checks that the present settings still allow every output.
    pub fn fits(&self, ways: Ways, is_typed: bool) -> Result<(), ExtraDenied> {
        let wanted = [
            (self.way == Way::Copy).then_some(Extra::Copy),
            is_typed.then_some(Extra::Typed),
            self.copy_to_self.is_some().then_some(Extra::CopyToSelf),
            self.also_show.then_some(Extra::Show),
        ];
        if ways.is_strict && self.carries == Carries::Password {
            return Err(ExtraDenied::Strict);
        }
        wanted
            .into_iter()
            .flatten()
            .try_for_each(|extra| ways.allow(extra, self.carries))
    }
}

/// How one output ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The next hop accepted it.
    Accepted,
    /// Certainly not sent.
    Refused(Refusal),
    /// It may or may not have been sent, as after a timeout.
    Unknown,
}

/// Why an output was certainly not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No connection, or no answer.
    Unreachable,
    /// The next hop does not know or refuses the address (SMTP 550, SMS 4xx).
    Address,
    /// Try again later: greylisting (SMTP 4xx) or a rate limit (429).
    Later,
    /// Our credentials are refused; the operator has to act.
    Credentials,
    /// What we ask is refused to everybody who is set up as we are; the operator has to act.
    SetUp,
    /// The member answered STOP and gets no more messages from us.
    OptedOut,
    /// The message itself is refused.
    Message,
    /// No trusted encrypted connection.
    Tls,
}

impl Refusal {
    const ALL: [Self; 8] = [
        Self::Unreachable,
        Self::Address,
        Self::Later,
        Self::Credentials,
        Self::SetUp,
        Self::OptedOut,
        Self::Message,
        Self::Tls,
    ];

    /// The refusal with this [`Refusal::code`].
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.code() == code)
    }

    /// A short fixed word for the record and for logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Address => "address",
            Self::Later => "later",
            Self::Credentials => "credentials",
            Self::SetUp => "set_up",
            Self::OptedOut => "opted_out",
            Self::Message => "message",
            Self::Tls => "tls",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Profile "strict" refuses whatever shows, copies or redirects a password; a link to a contact on record is allowed.
    #[test]
    fn strict_leaves_links_to_contacts_on_record_alone() {
        let strict = Ways {
            is_strict: true,
            carries: Carries::Link,
        };
        let to: Destination = "mina@mail.example".parse().map(Destination::Email).unwrap();
        let plan = |way, carries| Plan {
            way,
            copy_to_self: None,
            also_show: false,
            carries,
        };
        let link = plan(Way::Send(to.clone()), Carries::Link);
        assert_eq!(link.fits(strict, false), Ok(()));
        assert_eq!(link.fits(strict, true), Err(ExtraDenied::Strict));
        assert_eq!(
            plan(Way::Send(to.clone()), Carries::Password).fits(strict, false),
            Err(ExtraDenied::Strict)
        );
        assert_eq!(
            plan(Way::Copy, Carries::Password).fits(strict, false),
            Err(ExtraDenied::Strict)
        );
        assert_eq!(
            plan(Way::Copy, Carries::Password).fits(Ways::default(), false),
            Ok(())
        );
        let shown = Plan {
            also_show: true,
            ..link
        };
        assert_eq!(shown.fits(strict, false), Err(ExtraDenied::Strict));
        assert_eq!(
            shown.fits(
                Ways {
                    is_strict: false,
                    ..strict
                },
                false
            ),
            Err(ExtraDenied::WithLink)
        );
        let copied = Plan {
            copy_to_self: Some("jo@acme.example".parse().unwrap()),
            also_show: false,
            ..shown
        };
        assert_eq!(
            copied.fits(
                Ways {
                    is_strict: false,
                    ..strict
                },
                false
            ),
            Err(ExtraDenied::WithLink)
        );
    }
}
