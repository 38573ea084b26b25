//! Randomness: fresh generators, seeded by the operating system, or by a test so that its run can be repeated.

use std::sync::{Arc, Mutex, PoisonError};

use rand::SeedableRng;
use rand::rngs::{StdRng, SysError, SysRng};

/// The operating system gave no randomness, and nothing may go on without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no randomness")]
pub struct NoEntropy(#[from] SysError);

/// Where generators get their seeds.
#[derive(Clone)]
pub enum Chance {
    /// The operating system's secure source (S21).
    System,
    /// A generator that repeats itself. For tests and fixtures.
    Seeded(Arc<Mutex<StdRng>>),
}

impl Chance {
    /// Gives the same generators for the same seed.
    pub fn seeded(seed: u64) -> Self {
        Self::Seeded(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    /// A cryptographic generator with a seed of its own.
    pub fn rng(&self) -> Result<StdRng, NoEntropy> {
        match self {
            Self::System => Ok(StdRng::try_from_rng(&mut SysRng)?),
            Self::Seeded(source) => {
                let mut source = source.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(StdRng::from_rng(&mut *source))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Password;

    /// S21: two passwords of the system's source differ; two of one seed do not.
    #[test]
    fn the_system_does_not_repeat_itself_and_a_seed_does() {
        let draw = |chance: &Chance| Password::generate(&mut chance.rng().unwrap(), 16);
        assert_ne!(
            draw(&Chance::System).expose(),
            draw(&Chance::System).expose()
        );
        assert_eq!(
            draw(&Chance::seeded(1)).expose(),
            draw(&Chance::seeded(1)).expose()
        );
        let one = Chance::seeded(1);
        assert_ne!(draw(&one).expose(), draw(&one).expose());
    }
}
