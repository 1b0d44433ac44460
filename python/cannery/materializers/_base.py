"""What a materializer is."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

T = TypeVar("T")


class Materializer(Generic[T]):
    """Turns values of some types into files and back.

    Subclassing is registering: the last materializer that was defined for a type is used for its
    values and those of its subclasses.

    ```python
    class PageMaterializer(Materializer[Page]):
        types = (Page,)
        format_id = "page.txt/1"

        def save(self, value, to):
            (to / "page.txt").write_text(value.name)

        def load(self, type, at):
            return type((at / "page.txt").read_text())
    ```
    """

    types: ClassVar[tuple[type, ...]] = ()
    """The types it is for. Without any, it is used only where a step names it."""

    format_id: ClassVar[str] = ""
    """The name of the layout of its files; with a new one, steps run again."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if not cls.format_id:
            cls.format_id = f"{cls.__module__}.{cls.__qualname__}/1"
        register(cls)

    def save(self, value: T, to: Path) -> None:
        """Write files below the folder `to`, which is there and empty."""
        raise NotImplementedError(f"`{type(self).__qualname__}` has no `save`")

    def load(self, type: type[T], at: Path) -> T:
        """Read what `save` wrote below `at`, as a value of `type`.

        The files are the store's own: they may be read and memory-mapped, and not changed.
        """
        raise NotImplementedError(f"`{self.__class__.__qualname__}` has no `load`")

    def metadata(self, value: T) -> dict[str, Any]:
        """Say in a few fields what the value is like; the same for equal values."""
        del value
        return {}

    def preview(self, value: T) -> str | None:
        """Show the value in a few lines of text."""
        del value
        return None


# Those that were defined, the last of each type and of each format.
by_type: dict[type, type[Materializer[Any]]] = {}
by_format: dict[str, type[Materializer[Any]]] = {}


def register(materializer: type[Materializer[Any]]) -> None:
    """Use a materializer for its types from now on."""
    by_format[materializer.format_id] = materializer
    for cls in materializer.types:
        by_type[cls] = materializer
