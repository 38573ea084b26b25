//! Argon2id on a few threads of its own, each with a buffer that it reuses, so that hashing neither grows the process nor
//! delays requests.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rand::{CryptoRng, RngExt};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

/// Memory in KiB, passes and lanes of OWASP's first choice ("Password Storage Cheat Sheet": m=19 MiB, t=2, p=1).
const COST: Cost = (19_456, 2, 1);

/// Memory in KiB, passes and lanes.
type Cost = (u32, u32, u32);

/// How many hashes may wait for a thread. At about 20 ms each that is more than a second; beyond that the answer is "busy".
const QUEUE_LIMIT: usize = 64;

/// How long to wait for a hash. Shorter than the deadline of the change that needs it, so that on a machine that is too busy
/// nothing was changed for certain.
const HASH_DEADLINE: Duration = Duration::from_secs(10);

/// Length of the hash, in bytes.
const LENGTH: usize = 32;

/// Why there is no hash. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// The queue is full, or the wait was too long.
    #[error("too many passwords wait to be hashed")]
    Busy,
    /// The stored credential or the library is not what it should be.
    #[error("the credential cannot be used")]
    Broken,
}

struct HashRequest {
    password: Zeroizing<Vec<u8>>,
    salt: [u8; 16],
    cost: Cost,
    answer: oneshot::Sender<Result<[u8; LENGTH], HashError>>,
}

/// A handle to the hashing threads, which end when the last handle is dropped.
#[derive(Clone)]
pub struct Hasher(HashMethod);

#[derive(Clone)]
enum HashMethod {
    Argon2id(mpsc::SyncSender<HashRequest>),
    Cheap,
}

impl Hasher {
    /// Starts one thread fewer than the machine has cores, at least one.
    pub fn start() -> std::io::Result<Self> {
        let (sender, queue) = mpsc::sync_channel(QUEUE_LIMIT);
        let queue = Arc::new(Mutex::new(queue));
        for number in 0..Self::threads() {
            let queue = Arc::clone(&queue);
            thread::Builder::new()
                .name(format!("hasher-{number}"))
                .spawn(move || work(&queue))?;
        }
        Ok(Self(HashMethod::Argon2id(sender)))
    }

    /// How many hashes are computed at once.
    pub fn threads() -> usize {
        thread::available_parallelism().map_or(1, |cores| cores.get().saturating_sub(1).max(1))
    }

    /// A hash that costs nothing, so that a benchmark measures everything else. No setting selects it.
    #[doc(hidden)]
    pub fn cheap_for_benchmarks() -> Self {
        Self(HashMethod::Cheap)
    }

    /// Hashes a password into a PHC string with a fresh salt.
    pub async fn hash(&self, password: &str, salt: [u8; 16]) -> Result<String, HashError> {
        match &self.0 {
            HashMethod::Argon2id(queue) => {
                let hash = run(queue, password, salt, COST, HASH_DEADLINE).await?;
                let (memory, passes, lanes) = COST;
                let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
                Ok(format!(
                    "$argon2id$v=19$m={memory},t={passes},p={lanes}${salt}${hash}"
                ))
            }
            HashMethod::Cheap => {
                let digest = Sha256::new()
                    .chain_update(salt)
                    .chain_update(password)
                    .finalize();
                Ok(format!("$cheap${}", hex::encode(digest)))
            }
        }
    }

    /// Hashes another form of a password that has this PHC string. The salt stays: by that the store knows that the password
    /// is still the one that was checked (see [`crate::store`], `accounts`).
    pub async fn hash_anew(&self, password: &str, phc: &str) -> Result<String, HashError> {
        let (_cost, salt, _hash) = read_phc(phc).ok_or(HashError::Broken)?;
        self.hash(password, salt).await
    }

    /// True when the password belongs to the PHC string, which may have other cost parameters than new hashes.
    pub async fn verify(&self, password: &str, phc: &str) -> Result<bool, HashError> {
        let HashMethod::Argon2id(queue) = &self.0 else {
            return Err(HashError::Broken);
        };
        let (cost, salt, expected) = read_phc(phc).ok_or(HashError::Broken)?;
        let hash = run(queue, password, salt, cost, HASH_DEADLINE).await?;
        Ok(hash.ct_eq(&expected).into())
    }

    /// A fresh salt.
    pub fn salt(rng: &mut impl CryptoRng) -> [u8; 16] {
        rng.random()
    }
}

async fn run(
    queue: &mpsc::SyncSender<HashRequest>,
    password: &str,
    salt: [u8; 16],
    cost: Cost,
    deadline: Duration,
) -> Result<[u8; LENGTH], HashError> {
    let (answer, hash) = oneshot::channel();
    // The thread needs a copy of its own, which is wiped after the hash.
    let password = Zeroizing::new(password.as_bytes().to_vec());
    queue
        .try_send(HashRequest {
            password,
            salt,
            cost,
            answer,
        })
        .map_err(|_full| HashError::Busy)?;
    match tokio::time::timeout(deadline, hash).await {
        Ok(hash) => hash.map_err(|_closed| HashError::Broken)?,
        Err(_) => Err(HashError::Busy),
    }
}

