//! The contacts of a member: which of them may receive the code of a reset, and in which order.

use super::written_enum;
use super::{Channel, CompanyDomains, Destination, Member, MemberId, Moment, Span};

/// The maximum number of added contacts of one member.
pub(crate) const CONTACTS_PER_MEMBER: usize = 5;

/// How many contacts one administrator may add within [`COMMANDS_COUNT_FOR`].
pub(crate) const CONTACTS_PER_ADMIN: usize = 10;

/// The window of [`CONTACTS_PER_ADMIN`].
pub(crate) const COMMANDS_COUNT_FOR: Span = Span::hours(24);

/// When a contact may receive a code, as the settings say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContactRules {
    /// The minimum age of a contact that an administrator added (`policy.contact_age`).
    pub age: Span,
    /// True if code and password must go to two contacts (`policy.separate_code = "require"`).
    pub needs_two: bool,
}

impl Default for ContactRules {
    fn default() -> Self {
        Self {
            age: Span::hours(72),
            needs_two: false,
        }
    }
}

written_enum! {
    /// Who added a contact. What the contact may receive depends on it.
    pub AddedAs {
        /// The operator, on the command line: counts like the import.
        Operator = "operator",
        /// The member, in a session that was opened with the password of a reset and a code.
        Proven = "proven",
        /// The member, in any other session.
        Member = "member",
        /// An administrator, by the command `contact`: counts only after `policy.contact_age`.
        Administrator = "administrator",
    }
}

/// A contact that was added to those of the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddedContact {
    /// The full address, with its channel.
    pub to: Destination,
    /// The member themselves, or the administrator.
    pub by: MemberId,
    /// The full name of that person at that time.
    pub by_name: String,
    /// In which role they added it.
    pub added_as: AddedAs,
    /// When it was last added.
    pub added_at: Moment,
    /// When a code that was sent to it was entered.
    pub answered_at: Option<Moment>,
}

impl AddedContact {
    /// True if the contact counts like one of the directory: added by the operator, or a code sent to it was entered.
    pub fn counts(&self) -> bool {
        self.added_as == AddedAs::Operator || self.answered_at.is_some()
    }

    /// When it may be used; none if it may be used now.
    pub(crate) fn waits_until(&self, rules: ContactRules, now: Moment) -> Option<Moment> {
        match self.added_as {
            AddedAs::Operator | AddedAs::Proven => None,
            AddedAs::Member | AddedAs::Administrator => {
                Some(self.added_at + rules.age).filter(|until| *until > now)
            }
        }
    }

    /// True if it was a method before this moment for a reset of this administrator, who must not have added it (Q7).
    pub(crate) fn counted_before(&self, at: Moment, admin: &MemberId, rules: ContactRules) -> bool {
        let is_operators = self.added_as == AddedAs::Operator;
        let has_answered = self.answered_at.is_some_and(|answered| answered < at);
        self.added_at < at
            && (is_operators || (has_answered && self.by != *admin))
            && self.waits_until(rules, at).is_none()
    }
}

/// The resets that may have made a password. Addresses are keyed digests, because two addresses can have the same mask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PasswordOrigin {
    /// The administrators of those resets.
    pub admins: Vec<MemberId>,
    /// From when on a contact that another administrator adds counts at once: since the card of the newest of them, or an
    /// earlier card that it takes over from; none before that.
    pub contacts_from: Option<Moment>,
    /// Addresses that were typed for the delivery or got the administrator's copy. A typed address that was a method before
    /// the card was made is not among them: it was chosen from the record.
    pub typed: Vec<String>,
    /// The same as masks, for resets that were made before digests were kept.
    pub typed_masks: Vec<String>,
    /// Contacts on record that got the password or the link.
    pub carried: Vec<String>,
    /// The same as masks, for resets that were made before digests were kept.
    pub carried_masks: Vec<String>,
}

/// What the decision depends on besides the member.
pub(crate) struct CodeContext<'a> {
    /// The organization's domains. Their mailboxes get no code.
    pub company: &'a CompanyDomains,
    pub rules: ContactRules,
    /// True for the profile "strict".
    pub is_strict: bool,
    /// True for a channel that has settings.
    pub has: &'a dyn Fn(Channel) -> bool,
    /// The keyed digest of an address.
    pub digest: &'a dyn Fn(&Destination) -> String,
    pub now: Moment,
}

/// A contact that may receive the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Method {
    /// The full address, with its channel.
    pub to: Destination,
    /// How it was added; none for a contact of the directory.
    pub added: Option<AddedContact>,
    /// True if it counts as a method. An added contact does not until a code sent to it was entered.
    pub counts: bool,
    /// True if the password or the link went there too.
    pub got_password: bool,
}

impl Method {
    /// True if the member may choose it in place of the first. What an administrator added never comes before an older
    /// contact that counts, so whoever types the password of a reset must not be able to prefer it.
    fn is_alternative(&self) -> bool {
        let is_of_an_administrator = |one: &AddedContact| one.added_as == AddedAs::Administrator;
        self.counts && !self.added.as_ref().is_some_and(is_of_an_administrator)
    }
}

/// Where the code of a reset may go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Methods {
    /// The contacts, in the order of use.
    pub usable: Vec<Method>,
    /// Added contacts that must wait, and until when.
    pub waiting: Vec<(AddedContact, Moment)>,
}

impl Methods {
    /// How many usable contacts count as a method.
    pub fn counting(&self) -> usize {
        self.usable.iter().filter(|method| method.counts).count()
    }

