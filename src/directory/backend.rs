//! The contract of every directory, and what is asked and answered.

use std::ops::RangeInclusive;

use super::{WhyRefused, self_write};
use crate::domain::makeup::PasswordNeeds;
use crate::domain::{EmailAddress, Member, MemberId, Moment, Password, Span};
use crate::settings::Finding;
use crate::store::Reservation;

/// What a member is looked up by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum By {
    /// May be another person's later.
    Email(EmailAddress),
    /// Stays the same for one person.
    Id(MemberId),
}

/// Who is looked up, and how much of an answer is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub by: By,
    /// True for whoever runs a command: who they are, whether their account is in use and their role is enough.
    pub is_caller: bool,
    /// True for a click that changes nothing in the directory: what was read within the last half minute is enough.
    pub may_be_kept: bool,
}

impl Wanted {
    /// Everything, read now.
    pub(crate) fn whole(by: By) -> Self {
        Self {
            by,
            is_caller: false,
            may_be_kept: false,
        }
    }
}

/// What a look-up found. More than one match is never narrowed down by guessing (S15).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// No entry answers to the question.
    Nobody,
    /// Exactly one member.
    One(Box<Member>),
    /// Several, with the directory's names of some of them: for the operator, never for the chat.
    Several(Vec<String>),
    /// One, but relatch cannot read who it is or what protects it. [`super::Directories`] treats this like a directory that
    /// cannot be used as it is set up; the directory itself counts as answering, so look-ups of other members go on.
    Unreadable,
}

/// Why the directory did not answer a question; nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// It may answer in a few minutes.
    #[error("the directory does not answer")]
    ForNow,
    /// It will answer when somebody has changed its settings or relatch's: a wrong password, a group that is not there.
    #[error("the directory can't be used as it is set up")]
    Misconfigured,
}

/// Why a password was not set, or may not have been.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResetFailed {
    /// A definite no: the directory's own rules refuse this password or this member.
    #[error("the directory refused: {0:?}")]
    Refused(WhyRefused),
    /// The change was certainly not sent.
    #[error("the directory could not be reached")]
    NotSent,
    /// The change was certainly not sent, and will not be until somebody changes the settings ([`Unavailable::Misconfigured`]).
    #[error("the directory takes no change as it is set up")]
    Misconfigured,
    /// A timeout, a broken connection or a server error: the change may have been made.
    #[error("the directory stopped answering in the middle")]
    Unknown,
}

impl From<Unavailable> for ResetFailed {
    /// A question before the change was not answered.
    fn from(why: Unavailable) -> Self {
        match why {
            Unavailable::ForNow => Self::NotSent,
            Unavailable::Misconfigured => Self::Misconfigured,
        }
    }
}

impl ResetFailed {
    /// The refusal of a member who is no longer there.
    pub(super) fn gone() -> Self {
        Self::Refused(WhyRefused::Gone)
    }
}

/// What a directory can enforce. What is missing is told on the card (Q5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one thing that a directory can do or cannot"
)]
pub struct Capabilities {
    /// Ends the member's open sessions.
    pub can_sign_out: bool,
    /// Makes the member set a new password at the next sign-in.
    pub must_change: bool,
    /// It could do that, and is set up to ask nobody.
    pub asks_nobody: bool,
    /// That takes an operation of its own after the password is set ([`Backend::force_change`]).
    pub forces_change_apart: bool,
    /// A lock of failed sign-ins is lifted by an operation of its own ([`Backend::unlock`]).
    pub unlocks_apart: bool,
    /// The member signs in at our own pages, which ask for a code on their own phone or e-mail (S40) and end a
    /// generated password after its lifetime (Q10).
    pub has_our_pages: bool,
    /// It signs members in on pages of its own: one that was opened before a reset, or a link to one, can still set a
    /// password after it.
    pub signs_members_in: bool,
    /// How long a link of its own works by which the member sets a password; none where it sends none.
    pub own_link: Option<Span>,
}

/// What became of [`Backend::force_change`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForcedChange {
    /// The directory took it. Whether it asks for a new password is read back by [`Backend::enforced`].
    Sent,
    /// The password was set again since, so it is the member's own; nothing was sent.
    SetAgain,
    /// The directory has a time for it from before the reset, so its clock or ours is wrong; nothing was sent.
    OtherTime,
    /// No password policy applies to the member; nothing was sent.
    NoPolicy,
}

/// What was read back after a reset: is a new password asked for at the next sign-in?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enforced {
    MustChange,
    /// It is not, because the account's password never expires.
    NeverExpires,
    /// It is not, because the directory is set up to ask nobody.
    NotAsked,
    NotInForce,
}

