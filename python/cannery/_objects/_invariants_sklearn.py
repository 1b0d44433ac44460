"""What an object of scikit-learn has to be before it is used: for documents and for pickles."""

from __future__ import annotations

from cannery._objects._sklearn._invariants import check_object, check_state

__all__ = ["check_object", "check_state"]
