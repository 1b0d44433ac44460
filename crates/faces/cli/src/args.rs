//! What can be typed.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use cannery::{Location, MessageOf, Selection, TensorDtype, format_of_extension, tensor_dtype};
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::console::ColorChoice;
use crate::units;

/// Look into data files, convert them, run pipelines and see what they made.
#[derive(Debug, Parser)]
#[command(
    name = "cannery",
    version,
    arg_required_else_help = true,
    after_help = "A FILE may be `-` for standard input or output, and compressed (.gz, .zst, .bz2,\n\
                  .xz, .lz4, .zz).\n\
                  Exit status: 0 fine, 1 findings, 2 could not complete."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// When results and messages have colours
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t = ColorChoice::Auto,
        value_name = "WHEN",
        hide_possible_values = true
    )]
    pub(crate) color: ColorChoice,
    /// Write results and errors only: no progress, no summaries, and of a scan only findings
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say what is inside files: kinds, lengths, types, sizes
    Inspect(InspectArgs),
    /// Print the values of files, rows one to a line
    Cat(CatAllArgs),
    /// Print the first rows, items or entries of files
    Head(HeadArgs),
    /// Convert a file to another format
    Convert(ConvertArgs),
    /// Call a Python function with each chunk of a file of rows, and write what it returns
    MapChunks(MapChunksArgs),
    /// Compare two versions of artifacts, the tensors of two files, or two messages of Protobuf
    Diff(DiffArgs),
    /// Lay out files in JSON and YAML: blanks, indentation, lines
    Fmt(FmtArgs),
    /// Find all that is wrong with files
    Validate(ValidateArgs),
    /// Say what opening files would do, from their bytes alone
    Scan(ScanArgs),
    /// Run a pipeline of a Python file
    Run(RunArgs),
    /// List runs, or show the steps of one
    Runs(RunsArgs),
    /// List what pipelines have made
    Artifacts(ArtifactsArgs),
    /// Show what an artifact was made from
    Lineage(LineageArgs),
    /// Say what differs between two runs
    Compare(CompareArgs),
    /// Call a run by tags, or take them away
    Tag(TagArgs),
    /// Give a version of an artifact a name of its own, or list these names
    Alias(AliasArgs),
    /// Say why a step of a run ran, or did not
    Why(WhyArgs),
    /// Print what a step of a run has printed
    Logs(LogsArgs),
    /// Check a store or an HDF5 file, and repair what can be repaired
    Fsck(FsckArgs),
    /// Remove what nothing reaches from a store
    Gc(GcArgs),
    /// Copy a store, verify it, or say how much it holds
    #[command(subcommand)]
    Store(StoreCommand),
    /// Print completions for a shell
    Completions(CompletionsArgs),
    /// Print a manual page, for `man -l -`
    Man(ManArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Copy a store to another folder, proving every byte
    Copy(StoreCopyArgs),
    /// Read every byte of a store and say what is damaged
    Verify(StoreVerifyArgs),
    /// Say how much a store holds, and what of
    Size(StoreSizeArgs),
    /// Say how much a store may hold, or set it
    Quota(StoreQuotaArgs),
}

