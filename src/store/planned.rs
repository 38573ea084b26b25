//! What an import would do, compared with the directory as it is, for `--dry-run`.

use std::collections::HashMap;

use super::import::{ImportPlan, Known, known_members, phone, private_email};
use super::{ImportRow, MemberRow, NewPerson, NotImported, Store};
use crate::domain::{CompanyDomains, Destination, MemberId, Moment};

/// What an import would do, member by member.
#[derive(Debug, Default)]
pub struct Planned {
    /// Who would be new, as name and business e-mail.
    pub added: Vec<(String, String)>,
    /// Who would change; new persons are not among them.
    pub updated: Vec<PlannedUpdate>,
    /// How many members of the file are as it says already.
    pub unchanged: usize,
    pub new_persons: Vec<NewPerson>,
}

/// A member who would change.
#[derive(Debug)]
pub struct PlannedUpdate {
    pub name: String,
    pub email: String,
    pub changes: Vec<FieldChange>,
}

/// A field that would change, with contacts masked; none where it is or would be empty.
#[derive(Debug, PartialEq, Eq)]
pub struct FieldChange {
    pub field: &'static str,
    pub from: Option<String>,
    pub to: Option<String>,
}

impl Store {
    /// What [`Store::import`] would do now. Nothing is written; a file that would be refused is refused.
    pub async fn plan_import(
        &self,
        rows: Vec<ImportRow>,
        wipe: Option<usize>,
        company: &CompanyDomains,
    ) -> Result<Planned, NotImported> {
        let mut connection = self.slow_reader().await?;
        let known = known_members(&mut connection).await?;
        plan(rows, &known, wipe, company, connection.now())
    }
}

/// The same where there is no record yet.
pub(crate) fn plan_first_import(
    rows: Vec<ImportRow>,
    company: &CompanyDomains,
    now: Moment,
) -> Result<Planned, NotImported> {
    plan(rows, &[], None, company, now)
}

fn plan(
    rows: Vec<ImportRow>,
    known: &[Known],
    wipe: Option<usize>,
    company: &CompanyDomains,
    now: Moment,
) -> Result<Planned, NotImported> {
    let plan = ImportPlan::make(rows, known, company, now)?;
    plan.check_number(wipe)?;
    let before: HashMap<&MemberId, &Known> = known
        .iter()
        .map(|known| (&known.member.member_id, known))
        .collect();
    let mut planned = Planned::default();
    for row in &plan.rows {
        let (name, email) = (row.member.name.clone(), row.member.business_email.clone());
        let is_in_place = |person: &NewPerson| person.email == email;
        match before.get(&row.member.member_id) {
            Some(known) => {
                let changes = changes(known, row);
                if changes.is_empty() {
                    planned.unchanged += 1;
                } else {
                    planned.updated.push(PlannedUpdate {
                        name,
                        email,
                        changes,
                    });
                }
            }
            None if plan.told.new_persons.iter().any(is_in_place) => {}
            None => planned.added.push((name, email)),
        }
    }
    planned.new_persons = plan.told.new_persons;
    Ok(planned)
}

/// The fields that differ. An employee id that is missing in the file stays.
fn changes(known: &Known, row: &ImportRow) -> Vec<FieldChange> {
    let (from, to) = (&known.member, &row.member);
    let stored_id = known.employee_id.as_ref();
    let texts = [
        ("name", Some(&from.name), Some(&to.name)),
        (
            "business_email",
            Some(&from.business_email),
            Some(&to.business_email),
        ),
        (
            "login_method",
            Some(&from.login_method),
            Some(&to.login_method),
        ),
        ("status", Some(&from.status), Some(&to.status)),
        ("role", Some(&from.role), Some(&to.role)),
        (
            "department",
            from.department.as_ref(),
            to.department.as_ref(),
        ),
        (
            "manager_email",
            from.manager_email.as_ref(),
            to.manager_email.as_ref(),
        ),
        (
            "employee_id",
            stored_id,
            row.employee_id.as_ref().or(stored_id),
        ),
    ];
    let texts = texts.into_iter().filter(|(_, from, to)| from != to);
    let texts = texts.map(|(field, from, to)| FieldChange {
        field,
        from: from.cloned(),
        to: to.cloned(),
    });
    texts.chain(contact_changes(from, to)).collect()
}

fn contact_changes(from: &MemberRow, to: &MemberRow) -> Vec<FieldChange> {
    let change = |field, from: Option<Destination>, to: Option<Destination>| FieldChange {
        field,
        from: from.map(|contact| contact.masked()),
        to: to.map(|contact| contact.masked()),
    };
    let mut changes = Vec::new();
    if from.phone != to.phone {
        let [from, to] = [from, to].map(|member| phone(member.phone.as_deref()));
        changes.push(change("phone", from, to));
    }
    if from.personal_email != to.personal_email {
        let [from, to] = [from, to].map(|member| private_email(member.personal_email.as_deref()));
        changes.push(change("personal_email", from, to));
    }
    changes
}
