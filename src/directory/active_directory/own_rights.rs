//! Which attributes of an object an account may write, by the security descriptor of the object.
//!
//! Sources: [MS-ADTS] 3.1.1.3.4.1.11 (control for the parts of a descriptor), 3.1.1.2.3 (attributes in the schema).

use ldap3::{Scope, ldap_escape};

use super::descriptor::{Attribute, Descriptor, Guid};
use super::sid::Sid;
use crate::directory::ldap::{ANY, LdapSession};

/// Asks for parts of a descriptor; without it the server answers only to accounts that may read all of it.
const SD_FLAGS: &str = "1.2.840.113556.1.4.801";

/// Owner (1) and DACL (4): `SEQUENCE { INTEGER 5 }`.
const OWNER_AND_DACL: [u8; 5] = [0x30, 0x03, 0x02, 0x01, 0x05];

/// Which of these attributes an account with these identifiers may write.
pub(super) async fn writable(
    session: &LdapSession,
    dn: &str,
    who: &[Sid],
    names: &[&str],
) -> Result<Vec<String>, String> {
    let control = (SD_FLAGS, OWNER_AND_DACL.to_vec());
    let found = session
        .search_with(
            control,
            (dn, Scope::Base, ANY),
            &["nTSecurityDescriptor"],
            1,
        )
        .await;
    let found = found.map_err(|trouble| trouble.to_string())?;
    let bytes = found
        .entries
        .first()
        .and_then(|entry| entry.first_bytes("nTSecurityDescriptor"));
    let bytes = bytes
        .ok_or("relatch's account needs the right to read permissions there (READ_CONTROL)")?;
    let descriptor = Descriptor::read(bytes).ok_or("its security descriptor cannot be read")?;
    let mut writable = Vec::new();
    for name in names {
        let attribute = attribute(session, name).await?;
        if descriptor.lets_write(who, &attribute) {
            writable.push((*name).to_owned());
        }
    }
    Ok(writable)
}

/// An attribute as the schema has it.
async fn attribute(session: &LdapSession, name: &str) -> Result<Attribute, String> {
    let unknown = || format!("the schema does not show the attribute {name} to relatch's account");
    let root = session
        .search("", Scope::Base, ANY, &["schemaNamingContext"], 1)
        .await;
    let root = root.map_err(|trouble| trouble.to_string())?;
    let schema = root
        .entries
        .first()
        .and_then(|entry| entry.first("schemaNamingContext"))
        .ok_or_else(unknown)?;
    let filter = format!("(lDAPDisplayName={})", ldap_escape(name));
    let wanted = ["schemaIDGUID", "attributeSecurityGUID"];
    let found = session
        .search(schema, Scope::OneLevel, &filter, &wanted, 1)
        .await;
    let found = found.map_err(|trouble| trouble.to_string())?;
    let entry = found.entries.first().ok_or_else(unknown)?;
    let guid = |name: &str| {
        entry
            .first_bytes(name)
            .and_then(|bytes| Guid::try_from(bytes).ok())
    };
    Ok(Attribute {
        own: guid("schemaIDGUID").ok_or_else(unknown)?,
        set: guid("attributeSecurityGUID"),
    })
}
