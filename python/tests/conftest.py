"""What every test may use: the suites beside the checkout, a store of its own, loud counts."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no failure. With `CI` set, Hypothesis draws the same cases every time.
settings.register_profile(
    "untimed", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("untimed")

ROOT = Path(__file__).resolve().parents[2]
SUITES = Path(os.environ.get("CANNERY_SUITES", ROOT.parent / "shared" / "suites"))
CASES_RUN = pytest.StashKey[dict[str, int]]()


#: What takes long and is the same on every interpreter: Rust's work, or other processes.
LONG = frozenset(
    {
        "test_demo", "test_hdf5_suites", "test_map_chunks", "test_random_types", "test_stress",
        "test_torch_suite", "test_yaml_edits", "test_yaml_words",
    }
)  # fmt: skip


#: Of these each interpreter takes a third, not the same as the next: they start many processes.
MANY = frozenset({"test_further_ways_to_code_and_data", "test_code_and_values"})


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--smoke", action="store_true", help="leave out what is long and the same everywhere"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--smoke"):
        skip = pytest.mark.skip(reason="long, and the same on every interpreter: --smoke")
        for item in items:
            if item.path.stem in LONG:
                item.add_marker(skip)
        many = [item for item in items if getattr(item, "originalname", "") in MANY]
        for index, item in enumerate(many):
            if (index + sys.version_info.minor) % 3:
                item.add_marker(skip)


@pytest.fixture(scope="session")
def suites() -> Path:
    """The folder of public conformance suites; a test that needs it is skipped without it."""
    if not SUITES.is_dir():
        pytest.skip(f"no suites at {SUITES}; set CANNERY_SUITES to run their cases")
    return SUITES


@pytest.fixture
def count_cases(request: pytest.FixtureRequest) -> Callable[[str, int], None]:
    """Says how many cases of a suite a test ran; the session ends with the list."""

    def count(suite: str, cases: int) -> None:
        ran = request.config.stash.setdefault(CASES_RUN, {})
        ran[suite] = ran.get(suite, 0) + cases

    return count


@pytest.fixture(autouse=True)
def own_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keeps every test out of the store of whoever runs it, and out of each other's."""
    monkeypatch.setenv("CANNERY_STORE", str(tmp_path / "store"))


def pytest_report_header() -> list[str]:
    return [contents("suites", SUITES), contents("acceptance", SUITES.parent / "acceptance")]


def contents(title: str, folder: Path) -> str:
    if not folder.is_dir():
        return f"{title}: !! none at {folder}: only the project's own cases run"
    return f"{title}: {folder} ({', '.join(sorted(path.name for path in folder.iterdir()))})"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In a worker of pytest-xdist: hands its counts over to the process that prints them."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["cases"] = session.config.stash.get(CASES_RUN, {})


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    ran = node.config.stash.setdefault(CASES_RUN, {})
    for suite, cases in getattr(node, "workeroutput", {}).get("cases", {}).items():
        ran[suite] = ran.get(suite, 0) + cases


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for suite, cases in sorted(config.stash.get(CASES_RUN, {}).items()):
        terminalreporter.write_line(f"{suite}: {cases} cases ran")
