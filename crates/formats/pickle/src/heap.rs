//! What a pickle's machine works on: objects that are made first and edited later.

use std::vec::Drain;

use cannery_core::Result;

use crate::literal::Integer;

/// The objects of a pickle, in memory of whatever kind.
///
/// `at` is the offset of the opcode that asks. Nothing here is undone when a later step fails:
/// a heap whose steps can do harm has to know the whole stream before it takes the first.
pub trait Heap {
    /// A reference to an object; cloning it does not clone the object.
    type Ref: Clone;

    /// The pickle says which protocol it follows.
    fn protocol(&mut self, _protocol: u8) {}

    /// `None`.
    fn none(&mut self) -> Result<Self::Ref>;
    /// A truth value.
    fn bool(&mut self, value: bool) -> Result<Self::Ref>;
    /// An integer of 64 bits.
    fn int(&mut self, value: i64) -> Result<Self::Ref>;
    /// A larger integer, in little-endian two's complement.
    fn big_int(&mut self, bytes: &[u8]) -> Result<Self::Ref>;
    /// A float.
    fn float(&mut self, value: f64) -> Result<Self::Ref>;
    /// Text in UTF-8, surrogates allowed.
    fn text(&mut self, bytes: &[u8]) -> Result<Self::Ref>;
    /// A line of text in Python's "raw unicode escape" encoding.
    fn escaped_text(&mut self, line: &[u8]) -> Result<Self::Ref>;
    /// A string of Python 2: bytes, or text in an encoding it does not tell.
    fn string(&mut self, bytes: &[u8]) -> Result<Self::Ref>;
    /// Bytes.
    fn bytes(&mut self, bytes: &[u8]) -> Result<Self::Ref>;
    /// Bytes that can be edited.
    fn bytearray(&mut self, bytes: &[u8]) -> Result<Self::Ref>;
    /// The argument of `INT`.
    fn short_line(&mut self, line: &[u8]) -> Result<Self::Ref>;
    /// The argument of `LONG`.
    fn long_line(&mut self, line: &[u8]) -> Result<Self::Ref>;
    /// The argument of `FLOAT`.
    fn float_line(&mut self, line: &[u8]) -> Result<Self::Ref>;

    /// A tuple of the items.
    fn tuple(&mut self, items: Drain<'_, Self::Ref>) -> Result<Self::Ref>;
    /// A list of the items.
    fn list(&mut self, items: Drain<'_, Self::Ref>) -> Result<Self::Ref>;
    /// A dictionary of keys and values in turn; their number is even.
    fn dict(&mut self, items: Drain<'_, Self::Ref>) -> Result<Self::Ref>;
    /// An empty set.
    fn set(&mut self) -> Result<Self::Ref>;
    /// A frozen set of the items.
    fn frozenset(&mut self, items: Drain<'_, Self::Ref>) -> Result<Self::Ref>;

    /// Appends one item to a list.
    fn append(&mut self, list: &Self::Ref, item: Self::Ref, at: usize) -> Result<()>;
    /// Appends items to a list.
    fn extend(&mut self, list: &Self::Ref, items: Drain<'_, Self::Ref>, at: usize) -> Result<()>;
    /// Puts keys and values, in turn, into a dictionary; their number is even.
    fn set_items(&mut self, dict: &Self::Ref, items: Drain<'_, Self::Ref>, at: usize)
    -> Result<()>;
    /// Adds items to a set.
    fn add_items(&mut self, set: &Self::Ref, items: Drain<'_, Self::Ref>, at: usize) -> Result<()>;

    /// What a module has by a name, as `GLOBAL` and `INST` say it.
    fn global(&mut self, module: &[u8], name: &[u8], at: usize) -> Result<Self::Ref>;
    /// The same, as `STACK_GLOBAL` says it.
    fn stack_global(&mut self, module: Self::Ref, name: Self::Ref, at: usize) -> Result<Self::Ref>;
    /// What an extension code stands for.
    fn extension(&mut self, code: i64, at: usize) -> Result<Self::Ref>;
    /// An instance of an old-style class: `INST` and `OBJ`.
    fn instance(
        &mut self,
        class: Self::Ref,
        arguments: Drain<'_, Self::Ref>,
        at: usize,
    ) -> Result<Self::Ref>;
    /// An instance that is made, but not initialized: `NEWOBJ` and `NEWOBJ_EX`.
    fn new_object(
        &mut self,
        class: Self::Ref,
        arguments: Self::Ref,
        keywords: Option<Self::Ref>,
        at: usize,
    ) -> Result<Self::Ref>;
    /// What a call gives.
    fn reduce(&mut self, callable: Self::Ref, arguments: Self::Ref, at: usize)
    -> Result<Self::Ref>;
    /// Gives an object its state.
    fn build(&mut self, object: &Self::Ref, state: Self::Ref, at: usize) -> Result<()>;

    /// What a persistent id of protocol 0, a line, stands for.
    fn persistent_line(&mut self, id: &[u8], at: usize) -> Result<Self::Ref>;
    /// What a persistent id stands for.
    fn persistent(&mut self, id: Self::Ref, at: usize) -> Result<Self::Ref>;
    /// The next buffer that was kept out of the stream.
    fn next_buffer(&mut self, at: usize) -> Result<Self::Ref>;
    /// A buffer that cannot be written to.
    fn readonly_buffer(&mut self, buffer: Self::Ref, at: usize) -> Result<Self::Ref>;

    /// An integer that was read from text.
    fn integer(&mut self, integer: Integer) -> Result<Self::Ref> {
        match integer {
            Integer::Bool(value) => self.bool(value),
            Integer::Small(value) => self.int(value),
            Integer::Big(value) => self.big_int(&value.to_signed_bytes_le()),
        }
    }
}
