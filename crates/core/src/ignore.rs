//! A sink that keeps nothing.

use crate::{ArraySource, BigInt, Container, Result, Sink, Text};

/// A sink that takes everything and keeps nothing: to find out whether something can be read.
///
/// ```
/// use cannery_core::{Ignore, Source, Value};
/// assert!(Value::from_iter([1, 2]).emit(&mut Ignore).is_ok());
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Ignore;

macro_rules! ignore {
    ($($name:ident($($type:ty),*);)*) => {$(
        #[inline]
        fn $name(&mut self $(, _: $type)*) -> Result<()> {
            Ok(())
        }
    )*};
}

impl Sink for Ignore {
    ignore! {
        null();
        bool(bool);
        int(i64);
        big_int(BigInt<'_>);
        float(f64);
        text(Text<'_>);
        bytes(&[u8]);
        array(&dyn ArraySource);
        begin(Container, Option<usize>);
        end(Container);
        key(Text<'_>);
        entry();
        begin_object(Text<'_>, Option<usize>);
        end_object();
        mark(u64);
        alias(u64);
    }
}
