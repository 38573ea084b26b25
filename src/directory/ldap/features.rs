//! What kind of LDAP server it is, and by which operation a password is set there.

use ldap3::Scope;

use super::failure::LdapFailure;
use super::password_policy::PPOLICY_CONTROL;
use super::session::{ANY, LdapSession};

/// The extended operation of RFC 3062.
const PASSWORD_MODIFY: &str = "1.3.6.1.4.1.4203.1.11.1";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Product {
    OpenLdap,
    /// 389 Directory Server, and FreeIPA, which is built on it.
    Server389,
    Other,
}

/// What the root DSE tells about a server.
#[derive(Clone, Copy, Debug)]
pub(super) struct ServerFeatures {
    pub(super) product: Product,
    pub(super) has_ppolicy: bool,
    pub(super) has_password_modify: bool,
}

/// The operation that sets a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PasswordWrite {
    /// A Modify of `userPassword`.
    Modify,
    /// The extended operation of RFC 3062.
    ExtendedOperation,
}

impl ServerFeatures {
    pub(super) async fn detect(session: &LdapSession) -> Result<Self, LdapFailure> {
        let wanted = [
            "objectClass",
            "vendorName",
            "supportedControl",
            "supportedExtension",
        ];
        let found = session.search("", Scope::Base, ANY, &wanted, 1).await?;
        // Without it, relatch cannot choose an operation that keeps the password unreadable.
        let Some(root) = found.entries.first() else {
            return Err(LdapFailure::Misconfigured(
                "the server does not show its root DSE to relatch's account".to_owned(),
            ));
        };
        let has = |name: &str, value: &str| {
            let mut values = root.all(name).iter();
            values.any(|own| own.eq_ignore_ascii_case(value))
        };
        let vendor = root.first("vendorName").unwrap_or_default();
        let product = if has("objectClass", "OpenLDAProotDSE") {
            Product::OpenLdap
        } else if vendor.starts_with("389") {
            Product::Server389
        } else {
            Product::Other
        };
        Ok(Self {
            product,
            has_ppolicy: has("supportedControl", PPOLICY_CONTROL),
            has_password_modify: has("supportedExtension", PASSWORD_MODIFY),
        })
    }

    /// The attribute with the id that never changes.
    pub(super) fn id_attribute(self) -> &'static str {
        if self.product == Product::Server389 {
            "nsUniqueId"
        } else {
            "entryUUID"
        }
    }

    pub(super) fn must_change(self) -> bool {
        match self.product {
            Product::OpenLdap => self.has_ppolicy,
            Product::Server389 => true,
            Product::Other => false,
        }
    }

    /// The operation after which the server keeps no readable password; None where there is none.
    pub(super) fn password_write(self) -> Option<PasswordWrite> {
        match self.product {
            // A server that does not show which it is may be an OpenLDAP.
            Product::OpenLdap | Product::Other => self
                .has_password_modify
                .then_some(PasswordWrite::ExtendedOperation),
            Product::Server389 => Some(PasswordWrite::Modify),
        }
    }

    /// True where relatch writes `pwdReset` itself, after the password: so reading it back proves nothing.
    pub(super) fn takes_pwd_reset(self) -> bool {
        self.product == Product::OpenLdap && self.has_ppolicy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// OpenLDAP hashes only what comes by the operation, unless its policy says otherwise, which it does not show, and may not
    /// show which server it is. 389 Directory Server hashes everything.
    #[test]
    fn no_password_is_left_readable() {
        let write = |product, has_ppolicy, has_password_modify| {
            ServerFeatures {
                product,
                has_ppolicy,
                has_password_modify,
            }
            .password_write()
        };
        let (modify, operation) = (
            Some(PasswordWrite::Modify),
            Some(PasswordWrite::ExtendedOperation),
        );
        for has_ppolicy in [true, false] {
            for product in [Product::OpenLdap, Product::Other] {
                assert_eq!(write(product, has_ppolicy, true), operation);
                assert_eq!(write(product, has_ppolicy, false), None);
            }
            assert_eq!(write(Product::Server389, true, has_ppolicy), modify);
        }
    }
}
