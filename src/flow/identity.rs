//! Matches chat accounts with directory accounts. An account that does not match exactly one person is refused.

use super::listed;
use super::people::{KnownPerson, ResetPair, find, find_wanted, one};
use super::unresolved::{NoMatch, Unresolved};
use crate::app::{Admins, App, Identity};
use crate::chat::interaction::NamedMember;
use crate::chat::{AccountKind, Adapter, ApiError, Chat, Freshness, Profile};
use crate::directory::{By, Match, Wanted};
use crate::domain::{ChatUser, EmailAddress, Member, Platform};
use crate::store::{LookUpRefused, Pins, ResetRow};

/// A chat account, and the e-mail that leads to its directory account.
struct ChatAccount {
    profile: Profile,
    email: EmailAddress,
}

async fn chat_account(
    app: &App,
    chat: &Chat,
    user: &ChatUser,
    freshness: Freshness,
) -> Result<ChatAccount, NoMatch> {
    let profile = chat
        .profile(user, freshness)
        .await
        .map_err(NoMatch::ChatFailed)?;
    with_email(app, chat, user, profile).await
}

/// The account with the e-mail that leads to its person.
async fn with_email(
    app: &App,
    chat: &Chat,
    user: &ChatUser,
    profile: Profile,
) -> Result<ChatAccount, NoMatch> {
    if profile.kind != AccountKind::Member {
        return Err(NoMatch::outsider(profile));
    }
    let email = match app.organization.identity {
        Identity::Email if chat.tells_emails() => profile.confirmed_email.clone(),
        Identity::Email | Identity::Linked => {
            let linked = app.store.linked_email(user.platform, &user.user).await?;
            linked.and_then(|email| EmailAddress::stored(&email).ok())
        }
    };
    email
        .map(|email| ChatAccount { profile, email })
        .ok_or(NoMatch::Unknown)
}

/// Asks for a caller, of whom no more than the right to reset is needed.
fn caller_by(email: &EmailAddress) -> Wanted {
    Wanted {
        is_caller: true,
        ..Wanted::whole(By::Email(email.clone()))
    }
}

/// The caller alone, for commands that name nobody.
pub(super) async fn caller(
    app: &App,
    chat: &Chat,
    user: &ChatUser,
    freshness: Freshness,
) -> Result<KnownPerson, Unresolved> {
    let known = async {
        let account = chat_account(app, chat, user, freshness).await?;
        let found = find_wanted(app, &[caller_by(&account.email)]).await?.pop();
        known_caller(app, &pins(app).await?, &account, found).await
    };
    known.await.map_err(Unresolved::for_caller)
}

/// The caller's entry and their right, from what their address found.
async fn known_caller(
    app: &App,
    pins: &Pins,
    account: &ChatAccount,
    found: Option<Match>,
) -> Result<KnownPerson, NoMatch> {
    let ChatAccount { profile, email } = account;
    let found = found.unwrap_or(Match::Nobody);
    match app.organization.admins {
        Admins::Directory => {
            let member = one(found).ok_or(NoMatch::Unknown)?;
            Ok(KnownPerson {
                role: member.role,
                member,
            })
        }
        Admins::Chat => one(found)
            .map(|member| KnownPerson {
                role: profile.role,
                member,
            })
            .ok_or(NoMatch::Unknown),
        Admins::List { .. } => listed::caller(app, pins, email, found).await,
    }
}

/// Whether the limits of look-ups apply: to commands they do, to the buttons that follow from one they do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LookUpLimits {
    /// Beyond the limits no member is looked up.
    Apply,
    Skip,
}

/// The caller, and the member they named. The caller is resolved first: without the right to reset, they learn nothing
/// about the member, not even whether there is one.
pub(super) async fn pair(
    app: &App,
    chat: &Chat,
    user: &ChatUser,
    named: &NamedMember,
    freshness: Freshness,
    limits: LookUpLimits,
) -> Result<ResetPair, Unresolved> {
    let account = chat_account(app, chat, user, freshness)
        .await
        .map_err(Unresolved::for_caller)?;
    let mut wanted = vec![caller_by(&account.email)];
    // With only the built-in directory both are found in one query. Another directory is asked for a member only after
    // the caller's right is known.
    let asks_at_once = app.directories.remote().next().is_none();
    if let NamedMember::Email(email) = named
        && asks_at_once
    {
        wanted.push(Wanted::whole(By::Email(email.clone())));
    }
    let (admin, pins, mut found) = async {
        let (mut found, pins) = (
            find_wanted(app, &wanted).await?.into_iter(),
            pins(app).await?,
        );
        let admin = known_caller(app, &pins, &account, found.next()).await?;
        Ok((admin, pins, found))
    }
    .await
    .map_err(Unresolved::for_caller)?;
    if !admin.person().may_administer() {
        // Nobody else is looked up. The pair of the caller with themselves is enough: the first rule refuses it, whoever
        // the member is.
        return Ok(ResetPair {
            member: admin.clone(),
            admin,
            member_chat_user: None,
        });
    }
    if limits == LookUpLimits::Apply {
        within_limits(app, &admin.member)
            .await
            .map_err(Unresolved::for_caller)?;
    }
    let found = match named {
        NamedMember::Email(email) if !asks_at_once => find(app, &[By::Email(email.clone())])
            .await
            .map_err(Unresolved::for_caller)?
            .pop(),
        NamedMember::Email(_) | NamedMember::Mention(_) | NamedMember::Name(_) => found.next(),
    };
    let (member, member_chat_user) =
        named_member(app, chat, user, (named, found), (&admin, &pins), freshness).await?;
    Ok(ResetPair {
        admin,
        member,
        member_chat_user,
    })
}

