//! Sign-ins by a code alone. One for an address that no code can open is written, and answered, as one that a code can.

use super::code_uses::{CodeUseRow, CodeWentTo};
use super::engine::{Joined, Table, Tx, WriteError, params, sql, table};
use super::passwords::ACCOUNT_BY_ID;
use super::sessions::Live;
use super::{AccountRow, AuditRow, MemberRow, Proof, SessionRow, Store, StoreError};
use super::{accounts, codes, devices};
use crate::domain::code_alone::{
    CODES_NOTED_AGAIN_AFTER, CodeSignInDenied, CodeUse, SIGN_IN_CODES_COUNT_FOR,
    WRONG_CODES_OF_STRANGERS, may_send_sign_in_code, may_sign_in_by_code,
};
use crate::domain::sign_in::{
    AccountState, CODE_LIFE, CODE_TRIES, PROVING_LIFE, Stage, may_send_code,
};
use crate::domain::{CodeUseId, MemberId, Moment};

table! {
    /// A sign-in by a code alone, from the typed address to the code.
    pub(crate) struct CodeSignInRow in "code_sign_in" {
        key {
            /// The digest of the browser's cookie.
            sign_in_key: String,
        }
        fixed {
            began_at: Moment,
            expires_at: Moment,
        }
        changing {
            /// Whose code was made; none where none was.
            member_id: Option<MemberId>,
            /// The known browser that asked for it.
            device_key: Option<String>,
            /// Where it went, as a keyed digest.
            to_digest: Option<String>,
            /// The keyed digest of the code.
            code_digest: Option<String>,
            code_sent_at: Option<Moment>,
            /// How often a code may be typed; also where none was sent.
            code_tries: u32,
            ended_at: Option<Moment>,
        }
    }
}

pub(super) const BY_KEY: &str = sql!(
    "select ",
    CodeSignInRow::COLUMNS,
    "
    from code_sign_in
    where sign_in_key = $1
        and ended_at is null
        and expires_at > $2"
);

/// When codes were sent to a member, each with the known browser that asked for it.
pub(super) const SENT: &str = "
    select
        code_sent_at,
        device_key
    from code_sign_in
    where member_id = $1
        and code_sent_at > $2";

/// A code that is about to be sent.
#[derive(Clone, Debug)]
pub(crate) struct SignInCode {
    pub(crate) member_id: MemberId,
    /// The browser, if the account knows it.
    pub(crate) device_key: Option<String>,
    /// The keyed digest of the contact.
    pub(crate) to_digest: String,
    pub(crate) digest: String,
}

/// What is noted for a sign-in that has begun.
#[derive(Clone, Debug)]
pub(crate) enum CodeToNote {
    /// A code, if the rules allow one now.
    Code(SignInCode),
    /// None for this member.
    Denied(MemberId, CodeSignInDenied),
    /// None, because nobody has the address.
    Nobody,
}

/// A typed code, with the session that a right one begins.
#[derive(Clone, Debug)]
pub(crate) struct TypedSignInCode {
    pub(crate) sign_in_key: String,
    pub(crate) digest: String,
    pub(crate) next_key: String,
    pub(crate) agent: Option<String>,
    pub(crate) use_id: CodeUseId,
    pub(crate) key_fingerprint: String,
}

/// What became of a code that was typed for a sign-in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CodeTyped {
    pub(crate) proof: Proof,
    /// It cost a try, and is still to be counted by [`Store::count_wrong_sign_in_code`].
    pub(crate) is_to_count: bool,
}

/// Why no code is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SignInCodeError {
    #[error("the account is sent no code for a sign-in now")]
    Denied(CodeSignInDenied),
    /// Nobody waits for it any more.
    #[error("the sign-in has ended")]
    Ended,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl WriteError for SignInCodeError {
    fn failure(&self) -> Option<StoreError> {
        match self {
            Self::Denied(_) | Self::Ended => None,
            Self::Store(error) => Some(*error),
        }
    }
}

