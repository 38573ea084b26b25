//! The act: prepare, change, sign out, deliver, tell. Each effect has its intent on disk before it and its outcome after.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::messages::{self, Ending, Notice};
use super::{contacts, identity, tell, tell_by_the_way, unseal};
use crate::app::{App, HOLD_FOR, Heard, HeldPassword, Ticket, WORKING_AFTER};
use crate::chat::{Adapter, Chat, Freshness, Message, Placement, ReplyAddress, ShownPassword};
use crate::delivery::Prepared;
use crate::directory::{Backend, By, Down, Enforced, Match, ResetFailed, Unavailable};
use crate::domain::contacts::Methods;
use crate::domain::delivery::{ExtraDenied, Outcome, Refusal, Way};
use crate::domain::{
    Carries, Channel, ChatUser, Delivery, Denied, Destination, EmailAddress, Member, Moment,
    Password, PhoneNumber, Plan, Platform, Quota, ResetId, Span, State, Step, StepOutcome, policy,
};
use crate::secret::Link;
use crate::store::{
    MoveRefused, Reservation, ResetRow, Shown, StepNote, StepRow, StoreError, Successor,
    after_change,
};

/// How long the directory may take for the change.
const CHANGE_DEADLINE: Duration = Duration::from_secs(15);

/// How long the channels may take to be made ready.
const PREPARE_DEADLINE: Duration = Duration::from_secs(40);

/// How long the administrator waits for the member's notice before they hear the result.
const NOTICE_PATIENCE: Duration = Duration::from_secs(3);

/// How long a notice may be tried again that was not accepted for the moment.
const NOTICE_LIFE: Span = Span::hours(24);

/// How long a shown password stays in sight.
const SHOWN_FOR: Span = Span::minutes(2);

/// An undelivered password that goes another way.
pub struct Again {
    /// The password and the right to go on.
    pub(super) held: HeldPassword,
    /// The reset, already moved to delivering.
    pub(super) row: ResetRow,
    /// The member.
    pub(super) member: Member,
    /// Where to tell the end.
    pub(super) reply: Option<ReplyAddress>,
}

/// Speaks to one administrator about one reset, so that "Working …" never comes after the result.
struct Voice<'a> {
    chat: &'a Chat,
    reply: Option<ReplyAddress>,
    heard: Arc<Mutex<Heard>>,
}

impl<'a> Voice<'a> {
    fn of(chat: &'a Chat, ticket: &Ticket) -> Self {
        Self {
            chat,
            reply: ticket.reply.clone(),
            heard: Arc::clone(&ticket.heard),
        }
    }

    async fn say(&self, message: &Message) -> bool {
        *self.heard.lock().await = Heard::End;
        tell(self.chat, self.reply.as_ref(), message, Placement::Replace).await
    }

    async fn show(&self, message: &Message, password: &Password) -> Outcome {
        *self.heard.lock().await = Heard::End;
        match &self.reply {
            Some(to) => {
                let shown = ShownPassword {
                    password,
                    spoken_label: messages::SAY_IT,
                };
                self.chat.show(to, message, &shown).await
            }
            None => Outcome::Refused(Refusal::Unreachable),
        }
    }
}

/// Says "Working …" to somebody who has heard nothing yet.
pub(super) async fn say_working(chat: &Chat, reply: Option<&ReplyAddress>, heard: &Mutex<Heard>) {
    let mut heard = heard.lock().await;
    if *heard == Heard::Nothing {
        *heard = Heard::Working;
        tell_by_the_way(chat, reply, &messages::working(), Placement::Replace).await;
    }
}

/// A confirmed reset whose turn has come, to its named end.
pub(super) async fn issue_in_turn(app: &Arc<App>, chat: &Chat, ticket: Ticket) {
    let (id, voice) = (ticket.reservation.reset_id(), Voice::of(chat, &ticket));
    let Ticket {
        reservation,
        quota,
        since,
        ..
    } = ticket;
    let _at_work = app.at_work.begin(reservation.admin(), reservation.member());
    let act = async {
        // What is on disk is what will be done.
        match app.store.reset(id).await {
            Ok(Some(row)) if row.state == State::Claimed => {
                Box::pin(issue(app, &voice, reservation, row, quota)).await
            }
            // Recovery has named it, and told its end.
            Ok(Some(_)) => Err(MoveRefused::Fenced),
            Ok(None) | Err(_) => {
                let stop = Stop::plain("store_down", messages::store_down(&id.reference()));
                stop_before(app, &voice, &reservation, stop).await
            }
        }
    };
    to_its_end(app, &voice, id, since, act).await;
}

/// A confirmed reset whose turn did not come, and why; on disk it is refused.
pub(super) struct TurnedAway {
    ticket: Ticket,
    stop: Stop,
}

impl TurnedAway {
    pub(super) fn platform(&self) -> Platform {
        self.ticket.platform
    }
}

/// A confirmed reset whose turn did not come: nothing was changed, and its slot comes back. None if that could not be
/// recorded: then recovery names it.
pub(super) async fn refuse_turn(app: &App, ticket: Ticket) -> Option<TurnedAway> {
    let id = ticket.reservation.reset_id();
    let stop = if app.at_work.is_closed() {
        Stop::plain("stopping", messages::stopping(&id.reference()))
    } else {
        Stop::plain("overloaded", messages::overloaded(&id.reference()))
    };
    // Nobody says "Working …" of it any more.
    *ticket.heard.lock().await = Heard::End;
    match refuse_before(app, &ticket.reservation, &stop).await {
        Ok(()) => Some(TurnedAway { ticket, stop }),
        Err(error) => {
            note_where_it_stood(id, Err(error));
            None
        }
    }
}

/// Tells the administrator that the turn did not come.
pub(super) async fn tell_turned_away(app: &App, chat: &Chat, refused: TurnedAway) {
    let TurnedAway { ticket, stop } = refused;
    let Ticket { reservation, .. } = &ticket;
    let _at_work = app.at_work.begin(reservation.admin(), reservation.member());
    let told = tell_stopped(app, &Voice::of(chat, &ticket), reservation, &stop).await;
    note_where_it_stood(reservation.reset_id(), told);
}

