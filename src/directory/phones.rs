//! Members' phones as directories have them: read with the country of the entry, and told where that was not enough.

use super::{Match, Unavailable};
use crate::domain::country::Country;
use crate::domain::phone::{PhoneRemark, phone_on_record};
use crate::domain::{EmailAddress, PhoneNumber};

/// The phone of a member and what has to be known of it. One that cannot be used is logged.
pub(super) fn phone_of<'a>(
    directory: &str,
    member: &str,
    texts: impl Iterator<Item = &'a str>,
    country: Option<Country>,
) -> (Option<PhoneNumber>, Option<PhoneRemark>) {
    let (phone, remark) = phone_on_record(texts, country);
    if let Some(PhoneRemark::Unreadable(unreadable)) = &remark {
        tracing::warn!(
            directory,
            member.id = member,
            why = %unreadable,
            "a member's phone cannot be used"
        );
    }
    (phone, remark)
}

/// For `relatch check`: what has to be known of the phone of the account that was looked up.
pub(super) fn warning(
    found: Result<Vec<Match>, Unavailable>,
    email: &EmailAddress,
) -> Option<String> {
    let Ok(Some(Match::One(member))) = found.map(|mut found| found.pop()) else {
        return None;
    };
    let account = email.masked();
    member.phone_remark.map(|remark| match remark {
        PhoneRemark::CountryAdded(country) => format!(
            "the phone of {account} has no country code and is read as a number of {country}. Where members are of other \
            countries, write their phones with the country code"
        ),
        PhoneRemark::Unreadable(unreadable) => format!(
            "no SMS can reach {account}: {unreadable}. Write phones with the country code, or set default_country"
        ),
    })
}
