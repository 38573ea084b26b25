//! The member's earlier reset: what a card warns of, and what is against another one.

use super::ResetRow;
use super::resets::begun_at;
use crate::domain::{MemberId, Moment, Span};

/// A card warns of resets of the same member that are younger than this.
const CAREFUL_FOR: Span = Span::hours(24);

/// A reset of the same member not long ago.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and every combination exists"
)]
pub struct Earlier {
    /// When the password was changed, or may have been.
    pub changed_at: Moment,
    /// The full name of the administrator who made it.
    pub admin_name: String,
    /// False where nobody can say whether the password was changed.
    pub is_certain: bool,
    /// True where the member said "this wasn't me".
    pub is_disowned: bool,
    /// True where the administrator of the card made it.
    pub is_own: bool,
    /// True where it began after the card was made.
    pub is_since_card: bool,
}

impl Earlier {
    /// What this administrator is told of a reset. `card_at` is when their card was made, if there is one.
    pub(super) fn of(row: &ResetRow, admin: &MemberId, card_at: Option<Moment>) -> Option<Self> {
        let changed_at = row.changed_at.or(row.changing_at)?;
        Some(Self {
            changed_at,
            admin_name: row.admin_name.clone(),
            is_certain: row.changed_at.is_some(),
            is_disowned: row.disowned_at.is_some(),
            is_own: row.admin_id == *admin,
            is_since_card: card_at.is_some_and(|at| begun_at(row) >= Some(at)),
        })
    }
}

/// The member's newest other reset, if it is young enough for a card to warn of it. What the member said that they did not
/// ask for does not pass with time.
pub(super) fn earlier(newest: Option<&ResetRow>, card: &ResetRow, now: Moment) -> Option<Earlier> {
    newest
        .and_then(|newest| Earlier::of(newest, &card.admin_id, Some(card.offered_at)))
        .filter(|earlier| earlier.is_disowned || now - earlier.changed_at < CAREFUL_FOR)
}

/// True where another reset of the member changed the password, or may have, and the last look of this card did not mention
/// it. It is noted in the row, so that the next last look, which warns of it, can be confirmed.
pub(super) fn note_if_overtaken(newest: Option<&ResetRow>, row: &mut ResetRow) -> bool {
    let Some(newest) = newest else { return false };
    // A reset that began before the card was made was mentioned on it, or is older than the one that was.
    let is_told =
        row.seen_reset_id == Some(newest.reset_id) || begun_at(newest) < Some(row.offered_at);
    if is_told {
        return false;
    }
    row.seen_reset_id = Some(newest.reset_id);
    row.edition = row.edition.saturating_add(1);
    true
}

/// True where the member's last reset was made by this administrator and the member said that they did not ask for it.
pub(super) fn is_disowned(newest: Option<&ResetRow>, admin: &MemberId) -> bool {
    newest.is_some_and(|row| row.disowned_at.is_some() && row.admin_id == *admin)
}