impl Store {
    /// Begins a sign-in by a code, whatever address was typed.
    pub(crate) async fn begin_code_sign_in(&self, sign_in_key: String) -> Result<(), StoreError> {
        self.write(sign_in_key, async |tx: &mut Tx, sign_in_key: &String| {
            let row = CodeSignInRow {
                sign_in_key: sign_in_key.clone(),
                began_at: tx.now(),
                expires_at: tx.now() + PROVING_LIFE,
                member_id: None,
                device_key: None,
                to_digest: None,
                code_digest: None,
                code_sent_at: None,
                code_tries: CODE_TRIES,
                ended_at: None,
            };
            tx.insert(&row).await
        })
        .await
    }

    /// A sign-in that has not ended.
    pub(crate) async fn code_sign_in(
        &self,
        sign_in_key: &str,
    ) -> Result<Option<CodeSignInRow>, StoreError> {
        let mut connection = self.reader().await?;
        let now = connection.now();
        connection.maybe(BY_KEY, params![sign_in_key, now]).await
    }

    /// True for a sign-in whose time is over, and that no code has ended. It says nothing of the account.
    pub(crate) async fn is_code_sign_in_expired(
        &self,
        sign_in_key: &str,
    ) -> Result<bool, StoreError> {
        let mut connection = self.reader().await?;
        let (now, always) = (connection.now(), Moment(0));
        let row = connection
            .maybe(BY_KEY, params![sign_in_key, always])
            .await?;
        Ok(row.is_some_and(|row: CodeSignInRow| row.expires_at <= now))
    }

    /// Notes what a sign-in has as its code. An error means that none may be sent.
    pub(crate) async fn note_sign_in_code(
        &self,
        sign_in_key: String,
        code: CodeToNote,
    ) -> Result<(), SignInCodeError> {
        self.write((sign_in_key, code), note_code).await
    }

    /// Takes back a code that the mail server or gateway refused. It still counts.
    pub(crate) async fn take_back_sign_in_code(
        &self,
        sign_in_key: String,
        digest: String,
    ) -> Result<(), StoreError> {
        self.write((sign_in_key, digest), take_back).await
    }

    /// A typed code. A right one works once, begins a session that can do nothing but set a new password, and is noted as
    /// a [`CodeUseRow`] of whom the contacts are to be told.
    pub(crate) async fn prove_code_sign_in(
        &self,
        typed: TypedSignInCode,
    ) -> Result<CodeTyped, StoreError> {
        self.write(typed, prove).await
    }

    /// Counts a wrong code, after it was answered: nobody can tell by the time whether there was a code. The member of an
    /// account that has just been sent its last one for strangers.
    pub(crate) async fn count_wrong_sign_in_code(
        &self,
        sign_in_key: String,
    ) -> Result<Option<MemberId>, StoreError> {
        self.write(sign_in_key, async |tx: &mut Tx, key: &String| {
            count_wrong(tx, key).await
        })
        .await
    }
}

async fn find(tx: &mut Tx, sign_in_key: &str) -> Result<Option<CodeSignInRow>, StoreError> {
    let now = tx.now();
    tx.maybe(BY_KEY, params![sign_in_key, now]).await
}

/// Why a code alone cannot let the member in now.
fn check_open(member: &MemberRow, account: &AccountRow) -> Result<(), CodeSignInDenied> {
    let state = AccountState {
        temporary_until: account.temporary_until,
        lock: account.lock(),
    };
    // A word that is not known is a status or a method that allows nothing.
    let status = member.status.parse().or(Err(CodeSignInDenied::Status))?;
    let method = member
        .login_method
        .parse()
        .or(Err(CodeSignInDenied::LoginMethod))?;
    may_sign_in_by_code(status, method, state)
}

