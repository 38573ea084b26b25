//! Writes: whatever waits is decided in memory in order of arrival, and committed in one transaction.
//!
//! A batch is two round trips to SQLite: `begin immediate` with everything the decisions need from disk, then all
//! changes with `commit`. Nobody is answered before the commit; if it fails, all are told that nothing was recorded.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use serde::Serialize;
use sqlx::query::Query;
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Executor, SqlSafeStr, SqlStr};
use tokio::sync::oneshot;

use super::StoreError;
use super::rows::{
    AccountRow, AuditRow, ContactCommandRow, ContactRow, LookUpRow, MemberRow, NO_ROWS, ReplayRow,
    ResetRow, SessionRow, SlotRow, StepRow, Table, json, read_all,
};
use super::standing::Standing;
use crate::clock::Clock;
use crate::domain::contacts::COMMANDS_COUNT_FOR;
use crate::domain::look_up::{COUNT_FOR, Tried, paused_until};
use crate::domain::quota::Limit;
use crate::domain::{MemberId, Moment, Quota, ResetId};

/// The most that one transaction takes; more would only make the first wait for the last.
pub(super) const BATCH: usize = 256;

/// How many lists of rows a batch can write.
const TABLES: usize = 14;

/// Where the slots stand in what is read: between resets and look-ups.
const SLOTS: usize = 7;

/// Where the look-ups stand: before accounts with their sessions.
const LOOK_UPS: usize = SLOTS + 1;

/// What an offer is made of and never changes; a move then leaves the indexes of these columns alone.
const FIXED: [&str; 14] = [
    "reset_id",
    "platform",
    "tenant",
    "chat_user",
    "admin_id",
    "admin_name",
    "admin_email",
    "member_id",
    "member_name",
    "member_email",
    "member_chat_user",
    "reason",
    "offered_at",
    "expires_at",
];

/// What a decision needs to see.
#[derive(Default)]
pub(super) struct Keys {
    pub(super) replay: Option<String>,
    pub(super) reset: Option<ResetId>,
    pub(super) person: Option<MemberId>,
    pub(super) member: Option<MemberId>,
    /// The account of a member of the built-in directory, with its sessions that have neither ended nor expired.
    pub(super) account: Option<MemberId>,
}

/// A new credential for a member of the built-in directory.
#[derive(Serialize)]
pub(super) struct Credential {
    pub(super) member_id: MemberId,
    pub(super) phc: String,
    pub(super) set_at: Moment,
    pub(super) temporary_until: Option<Moment>,
    /// The sign-out that comes with the password of a reset.
    pub(super) signed_out_at: Option<Moment>,
}

/// A sign-out: every session that stands is void. Should one have begun after the moment, by a clock that was set back
/// since, or an earlier sign-out lie after it, then the moment is moved as far as theirs.
#[derive(Serialize)]
pub(super) struct SignOut {
    pub(super) member_id: MemberId,
    pub(super) signed_out_at: Moment,
}

/// A contact that goes.
#[derive(Serialize)]
pub(super) struct Removed {
    pub(super) member_id: MemberId,
    pub(super) address: String,
}

/// Everything a batch of decisions sees and changes, in memory.
pub(super) struct Page {
    limit: Limit,
    resets: HashMap<ResetId, ResetRow>,
    slots: Vec<SlotRow>,
    look_ups: Vec<LookUpRow>,
    seen: HashSet<String>,
    accounts: HashMap<MemberId, AccountRow>,
    sessions: HashMap<String, SessionRow>,
    contacts: Vec<ContactRow>,
    contact_commands: Vec<ContactCommandRow>,
    changed: Changes,
}

#[derive(Default)]
struct Changes {
    resets: HashSet<ResetId>,
    slots: Vec<SlotRow>,
    replays: Vec<ReplayRow>,
    steps: Vec<StepRow>,
    audit: Vec<AuditRow>,
    credentials: Vec<Credential>,
    sign_outs: Vec<SignOut>,
    members: Vec<MemberRow>,
    accounts: HashSet<MemberId>,
    sessions: HashSet<String>,
    contacts: Vec<ContactRow>,
    contact_commands: Vec<ContactCommandRow>,
    removed: Vec<Removed>,
    look_ups: Vec<LookUpRow>,
}

impl Page {
    /// A copy of a reset, to be changed and [`Page::put`] back.
    pub(super) fn reset(&self, id: ResetId) -> Option<ResetRow> {
        self.resets.get(&id).cloned()
    }

