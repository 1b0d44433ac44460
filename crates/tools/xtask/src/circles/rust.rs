//! What the files of a crate take from each other, read from their tokens.
//!
//! A name counts for the file that defines it, however it is reached: what a parent hands on with
//! `pub use` is the child's. Methods are not followed, and what is compiled for tests is not read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::graph::Graph;

/// One file as a module.
#[derive(Debug, Default)]
struct Module {
    path: String,
    parent: Option<usize>,
    children: BTreeMap<String, usize>,
    defined: BTreeSet<String>,
    imports: Vec<Import>,
    mentioned: BTreeSet<Vec<String>>,
}

#[derive(Debug)]
struct Import {
    path: Vec<String>,
    /// `*` for all names.
    name: String,
    is_public: bool,
}

/// Reads the crate whose files lie in `folder`, below `root`.
pub(crate) fn imports(root: &Path, folder: &Path) -> Result<Graph> {
    let mut modules = Vec::new();
    for name in ["lib.rs", "main.rs"] {
        let file = folder.join(name);
        if root.join(&file).exists() {
            let top = read(root, &file, None, &mut modules)?;
            debug_assert!(modules[top].parent.is_none());
        }
    }
    Ok(arrows(&modules))
}

fn read(
    root: &Path,
    file: &Path,
    parent: Option<usize>,
    modules: &mut Vec<Module>,
) -> Result<usize> {
    let text = std::fs::read_to_string(root.join(file))
        .with_context(|| format!("cannot read {}", file.display()))?;
    let tokens: TokenStream =
        text.parse().map_err(|error| anyhow::anyhow!("{}: {error}", file.display()))?;
    let mut module = Module { path: file.display().to_string(), parent, ..Module::default() };
    let declared = module.read_items(tokens);
    let index = modules.len();
    modules.push(module);
    for child in declared {
        if let Some(path) = file_of(root, file, &child) {
            let child_index = read(root, &path, Some(index), modules)?;
            modules[index].children.insert(child, child_index);
        }
    }
    Ok(index)
}

/// The file of `mod child;` in `file`.
fn file_of(root: &Path, file: &Path, child: &str) -> Option<PathBuf> {
    let folder = file.parent()?;
    let stem = file.file_stem()?.to_str()?;
    let own =
        if ["lib", "main", "mod"].contains(&stem) { folder.into() } else { folder.join(stem) };
    let candidates = [own.join(format!("{child}.rs")), own.join(child).join("mod.rs")];
    candidates.into_iter().find(|path| root.join(path).exists())
}

impl Module {
    /// Takes the items of a file apart, and returns the modules that have files of their own.
    fn read_items(&mut self, tokens: TokenStream) -> Vec<String> {
        let mut declared = Vec::new();
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        let mut skips = false;
        let mut is_public = false;
        while at < tokens.len() {
            let word = ident(&tokens, at).unwrap_or_default();
            match word.as_str() {
                "pub" => {
                    is_public = true;
                    at += 1 + usize::from(group(&tokens, at + 1, Delimiter::Parenthesis).is_some());
                    continue;
                }
                "use" => {
                    let end = end_of_statement(&tokens, at);
                    if !skips {
                        self.read_use(&tokens[at + 1..end], &[], is_public);
                    }
                    at = end;
                }
                "mod" => {
                    let name = ident(&tokens, at + 1).unwrap_or_default();
                    if let Some(body) = group(&tokens, at + 2, Delimiter::Brace) {
                        if !skips {
                            declared.extend(self.read_items(body));
                            self.defined.insert(name);
                        }
                    } else if !skips {
                        declared.push(name);
                    }
                    at += 2;
                }
                "" if is_test_attribute(&tokens, at) => {
                    skips = true;
                    at += 2;
                    continue;
                }
                "" if is_punct(&tokens, at, '#') => {
                    at += 1;
                    self.mention(&tokens[at..=at.min(tokens.len() - 1)]);
                    at += 1;
                    continue;
                }
                _ => {
                    let end = end_of_item(&tokens, at);
                    if !skips {
                        self.defined.extend(name_of_item(&tokens[at..=end.min(tokens.len() - 1)]));
                        self.mention(&tokens[at..=end.min(tokens.len() - 1)]);
                    }
                    at = end;
                }
            }
            at += 1;
            (skips, is_public) = (false, false);
        }
        declared
    }

