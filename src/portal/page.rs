//! What all pages have in common: the frame around them, and the page that says one thing.

use std::error::Error;

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::state::Portal;
use super::texts::{self, HelpDesk, PageText};

/// What every page shows around its own part.
#[derive(Default)]
pub(super) struct Frame {
    pub(super) organization: String,
    /// The path of `public_url`, with which the addresses in the page begin.
    pub(super) public_path: String,
    /// The CSRF token of the page's forms.
    pub(super) csrf: String,
    pub(super) problem: String,
    pub(super) notice: String,
    /// What a form has just changed; it stands before the notice.
    pub(super) done: &'static str,
    /// Whom to ask for help. Each page decides whether it says so.
    pub(super) help: HelpDesk,
    /// Where an open page hears that its session has ended; empty where the browser has none.
    pub(super) events: &'static str,
}

impl Frame {
    /// For a page without a form.
    pub(super) fn of(portal: &Portal) -> Self {
        let organization = &portal.app.organization;
        Self {
            organization: organization.name.clone(),
            public_path: organization.public_path().to_owned(),
            help: HelpDesk::of(organization),
            ..Self::default()
        }
    }
}

/// A page that says one thing and leads back to the sign-in.
#[derive(Template)]
#[template(path = "plain.html")]
pub(super) struct PlainPage {
    pub(super) frame: Frame,
    pub(super) text: PageText,
}

pub(super) fn html(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => (
            status,
            [(header::CONTENT_TYPE, "text/html; charset=utf-8")],
            html,
        )
            .into_response(),
        Err(error) => {
            tracing::error!(error = &error as &dyn Error, "a page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// A 303 to one of our own routes: the browser opens that page with GET. [`super::public_path`] completes the address.
pub(super) fn redirect(path: &'static str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, path)]).into_response()
}

/// Logs why a page could not be served, and answers with the page that says so. Anybody can ask for pages, so the log has
/// one line a second at most.
pub(super) fn unavailable_for(portal: &Portal, error: &(dyn Error + 'static)) -> Response {
    if let Some(total) = portal.not_served.count(portal.app.clock.now()) {
        tracing::warn!(
            error,
            pages.not_served = total,
            "a page could not be served"
        );
    }
    unavailable(portal)
}

/// The page when something that is needed does not answer, or is too busy.
pub(super) fn unavailable(portal: &Portal) -> Response {
    let frame = Frame::of(portal);
    let text = texts::unavailable();
    html(StatusCode::SERVICE_UNAVAILABLE, &PlainPage { frame, text })
}
