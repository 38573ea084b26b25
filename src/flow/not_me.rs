//! "This wasn't me": the alarm by e-mail to the security address and the primary administrators, and what administrators
//! hear of it in chat.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};

use super::{messages, security};
use crate::app::{Admins, App};
use crate::chat::Warning;
use crate::domain::delivery::{Outcome, Refusal};
use crate::domain::{
    Channel, Destination, EmailAddress, Member, MemberId, Moment, ResetId, Role, Span,
};
use crate::store::{DueAlarm, NotMe, ResetRow, StoreError, UnheardCode};

/// The pause before an alarm goes out again to those whose mail server did not take it for the moment.
const RETRY_PAUSE: Span = Span::minutes(5);

/// How many mails of one alarm go out at once.
const CONCURRENT: usize = 8;

/// How long it is tried.
const RETRY_FOR: Span = Span::hours(24);

/// Sends the alarm to all who do not have it yet, one mail each, and notes who has it now.
pub(super) async fn send_alarm(app: &App, alarm: DueAlarm) -> Result<(), StoreError> {
    let DueAlarm {
        about,
        said_at,
        told,
    } = alarm;
    let (organization, zone) = (&app.organization, &app.zone);
    let (note, name) = match &about {
        NotMe::Reset(reset) => (
            messages::alarm(organization, reset, zone),
            format!("not-me-{}", reset.reset_id),
        ),
        NotMe::Code(disowned) => {
            let (code, member) = (&disowned.code, disowned.member_name.as_str());
            let what = (member, code.kind, disowned.has_closed());
            (
                messages::code_use_alarm(organization, what, code.used_at, zone),
                format!("not-me-code-{}", code.use_id),
            )
        }
    };
    let recipients = recipients(app, &about).await?;
    let send = async |(key, to): (String, EmailAddress)| {
        let digest = digest(app, about.id(), &key);
        let ended = if told.contains(&digest) {
            Ended::Told
        } else {
            let id = format!("{name}-{digest}");
            let to = Destination::Email(to);
            let ended = ended(&app.deliveries.tell(&to, &note, &id).await);
            if ended.is_final() {
                note_alarmed(app, about.id(), &digest).await;
            }
            ended
        };
        (digest, ended)
    };
    let sent: Vec<(String, Ended)> = stream::iter(recipients)
        .map(send)
        .buffer_unordered(CONCURRENT)
        .collect()
        .await;
    let is_left = sent.iter().any(|(_, ended)| *ended == Ended::TryAgain);
    let told = sent
        .iter()
        .filter(|(_, ended)| ended.is_final())
        .map(|(digest, _)| digest.clone())
        .collect();
    let may_try_again = app.clock.now() - said_at < RETRY_FOR;
    if is_left && !may_try_again {
        tracing::error!(
            about = name,
            "not everybody could be told of \"this wasn't me\""
        );
    }
    let next = (is_left && may_try_again).then_some(RETRY_PAUSE);
    app.store.note_sent(about.id(), told, next).await
}

/// Where the record does not answer, the recipient is noted with the others at the end.
async fn note_alarmed(app: &App, about: ResetId, digest: &str) {
    if let Err(error) = app.store.note_alarmed(about, digest.to_owned()).await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "could not record at once who was told of \"this wasn't me\""
        );
    }
}

/// How an attempt to tell one recipient ended.
#[derive(PartialEq)]
pub(super) enum Ended {
    Told,
    /// It may have been accepted, and nobody is told twice.
    Unknown,
    /// For good.
    Refused,
    TryAgain,
}

impl Ended {
    /// True where nothing is sent to this recipient again.
    pub(super) fn is_final(&self) -> bool {
        match self {
            Self::Told | Self::Unknown | Self::Refused => true,
            Self::TryAgain => false,
        }
    }
}

pub(super) fn ended(outcome: &Outcome) -> Ended {
    match outcome {
        Outcome::Accepted => Ended::Told,
        Outcome::Unknown => Ended::Unknown,
        Outcome::Refused(
            Refusal::Later
            | Refusal::Unreachable
            | Refusal::Tls
            | Refusal::Credentials
            | Refusal::SetUp,
        ) => Ended::TryAgain,
        Outcome::Refused(_) => Ended::Refused,
    }
}

