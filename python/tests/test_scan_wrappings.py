"""Archives and compressed files that lie, made here: what is in them is found, or not `ok`."""

from __future__ import annotations

import bz2
import gzip
import importlib
import io
import json
import lzma
import pickle as stdlib
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import pytest

import cannery

EVIL = b"\x80\x02cos\nsystem\n(U\x02idtR."
DATA = stdlib.dumps({"rows": list(range(50))}, 4)


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """Write a ZIP archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def tarred(*members: tuple[tarfile.TarInfo, bytes], **options: Any) -> bytes:
    """Write a TAR archive."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", **options) as archive:
        for info, data in members:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


def patched(data: bytes, at: int, new: bytes) -> bytes:
    """Overwrite bytes."""
    return data[:at] + new + data[at + len(new) :]


def central(data: bytes) -> int:
    """Find the first entry of the directory."""
    return data.index(b"PK\x01\x02")


def end(data: bytes) -> int:
    """Find the end record."""
    return data.rindex(b"PK\x05\x06")


def hidden_behind_directory(data: bytes) -> bytes:
    """Make a directory that lists the first member only."""
    at = central(data)
    second = data.index(b"PK\x01\x02", at + 4)
    directory = data[at:second]
    record = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(directory), at, 0)
    return data[:at] + directory + record


EVIL_ZIP = zipped({"model.pkl": EVIL})
DATA_ZIP = zipped({"model.pkl": DATA})
FIRST = len("model.pkl") + 30

#: Archives with something hostile in them that not every reader sees.
HOSTILE: dict[str, bytes] = {
    "stored": EVIL_ZIP,
    "deflated": zipped({"m": EVIL}, zipfile.ZIP_DEFLATED),
    "bzip2": zipped({"m": EVIL}, zipfile.ZIP_BZIP2),
    "lzma": zipped({"m": EVIL}, zipfile.ZIP_LZMA),
    "other extension": zipped({"README.txt": EVIL}),
    "wrong checksum": patched(EVIL_ZIP, central(EVIL_ZIP) + 16, b"\0\0\0\0"),
    "wrong checksum in both": patched(
        patched(EVIL_ZIP, central(EVIL_ZIP) + 16, b"\0\0\0\0"), 14, b"\0\0\0\0"
    ),
    "flags: encrypted": patched(patched(EVIL_ZIP, 6, b"\1\0"), central(EVIL_ZIP) + 8, b"\1\0"),
    "flags: patched": patched(EVIL_ZIP, 6, b"\x20\0"),
    "flags: strong encryption": patched(EVIL_ZIP, central(EVIL_ZIP) + 8, b"\x40\0"),
    "another name in its header": patched(EVIL_ZIP, 30, b"notes.txt"),
    "another size in its header": patched(EVIL_ZIP, 22, b"\1\0\0\0"),
    "prepended": b"#!/bin/sh\n" + EVIL_ZIP,
    "prepended pickle": DATA + EVIL_ZIP,
    "evil pickle before": EVIL + DATA_ZIP,
    "evil pickle behind": DATA_ZIP + EVIL,
    "evil pickle in the gap": DATA_ZIP[: central(DATA_ZIP)]
    + EVIL * 2
    + patched(
        DATA_ZIP[central(DATA_ZIP) :],
        end(DATA_ZIP) - central(DATA_ZIP) + 16,
        struct.pack("<L", central(DATA_ZIP) + 2 * len(EVIL)),
    ),
    "two of one name": zipped({"a": DATA})[: central(zipped({"a": DATA}))] + zipped({"a": EVIL}),
    "not listed": hidden_behind_directory(zipped({"a": DATA, "b": EVIL})),
    "without a directory": EVIL_ZIP[: central(EVIL_ZIP)],
    "cut in the directory": EVIL_ZIP[: end(EVIL_ZIP) - 4],
    "with a comment": EVIL_ZIP[:-2] + struct.pack("<H", 5) + b"hello",
    "with another archive as its comment": DATA_ZIP[:-2]
    + struct.pack("<H", len(EVIL_ZIP))
    + EVIL_ZIP,
    "in an archive": zipped({"inner.zip": EVIL_ZIP}),
    "in an archive, deflated": zipped({"i": zipped({"j": EVIL_ZIP})}, zipfile.ZIP_DEFLATED),
    "image before": b"\x89PNG\r\n\x1a\n" + bytes(20) + EVIL_ZIP,
    "tar in gzip in zip": zipped({"a": gzip.compress(tarred((tarfile.TarInfo("b"), EVIL)))}),
    "tar": tarred((tarfile.TarInfo("a"), DATA), (tarfile.TarInfo("b"), EVIL)),
    "tar in xz": lzma.compress(tarred((tarfile.TarInfo("b"), EVIL))),
    "tar in tar": tarred((tarfile.TarInfo("a"), tarred((tarfile.TarInfo("b"), EVIL)))),
    "pax": tarred((tarfile.TarInfo("b" * 300), EVIL), format=tarfile.PAX_FORMAT),
    "gnu": tarred((tarfile.TarInfo("b" * 300), EVIL), format=tarfile.GNU_FORMAT),
    "behind a tar": tarred((tarfile.TarInfo("a"), DATA)) + EVIL,
    "a zip behind a tar": tarred((tarfile.TarInfo("a"), DATA)) + EVIL_ZIP,
    "gzip of gzip": gzip.compress(gzip.compress(EVIL)),
    "second member of a gzip": gzip.compress(DATA) + gzip.compress(EVIL),
    "second stream of a bz2": bz2.compress(DATA) + bz2.compress(EVIL),
    "second stream of an xz": lzma.compress(DATA) + lzma.compress(EVIL),
    "behind a zlib": zlib.compress(DATA) + EVIL,
    "behind a gzip": gzip.compress(DATA) + EVIL,
    "zlib in bz2 in xz": lzma.compress(bz2.compress(zlib.compress(EVIL))),
    "old joblib": b"ZF0x%-17x" % len(EVIL) + zlib.compress(EVIL),
    "lzma alone": lzma.compress(EVIL, lzma.FORMAT_ALONE),
    "behind a lzma": lzma.compress(DATA, lzma.FORMAT_ALONE) + EVIL,
    "behind an image": b"\x89PNG\r\n\x1a\n" + bytes(20) + EVIL,
    "behind text": b"just a text\n\0" + EVIL,
}


