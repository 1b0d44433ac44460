"""Materializers that were written for ZenML: change the imports and nothing else.

```python
from cannery.compat.zenml import BaseMaterializer, DataArtifact, fileio
```

A subclass of `BaseMaterializer` is used for its `ASSOCIATED_TYPES`, as one of
`cannery.Materializer` is for its `types`. It may have `save` and `load`, or the `handle_return` and
`handle_input` of ZenML before 0.40. Where not even the imports may change, `install()` before
them makes the modules of ZenML that materializers import, without ZenML.
"""

from __future__ import annotations

import builtins
import enum
import glob as _glob
import os
import shutil
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import IO, Any, ClassVar

from cannery.materializers import Materializer
from cannery.materializers._trust import full_name

__all__ = [
    "ArtifactType",
    "BaseMaterializer",
    "DataAnalysisArtifact",
    "DataArtifact",
    "ModelArtifact",
    "SchemaArtifact",
    "ServiceArtifact",
    "StatisticsArtifact",
    "VisualizationType",
    "fileio",
    "install",
]


class ArtifactType(enum.StrEnum):
    """What ZenML calls an artifact's kind; cannery has no use for it."""

    DATA = "DataArtifact"
    DATA_ANALYSIS = "DataAnalysisArtifact"
    MODEL = "ModelArtifact"
    SCHEMA = "SchemaArtifact"
    SERVICE = "ServiceArtifact"
    STATISTICS = "StatisticsArtifact"
    BASE = "BaseArtifact"


class VisualizationType(enum.StrEnum):
    """What ZenML's dashboard can show; cannery asks materializers for their `preview`."""

    CSV = "csv"
    HTML = "html"
    IMAGE = "image"
    JSON = "json"
    MARKDOWN = "markdown"


class _BaseArtifact:
    """Where a materializer finds its files."""

    def __init__(self, uri: str = "") -> None:
        self.uri = uri


class DataArtifact(_BaseArtifact):
    """Data."""


class DataAnalysisArtifact(_BaseArtifact):
    """The analysis of data."""


class ModelArtifact(_BaseArtifact):
    """A model."""


class SchemaArtifact(_BaseArtifact):
    """A schema."""


class ServiceArtifact(_BaseArtifact):
    """A service."""


class StatisticsArtifact(_BaseArtifact):
    """Statistics."""


class fileio:  # noqa: N801  a module in ZenML
    """ZenML's file functions, on local files."""

    @staticmethod
    def open(path: str, mode: str = "r") -> IO[Any]:
        """Open a file; its folder is made where it is to be written."""
        if "r" not in mode:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        return builtins.open(path, mode)  # noqa: PTH123

    exists = staticmethod(os.path.exists)
    isdir = staticmethod(os.path.isdir)
    listdir = staticmethod(os.listdir)
    glob = staticmethod(_glob.glob)
    walk = staticmethod(os.walk)
    stat = staticmethod(os.stat)
    remove = staticmethod(os.remove)
    rmtree = staticmethod(shutil.rmtree)

    @staticmethod
    def mkdir(path: str) -> None:
        """Make a folder."""
        Path(path).mkdir(exist_ok=True)

    @staticmethod
    def makedirs(path: str) -> None:
        """Make a folder and those above it."""
        Path(path).mkdir(parents=True, exist_ok=True)

    @staticmethod
    def copy(src: str, dst: str, overwrite: bool = False) -> None:
        """Copy a file."""
        if not overwrite and Path(dst).exists():
            raise FileExistsError(f"`{dst}` is there already")
        shutil.copyfile(src, dst)

    @staticmethod
    def rename(src: str, dst: str, overwrite: bool = False) -> None:
        """Rename a file."""
        if not overwrite and Path(dst).exists():
            raise FileExistsError(f"`{dst}` is there already")
        Path(src).replace(dst)