/// The password of an undelivered reset by another way, to its named end.
pub(super) async fn issue_again(app: &Arc<App>, chat: &Chat, again: Again) {
    let Again {
        held,
        row,
        member,
        reply,
    } = again;
    let (id, voice) = (
        row.reset_id,
        Voice {
            chat,
            reply,
            heard: Arc::default(),
        },
    );
    let _at_work = app.at_work.begin(&row.admin_id, &row.member_id);
    let since = Instant::now();
    let act = async {
        // The password is set already: whoever waited for a hand for too long goes on without one.
        let _hand = app.at_work.hand_in_time().await;
        Box::pin(deliver_again(app, &voice, held, row, member)).await
    };
    to_its_end(app, &voice, id, since, act).await;
}

/// Runs a reset, and says "Working …" when it takes its time.
async fn to_its_end(
    app: &App,
    voice: &Voice<'_>,
    id: ResetId,
    since: Instant,
    act: impl Future<Output = Result<(), MoveRefused>>,
) {
    let act = async {
        note_where_it_stood(id, act.await);
        *voice.heard.lock().await = Heard::End;
    };
    // Whoever has waited in the line may have heard it there; if not, most are done before it could be said.
    let since = if since.elapsed() < WORKING_AFTER {
        since
    } else {
        Instant::now()
    };
    let working = async {
        tokio::time::sleep_until(since + WORKING_AFTER).await;
        if *voice.heard.lock().await == Heard::Nothing {
            let _turn = app.at_work.voice().await;
            say_working(voice.chat, voice.reply.as_ref(), &voice.heard).await;
        }
    };
    let mut act = std::pin::pin!(act);
    tokio::select! {
        () = &mut act => {}
        // In a box, because most never say it.
        () = Box::pin(working) => act.await,
    }
}

fn note_where_it_stood(id: ResetId, ended: Result<(), MoveRefused>) {
    if let Err(error) = ended {
        // The secret is gone with the stack; what is on disk is what recovery and the next command go by.
        tracing::error!(reset.id = %id, error = &error as &dyn std::error::Error, "a reset stopped where it stood");
    }
}

/// Find, approve, prepare, make, set, sign out, deliver, tell.
async fn issue(
    app: &Arc<App>,
    voice: &Voice<'_>,
    reservation: Reservation,
    row: ResetRow,
    quota: Quota,
) -> Result<(), MoveRefused> {
    let Some(plan) = plan_of(app, &row) else {
        return stop_before(
            app,
            voice,
            &reservation,
            Stop::plain("no_plan", nothing_chosen(app, &row)),
        )
        .await;
    };
    let is_private = voice.chat.assurance().await.is_private();
    let may_do = plan
        .fits(app.deliveries.ways, row.is_typed)
        .and_then(|()| private_enough(&plan, &row, is_private));
    if let Err(denied) = may_do {
        let told = messages::extra_denied(denied, &row.reset_id.reference());
        return stop_before(app, voice, &reservation, Stop::plain(denied.code(), told)).await;
    }
    // A password that is set and cannot be shown is of no use to anybody.
    if plan.shows()
        && voice
            .reply
            .as_ref()
            .is_none_or(|to| voice.chat.uses_left(to) == 0)
    {
        return stop_before(
            app,
            voice,
            &reservation,
            Stop::plain("no_reply", nothing_chosen(app, &row)),
        )
        .await;
    }
    let prepared = match prepare(app, &plan).await {
        Ok(prepared) => prepared,
        Err((step, why)) => {
            return not_prepared(app, voice, &reservation, &row, &plan, step, &why).await;
        }
    };
    // Last of all, because a mail server may have taken its time.
    let member = match read_anew(app, voice.chat, &row).await {
        Ok(member) => member,
        Err(stop) => {
            prepared.abandon().await;
            return stop_before(app, voice, &reservation, stop).await;
        }
    };
    if let Some(stop) = contacts_forbid(app, &row, &member, &plan).await {
        prepared.abandon().await;
        return stop_before(app, voice, &reservation, stop).await;
    }
    let Ok(mut rng) = app.chance.rng() else {
        prepared.abandon().await;
        let told = messages::store_down(&row.reset_id.reference());
        return stop_before(app, voice, &reservation, Stop::plain("no_entropy", told)).await;
    };
    if let Err(stopped) = app
        .store
        .advance(&reservation, State::Changing, None, Vec::new())
        .await
    {
        prepared.abandon().await;
        return match stopped {
            MoveRefused::Disowned => {
                let told = lost_right(app, &Denied::Disowned, &row, app.clock.now());
                tell_stopped(app, voice, &reservation, &Stop::plain("disowned", told)).await
            }
            // Surely not written, so nothing was begun; the refusal waits for the record.
            MoveRefused::Store(StoreError::NotBegun | StoreError::Overloaded) => {
                let told = messages::store_down(&row.reset_id.reference());
                stop_before(app, voice, &reservation, Stop::plain("store_down", told)).await
            }
            MoveRefused::Store(StoreError::Unavailable) | MoveRefused::Fenced => Err(stopped),
        };
    }
    app.held.forget(&row.member_id);
    // Only now: a password that nobody needs never exists.
    let password = Password::generate(&mut rng, app.organization.password_length);
    if !change(app, voice, &reservation, &password, &row).await? {
        prepared.abandon().await;
        return Ok(());
    }
    let must_change = read_back(app, &member, &password).await;
    let signed_out = sign_out(app, &member).await;
    let done = vec![must_change.clone(), signed_out.clone()];
    let row = app
        .store
        .advance(&reservation, State::Delivering, None, done)
        .await?;
    let noted = [
        note(Step::Change, StepOutcome::Done),
        must_change,
        signed_out,
        note(Step::Notice, StepOutcome::Pending),
    ];
    let (now, id) = (app.clock.now(), row.reset_id);
    let steps = noted.iter().map(|note| row_of(id, note, now)).collect();
    let member = &member;
    let parcel = Parcel {
        reservation,
        password,
        prepared,
        plan,
        row,
        member,
        steps,
        quota: Some(quota),
        held_until: None,
    };
    Box::pin(deliver(app, voice, parcel)).await
}

