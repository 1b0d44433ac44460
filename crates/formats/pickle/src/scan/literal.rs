//! Literals of Python, as far as NumPy writes them in headers; anything else is none.

/// A literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Literal<'a> {
    /// Without escapes: harmless code does not need them there.
    Text(&'a str),
    Number(u64),
    Bool(bool),
    Tuple(Vec<Literal<'a>>),
    List(Vec<Literal<'a>>),
    Dict(Vec<(Literal<'a>, Literal<'a>)>),
}

const MAX_DEPTH: u32 = 32;

impl<'a> Literal<'a> {
    /// The literal that all of the text is.
    pub(super) fn parse(text: &'a str) -> Option<Literal<'a>> {
        let mut parser = Parser { rest: text, depth: 0 };
        let literal = parser.literal()?;
        parser.rest.trim().is_empty().then_some(literal)
    }
}

struct Parser<'a> {
    rest: &'a str,
    depth: u32,
}

impl<'a> Parser<'a> {
    fn literal(&mut self) -> Option<Literal<'a>> {
        self.rest = self.rest.trim_start();
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let literal = match self.rest.chars().next()? {
            '{' => self.dict(),
            '(' => self.tuple(),
            '[' => self.items('[', ']').map(|(items, _)| Literal::List(items)),
            '\'' | '"' => self.text(),
            '0'..='9' => self.number(),
            _ => self.bool(),
        };
        self.depth -= 1;
        literal
    }

    /// Takes a sign that must be there.
    fn sign(&mut self, sign: char) -> Option<()> {
        self.rest = self.rest.trim_start().strip_prefix(sign)?;
        Some(())
    }

    /// The items between brackets, and whether a comma stood between or behind them.
    fn items(&mut self, open: char, close: char) -> Option<(Vec<Literal<'a>>, bool)> {
        self.sign(open)?;
        let (mut items, mut has_comma) = (Vec::new(), false);
        while self.sign(close).is_none() {
            if !items.is_empty() && !std::mem::take(&mut has_comma) {
                return None;
            }
            items.push(self.literal()?);
            has_comma = self.sign(',').is_some();
        }
        let is_many = has_comma || items.len() != 1;
        Some((items, is_many))
    }

    /// A tuple, or what stands in parentheses.
    fn tuple(&mut self) -> Option<Literal<'a>> {
        let (mut items, is_tuple) = self.items('(', ')')?;
        if is_tuple { Some(Literal::Tuple(items)) } else { items.pop() }
    }

    fn dict(&mut self) -> Option<Literal<'a>> {
        self.sign('{')?;
        let mut entries = Vec::new();
        while self.sign('}').is_none() {
            let key = self.literal()?;
            self.sign(':')?;
            entries.push((key, self.literal()?));
            if self.sign(',').is_none() {
                self.sign('}')?;
                break;
            }
        }
        Some(Literal::Dict(entries))
    }

    fn text(&mut self) -> Option<Literal<'a>> {
        let quote = self.rest.chars().next()?;
        let (text, rest) = self.rest[1..].split_once(quote)?;
        // Three quotes, and texts side by side, are texts as well; they are not written here.
        let is_odd = text.contains(['\\', '\n']) || rest.starts_with(quote);
        self.rest = rest;
        (!is_odd && !rest.trim_start().starts_with(['\'', '"'])).then_some(Literal::Text(text))
    }

    fn number(&mut self) -> Option<Literal<'a>> {
        let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        // Python 2 wrote `3L`.
        self.rest = rest.strip_prefix('L').unwrap_or(rest);
        digits.parse().ok().map(Literal::Number)
    }

    fn bool(&mut self) -> Option<Literal<'a>> {
        for (word, value) in [("True", true), ("False", false)] {
            if let Some(rest) = self.rest.strip_prefix(word) {
                self.rest = rest;
                return Some(Literal::Bool(value));
            }
        }
        None
    }
}
