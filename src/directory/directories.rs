//! Several directories side by side: each member belongs to the one that has their e-mail domain, and the prefix of a
//! member's id names the directory.

use futures_util::future::try_join_all;

use super::{Backend, Builtin, By, Capabilities, Match, ResilientDirectory, Unavailable, Wanted};
use crate::domain::{CompanyDomains, EmailAddress, MemberId};

/// A directory does not answer; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {why}")]
pub struct Down {
    pub name: String,
    pub why: Unavailable,
}

/// A directory as messages tell of it.
#[derive(Clone, Copy, Debug)]
pub struct DescribedDirectory<'a> {
    pub name: &'a str,
    /// What it can enforce.
    pub capabilities: Capabilities,
}

/// All directories of the organization.
pub struct Directories {
    all: Vec<ResilientDirectory>,
    company: CompanyDomains,
}

impl Directories {
    /// These, in the order of the settings.
    pub fn new(all: Vec<ResilientDirectory>) -> Self {
        let domains = all.iter().flat_map(ResilientDirectory::domains).cloned();
        let company = CompanyDomains::new(domains);
        Self { all, company }
    }

    /// The same in an organization with these e-mail domains.
    #[must_use]
    pub fn in_company(self, company: CompanyDomains) -> Self {
        Self { company, ..self }
    }

    /// The built-in directory, if it is among them.
    pub fn builtin(&self) -> Option<&Builtin> {
        self.all.iter().find_map(ResilientDirectory::as_builtin)
    }

    /// True for an address whose person would be a member of the built-in directory.
    pub fn is_builtin(&self, email: &EmailAddress) -> bool {
        self.all
            .iter()
            .find(|directory| directory.has_domain(email))
            .is_some_and(|directory| directory.as_builtin().is_some())
    }

    /// Which directory has the person with this address, as a place among them all. None where none has.
    pub fn place_of(&self, email: &EmailAddress) -> Option<usize> {
        self.all.iter().position(|one| one.has_domain(email))
    }

    /// The directory of a member. None when it is no longer in the settings.
    pub fn of(&self, member: &MemberId) -> Option<&ResilientDirectory> {
        self.position_of(member).and_then(|at| self.all.get(at))
    }

    fn position_of(&self, member: &MemberId) -> Option<usize> {
        let has_prefix = |directory: &ResilientDirectory| {
            directory
                .id_prefix()
                .is_some_and(|prefix| member.0.starts_with(&prefix))
        };
        // Ids of the built-in directory have no prefix.
        self.all
            .iter()
            .position(has_prefix)
            .or_else(|| self.all.iter().position(|one| one.id_prefix().is_none()))
    }

    /// What messages say of a member's directory.
    pub fn describe(&self, member: &MemberId) -> DescribedDirectory<'_> {
        match self.of(member) {
            Some(directory) => DescribedDirectory {
                name: directory.name(),
                capabilities: directory.capabilities(),
            },
            None => DescribedDirectory {
                name: "directory",
                capabilities: Capabilities::default(),
            },
        }
    }

    /// Finds members in the directories they belong to, in the order asked. Each directory is asked once.
    pub async fn find(&self, by: &[By]) -> Result<Vec<Match>, Down> {
        let wanted: Vec<Wanted> = by.iter().cloned().map(Wanted::whole).collect();
        self.find_wanted(&wanted).await
    }

    /// Like [`Self::find`], but may answer with less, as [`Wanted`] allows.
    pub async fn find_wanted(&self, wanted: &[Wanted]) -> Result<Vec<Match>, Down> {
        let questions = self.by_directory(wanted);
        let asked = questions.iter().filter_map(|(at, places)| {
            let directory = self.all.get(*at)?;
            let own = places
                .iter()
                .filter_map(|place| wanted.get(*place).cloned());
            let own: Vec<Wanted> = own.collect();
            Some(async move {
                let down = |why| Down {
                    name: directory.name().to_owned(),
                    why,
                };
                let found = directory.find_wanted(&own).await.map_err(down)?;
                if found.contains(&Match::Unreadable) {
                    Err(down(Unavailable::Misconfigured))
                } else {
                    Ok(found)
                }
            })
        });
        let answers = try_join_all(asked).await?;
        let mut found = vec![Match::Nobody; wanted.len()];
        for ((_, places), answer) in questions.into_iter().zip(answers) {
            for (place, one) in places.into_iter().zip(answer) {
                if let Some(slot) = found.get_mut(place) {
                    *slot = self.without_company_contact(one);
                }
            }
        }
        Ok(found)
    }

    /// The places of the questions for each directory.
    fn by_directory(&self, wanted: &[Wanted]) -> Vec<(usize, Vec<usize>)> {
        let mut questions: Vec<(usize, Vec<usize>)> = Vec::new();
        for (place, asked) in wanted.iter().enumerate() {
            let at = match &asked.by {
                By::Email(email) => self.place_of(email),
                By::Id(id) => self.position_of(id),
            };
            let Some(at) = at else { continue };
            match questions.iter_mut().find(|(other, _)| *other == at) {
                Some((_, places)) => places.push(place),
                None => questions.push((at, vec![place])),
            }
        }
        questions
    }

    /// S43: an address at any domain of the organization is no contact of the member's own, whichever directory has it.
    fn without_company_contact(&self, found: Match) -> Match {
        match found {
            Match::One(mut member) => {
                let is_company = |email: &EmailAddress| self.company.has_for(&member, email);
                if member.personal_email.as_ref().is_some_and(is_company) {
                    member.personal_email = None;
                }
                Match::One(member)
            }
            other @ (Match::Nobody | Match::Several(_) | Match::Unreadable) => other,
        }
    }

    /// Closes connections that have not been used for a while.
    pub(crate) fn close_idle(&self) {
        for directory in self.remote() {
            directory.close_idle();
        }
    }

    /// Those that are not our own database.
    pub fn remote(&self) -> impl Iterator<Item = &ResilientDirectory> {
        self.all.iter().filter(|directory| directory.is_remote())
    }
}
