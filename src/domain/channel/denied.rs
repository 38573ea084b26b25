//! Why an address that somebody typed is not used.

use super::Channel;
use crate::domain::phone::NotAPhone;
use crate::domain::sms_countries::NotThisCountry;

/// Why a typed destination is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DestinationDenied {
    /// S11: the mailbox of the member who is locked out of it.
    BusinessEmail,
    /// S43: an address of the company, where a contact for codes is asked for.
    BusinessDomain,
    /// A mailbox of the organization, where a destination for a password is asked for: its mail administrators can read it.
    Organization,
    /// Neither a phone number nor an e-mail address.
    NotAnEmail,
    /// An address whose domain mixes letters of several scripts, as one does that is made to look like another.
    MixedScripts,
    /// Not a number that can receive SMS.
    NotAPhone(NotAPhone),
    /// The settings allow no SMS to the country of the number.
    Country(NotThisCountry),
    /// A number was typed where an e-mail is needed.
    EmailNeeded,
    /// This channel has no settings.
    ChannelOff(Channel),
}
