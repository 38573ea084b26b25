//! The trace of a confirmed click: each step once, in the order that `src/lib.rs` documents, below one request span.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::Path;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use crate::support::{Left, TestBot};

const JO: &str = "jo@acme.example";
const MINA: &str = "mina.park@acme.example";

type Fields = BTreeMap<&'static str, String>;

/// A span of ours, in the order in which spans were opened.
#[derive(Clone, Debug)]
struct Opened {
    id: Id,
    name: &'static str,
    file: &'static str,
    /// The names of the spans around it.
    around: Vec<&'static str>,
    fields: Fields,
}

/// A layer that records spans.
#[derive(Clone, Default)]
struct Trace(Arc<Mutex<Vec<Opened>>>);

struct Values<'a>(&'a mut Fields);

impl Visit for Values<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let text = format!("{value:?}");
        self.0
            .insert(field.name(), text.trim_matches('"').to_owned());
    }
}

impl<S: tracing::Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Trace {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let metadata = attributes.metadata();
        if !metadata.target().starts_with("relatch") {
            return;
        }
        let mut fields = Fields::new();
        attributes.record(&mut Values(&mut fields));
        let around = context
            .span_scope(id)
            .into_iter()
            .flatten()
            .skip(1)
            .map(|span| span.name());
        self.0.lock().unwrap().push(Opened {
            id: id.clone(),
            name: metadata.name(),
            file: metadata.file().unwrap(),
            around: around.collect(),
            fields,
        });
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let mut all = self.0.lock().unwrap();
        let opened = all.iter_mut().rfind(|opened| opened.id == *id).unwrap();
        values.record(&mut Values(&mut opened.fields));
    }
}

impl Trace {
    fn take(&self) -> Vec<Opened> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// Span, file and function of each step, from the table in `src/lib.rs`.
fn documented() -> Vec<(String, String, String)> {
    let word = |cell: &str| cell.split('`').nth(1).unwrap_or_default().to_owned();
    let (_, table) = include_str!("../../src/lib.rs")
        .split_once("//! # A confirmed click\n")
        .unwrap();
    let steps: Vec<_> = table
        .lines()
        .skip_while(|line| !line.starts_with("//! | 1 |"))
        .take_while(|line| line.starts_with("//! |"))
        .map(|line| {
            let cells: Vec<&str> = line.split('|').collect();
            (word(cells[2]), word(cells[3]), word(cells[4]))
        })
        .collect();
    assert_eq!(steps.len(), 7);
    steps
}

/// The trace of the confirming click of a reset by this way, and the id of the reset.
async fn confirmed(action: &str) -> (Vec<Opened>, String) {
    let trace = Trace::default();
    // As long as there is one dispatcher, tracing asks that of whichever thread meets a span first. Other tests have none
    // on theirs, and the span would be off here too (`Dispatchers::rebuilder` of tracing-core).
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let _guard =
        tracing::subscriber::set_default(tracing_subscriber::registry().with(trace.clone()));
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the password that was sent");
    let look = bot.last_look(JO, MINA, action).await;
    trace.take();
    bot.click(JO, &look, "confirm").await;
    let filter = relatch::surface::store::HistoryFilter::default();
    let past = bot.app.store.history(&filter).await.unwrap();
    (trace.take(), past[0].reset.reset_id.to_string())
}

#[tokio::test]
async fn a_confirmed_click_passes_each_step_once_as_documented() {
    let steps = documented();
    for action in ["deliver_phone", "deliver_email", "deliver_copy"] {
        let (trace, _) = confirmed(action).await;
        let passed: Vec<(&str, &str)> = trace
            .iter()
            .filter(|opened| steps.iter().any(|(span, ..)| span == opened.name))
            .map(|opened| (opened.name, opened.file))
            .collect();
        let wanted: Vec<(&str, &str)> = steps
            .iter()
            .map(|(span, file, _)| (span.as_str(), file.as_str()))
            .collect();
        assert_eq!(passed, wanted, "{action}");
    }
    for (_, file, function) in steps {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&file);
        let source = std::fs::read_to_string(path).unwrap();
        let head = format!("fn {function}(");
        assert!(source.contains(&head), "{file} has no {head}");
    }
}

#[tokio::test]
async fn a_request_has_one_span_with_ids_and_no_address() {
    let (trace, reset_id) = confirmed("deliver_phone").await;
    let requests: Vec<&Opened> = trace
        .iter()
        .filter(|opened| opened.name == "request")
        .collect();
    let [request] = requests[..] else {
        panic!("{requests:?}")
    };
    let wanted = [
        ("admin.id", "id-jo"),
        ("kind", "click"),
        ("platform", "slack"),
        ("reset.id", reset_id.as_str()),
    ];
    let fields: Vec<(&str, &str)> = request
        .fields
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    assert_eq!(fields, wanted);
    for inner in ["permit", "reservation", "act", "permit_again", "ending"] {
        let opened = trace.iter().find(|opened| opened.name == inner).unwrap();
        assert!(opened.around.contains(&"request"), "{opened:?}");
    }
}
