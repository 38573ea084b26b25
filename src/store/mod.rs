//! The record: everything that relatch knows of resets, members, sessions and administrators, in SQLite.
//!
//! # Where to begin
//!
//! 1. [`engine`]: how a statement, a row and a write are written down. Read `engine/writer.rs` first, then `row.rs`.
//! 2. [`replays`], [`slots`] and [`audit`]: the smallest subjects, each with its rows, its statements and its functions.
//! 3. [`resets`] (the row), then the life of one reset in order: [`cards`], [`around`], [`earlier`], [`clicks`],
//!    [`amend`], [`ask_contact`], [`reserve`], [`moves`], [`steps`], [`told`], [`notices`], [`mailed_links`], [`looks`]; [`own_link`]
//!    instead of one; [`history`] reads them back, and [`purge`] deletes them.
//! 4. Commands that make no card, and administrators: [`notes`], [`tries`], [`links`], [`pins`]; [`not_me`], which they
//!    hear of, with its [`alarms`] by e-mail, and [`log_lines`], which they ask for.
//! 5. The built-in directory and its pages: [`members`], [`accounts`], [`sessions`], [`passwords`], [`codes`], [`forgotten`],
//!    [`code_sign_ins`], [`code_uses`], [`contacts`], [`contact_checks`], [`devices`], [`import`], [`imported`], [`planned`],
//!    [`wipe`]; [`seen_contacts`] also knows members of other directories.
//! 6. [`open`], [`open_error`], [`migrations`], [`mod@file`], [`own_log`], [`watch`] and [`key`]: how the file is opened, locked
//!    and looked after, and which key file belongs to it.
//!
//! # To add a column
//!
//! Write a migration, and name the column in the `table!` of its subject: under `fixed` if
//! it never changes after the row was made, else under `changing`. The compiler then points at the function that makes
//! such a row. It stands in the same file, with one exception: a member is made of a file, so `cli/import.rs` and
//! `demo/people.rs` read the new column too. `device` and `key_fingerprint` have no `table!`: change their statements.
//! What is to be seen needs more: `relatch resets` shows the fields that `cli/resets.rs` names, because its output is a
//! contract and the table is not.
//!
//! # To add a table
//!
//! The same with a new `table!`. Then decide who deletes its rows: [`purge`] by age, and [`wipe`] when the member leaves.
//!
//! # To add a write
//!
//! Write an `async fn` over `&mut Tx` and its input, and call it by [`Store::write`]. It may run twice, so it changes
//! nothing outside of `tx` and draws nothing random. A refusal commits what was written before it, so check first and
//! write after; an error of the record rolls everything back.
//!
//! Statements are constants in lower case that SQLite and PostgreSQL both understand, with `$1` for parameters. One that
//! requests run is `pub(super)` and listed in `tests.rs`, which asserts that it finds its rows by an index. One that may
//! read a whole table is private.

mod accounts;
mod alarms;
mod amend;
mod around;
mod ask_contact;
mod audit;
mod cards;
mod clicks;
mod code_sign_ins;
mod code_uses;
mod codes;
mod contact_checks;
mod contacts;
mod devices;
mod earlier;
mod engine;
mod file;
mod forgotten;
mod history;
mod import;
mod imported;
mod key;
mod links;
mod log_lines;
mod looks;
mod mailed_links;
mod members;
mod migrations;
mod moves;
mod not_me;
mod notes;
mod notices;
mod open;
mod open_error;
mod own_link;
mod own_log;
mod passwords;
mod pins;
mod planned;
mod propose;
mod purge;
mod replays;
mod reserve;
mod resets;
mod seen_contacts;
mod sessions;
mod slots;
mod steps;
#[cfg(test)]
mod tests;
mod told;
mod tries;
mod watch;
mod wipe;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

