//! A new password in an open session, with a code in place of the old one. Every open session goes on (S6).

use super::code_uses::{CodeUseRow, CodeWentTo};
use super::codes::{check_code, count_right, count_wrong, may_still_prove};
use super::engine::Tx;
use super::sessions::{Live, end};
use super::{AccountRow, AuditRow, Proof, SessionRow, Store, StoreError, accounts};
use crate::domain::code_alone::CodeUse;
use crate::domain::sign_in::{CodePurpose, Stage};
use crate::domain::{CodeUseId, MemberId};

const PURPOSE: CodePurpose = CodePurpose::NewPassword;

/// A new password with the code that was typed for it.
#[derive(Clone)]
pub(crate) struct ForgottenPassword {
    pub(crate) member: MemberId,
    pub(crate) session_key: String,
    /// The keyed digest of the code.
    pub(crate) digest: String,
    /// The hash of the new password, as a PHC string.
    pub(crate) phc: String,
    pub(crate) use_id: CodeUseId,
    pub(crate) key_fingerprint: String,
}

impl Store {
    /// Looks at a typed code. A wrong one costs a try and counts; a right one can still be used.
    pub(crate) async fn look_at_code(
        &self,
        member: &MemberId,
        session_key: String,
        digest: String,
    ) -> Result<Proof, StoreError> {
        self.write((member.clone(), session_key, digest), look_at)
            .await
    }

    /// Uses up the code and sets the password, which ends a lock after wrong passwords. Sessions that are not open yet end:
    /// somebody else may have begun them with the old password or with a code.
    pub(crate) async fn set_forgotten_password(
        &self,
        forgotten: ForgottenPassword,
    ) -> Result<Proof, StoreError> {
        self.write(forgotten, set).await
    }
}

/// The open session and its account, while a code can do something there.
async fn provable(
    tx: &mut Tx,
    member: &MemberId,
    session_key: &str,
) -> Result<Option<(SessionRow, AccountRow)>, StoreError> {
    let live = Live::of(tx, member).await?;
    let now = tx.now();
    let session = live.session(session_key, &[Stage::Open]);
    Ok(session
        .zip(live.account)
        .filter(|(_, account)| account.temporary_until.is_none() && may_still_prove(account, now)))
}

async fn look_at(
    tx: &mut Tx,
    (member, session_key, digest): &(MemberId, String, String),
) -> Result<Proof, StoreError> {
    let Some((mut session, account)) = provable(tx, member, session_key).await? else {
        return Ok(Proof::NoSession);
    };
    if session.usable_code(PURPOSE, tx.now()) == Some(digest) {
        return Ok(Proof::Right);
    }
    let tries = session.code_tries;
    let proof = check_code(tx, &mut session, (PURPOSE, digest)).await?;
    if session.code_tries < tries {
        tx.put(&session).await?;
        count_wrong(tx, account).await?;
    }
    Ok(proof)
}

async fn set(tx: &mut Tx, forgotten: &ForgottenPassword) -> Result<Proof, StoreError> {
    let member = &forgotten.member;
    let Some((mut session, account)) = provable(tx, member, &forgotten.session_key).await? else {
        return Ok(Proof::NoSession);
    };
    // It was right a moment ago, and may be over by now.
    let proof = check_code(tx, &mut session, (PURPOSE, &forgotten.digest)).await?;
    if proof != Proof::Right {
        return Ok(proof);
    }
    count_right(tx, account).await?;
    accounts::set_credential(tx, member, &forgotten.phc, None).await?;
    tx.put(&session).await?;
    for other in Live::of(tx, member).await?.sessions {
        if other.stage != Stage::Open {
            end(tx, &other).await?;
        }
    }
    let now = tx.now();
    tx.insert(&AuditRow::of_member(
        "own_password",
        "set_by_code",
        member,
        now,
    ))
    .await?;
    let to = CodeWentTo {
        digest: session.code_to_digest.clone(),
        key_fingerprint: forgotten.key_fingerprint.clone(),
    };
    let used = CodeUseRow::new(forgotten.use_id, member, (CodeUse::NewPassword, to), now);
    tx.insert(&used).await?;
    Ok(Proof::Right)
}
