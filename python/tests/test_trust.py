"""What a document that is not trusted may make, import and cost."""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
from hostile_documents import ADDRESS, HOSTILE, WRITER, a_class, a_tuple, function, typed

import cannery
from cannery.errors import CanneryError, DataError, UntrustedTypeError

HERE = Path(__file__).parent


def load(document: Any, **options: Any) -> Any:
    return cannery.loads(json.dumps(document), **options)


def is_inert(document: Any) -> bool:
    """Whether loading gives a record, or an error that says what is wrong with the parts."""
    try:
        return type(load(document)) is cannery.Record
    except (DataError, UntrustedTypeError):
        return True


COUNT = typed("itertools.count", args=a_tuple(0, 1))
RANGE = typed("range", start=0, stop=10**9, step=1)
EXCEPTION = "builtins.UnicodeDecodeError"
FRAME = "traceback.FrameSummary"
LINES = "_lines" if sys.version_info >= (3, 13) else "_line"

# Each is refused, or becomes a record.
REFUSED: dict[str, Any] = {
    "a partial of what writes": typed("functools.partial", function=a_class("numpy.memmap"), args=a_tuple("f"), keywords={}),
    "a partial of a class of the table": typed("functools.partial", function=a_class("decimal.Decimal"), args=a_tuple("1"), keywords={}),
    "a call of any method": WRITER,
    "a call of a private method": typed("operator.methodcaller", name="__init__", args=a_tuple(), keywords={}),
    "a private attribute": typed("operator.attrgetter", args=a_tuple("__class__")),
    "a private attribute within": typed("operator.attrgetter", args=a_tuple("a.__globals__")),
    "a factory of size": typed("collections.defaultdict", value={}, factory=typed("functools.partial", function=a_class("bytearray"), args=a_tuple(10**10), keywords={})),
    "a factory of work": typed("collections.defaultdict", value={}, factory=typed("functools.partial", function=function("builtins.pow"), args=a_tuple(10, 10**9), keywords={})),
    "a factory that counts": typed("collections.defaultdict", value={}, factory=typed("functools.partial", function=a_class("list"), args=a_tuple(COUNT), keywords={})),
    "a deque of a count": typed("collections.deque", value=COUNT, maxlen=3),
    "a deque of a range": typed("collections.deque", value=RANGE, maxlen=None),
    "a chain of what repeats": typed("collections.ChainMap", maps=typed("itertools.repeat", args=a_tuple({}))),
    "bytes by their number": typed("bytearray", value=4 * 10**9),
    "a time of a range": typed("time.struct_time", value=typed("range", start=0, stop=9, step=1)),
    "a status of a range": typed("os.stat_result", value=RANGE),
    "a signature of a count": typed("inspect.Signature", __args__=a_tuple(COUNT), __state__={}),
    "a user list of a count": typed("collections.UserList", data=COUNT),
    "a namespace with an address": typed("types.SimpleNamespace", value={"__array_interface__": ADDRESS}),
    "another namespace with one": typed("argparse.Namespace", **{"__array_struct__": 1}),
    "a namespace that is a path": typed("argparse.Namespace", **{"__fspath__": function("builtins.ascii")}),
    "a method that is shadowed": typed("calendar.Calendar", itermonthdates=1),
    "another class": typed("calendar.Calendar", **{"__class__": a_class("int")}),
    "an attribute that is not listed": typed("string.Template", pattern=1),
    "a formatter that looks up attributes": typed("logging.StrFormatStyle", _fmt="{args.__class__.__init__}"),
    "a formatter of great width": typed("logging.PercentStyle", _fmt="%(x)999999999d"),
    "an encoder of great indentation": typed("json.encoder.JSONEncoder", indent=10**9),
    "an encoder with a method of its own": typed("json.encoder.JSONEncoder", default=function("builtins.repr")),
    "a frame without its line": typed(FRAME, filename="/etc/passwd", lineno=1, name="f", **{LINES: None}),
    "an error beyond its bytes": typed(EXCEPTION, __args__=a_tuple("x", typed("bytes", value="YWI="), -(10**15), 0, "r")),
    "an error whose place is set later": typed(EXCEPTION, __args__=a_tuple("x", typed("bytes", value="YWI="), 0, 1, "r"), end=10**15),
    "an error with another class": typed("builtins.ValueError", __args__=a_tuple(), **{"__class__": a_class("int")}),
    "an error that is a file": typed("urllib.error.HTTPError", __args__=a_tuple()),
    "text that is compiled": typed("typing._GenericAlias", name="Optional", args=a_tuple("__import__('os')")),
    "a reference that is compiled": typed("typing.ForwardRef", arg="1", is_argument=True, module=None, is_class=False),
    "a union of other things": typed("types.UnionType", args=a_tuple({"a": 1}, {"b": 2})),
    "a zone outside of its folder": typed("zoneinfo.ZoneInfo", value="../../../etc/passwd"),
    "a zone by its path": typed("zoneinfo.ZoneInfo", value="/etc/localtime"),
    "a zone of a time": typed("datetime.datetime", value="2026-01-01T00:00:00", zone="../passwd"),
    "a zone that is a record": typed("datetime.datetime", value="2026-01-01T00:00:00", tzinfo=typed("x.Zone")),
    "an encoding that unpacks": typed("email.charset.Charset", input_charset="zlib_codec"),
    "an encoding of a package": typed("email.charset.Charset", input_codec="os.path"),
    "a pattern that prints": typed("re.Pattern", pattern="a", flags=128),
    "a pattern of work": typed("re.Pattern", pattern="(?i)" + "[\x80-\uffff]" * 100, flags=0),
    "an interpolation of a class": typed("configparser.ConfigParser", delimiters=["="], allow_no_value=False, strict=True, default_section="D", empty_lines_in_values=True, interpolation="RawConfigParser", prefixes=[["#"], []], defaults={}, sections={}),
    "a finalizer": typed("tempfile.TemporaryDirectory", name="x"),
    "a process": typed("subprocess.Popen", args=["true"]),
    "a function of typing's": typed("typing._SpecialForm", name="get_type_hints"),
    "a class of typing's": typed("typing._SpecialForm", name="NamedTuple"),
    "a type of text that is compiled": typed("type", name="list", args=a_tuple("__import__('os')")),
    "a partial of typing's": typed("functools.partial", function=typed("typing._SpecialForm", name="get_type_hints"), args=a_tuple(), keywords={}),
    "a partial of a sparse array": typed("collections.defaultdict", value={}, factory=typed("functools.partial", function=a_class("scipy.sparse.csr_array"), args=a_tuple([RANGE]), keywords={})),
    "a partial of a zone": typed("collections.defaultdict", value={}, factory=typed("functools.partial", function=a_class("zoneinfo.ZoneInfo"), args=a_tuple("evil/evil"), keywords={})),
    "a namespace that rounds": typed("types.SimpleNamespace", value={"rint": typed("functools.partial", function=function("operator.mul"), args=a_tuple("x", 10**9), keywords={})}),
    "a namespace with a function": typed("argparse.Namespace", output=function("builtins.sum")),
    "an error with a function": typed("builtins.ValueError", __args__=a_tuple(), rint=function("builtins.sum")),
    "an attribute that is a function": typed("io.BytesIO", value=typed("bytes", value=""), position=0, __attributes__={"rint": function("builtins.sum")}),
    "a cookie that is a namespace": typed("http.cookies.SimpleCookie", __items__={"a": typed("types.SimpleNamespace", value={})}),
    "a mail of a range": typed("email.mime.text.MIMEText", _headers=[], _payload=[RANGE]),
    "a mail of many parameters": typed("email.message.Message", value=typed("bytes", value=base64.b64encode(b"Content-Type: text/plain" + b'; a*0="b"' * 2000 + b"\n\n").decode())),
    "a parser that laughs": typed("configparser.ConfigParser", delimiters=["="], allow_no_value=False, strict=True, default_section="D", empty_lines_in_values=True, interpolation="BasicInterpolation", prefixes=[["#"], []], defaults={}, sections={"s": {f"k{at}": f"%(k{at - 1})s" * 20 if at else "A" * 100 for at in range(10)}}),
    "the importer": a_class("abc.__loader__"),
    "a record within an estimator": typed("sklearn.linear_model._base.LinearRegression", coef_=typed("x.Array")),
    "a module's test": typed("sklearn.conftest", x=1),
}  # fmt: skip


