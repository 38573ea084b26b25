//! What the demo sends to members, as `policy.profile` and `policy.send` would set it.

use clap::ValueEnum;
use serde::Deserialize;

use crate::domain::Carries;
use crate::domain::contacts::ContactRules;
use crate::domain::delivery::Ways;

/// `policy.profile` as an option.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Strictness {
    Standard,
    Strict,
}

/// `policy.send` as an option.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Sent {
    Password,
    Link,
}

/// The three settings that the demo can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Profile {
    Password,
    Link,
    Strict,
}

impl Profile {
    pub(super) const ALL: [Self; 3] = [Self::Password, Self::Link, Self::Strict];

    /// The profile of these options; "strict" sends links only, as in the settings.
    pub(super) fn of(strictness: Strictness, sent: Option<Sent>) -> Result<Self, &'static str> {
        match (strictness, sent) {
            (Strictness::Strict, Some(Sent::Password)) => {
                Err("--send must be link where --profile is strict")
            }
            (Strictness::Strict, _) => Ok(Self::Strict),
            (Strictness::Standard, Some(Sent::Link)) => Ok(Self::Link),
            (Strictness::Standard, _) => Ok(Self::Password),
        }
    }

    /// How the page calls it in its requests.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Link => "link",
            Self::Strict => "strict",
        }
    }

    /// What stands on its chip.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Password => "Passwords",
            Self::Link => "One-time links",
            Self::Strict => "Strict",
        }
    }

    /// What it means, for the chip, with the options that start the demo in it.
    pub(super) fn about(self) -> &'static str {
        match self {
            Self::Password => "Members are sent a new password. Starts the demo anew.",
            Self::Link => {
                "Members are sent a one-time link and set their own password (--send link). Starts the demo anew."
            }
            Self::Strict => {
                "Links to contacts on record only: no Copy, no typed address (--profile strict). Starts the demo anew."
            }
        }
    }

    pub(super) fn ways(self) -> Ways {
        Ways {
            is_strict: self == Self::Strict,
            carries: match self {
                Self::Password => Carries::Password,
                Self::Link | Self::Strict => Carries::Link,
            },
        }
    }

    /// "strict" wants two contacts, as in the settings.
    pub(super) fn contact_rules(self) -> ContactRules {
        ContactRules {
            needs_two: self == Self::Strict,
            ..ContactRules::default()
        }
    }
}
