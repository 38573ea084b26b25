//! The follow-up address: the user whom the server signed, a channel, and a command's response address.

use super::is_id;
use crate::domain::Moment;

/// Written instead of a missing response address.
const NONE: &str = "-";

/// A follow-up address, written as `user:channel:hook:until`. The text is sealed before it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MattermostReply {
    /// The user whom the server signed. Only they can read an ephemeral post.
    pub(super) user: String,
    /// The channel of the post. Security does not depend on it: the server sends an ephemeral post to its user alone.
    pub(super) channel: String,
    /// The response address of the command. The sender of the request chose it, so cards and results go there only if the
    /// bot may not write to the user alone; a password never does, nor a question whose button acts at once.
    pub(super) hook: Option<ResponseHook>,
}

/// The id in `response_url`, and when the address expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ResponseHook {
    pub(super) id: String,
    pub(super) until: Moment,
}

impl MattermostReply {
    pub(super) fn write(&self) -> String {
        let Self {
            user,
            channel,
            hook,
        } = self;
        match hook {
            Some(ResponseHook { id, until }) => format!("{user}:{channel}:{id}:{}", until.0),
            None => format!("{user}:{channel}:{NONE}:{NONE}"),
        }
    }

    /// None for an address that an earlier version stored. The result of such a reset is told at the next command.
    pub(super) fn read(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split(':').collect();
        let [user, channel, id, until] = parts.as_slice() else {
            return None;
        };
        let hook = match (*id, *until) {
            (NONE, NONE) => None,
            (id, until) if is_id(id) => Some(ResponseHook {
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

/// The id in a response address, `…/hooks/commands/<id>`. The rest is ignored, because calls go to the server of the
/// settings.
pub(super) fn hook_id(response_url: &str) -> Option<&str> {
    let (_, id) = response_url.rsplit_once("/hooks/commands/")?;
    is_id(id).then_some(id)
}

/// Parses a time in milliseconds as the server writes it: 13 digits until the year 2286.
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
        let hook = Some(ResponseHook {
            id: "h".repeat(26),
            until: Moment(1_795_428_000_000),
        });
        for hook in [hook, None] {
            let place = MattermostReply {
                user: user.clone(),
                channel: channel.clone(),
                hook,
            };
            assert_eq!(MattermostReply::read(&place.write()), Some(place));
        }
        for wrong in [
            "https://chat.acme.example/hooks/commands/abc",
            "",
            "a:b:-:-",
            &format!("{user}:{channel}:-:1"),
        ] {
            assert_eq!(MattermostReply::read(wrong), None, "{wrong}");
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
