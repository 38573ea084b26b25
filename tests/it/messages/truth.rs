//! What every message in chat promises: "Nothing was changed." exactly where that is true, and a reference in refusals.

use relatch::surface::flow::messages::NOTHING_CHANGED;

use super::samples::{self, Sample, Told, World};
use super::{MINA, member, recorded};
use crate::support::TestBot;

/// The longest refusal.
const LONGEST: usize = 350;

/// What a function promises in each of its cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Promise {
    /// A refusal: nothing was changed, and a reference to ask about.
    Refusal,
    /// Nothing was changed, and there is no reference: nothing of it is on record, or it stands at the input of a form.
    Unchanged,
    /// Something was changed, or may have been, or nothing was asked for.
    Other,
}

use Promise::{Other, Refusal, Unchanged};

/// Parts of texts that promise something else.
type Cases = &'static [(&'static str, Promise)];

/// Each function of `flow/messages` and what it promises, but for these cases.
const PROMISES: &[(&str, Promise, Cases)] = &[
    ("after_change", Other, &[]),
    ("bare_name", Refusal, &[]),
    ("busy", Unchanged, &[]),
    ("busy_form", Unchanged, &[]),
    ("cancelled", Refusal, &[]),
    ("channel_not_ready", Refusal, &[]),
    ("chosen_before_upgrade", Refusal, &[]),
    ("click_failed", Other, &[]),
    (
        "click_refused",
        Refusal,
        &[
            ("still working on this one", Other),
            ("Already done", Other),
            ("Already tried", Other),
        ],
    ),
    ("code_not_me_line", Other, &[]),
    ("contact_added", Other, &[]),
    ("contact_answered", Other, &[]),
    ("contact_asked", Other, &[]),
    ("contact_changed", Refusal, &[]),
    ("contact_code_form", Other, &[]),
    ("contact_code_not_sent", Refusal, &[]),
    ("contact_code_over", Unchanged, &[]),
    ("contact_code_too_soon", Refusal, &[]),
    ("contact_code_wrong", Unchanged, &[]),
    ("contact_denied", Refusal, &[]),
    ("contact_elsewhere", Refusal, &[]),
    ("contact_gone", Refusal, &[]),
    ("contact_not_private", Refusal, &[]),
    ("contact_of_disowned", Refusal, &[]),
    ("contact_of_earlier", Refusal, &[]),
    ("contact_of_ended", Refusal, &[]),
    ("contact_of_own_reset", Refusal, &[]),
    ("contact_perhaps_asked", Other, &[]),
    ("contact_question", Other, &[]),
    ("contact_question_over", Refusal, &[]),
    ("denied", Refusal, &[]),
    ("contact_there", Refusal, &[]),
    ("contact_wanted", Other, &[]),
    ("destination_denied", Unchanged, &[]),
    ("destination_refused", Refusal, &[]),
    ("own_destination_denied", Unchanged, &[]),
    ("directory_down", Refusal, &[]),
    ("directory_link_gone", Refusal, &[]),
    ("directory_link_sent", Unchanged, &[]),
    ("directory_link_unknown", Other, &[]),
    ("directory_misconfigured", Refusal, &[]),
    ("directory_refused", Refusal, &[]),
    ("disowned", Other, &[]),
    ("extra_denied", Refusal, &[]),
    (
        "form_not_opened",
        Refusal,
        &[("A code may have been sent", Other)],
    ),
    ("group_mention", Refusal, &[]),
    ("guide_failed", Refusal, &[]),
    ("guide_leads_nowhere", Refusal, &[]),
    ("guide_needs_reset", Refusal, &[]),
    ("guide_sent", Unchanged, &[]),
    ("guide_unknown", Refusal, &[]),
    ("guide_without_code", Refusal, &[]),
    ("help", Other, &[]),
    ("hidden", Other, &[]),
    ("history", Other, &[]),
    ("last_look", Other, &[]),
    ("link_still_works", Unchanged, &[]),
    // The help stands below it.
    ("mistyped", Unchanged, &[]),
    ("named_outsider", Refusal, &[]),
    ("news", Other, &[]),
    ("no_address", Refusal, &[]),
    ("another_way", Other, &[]),
    ("asked_again", Other, &[]),
    ("choose_on_record", Other, &[]),
    ("contact_changed_since", Other, &[]),
    ("with_reason", Unchanged, &[]),
    ("disowned_code", Other, &[]),
    ("earlier_reset", Other, &[]),
    ("limit", Other, &[]),
    ("wiped", Other, &[]),
    ("no_member", Refusal, &[]),
    ("no_more_updates", Refusal, &[]),
    ("no_such_member", Refusal, &[]),
    ("not_me_line", Other, &[]),
    ("not_pinned", Refusal, &[]),
    ("nobody_to_ask", Refusal, &[]),
    ("nothing_to_do", Other, &[]),
    ("offer_card", Other, &[]),
    ("outsider", Refusal, &[]),
    ("overloaded", Refusal, &[]),
    ("question_not_sent", Refusal, &[]),
    ("refused", Other, &[]),
    ("result", Other, &[("was stopped before it began", Refusal)]),
    ("rules", Unchanged, &[]),
    ("set_again", Other, &[]),
    ("several_members", Refusal, &[]),
    ("stale", Unchanged, &[]),
    ("stopping", Refusal, &[]),
    ("store_down", Refusal, &[]),
    ("too_many_contact_commands", Refusal, &[]),
    ("too_many_contacts", Refusal, &[]),
    ("too_many_look_ups", Refusal, &[]),
    ("too_many_typed", Refusal, &[]),
    ("two_contacts_needed", Refusal, &[]),
    ("typed_form", Other, &[]),
    ("unclear", Refusal, &[]),
    ("unresolved_caller", Refusal, &[]),
    ("unresolved_member", Refusal, &[]),
    ("untold", Other, &[]),
    ("used", Other, &[]),
    ("who_failed", Refusal, &[]),
    ("with_slot_back", Refusal, &[]),
    ("working", Other, &[]),
    ("wrong_code", Other, &[]),
];

