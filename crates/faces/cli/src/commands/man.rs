//! `cannery man`: the manual pages, made of the same descriptions as `--help`.

use std::path::Path;

use cannery::{Error, ErrorKind};
use clap::CommandFactory;
use clap_mangen::Man;

use crate::args::{Args, ManArgs};
use crate::failure::Failure;
use crate::{Console, ExitStatus};

pub(crate) fn man(args: &ManArgs, console: &mut Console<'_>) -> Result<ExitStatus, Failure> {
    let pages = pages()?;
    if let Some(folder) = &args.out {
        for (name, page) in &pages {
            write(&folder.join(name), page)?;
        }
        return Ok(ExitStatus::Success);
    }
    let name = match &args.command {
        Some(command) => format!("cannery-{command}.1"),
        None => "cannery.1".to_owned(),
    };
    let Some((_, page)) = pages.iter().find(|(found, _)| *found == name) else {
        let message = format!("there is no command `{}`", args.command.as_deref().unwrap_or(""));
        let error = Error::new(ErrorKind::NotFound, message);
        return Err(error.with_hint("`cannery --help` lists them").into());
    };
    console.out().write_all(page)?;
    Ok(ExitStatus::Success)
}

/// Each page with the name of its file.
fn pages() -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let mut command = Args::command();
    command.build();
    let mut pages = vec![("cannery.1".to_owned(), page(&command)?)];
    add_pages(&command, "cannery", &mut pages)?;
    Ok(pages)
}

fn add_pages(
    command: &clap::Command,
    prefix: &str,
    pages: &mut Vec<(String, Vec<u8>)>,
) -> Result<(), Failure> {
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        let name = format!("{prefix}-{}", inner.get_name());
        pages.push((format!("{name}.1"), page(&inner.clone().display_name(&name))?));
        add_pages(inner, &name, pages)?;
    }
    Ok(())
}

fn page(command: &clap::Command) -> Result<Vec<u8>, Failure> {
    let mut page = Vec::new();
    Man::new(command.clone()).render(&mut page)?;
    Ok(page)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let named =
        |error| Error::io(error, "cannot write the file").in_file(path.display().to_string());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(named)?;
    }
    Ok(std::fs::write(path, bytes).map_err(named)?)
}

#[cfg(test)]
mod tests {
    use clap_complete::Shell;

    use super::*;

    /// What a package installs below its prefix: manual pages, and completions where shells look.
    fn share() -> Result<Vec<(String, Vec<u8>)>, Failure> {
        let mut files = Vec::new();
        for (name, page) in pages()? {
            files.push((format!("share/man/man1/{name}"), page));
        }
        for (shell, path) in [
            (Shell::Bash, "share/bash-completion/completions/cannery"),
            (Shell::Zsh, "share/zsh/site-functions/_cannery"),
            (Shell::Fish, "share/fish/vendor_completions.d/cannery.fish"),
        ] {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Args::command(), "cannery", &mut script);
            files.push((path.to_owned(), script));
        }
        Ok(files)
    }

    /// The wheel takes them from this folder; `CANNERY_UPDATE=1` writes them anew.
    #[test]
    fn what_the_wheel_installs_is_as_the_command_is() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("wheel/data");
        let update = std::env::var_os("CANNERY_UPDATE").is_some();
        for (name, bytes) in share().unwrap() {
            let path = folder.join(&name);
            if update {
                write(&path, &bytes).unwrap();
            }
            let found = std::fs::read(&path).unwrap_or_default();
            assert!(found == bytes, "{name} is old: run this test with CANNERY_UPDATE=1");
        }
    }
}
