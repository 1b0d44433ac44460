//! What no loader would unpickle: texts, programs, and bytes of no known format. They are skipped, but
//! not before every way was tried in which some reader would take them for more.

use super::kind::Compression;
use super::packed::{Expansion, is_zlib_header, reader};
use super::stream::is_text;
use super::text::utf8;
use super::{Scanner, TextKind, Verdict, tar, zip};

/// Bytes of a compressed part that show whether it is one.
const SAMPLE: usize = 64;
/// Bytes in which the end of an archive is looked for.
const MAX_LOOKED_AT: usize = 256 << 20;
/// Bytes of a text that show what it is written in.
const MAX_LANGUAGE: usize = 64 << 10;

impl Scanner {
    /// Text is no pickle, but may be the configuration of a model with code in it.
    pub(super) fn text(&mut self, data: &[u8]) -> String {
        let mut kind = self.text_kind(data);
        if kind == TextKind::Bomb {
            let reason =
                "a document that nests too deeply, or expands to too much: a resource bomb";
            self.note(Verdict::Unknown, 0, reason);
            kind = TextKind::Tagged;
        } else if kind != TextKind::Prose
            && let Some(reason) = self.options.documents.and_then(|check| check(data))
        {
            self.note(Verdict::Unknown, 0, reason);
        }
        self.configuration(data, kind);
        // Without a reader of texts, only what begins as JSON does is taken for a document.
        let is_json = matches!(data.trim_ascii_start().first(), Some(b'{' | b'['));
        if kind != TextKind::Prose && (self.options.text.is_some() || is_json) {
            self.judged = Verdict::Ok;
            return "a document of text, no pickle".to_owned();
        }
        if is_program(data) {
            return self.code("the source of a program");
        }
        "text, no pickle".to_owned()
    }

    fn text_kind(&self, data: &[u8]) -> TextKind {
        match (self.options.text, std::str::from_utf8(data)) {
            (Some(check), Ok(text)) => check(text),
            _ => TextKind::Tagged,
        }
    }

    /// A program is said to be one, and not judged.
    pub(super) fn code(&mut self, name: &str) -> String {
        self.judged = self.judged.max(Verdict::Code);
        format!("{name}: code, not judged")
    }

    /// Bytes that are no pickle from their beginning, and of no known format.
    pub(super) fn unknown_data(&mut self, data: &[u8]) -> String {
        self.other_wrappings(data);
        let decoded = utf8(data);
        if decoded.len() != data.len() && is_text(&decoded) {
            return self.text(&decoded);
        }
        // A text in Latin-1 is a document to those who decode it themselves.
        let latin: Option<String> = (!data.contains(&0))
            .then(|| data.iter().map(|&byte| char::from(byte)).collect())
            .filter(|text: &String| is_text(text.as_bytes()));
        if let Some(text) = latin {
            return self.text(text.as_bytes());
        }
        self.no_pickles(data);
        "no format with pickles".to_owned()
    }

    /// Whatever another reader would unpack.
    pub(super) fn other_wrappings(&mut self, data: &[u8]) {
        self.hidden_zip(data);
        if tar::is_nearly_tar(data) {
            self.note(Verdict::Unknown, 0, "a TAR archive to some readers");
            self.search(data, 0);
        }
        for packing in [Compression::Lzma, Compression::Zlib] {
            if may_be(packing, data) {
                self.hidden_stream(packing, data);
            }
        }
    }

    /// A ZIP archive may have anything before and, for some readers, behind it.
    fn hidden_zip(&mut self, data: &[u8]) {
        let looked_at = &data[..data.len().min(MAX_LOOKED_AT)];
        for end in memchr::memmem::find_iter(looked_at, zip::END) {
            if zip::is_end(data, end) {
                self.note(Verdict::Unknown, end, "a ZIP archive inside of something else");
                let comment = data.get(end + 20..end + 22);
                let comment = comment.map_or(0, |c| usize::from(u16::from_le_bytes([c[0], c[1]])));
                self.zip(&data[..(end + 22 + comment).min(data.len())]);
                return;
            }
        }
    }

    /// Compressed with other parameters than those that everybody uses.
    fn hidden_stream(&mut self, packing: Compression, data: &[u8]) {
        let mut sample = [0; SAMPLE];
        let unpacked = reader(packing, data).is_some_and(|mut reader| {
            matches!(std::io::Read::read(&mut reader, &mut sample), Ok(1..))
        });
        if unpacked {
            let most = Expansion::of_file(data.len());
            let unpacked = self.unpack(|| reader(packing, data), data.len(), most);
            self.inside("", |scanner| {
                scanner.content_unpacked(&unpacked);
            });
        }
    }
}

/// Whether bytes may be a stream that no mark begins.
fn may_be(packing: Compression, data: &[u8]) -> bool {
    match packing {
        // Properties below 225, a dictionary, a size, and the zero that begins the coder.
        Compression::Lzma => {
            data.first().is_some_and(|&properties| properties < 225) && data.get(13) == Some(&0)
        }
        _ => is_zlib_header(data),
    }
}

/// Whether a text is written in a programming language: some line of it begins as only code does.
fn is_program(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&data[..data.len().min(MAX_LANGUAGE)]);
    text.starts_with("#!") || text.lines().any(is_code)
}

fn is_code(line: &str) -> bool {
    const BEGINNINGS: &[&str] = &[
        "#include",
        "#define ",
        "#ifndef ",
        "#ifdef ",
        "#pragma ",
        "cimport ",
        "cdef ",
        "cpdef ",
        "typedef ",
        "extern ",
        "namespace ",
        "package ",
        "public class ",
        "pub fn ",
        "fn ",
        "func ",
        "function ",
        "<?php",
        "module ",
        "subroutine ",
        "program ",
        "@",
        "async def ",
        "template <",
        "template<",
        "static ",
        "export ",
        "use strict",
        "const ",
        "var ",
        "let ",
    ];
    let words = line.trim_end();
    let is_name = |name: &str| {
        !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_., *".contains(c))
    };
    let python = match words.split_once(' ') {
        Some(("import", names)) => is_name(names),
        Some(("from", rest)) => rest
            .split_once(" import ")
            .is_some_and(|(module, _)| is_name(module) && !module.contains(' ')),
        Some(("def", rest)) => rest.contains('('),
        Some(("class", rest)) => rest.ends_with(':') || rest.contains('{'),
        Some((name, rest)) => rest.starts_with("= ") && is_name(name),
        None => false,
    };
    python || (BEGINNINGS.iter().any(|beginning| words.starts_with(beginning)) && words.len() > 3)
}