    /// All resets that were read for this batch.
    pub(super) fn resets(&self) -> impl Iterator<Item = &ResetRow> {
        self.resets.values()
    }

    fn changed_resets(&self) -> impl Iterator<Item = &ResetRow> {
        self.changed
            .resets
            .iter()
            .filter_map(|id| self.resets.get(id))
    }

    /// Inserts or overwrites a reset.
    pub(super) fn put(&mut self, row: ResetRow) {
        self.changed.resets.insert(row.reset_id);
        self.resets.insert(row.reset_id, row);
    }

    /// Where a person stands against the limit, with everything this batch has already decided.
    pub(super) fn quota(&self, person: &MemberId, now: Moment) -> Quota {
        let taken: Vec<Moment> = self
            .slots
            .iter()
            .filter(|slot| slot.person_id == *person && slot.returned_at.is_none())
            .map(|slot| slot.taken_at)
            .collect();
        self.limit.measure(&taken, now)
    }

    /// Takes a slot.
    pub(super) fn take_slot(&mut self, reset_id: ResetId, person_id: MemberId, taken_at: Moment) {
        let slot = SlotRow {
            reset_id,
            person_id,
            taken_at,
            returned_at: None,
        };
        self.slots.push(slot.clone());
        self.changed.slots.push(slot);
    }

    /// Gives a slot back.
    pub(super) fn return_slot(&mut self, row: &ResetRow, now: Moment) {
        self.slots
            .iter_mut()
            .filter(|slot| slot.reset_id == row.reset_id)
            .for_each(|slot| slot.returned_at = Some(now));
        self.changed.slots.push(SlotRow {
            reset_id: row.reset_id,
            person_id: row.admin_id.clone(),
            taken_at: row.claimed_at.unwrap_or(now),
            returned_at: Some(now),
        });
    }

    /// What a person tried in the last day, with everything this batch has already decided.
    pub(super) fn tried(&self, person: &MemberId) -> Vec<(Moment, Tried)> {
        let of_person = self.look_ups.iter().filter(|row| row.person_id == *person);
        of_person.map(|row| (row.looked_at, row.tried)).collect()
    }

    /// Counts what a person tried, once for a request. The refusal that begins a pause has a line of its own in the audit.
    pub(super) fn count_try(
        &mut self,
        person: &MemberId,
        replay_key: &str,
        tried: Tried,
        now: Moment,
    ) {
        if self
            .look_ups
            .iter()
            .any(|row| row.replay_key == replay_key && row.person_id == *person)
        {
            return;
        }
        let before = paused_until(&self.tried(person));
        let row = LookUpRow {
            person_id: person.clone(),
            looked_at: now,
            replay_key: replay_key.to_owned(),
            tried,
        };
        self.look_ups.push(row.clone());
        self.changed.look_ups.push(row);
        if paused_until(&self.tried(person)) != before {
            let line = AuditRow::of_operator("pause", "too_many_refusals", now);
            self.audit(AuditRow {
                admin_id: Some(person.clone()),
                ..line
            });
        }
    }

    /// Notes a signed request; false if it was seen before.
    pub(super) fn is_new_request(&mut self, replay_key: &str, now: Moment) -> bool {
        let is_new = self.seen.insert(replay_key.to_owned());
        if is_new {
            self.changed.replays.push(ReplayRow {
                replay_key: replay_key.to_owned(),
                seen_at: now,
            });
        }
        is_new
    }

    /// Notes how an effect ended, or that it is still to do.
    pub(super) fn note_step(&mut self, step: StepRow) {
        self.changed
            .steps
            .retain(|other| (other.reset_id, other.step) != (step.reset_id, step.step));
        self.changed.steps.push(step);
    }

    /// Adds a line to the audit.
    pub(super) fn audit(&mut self, line: AuditRow) {
        self.changed.audit.push(line);
    }

    /// The account of a member that was asked for.
    pub(super) fn account(&self, member: &MemberId) -> Option<&AccountRow> {
        self.accounts.get(member)
    }

    /// Overwrites what failed sign-ins made of an account.
    pub(super) fn put_account(&mut self, account: AccountRow) {
        self.changed.accounts.insert(account.member_id.clone());
        self.accounts.insert(account.member_id.clone(), account);
    }

    /// The contacts that were added for a member whose account was asked for.
    pub(super) fn contacts(&self, member: &MemberId) -> impl Iterator<Item = &ContactRow> {
        self.contacts
            .iter()
            .filter(move |contact| contact.member_id == *member)
    }

