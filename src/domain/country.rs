//! The countries that an SMS with a password or a code may go to. A typed number must not choose an expensive one.

mod of_entry;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::phone::numbering::{self, Kind};
use super::{Member, PhoneNumber};

/// A country or territory by its two-letter code (ISO 3166-1 alpha-2), such as `KR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Country(pub(super) phonenumber::country::Id);

/// The text is not the two letters of a country.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not the two letters of a country, such as KR")]
pub struct NotACountry;

impl FromStr for Country {
    type Err = NotACountry;

    fn from_str(text: &str) -> Result<Self, NotACountry> {
        text.trim()
            .to_ascii_uppercase()
            .parse()
            .map(Self)
            // The cause says no more.
            .map_err(|_| NotACountry)
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_ref())
    }
}

impl Country {
    /// None where the country has no numbers of its own.
    pub(super) fn calling_code(self) -> Option<u16> {
        let plan = phonenumber::metadata::DATABASE.by_id(self.0.as_ref());
        plan.map(phonenumber::Metadata::country_code)
    }
}

impl PhoneNumber {
    /// The country of the number. None if several countries share the calling code and the digits do not tell which.
    pub fn country_of(&self) -> Option<Country> {
        let (code, national) = self.parts()?;
        let (region, _) = numbering::plan_of(code, national)?;
        region.id().parse().ok()
    }

    /// True for premium, shared-cost and personal numbers. An import of an older version may have put them on record, and
    /// [`PhoneNumber::stored`] does not check the rules of their countries.
    pub fn is_costly(&self) -> bool {
        let plan = self
            .parts()
            .and_then(|(code, national)| numbering::plan_of(code, national));
        matches!(plan, Some((_, Kind::Costly)))
    }
}

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
    use crate::domain::{LoginMethod, MemberId, Role, Status};

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
            phone_remark: None,
            never_expires: false,
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

    #[test]
    fn countries_are_two_letters() {
        assert_eq!(
            "kr".parse::<Country>().map(|country| country.to_string()),
            Ok("KR".to_owned())
        );
        for text in ["", "KOR", "Korea", "XX", "82"] {
            assert_eq!(text.parse::<Country>(), Err(NotACountry), "{text}");
        }
    }

    /// Satellite, premium, shared-cost and personal numbers never get an SMS, typed or on record.
    #[test]
    fn costly_numbers_are_no_phones() {
        let costly = [
            "+881612345678",
            "+870773111632",
            "+88216123456",
            "+883510012345",
            "+979123456789",
            "+80812345678",
        ];
        for number in costly.into_iter().chain([
            "+447012345678",
            "+448431234567",
            "+449012345678",
            "+19002345678",
        ]) {
            assert!(number.parse::<PhoneNumber>().is_err(), "{number}");
        }
        for number in costly {
            assert!(PhoneNumber::stored(number).is_err(), "{number}");
        }
        for number in ["+447012345678", "+448431234567", "+449012345678"] {
            assert!(PhoneNumber::stored(number).unwrap().is_costly(), "{number}");
        }
        assert!(!PhoneNumber::stored(KR).unwrap().is_costly());
    }
}
