//! The import of members: who is the same person, who is a new one under an old address, and what goes with the old one.
//! All or none, in one transaction beside a running `serve`.

use std::collections::{HashMap, HashSet};

use sqlx::{AssertSqlSafe, Row};

use super::gone::{self, NotDone, Tx};
use super::history::failed;
use super::rows::{AuditRow, MemberRow, Table, json};
use super::{Store, StoreError};
use crate::domain::person::{Difference, Traits, difference};
use crate::domain::{
    CompanyDomains, Destination, EmailAddress, MemberId, Moment, PhoneNumber, Status,
};

/// So many new persons may take the place of others without their number being named. More is rather a file of another
/// organisation, or one with its columns moved.
pub const NEW_PERSONS_UNASKED: usize = 10;

/// One line of the file.
#[derive(Clone, Debug)]
pub struct ImportRow {
    /// The member; the id is a fresh one, and counts only for somebody who was not there before.
    pub member: MemberRow,
    /// The organisation's own number of the person.
    pub employee_id: Option<String>,
    /// Where it stands in the file.
    pub line: u64,
}

/// How an import ended.
#[derive(Clone, Debug, Default)]
pub struct Imported {
    /// Members under addresses that nobody had.
    pub added: usize,
    /// Members under addresses that were there, new persons among them.
    pub updated: usize,
    /// Who took the place of somebody else.
    pub new_persons: Vec<NewPerson>,
    /// Who has another address now.
    pub moved: Vec<Moved>,
    /// Whose phone or private e-mail is another one now.
    pub changed: Vec<ChangedContacts>,
}

/// A member whose phone or private e-mail is another one now, as they were before.
#[derive(Clone, Debug)]
pub struct ChangedContacts {
    /// The member before the import.
    pub before: MemberRow,
    /// Each contact that changed: what it was, and what it is; none where there was or is none.
    pub contacts: Vec<(Option<Destination>, Option<Destination>)>,
}

/// Somebody who took the place of another under their address. Nothing of the other went over.
#[derive(Clone, Debug)]
pub struct NewPerson {
    /// Their name.
    pub name: String,
    /// The address of both.
    pub email: String,
    /// The name of the other.
    pub former: String,
    /// Why they are not the same.
    pub why: Difference,
    /// False for somebody who resigned: the import would wipe that account in any case.
    counts: bool,
}

