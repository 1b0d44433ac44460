"""The names of PyYAML's loaders and dumpers in C, by the name that programs import."""

from cannery._yaml_classes import (
    CBaseDumper,
    CBaseLoader,
    CDumper,
    CFullLoader,
    CLoader,
    CSafeDumper,
    CSafeLoader,
    CUnsafeLoader,
)

__all__ = [
    "CBaseDumper",
    "CBaseLoader",
    "CDumper",
    "CFullLoader",
    "CLoader",
    "CSafeDumper",
    "CSafeLoader",
    "CUnsafeLoader",
]
