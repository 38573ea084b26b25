//! Requests come with the path of `public_url` or, through a proxy that strips it, without: both are served.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::Uri;
use axum::middleware::map_request_with_state;

use crate::app::App;

/// Serves the routes below the path of `public_url` too. A reload may change the path.
pub(crate) fn with_public_path(app: &Arc<App>, routes: Router) -> Router {
    // A layer of the routes themselves would run when their path has been looked up already.
    Router::new()
        .fallback_service(routes)
        .layer(map_request_with_state(Arc::clone(app), strip))
}

async fn strip(State(app): State<Arc<App>>, mut request: Request) -> Request {
    let app = app.present();
    if let Some(uri) = stripped(request.uri(), app.organization.public_path()) {
        *request.uri_mut() = uri;
    }
    request
}

/// The address without the prefix; none where it does not begin with the whole of it.
fn stripped(uri: &Uri, prefix: &str) -> Option<Uri> {
    let rest = uri
        .path()
        .strip_prefix(prefix)
        .filter(|_| !prefix.is_empty())?;
    if !rest.is_empty() && !rest.starts_with('/') {
        return None;
    }
    let path = if rest.is_empty() { "/" } else { rest };
    let query = uri.query().map(|query| format!("?{query}"));
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some([path, &query.unwrap_or_default()].concat().parse().ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_prefix_is_taken_off_once() {
        for (uri, expected) in [
            ("/it/reset/signin?a=/it/reset", Some("/signin?a=/it/reset")),
            ("/it/reset/it/reset/signin", Some("/it/reset/signin")),
            ("/it/reset", Some("/")),
            ("/it/reset/", Some("/")),
            ("/it/reset?a", Some("/?a")),
            ("/it/reset//signin", Some("//signin")),
            ("http://a/it/reset/signin", Some("http://a/signin")),
            ("/it/resetsignin", None),
            ("/it/Reset/signin", None),
            ("/signin", None),
            ("*", None),
        ] {
            let uri: Uri = uri.parse().unwrap();
            let told = stripped(&uri, "/it/reset").map(|uri| uri.to_string());
            assert_eq!(told.as_deref(), expected, "{uri}");
            assert_eq!(stripped(&uri, ""), None, "{uri}");
        }
    }
}
