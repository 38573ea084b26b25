//! Requests that miss a webhook: another method, or another path below a platform's prefix. Somebody set the address
//! wrongly on the platform, so the log says what to set.

use std::sync::Arc;

use axum::Router;
use axum::http::{Method, StatusCode};
use axum::routing::{MethodRouter, any};

use crate::app::App;
use crate::chat::{Adapter, Chat};
use crate::domain::Platform;
use crate::telemetry::LogSampler;

/// Logs such requests, one a second at most. Of a request only the method and our own part of the path are logged, as it
/// is set on the platform: a query or the rest of a path may hold a token.
#[derive(Default)]
pub(super) struct LostRequests {
    sampler: LogSampler,
}

impl LostRequests {
    /// The same route, with an answer to every other method.
    pub(super) fn with_other_methods(
        self: &Arc<Self>,
        posts: MethodRouter,
        app: &Arc<App>,
        chat: &Chat,
        route: &'static str,
    ) -> MethodRouter {
        let (lost, app, platform) = (Arc::clone(self), Arc::clone(app), chat.platform());
        let advice = chat.advice_on_method(route);
        posts.fallback(async move |method: Method| {
            let app = app.present();
            let path = app.organization.public_path();
            let what = format!(" {path}{route}: {advice}");
            lost.log(&app, platform, &method, &what);
            StatusCode::METHOD_NOT_ALLOWED
        })
    }

    /// Adds every other path that begins with the platform's prefix.
    pub(super) fn with_other_paths(
        self: &Arc<Self>,
        mut router: Router,
        app: &Arc<App>,
        chat: &Chat,
    ) -> Router {
        let platform = chat.platform();
        let Some(prefix) = chat.routes().first().and_then(|route| prefix(route)) else {
            return router;
        };
        for path in [
            prefix.to_owned(),
            format!("{prefix}/"),
            format!("{prefix}/{{*rest}}"),
        ] {
            let (lost, app, routes) = (Arc::clone(self), Arc::clone(app), chat.routes());
            let answer = async move |method: Method| {
                let app = app.present();
                let path = app.organization.public_path();
                let there: Vec<String> = routes
                    .iter()
                    .map(|route| format!("{path}{route}"))
                    .collect();
                let what = format!(" below {path}{prefix}: there is only {}", there.join(", "));
                lost.log(&app, platform, &method, &what);
                StatusCode::NOT_FOUND
            };
            router = router.route(&path, any(answer));
        }
        router
    }

    fn log(&self, app: &App, platform: Platform, method: &Method, what: &str) {
        if self.sampler.is_due(app.clock.now()) {
            let platform = platform.as_str();
            tracing::warn!(platform, "{}{what}", name(method));
        }
    }
}

/// `/slack/commands` → `/slack`.
fn prefix(route: &str) -> Option<&str> {
    let end = route.get(1..)?.find('/')? + 1;
    route.get(..end)
}

/// The method, if it is a usual one: any text can be sent as a method.
fn name(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "a request",
    }
}
