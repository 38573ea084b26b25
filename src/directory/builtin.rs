//! The built-in directory: members and Argon2id credentials in our own database.

use std::error::Error;

use super::config::{DirectoryConfig, DirectoryParts, read_domains};
use super::fair_queue::{FairQueue, Full, Turn};
use super::{
    Backend, By, Capabilities, Enforced, HashError, Hasher, Match, ResetFailed, ServerFault,
    Unavailable, WhyRefused,
};
use crate::chance::Chance;
use crate::domain::phone::{NotAPhone, phone_on_record};
use crate::domain::{
    CompanyDomains, EmailAddress, Member, MemberId, Moment, OwnPassword, Password, PhoneNumber,
    SecondFactors,
};
use crate::net::TlsError;
use crate::settings::{Finding, Section};
use crate::store::{MemberKey, MemberRow, Reservation, Store, StoreError};

/// A credential that belongs to no password, and takes as long to check as any other.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The most turns of one queue of sign-ins: with both queues, half of what may wait for the hasher.
const MOST_TURNS: usize = 16;

/// What administrators know it by.
const NAME: &str = "built-in directory";

/// The settings of the built-in directory.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Empty for every e-mail domain that no other directory has.
    domains: Vec<String>,
    /// Whose chat account `relatch check` looks at.
    check_account: Option<EmailAddress>,
}

impl DirectoryConfig for Config {
    type Opened = Builtin;

    fn read(mut section: Section<'_>, _is_alone: bool) -> Option<Self> {
        let domains = read_domains(&mut section).unwrap_or_default();
        let check_account = section.parsed("check_account");
        section.end();
        Some(Self {
            domains,
            check_account,
        })
    }

    fn name(&self) -> &'static str {
        NAME
    }

    fn domains(&self) -> &[String] {
        &self.domains
    }

    fn check_account(&self) -> Option<&EmailAddress> {
        self.check_account.as_ref()
    }

    /// `relatch members import` says who is one.
    fn names_administrators(&self) -> bool {
        true
    }

    fn open(self, parts: &DirectoryParts) -> Result<Builtin, TlsError> {
        let (store, hasher) = (parts.store.clone(), parts.hasher.clone());
        Ok(Builtin::new(store, hasher, parts.chance.clone()).in_company(parts.company.clone()))
    }
}

