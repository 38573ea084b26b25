//! The countries that an SMS with a password or a code may go to. A typed number must not choose an expensive one.

use std::sync::Arc;

use super::country::Country;
use super::{Member, PhoneNumber};

/// The countries of SMS to numbers that are not on record (`sms.countries`, `default_country`).
#[derive(Clone, Debug, Default)]
pub struct SmsCountries {
    /// The countries that the settings list; may be empty.
    listed: Arc<[Country]>,
    /// Counts only where the settings list no country.
    default: Option<Country>,
}

impl SmsCountries {
    /// The countries of the settings.
    pub fn new(listed: Vec<Country>, default: Option<Country>) -> Self {
        Self {
            listed: listed.into(),
            default,
        }
    }

    /// Checks if an SMS for this member may go to this number. The member's phone on record is always allowed.
    pub fn check(&self, to: &PhoneNumber, member: &Member) -> Result<(), NotThisCountry> {
        if member.phone.as_ref() == Some(to) {
            return Ok(());
        }
        let allowed = self.allowed_for(member);
        let is_allowed = match &member.phone {
            // The country of the member's own phone is unknown, so the calling code decides.
            Some(own) if allowed.is_empty() => own.calling_code() == to.calling_code(),
            None if allowed.is_empty() => true,
            Some(_) | None => to
                .country_of()
                .is_some_and(|country| allowed.contains(&country)),
        };
        if is_allowed {
            Ok(())
        } else {
            Err(NotThisCountry { allowed })
        }
    }

    /// Empty if every country is allowed.
    fn allowed_for(&self, member: &Member) -> Vec<Country> {
        if !self.listed.is_empty() {
            return self.listed.to_vec();
        }
        let own = member.phone.as_ref().and_then(PhoneNumber::country_of);
        let mut allowed: Vec<Country> = self.default.into_iter().chain(own).collect();
        allowed.dedup();
        allowed
    }
}

/// The country of a typed number is not allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotThisCountry {
    /// The countries that are allowed, for the refusal's text.
    pub allowed: Vec<Country>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{LoginMethod, MemberId, Role, SecondFactors, Status};

    fn member(phone: Option<&str>) -> Member {
        Member {
            id: MemberId("m".to_owned()),
            name: "Mina Park".to_owned(),
            business_email: "mina.park@acme.example".parse().unwrap(),
            aliases: Vec::new(),
            login_method: LoginMethod::BusinessEmail,
            status: Status::Active,
            phone: phone.map(|phone| phone.parse().unwrap()),
            personal_email: None,
            role: Role::Member,
            department: None,
            manager_email: None,
            guard: None,
            phone_remarks: Vec::new(),
            never_expires: false,
            has_other_password: false,
            second_factors: SecondFactors::default(),
        }
    }

    fn countries(listed: &[&str], default: Option<&str>) -> SmsCountries {
        let read = |text: &str| text.parse().unwrap();
        SmsCountries::new(
            listed.iter().map(|text| read(text)).collect(),
            default.map(read),
        )
    }

    const KR: &str = "+821012345642";
    const JP: &str = "+819012345678";
    const US: &str = "+12025550123";
    const JAMAICA: &str = "+18762101234";

    #[test]
    fn the_list_counts_then_the_own_countries_then_none() {
        let lets = |countries: &SmsCountries, own: Option<&str>, to: &str| {
            countries.check(&to.parse().unwrap(), &member(own)).is_ok()
        };
        let listed = countries(&["jp"], Some("KR"));
        assert!(lets(&listed, Some(KR), JP) && !lets(&listed, Some(KR), "+821055550199"));
        assert!(
            lets(&listed, Some(KR), KR),
            "a number on record is always allowed"
        );
        let default = countries(&[], Some("KR"));
        assert!(
            lets(&default, None, KR)
                && lets(&default, Some(JP), "+819087654321")
                && !lets(&default, None, JP)
        );
        let own = countries(&[], None);
        assert!(
            lets(&own, Some(KR), "+821055550199")
                && !lets(&own, Some(KR), JP)
                && lets(&own, None, JP)
        );
    }

    /// Countries that share a calling code are different countries: an SMS to some of them is expensive, and can pay the
    /// person who asked for it.
    #[test]
    fn a_shared_country_code_is_no_country() {
        let listed = countries(&["US"], None);
        assert!(listed.check(&US.parse().unwrap(), &member(None)).is_ok());
        let refused = listed
            .check(&JAMAICA.parse().unwrap(), &member(None))
            .unwrap_err();
        assert_eq!(
            refused
                .allowed
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>(),
            ["US"]
        );
    }
}
