//! Whom people call about a message that they did not expect.

use crate::app::Organization;

/// Where nobody is named in the settings, or an SMS has no room for who is.
const CALL_IT: &str = "Call your IT team.";

/// The first that the settings name: contact information belongs into every notice (NIST SP 800-63B-4, 4.6).
pub fn whom_to_call(organization: &Organization) -> String {
    let Organization {
        help_phone,
        help_url,
        security_email,
        ..
    } = organization;
    match (help_phone, help_url, security_email) {
        (Some(phone), _, _) => format!("Call {phone}."),
        // No full stop: it would be taken for a part of the address.
        (None, Some(url), _) => format!("Get help at {url}"),
        (None, None, Some(email)) => format!("Write to {email} at once."),
        (None, None, None) => CALL_IT.to_owned(),
    }
}

/// The last paragraph of an e-mail that has no link to block what it tells of.
pub(super) fn not_asked(organization: &Organization) -> String {
    format!("\nDidn't ask for this? {}\n", whom_to_call(organization))
}

/// The same for an SMS: who is named, and what stands in for an address that there is no room for.
pub(super) fn calls(organization: &Organization) -> [String; 2] {
    [whom_to_call(organization), CALL_IT.to_owned()]
}