/// At the act too, and not only where it was chosen: the chat may have lost its private replies meanwhile.
fn private_enough(plan: &Plan, row: &ResetRow, is_private: bool) -> Result<(), ExtraDenied> {
    let copies_elsewhere = row.copy_to_self.is_some() && row.copy_to_self == row.copy_address;
    if is_private || !(plan.shows() || row.is_typed || copies_elsewhere) {
        Ok(())
    } else {
        Err(ExtraDenied::NotPrivate)
    }
}

/// Why a claimed reset stops before anything happened.
struct Stop {
    code: &'static str,
    told: Message,
}

impl Stop {
    fn plain(code: &'static str, told: Message) -> Self {
        Self { code, told }
    }
}

/// Claimed → refused: the slot comes back, and the administrator is told that nothing was changed.
async fn stop_before(
    app: &App,
    voice: &Voice<'_>,
    reservation: &Reservation,
    stop: Stop,
) -> Result<(), MoveRefused> {
    refuse_before(app, reservation, &stop).await?;
    tell_stopped(app, voice, reservation, &stop).await
}

async fn refuse_before(
    app: &App,
    reservation: &Reservation,
    stop: &Stop,
) -> Result<(), MoveRefused> {
    app.store.refuse(reservation, stop.code, Vec::new()).await?;
    tracing::info!(reset.id = %reservation.reset_id(), refused = stop.code, "a claimed reset was refused; its slot came back");
    Ok(())
}

async fn tell_stopped(
    app: &App,
    voice: &Voice<'_>,
    reservation: &Reservation,
    stop: &Stop,
) -> Result<(), MoveRefused> {
    say_and_note(
        app,
        voice,
        reservation.reset_id(),
        &messages::with_slot_back(stop.told.clone()),
    )
    .await
}

/// Tells the administrator how a reset ended that is refused, and notes that they have heard it.
async fn say_and_note(
    app: &App,
    voice: &Voice<'_>,
    id: ResetId,
    told: &Message,
) -> Result<(), MoveRefused> {
    if voice.say(told).await {
        app.store.told(id).await?;
    }
    Ok(())
}

/// The same of one that went further: an undelivered one may go on as soon as they read it.
async fn say_and_note_of(
    app: &App,
    voice: &Voice<'_>,
    row: &ResetRow,
    told: &Message,
) -> Result<(), MoveRefused> {
    if voice.say(told).await {
        app.store.told_as(row).await?;
    }
    Ok(())
}

/// Rights and member, past every cache (S3, S9, S16).
async fn read_anew(app: &App, chat: &Chat, row: &ResetRow) -> Result<Member, Stop> {
    let user = ChatUser {
        platform: row.platform,
        tenant: row.tenant.clone(),
        user: row.chat_user.clone(),
    };
    let (now, reference) = (app.clock.now(), row.reset_id.reference());
    let pair = identity::pair_of_card(app, chat, &user, row, Freshness::Now)
        .await
        .map_err(|lost| Stop {
            code: lost.code(),
            told: lost.told(app, &reference),
        })?;
    if pair.admin.member.id != row.admin_id {
        return Err(Stop::plain(
            "another_person",
            messages::unresolved_caller(&reference),
        ));
    }
    match policy::approve(&pair.case(), now) {
        Ok(_) if !is_still_on_record(row, &pair.member.member) => Err(Stop::plain(
            "contact_changed",
            messages::contact_changed(&row.member_name, &reference),
        )),
        Ok(_) => Ok(pair.member.member),
        Err(denied) => {
            let told = lost_right(app, &denied, row, now);
            Err(Stop {
                code: denied.code(),
                told,
            })
        }
    }
}

/// What was allowed when the way was chosen must be allowed at the act: no mailbox of the organisation, and two contacts
/// where the settings require them.
async fn contacts_forbid(app: &App, row: &ResetRow, member: &Member, plan: &Plan) -> Option<Stop> {
    let reference = row.reset_id.reference();
    if row.lacks_digest() {
        return Some(Stop::plain(
            "older_version",
            messages::chosen_before_upgrade(&reference),
        ));
    }
    if let Way::Send(to) = &plan.way
        && let Err(denied) = to
            .clone()
            .outside(member, &app.organization.company)
            .and_then(|to| {
                // The settings may name other countries than when it was typed.
                if row.is_typed {
                    app.deliveries.check_typed(&to, member)
                } else {
                    Ok(())
                }
            })
    {
        let title = messages::destination_denied(&denied, &member.name);
        return Some(Stop::plain(
            "destination",
            Message {
                title,
                ..Message::default()
            },
        ));
    }
    let has_pages = app.directories.told(&member.id).1.has_our_pages;
    if !app.organization.contact_rules.needs_two || !has_pages {
        return None;
    }
    match contacts::count_for(app, member, row).await {
        Ok(count) if count >= 2 => None,
        Ok(count) => {
            let told = messages::two_contacts_needed(
                &member.name,
                &member.business_email,
                count,
                &reference,
            );
            Some(Stop::plain("one_contact", told))
        }
        Err(_) => Some(Stop::plain("store_down", messages::store_down(&reference))),
    }
}

/// An address that was chosen from the record must still be there; a typed one was never.
fn is_still_on_record(row: &ResetRow, member: &Member) -> bool {
    let chosen = row.destination.as_deref().filter(|_| !row.is_typed);
    let on_record = match row.delivery {
        Some(Delivery::Phone) => member.phone.as_ref().map(PhoneNumber::as_str),
        Some(Delivery::Email) => member.outside_email().map(EmailAddress::as_str),
        Some(Delivery::Copy) | None => None,
    };
    chosen.is_none() || chosen == on_record
}

fn lost_right(app: &App, denied: &Denied, row: &ResetRow, now: Moment) -> Message {
    messages::denied(
        denied,
        &row.member_name,
        &app.organization,
        &app.zone,
        now,
        &row.reset_id.reference(),
    )
}