@pytest.mark.parametrize("document", REFUSED.values(), ids=REFUSED)
def test_what_is_refused_or_stays_a_record(document: Any) -> None:
    assert is_inert(document)


# What people save, and what comes back of it without `trust=`.
MADE: dict[str, Any] = {
    "a partial of a type": typed("functools.partial", function=a_class("int"), args=a_tuple(), keywords={"base": 2}),
    "nested defaults": typed("collections.defaultdict", value={}, factory=typed("functools.partial", function=a_class("collections.defaultdict"), args=a_tuple(a_class("int")), keywords={})),
    "a method of text": typed("operator.methodcaller", name="split", args=a_tuple(","), keywords={}),
    "a public attribute": typed("operator.attrgetter", args=a_tuple("a.b", "c")),
    "a namespace": typed("types.SimpleNamespace", value={"a": typed("x.Y")}),
    "a deque of records": typed("collections.deque", value=[typed("x.Y")], maxlen=None),
    "a zone": typed("zoneinfo.ZoneInfo", value="Europe/Paris"),
    "a frame": typed(FRAME, filename="a.py", lineno=1, name="f", locals=None, **{LINES: "x = 1"}),
    "an error": typed("json.decoder.JSONDecodeError", __args__=a_tuple("x"), msg="x", doc="", pos=0, lineno=1, colno=1),
}  # fmt: skip


