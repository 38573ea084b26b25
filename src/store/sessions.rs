//! Sessions of the member's pages: how they begin, go on and end.

use super::accounts;
use super::engine::{Connection, Joined, Table, Tx, params, sql, table};
use super::{AccountRow, AuditRow, MemberRow, Store, StoreError};
use crate::domain::sign_in::{
    CODE_LIFE, CodePurpose, LockedBy, PROVING_LIFE, SESSION_LIFE, SESSIONS_AT_ONCE, Stage,
};
use crate::domain::{Carries, MemberId, Moment, Span};

table! {
    /// A session of the member's pages.
    pub struct SessionRow in "session" {
        key {
            /// The digest of its cookie.
            session_key: String,
        }
        fixed {
            /// The member who signs in.
            member_id: MemberId,
            /// When it began; a sign-out at or after that ends it.
            began_at: Moment,
        }
        changing {
            /// How far it has come.
            stage: Stage,
            /// When it ends by itself.
            expires_at: Moment,
            /// When it was ended before its time, as by a sign-out.
            ended_at: Option<Moment>,
            /// What the browser calls itself.
            agent: Option<String>,
            /// The code that was sent last, as a keyed digest; none once it was used.
            code_digest: Option<String>,
            /// What it is for. It is worth nothing for another purpose.
            code_purpose: Option<CodePurpose>,
            /// The masked contact it went to.
            code_mask: Option<String>,
            /// The same as a keyed digest.
            code_to_digest: Option<String>,
            /// When the last code was sent.
            code_sent_at: Option<Moment>,
            /// How often it may still be typed.
            code_tries: u32,
            /// True once a code has opened it beside the password of a reset. A code alone proves nothing that its contact
            /// does not, nor does one beside a password that a code alone may have set.
            is_proven: bool,
            /// The added contact that the last code went to, in full; none for a contact of the directory.
            code_to: Option<String>,
        }
    }
}

impl SessionRow {
    /// A session that begins at this stage and lives so long, before any code was sent for it.
    pub fn new(
        session_key: String,
        member_id: MemberId,
        stage: Stage,
        agent: Option<String>,
        (began_at, life): (Moment, Span),
    ) -> Self {
        Self {
            session_key,
            member_id,
            stage,
            began_at,
            expires_at: began_at + life,
            ended_at: None,
            agent,
            code_digest: None,
            code_purpose: None,
            code_mask: None,
            code_to_digest: None,
            code_sent_at: None,
            code_tries: 0,
            is_proven: false,
            code_to: None,
        }
    }

    /// The digest of the code that was sent last for this purpose, while it can be typed.
    pub(super) fn usable_code(&self, purpose: CodePurpose, now: Moment) -> Option<&str> {
        let is_fresh = self.code_sent_at.is_some_and(|at| now - at < CODE_LIFE);
        let is_usable = is_fresh && self.code_tries > 0 && self.code_purpose == Some(purpose);
        self.code_digest.as_deref().filter(|_| is_usable)
    }

    /// True while the session lives: not ended, not over, and begun after the member was last signed out.
    pub fn is_live(&self, signed_out_at: Option<Moment>, now: Moment) -> bool {
        let is_younger = signed_out_at.is_none_or(|at| self.began_at > at);
        self.ended_at.is_none() && self.expires_at > now && is_younger
    }
}

/// Why a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionEnd {
    /// A reset replaced the password.
    Reset,
    /// The password of a reset expired before the member had set their own.
    PasswordEnded(Moment),
    /// By "this wasn't me".
    Disowned,
    /// Wrong codes locked the account.
    Locked,
    /// The password was replaced in another way, as by the operator.
    OtherPassword,
    /// Its own life is over; the stage that it had reached.
    Expired(Stage),
    /// The same before the member had set their own password: that of the reset still works.
    ResetExpired,
    /// The same where a link brought them there, so that there is no password to type.
    LinkExpired,
    /// The life of a sign-in by a code alone is over; the same whether or not anybody has the address.
    CodeSignInExpired,
    /// A password was set while it was half open: in it, or in another session at the same moment.
    PasswordSet,
    /// In another way: by the member in another browser, or another session took its place.
    Other,
}

