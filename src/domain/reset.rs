//! The states of a reset, the moves between them, and the outcomes of its steps.

use std::fmt;
use std::str::FromStr;

use rand::{CryptoRng, RngExt};

use super::Moment;
use super::written::UnknownWord;
use super::written_enum;

/// The 128-bit id of an offer and of the reset that follows: 48 bits of time in milliseconds, then 80 random bits. Ids that
/// are made one after the other are neighbours on disk, so a commit writes few pages. An id is not a secret: values of
/// buttons and links have a MAC or are sealed.
///
/// The layout is that of a ULID, but it is written in hexadecimal everywhere, so the crate `ulid`, with its base 32, would
/// save nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResetId(pub [u8; 16]);

impl ResetId {
    /// Makes a new id at `now`.
    pub fn draw(rng: &mut impl CryptoRng, now: Moment) -> Self {
        let [_, _, time @ ..] = now.0.to_be_bytes();
        let mut bytes: [u8; 16] = rng.random();
        bytes
            .iter_mut()
            .zip(time)
            .for_each(|(byte, time)| *byte = time);
        Self(bytes)
    }

    /// The short reference that people can read out to each other: `7F3K`.
    pub fn reference(self) -> Reference {
        let [.., a, b, c] = self.0;
        Reference::from_bits(u32::from_be_bytes([0, a, b, c]))
    }
}

impl fmt::Display for ResetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for ResetId {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let mut bytes = [0; 16];
        // The cause of `hex` names one digit; what is accepted says more.
        hex::decode_to_slice(text, &mut bytes)
            .map_err(|_| UnknownWord("32 hexadecimal digits".to_owned()))?;
        Ok(Self(bytes))
    }
}

/// The id of a check of a contact. The value of its button is made like that of a card's button, so it holds a [`ResetId`],
/// which no reset has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckId(pub ResetId);

impl CheckId {
    /// The short reference that people can read out to each other.
    pub fn reference(self) -> Reference {
        self.0.reference()
    }
}

impl fmt::Display for CheckId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for CheckId {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        text.parse().map(Self)
    }
}

/// Makes an id for what is neither: a message to people, a question, a member who was imported.
pub(crate) fn draw_id(rng: &mut impl CryptoRng, now: Moment) -> String {
    ResetId::draw(rng, now).to_string()
}

/// Four letters or digits that lead from a message to the audit. Neither unique nor secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference(String);

impl Reference {
    /// Makes a reference for something without a reset, such as a refusal.
    pub fn draw(rng: &mut impl CryptoRng) -> Self {
        Self::from_bits(rng.random())
    }

