//! Security descriptors of Active Directory: who may write which attribute of an object.
//!
//! Only as much as `relatch check` needs to warn: conditions of conditional entries are not evaluated, an allowing one counts
//! as met and a denying one as not met.
//!
//! Sources: [MS-DTYP] 2.4.6 (descriptors), 2.4.5 (lists), 2.4.4 (entries); [MS-ADTS] 5.1.3.2 (rights), 5.1.3.3 (checks).

use super::sid::Sid;

const WRITE_PROPERTY: u32 = 0x20;
/// A validated write, such as adding oneself to a group (`RIGHT_DS_WRITE_PROPERTY_EXTENDED`).
const VALIDATED_WRITE: u32 = 0x8;
const WRITE_DACL: u32 = 0x4_0000;
const WRITE_OWNER: u32 = 0x8_0000;
const GENERIC_ALL: u32 = 0x1000_0000;
const GENERIC_WRITE: u32 = 0x4000_0000;

/// In the control field: there is a DACL.
const DACL_PRESENT: u16 = 0x4;
/// In the flags of an entry: it is only for objects below.
const INHERIT_ONLY: u8 = 0x8;
const HAS_OBJECT_TYPE: u32 = 0x1;
const HAS_INHERITED_TYPE: u32 = 0x2;

/// The bytes of a GUID as the directory keeps them.
pub(super) type Guid = [u8; 16];

/// What a right to an attribute can be granted for.
pub(super) struct Attribute {
    pub(super) own: Guid,
    /// Its property set (`attributeSecurityGUID`), such as Personal-Information.
    pub(super) set: Option<Guid>,
}

/// Owner and DACL of an object.
#[derive(Debug)]
pub(super) struct Descriptor {
    owner: Option<Sid>,
    /// None where there is no DACL: then everybody may do everything.
    entries: Option<Vec<AccessEntry>>,
}

#[derive(Debug)]
struct AccessEntry {
    is_allowing: bool,
    mask: u32,
    /// The attribute, property set or validated write that it is for; None for all of them.
    object: Option<Guid>,
    sid: Sid,
}

impl Descriptor {
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let head = bytes.first_chunk::<20>()?;
        let [1, _, low, high, ..] = head else {
            return None;
        };
        let control = u16::from_le_bytes([*low, *high]);
        let at = |place: usize| number(head.get(place..)?);
        let owner = match at(4)? {
            0 => None,
            offset => Some(Sid::read_first(bytes.get(offset..)?)?.0),
        };
        let entries = match at(16)? {
            offset if control & DACL_PRESENT != 0 && offset != 0 => {
                Some(entries(bytes.get(offset..)?)?)
            }
            _ => None,
        };
        Some(Self { owner, entries })
    }

    /// True where an account with these identifiers may write the attribute, or may grant itself the right to.
    pub(super) fn lets_write(&self, who: &[Sid], attribute: &Attribute) -> bool {
        let Attribute { own, set } = attribute;
        self.owner.as_ref().is_some_and(|owner| who.contains(owner))
            || self.grants(who, WRITE_PROPERTY, &[Some(*own), *set])
            || self.grants(who, VALIDATED_WRITE, &[Some(*own)])
            || self.grants(who, WRITE_DACL, &[])
            || self.grants(who, WRITE_OWNER, &[])
    }

    /// The first matching entry decides; without one the right is not granted.
    fn grants(&self, who: &[Sid], right: u32, objects: &[Option<Guid>]) -> bool {
        let Some(entries) = &self.entries else {
            return true;
        };
        let deciding = entries.iter().find(|entry| {
            who.contains(&entry.sid)
                && entry.mask & right != 0
                && (entry.object.is_none() || objects.contains(&entry.object))
        });
        deciding.is_some_and(|entry| entry.is_allowing)
    }
}

fn number(bytes: &[u8]) -> Option<usize> {
    let (first, _) = bytes.split_first_chunk::<4>()?;
    usize::try_from(u32::from_le_bytes(*first)).ok()
}

fn entries(list: &[u8]) -> Option<Vec<AccessEntry>> {
    let (head, mut rest) = list.split_first_chunk::<8>()?;
    let [_, _, _, _, low, high, ..] = *head;
    let mut entries = Vec::new();
    for _ in 0..u16::from_le_bytes([low, high]) {
        let [kind, flags, low, high] = *rest.first_chunk::<4>()?;
        let (one, after) = rest.split_at_checked(usize::from(u16::from_le_bytes([low, high])))?;
        if let Some((is_allowing, has_object)) = effect(kind).filter(|_| flags & INHERIT_ONLY == 0)
        {
            entries.push(entry(one, is_allowing, has_object)?);
        }
        rest = after;
    }
    Some(entries)
}

/// Whether entries of a kind allow, and whether they can be for one attribute only ([MS-DTYP] 2.4.4.1); None for kinds that
/// neither grant nor deny rights.
fn effect(kind: u8) -> Option<(bool, bool)> {
    match kind {
        0x00 | 0x09 => Some((true, false)),
        0x01 => Some((false, false)),
        0x05 | 0x0b => Some((true, true)),
        0x06 => Some((false, true)),
        _ => None,
    }
}

