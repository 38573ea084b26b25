//! Where follow-ups go in Mattermost: the user whom the server signed, a channel, and a command's response address.

use super::is_id;
use crate::domain::Moment;

/// Stands where there is no response address.
const NONE: &str = "-";

/// A follow-up address. As a text it is `user:channel:hook:until`; the text is sealed before it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Whom the server signed: the only reader of an ephemeral post.
    pub(super) user: String,
    /// Where the post stands. Nothing depends on it: the server sends an ephemeral post to its user alone.
    pub(super) channel: String,
    /// The response address of the command. Whoever made the command named it: where the bot may not write to the user
    /// alone, cards and results go there, but never a password, nor a question whose button acts at once.
    pub(super) hook: Option<Hook>,
}

/// The only part of `response_url` that counts, and until when it works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hook {
    pub(super) id: String,
    pub(super) until: Moment,
}

impl Place {
    pub(super) fn write(&self) -> String {
        let Self {
            user,
            channel,
            hook,
        } = self;
        match hook {
            Some(Hook { id, until }) => format!("{user}:{channel}:{id}:{}", until.0),
            None => format!("{user}:{channel}:{NONE}:{NONE}"),
        }
    }

    /// None for what an earlier version stored: the end of such a reset is told at the next command.
    pub(super) fn read(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split(':').collect();
        let [user, channel, id, until] = parts.as_slice() else {
            return None;
        };
        let hook = match (*id, *until) {
            (NONE, NONE) => None,
            (id, until) if is_id(id) => Some(Hook {
                id: id.to_owned(),
                until: millis(until)?,
            }),
            _ => return None,
        };
        (is_id(user) && is_id(channel)).then(|| Self {
            user: (*user).to_owned(),
            channel: (*channel).to_owned(),
            hook,
        })
    }
}

/// The id in a response address, `…/hooks/commands/<id>`. The rest of the address does not matter: the call goes to the
/// server of the settings.
pub(super) fn hook_id(response_url: &str) -> Option<&str> {
    let (_, id) = response_url.rsplit_once("/hooks/commands/")?;
    is_id(id).then_some(id)
}

/// A time in milliseconds, as the server writes it: 13 digits until the year 2286.
pub(super) fn millis(text: &str) -> Option<Moment> {
    let is_plain = text.len() == 13 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain).map(Moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written() {
        let (user, channel) = ("u".repeat(26), "c".repeat(26));
        let hook = Some(Hook {
            id: "h".repeat(26),
            until: Moment(1_795_428_000_000),
        });
        for hook in [hook, None] {
            let place = Place {
                user: user.clone(),
                channel: channel.clone(),
                hook,
            };
            assert_eq!(Place::read(&place.write()), Some(place));
        }
        for wrong in [
            "https://chat.acme.example/hooks/commands/abc",
            "",
            "a:b:-:-",
            &format!("{user}:{channel}:-:1"),
        ] {
            assert_eq!(Place::read(wrong), None, "{wrong}");
        }
    }

    /// Nothing but the id of a response address counts.
    #[test]
    fn of_a_response_address_only_the_id_counts() {
        let id = "h".repeat(26);
        for address in [
            format!("https://chat.acme.example/hooks/commands/{id}"),
            format!("//x/hooks/commands/{id}"),
        ] {
            assert_eq!(hook_id(&address), Some(id.as_str()));
        }
        for wrong in [
            "",
            "abc",
            "x?y",
            &format!("{id}/.."),
            &format!("{id}?x"),
            &format!("../{id}"),
            &format!("{id}#"),
        ] {
            assert_eq!(
                hook_id(&format!("https://chat.acme.example/hooks/commands/{wrong}")),
                None,
                "{wrong}"
            );
        }
        assert_eq!(
            hook_id(&format!("https://chat.acme.example/hooks/{id}")),
            None
        );
    }
}
