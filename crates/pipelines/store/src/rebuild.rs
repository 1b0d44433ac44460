//! The catalog made anew, from the records of runs and the manifests of artifacts.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, Transaction, params, params_from_iter};

use crate::catalog::Catalog;
use crate::run_record::{self, TableRows};
use crate::{
    Digest, Error, ErrorKind, Manifest, Result, Store, Timestamp, failure, plain, store, verify,
};

/// The folder for what was taken out of a store because it is damaged.
pub(crate) const DAMAGED: &str = "damaged";

/// How artifacts are called of which only the manifest is left.
const RECOVERED: &str = "recovered";

/// What a catalog was made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rebuilt {
    /// Runs whose records were read.
    pub runs: u64,
    /// Records that are damaged, and were left out.
    pub damaged: Vec<PathBuf>,
    /// Artifacts that no record names; they are called `recovered-` and their digest.
    pub recovered: u64,
}

/// Makes the catalog of the store at `root` anew and puts the old one into `damaged/`.
///
/// # Errors
/// [`ErrorKind::Conflict`] while another process uses the store.
pub(crate) fn rebuild(root: &Path) -> Result<Rebuilt> {
    let _guard = store::lock(root)?;
    if crate::scratch::is_used(root) {
        let message = format!("another process uses the store `{}`", root.display());
        return Err(Error::new(ErrorKind::Conflict, message)
            .with_hint("the catalog is made anew when no run is going on"));
    }
    let folder = tempfile::Builder::new()
        .prefix(".tmp")
        .tempdir_in(root)
        .map_err(|error| failure::io(error, "write to", root))?;
    Catalog::create(folder.path())?;
    let rebuilt = fill(root, &folder.path().join("catalog.sqlite"))?;
    set_aside(root, &["catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm"])?;
    for name in ["catalog.sqlite-wal", "catalog.sqlite"] {
        let from = folder.path().join(name);
        if from.exists() {
            fs::rename(&from, root.join(name)).map_err(|e| failure::io(e, "move", &from))?;
        }
    }
    Ok(rebuilt)
}

/// Moves what is damaged out of the way, to be looked at.
pub(crate) fn set_aside(root: &Path, names: &[&str]) -> Result<()> {
    let folder = root.join(DAMAGED).join(Timestamp::now().as_micros().to_string());
    fs::create_dir_all(&folder).map_err(|error| failure::io(error, "make", &folder))?;
    for name in names {
        let from = root.join(name);
        if fs::symlink_metadata(&from).is_ok() {
            let to = folder.join(name.replace('/', "-"));
            fs::rename(&from, to).map_err(|error| failure::io(error, "move", &from))?;
        }
    }
    Ok(())
}

