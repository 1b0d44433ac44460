//! Checkpoints of `PyTorch`: the pickle in an archive, and the stream of before version 1.6.

use super::{FileKind, Scanner, Verdict};
use crate::analyzer::{Storage, analyze};
use crate::opcode::Opcode;
use crate::read::{Arg, Framing, Ops};

impl Scanner {
    /// The pickle of an archive, whose tensors are other members.
    pub(super) fn torch_pickle(&mut self, data: &[u8], storages: &mut Vec<Storage>) {
        let options = self.analyzer.persistent_ids(true);
        let analyzed = analyze(data, 0, &options);
        storages.extend(analyzed.storages.iter().cloned());
        let (end, broken) = (analyzed.end, analyzed.error.is_some());
        self.keep_analyzed(data, 0, analyzed);
        if broken || end < data.len() {
            self.note(Verdict::Unknown, end, "bytes behind the pickle");
            self.search(data, end);
        }
    }

    /// The numbers of a tensor: never read as anything else, if the pickle names them.
    pub(super) fn torch_storage(&mut self, key: &str, data: &[u8], storages: &[Storage]) {
        let of_key = || storages.iter().filter(|storage| storage.key == key);
        if of_key().next().is_none() {
            // Numbers that the pickle does not name are not read at all.
            self.no_pickles(data);
            return;
        }
        let size = |storage: &Storage| element_size(&storage.class)?.checked_mul(storage.elements);
        let Some(expected) = of_key().map(size).max().flatten() else { return };
        if expected > data.len() as u64 {
            self.note(Verdict::Unknown, 0, "fewer bytes than its tensor has");
        } else if expected < data.len() as u64 {
            self.note(Verdict::Unknown, 0, "more bytes than its tensor has");
            self.search(data, usize::try_from(expected).unwrap_or(0));
        }
    }

    /// Checkpoints one behind the other.
    pub(super) fn legacy_torch(&mut self, data: &[u8]) -> String {
        let mut end = self.one_legacy_torch(data, 0);
        while matches!(FileKind::of(&data[end..]), FileKind::LegacyTorch) {
            end = self.one_legacy_torch(data, end);
        }
        if end < data.len() {
            self.note(Verdict::Unknown, end, "bytes behind the checkpoint");
            self.search(data, end);
        }
        "a legacy checkpoint".to_owned()
    }

    /// Five pickles and the numbers of the tensors; returns where they end, or that of the data if
    /// they are searched.
    fn one_legacy_torch(&mut self, data: &[u8], start: usize) -> usize {
        let options = self.analyzer.persistent_ids(true);
        let mut at = start;
        let mut storages = Vec::new();
        let mut keys = Vec::new();
        for index in 0..5 {
            let analyzed = analyze(data, at, &options);
            if index == 4 {
                keys = texts(data, at, analyzed.end);
            }
            let start = std::mem::replace(&mut at, analyzed.end);
            storages.extend(analyzed.storages.iter().cloned());
            let broken = analyzed.error.is_some();
            self.keep_analyzed(data, start, analyzed);
            if broken {
                self.search(data, at);
                return data.len();
            }
        }
        for key in keys {
            let Some(end) = self.legacy_storage(data, at, &key, &storages) else {
                self.note(Verdict::Unknown, at, "the numbers of a tensor cannot be found");
                self.search(data, at);
                return data.len();
            };
            at = end;
        }
        at
    }

    /// The end of a storage that begins with its number of elements.
    #[expect(clippy::unused_self, reason = "a step of the scan, as its neighbours are")]
    fn legacy_storage(
        &self,
        data: &[u8],
        at: usize,
        key: &str,
        storages: &[Storage],
    ) -> Option<usize> {
        let storage = storages.iter().find(|storage| storage.key == key)?;
        let count = u64::from_le_bytes(data.get(at..at + 8)?.try_into().ok()?);
        let size = usize::try_from(element_size(&storage.class)?.checked_mul(count)?).ok()?;
        let end = (at + 8).checked_add(size)?;
        (end <= data.len()).then_some(end)
    }

