"""Python's own types and plain classes: text, bytes, and everything else as tagged JSON."""

from __future__ import annotations

import re
import sys
import zipfile
from pathlib import Path
from typing import Any

import cannery
from cannery import safetensors
from cannery._objects import _tensor_store
from cannery.errors import LimitError
from cannery.materializers._base import Materializer
from cannery.materializers._trust import project_code, trusted_classes

_TYPE_TAG = re.compile(rb'"\$type":\s*"([^"\\]+)"')
# A class or function that is a value itself.
_CODE_TAG = re.compile(rb'"\$type":\s*"(?:type|function)",\s*"name":\s*"([^"\\]+)"')
_TENSORS = "tensors.safetensors"
_CONTAINERS = (list, tuple, dict, set, frozenset)


class TextMaterializer(Materializer[str]):
    """Stores text as a UTF-8 file."""

    format_id = "text.txt/1"

    def save(self, value: str, to: Path) -> None:
        """Write the text; lone surrogates are kept."""
        (to / "text.txt").write_bytes(value.encode("utf-8", "surrogatepass"))

    def load(self, type: type[str], at: Path) -> str:
        """Read the text."""
        return (at / "text.txt").read_bytes().decode("utf-8", "surrogatepass")

    def metadata(self, value: str) -> dict[str, Any]:
        """Count the characters."""
        return {"characters": len(value)}

    def preview(self, value: str) -> str:
        """Show how the text begins."""
        return value[:400]


class BytesMaterializer(Materializer[bytes]):
    """Stores bytes as a file."""

    format_id = "bytes.bin/1"

    def save(self, value: bytes, to: Path) -> None:
        """Write the bytes."""
        (to / "data.bin").write_bytes(value)

    def load(self, type: type[bytes], at: Path) -> bytes:
        """Read the bytes."""
        return (at / "data.bin").read_bytes()


class DataMaterializer(Materializer[Any]):
    """Stores containers, scalars, plain objects and those of libraries that we know.

    They become one tagged JSON document, or a `.can` file where there are arrays beside it.
    PyTorch's tensors, those of modules and their states included, lie in a safetensors file beside
    either.
    """

    format_id = "data.json/1"

    def save(self, value: Any, to: Path) -> None:
        """Write the document."""
        file = to / "data.can"
        with _tensor_store.keeping(value) as tensors:
            cannery.dump(value, file)
        if tensors:
            safetensors.save_file(tensors, to / _TENSORS, {"format": "pt"})
        document = _document_alone(file)
        if document is not None:
            file.unlink()
            (to / "data.json").write_bytes(document)

    def load(self, type: type[Any], at: Path) -> Any:
        """Read the document; only classes that the caller trusts are made again."""
        trust = trusted_classes(type_names_in(_document(at)))
        file = at / "data.json"
        tensors = at / _TENSORS
        arrays = safetensors.load_file(tensors) if tensors.exists() else {}
        with _tensor_store.lending(arrays):
            # The store's own files stay as they are.
            return cannery.load(file if file.exists() else at / "data.can", trust=trust, mmap=True)

    def metadata(self, value: Any) -> dict[str, Any]:
        """Count the items of a container, or say the shape of a table."""
        if isinstance(value, _CONTAINERS):
            return {"items": len(value)}
        shape = getattr(value, "shape", None)
        if not isinstance(shape, tuple):
            return {}
        torch = sys.modules.get("torch")
        if torch is not None and isinstance(value, torch.Tensor):
            return {"dtype": str(value.dtype).removeprefix("torch."), "shape": list(shape)}
        return {"shape": list(shape)}

    def preview(self, value: Any) -> str:
        """Show how the value begins."""
        return repr(value)[:400]


def classes_in(at: Path) -> list[str]:
    """Name the project's own classes of which a stored document holds objects, and its functions.

    They and their methods may be called by the step that gets the document, although nothing else
    names them.
    """
    return sorted(project_code(type_names_in(_document(at))))


def _document(at: Path) -> bytes:
    file = at / "data.json"
    if file.exists():
        return file.read_bytes()
    with zipfile.ZipFile(at / "data.can") as archive:
        return _read_bounded(archive)


def _document_alone(file: Path) -> bytes | None:
    """The document of a file that holds nothing beside it."""
    with zipfile.ZipFile(file) as archive:
        is_alone = set(archive.namelist()) == {"document.json", "manifest.json"}
        return _read_bounded(archive) if is_alone else None


def _read_bounded(archive: zipfile.ZipFile) -> bytes:
    """Read a document that may have been made to expand to more than there is memory."""
    info = archive.getinfo("document.json")
    most = info.file_size if info.compress_type == zipfile.ZIP_STORED else _most(info)
    with archive.open(info) as member:
        document = member.read(most + 1)
    if len(document) > most:
        raise LimitError(f"a stored document expands to more than {most} bytes")
    return document


def _most(info: zipfile.ZipInfo) -> int:
    # As the core allows for a member of a `.can` file.
    return 200 * info.compress_size + (64 << 20)


def type_names_in(document: bytes) -> set[str]:
    """Name the types that a tagged document says its values are of."""
    names = [*_TYPE_TAG.findall(document), *_CODE_TAG.findall(document)]
    return {name.decode("utf-8", "replace") for name in names}
