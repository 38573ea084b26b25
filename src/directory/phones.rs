//! Members' phones as directories have them: read with the country of the entry, and told where that was not enough.

use super::{Match, Unavailable};
use crate::domain::country::Country;
use crate::domain::phone::{PhoneRemark, phone_on_record};
use crate::domain::{EmailAddress, PhoneNumber};

/// The phone of a member and what has to be known of it.
pub(super) fn phone_of<'a>(
    directory: &str,
    member: &str,
    texts: impl Iterator<Item = &'a str>,
    country: Option<Country>,
) -> (Option<PhoneNumber>, Vec<PhoneRemark>) {
    let (phone, remarks) = phone_on_record(texts, country);
    for unreadable in remarks.iter().filter_map(PhoneRemark::unreadable) {
        tracing::debug!(
            directory,
            member.id = member,
            why = %unreadable,
            "a phone in the directory cannot be used"
        );
    }
    (phone, remarks)
}

/// For `relatch check`: what has to be known of the phone of the account that was looked up.
pub(super) fn warnings(
    directory: &str,
    found: Result<Vec<Match>, Unavailable>,
    email: &EmailAddress,
) -> Vec<String> {
    let Ok(Some(Match::One(member))) = found.map(|mut found| found.pop()) else {
        return Vec::new();
    };
    for why in member
        .phone_remarks
        .iter()
        .filter_map(PhoneRemark::unreadable)
    {
        tracing::warn!(directory, member.id = %member.id, %why, "the looked-up account's phone cannot be used");
    }
    let has_another = member.phone.is_some();
    let account = email.masked();
    let warning = |remark: &PhoneRemark| warning(remark, &account, has_another);
    member.phone_remarks.iter().map(warning).collect()
}

fn warning(remark: &PhoneRemark, account: &str, has_another: bool) -> String {
    match remark {
        PhoneRemark::CountryAdded(country) => format!(
            "the phone of {account} has no country code and is read as a number of {country}. Where members are of other \
            countries, write their phones with the country code"
        ),
        PhoneRemark::ZerosRead(code) => format!(
            "the phone of {account} begins with 00, which is read as +{code}. Write phones with + and the country code"
        ),
        PhoneRemark::Unreadable(unreadable) => {
            let advice = if unreadable.lacks_country() {
                ". Write phones with the country code, or set default_country"
            } else {
                ""
            };
            if has_another {
                format!("one phone of {account} is passed over: {unreadable}{advice}")
            } else {
                format!("no SMS can reach {account}: {unreadable}{advice}")
            }
        }
    }
}