async fn within_limits(app: &App, caller: &Member) -> Result<(), NoMatch> {
    match app.store.may_look_up_now(&caller.id).await {
        Ok(()) => Ok(()),
        Err(LookUpRefused::Store(error)) => Err(error.into()),
        Err(LookUpRefused::TooMany(too_many)) => {
            Err(NoMatch::TooMany(Box::new(caller.clone()), too_many))
        }
    }
}

/// The member that was named, with their chat account if it is known.
async fn named_member(
    app: &App,
    chat: &Chat,
    user: &ChatUser,
    (named, found): (&NamedMember, Option<Match>),
    (admin, pins): (&KnownPerson, &Pins),
    freshness: Freshness,
) -> Result<(KnownPerson, Option<String>), Unresolved> {
    let no_match = |why| Unresolved::for_member_of(&admin.member, why);
    let (member, mentioned) = match named {
        NamedMember::Email(email) => {
            let why = || no_match(NoMatch::NoSuchEmail(email.to_string()));
            (found.and_then(one).ok_or_else(why)?, None)
        }
        NamedMember::Mention(id) => {
            let account = account_of_id(app, chat, user, id, freshness).await;
            member_of(app, (id.clone(), account.map_err(no_match)?), no_match).await?
        }
        NamedMember::Name(name) => {
            let account = account_of_name(app, chat, user, name, freshness).await;
            member_of(app, account.map_err(no_match)?, no_match).await?
        }
    };
    let accounts = accounts_of(app, &member, freshness)
        .await
        .map_err(no_match)?;
    let profiles = accounts.iter().map(|(_, _, profile)| profile);
    let role = app.organization.admins.role_of_member(
        &member,
        pins,
        profiles.chain(mentioned.as_ref().map(|(_, profile)| profile)),
    );
    let own = accounts
        .iter()
        .find(|(platform, ..)| *platform == chat.platform())
        .map(|(_, id, _)| id.clone());
    Ok((
        KnownPerson { member, role },
        mentioned.map(|(id, _)| id).or(own),
    ))
}

/// The member of an account that was mentioned, with the account's id and profile.
async fn member_of(
    app: &App,
    (id, account): (String, ChatAccount),
    no_match: impl Fn(NoMatch) -> Unresolved,
) -> Result<(Member, Option<(String, Profile)>), Unresolved> {
    let found = find(app, &[By::Email(account.email.clone())])
        .await
        .map_err(Unresolved::for_caller)?
        .pop();
    let member = found
        .and_then(one)
        .ok_or_else(|| no_match(NoMatch::Unknown))?;
    Ok((member, Some((id, account.profile))))
}

/// The account that a mention means.
async fn account_of_id(
    app: &App,
    chat: &Chat,
    caller: &ChatUser,
    id: &str,
    freshness: Freshness,
) -> Result<ChatAccount, NoMatch> {
    let user = ChatUser {
        user: id.to_owned(),
        ..caller.clone()
    };
    chat_account(app, chat, &user, freshness).await
}

/// The account that has a name, with its id. From here on the id counts, because the name may be given to another account.
async fn account_of_name(
    app: &App,
    chat: &Chat,
    caller: &ChatUser,
    name: &str,
    freshness: Freshness,
) -> Result<(String, ChatAccount), NoMatch> {
    let found = chat.profile_by_name(name, freshness).await;
    let (id, profile) = found
        .map_err(NoMatch::ChatFailed)?
        .ok_or(NoMatch::Unknown)?;
    let user = ChatUser {
        user: id.clone(),
        ..caller.clone()
    };
    let account = with_email(app, chat, &user, profile).await?;
    Ok((id, account))
}

