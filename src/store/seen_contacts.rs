//! What the directory's contacts of a member looked like when cards were made before.

use super::engine::{Session, Table, Tx, params, sql, table};
use super::{Store, StoreError};
use crate::domain::{Channel, MemberId, Moment, Span};

/// How old the note of a seen contact may grow before it is written anew; most cards then write nothing.
const SEEN_ANEW_AFTER: Span = Span::hours(1);

table! {
    /// A contact that the directory had when a card of the member was made last, as a keyed digest.
    pub(super) struct SeenRow in "contact_seen" {
        key {
            /// The member.
            member_id: MemberId,
            /// Phone or e-mail.
            channel: Channel,
        }
        fixed {}
        changing {
            /// The keyed digest.
            digest: String,
            /// When it was seen last.
            seen_at: Moment,
            /// When it was first seen to differ from the one before.
            differs_since: Option<Moment>,
            /// When the one before was seen last.
            earlier_seen_at: Option<Moment>,
        }
    }
}

pub(super) const SEEN: &str = sql!(
    "select ",
    SeenRow::COLUMNS,
    "
    from contact_seen
    where member_id = $1"
);

/// The contacts that the directory has of a member when a card is made or drawn again.
#[derive(Clone, Debug)]
pub struct PresentContacts {
    /// The keyed digest of each.
    pub digests: Vec<(Channel, String)>,
    /// How long a difference is told, so that nobody can make it go away by asking for a card first.
    pub told_for: Span,
}

impl Store {
    /// Notes the contacts that the directory has of a member when a card is drawn again. Gives each channel whose contact
    /// differs from an earlier card, with when that earlier contact was seen last. Most cards write nothing.
    pub async fn see_contacts(
        &self,
        member: &MemberId,
        present: PresentContacts,
    ) -> Result<Vec<(Channel, Moment)>, StoreError> {
        let seen = compare(&mut self.reader().await?, member, &present).await?;
        if seen.to_write.is_empty() {
            return Ok(seen.differing);
        }
        self.write(
            (member.clone(), present),
            async |tx: &mut Tx, (member, present): &(MemberId, PresentContacts)| {
                see(tx, member, present).await
            },
        )
        .await
    }
}

/// Like [`Store::see_contacts`], inside a write.
pub(super) async fn see(
    tx: &mut Tx,
    member: &MemberId,
    present: &PresentContacts,
) -> Result<Vec<(Channel, Moment)>, StoreError> {
    let seen = compare(tx, member, present).await?;
    for row in &seen.to_write {
        tx.put(row).await?;
    }
    Ok(seen.differing)
}

struct Seen {
    differing: Vec<(Channel, Moment)>,
    to_write: Vec<SeenRow>,
}

async fn compare(
    session: &mut Session,
    member: &MemberId,
    present: &PresentContacts,
) -> Result<Seen, StoreError> {
    let mut seen = Seen {
        differing: Vec::new(),
        to_write: Vec::new(),
    };
    if present.digests.is_empty() {
        return Ok(seen);
    }
    let rows: Vec<SeenRow> = session.all(SEEN, params![member]).await?;
    let now = session.now();
    for (channel, digest) in &present.digests {
        let before = rows.iter().find(|row| row.channel == *channel);
        let after = seen_now(before, member, *channel, digest, now);
        let is_told = after
            .differs_since
            .is_some_and(|since| now - since < present.told_for);
        let told = after.earlier_seen_at.filter(|_| is_told);
        seen.differing.extend(told.map(|at| (*channel, at)));
        let is_fresh =
            |row: &SeenRow| row.digest == after.digest && now - row.seen_at < SEEN_ANEW_AFTER;
        if !before.is_some_and(is_fresh) {
            seen.to_write.push(after);
        }
    }
    Ok(seen)
}

/// What is noted of a contact that the directory has now.
fn seen_now(
    before: Option<&SeenRow>,
    member: &MemberId,
    channel: Channel,
    digest: &str,
    now: Moment,
) -> SeenRow {
    let (differs_since, earlier_seen_at) = match before {
        Some(before) if before.digest == digest => (before.differs_since, before.earlier_seen_at),
        Some(before) => (Some(now), Some(before.seen_at)),
        None => (None, None),
    };
    SeenRow {
        member_id: member.clone(),
        channel,
        digest: digest.to_owned(),
        seen_at: now,
        differs_since,
        earlier_seen_at,
    }
}
