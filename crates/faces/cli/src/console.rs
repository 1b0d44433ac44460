//! Where a command writes, and how it may look.

use std::fmt;
use std::io::{self, IsTerminal, Write};

use cannery::{ErrorKind, is_printable, printable, printable_lines};
use unicode_width::UnicodeWidthChar as _;

use crate::escape::{JsonEscaper, is_mark, mark, render};
use crate::failure::{Failure, hint_of};
use crate::status::ExitStatus;
use crate::style::Style;

/// Results go to `out`, errors and progress to `err`.
pub struct Console<'a> {
    out: &'a mut (dyn Write + Send),
    err: &'a mut (dyn Write + Send),
    looks: Looks,
    is_standard: bool,
}

/// What the two ends of a console can show.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct Looks {
    out_is_terminal: bool,
    err_is_terminal: bool,
    out_is_colored: bool,
    err_is_colored: bool,
    /// Whether only results and errors are written.
    is_quiet: bool,
    /// The columns of `out`; `None` if lines may be of any length.
    width: Option<usize>,
}

/// When results and messages have colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

impl<'a> Console<'a> {
    /// A console that is no terminal: plain text, no progress.
    pub fn new(out: &'a mut (dyn Write + Send), err: &'a mut (dyn Write + Send)) -> Self {
        Self { out, err, looks: Looks::default(), is_standard: false }
    }

    /// The console of this process: `out` and `err` are its standard output and error.
    pub fn standard(out: &'a mut (dyn Write + Send), err: &'a mut (dyn Write + Send)) -> Self {
        let (out_is_terminal, err_is_terminal) =
            (io::stdout().is_terminal(), io::stderr().is_terminal());
        let looks = Looks {
            out_is_terminal,
            err_is_terminal,
            out_is_colored: out_is_terminal && may_color(),
            err_is_colored: err_is_terminal && may_color(),
            is_quiet: false,
            width: out_is_terminal.then(width),
        };
        Self { out, err, looks, is_standard: true }
    }

    /// Whether it is the console of this process.
    pub(crate) fn is_standard(&self) -> bool {
        self.is_standard
    }

    /// Colours as the command line asks for them, and whether it wants results and errors only.
    pub(crate) fn set_looks(&mut self, color: ColorChoice, is_quiet: bool) {
        self.looks.is_quiet = is_quiet;
        if color != ColorChoice::Auto {
            let is_colored = color == ColorChoice::Always;
            (self.looks.out_is_colored, self.looks.err_is_colored) = (is_colored, is_colored);
        }
    }

    /// Whether a terminal shows the errors and progress.
    pub(crate) fn shows_progress(&self) -> bool {
        self.looks.err_is_terminal && !self.looks.is_quiet
    }

    /// Whether only results and errors are wanted.
    pub(crate) fn is_quiet(&self) -> bool {
        self.looks.is_quiet
    }

    /// Sets the columns that a line may have.
    #[must_use]
    pub fn with_width(mut self, columns: usize) -> Self {
        self.looks.width = Some(columns);
        self
    }

    /// The columns that a line may have; in a pipe there is no end of them.
    pub(crate) fn width(&self) -> usize {
        self.looks.width.unwrap_or(usize::MAX)
    }

    /// Writes a line of the results, cut where it is longer than lines may be.
    pub(crate) fn short_line(&mut self, text: impl fmt::Display) -> Result<(), Failure> {
        let line = cut(&one_line(&text.to_string()), self.width());
        self.line(line)
    }

    /// Where JSON goes: what is not printable in its strings is escaped.
    pub(crate) fn json_out(&mut self) -> JsonEscaper<&mut (dyn Write + Send)> {
        JsonEscaper::new(self.out)
    }

    /// Whether results go to a terminal.
    pub(crate) fn is_terminal(&self) -> bool {
        self.looks.out_is_terminal
    }

    /// Where results go that are not text, or are known to be harmless.
    pub(crate) fn out(&mut self) -> &mut (dyn Write + Send) {
        self.out
    }

    /// Writes a line of the results; line ends in it are escaped, as all that is not printable.
    pub(crate) fn line(&mut self, text: impl fmt::Display) -> Result<(), Failure> {
        self.lines(one_line(&text.to_string()))
    }

    /// Writes lines of the results; all in them that is not printable is escaped.
    pub(crate) fn lines(&mut self, text: impl fmt::Display) -> Result<(), Failure> {
        let is_colored = self.looks.out_is_colored;
        Ok(writeln!(self.out, "{}", render(&text.to_string(), is_colored))?)
    }

    /// A text as it may look among the results, escaped.
    pub(crate) fn styled(&self, style: Style, text: impl fmt::Display) -> String {
        paint(self.looks.out_is_colored, style, text)
    }

    /// Writes a labelled line to where errors go. A failure of that cannot be reported.
    pub(crate) fn complain(&mut self, style: Style, label: &str, text: impl fmt::Display) {
        let is_colored = self.looks.err_is_colored;
        let label = paint(is_colored, style, format_args!("{label}:"));
        let label = render(&label, is_colored);
        drop(writeln!(self.err, "{label} {}", printable_lines(&text.to_string())));
    }