/// A member who has another address now.
#[derive(Clone, Debug)]
pub struct Moved {
    /// Their name.
    pub name: String,
    /// The address before.
    pub from: String,
    /// The address now.
    pub to: String,
    member_id: MemberId,
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum NotImported {
    /// The address belongs to somebody who keeps it.
    #[error("line {line}: {email} belongs to {owner}")]
    AddressTaken {
        /// Where it stands in the file.
        line: u64,
        /// The address.
        email: String,
        /// Who has it.
        owner: String,
    },
    /// So many new persons take the place of others, and the number was not named, or another one.
    #[error("{count} members would be replaced by new persons")]
    NewPersons {
        /// How many count.
        count: usize,
        /// All of them.
        persons: Vec<NewPerson>,
    },
    /// A reset is at work on somebody who is to go, or the record does not answer.
    #[error(transparent)]
    NotDone(#[from] NotDone),
}

impl From<StoreError> for NotImported {
    fn from(error: StoreError) -> Self {
        Self::NotDone(error.into())
    }
}

/// A member as they are before the import.
struct Known {
    member_id: MemberId,
    name: String,
    email: String,
    key: String,
    status: String,
    phone: Option<String>,
    personal_email: Option<String>,
    employee_id: Option<String>,
}

/// What an import does, decided before anything is written.
#[derive(Default)]
struct Plan {
    told: Imported,
    /// Every row with the id of its member.
    rows: Vec<ImportRow>,
    /// Members whose row goes, because somebody else has their address.
    replaced: Vec<MemberId>,
    /// Members who stay without anything that was theirs.
    wiped: Vec<MemberId>,
    /// Members whose sessions end.
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
        let now = self.clock.now();
        let mut tx = self.begin().await?;
        let known = known(&mut tx).await?;
        let plan = Plan::make(rows, &known, company, now)?;
        plan.check_number(wipe)?;
        let told = plan.write(&mut tx, now).await?;
        tx.commit().await.map_err(failed)?;
        Ok(told)
    }
}

async fn known(tx: &mut Tx) -> Result<Vec<Known>, StoreError> {
    let sql = "select member_id, name, business_email, business_email_key, status, phone, personal_email, employee_id
        from member";
    let found = sqlx::query(sql)
        .fetch_all(&mut **tx)
        .await
        .map_err(failed)?;
    let read = |row: &sqlx::sqlite::SqliteRow| {
        Ok(Known {
            member_id: MemberId(row.try_get(0)?),
            name: row.try_get(1)?,
            email: row.try_get(2)?,
            key: row.try_get(3)?,
            status: row.try_get(4)?,
            phone: row.try_get(5)?,
            personal_email: row.try_get(6)?,
            employee_id: row.try_get(7)?,
        })
    };
    found.iter().map(|row| read(row).map_err(failed)).collect()
}

impl Plan {
    fn make(
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
            .map(|known| (known.key.as_str(), known))
            .collect();
        let same_id = |row: &ImportRow| {
            row.employee_id
                .as_deref()
                .and_then(|id| by_id.get(id).copied())
        };
        // The file says of these by their ids where they are now.
        let placed: HashSet<&MemberId> = rows
            .iter()
            .filter_map(same_id)
            .map(|known| &known.member_id)
            .collect();
        let mut plan = Self::default();
        for row in rows {
            let owner = by_email
                .get(row.member.business_email_key.as_str())
                .copied();
            match (same_id(&row), owner) {
                (Some(same), None) => plan.put_same(row, same, now),
                (Some(same), Some(owner))
                    if same.member_id == owner.member_id || placed.contains(&owner.member_id) =>
                {
                    plan.put_same(row, same, now);
                }
                (Some(_), Some(owner)) => {
                    let (line, email) = (row.line, row.member.business_email);
                    return Err(NotImported::AddressTaken {
                        line,
                        email,
                        owner: owner.name.clone(),
                    });
                }
                (None, Some(owner)) if !placed.contains(&owner.member_id) => {
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
        row.member.member_id = known.member_id.clone();
        let id = &known.member_id;
        // Also what an import of an older version has left open is closed here, before it could open again.
        let statuses = [known.status.as_str(), row.member.status.as_str()];
        let has = |status: Status| statuses.contains(&status.as_str());
        if has(Status::Resigned) {
            self.wiped.push(id.clone());
        } else if has(Status::Suspended) || has(Status::Pending) {
            self.signed_out.push(id.clone());
        }
        if known.status != row.member.status {
            self.audit
                .push(AuditRow::of_member("status", &row.member.status, id, now));
        }
        if known.key != row.member.business_email_key {
            let masked = [&known.email, &row.member.business_email].map(|email| mask(email));
            let line = AuditRow::of_member("moved", "done", id, now);
            self.audit.push(AuditRow {
                detail: Some(masked.join(" → ")),
                ..line
            });
            self.told.moved.push(Moved {
                name: row.member.name.clone(),
                from: known.email.clone(),
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
            phone(known.phone.as_deref()),
            private_email(known.personal_email.as_deref()),
        ];
        let after = [
            phone(member.phone.as_deref()),
            private_email(member.personal_email.as_deref()),
        ];
        let key = |to: &Option<Destination>| to.as_ref().map(Destination::key);
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
            let line = AuditRow::of_member("contact", "changed_by_import", &known.member_id, now);
            self.audit.push(AuditRow {
                detail: Some(format!("{} → {}", masked(from), masked(to))),
                ..line
            });
        }
        let before = MemberRow {
            name: known.name.clone(),
            business_email: known.email.clone(),
            business_email_key: known.key.clone(),
            phone: known.phone.clone(),
            personal_email: known.personal_email.clone(),
            ..member.clone()
        };
        self.told.changed.push(ChangedContacts { before, contacts });
    }

    /// Somebody else under the same address: the row keeps its fresh id.
    fn put_in_place_of(&mut self, row: ImportRow, known: &Known, why: Difference, now: Moment) {
        let member = &row.member;
        let line = AuditRow::of_member("new_person", "done", &member.member_id, now);
        self.audit.push(AuditRow {
            detail: Some(format!("in place of {}: {why}", known.member_id)),
            ..line
        });
        self.replaced.push(known.member_id.clone());
        self.told.new_persons.push(NewPerson {
            name: member.name.clone(),
            email: member.business_email.clone(),
            former: known.name.clone(),
            why,
            counts: member.status != Status::Resigned.as_str(),
        });
        self.told.updated += 1;
        self.rows.push(row);
    }

    /// Whoever names a number means it; whoever names none is asked for it where there are many.
    fn check_number(&self, wipe: Option<usize>) -> Result<(), NotImported> {
        let count = self
            .told
            .new_persons
            .iter()
            .filter(|person| person.counts)
            .count();
        let is_expected = wipe.map_or(count <= NEW_PERSONS_UNASKED, |wipe| wipe == count);
        if is_expected {
            return Ok(());
        }
        Err(NotImported::NewPersons {
            count,
            persons: self.told.new_persons.clone(),
        })
    }

    async fn write(self, tx: &mut Tx, now: Moment) -> Result<Imported, NotImported> {
        let Self {
            told,
            rows,
            replaced,
            wiped,
            signed_out,
            mut audit,
        } = self;
        gone::wipe(tx, &[replaced.as_slice(), &wiped].concat(), now).await?;
        gone::delete(tx, &replaced).await?;
        gone::end_sessions(tx, &signed_out, now).await?;
        move_addresses(tx, &told.moved).await?;
        put(tx, &rows).await?;
        // From here on every row has the id of its member: what has to follow an address is written here.
        let detail = format!("{} added, {} updated", told.added, told.updated);
        audit.push(AuditRow {
            detail: Some(detail),
            ..AuditRow::of_operator("import", "done", now)
        });
        gone::note(tx, &audit).await?;
        Ok(told)
    }
}

/// Moves chat links along, and frees the addresses: two members may have swapped theirs.
async fn move_addresses(tx: &mut Tx, moved: &[Moved]) -> Result<(), StoreError> {
    let key = |email: &str| email.to_ascii_lowercase();
    let rows: Vec<_> = moved
        .iter()
        .map(|one| (&one.member_id, key(&one.from), key(&one.to)))
        .collect();
    let rows = json(&rows).map_err(failed)?;
    for sql in [
        "update link set business_email_key = moved.value ->> 2 from json_each($1) as moved
            where link.business_email_key = moved.value ->> 1",
        "update member set business_email_key = 'moving ' || member_id
            where member_id in (select value ->> 0 from json_each($1))",
    ] {
        sqlx::query(sql)
            .bind(&rows)
            .execute(&mut **tx)
            .await
            .map_err(failed)?;
    }
    Ok(())
}

/// Writes the rows; an employee id that is missing in the file keeps the stored one.
async fn put(tx: &mut Tx, rows: &[ImportRow]) -> Result<(), StoreError> {
    let members: Vec<&MemberRow> = rows.iter().map(|row| &row.member).collect();
    let sql = format!(
        "{} on conflict (member_id) do update set {}",
        MemberRow::insert_many("$1"),
        MemberRow::overwrite(&["member_id"])
    );
    let members = json(&members).map_err(failed)?;
    sqlx::query(AssertSqlSafe(sql))
        .bind(members)
        .execute(&mut **tx)
        .await
        .map_err(failed)?;
    let ids: Vec<_> = rows
        .iter()
        .filter_map(|row| Some((&row.member.member_id, row.employee_id.as_ref()?)))
        .collect();
    let sql = "update member set employee_id = new.value ->> 1 from json_each($1) as new
        where member.member_id = new.value ->> 0";
    sqlx::query(sql)
        .bind(json(&ids).map_err(failed)?)
        .execute(&mut **tx)
        .await
        .map(drop)
        .map_err(failed)
}

fn phone(text: Option<&str>) -> Option<Destination> {
    text.and_then(|text| PhoneNumber::stored(text).ok())
        .map(Destination::Phone)
}

fn private_email(text: Option<&str>) -> Option<Destination> {
    text.and_then(|text| text.parse().ok())
        .map(Destination::Email)
}

fn mask(email: &str) -> String {
    email
        .parse()
        .map_or_else(|_| "?".to_owned(), |email: EmailAddress| email.masked())
}

impl Known {
    fn traits(&self) -> Traits<'_> {
        Traits {
            name: &self.name,
            business_email: &self.email,
            employee_id: self.employee_id.as_deref(),
            phone: self.phone.as_deref(),
            personal_email: self.personal_email.as_deref(),
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
