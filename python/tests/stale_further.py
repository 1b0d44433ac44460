"""Further ways to reach code and data: `further(name, main, edit)`."""
# ruff: noqa: E501  tables of code
# fmt: off

from __future__ import annotations

import os
import sqlite3
import zipfile
from pathlib import Path

from stale_projects import FOOT, HEAD, STEP, Project

FURTHER: list[Project] = []


def further(name, main, *edits, files=None, changes=True, foot=FOOT, **rest):
    """Add a project whose `main.py` is the text, with an edit of (file, before, after)."""
    sources = {"main.py": HEAD + main + foot, **(files or {})}
    FURTHER.append(Project(name, sources, list(edits), changes, **rest))


def body(name, before_step, expression, *edits, **rest):
    """Add a project whose step returns an expression."""
    further(name, before_step + STEP + f"    return {expression}\n", *edits, **rest)


def m(before, after):
    return ("main.py", before, after)


def text(file, content):
    def edit(folder: Path):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(content)
    return edit


def in_place(file, content):
    """Write other content of the same length, and give the file its old times."""
    def edit(folder: Path):
        before = (folder / file).stat()
        assert len(content) == before.st_size
        (folder / file).write_text(content)
        os.utime(folder / file, ns=(before.st_atime_ns, before.st_mtime_ns))
    return edit


HM = {"hm.py": "def h(x): return x + 1\n"}
HM_EDIT = ("hm.py", "x + 1", "x + 2")
K = {"model.py": "class Model:\n    def __init__(self, n): self.n = n\n    def predict(self, x): return x + self.n\n"}
K_EDIT = ("model.py", "x + self.n", "x + self.n * 10")

# Code by its name

