//! Finds exactly one entry in the directory's tree, and reads the member out of it.
//!
//! Sources: RFC 4515 (filters), RFC 4519, section 2.2 (`c`), \[MS-ADA1\] 2.105 (`countryCode`).

use ldap3::{Scope, ldap_escape};

use super::code;
use super::config::{Attributes, COUNTRY, LdapSettings};
use super::entry::LdapEntry;
use super::failure::LdapFailure;
use super::session::{ANY, LdapSession};
use crate::directory::backend::id_prefix;
use crate::directory::phones::phone_of;
use crate::directory::{By, Match, Unavailable};
use crate::domain::country::Country;
use crate::domain::member::clean_name;
use crate::domain::{
    EmailAddress, Guard, LoginMethod, Member, MemberId, Role, SecondFactors, Status,
};
use crate::settings::Finding;

/// What each kind of server reads of an account in its own way.
pub(in crate::directory) struct AccountFlags {
    pub(in crate::directory) status: Status,
    pub(in crate::directory) guard: Option<Guard>,
    pub(in crate::directory) never_expires: bool,
}

/// The result of a search for one entry.
pub(in crate::directory) enum OneEntry {
    Found(LdapEntry),
    Not(Match),
}

impl OneEntry {
    pub(in crate::directory) fn found(self) -> Option<LdapEntry> {
        match self {
            Self::Found(entry) => Some(entry),
            Self::Not(_) => None,
        }
    }
}

/// The members in a server's tree.
pub(in crate::directory) struct Tree {
    pub(in crate::directory) settings: LdapSettings,
    /// The country of phones without a country code, where the entry names none.
    pub(in crate::directory) default_country: Option<Country>,
}

impl Tree {
    /// The filter that finds a member, with all outside input escaped. `id` makes the filter for the directory's own id;
    /// None where the id is not one of this directory.
    pub(in crate::directory) fn filter(
        &self,
        by: &By,
        id: impl Fn(&str) -> Option<String>,
    ) -> Option<String> {
        let LdapSettings {
            filter, attributes, ..
        } = &self.settings;
        match by {
            By::Email(email) => Some(format!(
                "(&{filter}{})",
                has_email(&attributes.email, email)
            )),
            By::Id(member) => {
                let native = member.0.strip_prefix(&id_prefix(self.settings.name()))?;
                Some(format!("(&{filter}{})", id(native)?))
            }
        }
    }

    /// The id of an entry, from the directory's own.
    pub(in crate::directory) fn id(&self, native: &str) -> MemberId {
        MemberId(format!("{}{native}", id_prefix(&self.settings.common.name)))
    }