fn nothing_chosen(app: &App, row: &ResetRow) -> Message {
    let why = crate::store::ClickRefused::NothingChosen;
    messages::click_refused(
        &why,
        Some(row),
        &app.organization,
        &app.zone,
        app.clock.now(),
        &row.reset_id.reference(),
    )
}

/// What was chosen, read from the record: what the administrator saw on the last look.
fn plan_of(app: &App, row: &ResetRow) -> Option<Plan> {
    if row.carries == Carries::Link {
        // Without pages there is nothing to send: the settings were changed after the choice.
        link(app, Link::Claim, row)?;
    }
    let to = row.destination.as_deref();
    let way = match row.delivery? {
        Delivery::Copy => Way::Copy,
        Delivery::Phone => Way::Send(Destination::Phone(to?.parse().ok()?)),
        Delivery::Email => Way::Send(Destination::Email(to?.parse().ok()?)),
    };
    let copy_to_self = match row.copy_to_self.as_deref() {
        Some(address) => Some(address.parse().ok()?),
        None => None,
    };
    Some(Plan {
        also_show: row.also_show && way != Way::Copy,
        way,
        copy_to_self,
        carries: row.carries,
    })
}

/// Makes the channels ready, within a deadline of its own.
async fn prepare<'a>(app: &'a App, plan: &Plan) -> Result<Prepared<'a>, (Step, Refusal)> {
    let ready = tokio::time::timeout(PREPARE_DEADLINE, app.deliveries.prepare(plan)).await;
    ready.unwrap_or(Err((Step::Deliver, Refusal::Unreachable)))
}

/// A channel that is not ready: refused, slot back, and a successor card in the same message.
async fn not_prepared(
    app: &App,
    voice: &Voice<'_>,
    reservation: &Reservation,
    row: &ResetRow,
    plan: &Plan,
    step: Step,
    why: &Refusal,
) -> Result<(), MoveRefused> {
    let member = member_of(app, row).await;
    let channel = match (&plan.way, step) {
        (Way::Send(to), Step::Deliver) => to.channel(),
        _ => Channel::Email,
    };
    let successor = app.chance.rng().ok().map(|mut rng| {
        let reset_id = ResetId::draw(&mut rng, app.clock.now());
        // The follow-up address is sealed anew, because a sealed text opens for its own reset only.
        let reply = super::seal_by(app, reset_id, voice.reply.as_ref(), &mut rng)
            .ok()
            .flatten();
        Successor {
            reset_id,
            reply,
            lifetime: app.organization.offer_lifetime,
        }
    });
    let value = successor
        .as_ref()
        .map(|successor| app.keys.button_value(successor.reset_id));
    count_typed_refusal(app, row, step, why).await;
    app.store
        .refuse_for_another(reservation, why.code(), successor)
        .await?;
    tracing::warn!(reset.id = %reservation.reset_id(), step = %step, why = why.code(), "a channel was not ready; nothing was changed");
    let reference = row.reset_id.reference();
    // Without the member there are no buttons to offer, and the command shows them again.
    let offered = member.as_ref().zip(value.as_deref());
    let channels = (&app.deliveries, voice.chat.assurance().await.is_private());
    let told = messages::not_prepared(step, why, channel, offered, channels, &reference);
    say_and_note(app, voice, row.reset_id, &told).await
}

/// The one call to the directory. True where the answer was yes; else the end is recorded and told.
async fn change(
    app: &App,
    voice: &Voice<'_>,
    reservation: &Reservation,
    password: &Password,
    row: &ResetRow,
) -> Result<bool, MoveRefused> {
    let until = app.clock.now() + app.organization.password_lifetime;
    let (name, _) = app.directories.told(&row.member_id);
    let ended = match app.directories.of(&row.member_id) {
        Some(home) => {
            let call = home.reset(reservation, password, until);
            tokio::time::timeout(CHANGE_DEADLINE, call)
                .await
                .unwrap_or(Err(ResetFailed::Unknown))
        }
        None => Err(ResetFailed::NotSent),
    };
    let reference = row.reset_id.reference();
    let told = match ended {
        Ok(()) => {
            let steps = [vec![note(Step::Change, StepOutcome::Done)], after_change()].concat();
            return app
                .store
                .advance(reservation, State::Changed, None, steps)
                .await
                .map(|_| true);
        }
        Err(ResetFailed::Unknown) => return unknown(app, voice, reservation).await.map(|()| false),
        Err(ResetFailed::Refused(reason)) => messages::directory_refused(name, &reason, &reference),
        Err(ResetFailed::NotSent) => messages::directory_down(name, &reference),
    };
    let steps = vec![note(Step::Change, StepOutcome::Failed)];
    app.store
        .refuse(reservation, "directory_refused", steps)
        .await?;
    tracing::warn!(reset.id = %reservation.reset_id(), "the directory refused; nothing was changed");
    say_and_note(app, voice, reservation.reset_id(), &told)
        .await
        .map(|()| false)
}

/// Nobody can say: the slot stays used, the directory is looked at, and what was seen is said.
async fn unknown(
    app: &App,
    voice: &Voice<'_>,
    reservation: &Reservation,
) -> Result<(), MoveRefused> {
    // If it was changed, somebody's old session must not live on, and the member must hear of it.
    let steps = [
        vec![note(Step::Change, StepOutcome::Unknown)],
        after_change(),
    ]
    .concat();
    let row = app
        .store
        .advance(reservation, State::Unknown, Some("no_answer"), steps)
        .await?;
    tracing::error!(reset.id = %row.reset_id, "the directory stopped answering half-way; the end is unknown");
    let told = ending(app, &row, None, None).await;
    say_and_note_of(app, voice, &row, &told).await?;
    finish_steps(app, &row).await;
    Ok(())
}

