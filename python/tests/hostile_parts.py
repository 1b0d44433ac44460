"""Documents of libraries' objects with parts changed for the worse, and a process that uses them.

`python hostile_parts.py SEED FIRST LAST FOLDER` loads and uses the documents of these numbers, and
prints a line for each that takes too long or too much, imports or opens what it should not. The
number of the document at hand lies in a file, for whoever starts the process anew after a crash.
"""

# ruff: noqa: E501  tables of cases

from __future__ import annotations

import base64
import copy
import json
import random
import re
import resource
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cannery

HERE = Path(__file__).parent.parent
CPU_SECONDS = 1.0
MEMORY = 64 << 20
PER_BYTE = 100

Node = Any


def documents(samples: dict[str, Callable[[], Any]]) -> dict[str, Node]:
    """The samples as JSON documents."""
    found = {}
    for name, make in samples.items():
        try:
            found[name] = json.loads(cannery.dumps(make()))
        except cannery.CanneryError:
            continue
    return found


def more_samples() -> dict[str, Callable[[], Any]]:
    """What the samples of libraries lack: states, and objects with more of a structure."""
    import io

    import networkx as nx
    import numpy as np
    import pandas as pd
    import polars as pl
    import pyarrow as pa
    import scipy.interpolate as si
    import scipy.sparse as sp
    from dateutil import relativedelta, tz
    from PIL import Image

    grid = np.arange(48.0).reshape(6, 8) % 5
    words = ["tea", "milk", None, "tea", "water", "juice"]
    made: dict[str, Callable[[], Any]] = {
        f"bits {name}": lambda name=name: getattr(np.random, name)(5)
        for name in ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")
    }
    made |= {
        f"grid {kind}": lambda kind=kind: getattr(sp, f"{kind}_array")(grid)
        for kind in ("csr", "csc", "bsr", "coo", "dia", "dok", "lil")
    }
    image = Image.frombytes("P", (6, 8), bytes(range(48)))
    image.putpalette(bytes(range(240)))
    image.getexif()[271] = "a maker"
    return made | {
        "generator": lambda: np.random.Generator(np.random.Philox(3)),
        "legacy": lambda: np.random.RandomState(3),
        "blocks": lambda: sp.bsr_array(grid, blocksize=(2, 4)),
        "calendar": lambda: np.busdaycalendar("1111100", ["2026-01-01"]),
        "infos": lambda: [np.finfo("f8"), np.iinfo("i2")],
        "spline": lambda: si.make_interp_spline(np.arange(9.0), np.arange(18.0).reshape(9, 2)),
        "pieces": lambda: si.PchipInterpolator(np.arange(9.0), np.arange(9.0) ** 2),
        "bernstein": lambda: si.BPoly([[1, 2], [3, 4], [0, 1]], [0, 1, 3]),
        "categories": lambda: pd.Series(pd.Categorical(words)),
        "levels": lambda: pd.Series(range(6), pd.MultiIndex.from_arrays([words, range(6)])),
        "sparse": lambda: pd.Series(pd.arrays.SparseArray([0, 0, 1, 2, 0, 3], kind="block")),
        "frame": lambda: pd.DataFrame({"a": words, "b": pd.Categorical(words), "c": range(6)}),
        "nullable": lambda: pd.DataFrame({"i": pd.array([1, None, 3], "Int16")}),
        "spans": lambda: [relativedelta.relativedelta(months=1), tz.tzoffset("x", 60), tz.tzutc()],
        "words polars": lambda: pl.DataFrame({"w": words, "c": pl.Series(words, dtype=pl.Categorical)}),
        "lists polars": lambda: pl.DataFrame({"l": [[1], [], None, [2, 3]], "s": [{"a": "x"}] * 4}),
        "words arrow": lambda: pa.table({"w": words, "d": pa.array(words).dictionary_encode()}),
        "lists arrow": lambda: pa.array([[1], [], None, [2, 3]]),
        "images": lambda: [image, Image.effect_noise((9, 9), 50), Image.new("RGBA", (7, 5), 9)],
        "graph": lambda: nx.MultiDiGraph([(1, 2), (1, 2), ("a", (1, 2))]),
        "masked": lambda: np.ma.array(grid, mask=grid > 2),
        "records": lambda: np.array([(1, 2.5, {"a": 1})] * 3, [("i", "<i4"), ("f", "<f8"), ("o", "O")]),
        "bytes": lambda: io.BytesIO(b"x" * 40),
    }  # fmt: skip


