//! The built-in directory, told how its next calls end: fault injection for the demo and for tests.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use super::{Backend, Builtin, By, Capabilities, Enforced, Match, ResetFailed, Unavailable};
use crate::domain::{MemberId, Moment, Password};
use crate::settings::Finding;
use crate::store::Reservation;

/// How the next reset ends.
#[derive(Clone, Debug)]
pub enum NextReset {
    /// As in the built-in directory.
    Real,
    /// It fails, and nothing is changed.
    Fail(ResetFailed),
    /// The change is made, but its answer is lost.
    ChangeAndLoseTheAnswer,
}

/// The built-in directory with injected faults.
#[derive(Clone)]
pub struct ScriptedDirectory {
    builtin: Builtin,
    resets: Arc<Mutex<VecDeque<NextReset>>>,
    sign_outs_to_fail: Arc<Mutex<u32>>,
}

impl ScriptedDirectory {
    /// Works like the built-in directory until it is told otherwise.
    pub fn new(builtin: Builtin) -> Self {
        Self {
            builtin,
            resets: Arc::default(),
            sign_outs_to_fail: Arc::default(),
        }
    }

    /// Queues how the next reset ends.
    pub fn next_reset(&self, next: NextReset) {
        if let Ok(mut resets) = self.resets.lock() {
            resets.push_back(next);
        }
    }

    /// Makes the next sign-outs fail.
    pub fn fail_sign_outs(&self, count: u32) {
        if let Ok(mut left) = self.sign_outs_to_fail.lock() {
            *left = count;
        }
    }

    /// The directory that it stands before.
    pub(super) fn as_builtin(&self) -> &Builtin {
        &self.builtin
    }
}

impl Backend for ScriptedDirectory {
    fn name(&self) -> &str {
        self.builtin.name()
    }

    fn capabilities(&self) -> Capabilities {
        self.builtin.capabilities()
    }

    async fn find(&self, by: &[By]) -> Result<Vec<Match>, Unavailable> {
        self.builtin.find(by).await
    }

    async fn reset(
        &self,
        reservation: &Reservation,
        password: &Password,
        until: Moment,
    ) -> Result<(), ResetFailed> {
        let next = self
            .resets
            .lock()
            .ok()
            .and_then(|mut resets| resets.pop_front())
            .unwrap_or(NextReset::Real);
        match next {
            NextReset::Real => self.builtin.reset(reservation, password, until).await,
            NextReset::Fail(failed) => Err(failed),
            NextReset::ChangeAndLoseTheAnswer => {
                self.builtin.reset(reservation, password, until).await?;
                Err(ResetFailed::Unknown)
            }
        }
    }

    async fn enforced(
        &self,
        member: &MemberId,
        password: &Password,
    ) -> Result<Enforced, Unavailable> {
        self.builtin.enforced(member, password).await
    }

    async fn last_change(&self, member: &MemberId) -> Result<Option<Moment>, Unavailable> {
        self.builtin.last_change(member).await
    }

    async fn sign_out(&self, member: &MemberId) -> Result<Vec<String>, Unavailable> {
        let fails = self.sign_outs_to_fail.lock().is_ok_and(|mut left| {
            let fails = *left > 0;
            *left = left.saturating_sub(1);
            fails
        });
        if fails {
            Err(Unavailable::ForNow)
        } else {
            self.builtin.sign_out(member).await
        }
    }

    async fn probe(&self) -> Result<(), Finding> {
        self.builtin.probe().await
    }
}