body("pydoc.locate", "import pydoc\n", "pydoc.locate('hm.h')(x)", HM_EDIT, files=HM)
body("pkgutil.resolve_name", "import pkgutil\n", "pkgutil.resolve_name('hm:h')(x)", HM_EDIT, files=HM)
body("pkgutil.resolve_name of a module that is there", "import pkgutil, hm\n", "pkgutil.resolve_name('hm:h')(x)", HM_EDIT, files=HM)
body("a dotted name in a configuration file", "import hm, json, importlib\ndef make(name):\n    module, _, attribute = name.rpartition('.')\n    return getattr(importlib.import_module(module), attribute)\n", "make(json.load(open('c.json')))(x)", HM_EDIT, files={**HM, "c.json": '"hm.h"'})
body("a dotted name in a file, split by a library", "import hm, pydoc\n", "pydoc.locate(open('c.txt').read())(x)", HM_EDIT, files={**HM, "c.txt": "hm.h"})
body("a pickled object of a module that is there", "import pickle, model\nD = pickle.dumps(model.Model(1))\n", "pickle.loads(D).predict(x)", K_EDIT, files=K)
body("a pickled object in a file, of a module that is there", "import pickle, model, os\nif not os.path.exists('m.pkl'): pickle.dump(model.Model(1), open('m.pkl', 'wb'))\n", "pickle.load(open('m.pkl', 'rb')).predict(x)", K_EDIT, files=K)
body("a pickled object in a file, of a module that is not there", "import pickle\n", "pickle.load(open('m.pkl', 'rb')).predict(x)", K_EDIT, files=K | {"m.pkl": b"\x80\x04cmodel\nModel\n)\x81}(X\x01\x00\x00\x00nK\x01ub."})
body("a joblib file of a project's object", "import joblib, model, os\nif not os.path.exists('m.jl'): joblib.dump(model.Model(1), 'm.jl')\n", "joblib.load('m.jl').predict(x)", K_EDIT, files=K)
body("entry points of the project", "import importlib.metadata as im\n", "[e for e in im.entry_points(group='plugs')][0].load()(x)", HM_EDIT, files={**HM, "p.egg-info/PKG-INFO": "Metadata-Version: 2.1\nName: p\nVersion: 1\n", "p.egg-info/entry_points.txt": "[plugs]\na = hm:h\n"})
body("entry point exchanged", "import importlib.metadata as im, hm, km\n", "[e for e in im.entry_points(group='plugs')][0].load()(x)", ("p.egg-info/entry_points.txt", "hm:h", "km:h"), files={**HM, "km.py": "def h(x): return x + 9\n", "p.egg-info/PKG-INFO": "Metadata-Version: 2.1\nName: p\nVersion: 1\n", "p.egg-info/entry_points.txt": "[plugs]\na = hm:h\n"})
body("getattr with a computed method", "class C:\n    def do_a(self, x): return x + 1\n    def do_b(self, x): return 0\n", "getattr(C(), 'do_' + 'a')(x)", m("x + 1", "x + 2"))
body("visitor", "import ast\nclass V(ast.NodeVisitor):\n    n = 0\n    def visit_Name(self, node): self.n += 1\ndef h(t):\n    v = V(); v.visit(ast.parse(t)); return v.n\n", "h('a + b') + x", m("self.n += 1", "self.n += 2"))
body("parser with handlers", "from html.parser import HTMLParser\nclass P(HTMLParser):\n    n = 0\n    def handle_starttag(self, t, a): self.n += 1\ndef h(t):\n    p = P(); p.feed(t); return p.n\n", "h('<a><b>') + x", m("self.n += 1", "self.n += 2"))
body("encoder's default", "import json\nclass E(json.JSONEncoder):\n    def default(self, o): return 1\n", "int(json.dumps(object(), cls=E))", m("return 1", "return 2"))
body("dictConfig names a class", "import logging, logging.config, io\nimport fm\ndef h():\n    logging.config.dictConfig({'version': 1, 'disable_existing_loggers': False, 'formatters': {'f': {'()': 'fm.F'}}, 'handlers': {}})\n    from logging import Formatter\n    return 1\n", "h() * __import__('fm').F().format(None)", ("fm.py", "return 1", "return 2"), files={"fm.py": "import logging\nclass F(logging.Formatter):\n    def format(self, r): return 1\n"})
body("put into builtins", "import inst\n", "helper(x)", ("inst.py", "x + 1", "x + 2"), files={"inst.py": "import builtins\ndef helper(x): return x + 1\nbuiltins.helper = helper\n"})
body("a name set through globals()", "def mk(n):\n    def f(x): return x + n\n    return f\nfor i, n in enumerate('ab'): globals()['add_' + n] = mk(i + 1)\n", "add_a(x)", m("i + 1", "i + 5"))
body("a method on an instance", "class C:\n    def m(self, x): return 0\nc = C()\nc.m = lambda x: x + 1\n", "c.m(x)", m("x + 1", "x + 2"))
body("another class for an instance", "class A:\n    def m(self): return 1\nclass B:\n    def m(self): return 2\nc = A()\nc.__class__ = A\n", "c.m()", m("c.__class__ = A", "c.__class__ = B"))
body("a module that is a class", "import lazy\n", "lazy.value + x", ("lazy.py", "return 1", "return 2"), files={"lazy.py": "import sys, types\nclass M(types.ModuleType):\n    @property\n    def value(self): return 1\nsys.modules[__name__].__class__ = M\n"})
body("an object in the place of a module", "import lazy\n", "lazy.value + x", ("lazy.py", "return 1", "return 2"), files={"lazy.py": "import sys\nclass M:\n    @property\n    def value(self): return 1\nsys.modules[__name__] = M()\n"})
body("lazy loader", "import importlib.util, sys\nspec = importlib.util.find_spec('hm')\nspec.loader = importlib.util.LazyLoader(spec.loader)\nhm = importlib.util.module_from_spec(spec)\nsys.modules['hm'] = hm\nspec.loader.exec_module(hm)\n", "hm.h(x)", HM_EDIT, files=HM)
body("types.MethodType", "import types\nclass C: n = 1\ndef f(self, x): return x + self.n\ng = types.MethodType(f, C())\n", "g(x)", m("x + self.n", "x - self.n"))
body("types.FunctionType with other globals", "import types\ndef f(x): return x + N\ng = types.FunctionType(f.__code__, {'N': 1})\n", "g(x)", m("'N': 1", "'N': 2"))
body("partialmethod", "import functools\nclass C:\n    def m(self, x, n): return x + n\n    p = functools.partialmethod(m, n=1)\n", "C().p(x)", m("n=1", "n=2"))
body("cmp_to_key", "import functools\nkey = functools.cmp_to_key(lambda a, b: a - b)\n", "sorted([x, 5], key=key)[0]", m("a - b", "b - a"))
body("attrgetter", "import operator\nclass C:\n    a = 1\n    b = 2\nget = operator.attrgetter('a')\n", "get(C())", m("attrgetter('a')", "attrgetter('b')"))
body("itemgetter", "import operator\nget = operator.itemgetter(0)\n", "get([x, 7])", m("itemgetter(0)", "itemgetter(1)"))
body("total_ordering", "import functools\n@functools.total_ordering\nclass C:\n    def __init__(self, n): self.n = n\n    def __lt__(self, o): return self.n < o.n\n    def __eq__(self, o): return self.n == o.n\n", "int(C(1) >= C(x + 1))", m("self.n < o.n", "self.n > o.n"))
body("__match_args__", "class P:\n    __match_args__ = ('a', 'b')\n    def __init__(self, a, b): self.a, self.b = a, b\ndef h(p):\n    match p:\n        case P(first, _): return first\n", "h(P(x, 7))", m("('a', 'b')", "('b', 'a')"))
body("value pattern", "import c\ndef h(x):\n    match x:\n        case c.ONE: return 10\n    return 0\n", "h(x)", ("c.py", "ONE = 1", "ONE = 2"), files={"c.py": "ONE = 1\n"})
body("__missing__", "class D(dict):\n    def __missing__(self, k): return 1\nd = D()\n", "d['q'] + x", m("return 1", "return 2"))
body("__format__", "class F:\n    def __format__(self, s): return '1' + s\n", "int(f'{F():3}')", m("'1' + s", "'2' + s"))
body("__hash__ and __eq__", "class H:\n    def __hash__(self): return 1\n    def __eq__(self, o): return True\n", "len({H(), H()})", m("return True", "return False"))
body("__exit__ that swallows", "class C:\n    def __enter__(self): return self\n    def __exit__(self, *a): return True\ndef h(x):\n    try:\n        with C(): raise ValueError\n        return 1\n    except ValueError: return 2\n", "h(x)", m("return True", "return False"))
body("__class_getitem__", "class C:\n    def __class_getitem__(cls, k): return k + 1\n", "C[x]", m("k + 1", "k + 2"))
body("__instancecheck__", "class M(type):\n    def __instancecheck__(cls, o): return True\nclass C(metaclass=M): pass\n", "int(isinstance(x, C))", m("return True", "return False"))
body("a virtual subclass", "import abc\nclass A(abc.ABC): pass\nclass C: pass\nA.register(C)\n", "int(isinstance(C(), A))", m("A.register(C)\n", ""))
body("a virtual subclass in another module", "import shapes, reg\n", "int(isinstance(shapes.C(), shapes.A))", ("reg.py", "shapes.A.register(shapes.C)", "pass"), files={"shapes.py": "import abc\nclass A(abc.ABC): pass\nclass C: pass\n", "reg.py": "import shapes\nshapes.A.register(shapes.C)\n"})
body("__subclasshook__", "import abc\nclass A(abc.ABC):\n    @classmethod\n    def __subclasshook__(cls, c): return True\n", "int(isinstance(x, A))", m("return True", "return False"))
body("protocol that is checked", "from typing import Protocol, runtime_checkable\n@runtime_checkable\nclass P(Protocol):\n    def real(self): ...\n", "int(isinstance(x, P))", m("def real", "def unreal"))
body("enum's _missing_", "import enum\nclass E(enum.Enum):\n    A = 1\n    B = 2\n    @classmethod\n    def _missing_(cls, v): return cls.A\n", "E(99).value", m("return cls.A", "return cls.B"))
body("a class's docstring that is used", "class C:\n    '''one'''\n", "len(C.__doc__) + x", m("'''one'''", "'''three'''"))
further("a module's docstring that is used", "import doc\n" + STEP + "    return len(doc.__doc__) + x\n", ("doc.py", "one", "three"), files={"doc.py": "'''one'''\n"})
body("inspect.getdoc", "import inspect\nclass C:\n    '''one'''\n", "len(inspect.getdoc(C)) + x", m("'''one'''", "'''three'''"))
body("inspect.signature", "import inspect\ndef h(a, b): pass\n", "len(inspect.signature(h).parameters)", m("h(a, b)", "h(a, b, c)"))
body("get_type_hints", "import typing\nclass C:\n    a: int\n", "int(typing.get_type_hints(C)['a'] is int)", m("a: int", "a: float"))
body("get_args of an alias", "import typing\nMode = typing.Literal['a', 'b']\n", "len(typing.get_args(Mode)) + x", m("'a', 'b'", "'a', 'b', 'c'"))
body("inspect.getmembers of a module", "import inspect, plug\n", "sum(f(x) for _, f in inspect.getmembers(plug, inspect.isfunction))", ("plug.py", "x + 1", "x + 2"), files={"plug.py": "def a(x): return x + 1\n"})
body("dir of a module", "import plug\n", "sum(getattr(plug, n)(x) for n in dir(plug) if n.startswith('do_'))", ("plug.py", "x + 1", "x + 1\ndef do_b(x): return 5"), files={"plug.py": "def do_a(x): return x + 1\n"})
body("a step that a factory makes", "def mk(n):\n    @step\n    def s(x: int) -> int:\n        return x + n\n    return s\n", "x", m("mk(1)", "mk(2)"), foot=FOOT.replace("@pipeline", "t = mk(1)\n@pipeline").replace("return s(1)", "return t(1)"))
body("copy hooks", "import copy\nclass C:\n    n = 1\n    def __deepcopy__(self, memo):\n        return 1\n", "copy.deepcopy(C())", m("return 1", "return 2"))
body("vectorized", "import numpy as np\nv = np.vectorize(lambda a: a + 1)\n", "int(v(np.array([x]))[0])", m("a + 1", "a + 2"))
body("ufunc of a function", "import numpy as np\nv = np.frompyfunc(lambda a: a + 1, 1, 1)\n", "int(v(x))", m("a + 1", "a + 2"))
body("a transformer of a library with a function", "from sklearn.preprocessing import FunctionTransformer\nimport numpy as np\ndef h(a): return a + 1\nt = FunctionTransformer(h)\n", "int(t.transform(np.array([[x]]))[0, 0])", m("a + 1", "a + 2"))
body("a pipeline of a library with a parameter", "from sklearn.pipeline import make_pipeline\nfrom sklearn.preprocessing import Binarizer\nimport numpy as np\np = make_pipeline(Binarizer(threshold=0.5))\n", "int(p.fit_transform(np.array([[x]]))[0, 0])", m("threshold=0.5", "threshold=5.0"))
body("a name in a query", "import pandas as pd\nLIMIT = 1\ndf = pd.DataFrame({'a': [1, 2, 3]})\n", "len(df.query('a > @LIMIT'))", m("LIMIT = 1", "LIMIT = 2"))
body("a function in a query", "import pandas as pd\ndef big(s): return s > 1\ndf = pd.DataFrame({'a': [1, 2, 3]})\n", "len(df.query('@big(a)'))", m("s > 1", "s > 2"))
body("a name that a library finds in the frame", "import pandas as pd\nN = 1\n", "int(pd.eval('N + 1'))", m("N = 1", "N = 2"))
body("format_map of globals", "N = 1\n", "int('{N}'.format_map(globals()))", m("N = 1", "N = 2"))
body("template of vars", "import string, c\n", "int(string.Template('$N').substitute(vars(c)))", ("c.py", "N = 1", "N = 2"), files={"c.py": "N = 1\n"})

