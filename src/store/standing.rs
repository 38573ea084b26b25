//! The cards that stand, in memory: which one a newer card of the same administrator for the same member replaces.
//!
//! One `serve` holds the file and makes every card, so it can know them all. An index on disk would lie in the order of
//! members, and each command would read and write a page of it that no other command of its commit touches. A record
//! that several processes share has to look on disk instead.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use futures_util::TryStreamExt;
use sqlx::sqlite::SqliteConnection;

use super::rows::{ResetRow, read};
use crate::domain::{MemberId, ResetId, State};

/// Reads them from disk. There is one of each administrator for each member; of two, the one that stands longer counts.
const STATEMENT: &str = "select json_array(reset_id, member_id, admin_id) from reset
    where state = 'offered' and expires_at > 0 order by expires_at";

/// What is known of the cards that stand.
#[derive(Default)]
pub(super) struct Standing {
    /// None as long as they were not read from disk.
    cards: Option<Cards>,
}

/// The newest card of each administrator for each member.
#[derive(Default)]
pub(super) struct Cards {
    /// Its chance is the standard library's: nothing that comes out depends on it.
    secret: RandomState,
    by_pair: HashMap<u64, ResetId>,
}

impl Standing {
    /// All of them; read from disk where that was not done yet.
    pub(super) async fn known(
        &mut self,
        connection: &mut SqliteConnection,
    ) -> Result<&Cards, sqlx::Error> {
        let cards = match self.cards.take() {
            Some(cards) => cards,
            None => Cards::read(connection).await?,
        };
        Ok(self.cards.insert(cards))
    }

    /// Takes over what was committed.
    pub(super) fn note<'a>(&mut self, committed: impl Iterator<Item = &'a ResetRow>) {
        let Some(cards) = &mut self.cards else { return };
        // One card may take the place of another in the same batch: those that go make room first.
        let (stay, go): (Vec<_>, Vec<_>) = committed.partition(|row| row.state == State::Offered);
        for row in go {
            cards.remove(row);
        }
        for row in stay {
            cards.put(row.reset_id, &row.member_id, &row.admin_id);
        }
    }

    /// What came of the last commit is not sure: they are read from disk again.
    pub(super) fn forget(&mut self) {
        self.cards = None;
    }
}

impl Cards {
    async fn read(connection: &mut SqliteConnection) -> Result<Self, sqlx::Error> {
        let mut cards = Self::default();
        let mut rows = sqlx::query(STATEMENT).fetch(connection);
        while let Some(row) = rows.try_next().await? {
            let (card, member, admin): (ResetId, MemberId, MemberId) = read(&row)?;
            cards.put(card, &member, &admin);
        }
        Ok(cards)
    }

    /// The card that stands for the two, if there is one. Whoever reads it compares the names.
    pub(super) fn of(&self, member: &MemberId, admin: &MemberId) -> Option<ResetId> {
        self.by_pair.get(&self.place(member, admin)).copied()
    }

    fn put(&mut self, card: ResetId, member: &MemberId, admin: &MemberId) {
        self.by_pair.insert(self.place(member, admin), card);
    }

    fn remove(&mut self, row: &ResetRow) {
        let place = self.place(&row.member_id, &row.admin_id);
        if self.by_pair.get(&place) == Some(&row.reset_id) {
            self.by_pair.remove(&place);
        }
    }

    /// A number instead of two long names. Nobody can make two pairs of people meet in it who does not know the secret of
    /// this process; where chance does, the older card is not replaced by a newer one, and ends with its time.
    fn place(&self, member: &MemberId, admin: &MemberId) -> u64 {
        self.secret.hash_one((member, admin))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::rows::Table;
    use super::super::writer::tests::record;
    use super::*;

    /// Cards of Jo for Mina, each by its id and how long it stands.
    pub(in super::super) fn cards_of_jo(cards: &[(u8, i64)]) -> String {
        let rows = cards.iter().map(|(id, expires_at)| {
            format!(
                "insert into reset (reset_id, platform, tenant, chat_user, admin_id, admin_name, admin_email, member_id,
                    member_name, member_email, state, edition, is_typed, also_show, offered_at, expires_at)
                values ('{id:032x}', 'slack', 'T', 'UJO', 'jo', 'Jo Lim', 'jo@acme.example', 'mina', 'Mina Park',
                    'mina@acme.example', 'offered', 0, 0, 0, 1, {expires_at});"
            )
        });
        rows.collect()
    }

    fn id(last: u8) -> ResetId {
        let mut bytes = [0; 16];
        bytes[15] = last;
        ResetId(bytes)
    }

    async fn row(connection: &mut SqliteConnection, id: ResetId) -> ResetRow {
        let sql = format!(
            "select {} from reset where reset_id = '{id}'",
            ResetRow::ROW
        );
        read(
            &sqlx::query(sqlx::AssertSqlSafe(sql))
                .fetch_one(connection)
                .await
                .unwrap(),
        )
        .unwrap()
    }

    #[tokio::test]
    async fn the_newest_card_stands_until_it_goes() {
        let mut connection = record(&cards_of_jo(&[(2, 2000), (1, 1000)])).await;
        let [mina, jo] = ["mina", "jo"].map(|name| MemberId(name.to_owned()));
        let mut standing = Standing::default();
        let cards = standing.known(&mut connection).await.unwrap();
        assert_eq!(
            (cards.of(&mina, &jo), cards.of(&jo, &mina)),
            (Some(id(2)), None)
        );

        let (older, newer) = (
            row(&mut connection, id(1)).await,
            row(&mut connection, id(2)).await,
        );
        let with = |row: &ResetRow, state| ResetRow {
            state,
            ..row.clone()
        };
        for (committed, expected) in [
            (vec![with(&older, State::Expired)], Some(id(2))),
            (vec![with(&newer, State::Claimed)], None),
            (vec![with(&older, State::Offered)], Some(id(1))),
            (
                vec![
                    with(&newer, State::Offered),
                    with(&older, State::Superseded),
                ],
                Some(id(2)),
            ),
            (
                vec![
                    with(&newer, State::Superseded),
                    with(&older, State::Offered),
                ],
                Some(id(1)),
            ),
            (vec![], Some(id(1))),
        ] {
            standing.note(committed.iter());
            let seen = standing
                .known(&mut connection)
                .await
                .unwrap()
                .of(&mina, &jo);
            assert_eq!(seen, expected, "{committed:#?}");
        }
        standing.forget();
        assert_eq!(
            standing
                .known(&mut connection)
                .await
                .unwrap()
                .of(&mina, &jo),
            Some(id(2)),
            "as it is on disk"
        );
    }

    /// Resets are kept for more than a year; of those only the cards that stand are read.
    #[tokio::test]
    async fn only_cards_that_stand_are_read() {
        let mut connection = record("").await;
        let plan = sqlx::query(sqlx::AssertSqlSafe(format!(
            "explain query plan {STATEMENT}"
        )));
        let lines = plan.fetch_all(&mut connection).await.unwrap();
        let lines: Vec<String> = lines
            .iter()
            .map(|row| sqlx::Row::get(row, "detail"))
            .collect();
        assert!(
            matches!(lines.as_slice(), [one] if one.contains("INDEX reset_expiring")),
            "{lines:?}"
        );
    }
}
