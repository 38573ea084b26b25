//! The e-mail domains of the organization.

use std::sync::Arc;

use super::{EmailAddress, Member};

/// The known e-mail domains of the organization. An administrator can give an address at any of them to somebody else
/// (S43). A member's own domain always counts, listed or not.
#[derive(Clone, Debug, Default)]
pub struct CompanyDomains(Arc<[String]>);

impl CompanyDomains {
    /// Case and a dot at the end are ignored.
    pub fn new(domains: impl IntoIterator<Item = String>) -> Self {
        Self(
            domains
                .into_iter()
                .map(|domain| domain.trim_end_matches('.').to_ascii_lowercase())
                .collect(),
        )
    }

    /// True for an address at one of the domains or at a sub-domain.
    pub fn has(&self, email: &EmailAddress) -> bool {
        self.0.iter().any(|domain| email.is_within(domain))
    }

    /// True for an address at one of the domains, or at a domain of this member.
    pub fn has_for(&self, member: &Member, email: &EmailAddress) -> bool {
        self.has(email)
            || member
                .business_emails()
                .any(|own| email.is_within(&own.domain()))
    }

    /// True if the address is a mailbox of the member. The same name at another domain of the organization counts too,
    /// because in practice it is the same mailbox.
    pub fn has_mailbox_of(&self, member: &Member, email: &EmailAddress) -> bool {
        let is_namesake = || member.business_emails().any(|own| own.is_same_name(email));
        member.has_mailbox(email) || (self.has(email) && is_namesake())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    /// S43: a sub-domain belongs to the owner of the domain.
    #[test]
    fn an_address_lies_within_a_domain_or_below_it() {
        let company = CompanyDomains::new(["Acme.example.".to_owned()]);
        for (address, is_ours) in [
            ("a@acme.example", true),
            ("a@ACME.example", true),
            ("a@mail.acme.example", true),
            ("a@notacme.example", false),
            ("a@acme.example.org", false),
            ("a@example.org", false),
        ] {
            assert_eq!(company.has(&address.parse().unwrap()), is_ours, "{address}");
        }
    }
}
