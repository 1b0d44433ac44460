//! A reader driving a writer: from any format to any other, in constant memory where both stream.

use cannery_core::{Limits, Result, Sink, Unshare};

use crate::format::{
    Format, Holds, ReadOptions, WriteOptions, format_of, format_of_extension, format_of_id,
};
use crate::relay::Relayed;
use crate::stages::{Guide, Head, Lower, Rows};
use crate::{Input, Output, Place};

/// Sees how far a conversion has come, and may stop it.
pub trait Watch {
    /// Looks at a conversion that has passed on so many events.
    ///
    /// # Errors
    /// Any error ends the conversion; [`cannery_core::ErrorKind::Interrupted`] is meant for it.
    fn look(&mut self, events: u64) -> Result<()>;
}

/// Nobody watches.
impl Watch for () {
    fn look(&mut self, _events: u64) -> Result<()> {
        Ok(())
    }
}

/// How a conversion is done.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ConvertOptions {
    /// The short name of the source's format; by default its content and name tell.
    pub from: Option<String>,
    /// The short name of the target's format; by default its name tells.
    pub to: Option<String>,
    /// Only the first items of the outermost list, map or array.
    pub head: Option<u64>,
    /// How the source is read.
    pub read: ReadOptions,
    /// How the target is written.
    pub write: WriteOptions,
}

impl ConvertOptions {
    /// Sets [`from`](Self::from).
    #[must_use]
    pub fn from(mut self, id: Option<String>) -> Self {
        self.from = id;
        self
    }

    /// Sets [`to`](Self::to).
    #[must_use]
    pub fn to(mut self, id: Option<String>) -> Self {
        self.to = id;
        self
    }

    /// Sets [`head`](Self::head).
    #[must_use]
    pub fn head(mut self, count: Option<u64>) -> Self {
        self.head = count;
        self
    }

    /// Sets [`read`](Self::read).
    #[must_use]
    pub fn read(mut self, options: ReadOptions) -> Self {
        self.read = options;
        self
    }

    /// Sets [`write`](Self::write).
    #[must_use]
    pub fn write(mut self, options: WriteOptions) -> Self {
        self.write = options;
        self
    }
}

/// Converts a file to another format.
///
/// A target file appears when it is whole; after an error there is none, or the old one.
///
/// ```
/// use cannery::{ConvertOptions, Place, convert};
///
/// # let folder = tempfile::tempdir().unwrap();
/// let (rows, list) = (folder.path().join("rows.jsonl"), folder.path().join("list.json"));
/// std::fs::write(&rows, "{\"a\": 1}\n{\"a\": 2}\n").unwrap();
/// convert(&Place::from(&rows), &Place::from(&list), &ConvertOptions::default(), &mut ())?;
/// assert_eq!(std::fs::read_to_string(&list).unwrap(), "[{\"a\":1},{\"a\":2}]\n");
/// # Ok::<(), cannery::Error>(())
/// ```
///
/// # Errors
/// Those of both formats and of the operating system, with the file's name and, where the target
/// cannot hold a value, the path to it.
pub fn convert(
    source: &Place,
    target: &Place,
    options: &ConvertOptions,
    watch: &mut dyn Watch,
) -> Result<()> {
    let to = match &options.to {
        Some(id) => format_of_id(id),
        None => format_of_extension(target.extension().as_deref()),
    };
    let to = to.map_err(|e| e.in_file(target.name()))?;
    let input = Input::open(source)?;
    let from = source_format(&input, options).map_err(|e| e.in_file(source.name()))?;
    let output = Output::create(target)?;
    convert_between(input, from, output, to, options, watch).map_err(|e| e.in_file(source.name()))
}

/// The format of `input`: the one asked for, or the one it looks like.
///
/// # Errors
/// [`cannery_core::ErrorKind::Unsupported`] if it is not known.
pub fn source_format(input: &Input, options: &ConvertOptions) -> Result<&'static dyn Format> {
    match &options.from {
        Some(id) => format_of_id(id),
        None => format_of(input),
    }
}

/// Converts from an open input to an open output, between formats that are known.
///
/// # Errors
/// As [`convert`].
pub fn convert_between(
    input: Input,
    from: &dyn Format,
    output: Output<'_>,
    to: &dyn Format,
    options: &ConvertOptions,
    watch: &mut dyn Watch,
) -> Result<()> {
    let mut writer = to.writer(output, &options.write)?;
    let read = |sink: &mut dyn Sink| match options.head {
        None => from.read(input, &options.read, sink),
        Some(count) => {
            let mut head = Relayed(Head::new(sink, count));
            let read = from.read(input, &options.read, &mut head);
            head.0.outcome(read)
        }
    };
    pass_on(read, writer.sink(), to.holds(), options, watch)?;
    writer.finish()
}

/// Puts what the target cannot hold in between: references, arrays, a list around its rows.
fn pass_on(
    read: impl FnOnce(&mut dyn Sink) -> Result<()>,
    writer: &mut dyn Sink,
    holds: Holds,
    options: &ConvertOptions,
    watch: &mut dyn Watch,
) -> Result<()> {
    let limits = options.read.limits;
    let mut rows = Relayed(Rows::new(writer, options.write.any_rows));
    let rows: &mut dyn Sink = if holds.rows { &mut rows } else { rows.0.next };
    let mut guide = Relayed(Guide::new(rows, watch));
    let mut lower = Relayed(Lower { next: &mut guide, limits });
    let lower: &mut dyn Sink = if holds.arrays { &mut *lower.0.next } else { &mut lower };
    unshared(read, lower, holds, limits)
}

fn unshared(
    read: impl FnOnce(&mut dyn Sink) -> Result<()>,
    sink: &mut dyn Sink,
    holds: Holds,
    limits: Limits,
) -> Result<()> {
    if holds.references { read(sink) } else { read(&mut Unshare::new(sink, limits)) }
}
