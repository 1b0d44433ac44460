//! A reader driving a writer: from any format to any other, in constant memory where both stream.

use cannery_core::tagged::{MAX_LEVELS, TagDecoder, TagEncoder};
use cannery_core::{Error, ErrorKind, ExpandAliases, Result, Sink, Value, ValueBuilder};
use cannery_format::{AdaptedSink, Capabilities, Documents, Format, Reader, Rows};

use crate::convert_options::ConvertOptions;
use crate::lossy::{Losses, Simplify};
use crate::progress::Progress;
use crate::registry::{format_of, format_of_extension, format_of_id};
use crate::select::Select;
use crate::stages::{ArraysToLists, Head, PathTracker, SplitRows, UniqueKeys};
use crate::{Input, Location, Output, Selection};

/// Converts a file to another format.
///
/// A target file appears when it is whole; after an error there is none, or the old one.
///
/// ```
/// use cannery::{ConvertOptions, Location, convert};
///
/// # let folder = tempfile::tempdir().unwrap();
/// let (rows, list) = (folder.path().join("rows.jsonl"), folder.path().join("list.json"));
/// std::fs::write(&rows, "{\"a\": 1}\n{\"a\": 2}\n").unwrap();
/// convert(&Location::from(&rows), &Location::from(&list), &ConvertOptions::default(), &mut ())?;
/// assert_eq!(std::fs::read_to_string(&list).unwrap(), "[{\"a\":1},{\"a\":2}]\n");
/// # Ok::<(), cannery::Error>(())
/// ```
///
/// # Errors
/// Those of both formats and of the operating system, with the file's name and, where the target
/// cannot hold a value, the path to it.
pub fn convert(
    source: &Location,
    target: &Location,
    options: &ConvertOptions,
    watch: &mut dyn Progress,
) -> Result<Losses> {
    #[cfg(feature = "safetensors")]
    if crate::convert_if_tensors(source, target, options)?.is_some() {
        return Ok(Losses::default());
    }
    let to = match &options.to {
        Some(id) => format_of_id(id),
        None => format_of_extension(target.extension().as_deref()),
    };
    let to = to.map_err(|e| e.in_file(target.name()))?;
    let mut input = Input::open(source)?;
    if let Some((counter, size)) = input.count_reads() {
        watch.reads(counter, size);
    }
    if to.holds_more() && is_copied(&input, to, options)? {
        to.copy(input, Output::create(target)?).map_err(|e| e.in_file(source.name()))?;
        return Ok(Losses::default());
    }
    let open = OpenSource::open(input, options).map_err(|e| e.in_file(source.name()))?;
    let output = Output::create(target)?;
    convert_between(open, output, to, options, watch).map_err(|e| e.in_file(source.name()))
}

/// Whether a file is wanted as it is, so that what no value holds stays.
fn is_copied(input: &Input, to: &dyn Format, options: &ConvertOptions) -> Result<bool> {
    let format = match &options.from {
        Some(id) => format_of_id(id)?,
        None => format_of(input)?,
    };
    Ok(format.id() == to.id() && options.select.is_none() && options.head.is_none())
}

/// A file that is open for reading, its format known.
pub struct OpenSource {
    format: &'static dyn Format,
    reader: Box<dyn Reader>,
}

impl OpenSource {
    /// Opens an input in the format asked for, or in the one it looks like.
    ///
    /// # Errors
    /// [`cannery_core::ErrorKind::Unsupported`] if the format is not known; those of the format and
    /// the input.
    pub fn open(input: Input, options: &ConvertOptions) -> Result<Self> {
        let format = match &options.from {
            Some(id) => format_of_id(id)?,
            None => format_of(&input)?,
        };
        let mut read = options.read.clone();
        if options.tagged && !format.capabilities().arrays {
            // A value in the tagged form takes several levels of its document.
            read.limits = read.limits.depth(read.limits.depth * MAX_LEVELS);
        }
        Ok(Self { format, reader: format.open(input, &read)? })
    }

