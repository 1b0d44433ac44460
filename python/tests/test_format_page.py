"""The examples of docs/format.md say what Python objects become, and become them again."""

import collections
import datetime
import decimal
import importlib
import io
import json
import pathlib
import re
import zipfile
import zoneinfo
from typing import Any

import pytest

import cannery
from cannery._objects._known import BY_NAME

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "format.md"
EXAMPLE = re.compile(r"```python\n(.*?)\n```\n```json\n(.*?)\n```", re.DOTALL)
REFUSED = re.compile(r"```json refused\n(.*?)\n```", re.DOTALL)
MODULES = {
    module.__name__: module for module in (collections, datetime, decimal, pathlib, zoneinfo)
}

examples = EXAMPLE.findall(PAGE.read_text())
refused = REFUSED.findall(PAGE.read_text())


def evaluated(expression: str) -> Any:
    return eval(expression, dict(MODULES))  # the page is the project's own


def test_the_page_has_examples() -> None:
    assert len(examples) >= 10
    assert len(refused) >= 5


@pytest.mark.parametrize(("expression", "document"), examples)
def test_an_object_becomes_the_document(expression: str, document: str) -> None:
    written = cannery.dumps(evaluated(expression), format="json")
    assert json.loads(written) == json.loads(document)


@pytest.mark.parametrize(("expression", "document"), examples)
def test_the_document_becomes_the_object(expression: str, document: str) -> None:
    value, expected = cannery.loads(document.encode(), format="json"), evaluated(expression)
    assert type(value) is type(expected)
    assert value == expected


@pytest.mark.parametrize("document", refused)
def test_a_bad_document_is_refused(document: str) -> None:
    with pytest.raises(cannery.CanneryError):
        cannery.loads(document.encode(), format="json")


def test_yaml_is_written_as_the_page_says() -> None:
    (document,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    value = cannery.loads(document, format="yaml")
    assert value["first"] is value["all"][0]
    assert value["first"].type_name == "my_package.Box"
    assert cannery.dumps(value, format="yaml").decode() == document


def test_the_manifest_is_as_the_page_says() -> None:
    (document,) = re.findall(r"```json manifest\n(.*?)```", PAGE.read_text(), re.DOTALL)
    with zipfile.ZipFile(io.BytesIO(cannery.dumps({}, format="can"))) as archive:
        assert archive.namelist() == ["document.json", "manifest.json"]
        assert json.loads(archive.read("manifest.json")) == json.loads(document)


def names_in_tables() -> set[str]:
    return set(re.findall(r"`([^`\n]+)`", PAGE.read_text()))


def test_every_name_of_a_data_type_is_on_the_page() -> None:
    # Where other systems have other names.
    written = {name.replace("nt.", "posix.") for name in BY_NAME}
    assert written - names_in_tables() == set()


# Of which the page names one, and says that the others are as it is.
FAMILIES = ("numpy.polynomial.", "polars.datatypes.classes.")
SCALARS = {
    f"numpy.{name}"
    for name in """
    bool bool_ int8 int16 int32 int64 uint8 uint16 uint32 uint64 byte ubyte short ushort intc uintc
    int_ uint long ulong longlong ulonglong intp uintp float16 float64 float96 float128 half single
    double longdouble complex64 complex128 complex192 complex256 csingle cdouble clongdouble str_
    bytes_ void record datetime64 timedelta64
    """.split()
}


@pytest.mark.parametrize("library", ["numpy", "pandas", "polars", "pyarrow"])
def test_every_name_of_a_library_is_on_the_page(library: str) -> None:
    pytest.importorskip(library)
    adapter = importlib.import_module(f"cannery._objects._{library}")
    names = {name for name in adapter._MAKERS if not name.startswith(FAMILIES)}
    assert names - SCALARS - names_in_tables() == set()


def names_of(library: str) -> set[str]:
    """The names of the types of a library whose adapter makes them by family."""
    pytest.importorskip(library)
    if library == "PIL":
        return {"PIL.Image.Image"}
    adapter = importlib.import_module(f"cannery._objects._{library}")
    if library == "torch":
        return {*adapter._SMALL, "torch.Tensor", "torch.nn.Parameter"}
    if library == "networkx":
        return {f"networkx.{name}" for name in adapter._CLASSES}
    sparse = {f"scipy.sparse.{name}" for name in adapter._CLASSES}
    return sparse | {name for name, _ in adapter._SPLINES.values()}


@pytest.mark.parametrize("library", ["scipy", "networkx", "PIL", "torch"])
def test_every_name_of_a_family_is_on_the_page(library: str) -> None:
    assert names_of(library) - names_in_tables() == set()
