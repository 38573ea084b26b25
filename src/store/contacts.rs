//! Contacts that were added for codes.

use super::engine::{Connection, Table, Tx, params, sql, table};
use super::{AuditRow, ReplayKey, Store, StoreError, replays};
use crate::domain::contacts::{
    AddedAs, AddedContact, COMMANDS_COUNT_FOR, CONTACTS_PER_ADMIN, CONTACTS_PER_MEMBER,
};
use crate::domain::{Channel, Destination, LogLine, Member, MemberId, Moment};

table! {
    /// A contact that was added for codes (S42, Q7).
    pub struct ContactRow in "contact" {
        key {
            /// The member whose contact it is.
            member_id: MemberId,
            channel: Channel,
            address: String,
            /// Who added it: an administrator, the member, or [`OPERATOR`].
            added_by: MemberId,
        }
        fixed {}
        changing {
            /// When it was added last.
            added_at: Moment,
            added_as: AddedAs,
            /// The full name of whoever added it, at that time.
            added_by_name: String,
            /// When a code that was sent to it came back.
            answered_at: Option<Moment>,
        }
    }
}

table! {
    /// An administrator added a contact, for their limit.
    pub(super) struct ContactCommandRow in "contact_command" {
        key {
            admin_id: MemberId,
            noted_at: Moment,
            /// The short name of the command.
            reference: String,
        }
        fixed {}
        changing {}
    }
}

/// The id of the operator where a contact names the person who added it.
pub(crate) const OPERATOR: &str = "operator";

impl ContactRow {
    /// A contact that nobody has answered from yet, with whose it is and who adds it: their id, and their full name.
    pub fn new(
        member_id: &MemberId,
        to: &Destination,
        added_as: AddedAs,
        (added_by, added_by_name): (&MemberId, &str),
        added_at: Moment,
    ) -> Self {
        Self {
            member_id: member_id.clone(),
            channel: to.channel(),
            address: to.full().to_owned(),
            added_by: added_by.clone(),
            added_at,
            added_as,
            added_by_name: added_by_name.to_owned(),
            answered_at: None,
        }
    }

    /// The contact as the rules know it; none for an address that cannot be read.
    pub fn added(&self) -> Option<AddedContact> {
        let to = self.channel.stored(&self.address)?;
        Some(AddedContact {
            to,
            by: self.added_by.clone(),
            by_name: self.added_by_name.clone(),
            added_as: self.added_as,
            added_at: self.added_at,
            answered_at: self.answered_at,
        })
    }
}

pub(super) const OF_MEMBER: &str = sql!(
    "select ",
    ContactRow::COLUMNS,
    "
    from contact
    where member_id = $1"
);

pub(super) const DELETE: &str = "
    delete from contact
    where member_id = $1
        and address = $2";

pub(super) const DELETE_OF: &str = "
    delete from contact
    where member_id = $1
        and address = $2
        and added_by = $3";

pub(super) const SET_ANSWERED: &str = "
    update contact
    set answered_at = $3
    where member_id = $1
        and address = $2";

pub(super) const COMMANDS: &str = "
    select noted_at
    from contact_command
    where admin_id = $1
        and noted_at > $2
    order by noted_at";

/// What became of a contact that somebody wants to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContactAdded {
    /// It is on record now.
    Yes {
        /// As it is spelled there.
        stored: Destination,
        /// The one that went where there was no room.
        dropped: Option<Destination>,
    },
    /// The same bytes were seen before.
    Replayed,
    /// The member has as many as there may be.
    TooMany {
        /// True where the command line may take the place of one.
        has_room_for_operator: bool,
    },
    /// The administrator added as many as they may; the next one is possible then.
    TooOften(Moment),
}

/// The contacts that were added for a member, the oldest first.
pub(super) async fn of_member(
    connection: &mut Connection,
    member: &MemberId,
) -> Result<Vec<ContactRow>, StoreError> {
    let mut contacts: Vec<ContactRow> = connection.all(OF_MEMBER, params![member]).await?;
    contacts
        .sort_by(|one, other| (one.added_at, &one.address).cmp(&(other.added_at, &other.address)));
    Ok(contacts)
}