@pytest.mark.parametrize("document", MADE.values(), ids=MADE)
def test_what_is_made(document: Any) -> None:
    made = load(document)
    assert type(made) is not cannery.Record
    assert f"{type(made).__module__}.{type(made).__qualname__}" == document["$type"]


def test_a_missing_key_of_a_nested_default() -> None:
    assert load(MADE["nested defaults"])["a"]["b"] == 0


def test_a_record_answers_no_protocol() -> None:
    record = load(typed("x.Y", __array_interface__=ADDRESS, __len__=3, a=1))
    for name in ("__array_interface__", "__index__", "__fspath__", "__dataframe__", "__html__"):
        assert not hasattr(record, name)
    assert record["__array_interface__"]["version"] == 3
    assert record.a == 1
    with pytest.raises(AttributeError, match="set the item instead"):
        record.__fspath__ = "x"


def test_a_record_is_one_object_of_an_array() -> None:
    numpy = pytest.importorskip("numpy")
    array = numpy.asarray(cannery.Record("x.Y", {"a": 1}))
    assert array.dtype == object
    assert array.shape == ()


@dataclasses.dataclass
class Shop:
    name: str


def test_attributes_of_a_trusted_class_answer_no_protocol() -> None:
    name = f"{__name__}.Shop"
    with pytest.raises(DataError, match="answers a protocol"):
        load(typed(name, name="x", __array_interface__=ADDRESS), trust=[Shop])
    assert load(typed(name, name="x"), trust=[Shop]) == Shop("x")


# References make values deeper, and dearer, than a document is long.


def chain(count: int, wrap: Any, *tail: Any) -> str:
    links = [{"$id": at, **wrap({"$ref": at - 1} if at > 1 else 1)} for at in range(1, count + 1)]
    return json.dumps([*links, *tail])


def deque_of(item: Any) -> Any:
    return typed("collections.deque", value=[item], maxlen=None)


def test_deep_chains_of_objects_become_records_and_are_freed() -> None:
    loaded = cannery.loads(chain(30_000, deque_of))
    last = loaded[-1]
    assert type(last) is cannery.Record
    del loaded
    assert type(load(deque_of(deque_of(1)))[0]).__name__ == "deque"