#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Exit status: 0 ok, or all repaired; 1 something is wrong; 2 could not complete."
)]
pub(crate) struct FsckArgs {
    /// HDF5 file that is checked; by default the store is
    #[arg(value_name = "FILE", conflicts_with_all = ["store", "read_data"])]
    pub(crate) file: Option<PathBuf>,
    /// Read every byte of a store, not only names and sizes
    #[arg(long)]
    pub(crate) read_data: bool,
    /// Repair a store: what is damaged is moved to `damaged/`; or write all that is whole of a file
    /// to the new file OUT
    #[arg(long, value_name = "OUT", num_args = 0..=1)]
    #[expect(clippy::option_option, reason = "with or without a value")]
    pub(crate) repair: Option<Option<PathBuf>>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct GcArgs {
    /// Keep the newest COUNT completed runs of each pipeline, and remove older ones
    #[arg(long, value_name = "COUNT")]
    pub(crate) keep_last: Option<u32>,
    /// Remove runs that ended longer ago: 30d, 12h, 45m, 90s
    #[arg(long, value_name = "AGE", value_parser = units::duration)]
    pub(crate) older_than: Option<Duration>,
    /// How old what is removed must be at least
    #[arg(long, value_name = "AGE", default_value = "1h", value_parser = units::duration)]
    pub(crate) grace: Duration,
    /// Only say what would be removed
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct StoreCopyArgs {
    /// A folder that is empty or not there
    #[arg(value_name = "TARGET")]
    pub(crate) target: PathBuf,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct StoreVerifyArgs {
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct StoreSizeArgs {
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct StoreQuotaArgs {
    /// Bytes (500M, 10G), or `none`
    #[arg(value_name = "BYTES", value_parser = units::quota)]
    pub(crate) bytes: Option<units::Quota>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct InspectArgs {
    /// Files
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<OsString>,
    /// Format of the files, where content and name do not tell
    #[arg(long, value_name = "FORMAT")]
    pub(crate) from: Option<String>,
    #[command(flatten)]
    pub(crate) schema: SchemaArgs,
    /// Print one JSON document per file
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct CatAllArgs {
    #[command(flatten)]
    pub(crate) cat: CatArgs,
    /// No more than this number of rows, items or entries
    #[arg(short = 'n', long, value_name = "COUNT")]
    pub(crate) lines: Option<u64>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct CatArgs {
    /// Files
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<OsString>,
    /// Format of the files, where content and name do not tell
    #[arg(long, value_name = "FORMAT")]
    pub(crate) from: Option<String>,
    /// Format to print, instead of JSON
    #[arg(long, value_name = "FORMAT", conflicts_with = "json")]
    pub(crate) to: Option<String>,
    #[command(flatten)]
    pub(crate) part: PartArgs,
    /// Print one JSON document per file, without line breaks inside
    #[arg(long)]
    pub(crate) json: bool,
    /// Print NaN and infinities as Python writes them, instead of null: no other program reads that
    #[arg(long)]
    pub(crate) nan: bool,
}

/// What of a file is read, and as what.
#[derive(Debug, ClapArgs)]
pub(crate) struct PartArgs {
    /// Only the part at this path: `$.a[3].b`, `$.a[-1]`, of each item `$.a[*].b`, of some `$.a[2:5]`
    #[arg(long, value_name = "PATH")]
    pub(crate) path: Option<Selection>,
    /// Keep types that the target lacks, in the tagged form; read it in the source
    #[arg(long)]
    pub(crate) tagged: bool,
    /// Take a single document for rows, where a format has both
    #[arg(long)]
    pub(crate) rows: bool,
    #[command(flatten)]
    pub(crate) schema: SchemaArgs,
}

/// Which message a file of Protobuf is.
#[derive(Debug, ClapArgs)]
pub(crate) struct SchemaArgs {
    /// Schema of a Protobuf file: a `.proto` file or a descriptor set
    #[arg(long, value_name = "FILE", requires = "message")]
    pub(crate) schema: Option<PathBuf>,
    /// Message of the schema that the file is: `shop.Order`
    #[arg(long, value_name = "NAME", requires = "schema")]
    pub(crate) message: Option<String>,
}

/// Formats whose files are messages of Protobuf: a schema that is named counts.
pub(crate) const OF_PROTOBUF: [&str; 5] = ["protobuf", "onnx", "mvt", "osm", "tfevents"];

impl SchemaArgs {
    /// The message that is meant, if one is.
    pub(crate) fn message_of(&self) -> Option<MessageOf> {
        let (schema, message) = (self.schema.clone()?, self.message.clone()?);
        Some(MessageOf { schema, message })
    }

    /// The format of a source: Protobuf, which has no mark of its own, if a message is named and
    /// the name of the file says nothing else.
    pub(crate) fn from(&self, from: Option<&String>, source: &Location) -> Option<String> {
        let is_named = source.extension().is_some_and(|extension| {
            let format = format_of_extension(Some(&extension));
            format.is_ok_and(|format| !OF_PROTOBUF.contains(&format.id()))
        });
        let implied = (self.message.is_some() && !is_named).then(|| "protobuf".to_owned());
        from.cloned().or(implied)
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct HeadArgs {
    #[command(flatten)]
    pub(crate) cat: CatArgs,
    /// How many
    #[arg(short = 'n', long, default_value_t = 10, value_name = "COUNT")]
    pub(crate) lines: u64,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ConvertArgs {
    /// File to read
    #[arg(value_name = "SOURCE")]
    pub(crate) source: OsString,
    /// File to write; its extension tells the format
    #[arg(value_name = "TARGET")]
    pub(crate) target: OsString,
    /// Format of SOURCE, where content and name do not tell
    #[arg(long, value_name = "FORMAT")]
    pub(crate) from: Option<String>,
    /// Format of TARGET, where its name does not tell
    #[arg(long, value_name = "FORMAT")]
    pub(crate) to: Option<String>,
    #[command(flatten)]
    pub(crate) part: PartArgs,
    /// Lay text out in lines, indented by this number of blanks
    #[arg(long, value_name = "BLANKS")]
    pub(crate) indent: Option<usize>,
    /// Read and write NaN and Infinity where a format has none
    #[arg(long)]
    pub(crate) nan: bool,
    #[command(flatten)]
    pub(crate) tensors: TensorArgs,
    /// Print what was done as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What becomes of named tensors.
#[derive(Debug, ClapArgs)]
pub(crate) struct TensorArgs {
    /// Type that floats of tensors become, such as `float16` or `bfloat16`
    #[arg(long, value_name = "TYPE", value_parser = tensor_dtype)]
    pub(crate) dtype: Option<TensorDtype>,
    /// Only tensors of this name; `*` stands for any characters, `?` for one, `[0-9]` for one of these
    #[arg(long, value_name = "PATTERN")]
    pub(crate) include: Vec<String>,
    /// Divide safetensors over files of this many bytes at most: 5GB, 512MiB
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    pub(crate) shard_size: Option<u64>,
    /// Write what the target lacks as the nearest that it has, or leave it out, and list what was lost
    #[arg(long)]
    pub(crate) lossy: bool,
}

/// A number of bytes, with a unit or without.
fn bytes(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, u64); 9] = [
        ("", 1),
        ("b", 1),
        ("kb", 1_000),
        ("mb", 1_000_000),
        ("gb", 1_000_000_000),
        ("kib", 1 << 10),
        ("mib", 1 << 20),
        ("gib", 1 << 30),
        ("tb", 1_000_000_000_000),
    ];
    let (number, unit) =
        text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let unit = unit.trim().to_ascii_lowercase();
    let unit = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, size)| size);
    let size = number.parse::<u64>().ok().zip(unit).and_then(|(n, unit)| n.checked_mul(*unit));
    size.filter(|&size| size > 0).ok_or_else(|| "expected a size such as `5GB`".to_owned())
}

#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Of artifacts, the code, parameters, inputs and files of the steps that made them are \
                  compared, and the values.\n\
                  Exit status: 0 the same values, 1 different, 2 could not compare."
)]
pub(crate) struct DiffArgs {
    /// An artifact (NAME@VERSION), a file of tensors: safetensors or its index, a checkpoint, NPZ,
    /// NPY, a folder of NPY; or a message of Protobuf
    #[arg(value_name = "FIRST")]
    pub(crate) first: OsString,
    /// What to compare it with
    #[arg(value_name = "SECOND")]
    pub(crate) second: OsString,
    /// Difference of two values that is tolerated
    #[arg(long, value_name = "NUMBER", default_value_t = 0.0)]
    pub(crate) atol: f64,
    /// Difference that is tolerated, in proportion to the value in SECOND
    #[arg(long, value_name = "NUMBER", default_value_t = 0.0)]
    pub(crate) rtol: f64,
    #[command(flatten)]
    pub(crate) schema: SchemaArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// Which files are meant.
#[derive(Debug, ClapArgs)]
pub(crate) struct FilesArgs {
    /// Files; of a folder, all in it whose names tell a format
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<OsString>,
    /// Format of the files, where content and name do not tell
    #[arg(long, value_name = "FORMAT")]
    pub(crate) from: Option<String>,
}

#[derive(Debug, ClapArgs)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct FmtArgs {
    #[command(flatten)]
    pub(crate) files: FilesArgs,
    /// Change nothing; say which files are not laid out so
    #[arg(long)]
    pub(crate) check: bool,
    /// Change nothing; show what would change
    #[arg(long)]
    pub(crate) diff: bool,
    /// Blanks for each level [default: 2, for YAML as the file has it]
    #[arg(long, value_name = "BLANKS")]
    pub(crate) indent: Option<usize>,
    /// Columns that lists and maps of JSON may reach on one line
    #[arg(long, value_name = "COLUMNS", default_value_t = 80)]
    pub(crate) width: usize,
    /// Put keys of JSON in order
    #[arg(long)]
    pub(crate) sort_keys: bool,
    /// Print what was found as JSON
    #[arg(long, conflicts_with = "diff")]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ValidateArgs {
    #[command(flatten)]
    pub(crate) files: FilesArgs,
    #[command(flatten)]
    pub(crate) schema: SchemaArgs,
    /// Accept NaN and Infinity where a format has none
    #[arg(long)]
    pub(crate) nan: bool,
    /// Print what was found as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Verdicts: ok, unknown, DANGER; skipped is what no loader would unpickle, code a program.\n\
                  With --quiet only files that are unknown or dangerous are printed.\n\
                  Exit status: 0 all ok, 1 something dangerous, 2 something unknown or unreadable, or nothing to judge."
)]
pub(crate) struct ScanArgs {
    /// Files and folders: pickles, checkpoints, arrays, archives of these
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<OsString>,
    /// How the findings are printed
    #[arg(long, value_enum, default_value_t = ScanFormat::Text, value_name = "FORMAT")]
    pub(crate) format: ScanFormat,
    /// Print one JSON document, as `--format json` does
    #[arg(long, conflicts_with = "format")]
    pub(crate) json: bool,
}

/// How findings are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScanFormat {
    /// A line to a file, and one to each further finding
    Text,
    /// One JSON document
    Json,
    /// SARIF 2.1.0, for code hosts
    Sarif,
}

#[derive(Debug, ClapArgs)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct RunArgs {
    /// Python file, and the pipeline in it if there are several
    #[arg(value_name = "FILE.py[:PIPELINE]")]
    pub(crate) target: OsString,
    /// A parameter of the pipeline
    #[arg(short, long = "param", value_name = "NAME=VALUE")]
    pub(crate) params: Vec<String>,
    /// A file of parameters: YAML, JSON or any other format that holds a map
    #[arg(long = "params", value_name = "FILE")]
    pub(crate) params_files: Vec<PathBuf>,
    /// Run this step although its result is known; without a name, all of them
    #[arg(long, value_name = "STEP", num_args = 0..=1, default_missing_value = "*")]
    pub(crate) force: Vec<String>,
    /// Use no known result
    #[arg(long)]
    pub(crate) no_cache: bool,
    /// Use no result that is older: 30d, 12h, 45m, 90s
    #[arg(long, value_name = "AGE", value_parser = units::duration)]
    pub(crate) ttl: Option<Duration>,
    /// How many steps run at a time
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) workers: Option<u16>,
    /// Where steps run: in `threads` of this process, or in `processes` of their own
    #[arg(long, value_name = "EXECUTOR", value_parser = ["threads", "processes"])]
    pub(crate) executor: Option<String>,
    /// After a step has failed, run those that do not need it
    #[arg(long)]
    pub(crate) keep_going: bool,
    /// Run nothing; say which steps would run
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Call the run by this, to find it again
    #[arg(long = "tag", value_name = "TAG")]
    pub(crate) tags: Vec<String>,
    /// Parameters whose values say which partition the run's artifacts are
    #[arg(long, value_name = "PARAM")]
    pub(crate) partition: Vec<String>,
    /// Take up a run that did not complete, with its parameters; without a number, the last one
    #[arg(long, value_name = "RUN", num_args = 0..=1, default_missing_value = "0")]
    pub(crate) resume: Option<i64>,
    /// A run for each of a parameter's values: days (2026-11-01..2026-11-30), months
    /// (2026-01..2026-12), numbers (1..5), or values with commas between them
    #[arg(long, value_name = "NAME=VALUES", conflicts_with = "resume")]
    pub(crate) backfill: Vec<String>,
    /// The store's folder; by default `CANNERY_STORE`, or the nearest `.cannery` upwards
    #[arg(long, value_name = "FOLDER")]
    pub(crate) store: Option<PathBuf>,
    /// Print the run as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
#[command(
    after_help = "A run that was interrupted is taken up by the same command: TARGET.journal says what is done."
)]
pub(crate) struct MapChunksArgs {
    /// Python file, and the function in it
    #[arg(value_name = "FILE.py:FUNCTION")]
    pub(crate) function: OsString,
    /// File that is read: JSON Lines, CSV, NPY, HDF5, Parquet and others
    pub(crate) source: OsString,
    /// File that is written: JSON Lines, CSV, NPY, Parquet and others
    pub(crate) target: OsString,
    /// Rows of a chunk, at most
    #[arg(long, value_name = "COUNT")]
    pub(crate) rows: Option<u64>,
    /// Bytes of the source that a chunk takes, about
    #[arg(long, value_name = "COUNT")]
    pub(crate) bytes: Option<u64>,
    /// Processes that call the function; 0 for this one [default: one for each processor]
    #[arg(long, value_name = "COUNT")]
    pub(crate) workers: Option<u64>,
    /// Begin anew, and forget what an interrupted run has done
    #[arg(long)]
    pub(crate) restart: bool,
    /// Print what was done as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which store is looked into.
#[derive(Debug, ClapArgs)]
pub(crate) struct StoreArgs {
    /// The store's folder; by default `CANNERY_STORE`, or the nearest `.cannery` upwards
    #[arg(long, value_name = "FOLDER")]
    pub(crate) store: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RunsArgs {
    /// Show the steps of this run
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<i64>,
    /// Only runs of this pipeline
    #[arg(long, value_name = "NAME", conflicts_with = "run")]
    pub(crate) pipeline: Option<String>,
    /// Only runs that are running, completed, failed, interrupted or crashed
    #[arg(long, value_name = "STATUS", conflicts_with = "run")]
    pub(crate) status: Option<String>,
    /// Only runs with this tag
    #[arg(long, value_name = "TAG", conflicts_with = "run")]
    pub(crate) tag: Option<String>,
    /// No more than this number, the newest
    #[arg(short = 'n', long, default_value_t = 20, value_name = "COUNT")]
    pub(crate) limit: u32,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ArtifactsArgs {
    /// Only versions of this artifact
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Only what came out of this run
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<i64>,
    /// All versions, not only the latest
    #[arg(long)]
    pub(crate) all: bool,
    /// The latest version of each partition, or of this one
    #[arg(
        long,
        value_name = "KEY=VALUE",
        num_args = 0..=1,
        default_missing_value = "",
        conflicts_with_all = ["all", "run"]
    )]
    pub(crate) partition: Option<String>,
    /// No more than this number, the newest
    #[arg(short = 'n', long, value_name = "COUNT")]
    pub(crate) limit: Option<u32>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct LineageArgs {
    /// An artifact: its name, NAME@VERSION, or the first digits of its digest
    #[arg(value_name = "ARTIFACT", required_unless_present_any = ["run", "format"])]
    pub(crate) artifact: Option<String>,
    /// Show what was made from it instead
    #[arg(long, conflicts_with = "both")]
    pub(crate) down: bool,
    /// Show what it was made from, and what was made from it
    #[arg(long)]
    pub(crate) both: bool,
    /// The steps of this run, instead of an artifact
    #[arg(long, value_name = "RUN", conflicts_with_all = ["artifact", "down", "both"])]
    pub(crate) run: Option<i64>,
    /// How it is printed: as a `tree`, a picture (`svg`), for `mermaid`, or as `openlineage` events
    #[arg(long, value_enum, value_name = "FORMAT", hide_possible_values = true)]
    pub(crate) format: Option<LineageFormat>,
    /// What events tell jobs and artifacts of this store apart by; by default its folder
    #[arg(long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// How a lineage is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LineageFormat {
    /// A tree of lines
    Tree,
    /// A picture
    Svg,
    /// A flowchart of Mermaid
    Mermaid,
    #[value(help = "Events of OpenLineage, one JSON document to a line")]
    Openlineage,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = "Exit status: 0 the same, 1 different, 2 could not compare.")]
pub(crate) struct CompareArgs {
    /// The first run's number
    #[arg(value_name = "RUN")]
    pub(crate) before: i64,
    /// The second run's number
    #[arg(value_name = "RUN")]
    pub(crate) after: i64,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct TagArgs {
    /// The run's number
    #[arg(value_name = "RUN")]
    pub(crate) run: i64,
    /// What it is called by; without any, its tags are printed
    #[arg(value_name = "TAG")]
    pub(crate) tags: Vec<String>,
    /// Take these tags away
    #[arg(long)]
    pub(crate) remove: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct AliasArgs {
    /// The alias, such as `production`; without one, all are listed
    #[arg(value_name = "ALIAS", requires = "artifact")]
    pub(crate) alias: Option<String>,
    /// The version that it names: NAME@VERSION, or NAME for the latest
    #[arg(value_name = "ARTIFACT")]
    pub(crate) artifact: Option<String>,
    /// Take the alias away from the artifact
    #[arg(long, requires = "alias")]
    pub(crate) remove: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct WhyArgs {
    /// The run's number
    #[arg(value_name = "RUN")]
    pub(crate) run: i64,
    /// The step's name
    #[arg(value_name = "STEP")]
    pub(crate) step: String,
    /// Compare it with the step of this run, instead of with the last one that ran before
    #[arg(long, value_name = "RUN")]
    pub(crate) against: Option<i64>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct LogsArgs {
    /// The run's number, and the step's name; without a step, all of them. With `--last`, the
    /// step's name
    #[arg(required = true, num_args = 1..=2, value_name = "RUN [STEP]")]
    pub(crate) target: Vec<String>,
    /// Of the last run that has the step
    #[arg(long)]
    pub(crate) last: bool,
    /// Print what comes until the step, or the run, has ended
    #[arg(short, long, conflicts_with = "json")]
    pub(crate) follow: bool,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: Shell,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ManArgs {
    /// The command that the page is about; without one, it is about all
    pub(crate) command: Option<String>,
    /// Write all pages into this folder instead
    #[arg(long, value_name = "FOLDER", conflicts_with = "command")]
    pub(crate) out: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Args::command().debug_assert();
    }
}
