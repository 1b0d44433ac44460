//! The error of every crate below the faces: kind, position, path and hint, one word wide.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use crate::{Path, Segment, printable, printable_lines};

/// `std::result::Result` with [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something could not be read, written, stored or run.
///
/// The message says what was expected and what was found; [`hint`](Error::hint) says what to do
/// about it. The byte offset is kept; line and column are computed when they are asked for
/// ([`locate`](Error::locate)), for it is not looked at at most errors.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: Cow<'static, str>,
    pos: Option<Pos>,
    file: Option<String>,
    // Innermost segment first: a path grows outwards while an error travels up.
    path: Vec<Segment>,
    hint: Option<Cow<'static, str>>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What kind of failure an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes do not follow the format's grammar.
    Syntax,
    /// The input ends inside a value.
    Truncated,
    /// Text is not valid in its encoding.
    Encoding,
    /// The value has another type than was asked for.
    Type,
    /// The value has the right type but is not allowed here: out of range, a duplicate, a NaN.
    Value,
    /// The target has no way to say this, or the source says something not supported.
    Unsupported,
    /// A reference to itself where the target has no references.
    Cycle,
    /// An alias without its mark.
    Reference,
    /// Nested deeper than the limit.
    Depth,
    /// Larger than the limit.
    Limit,
    /// A type or function that is not trusted.
    Untrusted,
    /// A checksum or digest does not match: the bytes are not those that were written.
    Corrupt,
    /// Written by a newer version.
    Version,
    /// Not there.
    NotFound,
    /// Another process was faster, or holds it.
    Conflict,
    /// May not be read or written by this user.
    Permission,
    /// The operating system said no.
    Io,
    /// Interrupted by the user.
    Interrupted,
    /// There is not enough memory.
    Memory,
    /// It took longer than it may.
    Timeout,
    /// A worker process ended before its work, or cannot do it.
    Worker,
    /// The host's own exception (for one: Python's), carried through as the source.
    Host,
}

/// A place in a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pos {
    /// Bytes before it.
    pub offset: u64,
    /// Its line, from 1; 0 where it is not known or the format has no lines.
    pub line: u64,
    /// Its column in characters, from 1; 0 where it is not known.
    pub column: u64,
}

impl Pos {
    /// A place of which only the offset is known.
    #[must_use]
    pub fn offset(offset: u64) -> Self {
        Self { offset, line: 0, column: 0 }
    }

    /// Line and column of `offset` in `text`; an offset beyond the end counts as the end.
    #[must_use]
    pub fn locate(text: &[u8], offset: u64) -> Self {
        let end = usize::try_from(offset).map_or(text.len(), |o| o.min(text.len()));
        let before = &text[..end];
        let line_start = before.iter().rposition(|&b| b == b'\n').map_or(0, |i| i + 1);
        let line = newlines(before) + 1;
        // Continuation bytes are no characters of their own.
        let characters = before[line_start..].iter().filter(|&&b| b & 0xc0 != 0x80).count();
        Self { offset, line: line as u64, column: characters as u64 + 1 }
    }
}

/// How many lines end in the text.
fn newlines(text: &[u8]) -> usize {
    // This many at a time as a byte can count: the compiler makes vector instructions of that.
    let count = |block: &[u8]| block.iter().map(|&b| u8::from(b == b'\n')).sum::<u8>();
    text.chunks(255).map(|block| usize::from(count(block))).sum()
}

impl fmt::Display for Pos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            write!(f, "byte {}", self.offset)
        } else {
            write!(f, "line {} column {}", self.line, self.column)
        }
    }
}

