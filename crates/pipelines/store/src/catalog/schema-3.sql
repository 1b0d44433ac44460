CREATE TABLE run_notes (
    run    INTEGER PRIMARY KEY REFERENCES runs (id),
    output TEXT,          -- what the pipeline returned: JSON with {"$artifact": [name, version]}
    tags   TEXT NOT NULL  -- one to a line
) STRICT;

CREATE TABLE step_usage (
    step     INTEGER PRIMARY KEY REFERENCES steps (id),
    cpu      INTEGER,          -- microseconds of processor time
    memory   INTEGER,          -- bytes at the most
    attempts INTEGER NOT NULL  -- how often it was tried until it ended so
) STRICT;

-- Versions of artifacts that have names of their own, such as production.
CREATE TABLE aliases (
    name     TEXT NOT NULL,  -- of the artifact
    alias    TEXT NOT NULL,
    artifact INTEGER NOT NULL REFERENCES artifacts (id),
    PRIMARY KEY (name, alias)
) STRICT, WITHOUT ROWID;
