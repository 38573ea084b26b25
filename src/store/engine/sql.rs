//! Puts statements together at compile time, so that the columns of a table are written once.

/// A statement made of constants: `sql!("select ", ResetRow::COLUMNS, " from reset where reset_id = $1")`.
macro_rules! sql {
    ($($part:expr),+ $(,)?) => {{
        const PARTS: &[&str] = &[$($part),+];
        const TEXT: [u8; $crate::store::engine::sql::length(PARTS)] = $crate::store::engine::sql::joined(PARTS);
        $crate::store::engine::sql::text(&TEXT)
    }};
}
pub(in crate::store) use sql;

/// How long all parts are together.
pub(in crate::store) const fn length(mut parts: &[&str]) -> usize {
    let mut length = 0;
    while let [first, rest @ ..] = parts {
        length += first.len();
        parts = rest;
    }
    length
}

/// The bytes of all parts.
#[expect(
    clippy::indexing_slicing,
    reason = "runs at compile time, where a place that is not there fails the build"
)]
pub(in crate::store) const fn joined<const LENGTH: usize>(mut parts: &[&str]) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    let mut at = 0;
    while let [first, rest @ ..] = parts {
        let mut left = first.as_bytes();
        while let [byte, others @ ..] = left {
            bytes[at] = *byte;
            at += 1;
            left = others;
        }
        parts = rest;
    }
    bytes
}

/// The text of these bytes, which came from texts.
pub(in crate::store) const fn text(bytes: &'static [u8]) -> &'static str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => "",
    }
}

/// A list without the comma and space at its end.
pub(in crate::store) const fn without_comma(list: &'static str) -> &'static str {
    list.split_at(list.len().saturating_sub(2)).0
}

/// More than any table has columns.
const PLACEHOLDERS: &str = "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, \
    $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, \
    $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51, $52, $53, $54, $55, $56, $57, $58, $59, $60, ";

/// `$1, $2, …` for so many values.
pub(in crate::store) const fn placeholders(count: usize) -> &'static str {
    placeholders_after(0, count)
}

/// The placeholders of so many values that come after `before` others.
pub(in crate::store) const fn placeholders_after(before: usize, count: usize) -> &'static str {
    let (all, _) = PLACEHOLDERS.split_at(width(before + count));
    without_comma(all.split_at(width(before)).1)
}

/// How long so many placeholders are, each with its comma and space.
const fn width(count: usize) -> usize {
    if count <= 9 {
        4 * count
    } else {
        4 * 9 + 5 * (count - 9)
    }
}

/// A statement that names these columns. A table without any of them must not use it, so that fails the build.
pub(in crate::store) const fn naming(columns: &[&str], statement: &'static str) -> &'static str {
    assert!(!columns.is_empty(), "the table has no such column");
    statement
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_count_of_placeholders_ends_with_its_number() {
        for count in 1..60 {
            assert!(placeholders(count).ends_with(&format!("${count}")));
            assert_eq!(placeholders(count).split(", ").count(), count);
        }
        assert_eq!(placeholders_after(1, 2), "$2, $3");
        assert_eq!(placeholders_after(9, 1), "$10");
        assert_eq!(placeholders_after(3, 0), "");
        assert_eq!(sql!("a ", without_comma("b, c, "), " d"), "a b, c d");
    }
}
