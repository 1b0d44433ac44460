//! Reading the text format.

use cannery_core::{Error, ErrorKind, Result, Segment};

use crate::compile::{Dialect, Lexer, Token, TokenKind, float, integer, unquote};
use crate::kind;
use crate::message::{Message, Value};
use crate::pool::{Field, Pool};
use crate::well_known::WellKnown;
use crate::{EncodeOptions, MessageId};

/// How a name in brackets is looked up.
pub(crate) trait ExtensionFinder {
    /// The extension called `name` where it stands inside the message called `inside`.
    fn extension<'p>(&self, pool: &'p Pool, name: &str, inside: &str) -> Option<&'p Field>;
}

/// By the full name.
#[derive(Debug)]
pub(crate) struct FullNames;

impl ExtensionFinder for FullNames {
    fn extension<'p>(&self, pool: &'p Pool, name: &str, _inside: &str) -> Option<&'p Field> {
        match pool.extension(name) {
            Some(field) => Some(field),
            None => pool.message_set_extension(pool.message(name)?),
        }
    }
}

impl Pool {
    /// The extension of a message set that holds messages of this type and is declared inside it.
    pub(crate) fn message_set_extension(&self, of: MessageId) -> Option<&Field> {
        let prefix = format!("{}.", self.message_type(of).full_name);
        self.extensions.iter().find(|field| {
            field.message == Some(of)
                && field.full_name.starts_with(&prefix)
                && field.containing.is_some_and(|set| self.message_type(set).is_message_set)
        })
    }
}

impl Message {
    /// Reads the text format.
    ///
    /// # Errors
    /// [`ErrorKind::Syntax`], [`ErrorKind::Type`] and [`ErrorKind::Value`], with line and column.
    pub fn from_text(pool: &Pool, of: MessageId, text: &str) -> Result<Self> {
        let mut message = Message::new(of);
        let mut reader = TextReader::new(pool, text.as_bytes(), &FullNames);
        reader.read(&mut message).map_err(|error| error.locate(text.as_bytes()))?;
        Ok(message)
    }
}

pub(crate) struct TextReader<'a> {
    pool: &'a Pool,
    text: &'a [u8],
    lexer: Lexer<'a>,
    token: Token,
    finder: &'a dyn ExtensionFinder,
    depth: usize,
    keeps_entries: bool,
}

impl<'a> TextReader<'a> {
    pub(crate) fn new(pool: &'a Pool, text: &'a [u8], finder: &'a dyn ExtensionFinder) -> Self {
        let lexer = Lexer::new(text, Dialect::TextFormat);
        let token = Token { kind: TokenKind::End, span: 0..0 };
        Self { pool, text, lexer, token, finder, depth: 100, keeps_entries: false }
    }

    /// Keeps the entries of maps as written, one for each, as options do.
    pub(crate) fn keeping_entries(mut self) -> Self {
        self.keeps_entries = true;
        self
    }

    pub(crate) fn read(&mut self, message: &mut Message) -> Result<()> {
        self.next()?;
        self.message(message, None)
    }

    fn next(&mut self) -> Result<()> {
        self.token = self.lexer.next();
        match self.lexer.errors.first() {
            Some(&(at, message)) => {
                Err(Error::new(ErrorKind::Syntax, message).at_offset(at as u64))
            }
            None => Ok(()),
        }
    }

