"""Pipelines of several steps, outputs that are files, materializers, packages, and what is told."""
# ruff: noqa: E501  tables of code

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from stale_projects import FOOT, HEAD, STEP, Project, Runner, check, running

from cannery import Store

PIPELINES: list[Project] = []


def flow(name, main, *edits, files=None, changes=True, **rest):
    """Add a project whose pipeline `flow` the text defines."""
    foot = '\nif __name__ == "__main__":\n    report(flow())\n'
    sources = {"main.py": HEAD + main + foot, **(files or {})}
    PIPELINES.append(Project(name, sources, list(edits), changes, **rest))


def single(name, before, expression, *edits, files=None, changes=True, **rest):
    """Add a project whose step returns an expression."""
    main = HEAD + before + STEP + f"    return {expression}\n" + FOOT
    PIPELINES.append(
        Project(name, {"main.py": main, **(files or {})}, list(edits), changes, **rest)
    )


def m(before, after):
    return ("main.py", before, after)


AB = "@pipeline\ndef flow(): return b(a())\n"

# Values of classes and functions

flow(
    "method of a class behind a base",
    "class A:\n    def go(self): return 0\nclass B(A):\n    def go(self): return 1\n@step\ndef a() -> A: return B()\n@step\ndef b(o: A) -> int: return o.go()\n"
    + AB,
    m("return 1", "return 2"),
)
flow(
    "method of an object in a dict",
    "class K:\n    def go(self): return 1\n@step\ndef a() -> dict: return {'k': [K()]}\n@step\ndef b(o: dict) -> int: return o['k'][0].go()\n"
    + AB,
    m("return 1", "return 2"),
)
flow(
    "dataclass as artifact",
    "from dataclasses import dataclass\n@dataclass\nclass K:\n    n: int\n    def go(self): return self.n + 1\n@step\ndef a() -> K: return K(1)\n@step\ndef b(o: K) -> int: return o.go()\n"
    + AB,
    m("self.n + 1", "self.n + 2"),
)
flow(
    "enum as artifact",
    "from enum import Enum\nclass E(Enum):\n    A = 1\n    def go(self): return self.value + 1\n@step\ndef a() -> list: return [E.A]\n@step\ndef b(o: list) -> int: return o[0].go()\n"
    + AB,
    m("self.value + 1", "self.value + 2"),
)
flow(
    "function as artifact",
    "def h(x): return x + 1\n@step\ndef a() -> list: return [h]\n@step\ndef b(o: list) -> int: return o[0](1)\n"
    + AB,
    m("x + 1", "x + 2"),
)
flow(
    "class as artifact",
    "class K:\n    n = 1\n@step\ndef a() -> list: return [K]\n@step\ndef b(o: list) -> int: return o[0].n\n"
    + AB,
    m("n = 1", "n = 2"),
)
flow(
    "function as a parameter",
    "def h(x): return x + 1\n@step\ndef b(f: object) -> int: return f(1)\n@pipeline\ndef flow(): return b(h)\n",
    m("x + 1", "x + 2"),
)
flow(
    "lambda as a parameter",
    "@step\ndef b(f: object) -> int: return f(1)\n@pipeline\ndef flow(): return b(lambda x: x + 1)\n",
    m("x + 1", "x + 2"),
)
flow(
    "closure as a parameter",
    "def make(n): return lambda x: x + n\n@step\ndef b(f: object) -> int: return f(1)\n@pipeline\ndef flow(): return b(make(1))\n",
    m("make(1)", "make(2)"),
)
flow(
    "object as a parameter",
    "class K:\n    def go(self): return 1\n@step\ndef b(o: object) -> int: return o.go()\n@pipeline\ndef flow(): return b(K())\n",
    m("return 1", "return 2"),
)
flow(
    "class as a parameter",
    "class K:\n    def go(self): return 1\n@step\ndef b(o: object) -> int: return o().go()\n@pipeline\ndef flow(): return b(K)\n",
    m("return 1", "return 2"),
)
flow(
    "function in a list among artifacts",
    "def h(x): return x + 1\n@step\ndef a() -> int: return 1\n@step\ndef b(o: list) -> int: return o[1](o[0])\n@pipeline\ndef flow(): return b([a(), h])\n",
    m("x + 1", "x + 2"),
)