fn fill(root: &Path, catalog: &Path) -> Result<Rebuilt> {
    let cannot = |error| failure::catalog(error, "make the catalog anew");
    let mut connection =
        Connection::open_with_flags(catalog, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(cannot)?;
    // Records refer to each other's rows, and come in any order.
    connection.pragma_update(None, "foreign_keys", false).map_err(cannot)?;
    let transaction = connection.transaction().map_err(cannot)?;
    let mut rebuilt = insert_records(root, &transaction);
    cut_loose_ends(&transaction).map_err(cannot)?;
    rebuilt.recovered = insert_manifests(root, &transaction)?;
    transaction.commit().map_err(cannot)?;
    Ok(rebuilt)
}

fn insert_records(root: &Path, catalog: &Transaction<'_>) -> Rebuilt {
    let mut rebuilt = Rebuilt::default();
    let folder = root.join(run_record::FOLDER);
    for name in verify::list(&folder).unwrap_or_default() {
        let path = folder.join(name);
        let read = run_record::read(&path);
        // All of a record, or nothing.
        let inserted = read.and_then(|tables| {
            insert_record(catalog, &tables)
                .map_err(|error| failure::catalog(error, "take the record of a run"))?;
            Ok(tables.iter().any(|table| table.name == "runs"))
        });
        match inserted {
            Ok(is_run) => rebuilt.runs += u64::from(is_run),
            Err(_) => rebuilt.damaged.push(path),
        }
    }
    rebuilt
}

fn insert_record(catalog: &Transaction<'_>, tables: &[TableRows]) -> rusqlite::Result<()> {
    catalog.execute_batch("SAVEPOINT record")?;
    let inserted = tables.iter().try_for_each(|table| insert_rows(catalog, table));
    let end =
        if inserted.is_ok() { "RELEASE record" } else { "ROLLBACK TO record; RELEASE record" };
    catalog.execute_batch(end)?;
    inserted
}

fn insert_rows(catalog: &Transaction<'_>, table: &TableRows) -> rusqlite::Result<()> {
    let places = vec!["?"; table.columns.len()].join(", ");
    // Runs that used the same artifact tell the same of it.
    let sql = format!(
        "INSERT OR IGNORE INTO {} ({}) VALUES ({places})",
        table.name,
        table.columns.join(", ")
    );
    let mut insert = catalog.prepare_cached(&sql)?;
    for row in &table.rows {
        insert.execute(params_from_iter(row))?;
    }
    Ok(())
}

/// Takes away what refers to rows of records that are lost.
fn cut_loose_ends(catalog: &Transaction<'_>) -> rusqlite::Result<()> {
    catalog.execute_batch(
        "UPDATE artifacts SET step = NULL WHERE step NOT IN (SELECT id FROM steps);
        UPDATE steps SET cache_key = NULL WHERE id IN (
            SELECT step FROM outputs WHERE artifact NOT IN (SELECT id FROM artifacts));
        DELETE FROM inputs WHERE artifact NOT IN (SELECT id FROM artifacts);
        DELETE FROM outputs WHERE artifact NOT IN (SELECT id FROM artifacts);
        DELETE FROM aliases WHERE artifact NOT IN (SELECT id FROM artifacts);",
    )
}

/// Gives a name to each artifact that has none: those of runs whose records are lost.
fn insert_manifests(root: &Path, catalog: &Transaction<'_>) -> Result<u64> {
    let cannot = |error| failure::catalog(error, "make the catalog anew");
    let known: BTreeSet<[u8; 32]> = catalog
        .prepare("SELECT digest FROM artifacts")
        .and_then(|mut query| query.query_map([], |row| row.get(0))?.collect())
        .map_err(cannot)?;
    let mut recovered = 0;
    for (digest, path) in verify::objects(root)? {
        if known.contains(digest.as_bytes()) {
            continue;
        }
        let Some(manifest) = manifest_in(&path, digest) else { continue };
        let about = &manifest.description;
        catalog
            .execute(
                "INSERT INTO artifacts
                    (name, version, digest, type_name, format, metadata, size, created, output)
                VALUES (?, 1, ?, ?, ?, ?, ?, ?, '')",
                params![
                    format!("{RECOVERED}-{}", digest.short()),
                    digest.as_bytes(),
                    about.type_name,
                    about.format,
                    about.metadata,
                    manifest.size(),
                    Timestamp::now().as_micros(),
                ],
            )
            .map_err(cannot)?;
        recovered += 1;
    }
    Ok(recovered)
}

/// The manifest that an object is, if it is one and whole.
fn manifest_in(path: &Path, digest: Digest) -> Option<Manifest> {
    use std::io::Read;

    let mut bytes = Vec::new();
    let mut file = plain::open(path).ok()?.take(Manifest::MOST_BYTES);
    (&mut file).take(Manifest::FIRST_LINE.len() as u64).read_to_end(&mut bytes).ok()?;
    if bytes != Manifest::FIRST_LINE.as_bytes() {
        return None;
    }
    file.read_to_end(&mut bytes).ok()?;
    (Digest::of(&bytes) == digest).then_some(())?;
    Manifest::from_text(std::str::from_utf8(&bytes).ok()?).ok()
}

impl Store {
    /// Makes the catalog of a store anew, from the records of runs and the manifests of artifacts;
    /// the old one is moved to `damaged/`.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] while another process uses the store.
    pub fn rebuild(root: impl AsRef<Path>) -> Result<Rebuilt> {
        let root = root.as_ref();
        plain::check_store(root)?;
        rebuild(root)
    }
}
