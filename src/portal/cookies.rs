//! The cookies of the pages: their names, and how they are read and set.
//!
//! Our own, and not the crate `cookie`: it would replace the dozen lines of `values` and `SetCookie::to_string`, and what
//! matters here it does not know: a cookie that was sent twice counts as none.

use std::fmt;

use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::response::Response;

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

/// A cookie for the browser; every one is `HttpOnly` and has the path `/`.
pub(super) struct SetCookie<'a> {
    pub(super) name: &'static str,
    pub(super) value: &'a str,
    pub(super) same_site: &'static str,
    /// In seconds; none until the browser is closed.
    pub(super) max_age: Option<i64>,
}

impl<'a> SetCookie<'a> {
    /// It comes with links from other sites, because mails link to the pages; forms from there are refused (CSRF token).
    pub(super) fn lax(name: &'static str, value: &'a str) -> Self {
        Self {
            name,
            value,
            same_site: "Lax",
            max_age: None,
        }
    }

    /// Makes the browser forget a cookie.
    pub(super) fn removal(name: &'static str) -> Self {
        Self {
            max_age: Some(0),
            ..Self::lax(name, "")
        }
    }

    /// Adds the header to an answer.
    pub(super) fn add_to(&self, response: &mut Response, is_secure: bool) {
        let secure = if is_secure { "; Secure" } else { "" };
        if let Ok(value) = HeaderValue::from_str(&format!("{self}{secure}")) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
    }
}

impl fmt::Display for SetCookie<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            value,
            same_site,
            max_age,
        } = self;
        write!(f, "{name}={value}; Path=/; HttpOnly; SameSite={same_site}")?;
        match max_age {
            Some(age) => write!(f, "; Max-Age={age}"),
            None => Ok(()),
        }
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
            SetCookie::removal(SESSION.plain).to_string(),
            "relatch_session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"
        );
    }
}
