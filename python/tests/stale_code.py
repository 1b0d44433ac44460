"""Edits of code and of the values that it reaches: `code(name, sources, edit)`."""
# ruff: noqa: E501  tables of code
# fmt: off

from __future__ import annotations

from pathlib import Path

from stale_projects import FOOT, HEAD, STEP, Project

CODE: list[Project] = []
REG = "class Base:\n    reg = {}\n    def __init_subclass__(cls, **k): Base.reg[cls.__name__] = cls\n"
DECO = "import functools\ndef deco(n):\n    def outer(f):\n        @functools.wraps(f)\n        def inner(*a):\n            return f(*a) + n\n        return inner\n    return outer\n"


def code(name, main, *edits, files=None, changes=True, foot=FOOT, **rest):
    """Add a project whose `main.py` is the text, with an edit of (file, before, after)."""
    sources = {"main.py": HEAD + main + foot, **(files or {})}
    CODE.append(Project(name, sources, list(edits), changes, **rest))


def body(name, before_step, expression, *edits, **rest):
    """Add a project whose step returns an expression."""
    code(name, before_step + STEP + f"    return {expression}\n", *edits, **rest)


def m(before, after):
    return ("main.py", before, after)


# Functions

body("helper", "def h(x): return x + 1\n", "h(x)", m("x + 1", "x + 2"))
body("helper of a helper", "def g(x): return x + 1\ndef h(x): return g(x)\n", "h(x)", m("x + 1", "x + 2"))
body("default", "def h(x, n=1): return x + n\n", "h(x)", m("n=1", "n=2"))
body("keyword default", "def h(x, *, n=1): return x + n\n", "h(x)", m("n=1", "n=2"))
body("mutable default", "def h(x, n=[1, 2]): return x + len(n)\n", "h(x)", m("[1, 2]", "[1]"))
body("computed default", "N = 1\ndef h(x, n=N + 1): return x + n\n", "h(x)", m("N = 1", "N = 2"))
body("lambda", "h = lambda x: x + 1\n", "h(x)", m("x + 1", "x + 2"))
body("dict of lambdas", "T = {'a': lambda x: x + 1, 'b': lambda x: 0}\n", "T['a'](x)", m("x + 1", "x + 2"))
body("list of functions", "def a(x): return x + 1\ndef b(x): return x * 7\nL = [a]\n", "L[0](x)", m("L = [a]", "L = [b]"))
body("nested function", "def h(x):\n    def g(y):\n        return y + 1\n    return g(x)\n", "h(x)", m("y + 1", "y + 2"))
body("comprehension", "def h(x): return sum(i + 1 for i in range(x))\n", "h(x)", m("i + 1", "i + 2"))
body("try and except", "def h(x):\n    try:\n        return x // 0\n    except ZeroDivisionError:\n        return 1\n", "h(x)", m("return 1", "return 2"))
body("except of another kind", "def h(x):\n    try:\n        try:\n            return [][x]\n        except LookupError:\n            return 1\n    except IndexError:\n        return 2\n", "h(x)", m("except LookupError", "except KeyError"))
body("operator", "def h(x): return x + 5\n", "h(x)", m("x + 5", "x - 5"))
body("comparison", "def h(x): return int(x < 1)\n", "h(x)", m("x < 1", "x <= 1"))
body("constant of another type", "def h(x): return len(repr(x + 1))\n", "h(x)", m("x + 1", "x + 1.0"))
body("order of arguments", "def h(a, b): return a - b\n", "h(x, 5)", m("h(x, 5)", "h(5, x)"))
body("another helper of the same text's length", "def g(x): return x + 1\ndef h(x): return x + 2\n", "g(x)", m("return g(x)", "return h(x)"))
body("two helpers exchanged", "def g(x): return x + 1\ndef h(x): return x * 9\n", "g(x) - h(x)", m("g(x) - h(x)", "h(x) - g(x)"))
body("a builtin for another", "", "max(x, 5)", m("max(", "min("))
body("a builtin shadowed", "", "max(x, 5)", m(STEP, "def max(a, b): return 0\n" + STEP))
body("a library's function for another", "import math\n", "int(math.ceil(x + 0.5))", m("math.ceil", "math.floor"))
body("an imported function for another", "from math import ceil as f\n", "int(f(x + 0.5))", m("import ceil", "import floor"))
body("a method's name", "", "len('aAb'.upper().strip('A')) + x", m(".upper()", ".lower()"))
body("async helper", "import asyncio\nasync def h(x): return x + 1\n", "asyncio.run(h(x))", m("x + 1", "x + 2"))
body("generator", "def h(x):\n    yield x + 1\n", "next(h(x))", m("x + 1", "x + 2"))
body("recursion", "def h(x): return 0 if x > 3 else 1 + h(x + 1)\n", "h(x)", m("x > 3", "x > 5"))
body("mutual recursion", "def g(x): return 0 if x > 3 else 1 + h(x + 1)\ndef h(x): return g(x + 1)\n", "g(x)", m("x > 3", "x > 9"))
body("function attribute", "def h(x): return x + h.n\nh.n = 1\n", "h(x)", m("h.n = 1", "h.n = 2"))
body("function attribute from the environment", "import os\ndef h(x): return x + h.n\nh.n = int(os.environ['NN'])\n", "h(x)", first={"NN": "1"}, second={"NN": "2"})
body("partial", "import functools\ndef h(x, n): return x + n\np = functools.partial(h, n=1)\n", "p(x)", m("n=1", "n=2"))
body("function in a partial", "import functools\ndef h(x, n): return x + n\np = functools.partial(h, n=1)\n", "p(x)", m("x + n", "x - n"))
body("lru_cache", "import functools\n@functools.lru_cache\ndef h(x): return x + 1\n", "h(x)", m("x + 1", "x + 2"))
body("wraps", DECO + "@deco(1)\ndef h(x): return x\n", "h(x)", m("@deco(1)", "@deco(2)"))
body("body of a decorator", DECO + "@deco(1)\ndef h(x): return x\n", "h(x)", m("+ n", "- n"))
body("function that is decorated", DECO + "@deco(1)\ndef h(x): return x\n", "h(x)", m("def h(x): return x", "def h(x): return x * 5"))
body("decorator without wraps", "def deco(f):\n    def inner(x): return f(x) + 1\n    return inner\n@deco\ndef h(x): return x\n", "h(x)", m("return x\n@step", "return x * 4\n@step"))
body("decorator taken away", "def deco(f):\n    def inner(x): return f(x) + 1\n    return inner\n@deco\ndef h(x): return x\n", "h(x)", m("@deco\n", ""))
body("class as decorator", "class deco:\n    def __init__(self, f): self.f = f\n    def __call__(self, x): return self.f(x) + 1\n@deco\ndef h(x): return x\n", "h(x)", m("+ 1", "+ 2"))
body("step in a step", "@step\ndef other(x: int) -> int: return x + 1\n", "other(x)", m("x + 1", "x + 2"))
body("closure of a factory", "def make(n):\n    def inner(x): return x + n\n    return inner\nh = make(1)\n", "h(x)", m("make(1)", "make(2)"))
body("closure over a list", "def make(n):\n    def inner(x): return x + n[0]\n    return inner\nh = make([1])\n", "h(x)", m("[1]", "[2]"))
body("closure over a function", "def a(x): return x + 1\ndef make(f):\n    return lambda x: f(x)\nh = make(a)\n", "h(x)", m("x + 1", "x + 2"))
body("contextmanager", "import contextlib\n@contextlib.contextmanager\ndef c():\n    yield 1\ndef h(x):\n    with c() as n: return x + n\n", "h(x)", m("yield 1", "yield 2"))
body("operator.methodcaller", "import operator\nh = operator.methodcaller('upper')\n", "len(h('ß')) + x", m("'upper'", "'lower'"))
body("docstring that is used", 'def h(x):\n    """1"""\n    return x + int(h.__doc__)\n', "h(x)", m('"""1"""', '"""2"""'))
body("name that is used", "def hh(x): return len(hh.__name__)\n", "hh(x)", m("hh(x)", "hhh(x)"), m("hh.__", "hhh.__"))
body("annotation that is used", "def h(x: int): return len(repr(h.__annotations__))\n", "h(x)", m("x: int)", "x: float)"))
body("a function that is passed on by name", "def aa(x): return x\ndef h(f): return len(f.__name__)\n", "h(aa)", m("def aa", "def aaa"), m("h(aa)", "h(aaa)"))
body("generated code", "ns = {}\nexec('def h(x): return x + 1', ns)\nh = ns['h']\n", "h(x)", m("x + 1", "x + 2"))
body("eval of a constant", "def h(x): return x + 1\n", "eval('h(x)')", m("x + 1", "x + 2"))
body("exec of a constant", "N = 1\ndef h(x):\n    ns = dict(N=N)\n    exec('y = N + 1', ns)\n    return ns['y']\n", "h(x)", m("N = 1", "N = 3"))
body("globals()", "def h(x): return x + 1\n", "globals()['h'](x)", m("x + 1", "x + 2"))
body("sys.modules", "import sys, a\n", "sys.modules['a'].h(x)", ("a.py", "x + 1", "x + 2"), files={"a.py": "def h(x): return x + 1\n"})
body("type() makes a class", "K = type('K', (), {'n': 1})\n", "K.n + x", m("'n': 1", "'n': 2"))
body("reduce with a helper", "import functools\ndef h(a, b): return a + b\n", "functools.reduce(h, [x, 2, 3])", m("a + b", "a * b"))
body("sorted with a key", "def k(v): return v\n", "sorted([x, 5, 3], key=k)[0]", m("return v", "return -v"))
body("map with a bound method", "class K:\n    def m(self, v): return v + 1\nk = K()\n", "sum(map(k.m, [x]))", m("v + 1", "v + 2"))