    /// Adds what a tree of imports brings: `a::{b, c as d, e::*}`.
    fn read_use(&mut self, tokens: &[TokenTree], before: &[String], is_public: bool) {
        let mut path = before.to_vec();
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Ident(name) if name == "as" => {
                    let name = ident(tokens, at + 1).unwrap_or_default();
                    self.imports.push(Import { path, name, is_public });
                    return;
                }
                TokenTree::Ident(name) => path.push(name.to_string()),
                TokenTree::Punct(mark) if mark.as_char() == '*' => {
                    self.imports.push(Import { path, name: "*".into(), is_public });
                    return;
                }
                TokenTree::Group(inner) => {
                    let inner: Vec<TokenTree> = inner.stream().into_iter().collect();
                    let is_comma = |token: &TokenTree| matches!(token, TokenTree::Punct(mark) if mark.as_char() == ',');
                    for part in inner.split(is_comma).filter(|part| !part.is_empty()) {
                        self.read_use(part, &path, is_public);
                    }
                    return;
                }
                _ => {}
            }
            at += 1;
        }
        if path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        if let Some(name) = path.last().cloned() {
            self.imports.push(Import { path, name, is_public });
        }
    }

    /// Notes every path in the code: `a`, `a::b`, in macros as well.
    fn mention(&mut self, tokens: &[TokenTree]) {
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Group(inner) => {
                    let inner: Vec<TokenTree> = inner.stream().into_iter().collect();
                    self.mention(&inner);
                }
                TokenTree::Ident(name) if name == "use" => {
                    // An import inside a function belongs to the file all the same.
                    let end = end_of_statement(tokens, at);
                    self.read_use(&tokens[at + 1..end.min(tokens.len())], &[], false);
                    at = end;
                }
                TokenTree::Ident(name) if !is_punct(tokens, at.wrapping_sub(1), '.') => {
                    let mut path = vec![name.to_string()];
                    while is_punct(tokens, at + 1, ':') && is_punct(tokens, at + 2, ':') {
                        let Some(next) = ident(tokens, at + 3) else { break };
                        path.push(next);
                        at += 3;
                    }
                    self.mentioned.insert(path);
                }
                _ => {}
            }
            at += 1;
        }
    }
}

const ITEMS: [&str; 9] =
    ["fn", "struct", "enum", "trait", "type", "const", "static", "union", "macro_rules"];

/// The name that an item defines; none for `impl` and a macro that is called.
fn name_of_item(tokens: &[TokenTree]) -> Option<String> {
    let words: Vec<String> = tokens
        .iter()
        .take_while(|token| !matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace))
        .filter_map(|token| match token {
            TokenTree::Ident(word) => Some(word.to_string()),
            _ => None,
        })
        .collect();
    if words.first().is_some_and(|word| word == "impl") {
        return None;
    }
    let kind = words.iter().position(|word| ITEMS.contains(&word.as_str()))?;
    let rest = &words[kind + 1..];
    // `const fn f`, `static mut X`.
    rest.iter().find(|word| !ITEMS.contains(&word.as_str()) && *word != "mut").cloned()
}

fn ident(tokens: &[TokenTree], at: usize) -> Option<String> {
    match tokens.get(at)? {
        TokenTree::Ident(name) => Some(name.to_string()),
        _ => None,
    }
}

fn is_punct(tokens: &[TokenTree], at: usize, mark: char) -> bool {
    matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == mark)
}

fn group(tokens: &[TokenTree], at: usize, delimiter: Delimiter) -> Option<TokenStream> {
    match tokens.get(at)? {
        TokenTree::Group(group) if group.delimiter() == delimiter => Some(group.stream()),
        _ => None,
    }
}

/// `#[cfg(test)]` and the like: what follows is for tests alone.
fn is_test_attribute(tokens: &[TokenTree], at: usize) -> bool {
    let attribute = group(tokens, at + 1, Delimiter::Bracket).map(|stream| stream.to_string());
    is_punct(tokens, at, '#')
        && attribute.is_some_and(|text| {
            text.starts_with("cfg") && text.contains("test") && !text.contains("not")
        })
}

/// Where the statement that begins at `at` has its semicolon.
fn end_of_statement(tokens: &[TokenTree], at: usize) -> usize {
    (at..tokens.len()).find(|&end| is_punct(tokens, end, ';')).unwrap_or(tokens.len())
}