@pytest.mark.parametrize("tail", [[], [typed("set", value=[{"$ref": 5000}])]], ids=["free", "set"])
def test_deep_chains_of_tuples_are_refused(tail: list[Any]) -> None:
    with pytest.raises(CanneryError, match="chain of more than"):
        cannery.loads(chain(5000, lambda item: a_tuple(item), *tail))


def test_tuples_that_share_their_items_are_not_hashed_for_ever() -> None:
    links = [{"$id": 1, **a_tuple(1, 2)}]
    links += [{"$id": at, **a_tuple({"$ref": at - 1}, {"$ref": at - 1})} for at in range(2, 50)]
    for last in (typed("set", value=[{"$ref": 49}]), typed("frozenset", value=[{"$ref": 49}])):
        with pytest.raises(CanneryError, match="hashing them takes too long"):
            load([*links, last])
    assert len(load(links)) == 49


@pytest.mark.parametrize(
    "mk",
    [
        lambda a, b: typed("typing._GenericAlias", name="Dict", args=a_tuple(a, b)),
        lambda a, b: typed("types.GenericAlias", origin=a_class("dict"), args=a_tuple(a, b)),
    ],
)
def test_types_that_share_their_arguments_are_refused(mk: Any) -> None:
    links = [{"$id": 1, **mk(a_class("int"), a_class("int"))}]
    links += [{"$id": at, **mk({"$ref": at - 1}, {"$ref": at - 1})} for at in range(2, 40)]
    with pytest.raises(DataError, match="more types than any annotation has"):
        load(links)


def test_a_record_is_printed_once() -> None:
    links = [{"$id": 1, **typed("x.Y", a=1)}]
    for at in range(2, 60):
        links.append({"$id": at, **typed("x.Y", a={"$ref": at - 1}, b={"$ref": at - 1})})
    assert len(repr(load(links)[-1])) < 5000


def test_keys_of_one_hash_are_refused() -> None:
    numbers = [at * ((1 << 61) - 1) for at in range(1, 3000)]
    signs = [[-1 - (at >> bit & 1) for bit in range(12)] for at in range(3000)]
    for items in (numbers, [a_tuple(*item) for item in signs]):
        with pytest.raises(CanneryError, match="have the same hash"):
            load(typed("set", value=items))
    assert len(load(typed("set", value=list(range(3000))))) == 3000
    pairs = [[a_tuple(at, -at), at] for at in range(1, 3000)]
    assert len(cannery.loads(cannery.dumps({tuple(k["value"]): v for k, v in pairs}))) == 2999


def test_records_that_share_their_parts_are_compared_in_linear_time() -> None:
    def shared(first: int) -> list[Any]:
        links = [{"$id": first, **typed("x.Y", a=1)}]
        for at in range(first + 1, first + 60):
            both = {"$ref": at - 1}
            links.append({"$id": at, **typed("x.Y", a=both, b=both)})
        return links

    loaded = load([*shared(1), *shared(100)])
    assert loaded[59] == loaded[119]
    loaded[100].__parts__["a"]["z"] = 1
    assert loaded[59] != loaded[119]


def test_cyclic_records_are_compared() -> None:
    cyclic = {"$id": 1, **typed("x.Y", me={"$ref": 1})}
    assert load(cyclic) == load(cyclic)


@pytest.mark.parametrize(
    "inner",
    [
        {"$ref": 1},
        a_tuple({"$ref": 1}),
        a_tuple(a_tuple(2, {"$ref": 1}), 3),
        typed("frozenset", value=[a_tuple({"$ref": 1})]),
        typed("set", value=[a_tuple(a_tuple({"$ref": 1}))]),
        {"$items": [[a_tuple({"$ref": 1}), 1]]},
    ],
)
def test_a_tuple_that_python_could_not_hash_is_refused(inner: Any) -> None:
    """CPython hashes what is in it without end, or has done so before it was whole."""
    with pytest.raises(DataError, match="is part of itself by way of an immutable value"):
        load({"$id": 1, **a_tuple(inner)})