async fn note_code(
    tx: &mut Tx,
    (sign_in_key, code): &(String, CodeToNote),
) -> Result<(), SignInCodeError> {
    let Some(row) = find(tx, sign_in_key).await? else {
        return Err(SignInCodeError::Ended);
    };
    // Written for every address: what follows a request takes as long for one as for another.
    tx.put(&row).await?;
    let code = match code {
        CodeToNote::Code(code) => code,
        CodeToNote::Denied(member, denied) => return Err(deny(tx, member, *denied).await?),
        CodeToNote::Nobody => return Ok(()),
    };
    let found = tx.maybe(ACCOUNT_BY_ID, params![code.member_id]).await?;
    let Some(Joined((member, mut account))) = found else {
        return Err(SignInCodeError::Ended);
    };
    if let Some(denied) = why_not(tx, &member, &account, code).await? {
        return Err(deny(tx, &code.member_id, denied).await?);
    }
    let sent = codes::sent_codes(account.codes_sent.as_deref());
    account.codes_sent = Some(codes::with_one_more(
        sent,
        codes::contact_of(&code.to_digest),
        tx.now(),
    ));
    accounts::save(tx, &account).await?;
    let line = AuditRow::of_member("code_sign_in", "sent", &code.member_id, tx.now());
    tx.insert(&line).await?;
    let row = CodeSignInRow {
        member_id: Some(code.member_id.clone()),
        device_key: code.device_key.clone(),
        to_digest: Some(code.to_digest.clone()),
        code_digest: Some(code.digest.clone()),
        code_sent_at: Some(tx.now()),
        ..row
    };
    Ok(tx.put(&row).await?)
}

/// Why the member is sent no code now.
async fn why_not(
    tx: &mut Tx,
    member: &MemberRow,
    account: &AccountRow,
    code: &SignInCode,
) -> Result<Option<CodeSignInDenied>, StoreError> {
    let now = tx.now();
    let since = now - SIGN_IN_CODES_COUNT_FOR;
    let sent: Vec<(Moment, Option<String>)> = tx.all(SENT, params![code.member_id, since]).await?;
    let all = codes::sent_codes(account.codes_sent.as_deref());
    let device = code.device_key.as_deref();
    let has_guessed = device.is_none() && account.wrong_sign_in_codes >= WRONG_CODES_OF_STRANGERS;
    let allowed = check_open(member, account).and_then(|()| {
        if has_guessed {
            return Err(CodeSignInDenied::WrongCodes);
        }
        may_send_sign_in_code(&sent, device, now)?;
        may_send_code(&all, codes::contact_of(&code.to_digest), now)
            .or(Err(CodeSignInDenied::TooMany))
    });
    Ok(allowed.err())
}

/// Notes why no code is sent. The audit says it once in a while, and no page.
async fn deny(
    tx: &mut Tx,
    member: &MemberId,
    denied: CodeSignInDenied,
) -> Result<SignInCodeError, StoreError> {
    let account = accounts::find(tx, member).await?;
    if let Some(mut account) = account.filter(|one| is_to_note(one.code_denied_at, tx.now())) {
        account.code_denied_at = Some(tx.now());
        accounts::save(tx, &account).await?;
        let line = AuditRow::of_member("code_sign_in", denied.as_str(), member, tx.now());
        tx.insert(&line).await?;
    }
    Ok(SignInCodeError::Denied(denied))
}

fn is_to_note(last: Option<Moment>, now: Moment) -> bool {
    last.is_none_or(|at| now - at >= CODES_NOTED_AGAIN_AFTER)
}

async fn take_back(
    tx: &mut Tx,
    (sign_in_key, digest): &(String, String),
) -> Result<(), StoreError> {
    let Some(row) = find(tx, sign_in_key).await? else {
        return Ok(());
    };
    let (Some(member), true) = (&row.member_id, row.code_digest.as_ref() == Some(digest)) else {
        return Ok(());
    };
    let line = AuditRow::of_member("code_sign_in", "not_sent", member, tx.now());
    tx.insert(&line).await?;
    let row = CodeSignInRow {
        code_digest: None,
        ..row
    };
    tx.put(&row).await
}