    /// Writes the lowest 20 bits, five a character.
    fn from_bits(bits: u32) -> Self {
        const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let digit = |shift: u32| {
            DIGITS
                .get((bits >> shift & 31) as usize)
                .copied()
                .map_or('0', char::from)
        };
        Self([15, 10, 5, 0].into_iter().map(digit).collect())
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

written_enum! {
    /// What a line of the audit is to people, where they are shown it beside the resets.
    pub LogLine {
        /// An administrator tried something, and it was refused.
        Refused = "refused",
        /// A contact was added, by whom the line says, or "this wasn't me" took it off.
        Contact = "contact",
        /// The member said of a code that took the place of their password: this wasn't me.
        NotMe = "not_me",
    }
}

written_enum! {
    /// The state of a reset. Before each effect outside, the intent is stored.
    pub State {
        /// The card is shown; nothing was confirmed.
        Offered = "offered",
        /// Confirmed: a slot is used, and nothing has happened outside.
        Claimed = "claimed",
        /// The directory is being changed, or will be next.
        Changing = "changing",
        /// The directory has confirmed the change.
        Changed = "changed",
        /// The password is being delivered, or will be next.
        Delivering = "delivering",
        /// At least one output was accepted.
        Delivered = "delivered",
        /// No output was accepted. Another way can be chosen while the password is in memory.
        Undelivered = "undelivered",
        /// It is unknown if the password was delivered.
        DeliveryUnknown = "delivery_unknown",
        /// The administrator cancelled, or sent the guide.
        Cancelled = "cancelled",
        /// The card expired before it was confirmed.
        Expired = "expired",
        /// A newer card of the same administrator for the same member replaced it.
        Superseded = "superseded",
        /// Certainly nothing was changed, and the slot came back.
        Refused = "refused",
        /// It is unknown if the directory was changed.
        Unknown = "unknown",
        /// Changed, but the password was lost with the process.
        Lost = "lost",
    }
}

impl State {
    /// True for the moves that exist. The store refuses all others.
    pub fn may_become(self, next: Self) -> bool {
        use State::{
            Cancelled, Changed, Changing, Claimed, Delivered, Delivering, DeliveryUnknown, Expired,
            Lost, Offered, Refused, Superseded, Undelivered, Unknown,
        };
        match self {
            Offered => matches!(next, Claimed | Cancelled | Expired | Superseded),
            Claimed => matches!(next, Changing | Refused),
            Changing => matches!(next, Changed | Refused | Unknown),
            Changed => matches!(next, Delivering | Lost),
            Delivering => matches!(next, Delivered | Undelivered | DeliveryUnknown),
            Undelivered => next == Delivering,
            Delivered | DeliveryUnknown | Cancelled | Expired | Superseded | Refused | Unknown
            | Lost => false,
        }
    }

    /// True while a process works on the reset. No other reset of the member may start then.
    pub fn is_active(self) -> bool {
        matches!(
            self,
            Self::Claimed | Self::Changing | Self::Changed | Self::Delivering
        )
    }

    /// The state that recovery gives a reset whose process died, and what becomes of its slot.
    pub fn recovered(self) -> Option<(Self, SlotAfter)> {
        match self {
            Self::Claimed => Some((Self::Refused, SlotAfter::Returned)),
            Self::Changing => Some((Self::Unknown, SlotAfter::Kept)),
            Self::Changed => Some((Self::Lost, SlotAfter::Kept)),
            Self::Delivering => Some((Self::DeliveryUnknown, SlotAfter::Kept)),
            Self::Offered
            | Self::Delivered
            | Self::Undelivered
            | Self::DeliveryUnknown
            | Self::Cancelled
            | Self::Expired
            | Self::Superseded
            | Self::Refused
            | Self::Unknown
            | Self::Lost => None,
        }
    }
}

/// What becomes of the slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotAfter {
    /// It stays used for the whole window.
    Kept,
    /// Certainly nothing was changed, so it is free again.
    Returned,
}

written_enum! {
    /// The steps of a reset. Each has its own outcome.
    pub Step {
        /// The new password is set in the directory.
        Change = "change",
        /// The directory was read again: it asks for a new password at the next sign-in, or it does not.
        MustChange = "must_change",
        /// The member is signed out.
        SignOut = "sign_out",
        /// The lock of failed sign-ins is lifted, where that is an operation of its own.
        Unlock = "unlock",
        /// The password is sent to the member, or shown.
        Deliver = "deliver",
        /// A copy is sent to the administrator.
        CopyToSelf = "copy_to_self",
        /// The password is also shown to the administrator.
        Show = "show",
        /// The member is notified, without the password.
        Notice = "notice",
        /// The member's manager is told, without the password.
        ManagerNotice = "manager_notice",
    }
}

written_enum! {
    /// How a step after the change ended, or whether it is still to do.
    pub StepOutcome {
        /// Still to do.
        Pending = "pending",
        /// Done, or accepted by the next server.
        Done = "done",
        /// Certainly not done.
        Failed = "failed",
        /// It may or may not have been done.
        Unknown = "unknown",
        /// It cannot be done here.
        Impossible = "impossible",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_and_read_back() {
        let id = ResetId([0xAB; 16]);
        assert_eq!(id.to_string().parse::<ResetId>(), Ok(id));
        assert!("xyz".parse::<ResetId>().is_err());
        assert_eq!(id.reference().to_string().len(), 4);
    }

    /// After a change has begun, no path leads back to a state in which a change can begin.
    #[test]
    fn nothing_returns_to_before_the_change() {
        let mut reached = vec![State::Changing];
        while let Some(state) = reached.pop() {
            for next in State::ALL.iter().filter(|next| state.may_become(**next)) {
                assert!(
                    !matches!(next, State::Offered | State::Claimed | State::Changing),
                    "{state} → {next}"
                );
                if *next != State::Delivering || state == State::Changed {
                    reached.push(*next);
                }
            }
        }
    }

    #[test]
    fn recovery_follows_a_move_that_exists() {
        for state in State::ALL {
            if let Some((next, _)) = state.recovered() {
                assert!(
                    state.is_active() && state.may_become(next),
                    "{state} → {next}"
                );
            }
        }
    }
}
