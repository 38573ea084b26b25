//! Who is who: a chat account stands for exactly one person of the directory, else nothing goes on.

use crate::app::{Admins, App, Identity};
use crate::chat::interaction::NamedMember as Named;
use crate::chat::{AccountKind, Adapter, ApiError, Chat, Freshness, Message, Profile};
use crate::directory::{By, Down, Match};
use crate::domain::look_up::TooMany;
use crate::domain::policy::{Case, Party};
use crate::domain::{ChatUser, EmailAddress, Member, Platform, Reference, Role};
use crate::store::{LookUp, Pins, StoreError};

use super::{listed, messages};

/// A person with their account and their role.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// The account in the directory.
    pub(super) member: Member,
    /// Their role.
    pub(super) role: Role,
}

impl Known {
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
pub(super) struct Pair {
    pub(super) admin: Known,
    pub(super) member: Known,
    /// The member's account in the chat, where they were named by a mention.
    pub(super) member_chat_user: Option<String>,
}

impl Pair {
    /// The pair as the rules see it.
    pub(super) fn case(&self) -> Case<'_> {
        Case {
            admin: self.admin.person(),
            member: self.member.person(),
        }
    }
}

/// A caller who has a listed address and not its right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NotPinned {
    /// The caller.
    pub(super) member: Member,
    /// The address.
    pub(super) email: EmailAddress,
}

/// Why somebody stands for nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unresolved {
    /// No full member of our workspace.
    Outsider(AccountKind),
    /// No confirmed e-mail, no link, nobody or several people in the directory.
    Unknown,
    /// No account with this work e-mail.
    NoSuchEmail(String),
    /// The caller has an address of the list of administrators, and is not the entry that is pinned to it.
    NotPinned(Box<NotPinned>),
    /// The caller has looked up too many, so nobody is looked up for them.
    TooMany(Box<Member>, TooMany),
    /// The chat does not say.
    Who(ApiError),
    /// The directory with this name does not answer.
    DirectoryDown(String),
    /// The record does not answer.
    StoreDown,
}

impl From<StoreError> for Unresolved {
    fn from(_: StoreError) -> Self {
        Self::StoreDown
    }
}

impl Unresolved {
    /// A short fixed word for the audit.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Outsider(_) => "outsider",
            Self::Unknown => "unresolved",
            Self::NoSuchEmail(_) => "no_such_member",
            Self::NotPinned(_) => "not_pinned",
            Self::TooMany(_, too_many) => too_many.code(),
            Self::Who(_) => "chat_unavailable",
            Self::DirectoryDown(_) => "directory_down",
            Self::StoreDown => "store_down",
        }
    }

    /// True where chat and directory answered, so that the refusal tells something of the person who was named.
    pub(super) fn is_answer(&self) -> bool {
        match self {
            Self::Outsider(_)
            | Self::Unknown
            | Self::NoSuchEmail(_)
            | Self::Who(ApiError::NotFound) => true,
            Self::NotPinned(_)
            | Self::TooMany(..)
            | Self::Who(_)
            | Self::DirectoryDown(_)
            | Self::StoreDown => false,
        }
    }

    /// The caller's entry, where that is known.
    pub(super) fn caller(&self) -> Option<&Member> {
        match self {
            Self::NotPinned(not_pinned) => Some(&not_pinned.member),
            Self::TooMany(member, _) => Some(member),
            Self::Outsider(_)
            | Self::Unknown
            | Self::NoSuchEmail(_)
            | Self::Who(_)
            | Self::DirectoryDown(_)
            | Self::StoreDown => None,
        }
    }

    /// What the caller is told about themselves, or about the member they named.
    pub(super) fn told(&self, app: &App, is_caller: bool, reference: &Reference) -> Message {
        match self {
            Self::Outsider(standing) if is_caller => {
                messages::outsider(*standing, &app.organization.name, reference)
            }
            Self::Unknown | Self::Who(ApiError::NotFound) if is_caller => {
                messages::unresolved_caller(reference)
            }
            Self::Outsider(_) | Self::Unknown => messages::unresolved_member(reference),
            Self::NoSuchEmail(email) => messages::no_such_member(email, reference),
            Self::NotPinned(not_pinned) => messages::not_pinned(&not_pinned.email, reference),
            Self::TooMany(_, too_many) => {
                messages::too_many_look_ups(*too_many, &app.zone, app.clock.now(), reference)
            }
            Self::Who(error) => messages::who_failed(error, reference),
            Self::DirectoryDown(name) => messages::directory_down(name, reference),
            Self::StoreDown => messages::store_down(reference),
        }
    }
}

/// Who of a card stands for nobody any more.
pub(super) struct Lost {
    is_caller: bool,
    why: Unresolved,
}

impl Lost {
    fn caller(why: Unresolved) -> Self {
        Self {
            is_caller: true,
            why,
        }
    }

    fn member(why: Unresolved) -> Self {
        Self {
            is_caller: false,
            why,
        }
    }

