//! The rows of the record as Rust values, with the SQL that reads and writes many of them at once.
//!
//! Each table is named once, here; the statements are made from that. Rows travel in both directions as JSON arrays,
//! a whole batch in one value: a value costs a hand-over between threads, a row inside it does not. (PostgreSQL's
//! twins of `jsonb_each`, `json_array` and `json_group_array` are `jsonb_array_elements`, `jsonb_build_array` and
//! `jsonb_agg`.)

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeOwned, Error, SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::history::GIVEN_UP_AFTER;
use crate::domain::contacts::{AddedAs, AddedContact};
use crate::domain::look_up::Tried;
use crate::domain::sign_in::{LockedBy, Stage};
use crate::domain::{
    Carries, Channel, ChatUser, Delivery, Destination, MemberId, Moment, PhoneNumber, Platform,
    ResetId, State, Step, StepOutcome,
};

/// What every table can do.
pub(super) trait Table: Serialize + DeserializeOwned {
    /// The name in SQL.
    const NAME: &str;
    /// The columns, for an `insert`.
    const COLUMNS: &str;
    /// All columns of one row as one value, for a `select` that is read with [`read`].
    const ROW: &str;
    /// All rows as one value, for a `select` that is read with [`read_all`].
    const ROWS: &str;

    /// The same columns taken out of one element of a JSON array.
    fn values() -> String;

    /// All rows of the JSON array in `parameter`, each value under the name of its column.
    fn select_many(parameter: &str) -> String {
        let named = |(value, name)| format!("{value} as {name}");
        let named: Vec<_> = Self::values()
            .split(", ")
            .zip(Self::COLUMNS.split(", "))
            .map(named)
            .collect();
        // Without the `limit`, SQLite would take the row out of the array once for each of its columns; PostgreSQL, which
        // has no negative one, needs none.
        let rows = format!("(select value from jsonb_each({parameter}) limit -1)");
        format!("select {} from {rows} as written", named.join(", "))
    }

    /// `a = excluded.a, …` for every column that is not among the `fixed`.
    fn overwrite(fixed: &[&str]) -> String;

    /// Writes all rows of the JSON array in `parameter`; what follows on a conflict is up to the caller.
    fn insert_many(parameter: &str) -> String {
        // `where true` keeps the parser from taking a following `on conflict` for a join.
        format!(
            "insert into {} ({}) {} where true",
            Self::NAME,
            Self::COLUMNS,
            Self::select_many(parameter)
        )
    }
}

/// One row that was selected as one value, as [`Table::ROW`] is, in the first column.
pub(super) fn read<T: DeserializeOwned>(row: &SqliteRow) -> Result<T, sqlx::Error> {
    parse(row.try_get(0)?)
}

/// The rows that were selected as [`Table::ROWS`] in the column at `place`.
pub(super) fn read_all<T: DeserializeOwned>(
    row: &SqliteRow,
    place: usize,
) -> Result<Vec<T>, sqlx::Error> {
    parse(row.try_get(place)?)
}

/// Many rows or keys as one value to bind. Keys come as a set, so that no row is found twice.
pub(super) fn json(rows: &impl Serialize) -> Result<String, sqlx::Error> {
    serde_json::to_string(rows).map_err(|error| sqlx::Error::Encode(error.into()))
}

/// What [`json`] makes of no rows.
pub(super) const NO_ROWS: &str = "[]";

