//! Pieces of files that are larger than memory: where they lie, and what is in them.

use std::fs::File;
use std::io::{BufRead, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};

use cannery::{Compression, Input, Location, PieceOptions, Pieces, RecordEnds};
use cannery_core::{Error, ErrorKind, Limits, Pos, Result};
use cannery_csv::{Column, ColumnData, ColumnType, Columns, Dialect, Header, Options, Table};
use cannery_json::lines;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyIterator, PyList};

use crate::construct::{Plain, PyBuilder};
use crate::errors::OrRaise;
use crate::file::PyFile;
use crate::json::encode_error;
use crate::memory::{self, MemoryFile};
use crate::walk::{JsonDialect, JsonOptions, PyWalker};

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<RowPieces>()?;
    module.add_function(wrap_pyfunction!(jsonl_piece, module)?)?;
    module.add_function(wrap_pyfunction!(csv_table, module)?)?;
    module.add_function(wrap_pyfunction!(csv_piece, module)?)?;
    module.add_function(wrap_pyfunction!(csv_columns, module)?)?;
    module.add_function(wrap_pyfunction!(csv_dumps, module)?)?;
    module.add_function(wrap_pyfunction!(compress, module)?)
}

/// The ends of records in the formats that are text.
enum Ends {
    Lines(lines::Ends),
    Csv(cannery_csv::Ends),
}

impl RecordEnds for Ends {
    fn next_end(&mut self, data: &[u8]) -> Option<usize> {
        match self {
            Self::Lines(ends) => ends.next_end(data),
            Self::Csv(ends) => ends.next_end(data),
        }
    }

    fn is_open(&self) -> bool {
        match self {
            Self::Lines(ends) => ends.is_open(),
            Self::Csv(ends) => ends.is_open(),
        }
    }
}

/// A piece: offset, length, rows, the first row and its line, and its bytes if they are kept.
type PieceRow<'py> = (u64, u64, u64, u64, u64, Option<Bound<'py, PyBytes>>);

/// Cuts a file of rows into pieces, without parsing them.
#[pyclass(module = "cannery._native", frozen)]
struct RowPieces {
    pieces: Mutex<Pieces<Ends>>,
    name: String,
    /// Whether the bytes of the pieces are handed over.
    keep: bool,
    /// Records before the first row: a header.
    header: u64,
    calls_python: bool,
}

#[pymethods]
impl RowPieces {
    #[new]
    #[pyo3(signature = (path, file, delimiter, header, rows, bytes, keep))]
    #[expect(clippy::too_many_arguments, reason = "each is an option of its own")]
    fn new(
        py: Python<'_>,
        path: Option<PathBuf>,
        file: Option<&Bound<'_, PyAny>>,
        delimiter: Option<u8>,
        header: bool,
        rows: Option<u64>,
        bytes: Option<u64>,
        keep: bool,
    ) -> PyResult<Self> {
        let (input, calls_python) = opened(py, path, file)?;
        let name = input.name().to_owned();
        let ends = match delimiter {
            None => Ends::Lines(lines::Ends::default()),
            Some(delimiter) => Ends::Csv(cannery_csv::Ends::at_start(Dialect { delimiter })),
        };
        let most = PieceOptions::default()
            .records(rows.unwrap_or(u64::MAX))
            .bytes(bytes.unwrap_or(u64::MAX));
        let mut pieces =
            Pieces::new(input.into_reader(), ends, PieceOptions::default().records(1).keep(false));
        if header {
            next_piece(py, &mut pieces, calls_python).or_raise(py)?;
        }
        pieces.set_options(most.keep(keep));
        let (pieces, header) = (Mutex::new(pieces), u64::from(header));
        Ok(Self { pieces, name, keep, header, calls_python })
    }

    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<PieceRow<'py>>> {
        py.check_signals()?;
        let read = next_piece(py, &mut *self.pieces()?, self.calls_python);
        let read = read.map_err(|error| error.in_file(&*self.name)).or_raise(py)?;
        let Some(piece) = read else { return Ok(None) };
        let bytes = self.keep.then(|| memory::new_bytes(py, &piece.bytes)).transpose()?;
        let first = piece.first_record - self.header;
        Ok(Some((piece.offset, piece.len, piece.records, first, piece.first_line, bytes)))
    }
}

impl RowPieces {
    fn pieces(&self) -> PyResult<MutexGuard<'_, Pieces<Ends>>> {
        let busy = |_| PyValueError::new_err("the pieces are already being read");
        self.pieces.try_lock().map_err(busy)
    }
}

/// Reads on, without the interpreter unless a file object is read.
fn next_piece(
    py: Python<'_>,
    pieces: &mut Pieces<Ends>,
    calls_python: bool,
) -> Result<Option<cannery::Piece>> {
    if calls_python { pieces.read() } else { py.detach(|| pieces.read()) }
}

fn opened(
    py: Python<'_>,
    path: Option<PathBuf>,
    file: Option<&Bound<'_, PyAny>>,
) -> PyResult<(Input, bool)> {
    match (path, file) {
        (Some(path), _) => Ok((Input::open(&Location::Path(path)).or_raise(py)?, false)),
        (None, Some(file)) => Ok((Input::from_stream(PyFile::new(file)?).or_raise(py)?, true)),
        (None, None) => Err(PyValueError::new_err("nothing to read from")),
    }
}