# What a part is replaced with.

HUGE = [
    0,
    1,
    -1,
    2,
    5,
    625,
    2**15,
    2**31 - 1,
    2**31,
    -(2**31),
    10**8,
    10**12,
    2**63 - 1,
    2**63,
    -(2**63),
    2**64,
    10**30,
]
TEXTS = ["", "x", "\0", "../../../etc/passwd", "/etc/hostname", "dateutil//etc/hostname", "O", "|O", "V2000000000",
         "<U500000000", "('<f8', (100000, 100000))", "[('__array_interface__', '<i8')]", "__array_interface__", "os", "builtins.eval",
         "U" * 5000, "tofile", "M8[1000000000us]", "StringDType", "Europe/Paris", "\ud800"]  # fmt: skip


def array(dtype: str, shape: list[int], data: bytes) -> Node:
    text = base64.b64encode(data).decode()
    return {"$type": "ndarray", "dtype": dtype, "shape": shape, "order": "C", "data": text}


def tuple_of(*items: Any) -> Node:
    return {"$type": "tuple", "value": list(items)}


INTERFACE = {
    "__array_interface__": {
        "data": tuple_of(4096, False), "shape": tuple_of(1 << 20), "typestr": "|u1", "version": 3,
    }
}  # fmt: skip
OBJECTS = {"$type": "numpy.dtype", "value": "'|O'"}


def strange_values() -> list[Node]:
    """Values of every kind, none of which is expected anywhere."""
    items = {"$type": "numpy.ndarray", "dtype": OBJECTS, "order": "C"}
    return [
        None, True, 1.5, float("nan"), "x", [], {}, [1], {"a": 1}, [[1], [2]],
        {"$type": "types.SimpleNamespace", "value": INTERFACE}, {"$type": "x.Y", **INTERFACE},
        {"$type": "x.Y"}, {"$type": "bytes", "value": ""}, {"$type": "set", "value": [1]},
        tuple_of(), tuple_of(1, 2), {"$type": "range", "start": 0, "stop": 10**9, "step": 1},
        {"$type": "collections.deque", "value": [1], "maxlen": None},
        {"$type": "fractions.Fraction", "numerator": 1, "denominator": 3},
        array("<i8", [0], b""), array("<f8", [1], b"\0" * 8), array("|b1", [3], b"\1\0\1"),
        array("<i4", [3], b"\xff" * 12), array("<i8", [2, 2], b"\x7f" * 32), array(">i4", [1], b"\0\0\0\1"),
        array("<i8", [0, 4], b""), array("<U3", [1], b"\0" * 12),
        {**items, "shape": [1], "items": [None]}, {**items, "shape": [10**9], "items": []},
        {**items, "shape": [2], "items": [{"$type": "x.Y", **INTERFACE}, 10**30]},
        {"$type": "numpy.matrix", "value": array("<i8", [1, 1], b"\0" * 8)},
        {"$type": "numpy.ma.MaskedArray", "data": array("<i8", [1], b"\0" * 8), "mask": False, "hard": False},
        {"$type": "numpy.recarray", "value": array("<i8", [1], b"\0" * 8)},
        {"$type": "function", "name": "builtins.max"}, {"$type": "type", "name": "int"},
        {"$type": "pandas.RangeIndex", "start": 0, "stop": 10**12, "step": 1, "name": None},
        {"$type": "pandas.RangeIndex", "start": 0, "stop": 3, "step": 1, "name": None},
    ]  # fmt: skip


# Changes. Each makes one place of a document worse.


