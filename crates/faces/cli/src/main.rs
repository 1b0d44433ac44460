//! The program `cannery`; its body is the library beside it.

use std::process::ExitCode;

use cannery_cli::{Console, ExitStatus, PythonProcess};

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().collect();
    let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
    let mut console = Console::standard(&mut out, &mut err);
    match cannery_cli::main(&args, &mut PythonProcess, &mut console) {
        ExitStatus::Success => ExitCode::SUCCESS,
        other => ExitCode::from(other.code()),
    }
}
