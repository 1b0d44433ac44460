"""A random forest as plain arrays: trained by scikit-learn, stored and used without it."""

from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np

LEAF = -1


@dataclass(eq=False)
class Forest:
    """The trees one behind another; a node's children are indices into the same arrays."""

    labels: np.ndarray  # int64 [classes], ascending: what a vote's column stands for
    frequencies: np.ndarray  # int64 [classes]: how often training saw each label
    roots: np.ndarray  # int64 [trees]
    feature: np.ndarray  # int64 [nodes]: the column a node looks at
    threshold: np.ndarray  # float64 [nodes]: at most this goes left
    left: np.ndarray  # int64 [nodes], `LEAF` at a leaf
    right: np.ndarray  # int64 [nodes]
    votes: np.ndarray  # float64 [nodes, classes]: the shares of the classes at a node

    @classmethod
    def fit(
        cls, values: np.ndarray, labels: np.ndarray, *, trees: int, max_depth: int | None, seed: int
    ) -> Self:
        """Trains scikit-learn's forest and takes its arrays."""
        from sklearn.ensemble import RandomForestClassifier  # slow: not for a cached run

        model = RandomForestClassifier(
            trees,
            max_depth=max_depth,
            min_samples_leaf=2,  # a leaf for one box would know that box by heart
            random_state=seed,
        )
        return cls.from_sklearn(model.fit(values, labels), labels)

    @classmethod
    def from_sklearn(cls, model, labels: np.ndarray) -> Self:
        """The arrays of a fitted `RandomForestClassifier`, trained on `labels`."""
        trees = [tree.tree_ for tree in model.estimators_]
        roots = np.cumsum([0, *(tree.node_count for tree in trees[:-1])])

        def children(side: str) -> np.ndarray:
            pairs = zip((getattr(tree, side) for tree in trees), roots, strict=True)
            return np.concatenate([np.where(at == LEAF, LEAF, at + root) for at, root in pairs])

        return cls(
            labels=model.classes_,
            frequencies=np.unique(labels, return_counts=True)[1],
            roots=roots,
            feature=np.concatenate([tree.feature for tree in trees]),
            threshold=np.concatenate([tree.threshold for tree in trees]),
            left=children("children_left"),
            right=children("children_right"),
            votes=np.concatenate([tree.value[:, 0, :] for tree in trees]),
        )

    def arrays(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def predict(self, values: np.ndarray) -> np.ndarray:
        """The label most trees vote for, for each row of `values`."""
        values = values.astype(np.float32)  # what the thresholds were chosen on
        ballot = np.zeros((len(values), len(self.labels)))
        for root in self.roots:  # in order: the sum rounds as scikit-learn's does
            ballot += self.votes[self._leaves(values, root)]
        return self.labels[ballot.argmax(axis=1)]

    def _leaves(self, values: np.ndarray, root: int) -> np.ndarray:
        """Where each row ends when it goes down the tree at `root`."""
        at = np.full(len(values), root)
        rows = np.flatnonzero(self.left[at] != LEAF)
        while len(rows):
            node = at[rows]
            goes_left = values[rows, self.feature[node]] <= self.threshold[node]
            at[rows] = np.where(goes_left, self.left[node], self.right[node])
            rows = rows[self.left[at[rows]] != LEAF]
        return at