# Names and modules

A = {"a.py": "def h(x): return x + 1\nN = 1\n"}
EDIT_A = ("a.py", "x + 1", "x + 2")
body("import", "import a\n", "a.h(x)", EDIT_A, files=A)
body("import as", "import a as b\n", "b.h(x)", EDIT_A, files=A)
body("import from", "from a import h\n", "h(x)", EDIT_A, files=A)
body("import star", "from a import *\n", "h(x)", EDIT_A, files=A)
body("constant of a module", "import a\n", "a.N + x", ("a.py", "N = 1", "N = 2"), files=A)
body("constant imported", "from a import N\n", "N + x", ("a.py", "N = 1", "N = 2"), files=A)
body("package", "import p.q.a\n", "p.q.a.h(x)", ("p/q/a.py", "x + 1", "x + 2"), files={"p/__init__.py": "", "p/q/__init__.py": "", "p/q/a.py": A["a.py"]})
body("namespace package", "import p.a\n", "p.a.h(x)", ("p/a.py", "x + 1", "x + 2"), files={"p/a.py": A["a.py"]})
body("relative import", "from p.b import g\n", "g(x)", ("p/a.py", "x + 1", "x + 2"), files={"p/__init__.py": "", "p/a.py": A["a.py"], "p/b.py": "from .a import h\ndef g(x): return h(x)\n"})
body("reexport", "from p import h\n", "h(x)", ("p/a.py", "x + 1", "x + 2"), files={"p/__init__.py": "from .a import h\n", "p/a.py": A["a.py"]})
body("module __getattr__", "import a\n", "a.dynamic + x", ("a.py", "return 1", "return 2"), files={"a.py": "def __getattr__(name): return 1\n"})
body("conditional import", "try:\n    import missing_module as a\nexcept ImportError:\n    import a\n", "a.h(x)", EDIT_A, files=A)
body("a module that appears", "try:\n    import b as a\nexcept ImportError:\n    import a\n", "a.h(x)", lambda d: (d / "b.py").write_text("def h(x): return 9\n"), files=A)
for label, line in {"import": "import a; return a.h(x)", "import from": "from a import h; return h(x)", "import as": "import a as b; return b.h(x)"}.items():
    code(f"{label} in the step", STEP + f"    {line}\n", EDIT_A, files=A)
