"""Objects to nodes, by the name that programs import."""

from cannery._yaml_errors import RepresenterError
from cannery._yaml_represent import BaseRepresenter, Representer, SafeRepresenter

__all__ = ["BaseRepresenter", "Representer", "RepresenterError", "SafeRepresenter"]