def test_a_tuple_may_lie_in_itself_by_way_of_a_list() -> None:
    value = load({"$id": 1, **a_tuple([a_tuple({"$ref": 1})], typed("set", value=[a_tuple(1)]))})
    assert value[0][0][0] is value
    with pytest.raises(TypeError):
        hash(value)


def test_what_cannot_take_what_it_waits_for_is_a_data_error() -> None:
    for inner in (
        typed("slice", start={"$ref": 1}, stop=1, step=None),
        typed("set", value=[{"$ref": 1}]),
    ):
        with pytest.raises(DataError):
            load({"$id": 1, **a_tuple(inner, [])})


def test_a_frozen_set_that_waits_for_an_object_is_shared_by_tuples() -> None:
    items = {"$id": 2, **typed("frozenset", value=[{"$ref": 1}])}
    inner = a_tuple({"$ref": 2}, [{"$ref": 2}])
    loaded = load({"$id": 1, **typed("x.Y", parts=a_tuple(items, inner, {"$ref": 2}))})
    first, (second, [third]), fourth = loaded.__parts__["parts"]
    assert first is second is third is fourth
    assert next(iter(first)) is loaded


# What is imported.

PACKAGE = {
    "shop/__init__.py": "",
    "shop/items.py": "class Item: pass\n",
    "shop/wipe.py": "open('ran-wipe', 'w')\nclass Cli: pass\n",
    "shop/__main__.py": "open('ran-main', 'w')\nclass Cli: pass\n",
    "lightgbm/__init__.py": "open('ran-lightgbm', 'w')\n",
    "sklearn.py": "open('ran-sklearn', 'w')\n",
    "numpy.py": "open('ran-numpy', 'w')\n",
    "pandas.py": "open('ran-pandas', 'w')\n",
    "calendar.py": "open('ran-calendar', 'w')\n",
    "graphlib.py": "open('ran-graphlib', 'w')\n",
}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    for name, text in PACKAGE.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def run(folder: Path, code: str) -> str:
    """Run code in a process whose working folder is searched for modules first."""
    env = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=folder, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("trust", "name", "is_made"),
    [
        ("shop.*", "shop.items.Item", False),
        ("shop.items.*", "shop.items.Item", True),
        ("shop.items.Item", "shop.items.Item", True),
        ("shop.*", "shop.wipe.Cli", False),
        ("shop.*", "shop.__main__.Cli", False),
        ("shop.__main__.*", "shop.__main__.Cli", False),
        ("*", "shop.wipe.Cli", False),
        ("*", "os.path.sys", False),
    ],
)
def test_a_pattern_imports_only_what_the_reader_named(
    shop: Path, trust: str, name: str, is_made: bool
) -> None:
    said = run(
        shop,
        f"""
        import cannery
        try:
            made = cannery.loads('{{"$type": "{name}"}}', trust=["{trust}"])
            print(type(made).__name__)
        except cannery.CanneryError as error:
            print("refused")
        """,
    )
    assert (said.strip() == "Item") is is_made, said
    assert not list(shop.glob("ran-*"))


def test_a_pattern_matches_classes_of_modules_that_are_imported(shop: Path) -> None:
    code = """
    import cannery, shop.items
    print(type(cannery.loads('{"$type": "shop.items.Item"}', trust=["shop.*"])).__name__)
    """
    assert run(shop, code).strip() == "Item"


@pytest.mark.parametrize(
    "name",
    [
        "lightgbm.Booster", "lightgbm.basic.Booster", "sklearn.tree._tree.Tree", "sklearn.conftest",
        "numpy.ndarray", "pandas.DataFrame", "calendar.Calendar", "graphlib.TopologicalSorter",
    ],
)  # fmt: skip
def test_nothing_is_imported_from_the_working_folder(shop: Path, name: str) -> None:
    # In a process that has not imported them: where the folder comes first in `sys.path`.
    code = f"""
    import sys; sys.path.insert(0, "")
    import cannery
    try: cannery.loads('{{"$type": "{name}", "a": 1}}')
    except cannery.CanneryError: pass
    """
    if name.partition(".")[0] in ("calendar", "graphlib"):
        (shop / "numpy.py").unlink()
        (shop / "pandas.py").unlink()
    run(shop, code)
    assert not list(shop.glob("ran-*"))


