//! The samples are complete: each function of `flow/messages` is in them, and each sentence that its source has.

use std::collections::BTreeSet;
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::Visit;

use super::samples::{Told, World};
use super::{MINA, member, recorded};
use crate::support::TestBot;

/// What is sent by e-mail and SMS, shown on the member's pages or written into the record, and never to a chat. Its
/// sentences are in the samples of `samples/notes.rs`.
const ELSEWHERE: &[&str] = &[
    "address_alarm",
    "alarm",
    "another_entry",
    "several_entries",
    "pin_line",
    "pinned",
    "contact_code",
    "guide",
    "guide_sms",
    "code_use_mail",
    "code_use_sms",
    "code_use_alarm",
    "whom_to_call",
    "guessed_codes_alarm",
];

/// What the member's pages alone say.
const ON_PAGES: &[&str] = &["too_many_own_contacts"];

/// Their functions make e-mails and SMS, but for this one.
const NOTES: [&str; 4] = ["handover.rs", "notes.rs", "notice.rs", "sms.rs"];
const NO_NOTE: &str = "wrong_code";

/// What the sources say: names of public functions, and sentences with the file that has them.
#[derive(Default)]
struct Sources {
    functions: BTreeSet<String>,
    sentences: BTreeSet<(String, String)>,
    file: String,
}

impl Sources {
    fn read() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/flow/messages");
        let mut sources = Self::default();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let file = path.file_name().unwrap().to_str().unwrap();
            file.clone_into(&mut sources.file);
            let text = std::fs::read_to_string(&path).unwrap();
            sources.visit_file(&syn::parse_file(&text).unwrap());
        }
        sources
    }

    fn is_of_notes(&self) -> bool {
        NOTES.contains(&self.file.as_str())
    }

    fn note(&mut self, literal: &syn::LitStr) {
        for part in literal.value().split(['{', '}']) {
            let part = part.trim();
            if part.contains(' ') && part.chars().filter(|c| c.is_alphabetic()).count() > 5 {
                self.sentences.insert((self.file.clone(), part.to_owned()));
            }
        }
    }

    /// Texts inside a macro such as `format!`.
    fn note_tokens(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.note_tokens(group.stream()),
                TokenTree::Literal(literal) => {
                    if let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string()) {
                        self.note(&text);
                    }
                }
                TokenTree::Ident(_) | TokenTree::Punct(_) => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Sources {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if item.ident != "tests" {
            syn::visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        let name = item.sig.ident.to_string();
        if ON_PAGES.contains(&name.as_str()) {
            return;
        }
        let is_elsewhere =
            ELSEWHERE.contains(&name.as_str()) || self.is_of_notes() && name != NO_NOTE;
        if matches!(item.vis, syn::Visibility::Public(_)) && !is_elsewhere {
            self.functions.insert(name);
        }
        syn::visit::visit_item_fn(self, item);
    }

    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}

    fn visit_lit_str(&mut self, literal: &'ast syn::LitStr) {
        self.note(literal);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.note_tokens(item.tokens.clone());
    }
}

/// A new message, and a new case of an old one, needs a sample: else nobody has seen it on any platform.
#[tokio::test(flavor = "multi_thread")]
async fn every_sentence_has_a_sample() {
    let bot = TestBot::new().await;
    let (row, value) = recorded(&bot).await;
    let (email, about) = (MINA.parse().unwrap(), (&member(), &row));
    let names = ("Mina Park", "mina");
    let world = World::new(names, &email, about, &bot.app.organization, &value);
    let samples = super::samples::of(&world);
    let sampled: BTreeSet<String> = samples
        .iter()
        .map(|sample| sample.name.to_owned())
        .collect();
    let sources = Sources::read();
    let missing: Vec<_> = sources.functions.symmetric_difference(&sampled).collect();
    assert_eq!(
        missing,
        Vec::<&String>::new(),
        "functions without a sample, or samples of none"
    );
    let mut said: String = samples.iter().map(|sample| words(&sample.told)).collect();
    said += &super::rendered::all_texts(&bot, &row);
    let unseen: Vec<_> = sources
        .sentences
        .iter()
        .filter(|(_, sentence)| !said.contains(sentence.as_str()))
        .collect();
    assert_eq!(
        unseen,
        Vec::<&(String, String)>::new(),
        "sentences that no sample has"
    );
    assert!(sources.functions.len() > 60 && sources.sentences.len() > 150);
}

/// Everything that a sample says.
fn words(told: &Told) -> String {
    match told {
        Told::Message(message) => {
            let labels = super::labels(message);
            let parts = std::iter::once(message.title.clone())
                .chain(message.paragraphs())
                .chain(labels);
            parts.flat_map(|part| [part, "\n".to_owned()]).collect()
        }
        Told::Form(form) => [&form.title, &form.label, &form.hint, &form.submit]
            .map(|part| format!("{part}\n"))
            .concat(),
        Told::FormError(line) => format!("{line}\n"),
    }
}
