//! Where a command writes, and how it may look.

use std::fmt;
use std::io::{self, IsTerminal, Write};

use crate::ExitStatus;
use crate::failure::Failure;

/// Results go to `out`, errors and progress to `err`.
pub struct Console<'a> {
    out: &'a mut (dyn Write + Send),
    err: &'a mut (dyn Write + Send),
    looks: Looks,
    is_standard: bool,
}

/// What the two ends of a console can show.
#[derive(Clone, Copy, Debug, Default)]
struct Looks {
    out_is_terminal: bool,
    err_is_terminal: bool,
    is_colored: bool,
    /// The columns of `out`; 80 if it does not say.
    width: Option<usize>,
}

/// How a piece of text stands out on a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Strong,
    Faint,
    Good,
    Bad,
    Hint,
}

impl<'a> Console<'a> {
    /// A console that is no terminal: plain text, no progress.
    pub fn new(out: &'a mut (dyn Write + Send), err: &'a mut (dyn Write + Send)) -> Self {
        Self { out, err, looks: Looks::default(), is_standard: false }
    }

    /// The console of this process: `out` and `err` are its standard output and error.
    pub fn standard(out: &'a mut (dyn Write + Send), err: &'a mut (dyn Write + Send)) -> Self {
        let looks = Looks {
            out_is_terminal: io::stdout().is_terminal(),
            err_is_terminal: io::stderr().is_terminal(),
            is_colored: may_color(),
            width: width(),
        };
        Self { out, err, looks, is_standard: true }
    }

    /// Whether it is the console of this process.
    pub(crate) fn is_standard(&self) -> bool {
        self.is_standard
    }

    /// Whether somebody watches the errors and progress.
    pub(crate) fn shows_progress(&self) -> bool {
        self.looks.err_is_terminal
    }

    /// Sets the columns that a line may have.
    #[must_use]
    pub fn with_width(mut self, columns: usize) -> Self {
        self.looks.width = Some(columns);
        self
    }

    /// The columns that a line may have.
    pub(crate) fn width(&self) -> usize {
        self.looks.width.unwrap_or(80)
    }

    /// Writes a line of the results, cut where it is longer than lines may be.
    pub(crate) fn short_line(&mut self, text: impl fmt::Display) -> Result<(), Failure> {
        let line = cut(&text.to_string(), self.width());
        self.line(line)
    }

    /// Where results go.
    pub(crate) fn out(&mut self) -> &mut (dyn Write + Send) {
        self.out
    }

    /// Writes a piece of the results.
    pub(crate) fn print(&mut self, text: impl fmt::Display) -> Result<(), Failure> {
        Ok(write!(self.out, "{text}")?)
    }

    /// Writes a line of the results.
    pub(crate) fn line(&mut self, text: impl fmt::Display) -> Result<(), Failure> {
        Ok(writeln!(self.out, "{text}")?)
    }

    /// A text as it may look among the results.
    pub(crate) fn styled(&self, style: Style, text: impl fmt::Display) -> String {
        paint(self.looks.out_is_terminal && self.looks.is_colored, style, text)
    }

    /// Writes a labelled line to where errors go. Nobody can be told if that fails.
    pub(crate) fn complain(&mut self, style: Style, label: &str, text: impl fmt::Display) {
        let is_colored = self.looks.err_is_terminal && self.looks.is_colored;
        let label = paint(is_colored, style, format_args!("{label}:"));
        drop(writeln!(self.err, "{label} {text}"));
    }

    /// Writes a line to where progress goes. Nobody can be told if that fails.
    pub(crate) fn note(&mut self, text: impl fmt::Display) {
        drop(writeln!(self.err, "{text}"));
    }

    /// Writes what clap has to say: help and version are results, anything else is an error.
    pub(crate) fn usage(&mut self, usage: &clap::Error) -> Result<ExitStatus, Failure> {
        let text = usage.render();
        if usage.use_stderr() {
            let text = if self.looks.err_is_terminal && self.looks.is_colored {
                text.ansi().to_string()
            } else {
                text.to_string()
            };
            drop(write!(self.err, "{text}"));
            return Ok(ExitStatus::Incomplete);
        }
        let text = if self.looks.out_is_terminal && self.looks.is_colored {
            text.ansi().to_string()
        } else {
            text.to_string()
        };
        self.print(text)?;
        Ok(ExitStatus::Success)
    }

    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.out.flush()?)
    }
}

/// The columns of the terminal, or those that the environment names.
fn width() -> Option<usize> {
    let named = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let terminal = terminal_size::terminal_size_of(io::stdout());
    let columns = terminal.map(|(columns, _)| usize::from(columns.0)).or(named);
    columns.filter(|&columns| columns >= 20)
}

/// A line with an ellipsis at its end where it is longer than so many columns; what colours it
/// takes no room.
fn cut(line: &str, width: usize) -> String {
    let (mut shown, mut end, mut is_escape) = (0, None, false);
    for (at, character) in line.char_indices() {
        is_escape |= character == '\x1b';
        if !is_escape {
            shown += 1;
            if shown == width {
                end = Some(at);
            }
        }
        is_escape &= character != 'm';
    }
    match end {
        Some(end) if shown > width => {
            let reset = if line.contains('\x1b') { "\x1b[0m" } else { "" };
            format!("{}…{reset}", line[..end].trim_end())
        }
        _ => line.to_owned(),
    }
}

/// Whether colours are wanted at all: <https://no-color.org>.
fn may_color() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !is_set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

fn paint(is_colored: bool, style: Style, text: impl fmt::Display) -> String {
    if !is_colored {
        return text.to_string();
    }
    let code = match style {
        Style::Strong => "1",
        Style::Faint => "2",
        Style::Good => "32",
        Style::Bad => "1;31",
        Style::Hint => "1;36",
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_to_what_is_seen() {
        assert_eq!(cut("exactly", 7), "exactly");
        assert_eq!(cut("too long", 7), "too lo…");
        assert_eq!(cut("too    long", 7), "too…");
        assert_eq!(cut("\x1b[1mbold\x1b[0m text", 9), "\x1b[1mbold\x1b[0m text");
        assert_eq!(cut("\x1b[1mbold\x1b[0m text", 6), "\x1b[1mbold\x1b[0m…\x1b[0m");
    }
}