body("a module behind one that is imported by a computed name", "import importlib\n", "importlib.import_module(open('n.txt').read()).h(x)", ("km.py", "x + 1", "x + 2"), files={"n.txt": "hm", "hm.py": "from km import h\n", "km.py": "def h(x): return x + 1\n"})
body("a comment in a module behind a literal import", "import importlib\n", "importlib.import_module('hm').h(x)", ("km.py", "x + 1", "x + 1  # one"), files={"hm.py": "from km import h\n", "km.py": "def h(x): return x + 1\n"}, changes=False)
body("standard input", "import sys\n", "x + 1", changes=False)
further("a log that two steps write", "@step\ndef a() -> int:\n    open('log.txt', 'a').write('a'); return 1\n@step\ndef b(n: int) -> int:\n    open('log.txt', 'a').write('b'); return n\n", text("log.txt", ""), changes=False, foot=FOOT.replace("s(1)", "b(a())"))
further("a picture that a step writes is removed", "@step\ndef s(x: int) -> int:\n    open('p.txt', 'w').write('a'); return 1\n", lambda f: (f / "p.txt").unlink(), changes=False)
further("a file that a step writes natively for the next is edited", "import polars as pl\n@step\ndef a() -> int:\n    pl.DataFrame({'a': [1]}).write_parquet('m.pq'); return 1\n@step\ndef b(n: int) -> int:\n    return pl.read_parquet('m.pq')['a'][0]\n", lambda f: __import__("polars").DataFrame({"a": [5]}).write_parquet(f / "m.pq"), foot=FOOT.replace("s(1)", "b(a())"))

# What imports do elsewhere

body("accessor of frames", "import pandas as pd, acc\n", "int(pd.DataFrame({'a': [x]}).geo.area())", ("acc.py", "return 1", "return 2"), files={"acc.py": "import pandas as pd\n@pd.api.extensions.register_dataframe_accessor('geo')\nclass G:\n    def __init__(self, df): self.df = df\n    def area(self): return 1\n"})
body("csv dialect", "import csv, dia\n", "len(next(csv.reader(['a;b,c,d'], dialect='mine')))", ("dia.py", "';'", "','"), files={"dia.py": "import csv\ncsv.register_dialect('mine', delimiter=';')\n"})
body("error handler of codecs", "import codecs, err\n", "len('aä'.encode('ascii', errors='mine'))", ("err.py", "'?'", "'???'"), files={"err.py": "import codecs\ndef h(e): return ('?', e.end)\ncodecs.register_error('mine', h)\n"})
body("codec", "import codec\n", "len('a'.encode('mine'))", ("codec.py", "b'1'", "b'11'"), files={"codec.py": "import codecs\ndef enc(t, e='strict'): return b'1', len(t)\ndef search(n): return codecs.CodecInfo(enc, None, name='mine') if n == 'mine' else None\ncodecs.register(search)\n"})
body("adapter of sqlite3", "import sqlite3, ad\n", "sqlite3.connect(':memory:').execute('select ?', (ad.P(),)).fetchone()[0]", ("ad.py", "return 1", "return 2"), files={"ad.py": "import sqlite3\nclass P: pass\nsqlite3.register_adapter(P, lambda p: [None, 1][1] and f())\ndef f(): return 1\n"})
body("copyreg", "import copy, copyreg, cr\n", "copy.copy(cr.P()).n", ("cr.py", "(1,)", "(2,)"), files={"cr.py": "import copyreg\nclass P: n = 0\ndef mk(n):\n    p = P(); p.n = n; return p\ncopyreg.pickle(P, lambda p: (mk, (1,)))\n"})
body("mimetypes", "import mimetypes, mt\n", "len(mimetypes.guess_type('a.zzq')[0])", ("mt.py", "a/b", "a/bbbb"), files={"mt.py": "import mimetypes\nmimetypes.add_type('a/b', '.zzq')\n"})
body("warnings as errors", "import warnings, w\ndef h():\n    try:\n        warnings.warn('x')\n        return 1\n    except UserWarning: return 2\n", "h()", ("w.py", "'ignore'", "'error'"), files={"w.py": "import warnings\nwarnings.simplefilter('ignore')\n"})
body("numpy's print options", "import numpy as np, o\n", "len(str(np.array([1 / 3])))", ("o.py", "2", "5"), files={"o.py": "import numpy as np\nnp.set_printoptions(precision=2)\n"})
body("numpy's error state", "import numpy as np, o\ndef h():\n    try:\n        np.array([1.0]) / 0\n        return 1\n    except FloatingPointError: return 2\n", "h()", ("o.py", "ignore", "raise"), files={"o.py": "import numpy as np\nnp.seterr(all='ignore')\n"})
body("numpy's old seed", "import numpy as np, o\n", "int(np.random.randint(10**6))", ("o.py", "1", "2"), files={"o.py": "import numpy as np\nnp.random.seed(1)\n"})
body("limit of digits", "import sys, o\ndef h():\n    try: return len(str(10 ** 5000))\n    except ValueError: return 2\n", "h()", ("o.py", "4300", "9000"), files={"o.py": "import sys\nsys.set_int_max_str_digits(4300)\n"})
body("limit of recursion", "import sys, o\ndef h(n=0):\n    try: return h(n + 1)\n    except RecursionError: return 1 if n < 2500 else 2\ndef first():\n    import threading\n    return int(sys.getrecursionlimit() > 2000)\n", "first()", ("o.py", "1500", "5000"), files={"o.py": "import sys\nsys.setrecursionlimit(1500)\n"})
body("polars' options", "import polars as pl, o\n", "len(str(pl.DataFrame({'a': list(range(30))})))", ("o.py", "3", "9"), files={"o.py": "import polars as pl\npl.Config.set_tbl_rows(3)\n"})
body("matplotlib's options", "import matplotlib as mpl, o\n", "int(mpl.rcParams['figure.dpi'])", ("o.py", "100", "200"), files={"o.py": "import matplotlib as mpl\nmpl.rcParams['figure.dpi'] = 100\n"})

# Values

