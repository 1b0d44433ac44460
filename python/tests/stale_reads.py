"""Edits of files, folders and variables that a step reads: `read(name, expression, edit)`."""
# ruff: noqa: E501  tables of code
# fmt: off

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from stale_projects import FOOT, HEAD, STEP, Project

READS: list[Project] = []
D = {"d.txt": "a", "e.txt": "b"}
EDIT_D = ("d.txt", "a", "abc")


def read(name, expression, *edits, files=None, before="", changes=True, foot=FOOT, **rest):
    """Add a project whose step returns an expression that reads something."""
    main = HEAD + before + STEP + f"    return {expression}\n" + foot
    edits = list(edits) if edits or "second" in rest or "folder_after" in rest else [EDIT_D]
    READS.append(Project(name, {"main.py": main, **(D if files is None else files)}, edits, changes, **rest))


# Python's own readers

for label, before, expression in [
    ("open", "", "len(open('d.txt').read())"),
    ("open of bytes", "", "len(open(b'd.txt', 'rb').read())"),
    ("io.open", "import io\n", "len(io.open('d.txt').read())"),
    ("io.FileIO", "import io\n", "len(io.FileIO('d.txt').read())"),
    ("os.open", "import os\n", "len(os.read(os.open('d.txt', os.O_RDONLY), 99))"),
    ("codecs.open", "import codecs\n", "len(codecs.open('d.txt').read())"),
    ("Path.read_text", "from pathlib import Path\n", "len(Path('d.txt').read_text())"),
    ("Path.read_bytes", "from pathlib import Path\n", "len(Path('d.txt').read_bytes())"),
    ("Path.open", "from pathlib import Path\n", "len(Path('d.txt').open().read())"),
    ("absolute path", "import os\n", "len(open(os.path.abspath('d.txt')).read())"),
    ("path of the module", "import os\nH = os.path.dirname(os.path.abspath(__file__))\n", "len(open(os.path.join(H, 'd.txt')).read())"),
    ("path of the module in the step", "import os\n", "len(open(os.path.join(os.path.dirname(__file__), 'd.txt')).read())"),
    ("path with dots", "", "len(open('./x/../d.txt').read())"),
    ("fileinput", "import fileinput\n", "sum(len(l) for l in fileinput.input(['d.txt']))"),
    ("linecache", "import linecache\n", "len(linecache.getlines('d.txt')[0])"),
    ("mmap", "import mmap\ndef h():\n    with open('d.txt', 'rb') as f: return len(mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ))\n", "h()"),
    ("shutil.copy then read", "import shutil\n", "len(open(shutil.copy('d.txt', 'copy.txt')).read())"),
    ("importlib.resources", "import importlib.resources, pkg\n", "len((importlib.resources.files('pkg') / 'd.txt').read_text())"),
    ("importlib.resources.read_text", "import importlib.resources, pkg\n", "len(importlib.resources.read_text('pkg', 'd.txt'))"),
    ("pkgutil.get_data", "import pkgutil\n", "len(pkgutil.get_data('pkg', 'd.txt'))"),
    ("loader.get_data", "import pkg, os\n", "len(pkg.__loader__.get_data(os.path.join(pkg.__path__[0], 'd.txt')))"),
    ("csv", "import csv\n", "len(list(csv.reader(open('d.txt')))[0][0])"),
    ("hashlib.file_digest", "import hashlib\n", "hashlib.file_digest(open('d.txt', 'rb'), 'md5').digest()[0]"),
    ("np.fromfile", "import numpy as np\n", "len(np.fromfile('d.txt', 'u1'))"),
    ("np.memmap", "import numpy as np\n", "len(np.memmap('d.txt', mode='r'))"),
    ("Path.stat", "from pathlib import Path\n", "Path('d.txt').stat().st_size"),
    ("os.stat", "import os\n", "os.stat('d.txt').st_size"),
    ("os.lstat", "import os\n", "os.lstat('d.txt').st_size"),
    ("os.path.getsize", "import os.path\n", "os.path.getsize('d.txt')"),
    ("getsize by name", "from os.path import getsize\n", "getsize('d.txt')"),
    ("scandir with sizes", "import os\n", "sum(e.stat().st_size for e in os.scandir('.') if e.name == 'd.txt')"),
    ("filecmp", "import filecmp\n", "int(filecmp.cmp('d.txt', 'same.txt', shallow=False))"),
    ("zipapp-like source", "", "len(__import__('tokenize').open('d.txt').read())"),
    ("subprocess", "import subprocess\n", "len(subprocess.check_output(['cat', 'd.txt']))"),
    ("os.popen", "import os\n", "len(os.popen('cat d.txt').read())"),
    ("os.system", "import os\n", "[os.system('cat d.txt > o.txt'), len(open('o.txt').read())][1]"),
    ("child interpreter", "import subprocess, sys\n", "int(subprocess.check_output([sys.executable, '-S', '-c', 'print(len(open(\"d.txt\").read()))']))"),
    ("shell with a glob", "import subprocess\n", "len(subprocess.check_output('cat d*.txt', shell=True))"),
    ("thread", "import threading\ndef r(o): o.append(len(open('d.txt').read()))\ndef h():\n    o = []\n    t = threading.Thread(target=r, args=(o,))\n    t.start()\n    t.join()\n    return o[0]\n", "h()"),
    ("thread pool", "from concurrent.futures import ThreadPoolExecutor\n", "sum(ThreadPoolExecutor(2).map(lambda f: len(open(f).read()), ['d.txt']))"),
    ("asyncio.to_thread", "import asyncio\ndef r(): return len(open('d.txt').read())\nasync def h(): return await asyncio.to_thread(r)\n", "asyncio.run(h())"),
    ("pool of threads of multiprocessing", "from multiprocessing.pool import ThreadPool\ndef r(f): return len(open(f).read())\n", "sum(ThreadPool(2).map(r, ['d.txt']))"),
    ("forked process", "import multiprocessing as mp\ndef r(q): q.put(len(open('d.txt').read()))\ndef h():\n    q = mp.get_context('fork').SimpleQueue()\n    p = mp.get_context('fork').Process(target=r, args=(q,))\n    p.start()\n    v = q.get()\n    p.join()\n    return v\n", "h()"),
    ("stat in a forked process", "import multiprocessing as mp, os\ndef r(f): return os.path.getsize(f)\n", "sum(mp.get_context('fork').Pool(1).map(r, ['d.txt']))"),
    ("os.fork", "import os\ndef h():\n    r, w = os.pipe()\n    if not os.fork():\n        os.write(w, bytes([len(open('d.txt').read())]))\n        os._exit(0)\n    os.wait()\n    return os.read(r, 1)[0]\n", "h()"),
    ("process pool", "from concurrent.futures import ProcessPoolExecutor\nimport multiprocessing as mp\ndef r(f): return len(open(f).read())\ndef h():\n    with ProcessPoolExecutor(1, mp_context=mp.get_context('fork')) as p: return sum(p.map(r, ['d.txt']))\n", "h()"),
    ("file of a class", "class R:\n    def __init__(self, p): self.p = p\n    def __call__(self): return len(open(self.p).read())\nr = R('d.txt')\n", "r()"),
    ("cannery.json", "from cannery import json\n", "len(json.load(open('d.txt')))"),
    ("exec of a file", "def h():\n    ns = {}\n    exec(open('d.txt').read().replace('a', 'n=1;').replace('bc', 'n=2'), ns)\n    return ns['n']\n", "h()"),
]:
    edits, files = [EDIT_D], {**D, "same.txt": "abc", "pkg/__init__.py": "", "x/y": ""}
    if "pkg" in before + expression:
        edits, files = [("pkg/d.txt", "a", "abc")], {**files, "pkg/d.txt": "a"}
    if label == "cannery.json":
        edits, files = [("d.txt", "[1]", "[1, 2]")], {"d.txt": "[1]"}
    read(label, expression, *edits, before=before, files=files)