/// Whom the alarm goes to, each address once: the security address, and the primary administrators whom the settings name,
/// else the built-in directory. The member themselves is none of them: somebody else may read their business mailbox.
async fn recipients(
    app: &App,
    about: &NotMe,
) -> Result<BTreeMap<String, EmailAddress>, StoreError> {
    if !app.deliveries.has(Channel::Email) {
        return Ok(BTreeMap::new());
    }
    let primary: Vec<EmailAddress> = match &app.organization.admins {
        Admins::List { primary, .. } => {
            let keys: Vec<String> = primary.iter().map(EmailAddress::key).collect();
            let pins = app.store.pins_of(&keys).await?;
            // An address that stands for no entry may be anybody's.
            let is_pinned = |email: &&EmailAddress| pins.of(email).is_some();
            primary.iter().filter(is_pinned).cloned().collect()
        }
        Admins::Directory | Admins::Chat => {
            let rows = app.store.primary_admins().await?;
            rows.iter()
                .filter(|row| row.member_id != *about.member_id())
                .filter_map(|row| EmailAddress::stored(&row.business_email).ok())
                .filter(|email| app.directories.is_builtin(email))
                .collect()
        }
    };
    let members_own = about.member_email().to_lowercase();
    let primary = primary
        .into_iter()
        .filter(|email| email.key() != members_own);
    Ok(security::address(app)
        .into_iter()
        .chain(primary)
        .map(|email| (email.key(), email))
        .collect())
}

fn digest(app: &App, about: ResetId, recipient: &str) -> String {
    hex::encode(
        app.keys
            .tag(&[b"recipient of an alarm", &about.0, recipient.as_bytes()]),
    )
}

/// What the member said of the last of these resets, and of a code, told to whoever adds a contact for the next code.
pub(super) async fn warnings(
    app: &App,
    member: &Member,
    last: &[ResetRow],
    now: Moment,
) -> Result<Vec<String>, StoreError> {
    let disowned = last.iter().find(|row| row.disowned_at.is_some());
    let of_reset = disowned.map(|row| messages::not_me_line(row, false, false, &app.zone, now));
    let of_code = code_warning(app, member, now).await?;
    let of_code = of_code.map(|warning| warning.sentences());
    Ok(of_reset.into_iter().chain(of_code).collect())
}

/// The administrator who reads an answer to a command.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hearer<'a> {
    pub(super) id: &'a MemberId,
    /// Primary administrators hear of everybody's resets, others of their own.
    pub(super) role: Role,
}

/// What an administrator has not heard yet.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// A line each.
    pub(super) lines: Vec<String>,
    /// As in [`Message::heard`](crate::chat::Message::heard).
    pub(super) ids: Vec<(ResetId, MemberId)>,
}

/// What members said since this administrator's last command. Where the record does not answer, they hear it at the next
/// one.
pub(super) async fn unheard(app: &App, hearer: Hearer<'_>, now: Moment) -> Heard {
    let is_primary = hearer.role == Role::PrimaryAdmin;
    let unheard = match app.store.hear(hearer.id, is_primary).await {
        Ok(unheard) => unheard,
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "could not read what members said of resets"
            );
            return Heard::default();
        }
    };
    let lines = unheard.iter().map(|(row, is_over)| {
        let is_own = row.admin_id == *hearer.id;
        messages::not_me_line(row, is_own, *is_over, &app.zone, now)
    });
    let codes = if is_primary {
        unheard_codes(app, hearer.id).await
    } else {
        Vec::new()
    };
    let of_codes = codes.iter().map(|code| {
        let what = (code.member_name.as_str(), code.is_closed);
        messages::code_not_me_line(what, code.used_at, &app.zone, now)
    });
    let ids = unheard.iter().map(|(row, _)| row.reset_id);
    let ids = ids.chain(codes.iter().map(|code| code.use_id.0));
    Heard {
        lines: lines.chain(of_codes).collect(),
        ids: ids.map(|id| (id, hearer.id.clone())).collect(),
    }
}

/// Where the record does not answer, they are heard of at the next command.
async fn unheard_codes(app: &App, person: &MemberId) -> Vec<UnheardCode> {
    app.store.hear_codes(person).await.unwrap_or_else(|error| {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "could not read what members said of codes"
        );
        Vec::new()
    })
}

/// What a card, a last look and `why` say where the member disowned a code and no password was set since.
pub(super) async fn code_warning(
    app: &App,
    member: &Member,
    now: Moment,
) -> Result<Option<Warning>, StoreError> {
    let used_at = app.store.disowned_code(&member.id).await?;
    Ok(used_at.map(|at| messages::disowned_code(&member.name, at, &app.zone, now)))
}
