"""A pipeline of Python and Rust steps: Python reads words, Rust counts them, Python reports.

cargo build -p cannery-examples
python examples/rust/word_flow.py target/debug/count_words
"""

import os
import subprocess
import sys
import tempfile
from typing import Any

os.environ.setdefault("CANNERY_STORE", tempfile.mkdtemp())

from cannery import Store, pipeline, step

TEXT = "to be or not to be that is the question whether it is nobler in the mind"


@step
def words(text: str) -> list[str]:
    return text.split()


@pipeline
def reading(text: str):
    return words(text)


@step
def report(most: list[list[Any]]) -> str:
    return ", ".join(f"{word} ({count} times)" for word, count in most)


@pipeline
def reporting(most: Any):
    return report(most)


def flow(program: str, text: str, store: Store) -> str:
    """Run the three parts; what is known is not computed again, in either language."""
    reading(text)
    subprocess.run([program, store.path], check=True)
    run = reporting(store.artifact("counting/most"))
    print("report:", "known" if run.steps["report"].cached else "written")
    return run.output.load()


if __name__ == "__main__":
    # The Rust program writes to the same output: what is said first comes first, in a pipe as well.
    sys.stdout.reconfigure(line_buffering=True)
    store = Store()
    for text in (TEXT, TEXT, TEXT.replace("question", "mind")):
        print(flow(sys.argv[1], text, store))
    last = store.artifact("reporting/report")
    print("from:", ", ".join(each.path for each in last.lineage()))
