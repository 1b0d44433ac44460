"""Pillow: images as PNG where that keeps every pixel, else as their raw bytes."""

# Libraries that are not there are not asked for.
# pyright: reportMissingImports=false, reportMissingModuleSource=false

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

from PIL import Image

from cannery._objects import _pillow_files
from cannery._objects._checks import (
    DATA,
    LARGEST_EMPTY,
    PLAIN_DICT,
    Check,
    PartError,
    buffer,
    checked,
    either,
    exact,
    integer,
    mismatch,
    one_of,
    text,
    tuple_of,
)
from cannery._objects._exif import check_exif
from cannery._objects._own_names import OwnNames
from cannery._objects._pillow_files import (
    FILE_CHECKS,
    MAKERS,
    check_info,
    check_plain,
    file_parts,
    of_file,
)
from cannery._objects._png import check_png
from cannery.errors import DataTypeError

Parts = dict[str, Any]

_PNG_MODES = frozenset({"1", "L", "LA", "RGB", "RGBA", "I;16"})
# Above, Pillow takes a PNG for a bomb; such images are kept raw.
_LARGE = 64 << 20


def describer_of(cls: type) -> Callable[[Any], tuple[str, Parts]] | None:
    """How an image is described, whatever file it was opened from."""
    if issubclass(cls, Image.Image):
        return lambda image: ("PIL.Image.Image", _parts(image))
    return _pillow_files.describer_of(cls)


@cache
def own_attributes(cls: type) -> frozenset[str] | None:
    """What Pillow itself keeps in an image: the names that its code uses."""
    if not issubclass(cls, Image.Image):
        return None
    names = {name for base in cls.__mro__ for name in vars(base)}
    for base in cls.__mro__:
        for function in vars(base).values():
            code = getattr(getattr(function, "fget", function), "__code__", None)
            names.update(() if code is None else code.co_names)
    return OwnNames.of(cls, names)


def maker_of(name: str) -> Callable[[Parts], Any] | None:
    """How it is made again."""
    return _make_image if name == "PIL.Image.Image" else MAKERS.get(name)


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
    for name, value in image.info.items():
        check_plain(value, f"info[{name!r}]")
    info = {"info": dict(image.info)} if image.info else {}
    return parts | info | _exif_parts(image) | file_parts(image)


def _exif_parts(image: Any) -> Parts:
    # What `getexif` made, and its caller may have changed; a TIFF file has it nowhere else.
    exif = image.getexif() if hasattr(image, "tag_v2") else getattr(image, "_exif", None)
    return {"exif": exif.tobytes()} if exif else {}


def _png(image: Any) -> bytes:
    out = io.BytesIO()
    bare = image.copy()
    bare.info = {}  # else it would be written into the file, and change the pixels of some modes
    bare.save(out, "PNG")
    return out.getvalue()


# Reading. The size is compared with the data before room is made for the pixels.

# How many bytes a pixel has in raw data; 0 for 8 pixels a byte.
_BYTES = {
    "1": 0, "L": 1, "P": 1, "LA": 2, "La": 2, "PA": 2, "I;16": 2, "I;16B": 2, "I;16L": 2,
    "I;16N": 2, "RGB": 3, "YCbCr": 3, "LAB": 3, "HSV": 3, "RGBA": 4, "RGBX": 4, "RGBa": 4,
    "CMYK": 4, "I": 4, "F": 4,
}  # fmt: skip
_PALETTES = {"RGB": 3, "RGBA": 4, "RGBX": 4, "CMYK": 4, "LA": 2, "L": 1}
_SIDE = integer(0, 1 << 24)


def _check_size(parts: Parts) -> None:
    width, height = parts["size"]
    if width * height == 0 and max(width, height) > 1 << 16:
        raise PartError(f"the part 'size': {width} x {height} for no data")
    if ("png" in parts) == ("raw" in parts):
        raise PartError("the part 'png': expected this, or 'raw'")
    if "png" in parts:
        check_png(parts["png"], (width, height), _LARGE)
        return
    per_pixel = _BYTES[parts["mode"]]
    row = width * per_pixel if per_pixel else (width + 7) // 8
    if len(parts["raw"]) != row * height:
        raise PartError(f"the part 'raw': {len(parts['raw'])} bytes for {width} x {height}")
    # Each row has a pointer, however short it is.
    if height > LARGEST_EMPTY + len(parts["raw"]) // 8:
        raise PartError(f"the part 'size': {height} rows are too many for their data")


def _check_palette(value: Any, path: str) -> None:
    tuple_of(one_of(*_PALETTES), DATA)(value, path)
    mode, data = value
    if len(data) % _PALETTES[mode] or len(data) > 256 * _PALETTES[mode]:
        raise PartError(f"the part {path!r}: {len(data)} bytes are no colors of {mode}")


def _named_info(value: Any, path: str) -> None:
    PLAIN_DICT(value, path)
    for name in value:
        either(text(), exact(int, tuple))(name, path)
    check_info(value, path)
    # Where Pillow finds Exif data when it is asked for it.
    exif, profile = value.get("exif"), value.get("Raw profile type exif")
    if exif is None and type(profile) is str:
        with suppress(ValueError):
            exif = bytes.fromhex("".join(profile.split("\n")[3:]))
    if type(exif) is bytes:
        check_exif(exif)


def _make(parts: Parts) -> Any:
    _check_size(parts)
    if "png" in parts:
        image = _opened(parts)
    else:
        image = Image.frombytes(parts["mode"], tuple(parts["size"]), bytes(parts["raw"]))
    if "palette" in parts:
        mode, data = parts["palette"]
        image.putpalette(data, mode)
    image.info = dict(parts.get("info", {}))
    if "exif" in parts:
        check_exif(parts["exif"])
        image.getexif().load(parts["exif"])
    return of_file(image, parts) if "class" in parts else image


def _opened(parts: Parts) -> Any:
    if parts["mode"] not in _PNG_MODES:
        raise PartError(f"the part 'mode': {parts['mode']} is not kept as PNG")
    with Image.open(io.BytesIO(parts["png"]), formats=["PNG"]) as file:
        if tuple(file.size) != tuple(parts["size"]):
            raise PartError(f"the part 'png': it is of the size {file.size}")
        image = file.copy()
    if type(image) is not Image.Image:
        raise mismatch(image, "png", "PIL.Image.Image")
    return image if image.mode == parts["mode"] else image.convert(parts["mode"])


_REQUIRED: dict[str, Check] = {"mode": one_of(*_BYTES), "size": tuple_of(_SIDE, _SIDE)}
_make_image = checked(
    _make,
    _REQUIRED,
    png=buffer,
    raw=buffer,
    palette=_check_palette,
    info=_named_info,
    exif=DATA,
    **FILE_CHECKS,
)