PARAM = "@step\ndef s(x: int, path: str = 'd.txt') -> int:\n    return {}\n"
READS.append(Project("path as a parameter", {"main.py": HEAD + PARAM.format("len(open(path).read())") + FOOT, **D}, [EDIT_D]))
READS.append(Project("Path as a parameter", {"main.py": HEAD + "from pathlib import Path\n@step\ndef s(x: int, path: Path = Path('d.txt')) -> int:\n    return len(path.read_text())\n" + FOOT, **D}, [EDIT_D]))

# Code as data

read("runpy.run_path", "runpy.run_path('conf.py')['N'] + x", ("conf.py", "1", "2"), before="import runpy\n", files={"conf.py": "N = 1\n"})
read("a .py file that is read", "len(open('conf.py').read())", ("conf.py", "1", "22"), files={"conf.py": "N = 1\n"})
read("ast of a .py file", "len(ast.parse(open('conf.py').read()).body)", ("conf.py", "N = 1\n", "N = 1\nM = 2\n"), before="import ast\n", files={"conf.py": "N = 1\n"})
read("compile of a .py file", "h()", ("conf.py", "1", "2"), before="def h():\n    ns = {}\n    exec(compile(open('conf.py').read(), 'conf.py', 'exec'), ns)\n    return ns['N']\n", files={"conf.py": "N = 1\n"})
read("inspect.getsource", "len(inspect.getsource(a.h))", ("a.py", "return 1", "return 1  # one"), before="import inspect, a\n", files={"a.py": "def h(): return 1\n"})
read("script run as a child", "int(subprocess.check_output([sys.executable, '-S', 'tool.py']))", ("tool.py", "1", "2"), before="import subprocess, sys\n", files={"tool.py": "print(1)\n"})
read("shell script", "int(subprocess.check_output(['sh', 'tool.sh']))", ("tool.sh", "1", "2"), before="import subprocess\n", files={"tool.sh": "echo 1\n"})
read("zipped module", "z.N + x", lambda d: _zip(d, "2"), before="import sys\nsys.path.insert(0, 'lib.zip')\nimport z\n", files={}, prepare=lambda d: _zip(d, "1"))
read("SQL in a file", "len(open('q.sql').read())", ("q.sql", "1", "22"), files={"q.sql": "select 1"})


