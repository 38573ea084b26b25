//! The mentions of a command as Mattermost's server finds them, and lists beside the text.

/// The longest name (`UserNameMaxLength` in `model/user.go`).
const NAME_LIMIT: usize = 64;

/// The text with a name for each `<@ID>`, and the lists of whom the names stand for. Those who are written `<@ID>` are the
/// members of the command's team.
pub(super) fn listed(text: &str, id: impl Fn(&str) -> String) -> (String, String) {
    let (mut typed, mut team) = (String::new(), Vec::new());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<@")
        && let Some((mention, after)) = after.split_once('>')
    {
        let slack_id = mention.split('|').next().unwrap();
        let name = slack_id.to_lowercase();
        typed.extend([before, "@", &name]);
        team.push((name, id(slack_id)));
        rest = after;
    }
    typed.push_str(rest);
    let (mut names, mut ids) = (String::new(), String::new());
    for (name, id) in to_team_members(&typed, &team) {
        names.extend(["&user_mentions=", &name]);
        ids.extend(["&user_mentions_ids=", &id]);
    }
    (typed, names + &ids)
}

/// `MentionsToTeamMembers` in `app/command.go`: each possible mention as it is, else without the `.`, `-` and `_` at its end,
/// one by one (`trimUsernameSpecialChar`; a colon is not taken off). Who is not in the team is left out.
fn to_team_members(text: &str, team: &[(String, String)]) -> Vec<(String, String)> {
    let of_team = |name: &str| team.iter().find(|(known, _)| known == name).cloned();
    let mut found: Vec<(String, String)> = Vec::new();
    for mention in possible_mentions(text) {
        let mut tried = std::iter::successors(Some(mention.as_str()), |name| {
            name.strip_suffix(['.', '-', '_'])
        });
        if let Some(member) = tried.find_map(of_team)
            && !found.contains(&member)
        {
            found.push(member);
        }
    }
    found
}

/// `possibleAtMentions` in `app/command.go`: `\B@[[:alnum:]][[:alnum:]\.\-_:]*`, in lower case, each once, where a user could
/// have the name (`IsValidUsernameAllowRemote` in `model/user.go`).
fn possible_mentions(text: &str) -> Vec<String> {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let bytes = text.as_bytes();
    let (mut found, mut at): (Vec<String>, usize) = (Vec::new(), 0);
    while at < bytes.len() {
        let begins = bytes[at] == b'@'
            && !bytes[..at].last().is_some_and(is_word)
            && bytes.get(at + 1).is_some_and(u8::is_ascii_alphanumeric);
        if !begins {
            at += 1;
            continue;
        }
        let length = bytes[at + 1..]
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || b".-_:".contains(byte))
            .count();
        let name = text[at + 1..=at + length].to_lowercase();
        at += 1 + length;
        let is_restricted = ["all", "channel", "matterbot", "system"].contains(&name.as_str());
        if !is_restricted && name.len() <= NAME_LIMIT && !found.contains(&name) {
            found.push(name);
        }
    }
    found
}
