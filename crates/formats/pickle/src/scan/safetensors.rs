//! safetensors: a header in JSON that must account for every byte behind it.

use super::{Scanner, Verdict};

/// The header that readers accept at most.
const MAX_HEADER: u64 = 100_000_000;

/// Whether data begins with the length of a JSON object, and this object.
pub(super) fn is_safetensors(data: &[u8]) -> bool {
    let Some((length, rest)) = data.split_first_chunk() else { return false };
    let length = u64::from_le_bytes(*length);
    length > 1 && length <= MAX_HEADER && rest.starts_with(b"{") && length <= rest.len() as u64
}

impl Scanner {
    pub(super) fn safetensors(&mut self, data: &[u8]) -> String {
        let checked = match self.options.safetensors {
            Some(check) => check(data),
            None => Err((0, "this build does not read it".to_owned())),
        };
        if let Err((offset, fault)) = checked {
            let offset = usize::try_from(offset).unwrap_or(0).min(data.len());
            let reason = format!("the header of the safetensors lies: {fault}");
            self.note(Verdict::Unknown, offset, &reason);
            self.search(data, 0);
        }
        "safetensors, no pickle".to_owned()
    }
}
