//! Names: which symbol a name means where it stands.

use std::collections::HashSet;

use crate::pool::{Pool, Symbol, SymbolKind};

/// What one file sees: its own symbols, its imports' and those that they import publicly.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    visible: HashSet<u32>,
    /// With what only options may name.
    visible_to_options: HashSet<u32>,
}

/// Why a name means nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unresolved {
    Undefined,
    /// The innermost scope decided what the first part means, and there is no such thing in it.
    Shadowed(String),
    /// Defined in a file that is not imported.
    NotImported(String),
}

impl Scope {
    pub(super) fn new(pool: &Pool, file: u32, imports: &[String], options: &[String]) -> Self {
        let mut visible = HashSet::from([file]);
        imports.iter().for_each(|path| add_public(pool, path, &mut visible));
        let mut visible_to_options = visible.clone();
        options.iter().for_each(|path| add_public(pool, path, &mut visible_to_options));
        Self { visible, visible_to_options }
    }

    /// How many files it sees.
    pub(super) fn files(&self) -> usize {
        self.visible_to_options.len()
    }

    /// The scope in which options are looked up.
    pub(super) fn for_options(&self) -> Self {
        let visible = self.visible_to_options.clone();
        Self { visible: visible.clone(), visible_to_options: visible }
    }

    pub(super) fn find(&self, pool: &Pool, name: &str) -> Option<Symbol> {
        if let Some(symbol) = pool.symbols.get(name) {
            if symbol.kind == SymbolKind::Package {
                let files = pool.packages.get(name)?;
                // The file itself is the last one that there is.
                let is_visible = files.iter().rev().any(|file| self.visible.contains(file));
                return is_visible.then_some(*symbol);
            }
            if self.visible.contains(&symbol.file) {
                return Some(*symbol);
            }
        }
        None
    }

    /// What `name` means inside `relative_to`, innermost scope first.
    pub(super) fn lookup(
        &self,
        pool: &Pool,
        name: &str,
        relative_to: &str,
        only_types: bool,
    ) -> Result<(String, Symbol), Unresolved> {
        if let Some(absolute) = name.strip_prefix('.') {
            return self.outermost(pool, absolute);
        }
        let first = name.split('.').next().unwrap_or(name);
        let mut scope = relative_to;
        while let Some(dot) = scope.rfind('.') {
            scope = &scope[..dot];
            let candidate = format!("{scope}.{first}");
            let Some(symbol) = self.find(pool, &candidate) else { continue };
            if first.len() < name.len() {
                if !symbol.is_aggregate() {
                    continue;
                }
                let full = format!("{scope}.{name}");
                let found = self.find(pool, &full);
                return found.map(|symbol| (full.clone(), symbol)).ok_or_else(|| {
                    match Self::not_imported(pool, &full) {
                        Some(file) => Unresolved::NotImported(file),
                        None => Unresolved::Shadowed(full),
                    }
                });
            }
            if only_types && !symbol.is_type() {
                continue;
            }
            return Ok((candidate, symbol));
        }
        self.outermost(pool, name)
    }

    fn outermost(&self, pool: &Pool, name: &str) -> Result<(String, Symbol), Unresolved> {
        match self.find(pool, name) {
            Some(symbol) => Ok((name.to_owned(), symbol)),
            None => Err(match Self::not_imported(pool, name) {
                Some(file) => Unresolved::NotImported(file),
                None => Unresolved::Undefined,
            }),
        }
    }

    fn not_imported(pool: &Pool, name: &str) -> Option<String> {
        let symbol = pool.symbols.get(name).filter(|symbol| symbol.kind != SymbolKind::Package)?;
        Some(pool.files.get(symbol.file as usize)?.name.clone())
    }
}

/// Adds a file and those that it imports publicly, any number of them in a row.
fn add_public(pool: &Pool, path: &str, visible: &mut HashSet<u32>) {
    let mut pending = vec![path];
    while let Some(path) = pending.pop() {
        let Some(&index) = pool.file_index.get(path) else { continue };
        if visible.insert(index as u32) {
            let imports = pool.files[index].dependencies.iter();
            let public = imports.filter(|import| import.is_public);
            pending.extend(public.map(|import| import.path.as_str()));
        }
    }
}

impl Symbol {
    fn is_aggregate(self) -> bool {
        matches!(
            self.kind,
            SymbolKind::Package
                | SymbolKind::Message(_)
                | SymbolKind::Enum(_)
                | SymbolKind::Service
        )
    }

    pub(super) fn is_type(self) -> bool {
        matches!(self.kind, SymbolKind::Message(_) | SymbolKind::Enum(_))
    }
}

impl Unresolved {
    pub(super) fn message(&self, name: &str) -> String {
        match self {
            Self::Undefined => format!("`{name}` is not defined"),
            Self::Shadowed(full) => format!(
                "`{name}` means `{full}` here, which is not defined: the innermost scope is \
                 searched first; a leading `.` begins at the outermost"
            ),
            Self::NotImported(file) => {
                format!("`{name}` is defined in `{file}`, which is not imported")
            }
        }
    }
}