/// Where the bytes of a piece are, and where they were.
#[derive(FromPyObject)]
struct PieceBytes {
    /// The file that holds them at `offset`, expanded.
    path: PathBuf,
    offset: u64,
    len: u64,
    /// The bytes themselves, where no file holds them as they are.
    data: Option<Vec<u8>>,
    #[pyo3(attribute("first_row"))]
    row: u64,
    line: u64,
    /// What people call the file.
    name: String,
}

impl PieceBytes {
    fn read(&mut self) -> Result<Vec<u8>> {
        if let Some(data) = self.data.take() {
            return Ok(data);
        }
        let unread = |e| Error::io(e, "cannot read the file");
        let mut file = File::open(&self.path).map_err(|e| Error::io(e, "cannot open the file"))?;
        file.seek(SeekFrom::Start(self.offset)).map_err(unread)?;
        let mut bytes = Vec::new();
        cannery_core::reserve(&mut bytes, usize::try_from(self.len).unwrap_or(usize::MAX))?;
        file.take(self.len).read_to_end(&mut bytes).map_err(unread)?;
        if bytes.len() as u64 == self.len {
            return Ok(bytes);
        }
        Err(Error::new(ErrorKind::Truncated, "the file became shorter while it was read"))
    }

    /// Says of an error in the piece where in the file it is.
    #[cold]
    fn place(&self, error: Error, knows_lines: bool) -> Error {
        let error = error.map_pos(|pos| Pos {
            offset: pos.offset + self.offset,
            line: pos.line + if knows_lines || pos.line == 0 { 0 } else { self.line - 1 },
            ..pos
        });
        error.in_file(&*self.name)
    }
}

/// The rows of a piece of JSON Lines.
#[pyfunction]
fn jsonl_piece(py: Python<'_>, mut piece: PieceBytes) -> PyResult<Bound<'_, PyList>> {
    let data = py.detach(|| piece.read()).map_err(|e| e.in_file(&*piece.name)).or_raise(py)?;
    let mut reader = lines::Reader::new(&data[..], cannery_json::ReadOptions::default());
    let mut builder = PyBuilder::new(py, Plain);
    loop {
        match reader.read_ahead(&mut builder, usize::MAX) {
            (0, Ok(())) => return builder.take_all(),
            (_, outcome) => outcome.map_err(|e| piece.place(e, false)).or_raise(py)?,
        }
    }
}

/// What a table is: delimiter, whether there is a header, names and types, texts for nothing.
type TableRow = (u8, bool, Vec<(String, String)>, Vec<String>);

/// What the columns of a file, or of the beginning of one, are.
#[pyfunction]
#[pyo3(signature = (path, data, delimiter, header, names, types, infer_rows, missing))]
#[expect(clippy::too_many_arguments, reason = "each is an option of its own")]
fn csv_table(
    py: Python<'_>,
    path: Option<PathBuf>,
    data: Option<&[u8]>,
    delimiter: Option<u8>,
    header: bool,
    names: Option<Vec<String>>,
    types: Vec<(String, String)>,
    infer_rows: Option<u64>,
    missing: Vec<String>,
) -> PyResult<TableRow> {
    let header = match names {
        Some(names) => Header::Names(names),
        None if header => Header::First,
        None => Header::None,
    };
    let types = types.into_iter().map(|(name, kind)| Ok((name, kind_of(&kind)?)));
    let options = Options::default()
        .delimiter(delimiter)
        .header(header)
        .types(types.collect::<PyResult<_>>()?)
        .infer_rows(infer_rows)
        .missing(missing);
    let name = path.as_ref().map(|path| path.display().to_string());
    let source: Box<dyn BufRead + Send + '_> = match (path, data) {
        (Some(path), _) => Input::open(&Location::Path(path)).or_raise(py)?.into_reader(),
        (None, data) => Box::new(data.unwrap_or_default()),
    };
    let table = py.detach(|| cannery_csv::infer(source, &options));
    let table = table.map_err(|e| if let Some(name) = name { e.in_file(name) } else { e });
    let table = table.or_raise(py)?;
    let columns = table.columns.into_iter();
    let columns = columns.map(|column| (column.name, column.kind.name().to_owned()));
    Ok((table.dialect.delimiter, table.has_header, columns.collect(), options.missing))
}

fn kind_of(name: &str) -> PyResult<ColumnType> {
    ColumnType::of_name(name)
        .ok_or_else(|| PyValueError::new_err(format!("`{name}` is no type of a column")))
}

fn table_of((delimiter, has_header, columns, missing): TableRow) -> PyResult<Table> {
    let columns = columns.into_iter();
    let columns = columns.map(|(name, kind)| Ok(Column { name, kind: kind_of(&kind)? }));
    Ok(Table {
        dialect: Dialect { delimiter },
        has_header,
        columns: columns.collect::<PyResult<_>>()?,
        missing: missing.into_iter().map(String::into_bytes).collect(),
    })
}

