//! Several directories side by side: each member belongs to the one that has their e-mail domain, and an id says by its
//! beginning whose it is. Around each stand its deadlines and its circuit breaker.

use std::time::Duration;

use futures_util::future::try_join_all;
use rand::RngExt;

use super::breaker::Breaker;
use super::{
    Backend, Builtin, By, Capabilities, Directory, Enforced, Match, ResetFailed, Unavailable,
};
use crate::chance::Chance;
use crate::clock::Clock;
use crate::domain::{CompanyDomains, EmailAddress, MemberId, Moment, Password, Span};
use crate::store::Reservation;

/// How long a directory may take to answer a question.
const ASK_DEADLINE: Duration = Duration::from_secs(5);

/// How long it may take for a change.
const CHANGE_DEADLINE: Duration = Duration::from_secs(14);

/// A question is asked a second time after so many milliseconds, from and to.
const PAUSE: (u64, u64) = (50, 250);

/// A directory does not answer, by its name; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} does not answer")]
pub struct Down(pub String);

/// All directories of the organisation.
pub struct Directories(Vec<Home>, CompanyDomains);

impl Directories {
    /// These, in the order of the settings.
    pub fn new(homes: Vec<Home>) -> Self {
        let company =
            CompanyDomains::new(homes.iter().flat_map(|home| home.domains.iter().cloned()));
        Self(homes, company)
    }

    /// The same in an organisation with these e-mail domains.
    #[must_use]
    pub fn in_company(self, company: CompanyDomains) -> Self {
        Self(self.0, company)
    }

    /// The built-in directory, if it is among them.
    pub fn builtin(&self) -> Option<&Builtin> {
        self.0.iter().find_map(|home| home.directory.builtin())
    }

    /// True for an address whose person would be a member of the built-in directory.
    pub fn is_builtin(&self, email: &EmailAddress) -> bool {
        self.0
            .iter()
            .find(|home| home.has_domain(email))
            .is_some_and(|home| home.directory.builtin().is_some())
    }

    /// The directory of a member. None when it is no longer in the settings.
    pub fn home(&self, member: &MemberId) -> Option<&Home> {
        let own = self.0.iter().find(|home| {
            home.prefix()
                .is_some_and(|prefix| member.0.starts_with(&prefix))
        });
        own.or_else(|| self.0.iter().find(|home| home.prefix().is_none()))
    }

    /// How a member's directory is called, and what it can enforce.
    pub fn told(&self, member: &MemberId) -> (&str, Capabilities) {
        const NONE: Capabilities = Capabilities {
            can_sign_out: false,
            must_change: false,
            has_our_pages: false,
            sends_own_link: false,
        };
        self.home(member).map_or(("directory", NONE), |home| {
            (home.name(), home.capabilities())
        })
    }

    /// Finds members in the directories they belong to, in the order asked.
    pub async fn find(&self, by: &[By]) -> Result<Vec<Match>, Down> {
        let home_of = |by: &By| match by {
            By::Email(email) => self.0.iter().position(|home| home.has_domain(email)),
            By::Id(id) => self
                .home(id)
                .and_then(|home| self.0.iter().position(|other| std::ptr::eq(home, other))),
        };
        let mut shares: Vec<(usize, Vec<usize>)> = Vec::new();
        for (place, asked) in by.iter().enumerate() {
            let Some(home) = home_of(asked) else { continue };
            match shares.iter_mut().find(|(other, _)| *other == home) {
                Some((_, places)) => places.push(place),
                None => shares.push((home, vec![place])),
            }
        }
        let asked = shares.iter().filter_map(|(home, places)| {
            let home = self.0.get(*home)?;
            let by: Vec<By> = places
                .iter()
                .filter_map(|place| by.get(*place).cloned())
                .collect();
            Some(async move {
                let down = || Down(home.name().to_owned());
                let found = home.find(&by).await.map_err(|Unavailable| down())?;
                if found.contains(&Match::Unreadable) {
                    Err(down())
                } else {
                    Ok(found)
                }
            })
        });
        let mut answers = try_join_all(asked).await?;
        for one in answers.iter_mut().flatten() {
            // S43: an address at any domain of the organisation is none of the member's own, whichever directory says so.
            if let Match::One(member) = one
                && member
                    .personal_email
                    .as_ref()
                    .is_some_and(|email| self.1.has_for(member, email))
            {
                member.personal_email = None;
            }
        }
        let mut found = vec![Match::Nobody; by.len()];
        for ((_, places), answer) in shares.into_iter().zip(answers) {
            for (place, one) in places.into_iter().zip(answer) {
                if let Some(slot) = found.get_mut(place) {
                    *slot = one;
                }
            }
        }
        Ok(found)
    }

