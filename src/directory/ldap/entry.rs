//! An entry as a search returned it.

use std::collections::HashMap;

use ldap3::SearchEntry;

pub(in crate::directory) struct SearchAnswer {
    pub(in crate::directory) entries: Vec<LdapEntry>,
    /// True where the server had more than the limit.
    pub(in crate::directory) is_cut: bool,
}

/// An entry. Names of attributes are compared without case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::directory) struct LdapEntry {
    pub(in crate::directory) dn: String,
    texts: HashMap<String, Vec<String>>,
    bytes: HashMap<String, Vec<Vec<u8>>>,
}

impl From<SearchEntry> for LdapEntry {
    fn from(entry: SearchEntry) -> Self {
        let lower = |name: String| name.to_ascii_lowercase();
        Self {
            dn: entry.dn,
            texts: entry
                .attrs
                .into_iter()
                .map(|(name, values)| (lower(name), values))
                .collect(),
            bytes: entry
                .bin_attrs
                .into_iter()
                .map(|(name, values)| (lower(name), values))
                .collect(),
        }
    }
}

impl LdapEntry {
    /// The entry with these attributes alone.
    pub(in crate::directory) fn only(&self, names: &[&str]) -> Self {
        let is_named = |own: &String| names.iter().any(|name| name.eq_ignore_ascii_case(own));
        let mut entry = self.clone();
        entry.texts.retain(|name, _| is_named(name));
        entry.bytes.retain(|name, _| is_named(name));
        entry
    }

    /// All values of an attribute that are UTF-8.
    pub(in crate::directory) fn all(&self, name: &str) -> &[String] {
        self.texts
            .get(&name.to_ascii_lowercase())
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    pub(in crate::directory) fn first(&self, name: &str) -> Option<&str> {
        self.all(name).first().map(String::as_str)
    }

    /// The first value as a number.
    pub(in crate::directory) fn number(&self, name: &str) -> Option<i64> {
        self.first(name)?.parse().ok()
    }

    /// The first value as bytes. The LDAP library sorts each value into texts or bytes by whether it is UTF-8.
    pub(in crate::directory) fn first_bytes(&self, name: &str) -> Option<&[u8]> {
        let bytes = self
            .bytes
            .get(&name.to_ascii_lowercase())
            .and_then(|values| values.first());
        bytes
            .map(Vec::as_slice)
            .or_else(|| self.first(name).map(str::as_bytes))
    }

    pub(in crate::directory) fn all_bytes(&self, name: &str) -> Vec<&[u8]> {
        let bytes = self
            .bytes
            .get(&name.to_ascii_lowercase())
            .into_iter()
            .flatten()
            .map(Vec::as_slice);
        bytes
            .chain(self.all(name).iter().map(String::as_bytes))
            .collect()
    }

    /// True where the first value is the word TRUE, in any case.
    pub(in crate::directory) fn is_true(&self, name: &str) -> bool {
        self.first(name)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }
}