    /// A short fixed word for the audit.
    pub(super) fn code(&self) -> &'static str {
        self.why.code()
    }

    /// True where it tells the administrator something of the member.
    pub(super) fn is_answer(&self) -> bool {
        !self.is_caller && self.why.is_answer()
    }

    /// What the administrator is told.
    pub(super) fn told(&self, app: &App, reference: &Reference) -> Message {
        self.why.told(app, self.is_caller, reference)
    }
}

/// What the chat says of an account, and the e-mail that leads to the directory.
struct Account {
    profile: Profile,
    email: EmailAddress,
}

async fn account(
    app: &App,
    chat: &Chat,
    user: &ChatUser,
    freshness: Freshness,
) -> Result<Account, Unresolved> {
    let profile = chat
        .profile(user, freshness)
        .await
        .map_err(Unresolved::Who)?;
    if profile.kind != AccountKind::Member {
        return Err(Unresolved::Outsider(profile.kind));
    }
    let email = match app.organization.identity {
        Identity::Email if chat.tells_emails() => profile.confirmed_email.clone(),
        Identity::Email | Identity::Linked => {
            let links = vec![(user.platform.to_string(), user.user.clone())];
            let found = app
                .store
                .look_up(LookUp {
                    links,
                    ..LookUp::default()
                })
                .await?;
            found
                .links
                .into_iter()
                .flatten()
                .next()
                .and_then(|email| email.parse().ok())
        }
    };
    email
        .map(|email| Account { profile, email })
        .ok_or(Unresolved::Unknown)
}

/// The caller alone, for commands that name nobody.
pub(super) async fn caller(
    app: &App,
    chat: &Chat,
    user: &ChatUser,
    freshness: Freshness,
) -> Result<Known, Unresolved> {
    let account = account(app, chat, user, freshness).await?;
    let found = find(app, &[By::Email(account.email.clone())]).await?.pop();
    known(app, &pins(app).await?, &account, found).await
}

/// The caller's entry and what it may do, by what their address found.
async fn known(
    app: &App,
    pins: &Pins,
    account: &Account,
    found: Option<Match>,
) -> Result<Known, Unresolved> {
    let Account { profile, email } = account;
    let found = found.unwrap_or(Match::Nobody);
    match app.organization.admins {
        Admins::Directory => {
            let member = one(found).ok_or(Unresolved::Unknown)?;
            Ok(Known {
                role: member.role,
                member,
            })
        }
        Admins::Chat => one(found)
            .map(|member| Known {
                role: profile.role,
                member,
            })
            .ok_or(Unresolved::Unknown),
        Admins::List { .. } => listed::caller(app, pins, email, found).await,
    }
}

/// The caller, and whom they named.
pub(super) struct Asked {
    /// Who asks.
    pub(super) admin: Known,
    /// The member, with their account in the chat where they were named by a mention.
    pub(super) member: Result<(Known, Option<String>), Unresolved>,
}

/// The outcome for the caller, and only behind it that for the member: nobody without the right learns anything of a
/// member, not even whether they exist (A14).
pub(super) async fn pair(
    app: &App,
    chat: &Chat,
    user: &ChatUser,
    named: &Named,
    freshness: Freshness,
) -> Result<Asked, Unresolved> {
    pair_within(app, chat, user, named, freshness, Limits::No).await
}

/// Do the limits of look-ups hold? They do for commands, and not for the buttons that follow from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limits {
    /// Yes: above them no member is looked up.
    Yes,
    /// No.
    No,
}

/// The same within the limits of look-ups.
pub(super) async fn pair_within(
    app: &App,
    chat: &Chat,
    user: &ChatUser,
    named: &Named,
    freshness: Freshness,
    limits: Limits,
) -> Result<Asked, Unresolved> {
    let caller = account(app, chat, user, freshness).await?;
    let mut by = vec![By::Email(caller.email.clone())];
    // Our own record answers two questions as fast as one; another directory is asked for a member only by whom it may.
    let asks_at_once = app.directories.remote().next().is_none();
    if let Named::Email(email) = named
        && asks_at_once
    {
        by.push(By::Email(email.clone()));
    }
    let (mut found, pins) = (find(app, &by).await?.into_iter(), pins(app).await?);
    let admin = known(app, &pins, &caller, found.next()).await?;
    if !admin.person().may_administer() {
        // The pair stands for "no right": the first rule refuses it whoever the member is. Nobody else is asked for.
        return Ok(Asked {
            member: Ok((admin.clone(), None)),
            admin,
        });
    }
    if limits == Limits::Yes
        && let Err(too_many) = app.store.may_look_up_now(&admin.member.id).await?
    {
        return Err(Unresolved::TooMany(Box::new(admin.member), too_many));
    }
    let found = match named {
        Named::Email(email) if !asks_at_once => find(app, &[By::Email(email.clone())]).await?.pop(),
        Named::Email(_) | Named::Mention(_) => found.next(),
    };
    let member = named_member(app, chat, user, (named, found), &pins, freshness).await?;
    Ok(Asked { admin, member })
}

