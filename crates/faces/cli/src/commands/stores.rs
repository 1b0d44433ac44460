//! The store that a command looks into; looking makes none.

use std::path::{Path, PathBuf};

use cannery::{Error, ErrorKind, Result};
use cannery_store::Store;

use crate::args::StoreArgs;

/// Opens the store that the arguments, `CANNERY_STORE` or the current folder name.
pub(super) fn open(args: &StoreArgs) -> Result<Store> {
    Store::open(folder(args)?)
}

/// The folder of that store.
pub(super) fn folder(args: &StoreArgs) -> Result<PathBuf> {
    let named = args.store.clone().or_else(|| std::env::var_os("CANNERY_STORE").map(PathBuf::from));
    let Some(folder) = named else { return nearest() };
    let has = |name| folder.join(name).exists();
    if has("version") || has("catalog.sqlite") { Ok(folder) } else { Err(none_at(&folder)) }
}

fn nearest() -> Result<PathBuf> {
    let here =
        std::env::current_dir().map_err(|e| Error::io(e, "cannot find the current folder"))?;
    Store::nearest(here)?.ok_or_else(|| {
        Error::new(ErrorKind::NotFound, "there is no store in this folder or above it")
            .with_hint("`cannery run` makes one; or name one by `--store` or `CANNERY_STORE`")
    })
}

fn none_at(folder: &Path) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no store at `{}`", folder.display()))
        .with_hint("`cannery run` makes one")
}