def zip64(data: bytes) -> bytes:
    """Write an archive with the fields of large files."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive, archive.open("a", "w", force_zip64=True) as member:
        member.write(data)
    return file.getvalue()


HOSTILE["zip64"] = zip64(EVIL)
HOSTILE["method 99"] = patched(patched(EVIL_ZIP, 8, b"\x63\0"), central(EVIL_ZIP) + 10, b"\x63\0")


def retyped(kind: bytes, data: bytes = EVIL) -> bytes:
    """Write a TAR archive whose member claims to be of another kind."""
    info = tarfile.TarInfo("b")
    archive = bytearray(tarred((info, data)))
    archive[156:157] = kind
    total = sum(archive[:148]) + 8 * 32 + sum(archive[156:512])
    archive[148:156] = b"%06o\0 " % total
    return bytes(archive)


for letter in b"12345679SZ":
    HOSTILE[f"tar, kind {chr(letter)}"] = retyped(bytes([letter]))


@pytest.mark.parametrize("case", HOSTILE)
def test_no_archive_hides_a_pickle(case: str) -> None:
    report = cannery.scan(HOSTILE[case])
    assert report.verdict != "ok"
    assert report.findings[0].reason


def test_a_link_with_contents_hides_no_member() -> None:
    # Python's reader takes what lies there for the next header.
    inner = tarred((tarfile.TarInfo("evil.pkl"), EVIL))[: 512 + 512]
    data = retyped(b"2", inner)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert archive.getnames() == ["b", "evil.pkl"]
    assert cannery.scan(data).verdict == "danger"


def test_a_length_in_an_extended_header() -> None:
    info = tarfile.TarInfo("a")
    info.pax_headers = {"size": "0"}
    file = tarred((info, EVIL + bytes(512 - len(EVIL))), format=tarfile.PAX_FORMAT)
    assert cannery.scan(file).verdict != "ok"


HONEST: dict[str, bytes] = {
    "zip": DATA_ZIP,
    "deflated": zipped({"a": DATA, "b": DATA}, zipfile.ZIP_DEFLATED),
    "bzip2": zipped({"a": DATA}, zipfile.ZIP_BZIP2),
    "lzma": zipped({"a": DATA}, zipfile.ZIP_LZMA),
    "zip64": zip64(DATA),
    "empty": zipped({}),
    "with folders": zipped({"a/": b"", "a/b": DATA, "a/notes.txt": b"hello\n"}),
    "with a comment": DATA_ZIP[:-2] + struct.pack("<H", 5) + b"hello",
    "tar": tarred((tarfile.TarInfo("a"), DATA)),
    "pax": tarred((tarfile.TarInfo("b" * 300), DATA), format=tarfile.PAX_FORMAT),
    "gnu": tarred((tarfile.TarInfo("b" * 300), DATA), format=tarfile.GNU_FORMAT),
    "ustar": tarred((tarfile.TarInfo("c/" + "b" * 90), DATA), format=tarfile.USTAR_FORMAT),
    "tar in gzip in zip": zipped({"a": gzip.compress(tarred((tarfile.TarInfo("b"), DATA)))}),
    "two members of a gzip": gzip.compress(DATA) + gzip.compress(DATA),
    "old joblib": b"ZF0x%-17x" % len(DATA) + zlib.compress(DATA),
}


def streamed(data: bytes) -> bytes:
    """Write an archive to something that cannot seek: sizes follow the members."""

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.data = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            self.data += data
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", data)
        archive.writestr("b", data)
    return bytes(pipe.data)


HONEST["streamed"] = streamed(DATA)


@pytest.mark.parametrize("case", HONEST)
def test_honest_archives_are_ok(case: str) -> None:
    report = cannery.scan(HONEST[case])
    assert (report.verdict, report.findings) == ("ok", ())


@pytest.mark.parametrize("case", HONEST)
def test_a_changed_byte_of_an_archive_hides_nothing(case: str) -> None:
    whole = HONEST[case].replace(DATA, EVIL) if DATA in HONEST[case] else HONEST[case]
    if EVIL not in whole:
        return
    for at in range(0, len(whole), max(1, len(whole) // 60)):
        for value in (0, 1, 0x2E, 0xFF):
            assert cannery.scan(patched(whole, at, bytes([value]))).verdict != "ok", at


COMPRESSORS: dict[str, tuple[str, Callable[[Any, bytes], bytes]]] = {
    "lz4": ("lz4.frame", lambda module, data: module.compress(data)),
    "zstd": ("zstandard", lambda module, data: module.ZstdCompressor().compress(data)),
    "7z": ("py7zr", lambda module, data: seven_zipped(module, data)),
}


def seven_zipped(module: Any, data: bytes) -> bytes:
    """Write a 7z archive."""
    file = io.BytesIO()
    with module.SevenZipFile(file, "w") as archive:
        archive.writef(io.BytesIO(data), "model.pkl")
    return file.getvalue()


@pytest.mark.parametrize("name", COMPRESSORS)
def test_wrappings_of_libraries(name: str) -> None:
    library, wrap = COMPRESSORS[name]
    module = pytest.importorskip(library)
    assert cannery.scan(wrap(module, EVIL)).verdict == "danger"
    assert cannery.scan(wrap(module, DATA)).findings == ()
    assert cannery.scan(wrap(module, DATA)[:-5]).verdict == "unknown"
    assert cannery.scan(zipped({"a": wrap(module, EVIL)})).verdict == "danger"
    if name != "7z":
        assert cannery.scan(wrap(module, DATA) + wrap(module, EVIL)).verdict == "danger"
    assert cannery.scan(wrap(module, DATA) + EVIL).verdict != "ok"


# zlib's and LZ4's frames without the libraries: stored blocks.
def lz4_stored(data: bytes) -> bytes:
    """Write an LZ4 frame of one block that is not compressed."""
    return (
        b"\x04\x22\x4d\x18\x60\x40\x82"
        + struct.pack("<L", len(data) | 1 << 31)
        + data
        + b"\0\0\0\0"
    )


def zstd_stored(data: bytes) -> bytes:
    """Write a Zstandard frame of one raw block."""
    block = struct.pack("<L", len(data) << 3 | 1)[:3]
    return b"\x28\xb5\x2f\xfd\x60" + struct.pack("<H", len(data) - 256) + block + data


def test_frames_of_lz4_and_zstd() -> None:
    evil, data = DATA + EVIL + bytes(300), DATA + bytes(300)
    for wrap in (lz4_stored, zstd_stored):
        assert cannery.scan(wrap(evil)).verdict == "danger", wrap
        assert cannery.scan(wrap(data)).findings == (), wrap
        assert cannery.scan(wrap(data)[:-3]).verdict == "unknown", wrap
        assert cannery.scan(wrap(data) + wrap(evil)).verdict == "danger", wrap
        assert cannery.scan(wrap(data) + EVIL).verdict != "ok", wrap


def test_hdf5_is_searched_and_never_ok() -> None:
    magic = b"\x89HDF\r\n\x1a\n" + bytes(40)
    assert cannery.scan(magic).verdict == "unknown"
    assert cannery.scan(magic + EVIL + bytes(9)).verdict == "danger"
    layer = json.dumps({"class_name": "Lambda", "config": {"function": ["4wEAAAA"]}}).encode()
    assert cannery.scan(magic + layer).verdict == "danger"


def test_files_of_h5py(tmp_path: Any) -> None:
    h5py = pytest.importorskip("h5py")
    for name, data, verdict in (("evil", EVIL, "danger"), ("data", b"weights", "unknown")):
        with h5py.File(tmp_path / name, "w") as file:
            file.attrs["model"] = importlib.import_module("numpy").void(data)
        assert cannery.scan(tmp_path / name).verdict == verdict


def safetensors(header: Any, length: int) -> bytes:
    """Write a safetensors file."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(length)


