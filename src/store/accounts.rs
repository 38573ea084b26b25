//! Accounts of the built-in directory: the credential, the lock, and what failed sign-ins made of it.

use super::engine::{Connection, Table, Tx, params, sql, table};
use super::{AuditRow, Store, StoreError, resets};
use crate::domain::code_alone::{OnRecordSince, WRONG_CODES_OF_STRANGERS_COUNT_FOR};
use crate::domain::sign_in::LockedBy;
use crate::domain::{MemberId, Moment, State};

table! {
    /// The part of a member's row that sign-ins and resets change; the rest belongs to the import.
    pub struct AccountRow in "member" {
        key {
            member_id: MemberId,
        }
        fixed {
            /// The credential, as a PHC string.
            credential: Option<String>,
            credential_set_at: Option<Moment>,
            /// Until when the password of a reset works; none for one of the member's own.
            temporary_until: Option<Moment>,
            /// Sessions that began earlier are void.
            signed_out_at: Option<Moment>,
            /// When an import changed the phone last; none where none did.
            phone_since: Option<Moment>,
            /// The same of the private e-mail.
            personal_email_since: Option<Moment>,
        }
        changing {
            /// Since when it is locked.
            locked_at: Option<Moment>,
            /// What locked it; see [`AccountRow::lock`].
            locked_by: Option<LockedBy>,
            /// Wrong passwords since the last right one.
            failed_sign_ins: u32,
            /// Wrong codes since the last right one.
            wrong_codes: u32,
            /// Wrong codes of unknown browsers at sign-ins by a code alone, in one row without a week's pause.
            wrong_sign_in_codes: u32,
            /// When the last of them was typed.
            wrong_sign_in_code_at: Option<Moment>,
            /// When the audit was last told of one.
            wrong_code_noted_at: Option<Moment>,
            /// When the audit was last told why no code was sent for such a sign-in.
            code_denied_at: Option<Moment>,
            /// When codes were sent in the last hour, in milliseconds with commas.
            codes_sent: Option<String>,
        }
    }
}

impl AccountRow {
    /// What locks it now. A lock without a reason counts as the strictest.
    pub fn lock(&self) -> Option<LockedBy> {
        self.locked_at
            .map(|_| self.locked_by.unwrap_or(LockedBy::Member))
    }

    /// Since when the contacts of the directory are what they are.
    pub(crate) fn on_record_since(&self) -> OnRecordSince {
        OnRecordSince {
            phone: self.phone_since,
            personal_email: self.personal_email_since,
        }
    }

    /// Forgets the wrong codes of strangers, if the last is old enough: whoever waits for the member's next sign-in gets no
    /// further guesses by it.
    pub(super) fn forget_old_guesses(&mut self, now: Moment) {
        let last = self.wrong_sign_in_code_at;
        if last.is_none_or(|at| now - at >= WRONG_CODES_OF_STRANGERS_COUNT_FOR) {
            self.wrong_sign_in_codes = 0;
        }
    }
}

/// Whoever says "this wasn't me" closes the account to all that went before, and an operator who sets a password repairs
/// all that went before: no older link closes it after that.
pub(super) const CLOSE_CODES: &str = "
    update code_use
    set closed_at = $2
    where member_id = $1
        and closed_at is null";

pub(super) const BY_ID: &str = sql!(
    "select ",
    AccountRow::COLUMNS,
    "
    from member
    where member_id = $1"
);

/// S17: the status is not named here.
pub(super) const SET_CREDENTIAL: &str = "
    update member
    set credential = $2,
        credential_set_at = $3,
        temporary_until = $4,
        locked_at = null,
        locked_by = null,
        failed_sign_ins = 0,
        wrong_codes = 0,
        wrong_sign_in_codes = 0
    where member_id = $1";

/// The password stays, so its age and the sessions do too.
pub(super) const RENEW_CREDENTIAL: &str = "
    update member
    set credential = $3
    where member_id = $1
        and credential = $2";

/// Voids every session that began up to now. A clock that was set back may have left a session, or a sign-out, with a
/// later time: then that time is taken.
pub(super) const SIGN_OUT: &str = "
    update member
    set signed_out_at = (
        select max(voided.began_at)
        from (
            select cast($2 as bigint) as began_at
            union all
            select member.signed_out_at
            union all
            select session.began_at
            from session
            where session.member_id = member.member_id
                and session.ended_at is null
                and session.expires_at > $2
        ) as voided
    )
    where member_id = $1";

pub(super) const SAVE: &str = sql!(
    // All `changing` columns.
    AccountRow::UPDATE
);

/// The account of a member.
pub(super) async fn find(
    connection: &mut Connection,
    member: &MemberId,
) -> Result<Option<AccountRow>, StoreError> {
    connection.maybe(BY_ID, params![member]).await
}

/// Writes the lock, the counters and the codes.
pub(super) async fn save(tx: &mut Tx, account: &AccountRow) -> Result<(), StoreError> {
    tx.run(SAVE, account.update_params()).await.map(drop)
}

/// Sets a credential. Q13: it lifts a lock that came from failed sign-ins.
pub(super) async fn set_credential(
    tx: &mut Tx,
    member: &MemberId,
    phc: &str,
    temporary_until: Option<Moment>,
) -> Result<(), StoreError> {
    let now = tx.now();
    tx.run(SET_CREDENTIAL, params![member, phc, now, temporary_until])
        .await
        .map(drop)
}

