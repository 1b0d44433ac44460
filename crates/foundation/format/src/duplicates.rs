//! The search for keys that occur twice in a map.

use std::collections::HashMap;

use cannery_core::{
    ArraySource, BigInt, Container, Error, ErrorKind, Note, Pos, Result, Sink, Text, TextBuf, Wants,
};

/// A sink that looks at the keys of maps and keeps what it has to say about them.
#[derive(Default)]
pub struct Duplicates {
    /// The keys of each container that is open, and where they are; none of those without keys.
    open: Vec<HashMap<TextBuf, u64>>,
    at: u64,
    found: Vec<Found>,
}

struct Found {
    key: TextBuf,
    first: u64,
    again: u64,
}

impl Duplicates {
    /// Forgets the containers of a document that broke off.
    pub fn forget_open(&mut self) {
        self.open.clear();
    }

    /// All errors in the order of their places: those found in what begins at an offset of a text,
    /// and others.
    pub fn finish(
        self,
        text: &[u8],
        start: u64,
        others: impl IntoIterator<Item = Error>,
    ) -> Vec<Error> {
        let found = self.found.into_iter().map(|found| found.error(text, start));
        let others = others.into_iter().map(|error| error.locate(text));
        let mut errors: Vec<_> = found.chain(others).collect();
        errors.sort_by_key(|error| error.pos().map_or(u64::MAX, |pos| pos.offset));
        errors
    }
}

impl Found {
    fn error(self, text: &[u8], start: u64) -> Error {
        let first = Pos::locate(text, start + self.first);
        Error::new(ErrorKind::Value, format!("the key `{}` occurs twice in its map", self.key))
            .at(Pos::locate(text, start + self.again))
            .with_hint(format!("it is at {first} before; readers take one of them"))
    }
}

macro_rules! ignore {
    ($($name:ident($($type:ty),*);)*) => {$(
        #[inline]
        fn $name(&mut self $(, _: $type)*) -> Result<()> {
            Ok(())
        }
    )*};
}

impl Sink for Duplicates {
    ignore! {
        null();
        bool(bool);
        int(i64);
        big_int(BigInt<'_>);
        float(f64);
        number(&str);
        text(Text<'_>);
        bytes(&[u8]);
        array(&dyn ArraySource);
        entry();
        mark(u64);
        alias(u64);
    }

    fn begin(&mut self, _: Container, _: Option<usize>) -> Result<()> {
        self.open.push(HashMap::new());
        Ok(())
    }

    fn end(&mut self, _: Container) -> Result<()> {
        self.open.pop();
        Ok(())
    }

    fn key(&mut self, key: Text<'_>) -> Result<()> {
        let (again, key) = (self.at, TextBuf::from(key));
        let Some(keys) = self.open.last_mut() else { return Ok(()) };
        if let Some(first) = keys.insert(key.clone(), again) {
            self.found.push(Found { key, first, again });
        }
        Ok(())
    }

    fn begin_object(&mut self, _: Text<'_>, _: Option<usize>) -> Result<()> {
        self.open.push(HashMap::new());
        Ok(())
    }

    fn end_object(&mut self) -> Result<()> {
        self.open.pop();
        Ok(())
    }

    fn note(&mut self, note: Note<'_>) -> Result<()> {
        if let Note::At(pos) = note {
            self.at = pos.offset;
        }
        Ok(())
    }

    fn wants(&self) -> Wants {
        Wants::default().positions(true).number_text(true)
    }
}
