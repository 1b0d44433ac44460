"""The inputs: real documents beside the checkout, or generated ones of the same make."""

from __future__ import annotations

import json
import os
import random
import sys
from functools import cache
from pathlib import Path

from cannery import yaml

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path(os.environ.get("CANNERY_CORPORA", ROOT.parent / "shared" / "corpora"))

JSON_FILES = {
    "twitter": "twitter.json",
    "citm": "citm_catalog.json",
    "canada": "canada.json",
    "github": "github_events.json",
}


YAML_FILES = {
    "config": "config_2k.yaml",
    "CRD": "crd_prometheuses.yaml",
    "twitter": "twitter_block.yaml",
}


@cache
def yaml_documents() -> dict[str, str]:
    """Returns YAML documents by name: a small one, one with long texts, one with many values."""
    if FOLDER.is_dir():
        return {name: (FOLDER / file).read_text("utf-8") for name, file in YAML_FILES.items()}
    print(f"!! no corpora at {FOLDER}: measuring on generated input", file=sys.stderr)
    # Nothing but what libraries agree on.
    return {name: yaml.dump(json.loads(text)) for name, text in _generated().items()}


@cache
def json_documents() -> dict[str, bytes]:
    """Returns JSON documents by name: text heavy, key heavy, number heavy, and the extremes."""
    if FOLDER.is_dir():
        found = {name: (FOLDER / file).read_bytes() for name, file in JSON_FILES.items()}
    else:
        print(f"!! no corpora at {FOLDER}: measuring on generated input", file=sys.stderr)
        found = _generated()
    return found | _extremes()


@cache
def json_rows(size: int) -> list[dict]:
    """Returns event records that take about `size` bytes as JSONL and share nothing."""
    documents = json_documents()
    events = json.loads(documents.get("github") or documents["generated events"])
    texts = [json.dumps(event)[:-1] for event in events]
    count = max(1, size * len(texts) // sum(map(len, texts)))
    choose = random.Random(7)
    return [
        json.loads(f'{choose.choice(texts)}, "sequence": {number}}}') for number in range(count)
    ]


def _generated() -> dict[str, bytes]:
    make = random.Random(7)
    documents = {
        "generated texts": {"statuses": [_status(make) for _ in range(400)]},
        "generated numbers": {
            "rings": [[[_degree(make), _degree(make)] for _ in range(200)] for _ in range(200)]
        },
        "generated events": [_event(make) for _ in range(60)],
    }
    return {
        name: json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
        for name, document in documents.items()
    }


def _extremes() -> dict[str, bytes]:
    """Returns what is nothing but deep, long, small, or far from ASCII."""
    make = random.Random(8)
    deep: list = []
    for level in range(200):
        deep = [deep] if level % 2 else {"inner": deep}
    documents = {
        "deep": [deep] * 100,
        "long texts": [_words(make, 20_000).encode("ascii", "ignore").decode() for _ in range(4)],
        "non-ASCII": ["".join(make.choices("日本語のテキストが続く、", k=60)) for _ in range(2000)],
        "integers": [make.getrandbits(make.choice((8, 16, 31, 53))) for _ in range(30_000)],
        "small": {"id": 17, "ok": True, "name": "a small one"},
    }
    return {
        name: json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
        for name, document in documents.items()
    }


def _degree(make: random.Random) -> float:
    return make.uniform(-180, 180)


def _words(make: random.Random, count: int) -> str:
    words = ("box", "page", "стр", "ページ", "score", "line\nbreak", 'a "quote"', "ñandú", "id")
    return " ".join(make.choice(words) for _ in range(count))


def _status(make: random.Random) -> dict:
    return {
        "id": make.getrandbits(53),
        "text": _words(make, 20),
        "user": {"name": _words(make, 2), "followers_count": make.getrandbits(16), "lang": "en"},
        "entities": {"hashtags": [], "urls": [{"url": _words(make, 1), "indices": [1, 2]}]},
        "retweeted": make.random() < 0.5,
        "geo": None,
    }


def _event(make: random.Random) -> dict:
    return {
        "type": make.choice(("PushEvent", "WatchEvent")),
        "public": True,
        "actor": {"login": _words(make, 1), "id": make.getrandbits(20)},
        "payload": {"commits": [{"message": _words(make, 9), "distinct": True}]},
    }