code("relative import in a function", "from p.b import g\n" + STEP + "    return g(x)\n", ("p/a.py", "x + 1", "x + 2"), files={"p/__init__.py": "", "p/a.py": A["a.py"], "p/b.py": "def g(x):\n    from .a import h\n    return h(x)\n"})
body("import_module", "import importlib\n", "importlib.import_module('a').h(x)", EDIT_A, files=A)
body("import_module by name", "from importlib import import_module\n", "import_module('a').h(x)", EDIT_A, files=A)
body("__import__", "", "__import__('a').h(x)", EDIT_A, files=A)
code("import_module into a variable", "import importlib\n" + STEP + "    mod = importlib.import_module('a')\n    return mod.h(x)\n", EDIT_A, files=A)
body("import_module of a submodule", "import importlib\n", "importlib.import_module('p.a').h(x)", ("p/a.py", "x + 1", "x + 2"), files={"p/__init__.py": "", "p/a.py": A["a.py"]})
body("import_module of a constant", "import importlib\nNAME = 'a'\n", "importlib.import_module(NAME).h(x)", EDIT_A, files=A)
code("import_module of a parameter", "import importlib\n@step\ndef s(x: int, name: str = 'a') -> int:\n    return importlib.import_module(name).h(x)\n", EDIT_A, files=A)
body("getattr of a module", "import a\n", "getattr(a, 'h')(x)", EDIT_A, files=A)
body("getattr of a module with a variable", "import a\nNAME = 'h'\n", "getattr(a, NAME)(x)", EDIT_A, files=A)
body("vars of a module", "import a\n", "vars(a)['h'](x)", EDIT_A, files=A)
body("dict of modules", "import a\nM = {'a': a}\n", "M['a'].h(x)", EDIT_A, files=A)
body("plug-in found by pkgutil", "import pkgutil, importlib, plugins\nfor each in pkgutil.iter_modules(plugins.__path__):\n    importlib.import_module('plugins.' + each.name)\nfrom registry import REG\n", "REG['p'](x)", ("plugins/p.py", "x + 1", "x + 2"), files={"registry.py": "REG = {}\n", "plugins/__init__.py": "", "plugins/p.py": "from registry import REG\ndef p(x): return x + 1\nREG['p'] = p\n"})
body("lazy plug-in found by pkgutil in the step", "import pkgutil, importlib, plugins\ndef load():\n    return [importlib.import_module('plugins.' + e.name) for e in pkgutil.iter_modules(plugins.__path__)]\n", "sum(p.p(x) for p in load())", ("plugins/p.py", "x + 1", "x + 2"), files={"plugins/__init__.py": "", "plugins/p.py": "def p(x): return x + 1\n"})
body("runpy.run_module", "import runpy\n", "runpy.run_module('a')['N'] + x", ("a.py", "N = 1", "N = 2"), files=A)
body("spec_from_file_location", "import importlib.util\ndef load(p):\n    spec = importlib.util.spec_from_file_location('cfg', p)\n    mod = importlib.util.module_from_spec(spec)\n    spec.loader.exec_module(mod)\n    return mod\n", "load('conf.py').N + x", ("conf.py", "N = 1", "N = 2"), files={"conf.py": "N = 1\n"})
body("setting in a module", "import settings\n", "settings.N + x", ("settings.py", "1", "2"), files={"settings.py": "import os\nN = int(os.environ.get('X_NN', '1'))\n"})
body("settings from a file at import", "from settings import CFG\n", "CFG['n'] + x", ("c.json", "1", "2"), files={"settings.py": "import json, pathlib\nCFG = json.loads((pathlib.Path(__file__).parent / 'c.json').read_text())\n", "c.json": '{"n": 1}'})
body("settings from a file at an import in the step", "def h(x):\n    import settings\n    return settings.N + x\n", "h(x)", ("c.txt", "1", "2"), files={"settings.py": "N = int(open('c.txt').read())\n", "c.txt": "1"})

