"""What was made from what, to look at and to give to other programs; and what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cannery import _native
    from cannery._store import ArtifactVersion


class Lineage(list["ArtifactVersion"]):
    """An artifact and all that it was made from, or all that was made from it; the nearest first.

    A notebook shows it as a picture.
    """

    def __init__(
        self,
        versions: list[ArtifactVersion],
        store: _native.Store,
        artifact: int,
        reach: str,
    ) -> None:
        super().__init__(versions)
        self._native = store
        self._asked = artifact
        self._reach = reach

    def to_svg(self) -> str:
        """Return a picture of the steps and of what went from one to another.

        Raises `cannery.errors.LimitError` for more than a thousand steps.
        """
        return self._picture("svg")

    def to_mermaid(self) -> str:
        """Return a flowchart in Mermaid's language, which code hosts draw in their pages."""
        return self._picture("mermaid")

    def to_openlineage(self, *, namespace: str | None = None) -> str:
        """Return the runs that made the artifacts as events of OpenLineage, one to a line.

        `namespace` tells jobs and artifacts apart from those of other stores; by default it is the
        store's folder.
        """
        return self._picture("openlineage", namespace)

    def _picture(self, format: str, namespace: str | None = None) -> str:
        return self._native.picture(
            format, artifact=self._asked, reach=self._reach, namespace=namespace
        )

    def _repr_html_(self) -> str:
        return self.to_svg()


class ArtifactDiff:
    """What differs between two versions of artifacts. It is true if the values do.

    Printed, it says all of it; `data` holds the same for programs.
    """

    def __init__(self, text: str, data: dict[str, Any]) -> None:
        self._text = text
        #: What `cannery diff --json` prints.
        self.data = data

    @property
    def inputs(self) -> dict[str, tuple[str | None, str | None]]:
        """Inputs of the steps that differ, by argument: the versions before and after."""
        return {each["argument"]: (each["before"], each["after"]) for each in self.data["inputs"]}

    @property
    def made(self) -> dict[str, tuple[str | None, str | None]]:
        """What else the steps depended on that differs: code, parameters, files."""
        return {each["label"]: (each["before"], each["after"]) for each in self.data["made"]}

    @property
    def values(self) -> dict[str, tuple[str | None, str | None]]:
        """Places in the values that differ, `$.rows[3].name`: what was there, and what is."""
        return {
            change["place"]: (change["before"], change["after"])
            for file in self.data["files"]
            for change in file["changes"]
        }

    def __bool__(self) -> bool:
        return not self.data["same_value"]

    def __str__(self) -> str:
        return self._text

    __repr__ = __str__


def diff(store: _native.Store, before: _native.Artifact, after: _native.Artifact) -> ArtifactDiff:
    """Compare two stored versions."""
    from cannery import json

    text, data = store.diff(before, after)
    return ArtifactDiff(text, json.loads(data))
