//! For `relatch check`: what kind of server it is by its capabilities, and whether it takes changes at all.
//!
//! Sources: [MS-ADTS] 3.1.1.3.4.3 (LDAP capabilities); OpenLDAP, `slap_passwd_extop` of `servers/slapd/passwd.c`, which tells
//! of a read-only database and of a copy before it looks for the entry.

use ldap3::Scope;
use rand::RngExt;

use super::code;
use super::failure::LdapFailure;
use super::features::PasswordWrite;
use super::session::{ANY, LdapSession};
use crate::chance::Chance;
use crate::settings::Finding;

/// `LDAP_CAP_ACTIVE_DIRECTORY_OID`.
const ACTIVE_DIRECTORY: &str = "1.2.840.113556.1.4.800";

/// `LDAP_CAP_ACTIVE_DIRECTORY_PARTIAL_SECRETS_OID`: a read-only domain controller.
const READ_ONLY_CONTROLLER: &str = "1.2.840.113556.1.4.1920";

/// The values of `supportedCapabilities` in the root DSE; none on servers that are no Active Directory.
pub(in crate::directory) struct ServerCapabilities(Vec<String>);

impl ServerCapabilities {
    pub(super) fn is_active_directory(&self) -> bool {
        self.0.iter().any(|own| own == ACTIVE_DIRECTORY)
    }

    pub(in crate::directory) fn is_read_only_domain_controller(&self) -> bool {
        self.0.iter().any(|own| own == READ_ONLY_CONTROLLER)
    }
}

pub(in crate::directory) async fn capabilities(
    session: &LdapSession,
) -> Result<ServerCapabilities, LdapFailure> {
    let wanted = ["supportedCapabilities"];
    let found = session.search("", Scope::Base, ANY, &wanted, 1).await?;
    let root = found.entries.first();
    let told = root.map(|root| root.all("supportedCapabilities").to_vec());
    Ok(ServerCapabilities(told.unwrap_or_default()))
}

/// Fails where the server refuses every change. Tried by the operation that a reset uses, on an entry that does not exist, so
/// that nothing is changed: a server that takes changes answers that there is no such entry, or that relatch's account may
/// not write it.
pub(super) async fn takes_changes(
    session: &LdapSession,
    write: PasswordWrite,
    base: &str,
) -> Result<(), Finding> {
    let mut rng = Chance::System
        .rng()
        .map_err(|error| Finding::from(error.to_string()))?;
    let (nobody, password): (u64, u128) = (rng.random(), rng.random());
    let (dn, password) = (
        format!("cn=relatch-check-{nobody:016x},{base}"),
        format!("{password:032x}"),
    );
    let answer = match write {
        PasswordWrite::ExtendedOperation => {
            session.change_password(&dn, &password, Vec::new()).await
        }
        PasswordWrite::Modify => {
            let changes = [("userPassword", password.as_bytes())];
            session.modify(&dn, &changes, Vec::new()).await
        }
    };
    let told = match answer.map(|answer| answer.rc) {
        Ok(code::REFERRAL) => {
            "it is a read-only copy, which refers changes to another server; use that one"
        }
        Ok(code::UNWILLING) => {
            "it takes no change, so the directory is read-only there; use a server that can be written"
        }
        Ok(_) | Err(_) => return Ok(()),
    };
    Err(Finding::of("url", told))
}
