//! Alarms of "this wasn't me" that go out by e-mail: of which reset or code, and who has them.

use super::code_uses::{self, CodeUseRow, DisownedCode};
use super::engine::{Tx, params};
use super::not_me::{BY_ID, DUE, NotMeRow, SEND_LEASE};
use super::{ResetRow, Store, StoreError, resets};
use crate::domain::{CodeUseId, MemberId, Moment, ResetId};

/// An alarm that goes out now.
#[derive(Clone, Debug)]
pub(crate) struct DueAlarm {
    pub about: NotMe,
    pub said_at: Moment,
    /// The keyed digests of those who have it.
    pub told: Vec<String>,
}

/// What the member said it of.
#[derive(Clone, Debug)]
pub(crate) enum NotMe {
    /// A reset that they did not ask for.
    Reset(Box<ResetRow>),
    /// A code that they did not use.
    Code(Box<DisownedCode>),
}

impl NotMe {
    pub(crate) fn id(&self) -> ResetId {
        match self {
            Self::Reset(row) => row.reset_id,
            Self::Code(disowned) => disowned.code.use_id.0,
        }
    }

    pub(crate) fn member_id(&self) -> &MemberId {
        match self {
            Self::Reset(row) => &row.member_id,
            Self::Code(disowned) => &disowned.code.member_id,
        }
    }

    /// Their business e-mail.
    pub(crate) fn member_email(&self) -> &str {
        match self {
            Self::Reset(row) => &row.member_email,
            Self::Code(disowned) => &disowned.member_email,
        }
    }
}

impl Store {
    /// The alarms that are due. Each is taken: another process finds it only after the time that an attempt may take.
    pub(crate) async fn due_alarms(&self) -> Result<Vec<DueAlarm>, StoreError> {
        let due: Vec<NotMeRow> = {
            let mut connection = self.slow_reader().await?;
            let now = connection.now();
            connection.all(DUE, params![now]).await?
        };
        if due.is_empty() {
            return Ok(Vec::new());
        }
        self.write(due, take_due).await
    }
}

/// The reset or the code of this id; none where it is gone.
async fn find(tx: &mut Tx, id: ResetId) -> Result<Option<NotMe>, StoreError> {
    if let Some(reset) = resets::find(tx, id).await? {
        return Ok(Some(NotMe::Reset(Box::new(reset))));
    }
    let code: Option<CodeUseRow> = tx.maybe(code_uses::BY_ID, params![CodeUseId(id)]).await?;
    let Some(code) = code else { return Ok(None) };
    let disowned = code_uses::with_name(tx, code).await?;
    Ok(disowned.map(|disowned| NotMe::Code(Box::new(disowned))))
}

async fn take_due(tx: &mut Tx, due: &Vec<NotMeRow>) -> Result<Vec<DueAlarm>, StoreError> {
    let mut taken = Vec::new();
    for seen in due {
        let present: Option<NotMeRow> = tx.maybe(BY_ID, params![seen.reset_id]).await?;
        let Some(mut row) = present.filter(|row| row.send_at == seen.send_at) else {
            continue;
        };
        let about = find(tx, row.reset_id).await?;
        row.send_at = about.as_ref().map(|_| tx.now() + SEND_LEASE);
        tx.put(&row).await?;
        taken.extend(about.map(|about| DueAlarm {
            about,
            said_at: row.said_at,
            told: row.told.split_whitespace().map(str::to_owned).collect(),
        }));
    }
    Ok(taken)
}
