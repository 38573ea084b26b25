//! Everything a request needs, built at the start and shared; a reload of the settings builds the next one.

mod at_work;
mod latest;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use sha2::{Digest, Sha256};
use tokio_util::task::TaskTracker;
use url::Url;

pub use self::at_work::{AtWork, HANDS, Heard, Ticket, WORKING_AFTER, WorkMark};
pub use self::latest::{Latest, Living};
use crate::chance::Chance;
use crate::chat::{Chat, Profile};
use crate::clock::{Clock, Zone};
use crate::delivery::Deliveries;
use crate::directory::Directories;
use crate::domain::contacts::ContactRules;
use crate::domain::{
    CompanyDomains, EmailAddress, Member, MemberId, Moment, Password, Platform, ResetId, Role, Span,
};
use crate::recent::Recent;
use crate::secret::Keys;
use crate::store::{Pins, ReplayKey, Reservation, Store};
use crate::telemetry::UnsignedCounter;

/// How long an undelivered password may be delivered another way before it is wiped (section 3 of the design).
pub const HOLD_FOR: Span = Span::minutes(10);

/// How long the same signed bytes are surely remembered in memory; on disk it is nine hours.
const SEEN_FOR: Span = Span::minutes(11);

/// How many requests a generation of the memory holds; beyond that the disk alone remembers.
const SEEN_SIZE: usize = 50_000;

/// The parts of the program, without a web server.
pub struct App {
    /// Time.
    pub clock: Clock,
    /// Chance.
    pub chance: Chance,
    /// The time zone of texts.
    pub zone: Zone,
    /// Our own key.
    pub keys: Keys,
    /// The record.
    pub store: Store,
    /// Members and their passwords.
    pub directories: Directories,
    /// E-mail and SMS.
    pub deliveries: Deliveries,
    /// The chats that are served.
    pub chats: Vec<Chat>,
    /// What the organisation has decided.
    pub organization: Organization,
    /// Undelivered passwords that may still go another way.
    pub held: Arc<Held>,
    /// Signed requests of the last minutes.
    pub seen: Arc<Seen>,
    /// Whose turn it is to show a card.
    pub card_locks: Arc<CardLocks>,
    /// Resets that this process is in the middle of.
    pub at_work: Arc<AtWork>,
    /// Requests that were refused unread.
    pub unsigned: Arc<UnsignedCounter>,
    /// Background work; shutdown waits for it.
    pub tasks: TaskTracker,
    /// Which one is in use after a reload.
    pub latest: Latest,
}

impl App {
    /// The chat of a platform.
    pub fn chat(&self, platform: Platform) -> Option<&Chat> {
        use crate::chat::Adapter;
        self.chats.iter().find(|chat| chat.platform() == platform)
    }
}

/// The organisation's decisions that texts and rules depend on.
pub struct Organization {
    /// What members and administrators call it.
    pub name: String,
    /// Its e-mail domains, as far as the settings name them.
    pub company: CompanyDomains,
    /// "Set or change your login password" (S7).
    pub help_url: Option<Url>,
    /// Whom a member tells when they did not expect a reset.
    pub security_email: Option<EmailAddress>,
    /// Where the member's pages are from outside.
    pub public_url: Option<Url>,
    /// True where a page of our own shows the member's pages in a frame: in the demo.
    pub is_framed: bool,
    /// The least length of a password that a member sets.
    pub own_password_least: usize,
    /// Length of generated passwords.
    pub password_length: u8,
    /// Life of a generated password (Q10).
    pub password_lifetime: Span,
    /// Life of a card.
    pub offer_lifetime: Span,
    /// Who is an administrator.
    pub admins: Admins,
    /// How a chat account becomes a person.
    pub identity: Identity,
    /// When a contact counts, and whether code and password need two.
    pub contact_rules: ContactRules,
}

/// Where the right to reset comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admins {
    /// The directory's own roles.
    Directory,
    /// Two lists of business e-mails in the settings.
    List {
        /// Primary administrators.
        primary: Vec<EmailAddress>,
        /// Administrators with "Member and Department".
        member_and_department: Vec<EmailAddress>,
    },
    /// Owners and administrators of the chat's workspace.
    Chat,
}

/// How a chat account becomes a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The platform's confirmed e-mail is the directory's business e-mail.
    Email,
    /// Only by `relatch link`.
    Linked,
}

impl Organization {
    /// How high a member stands: the highest of what any source says, the chats by `profiles` among them, so that
    /// nobody's protection depends on one. Here every address counts, and so does an entry that is pinned: a right needs
    /// more than an address, protection does not.
    pub fn role_of_member<'a>(
        &self,
        member: &Member,
        pins: &Pins,
        profiles: impl IntoIterator<Item = &'a Profile>,
    ) -> Role {
        let by_chat = match self.admins {
            Admins::Chat => profiles
                .into_iter()
                .map(|profile| profile.role)
                .max()
                .unwrap_or(Role::Member),
            Admins::Directory | Admins::List { .. } => Role::Member,
        };
        let is_this = |email: &EmailAddress| {
            pins.of(email) == Some(&member.id)
                || member.business_emails().any(|own| own.is_same(email))
        };
        let listed = self
            .admins
            .listed()
            .filter(|(email, _)| is_this(email))
            .map(|(_, role)| role)
            .max();
        member.role.max(listed.unwrap_or(Role::Member)).max(by_chat)
    }
}

