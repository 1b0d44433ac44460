"""Objects of libraries that were once changed without a word, refused, or could not be loaded."""

# pyright: basic, reportAttributeAccessIssue=false, reportArgumentType=false
# pyright: reportMissingModuleSource=false

from __future__ import annotations

import contextlib
import datetime as dt
import io
from collections.abc import Callable
from typing import Any, NamedTuple


SAMPLES: dict[str, Callable[[], Any]] = {}
SAME: dict[str, Callable[[Any, Any], bool]] = {}
TRUST = [f"{__name__}.*"]


def add(name: str, make: Callable[[], Any], same: Callable[[Any, Any], bool] | None = None) -> None:
    assert name not in SAMPLES, name
    SAMPLES[name] = make
    SAME[name] = same or (lambda a, b: type(a) is type(b) and bool(a == b))


class Row(NamedTuple):
    a: int
    b: str


with contextlib.suppress(ImportError):
    import numpy as np

    # Random generators, with the seeds that they spawn others from.

    def same_children(one: Any, other: Any) -> bool:
        is_same = type(one) is type(other) and one.bit_generator.state["bit_generator"] in str(
            other.bit_generator.state
        )
        pairs = zip([one, *one.spawn(2)], [other, *other.spawn(2)], strict=True)
        return is_same and all(a.integers(1 << 60) == b.integers(1 << 60) for a, b in pairs)

    def used(generator: Any) -> Any:
        generator.random(3)
        generator.integers(9, dtype="u4")
        generator.spawn(1)
        return generator

    for _name in ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64"):
        _cls = getattr(np.random, _name)
        add(f"generator {_name}", lambda cls=_cls: used(np.random.Generator(cls(7))), same_children)
        add(
            f"generator of a child {_name}",
            lambda cls=_cls: np.random.Generator(cls(np.random.SeedSequence(7, spawn_key=(1, 2)))),
            same_children,
        )
        add(
            f"random state {_name}",
            lambda cls=_cls: np.random.RandomState(cls(7)),
            lambda a, b: a.normal(size=3).tolist() == b.normal(size=3).tolist(),
        )
    add(
        "old random state",
        lambda: (lambda state: (state.normal(), state)[1])(np.random.RandomState(4)),
        lambda a, b: a.normal(size=3).tolist() == b.normal(size=3).tolist(),
    )
    add(
        "seeds that generators share",
        lambda: (lambda s: [s, np.random.PCG64(s), np.random.Generator(np.random.SFC64(s))])(
            np.random.SeedSequence(7)
        ),
        lambda _, b: b[0] is b[1].seed_seq and b[0] is b[2].bit_generator.seed_seq,
    )
    add(
        "philox of a key",
        lambda: np.random.Philox(key=5, counter=3),
        lambda a, b: a.seed_seq is b.seed_seq and str(a.state) == str(b.state),
    )

    # Records, wherever their fields lie.

    _ALIGNED = np.dtype([("a", "u1"), ("b", "f8")], align=True)
    _RECORDS: dict[str, Any] = {
        "aligned": _ALIGNED,
        "aligned in packed": np.dtype([("x", "u1"), ("y", _ALIGNED)]),
        "aligned in aligned": np.dtype([("x", "u1"), ("y", _ALIGNED)], align=True),
        "reordered": np.dtype([("a", "i4"), ("b", "f8"), ("c", "u1")])[["b", "a"]],
        "overlapping": np.dtype(
            {"names": ["a", "lo", "hi"], "formats": ["<u4", "<u2", "<u2"], "offsets": [0, 0, 2]}
        ),
        "with room": np.dtype({"names": ["a"], "formats": ["i4"], "offsets": [8], "itemsize": 32}),
        "titles": np.dtype([(("A", "a"), "i4"), (("B", "b"), "f8")]),
        "aligned titles": np.dtype([(("A", "a"), "i1"), (("B", "b"), "f8")], align=True),
        "reordered titles": np.dtype(
            {
                "names": ["b", "a"],
                "formats": ["f8", "i4"],
                "offsets": [4, 0],
                "titles": ["T", "U"],
            }
        ),
        "subarrays": np.dtype(
            {"names": ["m", "k"], "formats": [("f4", (2,)), "i1"], "offsets": [1, 0]}
        ),
        "records": np.dtype((np.record, [("a", "i4"), ("b", "f8")])),
        "aligned records": np.dtype((np.record, _ALIGNED)),
        "records inside": np.dtype([("a", np.dtype((np.record, [("x", "i4")])))]),
        "notes": np.dtype([("a", np.dtype("f8", metadata={"k": [1]}))], metadata={"top": 1}),
        "objects": np.dtype([("a", "i1"), ("o", "O")], align=True),
        "reordered objects": np.dtype([("a", "i1"), ("o", "O")])[["o", "a"]],
    }

    def same_dtype(one: Any, other: Any) -> bool:
        def notes(kind: Any) -> list[Any]:
            inner = [notes(field[0]) for field in (kind.fields or {}).values()]
            return [dict(kind.metadata or {}), inner]

        is_equal = repr(one) == repr(other) and one == other and notes(one) == notes(other)
        return is_equal and one.isalignedstruct == other.isalignedstruct

    def same_records(one: Any, other: Any) -> bool:
        return (
            type(one) is type(other)
            and same_dtype(one.dtype, other.dtype)
            and repr(np.asarray(one).tolist()) == repr(np.asarray(other).tolist())
        )

    def ones(kind: Any) -> Any:
        made = np.zeros(3, kind)
        for name in kind.names:
            with contextlib.suppress(ValueError):
                made[name] = 1
        return made

    for _name, _kind in _RECORDS.items():
        add(f"dtype {_name}", lambda kind=_kind: kind, same_dtype)
        add(f"array {_name}", lambda kind=_kind: ones(kind), same_records)
        add(f"scalar {_name}", lambda kind=_kind: ones(kind)[0], same_records)
        add(f"masked {_name}", lambda kind=_kind: np.ma.array(ones(kind)), same_records)

    # Subclasses of numbers and texts.

    class OwnFloat(np.float64): ...

    class OwnInt(np.int16): ...

    class OwnComplex(np.complex64): ...

    class OwnText(np.str_): ...

    class OwnBytes(np.bytes_): ...

    def noted(value: Any) -> Any:
        value.note = ["kept"]
        return value

    def same_scalar(one: Any, other: Any) -> bool:
        return type(one) is type(other) and one == other and vars(one) == vars(other)

    for _cls, _value in (
        (OwnFloat, 1.5), (OwnInt, 3), (OwnComplex, 1j), (OwnText, "a"), (OwnBytes, b"a"),
    ):  # fmt: skip
        add(
            f"scalar of {_cls.__name__}",
            lambda cls=_cls, value=_value: noted(cls(value)),
            same_scalar,
        )

    class OwnMatrix(np.matrix): ...

    add(
        "subclass of matrix",
        lambda: noted(np.eye(2).view(OwnMatrix)),
        lambda a, b: type(a) is type(b) and a.tolist() == b.tolist() and a.note == b.note,
    )

    # Results and exceptions.

    add(
        "svd",
        lambda: np.linalg.svd(np.eye(2)),
        lambda a, b: type(a) is type(b) and str(a) == str(b),
    )
    add("slogdet", lambda: np.linalg.slogdet(np.eye(2)))
    add(
        "unique",
        lambda: np.unique_counts([1, 1, 2]),
        lambda a, b: type(a) is type(b) and str(a) == str(b),
    )
    for _error in (np.linalg.LinAlgError("x"), np.exceptions.AxisError(3, 2)):
        add(
            f"error {type(_error).__name__}",
            lambda error=_error: error,
            lambda a, b: type(a) is type(b) and a.args == b.args and str(a) == str(b),
        )


