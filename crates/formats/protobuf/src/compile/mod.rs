//! The schema compiler: files to a [`Pool`].

mod declarations;
mod declare;
mod diagnostics;
mod features;
mod json_names;
mod lexer;
mod link;
mod loader;
mod names;
mod option_value;
mod options;
mod parser;
mod retention;
mod rules;
mod scope;
mod style;
mod tables;
mod validate;
mod validate_enum;
mod visibility;

pub use diagnostics::{SchemaError, SchemaErrors};
pub(crate) use lexer::{Dialect, Lexer, Token, TokenKind, float, integer, unquote};
pub use loader::{Loader, Sources};
pub(crate) use parser::entry_name;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use diagnostics::{Diagnostics, SourceText};

use crate::descriptor::{FileProto, Import, read_set};
use crate::edition;
use crate::pool::Pool;

/// Compiles files and what they import.
#[derive(Debug)]
pub struct Compiler<L> {
    loader: L,
    pool: Pool,
    errors: Vec<SchemaError>,
    /// Files that are being compiled, each imported by the one before.
    open: Vec<String>,
    failed: HashSet<String>,
}

const DESCRIPTOR: &str = "google/protobuf/descriptor.proto";

/// What became of an import.
enum Imported {
    Done,
    Failed,
    Cycle,
}

impl<L: Loader> Compiler<L> {
    /// A compiler that finds files through `loader`.
    pub fn new(loader: L) -> Self {
        Self {
            loader,
            pool: Pool::default(),
            errors: Vec::new(),
            open: Vec::new(),
            failed: HashSet::new(),
        }
    }

    /// Compiles one file and all that it imports.
    ///
    /// # Errors
    /// Everything that is wrong, the imported files' errors among them.
    pub fn compile(&mut self, path: &str) -> Result<(), SchemaErrors> {
        self.errors.clear();
        self.require(DESCRIPTOR);
        self.require(path);
        self.outcome()
    }

