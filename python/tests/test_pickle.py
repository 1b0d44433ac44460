"""Loading pickles: data comes out, code does not run, and the refusal explains itself."""

import collections
import datetime as dt
import decimal
import enum
import fractions
import io
import ipaddress
import os
import pathlib
import pickle as stdlib
import re
import time
import uuid

import numpy as np
import pytest

import cannery
from cannery import pickle
from cannery.pickle import unsafe


class Model:
    def __init__(self):
        self.weights = [1.0, 2.0]

    def __eq__(self, other):
        return vars(self) == vars(other)


class Colour(enum.Enum):
    RED = 1


class Slots:
    __slots__ = ("a", "b")


class Evil:
    def __reduce__(self):
        return os.system, ("touch pwned",)


SHARED = ["x"]
DATA = [
    None,
    True,
    -5,
    2**40,
    -(2**100),
    1.5,
    "é\ud800😀",
    "x" * 300,
    b"bytes",
    bytearray(b"abc"),
    (1, (2, 3), ()),
    [SHARED, SHARED],
    {1: "a", "b": {2.5: None}, (1, 2): []},
    {1, 2},
    frozenset([3]),
    1j,
    range(3),
    slice(1, 2),
    ...,
    dt.datetime(2026, 11, 21, tzinfo=dt.UTC),
    dt.timedelta(1),
    decimal.Decimal("1.5"),
    fractions.Fraction(1, 3),
    uuid.UUID(int=5),
    pathlib.PurePosixPath("a/b"),
    re.compile("a+", re.IGNORECASE),
    ipaddress.ip_address("10.0.0.1"),
    collections.Counter("abca"),
    collections.OrderedDict(a=1),
    collections.defaultdict(list, a=[1]),
    collections.deque([1, 2], 3),
    np.dtype("f4"),
    np.float64(2.5),
]


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("value", DATA, ids=lambda value: type(value).__name__)
def test_data_needs_no_trust(value, protocol):
    data = stdlib.dumps(value, protocol)
    assert pickle.loads(data) == value
    assert type(pickle.loads(data)) is type(value)
    assert pickle.load(io.BytesIO(data)) == value
    assert unsafe.loads(data) == value


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_sharing_and_cycles(protocol):
    array = np.arange(6.0).reshape(2, 3)
    assert np.array_equal(pickle.loads(stdlib.dumps(array, protocol)), array)
    first, second = pickle.loads(stdlib.dumps([SHARED, SHARED], protocol))
    assert first is second
    ring = []
    ring.append(ring)
    back = pickle.loads(stdlib.dumps(ring, protocol))
    assert back[0] is back


def test_a_refusal_explains_itself():
    data = stdlib.dumps({"w": [1, 2], "x": Evil()})
    with pytest.raises(cannery.UntrustedTypeError) as caught:
        pickle.loads(data)
    error = caught.value
    assert isinstance(error, stdlib.UnpicklingError)
    assert isinstance(error, ValueError)
    assert str(error).splitlines()[0] == (
        f"the pickle names `{os.system.__module__}.system`, which runs programs, changes files and "
        f"the environment, and would run `{os.system.__module__}.system('touch pwned')` "
        "(`STACK_GLOBAL`); nothing was imported, called or built in `$.x` at byte 47"
    )
    assert (error.path, error.offset) == ("$.x", 47)
    assert "cannery explain" in error.hint
    assert 'on_untrusted="record"' in error.hint


@pytest.mark.parametrize("trust", [["os.system", "posix.system"], [os.system], ["posix.*"]])
def test_nobody_may_vouch_for_the_system(trust):
    with pytest.raises(cannery.UntrustedTypeError):
        pickle.loads(stdlib.dumps(Evil()), trust=trust)