body("lru_cache that is filled at import", "import functools, json\n@functools.lru_cache\ndef cfg(): return json.load(open('c.json'))\ncfg()\n", "cfg() + x", text("c.json", "2"), files={"c.json": "1"})
further("lru_cache that the pipeline fills", "import functools, json\n@functools.lru_cache\ndef cfg(): return json.load(open('c.json'))\n" + STEP + "    return cfg() + x\n", text("c.json", "2"), files={"c.json": "1"}, foot=FOOT.replace("    return s(1)", "    cfg()\n    return s(1)"))
body("cached_property that is filled at import", "import functools\nclass C:\n    @functools.cached_property\n    def n(self): return int(open('c.txt').read())\nc = C()\nc.n\n", "c.n + x", text("c.txt", "2"), files={"c.txt": "1"})
body("iterator", "I = iter([1, 2, 3])\n", "next(I) + x", m("[1, 2, 3]", "[5, 2, 3]"))
body("itertools.count", "import itertools\nC = itertools.count(1)\n", "next(C) + x", m("count(1)", "count(5)"))
body("generator at import", "def g():\n    yield 1\nG = g()\n", "next(G) + x", m("yield 1", "yield 2"))
body("random.Random with a seed", "import random\nR = random.Random(1)\n", "R.randrange(10**6)", m("Random(1)", "Random(2)"))
body("default_rng with a seed", "import numpy as np\nR = np.random.default_rng(1)\n", "int(R.integers(10**6))", m("default_rng(1)", "default_rng(2)"))
body("deque, ChainMap, MappingProxyType", "import collections, types\nA = collections.deque([1])\nB = collections.ChainMap({'a': 1})\nC = types.MappingProxyType({'a': 1})\n", "A[0] + B['a'] + C['a'] + x", m("MappingProxyType({'a': 1})", "MappingProxyType({'a': 2})"))
body("defaultdict's factory", "import collections\nD = collections.defaultdict(lambda: 1)\n", "D['q'] + x", m("lambda: 1", "lambda: 2"))
body("WeakValueDictionary", "import weakref\nclass C:\n    def __init__(self, n): self.n = n\nkeep = C(1)\nW = weakref.WeakValueDictionary(a=keep)\n", "W['a'].n + x", m("C(1)", "C(2)"))
body("struct, template, context", "import struct, string, decimal\nS = struct.Struct('<i')\nT = string.Template('$a')\nC = decimal.Context(prec=3)\n", "S.size + len(T.template) + C.prec", m("prec=3", "prec=5"))
body("struct's format", "import struct\nS = struct.Struct('<i')\n", "S.size", m("'<i'", "'<q'"))
body("ctypes structure", "import ctypes\nclass S(ctypes.Structure):\n    _fields_ = [('a', ctypes.c_int)]\n", "ctypes.sizeof(S)", m("c_int", "c_double"))
body("dtype", "import numpy as np\nD = np.dtype([('a', 'i4')])\n", "D.itemsize", m("'i4'", "'i8'"))
body("Series and Index", "import pandas as pd\nS = pd.Series([1, 2], index=['a', 'b'])\n", "int(S['a']) + x", m("[1, 2]", "[2, 1]"))
body("frame's attributes", "import pandas as pd\nD = pd.DataFrame({'a': [1]})\nD.attrs['n'] = 1\n", "D.attrs['n']", m("= 1", "= 2"))
body("argparse at import", "import argparse\np = argparse.ArgumentParser()\np.add_argument('--n', type=int, default=1)\nargs = p.parse_args([])\n", "args.n + x", m("default=1", "default=2"))
body("parser that the step uses", "import argparse\np = argparse.ArgumentParser()\np.add_argument('--n', type=int, default=1)\n", "p.parse_args([]).n + x", m("default=1", "default=2"))
body("sys.argv in the step", "import sys\n", "int(sys.argv[1]) + x", command=("main.py", "1"), command_after=("main.py", "2"))
body("sys.argv at import", "import sys\nN = int(sys.argv[1])\n", "N + x", command=("main.py", "1"), command_after=("main.py", "2"))
body("time zone", "import time\n", "time.localtime(0).tm_hour", first={"TZ": "UTC"}, second={"TZ": "Asia/Tokyo"})
body("time zone of a date", "import datetime\n", "datetime.datetime.fromtimestamp(0).hour", first={"TZ": "UTC"}, second={"TZ": "Asia/Tokyo"})
body("time zone by astimezone", "import datetime as d\n", "d.datetime(2020, 1, 1, tzinfo=d.timezone.utc).astimezone().hour", first={"TZ": "UTC"}, second={"TZ": "Asia/Tokyo"})
body("in os.environ | setdefault | pop", "import os\n", "int(os.environ.setdefault('NN', '1'))", first={"NN": "1"}, second={"NN": "2"})
body("environ merged", "import os\n", "int((os.environ | {'A': 'b'})['NN'])", first={"NN": "1"}, second={"NN": "2"})
body("umask-like: executable bit", "import os\n", "int(os.access('t.sh', os.X_OK))", lambda f: (f / "t.sh").chmod(0o755), files={"t.sh": "x"})

# Data

