//! Whom business e-mails reach in the directories, for the commands about links.

use std::collections::{BTreeMap, HashMap, HashSet};

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
pub(super) struct LinkedPeople {
    people: HashMap<String, Reaches>,
    /// Addresses that a directory did not tell of, though it told of others.
    left_out: HashSet<String>,
}

impl LinkedPeople {
    /// Asks for each address by itself, so that an entry that cannot be read hides no other one.
    pub(super) async fn look_up(
        directories: &Directories,
        emails: impl IntoIterator<Item = EmailAddress>,
    ) -> Self {
        let mut by_directory: BTreeMap<Option<usize>, BTreeMap<String, EmailAddress>> =
            BTreeMap::new();
        for email in emails {
            let of_directory = by_directory
                .entry(directories.place_of(&email))
                .or_default();
            of_directory.insert(email.key(), email);
        }
        let (mut people, mut left_out) = (HashMap::new(), HashSet::new());
        for emails in by_directory.into_values() {
            let mut failures: Vec<Down> = Vec::new();
            let (mut unknown, mut has_told) = (Vec::new(), false);
            for (key, email) in emails {
                let reaches = match failures.last() {
                    Some(down) if failures.len() >= FAILURES_IN_A_ROW => {
                        Reaches::Unknown(down.clone())
                    }
                    Some(_) | None => ask(directories, &email).await,
                };
                match &reaches {
                    Reaches::Unknown(down) => {
                        // The next entry may be readable where one is not.
                        if down.why == Unavailable::ForNow {
                            failures.push(down.clone());
                        }
                        unknown.push(key.clone());
                    }
                    Reaches::One(_) | Reaches::Nobody | Reaches::Several(_) => {
                        failures.clear();
                        has_told = true;
                    }
                }
                people.insert(key, reaches);
            }
            if has_told {
                left_out.extend(unknown);
            }
        }
        Self { people, left_out }
    }

    /// Why a directory did not tell of this address, where it told of others.
    pub(super) fn left_out(&self, email_key: &str) -> Option<String> {
        match self.of(email_key) {
            Reaches::Unknown(down) if self.left_out.contains(email_key) => {
                Some(not_looked_up(email_key, down))
            }
            Reaches::Unknown(_) | Reaches::One(_) | Reaches::Nobody | Reaches::Several(_) => None,
        }
    }

    /// Whom the address in lower case reaches; nobody for one that cannot be an address.
    pub(super) fn of(&self, email_key: &str) -> &Reaches {
        self.people.get(email_key).unwrap_or(&Reaches::Nobody)
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
        for (email_key, reaches) in &self.people {
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

fn not_looked_up(email_key: &str, down: &Down) -> String {
    format!("{email_key} was not looked up: {}", reason(down))
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