    /// Those that are not our own database.
    pub fn elsewhere(&self) -> impl Iterator<Item = &Home> {
        self.0.iter().filter(|home| home.breaker.is_some())
    }
}

/// One directory, its domains, and what protects others from its silence.
pub struct Home {
    directory: Directory,
    domains: Vec<String>,
    /// None where the directory is our own database.
    breaker: Option<Breaker>,
    chance: Chance,
}

impl Home {
    /// The built-in directory, for these e-mail domains; for every other one where there are none.
    pub fn builtin(directory: Directory, domains: Vec<String>) -> Self {
        Self {
            directory,
            domains,
            breaker: None,
            chance: Chance::System,
        }
    }

    /// A directory elsewhere, for these e-mail domains.
    pub fn elsewhere(
        directory: Directory,
        domains: Vec<String>,
        clock: Clock,
        chance: Chance,
    ) -> Self {
        Self {
            directory,
            domains,
            breaker: Some(Breaker::new(clock)),
            chance,
        }
    }

    /// What ids of this directory begin with; nothing in the built-in one.
    fn prefix(&self) -> Option<String> {
        self.breaker.is_some().then(|| id_prefix(self.name()))
    }

    fn has_domain(&self, email: &EmailAddress) -> bool {
        self.domains.is_empty() || self.domains.contains(&email.domain())
    }

    /// Asks a question, a second time where the first got no answer quickly. A directory that was silent lately is
    /// not asked.
    async fn ask<T, F>(&self, question: impl Fn() -> F) -> Result<T, Unavailable>
    where
        F: Future<Output = Result<T, Unavailable>>,
    {
        let Some(breaker) = &self.breaker else {
            return question().await;
        };
        if !breaker.may_call() {
            return Err(Unavailable);
        }
        let twice = async {
            if let Ok(answer) = question().await {
                return Ok(answer);
            }
            let pause = self
                .chance
                .rng()
                .map_or(PAUSE.1, |mut rng| rng.random_range(PAUSE.0..PAUSE.1));
            tokio::time::sleep(Duration::from_millis(pause)).await;
            question().await
        };
        let answer = tokio::time::timeout(ASK_DEADLINE, twice)
            .await
            .unwrap_or(Err(Unavailable));
        breaker.note(answer.is_ok());
        answer
    }
}

/// What the ids of a directory begin with, so that two directories never mean two people by one id.
pub(super) fn id_prefix(name: &str) -> String {
    format!("{name}/")
}

impl Backend for Home {
    fn name(&self) -> &str {
        self.directory.name()
    }

    fn capabilities(&self) -> Capabilities {
        self.directory.capabilities()
    }

    async fn find(&self, by: &[By]) -> Result<Vec<Match>, Unavailable> {
        self.ask(|| self.directory.find(by)).await
    }

    async fn reset(
        &self,
        reservation: &Reservation,
        password: &Password,
        until: Moment,
    ) -> Result<(), ResetFailed> {
        let Some(breaker) = &self.breaker else {
            return self.directory.reset(reservation, password, until).await;
        };
        if !breaker.may_call() {
            return Err(ResetFailed::NotSent);
        }
        let change = self.directory.reset(reservation, password, until);
        let ended = tokio::time::timeout(CHANGE_DEADLINE, change)
            .await
            .unwrap_or(Err(ResetFailed::Unknown));
        breaker.note(matches!(ended, Ok(()) | Err(ResetFailed::Refused(_))));
        ended
    }

    async fn enforced(
        &self,
        member: &MemberId,
        password: &Password,
    ) -> Result<Enforced, Unavailable> {
        self.ask(|| self.directory.enforced(member, password)).await
    }

    async fn last_change(&self, member: &MemberId) -> Result<Option<Moment>, Unavailable> {
        self.ask(|| self.directory.last_change(member)).await
    }

    async fn sign_out(&self, member: &MemberId) -> Result<(), Unavailable> {
        self.ask(|| self.directory.sign_out(member)).await
    }

    async fn send_link(&self, member: &MemberId, life: Span) -> Result<(), ResetFailed> {
        let Some(breaker) = &self.breaker else {
            return self.directory.send_link(member, life).await;
        };
        if !breaker.may_call() {
            return Err(ResetFailed::NotSent);
        }
        let sent = self.directory.send_link(member, life);
        let ended = tokio::time::timeout(CHANGE_DEADLINE, sent)
            .await
            .unwrap_or(Err(ResetFailed::Unknown));
        breaker.note(matches!(ended, Ok(()) | Err(ResetFailed::Refused(_))));
        ended
    }

    async fn probe(&self) -> Result<(), String> {
        self.directory.probe().await
    }

    async fn warnings(&self) -> Vec<String> {
        self.directory.warnings().await
    }
}
