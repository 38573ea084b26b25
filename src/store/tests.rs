//! What holds for all subjects: every statement finds its rows by an index, and what is decided about an account sees the
//! sessions that live.

use std::collections::BTreeSet;
use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, Row};
use tokio::sync::oneshot;

use super::engine::{Tx, params};
use super::sessions::Live;
use super::*;
use crate::domain::{
    ChatUser, LoginMethod, Member, MemberId, Moment, Platform, ResetId, Role, SecondFactors, Span,
    State, Status,
};

/// Statements with their names.
macro_rules! statements {
    ($($name:path),+ $(,)?) => { [$((stringify!($name), $name)),+] };
}

/// Every statement that is `pub(super)`. A statement that reads a whole table on purpose stays private to its file; only
/// the sweep, the operator's commands and `log` run those, but for the list of administrators: every command and click
/// reads all of its few pins.
const STATEMENTS: &[(&str, &str)] = &statements![
    accounts::BY_ID,
    accounts::CLOSE_CODES,
    accounts::RENEW_CREDENTIAL,
    accounts::SAVE,
    accounts::SET_CREDENTIAL,
    accounts::SIGN_OUT,
    amend::LAST_GUIDE,
    ask_contact::CONTACTS_SINCE,
    ask_contact::LAST_DISOWNED,
    around::AROUND,
    code_sign_ins::BY_KEY,
    code_sign_ins::SENT,
    code_uses::BY_ID,
    code_uses::DISOWNED,
    code_uses::RESET_SINCE,
    code_uses::TO_TELL,
    contact_checks::BY_ID,
    contacts::COMMANDS,
    contacts::DELETE,
    contacts::DELETE_OF,
    contacts::OF_MEMBER,
    contacts::SET_ANSWERED,
    devices::COUNT_FAILED,
    devices::FORGET,
    devices::FORGET_OTHERS,
    devices::HAS_OLD_COOKIE,
    devices::OF_MEMBER,
    devices::REMEMBER,
    devices::TRIES,
    history::EXPIRED,
    history::LAST_CHANGES,
    history::STALE_REPLIES,
    history::TO_HIDE,
    import::FREE_ADDRESS,
    import::MOVE_LINK,
    import::SET_EMPLOYEE_ID,
    import::SET_PERSONAL_EMAIL_SINCE,
    import::SET_PHONE_SINCE,
    links::ACCOUNTS_OF,
    links::DELETE,
    links::EMAIL_OF,
    log_lines::NEWEST,
    log_lines::OF_ADMIN,
    log_lines::OF_MEMBER,
    looks::DUE,
    members::ADMINISTRATORS,
    members::BY_EMAIL,
    members::BY_KEYS,
    members::EMPLOYEE_ID,
    not_me::BY_ID,
    not_me::DUE,
    not_me::DISOWNED_CODE,
    not_me::FORGET_HEARD,
    not_me::OUTDATE_CARDS,
    not_me::PRIMARY_ADMINS,
    not_me::UNHEARD,
    not_me::UNHEARD_CODES,
    notes::SET_UNTOLD,
    notes::UNTOLD,
    notices::DELETE,
    notices::OF_RESET,
    own_link::OPEN,
    passwords::ACCOUNT_BY_EMAIL,
    passwords::ACCOUNT_BY_ID,
    pins::BY_EMAIL,
    pins::SET_ALARM_TOLD,
    pins::SET_TOLD,
    purge::CARDS,
    replays::FREE,
    replays::SEEN,
    resets::ACTIVE,
    resets::ACTIVE_ADMIN,
    resets::BY_ID,
    resets::NEWEST_CHANGE,
    resets::WAITING,
    seen_contacts::SEEN,
    sessions::LIVE,
    sessions::NOT_OVER,
    sessions::SIGNED_IN,
    slots::RETURN,
    slots::TAKEN,
    steps::NOTE_AGAIN,
    steps::OF_RESET,
    told::FORGET_GUIDE,
    told::FORGET_REPLY,
    told::SET_HIDDEN,
    told::SET_TOLD,
    told::SET_TOLD_AS,
    tries::OF_PERSON,
    wipe::DELETE,
    wipe::END_SESSIONS,
    wipe::LOCK,
    wipe::UNLOCK,
];

