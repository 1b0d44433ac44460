//! A sink that takes everything and keeps nothing.

use cannery_core::{ArraySource, BigInt, Container, Result, Sink, Text};

/// Takes every event and keeps none: for walks that only look.
pub(crate) struct Nothing;

impl Sink for Nothing {
    fn null(&mut self) -> Result<()> {
        Ok(())
    }

    fn bool(&mut self, _value: bool) -> Result<()> {
        Ok(())
    }

    fn int(&mut self, _value: i64) -> Result<()> {
        Ok(())
    }

    fn big_int(&mut self, _value: BigInt<'_>) -> Result<()> {
        Ok(())
    }

    fn float(&mut self, _value: f64) -> Result<()> {
        Ok(())
    }

    fn text(&mut self, _value: Text<'_>) -> Result<()> {
        Ok(())
    }

    fn bytes(&mut self, _value: &[u8]) -> Result<()> {
        Ok(())
    }

    fn array(&mut self, _value: &dyn ArraySource) -> Result<()> {
        Ok(())
    }

    fn begin(&mut self, _container: Container, _len: Option<usize>) -> Result<()> {
        Ok(())
    }

    fn end(&mut self, _container: Container) -> Result<()> {
        Ok(())
    }

    fn key(&mut self, _key: Text<'_>) -> Result<()> {
        Ok(())
    }

    fn entry(&mut self) -> Result<()> {
        Ok(())
    }

    fn begin_object(&mut self, _type_name: Text<'_>, _parts: Option<usize>) -> Result<()> {
        Ok(())
    }

    fn end_object(&mut self) -> Result<()> {
        Ok(())
    }

    fn mark(&mut self, _id: u64) -> Result<()> {
        Ok(())
    }

    fn alias(&mut self, _id: u64) -> Result<()> {
        Ok(())
    }
}