/// Reads back whether a new password is asked for: only that is told (Q5).
async fn read_back(app: &App, member: &Member, password: &Password) -> StepNote {
    let home = app
        .directories
        .of(&member.id)
        .filter(|home| home.capabilities().must_change);
    let Some(home) = home else {
        return note(Step::MustChange, StepOutcome::Impossible);
    };
    let (outcome, detail) = match home.enforced(&member.id, password).await {
        Ok(Enforced::MustChange) => (StepOutcome::Done, None),
        Ok(Enforced::NeverExpires) => (StepOutcome::Failed, Some("never_expires")),
        Ok(Enforced::NotInForce) => (StepOutcome::Failed, Some("not_in_force")),
        Err(Unavailable) => (StepOutcome::Unknown, None),
    };
    if outcome != StepOutcome::Done {
        tracing::warn!(member.id = %member.id, outcome = %outcome, detail, "a new password may not be asked for at the next sign-in");
    }
    StepNote {
        step: Step::MustChange,
        outcome,
        detail,
    }
}

async fn sign_out(app: &App, member: &Member) -> StepNote {
    let home = app
        .directories
        .of(&member.id)
        .filter(|home| home.capabilities().can_sign_out);
    let Some(home) = home else {
        return note(Step::SignOut, StepOutcome::Impossible);
    };
    match home.sign_out(&member.id).await {
        Ok(()) => note(Step::SignOut, StepOutcome::Done),
        Err(error) => {
            tracing::error!(member.id = %member.id, error = &error as &dyn std::error::Error, "could not sign a member out");
            StepNote {
                detail: Some("directory_down"),
                ..note(Step::SignOut, StepOutcome::Failed)
            }
        }
    }
}

/// A password that is set, and everything that its delivery hangs on.
struct Parcel<'a> {
    reservation: Reservation,
    password: Password,
    prepared: Prepared<'a>,
    plan: Plan,
    row: ResetRow,
    member: &'a Member,
    /// What was done before.
    steps: Vec<StepRow>,
    /// Where the administrator stands; told once.
    quota: Option<Quota>,
    /// Until when an earlier try kept the password.
    held_until: Option<Moment>,
}

/// All outputs of the plan. It consumes the password, and keeps it only when nothing was accepted (section 2).
async fn deliver(app: &Arc<App>, voice: &Voice<'_>, parcel: Parcel<'_>) -> Result<(), MoveRefused> {
    let Parcel {
        reservation,
        password,
        prepared,
        plan,
        row,
        member,
        steps,
        quota,
        held_until,
    } = parcel;
    let was_signed_out = steps
        .iter()
        .any(|step| step.step == Step::SignOut && step.outcome == StepOutcome::Done);
    let id = row.reset_id;
    let until =
        row.changed_at.unwrap_or_else(|| app.clock.now()) + app.organization.password_lifetime;
    let sent = Box::pin(send(app, &password, prepared, &row, until)).await;
    let mut notes: Vec<StepNote> = sent
        .iter()
        .map(|(step, outcome)| outcome_note(*step, outcome))
        .collect();
    if plan.shows() {
        let step = if plan.way == Way::Copy {
            Step::Deliver
        } else {
            Step::Show
        };
        // What an earlier way came to is not told of this one; that this one is shown, its reader sees.
        let earlier = steps
            .into_iter()
            .filter(|done| done.step != step && notes.iter().all(|note| note.step != done.step));
        let outcome = show(
            app,
            voice,
            &password,
            (&row, member),
            earlier.collect(),
            &notes,
            quota,
        )
        .await;
        notes.push(outcome_note(step, &outcome));
    }
    let has = |wanted: StepOutcome| notes.iter().any(|note| note.outcome == wanted);
    let state = if has(StepOutcome::Done) {
        State::Delivered
    } else if has(StepOutcome::Unknown) {
        State::DeliveryUnknown
    } else {
        State::Undelivered
    };
    let shown = notes
        .last()
        .filter(|_| plan.shows())
        .map(|note| note.outcome);
    let was_shown = shown == Some(StepOutcome::Done);
    let failure = notes
        .iter()
        .find(|note| note.outcome != StepOutcome::Done)
        .map(|note| note.detail.unwrap_or("unknown"));
    let is_first = held_until.is_none();
    let notice_to = notice_destination(app, &row, member).filter(|_| is_first);
    if is_first && notice_to.is_none() {
        notes.push(note(Step::Notice, StepOutcome::Impossible));
    }
    let row = match shown {
        Some(StepOutcome::Done | StepOutcome::Unknown) => {
            let hide_at = voice
                .chat
                .can_replace()
                .then(|| app.clock.now() + SHOWN_FOR);
            let shown = Shown {
                hide_at,
                is_certain: was_shown,
            };
            app.store
                .advance_shown(&reservation, state, failure, notes, shown)
                .await?
        }
        Some(StepOutcome::Failed | StepOutcome::Impossible | StepOutcome::Pending) | None => {
            app.store
                .advance(&reservation, state, failure, notes)
                .await?
        }
    };
    tracing::info!(reset.id = %id, admin.id = %row.admin_id, member.id = %row.member_id, state = %row.state, "a reset ended");
    let retry = if state == State::Undelivered {
        let until = held_until.unwrap_or_else(|| app.clock.now() + HOLD_FOR);
        app.held.keep(HeldPassword {
            password,
            reservation,
            until,
        });
        Some(member)
    } else {
        drop(password);
        None
    };
    let notice = async {
        if let Some(to) = notice_to
            && let Err(error) = send_notice(app, &row, &to, was_signed_out).await
        {
            tracing::error!(reset.id = %id, error = &error as &dyn std::error::Error, "could not note a notice");
        }
    };
    let mut notice = std::pin::pin!(notice);
    // The result waits for the notice for a moment, so that it can tell of it, and no longer.
    let is_noticed = tokio::time::timeout(NOTICE_PATIENCE, &mut notice)
        .await
        .is_ok();
    let told = if was_shown {
        Ok(())
    } else {
        tell_end(app, voice, &row, quota, retry).await
    };
    if !is_noticed {
        notice.await;
    }
    told
}

async fn tell_end(
    app: &App,
    voice: &Voice<'_>,
    row: &ResetRow,
    quota: Option<Quota>,
    retry: Option<&Member>,
) -> Result<(), MoveRefused> {
    say_and_note_of(app, voice, row, &ending(app, row, quota, retry).await).await
}

