"""Nodes to events, by the name that programs import."""

from cannery._yaml_errors import SerializerError
from cannery._yaml_represent import Serializer

__all__ = ["Serializer", "SerializerError"]