# Variables that steps write

flow(
    "chained steps and a generator",
    "import random\nR = random.Random(1)\n@step\ndef a() -> int: return R.randint(0, 99)\n@step\ndef b(x: int) -> int: return x + R.randint(0, 99)\n"
    + AB,
    changes=False,
)
flow(
    "counter of one step read by another",
    "n = 0\n@step\ndef a() -> int:\n    global n\n    n += 1\n    return n\n@step\ndef b(x: int) -> int: return x + n\n"
    + AB,
    changes=False,
)
flow(
    "state that is loaded between steps",
    "L = []\n@step\ndef a() -> int:\n    L.append(1)\n    return 1\n@step\ndef b(x: int) -> int: return x\n@step\ndef c(x: int) -> int: return x + 0 * len(L)\n@pipeline\ndef flow():\n    x = a().load()\n    return c(b(x))\n",
    changes=False,
)
flow(
    "twice in one process",
    "L = []\nclass K:\n    seen = {}\ndef h(x):\n    L.append(x)\n    K.seen[x] = 1\n    h.calls = getattr(h, 'calls', 0) + 1\n    return x\n@step\ndef b(x: int) -> int: return h(x)\n@pipeline\ndef flow(): return b(1)\nif __name__ == '__main__': flow()\n",
    changes=False,
)
flow(
    "changed between two runs in one process",
    "CFG = {'n': 1}\n@step\ndef b(x: int) -> int: return x + CFG['n']\n@pipeline\ndef flow(): return b(1)\nif __name__ == '__main__':\n    flow()\n    CFG['n'] = 5\n",
    m("= 5", "= 6"),
)
flow(
    "changed by the pipeline",
    "import a\n@step\ndef b(x: int) -> int: return x + a.N\n@pipeline\ndef flow(n=5):\n    a.N = n\n    return b(1)\n",
    m("n=5", "n=6"),
    files={"a.py": "N = 1\n"},
)

# What one step has read and another finds

LOADER = (
    "{before}@step\ndef a() -> int: return len(load())\n@step\ndef b(x: int) -> int: return 0 * x + len(load())\n"
    + AB
)
for label, before in {
    "lru_cache": "import functools\n@functools.lru_cache\ndef load(): return open('d.txt').read()\n",
    "cache of a path": "import functools\n@functools.cache\ndef read(p): return open(p).read()\ndef load(): return read('d.txt')\n",
    "global": "DATA = None\ndef load():\n    global DATA\n    if DATA is None: DATA = open('d.txt').read()\n    return DATA\n",
    "dict": "DATA = {}\ndef load():\n    if 'd' not in DATA: DATA['d'] = open('d.txt').read()\n    return DATA['d']\n",
    "class": "class K:\n    data = None\n    @classmethod\n    def get(cls):\n        if cls.data is None: cls.data = open('d.txt').read()\n        return cls.data\ndef load(): return K.get()\n",
    "cached_property": "import functools\nclass K:\n    @functools.cached_property\n    def data(self): return open('d.txt').read()\nk = K()\ndef load(): return k.data\n",
}.items():
    flow(
        f"loader that remembers in a {label}",
        LOADER.format(before=before),
        ("d.txt", "a", "abc"),
        files={"d.txt": "a"},
    )

# Steps that run side by side

SIDE = "@step\ndef a(p: str) -> int:\n    import time\n    time.sleep(0.05)\n    return len(open(p).read())\n@step\ndef both(x: int, y: int) -> int: return x + y\n@pipeline\ndef flow(): return both(a('one.txt'), a('two.txt'))\n"


