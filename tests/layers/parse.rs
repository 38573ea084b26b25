//! Reads what a Rust source defines, imports and names, without resolving any of it.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::visit::{self, Visit};

/// A path as written, raw identifiers unmarked. A leading `::` is a segment of its own.
pub(crate) type Path = Vec<String>;

/// Marks a path that begins with `::`.
pub(crate) const GLOBAL: &str = "::";

/// A module of the crate: a file or an inline `mod`.
#[derive(Default)]
pub(crate) struct Module {
    /// The file it is in, below `src`.
    pub(crate) file: String,
    pub(crate) is_test: bool,
    /// What it defines itself.
    pub(crate) items: BTreeSet<String>,
    /// What its imports are called here. Imports inside functions count as the module's.
    pub(crate) imports: BTreeMap<String, Path>,
    pub(crate) globs: Vec<Path>,
    /// Every path it names outside tests, imports included.
    pub(crate) named: Vec<Path>,
    /// The same in tests.
    pub(crate) named_in_tests: Vec<Path>,
    /// Files below it that are compiled for tests only.
    test_files: BTreeSet<String>,
}

/// Adds the modules of one file.
pub(crate) fn read(
    modules: &mut BTreeMap<Path, Module>,
    file: &str,
    source: &str,
) -> syn::Result<()> {
    let parsed = syn::parse_file(source)?;
    let at = module_of(file);
    let mut reader = Reader {
        modules,
        file,
        at: at.clone(),
        tests: 0,
    };
    reader.open(at);
    reader.visit_file(&parsed);
    Ok(())
}

/// Marks files that a parent declares with `#[cfg(test)]`.
pub(crate) fn mark_tests(modules: &mut BTreeMap<Path, Module>) {
    let tests: Vec<Path> = modules
        .iter()
        .flat_map(|(at, module)| module.test_files.iter().map(|name| child(at, name)))
        .collect();
    for (at, module) in modules.iter_mut() {
        module.is_test |= tests.iter().any(|test| at.starts_with(test));
    }
}

/// The module that a file is: `store/mod.rs` and `store.rs` are both `store`, `lib.rs` is the root.
pub(crate) fn module_of(file: &str) -> Path {
    let mut parts: Path = file
        .trim_end_matches(".rs")
        .split('/')
        .map(str::to_owned)
        .collect();
    if parts
        .last()
        .is_some_and(|last| last == "mod" || last == "lib")
    {
        parts.pop();
    }
    parts
}

pub(crate) fn child(at: &[String], name: &str) -> Path {
    [at, &[name.to_owned()]].concat()
}

struct Reader<'a> {
    modules: &'a mut BTreeMap<Path, Module>,
    file: &'a str,
    at: Path,
    /// How many `#[cfg(test)]` are around.
    tests: usize,
}

impl Reader<'_> {
    fn open(&mut self, at: Path) {
        let module = self.modules.entry(at.clone()).or_default();
        self.file.clone_into(&mut module.file);
        module.is_test |= self.tests > 0;
        self.at = at;
    }

    fn module(&mut self) -> &mut Module {
        self.modules.entry(self.at.clone()).or_default()
    }

    fn name(&mut self, path: Path) {
        let is_test = self.tests > 0;
        let module = self.module();
        if is_test {
            module.named_in_tests.push(path);
        } else {
            module.named.push(path);
        }
    }

    fn import(&mut self, tree: &syn::UseTree, before: &Path) {
        match tree {
            syn::UseTree::Path(path) => {
                self.import(&path.tree, &child(before, &unraw(&path.ident)));
            }
            syn::UseTree::Name(name) => self.import_as(before, &unraw(&name.ident), None),
            syn::UseTree::Rename(rename) => {
                self.import_as(before, &unraw(&rename.ident), Some(unraw(&rename.rename)));
            }
            syn::UseTree::Glob(_) => {
                self.module().globs.push(before.clone());
                self.name(before.clone());
            }
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(tree, before);
                }
            }
        }
    }

    /// `use a::b::{self as c}` is `use a::b as c`.
    fn import_as(&mut self, before: &Path, name: &str, rename: Option<String>) {
        let path = match name {
            "self" if !before.is_empty() => before.clone(),
            name => child(before, name),
        };
        let known_as = rename.or_else(|| path.last().cloned()).unwrap_or_default();
        self.module().imports.insert(known_as, path.clone());
        self.name(path);
    }

    /// Paths among the tokens of a macro or an attribute, which have no grammar of their own.
    fn tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            let (path, next, group) = path_at(&tokens, at);
            match group {
                Some(group) => {
                    let mut written: TokenStream = tokens[at..next].iter().cloned().collect();
                    written.extend([group.clone()]);
                    match syn::parse2::<syn::UseTree>(written) {
                        Ok(tree) => self.import(&tree, &Path::new()),
                        Err(_) => self.group(&group),
                    }
                    at = next + 1;
                }
                None if path.len() > 1 => {
                    self.name(path);
                    at = next;
                }
                None => {
                    self.group(&tokens[at]);
                    at += 1;
                }
            }
        }
    }

    fn group(&mut self, token: &TokenTree) {
        if let TokenTree::Group(group) = token {
            self.tokens(group.stream());
        }
    }
}

