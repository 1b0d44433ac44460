//! What a damaged artifact is called, and who made and used it.

use rusqlite::Connection;

use crate::{ArtifactRecord, Description, Digest, Error, ErrorKind, Manifest, Result, Store};

/// Runs that a message names.
const SHOWN: usize = 8;

impl Store {
    /// The manifest of an artifact version, which is what says its type: the catalog repeats it,
    /// for lists, and is not believed where the two differ.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if the catalog says something else than the manifest, or the manifest
    /// is damaged.
    pub fn manifest_of(&self, artifact: &ArtifactRecord) -> Result<Manifest> {
        let content = artifact.digest;
        let manifest = self.manifest(content).map_err(|error| self.blame(error, content, None))?;
        match difference(artifact, &manifest) {
            None => Ok(manifest),
            Some((what, recorded, found)) => {
                let message = format!(
                    "the catalog says {what} `{recorded}` of artifact `{}@{}`, its manifest `{found}`",
                    artifact.name, artifact.version
                );
                Err(Error::new(ErrorKind::Corrupt, message).with_hint(
                    "the catalog was changed by another program; run the pipeline again",
                ))
            }
        }
    }

    /// Says of damage to bytes which artifact they belong to, and which runs made and used it.
    #[cold]
    pub(crate) fn blame(&self, error: Error, content: Digest, file: Option<&str>) -> Error {
        if error.kind() != ErrorKind::Corrupt {
            return error;
        }
        // Without a catalog that tells, the damage itself is told.
        let Ok((names, made, used)) = self.catalog().read("look up the artifact", |catalog| {
            Ok((
                texts(catalog, NAMES, content)?,
                texts(catalog, MADE, content)?,
                texts(catalog, USED, content)?,
            ))
        }) else {
            return error;
        };
        let mut message = match names.as_slice() {
            [] => format!("artifact `{}`", content.short()),
            names => format!("artifact `{}`", names.join("`, `")),
        };
        match file {
            Some(file) => message = format!("{message}, file `{file}`: {}", error.message()),
            None => message = format!("{message}, its manifest: {}", error.message()),
        }
        for (what, runs) in [("made", &made), ("used", &used)] {
            if !runs.is_empty() {
                message = format!("{message}; {what} by {}", runs.join(", "));
            }
        }
        let blamed = Error::new(ErrorKind::Corrupt, message);
        let blamed = error.file().map(str::to_owned).into_iter().fold(blamed, Error::in_file);
        error.hint().map(str::to_owned).into_iter().fold(blamed, Error::with_hint)
    }
}

/// What the catalog says otherwise than the manifest.
fn difference(
    artifact: &ArtifactRecord,
    manifest: &Manifest,
) -> Option<(&'static str, String, String)> {
    let Description { type_name, format, metadata } = &manifest.description;
    let differ = [
        ("the type", artifact.type_name.clone(), type_name.clone()),
        ("the format", artifact.format.clone(), format.clone()),
        ("the metadata", artifact.metadata.clone(), metadata.clone()),
        ("the size", artifact.size.to_string(), manifest.size().to_string()),
    ];
    differ.into_iter().find(|(_, recorded, found)| recorded != found)
}

/// Whether a record tells what the manifest tells.
pub(crate) fn agrees(artifact: &ArtifactRecord, manifest: &Manifest) -> bool {
    difference(artifact, manifest).is_none()
}

const NAMES: &str =
    "SELECT name || '@' || version FROM artifacts WHERE digest = ? ORDER BY id LIMIT 8";

const MADE: &str = "
    SELECT DISTINCT 'run ' || s.run || ' (step ' || s.name || ')'
    FROM artifacts a JOIN steps s ON s.id = a.step WHERE a.digest = ? ORDER BY s.run LIMIT 8";

const USED: &str = "
    SELECT DISTINCT 'run ' || s.run FROM artifacts a
    JOIN (SELECT artifact, step FROM inputs UNION SELECT artifact, step FROM outputs) u
        ON u.artifact = a.id
    JOIN steps s ON s.id = u.step
    WHERE a.digest = ? AND u.step IS NOT a.step ORDER BY s.run LIMIT 8";

fn texts(catalog: &Connection, sql: &str, content: Digest) -> rusqlite::Result<Vec<String>> {
    catalog
        .prepare_cached(sql)?
        .query_map([content.as_bytes()], |row| row.get(0))?
        .take(SHOWN)
        .collect()
}