    /// The attributes of the settings, and those that the kind of server needs besides.
    pub(in crate::directory) fn attributes<'a>(&'a self, own: &[&'a str]) -> Vec<&'a str> {
        let Attributes {
            email,
            name,
            phone,
            personal_email,
            department,
        } = &self.settings.attributes;
        let mut all = vec![email.as_str(), name, phone, department];
        all.extend(personal_email.as_deref());
        all.extend(COUNTRY);
        all.extend(own);
        all
    }

    /// The one entry that matches. Several are not narrowed down by guessing, and an entry with another e-mail than the one
    /// asked for is not believed.
    pub(in crate::directory) async fn one(
        &self,
        session: &LdapSession,
        by: &By,
        filter: &str,
        attributes: &[&str],
    ) -> Result<OneEntry, LdapFailure> {
        let mut found = session
            .search(&self.settings.base, Scope::Subtree, filter, attributes, 2)
            .await?;
        if found.is_cut && found.entries.is_empty() {
            // The server's own limit, not ours.
            let code = code::SIZE_LIMIT;
            return Err(LdapFailure::Refused { code });
        }
        if found.is_cut || found.entries.len() > 1 {
            let dns = found.entries.into_iter().map(|entry| entry.dn);
            return Ok(OneEntry::Not(Match::Several(dns.collect())));
        }
        let is_asked = |entry: &LdapEntry| match by {
            By::Email(email) => self.emails(entry).any(|own| own.key() == email.key()),
            By::Id(_) => true,
        };
        let entry = found.entries.pop().filter(is_asked);
        Ok(entry.map_or(OneEntry::Not(Match::Nobody), OneEntry::Found))
    }

    fn emails(&self, entry: &LdapEntry) -> impl Iterator<Item = EmailAddress> {
        entry
            .all(&self.settings.attributes.email)
            .iter()
            .filter_map(|text| text.parse().ok())
    }

    /// The member of an entry; None where it has no e-mail in the directory's domains.
    pub(in crate::directory) fn member(
        &self,
        by: &By,
        native: &str,
        entry: &LdapEntry,
        role: Role,
        flags: &AccountFlags,
    ) -> Option<Member> {
        let LdapSettings {
            common, attributes, ..
        } = &self.settings;
        let any_domain = common.domains.is_empty();
        let business_email = match by {
            By::Email(email) => self.emails(entry).find(|own| own.key() == email.key()),
            By::Id(_) => self.emails(entry).find(|own| any_domain || common.has(own)),
        }?;
        let text = |attribute: &str| {
            let text = entry.first(attribute).map(clean_name);
            text.filter(|text| !text.is_empty())
        };
        let personal_email = attributes.personal_email.as_deref().and_then(|attribute| {
            let parsed = entry.all(attribute).iter();
            let mut parsed = parsed.filter_map(|text| text.parse::<EmailAddress>().ok());
            // A second mailbox of the organization is opened by the same password.
            parsed.find(|email| any_domain || !common.has(email))
        });
        let [letters, number] = COUNTRY.map(|attribute| entry.first(attribute));
        let country = Country::of_entry(letters, number, self.default_country);
        let phones = entry.all(&attributes.phone).iter().map(String::as_str);
        let (phone, phone_remarks) = phone_of(&common.name, native, phones, country);
        Some(Member {
            id: self.id(native),
            name: text(&attributes.name).unwrap_or_else(|| business_email.to_string()),
            login_method: LoginMethod::BusinessEmail,
            status: flags.status,
            phone,
            phone_remarks,
            personal_email,
            role,
            department: text(&attributes.department),
            manager_email: None,
            aliases: self
                .emails(entry)
                .filter(|own| *own != business_email)
                .collect(),
            guard: flags.guard,
            never_expires: flags.never_expires,
            has_other_password: false,
            second_factors: SecondFactors::default(),
            business_email,
        })
    }

    /// Logs why the directory is of no use now.
    pub(in crate::directory) fn unavailable(&self, failure: &LdapFailure) -> Unavailable {
        tracing::error!(
            directory = self.settings.name(),
            error = failure as &dyn std::error::Error,
            "the LDAP directory could not be asked"
        );
        failure.unavailable()
    }

    /// For `relatch check`: the base and every group of the settings have to exist and to be readable.
    pub(in crate::directory) async fn probe_places(
        &self,
        session: &LdapSession,
    ) -> Result<(), Finding> {
        let settings = &self.settings;
        let base = std::iter::once(("base", settings.base.as_str()));
        for (key, dn) in base.chain(settings.groups.with_keys()) {
            let kind = if key == "base" { "base" } else { "group" };
            let told = match session.matches(dn, ANY).await {
                Ok(true) => continue,
                Ok(false) => format!("relatch's account cannot see the {kind} {dn}"),
                Err(failure) => format!("the {kind} {dn} cannot be read: {failure}"),
            };
            let told = format!("{told}; correct the name, or let relatch's account read it");
            return Err(Finding::of(key, told));
        }
        Ok(())
    }
}

/// The part of a filter that an e-mail meets in any of its spellings.
fn has_email(attribute: &str, email: &EmailAddress) -> String {
    let spellings = email.spellings();
    let one = |spelling: &String| format!("({attribute}={})", ldap_escape(spelling.as_str()));
    let any: String = spellings.iter().map(one).collect();
    if spellings.len() > 1 {
        format!("(|{any})")
    } else {
        any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory may have an international domain in either form.
    #[test]
    fn every_spelling_of_an_email_is_asked_for() {
        for (email, filter) in [
            ("Mina@acme.example", "(mail=mina@acme.example)"),
            ("a*b@acme.example", "(mail=a\\2ab@acme.example)"),
            (
                "mina@bücher.example",
                "(|(mail=mina@xn--bcher-kva.example)(mail=mina@bücher.example))",
            ),
        ] {
            assert_eq!(has_email("mail", &email.parse().unwrap()), filter);
        }
    }
}
