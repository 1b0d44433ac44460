"""JSON Lines, plain and compressed: write as rows come, read one row at a time."""

import gzip
import tempfile
from pathlib import Path

from cannery import jsonl

here = Path(tempfile.mkdtemp())
readings = ({"hour": hour, "celsius": 20 - abs(14 - hour) / 2} for hour in range(24))

# A generator is written row by row; `.gz` at the end of the name compresses.
jsonl.write(here / "readings.jsonl.gz", readings)

# The file is an ordinary one, so other tools can read it ...
with gzip.open(here / "readings.jsonl.gz", "rt") as lines:
    print("first line:", next(lines).strip())

# ... and reading is an iterator: only one row is in memory at a time.
warmest = max(jsonl.read(here / "readings.jsonl.gz"), key=lambda row: row["celsius"])
print(f"warmest at {warmest['hour']}:00 with {warmest['celsius']} degrees")

# Rows can be appended later.
jsonl.write(here / "log.jsonl", [{"event": "start"}])
jsonl.write(here / "log.jsonl", [{"event": "stop", "total": 2**70}], append=True)
print("log:", list(jsonl.read(here / "log.jsonl")))

# A bad line is named, with its number.
(here / "bad.jsonl").write_text('{"fine": true}\n{"fine": tru}\n')
try:
    list(jsonl.read(here / "bad.jsonl"))
except ValueError as error:
    print("bad.jsonl:", error)
