//! How documents look.

use crate::ScalarStyle;

/// How documents look.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "they are independent switches")]
pub struct WriteOptions {
    /// Columns that a mapping in a mapping is indented. Default 2, at least 1 and at most 9.
    pub indent: usize,
    /// Whether a sequence in a mapping is indented as well. Off by default, as PyYAML has it.
    pub indent_sequences: bool,
    /// Write everything in brackets.
    pub flow: bool,
    /// Columns after which lines are broken, where text has a blank or brackets have a comma. None by
    /// default: lines are as long as they are.
    pub width: Option<usize>,
    /// How text is written where that is possible. Plain by default: with the least around it, and
    /// lines after `|`.
    pub style: ScalarStyle,
    /// Write characters beyond ASCII as they are, not as escapes. On by default.
    pub unicode: bool,
    /// Begin every document with `---`.
    pub explicit_start: bool,
    /// End every document with `...`.
    pub explicit_end: bool,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self {
            indent: 2,
            indent_sequences: false,
            flow: false,
            width: None,
            style: ScalarStyle::Plain,
            unicode: true,
            explicit_start: false,
            explicit_end: false,
        }
    }
}

macro_rules! setters {
    ($($name:ident: $kind:ty),*) => {
        impl WriteOptions {
            $(
                #[doc = concat!("Sets [`", stringify!($name), "`](Self::", stringify!($name), ").")]
                #[must_use]
                pub fn $name(mut self, $name: $kind) -> Self {
                    self.$name = $name;
                    self
                }
            )*
        }
    };
}

setters!(
    indent: usize,
    indent_sequences: bool,
    flow: bool,
    width: Option<usize>,
    style: ScalarStyle,
    unicode: bool,
    explicit_start: bool,
    explicit_end: bool
);
