//! Tables for people: a header and rows, in columns of fixed widths.

/// The columns of a table, each with its header and its width. A longer value is not cut, and pushes the rest of its row.
pub(super) struct TextTable<const N: usize>(pub(super) [(&'static str, usize); N]);

impl<const N: usize> TextTable<N> {
    pub(super) fn header(&self) -> String {
        self.row(self.0.map(|(name, _)| name))
    }

    /// One row. Values come from people too, so what would move the cursor of a terminal is replaced.
    pub(super) fn row(&self, values: [&str; N]) -> String {
        let cells = self.0.iter().zip(values).map(|((_, width), value)| {
            let shown: String = value.chars().map(visible).collect();
            format!("{shown:<width$}")
        });
        let row = cells.collect::<Vec<_>>().join("  ");
        row.trim_end().to_owned()
    }
}

fn visible(character: char) -> char {
    if character.is_control() {
        char::REPLACEMENT_CHARACTER
    } else {
        character
    }
}
