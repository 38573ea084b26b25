//! Collects every text that the program can say, from its source: literals, error attributes, help texts and pages.

use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::Visit;

/// Who reads a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Administrators in chat, and members by mail, SMS and on their pages.
    People,
    /// Whoever reads the log.
    Log,
    /// An error: it stands inside a log line, or behind "relatch: " on the command line.
    Error,
    /// `--help`.
    Help,
    /// Operators on the command line, and parts of sentences anywhere.
    Other,
}

/// One text, with its placeholders as `{}`.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) kind: Kind,
    /// The file and the function, constant or type.
    pub(crate) place: String,
    pub(crate) said: String,
}

impl Text {
    /// It stands in a template of a page.
    pub(crate) fn is_of_page(&self) -> bool {
        Path::new(&self.place)
            .extension()
            .is_some_and(|extension| extension == "html")
    }
}

/// Texts for people stand here alone.
const OF_PEOPLE: [&str; 2] = ["src/flow/messages/", "src/portal/texts.rs"];

/// Names for tests, which nobody reads.
const NOT_SAID: [&str; 1] = ["src/chat/hostile_names.rs"];

/// Every text below `src`.
pub(crate) fn texts() -> Vec<Text> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for path in files_below(&root.join("src")) {
        let file = path.strip_prefix(root).unwrap().to_str().unwrap();
        let source = std::fs::read_to_string(&path).unwrap();
        if NOT_SAID.contains(&file) || file.ends_with("/tests.rs") {
            continue;
        }
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("html") => found.extend(of_page(file, &source)),
            Some("rs") => found.extend(of_source(file, &source)),
            _ => {}
        }
    }
    found
}

/// The texts of one Rust source.
pub(crate) fn of_source(file: &str, source: &str) -> Vec<Text> {
    let is_of_people = OF_PEOPLE.iter().any(|folder| file.starts_with(folder));
    let mut reader = Reader {
        kind: if is_of_people {
            Kind::People
        } else {
            Kind::Other
        },
        file: file.to_owned(),
        at: Vec::new(),
        is_command_line: false,
        found: Vec::new(),
    };
    reader.visit_file(&syn::parse_file(source).unwrap());
    reader.found
}

/// What a page shows between its tags, and in the attributes that are read aloud.
pub(crate) fn of_page(file: &str, source: &str) -> Vec<Text> {
    let mut text = String::new();
    let mut rest = source;
    while let Some(begin) = rest.find(['<', '{']) {
        let (before, tag) = rest.split_at(begin);
        text.push_str(before);
        let (end, stands_for) = match tag.get(..2) {
            Some("{{") => ("}}", "{}"),
            Some("{%") if is_block(tag) => ("%}", "\n\n"),
            Some("{%") => ("%}", ""),
            _ if tag.starts_with('<') => (">", if is_inline(tag) { "" } else { "\n\n" }),
            _ => ("{", "{"),
        };
        text.push_str(stands_for);
        let end = tag.find(end).unwrap_or(0) + end.len();
        rest = tag.get(end..).unwrap_or_default();
    }
    text.push_str(rest);
    text.split("\n\n")
        .map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|part| !part.is_empty())
        .map(|said| Text {
            kind: Kind::People,
            place: file.to_owned(),
            said,
        })
        .collect()
}

/// A tag that begins or ends a part of the page.
fn is_block(tag: &str) -> bool {
    ["{% block", "{% endblock", "{% extends"]
        .iter()
        .any(|name| tag.starts_with(name))
}