def _zip(folder: Path, number: str) -> None:
    with zipfile.ZipFile(folder / "lib.zip", "w") as archive:
        archive.writestr("z.py", f"N = {number}\n")


def _archive(folder: Path, text: str = "a") -> None:
    with zipfile.ZipFile(folder / "d.zip", "w") as archive:
        archive.writestr("d.txt", text)


read("zipfile", "len(zipfile.ZipFile('d.zip').read('d.txt'))", lambda d: _archive(d, "abc"), before="import zipfile\n", prepare=_archive)


def _database(folder: Path, number: int = 1) -> None:
    import sqlite3

    connection = sqlite3.connect(folder / "d.db")
    connection.execute("create table if not exists t (a)")
    connection.execute("delete from t")
    connection.execute("insert into t values (?)", (number,))
    connection.commit()
    connection.close()


SQL = "connect('d.db').execute('select a from t').fetchone()[0]"
read("sqlite3", f"sqlite3.{SQL}", lambda d: _database(d, 5), before="import sqlite3\n", prepare=_database)
read("sqlite3 by an address", "sqlite3.connect('file:d.db?mode=ro', uri=True).execute('select a from t').fetchone()[0]", lambda d: _database(d, 5), before="import sqlite3\n", prepare=_database)
read("sqlite3 at import", "C.execute('select a from t').fetchone()[0]", lambda d: _database(d, 5), before="import sqlite3\nC = sqlite3.connect('d.db')\n", prepare=_database)


def _table(kind: str, numbers: str):
    code = f"import pandas as pd; pd.DataFrame(dict(a={numbers})).to_{kind}"

    def make(folder: Path) -> None:
        subprocess.run([sys.executable, "-c", code], cwd=folder, check=True)

    return make


def _native(name, expression, kind, before):
    read(name, expression, _table(kind, "[5]"), before=before, files={}, prepare=_table(kind, "[1]"))


