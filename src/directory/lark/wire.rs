//! What Lark answers about a user (Lark, "Get single user information").

use serde::Deserialize;

use crate::domain::Status;

#[derive(Debug, Deserialize)]
pub(super) struct LarkUser {
    pub(super) open_id: String,
    pub(super) name: Option<String>,
    pub(super) email: Option<String>,
    pub(super) enterprise_email: Option<String>,
    pub(super) mobile: Option<String>,
    #[serde(default)]
    pub(super) is_tenant_manager: bool,
    pub(super) status: Option<StatusFlags>,
}

#[derive(Debug, Default, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "these are Lark's own flags")]
#[serde(default)]
pub(super) struct StatusFlags {
    is_frozen: bool,
    is_resigned: bool,
    is_activated: bool,
    is_exited: bool,
    is_unjoin: bool,
}

impl StatusFlags {
    pub(super) fn status(&self) -> Status {
        if self.is_frozen {
            Status::Suspended
        } else if self.is_resigned || self.is_exited {
            Status::Resigned
        } else if self.is_unjoin {
            Status::Pending
        } else if self.is_activated {
            Status::Active
        } else {
            Status::Inactive
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(text: &str) -> Status {
        serde_json::from_str::<StatusFlags>(text).unwrap().status()
    }

    /// S16: a flag that puts an account out of use wins over all others.
    #[test]
    fn flags_are_read_as_a_status() {
        assert_eq!(flags(r#"{"is_activated":true}"#), Status::Active);
        assert_eq!(flags("{}"), Status::Inactive);
        assert_eq!(
            flags(r#"{"is_activated":true,"is_frozen":true}"#),
            Status::Suspended
        );
        assert_eq!(
            flags(r#"{"is_activated":true,"is_resigned":true}"#),
            Status::Resigned
        );
        assert_eq!(flags(r#"{"is_exited":true}"#), Status::Resigned);
        assert_eq!(flags(r#"{"is_unjoin":true}"#), Status::Pending);
    }
}