body("same length, same times", "", "int(open('d.txt').read())", in_place("d.txt", "2"), files={"d.txt": "1"})
body("same length, same times, natively", "import pyarrow.csv as pc\n", "pc.read_csv('d.csv')['a'][0].as_py()", in_place("d.csv", "a\n2\n"), files={"d.csv": "a\n1\n"})
body("moved over", "", "int(open('d.txt').read())", lambda f: (f / "e.txt").replace(f / "d.txt"), files={"d.txt": "1", "e.txt": "2"})
body("dir_fd", "import os\ndef h():\n    d = os.open('data', os.O_RDONLY)\n    f = os.open('d.txt', os.O_RDONLY, dir_fd=d)\n    t = os.read(f, 9); os.close(f); os.close(d); return int(t)\n", "h()", text("data/d.txt", "2"), files={"data/d.txt": "1"})
body("dir_fd outside of the project", "import os\ndef h():\n    d = os.open('../outside', os.O_RDONLY)\n    f = os.open('d.txt', os.O_RDONLY, dir_fd=d)\n    t = os.read(f, 9); os.close(f); os.close(d); return int(t)\n", "h()", text("../outside/d.txt", "2"), files={"../outside/d.txt": "1"})
body("stat with dir_fd", "import os\ndef h():\n    d = os.open('data', os.O_RDONLY)\n    n = os.stat('d.txt', dir_fd=d).st_size; os.close(d); return n\n", "h()", text("data/d.txt", "222"), files={"data/d.txt": "1"})
body("listdir of a descriptor", "import os\ndef h():\n    d = os.open('data', os.O_RDONLY)\n    n = len(os.listdir(d)); os.close(d); return n\n", "h()", text("data/e.txt", "222"), files={"data/d.txt": "1"})
body("fwalk", "import os\n", "sum(len(f) for _, _, f, _ in os.fwalk('data'))", text("data/q/e.txt", "2"), files={"data/q/d.txt": "1"})
body("opener", "import os\n", "int(open('d.txt', opener=lambda p, f: os.open(p, f)).read())", text("d.txt", "2"), files={"d.txt": "1"})
body("mmap at import", "import mmap\nF = open('d.txt', 'rb')\nM = mmap.mmap(F.fileno(), 0, access=mmap.ACCESS_READ)\n", "int(M[:1])", text("d.txt", "2"), files={"d.txt": "1"})
body("memmap at import", "import numpy as np\nM = np.memmap('d.txt', dtype='u1', mode='r')\n", "int(M[0])", text("d.txt", "2"), files={"d.txt": "1"})
body("ZIP that is opened at import", "import zipfile\nZ = zipfile.ZipFile('d.zip')\n", "int(Z.read('a'))", lambda f: zipped(f, "2"), prepare=lambda f: zipped(f, "1"))
body("lazy frame at import", "import polars as pl\nL = pl.scan_csv('d.csv')\n", "L.collect()['a'][0]", text("d.csv", "a\n2\n"), files={"d.csv": "a\n1\n"})
body("dataset at import", "import pyarrow.dataset as ds\nL = ds.dataset('d.csv', format='csv')\n", "L.to_table()['a'][0].as_py()", text("d.csv", "a\n2\n"), files={"d.csv": "a\n1\n"})
body("picture that is opened at import", "from PIL import Image\nP = Image.open('d.ppm')\n", "P.getpixel((0, 0))[0]", lambda f: (f / "d.ppm").write_bytes(b"P6 1 1 255\n\x02\x02\x02"), files={"d.ppm": b"P6 1 1 255\n\x01\x01\x01"})
body("reader at import", "import csv\nR = csv.reader(open('d.csv'))\n", "int(next(R)[0])", text("d.csv", "2"), files={"d.csv": "1"})
body("file: URL", "import urllib.request, os\n", "int(urllib.request.urlopen('file://' + os.path.abspath('d.txt')).read())", text("d.txt", "2"), files={"d.txt": "1"})
body("dbm", "import dbm\n", "int(dbm.open('d.db', 'r')['a'])", lambda f: dbm_of(f, "2"), prepare=lambda f: dbm_of(f, "1"))
body("shelve", "import shelve\n", "shelve.open('d.db', 'r')['a']", lambda f: shelf(f, 2), prepare=lambda f: shelf(f, 1))
body("configparser of a file that may be there", "import configparser\ndef h():\n    c = configparser.ConfigParser(); c.read(['a.ini', 'b.ini']); return c.getint('s', 'n')\n", "h()", text("b.ini", "[s]\nn = 2\n"), files={"a.ini": "[s]\nn = 1\n"})
body("tomllib", "import tomllib\n", "tomllib.load(open('c.toml', 'rb'))['n']", text("c.toml", "n = 2\n"), files={"c.toml": "n = 1\n"})
body("fopen of C", "import ctypes\nC = ctypes.CDLL(None)\nC.fopen.restype = ctypes.c_void_p\nC.fgetc.argtypes = [ctypes.c_void_p]\n", "C.fgetc(C.fopen(b'd.txt', b'r'))", text("d.txt", "2"), files={"d.txt": "1"})
body("h5py", "import h5py\n", "int(h5py.File('d.h5', 'r')['a'][()])", lambda f: h5(f, 2), prepare=lambda f: h5(f, 1))
NATIVE = "import pyarrow.csv as pc\n"
body("native, outside, folder in a parameter", NATIVE + "from pathlib import Path\n@step\ndef s2(folder: str) -> int: return pc.read_csv(folder + '/d' + '.csv')['a'][0].as_py()\n", "x", text("../outside/d.csv", "a\n2\n"), files={"../outside/d.csv": "a\n1\n"}, foot=FOOT.replace("s(1)", "s2('../outside')"))
body("native, outside, folder in a constant", NATIVE + "FOLDER = '../outside'\n", "pc.read_csv(FOLDER + '/d' + '.csv')['a'][0].as_py()", text("../outside/d.csv", "a\n2\n"), files={"../outside/d.csv": "a\n1\n"})
body("native, outside, folder in a literal", NATIVE + "import os\n", "pc.read_csv(os.path.join('../outside', 'sub', f'd{x}.csv'))['a'][0].as_py()", text("../outside/sub/d1.csv", "a\n2\n"), files={"../outside/sub/d1.csv": "a\n1\n"})
body("native, outside, folder in a variable", NATIVE + "import os\n", "pc.read_csv(os.environ['DATA'] + '/d.csv')['a'][0].as_py()", text("../outside/d.csv", "a\n2\n"), files={"../outside/d.csv": "a\n1\n"}, first={"DATA": "../outside"})
body("native, outside, folder in a file", NATIVE + "import json\n", "pc.read_csv(json.load(open('c.json'))['data'] + '/d.csv')['a'][0].as_py()", text("../outside/d.csv", "a\n2\n"), files={"../outside/d.csv": "a\n1\n", "c.json": '{"data": "../outside"}'})
body("native, outside, in an object", NATIVE + "from dataclasses import dataclass\n@dataclass\nclass Conf:\n    data: str\nC = Conf('../outside')\n", "pc.read_csv(C.data + '/d.csv')['a'][0].as_py()", text("../outside/d.csv", "a\n2\n"), files={"../outside/d.csv": "a\n1\n"})
body("native, through a link to a folder outside", NATIVE, "pc.read_csv('data/d.csv')['a'][0].as_py()", text("../outside/d.csv", "a\n2\n"), files={"../outside/d.csv": "a\n1\n"}, prepare=lambda f: (f / "data").symlink_to("../outside"))
body("native, through a link to a file outside", NATIVE, "pc.read_csv('d' + '.csv')['a'][0].as_py()", text("../outside/d.csv", "a\n2\n"), files={"../outside/d.csv": "a\n1\n"}, prepare=lambda f: (f / "d.csv").symlink_to("../outside/d.csv"))
body("native, glob outside", NATIVE + "import glob\n", "sum(pc.read_csv(f)['a'][0].as_py() for f in glob.glob('../outside/*.csv'))", text("../outside/d.csv", "a\n2\n"), files={"../outside/d.csv": "a\n1\n"})
body("native, dataset outside", "import polars as pl\n", "pl.scan_csv('../outside/*.csv').collect()['a'].sum()", text("../outside/d.csv", "a\n2\n"), files={"../outside/d.csv": "a\n1\n"})
body("native, a new file in a dataset outside", "import polars as pl\n", "pl.scan_csv('../outside/*.csv').collect()['a'].sum()", text("../outside/e.csv", "a\n2\n"), files={"../outside/d.csv": "a\n1\n"})
body("native, sqlite outside", "import sqlite3\nDB = '../outside/d.db'\n", "sqlite3.connect(DB).execute('select a from t').fetchone()[0]", lambda f: db(f / "../outside/d.db", 2), prepare=lambda f: db(f / "../outside/d.db", 1), files={"../outside/x": ""})
body("program, outside, in its arguments", "import subprocess\n", "int(subprocess.run(['cat', '../outside/d.txt'], capture_output=True).stdout)", text("../outside/d.txt", "2"), files={"../outside/d.txt": "1"})
body("program, outside, in its shell's text", "import subprocess\n", "int(subprocess.run('cat ../outside/d.txt | head -1', shell=True, capture_output=True).stdout)", text("../outside/d.txt", "2"), files={"../outside/d.txt": "1"})
body("program, outside, in its folder", "import subprocess\n", "int(subprocess.run(['cat', 'd.txt'], cwd='../outside', capture_output=True).stdout)", text("../outside/d.txt", "2"), files={"../outside/d.txt": "1"})
body("program, outside, as its input", "import subprocess\n", "int(subprocess.run(['cat'], stdin=open('../outside/d.txt'), capture_output=True).stdout)", text("../outside/d.txt", "2"), files={"../outside/d.txt": "1"})
body("pool that is started at import, outside", "from concurrent.futures import ProcessPoolExecutor\nimport multiprocessing as mp\ndef rd(p): return int(open(p).read())\nP = ProcessPoolExecutor(1, mp_context=mp.get_context('fork'))\nP.submit(int).result()\n", "P.submit(rd, '../outside/' + 'd.txt').result()", text("../outside/d.txt", "2"), files={"../outside/d.txt": "1"})
body("pool that is started in the step, outside", "from concurrent.futures import ProcessPoolExecutor\nimport multiprocessing as mp\ndef rd(p): return int(open(p).read())\ndef h():\n    with ProcessPoolExecutor(1, mp_context=mp.get_context('fork')) as p: return p.submit(rd, '../outside/' + 'd.txt').result()\n", "h()", text("../outside/d.txt", "2"), files={"../outside/d.txt": "1"})
body("joblib with processes", "from joblib import Parallel, delayed\ndef rd(p): return int(open(p).read())\n", "sum(Parallel(n_jobs=2)(delayed(rd)(p) for p in ['d.txt', 'd.txt']))", text("d.txt", "2"), files={"d.txt": "1"})
body("thread that was there before", "import threading, queue\nQ, A = queue.Queue(), queue.Queue()\ndef work():\n    while True: A.put(int(open(Q.get()).read()))\nthreading.Thread(target=work, daemon=True).start()\ndef h(p):\n    Q.put(p); return A.get()\n", "h('d.txt')", text("d.txt", "2"), files={"d.txt": "1"})
further("generator step reads late", "from collections.abc import Iterator\n@step\ndef g() -> Iterator[int]:\n    yield 0\n    yield int(open('d.txt').read())\n@step\ndef s(r: list[int]) -> int: return sum(r)\n", text("d.txt", "2"), files={"d.txt": "1"}, foot=FOOT.replace("s(1)", "s(g())"))
further("asynchronous step", "import asyncio\n@step\nasync def s(x: int) -> int:\n    return await asyncio.to_thread(lambda: int(open('d.txt').read()))\n", text("d.txt", "2"), files={"d.txt": "1"})
SIDE = "@step\ndef a() -> int:\n    open('mid.txt', 'w').write('7')\n    return 1\n@step\ndef b(n: int) -> int:\n    return int(open('mid.txt').read())\n"
further("a file between two steps is gone", SIDE, lambda f: (f / "mid.txt").unlink(), foot=FOOT.replace("s(1)", "b(a())"))
further("a file between two steps is edited", SIDE, text("mid.txt", "9"), foot=FOOT.replace("s(1)", "b(a())"))
further("a file between two steps is another run's", "import sys\n@step\ndef a(n: int) -> int:\n    open('mid.txt', 'w').write(str(n))\n    return 1\n@step\ndef b(n: int, q: int) -> int:\n    return int(open('mid.txt').read()) + q\n", text("mid.txt", "2"), foot=FOOT.replace("s(1)", "b(a(1), 1)"), prepare=lambda f: (f / "mid.txt").write_text("0"))
body("a cache of its own", "import os, json\ndef h(x):\n    if os.path.exists('c.json'): return json.load(open('c.json'))\n    json.dump(x + 1, open('c.json', 'w')); return x + 1\n", "h(x)", text("c.json", "9"), prepare=lambda f: (f / "c.json").write_text("2"))

# Borders

