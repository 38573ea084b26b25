//! Look-ups of the hot path: all that wait are answered from one round trip.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Executor, SqlSafeStr, SqlStr};
use tokio::sync::oneshot;

use super::rows::{MemberRow, ResetRow, Table, json, read_all};
use super::{Pins, StoreError};
use crate::domain::{MemberId, ResetId};

/// The most look-ups that share a round trip.
pub(super) const BATCH: usize = 64;

/// How a member of the built-in directory is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MemberKey {
    /// By business e-mail, in lower case.
    Email(String),
    /// By immutable id.
    Id(MemberId),
}

impl MemberKey {
    fn email(&self) -> Option<&str> {
        if let Self::Email(email) = self {
            Some(email)
        } else {
            None
        }
    }

    fn id(&self) -> Option<&MemberId> {
        if let Self::Id(id) = self {
            Some(id)
        } else {
            None
        }
    }
}

/// What one request wants to know.
#[derive(Clone, Debug, Default)]
pub struct LookUp {
    /// A reset.
    pub reset: Option<ResetId>,
    /// Members of the built-in directory.
    pub members: Vec<MemberKey>,
    /// Linked chat accounts, as (platform, id).
    pub links: Vec<(String, String)>,
    /// Addresses of listed administrators, in lower case.
    pub admin_pins: Vec<String>,
}

/// What was found, in the order asked.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The reset.
    pub reset: Option<Arc<ResetRow>>,
    /// The members.
    pub members: Vec<Option<Arc<MemberRow>>>,
    /// The lower-case business e-mail a chat account is linked to.
    pub links: Vec<Option<String>>,
    /// The pins of the addresses that were ever looked up to be pinned.
    pub admin_pins: Pins,
}

/// A look-up that waits, and where its answer goes.
pub(super) type Job = (LookUp, oneshot::Sender<Result<Found, StoreError>>);

/// Answers look-ups.
pub(super) struct Reader {
    statement: SqlStr,
}

impl Reader {
    pub(super) fn new() -> Self {
        Self {
            statement: AssertSqlSafe(statement()).into_sql_str(),
        }
    }

    /// Answers all of these from one round trip, or tells all of them that there is no answer.
    pub(super) async fn answer(&self, connection: &mut SqliteConnection, jobs: Vec<Job>) {
        let answers = answer(connection, self.statement.clone(), &jobs).await;
        if let Err(error) = &answers {
            tracing::error!(error = error as &dyn std::error::Error, "could not look up");
        }
        let mut found = answers.map(Vec::into_iter);
        for (_, reply) in jobs {
            let one = match &mut found {
                Ok(rest) => rest.next().ok_or(StoreError::Unavailable),
                Err(_) => Err(StoreError::Unavailable),
            };
            // The request may have been given up meanwhile.
            drop(reply.send(one));
        }
    }
}

/// One row, with a value a question: all its rows. More rows would be more hand-overs between threads.
pub(super) fn statement() -> String {
    let (resets, members) = (ResetRow::ROWS, MemberRow::ROWS);
    format!(
        "select
        (select {resets} from json_each($1) as asked join reset on reset.reset_id = asked.value),
        (select {members} from json_each($2) as asked join member on member.business_email_key = asked.value),
        (select {members} from json_each($3) as asked join member on member.member_id = asked.value),
        (select json_group_array(json_array(link.platform, link.chat_user, link.business_email_key))
            from json_each($4) as asked
            join link on link.platform = asked.value ->> 0 and link.chat_user = asked.value ->> 1),
        (select json_group_array(json_array(admin_pin.email_key, admin_pin.member_id))
            from json_each($5) as asked join admin_pin on admin_pin.email_key = asked.value)"
    )
}

async fn answer(
    connection: &mut SqliteConnection,
    statement: SqlStr,
    jobs: &[Job],
) -> Result<Vec<Found>, sqlx::Error> {
    let keys = || jobs.iter().flat_map(|(look_up, _)| &look_up.members);
    let emails: HashSet<&str> = keys().filter_map(MemberKey::email).collect();
    let ids: HashSet<&MemberId> = keys().filter_map(MemberKey::id).collect();
    let resets: HashSet<ResetId> = jobs
        .iter()
        .filter_map(|(look_up, _)| look_up.reset)
        .collect();
    let links: HashSet<&(String, String)> = jobs
        .iter()
        .flat_map(|(look_up, _)| &look_up.links)
        .collect();
    let pins: HashSet<&String> = jobs
        .iter()
        .flat_map(|(look_up, _)| &look_up.admin_pins)
        .collect();
    let query = sqlx::query(statement)
        .bind(json(&resets)?)
        .bind(json(&emails)?)
        .bind(json(&ids)?)
        .bind(json(&links)?);
    let query = query.bind(json(&pins)?);

    let found = connection.fetch_one(query).await?;
    let by_reset: HashMap<ResetId, Arc<ResetRow>> = read_all(&found, 0)?
        .into_iter()
        .map(|row: ResetRow| (row.reset_id, Arc::new(row)))
        .collect();
    let by_email: HashMap<String, Arc<MemberRow>> = read_all(&found, 1)?
        .into_iter()
        .map(|row: MemberRow| (row.business_email_key.clone(), Arc::new(row)))
        .collect();
    let by_id: HashMap<MemberId, Arc<MemberRow>> = read_all(&found, 2)?
        .into_iter()
        .map(|row: MemberRow| (row.member_id.clone(), Arc::new(row)))
        .collect();
    let by_link: HashMap<(String, String), String> =
        read_all::<(String, String, String)>(&found, 3)?
            .into_iter()
            .map(|(platform, user, email)| ((platform, user), email))
            .collect();
    let by_address: HashMap<String, Option<MemberId>> =
        read_all::<(String, Option<MemberId>)>(&found, 4)?
            .into_iter()
            .collect();
    let pin = |key: &String| {
        by_address
            .get(key)
            .map(|entry| (key.clone(), entry.clone()))
    };
    let member = |key: &MemberKey| match key {
        MemberKey::Email(email) => by_email.get(email).cloned(),
        MemberKey::Id(id) => by_id.get(id).cloned(),
    };
    let one = |(look_up, _): &Job| Found {
        reset: look_up.reset.and_then(|id| by_reset.get(&id).cloned()),
        members: look_up.members.iter().map(member).collect(),
        links: look_up
            .links
            .iter()
            .map(|key| by_link.get(key).cloned())
            .collect(),
        admin_pins: Pins::new(look_up.admin_pins.iter().filter_map(pin)),
    };
    Ok(jobs.iter().map(one).collect())
}