async fn empty() -> SqliteConnection {
    let mut connection = SqliteConnectOptions::new()
        .in_memory(true)
        .connect()
        .await
        .unwrap();
    migrations::migrate(&mut connection).await.unwrap();
    connection
}

/// A record with Mina in it, and these rows, in an open transaction.
async fn record(rows: &'static str) -> Tx {
    let mut tx = idle_record(rows).await;
    tx.begin(NOW).await.unwrap();
    tx
}

/// The same without a transaction.
async fn idle_record(rows: &'static str) -> Tx {
    let mut connection = empty().await;
    let mina = "insert into member
        (member_id, name, business_email, business_email_key, login_method, status, role)
        values ('mina', 'Mina Park', 'mina@acme.example', 'mina@acme.example', 'business_email', 'active', 'member')";
    connection.execute(mina).await.unwrap();
    connection.execute(rows).await.unwrap();
    Tx::of_writer(connection)
}

const NOW: Moment = Moment(1_000_000);

fn mina() -> MemberId {
    MemberId("mina".to_owned())
}

/// A look-up without an index took eleven thousand times as long on ten million resets.
#[tokio::test]
async fn no_batch_reads_a_whole_table() {
    let mut connection = empty().await;
    let resets = purge::RESETS.map(|statement| ("purge::RESETS", statement));
    for (name, statement) in STATEMENTS.iter().chain(&resets) {
        let plan = AssertSqlSafe(format!("explain query plan {statement}"));
        let rows = connection.fetch_all(plan).await.unwrap();
        let lines: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
        let is_whole = |line: &&String| {
            line.starts_with("SCAN")
                && !line.starts_with("SCAN voided")
                && *line != "SCAN CONSTANT ROW"
                || line.contains("AUTOMATIC")
                // To order the rows of one member by their names costs nothing.
                || line.contains("TEMP B-TREE") && !line.contains("FOR LAST TERM")
        };
        assert_eq!(lines.iter().find(is_whole), None, "{name}: {lines:#?}");
    }
}

/// The list above has every statement that a request may run.
#[test]
fn no_statement_is_missing_in_the_list() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
    let mut written = BTreeSet::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let (Some(subject), true) = (path.file_stem(), path.is_file()) else {
            continue;
        };
        let text = std::fs::read_to_string(&path).unwrap();
        for line in text.lines() {
            let name = line
                .strip_prefix("pub(super) const ")
                .and_then(|rest| rest.split_once(": &str ="));
            if let Some((name, "" | " \"" | " sql!(")) = name {
                written.insert(format!("{}::{name}", subject.display()));
            }
        }
    }
    let listed: BTreeSet<String> = STATEMENTS
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    assert_eq!(written, listed);
}

/// Sessions pile up for a week; a decision about an account reads those alone that may still live.
#[tokio::test]
async fn an_account_comes_with_the_sessions_that_may_still_stand() {
    let mut tx = record(
        "insert into session (session_key, member_id, stage, began_at, expires_at, ended_at, code_tries) values
            ('stands', 'mina', 'open', 1, 1000001, null, 0), ('expired', 'mina', 'open', 999999, 1000000, null, 0),
            ('ended', 'mina', 'open', 999999, 1000001, 999999, 0), ('another', 'jo', 'open', 1, 1000001, null, 0)",
    )
    .await;
    let live = Live::of(&mut tx, &mina()).await.unwrap();
    let keys: Vec<&str> = live
        .sessions
        .iter()
        .map(|row| row.session_key.as_str())
        .collect();
    assert_eq!(keys, ["stands"]);
}

/// S13: a clock that was set back neither revives what a sign-out had ended nor spares what began before it.
#[tokio::test]
async fn a_sign_out_is_never_earlier_than_what_it_ends() {
    let ended_later = "update member set signed_out_at = 1000005";
    let begun_later =
        "insert into session (session_key, member_id, stage, began_at, expires_at, code_tries)
        values ('later', 'mina', 'open', 1000007, 2000000, 0)";
    for (rows, expected) in [
        ("", NOW),
        (ended_later, Moment(1_000_005)),
        (begun_later, Moment(1_000_007)),
    ] {
        for is_reset in [false, true] {
            let mut tx = record(rows).await;
            if is_reset {
                let reset = (mina(), "phc".to_owned(), Some(NOW));
                accounts::replace_credential(&mut tx, &reset).await.unwrap();
            } else {
                accounts::sign_out(&mut tx, &mina()).await.unwrap();
            }
            let account = accounts::find(&mut tx, &mina()).await.unwrap().unwrap();
            assert_eq!(account.signed_out_at, Some(expected), "{rows}");
        }
    }
}

