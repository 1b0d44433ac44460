"""The fingerprint answers the sixteen edits right, and those that people make besides."""
# ruff: noqa: E501  tables of code

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

import pytest
from children import run_child

from cannery._fingerprint import fingerprint

PROJECT = {
    "pipe.py": '''\
        """A project's pipeline."""
        import os
        from functools import lru_cache

        import helpers
        import installed

        LIMIT = 10
        calls = []


        def unrelated(x):
            return x + 1


        def near(x):
            return x * 2


        def double(x):
            return x + x


        TABLE = {"double": double}


        class Scale:
            factor = 3

            def apply(self, x):
                return x * self.factor


        @lru_cache
        def slow(x):
            return x


        def work(x, start=1):
            """Works."""
            calls.append(x)
            total = near(x) + helpers.far(x) + Scale().apply(x) + TABLE["double"](x) + slow(x)
            if total > LIMIT and start:
                total = installed.trim(total)
            return total
    ''',
    "helpers.py": '''\
        """Helpers."""


        def far(x):
            return deeper(x)


        def deeper(x):
            return x - 1


        def alone(x):
            return x
    ''',
    "site-packages/installed/__init__.py": """\
        def trim(x):
            return x % 100
    """,
    "site-packages/installed-1.0.dist-info/METADATA": """\
        Metadata-Version: 2.1
        Name: installed
        Version: 1.0
    """,
}


class Edit(NamedTuple):
    name: str
    file: str
    before: str
    after: str
    #: The labels of the parts that change, with `|` between; empty where nothing may.
    changes: str = ""


METADATA = "site-packages/installed-1.0.dist-info/METADATA"
REFORMATTED = (
    "if (\n        total > LIMIT\n        and start\n    ):\n        total = installed.trim(\n"
)
EDITS = [
    Edit("nothing", "pipe.py", "", ""),
    Edit("comment", "pipe.py", "calls.append(x)", "# counted\n    calls.append(x)  # here"),
    Edit(
        "reformat",
        "pipe.py",
        "if total > LIMIT and start:\n        total = installed.trim(",
        REFORMATTED,
    ),
    Edit("docstring", "pipe.py", "Works.", "Works hard."),
    Edit("docstring removed", "pipe.py", '    """Works."""\n', ""),
    Edit("body", "pipe.py", "if total >", "if total >=", "function pipe.work"),
    Edit("moved in file", "pipe.py", "calls = []", "calls = []\n\n\n\n"),
    Edit("unrelated helper", "pipe.py", "return x + 1", "return x + 2"),
    Edit("unrelated helper elsewhere", "helpers.py", "    return x\n", "    return x * 9\n"),
    Edit("helper in the file", "pipe.py", "x * 2", "x * 4", "function pipe.near"),
    Edit(
        "helper elsewhere", "helpers.py", "deeper(x)\n", "deeper(x) + 1\n", "function helpers.far"
    ),
    Edit("helper of a helper", "helpers.py", "x - 1", "x - 2", "function helpers.deeper"),
    Edit("method of a class", "pipe.py", "x * self", "x + self", "function pipe.Scale.apply"),
    Edit(
        "class attribute",
        "pipe.py",
        "factor = 3",
        "factor = 4",
        "attribute factor of class pipe.Scale",
    ),
    Edit("constant", "pipe.py", "LIMIT = 10", "LIMIT = 11", "variable pipe.LIMIT"),
    Edit(
        "dispatch table",
        "pipe.py",
        '"double": double',
        '"double": near',
        "variable pipe.TABLE|function pipe.double",
    ),
    Edit("function in a table", "pipe.py", "x + x", "x + x + x", "function pipe.double"),
    Edit(
        "default",
        "pipe.py",
        "start=1",
        "start=2",
        "defaults of function pipe.work",
    ),
    Edit(
        "decorated helper",
        "pipe.py",
        "slow(x):\n    return x",
        "slow(x):\n    return 2 * x",
        "function pipe.slow",
    ),
    Edit("log begins otherwise", "pipe.py", "calls = []", "calls = [1]", "variable pipe.calls"),
    Edit("package upgraded", METADATA, "1.0", "1.1", "package installed"),
    Edit("package edited", "site-packages/installed/__init__.py", "100", "10"),
]


def write_project(folder: Path) -> None:
    for name, text in PROJECT.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text))


def parts_of(folder: Path, function: str = "pipe.work") -> dict[str, str]:
    """Fingerprint in a fresh process, as the next run of a program would."""
    module, _, name = function.partition(".")
    code = f"""
import json, {module}
from cannery._fingerprint import fingerprint
found = fingerprint({module}.{name})
print(json.dumps([found.parts, found.blind_spots]))
"""
    path = os.pathsep.join([str(folder), str(folder / "site-packages")])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    parts, blind_spots = json.loads(done.stdout)
    assert blind_spots == []
    return parts


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("original")
    write_project(folder)
    return parts_of(folder)


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.name)
def test_an_edit_changes_the_part_that_it_touches(edit, original, tmp_path):
    write_project(tmp_path)
    file = tmp_path / edit.file
    text = file.read_text()
    assert edit.before in text
    file.write_text(text.replace(edit.before, edit.after, 1))

    after = parts_of(tmp_path)

    changed = {label for label in original | after if original.get(label) != after.get(label)}
    assert changed == set(edit.changes.split("|")) - {""}