async fn prove(tx: &mut Tx, typed: &TypedSignInCode) -> Result<CodeTyped, StoreError> {
    let uncounted = |proof| CodeTyped {
        proof,
        is_to_count: false,
    };
    let Some(mut row) = find(tx, &typed.sign_in_key).await? else {
        return Ok(uncounted(Proof::NoSession));
    };
    // By the time of the request and not of the code: where no code was sent, it is over at the same time.
    if row.code_tries == 0 || tx.now() - row.began_at >= CODE_LIFE {
        return Ok(uncounted(Proof::Over));
    }
    let open = open_account(tx, &row).await?;
    let is_right = row.code_digest.as_ref() == Some(&typed.digest);
    if let (true, Some((member, account))) = (is_right, &open) {
        begin(tx, (typed, row.to_digest.clone()), member, account).await?;
        (row.code_digest, row.ended_at) = (None, Some(tx.now()));
        tx.put(&row).await?;
        return Ok(uncounted(Proof::Right));
    }
    row.code_tries = row.code_tries.saturating_sub(1);
    tx.put(&row).await?;
    let proof = if row.code_tries == 0 {
        Proof::Over
    } else {
        Proof::Wrong(row.code_tries)
    };
    Ok(CodeTyped {
        proof,
        is_to_count: true,
    })
}

/// The member of a sign-in, if a code alone can let them in now.
async fn open_account(
    tx: &mut Tx,
    row: &CodeSignInRow,
) -> Result<Option<(MemberRow, AccountRow)>, StoreError> {
    let found = tx.maybe(ACCOUNT_BY_ID, params![row.member_id]).await?;
    Ok(found
        .map(|Joined((member, account))| (member, account))
        .filter(|(member, account)| check_open(member, account).is_ok()))
}

async fn begin(
    tx: &mut Tx,
    (typed, to_digest): (&TypedSignInCode, Option<String>),
    member: &MemberRow,
    account: &AccountRow,
) -> Result<(), StoreError> {
    let (member, now) = (&member.member_id, tx.now());
    codes::count_right(tx, account.clone()).await?;
    tx.insert(&AuditRow::of_member("code_sign_in", "right", member, now))
        .await?;
    // Not proven: whoever has one contact of the member could make it two that count at once.
    let session = SessionRow::new(
        typed.next_key.clone(),
        member.clone(),
        Stage::NewPassword,
        typed.agent.clone(),
        (now, PROVING_LIFE),
    );
    Live::of(tx, member).await?.start(tx, &session).await?;
    let to = CodeWentTo {
        digest: to_digest,
        key_fingerprint: typed.key_fingerprint.clone(),
    };
    let used = CodeUseRow::new(typed.use_id, member, (CodeUse::SignIn, to), now);
    tx.insert(&used).await
}

/// A wrong code counts against the known browser, or against all unknown ones together; it locks nobody out.
async fn count_wrong(tx: &mut Tx, sign_in_key: &str) -> Result<Option<MemberId>, StoreError> {
    let Some(row) = find(tx, sign_in_key).await? else {
        return Ok(None);
    };
    // Written for every sign-in, like what follows its beginning.
    tx.put(&row).await?;
    let open = open_account(tx, &row).await?;
    let Some((_, mut account)) = open.filter(|_| row.code_digest.is_some()) else {
        return Ok(None);
    };
    let member = account.member_id.clone();
    let line = |outcome, now| AuditRow::of_member("code_sign_in", outcome, &member, now);
    if let Some(device_key) = &row.device_key {
        tx.insert(&line("wrong", tx.now())).await?;
        devices::count_failed(tx, device_key, &member).await?;
        return Ok(None);
    }
    if is_to_note(account.wrong_code_noted_at, tx.now()) {
        account.wrong_code_noted_at = Some(tx.now());
        tx.insert(&line("wrong", tx.now())).await?;
    }
    account.wrong_sign_in_codes = account.wrong_sign_in_codes.saturating_add(1);
    account.wrong_sign_in_code_at = Some(tx.now());
    accounts::save(tx, &account).await?;
    if account.wrong_sign_in_codes != WRONG_CODES_OF_STRANGERS {
        return Ok(None);
    }
    tx.insert(&line("guessed", tx.now())).await?;
    Ok(Some(member))
}
