//! Whole command lines, run in memory over files that the tests make.

use std::path::{Path, PathBuf};

use cannery_cli::{Console, ExitStatus, Host, MapRequest, RunRequest};

/// A folder of files and what command lines over them print.
pub(crate) struct Folder(tempfile::TempDir);

/// A host that tells what it was asked to run.
pub(crate) struct Recorder(pub(crate) Vec<RunRequest>);

impl Host for Recorder {
    fn run(&mut self, request: &RunRequest) -> cannery::Result<ExitStatus> {
        self.0.push(request.clone());
        Ok(ExitStatus::Success)
    }

    /// Tells it at once.
    fn map_chunks(&mut self, request: &MapRequest) -> cannery::Result<ExitStatus> {
        let file = request.file.file_name().unwrap_or_default().display();
        let sizes = (request.rows, request.bytes, request.workers, request.restart, request.json);
        let message = format!("asked for {} of {file} {sizes:?}", request.function);
        Err(cannery::Error::new(cannery::ErrorKind::Unsupported, message))
    }
}

#[expect(dead_code, reason = "each test program uses some of it")]
impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn root(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> &Self {
        std::fs::write(self.path(name), content).unwrap();
        self
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Runs a command line; each word that begins with `:` is a file of the folder.
    pub(crate) fn run(&self, line: &str) -> String {
        self.run_with(line, &mut Recorder(Vec::new()))
    }

    pub(crate) fn run_with(&self, line: &str, host: &mut dyn Host) -> String {
        // The folder's name is taken out of what was printed.
        self.run_in(line, 80 + self.prefix().len(), host)
    }

    /// Runs a command line over the folder `store` in lines of 72 columns.
    pub(crate) fn run_narrow(&self, line: &str) -> String {
        self.run_in(&format!("{line} --store :store"), 72, &mut Recorder(Vec::new()))
    }

    fn run_in(&self, line: &str, width: usize, host: &mut dyn Host) -> String {
        let word = |word: &str| match word.strip_prefix(':') {
            Some(name) => self.path(name).into_os_string(),
            None => word.into(),
        };
        let args: Vec<_> = std::iter::once("cannery").chain(line.split(' ')).map(word).collect();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut console = Console::new(&mut out, &mut err).with_width(width);
        let status = cannery_cli::main(&args, host, &mut console);
        let text = |bytes| String::from_utf8(bytes).unwrap().replace(&self.prefix(), "");
        format!("{}----- exit {}\n{}", text(out), status.code(), text(err))
    }

    fn prefix(&self) -> String {
        format!("{}/", self.0.path().display())
    }
}
