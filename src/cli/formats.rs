//! What the lists of `relatch resets` share: JSON page by page, and texts that are safe in a spreadsheet.

use std::borrow::Cow;

use serde::Serialize;

use super::{Failure, print, say, to_json};

/// Prints one page of the array. The last page is empty and closes it.
pub(super) fn print_json(rows: &[impl Serialize], is_first: bool) -> Result<(), Failure> {
    let mut text = if is_first {
        "[".to_owned()
    } else {
        String::new()
    };
    for (at, row) in rows.iter().enumerate() {
        text.push_str(if is_first && at == 0 { "\n  " } else { ",\n  " });
        text.push_str(&to_json(row)?.replace('\n', "\n  "));
    }
    if rows.is_empty() {
        return say(if is_first { "[]" } else { "\n]" });
    }
    print(&text)
}

/// A text that a spreadsheet would take for a formula gets an apostrophe before it: what an administrator typed must not
/// compute in the file of whoever reads it (OWASP, "CSV Injection").
pub(super) fn in_spreadsheet(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@']) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}
