//! The sections `[admins]` and `[identity]`: who is an administrator, and which person a chat account belongs to.

use crate::app::{Admins, Identity};
use crate::domain::EmailAddress;
use crate::settings::Section;

pub(super) fn read(mut section: Section<'_>) -> Option<Admins> {
    let source = section.text("source");
    let primary = section.parsed_list("primary");
    let delegated = section.parsed_list("member_and_department");
    let has_lists = primary.is_some() || delegated.is_some();
    let admins = match source.as_deref() {
        Some("list") => {
            let primary: Vec<EmailAddress> = primary.unwrap_or_default();
            if primary.is_empty() {
                section.problem("primary", "must name at least one primary administrator");
            }
            Some(Admins::List {
                primary,
                member_and_department: delegated.unwrap_or_default(),
            })
        }
        Some("directory") => Some(Admins::Directory),
        Some("chat") => Some(Admins::Chat),
        _ => {
            section.problem("source", "must be \"directory\", \"list\" or \"chat\"");
            None
        }
    };
    if has_lists && source.as_deref() != Some("list") {
        section.problem(
            "source",
            "must be \"list\" where primary or member_and_department is given",
        );
    }
    section.end();
    admins
}

pub(super) fn read_identity(mut section: Section<'_>) -> Option<Identity> {
    let identity = match section.text("match").as_deref() {
        Some("email") => Some(Identity::Email),
        Some("linked") => Some(Identity::Linked),
        _ => {
            section.problem("match", "must be \"email\" or \"linked\"");
            None
        }
    };
    section.end();
    identity
}