/// Who has a password checked, for a fair share of the hasher.
#[derive(Clone, Copy, Debug)]
pub enum Caller<'a> {
    /// A browser that is known to the account, or a session: not queued behind strangers.
    Known(&'a str),
    /// Anybody else, by network address.
    Stranger(&'a str),
}

/// What a typed password is to a credential.
pub enum Checked {
    Wrong,
    Right,
    /// Right by the characters as they were typed, which a version before this one hashed as they were. It is to be hashed
    /// anew in this form.
    RightAsTyped(OwnPassword),
}

impl Checked {
    /// True where it opens the account.
    pub fn is_right(&self) -> bool {
        match self {
            Self::Right | Self::RightAsTyped(_) => true,
            Self::Wrong => false,
        }
    }
}

/// The directory in our own database, whose members sign in at our pages.
#[derive(Clone)]
pub struct Builtin {
    store: Store,
    hasher: Hasher,
    chance: Chance,
    company: CompanyDomains,
    /// Two queues in front of the hasher, each with fewer turns than the hasher's own queue: a flood of strangers leaves
    /// room for known browsers, and both leave room for resets.
    known: FairQueue,
    strangers: FairQueue,
}

impl Builtin {
    /// The directory in this database, hashing with `hasher`.
    pub fn new(store: Store, hasher: Hasher, chance: Chance) -> Self {
        // One more than there are threads, so that no thread is idle until the next request arrives.
        let queue = || FairQueue::new((Hasher::threads() + 1).min(MOST_TURNS));
        let company = CompanyDomains::default();
        Self {
            store,
            hasher,
            chance,
            company,
            known: queue(),
            strangers: queue(),
        }
    }

    /// The same in an organization with these e-mail domains.
    #[must_use]
    pub fn in_company(self, company: CompanyDomains) -> Self {
        Self { company, ..self }
    }

    /// Sets a lasting password; for the demo and for tests.
    pub async fn set_password(
        &self,
        member: &MemberId,
        own: &OwnPassword,
    ) -> Result<(), ResetFailed> {
        self.set(member, own.expose(), None).await
    }

    /// True when the password is the member's present one. An older hash is made anew.
    pub async fn verify(&self, member: &MemberId, password: &str) -> Result<bool, Unavailable> {
        let stored = self.store.credential(member).await.map_err(unavailable)?;
        let Some(phc) = stored else {
            return Ok(false);
        };
        let checked = self.compare(password, &phc).await.map_err(unavailable)?;
        let is_right = checked.is_right();
        if let Checked::RightAsTyped(own) = checked {
            self.hash_anew(member, phc, &own).await;
        }
        Ok(is_right)
    }

    /// Checks a password against a credential. Without a credential it is wrong after the same time, so that the time does
    /// not tell who has an account.
    pub async fn check(
        &self,
        caller: Caller<'_>,
        password: &str,
        phc: Option<&str>,
    ) -> Result<Checked, Unavailable> {
        let _turn = self.turn(caller).await?;
        let checked = self.compare(password, phc.unwrap_or(NOBODYS)).await;
        let checked = checked.map_err(unavailable)?;
        Ok(match phc {
            Some(_) => checked,
            None => Checked::Wrong,
        })
    }

    /// Tries the normal form of what was typed and, where that is another text, what was typed. How often a hash is made
    /// depends on what was typed alone, and never on the credential or on which of both is right.
    async fn compare(&self, typed: &str, phc: &str) -> Result<Checked, HashError> {
        let own = OwnPassword::chosen(typed).ok();
        let Some(own) = own.filter(|own| own.expose() != typed) else {
            let is_right = self.hasher.verify(typed, phc).await?;
            return Ok(if is_right {
                Checked::Right
            } else {
                Checked::Wrong
            });
        };
        let is_right = self.hasher.verify(own.expose(), phc).await?;
        let is_right_as_typed = self.hasher.verify(typed, phc).await?;
        Ok(match (is_right, is_right_as_typed) {
            (true, _) => Checked::Right,
            (false, true) => Checked::RightAsTyped(own),
            (false, false) => Checked::Wrong,
        })
    }

    /// Replaces the hash of the characters as they were typed by that of the normal form, unless another password was set
    /// meanwhile. Where that fails, the next sign-in does it.
    pub async fn hash_anew(&self, member: &MemberId, older: String, own: &OwnPassword) {
        let hashed = async {
            let _turn = self.turn(Caller::Known(&member.0)).await?;
            let newer = self.hasher.hash_anew(own.expose(), &older).await;
            let newer = newer.map_err(unavailable)?;
            let replaced = self.store.renew_credential(member, older, newer).await;
            replaced.map_err(unavailable)
        };
        if let Err(error) = hashed.await {
            tracing::warn!(member.id = %member, error = &error as &dyn Error, "a password was not hashed anew in its normal form");
        }
    }

    /// Waits for the caller's turn to have a typed password checked or hashed.
    pub async fn turn(&self, caller: Caller<'_>) -> Result<Turn, Unavailable> {
        let turn = match caller {
            Caller::Known(name) => self.known.turn(name).await,
            Caller::Stranger(name) => self.strangers.turn(name).await,
        };
        turn.map_err(|Full| Unavailable::ForNow)
    }

    /// A credential for a password that the member sets.
    pub async fn hash(&self, password: &OwnPassword) -> Result<String, Unavailable> {
        let mut rng = self.chance.rng().map_err(unavailable)?;
        self.hasher
            .hash(password.expose(), Hasher::salt(&mut rng))
            .await
            .map_err(unavailable)
    }

    async fn set(
        &self,
        member: &MemberId,
        password: &str,
        until: Option<Moment>,
    ) -> Result<(), ResetFailed> {
        let mut rng = self.chance.rng().map_err(|error| {
            unavailable(error);
            ResetFailed::NotSent
        })?;
        let phc = self
            .hasher
            .hash(password, Hasher::salt(&mut rng))
            .await
            .map_err(|error| match error {
                HashError::Busy => ResetFailed::NotSent,
                HashError::Broken => {
                    ResetFailed::Refused(WhyRefused::Server(ServerFault::NotHashed))
                }
            })?;
        self.store
            .set_credential(member, phc, until)
            .await
            .map_err(|error| match error {
                StoreError::Overloaded | StoreError::NotBegun => ResetFailed::NotSent,
                // A failed commit may still have reached the disk.
                StoreError::Unavailable => ResetFailed::Unknown,
            })
    }
}

impl Backend for Builtin {
    fn name(&self) -> &'static str {
        NAME
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            can_sign_out: true,
            must_change: true,
            asks_nobody: false,
            forces_change_apart: false,
            unlocks_apart: false,
            has_our_pages: true,
            signs_members_in: false,
            own_link: None,
        }
    }

    async fn find(&self, by: &[By]) -> Result<Vec<Match>, Unavailable> {
        let keys: Vec<_> = by
            .iter()
            .map(|by| match by {
                By::Email(email) => MemberKey::Email(email.key()),
                By::Id(id) => MemberKey::Id(id.clone()),
            })
            .collect();
        let found = self.store.find_members(&keys).await.map_err(unavailable)?;
        found
            .into_iter()
            .map(|row| {
                row.map_or(Ok(Match::Nobody), |row| {
                    to_member(&row, &self.company).map(Match::One)
                })
            })
            .collect()
    }

    async fn reset(
        &self,
        reservation: &Reservation,
        password: &Password,
        until: Moment,
    ) -> Result<(), ResetFailed> {
        self.set(reservation.member(), password.expose(), Some(until))
            .await
    }

    /// The password and its expiry are written in one row, so they are in force together.
    async fn enforced(
        &self,
        _member: &MemberId,
        _password: &Password,
    ) -> Result<Enforced, Unavailable> {
        Ok(Enforced::MustChange)
    }

    async fn last_change(&self, member: &MemberId) -> Result<Option<Moment>, Unavailable> {
        self.store
            .credential_set_at(member)
            .await
            .map_err(unavailable)
    }

    async fn sign_out(&self, member: &MemberId) -> Result<Vec<String>, Unavailable> {
        let ended = self.store.sign_out(member).await;
        ended.map(|()| Vec::new()).map_err(unavailable)
    }

    /// It is the database, which has a check of its own.
    async fn probe(&self) -> Result<(), Finding> {
        Ok(())
    }
}