def test_safetensors() -> None:
    tensor = {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}
    assert cannery.scan(safetensors({"a": tensor}, 24)).verdict == "ok"
    assert (
        cannery.scan(safetensors({"__metadata__": {"by": "me"}, "a": tensor}, 24)).verdict == "ok"
    )
    lies = [
        ({"a": tensor | {"shape": [2, 4]}}, 24),
        ({"a": tensor | {"data_offsets": [0, 2**62]}}, 24),
        ({"a": tensor | {"data_offsets": [8, 32]}}, 32),
        ({"a": tensor, "b": tensor}, 24),
        ({"a": tensor}, 20),
        ({"a": tensor}, 100),
        (b'{"a": nonsense', 24),
        (b'{"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"a":{}}', 24),
    ]
    for header, length in lies:
        report = cannery.scan(safetensors(header, length))
        assert report.verdict == "unknown", header
        assert "the header of the safetensors lies" in report.findings[0].reason
    assert cannery.scan(safetensors({"a": tensor}, 24) + EVIL).verdict == "danger"


TEXTS = [
    ('{"class_name": "Lambda"}', "danger"),
    ('{"class_name" : "Lambda"}', "danger"),
    ('{"config": "{\\"class_name\\": \\"Lambda\\"}"}', "danger"),
    ('{"class_name": "\\u004cambda"}', "danger"),
    ('{"\\u0063lass_name": "__lambda__"}', "danger"),
    ('{"class_name": "Dense", "module": "keras.layers"}', "ok"),
    ('{"class_name": "function", "module": "os", "config": "system"}', "danger"),
    ('{"module": "builtins", "class_name": "function", "config": "eval"}', "danger"),
    ("a: !!python/object/apply:os.system ['id']", "danger"),
    ("a: !!python/object/new:subprocess.Popen [['id']]", "danger"),
    ("a: !!python/object/apply:%6fs.system ['id']", "danger"),
    ("a: !<tag:yaml.org,2002:python/object/apply:os.system> ['id']", "danger"),
    ("a: !<tag:yaml.org,2002:%70ython/object/apply:os.system> ['id']", "danger"),
    ("%TAG !t! tag:yaml.org\n--- !t!,2002:%70ython/object/apply:os.system ['id']", "unknown"),
    ("\ufeff!!%70ython/object/apply:os.system ['id']", "danger"),
    ("# \u2028!!%70ython/object/apply:os.system ['id']", "unknown"),
    ("[!!%70ython/name:os.system , 1]", "danger"),
    ("a: !<tag:yaml.org,2002:js/function> 'f()'", "unknown"),
    ("a: !<tag:yaml.org,2002:str> 'python/object'", "ok"),
    ("a: !!python/name:builtins.eval", "danger"),
    ("a: !!python/module:subprocess", "danger"),
    ("a: !!python/object:my_pkg.Model {}", "unknown"),
    ("a: !!python/tuple [1, 2]", "ok"),
    ("see https://example.org/python/object: it is fine", "ok"),
    ('{"py/object": "os.system"}', "danger"),
    ('{"py/reduce": [{"py/type": "subprocess.Popen"}]}', "danger"),
    ('{"py/object": "my_pkg.Model"}', "unknown"),
    ('{"py/tuple": [1]}', "ok"),
    ('{"rows": [1, 2]}', "ok"),
    ("name: class_name\nvalue: Lambda\n", "ok"),
]