    /// Adds a contact, or overwrites what the same person added before.
    pub(super) fn put_contact(&mut self, contact: ContactRow) {
        let key = |one: &ContactRow| {
            (
                one.member_id.clone(),
                one.channel,
                one.address.clone(),
                one.added_by.clone(),
            )
        };
        let is_other = |one: &ContactRow| key(one) != key(&contact);
        self.contacts.retain(is_other);
        self.changed.contacts.retain(is_other);
        self.contacts.push(contact.clone());
        self.changed.contacts.push(contact);
    }

    /// When this person added contacts, within the time that counts for the limit.
    pub(super) fn contact_commands(&self, admin: &MemberId) -> Vec<Moment> {
        let own = self
            .contact_commands
            .iter()
            .filter(|command| command.admin_id == *admin);
        own.map(|command| command.noted_at).collect()
    }

    /// Counts an added contact against the limit of the administrator.
    pub(super) fn note_contact_command(&mut self, command: ContactCommandRow) {
        self.contact_commands.push(command.clone());
        self.changed.contact_commands.push(command);
    }

    /// Takes a contact away, whoever vouched for it; what is added later in the same batch stays.
    pub(super) fn remove_contact(&mut self, removed: Removed) {
        let is_other =
            |one: &ContactRow| one.member_id != removed.member_id || one.address != removed.address;
        self.contacts.retain(is_other);
        self.changed.contacts.retain(is_other);
        self.changed.removed.push(removed);
    }

    /// The sessions of the accounts that were asked for, but for those that had ended before.
    pub(super) fn sessions(&self) -> impl Iterator<Item = &SessionRow> {
        self.sessions.values()
    }

    /// Inserts or overwrites a session.
    pub(super) fn put_session(&mut self, session: SessionRow) {
        self.changed.sessions.insert(session.session_key.clone());
        self.sessions.insert(session.session_key.clone(), session);
    }

    /// Sets a credential of the built-in directory. Q13: it lifts a lock that came from failed sign-ins.
    pub(super) fn set_credential(&mut self, credential: Credential) {
        let signed_out_at = credential
            .signed_out_at
            .map(|at| self.voids_all(&credential.member_id, at));
        let credential = Credential {
            signed_out_at,
            ..credential
        };
        if let Some(account) = self.accounts.get_mut(&credential.member_id) {
            account.credential = Some(credential.phc.clone());
            account.credential_set_at = Some(credential.set_at);
            account.temporary_until = credential.temporary_until;
            (account.locked_at, account.locked_by) = (None, None);
            (account.failed_sign_ins, account.wrong_codes) = (0, 0);
            account.signed_out_at = signed_out_at.or(account.signed_out_at);
        }
        self.changed
            .credentials
            .retain(|other| other.member_id != credential.member_id);
        self.changed.credentials.push(credential);
    }

    /// Ends all sessions of a member of the built-in directory.
    pub(super) fn sign_out(&mut self, sign_out: SignOut) {
        let signed_out_at = self.voids_all(&sign_out.member_id, sign_out.signed_out_at);
        if let Some(account) = self.accounts.get_mut(&sign_out.member_id) {
            account.signed_out_at = Some(signed_out_at);
        }
        self.changed
            .sign_outs
            .retain(|other| other.member_id != sign_out.member_id);
        self.changed.sign_outs.push(SignOut {
            signed_out_at,
            ..sign_out
        });
    }

    /// The moment of a sign-out at `at`, as far as this batch sees; what lies on disk alone, [`SIGNED_OUT_AT`] adds.
    fn voids_all(&self, member: &MemberId, at: Moment) -> Moment {
        let earlier = self
            .accounts
            .get(member)
            .and_then(|account| account.signed_out_at);
        let began = self
            .sessions
            .values()
            .filter(|row| row.member_id == *member)
            .map(|row| row.began_at);
        began.chain(earlier).fold(at, Moment::max)
    }

    /// Inserts members of the built-in directory, or updates them by business e-mail.
    pub(super) fn import(&mut self, members: Vec<MemberRow>) {
        self.changed.members.extend(members);
    }
}

/// Is given what the batch sees, or why there is no batch.
type Decision = Box<dyn FnOnce(Result<(&mut Page, Moment), StoreError>) -> Answer + Send>;
type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// One write that waits for its turn.
pub(super) struct Job {
    keys: Keys,
    decide: Decision,
}

