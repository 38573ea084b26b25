//! Contacts that were added for codes, and what the directory's contacts looked like before. Adding one is one decision of
//! the writer, with its limits and its audit line.

use sqlx::Row;

use super::cards::ReplayKey;
use super::history::failed;
use super::rows::{AuditRow, ContactCommandRow, ContactRow, OPERATOR, SessionRow};
use super::writer::{Keys, Page, Removed};
use super::{Store, StoreError};
use crate::domain::contacts::{
    AddedAs, COMMANDS_COUNT_FOR, CONTACTS_PER_ADMIN, CONTACTS_PER_MEMBER,
};
use crate::domain::{Channel, Destination, MemberId, Moment, Span};

/// How old the note of a seen contact may grow before it is written anew; most cards then write nothing.
const SEEN_ANEW_AFTER: Span = Span::hours(1);

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

/// A contact of the directory as it was seen at an earlier card.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    digest: String,
    last_at: Moment,
    differs_since: Option<Moment>,
    earlier_at: Option<Moment>,
}

impl Store {
    /// Adds a contact for an administrator, within both limits.
    pub async fn add_contact(
        &self,
        replay: ReplayKey,
        contact: ContactRow,
        audit: AuditRow,
    ) -> Result<ContactAdded, StoreError> {
        let keys = Keys {
            replay: Some(replay.0.clone()),
            account: Some(contact.member_id.clone()),
            person: Some(contact.added_by.clone()),
            ..Keys::default()
        };
        self.write(keys, move |page, now| {
            if !page.is_new_request(&replay.0, now) {
                return ContactAdded::Replayed;
            }
            let admin = contact.added_by.clone();
            let mut commands = page.contact_commands(&admin);
            commands.sort_unstable();
            let first_that_counts = commands
                .len()
                .checked_sub(CONTACTS_PER_ADMIN)
                .and_then(|at| commands.get(at));
            let member = contact.member_id.clone();
            let row = ContactRow {
                added_at: now,
                added_as: AddedAs::Administrator,
                ..contact
            };
            // The limit first: to make room changes something.
            let added = if let Some(at) = first_that_counts {
                Err((
                    ContactAdded::TooOften(*at + COMMANDS_COUNT_FOR),
                    "too_often",
                ))
            } else {
                make_room(page, row, now).ok_or_else(|| {
                    let has_room_for_operator =
                        least(page, &member, AddedAs::Operator, &admin).is_some();
                    (
                        ContactAdded::TooMany {
                            has_room_for_operator,
                        },
                        "too_many",
                    )
                })
            };
            match added {
                Ok(Placed {
                    contact,
                    stored,
                    dropped,
                }) => {
                    let reference = audit.reference.clone().unwrap_or_default();
                    page.note_contact_command(ContactCommandRow {
                        admin_id: admin,
                        noted_at: now,
                        reference,
                    });
                    page.put_contact(contact);
                    page.audit(AuditRow {
                        noted_at: now,
                        ..audit
                    });
                    ContactAdded::Yes { stored, dropped }
                }
                Err((refused, outcome)) => {
                    page.audit(AuditRow {
                        noted_at: now,
                        outcome: outcome.to_owned(),
                        ..audit
                    });
                    refused
                }
            }
        })
        .await
    }

    /// Adds a contact for whoever runs relatch: it counts like the import.
    pub async fn add_contact_of_operator(
        &self,
        contact: ContactRow,
    ) -> Result<ContactAdded, StoreError> {
        let keys = Keys {
            account: Some(contact.member_id.clone()),
            ..Keys::default()
        };
        self.write(keys, move |page, now| {
            let added_by = MemberId(OPERATOR.to_owned());
            let row = ContactRow {
                added_at: now,
                added_by,
                added_as: AddedAs::Operator,
                ..contact
            };
            let detail = row.added().map(|added| added.to.masked());
            let line = |outcome: &str, member| AuditRow {
                detail,
                ..AuditRow::of_member("contact", outcome, member, now)
            };
            let member = row.member_id.clone();
            let Some(Placed {
                contact,
                stored,
                dropped,
            }) = make_room(page, row, now)
            else {
                page.audit(line("too_many", &member));
                return ContactAdded::TooMany {
                    has_room_for_operator: false,
                };
            };
            page.audit(line("added_by_operator", &member));
            page.put_contact(contact);
            ContactAdded::Yes { stored, dropped }
        })
        .await
    }