def test_steps_side_by_side_read_their_own_files_only(runner: Runner, tmp_path: Path) -> None:
    home = tmp_path / "project"
    home.mkdir()
    (home / "main.py").write_text(HEAD + SIDE + "report(flow())\n")
    (home / "one.txt").write_text("a")
    (home / "two.txt").write_text("b")
    run = lambda: runner.run(home, ("main.py",), tmp_path / "store", {})  # noqa: E731
    run()
    assert run().cached
    (home / "two.txt").write_text("abc")
    assert run().steps == {"a": True, "a-2": False, "both": False}


# Outputs that are files

WRITES = (
    "@step\ndef a() -> {kind}:\n    open('out.txt', 'w').write('abc')\n    return {value}\n@step\ndef b(p: {kind}) -> int: return len(open({use}).read())\n"
    + AB
)
KINDS = {
    "str": ("str", "'out.txt'", "p"),
    "Path": ("Path", "Path('out.txt')", "p"),
    "list": ("list", "['out.txt']", "p[0]"),
    "absolute": ("str", "str(Path('out.txt').absolute())", "p"),
}
for label, (kind, value, use) in KINDS.items():
    text = "from pathlib import Path\n" + WRITES.format(kind=kind, value=value, use=use)
    flow(f"output as {label} is edited", text, lambda d: (d / "out.txt").write_text("abcdef"))
    flow(f"output as {label} is gone", text, lambda d: (d / "out.txt").unlink())
    flow(f"output as {label} is as it was", text, lambda d: (d / "out.txt").touch(), changes=False)
flow(
    "folder as output is gone",
    "from pathlib import Path\n@step\ndef a() -> Path:\n    p = Path('out')\n    p.mkdir(exist_ok=True)\n    (p / 'm').write_text('abc')\n    return p\n@pipeline\ndef flow(): return a()\n",
    lambda d: shutil.rmtree(d / "out"),
)
flow(
    "file in a folder that is output is edited",
    "from pathlib import Path\n@step\ndef a() -> Path:\n    p = Path('out')\n    p.mkdir(exist_ok=True)\n    (p / 'm').write_text('abc')\n    return p\n@pipeline\ndef flow(): return a()\n",
    lambda d: (d / "out/m").write_text("x"),
)
flow(
    "external output is gone",
    "@step(external=True)\ndef a() -> str:\n    open('out.txt', 'w').write('abc')\n    return 'out.txt'\n@pipeline\ndef flow(): return a()\n",
    lambda d: (d / "out.txt").unlink(),
    changes=False,
)
flow(
    "path of an input that is returned",
    "@step\ndef a() -> str: return 'in.txt'\n@step\ndef b(p: str) -> int: return len(open(p).read())\n"
    + AB,
    ("in.txt", "a", "abc"),
    files={"in.txt": "a"},
)
flow(
    "file made unless it is there, edited",
    "import os\n@step\ndef a() -> str:\n    if not os.path.exists('c.txt'): open('c.txt', 'w').write('abc')\n    return open('c.txt').read()\n@pipeline\ndef flow(): return a()\n",
    lambda d: (d / "c.txt").write_text("x"),
)

# Materializers

MATERIAL = "from cannery import Materializer\nclass P:\n    def __init__(s, n): s.n = n\n    def __repr__(s): return f'P({s.n})'\nclass M(Materializer[P]):\n    types = (P,)\n    format_id = 'p/1'\n    def save(self, value, to): (to / 'p').write_text(str(value.n + 0))\n    def load(self, type, at): return type(int((at / 'p').read_text()) + 0)\n@step\ndef a() -> P: return P(1)\n@step\ndef b(p: P) -> int: return p.n\n"
flow("save is edited", MATERIAL + AB, m("value.n + 0", "value.n + 5"))
flow("load is edited", MATERIAL + AB, m(".read_text()) + 0", ".read_text()) + 5"))
flow(
    "helper of save is edited",
    MATERIAL.replace("str(value.n + 0)", "text(value)").replace(
        "class M(", "def text(v): return str(v.n + 0)\nclass M("
    )
    + AB,
    m("v.n + 0", "v.n + 5"),
)
flow(
    "materializer that a step names",
    MATERIAL.replace("    types = (P,)\n", "").replace(
        "@step\ndef a", "@step(materializers=[M])\ndef a"
    )
    + AB,
    m("value.n + 0", "value.n + 5"),
)
flow(
    "docstring of a materializer",
    MATERIAL.replace("    types", '    """One."""\n    types') + AB,
    m("One", "Two"),
    changes=False,
)