/// Deletes a contact, whoever added it.
pub(super) async fn delete(
    tx: &mut Tx,
    member: &MemberId,
    address: &str,
) -> Result<(), StoreError> {
    tx.run(DELETE, params![member, address]).await.map(drop)
}

/// Deletes what one person added; the same contact of somebody else stays.
pub(super) async fn delete_row(tx: &mut Tx, row: &ContactRow) -> Result<(), StoreError> {
    let values = params![row.member_id, row.address, row.added_by];
    tx.run(DELETE_OF, values).await.map(drop)
}

/// Notes that a code which was sent to this contact came back, so the contact works.
pub(super) async fn set_answered(
    tx: &mut Tx,
    member: &MemberId,
    address: &str,
) -> Result<(), StoreError> {
    let now = tx.now();
    tx.run(SET_ANSWERED, params![member, address, now])
        .await
        .map(drop)
}

impl Store {
    /// The contacts that were added for codes, the oldest first.
    pub async fn contacts(&self, member: &MemberId) -> Result<Vec<ContactRow>, StoreError> {
        of_member(&mut self.reader().await?, member).await
    }

    /// Adds a contact for an administrator, within both limits.
    pub async fn add_contact(
        &self,
        replay: ReplayKey,
        contact: ContactRow,
        audit: AuditRow,
    ) -> Result<ContactAdded, StoreError> {
        self.write((replay, contact, audit), add_for_admin).await
    }

    /// Adds a contact of this member for the operator; it counts like one of the import.
    pub async fn add_contact_of_operator(
        &self,
        contact: ContactRow,
        member: &Member,
    ) -> Result<ContactAdded, StoreError> {
        self.write((contact, member.clone()), add_for_operator)
            .await
    }
}

async fn add_for_admin(
    tx: &mut Tx,
    (replay, contact, audit): &(ReplayKey, ContactRow, AuditRow),
) -> Result<ContactAdded, StoreError> {
    if !replays::take(tx, replay).await? {
        return Ok(ContactAdded::Replayed);
    }
    let (admin, member) = (&contact.added_by, &contact.member_id);
    let line = |outcome: &str, noted_at| AuditRow {
        noted_at,
        outcome: outcome.to_owned(),
        ..audit.clone()
    };
    let refused = |outcome: &str, noted_at| line(outcome, noted_at).in_log(LogLine::Refused);
    // The limit first: to make room changes something.
    if let Some(first) = first_that_counts(tx, admin).await? {
        tx.insert(&refused("too_often", tx.now())).await?;
        return Ok(ContactAdded::TooOften(first + COMMANDS_COUNT_FOR));
    }
    let known = of_member(tx, member).await?;
    let row = ContactRow {
        added_at: tx.now(),
        added_as: AddedAs::Administrator,
        ..contact.clone()
    };
    let Some(placed) = place(&known, row) else {
        tx.insert(&refused("too_many", tx.now())).await?;
        return Ok(ContactAdded::TooMany {
            has_room_for_operator: replaceable(&known, AddedAs::Operator, admin).is_some(),
        });
    };
    let command = ContactCommandRow {
        admin_id: admin.clone(),
        noted_at: tx.now(),
        reference: audit.reference.clone().unwrap_or_default(),
    };
    tx.insert_new(&command).await?;
    let added = placed.write(tx).await?;
    let done = line(&audit.outcome, tx.now()).in_log(LogLine::Contact);
    tx.insert(&done).await?;
    Ok(added)
}