    /// A file of tensors, as a map of arrays.
    ///
    /// # Errors
    /// [`cannery_core::ErrorKind::Unsupported`] if this build has no format of tensors.
    #[cfg(feature = "safetensors")]
    pub fn of_tensors(tensors: crate::OpenTensors) -> Result<Self> {
        let reader = cannery_format::once(move |sink| tensors.send(sink));
        Ok(Self { format: format_of_id("safetensors")?, reader })
    }

    /// Its format.
    #[must_use]
    pub fn format(&self) -> &'static dyn Format {
        self.format
    }

    /// Sends what it holds to `sink`, documents in a row as one list; the tagged form as what it
    /// stands for, if the options say so.
    ///
    /// # Errors
    /// Those of the format, the input and the sink.
    pub fn send(self, sink: &mut dyn Sink, options: &ConvertOptions) -> Result<()> {
        let untags = self.untags(options);
        read_raised(self.reader, sink, untags)
    }

    /// What it holds, as a tree.
    ///
    /// ```
    /// use cannery::{ConvertOptions, Input, OpenSource, Value};
    ///
    /// let text = br#"{"$type": "tuple", "value": [1]}"#.to_vec();
    /// let options = ConvertOptions::default().tagged(true);
    /// let value = OpenSource::open(Input::from_memory(text)?, &options)?.into_value(&options)?;
    /// assert_eq!(value, Value::Tuple(vec![Value::Int(1)]));
    /// # Ok::<(), cannery::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of the format, the input and the limits.
    pub fn into_value(self, options: &ConvertOptions) -> Result<Value> {
        let mut builder = ValueBuilder::new(options.read.limits);
        self.send(&mut builder, options)?;
        builder.finish()
    }

    /// Whether tags in it are read: a format of arrays has none.
    fn untags(&self, options: &ConvertOptions) -> bool {
        let capabilities = self.format.capabilities();
        options.tagged && !capabilities.arrays && !capabilities.typed
    }

    /// How many documents it holds.
    #[must_use]
    pub fn documents(&self) -> Documents {
        self.reader.documents()
    }
}

/// Converts from a source that is open to an open output in a format that is known.
///
/// # Errors
/// As [`convert`].
pub fn convert_between(
    source: OpenSource,
    output: Output<'_>,
    to: &dyn Format,
    options: &ConvertOptions,
    watch: &mut dyn Progress,
) -> Result<Losses> {
    let mut losses = Losses::default();
    let plan = Plan::new(&source, to, options);
    let write = options.write.clone().rows(plan.as_rows).surrogates(options.tagged);
    // Rows before one that fails are as good as any, where they are not a part of a file.
    let keeps_rows = plan.capabilities.rows == Rows::Always && !output.is_file();
    let mut writer = to.writer(output, &write)?;
    if plan.is_nothing {
        return writer.finish().map(|()| losses);
    }
    let sent = plan.send(source, writer.sink(), options, (watch, &mut losses));
    let can_tag = !options.tagged && !plan.capabilities.arrays;
    let sent =
        sent.map_err(say_expanded).map_err(|error| if can_tag { say_tagged(error) } else { error });
    if keeps_rows && sent.is_err() {
        drop(writer.finish());
        return sent.map(|()| losses);
    }
    sent?;
    writer.finish().map(|()| losses)
}

/// The cure for aliases that are written out to more than the limits allow.
#[cold]
fn say_expanded(error: Error) -> Error {
    // What the variable names is bytes, not values.
    match error.kind() {
        ErrorKind::Limit if error.message().contains("bytes") => {
            error.with_hint(crate::EXPANSION_HINT)
        }
        _ => error,
    }
}

/// The cure for a kind of value that the target lacks.
#[cold]
fn say_tagged(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Cycle => error.with_hint("the option `tagged` writes it with its type"),
        ErrorKind::Unsupported => error.with_hint(
            "the option `tagged` writes it with its type, `lossy` as the nearest thing there is",
        ),
        ErrorKind::Value if error.hint().is_some_and(|hint| hint.contains("`non_finite`")) => {
            error.with_hint("the option `nan` writes it as Python does, `tagged` with its type")
        }
        _ => error,
    }
}

