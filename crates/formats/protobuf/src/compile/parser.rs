//! The parser: a file's text becomes a `FileProto`, names unresolved and options uninterpreted.
//!
//! It goes on behind an error where the next statement begins, as protoc does.

mod enums;
mod fields;
pub(super) mod maps;
mod message;
mod options;
mod service;

pub(crate) use maps::entry_name;

use super::diagnostics::Diagnostics;
use super::lexer::{Dialect, Lexer, Token, TokenKind, float, integer, unquote};
use crate::descriptor::{At, FileProto, Import};
use crate::edition;

/// A statement could not be read; why was told.
#[derive(Debug)]
pub(super) struct Failed;

pub(super) type Parsed<T = ()> = Result<T, Failed>;

pub(super) struct Parser<'a> {
    text: &'a [u8],
    lexer: Lexer<'a>,
    token: Token,
    /// Where the token before ended.
    diagnostics: &'a mut Diagnostics,
    edition: i32,
    depth: usize,
}

/// Reads the text of one file.
pub(super) fn parse(name: &str, text: &[u8], diagnostics: &mut Diagnostics) -> FileProto {
    let mut lexer = Lexer::new(text, Dialect::Schema);
    let token = lexer.next();
    let edition = edition::PROTO2;
    let mut parser = Parser { text, lexer, token, diagnostics, edition, depth: 0 };
    parser.take_lex_errors();
    let mut file = FileProto { name: name.to_owned(), ..FileProto::default() };
    if parser.syntax(&mut file).is_ok() {
        parser.statements(&mut file);
    }
    file
}

