//! The events, one by one.

use cannery_core::{
    ArraySource, BigInt, Container, Error, ErrorKind, Note, Result, Sink, Style, Text,
};

use super::{Next, Shape, Writer, lacks, tag_of};

impl Sink for Writer {
    fn null(&mut self) -> Result<()> {
        self.make_room(0)?;
        self.scalar(|writer| writer.out.extend_from_slice(b"null"));
        Ok(())
    }

    fn bool(&mut self, value: bool) -> Result<()> {
        self.make_room(0)?;
        let word: &[u8] = if value { b"true" } else { b"false" };
        self.scalar(|writer| writer.out.extend_from_slice(word));
        Ok(())
    }

    #[inline]
    fn int(&mut self, value: i64) -> Result<()> {
        self.make_room(0)?;
        self.scalar(|writer| writer.write_int(value));
        Ok(())
    }

    fn big_int(&mut self, value: BigInt<'_>) -> Result<()> {
        let bytes = match value {
            BigInt::U64(_) => size_of::<u64>(),
            BigInt::Decimal(digits) => digits.len(),
            BigInt::LittleEndian(bytes) => bytes.len(),
        };
        // A byte makes less than three digits.
        self.make_room(bytes.saturating_mul(3))?;
        self.scalar(|writer| writer.write_big_int(value));
        Ok(())
    }

    fn float(&mut self, value: f64) -> Result<()> {
        self.make_room(0)?;
        self.scalar(|writer| writer.write_float(value));
        Ok(())
    }

    #[inline]
    fn text(&mut self, value: Text<'_>) -> Result<()> {
        if let Text::Ascii(_) | Text::Utf8(_) = value {
            self.make_room(value.utf8_size().bytes)?;
            self.write_text(value);
            return Ok(());
        }
        let utf8 = value.try_to_utf8()?;
        self.make_room(utf8.len())?;
        let text = std::str::from_utf8(&utf8);
        self.write_text(text.map_or(Text::Surrogates(&utf8), Text::Utf8));
        Ok(())
    }

    fn bytes(&mut self, value: &[u8]) -> Result<()> {
        if self.tag.replace("tag:yaml.org,2002:binary".into()).is_some() {
            return Err(lacks("second tag for bytes"));
        }
        self.make_room(value.len() / 3 * 4)?;
        self.scalar(|writer| crate::tags::encode_base64(value, &mut writer.out));
        Ok(())
    }

    fn array(&mut self, _value: &dyn ArraySource) -> Result<()> {
        Err(lacks("arrays of numbers"))
    }

    #[inline]
    fn begin(&mut self, container: Container, _len: Option<usize>) -> Result<()> {
        self.make_room(0)?;
        self.begin_collection(match container {
            Container::List | Container::Tuple => Shape::Sequence,
            Container::Set | Container::FrozenSet => Shape::Set,
            Container::Map => Shape::Mapping,
        })
    }

    #[inline]
    fn end(&mut self, _container: Container) -> Result<()> {
        self.make_room(0)?;
        self.end_collection();
        Ok(())
    }

    #[inline]
    fn key(&mut self, key: Text<'_>) -> Result<()> {
        if self.objects.last() == Some(&self.depth()) {
            return self.object_part(key);
        }
        self.make_room(key.utf8_size().bytes)?;
        self.text_key(key);
        Ok(())
    }

    fn entry(&mut self) -> Result<()> {
        self.make_room(0)?;
        self.write_open();
        let frame = self.open.last_mut().expect("an entry is in a mapping");
        frame.next = Next::Key;
        Ok(())
    }

    fn begin_object(&mut self, type_name: Text<'_>, _parts: Option<usize>) -> Result<()> {
        if self.tag.replace(tag_of(type_name)).is_some() {
            return Err(lacks(&format!("second tag, `{type_name}`, for one node")));
        }
        self.objects.push(self.depth());
        self.expects_part = true;
        Ok(())
    }

    fn end_object(&mut self) -> Result<()> {
        self.objects.pop();
        if std::mem::take(&mut self.expects_part) {
            return Err(lacks("objects without parts"));
        }
        Ok(())
    }

    fn note(&mut self, note: Note<'_>) -> Result<()> {
        if let Note::Style(style) = note {
            self.flow_next = style == Style::Flow;
        }
        Ok(())
    }

    fn mark(&mut self, id: u64) -> Result<()> {
        self.mark = Some(id);
        Ok(())
    }

    fn alias(&mut self, id: u64) -> Result<()> {
        self.make_room(0)?;
        self.write_alias(id)
    }
}

impl Writer {
    /// How many collections are open.
    #[inline]
    fn depth(&self) -> usize {
        self.open.len() + usize::from(self.unwritten.is_some())
    }

    #[cold]
    fn object_part(&mut self, name: Text<'_>) -> Result<()> {
        if name == *"value" && std::mem::take(&mut self.expects_part) {
            return Ok(());
        }
        let message = format!("YAML has no objects with a part `{name}`");
        Err(Error::new(ErrorKind::Unsupported, message)
            .with_hint("`cannery.dump` writes any object, with its type"))
    }
}
