//! Enums.

use super::{Failed, Parsed, Parser};
use crate::descriptor::{EnumProto, EnumValueProto};

impl Parser<'_> {
    pub(super) fn enumeration(&mut self) -> Parsed<EnumProto> {
        self.next();
        let mut value = EnumProto { name_at: self.at(), ..EnumProto::default() };
        value.name = self.identifier("the name of the enum")?;
        self.consume("{")?;
        while !self.accept("}") {
            if self.is_end() {
                return self.expected("`}` at the end of the enum");
            }
            if self.enum_statement(&mut value).is_err() {
                self.skip_statement();
            }
        }
        self.check_aliases(&value)?;
        Ok(value)
    }

    fn enum_statement(&mut self, value: &mut EnumProto) -> Parsed {
        if self.accept(";") {
            return Ok(());
        }
        if self.is("option") {
            return self.option_statement(&mut value.options);
        }
        if self.is("reserved") {
            self.next();
            match self.reserved_names()? {
                Some(names) => value.reserved_names.extend(names),
                None => value.reserved.extend(self.reserved_values()?),
            }
            return Ok(());
        }
        let constant = self.enum_constant()?;
        value.values.push(constant);
        Ok(())
    }

    fn enum_constant(&mut self) -> Parsed<EnumValueProto> {
        let mut constant = EnumValueProto { name_at: self.at(), ..EnumValueProto::default() };
        constant.name = self.identifier("the name of an enum value")?;
        if !self.accept("=") {
            return self.expected("`=` and the number of the enum value");
        }
        constant.number_at = self.at();
        constant.number = self.signed("an integer")?;
        if self.is("[") {
            self.bracketed_options(&mut constant.options)?;
        }
        self.end_of_statement()?;
        Ok(constant)
    }

    /// An `allow_alias` that changes nothing is refused.
    fn check_aliases(&mut self, value: &EnumProto) -> Parsed {
        let Some(allow) = value.options.identifier("allow_alias") else { return Ok(()) };
        let mut numbers: Vec<i32> = value.values.iter().map(|value| value.number).collect();
        numbers.sort_unstable();
        let has_aliases = numbers.windows(2).any(|pair| pair[0] == pair[1]);
        let message = match allow {
            "false" => {
                format!("enum `{}` says `allow_alias = false`, which is so anyway", value.name)
            }
            "true" if !has_aliases => {
                format!("enum `{}` allows aliases, but no two values share a number", value.name)
            }
            _ => return Ok(()),
        };
        self.diagnostics.error(value.name_at, message);
        Err(Failed)
    }
}
