//! The cookies of the pages: their names, and how they are read and set.
//!
//! Our own, and not the crate `cookie`: it would replace the dozen lines of `values` and `SetCookie::to_string`, and what
//! matters here it does not know: a cookie that was sent twice counts as none.

use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::response::Response;

use super::state::Portal;

/// Longer values are none of ours.
const LONGEST: usize = 64;

/// The two names of a cookie.
pub(super) struct CookieName {
    /// Under this name no other host can set it, not even a neighbour under the same domain (RFC 6265bis, "The __Host-
    /// prefix"). It needs TLS and the path `/`.
    pub(super) prefixed: &'static str,
    pub(super) plain: &'static str,
}

impl CookieName {
    pub(super) fn get(&self, has_prefix: bool) -> &'static str {
        if has_prefix {
            self.prefixed
        } else {
            self.plain
        }
    }
}

/// The session. Before it had the prefix it had the plain name everywhere.
pub(super) const SESSION: CookieName = CookieName {
    prefixed: "__Host-relatch_session",
    plain: "relatch_session",
};

/// A browser that signed in before.
pub(super) const DEVICE: CookieName = CookieName {
    prefixed: "__Host-relatch_device",
    plain: "relatch_device",
};

/// Ties a form to the browser that asked for it. It has the prefix wherever there is TLS, even if the pages have a path.
pub(super) const FORM: CookieName = CookieName {
    prefixed: "__Host-relatch_form",
    plain: "relatch_form",
};

/// What a form has changed, until a page has said it. It has the prefix wherever there is TLS.
pub(super) const DONE: CookieName = CookieName {
    prefixed: "__Host-relatch_done",
    plain: "relatch_done",
};

/// The path of cookies with the prefix, which demands it, and of all where the pages have a host of their own.
const ROOT: &str = "/";

/// A cookie for the browser; every one is `HttpOnly`.
pub(super) struct SetCookie<'a> {
    pub(super) name: &'static str,
    pub(super) value: &'a str,
    pub(super) same_site: &'static str,
    /// In seconds; none until the browser is closed.
    pub(super) max_age: Option<i64>,
    /// Below which it is sent; none for that of the pages.
    pub(super) path: Option<&'static str>,
}

impl<'a> SetCookie<'a> {
    /// It comes with links from other sites, because mails link to the pages; forms from there are refused (CSRF token).
    pub(super) fn lax(name: &'static str, value: &'a str) -> Self {
        Self {
            name,
            value,
            same_site: "Lax",
            max_age: None,
            path: None,
        }
    }

    /// It comes with requests from our own pages alone.
    pub(super) fn strict(name: &'static str, value: &'a str) -> Self {
        Self {
            same_site: "Strict",
            ..Self::lax(name, value)
        }
    }

    /// Makes the browser forget a cookie.
    pub(super) fn removal(name: &'static str) -> Self {
        Self {
            max_age: Some(0),
            ..Self::lax(name, "")
        }
    }

    /// Makes the browser forget the cookie of this name that has the path `/`.
    pub(super) fn removal_at_root(name: &'static str) -> Self {
        Self {
            path: Some(ROOT),
            ..Self::removal(name)
        }
    }

    /// Adds the header to an answer.
    pub(super) fn add_to(&self, response: &mut Response, portal: &Portal) {
        let secure = if portal.is_secure { "; Secure" } else { "" };
        let text = format!(
            "{}{secure}",
            self.text(portal.app.organization.public_path())
        );
        if let Ok(value) = HeaderValue::from_str(&text) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
    }

    fn text(&self, public_path: &str) -> String {
        let Self {
            name,
            value,
            same_site,
            max_age,
            path,
        } = self;
        let is_at_root = public_path.is_empty() || name.starts_with("__Host-");
        let path = path.unwrap_or(if is_at_root { ROOT } else { public_path });
        let age = max_age.map_or_else(String::new, |age| format!("; Max-Age={age}"));
        format!("{name}={value}; Path={path}; HttpOnly; SameSite={same_site}{age}")
    }
}

/// The value of a cookie that was sent exactly once.
pub(super) fn read(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut values = values(headers, name);
    match (values.next(), values.next()) {
        (Some(only), None) if !only.is_empty() && only.len() <= LONGEST => Some(only.to_owned()),
        (Some(_) | None, _) => None,
    }
}

/// True if a cookie was sent at all.
pub(super) fn is_sent(headers: &HeaderMap, name: &str) -> bool {
    values(headers, name).next().is_some()
}

fn values<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(move |(known, _)| *known == name)
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_that_was_sent_twice_is_none() {
        let sent = |lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::COOKIE, line.parse().unwrap());
            }
            read(&headers, "a")
        };
        assert_eq!(sent(&["b=1; a=2=3", "c=4"]), Some("2=3".to_owned()));
        for lines in [
            &["a=1; a=2"][..],
            &["a=1", "a=1"],
            &["a="],
            &["A=1; aa=2; a"],
            &[],
        ] {
            assert_eq!(sent(lines), None, "{lines:?}");
        }
        assert_eq!(sent(&[&format!("a={}", "x".repeat(65))]), None);
    }

    #[test]
    fn a_removal_has_no_value_and_no_life() {
        assert_eq!(
            SetCookie::removal(SESSION.plain).text(""),
            "relatch_session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"
        );
    }

    #[test]
    fn a_cookie_has_the_path_of_the_pages_unless_its_prefix_forbids_it() {
        let path_of = |name| {
            let text = SetCookie::lax(name, "a").text("/it/reset");
            let (_, rest) = text.split_once("; Path=").unwrap();
            rest.split(';').next().unwrap().to_owned()
        };
        assert_eq!(path_of(DEVICE.plain), "/it/reset");
        assert_eq!(path_of(FORM.prefixed), "/");
    }
}
