"""safetensors: named tensors in a file that cannot run anything, with the library's own names.

`load`, `load_file`, `save`, `save_file` and `safe_open` are called as those of `safetensors` and
`safetensors.numpy`. What differs: arrays of any strides and byte order are written right; every
type of the format is read (those that NumPy lacks as `ml_dtypes` has them, or as they are stored:
see `cannery._tensor_types`); a file is replaced whole or not at all; errors say the byte; and sets
of files with an index are read and written. Nothing is ever fetched: a name in a file is no URL.
"""

from __future__ import annotations

import mmap as _mmap
import os
import re
import threading
from collections.abc import Iterator, Mapping
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cannery import _native
from cannery._audit import reading, writing
from cannery._places import is_address, plain, refuse_address
from cannery._tensor_types import (
    check_sides,
    from_stored,
    is_packed,
    plain_names,
    stored_dtype,
    stored_size,
    tensor_type,
    to_stored,
)
from cannery.errors import CanneryError, DataError

if TYPE_CHECKING:
    from types import TracebackType

    from numpy.typing import DTypeLike, NDArray

__all__ = [
    "LazyTensor",
    "SafetensorError",
    "TensorFile",
    "load",
    "load_file",
    "open",
    "safe_open",
    "save",
    "save_file",
]

SafetensorError = CanneryError
"""What is raised, by the library's name."""

Pathlike = str | os.PathLike[str]

_INDEX = ".index.json"
_SMALL = 1 << 16
"""Tensors of fewer bytes are read together, and copied out of what was read."""
_RUN = 1 << 20
"""Bytes that are read together at most."""
_PIECE = 1 << 22
"""Bytes that a thread copies at once."""
_FRAMEWORKS = ("np", "numpy")
_OTHER_FRAMEWORKS = {"pt", "torch", "pytorch", "tf", "tensorflow", "jax", "flax", "mlx", "paddle"}


class _Entry(NamedTuple):
    """A tensor of a file."""

    name: str
    type: str
    code: str
    shape: tuple[int, ...]
    start: int
    end: int


def save(tensor_dict: Mapping[str, Any], metadata: Mapping[str, str] | None = None) -> bytes:
    """Save arrays by name; return the bytes of the file, the same as the library's.

    >>> import numpy as np
    >>> from cannery import safetensors
    >>> data = safetensors.save({"w": np.ones(2)})
    >>> safetensors.load(data)["w"]
    array([1., 1.])
    """
    plan = _Plan(tensor_dict)
    header, order = plan.layout(metadata)
    return b"".join([header, *(plan.stored(index) for index in order)])


def save_file(
    tensor_dict: Mapping[str, Any],
    filename: Pathlike,
    metadata: Mapping[str, str] | None = None,
    *,
    max_shard_size: int | str | None = None,
) -> None:
    """Save arrays by name to a file.

    Where they have more than `max_shard_size` bytes (a number, or a text such as `"5GB"`), they are
    divided over several files, `model-00001-of-00003.safetensors` and so on, and `filename` with
    `.index.json` behind it is written last.

    >>> import numpy as np
    >>> from cannery import safetensors
    >>> safetensors.save_file({"w": np.ones(2)}, "m.safetensors")
    >>> list(safetensors.load_file("m.safetensors"))
    ['w']
    """
    path = os.fsdecode(filename)
    plan = _Plan(tensor_dict)
    limit = None if max_shard_size is None else _size(max_shard_size)
    if limit is None or sum(plan.sizes) <= limit:
        plan.write(path, metadata)
        return
    folder, base = os.path.split(path)
    stem = base.removesuffix(".safetensors")
    sizes = list(zip(plan.names, plan.sizes, strict=True))
    numbers, files, index = _native.safetensors_shards(sizes, limit, stem)
    for number, file in enumerate(files):
        chosen = [at for at, shard in enumerate(numbers) if shard == number]
        plan.only(chosen).write(os.path.join(folder, file), metadata)  # noqa: PTH118
    writer = _native.TensorWriter(writing(path + _INDEX))
    writer.write(index.encode())
    writer.finish()