fn entry(bytes: &[u8], is_allowing: bool, has_object: bool) -> Option<AccessEntry> {
    let (_, rest) = bytes.split_first_chunk::<4>()?;
    let (mask, mut rest) = rest.split_first_chunk::<4>()?;
    let mut object = None;
    if has_object {
        let (present, after) = rest.split_first_chunk::<4>()?;
        let present = u32::from_le_bytes(*present);
        rest = after;
        if present & HAS_OBJECT_TYPE != 0 {
            let (guid, after) = rest.split_first_chunk::<16>()?;
            (object, rest) = (Some(*guid), after);
        }
        // The class that it is inherited by; an entry for another class is marked as inherit-only.
        if present & HAS_INHERITED_TYPE != 0 {
            rest = rest.split_first_chunk::<16>()?.1;
        }
    }
    let sid = Sid::read_first(rest)?.0;
    Some(AccessEntry {
        is_allowing,
        mask: mapped(u32::from_le_bytes(*mask)),
        object,
        sid,
    })
}

/// The rights behind the generic ones ([MS-ADTS] 5.1.3.2).
fn mapped(mask: u32) -> u32 {
    let all = WRITE_PROPERTY | VALIDATED_WRITE | WRITE_DACL | WRITE_OWNER;
    let everything = if mask & GENERIC_ALL != 0 { all } else { 0 };
    let writing = if mask & GENERIC_WRITE != 0 {
        WRITE_PROPERTY | VALIDATED_WRITE
    } else {
        0
    };
    mask | everything | writing
}

#[cfg(test)]
mod tests {
    use super::super::sid::tests::sid;
    use super::*;

    /// The descriptor of a plain member of Samba 4.17, owner and DACL, as it answered.
    fn of_samba() -> Vec<u8> {
        hex::decode(include_str!("descriptor_of_samba.hex").replace('\n', "")).unwrap()
    }

    fn guid(hex: &str) -> Guid {
        hex::decode(hex).unwrap().try_into().unwrap()
    }

    /// In Public-Information, as the schema of Samba says.
    fn mail() -> Attribute {
        Attribute {
            own: guid("617996bfe60dd011a28500aa003049e2"),
            set: Some(guid("54018de4f8bcd111870200c04fb96050")),
        }
    }

    fn mobile() -> Attribute {
        Attribute {
            own: guid("a3fff8f09111d011a06000aa006c33ed"),
            set: Some(guid("86b8b5774a94d111aebd0000f80367c1")),
        }
    }

    fn member() -> Attribute {
        Attribute {
            own: guid("c07996bfe60dd011a28500aa003049e2"),
            set: None,
        }
    }

    /// A descriptor with these entries: kind, flags, rights, attribute, whom.
    fn made(owner: &str, entries: &[(u8, u8, u32, Option<Guid>, &str)]) -> Vec<u8> {
        let bytes = |text: &str| {
            let mut numbers = text
                .strip_prefix("S-1-")
                .unwrap()
                .split('-')
                .map(|part| part.parse::<u32>().unwrap());
            let authority = numbers.next().unwrap();
            let parts: Vec<u8> = numbers.flat_map(u32::to_le_bytes).collect();
            [
                &[1, u8::try_from(parts.len() / 4).unwrap(), 0, 0][..],
                &authority.to_be_bytes(),
                &parts,
            ]
            .concat()
        };
        let mut list = Vec::new();
        for (kind, flags, mask, object, whom) in entries {
            let has_object = matches!(kind, 0x05 | 0x06 | 0x0b);
            let present = if has_object {
                u32::from(object.is_some()).to_le_bytes().to_vec()
            } else {
                Vec::new()
            };
            let object = object.map(|guid| guid.to_vec()).unwrap_or_default();
            let rest = [&mask.to_le_bytes()[..], &present, &object, &bytes(whom)].concat();
            let size = u16::try_from(rest.len() + 4).unwrap().to_le_bytes();
            list.extend([&[*kind, *flags], &size[..], &rest].concat());
        }
        let owner = bytes(owner);
        let number = |number: usize| u32::try_from(number).unwrap().to_le_bytes();
        let count = u16::try_from(entries.len()).unwrap().to_le_bytes();
        let size = u16::try_from(list.len() + 8).unwrap().to_le_bytes();
        let head = [
            &[1, 0, 0x04, 0x80][..],
            &number(20),
            &number(0),
            &number(0),
            &number(20 + owner.len()),
        ]
        .concat();
        [&head[..], &owner, &[4, 0], &size, &count, &[0, 0], &list].concat()
    }

    const NOBODY: &str = "S-1-5-21-9-9-9-9";
    const MINA: &str = "S-1-5-21-1-2-3-1104";

    fn may(entries: &[(u8, u8, u32, Option<Guid>, &str)]) -> bool {
        Descriptor::read(&made(NOBODY, entries))
            .unwrap()
            .lets_write(&[sid(MINA), Sid::itself()], &mobile())
    }