/// True where both are hashes of one password: the same, or one that was made anew of another form of it and kept the salt
/// ([`Store::renew_credential`]). Every password that is set has a salt of its own.
pub(super) fn is_same_password(one: Option<&str>, other: Option<&str>) -> bool {
    let salt = |phc: Option<&str>| {
        let (before_hash, _) = phc?.strip_prefix("$argon2id$")?.rsplit_once('$')?;
        let (_, salt) = before_hash.rsplit_once('$')?;
        Some(salt.to_owned()).filter(|salt| !salt.is_empty())
    };
    one == other || (salt(one).is_some() && salt(one) == salt(other))
}

/// Ends all sessions of a member.
pub(super) async fn sign_out(tx: &mut Tx, member: &MemberId) -> Result<(), StoreError> {
    let now = tx.now();
    tx.run(SIGN_OUT, params![member, now]).await.map(drop)
}

/// Why a password was not set.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    #[error("a reset of the member is under way")]
    UnderWay(ResetUnderWay),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl super::engine::WriteError for PasswordError {
    fn failure(&self) -> Option<StoreError> {
        match self {
            Self::UnderWay(_) => None,
            Self::Store(error) => Some(*error),
        }
    }
}

/// A reset of the member that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResetUnderWay {
    /// The administrator who makes it.
    pub admin_name: String,
    pub state: State,
}

impl Store {
    /// The stored credential of a member, as a PHC string.
    pub async fn credential(&self, member: &MemberId) -> Result<Option<String>, StoreError> {
        let account = find(&mut self.reader().await?, member).await?;
        Ok(account.and_then(|account| account.credential))
    }

    /// When a member's credential was last set.
    pub async fn credential_set_at(&self, member: &MemberId) -> Result<Option<Moment>, StoreError> {
        let account = find(&mut self.reader().await?, member).await?;
        Ok(account.and_then(|account| account.credential_set_at))
    }

    /// Sets a credential and lifts a lock that came from failed sign-ins; `temporary_until` marks a password that
    /// has to be changed, and ends every session in the same moment (S13). The status stays (S17).
    pub async fn set_credential(
        &self,
        member: &MemberId,
        phc: String,
        temporary_until: Option<Moment>,
    ) -> Result<(), StoreError> {
        self.write((member.clone(), phc, temporary_until), replace_credential)
            .await
    }

    /// Replaces the hash of a password by another one of the same password, made with the same salt. Nothing is done where
    /// another password was set meanwhile.
    pub async fn renew_credential(
        &self,
        member: &MemberId,
        older: String,
        newer: String,
    ) -> Result<(), StoreError> {
        self.write((member.clone(), older, newer), renew_credential)
            .await
    }

    /// Sets a lasting password for an operator and ends every session, unless a reset of the member is under way.
    pub async fn set_password(&self, member: &MemberId, phc: String) -> Result<(), PasswordError> {
        self.write((member.clone(), phc), set_password).await
    }

    /// Voids every session of the member.
    pub async fn sign_out(&self, member: &MemberId) -> Result<(), StoreError> {
        self.write(member.clone(), async |tx: &mut Tx, member: &MemberId| {
            sign_out(tx, member).await
        })
        .await
    }
}

pub(super) async fn replace_credential(
    tx: &mut Tx,
    (member, phc, temporary_until): &(MemberId, String, Option<Moment>),
) -> Result<(), StoreError> {
    set_credential(tx, member, phc, *temporary_until).await?;
    if temporary_until.is_some() {
        sign_out(tx, member).await?;
    }
    Ok(())
}

async fn renew_credential(
    tx: &mut Tx,
    (member, older, newer): &(MemberId, String, String),
) -> Result<(), StoreError> {
    if tx
        .run(RENEW_CREDENTIAL, params![member, older, newer])
        .await?
        > 0
    {
        let line = AuditRow::of_member("own_password", "hashed_anew", member, tx.now());
        tx.insert(&line).await?;
    }
    Ok(())
}

async fn set_password(
    tx: &mut Tx,
    (member, phc): &(MemberId, String),
) -> Result<(), PasswordError> {
    let under_way = resets::under_way(tx, member).await?;
    if let Some(row) = under_way {
        let line = AuditRow::of_member("set_password", row.state.as_str(), member, tx.now());
        tx.insert(&line).await?;
        return Err(PasswordError::UnderWay(ResetUnderWay {
            admin_name: row.admin_name,
            state: row.state,
        }));
    }
    tx.insert(&AuditRow::of_member(
        "set_password",
        "done",
        member,
        tx.now(),
    ))
    .await?;
    sign_out(tx, member).await?;
    set_credential(tx, member, phc, None).await?;
    // This repairs what codes did before: no link of theirs closes the account again.
    let now = tx.now();
    tx.run(CLOSE_CODES, params![member, now]).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_the_same_while_its_salt_is() {
        let phc = |salt: &str, hash: &str| format!("$argon2id$v=19$m=19456,t=2,p=1${salt}${hash}");
        let is_same = |one: &str, other: &str| is_same_password(Some(one), Some(other));
        assert!(is_same(&phc("one", "x"), &phc("one", "x")));
        assert!(is_same(&phc("one", "x"), &phc("one", "y")));
        assert!(!is_same(&phc("one", "x"), &phc("two", "x")));
        assert!(!is_same(&phc("", "x"), &phc("", "y")));
        assert!(!is_same("$cheap$x", "$cheap$y") && is_same("$cheap$x", "$cheap$x"));
        assert!(!is_same_password(Some(&phc("one", "x")), None));
        assert!(is_same_password(None, None));
    }
}