_native("pandas.read_parquet", "int(pd.read_parquet('d.parquet')['a'].sum())", "parquet('d.parquet')", "import pandas as pd\n")
_native("pyarrow dataset of a folder", "q.dataset('.', format='parquet', exclude_invalid_files=True).to_table()['a'].to_pylist()[0]", "parquet('d.parquet')", "import pyarrow.dataset as q\n")
_native("polars.read_csv", "int(pl.read_csv('d.csv')['a'].sum())", "csv('d.csv')", "import polars as pl\n")
_native("polars.scan_csv with a glob", "int(pl.scan_csv('*.csv').collect()['a'].sum())", "csv('d.csv')", "import polars as pl\n")
_native("pandas.read_csv", "int(pd.read_csv('d.csv')['a'].sum())", "csv('d.csv')", "import pandas as pd\n")
_native("pyarrow.csv", "q.read_csv('d.csv')['a'].to_pylist()[0]", "csv('d.csv')", "import pyarrow.csv as q\n")

# Existence and folders


def appears(name: str = "new"):
    return lambda folder: (folder / name).write_text("new")


for label, before, expression in [
    ("os.path.exists", "import os\n", "int(os.path.exists('new'))"),
    ("os.path.isfile", "import os\n", "int(os.path.isfile('new'))"),
    ("exists by name", "from os.path import exists\n", "int(exists('new'))"),
    ("os.access", "import os\n", "int(os.access('new', os.R_OK))"),
    ("os.path.lexists", "import os\n", "int(os.path.lexists('new'))"),
    ("Path.exists", "from pathlib import Path\n", "int(Path('new').exists())"),
    ("Path.is_file", "from pathlib import Path\n", "int(Path('new').is_file())"),
    ("try to open", "def h():\n    try:\n        return len(open('new').read())\n    except OSError:\n        return 0\n", "h()"),
    ("try to stat", "import os\ndef h():\n    try:\n        return os.stat('new').st_size\n    except OSError:\n        return 0\n", "h()"),
    ("os.listdir", "import os\n", "len(os.listdir('.'))"),
    ("os.listdir without an argument", "import os\n", "len(os.listdir())"),
    ("os.scandir", "import os\n", "len(list(os.scandir('.')))"),
    ("os.walk", "import os\n", "sum(len(f) for _, _, f in os.walk('.'))"),
    ("glob", "import glob\n", "len(glob.glob('*'))"),
    ("glob by name", "from glob import glob\n", "len(glob('n*'))"),
    ("glob in folders", "import glob\n", "len(glob.glob('**/*', recursive=True))"),
    ("Path.iterdir", "from pathlib import Path\n", "len(list(Path('.').iterdir()))"),
    ("Path.glob", "from pathlib import Path\n", "len(list(Path('.').glob('n*')))"),
    ("Path.rglob", "from pathlib import Path\n", "len(list(Path('.').rglob('*')))"),
    ("shutil.which", "import shutil\n", "int(shutil.which('./new', mode=0) is not None)"),
    ("ls", "import subprocess\n", "len(subprocess.check_output(['ls']))"),
]:
    read(label, expression, appears(), before=before)
read("a file is gone", "int(os.path.exists('e.txt'))", lambda d: (d / "e.txt").unlink(), before="import os\n")
read("a folder instead of a file", "int(os.path.isdir('e.txt'))", lambda d: [(d / "e.txt").unlink(), (d / "e.txt").mkdir()], before="import os\n")
read("a file in a folder below", "sum(len(f) for _, _, f in os.walk('sub'))", appears("sub/deep/new"), before="import os\n", files={"sub/deep/x": ""})
read("time of change", "int(os.path.getmtime('d.txt')) % 1000", lambda d: __import__("os").utime(d / "d.txt", (5, 5)), before="import os\n")
read("time of change by stat", "int(os.stat('d.txt').st_mtime) % 1000", lambda d: __import__("os").utime(d / "d.txt", (5, 5)), before="import os\n")
read("time of change by Path", "int(Path('d.txt').stat().st_mtime_ns) % 1000007", lambda d: __import__("os").utime(d / "d.txt", (5, 5)), before="from pathlib import Path\n")
read("newest file", "len(max(glob.glob('*.txt'), key=os.path.getmtime)) + len(open(max(glob.glob('*.txt'), key=os.path.getmtime)).read())", lambda d: (d / "e.txt").write_text("newer"), before="import os, glob\n")