#[cfg(debug_assertions)]
impl Job {
    /// True where a signed webhook asks for it, and not the start or the sweep.
    pub(super) fn is_of_webhook(&self) -> bool {
        self.keys.replay.is_some()
    }
}

/// Makes a job of a decision, and the place where its result will be found after the commit.
pub(super) fn job<T: Send + 'static>(
    keys: Keys,
    decide: impl FnOnce(&mut Page, Moment) -> T + Send + 'static,
) -> (Job, oneshot::Receiver<Result<T, StoreError>>) {
    let (answer, result) = oneshot::channel();
    let decide: Decision = Box::new(move |begun| {
        let decided = begun.map(|(page, now)| decide(page, now));
        Box::new(move |committed| {
            // Nobody waits any more when a request was given up; what was decided stands all the same.
            drop(answer.send(decided.and_then(|decided| committed.map(|()| decided))));
        })
    });
    (Job { keys, decide }, result)
}

/// The statements of a batch. Every statement that ends and every row costs a hand-over between threads, so all that is
/// read comes as one row, and tables that a batch does not touch have no statement in it.
struct Statements {
    /// Without accounts and sessions, because most batches touch none; and with them.
    load: [SqlStr; 2],
    /// What writes the rows of each table, in order; the parameter is the place in this list.
    parts: [String; TABLES],
    /// The parts of batches that were met before, joined.
    saves: HashMap<Touched, SqlStr>,
}

/// Which of the tables a batch writes, in the order of [`Statements::parts`].
type Touched = [bool; TABLES];

/// The moment of the sign-out in `new`: no earlier one, and no session that stands, lies after it.
const SIGNED_OUT_AT: &str = "(select max(voided.began_at) from (
        select cast(new.value ->> 'signed_out_at' as bigint) as began_at
        union all select member.signed_out_at
        union all select session.began_at from session where session.member_id = member.member_id
            and session.ended_at is null and session.expires_at > cast(new.value ->> 'signed_out_at' as bigint)
    ) as voided)";

impl Statements {
    fn new() -> Self {
        let [lean, full] = reads().map(|read| format!("begin immediate;\n{read}"));
        let parts = [
            ReplayRow::insert_many("$1"),
            format!(
                "{} on conflict (reset_id) do update set {}",
                ResetRow::insert_many("$2"),
                ResetRow::overwrite(&FIXED)
            ),
            format!(
                "{} on conflict (person_id, taken_at, reset_id) do update set returned_at = excluded.returned_at",
                SlotRow::insert_many("$3")
            ),
            format!(
                "{} on conflict (reset_id, step) do update set {}",
                StepRow::insert_many("$4"),
                StepRow::overwrite(&["reset_id", "step"])
            ),
            AuditRow::insert_many("$5"),
            // Q13: a reset lifts a lock that came from failed sign-ins. S17: the status is not named here.
            format!(
                "update member set
                credential = new.value ->> 'phc',
                credential_set_at = cast(new.value ->> 'set_at' as bigint),
                temporary_until = cast(new.value ->> 'temporary_until' as bigint),
                locked_at = null, locked_by = null, failed_sign_ins = 0, wrong_codes = 0,
                -- S13: what a reset sets ends every session in the same moment
                signed_out_at = case when new.value ->> 'signed_out_at' is null then signed_out_at
                    else {SIGNED_OUT_AT} end
            from json_each($6) as new where member.member_id = new.value ->> 'member_id'"
            ),
            format!(
                "update member set signed_out_at = {SIGNED_OUT_AT}
            from json_each($7) as new where member.member_id = new.value ->> 'member_id'"
            ),
            format!(
                "{} on conflict (business_email_key) do update set
                    name = excluded.name, business_email = excluded.business_email, login_method = excluded.login_method,
                    status = excluded.status, phone = excluded.phone, personal_email = excluded.personal_email,
                    role = excluded.role, department = excluded.department, manager_email = excluded.manager_email",
                MemberRow::insert_many("$8")
            ),
            format!(
                "update member set failed_sign_ins = changed.failed_sign_ins, wrong_codes = changed.wrong_codes,
                    locked_at = changed.locked_at, locked_by = changed.locked_by, codes_sent = changed.codes_sent
                from ({}) as changed where member.member_id = changed.member_id",
                AccountRow::select_many("$9")
            ),
            format!(
                "{} on conflict (session_key) do update set {}",
                SessionRow::insert_many("$10"),
                SessionRow::overwrite(&["session_key", "member_id", "began_at"])
            ),
            "delete from contact where exists (select 1 from json_each($11) as gone
                where contact.member_id = gone.value ->> 'member_id' and contact.address = gone.value ->> 'address')"
                .to_owned(),
            format!(
                "{} on conflict (member_id, channel, address, added_by) do update set {}",
                ContactRow::insert_many("$12"),
                ContactRow::overwrite(&["member_id", "channel", "address", "added_by"])
            ),
            format!(
                "{} on conflict (admin_id, noted_at, reference) do nothing",
                ContactCommandRow::insert_many("$13")
            ),
            format!("{} on conflict (person_id, looked_at, replay_key) do nothing", LookUpRow::insert_many("$14")),
        ];
        Self {
            load: [lean, full].map(|sql| AssertSqlSafe(sql).into_sql_str()),
            parts,
            saves: HashMap::new(),
        }
    }

    /// Writes what is touched, and commits.
    fn save(&mut self, touched: Touched) -> SqlStr {
        let Self { parts, saves, .. } = self;
        let joined = || {
            let parts = parts
                .iter()
                .zip(touched)
                .filter(|(_, is_touched)| *is_touched)
                .map(|(part, _)| part.as_str());
            AssertSqlSafe(parts.chain(["commit"]).collect::<Vec<_>>().join(";\n")).into_sql_str()
        };
        saves.entry(touched).or_insert_with(joined).clone()
    }
}

