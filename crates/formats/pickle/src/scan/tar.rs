//! TAR archives: POSIX, GNU and old ones, members one behind the other.

use super::{Scanner, Verdict};

const BLOCK: usize = 512;

/// Whether the first block is the header of a member.
pub(super) fn is_tar(data: &[u8]) -> bool {
    data.len() >= BLOCK && Header::of(&data[..BLOCK]).is_some()
}

/// Whether a reader that takes more for a number, or adds signed bytes, finds a header here.
pub(super) fn is_nearly_tar(data: &[u8]) -> bool {
    let Some(block) = data.get(..BLOCK) else { return false };
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'7');
    let digits: Vec<u8> = block[148..156].iter().copied().filter(is_digit).collect();
    let field: i64 = block[148..156].iter().map(|&byte| i64::from(byte)).sum();
    let unsigned: i64 = block.iter().map(|&byte| i64::from(byte)).sum::<i64>() - field + 8 * 0x20;
    let others = block[..148].iter().chain(&block[156..]);
    let signed = others.map(|&byte| i64::from(byte.cast_signed())).sum::<i64>() + 8 * 0x20;
    let told = digits.iter().fold(0_i64, |told, digit| told << 3 | i64::from(digit - b'0'));
    told > 8 * 0x20 && (told == unsigned || told == signed)
}

struct Header {
    name: String,
    size: u64,
    kind: u8,
}

impl Header {
    fn of(block: &[u8]) -> Option<Header> {
        let sum: u64 = block.iter().map(|&byte| u64::from(byte)).sum();
        let field: u64 = block[148..156].iter().map(|&byte| u64::from(byte)).sum();
        let told = octal(&block[148..156])?;
        (told == sum - field + 8 * 0x20 && told > 8 * 0x20).then_some(())?;
        let name = text(&block[..100]);
        let name = if block[257..].starts_with(b"ustar\0") && block[345] != 0 {
            format!("{}/{name}", text(&block[345..500]))
        } else {
            name
        };
        Some(Header { name, size: octal(&block[124..136])?, kind: block[156] })
    }
}

/// A number in octal, or in binary if its first bit says so.
fn octal(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        let bytes = &field[field.len().saturating_sub(8)..];
        return Some(
            bytes.iter().fold(0, |value, &byte| value << 8 | u64::from(byte)) & !(1 << 63),
        );
    }
    let digits = field.iter().skip_while(|&&b| b == b' ').take_while(|&&b| b != b' ' && b != 0);
    digits.copied().try_fold(0_u64, |value, digit| {
        matches!(digit, b'0'..=b'7').then(|| value << 3 | u64::from(digit - b'0'))
    })
}

fn text(field: &[u8]) -> String {
    let end = field.iter().position(|&b| b == 0).unwrap_or(field.len());
    String::from_utf8_lossy(&field[..end]).into_owned()
}

/// What extended headers say about the member behind them.
#[derive(Default)]
struct Extended {
    name: Option<String>,
    size: Option<u64>,
}

impl Scanner {
    pub(super) fn tar(&mut self, data: &[u8]) -> String {
        let mut at = 0;
        let mut extended = Extended::default();
        while at + BLOCK <= data.len() {
            let block = &data[at..at + BLOCK];
            if block.iter().all(|&byte| byte == 0) {
                break;
            }
            let Some(header) = Header::of(block) else {
                self.note(Verdict::Unknown, at, "a damaged member of the TAR archive");
                self.search(data, at);
                return "a broken TAR archive".to_owned();
            };
            let Some(end) = self.tar_entry(data, at, header, &mut extended) else { break };
            at = end;
        }
        if at < data.len() && data[at..].iter().any(|&byte| byte != 0) {
            self.note(Verdict::Unknown, at, "bytes behind the TAR archive");
            self.search(data, at);
        }
        "a TAR archive".to_owned()
    }

    /// Scans the member whose header is at `at`; returns where the next one is.
    fn tar_entry(
        &mut self,
        data: &[u8],
        at: usize,
        header: Header,
        extended: &mut Extended,
    ) -> Option<usize> {
        let start = at + BLOCK;
        let has_body = !matches!(header.kind, b'1'..=b'6');
        if !has_body && header.size > 0 {
            // Some skip that many bytes, and others read the next header there.
            self.note(Verdict::Unknown, at, "a link or folder with contents: readers differ");
        }
        let is_extension = matches!(header.kind, b'L' | b'K' | b'x' | b'X' | b'g');
        let told = extended.size.take_if(|_| !is_extension);
        if told.is_some_and(|told| told != header.size) {
            self.note(Verdict::Unknown, at, "two headers disagree about a length: readers differ");
        }
        let size = if has_body { told.unwrap_or(header.size) } else { 0 };
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let end = start.saturating_add(size).min(data.len());
        if end - start < size {
            self.note(Verdict::Unknown, end, "the TAR archive is cut off");
        }
        let body = &data[start..end];
        match header.kind {
            b'L' => extended.name = Some(text(body)),
            b'x' | b'X' => self.pax(body, at, extended),
            b'g' => {
                let mut all = Extended::default();
                self.pax(body, at, &mut all);
                if all.name.is_some() || all.size.is_some() {
                    self.note(Verdict::Unknown, at, "a header that renames or resizes all members");
                }
            }
            b'K' => {}
            b'1'..=b'6' => {
                extended.name = None;
                if matches!(header.kind, b'1' | b'2') {
                    self.link(&header.name, at);
                }
            }
            // Unknown kinds are files.
            kind => {
                if kind == b'S' {
                    self.note(Verdict::Unknown, at, "a file with holes: readers differ");
                }
                let name = extended.name.take().unwrap_or(header.name);
                if !self.count_member() {
                    return None;
                }
                self.tar_member(&name, body);
            }
        }
        Some(start.saturating_add(size.div_ceil(BLOCK).saturating_mul(BLOCK)))
    }

    /// Reads an extended header.
    fn pax(&mut self, body: &[u8], at: usize, extended: &mut Extended) {
        let text = String::from_utf8_lossy(body);
        for (key, value) in text.lines().filter_map(|line| line.split_once(' ')?.1.split_once('='))
        {
            match key {
                "path" => extended.name = Some(value.to_owned()),
                "size" => extended.size = value.parse().ok(),
                _ if key.starts_with("GNU.sparse") => {
                    self.note(Verdict::Unknown, at, "a file with holes: readers differ");
                }
                _ => {}
            }
        }
    }

    fn tar_member(&mut self, name: &str, body: &[u8]) {
        self.inside(name, |scanner| scanner.leading_out(name));
        match name.trim_start_matches("./") {
            "storages" => self.inside(name, |scanner| scanner.tar_storages(body, false)),
            "tensors" => self.inside(name, |scanner| scanner.tar_storages(body, true)),
            "pickle" => {
                self.inside(name, |scanner| scanner.torch_pickle(body, &mut Vec::new()));
            }
            _ => self.member(name, body),
        }
    }

    fn link(&mut self, name: &str, at: usize) {
        if name.starts_with('/') || name.split('/').any(|part| part == "..") {
            self.note(Verdict::Unknown, at, "a link that leads out of the archive");
        }
    }
}
