"""Public functions have an example in their docstring, and the examples are true."""

from __future__ import annotations

import doctest
import importlib
import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

MODULES = [
    "cannery", "cannery.cbor", "cannery.json", "cannery.jsonl", "cannery.msgpack", "cannery.npy",
    "cannery.pickle", "cannery.safetensors",
]  # fmt: skip


def public_functions(module_name: str):
    module = importlib.import_module(module_name)
    for name in module.__all__:
        value = getattr(module, name)
        is_own = getattr(value, "__module__", None) not in ("json", "copyreg", "io")
        if callable(value) and not isinstance(value, (type, ModuleType)) and is_own:
            yield f"{module_name}.{name}", value


FUNCTIONS = dict(pair for name in MODULES for pair in public_functions(name))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_an_example(name: str) -> None:
    text = inspect.getdoc(FUNCTIONS[name]) or ""
    assert ">>>" in text or "```python" in text, f"{name} has no example"


CLASSES = {
    f"{name}.{attribute}": value
    for name in MODULES
    for attribute, value in vars(importlib.import_module(name)).items()
    if isinstance(value, type) and not attribute.startswith("_")
}


# Their examples are about classes of the reader's own.
SKETCHES = {"cannery.Materializer", "cannery.register", "cannery.value_of"}


@pytest.mark.parametrize("name", sorted({*FUNCTIONS, *CLASSES} - SKETCHES))
def test_examples_are_true(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = inspect.getdoc({**FUNCTIONS, **CLASSES}[name]) or ""
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(compile(block, name, "exec"), {})
    examples = doctest.DocTestParser().get_doctest(text, {}, name, None, 0)
    if examples.examples:
        result = doctest.DocTestRunner(verbose=False).run(examples)
        assert result.failed == 0