# Variables by scope

body("global list", "L = [1, 2]\n", "len(L) + x", m("[1, 2]", "[1]"))
body("global set", "L = {1, 2}\n", "sum(L) + x", m("{1, 2}", "{1, 5}"))
body("global path", "from pathlib import Path\nP = Path('a')\n", "len(str(P)) + x", m("Path('a')", "Path('ab')"))
body("global array", "import numpy as np\nL = np.arange(3)\n", "int(L.sum()) + x", m("arange(3)", "arange(4)"))
body("global object", "class K:\n    def __init__(self, n): self.n = n\nk = K(1)\n", "k.n + x", m("K(1)", "K(2)"))
body("global object with slots", "class K:\n    __slots__ = ('n',)\n    def __init__(self, n): self.n = n\nk = K(1)\n", "k.n + x", m("K(1)", "K(2)"))
body("global object with a lock", "import threading\nclass K:\n    def __init__(self, n): self.n = n; self.lock = threading.RLock()\nk = K(1)\n", "k.n + x", m("K(1)", "K(2)"))
body("global object with a file", "class K:\n    def __init__(self, n): self.n = n; self.f = open('main.py')\nk = K(1)\n", "k.n + x", m("K(1)", "K(2)"))
body("subclass of dict", "class D(dict):\n    extra = 1\nD1 = D(a=1)\n", "D1['a'] + x", m("a=1", "a=2"))
body("context variable", "import contextvars\nV = contextvars.ContextVar('v', default=1)\n", "V.get() + x", m("default=1", "default=2"))
body("context variable that is set", "import contextvars\nV = contextvars.ContextVar('v')\nV.set(1)\n", "V.get() + x", m("V.set(1)", "V.set(2)"))
body("SimpleNamespace", "from types import SimpleNamespace\nC = SimpleNamespace(n=1)\n", "C.n + x", m("n=1", "n=2"))
body("open file at import", "F = open('d.txt')\n", "len(F.read()) + x", ("d.txt", "a", "ab"), files={"d.txt": "a"})
body("bytes in memory", "import io\nF = io.BytesIO(b'a')\n", "len(F.getvalue()) + x", m("b'a'", "b'ab'"))
body("regular expression", "import re\nR = re.compile('a')\n", "len(R.findall('aab')) + x", m("compile('a')", "compile('b')"))
body("local of the same name is changed", "CFG = int(open('c').read())\ndef g():\n    CFG = []\n    CFG.append(1)\n    return 0\n", "CFG + g() + x", ("c", "1", "2"), files={"c": "1"})
body("parameter of the same name is changed", "CFG = {'n': int(open('c').read())}\ndef g(CFG):\n    CFG['z'] = 1\n    return 0\n", "CFG['n'] + g({}) + x", ("c", "1", "2"), files={"c": "1"})
body("attribute of the same name is set", "n = int(open('c').read())\nclass K: pass\ndef g():\n    k = K()\n    k.n = 5\n    return 0\n", "n + g() + x", ("c", "1", "2"), files={"c": "1"})
body("global of another module of the same name is written", "import a\nCOUNT = int(open('c').read())\n", "COUNT + a.bump() + x", ("c", "1", "2"), files={"c": "1", "a.py": "COUNT = 0\ndef bump():\n    global COUNT\n    COUNT += 1\n    return 0\n"})
body("variable that a step writes and a file begins", "CACHE = {'n': int(open('c').read())}\ndef g(k):\n    CACHE[k] = 1\n    return CACHE['n']\n", "g('z') + x", ("c", "1", "2"), files={"c": "1"})
body("object with a method called add", "class Index:\n    def __init__(self, n): self.n = n\n    def update(self, x): return x + self.n\nI = Index(int(open('c').read()))\n", "I.update(x)", ("c", "1", "2"), files={"c": "1"})
body("a variable that is missing appears", "def h(x):\n    try:\n        return EXTRA\n    except NameError:\n        return x\n", "h(x)", m(STEP, "EXTRA = 5\n" + STEP))
body("a name for another", "A = 1\nB = 2\n", "A + x", m("A + x", "B + x"))

# Classes