impl Admins {
    /// Every address of the list with the role that it may give; none where the roles come from elsewhere.
    pub fn listed(&self) -> impl Iterator<Item = (&EmailAddress, Role)> {
        let (primary, delegated): (&[EmailAddress], &[EmailAddress]) = match self {
            Self::List {
                primary,
                member_and_department,
            } => (primary, member_and_department),
            Self::Directory | Self::Chat => (&[], &[]),
        };
        let of = |role: Role| move |email| (email, role);
        primary
            .iter()
            .map(of(Role::PrimaryAdmin))
            .chain(delegated.iter().map(of(Role::MemberAndDepartment)))
    }
}

/// A password that was set and reached nobody.
pub struct HeldPassword {
    /// The password.
    pub password: Password,
    /// The right to go on with its reset.
    pub reservation: Reservation,
    /// When it is wiped.
    pub until: Moment,
}

/// Undelivered passwords, in memory only.
#[derive(Default)]
pub struct Held(Mutex<HashMap<ResetId, HeldPassword>>);

impl Held {
    /// Keeps one for another way.
    pub fn keep(&self, held: HeldPassword) {
        if let Ok(mut all) = self.0.lock() {
            all.insert(held.reservation.reset_id(), held);
        }
    }

    /// Takes one out, if its time is not over; only one click can have it.
    pub fn take(&self, id: ResetId, now: Moment) -> Option<HeldPassword> {
        let mut all = self.0.lock().ok()?;
        // Whose time is over stays for the sweep, which also writes down that nothing follows.
        if all.get(&id)?.until > now {
            all.remove(&id)
        } else {
            None
        }
    }

    /// True while one can still be taken.
    pub fn has(&self, id: ResetId, now: Moment) -> bool {
        self.0
            .lock()
            .is_ok_and(|all| all.get(&id).is_some_and(|held| held.until > now))
    }

    /// Wipes those of a member, whose password is about to be replaced.
    pub fn forget(&self, member: &MemberId) {
        if let Ok(mut all) = self.0.lock() {
            all.retain(|_, held| held.reservation.member() != member);
        }
    }

    /// Wipes those whose time is over and names their resets.
    pub fn wipe(&self, now: Moment) -> Vec<ResetId> {
        let Ok(mut all) = self.0.lock() else {
            return Vec::new();
        };
        let over: Vec<ResetId> = all
            .iter()
            .filter(|(_, held)| held.until <= now)
            .map(|(id, _)| *id)
            .collect();
        all.retain(|id, _| !over.contains(id));
        over
    }
}

/// Turns at showing the same card. Cards share a few turns, because what matters is only that one card has one.
pub struct CardLocks([tokio::sync::Mutex<()>; 64]);

impl Default for CardLocks {
    fn default() -> Self {
        Self(std::array::from_fn(|_| tokio::sync::Mutex::default()))
    }
}

impl CardLocks {
    /// Waits for the turn at a card; it ends when the guard is dropped.
    pub async fn turn(&self, id: ResetId) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        let [.., last] = id.0;
        match self.0.get(usize::from(last) % self.0.len()) {
            Some(turn) => Some(turn.lock().await),
            None => None,
        }
    }
}

/// The signed requests of the last minutes. The record is what counts after a restart and between replicas; this
/// answers at once when the same bytes come again while the first are at work.
pub struct Seen(Mutex<Recent<Fingerprint, ()>>);

impl Default for Seen {
    fn default() -> Self {
        Self(Mutex::new(Recent::new(SEEN_FOR, SEEN_SIZE)))
    }
}

/// The first half of a digest: enough to tell requests apart, and a fifth of the size of the key.
type Fingerprint = [u8; 16];

fn fingerprint(key: &ReplayKey) -> Fingerprint {
    let digest: [u8; 32] = Sha256::digest(&key.0).into();
    let mut short = Fingerprint::default();
    short.copy_from_slice(digest.split_at(16).0);
    short
}

impl Seen {
    /// True the first time.
    pub fn is_new(&self, key: &ReplayKey, now: Moment) -> bool {
        let Ok(mut seen) = self.0.lock() else {
            return true;
        };
        let key = fingerprint(key);
        let is_new = seen.get(&key).is_none();
        if is_new {
            seen.insert(key, (), now);
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_are_seen_for_eleven_minutes_at_least() {
        let seen = Seen::default();
        let key = |text: &str| ReplayKey(text.to_owned());
        assert!(seen.is_new(&key("a"), Moment(0)));
        assert!(!seen.is_new(&key("a"), Moment(1)));
        assert!(seen.is_new(&key("b"), Moment(0) + SEEN_FOR));
        assert!(!seen.is_new(&key("a"), Moment(0) + SEEN_FOR));
    }
}