@dataclasses.dataclass
class Job:
    process: subprocess.Popen[bytes] | None = None


class Closing:
    def __del__(self) -> None: ...


def test_a_type_does_not_trust_what_reaches_the_system() -> None:
    document = typed(f"{__name__}.Job", process=typed("subprocess.Popen", args=["true"]))
    with pytest.raises(CanneryError):
        load(document, type=Job)
    assert load(typed(f"{__name__}.Job", process=None), type=Job) == Job()


@pytest.mark.parametrize("cls", [subprocess.Popen, Closing])
def test_classes_given_as_objects_obey_the_same_rules(cls: type) -> None:
    name = f"{cls.__module__}.{cls.__qualname__}"
    with pytest.raises(UntrustedTypeError, match=r"reaches the|has a finalizer"):
        load(typed(name), trust=[cls])
    with pytest.raises(UntrustedTypeError, match=r"reaches the|has a finalizer"):
        load(typed(name), trust=[name])


def test_work_is_in_proportion_to_the_document() -> None:
    patterns = [typed("re.Pattern", pattern=f"(?i)[\x80-\uffff]{at}", flags=0) for at in range(200)]
    start = time.process_time()
    with pytest.raises(DataError, match="too much work"):
        load(patterns)
    assert time.process_time() - start < 5


def test_hostile_values_are_records_or_plain() -> None:
    for document in HOSTILE:
        try:
            load([document])
        except CanneryError:
            continue


@pytest.mark.parametrize("seed", range(2))
def test_documents_with_hostile_parts_do_nothing(tmp_path: Path, seed: int) -> None:
    """A slice; `hostile_documents.py SEED COUNT` goes on for as long as it is told."""
    env = dict(os.environ, PYTHONPATH=os.pathsep.join([str(HERE), *filter(None, sys.path)]))
    done = subprocess.run(
        [sys.executable, HERE / "hostile_documents.py", str(seed), "1500"],
        cwd=tmp_path, env=env, capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1500:]
    assert "1500 documents, 0 failed" in done.stdout
    assert not list(tmp_path.iterdir())


def test_integers_of_a_fraction_are_bounded() -> None:
    digits = "1" * 50_000
    with pytest.raises(DataError, match="an integer of"):
        cannery.loads(f'{{"$type": "fractions.Fraction", "numerator": {digits}, "denominator": 3}}')


def test_objects_without_their_parts_are_none() -> None:
    """A class whose methods need an attribute is not made without it."""
    import copy

    from cannery._objects._stdlib_classes import rules

    for name in rules():
        try:
            value = cannery.loads(json.dumps({"$type": name}))
        except cannery.CanneryError:
            continue
        for use in (repr, lambda value: value == value, copy.copy, cannery.dumps):
            use(value)


def test_no_function_of_a_record_is_called_by_a_library() -> None:
    np = pytest.importorskip("numpy")
    power = typed(
        "functools.partial",
        function=typed("function", name="operator.pow"),
        args=typed("tuple", value=[10, 10**9]),
        keywords={},
    )
    names = ("rint", "sqrt", "_repr_mimebundle_", "_ipython_display_", "_repr_html_")
    record = load(typed("x.Y", scale=power, exp=2, **dict.fromkeys(names, power)))
    assert type(record) is cannery.Record
    for name in names[:-1]:  # the last is the record's own
        assert not hasattr(record, name)
        assert callable(record[name])
    assert record.exp == 2
    assert callable(record.scale)
    held = np.empty(1, object)
    held[0] = record
    for compute in (np.round, np.sqrt):
        with pytest.raises(TypeError):
            compute(held)
