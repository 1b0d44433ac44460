"""`dis` against `pickletools`, and `explain`."""

from __future__ import annotations

import collections
import datetime
import decimal
import io
import os
import pickle as stdlib
import pickletools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cannery._dis import dis, explain

SUITES = Path(
    os.environ.get("CANNERY_SUITES", Path(__file__).parents[3] / "shared" / "suites"), "pickle"
)

SHARED: list[Any] = [1, 2]
VALUES: list[Any] = [
    None,
    [True, False, 0, -1, 255, 256, 65536, 2**31, -(2**40), 2**100, -(2**100)],
    [0.0, -0.0, 1.5, 1e16, 1e-7, float("inf"), float("nan"), 3.14e300],
    [
        "",
        "a",
        "it's",
        '"',
        'it\'s "so"',
        "\n\t\\",
        "é",
        "\u200b",
        "\ud800",
        "\U0001f600",
        "x" * 300,
    ],
    [b"", b"a'\x00\xff", bytearray(b"abc")],
    {"a": (1,), "b": (1, 2), "c": (1, 2, 3), "d": (1, 2, 3, 4), "e": ()},
    [SHARED, SHARED, {1, 2}, frozenset({3})],
    [datetime.datetime(2026, 11, 21), collections.OrderedDict(a=1), decimal.Decimal("1.5")],
    collections.Counter("abca"),
    1 + 2j,
]


def both(data: bytes, **options: Any) -> tuple[str, str, str, str]:
    """Return what `pickletools` prints and says is wrong, and what we do."""
    results = []
    for function in (pickletools.dis, dis):
        out = io.StringIO()
        fault = ""
        try:
            function(data, out, **options)
        except (ValueError, AssertionError) as error:
            fault = str(error)
        results += [out.getvalue(), fault]
    return tuple(results)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("options", [{}, {"annotate": 1}, {"annotate": 40}, {"indentlevel": 2}])
def test_dis_prints_what_pickletools_prints(
    value: Any, protocol: int, options: dict[str, int]
) -> None:
    theirs, _, ours, _ = both(stdlib.dumps(value, protocol), **options)
    assert ours == theirs


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(json, st.integers(0, 5))
def test_dis_of_any_data(value: Any, protocol: int) -> None:
    theirs, _, ours, _ = both(stdlib.dumps(value, protocol))
    assert ours == theirs


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"N",
        b"N0",
        b"NN.",
        b"t.",
        b"(.",
        b"h\x00.",
        b"Nq\x00q\x00.",
        b"(q\x00.",
        b"0.",
        b"(0N.",
        b"\xff.",
    ],
)
def test_dis_complains_where_pickletools_does(data: bytes) -> None:
    theirs, fault, ours, our_fault = both(data)
    assert ours == theirs
    assert bool(fault) == bool(our_fault)


def test_dis_of_all_samples() -> None:
    files = sorted(SUITES.glob("*/*/*.pkl")) if SUITES.exists() else []
    for path in files:
        data = path.read_bytes()
        theirs, _, ours, _ = both(data)
        assert ours == theirs, path
    print(f"samples taken apart as pickletools does: {len(files)} cases ran")


def test_dis_reads_a_file_from_where_it_stands() -> None:
    file = io.BytesIO(b"junk" + stdlib.dumps([1], 2) + stdlib.dumps([2], 2))
    file.seek(4)
    texts = []
    for _ in range(2):
        out = io.StringIO()
        dis(file, out)
        texts.append(out.getvalue())
    assert texts[0].startswith("    4: \\x80 PROTO      2")
    assert "K    BININT1    2" in texts[1]
    memo: dict[int, Any] = {}
    dis(b"]q\x00.", io.StringIO(), memo)
    dis(b"h\x00.", io.StringIO(), memo)
    assert memo == {0: "list"}


def test_dis_shows_the_stack() -> None:
    out = io.StringIO()
    dis(b"](K\x01e.", out, stack=True)
    assert out.getvalue().splitlines()[2].endswith("[list, mark, int]")


def test_explain_is_a_program_with_places_and_verdicts(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return os.system, ("echo pwned",)

    path = tmp_path / "evil.pkl"
    path.write_bytes(stdlib.dumps({"w": [1, 2], "x": Evil()}, 2))
    program = explain(path)
    lines = [line.split("#")[0].rstrip() for line in program.splitlines()]
    assert lines[1:] == [
        f"from {os.name} import system",
        "v1 = system('echo pwned')",
        "result = {'w': [1, 2], 'x': v1}",
    ]
    assert "danger: calls" in program
    compile(program, "explained", "exec")


def test_explanations_of_data_rebuild_it() -> None:
    value = {"a": [1, 2.5, None, True, b"x", "é"], "t": (1, (2, 3)), "s": {1}, "f": frozenset({2})}
    value["again"] = value["a"]
    for protocol in (4, 5):
        scope: dict[str, Any] = {}
        exec(explain(stdlib.dumps(value, protocol)), scope)
        assert scope["result"] == value
        assert scope["result"]["again"] is scope["result"]["a"]


def test_explain_of_all_samples_is_python() -> None:
    files = sorted(SUITES.glob("*/*/*")) if SUITES.exists() else []
    for path in files:
        program = explain(path)
        assert program, path
    print(f"samples explained: {len(files)} cases ran")