    /// The three members of the oldest checkpoints: `storages`, `tensors` and `pickle`.
    pub(super) fn tar_storages(&mut self, data: &[u8], is_tensors: bool) {
        if self.walk_tar_member(data, is_tensors).is_none() {
            self.note(Verdict::Unknown, 0, "the numbers of a tensor cannot be found");
            self.search(data, 0);
        }
    }

    fn walk_tar_member(&mut self, data: &[u8], is_tensors: bool) -> Option<()> {
        let options = self.analyzer.persistent_ids(true);
        let count = analyze(data, 0, &options);
        let mut at = count.end;
        let number = integer(&data[..at])?;
        self.keep_analyzed(data, 0, count);
        for _ in 0..number {
            let head = analyze(data, at, &options);
            let start = at;
            at = head.end;
            let class = class_of(data, start, at);
            let broken = head.error.is_some();
            self.keep_analyzed(data, start, head);
            if broken {
                return None;
            }
            let head = u64::from_le_bytes(data.get(at..at + 8)?.try_into().ok()?);
            let size = if is_tensors {
                8 + (head & 0xffff_ffff) * 16 + 8
            } else {
                8 + element_size(&class?)?.checked_mul(head)?
            };
            at = at.checked_add(usize::try_from(size).ok()?).filter(|&end| end <= data.len())?;
        }
        if is_tensors {
            return (at == data.len()).then_some(());
        }
        // Views of storages, as a last pickle.
        let views = analyze(data, at, &options);
        let whole = views.error.is_none() && views.end == data.len();
        self.keep_analyzed(data, at, views);
        whole.then_some(())
    }
}

/// The texts that a pickle pushes, in its order.
fn texts(data: &[u8], start: usize, end: usize) -> Vec<String> {
    let mut ops = Ops::new(&data[..end], start, Framing::Ignored);
    let mut texts = Vec::new();
    while let Ok(Some(op)) = ops.next_op() {
        match (op.opcode, op.arg) {
            // Python 2 wrote strings.
            (
                Opcode::BinUnicode
                | Opcode::ShortBinUnicode
                | Opcode::BinString
                | Opcode::ShortBinString,
                Arg::Bytes(text),
            )
            | (Opcode::Unicode, Arg::Line(text)) => {
                texts.push(String::from_utf8_lossy(text).into_owned());
            }
            _ => {}
        }
    }
    texts
}

/// The integer that a pickle is.
fn integer(data: &[u8]) -> Option<u64> {
    let ops = Ops::new(data, 0, Framing::Ignored);
    ops.filter_map(Result::ok).find_map(|op| match (op.opcode, op.arg) {
        (Opcode::Proto, _) => None,
        (_, Arg::Int(value)) => u64::try_from(value).ok(),
        _ => None,
    })
}

/// The last class that a pickle names.
fn class_of(data: &[u8], start: usize, end: usize) -> Option<String> {
    let ops = Ops::new(&data[..end], start, Framing::Ignored);
    let names = ops.filter_map(Result::ok).filter_map(|op| match op.arg {
        Arg::Lines(_, name) => Some(String::from_utf8_lossy(name).into_owned()),
        _ => None,
    });
    names.last()
}

/// Bytes of an element of a storage class.
fn element_size(class: &str) -> Option<u64> {
    Some(match class.strip_suffix("Storage").unwrap_or(class) {
        "ComplexDouble" => 16,
        "Double" | "Long" | "ComplexFloat" => 8,
        "Float" | "Int" | "QInt32" => 4,
        "Half" | "BFloat16" | "Short" => 2,
        "Byte" | "Char" | "Bool" | "QInt8" | "QUInt8" | "QUInt4x2" | "QUInt2x4" | "Untyped" => 1,
        _ => return None,
    })
}