with contextlib.suppress(ImportError):
    import pandas as pd

    _COLUMNS: dict[str, list[Any]] = {
        "none": ["a", None],
        "all that is missing": [None, float("nan"), pd.NA, pd.NaT],
        "moments": [pd.Timestamp("2026"), pd.Timestamp("2026-07-01", tz="Europe/Paris"), None],
        "only moments": [pd.Timestamp("2026"), pd.Timestamp("2027")],
        "datetimes": [dt.datetime(2026, 1, 1), dt.date(2026, 1, 1), dt.time(1)],
        "deltas": [pd.Timedelta(1, "s"), dt.timedelta(1)],
        "periods": [pd.Period("2026-01", "M"), pd.Period("2026Q1"), pd.NaT],
        "intervals": [pd.Interval(0, 1), pd.Interval(pd.Timestamp("2026"), pd.Timestamp("2027"))],
        "ints": [1, 2**70, True],
        "only ints": [1, 2],
        "truths": [True, None],
        "numpy's": [np.int64(3), np.float32(2), np.str_("x")],
        "rows": [Row(1, "a"), Row(2, "b")],
        "containers": [[1], (2,), {3: 4}, {5}],
        "bytes": [b"a", b""],
        "surrogates": ["\ud800", "x"],
        "mixed": [1, "a", None, 2.5, [1], pd.NaT],
    }

    def same_column(one: Any, other: Any) -> bool:
        a, b = one.tolist(), other.tolist()
        return (
            one.dtype == other.dtype == object
            and [type(item) for item in a] == [type(item) for item in b]
            and repr(a) == repr(b)
        )

    for _name, _items in _COLUMNS.items():
        _make = lambda items=_items: pd.Series(items, dtype=object)  # noqa: E731
        add(f"series of {_name}", _make, same_column)
        add(
            f"column of {_name}",
            lambda make=_make: pd.DataFrame({"c": make(), "k": 1}),
            lambda a, b: same_column(a["c"], b["c"]) and a["k"].equals(b["k"]),
        )
    add(
        "frame of named tuples",
        lambda: pd.DataFrame([Row(1, "a"), Row(2, "b")]),
        lambda a, b: a.equals(b) and list(a) == list(b),
    )


