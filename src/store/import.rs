//! The import of members: who is the same person, who is a new one under an old address, and what goes with the old one.
//! All or none, in one transaction beside a running `serve`.

use std::collections::{HashMap, HashSet};

use super::engine::{Connection, FromRow, Row, Table, Tx, params, read_column, sql};
use super::imported::{ChangedContacts, Imported, Moved, NewPerson, NotImported};
use super::{AuditRow, MemberRow, Store, StoreError};
use super::{contacts, wipe};
use crate::domain::person::{Difference, Traits, difference};
use crate::domain::{
    Channel, CompanyDomains, Destination, EmailAddress, MemberId, Moment, PhoneNumber, Status,
};

/// So many members may be replaced by new persons without `--wipe`; more suggests a wrong file.
pub(crate) const REPLACED_UNASKED: usize = 10;

/// One line of the file.
#[derive(Clone, Debug)]
pub struct ImportRow {
    /// The member; the id is a fresh one, and counts only for somebody who was not there before.
    pub member: MemberRow,
    /// The organization's own number of the person.
    pub employee_id: Option<String>,
    /// The line in the file.
    pub line: u64,
}

/// A member as they are before the import.
pub(super) struct Known {
    pub(super) member: MemberRow,
    pub(super) employee_id: Option<String>,
}

impl FromRow for Known {
    fn from_row(row: &Row) -> Result<Self, sqlx::Error> {
        Ok(Self {
            member: MemberRow::read(row, 0)?,
            employee_id: read_column(row, MemberRow::WIDTH, "member")?,
        })
    }
}

/// All: the import compares the whole file with the whole directory.
const KNOWN: &str = sql!(
    "select ",
    MemberRow::COLUMNS,
    ",
        employee_id
    from member"
);

/// All members as they are now.
pub(super) async fn known_members(connection: &mut Connection) -> Result<Vec<Known>, StoreError> {
    connection.all(KNOWN, params![]).await
}

pub(super) const MOVE_LINK: &str = "
    update link
    set business_email_key = $2
    where business_email_key = $1";

pub(super) const FREE_ADDRESS: &str = "
    update member
    set business_email_key = 'moving ' || member_id
    where member_id = $1";

/// A code alone goes to a changed contact only once it is old enough.
pub(super) const SET_PHONE_SINCE: &str = "
    update member
    set phone_since = $2
    where member_id = $1";

pub(super) const SET_PERSONAL_EMAIL_SINCE: &str = "
    update member
    set personal_email_since = $2
    where member_id = $1";

pub(super) const SET_EMPLOYEE_ID: &str = "
    update member
    set employee_id = $2
    where member_id = $1";

/// What an import does, decided before anything is written.
#[derive(Default)]
pub(super) struct ImportPlan {
    pub(super) told: Imported,
    /// Every row with the id of its member.
    pub(super) rows: Vec<ImportRow>,
    /// Members whose row goes, because somebody else has their address.
    replaced: Vec<MemberId>,
    /// Members who stay without anything that was theirs.
    wiped: Vec<MemberId>,
    signed_out: Vec<MemberId>,
    audit: Vec<AuditRow>,
}

impl Store {
    /// Inserts members or updates them, by employee id, else by business e-mail. `wipe` is the number of new persons that
    /// the operator expects.
    pub async fn import(
        &self,
        rows: Vec<ImportRow>,
        wipe: Option<usize>,
        company: &CompanyDomains,
    ) -> Result<Imported, NotImported> {
        self.write((rows, wipe, company.clone()), import).await
    }
}

async fn import(
    tx: &mut Tx,
    (rows, wipe, company): &(Vec<ImportRow>, Option<usize>, CompanyDomains),
) -> Result<Imported, NotImported> {
    let known = known_members(tx).await?;
    let plan = ImportPlan::make(rows.clone(), &known, company, tx.now())?;
    plan.check_number(*wipe)?;
    plan.write(tx).await
}

