//! The events that array files have no place for.

use cannery_core::Container;

/// Completes a `Sink` whose `refuse` method makes the error for everything but arrays.
macro_rules! refuse_scalars_and_objects {
    () => {
        fn null(&mut self) -> Result<()> {
            self.refuse("null")
        }

        fn bool(&mut self, _value: bool) -> Result<()> {
            self.refuse("a truth value")
        }

        fn int(&mut self, _value: i64) -> Result<()> {
            self.refuse("an integer")
        }

        fn big_int(&mut self, _value: cannery_core::BigInt<'_>) -> Result<()> {
            self.refuse("an integer")
        }

        fn float(&mut self, _value: f64) -> Result<()> {
            self.refuse("a number")
        }

        fn text(&mut self, _value: Text<'_>) -> Result<()> {
            self.refuse("text")
        }

        fn bytes(&mut self, _value: &[u8]) -> Result<()> {
            self.refuse("bytes")
        }

        fn entry(&mut self) -> Result<()> {
            self.refuse("a key that is not text")
        }

        fn begin_object(&mut self, type_name: Text<'_>, _parts: Option<usize>) -> Result<()> {
            self.refuse(&format!("an object of type `{type_name}`"))
        }

        fn end_object(&mut self) -> Result<()> {
            self.refuse("the end of an object")
        }

        /// Nothing can refer to it: an alias is refused.
        fn mark(&mut self, _id: u64) -> Result<()> {
            Ok(())
        }

        fn alias(&mut self, _id: u64) -> Result<()> {
            self.refuse("a reference")
        }
    };
}

pub(crate) use refuse_scalars_and_objects;

/// A kind of container, for messages.
pub(crate) fn container_name(container: Container) -> &'static str {
    match container {
        Container::List => "a list",
        Container::Tuple => "a tuple",
        Container::Set | Container::FrozenSet => "a set",
        Container::Map => "a map",
    }
}