impl Enforced {
    /// Where no account is exempt.
    pub(super) fn if_asked(is_asked: bool) -> Self {
        if is_asked {
            Self::MustChange
        } else {
            Self::NotInForce
        }
    }
}

/// The prefix of a directory's member ids: the same id in two directories must not mean the same person.
pub(super) fn id_prefix(name: &str) -> String {
    format!("{name}/")
}

/// What every directory does for a reset.
pub trait Backend {
    /// The name that administrators know it by.
    fn name(&self) -> &str;

    /// What it can enforce.
    fn capabilities(&self) -> Capabilities;

    /// What it asks of every password, as of the last look-up; nothing where it does not tell.
    fn password_needs(&self) -> PasswordNeeds {
        PasswordNeeds::default()
    }

    /// Finds members, in the order asked. Reads past the adapter's own caches, and compares each answer with the question:
    /// a server that ignores half of a question must not answer with somebody else.
    fn find(&self, by: &[By]) -> impl Future<Output = Result<Vec<Match>, Unavailable>> + Send;

    /// Like [`Backend::find`], but may answer with less, or with data up to half a minute old, as [`Wanted`] allows. That saves
    /// a directory that needs several requests for each person most of them.
    fn find_wanted(
        &self,
        wanted: &[Wanted],
    ) -> impl Future<Output = Result<Vec<Match>, Unavailable>> + Send
    where
        Self: Sync,
    {
        async move {
            let by: Vec<By> = wanted.iter().map(|wanted| wanted.by.clone()).collect();
            self.find(&by).await
        }
    }

    /// Sets the password of the member of the reservation in one operation, with the lock of failed sign-ins lifted (Q13),
    /// unless [`Capabilities::unlocks_apart`], and, unless [`Capabilities::forces_change_apart`], the change at the next
    /// sign-in forced. Never touches the status (S17). `until` is when the password expires. Never retried, whatever the
    /// answer.
    fn reset(
        &self,
        reservation: &Reservation,
        password: &Password,
        until: Moment,
    ) -> impl Future<Output = Result<(), ResetFailed>> + Send;

    /// Makes the member replace the password that was just set, where that takes an operation of its own. `set_within` is
    /// when relatch set it; without it, it is the password that is set now. A password that was set at another time is the
    /// member's own and is left alone. Idempotent.
    fn force_change(
        &self,
        _member: &MemberId,
        _set_within: Option<RangeInclusive<Moment>>,
    ) -> impl Future<Output = Result<ForcedChange, ResetFailed>> + Send {
        std::future::ready(Err(ResetFailed::NotSent))
    }

    /// Reads back what is in force after a reset with this password. Signs nobody in.
    fn enforced(
        &self,
        member: &MemberId,
        password: &Password,
    ) -> impl Future<Output = Result<Enforced, Unavailable>> + Send;

    /// When the member's password was last set, as far as the directory tells; asked after an unknown outcome.
    fn last_change(
        &self,
        member: &MemberId,
    ) -> impl Future<Output = Result<Option<Moment>, Unavailable>> + Send;

    /// Ends every open session of the member, and returns the names of applications whose tokens outlive that. Idempotent.
    fn sign_out(
        &self,
        member: &MemberId,
    ) -> impl Future<Output = Result<Vec<String>, Unavailable>> + Send;

    /// Lifts the lock of failed sign-ins, where [`Capabilities::unlocks_apart`]. Idempotent.
    fn unlock(&self, _member: &MemberId) -> impl Future<Output = Result<(), Unavailable>> + Send {
        std::future::ready(Err(Unavailable::ForNow))
    }

    /// Has the directory send its own link to the e-mail that it has, and returns how long it works. Changes nothing by itself.
    /// Sends nothing where the directory cannot ([`Capabilities::own_link`]).
    fn send_link(
        &self,
        _member: &MemberId,
    ) -> impl Future<Output = Result<Span, ResetFailed>> + Send {
        std::future::ready(Err(ResetFailed::NotSent))
    }

    /// Closes connections that have not been used for a while; called now and then.
    fn close_idle(&self) {}

    /// Tries everything that a reset needs without changing anything, for `relatch check`: what is
    /// wrong, with its key.
    fn probe(&self) -> impl Future<Output = Result<(), Finding>> + Send;

    /// What an operator should know though nothing is wrong, for `relatch check`, asked after a successful probe: which
    /// attributes that relatch trusts can be written by members themselves, or that this is unknown.
    fn warnings(&self) -> impl Future<Output = Vec<String>> + Send {
        std::future::ready(vec![self_write::unknown(self_write::NOT_TOLD)])
    }
}