/// The member that was named, with their chat account where it counts.
async fn named_member(
    app: &App,
    chat: &Chat,
    user: &ChatUser,
    (named, found): (&Named, Option<Match>),
    pins: &Pins,
    freshness: Freshness,
) -> Result<Result<(Known, Option<String>), Unresolved>, Unresolved> {
    let (member, mentioned) = match named {
        Named::Email(email) => match found.and_then(one) {
            None => return Ok(Err(Unresolved::NoSuchEmail(email.to_string()))),
            Some(member) => (member, None),
        },
        Named::Mention(id) => {
            let other = ChatUser {
                user: id.clone(),
                ..user.clone()
            };
            let target = match account(app, chat, &other, freshness).await {
                Ok(target) => target,
                Err(unresolved) => return Ok(Err(unresolved)),
            };
            let mut found = find(app, &[By::Email(target.email.clone())]).await?;
            match found.pop().and_then(one) {
                None => return Ok(Err(Unresolved::Unknown)),
                Some(member) => (member, Some((id.clone(), target.profile))),
            }
        }
    };
    let accounts = match accounts_of(app, &member).await {
        Ok(accounts) => accounts,
        Err(unresolved) => return Ok(Err(unresolved)),
    };
    let profiles = accounts.iter().map(|(_, _, profile)| profile);
    let role = app.organization.role_of_member(
        &member,
        pins,
        profiles.chain(mentioned.as_ref().map(|(_, profile)| profile)),
    );
    let own = accounts
        .iter()
        .find(|(platform, ..)| *platform == chat.platform())
        .map(|(_, id, _)| id.clone());
    Ok(Ok((
        Known { member, role },
        mentioned.map(|(id, _)| id).or(own),
    )))
}

/// The accounts of a member in every chat and by every address of theirs, where the chat says how high people stand (Q8):
/// otherwise an owner could be reset by typing an e-mail, or from another chat.
async fn accounts_of(
    app: &App,
    member: &Member,
) -> Result<Vec<(Platform, String, Profile)>, Unresolved> {
    let mut accounts = Vec::new();
    if let Admins::Chat = app.organization.admins {
        for chat in &app.chats {
            for email in member.business_emails() {
                let found = chat
                    .profile_by_email(email)
                    .await
                    .map_err(Unresolved::Who)?;
                accounts.extend(found.map(|(id, profile)| (chat.platform(), id, profile)));
            }
        }
    }
    Ok(accounts)
}

/// The same pair for a click: the administrator by their chat account, the member by the directory's immutable id.
pub(super) async fn pair_of_card(
    app: &App,
    chat: &Chat,
    user: &ChatUser,
    row: &crate::store::ResetRow,
    freshness: Freshness,
) -> Result<Pair, Lost> {
    let asked = async {
        match &row.member_chat_user {
            Some(id) => {
                let other = ChatUser {
                    user: id.clone(),
                    ..user.clone()
                };
                chat.profile(&other, freshness)
                    .await
                    .map(Some)
                    .map_err(Unresolved::Who)
            }
            None => Ok(None),
        }
    };
    let (caller, profile) = tokio::join!(account(app, chat, user, freshness), asked);
    let (caller, profile) = (
        caller.map_err(Lost::caller)?,
        profile.map_err(Lost::member)?,
    );
    if let Some(profile) = profile
        .as_ref()
        .filter(|profile| profile.kind != AccountKind::Member)
    {
        return Err(Lost::member(Unresolved::Outsider(profile.kind)));
    }
    let by = [
        By::Email(caller.email.clone()),
        By::Id(row.member_id.clone()),
    ];
    let mut found = find(app, &by).await.map_err(Lost::member)?.into_iter();
    let pins = pins(app).await.map_err(Lost::member)?;
    let admin = known(app, &pins, &caller, found.next())
        .await
        .map_err(Lost::caller)?;
    let member = found
        .next()
        .and_then(one)
        .ok_or(Lost::member(Unresolved::Unknown))?;
    let accounts = accounts_of(app, &member).await.map_err(Lost::member)?;
    let role = app.organization.role_of_member(
        &member,
        &pins,
        accounts
            .iter()
            .map(|(_, _, profile)| profile)
            .chain(&profile),
    );
    Ok(Pair {
        admin,
        member: Known { member, role },
        member_chat_user: row.member_chat_user.clone(),
    })
}

/// The pins of the listed administrators, as they are now: they are not cached, so that `relatch admins accept` counts at
/// once.
async fn pins(app: &App) -> Result<Pins, Unresolved> {
    let admin_pins: Vec<String> = app
        .organization
        .admins
        .listed()
        .map(|(email, _)| email.key())
        .collect();
    if admin_pins.is_empty() {
        return Ok(Pins::default());
    }
    Ok(app
        .store
        .look_up(LookUp {
            admin_pins,
            ..LookUp::default()
        })
        .await?
        .admin_pins)
}

pub(super) async fn find(app: &App, by: &[By]) -> Result<Vec<Match>, Unresolved> {
    app.directories
        .find(by)
        .await
        .map_err(|Down(name)| Unresolved::DirectoryDown(name))
}

pub(super) fn one(found: Match) -> Option<Member> {
    match found {
        Match::One(member) => Some(*member),
        Match::Nobody | Match::Several(_) | Match::Unreadable => None,
    }
}
