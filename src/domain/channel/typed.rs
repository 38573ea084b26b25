//! Addresses that somebody types: which are refused, and why.

use super::DestinationDenied;
use crate::domain::email::NotAnEmail;
use crate::domain::{CompanyDomains, Destination, EmailAddress, Member, visible};

impl Destination {
    /// Reads a destination for a password. With an `@` it is an e-mail, else a phone number.
    pub fn typed(
        text: &str,
        member: &Member,
        company: &CompanyDomains,
    ) -> Result<Self, DestinationDenied> {
        Self::read(&visible(text), member, company)?.outside(member, company)
    }

    /// Reads a typed e-mail for the administrator's own copy; never the business e-mail being reset (S11, S28).
    pub fn typed_email(
        text: &str,
        member: &Member,
        company: &CompanyDomains,
    ) -> Result<EmailAddress, DestinationDenied> {
        if !text.contains('@') {
            return Err(DestinationDenied::EmailNeeded);
        }
        let email = EmailAddress::typed(text).map_err(|why| match why {
            NotAnEmail::Form => DestinationDenied::NotAnEmail,
            NotAnEmail::MixedScripts => DestinationDenied::MixedScripts,
        })?;
        if company.has_mailbox_of(member, &email) {
            Err(DestinationDenied::BusinessEmail)
        } else {
            Ok(email)
        }
    }

    /// Reads a contact for codes: an address of the company does not count, because an administrator can move it (S43).
    pub fn contact(
        text: &str,
        member: &Member,
        company: &CompanyDomains,
    ) -> Result<Self, DestinationDenied> {
        Self::typed(text, member, company).map_err(|denied| {
            if denied == DestinationDenied::Organization {
                DestinationDenied::BusinessDomain
            } else {
                denied
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::phone::NotAPhone;
    use crate::domain::{LoginMethod, MemberId, Role, SecondFactors, Status};

    fn mina() -> Member {
        Member {
            id: MemberId("m".to_owned()),
            name: "Mina Park".to_owned(),
            business_email: "mina.park@acme.example".parse().unwrap(),
            login_method: LoginMethod::BusinessEmail,
            status: Status::Active,
            phone: None,
            personal_email: Some("Mina.Park@acme.example".parse().unwrap()),
            role: Role::Member,
            department: None,
            manager_email: None,
            aliases: Vec::new(),
            guard: None,
            phone_remarks: Vec::new(),
            never_expires: false,
            has_other_password: false,
            second_factors: SecondFactors::default(),
        }
    }

    /// S11, S24, S25.
    #[test]
    fn typed_destinations() {
        use DestinationDenied::{BusinessEmail, EmailNeeded, NotAPhone as Bad, NotAnEmail};

        let company = CompanyDomains::new(["acme.example", "acme.co"].map(str::to_owned));
        let typed = |text: &str| Destination::typed(text, &mina(), &company).map(|d| d.masked());
        assert_eq!(
            typed(" mina@mail.example "),
            Ok("m···@mail.example".to_owned())
        );
        assert_eq!(typed("+82 10 1234 5678"), Ok("+82 ··· ··78".to_owned()));
        assert_eq!(typed("MINA.park+x@acme.example"), Err(BusinessEmail));
        assert_eq!(typed("mina@"), Err(NotAnEmail));
        // The letters after the p and the y are Cyrillic.
        assert_eq!(
            typed("pat@p\u{430}yp\u{430}l.example"),
            Err(DestinationDenied::MixedScripts)
        );
        assert_eq!(typed("+82 12"), Err(Bad(NotAPhone::Incomplete)));
        assert_eq!(typed("+442079460000"), Err(Bad(NotAPhone::NotMobile)));
        assert_eq!(typed("Mina.Park+x@acme.co"), Err(BusinessEmail));
        assert_eq!(typed("kim@acme.co"), Err(DestinationDenied::Organization));
        assert_eq!(
            typed("kim@mail.acme.example"),
            Err(DestinationDenied::Organization)
        );
        let copy =
            Destination::typed_email("kim@acme.co", &mina(), &company).map(|email| email.masked());
        assert_eq!(copy, Ok("k···@acme.co".to_owned()));
        assert_eq!(
            Destination::typed_email("+82 10 1234 5678", &mina(), &company),
            Err(EmailNeeded)
        );
        let contact =
            |text: &str| Destination::contact(text, &mina(), &company).map(|d| d.masked());
        assert_eq!(
            contact("kim@Acme.CO"),
            Err(DestinationDenied::BusinessDomain)
        );
        assert_eq!(
            contact("kim@ACME.example"),
            Err(DestinationDenied::BusinessDomain)
        );
        assert_eq!(
            contact("kim@mail.example"),
            Ok("k···@mail.example".to_owned())
        );
    }

    /// S43: the business mailbox written a second time is no outside contact.
    #[test]
    fn the_business_mailbox_is_no_outside_contact() {
        assert!(!mina().has_outside_contact());
    }
}