fn parse<T: DeserializeOwned>(text: &str) -> Result<T, sqlx::Error> {
    serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// How a column is kept: its Rust type in a row, its reading, and whether it is text.
macro_rules! column {
    (type text $t:ty) => { $t };
    (type maybe_text $t:ty) => { Option<$t> };
    (type time $t:ty) => { $t };
    (type maybe_time $t:ty) => { Option<$t> };
    (type flag $t:ty) => { $t };
    (type number $t:ty) => { $t };
    // SQLite keeps a flag as a number.
    (next $row:ident flag $name:literal) => { next::<u8, _>(&mut $row, $name)? != 0 };
    (next $row:ident $kind:ident $name:literal) => { next(&mut $row, $name)? };
    (is_text text) => { true };
    (is_text maybe_text) => { true };
    (is_text $kind:ident) => { false };
}

/// A table: its row type, and its columns with their kinds.
macro_rules! table {
    ($(#[$doc:meta])* $vis:vis $row:ident of $table:literal { $($(#[$cdoc:meta])* $column:ident: $kind:ident $t:ty = $name:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        $vis struct $row { $($(#[$cdoc])* pub $column: column!(type $kind $t)),+ }

        impl Table for $row {
            const NAME: &str = $table;
            const COLUMNS: &str = concat_columns!($($name),+);
            const ROW: &str = concat!("json_array(", concat_columns!($($name),+), ")");
            const ROWS: &str = concat!("json_group_array(json_array(", concat_columns!($($name),+), "))");

            fn values() -> String {
                let value = |(at, is_text)| {
                    if is_text { format!("value ->> {at}") } else { format!("cast(value ->> {at} as bigint)") }
                };
                [$(column!(is_text $kind)),+].into_iter().enumerate().map(value).collect::<Vec<_>>().join(", ")
            }

            fn overwrite(fixed: &[&str]) -> String {
                [$(($name, concat!($name, " = excluded.", $name))),+]
                    .into_iter()
                    .filter(|(name, _)| !fixed.contains(name))
                    .map(|(_, set)| set)
                    .collect::<Vec<_>>()
                    .join(", ")
            }
        }

        /// As an array in the order of the columns: SQLite finds a value by its place faster than by its name.
        impl Serialize for $row {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut row = serializer.serialize_seq(None)?;
                $(row.serialize_element(&self.$column)?;)+
                row.end()
            }
        }

        impl<'de> Deserialize<'de> for $row {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Columns;

                impl<'de> Visitor<'de> for Columns {
                    type Value = $row;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str(concat!("a row of the table ", $table))
                    }

                    fn visit_seq<A: SeqAccess<'de>>(self, mut row: A) -> Result<$row, A::Error> {
                        Ok($row { $($column: column!(next row $kind $name)),+ })
                    }
                }

                deserializer.deserialize_seq(Columns)
            }
        }
    };
}

fn next<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(
    row: &mut A,
    name: &'static str,
) -> Result<T, A::Error> {
    row.next_element()?
        .ok_or_else(|| A::Error::missing_field(name))
}

macro_rules! concat_columns {
    ($first:literal $(, $rest:literal)*) => { concat!($first $(, ", ", $rest)*) };
}

