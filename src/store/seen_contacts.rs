//! What the directory's contacts of a member looked like when cards were made before.

use super::engine::{Table, Tx, params, sql, table};
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

impl Store {
    /// Notes the contacts that the directory has of a member, as keyed digests, when a card is made. Of each one that
    /// differs from what was seen before: when that was. A difference is told for as long as `told_for`, so that nobody
    /// can make it go away by asking for a card first.
    pub async fn see_contacts(
        &self,
        member: &MemberId,
        present: Vec<(Channel, String)>,
        told_for: Span,
    ) -> Result<Vec<(Channel, Moment)>, StoreError> {
        if present.is_empty() {
            return Ok(Vec::new());
        }
        let mut session = self.reader().await?;
        let before: Vec<SeenRow> = session.all(SEEN, params![member]).await?;
        let now = session.now();
        drop(session);
        let (mut differing, mut news) = (Vec::new(), Vec::new());
        for (channel, digest) in present {
            let before = before.iter().find(|row| row.channel == channel);
            let after = seen_now(before, member, channel, digest, now);
            let is_told = after
                .differs_since
                .is_some_and(|since| now - since < told_for);
            let told = after.earlier_seen_at.filter(|_| is_told);
            differing.extend(told.map(|at| (channel, at)));
            let is_fresh =
                |one: &SeenRow| one.digest == after.digest && now - one.seen_at < SEEN_ANEW_AFTER;
            if !before.is_some_and(is_fresh) {
                news.push(after);
            }
        }
        if !news.is_empty() {
            self.write(news, async |tx: &mut Tx, news: &Vec<SeenRow>| {
                for row in news {
                    tx.put(row).await?;
                }
                Ok::<_, StoreError>(())
            })
            .await?;
        }
        Ok(differing)
    }
}

/// What is noted of a contact that the directory has now.
fn seen_now(
    before: Option<&SeenRow>,
    member: &MemberId,
    channel: Channel,
    digest: String,
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
        digest,
        seen_at: now,
        differs_since,
        earlier_seen_at,
    }
}
