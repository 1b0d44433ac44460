"""How good predictions are, against what always guessing the same label would reach."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np


@dataclass(eq=False)
class Evaluation:
    """Counts of true labels (rows) against predicted labels (columns)."""

    labels: list[int]
    confusion: np.ndarray  # int64 [labels, labels]
    majority: int  # training's most frequent label: the baseline's only answer

    @classmethod
    def of(cls, truth: np.ndarray, predicted: np.ndarray, majority: int) -> Self:
        labels = np.unique([*truth, *predicted, majority])
        confusion = np.zeros((len(labels), len(labels)), np.int64)
        np.add.at(confusion, (labels.searchsorted(truth), labels.searchsorted(predicted)), 1)
        return cls(labels.tolist(), confusion, majority)

    @property
    def boxes(self) -> int:
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        """Share of the boxes predicted right; 0 when there was none."""
        return float(self.confusion.trace()) / max(self.boxes, 1)

    @property
    def baseline(self) -> float:
        """What always predicting `majority` would reach."""
        return float(self._totals[self.labels.index(self.majority)]) / max(self.boxes, 1)

    def per_class(self) -> Iterator[tuple[int, int, int]]:
        """Label, right predictions and boxes, for each label the test set has."""
        right = self.confusion.diagonal()
        for label, hits, total in zip(self.labels, right, self._totals, strict=True):
            if total:
                yield label, int(hits), int(total)

    def confusions(self) -> list[tuple[int, int, int]]:
        """Count, true and predicted label of what was taken for something else, most first."""
        wrong = self.confusion - np.diag(self.confusion.diagonal())
        pairs = zip(*np.nonzero(wrong), strict=True)
        return sorted(
            ((int(wrong[i, j]), self.labels[i], self.labels[j]) for i, j in pairs), reverse=True
        )

    @property
    def _totals(self) -> np.ndarray:
        return self.confusion.sum(axis=1)
