-- Moments are microseconds since 1970-01-01 in UTC; digests are 32 bytes.

CREATE TABLE runs (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    pipeline     TEXT NOT NULL,
    status       TEXT NOT NULL,  -- running, completed, failed, interrupted
    started      INTEGER NOT NULL,
    ended        INTEGER,
    params       TEXT NOT NULL,  -- JSON
    code_version TEXT,
    host         TEXT NOT NULL,
    pid          INTEGER NOT NULL,
    session      TEXT NOT NULL,  -- whose lock in tmp/ says that the process lives
    error        TEXT
) STRICT;

CREATE INDEX runs_by_pipeline ON runs (pipeline, id);
CREATE INDEX runs_running ON runs (id) WHERE status = 'running';

CREATE TABLE steps (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    run        INTEGER NOT NULL REFERENCES runs (id),
    position   INTEGER NOT NULL,  -- in the order of submission, from 0
    name       TEXT NOT NULL,
    invocation INTEGER NOT NULL,  -- 1 for the first step of this name in the run, ...
    status     TEXT NOT NULL,     -- running, completed, failed, skipped, interrupted
    cached     INTEGER NOT NULL,
    cache_key  BLOB,
    started    INTEGER NOT NULL,
    ended      INTEGER,
    log        BLOB,              -- digest of the log's bytes
    error      TEXT,
    UNIQUE (run, name, invocation)
) STRICT;

CREATE INDEX steps_by_cache_key ON steps (cache_key, id) WHERE status = 'completed' AND cached = 0;
CREATE INDEX steps_by_name ON steps (name, id);

-- Which labelled parts a cache key was made of: equal keys have equal parts.
CREATE TABLE key_parts (
    cache_key BLOB NOT NULL,
    label     TEXT NOT NULL,
    digest    BLOB NOT NULL,
    shown     TEXT,  -- the part itself, where it is short text
    PRIMARY KEY (cache_key, label)
) STRICT, WITHOUT ROWID;

-- What a step looked at outside of the store; a known result is used only while this is so still.
CREATE TABLE observations (
    step  INTEGER NOT NULL REFERENCES steps (id),
    label TEXT NOT NULL,  -- of a file or an environment variable
    state TEXT NOT NULL,
    PRIMARY KEY (step, label)
) STRICT, WITHOUT ROWID;

CREATE TABLE artifacts (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    name      TEXT NOT NULL,
    version   INTEGER NOT NULL,
    digest    BLOB NOT NULL,  -- of the manifest
    type_name TEXT NOT NULL,
    format    TEXT NOT NULL,
    metadata  TEXT NOT NULL,  -- JSON
    size      INTEGER NOT NULL,
    created   INTEGER NOT NULL,
    step      INTEGER REFERENCES steps (id),  -- that made this version
    output    TEXT NOT NULL,                  -- of that step
    UNIQUE (name, version)
) STRICT;

CREATE INDEX artifacts_by_digest ON artifacts (digest);

CREATE TABLE inputs (
    step     INTEGER NOT NULL REFERENCES steps (id),
    position INTEGER NOT NULL,
    argument TEXT NOT NULL,
    artifact INTEGER NOT NULL REFERENCES artifacts (id),
    PRIMARY KEY (step, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX inputs_by_artifact ON inputs (artifact);

CREATE TABLE outputs (
    step     INTEGER NOT NULL REFERENCES steps (id),
    position INTEGER NOT NULL,
    output   TEXT NOT NULL,
    artifact INTEGER NOT NULL REFERENCES artifacts (id),
    PRIMARY KEY (step, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX outputs_by_artifact ON outputs (artifact);