table! {
    /// One offer and the reset that came of it.
    pub ResetRow of "reset" {
        /// The id.
        reset_id: text ResetId = "reset_id",
        /// Where it was asked for.
        platform: text Platform = "platform",
        /// The workspace, guild or tenant.
        tenant: text String = "tenant",
        /// The chat account that asked.
        chat_user: text String = "chat_user",
        /// The administrator in the directory; the limit counts this person.
        admin_id: text MemberId = "admin_id",
        /// Their full name at that time.
        admin_name: text String = "admin_name",
        /// Their business e-mail at that time.
        admin_email: text String = "admin_email",
        /// The member's immutable id.
        member_id: text MemberId = "member_id",
        /// Their full name at that time.
        member_name: text String = "member_name",
        /// Their business e-mail at that time.
        member_email: text String = "member_email",
        /// The member's account in the chat, where they were named by a mention.
        member_chat_user: maybe_text String = "member_chat_user",
        /// What the administrator wrote behind the member's name.
        reason: maybe_text String = "reason",
        /// Where it stands.
        state: text State = "state",
        /// How often a way was chosen or taken back.
        edition: number u16 = "edition",
        /// The way that was chosen.
        delivery: maybe_text Delivery = "delivery",
        /// The full address of the delivery; erased when the reset is finished.
        destination: maybe_text String = "destination",
        /// The masked address.
        destination_mask: maybe_text String = "destination_mask",
        /// The address was typed; it is not the one on record.
        is_typed: flag bool = "is_typed",
        /// What goes to the member.
        carries: text Carries = "carries",
        /// S27: where the copy goes; none while the toggle is off.
        copy_to_self: maybe_text String = "copy_to_self",
        /// S28: where a copy would go, when it was changed for this reset.
        copy_address: maybe_text String = "copy_address",
        /// S38: show it too.
        also_show: flag bool = "also_show",
        /// S10: when the administrator said that they can reach the member.
        reachable_at: maybe_time Moment = "reachable_at",
        /// The sealed address of follow-ups.
        reply: maybe_text String = "reply",
        /// How long that address works.
        reply_until: maybe_time Moment = "reply_until",
        /// The process at work.
        owner: maybe_text String = "owner",
        /// When that process has surely given up.
        deadline_at: maybe_time Moment = "deadline_at",
        /// A short word for what went wrong.
        failure: maybe_text String = "failure",
        /// When the card was made.
        offered_at: time Moment = "offered_at",
        /// When it stops working.
        expires_at: time Moment = "expires_at",
        /// When it was confirmed and the slot was taken.
        claimed_at: maybe_time Moment = "claimed_at",
        /// When the change was about to begin.
        changing_at: maybe_time Moment = "changing_at",
        /// When the directory had said yes.
        changed_at: maybe_time Moment = "changed_at",
        /// When the delivery was about to begin.
        delivering_at: maybe_time Moment = "delivering_at",
        /// When it reached a state that nothing follows.
        finished_at: maybe_time Moment = "finished_at",
        /// When the administrator was told how it ended.
        told_at: maybe_time Moment = "told_at",
        /// When the message that shows the password is to be replaced.
        hide_at: maybe_time Moment = "hide_at",
        /// When the member said that they did not ask for it.
        disowned_at: maybe_time Moment = "disowned_at",
        /// When the link that was delivered was used.
        link_used_at: maybe_time Moment = "link_used_at",
        /// The masked address of the copy, once the reset is finished.
        copy_mask: maybe_text String = "copy_mask",
        /// The member's newest reset that the administrator was told of on this card.
        seen_reset_id: maybe_text ResetId = "seen_reset_id",
        /// The keyed digest of the destination; stays when the address is erased.
        destination_digest: maybe_text String = "destination_digest",
        /// The keyed digest of where the copy goes, or would go.
        copy_digest: maybe_text String = "copy_digest",
        /// Digests of typed addresses that were tried before another way was chosen, with spaces.
        typed_digests: maybe_text String = "typed_digests",
    }
}

table! {
    /// One effect of a reset and how it ended.
    pub StepRow of "step" {
        /// The reset.
        reset_id: text ResetId = "reset_id",
        /// Which effect.
        step: text Step = "step",
        /// How it ended.
        outcome: text StepOutcome = "outcome",
        /// A short word for why.
        detail: maybe_text String = "detail",
        /// When that was known.
        noted_at: time Moment = "noted_at",
    }
}

table! {
    /// One of a person's resets in a window.
    pub(super) SlotRow of "slot" {
        /// The reset that took it.
        reset_id: text ResetId = "reset_id",
        /// The administrator.
        person_id: text MemberId = "person_id",
        /// When it was taken.
        taken_at: time Moment = "taken_at",
        /// When it was given back, surely unused.
        returned_at: maybe_time Moment = "returned_at",
    }
}

table! {
    /// A signed request that was seen.
    pub(super) ReplayRow of "replay_key" {
        /// Its key.
        replay_key: text String = "replay_key",
        /// When it was seen.
        seen_at: time Moment = "seen_at",
    }
}

table! {
    /// What an administrator tried, as far as it is limited.
    pub(super) LookUpRow of "look_up" {
        /// The administrator.
        person_id: text MemberId = "person_id",
        /// When.
        looked_at: time Moment = "looked_at",
        /// The request's replay key.
        replay_key: text String = "replay_key",
        /// What it was, and whether it was refused.
        tried: text Tried = "tried",
    }
}