/// A session with the person behind it.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub session: SessionRow,
    pub member: MemberRow,
    pub account: AccountRow,
}

impl SignedIn {
    /// Why the session is over; none while it lives.
    fn end(&self, now: Moment) -> Option<SessionEnd> {
        let Self {
            session, account, ..
        } = self;
        let ended_password = account.temporary_until.filter(|until| *until <= now);
        if let Some(ended_at) = session.ended_at {
            let was_password_set = session.stage == Stage::NewPassword
                && account.temporary_until.is_none()
                && account.credential_set_at == Some(ended_at);
            return Some(if was_password_set {
                SessionEnd::PasswordSet
            } else {
                SessionEnd::Other
            });
        }
        if account
            .signed_out_at
            .is_some_and(|at| session.began_at <= at)
        {
            return Some(match (account.lock(), account.temporary_until) {
                (Some(LockedBy::Member), _) => SessionEnd::Disowned,
                (Some(LockedBy::Codes), _) => SessionEnd::Locked,
                (_, None) => SessionEnd::OtherPassword,
                (_, Some(_)) => ended_password.map_or(SessionEnd::Reset, SessionEnd::PasswordEnded),
            });
        }
        if session.stage != Stage::Open {
            if let Some(until) = ended_password {
                return Some(SessionEnd::PasswordEnded(until));
            }
            if account.lock() == Some(LockedBy::Codes) {
                return Some(SessionEnd::Locked);
            }
        }
        let is_of_reset = session.stage != Stage::Open && account.temporary_until.is_some();
        (session.expires_at <= now).then_some(if is_of_reset {
            SessionEnd::ResetExpired
        } else {
            SessionEnd::Expired(session.stage)
        })
    }
}

/// A session with the member and their account.
pub(super) const SIGNED_IN: &str = sql!(
    "select ",
    SessionRow::QUALIFIED,
    ", ",
    MemberRow::QUALIFIED,
    ", ",
    AccountRow::QUALIFIED,
    "
    from session
    join member on member.member_id = session.member_id
    where session_key = $1"
);

pub(super) const NOT_OVER: &str = sql!(
    "select ",
    SessionRow::COLUMNS,
    "
    from session
    where member_id = $1
        and ended_at is null
        and expires_at > $2"
);

/// The sessions of a member that live.
pub(super) const LIVE: &str = sql!(
    "select ",
    SessionRow::QUALIFIED,
    "
    from session
    join member on member.member_id = session.member_id
    where session.member_id = $1
        and ended_at is null
        and expires_at > $2
        and (signed_out_at is null or began_at > signed_out_at)"
);

/// An account and the sessions of its member that live.
pub(super) struct Live {
    pub(super) account: Option<AccountRow>,
    pub(super) sessions: Vec<SessionRow>,
}

impl Live {
    pub(super) async fn of(
        connection: &mut Connection,
        member: &MemberId,
    ) -> Result<Self, StoreError> {
        let account = accounts::find(connection, member).await?;
        let now = connection.now();
        let mut sessions: Vec<SessionRow> = connection.all(NOT_OVER, params![member, now]).await?;
        let signed_out_at = account.as_ref().and_then(|account| account.signed_out_at);
        sessions.retain(|row| row.is_live(signed_out_at, now));
        Ok(Self { account, sessions })
    }

    /// The session of this key, if it is at one of these stages.
    pub(super) fn session(&self, key: &str, stages: &[Stage]) -> Option<SessionRow> {
        let mut sessions = self.sessions.iter();
        sessions
            .find(|row| row.session_key == key && stages.contains(&row.stage))
            .cloned()
    }

    /// When a session begins: after the last sign-out, even one in the same millisecond, or before the clock was set back.
    fn begins_at(&self, now: Moment) -> Moment {
        let account = self.account.as_ref();
        let signed_out_at = account.and_then(|account| account.signed_out_at);
        signed_out_at.map_or(now, |at| now.max(at + Span(1)))
    }

