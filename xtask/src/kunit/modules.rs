// SPDX-License-Identifier: GPL-2.0

//! The overlay's Rust, module by module, as far as a kernel's configuration has it.

use super::cfg;
use super::examples::{self, Counter};
use crate::kconfig::Options;
use anyhow::{bail, ensure, Context, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, Ident, ImplItem, Item, ItemFn, ItemMod, Lit, TraitItem};

/// Where there is Rust for the kernel.
const FOLDERS: [&str; 3] = ["fs", "mm", "rust"];

/// The `kernel` crate: its examples are tests.
const KERNEL_CRATE: &str = "rust/kernel";

/// Tests, as "suite: test".
#[derive(Default)]
pub struct Found {
    pub tests: BTreeSet<String>,
    pub examples: BTreeSet<String>,
}

/// Find the tests below a root.
pub fn find(root: &Path, config: &Options) -> Result<Found> {
    let sources = parse_all(root)?;
    let mut found = Found::default();
    for file in roots(&sources)? {
        visit(root, &file, &sources, config, &mut found)?;
    }
    Ok(found)
}

type Sources = BTreeMap<PathBuf, syn::File>;

fn parse_all(root: &Path) -> Result<Sources> {
    let mut sources = Sources::new();
    let mut todo: Vec<PathBuf> = FOLDERS.iter().map(|folder| root.join(folder)).collect();
    while let Some(folder) = todo.pop() {
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()) {
            if path.is_dir() {
                todo.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path)?;
                let file = syn::parse_file(&text)
                    .with_context(|| format!("parsing {}", path.display()))?;
                sources.insert(path, file);
            }
        }
    }
    Ok(sources)
}

/// The files that are no module of another one: what the kernel's tree names.
fn roots(sources: &Sources) -> Result<Vec<PathBuf>> {
    let mut roots: BTreeSet<PathBuf> = sources.keys().cloned().collect();
    for (path, file) in sources {
        for item in &file.items {
            if let Item::Mod(module) = item {
                if module.content.is_none() {
                    roots.remove(&file_of(module, path, sources)?);
                }
            }
        }
    }
    Ok(roots.into_iter().collect())
}

/// Where the content of `mod x;` is.
fn file_of(module: &ItemMod, from: &Path, sources: &Sources) -> Result<PathBuf> {
    let folder = from.parent().unwrap_or(from);
    let name = module.ident.to_string();
    let candidates = match path_of(&module.attrs) {
        Some(path) => vec![normal(&folder.join(path))],
        None => {
            // Beside the file, if that is the first of its crate or folder; else below it.
            let below = from.with_extension("");
            [below.as_path(), folder]
                .iter()
                .flat_map(|at| [at.join(format!("{name}.rs")), at.join(&name).join("mod.rs")])
                .collect()
        }
    };
    candidates
        .into_iter()
        .find(|path| sources.contains_key(path))
        .with_context(|| format!("{}: there is no file for mod {name}", from.display()))
}

/// A path without "..", as none of these folders is a link.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => drop(normal.pop()),
            part => normal.push(part),
        }
    }
    normal
}

/// The text of `#[path = "…"]`.
fn path_of(attributes: &[Attribute]) -> Option<String> {
    let attribute = attributes.iter().find(|a| a.path().is_ident("path"))?;
    text_of(attribute)
}

