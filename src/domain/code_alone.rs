//! A code in place of the password: whom it may let in, where it may go, and how often one is sent.

use std::fmt;
use std::str::FromStr;

use super::contacts::{AddedAs, AddedContact, of_directory};
use super::reset::ResetId;
use super::sign_in::AccountState;
use super::written::UnknownWord;
use super::{
    Channel, CompanyDomains, Destination, LoginMethod, Member, Moment, Span, Status, written_enum,
};

/// How many codes an account is sent for all browsers together that it does not know.
pub(crate) const CODES_OF_STRANGERS: usize = 1;

/// How many codes an account is sent for one browser that it knows.
pub(crate) const CODES_OF_A_DEVICE: usize = 3;

/// The window of both.
pub(crate) const SIGN_IN_CODES_COUNT_FOR: Span = Span::hours(1);

/// Wrong codes of unknown browsers after which they are sent no further one, until the member gets another password, or
/// signs in after [`WRONG_CODES_OF_STRANGERS_COUNT_FOR`]: with five tries a code, somebody guesses right with a probability
/// of at most 20 in a million. The account is not locked, because anybody could lock it so.
pub(crate) const WRONG_CODES_OF_STRANGERS: u32 = 20;

/// How long after the last wrong code a sign-in of the member forgets none of them.
pub(crate) const WRONG_CODES_OF_STRANGERS_COUNT_FOR: Span = Span::hours(7 * 24);

/// The audit is told once in this time why an account is sent no code, and of wrong codes: strangers fill it otherwise.
pub(crate) const CODES_NOTED_AGAIN_AFTER: Span = Span::hours(1);

/// How many sign-ins by a code may begin in one network.
pub(crate) const CODE_SIGN_INS_OF_A_NETWORK: usize = 5;

/// How many may begin in all networks together: each is a row of the record, whatever address was typed.
pub(crate) const CODE_SIGN_INS_OF_ALL: u32 = 600;

/// The window of both.
pub(crate) const CODE_SIGN_INS_COUNT_FOR: Span = Span::minutes(1);

/// One guide a member within this time, from all administrators together.
pub(crate) const GUIDE_PAUSE: Span = Span::hours(1);

/// How long the link "this wasn't me" of a message about a code works.
pub(crate) const CODE_LINK_LIFE: Span = Span::hours(7 * 24);

/// The id of a code that took the place of a password. It is drawn like that of a reset, and is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CodeUseId(pub ResetId);

impl fmt::Display for CodeUseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for CodeUseId {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        text.parse().map(Self)
    }
}

written_enum! {
    /// What the code made possible.
    pub CodeUse {
        /// A new password in a session that was open already.
        NewPassword = "new_password",
        /// A sign-in without a password.
        SignIn = "sign_in",
    }
}

written_enum! {
    /// Why an account is sent no code for a sign-in. Nobody is told it: the page is the same as for an unknown address.
    pub(crate) CodeSignInDenied {
        /// Neither active nor inactive.
        Status = "status",
        /// The member does not sign in with a password.
        LoginMethod = "login_method",
        /// The password of a reset waits for its first use (S39).
        PasswordOfReset = "password_of_reset",
        /// Locked by wrong passwords, by wrong codes or by "this wasn't me".
        Locked = "locked",
        /// Too many wrong codes came from browsers that the account does not know.
        WrongCodes = "wrong_codes",
        /// Enough codes were sent already.
        TooMany = "too_many",
        /// No contact may receive it.
        NoContact = "no_contact",
    }
}

/// Checks whether a code alone may let a member in now.
pub(crate) fn may_sign_in_by_code(
    status: Status,
    method: LoginMethod,
    state: AccountState,
) -> Result<(), CodeSignInDenied> {
    if !matches!(status, Status::Active | Status::Inactive) {
        return Err(CodeSignInDenied::Status);
    }
    if method != LoginMethod::BusinessEmail {
        return Err(CodeSignInDenied::LoginMethod);
    }
    if state.lock.is_some() {
        return Err(CodeSignInDenied::Locked);
    }
    // Also after it has ended: only an administrator gives the next one.
    if state.temporary_until.is_some() {
        return Err(CodeSignInDenied::PasswordOfReset);
    }
    Ok(())
}

/// Checks the number of codes. `sent` are those of the member, each with the key of the known browser that asked for it.
pub(crate) fn may_send_sign_in_code(
    sent: &[(Moment, Option<String>)],
    device: Option<&str>,
    now: Moment,
) -> Result<(), CodeSignInDenied> {
    let of_this = sent
        .iter()
        .filter(|(at, asked_by)| {
            now - *at < SIGN_IN_CODES_COUNT_FOR && asked_by.as_deref() == device
        })
        .count();
    let most = if device.is_some() {
        CODES_OF_A_DEVICE
    } else {
        CODES_OF_STRANGERS
    };
    if of_this < most {
        Ok(())
    } else {
        Err(CodeSignInDenied::TooMany)
    }
}

/// Since when the contacts of the directory are what they are; none where no import has changed them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OnRecordSince {
    pub phone: Option<Moment>,
    pub personal_email: Option<Moment>,
}

impl OnRecordSince {
    /// Of the contact of the directory in this channel.
    pub(crate) fn of(self, channel: Channel) -> Option<Moment> {
        match channel {
            Channel::Sms => self.phone,
            Channel::Email => self.personal_email,
        }
    }
}

