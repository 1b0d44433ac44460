"""Dumpers to subclass, by the name that programs import."""

from cannery._yaml_classes import BaseDumper, Dumper, SafeDumper

__all__ = ["BaseDumper", "Dumper", "SafeDumper"]
