//! The key file: made on the first start, and private to its owner.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::Path;

use rand::{CryptoRng, RngExt};
use zeroize::Zeroizing;

use super::keys::{KeyError, Keys};

impl Keys {
    /// Reads the key file. If there is none, makes one that only its owner can read.
    pub fn load_or_create(path: &Path, rng: &mut impl CryptoRng) -> Result<Self, KeyError> {
        if !path.try_exists()? {
            Self::create(path, None, rng)?;
        }
        Self::load(path)
    }

    /// The same, but a new key file belongs to whoever owns this other file.
    pub fn load_or_create_beside(
        path: &Path,
        owned: &Path,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, KeyError> {
        if !path.try_exists()? {
            Self::create(path, Some(&owned.metadata()?), rng)?;
        }
        Self::load(path)
    }

    /// Writes the whole key to a temporary file and links that to its place, so that nobody ever reads half of one. If two
    /// processes do this at once, the first wins.
    fn create(
        path: &Path,
        owned: Option<&Metadata>,
        rng: &mut impl CryptoRng,
    ) -> Result<(), KeyError> {
        let mut beside = path.as_os_str().to_owned();
        beside.push(format!(".{:016x}", rng.random::<u64>()));
        let beside = Path::new(&beside);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(beside)?;
        let master = Zeroizing::new(rng.random::<[u8; 32]>());
        file.write_all(Zeroizing::new(hex::encode(master.as_slice())).as_bytes())?;
        // By the descriptor, so that nobody can put another file in its place meanwhile.
        if let Some(owned) = owned
            && owned.uid() != file.metadata()?.uid()
        {
            fchown(&file, Some(owned.uid()), Some(owned.gid()))?;
        }
        file.sync_all()?;
        let linked = std::fs::hard_link(beside, path);
        std::fs::remove_file(beside)?;
        match linked {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error.into()),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Reads the key file. One that others may read is refused.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let mut file = File::open(path)?;
        if file.metadata()?.mode() & 0o077 != 0 {
            return Err(KeyError::Exposed);
        }
        let mut text = Zeroizing::new(String::new());
        file.read_to_string(&mut text)?;
        let mut master = Zeroizing::new([0; 32]);
        // The error of `hex` names a character of the key, so it is not carried on.
        hex::decode_to_slice(text.trim(), master.as_mut_slice())
            .map_err(|_| KeyError::Malformed)?;
        Self::from_master(&master)
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn the_key_file_is_made_once_and_kept_private() {
        use std::os::unix::fs::PermissionsExt;

        let folder = std::env::temp_dir().join(format!("relatch-key-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("relatch.key");
        let mut rng = StdRng::seed_from_u64(1);
        let first = Keys::load_or_create(&path, &mut rng).unwrap();
        let second = Keys::load_or_create(&path, &mut rng).unwrap();
        assert_eq!(first.tag(&[b"x"]), second.tag(&[b"x"]));
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(
            Keys::load_or_create(&path, &mut rng),
            Err(KeyError::Exposed)
        ));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