class BaseMaterializer:
    """ZenML's base class of materializers."""

    ASSOCIATED_TYPES: ClassVar[Iterable[type]] = ()
    ASSOCIATED_ARTIFACT_TYPES: ClassVar[Iterable[type]] = ()
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.BASE
    SKIP_REGISTRATION: ClassVar[bool] = False

    __cannery_materializer__: ClassVar[type[Materializer[Any]]]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.__cannery_materializer__ = _adapter_of(cls)

    def __init__(self, uri: str | _BaseArtifact = "", artifact_store: Any = None) -> None:
        self.uri = uri.uri if isinstance(uri, _BaseArtifact) else uri
        self.artifact = DataArtifact(self.uri)
        self.artifact_store = artifact_store or fileio

    def save(self, data: Any) -> None:
        """Write a value below `self.uri`."""
        self.handle_return(data)

    def load(self, data_type: type[Any]) -> Any:
        """Read the value below `self.uri`."""
        return self.handle_input(data_type)

    def handle_return(self, data: Any) -> None:
        """Write a value, before ZenML 0.40; what the base class does is nothing."""

    def handle_input(self, data_type: type[Any]) -> Any:
        """Read a value, before ZenML 0.40; what the base class does is nothing."""

    def save_visualizations(self, data: Any) -> dict[str, VisualizationType]:
        """Draw a value for ZenML's dashboard: cannery does not ask for it."""
        del data
        return {}

    def extract_metadata(self, data: Any) -> dict[str, Any]:
        """Say in a few fields what a value is like."""
        del data
        return {}


def _adapter_of(cls: type[BaseMaterializer]) -> type[Materializer[Any]]:
    class Adapter(Materializer[Any]):
        types = () if cls.SKIP_REGISTRATION else tuple(cls.ASSOCIATED_TYPES)
        format_id = f"zenml {full_name(cls)}/1"

        def save(self, value: Any, to: Path) -> None:
            cls(str(to)).save(value)

        def load(self, type: type[Any], at: Path) -> Any:
            return cls(str(at)).load(type)

        def metadata(self, value: Any) -> dict[str, Any]:
            return cls("").extract_metadata(value)

    Adapter.__qualname__ = cls.__qualname__
    return Adapter


_ARTIFACTS = {
    cls.__name__: cls
    for cls in (
        DataAnalysisArtifact,
        DataArtifact,
        ModelArtifact,
        SchemaArtifact,
        ServiceArtifact,
        StatisticsArtifact,
    )
}

# What materializers import, and from where.
_MODULES: dict[str, dict[str, Any]] = {
    "zenml": {},
    "zenml.artifact_stores": {},
    "zenml.artifact_stores.base_artifact_store": {"BaseArtifactStore": fileio},
    "zenml.artifacts": {"BaseArtifact": _BaseArtifact, **_ARTIFACTS},
    "zenml.artifacts.data_artifact": {"DataArtifact": DataArtifact},
    "zenml.artifacts.model_artifact": {"ModelArtifact": ModelArtifact},
    "zenml.enums": {"ArtifactType": ArtifactType, "VisualizationType": VisualizationType},
    "zenml.io": {"fileio": fileio},
    "zenml.materializers": {"BaseMaterializer": BaseMaterializer},
    "zenml.materializers.base_materializer": {"BaseMaterializer": BaseMaterializer},
    "zenml.metadata": {},
    "zenml.metadata.metadata_types": {"MetadataType": Any},
}


def install() -> None:
    """Make the modules of ZenML from which materializers import, for files that stay unchanged.

    ```python
    import cannery.compat.zenml

    cannery.compat.zenml.install()

    import my_zenml_materializers
    ```

    Raises:
        ImportError: if ZenML is there itself.

    """
    if "zenml" not in sys.modules and find_spec("zenml") is not None:
        raise ImportError("zenml is installed: its materializers would be ZenML's own")
    for name, attributes in _MODULES.items():
        if name in sys.modules:
            continue
        module = sys.modules[name] = ModuleType(name, "What materializers need of ZenML.")
        vars(module).update(attributes, __path__=[])
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, module)
