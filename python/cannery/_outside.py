"""What one execution of a step has to do with the world outside of the store."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from cannery._fingerprint import Fingerprint
from cannery._fingerprint._hooks import observing, quiet
from cannery._fingerprint._observe import Observations, state_of, text_of
from cannery._fingerprint._places import current_folder, main_root, root_of
from cannery.materializers._base import Materializer
from cannery.materializers._registry import materializer_for, materializer_of_format
from cannery.materializers._trust import find_class, full_name, project_code

if TYPE_CHECKING:
    from cannery import _native
    from cannery._code import Code
    from cannery._steps import Step

_MATERIALIZER = "materializer "
# A class or function of the project that was found by a name in data.
_CODE = "code "
_WRITTEN = "written "
_MOST_VALUES = 1000
# Formats that materializers of cannery's read.
_our_formats: set[str] = set()
# What the materializers of text and plain data write, beside which there is room for more.
_OUR_FILES = frozenset({"text.txt", "data.json", "data.can"})
_STREAM = "stream.json"
# Larger files are taken to name the place where they were made.
_MOST_SEARCHED = 64 << 20


class Outside:
    """Observes a step's execution, and compares what an earlier one observed."""

    def __init__(self, session: Code, step: Step[..., Any]) -> None:
        self._session = session
        self._step = step
        self._root = _root_of(step.function)
        self._observations: Observations | None = None

    @property
    def blind_spots(self) -> tuple[str, ...]:
        """What could not be seen while the step ran."""
        seen = self._observations
        return () if seen is None else (*seen.blind_spots, *seen.unseen)

    @contextmanager
    def observing(self, paths: Iterable[str]) -> Iterator[None]:
        """Note what is read from outside; `paths` may be read by what cannot be heard."""
        ignored = (str(self._session.store.path),)
        strict = self._step.strict
        seen = Observations(self._root, ignored, key=self._session.key, is_strict=strict)
        self._observations = seen
        watching = self._session.watching
        paths = list(dict.fromkeys(paths))
        with quiet():
            watching.begin(seen, paths)
            for link in links_in(paths):
                seen.note_path("link", link)  # native code may read through it
        try:
            with observing(seen):
                yield
        finally:
            with quiet():
                watching.end(seen)

    def note_modules(self, names: Iterable[str]) -> None:
        """Note modules that the code imports and that were not to be found before it ran."""
        if self._observations is not None:
            for name in names:
                self._observations.note_module(name)

    def states(self, values: list[tuple[Any, Path]]) -> list[tuple[str, str]]:
        """Return what was read and how it was, once the values are saved in their folders."""
        seen = self._observations
        if seen is None:
            return []
        with quiet():
            for value, saved in values if not self._step.external else ():
                self._keep_outputs(seen.own_outputs(paths_in(value)), saved)
            states = [
                (label, _with_text(label, state, self._root)) for label, state in seen.states()
            ]
            states += self._places_told([saved for _, saved in values])
            self._session.note_files(self._step.name, seen)
        for name in seen.code:
            if name.rpartition(".")[0] not in seen.modules and project_code([name]):
                states.append((_CODE + name, self.state_of(_CODE + name)))
        foreign = (f for value, _ in values for f in _foreign_materializers(value, self._step))
        for materializer in dict.fromkeys(foreign):
            label = _MATERIALIZER + full_name(materializer)
            states.append((label, self.state_of(label)))
        return states

    def _keep_outputs(self, paths: list[str], saved: Path) -> None:
        """Store the files that the step wrote and whose paths it returns beside its value."""
        assert self._observations is not None
        names = {file.name for file in saved.iterdir()}
        is_ours = names <= _OUR_FILES or _STREAM in names
        for number, path in enumerate(paths):
            self._observations.note_output(path)
            if is_ours:
                _copy(Path(path), saved / "files" / str(number))

    def state_of(self, label: str) -> str:
        """Say how something outside is now."""
        if label.startswith(_CODE):
            code = list(project_code([label.removeprefix(_CODE)]).values())
            return self._session.fingerprint_of_class(code[0]).digest if code else "gone"
        if label.startswith(_MATERIALIZER):
            found = find_class(label.removeprefix(_MATERIALIZER))
            if found is None or not issubclass(found, Materializer):
                return "gone"
            return self._session.fingerprint_of_class(found).digest
        with quiet():
            return state_of(label, self._root, self._session.key)

    def is_unchanged(self, seen: list[tuple[str, str]]) -> bool:
        """Say whether all that was seen is as it was."""
        shared = self._session.shared_files
        return all(
            self.state_of(label) == state.partition("\n")[0]
            for label, state in seen
            if not label.startswith(_WRITTEN) or label in shared
        )

    def readers_of(self, records: list[_native.Artifact]) -> list[Fingerprint]:
        """Fingerprint the project's own materializers that inputs are read by."""
        own = self._step.materializers
        others = (each for each in records if own or each.format not in _our_formats)
        readers = []
        for record in others:
            found = materializer_of_format(record.format, record.type_name, own)
            if found is not None and _is_foreign(found):
                readers.append(self._session.fingerprint_of_class(found))
            elif found is not None and not own:
                _our_formats.add(record.format)
        return readers

    def _places_told(self, saved: list[Path]) -> Iterator[tuple[str, str]]:
        """Find out whether an output names the project's folder, and so is right in no other."""
        for label, place in (("project", self._root), ("folder", current_folder())):
            if any(_is_told(place, folder) for folder in saved):
                yield label, place


