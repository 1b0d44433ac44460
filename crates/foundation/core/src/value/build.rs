//! From events to a tree.

use super::{Object, Value};
use crate::frame::{EntrySlot, OpenContainer, whole};
use crate::{
    ArrayBuf, ArraySource, BigInt, Budget, Container, Error, ErrorKind, Limits, Result, Sink,
    Source, Text,
};

/// A sink that builds a [`Value`].
///
/// ```
/// use cannery_core::{Container, Limits, Sink, Value, ValueBuilder};
///
/// let mut builder = ValueBuilder::new(Limits::default());
/// builder.begin(Container::List, None)?;
/// builder.int(1)?;
/// builder.end(Container::List)?;
/// assert_eq!(builder.finish()?, Value::from_iter([1]));
/// # Ok::<(), cannery_core::Error>(())
/// ```
pub struct ValueBuilder {
    limits: Limits,
    budget: Budget,
    open: Vec<(Option<u64>, OpenContainer<Value>)>,
    mark: Option<u64>,
    root: Option<Value>,
}

impl ValueBuilder {
    /// The depth of a tree that can be dropped, compared and printed on any thread's stack.
    ///
    /// It caps [`Limits::depth`]; a [`Graph`](crate::Graph) has no such cap.
    pub const MAX_DEPTH: usize = 1024;

    /// A builder that keeps to `limits`.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let budget = Budget::new(&limits, 0);
        Self { limits, budget, open: Vec::new(), mark: None, root: None }
    }

    /// The value, once its last event has come.
    ///
    /// # Errors
    /// [`ErrorKind::Truncated`] before that.
    pub fn finish(self) -> Result<Value> {
        whole(self.root, &self.open)
    }

    fn add(&mut self, value: Value) -> Result<()> {
        let mark = self.mark.take();
        self.budget.take_nodes(1)?;
        self.place(mark, value);
        Ok(())
    }

    fn place(&mut self, mark: Option<u64>, value: Value) {
        let value = match mark {
            Some(id) => Value::Marked(id, Box::new(value)),
            None => value,
        };
        match self.open.last_mut() {
            Some((_, frame)) => frame.add(value),
            None => self.root = Some(value),
        }
    }

    fn open(&mut self, frame: OpenContainer<Value>) -> Result<()> {
        if self.open.len() >= self.limits.depth {
            return Err(self.limits.too_deep());
        }
        if self.open.len() >= Self::MAX_DEPTH {
            return Err(too_deep_for_a_tree());
        }
        self.budget.take_nodes(1)?;
        self.open.push((self.mark.take(), frame));
        Ok(())
    }

    fn close(&mut self) {
        let (mark, frame) = self.open.pop().expect("an end without its begin");
        self.place(mark, closed(frame));
    }

    fn innermost(&mut self) -> &mut OpenContainer<Value> {
        &mut self.open.last_mut().expect("a key outside a map or object").1
    }
}

fn closed(frame: OpenContainer<Value>) -> Value {
    match frame {
        OpenContainer::Items(Container::Tuple, items) => Value::Tuple(items),
        OpenContainer::Items(Container::Set, items) => Value::Set(items),
        OpenContainer::Items(Container::FrozenSet, items) => Value::FrozenSet(items),
        OpenContainer::Items(_, items) => Value::List(items),
        OpenContainer::Map(entries, _) => Value::Map(entries),
        OpenContainer::Object(type_name, parts, _) => {
            Value::Object(Box::new(Object { type_name, parts }))
        }
    }
}

#[cold]
fn too_deep_for_a_tree() -> Error {
    let depth = ValueBuilder::MAX_DEPTH;
    Error::new(ErrorKind::Depth, format!("nested deeper than the {depth} levels of a tree"))
        .with_hint("build a `Graph`, which has no such bound")
}

impl Value {
    /// Builds the tree of whatever `source` sends.
    ///
    /// # Errors
    /// Those of the source, and those of [`ValueBuilder`].
    pub fn from_source<S: Source + ?Sized>(source: &S, limits: Limits) -> Result<Self> {
        let mut builder = ValueBuilder::new(limits);
        source.emit(&mut builder)?;
        builder.finish()
    }
}

impl Sink for ValueBuilder {
    fn null(&mut self) -> Result<()> {
        self.add(Value::Null)
    }

    fn bool(&mut self, value: bool) -> Result<()> {
        self.add(Value::Bool(value))
    }

    fn int(&mut self, value: i64) -> Result<()> {
        self.add(Value::Int(value))
    }

    fn big_int(&mut self, value: BigInt<'_>) -> Result<()> {
        self.add(Value::BigInt(value.to_big_int()))
    }

    fn float(&mut self, value: f64) -> Result<()> {
        self.add(Value::Float(value))
    }

    fn text(&mut self, value: Text<'_>) -> Result<()> {
        self.add(Value::Text(value.into()))
    }

    fn bytes(&mut self, value: &[u8]) -> Result<()> {
        self.add(Value::Bytes(value.to_vec()))
    }

    fn array(&mut self, value: &dyn ArraySource) -> Result<()> {
        let array = ArrayBuf::from_source(value)?;
        self.add(Value::Array(Box::new(array)))
    }

    fn begin(&mut self, container: Container, len: Option<usize>) -> Result<()> {
        self.open(OpenContainer::container(container, len))
    }

    fn end(&mut self, _container: Container) -> Result<()> {
        self.close();
        Ok(())
    }

    fn key(&mut self, key: Text<'_>) -> Result<()> {
        match self.innermost() {
            OpenContainer::Map(_, slot) => *slot = EntrySlot::Key(Value::Text(key.into())),
            OpenContainer::Object(_, _, name) => *name = Some(key.into()),
            OpenContainer::Items(..) => panic!("a key outside a map or object"),
        }
        Ok(())
    }

    fn entry(&mut self) -> Result<()> {
        self.innermost().announce();
        Ok(())
    }

    fn begin_object(&mut self, type_name: Text<'_>, parts: Option<usize>) -> Result<()> {
        self.open(OpenContainer::object(type_name.into(), parts))
    }

    fn end_object(&mut self) -> Result<()> {
        self.close();
        Ok(())
    }

    fn mark(&mut self, id: u64) -> Result<()> {
        self.mark = Some(id);
        Ok(())
    }

    fn alias(&mut self, id: u64) -> Result<()> {
        self.add(Value::Alias(id))
    }
}