table! {
    /// One line of the audit. Contacts are masked, secrets never enter.
    pub AuditRow of "audit" {
        /// When it was noted.
        noted_at: time Moment = "noted_at",
        /// What was tried.
        event: text String = "event",
        /// What came of it.
        outcome: text String = "outcome",
        /// The short name told in the message.
        reference: maybe_text String = "reference",
        /// The chat.
        platform: maybe_text Platform = "platform",
        /// The workspace, guild or tenant.
        tenant: maybe_text String = "tenant",
        /// The chat account.
        chat_user: maybe_text String = "chat_user",
        /// The administrator.
        admin_id: maybe_text MemberId = "admin_id",
        /// The member.
        member_id: maybe_text MemberId = "member_id",
        /// The reset.
        reset_id: maybe_text ResetId = "reset_id",
        /// A few more words.
        detail: maybe_text String = "detail",
    }
}

table! {
    /// A session of the member's pages.
    pub SessionRow of "session" {
        /// The digest of its cookie.
        session_key: text String = "session_key",
        /// Whose.
        member_id: text MemberId = "member_id",
        /// How far it has come.
        stage: text Stage = "stage",
        /// When it began; a sign-out at or after that ends it.
        began_at: time Moment = "began_at",
        /// When it ends by itself.
        expires_at: time Moment = "expires_at",
        /// When it was ended.
        ended_at: maybe_time Moment = "ended_at",
        /// What the browser calls itself.
        agent: maybe_text String = "agent",
        /// The code that was sent last, as a keyed digest; none once it was used.
        code_digest: maybe_text String = "code_digest",
        /// The masked contact it went to.
        code_mask: maybe_text String = "code_mask",
        /// When it was sent.
        code_sent_at: maybe_time Moment = "code_sent_at",
        /// How often it may still be typed.
        code_tries: number u32 = "code_tries",
        /// True once a code has opened it.
        is_proven: flag bool = "is_proven",
        /// The added contact that the last code went to, in full; none for a contact of the directory.
        code_to: maybe_text String = "code_to",
    }
}

table! {
    /// A contact that was added for codes (S42, Q7).
    pub ContactRow of "contact" {
        /// Whose.
        member_id: text MemberId = "member_id",
        /// Phone or e-mail.
        channel: text Channel = "channel",
        /// The full address.
        address: text String = "address",
        /// Who added it: an administrator, the member, or [`OPERATOR`].
        added_by: text MemberId = "added_by",
        /// When it was added last.
        added_at: time Moment = "added_at",
        /// In which role.
        added_as: text AddedAs = "added_as",
        /// The full name of whoever added it, at that time.
        added_by_name: text String = "added_by_name",
        /// When a code that was sent to it came back.
        answered_at: maybe_time Moment = "answered_at",
    }
}

/// Stands for a member id where whoever runs relatch added a contact.
pub const OPERATOR: &str = "operator";

impl ContactRow {
    /// The contact as the rules know it; none for an address that cannot be read.
    pub fn added(&self) -> Option<AddedContact> {
        let to = match self.channel {
            Channel::Sms => Destination::Phone(PhoneNumber::stored(&self.address).ok()?),
            Channel::Email => Destination::Email(self.address.parse().ok()?),
        };
        Some(AddedContact {
            to,
            by: self.added_by.clone(),
            by_name: self.added_by_name.clone(),
            added_as: self.added_as,
            added_at: self.added_at,
            answered_at: self.answered_at,
        })
    }
}

table! {
    /// An administrator added a contact, for their limit.
    pub(super) ContactCommandRow of "contact_command" {
        /// Who.
        admin_id: text MemberId = "admin_id",
        /// When.
        noted_at: time Moment = "noted_at",
        /// The short name of the command.
        reference: text String = "reference",
    }
}