with contextlib.suppress(ImportError):
    from dateutil import tz

    def same_zone(one: Any, other: Any) -> bool:
        moments = [
            dt.datetime(2026, month, 1, tzinfo=zone) for zone in (one, other) for month in (1, 7)
        ]
        offsets = [(moment.utcoffset(), moment.dst(), moment.tzname()) for moment in moments]
        return type(one) is type(other) and offsets[:2] == offsets[2:] and vars(one) == vars(other)

    add("zone tzrange", lambda: tz.tzrange("EST", -18000, "EDT"), same_zone)
    add("zone tzstr", lambda: tz.tzstr("EST5EDT,M3.2.0,M11.1.0"), same_zone)
    add("zone tzlocal", tz.tzlocal, same_zone)

with contextlib.suppress(ImportError):
    import pytz

    for _key in ("Europe/Paris", "UTC", "US/Eastern", "GMT", "Etc/GMT+3"):
        add(f"pytz {_key}", lambda key=_key: pytz.timezone(key), lambda a, b: a is b)
        add(
            f"datetime of pytz {_key}",
            lambda key=_key: pytz.timezone(key).localize(dt.datetime(2026, 7, 1)),
            lambda a, b: a == b and a.tzinfo is b.tzinfo and a.tzname() == b.tzname(),
        )
    add("pytz offset", lambda: pytz.FixedOffset(90), lambda a, b: a is b)
    with contextlib.suppress(ImportError):
        add(
            "column in a zone of pytz",
            lambda: pd.DataFrame(
                {"t": pd.date_range("2026", periods=2, tz=pytz.timezone("Europe/Paris"))}
            ),
            lambda a, b: a.equals(b) and str(a["t"].dtype) == str(b["t"].dtype),
        )


with contextlib.suppress(ImportError):
    from PIL import Image, PngImagePlugin

    def opened(kind: str, mode: str = "RGB", **options: Any) -> Any:
        out = io.BytesIO()
        Image.new(mode, (3, 2), 1).save(out, kind, **options)
        return Image.open(out)

    def itxt() -> Any:
        info = PngImagePlugin.PngInfo()
        info.add_itxt("parameters", "a c\u00e2t\u00e9", "fr", "cl\u00e9")
        return opened("PNG", pnginfo=info, dpi=(72, 72))

    def exif(kind: str) -> Any:
        data = Image.Exif()
        data[0x112] = 6
        return opened(kind, exif=data)

    def same_image(one: Any, other: Any) -> bool:
        one.load()
        return (
            (type(one), one.format, one.mode, one.size)
            == (type(other), other.format, other.mode, other.size)
            and one.tobytes() == other.tobytes()
            and one.info == other.info
            and list(map(_detail, one.info.values())) == list(map(_detail, other.info.values()))
            and dict(one.getexif()).get(0x112) == dict(other.getexif()).get(0x112)
        )

    def _detail(value: Any) -> Any:
        return type(value), getattr(value, "__dict__", None)

    for _kind, _mode in (
        ("JPEG", "RGB"), ("JPEG", "CMYK"), ("PNG", "RGB"), ("PNG", "P"), ("PNG", "I;16"),
        ("GIF", "P"), ("BMP", "RGB"), ("TIFF", "RGB"), ("TIFF", "F"), ("PPM", "RGB"),
        ("ICO", "RGB"), ("TGA", "RGB"), ("PCX", "RGB"), ("SGI", "RGB"), ("IM", "RGB"),
    ):  # fmt: skip
        add(f"image {_kind} {_mode}", lambda kind=_kind, mode=_mode: opened(kind, mode), same_image)
    add("image with dpi", lambda: opened("TIFF", dpi=(72, 72)), same_image)
    add("image with iTXt", itxt, same_image)
    add("image with exif", lambda: exif("JPEG"), same_image)
    add(
        "image with a comment",
        lambda: opened("GIF", "P", comment=b"hi", transparency=1),
        same_image,
    )


with contextlib.suppress(ImportError):
    import polars as pl

    for _kind in (
        pl.Struct({"a": pl.Int8, "b": pl.List(pl.String)}), pl.Struct([]),
        pl.Struct([pl.Field("a", pl.Struct({"x": pl.Date}))]), pl.Field("q", pl.Datetime("ms", "UTC")),
    ):  # fmt: skip
        add(f"polars {_kind}", lambda kind=_kind: kind, lambda a, b: a == b and repr(a) == repr(b))
