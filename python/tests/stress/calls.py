"""Every way of writing and reading, with every hook: each takes a world and a value."""

from __future__ import annotations

import codecs
import contextlib
import dataclasses
import io
import pickle
from collections.abc import Callable
from typing import Any

import cannery
from cannery import cbor, json, jsonl, msgpack, yaml
from cannery import pickle as fast_pickle

from .world import Dict, Evil, List, World, worlds


def _handler(error: UnicodeError) -> tuple[bytes, int]:
    worlds[-1].disturb()
    return b"?", error.end  # pyright: ignore[reportAttributeAccessIssue]


codecs.register_error("disturb", _handler)


class File(io.RawIOBase):
    """A file whose methods disturb the world."""

    def __init__(self, world: World, data: bytes = b"") -> None:
        self.world, self.data, self.written = world, data, []

    def write(self, data: Any) -> int:
        self.world.disturb()
        self.written.append(
            bytes(data) if not isinstance(data, str) else data.encode("utf-8", "surrogatepass")
        )
        return len(data)

    def read(self, size: int = -1) -> bytes:
        self.world.disturb()
        size = len(self.data) if size < 0 else min(size, 7)
        read, self.data = self.data[:size], self.data[size:]
        return read

    def readline(self, size: int = -1) -> bytes:
        return self.read(20)

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True


@dataclasses.dataclass
class Point:
    """A class to read into, whose fields are made by code that disturbs the world."""

    x: Any = dataclasses.field(default_factory=lambda: worlds[-1].disturb() or [])
    y: Any = None

    def __post_init__(self) -> None:
        worlds[-1].disturb()


def _default(value: Any) -> Any:
    worlds[-1].disturb()
    return worlds[-1].random.choice((None, "text", [1, [2.5]], {"a": "b"}))


def _hook(value: Any, *_: Any) -> Any:
    worlds[-1].disturb()
    return value


def _pack(world: World, value: Any) -> bytes:
    packer = msgpack.Packer(
        default=lambda o: (_use(packer), _default(o))[1], autoreset=False, unicode_errors="disturb"
    )
    packer.pack(value)
    view = packer.getbuffer()
    with contextlib.suppress(BufferError):
        packer.__init__(buf_size=1 << 20)
    return bytes(view)


def _use(packer: Any) -> None:
    for use in (packer.getbuffer, packer.reset, packer.bytes, lambda: packer.pack(1)):
        with contextlib.suppress(BufferError, RuntimeError):
            use()


def _unpack(world: World, value: Any) -> Any:
    data = msgpack.packb(value, default=_default, unicode_errors="surrogatepass")
    hooks = {"object_hook": _hook, "list_hook": _hook, "ext_hook": msgpack.ExtType}
    unpacker = msgpack.Unpacker(File(world, data * 2), strict_map_key=False, **hooks)
    return list(unpacker)


def _pickler(world: World, value: Any) -> Any:
    class Pickler(fast_pickle.Pickler):
        def reducer_override(self, obj: Any) -> Any:
            world.disturb()
            return NotImplemented

        def persistent_id(self, obj: Any) -> Any:
            world.disturb()
            return None

    file = File(world)
    pickler = Pickler(file, 5)
    pickler.dump(value)
    pickler.memo.copy()
    pickler.clear_memo()
    return b"".join(file.written)


def _pickle_out_of_band(world: World, value: Any) -> Any:
    buffers: list[Any] = []

    def take(buffer: Any) -> bool:
        world.disturb()
        buffers.append(buffer)
        return world.random.random() < 0.5

    data = fast_pickle.dumps(value, 5, buffer_callback=take)
    return len(data)


def _json_file(world: World, value: Any) -> None:
    json.dump(value, File(world), default=world.random.choice((_default, "rich")), skipkeys=True)


def _typed(world: World, value: Any) -> Any:
    text = json.dumps([{"x": [1, "a"]}, {"y": {"k": 1.5}}, {}] * 5)
    return json.decode(text, type=list[Point]), msgpack.decode(msgpack.packb({"x": 1}), type=Point)


def _rows(world: World, value: Any) -> Any:
    rows = value if isinstance(value, list) else [value]
    file = File(world)
    jsonl.write(file, rows, default=_default)
    return list(jsonl.read(File(world, b"".join(file.written))))


def _objects(world: World, value: Any) -> Any:
    format = world.random.choice(("can", "json", "yaml", "msgpack"))
    return cannery.loads(cannery.dumps(value, format), format, trust=["stress.world.*"])


def _yaml(world: World, value: Any) -> Any:

    makers = dict.fromkeys((Evil, List, Dict), lambda o: (world.disturb(), "evil")[1])
    text = yaml.dump(value, representers=makers, sort_keys=world.random.random() < 0.5)
    return yaml.safe_load(text), yaml.load(
        "!point [1, !point {a: 1}]", constructors={"!point": _hook}
    )


CALLS: dict[str, Callable[[World, Any], Any]] = {
    "json.dumps": lambda w, v: json.loads(json.dumps(v, default=_default, skipkeys=True)),
    "json.dumps sorted": lambda w, v: json.dumps(v, default=_default, sort_keys=True, indent=1),
    "json.dumps wide": lambda w, v: json.dumps(
        v, default="rich", ensure_ascii=False, skipkeys=True
    ),
    "json.encode": lambda w, v: json.encode(v, default=_default, skipkeys=True, nan="null"),
    "json.dump": _json_file,
    "json.loads": lambda w, v: json.loads(
        json.dumps(v, default=_default, skipkeys=True),
        object_pairs_hook=lambda pairs: _hook(dict(pairs)),
        parse_float=_hook,
        parse_int=_hook,
    ),
    "typed": _typed,
    "msgpack.packb": lambda w, v: msgpack.packb(v, default=_default, unicode_errors="disturb"),
    "msgpack.encode": lambda w, v: msgpack.decode(msgpack.encode(v, default=_default)),
    "msgpack.Packer": _pack,
    "msgpack.Unpacker": _unpack,
    "yaml": _yaml,
    "jsonl": _rows,
    "cbor": lambda w, v: cbor.loads(cbor.dumps(v)),
    "pickle.dumps": lambda w, v: fast_pickle.dumps(v, w.random.randrange(6)),
    "pickle.dumps sorted": lambda w, v: fast_pickle.dumps(v, deterministic=True),
    "pickle.dump": lambda w, v: fast_pickle.dump(v, File(w), 5),
    "pickle.Pickler": _pickler,
    "pickle out of band": _pickle_out_of_band,
    "pickle.loads": lambda w, v: fast_pickle.loads(pickle.dumps(v, 4)),
    "cannery": _objects,
    "tagged": lambda w, v: (
        repr(yaml.Tagged("!t", v)),
        yaml.Tagged("!t", v) == yaml.Tagged("!t", v),
    ),
}
