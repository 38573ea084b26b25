//! The section `[policy]`: the limit, lifetimes, and what may be sent.

use crate::domain::contacts::ContactRules;
use crate::domain::delivery::Ways;
use crate::domain::quota::Limit;
use crate::domain::{Carries, Span, makeup};
use crate::settings::Section;

/// What the section `[policy]` says.
#[derive(Clone, Copy)]
pub(super) struct Policy {
    pub(super) limit: Limit,
    pub(super) password_length: u8,
    pub(super) password_symbols: bool,
    pub(super) password_lifetime: Span,
    pub(super) offer_lifetime: Span,
    pub(super) own_password_least: usize,
    pub(super) ways: Ways,
    pub(super) contact_rules: ContactRules,
    pub(super) notify_manager: bool,
    pub(super) code_sign_in: bool,
}

/// Reads the section; what is wrong is noted there.
pub(super) fn read(mut section: Section<'_>) -> Option<Policy> {
    let ways = read_ways(&mut section);
    let resets = section.number("resets_per_admin", 1, 100);
    let window = lifetime(&mut section, "window");
    let length = section.number(
        "password_length",
        i64::from(makeup::DEFAULT_LENGTH),
        i64::from(makeup::MAX_LENGTH),
    );
    let symbols = section.flag("password_symbols");
    let password_lifetime = lifetime(&mut section, "password_lifetime");
    let offer_lifetime = lifetime(&mut section, "offer_lifetime");
    let own_least = section.number("new_password_min_length", 8, 128);
    let contact_rules = read_contact_rules(&mut section, ways.is_strict);
    let notify_manager = section.flag("notify_manager");
    let code_sign_in = section.flag("code_sign_in");
    if code_sign_in == Some(true) && ways.is_strict {
        section.problem(
            "code_sign_in",
            "must be false where profile is \"strict\": a code alone would let members in",
        );
    }
    section.end();
    Some(Policy {
        limit: Limit {
            resets: u32::try_from(resets?).ok()?,
            window: window?,
        },
        password_length: u8::try_from(length?).ok()?,
        password_symbols: symbols?,
        password_lifetime: password_lifetime?,
        offer_lifetime: offer_lifetime?,
        own_password_least: usize::try_from(own_least?).ok()?,
        ways,
        contact_rules: contact_rules?,
        notify_manager: notify_manager?,
        code_sign_in: code_sign_in?,
    })
}

fn read_ways(section: &mut Section<'_>) -> Ways {
    let is_strict = match section.text("profile").as_deref() {
        Some("standard") | None => false,
        Some("strict") => true,
        Some(_) => {
            section.problem("profile", "must be \"standard\" or \"strict\"");
            false
        }
    };
    let carries = match section.text("send").as_deref() {
        None if is_strict => Carries::Link,
        None => Carries::Password,
        Some("password") if is_strict => {
            section.problem("send", "must be \"link\" where profile is \"strict\"");
            Carries::Link
        }
        Some(text) => text.parse().unwrap_or_else(|_unknown_word| {
            section.problem("send", "must be \"password\" or \"link\"");
            Carries::Password
        }),
    };
    Ways { is_strict, carries }
}

fn lifetime(section: &mut Section<'_>, key: &'static str) -> Option<Span> {
    let span: Span = section.parsed(key)?;
    if span.0 > 0 && span <= Span::hours(31 * 24) {
        return Some(span);
    }
    section.problem(key, "must be more than nothing and at most 31d");
    None
}

/// Reads `contact_age` and `separate_code`; "strict" means "require".
fn read_contact_rules(section: &mut Section<'_>, is_strict: bool) -> Option<ContactRules> {
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