    /// Members of Active Directory may write their own phone numbers, by a property set, and not their e-mail.
    #[test]
    fn a_member_of_samba_writes_their_own_phone() {
        let descriptor = Descriptor::read(&of_samba()).unwrap();
        let itself = [Sid::itself(), Sid::everyone(), Sid::authenticated_users()];
        assert!(descriptor.lets_write(&itself, &mobile()));
        assert!(!descriptor.lets_write(&itself, &mail()));
        assert!(
            !descriptor.lets_write(&itself[1..], &mobile()),
            "somebody else's phone"
        );
        let domain_admins = sid("S-1-5-21-4068279369-1715280668-2364039628-512");
        assert!(descriptor.lets_write(&[domain_admins], &mail()));
    }

    #[test]
    fn whoever_is_named_by_an_entry_may_write() {
        let own = Some(mobile().own);
        let set = mobile().set;
        let other = Some(mail().own);
        assert!(
            may(&[(0, 0, WRITE_PROPERTY, None, MINA)])
                && may(&[(5, 0, WRITE_PROPERTY, None, MINA)])
        );
        assert!(
            may(&[(5, 0, WRITE_PROPERTY, own, "S-1-5-10")])
                && may(&[(5, 0, WRITE_PROPERTY, set, "S-1-5-10")])
        );
        assert!(
            may(&[(0x0b, 0, WRITE_PROPERTY, own, MINA)])
                && may(&[(9, 0, WRITE_PROPERTY, None, MINA)])
        );
        for right in [GENERIC_ALL, GENERIC_WRITE, WRITE_DACL, WRITE_OWNER] {
            assert!(may(&[(0, 0, right, None, MINA)]), "{right:x}");
        }
        assert!(
            !may(&[])
                && !may(&[(0, 0, WRITE_PROPERTY, None, NOBODY)])
                && !may(&[(0, 0, 0x10, None, MINA)])
        );
        assert!(
            !may(&[(5, 0, WRITE_PROPERTY, other, MINA)]),
            "another attribute"
        );
        assert!(
            !may(&[(0, INHERIT_ONLY, GENERIC_ALL, None, MINA)]),
            "for objects below only"
        );
        assert!(!may(&[(0x11, 0, GENERIC_ALL, None, MINA)]), "a label");
    }

    /// The first entry that fits decides, as the server goes through them.
    #[test]
    fn a_denial_before_it_wins() {
        let own = Some(mobile().own);
        let allowed = (5, 0, WRITE_PROPERTY, own, "S-1-5-10");
        assert!(!may(&[(1, 0, WRITE_PROPERTY, None, MINA), allowed]));
        assert!(!may(&[(6, 0, WRITE_PROPERTY, own, MINA), allowed]));
        assert!(may(&[
            (6, 0, WRITE_PROPERTY, Some(mail().own), MINA),
            allowed
        ]));
        assert!(may(&[(1, 0, WRITE_PROPERTY, None, NOBODY), allowed]));
        assert!(may(&[allowed, (1, 0, WRITE_PROPERTY, None, MINA)]));
    }

    #[test]
    fn an_owner_and_a_missing_list_give_every_right() {
        let owned = Descriptor::read(&made(MINA, &[])).unwrap();
        assert!(
            owned.lets_write(&[sid(MINA)], &mail()) && !owned.lets_write(&[sid(NOBODY)], &mail())
        );
        let mut open = made(NOBODY, &[]);
        open[2] = 0;
        assert!(
            Descriptor::read(&open)
                .unwrap()
                .lets_write(&[sid(MINA)], &mail())
        );
    }

    /// Adding oneself to a group is a validated write of `member`.
    #[test]
    fn whoever_may_join_a_group_writes_its_members() {
        let of_group = |object, right| {
            let descriptor =
                Descriptor::read(&made(NOBODY, &[(5, 0, right, object, MINA)])).unwrap();
            descriptor.lets_write(&[sid(MINA)], &member())
        };
        assert!(
            of_group(Some(member().own), VALIDATED_WRITE)
                && of_group(Some(member().own), WRITE_PROPERTY)
        );
        assert!(!of_group(Some(mail().own), VALIDATED_WRITE));
    }

    /// Whatever a server sends is read or is not; nothing else happens.
    #[test]
    fn broken_descriptors_are_none() {
        let whole = of_samba();
        for cut in 0..whole.len() {
            assert!(Descriptor::read(&whole[..cut]).is_none(), "{cut}");
        }
        for place in 0..whole.len() {
            let mut wrong = whole.clone();
            wrong[place] ^= 0xff;
            drop(Descriptor::read(&wrong));
        }
        let mut empty = made(NOBODY, &[(0, 0, GENERIC_ALL, None, MINA)]);
        let at = empty.len() - 36;
        assert_eq!(empty[at..at + 4], [0, 0, 36, 0]);
        empty[at + 2] = 0;
        assert!(Descriptor::read(&empty).is_none(), "an entry of no length");
    }
}
