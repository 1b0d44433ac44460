"""Runs the topics asked for, prints their tables, and keeps the figures if asked to."""

from __future__ import annotations

import argparse
import json
import time
from importlib import import_module
from pathlib import Path

from . import peers
from .harness import Effort

#: Each topic's module, imported when it is asked for: one that fails keeps none of the others back.
TOPICS = {
    "chunks": "chunk_maps",
    "hdf5": "hdf5_arrays",
    "json": "json_text",
    "jsonl": "json_lines",
    "memory": "json_memory",
    "models": "model_files",
    "msgpack": "msgpack_bytes",
    "objects": "objects",
    "small_objects": "small_objects",
    "pickle": "pickle_objects",
    "pipelines": "pipelines",
    "protobuf": "protobuf_messages",
    "typed": "json_typed",
    "yaml": "yaml_text",
    "scan": "scan",
}


def main() -> None:
    arguments = _parse()
    effort = Effort.quick() if arguments.quick else Effort()
    names = arguments.topics or list(TOPICS)
    versions = peers.versions(["cannery", *peers.DISTRIBUTIONS])
    print(f"# Bench: {', '.join(names)}\n\n{versions}\n")
    print(
        "Least CPU time of many interleaved rounds in one process; every result was compared with"
    )
    print("the standard library's before it was timed. Best peer in bold; above 1 we are ahead.\n")
    records = []
    for name in names:
        for table in import_module(f"bench.{TOPICS[name]}").tables(effort):
            print(*table.lines(), "", sep="\n", flush=True)
            records.append(table.record())
    if arguments.json:
        record = {"versions": versions, "at": time.strftime("%Y-%m-%d"), "tables": records}
        arguments.json.write_text(json.dumps(record, indent=1) + "\n")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("topics", nargs="*", choices=[*TOPICS, []], help="default: all")
    parser.add_argument("--quick", action="store_true", help="short rounds: a smoke test")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the figures here")
    return parser.parse_args()


if __name__ == "__main__":
    main()
