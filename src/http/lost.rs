//! Requests that miss a webhook: another method, or another path below a platform's prefix. Somebody set the address
//! wrongly on the platform, so the log says what to set.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn};
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
                let what = format!(" below {}", there_is_only(&app, routes, prefix));
                lost.log(&app, platform, &method, &what);
                StatusCode::NOT_FOUND
            };
            router = router.route(&path, any(answer));
        }
        router
    }

    /// Logs what a platform signed and nothing here takes, because the address that is set there leads elsewhere.
    pub(super) fn with_strays(self: Arc<Self>, router: Router, app: &Arc<App>) -> Router {
        let app = Arc::clone(app);
        router.layer(from_fn(move |request: Request, next: Next| {
            let (lost, app) = (Arc::clone(&self), app.present());
            async move {
                let stray = stray(&app, &request);
                let answer = next.run(request).await;
                let is_lost = matches!(
                    answer.status(),
                    StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED
                );
                if let Some((platform, what)) = stray.filter(|_| is_lost) {
                    lost.log(&app, platform, &Method::POST, &what);
                }
                answer
            }
        }))
    }

    fn log(&self, app: &App, platform: Platform, method: &Method, what: &str) {
        if self.sampler.is_due(app.clock.now()) {
            let platform = platform.as_str();
            tracing::warn!(platform, "{}{what}", name(method));
        }
    }
}

/// The platform whose signature a request outside of its prefix has, and what to log of it. Whoever sent it can have made the
/// header up, so the line holds nothing else of it.
fn stray(app: &App, request: &Request) -> Option<(Platform, String)> {
    if request.method() != Method::POST {
        return None;
    }
    let is_signed_by = |chat: &&Chat| {
        let header = chat.signature_header();
        header.is_some_and(|header| request.headers().contains_key(header))
    };
    let chat = app.chats.iter().find(is_signed_by)?;
    let prefix = chat.routes().first().and_then(|route| prefix(route))?;
    let rest = request.uri().path().strip_prefix(prefix);
    if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
        return None;
    }
    let what = format!(" outside of {}", there_is_only(app, chat.routes(), prefix));
    Some((chat.platform(), what))
}

/// The platform's prefix and its addresses, with the path of `public_url`.
fn there_is_only(app: &App, routes: &[&str], prefix: &str) -> String {
    let path = app.organization.public_path();
    let there: Vec<String> = routes
        .iter()
        .map(|route| format!("{path}{route}"))
        .collect();
    format!("{path}{prefix}: there is only {}", there.join(", "))
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
