//! The checks before the password is changed. What was allowed when the way was chosen must still be allowed now.

use super::channels::ReadyChannels;
use super::reporter::Reporter;
use super::stop::{Obstacle, StopReason};
use crate::app::App;
use crate::chat::{Adapter, Chat, Freshness};
use crate::domain::channel::DestinationDenied;
use crate::domain::delivery::{ExtraDenied, Way};
use crate::domain::{Carries, ChatUser, Delivery, EmailAddress, Member, Plan};
use crate::flow::{contacts, messages, pages, permit};
use crate::secret::Link;
use crate::store::{ResetRow, StoreError};

/// Everything that the change needs.
pub(super) struct ReadyReset<'a> {
    pub(super) plan: Plan,
    pub(super) channels: ReadyChannels<'a>,
    pub(super) member: Member,
}

/// Checks the plan, makes the channels ready, and reads rights and member.
pub(super) async fn make_ready<'a>(
    app: &'a App,
    reporter: &Reporter<'_>,
    row: &ResetRow,
) -> Result<ReadyReset<'a>, Obstacle> {
    let plan = allowed_plan(app, reporter.chat, row).await?;
    if plan.shows() && !reporter.can_reply() {
        // A password that is set and cannot be shown is of no use to anybody.
        return Err(StopReason::nothing_chosen(app, row, "no_reply").into());
    }
    let channels = open(app, &plan).await?;
    // Rights are read last, because a mail server may have taken its time.
    let member = read_anew(app, reporter.chat, row).await?;
    check_contacts(app, row, &member, &plan).await?;
    Ok(ReadyReset {
        plan,
        channels,
        member,
    })
}

/// The same before an undelivered password is delivered another way. The member was read by the click.
pub(super) async fn make_ready_again<'a>(
    app: &'a App,
    chat: &Chat,
    row: &ResetRow,
    member: &Member,
) -> Result<(Plan, ReadyChannels<'a>), Obstacle> {
    let plan = allowed_plan(app, chat, row).await?;
    check_contacts(app, row, member, &plan).await?;
    let channels = open(app, &plan).await?;
    Ok((plan, channels))
}

async fn open<'a>(app: &'a App, plan: &Plan) -> Result<ReadyChannels<'a>, Obstacle> {
    ReadyChannels::of(app, plan)
        .await
        .map_err(Obstacle::NotReady)
}

/// The plan of the record, if settings and chat still allow it.
async fn allowed_plan(app: &App, chat: &Chat, row: &ResetRow) -> Result<Plan, StopReason> {
    let plan = plan_of(app, row).ok_or_else(|| StopReason::nothing_chosen(app, row, "no_plan"))?;
    let is_private = chat.assurance().await.is_private();
    plan.fits(app.deliveries.ways, row.is_typed)
        .and_then(|()| check_private(&plan, row, is_private))
        .map_err(|denied| {
            let told = messages::extra_denied(denied, &row.reset_id.reference());
            StopReason::new(denied.code(), told)
        })?;
    Ok(plan)
}

/// The chosen plan, from the record: what the administrator saw on the last look.
fn plan_of(app: &App, row: &ResetRow) -> Option<Plan> {
    if row.carries == Carries::Link {
        // Without our pages there is no link: the settings were changed after the choice.
        pages::link(app, Link::Claim, row)?;
    }
    let to = row.destination.as_deref();
    let way = match row.delivery?.channel() {
        None => Way::Copy,
        Some(channel) => Way::Send(channel.stored(to?)?),
    };
    let copy_to_self = match row.copy_to_self.as_deref() {
        Some(address) => Some(EmailAddress::stored(address).ok()?),
        None => None,
    };
    Some(Plan {
        also_show: row.also_show && way != Way::Copy,
        way,
        copy_to_self,
        carries: row.carries,
    })
}