    /// Begins a session. Where there are too many already, one of those that came least far makes room, the oldest first.
    pub(super) async fn start(&self, tx: &mut Tx, session: &SessionRow) -> Result<(), StoreError> {
        let mut others: Vec<&SessionRow> = self.sessions.iter().collect();
        others.sort_by_key(|row| std::cmp::Reverse((row.stage, row.began_at)));
        for other in others.into_iter().skip(SESSIONS_AT_ONCE - 1) {
            let line = AuditRow::of_member("sign_out", "oldest", &session.member_id, tx.now());
            tx.insert(&line).await?;
            end(tx, other).await?;
        }
        let row = SessionRow {
            began_at: self.begins_at(session.began_at.max(tx.now())),
            ..session.clone()
        };
        tx.insert(&row).await
    }

    /// Continues a session under another key, so that a key that leaked before is worthless after.
    pub(super) async fn go_on(
        &self,
        tx: &mut Tx,
        session: &SessionRow,
        next_key: &str,
        stage: Stage,
    ) -> Result<(), StoreError> {
        let life = if stage == Stage::Open {
            SESSION_LIFE
        } else {
            PROVING_LIFE
        };
        let next = SessionRow {
            session_key: next_key.to_owned(),
            stage,
            began_at: self.begins_at(tx.now()),
            expires_at: tx.now() + life,
            ended_at: None,
            code_digest: None,
            ..session.clone()
        };
        end(tx, session).await?;
        tx.insert(&next).await
    }
}

/// Ends a session, and the code that was sent for it.
pub(super) async fn end(tx: &mut Tx, session: &SessionRow) -> Result<(), StoreError> {
    let ended = SessionRow {
        ended_at: Some(tx.now()),
        code_digest: None,
        ..session.clone()
    };
    tx.put(&ended).await
}

impl Store {
    /// A session that lives now, by the digest of its cookie. One that is not open yet lives no longer than the password
    /// of the reset, and only while a code can still open the account.
    pub async fn session(&self, session_key: &str) -> Result<Option<SignedIn>, StoreError> {
        let (found, now) = self.signed_in(session_key).await?;
        Ok(found.filter(|found| found.end(now).is_none()))
    }

    /// Why a session is over; none for one that lives, and for one that is not known, or no more.
    pub(crate) async fn session_end(
        &self,
        session_key: &str,
    ) -> Result<Option<SessionEnd>, StoreError> {
        let (found, now) = self.signed_in(session_key).await?;
        let Some(found) = found else { return Ok(None) };
        let end = found.end(now);
        if end == Some(SessionEnd::ResetExpired) {
            let last = self.last_changes(&found.session.member_id).await?;
            if last.first().is_some_and(|row| row.carries == Carries::Link) {
                return Ok(Some(SessionEnd::LinkExpired));
            }
        }
        Ok(end)
    }

    async fn signed_in(&self, key: &str) -> Result<(Option<SignedIn>, Moment), StoreError> {
        let mut connection = self.reader().await?;
        let found = connection.maybe(SIGNED_IN, params![key]).await?;
        let found = found.map(|Joined((session, member, account))| SignedIn {
            session,
            member,
            account,
        });
        Ok((found, connection.now()))
    }

    /// The sessions of a member that live now, the newest first.
    pub async fn sessions(&self, member: &MemberId) -> Result<Vec<SessionRow>, StoreError> {
        let mut connection = self.reader().await?;
        let now = connection.now();
        let mut live: Vec<SessionRow> = connection.all(LIVE, params![member, now]).await?;
        live.sort_by_key(|row| std::cmp::Reverse(row.began_at));
        Ok(live)
    }
    /// Ends this session, or every other one of the member.
    pub async fn end_sessions(
        &self,
        member: &MemberId,
        this: String,
        others: bool,
    ) -> Result<(), StoreError> {
        self.write((member.clone(), this, others), end_sessions)
            .await
    }
}

async fn end_sessions(
    tx: &mut Tx,
    (member, this, others): &(MemberId, String, bool),
) -> Result<(), StoreError> {
    let live = Live::of(tx, member).await?;
    for session in &live.sessions {
        if (session.session_key == *this) != *others {
            end(tx, session).await?;
        }
    }
    let outcome = if *others { "others" } else { "own" };
    tx.insert(&AuditRow::of_member("sign_out", outcome, member, tx.now()))
        .await
}