/// Everything that decisions may need, as one row: without accounts and sessions, and with them.
fn reads() -> [String; 2] {
    let (resets, slots, accounts, sessions) = (
        ResetRow::ROWS,
        SlotRow::ROWS,
        AccountRow::ROWS,
        SessionRow::ROWS,
    );
    let look_ups = LookUpRow::ROWS;
    let lean = format!(
        "select
        (select json_group_array(replay_key.replay_key)
            from json_each($1) as asked join replay_key on replay_key.replay_key = asked.value),
        (select {resets} from json_each($2) as asked join reset on reset.reset_id = asked.value),
        (select {resets} from json_each($4) as asked join reset on reset.member_id = asked.value
            and reset.state in ('claimed', 'changing', 'changed', 'delivering')),
        (select {resets} from json_each($4) as asked join reset on reset.member_id = asked.value
            and reset.state = 'undelivered' and reset.finished_at is null),
        (select {resets} from json_each($4) as asked join reset on reset.reset_id = (
            select newest.reset_id from reset as newest where newest.member_id = asked.value
                and newest.changing_at is not null and newest.changed_at is not null
                order by newest.changing_at desc limit 1)),
        (select {resets} from json_each($4) as asked join reset on reset.reset_id = (
            select newest.reset_id from reset as newest where newest.member_id = asked.value
                and newest.changing_at is not null and newest.state <> 'refused'
                order by newest.changing_at desc limit 1)),
        (select {resets} from json_each($3) as asked join reset on reset.admin_id = asked.value
            and reset.told_at is null and reset.claimed_at is not null
            and (reset.finished_at is not null or reset.state = 'undelivered')),
        (select {slots} from json_each($3) as asked join slot on slot.person_id = asked.value
            and slot.taken_at > $5 and slot.returned_at is null),
        (select {look_ups} from json_each($3) as asked join look_up on look_up.person_id = asked.value
            and look_up.looked_at > $6)"
    );
    let (contacts, commands) = (ContactRow::ROWS, ContactCommandRow::ROWS);
    let full = format!(
        "{lean},
        (select {accounts} from json_each($7) as asked join member on member.member_id = asked.value),
        (select {sessions} from json_each($7) as asked join session on session.member_id = asked.value
            and session.ended_at is null and session.expires_at > $8),
        (select {contacts} from json_each($7) as asked join contact on contact.member_id = asked.value),
        (select {commands} from json_each($3) as asked join contact_command on contact_command.admin_id = asked.value
            and contact_command.noted_at > $9)"
    );
    [lean, full]
}

/// The larger of the two, for the test that looks at its plan.
#[cfg(test)]
pub(super) fn everything_read() -> String {
    let [_, full] = reads();
    full
}

/// Decides and commits.
pub(super) struct Writer {
    statements: Statements,
    standing: Standing,
    clock: Clock,
    limit: Limit,
}

impl Writer {
    pub(super) fn new(clock: Clock, limit: Limit) -> Self {
        Self {
            statements: Statements::new(),
            standing: Standing::default(),
            clock,
            limit,
        }
    }