table! {
    /// What the writer decides about a member's account; the rest of the row belongs to the import.
    pub AccountRow of "member" {
        /// The immutable id.
        member_id: text MemberId = "member_id",
        /// The credential, as a PHC string.
        credential: maybe_text String = "credential",
        /// When it was set.
        credential_set_at: maybe_time Moment = "credential_set_at",
        /// Until when the password of a reset works; none for one of the member's own.
        temporary_until: maybe_time Moment = "temporary_until",
        /// Since when it is locked.
        locked_at: maybe_time Moment = "locked_at",
        /// What locked it; see [`AccountRow::lock`].
        locked_by: maybe_text LockedBy = "locked_by",
        /// Sessions that began earlier are void.
        signed_out_at: maybe_time Moment = "signed_out_at",
        /// Wrong passwords since the last right one.
        failed_sign_ins: number u32 = "failed_sign_ins",
        /// Wrong codes since the last right one.
        wrong_codes: number u32 = "wrong_codes",
        /// When codes were sent in the last hour, in milliseconds with commas.
        codes_sent: maybe_text String = "codes_sent",
    }
}

table! {
    /// A member of the built-in directory, with their credential.
    pub MemberRow of "member" {
        /// The immutable id.
        member_id: text MemberId = "member_id",
        /// Full name.
        name: text String = "name",
        /// As written in the file that was imported.
        business_email: text String = "business_email",
        /// In lower case, for look-ups.
        business_email_key: text String = "business_email_key",
        /// Written form of the login method.
        login_method: text String = "login_method",
        /// Written form of the status.
        status: text String = "status",
        /// In E.164 form.
        phone: maybe_text String = "phone",
        /// Private address.
        personal_email: maybe_text String = "personal_email",
        /// Written form of the role.
        role: text String = "role",
        /// Department.
        department: maybe_text String = "department",
        /// The manager's business e-mail.
        manager_email: maybe_text String = "manager_email",
    }
}

impl AccountRow {
    /// What locks it now. A lock without a reason counts as the strictest.
    pub fn lock(&self) -> Option<LockedBy> {
        self.locked_at
            .map(|_| self.locked_by.unwrap_or(LockedBy::Member))
    }
}

impl SessionRow {
    /// True while the session stands: not ended, not over, and begun after the member was last signed out.
    pub fn is_live(&self, signed_out_at: Option<Moment>, now: Moment) -> bool {
        let is_younger = signed_out_at.is_none_or(|at| self.began_at > at);
        self.ended_at.is_none() && self.expires_at > now && is_younger
    }
}

impl ResetRow {
    /// True when the card looks the same in both.
    pub fn has_face_of(&self, other: &Self) -> bool {
        let face = |row: &Self| {
            (
                row.state,
                row.edition,
                row.reachable_at,
                row.copy_to_self.clone(),
                row.copy_address.clone(),
                row.also_show,
            )
        };
        face(self) == face(other)
    }

    /// The password was set and reached nobody; another way can be chosen while it is in memory.
    pub fn is_waiting_for_another_way(&self) -> bool {
        self.state == State::Undelivered && self.finished_at.is_none()
    }

    /// True where the process at work on it is taken for dead.
    pub(super) fn is_given_up(&self, now: Moment) -> bool {
        self.deadline_at.is_none_or(|at| at <= now - GIVEN_UP_AFTER)
    }

    /// True for the chat account that asked for it.
    pub fn is_of(&self, user: &ChatUser) -> bool {
        (self.platform, &self.tenant, &self.chat_user) == (user.platform, &user.tenant, &user.user)
    }

    /// What leaves, or is shown, when it is delivered as it was chosen.
    pub fn outputs(&self) -> Vec<Step> {
        let copies = self.copy_to_self.as_ref().map(|_| Step::CopyToSelf);
        let shows = (self.also_show && self.delivery != Some(Delivery::Copy)).then_some(Step::Show);
        [Some(Step::Deliver), copies, shows]
            .into_iter()
            .flatten()
            .collect()
    }
}

impl Serialize for ResetId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ResetId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <Cow<'de, str>>::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}