pub(crate) use self::accounts::{AccountRow, PasswordError, ResetUnderWay};
pub(crate) use self::alarms::{DueAlarm, NotMe};
pub use self::amend::Choice;
pub(crate) use self::amend::{Amend, Amended, Ticked};
pub(crate) use self::audit::AuditRow;
pub(crate) use self::cards::{NewOffer, OfferOutcome};
pub use self::clicks::{CardClick, ClickRefused, Wiped};
pub(crate) use self::clicks::{ClickError, SealedReply};
pub(crate) use self::code_sign_ins::{
    CodeSignInRow, CodeToNote, SignInCode, SignInCodeError, TypedSignInCode,
};
pub(crate) use self::code_uses::{
    CodeDisowned, CodeLink, CodeUseRow, DisownedCode, REMOVED_BY_NOT_ME,
};
pub(crate) use self::codes::Proof;
pub use self::codes::{CodeError, MadeCode};
pub(crate) use self::contact_checks::{
    ContactAnswer, ContactCheck, ContactCodeNotSent, ContactCodeSent,
};
pub(crate) use self::contacts::{ContactAdded, ContactRow, OPERATOR};
pub use self::earlier::Earlier;
use self::engine::{Connection, Readers, WriteError, WriteFn};
pub(crate) use self::forgotten::ForgottenPassword;
pub use self::history::{HistoryFilter, Past};
pub(crate) use self::import::ImportRow;
pub(crate) use self::imported::{ChangedContacts, NewPerson, NotImported};
pub(crate) use self::links::{Linked, ListedLink, MovedLink, Moving, NewLink, NotLinked};
pub use self::log_lines::LogLineRow;
pub(crate) use self::log_lines::{LogLineFilter, WhoseLines};
pub(crate) use self::looks::Look;
pub(crate) use self::mailed_links::{Disowned, LinkUse};
pub use self::members::{MemberKey, MemberRow};
pub use self::moves::MoveRefused;
pub(crate) use self::moves::{BeginRefused, Shown, Successor};
pub(crate) use self::not_me::UnheardCode;
pub(crate) use self::notes::Noted;
pub use self::notes::Why;
pub(crate) use self::notices::NoticeRow;
pub use self::open::{StoreTasks, Use};
pub use self::open_error::OpenError;
pub(crate) use self::own_link::LinkOrder;
pub use self::own_link::OwnLink;
pub use self::passwords::Begun;
pub(crate) use self::pins::Pins;
pub use self::pins::{AdminPin, PinnedBy};
pub(crate) use self::planned::{FieldChange, Planned, plan_first_import};
pub(crate) use self::propose::Proposal;
pub use self::replays::ReplayKey;
pub use self::reserve::Reservation;
pub use self::resets::ResetRow;
pub(crate) use self::seen_contacts::{PresentContacts, PresentDigest};
pub use self::sessions::SessionRow;
pub(crate) use self::sessions::{SessionEnd, SignedIn};
pub(crate) use self::steps::{ClaimedSteps, after_change};
pub use self::steps::{StepNote, StepRow};
pub(crate) use self::tries::LookUpRefused;
pub(crate) use self::watch::{Lost, Watch};
pub(crate) use self::wipe::NotDone;
use crate::clock::Clock;
use crate::domain::quota::Limit;

/// The retry budget for a move of a reset that surely was not written.
const RETRY_BUDGET: Duration = Duration::from_secs(20);

/// The pause between two such tries.
const RETRY_PAUSE: Duration = Duration::from_millis(250);

/// The record could not be read or written, so nothing may be done outside either (P6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It does not answer, is full, or the disk failed.
    #[error("the record cannot be read or written")]
    Unavailable,
    /// No transaction could be begun, or all of it was rolled back: surely nothing was written.
    #[error("the record cannot be written")]
    NotBegun,
    /// Too many writes wait already, or no connection could be had for a read in time.
    #[error("the record has too much to do")]
    Overloaded,
}

impl StoreError {
    /// True where surely nothing was written.
    fn is_nothing_written(self) -> bool {
        match self {
            Self::NotBegun | Self::Overloaded => true,
            Self::Unavailable => false,
        }
    }
}

/// The open record. A clone is cheap; the database is closed when the last one is dropped.
#[derive(Clone)]
pub struct Store {
    writes: mpsc::Sender<Box<dyn engine::Write>>,
    readers: Readers,
    /// One connection for slow reads, so that no other request waits for them.
    slow_readers: Readers,
    owner: Arc<str>,
    clock: Clock,
    limit: Limit,
}

impl Store {
    /// The limit that the store keeps.
    pub fn limit(&self) -> Limit {
        self.limit
    }

    /// The name under which this process owns resets; another one after each start.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// A connection for a read that a request waits for. It sees the last commit.
    async fn reader(&self) -> Result<Connection, StoreError> {
        Connection::reader(&self.readers, self.clock.now()).await
    }

    /// The connection for slow reads.
    async fn slow_reader(&self) -> Result<Connection, StoreError> {
        Connection::reader(&self.slow_readers, self.clock.now()).await
    }

    /// Queues a write and answers after its commit; see [`engine`]. A full queue is told at once.
    async fn write<Input, Run, Done, Refused>(
        &self,
        input: Input,
        run: Run,
    ) -> Result<Done, Refused>
    where
        Input: Send + Sync + 'static,
        Run: for<'a> WriteFn<'a, Input, Result<Done, Refused>>,
        Done: Send + 'static,
        Refused: WriteError,
    {
        let (write, answered) = engine::write(input, run);
        self.writes.try_send(write).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => StoreError::Unavailable,
        })?;
        answered
            .await
            .unwrap_or_else(|_| Err(StoreError::Unavailable.into()))
    }

    /// The same with retries within `budget`, as long as nothing was written: the directory may be ahead of the record,
    /// which has to follow.
    async fn write_again<Input, Run, Done, Refused>(
        &self,
        budget: Duration,
        input: Input,
        run: Run,
    ) -> Result<Done, Refused>
    where
        Input: Clone + Send + Sync + 'static,
        Run: for<'a> WriteFn<'a, Input, Result<Done, Refused>> + Clone,
        Done: Send + 'static,
        Refused: WriteError,
    {
        let give_up = tokio::time::Instant::now() + budget;
        loop {
            match self.write(input.clone(), run.clone()).await {
                Err(refused)
                    if refused
                        .failure()
                        .is_some_and(StoreError::is_nothing_written)
                        && tokio::time::Instant::now() < give_up =>
                {
                    tokio::time::sleep(RETRY_PAUSE).await;
                }
                ended => return ended,
            }
        }
    }
}
