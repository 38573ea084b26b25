//! One directory with its deadlines, one retry of questions and a circuit breaker, so that a directory that hangs does not
//! make everybody wait.

use std::ops::RangeInclusive;
use std::time::Duration;

use rand::RngExt;

use super::backend::id_prefix;
use super::breaker::Breaker;
use super::{
    Backend, Builtin, By, Capabilities, Directory, Enforced, ForcedChange, Match, ResetFailed,
    Unavailable, Wanted,
};
use crate::chance::Chance;
use crate::clock::Clock;
use crate::domain::makeup::PasswordNeeds;
use crate::domain::{EmailAddress, MemberId, Moment, Password, Span};
use crate::settings::Finding;
use crate::store::Reservation;

/// How long a directory may take to answer a question, with its retry.
const ASK_DEADLINE: Duration = Duration::from_secs(5);

/// How long it may take for a change.
const CHANGE_DEADLINE: Duration = Duration::from_secs(14);

/// How long signing out may take: a directory may tell each application of it, and wait for its answer.
const SIGN_OUT_DEADLINE: Duration = Duration::from_secs(20);

/// The pause before the retry of a question, in milliseconds: from and to.
const RETRY_PAUSE: (u64, u64) = (50, 250);

/// One directory and its e-mail domains.
pub struct ResilientDirectory {
    directory: Directory,
    domains: Vec<String>,
    /// None where the directory is our own database.
    breaker: Option<Breaker>,
    chance: Chance,
}

impl ResilientDirectory {
    /// The built-in directory, for these e-mail domains; for every other one where there are none.
    pub fn builtin(directory: Directory, domains: Vec<String>) -> Self {
        Self {
            directory,
            domains,
            breaker: None,
            chance: Chance::System,
        }
    }

    /// A directory on another server, for these e-mail domains.
    pub fn remote(
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

    /// The built-in directory, where this is it: only its members have pages here.
    pub(super) fn as_builtin(&self) -> Option<&Builtin> {
        self.directory.as_builtin()
    }

    pub(super) fn is_remote(&self) -> bool {
        self.breaker.is_some()
    }

    pub(super) fn domains(&self) -> &[String] {
        &self.domains
    }

    /// The prefix of its member ids; none in the built-in one.
    pub(super) fn id_prefix(&self) -> Option<String> {
        self.is_remote().then(|| id_prefix(self.name()))
    }

    pub(super) fn has_domain(&self, email: &EmailAddress) -> bool {
        self.domains.is_empty() || self.domains.contains(&email.domain())
    }

    /// Asks a question, and once more where the first attempt failed quickly with what may pass. Fails at once while the
    /// breaker is open.
    async fn ask<T, F>(&self, question: impl Fn() -> F) -> Result<T, Unavailable>
    where
        F: Future<Output = Result<T, Unavailable>>,
    {
        if !self.is_remote() {
            return Box::pin(question()).await;
        }
        let with_retry = async {
            // Boxed, because the future of some directories is large.
            let answer = Box::pin(question()).await;
            if !matches!(answer, Err(Unavailable::ForNow)) {
                return answer;
            }
            let pause = self.chance.rng().map_or(RETRY_PAUSE.1, |mut rng| {
                rng.random_range(RETRY_PAUSE.0..RETRY_PAUSE.1)
            });
            tokio::time::sleep(Duration::from_millis(pause)).await;
            Box::pin(question()).await
        };
        self.ask_once(ASK_DEADLINE, with_retry).await
    }

    /// The same without the retry.
    async fn ask_once<T>(
        &self,
        deadline: Duration,
        question: impl Future<Output = Result<T, Unavailable>>,
    ) -> Result<T, Unavailable> {
        let Some(breaker) = &self.breaker else {
            return question.await;
        };
        if !breaker.may_call() {
            return Err(Unavailable::ForNow);
        }
        let answer = tokio::time::timeout(deadline, question)
            .await
            .unwrap_or(Err(Unavailable::ForNow));
        breaker.note(!matches!(answer, Err(Unavailable::ForNow)));
        answer
    }

    /// Makes a change once. Past the deadline nobody can say whether it was made.
    async fn change<T>(
        &self,
        change: impl Future<Output = Result<T, ResetFailed>>,
    ) -> Result<T, ResetFailed> {
        let Some(breaker) = &self.breaker else {
            return change.await;
        };
        if !breaker.may_call() {
            return Err(ResetFailed::NotSent);
        }
        let ended = tokio::time::timeout(CHANGE_DEADLINE, change)
            .await
            .unwrap_or(Err(ResetFailed::Unknown));
        let has_failed = matches!(ended, Err(ResetFailed::NotSent | ResetFailed::Unknown));
        breaker.note(!has_failed);
        ended
    }
}

impl Backend for ResilientDirectory {
    fn name(&self) -> &str {
        self.directory.name()
    }

    fn capabilities(&self) -> Capabilities {
        self.directory.capabilities()
    }

    fn password_needs(&self) -> PasswordNeeds {
        self.directory.password_needs()
    }

    async fn find(&self, by: &[By]) -> Result<Vec<Match>, Unavailable> {
        self.ask(|| self.directory.find(by)).await
    }

    async fn find_wanted(&self, wanted: &[Wanted]) -> Result<Vec<Match>, Unavailable> {
        self.ask(|| self.directory.find_wanted(wanted)).await
    }

    async fn reset(
        &self,
        reservation: &Reservation,
        password: &Password,
        until: Moment,
    ) -> Result<(), ResetFailed> {
        self.change(self.directory.reset(reservation, password, until))
            .await
    }

    async fn force_change(
        &self,
        member: &MemberId,
        set_within: Option<RangeInclusive<Moment>>,
    ) -> Result<ForcedChange, ResetFailed> {
        self.change(self.directory.force_change(member, set_within))
            .await
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

    async fn sign_out(&self, member: &MemberId) -> Result<Vec<String>, Unavailable> {
        // One that gave no answer may have its effect yet, and takes as long a second time.
        let sign_out = Box::pin(self.directory.sign_out(member));
        self.ask_once(SIGN_OUT_DEADLINE, sign_out).await
    }

    async fn unlock(&self, member: &MemberId) -> Result<(), Unavailable> {
        self.ask(|| self.directory.unlock(member)).await
    }

    async fn send_link(&self, member: &MemberId) -> Result<Span, ResetFailed> {
        self.change(self.directory.send_link(member)).await
    }

    fn close_idle(&self) {
        self.directory.close_idle();
    }

    async fn probe(&self) -> Result<(), Finding> {
        self.directory.probe().await
    }

    async fn warnings(&self) -> Vec<String> {
        self.directory.warnings().await
    }
}