LIB = {"../lib/far.py": "def h(x): return x + 1\n"}
body("a folder beside the project", "import sys; sys.path.insert(0, '../lib')\nimport far\n", "far.h(x)", ("../lib/far.py", "x + 1", "x + 2"), files=LIB)
body("a linked module", "import far\n", "far.h(x)", ("../lib/far.py", "x + 1", "x + 2"), files=LIB, prepare=lambda f: (f / "far.py").symlink_to("../lib/far.py"))
SITE = "import sys; sys.path.insert(0, __file__.rsplit('/', 1)[0] + '/site-packages')\n"
body("installed, without metadata", SITE + "import far\n", "far.h(x)", ("site-packages/far.py", "x + 1", "x + 2"), files={"site-packages/far.py": "def h(x): return x + 1\n"})
GIT = '{"url": "https://example.org/far.git", "vcs_info": {"vcs": "git", "commit_id": "aaa"}}'
body("installed from git, another commit", SITE + "import far\n", "far.h(x)", ("site-packages/far/__init__.py", "x + 1", "x + 2"), ("site-packages/far-1.0.dist-info/direct_url.json", "aaa", "bbb"), files={"site-packages/far/__init__.py": "def h(x): return x + 1\n", "site-packages/far-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: far\nVersion: 1.0\n", "site-packages/far-1.0.dist-info/direct_url.json": GIT})
body("installed under another name", SITE + "import far\n", "far.h(x)", ("site-packages/far/__init__.py", "x + 1", "x + 2"), ("site-packages/distant-1.0.dist-info/METADATA", "1.0", "1.1"), files={"site-packages/far/__init__.py": "def h(x): return x + 1\n", "site-packages/distant-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: distant\nVersion: 1.0\n", "site-packages/distant-1.0.dist-info/top_level.txt": "far\n"})
body("shared library", "import ctypes\n", "ctypes.CDLL('./l.so').h(x)", lambda f: shared(f, 2), prepare=lambda f: shared(f, 1))

# No needless runs

body("joblib with processes, nothing", "from joblib import Parallel, delayed\ndef rd(p): return int(p)\n", "sum(Parallel(n_jobs=2)(delayed(rd)(p) for p in [1, 2]))", changes=False)
body("memory that is printed", "def log():\n    print(open('/proc/meminfo').readline(), open('/proc/self/status').readline(), open('/proc/loadavg').read())\n", "log() or x", changes=False)
body("uuid, time and process id that are printed", "import uuid, time, os\n", "print(uuid.uuid4(), time.time(), os.getpid()) or x", changes=False)
body("matplotlib in the step", "def h():\n    import matplotlib; matplotlib.use('agg')\n    import matplotlib.pyplot as plt\n    plt.plot([1, 2]); plt.savefig('p.png'); plt.close(); return 1\n", "h()", changes=False)
body("database with a log", "import sqlite3\n", "sqlite3.connect('d.db').execute('select a from t').fetchone()[0]", changes=False, prepare=lambda f: wal(f))
body("arguments that are not used", "", "x + 1", changes=False, command=("main.py", "1"), command_after=("main.py", "2"))
body("time zone that is not used", "import datetime\n", "datetime.date(2020, 1, x).day", changes=False, first={"TZ": "UTC"}, second={"TZ": "Asia/Tokyo"})
body("a file beside is written", "", "int(open('d.txt').read())", text("e.txt", "2"), files={"d.txt": "1"}, changes=False)
body("a temporary file", "import tempfile\ndef h():\n    with tempfile.NamedTemporaryFile('w+') as f:\n        f.write('1'); f.seek(0); return int(f.read())\n", "h()", changes=False)

T = {"t.txt": "1"}

