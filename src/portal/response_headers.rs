//! The security headers of every answer.

use axum::extract::State;
use axum::http::HeaderValue;
use axum::response::Response;

use super::state::PortalState;

macro_rules! policy {
    ($ancestors:literal) => {
        concat!(
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; \
            base-uri 'none'; frame-ancestors ",
            $ancestors
        )
    };
}

const UNFRAMED: &str = policy!("'none'");
const FRAMED: &str = policy!("'self'");

/// Nothing may be cached, framed, sniffed or told to other sites.
pub(super) async fn add(State(portal): PortalState, mut response: Response) -> Response {
    let headers = response.headers_mut();
    let (policy, frame) = if portal.app.organization.is_framed {
        (FRAMED, "SAMEORIGIN")
    } else {
        (UNFRAMED, "DENY")
    };
    for (name, value) in [
        ("content-security-policy", policy),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", frame),
        ("x-robots-tag", "noindex"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // It holds for the whole host, which is not ours alone below a path.
    if portal.app.organization.public_path().is_empty() {
        let transport = if portal.is_secure {
            "max-age=31536000"
        } else {
            "max-age=0"
        };
        headers.insert(
            "strict-transport-security",
            HeaderValue::from_static(transport),
        );
    }
    response
}