def _link(target: str):
    def make(folder: Path) -> None:
        (folder / "link").unlink(missing_ok=True)
        (folder / "link").symlink_to(target)

    return make


TWO = {"d.txt": "a", "other.txt": "abc", "f/d.txt": "a", "g/d.txt": "abc"}
read("link to a file", "len(open('link').read())", _link("other.txt"), files=TWO, prepare=_link("d.txt"))
read("target of a link", "len(open('link').read())", EDIT_D, files=TWO, prepare=_link("d.txt"))
read("link to a folder", "len(open('link/d.txt').read())", _link("g"), files=TWO, prepare=_link("f"))
read("os.readlink", "len(os.readlink('link'))", _link("other.txt"), before="import os\n", files=TWO, prepare=_link("d.txt"))
read("os.path.islink", "int(os.path.islink('link'))", lambda d: [(d / "link").unlink(), (d / "link").write_text("")], before="import os\n", files=TWO, prepare=_link("d.txt"))
read("realpath of a link", "len(os.path.basename(os.path.realpath('link')))", _link("other.txt"), before="import os\n", files=TWO, prepare=_link("d.txt"))

# Where

read("another folder", "len(open('d.txt').read())", files={"d.txt": "a", "other/d.txt": "abc"}, folder_after="other", command_after=("../main.py",))
read("another folder, the same content", "len(open('d.txt').read())", files={"d.txt": "a", "other/d.txt": "a"}, folder_after="other", command_after=("../main.py",), changes=False)
read("os.getcwd", "len(os.path.basename(os.getcwd()))", before="import os\n", files={"other/x": ""}, folder_after="other", command_after=("../main.py",))
read("Path.cwd", "len(Path.cwd().name)", before="from pathlib import Path\n", files={"other/x": ""}, folder_after="other", command_after=("../main.py",))
read("chdir in the step", "h()", ("sub/d.txt", "a", "abc"), before="import os\ndef h():\n    old = os.getcwd()\n    os.chdir('sub')\n    try: return len(open('d.txt').read())\n    finally: os.chdir(old)\n", files={"sub/d.txt": "a"})
read("chdir at import", "len(open('d.txt').read())", ("sub/d.txt", "a", "abc"), before="import os\nos.chdir('sub')\n", files={"sub/d.txt": "a"})
read("path from the module, run elsewhere", "len(open(D).read())", before="import os\nD = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'd.txt')\n", files={**D, "other/x": ""}, folder_after="other", command_after=("../main.py",), changes=False)

# The environment

one, two = {"first": {"X_NN": "1"}, "second": {"X_NN": "2"}}, {"first": {"X_NN": "1", "X_OTHER": "1"}, "second": {"X_NN": "1", "X_OTHER": "2"}}
for label, before, expression in [
    ("os.environ", "import os\n", "int(os.environ['X_NN'])"),
    ("os.environ.get", "import os\n", "int(os.environ.get('X_NN', 0))"),
    ("os.getenv", "import os\n", "int(os.getenv('X_NN'))"),
    ("getenv by name", "from os import getenv\n", "int(getenv('X_NN'))"),
    ("environ by name", "from os import environ\n", "int(environ['X_NN'])"),
    ("os.environb", "import os\n", "int(os.environb[b'X_NN'])"),
    ("expandvars", "import os\n", "int(os.path.expandvars('$X_NN'))"),
    ("copy of the environment", "import os\n", "int(os.environ.copy()['X_NN'])"),
    ("dict of the environment", "import os\n", "int(dict(os.environ)['X_NN'])"),
    ("items of the environment", "import os\n", "int([v for k, v in os.environ.items() if k == 'X_NN'][0])"),
    ("child's environment", "import subprocess\n", "int(subprocess.check_output('echo $X_NN', shell=True))"),
    ("child's environment by os.system", "import os\n", "os.system('exit $X_NN') >> 8"),
    ("environment in a thread", "import os\nfrom concurrent.futures import ThreadPoolExecutor\n", "ThreadPoolExecutor(1).submit(lambda: int(os.environ['X_NN'])).result()"),
    ("environment in a forked child", "import os, multiprocessing as mp\ndef r(_): return int(os.environ['X_NN'])\n", "mp.get_context('fork').Pool(1).map(r, [1])[0]"),
    ("variable at import", "import os\nN = int(os.environ['X_NN'])\n", "N"),
    ("variable as a default", "import os\ndef h(n=int(os.environ['X_NN'])): return n\n", "h()"),
    ("whether a variable is there", "import os\n", "int('X_NN' in os.environ) + int(os.environ.get('X_NN', 0))"),
    ("pydantic-like settings", "import os\nclass S:\n    def __init__(self): self.n = int(os.environ['X_NN'])\n", "S().n"),
]:
    read(label, expression, before=before, files={}, **one)