# Further code and values
body("operator.attrgetter of a method", "import operator\nclass C:\n    def m(self): return 1\nget = operator.attrgetter('m')\n", "get(C())()", m("return 1", "return 2"))
body("functools.reduce over functions in a tuple", "import functools\ndef a(x): return x + 1\ndef b(x): return x * 2\nPIPE = (a, b)\n", "functools.reduce(lambda v, f: f(v), PIPE, x)", m("PIPE = (a, b)", "PIPE = (b, a)"))
body("toolz-like compose closure", "def compose(*fs):\n    def run(v):\n        for f in fs: v = f(v)\n        return v\n    return run\ng = compose(lambda v: v + 1, lambda v: v * 3)\n", "g(x)", m("v * 3", "v * 4"))
body("__init_subclass__ keyword", "class B:\n    n = 0\n    def __init_subclass__(cls, n=0): cls.n = n\nclass C(B, n=1): pass\n", "C.n", m("n=1)", "n=2)"))
body("metaclass __call__", "class M(type):\n    def __call__(cls): return 1\nclass C(metaclass=M): pass\n", "C()", m("return 1", "return 2"))
body("class decorator registry by string", "R = {}\ndef reg(name):\n    def deco(c):\n        R[name] = c\n        return c\n    return deco\n@reg('a')\nclass A:\n    def go(self): return 1\n", "R['a']().go()", m("return 1", "return 2"))
body("str subclass with method", "class S(str):\n    def shout(self): return self + '!'\n", "len(S('a').shout())", m("+ '!'", "+ '!!'"))
body("int enum with property in another module", "import e\n", "e.E.A.twice", ("e.py", "* 2", "* 3"), files={"e.py": "import enum\nclass E(enum.IntEnum):\n    A = 2\n    @property\n    def twice(self): return self * 2\n"})
body("exception class with __str__", "class X(Exception):\n    def __str__(self): return 'a'\ndef h():\n    try: raise X\n    except X as e: return len(str(e))\n", "h()", m("return 'a'", "return 'aaa'"))
body("contextlib.ExitStack callback", "import contextlib\nL = []\ndef cb(): L.append(1)\ndef h():\n    out = []\n    def done(): out.append(one())\n    with contextlib.ExitStack() as s: s.callback(done)\n    return out[0]\ndef one(): return 1\n", "h()", m("return 1", "return 2"))
body("threading.Timer function", "import threading\nout = []\ndef f(): out.append(5)\ndef h():\n    t = threading.Thread(target=f); t.start(); t.join(); return out.pop()\n", "h()", m("append(5)", "append(6)"))
body("signal handler-like dict by int", "H = {1: lambda: 1}\n", "H[x]()", m("lambda: 1", "lambda: 2"))
body("recursion through a global dict", "OPS = {}\ndef ev(t): return OPS[t[0]](*t[1:])\nOPS['add'] = lambda a, b: a + b\nOPS['neg'] = lambda a: -ev(('add', a, 1))\n", "ev(('neg', x))", m("a + b", "a + b + 1"))
body("star import with __all__", "from km import *\n", "h(x)", ("km.py", "x + 1", "x + 2"), files={"km.py": "__all__ = ['h']\ndef h(x): return x + 1\n"})
body("relative package with lazy __getattr__", "import pkg\n", "pkg.h(x)", ("pkg/_impl.py", "x + 1", "x + 2"), files={"pkg/__init__.py": "def __getattr__(n):\n    import importlib\n    return getattr(importlib.import_module('pkg._impl'), n)\n", "pkg/_impl.py": "def h(x): return x + 1\n"})
body("importlib.reload in the step", "import importlib, km\n", "importlib.reload(km).h(x)", ("km.py", "x + 1", "x + 2"), files={"km.py": "def h(x): return x + 1\n"})
body("exec of a module's text by compile", "def load(p):\n    ns = {}\n    exec(compile(open(p).read(), p, 'exec'), ns)\n    return ns\n", "load('km.py')['h'](x)", ("km.py", "x + 1", "x + 2"), files={"km.py": "def h(x): return x + 1\n"})
body("SourceFileLoader", "import importlib.machinery, types\ndef load():\n    l = importlib.machinery.SourceFileLoader('zz', 'conf/zz.py'); mod = types.ModuleType('zz'); l.exec_module(mod); return mod\n", "load().h(x)", ("conf/zz.py", "x + 1", "x + 2"), files={"conf/zz.py": "def h(x): return x + 1\n"})
body("sys.path changed in the step", "import sys\ndef h():\n    sys.path.insert(0, 'libs')\n    import deep\n    return deep.f()\n", "h()", ("libs/deep.py", "return 1", "return 2"), files={"libs/deep.py": "def f(): return 1\n"})
body("numba-like wrapper with py_func", "class Jit:\n    def __init__(self, f): self.py_func = f\n    def __call__(self, *a): return self.py_func(*a)\n@Jit\ndef h(x): return x + 1\n", "h(x)", m("x + 1", "x + 2"))
body("cached class instance with __call__ and slots", "class F:\n    __slots__ = ('n',)\n    def __init__(self, n): self.n = n\n    def __call__(self, x): return x + self.n\nf = F(1)\n", "f(x)", m("F(1)", "F(2)"))
body("bound method of a global object as a callback", "class C:\n    def __init__(self): self.k = 1\n    def up(self, v): return v + self.k\ncb = C().up\n", "list(map(cb, [x]))[0]", m("self.k = 1", "self.k = 3"))
body("namedtuple method subclass", "from collections import namedtuple\nclass P(namedtuple('P', 'a b')):\n    def total(self): return self.a + self.b\n", "P(x, 2).total()", m("self.a + self.b", "self.a * self.b"))
body("typing.NewType and cast", "import typing\nN = 1\nA = typing.cast(int, N)\n", "A + x", m("N = 1", "N = 2"))
body("default_factory of a nested dataclass", "from dataclasses import dataclass, field\n@dataclass\nclass I:\n    v: int = 1\n@dataclass\nclass O:\n    i: I = field(default_factory=I)\n", "O().i.v", m("v: int = 1", "v: int = 2"))
body("pydantic settings from the environment", "from pydantic import BaseModel, Field\nimport os\nclass S(BaseModel):\n    n: int = Field(default_factory=lambda: int(os.environ['NN']))\n", "S().n", first={"NN": "1"}, second={"NN": "2"})
body("pydantic computed field", "from pydantic import BaseModel, computed_field\nclass S(BaseModel):\n    a: int = 1\n    @computed_field\n    @property\n    def b(self) -> int: return self.a + 1\n", "S().b", m("self.a + 1", "self.a + 2"))
body("attrs converter", "import attrs\n@attrs.define\nclass A:\n    n: int = attrs.field(converter=lambda v: v + 1)\n", "A(x).n", m("v + 1", "v + 2"))
body("attrs validator in another module", "import attrs, v\n@attrs.define\nclass A:\n    n: int = attrs.field(validator=v.check)\ndef h(x):\n    try: return A(x).n\n    except ValueError: return -1\n", "h(x)", ("v.py", "> 9", "> 0"), files={"v.py": "def check(i, a, value):\n    if value > 9: raise ValueError\n"})
body("msgspec struct default", "import msgspec\nclass S(msgspec.Struct):\n    n: int = 1\n", "S().n", m("n: int = 1", "n: int = 2"))
body("enum's __init__", "import enum\nclass E(enum.Enum):\n    A = (1, 2)\n    def __init__(self, a, b): self.total = a + b\n", "E.A.total", m("a + b", "a * b"))
body("networkx graph global", "import networkx as nx\nG = nx.path_graph(3)\n", "G.number_of_nodes()", m("path_graph(3)", "path_graph(4)"))
body("scipy sparse global", "import scipy.sparse as sp\nM = sp.csr_matrix([[1, 0], [0, 2]])\n", "int(M.sum())", m("[0, 2]", "[0, 3]"))
body("polars frame global", "import polars as pl\nD = pl.DataFrame({'a': [1, 2]})\n", "D['a'].sum()", m("[1, 2]", "[1, 3]"))
body("pyarrow table global", "import pyarrow as pa\nD = pa.table({'a': [1, 2]})\n", "sum(D['a'].to_pylist())", m("[1, 2]", "[1, 3]"))
body("pandas categorical and timestamps", "import pandas as pd\nT = pd.Timestamp('2020-01-01')\n", "T.day", m("2020-01-01", "2020-01-02"))
body("fitted model at import from a file", "import numpy as np\nfrom sklearn.linear_model import LinearRegression\nd = np.loadtxt('d.txt')\nM = LinearRegression().fit(d[:, :1], d[:, 1])\n", "round(float(M.predict([[x]])[0]))", text("d.txt", "0 0\n1 5\n"), files={"d.txt": "0 0\n1 2\n"})
body("xgboost booster-like native object", "import re\nP = re.compile('a', re.I)\n", "len(P.findall('aA'))", m("re.I", "0"))
body("zoneinfo, timedelta, date globals", "import datetime as d, zoneinfo\nZ = zoneinfo.ZoneInfo('Europe/Paris')\n", "d.datetime(2020, 7, 1, tzinfo=Z).utcoffset().seconds // 3600", m("Europe/Paris", "Asia/Tokyo"))
body("Fraction and UUID", "import fractions, uuid\nF = fractions.Fraction(1, 3)\n", "F.denominator", m("(1, 3)", "(1, 4)"))
body("memoryview and bytearray", "V = memoryview(bytearray(b'abc'))\n", "V[0]", m("b'abc'", "b'zbc'"))
body("array.array", "import array\nA = array.array('i', [1, 2])\n", "A[0] + x", m("[1, 2]", "[3, 2]"))
body("map object and zip at import", "Z = zip([1, 2], [3, 4])\n", "next(Z)[1]", m("[3, 4]", "[5, 4]"))
body("asyncio.Queue-like deque", "import queue\nQ = queue.SimpleQueue()\nQ.put(1)\n", "x + 1", changes=False)
body("contextvar default", "import contextvars\nV = contextvars.ContextVar('v', default=1)\n", "V.get()", m("default=1", "default=2"))
body("logging level decides", "import logging\nlog = logging.getLogger('z')\nlog.setLevel(logging.INFO)\n", "int(log.isEnabledFor(logging.DEBUG))", m("logging.INFO)", "logging.DEBUG)"))
body("class-level counter with itertools", "import itertools\nclass C:\n    ids = itertools.count(5)\n    def __init__(self): self.id = next(C.ids)\n", "C().id", m("count(5)", "count(7)"))
# Further data
body("json by a subclassed path", "from pathlib import Path\nclass P(type(Path())):\n    pass\n", "int(P('t.txt').read_text())", text("t.txt", "2"), files=T)
body("os.pread through os.open in a helper with flags", "import os\ndef h():\n    f = os.open('t.txt', os.O_RDONLY | os.O_CLOEXEC)\n    try: return int(os.pread(f, 5, 0))\n    finally: os.close(f)\n", "h()", text("t.txt", "2"), files=T)
body("tarfile", "import tarfile\n", "int(tarfile.open('d.tar').extractfile('t.txt').read())", lambda f: tar(f, "2"), prepare=lambda f: tar(f, "1"))
body("gzip by shell", "import subprocess\n", "int(subprocess.check_output('zcat d.gz', shell=True))", lambda f: gz(f, "2"), prepare=lambda f: gz(f, "1"))
body("awk with redirect", "import os\n", "int(os.popen(\"awk '{print $1}' < t.txt\").read())", text("t.txt", "2"), files=T)
body("git describe", "import subprocess\n", "len(subprocess.check_output(['cat', 'VERSION']))", text("VERSION", "22"), files={"VERSION": "1"})
body("sha of a folder tree", "import hashlib, os\ndef h():\n    s = hashlib.sha1()\n    for r, d, fs in sorted(os.walk('data')):\n        for f in sorted(fs): s.update(open(os.path.join(r, f), 'rb').read())\n    return int(s.hexdigest()[:6], 16)\n", "h()", text("data/x/b.txt", "2"), files={"data/x/b.txt": "1", "data/a.txt": "0"})
body("glob recursive count", "import glob\n", "len(glob.glob('data/**/*.txt', recursive=True))", text("data/y/z/c.txt", "2"), files={"data/x/b.txt": "1"})
body("pathlib match of suffix", "from pathlib import Path\n", "sum(p.stat().st_size for p in Path('data').iterdir() if p.suffix == '.txt')", text("data/b.txt", "222"), files={"data/b.txt": "1"})
body("file that a symlinked folder switch changes", "", "int(open('current/t.txt').read())", lambda f: ((f / "current").unlink(), (f / "current").symlink_to("v2")), prepare=lambda f: (f / "current").symlink_to("v1"), files={"v1/t.txt": "1", "v2/t.txt": "2"})
body("native through a switched link", "import pyarrow.csv as pc\n", "pc.read_csv('current/t.csv')['a'][0].as_py()", lambda f: ((f / "current").unlink(), (f / "current").symlink_to("v2")), prepare=lambda f: (f / "current").symlink_to("v1"), files={"v1/t.csv": "a\n1\n", "v2/t.csv": "a\n2\n"})
body("env with default through configparser", "import configparser, os\ndef h():\n    c = configparser.ConfigParser(os.environ); c.read_string('[s]\\nn = %(NN)s\\n'); return c.getint('s', 'n')\n", "h()", first={"NN": "1"}, second={"NN": "2"})
body("os.environ in a pool worker", "from concurrent.futures import ThreadPoolExecutor\nimport os\n", "ThreadPoolExecutor(1).submit(lambda: int(os.environ['NN'])).result()", first={"NN": "1"}, second={"NN": "2"})
body("locale at import", "import locale, o\n", "len(locale.format_string('%d', 1000000, grouping=True))", ("o.py", "'C'", "'C.UTF-8'"), files={"o.py": "import locale\nlocale.setlocale(locale.LC_ALL, 'C')\n"}, changes=True)
body("hash seed", "", "x + 1", changes=False, first={"PYTHONHASHSEED": "1"}, second={"PYTHONHASHSEED": "2"})
body("sort by a set's order that is fixed", "S = {'a', 'b', 'c'}\n", "len(S)", changes=False, first={"PYTHONHASHSEED": "1"}, second={"PYTHONHASHSEED": "2"})
body("dict order of a global", "D = {'a': 1, 'b': 2}\n", "list(D.values())[0]", m("{'a': 1, 'b': 2}", "{'b': 2, 'a': 1}"))
body("sqlite attached database", "import sqlite3\ndef h():\n    c = sqlite3.connect(':memory:'); c.execute(\"attach 'd.db' as d\"); return c.execute('select a from d.t').fetchone()[0]\n", "h()", lambda f: db(f / "d.db", 2), prepare=lambda f: db(f / "d.db", 1))
body("duckdb-less: polars sql on a global frame", "import polars as pl\nD = pl.DataFrame({'a': [1]})\n", "pl.sql('select a from D').collect()['a'][0]", m("[1]", "[2]"))
body("frame.eval of a global", "import pandas as pd\nK = 2\nD = pd.DataFrame({'a': [1]})\n", "int(D.eval('a * @K').iloc[0])", m("K = 2", "K = 3"))
body("frame.pipe and apply by name", "import pandas as pd\ndef f(d): return d + 1\nD = pd.DataFrame({'a': [1]})\n", "int(D.pipe(f)['a'].agg('sum'))", m("d + 1", "d + 2"))
body("groupby apply lambda", "import pandas as pd\nAGG = {'a': lambda s: s.sum()}\nD = pd.DataFrame({'g': [1, 1], 'a': [1, 2]})\n", "int(D.groupby('g').agg(AGG)['a'].iloc[0])", m("s.sum()", "s.max()"))
body("np.load with mmap at import", "import numpy as np, os\nif not os.path.exists('d.npy'): np.save('d.npy', [1])\nA = np.load('d.npy', mmap_mode='r')\n", "int(A[0])", lambda f: __import__('numpy').save(f / 'd.npy', [2]))
body("hdf5 at import", "import h5py\nF = h5py.File('d.h5', 'r')\n", "int(F['a'][()])", lambda f: h5(f, 2), prepare=lambda f: h5(f, 1))
body("PIL in a step of a listed folder", "from PIL import Image\nimport os\n", "sum(Image.open(os.path.join('i', f)).getpixel((0, 0))[0] for f in os.listdir('i'))", lambda f: (f / "i/d.ppm").write_bytes(b"P6 1 1 255\n\x02\x02\x02"), files={"i/d.ppm": b"P6 1 1 255\n\x01\x01\x01"})
body("child interpreter that finds compiled code", "import subprocess, sys\n", "int(subprocess.check_output([sys.executable, 'tool.py']))", ("km.py", "return 1", "return 2"), files={"tool.py": "import km\nprint(km.f())\n", "km.py": "def f(): return 1\n"}, prepare=lambda f: compiled(f))
body("child interpreter that runs a module, compiled", "import subprocess, sys\n", "int(subprocess.check_output([sys.executable, '-m', 'pkg.tool']))", ("pkg/km.py", "return 1", "return 2"), files={"pkg/__init__.py": "", "pkg/tool.py": "from pkg import km\nprint(km.f())\n", "pkg/km.py": "def f(): return 1\n"}, prepare=lambda f: compiled(f))
body("spawned process", "import multiprocessing as mp\nimport km\ndef h():\n    with mp.get_context('spawn').Pool(1) as p: return p.apply(km.read)\n", "h()", text("d.txt", "2"), files={"km.py": "def read(): return int(open('d.txt').read())\n", "d.txt": "1"})
body("spawned process, its code", "import multiprocessing as mp\nimport km\ndef h():\n    with mp.get_context('spawn').Pool(1) as p: return p.apply(km.f)\n", "h()", ("km.py", "return 1", "return 2"), files={"km.py": "def f(): return 1\n"})
body("pool whose initializer reads", "import multiprocessing as mp\nK = {}\ndef start(): K['n'] = int(open('d.txt').read())\ndef get(): return K['n']\ndef h():\n    with mp.get_context('fork').Pool(1, start) as p: return p.apply(get)\n", "h()", text("d.txt", "2"), files={"d.txt": "1"})

