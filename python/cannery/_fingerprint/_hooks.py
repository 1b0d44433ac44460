"""Listens to what Python's code reads from outside, in all threads of the process."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dis import opmap
from types import FrameType, ModuleType
from typing import Any

from cannery._fingerprint import _origin, _places
from cannery._fingerprint._bytecode import analysis
from cannery._fingerprint._observe import Observations, source_of
from cannery._fingerprint._standard_input import (
    READS,
    StandardInput,
    is_read_since,
    is_standard_input,
    left,
)
from cannery._fingerprint._state import VOLATILE, readlink

_quiet = threading.local()
_lock = threading.Lock()
_is_installed = False
# What steps that run now observe: by the thread that runs a step, and all of them.
_by_thread: dict[int, list[Observations]] = {}
_running: tuple[Observations, ...] = ()
# Threads in which pipelines run: what they read between steps is no step's.
_hosts: dict[int, int] = {}
# Told of every path that is opened, by any thread, to tell what only the system saw.
_listeners: tuple[Callable[[str], None], ...] = ()


@contextmanager
def observing(observations: Observations) -> Iterator[Observations]:
    """Note what the calling thread, and threads that belong to no step, read from outside."""
    global _running
    _install()
    thread = threading.get_ident()
    with _lock:
        _by_thread.setdefault(thread, []).append(observations)
        _running = (*_running, observations)
    before = left()
    try:
        yield observations
    finally:
        if is_read_since(before):
            observations.note_unseen(READS)
        with _lock:
            _by_thread[thread].pop()
            _running = tuple(each for each in _running if each is not observations)
        _take_notes(observations)


def add_listener(listener: Callable[[str], None]) -> None:
    """Tell `listener` of every path that is about to be opened or listed."""
    global _listeners
    _install()
    with _lock:
        _listeners = (*_listeners, listener)


def remove_listener(listener: Callable[[str], None]) -> None:
    """Tell `listener` no more."""
    global _listeners
    with _lock:
        _listeners = tuple(each for each in _listeners if each != listener)


@contextmanager
def hosting() -> Iterator[None]:
    """Let the calling thread run a pipeline, between whose steps nothing is noted."""
    thread = threading.get_ident()
    _hosts[thread] = _hosts.get(thread, 0) + 1
    try:
        yield
    finally:
        _hosts[thread] -= 1
        if not _hosts[thread]:
            del _hosts[thread]


@contextmanager
def quiet() -> Iterator[None]:
    """Let the calling thread look at files itself without noting it."""
    before = getattr(_quiet, "is_on", False)
    _quiet.is_on = True
    try:
        yield
    finally:
        _quiet.is_on = before


@contextmanager
def loud() -> Iterator[None]:
    """Note what the calling thread reads, inside of `quiet`."""
    before = getattr(_quiet, "is_on", False)
    _quiet.is_on = False
    try:
        yield
    finally:
        _quiet.is_on = before


def observers() -> tuple[Observations, ...]:
    """Return what the calling thread's reads are noted in."""
    if not _running or getattr(_quiet, "is_on", False):
        return ()
    thread = threading.get_ident()
    own = _by_thread.get(thread)
    if own:
        return (own[-1],)
    return () if thread in _hosts else _running


def _install() -> None:
    """Begin to listen; a hook cannot be removed, so it waits for the first run."""
    global _is_installed
    with _lock:
        if _is_installed:
            return
        _is_installed = True
    sys.addaudithook(_hear)
    os.environ.__class__ = _ObservedEnvironment
    if hasattr(os, "environb"):
        os.environb.__class__ = _ObservedEnvironment  # pyright: ignore[reportAttributeAccessIssue]
    _wrap("stat", _note_stat)
    _wrap("lstat", _note_lstat)
    _wrap("access", _note_access)
    _wrap("readlink", _note_readlink)
    _wrap("getcwd", _note_getcwd)
    for name in ("read", "readv"):
        _wrap_reading(name)
    _wrap_import_module()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_before_fork, after_in_child=_in_child)


# Audit events