def nodes_of(node: Node) -> Iterator[Node]:
    """Every list and dictionary of a document."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (list, dict)):
            yield node
            waiting.extend(node.values() if isinstance(node, dict) else node)


def changed(document: Node, chance: random.Random) -> Node:
    """A copy of a document with one to three places changed."""
    document = copy.deepcopy({"root": document})
    change = change_place if chance.random() < 0.4 else change_number
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        places = [node for node in nodes_of(document["root"]) if node]
        if places:
            change(chance.choice(places), chance)
    return document["root"]


def is_array(node: Node) -> bool:
    kinds = [type(node.get(name)) for name in ("dtype", "shape", "data")]
    return node.get("$type") == "ndarray" and kinds == [str, list, str]


def change_number(node: Node, chance: random.Random) -> None:
    """Change a number, the elements of an array or a byte, and nothing about their types."""
    if isinstance(node, list):
        numbers = [at for at, item in enumerate(node) if type(item) is int]
        if numbers:
            at = chance.choice(numbers)
            node[at] = near(node[at], chance)
        return
    if is_array(node):
        data = bytearray(decoded(node["data"]))
        (change_element if chance.random() < 0.7 else change_bytes)(data, node["dtype"], chance)
        node["data"] = base64.b64encode(data).decode()
        return
    if node.get("$type") == "bytes" and isinstance(node.get("value"), str):
        data = bytearray(decoded(node["value"]))
        change_bytes(data, "", chance)
        node["value"] = base64.b64encode(data).decode()
        return
    numbers = [name for name, item in node.items() if type(item) in (int, bool)]
    if numbers:
        name = chance.choice(numbers)
        node[name] = near(node[name], chance)


def near(value: Any, chance: random.Random) -> Any:
    if type(value) is bool:
        return not value
    return chance.choice([value + 1, value - 1, -value, 0, 1, 2, 3, 255, *chance.sample(HUGE, 4)])


def decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except ValueError:  # another change came first
        return b""


def change_place(node: Node, chance: random.Random) -> None:
    if isinstance(node, list):
        change_list(node, chance)
        return
    if is_array(node) and chance.random() < 0.8:
        change_array(node, chance)
        return
    names = [name for name in node if name not in ("$type", "$id", "$ref")]
    if not names or chance.random() < 0.05:
        node[chance.choice(["more", "__class__", "predict", "value", "dtype"])] = other(1, chance)
    elif chance.random() < 0.06:
        del node[chance.choice(names)]
    else:
        name = chance.choice(names)
        node[name] = other(node[name], chance)


def change_list(node: list[Node], chance: random.Random) -> None:
    at = chance.randrange(len(node))
    way = chance.random()
    if way < 0.15:
        del node[at]
    elif way < 0.3:
        node.insert(at, copy.deepcopy(node[at]))
    else:
        node[at] = other(node[at], chance)


def other(value: Node, chance: random.Random) -> Node:
    """Another value instead: of the same type and worse, or of any other type."""
    if chance.random() < 0.35:
        return copy.deepcopy(chance.choice(strange_values()))
    if isinstance(value, bool):
        return chance.choice([not value, 2, None])
    if isinstance(value, int):
        return chance.choice([*HUGE, value + 1, value - 1, -value])
    if isinstance(value, str):
        return chance.choice(TEXTS)
    if isinstance(value, float):
        return chance.choice([float("inf"), float("nan"), -1e308, 0.0])
    return copy.deepcopy(chance.choice(strange_values()))


SHAPES = [[0], [1], [2], [3, 1], [1, 1, 1], [2**40], [0, 2**40], []]
DTYPES = "<i8 <i4 >i4 <f8 <f4 |b1 |i1 |u1 <u8 <M8[ns] <M8[Y] <m8[s] |O <U1 |S3 |V8 <c16 <f2".split()


def change_array(node: Node, chance: random.Random) -> None:
    data = bytearray(decoded(node["data"]))
    way = chance.random()
    if way < 0.4:
        change_element(data, node["dtype"], chance)
    elif way < 0.5:
        change_bytes(data, node["dtype"], chance)
    elif way < 0.6:
        node["shape"] = chance.choice(SHAPES)
    elif way < 0.7:
        node["dtype"] = chance.choice(DTYPES)
    else:  # another array, as long as its shape says
        count, node["dtype"] = chance.choice((0, 1, 2, 3, 7, 300)), chance.choice(DTYPES)
        node["shape"] = [count]
        match = re.search(r"\d+", node["dtype"])
        size = int(match[0]) if match else 8
        data = bytearray(chance.randbytes(count * size * (4 if "U" in node["dtype"] else 1)))
    node["data"] = base64.b64encode(data).decode()


def change_element(data: bytearray, dtype: str, chance: random.Random) -> None:
    match = re.fullmatch(r"[<>|]([a-zA-Z])(\d+).*", dtype)
    size = int(match[2]) if match and match[1] in "iufmMb" else 1
    if len(data) < size:
        return
    at = chance.randrange(len(data) // size) * size
    value = near(int.from_bytes(data[at : at + size], "little", signed=True), chance)
    data[at : at + size] = (value % 2 ** (8 * size)).to_bytes(size, "little")


def change_bytes(data: bytearray, dtype: str, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 1, 2, 8))):
        if data:
            byte = chance.choice((0, 1, 8, 127, 128, 255, chance.randrange(256)))
            data[chance.randrange(len(data))] = byte
    if not dtype and chance.random() < 0.1:
        del data[chance.randrange(len(data) + 1) :]


# Use: what a reader would do with a value that it has loaded.


def attempt(use: Callable[[], Any]) -> Any:
    try:
        return use()
    except Exception:
        return None
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        return None


def call(name: str, *args: Any, **options: Any) -> Callable[[Any], Any]:
    def method(value: Any) -> Any:
        return getattr(value, name)(*args, **options)

    method.__name__ = name
    return method


def multiply(value: Any) -> Any:
    import numpy as np

    return value @ np.ones(value.shape[-1]) if value.shape[-1] < 100_000 else None


def is_lazy(value: Any) -> bool:
    """Whether a value is longer than what it holds: it is the reader who makes it long."""
    return type(value).__name__ in ("range", "RangeIndex", "repeat") and (
        not hasattr(value, "__len__") or len(value) > 1 << 20
    )


METHODS = [
    *map(call, """
        sum mean max tolist to_list to_pylist tocsr tocsc tocoo tobsr todok tolil sorted_indices nonzero diagonal
        unique value_counts isna describe to_frame to_numpy to_pandas memory_usage sort_index sort_values drop_duplicates
        is_unique transpose validate tobytes getexif getcolors copy random normal standard_normal integers as_quat
        inv roots integ deriv utcoffset tzname isoformat to_timestamp reset_index degree to_directed flatten ravel
        nonzero round filled compressed keys roll apply_index
    """.split()),
    call("random", 700), call("bytes", 1000), call("spawn", 2), call("generate_state", 5), call("__call__", 0.5),
    call("__call__", [0.1, 1e300, float("nan")]), call("derivative"), call("antiderivative"), call("astype", str),
    call("resize", (3, 3)), call("convert", "RGBA"), call("groupby", level=0), call("get_indexer", [0, "a", None]),
    call("take", [0]), call("isin", [1, "a"]), call("searchsorted", 1), call("argsort"), call("to_dense"),
    call("validate", full=True), call("sum", axis=0), call("dot", 2), call("factorize"), call("head"), call("cast", "string"),
    call("to_period", "D"), call("asfreq", "D"), call("strftime", "%Y"), call("shift", 1), call("number_of_edges"),
]  # fmt: skip


def own_product(value: Any) -> Any:
    """The matrix product with itself; of frames that of numbers: text times a number is long."""
    numbers = value.select_dtypes("number") if hasattr(value, "select_dtypes") else value
    return numbers.T @ numbers


USES: list[Callable[[Any], Any]] = [
    repr, str, hash, len, bool, copy.copy, copy.deepcopy, lambda v: v == v, lambda v: v == copy.copy(v),
    lambda v: v != v, lambda v: v[:2], lambda v: v[0], lambda v: v[-1], lambda v: [v.shape, v.dtype],
    lambda v: [each for _, each in zip(range(50), v, strict=False)], multiply, lambda v: v + v, lambda v: v.T, abs,
    lambda v: v.iloc[0], lambda v: v.loc[v.index[0]], lambda v: v.cat.codes, lambda v: v.codes, lambda v: v.freq,
    lambda v: v.categories, lambda v: v.dt.year, lambda v: v.str.len(), lambda v: v.palette, lambda v: v.info,
    own_product, lambda v: v.A1, lambda v: v.weekmask, lambda v: v + 1, lambda v: v.fill_value,
    *METHODS,
]  # fmt: skip


def as_array(value: Any) -> Any:
    import numpy as np

    return np.asarray(value).sum() if not hasattr(value, "nnz") else None


def use(value: Any, left: int = 60) -> Iterator[tuple[str, Callable[[], Any]]]:
    """The uses of a value and of those within plain containers, each with its name."""
    waiting = [value]
    while waiting and left:
        left -= 1
        value = waiting.pop()
        if isinstance(value, (list, tuple, set)):
            waiting.extend(list(value)[:10])
        elif isinstance(value, dict):
            waiting.extend([*value.keys(), *value.values()][:10])
        elif isinstance(value, cannery.Record):
            waiting.extend(list(value.__parts__.values())[:10])
        elif not isinstance(value, (str, bytes, int, float, type(None))) and not is_lazy(value):
            for each in [*USES, as_array]:
                yield each.__name__, lambda each=each, value=value: each(value)


# The process.


def main(seed: int, first: int, last: int, folder: Path) -> None:
    from samples import libraries

    warnings.simplefilter("ignore")
    found = documents(libraries.SAMPLES | more_samples())
    names = sorted(found)
    for name in names:
        for _, each in use(cannery.loads(json.dumps(found[name]).encode(), "json")):
            attempt(each)
    watch(folder / "findings")
    at, report = folder / "at", (folder / "findings").open("a")
    for number in range(first, last):
        chance = random.Random(f"{seed} {number}")
        name = names[number % len(names)]
        at.write_text(str(number))
        limit_time()
        data = json.dumps(changed(found[name], chance)).encode()
        (folder / "document").write_bytes(data)
        for finding in problems_of(data):
            print(f"{number} {name}: {finding}", file=report, flush=True)
    at.write_text(str(last))


def limit_time() -> None:
    """End the process if a document takes more than seconds of the processor."""
    limit = int(time.process_time()) + 20
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))


def problems_of(data: bytes) -> Iterator[str]:
    """What is wrong with how a document is loaded and used."""
    value, finding = measured("load", lambda: cannery.loads(data, "json"), len(data))
    if finding:
        yield finding
    for name, each in use(value):
        _, finding = measured(name, each, len(data))
        if finding:
            yield f"{finding}, of a {type(value).__name__}"


def measured(name: str, step: Callable[[], Any], size: int) -> tuple[Any, str | None]:
    Path("/proc/self/clear_refs").write_text("5")
    before, started = peak(), time.process_time()
    value = attempt(step)
    took, grown = time.process_time() - started, peak() - before
    del step
    if took > CPU_SECONDS:
        return value, f"{name} took {took:.1f} s"
    if grown > MEMORY + PER_BYTE * size:
        return value, f"{name} took {grown >> 20} MB for {size} bytes"
    return value, None


def peak() -> int:
    """The most memory that the process had since it was last asked to forget, in bytes."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) << 10  # pyright: ignore


