//! The web server: accepts connections, keeps them within limits and deadlines, and answers webhooks.
//!
//! It knows nothing of the pages: [`crate::server`] joins their routes with the webhooks'.

mod accept;
mod body;
mod connection;
mod connections;
mod limits;
mod lost;
mod network;
mod open_files;
mod pool;
mod progress;
mod proxies;
mod proxy_warnings;
mod public_path;
mod transport;
mod webhook;

pub(crate) use self::accept::listen;
pub(crate) use self::accept::serve;
pub(crate) use self::body::read_body;
pub use self::limits::{ConnectionLimits, ConnectionSettings};

pub(crate) use self::pool::{RequestPermit, RequestPool};
pub use self::proxies::TrustedProxies;
pub(crate) use self::public_path::with_public_path;
pub(crate) use self::webhook::{webhook_routes, with_strays};