K = "class K:\n    n = 1\n    def m(self): return self.n\n"
body("method", "class K:\n    def m(self): return 1\n", "K().m() + x", m("return 1", "return 2"))
body("class attribute", K, "K().m() + x", m("n = 1", "n = 2"))
body("class attribute from a file", "class K:\n    n = len(open('c').read())\n", "K.n + x", ("c", "a", "ab"), files={"c": "a"})
body("class attribute set later in another module", "import a, b\n", "a.K.n + x", ("b.py", "a.K.n = 1", "a.K.n = 2"), files={"a.py": "class K:\n    n = 0\n", "b.py": "import a\na.K.n = 1\n"})
body("setattr on a class", K + "setattr(K, 'n', 5)\n", "K().m() + x", m("'n', 5", "'n', 6"))
body("patched method", K + "K.m = lambda self: 5\n", "K().m() + x", m("self: 5", "self: 6"))
body("patched function of a module", "import a\na.h = lambda x: 5\n", "a.h(x)", m("x: 5", "x: 6"), files=A)
body("base class", "class B:\n    def m(self): return 1\nclass K(B): pass\n", "K().m() + x", m("return 1", "return 2"))
body("base exchanged", "class A:\n    def m(self): return 1\nclass B:\n    def m(self): return 2\nclass K(A): pass\n", "K().m() + x", m("class K(A)", "class K(B)"))
body("order of bases", "class A:\n    def m(self): return 1\nclass B:\n    def m(self): return 2\nclass K(A, B): pass\n", "K().m() + x", m("K(A, B)", "K(B, A)"))
body("mixin in another file", "from a import Mixin\nclass K(Mixin): pass\n", "K().m() + x", ("a.py", "return 1", "return 2"), files={"a.py": "class Mixin:\n    def m(self): return 1\n"})
body("metaclass", "class M(type):\n    def __call__(cls): return 1\nclass K(metaclass=M): pass\n", "K() + x", m("return 1", "return 2"))
body("metaclass property", "class M(type):\n    @property\n    def n(cls): return 1\nclass K(metaclass=M): pass\n", "K.n + x", m("return 1", "return 2"))
body("property", "class K:\n    @property\n    def n(self): return 1\n", "K().n + x", m("return 1", "return 2"))
body("property setter", "class K:\n    @property\n    def n(self): return self._n\n    @n.setter\n    def n(self, v): self._n = v + 1\ndef h(x):\n    k = K()\n    k.n = x\n    return k.n\n", "h(x)", m("v + 1", "v + 2"))
body("cached_property", "import functools\nclass K:\n    @functools.cached_property\n    def n(self): return 1\n", "K().n + x", m("return 1", "return 2"))
body("staticmethod", "class K:\n    @staticmethod\n    def m(x): return x + 1\n", "K.m(x)", m("x + 1", "x + 2"))
body("classmethod", "class K:\n    @classmethod\n    def m(cls, x): return x + 1\n", "K.m(x)", m("x + 1", "x + 2"))
body("static to class method", "class K:\n    @staticmethod\n    def m(*a): return len(a)\n", "K.m(x)", m("@staticmethod", "@classmethod"))
body("method to property", "class K:\n    def n(self): return 1\n", "int(callable(K().n)) + x", m("    def n", "    @property\n    def n"))
body("descriptor", "class D:\n    def __get__(self, o, t): return 1\nclass K:\n    n = D()\n", "K().n + x", m("return 1", "return 2"))
body("descriptor's setting", "class D:\n    def __init__(self, n): self.n = n\n    def __get__(self, o, t): return self.n\nclass K:\n    n = D(1)\n", "K().n + x", m("D(1)", "D(2)"))
body("__set_name__", "class D:\n    def __set_name__(self, o, n): self.n = len(n)\n    def __get__(self, o, t): return self.n\nclass K:\n    abc = D()\n", "K().abc + x", m("= len(n)", "= len(n) + 1"))
body("__getattr__", "class K:\n    def __getattr__(self, n): return 1\n", "K().any + x", m("return 1", "return 2"))
body("__call__ of an object", "class K:\n    def __call__(self, x): return x + 1\nk = K()\n", "k(x)", m("x + 1", "x + 2"))
body("operator of a class", "class K:\n    def __add__(self, o): return o + 1\n", "K() + x", m("o + 1", "o + 2"))
body("decorator inside a class", "def d(n):\n    def w(f): return lambda self: n\n    return w\nclass K:\n    @d(1)\n    def m(self): return 0\n", "K().m() + x", m("@d(1)", "@d(2)"))
body("decorator of a class", "def d(n):\n    def w(cls):\n        cls.n = n\n        return cls\n    return w\n@d(1)\nclass K: pass\n", "K.n + x", m("@d(1)", "@d(2)"))
body("nested class", "class K:\n    class C:\n        n = 1\n", "K.C.n + x", m("n = 1", "n = 2"))
body("class from a factory", "def make(n):\n    class K:\n        v = n\n    return K\nK = make(1)\n", "K.v + x", m("make(1)", "make(2)"))
body("class in a function", "def h(x):\n    class K:\n        n = 1\n    return K.n + x\n", "h(x)", m("n = 1", "n = 2"))
body("dataclass default", "from dataclasses import dataclass\n@dataclass\nclass C:\n    n: int = 1\n", "C().n + x", m("= 1", "= 2"))
body("dataclass factory", "from dataclasses import dataclass, field\n@dataclass\nclass C:\n    n: list = field(default_factory=lambda: [1])\n", "len(C().n) + x", m("[1]", "[1, 2]"))
body("dataclass field order", "from dataclasses import dataclass\n@dataclass\nclass C:\n    a: int\n    b: int\n", "C(1, 5).a + x", m("    a: int\n    b: int", "    b: int\n    a: int"))
body("dataclass __post_init__", "from dataclasses import dataclass\n@dataclass\nclass C:\n    n: int = 1\n    def __post_init__(self): self.n += 1\n", "C().n + x", m("+= 1", "+= 2"))
body("dataclass order", "from dataclasses import dataclass\n@dataclass(order=True)\nclass C:\n    a: int\n    b: int\n", "int(C(1, 2) < C(0, 3)) + x", m("    a: int\n    b: int", "    b: int\n    a: int"))
body("frozen dataclass", "from dataclasses import dataclass\n@dataclass\nclass C:\n    n: int = 1\ndef h(x):\n    try:\n        C().n = 2\n    except AttributeError:\n        return 5\n    return x\n", "h(x)", m("@dataclass", "@dataclass(frozen=True)"))
body("NamedTuple default", "from typing import NamedTuple\nclass T(NamedTuple):\n    n: int = 1\n", "T().n + x", m("= 1", "= 2"))
body("namedtuple fields", "from collections import namedtuple\nT = namedtuple('T', 'a b')\n", "T(1, 5).a + x", m("'a b'", "'b a'"))
body("enum", "from enum import Enum\nclass E(Enum):\n    A = 1\n", "E.A.value + x", m("A = 1", "A = 2"))
body("enum method", "from enum import Enum\nclass E(Enum):\n    A = 1\n    def go(self): return self.value + 1\n", "E.A.go() + x", m("+ 1\n", "+ 2\n"))
body("enum auto", "from enum import Enum, auto\nclass E(Enum):\n    A = auto()\n    B = auto()\n", "E.B.value + x", m("    A = auto()\n", ""))
body("functional enum", "from enum import IntEnum\nE = IntEnum('E', 'A B')\n", "E.B + x", m("'A B'", "'Z A B'"))
body("flag", "from enum import Flag\nclass F(Flag):\n    A = 1\n    B = 2\n    C = A | B\n", "F.C.value + x", m("B = 2", "B = 4"))
body("abstract base", "import abc\nclass B(abc.ABC):\n    @abc.abstractmethod\n    def m(self): ...\n    def go(self): return self.m() + 1\nclass K(B):\n    def m(self): return 1\n", "K().go() + x", m("self.m() + 1", "self.m() + 2"))
body("class __slots__", "class K:\n    __slots__ = ('a',)\n", "len(K.__slots__) + x", m("('a',)", "('a', 'b')"))
body("class annotations", "class K:\n    a: int\n", "len(K.__annotations__) + x", m("a: int", "a: int\n    b: int"))
body("class name", "class K: pass\n", "len(K.__name__) + x", m("class K", "class KK"), m("K.__", "KK.__"))
body("property in a base of another file", "from a import B\nclass K(B): pass\n", "K().n + x", ("a.py", "return 1", "return 2"), files={"a.py": "class B:\n    @property\n    def n(self): return 1\n"})
body("pydantic field", "from pydantic import BaseModel, Field\nclass C(BaseModel):\n    n: int = Field(default=1)\n", "C().n + x", m("default=1", "default=2"))
body("pydantic validator", "from pydantic import BaseModel, field_validator\nclass C(BaseModel):\n    n: int\n    @field_validator('n')\n    @classmethod\n    def v(cls, n): return n + 1\n", "C(n=1).n + x", m("n + 1", "n + 2"))
body("attrs default", "import attrs\n@attrs.define\nclass C:\n    n: int = 1\n    m: list = attrs.field(factory=lambda: [1])\n", "C().n + len(C().m) + x", m("[1]", "[1, 2]"))

