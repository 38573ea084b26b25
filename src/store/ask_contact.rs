//! Another administrator is asked to add a contact for the code of a reset: once for each card.

use super::clicks::{closed, known_card, save_accepted};
use super::engine::{Connection, Tx, params};
use super::{
    CardClick, ClickError, ClickRefused, ResetRow, Store, StoreError, audit, replays, resets,
};
use crate::domain::{MemberId, Moment, ResetId, Span, State};

/// How long nobody is asked again after a question whose end is not known. Longer than asking takes, of many administrators
/// in a chat that is slow.
const ASKING_TIMEOUT: Span = Span::minutes(5);

/// How long a contact that was added for a card counts at once for the next ones of the same administrator.
const CONTACTS_COUNT_FOR: Span = Span::hours(24);

/// The first card of the administrator for the member that is open, or on which another administrator was asked for a
/// contact since `$4`.
pub(super) const CONTACTS_SINCE: &str = "
    select min(coalesce(contacts_since, offered_at))
    from reset
    where (
            member_id = $1
            and admin_id = $2
            and state = 'offered'
            and expires_at > $3
        )
        or (
            member_id = $1
            and admin_id = $2
            and contact_asked_at is not null
            and contact_asked_at > $4
            and disowned_at is null
        )";

/// When the member last said of a reset or of a code that it was not them; 0 for never.
pub(super) const LAST_DISOWNED: &str = "
    select max(
        coalesce((
            select max(disowned_at)
            from reset
            where member_id = $1
                and changing_at is not null
        ), 0),
        coalesce((
            select max(disowned_at)
            from code_use
            where member_id = $1
        ), 0)
    )";

impl Store {
    /// From when on a contact that another administrator adds counts at once for the next card of this administrator: what
    /// was asked for is not lost when the card expires. Nothing from before the member's last "this wasn't me" counts. None
    /// for since that card.
    pub async fn contacts_since(
        &self,
        admin: &MemberId,
        member: &MemberId,
    ) -> Result<Option<Moment>, StoreError> {
        let mut reader = self.reader().await?;
        let now = reader.now();
        let earliest = contacts_earliest(&mut reader, member).await?;
        let found: Option<(Option<Moment>,)> = reader
            .maybe(CONTACTS_SINCE, params![member, admin, now, earliest])
            .await?;
        let since = found.and_then(|(since,)| since);
        Ok(since.map(|since| since.max(earliest)))
    }

    /// Takes the one question of a card that is open, or of a reset that has changed the password.
    pub async fn ask_contact(&self, click: CardClick) -> Result<ResetRow, ClickError> {
        self.write(click, take_question).await
    }

    /// How the question that was taken with this row ended. If it surely reached nobody, it can be asked again at once,
    /// unless that was done meanwhile.
    pub async fn note_contact_asked(
        &self,
        taken: &ResetRow,
        outcome: &'static str,
    ) -> Result<(), StoreError> {
        type Asked = (ResetId, Option<Moment>, &'static str);
        self.write(
            (taken.reset_id, taken.contact_asked_at, outcome),
            async |tx: &mut Tx, (id, asked_at, outcome): &Asked| {
                if let Some(mut row) = resets::find(tx, *id).await? {
                    audit::note(tx, &row, EVENT, outcome).await?;
                    match *outcome {
                        "sent" => row.contact_sent_at = Some(tx.now()),
                        "nobody" if row.contact_asked_at == *asked_at => {
                            row.contact_asked_at = None;
                        }
                        _ => return Ok(()),
                    }
                    tx.put(&row).await?;
                }
                Ok::<_, StoreError>(())
            },
        )
        .await
    }
}

/// Nothing that was added before counts at once.
pub(super) async fn contacts_earliest(
    connection: &mut Connection,
    member: &MemberId,
) -> Result<Moment, StoreError> {
    let earliest = connection.now() - CONTACTS_COUNT_FOR;
    let found: Option<(Moment,)> = connection.maybe(LAST_DISOWNED, params![member]).await?;
    Ok(found.map_or(earliest, |(disowned_at,)| disowned_at.max(earliest)))
}

const EVENT: &str = "ask_contact";

async fn take_question(tx: &mut Tx, click: &CardClick) -> Result<ResetRow, ClickError> {
    let mut row = known_card(tx, click, EVENT).await?;
    let is_over = row.state == State::Offered && row.expires_at <= tx.now();
    let refused = if is_over {
        Some(ClickRefused::Expired)
    } else if row.changed_at.is_some() {
        None
    } else {
        closed(&row)
    };
    let refused = refused.or_else(|| asked_before(&row, tx.now()));
    if let Some(refused) = refused {
        audit::note_refused(tx, &row, EVENT, refused.code()).await?;
        replays::free(tx, &click.replay).await?;
        return Err(refused.into());
    }
    row.contact_asked_at = Some(tx.now());
    save_accepted(tx, click, row, EVENT).await
}

/// A process can die, and a chat can fail to answer, before it is known whether the question reached anybody.
fn asked_before(row: &ResetRow, now: Moment) -> Option<ClickRefused> {
    if let Some(at) = row.contact_sent_at {
        return Some(ClickRefused::ContactAsked(at));
    }
    row.contact_asked_at
        .filter(|at| now - *at < ASKING_TIMEOUT)
        .map(|_| ClickRefused::ContactBeingAsked)
}
