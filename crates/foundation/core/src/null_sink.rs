//! A sink that takes everything and keeps nothing.

use crate::{ArraySource, BigInt, Container, Result, Sink, Text};

/// Takes every event and keeps none: for walks that only look.
#[derive(Clone, Copy, Debug, Default)]
pub struct NullSink;

impl Sink for NullSink {
    #[inline]
    fn null(&mut self) -> Result<()> {
        Ok(())
    }

    #[inline]
    fn bool(&mut self, _value: bool) -> Result<()> {
        Ok(())
    }

    #[inline]
    fn int(&mut self, _value: i64) -> Result<()> {
        Ok(())
    }

    #[inline]
    fn big_int(&mut self, _value: BigInt<'_>) -> Result<()> {
        Ok(())
    }

    #[inline]
    fn float(&mut self, _value: f64) -> Result<()> {
        Ok(())
    }

    #[inline]
    fn text(&mut self, _value: Text<'_>) -> Result<()> {
        Ok(())
    }

    #[inline]
    fn bytes(&mut self, _value: &[u8]) -> Result<()> {
        Ok(())
    }

    #[inline]
    fn array(&mut self, _value: &dyn ArraySource) -> Result<()> {
        Ok(())
    }

    #[inline]
    fn begin(&mut self, _container: Container, _len: Option<usize>) -> Result<()> {
        Ok(())
    }

    #[inline]
    fn end(&mut self, _container: Container) -> Result<()> {
        Ok(())
    }

    #[inline]
    fn key(&mut self, _key: Text<'_>) -> Result<()> {
        Ok(())
    }

    #[inline]
    fn entry(&mut self) -> Result<()> {
        Ok(())
    }

    #[inline]
    fn begin_object(&mut self, _type_name: Text<'_>, _parts: Option<usize>) -> Result<()> {
        Ok(())
    }

    #[inline]
    fn end_object(&mut self) -> Result<()> {
        Ok(())
    }

    #[inline]
    fn mark(&mut self, _id: u64) -> Result<()> {
        Ok(())
    }

    #[inline]
    fn alias(&mut self, _id: u64) -> Result<()> {
        Ok(())
    }
}
