"""Loaders to subclass, by the name that programs import."""

from cannery._yaml_classes import BaseLoader, FullLoader, Loader, SafeLoader, UnsafeLoader

__all__ = ["BaseLoader", "FullLoader", "Loader", "SafeLoader", "UnsafeLoader"]
