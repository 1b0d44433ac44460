//! Keys that are expected, compared with what stands in the document.

/// The longest key that is expected where it comes again: with the quote behind it, a block.
const LONGEST: usize = BLOCK - 1;

const BLOCK: usize = 32;

/// A key and the quote behind it, as they stand in a document.
pub(crate) struct KeyBlock {
    bytes: [u8; BLOCK],
    /// The key's; zero if it is never expected.
    len: u8,
}

/// As many bytes of ones as are wanted, and zeros behind them, are in here somewhere.
static MASKS: [u8; 2 * BLOCK] = {
    let mut masks = [0; 2 * BLOCK];
    let mut at = 0;
    while at < BLOCK {
        masks[at] = 0xff;
        at += 1;
    }
    masks
};

impl Default for KeyBlock {
    fn default() -> Self {
        Self { bytes: [0; BLOCK], len: 0 }
    }
}

impl KeyBlock {
    /// The block for a key. Those that are short enough, and that a document may have as they are,
    /// can be expected.
    pub(crate) fn new(key: &[u8]) -> Self {
        let mut block = Self::default();
        let is_verbatim = |&byte: &u8| matches!(byte, 0x20..0x80) && !matches!(byte, b'"' | b'\\');
        if key.len() <= LONGEST && key.iter().all(is_verbatim) {
            block.bytes[..key.len()].copy_from_slice(key);
            block.bytes[key.len()] = b'"';
            block.len = u8::try_from(key.len()).unwrap_or(0);
        }
        block
    }

    /// The length of the key, if what is ahead begins with it and a quote.
    #[inline(always)]
    pub(crate) fn stands_at(&self, ahead: &[u8]) -> Option<usize> {
        let len = usize::from(self.len);
        if len == 0 {
            return None;
        }
        let mask = MASKS[LONGEST - len..].first_chunk();
        let (Some(block), Some(mask)) = (ahead.first_chunk(), mask) else { return None };
        // No loop and no closure: these would not be compiled for the parser's instructions.
        let different = different(block, &self.bytes, mask, 0)
            | different(block, &self.bytes, mask, 1)
            | different(block, &self.bytes, mask, 2)
            | different(block, &self.bytes, mask, 3);
        if different == 0 { Some(len) } else { None }
    }
}

/// The bits in which a word of two blocks differs, where the mask has ones.
#[inline(always)]
fn different(one: &[u8; BLOCK], other: &[u8; BLOCK], mask: &[u8; BLOCK], at: usize) -> u64 {
    (word(one, at) ^ word(other, at)) & word(mask, at)
}

#[inline(always)]
fn word(block: &[u8; BLOCK], at: usize) -> u64 {
    u64::from_le_bytes(block.as_chunks().0[at])
}
