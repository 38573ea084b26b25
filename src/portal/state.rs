//! What every page needs.

use std::sync::Arc;

use axum::extract::{FromRef, State};
use tokio::sync::Semaphore;

use super::running_tries::RunningTries;
use super::throttle::{CodeSignInLimit, Throttle};
use crate::app::App;
use crate::directory::Builtin;
use crate::http::RequestPool;
use crate::telemetry::SampledCounter;

/// How the handlers take the portal.
pub(super) type PortalState = State<Arc<Portal>>;

#[derive(Clone)]
pub(super) struct Portal {
    pub(super) app: Arc<App>,
    pub(super) builtin: Builtin,
    pub(super) throttle: Arc<Throttle>,
    pub(super) code_sign_ins: Arc<CodeSignInLimit>,
    pub(super) running_tries: RunningTries,
    /// Bounds open pages that wait for the notice of a reset.
    pub(super) listeners: Arc<RequestPool>,
    /// Bounds all other requests.
    pub(super) requests: Arc<RequestPool>,
    /// Pages that could not be served.
    pub(super) not_served: Arc<SampledCounter>,
    /// New passwords are rated one at a time: it takes a core, and the others must go on answering.
    pub(super) rating: Arc<Semaphore>,
    /// False only where the pages are served on this machine itself, without TLS.
    pub(super) is_secure: bool,
    /// The names of the cookies of sessions and devices have the prefix `__Host-`.
    pub(super) has_prefix: bool,
}

impl Portal {
    pub(super) fn new(app: &Arc<App>, builtin: &Builtin) -> Self {
        Self {
            app: Arc::clone(app),
            builtin: builtin.clone(),
            throttle: Arc::default(),
            code_sign_ins: Arc::default(),
            running_tries: RunningTries::default(),
            listeners: RequestPool::of_listeners(),
            requests: RequestPool::of_pages(),
            not_served: Arc::default(),
            rating: Arc::new(Semaphore::new(1)),
            is_secure: is_secure(app),
            has_prefix: has_prefix(app),
        }
    }

    /// True for the origin of our own pages, as far as it is known.
    pub(super) fn is_own_origin(&self, origin: &str) -> bool {
        let own = self.app.organization.public_url.as_ref();
        own.is_none_or(|own| own.origin().ascii_serialization() == origin)
    }
}

/// The portal by the settings of the start. Each request gets it by the settings of now.
#[derive(Clone)]
pub(super) struct PortalAtStart(pub(super) Arc<Portal>);

impl FromRef<PortalAtStart> for Arc<Portal> {
    fn from_ref(PortalAtStart(first): &PortalAtStart) -> Self {
        let app = first.app.present();
        if Arc::ptr_eq(&app, &first.app) {
            return Arc::clone(first);
        }
        // Where the settings have no built-in directory any more, its pages stay until the restart.
        let builtin = app.directories.builtin().unwrap_or(&first.builtin).clone();
        let (is_secure, has_prefix) = (is_secure(&app), has_prefix(&app));
        Arc::new(Portal {
            app,
            builtin,
            is_secure,
            has_prefix,
            ..Portal::clone(first)
        })
    }
}

fn is_secure(app: &App) -> bool {
    app.organization
        .public_url
        .as_ref()
        .is_none_or(|url| url.scheme() != "http")
}

/// The prefix `__Host-` needs `Secure` and the path `/` (RFC 6265bis, section 4.1.3.2).
fn has_prefix(app: &App) -> bool {
    is_secure(app) && app.organization.public_path().is_empty()
}