/// A contact whose code the member did not use: "this wasn't me".
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DisownedContact {
    /// Its keyed digest; none where nobody can tell any more which it was, as after another key. Then it may be any.
    pub digest: Option<String>,
    /// When the member said so.
    pub at: Moment,
}

/// The contacts that get no code in place of a password, because somebody else may read what is sent there.
pub(crate) struct DisownedContacts<'a> {
    pub all: &'a [DisownedContact],
    /// The keyed digest of an address.
    pub digest: &'a dyn Fn(&Destination) -> String,
}

impl DisownedContacts<'_> {
    /// True for one of them that neither an import nor the operator has named since.
    pub(crate) fn is_without_new_word(
        &self,
        to: &Destination,
        member: &Member,
        since: OnRecordSince,
        added: &[AddedContact],
    ) -> bool {
        let of_directory = since
            .of(to.channel())
            .filter(|_| to.channel().on_record(member).as_ref() == Some(to));
        let of_operator = added
            .iter()
            .filter(|one| one.added_as == AddedAs::Operator && one.to.is_same(to))
            .map(|one| one.added_at);
        let named_at = of_operator.chain(of_directory).max();
        let digest = (self.digest)(to);
        self.all.iter().any(|one| {
            one.digest.as_ref().is_none_or(|other| *other == digest)
                && named_at.is_none_or(|at| at <= one.at)
        })
    }
}

/// What the choice of a contact depends on besides the member.
pub(crate) struct CodeAloneContext<'a> {
    /// The organization's domains. Their mailboxes get no code.
    pub company: &'a CompanyDomains,
    /// `policy.contact_age`.
    pub age: Span,
    /// True for a channel that has settings.
    pub has: &'a dyn Fn(Channel) -> bool,
    pub disowned: DisownedContacts<'a>,
    pub now: Moment,
}

/// Where a code goes that lets a member in by itself.
///
/// Only to contacts of the directory or of the operator, and to those that the member added in a session which a code had
/// opened beside a password; none that is younger than `policy.contact_age`, and none of which the member said "this wasn't
/// me". So neither an administrator nor somebody who knows no more than the password can prepare one, and a changed contact
/// can be noticed first.
pub(crate) fn destination_of_code_alone(
    member: &Member,
    since: OnRecordSince,
    added: &[AddedContact],
    context: &CodeAloneContext<'_>,
) -> Option<Destination> {
    let is_old = |at: Moment| at + context.age <= context.now;
    let on_record = of_directory(member)
        .into_iter()
        .filter(|to| since.of(to.channel()).is_none_or(is_old));
    let of_member = added
        .iter()
        .filter(|one| match one.added_as {
            AddedAs::Operator | AddedAs::Proven => one.counts() && is_old(one.added_at),
            AddedAs::Member | AddedAs::Administrator => false,
        })
        .map(|one| one.to.clone());
    on_record.chain(of_member).find(|to| {
        (context.has)(to.channel())
            && to.clone().outside(member, context.company).is_ok()
            && !context
                .disowned
                .is_without_new_word(to, member, since, added)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::sign_in::LockedBy;

    const NOW: Moment = Moment(1_000_000_000);

    /// Every status, every login method, every lock, and the password of a reset.
    #[test]
    fn a_code_alone_opens_what_nothing_else_holds_back() {
        let open = AccountState {
            temporary_until: None,
            lock: None,
        };
        for status in Status::ALL {
            let is_in_use = matches!(status, Status::Active | Status::Inactive);
            let may = may_sign_in_by_code(*status, LoginMethod::BusinessEmail, open);
            assert_eq!(may.is_ok(), is_in_use, "{status}");
        }
        for method in LoginMethod::ALL {
            let may = may_sign_in_by_code(Status::Active, *method, open);
            assert_eq!(may.is_ok(), *method == LoginMethod::BusinessEmail);
        }
        for lock in LockedBy::ALL {
            let locked = AccountState {
                lock: Some(*lock),
                ..open
            };
            let may = may_sign_in_by_code(Status::Active, LoginMethod::BusinessEmail, locked);
            assert_eq!(may, Err(CodeSignInDenied::Locked));
        }
        for until in [NOW, NOW + Span(1)] {
            let waiting = AccountState {
                temporary_until: Some(until),
                ..open
            };
            let may = may_sign_in_by_code(Status::Active, LoginMethod::BusinessEmail, waiting);
            assert_eq!(may, Err(CodeSignInDenied::PasswordOfReset));
        }
    }

    #[test]
    fn strangers_share_one_code_an_hour_and_a_device_has_three() {
        let ago = |seconds: i64, device: Option<&str>| {
            (NOW - Span::seconds(seconds), device.map(str::to_owned))
        };
        let may = |sent: &[(Moment, Option<String>)], device| {
            may_send_sign_in_code(sent, device, NOW).is_ok()
        };
        assert!(may(&[], None) && may(&[ago(3600, None)], None));
        assert!(!may(&[ago(3599, None)], None));
        // What strangers were sent takes nothing from a known browser, and the other way round.
        assert!(may(&[ago(1, None)], Some("d")) && may(&[ago(1, Some("d"))], None));
        let two = [ago(9, Some("d")), ago(8, Some("d")), ago(7, Some("e"))];
        assert!(may(&two, Some("d")));
        let three = [ago(9, Some("d")), ago(8, Some("d")), ago(7, Some("d"))];
        assert!(!may(&three, Some("d")) && may(&three, Some("e")));
    }
}