    fn current(&self) -> &'a [u8] {
        &self.text[self.token.span.clone()]
    }

    fn is(&self, symbol: &str) -> bool {
        self.token.kind == TokenKind::Symbol && self.current() == symbol.as_bytes()
    }

    fn accept(&mut self, symbol: &str) -> Result<bool> {
        let found = self.is(symbol);
        if found {
            self.next()?;
        }
        Ok(found)
    }

    #[cold]
    fn error(&self, kind: ErrorKind, message: String) -> Error {
        Error::new(kind, message).at_offset(self.token.span.start as u64)
    }

    #[cold]
    fn expected(&self, what: &str) -> Error {
        let found = match self.token.kind {
            TokenKind::End => "the end of the text".to_owned(),
            _ => format!("`{}`", String::from_utf8_lossy(self.current())),
        };
        self.error(ErrorKind::Syntax, format!("expected {what}, found {found}"))
    }

    fn consume(&mut self, symbol: &str) -> Result<()> {
        if self.accept(symbol)? { Ok(()) } else { Err(self.expected(&format!("`{symbol}`"))) }
    }

    /// Fields up to `end`, or to the end of the text.
    fn message(&mut self, message: &mut Message, end: Option<&str>) -> Result<()> {
        if self.depth == 0 {
            return Err(self.error(ErrorKind::Depth, "nested deeper than 100 messages".to_owned()));
        }
        self.depth -= 1;
        loop {
            match end {
                Some(end) if self.accept(end)? => break,
                None if self.token.kind == TokenKind::End => break,
                _ => {}
            }
            self.field(message)?;
            if !self.accept(",")? {
                self.accept(";")?;
            }
        }
        self.depth += 1;
        if !self.keeps_entries {
            message.finish_maps();
        }
        Ok(())
    }

    fn identifier(&mut self, what: &str) -> Result<&'a str> {
        if self.token.kind != TokenKind::Identifier {
            return Err(self.expected(what));
        }
        let text = std::str::from_utf8(self.current()).unwrap_or_default();
        self.next()?;
        Ok(text)
    }

    fn field(&mut self, message: &mut Message) -> Result<()> {
        if self.is("[") {
            return self.bracketed(message);
        }
        let start = self.token.span.start;
        let name = self.identifier("the name of a field")?;
        let message_type = self.pool.message_type(message.of);
        let found = message_type.field_by_name(name).or_else(|| {
            let group = message_type.field_by_name(&name.to_ascii_lowercase())?;
            (group.group_name.as_deref() == Some(name)).then_some(group)
        });
        match found {
            Some(field) => self
                .value_of(message, field)
                .map_err(|error| error.inside(Segment::Key((&*field.name).into()))),
            None if message_type.reserved_names.iter().any(|reserved| **reserved == *name) => {
                self.skip_value()
            }
            None => {
                let text = format!("`{}` has no field `{name}`", message_type.full_name);
                Err(Error::new(ErrorKind::Value, text).at_offset(start as u64))
            }
        }
    }

    /// `[package.extension]`, or `[domain/package.Message]` inside an `Any`.
    fn bracketed(&mut self, message: &mut Message) -> Result<()> {
        let start = self.token.span.start;
        self.next()?;
        let mut name = String::new();
        while !self.is("]") {
            let is_part = self.token.kind == TokenKind::Identifier
                || self.token.kind == TokenKind::Integer
                || [".", "/", "-", "_", "~", "%", "!", "$", "&", "(", ")", "*", "+", ",", ";", "="]
                    .iter()
                    .any(|symbol| self.is(symbol));
            if !is_part {
                return Err(self.expected("`]`"));
            }
            name.push_str(&String::from_utf8_lossy(self.current()));
            self.next()?;
        }
        self.next()?;
        let message_type = self.pool.message_type(message.of);
        if name.contains('/') {
            return self.any(message, &name, start);
        }
        let field =
            self.finder.extension(self.pool, &name, &format!("{}.x", message_type.full_name));
        let Some(field) = field.filter(|field| field.containing == Some(message.of)) else {
            let text = format!("`{}` has no extension `{name}`", message_type.full_name);
            return Err(Error::new(ErrorKind::Value, text).at_offset(start as u64));
        };
        self.value_of(message, field).map_err(|error| {
            error.inside(Segment::Key(format!("[{}]", field.full_name).as_str().into()))
        })
    }

    fn any(&mut self, message: &mut Message, url: &str, start: usize) -> Result<()> {
        let at = |error: Error| error.at_offset(start as u64);
        if self.pool.message_type(message.of).well_known != WellKnown::Any {
            let text = "expected a field: only `google.protobuf.Any` has types in brackets";
            return Err(at(Error::new(ErrorKind::Value, text)));
        }
        let name = url.rsplit('/').next().unwrap_or_default();
        let Some(of) = self.pool.message(name) else {
            return Err(at(Error::new(
                ErrorKind::Value,
                format!("`{name}` is not a known message"),
            )));
        };
        if message.get(1).is_some() {
            return Err(at(Error::new(ErrorKind::Value, "`Any` is set twice".to_owned())));
        }
        self.accept(":")?;
        let child = self.nested(of)?;
        message.set(1, Value::Bytes(url.as_bytes().to_vec()));
        let bytes = child.encode(self.pool, EncodeOptions::default().deterministic(true));
        message.set(2, Value::Bytes(bytes));
        Ok(())
    }

    fn nested(&mut self, of: MessageId) -> Result<Message> {
        let end = if self.accept("{")? {
            "}"
        } else if self.accept("<")? {
            ">"
        } else {
            return Err(self.expected("`{`"));
        };
        let mut child = Message::new(of);
        self.message(&mut child, Some(end))?;
        Ok(child)
    }

    fn value_of(&mut self, message: &mut Message, field: &Field) -> Result<()> {
        let has_colon = self.accept(":")?;
        if !has_colon && !field.is_message() {
            return Err(self.expected("`:`"));
        }
        let is_repeated = field.is_list() || field.is_map();
        if is_repeated && self.accept("[")? {
            if self.accept("]")? {
                return Ok(());
            }
            loop {
                let value = self.value(field)?;
                self.put(message, field, value);
                if self.accept("]")? {
                    return Ok(());
                }
                self.consume(",")?;
            }
        }
        if !is_repeated {
            self.check_unset(message, field)?;
        }
        let value = self.value(field)?;
        self.put(message, field, value);
        Ok(())
    }

    fn check_unset(&self, message: &Message, field: &Field) -> Result<()> {
        if message.get(field.number).is_some() {
            return Err(
                self.error(ErrorKind::Value, format!("field `{}` is set twice", field.name))
            );
        }
        let Some(oneof) = field.oneof else { return Ok(()) };
        let message_type = self.pool.message_type(message.of);
        let oneof = &message_type.oneofs[oneof as usize];
        for &position in &oneof.fields {
            let other = &message_type.fields[position as usize];
            if message.get(other.number).is_some() {
                let text = format!(
                    "field `{}` is of the oneof `{}`, in which `{}` is set",
                    field.name, oneof.name, other.name
                );
                return Err(self.error(ErrorKind::Value, text));
            }
        }
        Ok(())
    }

    fn put(&self, message: &mut Message, field: &Field, value: Value) {
        if !field.is_map() {
            if field.is_list() || field.has_presence || !value.is_zero() || self.keeps_entries {
                message.put(field, value);
            }
            return;
        }
        let Value::Message(mut entry) = value else { return };
        let (key_field, value_field) = self.pool.entry_of(field);
        let key = entry.remove(1).unwrap_or_else(|| self.pool.zero_of(key_field));
        let value = entry.remove(2).unwrap_or_else(|| self.pool.zero_of(value_field));
        message.map_entry(field.number, key, value);
    }

    fn value(&mut self, field: &Field) -> Result<Value> {
        match field.kind {
            kind::MESSAGE | kind::GROUP => {
                let of = field.message.expect("a field of messages has their type");
                Ok(Value::Message(Box::new(self.nested(of)?)))
            }
            kind::STRING | kind::BYTES => self.string(field),
            kind::BOOL => self.bool(),
            kind::ENUM => self.enumeration(field),
            kind::DOUBLE => Ok(Value::F64(self.float()?)),
            kind::FLOAT => Ok(Value::F32(self.float()? as f32)),
            of => self.integer(of),
        }
    }

    fn string(&mut self, field: &Field) -> Result<Value> {
        if self.token.kind != TokenKind::Text {
            return Err(self.expected("a string in quotes"));
        }
        let mut bytes = Vec::new();
        while self.token.kind == TokenKind::Text {
            check_escapes(self.current()).map_err(|text| self.error(ErrorKind::Syntax, text))?;
            bytes.extend(unquote(self.current()));
            self.next()?;
        }
        if field.kind == kind::STRING && std::str::from_utf8(&bytes).is_err() && !self.keeps_entries
        {
            return Err(self.error(ErrorKind::Encoding, "expected a string in UTF-8".to_owned()));
        }
        Ok(Value::Bytes(bytes))
    }

    fn bool(&mut self) -> Result<Value> {
        let value = match (self.token.kind, self.current()) {
            (TokenKind::Identifier, b"true" | b"True" | b"t") => true,
            (TokenKind::Identifier, b"false" | b"False" | b"f") => false,
            (TokenKind::Integer, text) => match integer(text, 1) {
                Some(value) => value == 1,
                None => return Err(self.expected("a bool")),
            },
            _ => return Err(self.expected("a bool")),
        };
        self.next()?;
        Ok(Value::Bool(value))
    }

    fn enumeration(&mut self, field: &Field) -> Result<Value> {
        let id = field.enumeration.expect("a field of an enum has its type");
        let enumeration = self.pool.enum_type(id);
        if self.token.kind == TokenKind::Identifier {
            let name = std::str::from_utf8(self.current()).unwrap_or_default();
            let Some(number) = enumeration.number_of(name) else {
                let text = format!("enum `{}` has no value called `{name}`", enumeration.full_name);
                return Err(self.error(ErrorKind::Value, text));
            };
            self.next()?;
            return Ok(Value::Enum(number));
        }
        let Value::I32(number) = self.integer(kind::INT32)? else { unreachable!("asked for") };
        if enumeration.is_closed && enumeration.name_of(number).is_none() {
            let text = format!("enum `{}` has no value {number}", enumeration.full_name);
            return Err(self.error(ErrorKind::Value, text));
        }
        Ok(Value::Enum(number))
    }

    fn integer(&mut self, of: u8) -> Result<Value> {
        let is_negative = self.accept("-")?;
        let (min, max) = kind::integer_range(of);
        let value = match self.token.kind {
            TokenKind::Integer => integer(self.current(), if is_negative { min } else { max }),
            _ => return Err(self.expected("an integer")),
        };
        let Some(value) = value.filter(|value| !is_negative || min > 0 || *value == 0) else {
            let text = format!("expected an integer that fits `{}`", kind::name(of));
            return Err(self.error(ErrorKind::Value, text));
        };
        self.next()?;
        let value = if is_negative { -i128::from(value) } else { i128::from(value) };
        Ok(match of {
            kind::UINT32 | kind::FIXED32 => Value::U32(value as u32),
            kind::UINT64 | kind::FIXED64 => Value::U64(value as u64),
            kind::INT64 | kind::SINT64 | kind::SFIXED64 => Value::I64(value as i64),
            _ => Value::I32(value as i32),
        })
    }

    fn float(&mut self) -> Result<f64> {
        let is_negative = self.accept("-")?;
        let value = match self.token.kind {
            TokenKind::Float => float(self.current()),
            // Decimal digits of any number; hexadecimal and octal are integers only.
            TokenKind::Integer if !is_octal_or_hex(self.current()) => float(self.current()),
            TokenKind::Identifier => {
                let word = self.current().to_ascii_lowercase();
                match word.as_slice() {
                    b"inf" | b"infinity" | b"inff" | b"infinityf" => f64::INFINITY,
                    b"nan" | b"nanf" => f64::NAN,
                    _ => return Err(self.expected("a number")),
                }
            }
            _ => return Err(self.expected("a number")),
        };
        self.next()?;
        Ok(if is_negative { -value } else { value })
    }

    /// Passes over the value of a field that is reserved.
    fn skip_value(&mut self) -> Result<()> {
        let has_colon = self.accept(":")?;
        if self.accept("[")? {
            while !self.accept("]")? {
                self.skip_single()?;
                if !self.is("]") {
                    self.consume(",")?;
                }
            }
            return Ok(());
        }
        if !has_colon && !self.is("{") && !self.is("<") {
            return Err(self.expected("`:`"));
        }
        self.skip_single()
    }

    fn skip_single(&mut self) -> Result<()> {
        let end = match self.current() {
            b"{" => "}",
            b"<" => ">",
            _ => {
                self.accept("-")?;
                let is_text = self.token.kind == TokenKind::Text;
                if matches!(self.token.kind, TokenKind::End | TokenKind::Symbol) {
                    return Err(self.expected("a value"));
                }
                self.next()?;
                while is_text && self.token.kind == TokenKind::Text {
                    self.next()?;
                }
                return Ok(());
            }
        };
        if self.depth == 0 {
            return Err(self.error(ErrorKind::Depth, "nested deeper than 100 messages".to_owned()));
        }
        self.depth -= 1;
        self.next()?;
        while !self.accept(end)? {
            if self.is("[") {
                while !self.accept("]")? {
                    if self.token.kind == TokenKind::End {
                        return Err(self.expected("`]`"));
                    }
                    self.next()?;
                }
            } else {
                self.identifier("the name of a field")?;
            }
            self.skip_value()?;
            if !self.accept(",")? {
                self.accept(";")?;
            }
        }
        self.depth += 1;
        Ok(())
    }
}

