//! Fill values: what elements are that were never written.

use cannery_core::Result;

use crate::bytes::{Cursor, malformed, wrong_version};

/// What elements are that were never written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FillValue {
    /// Not said.
    Undefined,
    /// Zeros.
    Default,
    /// These bytes, of the dataset's type.
    Value(Vec<u8>),
}

/// A fill value, and whether it is written at all.
#[derive(Clone, Debug)]
pub(crate) struct Fill {
    pub(crate) value: FillValue,
    pub(crate) never_written: bool,
}

impl Default for Fill {
    fn default() -> Self {
        // A dataset without a message says nothing.
        Self { value: FillValue::Undefined, never_written: false }
    }
}

impl Fill {
    pub(crate) fn parse(data: &[u8]) -> Result<Self> {
        let mut cursor = Cursor::new(data);
        match cursor.u8()? {
            version @ (1 | 2) => {
                cursor.skip(1)?;
                let never_written = cursor.u8()? == 1;
                let defined = cursor.u8()? != 0;
                if !defined && (version == 2 || cursor.remaining() < 4) {
                    return Ok(Self { value: FillValue::Undefined, never_written });
                }
                Ok(Self { value: value(&mut cursor, defined)?, never_written })
            }
            3 => {
                let flags = cursor.u8()?;
                let never_written = flags >> 2 & 3 == 1;
                let value = match (flags & 0x10 != 0, flags & 0x20 != 0) {
                    (true, true) => return Err(malformed("a fill value is both defined and not")),
                    (true, false) => FillValue::Undefined,
                    (false, true) => value(&mut cursor, true)?,
                    (false, false) => FillValue::Default,
                };
                Ok(Self { value, never_written })
            }
            version => Err(wrong_version("a fill value", version)),
        }
    }

    /// The message of HDF5 1.4 and before.
    pub(crate) fn parse_old(data: &[u8]) -> Result<Self> {
        let value = match value(&mut Cursor::new(data), true)? {
            FillValue::Default => FillValue::Undefined,
            value => value,
        };
        Ok(Self { value, never_written: false })
    }
}

fn value(cursor: &mut Cursor<'_>, defined: bool) -> Result<FillValue> {
    let size = cursor.u32()?;
    match size {
        _ if !defined => Ok(FillValue::Undefined),
        0 => Ok(FillValue::Default),
        size if size > i32::MAX as u32 => Ok(FillValue::Undefined),
        size => Ok(FillValue::Value(cursor.take(size as usize)?.to_vec())),
    }
}
