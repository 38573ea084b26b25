//! Members of the built-in directory.

use super::engine::{Connection, Table, Tx, params, sql, table};
use super::{AuditRow, Store, StoreError};
use crate::domain::MemberId;

table! {
    /// The part of a member's row that the import writes; sign-ins and resets change the rest.
    pub struct MemberRow in "member" {
        key {
            /// Stays when the e-mail changes.
            member_id: MemberId,
        }
        fixed {}
        changing {
            /// The full name as it was imported.
            name: String,
            /// As written in the file that was imported.
            business_email: String,
            /// In lower case, for look-ups.
            business_email_key: String,
            /// Written form of the login method.
            login_method: String,
            /// Written form of the status.
            status: String,
            /// In E.164 form.
            phone: Option<String>,
            /// The address outside the organization.
            personal_email: Option<String>,
            /// Written form of the role.
            role: String,
            /// The department, which the card shows behind the address.
            department: Option<String>,
            /// The manager's business e-mail.
            manager_email: Option<String>,
        }
    }
}

/// How many members [`BY_KEYS`] reads at once: an administrator and the member they named.
const KEYS: usize = 2;

pub(super) const BY_KEYS: &str = sql!(
    "select ",
    MemberRow::COLUMNS,
    "
    from member
    where business_email_key in ($1, $2)
        or member_id in ($3, $4)"
);

pub(super) const BY_EMAIL: &str = sql!(
    "select ",
    MemberRow::COLUMNS,
    "
    from member
    where business_email_key = $1"
);

const ALL: &str = sql!(
    "select ",
    MemberRow::COLUMNS,
    "
    from member
    order by business_email_key"
);

const ANY: &str = "
    select 1
    from member
    limit 1";

/// How many administrators [`ADMINISTRATORS`] reads at most.
const MOST_ADMINISTRATORS: i64 = 50;

pub(super) const ADMINISTRATORS: &str = sql!(
    "select ",
    MemberRow::COLUMNS,
    "
    from member
    where role in ('primary_admin', 'member_and_department')
        and status in ('active', 'inactive')
    order by role desc
    limit $1"
);

pub(super) const EMPLOYEE_ID: &str = "
    select employee_id
    from member
    where member_id = $1";

/// How a member is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MemberKey {
    /// By business e-mail, in lower case.
    Email(String),
    /// By immutable id.
    Id(MemberId),
}

impl MemberKey {
    fn is_of(&self, row: &MemberRow) -> bool {
        match self {
            Self::Email(email_key) => row.business_email_key == *email_key,
            Self::Id(id) => row.member_id == *id,
        }
    }

    fn email(&self) -> Option<String> {
        match self {
            Self::Email(email_key) => Some(email_key.clone()),
            Self::Id(_) => None,
        }
    }

    fn id(&self) -> Option<MemberId> {
        match self {
            Self::Email(_) => None,
            Self::Id(id) => Some(id.clone()),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportCount {
    /// Members that were not there before.
    pub added: usize,
    pub updated: usize,
}

/// A member by business e-mail in lower case.
pub(super) async fn by_email(
    connection: &mut Connection,
    email_key: &str,
) -> Result<Option<MemberRow>, StoreError> {
    connection.maybe(BY_EMAIL, params![email_key]).await
}

impl Store {
    /// Members in the order asked, all as they are at one moment. Two of them are read in one statement.
    pub async fn find_members(
        &self,
        keys: &[MemberKey],
    ) -> Result<Vec<Option<MemberRow>>, StoreError> {
        let mut connection = self.reader().await?;
        let mut found = Vec::new();
        let is_one_statement = keys.len() <= KEYS;
        if !is_one_statement {
            connection.begin_read().await?;
        }
        for asked in keys.chunks(KEYS) {
            let (one, other) = (asked.first(), asked.get(1));
            let email = |key: Option<&MemberKey>| key.and_then(MemberKey::email);
            let id = |key: Option<&MemberKey>| key.and_then(MemberKey::id);
            let values = params![email(one), email(other), id(one), id(other)];
            let rows: Vec<MemberRow> = connection.all(BY_KEYS, values).await?;
            found.extend(
                asked
                    .iter()
                    .map(|key| rows.iter().find(|row| key.is_of(row)).cloned()),
            );
        }
        if !is_one_statement {
            connection.end_read().await?;
        }
        Ok(found)
    }

    /// Inserts members, or updates them by business e-mail, whoever they are; for the demo and for tests. All or none.
    /// What an operator imports goes through [`Store::import`].
    pub async fn import_members(&self, members: Vec<MemberRow>) -> Result<ImportCount, StoreError> {
        self.write(members, async |tx: &mut Tx, members: &Vec<MemberRow>| {
            let mut updated = 0;
            for member in members {
                let mut member = member.clone();
                if let Some(known) = by_email(tx, &member.business_email_key).await? {
                    member.member_id = known.member_id;
                    updated += 1;
                }
                tx.put(&member).await?;
            }
            let count = ImportCount {
                added: members.len().saturating_sub(updated),
                updated,
            };
            let line = AuditRow {
                detail: Some(format!("{} added, {} updated", count.added, count.updated)),
                ..AuditRow::of_operator("import", "done", tx.now())
            };
            tx.insert(&line).await?;
            Ok::<_, StoreError>(count)
        })
        .await
    }

    /// All members, by business e-mail.
    pub async fn members(&self) -> Result<Vec<MemberRow>, StoreError> {
        self.reader().await?.all(ALL, params![]).await
    }

    /// Members whose role and status let them reset others, primary administrators first; not all of very many.
    pub async fn administrators(&self) -> Result<Vec<MemberRow>, StoreError> {
        let most = MOST_ADMINISTRATORS;
        let mut reader = self.reader().await?;
        let mut rows: Vec<MemberRow> = reader.all(ADMINISTRATORS, params![most]).await?;
        rows.sort_by(|one, other| {
            let rank = other.role.cmp(&one.role);
            rank.then_with(|| one.business_email_key.cmp(&other.business_email_key))
        });
        Ok(rows)
    }

    /// True while the built-in directory has no members at all, as before the first import.
    pub async fn has_no_members(&self) -> Result<bool, StoreError> {
        let any: Option<(i64,)> = self.reader().await?.maybe(ANY, params![]).await?;
        Ok(any.is_none())
    }

    /// A member by business e-mail in lower case, with the organization's own number of them at the same moment.
    pub async fn member_with_number(
        &self,
        email_key: &str,
    ) -> Result<Option<(MemberRow, Option<String>)>, StoreError> {
        let mut connection = self.reader().await?;
        connection.begin_read().await?;
        let row = by_email(&mut connection, email_key).await?;
        let number: Option<(Option<String>,)> = match &row {
            Some(row) => {
                connection
                    .maybe(EMPLOYEE_ID, params![row.member_id])
                    .await?
            }
            None => None,
        };
        connection.end_read().await?;
        Ok(row.map(|row| (row, number.and_then(|(number,)| number))))
    }
}