    /// Notes the contacts that the directory has of a member, as keyed digests, when a card is made. Of each one that
    /// differs from what was seen before: when that was. A difference is told for as long as `told_for`, so that nobody
    /// can make it go away by asking for a card first.
    pub async fn see_contacts(
        &self,
        member: &MemberId,
        present: Vec<(Channel, String)>,
        told_for: Span,
    ) -> Result<Vec<(Channel, Moment)>, StoreError> {
        let now = self.clock.now();
        let mut differing = Vec::new();
        for (channel, digest) in present {
            let before = self.seen(member, channel).await?;
            let after = seen_now(before.as_ref(), digest, now);
            let is_told = after
                .differs_since
                .is_some_and(|since| now - since < told_for);
            differing.extend(after.earlier_at.filter(|_| is_told).map(|at| (channel, at)));
            let is_fresh =
                |one: &Seen| one.digest == after.digest && now - one.last_at < SEEN_ANEW_AFTER;
            if !before.as_ref().is_some_and(is_fresh) {
                self.note_seen(member, channel, &after).await?;
            }
        }
        Ok(differing)
    }

    async fn seen(&self, member: &MemberId, channel: Channel) -> Result<Option<Seen>, StoreError> {
        let sql = "select digest, seen_at, differs_since, earlier_seen_at from contact_seen
            where member_id = $1 and channel = $2";
        let row = sqlx::query(sql)
            .bind(&member.0)
            .bind(channel.as_str())
            .fetch_optional(&self.pool)
            .await;
        let Some(row) = row.map_err(failed)? else {
            return Ok(None);
        };
        let time = |at: usize| {
            row.try_get::<Option<i64>, _>(at)
                .map(|time| time.map(Moment))
                .map_err(failed)
        };
        let digest = row.try_get(0).map_err(failed)?;
        Ok(Some(Seen {
            digest,
            last_at: time(1)?.unwrap_or(Moment(0)),
            differs_since: time(2)?,
            earlier_at: time(3)?,
        }))
    }

    async fn note_seen(
        &self,
        member: &MemberId,
        channel: Channel,
        seen: &Seen,
    ) -> Result<(), StoreError> {
        let sql = "insert into contact_seen (member_id, channel, digest, seen_at, differs_since, earlier_seen_at)
            values ($1, $2, $3, $4, $5, $6)
            on conflict (member_id, channel) do update set digest = excluded.digest, seen_at = excluded.seen_at,
                differs_since = excluded.differs_since, earlier_seen_at = excluded.earlier_seen_at";
        let query = sqlx::query(sql)
            .bind(&member.0)
            .bind(channel.as_str())
            .bind(&seen.digest)
            .bind(seen.last_at.0);
        let query = query
            .bind(seen.differs_since.map(|at| at.0))
            .bind(seen.earlier_at.map(|at| at.0));
        query.execute(&self.pool).await.map(drop).map_err(failed)
    }
}

/// What is noted of a contact that the directory has now.
fn seen_now(before: Option<&Seen>, digest: String, now: Moment) -> Seen {
    let (differs_since, earlier_at) = match before {
        Some(before) if before.digest == digest => (before.differs_since, before.earlier_at),
        Some(before) => (Some(now), Some(before.last_at)),
        None => (None, None),
    };
    Seen {
        digest,
        last_at: now,
        differs_since,
        earlier_at,
    }
}

