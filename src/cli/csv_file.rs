//! Reads a CSV as spreadsheets write it: UTF-8 or UTF-16, with commas, semicolons or tabs.

use std::fmt::Display;
use std::io::Read;
use std::path::Path;

use csv::StringRecord;
use serde::de::DeserializeOwned;

use super::Failure;
use crate::domain::shorten::shorten;

/// The size limit of the file, in bytes.
const FILE_LIMIT: u64 = 64 * 1024 * 1024;

/// What may stand between two columns. Of two that fit the header equally well, the first is taken.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// How many wrong names of columns are told at most.
const NAMED: usize = 5;

/// How many letters of such a name are shown.
const LONGEST_NAME: usize = 30;

/// How to make a file that can be read.
const SAVE_AGAIN: &str = "Save it as \"CSV UTF-8\" and try again";

/// The names that the header may have, in any order.
pub(super) struct Columns {
    pub(super) required: &'static [&'static str],
    pub(super) optional: &'static [&'static str],
    /// True where a column of another name is an error, because it may be a misspelt optional one.
    pub(super) is_complete: bool,
}

/// A file with its header read.
pub(super) struct CsvFile {
    text: String,
    separator: u8,
    header: StringRecord,
    name: String,
}

impl CsvFile {
    /// Reads the file, and refuses it as a whole where its encoding or its header is wrong.
    pub(super) fn open(path: &Path, columns: &Columns) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let refused = |why: &dyn Display| Failure::Said(format!("{name} {why}"));
        let text = decode(&read_bytes(path)?).map_err(|why| refused(&why))?;
        let (separator, header) = columns
            .find_header(&text)
            .ok_or_else(|| refused(&"is empty. Nothing was changed."))?;
        columns.check(&header).map_err(|why| refused(&why))?;
        Ok(Self {
            text,
            separator,
            header,
            name,
        })
    }

    /// Reads all rows, or names every bad line. `read` gets the number of the line and its fields, and says what is wrong.
    pub(super) fn rows<Fields: DeserializeOwned, Row>(
        &self,
        mut read: impl FnMut(u64, Fields) -> Result<Row, String>,
    ) -> Result<Vec<Row>, Failure> {
        let (mut rows, mut problems) = (Vec::new(), Vec::new());
        let records = reader(&self.text, self.separator).into_records();
        let records = records.filter(|record| !record.as_ref().is_ok_and(is_blank));
        // The first is the header.
        for record in records.skip(1) {
            let (line, fields) = match record {
                Ok(record) => (
                    line_of(&self.text, record.position()),
                    self.fields::<Fields>(record),
                ),
                Err(error) => (
                    line_of(&self.text, error.position()),
                    Err("cannot be read".to_owned()),
                ),
            };
            match fields.and_then(|fields| read(line, fields)) {
                Ok(row) => rows.push(row),
                Err(wrong) => problems.push(format!("line {line}: {wrong}")),
            }
        }
        if !problems.is_empty() {
            return Err(self.refused(&problems));
        }
        if rows.is_empty() {
            let text = format!(
                "{} has a header and no rows. Nothing was changed.",
                self.name
            );
            return Err(Failure::Said(text));
        }
        Ok(rows)
    }

    /// The failure of a file with these bad lines.
    pub(super) fn refused(&self, problems: &[String]) -> Failure {
        Failure::Said(format!(
            "{} cannot be used. Nothing was changed. Mend these lines:\n{}",
            self.name,
            problems.join("\n")
        ))
    }

    fn fields<Fields: DeserializeOwned>(&self, mut record: StringRecord) -> Result<Fields, String> {
        let width = self.header.len();
        let (found, is_rest_blank) = (
            record.len(),
            record
                .iter()
                .skip(width)
                .all(|field| field.trim().is_empty()),
        );
        if found < width || !is_rest_blank {
            return Err(format!("{found} fields instead of {width}"));
        }
        record.truncate(width);
        record.deserialize(Some(&self.header)).map_err(|error| {
            if let csv::ErrorKind::Deserialize { err, .. } = error.kind() {
                err.to_string()
            } else {
                error.to_string()
            }
        })
    }
}

impl Columns {
    /// The separator under which most names of the first row are known, and that row; none in a file without any text.
    fn find_header(&self, text: &str) -> Option<(u8, StringRecord)> {
        let says_nothing = |byte: u8| byte.is_ascii_whitespace() || SEPARATORS.contains(&byte);
        if text.bytes().all(says_nothing) {
            return None;
        }
        let mut best: Option<((usize, usize), u8, StringRecord)> = None;
        for separator in SEPARATORS {
            let mut records = reader(text, separator).into_records();
            let Some(first) = records.find_map(|one| one.ok().filter(|record| !is_blank(record)))
            else {
                continue;
            };
            let names = names(&first);
            let known = names.iter().filter(|name| self.knows(name)).count();
            let fit = (known, names.len());
            if best.as_ref().is_none_or(|(other, ..)| fit > *other) {
                best = Some((fit, separator, names));
            }
        }
        best.map(|(_, separator, names)| (separator, names))
    }

