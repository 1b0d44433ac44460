//! Text of one unit a character, which is read by way of its shadow.
//!
//! The shadow has a byte for each unit: the unit itself if that is ASCII, or else one that is not.
//! Nothing in JSON but what strings hold is beyond ASCII. So the parser reads the shadow as it reads
//! any bytes, and only the strings are taken from the units.

use std::borrow::Cow;
use std::ops::Range;

use cannery_core::Text;

use crate::scan::{Scan, Task, with_best};

/// Units of one width; those of two and of four bytes may be surrogates.
#[derive(Clone, Copy)]
pub(crate) enum Units<'a> {
    Latin1(&'a [u8]),
    Ucs2(&'a [u16]),
    Ucs4(&'a [u32]),
}

/// Characters that errors show, at most, and look at for their hints.
const SHOWN: usize = 16;

impl<'a> Units<'a> {
    /// A byte for each unit.
    pub(crate) fn shadow(self) -> Cow<'a, [u8]> {
        match self {
            Self::Latin1(units) => Cow::Borrowed(units),
            Self::Ucs2(units) => Cow::Owned(with_best(Narrow(units))),
            Self::Ucs4(units) => Cow::Owned(with_best(Narrow(units))),
        }
    }

    pub(crate) fn begin_with_byte_order_mark(self) -> bool {
        match self {
            Self::Latin1(_) => false,
            Self::Ucs2(units) => units.first() == Some(&0xfeff),
            Self::Ucs4(units) => units.first() == Some(&0xfeff),
        }
    }

    /// Some of them.
    #[inline]
    pub(crate) fn text(self, range: Range<usize>) -> Text<'a> {
        match self {
            Self::Latin1(units) => Text::Latin1(&units[range]),
            Self::Ucs2(units) => Text::Ucs2(&units[range]),
            Self::Ucs4(units) => Text::Ucs4(&units[range]),
        }
    }

    /// The UTF-8 of what an error may show of the text from `at` on.
    #[cold]
    pub(crate) fn shown(self, at: usize) -> Cow<'a, [u8]> {
        let len = match self {
            Self::Latin1(units) => units.len(),
            Self::Ucs2(units) => units.len(),
            Self::Ucs4(units) => units.len(),
        };
        self.text(at.min(len)..len.min(at.saturating_add(SHOWN))).to_utf8()
    }

    /// Adds some of them to `to`.
    #[inline]
    pub(crate) fn append(self, range: Range<usize>, to: &mut Vec<u32>) {
        match self {
            Self::Latin1(units) => to.extend(units[range].iter().map(|&unit| u32::from(unit))),
            Self::Ucs2(units) => to.extend(units[range].iter().map(|&unit| u32::from(unit))),
            Self::Ucs4(units) => to.extend_from_slice(&units[range]),
        }
    }
}

/// Makes the shadow of wide units, compiled for each [`Scan`].
struct Narrow<'a, U>(&'a [U]);

impl<U: Wide> Task for Narrow<'_, U> {
    type Output = Vec<u8>;

    #[inline(always)]
    fn run<V: Scan>(self, _: V) -> Vec<u8> {
        let mut shadow = vec![0; self.0.len()];
        for (byte, &unit) in shadow.iter_mut().zip(self.0) {
            *byte = unit.narrow();
        }
        shadow
    }
}

trait Wide: Copy {
    /// The unit, or the largest byte if it does not fit.
    fn narrow(self) -> u8;
}

impl Wide for u16 {
    #[inline(always)]
    fn narrow(self) -> u8 {
        self.min(0xff) as u8
    }
}

impl Wide for u32 {
    #[inline(always)]
    fn narrow(self) -> u8 {
        self.min(0xff) as u8
    }
}

#[cfg(test)]
mod tests {
    use cannery_core::{Limits, Result, Text, Value, ValueBuilder};
    use proptest::prelude::*;

    use crate::{ReadOptions, from_str, from_text};

    fn read(text: Text<'_>, options: &ReadOptions) -> Result<Value> {
        let mut builder = ValueBuilder::new(Limits::default());
        from_text(text, options, &mut builder)?;
        builder.finish()
    }

    fn document() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            4 => "[a-z\\[\\]{}:,\" 0-9]{0,9}",
            2 => r#""[a-zé日🦀]{0,40}(\\\\[nt"\\\\]|\\\\u(00e9|65e5|d83e|dd80))?[é日🦀]{0,9}""#,
            1 => "[é日🦀\u{feff}]",
            1 => Just(r#"{"é": [1.5, "日本\n語"], "k": null}"#.to_owned()),
        ];
        prop::collection::vec(piece, 0..6).prop_map(|pieces| {
            let whole = pieces.concat();
            if whole.len() % 3 == 0 { whole } else { format!("[{}]", pieces.join(",")) }
        })
    }

    proptest! {
        #[test]
        fn units_read_as_the_text_does(text in document(), control in any::<bool>()) {
            let options = ReadOptions::default().control_characters(control);
            let expected = {
                let mut builder = ValueBuilder::new(Limits::default());
                from_str(&text, &options, &mut builder).and_then(|()| builder.finish())
            };
            let wide = text.chars().map(u32::from).collect::<Vec<_>>();
            let half = wide.iter().map(|&c| u16::try_from(c)).collect::<Result<Vec<_>, _>>();
            let bytes = wide.iter().map(|&c| u8::try_from(c)).collect::<Result<Vec<_>, _>>();
            let mut encodings = vec![Text::Ucs4(&wide)];
            encodings.extend(half.as_ref().ok().map(|units| Text::Ucs2(units)));
            encodings.extend(bytes.as_ref().ok().map(|units| Text::Latin1(units)));
            for units in encodings {
                match (read(units, &options), &expected) {
                    (Ok(value), Ok(expected)) => prop_assert_eq!(&value, expected),
                    (Err(error), Err(expected)) => {
                        let before = &text.as_bytes()[..usize::try_from(expected.pos().unwrap().offset).unwrap()];
                        let characters = before.iter().filter(|&&b| b & 0xc0 != 0x80).count();
                        prop_assert_eq!(error.pos().unwrap().offset, characters as u64);
                        prop_assert_eq!(error.message(), expected.message());
                    }
                    (read, expected) => prop_assert!(false, "{read:?} for {expected:?}"),
                }
            }
        }
    }

    #[test]
    fn surrogates_are_kept_or_refused() {
        let units = [0x22, 0xd800, 0x65e5, 0x5c, 0x6e, 0x22];
        let kept = read(Text::Ucs2(&units), &ReadOptions::default());
        assert_eq!(kept.unwrap(), Value::Text(Text::Ucs2(&[0xd800, 0x65e5, 0x0a]).into()));
        let refused = read(Text::Ucs2(&units), &ReadOptions::default().surrogates(false));
        insta::assert_snapshot!(refused.unwrap_err(), @"lone surrogate in a string at byte 0");
    }
}