    /// Reads which cards stand, so that no command has to wait for it.
    pub(super) async fn know_cards(
        &mut self,
        connection: &mut SqliteConnection,
    ) -> Result<(), sqlx::Error> {
        self.standing.known(connection).await.map(drop)
    }

    /// Decides all of these in one transaction, and tells each what came of it after the commit.
    pub(super) async fn commit(&mut self, connection: &mut SqliteConnection, jobs: Vec<Job>) {
        let now = self.clock.now();
        let keys: Vec<&Keys> = jobs.iter().map(|job| &job.keys).collect();
        let loaded = load(
            connection,
            &self.statements,
            &mut self.standing,
            &keys,
            self.limit,
            now,
        )
        .await;
        let mut page = match loaded {
            Ok(page) => page,
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "could not begin; nothing was recorded"
                );
                roll_back(connection).await;
                // Where a transaction was left open, what was read of them may never have been committed.
                self.standing.forget();
                for job in jobs {
                    (job.decide)(Err(StoreError::NotBegun))(Ok(()));
                }
                return;
            }
        };
        let answers: Vec<Answer> = jobs
            .into_iter()
            .map(|job| (job.decide)(Ok((&mut page, now))))
            .collect();
        let committed = save(connection, &mut self.statements, &page).await;
        match &committed {
            Ok(()) => self.standing.note(page.changed_resets()),
            Err(error) => {
                tracing::error!(
                    error = error as &dyn std::error::Error,
                    "could not commit; nothing was recorded"
                );
                roll_back(connection).await;
                self.standing.forget();
            }
        }
        for answer in answers {
            answer(if committed.is_ok() {
                Ok(())
            } else {
                Err(StoreError::Unavailable)
            });
        }
    }
}

async fn load(
    connection: &mut SqliteConnection,
    statements: &Statements,
    standing: &mut Standing,
    keys: &[&Keys],
    limit: Limit,
    now: Moment,
) -> Result<Page, sqlx::Error> {
    let [lean, full] = &statements.load;
    let mut resets = asked(keys, |keys| keys.reset);
    let pairs = asked(keys, |keys| keys.member.as_ref().zip(keys.person.as_ref()));
    if !pairs.is_empty() {
        let cards = standing.known(connection).await?;
        resets.extend(
            pairs
                .into_iter()
                .filter_map(|(member, admin)| cards.of(member, admin)),
        );
    }
    let accounts = asked(keys, |keys| keys.account.as_ref());
    let mut query = sqlx::query(if accounts.is_empty() { lean } else { full }.clone())
        .bind(json(&asked(keys, |keys| keys.replay.as_ref()))?)
        .bind(json(&resets)?)
        .bind(json(&asked(keys, |keys| keys.person.as_ref()))?)
        .bind(json(&asked(keys, |keys| keys.member.as_ref()))?)
        .bind((now - limit.window).0)
        .bind((now - COUNT_FOR).0);
    if !accounts.is_empty() {
        query = query
            .bind(json(&accounts)?)
            .bind(now.0)
            .bind((now - COMMANDS_COUNT_FOR).0);
    }
    let found = connection.fetch_one(query).await?;
    let mut page = Page {
        limit,
        resets: HashMap::new(),
        slots: read_all(&found, SLOTS)?,
        look_ups: read_all(&found, LOOK_UPS)?,
        seen: read_all(&found, 0)?.into_iter().collect(),
        accounts: HashMap::new(),
        sessions: HashMap::new(),
        contacts: Vec::new(),
        contact_commands: Vec::new(),
        changed: Changes::default(),
    };
    for place in 1..SLOTS {
        page.resets.extend(
            read_all(&found, place)?
                .into_iter()
                .map(|reset: ResetRow| (reset.reset_id, reset)),
        );
    }
    if !accounts.is_empty() {
        let (accounts, sessions) = (
            read_all(&found, LOOK_UPS + 1)?,
            read_all(&found, LOOK_UPS + 2)?,
        );
        page.accounts.extend(
            accounts
                .into_iter()
                .map(|row: AccountRow| (row.member_id.clone(), row)),
        );
        page.sessions.extend(
            sessions
                .into_iter()
                .map(|row: SessionRow| (row.session_key.clone(), row)),
        );
        (page.contacts, page.contact_commands) = (
            read_all(&found, LOOK_UPS + 3)?,
            read_all(&found, LOOK_UPS + 4)?,
        );
    }
    Ok(page)
}

