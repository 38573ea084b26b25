//! What the directory's contacts of a member looked like when cards were made before.

use super::engine::{Connection, Table, Tx, params, sql, table};
use super::{Store, StoreError};
use crate::domain::{Channel, MemberId, Moment, Span};

/// How old the note of a seen contact may grow before it is written anew; most cards then write nothing.
const SEEN_ANEW_AFTER: Span = Span::hours(1);

table! {
    /// A contact that the directory had when a card of the member was made last, as a keyed digest.
    pub(super) struct SeenRow in "contact_seen" {
        key {
            member_id: MemberId,
            channel: Channel,
        }
        fixed {}
        changing {
            digest: String,
            /// The fingerprint of the key that made it; none where that is not known.
            key_fingerprint: Option<String>,
            /// When it was seen last.
            seen_at: Moment,
            /// When it was first seen to differ from the one before.
            differs_since: Option<Moment>,
            /// When the one before was seen last.
            earlier_seen_at: Option<Moment>,
            /// When this one was seen first; none for one from before that was noted.
            since: Option<Moment>,
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
    pub digests: Vec<PresentDigest>,
    /// The fingerprint of the key.
    pub key_fingerprint: String,
    /// How long a difference is told, so that nobody can make it go away by asking for a card first.
    pub told_for: Span,
}

/// The keyed digest of one of them.
#[derive(Clone, Debug)]
pub struct PresentDigest {
    pub channel: Channel,
    /// Of the whole address, a `+tag` included.
    pub digest: String,
    /// As versions up to 0.1.0 made it, without the tag: what they noted is not taken for another contact.
    pub without_tag: String,
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

impl Store {
    /// True if the directory had this contact of a member at the card that was made then.
    pub async fn had_contact(
        &self,
        member: &MemberId,
        contact: PresentDigest,
        at: Moment,
    ) -> Result<bool, StoreError> {
        let rows: Vec<SeenRow> = self.reader().await?.all(SEEN, params![member]).await?;
        let stood = |row: &SeenRow| {
            row.channel == contact.channel
                && is_same(row, &contact)
                && row.since.is_none_or(|since| since <= at)
        };
        Ok(rows.iter().any(stood))
    }
}

fn is_same(before: &SeenRow, contact: &PresentDigest) -> bool {
    [&contact.digest, &contact.without_tag].contains(&&before.digest)
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

struct Comparison {
    differing: Vec<(Channel, Moment)>,
    to_write: Vec<SeenRow>,
}

async fn compare(
    connection: &mut Connection,
    member: &MemberId,
    present: &PresentContacts,
) -> Result<Comparison, StoreError> {
    let mut seen = Comparison {
        differing: Vec::new(),
        to_write: Vec::new(),
    };
    if present.digests.is_empty() {
        return Ok(seen);
    }
    let rows: Vec<SeenRow> = connection.all(SEEN, params![member]).await?;
    let now = connection.now();
    for contact in &present.digests {
        let channel = contact.channel;
        // A digest of another key tells nothing, so the contact is seen for the first time.
        let before = rows.iter().find(|row| {
            row.channel == channel
                && row.key_fingerprint.as_deref() == Some(&*present.key_fingerprint)
        });
        let after = seen_now(before, member, (contact, &present.key_fingerprint), now);
        let is_told = after
            .differs_since
            .is_some_and(|since| now - since < present.told_for);
        let told = after.earlier_seen_at.filter(|_| is_told);
        seen.differing.extend(told.map(|at| (channel, at)));
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
    (contact, key_fingerprint): (&PresentDigest, &str),
    now: Moment,
) -> SeenRow {
    let (differs_since, earlier_seen_at, since) = match before {
        Some(before) if is_same(before, contact) => {
            (before.differs_since, before.earlier_seen_at, before.since)
        }
        Some(before) => (Some(now), Some(before.seen_at), Some(now)),
        None => (None, None, Some(now)),
    };
    SeenRow {
        member_id: member.clone(),
        channel: contact.channel,
        digest: contact.digest.clone(),
        key_fingerprint: Some(key_fingerprint.to_owned()),
        seen_at: now,
        differs_since,
        earlier_seen_at,
        since,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contact(whole: &str, without_tag: &str) -> PresentDigest {
        PresentDigest {
            channel: Channel::Email,
            digest: format!("whole {whole}"),
            without_tag: without_tag.to_owned(),
        }
    }

    /// What an older version noted is the same contact, and noted anew by its whole address; from then on a tag makes
    /// another one.
    #[test]
    fn notes_of_an_older_version_are_carried_on() {
        let mina = MemberId("mina".to_owned());
        let older = SeenRow {
            digest: "mina".to_owned(),
            since: None,
            ..seen_now(None, &mina, (&contact("mina", "mina"), "key"), Moment(1))
        };
        let now = (&contact("mina", "mina"), "key");
        let same = seen_now(Some(&older), &mina, now, Moment(2));
        assert_eq!(
            (same.digest.as_str(), same.differs_since),
            ("whole mina", None)
        );
        let now = (&contact("mina+eve", "mina"), "key");
        let tagged = seen_now(Some(&same), &mina, now, Moment(3));
        assert_eq!(
            (tagged.differs_since, tagged.earlier_seen_at),
            (Some(Moment(3)), Some(Moment(2)))
        );
    }
}