/// The contact as it will be written: under the spelling that is on record already, and with the answer that it gave. None
/// if the member has as many as there may be.
pub(super) fn room_for(page: &Page, mut contact: ContactRow) -> Option<ContactRow> {
    let wanted = contact.added()?.to;
    let known: Vec<&ContactRow> = page.contacts(&contact.member_id).collect();
    let is_same = |one: &&&ContactRow| one.added().is_some_and(|added| added.to.is_same(&wanted));
    let same: Vec<&&ContactRow> = known.iter().filter(is_same).collect();
    let Some(first) = same.first() else {
        let mut others: Vec<String> = known.iter().map(|one| one.address.clone()).collect();
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
    dropped: Option<Destination>,
}

/// The same, and where there is no room the contact of least worth goes; that one is told.
fn make_room(page: &mut Page, contact: ContactRow, now: Moment) -> Option<Placed> {
    let placed = |contact: ContactRow, dropped| {
        let stored = contact.added()?.to;
        Some(Placed {
            contact,
            stored,
            dropped,
        })
    };
    if let Some(contact) = room_for(page, contact.clone()) {
        return placed(contact, None);
    }
    let member_id = contact.member_id.clone();
    let dropped = least(page, &member_id, contact.added_as, &contact.added_by)?;
    let to = dropped.added()?.to;
    let line = AuditRow::of_member("contact", "made_room", &member_id, now);
    page.audit(AuditRow {
        detail: Some(to.masked()),
        ..line
    });
    page.remove_contact(Removed {
        member_id,
        address: dropped.address,
    });
    placed(room_for(page, contact)?, Some(to))
}

/// The contact that goes when somebody adds one too many: never one of the member's or the operator's. For an administrator
/// it is one that has not answered: the oldest of whoever added the most for this member. It is another administrator's
/// only where that one added more than this one, so that nobody can fill the places or take those of others; contacts that
/// have answered count there too. For the operator one that has answered goes too, if all have.
fn least(page: &Page, member: &MemberId, added_as: AddedAs, by: &MemberId) -> Option<ContactRow> {
    let known: Vec<&ContactRow> = page.contacts(member).collect();
    let same_address = |one: &ContactRow| {
        known
            .iter()
            .copied()
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
        same_address(one)
            .iter()
            .all(|other| other.added_by == *by || count(&other.added_by) > own)
    };
    let may_go =
        |one: &ContactRow| added_as == AddedAs::Operator || (!is_answered(one) && is_in_reach(one));
    let candidates = known
        .iter()
        .copied()
        .filter(|one| is_of_admins(one) && may_go(one));
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

/// A right code proves that the contact works that it was sent to, whoever added it.
pub(super) fn note_answer(page: &mut Page, session: &SessionRow, now: Moment) {
    let Some(address) = &session.code_to else {
        return;
    };
    let answered: Vec<ContactRow> = page
        .contacts(&session.member_id)
        .filter(|one| one.address == *address)
        .cloned()
        .collect();
    for contact in answered {
        page.put_contact(ContactRow {
            answered_at: Some(now),
            ..contact
        });
    }
}

#[cfg(test)]
mod tests {
    use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
    use sqlx::{AssertSqlSafe, ConnectOptions, Executor};

    use super::super::rows::{Table, read};
    use super::*;

    /// A record of the version before: nobody's contact is given a right, and no session is taken for a proven one.
    #[tokio::test]
    async fn the_upgrade_gives_no_contact_a_right() {
        let mut connection: SqliteConnection = SqliteConnectOptions::new()
            .in_memory(true)
            .connect()
            .await
            .unwrap();
        let before = super::super::migrations()
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
        super::super::migrate(&mut connection).await.unwrap();
        let sql = format!("select {} from contact order by added_at", ContactRow::ROW);
        let found = sqlx::query(AssertSqlSafe(sql))
            .fetch_all(&mut connection)
            .await
            .unwrap();
        let contacts = found.iter().map(|row| read::<ContactRow>(row).unwrap());
        let told: Vec<_> = contacts
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
        let sql = format!("select {} from session", SessionRow::ROW);
        let found = sqlx::query(AssertSqlSafe(sql))
            .fetch_all(&mut connection)
            .await
            .unwrap();
        let sessions: Vec<SessionRow> = found.iter().map(|row| read(row).unwrap()).collect();
        assert!(
            sessions.len() == 2
                && sessions
                    .iter()
                    .all(|session| !session.is_proven && session.ended_at.is_none())
        );
    }
}