/// The text of `#[name = "…"]`.
fn text_of(attribute: &Attribute) -> Option<String> {
    match &attribute.meta.require_name_value().ok()?.value {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

fn visit(
    root: &Path,
    file: &Path,
    sources: &Sources,
    config: &Options,
    found: &mut Found,
) -> Result<()> {
    let Some(ast) = sources.get(file) else {
        bail!("{} was not read", file.display())
    };
    let mut finder = Finder {
        config,
        tests: BTreeSet::new(),
        examples: Counter::default(),
        files: Vec::new(),
        in_file: true,
        error: None,
    };
    finder.visit_file(ast);
    let name = file.strip_prefix(root).unwrap_or(file);
    if let Some(err) = finder.error {
        bail!("{}: {err:#}", name.display());
    }
    found.tests.extend(finder.tests);
    if let Ok(name) = name.strip_prefix(KERNEL_CRATE) {
        let numbers = 0..finder.examples.count();
        let name = name.to_string_lossy();
        let names = numbers.map(|number| examples::test_name(&name, number));
        found.examples.extend(names);
    }
    for module in finder.files {
        let next = file_of(module, file, sources)?;
        visit(root, &next, sources, config, found)?;
    }
    Ok(())
}

/// Goes through one file.
struct Finder<'a> {
    config: &'a Options,
    tests: BTreeSet<String>,
    examples: Counter,
    /// Modules whose content is elsewhere
    files: Vec<&'a ItemMod>,
    /// Not in a module within the file
    in_file: bool,
    error: Option<anyhow::Error>,
}

/// The attributes of an item, whatever it is.
macro_rules! attributes {
    ($item:expr, $type:ident: $($kind:ident)*) => {
        match $item {
            $($type::$kind(item) => item.attrs.as_slice(),)*
            _ => &[],
        }
    };
}

impl Finder<'_> {
    /// Whether what has these attributes is in this kernel.
    fn is_in(&mut self, attributes: &[Attribute]) -> bool {
        let holds = cfg::holds(attributes, self.config);
        self.take(holds).unwrap_or(false)
    }

    fn take<T>(&mut self, result: Result<T>) -> Option<T> {
        result
            .map_err(|err| self.error.get_or_insert(err).to_string())
            .ok()
    }

    /// The tests of a suite.
    fn suite(&mut self, attribute: &Attribute, module: &ItemMod) -> Result<()> {
        let suite: Ident = attribute.parse_args()?;
        let items = module.content.as_ref().map(|(_, items)| items.as_slice());
        let functions = items
            .unwrap_or_default()
            .iter()
            .filter_map(|item| match item {
                Item::Fn(function) if is_test(function) => Some(function),
                _ => None,
            });
        let mut is_empty = true;
        for function in functions {
            is_empty = false;
            if cfg::holds(&function.attrs, self.config)? {
                self.tests
                    .insert(format!("{suite}: {}", function.sig.ident));
            }
        }
        ensure!(!is_empty, "suite {suite} has no test");
        Ok(())
    }
}

fn is_test(function: &ItemFn) -> bool {
    function.attrs.iter().any(|a| a.path().is_ident("test"))
}

impl<'a> Visit<'a> for Finder<'a> {
    fn visit_item(&mut self, item: &'a Item) {
        let attributes = attributes!(item, Item: Const Enum ExternCrate Fn ForeignMod Impl Macro
            Mod Static Struct Trait TraitAlias Type Union Use);
        if self.is_in(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'a ImplItem) {
        let attributes = attributes!(item, ImplItem: Const Fn Type Macro);
        if self.is_in(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_trait_item(&mut self, item: &'a TraitItem) {
        let attributes = attributes!(item, TraitItem: Const Fn Type Macro);
        if self.is_in(attributes) {
            visit::visit_trait_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &'a ItemMod) {
        let is_suite = |attribute: &&Attribute| {
            let last = attribute.path().segments.last();
            last.is_some_and(|segment| segment.ident == "kunit_tests")
        };
        if let Some(attribute) = module.attrs.iter().find(is_suite) {
            let done = self.suite(attribute, module);
            self.take(done);
        } else if module.content.is_some() {
            let before = std::mem::replace(&mut self.in_file, false);
            visit::visit_item_mod(self, module);
            self.in_file = before;
        } else if self.in_file {
            self.files.push(module);
        } else {
            let name = &module.ident;
            self.take::<()>(Err(anyhow::anyhow!(
                "mod {name} is in a module of its file"
            )));
        }
    }

    fn visit_item_fn(&mut self, function: &'a ItemFn) {
        if is_test(function) {
            let name = &function.sig.ident;
            self.take::<()>(Err(anyhow::anyhow!("{name}() is a test of no suite")));
        }
        visit::visit_item_fn(self, function);
    }

    fn visit_attribute(&mut self, attribute: &'a Attribute) {
        if attribute.path().is_ident("doc") {
            if let Some(line) = text_of(attribute) {
                self.examples.line(&line);
            }
        }
    }

    /// What is in a function has no tests.
    fn visit_block(&mut self, _: &'a syn::Block) {}
}
