//! Security identifiers (SIDs) of Windows, and which of them mark an account that must not be reset from here.
//!
//! Sources: [MS-DTYP] 2.4.2.2 (the bytes), 2.4.2.4 (well-known identifiers); Microsoft's "Appendix C: Protected Accounts
//! and Groups in Active Directory".

use std::fmt;

/// Groups of a domain whose members administer it: Enterprise Read-only Domain Controllers, Domain Admins, Domain
/// Controllers, Cert Publishers, Schema Admins, Enterprise Admins, Group Policy Creator Owners, Read-only and Cloneable
/// Domain Controllers, Key Admins, Enterprise Key Admins. 518, 519 and 527 belong to the root domain of the forest, so
/// every domain is looked at.
const PRIVILEGED_GROUPS: [u32; 11] = [498, 512, 516, 517, 518, 519, 520, 521, 522, 526, 527];

/// The same below S-1-5-32: Administrators, Account, Server, Print and Backup Operators, Replicator.
const PRIVILEGED_ALIASES: [u32; 6] = [544, 548, 549, 550, 551, 552];

/// Administrator and krbtgt of a domain.
const PRIVILEGED_ACCOUNTS: [u32; 2] = [500, 502];

/// The authority of nearly all identifiers (S-1-5).
const NT_AUTHORITY: u64 = 5;
/// S-1-5-21: a domain, or a computer that is in none.
const DOMAIN: u32 = 21;
/// S-1-5-32: the built-in aliases.
const BUILTIN: u32 = 32;
/// [MS-DTYP] 2.4.2.2.
const MOST_PARTS: usize = 15;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sid {
    authority: u64,
    parts: Vec<u32>,
}

impl Sid {
    /// S-1-1-0.
    pub(super) fn everyone() -> Self {
        Self {
            authority: 1,
            parts: vec![0],
        }
    }

    /// S-1-5-10 (SELF): in the rights on an object, the object itself.
    pub(super) fn itself() -> Self {
        Self {
            authority: NT_AUTHORITY,
            parts: vec![10],
        }
    }

    /// S-1-5-11.
    pub(super) fn authenticated_users() -> Self {
        Self {
            authority: NT_AUTHORITY,
            parts: vec![11],
        }
    }

