//! Pickle without running anything: read, disassemble, explain and judge every pickle.

pub mod opcode;
pub mod policy;