# Registries

body("__init_subclass__", "import plug\nfrom base import Base\n", "Base.reg['P']().go() + x", ("plug.py", "return 1", "return 2"), files={"base.py": REG, "plug.py": "from base import Base\nclass P(Base):\n    def go(self): return 1\n"})
body("a subclass appears", "import plug\nfrom base import Base\n", "len(Base.reg) + x", lambda d: (d / "plug.py").write_text((d / "plug.py").read_text() + "class Q(Base): pass\n"), files={"base.py": REG, "plug.py": "from base import Base\nclass P(Base):\n    def go(self): return 1\n"})
body("__subclasses__", "import plug\nfrom base import Base\ndef every(): return [c().go() for c in Base.__subclasses__()]\n", "sum(every()) + x", ("plug.py", "return 1", "return 2"), files={"base.py": "class Base: pass\n", "plug.py": "from base import Base\nclass P(Base):\n    def go(self): return 1\n"})
body("registry in a dictionary", "import plug\nfrom reg import REG\n", "REG['p'](x)", ("plug.py", "x + 1", "x + 2"), files={"reg.py": "REG = {}\ndef register(f):\n    REG[f.__name__] = f\n    return f\n", "plug.py": "from reg import register\n@register\ndef p(x): return x + 1\n"})
body("registry with a name", "import plug\nfrom reg import REG\n", "REG['p'](x)", ("plug.py", "x + 1", "x + 2"), files={"reg.py": "REG = {}\ndef register(name):\n    def w(f):\n        REG[name] = f\n        return f\n    return w\n", "plug.py": "from reg import register\n@register('p')\ndef _(x): return x + 1\n"})
body("registry of an object", "import plug\nfrom reg import R\n", "R.get('p')(x)", ("plug.py", "x + 1", "x + 2"), files={"reg.py": "class Reg:\n    def __init__(self): self.items = {}\n    def add(self, f):\n        self.items[f.__name__] = f\n        return f\n    def get(self, n): return self.items[n]\nR = Reg()\n", "plug.py": "from reg import R\n@R.add\ndef p(x): return x + 1\n"})
body("registry in a list, order", "from reg import L\nimport a, b\n", "L[0](x)", m("import a, b", "import b, a"), files={"reg.py": "L = []\n", "a.py": "from reg import L\nL.append(lambda x: x + 1)\n", "b.py": "from reg import L\nL.append(lambda x: x * 7)\n"})
body("metaclass registry", "import plug\nfrom base import Meta\n", "Meta.reg['P']().go() + x", ("plug.py", "return 1", "return 2"), files={"base.py": "class Meta(type):\n    reg = {}\n    def __new__(m, n, b, d):\n        c = super().__new__(m, n, b, d)\n        m.reg[n] = c\n        return c\nclass Base(metaclass=Meta): pass\n", "plug.py": "from base import Base\nclass P(Base):\n    def go(self): return 1\n"})
body("singledispatch", "import functools\n@functools.singledispatch\ndef h(x): return 0\n@h.register\ndef _(x: int): return x + 1\n", "h(x)", m("x + 1", "x + 2"))
body("singledispatch in another module", "from a import h\nimport b\n", "h(x)", ("b.py", "x + 1", "x + 2"), files={"a.py": "import functools\n@functools.singledispatch\ndef h(x): return 0\n", "b.py": "from a import h\n@h.register(int)\ndef _(x): return x + 1\n"})
body("singledispatchmethod", "import functools\nclass K:\n    @functools.singledispatchmethod\n    def m(self, x): return 0\n    @m.register\n    def _(self, x: int): return x + 1\n", "K().m(x)", m("x + 1", "x + 2"))
body("hooks in a list of an object", "class Bus:\n    def __init__(self): self.hooks = []\nbus = Bus()\nbus.hooks.append(lambda x: x + 1)\n", "bus.hooks[0](x)", m("x + 1", "x + 2"))
body("atexit-like weak registry", "import weakref\nclass K:\n    n = 1\nk = K()\nW = weakref.WeakValueDictionary(k=k)\n", "W['k'].n + k.n + x", m("n = 1", "n = 2"))

