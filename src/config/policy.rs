//! The settings of contacts: whose mailboxes are the organisation's, and when a contact counts.

use url::Host;

use crate::domain::Span;
use crate::domain::contacts::ContactRules;
use crate::settings::Section;

/// Reads `company_domains`. A name in other letters is turned into the form that addresses are written in (IDNA).
pub(super) fn read_domains(top: &mut Section<'_>) -> Vec<String> {
    let ascii = |name: &String| match Host::parse(name.trim().trim_end_matches('.')) {
        Ok(Host::Domain(domain)) if domain.contains('.') => Some(domain),
        Ok(_) | Err(_) => None,
    };
    let names = top.list("company_domains").unwrap_or_default();
    let domains: Vec<String> = names.iter().filter_map(ascii).collect();
    if domains.len() < names.len() {
        top.problem(
            "company_domains",
            "must be a list of e-mail domains, such as [\"acme.com\"]",
        );
    }
    domains
}

/// Reads `contact_age` and `separate_code`; "strict" means "require".
pub(super) fn read_contact_rules(
    section: &mut Section<'_>,
    is_strict: bool,
) -> Option<ContactRules> {
    let needs_two = match section.text("separate_code").as_deref() {
        None => is_strict,
        Some("require") => true,
        Some("prefer") if is_strict => {
            section.problem(
                "separate_code",
                "must be \"require\" where profile is \"strict\"",
            );
            true
        }
        Some("prefer") => false,
        Some(_) => {
            section.problem("separate_code", "must be \"prefer\" or \"require\"");
            false
        }
    };
    let age: Span = section.parsed("contact_age")?;
    if age > Span::hours(31 * 24) {
        section.problem("contact_age", "must be at most 31d");
    }
    Some(ContactRules { age, needs_two })
}