fn promise_of(sample: &Sample, text: &str) -> Promise {
    let known = PROMISES.iter().find(|(name, ..)| *name == sample.name);
    let (_, promise, cases) = known.unwrap_or_else(|| {
        panic!(
            "{} is new: say in PROMISES whether it may say \"{NOTHING_CHANGED}\"",
            sample.name
        )
    });
    let case = cases.iter().find(|(part, _)| text.contains(part));
    case.map_or(*promise, |(_, promise)| *promise)
}

/// What is read, from the first word to the last.
fn text_of(told: &Told) -> String {
    match told {
        Told::Message(message) => std::iter::once(message.title.clone())
            .chain(message.paragraphs())
            .collect::<Vec<_>>()
            .join(" "),
        Told::Form(form) => [&form.title, &form.label, &form.hint, &form.submit]
            .map(String::as_str)
            .join(" "),
        Told::FormError(line) => line.clone(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_was_changed_is_said_exactly_where_it_is_true() {
    let bot = TestBot::new().await;
    let (row, value) = recorded(&bot).await;
    let (email, about) = (MINA.parse().unwrap(), (&member(), &row));
    let names = ("Mina Park", "mina");
    let world = World::new(names, &email, about, &bot.app.organization, &value);
    let mut wrong = Vec::new();
    let samples = samples::of(&world);
    for sample in &samples {
        let text = text_of(&sample.told);
        let promise = promise_of(sample, &text);
        let says = text.matches(NOTHING_CHANGED).count();
        let has_reference = text.contains("(ref ");
        let is_right = match promise {
            Refusal => says == 1 && has_reference && text.chars().count() <= LONGEST,
            Unchanged => says == 1,
            Other => says == 0,
        };
        if !is_right {
            wrong.push(format!("{} ({promise:?}): {text}", sample.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let names: Vec<&str> = samples.iter().map(|sample| sample.name).collect();
    let gone: Vec<&str> = PROMISES
        .iter()
        .map(|(name, ..)| *name)
        .filter(|name| !names.contains(name))
        .collect();
    assert_eq!(gone, Vec::<&str>::new(), "no sample has these");
}
