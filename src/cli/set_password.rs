//! `relatch members set-password EMAIL`: sets a password that the operator chose, by the rules of the member's own pages.

use std::io::Read;

use zeroize::Zeroizing;

use super::builtin::{directory, find, unanswered};
use super::{Failure, say};
use crate::app::HOLD_FOR;
use crate::config::Settings;
use crate::directory::Caller;
use crate::domain::sign_in::{LONGEST_PASSWORD, PasswordDenied, choose_password};
use crate::domain::{EmailAddress, Member, NotAPassword, OwnPassword, State, Status};
use crate::portal::{KnownWords, is_guessable, rated_part};
use crate::store::{PasswordError, ResetUnderWay, Store};

/// So much of standard input is read: more than the longest password has in UTF-8.
const INPUT: usize = 1024;

/// Reads the password, sets it, and says what that did.
pub(super) async fn run(
    store: &Store,
    settings: &Settings,
    email: &EmailAddress,
) -> Result<(), Failure> {
    let directory = directory(store)?;
    let member = find(&directory, email).await?;
    let typed = read_password()?;
    let password = choose(&typed, &member, settings)
        .map_err(|denied| Failure::Said(format!("{} Nothing was changed.", refusal(denied))))?;
    // S33, S39: the password of a reset, typed here again, would become lasting, and no code would be asked for.
    let present = store.credential(&member.id).await?;
    let checked = directory
        .check(Caller::Known(&member.id.0), &typed, present.as_deref())
        .await
        .map_err(unanswered)?;
    if checked.is_right() {
        return Err(Failure::Said(format!(
            "{} Nothing was changed.",
            refusal(PasswordDenied::Same)
        )));
    }
    let phc = directory.hash(&password).await.map_err(unanswered)?;
    let was_locked = is_locked(store, &member).await?;
    // This also ends all sessions of the previous password.
    match store.set_password(&member.id, phc).await {
        Ok(()) => {}
        Err(PasswordError::Store(error)) => return Err(error.into()),
        Err(PasswordError::UnderWay(reset)) => return Err(under_way(&reset, &member.name)),
    }
    let mut told = format!(
        "The password of {} ({email}) is set. All their sessions have ended.",
        member.name
    );
    if was_locked && !is_locked(store, &member).await? {
        told.push_str(" The account was locked and is open again.");
    }
    match member.status {
        Status::Active | Status::Inactive => {}
        status @ (Status::Suspended | Status::Pending | Status::Resigned) => {
            let closed = format!(" They cannot sign in: the account is {status}.");
            told.push_str(&closed);
        }
    }
    say(&told)
}

/// Checks the rules that hold for a password of the member's own.
fn choose(
    typed: &str,
    member: &Member,
    settings: &Settings,
) -> Result<OwnPassword, PasswordDenied> {
    let password = choose_password(typed, settings.own_password_least)?;
    let known = KnownWords {
        name: member.name.clone(),
        business_email: member.business_email.to_string(),
        organization: settings.organization.clone(),
    };
    if is_guessable(&rated_part(&password), &known) {
        return Err(PasswordDenied::Common);
    }
    Ok(password)
}

fn refusal(denied: PasswordDenied) -> String {
    match denied {
        PasswordDenied::TooShort(least) => {
            format!("a password has at least {least} characters (policy.new_password_min_length).")
        }
        PasswordDenied::TooLong => {
            format!("a password has at most {LONGEST_PASSWORD} characters.")
        }
        PasswordDenied::ControlCharacter => format!("{}.", NotAPassword::ControlCharacter),
        PasswordDenied::Common => {
            "this password is easy to guess: it is common, or made of the member's name. Several \
            unusual words are better."
                .to_owned()
        }
        PasswordDenied::Same => "this is the present password; choose another one.".to_owned(),
    }
}

async fn is_locked(store: &Store, member: &Member) -> Result<bool, Failure> {
    let account = store.account_of(&member.id).await?;
    Ok(account.is_some_and(|(_, account)| account.lock().is_some()))
}

fn under_way(ResetUnderWay { admin_name, state }: &ResetUnderWay, name: &str) -> Failure {
    Failure::Said(if *state == State::Undelivered {
        format!(
            "the password that {admin_name} has set for {name} is not delivered yet. Nothing was changed. Wait until it \
            is; a running serve gives it up after {HOLD_FOR}."
        )
    } else {
        format!("{admin_name} is resetting {name} right now. Nothing was changed.")
    })
}

/// Reads the first line of standard input.
pub(super) fn read_password() -> Result<Zeroizing<String>, Failure> {
    // Large enough from the start: a buffer that grows leaves copies behind.
    let mut input = Zeroizing::new(Vec::with_capacity(INPUT));
    let limit = u64::try_from(INPUT).unwrap_or(u64::MAX);
    std::io::stdin().take(limit).read_to_end(&mut input)?;
    let line = input
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let line = std::str::from_utf8(line.strip_suffix(b"\r").unwrap_or(line));
    let line = line.map_err(|error| {
        Failure::Said(format!(
            "the password on standard input cannot be read: {error}. Nothing was changed."
        ))
    })?;
    if line.is_empty() {
        return Err(Failure::Said(
            "no password on standard input. Nothing was changed.".to_owned(),
        ));
    }
    Ok(Zeroizing::new(line.to_owned()))
}