def load(data: bytes | bytearray | memoryview) -> dict[str, NDArray[Any]]:
    """Load the arrays of a file's bytes; each owns its memory.

    >>> import numpy as np
    >>> from cannery import safetensors
    >>> safetensors.load(safetensors.save({"w": np.zeros((2, 3))}))["w"].shape
    (2, 3)
    """
    import numpy as np

    entries, _ = _native.safetensors_header(data)
    arrays: dict[str, NDArray[Any]] = {}
    large: list[tuple[NDArray[Any], int]] = []
    for entry in map(_Entry._make, entries):
        if entry.end - entry.start < _RUN or is_packed(entry.type):
            array = from_stored(entry.type, entry.shape, data, entry.start, copy=True)
        else:
            check_sides(entry.shape)
            array = np.empty(entry.shape, stored_dtype(entry.type))
            large.append((array.reshape(-1).view(np.uint8), entry.start))
        arrays[entry.name] = array
    _copy(large, np.frombuffer(data, np.uint8))
    return arrays


def _copy(targets: list[tuple[NDArray[Any], int]], source: NDArray[Any]) -> None:
    """Fill arrays with the bytes of a source, each from an offset on, on all cores."""
    pieces = [
        (target[at : at + _PIECE], source[start + at : start + at + min(_PIECE, len(target) - at)])
        for target, start in targets
        for at in range(0, len(target), _PIECE)
    ]
    # NumPy lets go of the interpreter while it copies.
    threads = min(os.cpu_count() or 1, len(pieces) // 2) or 1

    def work(first: int) -> None:
        for target, part in pieces[first::threads]:
            target[:] = part

    others = [threading.Thread(target=work, args=(first,)) for first in range(1, threads)]
    for thread in others:
        thread.start()
    work(0)
    for thread in others:
        thread.join()


def load_file(
    filename: Pathlike, *, backend: str = "mmap", mmap: bool = False
) -> dict[str, NDArray[Any]]:
    """Load the arrays of a file, or of all files of an index (`model.safetensors.index.json`).

    Each array owns its memory and can be written. With `mmap` they are read-only views of the file
    instead, of which nothing is read before it is looked at; the file must then stay as it is (see
    `cannery.npy.load`). `backend` is the library's way to say how the file is read; both of its
    values are accepted and do the same here.

    >>> import numpy as np
    >>> from cannery import safetensors
    >>> safetensors.save_file({"w": np.ones(2)}, "n.safetensors")
    >>> safetensors.load_file("n.safetensors")["w"]
    array([1., 1.])
    """
    _check_backend(backend)
    path = os.fsdecode(filename)
    if mmap or path.endswith(_INDEX):
        return TensorFile(path).arrays(mmap=mmap)
    file = _OneFile(path)
    return file.read(list(file.entries.values()))


def open(filename: Pathlike) -> TensorFile:
    """Open a file, or a set of files by its index: a mapping whose tensors are read when asked.

    >>> import numpy as np
    >>> from cannery import safetensors
    >>> safetensors.save_file({"w": np.ones((2, 2))}, "o.safetensors")
    >>> with safetensors.open("o.safetensors") as file:
    ...     file["w"].shape
    (2, 2)
    """
    return TensorFile(filename)


class LazyTensor:
    """A tensor in a file, of which only the parts that are asked for are read."""

    __slots__ = ("_entry", "_file")

    def __init__(self, file: _OneFile, entry: _Entry) -> None:
        self._file = file
        self._entry = entry

    @property
    def shape(self) -> tuple[int, ...]:
        """Its sides, outermost first."""
        return self._entry.shape

    @property
    def ndim(self) -> int:
        """How many sides it has."""
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes that it has in the file."""
        return self._entry.end - self._entry.start

    @property
    def dtype(self) -> Any:
        """The type of the arrays that it is read as."""
        return stored_dtype(self._entry.type)

    @property
    def type(self) -> str:
        """The name of the type of its elements: `float32`, `bfloat16`, `float8_e4m3fn`."""
        return self._entry.type

    @property
    def code(self) -> str:
        """The type as the file says it: `F32`, `BF16`, `F8_E4M3`."""
        return self._entry.code

    def mmap(self) -> NDArray[Any]:
        """Map the tensor, read-only: nothing is read before it is looked at."""
        return self._file.view(self._entry)

    def tobytes(self) -> bytes:
        """Get its bytes as they are stored."""
        return self._file.stored(self._entry)

    def __getitem__(self, index: Any) -> Any:
        """Read a part into memory; indices as in NumPy."""
        import numpy as np

        if self._file.is_remote:
            return np.asarray(self)[index]
        part = self.mmap()[index]
        return part.copy() if isinstance(part, np.ndarray) else part

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        import numpy as np

        if copy is False:
            raise ValueError("a tensor of a file cannot be an array without a copy; see `mmap`")
        array = self._file.read([self._entry])[self._entry.name]
        return array if dtype is None else array.astype(np.dtype(dtype), copy=False)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a tensor without sides has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        for index in range(len(self)):
            yield self[index]

    def __repr__(self) -> str:
        return f"LazyTensor(shape={self.shape}, type={self.type!r})"


class TensorFile(Mapping[str, LazyTensor]):
    """The tensors of a file, or of a set of files, by name."""

    def __init__(self, filename: Pathlike) -> None:
        path = os.fsdecode(plain(filename))
        is_index = path.endswith(_INDEX)
        if is_index:
            refuse_address(path, "an index")
        places = _native.safetensors_index(reading(path)) if is_index else None
        self._files: dict[str, _OneFile] = {}
        self._tensors: dict[str, LazyTensor] = {}
        if places is None:
            file = self._files[path] = _OneFile(path)
            self._tensors = {name: LazyTensor(file, entry) for name, entry in file.entries.items()}
            return
        folder = Path(path).parent
        for name, shard in places:
            file = self._files.get(shard)
            if file is None:
                file = self._files[shard] = _OneFile(str(folder / shard))
            self._tensors[name] = LazyTensor(file, file.entries[name])

    @property
    def metadata(self) -> dict[str, str]:
        """What the header says besides tensors; of a set, what all of its files say."""
        return {key: text for file in self._files.values() for key, text in file.metadata.items()}

    def __getitem__(self, name: str) -> LazyTensor:
        return self._tensors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def arrays(self, *, mmap: bool = False) -> dict[str, NDArray[Any]]:
        """Read all tensors, on all cores, into memory of their own; or map them, read-only."""
        if mmap:
            return {name: tensor.mmap() for name, tensor in self._tensors.items()}
        loaded: dict[str, NDArray[Any]] = {}
        for file in self._files.values():
            mine = [t._entry for t in self._tensors.values() if t._file is file]
            loaded.update(file.read(mine))
        return {name: loaded[name] for name in self._tensors}

    def close(self) -> None:
        """Let go of the files; arrays that were mapped stay valid."""
        self._files.clear()
        self._tensors.clear()

    def __enter__(self) -> TensorFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"TensorFile({', '.join(self._tensors)})"


class safe_open:  # noqa: N801
    """A file that is open for reading, with the methods that the library's has.

    `framework` is `"np"` or `"numpy"`; an array can be handed to any other without a copy.
    """

    def __init__(
        self,
        filename: Pathlike,
        framework: str = "np",
        device: str = "cpu",
        *,
        backend: str = "mmap",
    ) -> None:
        if framework not in _FRAMEWORKS:
            if framework in _OTHER_FRAMEWORKS:
                hint = "open it with 'numpy' and hand the arrays over: `torch.from_numpy(array)`"
                raise _refusal(f"tensors of {framework!r} are not made here", hint)
            raise _refusal(f"framework {framework} is invalid", "say 'numpy'")
        if device != "cpu":
            raise _refusal(f"device {device} is invalid", "arrays lie in memory: say 'cpu'")
        _check_backend(backend)
        self._file = TensorFile(filename)

    def keys(self) -> list[str]:
        """Get the names of the tensors, in the order of the alphabet."""
        return sorted(self._file)

    def offset_keys(self) -> list[str]:
        """Get the names of the tensors, in the order of the file."""
        return list(self._file)

    def metadata(self) -> dict[str, str] | None:
        """Get the texts of the header; `None` if it has none."""
        return self._file.metadata or None

    def get_tensor(self, name: str) -> NDArray[Any]:
        """Read a tensor."""
        import numpy as np

        return np.asarray(self._lazy(name))

    def get_tensors(self, *, mmap: bool = False) -> dict[str, NDArray[Any]]:
        """Read all tensors."""
        return self._file.arrays(mmap=mmap)

    def get_slice(self, name: str) -> _Slice:
        """Get a tensor of which parts can be read."""
        return _Slice(self._lazy(name))

    def _lazy(self, name: str) -> LazyTensor:
        try:
            return self._file[name]
        except KeyError:
            error = _refusal(f"File does not contain tensor {name}", "`keys()` names them")
            raise error from None

    def __enter__(self) -> safe_open:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()


def _check_backend(backend: str) -> None:
    if backend not in ("mmap", "pread"):
        raise _refusal(f"backend {backend} is invalid", "say 'mmap' or 'pread'")


class _Slice:
    """A tensor of which parts are read, with the methods that the library's has."""

    def __init__(self, tensor: LazyTensor) -> None:
        self._tensor = tensor

    def get_shape(self) -> list[int]:
        """Get its sides, outermost first."""
        return list(self._tensor.shape)

    def get_dtype(self) -> str:
        """Get its type as the file says it."""
        return self._tensor.code

    def __getitem__(self, index: Any) -> Any:
        import numpy as np

        return np.asarray(self._tensor[index])


class _OneFile:
    """A file whose header was read."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._native = _native.TensorFile(reading(path))
        entries, metadata = self._native.header()
        self.entries = {entry[0]: _Entry._make(entry) for entry in entries}
        self.metadata = dict(metadata)
        self._memory: memoryview | None = None
        #: Whether a service keeps it: what is asked for is read, nothing can be mapped.
        self.is_remote = is_address(path)

    def stored(self, entry: _Entry) -> bytes:
        """Get the bytes of a tensor as they are stored."""
        if not self.is_remote:
            return bytes(self.memory()[entry.start : entry.end])
        memory = bytearray(entry.end - entry.start)
        self._native.read_into([(entry.start, memory)])
        return bytes(memory)

    def memory(self) -> memoryview:
        """Get the bytes of the file, mapped."""
        refuse_address(self._path, "a map")
        if self._memory is None:
            with Path(self._path).open("rb") as file:
                self._memory = memoryview(_mmap.mmap(file.fileno(), 0, access=_mmap.ACCESS_READ))
        return self._memory

    def view(self, entry: _Entry) -> NDArray[Any]:
        """Make the array of a tensor in the mapped file."""
        memory = self.memory()
        if len(memory) < entry.end:
            raise _refusal(
                "the file ends before its tensors do", "it was cut off while it was open"
            )
        return from_stored(entry.type, entry.shape, memory, entry.start)

    def read(self, entries: list[_Entry]) -> dict[str, NDArray[Any]]:
        """Read tensors into arrays that own their memory."""
        import numpy as np

        arrays: dict[str, NDArray[Any]] = {}
        wanted: list[tuple[int, Any]] = []
        small: list[_Entry] = []
        for entry in entries:
            size = entry.end - entry.start
            if size < _SMALL or is_packed(entry.type):
                small.append(entry)
                continue
            check_sides(entry.shape)
            array = arrays[entry.name] = np.empty(entry.shape, stored_dtype(entry.type))
            wanted.append((entry.start, array.reshape(-1).view(np.uint8)))
        runs = [(run, np.empty(run[-1].end - run[0].start, np.uint8)) for run in _runs(small)]
        wanted += [(run[0].start, memory) for run, memory in runs if memory.size]
        self._native.read_into(wanted)
        for run, memory in runs:
            start = run[0].start
            for entry in run:
                offset = entry.start - start if entry.end > entry.start else 0
                array = from_stored(entry.type, entry.shape, memory, offset, copy=True)
                arrays[entry.name] = array
        return {entry.name: arrays[entry.name] for entry in entries}


def _runs(entries: list[_Entry]) -> Iterator[list[_Entry]]:
    """Put tensors that lie next to each other together."""
    run: list[_Entry] = []
    for entry in sorted(entries, key=itemgetter(4, 5)):
        if run and (entry.start != run[-1].end or entry.end - run[0].start > _RUN):
            yield run
            run = []
        run.append(entry)
    if run:
        yield run


class _Plan:
    """Arrays that are to be written, and what the header says of them."""

    def __init__(self, tensors: Mapping[str, Any]) -> None:
        self._arrays: list[NDArray[Any]] = []
        self._types: list[str] = []
        self._described: list[tuple[str, str, tuple[int, ...]]] = []
        for name, value in tensors.items():
            array = _array(name, value)
            found = tensor_type(array)
            code = None if found is None else _CODES.get(found[0])
            if found is None or code is None:
                hint = "convert it to a type that safetensors has, or save it as NPZ"
                raise _refusal(f"safetensors has no type for {array.dtype} ({name!r})", hint)
            self._arrays.append(array)
            self._types.append(found[0])
            self._described.append((name, code, found[1]))

    @property
    def names(self) -> list[str]:
        """The names of the tensors."""
        return [name for name, _, _ in self._described]

    @property
    def sizes(self) -> list[int]:
        """The bytes of each in the file."""
        pairs = zip(self._types, self._arrays, strict=True)
        return [stored_size(name, array) for name, array in pairs]

    def only(self, indices: list[int]) -> _Plan:
        """Get a plan of some of the tensors."""
        plan = _Plan({})
        plan._arrays = [self._arrays[at] for at in indices]
        plan._types = [self._types[at] for at in indices]
        plan._described = [self._described[at] for at in indices]
        return plan

    def layout(self, metadata: Mapping[str, str] | None) -> tuple[bytes, list[int]]:
        """Get the header, and the order in which the tensors follow it."""
        return _native.safetensors_layout(self._described, _texts(metadata))

    def stored(self, index: int) -> Any:
        """Get the bytes of a tensor as they are written, as anything that has a buffer."""
        array = self._arrays[index]
        if array.nbytes < _SMALL and array.flags.c_contiguous and array.dtype in plain_names():
            return array
        return to_stored(self._types[index], self._arrays[index])

    def write(self, path: str, metadata: Mapping[str, str] | None) -> None:
        """Write a file."""
        header, order = self.layout(metadata)
        writer = _native.TensorWriter(writing(path))
        writer.write(header)
        small: list[Any] = []
        for index in order:
            data = self.stored(index)
            if data.nbytes < _SMALL:
                small.append(data)
                continue
            if small:
                writer.write(b"".join(small))
                small.clear()
            writer.write(data)
        writer.write(b"".join(small))
        writer.finish()


_CODES = {
    "bool": "BOOL",
    "int8": "I8",
    "int16": "I16",
    "int32": "I32",
    "int64": "I64",
    "uint8": "U8",
    "uint16": "U16",
    "uint32": "U32",
    "uint64": "U64",
    "float16": "F16",
    "float32": "F32",
    "float64": "F64",
    "complex64": "C64",
    "bfloat16": "BF16",
    "float8_e4m3fn": "F8_E4M3",
    "float8_e4m3fnuz": "F8_E4M3FNUZ",
    "float8_e5m2": "F8_E5M2",
    "float8_e5m2fnuz": "F8_E5M2FNUZ",
    "float8_e8m0fnu": "F8_E8M0",
    "float6_e2m3fn": "F6_E2M3",
    "float6_e3m2fn": "F6_E3M2",
    "float4_e2m1fn": "F4",
}


def _array(name: object, value: Any) -> NDArray[Any]:
    """Get a value as an array, without a copy if it is one."""
    import numpy as np

    if type(name) is str and type(value) is np.ndarray:
        return value
    if not isinstance(name, str):
        raise TypeError(f"expected the names of tensors to be `str`, found {type(name).__name__}")
    if isinstance(value, np.ma.MaskedArray):
        hint = "save its `data` and its `mask`"
        raise _refusal(f"safetensors has no place for the mask of {name!r}", hint)
    if not isinstance(value, (np.ndarray, np.generic)) and not hasattr(value, "__array__"):
        found = type(value).__name__
        raise TypeError(f"expected an array of NumPy as {name!r}, found {found}")
    return np.asarray(value)


def _texts(metadata: Mapping[str, str] | None) -> list[tuple[str, str]]:
    texts = list((metadata or {}).items())
    for pair in texts:
        for text in pair:
            if not isinstance(text, str):
                found = type(text).__name__
                raise TypeError(f"expected `str` in the metadata, found {found}")
    return texts


_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_UNITS |= {"KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}


def _size(text: int | str) -> int:
    """Get a number of bytes from a text such as `5GB` or `512MiB`."""
    if isinstance(text, int):
        size = text
    else:
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", text)
        unit = _UNITS.get(found[2].upper()) if found else None
        if found is None or unit is None:
            raise ValueError(f"expected a size such as '5GB', found {text!r}")
        size = int(float(found[1]) * unit)
    if size < 1:
        raise ValueError(f"expected a size of at least one byte, found {text!r}")
    return size


def _refusal(message: str, hint: str) -> DataError:
    error = DataError(message)
    error.hint = hint
    error.add_note(f"hint: {hint}")
    return error