/// A newer card replaces the one that is open, and no other.
#[tokio::test]
async fn the_open_card_of_a_pair_is_found() {
    let mut tx = record(
        "insert into reset (reset_id, platform, tenant, chat_user, admin_id, admin_name, admin_email, member_id, member_name,
            member_email, state, edition, is_typed, also_show, offered_at, expires_at) values
            ('00000000000000000000000000000001', 'slack', 'T', 'UJO', 'jo', 'Jo', 'jo@x.example', 'mina', 'Mina', 'm@x.example',
                'expired', 0, 0, 0, 1, 2),
            ('00000000000000000000000000000002', 'slack', 'T', 'UJO', 'jo', 'Jo', 'jo@x.example', 'mina', 'Mina', 'm@x.example',
                'offered', 0, 0, 0, 1, 2),
            ('00000000000000000000000000000003', 'slack', 'T', 'UKIM', 'kim', 'Kim', 'k@x.example', 'mina', 'Mina', 'm@x.example',
                'offered', 0, 0, 0, 1, 2)",
    )
    .await;
    let around = around::RelatedResets::of(&mut tx, &new_card())
        .await
        .unwrap();
    let open: Vec<&ResetRow> = around.open().collect();
    let ids: Vec<String> = open.iter().map(|row| row.reset_id.to_string()).collect();
    assert_eq!(ids, ["00000000000000000000000000000002"]);
}

/// A new card of Jo's for Mina.
fn new_card() -> ResetRow {
    let requester = ChatUser {
        platform: Platform::Slack,
        tenant: "T".to_owned(),
        user: "UJO".to_owned(),
    };
    let [admin, member] = ["jo", "mina"].map(|name| resets::Named::new(&member(name)));
    let times = (NOW, NOW + Span::hours(1));
    ResetRow::offered(ResetId([7; 16]), requester, (admin, member), times)
}

/// Each kind of reset that a card depends on is told apart, and nobody else's is read.
#[tokio::test]
async fn the_resets_around_a_card_are_told_apart() {
    let mut tx = record("").await;
    let of = |id: u8, state: State| ResetRow {
        reset_id: ResetId([id; 16]),
        state,
        told_at: Some(NOW),
        ..new_card()
    };
    let changed = |id, at| ResetRow {
        claimed_at: Some(Moment(at)),
        changing_at: Some(Moment(at)),
        changed_at: Some(Moment(at)),
        finished_at: Some(Moment(at)),
        ..of(id, State::Delivered)
    };
    let active = ResetRow {
        admin_name: "Kim".to_owned(),
        admin_id: MemberId("kim".to_owned()),
        claimed_at: Some(Moment(9)),
        ..of(1, State::Claimed)
    };
    let untold_of_another_member = ResetRow {
        member_id: MemberId("noa".to_owned()),
        told_at: None,
        ..changed(4, 8)
    };
    let waiting = ResetRow {
        claimed_at: Some(Moment(4)),
        changing_at: Some(Moment(4)),
        told_at: None,
        ..of(10, State::Undelivered)
    };
    let refused = ResetRow {
        state: State::Refused,
        ..changed(5, 7)
    };
    let of_another_member = ResetRow {
        member_id: MemberId("noa".to_owned()),
        ..changed(6, 9)
    };
    for row in [
        active,
        changed(2, 5),
        changed(3, 6),
        untold_of_another_member,
        refused,
        of_another_member,
        of(8, State::Offered),
        of(9, State::Expired),
        waiting,
        new_card(),
    ] {
        tx.insert(&row).await.unwrap();
    }
    let around = around::RelatedResets::of(&mut tx, &new_card())
        .await
        .unwrap();
    let first_byte = |row: &ResetRow| row.reset_id.0[0];
    assert_eq!(around.active_admin().as_deref(), Some("Kim"));
    assert_eq!(around.newest_change().map(first_byte), Some(3));
    assert_eq!(around.open().map(first_byte).collect::<Vec<_>>(), [8]);
    let mut untold: Vec<u8> = around.untold().iter().map(first_byte).collect();
    untold.sort_unstable();
    assert_eq!(untold, [4, 10]);
}