@pytest.mark.parametrize(("text", "verdict"), TEXTS)
def test_configurations_that_are_code(text: str, verdict: str) -> None:
    assert cannery.scan(text.encode()).verdict == verdict


def test_templates_of_language_models() -> None:
    template = b"{{ ''.__class__.__mro__[1].__subclasses__() }}"
    assert cannery.scan(b"GGUF\x03\0\0\0" + bytes(30) + template).verdict == "danger"
    assert cannery.scan(b"GGUF\x03\0\0\0" + bytes(30) + b"{{ message }}").verdict == "ok"


def test_bombs() -> None:
    nested = DATA
    for _ in range(12):
        nested = zipped({"a": nested})
    assert "too deeply" in cannery.scan(nested).findings[0].reason
    for wrap in (gzip.compress, bz2.compress, lzma.compress, zlib.compress):
        bomb = wrap(bytes(5_000_000))
        report = cannery.scan(bomb, max_unpacked=1_000_000)
        assert (report.verdict, "bomb" in report.findings[0].reason) == ("unknown", True)


def test_hdf5_files_that_lead_to_others_are_told(tmp_path: Any) -> None:
    from cannery import hdf5

    path = tmp_path / "links.h5"
    with hdf5.File(path, "w") as file:
        group = file.create_group("deep/er")
        group["away\x1b[2J"] = hdf5.ExternalLink("/etc/passwd", "/x")
        group["again"] = file["deep"]
        file.create_virtual_dataset("virtual", _virtual_layout())
    found = cannery.scan(path)
    reasons = "\n".join(finding.reason for finding in found.findings)
    assert "leads to the file `/etc/passwd`, which other readers open" in reasons
    assert "virtual data `/virtual` leads to the file `elsewhere.h5`" in reasons
    assert "\x1b" not in reasons
    with hdf5.File(path, "w") as file:
        file["x"] = [1, 2]
    assert not any("leads to" in finding.reason for finding in cannery.scan(path).findings)


def _virtual_layout() -> Any:
    from cannery import hdf5

    layout = hdf5.VirtualLayout((3,), "f8")
    layout[:] = hdf5.VirtualSource("elsewhere.h5", "d", (3,))
    return layout
