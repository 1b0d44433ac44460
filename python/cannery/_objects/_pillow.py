"""Pillow: images as PNG where that keeps every pixel, else as their raw bytes."""

# Libraries that are not there are not asked for.
# pyright: reportMissingImports=false, reportMissingModuleSource=false

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from PIL import Image

from cannery.errors import DataTypeError

Parts = dict[str, Any]

_PNG_MODES = frozenset({"1", "L", "LA", "RGB", "RGBA", "I;16"})
# Above, Pillow takes a PNG for a bomb; such images are kept raw.
_LARGE = 64 << 20


def describer_of(cls: type) -> Callable[[Any], tuple[str, Parts]] | None:
    """How an image is described, whatever file it was opened from."""
    if issubclass(cls, Image.Image):
        return lambda image: ("PIL.Image.Image", _parts(image))
    return None


def maker_of(name: str) -> Callable[[Parts], Any] | None:
    """How it is made again."""
    return _make if name == "PIL.Image.Image" else None


def _parts(image: Any) -> Parts:
    if getattr(image, "n_frames", 1) > 1:
        error = DataTypeError("an image of several frames cannot be saved as one")
        error.hint = "save its frames: [frame.copy() for frame in ImageSequence.Iterator(image)]"
        raise error
    image.load()
    parts: Parts = {"mode": image.mode, "size": tuple(image.size)}
    pixels = image.size[0] * image.size[1]
    if image.mode in _PNG_MODES and 0 < pixels <= _LARGE:
        parts["png"] = _png(image)
    else:
        parts["raw"] = image.tobytes()
    if image.palette is not None:
        parts["palette"] = (image.palette.mode, image.palette.tobytes())
    info = {name: value for name, value in image.info.items() if _is_plain(value)}
    exif = getattr(image, "_exif", None)  # what `getexif` made, and its caller may have changed
    return parts | ({"info": info} if info else {}) | ({"exif": exif.tobytes()} if exif else {})


def _png(image: Any) -> bytes:
    out = io.BytesIO()
    bare = image.copy()
    bare.info = {}  # else it would be written into the file, and change the pixels of some modes
    bare.save(out, "PNG")
    return out.getvalue()


def _is_plain(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return all(_is_plain(item) for item in value)
    if isinstance(value, dict):
        return all(_is_plain(item) for pair in value.items() for item in pair)
    return isinstance(value, (str, bytes, int, float, bool, type(None)))


def _make(parts: Parts) -> Any:
    if "png" in parts:
        image = Image.open(io.BytesIO(parts["png"]), formats=["PNG"]).copy()
        image = image if image.mode == parts["mode"] else image.convert(parts["mode"])
    else:
        image = Image.frombytes(parts["mode"], parts["size"], parts["raw"])
    if "palette" in parts:
        mode, data = parts["palette"]
        image.putpalette(data, mode)
    image.info = dict(parts.get("info", {}))
    if "exif" in parts:
        image.getexif().load(parts["exif"])
    return image