fn csv_reader<'d>(
    data: &'d [u8],
    piece: &PieceBytes,
    table: TableRow,
    wanted: Option<&[String]>,
) -> PyResult<cannery_csv::Reader<&'d [u8]>> {
    let table = table_of(table)?;
    let mut reader = cannery_csv::Reader::with_table(data, table, piece.row, piece.line);
    if let Some(wanted) = wanted {
        reader.select(|column| wanted.contains(&column.name));
    }
    Ok(reader)
}

/// The rows of a piece of CSV.
#[pyfunction]
#[pyo3(signature = (piece, table, wanted))]
fn csv_piece(
    py: Python<'_>,
    mut piece: PieceBytes,
    table: TableRow,
    wanted: Option<Vec<String>>,
) -> PyResult<Bound<'_, PyList>> {
    let data = py.detach(|| piece.read()).map_err(|e| e.in_file(&*piece.name)).or_raise(py)?;
    let mut reader = csv_reader(&data, &piece, table, wanted.as_deref())?;
    let mut builder = PyBuilder::new(py, Plain);
    while reader.read(&mut builder).map_err(|e| piece.place(e, true)).or_raise(py)? {}
    builder.take_all()
}

/// A column: its name, its type, its values, and the rows in which it has none.
type ColumnRow<'py> = (String, &'static str, Bound<'py, PyAny>, Vec<u64>);

/// The columns of a piece of CSV: numbers as the bytes of an array, texts as a list.
#[pyfunction]
#[pyo3(signature = (piece, table, wanted))]
fn csv_columns(
    py: Python<'_>,
    mut piece: PieceBytes,
    table: TableRow,
    wanted: Option<Vec<String>>,
) -> PyResult<Vec<ColumnRow<'_>>> {
    let table = table_of(table)?;
    let read = py.detach(|| {
        let data = piece.read().map_err(|e| e.in_file(&*piece.name))?;
        let mut reader = cannery_csv::Reader::with_table(&data[..], table, piece.row, piece.line);
        if let Some(wanted) = &wanted {
            reader.select(|column| wanted.contains(&column.name));
        }
        reader.read_columns().map_err(|e| piece.place(e, true))
    });
    read.or_raise(py)?.into_iter().map(|column| column_row(py, column)).collect()
}

fn column_row(py: Python<'_>, column: Columns) -> PyResult<ColumnRow<'_>> {
    let bytes = |bytes: &[u8]| memory::new_bytes(py, bytes).map(Bound::into_any);
    let ints = |values: Vec<i64>| values.into_iter().flat_map(i64::to_ne_bytes).collect::<Vec<_>>();
    let floats =
        |values: Vec<f64>| values.into_iter().flat_map(f64::to_ne_bytes).collect::<Vec<_>>();
    let (kind, values) = match column.data {
        ColumnData::Bool(values) => ("bool", bytes(&values)?),
        ColumnData::Int(values) => ("int", bytes(&ints(values))?),
        ColumnData::Float(values) => ("float", bytes(&floats(values))?),
        ColumnData::Text(values) => ("str", PyList::new(py, values)?.into_any()),
    };
    Ok((column.name, kind, values, column.missing))
}

/// Rows as CSV, under a header unless they follow rows with these columns; the columns besides.
#[pyfunction]
#[pyo3(signature = (rows, delimiter, columns))]
fn csv_dumps<'py>(
    py: Python<'py>,
    rows: &Bound<'py, PyAny>,
    delimiter: u8,
    columns: Option<Vec<String>>,
) -> PyResult<(Bound<'py, PyBytes>, Vec<String>)> {
    let (dialect, file) = (Dialect { delimiter }, MemoryFile::default());
    let mut writer = match columns {
        None => cannery_csv::Writer::new(file, dialect),
        Some(columns) => cannery_csv::Writer::with_columns(file, dialect, columns),
    };
    for (count, row) in PyIterator::from_object(rows)?.enumerate() {
        let options = JsonOptions { allow_nan: true, ..JsonOptions::strict() };
        let options = options.with_default(Some("rich".into_pyobject(py)?.into_any()));
        let dialect = JsonDialect::<false>::new(options);
        PyWalker::new(&mut writer, dialect, Limits::default())
            .walk(&row?)
            .map_err(|error| encode_error(py, error))?;
        if count % 4096 == 0 {
            py.check_signals()?;
        }
    }
    let columns = writer.columns().to_vec();
    let bytes = writer.finish().or_raise(py)?.into_bytes();
    Ok((memory::new_bytes(py, &bytes)?, columns))
}

/// Bytes as a compressed file of their own, to which others can be appended.
#[pyfunction]
fn compress<'py>(py: Python<'py>, data: &[u8], extension: &str) -> PyResult<Bound<'py, PyBytes>> {
    let compression = Compression::of_extension(extension)
        .ok_or_else(|| PyValueError::new_err(format!("`{extension}` is no compression")))?;
    let compressed = py.detach(|| compression.compress(data)).or_raise(py)?;
    memory::new_bytes(py, &compressed)
}