_WRITING = os.O_WRONLY | os.O_RDWR
_MADE = frozenset({"os.mkdir", "os.remove", "os.rmdir", "os.truncate", "shutil.rmtree"})
# What Python imports and unpickles by names that the code may not say.
_FOUND_BY_NAME = frozenset({"import", "pickle.find_class"})
_STARTED = frozenset(
    {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile"}
)
_OPENING = frozenset({"open", "os.listdir", "os.scandir"})
_EVENTS = _MADE | _STARTED | _FOUND_BY_NAME | {
    "open", "os.listdir", "os.scandir", "os.rename", "os.link", "os.symlink", "sqlite3.connect",
    "ctypes.dlopen", "socket.connect", "builtins.input", "cannery.address",
}  # fmt: skip


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in _EVENTS:
        return
    if event in _OPENING and _listeners and _is_path(arguments[0]):
        for listener in _listeners:
            listener(os.fsdecode(arguments[0] or "."))
    if not _running:
        return
    noted_by = observers()
    if not noted_by:
        return
    with quiet():
        for observations in noted_by:
            try:
                _note_event(observations, event, arguments, sys._getframe(1))
            except (TypeError, ValueError, AttributeError):
                # The program itself must go on, whatever it asks for.
                observations.note_unseen(f"`{event}` was called in a way that is not understood")


def _note_event(
    observations: Observations, event: str, arguments: tuple[Any, ...], frame: FrameType
) -> None:
    if event == "import":
        if not _is_written_import(frame):
            observations.note_module(str(arguments[0]))
    elif event == "pickle.find_class":
        observations.note_code(f"{arguments[0]}.{arguments[1]}")
    elif event in _STARTED:
        observations.note_variable("*")
        observations.watch(_paths_of_program(arguments))
        _note_blind_spot(observations, "it starts another program, which may read anything")
    elif event == "builtins.input":
        _note_standard_input(observations)
    elif event == "socket.connect":
        _note_connection(observations, arguments[1])
    elif event == "cannery.address":
        _note_connection(observations, arguments)
    elif event == "open" and is_standard_input(arguments[0]):
        if _access_of(*arguments[1:3])[0]:
            _note_standard_input(observations)
    elif not _is_path(arguments[0]):
        return  # an open file's number: it was noted when it was opened
    elif event == "open":
        if not _is_reading_code(frame, os.fsdecode(arguments[0])):
            _note_open(observations, os.fsdecode(arguments[0]), *arguments[1:3])
    elif event in ("os.listdir", "os.scandir"):
        _note_listing(observations, os.fsdecode(arguments[0] or "."), frame)
    elif event == "sqlite3.connect":
        _note_database(observations, os.fsdecode(arguments[0]))
    elif event == "ctypes.dlopen":
        library = os.fsdecode(arguments[0] or "")  # without a name, the program itself
        if os.sep in library:
            observations.note_path("file", library)
    elif not _is_relative_to_folder(event, arguments):
        for path in arguments[:2] if event in ("os.rename", "os.link") else arguments[:1]:
            observations.note_write(os.fsdecode(path))
        if event == "os.symlink":
            observations.note_write(os.fsdecode(arguments[1]))


_IMPORT_NAME = opmap["IMPORT_NAME"]


def _is_written_import(frame: FrameType) -> bool:
    """Whether an `import` statement is at work, which the walk over the code follows."""
    return frame.f_lasti >= 0 and frame.f_code.co_code[frame.f_lasti] == _IMPORT_NAME


_SEPARATORS = re.compile(r"[\s'\"=<>|;&()`]+")


def _paths_of_program(arguments: tuple[Any, ...]) -> list[str]:
    """Find what may be paths in the command line of a program, and in a shell's text."""
    found: list[str] = []
    pending = list(arguments)
    folder = next((each for each in arguments[2:3] if isinstance(each, (str, bytes))), "")
    while pending:
        each = pending.pop()
        if isinstance(each, (list, tuple)):
            pending.extend(each)
        elif isinstance(each, (str, bytes, os.PathLike)):
            text = os.fsdecode(each)
            found += [os.path.join(os.fsdecode(folder), part) for part in _SEPARATORS.split(text)]  # noqa: PTH118
    return found


def _is_relative_to_folder(event: str, arguments: tuple[Any, ...]) -> bool:
    """Whether a path is relative to a folder that is given as an open file's number."""
    return event in ("os.remove", "os.rmdir", "os.mkdir") and arguments[-1] not in (-1, None)


def _is_path(argument: Any) -> bool:
    return argument is None or isinstance(argument, (str, bytes, os.PathLike))


def _note_blind_spot(observations: Observations, text: str) -> None:
    observations.note_blind_spot(text)
    if observations.is_strict:
        from cannery.errors import DataError

        raise DataError(f"a strict step may not do what cannot be seen: {text}")


def _note_standard_input(observations: Observations) -> None:
    observations.note_unseen(READS)
    if observations.is_strict:
        _note_blind_spot(observations, READS)


def note_standard_input() -> None:
    """Note that the calling thread reads standard input."""
    if _running:
        for observations in observers():
            _note_standard_input(observations)


def observed_input(stream: Any) -> Any:
    """Return what takes the place of `sys.stdin`."""
    return StandardInput(stream, note_standard_input)


def _note_connection(observations: Observations, address: Any) -> None:
    if isinstance(address, tuple):
        _note_blind_spot(observations, "it talks to a server, whose answers are not seen")


def _note_database(observations: Observations, database: str) -> None:
    path = database.removeprefix("file:").partition("?")[0]
    if path and not path.startswith(":memory:"):
        observations.note_path("file", path)


def _note_open(observations: Observations, path: str, mode: str | None, flags: int | None) -> None:
    is_reading, is_writing = _access_of(mode, flags)
    if is_reading:
        observations.note_path("file", source_of(path))
    if is_writing:
        observations.note_write(path)


def _access_of(mode: str | None, flags: int | None) -> tuple[bool, bool]:
    if mode is not None:
        is_writing = any(letter in mode for letter in "wxa+")
        return not is_writing or ("+" in mode and "w" not in mode), is_writing
    flags = flags or 0
    is_truncated = bool(flags & (os.O_TRUNC | os.O_APPEND | os.O_EXCL))
    return not flags & os.O_WRONLY and not is_truncated, bool(flags & _WRITING)


def _note_listing(observations: Observations, path: str, frame: FrameType) -> None:
    asker = _asker(frame)
    if asker.is_import or "_rmtree_safe_fd" in asker.functions:
        return
    observations.watch([path], deep=False)
    asks_sizes = asker.frame is not None and "stat" in analysis(asker.frame.f_code).mentions
    observations.note_path("sizes" if asks_sizes else "file", path)


# Who asks

# A loader that is called without these reads code as data: it was not looked for by its name.
_IMPORTING = frozenset({"_find_and_load", "_find_spec", "find_spec", "_fill_cache", "_path_stat"})
_STANDARD_LIBRARY = os.path.dirname(os.__file__) + os.sep  # noqa: PTH120
_SITE = f"{_STANDARD_LIBRARY}site-packages{os.sep}"
_DEEPEST = 64


class _Asker:
    """Who asks for something: the nearest frame that is none of the standard library's."""

    def __init__(self, frame: FrameType | None) -> None:
        self.is_import = False
        self.modules: set[str] = set()
        self.functions: set[str] = set()
        for _ in range(_DEEPEST):
            if frame is None or not _is_of_python(frame.f_code.co_filename):
                break
            module = frame.f_globals.get("__name__", "")
            self.modules.add(module)
            self.functions.add(frame.f_code.co_name)
            if module.startswith("importlib._bootstrap"):
                self.is_import |= frame.f_code.co_name in _IMPORTING
            frame = frame.f_back
        self.frame = frame
        if "runpy" in self.modules:
            self.is_import = False

    @property
    def is_project(self) -> bool:
        """Whether it is the project's own code."""
        if self.frame is None:
            return False
        file = self.frame.f_code.co_filename
        return file.startswith("<") or _origin.is_project_file(file)


def _asker(frame: FrameType | None) -> _Asker:
    return _Asker(frame)


def _is_of_python(file: str) -> bool:
    if file.startswith("<frozen"):
        return True
    return file.startswith(_STANDARD_LIBRARY) and not file.startswith(_SITE)


_REPORTING = frozenset({"warnings", "traceback", "logging"})
_OURS = (
    "cannery._fingerprint", "cannery._session", "cannery._call", "cannery._code",
    "cannery._printed", "cannery._tasks", "cannery._worker",
)  # fmt: skip


def _is_reading_code(frame: FrameType | None, path: str) -> bool:
    """Whether code is read to be run or shown: the fingerprint sees code for itself."""
    asker = _asker(frame)
    if asker.is_import or (asker.modules & _REPORTING and path.endswith(".py")):
        return True
    module = "" if asker.frame is None else asker.frame.f_globals.get("__name__", "")
    return module.startswith(_OURS)


# Functions that raise no events

_Note = Callable[[Observations, str, FrameType], None]


def _wrap(name: str, note: _Note) -> None:
    """Put a function in the place of one of `os` that notes what it is asked."""
    original = getattr(os, name)

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if _running:
            path = args[0] if args else kwargs.get("path", "")
            folder = kwargs.get("dir_fd")
            if isinstance(path, (str, bytes, os.PathLike)):
                for observations in observers():
                    with quiet():
                        if folder is not None:
                            path = _below_descriptor(folder, path)
                        chosen = note
                        if name == "stat" and kwargs.get("follow_symlinks") is False:
                            chosen = _note_lstat
                        chosen(observations, os.fsdecode(path), sys._getframe(1))
        return original(*args, **kwargs)

    wrapper.__name__ = wrapper.__qualname__ = name
    wrapper.__doc__ = original.__doc__
    for supports in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
        if original in supports:
            supports.add(wrapper)
    setattr(os, name, wrapper)


def _wrap_reading(name: str) -> None:
    """Put a function in the place of one of `os` that notes reading from standard input."""
    original = getattr(os, name, None)
    if original is None:
        return

    def wrapper(descriptor: int, size: Any, /) -> Any:
        if _running and descriptor == 0:
            note_standard_input()
        return original(descriptor, size)

    wrapper.__name__ = wrapper.__qualname__ = name
    wrapper.__doc__ = original.__doc__
    setattr(os, name, wrapper)


def _below_descriptor(folder: int, path: str | bytes | os.PathLike[str]) -> str:
    """Name a path that is relative to an open folder."""
    try:
        return os.path.join(readlink(f"/proc/self/fd/{folder}"), os.fsdecode(path))  # noqa: PTH118
    except OSError:
        return os.fsdecode(path)


_EXISTENCE = frozenset(
    {"exists", "isfile", "isdir", "lexists", "is_file", "is_dir", "is_fifo", "is_socket"}
    | {"is_block_device", "is_char_device", "is_mount", "ismount", "walk", "_walk", "which"}
)
_TIMES = frozenset({"getmtime", "getctime", "getatime"})
_TIME_FIELDS = frozenset({"st_mtime", "st_mtime_ns", "st_ctime", "st_ctime_ns", "getmtime"})
_PATH_MODULES = frozenset({"genericpath", "posixpath", "pathlib", "pathlib._local", "pathlib._abc"})


def _note_stat(observations: Observations, path: str, frame: FrameType) -> None:
    asker = _asker(frame)
    if asker.is_import or "linecache" in asker.modules:
        return
    asked = asker.functions if asker.modules & _PATH_MODULES else frozenset()
    if asked & _TIMES:
        observations.note_path("modified", path)
    elif asked & _EXISTENCE:
        observations.note_path("exists", path)
    elif asker.is_project and asker.frame is not None and _asks_for_times(asker.frame):
        observations.note_path("modified", path)
        observations.note_path("stat", path)
    else:
        observations.note_path("stat", path)


def _asks_for_times(frame: FrameType) -> bool:
    return not _TIME_FIELDS.isdisjoint(analysis(frame.f_code).mentions)


def _note_lstat(observations: Observations, path: str, frame: FrameType) -> None:
    asker = _asker(frame)
    if asker.is_import or "linecache" in asker.modules:
        return
    if os.path.islink(path) or asker.functions & {"islink", "is_symlink"}:  # noqa: PTH114
        observations.note_path("link", path)
    elif "realpath" not in asker.functions and "resolve" not in asker.functions:
        _note_stat(observations, path, frame)


def _note_access(observations: Observations, path: str, frame: FrameType) -> None:
    if not _asker(frame).is_import:
        observations.note_path("stat", path)


def _note_readlink(observations: Observations, path: str, frame: FrameType) -> None:
    if not _asker(frame).is_import:
        observations.note_path("link", path)


def _note_getcwd(observations: Observations, _path: str, frame: FrameType) -> None:
    asker = _asker(frame)
    # Others ask for it to make a path absolute, under which they open it then; from 3.12 on
    # `Path.cwd` does so, too.
    is_meant = "absolute" not in asker.functions or "cwd" in asker.functions
    if asker.is_project and asker.modules <= _CURRENT and is_meant:
        observations.note_folder()


_CURRENT = frozenset({"os", "pathlib", "pathlib._abc", "pathlib._local"})


def _wrap_import_module() -> None:
    """Note the files of modules that are imported by names which the code does not say."""
    import importlib

    # What `importlib.import_module` calls, which others have imported by its name already.
    bootstrap: Any = importlib._bootstrap  # pyright: ignore[reportAttributeAccessIssue]
    original = bootstrap._gcd_import

    def _gcd_import(name: str, package: str | None = None, level: int = 0) -> Any:
        module = original(name, package, level)
        noted_by = observers()
        if noted_by and getattr(module, "__file__", None):
            asker = _asker(sys._getframe(1))
            with quiet():
                if asker.is_project and _origin.is_project_module(module.__name__):
                    for observations in noted_by:
                        _note_import(observations, module, asker)
        return module

    bootstrap._gcd_import = _gcd_import


def _note_import(observations: Observations, module: ModuleType, asker: _Asker) -> None:
    observations.note_path("file", str(module.__file__))
    is_said = asker.modules <= {"importlib"}
    if not is_said or asker.frame is None or analysis(asker.frame.f_code).imports_unknown:
        observations.note_module(module.__name__)  # what it imports is in no code that is reached


# The environment


class _ObservedEnvironment(type(os.environ)):
    """`os.environ`, noting what it is asked."""

    def __getitem__(self, key: Any) -> Any:
        if _running:
            _note_variable(os.fsdecode(key), sys._getframe(1))
        return super().__getitem__(key)

    def __iter__(self) -> Iterator[Any]:
        if _running:
            _note_variable("*", sys._getframe(1))
        return super().__iter__()

    def __setitem__(self, key: Any, value: Any) -> None:
        for observations in observers():
            observations.note_own_variable(os.fsdecode(key))
        super().__setitem__(key, value)


# Modules in which `os.getenv` and `os.environ.get` are written.
_LOOKUPS = frozenset({"os", "_collections_abc", "collections.abc"})


def _note_variable(name: str, frame: FrameType) -> None:
    noted_by = observers()
    if not noted_by:
        return
    with quiet():
        asker = _asker(frame)
        if name in VOLATILE and not asker.modules <= _LOOKUPS:
            return
        if not asker.is_project and _is_own_business(name, asker):
            return
        for observations in noted_by:
            observations.note_variable(name)


def _is_own_business(name: str, asker: _Asker) -> bool:
    """Whether a library reads a variable for itself: while it is imported, or for a terminal."""
    if name in VOLATILE or asker.is_import or asker.frame is None:
        return True
    frame: FrameType | None = asker.frame
    if frame.f_globals.get("__name__", "").startswith("cannery"):
        return True
    for _ in range(_DEEPEST):
        if frame is None or _origin.is_project_file(frame.f_code.co_filename):
            return False
        if frame.f_globals.get("__name__", "").startswith("importlib._bootstrap"):
            return True
        frame = frame.f_back
    return False


# Children that are forked


def _before_fork() -> None:
    for observations in _running:
        if observations.channel is None:
            observations.channel = _new_channel()


def _new_channel() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("cannery notes", os.MFD_CLOEXEC)
    import tempfile

    with quiet(), tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _in_child() -> None:
    global _lock, _listeners
    # A thread that is not here any more may have held a lock, of the listeners, too.
    _lock = threading.Lock()
    _listeners = ()
    for observations in _running:
        observations.notes = observations.channel


def _take_notes(observations: Observations) -> None:
    channel, observations.channel = observations.channel, None
    if channel is None or observations.notes is not None:
        return
    try:
        size = os.fstat(channel).st_size
        notes = os.pread(channel, size, 0)
    finally:
        os.close(channel)
    with quiet():
        observations.take_notes(notes)


_places.current_folder()  # what it calls is kept before it is wrapped
