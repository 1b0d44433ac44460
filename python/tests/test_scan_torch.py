"""Checkpoints of PyTorch, written by hand after its layouts: honest ones, and ones that lie."""

from __future__ import annotations

import collections
import io
import pickle as stdlib
import struct
import sys
import tarfile
import types
import zipfile
from typing import Any

import pytest

import cannery

MAGIC = 0x1950A86A20F9469CFC6C


class Storage:
    """Numbers outside of the pickle."""

    def __init__(self, key: str, kind: str, count: int, size: int, view: Any = None) -> None:
        self.key, self.kind, self.count, self.size, self.view = key, kind, count, size, view
        self.data = bytes(count * size)


class Torch:
    """Stand-ins with the names of PyTorch's, so that `pickle` writes what it would."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.modules = {}
        for name in ("torch", "torch._utils", "torch.nn", "torch.nn.parameter", "torch.storage"):
            self.modules[name] = types.ModuleType(name)
            monkeypatch.setitem(sys.modules, name, self.modules[name])

    def name(self, module: str, name: str) -> Any:
        """Return a class that is pickled as this name."""
        found = getattr(self.modules[module], name, None)
        if found is None:
            found = type(name, (), {"__module__": module, "__qualname__": name})
            setattr(self.modules[module], name, found)
        return found

    def call(self, module: str, name: str, *args: Any) -> Any:
        """Return an object that is pickled as this call."""
        function = self.name(module, name)
        made = type("Made", (), {"__reduce__": lambda _: (function, args)})
        return made()

    def tensor(self, storage: Storage, size: Any, stride: Any, offset: int = 0) -> Any:
        """Return a tensor over a storage."""
        hooks: Any = collections.OrderedDict()
        return self.call(
            "torch._utils", "_rebuild_tensor_v2", storage, offset, size, stride, False, hooks
        )

    def dumps(self, value: Any, legacy: bool = False) -> bytes:
        """Pickle with storages as persistent ids."""
        names = self

        class Pickler(stdlib.Pickler):
            def persistent_id(self, obj: Any) -> Any:
                if not isinstance(obj, Storage):
                    return None
                module = "torch.storage" if obj.kind == "UntypedStorage" else "torch"
                kind = names.name(module, obj.kind)
                view = (obj.view,) if legacy else ()
                return ("storage", kind, obj.key, "cpu", obj.count, *view)

        file = io.BytesIO()
        Pickler(file, 2).dump(value)
        return file.getvalue()


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch) -> Torch:
    return Torch(monkeypatch)


def archive(pickle: bytes, storages: list[Storage], **others: bytes) -> bytes:
    """Write the ZIP archive of PyTorch since 1.6."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as members:
        members.writestr("model/data.pkl", pickle)
        members.writestr("model/byteorder", "little")
        for storage in storages:
            members.writestr(f"model/data/{storage.key}", storage.data)
        members.writestr("model/version", "3\n")
        members.writestr("model/.data/serialization_id", "0123456789" * 4)
        for name, data in others.items():
            members.writestr(f"model/{name}", data)
    return file.getvalue()


def legacy(torch: Torch, value: Any, storages: list[Storage]) -> bytes:
    """Write the stream of PyTorch before 1.6."""
    info = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}
    heads = [stdlib.dumps(head, 2) for head in (MAGIC, 1001, info)]
    keys = stdlib.dumps([storage.key for storage in storages], 2)
    numbers = [struct.pack("<q", storage.count) + storage.data for storage in storages]
    return b"".join([*heads, torch.dumps(value, legacy=True), keys, *numbers])


