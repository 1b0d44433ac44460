"""Pillow: what images that were opened from files have besides their pixels."""

# Libraries that are not there are not asked for.
# pyright: reportMissingImports=false, reportMissingModuleSource=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import iTXt
from PIL.TiffImagePlugin import IFDRational

from cannery._installed import installed_module
from cannery._objects._checks import (
    DATA,
    NUMBER,
    PLAIN_DICT,
    TEXT,
    Check,
    PartError,
    checked,
    dict_of,
    exact,
    integer,
    mismatch,
    optional,
    sequence_of,
    text,
    tuple_of,
)
from cannery.errors import DataTypeError

Parts = dict[str, Any]

# Formats whose classes do nothing when a pixel is asked for that is there already.
_FORMATS = """
    Avif Blp Bmp Cur Dcx Dds Fits Fli Ftex Gbr Gif Icns Ico Im Jpeg Jpeg2K Mpo Msp Pcx Pixar Png
    Ppm Psd Qoi Sgi Spider Sun Tga Tiff WebP Xbm Xpm
""".split()
_CLASSES = {f"{name}ImageFile": f"PIL.{name}ImagePlugin" for name in _FORMATS}
_CLASSES["DibImageFile"] = "PIL.BmpImagePlugin"

# What such a class keeps besides, where Pillow looks for it again.
_COUNT = integer(0, 1 << 16)
_FRAMES: dict[str, Check] = {
    **dict.fromkeys(("n_frames", "_n_frames"), integer(1, 1)),
    **dict.fromkeys(("is_animated", "_is_animated"), exact(bool)),
}
_MORE: dict[str, dict[str, Check]] = {
    "JpegImageFile": {
        "layers": _COUNT,
        "layer": sequence_of(tuple_of(_COUNT, _COUNT, _COUNT, _COUNT), list),
        "quantization": dict_of(_COUNT, sequence_of(_COUNT, list)),
        "applist": sequence_of(tuple_of(text(100), DATA), list),
    },
    "PngImageFile": {
        "_text": dict_of(text(), lambda value, path: check_info(value, path)),
    },
}
_MORE["MpoImageFile"] = _MORE["JpegImageFile"]
_MORE["Jpeg2KImageFile"] = {"layers": _COUNT}


def file_parts(image: Any) -> Parts:
    """The class of an image from a file, and what it keeps besides.

    Raises:
        DataTypeError: if the class is none that a reader makes.

    """
    cls = type(image)
    if cls is Image.Image:
        return {}
    if _CLASSES.get(cls.__name__) != cls.__module__:
        error = DataTypeError(f"an image of the class {cls.__qualname__} cannot be saved as one")
        error.hint = "save its pixels: image.copy()"
        raise error
    names = (*_FRAMES, *_MORE.get(cls.__name__, ()))
    more = {name: vars(image)[name] for name in names if name in vars(image)}
    more = {name: part for name, part in more.items() if part is not None}
    parts: Parts = {"class": cls.__name__}
    if isinstance(getattr(image, "filename", None), str) and image.filename:
        parts["filename"] = image.filename
    if isinstance(getattr(image, "custom_mimetype", None), str):
        parts["mimetype"] = image.custom_mimetype
    return parts | ({"more": more} if more else {})


def of_file(image: Any, parts: Parts) -> Any:
    """The image as one of the class that it had when it was opened."""
    name = parts["class"]
    if name not in _CLASSES:
        raise PartError(f"the part 'class': {name!r:.80} is no class of images")
    more = parts.get("more", {})
    for key, part in more.items():
        check = {**_FRAMES, **_MORE.get(name, {})}.get(key)
        if check is None:
            raise PartError(f"the part 'more': {key!r:.80} is nothing that a {name} has")
        check(part, f"more[{key!r}]")
    cls = getattr(installed_module(_CLASSES[name]), name)
    made = cls.__new__(cls)
    vars(made).update(vars(image), **more)
    # Its pixels are there: nothing is left to be read, from no file.
    made.tile, made.fp, made.filename = [], None, parts.get("filename", "")
    made.custom_mimetype = parts.get("mimetype")
    return made


FILE_CHECKS: dict[str, Check] = {
    "class": TEXT,
    "filename": text(4096),
    "mimetype": text(100),
    "more": PLAIN_DICT,
}
"""The parts that only images from files have."""


# What is said about an image.

_SCALARS = (str, bytes, int, float, bool, type(None))
_SEQUENCES = (tuple, list, set, frozenset)
_OWN = (iTXt, IFDRational)


def check_plain(value: Any, path: str) -> None:
    """Refuse what is no plain data: it would be lost.

    Raises:
        DataTypeError: if there is something else in it.

    """
    if type(value) in (*_SCALARS, *_OWN):
        return
    if type(value) in _SEQUENCES:
        for item in value:
            check_plain(item, path)
    elif type(value) is dict:
        for name, item in value.items():
            check_plain(name, path)
            check_plain(item, path)
    else:
        error = DataTypeError(f"{path}: a {type(value).__qualname__} is no data of an image")
        error.hint = f"take it out before: del image.{path}"
        raise error


def check_info(value: Any, path: str, left: int = 8) -> None:
    """Plain data by names: what Pillow and others look up there is no object with methods."""
    if left == 0:
        raise PartError(f"the part {path!r}: it is nested too deeply")
    if type(value) is dict:
        for name, item in value.items():
            check_info(name, path, left - 1)
            check_info(item, f"{path}[{name!r:.80}]", left - 1)
    elif type(value) in _SEQUENCES:
        for item in value:
            check_info(item, path, left - 1)
    elif type(value) not in _OWN:
        exact(*_SCALARS)(value, path)


def describer_of(cls: type) -> Callable[[Any], tuple[str, Parts]] | None:
    """How texts of PNG files and fractions of TIFF files are described."""
    if cls is iTXt:
        return lambda value: (
            "PIL.PngImagePlugin.iTXt",
            {"value": str.__str__(value), "lang": value.lang, "tkey": value.tkey},
        )
    if cls is IFDRational:
        return lambda value: ("PIL.TiffImagePlugin.IFDRational", _fraction_parts(value))
    return None


def _fraction_parts(value: Any) -> Parts:
    parts = {"numerator": value._numerator, "denominator": value._denominator}
    for name, part in parts.items():
        NUMBER(part, name)
    return parts


def _make_text(parts: Parts) -> Any:
    return iTXt(parts["value"], parts["lang"], parts["tkey"])


def _make_fraction(parts: Parts) -> Any:
    made = IFDRational(1)
    for name, part in parts.items():
        if type(part) is int and part.bit_length() > 64:
            raise mismatch(part, name, "a number of 64 bits")
    value = IFDRational(parts["numerator"], parts["denominator"])
    made.__setstate__([value._val, parts["numerator"], parts["denominator"]])
    return made


_LABEL = optional(exact(str, bytes))
MAKERS: dict[str, Callable[[Parts], Any]] = {
    "PIL.PngImagePlugin.iTXt": checked(_make_text, {"value": TEXT, "lang": _LABEL, "tkey": _LABEL}),
    "PIL.TiffImagePlugin.IFDRational": checked(
        _make_fraction, {"numerator": NUMBER, "denominator": NUMBER}
    ),
}
"""How they are made again, by the names of their types."""