FORBIDDEN = (
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "socket.connect",
    "os.remove",
    "os.rename",
)
PACKAGES = (
    "cannery numpy scipy pandas polars _polars_runtime pyarrow PIL networkx dateutil pytz six ml_dtypes tzdata matplotlib sklearn"
).split()  # fmt: skip


def watch(findings: Path) -> None:
    """Report imports from other packages, and anything that is opened to be written."""

    def hook(event: str, args: tuple[Any, ...]) -> None:
        said = None
        if event in FORBIDDEN:
            said = f"{event} {args!r:.100}"
        elif event == "import":
            package = str(args[0]).partition(".")[0]
            if package not in PACKAGES and package not in sys.stdlib_module_names:
                said = f"imports {args[0]!r:.100}"
        elif event == "open" and isinstance(args[0], (str, bytes)):
            path, mode = str(args[0]), str(args[1] or "r")
            is_own = path.startswith(
                ("/proc/self", str(findings.parent), sys.prefix, "/usr/", str(HERE))
            )
            if not is_own or ("hostname" in path or "passwd" in path):
                said = f"opens {path!r:.100} {mode}"
        if said:
            with findings.open("a") as file:
                print(f"audit: {said}", file=file)

    sys.addaudithook(hook)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (12 << 30, 12 << 30))
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
