//! Second factors: what a user has set up beside the password, and which of it the realm's sign-in asks for.
//!
//! The realm's browser flow is a tree of executions ("Server administration guide", "Authentication flows"). Only what is
//! surely asked for after the password counts as asked. Whatever depends on more than the user's own credentials is unknown:
//! a condition on a role, an alternative that is no second factor, an execution that relatch does not know.

use std::collections::BTreeSet;

use super::Keycloak;
use super::wire::{FlowExecution, KeycloakCredential};
use crate::domain::{AsksForMore, SecondFactor, SecondFactors};

/// The flow of a realm that has no other one.
pub(super) const DEFAULT_FLOW: &str = "browser";

/// A flow has some dozens of executions; one of more than this is not read.
const MOST: usize = 500;

/// Executions that take the password.
const PASSWORDS: [&str; 2] = ["auth-username-password-form", "auth-password-form"];

/// Conditions that hold for whoever has set up what they stand beside, and came by the password.
const OWN_CONDITIONS: [&str; 2] = ["conditional-user-configured", "conditional-credential"];

/// What the sign-in asks for after the password.
#[derive(Clone, Debug, Default)]
pub(super) struct AskedFactors {
    sure: BTreeSet<SecondFactor>,
    unsure: BTreeSet<SecondFactor>,
    /// It may ask for something that relatch does not know.
    may_ask_more: bool,
}

/// An execution of the flow with those below it; disabled ones are left out.
struct Node<'a> {
    provider: Option<&'a str>,
    requirement: &'a str,
    below: Vec<Node<'a>>,
}

impl Node<'_> {
    fn takes_password(&self) -> bool {
        self.provider.is_some_and(|id| PASSWORDS.contains(&id))
            || self.below.iter().any(Node::takes_password)
    }

    fn factor(&self) -> Option<SecondFactor> {
        match self.provider? {
            "auth-otp-form" => Some(SecondFactor::OneTimeCode),
            "webauthn-authenticator" => Some(SecondFactor::SecurityKey),
            "auth-recovery-authn-code-form" => Some(SecondFactor::RecoveryCode),
            _ => None,
        }
    }

    fn is_condition(&self) -> bool {
        self.provider
            .is_some_and(|id| id.starts_with("conditional-"))
    }

    /// True where it has an execution that relatch does not know.
    fn asks_something_else(&self) -> bool {
        let is_other = self.provider.is_some() && self.factor().is_none() && !self.is_condition();
        is_other || self.below.iter().any(Node::asks_something_else)
    }

    /// True for what is no alternative to something else.
    fn is_passed_by_all(&self) -> bool {
        ["REQUIRED", "CONDITIONAL"].contains(&self.requirement)
    }

    fn all_factors(&self) -> BTreeSet<SecondFactor> {
        let below = self.below.iter().flat_map(Node::all_factors);
        self.factor().into_iter().chain(below).collect()
    }
}

impl AskedFactors {
    /// None where the flow has another form than a password that is followed by what else is asked for.
    pub(super) fn of(executions: &[FlowExecution]) -> Option<Self> {
        if executions.len() > MOST {
            return None;
        }
        let mut left = executions;
        Self::after_password(&tree(&mut left, 0, true))
    }

