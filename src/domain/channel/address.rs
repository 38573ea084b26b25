//! The kinds of addresses outside the chat: how each is read, checked, compared and shown.

use super::DestinationDenied;
use crate::domain::sms_countries::{NotThisCountry, SmsCountries};
use crate::domain::{CompanyDomains, Destination, EmailAddress, Member, PhoneNumber};

/// What a channel's address can do. Each kind of address has its field in [`Member`].
pub(in crate::domain) trait ChannelAddress: Sized {
    /// The address that the directory has of a member.
    fn on_record(member: &Member) -> Option<&Self>;

    /// True for a text that looks like an attempt to write such an address.
    fn looks_like(text: &str) -> bool;

    fn typed(
        text: &str,
        member: &Member,
        company: &CompanyDomains,
    ) -> Result<Self, DestinationDenied>;

    /// Reads what the database has, which may be older than today's checks.
    fn stored(text: &str) -> Option<Self>;

    /// Refuses an address that the organization itself can open.
    fn check_outside(
        &self,
        member: &Member,
        company: &CompanyDomains,
    ) -> Result<(), DestinationDenied>;

    /// True where nothing may be sent, whoever put the address on record.
    fn is_costly(&self) -> bool;

    /// Checks the country of an address that is not the member's own.
    fn check_country(
        &self,
        countries: &SmsCountries,
        member: &Member,
    ) -> Result<(), NotThisCountry>;

    /// What all spellings of the address share.
    fn key(&self) -> String;

    fn masked(&self) -> String;

    fn full(&self) -> &str;
}

impl ChannelAddress for PhoneNumber {
    fn on_record(member: &Member) -> Option<&Self> {
        member.phone.as_ref()
    }

    fn looks_like(text: &str) -> bool {
        !text.contains('@')
    }

    fn typed(text: &str, _: &Member, _: &CompanyDomains) -> Result<Self, DestinationDenied> {
        text.parse().map_err(DestinationDenied::NotAPhone)
    }

    fn stored(text: &str) -> Option<Self> {
        Self::stored(text).ok()
    }

    fn check_outside(&self, _: &Member, _: &CompanyDomains) -> Result<(), DestinationDenied> {
        Ok(())
    }

    fn is_costly(&self) -> bool {
        self.is_costly()
    }

    fn check_country(
        &self,
        countries: &SmsCountries,
        member: &Member,
    ) -> Result<(), NotThisCountry> {
        countries.check(self, member)
    }

    fn key(&self) -> String {
        self.as_str().to_owned()
    }

    fn masked(&self) -> String {
        self.masked()
    }

    fn full(&self) -> &str {
        self.as_str()
    }
}

impl ChannelAddress for EmailAddress {
    fn on_record(member: &Member) -> Option<&Self> {
        member.outside_email()
    }

    fn looks_like(text: &str) -> bool {
        text.contains('@')
    }

    fn typed(
        text: &str,
        member: &Member,
        company: &CompanyDomains,
    ) -> Result<Self, DestinationDenied> {
        Destination::typed_email(text, member, company)
    }

    fn stored(text: &str) -> Option<Self> {
        Self::stored(text).ok()
    }

    fn check_outside(
        &self,
        member: &Member,
        company: &CompanyDomains,
    ) -> Result<(), DestinationDenied> {
        if company.has_for(member, self) {
            Err(DestinationDenied::Organization)
        } else {
            Ok(())
        }
    }

    fn is_costly(&self) -> bool {
        false
    }

    fn check_country(&self, _: &SmsCountries, _: &Member) -> Result<(), NotThisCountry> {
        Ok(())
    }

    fn key(&self) -> String {
        self.mailbox()
    }

    fn masked(&self) -> String {
        self.masked()
    }

    fn full(&self) -> &str {
        self.as_str()
    }
}
