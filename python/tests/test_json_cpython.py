"""CPython's own `test.test_json`, both its Python and its C variants, bound to `cannery.json`."""

from __future__ import annotations

import sys
import unittest
from collections import Counter
from fnmatch import fnmatch
from types import ModuleType, SimpleNamespace

import cpython
import pytest

from cannery import _native, json

# Cases that cannot apply to another implementation, and why.
EXCLUDED = {
    "test_tool.*": "runs `python -m json.tool`, which is not part of this module",
    "test_speedups.TestSpeedups.*": "asks whether functions come from the module `_json`",
    "test_speedups.TestDecode.test_make_scanner": "calls `_json.make_scanner`, a private class",
    "test_speedups.TestEncode.test_make_encoder": "calls `_json.make_encoder`, a private class",
    "test_speedups.TestEncode.test_bad_str_encoder": "calls `_json.make_encoder`",
    "test_speedups.TestEncode.test_bad_markers_argument_to_encoder": "calls `_json.make_encoder`",
}


def encode_basestring_ascii(text: str) -> str:
    return _native.json_quote(text, ensure_ascii=True)


def encode_basestring(text: str) -> str:
    return _native.json_quote(text, ensure_ascii=False)


def bound_module() -> ModuleType:
    """`cannery.json`, with the submodules whose names the cases use."""
    module = ModuleType("json")
    module.__dict__.update({name: getattr(json, name) for name in json.__all__})
    module.decoder = SimpleNamespace(
        JSONDecoder=json.JSONDecoder,
        JSONDecodeError=json.JSONDecodeError,
        scanstring=_native.json_scan_string,
    )
    module.encoder = SimpleNamespace(
        JSONEncoder=json.JSONEncoder,
        encode_basestring_ascii=encode_basestring_ascii,
        encode_basestring=encode_basestring,
    )
    return module


BOUND = {
    "json": bound_module(),
    "loads": staticmethod(json.loads),
    "dumps": staticmethod(json.dumps),
    "JSONDecodeError": staticmethod(json.JSONDecodeError),
}


def name_of(case: unittest.TestCase) -> str:
    return case.id().removeprefix("test.test_json.")


def load() -> list[unittest.TestCase]:
    package = cpython.find("test_json")
    if package is None:
        return []
    found = []
    for case in cpython.cases(package):
        case.__class__ = type(
            type(case).__name__,
            (type(case),),
            {
                **BOUND,
                "__module__": type(case).__module__,
                "__qualname__": type(case).__qualname__,
            },
        )
        found.append(case)
    return found


CASES = load()


def is_excluded(case: unittest.TestCase) -> bool:
    return any(fnmatch(name_of(case), pattern) for pattern in EXCLUDED)


def test_cpython_cases(capsys: pytest.CaptureFixture[str]) -> None:
    """Run all that applies, and say how many that was."""
    if not CASES:
        pytest.skip("CPython's test.test_json was not found; see the warning above")
    counts: Counter[str] = Counter()
    failures = []
    for case in CASES:
        if is_excluded(case):
            counts["excluded"] += 1
            continue
        result = unittest.TestResult()
        case.run(result)
        outcome = "skipped" if result.skipped else "run"
        counts[outcome] += 1
        failures += [f"{name_of(case)}\n{text}" for _, text in result.failures + result.errors]
    with capsys.disabled():
        print(
            f"\n  CPython {sys.version.split()[0]} test_json: {counts['run']} run, "
            f"{len(failures)} failed, {counts['excluded']} excluded (see EXCLUDED), "
            f"{counts['skipped']} skipped by themselves"
        )
    assert counts["run"] > 100
    assert not failures, "\n".join(failures)


def test_every_exclusion_is_needed() -> None:
    if CASES:
        names = [name_of(case) for case in CASES]
        unused = [pattern for pattern in EXCLUDED if not any(fnmatch(n, pattern) for n in names)]
        assert not unused