# Packages

SITE = "import sys\nsys.path.insert(0, __file__.rsplit('/', 1)[0] + '/site-packages')\n"


def package(name, version="1.0", text="def f(x): return x + 1\n", metadata=""):
    return {
        f"site-packages/{name}/__init__.py": text,
        f"site-packages/{name}-{version}.dist-info/METADATA": f"Name: {name}\nVersion: {version}\n{metadata}",
    }


USES = "import inner\ndef f(x): return inner.f(x)\n"
UPGRADE = [
    ("site-packages/inner/__init__.py", "+ 1", "+ 2"),
    ("site-packages/inner-1.0.dist-info/METADATA", "Version: 1.0", "Version: 2.0"),
]
single("upgraded package", SITE + "import inner\n", "inner.f(x)", *UPGRADE, files=package("inner"))
single(
    "upgraded dependency that is imported",
    SITE + "import outer\n",
    "outer.f(x)",
    *UPGRADE,
    files={**package("inner"), **package("outer", text=USES)},
)
single(
    "upgraded dependency that is required",
    SITE + "import outer\n",
    "outer.f(x)",
    *UPGRADE,
    files={
        **package("inner"),
        **package(
            "outer",
            text="def f(x):\n    import inner\n    return inner.f(x)\n",
            metadata="Requires-Dist: inner>=1\n",
        ),
    },
)
single(
    "upgraded dependency of a dependency",
    SITE + "import first\n",
    "first.f(x)",
    *UPGRADE,
    files={
        **package("inner"),
        **package("outer", text=USES),
        **package(
            "first",
            text="import outer\ndef f(x): return outer.f(x)\n",
            metadata="Requires-Dist: outer\n",
        ),
    },
)
single(
    "another package is upgraded",
    SITE + "import inner\n",
    "inner.f(x)",
    ("site-packages/other-1.0.dist-info/METADATA", "Version: 1.0", "Version: 2.0"),
    files={**package("inner"), **package("other")},
    changes=False,
)
single(
    "package without a version",
    SITE + "import inner\n",
    "inner.f(x)",
    ("site-packages/inner/__init__.py", "+ 1", "+ 2"),
    files={"site-packages/inner/__init__.py": "def f(x): return x + 1\n"},
)
single(
    "package that is developed",
    "import sys\nsys.path.insert(0, __file__.rsplit('/', 1)[0] + '/src')\nimport inner\n",
    "inner.f(x)",
    ("src/inner/__init__.py", "+ 1", "+ 2"),
    files={
        "src/inner/__init__.py": "def f(x): return x + 1\n",
        "src/inner.egg-info/PKG-INFO": "Name: inner\nVersion: 1.0\n",
    },
)
single(
    "package installed from a folder",
    SITE + "import inner\n",
    "inner.f(x)",
    ("site-packages/inner/__init__.py", "+ 1", "+ 2"),
    ("site-packages/inner-1.0.dist-info/RECORD", "sha256=a", "sha256=b"),
    files={
        **package("inner"),
        "site-packages/inner-1.0.dist-info/RECORD": "inner/__init__.py,sha256=a,20\n",
        "site-packages/inner-1.0.dist-info/direct_url.json": '{"url": "file:///x", "dir_info": {}}',
    },
)
single(
    "library reads a variable",
    SITE + "from inner import f\n",
    "f(x)",
    first={"X_NN": "1"},
    second={"X_NN": "2"},
    files=package("inner", text="import os\ndef f(x): return x + int(os.environ['X_NN'])\n"),
)
single(
    "library reads a file",
    SITE + "from inner import f\n",
    "f(x)",
    ("d.txt", "a", "abc"),
    files={
        **package("inner", text="def f(x): return x + len(open('d.txt').read())\n"),
        "d.txt": "a",
    },
)
single(
    "library calls back",
    SITE + "from inner import f\ndef h(x): return x + 1\n",
    "f(h)",
    m("x + 1", "x + 2"),
    files=package("inner", text="def f(g): return g(1)\n"),
)
single(
    "library decorates",
    SITE + "from inner import deco\n@deco\ndef h(x): return x + 1\n",
    "h(x)",
    m("x + 1", "x + 2"),
    files=package(
        "inner", text="def deco(f):\n    def inner(*a): return f(*a)\n    return inner\n"
    ),
)
single(
    "setting of a library's decorator",
    SITE + "from inner import deco\n@deco(1)\ndef h(x): return x\n",
    "h(x)",
    m("deco(1)", "deco(2)"),
    files=package(
        "inner",
        text="def deco(n):\n    def outer(f):\n        def inner(*a): return f(*a) + n\n        return inner\n    return outer\n",
    ),
)


