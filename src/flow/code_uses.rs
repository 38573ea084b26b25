//! A code took the place of a member's password: every contact is told.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tracing::Instrument;

use super::contacts::known;
use super::not_me::ended;
use super::{messages, pages, security};
use crate::app::App;
use crate::directory::to_member;
use crate::domain::{CodeUseId, Destination, Member, MemberId, Moment, Span};
use crate::store::{CodeUseRow, StoreError};

/// How long the channel of one message may take.
const DEADLINE: Duration = Duration::from_secs(40);

/// How long after the code its contacts are told again, where one of them could not be asked.
const AGAIN_AFTER: [Span; 4] = [
    Span::minutes(15),
    Span::hours(2),
    Span::hours(12),
    Span::hours(24),
];

/// How many messages of one code go out at once.
const CONCURRENT: usize = 8;

/// Tells every contact in the background. What a crash leaves untold is told by the sweep.
pub(crate) fn tell_soon(app: &Arc<App>, id: CodeUseId) {
    let teller = Arc::clone(app);
    let telling = async move {
        let told = match teller.store.code_use(id).await {
            Ok(Some(row)) => tell(&teller, &row).await,
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = told {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "nobody could be told yet that a code took the place of a password"
            );
        }
    };
    app.tasks.spawn(telling.in_current_span());
}

/// Tells those that were left, one round of the sweep.
pub(super) async fn tell_all(app: &App) -> Result<(), StoreError> {
    for row in app.store.code_uses_to_tell().await? {
        tell(app, &row).await?;
    }
    Ok(())
}

async fn tell(app: &App, row: &CodeUseRow) -> Result<(), StoreError> {
    let (told, is_left) = match member_of(app, row).await? {
        Some(member) => {
            let to = recipients(app, &member).await?;
            send_all(app, row, to).await
        }
        // The member was removed meanwhile.
        None => (Vec::new(), false),
    };
    let next = if is_left {
        next_time(row.used_at, app.clock.now())
    } else {
        None
    };
    if is_left && next.is_none() {
        tracing::error!(member.id = %row.member_id, "not every contact could be told that a code took the place of a password");
    }
    app.store.set_code_use_told(row.use_id, told, next).await
}

async fn member_of(app: &App, row: &CodeUseRow) -> Result<Option<Box<Member>>, StoreError> {
    let found = app.store.account_of(&row.member_id).await?;
    // A row that cannot be read was logged where it was read.
    Ok(found.and_then(|(member, _)| to_member(&member, &app.organization.company).ok()))
}

/// Every contact on record, whoever added it, and the business address: whoever has the phone may not have that.
async fn recipients(app: &App, member: &Member) -> Result<Vec<Destination>, StoreError> {
    let mut to: Vec<Destination> = Vec::new();
    let known = known(app, member).await?.into_iter().map(|known| known.to);
    for one in known.chain([Destination::Email(member.business_email.clone())]) {
        if app.deliveries.has(one.channel()) && !to.iter().any(|other| other.is_same(&one)) {
            to.push(one);
        }
    }
    Ok(to)
}

/// Sends the message to each who was not told yet. The keyed digests of those who are told now, and whether others are left.
async fn send_all(app: &App, row: &CodeUseRow, to: Vec<Destination>) -> (Vec<String>, bool) {
    let link = pages::link_of_code_use(app, row.use_id);
    let earlier: Vec<&str> = row.told.split_whitespace().collect();
    let send = async |to: Destination| {
        let recipient = super::contacts::digest(app, &row.member_id, &to);
        if earlier.contains(&recipient.as_str()) {
            return (recipient, true);
        }
        let make = if to.channel().facts().is_short {
            messages::code_use_sms
        } else {
            messages::code_use_mail
        };
        let note = make(
            &app.organization,
            row.kind,
            row.used_at,
            link.as_deref(),
            &app.zone,
        );
        // The same recipient has the same id at the next attempt.
        let id = format!("code-use-{}-{recipient}", row.use_id);
        let sent = tokio::time::timeout(DEADLINE, app.deliveries.tell(&to, &note, &id)).await;
        // Nobody knows what became of one that took too long. A second one does no harm.
        let is_final = sent.is_ok_and(|outcome| ended(&outcome).is_final());
        (recipient, is_final)
    };
    let sent: Vec<(String, bool)> = stream::iter(to)
        .map(send)
        .buffered(CONCURRENT)
        .collect()
        .await;
    let is_left = sent.iter().any(|(_, is_final)| !is_final);
    let told = sent.into_iter().filter(|(_, is_final)| *is_final);
    (told.map(|(recipient, _)| recipient).collect(), is_left)
}

/// When the contacts are told again; none after the last time.
fn next_time(used_at: Moment, now: Moment) -> Option<Moment> {
    AGAIN_AFTER
        .into_iter()
        .map(|after| used_at + after)
        .find(|at| *at > now)
}

/// Tells the security address that strangers have typed so many wrong codes that they are sent no further one.
pub(crate) async fn tell_of_guesses(app: &App, member: &MemberId) {
    tracing::warn!(member.id = %member, "strangers guess the code of a sign-in; they are sent no further one for this account");
    let name = match app.store.account_of(member).await {
        Ok(Some((member, _))) => member.name,
        Ok(None) => return,
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "could not read whose code strangers guess"
            );
            return;
        }
    };
    let now = app.clock.now();
    let note = messages::guessed_codes_alarm(&app.organization, &name, now, &app.zone);
    security::alarm(app, &note, &format!("guessed-codes-{member}-{}", now.0)).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contacts_that_could_not_be_told_are_told_again_for_a_day() {
        let used_at = Moment(1_000_000);
        let next = |after| next_time(used_at, used_at + after).map(|at| at - used_at);
        assert_eq!(next(Span::seconds(1)), Some(Span::minutes(15)));
        assert_eq!(next(Span::minutes(15)), Some(Span::hours(2)));
        assert_eq!(next(Span::hours(2)), Some(Span::hours(12)));
        assert_eq!(next(Span::hours(12)), Some(Span::hours(24)));
        assert_eq!(next(Span::hours(24)), None);
    }
}
