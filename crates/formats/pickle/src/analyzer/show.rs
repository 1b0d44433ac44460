//! Values as they are shown in reasons and paths.

use super::Analyzer;
use super::symbol::{Symbol, SymbolKind};

/// Characters of a text, and items of a tuple, that are shown.
const MAX_CHARS: usize = 120;
const MAX_ITEMS: usize = 6;
const MAX_DEPTH: u32 = 3;

impl Analyzer<'_> {
    /// A value, short.
    pub(super) fn show(&self, symbol: Symbol) -> String {
        self.show_in(symbol, 0)
    }

    /// Arguments as they are written in a call, without the parentheses.
    pub(super) fn show_arguments(&self, args: Symbol) -> String {
        match args.kind() {
            SymbolKind::Tuple => self.show_items(args, 0),
            _ => format!("*{}", self.show(args)),
        }
    }

    fn show_in(&self, symbol: Symbol, depth: u32) -> String {
        if let Some(text) = self.text(symbol) {
            return quoted(&text);
        }
        match symbol.kind() {
            SymbolKind::None => "None".to_owned(),
            SymbolKind::True => "True".to_owned(),
            SymbolKind::False => "False".to_owned(),
            SymbolKind::Int => symbol.at.cast_signed().to_string(),
            SymbolKind::Bytes => format!("b{}", quoted(&self.printable(symbol))),
            SymbolKind::Encoded => {
                match self.tuples.get(usize::try_from(symbol.at).unwrap_or(usize::MAX)) {
                    Some(&text) => format!("b{}", self.show(text)),
                    None => "b\"…\"".to_owned(),
                }
            }
            SymbolKind::List => if symbol.size() == 0 { "[]" } else { "[…]" }.to_owned(),
            SymbolKind::Dict | SymbolKind::Set => "{…}".to_owned(),
            SymbolKind::Tuple if depth >= MAX_DEPTH => "(…)".to_owned(),
            SymbolKind::Tuple if symbol.size() == 1 => {
                format!("({},)", self.show_items(symbol, depth))
            }
            SymbolKind::Tuple => format!("({})", self.show_items(symbol, depth)),
            SymbolKind::Global => self.names.get(symbol.size()).full.clone(),
            SymbolKind::Instance => format!("{}(…)", self.names.get(symbol.size()).full),
            _ => "…".to_owned(),
        }
    }

    fn show_items(&self, symbol: Symbol, depth: u32) -> String {
        let items = self.items(symbol);
        let mut shown: Vec<_> =
            items.iter().take(MAX_ITEMS).map(|item| self.show_in(*item, depth + 1)).collect();
        if items.len() > MAX_ITEMS {
            shown.push("…".to_owned());
        }
        shown.join(", ")
    }

    fn printable(&self, symbol: Symbol) -> String {
        let bytes = self.bytes(symbol).unwrap_or_default();
        bytes.iter().take(MAX_CHARS).map(|&byte| char::from(byte)).collect()
    }
}

/// Text in double quotes, escaped and cut.
pub(super) fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_CHARS).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("{shown:?}")
}