/// What must stand between a reader and a writer.
#[expect(clippy::struct_excessive_bools, reason = "they are answers to independent questions")]
struct Plan {
    /// There are no rows at all.
    is_nothing: bool,
    /// The items of the outermost list are sent one by one.
    as_rows: bool,
    /// A value that is no list is a row.
    any_row: bool,
    /// References are written out in full.
    unshares: bool,
    capabilities: Capabilities,
    /// The name of the target's format, for people.
    title: &'static str,
}

impl Plan {
    fn new(source: &OpenSource, to: &dyn Format, options: &ConvertOptions) -> Self {
        let (documents, capabilities) = (source.documents(), to.capabilities());
        let selects = options.select.is_some();
        let as_rows = match capabilities.rows {
            Rows::Never => false,
            Rows::Possibly => documents != Documents::One && !selects,
            Rows::Always => true,
        };
        // A document of a format that has both may well be the only row.
        let only_row = source.format.capabilities().rows == Rows::Possibly;
        let lost = !capabilities.references && !options.tagged;
        // In a row of documents, names of references are used again.
        let repeated = documents == Documents::Several && !as_rows;
        Self {
            is_nothing: documents == Documents::None && as_rows && !selects,
            as_rows,
            any_row: options.write.any_rows || only_row && !selects,
            unshares: lost || repeated || selects || options.expands_aliases,
            capabilities,
            title: to.title(),
        }
    }

    /// Sends the source to the writer, with all that must stand in between.
    fn send(
        &self,
        source: OpenSource,
        writer: &mut dyn Sink,
        options: &ConvertOptions,
        (watch, losses): (&mut dyn Progress, &mut Losses),
    ) -> Result<()> {
        let limits = options.read.limits;
        let untags = source.untags(options);
        let (mut tagger, mut rows, mut lower, mut unshare);
        let mut sink: &mut dyn Sink = writer;
        if options.tagged && !self.capabilities.arrays {
            tagger = TagEncoder::new(sink).support(self.capabilities.support);
            sink = &mut tagger;
        }
        if self.as_rows {
            rows = AdaptedSink(SplitRows::new(sink, self.any_row));
            sink = &mut rows;
        }
        let (mut unique, mut simplify);
        if self.capabilities.unique_keys {
            unique = AdaptedSink(UniqueKeys::new(sink, self.title));
            sink = &mut unique;
        }
        if !options.tagged && !self.capabilities.arrays {
            let target = (self.capabilities, self.title);
            simplify = Simplify::new(sink, target, (options.lossy, options.write.nan), losses);
            sink = &mut simplify;
        }
        let base = options.select.as_ref().map(Selection::base).unwrap_or_default();
        let mut guide = AdaptedSink(PathTracker::new(sink, watch, base));
        sink = &mut guide;
        if !self.capabilities.arrays && (options.arrays_as_lists || !options.tagged) {
            lower = AdaptedSink(ArraysToLists { next: sink, limits });
            sink = &mut lower;
        }
        if self.unshares {
            unshare = ExpandAliases::new(sink, limits);
            sink = &mut unshare;
        }
        read(source.reader, sink, untags, options)
    }
}

/// Reads what is wanted of a source.
fn read(
    reader: Box<dyn Reader>,
    sink: &mut dyn Sink,
    untags: bool,
    options: &ConvertOptions,
) -> Result<()> {
    if let Some(count) = options.head {
        let mut head = AdaptedSink(Head::new(sink, count));
        let read = read_selected(reader, &mut head, untags, options);
        return head.0.outcome(read);
    }
    read_selected(reader, sink, untags, options)
}

fn read_selected(
    reader: Box<dyn Reader>,
    sink: &mut dyn Sink,
    untags: bool,
    options: &ConvertOptions,
) -> Result<()> {
    let limits = options.read.limits;
    let Some(selection) = &options.select else { return read_raised(reader, sink, untags) };
    let mut select = AdaptedSink(Select::new(sink, selection, limits));
    let read = read_raised(reader, &mut ExpandAliases::new(&mut select, limits), untags);
    select.0.outcome(read)
}

fn read_raised(reader: Box<dyn Reader>, sink: &mut dyn Sink, untags: bool) -> Result<()> {
    if untags { reader.read(&mut TagDecoder::new(sink)) } else { reader.read(sink) }
}