# What an import does elsewhere

body("option of a library", "import numpy as np\nnp.set_printoptions(precision=2)\n", "len(repr(np.float64(1.2345)) + str(np.array([1.23456]))) + x", m("precision=2", "precision=4"))
body("seed at import", "import random\nrandom.seed(1)\n", "random.Random(x).randint(0, 9) + random.randint(0, 999)", m("seed(1)", "seed(2)"))
body("option set in another module", "import setup_all\nimport decimal\n", "len(str(decimal.Decimal(1) / 3)) + x", ("setup_all.py", "= 3", "= 5"), files={"setup_all.py": "import decimal\ndecimal.getcontext().prec = 3\n"})
body("option set by a function at import", "import decimal\ndef setup():\n    decimal.getcontext().prec = 3\nsetup()\n", "len(str(decimal.Decimal(1) / 3)) + x", m("= 3", "= 5"))
body("library patched at import", "import json\njson.extra = lambda: 1\n", "json.extra() + x", m("lambda: 1", "lambda: 2"))
body("library patched in a module", "import fix, json\n", "json.extra() + x", ("fix.py", "return 1", "return 2"), files={"fix.py": "import json\ndef extra(): return 1\njson.extra = extra\n"})
body("environment set at import", "import os\nos.environ['X_SET'] = '1'\n", "int(os.environ['X_SET']) + x", m("= '1'", "= '2'"))

# Needless

