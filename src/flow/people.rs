//! The people of a reset, and how the directory is asked for them.

use super::unresolved::NoMatch;
use crate::app::App;
use crate::directory::{By, Down, Match, Unavailable, Wanted};
use crate::domain::policy::{Case, Party};
use crate::domain::{Member, Role};

/// A directory account with its role.
#[derive(Clone, Debug)]
pub(super) struct KnownPerson {
    pub(super) member: Member,
    pub(super) role: Role,
}

impl KnownPerson {
    /// The person as the rules see them.
    pub(super) fn person(&self) -> Party<'_> {
        Party {
            member: &self.member,
            role: self.role,
        }
    }
}

/// The administrator and the member, read a moment ago.
#[derive(Clone, Debug)]
pub(super) struct ResetPair {
    pub(super) admin: KnownPerson,
    pub(super) member: KnownPerson,
    /// The member's chat account, where they were named by a mention.
    pub(super) member_chat_user: Option<String>,
}

impl ResetPair {
    /// The pair as the rules see it.
    pub(super) fn case(&self) -> Case<'_> {
        Case {
            admin: self.admin.person(),
            member: self.member.person(),
        }
    }
}

/// Looks people up. A directory that is of no use now is named.
pub(super) async fn find(app: &App, by: &[By]) -> Result<Vec<Match>, NoMatch> {
    let wanted: Vec<Wanted> = by.iter().cloned().map(Wanted::whole).collect();
    find_wanted(app, &wanted).await
}

/// The same, but may answer with less, as [`Wanted`] allows.
pub(super) async fn find_wanted(app: &App, wanted: &[Wanted]) -> Result<Vec<Match>, NoMatch> {
    app.directories
        .find_wanted(wanted)
        .await
        .map_err(|Down { name, why }| match why {
            Unavailable::ForNow => NoMatch::DirectoryDown(name),
            Unavailable::Misconfigured => NoMatch::DirectoryMisconfigured(name),
        })
}

/// The member, if exactly one was found.
pub(super) fn one(found: Match) -> Option<Member> {
    match found {
        Match::One(member) => Some(*member),
        Match::Nobody | Match::Several(_) | Match::Unreadable => None,
    }
}
