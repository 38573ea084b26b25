//! E-mail addresses.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::domain_name::{self, NotADomain};
use super::visible::visible;

/// One e-mail address: one `@`, a domain with a dot in its ASCII form, at most 254 characters, and nothing that a mail
/// server could read as a second recipient.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct EmailAddress(String);

/// The text is not one plain e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAnEmail {
    #[error("is not an e-mail address such as mina@mail.example")]
    Form,
    /// As in addresses that are made to look like others.
    #[error("has a domain that mixes letters of several scripts")]
    MixedScripts,
}

impl From<NotADomain> for NotAnEmail {
    fn from(why: NotADomain) -> Self {
        match why {
            NotADomain::Form => Self::Form,
            NotADomain::MixedScripts => Self::MixedScripts,
        }
    }
}

impl EmailAddress {
    /// Reads what somebody typed, without the characters that show nothing.
    pub fn typed(text: &str) -> Result<Self, NotAnEmail> {
        visible(text).parse()
    }

    /// Reads what the database has: an international domain is in its ASCII form there, and may be older than the check of
    /// its letters.
    pub fn stored(text: &str) -> Result<Self, NotAnEmail> {
        let (local, domain) = text.trim().split_once('@').ok_or(NotAnEmail::Form)?;
        Self::of(local, domain)
    }