/// The member's accounts in every chat, by each of their addresses and by links, where roles come from the chat (Q8). If
/// one were missed, an owner could be reset by e-mail or from another chat.
async fn accounts_of(
    app: &App,
    member: &Member,
    freshness: Freshness,
) -> Result<Vec<(Platform, String, Profile)>, NoMatch> {
    let mut accounts = Vec::new();
    match app.organization.admins {
        Admins::Directory | Admins::List { .. } => return Ok(accounts),
        Admins::Chat => {}
    }
    let linked_to = member.business_emails().map(EmailAddress::key).collect();
    let linked = app.store.accounts_linked_to(linked_to).await?;
    for chat in &app.chats {
        for email in member.business_emails() {
            let found = match chat.profile_by_email(email).await {
                // A bot for which links are enough need not see e-mails.
                Err(ApiError::MissingScope(_)) if app.organization.identity == Identity::Linked => {
                    None
                }
                found => found.map_err(NoMatch::ChatFailed)?,
            };
            accounts.extend(found.map(|(id, profile)| (chat.platform(), id, profile)));
        }
        let of_chat = linked
            .iter()
            .filter(|(platform, _)| platform == chat.platform().as_str());
        for (_, id) in of_chat {
            accounts.extend(linked_profile(chat, id, freshness).await?);
        }
    }
    Ok(accounts)
}

/// The profile of a linked account; none if the account is gone.
async fn linked_profile(
    chat: &Chat,
    id: &str,
    freshness: Freshness,
) -> Result<Option<(Platform, String, Profile)>, NoMatch> {
    match chat.profile(&chat.own_account(id), freshness).await {
        Ok(profile) => Ok(Some((chat.platform(), id.to_owned(), profile))),
        Err(ApiError::NotFound) => Ok(None),
        Err(error) => Err(NoMatch::ChatFailed(error)),
    }
}

/// The pair of a card, read anew: the administrator by their chat account, the member by the directory's immutable id. With
/// [`Freshness::Cached`] a directory may answer with what it read within the last half minute: such a click leads to
/// nothing but another message or to the act, which reads both past every cache.
pub(super) async fn pair_of_card(
    app: &App,
    chat: &Chat,
    user: &ChatUser,
    row: &ResetRow,
    freshness: Freshness,
) -> Result<ResetPair, Unresolved> {
    let (caller, profile) = tokio::join!(
        chat_account(app, chat, user, freshness),
        profile_of_member(chat, user, row, freshness)
    );
    let (caller, profile) = (
        caller.map_err(Unresolved::for_caller)?,
        profile.map_err(Unresolved::for_member)?,
    );
    if let Some(profile) = profile
        .as_ref()
        .filter(|profile| profile.kind != AccountKind::Member)
    {
        let why = NoMatch::outsider(profile.clone());
        return Err(Unresolved::for_member(why));
    }
    let may_be_kept = freshness == Freshness::Cached;
    let wanted = [
        caller_by(&caller.email),
        Wanted::whole(By::Id(row.member_id.clone())),
    ]
    .map(|wanted| Wanted {
        may_be_kept,
        ..wanted
    });
    let mut found = find_wanted(app, &wanted)
        .await
        .map_err(Unresolved::for_member)?
        .into_iter();
    let pins = pins(app).await.map_err(Unresolved::for_member)?;
    let admin = known_caller(app, &pins, &caller, found.next())
        .await
        .map_err(Unresolved::for_caller)?;
    let member = found
        .next()
        .and_then(one)
        .ok_or(Unresolved::for_member(NoMatch::Unknown))?;
    let accounts = accounts_of(app, &member, freshness)
        .await
        .map_err(Unresolved::for_member)?;
    let role = app.organization.admins.role_of_member(
        &member,
        &pins,
        accounts
            .iter()
            .map(|(_, _, profile)| profile)
            .chain(&profile),
    );
    Ok(ResetPair {
        admin,
        member: KnownPerson { member, role },
        member_chat_user: row.member_chat_user.clone(),
    })
}

/// The chat profile of a card's member, where they were named by a mention.
async fn profile_of_member(
    chat: &Chat,
    user: &ChatUser,
    row: &ResetRow,
    freshness: Freshness,
) -> Result<Option<Profile>, NoMatch> {
    let Some(id) = &row.member_chat_user else {
        return Ok(None);
    };
    let other = ChatUser {
        user: id.clone(),
        ..user.clone()
    };
    chat.profile(&other, freshness)
        .await
        .map(Some)
        .map_err(NoMatch::ChatFailed)
}

/// The pins of the listed administrators. They are never cached, so that `relatch admins accept` takes effect at once.
async fn pins(app: &App) -> Result<Pins, NoMatch> {
    let admin_pins: Vec<String> = app
        .organization
        .admins
        .listed()
        .map(|(email, _)| email.key())
        .collect();
    if admin_pins.is_empty() {
        return Ok(Pins::default());
    }
    Ok(app.store.pins_of(&admin_pins).await?)
}
