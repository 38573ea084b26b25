//! Who is an administrator, and how much protection a member's own role gives them.

use crate::chat::Profile;
use crate::domain::{EmailAddress, Member, Role};
use crate::store::Pins;

/// The source of the right to reset passwords.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admins {
    /// The roles that the directory's entries have.
    Directory,
    /// Two lists of business e-mails in the settings.
    List {
        /// May reset anybody but themselves.
        primary: Vec<EmailAddress>,
        /// May reset nobody who is a primary administrator.
        member_and_department: Vec<EmailAddress>,
    },
    /// Owners and administrators of the chat's workspace.
    Chat,
}

impl Admins {
    /// Each listed address with the role that it can give; none where the roles come from another source.
    pub fn listed(&self) -> impl Iterator<Item = (&EmailAddress, Role)> {
        let (primary, delegated): (&[EmailAddress], &[EmailAddress]) = match self {
            Self::List {
                primary,
                member_and_department,
            } => (primary, member_and_department),
            Self::Directory | Self::Chat => (&[], &[]),
        };
        let with = |role: Role| move |email| (email, role);
        primary
            .iter()
            .map(with(Role::PrimaryAdmin))
            .chain(delegated.iter().map(with(Role::MemberAndDepartment)))
    }

    /// The role that protects a member: the highest that any source gives, so that protection never depends on a single
    /// one. `profiles` are the member's chat accounts.
    ///
    /// A right needs a pinned entry; protection does not. So every listed address counts here, pinned or not.
    pub fn role_of_member<'a>(
        &self,
        member: &Member,
        pins: &Pins,
        profiles: impl IntoIterator<Item = &'a Profile>,
    ) -> Role {
        let by_chat = match self {
            Self::Chat => profiles
                .into_iter()
                .map(|profile| profile.role)
                .max()
                .unwrap_or(Role::Member),
            Self::Directory | Self::List { .. } => Role::Member,
        };
        let is_of_member = |email: &EmailAddress| {
            pins.of(email) == Some(&member.id)
                || member.business_emails().any(|own| own.is_same(email))
        };
        let by_list = self
            .listed()
            .filter(|(email, _)| is_of_member(email))
            .map(|(_, role)| role)
            .max()
            .unwrap_or(Role::Member);
        member.role.max(by_list).max(by_chat)
    }
}
