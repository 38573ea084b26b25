//! The layers of the crate: which modules and which external crates a file may use, and that imports form no cycle.
//!
//! Sources are parsed, so renamed imports, raw identifiers, re-exports and macros are understood, and comments and
//! strings are not taken for code. `layers/planted.rs` shows that each kind of violation is found.

#[path = "layers/cycles.rs"]
mod cycles;
#[path = "layers/parse.rs"]
mod parse;
#[path = "layers/planted.rs"]
mod planted;
#[path = "layers/resolve.rs"]
mod resolve;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use resolve::Program;

/// Every module at the root of the crate, by layer. A file may use its own layer and those below.
const LAYERS: [&[&str]; 8] = [
    &["domain"],
    &[
        "chance",
        "clock",
        "fault",
        "form",
        "lark_api",
        "net",
        "recent",
        "secret",
        "settings",
        "telemetry",
    ],
    &["chat", "delivery", "directory", "store"],
    &["app"],
    &["flow"],
    &["http", "portal"],
    &["demo", "server"],
    &["cli", "config", "lib", "main", "surface"],
];

/// External crates with I/O, a server, a format or an algorithm of their own, and the modules that may use them.
const CRATES: &[(&str, &[&str])] = &[
    ("aes", &["chat", "demo"]),
    ("argon2", &["directory"]),
    ("askama", &["portal"]),
    ("axum", &["chat", "demo", "http", "portal", "server"]),
    ("cbc", &["chat", "demo"]),
    ("clap", &["cli", "demo"]),
    ("csv", &["cli"]),
    ("hmac", &["chat", "secret"]),
    ("http_body_util", &["http", "portal"]),
    ("hyper", &["demo", "http"]),
    ("hyper_util", &["demo", "http"]),
    ("icu_normalizer", &["directory"]),
    ("jiff", &["clock", "directory"]),
    ("ldap3", &["directory"]),
    ("lettre", &["delivery"]),
    (
        "reqwest",
        &[
            "chat",
            "cli",
            "delivery",
            "demo",
            "directory",
            "lark_api",
            "net",
        ],
    ),
    ("ring", &["chat", "demo", "secret"]),
    ("rustix", &["cli", "directory", "http"]),
    ("rustls", &["delivery", "directory", "net"]),
    ("rustls_native_certs", &["net"]),
    ("sqlx", &["store"]),
    ("tokio_util", &["app", "demo", "flow", "http", "portal"]),
    ("toml", &["config", "settings"]),
    ("tracing_subscriber", &["telemetry"]),
    ("zxcvbn", &["portal"]),
];

/// All that `domain` may use: no runtime, no network, no database.
const CRATES_OF_DOMAIN: &[&str] = &[
    "hex",
    "icu_normalizer",
    "icu_properties",
    "idna",
    "phonenumber",
    "rand",
    "serde",
    "thiserror",
    "zeroize",
];

/// What every layer above `domain` may use.
const CRATES_ABOVE_DOMAIN: &[&str] = &[
    "base64",
    "futures_util",
    "hex",
    "percent_encoding",
    "rand",
    "secrecy",
    "serde",
    "serde_json",
    "sha2",
    "subtle",
    "thiserror",
    "tokio",
    "tracing",
    "url",
    "zeroize",
];

fn layer_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|modules| modules.contains(&module))
}

fn may_use(module: &str, external: &str) -> bool {
    if module == "domain" {
        return CRATES_OF_DOMAIN.contains(&external);
    }
    CRATES_ABOVE_DOMAIN.contains(&external)
        || CRATES
            .iter()
            .any(|(name, modules)| *name == external && modules.contains(&module))
}

/// What is wrong with the layers of a program.
fn violations(program: &Program) -> BTreeSet<String> {
    let mut wrong = BTreeSet::new();
    for (at, module) in &program.modules {
        let file = &module.file;
        let own = at.first().map_or("lib", String::as_str);
        let Some(layer) = layer_of(own) else {
            wrong.insert(format!("{file} belongs to no layer"));
            continue;
        };
        for path in module.named.iter().chain(&module.named_in_tests) {
            for reached in program.reach(at, path).modules {
                let used = reached.first().map_or("lib", String::as_str);
                let is_above = layer_of(used).is_some_and(|other| other > layer);
                // The root itself is on the way to every module.
                if is_above && used != "lib" {
                    wrong.insert(format!(
                        "{file} is in layer {layer} and uses {used} above it"
                    ));
                }
            }
        }
        // Tests may use what they like.
        for path in module.named.iter().filter(|_| !module.is_test) {
            if let Some(external) = program.reach(at, path).external
                && !may_use(own, &external)
            {
                wrong.insert(format!(
                    "{file} uses the crate {external}, which {own} may not"
                ));
            }
        }
    }
    wrong
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The crates that `Cargo.toml` names, as sources write them.
fn external_crates() -> BTreeSet<String> {
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    ["dependencies", "dev-dependencies"]
        .iter()
        .flat_map(|section| manifest[*section].as_table().unwrap().keys())
        .map(|name| name.replace('-', "_"))
        .collect()
}

/// Path below `src` and text of every source.
fn own_sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = sources(&root);
    assert!(files.len() > 50, "only {} files were found", files.len());
    files
        .iter()
        .map(|path| {
            let below = path.strip_prefix(&root).unwrap().to_str().unwrap();
            (below.to_owned(), std::fs::read_to_string(path).unwrap())
        })
        .collect()
}

fn own_program(sources: &[(String, String)]) -> Program {
    let sources = sources
        .iter()
        .map(|(file, source)| (file.as_str(), source.as_str()));
    Program::read(sources, &external_crates())
}

#[test]
fn every_file_uses_its_own_layer_and_those_below_and_the_crates_of_its_module() {
    let wrong: Vec<String> = violations(&own_program(&own_sources()))
        .into_iter()
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_opens_with_a_sentence_about_itself() {
    let wrong: Vec<String> = own_sources()
        .into_iter()
        .filter(|(_, source)| !source.starts_with("//! "))
        .map(|(file, _)| file)
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn imports_form_no_cycle() {
    let found = cycles::find(&own_program(&own_sources()));
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn crate_documentation_names_the_same_layers() {
    let documentation = read("src/lib.rs");
    let section = documentation
        .split("//! # ")
        .find(|section| section.starts_with("Layers"))
        .expect("a section on layers");
    let documented: Vec<(usize, Vec<String>)> = section
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("//! | ")?.split(" | ");
            let layer = cells.next()?.parse().ok()?;
            let modules = cells.next()?.split(", ");
            let name = |module: &str| module.trim_matches(['[', '`', ']']).to_owned();
            Some((layer, modules.map(name).collect()))
        })
        .collect();
    let checked: Vec<(usize, Vec<String>)> = LAYERS
        .iter()
        .enumerate()
        .rev()
        .map(|(layer, modules)| {
            let modules = modules
                .iter()
                .filter(|name| !["lib", "main"].contains(name));
            (layer, modules.map(|name| (*name).to_owned()).collect())
        })
        .collect();
    let sorted = |mut layers: Vec<(usize, Vec<String>)>| {
        for (_, modules) in &mut layers {
            modules.sort();
        }
        layers
    };
    assert_eq!(sorted(documented), sorted(checked));
}
