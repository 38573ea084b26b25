//! Finds cycles among the imports of siblings: the files and folders that one module consists of.
//!
//! A module and what is inside it may use each other. Of siblings, each stands for everything inside it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::parse::Path;
use crate::resolve::Program;

/// Siblings that reach each other.
pub(crate) struct Cycle {
    /// The module around them and their names.
    pub(crate) summary: String,
    /// Who uses whom, each with one file where it does.
    uses: Vec<String>,
}

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.summary)?;
        self.uses
            .iter()
            .try_for_each(|line| write!(f, "\n    {line}"))
    }
}

/// Which siblings a sibling uses, and a file where it does.
type Uses = BTreeMap<String, BTreeMap<String, String>>;

pub(crate) fn find(program: &Program) -> Vec<Cycle> {
    uses_by_parent(program)
        .iter()
        .flat_map(|(parent, uses)| cycles(parent, uses))
        .collect()
}

fn uses_by_parent(program: &Program) -> BTreeMap<Path, Uses> {
    let mut by_parent: BTreeMap<Path, Uses> = BTreeMap::new();
    for (at, module) in program.modules.iter().filter(|(_, module)| !module.is_test) {
        let targets = module
            .named
            .iter()
            .flat_map(|path| program.reach(at, path).modules);
        for target in targets {
            let shared = at.iter().zip(&target).take_while(|(a, b)| a == b).count();
            if let (Some(here), Some(there)) = (at.get(shared), target.get(shared)) {
                by_parent
                    .entry(at[..shared].to_vec())
                    .or_default()
                    .entry(here.clone())
                    .or_default()
                    .entry(there.clone())
                    .or_insert_with(|| module.file.clone());
            }
        }
    }
    by_parent
}

fn cycles(parent: &Path, uses: &Uses) -> Vec<Cycle> {
    let reachable: BTreeMap<&str, BTreeSet<&str>> = uses
        .keys()
        .map(|name| (name.as_str(), all_reached(uses, name)))
        .collect();
    let reach_each_other = |a: &str, b: &str| {
        reachable.get(a).is_some_and(|reached| reached.contains(b))
            && reachable.get(b).is_some_and(|reached| reached.contains(a))
    };
    let groups: BTreeSet<Vec<&str>> = reachable
        .keys()
        .map(|name| {
            let others = reachable.keys().copied();
            others
                .filter(|other| reach_each_other(name, other))
                .collect()
        })
        .filter(|group: &Vec<&str>| !group.is_empty())
        .collect();
    groups
        .into_iter()
        .map(|group| cycle(parent, &group, uses))
        .collect()
}

fn all_reached<'a>(uses: &'a Uses, from: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&str> = uses
        .get(from)
        .into_iter()
        .flat_map(|used| used.keys())
        .map(String::as_str)
        .collect();
    while let Some(name) = next.pop() {
        if reached.insert(name) {
            next.extend(
                uses.get(name)
                    .into_iter()
                    .flat_map(|used| used.keys())
                    .map(String::as_str),
            );
        }
    }
    reached
}

fn cycle(parent: &Path, group: &[&str], uses: &Uses) -> Cycle {
    let parent = if parent.is_empty() {
        "crate".to_owned()
    } else {
        parent.join("::")
    };
    let lines = group.iter().flat_map(|here| {
        uses[*here]
            .iter()
            .filter(|(there, _)| group.contains(&there.as_str()))
            .map(move |(there, file)| format!("{here} uses {there} in {file}"))
    });
    Cycle {
        summary: format!("{parent}: {}", group.join(", ")),
        uses: lines.collect(),
    }
}