/// What the decisions of a batch ask for.
fn asked<'a, T: Eq + Hash>(keys: &[&'a Keys], pick: fn(&'a Keys) -> Option<T>) -> HashSet<T> {
    keys.iter().filter_map(|keys| pick(keys)).collect()
}

async fn save(
    connection: &mut SqliteConnection,
    statements: &mut Statements,
    page: &Page,
) -> Result<(), sqlx::Error> {
    let changed = &page.changed;
    let mut resets: Vec<&ResetRow> = page.changed_resets().collect();
    // A member has one reset at work: who leaves makes room before the next one comes.
    resets.sort_by_key(|row| row.state.is_active());
    let accounts: Vec<&AccountRow> = changed
        .accounts
        .iter()
        .filter_map(|id| page.accounts.get(id))
        .collect();
    let sessions: Vec<&SessionRow> = changed
        .sessions
        .iter()
        .filter_map(|key| page.sessions.get(key))
        .collect();
    // In the order of the statements.
    let rows = [
        json(&changed.replays)?,
        json(&resets)?,
        json(&changed.slots)?,
        json(&changed.steps)?,
        json(&changed.audit)?,
        json(&changed.credentials)?,
        json(&changed.sign_outs)?,
        json(&changed.members)?,
        json(&accounts)?,
        json(&sessions)?,
        json(&changed.removed)?,
        json(&changed.contacts)?,
        json(&changed.contact_commands)?,
        json(&changed.look_ups)?,
    ];
    let touched = rows.each_ref().map(|rows| rows != NO_ROWS);
    let query = rows
        .into_iter()
        .fold(sqlx::query(statements.save(touched)), Query::bind);
    connection.execute(query).await.map(drop)
}

async fn roll_back(connection: &mut SqliteConnection) {
    // Without an open transaction this fails, which is as good.
    if let Err(error) = connection.execute("rollback").await {
        tracing::debug!(
            error = &error as &dyn std::error::Error,
            "nothing to roll back"
        );
    }
}

#[cfg(test)]
pub(super) mod tests {
    use sqlx::ConnectOptions;
    use sqlx::sqlite::SqliteConnectOptions;

    use super::*;
    use crate::domain::State;

    const NOW: Moment = Moment(1_000_000);

    /// An empty record with Mina in it, and these rows.
    pub(in super::super) async fn record(rows: &str) -> SqliteConnection {
        let mut connection = SqliteConnectOptions::new()
            .in_memory(true)
            .connect()
            .await
            .unwrap();
        super::super::migrate(&mut connection).await.unwrap();
        let mina = "insert into member
            (member_id, name, business_email, business_email_key, login_method, status, role)
            values ('mina', 'Mina Park', 'mina@acme.example', 'mina@acme.example', 'business_email', 'active', 'member')";
        connection.execute(mina).await.unwrap();
        connection
            .execute(AssertSqlSafe(rows.to_owned()))
            .await
            .unwrap();
        connection
    }

    fn mina() -> MemberId {
        MemberId("mina".to_owned())
    }

    /// What a decision sees.
    async fn page_of(connection: &mut SqliteConnection, keys: &Keys) -> Page {
        let limit = Limit {
            resets: 5,
            window: crate::domain::Span::hours(24),
        };
        load(
            connection,
            &Statements::new(),
            &mut Standing::default(),
            &[keys],
            limit,
            NOW,
        )
        .await
        .unwrap()
    }

    /// What a failed commit wrote is not taken for a card that stands; what stands then is read from disk.
    #[tokio::test]
    async fn a_failed_commit_leaves_the_older_card_to_be_replaced() {
        let mut connection = record(&super::super::standing::tests::cards_of_jo(&[(
            1, 2_000_000,
        )]))
        .await;
        let limit = Limit {
            resets: 5,
            window: crate::domain::Span::hours(24),
        };
        let mut writer = Writer::new(Clock::fixed(NOW), limit);
        let keys = || Keys {
            member: Some(mina()),
            person: Some(MemberId("jo".to_owned())),
            ..Keys::default()
        };
        let seen = |page: &Page| page.resets().map(|row| row.reset_id).collect::<Vec<_>>();
        let card = |last: u8| ResetId(std::array::from_fn(|at| if at == 15 { last } else { 0 }));
        let older = card(1);
        let (job, first) = job(keys(), move |page, _| {
            let card = page.reset(older).unwrap();
            page.put(ResetRow {
                state: State::Superseded,
                ..card.clone()
            });
            page.put(ResetRow {
                reset_id: ResetId([9; 16]),
                ..card
            });
        });
        connection
            .execute(
                "create trigger full before insert on reset begin select raise(abort, 'full'); end",
            )
            .await
            .unwrap();
        writer.commit(&mut connection, vec![job]).await;
        assert_eq!(first.await.unwrap(), Err(StoreError::Unavailable));
        connection.execute("drop trigger full").await.unwrap();
        let renamed = "update reset set reset_id = '00000000000000000000000000000002'";
        connection.execute(renamed).await.unwrap();
        let (job, second) = super::job(keys(), move |page, _| seen(page));
        writer.commit(&mut connection, vec![job]).await;
        assert_eq!(second.await.unwrap(), Ok(vec![card(2)]));
    }

