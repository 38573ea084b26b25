//! The numbering plans: which country a complete number belongs to, and what kind of number it is.
//!
//! The library's own functions for this drop the zeros with which numbers of some countries begin, so its table is read here.

use phonenumber::Metadata;
use phonenumber::metadata::{DATABASE, Descriptor};

/// What a number is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::domain) enum Kind {
    /// An SMS can reach it.
    Mobile,
    /// Premium, shared-cost and personal numbers: the sender pays more than for a mobile.
    Costly,
    /// A landline, a pager and so on.
    Other,
}

/// Country code and the rest of `digits`, which have no plus. No code is a prefix of another one (E.164, section 6.2.1).
pub(super) fn split(digits: &str) -> Option<(u16, &str)> {
    (1..=3).find_map(|length| {
        let (code, national) = digits.split_at_checked(length)?;
        let code = code.parse().ok().filter(|_| !code.starts_with('0'))?;
        DATABASE.by_code(&code).map(|_| (code, national))
    })
}

/// The country and the kind of a number; None where no plan has it. `national` keeps its zeros.
pub(in crate::domain) fn plan_of(code: u16, national: &str) -> Option<(&'static Metadata, Kind)> {
    let regions = DATABASE.by_code(&code)?;
    if let [only] = regions.as_slice() {
        return kind_of(only, national).map(|kind| (*only, kind));
    }
    // The main country comes first. Most of those that share its code are told apart by the digits that follow.
    let region = regions.into_iter().find(|region| {
        region.leading_digits().map_or_else(
            || kind_of(region, national).is_some(),
            |digits| {
                digits
                    .find(national)
                    .is_some_and(|found| found.start() == 0)
            },
        )
    })?;
    kind_of(region, national).map(|kind| (region, kind))
}

fn kind_of(region: &Metadata, national: &str) -> Option<Kind> {
    let plan = region.descriptors();
    if !plan.general().is_match(national) {
        return None;
    }
    let is = |kind: Option<&Descriptor>| kind.is_some_and(|kind| kind.is_match(national));
    let is_costly = is(plan.premium_rate()) || is(plan.shared_cost()) || is(plan.personal_number());
    let is_other = is(plan.toll_free())
        || is(plan.voip())
        || is(plan.pager())
        || is(plan.uan())
        || is(plan.voicemail());
    if is_costly {
        Some(Kind::Costly)
    } else if is_other {
        Some(Kind::Other)
    } else if is(plan.mobile()) {
        Some(Kind::Mobile)
    } else {
        is(plan.fixed_line()).then_some(Kind::Other)
    }
}
