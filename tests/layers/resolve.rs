//! Follows paths through imports, renames, globs and re-exports to the modules and external crates that they reach.

use std::collections::{BTreeMap, BTreeSet};

use crate::parse::{self, GLOBAL, Module, Path, child};

/// The name of the library, by which the program and `extern crate self` know it.
const OWN_NAME: &str = "relatch";

/// Imports that lead in a circle end here.
const MOST_STEPS: usize = 32;

/// The crate as it was read.
pub(crate) struct Program {
    pub(crate) modules: BTreeMap<Path, Module>,
    external: BTreeSet<String>,
}

/// What a path leads through and to.
#[derive(Default)]
pub(crate) struct Reached {
    pub(crate) modules: BTreeSet<Path>,
    pub(crate) external: Option<String>,
}

impl Program {
    /// Reads sources, each with its path below `src`. `external` are the crates of `Cargo.toml`.
    pub(crate) fn read<'a>(
        sources: impl IntoIterator<Item = (&'a str, &'a str)>,
        external: &BTreeSet<String>,
    ) -> Self {
        let mut modules = BTreeMap::new();
        for (file, source) in sources {
            parse::read(&mut modules, file, source)
                .unwrap_or_else(|error| panic!("{file} is no Rust: {error}"));
        }
        parse::mark_tests(&mut modules);
        Self {
            modules,
            external: external.clone(),
        }
    }

    /// Every module that a path passes on its way, written in the module `from`.
    pub(crate) fn reach(&self, from: &Path, path: &[String]) -> Reached {
        let mut reached = Reached::default();
        self.follow(from, path, None, &mut reached, MOST_STEPS);
        reached
    }

    /// `import` is the name of the import whose path this is: `use hex;` does not lead to itself.
    fn follow(
        &self,
        from: &Path,
        path: &[String],
        import: Option<&str>,
        reached: &mut Reached,
        steps: usize,
    ) {
        let (Some((first, rest)), Some(steps)) = (path.split_first(), steps.checked_sub(1)) else {
            return;
        };
        match first.as_str() {
            GLOBAL => match rest.split_first() {
                Some((name, rest)) if name == OWN_NAME => {
                    self.step(&Path::new(), rest, reached, steps);
                }
                Some((name, _)) => self.leave(name, reached),
                None => {}
            },
            "crate" => self.step(&Path::new(), rest, reached, steps),
            "self" => self.step(from, rest, reached, steps),
            "super" => {
                let parent = from[..from.len().saturating_sub(1)].to_vec();
                if rest.first().is_some_and(|next| next == "super") {
                    self.follow(&parent, rest, None, reached, steps);
                } else {
                    self.step(&parent, rest, reached, steps);
                }
            }
            name if self.finds(from, name, import, reached, rest, steps) => {}
            OWN_NAME => self.step(&Path::new(), rest, reached, steps),
            name => self.leave(name, reached),
        }
    }

    /// From a module on by the rest of a path.
    fn step(&self, at: &Path, rest: &[String], reached: &mut Reached, steps: usize) {
        reached.modules.insert(at.clone());
        if let (Some((name, rest)), Some(steps)) = (rest.split_first(), steps.checked_sub(1))
            && !self.finds(at, name, None, reached, rest, steps)
            && at.is_empty()
        {
            // A module at the root that was not read is still a module.
            reached.modules.insert(vec![name.clone()]);
        }
    }

    /// Follows a name that stands in a module: a child, an import, or something from a glob.
    fn finds(
        &self,
        at: &Path,
        name: &str,
        import: Option<&str>,
        reached: &mut Reached,
        rest: &[String],
        steps: usize,
    ) -> bool {
        let Some(steps) = steps.checked_sub(1) else {
            return false;
        };
        let below = child(at, name);
        if self.modules.contains_key(&below) {
            self.step(&below, rest, reached, steps);
            return true;
        }
        let Some(module) = self.modules.get(at) else {
            return false;
        };
        if let Some(path) = module.imports.get(name)
            && import != Some(name)
        {
            let whole = [path.as_slice(), rest].concat();
            self.follow(at, &whole, Some(name), reached, steps);
            return true;
        }
        if module.items.contains(name) {
            reached.modules.insert(at.clone());
            return true;
        }
        module.globs.iter().any(|glob| {
            let mut there = Reached::default();
            self.follow(at, glob, None, &mut there, steps);
            let Some(target) = there.modules.iter().max_by_key(|path| path.len()) else {
                return false;
            };
            target != at && self.finds(target, name, None, reached, rest, steps)
        })
    }

    fn leave(&self, name: &str, reached: &mut Reached) {
        if self.external.contains(name) {
            reached.external = Some(name.to_owned());
        }
    }
}
