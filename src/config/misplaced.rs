//! A key that stands in the wrong section: where it belongs, by the default settings.

use super::DEFAULT_TEXT;
use crate::settings::{NO_SETTING, Problem};

/// Names the place of an unknown key that another section has, where there is only one such place. In TOML whatever stands
/// behind the first section belongs to a section, so a key that is added at the end of the file lands in the last one.
pub(super) fn name_place(problem: &mut Problem) {
    if problem.text != NO_SETTING || problem.nearest.is_some() {
        return;
    }
    let (own, key) = problem.key.rsplit_once('.').unwrap_or(("", &problem.key));
    let plain = key.strip_suffix("_file").unwrap_or(key);
    let mut places: Vec<&str> = keys()
        .filter(|(section, known)| *section != own && (*known == key || *known == plain))
        .map(|(section, _)| section)
        .collect();
    places.dedup();
    problem.nearest = match places.as_slice() {
        ["", ..] => Some(format!("{key} in front of the first section")),
        ["directory"] => Some(format!("{key} in a [[directory]]")),
        [section] => Some(format!("{key} in [{section}]")),
        _ => None,
    };
}

/// Every key of the default settings with its section, which is empty in front of the first one. Most are commented out.
fn keys() -> impl Iterator<Item = (&'static str, &'static str)> {
    DEFAULT_TEXT.lines().scan("", |section, line| {
        let line = line.strip_prefix("# ").unwrap_or(line);
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.split(']').next())
        {
            *section = name.trim_start_matches('[');
        }
        let key = line.split_once(" = ").map(|(key, _)| key);
        let is_key = |key: &&str| {
            key.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        };
        Some((*section, key.filter(is_key).unwrap_or_default()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_led_to_the_only_section_that_has_it() {
        for (key, place) in [
            (
                "email.public_url",
                Some("public_url in front of the first section"),
            ),
            ("slack.window", Some("window in [policy]")),
            ("team_id", Some("team_id in [slack]")),
            (
                "signing_secret_file",
                Some("signing_secret_file in [slack]"),
            ),
            ("bind_dn", Some("bind_dn in a [[directory]]")),
            // Several sections have it.
            ("bot_token", None),
            ("policy.foo", None),
        ] {
            let mut problem = Problem::new(key, NO_SETTING);
            name_place(&mut problem);
            assert_eq!(problem.nearest.as_deref(), place, "{key}");
        }
    }
}