impl Error {
    /// An error with its message: lower case, no full stop, literal input in backticks.
    #[cold]
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            pos: None,
            file: None,
            path: Vec::new(),
            hint: None,
            source: None,
        }))
    }

    /// The error for `len - used` bytes behind the only document of a binary format.
    #[cold]
    #[must_use]
    pub fn bytes_behind(used: usize, len: usize) -> Self {
        let message = format!("expected the end of the document, found {} bytes", len - used);
        Self::new(ErrorKind::Syntax, message)
            .at_offset(used as u64)
            .with_hint("several documents in a row are read one at a time")
    }

    /// An operating system's error met while `doing` something (`"cannot read `a.json`"`).
    #[cold]
    #[must_use]
    pub fn io(error: std::io::Error, doing: impl Into<Cow<'static, str>>) -> Self {
        // A stream of ours that stopped for a reason of its own has said why.
        let error = match error.downcast::<Self>() {
            Ok(ours) => return ours,
            Err(error) => error,
        };
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => ErrorKind::NotFound,
            std::io::ErrorKind::ReadOnlyFilesystem | std::io::ErrorKind::PermissionDenied => {
                ErrorKind::Permission
            }
            std::io::ErrorKind::Interrupted => ErrorKind::Interrupted,
            std::io::ErrorKind::UnexpectedEof => ErrorKind::Truncated,
            std::io::ErrorKind::OutOfMemory => ErrorKind::Memory,
            _ => ErrorKind::Io,
        };
        let mut message = doing.into().into_owned();
        let before = message.len();
        // An exception of the host's may be unable to say what it is: without memory, or by its own code.
        if write!(message, ": {error}").is_err() {
            message.truncate(before);
        }
        Self::new(kind, message).with_source(error)
    }

    /// There is no memory for what was to be added to a buffer.
    #[cold]
    #[must_use]
    pub fn out_of_memory() -> Self {
        Self::new(ErrorKind::Memory, "not enough memory")
    }

    /// The host's own exception, to be taken out again with [`take_source`](Error::take_source).
    #[cold]
    #[must_use]
    pub fn host(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        let mut message = String::new();
        // The host may have no memory for its words.
        if write!(message, "{error}").is_err() {
            "an exception of the host".clone_into(&mut message);
        }
        Self::new(ErrorKind::Host, message).with_source(error)
    }

    /// Says where in the source it happened, unless that was said before.
    #[must_use]
    pub fn at(mut self, pos: Pos) -> Self {
        self.0.pos.get_or_insert(pos);
        self
    }

    /// Says at which byte of the source it happened, unless that was said before.
    #[must_use]
    pub fn at_offset(self, offset: u64) -> Self {
        self.at(Pos::offset(offset))
    }

    /// Computes line and column from the source's text, unless they are known.
    #[must_use]
    pub fn locate(mut self, text: &[u8]) -> Self {
        if let Some(pos) = self.0.pos.filter(|pos| pos.line == 0) {
            self.0.pos = Some(Pos::locate(text, pos.offset));
        }
        self
    }

    /// Replaces the position, for readers of a part that know where the part lies in the whole.
    #[must_use]
    pub fn map_pos(mut self, map: impl FnOnce(Pos) -> Pos) -> Self {
        self.0.pos = self.0.pos.map(map);
        self
    }

    /// Says in which file it happened, unless that was said before.
    #[must_use]
    pub fn in_file(mut self, file: impl Into<String>) -> Self {
        self.0.file.get_or_insert_with(|| file.into());
        self
    }

    /// Says in which file it happened, whatever was said before: of a copy, where it came from.
    #[must_use]
    pub fn of_file(mut self, file: impl Into<String>) -> Self {
        self.0.file = Some(file.into());
        self
    }

    /// Adds the next outer step of the path to the value.
    #[must_use]
    pub fn inside(mut self, segment: Segment) -> Self {
        self.0.path.push(segment);
        self
    }

    /// Says what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Keeps what caused it.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What was expected and what was found, without position and path.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where in the source it happened.
    #[must_use]
    pub fn pos(&self) -> Option<Pos> {
        self.0.pos
    }

    /// In which file it happened.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        self.0.file.as_deref()
    }

    /// Where in the value it happened; empty where that is not known, or at the root.
    #[must_use]
    pub fn path(&self) -> Path {
        Path(self.0.path.iter().rev().cloned().collect())
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Takes out what caused it.
    pub fn take_source(&mut self) -> Option<Box<dyn std::error::Error + Send + Sync>> {
        self.0.source.take()
    }

    /// The whole report: the message and where, and below it the hint.
    #[must_use]
    pub fn report(&self) -> String {
        match self.hint() {
            Some(hint) => format!("{self}\n\nhint: {}", printable_lines(hint)),
            None => self.to_string(),
        }
    }
}

