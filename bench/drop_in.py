"""Run the test-suites of real packages with the standard modules replaced by cannery's.

    python -m bench.drop_in [PACKAGE ...]

Each package comes from the registry with its tests. They are run as they are, and once more with
`sys.modules["json"]` and the like replaced before anything is imported. Printed is every test that
passes as it is and fails with the replacement; the exit status is 1 if one of them is not listed
in `EXCLUDED` with its reason.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

#: What stands for which module.
REPLACED = {
    "json": "cannery.json",
    "pickle": "cannery.pickle.unsafe",
    "msgpack": "cannery.msgpack",
    "yaml": "cannery.yaml",
}

CLOCK = re.compile(r"\d{1,4}[-:]\d{2}[-:]\d{2,4}")

PLUGIN = """
import importlib, os, sys
for pair in os.environ["CANNERY_DROP_IN"].split(","):
    if pair:
        name, _, other = pair.partition("=")
        sys.modules[name] = importlib.import_module(other)
"""


@dataclass(frozen=True)
class Suite:
    """A package, the modules that are replaced for it, and where its tests are."""

    package: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]
    needs: tuple[str, ...] = ()
    options: tuple[str, ...] = field(default=())


SUITES = (
    Suite("diskcache", ("json", "pickle"), ("tests/test_core.py",), ("django",)),
    Suite("joblib", ("json", "pickle"), ("joblib/test/test_hashing.py",), ("numpy",)),
    Suite("msgpack", ("msgpack",), ("test",)),
    Suite("msgpack-numpy", ("msgpack",), ("tests.py",), ("numpy",)),
    Suite("jsonlines", ("json",), ("tests",), ("attrs",)),
    Suite("jsonpickle", ("json", "pickle"), ("tests",), ()),
    Suite("python-json-logger", ("json",), ("tests",), ("freezegun", "tzdata")),
    Suite("marshmallow", ("json",), ("tests",), ("simplejson",)),
    Suite("itsdangerous", ("json",), ("tests",), ("freezegun",)),
    Suite("jsonpatch", ("json",), ("tests.py",), ("jsonpointer",)),
    Suite("cachelib", ("json", "pickle"), ("tests/test_file_system_cache.py",), ()),
    Suite("sortedcontainers", ("pickle",), ("tests",), ()),
    Suite("apispec", ("yaml",), ("tests",), ("marshmallow", "openapi-spec-validator")),
    Suite("confuse", ("yaml",), ("test",), ()),
)

#: Tests that fail with the replacement only, and why that is right.
EXCLUDED: dict[str, str] = {
    "test_nested_headers_preallocation[pairs]": "a map that is a key is refused when it begins, "
    "not when all of it has come",
    "test_dict_to_yaml_unicode": "`dump` writes characters beyond ASCII as they are",
    "test_string_beginning_with_percent": "it overrides a method of PyYAML's scanner",
    "test_tab_indentation_error": "the message of a tab is ours",
    "test_string_tab_indentation_error": "the message of a tab is ours",
    "test_syntax_error": "`:` alone is a mapping in YAML 1.2",
    "test_string_syntax_error": "`:` alone is a mapping in YAML 1.2",
    "test_parse_yaml_docs_syntax_error": "`:` alone is a mapping in YAML 1.2",
}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("packages", nargs="*", help="by default all")
    names = parser.parse_args().packages
    found = 0
    with tempfile.TemporaryDirectory(prefix="drop_in_") as folder:
        for suite in SUITES:
            if not names or suite.package in names:
                found += judge(suite, Path(folder) / suite.package)
    return 1 if found else 0


def judge(suite: Suite, folder: Path) -> int:
    """Run a suite both ways; return how many tests fail only with the replacement."""
    if not prepare(suite, folder):
        return 0
    plain = run(suite, folder, replaced=False)
    ours = run(suite, folder, replaced=True)
    passed = {name for name, ok in plain.items() if ok}
    if not passed:
        print(f"{suite.package}: no test passes as it is")
    worse = sorted(name for name in passed if not ours.get(name, False))
    excluded = [name for name in worse if any(part in name for part in EXCLUDED)]
    print(
        f"{suite.package}: {len(passed)} of {len(plain)} pass as they are, "
        f"{len(worse)} of these fail with ours, {len(excluded)} for a listed reason"
    )
    for name in worse:
        print("   ", name)
    sys.stdout.flush()
    return len(worse) - len(excluded)


def prepare(suite: Suite, folder: Path) -> bool:
    """Unpack the sources, and install the package beside pytest."""
    folder.mkdir(parents=True)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    get = [*pip, "download", "--no-deps", "--no-binary", suite.package]
    subprocess.run([*get, "-d", str(folder), suite.package], check=False, capture_output=True)
    archive = next(iter(folder.glob("*.tar.gz")), None)
    if archive is None:
        print(f"{suite.package}: no sources")
        return False
    with tarfile.open(archive) as sources:
        sources.extraction_filter = getattr(tarfile, "data_filter", lambda member, _path: member)
        sources.extractall(folder / "src")
    target = folder / "site"
    subprocess.run(
        [*pip, "install", "--target", str(target), suite.package, *suite.needs, "pytest"],
        check=True,
    )
    (target / "cannery_drop_in.py").write_text(PLUGIN)
    return True


def run(suite: Suite, folder: Path, *, replaced: bool) -> dict[str, bool]:
    """Whether each test passed."""
    root = next(path for path in (folder / "src").iterdir() if path.is_dir())
    report = folder / f"report-{replaced}.xml"
    pairs = ",".join(f"{name}={REPLACED[name]}" for name in suite.modules) if replaced else ""
    cannery = Path(__file__).resolve().parent.parent / "python"
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(folder / "site"), str(cannery)]),
        "CANNERY_DROP_IN": pairs,
    }
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "cannery_drop_in",
        "-q",
        f"--junitxml={report}",
        "-p",
        "no:cacheprovider",
        "-o",
        "addopts=",
        *suite.options,
        *(str(root / path) for path in suite.tests),
    ]
    subprocess.run(
        command, cwd=root, env=environment, capture_output=True, check=False, timeout=1800
    )
    if not report.exists():
        print(f"{suite.package}: the tests do not run")
        return {}
    outcomes = {}
    for case in ElementTree.parse(report).iter("testcase"):
        failed = any(child.tag in ("failure", "error") for child in case)
        if not any(child.tag == "skipped" for child in case):
            # Some names have the time of the run in them.
            name = CLOCK.sub("<time>", f"{case.get('classname')}.{case.get('name')}")
            outcomes[name] = outcomes.get(name, True) and not failed
    return outcomes


if __name__ == "__main__":
    sys.exit(main())