fn is_octal_or_hex(text: &[u8]) -> bool {
    text.len() > 1 && text[0] == b'0'
}

/// Surrogates come in pairs, and code points end at U+10FFFF.
fn check_escapes(token: &[u8]) -> std::result::Result<(), String> {
    let mut rest = token;
    while let Some(at) = rest.iter().position(|&byte| byte == b'\\') {
        let escape = &rest[at + 1..];
        let (digits, length) = match escape.first() {
            Some(b'u') => (escape.get(1..5), 5),
            Some(b'U') => (escape.get(1..9), 9),
            _ => (None, 1),
        };
        rest = &escape[length.min(escape.len())..];
        let Some(code) =
            digits.and_then(|d| u32::from_str_radix(std::str::from_utf8(d).ok()?, 16).ok())
        else {
            continue;
        };
        if (0xd800..0xdc00).contains(&code)
            && let Some(low) = rest.strip_prefix(b"\\u").and_then(|low| low.get(..4))
            && let Ok(low) = u32::from_str_radix(std::str::from_utf8(low).unwrap_or_default(), 16)
            && (0xdc00..0xe000).contains(&low)
        {
            rest = &rest[6..];
            continue;
        }
        if char::from_u32(code).is_none() {
            return Err(format!("expected a character, found the escape of U+{code:04X}"));
        }
    }
    Ok(())
}