    /// Those that a code can be sent to now: the first, then those that the member may choose instead.
    pub(crate) fn on_offer(self) -> impl Iterator<Item = Destination> {
        let usable = self.usable.into_iter().enumerate();
        usable
            .filter(|(at, method)| *at == 0 || method.is_alternative())
            .map(|(_, method)| method.to)
    }
}

/// Finds where the code of a reset may go, and in which order.
///
/// Never to a mailbox of the organization (S43), to an address that was typed for the delivery or got a copy (S41), or to a
/// contact that an administrator of the reset added (Q7). A contact on record that got the password is used only if no other
/// contact counts, and never if two are required. A contact that an administrator added must wait, unless another
/// administrator added it after that card was made (see [`PasswordOrigin::contacts_from`]) and the member has no older
/// method (S42). An older contact that has not answered a code is not such a method, because nobody may be behind it.
pub(crate) fn methods(
    member: &Member,
    added: &[AddedContact],
    origin: &PasswordOrigin,
    context: &CodeContext<'_>,
) -> Methods {
    let Candidates {
        ready,
        fresh,
        waiting,
    } = Candidates::of(member, added, origin, context);
    let mut methods = Methods {
        usable: Vec::new(),
        waiting,
    };
    for one in in_order(ready, fresh, context.rules) {
        // Several people may have added the same contact.
        if !methods.usable.iter().any(|other| other.to.is_same(&one.to)) {
            methods.usable.push(one);
        }
    }
    methods
        .waiting
        .retain(|(one, _)| !methods.usable.iter().any(|other| other.to.is_same(&one.to)));
    methods
}

/// The contacts to which a code may go at all.
struct Candidates {
    /// Those that need not wait.
    ready: Vec<Method>,
    /// Those that still wait, but were added after the card was made (S42).
    fresh: Vec<Method>,
    /// All that still wait, and until when.
    waiting: Vec<(AddedContact, Moment)>,
}

impl Candidates {
    fn of(
        member: &Member,
        added: &[AddedContact],
        origin: &PasswordOrigin,
        context: &CodeContext<'_>,
    ) -> Self {
        let may_receive = |to: &Destination| {
            let is_outside = to.clone().outside(member, context.company).is_ok();
            is_outside
                && (context.has)(to.channel())
                && !origin.typed.contains(&(context.digest)(to))
        };
        let method = |to: Destination, added: Option<AddedContact>| Method {
            got_password: origin.carried.contains(&(context.digest)(&to))
                || (added.is_none() && has_mask(&origin.carried_masks, &to)),
            counts: added.as_ref().is_none_or(AddedContact::counts),
            to,
            added,
        };
        let on_record = of_directory(member).into_iter().filter(may_receive);
        let mut candidates = Self {
            ready: on_record.map(|to| method(to, None)).collect(),
            fresh: Vec::new(),
            waiting: Vec::new(),
        };
        for one in added {
            let is_by_admin_of_reset =
                one.added_as != AddedAs::Operator && origin.admins.contains(&one.by);
            let is_typed = has_mask(&origin.typed_masks, &one.to);
            if is_by_admin_of_reset || is_typed || !may_receive(&one.to) {
                continue;
            }
            let candidate = method(one.to.clone(), Some(one.clone()));
            let Some(until) = one.waits_until(context.rules, context.now) else {
                candidates.ready.push(candidate);
                continue;
            };
            let is_after = origin.contacts_from.is_some_and(|from| one.added_at > from);
            if is_after && one.added_as == AddedAs::Administrator && !context.is_strict {
                candidates.fresh.push(candidate);
            }
            candidates.waiting.push((one.clone(), until));
        }
        candidates
    }
}

fn has_mask(masks: &[String], to: &Destination) -> bool {
    masks
        .iter()
        .any(|mask| mask.eq_ignore_ascii_case(&to.masked()))
}

/// The usable contacts. The first is used unless the member chooses one of [`Methods::on_offer`].
fn in_order(ready: Vec<Method>, mut fresh: Vec<Method>, rules: ContactRules) -> Vec<Method> {
    let (mut usable, rest): (Vec<_>, Vec<_>) = ready
        .into_iter()
        .partition(|one| one.counts && !one.got_password);
    if !usable.is_empty() {
        return usable;
    }
    // If two are required, a contact that got the password is no method of this reset.
    let may_follow = |one: &Method| !(rules.needs_two && one.got_password);
    let (carried, mut unanswered): (Vec<_>, Vec<_>) = rest
        .into_iter()
        .filter(may_follow)
        .partition(|one| one.counts);
    // The oldest first, so that nobody gets the code by adding one more contact.
    unanswered.sort_by_key(|one| one.added.as_ref().map(|added| added.added_at));
    usable.extend(carried);
    if usable.is_empty() {
        fresh.retain(may_follow);
        fresh.sort_by_key(order_of_fresh);
        usable = fresh;
    }
    usable.extend(unanswered);
    usable
}

/// The order of contacts that were added after the card was made. Those that have answered a code come first, the oldest
/// before the others. Of the rest the newest comes first, so that a mistyped number can be corrected.
fn order_of_fresh(one: &Method) -> (bool, i64) {
    let added_at = one.added.as_ref().map_or(0, |added| added.added_at.0);
    if one.counts {
        (false, added_at)
    } else {
        (true, -added_at)
    }
}

/// The contacts of a member on record in the directory.
pub(crate) fn of_directory(member: &Member) -> Vec<Destination> {
    Channel::ALL
        .iter()
        .filter_map(|channel| channel.on_record(member))
        .collect()
}

#[cfg(test)]
mod tests;