def _copy(source: Path, to: Path) -> None:
    to.mkdir(parents=True)
    if source.is_dir():
        shutil.copytree(source, to / source.name, ignore_dangling_symlinks=True)
    elif source.is_file():
        shutil.copyfile(source, to / source.name)


def _with_text(label: str, state: str, root: str) -> str:
    text = text_of(label, root)
    return state if text is None else f"{state}\n{text}"


def _is_told(place: str, saved: Path) -> bool:
    full, name = place.encode(), f'"{os.path.basename(place)}"'.encode()  # noqa: PTH119
    for file in saved.rglob("*"):
        if file.is_file():
            if file.stat().st_size > _MOST_SEARCHED:
                return True
            content = file.read_bytes()
            if full in content or name in content or content == name.strip(b'"'):
                return True
    return False


@functools.lru_cache(maxsize=1024)
def _root_of(function: Any) -> str:
    function = inspect.unwrap(function)
    code = getattr(function, "__code__", None)
    if code is None or code.co_filename.startswith("<"):
        return main_root()
    return root_of(code.co_filename)


def _foreign_materializers(value: Any, step: Step[..., Any]) -> list[type]:
    values = [value, *value] if isinstance(value, tuple) else [value]
    found = {materializer_for(type(each), step.materializers): None for each in values}
    return [each for each in found if _is_foreign(each)]


def _is_foreign(materializer: type) -> bool:
    return not materializer.__module__.startswith("cannery.")


def links_in(paths: Iterable[str]) -> Iterator[str]:
    """Find the links that paths lead through."""
    seen: set[str] = set()
    for path in paths:
        parts = path.split("/")
        for count in range(1, len(parts) + 1):
            head = "/".join(parts[:count])
            if head and head not in seen:
                seen.add(head)
                if os.path.islink(head):  # noqa: PTH114
                    yield head


def paths_in(value: Any) -> Iterator[str]:
    """Find the texts in a value that may be paths of files."""
    pending = [value]
    for _ in range(_MOST_VALUES):
        if not pending:
            return
        each = pending.pop()
        if isinstance(each, (str, PurePath)):
            text = str(each)
            if len(text) < 1024 and "\n" not in text and "\0" not in text:
                yield text
        elif isinstance(each, (list, tuple, set, frozenset)):
            pending.extend(each)
        elif isinstance(each, dict):
            pending.extend(each.values())
        elif dataclasses.is_dataclass(each) and not isinstance(each, type):
            pending.extend(vars(each).values() if hasattr(each, "__dict__") else ())
