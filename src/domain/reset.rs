//! The life of a reset: its states, the moves between them, and the outcome of each step.

use std::fmt;
use std::str::FromStr;

use rand::{CryptoRng, RngExt};

use super::Moment;
use super::written::UnknownWord;
use super::written_enum;

/// The 128-bit name of one offer and of the reset that may come of it: when it was drawn, to the millisecond, in 48 bits,
/// and chance in 80. Names that are drawn one after the other lie side by side on disk, so that a commit writes few pages.
/// Nobody's right rests on a name being secret: what a button or a link carries has our seal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResetId(pub [u8; 16]);

impl ResetId {
    /// A new id, drawn at `now`.
    pub fn draw(rng: &mut impl CryptoRng, now: Moment) -> Self {
        let [_, _, time @ ..] = now.0.to_be_bytes();
        let mut bytes: [u8; 16] = rng.random();
        bytes
            .iter_mut()
            .zip(time)
            .for_each(|(byte, time)| *byte = time);
        Self(bytes)
    }

    /// The short name that people read out to each other: `7F3K`.
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
        hex::decode_to_slice(text, &mut bytes)
            .map_err(|_| UnknownWord("32 hexadecimal digits".to_owned()))?;
        Ok(Self(bytes))
    }
}

/// Four letters or digits that lead from a message to the audit; not unique, not a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference(String);

impl Reference {
    /// A new reference for something that has no reset, such as a refusal.
    pub fn draw(rng: &mut impl CryptoRng) -> Self {
        Self::from_bits(rng.random())
    }

    /// The lowest 20 bits, five to a character.
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
    /// Where a reset stands. What is on disk is always the intent before the effect.
    State {
        /// The card is shown.
        Offered = "offered",
        /// Confirmed: a slot is taken, nothing has happened outside.
        Claimed = "claimed",
        /// The directory is about to be, or is being, changed.
        Changing = "changing",
        /// The directory said yes.
        Changed = "changed",
        /// The password is about to be, or is being, delivered.
        Delivering = "delivering",
        /// At least one output was accepted.
        Delivered = "delivered",
        /// Nothing was accepted; another way may be chosen while the password is in memory.
        Undelivered = "undelivered",
        /// Nobody can say whether it arrived.
        DeliveryUnknown = "delivery_unknown",
        /// The administrator gave up, or sent the guide.
        Cancelled = "cancelled",
        /// The card grew too old.
        Expired = "expired",
        /// A newer card of the same administrator for the same member took its place.
        Superseded = "superseded",
        /// Surely nothing was changed.
        Refused = "refused",
        /// Nobody can say whether the directory changed.
        Unknown = "unknown",
        /// Changed, but the password died with the process.
        Lost = "lost",
    }
}

impl State {
    /// The moves that exist; every other one is refused by the store.
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

    /// True while a process is at work on the reset; no other reset of the member may start.
    pub fn is_active(self) -> bool {
        matches!(
            self,
            Self::Claimed | Self::Changing | Self::Changed | Self::Delivering
        )
    }

    /// What recovery makes of a reset whose process died (section 3 of the design), and whether its slot comes back.
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

/// Whether the slot stays used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotAfter {
    /// It counts for the whole window.
    Kept,
    /// Surely nothing was changed, so it was not used.
    Returned,
}

written_enum! {
    /// The effects of a reset, each with an outcome of its own.
    Step {
        /// The new password is set in the directory.
        Change = "change",
        /// The directory was read again: does it ask for a new password at the next sign-in?
        MustChange = "must_change",
        /// The member's sessions are ended.
        SignOut = "sign_out",
        /// The password goes to the member, or is shown.
        Deliver = "deliver",
        /// A copy goes to the administrator.
        CopyToSelf = "copy_to_self",
        /// The administrator is also shown the password.
        Show = "show",
        /// The member is told, without the password.
        Notice = "notice",
    }
}

written_enum! {
    /// How a step ended.
    StepOutcome {
        /// Still to do.
        Pending = "pending",
        /// Done, or accepted by the next hop.
        Done = "done",
        /// Surely not done.
        Failed = "failed",
        /// Nobody can say.
        Unknown = "unknown",
        /// There is no way to do it here.
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

    /// P1: after a change was begun, no path leads back to a state from which one can begin.
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