read("home", "len(str(Path.home()))", before="from pathlib import Path\n", files={}, first={"HOME": "/a"}, second={"HOME": "/abc"})
read("expanduser", "len(os.path.expanduser('~/x'))", before="import os\n", files={}, first={"HOME": "/a"}, second={"HOME": "/abc"})
read("another variable", "int(os.environ['X_NN'])", before="import os\n", files={}, changes=False, **two)
read("variable set by the step", "[os.environ.__setitem__('X_SET', '1'), int(os.environ['X_SET'])][1]", ("main.py", "s(1)", "s( 1)"), before="import os\n", files={}, changes=False)
read("variable of a terminal", "len(shutil.get_terminal_size()) + x", before="import shutil\n", files={}, first={"COLUMNS": "80"}, second={"COLUMNS": "99"}, changes=False)

# Needless

same = {"changes": False}
touch = lambda d: (d / "d.txt").touch()  # noqa: E731
read("touched", "len(open('d.txt').read())", touch, **same)
read("another file", "len(open('d.txt').read())", ("e.txt", "b", "bb"), **same)
read("a file beside appears", "len(open('d.txt').read())", appears(), **same)
read("content of a file whose existence is asked", "int(os.path.exists('d.txt'))", EDIT_D, before="import os\n", **same)
read("content of a file in a folder that is listed", "len(os.listdir('.'))", EDIT_D, before="import os\n", **same)
read("warning in the step", "[warnings.warn('w'), x][1]", ("main.py", "def flow", "# one\ndef flow"), before="import warnings\n", **same)
read("log of an exception", "h()", ("main.py", "def flow", "# one\ndef flow"), before="import logging\ndef h():\n    try: 1 / 0\n    except ZeroDivisionError: logging.exception('x')\n    return 1\n", **same)
read("a log that is written", "h()", appears(), before="def h():\n    with open('log.txt', 'a') as f: f.write('x')\n    return 1\n", **same)
read("a file of its own", "h()", lambda d: (d / "own.txt").unlink(), before="def h():\n    open('own.txt', 'w').write('x')\n    return len(open('own.txt').read())\n", **same)
read("a temporary folder", "h()", appears(), before="import tempfile, pathlib\ndef h():\n    with tempfile.TemporaryDirectory() as t:\n        p = pathlib.Path(t) / 'a'\n        p.write_text('x')\n        return len(p.read_text())\n", **same)
read("a folder that is listed and written to", "h()", touch, before="import os\ndef h():\n    n = len(os.listdir('sub'))\n    open('sub/out', 'w').write('x')\n    return n if n < 2 else 1\n", files={**D, "sub/x": ""}, **same)
read("imports in the step", "h()", ("main.py", "def flow", "# one\ndef flow"), before="def h():\n    import csv, json, email.message, zoneinfo\n    return 1\n", **same)
read("a module that is edited and not used", "x", ("a.py", "1", "2"), before="import a\n", files={"a.py": "N = 1\n"}, **same)
