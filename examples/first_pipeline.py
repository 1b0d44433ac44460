"""Two steps and a pipeline: the second run finds every output in the store."""

import os
import tempfile
from collections import Counter

os.environ.setdefault("CANNERY_STORE", tempfile.mkdtemp())

from cannery import Store, pipeline, step

POEM = """\
Fury said to a mouse, that he met in the house,
let us both go to law: I will prosecute you.
"""


@step
def read_words(text: str) -> list[str]:
    print("  reading ...")
    return [word.strip(",.:").lower() for word in text.split()]


@step
def count(words: list[str], longer_than: int) -> Counter[str]:
    print("  counting ...")
    return Counter(word for word in words if len(word) > longer_than)


@pipeline
def word_count(longer_than: int = 2):
    return count(read_words(POEM), longer_than=longer_than)


if __name__ == "__main__":
    print("first run, everything is new")
    word_count()

    print("second run, nothing changed, so no step runs")
    run = word_count()
    print("  cached:", [name for name, step_run in run.steps.items() if step_run.cached])

    print("third run, one parameter changed, so one step runs")
    run = word_count(longer_than=4)
    print("  result:", dict(run.output.load()))

    print("every version is in the store")
    for version in (1, 2):
        words = Store().artifact("count", version=version).load()
        print(f"  count, version {version}: {len(words)} different words")