/// A tag inside a sentence.
fn is_inline(tag: &str) -> bool {
    ["<strong", "</strong", "<em", "</em", "<code", "</code"]
        .iter()
        .any(|name| tag.starts_with(name))
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

struct Reader {
    kind: Kind,
    file: String,
    /// The names of the items around.
    at: Vec<String>,
    /// Inside a type whose comments are `--help`.
    is_command_line: bool,
    found: Vec<Text>,
}

impl Reader {
    fn note(&mut self, kind: Kind, text: &str) {
        let place = match self.at.last() {
            Some(item) => format!("{}: {item}", self.file),
            None => self.file.clone(),
        };
        self.found.push(Text {
            kind,
            place,
            said: without_names(text),
        });
    }

    /// Texts inside a macro such as `format!`; of a log line, the message and not the values of its fields.
    fn note_tokens(&mut self, kind: Kind, tokens: TokenStream) {
        let (mut is_value, mut is_comment) = (false, false);
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.note_tokens(kind, group.stream()),
                // A comment of what a macro makes.
                TokenTree::Literal(_) if is_comment && is_value => {}
                TokenTree::Literal(literal) => {
                    if let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string()) {
                        let is_field = is_value && kind == Kind::Log;
                        let kind = if is_field { Kind::Other } else { kind };
                        self.note(kind, &text.value());
                    }
                }
                TokenTree::Punct(punct) => {
                    is_value = punct.as_char() == '=';
                    continue;
                }
                TokenTree::Ident(name) => {
                    is_comment = name == "doc";
                    is_value = false;
                    continue;
                }
            }
            (is_value, is_comment) = (false, false);
        }
    }

    fn within(&mut self, name: &syn::Ident, visit: impl FnOnce(&mut Self)) {
        self.at.push(name.to_string());
        visit(self);
        self.at.pop();
    }
}

/// Placeholders without their names: the same sentence with another variable is the same sentence.
fn without_names(text: &str) -> String {
    let mut parts = text.split('{');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.split_once('}').map_or(part, |(_, rest)| rest);
        plain.push_str("{}");
        plain.push_str(rest);
    }
    plain
}

/// True for what the compiler leaves out of the program.
fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Ident>()
                .is_ok_and(|name| name == "test")
    })
}

fn derives(attributes: &[syn::Attribute], names: &[&str]) -> bool {
    let mut found = false;
    for attribute in attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("derive"))
    {
        let is_one = |path: &syn::Path| {
            path.segments
                .last()
                .is_some_and(|last| names.iter().any(|name| last.ident == name))
        };
        attribute
            .parse_nested_meta(|meta| {
                found |= is_one(&meta.path);
                Ok(())
            })
            .unwrap();
    }
    found
}

const COMMAND_LINE: [&str; 3] = ["Parser", "Args", "Subcommand"];

impl<'ast> Visit<'ast> for Reader {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            syn::visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_test(&item.attrs) {
            self.within(&item.sig.ident, |reader| {
                syn::visit::visit_item_fn(reader, item);
            });
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_test(&item.attrs) {
            self.within(&item.sig.ident, |reader| {
                syn::visit::visit_impl_item_fn(reader, item);
            });
        }
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        if !is_test(&item.attrs) {
            self.within(&item.ident, |reader| {
                syn::visit::visit_item_const(reader, item);
            });
        }
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        let outer = self.is_command_line;
        self.is_command_line = derives(&item.attrs, &COMMAND_LINE);
        self.within(&item.ident, |reader| {
            syn::visit::visit_item_struct(reader, item);
        });
        self.is_command_line = outer;
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        let outer = self.is_command_line;
        self.is_command_line = derives(&item.attrs, &COMMAND_LINE);
        self.within(&item.ident, |reader| {
            syn::visit::visit_item_enum(reader, item);
        });
        self.is_command_line = outer;
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if attribute.path().is_ident("error") {
            if let syn::Meta::List(list) = &attribute.meta {
                self.note_tokens(Kind::Error, list.tokens.clone());
            }
        } else if attribute.path().is_ident("doc")
            && self.is_command_line
            && let syn::Meta::NameValue(doc) = &attribute.meta
            && let syn::Expr::Lit(literal) = &doc.value
            && let syn::Lit::Str(text) = &literal.lit
        {
            self.note(Kind::Help, text.value().trim());
        }
    }

    fn visit_lit_str(&mut self, literal: &'ast syn::LitStr) {
        self.note(self.kind, &literal.value());
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        let is_log = ["error", "warn", "info", "debug", "trace"]
            .iter()
            .any(|level| {
                item.path
                    .segments
                    .last()
                    .is_some_and(|last| last.ident == level)
            });
        let kind = if is_log { Kind::Log } else { self.kind };
        self.note_tokens(kind, item.tokens.clone());
    }
}
