//! The built-in directory: members and Argon2id credentials in our own database.

use super::admission::{FairQueue, Turn};
use super::{
    Backend, By, Capabilities, Enforced, HashError, Hasher, Match, ResetFailed, Unavailable,
};
use crate::chance::Chance;
use crate::domain::phone::NotAPhone;
use crate::domain::{
    CompanyDomains, EmailAddress, Member, MemberId, Moment, Password, PhoneNumber,
};
use crate::store::{LookUp, MemberKey, MemberRow, Reservation, Store, StoreError};

/// A credential of no password, which costs as much as any other.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The most turns of one queue of sign-ins: with both, half of what may wait for the hasher.
const MOST_TURNS: usize = 16;

/// What administrators know it by.
pub(super) const NAME: &str = "built-in directory";

/// Who has a password looked at, for a fair share of the hasher.
#[derive(Clone, Copy, Debug)]
pub enum Caller<'a> {
    /// A browser that is known to the account, or a session. These do not wait for strangers.
    Known(&'a str),
    /// Anybody else, by network.
    Stranger(&'a str),
}

/// The right to use the hasher, until it is dropped.
pub struct Place {
    _turn: Turn,
}

/// The built-in directory.
#[derive(Clone)]
pub struct Builtin {
    store: Store,
    hasher: Hasher,
    chance: Chance,
    company: CompanyDomains,
    /// Two queues in front of the hasher, each with fewer turns than the hasher's own queue has places: a flood of
    /// strangers leaves room for known browsers, and both leave room for resets.
    known: FairQueue,
    strangers: FairQueue,
}

impl Builtin {
    /// The directory in this database, hashing with `hasher`.
    pub fn new(store: Store, hasher: Hasher, chance: Chance) -> Self {
        // One more than there are threads, so that no thread waits for the next password.
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

    /// The same in an organisation with these e-mail domains.
    #[must_use]
    pub fn in_company(self, company: CompanyDomains) -> Self {
        Self { company, ..self }
    }

    /// Sets a lasting password; for the demo and for tests.
    pub async fn set_password(&self, member: &MemberId, password: &str) -> Result<(), ResetFailed> {
        self.set(member, password, None).await
    }

    /// True when the password is the member's present one.
    pub async fn verify(&self, member: &MemberId, password: &str) -> Result<bool, Unavailable> {
        match self
            .store
            .credential(member)
            .await
            .map_err(|_| Unavailable)?
        {
            Some(phc) => self
                .hasher
                .verify(password, &phc)
                .await
                .map_err(|_| Unavailable),
            None => Ok(false),
        }
    }

    /// True when the password belongs to the credential. Without a credential it takes as long and is false, so that
    /// nobody learns from the time who has an account.
    pub async fn check(
        &self,
        caller: Caller<'_>,
        password: &str,
        phc: Option<&str>,
    ) -> Result<bool, Unavailable> {
        let _place = self.place(caller).await?;
        let is_right = self
            .hasher
            .verify(password, phc.unwrap_or(NOBODYS))
            .await
            .map_err(|_| Unavailable)?;
        Ok(is_right && phc.is_some())
    }

    /// A place for whatever takes long about a password that somebody typed.
    pub async fn place(&self, caller: Caller<'_>) -> Result<Place, Unavailable> {
        let turn = match caller {
            Caller::Known(name) => self.known.turn(name).await,
            Caller::Stranger(name) => self.strangers.turn(name).await,
        };
        turn.map(|turn| Place { _turn: turn })
            .map_err(|_| Unavailable)
    }

    /// A credential for a password that the member sets.
    pub async fn hash(&self, password: &str) -> Result<String, Unavailable> {
        let mut rng = self.chance.rng().map_err(|_| Unavailable)?;
        self.hasher
            .hash(password, Hasher::salt(&mut rng))
            .await
            .map_err(|_| Unavailable)
    }

    async fn set(
        &self,
        member: &MemberId,
        password: &str,
        until: Option<Moment>,
    ) -> Result<(), ResetFailed> {
        let mut rng = self.chance.rng().map_err(|_| ResetFailed::NotSent)?;
        let phc = self
            .hasher
            .hash(password, Hasher::salt(&mut rng))
            .await
            .map_err(|error| match error {
                HashError::Busy => ResetFailed::NotSent,
                HashError::Broken => {
                    ResetFailed::Refused("the password could not be hashed".to_owned())
                }
            })?;
        self.store
            .set_credential(member, phc, until)
            .await
            .map_err(|error| match error {
                StoreError::Overloaded | StoreError::NotBegun => ResetFailed::NotSent,
                // A commit that failed may still have reached the disk.
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
            has_our_pages: true,
            sends_own_link: false,
        }
    }

    async fn find(&self, by: &[By]) -> Result<Vec<Match>, Unavailable> {
        let members = by
            .iter()
            .map(|by| match by {
                By::Email(email) => MemberKey::Email(email.key()),
                By::Id(id) => MemberKey::Id(id.clone()),
            })
            .collect();
        let found = self
            .store
            .look_up(LookUp {
                members,
                ..LookUp::default()
            })
            .await
            .map_err(|_| Unavailable)?;
        found
            .members
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

    /// The password and the end of its life are one row: whoever has one has the other.
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
            .map_err(|_| Unavailable)
    }

    async fn sign_out(&self, member: &MemberId) -> Result<(), Unavailable> {
        self.store.sign_out(member).await.map_err(|_| Unavailable)
    }

    /// It is the database, which is tried by itself.
    async fn probe(&self) -> Result<(), String> {
        Ok(())
    }
}

/// Reads a row into a member. A row that does not parse was not written by `members import`: the directory is broken. An
/// address of the company is no personal one, whatever the import says (S43).
pub fn to_member(row: &MemberRow, company: &CompanyDomains) -> Result<Box<Member>, Unavailable> {
    let broken = |what: &'static str| {
        tracing::error!(member.id = %row.member_id, what, "a member of the built-in directory cannot be read");
        Unavailable
    };
    let email = |text: &Option<String>| -> Result<Option<EmailAddress>, Unavailable> {
        text.as_deref()
            .map(str::parse)
            .transpose()
            .map_err(|_| broken("e-mail"))
    };
    Ok(Box::new(Member {
        name: row.name.clone(),
        business_email: row
            .business_email
            .parse()
            .map_err(|_| broken("business e-mail"))?,
        login_method: row
            .login_method
            .parse()
            .map_err(|_| broken("login method"))?,
        status: row.status.parse().map_err(|_| broken("status"))?,
        phone: match row.phone.as_deref().map(PhoneNumber::stored).transpose() {
            // An import of an older version took satellite phones, to which no SMS goes now.
            Err(NotAPhone::NotMobile) => None,
            phone => phone.map_err(|_| broken("phone"))?,
        },
        personal_email: email(&row.personal_email)?.filter(|personal| !company.has(personal)),
        role: row.role.parse().map_err(|_| broken("role"))?,
        department: row.department.clone(),
        manager_email: email(&row.manager_email)?,
        aliases: Vec::new(),
        guard: None,
        never_expires: false,
        id: row.member_id.clone(),
    }))
}
