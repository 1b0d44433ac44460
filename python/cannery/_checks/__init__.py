"""Checks of values against annotations, and of wiring: what steps are given and give."""

from cannery._checks._check import Check, Mismatch, Walk, describe, name_of
from cannery._checks._classes import evaluate_fields, fields_of
from cannery._checks._compatible import alternatives, excluded, plain
from cannery._checks._compile import check_for
from cannery._checks._containers import unpacked

__all__ = [
    "Check",
    "Mismatch",
    "Walk",
    "alternatives",
    "check_for",
    "describe",
    "evaluate_fields",
    "excluded",
    "fields_of",
    "name_of",
    "plain",
    "unpacked",
]