@pytest.mark.parametrize("name", ["getattr", "eval", "exec", "__import__", "open"])
def test_nobody_may_vouch_for_the_interpreter(name):
    data = f"cbuiltins\n{name}\n.".encode()
    with pytest.raises(cannery.UntrustedTypeError):
        pickle.loads(data, trust=[f"builtins.{name}"])


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("trust", [[Model], [f"{__name__}.Model"], [f"{__name__}.*"], Model])
def test_trusted_classes_are_rebuilt(protocol, trust):
    data = stdlib.dumps([Model()], protocol)
    assert pickle.loads(data, trust=trust) == [Model()]
    with pytest.raises(cannery.UntrustedTypeError, match="is not trusted"):
        pickle.loads(data)
    assert pickle.loads(stdlib.dumps(Colour.RED, protocol), trust=[Colour]) is Colour.RED


@pytest.mark.parametrize("protocol", range(6))
def test_what_is_not_trusted_can_be_kept_as_records(protocol):
    data = stdlib.dumps({"model": Model(), "evil": Evil(), "n": 1}, protocol)
    back = pickle.loads(data, on_untrusted="record")
    assert back["n"] == 1
    assert back["model"].weights == [1.0, 2.0]
    assert back["model"].type_name == f"{__name__}.Model"
    assert back["evil"].args == ("touch pwned",)


def test_a_stream_that_breaks_at_the_end_has_done_nothing():
    made = []

    class Loud:
        def __setstate__(self, state):
            made.append(state)

    Loud.__qualname__ = "Loud"
    globals()["Loud"] = Loud
    loud = Loud()
    loud.x = 1
    data = stdlib.dumps([loud, 2])
    assert len(pickle.loads(data, trust=[Loud])) == 2
    assert len(made) == 1
    for cut in range(len(data)):
        with pytest.raises(pickle.UnpicklingError):
            pickle.loads(data[:cut], trust=[Loud])
    assert len(made) == 1