/// The path that begins at a token, where it ends, and the `{…}` behind it if it is the path of a group of imports.
fn path_at(tokens: &[TokenTree], start: usize) -> (Path, usize, Option<TokenTree>) {
    let is = |at: usize, mark: char| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == mark);
    let is_colons = |at: usize| is(at, ':') && is(at + 1, ':');
    let mut path = Path::new();
    let mut at = start;
    if is_colons(at) {
        let is_middle =
            at > 0 && (matches!(tokens[at - 1], TokenTree::Ident(_)) || is(at - 1, '>'));
        if is_middle {
            return (path, at + 2, None);
        }
        path.push(GLOBAL.to_owned());
        at += 2;
    }
    while let Some(TokenTree::Ident(ident)) = tokens.get(at) {
        path.push(ident.unraw().to_string());
        at += 1;
        if !is_colons(at) {
            break;
        }
        if let Some(group @ TokenTree::Group(inner)) = tokens.get(at + 2)
            && inner.delimiter() == Delimiter::Brace
        {
            return (path, at + 2, Some(group.clone()));
        }
        if !matches!(tokens.get(at + 2), Some(TokenTree::Ident(_))) {
            break;
        }
        at += 2;
    }
    (path, at, None)
}

fn unraw(ident: &syn::Ident) -> String {
    ident.unraw().to_string()
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Ident>()
                .is_ok_and(|ident| ident == "test")
    })
}

/// The attributes and the name of an item, as far as it has them.
fn parts(item: &syn::Item) -> (&[syn::Attribute], Option<&syn::Ident>) {
    match item {
        syn::Item::Const(item) => (&item.attrs, Some(&item.ident)),
        syn::Item::Enum(item) => (&item.attrs, Some(&item.ident)),
        syn::Item::Fn(item) => (&item.attrs, Some(&item.sig.ident)),
        syn::Item::Impl(item) => (&item.attrs, None),
        syn::Item::Macro(item) => (&item.attrs, item.ident.as_ref()),
        syn::Item::Mod(item) => (&item.attrs, None),
        syn::Item::Static(item) => (&item.attrs, Some(&item.ident)),
        syn::Item::Struct(item) => (&item.attrs, Some(&item.ident)),
        syn::Item::Trait(item) => (&item.attrs, Some(&item.ident)),
        syn::Item::Type(item) => (&item.attrs, Some(&item.ident)),
        syn::Item::Union(item) => (&item.attrs, Some(&item.ident)),
        syn::Item::Use(item) => (&item.attrs, None),
        syn::Item::ExternCrate(_)
        | syn::Item::ForeignMod(_)
        | syn::Item::TraitAlias(_)
        | syn::Item::Verbatim(_)
        | _ => (&[], None),
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let (attributes, ident) = parts(item);
        if let Some(ident) = ident {
            self.module().items.insert(unraw(ident));
        }
        let is_test = is_test(attributes);
        self.tests += usize::from(is_test);
        visit::visit_item(self, item);
        self.tests -= usize::from(is_test);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        let is_test = is_test(&item.attrs);
        self.tests += usize::from(is_test);
        visit::visit_impl_item_fn(self, item);
        self.tests -= usize::from(is_test);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.visit_visibility(&item.vis);
        let name = unraw(&item.ident);
        let Some((_, items)) = &item.content else {
            if self.tests > 0 {
                self.module().test_files.insert(name);
            }
            return;
        };
        let outer = self.at.clone();
        self.open(child(&outer, &name));
        for item in items {
            self.visit_item(item);
        }
        self.at = outer;
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let before = item.leading_colon.as_ref().map(|_| GLOBAL.to_owned());
        self.import(&item.tree, &before.into_iter().collect());
    }

    fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
        let path = match unraw(&item.ident).as_str() {
            "self" => vec!["crate".to_owned()],
            name => vec![GLOBAL.to_owned(), name.to_owned()],
        };
        let known_as = item
            .rename
            .as_ref()
            .map_or_else(|| unraw(&item.ident), |(_, rename)| unraw(rename));
        self.module().imports.insert(known_as, path.clone());
        self.name(path);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let global = path.leading_colon.as_ref().map(|_| GLOBAL.to_owned());
        let segments = path.segments.iter().map(|segment| unraw(&segment.ident));
        let written: Path = global.into_iter().chain(segments).collect();
        if written.len() > 1 {
            self.name(written);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.visit_path(&called.path);
        self.tokens(called.tokens.clone());
    }

    fn visit_meta_list(&mut self, list: &'ast syn::MetaList) {
        self.visit_path(&list.path);
        self.tokens(list.tokens.clone());
    }
}