def extension(number):
    def build(folder: Path) -> None:
        source = folder / "cx.c"
        source.write_text(
            "#include <Python.h>\nstatic PyObject *h(PyObject *s, PyObject *a)"
            "{return PyLong_FromLong(PyLong_AsLong(a) + NUMBER);}\n"
            'static PyMethodDef M[] = {{"h", h, METH_O, 0}, {0}};\n'
            'static struct PyModuleDef D = {PyModuleDef_HEAD_INIT, "cx", 0, -1, M};\n'
            "PyMODINIT_FUNC PyInit_cx(void) {return PyModule_Create(&D);}\n".replace(
                "NUMBER", str(number)
            )
        )
        include = sysconfig.get_path("include")
        command = ["cc", "-shared", "-fPIC", f"-I{include}", "cx.c", "-o", "cx.so"]
        subprocess.run(command, cwd=folder, check=True)

    return build


single("compiled extension", "import cx\n", "cx.h(x)", extension(2), prepare=extension(1))
single(
    "function of a compiled extension",
    "from cx import h\n",
    "h(x)",
    extension(2),
    prepare=extension(1),
)
single(
    "compiled extension in the step",
    "",
    "__import__('cx').h(x)",
    extension(2),
    prepare=extension(1),
)


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    with running() as runner:
        yield runner


@pytest.mark.parametrize("project", PIPELINES, ids=lambda project: project.name)
def test_pipelines(project: Project, runner: Runner, tmp_path: Path) -> None:
    check(runner, project, tmp_path)


# What is kept and told


def project(folder: Path, text: str, foot: str = FOOT, **files: str) -> Path:
    home = folder / "project"
    home.mkdir()
    (home / "main.py").write_text(HEAD + text + foot)
    for name, content in files.items():
        (home / name.replace("_", ".")).write_text(content)
    return home


def test_a_change_while_the_step_runs_is_kept_and_not_reused(
    runner: Runner, tmp_path: Path
) -> None:
    text = (
        "import subprocess\n"
        + STEP
        + "    n = len(open('d.txt').read())\n    subprocess.run(['sh', '-c', 'printf abcdef > d.txt'])\n    return n\n"
    )
    home = project(tmp_path, text, d_txt="a")
    time.sleep(0.1)  # of a file just written the content is kept, not the time
    first = runner.run(home, ("main.py",), tmp_path / "store", {})
    assert first.value == "1"
    assert "changed while the step ran" in first.errors
    assert not runner.run(home, ("main.py",), tmp_path / "store", {}).cached