/// Where the item that begins at `at` ends: its semicolon or its braces.
fn end_of_item(tokens: &[TokenTree], at: usize) -> usize {
    let is_const = (at..at + 3).any(|word| {
        ident(tokens, word).is_some_and(|word| ["const", "static", "type"].contains(&word.as_str()))
    });
    let is_function = (at..at + 5).any(|word| ident(tokens, word).is_some_and(|word| word == "fn"));
    for end in at..tokens.len() {
        let braces = group(tokens, end, Delimiter::Brace).is_some();
        if is_punct(tokens, end, ';') || (braces && (is_function || !is_const)) {
            return end;
        }
    }
    tokens.len().saturating_sub(1)
}

fn arrows(modules: &[Module]) -> Graph {
    let mut graph = Graph::default();
    for (index, module) in modules.iter().enumerate() {
        let private = module.imports.iter().filter(|import| !import.is_public);
        let paths = private.map(|import| &import.path).chain(&module.mentioned);
        for path in paths {
            if let Some(target) = resolve(modules, index, path, 0) {
                let name = path.last().map_or("", String::as_str);
                graph.draw(&module.path, &modules[target].path, name);
            }
        }
    }
    graph
}

/// How many imports lead on to another import before it must be a mistake of ours.
const DEEP: usize = 8;

/// The file that defines what `path` names, as seen in the module `from`.
fn resolve(modules: &[Module], from: usize, path: &[String], depth: usize) -> Option<usize> {
    let (first, rest) = path.split_first()?;
    let root = || {
        let mut top = from;
        while let Some(parent) = modules[top].parent {
            top = parent;
        }
        top
    };
    match first.as_str() {
        "crate" => member(modules, root(), rest, depth),
        "self" => member(modules, from, rest, depth),
        "super" => member(modules, modules[from].parent.unwrap_or(from), rest, depth),
        _ => member(modules, from, path, depth),
    }
}

fn member(modules: &[Module], of: usize, path: &[String], depth: usize) -> Option<usize> {
    let (first, rest) = path.split_first()?;
    let module = &modules[of];
    if first == "super" {
        return member(modules, module.parent?, rest, depth);
    }
    if module.defined.contains(first) {
        return Some(of);
    }
    if let Some(&child) = module.children.get(first) {
        // A module that is only brought into scope is not used yet.
        return member(modules, child, rest, depth);
    }
    if depth == DEEP {
        return None;
    }
    let named = module.imports.iter().filter(|import| import.name == *first);
    let all = module.imports.iter().filter(|import| import.name == "*");
    named
        .map(|import| [&import.path[..], rest].concat())
        .chain(all.map(|import| [&import.path[..], path].concat()))
        .filter(|longer| longer.first() != Some(first) || module.children.contains_key(first))
        .find_map(|longer| resolve(modules, of, &longer, depth + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The circles of a crate given as files and their text.
    fn circles(files: &[(&str, &str)]) -> Vec<Vec<String>> {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            let path = folder.path().join("src").join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            std::fs::write(path, text).expect("a file");
        }
        imports(folder.path(), Path::new("src")).expect("a crate").circles()
    }

    #[test]
    fn a_parent_that_hands_on_its_childrens_names_is_no_circle() {
        let files = [
            ("lib.rs", "mod a; mod b; pub use a::A; pub use b::{self, B as C};"),
            ("a.rs", "use crate::C; pub struct A(C);"),
            ("b.rs", "pub struct B;"),
        ];
        assert!(circles(&files).is_empty());
    }

    #[test]
    fn children_that_name_each_other_are_one() {
        let files = [
            ("lib.rs", "mod a; mod b; pub use a::A; pub use b::B;"),
            ("a.rs", "use crate::*; pub struct A(Box<B>);"),
            ("b.rs", "pub fn f() { println!(\"{}\", crate::a::A::new()) } pub struct B;"),
        ];
        assert_eq!(circles(&files), [vec!["src/a.rs", "src/b.rs"]]);
    }

    #[test]
    fn a_parent_with_code_and_a_child_that_uses_it_are_one() {
        let files = [
            ("lib.rs", "mod a;"),
            ("a/mod.rs", "mod b; pub const fn f() { b::g() } pub static mut X: u8 = { 1 };"),
            ("a/b.rs", "pub fn g() { super::X; }"),
        ];
        assert_eq!(circles(&files), [vec!["src/a/b.rs", "src/a/mod.rs"]]);
    }

    #[test]
    fn tests_may_use_what_they_like() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "pub fn f() {} #[cfg(test)] mod tests { use crate::b::g; }"),
            ("b.rs", "use crate::a::f; pub fn g() { f() }"),
        ];
        assert!(circles(&files).is_empty());
    }
}