/// Everything that leaves by e-mail and SMS.
async fn send(
    app: &App,
    password: &Password,
    prepared: Prepared<'_>,
    row: &ResetRow,
    until: Moment,
) -> Vec<(Step, Outcome)> {
    let (organization, zone) = (&app.organization, &app.zone);
    let (_, capabilities) = app.directories.told(&row.member_id);
    let ends = capabilities.has_our_pages.then_some(until);
    let link =
        (row.carries == Carries::Link).then(|| link(app, Link::Claim, row).unwrap_or_default());
    let (mail, sms) = match link {
        Some(link) => (
            messages::link_mail(organization, &row.member_name, &link, until, zone),
            messages::link_sms(organization, &link, until, zone),
        ),
        None => (
            messages::password_mail(organization, &row.member_name, password, ends, zone),
            messages::password_sms(organization, password, ends, zone),
        ),
    };
    let copy = messages::copy_to_self(organization, &row.member_name, password, ends, zone);
    // Another try is another message: a gateway that knows the name of the first would not send it.
    let name = format!("{}-{}", row.reset_id, row.edition);
    Box::pin(prepared.send(&mail, &sms, &copy, &name)).await
}

/// The one message that shows the password: the result, with everything that is known when it is sent.
async fn show(
    app: &App,
    voice: &Voice<'_>,
    password: &Password,
    (row, member): (&ResetRow, &Member),
    mut steps: Vec<StepRow>,
    notes: &[StepNote],
    quota: Option<Quota>,
) -> Outcome {
    let now = app.clock.now();
    steps.extend(notes.iter().map(|note| row_of(row.reset_id, note, now)));
    let value = app.keys.button_value(row.reset_id);
    let shows_password = Some(voice.chat.can_replace());
    let codes = codes_of(app, row, Some(member)).await;
    let codes = codes.as_ref();
    let message = messages::result(&Ending {
        quota,
        shows_password,
        codes,
        ..frame(app, row, &steps, &value, now)
    });
    voice.show(&message, password).await
}

/// Undelivered → delivering → …, by another way (Q3).
async fn deliver_again(
    app: &Arc<App>,
    voice: &Voice<'_>,
    held: HeldPassword,
    row: ResetRow,
    member: Member,
) -> Result<(), MoveRefused> {
    let HeldPassword {
        password,
        reservation,
        until,
    } = held;
    let ready = match may_go_again(app, voice, &row, &member).await {
        Ok(plan) => prepare(app, &plan)
            .await
            .map(|prepared| (plan, prepared))
            .map_err(NotAgain::NotReady),
        Err(stop) => Err(NotAgain::Stopped(stop)),
    };
    let not_again = match ready {
        Ok((plan, prepared)) => {
            let steps = steps_of(app, row.reset_id).await;
            let (member, held_until) = (&member, Some(until));
            let parcel = Parcel {
                reservation,
                password,
                prepared,
                plan,
                row,
                member,
                steps,
                quota: None,
                held_until,
            };
            return Box::pin(deliver(app, voice, parcel)).await;
        }
        Err(not_again) => not_again,
    };
    let (failure, notes, told) = match not_again {
        NotAgain::NotReady((step, why)) => {
            count_typed_refusal(app, &row, step, &why).await;
            // One that is not ready keeps all of them back.
            let noted = |output: Step| match output {
                output if output == step => outcome_note(step, &Outcome::Refused(why.clone())),
                output => StepNote {
                    detail: Some("kept_back"),
                    ..note(output, StepOutcome::Failed)
                },
            };
            (
                why.code(),
                row.outputs().into_iter().map(noted).collect(),
                None,
            )
        }
        NotAgain::Stopped(Stop { code, told }) => {
            let noted = |output| StepNote {
                detail: Some("not_allowed"),
                ..note(output, StepOutcome::Failed)
            };
            (
                code,
                row.outputs().into_iter().map(noted).collect(),
                Some(told.title),
            )
        }
    };
    let row = app
        .store
        .advance(&reservation, State::Undelivered, Some(failure), notes)
        .await?;
    app.held.keep(HeldPassword {
        password,
        reservation,
        until,
    });
    let mut end = ending(app, &row, None, Some(&member)).await;
    if let Some(why) = told {
        let why = messages::after_change(
            Message {
                title: why,
                ..Message::default()
            },
            &row,
            &app.zone,
            app.clock.now(),
        );
        end.lines.insert(0, why.title);
    }
    say_and_note_of(app, voice, &row, &end).await
}

/// Why an undelivered password does not go another way.
enum NotAgain {
    /// This output cannot be sent.
    NotReady((Step, Refusal)),
    /// It may not go that way.
    Stopped(Stop),
}

/// The same checks as before the change: what the organisation lets out, private replies, the member's contacts.
async fn may_go_again(
    app: &App,
    voice: &Voice<'_>,
    row: &ResetRow,
    member: &Member,
) -> Result<Plan, Stop> {
    let Some(plan) = plan_of(app, row) else {
        return Err(Stop::plain("no_plan", nothing_chosen(app, row)));
    };
    let is_private = voice.chat.assurance().await.is_private();
    plan.fits(app.deliveries.ways, row.is_typed)
        .and_then(|()| private_enough(&plan, row, is_private))
        .map_err(|denied| {
            Stop::plain(
                denied.code(),
                messages::extra_denied(denied, &row.reset_id.reference()),
            )
        })?;
    match contacts_forbid(app, row, member, &plan).await {
        Some(stop) => Err(stop),
        None => Ok(plan),
    }
}

/// A mail server that says of a typed address that it does not exist tells the administrator something: it counts.
async fn count_typed_refusal(app: &App, row: &ResetRow, step: Step, why: &Refusal) {
    let is_typed = if step == Step::CopyToSelf {
        row.copy_to_self.is_some() && row.copy_to_self == row.copy_address
    } else {
        row.is_typed
    };
    if is_typed
        && *why == Refusal::Address
        && let Err(error) = app.store.count_refused_address(row).await
    {
        tracing::error!(reset.id = %row.reset_id, error = &error as &dyn std::error::Error, "could not count a refused address");
    }
}

