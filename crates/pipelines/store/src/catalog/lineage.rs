//! What was made from what.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::rows::all;
use super::{ArtifactId, ArtifactRecord, StepId};
use crate::{Result, Store};

/// An artifact's direct sources: what went into the step that made it.
const SOURCES: &str = "
    SELECT i.artifact AS source, a.id AS result, a.step AS step, i.argument AS argument
    FROM artifacts a JOIN inputs i ON i.step = a.step WHERE a.id = ? ORDER BY i.position";

/// What came directly out of an artifact: of every step it went into, cached ones included.
const RESULTS: &str = "
    SELECT DISTINCT i.artifact AS source, o.artifact AS result, a.step AS step,
        i.argument AS argument
    FROM inputs i JOIN outputs o ON o.step = i.step JOIN artifacts a ON a.id = o.artifact
    WHERE i.artifact = ? ORDER BY o.artifact";

/// Which way a lineage is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To what it was made from.
    Up,
    /// To what was made from it.
    Down,
}

/// One artifact went into the making of another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Edge {
    /// What went in.
    pub source: ArtifactId,
    /// What came out.
    pub result: ArtifactId,
    /// The step that made the result.
    pub step: StepId,
    /// The argument it went in by.
    pub argument: String,
}

/// Artifacts and what was made from what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lineage {
    /// The artifact that was asked for, and then each one that was reached, the nearest first.
    pub artifacts: Vec<ArtifactRecord>,
    /// How they hang together.
    pub edges: Vec<Edge>,
}

impl Store {
    /// The artifacts that went directly into the making of `artifact`, in the order of arguments.
    pub fn upstream(&self, artifact: ArtifactId) -> Result<Vec<ArtifactRecord>> {
        self.neighbours(artifact, Direction::Up)
    }

    /// The artifacts that were made directly from `artifact`.
    pub fn downstream(&self, artifact: ArtifactId) -> Result<Vec<ArtifactRecord>> {
        self.neighbours(artifact, Direction::Down)
    }

    /// Everything `artifact` was made from, or everything that was made from it.
    pub fn lineage(&self, artifact: ArtifactId, direction: Direction) -> Result<Lineage> {
        let mut lineage =
            Lineage { artifacts: vec![self.artifact_by_id(artifact)?], ..Lineage::default() };
        let mut seen = BTreeSet::from([artifact]);
        let mut next = 0;
        while let Some(current) = lineage.artifacts.get(next) {
            for edge in self.edges(current.id, direction)? {
                let other = edge.end(direction);
                if seen.insert(other) {
                    lineage.artifacts.push(self.artifact_by_id(other)?);
                }
                lineage.edges.push(edge);
            }
            next += 1;
        }
        Ok(lineage)
    }

    fn neighbours(&self, artifact: ArtifactId, way: Direction) -> Result<Vec<ArtifactRecord>> {
        let mut seen = BTreeSet::new();
        self.edges(artifact, way)?
            .iter()
            .map(|edge| edge.end(way))
            .filter(|id| seen.insert(*id))
            .map(|id| self.artifact_by_id(id))
            .collect()
    }

    fn edges(&self, artifact: ArtifactId, direction: Direction) -> Result<Vec<Edge>> {
        let sql = match direction {
            Direction::Up => SOURCES,
            Direction::Down => RESULTS,
        };
        self.catalog()
            .read("follow the lineage", |catalog: &Connection| all(catalog, sql, [artifact.0]))
    }
}

impl Edge {
    fn end(&self, direction: Direction) -> ArtifactId {
        match direction {
            Direction::Up => self.source,
            Direction::Down => self.result,
        }
    }
}

impl super::rows::FromRow for Edge {
    fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            source: ArtifactId(row.get("source")?),
            result: ArtifactId(row.get("result")?),
            step: StepId(row.get("step")?),
            argument: super::rows::name(row, "argument")?,
        })
    }
}
