//! Tokens as text.

use super::options::FormatOptions;
use super::scan::{Lines, NodeStyle, Token};

pub(super) fn print(text: &str, tokens: &[Token], options: &FormatOptions) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before: Option<&Token> = None;
    for token in tokens {
        if let Some(before) = before {
            between(text, before, token, options, &mut out);
        }
        write(text, token, &mut out);
        before = Some(token);
    }
    if !out.is_empty() {
        out.push('\n');
    }
    if text.contains("\r\n") { out.replace('\n', "\r\n") } else { out }
}

/// Writes what stands between two tokens: new lines and an indentation, a blank or nothing.
fn between(text: &str, before: &Token, token: &Token, options: &FormatOptions, out: &mut String) {
    let gap = &text[before.end..token.start];
    let breaks = line_breaks(gap);
    if breaks > 0 {
        let kept = (breaks - 1).min(options.empty_lines);
        out.extend(std::iter::repeat_n('\n', 1 + kept));
        out.extend(std::iter::repeat_n(' ', token.column));
        return;
    }
    if token.kind == NodeStyle::Comment {
        // Comments that stand in a column have been put there.
        let blanks = if gap.contains('\t') { 2 } else { gap.len().max(2) };
        out.extend(std::iter::repeat_n(' ', blanks));
    } else if has_blank(before.kind, token.kind) {
        out.push(' ');
    }
}

fn has_blank(before: NodeStyle, token: NodeStyle) -> bool {
    match (before, token) {
        // Behind a name, a colon would be part of it.
        (NodeStyle::Name, NodeStyle::Colon | NodeStyle::Comma) => true,
        (NodeStyle::Open, _) | (_, NodeStyle::Comma | NodeStyle::Close) => false,
        (before, NodeStyle::Colon) => !matches!(before, NodeStyle::Scalar | NodeStyle::Close),
        _ => true,
    }
}

fn line_breaks(gap: &str) -> usize {
    let returns = gap.matches('\r').count() - gap.matches("\r\n").count();
    gap.matches('\n').count() + returns
}

fn write(text: &str, token: &Token, out: &mut String) {
    let content = &text[token.start..token.end];
    let mut lines = content.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    let Some(first) = lines.next() else { return };
    if token.kind != NodeStyle::Scalar || token.start + first.len() == token.end {
        return out.push_str(content);
    }
    out.push_str(without_blanks_behind(first));
    let last = content.len() - content.rfind('\n').map_or(0, |at| at + 1);
    let mut left = content.matches('\n').count();
    for line in lines {
        left -= 1;
        out.push('\n');
        match token.lines {
            Lines::Folded(column) => {
                let line = line.trim_start_matches([' ', '\t']);
                // The last line ends with the scalar itself.
                let line = if left == 0 && last > 0 { line } else { without_blanks_behind(line) };
                push_line(line, column, out);
            }
            Lines::Block { from, to } => {
                let blanks = line.len() - line.trim_start_matches(' ').len();
                push_line(&line[blanks.min(from)..], to, out);
            }
        }
    }
}

fn push_line(line: &str, column: usize, out: &mut String) {
    if !line.is_empty() {
        out.extend(std::iter::repeat_n(' ', column));
        out.push_str(line);
    }
}

/// A line without the blanks that folding takes off, but for one behind a backslash: that is
/// escaped.
fn without_blanks_behind(line: &str) -> &str {
    let trimmed = line.trim_end_matches([' ', '\t']);
    let backslashes = trimmed.len() - trimmed.trim_end_matches('\\').len();
    if backslashes % 2 == 1 && trimmed.len() < line.len() {
        &line[..=trimmed.len()]
    } else {
        trimmed
    }
}