same = {"changes": False}
body("nothing", "", "x + 1", **same)
body("comment", "def h(x): return x + 1\n", "h(x)", m("return x + 1", "return x + 1  # one"), **same)
body("reformatted", "def h(x): return max(x, 1)\n", "h(x)", m("max(x, 1)", "max(\n    x,\n    1,\n)"), **same)
body("docstring", 'def h(x):\n    """One."""\n    return x + 1\n', "h(x)", m("One", "Two"), **same)
body("docstring added", "def h(x):\n    return x + 1\n", "h(x)", m("def h(x):\n", 'def h(x):\n    """Says."""\n'), **same)
body("renamed helper", "def h(x): return x + 1\n", "h(x)", m("h(x)", "hh(x)"), **same)
body("renamed variable", "LIMIT = 5\n", "x + LIMIT", m("LIMIT", "MOST"), **same)
body("renamed local", "def h(x):\n    y = x + 1\n    return y\n", "h(x)", m("    y = x + 1\n    return y", "    why = x + 1\n    return why"), **same)
body("renamed module", "import a\n", "a.h(x)", m("import a\n", "import b as a\n"), lambda d: (d / "a.py").rename(d / "b.py"), files=A, **same)
body("renamed module and import from", "from a import h\n", "h(x)", m("from a", "from b"), lambda d: (d / "a.py").rename(d / "b.py"), files=A, **same)
body("helper moved into a module", "def h(x): return x + 1\n", "h(x)", m("def h(x): return x + 1\n", "from a import h\n"), files=A, **same)
body("annotation", "def h(x: int) -> int: return x\n", "h(x)", m("h(x: int) -> int", "h(x: 'float') -> object"), **same)
body("annotation added", "def h(x): return x\n", "h(x)", m("def h(x):", "def h(x: int) -> int:"), **same)
body("annotation of a local", "def h(x):\n    y = x\n    return y\n", "h(x)", m("y = x", "y: int = x"), **same)
body("future annotations", "def h(x: int): return x\n", "h(x)", m(HEAD, "from __future__ import annotations\n" + HEAD), **same)
body("another function added", "def h(x): return x\n", "h(x)", m("def h", "def other(): return 1\ndef h"), **same)
body("another variable", "A = 1\nB = 2\n", "A + x", m("B = 2", "B = 3"), **same)
body("another function of the module", "import a\n", "a.h(x)", ("a.py", "x - 1", "x - 2"), files={"a.py": "def h(x): return x + 1\ndef g(x): return x - 1\n"}, **same)
body("order of functions", "def g(x): return x + 2\ndef h(x): return x + 1\n", "h(x) + g(x)", m("def g(x): return x + 2\ndef h(x): return x + 1\n", "def h(x): return x + 1\n\n\ndef g(x): return x + 2\n"), **same)
body("import added", "", "x + 1", m(HEAD, HEAD + "import json\n"), **same)
body("logger's name", "import logging\nlog = logging.getLogger('a')\ndef h(x):\n    log.debug('x')\n    return x\n", "h(x)", m("'a'", "'b'"), **same)
body("time of start that is logged", "import time, logging\nlog = logging.getLogger(__name__)\nSTART = time.time()\ndef h(x):\n    log.info('took %s', time.time() - START)\n    return x\n", "h(x)", **same)
body("time of start that is printed", "import time\nSTART = time.time()\ndef h(x):\n    took = time.time() - START\n    print(f'took {took:.1f} s')\n    return x\n", "h(x)", **same)
body("a lock", "import threading\nL = threading.Lock()\ndef h(x):\n    with L: return x\n", "h(x)", **same)
body("a cache that a step fills", "CACHE = {}\ndef h(x):\n    CACHE[x] = x + 1\n    return CACHE[x]\n", "h(x)", **same)
body("a list that a step appends to", "CALLS = []\ndef h(x):\n    CALLS.append(x)\n    return x\n", "h(x)", **same)
body("a counter on a class", "class K:\n    n = 0\ndef h(x):\n    K.n += 1\n    return x\n", "h(x)", **same)
body("a counter on a function", "def h(x):\n    h.n += 1\n    return x\nh.n = 0\n", "h(x)", **same)
body("a generator of random numbers", "import random\nR = random.Random(1)\n", "R.randint(0, 99) + x", **same)
body("functional enum again", "from enum import Enum\nE = Enum('E', {'A': 1})\n", "E.A.value + x", **same)
body("set of texts", "S = {'a', 'b', 'c', 'd'}\n", "len(S) + x", **same)
body("set of functions", "def a(x): return 1\ndef b(x): return 2\nS = {a, b}\n", "sum(f(x) for f in S)", **same)
body("constant set in code", "", "x + int('a' in {'a', 'b', 'c'})", **same)
body("class docstring", 'class K:\n    """One."""\n    n = 1\n', "K.n + x", m("One", "Two"), **same)
body("method's annotation", "class K:\n    def m(self, x: int) -> int: return x\n", "K().m(x)", m("self, x: int) -> int", "self, x: float) -> object"), **same)
body("logging configured", "import logging\nlogging.basicConfig(level=logging.INFO)\n", "x + 1", m("INFO", "ERROR"), **same)
code("main guard", STEP + "    return x + 1\n", m('report(flow())', "print('hello')\n    report(flow())"), **same)
body("an edited pipeline function", "", "x + 1", m("def flow():\n", "def flow():\n    print('begins')\n"), **same)
for option in ("-m", "import"):
    after = ("-m", "main") if option == "-m" else ("-c", "import main; report(main.flow())")
    body(f"run with {option} instead", "import logging\nlog = logging.getLogger(__name__)\nclass K:\n    n = 1\n", "K.n + x", command_after=after, **same)
body("moved into a package", "N = 1\n", "x + N", lambda d: [(d / "p").mkdir(), (d / "main.py").rename(d / "p/main.py"), (d / "p/__init__.py").touch()], command_after=("-m", "p.main"), **same)


def copied(folder: Path) -> None:
    import shutil

    (folder / "copy").mkdir()
    for each in list(folder.iterdir()):
        if each.name != "copy":
            shutil.move(each, folder / "copy" / each.name)


body("moved project", "from pathlib import Path\nD = Path(__file__).parent / 'd.txt'\n", "len(D.read_text()) + x", copied, files={"d.txt": "a"}, folder_after="copy", **same)
body("moved project with other data", "from pathlib import Path\nD = Path(__file__).parent / 'd.txt'\n", "len(D.read_text()) + x", copied, ("copy/d.txt", "a", "ab"), files={"d.txt": "a"}, folder_after="copy")