def test_what_is_reached_is_named(original):
    assert sorted(original) == [
        "attribute factor of class pipe.Scale",
        "class pipe.Scale",
        "defaults of function pipe.work",
        "function helpers.deeper",
        "function helpers.far",
        "function pipe.Scale.apply",
        "function pipe.double",
        "function pipe.near",
        "function pipe.slow",
        "function pipe.work",
        "package installed",
        "python",
        "variable pipe.LIMIT",
        "variable pipe.TABLE",
        "variable pipe.calls",
        "variable pipe.slow",
    ]


SNIPPETS = {
    "closure": ("def outer(n):\n    def f(): return n\n    return f\nf = outer({})", "1", "2"),
    "closed function": (
        "def outer(g):\n    def f(): return g()\n    return f\ndef h(): return {}\nf = outer(h)",
        "1",
        "2",
    ),
    "import inside": ("def f():\n    from mod import value\n    return value()", "1", "2"),
    "module inside": ("def f():\n    import mod\n    return mod.value()", "1", "2"),
    "module under another name": ("def f():\n    import mod as m\n    return m.value()", "1", "2"),
    "whole module": ("import mod\ndef f():\n    return vars(mod)", "1", "2"),
    "base class": ("class A:\n    def g(self): return {}\nclass B(A): pass\ndef f(): return B()", "1", "2"),
    "class of an argument": ("class A:\n    def g(self): return {}\ndef f(a: A): return a.g()", "1", "2"),
    "class of a field": (
        "class A:\n    def g(self): return {}\nclass B:\n    a: A\ndef f(b: 'list[B]'): return b[0].a.g()",
        "1",
        "2",
    ),
    "type tag": ("X = {}\ndef f(): return X", "1", '"1"'),
    "order of a dict": ("X = {}\ndef f(): return X", "dict(a=1, b=2)", "dict(b=2, a=1)"),
    "instance": ("class A:\n    def __init__(self, n): self.n = n\nX = A({})\ndef f(): return X", "1", "2"),
    "partial": ("from functools import partial\ndef g(x): return x\nh = partial(g, {})\ndef f(): return h()", "1", "2"),
    "lambda": ("g = lambda x: x + {}\ndef f(): return g(1)", "1", "2"),
    "property": ("class A:\n    @property\n    def p(self): return g()\ndef g(): return {}\ndef f(): return A().p", "1", "2"),
    "comprehension": ("def g(x): return {}\ndef f(): return [g(x) for x in range(3)]", "1", "2"),
    "context manager": (
        "from contextlib import contextmanager\n@contextmanager\ndef g(): yield {}\ndef f():\n    with g() as x: return x",
        "1",
        "2",
    ),
    "enum": ("from enum import Enum\nclass E(Enum):\n    A = {}\ndef f(): return E.A", "1", "2"),
}  # fmt: skip


@pytest.mark.parametrize("name", SNIPPETS)
def test_another_meaning_is_another_fingerprint(name, tmp_path):
    text, one, other = SNIPPETS[name]
    parts = []
    for value in (one, other, one):
        (tmp_path / "mod.py").write_text(f"def value(): return {value}\n")
        (tmp_path / "snippet.py").write_text(text.replace("{}", value))
        parts.append(parts_of(tmp_path, "snippet.f"))
    assert parts[0] == parts[2] != parts[1]


def test_a_set_is_the_same_in_every_process(tmp_path):
    (tmp_path / "snippet.py").write_text("X = {'a', 'b', 'c', 'd'}\ndef f(): return X\n")
    assert parts_of(tmp_path, "snippet.f") == parts_of(tmp_path, "snippet.f")


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.name)
def test_a_reloaded_module_is_fingerprinted_as_it_is_loaded(edit, tmp_path, monkeypatch):
    """Files are newer than this process: what they say is believed only where it is what runs."""
    if edit.file == METADATA:
        return  # nothing is loaded anew by an upgrade under a running process
    write_project(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(sys, "path", [str(tmp_path), str(tmp_path / "site-packages"), *sys.path])
    before = load_and_fingerprint()
    file = tmp_path / edit.file
    file.write_text(file.read_text().replace(edit.before, edit.after, 1))
    stale = fingerprint(sys.modules["pipe"].work).parts  # edited, but not loaded again
    after = load_and_fingerprint()

    changed = {label for label in before | after if before.get(label) != after.get(label)}
    assert changed == set(edit.changes.split("|")) - {""}
    assert not changed or stale != after


def load_and_fingerprint() -> dict[str, str]:
    import importlib

    for name in ("installed", "helpers", "pipe"):
        sys.modules.pop(name, None)
    importlib.invalidate_caches()
    return fingerprint(importlib.import_module("pipe").work).parts


def test_children_that_are_forked_wait_for_no_listener() -> None:
    code = """
        import os, threading
        from cannery._fingerprint import _hooks, _watching
        heard = _watching._Heard()
        _hooks.add_listener(heard.hear)
        held, done = threading.Event(), threading.Event()
        def hold():
            with heard._lock:
                held.set()
                done.wait()
        threading.Thread(target=hold, daemon=True).start()
        held.wait()
        child = os.fork()
        if not child:
            open(os.devnull).close()
            os._exit(7)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        done.set()
    """
    assert run_child(code, timeout=60) == "7"