    /// Adds the files of a `FileDescriptorSet`, and returns their names.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn add_descriptor_set(&mut self, data: &[u8]) -> Result<Vec<String>, SchemaErrors> {
        self.errors.clear();
        let files = read_set(data).map_err(|error| SchemaErrors(vec![whole(&error)]))?;
        let mut waiting: HashMap<String, FileProto> =
            files.iter().map(|file| (file.name.clone(), file.clone())).collect();
        // Options are read by it, whichever file imports it: the set's own comes before ours.
        self.add_from_set(DESCRIPTOR, &mut waiting);
        for file in &files {
            self.add_from_set(&file.name, &mut waiting);
        }
        self.outcome()?;
        Ok(files.into_iter().map(|file| file.name).collect())
    }

    /// Adds a file, and before it what it imports.
    ///
    /// Not by recursion: a set may have any number of files that import each other in a row.
    fn add_from_set(&mut self, name: &str, waiting: &mut HashMap<String, FileProto>) {
        let mut open: Vec<(FileProto, usize)> = Vec::new();
        open.extend(self.take_from_set(name, waiting).map(|file| (file, 0)));
        while let Some((file, next)) = open.last_mut() {
            let mut imports = file.dependencies.iter().chain(&file.option_dependencies);
            if let Some(import) = imports.nth(*next) {
                *next += 1;
                let found = self.take_from_set(&import.path, waiting);
                open.extend(found.map(|file| (file, 0)));
            } else if let Some((file, _)) = open.pop() {
                let source = SourceText { name: file.name.clone(), text: Arc::from(&b""[..]) };
                self.finish(file, Diagnostics::new(source));
            }
        }
    }

    /// A file of the set that was not added yet; what is not in the set is compiled.
    fn take_from_set(
        &mut self,
        name: &str,
        waiting: &mut HashMap<String, FileProto>,
    ) -> Option<FileProto> {
        let file = waiting.remove(name);
        if file.is_none() && !self.pool.file_index.contains_key(name) {
            self.require(name);
        }
        file
    }

    fn outcome(&mut self) -> Result<(), SchemaErrors> {
        if self.errors.is_empty() {
            return Ok(());
        }
        Err(SchemaErrors(std::mem::take(&mut self.errors)))
    }

    /// What was compiled.
    #[must_use]
    pub fn into_pool(mut self) -> Pool {
        self.pool.assign_slots();
        self.pool
    }

    /// What was compiled so far.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Compiles a file unless that was done.
    fn require(&mut self, path: &str) -> Imported {
        if self.pool.file_index.contains_key(path) {
            return Imported::Done;
        }
        if self.open.iter().any(|open| open == path) {
            return Imported::Cycle;
        }
        if self.failed.contains(path) {
            return Imported::Failed;
        }
        if self.open.len() >= MOST_OPEN {
            let message = format!("imports lead through more than {MOST_OPEN} files");
            self.errors.push(SchemaError {
                file: path.to_owned(),
                pos: None,
                message,
                source: None,
            });
            return Imported::Failed;
        }
        let text = match self.loader.load(path) {
            Ok(Some(text)) => text,
            Ok(None) => {
                if self.open.is_empty() {
                    self.errors.push(missing(path));
                }
                return Imported::Failed;
            }
            Err(error) => {
                self.errors.push(SchemaError { file: path.to_owned(), ..whole(&error) });
                return Imported::Failed;
            }
        };
        let text: Arc<[u8]> = text.into();
        let source = SourceText { name: path.to_owned(), text: text.clone() };
        let mut diagnostics = Diagnostics::new(source);
        let file = parser::parse(path, &text, &mut diagnostics);
        let before = self.errors.len();
        if !diagnostics.is_empty() {
            self.failed.insert(path.to_owned());
            self.errors.append(&mut diagnostics.errors);
            return Imported::Failed;
        }
        self.open.push(path.to_owned());
        let imports_fail = self.imports(&file, &mut diagnostics);
        self.open.pop();
        if imports_fail {
            self.failed.insert(path.to_owned());
            // The importing file's own complaint comes behind its cause, where there is one.
            self.errors.append(&mut diagnostics.errors);
            return Imported::Failed;
        }
        self.finish(file, diagnostics);
        if self.errors.len() > before {
            self.failed.insert(path.to_owned());
            return Imported::Failed;
        }
        Imported::Done
    }

    /// Compiles what a file imports; says whether something of that failed.
    fn imports(&mut self, file: &FileProto, diagnostics: &mut Diagnostics) -> bool {
        let mut seen = HashSet::new();
        for import in file.dependencies.iter().chain(&file.option_dependencies) {
            if !seen.insert(&import.path) {
                diagnostics.error(import.at, format!("import `{}` is listed twice", import.path));
                continue;
            }
            match self.require(&import.path) {
                Imported::Done => {}
                Imported::Failed => self.import_failed(import, diagnostics),
                Imported::Cycle => {
                    let chain = self.open.iter().map(String::as_str);
                    let from = self.open.iter().position(|open| *open == import.path).unwrap_or(0);
                    let chain: Vec<&str> =
                        chain.skip(from).chain(std::iter::once(import.path.as_str())).collect();
                    let chain = chain.join(" -> ");
                    diagnostics.error(import.at, format!("the file imports itself: {chain}"));
                }
            }
        }
        !diagnostics.is_empty()
    }

    fn import_failed(&self, import: &Import, diagnostics: &mut Diagnostics) {
        let has_errors = self.failed.contains(&import.path);
        let why = if has_errors { "has errors" } else { "was not found" };
        diagnostics.error(import.at, format!("import `{}` {why}", import.path));
    }

    /// Links a parsed file into the pool.
    fn finish(&mut self, mut file: FileProto, mut diagnostics: Diagnostics) {
        if file.edition == 0 {
            file.edition = if file.syntax == "proto3" { edition::PROTO3 } else { edition::PROTO2 };
        }
        link::link(&mut self.pool, file, &mut diagnostics);
        self.errors.append(&mut diagnostics.errors);
    }
}

/// Files that import each other in a row: each is compiled within the compilation of the one before.
const MOST_OPEN: usize = 100;

fn missing(path: &str) -> SchemaError {
    let message = "the file was not found on the include path".to_owned();
    SchemaError { file: path.to_owned(), pos: None, message, source: None }
}

fn whole(error: &cannery_core::Error) -> SchemaError {
    let file = error.file().unwrap_or("descriptor set").to_owned();
    SchemaError { file, pos: None, message: error.message().to_owned(), source: None }
}