/// The chat may have lost its private replies since the way was chosen.
fn check_private(plan: &Plan, row: &ResetRow, is_private: bool) -> Result<(), ExtraDenied> {
    let copies_elsewhere = row.copy_to_self.is_some() && row.copy_to_self == row.copy_address;
    if is_private || !(plan.shows() || row.is_typed || copies_elsewhere) {
        Ok(())
    } else {
        Err(ExtraDenied::NotPrivate)
    }
}

/// Reads rights and member past every cache, and checks every rule (S3, S9, S16).
#[tracing::instrument(name = "permit_again", level = "debug", skip_all)]
async fn read_anew(app: &App, chat: &Chat, row: &ResetRow) -> Result<Member, StopReason> {
    let user = ChatUser {
        platform: row.platform,
        tenant: row.tenant.clone(),
        user: row.chat_user.clone(),
    };
    let how = (Freshness::Now, app.clock.now());
    match permit::of_card(app, chat, &user, row, how).await {
        Ok((pair, _permit)) => match is_still_on_record(app, row, &pair.member.member).await {
            Ok(true) => Ok(pair.member.member),
            Ok(false) => {
                let told = messages::contact_changed(&row.member_name, &row.reset_id.reference());
                Err(StopReason::new("contact_changed", told))
            }
            // The store has logged it.
            Err(_) => Err(StopReason::store_down(row.reset_id)),
        },
        Err(refused) => Err(StopReason::new(refused.code, refused.told)),
    }
}

/// A destination that was chosen from the record must still be on record. A typed one never was.
async fn is_still_on_record(
    app: &App,
    row: &ResetRow,
    member: &Member,
) -> Result<bool, StoreError> {
    let Some(chosen) = row.destination.as_deref().filter(|_| !row.is_typed) else {
        return Ok(true);
    };
    let channel = row.delivery.and_then(Delivery::channel);
    match channel.and_then(|channel| channel.stored(chosen)) {
        Some(chosen) => contacts::is_on_record(app, member, &chosen, row).await,
        None => Ok(false),
    }
}

/// The destination must still be outside the organization, the copy must not go to a mailbox of the member, and two contacts
/// are needed where the settings want them.
async fn check_contacts(
    app: &App,
    row: &ResetRow,
    member: &Member,
    plan: &Plan,
) -> Result<(), StopReason> {
    let reference = row.reset_id.reference();
    if row.lacks_digest() {
        let told = messages::chosen_before_upgrade(&reference);
        return Err(StopReason::new("older_version", told));
    }
    if let Err(denied) = check_destination(app, row, member, plan) {
        let told = messages::destination_refused(&denied, &member.name, &reference);
        return Err(StopReason::new("destination", told));
    }
    let has_pages = app
        .directories
        .describe(&member.id)
        .capabilities
        .has_our_pages;
    if !app.organization.contact_rules.needs_two || !has_pages {
        return Ok(());
    }
    match contacts::count_for(app, member, row).await {
        Ok(count) if count >= 2 => Ok(()),
        Ok(count) => {
            let is_strict = app.deliveries.ways.is_strict;
            let told = messages::two_contacts_needed(member, count, is_strict, &reference);
            Err(StopReason::new("one_contact", told))
        }
        // The store has logged it.
        Err(_) => Err(StopReason::store_down(row.reset_id)),
    }
}

fn check_destination(
    app: &App,
    row: &ResetRow,
    member: &Member,
    plan: &Plan,
) -> Result<(), DestinationDenied> {
    let copy = plan.copy_to_self.as_ref();
    if copy.is_some_and(|copy| member.has_mailbox(copy)) {
        // It became the member's after the box was ticked.
        return Err(DestinationDenied::BusinessEmail);
    }
    let Way::Send(to) = &plan.way else {
        return Ok(());
    };
    let to = to.clone().outside(member, &app.organization.company)?;
    if row.is_typed {
        // The allowed countries may have changed since it was typed.
        app.deliveries.check_typed(&to, member)
    } else {
        Ok(())
    }
}