/// The store logs its own failures in full; this one says what they stopped.
fn unavailable(error: impl Error + 'static) -> Unavailable {
    tracing::debug!(
        error = &error as &dyn Error,
        "the built-in directory could not be asked"
    );
    Unavailable::ForNow
}

/// Reads a row into a member. A row that does not parse was not written by `members import`: the directory is broken. An
/// address of the company is never a personal one, whatever the import says (S43).
pub(crate) fn to_member(
    row: &MemberRow,
    company: &CompanyDomains,
) -> Result<Box<Member>, Unavailable> {
    let broken = |what: &'static str, error: &(dyn Error + 'static)| {
        tracing::error!(member.id = %row.member_id, what, error, "a member of the built-in directory cannot be read");
        Unavailable::ForNow
    };
    let email = |text: &Option<String>| -> Result<Option<EmailAddress>, Unavailable> {
        text.as_deref()
            .map(EmailAddress::stored)
            .transpose()
            .map_err(|error| broken("e-mail", &error))
    };
    let stored = row.phone.as_deref();
    let (phone, phone_remarks) = match stored.map(PhoneNumber::stored).transpose() {
        // An import of an older version accepted satellite phones, which get no SMS now.
        Err(NotAPhone::NotMobile) => phone_on_record(stored.into_iter(), None),
        phone => (phone.map_err(|error| broken("phone", &error))?, Vec::new()),
    };
    Ok(Box::new(Member {
        name: row.name.clone(),
        business_email: EmailAddress::stored(&row.business_email)
            .map_err(|error| broken("business e-mail", &error))?,
        login_method: row
            .login_method
            .parse()
            .map_err(|error| broken("login method", &error))?,
        status: row
            .status
            .parse()
            .map_err(|error| broken("status", &error))?,
        phone,
        phone_remarks,
        personal_email: email(&row.personal_email)?.filter(|personal| !company.has(personal)),
        role: row.role.parse().map_err(|error| broken("role", &error))?,
        department: row.department.clone(),
        manager_email: email(&row.manager_email)?,
        aliases: Vec::new(),
        guard: None,
        never_expires: false,
        has_other_password: false,
        second_factors: SecondFactors::default(),
        id: row.member_id.clone(),
    }))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::clock::Clock;
    use crate::domain::Span;
    use crate::domain::quota::Limit;
    use crate::store::Use;

    const APART: &str = "cafe\u{301} au lait";
    const TOGETHER: &str = "caf\u{e9} au lait";

    /// A right password of either form, a wrong one and one of nobody cost the same: only what was typed decides.
    #[tokio::test(flavor = "multi_thread")]
    async fn how_often_a_password_is_hashed_depends_on_what_was_typed() {
        let folder = std::env::temp_dir().join(format!("relatch-forms-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let limit = Limit {
            resets: 5,
            window: Span::hours(24),
        };
        let mut rng = Chance::System.rng().unwrap();
        let path = folder.join("relatch.db");
        let opened = Store::open(&path, Use::Beside, Clock::System, limit, &mut rng).await;
        let (store, tasks) = opened.unwrap();
        let (hasher, asked) = Hasher::counting();
        let of_typed = hasher.hash(APART, [1; 16]).await.unwrap();
        let of_normal = hasher.hash(TOGETHER, [1; 16]).await.unwrap();
        let builtin = Builtin::new(store, hasher, Chance::System);
        let known = [
            Some(of_normal.as_str()),
            Some(of_typed.as_str()),
            Some(NOBODYS),
            None,
        ];
        for (typed, hashes) in [(APART, 2), (TOGETHER, 1), ("a\tb", 1), ("", 1)] {
            for phc in known {
                asked.store(0, Ordering::SeqCst);
                let checked = builtin
                    .check(Caller::Stranger("10.0.0.1"), typed, phc)
                    .await;
                assert_eq!(asked.load(Ordering::SeqCst), hashes, "{typed:?} {phc:?}");
                let is_right = match typed {
                    APART => phc == known[0] || phc == known[1],
                    TOGETHER => phc == known[0],
                    _ => false,
                };
                assert_eq!(checked.unwrap().is_right(), is_right, "{typed:?} {phc:?}");
            }
        }
        drop(builtin);
        tasks.finish().await;
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
