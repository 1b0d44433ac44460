"""The store as Python sees it: artifacts, runs and steps that were recorded."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cannery import _native
from cannery._catalog_text import parsed
from cannery._lineage import ArtifactDiff, Lineage, diff
from cannery._parameters import parameters_for_people
from cannery._partitions import Partition, partition_text
from cannery._values import load_record
from cannery.errors import DataError, LimitError, NotFoundError
from cannery.materializers._trust import trusting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cannery._compare import RunComparison


class Store:
    """A folder with everything that pipelines made, by name and version.

    Without `where` it is the folder that `CANNERY_STORE` names, else the nearest `.cannery` from
    the current folder upwards, else a new one in the current folder.
    """

    def __init__(self, where: str | os.PathLike[str] | None = None) -> None:
        self._native = _native.Store(None if where is None else os.fspath(where))

    @classmethod
    def _of(cls, native: _native.Store) -> Store:
        store = cls.__new__(cls)
        store._native = native
        return store

    def close(self) -> None:
        """Close its files: nothing can be asked of it from then on.

        They stay open while another `Store` of the same folder, or a run, uses them.
        """
        self._native.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def path(self) -> Path:
        """The store's folder."""
        return self._native.root

    @property
    def is_read_only(self) -> bool:
        """Whether this user can only look at it."""
        return self._native.is_read_only

    def artifact(
        self, name: str, version: int | None = None, *, partition: Partition | None = None
    ) -> ArtifactVersion:
        """Return a version of an artifact, or its latest; with `partition`, the latest of that.

        `name` is its path (`daily/train`, or `daily/split.low` for one of several outputs), or the
        last part of it where only one path ends so.

        Raises `cannery.errors.NotFoundError`, which says what there is, and
        `cannery.errors.DataError` for a name that several paths end with, which lists them.
        """
        if partition is not None:
            return self._of_partition(name, partition_text(partition))
        if version is None and "@" in name:
            return ArtifactVersion(self, self._native.find_artifact(name))
        return ArtifactVersion(self, self._native.artifact(name, version))

    def set_alias(self, alias: str, artifact: str | ArtifactVersion) -> None:
        """Call a version of an artifact by a name of its own: `train@production`.

        Another version of the artifact that had the alias loses it. What has an alias is not
        removed by `cannery gc`. `artifact` is a version, or its name as `artifact` takes it.
        """
        found = self.artifact(artifact) if isinstance(artifact, str) else artifact
        self._native.set_alias(alias, found._record)

    def remove_alias(self, name: str, alias: str) -> bool:
        """Take an alias away from an artifact; say whether it had it."""
        return self._native.remove_alias(self.artifact(name).path, alias)

    @property
    def aliases(self) -> dict[str, ArtifactVersion]:
        """All aliases, as `path@alias`, with the versions that they name."""
        return {
            f"{path}@{alias}": ArtifactVersion(self, self._native.artifact(path, version))
            for path, alias, version in self._native.aliases()
        }

    def _of_partition(self, name: str, partition: str) -> ArtifactVersion:
        there = self.partitions(name)
        if partition not in there:
            error = NotFoundError(f"`{name}` has no partition `{partition}`")
            names = ", ".join(f"`{each}`" for each in list(there)[-20:])
            error.hint = f"it has: {names or 'none'}"
            raise error
        return there[partition]

    def partitions(self, name: str) -> dict[str, ArtifactVersion]:
        """Return the latest version of each partition of an artifact, in their order.

        Pipelines make partitions with `@pipeline(partition="day")`.
        """
        try:
            path = self.artifact(name).path
        except NotFoundError:
            return {}  # the first run of the first partition looks for the one before
        return {
            alias: ArtifactVersion(self, self._native.artifact(path, version))
            for found, alias, version in self._native.aliases()
            if found == path and "=" in alias
        }

    def artifacts(
        self,
        name: str | None = None,
        *,
        all_versions: bool = False,
        limit: int | None = None,
        partition: Partition | None = None,
    ) -> ArtifactList:
        """Return the latest version of every artifact, or all versions; the newest first.

        `name` is a path or a last part, as in `artifact`. `store.artifacts("daily/train").latest()`
        is the latest version of one. With `partition`, what a run of this partition has given last.
        """
        if partition is not None:
            return self._artifacts_of(partition_text(partition), name)
        found = self._native.artifacts(name=name, all_versions=all_versions, limit=limit)
        artifacts = ArtifactList(ArtifactVersion(self, record) for record in found)
        artifacts._asked = name
        return artifacts

    def _artifacts_of(self, partition: str, name: str | None) -> ArtifactList:
        path = None if name is None else self.artifact(name).path
        records = [
            self._native.artifact(found, version)
            for found, alias, version in self._native.aliases()
            if alias == partition and path in (None, found)
        ]
        records.sort(key=lambda record: record.id, reverse=True)
        return ArtifactList(ArtifactVersion(self, record) for record in records)

    def runs(
        self,
        pipeline: str | None = None,
        *,
        status: str | None = None,
        tag: str | None = None,
        limit: int | None = None,
    ) -> list[RunRecord]:
        """Return runs, the newest first."""
        found = self._native.runs(pipeline=pipeline, status=status, tag=tag, limit=limit)
        return [RunRecord(self, record) for record in found]

    def run(self, number: int) -> RunRecord:
        """Return the run of this number."""
        return RunRecord(self, self._native.run(number))

    def __repr__(self) -> str:
        return f"Store({str(self.path)!r})"


