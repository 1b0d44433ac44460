"""CPython's own `test.pickletester`, every abstract case bound to `cannery.pickle.unsafe`."""

from __future__ import annotations

import importlib.util
import sys
import unittest
import warnings
from collections.abc import Callable
from types import ModuleType

import cpython
import pytest
from conftest import SUITES

# Cases that a class cannot run, as newer versions' `test_pickle` says: it has functions only.
EXCLUDED = {"InMemory": ("test_find_class", "test_custom_find_class")}

HARNESS = SUITES / "pickle" / "pickletester_harness.py"


def load(module: str) -> dict[str, type[unittest.TestCase]]:
    """Bind the cases of the running version; none, loudly, if they or the harness are missing."""
    if cpython.find("pickletester") is None:
        return {}
    spec = importlib.util.spec_from_file_location("pickletester_harness", HARNESS)
    if spec is None or spec.loader is None or not HARNESS.is_file():
        warnings.warn(f"no {HARNESS}, so none of pickletester's cases ran", stacklevel=1)
        return {}
    harness: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(harness)
    bound = harness.build(module)
    for name, cases in EXCLUDED.items():
        for case in cases:
            setattr(bound[name], case, None)
    return bound


BOUND = load("cannery.pickle.unsafe")
COUNT = {name: unittest.defaultTestLoader.loadTestsFromTestCase(BOUND[name]) for name in BOUND}


@pytest.mark.parametrize("name", BOUND or ["none"])
def test_cpython_cases(name: str, count_cases: Callable[[str, int], None]) -> None:
    if not BOUND:
        pytest.skip("CPython's test.pickletester did not run; see the warning above")
    result = unittest.TestResult()
    COUNT[name].run(result)
    version = sys.version.split()[0]
    count_cases(f"CPython {version} pickletester", result.testsRun - len(result.skipped))
    failures = [f"{case.id()}\n{text}" for case, text in result.failures + result.errors]
    assert result.testsRun
    assert not failures, "\n".join(failures)


def test_under_the_policy_what_fails_is_refused(count_cases: Callable[[str, int], None]) -> None:
    passed = 0
    for cases in load("cannery.pickle").values():
        result = unittest.TestResult()
        unittest.defaultTestLoader.loadTestsFromTestCase(cases).run(result)
        failed = [case for case, _ in result.failures + result.errors]
        refused = {getattr(case, "test_case", case).id() for case in failed}
        passed += result.testsRun - len(result.skipped) - len(refused)
        for case, text in result.failures + result.errors:
            assert "UntrustedTypeError" in text or "must be a tuple" in text, (case, text)
    count_cases("CPython pickletester under the policy", passed)


def test_hundreds_of_cases_were_bound() -> None:
    if BOUND:
        assert sum(suite.countTestCases() for suite in COUNT.values()) > 550