    /// Reads one identifier that fills the bytes exactly.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        Self::read_first(bytes)
            .filter(|(_, rest)| rest.is_empty())
            .map(|(sid, _)| sid)
    }

    /// Reads the identifier at the start, and returns what follows it.
    pub(super) fn read_first(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (head, rest) = bytes.split_at_checked(8)?;
        let [1, count, authority @ ..] = head else {
            return None;
        };
        let count = usize::from(*count);
        if count == 0 || count > MOST_PARTS {
            return None;
        }
        let authority = authority
            .iter()
            .fold(0, |all, byte| all << 8 | u64::from(*byte));
        let (parts, rest) = rest.split_at_checked(4 * count)?;
        let (parts, _) = parts.as_chunks::<4>();
        Some((
            Self {
                authority,
                parts: parts.iter().map(|part| u32::from_le_bytes(*part)).collect(),
            },
            rest,
        ))
    }

    /// The relative identifier; None for what is not an account or group of a domain.
    fn in_domain(&self) -> Option<u32> {
        match (self.authority, self.parts.as_slice()) {
            (NT_AUTHORITY, [DOMAIN, _, _, _, relative]) => Some(*relative),
            _ => None,
        }
    }

    /// Another account or group of the same domain.
    pub(super) fn beside(&self, relative: u32) -> Option<Self> {
        self.in_domain()?;
        let mut other = self.clone();
        *other.parts.last_mut()? = relative;
        Some(other)
    }

    /// True for a group whose members administer the domain.
    pub(super) fn is_privileged_group(&self) -> bool {
        match (self.authority, self.parts.as_slice()) {
            (NT_AUTHORITY, [BUILTIN, alias]) => PRIVILEGED_ALIASES.contains(alias),
            _ => self
                .in_domain()
                .is_some_and(|relative| PRIVILEGED_GROUPS.contains(&relative)),
        }
    }

    /// True for the accounts that every domain has from the start.
    pub(super) fn is_privileged_account(&self) -> bool {
        self.in_domain()
            .is_some_and(|relative| PRIVILEGED_ACCOUNTS.contains(&relative))
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S-1-{}", self.authority)?;
        self.parts.iter().try_for_each(|part| write!(f, "-{part}"))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An identifier as it is written.
    pub(crate) fn sid(text: &str) -> Sid {
        let mut numbers = text
            .strip_prefix("S-1-")
            .unwrap()
            .split('-')
            .map(|part| part.parse().unwrap());
        Sid {
            authority: u64::from(numbers.next().unwrap()),
            parts: numbers.collect(),
        }
    }

    /// What Samba answered for a member whose primary group is Domain Users.
    const USERS_OF_SAMBA: &str = "010500000000000515000000\
        0467d024f7110eae837d2a7801020000";

    #[test]
    fn bytes_of_samba_are_read() {
        let bytes = hex::decode(USERS_OF_SAMBA).unwrap();
        assert_eq!(
            Sid::read(&bytes).unwrap().to_string(),
            "S-1-5-21-617637636-2920157687-2016050563-513"
        );
        assert_eq!(
            Sid::read(&hex::decode("01020000000000052000000020020000").unwrap()),
            Some(sid("S-1-5-32-544"))
        );
    }

    #[test]
    fn what_is_cut_or_too_long_is_none() {
        let bytes = hex::decode(USERS_OF_SAMBA).unwrap();
        for cut in 0..bytes.len() {
            assert_eq!(Sid::read(&bytes[..cut]), None, "{cut}");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert_eq!(Sid::read(&longer), None);
        for (place, wrong) in [(0, 2), (1, 0), (1, 16)] {
            let mut other = bytes.clone();
            other[place] = wrong;
            assert_eq!(Sid::read(&other), None, "{place}: {wrong}");
        }
    }

    /// Every group and account of the list, in any domain, and no other.
    #[test]
    fn privileged_groups_and_accounts_are_known() {
        let is_group = |text: &str| sid(text).is_privileged_group();
        for relative in [498, 512, 516, 517, 518, 519, 520, 521, 522, 526, 527] {
            assert!(
                is_group(&format!("S-1-5-21-1-2-3-{relative}")),
                "{relative}"
            );
            assert!(
                !is_group(&format!("S-1-5-32-{relative}"))
                    && !is_group(&format!("S-1-5-21-1-2-{relative}"))
            );
        }
        for alias in [544, 548, 549, 550, 551, 552] {
            assert!(is_group(&format!("S-1-5-32-{alias}")), "{alias}");
            assert!(
                !is_group(&format!("S-1-5-21-1-2-3-{alias}"))
                    && !is_group(&format!("S-1-2-32-{alias}"))
            );
        }
        for other in [497, 500, 513, 514, 515, 523, 525, 528, 553, 571, 572, 1104] {
            assert!(!is_group(&format!("S-1-5-21-1-2-3-{other}")), "{other}");
        }
        assert!(!is_group("S-1-5-32-545") && !is_group("S-1-5-32-546") && !is_group("S-1-1-0"));
        for (relative, is_account) in [
            (500, true),
            (502, true),
            (501, false),
            (512, false),
            (1500, false),
        ] {
            assert_eq!(
                sid(&format!("S-1-5-21-1-2-3-{relative}")).is_privileged_account(),
                is_account,
                "{relative}"
            );
        }
        assert!(!sid("S-1-5-32-500").is_privileged_account());
    }

    #[test]
    fn the_primary_group_is_in_the_account_s_domain() {
        assert_eq!(
            sid("S-1-5-21-1-2-3-1104").beside(513),
            Some(sid("S-1-5-21-1-2-3-513"))
        );
        assert_eq!(sid("S-1-5-32-544").beside(513), None);
    }
}
