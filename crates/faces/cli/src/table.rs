//! Rows in columns: the same on a terminal and in a pipe, but for the looks.

use cannery::printable;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::Console;
use crate::failure::Failure;
use crate::style::Style;

/// A table whose columns are as wide as they must be, and some of them narrower where lines would be
/// too long.
pub(crate) struct Table<const N: usize> {
    header: [&'static str; N],
    rows: Vec<[Cell; N]>,
    cuts: [Cut; N],
}

/// What may be left out of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Nothing.
    No,
    /// The beginning: the end of a type's name tells more.
    Start,
    /// The middle, if it does not help to cut other columns.
    Middle,
    End,
}

/// Columns are not cut to fewer characters.
const NARROW: usize = 8;

/// A text, escaped, and how it looks.
pub(crate) struct Cell {
    text: String,
    style: Option<Style>,
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: printable(&text.into()).into_owned(), style: None }
    }
}

impl Cell {
    pub(crate) fn styled(text: impl Into<String>, style: Style) -> Self {
        Self { text: printable(&text.into()).into_owned(), style: Some(style) }
    }

    fn width(&self) -> usize {
        self.text.width()
    }
}

impl<const N: usize> Table<N> {
    pub(crate) fn new(header: [&'static str; N]) -> Self {
        Self { header, rows: Vec::new(), cuts: [Cut::No; N] }
    }

    /// Lets columns be cut.
    pub(crate) fn cut(mut self, cuts: [Cut; N]) -> Self {
        self.cuts = cuts;
        self
    }

    pub(crate) fn row(&mut self, cells: [Cell; N]) {
        self.rows.push(cells);
    }

    /// Prints the header and the rows; only `nothing` if there are none.
    pub(crate) fn print(self, nothing: &str, console: &mut Console<'_>) -> Result<(), Failure> {
        if self.rows.is_empty() {
            return console.line(nothing);
        }
        let header = self.header.map(|text| Cell::styled(text, Style::Faint));
        let rows: Vec<_> = std::iter::once(header).chain(self.rows).collect();
        let mut widths: [usize; N] = std::array::from_fn(|column| {
            rows.iter().map(|row| row[column].width()).max().unwrap_or(0)
        });
        fit(&mut widths, self.cuts, console.width());
        for row in &rows {
            let line = line(row, &widths, self.cuts, console);
            console.line(line.trim_end())?;
        }
        Ok(())
    }
}

/// Narrows the widest of the columns that may be cut until a line has no more than `columns`.
fn fit<const N: usize>(widths: &mut [usize; N], cuts: [Cut; N], columns: usize) {
    let mut excess =
        (widths.iter().sum::<usize>() + 2 * N.saturating_sub(1)).saturating_sub(columns);
    for last in [false, true] {
        while excess > 0 {
            let may_shrink = |&column: &usize| {
                let cut = cuts[column];
                cut != Cut::No && (cut == Cut::Middle) == last && widths[column] > NARROW
            };
            let widest = (0..N).filter(may_shrink).max_by_key(|&column| widths[column]);
            let Some(widest) = widest else { break };
            widths[widest] -= 1;
            excess -= 1;
        }
    }
}

/// A text with an ellipsis for what is left out of it.
pub(crate) fn cut(text: &str, width: usize, cut: Cut) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let front = match cut {
        Cut::Start => 0,
        Cut::Middle => width / 2,
        Cut::No | Cut::End => width - 1,
    };
    let behind = fitting(text.chars().rev(), width - 1 - front);
    let front = fitting(text.chars(), front);
    front.into_iter().chain(['…']).chain(behind.into_iter().rev()).collect()
}

/// The first of these that have room in that many columns.
fn fitting(characters: impl Iterator<Item = char>, columns: usize) -> Vec<char> {
    let mut used = 0;
    let has_room = |character: &char| {
        used += character.width().unwrap_or(0);
        used <= columns
    };
    characters.take_while(has_room).collect()
}

fn line<const N: usize>(
    row: &[Cell; N],
    widths: &[usize; N],
    cuts: [Cut; N],
    console: &Console<'_>,
) -> String {
    let cells = row.iter().zip(widths).zip(cuts).map(|((cell, &width), how)| {
        let text = cut(&cell.text, width, how);
        let padding = " ".repeat(width.saturating_sub(text.width()));
        match cell.style {
            Some(style) => console.styled(style, text) + &padding,
            None => text + &padding,
        }
    });
    cells.collect::<Vec<_>>().join("  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(cut("日本語", 6, Cut::End), "日本語");
        assert_eq!(cut("日本語", 5, Cut::End), "日本…");
        assert_eq!(cut("日本語", 4, Cut::End), "日…");
        assert_eq!(cut("日本語", 4, Cut::Start), "…語");
        assert_eq!(cut("日本語のログ", 8, Cut::Middle), "日本…グ");
        assert_eq!(cut("e\u{301}e\u{301}", 2, Cut::End), "e\u{301}e\u{301}");
    }
}
