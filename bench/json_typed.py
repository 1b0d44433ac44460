"""Typed JSON: documents to classes, against msgspec's decoder of the same classes."""

from __future__ import annotations

import dataclasses
import json as stdlib
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from cannery import json

from . import corpora, peers
from .harness import Contender, Effort, Table, measure, megabytes_per_second, verified

#: A class for each kind of object: its name, and its fields with their types. `?` stands for a
#: field that may be missing or null, `[]` for a list.
MODELS: dict[str, dict[str, str]] = {
    "Address": {"street": "str", "city": "str", "zip": "int"},
    "Person": {
        "id": "int",
        "name": "str",
        "email": "str",
        "active": "bool",
        "score": "float",
        "joined": "datetime",
        "tags": "[]str",
        "address": "Address",
        "note": "?str",
    },
    "Actor": {
        "id": "int",
        "login": "str",
        "url": "str",
        "avatar_url": "str",
        "gravatar_id": "?str",
    },
    "Repo": {"id": "int", "name": "str", "url": "str"},
    "Event": {
        "id": "str",
        "type": "str",
        "public": "bool",
        "created_at": "datetime",
        "actor": "Actor",
        "repo": "Repo",
    },
    "Tweeter": {
        "id": "int",
        "name": "str",
        "screen_name": "str",
        "location": "str",
        "description": "str",
        "followers_count": "int",
        "friends_count": "int",
        "verified": "bool",
    },
    "Status": {
        "id": "int",
        "text": "str",
        "created_at": "str",
        "user": "Tweeter",
        "retweet_count": "int",
        "in_reply_to_screen_name": "?str",
        "lang": "str",
    },
    "Search": {"statuses": "[]Status"},
    "Geometry": {"type": "str", "coordinates": "[][][]float"},
    "Feature": {"type": "str", "geometry": "Geometry"},
    "Map": {"type": "str", "features": "[]Feature"},
}

Make = Callable[[str, list[tuple[Any, ...]]], type]


def tables(effort: Effort) -> Iterator[Table]:
    """Yields one table for each kind of class and state of the collector."""
    modules = peers.load(["msgspec"])
    kinds: dict[str, Make] = {
        "dataclasses": dataclasses.make_dataclass,
        "dataclasses with slots": partial(dataclasses.make_dataclass, slots=True),
    }
    if "msgspec" in modules:
        kinds["Structs"] = modules["msgspec"].defstruct
    for kind, make in kinds.items():
        for gc_on in (True, False):
            yield _table(kind, classes(make), modules.get("msgspec"), gc_on, effort)


def classes(make: Make) -> dict[str, Any]:
    """Returns the models as classes of one kind."""
    known: dict[str, Any] = {"str": str, "int": int, "float": float, "bool": bool}
    known["datetime"] = datetime
    for name, fields in MODELS.items():
        required = [(key, _type(text, known)) for key, text in fields.items() if text[0] != "?"]
        optional = [
            (key, known[text[1:]] | None, None) for key, text in fields.items() if text[0] == "?"
        ]
        known[name] = make(name, [*required, *optional])
    return known


def _type(text: str, known: dict[str, Any]) -> Any:
    return list[_type(text[2:], known)] if text.startswith("[]") else known[text]


def documents(known: dict[str, Any]) -> Iterator[tuple[str, bytes, Any]]:
    """Yields a name, a document and its type."""
    people = _people(3000)
    yield "one person", stdlib.dumps(people[0]).encode(), known["Person"]
    yield "3,000 people", stdlib.dumps(people).encode(), _type("[]Person", known)
    found = corpora.json_documents()
    for name, type in [("github", "[]Event"), ("twitter", "Search"), ("canada", "Map")]:
        if name in found:
            yield name, found[name], _type(type, known)


def _people(count: int) -> list[dict[str, Any]]:
    make = random.Random(7)
    start = datetime(2020, 1, 1, tzinfo=UTC)
    return [
        {
            "id": number,
            "name": f"Person {number}",
            "email": f"person{number}@example.org",
            "active": number % 2 == 0,
            "score": make.random() * 100,
            "joined": (start + timedelta(seconds=make.randrange(10**8))).isoformat(),
            "tags": ["red", "green", "blue"][: number % 4],
            "address": {"street": f"Main Street {number}", "city": "Springfield", "zip": 10000},
            "note": None,
        }
        for number in range(count)
    ]


def _table(kind: str, known: dict[str, Any], msgspec: Any, gc_on: bool, effort: Effort) -> Table:
    state = "on" if gc_on else "off"
    table = Table(f"JSON to {kind}, GC {state}, MB/s", megabytes_per_second)
    for name, document, type in documents(known):
        contenders = [Contender("cannery.json.decode(type=)", partial(json.decode, type=type))]
        expected = contenders[0].call(document)
        if msgspec is not None:
            contenders.insert(
                0, Contender("msgspec.json.Decoder", msgspec.json.Decoder(type).decode)
            )
            expected = contenders[0].call(document)
        right = verified(contenders, document, expected.__eq__, table, name)
        table.add(name, len(document), measure(right, document, gc_on=gc_on, effort=effort))
    return table