fn member(name: &str) -> Member {
    Member {
        id: MemberId(name.to_owned()),
        name: name.to_owned(),
        business_email: format!("{name}@acme.example").parse().unwrap(),
        aliases: Vec::new(),
        login_method: LoginMethod::BusinessEmail,
        status: Status::Active,
        phone: None,
        personal_email: None,
        role: Role::Member,
        department: None,
        manager_email: None,
        guard: None,
        phone_remarks: Vec::new(),
        never_expires: false,
        has_other_password: false,
        second_factors: SecondFactors::default(),
    }
}

type CardWrite = (
    Box<dyn engine::Write>,
    oneshot::Receiver<Result<OfferOutcome, StoreError>>,
);

/// Jo asks for a card for Mina; `number` is its id.
fn card(number: u8) -> CardWrite {
    let reset_id = ResetId(std::array::from_fn(|at| if at == 15 { number } else { 0 }));
    let offer = NewOffer {
        reset_id,
        requester: ChatUser {
            platform: Platform::Slack,
            tenant: "T".to_owned(),
            user: "UJO".to_owned(),
        },
        admin: member("jo"),
        member: member("mina"),
        member_chat_user: None,
        reason: None,
        reply: None,
        lifetime: Span::hours(1),
        contacts_since: None,
        contacts: PresentContacts {
            digests: Vec::new(),
            key_fingerprint: String::new(),
            told_for: Span::hours(72),
        },
    };
    let limit = Limit {
        resets: 5,
        window: Span::hours(24),
    };
    let replay = ReplayKey::new(format!("card {number}"));
    let input = (offer, replay, reset_id.reference(), limit);
    engine::write(input, cards::offer_card)
}

async fn states(tx: &mut Tx) -> Vec<State> {
    let rows: Vec<(State,)> = tx
        .all("select state from reset order by reset_id", params![])
        .await
        .unwrap();
    rows.into_iter().map(|(state,)| state).collect()
}

/// What a write did that could not be committed is undone, and the older card can be replaced by the next one.
#[tokio::test]
async fn a_failed_commit_leaves_the_older_card_to_be_replaced() {
    let (mut tx, clock) = (idle_record("").await, Clock::fixed(NOW));
    let full = "create trigger full before insert on reset begin select raise(abort, 'full'); end";
    let (write, first) = card(1);
    engine::commit(&mut tx, &clock, vec![write]).await;
    assert!(matches!(
        first.await.unwrap(),
        Ok(OfferOutcome::Made { .. })
    ));
    tx.run(full, params![]).await.unwrap();
    let (write, second) = card(2);
    engine::commit(&mut tx, &clock, vec![write]).await;
    assert_eq!(second.await.unwrap().unwrap_err(), StoreError::NotBegun);
    assert_eq!(states(&mut tx).await, [State::Offered]);
    tx.run("drop trigger full", params![]).await.unwrap();
    let (write, third) = card(3);
    engine::commit(&mut tx, &clock, vec![write]).await;
    assert!(matches!(
        third.await.unwrap(),
        Ok(OfferOutcome::Made { .. })
    ));
    assert_eq!(states(&mut tx).await, [State::Superseded, State::Offered]);
}

/// Each write of a batch sees those before it.
#[tokio::test]
async fn a_card_is_replaced_twice_in_one_batch() {
    let (mut tx, clock) = (idle_record("").await, Clock::fixed(NOW));
    let (writes, answers): (Vec<_>, Vec<_>) = [1, 2, 3].map(card).into_iter().unzip();
    engine::commit(&mut tx, &clock, writes).await;
    for answer in answers {
        assert!(matches!(
            answer.await.unwrap(),
            Ok(OfferOutcome::Made { .. })
        ));
    }
    let (old, new) = (State::Superseded, State::Offered);
    assert_eq!(states(&mut tx).await, [old, old, new]);
}

/// What may have been written is not written again; what surely was not, is.
#[test]
fn only_what_was_surely_not_written_is_written_again() {
    assert!(StoreError::NotBegun.is_nothing_written());
    assert!(StoreError::Overloaded.is_nothing_written());
    assert!(!StoreError::Unavailable.is_nothing_written());
}