/// Tells the member on a contact other than the delivery's; never with the password.
async fn send_notice(
    app: &App,
    row: &ResetRow,
    to: &Destination,
    was_signed_out: bool,
) -> Result<(), MoveRefused> {
    let is_certain = row.changed_at.is_some();
    let at = row
        .changed_at
        .or(row.changing_at)
        .unwrap_or_else(|| app.clock.now());
    let link = link(app, Link::NotMe, row);
    let (organization, admin_name, link, zone) = (
        &app.organization,
        row.admin_name.as_str(),
        link.as_deref(),
        &app.zone,
    );
    let has_our_pages = app.directories.told(&row.member_id).1.has_our_pages;
    let notice = Notice {
        organization,
        admin_name,
        at,
        is_certain,
        was_signed_out,
        has_our_pages,
        link,
        zone,
    };
    let text = match to {
        Destination::Phone(_) => notice.sms(),
        Destination::Email(_) => notice.mail(),
    };
    let name = format!("notice-{}", row.reset_id);
    let sent = tokio::time::timeout(PREPARE_DEADLINE, app.deliveries.tell(to, &text, &name)).await;
    let noted = match sent.unwrap_or(Outcome::Unknown) {
        // A mail server that does not know us yet asks for patience; the sweep tries again.
        Outcome::Refused(Refusal::Later | Refusal::Unreachable)
            if app.clock.now() - at < NOTICE_LIFE =>
        {
            note(Step::Notice, StepOutcome::Pending)
        }
        outcome @ (Outcome::Accepted | Outcome::Refused(_) | Outcome::Unknown) => {
            outcome_note(Step::Notice, &outcome)
        }
    };
    app.store
        .note_steps(row.reset_id, vec![noted])
        .await
        .map_err(MoveRefused::from)
}

/// A link to a page about this reset, where the member has pages here.
fn link(app: &App, link: Link, row: &ResetRow) -> Option<String> {
    app.directories
        .told(&row.member_id)
        .1
        .has_our_pages
        .then_some(())?;
    let base = app
        .organization
        .public_url
        .as_ref()?
        .as_str()
        .trim_end_matches('/');
    Some(format!(
        "{base}/{}/{}",
        link.path(),
        app.keys.link_token(link, row.reset_id)
    ))
}

/// Where the notice goes, if there is any contact left.
fn notice_destination(app: &App, row: &ResetRow, member: &Member) -> Option<Destination> {
    let phone = member.phone.clone().map(Destination::Phone);
    let email = member.outside_email().cloned().map(Destination::Email);
    let business = Some(Destination::Email(member.business_email.clone()));
    let mut contacts = match row.delivery {
        Some(Delivery::Email) => vec![phone, email],
        Some(Delivery::Phone | Delivery::Copy) | None => vec![email, phone],
    };
    contacts.push(business);
    // What was typed is not the contact on record, however alike the two look once they are masked.
    let used = row.delivery.filter(|_| !row.is_typed);
    let was_used = |to: &Destination| match (used, to) {
        (Some(Delivery::Phone), Destination::Phone(used)) => member.phone.as_ref() == Some(used),
        (Some(Delivery::Email), Destination::Email(used)) => member.outside_email() == Some(used),
        (Some(_) | None, _) => false,
    };
    contacts
        .into_iter()
        .flatten()
        .find(|to| app.deliveries.has(to.channel()) && !was_used(to))
}

/// Steps that a dead process left to do: the sign-out and the notice, both harmless twice.
pub(super) async fn finish_steps(app: &App, row: &ResetRow) {
    let pending = |step: Step, steps: &[StepRow]| {
        steps
            .iter()
            .any(|row| row.step == step && row.outcome == StepOutcome::Pending)
    };
    let steps = steps_of(app, row.reset_id).await;
    let member = match found(app, row).await {
        Ok(Some(member)) => member,
        Ok(None) => {
            // Nobody is left to be signed out or told.
            let impossible = |step: &StepRow| note(step.step, StepOutcome::Impossible);
            let noted = steps
                .iter()
                .filter(|step| step.outcome == StepOutcome::Pending)
                .map(impossible)
                .collect();
            if let Err(error) = app.store.note_steps(row.reset_id, noted).await {
                tracing::error!(reset.id = %row.reset_id, error = &error as &dyn std::error::Error, "could not note that a member is gone");
            }
            return;
        }
        // Asked again later.
        Err(Down(_)) => return,
    };
    let mut was_signed_out = steps
        .iter()
        .any(|row| row.step == Step::SignOut && row.outcome == StepOutcome::Done);
    if pending(Step::SignOut, &steps) {
        let noted = sign_out(app, &member).await;
        was_signed_out = noted.outcome == StepOutcome::Done;
        if let Err(error) = app.store.note_steps(row.reset_id, vec![noted]).await {
            tracing::error!(reset.id = %row.reset_id, error = &error as &dyn std::error::Error, "could not note a sign-out");
        }
    }
    if pending(Step::Notice, &steps) {
        let noted = if let Some(to) = notice_destination(app, row, &member) {
            send_notice(app, row, &to, was_signed_out).await
        } else {
            let impossible = vec![note(Step::Notice, StepOutcome::Impossible)];
            app.store
                .note_steps(row.reset_id, impossible)
                .await
                .map_err(MoveRefused::from)
        };
        if let Err(error) = noted {
            tracing::error!(reset.id = %row.reset_id, error = &error as &dyn std::error::Error, "could not note a notice");
        }
    }
}