async fn add_for_operator(
    tx: &mut Tx,
    (contact, about): &(ContactRow, Member),
) -> Result<ContactAdded, StoreError> {
    let row = ContactRow {
        added_at: tx.now(),
        added_by: MemberId(OPERATOR.to_owned()),
        added_as: AddedAs::Operator,
        ..contact.clone()
    };
    let detail = row.added().map(|added| added.to.masked());
    let member = row.member_id.clone();
    let line = |outcome: &str, now| AuditRow {
        detail: detail.clone(),
        admin_name: Some(contact.added_by_name.clone()),
        ..AuditRow::of_member("contact", outcome, &member, now).about(about)
    };
    let known = of_member(tx, &member).await?;
    let Some(placed) = place(&known, row) else {
        tx.insert(&line("too_many", tx.now())).await?;
        return Ok(ContactAdded::TooMany {
            has_room_for_operator: false,
        });
    };
    let added = placed.write(tx).await?;
    let done = line("added_by_operator", tx.now()).in_log(LogLine::Contact);
    tx.insert(&done).await?;
    Ok(added)
}

/// When the first contact was added that still counts, where the administrator added as many as they may.
async fn first_that_counts(
    connection: &mut Connection,
    admin: &MemberId,
) -> Result<Option<Moment>, StoreError> {
    let since = connection.now() - COMMANDS_COUNT_FOR;
    let commands: Vec<(Moment,)> = connection.all(COMMANDS, params![admin, since]).await?;
    let first = commands
        .len()
        .checked_sub(CONTACTS_PER_ADMIN)
        .and_then(|at| commands.get(at));
    Ok(first.map(|(at,)| *at))
}

/// The contact as it will be written: under the spelling that is on record already, and with the answer that it gave. None
/// if the member has as many as there may be.
pub(super) fn room_for(known: &[ContactRow], mut contact: ContactRow) -> Option<ContactRow> {
    let wanted = contact.added()?.to;
    let is_same = |one: &&ContactRow| one.added().is_some_and(|added| added.to.is_same(&wanted));
    let same: Vec<&ContactRow> = known.iter().filter(is_same).collect();
    let Some(first) = same.first() else {
        let mut others: Vec<&String> = known.iter().map(|one| &one.address).collect();
        others.sort_unstable();
        others.dedup();
        return (others.len() < CONTACTS_PER_MEMBER).then_some(contact);
    };
    contact.address.clone_from(&first.address);
    contact.answered_at = same.iter().find_map(|one| one.answered_at);
    Some(contact)
}

/// A contact as it will be written, and what goes for it.
struct Placed {
    contact: ContactRow,
    stored: Destination,
    dropped: Option<(String, Destination)>,
}

impl Placed {
    async fn write(self, tx: &mut Tx) -> Result<ContactAdded, StoreError> {
        let member = &self.contact.member_id;
        if let Some((address, to)) = &self.dropped {
            let line = AuditRow {
                detail: Some(to.masked()),
                ..AuditRow::of_member("contact", "made_room", member, tx.now())
            };
            tx.insert(&line).await?;
            delete(tx, member, address).await?;
        }
        tx.put(&self.contact).await?;
        Ok(ContactAdded::Yes {
            stored: self.stored,
            dropped: self.dropped.map(|(_, to)| to),
        })
    }
}

/// Like [`room_for`]; where there is no room, drops one that may be replaced.
fn place(known: &[ContactRow], contact: ContactRow) -> Option<Placed> {
    let (dropped, contact) = if let Some(contact) = room_for(known, contact.clone()) {
        (None, contact)
    } else {
        let replaced = replaceable(known, contact.added_as, &contact.added_by)?;
        let left: Vec<ContactRow> = known
            .iter()
            .filter(|one| one.address != replaced.address)
            .cloned()
            .collect();
        let to = replaced.added()?.to;
        (Some((replaced.address, to)), room_for(&left, contact)?)
    };
    Some(Placed {
        stored: contact.added()?.to,
        contact,
        dropped,
    })
}

