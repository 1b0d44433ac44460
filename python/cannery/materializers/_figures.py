"""matplotlib's figures, as pictures."""

# Libraries that are not there are not asked for.
# pyright: reportMissingImports=false, reportMissingModuleSource=false

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cannery.materializers._base import Materializer

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class FigureMaterializer(Materializer["Figure"]):
    """Stores a figure as PNG and SVG: a picture for people, not the drawing's own objects."""

    format_id = "figure.png+svg/1"

    def save(self, value: Figure, to: Path) -> None:
        """Draw the figure twice, without the date, so that equal figures are equal files."""
        import matplotlib as mpl

        with mpl.rc_context({"svg.hashsalt": "cannery"}):
            value.savefig(to / "figure.png", metadata={"Software": None})
            value.savefig(to / "figure.svg", metadata={"Date": None, "Creator": None})

    def load(self, type: type[Any], at: Path) -> Figure:
        """Return a figure of the same size that shows the picture."""
        from matplotlib.figure import Figure
        from matplotlib.image import imread

        pixels = imread(at / "figure.png")
        height, width = pixels.shape[:2]
        figure = Figure(figsize=(width / 100, height / 100), dpi=100)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.imshow(pixels)
        axes.set_axis_off()
        return figure

    def metadata(self, value: Figure) -> dict[str, Any]:
        """Say the size in inches and the number of axes."""
        return {
            "inches": [float(side) for side in value.get_size_inches()],
            "axes": len(value.axes),
        }
