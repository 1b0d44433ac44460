//! Rows in columns: the same on a terminal and in a pipe, but for the looks.

use cannery::printable;

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
        self.text.chars().count()
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
    let len = text.chars().count();
    if len <= width {
        return text.to_owned();
    }
    let front = match cut {
        Cut::Start => 0,
        Cut::Middle => width / 2,
        Cut::No | Cut::End => width - 1,
    };
    let behind = text.chars().skip(len + 1 + front - width);
    text.chars().take(front).chain(['…']).chain(behind).collect()
}

fn line<const N: usize>(
    row: &[Cell; N],
    widths: &[usize; N],
    cuts: [Cut; N],
    console: &Console<'_>,
) -> String {
    let cells = row.iter().zip(widths).zip(cuts).map(|((cell, &width), how)| {
        let text = cut(&cell.text, width, how);
        let padding = " ".repeat(width - text.chars().count());
        match cell.style {
            Some(style) => console.styled(style, text) + &padding,
            None => text + &padding,
        }
    });
    cells.collect::<Vec<_>>().join("  ")
}