BOMBS = {
    "memo index": b"Nr\x80\xf0\xfa\x02.",
    "size": b"\x80\x04\x8e\x00\x00\x00\x00\x00\x00\x00\x40.",
    "frame": b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7fN.",
    "tuples in a key": b"}(" + b"K\x01" + b"2\x86" * 64 + b"Nu.",
    "bytes of a size": b"cbuiltins\nbytes\n(J\xff\xff\xff\x7ftR.",
    "list of a range": b"cbuiltins\nlist\n(cbuiltins\nrange\n(J\xff\xff\xff\x7ftRtR.",
    "shape": b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n"
    b"(J\xff\xff\xff\x7ftU\x01btR.",
    "fraction": b"cfractions\nFraction\n(X\x0c\x00\x00\x001e1000000000tR.",
    "digits": b"I" + b"1" * 1_000_000 + b"\n.",
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_stopped_at_once(name):
    start = time.process_time()
    if name == "memo index":
        assert pickle.loads(BOMBS[name]) is None
    else:
        with pytest.raises((pickle.UnpicklingError, cannery.errors.LimitError)):
            pickle.loads(BOMBS[name])
    assert time.process_time() - start < 1


def test_colliding_integers_are_stopped():
    prime = 2**61 - 1
    data = stdlib.dumps({n * prime: n for n in range(1, 3000)})
    with pytest.raises(cannery.errors.LimitError, match="same hash"):
        pickle.loads(data)


def test_depth_costs_memory_only():
    depth = 200_000
    value = pickle.loads(b"]" * depth + b"a" * (depth - 1) + b".")
    for _ in range(depth - 1):
        (value,) = value
    assert value == []


REFUSED = {
    "state of a class": b"cbuiltins\nlist\n}X\x01\x00\x00\x00aNsb.",
    "call of data": b"K\x01)R.",
    "reference only": b"cbuiltins\nprint\n)R.",
    "an import": b"cnumpy.core\n_ufunc_reconstruct\n(X\x02\x00\x00\x00osX\x06\x00\x00\x00systemtR.",
    "a codec": b"c_codecs\nencode\n(X\x01\x00\x00\x00aX\x04\x00\x00\x00zlibtR.",
    "a base": b"ccopy_reg\n_reconstructor\n(cposix\nsystem\nc__builtin__\nobject\nNtR.",
    "invisible call": b"(cposix\nsystem\nX\x02\x00\x00\x00ido0N.",
    "no stop": b"cposix\nsystem\n(X\x02\x00\x00\x00idtR",
    "Python 2": b"c__builtin__\neval\n(S'1'\ntR.",
    "frame": b"\x80\x04\x95\x02\x00\x00\x00\x00\x00\x00\x00K\x01K\x02"
    b"\x95\x01\x00\x00\x00\x00\x00\x00\x00K\x03.",
}


@pytest.mark.parametrize("name", REFUSED)
def test_misuse_is_refused(name):
    with pytest.raises(pickle.UnpicklingError):
        pickle.loads(REFUSED[name])


def test_find_class_and_persistent_ids_by_subclassing():
    class Reader(pickle.Unpickler):
        def find_class(self, module, name):
            return Model if name == "Model" else super().find_class(module, name)

        def persistent_load(self, pid):
            return ("loaded", pid)

    assert Reader(io.BytesIO(stdlib.dumps(Model()))).load() == Model()
    assert Reader(io.BytesIO(b"Pabc\n.")).load() == ("loaded", "abc")
    with pytest.raises(cannery.UntrustedTypeError):
        Reader(io.BytesIO(stdlib.dumps(Evil()))).load()
    with pytest.raises(pickle.UnpicklingError, match="persistent"):
        pickle.loads(b"Pabc\n.")


def test_pickles_in_a_row():
    file = io.BytesIO(b"".join(stdlib.dumps(n, n % 6) for n in range(20)) + b"rest")
    assert [pickle.load(file) for _ in range(20)] == list(range(20))
    assert file.read() == b"rest"
    with pytest.raises(EOFError):
        pickle.load(io.BytesIO())


def test_files_that_can_look_ahead(tmp_path):
    path = tmp_path / "many.pkl"
    path.write_bytes(
        b"".join(stdlib.dumps(["x" * n] * 3, 2) for n in range(0, 20000, 500)) + b"rest"
    )
    with path.open("rb") as file:
        for n in range(0, 20000, 500):
            assert pickle.load(file) == ["x" * n] * 3
        assert file.read() == b"rest"


def test_buffers_out_of_band():
    array = np.arange(10)
    buffers = []
    data = stdlib.dumps(array, 5, buffer_callback=buffers.append)
    assert np.array_equal(pickle.loads(data, buffers=buffers), array)
    with pytest.raises(pickle.UnpicklingError, match="out-of-band"):
        pickle.loads(data)


def test_profiles():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    data = stdlib.dumps(frame)
    with pytest.raises(cannery.UntrustedTypeError, match='profile="pandas"'):
        pickle.loads(data)
    assert pickle.loads(data, profile="pandas").equals(frame)
    assert pickle.loads(data, trust=["pandas"]).equals(frame)
    with pytest.raises(ValueError, match="unknown profile"):
        pickle.loads(data, profile="panda")


class Reduced:
    """Items, pairs, a state and a function that sets it."""

    def __reduce__(self):
        return list, ([],), {"x": 1}, iter([1, 2, 3]), iter({1: 2}.items())


class Named:
    def __getnewargs_ex__(self):
        return (1,), {"b": 2}

    def __new__(cls, a=0, b=0):
        return super().__new__(cls)


class Tree(tuple):
    __slots__ = ()

    class Inner:
        def method(self):
            return None


def _cyclic():
    ring = [1]
    ring.append((ring, {"ring": ring}))
    return ring


WRITTEN = [
    *DATA,
    2**31,
    -(2**31),
    -(2**31) - 1,
    2**2040,
    -(2**63),
    255,
    256,
    65535,
    65536,
    float("inf"),
    -0.0,
    "a\\b\n\r\x00\x1a",
    "x" * 256,
    "é" * 70_000,
    b"y" * 256,
    b"z" * 70_000,
    bytearray(b"z" * 70_000),
    list(range(1000)),
    list(range(1001)),
    list(range(2500)),
    dict.fromkeys(range(1000)),
    dict.fromkeys(range(2001)),
    set(range(1000)),
    frozenset(range(1500)),
    [[]] * 3,
    ("a", ("a", "b"), ["a"]) * 2,
    [f"text {n}" for n in range(20_000)],
    [{"id": n, "name": str(n), "pair": (n, 1.5)} for n in range(3000)],
    Model(),
    [Model(), Model()],
    Colour.RED,
    Named(),
    Tree([1, 2]),
    Tree.Inner,
    Tree.Inner.method,
    len,
    "".join,
    print,
    collections.OrderedDict,
    type(None),
    type(...),
    NotImplemented,
    int,
    ValueError("x"),
    Reduced(),
    np.arange(10.0),
    np.arange(20_000.0),
    np.array(["a", None], dtype=object),
    _cyclic(),
]


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("value", WRITTEN, ids=lambda value: type(value).__name__)
def test_dumps_writes_what_pickle_writes(value, protocol):
    expected = stdlib.dumps(value, protocol)
    assert pickle.dumps(value, protocol) == expected
    chunks, expected_chunks = Chunks(), Chunks()
    pickle.dump(value, chunks, protocol)
    stdlib.dump(value, expected_chunks, protocol)
    assert chunks == expected_chunks


class Chunks(list):
    """A file that remembers what was written at once."""

    def write(self, chunk):
        self.append(bytes(chunk))


def test_deterministic_output_depends_on_the_value_alone():
    first = {"".join(["a", "b"]), "c", ("d", 1), 2, None}
    second = {None, 2, ("d", 1), "c", "".join(["a", "b"])}
    text = "".join(["sha", "red"])
    values = [
        ([first, text, text], [second, "shared", "".join(["share", "d"])]),
        ({"k": frozenset(first)}, {"k": frozenset(second)}),
    ]
    for protocol in range(6):
        for one, other in values:
            data = pickle.dumps(one, protocol, deterministic=True)
            assert data == pickle.dumps(other, protocol, deterministic=True)
            assert stdlib.loads(data) == one
    shared = [1]
    data = pickle.dumps([shared, shared, [2]], deterministic=True)
    back = stdlib.loads(data)
    assert back[0] is back[1]
    assert data.count(b"\x94") == 1


def test_pickler_hooks():
    class Writer(pickle.Pickler):
        dispatch_table = {complex: lambda value: (complex, (0, 0))}  # noqa: RUF012

        def persistent_id(self, obj):
            return "id" if obj == "persist" else None

        def reducer_override(self, obj):
            return (list, ()) if obj is Model else NotImplemented

    file = io.BytesIO()
    Writer(file).dump(["persist", Model, 5j])

    class Reader(stdlib.Unpickler):
        def persistent_load(self, pid):
            return pid.upper()

    assert Reader(io.BytesIO(file.getvalue())).load() == ["ID", [], 0j]


def test_buffers_leave_the_stream():
    array = np.arange(1000.0)
    ours, theirs = [], []
    data = pickle.dumps([array, array], 5, buffer_callback=ours.append)
    assert data == stdlib.dumps([array, array], 5, buffer_callback=theirs.append)
    assert [bytes(b) for b in ours] == [bytes(b) for b in theirs]
    assert len(pickle.dumps(array, 5, buffer_callback=ours.append, deterministic=True)) < 300
    assert len(ours) == 2


def test_what_cannot_be_pickled():
    with pytest.raises(pickle.PicklingError, match="not the same object"):
        pickle.dumps(type("len", (), {"__module__": "builtins"}))
    with pytest.raises(AttributeError, match="local object"):
        pickle.dumps(lambda: None)
    with pytest.raises(TypeError):
        pickle.dumps(n for n in ())
    with pytest.raises(ValueError, match="protocol"):
        pickle.dumps(1, 6)
