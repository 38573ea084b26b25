//! The two links that a member gets in a message: "this wasn't me", and the one-time link.

use super::engine::{Connection, Tx};
use super::resets::{begun_at, finish, newest_change};
use super::sessions::Live;
use super::{
    AccountRow, AuditRow, ResetRow, SessionRow, Store, StoreError, accounts, codes, not_me, resets,
};
use crate::domain::sign_in::{CodeDenied, LockedBy, may_send_code};
use crate::domain::{Carries, Moment, ResetId, State};

/// What became of "this wasn't me".
#[derive(Clone, Debug)]
pub enum Disowned {
    /// The account is closed now.
    Now(Box<ResetRow>),
    /// The same, since then.
    Before(Moment),
    /// There was another reset since; nothing was changed.
    Outdated,
}

/// What became of a one-time link.
#[derive(Clone, Debug)]
pub enum LinkUse {
    /// It was used now, and the session has begun.
    Now,
    Before,
    /// Nothing was changed: no code may be sent before then, and the session would need one.
    Wait(Moment),
    /// It leads nowhere any more: its life is over, there was another reset, or the account was closed.
    Dead,
}

impl Store {
    /// "This wasn't me": the password is dead, every session ends, and the same administrator cannot make the next reset.
    pub async fn disown(&self, reset: &ResetRow) -> Result<Disowned, StoreError> {
        self.write(reset.reset_id, disown).await
    }

    /// What "this wasn't me" would answer now, if there is nothing left to do. Nothing is changed.
    pub(crate) async fn disown_answer(
        &self,
        reset: &ResetRow,
    ) -> Result<Option<Disowned>, StoreError> {
        answered(&mut self.reader().await?, reset).await
    }

    /// A one-time link is used: once, while its reset is the member's last one and its life lasts. The session begins at
    /// the stage "code", so that the link alone opens nothing (S39). `to_digest` is the contact that the code will go to.
    pub async fn use_link(
        &self,
        reset: &ResetRow,
        session: SessionRow,
        to_digest: String,
    ) -> Result<LinkUse, StoreError> {
        self.write((reset.reset_id, session, to_digest), use_link)
            .await
    }
}

/// The answer where nothing is left to do.
async fn answered(
    connection: &mut Connection,
    row: &ResetRow,
) -> Result<Option<Disowned>, StoreError> {
    let newest = newest_change(connection, row).await?;
    if newest.is_some_and(|newest| begun_at(&newest) > begun_at(row)) {
        return Ok(Some(Disowned::Outdated));
    }
    let account = accounts::find(connection, &row.member_id).await?;
    if let Some(disowned_at) = row.disowned_at {
        // An operator may have set a password since, which opened the account again.
        let has_newer_password = account
            .and_then(|account| account.credential_set_at)
            .is_some_and(|at| at > disowned_at);
        return Ok(Some(if has_newer_password {
            Disowned::Outdated
        } else {
            Disowned::Before(disowned_at)
        }));
    }
    Ok(None)
}

async fn disown(tx: &mut Tx, id: &ResetId) -> Result<Disowned, StoreError> {
    let Some(mut row) = resets::find(tx, *id).await? else {
        return Ok(Disowned::Outdated);
    };
    if let Some(answer) = answered(tx, &row).await? {
        return Ok(answer);
    }
    let account = accounts::find(tx, &row.member_id).await?;
    row.disowned_at = Some(tx.now());
    if row.is_waiting_for_another_way() {
        finish(&mut row, tx.now());
    }
    let member = &row.member_id;
    if let Some(account) = account {
        let locked = AccountRow {
            locked_at: Some(tx.now()),
            locked_by: Some(LockedBy::Member),
            ..account
        };
        accounts::save(tx, &locked).await?;
    }
    accounts::sign_out(tx, member).await?;
    tx.insert(&line(&row, "not_me", "closed", tx)).await?;
    tx.put(&row).await?;
    not_me::said(tx, row.reset_id, &row.member_id).await?;
    Ok(Disowned::Now(Box::new(row)))
}

async fn use_link(
    tx: &mut Tx,
    (id, session, to_digest): &(ResetId, SessionRow, String),
) -> Result<LinkUse, StoreError> {
    let found = resets::find(tx, *id).await?;
    let Some(mut row) = found.filter(|row| row.carries == Carries::Link) else {
        return Ok(LinkUse::Dead);
    };
    if row.link_used_at.is_some() {
        return Ok(LinkUse::Before);
    }
    let was_sent = matches!(
        row.state,
        State::Delivering | State::Delivered | State::DeliveryUnknown
    );
    let newest = newest_change(tx, &row).await?;
    let is_last = newest.is_none_or(|newest| newest.changing_at <= row.changing_at);
    let live = Live::of(tx, &row.member_id).await?;
    let now = tx.now();
    // The code that follows opens what wrong passwords locked.
    let is_open = live.account.as_ref().is_some_and(|account| {
        matches!(account.lock(), None | Some(LockedBy::Passwords))
            && account.temporary_until.is_some_and(|until| until > now)
    });
    if !was_sent || !is_open || row.disowned_at.is_some() || !is_last {
        return Ok(LinkUse::Dead);
    }
    let account = live.account.as_ref();
    let sent = codes::sent_codes(account.and_then(|account| account.codes_sent.as_deref()));
    match may_send_code(&sent, codes::contact_of(to_digest), now) {
        Ok(()) => {}
        Err(CodeDenied::Wait(until) | CodeDenied::TooMany(until)) => {
            return Ok(LinkUse::Wait(until));
        }
        Err(CodeDenied::NoSession) => return Ok(LinkUse::Dead),
    }
    row.link_used_at = Some(now);
    tx.insert(&line(&row, "claim", "used", tx)).await?;
    tx.put(&row).await?;
    live.start(tx, session).await?;
    Ok(LinkUse::Now)
}

fn line(row: &ResetRow, event: &str, outcome: &str, tx: &Tx) -> AuditRow {
    AuditRow {
        reset_id: Some(row.reset_id),
        admin_id: Some(row.admin_id.clone()),
        reason: row.reason.clone(),
        ..AuditRow::of_member(event, outcome, &row.member_id, tx.now())
    }
}