fn work(queue: &Mutex<mpsc::Receiver<HashRequest>>) {
    // Requests are more urgent than hashing. A container may forbid this; then hashing keeps its priority.
    if let Err(error) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), 19) {
        tracing::debug!(
            error = &error as &dyn std::error::Error,
            "hashing keeps its priority"
        );
    }
    let mut memory: Vec<Block> = Vec::new();
    loop {
        // The lock is released before the hash, so that other threads can take the next request.
        let next = queue.lock().map(|queue| queue.recv());
        let Ok(Ok(HashRequest {
            password,
            salt,
            cost,
            answer,
        })) = next
        else {
            return;
        };
        if answer.is_closed() {
            // The caller gave up.
            continue;
        }
        // A panic is logged by the panic hook; the thread goes on with the next request.
        let hashed = catch_unwind(AssertUnwindSafe(|| {
            hash(&password, salt, cost, &mut memory)
        }));
        answer.send(hashed.unwrap_or(Err(HashError::Broken))).ok();
    }
}

fn broken(error: argon2::Error) -> HashError {
    tracing::error!(
        error = &error as &dyn std::error::Error,
        "a password could not be hashed"
    );
    HashError::Broken
}

fn hash(
    password: &[u8],
    salt: [u8; 16],
    (memory_kib, passes, lanes): Cost,
    memory: &mut Vec<Block>,
) -> Result<[u8; LENGTH], HashError> {
    #[cfg(debug_assertions)]
    crate::fault::panic_once("hasher-panics");
    let params = Params::new(memory_kib, passes, lanes, Some(LENGTH)).map_err(broken)?;
    memory.resize(params.block_count(), Block::new());
    let mut hash = [0; LENGTH];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(password, &salt, &mut hash, memory.as_mut_slice())
        .map_err(broken)?;
    Ok(hash)
}

/// Reads `$argon2id$v=19$m=…,t=…,p=…$salt$hash`; cost parameters above sixteen times ours are refused.
fn read_phc(phc: &str) -> Option<(Cost, [u8; 16], [u8; LENGTH])> {
    let mut parts = phc.strip_prefix("$argon2id$v=19$")?.split('$');
    let mut costs = parts.next()?.split(',');
    let mut cost = |prefix: &str, most: u32| {
        costs
            .next()?
            .strip_prefix(prefix)?
            .parse::<u32>()
            .ok()
            .filter(|value| (1..=most).contains(value))
    };
    let cost = (cost("m=", COST.0 * 16)?, cost("t=", 32)?, cost("p=", 16)?);
    let salt = STANDARD_NO_PAD
        .decode(parts.next()?)
        .ok()?
        .try_into()
        .ok()?;
    let hash = STANDARD_NO_PAD
        .decode(parts.next()?)
        .ok()?
        .try_into()
        .ok()?;
    parts.next().is_none().then_some((cost, salt, hash))
}

#[cfg(test)]
impl Hasher {
    /// Hashes with the real threads, and counts how often it was asked.
    pub(super) fn counting() -> (Self, Arc<std::sync::atomic::AtomicUsize>) {
        let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let Ok(Self(HashMethod::Argon2id(threads))) = Self::start() else {
            unreachable!()
        };
        let (sender, queue) = mpsc::sync_channel(QUEUE_LIMIT);
        let count = Arc::clone(&asked);
        thread::spawn(move || {
            while let Ok(request) = queue.recv() {
                count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                threads.send(request).unwrap();
            }
        });
        (Self(HashMethod::Argon2id(sender)), asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_verified_and_another_is_not() {
        let hasher = Hasher::start().unwrap();
        let phc = hasher.hash("k7Rm4Tqx", [3; 16]).await.unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert_eq!(hasher.verify("k7Rm4Tqx", &phc).await, Ok(true));
        assert_eq!(hasher.verify("k7Rm4Tqy", &phc).await, Ok(false));
    }

    /// The library's own reader accepts what we write.
    #[tokio::test]
    async fn the_credential_is_a_phc_string_that_others_can_read() {
        use argon2::PasswordVerifier;

        let phc = Hasher::start()
            .unwrap()
            .hash("k7Rm4Tqx", [3; 16])
            .await
            .unwrap();
        let parsed = argon2::password_hash::phc::PasswordHash::new(&phc).unwrap();
        assert!(
            Argon2::default()
                .verify_password(b"k7Rm4Tqx", &parsed)
                .is_ok()
        );
    }

    #[tokio::test]
    async fn a_broken_credential_is_an_error_and_not_a_no() {
        let hasher = Hasher::start().unwrap();
        for broken in [
            "",
            "$argon2id$v=19$m=1$$",
            "$2b$10$abc",
            "$argon2id$v=19$m=99999999,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AA",
        ] {
            assert_eq!(
                hasher.verify("x", broken).await,
                Err(HashError::Broken),
                "{broken}"
            );
        }
    }

    /// A machine that is too busy is not reported as a broken credential.
    #[tokio::test]
    async fn who_waits_too_long_is_told_to_come_back() {
        let hasher = Hasher::start().unwrap();
        let HashMethod::Argon2id(queue) = &hasher.0 else {
            unreachable!()
        };
        assert_eq!(
            run(queue, "x", [1; 16], COST, Duration::ZERO).await,
            Err(HashError::Busy)
        );
        assert!(hasher.hash("x", [1; 16]).await.is_ok());
    }

    #[tokio::test]
    async fn more_than_the_queue_holds_is_told_to_come_back() {
        let hasher = Hasher::start().unwrap();
        let mut running = tokio::task::JoinSet::new();
        for _ in 0..QUEUE_LIMIT * 3 {
            let hasher = hasher.clone();
            running.spawn(async move { hasher.hash("x", [1; 16]).await });
        }
        let ended = running.join_all().await;
        assert!(
            ended.contains(&Err(HashError::Busy)),
            "nobody was turned away"
        );
        assert!(ended.iter().any(Result::is_ok));
    }
}
