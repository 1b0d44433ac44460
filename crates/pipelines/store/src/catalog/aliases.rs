//! Aliases: names of their own for versions of artifacts, such as `production`.

use rusqlite::{OptionalExtension, params};

use super::artifacts::ARTIFACTS;
use super::rows::{FromRow, name};
use super::{ArtifactId, ArtifactRecord};
use crate::{Error, ErrorKind, Result, Store};

/// A name of its own for a version of an artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Alias {
    /// The artifact's name.
    pub name: String,
    /// What the version is called.
    pub alias: String,
    /// The version.
    pub version: u32,
}

impl Store {
    /// Calls a version of an artifact by an alias, which another version may have had until now:
    /// `name@production` is this one from then on. It is not removed while it has the alias.
    ///
    /// # Errors
    /// [`ErrorKind::Value`] for what cannot be an alias, [`ErrorKind::Permission`] on a store that
    /// can only be read.
    pub fn set_alias(&self, alias: &str, artifact: &ArtifactRecord) -> Result<()> {
        check_alias(alias)?;
        self.check_writable()?;
        let before = self.alias_target(&artifact.name, alias)?;
        self.catalog().write("record the alias", |catalog| {
            catalog
                .prepare_cached("INSERT OR REPLACE INTO aliases VALUES (?, ?, ?)")?
                .execute(params![artifact.name, alias, artifact.id.0])
        })?;
        self.note_alias_in_records(before.as_ref(), Some(artifact))
    }

    /// Takes an alias away; says whether it was there.
    ///
    /// # Errors
    /// [`ErrorKind::Permission`] on a store that can only be read.
    pub fn remove_alias(&self, name: &str, alias: &str) -> Result<bool> {
        self.check_writable()?;
        let before = self.alias_target(name, alias)?;
        let removed = self.catalog().write("remove the alias", |catalog| {
            catalog.execute("DELETE FROM aliases WHERE name = ? AND alias = ?", [name, alias])
        })?;
        self.note_alias_in_records(before.as_ref(), None)?;
        Ok(removed > 0)
    }

    /// All aliases, by name.
    pub fn aliases(&self) -> Result<Vec<Alias>> {
        self.catalog().read("list the aliases", |catalog| {
            catalog
                .prepare_cached(
                    "SELECT l.name, alias, version FROM aliases l
                        JOIN artifacts a ON a.id = l.artifact ORDER BY 1, 2",
                )?
                .query_map([], |row| {
                    let version = row.get("version")?;
                    Ok(Alias { name: name(row, "name")?, alias: name(row, "alias")?, version })
                })?
                .collect()
        })
    }

    /// The version that an alias names.
    pub(super) fn alias_target(&self, name: &str, alias: &str) -> Result<Option<ArtifactRecord>> {
        let found: Option<ArtifactId> = self.catalog().read("look up the alias", |catalog| {
            let mut query = catalog
                .prepare_cached("SELECT artifact FROM aliases WHERE name = ? AND alias = ?")?;
            query.query_row([name, alias], |row| row.get(0).map(ArtifactId)).optional()
        })?;
        let Some(id) = found else { return Ok(None) };
        self.catalog().read("look up the alias", |catalog| {
            catalog
                .prepare_cached(&format!("SELECT * FROM ({ARTIFACTS}) WHERE id = ?"))?
                .query_row([id.0], ArtifactRecord::from_row)
                .optional()
        })
    }

    /// Writes the records anew that tell of an alias: those of the runs that made the versions.
    fn note_alias_in_records(
        &self,
        before: Option<&ArtifactRecord>,
        after: Option<&ArtifactRecord>,
    ) -> Result<()> {
        let makers = [before, after].into_iter().flatten();
        let runs = makers.filter_map(|artifact| artifact.producer.as_ref()).map(|maker| maker.run);
        for run in runs {
            // That of a run in progress is written at its end.
            if self.run(run)?.ended.is_some() {
                self.write_run_record(run)?;
            }
        }
        Ok(())
    }
}

/// Refuses what could be taken for a version or for a part of an artifact's name.
fn check_alias(alias: &str) -> Result<()> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    // That of a partition, such as `day=2026-11-30,region=eu`.
    let is_sign = |c: char| matches!(c, '=' | ',' | ':' | '+' | ' ');
    let is_partition = alias.split(',').all(|key| {
        key.split_once('=').is_some_and(|(key, _)| !key.is_empty() && key.chars().all(is_part))
    });
    let is_number = alias.bytes().all(|byte| byte.is_ascii_digit());
    let is_said = alias.chars().all(|c| is_part(c) || (is_partition && is_sign(c)));
    if is_number || alias.len() > 200 || !is_said {
        let message = format!("`{}` is no alias", alias.escape_debug());
        return Err(Error::new(ErrorKind::Value, message).with_hint(
            "letters, digits, `-`, `_` and `.`, such as `production`; not only digits",
        ));
    }
    Ok(())
}
