//! What an administrator is shown: a message with its buttons, and the password in it.

use zeroize::Zeroizing;

use super::Action;
use crate::domain::shorten::shorten_longest_word;
use crate::domain::{MemberId, Password, ResetId};

/// Longest label of a button that no client cuts: Slack's cut it at about 30 characters.
pub(crate) const BUTTON: usize = 30;

/// A message to one administrator. Its texts are plain: renderers must not let a platform read markup in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The first line, shown as a heading.
    pub title: String,
    /// What has to be read before anything is pressed. They stand above all else, behind a warning sign.
    pub warnings: Vec<Warning>,
    /// Short facts, beside each other where the platform has columns.
    pub facts: Vec<String>,
    /// The text below, a paragraph each.
    pub lines: Vec<String>,
    /// Boxes to tick, above the buttons.
    pub ticks: Vec<Tick>,
    /// In the order in which they are shown.
    pub buttons: Vec<Button>,
    /// A way out beside the buttons: a question, and the button that answers it.
    pub aside: Option<Aside>,
    /// Small print at the end, such as the reference.
    pub small_print: Vec<String>,
    /// Earlier resets whose results these lines tell: if the message is not sent, they are told again.
    pub results: Vec<ResetId>,
    /// Resets of which these lines tell that the member said "this wasn't me", each with the administrator who reads it: the
    /// same.
    pub heard: Vec<(ResetId, MemberId)>,
    /// News of something else, such as an earlier reset: a message of its own after this one, so that nobody takes it for a
    /// part of it.
    pub news: Option<Box<Message>>,
    /// True where it names an address in full: it goes to nobody but the proven person.
    pub is_for_one: bool,
    /// Set in a refusal. Its text is in `title` and `lines` already; where more is known of the reset, it is written anew
    /// from these parts.
    pub refused: Option<Box<RefusedParts>>,
}

impl Message {
    /// The message with its news below its own text, where no second message can be sent. They are not small print, which is
    /// cut: what is told counts as told.
    #[must_use]
    pub fn with_news_below(mut self) -> Self {
        if let Some(news) = self.news.take() {
            self.lines.extend(news.lines);
            self.results.extend(news.results);
            self.heard.extend(news.heard);
        }
        self
    }

    /// The whole text below the title, a paragraph each, in the order in which every platform shows it.
    pub fn paragraphs(&self) -> impl Iterator<Item = String> {
        let warnings = self.warnings.iter().map(Warning::text);
        let aside = self.aside.iter().map(|aside| aside.question.clone());
        let small_print = (!self.small_print.is_empty()).then(|| self.small_print.join(" · "));
        warnings
            .chain(self.facts.iter().cloned())
            .chain(self.lines.iter().cloned())
            .chain(aside)
            .chain(small_print)
    }

    /// All buttons in rows of at most `width`, where the platform has no boxes: what can be ticked comes first, and the
    /// button of the aside last.
    pub fn rows_without_boxes(&self, width: usize) -> Vec<Vec<Button>> {
        let ticks = self.ticks.iter().map(Tick::as_button).collect();
        let aside = self
            .aside
            .iter()
            .map(|aside| aside.button.clone())
            .collect();
        let rows = [ticks].into_iter().chain(self.button_rows()).chain([aside]);
        rows.flat_map(|row: Vec<Button>| {
            row.chunks(width.max(1))
                .map(<[Button]>::to_vec)
                .collect::<Vec<_>>()
        })
        .collect()
    }

    /// The same without the button of the aside, which stands beside its question.
    pub fn rows_above_aside(&self, width: usize) -> Vec<Vec<Button>> {
        let mut rows = self.rows_without_boxes(width);
        if self.aside.is_some() {
            rows.pop();
        }
        rows
    }

    /// The buttons, without what can be ticked and the aside, in rows.
    pub fn button_rows(&self) -> Vec<Vec<Button>> {
        self.buttons
            .chunk_by(|_, next| !next.starts_row)
            .map(<[Button]>::to_vec)
            .collect()
    }
}

/// A warning. Its first sentence is bold where the platform can do that without reading markup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The sentence that counts.
    pub bold: String,
    /// What follows from it; may be empty.
    pub rest: String,
}

impl Message {
    /// The same message; where it has a warning no button is marked as the usual choice, because the mark invites a press.
    pub(crate) fn unmarked_if_it_warns(mut self) -> Self {
        if !self.warnings.is_empty() {
            let marked = self.buttons.iter_mut();
            marked
                .filter(|button| button.style == Style::Primary)
                .for_each(|button| button.style = Style::Plain);
        }
        self
    }
}

impl Warning {
    /// A warning of these two sentences.
    pub(crate) fn new(bold: impl Into<String>, rest: impl Into<String>) -> Self {
        let (bold, rest) = (bold.into(), rest.into());
        Self { bold, rest }
    }

    /// The warning as plain text, behind its sign.
    pub fn text(&self) -> String {
        format!("⚠ {}", self.sentences())
    }

    /// The same without the sign.
    pub fn sentences(&self) -> String {
        format!("{} {}", self.bold, self.rest).trim_end().to_owned()
    }
}

/// A box that can be ticked. Where a platform has none, it is a button that changes over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tick {
    /// What pressing it asks for.
    pub action: Action,
    /// The text beside the box.
    pub label: String,
    /// The record says so.
    pub is_ticked: bool,
    /// The opaque value that leads back to the reset. It changes with each edition of the card.
    pub value: String,
}

impl Tick {
    /// The box as a button that changes over.
    fn as_button(&self) -> Button {
        let mark = if self.is_ticked { "☑" } else { "☐" };
        Button {
            action: self.action,
            label: shorten_longest_word(&format!("{mark} {}", self.label), BUTTON),
            value: self.value.clone(),
            style: Style::Plain,
            starts_row: false,
        }
    }
}

/// A question with one button beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aside {
    /// What people ask themselves.
    pub question: String,
    /// Its answer.
    pub button: Button,
}

/// What a refusal says in its first line after the sentence about what was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedParts {
    /// What to do, where the text does not say it before.
    pub next: String,
    pub reference: String,
    /// The line says that no slot was used either.
    pub is_slot_told: bool,
}

/// The password in a message, with the text that introduces how it is said aloud.
#[derive(Clone, Copy)]
pub struct ShownPassword<'a> {
    /// Borrowed: whoever shows it may not keep it.
    pub password: &'a Password,
    /// Stands before the spoken form. It is our own text, without markup.
    pub spoken_label: &'static str,
}

impl ShownPassword<'_> {
    /// The line that says how the password is said aloud.
    pub fn spoken_line(&self) -> Zeroizing<String> {
        let spoken = self.password.spoken();
        let mut line = Zeroizing::new(String::with_capacity(
            self.spoken_label.len() + spoken.len(),
        ));
        line.push_str(self.spoken_label);
        line.push_str(&spoken);
        line
    }
}

/// A button under a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Button {
    /// What pressing it asks for.
    pub action: Action,
    /// The text on it.
    pub label: String,
    /// The opaque value that leads back to the reset.
    pub value: String,
    /// How much it stands out.
    pub style: Style,
    /// It begins a row of its own, where a platform has rows.
    pub starts_row: bool,
}

/// How much a button stands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// One of several.
    Plain,
    /// The usual choice.
    Primary,
    /// It changes something for good.
    Danger,
}