# Further runs that are not needed
body("plain text like a module's name", "import hm\nS = {'kind': 'hm'}\n", "len(S['kind']) + x", ("hm.py", "x + 1", "x + 2"), files={"hm.py": "def h(x): return x + 1\n"}, changes=False)
body("a decorator named register of one's own for another function", "R = {}\ndef register(f):\n    R[f.__name__] = f\n    return f\n@register\ndef other(x): return x + 1\ndef h(x): return x * 2\n", "h(x)", m("x + 1", "x + 2"), changes=False)
body("lru_cache filled in the step", "import functools\n@functools.lru_cache\ndef h(x): return x + 1\n", "h(x)", changes=False)
body("read environment for a log folder", "import os\ndef log():\n    d = os.environ.get('LOGS', '/tmp'); return len(d) * 0\n", "log() + x", changes=False, first={"LOGS": "/tmp"})
body("big folder named in a constant", "HOME = '/usr/share'\n", "len(HOME)", changes=False)


def zipped(folder, content):
    with zipfile.ZipFile(folder / "d.zip", "w") as archive:
        archive.writestr("a", content)


def dbm_of(folder, value):
    import dbm
    with dbm.open(str(folder / "d.db"), "c") as base:
        base["a"] = value


def shelf(folder, value):
    import shelve
    with shelve.open(str(folder / "d.db")) as base:
        base["a"] = value


def h5(folder, value):
    import h5py
    with h5py.File(folder / "d.h5", "w") as file:
        file["a"] = value


def db(file, value):
    base = sqlite3.connect(file)
    base.execute("create table if not exists t(a)")
    base.execute("delete from t")
    base.execute("insert into t values(?)", (value,))
    base.commit()
    base.close()


def wal(folder):
    db(folder / "d.db", 1)
    base = sqlite3.connect(folder / "d.db")
    base.execute("pragma journal_mode=wal")
    base.close()


def shared(folder, value):
    import subprocess
    (folder / "l.c").write_text(f"int h(int x) {{ return x + {value}; }}\n")
    (folder / "l.so").unlink(missing_ok=True)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", "l.so", "l.c"], cwd=folder, check=True)


def tar(folder, content):
    import io
    import tarfile
    with tarfile.open(folder / "d.tar", "w") as archive:
        info = tarfile.TarInfo("t.txt")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content.encode()))


def gz(folder, content):
    import gzip
    (folder / "d.gz").write_bytes(gzip.compress(content.encode()))


def compiled(folder):
    import compileall
    compileall.compile_dir(folder, quiet=2)
