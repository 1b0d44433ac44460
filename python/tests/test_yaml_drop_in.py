"""Programs that import PyYAML's names get what PyYAML gives, side by side."""

from __future__ import annotations

import importlib
import random
import re
import sys
from typing import Any

import pytest
import yaml_edits

from cannery import yaml

pyyaml = pytest.importorskip("yaml")


def tokens(module: Any, text: str) -> list[Any]:
    found = module.scan(text, Loader=module.SafeLoader)
    return [
        (type(t).__name__, getattr(t, "value", None), t.start_mark.line, t.start_mark.column)
        for t in found
    ]


def events(module: Any, text: str) -> list[Any]:
    names = ("anchor", "tag", "implicit", "value", "explicit", "version", "tags")
    found = module.parse(text, Loader=module.SafeLoader)
    return [(type(e).__name__, *(getattr(e, name, None) for name in names)) for e in found]


def values(module: Any, text: str, loader: str) -> str:
    mine = type("Mine", (getattr(module, loader),), {})
    return repr(list(module.load_all(text, Loader=mine)))


def test_streams_are_read_as_pyyaml_reads_them() -> None:
    streams = yaml_edits.documents(random.Random(3))
    compared = 0
    while compared < 60:
        text = next(streams)
        try:
            theirs = tokens(pyyaml, text), events(pyyaml, text), values(pyyaml, text, "SafeLoader")
        except pyyaml.YAMLError:
            continue
        compared += 1
        assert tokens(yaml, text) == theirs[0], text
        assert events(yaml, text) == theirs[1], text
        assert values(yaml, text, "SafeLoader") == theirs[2], text
        assert values(yaml, text, "BaseLoader") == values(pyyaml, text, "BaseLoader"), text
        assert repr(list(yaml.safe_load_all(text))) == theirs[2], text


TEXTS = ["a", "two words", "", "no", "1", "x: y", "a #b", "it's", "l1\nl2\n", "\n", " x", "x ",
         "\u00e9", "w " * 60, "tab\tx", "- x", "a,b", "2001-01-01", "end\n\n\n"]  # fmt: skip


def any_value(rng: random.Random, depth: int = 0) -> Any:
    if depth > 3 or rng.random() < 0.5:
        return rng.choice([*TEXTS, 1, -2.5, 1e20, True, None, b"bytes", float("inf")])
    if rng.random() < 0.5:
        return [any_value(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {rng.choice(TEXTS): any_value(rng, depth + 1) for _ in range(rng.randrange(4))}


def test_dumpers_of_a_program_write_what_pyyaml_writes() -> None:
    rng = random.Random(11)
    for _ in range(300):
        value = any_value(rng)
        options = {
            "default_flow_style": rng.choice([False, True, None]),
            "allow_unicode": rng.choice([True, None]),
            "indent": rng.choice([None, 4]),
            "explicit_start": rng.choice([None, True]),
            "width": rng.choice([None, 30]),
        }
        theirs = pyyaml.dump(value, Dumper=type("D", (pyyaml.SafeDumper,), {}), **options)
        ours = yaml.dump(value, Dumper=type("D", (yaml.SafeDumper,), {}), **options)
        assert ours == theirs, (value, options)


def test_a_program_that_imports_pyyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "yaml"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "yaml", yaml)
    replaced = importlib.import_module("yaml")
    importlib.import_module("yaml.constructor")
    importlib.import_module("yaml.nodes")
    Resolver = importlib.import_module("yaml.resolver").Resolver  # noqa: N806 - its name

    assert replaced.constructor.ConstructorError is replaced.ConstructorError
    assert replaced.nodes.ScalarNode is replaced.ScalarNode
    assert Resolver.yaml_implicit_resolvers["n"]


def test_a_loader_makes_what_was_registered_and_nothing_else() -> None:
    class Loader(yaml.SafeLoader):
        pass

    Loader.add_constructor("!point", lambda loader, node: tuple(loader.construct_sequence(node)))
    Loader.add_multi_constructor("!env/", lambda _loader, suffix, node: (suffix, node.value))
    text = "a: !point [1, 2]\nb: !env/HOME x\nc: no\n"
    assert yaml.load(text, Loader=Loader) == {"a": (1, 2), "b": ("HOME", "x"), "c": False}
    hostile = "!!python/object/apply:os.system [ls]"
    for loader in (Loader, yaml.SafeLoader, yaml.FullLoader, yaml.UnsafeLoader, yaml.Loader):
        with pytest.raises(yaml.constructor.ConstructorError, match="could not determine"):
            yaml.load(hostile, Loader=loader)
    with pytest.raises(yaml.YAMLError):
        yaml.unsafe_load(hostile)
    assert yaml.full_load("!!python/tuple [1, no]") == (1, False)
    assert yaml.load("no") == "no"


def test_resolvers_and_representers_of_a_program() -> None:
    class Loader(yaml.SafeLoader):
        pass

    class Dumper(yaml.SafeDumper):
        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            super().increase_indent(flow, False)

    Loader.add_implicit_resolver("!n", re.compile(r"n\d+$"), "n")
    Loader.add_constructor("!n", lambda _loader, node: int(node.value[1:]))
    assert yaml.load("[n12, x]", Loader=Loader) == [12, "x"]
    Dumper.add_representer(complex, lambda dumper, value: dumper.represent_scalar("!c", str(value)))
    assert yaml.dump({"a": [1j]}, Dumper=Dumper) == "a:\n  - !c '1j'\n"
    node = yaml.compose("a: [1, 2]")
    assert [item.value for item in node.value[0][1].value] == ["1", "2"]
    assert yaml.serialize(node) == "a: [1, 2]\n"
    assert yaml.emit(yaml.parse("- a: 'x'\n")) == "- a: 'x'\n"


def test_classes_with_tags_of_their_own() -> None:
    class Loader(yaml.SafeLoader):
        pass

    class Dumper(yaml.SafeDumper):
        pass

    class Point(yaml.YAMLObject):
        yaml_tag = "!Point"
        yaml_loader = Loader
        yaml_dumper = Dumper

        def __init__(self, x: int) -> None:
            self.x = x

    assert yaml.dump(Point(2), Dumper=Dumper) == "!Point\nx: 2\n"
    assert yaml.load("!Point {x: 3}", Loader=Loader).x == 3