impl ImportPlan {
    pub(super) fn make(
        rows: Vec<ImportRow>,
        known: &[Known],
        company: &CompanyDomains,
        now: Moment,
    ) -> Result<Self, NotImported> {
        let by_id: HashMap<&str, &Known> = known
            .iter()
            .filter_map(|known| Some((known.employee_id.as_deref()?, known)))
            .collect();
        let by_email: HashMap<&str, &Known> = known
            .iter()
            .map(|known| (known.member.business_email_key.as_str(), known))
            .collect();
        let same_id = |row: &ImportRow| {
            row.employee_id
                .as_deref()
                .and_then(|id| by_id.get(id).copied())
        };
        // The file names these by employee id, so their old addresses are free.
        let placed: HashSet<&MemberId> = rows
            .iter()
            .filter_map(same_id)
            .map(|known| &known.member.member_id)
            .collect();
        let mut plan = Self::default();
        for row in rows {
            let owner = by_email
                .get(row.member.business_email_key.as_str())
                .copied();
            match (same_id(&row), owner) {
                (Some(same), None) => plan.put_same(row, same, now),
                (Some(same), Some(owner))
                    if same.member.member_id == owner.member.member_id
                        || placed.contains(&owner.member.member_id) =>
                {
                    plan.put_same(row, same, now);
                }
                (Some(_), Some(owner)) => {
                    let (line, email) = (row.line, row.member.business_email);
                    return Err(NotImported::AddressTaken {
                        line,
                        email,
                        owner: owner.member.name.clone(),
                    });
                }
                (None, Some(owner)) if !placed.contains(&owner.member.member_id) => {
                    match difference(&owner.traits(), &row.traits(), company) {
                        None => plan.put_same(row, owner, now),
                        Some(why) => plan.put_in_place_of(row, owner, why, now),
                    }
                }
                (None, Some(_) | None) => {
                    plan.told.added += 1;
                    plan.rows.push(row);
                }
            }
        }
        Ok(plan)
    }

    /// The same person: id, password and contacts stay, unless they have left.
    fn put_same(&mut self, mut row: ImportRow, known: &Known, now: Moment) {
        row.member.member_id = known.member.member_id.clone();
        let id = &known.member.member_id;
        // Also what an import of an older version has left open is closed here, before it could open again.
        let statuses = [known.member.status.as_str(), row.member.status.as_str()];
        let has = |status: Status| statuses.contains(&status.as_str());
        if has(Status::Resigned) {
            self.wiped.push(id.clone());
        } else if has(Status::Suspended) || has(Status::Pending) {
            self.signed_out.push(id.clone());
        }
        if known.member.status != row.member.status {
            self.audit
                .push(AuditRow::of_member("status", &row.member.status, id, now));
        }
        if known.member.business_email_key != row.member.business_email_key {
            let masked =
                [&known.member.business_email, &row.member.business_email].map(|email| mask(email));
            let line = AuditRow::of_member("moved", "done", id, now);
            self.audit.push(AuditRow {
                detail: Some(masked.join(" → ")),
                ..line
            });
            self.told.moved.push(Moved {
                name: row.member.name.clone(),
                from: known.member.business_email.clone(),
                to: row.member.business_email.clone(),
                member_id: id.clone(),
            });
        }
        self.note_contacts(&row.member, known, now);
        self.told.updated += 1;
        self.rows.push(row);
    }

    /// A changed contact is told, because codes may go there. Also of whoever has resigned: they may be active again in the
    /// next file, which then changes nothing.
    fn note_contacts(&mut self, member: &MemberRow, known: &Known, now: Moment) {
        let before = [
            phone(known.member.phone.as_deref()),
            private_email(known.member.personal_email.as_deref()),
        ];
        let after = [
            phone(member.phone.as_deref()),
            private_email(member.personal_email.as_deref()),
        ];
        // Whole addresses: not everywhere does a `+tag` lead to the same mailbox.
        let key = |to: &Option<Destination>| to.as_ref().map(|to| to.full().to_ascii_lowercase());
        let contacts: Vec<_> = before
            .into_iter()
            .zip(after)
            .filter(|(from, to)| key(from) != key(to))
            .collect();
        if contacts.is_empty() {
            return;
        }
        let masked = |to: &Option<Destination>| {
            to.as_ref()
                .map_or_else(|| "none".to_owned(), Destination::masked)
        };
        for (from, to) in &contacts {
            let line =
                AuditRow::of_member("contact", "changed_by_import", &known.member.member_id, now);
            self.audit.push(AuditRow {
                detail: Some(format!("{} → {}", masked(from), masked(to))),
                ..line
            });
        }
        let before = MemberRow {
            name: known.member.name.clone(),
            phone: known.member.phone.clone(),
            personal_email: known.member.personal_email.clone(),
            ..member.clone()
        };
        self.told.changed.push(ChangedContacts {
            before,
            contacts,
            added: Vec::new(),
        });
    }

    /// Somebody else under the same address: the row keeps its fresh id.
    fn put_in_place_of(&mut self, row: ImportRow, known: &Known, why: Difference, now: Moment) {
        let member = &row.member;
        let line = AuditRow::of_member("new_person", "done", &member.member_id, now);
        self.audit.push(AuditRow {
            detail: Some(format!("in place of {}: {why}", known.member.member_id)),
            ..line
        });
        self.replaced.push(known.member.member_id.clone());
        self.told.new_persons.push(NewPerson {
            name: member.name.clone(),
            email: member.business_email.clone(),
            former: known.member.name.clone(),
            why,
            counts: member.status != Status::Resigned.as_str(),
        });
        self.told.updated += 1;
        self.rows.push(row);
    }