/// The contact that a new one replaces when there is no room. Never one of the member's or the operator's. An administrator
/// replaces an unanswered one: of their own, or of somebody who added more, answered ones counted. The biggest adder's oldest
/// goes first. One that both added may go if the other added as many. The operator may replace answered ones too.
fn replaceable(known: &[ContactRow], added_as: AddedAs, by: &MemberId) -> Option<ContactRow> {
    let same_address = |one: &ContactRow| {
        known
            .iter()
            .filter(|other| other.address == one.address)
            .collect::<Vec<_>>()
    };
    let count = |admin: &MemberId| known.iter().filter(|one| one.added_by == *admin).count();
    let own = count(by);
    let is_of_admins = |one: &ContactRow| {
        same_address(one)
            .iter()
            .all(|other| other.added_as == AddedAs::Administrator)
    };
    let is_answered = |one: &ContactRow| {
        same_address(one)
            .iter()
            .any(|other| other.answered_at.is_some())
    };
    // Several administrators may have added the same address.
    let is_in_reach = |one: &ContactRow| {
        let is_own = one.added_by == *by;
        same_address(one).iter().all(|other| {
            let held = count(&other.added_by);
            other.added_by == *by || held > own || (is_own && held >= own)
        })
    };
    let may_go =
        |one: &ContactRow| added_as == AddedAs::Operator || (!is_answered(one) && is_in_reach(one));
    let candidates = known.iter().filter(|one| is_of_admins(one) && may_go(one));
    let worth = |one: &&ContactRow| {
        let held = same_address(one)
            .iter()
            .map(|other| count(&other.added_by))
            .min();
        (
            is_answered(one),
            std::cmp::Reverse(held),
            one.added_by != *by,
            one.added_at,
        )
    };
    candidates.min_by_key(worth).cloned()
}

#[cfg(test)]
mod tests {
    use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
    use sqlx::{AssertSqlSafe, ConnectOptions, Executor};

    use super::*;
    use crate::store::SessionRow;

    /// A record of the version before: nobody's contact is given a right, and no session is taken for a proven one.
    #[tokio::test]
    async fn the_upgrade_gives_no_contact_a_right() {
        const CONTACTS: &str = sql!(
            "select ",
            ContactRow::COLUMNS,
            " from contact order by added_at"
        );
        const SESSIONS: &str = sql!("select ", SessionRow::COLUMNS, " from session");
        let mut connection: SqliteConnection = SqliteConnectOptions::new()
            .in_memory(true)
            .connect()
            .await
            .unwrap();
        let before = crate::store::migrations::migrations()
            .into_iter()
            .filter(|one| one.version < 11)
            .collect();
        sqlx::migrate::Migrator::with_migrations(before)
            .run(&mut connection)
            .await
            .unwrap();
        let rows = "insert into member (member_id, name, business_email, business_email_key, login_method, status, role)
                values ('kim', 'Kim Cho', 'kim@acme.example', 'kim@acme.example', 'business_email', 'active', 'member');
            insert into contact values ('mina', 'sms', '+821012345699', 'kim', 5), ('mina', 'email', 'm@mail.example', 'mina', 6),
                ('mina', 'sms', '+821012345699', 'gone', 7);
            insert into session (session_key, member_id, stage, began_at, expires_at, code_tries)
                values ('one', 'mina', 'open', 1, 2, 0), ('two', 'mina', 'new_password', 1, 2, 0);";
        connection
            .execute(AssertSqlSafe(rows.to_owned()))
            .await
            .unwrap();
        crate::store::migrations::migrate(&mut connection)
            .await
            .unwrap();
        let mut tx = Tx::of_writer(connection);
        let contacts: Vec<ContactRow> = tx.all(CONTACTS, params![]).await.unwrap();
        let told: Vec<_> = contacts
            .into_iter()
            .map(|one| {
                (
                    one.added_as,
                    one.added_by_name,
                    one.added_at.0,
                    one.answered_at.map(|at| at.0),
                )
            })
            .collect();
        let (admin, member) = (AddedAs::Administrator, AddedAs::Member);
        assert_eq!(
            told,
            [
                (admin, "Kim Cho".to_owned(), 5, None),
                (member, "an administrator".to_owned(), 6, Some(6)),
                (admin, "an administrator".to_owned(), 7, None),
            ]
        );
        let sessions: Vec<SessionRow> = tx.all(SESSIONS, params![]).await.unwrap();
        assert!(
            sessions.len() == 2
                && sessions
                    .iter()
                    .all(|session| !session.is_proven && session.ended_at.is_none())
        );
    }
}