class ArtifactList(list["ArtifactVersion"]):
    """Versions of artifacts, the newest first."""

    _asked: str | None = None

    def latest(self) -> ArtifactVersion:
        """Return the latest version.

        Raises `cannery.errors.NotFoundError` if there is none, and `cannery.errors.DataError` if
        the versions are of several artifacts.
        """
        paths = sorted({each.path for each in self})
        if not paths:
            what = f"no artifact `{self._asked}`" if self._asked else "no artifact"
            raise NotFoundError(f"the store has {what}")
        if len(paths) > 1:
            error = DataError(f"several artifacts: `{'`, `'.join(paths[:20])}`")
            error.hint = f'ask for one of them: `store.artifact("{paths[0]}")`'
            raise error
        return max(self, key=lambda each: each.version)


class RunRecord:
    """A run of a pipeline, as it was recorded."""

    def __init__(self, store: Store, record: _native.Run) -> None:
        self._store = store
        self._record = record

    def __reduce__(self) -> Any:
        return _run_of, (str(self._store.path), self.id)

    @property
    def id(self) -> int:
        """Its number in the store: 1, 2, ..."""
        return self._record.id

    @property
    def pipeline(self) -> str:
        """The pipeline's name."""
        return self._record.pipeline

    @property
    def status(self) -> str:
        """`running`, `completed`, `failed`, `interrupted`, or `crashed` if its process is gone."""
        return self._record.status

    @property
    def started(self) -> datetime.datetime:
        """When it began."""
        return _moment(self._record.started)

    @property
    def duration(self) -> float | None:
        """How many seconds it took; `None` while it runs."""
        return self._record.duration

    @property
    def parameters(self) -> dict[str, Any]:
        """The pipeline's parameters as plain JSON, such as "2026-11-30", or else their `repr`."""
        return parsed(self._record.params, "parameters", parameters_for_people)

    def _recorded_parameters(self) -> dict[str, Any]:
        """Return the same, in which those that are no data can be told apart."""
        return parsed(self._record.params, "parameters", dict)

    @property
    def error(self) -> str | None:
        """What went wrong."""
        return self._record.error

    @property
    def output(self) -> Any:
        """What the pipeline returned: stored artifacts, or a structure of them.

        A list (of a tuple, too) or a dictionary has `load()`, which loads all of them. `None` as
        long as the run has not completed.
        """
        from cannery._run_output import output_of_json

        return output_of_json(self._record.output, self._store)

    @property
    def tags(self) -> tuple[str, ...]:
        """What it is called by."""
        return tuple(self._record.tags)

    def tag(self, *tags: str) -> None:
        """Call it by further texts, to find it again with `Store.runs(tag=...)`."""
        all_tags = list(dict.fromkeys((*self._record.tags, *tags)))
        self._store._native.set_run_tags(self.id, all_tags)
        self._record = self._store._native.run(self.id)

    @property
    def code_version(self) -> str | None:
        """The commit of the project, with `-dirty` where files differed from it."""
        return self._record.code_version

    def compare(self, other: RunRecord | int) -> RunComparison:
        """Say what differs from another run of the store: from `other` to this one."""
        from cannery._compare import compare

        return compare(self._store.run(other) if isinstance(other, int) else other, self)

    @property
    def steps(self) -> Mapping[str, StepRun]:
        """Its steps by name, in the order in which the pipeline called them."""
        records = self._store._native.steps(self.id)
        return {record.label: StepRun(self._store, record) for record in records}

    def __repr__(self) -> str:
        took = "" if self.duration is None else f" in {self.duration:.3g} s"
        return _native.printable(f"<run {self.id} of {self.pipeline}: {self.status}{took}>")

    def _repr_html_(self) -> str:
        from cannery import _html

        rows = [
            (step.name, "cached" if step.cached else step.status, _seconds(step.duration))
            for step in self.steps.values()
        ]
        caption = f"run {self.id} of {self.pipeline}: {self.status}"
        table = _html.table(caption, ("step", "status", "seconds"), rows)
        try:
            return self.to_svg() + table
        except LimitError:  # too many steps for a picture
            return table

    def to_svg(self) -> str:
        """Return a picture of its steps and of what went from one to another.

        Raises `cannery.errors.LimitError` for more than a thousand steps; those of `map` that are
        alike are drawn as one.
        """
        return self._store._native.picture("svg", run=self.id)

    def to_mermaid(self) -> str:
        """Return a flowchart in Mermaid's language, which code hosts draw in their pages."""
        return self._store._native.picture("mermaid", run=self.id)

    def to_openlineage(self, *, namespace: str | None = None) -> str:
        """Return the run and its steps as events of OpenLineage, one JSON document to a line.

        `namespace` tells jobs and artifacts apart from those of other stores; by default it is the
        store's folder.
        """
        return self._store._native.picture("openlineage", run=self.id, namespace=namespace)