def checkpoint(torch: Torch) -> tuple[dict[str, Any], list[Storage]]:
    """Return what people save: parameters, an optimizer's state, numbers, types and devices."""
    weight = Storage("0", "FloatStorage", 12, 4)
    half = Storage("1", "BFloat16Storage", 6, 2)
    quantized = Storage("2", "QInt8Storage", 8, 1)
    raw = Storage("3", "UntypedStorage", 32, 1)
    longs = Storage("4", "LongStorage", 4, 8)
    hooks: Any = collections.OrderedDict()
    tensor = torch.tensor(weight, (3, 4), (4, 1))
    scheme = torch.name("torch", "per_tensor_affine")
    indices, values = torch.tensor(longs, (2, 2), (2, 1)), torch.tensor(weight, (2,), (1,))
    state = {
        "model": collections.OrderedDict(
            weight=tensor,
            transposed=torch.tensor(weight, (4, 3), (1, 4)),
            part=torch.tensor(weight, (2,), (4,), 7),
            scalar=torch.tensor(half, (), (), 5),
            empty=torch.tensor(half, (0, 3), (3, 1)),
            expanded=torch.tensor(half, (1000, 6), (0, 1)),
            parameter=torch.call("torch._utils", "_rebuild_parameter", tensor, True, hooks),
            quantized=torch.call(
                "torch._utils",
                "_rebuild_qtensor",
                quantized,
                0,
                (2, 4),
                (4, 1),
                (scheme, 0.5, 0),
                False,
                hooks,
            ),
            newer=torch.call(
                "torch._utils",
                "_rebuild_tensor_v3",
                raw,
                0,
                (4, 4),
                (4, 1),
                False,
                hooks,
                torch.name("torch", "bfloat16"),
                {},
            ),
            sparse=torch.call(
                "torch._utils",
                "_rebuild_sparse_tensor",
                torch.name("torch", "sparse_coo"),
                (indices, values, torch.call("torch", "Size", (3, 3))),
            ),
        ),
        "optimizer": {"state": {0: {"step": 3, "exp_avg": tensor}}, "param_groups": [{"lr": 0.1}]},
        "epoch": 3,
        "shape": torch.call("torch", "Size", (2, 3)),
        "device": torch.call("torch", "device", "cuda", 0),
        "dtypes": [torch.name("torch", name) for name in ("float32", "bfloat16", "int64")],
        "loss": [0.5, float("nan")],
    }
    return state, [weight, half, quantized, raw, longs]


def test_honest_checkpoints_are_ok(torch: Torch) -> None:
    state, storages = checkpoint(torch)
    report = cannery.scan(archive(torch.dumps(state), storages))
    assert (report.verdict, report.findings) == ("ok", ())
    assert report.files[0].summary == "a checkpoint of PyTorch data"


def test_legacy_modules_with_their_source_are_ok() -> None:
    class_id = b"(U\x06modulectorch.nn.modules.linear\nLinear\nU\x01aU\x05classtQ"
    module = class_id + b")\x81}U\x0bin_featuresK\x03sb."
    heads = [stdlib.dumps(head, 2) for head in (MAGIC, 1001, {"little_endian": True})]
    data = b"".join([*heads, b"\x80\x02" + module, stdlib.dumps([], 2)])
    assert cannery.scan(data).findings == ()
    evil = data.replace(b"torch.nn.modules.linear\nLinear", b"os\nsystem")
    assert cannery.scan(evil).verdict == "danger"


def test_tensors_in_plain_pickles_are_ok(torch: Torch) -> None:
    weight = Storage("a", "FloatStorage", 12, 4)
    inner = legacy(torch, torch.tensor(weight, (3, 4), (4, 1)), [weight])
    load = b"\x80\x03ctorch.storage\n_load_from_bytes\nB"
    whole = load + struct.pack("<I", len(inner)) + inner + b"\x85R."
    assert cannery.scan(whole).findings == ()
    assert cannery.scan(b"]" + load[2:-1] + b"a.").verdict == "unknown"
    evil = load + struct.pack("<I", len(EVIL)) + EVIL + b"\x85R."
    assert cannery.scan(evil).verdict == "danger"


def test_what_torch_itself_writes_is_ok() -> None:
    torch: Any = pytest.importorskip("torch")
    module = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU(), torch.nn.LSTM(2, 2))
    for value in (module, module.state_dict(), {"half": torch.ones(3, 4).half()[1:, ::2]}):
        for options in ({}, {"_use_new_zipfile_serialization": False}):
            file = io.BytesIO()
            torch.save(value, file, **options)
            assert cannery.scan(file.getvalue()).findings == ()
        assert cannery.scan(stdlib.dumps(value)).findings == ()


