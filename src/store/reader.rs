//! The one reader of hot look-ups: all that wait are answered from one round trip.

use std::collections::HashMap;

use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Executor, SqlSafeStr};
use tokio::sync::{mpsc, oneshot};

use super::StoreError;
use super::rows::{MemberRow, ResetRow, Table, read_all};
use crate::domain::{MemberId, ResetId};

/// The most look-ups that share a round trip.
const BATCH: usize = 64;

/// How a member of the built-in directory is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MemberKey {
    /// By business e-mail, in lower case.
    Email(String),
    /// By immutable id.
    Id(MemberId),
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
}

/// What was found, in the order asked.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The reset.
    pub reset: Option<ResetRow>,
    /// The members.
    pub members: Vec<Option<MemberRow>>,
    /// The lower-case business e-mail a chat account is linked to.
    pub links: Vec<Option<String>>,
}

/// A look-up that waits, and where its answer goes.
pub(super) type Job = (LookUp, oneshot::Sender<Result<Found, StoreError>>);

/// Runs until every handle of the store is gone.
pub(super) async fn run(mut connection: SqliteConnection, mut queue: mpsc::Receiver<Job>) {
    let statement = AssertSqlSafe(statement()).into_sql_str();
    let mut waiting = Vec::with_capacity(BATCH);
    while queue.recv_many(&mut waiting, BATCH).await > 0 {
        let jobs = std::mem::take(&mut waiting);
        let answers = answer(&mut connection, statement.clone(), &jobs).await;
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

/// One value a question: all its rows.
fn statement() -> String {
    let (resets, members) = (ResetRow::ROWS, MemberRow::ROWS);
    format!(
        "select {resets} from reset where reset_id in (select value from json_each($1));
        select {members} from member where business_email_key in (select value from json_each($2));
        select {members} from member where member_id in (select value from json_each($3));
        select json_group_array(json_array(link.platform, link.chat_user, link.business_email_key))
            from json_each($4) as asked
            join link on link.platform = asked.value ->> 0 and link.chat_user = asked.value ->> 1"
    )
}

async fn answer(
    connection: &mut SqliteConnection,
    statement: sqlx::SqlStr,
    jobs: &[Job],
) -> Result<Vec<Found>, sqlx::Error> {
    let json = |rows: serde_json::Value| rows.to_string();
    let keys = || jobs.iter().flat_map(|(look_up, _)| &look_up.members);
    let emails: Vec<&str> =
        keys().filter_map(|key| if let MemberKey::Email(email) = key { Some(email.as_str()) } else { None }).collect();
    let ids: Vec<&str> =
        keys().filter_map(|key| if let MemberKey::Id(id) = key { Some(id.0.as_str()) } else { None }).collect();
    let resets: Vec<String> = jobs.iter().filter_map(|(look_up, _)| look_up.reset).map(|id| id.to_string()).collect();
    let links: Vec<&(String, String)> = jobs.iter().flat_map(|(look_up, _)| &look_up.links).collect();
    let query = sqlx::query(statement)
        .bind(json(resets.into()))
        .bind(json(emails.into()))
        .bind(json(ids.into()))
        .bind(serde_json::to_string(&links).map_err(|error| sqlx::Error::Encode(error.into()))?);

    let found = connection.fetch_all(query).await?;
    let [resets, by_emails, by_ids, linked] = found.as_slice() else { return Err(sqlx::Error::RowNotFound) };
    let by_reset: HashMap<ResetId, ResetRow> =
        read_all(resets)?.into_iter().map(|reset: ResetRow| (reset.reset_id, reset)).collect();
    let by_email: HashMap<String, MemberRow> =
        read_all(by_emails)?.into_iter().map(|member: MemberRow| (member.business_email_key.clone(), member)).collect();
    let by_id: HashMap<MemberId, MemberRow> =
        read_all(by_ids)?.into_iter().map(|member: MemberRow| (member.member_id.clone(), member)).collect();
    let by_link: HashMap<(String, String), String> = read_all::<(String, String, String)>(linked)?
        .into_iter()
        .map(|(platform, user, email)| ((platform, user), email))
        .collect();
    let one = |(look_up, _): &Job| Found {
        reset: look_up.reset.and_then(|id| by_reset.get(&id).cloned()),
        members: look_up
            .members
            .iter()
            .map(|key| match key {
                MemberKey::Email(email) => by_email.get(email).cloned(),
                MemberKey::Id(id) => by_id.get(id).cloned(),
            })
            .collect(),
        links: look_up.links.iter().map(|key| by_link.get(key).cloned()).collect(),
    };
    Ok(jobs.iter().map(one).collect())
}