class StepRun:
    """A step of a run, as it was recorded."""

    def __init__(self, store: Store, record: _native.Step) -> None:
        self._store = store
        self._record = record

    @property
    def step(self) -> str:
        """The step's name."""
        return self._record.name

    @property
    def name(self) -> str:
        """Its name in the run: `step`, and `step-2` for the second of that name."""
        return self._record.label

    @property
    def run(self) -> RunRecord:
        """The run it belongs to."""
        return self._store.run(self._record.run)

    @property
    def status(self) -> str:
        """`running`, `completed`, `failed`, `skipped`, `interrupted` or `crashed`."""
        return self._record.status

    @property
    def cached(self) -> bool:
        """Whether its result was known and it did not run."""
        return self._record.cached

    @property
    def started(self) -> datetime.datetime:
        """When it began."""
        return _moment(self._record.started)

    @property
    def duration(self) -> float | None:
        """How many seconds it took."""
        return self._record.duration

    @property
    def error(self) -> str | None:
        """What went wrong."""
        return self._record.error

    @property
    def ran(self) -> StepRun:
        """The step that ran: itself, or the one whose result a cached step used."""
        found = self._store._native.execution_found_by(self._record.id)
        return self if found is None else StepRun(self._store, found)

    @property
    def cpu(self) -> float | None:
        """Seconds of processor time, of its thread or its process, where it ran."""
        return self._record.cpu

    @property
    def memory(self) -> int | None:
        """Bytes that its process had at the most while it ran, where the system tells."""
        return self._record.memory

    @property
    def attempts(self) -> int:
        """How often it was tried until it ended so."""
        return self._record.attempts

    @property
    def log(self) -> str:
        """What it has printed and logged; while it runs, what there is by now."""
        return self._store._native.step_log(self._record.id, 0).decode("utf-8", "backslashreplace")

    @property
    def inputs(self) -> dict[str, ArtifactVersion]:
        """The artifacts that went in, by argument."""
        found = self._store._native.step_inputs(self._record.id)
        return {name: ArtifactVersion(self._store, record) for name, record in found}

    @property
    def outputs(self) -> dict[str, ArtifactVersion]:
        """The artifacts that came out; the only one's name is empty."""
        found = self._store._native.step_outputs(self._record.id)
        return {name: ArtifactVersion(self._store, record) for name, record in found}

    @property
    def key_parts(self) -> dict[str, str]:
        """What its cache key was made of: labels, and digests or short texts."""
        key = self._record.cache_key
        parts = self._store._native.key_parts(key) if key else []
        return {label: shown or digest for label, digest, shown in parts}

    @property
    def observations(self) -> dict[str, str]:
        """What it read from outside (files, environment variables), and how that was."""
        return dict(self._store._native.observations(self._record.id))

    def __repr__(self) -> str:
        status = "cached" if self.cached else self.status
        return _native.printable(f"<step {self.name}: {status}>")