impl Parser<'_> {
    fn at(&self) -> At {
        self.token.span.start as At
    }

    fn current(&self) -> &[u8] {
        &self.text[self.token.span.clone()]
    }

    fn current_str(&self) -> &str {
        std::str::from_utf8(self.current()).unwrap_or_default()
    }

    fn is(&self, text: &str) -> bool {
        self.token.kind != TokenKind::Text && self.current() == text.as_bytes()
    }

    fn is_end(&self) -> bool {
        self.token.kind == TokenKind::End
    }

    fn next(&mut self) {
        self.token = self.lexer.next();
        self.take_lex_errors();
    }

    fn take_lex_errors(&mut self) {
        for (at, message) in self.lexer.errors.drain(..) {
            self.diagnostics.error(at as At, message);
        }
    }

    fn error(&mut self, message: impl Into<String>) {
        self.diagnostics.error(self.at(), message);
    }

    /// `expected ..., found ...` at the current token.
    fn expected<T>(&mut self, what: &str) -> Parsed<T> {
        let found = if self.is_end() {
            "the end of the file".to_owned()
        } else {
            format!("`{}`", String::from_utf8_lossy(self.current()))
        };
        self.error(format!("expected {what}, found {found}"));
        Err(Failed)
    }

    fn accept(&mut self, text: &str) -> bool {
        let found = self.is(text);
        if found {
            self.next();
        }
        found
    }

    fn consume(&mut self, text: &str) -> Parsed {
        if self.accept(text) { Ok(()) } else { self.expected(&format!("`{text}`")) }
    }

    fn end_of_statement(&mut self) -> Parsed {
        self.consume(";")
    }

    fn identifier(&mut self, what: &str) -> Parsed<String> {
        if self.token.kind != TokenKind::Identifier {
            return self.expected(what);
        }
        let name = self.current_str().to_owned();
        self.next();
        Ok(name)
    }

    fn integer(&mut self, max: u64, what: &str) -> Parsed<u64> {
        if self.token.kind != TokenKind::Integer {
            return self.expected(what);
        }
        let value = integer(self.current(), max);
        if value.is_none() {
            self.error(format!("expected an integer up to {max}, found `{}`", self.current_str()));
        }
        self.next();
        Ok(value.unwrap_or(0))
    }

    /// An integer of 32 bits that may be negative.
    fn signed(&mut self, what: &str) -> Parsed<i32> {
        let is_negative = self.accept("-");
        let max = if is_negative { 1 << 31 } else { (1 << 31) - 1 };
        let value = self.integer(max, what)?;
        let value = value.cast_signed();
        Ok(i32::try_from(if is_negative { -value } else { value }).unwrap_or(0))
    }

    fn field_number(&mut self, what: &str) -> Parsed<i32> {
        let value = self.integer((1 << 31) - 1, what)?;
        Ok(i32::try_from(value).unwrap_or(0))
    }

    /// A number, `inf` and `nan` among them, without its sign.
    fn number(&mut self) -> Parsed<f64> {
        let value = match self.token.kind {
            TokenKind::Float => float(self.current()),
            TokenKind::Integer => match integer(self.current(), u64::MAX) {
                Some(value) => value as f64,
                None if self.current().starts_with(b"0") => {
                    self.error("expected a number that fits 64 bits");
                    0.0
                }
                None => float(self.current()),
            },
            _ if self.is("inf") => f64::INFINITY,
            _ if self.is("nan") => f64::NAN,
            _ => return self.expected("a number"),
        };
        self.next();
        Ok(value)
    }

    /// One or more string literals in a row.
    fn string(&mut self, what: &str) -> Parsed<Vec<u8>> {
        if self.token.kind != TokenKind::Text {
            return self.expected(what);
        }
        let mut value = Vec::new();
        while self.token.kind == TokenKind::Text {
            value.extend(unquote(self.current()));
            self.next();
        }
        Ok(value)
    }

    fn text(&mut self, what: &str) -> Parsed<String> {
        let bytes = self.string(what)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn skip_statement(&mut self) {
        loop {
            if self.is_end() || self.is("}") {
                return;
            }
            if self.accept(";") {
                return;
            }
            if self.accept("{") {
                self.skip_block();
                return;
            }
            self.next();
        }
    }

    fn skip_block(&mut self) {
        let mut depth = 1;
        while depth > 0 && !self.is_end() {
            depth += usize::from(self.is("{"));
            depth -= usize::from(self.is("}"));
            self.next();
        }
    }

    fn syntax(&mut self, file: &mut FileProto) -> Parsed {
        let is_edition = self.is("edition");
        if !is_edition && !self.is("syntax") {
            return Ok(());
        }
        self.next();
        self.consume("=")?;
        let at = self.at();
        let value = self.text("the syntax in quotes")?;
        self.end_of_statement()?;
        if is_edition {
            self.edition = edition::from_name(&value).ok_or_else(|| {
                let message = format!("expected edition `2023`, `2024` or `2026`, found `{value}`");
                self.diagnostics.error(at, message);
                Failed
            })?;
            "editions".clone_into(&mut file.syntax);
            file.edition = self.edition;
            return Ok(());
        }
        self.edition = match value.as_str() {
            "proto2" => edition::PROTO2,
            "proto3" => edition::PROTO3,
            _ => {
                let message = format!("expected syntax `proto2` or `proto3`, found `{value}`");
                self.diagnostics.error(at, message);
                return Err(Failed);
            }
        };
        if value == "proto3" {
            file.syntax = value;
        }
        Ok(())
    }

    fn statements(&mut self, file: &mut FileProto) {
        while !self.is_end() {
            if self.statement(file).is_err() {
                self.skip_statement();
                if self.is("}") {
                    self.error("found `}` without its `{`");
                    self.next();
                }
            }
        }
    }

    fn statement(&mut self, file: &mut FileProto) -> Parsed {
        if self.accept(";") {
            return Ok(());
        }
        let visibility = self.visibility()?;
        if self.is("message") {
            let mut message = self.message()?;
            message.visibility = visibility;
            file.messages.push(message);
            return Ok(());
        }
        if self.is("enum") {
            let mut value = self.enumeration()?;
            value.visibility = visibility;
            file.enums.push(value);
            return Ok(());
        }
        match self.current_str() {
            "service" => {
                let service = self.service()?;
                file.services.push(service);
                Ok(())
            }
            "extend" => self.extend(&mut file.extensions, &mut file.messages),
            "import" => self.import(file),
            "package" => self.package(file),
            "option" => self.option_statement(&mut file.options),
            _ => self.expected("a statement such as `message`"),
        }
    }

    /// `export` or `local` in front of a message or an enum, from edition 2024 on.
    fn visibility(&mut self) -> Parsed<i32> {
        if self.edition < edition::E2024 || !(self.is("export") || self.is("local")) {
            return Ok(0);
        }
        // A field's type may be called so too; then its name follows, and not these two words.
        let mut ahead = Lexer::new(&self.text[self.token.span.end..], Dialect::Schema);
        let following = ahead.next();
        let start = self.token.span.end;
        let word = &self.text[start + following.span.start..start + following.span.end];
        let is_modifier = matches!(word, b"message" | b"enum");
        if !is_modifier {
            if self.depth > 0 && !matches!(word, b"extend" | b"oneof" | b"group") {
                return Ok(0);
            }
            self.next();
            return self.expected("`message` or `enum` behind `export` or `local`");
        }
        let value = if self.is("local") { 1 } else { 2 };
        self.next();
        Ok(value)
    }

    fn import(&mut self, file: &mut FileProto) -> Parsed {
        let mut import = Import { at: self.at(), ..Import::default() };
        self.next();
        let mut is_option = false;
        if self.is("option") {
            if self.edition < edition::E2024 {
                self.error("expected edition 2024 or later for `import option`");
            }
            self.next();
            is_option = true;
        } else if self.accept("public") {
            import.is_public = true;
        } else if self.is("weak") {
            if self.edition >= edition::E2024 {
                self.error("expected `import option`: edition 2024 has no weak imports");
            }
            self.next();
            import.is_weak = true;
        }
        import.path = self.text("the path of the file to import, in quotes")?;
        if is_option {
            file.option_dependencies.push(import);
        } else {
            file.dependencies.push(import);
        }
        self.end_of_statement()
    }

    fn package(&mut self, file: &mut FileProto) -> Parsed {
        if file.has_package {
            self.error("expected one package in a file, found a second");
            file.package.clear();
        }
        file.package_at = self.at();
        self.next();
        file.has_package = true;
        file.package = self.dotted_name("the name of the package")?;
        self.end_of_statement()
    }

    fn dotted_name(&mut self, what: &str) -> Parsed<String> {
        let mut name = self.identifier(what)?;
        while self.accept(".") {
            name.push('.');
            name.push_str(&self.identifier("an identifier")?);
        }
        Ok(name)
    }
}
