//! What the directory's own sign-in asks for beside the password, and what a reset leaves as it is.

use crate::domain::{AsksForMore, SecondFactor, SecondFactors};

/// What a card says of a member whom relatch asks for no code.
pub(super) fn on_card(factors: &SecondFactors, directory: &str) -> Vec<String> {
    let held = named(factors);
    let asks = match (factors.asks, held.as_deref()) {
        (AsksForMore::No, None) => {
            "This directory does not ask them for a code at sign-in: the password alone lets anybody in.".to_owned()
        }
        (AsksForMore::No, Some(held)) => format!(
            "They have {held} in {directory}, but its sign-in does not ask for it: the password alone lets anybody in."
        ),
        (AsksForMore::Yes, Some(held)) => format!(
            "The sign-in of {directory} also asks them for {held}, which a reset leaves as it is. If they lost that too, \
            whoever manages {directory} can remove it."
        ),
        (AsksForMore::Yes | AsksForMore::Unknown, None) => format!(
            "I can't see whether the sign-in of {directory} asks them for more than the password: it alone may let \
            anybody in."
        ),
        (AsksForMore::Unknown, Some(held)) => format!(
            "They have {held} in {directory}, but I can't see whether its sign-in asks for it: the password alone may let \
            anybody in."
        ),
    };
    std::iter::once(asks).chain(passkey(factors)).collect()
}

/// What a result says of them. None of `factors` where they cannot be read.
pub(super) fn in_result(factors: Option<&SecondFactors>, member: &str) -> Vec<String> {
    let first = match factors.map(|factors| (factors.asks, named(factors))) {
        Some((AsksForMore::No, _)) => format!(
            "Nothing ends it by itself, and no code is asked for: {member} should sign in with it now."
        ),
        Some((AsksForMore::Yes, Some(held))) => format!(
            "Nothing ends it by itself: {member} should sign in with it now, and is asked for {held} too."
        ),
        Some((AsksForMore::Unknown, Some(held))) => format!(
            "Nothing ends it by itself: {member} should sign in with it now, and may be asked for {held} too."
        ),
        Some((AsksForMore::Yes | AsksForMore::Unknown, None)) | None => {
            format!("Nothing ends it by itself: {member} should sign in with it now.")
        }
    };
    std::iter::once(first)
        .chain(factors.and_then(passkey))
        .collect()
}

fn passkey(factors: &SecondFactors) -> Option<String> {
    factors.has_passkey.then(|| {
        "They have a passkey. A reset leaves it as it is, and it may let whoever has it in without a password.".to_owned()
    })
}

/// What the member has set up; none where that is nothing.
fn named(factors: &SecondFactors) -> Option<String> {
    let names = factors.held.iter().map(|one| match one {
        SecondFactor::OneTimeCode => "a one-time code",
        SecondFactor::SecurityKey => "a security key",
        SecondFactor::RecoveryCode => "a recovery code",
    });
    let names: Vec<&str> = names.collect();
    (!names.is_empty()).then(|| names.join(" or "))
}
