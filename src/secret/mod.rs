//! Our own key: the tags and seals that only we can make, its file, and what is too weak to be a secret.

mod key_file;
mod keys;
mod tokens;
mod weak;

pub use self::keys::Keys;
pub(crate) use self::keys::{HmacSha256, KeyError, NotSealed};
pub use self::tokens::Link;
pub(crate) use self::weak::is_weak_secret;
