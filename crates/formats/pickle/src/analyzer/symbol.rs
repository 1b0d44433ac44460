//! What the analyzer knows of a value: where its text lies, what made it, nothing of its contents.

/// A value on the analyzer's stack or in its memo.
///
/// Two words that are built and moved whole: their parts side by side as fields of their own would
/// be written one by one and read together, which stalls the processor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Symbol {
    /// The kind, the trail in the next 16 bits, the size in the upper half.
    head: u64,
    /// An offset in the data, the start of a tuple, or an integer.
    pub(super) at: u64,
}

/// Declares the kinds, and the way back from their numbers.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident,)*) => {
        /// What kind of value a [`Symbol`] stands for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(super) enum SymbolKind {
            $($(#[$doc])* $kind,)*
        }

        const KINDS: [SymbolKind; 32] = {
            let mut kinds = [SymbolKind::Missing; 32];
            $(kinds[SymbolKind::$kind as usize] = SymbolKind::$kind;)*
            kinds
        };
    };
}

kinds! {
    /// A place of the memo that nothing was put into.
    Missing,
    /// Data of which nothing needs to be known.
    Data,
    None,
    True,
    False,
    /// An integer; `at` is its value.
    Int,
    /// Text in UTF-8: `size` bytes at `at`.
    Text,
    /// A line in raw unicode escape.
    EscapedText,
    /// A line in quotes.
    QuotedText,
    /// Bytes: `size` of them at `at`.
    Bytes,
    /// Bytes that Python makes of a text by one of the encodings that cannot fail: the symbol of
    /// the text is in the tuples at `at`.
    Encoded,
    List,
    Dict,
    Set,
    /// A tuple: `size` symbols at `at` in the analyzer's tuples.
    Tuple,
    /// A name that the pickle looked up: `size` is its index.
    Global,
    /// What a call of the name with index `size` returned; `at` is where its arguments are in the
    /// analyzer's tuples, their number in the upper half.
    Instance,
    /// What a function that the pickle carries, or a call that cannot be followed, has returned.
    Opaque,
    /// What a persistent id stands for.
    Persistent,
}

impl Symbol {
    pub(super) const MISSING: Symbol = Symbol::new(SymbolKind::Missing, 0, 0);
    pub(super) const DATA: Symbol = Symbol::new(SymbolKind::Data, 0, 0);

    #[inline]
    pub(super) const fn new(kind: SymbolKind, size: u32, at: u64) -> Self {
        Self { head: kind as u64 | (size as u64) << 32, at }
    }

    #[inline]
    pub(super) const fn kind(self) -> SymbolKind {
        KINDS[(self.head & 31) as usize]
    }

    /// The findings inside of it: an index of the analyzer's provenance, 0 for none.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the part that is meant")]
    pub(super) const fn trail(self) -> u16 {
        (self.head >> 16) as u16
    }

    /// A length, a count, or an index of the analyzer's names.
    #[inline]
    pub(super) const fn size(self) -> u32 {
        (self.head >> 32) as u32
    }

    #[inline]
    pub(super) fn set_trail(&mut self, trail: u16) {
        self.head = self.head & !(0xffff << 16) | u64::from(trail) << 16;
    }

    #[inline]
    pub(super) fn set_size(&mut self, size: u32) {
        self.head = self.head & 0xffff_ffff | u64::from(size) << 32;
    }

    /// A part of the data; one longer than 4 GiB is data like any other.
    #[inline]
    pub(super) fn part(kind: SymbolKind, data: &[u8], part: &[u8]) -> Self {
        let at = part.as_ptr() as usize - data.as_ptr() as usize;
        match u32::try_from(part.len()) {
            Ok(size) => Self::new(kind, size, at as u64),
            Err(_) => Self::DATA,
        }
    }

    #[inline]
    pub(super) fn int(value: i64) -> Self {
        Self::new(SymbolKind::Int, 0, value.cast_unsigned())
    }

    #[inline]
    pub(super) fn with_trail(mut self, trail: u16) -> Self {
        self.set_trail(trail);
        self
    }

    pub(super) fn is_text(self) -> bool {
        matches!(self.kind(), SymbolKind::Text | SymbolKind::EscapedText | SymbolKind::QuotedText)
    }
}
