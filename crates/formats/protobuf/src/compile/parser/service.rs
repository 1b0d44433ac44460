//! Services.

use super::{Parsed, Parser};
use crate::descriptor::{MethodProto, ServiceProto};

impl Parser<'_> {
    pub(super) fn service(&mut self) -> Parsed<ServiceProto> {
        self.next();
        let mut service = ServiceProto { name_at: self.at(), ..ServiceProto::default() };
        service.name = self.identifier("the name of the service")?;
        self.consume("{")?;
        while !self.accept("}") {
            if self.is_end() {
                return self.expected("`}` at the end of the service");
            }
            if self.service_statement(&mut service).is_err() {
                self.skip_statement();
            }
        }
        Ok(service)
    }

    fn service_statement(&mut self, service: &mut ServiceProto) -> Parsed {
        if self.accept(";") {
            return Ok(());
        }
        if self.is("option") {
            return self.option_statement(&mut service.options);
        }
        let method = self.method()?;
        service.methods.push(method);
        Ok(())
    }

    fn method(&mut self) -> Parsed<MethodProto> {
        self.consume("rpc")?;
        let mut method = MethodProto { name_at: self.at(), ..MethodProto::default() };
        method.name = self.identifier("the name of the method")?;
        (method.client_streaming, method.input_at, method.input) = self.method_type()?;
        self.consume("returns")?;
        (method.server_streaming, method.output_at, method.output) = self.method_type()?;
        if !self.accept("{") {
            self.end_of_statement()?;
            return Ok(method);
        }
        // Even an empty block makes options, as protoc writes them.
        method.options.is_present = true;
        while !self.accept("}") {
            if self.is_end() {
                return self.expected("`}` at the end of the method");
            }
            if self.accept(";") {
                continue;
            }
            if !self.is("option") {
                let failed = self.expected::<()>("`option`");
                self.skip_statement();
                drop(failed);
            } else if self.option_statement(&mut method.options).is_err() {
                self.skip_statement();
            }
        }
        Ok(method)
    }

    fn method_type(&mut self) -> Parsed<(bool, u32, String)> {
        self.consume("(")?;
        let is_stream = self.accept("stream");
        let at = self.at();
        let name = self.type_name()?;
        self.consume(")")?;
        Ok((is_stream, at, name))
    }
}