/// The administrator asks to sign the member out once more.
pub(super) async fn sign_out_again(app: &App, chat: &Chat, id: ResetId, to: Option<ReplyAddress>) {
    let Ok(Some(row)) = app.store.reset(id).await else {
        return;
    };
    let Some(member) = member_of(app, &row).await else {
        return;
    };
    let noted = sign_out(app, &member).await;
    if let Err(error) = app.store.note_steps(id, vec![noted]).await {
        tracing::error!(reset.id = %id, error = &error as &dyn std::error::Error, "could not note a sign-out");
    }
    // Meanwhile it may have gone on; then its end is told when it has come.
    let Ok(Some(row)) = app.store.reset(id).await else {
        return;
    };
    if row.state.is_active() {
        return;
    }
    // A password that is in sight stays there, and one that waits for another way keeps its buttons.
    let placement = if row.hide_at.is_some() {
        Placement::Add
    } else {
        Placement::Replace
    };
    let told = ending(app, &row, None, retry_for(app, &row, Some(&member))).await;
    tell(chat, to.as_ref(), &told, placement).await;
}

/// The member, where an undelivered password can still go another way.
fn retry_for<'a>(app: &App, row: &ResetRow, member: Option<&'a Member>) -> Option<&'a Member> {
    member
        .filter(|_| row.is_waiting_for_another_way() && app.held.has(row.reset_id, app.clock.now()))
}

/// Replaces the message that shows a password by the result without it.
pub(super) async fn hide(app: &App, chat: &Chat, id: ResetId, to: Option<&ReplyAddress>) {
    let told = match app.store.reset(id).await {
        Ok(Some(row)) => ending(app, &row, None, None).await,
        Ok(None) | Err(_) => messages::hidden(),
    };
    if tell(chat, to, &told, Placement::Replace).await
        && let Err(error) = app.store.hidden(id).await
    {
        tracing::error!(reset.id = %id, error = &error as &dyn std::error::Error, "could not note that a password is hidden");
    }
}

/// Tells how a reset ended through its own follow-up address; true if the platform took it.
pub(super) async fn tell_ending(app: &App, chat: &Chat, row: &ResetRow) -> bool {
    let member = if row.is_waiting_for_another_way() {
        member_of(app, row).await
    } else {
        None
    };
    let told = ending(app, row, None, retry_for(app, row, member.as_ref())).await;
    tell(chat, unseal(app, row).as_ref(), &told, Placement::Replace).await
}

/// The text of an ending, from the record.
async fn ending(
    app: &App,
    row: &ResetRow,
    quota: Option<Quota>,
    retry_for: Option<&Member>,
) -> Message {
    let now = app.clock.now();
    let steps = steps_of(app, row.reset_id).await;
    let observed = if row.state == State::Unknown {
        observe(app, row).await
    } else {
        None
    };
    let value = app.keys.button_value(row.reset_id);
    let codes = codes_of(app, row, retry_for).await;
    let codes = codes.as_ref();
    let is_private = match app.chat(row.platform) {
        Some(chat) => chat.assurance().await.is_private(),
        None => false,
    };
    messages::result(&Ending {
        quota,
        observed,
        retry_for,
        is_private,
        codes,
        ..frame(app, row, &steps, &value, now)
    })
}

/// Where the code of a reset that changed the password goes now; none where it is not told or cannot be read.
async fn codes_of(app: &App, row: &ResetRow, member: Option<&Member>) -> Option<Methods> {
    let is_told =
        matches!(row.state, State::Delivering | State::Delivered) && row.changed_at.is_some();
    if !is_told || !app.directories.told(&row.member_id).1.has_our_pages {
        return None;
    }
    let found = if member.is_none() {
        member_of(app, row).await
    } else {
        None
    };
    contacts::methods_now(app, member.or(found.as_ref())?)
        .await
        .ok()
}

/// After an unknown end: what the directory shows. None when it does not answer now either.
async fn observe(app: &App, row: &ResetRow) -> Option<Option<Moment>> {
    let seen = app
        .directories
        .of(&row.member_id)?
        .last_change(&row.member_id)
        .await
        .ok()?;
    // Directories count in seconds: a change within the second in which ours began is ours.
    Some(seen.filter(|at| {
        row.changing_at
            .is_some_and(|begun| at.0 >= begun.0.saturating_sub(begun.0.rem_euclid(1000)))
    }))
}

fn frame<'a>(
    app: &'a App,
    row: &'a ResetRow,
    steps: &'a [StepRow],
    value: &'a str,
    now: Moment,
) -> Ending<'a> {
    Ending {
        row,
        steps,
        quota: None,
        lifetime: app.organization.password_lifetime,
        capabilities: app.directories.told(&row.member_id).1,
        observed: None,
        shows_password: None,
        retry_for: None,
        is_private: true,
        codes: None,
        channels: &app.deliveries,
        value,
        zone: &app.zone,
        now,
    }
}

async fn steps_of(app: &App, id: ResetId) -> Vec<StepRow> {
    app.store
        .steps(&[id])
        .await
        .ok()
        .and_then(|mut steps| steps.remove(&id))
        .unwrap_or_default()
}

/// The member of a reset, as the directory has them now.
pub(super) async fn member_of(app: &App, row: &ResetRow) -> Option<Member> {
    found(app, row).await.ok().flatten()
}

/// The same, told apart from a directory that does not answer.
async fn found(app: &App, row: &ResetRow) -> Result<Option<Member>, Down> {
    let mut found = app
        .directories
        .find(&[By::Id(row.member_id.clone())])
        .await?;
    Ok(match found.pop() {
        Some(Match::One(member)) => Some(*member),
        Some(Match::Nobody | Match::Several(_) | Match::Unreadable) | None => None,
    })
}

fn note(step: Step, outcome: StepOutcome) -> StepNote {
    StepNote {
        step,
        outcome,
        detail: None,
    }
}

fn outcome_note(step: Step, outcome: &Outcome) -> StepNote {
    match outcome {
        Outcome::Accepted => note(step, StepOutcome::Done),
        Outcome::Refused(why) => StepNote {
            step,
            outcome: StepOutcome::Failed,
            detail: Some(why.code()),
        },
        Outcome::Unknown => note(step, StepOutcome::Unknown),
    }
}

fn row_of(reset_id: ResetId, noted: &StepNote, now: Moment) -> StepRow {
    let StepNote {
        step,
        outcome,
        detail,
    } = noted;
    StepRow {
        reset_id,
        step: *step,
        outcome: *outcome,
        detail: detail.map(str::to_owned),
        noted_at: now,
    }
}