    /// Refuses where the operator expects another number of new persons, or expects none and there are many.
    pub(super) fn check_number(&self, wipe: Option<usize>) -> Result<(), NotImported> {
        let count = self
            .told
            .new_persons
            .iter()
            .filter(|person| person.counts)
            .count();
        let is_expected = wipe.map_or(count <= REPLACED_UNASKED, |wipe| wipe == count);
        if is_expected {
            return Ok(());
        }
        Err(NotImported::NewPersons {
            count,
            persons: self.told.new_persons.clone(),
        })
    }

    async fn write(mut self, tx: &mut Tx) -> Result<Imported, NotImported> {
        // Before anything is written, because a refusal undoes nothing.
        for member in self.replaced.iter().chain(&self.wiped) {
            wipe::check_not_active(tx, member).await?;
        }
        for changed in &mut self.told.changed {
            changed.added = contacts::of_member(tx, &changed.before.member_id).await?;
        }
        for member in self.replaced.iter().chain(&self.wiped) {
            wipe::wipe(tx, member).await?;
        }
        for member in &self.replaced {
            wipe::delete(tx, member).await?;
        }
        for member in &self.signed_out {
            wipe::end_sessions(tx, member).await?;
        }
        move_addresses(tx, &self.told.moved).await?;
        for row in &self.rows {
            put(tx, row).await?;
        }
        for changed in &self.told.changed {
            note_since(tx, changed).await?;
        }
        // From here on every row has the id of its member: what has to follow an address is written here.
        for line in &self.audit {
            tx.insert(line).await?;
        }
        let line = AuditRow {
            detail: Some(format!(
                "{} added, {} updated",
                self.told.added, self.told.updated
            )),
            ..AuditRow::of_operator("import", "done", tx.now())
        };
        tx.insert(&line).await?;
        Ok(self.told)
    }
}

/// Moves chat links along, and frees the addresses first: two members may have swapped theirs.
async fn move_addresses(tx: &mut Tx, moved: &[Moved]) -> Result<(), StoreError> {
    let passing = |one: &Moved| format!("moving {}", one.member_id);
    for one in moved {
        let from = one.from.to_ascii_lowercase();
        tx.run(MOVE_LINK, params![from, passing(one)]).await?;
        tx.run(FREE_ADDRESS, params![one.member_id]).await?;
    }
    for one in moved {
        let to = one.to.to_ascii_lowercase();
        tx.run(MOVE_LINK, params![passing(one), to]).await?;
    }
    Ok(())
}

async fn note_since(tx: &mut Tx, changed: &ChangedContacts) -> Result<(), StoreError> {
    let (member, now) = (&changed.before.member_id, tx.now());
    for (from, to) in &changed.contacts {
        let statement = match to.as_ref().or(from.as_ref()).map(Destination::channel) {
            Some(Channel::Sms) => SET_PHONE_SINCE,
            Some(Channel::Email) => SET_PERSONAL_EMAIL_SINCE,
            None => continue,
        };
        tx.run(statement, params![member, now]).await?;
    }
    Ok(())
}

/// Writes a row; an employee id that is missing in the file keeps the stored one.
async fn put(tx: &mut Tx, row: &ImportRow) -> Result<(), StoreError> {
    tx.put(&row.member).await?;
    if row.employee_id.is_some() {
        tx.run(
            SET_EMPLOYEE_ID,
            params![row.member.member_id, row.employee_id],
        )
        .await?;
    }
    Ok(())
}

pub(super) fn phone(text: Option<&str>) -> Option<Destination> {
    text.and_then(|text| PhoneNumber::stored(text).ok())
        .map(Destination::Phone)
}

pub(super) fn private_email(text: Option<&str>) -> Option<Destination> {
    text.and_then(|text| EmailAddress::stored(text).ok())
        .map(Destination::Email)
}

fn mask(email: &str) -> String {
    EmailAddress::stored(email).map_or_else(|_| "?".to_owned(), |email| email.masked())
}

impl Known {
    fn traits(&self) -> Traits<'_> {
        Traits {
            name: &self.member.name,
            business_email: &self.member.business_email,
            employee_id: self.employee_id.as_deref(),
            phone: self.member.phone.as_deref(),
            personal_email: self.member.personal_email.as_deref(),
        }
    }
}

impl ImportRow {
    fn traits(&self) -> Traits<'_> {
        Traits {
            name: &self.member.name,
            business_email: &self.member.business_email,
            employee_id: self.employee_id.as_deref(),
            phone: self.member.phone.as_deref(),
            personal_email: self.member.personal_email.as_deref(),
        }
    }
}
