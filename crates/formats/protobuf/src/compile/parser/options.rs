//! Options as written.

use super::{Failed, Parsed, Parser};
use crate::compile::lexer::{TokenKind, integer};
use crate::descriptor::{NamePart, Options, RawOption, RawValue};

impl Parser<'_> {
    /// `option name = value;`
    pub(super) fn option_statement(&mut self, options: &mut Options) -> Parsed {
        self.next();
        self.option_assignment(options)?;
        self.end_of_statement()
    }

    /// `[name = value, ...]`
    pub(super) fn bracketed_options(&mut self, options: &mut Options) -> Parsed {
        self.consume("[")?;
        loop {
            self.option_assignment(options)?;
            if !self.accept(",") {
                return self.consume("]");
            }
        }
    }

    pub(super) fn option_assignment(&mut self, options: &mut Options) -> Parsed {
        let name_at = self.at();
        let mut name = vec![self.option_name()?];
        while self.accept(".") {
            name.push(self.option_name()?);
        }
        self.consume("=")?;
        let value_at = self.at();
        let value = self.option_value()?;
        options.is_present = true;
        options.raw.push(RawOption { name, value, name_at, value_at });
        Ok(())
    }

    fn option_name(&mut self) -> Parsed<NamePart> {
        if !self.accept("(") {
            let name = self.identifier("the name of an option")?;
            return Ok(NamePart { name, is_extension: false });
        }
        let mut name = String::new();
        if self.accept(".") {
            name.push('.');
        }
        name.push_str(&self.dotted_name("the name of an option")?);
        self.consume(")")?;
        Ok(NamePart { name, is_extension: true })
    }

    fn option_value(&mut self) -> Parsed<RawValue> {
        let is_negative = self.accept("-");
        match self.token.kind {
            TokenKind::Identifier if is_negative => {
                let value = match self.current() {
                    b"inf" => f64::NEG_INFINITY,
                    b"nan" => f64::NAN,
                    _ => return self.expected("`inf` or `nan` behind `-`"),
                };
                self.next();
                Ok(RawValue::Double(value))
            }
            TokenKind::Identifier => Ok(RawValue::Identifier(self.identifier("a value")?)),
            TokenKind::Integer => self.option_integer(is_negative),
            TokenKind::Float => {
                let value = self.number()?;
                Ok(RawValue::Double(if is_negative { -value } else { value }))
            }
            TokenKind::Text if is_negative => self.expected("a number behind `-`"),
            TokenKind::Text => Ok(RawValue::Text(self.string("a string")?)),
            TokenKind::Symbol if self.is("{") => Ok(RawValue::Aggregate(self.aggregate()?)),
            TokenKind::Symbol | TokenKind::End => self.expected("the value of the option"),
        }
    }

    fn option_integer(&mut self, is_negative: bool) -> Parsed<RawValue> {
        let max = if is_negative { 1 << 63 } else { u64::MAX };
        match integer(self.current(), max) {
            // Beyond 64 bits decimal digits are a floating-point number.
            None if !self.current().starts_with(b"0") => {
                let value = self.number()?;
                Ok(RawValue::Double(if is_negative { -value } else { value }))
            }
            _ => {
                let value = self.integer(max, "an integer")?;
                Ok(if is_negative {
                    RawValue::Negative(value.cast_signed().wrapping_neg())
                } else {
                    RawValue::Positive(value)
                })
            }
        }
    }

    /// The text between braces, its tokens a space apart.
    fn aggregate(&mut self) -> Parsed<String> {
        self.next();
        let mut text = String::new();
        let mut depth = 1;
        loop {
            match self.current() {
                b"{" => depth += 1,
                b"}" => depth -= 1,
                _ if self.is_end() => {
                    self.error("expected `}` at the end of the option's value");
                    return Err(Failed);
                }
                _ => {}
            }
            if depth == 0 {
                self.next();
                return Ok(text);
            }
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(&String::from_utf8_lossy(self.current()));
            self.next();
        }
    }
}