    /// The address with this domain, which is in its ASCII form.
    fn of(local: &str, domain: &str) -> Result<Self, NotAnEmail> {
        let label = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        let local_fits = !local.is_empty()
            && local.len() <= 64
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..")
            && local
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b));
        let domain_fits = domain.contains('.') && domain.split('.').all(label);
        let address = format!("{local}@{domain}");
        if address.len() <= 254 && local_fits && domain_fits {
            Ok(Self(address))
        } else {
            Err(NotAnEmail::Form)
        }
    }

    /// The address as written in the directory, with the domain in its ASCII form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part after the `@`, in lower case.
    pub fn domain(&self) -> String {
        self.0
            .rsplit_once('@')
            .map(|(_, domain)| domain.to_ascii_lowercase())
            .unwrap_or_default()
    }

    /// True for the same address, ignoring ASCII case.
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }

    /// Compares as mail servers do in practice: ignores ASCII case and a `+tag` in the name. Other letters are not folded,
    /// so that look-alikes in other scripts stay different people.
    pub fn is_same_mailbox(&self, other: &Self) -> bool {
        self.mailbox() == other.mailbox()
    }

    /// True if the address is at this domain, given in lower case, or at a sub-domain.
    pub fn is_within(&self, domain: &str) -> bool {
        let own = self.domain();
        own.strip_suffix(domain)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }

    /// Compares the names before the `@` as [`Self::is_same_mailbox`] does.
    pub(super) fn is_same_name(&self, other: &Self) -> bool {
        let name = |address: &Self| {
            address
                .mailbox()
                .split_once('@')
                .map(|(name, _)| name.to_owned())
        };
        name(self) == name(other)
    }

    /// The key for look-ups: ASCII lower case.
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    /// The form that all spellings of one mailbox share, as [`Self::is_same_mailbox`] compares them.
    pub fn mailbox(&self) -> String {
        let key = self.key();
        match key.split_once('@') {
            Some((local, domain)) => {
                let name = local.split_once('+').map_or(local, |(name, _)| name);
                format!("{name}@{domain}")
            }
            None => key,
        }
    }

    /// The first letter and the domain, for cards and logs: `m···@mail.example`. An international domain is told in both its
    /// forms, because letters of other scripts can look alike.
    pub fn masked(&self) -> String {
        let first = self.0.chars().next().unwrap_or('·');
        format!("{first}···@{}{}", self.domain(), self.letters())
    }

    /// The whole address, for whoever typed it. An international domain is told in both its forms here, too.
    pub fn unmasked(&self) -> String {
        format!("{self}{}", self.letters())
    }

    /// An international domain in letters, in brackets.
    fn letters(&self) -> String {
        domain_name::in_letters(&self.domain())
            .map(|letters| format!(" ({letters})"))
            .unwrap_or_default()
    }

    /// The keys under which a directory may have the address: its own, and one with the letters of an international domain.
    pub fn spellings(&self) -> Vec<String> {
        let key = self.key();
        let in_letters = key.rsplit_once('@').and_then(|(local, domain)| {
            domain_name::in_letters(domain).map(|letters| format!("{local}@{letters}"))
        });
        std::iter::once(key).chain(in_letters).collect()
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for EmailAddress {
    type Err = NotAnEmail;

    fn from_str(text: &str) -> Result<Self, NotAnEmail> {
        let (local, domain) = text.trim().split_once('@').ok_or(NotAnEmail::Form)?;
        Self::of(local, &domain_name::in_ascii(domain)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    /// Nothing that could become a second recipient, a header or a look-alike.
    #[test]
    fn hostile_email_addresses_are_refused() {
        for wrong in [
            "",
            "mina",
            "@a.example",
            "mina@",
            "mina@localhost",
            "a@b@c.example",
            "a b@c.example",
            "a,b@c.example",
            "a;b@c.example",
            "<a@c.example>",
            "a@c.example,b@d.example",
            "a@c.example\r\nBcc: x@y.example",
            "\"a b\"@c.example",
            "a@[127.0.0.1]",
            "m\u{131}ke@c.example",
            "m\u{fc}ller@bücher.example",
            "a@b\u{fc}cher",
            "a@bücher.example,b@d.example",
            "a@bü@cher.example",
            "a@bü cher.example",
            "a@c..example",
            ".a@c.example",
            "a@-c.example",
            "a\0@c.example",
        ] {
            assert_eq!(
                wrong.parse::<EmailAddress>(),
                Err(NotAnEmail::Form),
                "{wrong:?}"
            );
        }
        assert_eq!(
            "a@c\u{441}.example".parse::<EmailAddress>(),
            Err(NotAnEmail::MixedScripts)
        );
        assert!(
            format!("{}@c.example", "a".repeat(65))
                .parse::<EmailAddress>()
                .is_err()
        );
        assert!(
            "mina.park+it@mail.acme.example"
                .parse::<EmailAddress>()
                .is_ok()
        );
    }

    #[test]
    fn one_mailbox_is_recognised_in_another_case_and_with_a_tag() {
        let business: EmailAddress = "mina.park@acme.example".parse().unwrap();
        assert!(
            "Mina.Park+x@ACME.example"
                .parse::<EmailAddress>()
                .unwrap()
                .is_same_mailbox(&business)
        );
        assert!(
            !"mina@acme.example"
                .parse::<EmailAddress>()
                .unwrap()
                .is_same_mailbox(&business)
        );
    }

    #[test]
    fn an_international_domain_is_one_in_every_spelling() {
        let pat: EmailAddress = "pat@bücher.example".parse().unwrap();
        assert_eq!(pat.as_str(), "pat@xn--bcher-kva.example");
        assert!(pat.is_same_mailbox(&"Pat@BÜCHER.example".parse().unwrap()));
        assert!(pat.is_within("xn--bcher-kva.example"));
        assert_eq!(pat.masked(), "p···@xn--bcher-kva.example (bücher.example)");
        // One that was stored before its letters were checked is still read, and is still told by its ASCII form.
        let mixed = "pat@xn--pypal-4ve.example";
        assert_eq!(mixed.parse::<EmailAddress>(), Err(NotAnEmail::MixedScripts));
        assert_eq!(EmailAddress::stored(mixed).unwrap().as_str(), mixed);
        assert!(EmailAddress::stored("pat@bücher.example").is_err());
        assert_eq!(
            pat.spellings(),
            ["pat@xn--bcher-kva.example", "pat@bücher.example"]
        );
    }

    #[test]
    fn an_address_is_masked() {
        assert_eq!(
            "mina@mail.example"
                .parse::<EmailAddress>()
                .unwrap()
                .masked(),
            "m···@mail.example"
        );
    }
}