class ArtifactVersion:
    """A version of an artifact: a value that a step made, kept with where it came from."""

    def __init__(self, store: Store, record: _native.Artifact, item: int | None = None) -> None:
        self._store = store
        self._record = record
        #: Of the items of a stored tuple, the one that is meant.
        self._item = item

    def _with_item(self, item: int | None) -> ArtifactVersion:
        return ArtifactVersion(self._store, self._record, item)

    def __reduce__(self) -> Any:
        return _artifact_of, (str(self._store.path), self.path, self.version, self._item)

    @property
    def name(self) -> str:
        """Its name, which is the step's, or `step.output`; the last part of its `path`."""
        return self._record.name

    @property
    def path(self) -> str:
        """Its path in the store: `pipeline/step`, or `pipeline/step.output`."""
        return self._record.path

    @property
    def version(self) -> int:
        """1, 2, ... for each path."""
        return self._record.version

    @property
    def partitions(self) -> tuple[str, ...]:
        """The partitions of which it is the latest version, such as `day=2026-11-30`."""
        return tuple(
            alias
            for path, alias, version in self._store._native.aliases()
            if (path, version) == (self.path, self.version) and "=" in alias
        )

    @property
    def type(self) -> str:
        """The full name of the value's type, as its manifest says it."""
        return self._store._native.describe(self._record)[0]

    @property
    def format(self) -> str:
        """How its files are laid out."""
        return self._store._native.describe(self._record)[1]

    @property
    def digest(self) -> str:
        """The digest of its content: equal contents, equal digests."""
        return self._record.digest

    @property
    def size(self) -> int:
        """How many bytes its files have."""
        return self._record.size

    @property
    def created(self) -> datetime.datetime:
        """When it was made."""
        return _moment(self._record.created)

    @property
    def metadata(self) -> dict[str, Any]:
        """What its materializer said about the value."""
        return parsed(self._store._native.describe(self._record)[2], "metadata")

    @property
    def folder(self) -> Path:
        """Its files as a folder of copies, held against their digests."""
        return self._store._native.view(self.digest)

    @property
    def producer(self) -> StepRun | None:
        """The step that made it."""
        number = self._record.producer
        return None if number is None else StepRun(self._store, self._store._native.step(number))

    @property
    def upstream(self) -> list[ArtifactVersion]:
        """The artifacts it was made from."""
        return self._wrap(self._store._native.neighbours(self._record.id))

    @property
    def downstream(self) -> list[ArtifactVersion]:
        """The artifacts that were made from it."""
        return self._wrap(self._store._native.neighbours(self._record.id, down=True))

    def lineage(self, *, down: bool = False, both: bool = False) -> Lineage:
        """Return this artifact and everything it was made from, across runs, the nearest first.

        With `down`, everything that was made from it; with `both`, both. It can be drawn
        (`to_svg`, `to_mermaid`), which notebooks do, and written as events (`to_openlineage`).
        """
        native, number = self._store._native, self._record.id
        found = [] if down and not both else native.lineage(number)
        if down or both:
            found += native.lineage(number, down=True)[1 if both else 0 :]
        reach = "both" if both else "down" if down else "up"
        return Lineage(self._wrap(found), native, number, reach)

    def diff(self, other: ArtifactVersion) -> ArtifactDiff:
        """Say what differs from another version of the store: from `other` to this one.

        The code, parameters, inputs and files of the steps that made them are compared, and the
        values, place by place.
        """
        return diff(self._store._native, other._record, self._record)

    def load(self, type: type[Any] | None = None, *, trust: Iterable[Any] | None = None) -> Any:
        """Return the value.

        `type` is asked of the materializer instead of the recorded type. Classes of the project
        that are loaded in this process are made again; `trust` names others, and `trust=()` none.
        Nothing is imported because the store names it, and every byte is held against its digest.
        """
        with trusting(trust or (), project=trust is None):
            value = load_record(self._store._native, self._record, type)
        return value if self._item is None else value[self._item]

    def open(self, *, trust: Iterable[Any] | None = None) -> Any:
        """Return what reads a part of the value: `artifact.open()[1000:2000]`.

        A stream reads the chunks that are asked for, an array is memory-mapped; other values are
        loaded. `trust` is as for `load`.
        """
        return self.load(trust=trust)

    def _wrap(self, records: list[_native.Artifact]) -> list[ArtifactVersion]:
        return [ArtifactVersion(self._store, record) for record in records]

    def __repr__(self) -> str:
        return _native.printable(f"<artifact {self.path}@{self.version}: {self._record.type_name}>")

    def _repr_html_(self) -> str:
        from cannery import _html

        rows = [
            ("type", self._record.type_name),
            ("format", self.format),
            ("bytes", f"{self.size:,}"),
            ("digest", self.digest),
            ("created", self.created.isoformat(" ", "seconds")),
            *self.metadata.items(),
        ]
        table = _html.table(f"artifact {self.name}@{self.version}", ("", "value"), rows)
        try:
            return table + self.lineage().to_svg()
        except LimitError:  # too many steps for a picture
            return table


def _seconds(duration: float | None) -> str:
    return "" if duration is None else f"{duration:.3g}"


def _run_of(store: str, number: int) -> RunRecord:
    native = Store(store)._native.dormant()
    return RunRecord(Store._of(native), native.run(number))


def _artifact_of(store: str, path: str, version: int, item: int | None) -> ArtifactVersion:
    native = Store(store)._native.dormant()
    return ArtifactVersion(Store._of(native), native.artifact(path, version), item)


def _moment(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