/// Names and texts of files that are quoted in it are shown [printable]: those who wrote them must
/// not write to the terminal.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = self.file() {
            write!(f, "{}: ", printable(file))?;
        }
        // A message is one line, but for an exception's own; and a name may have line ends.
        match self.kind() {
            ErrorKind::Host => f.write_str(&printable_lines(self.message()))?,
            _ => f.write_str(&printable(self.message()))?,
        }
        if !self.0.path.is_empty() {
            write!(f, " in `{}`", printable(&self.path().to_string()))?;
        }
        match self.pos() {
            Some(pos) => write!(f, " at {pos}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({})", self.kind(), self.report())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_text() {
        let text = "one\ntwo é3\n".as_bytes();
        for (offset, line, column) in [
            (0, 1, 1),
            (3, 1, 4),
            (4, 2, 1),
            (8, 2, 5),
            (10, 2, 6),
            (11, 2, 7),
            (12, 3, 1),
            (99, 3, 1),
        ] {
            assert_eq!(Pos::locate(text, offset), Pos { offset, line, column }, "{offset}");
        }
    }

    #[test]
    fn a_whole_report() {
        let error = Error::new(ErrorKind::Value, "expected a number, found `x`")
            .with_hint("write a number")
            .inside(Segment::Index(3))
            .inside(Segment::Key("rows".into()))
            .at_offset(5)
            .at_offset(9)
            .in_file("a.json")
            .in_file("b.json");
        insta::assert_snapshot!(error, @"a.json: expected a number, found `x` in `$.rows[3]` at byte 5");
        insta::assert_snapshot!(error.locate(b"[\n  1").report(), @r"
        a.json: expected a number, found `x` in `$.rows[3]` at line 2 column 4

        hint: write a number
        ");
    }

    #[test]
    fn a_report_does_not_steer_the_terminal() {
        let error = Error::new(ErrorKind::NotFound, "there is no `a\x1b[2J`")
            .with_hint("it has: `b\u{9b}`")
            .inside(Segment::Key("k\u{202e}".into()))
            .in_file("f\n.json");
        insta::assert_snapshot!(error.report(), @r#"
        f\n.json: there is no `a\u{1b}[2J` in `$["k\u{202e}"]`

        hint: it has: `b\u{9b}`
        "#);
    }

    #[test]
    fn positions_of_parts_are_moved() {
        let moved = |pos: Pos| Pos { line: pos.line + 10, ..pos };
        let error = Error::new(ErrorKind::Syntax, "bad").at(Pos { offset: 0, line: 1, column: 2 });
        insta::assert_snapshot!(error.map_pos(moved), @"bad at line 11 column 2");
        insta::assert_snapshot!(Error::new(ErrorKind::Syntax, "bad").map_pos(moved), @"bad");
    }

    #[test]
    fn causes_are_kept() {
        let cases = [
            (std::io::ErrorKind::NotFound, ErrorKind::NotFound),
            (std::io::ErrorKind::PermissionDenied, ErrorKind::Permission),
            (std::io::ErrorKind::ReadOnlyFilesystem, ErrorKind::Permission),
            (std::io::ErrorKind::UnexpectedEof, ErrorKind::Truncated),
            (std::io::ErrorKind::StorageFull, ErrorKind::Io),
        ];
        for (cause, kind) in cases {
            assert_eq!(Error::io(cause.into(), "cannot read `a`").kind(), kind);
        }
        let cause = std::io::Error::other("no luck");
        let mut error = Error::io(cause, "cannot read `a`");
        insta::assert_snapshot!(error, @"cannot read `a`: no luck");
        insta::assert_snapshot!(std::error::Error::source(&error).unwrap(), @"no luck");
        assert!(error.take_source().unwrap().is::<std::io::Error>());
        insta::assert_snapshot!(format!("{:?}", Error::host(std::fmt::Error)), @"Host(an error occurred when formatting an argument)");
    }

    #[test]
    fn an_error_is_one_word_wide() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
        assert_eq!(size_of::<Result<()>>(), size_of::<usize>());
    }
}