    /// Tells why a command could not complete, and says how it ended.
    pub(crate) fn report(&mut self, failure: Failure) -> ExitStatus {
        match failure {
            Failure::BrokenPipe => ExitStatus::Success,
            Failure::Error(error) if error.kind() == ErrorKind::Interrupted => {
                ExitStatus::Interrupted
            }
            Failure::Error(error) => {
                self.complain(Style::Bad, "error", &error);
                if let Some(hint) = hint_of(&error) {
                    self.complain(Style::Hint, "hint", hint);
                }
                ExitStatus::Incomplete
            }
        }
    }

    /// Says that a file is left out, and why.
    pub(crate) fn skip(&mut self, why: &cannery::Error) {
        if !self.looks.is_quiet {
            self.complain(Style::Hint, "skipped", why);
        }
    }

    /// Writes a line to where progress goes. A failure of that cannot be reported.
    pub(crate) fn note(&mut self, text: impl fmt::Display) {
        if self.looks.is_quiet {
            return;
        }
        drop(writeln!(self.err, "{}", printable_lines(&text.to_string())));
    }

    /// Writes what clap has to say: help and version are results, anything else is an error, in which
    /// the arguments may be quoted.
    pub(crate) fn usage(&mut self, usage: &clap::Error) -> Result<ExitStatus, Failure> {
        let text = usage.render();
        let is_error = usage.use_stderr();
        let looks = &self.looks;
        let is_colored = if is_error { looks.err_is_colored } else { looks.out_is_colored };
        let colored = text.ansi().to_string();
        // It quotes arguments; where one of them has escapes of its own, there are no colours.
        let text = if is_colored && has_only_colors(&colored) {
            colored
        } else {
            printable_lines(&text.to_string()).into_owned()
        };
        if is_error {
            drop(write!(self.err, "{text}"));
            return Ok(ExitStatus::Incomplete);
        }
        write!(self.out, "{text}")?;
        Ok(ExitStatus::Success)
    }

    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.out.flush()?)
    }
}

/// The columns of the terminal, or those that the environment names; 80 if neither says.
fn width() -> usize {
    let named = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let terminal = terminal_size::terminal_size_of(io::stdout());
    let columns = terminal.map(|(columns, _)| usize::from(columns.0)).or(named);
    columns.filter(|&columns| columns >= 20).unwrap_or(80)
}

/// A text without line ends: they are escaped, marks are left.
fn one_line(text: &str) -> String {
    if text.contains(['\n', '\t']) {
        text.split_inclusive(is_mark).map(line_part).collect()
    } else {
        text.to_owned()
    }
}

fn line_part(part: &str) -> String {
    let end = part.char_indices().next_back().filter(|(_, last)| is_mark(*last));
    let (text, mark) = part.split_at(end.map_or(part.len(), |(at, _)| at));
    format!("{}{mark}", printable(text))
}

/// Whether a text has no control sequences but those for colours.
fn has_only_colors(text: &str) -> bool {
    let mut parts = text.split("\x1b[");
    let is_plain = |text: &str| text.chars().all(|c| matches!(c, '\n' | '\t') || is_printable(c));
    parts.next().is_none_or(is_plain)
        && parts.all(|part| {
            let text = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
            text.strip_prefix('m').is_some_and(is_plain)
        })
}

/// A line with an ellipsis at its end where it is longer than that many columns; marks take no room.
fn cut(line: &str, width: usize) -> String {
    let (mut shown, mut end) = (0, None);
    for (at, character) in line.char_indices() {
        if !is_mark(character) {
            shown += character.width().unwrap_or(0);
            if shown >= width && end.is_none() {
                end = Some(at);
            }
        }
    }
    match end {
        Some(end) if shown > width => {
            let reset: String = line[end..].chars().filter(|c| is_mark(*c)).take(1).collect();
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
    let text = text.to_string();
    let text = printable(&text);
    if is_colored { mark(style, &text) } else { text.into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_to_what_is_seen() {
        assert_eq!(cut("exactly", 7), "exactly");
        assert_eq!(cut("too long", 7), "too lo…");
        assert_eq!(cut("too    long", 7), "too…");
        let line = format!("{} text", mark(Style::Strong, "bold"));
        assert_eq!(render(&cut(&line, 9), true), "\x1b[1mbold\x1b[0m text");
        assert_eq!(render(&cut(&line, 6), true), "\x1b[1mbold\x1b[0m…");
        assert_eq!(render(&cut(&line, 3), true), "\x1b[1mbo…\x1b[0m");
    }

    #[test]
    fn usage_is_coloured_only_where_it_has_no_escapes_of_others() {
        for (text, expected) in [
            ("\x1b[1mUsage\x1b[0m: x\n", true),
            ("plain", true),
            ("\x1b[1mUsage\x1b[0m: \x1b[2J", false),
            ("\x1b]0;title\x07", false),
            ("\u{9b}31m", false),
        ] {
            assert_eq!(has_only_colors(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_name_does_not_end_its_line() {
        let line = format!("{}\n\tb", mark(Style::Strong, "a"));
        assert_eq!(render(&one_line(&line), true), "\x1b[1ma\x1b[0m\\n\\tb");
    }
}