def test_an_honest_legacy_checkpoint_is_ok(torch: Torch) -> None:
    weight, view = Storage("a", "FloatStorage", 12, 4), ("b", 4, 4)
    part = Storage("a", "FloatStorage", 12, 4, view)
    state = {"whole": torch.tensor(weight, (3, 4), (4, 1)), "view": torch.tensor(part, (4,), (1,))}
    data = legacy(torch, state, [weight])
    assert cannery.scan(data).findings == ()
    assert cannery.scan(data[:-1]).verdict == "unknown"
    assert cannery.scan(data + b"x").verdict == "unknown"
    outside = {"view": torch.tensor(part, (5,), (1,))}
    assert "beyond its storage" in cannery.scan(legacy(torch, outside, [weight])).findings[0].reason


@pytest.mark.parametrize(
    ("size", "stride", "offset"),
    [
        ((3, 4), (4, 1), 1),
        ((13,), (1,), 0),
        ((2,), (12,), 0),
        ((1,), (1,), 12),
        ((), (), 12),
        ((3,), (2**40,), 0),
        ((2**62, 4), (4, 1), 0),
        ((3, 4), (4,), 0),
        ((-1,), (1,), 0),
        ((3,), (-1,), 2),
        ((3,), (1,), -1),
        (("3",), (1,), 0),
        ([3], (1,), 0),
    ],
)
def test_tensors_that_leave_their_storage(
    torch: Torch, size: Any, stride: Any, offset: int
) -> None:
    storage = Storage("0", "FloatStorage", 12, 4)
    tensor = torch.tensor(storage, size, stride, offset)
    report = cannery.scan(archive(torch.dumps({"weight": tensor}), [storage]))
    assert report.verdict == "unknown"
    (finding,) = report.findings
    assert finding.name == "torch._utils._rebuild_tensor_v2"
    assert (finding.member, finding.path) == ("model/data.pkl", "$.weight")


def test_records_that_are_not_as_long_as_their_tensors(torch: Torch) -> None:
    storage = Storage("0", "FloatStorage", 12, 4)
    pickle = torch.dumps(torch.tensor(storage, (12,), (1,)))
    for data in (storage.data[:-1], b"", storage.data + b"cos\nsystem\n(S'id'\ntR."):
        storage.data = data
        assert cannery.scan(archive(pickle, [storage])).verdict != "ok"


EVIL = b"\x80\x02cos\nsystem\n(U\x02idtR."


@pytest.mark.parametrize(
    "name", ["version", "byteorder", "attributes.pkl", "extra/notes.txt", "data/9", "x", "data2"]
)
def test_pickles_under_other_names(torch: Torch, name: str) -> None:
    state, storages = checkpoint(torch)
    assert cannery.scan(archive(torch.dumps(state), storages, **{name: EVIL})).verdict == "danger"


def test_a_program_in_an_archive_is_not_vouched_for(torch: Torch) -> None:
    state, storages = checkpoint(torch)
    code = {
        "code/__torch__/m.py": b"def forward(self, x): return x",
        "constants.pkl": b"\x80\x02).",
    }
    report = cannery.scan(archive(torch.dumps(state), storages, **code))
    assert report.verdict == "unknown"
    assert report.findings[0].reason == "TorchScript: a program"
    assert report.findings[0].member == "model/code/__torch__/m.py"


def test_the_oldest_checkpoints(torch: Torch) -> None:
    numbers = struct.pack("<q", 3) + bytes(12)
    head = torch.dumps((1, "cpu", torch.name("torch", "FloatStorage")))
    storages = torch.dumps(1) + head + numbers + torch.dumps([])
    size = struct.pack("<i4xqqq", 1, 3, 1, 0)
    tensors = torch.dumps(1) + torch.dumps((2, 1, torch.name("torch", "FloatStorage"))) + size
    state = torch.dumps(collections.OrderedDict(a=1))
    for pickle, verdict in ((state, "ok"), (EVIL, "danger"), (state + b"x", "unknown")):
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as members:
            for name, data in (("storages", storages), ("tensors", tensors), ("pickle", pickle)):
                info = tarfile.TarInfo(name)
                info.size = len(data)
                members.addfile(info, io.BytesIO(data))
        report = cannery.scan(file.getvalue())
        assert report.verdict == verdict, report.findings


def test_a_bomb_of_a_tensor_is_none(torch: Torch) -> None:
    storage = Storage("0", "FloatStorage", 1, 4)
    expanded = torch.tensor(storage, (2**40,), (0,))
    assert cannery.scan(archive(torch.dumps(expanded), [storage])).verdict == "ok"
