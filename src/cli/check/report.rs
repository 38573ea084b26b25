//! What `check` found out, as text or JSON, and the exit code that follows from it.

use serde::Serialize;

use crate::cli::{Failure, say, to_json};
use crate::domain::written_enum;
use crate::settings::Finding;

written_enum! {
    /// How a key is.
    pub(super) Level {
        Ok = "ok",
        /// It works, or works in part, and the operator should look at it.
        Warn = "warn",
        /// It cannot work.
        Fail = "fail",
    }
}

/// One line of the list.
#[derive(Serialize)]
struct ReportLine {
    level: Level,
    key: String,
    text: String,
}

/// Everything that was found out, in the order in which it was tried.
#[derive(Default)]
pub(super) struct CheckReport {
    lines: Vec<ReportLine>,
    /// Something is wrong in itself, whatever other services do.
    is_unsound: bool,
}

impl CheckReport {
    pub(super) fn add(&mut self, level: Level, key: impl Into<String>, text: impl Into<String>) {
        self.lines.push(ReportLine {
            level,
            key: key.into(),
            text: text.into(),
        });
    }

    /// Adds what is wrong in the settings or in our own files.
    pub(super) fn add_unsound(&mut self, key: impl Into<String>, text: impl Into<String>) {
        self.is_unsound = true;
        self.add(Level::Fail, key, text);
    }

    /// Adds what was found out about a section of the settings. `name` is what operators call the thing, where a section
    /// does not tell it.
    pub(super) fn add_found(&mut self, level: Level, section: &str, name: &str, found: Finding) {
        let Finding { key, text } = found;
        let key = if key.is_empty() {
            section.to_owned()
        } else {
            format!("{section}.{key}")
        };
        let text = match (name, text.as_str()) {
            ("", _) => text,
            (name, "") => name.to_owned(),
            (name, _) => format!("{name}: {text}"),
        };
        self.add(level, key, text);
    }

    pub(super) fn print(&self, is_json: bool) -> Result<(), Failure> {
        if is_json {
            return say(&to_json(&self.lines)?);
        }
        for ReportLine { level, key, text } in &self.lines {
            let end = if text.is_empty() { "" } else { ": " };
            say(&format!("{:<5} {key}{end}{text}", level.as_str()))?;
        }
        Ok(())
    }

    /// Fails where a line does: with 78 for what is wrong in itself, with 1 for what another service cannot do.
    pub(super) fn ended(&self) -> Result<(), Failure> {
        let failed = self.lines.iter().filter(|line| line.level == Level::Fail);
        let told = match failed.count() {
            0 => return Ok(()),
            failed => format!("{failed} of {} failed", self.lines.len()),
        };
        Err(if self.is_unsound {
            Failure::Unsound(told)
        } else {
            Failure::Said(told)
        })
    }
}