    fn knows(&self, name: &str) -> bool {
        self.required.contains(&name) || self.optional.contains(&name)
    }

    /// Refuses a wrong header, once for the whole file.
    fn check(&self, header: &StringRecord) -> Result<(), String> {
        let has = |name: &&str| header.iter().any(|other| other == *name);
        let is_repeated = |name: &&str| header.iter().filter(|other| other == name).count() > 1;
        let missing = self.required.iter().copied().filter(|name| !has(name));
        let all = self.required.iter().chain(self.optional).copied();
        let repeated = all.filter(is_repeated);
        let unknown = header
            .iter()
            .filter(|name| self.is_complete && !self.knows(name))
            .take(NAMED)
            .map(|name| format!("{:?}", shorten(name, LONGEST_NAME)));
        let wrong = [
            named("missing", missing.map(str::to_owned)),
            named("there twice", repeated.map(str::to_owned)),
            named("not known", unknown),
        ];
        let wrong: Vec<String> = wrong.into_iter().flatten().collect();
        if wrong.is_empty() {
            return Ok(());
        }
        let optional = match self.optional {
            [] => String::new(),
            names => format!(" and may have {}", names.join(",")),
        };
        Err(format!(
            "has another header: {}. Nothing was changed. It has to be {}{optional}",
            wrong.join("; "),
            self.required.join(",")
        ))
    }
}

/// The names with what is wrong with them; none where there are no names.
fn named(what: &str, names: impl Iterator<Item = String>) -> Option<String> {
    let names: Vec<String> = names.collect();
    (!names.is_empty()).then(|| format!("{what}: {}", names.join(", ")))
}

/// The names of the columns as they are compared. Spreadsheets leave columns without a name at the end.
fn names(header: &StringRecord) -> StringRecord {
    let mut names: Vec<String> = header
        .iter()
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    while names.last().is_some_and(String::is_empty) {
        names.pop();
    }
    names.into()
}

fn is_blank(record: &StringRecord) -> bool {
    record.iter().all(|field| field.trim().is_empty())
}

fn reader(text: &str, separator: u8) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new()
        .delimiter(separator)
        .flexible(true)
        .has_headers(false)
        .from_reader(text.as_bytes())
}

/// The text of the file, by its byte-order mark or its zero bytes. What is neither UTF-8 nor UTF-16 is refused, because a
/// guess would give people other names.
fn decode(bytes: &[u8]) -> Result<String, String> {
    match bytes {
        // The first bytes of a ZIP archive, and of a compound file: .xlsx, .ods and .xls.
        [b'P', b'K', 3, 4, ..] | [0xd0, 0xcf, 0x11, 0xe0, ..] => Err(format!(
            "is a workbook, not a CSV. Nothing was changed. {SAVE_AGAIN}"
        )),
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        // A header begins with an ASCII letter, and text in UTF-8 has no zero byte.
        [1..=0x7f, 0, ..] => utf16(bytes, u16::from_le_bytes),
        [0, 1..=0x7f, ..] => utf16(bytes, u16::from_be_bytes),
        _ => utf8(bytes),
    }
}

fn utf8(bytes: &[u8]) -> Result<String, String> {
    std::str::from_utf8(bytes)
        .map(str::to_owned)
        .map_err(|error| {
            let (good, _) = bytes.split_at(error.valid_up_to());
            let line = good.split(|byte| *byte == b'\n').count();
            format!(
                "is not in UTF-8 from line {line} on, but perhaps in Windows-1252. Nothing was changed. {SAVE_AGAIN}"
            )
        })
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, String> {
    let refused =
        |why: &dyn Display| format!("is damaged UTF-16: {why}. Nothing was changed. {SAVE_AGAIN}");
    let (pairs, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(refused(&"half a character is left at its end"));
    }
    char::decode_utf16(pairs.iter().copied().map(unit))
        .collect::<Result<String, _>>()
        .map_err(|error| refused(&error))
}

/// The line on which a record begins. The reader's position is before the blank lines in front of it.
fn line_of(text: &str, position: Option<&csv::Position>) -> u64 {
    let Some(position) = position else { return 1 };
    let rest = usize::try_from(position.byte())
        .ok()
        .and_then(|byte| text.get(byte..))
        .unwrap_or_default();
    let skipped = rest
        .bytes()
        .take_while(|byte| matches!(byte, b'\r' | b'\n'))
        .filter(|byte| *byte == b'\n')
        .count();
    position.line() + skipped as u64
}

/// Reads a file up to the size limit.
fn read_bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let name = path.display();
    let said = |error: std::io::Error| {
        Failure::Said(format!(
            "{name} cannot be read: {error}; nothing was changed"
        ))
    };
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .map_err(said)?
        .take(FILE_LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(said)?;
    if bytes.len() as u64 > FILE_LIMIT {
        let text = format!("{name} is larger than 64 MiB. Nothing was changed.");
        return Err(Failure::Said(text));
    }
    Ok(bytes)
}