def test_secrets_are_not_in_the_store(runner: Runner, tmp_path: Path) -> None:
    secret = "hunter2-hunter2-hunter2"
    text = (
        "import os\nAPI_KEY = os.environ['API_KEY']\n"
        + STEP
        + "    return len(os.environ['API_KEY']) + len(API_KEY)\n"
    )
    home = project(tmp_path, text)
    runner.run(home, ("main.py",), tmp_path / "store", {"API_KEY": secret})
    for file in (tmp_path / "store").rglob("*"):
        if file.is_file():
            assert secret.encode() not in file.read_bytes()
    (run,) = Store(tmp_path / "store").runs()
    state = run.steps["s"].observations["environment API_KEY"]
    import hashlib

    assert state.startswith("set ")
    assert hashlib.blake2b(secret.encode(), digest_size=16).hexdigest() not in state


@pytest.mark.parametrize(
    ("before", "expression", "told"),
    [
        ("import subprocess\n", "len(subprocess.check_output(['echo']))", "another program"),
        ("import os\n", "os.system('true')", "another program"),
        (
            "import socket\ndef h():\n    try: socket.create_connection(('127.0.0.1', 9), 0.1)\n    except OSError: return 1\n",
            "h()",
            "a server",
        ),
        ("", "eval(str(x))", "`eval`"),
        (
            "import importlib\n",
            "len(importlib.import_module(str('js' + 'on')).__name__)",
            "import_module",
        ),
        ("G = (i for i in [1])\n", "len([G])", "cannot be looked into"),
    ],
)
def test_what_cannot_be_seen_is_told_or_refused(before, expression, told, runner, tmp_path) -> None:
    home = project(tmp_path, before + STEP + f"    return {expression}\n")
    outcome = runner.run(home, ("main.py",), tmp_path / "store", {})
    assert told in outcome.errors
    main = home / "main.py"
    main.write_text(main.read_text().replace("@step\n", "@step(strict=True)\n"))
    with pytest.raises(AssertionError, match=told):
        runner.run(home, ("main.py",), tmp_path / "strict", {})


def test_a_file_that_a_step_wrote_is_in_its_artifact(runner: Runner, tmp_path: Path) -> None:
    text = "@step\ndef s(x: int) -> str:\n    open('o.txt', 'w').write('abc')\n    return 'o.txt'\n"
    runner.run(project(tmp_path, text), ("main.py",), tmp_path / "store", {})
    artifact = Store(tmp_path / "store").artifact("s")
    assert (artifact.folder / "files" / "0" / "o.txt").read_text() == "abc"


def test_why_shows_what_changed(runner: Runner, tmp_path: Path) -> None:
    text = (
        "LIMIT = 1\ndef h(x):\n    y = x + 1\n    return y\n"
        + STEP
        + "    return h(x) + LIMIT + len(open('d.txt').read())\n"
    )
    home = project(tmp_path, text, d_txt="one\ntwo\n")
    store = tmp_path / "store"
    runner.run(home, ("main.py",), store, {})

    def why(*more: str) -> str:
        command = [sys.executable, "-m", "cannery", "why", *more, "--store", str(store)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    main = home / "main.py"
    main.write_text(main.read_text().replace("y = x + 1", "y = x + 2"))
    runner.run(home, ("main.py",), store, {})
    assert "-    y = x + 1\n    +    y = x + 2" in why("2", "s")
    assert "function main.h" in why("2", "s")
    main.write_text(main.read_text().replace("LIMIT = 1", "LIMIT = 7"))
    runner.run(home, ("main.py",), store, {})
    assert "variable main.LIMIT changed from `1` to `7`" in why("3", "s")
    (home / "d.txt").write_text("one\n2\n")
    runner.run(home, ("main.py",), store, {})
    assert "file d.txt changed:" in why("4", "s")
    assert "-two\n    +2" in why("4", "s")
    assert "function main.h" in why("4", "s", "--against", "1")
    runner.run(home, ("main.py",), store, {})
    assert "did not run" in why("5", "s")