    /// Sessions pile up for a week; a decision about an account reads those alone that may still stand.
    #[tokio::test]
    async fn an_account_comes_with_the_sessions_that_may_still_stand() {
        let mut connection = record(
            "insert into session (session_key, member_id, stage, began_at, expires_at, ended_at, code_tries) values
                ('stands', 'mina', 'open', 1, 1000001, null, 0), ('expired', 'mina', 'open', 999999, 1000000, null, 0),
                ('ended', 'mina', 'open', 999999, 1000001, 999999, 0), ('another', 'jo', 'open', 1, 1000001, null, 0)",
        )
        .await;
        let page = page_of(
            &mut connection,
            &Keys {
                account: Some(mina()),
                ..Keys::default()
            },
        )
        .await;
        assert_eq!(
            page.sessions()
                .map(|row| row.session_key.as_str())
                .collect::<Vec<_>>(),
            ["stands"]
        );
    }

    /// S13: a clock that was set back neither revives what a sign-out had ended nor spares what began before it.
    #[tokio::test]
    async fn a_sign_out_is_never_earlier_than_what_it_ends() {
        let signed_out_at = async |mut connection: SqliteConnection, page: Page| {
            save(&mut connection, &mut Statements::new(), &page)
                .await
                .unwrap();
            let found = sqlx::query("select signed_out_at from member")
                .fetch_one(&mut connection)
                .await
                .unwrap();
            Moment(sqlx::Row::get(&found, 0))
        };
        let sign_out = || SignOut {
            member_id: mina(),
            signed_out_at: NOW,
        };
        let reset = || Credential {
            member_id: mina(),
            phc: "phc".to_owned(),
            set_at: NOW,
            temporary_until: Some(NOW),
            signed_out_at: Some(NOW),
        };
        let ended_later = "update member set signed_out_at = 1000005";
        let begun_later =
            "insert into session (session_key, member_id, stage, began_at, expires_at, code_tries)
            values ('later', 'mina', 'open', 1000007, 2000000, 0)";
        for (rows, expected) in [
            ("", NOW),
            (ended_later, Moment(1_000_005)),
            (begun_later, Moment(1_000_007)),
        ] {
            for is_seen in [false, true] {
                for is_reset in [false, true] {
                    let mut connection = record(rows).await;
                    let keys = Keys {
                        account: is_seen.then(mina),
                        ..Keys::default()
                    };
                    let mut page = page_of(&mut connection, &keys).await;
                    if is_reset {
                        page.set_credential(reset());
                    } else {
                        page.sign_out(sign_out());
                    }
                    let seen = page
                        .account(&mina())
                        .and_then(|account| account.signed_out_at);
                    assert_eq!(seen, is_seen.then_some(expected), "{rows}");
                    assert_eq!(signed_out_at(connection, page).await, expected, "{rows}");
                }
            }
        }
    }

    /// What a batch writes, it finds by an index too.
    #[tokio::test]
    async fn no_batch_changes_a_row_by_reading_all() {
        let mut connection = record("").await;
        for part in Statements::new().parts {
            let plan = sqlx::query(AssertSqlSafe(format!("explain query plan {part}")));
            let lines = plan.fetch_all(&mut connection).await.unwrap();
            let lines: Vec<String> = lines
                .iter()
                .map(|row| sqlx::Row::get(row, "detail"))
                .collect();
            let is_whole = |line: &&String| {
                ["member", "session", "reset"]
                    .iter()
                    .any(|table| **line == format!("SCAN {table}"))
            };
            assert_eq!(lines.iter().find(is_whole), None, "{part}: {lines:#?}");
        }
    }
}
