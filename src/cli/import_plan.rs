//! What `relatch members import --dry-run` says, and the line about a new person.

use super::{Failure, say};
use crate::store::{FieldChange, NewPerson, Planned};

/// Says what the import would do.
pub(super) fn say_planned(planned: &Planned) -> Result<(), Failure> {
    for (name, email) in &planned.added {
        say(&format!("{name} ({email}) would be added"))?;
    }
    for one in &planned.updated {
        let changes: Vec<String> = one.changes.iter().map(change).collect();
        say(&format!(
            "{} ({}) would be updated: {}",
            one.name,
            one.email,
            changes.join(", ")
        ))?;
    }
    for person in &planned.new_persons {
        say(&format!("would be a {}", tell(person)))?;
    }
    say(&format!(
        "{} would be added, {} updated{}, {} stay as they are. This was a dry run. Nothing was changed.",
        planned.added.len(),
        planned.updated.len() + planned.new_persons.len(),
        new_persons(planned.new_persons.len()),
        planned.unchanged
    ))
}

/// How many new persons there are, where there are any.
pub(super) fn new_persons(count: usize) -> String {
    match count {
        0 => String::new(),
        count => format!(" (new persons: {count})"),
    }
}

fn change(FieldChange { field, from, to }: &FieldChange) -> String {
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
    format!("{field} {} → {}", or_none(from), or_none(to))
}

/// Says who takes whose place, and why.
pub(super) fn tell(person: &NewPerson) -> String {
    let NewPerson {
        name,
        email,
        former,
        why,
        ..
    } = person;
    format!("new person: {name} ({email}) in place of {former}: {why}")
}
