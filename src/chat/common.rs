//! What the platforms' adapters have in common: one content type, remembered profiles, cut texts, and names for the ends
//! of calls.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use axum::http::{HeaderMap, header};

use super::{NotVerified, Profile, WhoError};
use crate::domain::delivery::{Outcome, Refusal};
use crate::domain::{Moment, Span};
use crate::net::{Answer, CallError};
use crate::recent::Recent;

/// How long a profile is good enough for a card.
const CACHE_LIFE: Span = Span::seconds(30);
/// How many profiles are surely kept, of the latest.
const CACHE_SIZE: usize = 10_000;

/// The content type must be this one, once, and the body as it is.
pub(super) fn check_content_type(headers: &HeaderMap, media: &str) -> Result<(), NotVerified> {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(only), None) = (types.next(), types.next()) else {
        return Err(NotVerified::ContentType);
    };
    let given = only
        .to_str()
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    if given.eq_ignore_ascii_case(media) && !headers.contains_key(header::CONTENT_ENCODING) {
        Ok(())
    } else {
        Err(NotVerified::ContentType)
    }
}

/// Cuts at a character, marking the cut.
pub(super) fn fit(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(limit.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// Profiles of the last half minute, for cards; what is done looks past them.
pub(super) struct Profiles(Mutex<Recent<String, (Moment, Profile)>>);

impl Default for Profiles {
    fn default() -> Self {
        Self(Mutex::new(Recent::new(CACHE_LIFE, CACHE_SIZE)))
    }
}

impl Profiles {
    pub(super) fn get(&self, user: &str, now: Moment) -> Option<Profile> {
        let known = self.0.lock().ok()?;
        known
            .get(user)
            .filter(|(at, _)| now - *at < CACHE_LIFE && now >= *at)
            .map(|(_, profile)| profile.clone())
    }

    pub(super) fn keep(&self, user: &str, profile: &Profile, now: Moment) {
        if let Ok(mut known) = self.0.lock() {
            known.insert(user.to_owned(), (now, profile.clone()), now);
        }
    }
}

/// How often addresses were used that the platform accepts only so often.
#[derive(Default)]
pub(super) struct Uses(Mutex<HashMap<String, (u32, Moment)>>);

impl Uses {
    /// How often this one was used so far.
    pub(super) fn count(&self, address: &str) -> u32 {
        let used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        used.get(address).map_or(0, |(count, _)| *count)
    }

    /// Gives a use back that surely did not reach the platform.
    pub(super) fn give_back(&self, address: &str) {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((count, _)) = used.get_mut(address) {
            *count = count.saturating_sub(1);
        }
    }

    /// Uses it once more, and forgets those that no longer work. How often that makes; it works no longer than `until`.
    pub(super) fn take(&self, address: &str, until: Moment, now: Moment) -> u32 {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, (_, until)| *until > now);
        let (count, _) = used.entry(address.to_owned()).or_insert((0, until));
        *count += 1;
        *count
    }
}

/// The platform's `Retry-After`, with half a minute where it is missing.
pub(super) fn wait(retry_after: Option<u64>) -> Span {
    Span::seconds(
        retry_after
            .and_then(|seconds| i64::try_from(seconds).ok())
            .unwrap_or(30),
    )
}

/// The answer of a REST call, or a name for why it holds nothing. `scope` is what a 403 means that we lack.
pub(super) fn read_rest(answer: &Answer, scope: &str) -> Result<serde_json::Value, WhoError> {
    match answer.status {
        200 | 201 => serde_json::from_slice(&answer.body).map_err(|_| WhoError::Unavailable),
        404 => Err(WhoError::NotFound),
        429 => Err(WhoError::RateLimited(wait(answer.retry_after))),
        401 => Err(WhoError::Refused("401".to_owned())),
        403 => Err(WhoError::MissingScope(scope.to_owned())),
        _ => Err(WhoError::Unavailable),
    }
}

/// How a follow-up ended. What was surely not sent, and what nobody can say, are two things.
pub(super) fn end_of_follow_up(answer: &Result<Answer, CallError>) -> Outcome {
    match answer {
        Ok(answer) if (200..300).contains(&answer.status) => Outcome::Accepted,
        Ok(answer) if answer.status == 429 => Outcome::Refused(Refusal::Later),
        Ok(answer) if answer.status < 500 => Outcome::Refused(Refusal::Message),
        Err(CallError::NotSent(_)) => Outcome::Refused(Refusal::Unreachable),
        Ok(_) | Err(CallError::NoAnswer(_) | CallError::TooLong | CallError::Malformed) => {
            Outcome::Unknown
        }
    }
}

/// 500 names that would be markup, a mention or a link somewhere; every renderer is tried on all of them.
#[cfg(test)]
pub(super) fn hostile_names() -> Vec<String> {
    const PARTS: [&str; 25] = [
        "@everyone",
        "@all @here",
        "<@300000000000000003>",
        "<!channel>",
        "<at id=all></at>",
        "</reset-password:1>",
        "<https://evil.example|x>",
        "<:x:1> :smile:",
        "**b**",
        "_i_ ~~s~~",
        "||h|| |t|",
        "```c```",
        "[x](https://evil.example)",
        "![i](x)",
        "https://evil.example",
        "> q",
        "# h",
        "~town-square",
        "discord.gg/x",
        "<font color=red>",
        "\\",
        "\u{202e}rtl",
        "\u{200b}",
        "-# small",
        "$`\\",
    ];
    let pairs = PARTS.iter().flat_map(|first| {
        PARTS
            .iter()
            .take(20)
            .map(move |second| format!("{first}{second}"))
    });
    let names: Vec<String> = pairs.collect();
    assert_eq!(names.len(), 500);
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_are_counted_and_what_was_not_sent_is_given_back() {
        let (uses, until) = (Uses::default(), Moment(1000));
        assert_eq!(
            (
                uses.take("a", until, Moment(0)),
                uses.take("a", until, Moment(1))
            ),
            (1, 2)
        );
        uses.give_back("a");
        uses.give_back("b");
        assert_eq!((uses.count("a"), uses.count("b")), (1, 0));
        assert_eq!(
            uses.take("b", until, Moment(1000)),
            1,
            "what works no longer is forgotten"
        );
        assert_eq!(uses.count("a"), 0);
    }
}
