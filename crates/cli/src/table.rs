//! Rows in columns: the same on a terminal and in a pipe, but for the looks.

use crate::Console;
use crate::console::Style;
use crate::failure::Failure;

/// A table whose columns are as wide as they must be.
pub(crate) struct Table<const N: usize> {
    header: [&'static str; N],
    rows: Vec<[Cell; N]>,
}

/// A text, and how it looks.
pub(crate) struct Cell {
    text: String,
    style: Option<Style>,
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), style: None }
    }
}

impl Cell {
    pub(crate) fn styled(text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style: Some(style) }
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

impl<const N: usize> Table<N> {
    pub(crate) fn new(header: [&'static str; N]) -> Self {
        Self { header, rows: Vec::new() }
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
        let widths: [usize; N] = std::array::from_fn(|column| {
            rows.iter().map(|row| row[column].width()).max().unwrap_or(0)
        });
        for row in &rows {
            let line = line(row, &widths, console);
            console.line(line.trim_end())?;
        }
        Ok(())
    }
}

fn line<const N: usize>(row: &[Cell; N], widths: &[usize; N], console: &Console<'_>) -> String {
    let cells = row.iter().zip(widths).map(|(cell, width)| {
        let padding = " ".repeat(width - cell.width());
        match cell.style {
            Some(style) => console.styled(style, &cell.text) + &padding,
            None => cell.text.clone() + &padding,
        }
    });
    cells.collect::<Vec<_>>().join("  ")
}
