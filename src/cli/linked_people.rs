//! Whom business e-mails reach in the directories, for the commands about links.

use std::collections::{BTreeMap, HashMap};

use crate::directory::{By, Directories, Down, Match, Unavailable};
use crate::domain::{EmailAddress, Member, Status};

/// After so many failures in a row, a directory is not asked any more.
const FAILURES_IN_A_ROW: usize = 3;

/// Whom an address reaches.
pub(super) enum Reaches {
    One(Box<Member>),
    Nobody,
    /// More than one entry, so nobody; with the directory's names of some of them.
    Several(Vec<String>),
    /// The directory did not say.
    Unknown(Down),
}

/// What the directories say of some addresses, by address in lower case.
pub(super) struct LinkedPeople(HashMap<String, Reaches>);

impl LinkedPeople {
    /// Asks for each address by itself, so that an entry that cannot be read hides no other one.
    pub(super) async fn look_up(
        directories: &Directories,
        emails: impl IntoIterator<Item = EmailAddress>,
    ) -> Self {
        // All addresses of a domain are in one directory.
        let mut by_domain: BTreeMap<String, Vec<EmailAddress>> = BTreeMap::new();
        for email in emails {
            let domain = email
                .key()
                .rsplit('@')
                .next()
                .unwrap_or_default()
                .to_owned();
            by_domain.entry(domain).or_default().push(email);
        }
        let mut people = HashMap::new();
        for emails in by_domain.into_values() {
            let mut failures: Vec<Down> = Vec::new();
            for email in emails {
                if people.contains_key(&email.key()) {
                    continue;
                }
                let reaches = match failures.last() {
                    Some(down) if failures.len() >= FAILURES_IN_A_ROW => {
                        Reaches::Unknown(down.clone())
                    }
                    Some(_) | None => ask(directories, &email).await,
                };
                match &reaches {
                    Reaches::Unknown(down) => failures.push(down.clone()),
                    Reaches::One(_) | Reaches::Nobody | Reaches::Several(_) => failures.clear(),
                }
                people.insert(email.key(), reaches);
            }
        }
        Self(people)
    }

    /// Whom the address in lower case reaches; nobody for one that cannot be an address.
    pub(super) fn of(&self, email_key: &str) -> &Reaches {
        self.0.get(email_key).unwrap_or(&Reaches::Nobody)
    }

    /// The person with their address, or the address alone.
    pub(super) fn named(&self, email_key: &str) -> String {
        match self.of(email_key) {
            Reaches::One(member) => format!("{} ({email_key})", member.name),
            Reaches::Nobody | Reaches::Several(_) | Reaches::Unknown(_) => email_key.to_owned(),
        }
    }

    /// A line for each directory that did not answer.
    pub(super) fn unknown(&self) -> Vec<String> {
        let mut by_reason: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (email_key, reaches) in &self.0 {
            if let Reaches::Unknown(down) = reaches {
                by_reason.entry(reason(down)).or_default().push(email_key);
            }
        }
        let lines = by_reason
            .into_iter()
            .map(|(why, emails)| match &emails[..] {
                [email] => format!("{email} was not looked up: {why}"),
                emails => format!("{} addresses were not looked up: {why}", emails.len()),
            });
        lines.collect()
    }
}

async fn ask(directories: &Directories, email: &EmailAddress) -> Reaches {
    match directories.find(&[By::Email(email.clone())]).await {
        Ok(found) => match found.into_iter().next() {
            Some(Match::One(member)) => Reaches::One(member),
            Some(Match::Several(entries)) => Reaches::Several(entries),
            Some(Match::Nobody | Match::Unreadable) | None => Reaches::Nobody,
        },
        Err(down) => Reaches::Unknown(down),
    }
}

/// Why a directory did not say whom an address reaches.
pub(super) fn reason(Down { name, why }: &Down) -> String {
    match why {
        Unavailable::ForNow => format!("{name} doesn't answer"),
        Unavailable::Misconfigured => {
            format!("{name} can't be used as it is set up; relatch check says why")
        }
    }
}

impl Reaches {
    /// The word for programs.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::One(_) => "one",
            Self::Nobody => "nobody",
            Self::Several(_) => "several",
            Self::Unknown(_) => "unknown",
        }
    }

    pub(super) fn member(&self) -> Option<&Member> {
        match self {
            Self::One(member) => Some(member),
            Self::Nobody | Self::Several(_) | Self::Unknown(_) => None,
        }
    }

    /// What a table says.
    pub(super) fn described(&self) -> String {
        match self {
            Self::One(member) => match member.status {
                Status::Active => member.name.clone(),
                status @ (Status::Inactive
                | Status::Suspended
                | Status::Pending
                | Status::Resigned) => format!("{} ({status})", member.name),
            },
            Self::Nobody => "nobody".to_owned(),
            Self::Several(_) => "nobody: several have this address".to_owned(),
            Self::Unknown(down) => format!("unknown: {}", reason(down)),
        }
    }
}
