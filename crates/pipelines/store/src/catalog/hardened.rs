//! Catalogs that a stranger may have made: what their schema may hold, and how long a query may take.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;

use super::MIGRATIONS;
use crate::{Error, ErrorKind, Result, failure};

/// How long a query or change may take; the longest here take milliseconds.
const MOST_TIME: Duration = Duration::from_secs(10);

/// Between two looks at the clock, SQLite takes that many steps.
const STEPS: i32 = 10_000;

/// Bytes of a text or blob in the catalog.
const MOST_BYTES: i32 = 64 << 20;

/// Tables that SQLite itself makes beside ours.
const OF_SQLITE: [&str; 3] = ["sqlite_sequence", "sqlite_stat1", "sqlite_stat4"];

/// The statements that each migration adds, without comments and line breaks.
static STATEMENTS: LazyLock<Vec<BTreeSet<String>>> = LazyLock::new(|| {
    let of_one = |migration: &&str| {
        let text = without_comments(migration);
        text.split(';').map(normal).filter(|statement| !statement.is_empty()).collect()
    };
    MIGRATIONS.iter().map(of_one).collect()
});

/// Lets a schema do nothing but hold data: no functions with side effects, no triggers, no views.
pub(super) fn harden(connection: &Connection) -> rusqlite::Result<()> {
    for (setting, is_on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        // Else each new value of a parameter may have a statement planned anew, which takes longer
        // than what it does.
        (DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true),
    ] {
        connection.set_db_config(setting, is_on)?;
    }
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, MOST_BYTES)?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    Ok(())
}

/// Ends what takes too long, counted from [`Clock::start`].
pub(super) fn watch(connection: &mut Connection) -> rusqlite::Result<Clock> {
    let clock = Clock { began: Instant::now(), deadline: Arc::default() };
    let mine = clock.clone();
    connection.progress_handler(STEPS, Some(move || mine.is_over()))?;
    Ok(clock)
}

/// When what is being done must have ended.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    began: Instant,
    /// Milliseconds since then; 0 while nothing is done.
    deadline: Arc<AtomicU64>,
}

impl Clock {
    pub(super) fn start(&self) {
        let deadline = (self.began.elapsed() + MOST_TIME).as_millis();
        self.deadline.store(u64::try_from(deadline).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(super) fn stop(&self) {
        self.deadline.store(0, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        let deadline = self.deadline.load(Ordering::Relaxed);
        deadline > 0 && self.began.elapsed().as_millis() > u128::from(deadline)
    }
}

/// Refuses a catalog whose tables and indexes are not ours, or that has more: views, triggers,
/// virtual tables, computed columns.
pub(super) fn check_schema(connection: &Connection, version: usize) -> Result<()> {
    let names = foreign_objects(connection, &STATEMENTS[..version])
        .map_err(|error| failure::catalog(error, "read the catalog's schema"))?;
    let Some(name) = names.first() else { return Ok(()) };
    let message = format!("the catalog has {name}: no catalog of ours has such a thing");
    Err(Error::new(ErrorKind::Corrupt, message)
        .with_hint("it was made or changed by another program; it is not read"))
}

fn foreign_objects(
    connection: &Connection,
    statements: &[BTreeSet<String>],
) -> rusqlite::Result<Vec<String>> {
    let expected: usize = statements.iter().map(BTreeSet::len).sum();
    let mut query = connection.prepare("SELECT type, name, sql FROM sqlite_schema")?;
    let mut rows = query.query([])?;
    let (mut foreign, mut known) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let text = |column| super::rows::lossy(row, column);
        let (kind, name, sql) = (text(0)?, text(1)?, text(2).unwrap_or_default());
        let of_sqlite = kind == "table" && OF_SQLITE.contains(&name.as_str())
            || kind == "index" && name.starts_with("sqlite_autoindex_") && sql.is_empty();
        let statement = normal(&without_comments(&sql));
        if statements.iter().any(|statements| statements.contains(&statement)) {
            known += 1;
        } else if !of_sqlite {
            foreign.push(format!("the {kind} `{name}`"));
        }
    }
    if foreign.is_empty() && known < expected {
        foreign.push(format!("{known} tables and indexes, not {expected}"));
    }
    Ok(foreign)
}

fn without_comments(sql: &str) -> String {
    sql.lines()
        .map(|line| line.split_once("--").map_or(line, |(before, _)| before))
        .collect::<Vec<_>>()
        .join("\n")
}

fn normal(sql: &str) -> String {
    sql.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_ends_when_its_time_is_over() {
        let mut connection = Connection::open_in_memory().unwrap();
        let clock = watch(&mut connection).unwrap();
        let count = |until: u64| {
            let sql = format!(
                "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n \
                WHERE i < {until}) SELECT count(*) FROM n"
            );
            connection.query_row(&sql, [], |row| row.get::<_, u64>(0))
        };
        clock.deadline.store(1, Ordering::Relaxed);
        let error = failure::catalog(count(1 << 60).unwrap_err(), "count");
        assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
        clock.start();
        assert_eq!(count(50_000).unwrap(), 50_000);
    }

    #[test]
    fn comments_and_line_breaks_make_no_other_schema() {
        let statement = "CREATE TABLE a (\n  b TEXT, -- of c; or d\n  e) STRICT";
        assert_eq!(normal(&without_comments(statement)), "CREATE TABLE a ( b TEXT, e) STRICT");
        let mut statements = STATEMENTS.iter().flatten();
        assert!(statements.all(|statement| statement.starts_with("CREATE ")));
    }
}