    fn after_password(siblings: &[Node<'_>]) -> Option<Self> {
        let at = siblings.iter().position(Node::takes_password)?;
        let (before, rest) = siblings.split_at_checked(at)?;
        let (way, after) = rest.split_first()?;
        if after.iter().any(Node::takes_password) {
            return None;
        }
        let mut asked = match way.provider {
            Some(_) => Self::default(),
            None => Self::after_password(&way.below)?,
        };
        // What is asked for before the password, but for the name.
        let earlier = before.iter().filter(|one| one.is_passed_by_all());
        earlier
            .filter(|one| !one.all_factors().is_empty())
            .for_each(|one| asked.may_ask(one));
        // An alternative to the password is none of what follows it.
        after
            .iter()
            .filter(|one| one.is_passed_by_all())
            .for_each(|one| asked.add(one));
        Some(asked)
    }

    /// Adds what is asked for by an execution that everybody passes, or everybody to whom its conditions apply.
    fn add(&mut self, node: &Node<'_>) {
        if let Some(factor) = node.factor() {
            self.sure.insert(factor);
            return;
        }
        let (conditions, asked): (Vec<_>, Vec<_>) =
            node.below.iter().partition(|one| one.is_condition());
        if node.provider.is_none() && asked.is_empty() {
            return;
        }
        // Without a condition a conditional flow is never run.
        let applies = node.requirement == "REQUIRED" || !conditions.is_empty();
        let is_own = applies
            && conditions
                .iter()
                .all(|one| one.provider.is_some_and(|id| OWN_CONDITIONS.contains(&id)));
        let is_plain = asked.iter().all(|one| one.factor().is_some());
        let is_any = asked.iter().all(|one| one.requirement == "ALTERNATIVE");
        if node.provider.is_none() && is_own && is_plain && (is_any || asked.len() == 1) {
            self.sure
                .extend(asked.iter().filter_map(|one| one.factor()));
        } else {
            self.may_ask(node);
        }
    }

    fn may_ask(&mut self, node: &Node<'_>) {
        self.may_ask_more |= node.asks_something_else();
        self.unsure.extend(node.all_factors());
    }
}

/// The executions of a level with those below; those of disabled ones are left out with them.
fn tree<'a>(left: &mut &'a [FlowExecution], level: usize, is_on: bool) -> Vec<Node<'a>> {
    let mut nodes = Vec::new();
    while let [first, rest @ ..] = *left
        && first.level >= level
    {
        *left = rest;
        let is_on = is_on && first.requirement != "DISABLED";
        let below = tree(left, first.level.saturating_add(1), is_on);
        if is_on {
            nodes.push(Node {
                provider: first.provider_id.as_deref(),
                requirement: &first.requirement,
                below,
            });
        }
    }
    nodes
}

/// What a user has and is asked for. `asked` is None where the realm's flow is not known.
pub(super) fn of_user(
    credentials: &[KeycloakCredential],
    asked: Option<&AskedFactors>,
) -> SecondFactors {
    let has = |kind: &str| credentials.iter().any(|one| one.is_of(kind));
    let kinds = [
        ("otp", SecondFactor::OneTimeCode),
        ("webauthn", SecondFactor::SecurityKey),
        ("recovery-authn-codes", SecondFactor::RecoveryCode),
    ];
    let own = kinds.into_iter().filter(|(kind, _)| has(kind));
    let mut held: Vec<SecondFactor> = own.map(|(_, factor)| factor).collect();
    let asks = match asked {
        None => AsksForMore::Unknown,
        Some(asked) if held.iter().any(|one| asked.sure.contains(one)) => {
            held.retain(|one| asked.sure.contains(one));
            AsksForMore::Yes
        }
        Some(asked) if asked.may_ask_more => AsksForMore::Unknown,
        Some(asked) if held.iter().any(|one| asked.unsure.contains(one)) => AsksForMore::Unknown,
        Some(_) => AsksForMore::No,
    };
    SecondFactors {
        held,
        asks,
        has_passkey: has("webauthn-passwordless"),
    }
}

impl Keycloak {
    /// What a flow of the realm asks for after the password; None where relatch's client may not see it.
    pub(super) async fn asked_by(&self, flow: &str) -> Option<AskedFactors> {
        let path = ["authentication", "flows", flow, "executions"];
        // Without it a card says that it is not known. What is wrong was logged, but for the missing right: `check` warns of
        // that.
        let seen = self.api.get_if_seen(&path).await;
        let executions: Vec<FlowExecution> = seen.ok().flatten().flatten()?;
        AskedFactors::of(&executions)
    }
}
